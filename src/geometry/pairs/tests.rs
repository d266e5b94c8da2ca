//! Tests of the pair pass against itself, on other kernels and pools and for other wishes; and what all its tests use.

mod theory;

use super::*;
use nalgebra::DMatrix;
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};

const EVERYTHING: Wanted = Wanted { centred: true, dot_squares: true, products: true };

/// Sizes about every edge: of a row block, a panel, a tile and a depth block.
const SHAPES: [(usize, usize); 14] = [
    (2, 1),
    (7, 2),
    (8, 8),
    (9, 3),
    (47, 16),
    (48, 17),
    (49, 329),
    (95, 1),
    (97, 1100),
    (193, 17),
    (193, 1100),
    (400, 3),
    (400, 329),
    (577, 513),
];

fn rng() -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(7)
}

fn gaussian(n: usize, d: usize) -> Embedding {
    let mut rng = rng();
    Embedding::new(DMatrix::from_fn(d, n, |_, _| StandardNormal.sample(&mut rng)))
}

fn uniform(n: usize, d: usize) -> Embedding {
    let mut rng = rng();
    Embedding::new(DMatrix::from_fn(d, n, |_, _| rng.random()))
}

fn statistics(embedding: &Embedding) -> PairStatistics {
    pair_statistics(embedding, EVERYTHING, Kernel::best(), false)
}

fn pairs(n: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..n).flat_map(move |i| (i + 1..n).map(move |j| (i, j)))
}

