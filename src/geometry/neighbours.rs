//! Neighbours: the k nearest others of every vector, exactly, in one pass that holds no more than they.

use super::{
    columns,
    embedding::Embedding,
    kernel::{Dots, Kernel, Task},
    lift,
    panels::{PANEL, Panels},
    reduction::{LANES, total},
    strip,
};
use rayon::prelude::*;

/// What makes a vector near another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// A large cosine; −1 to 1.
    Cosine,
    /// A small Euclidean distance.
    Euclidean,
}

/// The k nearest others of some of the vectors, nearest first; of those equally near the one that stands first in the embedding.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbours {
    /// Number of neighbours of each.
    pub k: usize,
    /// Their numbers, k of every vector that was asked.
    pub indices: Vec<u32>,
    /// Their cosines, or their distances.
    pub values: Vec<f64>,
}

/// Candidates beyond k that are looked at in f64, so that the rounding of a product in f32 puts no neighbour out of place.
const SLACK: usize = 8;

/// Below this part of the mean ‖w‖², the vectors are moved to their mean before distances are told apart: products of vectors far from 0 have lost their digits.
const FAR: f64 = 0.5;

/// Bytes that [`neighbours`] takes beside the embedding, for n vectors in d units and k neighbours: two copies, the neighbours and a few numbers for each.
pub fn memory(n_concepts: u64, d_model: u64, k: u64) -> u64 {
    let padded = n_concepts.div_ceil(PANEL as u64).saturating_mul(PANEL as u64);
    let copies = padded.saturating_mul(d_model).saturating_mul(8);
    copies.saturating_add(n_concepts.saturating_mul(32 + 28 * k.saturating_add(SLACK as u64))).saturating_add(1 << 20)
}

/// Seconds on one core for `n_asked` of n vectors in d units.
pub fn seconds(n_asked: f64, n_concepts: f64, d_model: f64) -> f64 {
    n_asked * n_concepts * (2.0 * d_model / 160e9 + 0.4e-9)
}

/// The k nearest others of every column, or of those that are `asked`, in that order: 1 ≤ k < n columns of d ≥ 1 finite entries, none of them zero.
///
/// Two passes over the pairs in one: products in f32, as in the pair statistics, choose k + 8 candidates, and distances or cosines of these in f64 choose among them. So a
/// neighbour is out of place only where more than 8 others lie within the rounding of an f32 product of the last one, a few 1e-7 of the squared length (about
/// the mean, where that is shorter). O(n² d) time, each pair from both sides; O(n (d + k)) memory. Neither the kernel nor the pool can change a bit: each vector has
/// candidates of its own, found in the order of the columns.
///
/// # Panics
/// For k = 0 or k ≥ n, and if this processor cannot run the kernel.
pub fn neighbours(
    embedding: &Embedding,
    asked: Option<&[usize]>,
    metric: Metric,
    k: usize,
    kernel: Kernel,
    parallel: bool,
) -> Neighbours {
    let n = embedding.n_concepts();
    assert!(0 < k && k < n, "{k} neighbours among {n} vectors");
    let square_norms = columns::square_norms(embedding, kernel, parallel);
    let moved = match metric {
        Metric::Cosine => None,
        Metric::Euclidean => about_mean(embedding, &square_norms, kernel, parallel),
    };
    let compared = moved.as_ref().unwrap_or(embedding);
    // For one row the order of cos and of −‖a − b‖² is that of a·b times a factor and plus a term of b; absent columns come last.
    let mut keys = vec![Keys { factor: [0.0; PANEL], term: [f64::NEG_INFINITY; PANEL] }; n.div_ceil(PANEL)];
    let compared_squares = moved.as_ref().map(|moved| columns::square_norms(moved, kernel, parallel));
    let squares = compared_squares.as_ref().unwrap_or(&square_norms);
    // Directions are each lifted by themselves; distances all together, if even the longest vector is short.
    let units = match metric {
        Metric::Cosine => lift::units(squares),
        Metric::Euclidean => {
            let longest = squares.iter().copied().fold(0.0, f64::max);
            lift::units(&[longest]).map(|unit| vec![unit[0]; n])
        }
    };
    for (i, &square) in squares.iter().enumerate() {
        let unit = units.as_ref().map_or(1.0, |units| units[i]);
        let (factor, term) = match metric {
            Metric::Cosine => (unit / square.sqrt(), 0.0),
            Metric::Euclidean => (1.0, -0.5 * square / unit / unit),
        };
        keys[i / PANEL].factor[i % PANEL] = factor;
        keys[i / PANEL].term[i % PANEL] = term;
    }
    let columns = Panels::new(compared, units.as_deref(), parallel);
    let rows = asked.map(|asked| {
        let units: Option<Vec<f64>> = units.as_ref().map(|units| asked.iter().map(|&i| units[i]).collect());
        Panels::new(&Embedding::new(compared.matrix().select_columns(asked)), units.as_deref(), parallel)
    });
    drop(moved);
    let pass = Pass {
        embedding,
        square_norms: &square_norms,
        metric,
        keys: &keys,
        columns: &columns,
        rows: rows.as_ref().unwrap_or(&columns),
        asked,
        k,
    };
    let n_strips = strip::n_strips(pass.rows);
    let of_strip = |strip| kernel.run(Strip { pass: &pass, strip });
    let found: Vec<Neighbours> = if parallel {
        (0..n_strips).into_par_iter().map(of_strip).collect()
    } else {
        (0..n_strips).map(of_strip).collect()
    };
    let mut all = Neighbours { k, indices: Vec::new(), values: Vec::new() };
    for strip in found {
        all.indices.extend(strip.indices);
        all.values.extend(strip.values);
    }
    all
}

