//! Deep linear: a two-layer linear network, whose learning is known in closed form.

use nalgebra::DMatrix;
use rand::RngExt;
use rand_distr::StandardNormal;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Optimizer, Outcome, Progress, Recipe, Schedule, Size, Snapshot, State, ToyModel, Trained, best_of};
use crate::geometry::embedding::Embedding;
use crate::quantity::{Count, Fraction, Positive};
use crate::seed::Stream;

/// A two-layer linear network y = W₂ W₁ x that learns n items one mode at a time: nothing for long, then everything at once.
///
/// The items have orthogonal inputs, x = eⱼ, and the network is to answer with column j of S = U diag(s) Vᵀ (n × n), whose K modes have the strengths
/// sₖ = `strength` · `ratio`ᵏ, k = 0 … K − 1. W₁ (d × n) is the embedding: its columns are the hidden vectors of the items. The loss is ½ ‖S − W₂W₁‖²,
/// summed over all entries, and every step is one of gradient descent on all items, so that no sample is drawn and the loss is exact. From the balanced
/// start W₁ = √u₀ R Vᵀ, W₂ = √u₀ U Rᵀ with orthonormal R (d × K) every mode moves alone, by du/dt = 2 u (s − u), where t is the sum of the learning rates:
/// u(t) = s e^(2st)/(e^(2st) − 1 + s/u₀), and the loss is ½ Σₖ (sₖ − uₖ)² beside that. A small random start ends there too, later and not exactly.
///
/// With `basis` "aligned" item k is mode k (U = V = 1): it is learned when its weight passes sₖ/2, at t = ln(sₖ/u₀ − 1)/(2sₖ), and items from K on are never
/// learned. With "rotated", U and V are random orthogonal matrices and every item has a part in every mode.
///
/// Trained by `sgd`, the only optimiser that it takes, at a constant rate of 0.001 for 20000 steps, unless the scenario says otherwise; at that rate Euler's steps follow the curve to 0.3 %.
/// Converged means that less than 1 % of ½ Σ s² is left of the loss, whose lowest value is 0; restarts count as failed if they end more than that above the best.
/// O(n² d) time a step, O(n d + n²) memory for each restart.
///
/// Source: Saxe, McClelland & Ganguli (2014), Exact solutions to the nonlinear dynamics of learning in deep linear neural networks, ICLR.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeepLinear {
    /// s₀, strength of the strongest mode. Left out: 2.
    pub strength: Positive,
    /// Each strength over the one before, above 0 and at most 1. Left out: 0.8, so that the modes are learned one after the other.
    pub ratio: Fraction,
    /// K, number of modes, at most n and d. Left out: the smaller of the two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modes: Option<Count>,
    /// What the items are in terms of the modes: "aligned" or "rotated".
    pub basis: Basis,
    /// How the weights begin: "balanced", for which the closed form is exact, or "random": independent normal entries of variance u₀/d.
    pub init: Init,
    /// u₀, the effective weight of every mode before training. Left out: 0.001, small against the strengths.
    pub start: Positive,
}

/// What items are in terms of modes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Item k is mode k.
    #[default]
    Aligned,
    /// Every item has a part in every mode.
    Rotated,
}

/// How weights begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Init {
    /// Both layers along the modes, equally strong.
    #[default]
    Balanced,
    /// Independent normal entries.
    Random,
}

impl Default for DeepLinear {
    fn default() -> Self {
        let positive = |x| Positive::new(x).expect("it is above 0");
        let ratio = Fraction::new(0.8).expect("it is a fraction");
        let (strength, start) = (positive(2.0), positive(1e-3));
        Self { strength, ratio, modes: None, basis: Basis::default(), init: Init::default(), start }
    }
}

impl DeepLinear {
    fn n_modes(&self, size: Size) -> usize {
        self.modes.map_or(size.n_concepts.min(size.d_model), |modes| modes.get() as usize)
    }

    /// s, strongest first.
    fn strengths(&self, size: Size) -> Vec<f64> {
        let next = |s: &f64| Some(s * self.ratio.get());
        std::iter::successors(Some(self.strength.get()), next).take(self.n_modes(size)).collect()
    }

