//! Similarity: how alike two tiers represent the same concepts, each score beside what it would be if they had nothing in common.

pub mod matching;

use rand::seq::SliceRandom;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use Nulls::{Closed, Estimated};
use matching::{By, matched};

use super::neighbours::{drawn, mean_and_error};
use super::{Cost, Measure, Subject};
use crate::geometry::embedding::Embedding;
use crate::geometry::neighbours::{self, Metric};
use crate::geometry::similarity::{self, Cloud, Null, Scores};
use crate::quantity::{Count, Label};
use crate::seed::Stream;
use crate::table::Change::{Permutation, Rescaling, Rotation};
use crate::table::{Change, Column, Unit, Value};

/// Seven scores of how alike a tier and the tier `to` represent the concepts, in the same replicate; each with its null value, its standard deviation and z.
///
/// Compared are the concepts that both represent, matched by name or by their order, after the mean of each side is subtracted (not for the neighbours). The null of a score is its distribution if
/// the concepts of one side are put into a random order: everything that each representation has for itself stays (width, spectrum, hubs), and nothing in common.
/// z = (x − null)/sd; a score far from 0 and 1 says little, a z of many does. For the two CKA, RSA and the neighbours the null is in closed form, over all orders; for the other three it is estimated from
/// `permutations`, which leaves its standard deviation uncertain by 1/√(2 permutations).
///
/// **cka_biased** |X̃Ỹ′|²/(|X̃X̃′| |ỸỸ′|): a similarity. High for wide representations of few concepts: √(pq/((n + p)(n + q))) for independent Gaussian ones of p and q units.
/// **cka_debiased**: the same with unbiased estimates; a similarity about 0 for independence, 1 for alike. **rsa**: Spearman's correlation of all distances; unbiased. Of more than 2048
/// concepts a sample of 2048 is taken. **procrustes**: 2 − 2|X̃Ỹ′|_* after both are scaled to size 1: a *distance*, 0 for alike, biased towards 0 by width. **svcca**: mean
/// canonical correlation of the directions that hold 99 % of each variance; **pwcca**: of all directions, weighted by what they take of the units of the side of lower rank, or where both have the same rank of the
/// first: the tier that is measured and not `to`, A of `superpose compare`. So exchanging the sides may change it. Similarities; both are 1 whatever the vectors where the ranks add up to n or more. **mutual_neighbours**: the part of its k nearest by cosine that a concept keeps; unbiased, k/(n − 1) by chance; of those equally near the
/// first counts, so it says nothing of codes with many equal cosines.
///
/// O(n d² + d³) time for each of 1 + `permutations` comparisons, with n in the place of d where it is less, O(n² d) for the neighbours, and O(n² (d + log n)) for RSA with n at most 2048; memory of a dozen min(n, d)² matrices in f64, and up to 170 MB for RSA.
/// Undefined for fewer than 4 concepts, and where all vectors of a side are equal; z also where the null does not vary.
///
/// Source: Kornblith et al. (2019), ICML; Song et al. (2012), J. Mach. Learn. Res. 13; Kriegeskorte et al. (2008), Front. Syst. Neurosci. 2; Williams et al. (2021), NeurIPS; Raghu et al.
/// (2017), NIPS; Morcos et al. (2018), NeurIPS; Huh et al. (2024), ICML; Kazi-Aoual et al. (1995), Comput. Stat. Data Anal. 20, for the null of CKA; Mantel (1967), Cancer Res. 27.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Similarity {
    /// Name of the tier that every tier is compared with, itself included.
    pub to: Label,
    /// What tells which concept of one tier is which of the other: "name" or "order". Left out: the names where both tiers have some, else the order. Names are those of
    /// `concepts.names`, or those of an `embedding.file`, which go before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
    /// k, the neighbours that are compared. More concepts than that must be there.
    #[serde(default = "ten")]
    pub k: Count,
    /// Random orders from which the nulls of procrustes, svcca and pwcca are estimated.
    #[serde(default = "twenty")]
    pub permutations: Count,
}

