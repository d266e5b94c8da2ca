//! Overlap: the cosines of all pairs of concepts, beside those of random directions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::neighbours::{drawn, mean_and_error};
use super::{Cost, Measure, Subject};
use crate::geometry::pairs::{CentredSums, Wanted};
use crate::geometry::rows::{Row, rows};
use crate::geometry::{bounds, neighbours, random};
use crate::quantity::Count;
use crate::seed::Stream;
use crate::table::Change::{Permutation, Rescaling, Rotation};
use crate::table::{Change, Column, Unit, Value};

/// The cosines c of all pairs of represented concepts, in one streaming pass.
///
/// Each dot product is one chain of fused multiply-adds in f32 over the stored entries, in order; it is divided by the two lengths
/// afterwards, in f64, where all sums are. Centred columns subtract the raw mean vector of the represented concepts and normalise again.
/// Quantiles of |c| come from log-spaced bins, 128 to the octave, over all pairs: relative error ≤ 0.4 %, exact for zero. The theory
/// columns are for as many random directions in d dimensions as concepts are represented. A pair statistic of fewer than two
/// represented concepts is undefined, and so is the kurtosis of cosines that are all zero. O(n² d) time, O(n d) memory; no n × n matrix.
///
/// Source: Elhage et al. (2022), Toy Models of Superposition; Welch (1974); Cai, Fan & Jiang (2013), JMLR 14.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Overlap {
    /// Number of concepts whose cosines with all others are looked at: a simple random sample of the represented ones, for more concepts than all pairs can be made of. Then the three means have a standard
    /// error, √(1 − N/m) s/√N with s the spread of the means of single concepts; quantiles, kurtosis and what is centred are left out. Left out: all pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Count>,
}

const EVERY: &[Change] = &[Rotation, Permutation, Rescaling];
const NOT_LENGTH: &[Change] = &[Rotation, Permutation];
const MOMENTS: &str = "Moments of the off-diagonal Gram matrix of unit vectors";
const DIRECTIONS: &str = "Cosine of random directions: (1 + t)/2 is Beta((d−1)/2, (d−1)/2)";

