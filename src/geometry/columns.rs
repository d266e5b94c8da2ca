//! Columns: the sums over single concepts that the pair statistics are scaled and centred by.

use super::{
    embedding::Embedding,
    kernel::{Dots, Kernel, Task},
    reduction::{LANES, total},
};
use rayon::prelude::*;

/// Columns that are summed together; part of the definition of the mean, whose groups are added in order.
const GROUP: usize = 256;

/// ‖w_i‖² of every column, in f64.
///
/// Entry k is added to lane k mod 16, and the lanes are added by [`total`]. O(n d).
pub fn square_norms(embedding: &Embedding, kernel: Kernel, parallel: bool) -> Vec<f64> {
    in_groups(embedding, parallel, |_, columns| kernel.run(SquareNorms { columns, d_model: embedding.d_model() }))
        .concat()
}

/// What the columns are by themselves.
pub struct Lengths {
    /// ‖w_i‖² of every column.
    pub square_norms: Vec<f64>,
    /// m, the mean of the columns: d entries.
    pub mean: Vec<f64>,
    /// Σ over pairs i < j of cos(w_i, w_j).
    pub sum_cos: f64,
}

/// Lengths, mean and the sum of all cosines, in f64, from one pass over the columns. With û = w / ‖w‖ that sum is (‖Σ û_i‖² − n)/2, so no pair is looked at; a column of
/// zeros has no û. Columns are added in order within a group, then group by group. O(n d).
pub fn lengths(embedding: &Embedding, kernel: Kernel, parallel: bool) -> Lengths {
    let d_model = embedding.d_model();
    let groups =
        in_groups(embedding, parallel, |_, columns| kernel.run(Sums { columns, mean: None, norms: &[], d_model }));
    let square_norms = groups.iter().flat_map(|group| group.square_norms.iter().copied()).collect();
    let mut mean = total_of(groups.iter().map(|group| &group.sum), d_model);
    mean.iter_mut().for_each(|entry| *entry /= embedding.n_concepts() as f64);
    Lengths { square_norms, mean, sum_cos: sum_of_cosines(&groups, d_model) }
}

/// m, the mean of the columns, as in [`lengths`].
pub fn mean(embedding: &Embedding, kernel: Kernel, parallel: bool) -> Vec<f64> {
    lengths(embedding, kernel, parallel).mean
}

/// How the columns lie about the mean.
pub struct AboutMean {
    /// w_i · m of every column.
    pub on_mean: Vec<f64>,
    /// ‖w_i − m‖² of every column, from the differences themselves.
    pub square_deviations: Vec<f64>,
    /// Σ over pairs i < j of the cosines of w_i − m and w_j − m, of columns that have a direction from the mean.
    pub sum_cos: f64,
}

/// A column nearer to the mean than this part of its length lies there by rounding, and has no direction from it.
pub const NEGLIGIBLE: f64 = 1e-6;

/// Products and distances with the mean, and the sum of the cosines about it, given the squared lengths; by groups as in [`lengths`]. O(n d).
pub fn about_mean(
    embedding: &Embedding,
    mean: &[f64],
    square_norms: &[f64],
    kernel: Kernel,
    parallel: bool,
) -> AboutMean {
    let d_model = mean.len();
    let groups = in_groups(embedding, parallel, |idx, columns| {
        kernel.run(Sums { columns, mean: Some(mean), norms: &square_norms[idx * GROUP..], d_model })
    });
    AboutMean {
        on_mean: groups.iter().flat_map(|group| group.on_mean.iter().copied()).collect(),
        square_deviations: groups.iter().flat_map(|group| group.square_norms.iter().copied()).collect(),
        sum_cos: sum_of_cosines(&groups, d_model),
    }
}

/// (‖Σ û‖² − n)/2 over n directions.
fn sum_of_cosines(groups: &[GroupSums], d_model: usize) -> f64 {
    let directions = total_of(groups.iter().map(|group| &group.directions), d_model);
    let n_directions: usize = groups.iter().map(|group| group.n_directions).sum();
    (directions.iter().map(|entry| entry * entry).sum::<f64>() - n_directions as f64) / 2.0
}

/// The sum of vectors of d entries, in order.
fn total_of<'a>(vectors: impl Iterator<Item = &'a Vec<f64>>, d_model: usize) -> Vec<f64> {
    let mut total = vec![0.0; d_model];
    for vector in vectors {
        for (total, entry) in total.iter_mut().zip(vector) {
            *total += entry;
        }
    }
    total
}

/// w_i − m for every column, rounded to f32: the memory of a second embedding. O(n d).
pub fn centred(embedding: &Embedding, mean: &[f64], parallel: bool) -> Embedding {
    let mut matrix = embedding.matrix().clone();
    let centre = |column: &mut [f32]| {
        for (entry, mean) in column.iter_mut().zip(mean) {
            *entry = (f64::from(*entry) - mean) as f32;
        }
    };
    let columns = matrix.as_mut_slice();
    if parallel {
        columns.par_chunks_mut(mean.len()).for_each(centre);
    } else {
        columns.chunks_mut(mean.len()).for_each(centre);
    }
    Embedding::new(matrix)
}

