//! Pairs: the gradient of an autoencoder through the Gram matrix K = WᵀW of its concepts (n × n), where few of them are active.
//!
//! z = Kx + b takes the rows of K of the active concepts alone. With the gradient g by z, that by W is W(S + Sᵀ), where S = Σ x gᵀ over the samples again has rows for
//! the active concepts alone. So a sample of a active concepts takes 2an multiply-adds, where products with W take 3dn of them.

#![allow(
    clippy::needless_range_loop,
    reason = "loops over registers must be unrolled, and iterators over arrays sometimes are not"
)]

use super::{Gradient, Load, Shape, Size, answer_empty};
use crate::geometry::kernel::lanes::{Chunk, LANES, Lanes, transposed};
use crate::training::features::Batch;

/// Room for a gradient.
#[derive(Default)]
pub struct Room {
    /// W and the gradient by it, unit after unit: d × n_chunks.
    units: Vec<Chunk>,
    slopes: Vec<Chunk>,
    /// K, and S or S + Sᵀ, concept after concept, with concepts that are not there up to whole chunks.
    gram: Vec<Chunk>,
    sums: Vec<Chunk>,
    /// x of the rows of a block, ROWS × n_chunks.
    truth: Vec<Chunk>,
}

impl Room {
    /// Room for a model.
    pub fn new(shape: &Shape) -> Self {
        let zero = |rows: usize| vec![Chunk::ZERO; rows * shape.n_chunks];
        let n_rows = shape.n_chunks * LANES;
        Self { units: zero(shape.d), slopes: zero(shape.d), gram: zero(n_rows), sums: zero(n_rows), truth: zero(ROWS) }
    }
}

/// Concepts beyond which K and S are fetched from afar.
const FAR: usize = 512;

/// Cycles for a sample that is not empty.
pub fn cycles(size: Size, load: Load) -> f64 {
    let (n, d, chunks) = (size.n_concepts as f64, size.d_model as f64, size.n_concepts.div_ceil(LANES) as f64);
    let (of_active, of_product) = if size.n_concepts > FAR { (14.0, 2.2) } else { (5.2, 1.0) };
    let of_model = of_product * (1.5 * n * chunks * d + 4.0 * n * d + 110.0 * chunks * chunks);
    25.0 + (8.0 + of_active * load.active) * chunks + of_model / load.samples
}

/// As [`Gradient`] says. Each sum adds up its samples in their order.
#[inline(always)]
pub fn gradient<L: Lanes, const R: usize>(task: Gradient) {
    let Gradient { shape, weights, batch, scale, bench } = task;
    let (pitch, chunks, scale) = (shape.pitch(), shape.n_chunks, scale as f32);
    let Room { units, slopes, gram, sums, truth } = &mut bench.pairs;
    for i in 0..shape.n {
        for k in 0..shape.d {
            let at = i * pitch + k;
            units[k * chunks + i / LANES].0[i % LANES] = weights.columns[at / LANES].0[at % LANES];
        }
    }
    multiply::<L, R>(units, chunks, gram);
    sums.fill(Chunk::ZERO);
    answer_empty(shape, weights, batch, scale, &mut bench.bias_gradient);
    let mut block = Block {
        shape,
        bias: &weights.bias,
        gram,
        scale,
        first: 0,
        n_rows: 0,
        truth,
        sums,
        of_bias: &mut bench.bias_gradient,
    };
    for first in (0..batch.ends.len()).step_by(ROWS) {
        block.take(batch, first);
        by_rows!([8 7 6 5 4 3 2], chunks, R, |slab, V| block.learn::<L, V>(batch, slab));
    }
    add_transposed::<L>(sums, chunks);
    weigh::<L, R>(units, sums, chunks, slopes);
    for i in 0..shape.n {
        for k in 0..shape.d {
            let at = i * pitch + k;
            bench.gradient[at / LANES].0[at % LANES] = slopes[k * chunks + i / LANES].0[i % LANES];
        }
    }
}

/// Samples that are learned from together. Changes no bit.
const ROWS: usize = 16;

/// Some samples and what they add to.
struct Block<'a> {
    shape: &'a Shape,
    bias: &'a [Chunk],
    gram: &'a [Chunk],
    scale: f32,
    /// The first sample.
    first: usize,
    n_rows: usize,
    truth: &'a mut [Chunk],
    sums: &'a mut [Chunk],
    of_bias: &'a mut [Chunk],
}