impl Measure for Overlap {
    fn columns(&self) -> Vec<Column> {
        if self.sample.is_some() {
            return sampled_columns();
        }
        use Unit::{Cosine, Count, Fraction, Pure};
        let quantile = |name, meaning| {
            Column::new(name, Cosine, meaning)
                .within(0.0, 1.0)
                .unmoved_by(EVERY)
                .from("Nearest-rank quantile from log-spaced bins")
        };
        vec![
            Column::new("represented_fraction", Fraction, "concepts whose vector is not zero / all concepts; see phi_half for those that have |w| > ½")
                .within(0.0, 1.0)
                .unmoved_by(EVERY),
            Column::new("n_pairs", Count, "pairs i < j of represented concepts, m (m − 1)/2").within(0.0, f64::INFINITY).unmoved_by(EVERY),
            Column::new("mean_cosine", Cosine, "mean of c over the pairs").within(-1.0, 1.0).unmoved_by(EVERY).from(MOMENTS),
            Column::new("mean_abs_cosine", Cosine, "mean of |c| over the pairs")
                .within(0.0, 1.0)
                .unmoved_by(EVERY)
                .beside("random_mean_abs_cosine")
                .from(MOMENTS),
            Column::new("mean_square_cosine", Cosine, "mean of c² over the pairs")
                .within(0.0, 1.0)
                .unmoved_by(EVERY)
                .beside("random_mean_square_cosine")
                .from("Frame potential: Benedetto & Fickus (2003), Adv. Comput. Math. 18"),
            Column::new("excess_kurtosis_cosine", Pure, "⟨c⁴⟩/⟨c²⟩² − 3, about zero rather than about the mean; 0 for a normal distribution")
                .within(-2.0, f64::INFINITY)
                .unmoved_by(EVERY)
                .from(MOMENTS),
            Column::new("coherence", Cosine, "largest |c| of all pairs")
                .within(0.0, 1.0)
                .unmoved_by(EVERY)
                .beside("random_coherence")
                .from("Donoho & Huo (2001), IEEE Trans. Inf. Theory 47"),
            Column::new("mean_largest_abs_cosine", Cosine, "mean over the represented concepts of the largest |c| of each with another; in f32, so to 2e-7 of itself")
                .within(0.0, 1.0)
                .unmoved_by(EVERY)
                .beside("random_mean_largest_abs_cosine")
                .from("Worst interference of a concept; its largest over all is the coherence"),
            Column::new("zero_fraction", Fraction, "pairs whose cosine is 0, that is below 1e-40 / pairs").within(0.0, 1.0).unmoved_by(&[Permutation]),
            quantile("abs_cosine_p50", "median of |c|"),
            quantile("abs_cosine_p90", "90 % of the pairs have |c| of at most this"),
            quantile("abs_cosine_p99", "99 % of the pairs have |c| of at most this"),
            quantile("abs_cosine_p999", "99.9 % of the pairs have |c| of at most this"),
            Column::new("centred_mean_cosine", Cosine, "mean cosine after the mean vector of the represented concepts is subtracted")
                .within(-1.0, 1.0)
                .unmoved_by(NOT_LENGTH)
                .from("Mu & Viswanath (2018), ICLR: the mean vector hides the geometry"),
            Column::new("centred_mean_square_cosine", Cosine, "mean square cosine after the mean vector of the represented concepts is subtracted")
                .within(0.0, 1.0)
                .unmoved_by(NOT_LENGTH)
                .beside("random_mean_square_cosine")
                .from("Mu & Viswanath (2018), ICLR: the mean vector hides the geometry"),
            Column::new("random_mean_abs_cosine", Cosine, "theory: E|t| = Γ(d/2)/(√π Γ((d+1)/2)) of random directions").within(0.0, 1.0).unmoved_by(EVERY).from(DIRECTIONS),
            Column::new("random_mean_square_cosine", Cosine, "theory: E t² = 1/d of random directions").within(0.0, 1.0).unmoved_by(EVERY).from(DIRECTIONS),
            Column::new("random_coherence", Cosine, "theory: expected largest |t| of m random directions, ∫ 1 − exp(−m(m−1)/2 · P(|t| > x)) dx over [0, 1]")
                .within(0.0, 1.0)
                .unmoved_by(EVERY)
                .from("Poisson approximation of the maximum over pairs, with the exact beta tail"),
            Column::new("random_mean_largest_abs_cosine", Cosine, "theory: expected largest |t| of one random direction with m − 1 others, ∫ 1 − (1 − P(|t| > x))^(m−1) dx over [0, 1]")
                .within(0.0, 1.0)
                .unmoved_by(EVERY)
                .from("Exact: the cosines of independent directions with one of them are independent"),
            Column::new("welch_bound", Cosine, "theory: no m lines in d dimensions have a smaller coherence; the best of the Welch, Sidelnikov, Levenshtein, orthoplex and planar bounds; 0 for m ≤ d")
                .within(0.0, 1.0)
                .unmoved_by(EVERY)
                .from("Welch (1974); Sidelnikov (1974); Levenshtein (1982)"),
        ]
    }

    fn least_concepts(&self) -> u64 {
        2
    }

    fn reads_pairs(&self) -> Option<Wanted> {
        self.sample.is_none().then_some(Wanted { centred: true, ..Wanted::default() })
    }

    fn cost(&self, n: f64, d: f64) -> Cost {
        match self.sample.map(|sample| n.min(sample.get() as f64)) {
            None => Cost { seconds: 2e-6, bytes: 0.0 },
            Some(asked) => {
                Cost { seconds: neighbours::seconds(asked, n, d), bytes: 4.0 * (n + asked + 96.0) * d + 200.0 * n }
            }
        }
    }

