//! Parity: many tasks of unequal use, each of which a network learns whole or not at all.

mod examples;
mod network;

use std::f64::consts::LN_2;

use nalgebra::DMatrix;
use rand::RngExt;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::optimizer::Moments;
use super::{Optimizer, Outcome, Progress, Recipe, Schedule, Size, Snapshot, State, ToyModel, Trained, best_of};
use crate::geometry::embedding::Embedding;
use crate::geometry::kernel::Kernel;
use crate::quantity::{Count, Positive};
use crate::seed::Stream;
use examples::{Examples, Tasks};
use network::Network;

/// Multitask sparse parity: a network with one hidden layer that learns its tasks one after the other, the most frequent first.
///
/// Each of the n concepts is a task. An input says by n control bits, of which one is set, which task is meant, and has `bits` more bits, 0 or 1 with equal
/// probability; the answer is the parity of the `subset` bits that belong to the task, no two tasks with the same. Task i = 1 … n is asked with probability
/// pᵢ = i^−(α+1)/Σⱼ j^−(α+1). The network has d hidden units, h = ReLU(eᵢ + V x + c), and two answers, whose difference z = u · h + a is all that is kept
/// of them; the loss is the cross entropy ln(1 + e^∓z) in nats. A parity gives no hint before all of its bits are used, so the loss of a task stays at ln 2 and
/// then falls within a short time; after S steps of B examples the tasks with pᵢ above 1/S times a constant are learned, so that step grows as i^(α+1).
///
/// The embedding W (d × n) has the columns eᵢ: what the hidden units read from the control bit of each task. The loss is that of fresh examples, 1024 of
/// each task, weighted by pᵢ; the loss of a concept is pᵢ times that of its task; its stakes are ln 2, the loss of a blind guess.
/// A task counts as learned at the first step after which the running mean of its own loss is below (ln 2)/2: that mean begins at ln 2 and every example takes it
/// 1/128 of the way to its own loss (k examples of one step together: 1 − (127/128)ᵏ of the way to theirs), so its delay is a fixed number of examples of the task
/// and bends no power law.
///
/// Trained by Adam at the rate 0.001, 20000 steps of 2000 examples, unless the scenario says otherwise; the paper takes n = 500, `bits` 100, `subset` 3,
/// 200000 steps of 20000. Weights and biases begin uniform within ±1/√inputs of their layer. The readout moves at twice the rate, as the difference of two
/// answers does.
/// O(B d (`bits`/6 + 1)) time a step; O(d (n + 11 `bits`)) memory for each restart.
///
/// Source: Michaud, Liu, Girit & Tegmark (2023), The quantization model of neural scaling, NeurIPS.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Parity {
    /// α > 0: task i is asked in proportion to i^−(α+1). Left out: 0.4, as in the paper (whose code calls α+1 alpha).
    pub alpha: Positive,
    /// Bits that the tasks share, besides the control bits. Left out: 30, so that a reduced network learns in a minute.
    pub bits: Count,
    /// k, the bits whose parity a task is, at most `bits`. Left out: 2; the paper has 3, which takes many times the steps.
    pub subset: Count,
}

/// Examples of one task on which its loss is found.
const N_JUDGED: usize = 1024;

/// Examples over which the running mean of a task's loss goes.
const MEMORY: f64 = 128.0;

impl Default for Parity {
    fn default() -> Self {
        let alpha = Positive::new(0.4).expect("it is above 0");
        let [bits, subset] = [30, 2].map(|count| Count::new(count).expect("it is above 0"));
        Self { alpha, bits, subset }
    }
}

impl ToyModel for Parity {
    fn defaults(&self, _: Size) -> Recipe {
        Recipe {
            batch: 2000,
            steps: 20_000,
            learning_rate: 1e-3,
            schedule: Schedule::Constant,
            optimizer: Optimizer::Adam,
            restarts: 1,
            checkpoints: vec![20_000],
        }
    }

