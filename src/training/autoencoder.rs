//! Autoencoder: x̂ = ReLU(WᵀWx + b), its gradient written by hand, and one step of training.

use rand::RngExt;
use rand_distr::StandardNormal;

use super::features::Batch;
use super::lanes::{Chunk, LANES, Lanes, Task};
use super::optimizer::Moments;
use super::{Optimizer, Size, State};
use crate::geometry::embedding::Embedding;
use crate::seed::Rng;
use nalgebra::DMatrix;

/// What is trained, but for its weights.
#[derive(Clone, Debug)]
pub struct Shape {
    n: usize,
    d: usize,
    /// Chunks that a vector of d, or of n numbers takes.
    d_chunks: usize,
    n_chunks: usize,
    is_relu: bool,
    /// Iᵢ, 0 beyond n.
    importance: Vec<Chunk>,
    decay: Decay,
}

/// What pulls at the weights beside the loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decay {
    /// The weight decay of the optimiser.
    Plain(f64),
    /// Liu et al.: before each step, with the learning rate r, Wᵢ loses rγWᵢ for γ ≥ 0 and gains r|γ|(1/‖Wᵢ‖ − 1)Wᵢ for γ < 0.
    Rows(f64),
}

/// Weights and biases with the memory of their optimiser.
#[derive(Clone, Debug)]
pub struct Weights {
    /// W, concept after concept: n × d_chunks.
    columns: Vec<Chunk>,
    /// b; −1 beyond n, so that nothing there is ever active.
    bias: Vec<Chunk>,
    moments: (Moments, Moments),
}

/// Room for one step.
pub struct Bench {
    /// W again, in panels of 32 concepts, unit after unit.
    panels: Vec<Chunk>,
    gradient: Vec<Chunk>,
    bias_gradient: Vec<Chunk>,
    /// Rows of a block: h, R × d_chunks, and z or its gradient, R × n_chunks.
    hidden: Vec<Chunk>,
    outputs: Vec<Chunk>,
    /// Which outputs of a row have a gradient, a bit for each.
    gates: Vec<u16>,
    rows: Vec<u32>,
}

/// Chunks of a panel of W.
const PANEL: usize = 2;

/// Chunks of the hidden layer that stay in registers while a row goes back.
const SLAB: usize = 4;

/// The most rows of a block.
const MOST_ROWS: usize = 8;

impl Shape {
    /// The model with n concepts of the given importance and d units.
    pub fn new(size: Size, is_relu: bool, importance: &[f64], decay: Decay) -> Self {
        let Size { n_concepts: n, d_model: d } = size;
        let (d_chunks, n_chunks) = (d.div_ceil(LANES), n.div_ceil(LANES));
        let mut chunks = vec![Chunk::ZERO; n_chunks];
        for (i, &weight) in importance.iter().enumerate() {
            chunks[i / LANES].0[i % LANES] = weight as f32;
        }
        Self { n, d, d_chunks, n_chunks, is_relu, importance: chunks, decay }
    }

    /// Independent normal weights and biases of the given standard deviations, weights first.
    pub fn draw(&self, rng: &mut Rng, of_weights: f64, of_bias: f64) -> Weights {
        let mut normal = |scale: f64| (scale * rng.sample::<f64, _>(StandardNormal)) as f32;
        let columns: Vec<f32> = (0..self.n * self.d).map(|_| normal(of_weights)).collect();
        let bias: Vec<f32> = (0..self.n).map(|_| if of_bias > 0.0 { normal(of_bias) } else { 0.0 }).collect();
        self.restore(&[columns, bias].concat())
    }

    /// Weights from their list: W, concept after concept, then b.
    pub fn restore(&self, state: &State) -> Weights {
        let (columns, bias) = state.split_at(self.n * self.d);
        let mut padded = vec![Chunk::ZERO; self.n * self.d_chunks];
        for (i, column) in columns.chunks_exact(self.d).enumerate() {
            for (k, &x) in column.iter().enumerate() {
                padded[i * self.d_chunks + k / LANES].0[k % LANES] = x;
            }
        }
        let mut biases = vec![Chunk([-1.0; LANES]); self.n_chunks];
        for (i, &x) in bias.iter().enumerate() {
            biases[i / LANES].0[i % LANES] = x;
        }
        let moments = (Moments::new(padded.len()), Moments::new(self.n_chunks));
        Weights { columns: padded, bias: biases, moments }
    }

    /// The list that [`Self::restore`] reads.
    pub fn state(&self, weights: &Weights) -> State {
        let columns = weights.columns.chunks_exact(self.d_chunks);
        let mut state: State = columns.flat_map(|column| column.iter().flat_map(|c| c.0).take(self.d)).collect();
        state.extend(weights.bias.iter().flat_map(|chunk| chunk.0).take(self.n));
        state
    }