impl Neighbours {
    /// The numbers of the neighbours of each vector.
    pub fn lists(&self) -> std::slice::ChunksExact<'_, u32> {
        self.indices.chunks_exact(self.k)
    }

    /// The cosines or distances of the neighbours of each vector.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, f64> {
        self.values.chunks_exact(self.k)
    }
}

/// The vectors about their mean, if they lie far enough from 0 for that to matter.
fn about_mean(embedding: &Embedding, square_norms: &[f64], kernel: Kernel, parallel: bool) -> Option<Embedding> {
    let mean = columns::mean(embedding, kernel, parallel);
    let about = columns::about_mean(embedding, &mean, square_norms, kernel, parallel);
    let deviation: f64 = about.square_deviations.iter().sum();
    (deviation < FAR * square_norms.iter().sum::<f64>()).then(|| columns::centred(embedding, &mean, parallel))
}

/// What a product is multiplied by and added to, for the 48 columns of a panel.
#[derive(Clone, Copy)]
struct Keys {
    factor: [f64; PANEL],
    term: [f64; PANEL],
}

/// What all strips read.
struct Pass<'a> {
    embedding: &'a Embedding,
    square_norms: &'a [f64],
    metric: Metric,
    keys: &'a [Keys],
    columns: &'a Panels,
    rows: &'a Panels,
    asked: Option<&'a [usize]>,
    k: usize,
}

/// The rows of four panels against all columns, to be run by a kernel.
struct Strip<'a> {
    pass: &'a Pass<'a>,
    strip: usize,
}

/// The candidates of one row, best first.
struct Candidates {
    /// The column that is the row itself.
    own: u32,
    capacity: usize,
    keys: Vec<f64>,
    indices: Vec<u32>,
}

impl Candidates {
    /// What a key must exceed.
    #[inline(always)]
    fn threshold(&self) -> f64 {
        if self.keys.len() < self.capacity { f64::NEG_INFINITY } else { self.keys[self.capacity - 1] }
    }

    /// Takes one in, behind those as good, which came before it.
    fn insert(&mut self, key: f64, idx: u32) {
        if idx == self.own || key <= self.threshold() {
            return;
        }
        if self.keys.len() == self.capacity {
            self.keys.pop();
            self.indices.pop();
        }
        let place = self.keys.partition_point(|&other| other >= key);
        self.keys.insert(place, key);
        self.indices.insert(place, idx);
    }
}

