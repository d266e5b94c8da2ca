//! Rivals: the smooth curves that a sigmoid must beat before it is called a turn.

use super::information::aicc;

/// Akaike's criterion of three curves through the same points, all of the residuals of y: see [`aicc`]. `None` with too few points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rivals {
    /// y = a + b u, k = 3 with the variance.
    pub line: Option<f64>,
    /// y = c + A eʳˡ, k = 4: with l = ln x a power law with a floor or a ceiling.
    pub power_law: Option<f64>,
    /// The sigmoid whose sum of squares was given, k = 5.
    pub sigmoid: Option<f64>,
}

/// Compares a sigmoid with a straight line in `u` and a power law with an offset in exp(`l`), by least squares; u and l are two scales of the same x.
///
/// A perfect fit counts as one with residuals of 1e-12 of the spread of y.
pub fn rivals(u: &[f64], l: &[f64], y: &[f64], sigmoid: f64) -> Rivals {
    let n = y.len();
    let mean = y.iter().sum::<f64>() / n as f64;
    let least = 1e-24 * y.iter().map(|y| (y - mean) * (y - mean)).sum::<f64>();
    let score = |sum_squares: f64, k| aicc(sum_squares.max(least), n, k);
    Rivals {
        line: score(rest_of_line(u, y), 3),
        power_law: score(power_law_with_offset(l, y).1, 4),
        sigmoid: score(sigmoid, 5),
    }
}

/// Akaike's criterion, k = 3, of a given curve that may be moved and stretched up and down: y = a + b s.
pub fn score_of_shape(s: &[f64], y: &[f64]) -> Option<f64> {
    aicc(rest_of_line(s, y), y.len(), 3)
}

/// The r of the best y = c + A eʳˡ, and the sum of squares that is left. r = 0 stands for the straight line, its limit.
pub fn power_law_with_offset(l: &[f64], y: &[f64]) -> (f64, f64) {
    let first = l.iter().copied().fold(f64::INFINITY, f64::min);
    let range = l.iter().copied().fold(f64::NEG_INFINITY, f64::max) - first;
    // Over its range the curve changes by a factor of e³⁰ at most: sharper is a jump at one end.
    const MOST: f64 = 30.0;
    const N_STEPS: i32 = 60;
    let rest = |rate: f64| {
        if rate == 0.0 {
            return rest_of_line(l, y);
        }
        // From 0 to 1 over the range, so that a small rate loses no digits and a large one is no overflow.
        let shape: Vec<f64> = l
            .iter()
            .map(|l| {
                let part = (l - first) / range;
                let part = if rate > 0.0 { part - 1.0 } else { part };
                libm::expm1(rate * part)
            })
            .collect();
        rest_of_line(&shape, y)
    };
    let rate_at = |i: f64| MOST * (i / f64::from(N_STEPS)) * (i / f64::from(N_STEPS)).abs();
    let mut best = (0.0, rest(0.0));
    for i in -N_STEPS..=N_STEPS {
        let here = rest(rate_at(f64::from(i)));
        if here < best.1 {
            best = (f64::from(i), here);
        }
    }
    let mut step = 0.5;
    while step > 1e-6 {
        let here = best.0;
        for place in [here - step, here + step] {
            let value = rest(rate_at(place));
            if place.abs() <= f64::from(N_STEPS) && value < best.1 {
                best = (place, value);
            }
        }
        if best.0 == here {
            step /= 2.0;
        }
    }
    (rate_at(best.0) / range, best.1)
}

/// What a straight line leaves of y.
fn rest_of_line(x: &[f64], y: &[f64]) -> f64 {
    let n = x.len() as f64;
    let (mean_x, mean_y) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    let (mut xx, mut xy) = (0.0, 0.0);
    for (x, y) in x.iter().zip(y) {
        xx += (x - mean_x) * (x - mean_x);
        xy += (x - mean_x) * (y - mean_y);
    }
    let slope = if xx > 0.0 { xy / xx } else { 0.0 };
    x.iter().zip(y).map(|(x, y)| y - mean_y - slope * (x - mean_x)).map(|r| r * r).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theory_a_planted_power_law_is_found_and_beats_the_line() {
        let x: Vec<f64> = (0..25).map(|i| 10f64.powf(6.0 + 0.25 * f64::from(i))).collect();
        let l: Vec<f64> = x.iter().map(|x| x.ln()).collect();
        for (offset, scale, exponent) in [(0.05, 50.0, -0.3), (1.0, -0.001, 0.2), (0.0, 1e-9, 0.9)] {
            let y: Vec<f64> = x.iter().map(|x| offset + scale * x.powf(exponent)).collect();
            let (found, rest) = power_law_with_offset(&l, &y);
            assert!((found / exponent - 1.0).abs() < 1e-4, "{found} against {exponent}");
            let rivals = rivals(&l, &l, &y, rest_of_line(&l, &y));
            assert!(rest < 1e-6 * rest_of_line(&l, &y) && rivals.power_law < rivals.line, "{rivals:?}");
        }
    }

    #[test]
    fn theory_a_straight_line_pays_for_no_parameters_that_it_does_not_need() {
        // The wiggle is orthogonal to both 1 and x: RSS = 4 whatever the slope is; n ln(RSS/n) + 2k + 2k(k + 1)/(n − k − 1) with n = 8, k = 3.
        let x: Vec<f64> = (0..8).map(f64::from).collect();
        let wiggle = [0.5, -0.5, -0.5, 0.5, 0.5, -0.5, -0.5, 0.5].map(|w: f64| w * 2f64.sqrt());
        let y: Vec<f64> = x.iter().zip(wiggle).map(|(x, w)| 3.0 * x + w).collect();
        let found = rivals(&x, &x, &y, 4.0);
        assert!((found.line.unwrap() - (8.0 * 0.5f64.ln() + 6.0 + 6.0)).abs() < 1e-9, "{found:?}");
        assert!((found.sigmoid.unwrap() - (8.0 * 0.5f64.ln() + 10.0 + 30.0)).abs() < 1e-9, "{found:?}");
        assert!(found.line < found.power_law);
    }
}
