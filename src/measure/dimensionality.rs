//! Dimensionality: how much of a dimension each concept has for itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cost, Measure, Subject};
use crate::geometry::pairs::Wanted;
use crate::seed::Stream;
use crate::table::Change::{Permutation, Rotation};
use crate::table::{Column, Unit, Value};

/// Feature dimensionality Dᵢ = |wᵢ|⁴/Σⱼ(wᵢ·wⱼ)² of the represented concepts: 1 for a dimension of its own, ½ for a pair that shares one.
///
/// The sum over j includes j = i. Σᵢ Dᵢ ≤ d, with equality if and only if the vectors are a tight frame on each orthogonal block. Sticky values
/// are 1 (dedicated), 3/4 (tetrahedron), 2/3 (triangle), 1/2 (antipodal pair), 2/5 (pentagon) and 3/8 (square antiprism).
/// Unlike the cosines these depend on the lengths of the vectors. O(n² d) time in the pass over the pairs, O(n) memory.
///
/// Source: Elhage et al. (2022), Toy Models of Superposition; Scherlis et al. (2022), Polysemanticity and Capacity in Neural Networks.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dimensionality {}

impl Measure for Dimensionality {
    fn columns(&self) -> Vec<Column> {
        const BLIND: &[crate::table::Change] = &[Rotation, Permutation];
        let elhage = "Elhage et al. (2022)";
        vec![
            Column::new("features_per_dimension", Unit::Pure, "concepts with |w| > ½, divided by d")
                .within(0.0, f64::INFINITY)
                .unmoved_by(BLIND)
                .from(elhage),
            Column::new("d_star", Unit::Pure, "dimensions per feature D* = d/‖W‖²_F")
                .within(0.0, f64::INFINITY)
                .unmoved_by(BLIND)
                .from(elhage),
            Column::new(
                "mean_feature_dimensionality",
                Unit::Dimensions,
                "mean over represented concepts of Dᵢ = |wᵢ|⁴/Σⱼ(wᵢ·wⱼ)²",
            )
            .within(0.0, 1.0)
            .unmoved_by(BLIND)
            .from(elhage),
            Column::new("sum_feature_dimensionality", Unit::Dimensions, "Σᵢ Dᵢ over represented concepts, at most d")
                .within(0.0, f64::INFINITY)
                .unmoved_by(BLIND)
                .from("Scherlis et al. (2022)"),
        ]
    }

    fn reads_pairs(&self) -> Option<Wanted> {
        Some(Wanted { centred: false, dot_squares: true })
    }

    fn cost(&self, n: f64, d: f64) -> Cost {
        Cost { seconds: 1e-9 * n * d, bytes: 16.0 * n }
    }

    fn observe(&self, subject: &Subject, _: &Stream) -> Vec<Value> {
        let (m, d) = (subject.represented().n_concepts(), subject.represented().d_model() as f64);
        if m == 0 {
            return vec![Value::from(0.0), Value::Undefined, Value::Undefined, Value::Undefined];
        }
        let squares = subject.by_concept(|vector| vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>());
        let n_strong = squares.iter().filter(|&&square| square > 0.25).count();
        // One concept alone has no pairs and its dimension for itself.
        let interference = subject.pairs().and_then(|pairs| pairs.dot_squares.clone()).unwrap_or(vec![0.0; m]);
        let sum: f64 =
            squares.iter().zip(&interference).map(|(square, other)| square * square / (square * square + other)).sum();
        vec![
            (n_strong as f64 / d).into(),
            (d / squares.iter().sum::<f64>()).into(),
            (sum / m as f64).into(),
            sum.into(),
        ]
    }
}