/// The results of every group of columns, in order.
fn in_groups<R: Send>(
    embedding: &Embedding,
    parallel: bool,
    of_group: impl Fn(usize, &[f32]) -> R + Send + Sync,
) -> Vec<R> {
    let (entries, group) = (embedding.as_slice(), GROUP * embedding.d_model());
    if parallel && entries.len() > group {
        entries.par_chunks(group).enumerate().map(|(idx, columns)| of_group(idx, columns)).collect()
    } else {
        entries.chunks(group).enumerate().map(|(idx, columns)| of_group(idx, columns)).collect()
    }
}

struct SquareNorms<'a> {
    columns: &'a [f32],
    d_model: usize,
}

impl Task for SquareNorms<'_> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn run(self, _: Dots) -> Vec<f64> {
        self.columns.chunks_exact(self.d_model).map(square_norm).collect()
    }
}

/// The sums over a group of columns, taken about a mean or as they are.
struct Sums<'a> {
    columns: &'a [f32],
    mean: Option<&'a [f64]>,
    /// ‖w_i‖², which a deviation is held against.
    norms: &'a [f64],
    d_model: usize,
}

/// What a group of columns u_i = w_i − m, or w_i, adds up to.
struct GroupSums {
    square_norms: Vec<f64>,
    on_mean: Vec<f64>,
    /// Σ u_i, where there is no mean.
    sum: Vec<f64>,
    /// Σ u_i / ‖u_i‖.
    directions: Vec<f64>,
    n_directions: usize,
}

/// Columns that are added to a sum at a time, so that it is read and written once for all of them.
const TOGETHER: usize = 4;

impl Task for Sums<'_> {
    type Output = GroupSums;

    #[inline(always)]
    fn run(self, _: Dots) -> GroupSums {
        let Self { columns, mean, norms, d_model } = self;
        let n = columns.len() / d_model;
        let (mut square_norms, mut on_mean) = (Vec::with_capacity(n), Vec::with_capacity(n));
        let (mut sum, mut directions) = (vec![0.0; d_model], vec![0.0; d_model]);
        let nowhere = vec![0.0; d_model];
        let mut n_directions = 0;
        for (idx, some) in columns.chunks(TOGETHER * d_model).enumerate() {
            let mut inverse = [0.0; TOGETHER];
            for (place, column) in some.chunks_exact(d_model).enumerate() {
                let (square, product) = match mean {
                    Some(mean) => deviation(column, mean),
                    None => (square_norm(column), 0.0),
                };
                let least = norms.get(idx * TOGETHER + place).map_or(0.0, |norm| NEGLIGIBLE * NEGLIGIBLE * norm);
                if square > least {
                    inverse[place] = 1.0 / square.sqrt();
                    n_directions += 1;
                }
                square_norms.push(square);
                on_mean.push(product);
            }
            let mean = mean.unwrap_or(&nowhere);
            if let Ok(some) = <[&[f32]; TOGETHER]>::try_from(some.chunks_exact(d_model).collect::<Vec<_>>()) {
                for k in 0..d_model {
                    let [a, b, c, d] = some.map(|column| f64::from(column[k]) - mean[k]);
                    sum[k] += (a + b) + (c + d);
                    directions[k] += (a * inverse[0] + b * inverse[1]) + (c * inverse[2] + d * inverse[3]);
                }
            } else {
                for (column, inverse) in some.chunks_exact(d_model).zip(inverse) {
                    for k in 0..d_model {
                        let entry = f64::from(column[k]) - mean[k];
                        sum[k] += entry;
                        directions[k] += entry * inverse;
                    }
                }
            }
        }
        GroupSums { square_norms, on_mean, sum, directions, n_directions }
    }
}

/// ‖w‖²: entry k is added to lane k mod 16.
#[inline(always)]
fn square_norm(column: &[f32]) -> f64 {
    let mut squares = [0.0; LANES];
    let (whole, rest) = column.as_chunks::<LANES>();
    for entries in whole {
        for (square, &entry) in squares.iter_mut().zip(entries) {
            *square += f64::from(entry) * f64::from(entry);
        }
    }
    for (square, &entry) in squares.iter_mut().zip(rest) {
        *square += f64::from(entry) * f64::from(entry);
    }
    total(squares)
}

/// ‖w − m‖² and w · m, in the same lanes.
#[inline(always)]
fn deviation(column: &[f32], mean: &[f64]) -> (f64, f64) {
    let (mut products, mut squares) = ([0.0; LANES], [0.0; LANES]);
    let (whole, rest) = column.as_chunks::<LANES>();
    let (whole_mean, rest_mean) = mean.as_chunks::<LANES>();
    for (entries, mean) in whole.iter().zip(whole_mean) {
        for lane in 0..LANES {
            let entry = f64::from(entries[lane]);
            let deviation = entry - mean[lane];
            products[lane] += entry * mean[lane];
            squares[lane] += deviation * deviation;
        }
    }
    for (lane, (&entry, mean)) in rest.iter().zip(rest_mean).enumerate() {
        let entry = f64::from(entry);
        let deviation = entry - mean;
        products[lane] += entry * mean;
        squares[lane] += deviation * deviation;
    }
    (total(squares), total(products))
}
