//! Associative memory: whether the concepts hold as patterns of a Hopfield network.

use std::f64::consts::{FRAC_2_SQRT_PI, SQRT_2};

use rand::seq::{SliceRandom, index};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cost, Measure, Subject, mean};
use crate::geometry::embedding::Embedding;
use crate::geometry::kernel::{
    Kernel,
    lanes::{self, Lanes},
};
use crate::quantity::{Count, Fraction};
use crate::seed::{Rng, Stream};
use crate::table::Change::{Permutation, Rescaling, Rotation};
use crate::table::{Change, Column, Unit, Value};

/// Recall of the concepts as patterns of a Hopfield network with one unit of ±1 for each of the d units.
///
/// The pattern of a concept is the signs of its vector, ξᵘ for concept u of n, and the couplings are Hebb's, Jᵢⱼ = Σᵤ ξᵢᵘξⱼᵘ/d without self-coupling. A trial starts at a
/// random pattern, of which `cue_noise` of the units, at random, are flipped. Error of one step: units whose field Σⱼ Jᵢⱼsⱼ has not the sign of the pattern, all looked at before
/// any is changed. Then one unit after another takes the sign of its field, at zero temperature, in a random order that is new in each sweep,
/// until nothing changes: the energy falls with every change, so it ends; a field of exactly 0 leaves its unit as it is, in both. Overlap: m = Σᵢ ξᵢsᵢ/d at the end.
/// A unit that is exactly 0 has no sign: where a vector has one, or a concept is not represented, there are no patterns, and what is measured is undefined.
///
/// In theory, for random signs: one step from overlap m₀ errs in ½ erfc(m₀ √(d/(2(n − 1)))) of the units, with erfc the complementary error function. The overlap
/// at the end is erf(y) of the larger root of y (√(2α) + 2/√π exp(−y²)) = erf(y), with α = n/d; it falls to 0.967 at the critical load α = 0.138, beyond
/// which the theory has no state near a pattern and 0 is written. What the dynamics leaves there is about 0.35. Near the critical load the turn is smooth in finite networks: at d = 1000 it begins
/// at 0.13. All fields are whole numbers, so they are exact. O(trials · sweeps · n d) time, n d bytes of memory; no d × d matrix.
///
/// Source: Hopfield (1982), PNAS 79; Amit, Gutfreund & Sompolinsky (1985), Phys. Rev. Lett. 55, for the theory without temperature.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AssociativeMemory {
    /// Number of trials, each from another pattern; where there are fewer concepts, each is tried once.
    pub trials: Count,
    /// Part of the units that are flipped at the beginning, from 0 to 1, rounded to whole units. 0 asks whether patterns are stable, more how far they attract.
    pub cue_noise: Fraction,
    /// The most sweeps over all units. Few are needed: some 5 at small load, some 20 beyond the critical one.
    pub sweeps: Count,
}

impl Default for AssociativeMemory {
    fn default() -> Self {
        Self {
            trials: Count::new(20).expect("a count"),
            cue_noise: Fraction::new(0.0).expect("a fraction"),
            sweeps: Count::new(100).expect("a count"),
        }
    }
}

/// What came of one trial.
struct Recalled {
    one_step_error: f64,
    overlap: f64,
}

