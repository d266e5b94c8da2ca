//! Neighbours: how near the nearest concepts lie, rank by rank, beside random directions.

use rand::seq::index;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cost, Measure, Subject};
use crate::geometry::neighbours::{self, Metric};
use crate::geometry::random;
use crate::quantity::{Count, Counts};
use crate::seed::Stream;
use crate::table::Change::{Permutation, Rescaling, Rotation};
use crate::table::{Change, Column, Unit, Value};

/// The mean cosine of a represented concept to its nearest, 2nd, 5th and 10th nearest neighbour: the profile of its nearest overlaps.
///
/// Interference comes from the nearest others, and the mean over all pairs does not see them. In theory, for m random directions, the cosines of one to the m − 1
/// others are independent, so the r-th largest has the mean ∫ P(at least r exceed x) dx over [−1, 1], less 1, with a binomial number of them above x. The neighbours are
/// the exact ones by cosine; O(m² d) time, or O(N m d) for a `sample` of N, and O(m (d + r)) memory. Undefined for m ≤ r.
///
/// Source: David & Nagaraja (2003), Order Statistics, for the theory; Ethayarajh (2019), EMNLP, for the setting.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Neighbours {
    /// r, the ranks of neighbours: each has columns of its own. More concepts than the largest must be there.
    pub ranks: Counts,
    /// Number of concepts whose neighbours, among all, are looked for: a simple random sample of the represented ones. Adds the standard errors of the means. Left out: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<Count>,
}

impl Default for Neighbours {
    fn default() -> Self {
        Self { ranks: Counts::new(&[1, 2, 5, 10]).expect("four different counts"), sample: None }
    }
}

const EVERY: &[Change] = &[Rotation, Permutation, Rescaling];
const OF_A_SAMPLE: &[Change] = &[Rotation, Rescaling];

impl Measure for Neighbours {
    fn columns(&self) -> Vec<Column> {
        let unmoved = if self.sample.is_some() { OF_A_SAMPLE } else { EVERY };
        let column = |name: String, meaning| {
            Column::named(name, Unit::Cosine, meaning).unmoved_by(unmoved).from("David & Nagaraja (2003)")
        };
        let mut columns = Vec::new();
        for rank in self.ranks.iter() {
            let name = format!("neighbour_cosine_{rank}");
            let measured = column(name.clone(), format!("mean cosine of a concept to its neighbour of rank {rank}"));
            columns.push(measured.within(-1.0, 1.0).beside(format!("random_{name}")));
            if self.sample.is_some() {
                let meaning = format!(
                    "standard error of {name}: s/√N · √(1 − N/m) for a sample of N of the m represented concepts"
                );
                columns.push(column(format!("{name}_se"), meaning).within(0.0, 1.0));
            }
            let meaning = format!(
                "theory: expected cosine of a random direction to the neighbour of rank {rank} among m − 1 others"
            );
            columns.push(column(format!("random_{name}"), meaning).within(-1.0, 1.0));
        }
        columns
    }

    fn least_concepts(&self) -> u64 {
        self.ranks.largest() + 1
    }

    fn cost(&self, n: f64, d: f64) -> Cost {
        let asked = self.sample.map_or(n, |sample| n.min(sample.get() as f64));
        let bytes = neighbours::memory(n as u64, d as u64, self.ranks.largest()) as f64;
        Cost { seconds: neighbours::seconds(asked, n, d), bytes }
    }

    fn observe(&self, subject: &Subject, stream: &Stream) -> Vec<Value> {
        let (m, d) = (subject.represented().n_concepts(), subject.represented().d_model() as u64);
        let k = self.ranks.largest() as usize;
        let asked = self.sample.and_then(|sample| drawn(m, sample.size(), stream));
        let found = subject.neighbours(Metric::Cosine, k, asked.as_deref());
        let mut values = Vec::new();
        for rank in self.ranks.iter() {
            let cosines =
                found.as_ref().map(|found| found.rows().map(|row| row[rank as usize - 1]).collect::<Vec<_>>());
            let (mean, error) = cosines.map_or((None, None), |cosines| mean_and_error(&cosines, m));
            values.push(mean.into());
            if self.sample.is_some() {
                values.push(error.into());
            }
            let others = (m as u64).saturating_sub(1);
            // The binomial chances are right to 1e-13 and so may leave the end of the range by as much.
            values.push(random::nearest_cosine(rank, others, d).clamp(-1.0, 1.0).into());
        }
        values
    }
}

