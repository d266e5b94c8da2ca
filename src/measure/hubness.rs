//! Hubness: whether a few concepts are among the nearest neighbours of many.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cost, Measure, Subject};
use crate::geometry::neighbours::{self, Metric};
use crate::quantity::Count;
use crate::seed::Stream;
use crate::table::Change::{Permutation, Rescaling, Rotation};
use crate::table::{Change, Column, Unit, Value};

/// How often a represented concept is among the k nearest neighbours of the others, N_k: the skewness of that number, the largest hub, and those that are nobody's neighbour.
///
/// The mean of N_k is k; the skewness is E(N_k − k)³/σ³. If every concept chose its k neighbours at random N_k would be binomial, of skewness
/// (1 − 2p)/√((m − 1) p (1 − p)) with p = k/(m − 1). Points of many dimensions have hubs by themselves, because some lie nearer to the centre, and so nearer to all, than others: for
/// 2000 independent Gaussian vectors and k = 10 the skewness is about −0.3, 2.5 and 6 in 3, 20 and 100 dimensions. So a large value is first of all one of
/// dimension; directions alone (`metric = "cosine"`) of Gaussian vectors have none of it.
///
/// Neighbours are exact; of those equally near the first in the order of the concepts is taken, so codes with many equal distances have hubs of their order alone.
/// O(m² d) time, O(m (d + k)) memory. Undefined for m ≤ k; the skewness where all N_k are equal.
///
/// Source: Radovanović, Nanopoulos & Ivanović (2010), J. Mach. Learn. Res. 11.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Hubness {
    /// Number of neighbours of each concept. More concepts than that must be there.
    pub k: Count,
    /// What is near: "euclidean", a small distance, as in the source; or "cosine", a large cosine.
    pub metric: Metric,
}

const EVERY: &[Change] = &[Rotation, Permutation, Rescaling];

impl Default for Hubness {
    fn default() -> Self {
        Self { k: Count::new(10).expect("a count"), metric: Metric::Euclidean }
    }
}

impl Measure for Hubness {
    fn columns(&self) -> Vec<Column> {
        const SOURCE: &str = "Radovanović, Nanopoulos & Ivanović (2010)";
        let column = |name, unit, meaning| Column::new(name, unit, meaning).from(SOURCE);
        vec![
            column(
                "hubness_skewness",
                Unit::Pure,
                "skewness of N_k, how many concepts have a concept among their k nearest",
            )
            .beside("chance_hubness_skewness"),
            column(
                "chance_hubness_skewness",
                Unit::Pure,
                "theory: (1 − 2p)/√((m − 1) p (1 − p)), p = k/(m − 1), if every concept had k neighbours at random",
            )
            .unmoved_by(EVERY),
            column(
                "largest_hub",
                Unit::Fraction,
                "largest N_k / (m − 1): how many have the greatest hub among their k nearest",
            )
            .within(0.0, 1.0),
            column("orphan_fraction", Unit::Fraction, "concepts that are among the k nearest of no other / m")
                .within(0.0, 1.0)
                .beside("chance_orphan_fraction"),
            column(
                "chance_orphan_fraction",
                Unit::Fraction,
                "theory: (1 − k/(m − 1))^(m − 1), if every concept had k neighbours at random",
            )
            .within(0.0, 1.0)
            .unmoved_by(EVERY),
        ]
    }

    fn least_concepts(&self) -> u64 {
        self.k.get() + 1
    }

    fn cost(&self, n: f64, d: f64) -> Cost {
        let bytes = neighbours::memory(n as u64, d as u64, self.k.get()) as f64;
        Cost { seconds: neighbours::seconds(n, n, d), bytes }
    }