fn ten() -> Count {
    Count::new(10).expect("a count")
}

fn twenty() -> Count {
    Count::new(20).expect("a count")
}

impl Default for Similarity {
    fn default() -> Self {
        Self { to: Label::new("reference").expect("a label"), by: None, k: ten(), permutations: twenty() }
    }
}

/// One of the scores, and what is to be known of it.
struct Score {
    name: &'static str,
    meaning: String,
    direction: Direction,
    bias: &'static str,
    range: (f64, f64),
    /// What may be done to the vectors without moving it, its null, the spread of that, and z.
    blind: [&'static [Change]; 4],
    cost: &'static str,
    null: Nulls,
    source: &'static str,
}

/// Which way a score reads.
#[derive(Clone, Copy)]
enum Direction {
    Similarity,
    Distance,
}

/// Where a null comes from; with its cost, where that does not follow from the number of orders.
enum Nulls {
    Closed(&'static str),
    Estimated,
}

impl Direction {
    fn words(self) -> &'static str {
        match self {
            Self::Similarity => "a similarity, 1 for alike",
            Self::Distance => "a distance, 0 for alike",
        }
    }
}

/// Concepts whose distances are compared; of more, as many are drawn.
pub const RSA_CONCEPTS: usize = 2048;

/// A standard deviation below this is the rounding of f32 entries, and counts as 0.
const NO_SPREAD: f64 = 1e-7;

const EVERY: &[Change] = &[Rotation, Permutation, Rescaling];
const TURNED: &[Change] = &[Rotation];
const NOT_LENGTH: &[Change] = &[Rotation, Permutation];

impl Measure for Similarity {
    fn columns(&self) -> Vec<Column> {
        let mut columns = vec![
            Column::new("n_compared", Unit::Count, "concepts that both tiers represent, and that are matched")
                .within(0.0, f64::INFINITY)
                .unmoved_by(EVERY)
                .taking("O(n)"),
        ];
        let mut score = |score: Score| {
            let Score { name, meaning, direction, bias, range, blind, cost, null, source } = score;
            let column = |suffix, meaning| {
                let name = format!("{name}{suffix}");
                Column::named(name, Unit::Pure, meaning).from(source)
            };
            let (how, null_cost) = match null {
                Closed(cost) => ("over all of them, in closed form", cost),
                Estimated => ("estimated from `permutations` of them", "O(`permutations`) times that of the score"),
            };
            let towards = match direction {
                Direction::Similarity => "above 0 where they are more alike than by chance",
                Direction::Distance => "below 0 where they are more alike than by chance",
            };
            columns.extend([
                column("", format!("{meaning}: {}; {bias}", direction.words()))
                    .within(range.0, range.1)
                    .unmoved_by(blind[0])
                    .beside(format!("{name}_null"))
                    .taking(cost),
                column(
                    "_null",
                    format!("theory: expected {name} if the concepts of one side were in a random order; {how}"),
                )
                .within(range.0, range.1)
                .unmoved_by(blind[1])
                .taking(null_cost),
                column("_null_sd", format!("standard deviation of {name} over such orders; {how}"))
                    .within(0.0, f64::INFINITY)
                    .unmoved_by(blind[2])
                    .taking(null_cost),
                column("_z", format!("({name} − its null value)/its standard deviation: {towards}"))
                    .unmoved_by(blind[3])
                    .taking("that of the score and of its null"),
            ]);
        };
        let clouds = "O(n d min(n, d)) time for both sides and for their product, d the larger width; memory of some min(n, d)² matrices in f64";
        let turned = "O(n d min(n, d)) time for both sides and for their product, O(min(n, d)³) for singular values; memory of some min(n, d)² matrices in f64";
        score(Score {
            name: "cka_biased",
            meaning: "linear CKA".to_owned(),
            direction: Direction::Similarity,
            bias: "biased upwards by width",
            range: (0.0, 1.0),
            blind: [TURNED; 4],
            cost: clouds,
            null: Closed("O(n) beyond the score"),
            source: "Kornblith et al. (2019); null: Kazi-Aoual et al. (1995)",
        });
        score(Score {
            name: "cka_debiased",
            meaning: "linear CKA from unbiased estimates, 0 for independent".to_owned(),
            direction: Direction::Similarity,
            bias: "unbiased, but for what the ratio of estimates leaves",
            range: (-1.0, 1.0),
            blind: [TURNED, NOT_LENGTH, NOT_LENGTH, TURNED],
            cost: clouds,
            null: Closed("O(1)"),
            source: "Song et al. (2012)",
        });
        score(Score {
            name: "rsa",
            meaning: format!(
                "Spearman's correlation of the distances of all pairs, or of those of {RSA_CONCEPTS} concepts drawn at random where there are more"
            ),
            direction: Direction::Similarity,
            bias: "unbiased",
            range: (-1.0, 1.0),
            blind: [&[], &[Permutation], &[], &[]],
            cost: "O(n² (d + log n)) time and some 40 bytes for each of n² pairs, n being at most 2048: 170 MB",
            null: Closed("O(n²) beyond the score"),
            source: "Kriegeskorte et al. (2008); null: Mantel (1967)",
        });
        score(Score {
            name: "procrustes",
            meaning: "2 − 2|X̃Ỹ′|_* for clouds of size 1".to_owned(),
            direction: Direction::Distance,
            bias: "biased downwards by width",
            range: (0.0, 2.0),
            blind: [TURNED; 4],
            cost: turned,
            null: Estimated,
            source: "Williams et al. (2021)",
        });
        score(Score {
            name: "svcca",
            meaning: "mean canonical correlation of the directions with 99 % of the variance".to_owned(),
            direction: Direction::Similarity,
            bias: "biased upwards by width",
            range: (0.0, 1.0),
            blind: [&[]; 4],
            cost: turned,
            null: Estimated,
            source: "Raghu et al. (2017)",
        });
        score(Score {
            name: "pwcca",
            meaning: "mean canonical correlation weighted by what a direction takes of the units of the side of lower rank, or of the first side where ranks are equal".to_owned(),
            direction: Direction::Similarity,
            bias: "biased upwards by width",
            range: (0.0, 1.0),
            blind: [&[]; 4],
            cost: turned,
            null: Estimated,
            source: "Morcos et al. (2018)",
        });
        score(Score {
            name: "mutual_neighbours",
            meaning: format!("part of its {} nearest neighbours that a concept keeps", self.k),
            direction: Direction::Similarity,
            bias: "unbiased, k/(n − 1) by chance",
            range: (0.0, 1.0),
            blind: [&[], EVERY, &[], &[]],
            cost: "O(n² d) time and O(n k) memory, spread over all cores",
            null: Closed("O(n k²) beyond the score"),
            source: "Huh et al. (2024); null: Mantel (1967)",
        });
        columns
    }

