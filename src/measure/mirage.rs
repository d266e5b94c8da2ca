//! Mirage: an accuracy that follows a power law, read in a metric that turns and in one that does not.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cost, Measure, Subject};
use crate::quantity::{Counts, Positive};
use crate::seed::Stream;
use crate::table::Change::{Permutation, Rescaling, Rotation};
use crate::table::{Change, Column, Unit, Value};

/// The mirage in closed form: cross entropy of a token (N/c)^−a, so that a token is right with p = exp(−(N/c)^−a), and whole answers of L tokens with p^L.
///
/// Exact match p^L turns at a size that grows with L, N_½ = c (L/ln 2)^(1/a), while the edit distance L (1 − p) moves smoothly: the turn is one of
/// the metric. It is the line beside which `task` simulates whole answers from vectors. A tier without params has none of it but N_½. O(1) time and memory.
///
/// Source: Schaeffer, Miranda & Koyejo (2023), Are Emergent Abilities of Large Language Models a Mirage?
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Mirage {
    /// L, tokens of an answer: each number has columns of its own.
    pub steps: Counts,
    /// c, the parameters at which a token costs one nat.
    pub scale: Positive,
    /// a, how fast the cross entropy falls with size.
    pub exponent: Positive,
}

impl Default for Mirage {
    fn default() -> Self {
        let positive = |x| Positive::new(x).expect("it is above 0");
        Self {
            steps: Counts::new(&[1, 5, 20]).expect("three different counts"),
            scale: positive(1e8),
            exponent: positive(0.27),
        }
    }
}

impl Mirage {
    /// The cross entropy of a token, in nats.
    fn loss(&self, params: f64) -> f64 {
        libm::pow(params / self.scale.get(), -self.exponent.get())
    }

    /// The size at which an answer is right half of the time.
    fn half_size(&self, length: f64) -> f64 {
        self.scale.get() * libm::pow(length / std::f64::consts::LN_2, 1.0 / self.exponent.get())
    }
}

impl Measure for Mirage {
    fn columns(&self) -> Vec<Column> {
        const EVERY: &[Change] = &[Rotation, Permutation, Rescaling];
        let column = |name: String, unit, meaning: String, most| {
            Column::named(name, unit, meaning)
                .within(0.0, most)
                .unmoved_by(EVERY)
                .from("Schaeffer, Miranda & Koyejo (2023)")
        };
        let loss = "cross entropy of a token, (N/c)^−a".to_owned();
        let right = "p = exp(−(N/c)^−a), the probability that a token is right".to_owned();
        let mut columns = vec![
            column("mirage_loss".into(), Unit::Nats, loss, f64::INFINITY),
            column("mirage_step_accuracy".into(), Unit::Fraction, right, 1.0),
        ];
        for length in self.steps.iter() {
            let words = |what: &str| format!("{what}, L = {length} tokens");
            columns.extend([
                column(format!("mirage_exact_match_{length}"), Unit::Fraction, words("p^L"), 1.0),
                column(format!("mirage_edit_distance_{length}"), Unit::Steps, words("L (1 − p)"), length as f64),
                column(
                    format!("mirage_half_size_{length}"),
                    Unit::Parameters,
                    words("N at which p^L is one half, c (L/ln 2)^(1/a)"),
                    f64::INFINITY,
                ),
            ]);
        }
        columns
    }

    fn reads_vectors(&self) -> bool {
        false
    }

    fn cost(&self, _: f64, _: f64) -> Cost {
        Cost { seconds: 1e-6, bytes: 0.0 }
    }

    fn observe(&self, subject: &Subject, _: &Stream) -> Vec<Value> {
        let loss = subject.facts().params.map(|params| self.loss(params));
        let mut values = vec![loss.into(), loss.map(|loss| libm::exp(-loss)).into()];
        for length in self.steps.iter().map(|length| length as f64) {
            values.extend([
                Value::from(loss.map(|loss| libm::exp(-length * loss))),
                loss.map(|loss| -length * libm::expm1(-loss)).into(),
                self.half_size(length).into(),
            ]);
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Facts;

    fn at(params: f64) -> Vec<f64> {
        let facts = Facts { params: Some(params), ..Facts::default() };
        let values = Mirage::default().observe(&Subject::without_vectors(facts), &Stream::from_seed(1));
        values.iter().map(|value| value.number().expect("a number")).collect()
    }

    // V10 of the science reference, c = 1e8 and a = 0.27, worked out in mpmath with 30 digits: N_½ of 1, 5 and 20 tokens.
    #[test]
    fn theory_half_of_the_answers_are_right_at_the_published_sizes() {
        let halves = [3.886_291_112_944_61e8, 1.507_693_711_082_865e11, 2.559_557_810_529_523_5e13];
        let found = [4, 7, 10].map(|k| at(1e9)[k]);
        for ((found, expected), (rough, length)) in
            found.into_iter().zip(halves).zip([(3.89e8, 1.0), (1.51e11, 5.0), (2.56e13, 20.0)])
        {
            assert!((found / expected - 1.0).abs() < 1e-9, "{length}: {found} for {expected}");
            assert!((found / rough - 1.0).abs() < 2e-3, "{length}: {found} for {rough}");
        }
        // And there the answers are right half of the time.
        for (k, half) in [(2, found[0]), (5, found[1]), (8, found[2])] {
            assert!((at(half)[k] - 0.5).abs() < 1e-12);
        }
    }

    #[test]
    fn theory_metrics_by_hand_at_the_scale() {
        // N = c: a token costs one nat, p = 1/e.
        let values = at(1e8);
        let p = (-1f64).exp();
        let expected =
            [1.0, p, p, 1.0 - p, values[4], p.powi(5), 5.0 * (1.0 - p), values[7], p.powi(20), 20.0 * (1.0 - p)];
        for (value, expected) in values.iter().zip(expected) {
            assert!((value / expected - 1.0).abs() < 1e-14, "{value} for {expected}");
        }
    }
}
