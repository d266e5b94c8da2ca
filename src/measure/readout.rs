//! Readout: what a reader who knows the direction of every concept finds in a trace, shared by the measures that read.

use std::cmp::Ordering;
use std::f64::consts::FRAC_2_PI;

use rand::RngExt;
use rand::seq::index;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

use super::Subject;
use crate::fit::detection::Scores;
use crate::geometry::directions::Directions;
use crate::geometry::kernel::memory::Aligned;
use crate::seed::{Rng, Stream};

/// A reader: knows the direction of every represented concept. One that is not represented has no direction; it is never the answer, and scores 0.
pub struct Reader<'a> {
    subject: &'a Subject,
    directions: Directions<'a>,
}

/// Retrieval from a bundle: the sum of K random concepts is read, and one of them is to be told from D − 1 that are not in it.
#[derive(Clone, Copy, Debug)]
pub struct Bundle {
    /// K, the concepts in the sum.
    pub items: usize,
    /// D, the concepts to choose from.
    pub candidates: usize,
    /// Whether each item is added with a random sign, which the reader knows.
    pub signed: bool,
    /// Expected length of the normal noise that is added, in lengths of a concept.
    pub noise: f64,
    /// Whether only the sign of each unit is kept, after the noise.
    pub clipped: bool,
}

/// What came of one retrieval.
pub struct Retrieved {
    /// The concept that was asked for.
    pub target: usize,
    /// The answer; `None` if no candidate is represented.
    pub answer: Option<usize>,
    /// Score of the target.
    pub member: f64,
    /// Scores of the others.
    pub others: Vec<f64>,
}

impl Retrieved {
    /// Whether the answer is the concept that was asked for.
    pub fn is_right(&self) -> bool {
        self.answer == Some(self.target)
    }
}

impl<'a> Reader<'a> {
    /// O(n d) time, O(n) memory.
    pub fn new(subject: &'a Subject) -> Self {
        Self { subject, directions: Directions::new(subject.represented(), subject.kernel(), subject.is_parallel()) }
    }

    /// Number of concepts, n.
    pub fn n_concepts(&self) -> usize {
        self.subject.n_concepts()
    }

    /// Number of units, d.
    pub fn d_model(&self) -> usize {
        self.subject.represented().d_model()
    }

    /// Adds a concept to a trace; one that is not represented adds nothing.
    pub fn add(&self, concept_idx: usize, weight: f32, trace: &mut [f32]) {
        if self.is_represented(concept_idx) {
            self.directions.add(concept_idx, weight, trace);
        }
    }

    /// Its direction's product with the trace.
    pub fn score(&self, concept_idx: usize, trace: &[f32]) -> f64 {
        if self.is_represented(concept_idx) { self.directions.score(concept_idx, trace) } else { 0.0 }
    }

    /// The same for some traces at once.
    pub fn scores<const N: usize>(&self, concept_idx: usize, traces: [&[f32]; N]) -> [f64; N] {
        if self.is_represented(concept_idx) { self.directions.scores(concept_idx, traces) } else { [0.0; N] }
    }

    /// The represented candidate that scores highest. Equal scores are drawn for, so that equal vectors share.
    pub fn best(&self, scores: impl Iterator<Item = (usize, f64)>, rng: &mut Rng) -> Option<usize> {
        let (mut best, mut n_equal) = (None::<(usize, f64)>, 0_u32);
        for (concept_idx, score) in scores.filter(|&(concept_idx, _)| self.is_represented(concept_idx)) {
            let order = best.map_or(Ordering::Greater, |(_, most)| score.partial_cmp(&most).unwrap_or(Ordering::Less));
            n_equal = match order {
                Ordering::Greater => 1,
                Ordering::Equal => n_equal + 1,
                Ordering::Less => continue,
            };
            if n_equal == 1 || rng.random_range(0..n_equal) == 0 {
                best = Some((concept_idx, score));
            }
        }
        best.map(|(concept_idx, _)| concept_idx)
    }

