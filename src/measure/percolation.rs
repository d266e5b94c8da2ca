//! Percolation: where enough concepts overlap, one cluster of them spans the whole, and it does so suddenly.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cost, Measure, Subject};
use crate::geometry::{graph, random};
use crate::quantity::Positive;
use crate::seed::Stream;
use crate::table::Change::{Permutation, Rescaling, Rotation};
use crate::table::{Change, Column, Unit, Value};

/// The graph that joins two represented concepts where |cos| > τ: its mean degree, its largest component and the size of the others.
///
/// τ is set by the mean degree c that m random directions in d dimensions would have: (m − 1) P(|t| > τ) = c, with t the cosine of two of them. So graphs of
/// different sizes and widths are compared at the same c, and an embedding whose measured degree is another is not random. In a random graph (Erdős–Rényi)
/// of mean degree c a fraction S of the points lies in one component, the root of S = 1 − exp(−c S): 0 up to the threshold c = 1, above 0 beyond. A point of
/// the rest lies in a component of 1/(1 − c (1 − S)) points on average, which diverges at c = 1; of m points the divergence is rounded to about m^(1/3), and
/// the largest component there has about m^(2/3). Both are told at the measured mean degree.
///
/// A graph of directions is geometric: the neighbours of a concept lie near each other, so it has more triangles and less reach than a random graph of
/// the same degree, and comes near it only as d grows. For m = 1000 Gaussian concepts and c = 2, S is as in the theory for d = 1024 and 256 (within 0.005), 0.005
/// below it for d = 64, 0.04 below for d = 16, and 0.73 below for d = 4, where there is no giant component yet.
///
/// τ, and all that follows, does not exist for d = 1 or m ≤ c + 1. One streaming pass: O(m² d) time, O(m d) memory; no m × m matrix.
///
/// Source: Erdős & Rényi (1960), Magyar Tud. Akad. Mat. Kutató Int. Közl. 5; Newman (2010), Networks, chapter 12; Devroye, György, Lugosi & Udina (2011), Electron.
/// J. Probab. 16, for directions in many dimensions.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Percolation {
    /// c, the mean number of neighbours that random directions would have: above 0. Left out: 1, the threshold of random graphs.
    pub mean_degree: Positive,
}

const EVERY: &[Change] = &[Rotation, Permutation, Rescaling];

impl Default for Percolation {
    fn default() -> Self {
        Self { mean_degree: Positive::new(1.0).expect("it is above 0") }
    }
}

impl Measure for Percolation {
    fn columns(&self) -> Vec<Column> {
        use Unit::{Cosine, Fraction, Pure};
        const RANDOM_GRAPH: &str = "Erdős & Rényi (1960); Newman, Networks (2010)";
        let column = |name, unit, meaning| Column::new(name, unit, meaning).unmoved_by(EVERY).from(RANDOM_GRAPH);
        let from_zero = |column: Column| column.within(0.0, f64::INFINITY);
        vec![
            column(
                "percolation_threshold",
                Cosine,
                "τ: concepts are joined where |cos| > τ; random directions exceed it with probability c/(m − 1)",
            )
            .within(0.0, 1.0),
            from_zero(column("percolation_degree", Pure, "mean degree of the graph: 2 · edges / m"))
                .beside("random_percolation_degree"),
            from_zero(column(
                "random_percolation_degree",
                Pure,
                "theory: c, the expected mean degree for random directions",
            )),
            column("giant_fraction", Fraction, "concepts in the largest component / m")
                .within(0.0, 1.0)
                .beside("giant_fraction_theory"),
            column(
                "giant_fraction_theory",
                Fraction,
                "theory: root S of S = 1 − exp(−c S) with c the measured mean degree, for a large random graph",
            )
            .within(0.0, 1.0),
            from_zero(column(
                "percolation_susceptibility",
                Pure,
                "Σ s²/Σ s over all components but the largest, s their sizes; undefined if there is only one",
            ))
            .beside("percolation_susceptibility_theory"),
            from_zero(column(
                "percolation_susceptibility_theory",
                Pure,
                "theory: 1/(1 − c (1 − S)) with c the measured mean degree, for a large random graph; undefined for c = 1",
            )),
        ]
    }

    fn least_concepts(&self) -> u64 {
        // Saturates where no number of concepts is enough.
        (self.mean_degree.get().floor() as u64).saturating_add(2)
    }

