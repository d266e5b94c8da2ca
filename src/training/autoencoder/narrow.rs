//! Narrow: the gradient of an autoencoder so small that its units would leave most lanes empty; here a lane is a sample.

#![allow(
    clippy::needless_range_loop,
    reason = "loops over registers must be unrolled, and iterators over arrays sometimes are not"
)]

use super::{Gradient, Loss, Shape, Size, Sums, answer_empty};
use crate::geometry::kernel::lanes::{Chunk, LANES, Lanes, Task, totals};
use crate::training::features::Batch;

/// Chunks of samples that go forward and back together: 64 samples. The loss adds them up in single precision.
const GROUP: usize = 4;

/// Groups of which the gradient of W is added up together, so that its sums, a chunk for each entry of W, are seldom fetched. Changes no bit.
const SPAN: usize = 4;

/// One number of each sample of a group.
type Quad = [Chunk; GROUP];

const EMPTY: Quad = [Chunk::ZERO; GROUP];

/// What the samples of a batch are, and room for a group of them.
#[derive(Default)]
pub struct Room {
    /// x of the samples that are not empty, group after group, concept after concept.
    truth: Vec<Quad>,
    n_samples: usize,
    /// The gradient by z of each concept, group after group of a span.
    outputs: Vec<Quad>,
    /// h, and the gradient by it, of each unit, group after group.
    hidden: Vec<Quad>,
    back: Vec<Quad>,
    /// W, concept after concept, b, and Iᵢ.
    columns: Vec<f32>,
    bias: Vec<f32>,
    importance: Vec<f32>,
    /// The gradients of W and b, lane by lane: to be added up. Zero beyond.
    sums: Vec<Chunk>,
    bias_sums: Vec<Chunk>,
}

impl Room {
    /// Room for a model.
    pub fn new(shape: &Shape) -> Self {
        let (n, d) = (shape.n, shape.d);
        let quads = |n: usize| vec![EMPTY; n];
        let mut importance = vec![0.0; n];
        copy(&shape.importance, &mut importance);
        Self {
            truth: Vec::new(),
            n_samples: 0,
            outputs: quads(SPAN * n),
            hidden: quads(SPAN * d),
            back: quads(SPAN * d),
            columns: vec![0.0; n * d],
            bias: vec![0.0; n],
            importance,
            sums: vec![Chunk::ZERO; (n * d).next_multiple_of(LANES)],
            bias_sums: vec![Chunk::ZERO; n.next_multiple_of(LANES)],
        }
    }

    /// Spreads a batch over the lanes, for all models that see it.
    pub fn see(&mut self, shape: &Shape, batch: &Batch) {
        self.n_samples = batch.ends.len();
        self.truth.clear();
        let n_groups = self.n_samples.div_ceil(GROUP * LANES);
        self.truth.resize(n_groups * shape.n, EMPTY);
        for ((&owner, &concept), &value) in batch.owners.iter().zip(&batch.concepts).zip(&batch.values) {
            let sample = owner as usize;
            let quad = &mut self.truth[sample / (GROUP * LANES) * shape.n + concept as usize];
            quad[sample / LANES % GROUP].0[sample % LANES] = value;
        }
    }
}

/// Cycles for a sample that is not empty.
pub fn cycles(size: Size) -> f64 {
    let Size { n_concepts: n, d_model: d } = size;
    n as f64 * (0.36 * d as f64 + 0.4) + 2.0
}

/// The gradient, as [`Gradient`] says. Each lane adds up its samples in their order, and then the lanes are added by halves.
pub struct Narrow<'a>(pub Gradient<'a>);

