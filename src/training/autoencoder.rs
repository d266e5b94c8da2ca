//! Autoencoder: x̂ = ReLU(WᵀWx + b), its gradient written by hand, and one step of training.

/// Calls a function for at most `limit` rows at a time, and at most so many as the first of a list of all sizes says, from the first to the last, in parts that are as equal
/// as can be.
macro_rules! by_rows {
    ([$most:literal $($size:literal)*], $n:expr, $limit:expr, |$first:ident, $rows:ident| $call:expr) => {
        let most = if $limit >= $most { $most } else { $limit };
        let mut $first = 0;
        while $first < $n {
            let left = $n - $first;
            let size = left.div_ceil(left.div_ceil(most));
            match size {
                $most => by_rows!(@part $most, $rows, $call),
                $($size => by_rows!(@part $size, $rows, $call),)*
                _ => by_rows!(@part 1, $rows, $call),
            }
            $first += size;
        }
    };
    (@part $size:literal, $rows:ident, $call:expr) => {{
        const $rows: usize = $size;
        $call;
    }};
}

mod narrow;
mod pairs;

use rand::RngExt;
use rand_distr::StandardNormal;

use super::features::Batch;
use super::optimizer::Moments;
use super::{Optimizer, Size, State};
use crate::geometry::embedding::Embedding;
use crate::geometry::kernel::Kernel;
use crate::geometry::kernel::lanes::{Chunk, LANES, Lanes, Task, run};
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
    is_paired: bool,
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
    /// W, concept after concept: n × d_chunks, or without gaps if the shape is narrow.
    columns: Vec<Chunk>,
    /// b; −1 beyond n, so that nothing there is ever active.
    bias: Vec<Chunk>,
    moments: (Moments<Chunk>, Moments<Chunk>),
}

/// Room for one step.
pub struct Bench {
    /// W again, in panels of 32 concepts, unit after unit.
    panels: Vec<Chunk>,
    gradient: Vec<Chunk>,
    bias_gradient: Vec<Chunk>,
    /// h of the rows of a block, and the gradient by it, each ROWS × d_chunks.
    hidden: Vec<Chunk>,
    back: Vec<Chunk>,
    /// x, and z or the gradient by it, each ROWS × n_chunks, rounded up to panels.
    truth: Vec<Chunk>,
    outputs: Vec<Chunk>,
    /// Which outputs of a row have a gradient, a bit for each.
    gates: Vec<u16>,
    /// What a narrow shape needs in place of all this.
    room: narrow::Room,
    /// And for the gradient one that goes through pairs.
    pairs: pairs::Room,
}

/// Chunks of a panel of W.
const PANEL: usize = 2;

/// Entries of W up to which a shape is narrow, if it has fewer concepts or units than this: its lanes are samples, not units.
/// Beyond, a vector of units fills its lanes, and skipping what is zero gains more. Part of the order of the sums, so part of the definition of the numbers.
const NARROW: (usize, usize) = (2048, 24);

/// Rows that are computed together: part of the order of the sums, so part of the definition of the numbers.
const ROWS: usize = 8;

/// Chunks of the hidden layer that stay in registers while one row goes back.
const SLAB: usize = 4;

/// Whether the lanes of a model of this size are samples in training.
fn is_narrow(size: Size) -> bool {
    let Size { n_concepts: n, d_model: d } = size;
    n * d <= NARROW.0 && n.min(d) < NARROW.1
}

/// What a step learns from.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Samples that are not empty, on average.
    pub samples: f64,
    /// Active concepts of each, on average.
    pub active: f64,
}

impl Load {
    /// Batches of so many samples in which concepts are active this often.
    pub fn new(frequency: &[f64], batch: usize) -> Self {
        let empty = libm::exp(frequency.iter().map(|&p| libm::log1p(-p).max(-60.0)).sum());
        Self { samples: batch as f64 * (1.0 - empty), active: frequency.iter().sum::<f64>() / (1.0 - empty) }
    }
}