    fn observe(&self, subject: &Subject, stream: &Stream) -> Vec<Value> {
        if let Some(sample) = self.sample {
            return sampled(subject, sample, stream);
        }
        let (m, d) = (subject.represented().n_concepts() as u64, subject.represented().d_model() as u64);
        let represented_fraction = Value::from(m as f64 / subject.n_concepts() as f64);
        let Some(pairs) = subject.pairs() else {
            let mut row = vec![represented_fraction, Value::Whole(0)];
            row.resize(self.columns().len(), Value::Undefined);
            return row;
        };
        let n_pairs = pairs.n_pairs as f64;
        // A mean of cosines lies within ±1; the f32 dot product of parallel vectors may exceed that by its rounding.
        let mean = |sum: f64| (sum / n_pairs).clamp(-1.0, 1.0);
        let coherence = pairs.max_abs_cos.min(1.0);
        let quantile = |q| Value::from(pairs.histogram.quantile(q).map(|c| c.min(coherence)));
        let centred = |sum: fn(&CentredSums) -> f64| {
            let sums = pairs.centred.as_ref().filter(|sums| sums.n_pairs > 0);
            Value::from(sums.map(|sums| (sum(sums) / sums.n_pairs as f64).clamp(-1.0, 1.0)))
        };
        vec![
            represented_fraction,
            Value::Whole(pairs.n_pairs),
            mean(pairs.sum_cos).into(),
            mean(pairs.sum_abs_cos).into(),
            mean(pairs.sum_cos2).into(),
            // At least −2 by Cauchy–Schwarz; one pair has just that, and rounding may not take it lower.
            (n_pairs * pairs.sum_cos4 / (pairs.sum_cos2 * pairs.sum_cos2) - 3.0).clamp(-2.0, f64::INFINITY).into(),
            coherence.into(),
            (pairs.largest.iter().map(|&largest| f64::from(largest).min(1.0)).sum::<f64>() / m as f64).into(),
            (pairs.histogram.n_zero() as f64 / n_pairs).into(),
            quantile(0.5),
            quantile(0.9),
            quantile(0.99),
            quantile(0.999),
            centred(|sums| sums.sum_cos),
            centred(|sums| sums.sum_cos2),
            random::mean_abs_cosine(d).into(),
            random::mean_square_cosine(d).into(),
            random::coherence(m, d).into(),
            random::largest_abs_cosine(m - 1, d).into(),
            bounds::best(m, d).into(),
        ]
    }
}

/// The columns of a sample of the concepts.
fn sampled_columns() -> Vec<Column> {
    const TURNED: &[Change] = &[Rotation, Rescaling];
    let column = |name, meaning| Column::new(name, Unit::Cosine, meaning).unmoved_by(TURNED).from(MOMENTS);
    let mean = |name, meaning| column(name, meaning).within(if name == "mean_cosine" { -1.0 } else { 0.0 }, 1.0);
    let error = |name| {
        column(name, "standard error of the mean before it, as that of a simple random sample of the concepts")
            .within(0.0, 1.0)
    };
    vec![
        Column::new(
            "represented_fraction",
            Unit::Fraction,
            "concepts that are represented (vector not zero) / all concepts",
        )
        .within(0.0, 1.0)
        .unmoved_by(EVERY),
        Column::new(
            "n_pairs",
            Unit::Count,
            "cosines that were looked at, N (m − 1): those of N concepts with all others",
        )
        .within(0.0, f64::INFINITY)
        .unmoved_by(EVERY),
        mean("mean_cosine", "mean of c over the cosines that were looked at"),
        error("mean_cosine_se"),
        mean("mean_abs_cosine", "mean of |c| over the cosines that were looked at").beside("random_mean_abs_cosine"),
        error("mean_abs_cosine_se"),
        mean("mean_square_cosine", "mean of c² over the cosines that were looked at")
            .beside("random_mean_square_cosine"),
        error("mean_square_cosine_se"),
        mean("sampled_coherence", "largest |c| that was looked at: at most the coherence"),
        Column::new(
            "random_mean_abs_cosine",
            Unit::Cosine,
            "theory: E|t| = Γ(d/2)/(√π Γ((d+1)/2)) of random directions",
        )
        .within(0.0, 1.0)
        .unmoved_by(EVERY)
        .from(DIRECTIONS),
        Column::new("random_mean_square_cosine", Unit::Cosine, "theory: E t² = 1/d of random directions")
            .within(0.0, 1.0)
            .unmoved_by(EVERY)
            .from(DIRECTIONS),
    ]
}

