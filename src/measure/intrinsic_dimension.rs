//! Intrinsic dimension: of how many dimensions the cloud of concepts is, near each of them.

use nalgebra::DMatrix;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::neighbours::{drawn, mean_and_error};
use super::{Cost, Measure, Subject};
use crate::geometry::embedding::Embedding;
use crate::geometry::neighbours::{self, Metric};
use crate::quantity::Count;
use crate::seed::Stream;
use crate::table::Change::{Permutation, Rotation};
use crate::table::{Change, Column, Unit, Value};

/// The dimension of the surface that the represented concepts lie on, from the distances of each to its nearest neighbours: two estimators.
///
/// **TwoNN**: with r₁ and r₂ the distances to the two nearest, μ = r₂/r₁ follows the density d μ^(−d−1) where points are locally uniform in d dimensions, so
/// d = (m − 1)/Σ ln μ, which is unbiased for independent μ; `twonn_fit_dimension` is the slope of −ln(1 − F) on ln μ through the origin, F = i/m, without the largest 10 % of
/// the μ, as the source does it. **Maximum likelihood**: with T_j the distance to the j-th of k neighbours, 1/d is the mean of ln(T_k/T_j) over the concepts
/// and over j < k; averaging 1/d rather than d is MacKay & Ghahramani's correction of Levina & Bickel.
///
/// Both are low in many dimensions, where the nearest points are not near: on a cube, for 2000 points, TwoNN by 4, 12 and 23 % in 5, 10 and 20 dimensions, the other by more; above
/// some 10 dimensions they rank and do not measure. A vector that equals an earlier one has no direction to it: such are counted, and left out before neighbours are
/// looked for. The standard errors take the concepts as independent; their neighbourhoods overlap, and the true error is 1 to 1.5 times that (1000 points of cubes of 2 to 20 dimensions).
/// Undefined for fewer than 3 different vectors, k = 1 or too few for k, and where distances are equal to 1e-4 of themselves.
/// O(m² d) time, or O(N m d) for a `sample` of N, and O(m (d + k)) memory.
///
/// Source: Facco, d'Errico, Rodriguez & Laio (2017), Sci. Rep. 7; Levina & Bickel (2004), NIPS 17; MacKay & Ghahramani (2005), Comments on "Maximum Likelihood Estimation of
/// Intrinsic Dimension".
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IntrinsicDimension {
    /// k, the neighbours that the likelihood looks at: at least 2. More see further: less noise, more of the curvature and of the edges.
    pub k: Count,
    /// Number of concepts whose neighbours, among all, are looked for: a simple random sample. Left out: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<Count>,
}

impl Default for IntrinsicDimension {
    fn default() -> Self {
        Self { k: Count::new(10).expect("a count"), sample: None }
    }
}

const BLIND: &[Change] = &[Rotation, Permutation];
const OF_A_SAMPLE: &[Change] = &[Rotation];

/// A mean of ln μ below this, for a dimension above 10,000, is too near the rounding of f32 entries: distances are equal.
const ROUNDING: f64 = 1e-4;

/// The part of the largest μ that the fit leaves out.
const DISCARDED: f64 = 0.1;

impl Measure for IntrinsicDimension {
    fn columns(&self) -> Vec<Column> {
        let unmoved = if self.sample.is_some() { OF_A_SAMPLE } else { BLIND };
        let column = |name, meaning, source| {
            Column::new(name, Unit::Dimensions, meaning).within(0.0, f64::INFINITY).unmoved_by(unmoved).from(source)
        };
        let (facco, levina) = ("Facco et al. (2017)", "Levina & Bickel (2004); MacKay & Ghahramani (2005)");
        vec![
            column("twonn_dimension", "(m − 1)/Σ ln(r₂/r₁), from the two nearest of each different vector", facco),
            column(
                "twonn_dimension_se",
                "standard error of twonn_dimension: d² s(ln μ)/√m, as if concepts were independent",
                facco,
            ),
            column(
                "twonn_fit_dimension",
                "slope of −ln(1 − F) on ln μ through the origin, without the largest 10 % of μ = r₂/r₁",
                facco,
            ),
            column(
                "mle_dimension",
                "1 / mean of ln(T_k/T_j) over the concepts and j < k, T_j the distance to the j-th neighbour",
                levina,
            ),
            column(
                "mle_dimension_se",
                "standard error of mle_dimension: d² s/√m, s the spread of the mean over j, as if concepts were independent",
                levina,
            ),
            Column::new(
                "duplicate_fraction",
                Unit::Fraction,
                "represented concepts whose vector equals that of an earlier one / m; they are left out",
            )
            .within(0.0, 1.0)
            .unmoved_by(BLIND),
        ]
    }

    fn least_concepts(&self) -> u64 {
        self.k.get().max(2) + 1
    }

