//! Dimensionality: how much of a dimension each concept has for itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cost, Measure, Subject};
use crate::geometry::pairs::Wanted;
use crate::quantity::Counts;
use crate::seed::Stream;
use crate::table::Change::{Permutation, Rotation};
use crate::table::{Column, Unit, Value};

/// Feature dimensionality Dᵢ = |wᵢ|⁴/Σⱼ(wᵢ·wⱼ)² of the represented concepts: 1 for a dimension of its own, ½ for a pair that shares one.
///
/// The sum over j includes j = i. Σᵢ Dᵢ ≤ d, with equality if and only if the vectors are a tight frame on each orthogonal block. Where concepts
/// that share dimensions repel each other evenly they sit on the corners of a regular figure, and D is that of the figure: 1 (a dedicated dimension), 3/4 (tetrahedron), 2/3
/// (triangle), 1/2 (digon: an antipodal pair), 2/5 (pentagon), 3/8 (square antiprism) or 1/3 (hexagon). With `polytopes` a concept is counted to the figure
/// whose D is within 0.0125 of its own, half the distance between the closest two; the other concepts, those that are not represented included, to none. Learned antiprisms have 0.37.
/// That is a match of one number, not of a figure that was seen: of values of D that are spread evenly from 0 to 1 the seven windows catch 0.1625 by chance, 0.0125 for `dedicated` and
/// 0.025 for each of the others. Believe a fraction that is well above that, as those of small models and of plateaus are, and not one of a wide model whose D have a broad distribution.
/// Unlike the cosines these depend on the lengths of the vectors. O(n² d) time in the pass over the pairs, O(n) memory.
///
/// Source: Elhage et al. (2022), Toy Models of Superposition; Scherlis et al. (2022), Polysemanticity and Capacity in Neural Networks.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Dimensionality {
    /// Whether to say on which figures the concepts sit.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub polytopes: bool,
    /// Numbers of concepts, from 1, of which Dᵢ and the figure that it matches are told each: 1 to 32 of them, at most n. Left out: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concepts: Option<Counts>,
}

/// D of the regular figures on which concepts are found, and their names.
const POLYTOPES: [(&str, f64); 7] = [
    ("dedicated", 1.0),
    ("tetrahedron", 3.0 / 4.0),
    ("triangle", 2.0 / 3.0),
    ("digon", 1.0 / 2.0),
    ("pentagon", 2.0 / 5.0),
    ("antiprism", 3.0 / 8.0),
    ("hexagon", 1.0 / 3.0),
];

/// How far a learned D may lie from that of its figure.
const NEAR: f64 = 0.0125;

/// The figure with this D.
fn polytope(dimensionality: f64) -> Option<&'static str> {
    POLYTOPES.iter().find(|(_, of_figure)| (dimensionality - of_figure).abs() <= NEAR).map(|(name, _)| *name)
}

impl Measure for Dimensionality {
    fn columns(&self) -> Vec<Column> {
        const BLIND: &[crate::table::Change] = &[Rotation, Permutation];
        let elhage = "Elhage et al. (2022)";
        let mut columns = vec![
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
        ];
        if self.polytopes {
            columns.extend(POLYTOPES.map(|(name, value)| {
                let meaning = format!("concepts with D within {NEAR} of {value:.4} / n");
                Column::named(format!("fraction_{name}"), Unit::Fraction, meaning)
                    .within(0.0, 1.0)
                    .unmoved_by(BLIND)
                    .from(elhage)
            }));
        }
        for concept in self.concepts() {
            let meaning = format!("D of concept {concept}; 0 if it is not represented");
            columns.extend([
                Column::named(format!("feature_dimensionality_{concept}"), Unit::Dimensions, meaning)
                    .within(0.0, 1.0)
                    .unmoved_by(&[Rotation])
                    .from(elhage),
                Column::named(
                    format!("polytope_{concept}"),
                    Unit::Text,
                    format!("the figure that D of concept {concept} matches, or none"),
                )
                .unmoved_by(&[Rotation])
                .from(elhage),
            ]);
        }
        columns
    }

    fn least_concepts(&self) -> u64 {
        self.concepts().max().unwrap_or(1)
    }

    fn reads_pairs(&self) -> Option<Wanted> {
        Some(Wanted { dot_squares: true, ..Wanted::default() })
    }

