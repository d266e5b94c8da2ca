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
    in_groups(embedding, parallel, |columns| kernel.run(SquareNorms { columns, d_model: embedding.d_model() })).concat()
}

/// m, the mean of the columns: d entries in f64. Columns are added in order within a group, then group by group. O(n d).
pub fn mean(embedding: &Embedding, kernel: Kernel, parallel: bool) -> Vec<f64> {
    let mut mean = vec![0.0; embedding.d_model()];
    for sum in in_groups(embedding, parallel, |columns| kernel.run(Sum { columns, d_model: embedding.d_model() })) {
        for (mean, sum) in mean.iter_mut().zip(sum) {
            *mean += sum;
        }
    }
    let n_concepts = embedding.n_concepts() as f64;
    mean.iter_mut().for_each(|entry| *entry /= n_concepts);
    mean
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
    in_groups(embedding, parallel, |columns| kernel.run(Deviations { columns, mean })).concat()
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
fn in_groups<R: Send>(embedding: &Embedding, parallel: bool, of_group: impl Fn(&[f32]) -> R + Send + Sync) -> Vec<R> {
    let (entries, group) = (embedding.as_slice(), GROUP * embedding.d_model());
    if parallel && entries.len() > group {
        entries.par_chunks(group).map(of_group).collect()
    } else {
        entries.chunks(group).map(of_group).collect()
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
    d_model: usize,
}

impl Task for Sum<'_> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn run(self, _: Dots) -> Vec<f64> {
        let mut sum = vec![0.0; self.d_model];
        for column in self.columns.chunks_exact(self.d_model) {
            for (sum, &entry) in sum.iter_mut().zip(column) {
                *sum += f64::from(entry);
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
