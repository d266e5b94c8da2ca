//! Graph: the concepts as points that are joined where their cosine is large, and how the graph falls into components.

use super::{
    columns,
    embedding::Embedding,
    kernel::{Dots, Kernel, Task},
    lift,
    panels::{Block, PANEL, Panels, ROWS},
    reduction::{Place, mask},
};
use rayon::prelude::*;

/// The graph that joins the concepts i and j where |cos| is above a threshold: what is known of it without holding its edges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    /// Pairs i < j that are joined.
    pub n_edges: u64,
    /// Numbers of concepts of the components, largest first.
    pub components: Vec<usize>,
}

/// Bytes that [`graph`] takes beside the embedding, for n concepts in d units: a copy in panels and a few numbers for each concept.
pub fn memory(n_concepts: u64, d_model: u64) -> u64 {
    let padded = n_concepts.div_ceil(PANEL as u64).saturating_mul(PANEL as u64);
    padded
        .saturating_mul(d_model)
        .saturating_mul(4)
        .saturating_add(n_concepts.saturating_mul(256))
        .saturating_add(1 << 20)
}

/// The graph of n ≥ 1 columns of d ≥ 1 finite entries, none of them zero, whose edges are the pairs with |cos| > `threshold` ≥ 0.
///
/// O(n² d) time, O(n d) memory: the edges of a block of pairs are joined at once and forgotten. The cosines are those of the pair
/// statistics, to the bit, and components do not depend on the order of edges, so neither the kernel nor the pool can change the result.
///
/// # Panics
/// Without columns or rows, and if this processor cannot run the kernel.
pub fn graph(embedding: &Embedding, threshold: f64, kernel: Kernel, parallel: bool) -> Graph {
    let n_concepts = embedding.n_concepts();
    let square_norms = columns::square_norms(embedding, kernel, parallel);
    let units = lift::units(&square_norms);
    let inverse = lift::inverse_norms(&square_norms, units.as_deref());
    let panels = &Panels::new(embedding, units.as_deref(), parallel);
    let joined = |mut found: Found, row_panel: usize| {
        kernel.run(Row { panels, row_panel, inverse: &inverse, threshold, found: &mut found });
        found
    };
    let nothing = || Found { n_edges: 0, forest: Forest::new(n_concepts) };
    let found = if parallel {
        // Every thread takes long and short rows of the triangle in turn, and has one forest.
        let n_threads = rayon::current_num_threads();
        let share = |thread_idx| (thread_idx..panels.n_panels()).step_by(n_threads).fold(nothing(), joined);
        (0..n_threads).into_par_iter().map(share).reduce(nothing, Found::merge)
    } else {
        (0..panels.n_panels()).fold(nothing(), joined)
    };
    Graph { n_edges: found.n_edges, components: found.forest.components() }
}

/// What some of the pairs have joined.
struct Found {
    n_edges: u64,
    forest: Forest,
}

impl Found {
    fn merge(mut self, other: Self) -> Self {
        self.n_edges += other.n_edges;
        for (i, &parent) in other.forest.parents.iter().enumerate() {
            self.forest.join(i, parent);
        }
        self
    }
}

/// All pairs whose first concept lies in a panel, to be run by a kernel.
struct Row<'a> {
    panels: &'a Panels,
    row_panel: usize,
    inverse: &'a [f64],
    threshold: f64,
    found: &'a mut Found,
}

impl Task for Row<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self, dots: Dots) {
        let n_concepts = self.panels.n_concepts();
        let rows = self.panels.panel(self.row_panel);
        let mut block = Block::ZERO;
        for column_panel in self.row_panel..self.panels.n_panels() {
            let columns = self.panels.panel(column_panel);
            // Absent concepts have no cosines: their products are 0.
            let mut scales = [0.0; PANEL];
            let present = &self.inverse[column_panel * PANEL..n_concepts.min((column_panel + 1) * PANEL)];
            scales[..present.len()].copy_from_slice(present);
            for first in (0..PANEL).step_by(ROWS) {
                let (row_idx, column_idx) = (self.row_panel * PANEL + first, column_panel * PANEL);
                let place = Place { first, row_idx, column_idx, n_concepts };
                if row_idx + 1 >= n_concepts {
                    break;
                }
                dots.set(rows, first, columns, &mut block, false);
                if place.is_partial() {
                    mask(&mut block, place);
                }
                for (i, dots) in (row_idx..n_concepts).zip(&block.0) {
                    let inverse = self.inverse[i];
                    let is_edge = |c: usize| (f64::from(dots[c]) * inverse * scales[c]).abs() > self.threshold;
                    let n_edges = (0..PANEL).map(|c| u64::from(is_edge(c))).sum::<u64>();
                    // Most rows of a sparse graph have none, and are done with before any branch.
                    if n_edges > 0 {
                        self.found.n_edges += n_edges;
                        (0..PANEL).filter(|&c| is_edge(c)).for_each(|c| self.found.forest.join(i, column_idx + c));
                    }
                }
            }
        }
    }
}

/// Points that are joined one pair at a time: union–find, by size, with halved paths.
///
/// Source: Tarjan & van Leeuwen (1984), J. ACM 31.
pub struct Forest {
    parents: Vec<usize>,
    /// Of roots, the number of points below, themselves included.
    sizes: Vec<usize>,
}

