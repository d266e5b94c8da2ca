//! Toy models that learn their representation: one file per model.

mod autoencoder;
mod course;
pub mod deep_linear;
pub mod elhage;
mod features;
pub mod liu;
mod optimizer;
pub mod parity;

use crate::geometry::embedding::Embedding;
use crate::one_of_family;
use crate::quantity::shortest;
use crate::seed::Stream;

pub use deep_linear::DeepLinear;
pub use elhage::Elhage;
pub use liu::Liu;
pub use parity::Parity;

one_of_family! {
    /// What is trained: exactly one of these.
    Architecture of ToyModel {
        /// An autoencoder of sparse concepts.
        Elhage = "elhage",
        /// An autoencoder with a signed weight decay.
        Liu = "liu",
        /// A two-layer linear network.
        DeepLinear = "deep_linear",
        /// A network that learns many parities.
        Parity = "parity",
    }
}

/// A model that learns to represent n concepts in d units.
pub trait ToyModel: Sync {
    /// What is taken where the scenario leaves it out: what the model's paper does.
    fn defaults(&self, size: Size) -> Recipe;

    /// How weights and biases begin, as a sentence.
    fn start(&self) -> &'static str;

    /// Why it cannot be trained at this size or by this recipe, if it cannot: the key to change (`""` for the model as a whole), and what is allowed.
    fn refusal(&self, size: Size, recipe: &Recipe) -> Option<(&'static str, String)>;

    /// Seconds on one core, and bytes at the worst moment, of all restarts.
    fn cost(&self, size: Size, recipe: &Recipe) -> (f64, f64);

    /// Trains by the recipe, from a fresh start or from the state where another training ended.
    ///
    /// All randomness comes from `stream`. `parallel` spreads restarts over the cores of the current pool and changes no bit.
    fn train(&self, size: Size, recipe: &Recipe, warm: Option<&State>, stream: &Stream, parallel: bool) -> Trained;
}

/// The options of a training that every model has a default for.
pub const OPTIONS: [&str; 6] = ["steps", "batch", "learning_rate", "schedule", "optimizer", "restarts"];

/// What each model takes for one of [`OPTIONS`], as it would stand in a scenario; n where it is the number of concepts. Nothing for another key.
pub fn defaults(option: &str) -> Vec<(&'static str, String)> {
    let word = |word: serde_json::Result<String>| word.expect("a word has a JSON form");
    let of = |recipe: &Recipe, n_concepts: usize| match option {
        "steps" => Some(recipe.steps.to_string()),
        "batch" if recipe.batch == n_concepts => Some("n".to_owned()),
        "batch" => Some(recipe.batch.to_string()),
        "learning_rate" => Some(shortest(recipe.learning_rate)),
        "schedule" => Some(word(serde_json::to_string(&recipe.schedule))),
        "optimizer" => Some(word(serde_json::to_string(&recipe.optimizer))),
        "restarts" => Some(recipe.restarts.to_string()),
        _ => None,
    };
    // No paper takes so odd a batch but for the concepts' sake.
    let size = Size { n_concepts: 7, d_model: 5 };
    let models = Architecture::kinds().into_iter().filter_map(|kind| Some((kind.name, untuned(kind.name)?)));
    models.filter_map(|(name, model)| Some((name, of(&model.member().defaults(size), size.n_concepts)?))).collect()
}

/// How the weights of a model begin, as a sentence.
pub fn start(model: &str) -> Option<&'static str> {
    untuned(model).map(|model| model.member().start())
}

/// A model by its name, with all parameters left out.
fn untuned(name: &str) -> Option<Architecture> {
    serde_json::from_value(serde_json::json!({ name: {} })).ok()
}

/// n and d.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Number of concepts, n ≥ 1.
    pub n_concepts: usize,
    /// Width, d ≥ 1; it may be larger than n.
    pub d_model: usize,
}

/// How a model is trained, every option settled.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// Fresh samples in each step, B ≥ 1.
    pub batch: usize,
    /// Steps of the optimiser, ≥ 1.
    pub steps: u64,
    /// Learning rate at its highest, > 0.
    pub learning_rate: f64,
    /// How the learning rate moves.
    pub schedule: Schedule,
    /// What follows from a gradient.
    pub optimizer: Optimizer,
    /// Starts from independent initial weights, of which the best is kept, ≥ 1. All see the same samples.
    pub restarts: usize,
    /// The numbers of steps after which the model is looked at, ascending; the last is `steps`. 0 is the model before training.
    pub checkpoints: Vec<u64>,
}