impl Measure for AssociativeMemory {
    fn columns(&self) -> Vec<Column> {
        const EVERY: &[Change] = &[Rotation, Permutation, Rescaling];
        const AGS: &str = "Amit, Gutfreund & Sompolinsky (1985)";
        let column = |name, unit, meaning, source| Column::new(name, unit, meaning).within(0.0, 1.0).from(source);
        vec![
            column("hopfield_load", Unit::Pure, "n/d: patterns for each unit", "Hopfield (1982)")
                .within(0.0, f64::INFINITY)
                .unmoved_by(EVERY)
                .beside("hopfield_critical_load"),
            column(
                "hopfield_critical_load",
                Unit::Pure,
                "theory: load 0.1379, beyond which no state near a pattern is left",
                AGS,
            )
            .unmoved_by(EVERY),
            column(
                "hopfield_one_step_error",
                Unit::Fraction,
                "units whose field has not the sign of the pattern, at the cue / units, mean over trials",
                "Hopfield (1982)",
            )
            .unmoved_by(&[Rescaling])
            .beside("hopfield_one_step_theory"),
            column(
                "hopfield_one_step_theory",
                Unit::Fraction,
                "theory: ½ erfc(m₀ √(d/(2(n − 1)))) for random signs, m₀ the overlap of the cue",
                AGS,
            )
            .unmoved_by(EVERY),
            column(
                "hopfield_overlap",
                Unit::Fraction,
                "Σ ξs/d of the pattern with the state at the end, mean over trials",
                AGS,
            )
            .within(-1.0, 1.0)
            .unmoved_by(&[Rescaling])
            .beside("hopfield_overlap_theory"),
            column(
                "hopfield_overlap_theory",
                Unit::Fraction,
                "theory: overlap of the state near a pattern for random signs and large d; 0 where there is none",
                AGS,
            )
            .unmoved_by(EVERY),
        ]
    }

    fn cost(&self, n: f64, d: f64) -> Cost {
        // A sweep takes n d additions of whole numbers; a first step, some 8 sweeps and the last one that changes nothing.
        let trials = n.min(self.trials.get() as f64);
        let sweeps = 2.0 + (self.sweeps.get() as f64).min(8.0);
        Cost { seconds: n * d * (1e-9 + trials * sweeps * NS_PER_SIGN * 1e-9), bytes: n * d + 16.0 * (n + d) }
    }

    fn observe(&self, subject: &Subject, stream: &Stream) -> Vec<Value> {
        let (n, d) = (subject.n_concepts(), subject.represented().d_model());
        let cue_overlap = 1.0 - 2.0 * self.n_flipped(d) as f64 / d as f64;
        let load = n as f64 / d as f64;
        let recalled = Network::new(subject).map(|network| self.trials(&network, stream, subject.is_parallel()));
        let average = |number: fn(&Recalled) -> f64| {
            Value::from(recalled.as_ref().and_then(|trials| mean(trials.iter().map(number))))
        };
        vec![
            load.into(),
            critical().0.into(),
            average(|trial| trial.one_step_error),
            one_step_theory(n as f64, d as f64, cue_overlap).into(),
            average(|trial| trial.overlap),
            overlap_theory(load).into(),
        ]
    }
}

/// Time of one sign in a sum of n of them.
const NS_PER_SIGN: f64 = 0.07;

impl AssociativeMemory {
    fn n_flipped(&self, d: usize) -> usize {
        (self.cue_noise.get() * d as f64).round() as usize
    }

    /// All trials; each has a stream of its own, so they may run side by side.
    fn trials(&self, network: &Network, stream: &Stream, parallel: bool) -> Vec<Recalled> {
        let n_trials = network.n_patterns().min(self.trials.size());
        let chosen = index::sample(&mut stream.stream("patterns").rng(), network.n_patterns(), n_trials).into_vec();
        let trial = |(trial_idx, &pattern_idx): (usize, &usize)| {
            self.trial(network, pattern_idx, stream.stream("trial").rng_of(trial_idx))
        };
        if parallel {
            chosen.par_iter().enumerate().map(trial).collect()
        } else {
            chosen.iter().enumerate().map(trial).collect()
        }
    }

