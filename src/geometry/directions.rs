//! Directions: vectors of length 1, added up into a trace, and how much of each is in it.

use super::{
    columns,
    embedding::Embedding,
    kernel::{Dots, Kernel, Task},
};

/// Lanes of a score; part of the definition of the numbers.
const LANES: usize = 128;

/// Rows of [`LANES`] entries that are added at a time, while the sums are in registers. Changes no bit.
const ROWS: usize = 8;

/// Entries after which the lanes are added up in f64: few enough that rounding stays near 1e-7 of the largest sum.
const BLOCK: usize = 64 * LANES;

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
    /// Entry k is multiplied and added to lane k mod 128 in f32, without fusing, so that every machine has the same bits; after 8192 entries the lanes are
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
            let ((columns, column_rest), (traces, trace_rest)) = (column.as_chunks(), trace.as_chunks());
            let ((columns, column_rows), (traces, trace_rows)) = (columns.as_chunks(), traces.as_chunks());
            for (columns, traces) in columns.iter().zip(traces) {
                add_rows::<ROWS>(&mut lanes, columns, traces);
            }
            for (column, trace) in column_rows.iter().zip(trace_rows) {
                add_rows::<1>(&mut lanes, &[*column], &[*trace]);
            }
            for ((lane, &entry), &other) in lanes.iter_mut().zip(column_rest).zip(trace_rest) {
                *lane += entry * other;
            }
            sum += total(lanes);
        }
        sum
    }
}

/// Adds the products of R rows of entries to the lanes, row after row. The loop over the lanes is the outer one and long: compilers vectorise that, and
/// take a short one apart into single numbers.
#[inline(always)]
fn add_rows<const R: usize>(lanes: &mut [f32; LANES], columns: &[[f32; LANES]; R], traces: &[[f32; LANES]; R]) {
    for (k, lane) in lanes.iter_mut().enumerate() {
        let mut sum = *lane;
        for row in 0..R {
            sum += columns[row][k] * traces[row][k];
        }
        *lane = sum;
    }
}

/// The sum of the lanes in f64, by halves.
#[inline(always)]
fn total(lanes: [f32; LANES]) -> f64 {
    let mut sums = lanes.map(f64::from);
    let mut half = LANES / 2;
    while half > 0 {
        let (low, high) = sums.split_at_mut(half);
        for (low, high) in low.iter_mut().zip(high) {
            *low += *high;
        }
        half /= 2;
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
        for d in [1, 5, 127, 128, 129, 1024, 2200, 8192, 8195, 17_001] {
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
                // Entries are rounded to 2⁻²⁴ of themselves at each of 4 steps, and a lane adds at most 64 products.
                let score = directions.score(i, &trace);
                assert!((score - expected).abs() < 2e-6, "d = {d}, {i}: {score} against {expected}");
            }
        }
    }

    #[test]
    fn law_all_kernels_give_the_same_bits() {
        let embedding = embedding(9003, 4);
        let scores = |kernel| {
            let directions = Directions::new(&embedding, kernel, false);
            let mut trace = vec![0.0; 9003];
            (0..3).for_each(|i| directions.add(i, 1.0 - 0.3 * i as f32, &mut trace));
            (0..4).map(|i| directions.score(i, &trace).to_bits()).collect::<Vec<_>>()
        };
        for kernel in Kernel::available() {
            assert_eq!(scores(kernel), scores(Kernel::Scalar), "{kernel}");
        }
    }
}
