//! Features: which concepts are active in a sample, and how strongly.

use rand::RngExt;

use super::Recipe;
use crate::geometry::kernel::Kernel;
use crate::geometry::kernel::lanes::{Lanes, Task, run};
use crate::seed::{Octet, Rng};

/// Independent concepts: concept i is active with probability pᵢ, and then has a value from U(0, h).
pub struct Features {
    frequency: Vec<f64>,
    high: f32,
    sampler: Sampler,
}

/// How the active ones are found. Both ways are exact; which one is used depends on the frequencies alone.
enum Sampler {
    /// One probability for all, and not a small one: 512 comparisons at a time of random numbers with p · 2⁶⁴, bit by bit, until all are decided.
    Bits { threshold: u64, always: bool },
    /// A walk of exponential strides along the concepts, of which each is λᵢ = −ln(1 − pᵢ) long: where a stride ends, a concept is active.
    /// `ends` are the sums of λ up to each concept; `even` is λ if it is the same for all.
    Walk { ends: Vec<f64>, even: Option<f64> },
}

/// Active concepts of many samples: only the samples that have any, and only what is not zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Number of samples, empty ones included.
    pub n_samples: usize,
    /// For each sample that is not empty, how many active concepts there are up to its end.
    pub ends: Vec<u32>,
    /// The sample that is not empty of each active concept, counted from 0.
    pub owners: Vec<u32>,
    /// The active concepts, ascending within each sample.
    pub concepts: Vec<u32>,
    /// Their values.
    pub values: Vec<f32>,
}

impl Batch {
    /// The active concepts of a sample that is not empty, and their values.
    #[inline(always)]
    pub fn sample(&self, index: usize) -> (&[u32], &[f32]) {
        let first = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        let range = first..self.ends[index] as usize;
        (&self.concepts[range.clone()], &self.values[range])
    }

    /// Number of samples in which no concept is active.
    pub fn n_empty(&self) -> usize {
        self.n_samples - self.ends.len()
    }

    /// Adds an active concept to a sample; samples come in order.
    #[inline(always)]
    fn add(&mut self, concept: usize, value: f32, is_new: bool) {
        self.concepts.push(concept as u32);
        self.values.push(value);
        let end = self.concepts.len() as u32;
        match self.ends.last_mut() {
            Some(last) if !is_new => *last = end,
            _ => self.ends.push(end),
        }
        self.owners.push(self.ends.len() as u32 - 1);
    }
}

/// Probability below which walking is faster than comparing.
const RARE: f64 = 1.0 / 64.0;

impl Features {
    /// Probabilities above 0 and at most 1; values from U(0, `high`).
    pub fn new(frequency: Vec<f64>, high: f64) -> Self {
        let first = frequency[0];
        let is_even = frequency.iter().all(|&p| p == first);
        let sampler = if is_compared(&frequency) {
            Sampler::Bits { threshold: (first * 18_446_744_073_709_551_616.0) as u64, always: first >= 1.0 }
        } else {
            // A concept that is always active is passed by with probability e⁻⁶⁰.
            let length = |p: f64| (-libm::log1p(-p)).min(60.0);
            let mut sum = 0.0;
            let add = |p: &f64| {
                sum += length(*p);
                sum
            };
            let ends = frequency.iter().map(add).collect();
            Sampler::Walk { ends, even: is_even.then(|| length(first)) }
        };
        Self { frequency, high: high as f32, sampler }
    }

    /// pᵢ.
    pub fn frequency(&self) -> &[f64] {
        &self.frequency
    }

    /// Mean square of the value of an active concept, h²/3.
    pub fn mean_square(&self) -> f64 {
        f64::from(self.high) * f64::from(self.high) / 3.0
    }

    /// Draws so many samples. O(active concepts) time, and O(n · samples / 8) where more than one of 64 is active.
    pub fn draw(&self, rng: &mut Rng, n_samples: usize, kernel: Kernel, batch: &mut Batch) {
        batch.n_samples = n_samples;
        batch.ends.clear();
        batch.owners.clear();
        batch.concepts.clear();
        batch.values.clear();
        match self.sampler {
            Sampler::Bits { threshold, always } => {
                let (n_concepts, high) = (self.frequency.len(), self.high);
                run(kernel, Comparison { octet: Octet::new(rng), threshold, always, n_concepts, high, batch });
            }
            Sampler::Walk { ref ends, even } => self.walk(rng, ends, even, batch),
        }
    }

    #[inline]
    fn value(&self, rng: &mut Rng) -> f32 {
        // 24 bits: every value is exact, and never 1.
        (rng.random::<u32>() >> 8) as f32 * (self.high / 16_777_216.0)
    }

    fn walk(&self, rng: &mut Rng, ends: &[f64], even: Option<f64>, batch: &mut Batch) {
        let (n, length) = (ends.len(), ends[ends.len() - 1]);
        let (mut at, mut sample, mut is_new) = (0.0, 0.0, true);
        loop {
            at -= libm::log(1.0 - rng.random::<f64>());
            if at >= length {
                let passed = (at / length).floor();
                at -= passed * length;
                sample += passed;
                is_new = true;
                if sample >= batch.n_samples as f64 {
                    break;
                }
            }
            let concept = match even {
                Some(each) => (at / each) as usize,
                None => ends.partition_point(|&end| end <= at),
            };
            let concept = concept.min(n - 1);
            let value = self.value(rng);
            batch.add(concept, value, is_new);
            is_new = false;
            at = ends[concept];
        }
    }
}

