//! Features: which concepts are active in a sample, and how strongly.

use rand::RngExt;

use crate::seed::Rng;

/// Independent concepts: concept i is active with probability pᵢ, and then has a value from U(0, h).
pub struct Features {
    frequency: Vec<f64>,
    high: f32,
    sampler: Sampler,
}

/// How the active ones are found. Both ways are exact; which one is used depends on the frequencies alone.
enum Sampler {
    /// One probability for all, and not a small one: 64 comparisons at a time of random numbers with p · 2⁶⁴, bit by bit, until all are decided.
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
    }
}

/// Probability below which walking is faster than comparing.
const RARE: f64 = 1.0 / 64.0;

impl Features {
    /// Probabilities above 0 and at most 1; values from U(0, `high`).
    pub fn new(frequency: Vec<f64>, high: f64) -> Self {
        let first = frequency[0];
        let is_even = frequency.iter().all(|&p| p == first);
        let sampler = if is_even && first >= RARE {
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
    pub fn draw(&self, rng: &mut Rng, n_samples: usize, batch: &mut Batch) {
        batch.n_samples = n_samples;
        batch.ends.clear();
        batch.concepts.clear();
        batch.values.clear();
        match &self.sampler {
            Sampler::Bits { threshold, always } => self.compare(rng, *threshold, *always, batch),
            Sampler::Walk { ends, even } => self.walk(rng, ends, *even, batch),
        }
    }

    #[inline]
    fn value(&self, rng: &mut Rng) -> f32 {
        // 24 bits: every value is exact, and never 1.
        (rng.random::<u32>() >> 8) as f32 * (self.high / 16_777_216.0)
    }

    fn compare(&self, rng: &mut Rng, threshold: u64, always: bool, batch: &mut Batch) {
        let n = self.frequency.len();
        let all = n * batch.n_samples;
        // entry / n for entries below 2³², by a product that is exact.
        let inverse = u64::MAX / n as u64 + 1;
        let quotient =
            |entry: usize| if n == 1 { entry } else { ((u128::from(inverse) * entry as u128) >> 64) as usize };
        let (mut base, mut last) = (0, usize::MAX);
        while base < all {
            let mut active = if always { u64::MAX } else { below(rng, threshold) };
            if all - base < 64 {
                active &= (1 << (all - base)) - 1;
            }
            while active != 0 {
                let entry = base + active.trailing_zeros() as usize;
                active &= active - 1;
                let sample = quotient(entry);
                let value = self.value(rng);
                batch.add(entry - sample * n, value, sample != last);
                last = sample;
            }
            base += 64;
        }
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

/// 64 independent bits, each 1 with probability threshold/2⁶⁴: whether a random number of 64 bits is below it, all compared from the highest bit on.
fn below(rng: &mut Rng, threshold: u64) -> u64 {
    let (mut below, mut undecided, mut bit) = (0, u64::MAX, 1 << 63);
    while undecided != 0 && bit != 0 {
        let random: u64 = rng.random();
        if threshold & bit == 0 {
            undecided &= !random;
        } else {
            below |= undecided & !random;
            undecided &= random;
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
            features.draw(&mut rng, 1000, &mut batch);
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
    fn theory_concepts_are_independent() {
        // Pairs of concepts are active together p² of the time; of 3 concepts that is 3 pairs, in standard errors of the binomial count.
        for p in [0.2, 0.01] {
            let features = Features::new(vec![p; 3], 1.0);
            let (mut rng, mut batch) = (Stream::from_seed(6).rng(), Batch::default());
            let (mut together, n) = ([0.0; 3], 500_000);
            features.draw(&mut rng, n, &mut batch);
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