impl Task for Strip<'_> {
    type Output = Neighbours;

    #[inline(always)]
    fn run(self, dots: Dots) -> Neighbours {
        let Self { pass, strip } = self;
        let rows = strip::rows_of(pass.rows, strip);
        let capacity = (pass.k + SLACK).min(pass.columns.n_concepts() - 1);
        let new = |row: usize| Candidates {
            own: pass.asked.map_or(row, |asked| asked[row]) as u32,
            capacity,
            keys: Vec::with_capacity(capacity),
            indices: Vec::with_capacity(capacity),
        };
        let mut candidates: Vec<Candidates> = rows.clone().map(new).collect();
        strip::sweep(dots, pass.rows, pass.columns, strip, |block, first, panel| {
            let of_rows = candidates[first - rows.start..].iter_mut();
            for (products, candidates) in block.0.iter().zip(of_rows) {
                choose(products, &pass.keys[panel], panel * PANEL, candidates);
            }
        });
        let mut found = Neighbours { k: pass.k, indices: Vec::new(), values: Vec::new() };
        for candidates in candidates {
            let value = |&idx: &u32| (exact(pass, candidates.own as usize, idx as usize), idx);
            let mut exact: Vec<(f64, u32)> = candidates.indices.iter().map(value).collect();
            exact.sort_unstable_by(|a, b| {
                let nearer = if pass.metric == Metric::Cosine { b.0.total_cmp(&a.0) } else { a.0.total_cmp(&b.0) };
                nearer.then(a.1.cmp(&b.1))
            });
            found.values.extend(exact[..pass.k].iter().map(|(value, _)| value));
            found.indices.extend(exact[..pass.k].iter().map(|(_, idx)| idx));
        }
        found
    }
}

/// Takes in what of a row of products is better than the worst candidate.
#[inline(always)]
fn choose(products: &[f32; PANEL], keys: &Keys, first_column: usize, candidates: &mut Candidates) {
    let threshold = candidates.threshold();
    let key = |c: usize| f64::from(products[c]) * keys.factor[c] + keys.term[c];
    let n_better = (0..PANEL).map(|c| u64::from(key(c) > threshold)).sum::<u64>();
    // Once the candidates are good, most rows have none, and are done with before any branch.
    if n_better > 0 {
        (0..PANEL).filter(|&c| key(c) > threshold).for_each(|c| candidates.insert(key(c), (first_column + c) as u32));
    }
}

