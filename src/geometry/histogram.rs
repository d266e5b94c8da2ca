//! Histogram: counts of overlaps in bins of equal ratio, from which quantiles are read.

use super::panels::{PANEL, ROWS};

/// Number of bins: the f32 patterns of [0, 2), cut to their top 16 bits.
const N_BINS: usize = 0x4000;

/// Bins are looked through in runs of this many, so that empty octaves cost next to nothing.
const OCTAVE: usize = 128;

/// The bins of a block of dot products.
pub(super) type Bins = [[u16; PANEL]; ROWS];

/// Room for those of a block that are not 0, and for a register that is written behind them.
pub(super) type Nonzero = [u16; PANEL * ROWS + 32];

/// No bins yet.
pub(super) const NO_BINS: Nonzero = [0; PANEL * ROWS + 32];

/// The bin of a magnitude, given its pattern in f32: the top 16 bits, 128 bins per octave.
///
/// Bin 0 holds what is below 2⁻¹³³, which is zero but for vectors that no arithmetic of f32 can tell from orthogonal ones.
#[inline(always)]
pub(super) fn bin(pattern: u32) -> u16 {
    (pattern >> 16) as u16
}

/// Counts of magnitudes in [0, 2) by bin, the non-empty bins only and in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    n_values: u64,
    bins: Vec<(u16, u64)>,
}

impl Histogram {
    /// Number of values counted.
    pub fn n_values(&self) -> u64 {
        self.n_values
    }

    /// Number of values that are zero: below 2⁻¹³³.
    pub fn n_zero(&self) -> u64 {
        self.bins.first().filter(|(bin, _)| *bin == 0).map_or(0, |(_, count)| *count)
    }

    /// The representative magnitude and the count of each non-empty bin, ascending.
    pub fn bins(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        self.bins.iter().map(|&(bin, count)| (midpoint(bin), count))
    }

    /// The value below or at which a fraction `q` of the counted values lies, to 0.4 % of itself.
    ///
    /// It is the middle of the first bin whose cumulative count reaches ⌈q N⌉ (at least 1); zero is exact.
    /// `None` without values, or for a `q` outside [0, 1].
    pub fn quantile(&self, q: f64) -> Option<f64> {
        if !(0.0..=1.0).contains(&q) {
            return None;
        }
        let rank = ((q * self.n_values as f64).ceil() as u64).clamp(1, self.n_values.max(1));
        let mut cumulative = 0;
        self.bins()
            .find(|&(_, count)| {
                cumulative += count;
                cumulative >= rank
            })
            .map(|(value, _)| value)
    }

    /// Adds the counts of another histogram.
    pub(super) fn merge(&mut self, other: Self) {
        self.n_values += other.n_values;
        if self.bins.is_empty() {
            self.bins = other.bins;
            return;
        }
        self.bins.extend(other.bins);
        self.bins.sort_by_key(|&(bin, _)| bin);
        self.bins.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
    }
}

/// The middle of a bin in value, which is also the middle of its f32 patterns.
fn midpoint(bin: u16) -> f64 {
    match bin {
        0 => 0.0,
        _ => f64::from(f32::from_bits(u32::from(bin) << 16 | 0x8000)),
    }
}

/// Tables that neighbouring values are counted in by turns, because a counter cannot be raised again before it is back in memory.
const N_TABLES: usize = 4;

/// Counters for every bin, 4 × 64 KiB: what a worker increments.
///
/// A counter holds 2³² − 1, so a worker empties it into a [`Histogram`] before it has seen that many values.
#[derive(Debug)]
pub(super) struct Counters(Box<[[u32; N_BINS]; N_TABLES]>);

impl Counters {
    pub fn new() -> Self {
        let tables = vec![[0; N_BINS]; N_TABLES].into_boxed_slice();
        Self(tables.try_into().expect("the length is N_TABLES"))
    }

    /// Counts values by their bins; those of [`bin`] for magnitudes below 2.
    #[inline(always)]
    pub fn count<const N: usize>(&mut self, bins: &[u16; N]) {
        for (place, &bin) in bins.iter().enumerate() {
            // The mask replaces a bounds check: an overlap, being at most 1 and a rounding error, has no such bit.
            self.0[place % N_TABLES][usize::from(bin) % N_BINS] += 1;
        }
    }

    /// The same of any number of values.
    #[inline(always)]
    pub fn count_all(&mut self, bins: &[u16]) {
        let (bins, rest) = bins.as_chunks::<N_TABLES>();
        bins.iter().for_each(|bins| self.count(bins));
        rest.iter().for_each(|&bin| self.count(&[bin]));
    }

    /// Counts zeros, or takes some back.
    pub fn add_zeros(&mut self, n_zeros: i64) {
        // Tables are added up modulo 2³², so that this one may go below zero.
        self.0[0][0] = self.0[0][0].wrapping_add(n_zeros as u32);
    }

    /// Adds the counts of another worker.
    pub fn merge(mut self, other: &Self) -> Self {
        for (count, more) in self.0.as_flattened_mut().iter_mut().zip(other.0.as_flattened()) {
            *count = count.wrapping_add(*more);
        }
        self
    }

    /// The non-empty bins.
    pub fn histogram(&self) -> Histogram {
        let mut histogram = Histogram::default();
        for start in (0..N_BINS).step_by(OCTAVE) {
            let octave = self.0.each_ref().map(|table| &table[start..start + OCTAVE]);
            if octave.iter().all(|counts| counts.iter().fold(0, |any, &count| any | count) == 0) {
                continue;
            }
            for offset in 0..OCTAVE {
                let count = octave.iter().fold(0_u32, |sum, counts| sum.wrapping_add(counts[offset]));
                if count > 0 {
                    histogram.n_values += u64::from(count);
                    histogram.bins.push(((start + offset) as u16, u64::from(count)));
                }
            }
        }
        histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(values: &[f64]) -> Histogram {
        let mut counters = Counters::new();
        for &value in values {
            counters.count(&[bin((value as f32).to_bits())]);
        }
        counters.histogram()
    }

    #[test]
    fn theory_quantiles_of_an_even_ramp() {
        let ramp: Vec<f64> = (1..=1000).map(|rank| f64::from(rank) / 1000.0).collect();
        let counted = histogram(&ramp);
        assert_eq!(counted.n_values(), 1000);
        for (q, exact) in [(0.0, 0.001), (0.25, 0.25), (0.5, 0.5), (0.99, 0.99), (1.0, 1.0)] {
            let value = counted.quantile(q).unwrap();
            assert!((value / exact - 1.0).abs() < 0.004, "{q}: {value} for {exact}");
        }
    }

    #[test]
    fn theory_zero_is_exact_and_counts() {
        let counted = histogram(&[0.0, 0.0, 0.0, 0.5]);
        assert_eq!(counted.quantile(0.75), Some(0.0));
        assert!(counted.quantile(0.76).unwrap() > 0.499);
    }

    #[test]
    fn theory_no_quantile_of_nothing_or_of_a_wrong_fraction() {
        assert_eq!(Histogram::default().quantile(0.5), None);
        for q in [-0.1, 1.1, f64::NAN] {
            assert_eq!(histogram(&[0.5]).quantile(q), None);
        }
    }

    #[test]
    fn law_parts_merge_to_the_whole() {
        let values: Vec<f64> = (0..500_u32).map(|k| f64::from(k * k % 377) / 377.0).collect();
        let mut merged = Histogram::default();
        for part in values.chunks(123) {
            merged.merge(histogram(part));
        }
        assert_eq!(merged, histogram(&values));
    }
}