    /// u after the time t, from u₀.
    fn weight(&self, strength: f64, t: f64) -> f64 {
        let exponent = -2.0 * strength * t;
        1.0 / (libm::exp(exponent) / self.start.get() - libm::expm1(exponent) / strength)
    }

    /// The step at which u = s/2 in the closed form, for each mode; nothing for one that begins there, or that the rates do not bring there.
    fn learned_in_theory(&self, size: Size, recipe: &Recipe) -> Vec<Option<f64>> {
        let half = |s: f64| Some(libm::log(s / self.start.get() - 1.0) / (2.0 * s)).filter(|&t| t > 0.0);
        let halves: Vec<Option<f64>> = self.strengths(size).into_iter().map(half).collect();
        if recipe.schedule == Schedule::Constant {
            return halves.into_iter().map(|half| half.map(|t| t / recipe.learning_rate)).collect();
        }
        let (mut found, mut time) = (vec![None; halves.len()], 0.0);
        for step in 1..=recipe.steps {
            let rate = recipe.schedule.rate(recipe.learning_rate, step, recipe.steps);
            for (found, half) in found.iter_mut().zip(&halves).filter(|(found, _)| found.is_none()) {
                *found = half.filter(|&t| time + rate >= t).map(|t| (step - 1) as f64 + (t - time) / rate);
            }
            time += rate;
        }
        found
    }

    /// The target S, and the start of each restart.
    fn begin(&self, size: Size, stream: &Stream, n_restarts: usize) -> (DMatrix<f64>, Vec<Weights>) {
        let (n, d, k) = (size.n_concepts, size.d_model, self.n_modes(size));
        let strengths = self.strengths(size);
        let basis = |purpose: &str| match self.basis {
            Basis::Aligned => DMatrix::identity(n, k),
            Basis::Rotated => orthonormal(n, k, &stream.stream(purpose)),
        };
        let (outputs, inputs) = (basis("outputs"), basis("inputs"));
        let target =
            DMatrix::from_fn(n, n, |i, j| (0..k).map(|m| outputs[(i, m)] * strengths[m] * inputs[(j, m)]).sum());
        let start = self.start.get();
        let weights = |restart: usize| {
            let stream = stream.stream("start").stream(&restart.to_string());
            match self.init {
                Init::Balanced => {
                    let frame = orthonormal(d, k, &stream) * start.sqrt();
                    let along = |modes: &DMatrix<f64>| {
                        DMatrix::from_fn(d, n, |i, j| (0..k).map(|m| frame[(i, m)] * modes[(j, m)]).sum())
                    };
                    Weights { first: along(&inputs), second: along(&outputs) }
                }
                Init::Random => {
                    let scale = (start / d as f64).sqrt();
                    let mut rng = stream.rng();
                    let mut layer = || DMatrix::from_fn(d, n, |_, _| scale * rng.sample::<f64, _>(StandardNormal));
                    Weights { first: layer(), second: layer() }
                }
            }
        };
        (target, (0..n_restarts).map(weights).collect())
    }
}

impl ToyModel for DeepLinear {
    fn defaults(&self, size: Size) -> Recipe {
        Recipe {
            batch: size.n_concepts,
            steps: 20_000,
            learning_rate: 1e-3,
            schedule: Schedule::Constant,
            optimizer: Optimizer::Sgd,
            restarts: 1,
            checkpoints: vec![20_000],
        }
    }