impl Block<'_> {
    /// Goes to the samples from one on, and spreads their x.
    #[inline(always)]
    fn take(&mut self, batch: &Batch, first: usize) {
        (self.first, self.n_rows) = (first, ROWS.min(batch.ends.len() - first));
        let chunks = self.shape.n_chunks;
        for r in 0..self.n_rows {
            let (concepts, values) = batch.sample(first + r);
            for (&i, &x) in concepts.iter().zip(values) {
                self.truth[r * chunks + i as usize / LANES].0[i as usize % LANES] = x;
            }
        }
    }

    /// The gradient by z where the vectors of concepts have V chunks from `slab` on, in place of z; clears x.
    #[inline(always)]
    fn errors<L: Lanes, const V: usize>(
        &mut self,
        row: usize,
        slab: usize,
        outputs: [L; V],
        importance: [L; V],
    ) -> [L; V] {
        let truth: &mut [Chunk; V] =
            self.truth[row * self.shape.n_chunks + slab..].first_chunk_mut().expect("a slab of a row");
        let mut gradients = outputs;
        for v in 0..V {
            let gate = if self.shape.is_relu { outputs[v].positive() } else { u16::MAX };
            let error = L::load(&truth[v]).mul_add(L::splat(-1.0), outputs[v]);
            gradients[v] = error.times(importance[v].times(L::splat(self.scale))).only(gate);
            L::splat(0.0).store(&mut truth[v]);
        }
        gradients
    }

    /// Row after row, V chunks of concepts from `slab` on, which stay in registers.
    #[inline(always)]
    fn learn<L: Lanes, const V: usize>(&mut self, batch: &Batch, slab: usize) {
        let chunks = self.shape.n_chunks;
        let (bias, importance) = (load::<L, V>(&self.bias[slab..]), load(&self.shape.importance[slab..]));
        let mut of_bias: [L; V] = load(&self.of_bias[slab..]);
        for r in 0..self.n_rows {
            let (concepts, values) = batch.sample(self.first + r);
            let mut outputs = bias;
            for (&i, &x) in concepts.iter().zip(values) {
                let row: [L; V] = load(&self.gram[i as usize * chunks + slab..]);
                for v in 0..V {
                    outputs[v] = L::splat(x).mul_add(row[v], outputs[v]);
                }
            }
            let gradients = self.errors(r, slab, outputs, importance);
            for v in 0..V {
                of_bias[v] = of_bias[v].plus(gradients[v]);
            }
            for (&i, &x) in concepts.iter().zip(values) {
                let row: &mut [Chunk; V] =
                    self.sums[i as usize * chunks + slab..].first_chunk_mut().expect("a slab of a row");
                for v in 0..V {
                    L::splat(x).mul_add(gradients[v], L::load(&row[v])).store(&mut row[v]);
                }
            }
        }
        for v in 0..V {
            of_bias[v].store(&mut self.of_bias[slab + v]);
        }
    }
}

#[inline(always)]
fn load<L: Lanes, const V: usize>(chunks: &[Chunk]) -> [L; V] {
    let chunks: &[Chunk; V] = chunks.first_chunk().expect("a slab of a row");
    std::array::from_fn(|v| L::load(&chunks[v]))
}

/// Rows of a product that are computed together.
const TOGETHER: usize = 4;

/// K = WᵀW, from the diagonal on, and then the other half.
#[inline(always)]
fn multiply<L: Lanes, const R: usize>(units: &[Chunk], chunks: usize, gram: &mut [Chunk]) {
    for row in (0..chunks * LANES).step_by(TOGETHER) {
        let (diagonal, lane) = (row / LANES, row % LANES);
        by_rows!([5 4 3 2], chunks - diagonal, R * 5 / 8, |slab, V| {
            let mut sums = [[L::splat(0.0); V]; TOGETHER];
            for unit in units.chunks_exact(chunks) {
                let entries: [L; V] = load(&unit[diagonal + slab..]);
                let factors: &[f32; TOGETHER] = unit[diagonal].0[lane..].first_chunk().expect("rows of one chunk");
                for r in 0..TOGETHER {
                    for v in 0..V {
                        sums[r][v] = L::splat(factors[r]).mul_add(entries[v], sums[r][v]);
                    }
                }
            }
            for r in 0..TOGETHER {
                for v in 0..V {
                    sums[r][v].store(&mut gram[(row + r) * chunks + diagonal + slab + v]);
                }
            }
        });
    }
    for one in 0..chunks {
        for other in one + 1..chunks {
            let block =
                transposed::<L>(std::array::from_fn(|lane| L::load(&gram[(one * LANES + lane) * chunks + other])));
            for lane in 0..LANES {
                block[lane].store(&mut gram[(other * LANES + lane) * chunks + one]);
            }
        }
    }
}

/// S + Sᵀ in place of S.
#[inline(always)]
fn add_transposed<L: Lanes>(sums: &mut [Chunk], chunks: usize) {
    for one in 0..chunks {
        for other in one..chunks {
            let at = |lane: usize| (one * LANES + lane) * chunks + other;
            let mirrored = |lane: usize| (other * LANES + lane) * chunks + one;
            let block: [L; LANES] = std::array::from_fn(|lane| L::load(&sums[at(lane)]));
            let turned = transposed::<L>(std::array::from_fn(|lane| L::load(&sums[mirrored(lane)])));
            let whole: [L; LANES] = std::array::from_fn(|lane| block[lane].plus(turned[lane]));
            for lane in 0..LANES {
                whole[lane].store(&mut sums[at(lane)]);
            }
            if one != other {
                let turned = transposed(whole);
                for lane in 0..LANES {
                    turned[lane].store(&mut sums[mirrored(lane)]);
                }
            }
        }
    }
}

/// W(S + Sᵀ), unit after unit.
#[inline(always)]
fn weigh<L: Lanes, const R: usize>(units: &[Chunk], sums: &[Chunk], chunks: usize, slopes: &mut [Chunk]) {
    let d = units.len() / chunks;
    by_rows!([4 3 2], chunks, R / 2, |slab, V| {
        by_rows!([5 4 3 2], d, R * 5 / 8, |first, I| {
            let rows: [&[Chunk]; I] = std::array::from_fn(|r| &units[(first + r) * chunks..][..chunks]);
            let mut found = [[L::splat(0.0); V]; I];
            for chunk in 0..chunks {
                for lane in 0..LANES {
                    let entries: [L; V] = load(&sums[(chunk * LANES + lane) * chunks + slab..]);
                    for r in 0..I {
                        let factor = L::splat(rows[r][chunk].0[lane]);
                        for v in 0..V {
                            found[r][v] = factor.mul_add(entries[v], found[r][v]);
                        }
                    }
                }
            }
            for r in 0..I {
                for v in 0..V {
                    found[r][v].store(&mut slopes[(first + r) * chunks + slab + v]);
                }
            }
        });
    });
}