impl Recipe {
    /// The learning rate of a step, 1 ≤ `step` ≤ `steps`.
    pub fn rate(&self, step: u64) -> f64 {
        self.schedule.rate(self.learning_rate, step, self.steps)
    }

    /// The step after which a tenth of the way is left, as the sum of the learning rates measures it: a rate that falls brings any loss to rest.
    fn rest(&self) -> u64 {
        let whole: f64 = (1..=self.steps).map(|step| self.rate(step)).sum();
        let mut way = 0.0;
        let is_before = |step: &u64| {
            way += self.rate(*step);
            way <= 0.9 * whole
        };
        (1..=self.steps).take_while(is_before).last().unwrap_or(0)
    }
}

/// How the learning rate moves from the first step to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Always the same.
    Constant,
    /// A linear rise from 0 during the first tenth of the steps, then half a cosine down to a twentieth of the highest.
    WarmupCosine,
    /// A straight line down to 0.
    Linear,
}

impl Schedule {
    /// The learning rate of a step, 1 ≤ `step` ≤ `steps`, when it is `highest` at its highest.
    pub fn rate(self, highest: f64, step: u64, steps: u64) -> f64 {
        let (at, end) = (step as f64, steps as f64);
        match self {
            Self::Constant => highest,
            Self::WarmupCosine => {
                let rise = (0.1 * end).max(1.0);
                if at <= rise {
                    return highest * at / rise;
                }
                let part = (at - rise) / (end - rise);
                highest * (0.05 + 0.95 * 0.5 * (1.0 + libm::cos(std::f64::consts::PI * part)))
            }
            Self::Linear => highest * (1.0 - (at - 1.0) / end),
        }
    }
}

/// What follows from a gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Optimizer {
    /// Kingma & Ba (2015) with β = (0.9, 0.999), ε = 1e-8; a weight decay adds to the gradient.
    Adam,
    /// Loshchilov & Hutter (2019): Adam, with the weight decay taken off the weights before each step.
    Adamw,
    /// Gradient descent on a fresh batch in every step.
    Sgd,
}

/// What training found.
#[derive(Clone, Debug, Default)]
pub struct Trained {
    /// The best restart at each checkpoint, in their order. Shorter if it diverged on the way; the outcome then says so.
    pub snapshots: Vec<Snapshot>,
    /// How it ended.
    pub outcome: Outcome,
    /// Restarts.
    pub n_restarts: usize,
    /// Restarts that diverged, or ended with a loss that is clearly more than 5 % above that of the best one.
    pub n_failed: usize,
    /// Steps that the best one took: all, or those after which it was seen to have diverged.
    pub n_steps: u64,
    /// Where the best restart ended: a later training may go on from here.
    pub state: State,
}

impl Trained {
    /// A training that has nothing to begin from.
    pub fn never() -> Self {
        Self { n_restarts: 1, n_failed: 1, ..Self::default() }
    }
}

/// Of some restarts the one with the lowest loss (infinite after divergence), and how many have failed: `fails` is asked about the best one and another.
fn best_of<R>(mut restarts: Vec<R>, loss: impl Fn(&R) -> f64, fails: impl Fn(&R, &R) -> bool) -> (R, usize) {
    let lower = |best: usize, next: usize| if loss(&restarts[next]) < loss(&restarts[best]) { next } else { best };
    let best = (0..restarts.len()).reduce(lower).expect("there is a restart");
    let has_failed = |restart: &&R| loss(restart).is_infinite() || fails(&restarts[best], restart);
    let n_failed = restarts.iter().filter(has_failed).count();
    (restarts.swap_remove(best), n_failed)
}

/// The model after some steps.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Steps taken.
    pub step: u64,
    /// W, d × n: what the model has made of the concepts.
    pub embedding: Embedding,
    /// What is known of the model besides its vectors.
    pub progress: Progress,
}