/// Why a training would see nothing, if it would: a sample has `activity` active concepts on average, and all samples together have less than one.
pub fn unseen(activity: f64, recipe: &Recipe) -> Option<String> {
    let n_samples = recipe.batch as f64 * recipe.steps as f64;
    (activity * n_samples < 1.0).then(|| {
        format!("leaves the {n_samples} samples of the training (batch · steps) with less than one active concept, {:.1e} on average: there is nothing to learn from", activity * n_samples)
    })
}

/// Whether concepts of these frequencies are found by comparing, and not by walking.
pub fn is_compared(frequency: &[f64]) -> bool {
    frequency[0] >= RARE && frequency.iter().all(|&p| p == frequency[0])
}

/// The samples of concepts that are all active with the same probability.
struct Comparison<'a> {
    octet: Octet,
    threshold: u64,
    always: bool,
    n_concepts: usize,
    high: f32,
    batch: &'a mut Batch,
}

/// Entries that are decided together.
const AT_ONCE: usize = 512;

/// Entries after which samples and concepts are told apart, so that 32 bits are enough for however many samples.
const SETTLED: usize = 1 << 16;

/// Active entries of a word that are written at a time.
const SPARE: usize = 8;

impl Task for Comparison<'_> {
    type Output = ();

    /// With few branches that depend on chance. Whole numbers, and products of one factor: the same on all registers.
    #[inline(always)]
    fn run<L: Lanes, const R: usize>(self) {
        let Self { mut octet, threshold, always, n_concepts: n, high, batch } = self;
        let all = n * batch.n_samples;
        // entry / n by a product, exact for entries below 2³¹.
        let shift = 32 + n.ilog2();
        let inverse = (1 << shift) / n as u64 + 1;
        let (mut origin, mut n_settled, mut n_active) = (0, 0, 0);
        for first in (0..all).step_by(AT_ONCE) {
            let active = if always { [u64::MAX; 8] } else { below(&mut octet, threshold) };
            if batch.concepts.len() < n_active + AT_ONCE + SPARE {
                batch.concepts.resize(2 * (n_active + AT_ONCE + SPARE), 0);
                batch.owners.resize(batch.concepts.len(), 0);
            }
            for (base, mut active) in (first..).step_by(64).zip(active) {
                if all < base + 64 {
                    active &= if all <= base { 0 } else { (1 << (all - base)) - 1 };
                }
                let n_new = active.count_ones() as usize;
                let entry = (base - origin * n) as u32;
                // Some too many, which the next ones overwrite: how many there are is not guessed right every time.
                let room = batch.concepts[n_active..].as_chunks_mut::<SPARE>().0;
                for entries in room.iter_mut().take(n_new.div_ceil(SPARE)) {
                    for place in entries {
                        *place = entry + active.trailing_zeros();
                        active &= active.wrapping_sub(1);
                    }
                }
                n_active += n_new;
            }
            let end = first + AT_ONCE;
            if end >= all || end - origin * n >= SETTLED {
                let settled = n_settled..n_active;
                let owners = &mut batch.owners[settled.clone()];
                for (concept, sample) in batch.concepts[settled].iter_mut().zip(owners) {
                    let passed = ((u64::from(*concept) * inverse) >> shift) as u32;
                    *sample = origin as u32 + passed;
                    *concept -= passed * n as u32;
                }
                (origin, n_settled) = (end / n, n_active);
            }
        }
        batch.concepts.truncate(n_active);
        batch.owners.truncate(n_active);
        batch.ends.resize(batch.n_samples.min(n_active), 0);
        let (mut last, mut n_filled) = (u32::MAX, 0);
        for (owner, end) in batch.owners.iter_mut().zip(1..) {
            n_filled += usize::from(*owner != last);
            last = *owner;
            *owner = n_filled as u32 - 1;
            batch.ends[n_filled - 1] = end;
        }
        batch.ends.truncate(n_filled);
        // 24 bits: every value is exact, and never 1. One random number gives two of them.
        batch.values.resize(n_active.next_multiple_of(16), 0.0);
        let step = high / 16_777_216.0;
        for values in batch.values.as_chunks_mut::<16>().0 {
            let random = octet.words();
            for lane in 0..8 {
                values[lane] = (random[lane] >> 40) as i32 as f32 * step;
                values[lane + 8] = (random[lane] as u32 >> 8) as i32 as f32 * step;
            }
        }
        batch.values.truncate(n_active);
    }
}