    fn start(&self) -> &'static str {
        "Weights and biases begin uniform within ±1/√inputs of their layer."
    }

    fn refusal(&self, size: Size, _: &Recipe) -> Option<(&'static str, String)> {
        let (bits, subset, n) = (self.bits.get(), self.subset.get(), size.n_concepts);
        if subset > bits {
            return Some(("subset", format!("must be at most bits ({bits}), got {subset}")));
        }
        // Each factor brings the number of ways for one bit more, and only counts of at most n are of interest.
        let n_subsets = (0..subset.min(bits - subset))
            .try_fold(1.0, |ways, i| {
                let more = ways * (bits - i) as f64 / (i + 1) as f64;
                if more < n as f64 { Some(more) } else { None }
            })
            .map(f64::round);
        match n_subsets {
            Some(n_subsets) if n_subsets < n as f64 => Some((
                "bits",
                format!(
                    "must be so many that each of the {n} tasks has bits of its own; {subset} out of {bits} can be chosen in {n_subsets} ways"
                ),
            )),
            _ => None,
        }
    }

    fn cost(&self, size: Size, recipe: &Recipe) -> (f64, f64) {
        let (n, d, bits) = (size.n_concepts as f64, size.d_model as f64, self.bits.get() as f64);
        let (steps, restarts) = (recipe.steps as f64, recipe.restarts as f64);
        let looks = recipe.checkpoints.len() as f64;
        let n_examples = steps * recipe.batch as f64 + 0.4 * looks * n * N_JUDGED as f64;
        let weights = d * (n + bits + 2.0);
        let seconds = n_examples * (6e-8 + (d / 16.0).ceil() * (bits / 6.0 + 3.0) * 4e-9) + steps * weights * 2e-9;
        let bytes = weights * 16.0 + d * (n + bits * 11.0) * 8.0 + recipe.batch as f64 * (bits + 12.0);
        (restarts * seconds, restarts * (bytes + looks * 4.0 * n * d))
    }

    fn train(&self, size: Size, recipe: &Recipe, warm: Option<&State>, stream: &Stream, parallel: bool) -> Trained {
        let exponent = self.alpha.get() + 1.0;
        let tasks =
            Tasks::new(size.n_concepts, self.bits.size(), self.subset.size(), exponent, &stream.stream("subsets"));
        let starts: Vec<State> = match warm {
            Some(state) => vec![state.clone()],
            None => (0..recipe.restarts)
                .map(|restart| self.start(size, &stream.stream("start").stream(&restart.to_string())))
                .collect(),
        };
        let learn = |start: State| {
            let network = Network::new(size.d_model, &tasks, self.bits.size(), start);
            Course::new(size, recipe, network, tasks.len()).learned(recipe, &tasks, stream)
        };
        let courses: Vec<Course> = match parallel && starts.len() > 1 {
            true => starts.into_par_iter().map(learn).collect(),
            false => starts.into_iter().map(learn).collect(),
        };
        let n_restarts = courses.len();
        let (best, n_failed) = best_of(courses, |course| course.loss, |best, course| course.loss > 1.05 * best.loss);
        let Course { snapshots, outcome, network, n_steps, .. } = best;
        Trained { snapshots, outcome, n_restarts, n_failed, n_steps, state: network.weights }
    }
}

impl Parity {
    /// Weights and biases of an untrained network.
    fn start(&self, size: Size, stream: &Stream) -> State {
        let (n, d, bits) = (size.n_concepts, size.d_model, self.bits.size());
        let mut rng = stream.rng();
        let mut within = |inputs: usize| (2.0 * rng.random::<f64>() - 1.0) / (inputs as f64).sqrt();
        let n_first = (n + bits + 1) * d;
        let entry = |i: usize| if i < n_first { within(n + bits) } else { within(d) - within(d) };
        (0..Network::n_weights(d, n, bits)).map(entry).map(|weight| weight as f32).collect()
    }
}

/// One restart, from beginning to end.
struct Course {
    network: Network,
    /// Of the first layer and of the readout.
    moments: [Moments<f32>; 2],
    optimizer: Optimizer,
    d_model: usize,
    /// The running mean of the loss of each task.
    recent: Vec<f64>,
    learned_at: Vec<Option<u64>>,
    /// Losses of the batches in as many steps before the last tenth of the way as it has, and in it.
    rests: [Tally; 2],
    snapshots: Vec<Snapshot>,
    /// The last loss on fresh examples; infinite after divergence.
    loss: f64,
    outcome: Outcome,
    /// Steps taken.
    n_steps: u64,
}

