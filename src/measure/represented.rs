//! Represented: which concepts a model has made room for, by the lengths of their vectors.

use nalgebra::DMatrix;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cost, Measure, Subject};
use crate::geometry::embedding::Embedding;
use crate::geometry::pairs::{self, Wanted, pair_statistics};
use crate::quantity::Counts;
use crate::seed::Stream;
use crate::table::Change::{Permutation, Rotation};
use crate::table::{Change, Column, Unit, Value};

/// How many concepts are represented, |wᵢ| > ½, and strongly, |wᵢ| > 1; the gap between their lengths; and what the others cost.
///
/// In weak superposition about d of n concepts are represented, in strong superposition nearly all: φ_½ stands beside d/n, and goes from there to 1. The strongly represented ones are
/// at least about those d, and at most as many as can be kept nearly orthogonal: φ_1 stands between d/n and min(d²/2, n)/n. Learned lengths fall into two groups; `norm_gap` is the
/// widest gap between neighbours among all n sorted lengths, and `norm_gap_middle` where it lies, if all lengths are not the same. The mean square cosine of the strongly represented
/// concepts alone stands beside Welch's value κ² = (ν − d)/(d (ν − 1)) of ν = min(d²/2, n) vectors, about 1/d; that of all concepts is much larger where weak ones share their directions.
/// Up to two units d²/2 is no more than d, and no bound; ν is n there.
///
/// `loss_over_unrepresented` is the loss of a training over Σ pᵢ⟨Iᵢ vᵢ²⟩ of the concepts with |wᵢ| ≤ ½, which is what a model loses that answers them with zero and all others rightly:
/// about 1 in weak superposition. A concept counts as represented here by its length; in `represented_fraction` of `overlap` and in the statistics of directions it does
/// as soon as its vector is not zero, and after a training nearly every one is that. The loss over the unrepresented does not exist for codes that were not learned, nor where every concept is represented. The set is that which was
/// realised: a training may miss frequent concepts. O(s² d) time for s strong concepts, O(n + s d) memory.
///
/// Source: Liu, Liu & Gore (2025), Superposition Yields Robust Neural Scaling, arXiv 2505.10465.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Represented {
    /// Numbers of concepts, from 1, of which the length, and whether it is above ½, are told each: 1 to 32 of them, at most n. Left out: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concepts: Option<Counts>,
}

impl Represented {
    fn concepts(&self) -> impl Iterator<Item = u64> {
        self.concepts.iter().flat_map(Counts::iter)
    }
}

impl Measure for Represented {
    fn columns(&self) -> Vec<Column> {
        const BLIND: &[Change] = &[Rotation, Permutation];
        const EVERY: &[Change] = &[Rotation, Permutation, Change::Rescaling];
        let fraction = |name, meaning| Column::new(name, Unit::Fraction, meaning).within(0.0, 1.0).unmoved_by(BLIND);
        let length =
            |name, meaning| Column::new(name, Unit::Pure, meaning).within(0.0, f64::INFINITY).unmoved_by(BLIND);
        let cosine = |name, meaning| Column::new(name, Unit::Cosine, meaning).within(0.0, 1.0);
        let columns = [
            fraction("phi_half", "φ_½: concepts with |w| > ½ / n").beside("phi_half_weak"),
            fraction("phi_half_weak", "theory of weak superposition: min(d, n)/n; of strong: 1").unmoved_by(EVERY),
            fraction("phi_one", "φ_1: concepts with |w| > 1 / n").beside("phi_one_most"),
            fraction("phi_one_least", "theory: lower bound of φ_1, min(d, n)/n").unmoved_by(EVERY),
            fraction("phi_one_most", "theory: upper bound of φ_1, min(max(d²/2, d), n)/n").unmoved_by(EVERY),
            length("norm_gap", "widest gap between neighbours among the n sorted lengths |w|"),
            length("norm_gap_middle", "the length in the middle of norm_gap"),
            cosine("strong_mean_square_cosine", "mean of cos² over pairs of concepts with |w| > 1")
                .unmoved_by(BLIND)
                .beside("strong_mean_square_cosine_theory"),
            cosine(
                "strong_mean_square_cosine_theory",
                "theory: κ² = (ν − d)/(d (ν − 1)) with ν = min(d²/2, n), or n for d ≤ 2; 0 for n ≤ d",
            )
            .unmoved_by(EVERY),
            length(
                "loss_over_unrepresented",
                "loss / Σ p⟨I v²⟩ over the concepts with |w| ≤ ½; undefined without a training",
            )
            .unmoved_by(&[Rotation]),
        ];
        let of_concept = |concept| {
            let length = Column::named(format!("norm_{concept}"), Unit::Pure, format!("|w| of concept {concept}"));
            let meaning = format!("1 if concept {concept} is represented, |w| > ½, else 0");
            let flag = Column::named(format!("represented_{concept}"), Unit::Count, meaning);
            [length.within(0.0, f64::INFINITY), flag.within(0.0, 1.0)].map(|column| column.unmoved_by(&[Rotation]))
        };
        let columns = columns.into_iter().chain(self.concepts().flat_map(of_concept));
        columns.map(|column| column.from("Liu, Liu & Gore (2025)")).collect()
    }

