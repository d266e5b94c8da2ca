//! Tests of the pair pass against plain loops and closed forms.

use super::*;

#[test]
fn theory_maxima_zeros_and_bins_are_those_of_a_plain_loop() {
    for (n, d) in SHAPES {
        let embedding = gaussian(n, d);
        let inverse: Vec<f64> = statistics(&embedding).square_norms.iter().map(|square| 1.0 / square.sqrt()).collect();
        let (mut max, mut largest) = (0.0_f64, vec![0.0_f32; n]);
        let mut counts = std::collections::BTreeMap::new();
        for (i, j) in pairs(n) {
            let dot = chain(&embedding, i, j);
            max = max.max((f64::from(dot) * inverse[i] * inverse[j]).abs());
            let abs = dot.abs() * inverse[i] as f32 * inverse[j] as f32;
            largest[i] = largest[i].max(abs);
            largest[j] = largest[j].max(abs);
            *counts.entry(abs.to_bits() >> 16).or_insert(0) += 1;
        }
        for kernel in Kernel::available() {
            let s = pair_statistics(&embedding, EVERYTHING, kernel, false);
            assert_eq!((s.n_pairs, s.histogram.n_values()), ((n * (n - 1) / 2) as u64, s.n_pairs), "n {n} d {d}");
            assert_eq!(s.histogram.n_zero(), counts.get(&0).copied().unwrap_or(0), "n {n} d {d} {kernel}");
            assert_eq!(s.max_abs_cos.to_bits(), max.to_bits(), "n {n} d {d} {kernel}");
            assert_eq!(s.largest, largest, "n {n} d {d} {kernel}");
            let bins = s.histogram.bins().map(|(value, count)| ((value as f32).to_bits() >> 16, count));
            assert!(bins.eq(counts.clone()), "n {n} d {d} {kernel}");
        }
    }
}

#[test]
fn theory_sums_are_those_of_plain_f64() {
    for (n, d) in SHAPES {
        for embedding in [gaussian(n, d), uniform(n, d)] {
            let s = statistics(&embedding);
            let [columns, _] = in_f64(&embedding);
            let (mut sums, mut squares) = ([0.0; 4], vec![0.0; n]);
            for (i, j) in pairs(n) {
                let g = dot(&columns[i], &columns[j]);
                let cos = g / (dot(&columns[i], &columns[i]) * dot(&columns[j], &columns[j])).sqrt();
                for (sum, term) in sums.iter_mut().zip([cos, cos.abs(), cos.powi(2), cos.powi(4)]) {
                    *sum += term;
                }
                squares[i] += g * g;
                squares[j] += g * g;
            }
            assert_close(s.sum_cos, sums[0], sums[1], 1e-6);
            assert_close(s.sum_abs_cos, sums[1], sums[1], 1e-6);
            assert_close(s.sum_cos2, sums[2], sums[2], 1e-6);
            assert_close(s.sum_cos4, sums[3], sums[3], 2e-6);
            for (square, expected) in s.dot_squares.unwrap().into_iter().zip(squares) {
                assert_close(square, expected, expected, 1e-6);
            }
        }
    }
}

#[test]
fn theory_sign_codes_are_exact() {
    for (n, d) in [(9, 16), (193, 64), (400, 1024)] {
        let mut rng = rng();
        let embedding = Embedding::new(DMatrix::from_fn(d, n, |_, _| if rng.random() { 1.0 } else { -1.0 }));
        let s = statistics(&embedding);
        // d is a power of 4, so 1 / ‖w‖ is exact too, and so are sums of multiples of d⁻² far below 2⁵³.
        let codes: Vec<Vec<i64>> =
            (0..n).map(|i| embedding.column(i).iter().map(|&sign| sign as i64).collect()).collect();
        let dots: Vec<i64> = pairs(n).map(|(i, j)| codes[i].iter().zip(&codes[j]).map(|(a, b)| a * b).sum()).collect();
        let sum = |term: fn(i64) -> i64| dots.iter().map(|&g| term(g)).sum::<i64>() as f64;
        let d = d as f64;
        assert_eq!(s.histogram.n_zero(), dots.iter().filter(|&&g| g == 0).count() as u64);
        assert_eq!(s.sum_cos, sum(|g| g) / d);
        assert_eq!(s.sum_abs_cos, sum(i64::abs) / d);
        assert_eq!(s.sum_cos2, sum(|g| g * g) / d.powi(2));
        assert_eq!(s.dot_squares.unwrap().iter().sum::<f64>(), 2.0 * sum(|g| g * g));
        assert_eq!(s.max_abs_cos, dots.iter().map(|g| g.abs()).max().unwrap() as f64 / d);
    }
}

