//! Bundling: how many concepts can be added up in one vector and still be told apart.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::readout::{self, Bundle, Reader, Retrieved};
use super::{Cost, Measure, Subject};
use crate::fit::detection;
use crate::quantity::{Count, Counts, NonNegative};
use crate::seed::Stream;
use crate::table::Change::{Permutation, Rescaling, Rotation};
use crate::table::{Change, Column, Unit, Value};

/// Retrieval from a superposition: K random concepts are added up, and one of them is to be found among D candidates.
///
/// Every concept's vector is divided by its length. In each trial K = `items` different concepts are drawn and summed; the answer is the candidate whose
/// vector has the largest dot product with the sum, among one of the items and D − 1 = `candidates` − 1 concepts that are not in it. Equal products
/// are drawn for. A concept that is not represented is drawn like any other, adds nothing, and is never the answer.
///
/// In theory, for random directions in d units, accuracy = ∫ φ(h) Φ((1 + σ_hit h)/σ_rej)^(D−1) dh with σ_hit² = (K − 1 + ν²)/d and
/// σ_rej² = (K + ν²)/d, where ν = `noise`, φ is the standard normal density and Φ its distribution; a `clipped` sum has 2d/π in the place of d. It takes all concepts as represented.
/// It is within 0.006 of dense random codes for d ≥ 256, and up to 0.012 low for d = 128 and D = 100. The area under the curve is that
/// of telling the item from the others by one threshold for all trials: Φ(1/√(σ_hit² + σ_rej²)).
/// O(trials · (K + D) · d) time for each K; O(d + trials · D) memory.
///
/// Source: Frady, Kleyko & Sommer (2018), Neural Comput. 30; Plate (2003), Holographic Reduced Representations.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Bundling {
    /// K, the concepts in a sum: each number has columns of its own. The largest and D − 1 more concepts must be there.
    pub items: Counts,
    /// D, the concepts to choose from, the right one included. 27 letters are the usual alphabet of such codes.
    pub candidates: Count,
    /// Trials for each K. With 200 the standard error of an accuracy is at most 0.035, beside what replicates vary.
    pub trials: Count,
    /// Whether each item is added with a random sign; that of the item asked for is known to the reader.
    pub signed: bool,
    /// Length of the noise that is added to the sum, in lengths of a concept: each unit takes an independent normal number with standard deviation ν/√d.
    pub noise: NonNegative,
    /// Whether only the sign of each unit of the sum, noise included, is kept: the majority rule of binary codes. A unit without a sign is given one at random.
    pub clipped: bool,
}

impl Default for Bundling {
    fn default() -> Self {
        Self {
            items: Counts::new(&[10, 25, 50]).expect("three different counts"),
            candidates: Count::new(27).expect("a count"),
            trials: Count::new(200).expect("a count"),
            signed: false,
            noise: NonNegative::new(0.0).expect("0 is allowed"),
            clipped: false,
        }
    }
}

impl Bundling {
    fn bundles(&self) -> impl Iterator<Item = Bundle> {
        self.items.iter().map(|items| Bundle {
            items: items as usize,
            candidates: self.candidates.size(),
            signed: self.signed,
            noise: self.noise.get(),
            clipped: self.clipped,
        })
    }
}

impl Measure for Bundling {
    fn columns(&self) -> Vec<Column> {
        const EVERY: &[Change] = &[Rotation, Permutation, Rescaling];
        let frady = "Frady, Kleyko & Sommer (2018)";
        let candidates = self.candidates;
        let fraction = |name, meaning| Column::named(name, Unit::Fraction, meaning).within(0.0, 1.0);
        let of = |k: u64| {
            [
                fraction(
                    format!("bundling_accuracy_{k}"),
                    format!(
                        "trials in which one of {k} concepts in a sum is found among {candidates} candidates / trials"
                    ),
                )
                .beside(format!("bundling_theory_{k}"))
                .from(frady),
                fraction(
                    format!("bundling_theory_{k}"),
                    format!(
                        "theory: ∫ φ(h) Φ((1 + σ_hit h)/σ_rej)^({candidates} − 1) dh for {k} random directions in a sum"
                    ),
                )
                .unmoved_by(EVERY)
                .from(frady),
                fraction(
                    format!("bundling_auc_{k}"),
                    format!(
                        "probability that one of {k} concepts in a sum scores higher than one that is not in a sum"
                    ),
                )
                .beside(format!("bundling_auc_theory_{k}"))
                .from("Mann & Whitney (1947)"),
                fraction(
                    format!("bundling_auc_theory_{k}"),
                    format!("theory: Φ(1/√(σ_hit² + σ_rej²)) for {k} random directions in a sum"),
                )
                .unmoved_by(EVERY)
                .from("Green & Swets (1966)"),
            ]
        };
        self.items.iter().flat_map(of).collect()
    }

    fn least_concepts(&self) -> u64 {
        self.items.largest() + self.candidates.get() - 1
    }