    /// What comes of `n` trials, in order. Each has a stream of its own and a trace to work on, so sharing them out to the cores changes no bit.
    pub fn trials<T: Send>(&self, n: u64, stream: &Stream, trial: impl Fn(&mut Rng, &mut [f32]) -> T + Sync) -> Vec<T> {
        let trace = || Aligned::zeros(self.d_model());
        let one = |trace: &mut Aligned, trial_idx: u64| trial(&mut stream.rng_of(trial_idx as usize), trace);
        if self.subject.is_parallel() {
            (0..n).into_par_iter().map_init(trace, one).collect()
        } else {
            let mut trace = trace();
            (0..n).map(|trial_idx| one(&mut trace, trial_idx)).collect()
        }
    }

    /// The same of trials that are made some at a time, `size` of them but for the last, given the stream of each.
    pub fn batches<T: Send>(
        &self,
        n: u64,
        size: u64,
        stream: &Stream,
        batch: impl Fn(Vec<Rng>) -> Vec<T> + Sync,
    ) -> Vec<T> {
        let one = |idx: u64| {
            let trials = idx * size..((idx + 1) * size).min(n);
            batch(trials.map(|trial_idx| stream.rng_of(trial_idx as usize)).collect())
        };
        let n_batches = n.div_ceil(size);
        if self.subject.is_parallel() {
            (0..n_batches).into_par_iter().flat_map_iter(one).collect()
        } else {
            (0..n_batches).flat_map(one).collect()
        }
    }

    fn is_represented(&self, concept_idx: usize) -> bool {
        self.subject.vector(concept_idx).is_some()
    }
}

impl Bundle {
    /// The number of concepts that it takes: its items, and the candidates that are not among them.
    pub fn n_concepts(&self) -> usize {
        self.items.saturating_add(self.candidates) - 1
    }

    /// Draws the concepts, adds them up, and reads. At least [`Self::n_concepts`] concepts are needed. O((K + D) d) time.
    pub fn retrieve(&self, reader: &Reader, rng: &mut Rng, trace: &mut [f32]) -> Retrieved {
        let concepts = index::sample(rng, reader.n_concepts(), self.n_concepts()).into_vec();
        let (items, others) = concepts.split_at(self.items);
        let target = items[0];
        let mut sign = || if self.signed && rng.random() { -1.0 } else { 1.0 };
        let known = sign();
        // However loud the noise, no unit of the trace overflows f32.
        let scale = self.noise.max(1.0);
        let weight = (1.0 / scale) as f32;
        trace.fill(0.0);
        reader.add(target, known * weight, trace);
        for &item in &items[1..] {
            reader.add(item, sign() * weight, trace);
        }
        if self.noise > 0.0 {
            add_noise(self.noise / scale, rng, trace);
        }
        if self.clipped {
            clip(rng, trace);
        }
        let score = |&concept_idx: &usize| f64::from(known) * scale * reader.score(concept_idx, trace);
        let member = score(&target);
        let others_scores: Vec<f64> = others.iter().map(score).collect();
        let scores = others.iter().copied().zip(others_scores.iter().copied());
        let answer = reader.best(std::iter::once((target, member)).chain(scores), rng);
        Retrieved { target, answer, member, others: others_scores }
    }

    /// The scores in theory, for random directions in d units, with that of the target divided by its mean.
    ///
    /// The K − 1 other items and the noise ν leave (K − 1 + ν²)/d of variance to the target, and K + ν² over d to the others. The sign of a sum keeps
    /// 2/π of its power, so that d becomes 2d/π; the target, whose part of the variance is that much less, is left with K + ν² − 2/π.
    pub fn theory(&self, d_model: f64) -> Scores {
        let (items, kept) = (self.items as f64, if self.clipped { FRAC_2_PI } else { 1.0 });
        let sd = |power: f64| libm::hypot(power.sqrt(), self.noise) / (kept * d_model).sqrt();
        Scores { sd_hit: sd(items - kept), sd_rejection: sd(items) }
    }
}

/// Adds an independent normal number to every unit, so that the whole has this expected square length.
pub fn add_noise(length: f64, rng: &mut Rng, trace: &mut [f32]) {
    let sd = length / (trace.len() as f64).sqrt();
    for unit in trace {
        let normal: f64 = StandardNormal.sample(rng);
        *unit += (normal * sd) as f32;
    }
}

