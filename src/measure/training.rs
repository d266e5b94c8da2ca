//! Training: how the learning of a representation went, and what it still loses on each concept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cost, Measure, Subject};
use crate::quantity::Counts;
use crate::seed::Stream;
use crate::table::Change::{Permutation, Rescaling, Rotation};
use crate::table::{Change, Column, Unit, Value};
use crate::training::{Outcome, Progress};

/// The training behind the vectors: its loss beside theory, how it ended, and how many of its restarts failed.
///
/// The loss is that of the model's paper (`superpose explain elhage`, `liu`, …), on fresh samples that no step has seen, with its standard error over them; it is exact for
/// a deep linear network. `training_outcome` tells how the whole training ended: converged, if the last tenth of the sum of its learning rates changed the loss by
/// less than 1 % of what the model has gained over answering zero (for a deep linear network: if less than 1 % of that is left); exhausted, if the loss still changed or nothing was gained; diverged, if it or a weight was no longer finite, or the loss rose above a thousand times that of answering zero. A restart has failed if it
/// diverged or ended more than 5 % above the best, which alone is kept, and by three standard errors of that difference on the same samples (for parity: 5 %; for a deep linear network: more than 1 % of ½ Σ s²). The
/// best is chosen on other samples than those of the loss that is told.
///
/// `ranks` asks for the parts of single concepts, by their rank in frequency: 1 is the most frequent, and of equals the one that comes first. The part of a concept is
/// told over what it would lose if it were answered with zero: 1 for one that is not learned, about 0 for one that is. `answered` asks for 1 − √ of that fraction: with a mean square error
/// the part a of a concept that comes back, if all that is lost is that it comes back as a times itself, for then (1 − a)² of the loss is left; u/s of a mode of `deep_linear`, whose
/// curve is a logistic one. `learned` asks for steps at which concepts were learned, for models in which that is an event (`parity`, `deep_linear`), beside the closed form of
/// `deep_linear`, balanced and aligned: ln(s/u₀ − 1)/(2s) in the sum of the learning rates. Beside tiers that are trained a scenario may have others; all columns of those are undefined.
/// O(n log n) time, O(n) memory.
///
/// Source: Elhage et al. (2022), Toy Models of Superposition; Liu, Liu & Gore (2025), arXiv 2505.10465; Michaud et al. (2023), The quantization model of neural scaling.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingReport {
    /// Ranks in frequency of the concepts whose loss is told: 1 to 32 different counts, at most n. Left out: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ranks: Option<Counts>,
    /// Ranks in frequency of the concepts of which it is told what part of them is answered. Left out: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered: Option<Counts>,
    /// Ranks in frequency of the concepts of which it is told when they were learned; with it comes the fraction learned. Left out: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learned: Option<Counts>,
    /// Whether to tell how the steps at which concepts were learned go with their frequency: the exponent of step ∝ p^e, by least squares over the logarithms of all that were
    /// learned, beside the −1 of concepts that need a fixed number of examples. Left out: no.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub learned_exponent: bool,
}

impl TrainingReport {
    fn ranks(&self) -> impl Iterator<Item = u64> {
        self.ranks.iter().flat_map(Counts::iter)
    }

    fn answered(&self) -> impl Iterator<Item = u64> {
        self.answered.iter().flat_map(Counts::iter)
    }

    fn learned(&self) -> impl Iterator<Item = u64> {
        self.learned.iter().flat_map(Counts::iter)
    }
}