/// Whether the gradient goes through the pairs of concepts: where so few are active that this takes less time. Part of the definition of the numbers, as another order of
/// their sums is.
fn is_paired(size: Size, load: Load) -> bool {
    pairs::cycles(size, load) < direct_cycles(size, load)
}

/// Cycles that the gradient takes for a sample that is not empty, from operations counted and timed.
pub fn cycles(size: Size, load: Load) -> f64 {
    pairs::cycles(size, load).min(direct_cycles(size, load))
}

/// The same for products with W.
fn direct_cycles(size: Size, load: Load) -> f64 {
    if is_narrow(size) { narrow::cycles(size) } else { wide_cycles(size, load) }
}

/// Cycles for a sample that is not empty, with units in lanes, a third of the outputs above zero.
fn wide_cycles(size: Size, load: Load) -> f64 {
    let (n, d_chunks) = (size.n_concepts as f64, size.d_model.div_ceil(LANES) as f64);
    40.0 + n * (size.d_model as f64 / 14.0 + 2.4 * d_chunks) + 4.0 * load.active * d_chunks
}

impl Shape {
    /// The model with n concepts of the given importance and d units, which learns from so much.
    pub fn new(size: Size, is_relu: bool, importance: &[f64], decay: Decay, load: Load) -> Self {
        let Size { n_concepts: n, d_model: d } = size;
        let (d_chunks, n_chunks) = (d.div_ceil(LANES), n.div_ceil(LANES));
        let mut chunks = vec![Chunk::ZERO; n_chunks];
        for (i, &weight) in importance.iter().enumerate() {
            chunks[i / LANES].0[i % LANES] = weight as f32;
        }
        Self { n, d, d_chunks, n_chunks, is_relu, importance: chunks, decay, is_paired: is_paired(size, load) }
    }

    /// Whether its lanes are samples in training.
    fn is_narrow(&self) -> bool {
        is_narrow(Size { n_concepts: self.n, d_model: self.d })
    }

    /// Numbers from one concept to the next in the list of weights.
    fn pitch(&self) -> usize {
        if self.is_narrow() { self.d } else { self.d_chunks * LANES }
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
        let padded = self.spread(columns, self.pitch());
        let mut biases = vec![Chunk([-1.0; LANES]); self.n_chunks];
        for (i, &x) in bias.iter().enumerate() {
            biases[i / LANES].0[i % LANES] = x;
        }
        let moments = (Moments::new(padded.len()), Moments::new(self.n_chunks));
        Weights { columns: padded, bias: biases, moments }
    }

    /// The entries of W with so many numbers from one concept to the next.
    fn spread(&self, columns: &[f32], pitch: usize) -> Vec<Chunk> {
        let mut spread = vec![Chunk::ZERO; (self.n * pitch).div_ceil(LANES)];
        for (i, column) in columns.chunks_exact(self.d).enumerate() {
            for (at, &x) in (i * pitch..).zip(column) {
                spread[at / LANES].0[at % LANES] = x;
            }
        }
        spread
    }

    /// The entries of W, or of its gradient, without gaps.
    fn gather(&self, columns: &[Chunk]) -> Vec<f32> {
        let entry = |at: usize| columns[at / LANES].0[at % LANES];
        (0..self.n).flat_map(|i| (0..self.d).map(move |k| entry(i * self.pitch() + k))).collect()
    }

    /// The list that [`Self::restore`] reads.
    pub fn state(&self, weights: &Weights) -> State {
        let mut state = self.gather(&weights.columns);
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
        let (hidden, outputs) = (ROWS * self.d_chunks, ROWS * self.stride());
        Bench {
            panels: zero(self.stride() * self.d),
            gradient: zero((self.n * self.pitch()).div_ceil(LANES)),
            bias_gradient: zero(self.n_chunks),
            hidden: zero(hidden),
            back: zero(hidden),
            truth: zero(outputs),
            outputs: zero(outputs),
            gates: vec![0; outputs],
            room: if self.is_narrow() { narrow::Room::new(self) } else { narrow::Room::default() },
            pairs: if self.is_paired { pairs::Room::new(self) } else { pairs::Room::default() },
        }
    }

