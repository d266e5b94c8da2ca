//! Directions: vectors of length 1, added up into a trace, and how much of each is in it.

use super::{
    columns,
    embedding::Embedding,
    kernel::{
        Dots, Kernel, Task,
        lanes::{self, Lanes},
    },
};

/// Registers of sixteen lanes in a row; part of the definition of the numbers.
const CHUNKS: usize = 8;

/// Lanes of a score.
const LANES: usize = CHUNKS * lanes::LANES;

/// Registers whose sums are carried through the rows at a time. Changes no bit.
const PART: usize = 4;

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
        let [score] = self.scores(concept_idx, [trace]);
        score
    }

    /// The same for some traces, for which the vector is read once.
    pub fn scores<const N: usize>(&self, concept_idx: usize, traces: [&[f32]; N]) -> [f64; N] {
        let column = self.embedding.column(concept_idx);
        let inverse = f64::from(self.inverse[concept_idx]);
        lanes::run(self.kernel, Products { column, traces }).map(|product| product * inverse)
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

struct Products<'a, const N: usize> {
    column: &'a [f32],
    traces: [&'a [f32]; N],
}

impl<const N: usize> lanes::Task for Products<'_, N> {
    type Output = [f64; N];

    #[inline(always)]
    fn run<L: Lanes, const R: usize>(self) -> [f64; N] {
        let mut totals = [0.0; N];
        for start in (0..self.column.len()).step_by(BLOCK) {
            let block = start..(start + BLOCK).min(self.column.len());
            let (rows, rest) = self.column[block.clone()].as_chunks::<LANES>();
            let traces = self.traces.map(|trace| trace[block.clone()].as_chunks::<LANES>());
            let mut lanes = [[0.0; LANES]; N];
            for part in (0..CHUNKS).step_by(PART) {
                let mut sums = [[L::splat(0.0); PART]; N];
                for (row_idx, row) in rows.iter().enumerate() {
                    for c in 0..PART {
                        let entries = L::read(&row.as_chunks().0[part + c]);
                        for (sums, (trace, _)) in sums.iter_mut().zip(traces) {
                            let others = L::read(&trace[row_idx].as_chunks().0[part + c]);
                            sums[c] = sums[c].plus(entries.times(others));
                        }
                    }
                }
                for (lanes, sums) in lanes.iter_mut().zip(sums) {
                    let lanes = &mut lanes.as_chunks_mut().0[part..];
                    sums.into_iter().zip(lanes).for_each(|(sum, lanes)| sum.write(lanes));
                }
            }
            for ((total, lanes), (_, other)) in totals.iter_mut().zip(&mut lanes).zip(traces) {
                lanes.iter_mut().zip(rest).zip(other).for_each(|((lane, entry), other)| *lane += entry * other);
                *total += sum_of(lanes);
            }
        }
        totals
    }
}

/// The sum of the lanes in f64, by halves.
#[inline(always)]
fn sum_of(lanes: &[f32; LANES]) -> f64 {
    let mut sums: [f64; LANES] = std::array::from_fn(|lane| f64::from(lanes[lane]));
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