impl Task for Narrow<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes, const R: usize>(self) {
        let Gradient { shape, weights, batch, scale, bench } = self.0;
        let (n, d, scale) = (shape.n, shape.d, scale as f32);
        let room = &mut bench.room;
        assert_eq!(room.n_samples, batch.ends.len(), "the batch was seen");
        copy(&weights.columns, &mut room.columns);
        copy(&weights.bias, &mut room.bias);
        room.sums.fill(Chunk::ZERO);
        room.bias_sums.fill(Chunk::ZERO);
        let Room { truth, outputs, hidden, back, columns, bias, importance, sums, bias_sums, .. } = room;
        let n_groups = batch.ends.len().div_ceil(GROUP * LANES);
        for span in (0..n_groups).step_by(SPAN) {
            let n_there = SPAN.min(n_groups - span);
            let truth = &truth[span * n..][..n_there * n];
            for group in 0..n_there {
                let there = there(batch.ends.len() - (span + group) * GROUP * LANES);
                let (outputs, truth) = (&mut outputs[group * n..][..n], &truth[group * n..][..n]);
                let (hidden, back) = (&mut hidden[group * d..][..d], &mut back[group * d..][..d]);
                encode::<L, R>(columns, d, truth, hidden);
                let gates = Gates { always: if shape.is_relu { 0 } else { u16::MAX }, there };
                decode::<L, R>(columns, bias, hidden, Errors { truth, importance, scale, gates }, outputs, bias_sums);
                encode::<L, R>(columns, d, outputs, back);
            }
            learn::<L, R>(
                d,
                &outputs[..n_there * n],
                &hidden[..n_there * d],
                truth,
                &back[..n_there * d],
                &mut sums[..n * d],
            );
        }
        for (gradient, sums) in bench.gradient.iter_mut().zip(sums.as_chunks().0) {
            add_up::<L>(sums).store(gradient);
        }
        answer_empty(shape, weights, batch, scale, &mut bench.bias_gradient);
        for (gradient, sums) in bench.bias_gradient.iter_mut().zip(bias_sums.as_chunks().0) {
            add_up::<L>(sums).plus(L::load(gradient)).store(gradient);
        }
    }
}

/// The total of each chunk.
#[inline(always)]
fn add_up<L: Lanes>(sums: &[Chunk; LANES]) -> L {
    let mut rows = [L::splat(0.0); LANES];
    for r in 0..LANES {
        rows[r] = L::load(&sums[r]);
    }
    totals(rows)
}

/// The lanes of a group in which there are samples, when so many are left.
#[inline(always)]
fn there(n_left: usize) -> [u16; GROUP] {
    std::array::from_fn(|chunk| {
        let n_there = n_left.saturating_sub(chunk * LANES).min(LANES);
        ((1_u32 << n_there) - 1) as u16
    })
}

#[inline(always)]
fn copy(chunks: &[Chunk], numbers: &mut [f32]) {
    for (numbers, chunk) in numbers.chunks_mut(LANES).zip(chunks) {
        numbers.copy_from_slice(&chunk.0[..numbers.len()]);
    }
}

/// Wv of each sample, where v has n numbers: h from x, and its gradient from that by z.
#[inline(always)]
fn encode<L: Lanes, const R: usize>(columns: &[f32], d: usize, inputs: &[Quad], outputs: &mut [Quad]) {
    by_rows!([5 4 3 2], d, R * 5 / 8, |first, K| {
        let mut sums = [[L::splat(0.0); GROUP]; K];
        for (column, input) in columns.chunks_exact(d).zip(inputs) {
            let input: [L; GROUP] = load(input);
            let column: &[f32; K] = column[first..].first_chunk().expect("units from first on");
            for k in 0..K {
                let w = L::splat(column[k]);
                for c in 0..GROUP {
                    sums[k][c] = w.mul_add(input[c], sums[k][c]);
                }
            }
        }
        let outputs: &mut [Quad; K] = outputs[first..].first_chunk_mut().expect("units from first on");
        for k in 0..K {
            store(sums[k], &mut outputs[k]);
        }
    });
}

/// z = Wᵀh + b of each sample, some concepts at a time, which are handed on while they are in registers. No function takes what is to be done: a closure that is not
/// inlined would be compiled without the registers of its caller.
macro_rules! outputs_of {
    ($lanes:ty, $limit:expr, $columns:expr, $bias:expr, $hidden:expr, |$first:ident, $many:ident, $outputs:ident| $take:block) => {
        let (n, d) = ($bias.len(), $hidden.len());
        by_rows!([5 4 3 2], n, $limit, |$first, $many| {
            let bias: &[f32; $many] = part($bias, $first);
            let mut $outputs = [[<$lanes>::splat(0.0); GROUP]; $many];
            for i in 0..$many {
                for c in 0..GROUP {
                    $outputs[i][c] = <$lanes>::splat(bias[i]);
                }
            }
            let rows: [&[f32]; $many] = std::array::from_fn(|i| &$columns[($first + i) * d..][..d]);
            for (k, hidden) in $hidden.iter().enumerate() {
                let hidden: [$lanes; GROUP] = load(hidden);
                for i in 0..$many {
                    let w = <$lanes>::splat(rows[i][k]);
                    for c in 0..GROUP {
                        $outputs[i][c] = w.mul_add(hidden[c], $outputs[i][c]);
                    }
                }
            }
            $take
        });
    };
}

