//! The laws themselves: their parameters, what they say of a model, and their published values.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::Facts;
use crate::quantity::{NonNegative, Positive, Real};
use crate::table::{Column, Unit};

/// A power law of one resource.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Power {
    /// What x is.
    pub of: Resource,
    /// A > 0.
    pub coefficient: Positive,
    /// e.
    pub exponent: Real,
}

/// A power law of one resource, above a floor.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PowerFloor {
    /// What x is.
    pub of: Resource,
    /// A > 0.
    pub coefficient: Positive,
    /// e.
    pub exponent: Real,
    /// E ≥ 0.
    pub floor: NonNegative,
}

/// Kaplan's laws, with the constants as published.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kaplan {}

/// The surface of Hoffmann et al.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hoffmann {}

/// The surface of Besiroglu et al.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Besiroglu {}

/// A power law whose exponent changes.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Broken {
    /// What x is.
    pub of: Resource,
    /// A > 0.
    pub coefficient: Positive,
    /// e, the exponent before the first break.
    pub exponent: Real,
    /// E ≥ 0.
    pub floor: NonNegative,
    /// Where and how the exponent changes.
    pub breaks: Vec<Break>,
}

/// A change of the exponent.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Break {
    /// d > 0.
    pub at: Positive,
    /// g.
    pub change: Real,
    /// f > 0.
    pub smoothness: Positive,
}

/// What a model is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Parameters, N.
    #[default]
    Params,
    /// Tokens, D.
    Tokens,
    /// Compute, C.
    Compute,
}

/// What a law says of a model, and of what.
pub struct Prediction {
    /// Without range, or what it is unmoved by.
    pub column: Column,
    /// Whether noise is added to it.
    pub is_loss: bool,
    /// Nothing if the model lacks what the law needs.
    pub value: Option<f64>,
}

impl Prediction {
    fn loss(column: Column, value: Option<f64>) -> Self {
        Self { column, is_loss: true, value }
    }
}

impl Default for Power {
    fn default() -> Self {
        let PowerFloor { of, coefficient, exponent, .. } = PowerFloor::default();
        Self { of, coefficient, exponent }
    }
}

impl Default for PowerFloor {
    fn default() -> Self {
        Self {
            of: Resource::default(),
            coefficient: Positive::new(0.5).expect("it is above 0"),
            exponent: Real::new(-0.3).expect("it is finite"),
            floor: NonNegative::new(0.05).expect("it is above 0"),
        }
    }
}

impl Default for Broken {
    fn default() -> Self {
        let PowerFloor { of, coefficient, exponent, .. } = PowerFloor::default();
        let [at, smoothness] = [1e9, 0.5].map(|x| Positive::new(x).expect("it is above 0"));
        let change = Real::new(0.2).expect("it is finite");
        Self {
            of,
            coefficient,
            exponent,
            floor: NonNegative::default(),
            breaks: vec![Break { at, change, smoothness }],
        }
    }
}

impl Resource {
    fn of(self, facts: &Facts) -> Option<f64> {
        match self {
            Self::Params => facts.params,
            Self::Tokens => facts.tokens,
            Self::Compute => facts.compute,
        }
    }

    fn symbol(self) -> &'static str {
        match self {
            Self::Params => "N",
            Self::Tokens => "D",
            Self::Compute => "C",
        }
    }
}

const PLAIN: &str = "The loss law of hand-made demonstrations; Hestness et al. (2017), arXiv 1712.00409";

impl Power {
    /// A x^e.
    pub fn predict(&self, facts: &Facts) -> Prediction {
        let meaning = format!("A {}^e, a plain power law", self.of.symbol());
        let column = Column::named("loss_power".into(), Unit::Pure, meaning).from(PLAIN);
        let law = |x| self.coefficient.get() * libm::pow(x, self.exponent.get());
        Prediction::loss(column, self.of.of(facts).map(law))
    }
}

impl PowerFloor {
    /// A x^e + E.
    pub fn predict(&self, facts: &Facts) -> Prediction {
        let meaning = format!("A {}^e + E, a power law above a floor", self.of.symbol());
        let column = Column::named("loss_power_floor".into(), Unit::Pure, meaning).from(PLAIN);
        let law = |x| self.coefficient.get() * libm::pow(x, self.exponent.get()) + self.floor.get();
        Prediction::loss(column, self.of.of(facts).map(law))
    }
}