    /// W, d × n.
    pub fn embedding(&self, weights: &Weights) -> Embedding {
        let state = self.state(weights);
        Embedding::new(DMatrix::from_iterator(self.d, self.n, state[..self.n * self.d].iter().copied()))
    }

    /// Whether all numbers are finite.
    pub fn is_finite(&self, weights: &Weights) -> bool {
        let finite = |chunks: &[Chunk]| chunks.iter().all(|chunk| chunk.0.iter().all(|x| x.is_finite()));
        finite(&weights.columns) && finite(&weights.bias)
    }

    /// Room for a step.
    pub fn bench(&self) -> Bench {
        let zero = |n: usize| vec![Chunk::ZERO; n];
        Bench {
            panels: zero(self.n_chunks.div_ceil(PANEL) * PANEL * self.d),
            gradient: zero(self.n * self.d_chunks),
            bias_gradient: zero(self.n_chunks),
            hidden: zero(MOST_ROWS * self.d_chunks),
            outputs: zero(MOST_ROWS * self.n_chunks.next_multiple_of(PANEL)),
            gates: vec![0; MOST_ROWS * self.n_chunks],
            rows: Vec::new(),
        }
    }
}

/// Adds the gradient of Σᵢ cᵢ(x̂ᵢ − xᵢ)², summed over the samples of a batch, to the gradient on the bench, where cᵢ = `scale` · Iᵢ/2.
pub struct Gradient<'a> {
    /// The model.
    pub shape: &'a Shape,
    /// Its weights.
    pub weights: &'a Weights,
    /// The samples.
    pub batch: &'a Batch,
    /// Twice the factor of the loss.
    pub scale: f64,
    /// Where to.
    pub bench: &'a mut Bench,
}

impl Task for Gradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes, const R: usize>(self) {
        let Self { shape, weights, batch, scale, bench } = self;
        bench.gradient.fill(Chunk::ZERO);
        bench.bias_gradient.fill(Chunk::ZERO);
        lay_out(shape, weights, &mut bench.panels);
        let active = |&row: &u32| !batch.sample(row as usize).0.is_empty();
        let mut rows = std::mem::take(&mut bench.rows);
        rows.clear();
        rows.extend((0..batch.ends.len() as u32).filter(active));
        // A sample without active concepts is answered with ReLU(b).
        let n_empty = (batch.ends.len() - rows.len()) as f32;
        let scale = scale as f32;
        for c in 0..shape.n_chunks {
            for lane in 0..LANES {
                let (b, factor) = (weights.bias[c].0[lane], scale * shape.importance[c].0[lane]);
                let answer = if shape.is_relu && b <= 0.0 { 0.0 } else { b };
                bench.bias_gradient[c].0[lane] = n_empty * (factor * answer);
            }
        }
        for block in rows.chunks(R) {
            encode::<L>(shape, weights, batch, block, &mut bench.hidden);
            decode::<L, R>(shape, weights, bench);
            for (r, &row) in block.iter().enumerate() {
                let sample = batch.sample(row as usize);
                gate::<L>(shape, r, sample, scale, bench);
                let mut slab = 0;
                while slab < shape.d_chunks {
                    match shape.d_chunks - slab {
                        1 => back::<L, 1>(shape, weights, r, slab, sample, bench),
                        2 => back::<L, 2>(shape, weights, r, slab, sample, bench),
                        3 => back::<L, 3>(shape, weights, r, slab, sample, bench),
                        _ => back::<L, SLAB>(shape, weights, r, slab, sample, bench),
                    }
                    slab += SLAB;
                }
            }
        }
        bench.rows = rows;
    }
}

/// Copies W into panels.
#[inline(always)]
fn lay_out(shape: &Shape, weights: &Weights, panels: &mut [Chunk]) {
    for (i, column) in weights.columns.chunks_exact(shape.d_chunks).enumerate() {
        let (panel, chunk, lane) = (i / (PANEL * LANES), i / LANES % PANEL, i % LANES);
        let panel = &mut panels[panel * shape.d * PANEL..][..shape.d * PANEL];
        for (k, place) in panel.chunks_exact_mut(PANEL).enumerate() {
            place[chunk].0[lane] = column[k / LANES].0[k % LANES];
        }
    }
}

/// h = Σ xᵢ Wᵢ over the active concepts of each row.
#[inline(always)]
fn encode<L: Lanes>(shape: &Shape, weights: &Weights, batch: &Batch, block: &[u32], hidden: &mut [Chunk]) {
    let v = shape.d_chunks;
    for (hidden, &row) in hidden.chunks_exact_mut(v).zip(block) {
        let (concepts, values) = batch.sample(row as usize);
        hidden.fill(Chunk::ZERO);
        for (&i, &x) in concepts.iter().zip(values) {
            let column = &weights.columns[i as usize * v..][..v];
            for (sum, w) in hidden.iter_mut().zip(column) {
                L::splat(x).mul_add(L::load(w), L::load(sum)).store(sum);
            }
        }
    }
}