    fn least_concepts(&self) -> u64 {
        self.concepts().max().unwrap_or(1)
    }

    fn cost(&self, n: f64, d: f64) -> Cost {
        let bytes = 4.0 * n * d + pairs::memory(n as u64, d as u64) as f64 + 32.0 * n;
        Cost { seconds: n * n * d / 80e9 + n * n * 0.8e-9, bytes }
    }

    fn observe(&self, subject: &Subject, _: &Stream) -> Vec<Value> {
        let (n, d) = (subject.n_concepts(), subject.represented().d_model());
        let squares = subject.by_concept(|vector| vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>());
        let mut lengths = vec![0.0; n];
        squares.iter().enumerate().for_each(|(idx, square)| lengths[subject.number(idx)] = square.sqrt());
        let longer_than = |least: f64| lengths.iter().filter(|&&length| length > least).count() as f64 / n as f64;
        let (count, width) = (n as f64, d as f64);
        let packed = (width * width / 2.0).min(count);
        // κ² is that of these.
        let vectors = if d <= 2 { count } else { packed };
        let gap = widest_gap(&lengths);
        let mut values = vec![
            longer_than(0.5).into(),
            (width.min(count) / count).into(),
            longer_than(STRONG).into(),
            (width.min(count) / count).into(),
            (packed.max(width).min(count) / count).into(),
            gap.map_or(0.0, |(low, high)| high - low).into(),
            gap.map(|(low, high)| 0.5 * (low + high)).into(),
            strong_mean_square(subject, &squares).into(),
            if vectors > width { (vectors - width) / (width * (vectors - 1.0)) } else { 0.0 }.into(),
            subject.training().and_then(|training| over_unrepresented(&training.progress, &lengths)).into(),
        ];
        values.extend(self.concepts().flat_map(|concept| {
            let length = lengths[concept as usize - 1];
            [Value::from(length), Value::Whole(u64::from(length > 0.5))]
        }));
        values
    }
}

/// The length above which a concept is strongly represented: 1, and not by rounding. Codes of length 1 are not.
const STRONG: f64 = 1.0 + 1e-6;

/// The two neighbours among sorted numbers that lie farthest apart, the lowest such pair. Lengths are rounded: less than 1e-6 is no gap.
fn widest_gap(numbers: &[f64]) -> Option<(f64, f64)> {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let gaps = sorted.windows(2).map(|pair| (pair[0], pair[1]));
    let widest = gaps.reduce(|widest, next| if next.1 - next.0 > widest.1 - widest.0 { next } else { widest })?;
    (widest.1 - widest.0 > 1e-6).then_some(widest)
}

/// Mean of cos² over the pairs of vectors longer than 1; nothing for fewer than two.
fn strong_mean_square(subject: &Subject, squares: &[f64]) -> Option<f64> {
    let d = subject.represented().d_model();
    let columns = subject.represented().as_slice().chunks_exact(d).zip(squares);
    let strong: Vec<f32> =
        columns.filter(|(_, square)| **square > STRONG * STRONG).flat_map(|(column, _)| column).copied().collect();
    let n_strong = strong.len() / d;
    if n_strong < 2 {
        return None;
    }
    let strong = Embedding::new(DMatrix::from_vec(d, n_strong, strong));
    let wanted = Wanted::default();
    let statistics = pair_statistics(&strong, wanted, subject.kernel(), subject.is_parallel());
    // Dot products are rounded to f32.
    Some((statistics.sum_cos2 / statistics.n_pairs as f64).min(1.0))
}