    fn cost(&self, n: f64, d: f64) -> Cost {
        Cost { seconds: n * n * d / 80e9 + n * n * 0.5e-9, bytes: graph::memory(n as u64, d as u64) as f64 }
    }

    fn observe(&self, subject: &Subject, _: &Stream) -> Vec<Value> {
        let represented = subject.represented();
        let (m, degree) = (represented.n_concepts() as f64, self.mean_degree.get());
        let probability = degree / (m - 1.0);
        let threshold =
            random::overlap_exceeded_with(probability, represented.d_model() as u64).filter(|_| m - 1.0 > degree);
        let Some(threshold) = threshold else { return vec![Value::Undefined; self.columns().len()] };
        let graph = graph::graph(represented, threshold, subject.kernel(), subject.is_parallel());
        let measured = 2.0 * graph.n_edges as f64 / m;
        let (largest, others) = graph.components.split_first().expect("a graph of points has a component");
        let giant = giant_fraction(measured);
        vec![
            threshold.into(),
            measured.into(),
            degree.into(),
            (*largest as f64 / m).into(),
            giant.into(),
            susceptibility(others).into(),
            (1.0 / (1.0 - measured * (1.0 - giant))).into(),
        ]
    }
}

/// Mean number of points in the component of a point, over the components given; undefined without any.
fn susceptibility(components: &[usize]) -> Option<f64> {
    let sum = |power: fn(f64) -> f64| components.iter().map(|&size| power(size as f64)).sum::<f64>();
    (!components.is_empty()).then(|| sum(|s| s * s) / sum(|s| s))
}

