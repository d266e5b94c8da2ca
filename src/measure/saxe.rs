//! Saxe: a mode of a deep linear network learns nothing for long, then everything at once, in closed form.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cost, Measure, Subject};
use crate::quantity::{Counts, Positive};
use crate::seed::Stream;
use crate::table::Change::{Permutation, Rescaling, Rotation};
use crate::table::{Change, Column, Unit, Value};

/// The learning curve of one mode of a two-layer linear network, by step: a sudden rise that is exact.
///
/// Gradient descent on correlations of strength s moves the mode's effective weight u by du/dt = 2 u (s − u), from u₀ at t = 0, so that
/// u(t) = s e^(2st)/(e^(2st) − 1 + s/u₀): a logistic curve that passes s/2 at t = ln(s/u₀ − 1)/(2s) and goes from 10 % to 90 % of s
/// in ln 81/(2s), however small u₀. Time t is `rate` · steps, exact in the limit of a small rate (r s ≪ 1). Needs no vectors and reads no
/// facts of the tier: its numbers are the same in all rows unless its own parameters are swept. O(1) time and memory for each step asked.
///
/// Source: Saxe, McClelland & Ganguli (2014), Exact solutions to the nonlinear dynamics of learning in deep linear neural networks, ICLR.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Saxe {
    /// s, the strength of the mode that is to be learned: a singular value of the correlations of output and input. Above 0.
    pub strength: Positive,
    /// u₀, the effective weight before training, above 0: from 0 nothing is ever learned. A start above s falls to s. Left out: 0.001, a small random start.
    pub start: Positive,
    /// Time that a step of gradient descent takes, in units of the learning rate's time constant, r. Left out: 0.001, at which Euler steps follow the curve to 0.3 %.
    pub rate: Positive,
    /// The steps at which the weight is told, a column for each. Left out: before, during and after the rise of a mode of strength 2.
    pub steps: Counts,
}

const EVERY: &[Change] = &[Rotation, Permutation, Rescaling];

impl Default for Saxe {
    fn default() -> Self {
        let positive = |x| Positive::new(x).expect("it is above 0");
        let steps = Counts::new(&[500, 1000, 1500, 1750, 2000, 2500, 3000]).expect("they differ");
        Self { strength: positive(2.0), start: positive(1e-3), rate: positive(1e-3), steps }
    }
}

impl Saxe {
    /// u after so many steps.
    fn weight(&self, step: f64) -> f64 {
        let (s, start) = (self.strength.get(), self.start.get());
        let exponent = -2.0 * s * self.rate.get() * step;
        // The quotient after division by e^(2st): both terms are positive, and nothing overflows or cancels.
        1.0 / (libm::exp(exponent) / start - libm::expm1(exponent) / s)
    }

    /// The step at which u = s/2, if it begins below.
    fn half_rise(&self) -> Option<f64> {
        let (s, start) = (self.strength.get(), self.start.get());
        // ln(s/u₀ − 1), of which the quotient may overflow where its logarithm does not.
        let odds = libm::log(s - start) - libm::log(start);
        (odds > 0.0).then(|| odds / (2.0 * s * self.rate.get()))
    }
}

impl Measure for Saxe {
    fn columns(&self) -> Vec<Column> {
        let column = |column: Column| {
            column.within(0.0, f64::INFINITY).unmoved_by(EVERY).from("Saxe, McClelland & Ganguli (2014)")
        };
        let weight = |step: u64| {
            Column::named(
                format!("saxe_weight_{step}"),
                Unit::Pure,
                format!("effective weight u of the mode after {step} steps: s e^(2st)/(e^(2st) − 1 + s/u₀)"),
            )
        };
        [
            Column::new(
                "saxe_half_rise",
                Unit::Steps,
                "ln(s/u₀ − 1)/(2 s r): steps until half of the mode is learned; undefined if it begins there",
            ),
            Column::new(
                "saxe_rise",
                Unit::Steps,
                "ln 81/(2 s r): steps from a tenth to nine tenths of the mode, if it begins below",
            ),
        ]
        .into_iter()
        .chain(self.steps.iter().map(weight))
        .map(column)
        .collect()
    }

    fn reads_vectors(&self) -> bool {
        false
    }

    fn cost(&self, _: f64, _: f64) -> Cost {
        Cost { seconds: 1e-6, bytes: 0.0 }
    }