    fn start(&self) -> &'static str {
        "The weights begin as `init` and `start` say."
    }

    fn refusal(&self, size: Size, recipe: &Recipe) -> Option<(&'static str, String)> {
        let Size { n_concepts, d_model } = size;
        let most = n_concepts.min(d_model);
        if self.ratio.get() == 0.0 {
            return Some(("ratio", "must be above 0 and at most 1, got 0".to_owned()));
        }
        if let Some(modes) = self.modes.filter(|modes| modes.get() > most as u64) {
            return Some((
                "modes",
                format!("must be at most {most}, the smaller of n_concepts and d_model, got {modes}"),
            ));
        }
        if recipe.optimizer != Optimizer::Sgd {
            return Some(("optimizer", "must be \"sgd\": the theory is that of gradient descent".to_owned()));
        }
        if recipe.batch != n_concepts {
            let batch = recipe.batch;
            return Some((
                "batch",
                format!(
                    "must be the number of concepts ({n_concepts}) or left out: every step sees every item once, got {batch}"
                ),
            ));
        }
        None
    }

    fn cost(&self, size: Size, recipe: &Recipe) -> (f64, f64) {
        let (n, d) = (size.n_concepts as f64, size.d_model as f64);
        let (steps, restarts) = (recipe.steps as f64, recipe.restarts as f64);
        let looks = recipe.checkpoints.len() as f64;
        (
            restarts * steps * (1e-7 + 2e-9 * n * n * d),
            restarts * (8.0 * (4.0 * n * d + 2.0 * n * n) + looks * 4.0 * n * d),
        )
    }

    fn train(&self, size: Size, recipe: &Recipe, warm: Option<&State>, stream: &Stream, parallel: bool) -> Trained {
        let (target, starts) = self.begin(size, stream, recipe.restarts);
        let starts = match warm {
            None => starts,
            Some(state) => vec![Weights::restored(size, state)],
        };
        let knows_theory = warm.is_none() && self.init == Init::Balanced;
        let learn = |start: Weights| self.course(size, recipe, &target, start, knows_theory);
        let courses: Vec<Course> = match parallel && starts.len() > 1 {
            true => starts.into_par_iter().map(learn).collect(),
            false => starts.into_iter().map(learn).collect(),
        };
        let scale = half_square(&target);
        let last = |course: &Course| match course.outcome {
            Outcome::Diverged => f64::INFINITY,
            _ => course.loss,
        };
        let n_restarts = courses.len();
        let (best, n_failed) = best_of(courses, last, |best, course| last(course) > last(best) + 0.01 * scale);
        let Course { mut snapshots, outcome, learned_at, weights, n_steps, .. } = best;
        let mut in_theory = Vec::new();
        if knows_theory && self.basis == Basis::Aligned {
            in_theory = self.learned_in_theory(size, recipe);
            in_theory.resize(size.n_concepts, None);
        }
        for snapshot in &mut snapshots {
            let step = snapshot.step;
            let so_far = |at: &Option<u64>| at.filter(|&at| at <= step);
            snapshot.progress.learned_at = learned_at.iter().map(so_far).collect();
            snapshot.progress.learned_in_theory.clone_from(&in_theory);
        }
        Trained { snapshots, outcome, n_restarts, n_failed, n_steps, state: weights.kept() }
    }
}

/// One restart from beginning to end.
struct Course {
    snapshots: Vec<Snapshot>,
    outcome: Outcome,
    loss: f64,
    learned_at: Vec<Option<u64>>,
    weights: Weights,
    /// Steps taken.
    n_steps: u64,
}

/// W₁ and W₂ᵀ, both d × n: every product then runs down columns.
struct Weights {
    first: DMatrix<f64>,
    second: DMatrix<f64>,
}

impl Weights {
    /// S − W₂W₁, n × n.
    fn error(&self, target: &DMatrix<f64>, error: &mut DMatrix<f64>) {
        for j in 0..error.ncols() {
            for i in 0..error.nrows() {
                error[(i, j)] = target[(i, j)] - dot(column(&self.second, i), column(&self.first, j));
            }
        }
    }

    /// One step of gradient descent: W₁ += r W₂ᵀE, W₂ += r E W₁ᵀ, both from the weights before it.
    fn step(&mut self, error: &DMatrix<f64>, rate: f64, before: &mut Weights) {
        before.first.copy_from(&self.first);
        before.second.copy_from(&self.second);
        let d = self.first.nrows();
        for j in 0..error.ncols() {
            for i in 0..error.nrows() {
                let push = rate * error[(i, j)];
                // Most entries of an aligned error are exactly zero.
                if push != 0.0 {
                    add(&mut self.first.as_mut_slice()[j * d..][..d], push, column(&before.second, i));
                    add(&mut self.second.as_mut_slice()[i * d..][..d], push, column(&before.first, j));
                }
            }
        }
    }

    fn kept(&self) -> State {
        self.first.iter().chain(self.second.iter()).map(|&x| x as f32).collect()
    }

    fn restored(size: Size, state: &State) -> Self {
        let (n, d) = (size.n_concepts, size.d_model);
        let layer = |entries: &[f32]| DMatrix::from_iterator(d, n, entries.iter().map(|&x| f64::from(x)));
        let (first, second) = state.split_at(n * d);
        Self { first: layer(first), second: layer(second) }
    }
}

