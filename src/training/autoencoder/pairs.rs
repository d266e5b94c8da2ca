//! Pairs: the gradient of an autoencoder through the Gram matrix K = WᵀW of its concepts (n × n), where few of them are active.
//!
//! z = Kx + b takes the rows of K of the active concepts alone. With the gradient g by z, that by W is W(S + Sᵀ), where S = Σ x gᵀ over the samples again has rows for
//! the active concepts alone. So a sample of a active concepts takes 2an multiply-adds, where products with W take 3dn of them.

#![allow(
    clippy::needless_range_loop,
    reason = "loops over registers must be unrolled, and iterators over arrays sometimes are not"
)]

use std::ops::Range;

use super::{Gradient, Load, Shape, Size, answer_empty};
use crate::geometry::kernel::lanes::{Chunk, LANES, Lanes, Task, transposed};
use crate::training::features::Batch;

/// Room for a gradient, and what it learns from.
#[derive(Default)]
pub struct Room {
    /// W and the gradient by it, unit after unit: d × n_chunks.
    units: Vec<Chunk>,
    slopes: Vec<Chunk>,
    /// K, and S or S + Sᵀ, concept after concept, with concepts that are not there up to whole chunks.
    gram: Vec<Chunk>,
    sums: Vec<Chunk>,
    /// x of the samples of a block, and z or the gradient by it, each ROWS × n_chunks.
    truth: Vec<Chunk>,
    outputs: Vec<Chunk>,
    activity: Activity,
}

impl Room {
    /// Room for a model.
    pub fn new(shape: &Shape) -> Self {
        let zero = |rows: usize| vec![Chunk::ZERO; rows * shape.n_chunks];
        let n_rows = shape.n_chunks * LANES;
        let (units, slopes, gram, sums) = (zero(shape.d), zero(shape.d), zero(n_rows), zero(n_rows));
        let (truth, outputs) = (zero(ROWS), zero(ROWS));
        Self { units, slopes, gram, sums, truth, outputs, activity: Activity::default() }
    }

    /// Sorts a batch by concept, for all models that see it.
    pub fn see(&mut self, shape: &Shape, batch: &Batch) {
        self.activity.sort(shape.n, batch);
    }
}

/// The active concepts of a batch, block after block of samples, by concept and then by sample: so a row of S stays in registers over a block.
#[derive(Default)]
struct Activity {
    /// The sample within its block of each active concept, and the value.
    rows: Vec<u32>,
    values: Vec<f32>,
    /// The concepts that are active in a block, with where their samples stand.
    runs: Vec<(usize, Range<usize>)>,
    /// Runs up to the end of each block.
    ends: Vec<usize>,
    /// Of each concept, how often it is active in a block; then the place of the next.
    places: Vec<usize>,
}