    fn cost(&self, n: f64, d: f64) -> Cost {
        let asked = self.sample.map_or(n, |sample| n.min(sample.get() as f64));
        // Where there are duplicates, those that differ are copied.
        let bytes = neighbours::memory(n as u64, d as u64, self.k.get().max(2)) as f64 + 4.0 * n * d;
        Cost { seconds: neighbours::seconds(asked, n, d), bytes }
    }

    fn observe(&self, subject: &Subject, stream: &Stream) -> Vec<Value> {
        let m = subject.represented().n_concepts();
        let kept = different(subject.represented());
        let duplicates = Value::from((m > 0).then(|| (m - kept.len()) as f64 / m as f64));
        // Too few for k may be enough for two.
        let k = if kept.len() > self.k.size() { self.k.size().max(2) } else { 2 };
        let asked = self.sample.and_then(|sample| drawn(kept.len(), sample.size(), stream));
        let found = if kept.len() == m {
            subject.neighbours(Metric::Euclidean, k, asked.as_deref())
        } else {
            let matrix: DMatrix<f32> = subject.represented().matrix().select_columns(&kept);
            subject.with(Embedding::new(matrix)).neighbours(Metric::Euclidean, k, asked.as_deref())
        };
        let Some(found) = found else {
            let mut row = vec![Value::Undefined; 5];
            row.push(duplicates);
            return row;
        };
        let mut log_ratios: Vec<f64> = found.rows().map(|row| libm::log(row[1] / row[0])).collect();
        let [twonn, twonn_se] = inverse_of_mean(&log_ratios, kept.len(), true);
        log_ratios.sort_unstable_by(f64::total_cmp);
        let fit = twonn.and_then(|_| slope(&log_ratios));
        let [mle, mle_se] = if k == self.k.size() && k > 1 {
            let mean_log = |row: &[f64]| {
                row[..k - 1].iter().map(|distance| libm::log(row[k - 1] / distance)).sum::<f64>() / (k - 1) as f64
            };
            inverse_of_mean(&found.rows().map(mean_log).collect::<Vec<_>>(), kept.len(), false)
        } else {
            [None, None]
        };
        let mut row: Vec<Value> = [twonn, twonn_se, fit, mle, mle_se].map(Value::from).into();
        row.push(duplicates);
        row
    }
}

/// 1/mean, or (N − 1)/sum, with its standard error d² s/√N; both `None` where all are 0 but for rounding.
fn inverse_of_mean(logs: &[f64], n: usize, unbiased: bool) -> [Option<f64>; 2] {
    // The spread of the population, whatever part of it was looked at.
    let (mean, error) = mean_and_error(logs, usize::MAX);
    let Some(mean) = mean.filter(|&mean| mean > ROUNDING) else { return [None, None] };
    debug_assert!(logs.len() <= n);
    let correction = if unbiased { (logs.len() as f64 - 1.0) / logs.len() as f64 } else { 1.0 };
    [Some(correction / mean), error.map(|error| error / (mean * mean))]
}

/// The slope of −ln(1 − i/N) on the i-th ln μ, through the origin, without the largest tenth; `None` where those left are all 0.
fn slope(ascending: &[f64]) -> Option<f64> {
    let n = ascending.len() as f64;
    let kept = (n * (1.0 - DISCARDED)) as usize;
    let points = ascending[..kept].iter().enumerate().map(|(i, &x)| (x, -libm::log1p(-((i + 1) as f64) / n)));
    let (products, squares) = points.fold((0.0, 0.0), |(xy, xx), (x, y)| (xy + x * y, xx + x * x));
    (squares > n * ROUNDING * ROUNDING).then(|| products / squares)
}

