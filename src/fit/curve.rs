//! Curve: a family of curves through points, by least squares or robustly, from several starts.

use nalgebra::{SMatrix, SVector};

use super::solver::{Loss, Residual, Solution, inverse, minimize};
use super::student;

/// A family of curves: the value at x, and its derivatives by the parameters.
pub trait Curve<const P: usize>: Fn(f64, &[f64; P]) -> (f64, [f64; P]) {}

impl<const P: usize, F: Fn(f64, &[f64; P]) -> (f64, [f64; P])> Curve<P> for F {}

/// What is to be small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Residuals {
    /// y − ŷ: an error of the same size everywhere.
    Value,
    /// ln y − ln ŷ: an error in proportion. Where ŷ ≤ 0 there is none, and the descent stays away.
    Log,
}

/// An estimate with its error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// Its standard error.
    pub standard_error: Option<f64>,
    /// Its 95 % interval.
    pub interval: Option<(f64, f64)>,
}

/// The curve with the smallest loss that a descent from any of the starts comes to; `None` if none comes to rest.
pub fn fit<const P: usize>(
    points: &[(f64, f64)],
    residuals: Residuals,
    loss: Loss,
    starts: &[[f64; P]],
    curve: &impl Curve<P>,
) -> Option<Solution<P>> {
    let residual = |i: usize, theta: &[f64; P]| residual(points[i], residuals, theta, curve);
    let descents = starts.iter().filter_map(|&start| minimize(start, loss, points.len(), residual));
    descents.filter(|solution| solution.converged).min_by(|a, b| a.loss.total_cmp(&b.loss))
}

/// The same with Huber's loss at δ = 1.345 s, which costs 5 % of efficiency where the noise is Gaussian and bounds the pull of an outlier.
///
/// s = 1.4826 · median |r| · √(n/(n − P)) is the scale of the residuals, found together with the curve in ten rounds that begin from the curve of
/// least squares. With fewer than P + 6 points no outlier can be told from the others, and least squares it stays.
///
/// Source: Huber (1981), Robust Statistics, 7.8; Holland & Welsch (1977), Commun. Stat. A 6 for 1.345.
pub fn robust<const P: usize>(
    points: &[(f64, f64)],
    residuals: Residuals,
    starts: &[[f64; P]],
    curve: &impl Curve<P>,
) -> Option<Solution<P>> {
    let n = points.len();
    let mut best = fit(points, residuals, Loss::Squares, starts, curve)?;
    if n < P + 6 {
        return Some(best);
    }
    let mut starts = starts.to_vec();
    for _ in 0..N_ROUNDS {
        let sizes = points.iter().map(|&point| residual(point, residuals, &best.parameters, curve).value.abs());
        let scale = 1.4826 * median(sizes.collect()) * (n as f64 / (n - P) as f64).sqrt();
        // Residuals that are all rounding have no scale.
        let loss = Loss::Huber((1.345 * scale).max(1e-9));
        starts.push(best.parameters);
        best = fit(points, residuals, loss, &starts, curve)?;
        // An outlier may have led the first curve astray, so all starts are tried once more, and then only the best so far.
        starts.clear();
    }
    Some(best)
}

/// How far ln ŷ may lie from where it is drawn: half of its 95 % interval at each of the places `at`, of a curve that was fitted by [`Residuals::Log`] to points at `places`.
///
/// The covariance of a fit is a number times (JᵀJ)⁻¹ ([`Solution::covariance`]), and J follows from the places and the curve. So the half width that one
/// parameter has, `known` by its position, settles all others: that of ln ŷ is √(gᵀ(JᵀJ)⁻¹g) in proportion, with g its derivatives by the parameters. Exact for a straight
/// line in logarithms, else to first order. O(n P²) time. `None` for a singular JᵀJ.
pub fn half_widths<const P: usize>(
    places: &[f64],
    theta: &[f64; P],
    curve: &impl Curve<P>,
    (known, half_width): (usize, f64),
    at: &[f64],
) -> Option<Vec<f64>> {
    let gradient = |x: f64| {
        let (value, slopes) = curve(x, theta);
        SVector::from(slopes) / value
    };
    let normal =
        places.iter().map(|&x| gradient(x)).fold(SMatrix::<f64, P, P>::zeros(), |sum, g| sum + g * g.transpose());
    let inverse = inverse(&normal)?;
    let unit = half_width / inverse[(known, known)].sqrt();
    let half = |&x: &f64| {
        let g = gradient(x);
        unit * g.dot(&(inverse * g)).sqrt()
    };
    Some(at.iter().map(half).collect())
}

/// Rounds in which the scale of the residuals settles; it moves by less than a part in a thousand after some five.
const N_ROUNDS: usize = 10;

impl Estimate {
    /// A parameter whose estimate is Gaussian: the interval is ± t standard errors, with `degrees` of freedom.
    pub fn new(value: f64, variance: Option<f64>, degrees: usize) -> Self {
        let standard_error = variance.map(f64::sqrt).filter(|error| error.is_finite());
        let interval = standard_error.and_then(|error| student::interval(value, error, degrees + 1));
        Self { value, standard_error, interval }
    }

    /// sign · exp of an estimate: the interval goes over end by end, the standard error by the derivative.
    pub fn exp(self, sign: f64) -> Self {
        let exp = |x: f64| sign * libm::exp(x);
        let value = exp(self.value);
        let interval = self
            .interval
            .map(|(low, high)| if sign > 0.0 { (exp(low), exp(high)) } else { (exp(high), exp(low)) })
            .filter(|(low, high)| low.is_finite() && high.is_finite());
        // Where the interval has no end, the error would be a number without a meaning.
        let standard_error = self.standard_error.map(|error| error * value.abs()).filter(|_| interval.is_some());
        Self { value, standard_error, interval }
    }

    /// The estimate in other units, or with the other sign.
    pub fn times(self, factor: f64) -> Self {
        let (a, b) = (self.interval.map(|i| i.0 * factor), self.interval.map(|i| i.1 * factor));
        Self {
            value: self.value * factor,
            standard_error: self.standard_error.map(|error| error * factor.abs()),
            interval: a.zip(b).map(|(a, b)| (a.min(b), a.max(b))),
        }
    }
}

fn residual<const P: usize>(
    (x, y): (f64, f64),
    residuals: Residuals,
    theta: &[f64; P],
    curve: &impl Curve<P>,
) -> Residual<P> {
    let (value, slopes) = curve(x, theta);
    match residuals {
        Residuals::Value => Residual { value: y - value, gradient: slopes.map(|slope| -slope) },
        Residuals::Log => {
            Residual { value: libm::log(y) - libm::log(value), gradient: slopes.map(|slope| -slope / value) }
        }
    }
}

/// The middle value, or the mean of the two; 0 of none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let n = values.len();
    match n {
        0 => 0.0,
        _ if n % 2 == 1 => values[n / 2],
        _ => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}
