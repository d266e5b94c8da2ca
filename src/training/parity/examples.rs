//! Examples of the parity tasks: which task, which bits, and whether the parity is odd.

use std::collections::BTreeSet;
use std::ops::Range;

use rand::{Rng as _, RngExt};

use crate::seed::{Rng, Stream};

/// Task bits that are looked up together: the first layer's part that is due to them is one row of a table of 2⁶. Part of the definition of the sums.
pub const GROUP: usize = 6;

/// Rows of the table of a group.
pub const PATTERNS: usize = 1 << GROUP;

/// n tasks on the same bits, each the parity of some of them.
pub struct Tasks {
    /// pᵢ, the most frequent first.
    pub frequency: Vec<f64>,
    /// p₁ + … + pᵢ, the last of them exactly 1.
    cumulative: Vec<f64>,
    /// The bits of each task, as a mask for each group.
    masks: Vec<Vec<u8>>,
    n_bits: usize,
}

impl Tasks {
    /// Frequencies in proportion to i^−`exponent`, and `subset` bits for each task, no two with the same.
    ///
    /// There must be as many subsets as tasks.
    pub fn new(n_tasks: usize, n_bits: usize, subset: usize, exponent: f64, stream: &Stream) -> Self {
        let weights: Vec<f64> = (1..=n_tasks).map(|i| libm::pow(i as f64, -exponent)).collect();
        let sum: f64 = weights.iter().sum();
        let frequency: Vec<f64> = weights.iter().map(|weight| weight / sum).collect();
        let mut cumulative = frequency.clone();
        (1..n_tasks).for_each(|i| cumulative[i] += cumulative[i - 1]);
        cumulative[n_tasks - 1] = 1.0;
        let (mut rng, mut taken) = (stream.rng(), BTreeSet::new());
        let mut fresh_subset = || loop {
            let mut bits = BTreeSet::new();
            while bits.len() < subset {
                bits.insert(rng.random_range(0..n_bits as u64) as usize);
            }
            if taken.insert(bits.clone()) {
                return bits;
            }
        };
        let n_groups = n_bits.div_ceil(GROUP);
        let mask = |bits: BTreeSet<usize>| {
            bits.iter().fold(vec![0; n_groups], |mut masks, bit| {
                masks[bit / GROUP] |= 1 << (bit % GROUP);
                masks
            })
        };
        let masks = (0..n_tasks).map(|_| mask(fresh_subset())).collect();
        Self { frequency, cumulative, masks, n_bits }
    }

    /// n.
    pub fn len(&self) -> usize {
        self.masks.len()
    }

    /// Rows that one example looks up: its task, then each group.
    pub fn n_lookups(&self) -> usize {
        1 + self.n_bits.div_ceil(GROUP)
    }

    /// The rows of the table of a group, and the bits that it holds.
    pub fn group(&self, group: usize) -> (Range<usize>, Range<usize>) {
        let first = self.len() + group * PATTERNS;
        (first..first + PATTERNS, group * GROUP..((group + 1) * GROUP).min(self.n_bits))
    }

    /// So many examples of tasks drawn by their frequency, in the place of those before.
    pub fn draw(&self, n_examples: usize, rng: &mut Rng, examples: &mut Examples) {
        examples.clear();
        for _ in 0..n_examples {
            let uniform: f64 = rng.random();
            self.add(self.cumulative.partition_point(|&below| below <= uniform), rng, examples);
        }
    }

    /// So many examples of one task, in the place of those before.
    pub fn draw_of(&self, task: usize, n_examples: usize, rng: &mut Rng, examples: &mut Examples) {
        examples.clear();
        (0..n_examples).for_each(|_| self.add(task, rng, examples));
    }

    fn add(&self, task: usize, rng: &mut Rng, examples: &mut Examples) {
        examples.rows.push(task as u32);
        let (mut parity, mut word) = (0, 0);
        for (group, mask) in self.masks[task].iter().enumerate() {
            if group % (64 / GROUP) == 0 {
                word = rng.next_u64();
            }
            let (rows, bits) = self.group(group);
            let pattern = (word % (1 << bits.len())) as u8;
            word >>= GROUP;
            parity ^= pattern & mask;
            examples.rows.push((rows.start + usize::from(pattern)) as u32);
        }
        examples.odd.push(parity.count_ones() % 2 == 1);
    }
}

/// Some examples.
#[derive(Default)]
pub struct Examples {
    /// The rows that each example looks up in the table of the first layer, example after example; the first is its task.
    pub rows: Vec<u32>,
    /// Whether the parity of each is odd.
    pub odd: Vec<bool>,
}

impl Examples {
    fn clear(&mut self) {
        self.rows.clear();
        self.odd.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theory_the_label_is_the_parity_of_the_bits_of_the_task() {
        let (n, n_bits) = (10, 13);
        let tasks = Tasks::new(n, n_bits, 3, 1.4, &Stream::from_seed(1));
        assert!((tasks.frequency[7] / tasks.frequency[0] - libm::pow(8.0, -1.4)).abs() < 1e-14);
        // No two alike, three bits each.
        let bits = |task: usize| -> Vec<usize> {
            (0..n_bits).filter(|bit| tasks.masks[task][bit / GROUP] >> (bit % GROUP) & 1 == 1).collect()
        };
        let all: BTreeSet<_> = (0..n).map(bits).collect();
        assert!(all.len() == n && all.iter().all(|bits| bits.len() == 3));
        let mut examples = Examples::default();
        tasks.draw(20_000, &mut Stream::from_seed(2).rng(), &mut examples);
        let mut counts = vec![0.0; n];
        let mut ones = vec![0.0; n_bits];
        for (rows, &odd) in examples.rows.chunks(tasks.n_lookups()).zip(&examples.odd) {
            let task = rows[0] as usize;
            let is_set =
                |bit: usize| (rows[1 + bit / GROUP] as usize - tasks.group(bit / GROUP).0.start) >> (bit % GROUP) & 1;
            assert_eq!(bits(task).into_iter().map(is_set).sum::<usize>() % 2 == 1, odd);
            counts[task] += 1.0;
            (0..n_bits).for_each(|bit| ones[bit] += is_set(bit) as f64);
        }
        for (task, count) in counts.iter().enumerate() {
            // Four binomial standard errors and a half, for 23 numbers.
            let p = tasks.frequency[task];
            assert!((count - 2e4 * p).abs() < 4.5 * (2e4 * p * (1.0 - p)).sqrt(), "{task}: {count}");
        }
        assert!(ones.iter().all(|count| (count - 1e4).abs() < 4.5 * 5e3_f64.sqrt()), "{ones:?}");
    }
}