/// The numbers of the columns that equal none before them.
fn different(embedding: &Embedding) -> Vec<usize> {
    let mut order: Vec<usize> = (0..embedding.n_concepts()).collect();
    // −0 equals 0.
    let compare = |&i: &usize, &j: &usize| {
        let pairs = embedding.column(i).iter().zip(embedding.column(j));
        pairs
            .map(|(a, b)| (a + 0.0).total_cmp(&(b + 0.0)))
            .find(|order| order.is_ne())
            .unwrap_or(std::cmp::Ordering::Equal)
    };
    order.sort_unstable_by(|i, j| compare(i, j).then(i.cmp(j)));
    let first = |pair: &[usize]| compare(&pair[0], &pair[1]).is_ne();
    let mut kept: Vec<usize> = order.first().copied().into_iter().collect();
    kept.extend(order.windows(2).filter(|pair| first(pair)).map(|pair| pair[1]));
    kept.sort_unstable();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::kernel::Kernel;
    use rand::RngExt;

    fn subject(d: usize, points: Vec<f32>) -> Subject {
        let n = points.len() / d;
        Subject::new(Embedding::new(DMatrix::from_vec(d, n, points)), None, Kernel::best(), true)
    }

    fn cube(n: usize, d: usize, draw: u64) -> Vec<f32> {
        let mut rng = Stream::from_seed(draw).stream(&format!("cube {d}")).rng();
        // Away from 0, which is the corner of the cube: that vector would not be represented.
        (0..n * d).map(|_| 1.0 + rng.random::<f32>()).collect()
    }

    fn numbers(subject: &Subject, measure: &IntrinsicDimension) -> Vec<Option<f64>> {
        measure.observe(subject, &Stream::from_seed(0)).iter().map(Value::number).collect()
    }

    // Science reference, section 8: TwoNN on a cube with n = 2000 is low by 4 % (d = 5), 12 % (d = 10) and 23 % (d = 20).
    #[test]
    fn theory_twonn_is_low_on_a_cube() {
        for (d, low) in [(5, 0.04), (10, 0.12), (20, 0.23)] {
            let found: Vec<f64> = (0..16)
                .map(|draw| numbers(&subject(d, cube(2000, d, draw)), &IntrinsicDimension::default())[0].unwrap())
                .collect();
            let (mean, error) = mean_and_error(&found, usize::MAX);
            let (mean, error) = (mean.unwrap() / d as f64, error.unwrap() / d as f64);
            // The reference has two digits: half of the last one is 0.005.
            assert!((mean - 1.0 + low).abs() < 3.0 * error + 0.005, "d = {d}: {mean} ± {error} against {}", 1.0 - low);
        }
    }

    #[test]
    fn theory_a_line_and_a_plane_have_their_dimensions_wherever_they_lie() {
        for d in [1, 2] {
            let flat = cube(3000, d, 9);
            // In 40 dimensions, turned and far from 0.
            let point = |vector: &[f32]| {
                let place = vector.to_vec();
                (0..40).map(move |k| {
                    30.0 + place.iter().enumerate().map(|(j, x)| x * ((k * (3 + j)) as f32).sin()).sum::<f32>()
                })
            };
            let subject = subject(40, flat.chunks(d).flat_map(point).collect());
            let row = numbers(&subject, &IntrinsicDimension::default());
            for idx in [0, 2, 3] {
                assert!((row[idx].unwrap() / d as f64 - 1.0).abs() < 0.06, "{d}: {row:?}");
            }
            // d/√m for m independent concepts.
            assert!((row[1].unwrap() / (d as f64 / 3000f64.sqrt()) - 1.0).abs() < 0.1, "{row:?}");
        }
    }

    // By hand: points 0, 1, 3, 7 of a line have r₁ = 1, 1, 2, 4 and r₂ = 3, 2, 3, 6, so μ = 3, 2, 3/2, 3/2 and Σ ln μ = ln 13.5.
    #[test]
    fn theory_four_points_and_their_duplicates() {
        let line = [100.0, 101.0, 103.0, 107.0];
        let measure = IntrinsicDimension { k: Count::new(3).unwrap(), sample: None };
        let row = numbers(&subject(1, line.to_vec()), &measure);
        assert!((row[0].unwrap() - 3.0 / 13.5f64.ln()).abs() < 1e-12, "{row:?}");
        // T = (1, 3, 7), (1, 2, 6), (2, 3, 4), (4, 6, 7): means of ln T₃/T_j over j = 1, 2.
        let logs = [49.0 / 3.0, 18.0, 16.0 / 6.0, 49.0 / 24.0].map(|x: f64| x.ln() / 2.0);
        let mean = logs.iter().sum::<f64>() / 4.0;
        let sd = (logs.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 3.0).sqrt();
        assert!((row[3].unwrap() - 1.0 / mean).abs() < 1e-12, "{row:?}");
        assert!((row[4].unwrap() - sd / 2.0 / mean.powi(2)).abs() < 1e-12, "{row:?}");
        assert_eq!(row[5], Some(0.0));
        // Each again, some twice: nothing changes but their number.
        let repeated = [[100.0, 103.0, 103.0].as_slice(), &[101.0, 107.0, 103.0, 101.0]].concat();
        let again = numbers(&subject(1, repeated), &measure);
        assert_eq!(again[5], Some(3.0 / 7.0));
        for idx in 0..5 {
            assert!((again[idx].unwrap() - row[idx].unwrap()).abs() < 1e-12, "{idx}: {again:?} {row:?}");
        }
    }

    #[test]
    fn law_what_has_no_distances_is_undefined() {
        let undefined = |subject: &Subject| {
            let row = numbers(subject, &IntrinsicDimension::default());
            (row[..5].iter().filter(|x| x.is_none()).count(), row[5])
        };
        assert_eq!(undefined(&subject(2, vec![1.0; 40])), (5, Some(0.95)));
        let equal: Vec<f32> = (0..400).map(|idx| f32::from(idx / 20 == idx % 20)).collect();
        assert_eq!(undefined(&subject(20, equal)), (5, Some(0.0)));
        assert_eq!(undefined(&subject(2, cube(8, 2, 0))), (2, Some(0.0)));
    }
}
