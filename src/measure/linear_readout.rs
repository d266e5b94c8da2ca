//! Linear readout: what a linear reader gets back when all concepts are there at once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cost, Measure, Subject};
use crate::geometry::spectrum;
use crate::quantity::NonNegative;
use crate::seed::Stream;
use crate::table::Change::{Permutation, Rescaling, Rotation};
use crate::table::{Change, Column, Unit, Value};

/// Error of reading all n concepts at once, linearly, from their superposition: the exact expectation, without random trials.
///
/// All concepts are there, concept i with an amplitude xᵢ of its own, independent, with mean 0 and variance 1; the trace is h = Ŵ x, and Ŵ, d × n, holds the
/// vectors divided by their lengths, zero for a concept that is not represented. Two readers, and for each the expected square error of a concept, |x̂ − x|²/n:
/// ridge, x̂ = (ŴᵀŴ + γ)⁻¹ Ŵᵀh, with error Σ (γ/(λ + γ))²/n over the n eigenvalues λ of ŴᵀŴ, which is 1 − rank/n for γ = 0 (the pseudo-inverse);
/// and matched filter, x̂ = Ŵᵀh, with error Σ cos²/n over the ordered pairs of different concepts. One that is not represented is read as 0: error 1.
/// No linear reader does better than 1 − d/n, so dense concepts do not fit into fewer units; what more a space holds, it holds because concepts are sparse.
///
/// In theory, for random directions: ridge 1 − min(d, n)/n for γ = 0, and for γ > 0 the limit of large n and d, −γ² s′(γ), where s = tr(ŴᵀŴ + γ)⁻¹/n solves
/// (n/d) γ s² + (γ + 1 − n/d) s = 1; matched filter (n − 1)/d. Singular values below 2⁻²² of the largest are taken for rounding of f32 entries.
/// O(n d min(n, d)) time and one min(n, d)² matrix of f64.
///
/// Source: Marchenko & Pastur (1967), Math. USSR-Sb. 1, for the eigenvalues; Penrose (1956), Proc. Camb. Phil. Soc. 52, for the pseudo-inverse.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LinearReadout {
    /// γ, in squared lengths of a concept, from 0. It is the variance of the noise in a unit for which the reader is the best linear one. 0 is the pseudo-inverse.
    pub ridge: NonNegative,
}

impl Default for LinearReadout {
    fn default() -> Self {
        Self { ridge: NonNegative::new(0.0).expect("0 is not negative") }
    }
}

impl Measure for LinearReadout {
    fn columns(&self) -> Vec<Column> {
        const EVERY: &[Change] = &[Rotation, Permutation, Rescaling];
        let error =
            |name, meaning| Column::new(name, Unit::Fraction, meaning).within(0.0, f64::INFINITY).unmoved_by(EVERY);
        vec![
            error("linear_readout_error", "Σ (γ/(λ + γ))²/n: expected square error of a concept for the ridge reader, all concepts dense")
                .within(0.0, 1.0)
                .beside("linear_readout_theory")
                .from("Penrose (1956)"),
            error("linear_readout_theory", "theory for random directions: 1 − min(d, n)/n without ridge, else from the law of Marchenko and Pastur")
                .within(0.0, 1.0)
                .from("Marchenko & Pastur (1967)"),
            error("matched_filter_error", "Σ_{i≠j} cos²/n + concepts not represented/n: expected square error of a concept read by its own vector")
                .beside("matched_filter_theory")
                .from("Frame potential: Benedetto & Fickus (2003), Adv. Comput. Math. 18"),
            error("matched_filter_theory", "theory for random directions: (n − 1)/d").from("E cos² = 1/d"),
        ]
    }

    fn cost(&self, n: f64, d: f64) -> Cost {
        Cost {
            seconds: spectrum::seconds(n, d) + 2e-9 * n * d,
            bytes: spectrum::memory(n as usize, d as usize) as f64 + 8.0 * n,
        }
    }

    fn observe(&self, subject: &Subject, _: &Stream) -> Vec<Value> {
        let (n, d) = (subject.n_concepts() as f64, subject.represented().d_model() as f64);
        let (m, ridge) = (subject.represented().n_concepts() as f64, self.ridge.get());
        let errors = squares(subject).map(|squares| errors(&squares, m, n, ridge));
        vec![
            errors.map(|(linear, _)| linear).into(),
            theory(n, d, ridge).into(),
            errors.map(|(_, matched)| matched).into(),
            ((n - 1.0) / d).into(),
        ]
    }
}

/// Eigenvalues of ŴᵀŴ but for those that are 0 for want of units or vectors.
fn squares(subject: &Subject) -> Option<Vec<f64>> {
    let represented = subject.represented();
    if represented.n_concepts() == 0 {
        return Some(Vec::new());
    }
    let lengths = subject.by_concept(|vector| vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt());
    let entry = |i: usize, k: usize| f64::from(represented.column(i)[k]) / lengths[i];
    spectrum::squares(represented.n_concepts(), represented.d_model(), entry, subject.is_parallel())
}

/// Errors of the ridge reader and of the matched filter, given the eigenvalues of ŴᵀŴ; those that are missing to n are 0.
fn errors(squares: &[f64], m: f64, n: f64, ridge: f64) -> (f64, f64) {
    let noise = spectrum::rounding(squares);
    let found = squares.iter().copied().filter(|&square| square > noise);
    let recovered = found.clone().map(|square| {
        let missed = ridge / (square + ridge);
        1.0 - missed * missed
    });
    // Σλ² is the sum of all squared cosines, of which m are those of a vector with itself.
    let crosstalk = (found.map(|square| square * square).sum::<f64>() - m).max(0.0);
    ((1.0 - recovered.sum::<f64>() / n).clamp(0.0, 1.0), (crosstalk + (n - m)) / n)
}