/// One petaflop for a day.
const PF_DAY: f64 = 8.64e19;

impl Kaplan {
    /// The loss from N, from D, from both, from C, and from the least C.
    pub fn predict(&self, facts: &Facts) -> [Prediction; 5] {
        let &Facts { params, tokens, compute } = facts;
        let loss = |name, meaning, value| {
            Prediction::loss(Column::new(name, Unit::Nats, meaning).from("Kaplan et al. (2020)"), value)
        };
        let power = |x: Option<f64>, scale: f64, exponent| x.map(|x| libm::pow(scale / x, exponent));
        let days = compute.map(|c| c / PF_DAY);
        let joint = |(n, d): (f64, f64)| libm::pow(libm::pow(6.4e13 / n, 0.076 / 0.103) + 1.8e13 / d, 0.103);
        [
            loss("loss_kaplan_params", "(8.8e13/N)^0.076: loss with data without end", power(params, 8.8e13, 0.076)),
            loss(
                "loss_kaplan_tokens",
                "(5.4e13/D)^0.095: loss of a model large enough, stopped in time",
                power(tokens, 5.4e13, 0.095),
            ),
            loss(
                "loss_kaplan",
                "[(6.4e13/N)^(0.076/0.103) + 1.8e13/D]^0.103: loss from parameters and data",
                params.zip(tokens).map(joint),
            ),
            loss(
                "loss_kaplan_compute",
                "(1.6e7/C)^0.057, C in PF-days: loss from compute at a fixed batch",
                power(days, 1.6e7, 0.057),
            ),
            loss(
                "loss_kaplan_compute_best",
                "(3.1e8/C)^0.050, C in PF-days: loss from compute at its best use",
                power(days, 3.1e8, 0.050),
            ),
        ]
    }
}

/// L = E + A/N^α + B/D^β.
#[derive(Clone, Copy, Debug)]
pub struct Surface {
    floor: f64,
    a: f64,
    b: f64,
    alpha: f64,
    beta: f64,
    source: &'static str,
}

impl Surface {
    /// As printed; the unrounded fit has E = 1.6934, α = 0.3392, β = 0.2849.
    pub const HOFFMANN: Self =
        Self { floor: 1.69, a: 406.4, b: 410.7, alpha: 0.34, beta: 0.28, source: "Hoffmann et al. (2022)" };

    /// The fit to the points of the figure.
    pub const BESIROGLU: Self =
        Self { floor: 1.8172, a: 482.01, b: 2085.43, alpha: 0.3478, beta: 0.3658, source: "Besiroglu et al. (2024)" };

    /// The loss from N and D, and the best N, D and loss for C.
    pub fn predict(&self, name: &str, facts: &Facts) -> [Prediction; 4] {
        let optimum = facts.compute.map(|compute| self.optimum(compute));
        let column = |what: &str, unit, meaning: &str| {
            Column::named(format!("{what}_{name}"), unit, meaning.to_owned()).from(self.source)
        };
        let best = |column, value| Prediction { column, is_loss: false, value };
        let loss = facts.params.zip(facts.tokens).map(|(n, d)| self.loss(n, d));
        [
            Prediction::loss(column("loss", Unit::Nats, "E + A/N^α + B/D^β"), loss),
            best(
                column(
                    "optimal_params",
                    Unit::Parameters,
                    "G (C/6)^(β/(α+β)): parameters of the model of least loss that C trains",
                ),
                optimum.map(|(n, _)| n),
            ),
            best(
                column(
                    "optimal_tokens",
                    Unit::Tokens,
                    "C/(6 N) at the best N: tokens for the model of least loss that C trains",
                ),
                optimum.map(|(_, d)| d),
            ),
            best(
                column("optimal_loss", Unit::Nats, "E + A/N^α + B/D^β at the best N and D: the least loss for C"),
                optimum.map(|(n, d)| self.loss(n, d)),
            ),
        ]
    }