/// z = Wᵀh + b of a block of rows: one chain of fused multiply-adds over the units, from b on.
#[inline(always)]
fn decode<L: Lanes, const R: usize>(shape: &Shape, weights: &Weights, bench: &mut Bench) {
    let stride = shape.n_chunks.next_multiple_of(PANEL);
    let none = Chunk([-1.0; LANES]);
    for (p, panel) in bench.panels.chunks_exact(shape.d * PANEL).enumerate() {
        let bias: [L; PANEL] = std::array::from_fn(|c| L::load(weights.bias.get(p * PANEL + c).unwrap_or(&none)));
        let mut sums = [bias; R];
        for (k, entries) in panel.chunks_exact(PANEL).enumerate() {
            let entries: [L; PANEL] = std::array::from_fn(|c| L::load(&entries[c]));
            for (r, sums) in sums.iter_mut().enumerate() {
                let h = L::splat(bench.hidden[r * shape.d_chunks + k / LANES].0[k % LANES]);
                for (sum, entry) in sums.iter_mut().zip(entries) {
                    *sum = h.mul_add(entry, *sum);
                }
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            for (c, sum) in sums.iter().enumerate() {
                sum.store(&mut bench.outputs[r * stride + p * PANEL + c]);
            }
        }
    }
}

/// The gradient by z, in its place: cᵢ · 2(x̂ᵢ − xᵢ) where the output is active. Adds it to that of b.
#[inline(always)]
fn gate<L: Lanes>(shape: &Shape, r: usize, sample: (&[u32], &[f32]), scale: f32, bench: &mut Bench) {
    let stride = shape.n_chunks.next_multiple_of(PANEL);
    let outputs = &mut bench.outputs[r * stride..][..shape.n_chunks];
    let gates = &mut bench.gates[r * shape.n_chunks..][..shape.n_chunks];
    let sums = &mut bench.bias_gradient;
    for (((output, gate), importance), sum) in outputs.iter_mut().zip(gates.iter_mut()).zip(&shape.importance).zip(sums)
    {
        let z = L::load(output);
        let answer = if shape.is_relu { z.relu() } else { z };
        *gate = if shape.is_relu { z.positive() } else { L::load(importance).positive() };
        let g = answer.times(L::load(importance).times(L::splat(scale)));
        g.store(output);
        g.plus(L::load(sum)).store(sum);
    }
    for (&i, &x) in sample.0.iter().zip(sample.1) {
        let (c, lane) = (i as usize / LANES, i as usize % LANES);
        if gates[c] >> lane & 1 == 1 {
            let less = scale * shape.importance[c].0[lane] * x;
            outputs[c].0[lane] -= less;
            bench.bias_gradient[c].0[lane] -= less;
        }
    }
}

/// From the gradient by z to those of h and W, for V chunks of units: both layers of W have it.
#[inline(always)]
fn back<L: Lanes, const V: usize>(
    shape: &Shape,
    weights: &Weights,
    r: usize,
    slab: usize,
    sample: (&[u32], &[f32]),
    bench: &mut Bench,
) {
    let stride = shape.n_chunks.next_multiple_of(PANEL);
    let hidden: &[Chunk; V] =
        bench.hidden[r * shape.d_chunks + slab..].first_chunk().expect("a slab lies within the units");
    let hidden: [L; V] = std::array::from_fn(|v| L::load(&hidden[v]));
    let mut back = [L::splat(0.0); V];
    for c in 0..shape.n_chunks {
        let mut gate = bench.gates[r * shape.n_chunks + c];
        while gate != 0 {
            let lane = gate.trailing_zeros() as usize;
            gate &= gate - 1;
            let g = L::splat(bench.outputs[r * stride + c].0[lane]);
            let at = (c * LANES + lane) * shape.d_chunks + slab;
            let column: &[Chunk; V] = weights.columns[at..].first_chunk().expect("a slab lies within the units");
            let gradient: &mut [Chunk; V] =
                bench.gradient[at..].first_chunk_mut().expect("a slab lies within the units");
            for v in 0..V {
                back[v] = g.mul_add(L::load(&column[v]), back[v]);
                g.mul_add(hidden[v], L::load(&gradient[v])).store(&mut gradient[v]);
            }
        }
    }
    for (&i, &x) in sample.0.iter().zip(sample.1) {
        let at = i as usize * shape.d_chunks + slab;
        let gradient: &mut [Chunk; V] = bench.gradient[at..].first_chunk_mut().expect("a slab lies within the units");
        for (gradient, &back) in gradient.iter_mut().zip(&back) {
            L::splat(x).mul_add(back, L::load(gradient)).store(gradient);
        }
    }
}

/// Moves the weights by the gradient on the bench.
pub struct Move<'a> {
    /// The model.
    pub shape: &'a Shape,
    /// What is moved.
    pub weights: &'a mut Weights,
    /// Where the gradient is.
    pub bench: &'a Bench,
    /// How it is moved.
    pub optimizer: Optimizer,
    /// Learning rate.
    pub rate: f64,
}