    /// Chunks of a row of outputs: whole panels.
    fn stride(&self) -> usize {
        self.n_chunks.next_multiple_of(PANEL)
    }
}

impl Bench {
    /// Makes a batch ready for the losses of all models of the shape that see it.
    pub fn see(&mut self, shape: &Shape, batch: &Batch) {
        if shape.is_narrow() {
            self.room.see(shape, batch);
        }
    }

    /// The same for the gradients.
    pub fn learn_from(&mut self, shape: &Shape, batch: &Batch) {
        if shape.is_paired {
            self.pairs.see(shape, batch);
        } else {
            self.see(shape, batch);
        }
    }
}

/// Puts the gradient of Σᵢ cᵢ(x̂ᵢ − xᵢ)², summed over the samples of a batch that the bench has seen, on the bench, where cᵢ = `scale` · Iᵢ/2.
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

impl Gradient<'_> {
    /// Puts it there. Each way is a function of its own: of one that has them all, the compiler makes slow code for some.
    pub fn put(self, kernel: Kernel) {
        if self.shape.is_paired {
            run(kernel, pairs::Pairs(self));
        } else if self.shape.is_narrow() {
            run(kernel, narrow::Narrow(self));
        } else {
            run(kernel, Wide(self));
        }
    }
}

/// The gradient with units in lanes.
struct Wide<'a>(Gradient<'a>);

impl Task for Wide<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes, const R: usize>(self) {
        let Gradient { shape, weights, batch, scale, bench } = self.0;
        bench.gradient.fill(Chunk::ZERO);
        lay_out(shape, &weights.columns, &mut bench.panels);
        let scale = scale as f32;
        answer_empty(shape, weights, batch, scale, &mut bench.bias_gradient);
        let mut first = 0;
        while first < batch.ends.len() {
            let n_rows = ROWS.min(batch.ends.len() - first);
            encode::<L>(shape, &weights.columns, batch, first, n_rows, bench);
            decode::<L, R>(shape, weights, bench);
            gate::<L>(shape, n_rows, scale, bench);
            match shape.d_chunks {
                1 => back_together::<L, 1>(shape, weights, bench),
                2 => back_together::<L, 2>(shape, weights, bench),
                _ => {
                    for r in 0..n_rows {
                        let mut slab = 0;
                        while slab < shape.d_chunks {
                            match shape.d_chunks - slab {
                                1 => back_alone::<L, 1>(shape, weights, r, slab, bench),
                                2 => back_alone::<L, 2>(shape, weights, r, slab, bench),
                                3 => back_alone::<L, 3>(shape, weights, r, slab, bench),
                                _ => back_alone::<L, SLAB>(shape, weights, r, slab, bench),
                            }
                            slab += SLAB;
                        }
                    }
                }
            }
            spread::<L>(shape, batch, first, n_rows, bench);
            first += ROWS;
        }
    }
}

/// The gradient by b of the samples without active concepts, which are answered with ReLU(b).
#[inline(always)]
fn answer_empty(shape: &Shape, weights: &Weights, batch: &Batch, scale: f32, gradient: &mut [Chunk]) {
    let n_empty = batch.n_empty() as f32;
    for ((gradient, bias), importance) in gradient.iter_mut().zip(&weights.bias).zip(&shape.importance) {
        for ((gradient, &b), importance) in gradient.0.iter_mut().zip(&bias.0).zip(importance.0) {
            *gradient = n_empty * (scale * importance * shape.answer(b));
        }
    }
}

/// Copies W into panels.
#[inline(always)]
fn lay_out(shape: &Shape, columns: &[Chunk], panels: &mut [Chunk]) {
    for (i, column) in columns.chunks_exact(shape.d_chunks).enumerate() {
        let (panel, chunk, lane) = (i / (PANEL * LANES), i / LANES % PANEL, i % LANES);
        let panel = &mut panels[panel * shape.d * PANEL..][..shape.d * PANEL];
        for (k, place) in panel.chunks_exact_mut(PANEL).enumerate() {
            place[chunk].0[lane] = column[k / LANES].0[k % LANES];
        }
    }
}