    fn cost(&self, n: f64, d: f64) -> Cost {
        Cost { seconds: 1e-9 * n * d, bytes: 16.0 * n }
    }

    fn observe(&self, subject: &Subject, _: &Stream) -> Vec<Value> {
        let (m, d) = (subject.represented().n_concepts(), subject.represented().d_model() as f64);
        let squares = subject.by_concept(|vector| vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>());
        let n_strong = squares.iter().filter(|&&square| square > 0.25).count();
        // One concept alone has no pairs and its dimension for itself.
        let interference = subject.pairs().and_then(|pairs| pairs.dot_squares.clone()).unwrap_or(vec![0.0; m]);
        let own = |(square, other): (&f64, &f64)| square * square / (square * square + other);
        let dimensionalities: Vec<f64> = squares.iter().zip(&interference).map(own).collect();
        let sum: f64 = dimensionalities.iter().sum();
        let some = |x: f64| Value::from(Some(x).filter(|_| m > 0));
        let mut values =
            vec![(n_strong as f64 / d).into(), some(d / squares.iter().sum::<f64>()), some(sum / m as f64), some(sum)];
        if self.polytopes {
            values.extend(POLYTOPES.map(|(name, _)| {
                let n_here = dimensionalities.iter().filter(|&&value| polytope(value) == Some(name)).count();
                Value::from(n_here as f64 / subject.n_concepts() as f64)
            }));
        }
        for concept in self.concepts() {
            let is_it = |&idx: &usize| subject.number(idx) + 1 == concept as usize;
            let value = (0..m).find(is_it).map_or(0.0, |idx| dimensionalities[idx]);
            values.extend([value.into(), Value::Text(polytope(value).unwrap_or("none").to_owned())]);
        }
        values
    }
}

impl Dimensionality {
    fn concepts(&self) -> impl Iterator<Item = u64> {
        self.concepts.iter().flat_map(Counts::iter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::embedding::Embedding;
    use crate::geometry::kernel::Kernel;
    use nalgebra::DMatrix;

    #[test]
    fn theory_figures_with_known_dimensionality() {
        // In 6 units: a pentagon, a digon, a dedicated concept, one that is not represented; then a concept at no figure, of length 1 with cos² = 0.2 to the dedicated one.
        let mut columns = Vec::new();
        for k in 0..5 {
            let angle = f64::from(k) * 0.4 * std::f64::consts::PI;
            columns.push([angle.cos() as f32, angle.sin() as f32, 0.0, 0.0, 0.0, 0.0]);
        }
        columns.push([0.0, 0.0, 1.5, 0.0, 0.0, 0.0]);
        columns.push([0.0; 6]);
        columns.push([0.0, 0.0, -1.5, 0.0, 0.0, 0.0]);
        columns.push([0.0, 0.0, 0.0, 0.7, 0.0, 0.0]);
        columns.push([0.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
        columns.push([0.0, 0.0, 0.0, 0.0, 0.2f32.sqrt(), 0.8f32.sqrt()]);
        let embedding = Embedding::new(DMatrix::from_vec(6, columns.len(), columns.concat()));
        let measure = Dimensionality { polytopes: true, concepts: Counts::new(&[1, 7, 8, 9, 11]) };
        let wanted = measure.reads_pairs();
        let values = measure.observe(&Subject::new(embedding, wanted, Kernel::Scalar, false), &Stream::from_seed(1));
        let columns = measure.columns();
        let value = |name: &str| &values[columns.iter().position(|column| column.name == name).expect("a column")];
        for (name, expected) in [
            ("fraction_pentagon", 5.0 / 11.0),
            ("fraction_digon", 2.0 / 11.0),
            ("fraction_dedicated", 1.0 / 11.0),
            ("fraction_triangle", 0.0),
            ("feature_dimensionality_1", 0.4),
            ("feature_dimensionality_7", 0.0),
            ("feature_dimensionality_8", 0.5),
            ("feature_dimensionality_9", 1.0),
            // 1/(1 + 0.2).
            ("feature_dimensionality_11", 5.0 / 6.0),
        ] {
            assert!((value(name).number().unwrap() - expected).abs() < 1e-6, "{name} is {}", value(name));
        }
        let figures = [1, 7, 8, 9, 11].map(|concept| value(&format!("polytope_{concept}")).to_string());
        assert_eq!(figures, ["pentagon", "none", "digon", "dedicated", "none"]);
    }
}