impl Course {
    fn new(size: Size, recipe: &Recipe, network: Network, n_tasks: usize) -> Self {
        let n_readout = size.d_model + 1;
        let n_first = network.weights.len() - n_readout;
        Self {
            network,
            moments: [n_first, n_readout].map(Moments::new),
            optimizer: recipe.optimizer,
            d_model: size.d_model,
            recent: vec![LN_2; n_tasks],
            learned_at: vec![None; n_tasks],
            rests: [Tally::default(); 2],
            snapshots: Vec::new(),
            loss: f64::INFINITY,
            outcome: Outcome::Exhausted,
            n_steps: 0,
        }
    }

    fn learned(mut self, recipe: &Recipe, tasks: &Tasks, stream: &Stream) -> Self {
        let kernel = Kernel::best();
        let mut rng = stream.stream("examples").rng();
        let mut examples = Examples::default();
        let rest = recipe.rest();
        let mut checkpoints = recipe.checkpoints.iter().copied().peekable();
        for step in 0..=recipe.steps {
            self.n_steps = step;
            if step > 0 {
                tasks.draw(recipe.batch, &mut rng, &mut examples);
                self.network.learn(tasks, &examples, kernel);
                let loss = self.heed(step, tasks, &examples);
                if is_lost(loss) {
                    return self.diverged();
                }
                if step > rest {
                    self.rests[1].add(loss);
                } else if step + recipe.steps > 2 * rest {
                    self.rests[0].add(loss);
                }
                self.descend(recipe.rate(step));
            }
            let is_looked_at = checkpoints.next_if_eq(&step).is_some();
            if is_looked_at || step == recipe.steps {
                let progress = self.judged(tasks, &stream.stream("judged"), kernel);
                self.loss = progress.loss;
                let is_finite = self.network.weights.iter().all(|weight| weight.is_finite());
                if !is_finite || is_lost(self.loss) {
                    return self.diverged();
                }
                if is_looked_at {
                    let columns = self.network.weights[..tasks.len() * self.d_model].to_vec();
                    let embedding = Embedding::new(DMatrix::from_vec(self.d_model, tasks.len(), columns));
                    self.snapshots.push(Snapshot { step, embedding, progress });
                }
            }
        }
        let [before, last] = self.rests;
        // Without a step before there is no number, and no rest.
        self.outcome = Outcome::of_rest(before.mean(), last.mean(), LN_2);
        self
    }

    fn diverged(mut self) -> Self {
        self.loss = f64::INFINITY;
        self.outcome = Outcome::Diverged;
        self
    }

    /// The mean loss of a batch, from which the running means of its tasks go on.
    fn heed(&mut self, step: u64, tasks: &Tasks, examples: &Examples) -> f64 {
        let mut sums = vec![(0.0, 0_u32); tasks.len()];
        for (rows, &loss) in examples.rows.chunks_exact(tasks.n_lookups()).zip(&self.network.losses) {
            let (sum, count) = &mut sums[rows[0] as usize];
            *sum += f64::from(loss);
            *count += 1;
        }
        for ((recent, learned_at), &(sum, count)) in self.recent.iter_mut().zip(&mut self.learned_at).zip(&sums) {
            if count > 0 {
                let part = 1.0 - libm::pow(1.0 - 1.0 / MEMORY, f64::from(count));
                *recent += part * (sum / f64::from(count) - *recent);
                if learned_at.is_none() && *recent < 0.5 * LN_2 {
                    *learned_at = Some(step);
                }
            }
        }
        sums.iter().map(|(sum, _)| sum).sum::<f64>() / examples.odd.len() as f64
    }

    /// One step of both layers; the readout is a difference of two answers, whose weights move one up and one down.
    fn descend(&mut self, rate: f64) {
        let n_first = self.network.weights.len() - self.d_model - 1;
        let (first, readout) = self.network.weights.split_at_mut(n_first);
        let (of_first, of_readout) = self.network.gradient.split_at(n_first);
        self.moments[0].step(self.optimizer, first, of_first, rate, 0.0);
        self.moments[1].step(self.optimizer, readout, of_readout, 2.0 * rate, 0.0);
    }