/// x, and h = Σ xᵢ Wᵢ over the active concepts, of each row of a block.
#[inline(always)]
fn encode<L: Lanes>(shape: &Shape, columns: &[Chunk], batch: &Batch, first: usize, n_rows: usize, bench: &mut Bench) {
    let (v, stride) = (shape.d_chunks, shape.stride());
    for r in 0..n_rows {
        let (concepts, values) = batch.sample(first + r);
        let hidden = &mut bench.hidden[r * v..][..v];
        if let [hidden] = hidden {
            let mut sum = L::splat(0.0);
            for (&i, &x) in concepts.iter().zip(values) {
                sum = L::splat(x).mul_add(L::load(&columns[i as usize]), sum);
            }
            sum.store(hidden);
        } else {
            hidden.fill(Chunk::ZERO);
            for (&i, &x) in concepts.iter().zip(values) {
                let column = &columns[i as usize * v..][..v];
                for (sum, w) in hidden.iter_mut().zip(column) {
                    L::splat(x).mul_add(L::load(w), L::load(sum)).store(sum);
                }
            }
        }
        let truth = &mut bench.truth[r * stride..][..stride];
        for (&i, &x) in concepts.iter().zip(values) {
            truth[i as usize / LANES].0[i as usize % LANES] = x;
        }
    }
}

/// z = Wᵀh + b of a block of rows: one chain of fused multiply-adds over the units, from b on.
#[inline(always)]
fn decode<L: Lanes, const R: usize>(shape: &Shape, weights: &Weights, bench: &mut Bench) {
    let (v, stride) = (shape.d_chunks, shape.stride());
    let none = Chunk([-1.0; LANES]);
    for (p, panel) in bench.panels.chunks_exact(shape.d * PANEL).enumerate() {
        let bias: [L; PANEL] = std::array::from_fn(|c| L::load(weights.bias.get(p * PANEL + c).unwrap_or(&none)));
        let mut first = 0;
        while first < ROWS {
            // The last rows of a block may be computed twice.
            let start = first.min(ROWS - R);
            let mut sums = [bias; R];
            let hidden: [&[Chunk]; R] = std::array::from_fn(|r| &bench.hidden[(start + r) * v..][..v]);
            for (k, entries) in panel.chunks_exact(PANEL).enumerate() {
                let entries: [L; PANEL] = std::array::from_fn(|c| L::load(&entries[c]));
                for (hidden, sums) in hidden.iter().zip(&mut sums) {
                    let h = L::splat(hidden[k / LANES].0[k % LANES]);
                    for (sum, entry) in sums.iter_mut().zip(entries) {
                        *sum = h.mul_add(entry, *sum);
                    }
                }
            }
            for (r, sums) in sums.iter().enumerate() {
                for (c, sum) in sums.iter().enumerate() {
                    sum.store(&mut bench.outputs[(start + r) * stride + p * PANEL + c]);
                }
            }
            first += R;
        }
    }
}

/// The gradient by z, in its place: cᵢ · 2(x̂ᵢ − xᵢ) where the output is active, 0 elsewhere and in rows that are not there. Adds it to that of b, and clears x.
#[inline(always)]
fn gate<L: Lanes>(shape: &Shape, n_rows: usize, scale: f32, bench: &mut Bench) {
    let stride = shape.stride();
    let minus = L::splat(-1.0);
    for c in 0..shape.n_chunks {
        let factor = L::load(&shape.importance[c]).times(L::splat(scale));
        let inside = L::load(&shape.importance[c]).positive();
        let mut sum = L::load(&bench.bias_gradient[c]);
        for r in 0..ROWS {
            let at = r * stride + c;
            if r >= n_rows {
                bench.outputs[at] = Chunk::ZERO;
                bench.gates[at] = 0;
                continue;
            }
            let z = L::load(&bench.outputs[at]);
            let gate = if shape.is_relu { z.positive() } else { inside };
            let error = L::load(&bench.truth[at]).mul_add(minus, z);
            let g = error.times(factor).only(gate);
            g.store(&mut bench.outputs[at]);
            bench.gates[at] = gate;
            L::splat(0.0).store(&mut bench.truth[at]);
            sum = sum.plus(g);
        }
        sum.store(&mut bench.bias_gradient[c]);
    }
}

