//! Change points: where a curve steps or bends, and whether a straight line would do.

use rand_distr::{Distribution, StandardNormal};

use crate::seed::Rng;

/// One way to describe a curve, and what it leaves unexplained.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// The values of x at which it changes, in rising order.
    pub changes: Vec<f64>,
    /// Sum of the squared residuals.
    pub sum_squares: f64,
    /// n ln(RSS/n) + k ln n with k parameters, each change point counted as one: the smaller, the better. A perfect fit counts as one with residuals of 1e-12 of the spread of y.
    pub bic: f64,
}

/// The descriptions of a curve, side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangePoints {
    /// y = a + b x.
    pub line: Description,
    /// Constant levels between any number of steps.
    pub levels: Description,
    /// y = a + b x + c max(0, x − τ): a straight line with one kink.
    pub kink: Description,
    /// sup F: the largest F of a line with one jump, or one kink, against the line alone, over all places.
    pub sup_f: f64,
    /// The place where it is taken.
    pub place: f64,
    /// The probability of so large an F where there is but a line, and independent normal noise.
    pub p_value: f64,
}

/// Describes n points, ordered by x, by a line, by levels and by a line with a kink, and tests whether the line would do.
///
/// Steps stand halfway between two neighbouring x. The levels are those that minimise RSS + (number of steps) 2σ² ln n exactly, with σ the
/// median size of the differences of neighbours, divided by 0.6745 √2; a segment has at least two points. Under the line F depends on neither a, b nor σ, so
/// `p_value` is exact: the rank of sup F among those of `N_NULL` = 999 drawn curves. O(n²) time for the levels, O(n) for each drawn curve.
///
/// `None` for fewer than six points, for values of x that do not rise, and for a y that is constant or too large to square.
///
/// Source: Yao (1988), Stat. Probab. Lett. 6, and Killick, Fearnhead & Eckley (2012), JASA 107, for the penalty; Hudson (1966), JASA 61, for the kink; Andrews (1993), Econometrica 61, for sup F.
pub fn change_points(x: &[f64], y: &[f64], rng: &mut Rng) -> Option<ChangePoints> {
    const LEAST: usize = 6;
    let n = x.len();
    let design = Design::new(x).filter(|_| n >= LEAST && x.windows(2).all(|pair| pair[0] < pair[1]))?;
    let mean = y.iter().sum::<f64>() / n as f64;
    let spread: f64 = y.iter().map(|y| (y - mean) * (y - mean)).sum();
    // Below this, what a sum of y leaves is rounding.
    if !(spread > 1e-28 * n as f64 * mean * mean && spread.is_finite()) {
        return None;
    }
    let describe = |changes: Vec<f64>, sum_squares: f64, n_parameters: usize| {
        let n = n as f64;
        let bic = n * libm::log(sum_squares.max(1e-24 * spread) / n) + n_parameters as f64 * libm::log(n);
        Description { changes, sum_squares, bic }
    };
    let residuals = design.without_line(y);
    let straight: f64 = residuals.iter().map(|r| r * r).sum();
    let (sup_f, place) = design.sup_f(&residuals, spread);
    // As many drawn curves reach the F as chance would have it, and the curve itself is one of them.
    let n_reaching = (0..N_NULL)
        .filter(|_| {
            let noise: Vec<f64> = (0..n).map(|_| StandardNormal.sample(rng)).collect();
            design.sup_f(&design.without_line(&noise), n as f64).0 >= sup_f
        })
        .count();
    let levels = levels(y, 1e-12 * spread);
    let steps: Vec<f64> = levels.starts[1..].iter().map(|&start| (x[start - 1] + x[start]) / 2.0).collect();
    let n_parameters = 2 * steps.len() + 1;
    let (kink, bent) = design.kink(x, y, &residuals);
    Some(ChangePoints {
        line: describe(Vec::new(), straight, 2),
        levels: describe(steps, levels.sum_squares, n_parameters),
        kink: describe(vec![kink], bent, 4),
        sup_f,
        place,
        p_value: (n_reaching + 1) as f64 / (N_NULL + 1) as f64,
    })
}

/// The number of curves that the test draws: its smallest p is 0.001.
pub const N_NULL: usize = 999;

/// What depends on x alone.
struct Design {
    /// (x − x̄)/√Σ(x − x̄)².
    direction: Vec<f64>,
    /// x shifted and divided by its range, from 0 to 1.
    unit: Vec<f64>,
    /// For each place, the square of what a jump and a kink have of their own beside a line; 0 where that is too little to divide by.
    own: Vec<[f64; 2]>,
    range: f64,
    first: f64,
}