    fn cost(&self, n: f64, d: f64) -> Cost {
        let (trials, candidates) = (self.trials.get() as f64, self.candidates.get() as f64);
        let noise = if self.noise.get() > 0.0 { 1e-8 * d } else { 0.0 };
        let one = |items| readout::seconds(items as f64, candidates, d) + noise;
        let seconds = trials * self.items.iter().map(one).sum::<f64>() + 5e-10 * n * d;
        Cost { seconds, bytes: 8.0 * n + 4.0 * d + trials * (16.0 * candidates + 64.0) }
    }

    fn observe(&self, subject: &Subject, stream: &Stream) -> Vec<Value> {
        let reader = Reader::new(subject);
        self.bundles().flat_map(|bundle| observe(&bundle, self.trials.get(), &reader, stream)).collect()
    }
}

/// Accuracy and area under the curve, each with its theory.
fn observe(bundle: &Bundle, trials: u64, reader: &Reader, stream: &Stream) -> [Value; 4] {
    let theory = bundle.theory(reader.d_model() as f64);
    if bundle.n_concepts() > reader.n_concepts() {
        return [Value::Undefined, Value::Undefined, Value::Undefined, Value::Undefined];
    }
    let stream = stream.stream(&bundle.items.to_string());
    let retrieved = reader.trials(trials, &stream, |rng, trace| bundle.retrieve(reader, rng, trace));
    let n_right = retrieved.iter().filter(|trial| trial.is_right()).count();
    let members: Vec<f64> = retrieved.iter().map(|trial| trial.member).collect();
    let mut others: Vec<f64> = retrieved.into_iter().flat_map(|trial: Retrieved| trial.others).collect();
    [
        (n_right as f64 / trials as f64).into(),
        theory.accuracy(bundle.candidates as u64).into(),
        detection::auc(&members, &mut others).into(),
        theory.auc().into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::readout::tests::{expect, one_hot, random};

    fn numbers(bundling: &Bundling, subject: &Subject) -> Vec<f64> {
        let values = bundling.observe(subject, &Stream::from_seed(8));
        values.iter().map(|value| value.number().expect("a number")).collect()
    }

    fn bundling(items: u64, signed: bool, noise: f64, clipped: bool) -> Bundling {
        let (items, noise) = (Counts::new(&[items]).expect("a count"), NonNegative::new(noise).expect("not negative"));
        Bundling { items, noise, signed, clipped, trials: Count::new(4000).expect("a count"), ..Bundling::default() }
    }

    // The integral is for independent normal scores; with 300 Gaussian directions in 200 units all trials share their cosines, which leaves 0.01.
    #[test]
    fn theory_signs_noise_and_majority_of_random_directions() {
        let subject = random(300, 200, false);
        for (items, signed, noise, clipped) in [
            (20, false, 0.0, false),
            (20, true, 0.0, false),
            (12, false, 3.0, false),
            (12, false, 0.0, true),
            (8, true, 2.0, true),
        ] {
            let values = numbers(&bundling(items, signed, noise, clipped), &subject);
            let what = format!("{items} {signed} {noise} {clipped}");
            assert!(values[1] > 0.5 && values[1] < 0.97, "{what}: {} says something", values[1]);
            let error = (values[1] * (1.0 - values[1]) / 4000.0).sqrt();
            assert!((values[0] - values[1]).abs() < 0.01 + 4.0 * error, "{what}: {} against {}", values[0], values[1]);
            assert!((values[2] - values[3]).abs() < 0.01, "{what}: {} against {}", values[2], values[3]);
        }
    }

    #[test]
    fn theory_concepts_on_units_of_their_own_are_all_found() {
        let all = numbers(&bundling(30, true, 0.0, false), &one_hot(60, 60, false));
        assert_eq!((all[0], all[2]), (1.0, 1.0));
        let some = numbers(&bundling(30, false, 0.0, false), &one_hot(60, 15, false));
        expect("a quarter is represented", some[0], 0.25, 4000);
        // One that is represented scores 1 and all others 0; the rest are ties.
        expect("ties count one half", some[2], 0.25 + 0.75 / 2.0, 4000);
    }

    #[test]
    fn law_the_loudest_noise_drowns_everything_and_overflows_nowhere() {
        for (noise, clipped) in [(1e30, false), (1e300, false), (f64::MAX, true)] {
            let values = numbers(&bundling(5, true, noise, clipped), &random(60, 20, false));
            expect("one of 27", values[0], 1.0 / 27.0, 4000);
            assert!((values[1] - 1.0 / 27.0).abs() < 1e-12 && (values[3] - 0.5).abs() < 1e-12, "{values:?}");
            assert!((values[2] - 0.5).abs() < 0.02, "{values:?}");
        }
    }

    #[test]
    fn law_too_few_concepts_leave_nothing_to_say() {
        let bundling = Bundling::default();
        assert_eq!(bundling.least_concepts(), 76);
        let values = bundling.observe(&random(40, 10, false), &Stream::from_seed(1));
        assert_eq!(values.iter().filter(|value| **value == Value::Undefined).count(), 8, "10 + 26 concepts are there");
    }
}