    fn observe(&self, _: &Subject, _: &Stream) -> Vec<Value> {
        let rise = libm::log(81.0) / (2.0 * self.strength.get() * self.rate.get());
        let weights = self.steps.iter().map(|step| Value::from(self.weight(step as f64)));
        [self.half_rise().into(), rise.into()].into_iter().chain(weights).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(strength: f64, start: f64, rate: f64, steps: &[u64]) -> Saxe {
        let positive = |x| Positive::new(x).unwrap();
        Saxe {
            strength: positive(strength),
            start: positive(start),
            rate: positive(rate),
            steps: Counts::new(steps).unwrap(),
        }
    }

    fn observed(saxe: &Saxe) -> Vec<Value> {
        let subject = Subject::without_vectors(Default::default());
        saxe.observe(&subject, &Stream::from_seed(0))
    }

    // Science reference, V13; ln(1999)/4 with mpmath.
    #[test]
    fn theory_half_of_the_mode_is_learned_at_the_closed_form() {
        let saxe = mode(2.0, 1e-3, 1e-3, &[1900, 1901]);
        let values: Vec<f64> = observed(&saxe).iter().map(|value| value.number().unwrap()).collect();
        assert!((values[0] * 1e-3 - 1.9001005836251).abs() < 1e-12, "{values:?}");
        assert!(values[2] < 1.0 && values[3] > 1.0, "u passes s/2 between steps 1900 and 1901: {values:?}");
    }

    // The equation itself by Euler's method, u' = f(u), whose error is −(dt/2) f(u) ln(f(u)/f(u₀)) to first order: at most 0.0031 s for a mode
    // of strength 2 at a step of 0.001.
    #[test]
    fn theory_the_curve_solves_its_equation() {
        for (strength, start) in [(2.0, 1e-3), (1.0, 0.3), (1.0, 1.7)] {
            let slope = |u: f64| 2.0 * u * (strength - u);
            for dt in [1e-3, 1e-4] {
                let mut u = start;
                for step in 1..=(6.0 / dt) as u32 {
                    u += dt * slope(u);
                    let exact = mode(strength, start, dt, &[1]).weight(f64::from(step));
                    assert!(
                        (u - exact).abs() < 3.2 * dt * strength,
                        "s = {strength}, step {step} of {dt}: {u} for {exact}"
                    );
                    let error = -dt / 2.0 * slope(exact) * libm::log(slope(exact) / slope(start));
                    let second = 30.0 * dt * dt;
                    assert!((u - exact - error).abs() < second, "s = {strength}, step {step} of {dt}: {u} for {exact}");
                }
            }
        }
    }

    #[test]
    fn theory_the_rise_is_from_a_tenth_to_nine_tenths() {
        // Where u is a tenth: e^(2st) = (s/u₀ − 1)/9, where it is nine tenths: 9 (s/u₀ − 1).
        let saxe = mode(3.0, 1e-4, 1e-3, &[1]);
        let [half, rise] = [0, 1].map(|k| observed(&saxe)[k].number().unwrap());
        // Rounding of the exponents, of about 10, by 1e-16 of themselves.
        assert!((saxe.weight(half - rise / 2.0) / 0.3 - 1.0).abs() < 1e-13);
        assert!((saxe.weight(half + rise / 2.0) / 2.7 - 1.0).abs() < 1e-13);
    }

    #[test]
    fn law_extremes_stay_finite() {
        let sizes = [1e-300, 1e-9, 1.0, 1e9, 1e300];
        for (strength, start) in sizes.iter().flat_map(|&s| sizes.map(|start| (s, start))) {
            for rate in [1e-300, 1e-3, 1e300] {
                let values = observed(&mode(strength, start, rate, &[1, 4_294_967_295]));
                let weights: Vec<f64> = values[2..].iter().map(|value| value.number().expect("a weight")).collect();
                let (least, most) = (strength.min(start), strength.max(start));
                // Between start and strength at all times, up to rounding.
                assert!(
                    weights.iter().all(|&u| u >= least * (1.0 - 1e-12) && u <= most * (1.0 + 1e-12)),
                    "{strength} {start} {rate}: {weights:?}"
                );
            }
        }
        assert_eq!(observed(&mode(2.0, 1.0, 1e-3, &[1]))[0], Value::Undefined);
    }
}
