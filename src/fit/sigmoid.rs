//! Sigmoid: where a curve turns from one level to another, and how wide the turn is.

use nalgebra::SMatrix;

use super::curve::Estimate;
use super::solver::{self, Loss, Residual};
use super::student;

/// y = low + (high − low)/(1 + exp(−k (x − x₀))), fitted by least squares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sigmoid {
    /// The level towards small x.
    pub low: f64,
    /// The level towards large x; below `low` where the curve falls.
    pub high: f64,
    /// x₀, where half of the way is made.
    pub midpoint: Estimate,
    /// 2 ln 9/k, between the places at 10 and at 90 % of the way.
    pub width: Estimate,
    /// Sum of the squared residuals.
    pub sum_squares: f64,
    /// Points that it rests on.
    pub n: usize,
    /// Whether the turn is so sharp that the points do not resolve its width: then its interval begins at 0, and any smaller width fits as well.
    pub unresolved: bool,
}

impl Sigmoid {
    /// The part of its way that the curve has made at x.
    pub fn part_made(&self, x: f64) -> f64 {
        shape(x, self.midpoint.value, self.width.value)[0]
    }
}

/// Why there is no sigmoid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Fewer than five different values of x, or six points.
    TooFewPoints,
    /// All y are the same.
    ConstantY,
    /// A number, or a square of one, is not finite; or the squares of all vanish.
    NotFinite,
}

/// Fits a sigmoid, with 95 % intervals that cover.
///
/// Where each x has one point: the profile of the sum of squares. A midpoint belongs to its interval if some curve through it has
/// RSS ≤ RSSₘᵢₙ (1 + t²/(n − 4)), with t the 0.975 quantile of Student's t with n − 4 degrees of freedom, and so for the width.
/// It assumes normal noise of one size, and covers also where the turn is as sharp as the points are dense. A residual bootstrap does not.
///
/// Where each x has two points or more: their scatter around the mean at their own x, of whatever size it is there, carried through the linearised
/// fit, θ ± t se, with Satterthwaite's degrees of freedom; for ln width. It assumes that points at different x are independent.
/// A turn that is too sharp to be linearised has the profile's intervals, with the largest variance at the three x next to it and its degrees of freedom where that is larger.
///
/// Levels and noise are free, so the places searched are x₀ from one range of x below the smallest x to one above the largest, and widths from 1/32 of the
/// smallest distance of two x to eight ranges. A few thousand sums over the different x: about 1 ms for 21.
///
/// Source: Bates & Watts (1988), Nonlinear Regression Analysis, 6.1, for the profile; White (1980), Econometrica 48, and Satterthwaite (1946), Biometrics 2, for the other.
pub fn sigmoid(x: &[f64], y: &[f64]) -> Result<Sigmoid, Unfit> {
    let data = Places::new(x, y)?;
    let start = data.start();
    let (low, rise, at, width) = data.descend(start);
    let best = data.sum_squares(at, width);
    let [everywhere, at_the_turn] = data.margins(best, at);
    let resolved = data.sum_squares_of_width(data.least_width()) > best + everywhere;
    let threshold = best + everywhere.max(at_the_turn);
    let sandwich = if resolved { data.sandwich(rise, at, width) } else { None };
    let linear = data.linear(low, rise, at, width).filter(|_| resolved);
    let (midpoint, width) = match (sandwich, linear) {
        (Some([(se_at, t_at), (se_log, t_log)]), _) => (
            Estimate { value: at, standard_error: Some(se_at), interval: Some((at - t_at * se_at, at + t_at * se_at)) },
            Estimate {
                value: width,
                standard_error: Some(width * se_log),
                interval: Some((width * libm::exp(-t_log * se_log), width * libm::exp(t_log * se_log))),
            },
        ),
        (None, linear) => (
            Estimate {
                value: at,
                standard_error: linear.map(|e| e[0]),
                interval: data.interval_of_midpoint(at, threshold),
            },
            Estimate {
                value: width,
                standard_error: linear.map(|e| e[1] * width),
                interval: data.interval_of_width(width, threshold),
            },
        ),
    };
    let (first, range) = data.frame;
    let framed = |estimate: Estimate, offset: f64| Estimate {
        value: offset + range * estimate.value,
        standard_error: estimate.standard_error.map(|error| range * error),
        interval: estimate.interval.map(|(low, high)| (offset + range * low, offset + range * high)),
    };
    Ok(Sigmoid {
        low,
        high: low + rise,
        midpoint: framed(midpoint, first),
        width: framed(width, 0.0),
        sum_squares: best + data.pure,
        n: data.n,
        unresolved: !resolved,
    })
}

