//! Elhage: the autoencoder of toy models of superposition.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::autoencoder::{Decay, Load, Shape};
use super::course::Course;
use super::features::Features;
use super::{Optimizer, Recipe, Schedule, Size, State, ToyModel, Trained};
use crate::quantity::{Fraction, NonNegative, Positive};
use crate::seed::Stream;

/// An autoencoder that squeezes n sparse concepts through d units: x̂ = ReLU(WᵀWx + b).
///
/// Each of the n entries of x is independently active with probability p, the `density`, and then has a value from U(0, 1). The loss is Σᵢ Iᵢ(xᵢ − x̂ᵢ)², a mean
/// over samples, with the importances Iᵢ. W (d × n) is the embedding. At density 1 the model keeps the d most important concepts, at right angles
/// to each other; of concepts that are equally important any d directions, mixtures of them too, as principal components do. When they are sparse it superposes them, because the ReLU filters what little interference there is. The linear model (`activation` "linear", no ReLU)
/// never does: its lowest loss is Σ Iᵢ(p/3 − p²/4) over all but the d most important concepts, and stands beside the simulated loss as theory.
///
/// Trained by Adam at a rate of 0.001 for 10000 steps of 1024 samples, from Xavier's normal weights (variance `init`² · 2/(n + d)) and b = 0, unless the scenario says
/// otherwise. More than one of `restarts` helps where local minima do: of two concepts on one unit, two starts of five end with one of them.
/// Time of a step, whichever is least: 4an operations for each sample in which a concepts are active, and 3n²d; or 2nd for each sample that is not empty, and 4d for
/// each of its outputs above zero, which for a small model (n·d at most 2048, and n or d below 24) is 10nd on sixteen samples at once. Memory O(n d), and O(n²) for the
/// first.
///
/// Source: Elhage et al. (2022), Toy Models of Superposition, Transformer Circuits Thread.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Elhage {
    /// p, the probability that a concept is active, above 0 and at most 1, and so large that the samples of the training (batch · steps) have an active concept on average at all:
    /// n p ≥ 1/(batch · steps). Left out with `sparsity`: 0.05.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub density: Option<Fraction>,
    /// 1 − p, from 0 to below 1; in place of `density`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sparsity: Option<Fraction>,
    /// How much each concept counts: "uniform", `{ geometric = r }` for Iᵢ = rⁱ, or `{ zipf = s }` for Iᵢ = (i + 1)⁻ˢ, i from 0.
    pub importance: Importance,
    /// "relu", or "linear" for x̂ = WᵀWx + b.
    pub activation: Activation,
    /// λ, weight decay of the optimiser, on W alone: added to the gradient as λW by adam and sgd, taken off W as r λ W before each step with the rate r by adamw.
    pub decay: NonNegative,
    /// Factor on the standard deviation of Xavier's weights.
    pub init: Positive,
}

/// How much each concept counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Importance {
    /// All the same: 1.
    #[default]
    Uniform,
    /// rⁱ, with 0 < r.
    Geometric(Positive),
    /// (i + 1)⁻ˢ.
    Zipf(NonNegative),
}

/// What the outputs go through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// max(z, 0).
    #[default]
    Relu,
    /// z.
    Linear,
}

/// p where the scenario does not say.
const DENSITY: f64 = 0.05;

impl Default for Elhage {
    fn default() -> Self {
        Self {
            density: None,
            sparsity: None,
            importance: Importance::Uniform,
            activation: Activation::Relu,
            decay: NonNegative::new(0.0).expect("0 is not negative"),
            init: Positive::new(1.0).expect("it is above 0"),
        }
    }
}

impl Elhage {
    fn density(&self) -> f64 {
        let given = self.density.map(Fraction::get);
        given.or(self.sparsity.map(|sparsity| 1.0 - sparsity.get())).unwrap_or(DENSITY)
    }

    fn importances(&self, n: usize) -> Vec<f64> {
        let importance = |i: usize| match self.importance {
            Importance::Uniform => 1.0,
            Importance::Geometric(ratio) => libm::pow(ratio.get(), i as f64),
            Importance::Zipf(exponent) => libm::pow(i as f64 + 1.0, -exponent.get()),
        };
        (0..n).map(importance).collect()
    }

    /// The lowest loss of the linear model: what it does not keep has the variance p/3 − p²/4.
    fn theory(&self, size: Size) -> Option<f64> {
        let (p, mut importances) = (self.density(), self.importances(size.n_concepts));
        importances.sort_by(|a, b| b.total_cmp(a));
        let lost: f64 = importances.iter().skip(size.d_model).sum();
        (self.activation == Activation::Linear).then_some(lost * (p / 3.0 - p * p / 4.0))
    }
}

impl ToyModel for Elhage {
    fn defaults(&self, _: Size) -> Recipe {
        Recipe {
            batch: 1024,
            steps: 10_000,
            learning_rate: 1e-3,
            schedule: Schedule::Constant,
            optimizer: Optimizer::Adam,
            restarts: 1,
            checkpoints: vec![10_000],
        }
    }

