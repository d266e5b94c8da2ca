//! Retrieval: how surely a concept is recognised in noise.

use rand::seq::index;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::readout::{self, Bundle, Reader, add_noise};
use super::{Cost, Measure, Subject};
use crate::fit::detection;
use crate::fit::detection::Scores;
use crate::geometry::kernel::memory::Aligned;
use crate::quantity::{Count, Levels};
use crate::seed::{Rng, Stream};
use crate::table::Change::{Permutation, Rescaling, Rotation};
use crate::table::{Change, Column, Unit, Value};

/// Recognition of one noisy concept: which of the D candidates is it, and is a given concept there at all?
///
/// Every concept's vector is divided by its length. In each trial a random concept is drawn and normal noise of expected square length ν² is added, an independent
/// number with standard deviation ν/√d to each unit. Nearest prototype: the answer is the candidate whose vector has the largest cosine with
/// what came of it. Membership: the score of a concept is its dot product with the noisy vector; the concept that is there is held against up to 100 random
/// candidates that are not, by d′ (difference of the mean scores in units of the pooled standard deviation) and by the area under the curve of hits
/// against false alarms, one threshold for all trials. All levels ν share the trials, so their columns rise and fall together.
/// A concept that is not represented is drawn like any other, is never the answer, and scores 0.
///
/// In theory, for random directions in d units: σ_hit² = ν²/d, σ_rej² = (1 + ν²)/d; accuracy = ∫ φ(h) Φ((1 + σ_hit h)/σ_rej)^(D−1) dh, d′ = √(2d/(1 + 2ν²)) and area
/// Φ(√(d/(1 + 2ν²))), with φ the standard normal density and Φ its distribution. Good for d of some 100 and more.
/// The level is written in the names of the columns with p for the point and m for a minus: `retrieval_accuracy_0p5` for ν = 0.5.
/// O(trials · D · d) time for all levels together; O(d + n + trials · (D + 100 · levels)) memory.
///
/// Source: Green & Swets (1966), Signal Detection Theory and Psychophysics; Frady, Kleyko & Sommer (2018), Neural Comput. 30.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retrieval {
    /// ν, lengths of the noise in lengths of a concept: 1 to 32 numbers from 0, each with columns of its own. Errors begin near √(d/(4 ln D)).
    pub noise: Levels,
    /// Number of random trials. With 200 the standard error of an accuracy is at most 0.035.
    pub trials: Count,
    /// D, the concepts to choose from, the right one included, drawn anew in each trial. Left out, all concepts. With 1 there is nothing to tell apart: d′ and area do not exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidates: Option<Count>,
}

impl Default for Retrieval {
    fn default() -> Self {
        Self {
            noise: Levels::new(&[0.5, 1.0, 2.0]).expect("three different levels"),
            trials: Count::new(200).expect("a count"),
            candidates: None,
        }
    }
}

/// The most concepts of a trial that membership is held against.
const MOST_OTHERS: usize = 100;

/// What came of one trial at one level.
struct Recognised {
    right: bool,
    member: f64,
    others: Vec<f64>,
}

impl Measure for Retrieval {
    fn columns(&self) -> Vec<Column> {
        const EVERY: &[Change] = &[Rotation, Permutation, Rescaling];
        let among = self.candidates.map_or("all concepts".to_owned(), |count| format!("{count} candidates"));
        let of = |level: f64| {
            let (word, at) =
                (Levels::word(level), format!("with noise of {} lengths", crate::quantity::shortest(level)));
            let fraction = |name: &str, meaning| {
                Column::named(format!("retrieval_{name}_{word}"), Unit::Fraction, meaning).within(0.0, 1.0)
            };
            let d_prime = |name: &str, meaning| Column::named(format!("retrieval_{name}_{word}"), Unit::Pure, meaning);
            [
                fraction("accuracy", format!("trials in which the nearest of {among} is the right one {at} / trials"))
                    .beside(format!("retrieval_theory_{word}"))
                    .from("Frady, Kleyko & Sommer (2018)"),
                fraction("theory", format!("theory: ∫ φ(h) Φ((1 + σ_hit h)/σ_rej)^(D−1) dh for random directions {at}"))
                    .unmoved_by(EVERY)
                    .from("Frady, Kleyko & Sommer (2018)"),
                d_prime("d_prime", format!("(mean score of the concept that is there − of one that is not) / pooled standard deviation {at}"))
                    .beside(format!("retrieval_d_prime_theory_{word}"))
                    .from("Green & Swets (1966)"),
                d_prime("d_prime_theory", format!("theory: √(2d/(1 + 2ν²)) for random directions {at}"))
                    .within(0.0, f64::INFINITY)
                    .unmoved_by(EVERY)
                    .from("Green & Swets (1966)"),
                fraction("auc", format!("probability that the concept that is there scores higher than one that is not {at}"))
                    .beside(format!("retrieval_auc_theory_{word}"))
                    .from("Mann & Whitney (1947)"),
                fraction("auc_theory", format!("theory: Φ(√(d/(1 + 2ν²))) for random directions {at}"))
                    .unmoved_by(EVERY)
                    .from("Green & Swets (1966)"),
            ]
        };
        self.noise.iter().flat_map(of).collect()
    }