/// The largest root S of S = 1 − exp(−c S): 0 for c ≤ 1.
fn giant_fraction(degree: f64) -> f64 {
    if degree <= 1.0 {
        return 0.0;
    }
    // S + expm1(−c S) is negative below the root and positive above it.
    let (mut below, mut above) = (0.0, 1.0);
    for _ in 0..100 {
        let middle = 0.5 * (below + above);
        if middle + libm::expm1(-degree * middle) < 0.0 {
            below = middle;
        } else {
            above = middle;
        }
    }
    above
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::embedding::Embedding;
    use crate::geometry::graph::Forest;
    use crate::geometry::kernel::Kernel;
    use nalgebra::DMatrix;
    use rand::RngExt;
    use rand_distr::{Distribution, StandardNormal};

    fn mean_and_error(numbers: &[f64]) -> (f64, f64) {
        let k = numbers.len() as f64;
        let mean = numbers.iter().sum::<f64>() / k;
        let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (k - 1.0);
        (mean, (variance / k).sqrt())
    }

    // 1 + W(−c e^−c)/c with Lambert's function W, by mpmath 1.3.
    #[test]
    fn theory_giant_fraction_of_random_graphs() {
        for (degree, expected) in [
            (1.0001, 0.0001999733364441008),
            (1.1, 0.17613414363180954),
            (1.5, 0.5828116438658114),
            (2.0, 0.79681213002002),
            (3.0, 0.9404797907073597),
            (10.0, 0.9999545794446535),
        ] {
            let found = giant_fraction(degree);
            // Near the threshold the root is 2 (c − 1), so the rounding of c is amplified by 1/(c − 1).
            assert!((found / expected - 1.0).abs() < 1e-15 / (degree - 1.0_f64).min(0.1), "{degree}: {found}");
        }
        assert_eq!([0.0, 0.5, 1.0].map(giant_fraction), [0.0; 3]);
        assert_eq!(giant_fraction(1e300), 1.0);
    }

    // Science reference, V14: G(n, c/n) drawn here, through the same union–find.
    #[test]
    fn theory_random_graphs_percolate_at_mean_degree_one() {
        const N: usize = 4000;
        let mut rng = Stream::from_seed(14).rng();
        for degree in [0.5, 1.5, 2.0, 3.0] {
            let (mut giants, mut sizes) = (Vec::new(), Vec::new());
            for _ in 0..40 {
                let mut forest = Forest::new(N);
                // The pairs that are edges, by the geometric gaps between them, in the order (0, 1), (0, 2) … (1, 2) ….
                let miss = libm::log1p(-degree / N as f64);
                let (mut i, mut j) = (0, 0);
                loop {
                    j += 1 + (libm::log(1.0 - rng.random::<f64>()) / miss) as usize;
                    while i + 1 < N && j >= N {
                        i += 1;
                        j = j - N + i + 1;
                    }
                    if i + 1 >= N {
                        break;
                    }
                    forest.join(i, j);
                }
                let components = forest.components();
                giants.push(components[0] as f64 / N as f64);
                sizes.push(susceptibility(&components[1..]).unwrap());
            }
            let root = giant_fraction(degree);
            let (giant, error) = mean_and_error(&giants);
            if degree > 1.0 {
                assert!((giant - root).abs() < 4.0 * error, "c = {degree}: {giant} ± {error} for {root}");
            } else {
                // Below the threshold the largest component has about ln n points.
                assert!(giant < 10.0 * libm::log(N as f64) / N as f64, "{giant}");
            }
            let (size, error) = mean_and_error(&sizes);
            let expected = 1.0 / (1.0 - degree * (1.0 - root));
            // Terms of order 1/n remain: a few parts in 1000.
            assert!(
                (size - expected).abs() < 4.0 * error + 0.01 * expected,
                "c = {degree}: {size} ± {error} for {expected}"
            );
        }
    }

    /// Means with errors over embeddings of random directions: degree, giant fraction less its theory at the measured degree, and susceptibility.
    fn random_directions(n: usize, d: usize, mean_degree: f64, n_draws: u64) -> [(f64, f64); 3] {
        let measure = Percolation { mean_degree: Positive::new(mean_degree).unwrap() };
        let mut columns: [Vec<f64>; 3] = Default::default();
        for draw in 0..n_draws {
            let mut rng = Stream::from_seed(draw).stream(&format!("{n} {d}")).rng();
            let entries: Vec<f32> = (0..n * d).map(|_| StandardNormal.sample(&mut rng)).collect();
            let subject = Subject::new(Embedding::new(DMatrix::from_vec(d, n, entries)), None, Kernel::best(), false);
            let row = measure.observe(&subject, &Stream::from_seed(0));
            let number = |idx: usize| row[idx].number().unwrap();
            columns
                .iter_mut()
                .zip([number(1), number(3) - number(4), number(5)])
                .for_each(|(column, x)| column.push(x));
        }
        columns.map(|column| mean_and_error(&column))
    }

    #[test]
    fn theory_many_dimensions_are_like_a_random_graph_and_few_are_not() {
        let [degree, excess, size] = random_directions(500, 512, 2.0, 40);
        assert!((degree.0 - 2.0).abs() < 4.0 * degree.1, "{degree:?}");
        assert!(excess.0.abs() < 4.0 * excess.1, "{excess:?}");
        // 1/(1 − 2 (1 − 0.7968)); at 500 points it is some per cent less.
        assert!((size.0 - 1.6847).abs() < 4.0 * size.1 + 0.1, "{size:?}");
        // The expected degree holds in any number of dimensions; what is joined does not.
        for (d, most) in [(16, -0.02), (4, -0.5)] {
            let [degree, excess, _] = random_directions(500, d, 2.0, 40);
            assert!((degree.0 - 2.0).abs() < 4.0 * degree.1, "d = {d}: {degree:?}");
            assert!(excess.0 < most, "d = {d}: {excess:?}");
        }
    }

    #[test]
    fn law_what_has_no_threshold_is_undefined() {
        let observed = |n: usize, d: usize, mean_degree| {
            let measure = Percolation { mean_degree: Positive::new(mean_degree).unwrap() };
            let embedding = Embedding::new(DMatrix::from_fn(d, n, |k, i| (k + 1) as f32 - i as f32 * 0.3));
            measure.observe(&Subject::new(embedding, None, Kernel::best(), false), &Stream::from_seed(0))
        };
        for (n, d, mean_degree) in [(0, 3, 1.0), (1, 3, 1.0), (2, 3, 1.0), (9, 1, 1.0), (9, 3, 8.0), (9, 3, 1e300)] {
            assert_eq!(observed(n, d, mean_degree), [const { Value::Undefined }; 7], "{n} {d} {mean_degree}");
        }
        // All on one curve, close together: one component, so there are no others.
        assert_eq!(observed(3, 3, 1.9)[5], Value::Undefined);
        assert_eq!(Percolation { mean_degree: Positive::new(1e300).unwrap() }.least_concepts(), u64::MAX);
    }
}
