//! Top pairs: the pairs of concepts that overlap most, exactly, without holding the others.

use super::{
    columns,
    embedding::Embedding,
    kernel::{Dots, Kernel, Task},
    lift,
    panels::{Block, PANEL, Panels, ROWS},
    reduction::{Place, mask},
};
use rayon::prelude::*;
use std::cmp::Ordering;

/// A pair of concepts and its cosine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// The first concept.
    pub i: usize,
    /// The second, above the first.
    pub j: usize,
    /// The cosine of their vectors, as in the pair statistics, to the bit.
    pub cosine: f64,
}

impl Pair {
    /// The larger |cosine| first; of equal ones the pair that stands first.
    fn order(&self, other: &Self) -> Ordering {
        let nearer = other.cosine.abs().total_cmp(&self.cosine.abs());
        nearer.then_with(|| (self.i, self.j).cmp(&(other.i, other.j)))
    }
}

/// The `count` pairs i < j with the largest |cosine|, largest first, of n ≥ 1 columns of d ≥ 1 finite entries, none of them zero.
///
/// O(n² d) time, O(n d + count) memory for each thread. The order of pairs is total, so neither the kernel nor the pool can change the result.
///
/// # Panics
/// Without columns or rows, and if this processor cannot run the kernel.
pub fn top_pairs(embedding: &Embedding, count: usize, kernel: Kernel, parallel: bool) -> Vec<Pair> {
    let square_norms = columns::square_norms(embedding, kernel, parallel);
    let units = lift::units(&square_norms);
    let inverse = lift::inverse_norms(&square_norms, units.as_deref());
    let panels = &Panels::new(embedding, units.as_deref(), parallel);
    let take = |mut best: Vec<Pair>, row_panel: usize| {
        kernel.run(Row { panels, row_panel, inverse: &inverse, count, best: &mut best });
        best
    };
    let mut best = if parallel {
        // Every thread takes long and short rows of the triangle in turn, and has its own best.
        let n_threads = rayon::current_num_threads();
        let share = |thread_idx| (thread_idx..panels.n_panels()).step_by(n_threads).fold(Vec::new(), take);
        (0..n_threads).into_par_iter().flat_map(share).collect()
    } else {
        (0..panels.n_panels()).fold(Vec::new(), take)
    };
    best.sort_unstable_by(Pair::order);
    best.truncate(count);
    best
}

/// All pairs whose first concept lies in a panel, to be run by a kernel.
struct Row<'a> {
    panels: &'a Panels,
    row_panel: usize,
    inverse: &'a [f64],
    count: usize,
    /// The best so far, and up to as many more that wait to be sorted in.
    best: &'a mut Vec<Pair>,
}

impl Task for Row<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self, dots: Dots) {
        let Self { panels, row_panel, inverse, count, best } = self;
        let n_concepts = panels.n_concepts();
        let rows = panels.panel(row_panel);
        let mut block = Block::ZERO;
        let mut least = least(best, count);
        for column_panel in row_panel..panels.n_panels() {
            let columns = panels.panel(column_panel);
            let mut scales = [0.0; PANEL];
            let present = &inverse[column_panel * PANEL..n_concepts.min((column_panel + 1) * PANEL)];
            scales[..present.len()].copy_from_slice(present);
            for first in (0..PANEL).step_by(ROWS) {
                let (row_idx, column_idx) = (row_panel * PANEL + first, column_panel * PANEL);
                let place = Place { first, row_idx, column_idx, n_concepts };
                if row_idx + 1 >= n_concepts {
                    break;
                }
                dots.set(rows, first, columns, &mut block, false);
                if place.is_partial() {
                    mask(&mut block, place);
                }
                for (i, dots) in (row_idx..n_concepts).zip(&block.0) {
                    let cosine = |c: usize| f64::from(dots[c]) * inverse[i] * scales[c];
                    // Pairs as good as the least of the best may stand before it.
                    let n_good = (0..PANEL).map(|c| u64::from(cosine(c).abs() >= least)).sum::<u64>();
                    if n_good > 0 {
                        for c in (0..PANEL).filter(|&c| cosine(c).abs() >= least) {
                            let j = column_idx + c;
                            if j > i && j < n_concepts {
                                best.push(Pair { i, j, cosine: cosine(c) });
                            }
                        }
                        if best.len() >= 2 * count {
                            least = shorten(best, count);
                        }
                    }
                }
            }
        }
    }
}