impl DeepLinear {
    fn course(&self, size: Size, recipe: &Recipe, target: &DMatrix<f64>, start: Weights, knows_theory: bool) -> Course {
        let Size { n_concepts: n, d_model: d } = size;
        let strengths = self.strengths(size);
        let n_aligned = if self.basis == Basis::Aligned { strengths.len() } else { 0 };
        let scale = half_square(target);
        let mut weights = start;
        let mut before = Weights { first: DMatrix::zeros(d, n), second: DMatrix::zeros(d, n) };
        let mut error = DMatrix::zeros(n, n);
        weights.error(target, &mut error);
        let mut loss = half_square(&error);
        let mut learned_at = vec![None; if n_aligned > 0 { n } else { 0 }];
        let mut course = Course {
            snapshots: Vec::new(),
            outcome: Outcome::Exhausted,
            loss,
            learned_at: Vec::new(),
            weights: Weights { first: DMatrix::zeros(0, 0), second: DMatrix::zeros(0, 0) },
            n_steps: 0,
        };
        let mut time = 0.0;
        let mut checkpoints = recipe.checkpoints.iter().copied().peekable();
        for step in 0..=recipe.steps {
            course.n_steps = step;
            if step > 0 {
                let rate = recipe.rate(step);
                time += rate;
                weights.step(&error, rate, &mut before);
                weights.error(target, &mut error);
                loss = half_square(&error);
                if !loss.is_finite() || loss > 1e3 * scale {
                    course.outcome = Outcome::Diverged;
                    break;
                }
                for (k, at) in learned_at.iter_mut().enumerate().take(n_aligned).filter(|(_, at)| at.is_none()) {
                    *at = (target[(k, k)] - error[(k, k)] >= strengths[k] / 2.0).then_some(step);
                }
            }
            if checkpoints.next_if_eq(&step).is_some() {
                let theory = || {
                    let lack = |&s: &f64| (s - self.weight(s, time)) * (s - self.weight(s, time));
                    0.5 * strengths.iter().map(lack).sum::<f64>()
                };
                let half_squares = |matrix: &DMatrix<f64>| {
                    (0..n).map(|j| 0.5 * column(matrix, j).iter().map(|x| x * x).sum::<f64>()).collect()
                };
                let progress = Progress {
                    loss,
                    loss_standard_error: 0.0,
                    loss_theory: knows_theory.then(theory),
                    loss_by_concept: half_squares(&error),
                    frequency: vec![1.0; n],
                    stakes: half_squares(target),
                    learned_at: Vec::new(),
                    learned_in_theory: Vec::new(),
                };
                let embedding = Embedding::new(weights.first.map(|x| x as f32));
                course.snapshots.push(Snapshot { step, embedding, progress });
            }
        }
        if course.outcome != Outcome::Diverged && loss < 0.01 * scale {
            course.outcome = Outcome::Converged;
        }
        Course { loss, learned_at, weights, ..course }
    }
}

fn column(matrix: &DMatrix<f64>, index: usize) -> &[f64] {
    &matrix.as_slice()[index * matrix.nrows()..][..matrix.nrows()]
}

/// Eight sums side by side, in an order that no vector width changes.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a8.remainder().iter().zip(b8.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a8.zip(b8) {
        for lane in 0..8 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums.iter().sum::<f64>() + rest
}

fn add(to: &mut [f64], factor: f64, from: &[f64]) {
    for (x, y) in to.iter_mut().zip(from) {
        *x += factor * y;
    }
}

fn half_square(matrix: &DMatrix<f64>) -> f64 {
    0.5 * matrix.iter().map(|x| x * x).sum::<f64>()
}