    fn trial(&self, network: &Network, pattern_idx: usize, mut rng: Rng) -> Recalled {
        let d = network.n_units();
        let pattern: Vec<i32> =
            network.patterns.column(pattern_idx).iter().map(|x| if *x < 0.0 { -1 } else { 1 }).collect();
        let mut state = pattern.clone();
        index::sample(&mut rng, d, self.n_flipped(d)).into_iter().for_each(|unit| state[unit] = -state[unit]);
        let mut overlaps = network.overlaps(&state);
        let mut total = network.total(&state);
        let next = |s: i32, overlaps: &[i32], total: i64, unit: usize| match network.field(unit, s, overlaps, total) {
            0 => s,
            field => field.signum() as i32,
        };
        let n_wrong = (0..d).filter(|&unit| next(state[unit], &overlaps, total, unit) != pattern[unit]).count();
        let mut order: Vec<usize> = (0..d).collect();
        for _ in 0..self.sweeps.get() {
            order.shuffle(&mut rng);
            let mut n_changed = 0;
            for &unit in &order {
                if next(state[unit], &overlaps, total, unit) != state[unit] {
                    state[unit] = -state[unit];
                    network.add(unit, 2 * state[unit], &mut overlaps);
                    total += 2 * network.excess[unit] * i64::from(state[unit]);
                    n_changed += 1;
                }
            }
            if n_changed == 0 {
                break;
            }
        }
        let overlap: i64 = state.iter().zip(&pattern).map(|(s, x)| i64::from(s * x)).sum();
        Recalled { one_step_error: n_wrong as f64 / d as f64, overlap: overlap as f64 / d as f64 }
    }
}

/// Patterns, unit by unit: 0 for +1 and −1 for −1, so that x ^ s − s is x with the sign.
struct Network<'a> {
    signs: Vec<i8>,
    /// Of each unit, how many patterns more have +1 than −1.
    excess: Vec<i64>,
    patterns: &'a Embedding,
    kernel: Kernel,
}

impl<'a> Network<'a> {
    /// `None` if an entry of a concept is 0.
    fn new(subject: &'a Subject) -> Option<Self> {
        let (n, d) = (subject.n_concepts(), subject.represented().d_model());
        let entries = subject.represented().as_slice();
        if n == 0 || subject.represented().n_concepts() < n || entries.contains(&0.0) {
            return None;
        }
        let mut signs = vec![0; n * d];
        // Tiles of patterns, so that neither the entries nor the signs are read from far apart.
        const TILE: usize = 64;
        for first in (0..n).step_by(TILE) {
            for unit in 0..d {
                for pattern in first..(first + TILE).min(n) {
                    signs[unit * n + pattern] = -i8::from(entries[pattern * d + unit] < 0.0);
                }
            }
        }
        let one = |signs: &[i8]| signs.iter().map(|&sign| i64::from(sign | 1)).sum();
        let excess = signs.chunks_exact(n).map(one).collect();
        Some(Self { signs, excess, patterns: subject.represented(), kernel: subject.kernel() })
    }

    fn n_patterns(&self) -> usize {
        self.patterns.n_concepts()
    }

    fn n_units(&self) -> usize {
        self.patterns.d_model()
    }

    fn of_unit(&self, unit: usize) -> &[i8] {
        &self.signs[unit * self.n_patterns()..][..self.n_patterns()]
    }

    /// Σᵢ ξᵢsᵢ for each pattern.
    fn overlaps(&self, state: &[i32]) -> Vec<i32> {
        let mut overlaps = vec![0; self.n_patterns()];
        lanes::run(self.kernel, Sums { signs: &self.signs, state, overlaps: &mut overlaps });
        overlaps
    }

    /// The sum of all overlaps.
    fn total(&self, state: &[i32]) -> i64 {
        self.excess.iter().zip(state).map(|(excess, &s)| excess * i64::from(s)).sum()
    }

    /// What a unit adds to the overlaps.
    fn add(&self, unit: usize, s: i32, overlaps: &mut [i32]) {
        lanes::run(self.kernel, Add { signs: self.of_unit(unit), s, overlaps });
    }