/// What a pair must reach to be among the best.
fn least(best: &mut Vec<Pair>, count: usize) -> f64 {
    if best.len() < count { 0.0 } else { shorten(best, count) }
}

/// Keeps the best, and tells the least of them.
fn shorten(best: &mut Vec<Pair>, count: usize) -> f64 {
    best.sort_unstable_by(Pair::order);
    best.truncate(count);
    best.last().map_or(f64::INFINITY, |pair| pair.cosine.abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::pairs::{Wanted, pair_statistics};
    use crate::seed::Stream;
    use nalgebra::DMatrix;
    use rand_distr::{Distribution, StandardNormal};

    fn gaussian(n: usize, d: usize) -> Embedding {
        let mut rng = Stream::from_seed(8).rng();
        Embedding::new(DMatrix::from_fn(d, n, |_, _| StandardNormal.sample(&mut rng)))
    }

    #[test]
    fn theory_the_best_pairs_are_those_of_all_pairs_sorted() {
        for (n, d, count) in [(1, 3, 4), (2, 1, 1), (9, 3, 100), (97, 1100, 7), (400, 6, 50), (150, 2, 1)] {
            let embedding = gaussian(n, d);
            let w = embedding.matrix().map(f64::from);
            let cosine = |i: usize, j: usize| w.column(i).dot(&w.column(j)) / (w.column(i).norm() * w.column(j).norm());
            let mut all: Vec<Pair> = (0..n)
                .flat_map(|i| (i + 1..n).map(move |j| (i, j)))
                .map(|(i, j)| Pair { i, j, cosine: cosine(i, j) })
                .collect();
            all.sort_by(Pair::order);
            all.truncate(count);
            let expected = top_pairs(&embedding, count, Kernel::Scalar, false);
            assert_eq!(expected.len(), all.len());
            for (found, exact) in expected.iter().zip(&all) {
                assert!((found.cosine - exact.cosine).abs() < 1e-6, "n {n} d {d}: {found:?} {exact:?}");
                assert!((cosine(found.i, found.j) - found.cosine).abs() < 1e-6, "n {n} d {d}: {found:?}");
            }
            for kernel in Kernel::available() {
                assert_eq!(top_pairs(&embedding, count, kernel, false), expected, "{kernel}");
                assert_eq!(top_pairs(&embedding, count, kernel, true), expected, "{kernel}, shared");
            }
            if n > 1 {
                let coherence = pair_statistics(&embedding, Wanted::default(), Kernel::best(), false).max_abs_cos;
                assert_eq!(expected[0].cosine.abs(), coherence);
            }
        }
    }

    #[test]
    fn theory_of_equal_pairs_the_first_come_first() {
        // 100 unit vectors and their opposites: 100 pairs at −1, all others at 0.
        let embedding = Embedding::new(DMatrix::from_fn(100, 200, |k, i| match i {
            _ if i == k => 1.0,
            _ if i == k + 100 => -1.0,
            _ => 0.0,
        }));
        let best = top_pairs(&embedding, 3, Kernel::best(), true);
        assert_eq!(best, [0, 1, 2].map(|i| Pair { i, j: i + 100, cosine: -1.0 }));
        let all = top_pairs(&embedding, 102, Kernel::best(), true);
        assert_eq!(all[99..].iter().map(|pair| (pair.i, pair.j)).collect::<Vec<_>>(), [(99, 199), (0, 1), (0, 2)]);
    }
}