impl Design {
    fn new(x: &[f64]) -> Option<Self> {
        let (n, first, range) = (x.len(), *x.first()?, x.last()? - x.first()?);
        if !(range > 0.0 && range.is_finite()) {
            return None;
        }
        let unit: Vec<f64> = x.iter().map(|x| (x - first) / range).collect();
        let mean = unit.iter().sum::<f64>() / n as f64;
        let length = unit.iter().map(|u| (u - mean) * (u - mean)).sum::<f64>().sqrt();
        let direction = unit.iter().map(|u| (u - mean) / length).collect();
        let mut design = Self { direction, unit, own: Vec::new(), range, first };
        design.own = (0..n)
            .map(|at| {
                // Two points on each side of a jump, and of the point of a kink: one alone could always be met.
                let within = [2..n - 1, 2..n.saturating_sub(2)];
                let features = design.features(at);
                [0, 1].map(|kind| {
                    let own: f64 = design.without_line(&features[kind]).iter().map(|r| r * r).sum();
                    // Below, the feature is a line to rounding.
                    if within[kind].contains(&at) && own > 1e-9 { own } else { 0.0 }
                })
            })
            .collect();
        Some(design)
    }

    /// A jump just before point `at`, and a kink at it.
    fn features(&self, at: usize) -> [Vec<f64>; 2] {
        let here = self.unit[at];
        [
            (0..self.unit.len()).map(|i| if i >= at { 1.0 } else { 0.0 }).collect(),
            self.unit.iter().map(|u| (u - here).max(0.0)).collect(),
        ]
    }

    /// What remains of y beside the best line.
    fn without_line(&self, y: &[f64]) -> Vec<f64> {
        let mean = y.iter().sum::<f64>() / y.len() as f64;
        let slope: f64 = self.direction.iter().zip(y).map(|(d, y)| d * (y - mean)).sum();
        self.direction.iter().zip(y).map(|(d, y)| y - mean - slope * d).collect()
    }

    /// The largest F over all jumps and kinks, and its place in x. O(n) time: the products of the residuals with all features are running sums.
    fn sup_f(&self, residuals: &[f64], spread: f64) -> (f64, f64) {
        let n = residuals.len();
        let straight: f64 = residuals.iter().map(|r| r * r).sum();
        let (mut sum, mut ramp) = (0.0, 0.0);
        let (mut best, mut place) = (0.0, self.unit[n / 2]);
        for at in (1..n).rev() {
            // Σ r over i ≥ at, and Σ r (u − u[at]).
            if at + 1 < n {
                ramp += sum * (self.unit[at + 1] - self.unit[at]);
            }
            sum += residuals[at];
            let halfway = (self.unit[at - 1] + self.unit[at]) / 2.0;
            for (product, own, here) in [(sum, self.own[at][0], halfway), (ramp, self.own[at][1], self.unit[at])] {
                let gain = product * product / own;
                if own > 0.0 && gain > best {
                    (best, place) = (gain, here);
                }
            }
        }
        // What is below the rounding of y is a straight line, however it is distributed.
        let left = (straight - best).max(1e-24 * spread);
        let f = if straight > 1e-24 * spread { best * (n as f64 - 3.0) / left } else { 0.0 };
        (f, self.first + self.range * place)
    }

    /// Where the line with one kink fits best, and its sum of squares.
    fn kink(&self, x: &[f64], y: &[f64], residuals: &[f64]) -> (f64, f64) {
        let n = x.len();
        let straight: f64 = residuals.iter().map(|r| r * r).sum();
        let sum_squares = |at: f64| {
            let feature: Vec<f64> = self.unit.iter().map(|u| (u - at).max(0.0)).collect();
            let own = self.without_line(&feature);
            let norm: f64 = own.iter().map(|r| r * r).sum();
            let product: f64 = own.iter().zip(residuals).map(|(o, r)| o * r).sum();
            if norm > 1e-9 { (straight - product * product / norm).max(0.0) } else { straight }
        };
        let mut best = (self.unit[n / 2], straight);
        let mut consider = |at: f64| {
            let sum_squares = sum_squares(at);
            if sum_squares < best.1 {
                best = (at, sum_squares);
            }
        };
        self.unit[1..n - 1].iter().for_each(|&u| consider(u));
        // Between two points the best kink is where the lines through both sides meet.
        for at in 2..n - 1 {
            let [left, right] = [0..at, at..n].map(|side| straight_line(&self.unit[side.clone()], &y[side]));
            let meeting = (left.0 - right.0) / (right.1 - left.1);
            if meeting > self.unit[at - 1] && meeting < self.unit[at] {
                consider(meeting);
            }
        }
        (self.first + self.range * best.0, best.1)
    }
}