impl Measure for TrainingReport {
    fn columns(&self) -> Vec<Column> {
        const EVERY: &[Change] = &[Rotation, Permutation, Rescaling];
        let from_zero = |column: Column| column.within(0.0, f64::INFINITY);
        let mut columns = vec![
            from_zero(Column::new(
                "training_steps",
                Unit::Steps,
                "steps of the optimiser that were taken; after divergence those after which it was seen",
            )),
            Column::new("training_outcome", Unit::Text, "how the training ended: converged, exhausted or diverged"),
            from_zero(Column::new(
                "training_loss",
                Unit::Pure,
                "loss on fresh samples, as the model's paper reports it",
            ))
            .beside("training_loss_theory"),
            from_zero(Column::new(
                "training_loss_error",
                Unit::Pure,
                "standard error of training_loss over its samples; 0 if it is exact",
            )),
            from_zero(Column::new(
                "training_loss_theory",
                Unit::Pure,
                "theory: the loss in closed form, where there is one; undefined for the other models",
            )),
            Column::new(
                "training_loss_fraction",
                Unit::Pure,
                "training_loss over that of answering zero to everything",
            )
            .within(0.0, f64::INFINITY),
            Column::new("restarts_failed_fraction", Unit::Fraction, "restarts that failed / restarts").within(0.0, 1.0),
        ];
        columns.extend(self.ranks().map(|rank| {
            let meaning =
                format!("loss of the concept of rank {rank} in frequency over what it is if it is answered with zero");
            from_zero(Column::named(format!("loss_fraction_{rank}"), Unit::Pure, meaning))
        }));
        columns.extend(self.answered().map(|rank| {
            let meaning = format!("1 − √(loss fraction) of the concept of rank {rank}: the part of it that comes back");
            Column::named(format!("answered_{rank}"), Unit::Pure, meaning).within(f64::NEG_INFINITY, 1.0)
        }));
        if self.learned.is_some() {
            let meaning = "concepts that have been learned / n; undefined where learning one is no event";
            columns.push(Column::new("learned_fraction", Unit::Fraction, meaning).within(0.0, 1.0));
        }
        columns.extend(self.learned().flat_map(|rank| {
            let meaning =
                format!("step at which the concept of rank {rank} in frequency was learned; undefined before that");
            let step = Column::named(format!("learned_step_{rank}"), Unit::Steps, meaning);
            let meaning = "theory: ln(s/u₀ − 1)/(2s) as a number of steps; undefined where there is no closed form";
            let name = format!("learned_step_theory_{rank}");
            let theory = Column::named(name.clone(), Unit::Steps, meaning.to_owned());
            [step.beside(name), theory].map(from_zero)
        }));
        if self.learned_exponent {
            let words = [
                ("learned_exponent", "e of step ∝ p^e over the concepts that were learned; undefined for fewer than 3"),
                ("learned_exponent_error", "standard error of learned_exponent"),
                ("learned_exponent_theory", "theory: −1, where each concept needs the same number of examples"),
            ];
            let [exponent, error, theory] = words.map(|(name, meaning)| Column::new(name, Unit::Pure, meaning));
            columns.extend([exponent.beside("learned_exponent_theory"), from_zero(error), theory.within(-1.0, 0.0)]);
        }
        columns.into_iter().map(|column| column.unmoved_by(EVERY)).collect()
    }

    fn reads_training(&self) -> bool {
        true
    }

    fn least_concepts(&self) -> u64 {
        self.ranks().chain(self.answered()).chain(self.learned()).max().unwrap_or(1)
    }

    fn cost(&self, n: f64, _: f64) -> Cost {
        Cost { seconds: 1e-7 * n, bytes: 16.0 * n }
    }