    fn start(&self) -> &'static str {
        "Wᵢⱼ begin as N(0, init² · 2/(n + d)), Xavier's normal weights, b as 0."
    }

    fn refusal(&self, size: Size, recipe: &Recipe) -> Option<(&'static str, String)> {
        let refused = |key, sentence: &str| Some((key, sentence.to_owned()));
        match (self.density.map(Fraction::get), self.sparsity.map(Fraction::get)) {
            (Some(_), Some(_)) => return refused("sparsity", "excludes density: give one of the two"),
            (Some(0.0), None) => return refused("density", "must be above 0 and at most 1, got 0"),
            (None, Some(1.0)) => return refused("sparsity", "must be from 0 to below 1, got 1"),
            _ => {}
        }
        if let Some(sentence) = super::features::unseen(size.n_concepts as f64 * self.density(), recipe) {
            let key = if self.sparsity.is_some() { "sparsity" } else { "density" };
            return Some((key, sentence));
        }
        let representable = |importance: &f64| (*importance as f32).is_normal() && *importance < 1e30;
        if !self.importances(size.n_concepts).iter().all(representable) {
            return refused(
                "importance",
                "makes concepts count more than 1e30 or less than 1e-38 times as much as the first",
            );
        }
        None
    }

    fn cost(&self, size: Size, recipe: &Recipe) -> (f64, f64) {
        super::course::cost(size, &vec![self.density(); size.n_concepts], recipe)
    }

    fn train(&self, size: Size, recipe: &Recipe, warm: Option<&State>, stream: &Stream, parallel: bool) -> Trained {
        let importance = self.importances(size.n_concepts);
        let is_relu = self.activation == Activation::Relu;
        let frequency = vec![self.density(); size.n_concepts];
        let load = Load::new(&frequency, recipe.batch);
        let spread = (2.0 / (size.n_concepts + size.d_model) as f64).sqrt();
        let course = Course {
            shape: Shape::new(size, is_relu, &importance, Decay::Plain(self.decay.get()), load),
            features: Features::new(frequency, 1.0),
            importance,
            init: (self.init.get() * spread, 0.0),
            loss_scale: 1.0,
            loss_theory: self.theory(size),
            recipe,
        };
        course.train(warm, stream, parallel)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    fn model(options: serde_json::Value) -> Elhage {
        serde_json::from_value(options).expect("options of the model")
    }

    #[test]
    fn theory_the_linear_model_at_density_1_reaches_the_loss_of_principal_components() {
        // What d units cannot hold of n independent U(0, 1) is (n − d)/12 (shared/science.md 3.5). Lanes are samples in the first, units in the second.
        for (n_concepts, d_model, batch, steps) in [(6, 2, 1024, 4000), (70, 40, 256, 3000)] {
            let (size, lowest) = (Size { n_concepts, d_model }, (n_concepts - d_model) as f64 / 12.0);
            let model = model(serde_json::json!({ "density": 1.0, "activation": "linear" }));
            let (schedule, learning_rate) = (Schedule::Linear, 0.01);
            let checkpoints = vec![steps];
            let recipe = Recipe { batch, steps, schedule, learning_rate, checkpoints, ..model.defaults(size) };
            let trained = model.train(size, &recipe, None, &Stream::from_seed(1), false);
            let progress = &trained.snapshots[0].progress;
            assert!((progress.loss_theory.unwrap() - lowest).abs() < 1e-12);
            // Nothing is below it but by chance; a rate that falls to 0 leaves less than half a per cent above it.
            let above = progress.loss - lowest;
            assert!(above > -4.0 * progress.loss_standard_error, "{} of {lowest}", progress.loss);
            assert!(above < 0.005 * lowest + 4.0 * progress.loss_standard_error, "{} of {lowest}", progress.loss);
        }
    }

    #[test]
    fn theory_converged_is_a_loss_that_has_come_to_rest() {
        let outcome = |steps: u64| {
            let (size, model) = (Size { n_concepts: 5, d_model: 2 }, model(serde_json::json!({ "density": 0.2 })));
            let (schedule, learning_rate) = (Schedule::Linear, 0.01);
            let checkpoints = vec![steps];
            let recipe = Recipe { steps, schedule, learning_rate, checkpoints, ..model.defaults(size) };
            model.train(size, &recipe, None, &Stream::from_seed(1), false).outcome
        };
        // A single step, and some in which the loss falls by a tenth of a per cent each.
        assert_eq!([1, 20, 100].map(outcome), [Outcome::Exhausted; 3]);
        assert_eq!(outcome(5000), Outcome::Converged);
    }

    #[test]
    fn law_a_training_is_the_same_alone_beside_others_and_on_any_number_of_threads() {
        for (n_concepts, d_model) in [(2, 1), (20, 5), (60, 36)] {
            let size = Size { n_concepts, d_model };
            let model = model(serde_json::json!({ "density": 0.2 }));
            let recipe = |restarts| {
                let (steps, batch) = (40, 100);
                Recipe { steps, batch, restarts, learning_rate: 0.01, checkpoints: vec![0, 40], ..model.defaults(size) }
            };
            let train = |restarts, n_threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().expect("a pool");
                let stream = Stream::from_seed(2);
                pool.install(|| model.train(size, &recipe(restarts), None, &stream, n_threads > 1))
            };
            let five = train(5, 1);
            for n_threads in [2, 3, 5] {
                let again = train(5, n_threads);
                assert_eq!((&again.state, again.n_failed), (&five.state, five.n_failed));
                assert!(again.snapshots.iter().zip(&five.snapshots).all(|(a, b)| a.progress == b.progress));
            }
            // The best of some starts is the best of fewer of them as long as it is among them, wherever the others are.
            let bests: Vec<State> = (1..=5).map(|restarts| train(restarts, 1).state).collect();
            let first = bests.iter().position(|best| *best == five.state).expect("the best is among them");
            assert!(bests[first..].iter().all(|best| *best == five.state));
        }
    }
}