/// From the gradient by z to those of h and of the decoding W, for all rows of a block at once, where V chunks hold a vector of units.
#[inline(always)]
fn back_together<L: Lanes, const V: usize>(shape: &Shape, weights: &Weights, bench: &mut Bench) {
    let stride = shape.stride();
    let hidden: [[L; V]; ROWS] = std::array::from_fn(|r| std::array::from_fn(|v| L::load(&bench.hidden[r * V + v])));
    let mut back = [[L::splat(0.0); V]; ROWS];
    let (columns, gradients) = (weights.columns.as_chunks::<V>().0, bench.gradient.as_chunks_mut::<V>().0);
    for c in 0..shape.n_chunks {
        let rows: [&Chunk; ROWS] = std::array::from_fn(|r| &bench.outputs[r * stride + c]);
        let mut gate = (0..ROWS).fold(0, |gate, r| gate | bench.gates[r * stride + c]);
        while gate != 0 {
            let lane = gate.trailing_zeros() as usize % LANES;
            gate &= gate - 1;
            let (column, gradient) = (&columns[c * LANES + lane], &mut gradients[c * LANES + lane]);
            let column: [L; V] = std::array::from_fn(|v| L::load(&column[v]));
            let mut sum: [L; V] = std::array::from_fn(|v| L::load(&gradient[v]));
            for r in 0..ROWS {
                let g = L::splat(rows[r].0[lane]);
                for v in 0..V {
                    back[r][v] = g.mul_add(column[v], back[r][v]);
                    sum[v] = g.mul_add(hidden[r][v], sum[v]);
                }
            }
            for v in 0..V {
                sum[v].store(&mut gradient[v]);
            }
        }
    }
    for (r, back) in back.iter().enumerate() {
        for (v, back) in back.iter().enumerate() {
            back.store(&mut bench.back[r * V + v]);
        }
    }
}

