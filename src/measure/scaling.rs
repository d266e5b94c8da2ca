//! Scaling: the loss that published laws predict from parameters, data and compute.

mod laws;

use rand_distr::{Distribution, StandardNormal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cost, Facts, Measure, Subject};
use crate::quantity::NonNegative;
use crate::seed::Stream;
use crate::table::Change::{Permutation, Rescaling, Rotation};
use crate::table::{Change, Column, Value};

pub use laws::{Besiroglu, Break, Broken, Hoffmann, Kaplan, Power, PowerFloor, Resource};
use laws::{Prediction, Surface};

/// The loss of a tier as laws of scale predict it, several side by side, from its parameters N, tokens D and compute C (in FLOP).
///
/// Each law is a table of its own: `[measure.scaling]` with `kaplan = {}` and `chinchilla = {}` under it asks for two; without any, all are told with their
/// defaults. A loss whose N, D or C the tier does not have is undefined. Losses of Kaplan's and the Chinchilla laws are in nats for each token.
///
/// - `power`: A x^e, with x = N, D or C; `power_floor`: A x^e + E.
/// - `kaplan`: L(N) = (8.8e13/N)^0.076, L(D) = (5.4e13/D)^0.095, L(N, D) = [(6.4e13/N)^(0.076/0.103) + 1.8e13/D]^0.103,
///   L(C) = (1.6e7/C)^0.057 for models of any size and batch, and L(C) = (3.1e8/C)^0.050 for the best ones, C in PF-days of 8.64e19 FLOP. N is without
///   the embedding matrix.
/// - `chinchilla`: L = E + A/N^α + B/D^β, with E, A, B, α, β = 1.69, 406.4, 410.7, 0.34, 0.28 (Hoffmann et al.); `chinchilla_besiroglu`: with 1.8172, 482.01,
///   2085.43, 0.3478, 0.3658, the fit to the same runs that converged. Of each the best N and D for C = 6 N D are told: N = G (C/6)^(β/(α+β)), D = C/(6 N), with
///   G = (α A/(β B))^(1/(α+β)), and the loss there.
/// - `broken`: E + A x^e Π (1 + (x/d)^(1/f))^(g f): a power law whose exponent changes by g about d.
///
/// With `noise`, each loss is multiplied by a log-normal number of its own, and the law itself stands beside it as `…_law`. O(1) time and memory.
///
/// Source: Kaplan et al. (2020), arXiv 2001.08361; Hoffmann et al. (2022), arXiv 2203.15556; Besiroglu et al. (2024), arXiv 2404.10102;
/// Caballero et al. (2023), Broken neural scaling laws, ICLR.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scaling {
    /// σ of the logarithm of each loss, from 0: every replicate draws its own. Left out: 0, the laws themselves.
    #[serde(default)]
    pub noise: NonNegative,
    /// A power law, A x^e: `{ of = "params", coefficient = 0.5, exponent = -0.3 }`. `of`: what x is, "params" (N), "tokens" (D) or "compute" (C, FLOP);
    /// `coefficient`: A > 0; `exponent`: e. The defaults are those of the first hand-made demonstrations, not of a fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<Power>,
    /// A power law above a floor, A x^e + E: as `power`, with `floor = 0.05` for E ≥ 0, which no x goes below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power_floor: Option<PowerFloor>,
    /// Kaplan's laws, of N, of D, of both and of C.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kaplan: Option<Kaplan>,
    /// Hoffmann's surface, with the constants as published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chinchilla: Option<Hoffmann>,
    /// The same with Besiroglu's constants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chinchilla_besiroglu: Option<Besiroglu>,
    /// A broken power law: as `power_floor`, with `breaks`, a list of `{ at, change, smoothness }`. `at`: d > 0, where the exponent changes; `change`: g, by
    /// how much; `smoothness`: f > 0, over about as many e-foldings of x. The source's c₀ is −e, its c is −g. Left out: one break at 1e9, an example and no fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<Broken>,
}

const EVERY: &[Change] = &[Rotation, Permutation, Rescaling];

impl Scaling {
    /// What every wanted law says of a model, in the order of the columns.
    fn predictions(&self, facts: &Facts) -> Vec<Prediction> {
        let chosen = Self { noise: NonNegative::default(), ..self.clone() };
        if chosen == Self::default() {
            let all = Self {
                power: Some(Power::default()),
                power_floor: Some(PowerFloor::default()),
                kaplan: Some(Kaplan::default()),
                chinchilla: Some(Hoffmann::default()),
                chinchilla_besiroglu: Some(Besiroglu::default()),
                broken: Some(Broken::default()),
                noise: self.noise,
            };
            return all.predictions(facts);
        }
        let mut predictions = Vec::new();
        predictions.extend(self.power.iter().map(|law| law.predict(facts)));
        predictions.extend(self.power_floor.iter().map(|law| law.predict(facts)));
        predictions.extend(self.kaplan.iter().flat_map(|law| law.predict(facts)));
        predictions.extend(self.chinchilla.iter().flat_map(|_| Surface::HOFFMANN.predict("chinchilla", facts)));
        predictions.extend(
            self.chinchilla_besiroglu.iter().flat_map(|_| Surface::BESIROGLU.predict("chinchilla_besiroglu", facts)),
        );
        predictions.extend(self.broken.iter().map(|law| law.predict(facts)));
        predictions
    }

    fn is_noisy(&self) -> bool {
        self.noise.get() > 0.0
    }
}

