//! Task: abilities that take several retrievals in a row, all of which must be right.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::readout::{self, Bundle, Reader};
use super::{Cost, Measure, Subject};
use crate::fit::wilson;
use crate::quantity::{Count, Counts};
use crate::seed::{Rng, Stream};
use crate::table::Change::{Permutation, Rescaling, Rotation};
use crate::table::{Change, Column, Unit, Value};

/// Tasks of L sequential retrievals, scored by exact match and by partial credit: the same vectors, two metrics.
///
/// One step is a retrieval as in the measure `bundling`: K = `items` random concepts are added up, and the answer is the best of D = `candidates`. A task of L steps
/// takes L fresh sums and is right if all L answers are. `trials` whole tasks of each length are simulated, none shared between lengths, so that the 95 %
/// interval (Wilson) of the exact match counts independent trials. Edit distance is that of Levenshtein between the sequence of answers and the right one; an
/// answer that is not there, because no candidate is represented, matches nothing.
///
/// p is the accuracy of one step. If steps are independent, exact match is p^L, which turns suddenly where p rises smoothly; edit distance is L (1 − p)
/// and partial credit p, which do not turn. A right answer one step too early or too late makes the edit distance a little less; for
/// concepts that are many beside D that is rare. The theory of p is the integral of `bundling` for random directions.
/// O(L · trials · ((K + D) · d + L)) time for each L; O(d + trials) memory.
///
/// Source: Schaeffer, Miranda & Koyejo (2023), Are Emergent Abilities of Large Language Models a Mirage?; Levenshtein (1966), Sov. Phys. Dokl. 10.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Task {
    /// L, the steps of a task: each number has columns of its own.
    pub steps: Counts,
    /// K, the concepts in the sum of each step.
    pub items: Count,
    /// D, the concepts to choose from in each step, the right one included. K + D − 1 concepts must be there.
    pub candidates: Count,
    /// Whole tasks of each length. The smallest exact match that can be seen is 1/trials; with 200 the interval of none right reaches up to 0.019.
    pub trials: Count,
}

impl Default for Task {
    fn default() -> Self {
        let count = |value| Count::new(value).expect("a count");
        Self {
            steps: Counts::new(&[1, 5, 20]).expect("three different counts"),
            items: count(10),
            candidates: count(27),
            trials: count(200),
        }
    }
}

/// What came of one task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Done {
    n_right: u64,
    edit_distance: u64,
}

impl Task {
    fn bundle(&self) -> Bundle {
        Bundle {
            items: self.items.size(),
            candidates: self.candidates.size(),
            signed: false,
            noise: 0.0,
            clipped: false,
        }
    }
}

impl Measure for Task {
    fn columns(&self) -> Vec<Column> {
        const EVERY: &[Change] = &[Rotation, Permutation, Rescaling];
        let (frady, schaeffer) = ("Frady, Kleyko & Sommer (2018)", "Schaeffer, Miranda & Koyejo (2023)");
        let (wilson, levenshtein) = ("Wilson (1927)", "Levenshtein (1966)");
        let mut columns = vec![
            Column::new(
                "task_step_accuracy",
                Unit::Fraction,
                "p: steps that are right / steps, over all tasks of all lengths",
            )
            .within(0.0, 1.0)
            .beside("task_step_theory")
            .from(frady),
            Column::new(
                "task_step_theory",
                Unit::Fraction,
                "theory: ∫ φ(h) Φ((1 + σ_hit h)/σ_rej)^(D−1) dh, the accuracy of a step for random directions",
            )
            .within(0.0, 1.0)
            .unmoved_by(EVERY)
            .from(frady),
        ];
        for length in self.steps.iter() {
            let most = length as f64;
            let fraction = |name: &str, meaning| {
                Column::named(format!("{name}_{length}"), Unit::Fraction, meaning).within(0.0, 1.0)
            };
            let distance =
                |name: &str, meaning| Column::named(format!("{name}_{length}"), Unit::Steps, meaning).within(0.0, most);
            columns.extend([
                fraction(
                    "exact_match",
                    format!("tasks of L = {length} steps that are right from beginning to end / tasks"),
                )
                .beside(format!("exact_match_power_{length}"))
                .from(schaeffer),
                fraction("exact_match_low95", format!("lower end of the 95 % interval of exact_match_{length}"))
                    .from(wilson),
                fraction("exact_match_high95", format!("upper end of the 95 % interval of exact_match_{length}"))
                    .from(wilson),
                fraction("exact_match_power", format!("theory: p^{length} with the p of task_step_accuracy"))
                    .beside(format!("exact_match_theory_{length}"))
                    .from(schaeffer),
                fraction("exact_match_theory", format!("theory: p^{length} with the p of task_step_theory"))
                    .unmoved_by(EVERY)
                    .from(schaeffer),
                distance(
                    "edit_distance",
                    format!("mean Levenshtein distance between the answers and the right sequence, L = {length} steps"),
                )
                .beside(format!("edit_distance_theory_{length}"))
                .from(levenshtein),
                distance(
                    "edit_distance_theory",
                    format!("theory: L (1 − p), L = {length}, with the p of task_step_theory"),
                )
                .unmoved_by(EVERY)
                .from(schaeffer),
                fraction("partial_credit", format!("1 − edit distance / L, L = {length}"))
                    .beside("task_step_theory")
                    .from(schaeffer),
            ]);
        }
        columns
    }