/// 2 ln 9: the width of a sigmoid with k = 1.
const TWO_LN_NINE: f64 = 4.394_449_154_672_439;

/// Points gathered by their x.
struct Places {
    /// The smallest x, and the range of x.
    frame: (f64, f64),
    /// The different values of x, rising, laid out from 0 to 1.
    x: Vec<f64>,
    /// The mean of y at each.
    mean: Vec<f64>,
    /// How many points it is of.
    count: Vec<f64>,
    /// The sample variance of y there; 0 for one point.
    variance: Vec<f64>,
    /// Number of points.
    n: usize,
    /// Σ (y − ȳ)² within the places.
    pure: f64,
    /// Σ (y − ȳ)² over all.
    spread: f64,
}

impl Places {
    fn new(x: &[f64], y: &[f64]) -> Result<Self, Unfit> {
        let n = x.len();
        if x.iter().chain(y).any(|v| !v.is_finite()) {
            return Err(Unfit::NotFinite);
        }
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&i, &j| x[i].total_cmp(&x[j]));
        let first = order.first().map_or(0.0, |&i| x[i]);
        let range = order.last().map_or(0.0, |&i| x[i]) - first;
        let mut places = Self {
            frame: (first, range),
            x: vec![],
            mean: vec![],
            count: vec![],
            variance: vec![],
            n,
            pure: 0.0,
            spread: 0.0,
        };
        for same in order.chunk_by(|&i, &j| x[i] == x[j]) {
            let count = same.len() as f64;
            let mean = same.iter().map(|&i| y[i]).sum::<f64>() / count;
            let squares: f64 = same.iter().map(|&i| (y[i] - mean) * (y[i] - mean)).sum();
            places.x.push((x[same[0]] - first) / range);
            places.mean.push(mean);
            places.count.push(count);
            places.variance.push(squares / (count - 1.0).max(1.0));
            places.pure += squares;
        }
        let grand = y.iter().sum::<f64>() / n as f64;
        places.spread = y.iter().map(|y| (y - grand) * (y - grand)).sum();
        if places.x.len() < 5 || n < 6 {
            return Err(Unfit::TooFewPoints);
        }
        if !(range.is_finite() && places.spread.is_finite()) {
            return Err(Unfit::NotFinite);
        }
        // Squares that vanish though the numbers differ are no constant y.
        if places.spread < 1e-280 && y.iter().any(|v| *v != y[0]) && grand.abs() < 1e-140 {
            return Err(Unfit::NotFinite);
        }
        // Below this, what a sum of y leaves is rounding.
        if places.spread <= 1e-28 * n as f64 * grand * grand {
            return Err(Unfit::ConstantY);
        }
        Ok(places)
    }

    /// How far the sum of squares may rise above its minimum within an interval of 95 %: by the noise everywhere, and by that at the turn.
    fn margins(&self, best: f64, at: f64) -> [f64; 2] {
        let square = |degrees: f64| {
            let t = student::quantile(0.975, degrees);
            t * t
        };
        let degrees = (self.n - 4) as f64;
        let everywhere = (best + self.pure) / degrees * square(degrees);
        // Where the noise is larger at the turn than elsewhere, as that of an accuracy is, it is the noise there that counts.
        let mut near: Vec<usize> = (0..self.x.len()).collect();
        near.sort_by(|&i, &j| (self.x[i] - at).abs().total_cmp(&(self.x[j] - at).abs()));
        let there = |&i: &usize| match self.count[i] {
            count if count >= 2.0 => self.variance[i] * square(count - 1.0),
            _ => 0.0,
        };
        let there = near.iter().take(3).map(there).fold(0.0, f64::max);
        // Among curves that leave less than 3e-5 of the spread of y, none is better than another.
        [everywhere + 1e-9 * self.spread, there]
    }

    fn least_width(&self) -> f64 {
        self.x.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min) / 32.0
    }

    fn most_width(&self) -> f64 {
        8.0
    }

    /// Smallest and largest midpoint.
    fn ends(&self) -> [f64; 2] {
        [-1.0, 2.0]
    }

    /// The best low and rise for a midpoint and a width, and the sum of squares between the places.
    fn levels(&self, at: f64, width: f64) -> (f64, f64, f64) {
        let k = TWO_LN_NINE / width;
        let shape = |x: f64| 1.0 / (1.0 + libm::exp(-k * (x - at)));
        let n = self.n as f64;
        let (mut mean_s, mut mean_y) = (0.0, 0.0);
        let shapes: Vec<f64> = self.x.iter().map(|&x| shape(x)).collect();
        for ((s, y), c) in shapes.iter().zip(&self.mean).zip(&self.count) {
            mean_s += c * s / n;
            mean_y += c * y / n;
        }
        let (mut ss, mut sy, mut yy) = (0.0, 0.0, 0.0);
        for ((s, y), c) in shapes.iter().zip(&self.mean).zip(&self.count) {
            ss += c * (s - mean_s) * (s - mean_s);
            sy += c * (s - mean_s) * (y - mean_y);
            yy += c * (y - mean_y) * (y - mean_y);
        }
        // A shape that is flat over all places explains nothing.
        let rise = if ss > 1e-20 * n { sy / ss } else { 0.0 };
        let low = mean_y - rise * mean_s;
        // Twice through, for yy − sy²/ss loses digits where the fit is good.
        let rest: f64 = shapes
            .iter()
            .zip(&self.mean)
            .zip(&self.count)
            .map(|((s, y), c)| c * (y - low - rise * s) * (y - low - rise * s))
            .sum();
        (low, rise, rest.min(yy))
    }

    fn sum_squares(&self, at: f64, width: f64) -> f64 {
        self.levels(at, width).2
    }

    /// The smallest sum of squares of a curve with this midpoint.
    fn sum_squares_of_midpoint(&self, at: f64) -> f64 {
        let [least, most] = [self.least_width(), self.most_width()].map(libm::log);
        least_on(least, most, 18, |log| self.sum_squares(at, libm::exp(log))).1
    }

    /// The smallest sum of squares of a curve with this width.
    fn sum_squares_of_width(&self, width: f64) -> f64 {
        let [least, most] = self.ends();
        // A narrow turn must be looked for between every two places.
        let between = self.x.windows(2).map(|pair| self.sum_squares((pair[0] + pair[1]) / 2.0, width));
        let n_steps = 3 * self.x.len().min(40);
        between.fold(least_on(least, most, n_steps, |at| self.sum_squares(at, width)).1, f64::min)
    }

    /// The best of a grid of midpoints and widths.
    fn start(&self) -> (f64, f64) {
        let [first, last] = self.ends();
        let [least, most] = [self.least_width(), self.most_width()].map(libm::log);
        let n_places = 3 * self.x.len().min(40);
        let grid = (0..=n_places).flat_map(|i| {
            let at = first + (last - first) * i as f64 / n_places as f64;
            (0..=16).map(move |j| (at, libm::exp(least + (most - least) * f64::from(j) / 16.0)))
        });
        let between = self.x.windows(2).map(|pair| ((pair[0] + pair[1]) / 2.0, self.least_width()));
        grid.chain(between)
            .map(|(at, width)| (self.sum_squares(at, width), (at, width)))
            .reduce(|best, other| if other.0 < best.0 { other } else { best })
            .map_or((0.5, 1.0), |(_, place)| place)
    }

    /// Down from a start to the best curve: low, rise, midpoint, width.
    fn descend(&self, (at, width): (f64, f64)) -> (f64, f64, f64, f64) {
        let (low, rise, before) = self.levels(at, width);
        let [first, last] = self.ends();
        let [least, most] = [self.least_width(), self.most_width()].map(libm::log);
        let residual = |i: usize, &[low, rise, at, log]: &[f64; 4]| {
            let weight = self.count[i].sqrt();
            let inside = (first..=last).contains(&at) && (least..=most).contains(&log);
            let [s, by_at, by_log] = shape(self.x[i], at, libm::exp(log));
            let value = if inside { weight * (self.mean[i] - low - rise * s) } else { f64::NAN };
            Residual { value, gradient: [-weight, -weight * s, -weight * rise * by_at, -weight * rise * by_log] }
        };
        let solution = solver::minimize([low, rise, at, libm::log(width)], Loss::Squares, self.x.len(), residual);
        match solution.filter(|solution| solution.sum_squares < before) {
            Some(solution) => {
                let [_, _, at, log] = solution.parameters;
                let width = libm::exp(log);
                let (low, rise, _) = self.levels(at, width);
                (low, rise, at, width)
            }
            None => (low, rise, at, width),
        }
    }

    /// (JᵀCJ)⁻¹ and J, with C the numbers of points, for low, rise, midpoint and ln width.
    fn bread(&self, rise: f64, at: f64, width: f64) -> Option<(SMatrix<f64, 4, 4>, Vec<[f64; 4]>)> {
        let rows: Vec<[f64; 4]> = self
            .x
            .iter()
            .map(|&x| {
                let [s, by_at, by_log] = shape(x, at, width);
                [1.0, s, rise * by_at, rise * by_log]
            })
            .collect();
        let mut normal = SMatrix::<f64, 4, 4>::zeros();
        for (row, count) in rows.iter().zip(&self.count) {
            for j in 0..4 {
                for k in 0..4 {
                    normal[(j, k)] += count * row[j] * row[k];
                }
            }
        }
        // In units in which the diagonal is 1, the pivots say what of a column is its own.
        let scale = normal.diagonal().map(f64::sqrt);
        let scaled = SMatrix::<f64, 4, 4>::from_fn(|j, k| normal[(j, k)] / (scale[j] * scale[k]));
        let factors = scaled.cholesky()?;
        let regular = factors.l_dirty().diagonal().iter().all(|pivot| pivot * pivot > 1e-9);
        let inverse = factors.inverse();
        regular.then(|| (SMatrix::from_fn(|j, k| inverse[(j, k)] / (scale[j] * scale[k])), rows))
    }

    /// Standard errors of midpoint and ln width from the residuals, for noise of one size.
    fn linear(&self, low: f64, rise: f64, at: f64, width: f64) -> Option<[f64; 2]> {
        let (inverse, rows) = self.bread(rise, at, width)?;
        let rest: f64 = rows
            .iter()
            .zip(&self.mean)
            .zip(&self.count)
            .map(|((row, y), c)| c * (y - low - rise * row[1]) * (y - low - rise * row[1]))
            .sum();
        let variance = (rest + self.pure) / (self.n - 4) as f64;
        Some([2, 3].map(|j| (inverse[(j, j)] * variance).sqrt())).filter(|e| e.iter().all(|e| e.is_finite()))
    }

    /// Standard error and t of midpoint and ln width from the scatter at each place; `None` unless each has two points or more.
    fn sandwich(&self, rise: f64, at: f64, width: f64) -> Option<[(f64, f64); 2]> {
        if self.count.iter().any(|&count| count < 2.0) || self.pure <= 0.0 {
            return None;
        }
        let (inverse, rows) = self.bread(rise, at, width)?;
        let found = [2, 3].map(|j| {
            let (mut sum, mut by_degrees) = (0.0, 0.0);
            for ((row, count), variance) in rows.iter().zip(&self.count).zip(&self.variance) {
                // How far the parameter moves with the mean here.
                let pull: f64 = count * (0..4).map(|k| inverse[(j, k)] * row[k]).sum::<f64>();
                let part = pull * pull * variance / count;
                sum += part;
                by_degrees += part * part / (count - 1.0);
            }
            (sum.sqrt(), student::quantile(0.975, (sum * sum / by_degrees).max(1.0)))
        });
        Some(found).filter(|found| found.iter().all(|(error, t)| error.is_finite() && t.is_finite()))
    }

    fn interval_of_midpoint(&self, at: f64, threshold: f64) -> Option<(f64, f64)> {
        let [first, last] = self.ends();
        let outside = |at: f64| self.sum_squares_of_midpoint(at) > threshold;
        Some((edge(at, first, outside)?, edge(at, last, outside)?))
    }

    fn interval_of_width(&self, width: f64, threshold: f64) -> Option<(f64, f64)> {
        let outside = |log: f64| self.sum_squares_of_width(libm::exp(log)) > threshold;
        let high = edge(libm::log(width), libm::log(self.most_width()), outside)?;
        // No width is too small where the smallest that is looked at is not.
        let low = edge(libm::log(width), libm::log(self.least_width()), outside).map_or(0.0, libm::exp);
        Some((low, libm::exp(high)))
    }
}