    fn reads_tier(&self) -> Option<(&str, Option<By>)> {
        Some((self.to.as_str(), self.by))
    }

    fn least_concepts(&self) -> u64 {
        self.k.get().max(3) + 1
    }

    fn cost(&self, n: f64, d: f64) -> Cost {
        let (seconds, bytes) = (
            similarity::seconds(n, d, self.permutations.get() as f64) + 2.0 * neighbours::seconds(n, n, d),
            similarity::memory(n as u64, d as u64) as f64
                + 2.0 * neighbours::memory(n as u64, d as u64, self.k.get()) as f64,
        );
        let sampled = n.min(RSA_CONCEPTS as f64);
        let pairs = sampled * sampled;
        // Where a side does not represent all, those that both do are copied.
        Cost { seconds: seconds + 2e-7 * pairs, bytes: bytes + 40.0 * pairs + 8.0 * n * d }
    }

    fn observe(&self, subject: &Subject, stream: &Stream) -> Vec<Value> {
        let n_columns = self.columns().len();
        let Some(other) = subject.other() else { return vec![Value::Undefined; n_columns] };
        let (mine, theirs) = matched(subject, other, self.by);
        let n = mine.len();
        let mut row = vec![Value::Whole(n as u64)];
        if n < 4 {
            row.resize(n_columns, Value::Undefined);
            return row;
        }
        let clouds = Cloud::new(subject.represented(), &mine).zip(Cloud::new(other.represented(), &theirs));
        let found = clouds.as_ref().and_then(|(x, y)| similarity::scores(x, y, None));
        let shuffled = match (&clouds, found) {
            (Some((x, y)), Some(_)) => self.shuffled(x, y, n, subject.is_parallel(), stream),
            _ => Vec::new(),
        };
        let estimated = |score: fn(&Scores) -> f64| {
            let (mean, _) = mean_and_error(&shuffled.iter().map(score).collect::<Vec<_>>(), usize::MAX);
            let squares = |mean: f64| shuffled.iter().map(|s| (score(s) - mean) * (score(s) - mean)).sum::<f64>();
            let sd =
                mean.filter(|_| shuffled.len() > 1).map(|mean| (squares(mean) / (shuffled.len() - 1) as f64).sqrt());
            mean.zip(sd).map(|(mean, sd)| Null { mean, sd })
        };
        let closed = clouds.as_ref().filter(|_| found.is_some());
        let sampled = drawn(n, RSA_CONCEPTS, &stream.stream("rsa"));
        let sample = |order: &[usize]| {
            sampled.as_ref().map_or(order.to_vec(), |sampled| sampled.iter().map(|&i| order[i]).collect())
        };
        let rsa = similarity::rsa((subject.represented(), &sample(&mine)), (other.represented(), &sample(&theirs)));
        let near = self.neighbours(subject, &mine).zip(self.neighbours(other, &theirs));
        let mutual = near.and_then(|(x, y)| similarity::mutual_neighbours(&x, &y, self.k.size()));
        let debiased = found.and_then(|found| found.cka_debiased);
        row.extend(beside(found.map(|s| s.cka_biased), closed.map(|(x, y)| similarity::cka_null(x, y))));
        row.extend(beside(debiased, debiased.map(|_| similarity::debiased_cka_null(n))));
        row.extend(beside(rsa.map(|(rho, _)| rho), rsa.map(|(_, null)| null)));
        row.extend(beside(found.map(|s| s.procrustes), estimated(|s| s.procrustes)));
        row.extend(beside(found.map(|s| s.svcca), estimated(|s| s.svcca)));
        row.extend(beside(found.map(|s| s.pwcca), estimated(|s| s.pwcca)));
        row.extend(beside(mutual.map(|(part, _)| part), mutual.map(|(_, null)| null)));
        row
    }
}

impl Similarity {
    /// The scores of random orders of the concepts of one side, each from a stream of its own.
    fn shuffled(&self, x: &Cloud, y: &Cloud, n: usize, parallel: bool, stream: &Stream) -> Vec<Scores> {
        let of = |number: usize| {
            let mut order: Vec<usize> = (0..n).collect();
            order.shuffle(&mut stream.stream("permutation").rng_of(number));
            similarity::scores(x, y, Some(&order))
        };
        if parallel {
            (0..self.permutations.get() as usize).into_par_iter().filter_map(of).collect()
        } else {
            (0..self.permutations.get() as usize).filter_map(of).collect()
        }
    }