    fn least_concepts(&self) -> u64 {
        self.items.get() + self.candidates.get() - 1
    }

    fn cost(&self, n: f64, d: f64) -> Cost {
        let (items, candidates, trials) =
            (self.items.get() as f64, self.candidates.get() as f64, self.trials.get() as f64);
        let step = readout::seconds(items, candidates, d);
        let task = |length: u64| length as f64 * (step + 2e-9 * length as f64);
        let longest = self.steps.largest() as f64;
        Cost {
            seconds: trials * self.steps.iter().map(task).sum::<f64>() + 5e-10 * n * d,
            bytes: 8.0 * n + 4.0 * d + 40.0 * candidates + 16.0 * trials + 48.0 * longest,
        }
    }

    fn observe(&self, subject: &Subject, stream: &Stream) -> Vec<Value> {
        let (reader, bundle) = (Reader::new(subject), self.bundle());
        if bundle.n_concepts() > reader.n_concepts() {
            return self.columns().iter().map(|_| Value::Undefined).collect();
        }
        let trials = self.trials.get();
        let tasks_of = |length: u64| {
            let task = |rng: &mut Rng, trace: &mut [f32]| perform(length, &bundle, &reader, rng, trace);
            (length, reader.trials(trials, &stream.stream(&length.to_string()), task))
        };
        let all: Vec<(u64, Vec<Done>)> = self.steps.iter().map(tasks_of).collect();
        let n_steps: u64 = all.iter().map(|(length, tasks)| length * tasks.len() as u64).sum();
        let n_right: u64 = all.iter().flat_map(|(_, tasks)| tasks).map(|task| task.n_right).sum();
        let step_accuracy = n_right as f64 / n_steps as f64;
        let step_theory = bundle.theory(reader.d_model() as f64).accuracy(self.candidates.get());
        let mut values = vec![step_accuracy.into(), step_theory.into()];
        for (length, tasks) in all {
            let steps = length as f64;
            let n_exact = tasks.iter().filter(|task| task.n_right == length).count() as u64;
            let interval = wilson::interval(n_exact, trials);
            let distance = tasks.iter().map(|task| task.edit_distance).sum::<u64>() as f64 / trials as f64;
            values.extend([
                (n_exact as f64 / trials as f64).into(),
                interval.map(|(low, _)| low).into(),
                interval.map(|(_, high)| high).into(),
                libm::pow(step_accuracy, steps).into(),
                libm::pow(step_theory, steps).into(),
                distance.into(),
                (steps * (1.0 - step_theory)).into(),
                (1.0 - distance / steps).into(),
            ]);
        }
        values
    }
}

/// One task.
fn perform(length: u64, bundle: &Bundle, reader: &Reader, rng: &mut Rng, trace: &mut [f32]) -> Done {
    let (mut answers, mut targets) = (Vec::new(), Vec::new());
    for _ in 0..length {
        let retrieved = bundle.retrieve(reader, rng, trace);
        answers.push(retrieved.answer);
        targets.push(Some(retrieved.target));
    }
    let n_right = answers.iter().zip(&targets).filter(|(answer, target)| answer == target).count() as u64;
    Done { n_right, edit_distance: edit_distance(&answers, &targets) }
}