/// The cosine or the distance of two columns, in f64.
#[inline(always)]
fn exact(pass: &Pass, i: usize, j: usize) -> f64 {
    let (a, b) = (pass.embedding.column(i), pass.embedding.column(j));
    let is_cosine = pass.metric == Metric::Cosine;
    let term = |x: f32, y: f32| {
        let (x, y) = (f64::from(x), f64::from(y));
        if is_cosine { x * y } else { (x - y) * (x - y) }
    };
    let mut sums = [0.0; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += term(a[lane], b[lane]);
        }
    }
    for (lane, (&x, &y)) in a_rest.iter().zip(b_rest).enumerate() {
        sums[lane] += term(x, y);
    }
    let sum = total(sums);
    match pass.metric {
        Metric::Cosine => (sum / (pass.square_norms[i].sqrt() * pass.square_norms[j].sqrt())).clamp(-1.0, 1.0),
        Metric::Euclidean => sum.sqrt(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Stream;
    use nalgebra::DMatrix;
    use rand_distr::{Distribution, StandardNormal};

    fn gaussian(n: usize, d: usize, offset: f32) -> Embedding {
        let mut rng = Stream::from_seed(7).stream(&format!("{n} {d}")).rng();
        let entry = |_, _| offset + Distribution::<f32>::sample(&StandardNormal, &mut rng);
        Embedding::new(DMatrix::from_fn(d, n, entry))
    }

    /// All others of a vector, sorted in f64.
    fn sorted(embedding: &Embedding, i: usize, metric: Metric) -> Vec<(f64, u32)> {
        let column = |i: usize| embedding.matrix().column(i).map(f64::from);
        let value = |j: usize| match metric {
            Metric::Cosine => column(i).dot(&column(j)) / (column(i).norm() * column(j).norm()),
            Metric::Euclidean => (column(i) - column(j)).norm(),
        };
        let others = (0..embedding.n_concepts()).filter(|&j| j != i);
        let mut all: Vec<(f64, u32)> = others.map(|j| (value(j), j as u32)).collect();
        let sign = if metric == Metric::Cosine { -1.0 } else { 1.0 };
        all.sort_by(|a, b| (sign * a.0).total_cmp(&(sign * b.0)).then(a.1.cmp(&b.1)));
        all
    }

    #[test]
    fn theory_neighbours_are_those_of_all_pairs_sorted() {
        for (n, d, k, offset) in [
            (2, 1, 1, 0.0),
            (9, 3, 8, 0.0),
            (49, 5, 3, 0.0),
            (193, 17, 10, 0.0),
            (250, 1100, 5, 0.0),
            (400, 6, 30, 300.0),
        ] {
            let embedding = gaussian(n, d, offset);
            for metric in [Metric::Euclidean, Metric::Cosine] {
                // So far from 0, cosines of Gaussian vectors differ by less than the rounding of a product.
                if metric == Metric::Cosine && (offset > 0.0 || d == 1) {
                    continue;
                }
                let found = neighbours(&embedding, None, metric, k, Kernel::best(), true);
                for (i, (list, values)) in found.lists().zip(found.rows()).enumerate() {
                    let expected = &sorted(&embedding, i, metric)[..k];
                    let indices: Vec<u32> = expected.iter().map(|(_, j)| *j).collect();
                    assert_eq!(list, indices, "n {n} d {d} {metric:?} {i}");
                    for (value, (expected, _)) in values.iter().zip(expected) {
                        assert!((value - expected).abs() < 1e-12, "{value} {expected}");
                    }
                }
            }
        }
    }

    #[test]
    fn regress_the_shortest_vectors_have_the_neighbours_of_their_directions() {
        let plain = gaussian(90, 7, 0.0);
        for metric in [Metric::Euclidean, Metric::Cosine] {
            let (plain_found, small) = (neighbours(&plain, None, metric, 5, Kernel::best(), false), 2f32.powi(-100));
            let found = neighbours(&Embedding::new(plain.matrix() * small), None, metric, 5, Kernel::best(), true);
            assert_eq!(found.indices, plain_found.indices, "{metric:?}");
        }
        // Each by a power of its own: directions alone stay.
        let mut matrix = plain.matrix().clone();
        (0..90).for_each(|i| matrix.column_mut(i).scale_mut(2f32.powi(-(i as i32 * 7 % 110))));
        let found = neighbours(&Embedding::new(matrix), None, Metric::Cosine, 5, Kernel::best(), false);
        assert_eq!(found, neighbours(&plain, None, Metric::Cosine, 5, Kernel::best(), false));
    }

    #[test]
    fn law_all_kernels_and_pools_give_the_same_bits() {
        let embedding = gaussian(300, 700, 0.2);
        for metric in [Metric::Euclidean, Metric::Cosine] {
            let expected = neighbours(&embedding, None, metric, 12, Kernel::Scalar, false);
            for kernel in Kernel::available() {
                assert_eq!(neighbours(&embedding, None, metric, 12, kernel, false), expected, "{kernel}");
                assert_eq!(neighbours(&embedding, None, metric, 12, kernel, true), expected, "{kernel}, shared");
            }
            // Fewer neighbours are the first of more, and asking some of them changes none.
            let few = neighbours(&embedding, Some(&[250, 3, 299]), metric, 4, Kernel::best(), false);
            for (list, asked) in few.lists().zip([250, 3, 299]) {
                assert_eq!(list, &expected.indices[asked * 12..][..4]);
            }
        }
    }

    #[test]
    fn theory_of_those_equally_near_the_first_comes_first() {
        // Unit vectors: all distances are √2, all cosines 0; and one of them three times.
        let embedding = Embedding::new(DMatrix::from_fn(60, 62, |k, i| f32::from(k == i || i >= 60 && k == 7)));
        for metric in [Metric::Euclidean, Metric::Cosine] {
            let found = neighbours(&embedding, None, metric, 5, Kernel::best(), false);
            assert_eq!(found.lists().next(), Some(&[1, 2, 3, 4, 5][..]));
            assert_eq!(found.lists().nth(2), Some(&[0, 1, 3, 4, 5][..]));
            assert_eq!(found.lists().nth(7), Some(&[60, 61, 0, 1, 2][..]));
            assert_eq!(found.lists().nth(61), Some(&[7, 60, 0, 1, 2][..]));
        }
        let found = neighbours(&embedding, None, Metric::Euclidean, 3, Kernel::best(), false);
        assert_eq!(found.rows().nth(7), Some(&[0.0, 0.0, 2f64.sqrt()][..]));
    }
}