/// Keeps the sign of every unit; one without a sign is given one at random.
fn clip(rng: &mut Rng, trace: &mut [f32]) {
    for unit in trace {
        *unit = match unit.partial_cmp(&&mut 0.0) {
            Some(Ordering::Greater) => 1.0,
            Some(Ordering::Less) => -1.0,
            _ if rng.random() => 1.0,
            _ => -1.0,
        };
    }
}

/// Time of reading K items and D candidates once, on the machine that costs are calibrated on.
pub fn seconds(items: f64, candidates: f64, d: f64) -> f64 {
    (items + candidates) * (4e-8 + 2.5e-10 * d) + 1e-6
}

#[cfg(test)]
pub(super) mod tests {
    use nalgebra::DMatrix;

    use super::*;
    use crate::geometry::embedding::Embedding;
    use crate::geometry::kernel::Kernel;

    /// n concepts on units of their own, as far as the d units go.
    pub fn one_hot(n: usize, d: usize, parallel: bool) -> Subject {
        subject(DMatrix::identity(d, n), parallel)
    }

    /// n random directions, seed 3.
    pub fn random(n: usize, d: usize, parallel: bool) -> Subject {
        let mut rng = Stream::from_seed(3).rng();
        subject(DMatrix::from_fn(d, n, |_, _| StandardNormal.sample(&mut rng)), parallel)
    }

    pub fn subject(matrix: DMatrix<f32>, parallel: bool) -> Subject {
        Subject::new(Embedding::new(matrix), None, Kernel::best(), parallel)
    }

    /// A fraction of independent trials is within 4 of its own standard errors of the truth: 1 chance in 16,000. One more trial for the rounding of few.
    pub fn expect(what: &str, fraction: f64, truth: f64, n: u64) {
        let tolerance = 4.0 * (truth * (1.0 - truth) / n as f64).sqrt() + 1.0 / n as f64;
        assert!((fraction - truth).abs() <= tolerance, "{what}: {fraction} against {truth} ± {tolerance}");
    }

    const BUNDLE: Bundle = Bundle { items: 4, candidates: 9, signed: false, noise: 0.0, clipped: false };

    #[test]
    fn theory_what_is_not_represented_is_never_read_out_and_what_has_units_of_its_own_always() {
        let subject = one_hot(40, 16, false);
        let reader = Reader::new(&subject);
        let retrieved = reader.trials(500, &Stream::from_seed(1), |rng, trace| BUNDLE.retrieve(&reader, rng, trace));
        for trial in &retrieved {
            assert_eq!(trial.is_right(), trial.target < 16);
            assert_eq!(trial.member, if trial.target < 16 { 1.0 } else { 0.0 });
        }
        expect("represented", retrieved.iter().filter(|trial| trial.is_right()).count() as f64 / 500.0, 0.4, 500);
    }

    #[test]
    fn theory_equal_vectors_share() {
        let subject = subject(DMatrix::from_element(3, 20, 0.7), false);
        let reader = Reader::new(&subject);
        let retrieved = reader.trials(2000, &Stream::from_seed(2), |rng, trace| BUNDLE.retrieve(&reader, rng, trace));
        let n_right = retrieved.iter().filter(|trial| trial.is_right()).count();
        expect("one of nine", n_right as f64 / 2000.0, 1.0 / 9.0, 2000);
    }

    #[test]
    fn law_trials_are_the_same_in_parallel_or_in_turn() {
        let run = |parallel| {
            let subject = random(50, 30, parallel);
            let reader = Reader::new(&subject);
            let bundle = Bundle { signed: true, noise: 0.5, clipped: true, ..BUNDLE };
            let trial = |rng: &mut Rng, trace: &mut [f32]| {
                let trial = bundle.retrieve(&reader, rng, trace);
                (trial.target, trial.answer, trial.member.to_bits())
            };
            reader.trials(300, &Stream::from_seed(5), trial)
        };
        assert_eq!(run(false), run(true));
    }
}