    fn observe(&self, subject: &Subject, _: &Stream) -> Vec<Value> {
        let Some(training) = subject.training() else { return vec![Value::Undefined; self.columns().len()] };
        let progress = &training.progress;
        // A training that diverged has no losses.
        let is_known = !progress.loss_by_concept.is_empty();
        let known = |x: f64| Value::from(Some(x).filter(|_| is_known));
        let (order, zero): (_, Vec<f64>) = (by_frequency(progress), progress.unanswered().collect());
        let concept = |rank: u64| order.get(rank as usize - 1).copied();
        let mut values = vec![
            Value::Whole(training.step),
            Value::Text(word(training.outcome).to_owned()),
            known(progress.loss),
            known(progress.loss_standard_error),
            progress.loss_theory.into(),
            known(progress.loss / zero.iter().sum::<f64>()),
            (training.n_failed as f64 / training.n_restarts as f64).into(),
        ];
        let fraction = |rank| concept(rank).map(|i| progress.loss_by_concept[i] / zero[i]);
        values.extend(self.ranks().map(|rank| fraction(rank).into()));
        values.extend(self.answered().map(|rank| fraction(rank).map(|fraction| 1.0 - fraction.sqrt()).into()));
        let learned = &progress.learned_at;
        if self.learned.is_some() {
            let n_learned = learned.iter().flatten().count() as f64;
            values.push(Some(n_learned / learned.len() as f64).filter(|_| !learned.is_empty()).into());
        }
        values.extend(self.learned().flat_map(|rank| {
            let at = concept(rank).and_then(|i| learned.get(i).copied().flatten());
            let theory = concept(rank).and_then(|i| progress.learned_in_theory.get(i).copied().flatten());
            [at.map_or(Value::Undefined, Value::Whole), theory.into()]
        }));
        if self.learned_exponent {
            let (slope, error) = exponent(progress).unzip();
            values.extend([slope.into(), error.into(), (-1.0).into()]);
        }
        values
    }
}

/// The concepts, the most frequent first, equals in their order.
fn by_frequency(progress: &Progress) -> Vec<usize> {
    let mut order: Vec<usize> = (0..progress.frequency.len()).collect();
    order.sort_by(|&a, &b| progress.frequency[b].total_cmp(&progress.frequency[a]));
    order
}

/// Slope of ln step over ln p for the concepts that were learned, with its standard error.
fn exponent(progress: &Progress) -> Option<(f64, f64)> {
    let learned = progress.frequency.iter().zip(&progress.learned_at).filter_map(|(&p, at)| Some((p, (*at)?)));
    let points: Vec<(f64, f64)> = learned.map(|(p, at)| (libm::log(p), libm::log(at as f64))).collect();
    let n = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |sum, p| (sum.0 + p.0 / n, sum.1 + p.1 / n));
    let sum = |term: &dyn Fn(f64, f64) -> f64| points.iter().map(|p| term(p.0 - x, p.1 - y)).sum::<f64>();
    let (xx, xy) = (sum(&|x, _| x * x), sum(&|x, y| x * y));
    let slope = xy / xx;
    let rest = sum(&|x, y| (y - slope * x) * (y - slope * x));
    (points.len() >= 3 && xx > 1e-12 * n).then(|| (slope, (rest / (n - 2.0) / xx).sqrt()))
}