impl Measure for Scaling {
    fn columns(&self) -> Vec<Column> {
        let mut columns = Vec::new();
        for Prediction { column, is_loss, .. } in self.predictions(&Facts::default()) {
            let column = column.within(0.0, f64::INFINITY).unmoved_by(EVERY);
            if !(is_loss && self.is_noisy()) {
                columns.push(column);
                continue;
            }
            let name = format!("{}_law", column.name);
            let law = Column {
                name: name.clone().into(),
                meaning: format!("theory: {}", column.meaning).into(),
                ..column.clone()
            };
            let meaning = format!("{}, times e^(σ z) with z normal, drawn for each replicate", column.meaning);
            columns.extend([Column { meaning: meaning.into(), ..column }.beside(name), law]);
        }
        columns
    }

    fn reads_vectors(&self) -> bool {
        false
    }

    fn cost(&self, _: f64, _: f64) -> Cost {
        Cost { seconds: 1e-5, bytes: 0.0 }
    }

    fn observe(&self, subject: &Subject, stream: &Stream) -> Vec<Value> {
        let mut values = Vec::new();
        for Prediction { column, is_loss, value } in self.predictions(subject.facts()) {
            if is_loss && self.is_noisy() {
                // As f32, in which the sampler's last bits are the same on every machine.
                let normal: f32 = StandardNormal.sample(&mut stream.stream(&column.name).rng());
                values.push(value.map(|loss| loss * libm::exp(self.noise.get() * f64::from(normal))).into());
            }
            values.push(value.into());
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(scaling: &Scaling, facts: Facts, stream: &Stream) -> Vec<(String, Value)> {
        let values = scaling.observe(&Subject::without_vectors(facts), stream);
        let columns = scaling.columns();
        assert_eq!(values.len(), columns.len());
        columns.into_iter().map(|column| column.name.into_owned()).zip(values).collect()
    }

    #[test]
    fn law_a_law_alone_says_what_it_says_among_all() {
        let facts = Facts { params: Some(1e9), tokens: Some(2e10), compute: Some(1.2e20) };
        let stream = Stream::from_seed(1);
        let all = values(&Scaling::default(), facts, &stream);
        assert!(all.iter().all(|(_, value)| value.number().is_some_and(|x| x > 0.0)), "{all:?}");
        let mut apart = Vec::new();
        for some in [
            Scaling { power: Some(Power::default()), ..Scaling::default() },
            Scaling { power_floor: Some(PowerFloor::default()), ..Scaling::default() },
            Scaling { kaplan: Some(Kaplan::default()), ..Scaling::default() },
            Scaling { chinchilla: Some(Hoffmann::default()), ..Scaling::default() },
            Scaling { chinchilla_besiroglu: Some(Besiroglu::default()), ..Scaling::default() },
            Scaling { broken: Some(Broken::default()), ..Scaling::default() },
        ] {
            apart.extend(values(&some, facts, &stream));
        }
        assert_eq!(apart, all);
    }

    #[test]
    fn law_what_a_law_needs_and_the_tier_lacks_leaves_its_cells_empty() {
        let stream = Stream::from_seed(1);
        let defined = |facts: Facts| {
            let values = values(&Scaling::default(), facts, &stream);
            values.into_iter().filter(|(_, value)| *value != Value::Undefined).map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert!(defined(Facts::default()).is_empty());
        let of_params = ["loss_power", "loss_power_floor", "loss_kaplan_params", "loss_broken"];
        assert_eq!(defined(Facts { params: Some(1e9), ..Facts::default() }), of_params);
        assert_eq!(defined(Facts { tokens: Some(1e9), ..Facts::default() }), ["loss_kaplan_tokens"]);
        assert_eq!(defined(Facts { compute: Some(1e20), ..Facts::default() }).len(), 8);
        // So large that a law has no number for it.
        let steep = Power { exponent: crate::quantity::Real::new(1e300).expect("finite"), ..Power::default() };
        let scaling =
            Scaling { power: Some(steep), noise: NonNegative::new(1e300).expect("finite"), ..Scaling::default() };
        let facts = Facts { params: Some(1e9), ..Facts::default() };
        assert_eq!(
            values(&scaling, facts, &stream).into_iter().map(|(_, value)| value).collect::<Vec<_>>(),
            [Value::Undefined, Value::Undefined]
        );
    }

    #[test]
    fn theory_noise_is_log_normal_about_the_law() {
        let scaling = Scaling {
            noise: NonNegative::new(0.05).expect("finite"),
            kaplan: Some(Kaplan::default()),
            ..Scaling::default()
        };
        let facts = Facts { params: Some(1e9), tokens: Some(2e10), compute: None };
        let root = Stream::from_seed(2);
        let logarithms: Vec<[f64; 2]> = (0..2000)
            .map(|k| {
                let row = values(&scaling, facts, &root.stream(&k.to_string()));
                let ratio = |name: &str| {
                    let number =
                        |name: &str| row.iter().find(|(n, _)| n == name).expect(name).1.number().expect("a number");
                    (number(name) / number(&format!("{name}_law"))).ln()
                };
                [ratio("loss_kaplan_params"), ratio("loss_kaplan_tokens")]
            })
            .collect();
        for k in [0, 1] {
            let (mean, square) = logarithms
                .iter()
                .fold((0.0, 0.0), |(sum, squares), x| (sum + x[k] / 2000.0, squares + x[k] * x[k] / 2000.0));
            // Four standard errors: σ/√n of the mean, σ/√(2n) of the deviation.
            assert!(mean.abs() < 4.0 * 0.05 / 2000_f64.sqrt(), "{mean}");
            assert!((square.sqrt() - 0.05).abs() < 4.0 * 0.05 / 4000_f64.sqrt(), "{square}");
        }
        // Every loss has noise of its own.
        let correlation = logarithms.iter().map(|[x, y]| x * y).sum::<f64>() / 2000.0 / 0.0025;
        assert!(correlation.abs() < 4.0 / 2000_f64.sqrt(), "{correlation}");
    }
}