    fn least_concepts(&self) -> u64 {
        self.candidates.map_or(2, Count::get)
    }

    fn cost(&self, n: f64, d: f64) -> Cost {
        let trials = self.trials.get() as f64;
        let (levels, candidates) =
            (self.noise.iter().len() as f64, self.candidates.map_or(n, |count| count.get() as f64));
        let one = readout::seconds(0.0, 2.0 * candidates, d) + 1e-8 * (d + n) + 1e-8 * levels * candidates;
        let bytes = PAIR as f64 * (16.0 * n + 8.0 * d + 40.0 * candidates)
            + trials * levels * (16.0 * candidates.min(MOST_OTHERS as f64) + 64.0);
        Cost { seconds: trials * one + 5e-10 * n * d, bytes }
    }

    fn observe(&self, subject: &Subject, stream: &Stream) -> Vec<Value> {
        let reader = Reader::new(subject);
        let n_candidates = self.candidates.map_or(reader.n_concepts(), Count::size);
        if n_candidates > reader.n_concepts() || n_candidates == 0 {
            return self.columns().iter().map(|_| Value::Undefined).collect();
        }
        let trials = reader.batches(self.trials.get(), PAIR as u64, stream, |streams| {
            let mut trials: Vec<_> = streams.into_iter().map(|rng| Trial::new(&reader, n_candidates, rng)).collect();
            compare(&mut trials, &reader);
            trials.into_iter().map(|trial| trial.recognise(&self.noise, &reader)).collect()
        });
        let mut trials: Vec<_> = trials.into_iter().map(Vec::into_iter).collect();
        let level = |level: f64| {
            let trials: Vec<Recognised> = trials.iter_mut().filter_map(Iterator::next).collect();
            summary(trials, &theory(level, reader.d_model() as f64), n_candidates)
        };
        self.noise.iter().flat_map(level).collect()
    }
}

/// Trials that go through the embedding together: memory gives a vector to both at once. Changes no bit.
const PAIR: usize = 2;

/// Compares trials with all their candidates, in the order of the embedding: memory gives vectors sooner so than at random.
fn compare(trials: &mut [Trial], reader: &Reader) {
    while let Some(concept_idx) = trials.iter().filter_map(Trial::next).min() {
        if let [one, other] = trials
            && one.next() == other.next()
        {
            let traces = [&*one.trace, &*one.noise, &*other.trace, &*other.noise];
            let [signal, noise, other_signal, other_noise] = reader.scores(concept_idx, traces);
            one.note([signal, noise]);
            other.note([other_signal, other_noise]);
        } else {
            for trial in trials.iter_mut().filter(|trial| trial.next() == Some(concept_idx)) {
                trial.note(reader.scores(concept_idx, [&*trial.trace, &*trial.noise]));
            }
        }
    }
}

/// A concept, in noise of length 1 that serves all levels, for scores are linear.
struct Trial {
    rng: Rng,
    candidates: Vec<usize>,
    /// The candidates that are left to be compared, the last concept first.
    left: Vec<usize>,
    trace: Aligned,
    noise: Aligned,
    /// Scores of the candidates in the trace and in the noise.
    scores: Vec<[f64; 2]>,
}

impl Trial {
    fn new(reader: &Reader, n_candidates: usize, mut rng: Rng) -> Self {
        let candidates = index::sample(&mut rng, reader.n_concepts(), n_candidates).into_vec();
        let (mut trace, mut noise) = (Aligned::zeros(reader.d_model()), Aligned::zeros(reader.d_model()));
        reader.add(candidates[0], 1.0, &mut trace);
        add_noise(1.0, &mut rng, &mut noise);
        let mut left: Vec<usize> = (0..n_candidates).collect();
        left.sort_unstable_by_key(|&place| std::cmp::Reverse(candidates[place]));
        Self { rng, candidates, left, trace, noise, scores: vec![[0.0; 2]; n_candidates] }
    }

    /// The concept that it is to be compared with next.
    fn next(&self) -> Option<usize> {
        self.left.last().map(|&place| self.candidates[place])
    }

    /// Takes the scores of that concept.
    fn note(&mut self, scores: [f64; 2]) {
        if let Some(place) = self.left.pop() {
            self.scores[place] = scores;
        }
    }

    /// The answer at every level, in order.
    fn recognise(mut self, levels: &Levels, reader: &Reader) -> Vec<Recognised> {
        let at = |level: f64| {
            let scores: Vec<f64> = self.scores.iter().map(|[signal, noise]| signal + level * noise).collect();
            let candidates = self.candidates.iter().copied().zip(scores.iter().copied());
            let answer = reader.best(candidates, &mut self.rng);
            let others = scores[1..].iter().copied().take(MOST_OTHERS).collect();
            Recognised { right: answer == Some(self.candidates[0]), member: scores[0], others }
        };
        levels.iter().map(at).collect()
    }
}