/// Height at 0 and slope of the best line.
fn straight_line(x: &[f64], y: &[f64]) -> (f64, f64) {
    let n = x.len() as f64;
    let (mean_x, mean_y) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    let (mut xx, mut xy) = (0.0, 0.0);
    for (x, y) in x.iter().zip(y) {
        xx += (x - mean_x) * (x - mean_x);
        xy += (x - mean_x) * (y - mean_y);
    }
    let slope = xy / xx;
    (mean_y - slope * mean_x, slope)
}

/// Segments of a sequence with a constant level each.
struct Levels {
    /// Where each segment begins; the first at 0.
    starts: Vec<usize>,
    sum_squares: f64,
}

/// The segments of at least two points that minimise RSS + 2σ² ln n for each step, by optimal partitioning: exact, O(n²).
fn levels(y: &[f64], least_penalty: f64) -> Levels {
    let n = y.len();
    let mut sizes: Vec<f64> = y.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
    sizes.sort_unstable_by(f64::total_cmp);
    // The median of |difference| of two normal values is 0.6745 √2 σ.
    let sigma = sizes[sizes.len() / 2] / (0.674_489_750_196_081_7 * std::f64::consts::SQRT_2);
    let penalty = (2.0 * sigma * sigma * libm::log(n as f64)).max(least_penalty);
    // best[end]: cost of the first `end` points and the start of their last segment.
    let mut best: Vec<(f64, usize)> = vec![(f64::INFINITY, 0); n + 1];
    best[0] = (-penalty, 0);
    for end in 2..=n {
        // Welford's sums, from the end towards the beginning.
        let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
        for start in (0..end).rev() {
            count += 1.0;
            let off = y[start] - mean;
            mean += off / count;
            squares += off * (y[start] - mean);
            let cost = best[start].0 + penalty + squares;
            if end - start >= 2 && cost < best[end].0 {
                best[end] = (cost, start);
            }
        }
    }
    let mut starts = vec![best[n].1];
    while starts[starts.len() - 1] > 0 {
        starts.push(best[starts[starts.len() - 1]].1);
    }
    starts.reverse();
    let sum_squares = best[n].0 - penalty * (starts.len() - 1) as f64;
    Levels { starts, sum_squares: sum_squares.max(0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Stream;

    fn grid(n: usize) -> Vec<f64> {
        (0..n).map(|i| 6.0 + 0.25 * i as f64).collect()
    }

    fn with_noise(y: impl Iterator<Item = f64>, sigma: f64, rng: &mut Rng) -> Vec<f64> {
        y.map(|y| {
            let noise: f64 = StandardNormal.sample(rng);
            y + sigma * noise
        })
        .collect()
    }

    #[test]
    fn theory_a_planted_step_is_found_between_its_points() {
        let x = grid(25);
        let mut n_alone = 0;
        for seed in 0..20 {
            let mut rng = Stream::from_seed(seed).rng();
            let y = with_noise(x.iter().map(|&x| if x > 9.3 { 0.9 } else { 0.1 }), 0.05, &mut rng);
            let found = change_points(&x, &y, &mut rng).unwrap();
            assert!(found.levels.changes.contains(&9.375), "{seed}");
            n_alone += u32::from(found.levels.changes.len() == 1);
            assert_eq!((found.place, found.p_value), (9.375, 0.001), "{seed}");
            assert!(found.levels.bic < found.line.bic.min(found.kink.bic) - 10.0, "{seed}: {found:?}");
        }
        // The penalty lets noise pass for a step now and then.
        assert!(n_alone >= 17, "{n_alone}");
    }

    #[test]
    fn theory_several_steps_are_counted() {
        // Levels 0, 1, 3 with σ = 0.05: 10 and 20 points.
        let x = grid(40);
        let mut rng = Stream::from_seed(3).rng();
        let y = with_noise(
            (0..40).map(|i| {
                if i < 10 {
                    0.0
                } else if i < 20 {
                    1.0
                } else {
                    3.0
                }
            }),
            0.05,
            &mut rng,
        );
        let found = change_points(&x, &y, &mut rng).unwrap();
        assert_eq!(found.levels.changes, [(x[9] + x[10]) / 2.0, (x[19] + x[20]) / 2.0]);
    }

    #[test]
    fn theory_a_planted_kink_is_found() {
        let x = grid(25);
        for seed in 0..20 {
            let mut rng = Stream::from_seed(seed).rng();
            let y = with_noise(x.iter().map(|&x| 0.1 + 0.3 * (x - 9.1f64).max(0.0)), 0.03, &mut rng);
            let found = change_points(&x, &y, &mut rng).unwrap();
            // The error of a kink between lines of slopes 0 and 0.3 with this noise is near 0.1 (the place moves by the error of the height over the change of slope).
            assert!((found.kink.changes[0] - 9.1).abs() < 0.4, "{seed}: {found:?}");
            assert!(found.p_value <= 0.002 && found.kink.bic < found.line.bic - 10.0, "{seed}");
        }
        // Without noise, to rounding, although the kink stands between points.
        let y: Vec<f64> = x.iter().map(|&x| 0.1 + 0.3 * (x - 9.1f64).max(0.0)).collect();
        let found = change_points(&x, &y, &mut Stream::from_seed(1).rng()).unwrap();
        assert!((found.kink.changes[0] - 9.1).abs() < 1e-9);
    }

    #[test]
    fn theory_sup_f_is_that_of_least_squares_at_every_place() {
        // F = (RSS₀ − RSS₁)/(RSS₁/(n − 3)) by the normal equations of (1, x, feature), for every feature.
        use nalgebra::{DMatrix, DVector};
        let x: Vec<f64> = [0.0, 0.7, 1.0, 2.5, 3.0, 3.1, 4.4, 6.0, 7.0].into();
        let mut rng = Stream::from_seed(5).rng();
        let y = with_noise(x.iter().map(|x| 1.0 + 0.2 * x), 0.3, &mut rng);
        let n = x.len();
        let rss = |columns: &[Vec<f64>]| {
            let a = DMatrix::from_fn(n, columns.len(), |i, j| columns[j][i]);
            let b = DVector::from_column_slice(&y);
            let solution = (a.transpose() * &a).cholesky().unwrap().solve(&(a.transpose() * &b));
            (a * solution - b).norm_squared()
        };
        let ones = vec![1.0; n];
        let straight = rss(&[ones.clone(), x.clone()]);
        let mut best = 0.0f64;
        for at in 2..n - 1 {
            let jump: Vec<f64> = (0..n).map(|i| if i >= at { 1.0 } else { 0.0 }).collect();
            let hinge: Vec<f64> = x.iter().map(|x_i| (x_i - x[at]).max(0.0)).collect();
            let features = if at < n - 2 { vec![jump, hinge] } else { vec![jump] };
            for feature in features {
                let left = rss(&[ones.clone(), x.clone(), feature]);
                best = best.max((straight - left) / (left / (n as f64 - 3.0)));
            }
        }
        let found = change_points(&x, &y, &mut rng).unwrap();
        assert!((found.sup_f / best - 1.0).abs() < 1e-9, "{} against {best}", found.sup_f);
        assert!((found.line.sum_squares / straight - 1.0).abs() < 1e-9);
    }

    #[test]
    fn theory_a_straight_line_is_accepted_as_often_as_promised() {
        // 400 lines: false alarms at 5 % are binomial with sd 1.1 %; the bound is 4 sd above.
        let x = grid(21);
        let mut rng = Stream::from_seed(7).rng();
        let (mut equal, mut unequal) = (0, 0);
        for _ in 0..400 {
            let y = with_noise(x.iter().map(|&x| 0.1 * x), 0.1, &mut rng);
            equal += u32::from(change_points(&x, &y, &mut rng).unwrap().p_value <= 0.05);
            // The noise of an accuracy over 100 questions, from 2 % to 98 %: the test is not exact here.
            let p = x.iter().map(|&x| 0.02 + 0.96 * (x - 6.0) / 5.0);
            let y: Vec<f64> =
                p.map(|p| with_noise(std::iter::once(p), (p * (1.0 - p) / 100.0).sqrt(), &mut rng)[0]).collect();
            unequal += u32::from(change_points(&x, &y, &mut rng).unwrap().p_value <= 0.05);
        }
        assert!(equal < 38 && equal > 2, "{equal} of 400");
        assert!(unequal < 45, "{unequal} of 400");
    }

    #[test]
    fn law_what_cannot_be_described_is_none_and_perfect_curves_are_finite() {
        let mut rng = Stream::from_seed(1).rng();
        let x = grid(8);
        assert_eq!(change_points(&x[..5], &[1.0, 2.0, 4.0, 3.0, 5.0], &mut rng), None);
        assert_eq!(change_points(&x, &[0.1; 8], &mut rng), None);
        assert_eq!(change_points(&[1.0; 8], &x, &mut rng), None);
        let line: Vec<f64> = x.iter().map(|x| 2.0 - 0.1 * x).collect();
        let found = change_points(&x, &line, &mut rng).unwrap();
        assert!(found.p_value > 0.5 && found.sup_f == 0.0 && found.line.bic.is_finite(), "{found:?}");
        let step: Vec<f64> = x.iter().map(|&x| if x > 7.0 { 1.0 } else { 0.0 }).collect();
        let found = change_points(&x, &step, &mut rng).unwrap();
        assert_eq!(found.levels.changes, [7.125]);
        assert!(found.sup_f.is_finite() && found.p_value == 0.001);
    }
}