/// Levenshtein's distance: the fewest insertions, deletions and substitutions that turn one sequence into the other. O(k l) time, O(l) memory.
fn edit_distance<T: PartialEq>(from: &[T], to: &[T]) -> u64 {
    let mut row: Vec<u64> = (0..=to.len() as u64).collect();
    for (i, item) in (1..).zip(from) {
        let mut diagonal = std::mem::replace(&mut row[0], i);
        for (j, other) in to.iter().enumerate() {
            let changed = diagonal + u64::from(item != other);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::readout::tests::{expect, one_hot, random};

    fn task(steps: &[u64], items: u64, candidates: u64, trials: u64) -> Task {
        let count = |value| Count::new(value).expect("a count");
        let steps = Counts::new(steps).expect("counts");
        Task { steps, items: count(items), candidates: count(candidates), trials: count(trials) }
    }

    fn values(task: &Task, subject: &Subject) -> Vec<(String, f64)> {
        let values = task.observe(subject, &Stream::from_seed(31));
        let number = |value: Value| value.number().expect("a number");
        task.columns().into_iter().zip(values).map(|(column, value)| (column.name.into(), number(value))).collect()
    }

    fn value(values: &[(String, f64)], name: &str) -> f64 {
        values.iter().find(|(column, _)| column == name).expect("a column").1
    }

    #[test]
    fn theory_edit_distances_known_everywhere() {
        let distance = |a: &str, b: &str| edit_distance(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>());
        for (a, b, expected) in [
            ("kitten", "sitting", 3),
            ("saturday", "sunday", 3),
            ("", "abc", 3),
            ("abc", "", 3),
            ("abc", "abc", 0),
            ("abcd", "bcda", 2),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    // The mirage: from the same steps, exact match is p^L and edit distance L (1 − p). 20 concepts in 96 units are one in ten steps wrong.
    #[test]
    fn theory_exact_match_is_a_power_of_the_step_and_edit_distance_is_linear_in_it() {
        let trials = 1500;
        let values = values(&task(&[1, 5, 20], 10, 27, trials), &random(400, 96, false));
        let p = value(&values, "task_step_accuracy");
        let n_steps = 26.0 * trials as f64;
        let error = (p * (1.0 - p) / n_steps).sqrt();
        assert!(p > 0.8 && p < 0.97, "{p} says something about all lengths");
        assert!((p - value(&values, "task_step_theory")).abs() < 0.012 + 4.0 * error, "{values:?}");
        for length in [1.0, 5.0, 20.0] {
            let of = |name: &str| value(&values, &format!("{name}_{length}"));
            let power = p.powf(length);
            assert!((of("exact_match_power") - power).abs() < 1e-14);
            // The p of the line is itself counted: its error grows L-fold.
            let from_step = length * power / p * error;
            let exact = (power * (1.0 - power) / trials as f64 + from_step * from_step).sqrt();
            assert!((of("exact_match") - power).abs() < 4.0 * exact, "{length}: {} against {power}", of("exact_match"));
            assert!(of("exact_match_low95") < of("exact_match") && of("exact_match") < of("exact_match_high95"));
            // Of 400 concepts an answer is a neighbour's target too rarely to show.
            let distance = length * (1.0 - p);
            let spread = (length * p * (1.0 - p) / trials as f64).sqrt() + length * error;
            assert!((of("edit_distance") - distance).abs() < 4.0 * spread, "{length}: {}", of("edit_distance"));
            assert!((of("partial_credit") - (1.0 - of("edit_distance") / length)).abs() < 1e-14);
        }
    }

    #[test]
    fn theory_concepts_on_units_of_their_own_fail_only_where_they_are_not_represented() {
        let all = values(&task(&[3], 5, 9, 200), &one_hot(40, 40, false));
        assert_eq!((value(&all, "task_step_accuracy"), value(&all, "exact_match_3")), (1.0, 1.0));
        assert_eq!((value(&all, "exact_match_high95_3"), value(&all, "edit_distance_3")), (1.0, 0.0));
        let some = values(&task(&[3], 5, 9, 2000), &one_hot(40, 30, false));
        expect("three of four", value(&some, "task_step_accuracy"), 0.75, 6000);
        expect("in a row", value(&some, "exact_match_3"), 0.75f64.powi(3), 2000);
    }

    #[test]
    fn law_tasks_are_the_same_in_parallel_or_in_turn() {
        let run = |parallel| task(&[2, 7], 4, 9, 60).observe(&random(40, 12, parallel), &Stream::from_seed(1));
        assert_eq!(run(false), run(true));
    }
}
