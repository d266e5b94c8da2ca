//! Trend: whether y moves one way as x grows, whatever the curve and the noise.

use rand::seq::SliceRandom as _;

use super::change_point::N_NULL;
use super::student;
use crate::seed::Rng;

/// The probability that rows which stand still would rise or fall as much as these.
///
/// T = Σ a b over the rows, with a the rank of x less its mean; values that are equal share their mean rank. Where some x has a single row, b is the rank of y, and T is the
/// statistic of Spearman. Where each has two or more, b = y, and the statistic is the probability of t = T/√V by Student's t, with V = Σ v over the x, v = a² k s², k
/// the rows at an x and s² their sample variance, and Satterthwaite's V²/Σ(v²/(k − 1)) degrees of freedom, so that noise of another size at each x is not taken for a trend.
/// The p that comes back is the rank of the statistic among those of 999 shuffles of y: exact, whatever the distribution of y, if the rows are independent and none depends
/// on x; 0.001 or more. Where only their mean is the same and the noise grows tenfold or shrinks twentyfold along x, 2 % reach the 1 % level with ten rows at each of seven x, and 3 % with three at each of four. 1 where x or y is constant. Five rows at five x
/// come to 0.017 at best.
///
/// O(n log n) time for the ranks, O(n) for each shuffle.
///
/// Source: Spearman (1904), Am. J. Psychol. 15; Chung & Romano (2013), Ann. Stat. 41, for shuffling t; Phipson & Smyth (2010), Stat. Appl. Genet. Mol. Biol. 9, for counting the rows themselves among the shuffles.
pub fn p_of_trend(x: &[f64], y: &[f64], rng: &mut Rng) -> f64 {
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|&i, &j| x[i].total_cmp(&x[j]));
    let sorted = |values: &[f64]| -> Vec<f64> { order.iter().map(|&i| values[i]).collect() };
    let (x, mut y) = (ranks(&sorted(x)), sorted(y));
    let constant = |values: &[f64]| values.iter().all(|value| *value == values[0]);
    if constant(&x) || constant(&y) {
        return 1.0;
    }
    // The rows at each x, and its rank.
    let mut places: Vec<(std::ops::Range<usize>, f64)> = Vec::new();
    for same in x.chunk_by(|a, b| a == b) {
        let first = places.last().map_or(0, |(rows, _)| rows.end);
        places.push((first..first + same.len(), same[0]));
    }
    if places.iter().any(|(rows, _)| rows.len() < 2) {
        y = ranks(&y);
    } else {
        let mean = y.iter().sum::<f64>() / y.len() as f64;
        let largest = y.iter().fold(0.0, |largest: f64, y| largest.max((y - mean).abs()));
        y.iter_mut().for_each(|y| *y = (*y - mean) / largest);
    }
    let found = surprise(&places, &y);
    let n_reaching = (0..N_NULL)
        .filter(|_| {
            y.shuffle(rng);
            surprise(&places, &y) >= found - 1e-12 * found.abs()
        })
        .count();
    (n_reaching + 1) as f64 / (N_NULL + 1) as f64
}

/// How much a trend is out of the ordinary: less the probability of t, or the size of T where some x has a single row.
fn surprise(places: &[(std::ops::Range<usize>, f64)], y: &[f64]) -> f64 {
    let (mut trend, mut variance, mut by_degrees) = (0.0, 0.0, 0.0);
    let replicated = places.iter().all(|(rows, _)| rows.len() >= 2);
    for (rows, a) in places {
        let here = &y[rows.clone()];
        let k = here.len() as f64;
        let sum: f64 = here.iter().sum();
        trend += a * sum;
        if replicated {
            let squares: f64 = here.iter().map(|b| (b - sum / k) * (b - sum / k)).sum();
            let part = a * a * k * squares / (k - 1.0);
            variance += part;
            by_degrees += part * part / (k - 1.0);
        }
    }
    match (trend.abs(), replicated) {
        (trend, false) => trend,
        (0.0, true) => -1.0,
        (_, true) if variance == 0.0 => 0.0,
        (trend, true) => -student::outside(trend / variance.sqrt(), variance * variance / by_degrees),
    }
}

