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

/// m, the mean of the columns: d entries in f64. Columns are added in order within a group, then group by group. O(n d).
pub fn mean(embedding: &Embedding, kernel: Kernel, parallel: bool) -> Vec<f64> {
    let factors = vec![1.0; embedding.n_concepts()];
    let mut mean = sum(embedding, None, &factors, kernel, parallel);
    let n_concepts = embedding.n_concepts() as f64;
    mean.iter_mut().for_each(|entry| *entry /= n_concepts);
    mean
}

/// Σ over pairs i < j of the cosines of u_i = w_i − m, or of u_i = w_i without a mean, given 1 / ‖u_i‖ of every column, 0 for one that has no direction.
///
/// With û = u / ‖u‖ it is (‖Σ û_i‖² − n)/2, n being the number of directions: O(n d), and no pair is looked at.
pub fn sum_of_cosines(
    embedding: &Embedding,
    mean: Option<&[f64]>,
    inverse: &[f64],
    kernel: Kernel,
    parallel: bool,
) -> f64 {
    let square: f64 = sum(embedding, mean, inverse, kernel, parallel).iter().map(|entry| entry * entry).sum();
    let n_directions = inverse.iter().filter(|&&inverse| inverse > 0.0).count() as f64;
    (square - n_directions) / 2.0
}

/// Σ f_i (w_i − m): d entries in f64.
fn sum(embedding: &Embedding, mean: Option<&[f64]>, factors: &[f64], kernel: Kernel, parallel: bool) -> Vec<f64> {
    let d_model = embedding.d_model();
    let nowhere = vec![0.0; d_model];
    let mean = mean.unwrap_or(&nowhere);
    let of_group = |idx: usize, columns: &[f32]| kernel.run(Sum { columns, mean, factors: &factors[idx * GROUP..] });
    let mut sum = vec![0.0; d_model];
    for of_group in in_groups(embedding, parallel, of_group) {
        for (sum, of_group) in sum.iter_mut().zip(of_group) {
            *sum += of_group;
        }
    }
    sum
}

/// How one column lies about the mean.
#[derive(Clone, Copy, Debug)]
pub struct AboutMean {
    /// w_i · m.
    pub on_mean: f64,
    /// ‖w_i − m‖², from the differences themselves.
    pub square_deviation: f64,
}

/// Products and distances with the mean, in lanes as in [`square_norms`]. O(n d).
pub fn about_mean(embedding: &Embedding, mean: &[f64], kernel: Kernel, parallel: bool) -> Vec<AboutMean> {
    in_groups(embedding, parallel, |_, columns| kernel.run(Deviations { columns, mean })).concat()
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
        let mut norms = Vec::with_capacity(self.columns.len() / self.d_model);
        for column in self.columns.chunks_exact(self.d_model) {
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
            norms.push(total(squares));
        }
        norms
    }
}

struct Sum<'a> {
    columns: &'a [f32],
    mean: &'a [f64],
    factors: &'a [f64],
}

impl Task for Sum<'_> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn run(self, _: Dots) -> Vec<f64> {
        let mut sum = vec![0.0; self.mean.len()];
        for (column, &factor) in self.columns.chunks_exact(self.mean.len()).zip(self.factors) {
            for ((sum, &entry), &mean) in sum.iter_mut().zip(column).zip(self.mean) {
                *sum += (f64::from(entry) - mean) * factor;
            }
        }
        sum
    }
}

struct Deviations<'a> {
    columns: &'a [f32],
    mean: &'a [f64],
}

impl Task for Deviations<'_> {
    type Output = Vec<AboutMean>;

    #[inline(always)]
    fn run(self, _: Dots) -> Vec<AboutMean> {
        let mut columns = Vec::with_capacity(self.columns.len() / self.mean.len());
        let (whole_mean, rest_mean) = self.mean.as_chunks::<LANES>();
        for column in self.columns.chunks_exact(self.mean.len()) {
            let (mut products, mut squares) = ([0.0; LANES], [0.0; LANES]);
            let (whole, rest) = column.as_chunks::<LANES>();
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
            columns.push(AboutMean { on_mean: total(products), square_deviation: total(squares) });
        }
        columns
    }
}