/// 512 independent bits, each 1 with probability threshold/2⁶⁴: whether a random number of 64 bits is below it, all compared from the highest bit on.
#[inline(always)]
fn below(octet: &mut Octet, threshold: u64) -> [u64; 8] {
    let (mut below, mut undecided, mut bit) = ([0; 8], [u64::MAX; 8], 1 << 63);
    // Where the rest of the threshold is zero, no number that has been equal so far is below it.
    while bit != 0 && threshold & (bit | (bit - 1)) != 0 {
        let random = octet.words();
        let mut left = 0;
        let is_one = if threshold & bit == 0 { 0 } else { u64::MAX };
        for lane in 0..8 {
            below[lane] |= undecided[lane] & !random[lane] & is_one;
            undecided[lane] &= !(random[lane] ^ is_one);
            left |= undecided[lane];
        }
        if left == 0 {
            break;
        }
        bit >>= 1;
    }
    below
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Stream;

    /// Counts and first two moments of each concept over many samples.
    fn moments(features: &Features, n_samples: usize) -> Vec<[f64; 3]> {
        let (mut rng, mut batch) = (Stream::from_seed(5).rng(), Batch::default());
        let mut sums = vec![[0.0; 3]; features.frequency().len()];
        for _ in 0..n_samples / 1000 {
            features.draw(&mut rng, 1000, Kernel::best(), &mut batch);
            assert!(batch.n_samples == 1000 && batch.n_empty() <= 1000);
            for index in 0..batch.ends.len() {
                let (concepts, values) = batch.sample(index);
                assert!(!concepts.is_empty());
                assert!(concepts.windows(2).all(|pair| pair[0] < pair[1]), "{concepts:?}");
                for (&concept, &value) in concepts.iter().zip(values) {
                    let value = f64::from(value);
                    for (sum, x) in sums[concept as usize].iter_mut().zip([1.0, value, value * value]) {
                        *sum += x;
                    }
                }
            }
        }
        sums
    }

    #[test]
    fn theory_frequencies_and_moments_are_those_of_bernoulli_and_uniform() {
        // Within 5 standard errors: counts are binomial, E[v] = h/2 with variance h²/12, E[v²] = h²/3 with variance 4h⁴/45.
        let n_samples = 400_000;
        let power: Vec<f64> = (1..=40).map(|i| 0.9 / f64::from(i)).collect();
        let all = [vec![0.3; 7], vec![0.004; 90], vec![1.0; 3], power, vec![1.0, 0.5, 0.001]];
        for (frequency, high) in all.into_iter().zip([1.0, 2.0, 1.0, 2.0, 1.0]) {
            let features = Features::new(frequency.clone(), high);
            for (p, [count, sum, squares]) in frequency.iter().zip(moments(&features, n_samples)) {
                let n = n_samples as f64;
                let error = (n * p * (1.0 - p)).sqrt();
                assert!((count - n * p).abs() <= 5.0 * error, "{count} of {n} at {p}");
                let (mean, square) = (sum / count, squares / count);
                assert!((mean - high / 2.0).abs() < 5.0 * high / (12.0 * count).sqrt(), "{mean} at {p}");
                let error = high * high * (4.0 / 45.0 / count).sqrt();
                assert!((square - high * high / 3.0).abs() < 5.0 * error, "{square} at {p}");
            }
            assert!((features.mean_square() - high * high / 3.0).abs() < 1e-12);
        }
    }

    #[test]
    fn law_every_instruction_set_draws_the_same() {
        for frequency in [vec![0.1; 2], vec![0.3; 7], vec![1.0; 3], vec![0.01; 40], vec![0.5, 0.2]] {
            let features = Features::new(frequency, 2.0);
            let draws: Vec<Batch> = Kernel::available()
                .map(|kernel| {
                    let mut batch = Batch::default();
                    features.draw(&mut Stream::from_seed(7).rng(), 1001, kernel, &mut batch);
                    batch
                })
                .collect();
            assert!(draws.windows(2).all(|pair| pair[0] == pair[1]));
            let owner = |at: usize| draws[0].ends.partition_point(|&end| end as usize <= at) as u32;
            assert!(draws[0].owners.iter().enumerate().all(|(at, &found)| found == owner(at)));
        }
    }

    #[test]
    fn theory_concepts_are_independent() {
        // Pairs of concepts are active together p² of the time; of 3 concepts that is 3 pairs, in standard errors of the binomial count.
        for p in [0.2, 0.01] {
            let features = Features::new(vec![p; 3], 1.0);
            let (mut rng, mut batch) = (Stream::from_seed(6).rng(), Batch::default());
            let (mut together, n) = ([0.0; 3], 500_000);
            features.draw(&mut rng, n, Kernel::best(), &mut batch);
            for index in 0..batch.ends.len() {
                match batch.sample(index).0 {
                    [0, 1] => together[0] += 1.0,
                    [0, 2] => together[1] += 1.0,
                    [1, 2] => together[2] += 1.0,
                    [0, 1, 2] => together.iter_mut().for_each(|count| *count += 1.0),
                    _ => {}
                }
            }
            let expected = n as f64 * p * p;
            let error = (expected * (1.0 - p * p)).sqrt();
            assert!(together.iter().all(|count| (count - expected).abs() < 5.0 * error), "{together:?} at {p}");
        }
    }
}