impl Forest {
    /// So many points, none joined.
    pub fn new(n_points: usize) -> Self {
        Self { parents: (0..n_points).collect(), sizes: vec![1; n_points] }
    }

    /// Makes one component of those of two points.
    pub fn join(&mut self, i: usize, j: usize) {
        let (a, b) = (self.root(i), self.root(j));
        if a != b {
            let (child, parent) = if self.sizes[a] < self.sizes[b] { (a, b) } else { (b, a) };
            self.parents[child] = parent;
            self.sizes[parent] += self.sizes[child];
        }
    }

    fn root(&mut self, mut i: usize) -> usize {
        while self.parents[i] != i {
            self.parents[i] = self.parents[self.parents[i]];
            i = self.parents[i];
        }
        i
    }

    /// Numbers of points of the components, largest first.
    pub fn components(&self) -> Vec<usize> {
        let roots = (0..self.parents.len()).filter(|&i| self.parents[i] == i);
        let mut sizes: Vec<usize> = roots.map(|root| self.sizes[root]).collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        sizes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::pairs::{Wanted, pair_statistics};
    use crate::seed::Stream;
    use nalgebra::DMatrix;
    use rand_distr::{Distribution, StandardNormal};

    fn gaussian(n: usize, d: usize) -> Embedding {
        let mut rng = Stream::from_seed(7).rng();
        Embedding::new(DMatrix::from_fn(d, n, |_, _| StandardNormal.sample(&mut rng)))
    }

    fn lone(n: usize) -> Vec<usize> {
        vec![1; n]
    }

    #[test]
    fn theory_components_of_a_known_graph() {
        // Directions in the plane, 10° apart in each of three bundles: |cos| > cos 15° joins neighbours.
        let angles = [0.0_f64, 10.0, 20.0, 30.0, 60.0, 70.0, 110.0, 190.0];
        let embedding = Embedding::new(DMatrix::from_fn(2, 8, |k, i| {
            let (sin, cos) = angles[i].to_radians().sin_cos();
            3.0_f32 * if k == 0 { cos as f32 } else { sin as f32 }
        }));
        let found = graph(&embedding, 15.0_f64.to_radians().cos(), Kernel::best(), false);
        // 190° is the line of 10°: neighbours 0, 10, 20.
        assert_eq!(found, Graph { n_edges: 3 + 1 + 3, components: vec![5, 2, 1] });
        assert_eq!(
            graph(&embedding, 1.0 - 1e-6, Kernel::best(), false).components,
            [[2].as_slice(), &lone(6)].concat()
        );
    }

    #[test]
    fn theory_every_pair_is_compared_once_at_every_edge_of_the_layout() {
        for (n, d) in [(1, 3), (2, 1), (8, 8), (47, 16), (48, 17), (49, 60), (97, 1100), (193, 17), (400, 3)] {
            let embedding = gaussian(n, d);
            let cosine = |i: usize, j: usize| {
                let dot =
                    |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
                let (a, b) = (embedding.column(i), embedding.column(j));
                (dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()).abs()
            };
            // No cosine lies within rounding of these thresholds.
            for threshold in [0.0, 0.37 / (d as f64).sqrt(), 1.2345 / (d as f64).sqrt(), 2.5 / (d as f64).sqrt()] {
                let mut forest = Forest::new(n);
                let edges: Vec<_> = (0..n)
                    .flat_map(|i| (i + 1..n).map(move |j| (i, j)))
                    .filter(|&(i, j)| cosine(i, j) > threshold)
                    .collect();
                edges.iter().for_each(|&(i, j)| forest.join(i, j));
                let expected = Graph { n_edges: edges.len() as u64, components: forest.components() };
                for kernel in Kernel::available() {
                    assert_eq!(graph(&embedding, threshold, kernel, false), expected, "n {n} d {d} {kernel}");
                    assert_eq!(graph(&embedding, threshold, kernel, true), expected, "n {n} d {d} {kernel}, shared");
                }
            }
        }
    }

    #[test]
    fn law_the_cosines_are_those_of_the_pair_statistics() {
        let embedding = gaussian(300, 700);
        let statistics = pair_statistics(&embedding, Wanted::default(), Kernel::best(), false);
        let largest = statistics.max_abs_cos;
        assert_eq!(graph(&embedding, largest, Kernel::best(), false), Graph { n_edges: 0, components: lone(300) });
        assert_eq!(graph(&embedding, largest.next_down(), Kernel::best(), false).n_edges, 1);
        assert_eq!(
            graph(&embedding, 0.0, Kernel::best(), false).n_edges,
            statistics.n_pairs - statistics.histogram.n_zero()
        );
    }

    #[test]
    fn law_components_do_not_depend_on_the_order_of_the_edges() {
        let edges = [(0, 1), (2, 3), (1, 2), (5, 6), (3, 0), (8, 8), (7, 5)];
        let mut forest = Forest::new(10);
        edges.iter().for_each(|&(i, j)| forest.join(i, j));
        let mut backwards = Forest::new(10);
        edges.iter().rev().for_each(|&(i, j)| backwards.join(j, i));
        assert_eq!(forest.components(), [4, 3, 1, 1, 1]);
        assert_eq!(backwards.components(), forest.components());
    }
}