/// What training tells of a model besides its vectors. Lists are empty, and numbers `None`, where a model does not have them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Loss on fresh samples, the same for all checkpoints and restarts, as its paper reports it.
    pub loss: f64,
    /// Standard error of the loss over those samples; 0 where the loss is exact.
    pub loss_standard_error: f64,
    /// What theory says of the loss, where a closed form is known.
    pub loss_theory: Option<f64>,
    /// The part of the loss that is due to each concept, n of them in the order of the embedding; they add up to the loss.
    pub loss_by_concept: Vec<f64>,
    /// Probability that each concept is active, n of them.
    pub frequency: Vec<f64>,
    /// Mean square of the value of each active concept times its importance: what it costs, when active, not to be represented.
    pub stakes: Vec<f64>,
    /// The step after which each concept was learned; `None` for one that is not. Empty where learning a concept is not an event.
    pub learned_at: Vec<Option<u64>>,
    /// What theory says of that step, whether it has been reached or not. Empty where there is no closed form.
    pub learned_in_theory: Vec<Option<f64>>,
}

impl Progress {
    /// What each concept costs that is answered with zero: its probability times its stakes.
    pub fn unanswered(&self) -> impl Iterator<Item = f64> {
        self.frequency.iter().zip(&self.stakes).map(|(p, stakes)| p * stakes)
    }
}

/// How a training ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// The loss had come to rest: the last tenth of the sum of the learning rates changed it by less than 1 % of what the model has gained over one that answers zero.
    /// Where the lowest loss is known: it was reached, but for 1 % of that. A long rest between two things that are learned looks like the end.
    Converged,
    /// The loss or a weight was no longer finite, or the loss rose above a thousand times that of an untrained model that answers zero.
    #[default]
    Diverged,
    /// The steps ran out while the loss still changed, or before anything was gained.
    Exhausted,
}

impl Outcome {
    /// How a training ended whose loss was `before` when a tenth of its way was left, and `last` at the end; `unanswered` is that of a model that answers zero.
    fn of_rest(before: f64, last: f64, unanswered: f64) -> Self {
        if (before - last).abs() < 0.01 * (unanswered - last) { Self::Converged } else { Self::Exhausted }
    }
}

/// All numbers that a training goes on from: weights and biases, in an order that the model knows.
pub type State = Vec<f32>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theory_the_last_tenth_of_the_way_is_that_of_the_rates() {
        let rest = |schedule, steps| {
            let (checkpoints, optimizer) = (vec![steps], Optimizer::Sgd);
            Recipe { batch: 1, steps, learning_rate: 3.0, schedule, optimizer, restarts: 1, checkpoints }.rest()
        };
        // Of a straight line down to 0 a tenth of the area lies beyond 1 − √0.1 = 0.68377.
        assert_eq!([1000, 10, 1].map(|steps| rest(Schedule::Constant, steps)), [900, 9, 0]);
        assert_eq!(rest(Schedule::Linear, 100_000), 68_377);
        // The rise takes 0.05 of the steps at the highest rate; then ∫ 0.05 + 0.475 (1 + cos πp) over 0.9 of them: 0.5225 in all. The last tenth begins at p = 0.62248
        // (by bisection), after 0.1 + 0.9 p of the steps; a sum may be a step off.
        assert!(rest(Schedule::WarmupCosine, 100_000).abs_diff(66_023) <= 1);
    }

    #[test]
    fn theory_rest_is_told_against_what_was_gained() {
        // Of a loss of 1 for answering zero 0.8 is gained: 0.008 may change in the last tenth, up or down.
        assert_eq!([0.2079, 0.1921].map(|before| Outcome::of_rest(before, 0.2, 1.0)), [Outcome::Converged; 2]);
        assert_eq!([0.2081, 0.1919].map(|before| Outcome::of_rest(before, 0.2, 1.0)), [Outcome::Exhausted; 2]);
        // Nothing was gained, however still the loss is; and a loss that is not there is no rest.
        for (before, last) in [(1.0, 1.0), (1.5, 1.5), (0.999_99, 0.999), (f64::NAN, 0.2)] {
            assert_eq!(Outcome::of_rest(before, last, 1.0), Outcome::Exhausted, "{before} {last}");
        }
    }
}
