//! Liu: the autoencoder whose weight decay sets how far it superposes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::autoencoder::{Decay, Load, Shape};
use super::course::Course;
use super::features::Features;
use super::{Optimizer, Recipe, Schedule, Size, State, ToyModel, Trained};
use crate::quantity::{NonNegative, Positive, Real};
use crate::seed::Stream;

/// An autoencoder x̂ = ReLU(WᵀWx + b) of concepts of different frequency, whose signed weight decay sets how far it superposes.
///
/// Concept i = 1 … n is active with probability pᵢ ∝ i^(−`alpha`), Σ pᵢ = E, the `activation` density, and then has a value from U(0, 2). The loss of a sample is
/// Σᵢ (xᵢ − x̂ᵢ)²; what is trained on is its mean over samples and concepts, times `loss_scale`. Before each step with the learning rate r every column of W loses
/// rγWᵢ for γ ≥ 0, which leaves few concepts represented (weak superposition), or is pulled to length 1 by r|γ|(1/‖Wᵢ‖ − 1)Wᵢ for γ < 0, which represents nearly all of
/// them (strong superposition). Weak: the loss is 4/3 Σ pᵢ over the concepts that are not represented, ∝ d^−(α − 1) for α > 1. Strong: it falls nearly as 1/d, the mean
/// square cosine of a random packing, whatever α up to 1.5. `alpha` is the exponent itself; the authors' code has α − 1.
///
/// Trained by AdamW with β = (0.9, 0.999) for 20000 steps of 2048 samples, at a rate that rises to 0.01 in the first tenth and falls to a twentieth of that by half a
/// cosine, from Wᵢⱼ ~ N(0, 1/d) and bᵢ ~ N(0, 1), unless the scenario says otherwise. 512 samples a step give the same to a few per cent in a quarter of the time.
/// Time of a step, whichever is least: 4an operations for each sample in which a concepts are active, and 3n²d; or 2nd for each sample that is not empty, and 4d for
/// each of its outputs above zero, which for a small model (n·d at most 2048, and n or d below 24) is 10nd on sixteen samples at once. Memory O(n d), and O(n²) for the
/// first.
///
/// Source: Liu, Liu & Gore (2025), Superposition Yields Robust Neural Scaling, arXiv 2505.10465.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Liu {
    /// α, exponent of the frequencies. Left out: 1.
    pub alpha: NonNegative,
    /// E, the mean number of active concepts in a sample: at least 1/(batch · steps), so that the training sees one at all, and at most Σ i^(−α), so that no frequency is above 1.
    /// Left out: 1.
    pub activation: Positive,
    /// γ, the signed weight decay. Left out: −1, strong superposition; 0.1 is weak.
    pub gamma: Real,
    /// Factor on the loss before its gradient is taken. Left out: 1; the authors' large runs have 100, to stay clear of the ε of Adam.
    pub loss_scale: Positive,
}

impl Default for Liu {
    fn default() -> Self {
        let positive = |x| Positive::new(x).expect("it is above 0");
        Self {
            alpha: NonNegative::new(1.0).expect("it is not negative"),
            activation: positive(1.0),
            gamma: Real::new(-1.0).expect("it is finite"),
            loss_scale: positive(1.0),
        }
    }
}

impl Liu {
    /// i^−α, and their sum.
    fn powers(&self, n: usize) -> (Vec<f64>, f64) {
        let powers: Vec<f64> = (1..=n).map(|i| libm::pow(i as f64, -self.alpha.get())).collect();
        let sum = powers.iter().sum();
        (powers, sum)
    }

    /// pᵢ.
    fn frequencies(&self, n: usize) -> Vec<f64> {
        let (powers, sum) = self.powers(n);
        powers.iter().map(|power| (self.activation.get() * power / sum).min(1.0)).collect()
    }
}

impl ToyModel for Liu {
    fn defaults(&self, _: Size) -> Recipe {
        Recipe {
            batch: 2048,
            steps: 20_000,
            learning_rate: 1e-2,
            schedule: Schedule::WarmupCosine,
            optimizer: Optimizer::Adamw,
            restarts: 1,
            checkpoints: vec![20_000],
        }
    }

    fn start(&self) -> &'static str {
        "Wᵢⱼ begin as N(0, 1/d), bᵢ as N(0, 1)."
    }

    fn refusal(&self, size: Size, recipe: &Recipe) -> Option<(&'static str, String)> {
        if let Some(sentence) = super::features::unseen(self.activation.get(), recipe) {
            return Some(("activation", sentence));
        }
        let (powers, sum) = self.powers(size.n_concepts);
        if powers.iter().any(|&power| power * self.activation.get() / sum < 1e-300) {
            return Some((
                "alpha",
                format!("makes the last of {} concepts so rare that it is never seen", size.n_concepts),
            ));
        }
        // The most frequent concept is not active more than always; rounding aside, E may reach the limit.
        let most = sum * (1.0 + 1e-12);
        (self.activation.get() > most).then(|| {
            let got = self.activation.get();
            ("activation", format!("must be at most {sum:.4} at this alpha and number of concepts, where the first concept is always active, got {got}"))
        })
    }

    fn cost(&self, size: Size, recipe: &Recipe) -> (f64, f64) {
        super::course::cost(size, &self.frequencies(size.n_concepts), recipe)
    }

    fn train(&self, size: Size, recipe: &Recipe, warm: Option<&State>, stream: &Stream, parallel: bool) -> Trained {
        let n = size.n_concepts;
        let importance = vec![1.0; n];
        let frequency = self.frequencies(n);
        let load = Load::new(&frequency, recipe.batch);
        let course = Course {
            shape: Shape::new(size, true, &importance, Decay::Rows(self.gamma.get()), load),
            features: Features::new(frequency, 2.0),
            importance,
            init: ((1.0 / size.d_model as f64).sqrt(), 1.0),
            loss_scale: self.loss_scale.get() / n as f64,
            loss_theory: None,
            recipe,
        };
        course.train(warm, stream, parallel)
    }
}