    /// d Σⱼ Jᵢⱼsⱼ = Σᵤ ξᵢᵘ (Σⱼ ξⱼᵘsⱼ) − n sᵢ, a whole number, given the sum of all overlaps.
    fn field(&self, unit: usize, s: i32, overlaps: &[i32], sum: i64) -> i64 {
        // No overlap exceeds d, so as many as this add up in 32 bits.
        let chunk = (i32::MAX as usize / self.n_units()).max(1);
        let parts = overlaps.chunks(chunk).zip(self.of_unit(unit).chunks(chunk));
        let negative = parts.map(|(overlaps, signs)| i64::from(lanes::run(self.kernel, Negative { signs, overlaps })));
        sum - 2 * negative.sum::<i64>() - self.n_patterns() as i64 * i64::from(s)
    }
}

/// Adds what all units of a state give to the overlaps.
struct Sums<'a> {
    signs: &'a [i8],
    state: &'a [i32],
    overlaps: &'a mut [i32],
}

/// Adds s with the sign of each pattern to its overlap.
struct Add<'a> {
    signs: &'a [i8],
    s: i32,
    overlaps: &'a mut [i32],
}

/// The sum of the overlaps of patterns in which the unit is −1.
struct Negative<'a> {
    signs: &'a [i8],
    overlaps: &'a [i32],
}

// Whole numbers, which compilers put into whatever registers there are.
impl lanes::Task for Sums<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes, const R: usize>(self) {
        /// Patterns whose sums of single bytes stay in the first cache.
        const STRIP: usize = 4096;
        let n = self.overlaps.len();
        for (strip_idx, overlaps) in self.overlaps.chunks_mut(STRIP).enumerate() {
            // As many numbers of ±1 as a byte can hold the sum of.
            for (states, rows) in self.state.chunks(127).zip(self.signs.chunks(127 * n)) {
                let mut sums = [0i8; STRIP];
                for (&s, row) in states.iter().zip(rows.chunks_exact(n)) {
                    let signs = &row[strip_idx * STRIP..][..overlaps.len()];
                    sums.iter_mut().zip(signs).for_each(|(sum, &sign)| *sum += (s as i8 ^ sign) - sign);
                }
                overlaps.iter_mut().zip(sums).for_each(|(overlap, sum)| *overlap += i32::from(sum));
            }
        }
    }
}

impl lanes::Task for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes, const R: usize>(self) {
        for (overlap, &sign) in self.overlaps.iter_mut().zip(self.signs) {
            *overlap += (self.s ^ i32::from(sign)) - i32::from(sign);
        }
    }
}

impl lanes::Task for Negative<'_> {
    type Output = i32;

    #[inline(always)]
    fn run<L: Lanes, const R: usize>(self) -> i32 {
        self.overlaps.iter().zip(self.signs).map(|(&x, &sign)| x & i32::from(sign)).sum()
    }
}

/// ½ erfc(m₀ √(d/(2(n − 1)))), the part of the units whose field has the wrong sign.
fn one_step_theory(n: f64, d: f64, cue_overlap: f64) -> f64 {
    let noise = (2.0 * (n - 1.0) / d).sqrt();
    match (noise > 0.0, cue_overlap) {
        (true, overlap) => 0.5 * libm::erfc(overlap / noise),
        // One pattern alone: nothing but the signal. A cue across it leaves fields of 0, so the half of the units that are wrong stay wrong.
        (false, 0.0) => 0.5,
        (false, overlap) => f64::from(overlap < 0.0),
    }
}

/// The load at which y is a root of y (√(2α) + 2/√π exp(−y²)) = erf(y).
fn load_at(y: f64) -> f64 {
    let root = (libm::erf(y) / y - FRAC_2_SQRT_PI * libm::exp(-y * y)) / SQRT_2;
    root * root
}

/// The largest load that has a root, and that root: the top of [`load_at`], which rises before it and falls after it.
fn critical() -> (f64, f64) {
    let (mut low, mut high) = (1.0f64, 2.0f64);
    // Thirds: 100 steps take the bracket far below the square root of the rounding, where the top is flat.
    for _ in 0..100 {
        let third = (high - low) / 3.0;
        if load_at(low + third) < load_at(high - third) {
            low += third;
        } else {
            high -= third;
        }
    }
    let y = 0.5 * (low + high);
    (load_at(y), y)
}