/// Expected error of the ridge reader for n random directions in d units.
fn theory(n: f64, d: f64, ridge: f64) -> f64 {
    if ridge == 0.0 {
        return 1.0 - d.min(n) / n;
    }
    // With b = γ + 1 − n/d the root of c γ s² + b s = 1 is 2/(b + √(b² + 4cγ)): where b is negative, the other form keeps the digits.
    let c = n / d;
    let b = ridge + 1.0 - c;
    let root = (b * b + 4.0 * c * ridge).sqrt();
    // γ s, which stays of order 1 where s itself is large.
    let share = if b >= 0.0 { 2.0 * ridge / (b + root) } else { (root - b) / (2.0 * c) };
    (share * (c * share + ridge) / root).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::embedding::Embedding;
    use crate::geometry::kernel::Kernel;
    use nalgebra::DMatrix;
    use rand::RngExt;
    use rand_distr::{Distribution, StandardNormal};

    fn row(matrix: DMatrix<f64>, ridge: f64) -> Vec<f64> {
        let subject = Subject::new(Embedding::new(matrix.map(|x| x as f32)), None, Kernel::Scalar, false);
        let measure = LinearReadout { ridge: NonNegative::new(ridge).unwrap() };
        measure.observe(&subject, &Stream::from_seed(0)).iter().map(|value| value.number().unwrap()).collect()
    }

    fn normal(d: usize, n: usize, seed: u64) -> DMatrix<f64> {
        let mut rng = Stream::from_seed(seed).rng();
        DMatrix::from_fn(d, n, |_, _| StandardNormal.sample(&mut rng))
    }

    #[test]
    fn theory_three_directions_by_hand() {
        // Two equal vectors, one across, one that is not represented: λ = 2, 1, 0, 0; lengths do not count.
        let w = DMatrix::from_column_slice(2, 4, &[1., 0., 5., 0., 0., -2., 0., 0.]);
        for (ridge, error) in [(0.0, 0.5), (1.0, (1.0 / 9.0 + 0.25 + 2.0) / 4.0)] {
            let row = row(w.clone(), ridge);
            assert!((row[0] - error).abs() < 1e-14, "{row:?}");
            // cos² = 1 for the ordered pairs (1, 2) and (2, 1), and 1 for the concept that is missing.
            assert!((row[2] - 0.75).abs() < 1e-14, "{row:?}");
        }
    }

    #[test]
    fn theory_error_is_that_of_solving_the_equations_for_random_amplitudes() {
        // An independent way: x̂ from the normal equations for each of 4,000 random x, with unequal lengths of the vectors in W.
        let (d, n, ridge) = (12, 20, 0.3);
        let w = normal(d, n, 1).map(|x| f64::from(x as f32));
        let mut directions = w.clone();
        directions.column_iter_mut().for_each(|mut column| {
            column.normalize_mut();
        });
        let gram = directions.transpose() * &directions;
        let reader = (gram.clone() + DMatrix::identity(n, n) * ridge).try_inverse().unwrap() * directions.transpose();
        let mut rng = Stream::from_seed(2).rng();
        let mut squares = Vec::new();
        for _ in 0..4000 {
            let x = DMatrix::from_fn(n, 1, |_, _| if rng.random::<bool>() { 1.0 } else { -1.0 });
            squares.push((&reader * (&directions * &x) - x).norm_squared() / n as f64);
        }
        let mean = squares.iter().sum::<f64>() / 4000.0;
        let error = (squares.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 4000.0 / 3999.0).sqrt();
        let found = row(w, ridge);
        assert!((found[0] - mean).abs() < 4.0 * error, "{} against {mean} ± {error}", found[0]);
        let crosstalk = (gram.norm_squared() - n as f64) / n as f64;
        assert!((found[2] - crosstalk).abs() < 1e-12, "{} against {crosstalk}", found[2]);
    }

    #[test]
    fn theory_random_directions_follow_marchenko_and_pastur() {
        // Finite sizes lie within a few 1/|d − n| of the limit where the ridge is small (the mean of λ⁻² has such factors), and within a few 1/n where n = d:
        // 2 % for differences of 400.
        for (d, n) in [(400, 800), (800, 400), (500, 500)] {
            for ridge in [0.01, 0.5, 3.0] {
                let row = row(normal(d, n, 3), ridge);
                assert!((row[0] / row[1] - 1.0).abs() < 0.02, "{d} × {n}, γ = {ridge}: {row:?}");
            }
            let row = row(normal(d, n, 4), 0.0);
            assert!((row[0] - (1.0 - d.min(n) as f64 / n as f64)).abs() < 1e-14, "{row:?}");
            assert!((row[2] / row[3] - 1.0).abs() < 0.02, "{row:?}");
        }
    }

    #[test]
    fn theory_a_vanishing_ridge_is_the_pseudo_inverse() {
        for (n, d) in [(10.0, 40.0), (1000.0, 40.0), (1e6, 1e3)] {
            let limit = theory(n, d, 0.0);
            assert!((theory(n, d, 1e-12) - limit).abs() < 1e-11, "{n}, {d}");
            assert!((theory(n, d, 1e-300) - limit).abs() < 1e-11, "{n}, {d}");
            assert!((theory(n, d, 1e9) - 1.0).abs() < 1e-6, "{n}, {d}");
        }
        // For n = d the limit is √γ/2: b = γ, root = √(γ² + 4γ).
        assert!((theory(50.0, 50.0, 1e-8) / 0.5e-4 - 1.0).abs() < 1e-3, "{}", theory(50.0, 50.0, 1e-8));
    }
}