fn chain(embedding: &Embedding, i: usize, j: usize) -> f32 {
    let columns = embedding.column(i).iter().zip(embedding.column(j));
    columns.fold(0.0, |sum, (&a, &b)| a.mul_add(b, sum))
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The columns in f64, and the same with their mean taken away.
fn in_f64(embedding: &Embedding) -> [Vec<Vec<f64>>; 2] {
    let (n, d) = (embedding.n_concepts(), embedding.d_model());
    let plain: Vec<Vec<f64>> =
        (0..n).map(|i| embedding.column(i).iter().map(|&entry| f64::from(entry)).collect()).collect();
    let mean: Vec<f64> = (0..d).map(|k| plain.iter().map(|column| column[k]).sum::<f64>() / n as f64).collect();
    let centred =
        plain.iter().map(|column| column.iter().zip(&mean).map(|(entry, mean)| entry - mean).collect()).collect();
    [plain, centred]
}

/// Equal up to `tolerance` of `scale`.
#[track_caller]
fn assert_close(value: f64, exact: f64, scale: f64, tolerance: f64) {
    assert!(
        (value - exact).abs() <= tolerance * scale,
        "{value} for {exact}, off by {} of {scale}",
        (value - exact).abs() / scale
    );
}

/// All numbers as bits, for -0 and 0 differ.
fn bits(statistics: &PairStatistics) -> Vec<u64> {
    let s = statistics;
    let centred = s.centred.as_ref().unwrap();
    let mut bits = vec![s.n_pairs, s.histogram.n_zero(), centred.n_pairs];
    let sums = [s.sum_cos, s.sum_abs_cos, s.sum_cos2, s.sum_cos4, s.max_abs_cos];
    let centred_sums = [centred.sum_cos, centred.sum_cos2, centred.sum_dot2];
    let by_concept = [&s.square_norms, &centred.square_norms, s.dot_squares.as_ref().unwrap()];
    bits.extend(sums.iter().chain(&centred_sums).map(|sum| sum.to_bits()));
    bits.extend(by_concept.into_iter().flatten().map(|sum| sum.to_bits()));
    bits.extend(s.largest.iter().map(|largest| u64::from(largest.to_bits())));
    bits.extend(s.histogram.bins().flat_map(|(value, count)| [value.to_bits(), count]));
    bits
}

#[test]
fn law_kernels_and_pools_give_the_same_bits() {
    for (n, d) in SHAPES {
        // Uniform codes take the centred sums in the same pass, the shifted ones in a second.
        let shifted = Embedding::new(uniform(n, d).matrix().map(|entry| entry + 100.0));
        for embedding in [uniform(n, d), shifted] {
            let expected = bits(&pair_statistics(&embedding, EVERYTHING, Kernel::Scalar, false));
            for kernel in Kernel::available() {
                let alone = pair_statistics(&embedding, EVERYTHING, kernel, false);
                assert_eq!(bits(&alone), expected, "n {n} d {d} {kernel}");
                for n_threads in [1, 2, 7] {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
                    let shared = pool.install(|| pair_statistics(&embedding, EVERYTHING, kernel, true));
                    assert_eq!(bits(&shared), expected, "n {n} d {d} {kernel} {n_threads}");
                }
            }
        }
    }
}

#[test]
fn law_signs_and_few_units_have_the_bits_of_any_code() {
    let dense = |embedding: &Embedding, units: Option<&[f64]>, parallel| {
        Code::Dense(super::super::panels::Panels::new(embedding, units, parallel))
    };
    for (n, d) in [(2, 1), (49, 31), (193, 64), (400, 1100), (577, 33)] {
        let mut rng = rng();
        let signs = Embedding::new(DMatrix::from_fn(d, n, |_, _| if rng.random() { 1.0 } else { -1.0 }));
        // One unit of sixteen is active; short vectors are lifted.
        let few = |scale: f32| {
            let mut rng = rng.clone();
            let mut normal = || StandardNormal.sample(&mut rng);
            Embedding::new(DMatrix::from_fn(d, n, |k, i| {
                let entry: f32 = normal();
                if (7 * k + 13 * i) % 16 == 0 { entry * scale } else { 0.0 }
            }))
        };
        for (embedding, is_sign) in [(signs, true), (few(1.0), false), (few(1e-30), false)] {
            let squares = columns::lengths(&embedding, Kernel::Scalar, false).square_norms;
            if squares.contains(&0.0) {
                continue;
            }
            let code = Code::of(&embedding, lift::units(&squares).as_deref(), false);
            assert!(matches!(code, Code::Signs(_)) == is_sign && !matches!(code, Code::Dense(_)), "n {n} d {d}");
            let expected = bits(&statistics_by(dense, &embedding, EVERYTHING, Kernel::Scalar, false));
            for kernel in Kernel::available() {
                for parallel in [false, true] {
                    let found = pair_statistics(&embedding, EVERYTHING, kernel, parallel);
                    assert_eq!(bits(&found), expected, "n {n} d {d} {kernel}");
                }
            }
        }
    }
}

#[test]
fn theory_products_are_those_of_centred_vectors() {
    for (n, d) in [(12, 16), (49, 60), (193, 300), (400, 1100)] {
        for embedding in [gaussian(n, d), Embedding::new(gaussian(n, d).matrix().map(|entry| entry + 1000.0))] {
            let [_, centred] = in_f64(&embedding);
            let products = statistics(&embedding).centred.unwrap().products.expect("there are no more than d");
            let scale = dot(&centred[0], &centred[0]);
            for (i, j) in pairs(n).chain((0..n).map(|i| (i, i))) {
                assert_close(products.get(j, i), dot(&centred[i], &centred[j]), scale, 2e-5);
            }
        }
    }
    assert_eq!(statistics(&gaussian(9, 8)).centred.unwrap().products, None, "more concepts than units");
    assert_eq!(statistics(&uniform(49, 60)).centred.unwrap().products, None, "a mean that takes digits from them");
}

/// More than one wave of tiles: 64 tiles on a side are 2080 in the triangle.
#[test]
fn law_waves_of_tiles_lose_nothing() {
    let n = 64 * TILE;
    let embedding = uniform(n, 2);
    let alone = pair_statistics(&embedding, EVERYTHING, Kernel::best(), false);
    let shared = pair_statistics(&embedding, EVERYTHING, Kernel::best(), true);
    assert!(bits(&alone) == bits(&shared));
    assert_eq!(alone.n_pairs, (n * (n - 1) / 2) as u64);
    assert_eq!(alone.histogram.n_values(), alone.n_pairs);
    // Σ over j ≠ i of g² = wᵀ (W Wᵀ) w − ‖w‖⁴.
    let [columns, _] = in_f64(&embedding);
    let moment = |a: usize, b: usize| columns.iter().map(|w| w[a] * w[b]).sum::<f64>();
    let (aa, ab, bb) = (moment(0, 0), moment(0, 1), moment(1, 1));
    for (w, &squares) in columns.iter().zip(alone.dot_squares.as_ref().unwrap()) {
        let all = w[0] * w[0] * aa + 2.0 * w[0] * w[1] * ab + w[1] * w[1] * bb;
        let expected = all - dot(w, w).powi(2);
        assert_close(squares, expected, expected, 1e-6);
    }
}

#[test]
fn law_what_is_not_wanted_changes_nothing_else() {
    let embedding = uniform(300, 20);
    let all = statistics(&embedding);
    for (centred, dot_squares) in [(false, false), (false, true), (true, false)] {
        let wanted = Wanted { centred, dot_squares, products: centred };
        let some = pair_statistics(&embedding, wanted, Kernel::best(), false);
        let expected = PairStatistics {
            centred: all.centred.clone().filter(|_| centred),
            dot_squares: all.dot_squares.clone().filter(|_| dot_squares),
            ..all.clone()
        };
        assert_eq!(some, expected);
    }
}

#[test]
fn law_scale_does_not_matter_from_tiny_to_huge() {
    let plain = statistics(&gaussian(60, 40));
    for exponent in [-35, 35] {
        let scaled = Embedding::new(gaussian(60, 40).matrix().map(|entry| entry * 2.0_f32.powi(exponent)));
        let scaled = statistics(&scaled);
        assert_close(scaled.sum_cos4, plain.sum_cos4, plain.sum_cos4, 1e-12);
        assert_eq!(scaled.histogram, plain.histogram);
        let (scaled, plain) = (scaled.centred.unwrap(), plain.centred.as_ref().unwrap());
        assert_close(scaled.sum_cos2, plain.sum_cos2, plain.sum_cos2, 1e-12);
    }
}

#[test]
fn law_a_power_of_two_on_a_vector_changes_no_bit_of_its_cosines() {
    let plain = uniform(70, 21);
    let mut matrix = plain.matrix().clone();
    // Lengths down to 1e-36: all entries stay normal numbers of f32.
    for i in 0..70 {
        matrix.column_mut(i).scale_mut(2f32.powi(-(i as i32 * 7 % 116)));
    }
    let (plain, scaled) = (statistics(&plain), statistics(&Embedding::new(matrix)));
    let cosines = |s: &PairStatistics| {
        let sums = [s.sum_cos, s.sum_abs_cos, s.sum_cos2, s.sum_cos4, s.max_abs_cos];
        (sums.map(f64::to_bits), s.histogram.n_zero(), s.histogram.clone())
    };
    assert_eq!(cosines(&scaled), cosines(&plain));
}

#[test]
fn regress_products_of_the_shortest_vectors_do_not_vanish() {
    // Lengths of weak superposition: of order 1, 1e-23 and 1e-37, of which two products of entries are below all numbers of f32; all of them tiny; and all about a mean.
    let lengths = [[1.0, 1e-23, 1e-37], [1e-30, 3e-31, 2e-30], [1e-20, 1e-20, 1e-20]];
    for (lengths, offset) in lengths.into_iter().zip([0.5, 0.5, 9.0]) {
        let mut rng = rng();
        let entry = |_, i: usize| (rng.random::<f32>() - offset) * lengths[i % 3];
        let embedding = Embedding::new(DMatrix::from_fn(12, 100, entry));
        let found = statistics(&embedding);
        for kernel in Kernel::available() {
            let again = pair_statistics(&embedding, EVERYTHING, kernel, true);
            assert_eq!(bits(&again), bits(&found), "{kernel}");
        }
        let [plain, centred] = in_f64(&embedding);
        let norm = |vector: &[f64]| dot(vector, vector).sqrt();
        let cos = |of: &[Vec<f64>], i: usize, j: usize| dot(&of[i], &of[j]) / norm(&of[i]) / norm(&of[j]);
        let sum = |term: &dyn Fn(usize, usize) -> f64| pairs(100).map(|(i, j)| term(i, j)).sum::<f64>();
        assert_eq!(found.histogram.n_zero(), 0);
        assert_close(found.sum_cos2, sum(&|i, j| cos(&plain, i, j) * cos(&plain, i, j)), 1.0, 1e-4);
        for (i, &found) in found.dot_squares.as_ref().unwrap().iter().enumerate() {
            let others = (0..100).filter(|&j| j != i);
            let exact: f64 = others.map(|j| dot(&plain[i], &plain[j]) * dot(&plain[i], &plain[j])).sum();
            assert_close(found, exact, exact, 1e-6);
        }
        let about = found.centred.as_ref().unwrap();
        assert_close(about.sum_cos2, sum(&|i, j| cos(&centred, i, j) * cos(&centred, i, j)), 100.0, 1e-5);
        let exact = sum(&|i, j| dot(&centred[i], &centred[j]) * dot(&centred[i], &centred[j]));
        assert_close(about.sum_dot2, exact, exact, 1e-5);
    }
}