    fn observe(&self, subject: &Subject, _: &Stream) -> Vec<Value> {
        let (m, k) = (subject.represented().n_concepts(), self.k.size());
        let Some(found) = subject.neighbours(self.metric, k, None) else {
            return vec![Value::Undefined; self.columns().len()];
        };
        let mut occurrences = vec![0_u64; m];
        for list in found.lists() {
            list[..k].iter().for_each(|&neighbour| occurrences[neighbour as usize] += 1);
        }
        let (others, p) = (m as f64 - 1.0, k as f64 / (m as f64 - 1.0));
        let largest = occurrences.iter().copied().max().unwrap_or(0);
        let n_orphans = occurrences.iter().filter(|&&n| n == 0).count();
        vec![
            skewness(&occurrences, k as f64).into(),
            ((1.0 - 2.0 * p) / (others * p * (1.0 - p)).sqrt()).into(),
            (largest as f64 / others).into(),
            (n_orphans as f64 / m as f64).into(),
            libm::exp(others * libm::log1p(-p)).into(),
        ]
    }
}

/// E(N − μ)³/σ³; `None` if all are equal.
fn skewness(numbers: &[u64], mean: f64) -> Option<f64> {
    let moment = |power: fn(f64) -> f64| {
        numbers.iter().map(|&number| power(number as f64 - mean)).sum::<f64>() / numbers.len() as f64
    };
    let variance = moment(|x| x * x);
    (variance > 0.0).then(|| moment(|x| x * x * x) / (variance * variance.sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::embedding::Embedding;
    use crate::geometry::kernel::Kernel;
    use crate::measure::neighbours::mean_and_error;
    use nalgebra::DMatrix;
    use rand_distr::{Distribution, StandardNormal};

    const GAUSSIAN: [(usize, f64, f64); 3] = [(3, -0.3367, 0.0093), (20, 2.4959, 0.0406), (100, 5.9748, 0.2304)];

    fn of_gaussian(n: usize, d: usize, draw: u64, measure: &Hubness) -> Vec<Value> {
        let mut rng = Stream::from_seed(draw).stream("hubs").rng();
        let entries = (0..n * d).map(|_| Distribution::<f32>::sample(&StandardNormal, &mut rng)).collect();
        let subject = Subject::new(Embedding::new(DMatrix::from_vec(d, n, entries)), None, Kernel::best(), true);
        measure.observe(&subject, &Stream::from_seed(0))
    }

    // Means of 40 draws by scikit-learn, with their standard errors: tests/numbers/make_reference.py prints them.
    #[test]
    fn theory_gaussian_vectors_have_hubs_in_many_dimensions() {
        for (d, expected, expected_error) in GAUSSIAN {
            let skews: Vec<f64> =
                (0..24).map(|draw| of_gaussian(2000, d, draw, &Hubness::default())[0].number().unwrap()).collect();
            let (mean, error) = mean_and_error(&skews, usize::MAX);
            let (mean, error) = (mean.unwrap(), error.unwrap().hypot(expected_error));
            assert!((mean - expected).abs() < 3.0 * error, "d = {d}: {mean} ± {error} against {expected}");
        }
    }

    #[test]
    fn theory_an_arrow_to_one_concept_makes_it_the_hub() {
        // One in the middle of four: it is the nearest of all of them, and its own nearest is the first.
        let points = [[0.1, 0.0], [2.0, 0.0], [-2.0, 0.0], [0.0, 2.0], [0.0, -2.0]];
        let embedding = Embedding::new(DMatrix::from_fn(2, 5, |k, i| points[i][k]));
        let subject = Subject::new(embedding, None, Kernel::best(), false);
        let row =
            Hubness { k: Count::new(1).unwrap(), metric: Metric::Euclidean }.observe(&subject, &Stream::from_seed(0));
        let numbers: Vec<f64> = row.iter().map(|value| value.number().unwrap()).collect();
        // N = 4, 1, 0, 0, 0: σ² = 12/5, third moment (27 − 3)/5; by chance p = 1/4 of 4 trials.
        let expected = [4.8 / 2.4f64.powf(1.5), 0.5 / 0.75f64.sqrt(), 1.0, 0.6, 0.75f64.powi(4)];
        for (found, expected) in numbers.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-14, "{found} against {expected}");
        }
    }
}