/// What makes the gradient by z = Wᵀh + b out of z.
#[derive(Clone, Copy)]
struct Errors<'a> {
    truth: &'a [Quad],
    importance: &'a [f32],
    scale: f32,
    gates: Gates,
}

/// Which outputs count: those above zero or, of a linear model, all; and the samples that are there.
#[derive(Clone, Copy)]
struct Gates {
    always: u16,
    there: [u16; GROUP],
}

/// The gradient by z of each sample: cᵢ · 2(x̂ᵢ − xᵢ) where the output counts, and zero elsewhere. Adds it to that of b.
#[inline(always)]
fn decode<L: Lanes, const R: usize>(
    columns: &[f32],
    bias: &[f32],
    hidden: &[Quad],
    errors: Errors,
    outputs: &mut [Quad],
    bias_sums: &mut [Chunk],
) {
    let Errors { truth, importance, scale, gates } = errors;
    outputs_of!(L, R * 5 / 8, columns, bias, hidden, |first, I, sums| {
        // Arrays without checks: the loop must be unrolled, or all sums go to memory and back.
        let (truth, importance): (&[Quad; I], &[f32; I]) = (part(truth, first), part(importance, first));
        let (outputs, bias_sums): (&mut [Quad; I], &mut [Chunk; I]) =
            (part_mut(outputs, first), part_mut(bias_sums, first));
        for i in 0..I {
            let factor = L::splat(scale * importance[i]);
            let mut of_bias = L::load(&bias_sums[i]);
            for c in 0..GROUP {
                let gate = (sums[i][c].positive() | gates.always) & gates.there[c];
                let error = L::load(&truth[i][c]).mul_add(L::splat(-1.0), sums[i][c]);
                let gradient = error.times(factor).only(gate);
                of_bias = of_bias.plus(gradient);
                gradient.store(&mut outputs[i][c]);
            }
            of_bias.store(&mut bias_sums[i]);
        }
    });
}

#[inline(always)]
fn part<T, const N: usize>(numbers: &[T], first: usize) -> &[T; N] {
    numbers[first..].first_chunk().expect("so many from first on")
}

#[inline(always)]
fn part_mut<T, const N: usize>(numbers: &mut [T], first: usize) -> &mut [T; N] {
    numbers[first..].first_chunk_mut().expect("so many from first on")
}

