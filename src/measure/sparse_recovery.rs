//! Sparse recovery: how many active concepts can be told from their superposition by a reader who knows that they are few.

mod threshold;

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};
use rand::RngExt;
use rand::seq::index;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::threshold::{Signs, threshold};
use super::{Cost, Measure, Subject};
use crate::geometry::{decomposition, spectrum};
use crate::quantity::{Count, Counts, Positive};
use crate::seed::{Rng, Stream};
use crate::table::Change::{Permutation, Rescaling, Rotation};
use crate::table::{Change, Column, Unit, Value};

/// Recovery of k active concepts of n from their superposition, by the smallest Σ|x| that explains it.
///
/// In a trial k random concepts are active with amplitude 1 (`signed`: with a random sign), the trace is h = Ŵ x, and Ŵ, d × n, holds the vectors divided by their lengths.
/// The reader looks for the smallest Σ|x̂| with Ŵ x̂ = h; without `signed` it knows that no amplitude is negative. A trial succeeds when the root of Σ(x̂ − x)²/Σx² comes to `tolerance`
/// within `iterations`; whether it can does not depend on the sizes of the amplitudes. An active concept that is not represented cannot be brought back.
/// The minimum is found by Douglas–Rachford splitting over an orthonormal basis of the row space, which converges for every embedding; approximate message passing,
/// which has the same threshold, does so for independent random vectors alone. A trial ends early, as failed, when a point with the same trace and a smaller sum is met (without `signed`, negative
/// parts of it weigh 10), or when nothing changes any more.
///
/// In theory, for random directions: Φ((d − Δ)/σ), with Δ the statistical dimension of the descent cone, σ the width of the turn and Φ the standard normal distribution; one half
/// at the Donoho–Tanner threshold k = ρ(d/n) d, with ρ(δ) = max over z of (1 − (κ/δ) q(z))/(1 + z² − κ q(z)), q(z) = (1 + z²)Φ(−z) − zφ(z), φ the normal density, κ = 2 with `signed` and 1 without.
/// Of the trials that would succeed close to the threshold a few do not within `iterations`. O(n d min(n, d)) time to begin with and O(n min(n, d)) for each trial and iteration, of which some 50 to 500 are needed; memory for
/// n min(n, d) + 4 min(n, d)² numbers of f64.
///
/// Source: Donoho & Tanner (2009), J. Amer. Math. Soc. 22; Amelunxen, Lotz, McCoy & Tropp (2014), Inf. Inference 3; Eckstein & Bertsekas (1992), Math. Program. 55.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SparseRecovery {
    /// k, how many concepts are active: 1 to 32 counts with columns of their own, none above n.
    pub active: Counts,
    /// Whether amplitudes are 1 or −1 at random. By default they are 1, as features that are there or not, and more of them come back.
    pub signed: bool,
    /// Number of random trials for each k. With 40 the standard error of a success rate is at most 0.08.
    pub trials: Count,
    /// The most steps of the reader. Trials far from the threshold need about 100, near it some need more than 500.
    pub iterations: Count,
    /// Relative error up to which a trial has succeeded. Errors fall geometrically in the end, so it matters little.
    pub tolerance: Positive,
}

impl Default for SparseRecovery {
    fn default() -> Self {
        Self {
            active: Counts::new(&[4, 16]).expect("two different counts"),
            signed: false,
            trials: Count::new(40).expect("a count"),
            iterations: Count::new(500).expect("a count"),
            tolerance: Positive::new(1e-3).expect("it is above 0"),
        }
    }
}

/// Trials that are read together, so that products with the basis are of matrices: the more, the faster, and the fewer there are to share out. Fixed, for the same bits on any number of threads.
const BATCH: usize = 40;

/// Step of the splitting in amplitudes: any converges; half an amplitude needed the fewest steps near the threshold.
const STEP: f64 = 0.5;

/// What a negative part weighs against the sum where none is allowed. That the sum is not the smallest is certain where no concept that is off could be worse by more; 2 is what an opposite vector takes.
const NEGATIVE: f64 = 10.0;