/// So many of n numbers without repetition, in order; `None` if that is all of them.
pub(super) fn drawn(n: usize, n_drawn: usize, stream: &Stream) -> Option<Vec<usize>> {
    (n_drawn < n).then(|| {
        let mut drawn = index::sample(&mut stream.stream("sample").rng(), n, n_drawn).into_vec();
        drawn.sort_unstable();
        drawn
    })
}

/// The mean, with the standard error that it has as a simple random sample of n.
pub(super) fn mean_and_error(numbers: &[f64], n: usize) -> (Option<f64>, Option<f64>) {
    let mean = super::mean(numbers.iter().copied());
    let error = mean.filter(|_| numbers.len() > 1).map(|mean| {
        let squares: f64 = numbers.iter().map(|x| (x - mean) * (x - mean)).sum();
        let k = numbers.len() as f64;
        (squares / (k - 1.0) / k * (1.0 - k / n as f64).max(0.0)).sqrt()
    });
    (mean, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::embedding::Embedding;
    use crate::geometry::kernel::Kernel;
    use nalgebra::DMatrix;
    use rand_distr::{Distribution, StandardNormal};

    fn gaussian(n: usize, d: usize, draw: u64) -> Subject {
        let mut rng = Stream::from_seed(draw).rng();
        let entries = (0..n * d).map(|_| Distribution::<f32>::sample(&StandardNormal, &mut rng)).collect();
        Subject::new(Embedding::new(DMatrix::from_vec(d, n, entries)), None, Kernel::best(), false)
    }

    #[test]
    fn theory_random_directions_have_the_profile_of_random_directions() {
        let measure = Neighbours::default();
        for (n, d) in [(40, 3), (300, 20), (500, 256)] {
            let rows: Vec<Vec<Value>> =
                (0..24).map(|draw| measure.observe(&gaussian(n, d, draw), &Stream::from_seed(0))).collect();
            for rank_idx in 0..4 {
                let found: Vec<f64> = rows.iter().map(|row| row[2 * rank_idx].number().unwrap()).collect();
                let (mean, error) = mean_and_error(&found, usize::MAX);
                let theory = rows[0][2 * rank_idx + 1].number().unwrap();
                assert!((mean.unwrap() - theory).abs() < 3.0 * error.unwrap(), "{n} {d}: {mean:?} {error:?} {theory}");
            }
        }
    }

    #[test]
    fn theory_a_sample_is_as_far_off_as_its_standard_error_says() {
        let subject = gaussian(400, 12, 3);
        let whole = Neighbours::default().observe(&subject, &Stream::from_seed(0));
        let sampled = Neighbours { sample: Count::new(60), ..Neighbours::default() };
        let off: Vec<[f64; 2]> = (0..200)
            .map(|seed| {
                let row = sampled.observe(&subject, &Stream::from_seed(seed));
                [(row[0].number().unwrap() - whole[0].number().unwrap()), row[1].number().unwrap()]
            })
            .collect();
        let root = |k: usize| (off.iter().map(|pair| pair[k] * pair[k]).sum::<f64>() / 200.0).sqrt();
        // The spread of 200 draws is known to 5 %.
        assert!((root(0) / root(1) - 1.0).abs() < 0.15, "{} against {}", root(0), root(1));
        // A sample of all is all, without an error.
        let all = Neighbours { sample: Count::new(400), ..Neighbours::default() };
        let row = all.observe(&subject, &Stream::from_seed(1));
        assert_eq!((&row[0], &row[1]), (&whole[0], &Value::Number(0.0)));
    }

    #[test]
    fn law_too_few_concepts_have_no_neighbour_of_that_rank() {
        let row = Neighbours::default().observe(&gaussian(10, 3, 0), &Stream::from_seed(0));
        assert_eq!(row.iter().filter(|value| **value == Value::Undefined).count(), 5, "{row:?}");
    }
}