/// s = 1/(1 + exp(−z)) with z = k (x − x₀), ∂s/∂x₀ and ∂s/∂ln width.
fn shape(x: f64, at: f64, width: f64) -> [f64; 3] {
    let k = TWO_LN_NINE / width;
    let z = k * (x - at);
    let s = 1.0 / (1.0 + libm::exp(-z));
    let slope = s * (1.0 - s);
    [s, -k * slope, -z * slope]
}

/// Where and how small a function is on an interval: the best of `n_steps` steps, and between its neighbours by golden section.
fn least_on(first: f64, last: f64, n_steps: usize, f: impl Fn(f64) -> f64) -> (f64, f64) {
    const GOLDEN: f64 = 0.618_033_988_749_894_8;
    let step = (last - first) / n_steps as f64;
    let (mut best_at, mut best) = (first, f(first));
    for i in 1..=n_steps {
        let at = first + step * i as f64;
        let value = f(at);
        if value < best {
            (best_at, best) = (at, value);
        }
    }
    let (mut a, mut b) = ((best_at - step).max(first), (best_at + step).min(last));
    let (mut c, mut d) = (b - GOLDEN * (b - a), a + GOLDEN * (b - a));
    let (mut fc, mut fd) = (f(c), f(d));
    for _ in 0..20 {
        if fc < fd {
            (b, d, fd) = (d, c, fc);
            c = b - GOLDEN * (b - a);
            fc = f(c);
        } else {
            (a, c, fc) = (c, d, fd);
            d = a + GOLDEN * (b - a);
            fd = f(d);
        }
    }
    [(c, fc), (d, fd)].into_iter().fold((best_at, best), |best, other| if other.1 < best.1 { other } else { best })
}