    /// What is known now, from as many fresh examples of every task.
    fn judged(&mut self, tasks: &Tasks, stream: &Stream, kernel: Kernel) -> Progress {
        let (mut rng, mut examples) = (stream.rng(), Examples::default());
        let (mut loss_by_concept, mut variance) = (Vec::with_capacity(tasks.len()), 0.0);
        for (task, p) in tasks.frequency.iter().enumerate() {
            tasks.draw_of(task, N_JUDGED, &mut rng, &mut examples);
            self.network.judge(tasks, &examples, kernel);
            let mut moments = Tally::default();
            self.network.losses.iter().for_each(|&loss| moments.add(f64::from(loss)));
            loss_by_concept.push(p * moments.mean());
            variance += p * p * moments.variance_of_mean();
        }
        Progress {
            loss: loss_by_concept.iter().sum(),
            loss_standard_error: variance.sqrt(),
            loss_theory: None,
            loss_by_concept,
            frequency: tasks.frequency.clone(),
            stakes: vec![LN_2; tasks.len()],
            learned_at: self.learned_at.clone(),
            learned_in_theory: Vec::new(),
        }
    }
}

/// See [`Outcome::Diverged`].
fn is_lost(loss: f64) -> bool {
    loss.is_nan() || loss > 1e3 * LN_2
}

/// Number, sum and sum of squares.
#[derive(Clone, Copy, Default)]
struct Tally {
    n: f64,
    sum: f64,
    squares: f64,
}

impl Tally {
    fn add(&mut self, x: f64) {
        self.n += 1.0;
        self.sum += x;
        self.squares += x * x;
    }

    fn mean(self) -> f64 {
        self.sum / self.n
    }

