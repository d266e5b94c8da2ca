//! Directions: vectors of length 1, added up into a trace, and how much of each is in it.

use super::{
    columns,
    embedding::Embedding,
    kernel::{Dots, Kernel, Task},
};

/// Lanes of a score; part of the definition of the numbers.
const LANES: usize = 32;

/// Entries that a lane adds up in f32, times [`LANES`]: short enough that rounding stays near 1e-7 of the largest sum.
const BLOCK: usize = 4096;

/// The columns of an embedding divided by their lengths, without a copy of them: ŵ_i = w_i/‖w_i‖, the length taken in f64 and its inverse rounded to f32.
pub struct Directions<'a> {
    embedding: &'a Embedding,
    inverse: Vec<f32>,
    kernel: Kernel,
}

impl<'a> Directions<'a> {
    /// Of columns with lengths from 10⁻¹² to 10¹². O(n d) time, O(n) memory.
    pub fn new(embedding: &'a Embedding, kernel: Kernel, parallel: bool) -> Self {
        let squares = columns::square_norms(embedding, kernel, parallel);
        let inverse = squares.into_iter().map(|square| (1.0 / square.sqrt()) as f32).collect();
        Self { embedding, inverse, kernel }
    }

    /// Adds `weight` ŵ_i, entry by entry in f32, to a trace of d entries. O(d) time.
    pub fn add(&self, concept_idx: usize, weight: f32, trace: &mut [f32]) {
        let (column, scale) = (self.embedding.column(concept_idx), weight * self.inverse[concept_idx]);
        self.kernel.run(Add { column, scale, trace });
    }

    /// ŵ_i · trace.
    ///
    /// Entry k is multiplied and added to lane k mod 32 in f32, without fusing, so that every machine has the same bits; after 4096 entries the lanes are
    /// added by halves in f64. The same vectors have the same score to the last bit. O(d) time.
    pub fn score(&self, concept_idx: usize, trace: &[f32]) -> f64 {
        let column = self.embedding.column(concept_idx);
        self.kernel.run(Product { column, trace }) * f64::from(self.inverse[concept_idx])
    }
}

struct Add<'a> {
    column: &'a [f32],
    scale: f32,
    trace: &'a mut [f32],
}

impl Task for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self, _: Dots) {
        for (sum, &entry) in self.trace.iter_mut().zip(self.column) {
            *sum += self.scale * entry;
        }
    }
}

struct Product<'a> {
    column: &'a [f32],
    trace: &'a [f32],
}

impl Task for Product<'_> {
    type Output = f64;

    #[inline(always)]
    fn run(self, _: Dots) -> f64 {
        let mut sum = 0.0;
        for (column, trace) in self.column.chunks(BLOCK).zip(self.trace.chunks(BLOCK)) {
            let mut lanes = [0.0_f32; LANES];
            let ((columns, column_rest), (traces, trace_rest)) =
                (column.as_chunks::<LANES>(), trace.as_chunks::<LANES>());
            for (column, trace) in columns.iter().zip(traces) {
                for lane in 0..LANES {
                    lanes[lane] += column[lane] * trace[lane];
                }
            }
            for ((lane, &entry), &other) in lanes.iter_mut().zip(column_rest).zip(trace_rest) {
                *lane += entry * other;
            }
            sum += total(lanes);
        }
        sum
    }
}

/// The sum of the lanes in f64, by halves.
#[inline(always)]
fn total(lanes: [f32; LANES]) -> f64 {
    let mut sums = [0.0; LANES];
    for (sum, lane) in sums.iter_mut().zip(lanes) {
        *sum = f64::from(lane);
    }
    for half in [16, 8, 4, 2, 1] {
        for lane in 0..half {
            sums[lane] += sums[lane + half];
        }
    }
    sums[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DMatrix;

    fn embedding(d: usize, n: usize) -> Embedding {
        Embedding::new(DMatrix::from_fn(d, n, |k, i| ((7919 * k + 104_729 * i + 13) % 1013) as f32 / 506.0 - 1.0))
    }

    #[test]
    fn theory_scores_are_dot_products_of_unit_vectors() {
        for d in [1, 5, 31, 32, 33, 4096, 4100, 9001] {
            let embedding = embedding(d, 6);
            let unit: Vec<Vec<f64>> = (0..6)
                .map(|i| {
                    let column: Vec<f64> = embedding.column(i).iter().map(|&x| f64::from(x)).collect();
                    let length = column.iter().map(|x| x * x).sum::<f64>().sqrt();
                    column.into_iter().map(|x| x / length).collect()
                })
                .collect();
            let directions = Directions::new(&embedding, Kernel::best(), false);
            let mut trace = vec![0.0; d];
            directions.add(1, 1.0, &mut trace);
            directions.add(2, -1.0, &mut trace);
            directions.add(4, 0.5, &mut trace);
            for i in 0..6 {
                let expected: f64 = (0..d).map(|k| unit[i][k] * (unit[1][k] - unit[2][k] + 0.5 * unit[4][k])).sum();
                // Entries are rounded to 2⁻²⁴ of themselves at each of 4 steps, and a lane adds at most 128 products.
                let score = directions.score(i, &trace);
                assert!((score - expected).abs() < 2e-6, "d = {d}, {i}: {score} against {expected}");
            }
        }
    }

    #[test]
    fn law_all_kernels_give_the_same_bits() {
        let embedding = embedding(5003, 4);
        let scores = |kernel| {
            let directions = Directions::new(&embedding, kernel, false);
            let mut trace = vec![0.0; 5003];
            (0..3).for_each(|i| directions.add(i, 1.0 - 0.3 * i as f32, &mut trace));
            (0..4).map(|i| directions.score(i, &trace).to_bits()).collect::<Vec<_>>()
        };
        for kernel in Kernel::available() {
            assert_eq!(scores(kernel), scores(Kernel::Scalar), "{kernel}");
        }
    }
}