/// Overlap of the retrieval state at this load, 0 where there is none.
fn overlap_theory(load: f64) -> f64 {
    let (largest, top) = critical();
    if load > largest {
        return 0.0;
    }
    // Right of the top the load falls with y, and it is below 1/(2y²) everywhere.
    let (mut low, mut high) = (top, (0.5 / load).sqrt().max(top));
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if load_at(middle) > load { low = middle } else { high = middle }
    }
    libm::erf(0.5 * (low + high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::embedding::Embedding;
    use crate::geometry::kernel::Kernel;
    use nalgebra::DMatrix;
    use rand::RngExt;

    fn random_signs(d: usize, n: usize, seed: u64) -> Embedding {
        let mut rng = Stream::from_seed(seed).rng();
        Embedding::new(DMatrix::from_fn(d, n, |_, _| if rng.random::<bool>() { 0.5 } else { -2.0 }))
    }

    fn row(embedding: Embedding, measure: &AssociativeMemory, parallel: bool) -> Vec<Option<f64>> {
        let subject = Subject::new(embedding, None, Kernel::Scalar, parallel);
        measure.observe(&subject, &Stream::from_seed(1)).iter().map(Value::number).collect()
    }

    fn defined(row: Vec<Option<f64>>) -> Vec<f64> {
        row.into_iter().map(|x| x.expect("a number")).collect()
    }

    // Amit, Gutfreund & Sompolinsky (1985), abstract and text: α_c ≈ 0.138 and m ≈ 0.967 there.
    #[test]
    fn theory_critical_load_and_overlap_of_amit_gutfreund_and_sompolinsky() {
        let (load, y) = critical();
        assert!((load - 0.138).abs() < 0.0005 && (libm::erf(y) - 0.967).abs() < 0.0005, "{load} {y}");
        assert!((overlap_theory(load) - libm::erf(y)).abs() < 1e-6);
        assert_eq!(overlap_theory(0.1380), 0.0);
        // Far below, all noise is that of one step: 1 − m = erfc(1/√(2α)).
        assert!(((1.0 - overlap_theory(0.03)) / libm::erfc((0.5f64 / 0.03).sqrt()) - 1.0).abs() < 1e-3);
        assert!((overlap_theory(1e-6) - 1.0).abs() < 1e-12);
    }

    // The saddle-point equations in their usual form, iterated: m = erf(m/√(2αr)), C = √(2/(παr)) exp(−m²/(2αr)), r = 1/(1 − C)².
    #[test]
    fn theory_overlap_solves_the_mean_field_equations() {
        for load in [0.02, 0.05, 0.1, 0.13] {
            let (mut m, mut r) = (1.0f64, 1.0f64);
            for _ in 0..2000 {
                let c = (2.0 / (std::f64::consts::PI * load * r)).sqrt() * (-m * m / (2.0 * load * r)).exp();
                r = 1.0 / (1.0 - c).powi(2);
                m = libm::erf(m / (2.0 * load * r).sqrt());
            }
            assert!((overlap_theory(load) - m).abs() < 1e-10, "{load}: {} against {m}", overlap_theory(load));
        }
    }

    // V16 with N = 1000: the error of one step within 25 % of the formula, final overlap 0.998 at load 0.10 and 0.34 at 0.20 within 0.05. Beyond the critical load
    // the overlap of a trial has a spread of 0.12, much of it common to one network: the mean over 8 networks of 15 trials has a standard error of 0.014.
    #[test]
    fn theory_v16_overlap_and_error_of_a_thousand_units() {
        let measure = AssociativeMemory { trials: Count::new(15).unwrap(), ..Default::default() };
        for (n, overlap) in [(100, 0.998), (200, 0.34)] {
            let rows: Vec<_> = (0..8).map(|seed| defined(row(random_signs(1000, n, seed), &measure, true))).collect();
            let average = |idx: usize| rows.iter().map(|row| row[idx]).sum::<f64>() / 8.0;
            assert!((average(2) / average(3) - 1.0).abs() < 0.25, "{n}: {rows:?}");
            assert!((average(4) - overlap).abs() < 0.05, "{n}: {} {rows:?}", average(4));
        }
    }

    #[test]
    fn theory_dynamics_is_that_of_the_coupling_matrix() {
        // One step and all fields, against J written out.
        let (d, n) = (30, 9);
        let embedding = random_signs(d, n, 4);
        let x = DMatrix::from_fn(d, n, |k, i| embedding.matrix()[(k, i)].signum() as f64);
        let mut couplings = &x * x.transpose();
        couplings.fill_diagonal(0.0);
        let subject = Subject::new(embedding, None, Kernel::Scalar, false);
        let network = Network::new(&subject).unwrap();
        let state: Vec<i32> = (0..d).map(|k| if k % 3 == 0 { -1 } else { 1 }).collect();
        let overlaps = network.overlaps(&state);
        for unit in 0..d {
            let field: f64 = (0..d).map(|j| couplings[(unit, j)] * f64::from(state[j])).sum();
            assert_eq!(network.field(unit, state[unit], &overlaps, network.total(&state)) as f64, field);
        }
    }

    #[test]
    fn theory_overlaps_are_products_of_signs() {
        // More units than a byte holds the sum of, and more patterns than a strip has; the first pattern is all +1, whose overlap with +1 is d.
        let (d, n) = (300, 4100);
        let mut matrix = random_signs(d, n, 6).matrix().clone();
        matrix.column_mut(0).fill(1.0);
        for (kernel, s) in Kernel::available().zip([1, -1, 1]) {
            let subject = Subject::new(Embedding::new(matrix.clone()), None, kernel, false);
            let network = Network::new(&subject).unwrap();
            let overlaps = network.overlaps(&vec![s; d]);
            let exact = matrix.column_iter().map(|column| column.iter().map(|x| x.signum() as i32 * s).sum::<i32>());
            assert!(exact.eq(overlaps.iter().copied()));
            assert_eq!(network.total(&vec![s; d]), overlaps.iter().map(|&x| i64::from(x)).sum::<i64>());
        }
    }

    #[test]
    fn theory_few_patterns_are_recalled_from_noisy_cues_and_one_from_any() {
        let noisy = AssociativeMemory { cue_noise: Fraction::new(0.25).unwrap(), ..Default::default() };
        let found = defined(row(random_signs(400, 8, 5), &noisy, false));
        // m₀ = ½: error ½ erfc(½ √(400/14)) = 3.8e-3, about 30 of 8 · 400 units at √12 a standard deviation.
        assert!((found[3] - 0.5 * libm::erfc(0.5 * (400.0f64 / 14.0).sqrt())).abs() < 1e-12);
        assert!((found[2] - found[3]).abs() < 4.0 * (found[3] / 3200.0).sqrt(), "{found:?}");
        assert_eq!(found[4], 1.0, "8 patterns in 400 units");
        let opposite = AssociativeMemory { cue_noise: Fraction::new(0.75).unwrap(), ..Default::default() };
        let found = defined(row(random_signs(64, 1, 6), &opposite, false));
        assert_eq!(found[2..5], [1.0, 1.0, -1.0], "the opposite of a pattern attracts as well");
    }

    #[test]
    fn law_no_sign_no_pattern() {
        let zero = Embedding::new(DMatrix::from_row_slice(2, 2, &[1.0, 0.0, 1.0, 1.0]));
        let found = row(zero, &Default::default(), false);
        assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false, true, false, true]);
        let missing = Embedding::new(DMatrix::from_row_slice(2, 2, &[1.0, 0.0, 1.0, 0.0]));
        assert_eq!(row(missing, &Default::default(), false)[4], None);
    }

    #[test]
    fn law_trials_side_by_side_are_the_same() {
        let measure = AssociativeMemory::default();
        assert_eq!(row(random_signs(120, 20, 7), &measure, true), row(random_signs(120, 20, 7), &measure, false));
    }
}