/// k ≤ m random orthonormal columns, m × k: Gram and Schmidt, twice, on normal entries.
fn orthonormal(m: usize, k: usize, stream: &Stream) -> DMatrix<f64> {
    let mut rng = stream.rng();
    let mut columns: Vec<Vec<f64>> = Vec::with_capacity(k);
    for _ in 0..k {
        let mut new: Vec<f64> = (0..m).map(|_| rng.sample(StandardNormal)).collect();
        for _ in 0..2 {
            for old in &columns {
                let overlap = dot(old, &new);
                add(&mut new, -overlap, old);
            }
        }
        let norm = dot(&new, &new).sqrt();
        new.iter_mut().for_each(|x| *x /= norm);
        columns.push(new);
    }
    DMatrix::from_iterator(m, k, columns.into_iter().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { n_concepts: 4, d_model: 6 };

    fn train(model: &DeepLinear, size: Size, steps: u64, checkpoints: &[u64]) -> Trained {
        let recipe = Recipe { steps, checkpoints: checkpoints.to_vec(), ..model.defaults(size) };
        assert_eq!(model.refusal(size, &recipe), None);
        model.train(size, &recipe, None, &Stream::from_seed(1), false)
    }

    #[test]
    fn theory_every_mode_follows_its_own_curve() {
        // Saxe et al. (2014), at the rate 1e-3: Euler's steps are within 0.3 % of the closed form, as the issue of the reproduction asks.
        let model = DeepLinear::default();
        let every: Vec<u64> = (0..=100).map(|i| 100 * i).collect();
        let trained = train(&model, SIZE, 10_000, &every);
        for snapshot in &trained.snapshots {
            let t = 1e-3 * snapshot.step as f64;
            for (k, s) in model.strengths(SIZE).into_iter().enumerate() {
                // The embedding of item k has the square norm uₖ.
                let u: f64 = snapshot.embedding.column(k).iter().map(|&x| f64::from(x) * f64::from(x)).sum();
                assert!((u - model.weight(s, t)).abs() < 0.003 * s, "mode {k} at {t}: {u}");
            }
            let (loss, theory) = (snapshot.progress.loss, snapshot.progress.loss_theory.unwrap());
            assert!((loss - theory).abs() < 0.005 * trained.snapshots[0].progress.loss, "{loss} against {theory}");
        }
    }

    #[test]
    fn theory_half_of_a_mode_of_strength_2_is_learned_at_1_9001() {
        // ln(2/0.001 − 1)/4 = 1.90010; the first step after it, and Euler's delay.
        let trained = train(&DeepLinear::default(), SIZE, 10_000, &[10_000]);
        let learned_at = &trained.snapshots[0].progress.learned_at;
        let half = learned_at[0].unwrap() as f64 * 1e-3;
        assert!((half - 1.9001).abs() < 0.005, "{half}");
        assert!(learned_at.windows(2).all(|pair| pair[0] < pair[1]), "{learned_at:?}");
    }

    #[test]
    fn theory_the_step_of_half_a_mode_follows_the_rates() {
        // 1.900100583625 of strength 2 and ln(1599)/3.2 = 2.3053543 of 1.6 (science reference 7.6, V13), at the constant rate of 1e-3.
        let model = DeepLinear::default();
        let recipe = |schedule, steps| Recipe { schedule, steps, checkpoints: vec![steps], ..model.defaults(SIZE) };
        let constant = model.learned_in_theory(SIZE, &recipe(Schedule::Constant, 100));
        assert!((constant[0].unwrap() - 1_900.100_583_625).abs() < 1e-6, "{constant:?}");
        assert!((constant[1].unwrap() - 2_305.354_3).abs() < 1e-3, "{constant:?}");
        // Along a straight line from r the time is r (k − k (k − 1)/(2 S)) after k steps: of S = 4000 all have 2.0005, so that the second mode is not learned.
        let linear = model.learned_in_theory(SIZE, &recipe(Schedule::Linear, 4000));
        assert_eq!(linear[1], None);
        let k = linear[0].unwrap();
        // Up to the curvature within one step, 1/(8 S) of it.
        let time = 1e-3 * (k - k * (k - 1.0) / 8000.0);
        assert!((time - 1.900_100_583_625).abs() < 1e-7, "{k}");
        // And the network does so: Euler's steps are late by a few.
        let trained = model.train(SIZE, &recipe(Schedule::Linear, 8000), None, &Stream::from_seed(1), false);
        let progress = &trained.snapshots[0].progress;
        let (at, theory) = (progress.learned_at[0].unwrap() as f64, progress.learned_in_theory[0].unwrap());
        assert!(at > theory && at < theory + 8.0, "{at} for {theory}");
        // One that begins learned has no such step.
        let begun = DeepLinear { start: Positive::new(1.5).unwrap(), ..DeepLinear::default() };
        assert_eq!(begun.learned_in_theory(SIZE, &recipe(Schedule::Constant, 9))[0], None);
    }

    #[test]
    fn theory_a_rotation_of_the_items_leaves_the_loss_as_it_is() {
        let model = DeepLinear { basis: Basis::Rotated, ..DeepLinear::default() };
        let (aligned, rotated) =
            (train(&DeepLinear::default(), SIZE, 2000, &[2000]), train(&model, SIZE, 2000, &[2000]));
        let (a, b) = (aligned.snapshots[0].progress.loss, rotated.snapshots[0].progress.loss);
        assert!((a - b).abs() < 1e-9 * a, "{a} and {b}");
    }

    #[test]
    fn theory_a_step_goes_down_the_gradient() {
        // Central differences of the loss at a random point, for both layers: more units than concepts, fewer, one, and sums of more than eight.
        for (n_concepts, d_model) in [(4, 6), (5, 3), (3, 1), (19, 9)] {
            let (size, n, d) = (Size { n_concepts, d_model }, n_concepts, d_model);
            let model = DeepLinear { init: Init::Random, basis: Basis::Rotated, ..DeepLinear::default() };
            let (target, starts) = model.begin(size, &Stream::from_seed(2), 1);
            // The error is linear in each entry, so the loss is a parabola and its central difference exact: the wider, the smaller is the rounding.
            let (rate, h) = (1e-6, 1e-2);
            let mut weights = starts.into_iter().next().unwrap();
            let mut error = DMatrix::zeros(n, n);
            let mut loss_at = |weights: &Weights| {
                weights.error(&target, &mut error);
                half_square(&error)
            };
            let entries = |weights: &Weights| [weights.first.clone(), weights.second.clone()];
            let start = entries(&weights);
            let mut slopes = Vec::new();
            for layer in 0..2 {
                for index in 0..n * d {
                    let mut at = |shift: f64| {
                        let mut layers = start.clone();
                        layers[layer][index] += shift;
                        let [first, second] = layers;
                        loss_at(&Weights { first, second })
                    };
                    slopes.push((at(h) - at(-h)) / (2.0 * h));
                }
            }
            weights.error(&target, &mut error);
            let mut before = Weights { first: DMatrix::zeros(d, n), second: DMatrix::zeros(d, n) };
            weights.step(&error, rate, &mut before);
            let moved = entries(&weights);
            for (index, slope) in slopes.iter().enumerate() {
                let (layer, entry) = (index / (n * d), index % (n * d));
                let step = moved[layer][entry] - start[layer][entry];
                assert!((step + rate * slope).abs() < 1e-9 * rate, "{n}, {d}: {index}: {step} against {slope}");
            }
        }
    }

    #[test]
    fn law_training_goes_on_from_where_it_was() {
        let model = DeepLinear::default();
        let whole = train(&model, SIZE, 3000, &[3000]);
        let half = train(&model, SIZE, 1500, &[1500]);
        let recipe = Recipe { steps: 1500, checkpoints: vec![1500], ..model.defaults(SIZE) };
        let rest = model.train(SIZE, &recipe, Some(&half.state), &Stream::from_seed(1), false);
        let (a, b) = (whole.snapshots[0].progress.loss, rest.snapshots[0].progress.loss);
        // The state is kept in single precision.
        assert!((a - b).abs() < 1e-5 * a, "{a} and {b}");
        assert_eq!(rest.snapshots[0].progress.loss_theory, None);
    }

    #[test]
    fn law_divergence_is_told_and_restarts_may_be_parallel() {
        let model = DeepLinear { init: Init::Random, ..DeepLinear::default() };
        let recipe = Recipe { learning_rate: 1e6, steps: 100, checkpoints: vec![100], ..model.defaults(SIZE) };
        let trained = model.train(SIZE, &recipe, None, &Stream::from_seed(1), false);
        assert_eq!((trained.outcome, trained.snapshots.len(), trained.n_failed), (Outcome::Diverged, 0, 1));
        let recipe = Recipe { restarts: 3, steps: 1000, checkpoints: vec![1000], ..model.defaults(SIZE) };
        let train = |parallel| model.train(SIZE, &recipe, None, &Stream::from_seed(1), parallel).state;
        assert_eq!(train(false), train(true));
    }
}