/// The scores in theory: those of a bundle of one.
fn theory(noise: f64, d_model: f64) -> Scores {
    Bundle { items: 1, candidates: 1, signed: false, noise, clipped: false }.theory(d_model)
}

fn summary(trials: Vec<Recognised>, theory: &Scores, n_candidates: usize) -> [Value; 6] {
    let n_right = trials.iter().filter(|trial| trial.right).count() as f64;
    let n = trials.len() as f64;
    let members: Vec<f64> = trials.iter().map(|trial| trial.member).collect();
    let mut others: Vec<f64> = trials.into_iter().flat_map(|trial| trial.others).collect();
    [
        (n_right / n).into(),
        theory.accuracy(n_candidates as u64).into(),
        detection::d_prime(&members, &others).into(),
        theory.d_prime().into(),
        detection::auc(&members, &mut others).into(),
        theory.auc().into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::readout::tests::{expect, one_hot, random};

    fn observe(noise: &[f64], trials: u64, candidates: Option<u64>, subject: &Subject) -> Vec<Value> {
        let retrieval = Retrieval {
            noise: Levels::new(noise).expect("levels"),
            trials: Count::new(trials).expect("a count"),
            candidates: candidates.map(|count| Count::new(count).expect("a count")),
        };
        retrieval.observe(subject, &Stream::from_seed(12))
    }

    fn numbers(values: &[Value]) -> Vec<f64> {
        values.iter().map(|value| value.number().expect("a number")).collect()
    }

    // d′ of T members has a standard error of about √((1 + d′²/4)/T); fixed directions share their cosines, which leaves 1 % more.
    #[test]
    fn theory_random_directions_in_noise() {
        let values = numbers(&observe(&[3.0, 8.0], 3000, Some(40), &random(300, 100, false)));
        for (level, values) in values.chunks(6).enumerate() {
            let error = (values[1] * (1.0 - values[1]) / 3000.0).sqrt();
            assert!(
                (values[0] - values[1]).abs() < 0.01 + 4.0 * error,
                "{level}: accuracy {} against {}",
                values[0],
                values[1]
            );
            let error = ((1.0 + values[3] * values[3] / 4.0) / 3000.0).sqrt();
            assert!(
                (values[2] - values[3]).abs() < 0.01 * values[3] + 4.0 * error,
                "{level}: d′ {} against {}",
                values[2],
                values[3]
            );
            assert!((values[4] - values[5]).abs() < 0.01, "{level}: area {} against {}", values[4], values[5]);
            assert!((0.1..0.99).contains(&values[1]) && values[5] < 0.999, "{level}: says something");
        }
        let closed = [(3.0, (200.0f64 / 19.0).sqrt()), (8.0, (200.0f64 / 129.0).sqrt())];
        closed
            .iter()
            .zip(values.chunks(6))
            .for_each(|((_, d_prime), values)| assert!((values[3] - d_prime).abs() < 1e-14));
    }

    #[test]
    fn theory_one_hot_concepts_are_normal_scores_without_approximation() {
        // Members N(1, ν²/d), others N(0, ν²/d), all independent: d′ = √d/ν, area Φ(√(d/2)/ν), accuracy by the integral with equal deviations.
        let values = numbers(&observe(&[5.0], 3000, None, &one_hot(50, 50, false)));
        let sd = 5.0 / 50f64.sqrt();
        let exact = Scores { sd_hit: sd, sd_rejection: sd };
        expect("accuracy", values[0], exact.accuracy(50), 3000);
        assert!((values[2] - 1.0 / sd).abs() < 4.0 * ((1.0 + 0.5) / 3000f64).sqrt(), "{}", values[2]);
        assert!((values[4] - exact.auc()).abs() < 0.01, "{}", values[4]);
    }

    #[test]
    fn theory_without_noise_all_that_is_represented_is_recognised() {
        let values = observe(&[0.0], 400, None, &one_hot(30, 30, false));
        assert_eq!(values[0], Value::Number(1.0));
        assert_eq!(
            (&values[2], &values[4]),
            (&Value::Undefined, &Value::Number(1.0)),
            "scores without spread have no d′"
        );
        expect("a third", numbers(&observe(&[0.0], 400, None, &one_hot(30, 10, false)))[0], 1.0 / 3.0, 400);
        let nothing = one_hot(30, 1, false);
        expect("one alone", numbers(&observe(&[0.0], 400, None, &nothing))[0], 1.0 / 30.0, 400);
    }

    #[test]
    fn law_trials_are_the_same_in_parallel_or_in_turn() {
        let run = |parallel| observe(&[0.5, 4.0], 100, None, &random(60, 20, parallel));
        assert_eq!(run(false), run(true));
    }
}