#[test]
fn theory_one_hot_concepts_do_not_overlap() {
    for n in [2, 9, 49, 200] {
        let s = statistics(&Embedding::new(DMatrix::identity(n, n)));
        assert_eq!((s.histogram.n_zero(), s.n_pairs), ((n * (n - 1) / 2) as u64, (n * (n - 1) / 2) as u64));
        assert_eq!([s.sum_cos, s.sum_abs_cos, s.sum_cos2, s.sum_cos4, s.max_abs_cos], [0.0; 5]);
        assert_eq!(s.histogram.bins().collect::<Vec<_>>(), [(0.0, s.n_pairs)]);
        assert_eq!(s.dot_squares.unwrap(), vec![0.0; n]);
        // The corners of a simplex: every centred cosine is -1 / (n - 1).
        let (centred, n) = (s.centred.unwrap(), n as f64);
        assert_close(centred.sum_cos, -n / 2.0, n / 2.0, 1e-12);
        assert_close(centred.sum_cos2, n / 2.0 / (n - 1.0), n / 2.0 / (n - 1.0), 1e-12);
        assert_close(centred.sum_dot2, (n - 1.0) / n / 2.0, (n - 1.0) / n / 2.0, 1e-12);
    }
}

fn check_centred(embedding: &Embedding, tolerance: f64) {
    let n = embedding.n_concepts();
    let [_, columns] = in_f64(embedding);
    let norms: Vec<f64> = columns.iter().map(|column| dot(column, column).sqrt()).collect();
    let (mut sum, mut sum_abs, mut sum2, mut sum_dot2) = (0.0, 0.0, 0.0, 0.0);
    for (i, j) in pairs(n) {
        let g = dot(&columns[i], &columns[j]);
        let cos = g / norms[i] / norms[j];
        sum += cos;
        sum_abs += cos.abs();
        sum2 += cos * cos;
        sum_dot2 += g * g;
    }
    let s = statistics(embedding).centred.unwrap();
    assert_eq!(s.n_pairs, (n * (n - 1) / 2) as u64);
    assert_close(s.sum_cos, sum, sum_abs, tolerance);
    assert_close(s.sum_cos2, sum2, sum2, tolerance);
    assert_close(s.sum_dot2, sum_dot2, sum_dot2, tolerance);
    for (square, norm) in s.square_norms.iter().zip(norms) {
        assert_close(*square, norm * norm, norm * norm, 1e-9);
    }
}

#[test]
fn theory_centred_sums_are_those_of_centred_vectors() {
    for (n, d) in [(49, 3), (97, 64), (193, 329), (400, 1100)] {
        check_centred(&uniform(n, d), 1e-5);
        check_centred(&gaussian(n, d), 1e-5);
    }
}

#[test]
fn theory_a_dominant_mean_costs_no_digits() {
    for (n, d) in [(49, 3), (193, 64), (400, 1100)] {
        check_centred(&Embedding::new(gaussian(n, d).matrix().map(|entry| entry + 1000.0)), 1e-4);
    }
}

#[test]
fn theory_the_mean_itself_has_no_centred_direction() {
    // Two opposite pairs about (3, 0), and (3, 0) itself; all entries and the mean are exact.
    let embedding = Embedding::new(DMatrix::from_row_slice(2, 5, &[4., 2., 3., 3., 3., 0., 0., 1., -1., 0.]));
    let centred = statistics(&embedding).centred.unwrap();
    assert_eq!(centred.square_norms, [1., 1., 1., 1., 0.]);
    assert_eq!((centred.n_pairs, centred.sum_cos, centred.sum_cos2), (6, -2.0, 2.0));
    let same = Embedding::new(DMatrix::from_fn(7, 60, |k, _| 0.1 + k as f32));
    assert_eq!(statistics(&same).centred.unwrap().n_pairs, 0);
}

#[test]
fn theory_quantiles_are_those_of_sorted_overlaps() {
    for embedding in [gaussian(400, 100), uniform(193, 17), gaussian(97, 1)] {
        let s = statistics(&embedding);
        let norm = |i: usize| s.square_norms[i].sqrt();
        let mut sorted: Vec<f64> = pairs(embedding.n_concepts())
            .map(|(i, j)| f64::from(chain(&embedding, i, j)).abs() / norm(i) / norm(j))
            .collect();
        sorted.sort_by(f64::total_cmp);
        for q in [0.0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.9999, 1.0] {
            let rank = ((q * sorted.len() as f64).ceil() as usize).max(1);
            let exact = sorted[rank - 1];
            assert_close(s.histogram.quantile(q).unwrap(), exact, exact, 5e-3);
        }
    }
}

#[test]
fn theory_overlaps_of_random_vectors_have_variance_one_over_d() {
    for d in [64, 256] {
        let s = statistics(&gaussian(1000, d));
        let mean_square = s.sum_cos2 / s.n_pairs as f64;
        // Var(cos²) ≈ 2 / d², so the standard error is √(2 / N) / d: 0.2 %.
        assert_close(mean_square, 1.0 / d as f64, 1.0 / d as f64, 0.01);
    }
}