/// The loss of a batch that the room has seen, as [`Loss`] says. Each lane adds up its samples in single precision over a group; groups are added in double.
#[inline(always)]
pub fn loss<L: Lanes, const R: usize>(task: Loss) -> Sums {
    let Loss { shape, weights, batch, bench } = task;
    let (n, d) = (shape.n, shape.d);
    let room = &mut bench.room;
    assert_eq!(room.n_samples, batch.ends.len(), "the batch was seen");
    copy(&weights.columns, &mut room.columns);
    copy(&weights.bias, &mut room.bias);
    let Room { truth, hidden, columns, bias, importance, bias_sums, .. } = room;
    let mut sums = Sums { n: batch.n_samples as f64, loss: (0.0, 0.0), by_concept: vec![0.0; n] };
    let always = if shape.is_relu { 0 } else { u16::MAX };
    for (group, first) in (0..batch.ends.len()).step_by(GROUP * LANES).enumerate() {
        let there = there(batch.ends.len() - first);
        let hidden = &mut hidden[..d];
        let truth = &truth[group * n..][..n];
        encode::<L, R>(columns, d, truth, hidden);
        let mut of_samples = [L::splat(0.0); GROUP];
        outputs_of!(L, R * 5 / 8, columns, bias, hidden, |first, I, outputs| {
            let (truth, importance): (&[Quad; I], &[f32; I]) = (part(truth, first), part(importance, first));
            let bias_sums: &mut [Chunk; I] = part_mut(bias_sums, first);
            for i in 0..I {
                let importance = L::splat(importance[i]);
                let mut of_concept = L::splat(0.0);
                for c in 0..GROUP {
                    let answer = outputs[i][c].only(outputs[i][c].positive() | always);
                    let error = L::load(&truth[i][c]).mul_add(L::splat(-1.0), answer).only(there[c]);
                    let part = error.times(error).times(importance);
                    of_concept = of_concept.plus(part);
                    of_samples[c] = of_samples[c].plus(part);
                }
                of_concept.store(&mut bias_sums[i]);
            }
        });
        for (sum, of_concept) in sums.by_concept.iter_mut().zip(&*bias_sums) {
            *sum += f64::from(of_concept.total());
        }
        for of_sample in of_samples {
            let mut losses = Chunk::ZERO;
            of_sample.store(&mut losses);
            sums.loss.1 += losses.0.iter().map(|&loss| f64::from(loss) * f64::from(loss)).sum::<f64>();
        }
    }
    // The samples without active concepts, all alike.
    let n_empty = batch.n_empty() as f64;
    let mut whole = 0.0;
    for (i, (sum, &b)) in sums.by_concept.iter_mut().zip(&*bias).enumerate() {
        let answer = f64::from(shape.answer(b));
        let part = f64::from(importance[i]) * answer * answer;
        *sum += n_empty * part;
        whole += part;
    }
    sums.loss.1 += n_empty * whole * whole;
    sums.loss.0 = sums.by_concept.iter().sum();
    sums
}

/// Adds gᵢhₖ of the decoding W and xᵢ ∂hₖ of the encoding one, sample by sample, over the groups of a span.
#[inline(always)]
fn learn<L: Lanes, const R: usize>(
    d: usize,
    outputs: &[Quad],
    hidden: &[Quad],
    truth: &[Quad],
    back: &[Quad],
    sums: &mut [Chunk],
) {
    let n = sums.len() / d;
    let n_groups = hidden.len() / d;
    by_rows!([5 4 3 2], n, R / 2, |first, I| {
        by_rows!([5 4 3 2], d, R * 5 / 8, |unit, K| {
            let mut found = [[L::splat(0.0); K]; I];
            for i in 0..I {
                let sums: &[Chunk; K] = sums[(first + i) * d + unit..].first_chunk().expect("units from unit on");
                for k in 0..K {
                    found[i][k] = L::load(&sums[k]);
                }
            }
            for group in 0..n_groups {
                let outputs: &[Quad; I] = outputs[group * n + first..].first_chunk().expect("concepts from first on");
                let truth: &[Quad; I] = truth[group * n + first..].first_chunk().expect("concepts from first on");
                let hidden: &[Quad; K] = hidden[group * d + unit..].first_chunk().expect("units from unit on");
                let back: &[Quad; K] = back[group * d + unit..].first_chunk().expect("units from unit on");
                for chunk in 0..GROUP {
                    let h: [L; K] = std::array::from_fn(|k| L::load(&hidden[k][chunk]));
                    for i in 0..I {
                        let g = L::load(&outputs[i][chunk]);
                        for k in 0..K {
                            found[i][k] = g.mul_add(h[k], found[i][k]);
                        }
                    }
                    let h: [L; K] = std::array::from_fn(|k| L::load(&back[k][chunk]));
                    for i in 0..I {
                        let x = L::load(&truth[i][chunk]);
                        for k in 0..K {
                            found[i][k] = x.mul_add(h[k], found[i][k]);
                        }
                    }
                }
            }
            for i in 0..I {
                let sums: &mut [Chunk; K] = sums[(first + i) * d + unit..].first_chunk_mut().expect("units");
                for k in 0..K {
                    found[i][k].store(&mut sums[k]);
                }
            }
        });
    });
}

#[inline(always)]
fn load<L: Lanes>(quad: &Quad) -> [L; GROUP] {
    std::array::from_fn(|chunk| L::load(&quad[chunk]))
}

#[inline(always)]
fn store<L: Lanes>(lanes: [L; GROUP], quad: &mut Quad) {
    for chunk in 0..GROUP {
        lanes[chunk].store(&mut quad[chunk]);
    }
}