    fn variance_of_mean(self) -> f64 {
        (self.squares / self.n - self.mean() * self.mean()).max(0.0) / (self.n - 1.0).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { n_concepts: 4, d_model: 32 };

    fn model(bits: u64, subset: u64) -> Parity {
        let [bits, subset] = [bits, subset].map(|count| Count::new(count).unwrap());
        Parity { bits, subset, ..Parity::default() }
    }

    fn recipe(steps: u64, checkpoints: &[u64]) -> Recipe {
        let checkpoints = checkpoints.to_vec();
        Recipe { batch: 200, steps, learning_rate: 3e-3, checkpoints, ..Parity::default().defaults(SIZE) }
    }

    fn train(recipe: &Recipe, warm: Option<&State>, parallel: bool) -> Trained {
        model(8, 2).train(SIZE, recipe, warm, &Stream::from_seed(1), parallel)
    }

    #[test]
    fn theory_tasks_are_learned_whole_and_the_most_frequent_first() {
        let trained = train(&recipe(2000, &[0, 100, 2000]), None, false);
        let [untrained, early, late] = [0, 1, 2].map(|k| &trained.snapshots[k].progress);
        // p₁/p₂ = 2^1.4; a blind guess costs ln 2, and an untrained network hardly more.
        assert!((early.frequency[0] / early.frequency[1] - 2.639015821545789).abs() < 1e-12);
        assert!((untrained.loss / LN_2 - 1.0).abs() < 0.05, "{}", untrained.loss);
        // Before anything is learned no task is far below a blind guess; at the end all are known.
        assert_eq!(early.learned_at, [None; 4]);
        let of_task = |progress: &Progress, i: usize| progress.loss_by_concept[i] / progress.frequency[i];
        assert!(
            (0..4).all(|i| of_task(early, i) > 0.25 * LN_2 && of_task(late, i) < 0.05 * LN_2),
            "{early:?} {late:?}"
        );
        let learned_at: Vec<u64> = late.learned_at.iter().map(|at| at.unwrap()).collect();
        assert!(learned_at.is_sorted() && learned_at[0] > 100, "{learned_at:?}");
        for progress in [untrained, early, late] {
            assert!((progress.loss_by_concept.iter().sum::<f64>() - progress.loss).abs() < 1e-12);
            assert!((progress.frequency.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn theory_the_standard_error_is_that_of_another_draw_of_examples() {
        let tasks = Tasks::new(4, 8, 2, 1.4, &Stream::from_seed(1));
        let start = model(8, 2).start(SIZE, &Stream::from_seed(2));
        let mut course = Course::new(SIZE, &recipe(1, &[1]), Network::new(32, &tasks, 8, start), 4);
        let root = Stream::from_seed(3);
        let mut judged = |k: u32| course.judged(&tasks, &root.stream(&k.to_string()), Kernel::best());
        let draws: Vec<Progress> = (0..100).map(&mut judged).collect();
        let mean = draws.iter().map(|progress| progress.loss).sum::<f64>() / 100.0;
        let spread = (draws.iter().map(|progress| (progress.loss - mean).powi(2)).sum::<f64>() / 99.0).sqrt();
        // A standard deviation of a hundred is right to 7 %: four times that.
        assert!(
            (spread / draws[0].loss_standard_error - 1.0).abs() < 0.28,
            "{spread} {}",
            draws[0].loss_standard_error
        );
    }

    #[test]
    fn law_a_trained_state_goes_on_and_restarts_may_be_parallel() {
        let first = train(&recipe(1500, &[1500]), None, false);
        let next = train(&recipe(1, &[0, 1]), Some(&first.state), false);
        // The same weights on the same examples.
        assert_eq!(next.snapshots[0].progress.loss, first.snapshots[0].progress.loss);
        assert_eq!(next.snapshots[0].embedding, first.snapshots[0].embedding);
        let three = Recipe { restarts: 3, ..recipe(50, &[50]) };
        let [in_turn, at_once] = [false, true].map(|parallel| train(&three, None, parallel));
        assert_eq!((&in_turn.state, in_turn.n_failed), (&at_once.state, at_once.n_failed));
        assert_eq!(in_turn.snapshots[0].progress, at_once.snapshots[0].progress);
    }

    #[test]
    fn law_divergence_is_told() {
        for optimizer in [Optimizer::Adam, Optimizer::Sgd] {
            for learning_rate in [1e6, 1e30, 1e300] {
                let trained = train(&Recipe { learning_rate, optimizer, ..recipe(100, &[0, 100]) }, None, false);
                assert_eq!(
                    (trained.outcome, trained.n_failed),
                    (Outcome::Diverged, 1),
                    "{optimizer:?} {learning_rate}"
                );
                assert_eq!(trained.snapshots.len(), 1);
                assert!((1..=100).contains(&trained.n_steps), "{}", trained.n_steps);
            }
        }
    }

    #[test]
    fn theory_converged_is_a_loss_that_has_come_to_rest() {
        let outcome = |steps| train(&recipe(steps, &[steps]), None, false).outcome;
        // In the first hundred steps nothing is learned; from 200 to 400 much is; at 2000 all is known. A single step tells nothing.
        assert_eq!([50, 100, 400, 1].map(outcome), [Outcome::Exhausted; 4]);
        assert_eq!(outcome(2000), Outcome::Converged);
    }

    #[test]
    fn law_there_are_as_many_subsets_as_tasks_or_a_sentence() {
        let refusal = |bits, subset, n_concepts| {
            let size = Size { n_concepts, d_model: 3 };
            model(bits, subset).refusal(size, &recipe(1, &[1]))
        };
        assert_eq!(refusal(3, 4, 1), Some(("subset", "must be at most bits (3), got 4".to_owned())));
        let sentence =
            "must be so many that each of the 36 tasks has bits of its own; 7 out of 9 can be chosen in 36 ways";
        assert_eq!(refusal(9, 7, 37), Some(("bits", sentence.replacen("36", "37", 1))));
        for (bits, subset, n) in [(9, 7, 36), (9, 2, 36), (1, 1, 1), (4_000_000_000, 2_000_000_000, 1_000_000)] {
            assert_eq!(refusal(bits, subset, n), None);
        }
        // All subsets there are, one hidden unit, one example.
        let (model, size) = (model(9, 7), Size { n_concepts: 36, d_model: 1 });
        let recipe = Recipe { batch: 1, ..recipe(3, &[3]) };
        assert_eq!(model.train(size, &recipe, None, &Stream::from_seed(1), false).snapshots.len(), 1);
    }
}