/// The loss over what the concepts lose that are not represented, if any are not.
fn over_unrepresented(progress: &crate::training::Progress, lengths: &[f64]) -> Option<f64> {
    let lost: f64 =
        progress.unanswered().zip(lengths).filter(|(_, length)| **length <= 0.5).map(|(cost, _)| cost).sum();
    (lost > 0.0).then_some(progress.loss / lost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::kernel::Kernel;
    use crate::measure::Training;
    use crate::training::{Outcome, Progress};

    #[test]
    fn theory_three_vectors_by_hand() {
        // Lengths 0, 0.4, √2 and 2, the last two at 45°: cos² = ½. The widest gap is from 0.4 to √2; of p = 0.1, 0.2, 0.3, 0.4 with stakes 2 the first two are lost: 0.6.
        let columns = [[0.0, 0.0], [0.4, 0.0], [1.0, 1.0], [2.0, 0.0]].concat();
        let progress = Progress {
            loss: 0.9,
            loss_by_concept: vec![0.2, 0.4, 0.2, 0.1],
            frequency: vec![0.1, 0.2, 0.3, 0.4],
            stakes: vec![2.0; 4],
            ..Progress::default()
        };
        let training = Training { step: 1, progress, outcome: Outcome::Converged, n_restarts: 1, n_failed: 0 };
        let embedding = Embedding::new(DMatrix::from_vec(2, 4, columns));
        let subject = Subject::new(embedding, None, Kernel::Scalar, false).after(training);
        let measure = Represented { concepts: Counts::new(&[4, 2]) };
        let values = measure.observe(&subject, &Stream::from_seed(1));
        let root = std::f64::consts::SQRT_2;
        // φ_½, d/n; φ_1, d/n, (d²/2)/n. Four lines in the plane have a mean square cosine of (4 − 2)/(2 · 3) at least.
        let fractions = [0.5, 0.5, 0.5, 0.5, 0.5];
        let rest = [root - 0.4, 0.5 * (root + 0.4), 0.5, 1.0 / 3.0, 1.5, 2.0, 1.0, 0.4, 0.0];
        let expected: Vec<f64> = fractions.into_iter().chain(rest).collect();
        assert_eq!((values.len(), measure.columns().len()), (expected.len(), expected.len()));
        for ((value, expected), column) in values.iter().zip(expected).zip(measure.columns()) {
            assert!((value.number().unwrap() - expected).abs() < 1e-7, "{}: {value} for {expected}", column.name);
        }
    }

    #[test]
    fn theory_the_line_of_the_strong_is_welchs() {
        // κ² and the bounds of φ_1 for 300 concepts: 50 nearly orthogonal vectors in 10 units, 40/(10 · 49); all lines of a plane, of a line; no overlap where there is room.
        for (n, d, square, least, most) in [
            (300, 10, 40.0 / 490.0, 10.0 / 300.0, 50.0 / 300.0),
            (300, 2, 298.0 / (2.0 * 299.0), 2.0 / 300.0, 2.0 / 300.0),
            (300, 1, 1.0, 1.0 / 300.0, 1.0 / 300.0),
            (8, 10, 0.0, 1.0, 1.0),
            (12, 10, 2.0 / 110.0, 10.0 / 12.0, 1.0),
        ] {
            let subject = Subject::new(Embedding::new(DMatrix::zeros(d, n)), None, Kernel::Scalar, false);
            let values = Represented::default().observe(&subject, &Stream::from_seed(1));
            let columns = Represented::default().columns();
            let of = |name: &str| &values[columns.iter().position(|column| column.name == name).expect("a column")];
            for (name, expected) in [
                ("phi_half", 0.0),
                ("phi_half_weak", least),
                ("phi_one", 0.0),
                ("phi_one_least", least),
                ("phi_one_most", most),
                ("norm_gap", 0.0),
                ("strong_mean_square_cosine_theory", square),
            ] {
                assert!((of(name).number().unwrap() - expected).abs() < 1e-15, "{name} of {n} in {d}");
            }
            assert_eq!(of("strong_mean_square_cosine"), &Value::Undefined);
        }
    }
}
