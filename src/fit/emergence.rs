//! Emergence: how suddenly a curve over scales rises, compared with curves that rise steadily.

use rand::RngExt as _;

use crate::seed::Rng;

/// Scores of the suddenness of a curve y₁ … yₙ over scales in rising order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Emergence {
    /// I / √mean (yᵢ₊₁ − yᵢ)²: the number of steps for a straight line, 1 for a single jump.
    pub linearity: f64,
    /// I / √median (yᵢ₊₁ − yᵢ)²: the number of steps for a straight line, and much more where most steps are small beside the rise.
    pub breakthroughness: f64,
}

/// The largest size of [`Emergence::breakthroughness`], that of a curve that is flat but for a few steps: there the median step is 0.
pub const MOST: f64 = 1000.0;

/// Linearity and breakthroughness, with I = sign(argmax y − argmin y) (max y − min y): below zero for curves that fall.
///
/// Both are 0 for a flat curve. Neither can be compared between curves with other numbers of scales or other distances between them, for the
/// steps are then other steps. `None` for fewer than three scales. O(n log n) time.
///
/// Source: Srivastava et al. (2022), Beyond the Imitation Game, TMLR; Schaeffer et al. (2023), Are Emergent Abilities of Large Language Models a Mirage?
pub fn emergence(y: &[f64]) -> Option<Emergence> {
    if y.len() < 3 {
        return None;
    }
    let at =
        |better: fn(f64, f64) -> bool| (1..y.len()).fold(0, |best, i| if better(y[i], y[best]) { i } else { best });
    let (top, bottom) = (at(|a, b| a > b), at(|a, b| a < b));
    let range = y[top] - y[bottom];
    let mut squares: Vec<f64> = y.windows(2).map(|pair| (pair[1] - pair[0]) * (pair[1] - pair[0])).collect();
    let mean = squares.iter().sum::<f64>() / squares.len() as f64;
    squares.sort_unstable_by(f64::total_cmp);
    let middle = squares.len() / 2;
    let median = if squares.len() % 2 == 1 { squares[middle] } else { (squares[middle - 1] + squares[middle]) / 2.0 };
    // A product that underflows is as flat as a curve can be.
    if !(range > 0.0 && mean > 0.0) {
        return Some(Emergence { linearity: 0.0, breakthroughness: 0.0 });
    }
    let rise = if top > bottom { range } else { -range };
    let breakthroughness = (range / median.sqrt()).min(MOST).copysign(rise);
    Some(Emergence { linearity: rise / mean.sqrt(), breakthroughness })
}

/// The size of breakthroughness over n scales that a steadily rising curve stays below with probability 0.95.
///
/// Steady means that the n − 1 steps share the rise at random, like the gaps between random points on a line: all ways to share it are equally likely.
/// Noise makes the median step larger and so the score smaller. `None` for fewer than three scales. 2000 random curves: O(n log n) time each.
pub fn steady_breakthroughness(n: usize, rng: &mut Rng) -> Option<f64> {
    const N_CURVES: usize = 2000;
    if n < 3 {
        return None;
    }
    let mut scores: Vec<f64> = (0..N_CURVES)
        .map(|_| {
            let mut height = 0.0;
            // Exponential steps, divided by their sum, are gaps between random points; the score does not see the sum.
            let steps = (1..n).map(|_| {
                height -= libm::log(1.0 - rng.random::<f64>());
                height
            });
            let curve: Vec<f64> = std::iter::once(0.0).chain(steps).collect();
            emergence(&curve).map_or(0.0, |score| score.breakthroughness)
        })
        .collect();
    scores.sort_unstable_by(f64::total_cmp);
    Some(scores[N_CURVES * 95 / 100])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Stream;

    #[test]
    fn theory_scores_of_exact_match_and_of_single_tokens() {
        // p(N) = exp(−(N/1e8)^−0.27) at 11 scales from 1e7 to 1e12: measured B = 96.8 for p²⁰ and 9.23 for p and for the edit distance 20 (1 − p).
        let p: Vec<f64> = (0..11).map(|i| (-(10f64.powf(7.0 + f64::from(i) / 2.0) / 1e8).powf(-0.27)).exp()).collect();
        let score = |curve: fn(f64) -> f64| {
            emergence(&p.iter().map(|&p| curve(p)).collect::<Vec<_>>()).unwrap().breakthroughness
        };
        assert!((score(|p| p.powi(20)) - 96.8).abs() < 0.05);
        assert!((score(|p| p) - 9.23).abs() < 0.005);
        assert!((score(|p| 20.0 * (1.0 - p)) + 9.23).abs() < 0.005);
        let threshold = steady_breakthroughness(11, &mut Stream::from_seed(1).rng()).unwrap();
        assert!(threshold > 9.23 && threshold < 96.8, "{threshold}");
    }

    #[test]
    fn theory_a_line_scores_its_number_of_steps_and_a_jump_one() {
        let line: Vec<f64> = (0..8).map(f64::from).collect();
        let score = emergence(&line).unwrap();
        assert!((score.linearity - 7.0).abs() < 1e-12 && (score.breakthroughness - 7.0).abs() < 1e-12);
        // One jump among 4 steps: I = 1, mean square 1/4, median 0.
        let jump = emergence(&[0.0, 0.0, 0.0, 1.0, 1.0]).unwrap();
        assert_eq!(jump, Emergence { linearity: 2.0, breakthroughness: MOST });
        let falling = emergence(&[1.0, 1.0, 0.0, 0.0, 0.0]).unwrap();
        assert_eq!(falling, Emergence { linearity: -2.0, breakthroughness: -MOST });
        // By hand: steps 1, 2, 4, 1; I = 8, mean square 22/4, median square (1 + 4)/2.
        let mixed = emergence(&[0.0, 1.0, 3.0, 7.0, 8.0]).unwrap();
        assert!((mixed.linearity - 8.0 / 5.5f64.sqrt()).abs() < 1e-12);
        assert!((mixed.breakthroughness - 8.0 / 2.5f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn theory_threshold_for_two_steps_has_a_closed_form() {
        // Two steps u and 1 − u, u uniform: the median of the two squares is their mean, q = (u² + (1 − u)²)/2, and B = 1/√q ≤ 2.
        // P(B < b) = P(q > 1/b²) with q = ¼ + v², v = u − ½: B < b where |v| > √(1/b² − ¼), so P = 1 − 2√(1/b² − ¼) = 0.95 at b = 1/√(¼ + 0.025²).
        let threshold = steady_breakthroughness(3, &mut Stream::from_seed(2).rng()).unwrap();
        // The curve is flat there: an error of 0.005 in the probability (1 sd) moves b by 0.001.
        assert!((threshold - 1.0 / (0.25f64 + 0.025 * 0.025).sqrt()).abs() < 0.004, "{threshold}");
    }

    #[test]
    fn law_flat_curves_score_zero_and_scores_do_not_see_the_unit() {
        assert_eq!(emergence(&[0.3; 6]), Some(Emergence { linearity: 0.0, breakthroughness: 0.0 }));
        assert_eq!(emergence(&[0.0, 1.0]), None);
        assert_eq!(steady_breakthroughness(2, &mut Stream::from_seed(1).rng()), None);
        let y = [0.1, 0.15, 0.12, 0.4, 0.9, 0.95];
        let scaled = y.map(|y| 5.0 - 3.0 * y);
        let (one, other) = (emergence(&y).unwrap(), emergence(&scaled).unwrap());
        assert!((one.linearity + other.linearity).abs() < 1e-12);
        assert!((one.breakthroughness + other.breakthroughness).abs() < 1e-10);
    }
}
