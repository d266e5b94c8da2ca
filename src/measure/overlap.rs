//! Overlap: the cosines of all pairs of concepts, beside those of random directions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cost, Measure, Subject};
use crate::geometry::pairs::{CentredSums, Wanted};
use crate::geometry::{bounds, random};
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
pub struct Overlap {}

const EVERY: &[Change] = &[Rotation, Permutation, Rescaling];
const NOT_LENGTH: &[Change] = &[Rotation, Permutation];
const MOMENTS: &str = "Moments of the off-diagonal Gram matrix of unit vectors";
const DIRECTIONS: &str = "Cosine of random directions: (1 + t)/2 is Beta((d−1)/2, (d−1)/2)";

impl Measure for Overlap {
    fn columns(&self) -> Vec<Column> {
        use Unit::{Cosine, Count, Fraction, Pure};
        let quantile = |name, meaning| {
            Column::new(name, Cosine, meaning)
                .within(0.0, 1.0)
                .unmoved_by(EVERY)
                .from("Nearest-rank quantile from log-spaced bins")
        };
        vec![
            Column::new("represented_fraction", Fraction, "concepts that are represented (vector not zero) / all concepts")
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
            Column::new("zero_fraction", Fraction, "pairs whose cosine is exactly 0 / pairs").within(0.0, 1.0).unmoved_by(&[Permutation]),
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
        Some(Wanted { centred: true, dot_squares: false })
    }

    fn cost(&self, _: f64, _: f64) -> Cost {
        Cost { seconds: 2e-6, bytes: 0.0 }
    }

    fn observe(&self, subject: &Subject, _: &Stream) -> Vec<Value> {
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
            (n_pairs * pairs.sum_cos4 / (pairs.sum_cos2 * pairs.sum_cos2) - 3.0).into(),
            coherence.into(),
            (pairs.n_zero as f64 / n_pairs).into(),
            quantile(0.5),
            quantile(0.9),
            quantile(0.99),
            quantile(0.999),
            centred(|sums| sums.sum_cos),
            centred(|sums| sums.sum_cos2),
            random::mean_abs_cosine(d).into(),
            random::mean_square_cosine(d).into(),
            random::coherence(m, d).into(),
            bounds::best(m, d).into(),
        ]
    }
}
