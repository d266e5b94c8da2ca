//! Anisotropy: whether the concepts fill the directions of the space evenly, or lie in a cone about their mean.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cost, Measure, Subject};
use crate::geometry::spectrum;
use crate::seed::Stream;
use crate::table::Change::{Permutation, Rotation};
use crate::table::{Change, Column, Unit, Value};

/// How unevenly the vectors w of the m represented concepts fill the space, raw: nothing is subtracted.
///
/// The mean cosine, of `overlap`, is one sign of it. The mean vector's share of the squared length is another that long vectors govern: |w̄|²/⟨|w|²⟩, 1/m for independent vectors
/// about 0. The partition ratio is min Z(c)/max Z(c) with Z(c) = Σ exp(c·w) over the unit eigenvectors c of WWᵀ and their opposites: 1 where the
/// vectors look the same from everywhere. It depends on the length of the vectors: it is 1 for short ones whatever their directions. Where eigenvalues are equal, as for
/// orthogonal codes, their eigenvectors are not determined, and neither is the ratio. The share of the first direction is λ₁/Σλ of WWᵀ; after centring it is 1/`stable_rank`.
/// In theory, for random directions, it is near (1 + √(d/m))²/d.
///
/// O(m d min(m, d)) time; one min(m, d)² matrix of f64 three times. Undefined where nothing is represented.
///
/// Source: Mu & Viswanath (2018), ICLR; Arora et al. (2016), Trans. ACL 4, for the partition function; Ethayarajh (2019), EMNLP; Marchenko & Pastur (1967), Math. USSR Sb. 1.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Anisotropy {}

impl Measure for Anisotropy {
    fn columns(&self) -> Vec<Column> {
        const BLIND: &[Change] = &[Rotation, Permutation];
        let column = |name, meaning, source| Column::new(name, Unit::Fraction, meaning).within(0.0, 1.0).from(source);
        vec![
            column(
                "partition_ratio",
                "min Z(c)/max Z(c), Z(c) = Σ exp(c·w), over the unit eigenvectors c of WWᵀ and their opposites",
                "Mu & Viswanath (2018)",
            ),
            column(
                "mean_vector_fraction",
                "|w̄|²/⟨|w|²⟩: the mean vector's share of the mean squared length",
                "Mu & Viswanath (2018)",
            )
            .unmoved_by(BLIND)
            .beside("random_mean_vector_fraction"),
            column(
                "random_mean_vector_fraction",
                "theory: 1/m for independent vectors about 0",
                "Mu & Viswanath (2018)",
            )
            .unmoved_by(&[Rotation, Permutation, crate::table::Change::Rescaling]),
            column("top_direction_fraction", "λ₁/Σλ, λ the eigenvalues of WWᵀ, not centred", "Mu & Viswanath (2018)")
                .unmoved_by(BLIND)
                .beside("random_top_direction_fraction"),
            column(
                "random_top_direction_fraction",
                "theory: (1 + √(d/m))²/d, at most 1, the edge of the spectrum of random directions",
                "Marchenko & Pastur (1967)",
            )
            .unmoved_by(&[Rotation, Permutation, crate::table::Change::Rescaling]),
        ]
    }

    fn cost(&self, n: f64, d: f64) -> Cost {
        // Eigenvectors take some three times as long as eigenvalues, and every vector meets each of them.
        let seconds = 3.0 * spectrum::seconds(n, d) + 2.0 * n * d * n.min(d) / 40e9 + 20e-9 * n * n.min(d);
        Cost { seconds, bytes: 1.5 * spectrum::memory(n as usize, d as usize) as f64 + 64e6 }
    }

    fn observe(&self, subject: &Subject, _: &Stream) -> Vec<Value> {
        let represented = subject.represented();
        let (m, d) = (represented.n_concepts(), represented.d_model());
        if m == 0 {
            return vec![Value::Undefined; 5];
        }
        let entry = |i: usize, k: usize| f64::from(represented.column(i)[k]);
        let squares: f64 =
            subject.by_concept(|w| w.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>()).iter().sum();
        let mean_square: f64 = (0..d)
            .map(|k| {
                let mean = (0..m).map(|i| entry(i, k)).sum::<f64>() / m as f64;
                mean * mean
            })
            .sum();
        let (ratio, top) = match spectrum::partition(m, d, entry) {
            Some(partition) => (Some(partition.ratio), Some(partition.top_fraction)),
            None => (None, None),
        };
        let (m, d) = (m as f64, d as f64);
        let edge = 1.0 + (d / m).sqrt();
        vec![
            ratio.into(),
            (mean_square * m / squares).min(1.0).into(),
            (1.0 / m).into(),
            top.map(|top| top.min(1.0)).into(),
            (edge * edge / d).min(1.0).into(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::embedding::Embedding;
    use crate::geometry::kernel::Kernel;
    use nalgebra::DMatrix;
    use rand_distr::{Distribution, StandardNormal};

    fn numbers(matrix: DMatrix<f32>) -> Vec<f64> {
        let subject = Subject::new(Embedding::new(matrix), None, Kernel::best(), false);
        Anisotropy {}.observe(&subject, &Stream::from_seed(0)).iter().map(|value| value.number().unwrap()).collect()
    }

    // By hand, but for the edge of the spectrum: e₁ twice, −e₁ and 2 e₂ have WWᵀ = diag(3, 4, 0); Z(±e₁) = 2e^±1 + e^∓1 + 1, Z(±e₂) = 3 + e^±2, Z(±e₃) = 4.
    #[test]
    fn theory_four_vectors_on_two_axes() {
        let w = DMatrix::from_column_slice(3, 4, &[1., 0., 0., 1., 0., 0., -1., 0., 0., 0., 2., 0.]);
        let e = std::f64::consts::E;
        let expected =
            [(3.0 + (-2f64).exp()) / (3.0 + 2f64.exp()), (1.0 / 16.0 + 4.0 / 16.0) / (7.0 / 4.0), 0.25, 4.0 / 7.0];
        assert!(2.0 / e + e + 1.0 > expected[0] * 11.0, "the second axis has both ends of the range");
        for matrix in [w.clone(), DMatrix::from_fn(9, 4, |k, i| if k < 3 { w[(k, i)] } else { 0.0 })] {
            for (found, expected) in numbers(matrix).iter().zip(expected) {
                assert!((found - expected).abs() < 1e-12, "{found} against {expected}");
            }
        }
    }

    #[test]
    fn theory_random_directions_are_isotropic_and_a_common_vector_is_not() {
        let mut rng = Stream::from_seed(5).rng();
        let w = DMatrix::from_fn(100, 4000, |_, _| {
            let entry: f32 = StandardNormal.sample(&mut rng);
            entry / 10.0
        });
        let random = numbers(w.clone());
        assert!(random[0] > 0.97, "{random:?}");
        assert!((random[3] / random[4] - 1.0).abs() < 0.03, "{random:?}");
        let moved = numbers(w.map(|x| x + 0.3));
        // |w|² = 1 + 9; the ratio falls to that of e^−3 and e^3.
        assert!((moved[1] - 0.9).abs() < 0.005 && (moved[3] - 0.9).abs() < 0.01, "{moved:?}");
        assert!((moved[0].ln() + 6.0).abs() < 0.1, "{moved:?}");
    }

    #[test]
    fn theory_long_vectors_do_not_overflow() {
        let ratio = numbers(DMatrix::from_column_slice(2, 3, &[1e4, 0., 0., 2e4, 1e4, 1e4]))[0];
        assert!((0.0..1e-300).contains(&ratio), "{ratio}");
    }
}