impl Measure for SparseRecovery {
    fn columns(&self) -> Vec<Column> {
        const EVERY: &[Change] = &[Rotation, Permutation, Rescaling];
        let of = |k: u64| {
            [
                Column::named(
                    format!("sparse_recovery_success_{k}"),
                    Unit::Fraction,
                    format!("trials in which {k} active concepts are brought back by the smallest Σ|x| / trials"),
                )
                .within(0.0, 1.0)
                .unmoved_by(&[Rotation, Rescaling])
                .beside(format!("sparse_recovery_theory_{k}"))
                .from("Chen, Donoho & Saunders (1998), SIAM J. Sci. Comput. 20"),
                Column::named(
                    format!("sparse_recovery_theory_{k}"),
                    Unit::Fraction,
                    format!("theory: Φ((d − Δ)/σ) for {k} active of n random directions"),
                )
                .within(0.0, 1.0)
                .unmoved_by(EVERY)
                .from("Amelunxen, Lotz, McCoy & Tropp (2014)"),
            ]
        };
        let turn = Column::new("donoho_tanner_k", Unit::Count, "theory: ρ(d/n) d, active concepts of n random directions that come back in half of the trials; n for d ≥ n")
            .within(0.0, f64::INFINITY)
            .unmoved_by(EVERY)
            .from("Donoho & Tanner (2009)");
        self.active.iter().flat_map(of).chain([turn]).collect()
    }

    fn least_concepts(&self) -> u64 {
        self.active.largest()
    }

    fn cost(&self, n: f64, d: f64) -> Cost {
        let small = n.min(d);
        let trials = (self.trials.get() * self.active.iter().len() as u64) as f64;
        // Where units are enough there is nothing to look for, but for codes that do not use them.
        let steps = if d < n { (self.iterations.get() as f64).min(150.0) } else { 0.0 };
        let batch = (self.trials.get() as f64).min(BATCH as f64);
        Cost {
            seconds: 4.0 * spectrum::seconds(n, d) + 2e-9 * n * d + trials * steps * n * (4.0 * small / 25e9 + 2e-9),
            bytes: 8.0 * (2.0 * n * small + 4.0 * small * small + batch * (3.0 * n + 2.0 * small))
                + spectrum::memory(n as usize, d as usize) as f64,
        }
    }

    fn observe(&self, subject: &Subject, stream: &Stream) -> Vec<Value> {
        let (n, d) = (subject.n_concepts(), subject.represented().d_model());
        let basis = row_space(subject).map(Basis::new);
        let signs = if self.signed { Signs::Both } else { Signs::Positive };
        let parallel = subject.is_parallel();
        let success = |k: u64| basis.as_ref().map(|basis| self.success(basis, n, k as usize, stream, parallel));
        let pair = |k: u64| [success(k).into(), threshold::success(k as f64, n as f64, d as f64, signs).into()];
        let counts: Vec<u64> = self.active.iter().collect();
        let pairs: Vec<[Value; 2]> =
            if parallel { counts.into_par_iter().map(pair).collect() } else { counts.into_iter().map(pair).collect() };
        let turn = threshold(d as f64 / n as f64, signs) * d as f64;
        pairs.into_iter().flatten().chain([turn.into()]).collect()
    }
}

/// Orthonormal rows that span those of Ŵ: Ŵ x̂ = h says the same as their product with x̂.
fn row_space(subject: &Subject) -> Option<Mat<f64>> {
    let represented = subject.represented();
    if represented.n_concepts() == 0 {
        return Some(Mat::zeros(0, 0));
    }
    let lengths = subject.by_concept(|vector| vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt());
    spectrum::row_space(represented.n_concepts(), represented.d_model(), |i, k| {
        f64::from(represented.column(i)[k]) / lengths[i]
    })
}

/// Q, r × m, and Qᵀ, which products take in longer strides.
struct Basis {
    rows: Mat<f64>,
    columns: Mat<f64>,
}

impl Basis {
    fn new(rows: Mat<f64>) -> Self {
        Self { columns: rows.transpose().to_owned(), rows }
    }
}

impl SparseRecovery {
    /// The part of the trials with k active concepts that succeed.
    fn success(&self, basis: &Basis, n: usize, k: usize, stream: &Stream, parallel: bool) -> f64 {
        let stream = stream.stream(&k.to_string());
        let trials: Vec<Vec<(usize, f64)>> = (0..self.trials.get())
            .map(|trial| self.active_concepts(n, k, &mut stream.rng_of(trial as usize)))
            .collect();
        let readable: Vec<_> = trials
            .into_iter()
            .filter(|active| active.iter().all(|&(concept_idx, _)| concept_idx < basis.rows.ncols()))
            .collect();
        // As many independent directions as concepts: one solution alone explains the trace.
        let succeeded = if basis.rows.nrows() == basis.rows.ncols() {
            readable.len()
        } else if parallel {
            readable.par_chunks(BATCH).map(|batch| self.recovered(basis, batch)).sum()
        } else {
            readable.chunks(BATCH).map(|batch| self.recovered(basis, batch)).sum()
        };
        succeeded as f64 / self.trials.get() as f64
    }