/// The same for one row and V chunks of units, through the outputs that have a gradient. Each sum has the same order as in [`back_together`].
#[inline(always)]
fn back_alone<L: Lanes, const V: usize>(shape: &Shape, weights: &Weights, r: usize, slab: usize, bench: &mut Bench) {
    let stride = shape.stride();
    let at = r * shape.d_chunks + slab;
    let hidden: &[Chunk; V] = bench.hidden[at..].first_chunk().expect("a slab lies within the units");
    let hidden: [L; V] = std::array::from_fn(|v| L::load(&hidden[v]));
    let mut back = [L::splat(0.0); V];
    for c in 0..shape.n_chunks {
        let mut gate = bench.gates[r * stride + c];
        while gate != 0 {
            let lane = gate.trailing_zeros() as usize % LANES;
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
    for (v, back) in back.iter().enumerate() {
        back.store(&mut bench.back[at + v]);
    }
}

/// From the gradient by h to that of the encoding W, which only active concepts have.
#[inline(always)]
fn spread<L: Lanes>(shape: &Shape, batch: &Batch, first: usize, n_rows: usize, bench: &mut Bench) {
    let v = shape.d_chunks;
    for r in 0..n_rows {
        let (concepts, values) = batch.sample(first + r);
        let back = &bench.back[r * v..][..v];
        for (&i, &x) in concepts.iter().zip(values) {
            let gradient = &mut bench.gradient[i as usize * v..][..v];
            for (gradient, back) in gradient.iter_mut().zip(back) {
                L::splat(x).mul_add(L::load(back), L::load(gradient)).store(gradient);
            }
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
    if shape.is_narrow() {
        // Each vector by itself, as if it had lanes of its own.
        for i in 0..shape.n {
            let at = |k: usize| (i * shape.d + k) / LANES;
            let lane = |k: usize| (i * shape.d + k) % LANES;
            let mut squares = [0.0_f32; LANES];
            for k in 0..shape.d {
                let x = columns[at(k)].0[lane(k)];
                squares[k % LANES] += x * x;
            }
            let factor = factor(gamma, rate, squares);
            (0..shape.d).for_each(|k| columns[at(k)].0[lane(k)] *= factor);
        }
        return;
    }
    for column in columns.chunks_exact_mut(shape.d_chunks) {
        let mut squares = [0.0_f32; LANES];
        for chunk in column.iter().filter(|_| gamma < 0.0) {
            for (square, x) in squares.iter_mut().zip(chunk.0) {
                *square += x * x;
            }
        }
        let factor = factor(gamma, rate, squares);
        for chunk in column {
            for x in &mut chunk.0 {
                *x *= factor;
            }
        }
    }
}

/// What the signed decay multiplies a vector by, whose squares add up to the square of its length.
#[inline(always)]
fn factor(gamma: f64, rate: f64, squares: [f32; LANES]) -> f32 {
    if gamma > 0.0 {
        return (1.0 - rate * gamma) as f32;
    }
    let norm = f64::from(squares.iter().sum::<f32>()).sqrt().max(1e-8);
    (1.0 + rate * gamma * (1.0 - 1.0 / norm)) as f32
}

/// The loss of a model over samples that the bench has seen: Σᵢ Iᵢ(x̂ᵢ − xᵢ)², its mean and standard error, and the part of each concept.
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
        if self.shape.is_narrow() {
            return narrow::loss::<L, R>(self);
        }
        let Self { shape, weights, batch, bench } = self;
        let columns = &weights.columns;
        lay_out(shape, columns, &mut bench.panels);
        let stride = shape.stride();
        let mut sums = Sums { n: batch.n_samples as f64, loss: (0.0, 0.0), by_concept: vec![0.0; shape.n] };
        let mut errors = vec![0.0_f32; shape.n];
        let mut first = 0;
        while first < batch.ends.len() {
            let n_rows = ROWS.min(batch.ends.len() - first);
            encode::<L>(shape, columns, batch, first, n_rows, bench);
            decode::<L, R>(shape, weights, bench);
            for r in 0..n_rows {
                let chunks = bench.outputs[r * stride..].iter().zip(&mut bench.truth[r * stride..][..stride]);
                for (errors, (output, truth)) in errors.chunks_mut(LANES).zip(chunks) {
                    for (error, (&z, &x)) in errors.iter_mut().zip(output.0.iter().zip(&truth.0)) {
                        *error = shape.answer(z) - x;
                    }
                    *truth = Chunk::ZERO;
                }
                sums.count(shape, &errors, 1.0);
            }
            first += ROWS;
        }
        let biases = weights.bias.iter().flat_map(|chunk| chunk.0);
        errors.iter_mut().zip(biases).for_each(|(error, b)| *error = shape.answer(b));
        sums.count(shape, &errors, batch.n_empty() as f64);
        sums
    }
}

impl Shape {
    #[inline(always)]
    fn answer(&self, z: f32) -> f32 {
        if self.is_relu && z <= 0.0 { 0.0 } else { z }
    }
}

impl Sums {
    /// Adds a sample with these errors, so many times.
    #[inline(always)]
    fn count(&mut self, shape: &Shape, errors: &[f32], times: f64) {
        let mut whole = 0.0;
        for ((errors, importance), sums) in
            errors.chunks(LANES).zip(&shape.importance).zip(self.by_concept.chunks_mut(LANES))
        {
            let mut parts = [0.0; LANES];
            for ((part, &error), &importance) in parts.iter_mut().zip(errors).zip(&importance.0) {
                *part = f64::from(importance) * (f64::from(error) * f64::from(error));
            }
            for (sum, part) in sums.iter_mut().zip(&parts) {
                *sum += times * part;
            }
            let mut half = LANES / 2;
            while half > 0 {
                (0..half).for_each(|lane| parts[lane] += parts[lane + half]);
                half /= 2;
            }
            whole += parts[0];
        }
        self.loss = (self.loss.0 + times * whole, self.loss.1 + times * whole * whole);
    }
}

#[cfg(test)]
mod tests;