    fn loss(&self, n: f64, d: f64) -> f64 {
        self.floor + self.a * libm::pow(n, -self.alpha) + self.b * libm::pow(d, -self.beta)
    }

    /// The N and D of the least loss with 6 N D = C.
    fn optimum(&self, compute: f64) -> (f64, f64) {
        let sum = self.alpha + self.beta;
        let g = libm::pow(self.alpha * self.a / (self.beta * self.b), 1.0 / sum);
        let n = g * libm::pow(compute / 6.0, self.beta / sum);
        (n, compute / 6.0 / n)
    }
}

impl Broken {
    /// E + A x^e Π (1 + (x/d)^(1/f))^(g f).
    pub fn predict(&self, facts: &Facts) -> Prediction {
        let meaning = format!("E + A {0}^e Π (1 + ({0}/d)^(1/f))^(g f), a power law with breaks", self.of.symbol());
        let column = Column::named("loss_broken".into(), Unit::Pure, meaning).from("Caballero et al. (2023)");
        Prediction::loss(column, self.of.of(facts).map(|x| self.loss(x)))
    }

    fn loss(&self, x: f64) -> f64 {
        let log_x = libm::log(x);
        let bend = |b: &Break| {
            let (f, distance) = (b.smoothness.get(), log_x - libm::log(b.at.get()));
            // f ln(1 + e^(distance/f)), which is the larger of 0 and the distance but near the break.
            b.change.get() * (distance.max(0.0) + f * libm::log1p(libm::exp(-(distance / f).abs())))
        };
        let logarithm =
            libm::log(self.coefficient.get()) + self.exponent.get() * log_x + self.breaks.iter().map(bend).sum::<f64>();
        self.floor.get() + libm::exp(logarithm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_relative(value: Option<f64>, expected: f64, tolerance: f64, what: impl std::fmt::Debug) {
        let value = value.expect("a prediction");
        assert!((value / expected - 1.0).abs() < tolerance, "{what:?}: got {value}, expected {expected}");
    }

    fn model(params: f64, tokens: f64) -> Facts {
        Facts { params: Some(params), tokens: Some(tokens), compute: Some(6.0 * params * tokens) }
    }

    // The constants of the science reference, section 6, by hand into mpmath 1.3: a small model, GPT-3 and Chinchilla.
    #[test]
    fn theory_kaplan_of_three_models() {
        for (params, tokens, losses) in [
            (
                1e9,
                2e10,
                [2.375640295134525, 2.118261425538417, 2.373882448217487, 2.5264039478441096, 2.614777321067573],
            ),
            (
                175e9,
                3e11,
                [1.60438942731325, 1.6377623686699876, 1.6609571046181313, 1.6129184907734597, 1.7639173992606616],
            ),
            (
                70e9,
                1.4e12,
                [1.7200981629978704, 1.4148006275989145, 1.6929734868045474, 1.5565447634996252, 1.7097196594262436],
            ),
        ] {
            for (prediction, expected) in (Kaplan {}).predict(&model(params, tokens)).into_iter().zip(losses) {
                assert_relative(prediction.value, expected, 1e-14, (params, prediction.column.name));
            }
        }
    }

    // As above.
    #[test]
    fn theory_surfaces_of_three_models() {
        for (surface, params, tokens, expected) in [
            (Surface::HOFFMANN, 1e9, 2e10, [2.580047872237994, 700201495.04969, 28563206650.36668, 2.57473157290828]),
            (
                Surface::BESIROGLU,
                1e9,
                2e10,
                [2.5300503236787035, 937089825.9352168, 21342671157.527485, 2.529858844527673],
            ),
            (
                Surface::HOFFMANN,
                175e9,
                3e11,
                [2.00228793651771, 24510148746.63812, 2141969864919.7732, 1.9541251370978392],
            ),
            (
                Surface::BESIROGLU,
                175e9,
                3e11,
                [2.0085437237837795, 53023489250.34499, 990127219884.1274, 1.9923044216077073],
            ),
            (
                Surface::HOFFMANN,
                70e9,
                1.4e12,
                [1.9366454705587175, 32491009032.78354, 3016219037738.03, 1.92998708455569],
            ),
            (
                Surface::BESIROGLU,
                70e9,
                1.4e12,
                [1.973881863158564, 73016399355.91064, 1342164237958.5093, 1.9738641291901695],
            ),
        ] {
            for (prediction, expected) in surface.predict("x", &model(params, tokens)).into_iter().zip(expected) {
                assert_relative(prediction.value, expected, 1e-13, (params, prediction.column.name));
            }
        }
    }

    // Science reference, V11.
    #[test]
    fn theory_tokens_for_each_parameter_at_the_compute_of_chinchilla() {
        for (surface, ratio) in [(Surface::HOFFMANN, 92.65), (Surface::BESIROGLU, 18.39)] {
            let (n, d) = surface.optimum(5.76e23);
            assert!((d / n / ratio - 1.0).abs() < 1e-3, "{surface:?}: {}", d / n);
        }
    }

    #[test]
    fn theory_no_model_of_the_same_compute_is_better_than_the_best() {
        for surface in [Surface::HOFFMANN, Surface::BESIROGLU] {
            for compute in [1e15, 5.76e23, 1e30] {
                let (n, d) = surface.optimum(compute);
                assert!((6.0 * n * d / compute - 1.0).abs() < 1e-14);
                for factor in [0.5, 0.99, 1.01, 2.0] {
                    assert!(
                        surface.loss(n * factor, d / factor) > surface.loss(n, d),
                        "{surface:?} {compute} {factor}"
                    );
                }
            }
        }
    }

    #[test]
    fn theory_the_plain_law_of_demonstrations() {
        // 1e11^−0.3 / 2, by mpmath.
        let facts = Facts { params: Some(1e11), ..Facts::default() };
        assert_relative(Power::default().predict(&facts).value, 0.00025059361681363616, 1e-14, "power");
        assert_relative(PowerFloor::default().predict(&facts).value, 0.05025059361681364, 1e-14, "floor");
        let compute = Power { of: Resource::Compute, ..Power::default() };
        assert!(compute.predict(&facts).value.is_none());
        assert_eq!(compute.predict(&facts).column.meaning, "A C^e, a plain power law");
    }

    fn bends(x: f64) -> Option<f64> {
        let positive = |x| Positive::new(x).unwrap();
        let bend = |at, change, smoothness| Break {
            at: positive(at),
            change: Real::new(change).unwrap(),
            smoothness: positive(smoothness),
        };
        let broken = Broken {
            of: Resource::Params,
            coefficient: positive(3.0),
            exponent: Real::new(-0.1).unwrap(),
            floor: NonNegative::new(0.1).unwrap(),
            breaks: vec![bend(1e9, -0.2, 0.25), bend(5e10, 0.15, 0.5)],
        };
        broken.predict(&Facts { params: Some(x), ..Facts::default() }).value
    }

    // The source's formula by mpmath, with c = 0.1, 0.2, −0.15.
    #[test]
    fn theory_a_law_with_two_breaks() {
        for (x, expected) in [
            (1e7, 0.6985786959871105),
            (1e9, 0.4648234795495231),
            (3e10, 0.23931576678597577),
            (1e12, 0.17453445541846027),
        ] {
            assert_relative(bends(x), expected, 1e-13, x);
        }
    }

    #[test]
    fn law_a_break_changes_the_exponent_by_what_it_says() {
        let slope =
            |x: f64| libm::log((bends(x * 1.001).unwrap() - 0.1) / (bends(x).unwrap() - 0.1)) / libm::log(1.001);
        for (x, exponent) in [(1e3, -0.1), (1e16, -0.15)] {
            assert!((slope(x) - exponent).abs() < 1e-9, "{x}: {}", slope(x));
        }
        // So far from a break, or with so sharp a one, that its powers overflow.
        let sharp = Break {
            at: Positive::new(1e9).unwrap(),
            change: Real::new(0.2).unwrap(),
            smoothness: Positive::new(1e-300).unwrap(),
        };
        let broken = Broken { breaks: vec![sharp], ..Broken::default() };
        let value = broken.predict(&Facts { params: Some(1e12), ..Facts::default() }).value;
        assert_relative(value, 0.5 * libm::pow(1e9, -0.3) * libm::pow(1e3, -0.1), 1e-13, "sharp");
    }
}