    fn active_concepts(&self, n: usize, k: usize, rng: &mut Rng) -> Vec<(usize, f64)> {
        let chosen = index::sample(rng, n, k).into_iter();
        chosen.map(|concept_idx| (concept_idx, if self.signed && rng.random() { -1.0 } else { 1.0 })).collect()
    }

    /// How many trials of a batch succeed.
    fn recovered(&self, Basis { rows, columns }: &Basis, batch: &[Vec<(usize, f64)>]) -> usize {
        let (rank, m, mut n_left) = (rows.nrows(), rows.ncols(), batch.len());
        let mut truth = Mat::<f64>::zeros(m, n_left);
        for (trial, active) in batch.iter().enumerate() {
            active.iter().for_each(|&(concept_idx, amplitude)| truth[(concept_idx, trial)] = amplitude);
        }
        let mut trace = decomposition::product(rows.as_ref(), truth.as_ref());
        let mut point = decomposition::product(columns.as_ref(), trace.as_ref());
        let (mut surplus, mut feasible) = (Mat::<f64>::zeros(rank, n_left), Mat::<f64>::zeros(m, n_left));
        let mut n_recovered = 0;
        for _ in 0..self.iterations.get() {
            // The nearest point with the right trace: z − Qᵀ(Q z − Q x).
            let mut surplus = surplus.as_mut().subcols_mut(0, n_left);
            surplus.copy_from(trace.as_ref().subcols(0, n_left));
            matmul(surplus.as_mut(), Accum::Add, rows, point.as_ref().subcols(0, n_left), -1.0, Par::Seq);
            let mut nearest = feasible.as_mut().subcols_mut(0, n_left);
            nearest.copy_from(point.as_ref().subcols(0, n_left));
            matmul(nearest.as_mut(), Accum::Add, columns, surplus.as_ref(), 1.0, Par::Seq);
            for trial in (0..n_left).rev() {
                let verdict =
                    self.step(truth.col_as_slice(trial), feasible.col_as_slice(trial), point.col_as_slice_mut(trial));
                if let Some(recovered) = verdict {
                    n_recovered += usize::from(recovered);
                    n_left -= 1;
                    // The last trial takes its place.
                    for matrix in [&mut truth, &mut point, &mut feasible, &mut trace] {
                        let last = matrix.col_as_slice(n_left).to_vec();
                        matrix.col_as_slice_mut(trial).copy_from_slice(&last);
                    }
                }
            }
            if n_left == 0 {
                break;
            }
        }
        n_recovered
    }