impl Task for Move<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes, const R: usize>(self) {
        let Self { shape, weights, bench, optimizer, rate } = self;
        let plain = match shape.decay {
            Decay::Plain(decay) => decay,
            Decay::Rows(gamma) => {
                pull(shape, &mut weights.columns, gamma, rate);
                0.0
            }
        };
        weights.moments.0.step(optimizer, &mut weights.columns, &bench.gradient, rate, plain);
        weights.moments.1.step(optimizer, &mut weights.bias, &bench.bias_gradient, rate, 0.0);
    }
}

/// The signed decay of Liu et al.
#[inline(always)]
fn pull(shape: &Shape, columns: &mut [Chunk], gamma: f64, rate: f64) {
    if gamma == 0.0 {
        return;
    }
    for column in columns.chunks_exact_mut(shape.d_chunks) {
        let factor = if gamma > 0.0 {
            1.0 - rate * gamma
        } else {
            let mut squares = [0.0_f32; LANES];
            for chunk in column.iter() {
                for (square, x) in squares.iter_mut().zip(chunk.0) {
                    *square += x * x;
                }
            }
            let norm = f64::from(squares.iter().sum::<f32>()).sqrt().max(1e-8);
            1.0 + rate * gamma * (1.0 - 1.0 / norm)
        } as f32;
        for chunk in column {
            for x in &mut chunk.0 {
                *x *= factor;
            }
        }
    }
}

/// The loss of a model over samples: Σᵢ Iᵢ(x̂ᵢ − xᵢ)², its mean and standard error, and the part of each concept.
pub struct Loss<'a> {
    /// The model.
    pub shape: &'a Shape,
    /// Its weights.
    pub weights: &'a Weights,
    /// The samples.
    pub batch: &'a Batch,
    /// Room.
    pub bench: &'a mut Bench,
}

/// Sums over samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sums {
    /// Number of samples.
    pub n: f64,
    /// Sum of the loss, and of its square.
    pub loss: (f64, f64),
    /// Sum of the part of each concept.
    pub by_concept: Vec<f64>,
}

impl Task for Loss<'_> {
    type Output = Sums;

    #[inline(always)]
    fn run<L: Lanes, const R: usize>(self) -> Sums {
        let Self { shape, weights, batch, bench } = self;
        lay_out(shape, weights, &mut bench.panels);
        let stride = shape.n_chunks.next_multiple_of(PANEL);
        let mut sums = Sums { n: batch.ends.len() as f64, loss: (0.0, 0.0), by_concept: vec![0.0; shape.n] };
        let mut add = |parts: &mut dyn Iterator<Item = f64>, times: f64| {
            let mut whole = 0.0;
            for (sum, part) in sums.by_concept.iter_mut().zip(parts) {
                *sum += times * part;
                whole += part;
            }
            sums.loss.0 += times * whole;
            sums.loss.1 += times * whole * whole;
        };
        let importance = |i: usize| f64::from(shape.importance[i / LANES].0[i % LANES]);
        let answer = |z: f32| f64::from(if shape.is_relu && z <= 0.0 { 0.0 } else { z });
        let active = |&row: &u32| !batch.sample(row as usize).0.is_empty();
        let rows: Vec<u32> = (0..batch.ends.len() as u32).filter(active).collect();
        let mut truth = vec![0.0; shape.n];
        for block in rows.chunks(R) {
            encode::<L>(shape, weights, batch, block, &mut bench.hidden);
            decode::<L, R>(shape, weights, bench);
            for (r, &row) in block.iter().enumerate() {
                let (concepts, values) = batch.sample(row as usize);
                concepts.iter().zip(values).for_each(|(&i, &x)| truth[i as usize] = f64::from(x));
                let outputs = &bench.outputs[r * stride..];
                let part = |i: usize| {
                    let error = answer(outputs[i / LANES].0[i % LANES]) - truth[i];
                    importance(i) * error * error
                };
                add(&mut (0..shape.n).map(part), 1.0);
                concepts.iter().for_each(|&i| truth[i as usize] = 0.0);
            }
        }
        let n_empty = batch.ends.len() - rows.len();
        let part = |i: usize| {
            let error = answer(weights.bias[i / LANES].0[i % LANES]);
            importance(i) * error * error
        };
        add(&mut (0..shape.n).map(part), n_empty as f64);
        sums
    }
}

#[cfg(test)]
mod tests;