    /// The neighbours of those that are compared, among them.
    fn neighbours(&self, subject: &Subject, compared: &[usize]) -> Option<std::sync::Arc<neighbours::Neighbours>> {
        if compared.iter().copied().eq(0..subject.represented().n_concepts()) {
            return subject.neighbours(Metric::Cosine, self.k.size(), None);
        }
        let some = Embedding::new(subject.represented().matrix().select_columns(compared));
        subject.with(some).neighbours(Metric::Cosine, self.k.size(), None)
    }
}

/// A score, its null, that one's standard deviation, and z.
fn beside(score: Option<f64>, null: Option<Null>) -> [Value; 4] {
    let null = null.filter(|_| score.is_some());
    let null = null.map(|null| Null { sd: if null.sd < NO_SPREAD { 0.0 } else { null.sd }, ..null });
    let z = score.zip(null).filter(|(_, null)| null.sd > 0.0).map(|(score, null)| (score - null.mean) / null.sd);
    [score.into(), null.map(|null| null.mean).into(), null.map(|null| null.sd).into(), z.into()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::kernel::Kernel;
    use nalgebra::DMatrix;
    use rand_distr::{Distribution, StandardNormal};
    use std::sync::Arc;

    fn subject(matrix: DMatrix<f32>) -> Subject {
        Subject::new(Embedding::new(matrix), None, Kernel::best(), true)
    }

    fn gaussian(n: usize, d: usize, draw: u64) -> DMatrix<f32> {
        let mut rng = Stream::from_seed(draw).stream(&d.to_string()).rng();
        DMatrix::from_fn(d, n, |_, _| StandardNormal.sample(&mut rng))
    }

    fn row(x: DMatrix<f32>, y: DMatrix<f32>, permutations: u64) -> Vec<Option<f64>> {
        let measure = Similarity { permutations: Count::new(permutations).unwrap(), ..Similarity::default() };
        let subject = subject(x).beside(Arc::new(subject(y)));
        measure.observe(&subject, &Stream::from_seed(5)).iter().map(Value::number).collect()
    }

    // Width alone must not look like convergence: of independent representations the raw scores rise with the width, and z does not.
    #[test]
    fn theory_z_of_independent_representations_is_standard_whatever_the_width() {
        for d in [5, 40, 90] {
            let rows: Vec<_> =
                (0..40).map(|draw| row(gaussian(100, d, draw), gaussian(100, d, draw + 1000), 30)).collect();
            for score in 0..7 {
                let zs: Vec<f64> = rows.iter().filter_map(|row| row[4 * score + 4]).collect();
                if zs.is_empty() {
                    // 90 + 90 directions of 99 that there are: canonical correlations are what is left.
                    panic!("d = {d}: score {score} has no z");
                }
                let mean = zs.iter().sum::<f64>() / 40.0;
                let spread = (zs.iter().map(|z| z * z).sum::<f64>() / 40.0).sqrt();
                // Nulls of 30 orders add 1/30 to the variance of a z, and its own spread is known to 1/√80.
                assert!(mean.abs() < 3.3 / 40f64.sqrt(), "d = {d}, score {score}: mean z {mean}");
                assert!((0.6..1.5).contains(&spread), "d = {d}, score {score}: spread of z {spread}");
            }
        }
    }

    #[test]
    fn theory_what_is_common_stands_out() {
        let x = gaussian(150, 20, 1);
        let noisy = &x + gaussian(150, 20, 2) * 0.5;
        for score in 0..7 {
            let z = row(x.clone(), noisy.clone(), 20)[4 * score + 4].unwrap();
            // Procrustes is a distance.
            assert!(if score == 3 { z < -10.0 } else { z > 10.0 }, "{score}: {z}");
        }
    }

    #[test]
    fn law_concepts_are_matched_by_their_number() {
        let (x, y) = (gaussian(60, 7, 3), gaussian(60, 9, 4));
        let (mut holes_x, mut holes_y) = (x.clone(), y.clone());
        [3, 17, 59].iter().for_each(|&i| holes_x.column_mut(i).fill(0.0));
        [0, 17].iter().for_each(|&i| holes_y.column_mut(i).fill(0.0));
        let kept: Vec<usize> = (0..60).filter(|i| ![0, 3, 17, 59].contains(i)).collect();
        let found = row(holes_x, holes_y, 5);
        assert_eq!(found[0], Some(56.0));
        assert_eq!(found, row(x.select_columns(&kept), y.select_columns(&kept), 5));
    }

    #[test]
    fn law_alone_there_is_nothing_to_compare() {
        let measure = Similarity::default();
        let row = measure.observe(&subject(gaussian(20, 3, 1)), &Stream::from_seed(0));
        assert_eq!(row, vec![Value::Undefined; measure.columns().len()]);
    }
}