/// The values of a sample of the concepts.
fn sampled(subject: &Subject, sample: Count, stream: &Stream) -> Vec<Value> {
    let (m, d) = (subject.represented().n_concepts(), subject.represented().d_model() as u64);
    let asked = drawn(m, sample.size(), stream).unwrap_or_else(|| (0..m).collect());
    let found =
        if m < 2 { Vec::new() } else { rows(subject.represented(), &asked, subject.kernel(), subject.is_parallel()) };
    let others = m as f64 - 1.0;
    let means = |sum: fn(&Row) -> f64| -> [Value; 2] {
        let means: Vec<f64> = found.iter().map(|row| sum(row) / others).collect();
        let (mean, error) = mean_and_error(&means, m);
        // As for all pairs, the rounding of parallel vectors may exceed 1.
        [mean.map(|mean| mean.clamp(-1.0, 1.0)).into(), error.into()]
    };
    let largest = found.iter().map(|row| row.max_abs_cos.min(1.0)).reduce(f64::max);
    let mut row = vec![
        Value::from(m as f64 / subject.n_concepts() as f64),
        Value::Whole(found.len() as u64 * (m as u64).saturating_sub(1)),
    ];
    row.extend([means(|row| row.sum_cos), means(|row| row.sum_abs_cos), means(|row| row.sum_cos2)].concat());
    row.extend([largest.into(), random::mean_abs_cosine(d).into(), random::mean_square_cosine(d).into()]);
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::embedding::Embedding;
    use crate::geometry::kernel::Kernel;
    use nalgebra::DMatrix;
    use rand_distr::{Distribution, StandardNormal};

    #[test]
    fn theory_a_sample_is_as_far_off_as_its_standard_error_says() {
        let mut rng = Stream::from_seed(11).rng();
        // A cone, so that concepts differ in their mean cosine.
        let w = DMatrix::from_fn(
            20,
            500,
            |k, _| if k == 0 { 1.0 } else { 0.0 } + Distribution::<f32>::sample(&StandardNormal, &mut rng),
        );
        let whole = Overlap::default();
        let subject = Subject::new(Embedding::new(w), whole.reads_pairs(), Kernel::best(), false);
        let all = whole.observe(&subject, &Stream::from_seed(0));
        let sampled = Overlap { sample: Count::new(50) };
        let rows: Vec<Vec<f64>> = (0..300)
            .map(|seed| {
                sampled
                    .observe(&subject, &Stream::from_seed(seed))
                    .iter()
                    .map(|value| value.number().unwrap())
                    .collect()
            })
            .collect();
        for (idx, expected) in [(2, &all[2]), (4, &all[3]), (6, &all[4])] {
            let expected = expected.number().unwrap();
            let root = |number: &dyn Fn(&Vec<f64>) -> f64| {
                (rows.iter().map(|row| number(row).powi(2)).sum::<f64>() / 300.0).sqrt()
            };
            let (off, said) = (root(&|row| row[idx] - expected), root(&|row| row[idx + 1]));
            // The spread of 300 draws is known to 4 %.
            assert!((off / said - 1.0).abs() < 0.13, "column {idx}: {off} against {said}");
            let mean = rows.iter().map(|row| row[idx]).sum::<f64>() / 300.0;
            assert!((mean - expected).abs() < 3.5 * said / 300f64.sqrt(), "column {idx}: {mean} against {expected}");
        }
        assert_eq!(rows[0][1], 50.0 * 499.0);
        assert!(rows.iter().all(|row| row[8] <= all[6].number().unwrap()));
        // A sample of all is all, without an error.
        let every = Overlap { sample: Count::new(500) }.observe(&subject, &Stream::from_seed(0));
        // Over all pairs the mean comes from the vectors, over a sample from products in f32.
        assert!((every[2].number().unwrap() - all[2].number().unwrap()).abs() < 1e-8);
        assert_eq!(every[3], Value::Number(0.0));
    }
}