    /// One step of the splitting, z ← z + prox(2x − z) − x from the nearest point x with the right trace; whether the trial has succeeded or failed, once that is known.
    fn step(&self, truth: &[f64], feasible: &[f64], point: &mut [f64]) -> Option<bool> {
        let (mut error, mut change, mut sum, mut square) = (0.0, 0.0, 0.0, 0.0);
        for ((&amplitude, &x), z) in truth.iter().zip(feasible).zip(point) {
            let reflected = 2.0 * x - *z;
            let shrunk =
                if self.signed { reflected - reflected.clamp(-STEP, STEP) } else { (reflected - STEP).max(0.0) };
            let excess = if self.signed {
                x.abs()
            } else if amplitude == 0.0 {
                x.max(-NEGATIVE * x)
            } else {
                x
            };
            *z += shrunk - x;
            error += (shrunk - amplitude) * (shrunk - amplitude);
            change += (shrunk - x) * (shrunk - x);
            sum += excess - amplitude.abs();
            square += amplitude * amplitude;
        }
        // Sums of n terms of order 1, or one that has settled: 1e-9 of the amplitudes is far above the rounding and far below any tolerance that makes sense.
        let tolerance = self.tolerance.get();
        if error <= tolerance * tolerance * square {
            Some(true)
        } else if sum < -1e-9 * square || change < 1e-18 * square {
            Some(false)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::embedding::Embedding;
    use crate::geometry::kernel::Kernel;
    use nalgebra::DMatrix;
    use rand_distr::{Distribution, StandardNormal};

    fn row(matrix: DMatrix<f32>, measure: &SparseRecovery, parallel: bool) -> Vec<f64> {
        let subject = Subject::new(Embedding::new(matrix), None, Kernel::Scalar, parallel);
        measure.observe(&subject, &Stream::from_seed(0)).iter().map(|value| value.number().unwrap()).collect()
    }

    fn normal(d: usize, n: usize, seed: u64) -> DMatrix<f32> {
        let mut rng = Stream::from_seed(seed).rng();
        DMatrix::from_fn(d, n, |_, _| StandardNormal.sample(&mut rng))
    }

    fn asked(active: &[u64], signed: bool, trials: u64) -> SparseRecovery {
        let (active, trials) = (Counts::new(active).unwrap(), Count::new(trials).unwrap());
        SparseRecovery { active, signed, trials, ..Default::default() }
    }

    // V16 for δ = 0.5: well below the threshold all comes back, well above it nothing does, and between them the rate follows the theory, which is right for large n:
    // within 4 standard errors of a rate and 0.05 for n = 200 and for trials that the iterations cut off.
    #[test]
    fn theory_v16_success_turns_at_the_threshold() {
        for (signed, threshold) in [(true, 38.569), (false, 55.823)] {
            let active = [0.6, 0.9, 1.0, 1.1, 1.5].map(|part| (part * threshold) as u64);
            let row = row(normal(100, 200, 1), &asked(&active, signed, 60), true);
            assert!((row[10] - threshold).abs() < 1e-2, "{row:?}");
            assert_eq!((row[0], row[8]), (1.0, 0.0), "{row:?}");
            for pair in row[..10].chunks_exact(2) {
                let error = (pair[1] * (1.0 - pair[1]) / 60.0).sqrt();
                assert!((pair[0] - pair[1]).abs() < 4.0 * error + 0.05, "signed = {signed}: {row:?}");
            }
        }
    }

    #[test]
    fn theory_enough_units_bring_everything_back_and_none_what_is_not_represented() {
        let everything = asked(&[1, 20], true, 7);
        assert_eq!(row(normal(30, 20, 2), &everything, false), [1.0, 1.0, 1.0, 1.0, 20.0]);
        let mut half = normal(30, 20, 3);
        half.columns_mut(0, 10).fill(0.0);
        let found = row(half, &asked(&[1, 11], false, 400), false);
        // One active concept is among the represented half as often as not: ½ ± 4 √(¼/400).
        assert!((found[0] - 0.5).abs() < 0.1 && found[2] == 0.0, "{found:?}");
        let nothing = row(DMatrix::zeros(3, 20), &asked(&[1], false, 3), false);
        assert_eq!(nothing[0], 0.0);
    }

    #[test]
    fn theory_structured_codes_are_read_as_well() {
        // Of two equal vectors either explains the trace, and half of each: neither comes back. One alone does.
        let mut equal = normal(12, 16, 4);
        let first = equal.column(0).into_owned();
        equal.columns_mut(0, 8).column_iter_mut().for_each(|mut column| column.copy_from(&first));
        let found = row(equal, &asked(&[1], false, 400), false);
        assert!((found[0] - 0.5).abs() < 0.1, "{found:?}");
        // Two bases, axes and Hadamard's: coherence 1/√d = ¼, so fewer than (1 + 4)/2 active come back for sure (Donoho & Elad 2003).
        let hadamard = DMatrix::from_fn(16, 32, |k, i| {
            if i < 16 {
                if k == i { 1.0 } else { 0.0 }
            } else if (k & i).count_ones() % 2 == 0 {
                1.0
            } else {
                -1.0
            }
        });
        assert_eq!(row(hadamard, &asked(&[1, 2], true, 60), false)[..3], [1.0, row_theory(1), 1.0]);
    }

    fn row_theory(k: u64) -> f64 {
        threshold::success(k as f64, 32.0, 16.0, Signs::Both)
    }

    #[test]
    fn law_lengths_and_threads_do_not_count() {
        let w = normal(24, 60, 5);
        let mut long = w.clone();
        long.column_iter_mut().enumerate().for_each(|(i, mut column)| column *= 2f32.powi(i as i32 % 9 - 4));
        let measure = asked(&[3, 8, 12], false, 50);
        let found = row(w, &measure, false);
        assert_eq!(found, row(long.clone(), &measure, false), "powers of two leave every bit of a direction");
        assert_eq!(found, row(long, &measure, true));
    }
}