impl Activity {
    fn sort(&mut self, n: usize, batch: &Batch) {
        self.rows.resize(batch.concepts.len(), 0);
        self.values.resize(batch.concepts.len(), 0.0);
        self.runs.clear();
        self.ends.clear();
        let mut first = 0;
        for ends in batch.ends.chunks(ROWS) {
            let block = first..ends[ends.len() - 1] as usize;
            self.places.clear();
            self.places.resize(n, 0);
            batch.concepts[block.clone()].iter().for_each(|&i| self.places[i as usize] += 1);
            let mut end = first;
            for (i, place) in self.places.iter_mut().enumerate().filter(|(_, n_active)| **n_active > 0) {
                (*place, end) = (end, end + *place);
                self.runs.push((i, *place..end));
            }
            self.ends.push(self.runs.len());
            let entries = batch.owners[block.clone()].iter().zip(&batch.concepts[block.clone()]);
            for ((&owner, &i), &x) in entries.zip(&batch.values[block.clone()]) {
                let place = &mut self.places[i as usize];
                self.rows[*place] = owner % ROWS as u32;
                self.values[*place] = x;
                *place += 1;
            }
            first = block.end;
        }
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

/// The gradient, as [`Gradient`] says. Each sum adds up its samples in their order.
pub struct Pairs<'a>(pub Gradient<'a>);

impl Task for Pairs<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes, const R: usize>(self) {
        let Gradient { shape, weights, batch, scale, bench } = self.0;
        let (pitch, chunks, scale) = (shape.pitch(), shape.n_chunks, scale as f32);
        let Room { units, slopes, gram, sums, truth, outputs, activity } = &mut bench.pairs;
        assert_eq!(activity.rows.len(), batch.concepts.len(), "the batch was seen");
        for i in 0..shape.n {
            for k in 0..shape.d {
                let at = i * pitch + k;
                units[k * chunks + i / LANES].0[i % LANES] = weights.columns[at / LANES].0[at % LANES];
            }
        }
        multiply::<L, R>(units, chunks, gram);
        sums.fill(Chunk::ZERO);
        answer_empty(shape, weights, batch, scale, &mut bench.bias_gradient);
        let of_bias = &mut bench.bias_gradient;
        let mut block = Block { shape, bias: &weights.bias, gram, scale, truth, outputs, sums, of_bias };
        let mut first_run = 0;
        for (first, &end_run) in (0..batch.ends.len()).step_by(ROWS).zip(&activity.ends) {
            let samples = first..batch.ends.len().min(first + ROWS);
            let runs = &activity.runs[first_run..end_run];
            by_rows!([8 7 6 5 4 3 2], chunks, R, |slab, V| {
                block.answer::<L, V>(batch, samples.clone(), slab);
                block.learn::<L, V>(activity, runs, slab);
            });
            first_run = end_run;
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
}

/// Samples that are learned from together: a row of S is fetched once for all of them. Changes no bit.
const ROWS: usize = 128;

/// Some samples and what they add to.
struct Block<'a> {
    shape: &'a Shape,
    bias: &'a [Chunk],
    gram: &'a [Chunk],
    scale: f32,
    truth: &'a mut [Chunk],
    outputs: &'a mut [Chunk],
    sums: &'a mut [Chunk],
    of_bias: &'a mut [Chunk],
}

impl Block<'_> {
    /// The gradient by z = Kx + b, sample after sample, for V chunks of concepts from `slab` on, which stay in registers. Adds it to that of b.
    /// The first slab spreads x, for which there is time while it multiplies; each clears its part of it.
    #[inline(always)]
    fn answer<L: Lanes, const V: usize>(&mut self, batch: &Batch, samples: Range<usize>, slab: usize) {
        let chunks = self.shape.n_chunks;
        let n_rows = samples.len();
        let bias: [L; V] = load(&self.bias[slab..]);
        let rows = self.outputs.chunks_exact_mut(chunks).zip(self.truth.chunks_exact_mut(chunks));
        for (sample, (outputs, truth)) in samples.zip(rows) {
            let (concepts, values) = batch.sample(sample);
            let mut sums = bias;
            for (&i, &x) in concepts.iter().zip(values) {
                if slab == 0 {
                    truth[i as usize / LANES].0[i as usize % LANES] = x;
                }
                let row: [L; V] = load(&self.gram[i as usize * chunks + slab..]);
                for v in 0..V {
                    sums[v] = L::splat(x).mul_add(row[v], sums[v]);
                }
            }
            let outputs: &mut [Chunk; V] = slab_of(outputs, slab);
            for v in 0..V {
                sums[v].store(&mut outputs[v]);
            }
        }
        let importance: [L; V] = load(&self.shape.importance[slab..]);
        let mut of_bias: [L; V] = load(&self.of_bias[slab..]);
        let rows = self.outputs.chunks_exact_mut(chunks).zip(self.truth.chunks_exact_mut(chunks));
        for (outputs, truth) in rows.take(n_rows) {
            let (outputs, truth): (&mut [Chunk; V], &mut [Chunk; V]) = (slab_of(outputs, slab), slab_of(truth, slab));
            for v in 0..V {
                let z = L::load(&outputs[v]);
                let gate = if self.shape.is_relu { z.positive() } else { u16::MAX };
                let error = L::load(&truth[v]).mul_add(L::splat(-1.0), z);
                let gradient = error.times(importance[v].times(L::splat(self.scale))).only(gate);
                of_bias[v] = of_bias[v].plus(gradient);
                gradient.store(&mut outputs[v]);
                L::splat(0.0).store(&mut truth[v]);
            }
        }
        for v in 0..V {
            of_bias[v].store(&mut self.of_bias[slab + v]);
        }
    }

    /// Adds x gᵀ to S for as many chunks, concept after concept.
    #[inline(always)]
    fn learn<L: Lanes, const V: usize>(&mut self, activity: &Activity, runs: &[(usize, Range<usize>)], slab: usize) {
        let chunks = self.shape.n_chunks;
        for (i, run) in runs {
            let sums: &mut [Chunk; V] = slab_of(self.sums, i * chunks + slab);
            let mut found: [L; V] = load(sums);
            for (&r, &x) in activity.rows[run.clone()].iter().zip(&activity.values[run.clone()]) {
                let gradient: [L; V] = load(&self.outputs[r as usize * chunks + slab..]);
                for v in 0..V {
                    found[v] = L::splat(x).mul_add(gradient[v], found[v]);
                }
            }
            for v in 0..V {
                found[v].store(&mut sums[v]);
            }
        }
    }
}

#[inline(always)]
fn slab_of<const V: usize>(chunks: &mut [Chunk], slab: usize) -> &mut [Chunk; V] {
    chunks[slab..].first_chunk_mut().expect("a slab of a row")
}

#[inline(always)]
fn load<L: Lanes, const V: usize>(chunks: &[Chunk]) -> [L; V] {
    let chunks: &[Chunk; V] = chunks.first_chunk().expect("a slab of a row");
    // A closure would not always be inlined.
    let mut lanes = [L::splat(0.0); V];
    for v in 0..V {
        lanes[v] = L::load(&chunks[v]);
    }
    lanes
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
    by_rows!([8 7 6 5 4 3 2], chunks, R, |slab, V| {
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