/// The outermost place between `from` and `to` beyond which all is outside; `None` if `to` itself is not.
fn edge(from: f64, to: f64, outside: impl Fn(f64) -> bool) -> Option<f64> {
    const N_STEPS: u32 = 16;
    const N_HALVINGS: u32 = 12;
    if !outside(to) {
        return None;
    }
    // Finer near the estimate: the steps grow like squares.
    let place = |i: u32| {
        let part = f64::from(i) / f64::from(N_STEPS);
        from + (to - from) * part * part
    };
    let innermost = (0..N_STEPS).rev().find(|&i| !outside(place(i))).unwrap_or(0);
    let (mut inside, mut out) = (place(innermost), place(innermost + 1));
    for _ in 0..N_HALVINGS {
        let middle = (inside + out) / 2.0;
        if outside(middle) {
            out = middle;
        } else {
            inside = middle;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Rng, Stream};
    use rand_distr::{Distribution, StandardNormal};

    fn curve(x: f64, low: f64, high: f64, at: f64, width: f64) -> f64 {
        low + (high - low) / (1.0 + (-TWO_LN_NINE / width * (x - at)).exp())
    }

    fn normal(rng: &mut Rng) -> f64 {
        StandardNormal.sample(rng)
    }

    /// How often the intervals of midpoint and width hold the truth, of `n_tries`; and how many there are.
    fn coverage(
        n_tries: u32,
        (at, width): (f64, f64),
        replicates: usize,
        noise: impl Fn(f64, &mut Rng) -> f64,
    ) -> [f64; 3] {
        let mut rng = Stream::from_seed(11).rng();
        let (mut midpoints, mut widths, mut some) = (0u32, 0u32, 0u32);
        for _ in 0..n_tries {
            let mut points = (vec![], vec![]);
            for i in 0..21 {
                let x = 6.0 + 0.3 * f64::from(i);
                for _ in 0..replicates {
                    let y = curve(x, 0.05, 0.95, at, width);
                    points.0.push(x);
                    points.1.push(y + noise(y, &mut rng));
                }
            }
            let found = sigmoid(&points.0, &points.1).unwrap();
            let holds = |interval: Option<(f64, f64)>, truth: f64| {
                u32::from(interval.is_none_or(|(low, high)| (low..=high).contains(&truth)))
            };
            midpoints += holds(found.midpoint.interval, at);
            widths += holds(found.width.interval, width);
            some += u32::from(found.midpoint.interval.is_some() && found.width.interval.is_some());
        }
        [midpoints, widths, some].map(|k| f64::from(k) / f64::from(n_tries))
    }

    #[test]
    fn theory_intervals_of_single_points_cover() {
        // 2000 tries: the share has an sd of 0.5 % at 95 %; a residual bootstrap has 85 %.
        for (at, width, sigma) in [(9.0, 2.0, 0.05), (9.1, 0.5, 0.05), (10.5, 1.5, 0.03)] {
            let [midpoint, of_width, some] = coverage(2000, (at, width), 1, |_, rng| sigma * normal(rng));
            assert!(midpoint >= 0.93 && of_width >= 0.93 && some > 0.99, "{at} {width}: {midpoint} {of_width} {some}");
        }
    }

    #[test]
    fn theory_intervals_of_replicates_cover_noise_of_any_size() {
        for (at, width, replicates) in [(9.0, 2.0, 10), (9.1, 1.0, 3), (10.5, 1.5, 5)] {
            let even = coverage(1000, (at, width), replicates, |_, rng| 0.1 * normal(rng));
            // That of an accuracy over ten questions.
            let uneven = coverage(1000, (at, width), replicates, |y, rng| (y * (1.0 - y) / 10.0).sqrt() * normal(rng));
            for [midpoint, of_width, some] in [even, uneven] {
                assert!(
                    midpoint >= 0.93 && of_width >= 0.93 && some > 0.99,
                    "{at} {width}: {midpoint} {of_width} {some}"
                );
            }
        }
    }

    #[test]
    fn theory_intervals_of_turns_between_two_points_cover() {
        // Width 0.2 among points 0.3 apart: the only x on the slope has the largest noise by far.
        for replicates in [2, 10] {
            let [midpoint, of_width, _] =
                coverage(2000, (9.0, 0.2), replicates, |y, rng| 0.3 * (y * (1.0 - y)).sqrt() * normal(rng));
            assert!(midpoint >= 0.93 && of_width >= 0.93, "{replicates}: {midpoint} {of_width}");
        }
    }

    #[test]
    fn theory_noiseless_curves_are_recovered() {
        let x: Vec<f64> = (0..21).map(|i| 6.0 + 0.3 * f64::from(i)).collect();
        for (low, high, at, width) in
            [(0.1, 0.9, 9.0, 2.0), (5.0, -3.0, 8.0, 1.0), (0.0, 1e-6, 10.0, 3.0), (0.0, 1.0, 11.5, 4.0)]
        {
            let y: Vec<f64> = x.iter().map(|&x| curve(x, low, high, at, width)).collect();
            let found = sigmoid(&x, &y).unwrap();
            for (value, expected) in
                [(found.low, low), (found.high, high), (found.midpoint.value, at), (found.width.value, width)]
            {
                assert!((value - expected).abs() < 1e-7 * (high - low).abs().max(1e-3), "{found:?}");
            }
            let (first, last) = found.midpoint.interval.unwrap();
            assert!(last - first < 1e-3, "{found:?}");
        }
    }

    #[test]
    fn theory_the_width_lies_between_a_tenth_and_nine() {
        // 1/(1 + e^(−z)) is 0.1 and 0.9 at z = ∓ln 9.
        for (x, expected) in [(8.0, 0.1), (9.0, 0.5), (10.0, 0.9)] {
            assert!((shape(x, 9.0, 2.0)[0] - expected).abs() < 1e-15);
        }
    }

    #[test]
    fn theory_a_step_is_as_narrow_as_its_points_tell() {
        let x: Vec<f64> = (0..21).map(f64::from).collect();
        let y: Vec<f64> = x.iter().map(|&x| if x > 9.5 { 1.0 } else { 0.0 }).collect();
        let found = sigmoid(&x, &y).unwrap();
        let (low, high) = found.midpoint.interval.unwrap();
        assert!(found.unresolved && (low - 9.0).abs() < 0.1 && (high - 10.0).abs() < 0.1, "{found:?}");
        let (low, high) = found.width.interval.unwrap();
        assert!(low == 0.0 && high < 1.0, "{found:?}");
    }

    #[test]
    fn law_what_the_points_do_not_bound_has_no_interval() {
        let x: Vec<f64> = (0..21).map(f64::from).collect();
        let mut rng = Stream::from_seed(1).rng();
        let y: Vec<f64> = x.iter().map(|x| 0.1 * x + 0.05 * normal(&mut rng)).collect();
        let found = sigmoid(&x, &y).unwrap();
        assert_eq!((found.midpoint.interval.is_some(), found.width.interval.is_some()), (false, false), "{found:?}");
    }

    #[test]
    fn law_bad_points_are_told() {
        let x: Vec<f64> = (0..8).map(f64::from).collect();
        assert_eq!(sigmoid(&x[..4], &x[..4]), Err(Unfit::TooFewPoints));
        assert_eq!(sigmoid(&[], &[]), Err(Unfit::TooFewPoints));
        assert_eq!(sigmoid(&[1.0; 8], &x), Err(Unfit::TooFewPoints));
        assert_eq!(sigmoid(&x, &[0.1; 8]), Err(Unfit::ConstantY));
        assert_eq!(sigmoid(&x, &[f64::NAN; 8]), Err(Unfit::NotFinite));
        assert_eq!(sigmoid(&x, &x.iter().map(|x| 1e200 * x).collect::<Vec<_>>()), Err(Unfit::NotFinite));
    }
}