/// Twice the rank less its mean: whole numbers with sum 0, so that products of them are exact.
fn ranks(values: &[f64]) -> Vec<f64> {
    let n = values.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
    let mut ranks = vec![0.0; n];
    let mut before = 0;
    for same in order.chunk_by(|&i, &j| values[i] == values[j]) {
        for &i in same {
            ranks[i] = (2 * before + same.len()) as f64 - n as f64;
        }
        before += same.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Stream;
    use rand_distr::{Distribution, StandardNormal};

    fn normal(rng: &mut Rng) -> f64 {
        StandardNormal.sample(rng)
    }

    #[test]
    fn theory_ranks_worked_out_by_hand() {
        // Ranks 2.5, 1, 2.5, 4 less 2.5, twice.
        assert_eq!(ranks(&[5.0, -1.0, 5.0, 7.0]), [0.0, -3.0, 0.0, 3.0]);
        assert_eq!(ranks(&[]), [0.0; 0]);
    }

    #[test]
    fn theory_p_of_five_rows_in_order() {
        // Of the 120 orders of five rows one rises and one falls throughout: 1/60, and a second best order of 4 pairs of neighbours each way: 10/120.
        let mut rng = Stream::from_seed(3).rng();
        let x = [1.0, 2.0, 3.0, 4.0, 5.0];
        let mut mean = |y: [f64; 5]| (0..40).map(|_| p_of_trend(&x, &y, &mut rng)).sum::<f64>() / 40.0;
        assert!((mean([0.1, 0.2, 0.4, 0.5, 9.0]) - 1.0 / 60.0).abs() < 2.5e-3);
        assert!((mean([9.0, 0.5, 0.2, 0.4, 0.1]) - 10.0 / 120.0).abs() < 6e-3);
        assert_eq!(p_of_trend(&x, &[0.5; 5], &mut rng), 1.0);
        assert_eq!(p_of_trend(&[2.0; 5], &x, &mut rng), 1.0);
    }

    #[test]
    fn theory_rows_that_stand_still_seldom_show_a_trend() {
        const N_TRIES: u32 = 2000;
        type Noise = fn(f64, &mut Rng) -> f64;
        let noises: [(&str, Noise); 5] = [
            ("even", |_, rng| normal(rng)),
            ("that grows with x", |x, rng| (0.2 + 2.0 * x) * normal(rng)),
            ("that shrinks with x", |x, rng| libm::exp(-3.0 * x) * normal(rng)),
            ("with wild tails", |_, rng| normal(rng) / normal(rng)),
            ("mostly zero", |_, rng| if normal(rng) > 1.3 { 1.0 } else { 0.0 }),
        ];
        for (places, replicates) in [(7, 1), (7, 10), (4, 3)] {
            for (name, noise) in noises {
                let mut rng = Stream::from_seed(17).rng();
                let n_found = (0..N_TRIES)
                    .filter(|_| {
                        let x: Vec<f64> =
                            (0..places * replicates).map(|i| f64::from(i / replicates) / f64::from(places)).collect();
                        let y: Vec<f64> = x.iter().map(|x| noise(*x, &mut rng)).collect();
                        p_of_trend(&x, &y, &mut rng) <= 0.01
                    })
                    .count();
                // 1 %, with an sd of 0.22 %, where the rows are alike.
                let share = n_found as f64 / f64::from(N_TRIES);
                let most = match (name.ends_with("x"), replicates) {
                    (false, _) => 0.01,
                    (true, 3) => 0.03,
                    (true, _) => 0.02,
                } + 0.008;
                assert!(share <= most, "{name}, {places} places, {replicates} rows at each: {share}");
            }
        }
    }

    #[test]
    fn theory_a_trend_in_noisy_rows_is_found() {
        let mut rng = Stream::from_seed(5).rng();
        let x: Vec<f64> = (0..70).map(|i| f64::from(i / 10)).collect();
        let found = (0..100)
            .filter(|_| {
                let y: Vec<f64> = x.iter().map(|x| 0.3 * x + normal(&mut rng)).collect();
                p_of_trend(&x, &y, &mut rng) <= 0.01
            })
            .count();
        // ρ = 0.51 over 70 rows is 4.9 standard deviations away.
        assert!(found >= 95, "{found}");
    }
}