/// How a training ended, as it stands in the column.
fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Converged => "converged",
        Outcome::Diverged => "diverged",
        Outcome::Exhausted => "exhausted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::embedding::Embedding;
    use crate::geometry::kernel::Kernel;
    use crate::measure::Training;
    use nalgebra::DMatrix;

    fn observed(training: Training, measure: &TrainingReport) -> Vec<(String, Value)> {
        let subject =
            Subject::new(Embedding::new(DMatrix::identity(3, 3)), None, Kernel::Scalar, false).after(training);
        let values = measure.observe(&subject, &Stream::from_seed(1));
        measure.columns().into_iter().map(|column| column.name.to_string()).zip(values).collect()
    }

    fn value(values: &[(String, Value)], name: &str) -> Value {
        values.iter().find(|(column, _)| column == name).expect("a column").1.clone()
    }

    #[test]
    fn theory_parts_of_the_loss_by_hand() {
        // The second concept is the most frequent: its part is 0.1 of 0.5 · 2 = 1. The first and third are equal; the first comes first: 0.3 of 0.2 · 3.
        let progress = Progress {
            loss: 0.5,
            loss_standard_error: 0.01,
            loss_theory: None,
            loss_by_concept: vec![0.3, 0.1, 0.1],
            frequency: vec![0.2, 0.5, 0.2],
            stakes: vec![3.0, 2.0, 2.0],
            learned_at: vec![None, Some(40), Some(90)],
            learned_in_theory: vec![Some(200.0), Some(39.5), None],
        };
        let training = Training { step: 100, progress, outcome: Outcome::Exhausted, n_restarts: 4, n_failed: 1 };
        let measure = TrainingReport {
            ranks: Counts::new(&[1, 2]),
            answered: Counts::new(&[2]),
            learned: Counts::new(&[1, 2, 3]),
            learned_exponent: true,
        };
        let values = observed(training, &measure);
        let number = |name: &str| value(&values, name).number();
        assert_eq!(value(&values, "training_outcome"), Value::Text("exhausted".into()));
        assert_eq!((number("training_steps"), number("restarts_failed_fraction")), (Some(100.0), Some(0.25)));
        assert_eq!((number("training_loss"), number("training_loss_theory")), (Some(0.5), None));
        assert!((number("training_loss_fraction").unwrap() - 0.5 / 2.0).abs() < 1e-15);
        assert!((number("loss_fraction_1").unwrap() - 0.1).abs() < 1e-15);
        assert!((number("loss_fraction_2").unwrap() - 0.5).abs() < 1e-15);
        assert!((number("learned_fraction").unwrap() - 2.0 / 3.0).abs() < 1e-15);
        assert!((number("answered_2").unwrap() - (1.0 - 0.5f64.sqrt())).abs() < 1e-15);
        assert_eq!([1, 2, 3].map(|rank| number(&format!("learned_step_{rank}"))), [Some(40.0), None, Some(90.0)]);
        let theory = [1, 2, 3].map(|rank| number(&format!("learned_step_theory_{rank}")));
        assert_eq!(theory, [Some(39.5), Some(200.0), None]);
    }

    #[test]
    fn theory_the_exponent_of_a_power_law_is_found() {
        // Steps 10, 40, 160 at p = 1/10, 1/40, 1/160 are 1/p: slope −1 without error; one at 320 moves the line by hand: x = 0, 1, 2 and y = 0, 1, 2.5 in units of ln 4 has slope 1.25.
        let of = |last: u64| Progress {
            frequency: vec![0.1, 0.025, 0.00625, 0.5],
            learned_at: vec![Some(10), Some(40), Some(last), None],
            ..Progress::default()
        };
        let (slope, error) = exponent(&of(160)).expect("three points");
        assert!((slope + 1.0).abs() < 1e-14 && error < 1e-7, "{slope} ± {error}");
        let (slope, error) = exponent(&of(320)).expect("three points");
        // Residuals 1/12, −1/6, 1/12: s² = 1/24, over Σ(x − x̄)² = 2.
        assert!((slope + 1.25).abs() < 1e-14 && (error - (1.0f64 / 48.0).sqrt()).abs() < 1e-14, "{slope} ± {error}");
        assert_eq!(exponent(&Progress { frequency: vec![1.0; 4], ..of(160) }), None, "all equally frequent");
    }

    #[test]
    fn law_a_training_that_diverged_says_so_and_nothing_else() {
        let training =
            Training { step: 0, progress: Progress::default(), outcome: Outcome::Diverged, n_restarts: 2, n_failed: 2 };
        let measure = TrainingReport {
            ranks: Counts::new(&[2]),
            answered: Counts::new(&[1]),
            learned: Counts::new(&[1]),
            ..TrainingReport::default()
        };
        let values = observed(training, &measure);
        assert_eq!(value(&values, "training_outcome"), Value::Text("diverged".into()));
        assert_eq!(value(&values, "restarts_failed_fraction"), Value::Number(1.0));
        for name in [
            "training_loss",
            "training_loss_error",
            "training_loss_fraction",
            "loss_fraction_2",
            "answered_1",
            "learned_fraction",
            "learned_step_1",
            "learned_step_theory_1",
        ] {
            assert_eq!(value(&values, name), Value::Undefined, "{name}");
        }
    }
}
