//! Solver: the parameters of a curve that make a sum of squares, or of Huber's losses, smallest.

use nalgebra::{SMatrix, SVector};

/// A residual and how it changes with each parameter.
#[derive(Clone, Copy, Debug)]
pub struct Residual<const P: usize> {
    /// r.
    pub value: f64,
    /// ∂r/∂θⱼ.
    pub gradient: [f64; P],
}

/// What a residual r costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// ρ(r) = r²/2.
    Squares,
    /// ρ(r) = r²/2 for |r| ≤ δ, δ (|r| − δ/2) beyond: an outlier pulls with a force of δ, however far away it is.
    Huber(f64),
}

/// The end of a descent.
#[derive(Clone, Debug)]
pub struct Solution<const P: usize> {
    /// θ.
    pub parameters: [f64; P],
    /// Σ ρ(r), summed and not averaged, so that no tolerance depends on n.
    pub loss: f64,
    /// Σ r².
    pub sum_squares: f64,
    /// Whether the descent came to rest; if not, it ran out of steps on the way.
    pub converged: bool,
    /// Jᵀ J with J = ∂r/∂θ.
    pub normal: SMatrix<f64, P, P>,
    /// Σ ψ² and Σ ψ′ with ψ = dρ/dr; ψ′ is 0 or 1.
    influence: [f64; 2],
    n: usize,
}

/// Descends from `start` to a minimum of Σᵢ ρ(rᵢ(θ)) over the residuals i < n by the method of Levenberg and Marquardt.
///
/// A step δ solves (H + λ D) δ = −g with g = Σ ψ ∇r, H = Σ ψ′ ∇r ∇rᵀ and D the diagonal of H̃ = Σ (ψ/r) ∇r ∇rᵀ, plus H̃ − H, so that λ = 0 is a Newton step
/// on the loss (without the curvature of r itself) and λ near 1 a damped step of iterated reweighting, which descends where H is singular.
/// λ falls and rises with how well the step kept its promise (Nielsen 1999). The descent rests when a nearly undamped step moves no
/// parameter by more than 1e-11 of its size, after three steps on the gradient alone where the loss no longer tells better from worse, or when no step, however short, lowers it. A residual that is
/// not finite makes a step fail like one that goes up, so a domain may be fenced with NaN.
///
/// `None` if n < P or if the loss at the start is not finite. O(n P²) a step, no memory.
///
/// Source: Marquardt (1963), J. SIAM 11; Nielsen (1999), IMM-REP-1999-05; Huber (1981), Robust Statistics, 7.8.
pub fn minimize<const P: usize>(
    start: [f64; P],
    loss: Loss,
    n: usize,
    residual: impl Fn(usize, &[f64; P]) -> Residual<P>,
) -> Option<Solution<P>> {
    const MAX_STEPS: u32 = 1000;
    const SMALL: f64 = 1e-11;
    let mut here = Sums::at(start, loss, n, &residual).filter(|_| n >= P)?;
    let (mut damping, mut growth) = (1e-3, 2.0);
    let (mut converged, mut n_blind) = (false, 0);
    for _ in 0..MAX_STEPS {
        let Some((step, promised)) = here.step(damping) else {
            // Singular to rounding: more damping, or, at a minimum that is flat in some direction, the end.
            if damping > 1e16 {
                break;
            }
            damping = damping.max(1e-12) * growth;
            growth *= 2.0;
            continue;
        };
        let theta = SVector::from(here.parameters) + step;
        let still = step.iter().zip(&here.parameters).all(|(s, p)| s.abs() <= SMALL * (p.abs() + SMALL));
        if still {
            converged = true;
            break;
        }
        // So near the minimum that the loss, flat there, no longer tells better from worse: the gradient still does.
        let blind = damping < 1.0 && promised <= 1e-13 * here.loss;
        match Sums::at(theta.into(), loss, n, &residual).filter(|there| blind || there.loss < here.loss) {
            Some(there) if blind => {
                n_blind += 1;
                damping *= 0.01;
                here = there;
                if n_blind == 3 {
                    converged = true;
                    break;
                }
            }
            Some(there) => {
                let kept = 2.0 * (here.loss - there.loss) / promised - 1.0;
                damping = (damping * (1.0 - kept * kept * kept).max(1.0 / 3.0)).max(1e-15);
                growth = 2.0;
                here = there;
            }
            None => {
                damping *= growth;
                growth *= 2.0;
            }
        }
    }
    Some(Solution {
        parameters: here.parameters,
        loss: here.loss,
        sum_squares: here.sum_squares,
        converged,
        normal: here.normal,
        influence: here.influence,
        n,
    })
}

impl<const P: usize> Solution<P> {
    /// The covariance of the parameters, κ² (Σψ²/(n − P)) / (Σψ′/n)² (JᵀJ)⁻¹ with κ = 1 + (P/n) (1 − m)/m and m = Σψ′/n.
    ///
    /// For squares that is s² (JᵀJ)⁻¹ with s² = Σr²/(n − P). Valid for independent residuals of one symmetric distribution and n much
    /// larger than P. `None` for n ≤ P, for a singular JᵀJ, and when no residual is as small as δ.
    ///
    /// Source: Huber (1981), Robust Statistics, equation 6.5 of chapter 7.
    pub fn covariance(&self) -> Option<SMatrix<f64, P, P>> {
        let [psi2, slope] = self.influence;
        let (n, p) = (self.n as f64, P as f64);
        let m = slope / n;
        if self.n <= P || m <= 0.0 {
            return None;
        }
        let correction = 1.0 + p / n * (1.0 - m) / m;
        let variance = correction * correction * psi2 / (n - p) / (m * m);
        let inverse = inverse(&self.normal)?;
        Some(inverse * variance).filter(|c| c.iter().all(|x| x.is_finite()))
    }
}

/// The sums that a step is made of, at one point.
struct Sums<const P: usize> {
    parameters: [f64; P],
    loss: f64,
    sum_squares: f64,
    /// g.
    gradient: SVector<f64, P>,
    /// H.
    newton: SMatrix<f64, P, P>,
    /// H̃.
    reweighted: SMatrix<f64, P, P>,
    normal: SMatrix<f64, P, P>,
    influence: [f64; 2],
}

impl<const P: usize> Sums<P> {
    /// `None` where the loss or its gradient is not finite.
    fn at(
        parameters: [f64; P],
        loss: Loss,
        n: usize,
        residual: &impl Fn(usize, &[f64; P]) -> Residual<P>,
    ) -> Option<Self> {
        let mut sums = Self {
            parameters,
            loss: 0.0,
            sum_squares: 0.0,
            gradient: SVector::zeros(),
            newton: SMatrix::zeros(),
            reweighted: SMatrix::zeros(),
            normal: SMatrix::zeros(),
            influence: [0.0; 2],
        };
        for i in 0..n {
            let Residual { value: r, gradient } = residual(i, &parameters);
            let (rho, psi, slope) = match loss {
                Loss::Huber(delta) if r.abs() > delta => (delta * (r.abs() - delta / 2.0), delta.copysign(r), 0.0),
                _ => (r * r / 2.0, r, 1.0),
            };
            let weight = if slope > 0.0 { 1.0 } else { psi / r };
            sums.loss += rho;
            sums.sum_squares += r * r;
            sums.influence[0] += psi * psi;
            sums.influence[1] += slope;
            for j in 0..P {
                sums.gradient[j] += psi * gradient[j];
                for k in 0..P {
                    let product = gradient[j] * gradient[k];
                    sums.normal[(j, k)] += product;
                    sums.newton[(j, k)] += slope * product;
                    sums.reweighted[(j, k)] += weight * product;
                }
            }
        }
        let finite = sums.loss.is_finite()
            && sums.gradient.iter().all(|x| x.is_finite())
            && sums.normal.iter().all(|x| x.is_finite());
        finite.then_some(sums)
    }

    /// The step for a damping λ, and by how much the loss falls if it is the quadratic that H says.
    fn step(&self, damping: f64) -> Option<(SVector<f64, P>, f64)> {
        let mut damper = self.reweighted - self.newton;
        for j in 0..P {
            damper[(j, j)] += self.reweighted[(j, j)];
        }
        let damper = damper * damping;
        let step = (self.newton + damper).cholesky()?.solve(&-self.gradient);
        let promised = 0.5 * step.dot(&(damper * step - self.gradient));
        step.iter().all(|x| x.is_finite()).then_some((step, promised))
    }
}

/// The inverse of a positive definite matrix; `None` where a column is, to 1e-14 of its square, a combination of others.
pub(super) fn inverse<const P: usize>(matrix: &SMatrix<f64, P, P>) -> Option<SMatrix<f64, P, P>> {
    // In units in which the diagonal is 1, the pivots are what of a column is its own.
    let scale = matrix.diagonal().map(f64::sqrt);
    let scaled = SMatrix::<f64, P, P>::from_fn(|j, k| matrix[(j, k)] / (scale[j] * scale[k]));
    let factors = scaled.cholesky()?;
    let regular = factors.l_dirty().diagonal().iter().all(|&pivot| pivot * pivot > 1e-14);
    let inverse = factors.inverse();
    regular.then(|| SMatrix::from_fn(|j, k| inverse[(j, k)] / (scale[j] * scale[k])))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Residuals y − (a + b x).
    fn line<'a>(x: &'a [f64], y: &'a [f64]) -> impl Fn(usize, &[f64; 2]) -> Residual<2> + 'a {
        |i, &[a, b]| Residual { value: y[i] - a - b * x[i], gradient: [-1.0, -x[i]] }
    }

    #[test]
    fn theory_a_line_has_a_closed_form() {
        // x̄ = 3, ȳ = 2.2, Sxx = 10, Sxy = 7, Syy = 6.8: b = Sxy/Sxx, a = ȳ − b x̄, Σr² = Syy − Sxy²/Sxx.
        let (x, y) = ([1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 2.0, 1.0, 3.0, 4.0]);
        let solution = minimize([0.0, 0.0], Loss::Squares, 5, line(&x, &y)).unwrap();
        assert!(solution.converged);
        let expected = [2.2 - 0.7 * 3.0, 0.7];
        let sum_squares = 6.8 - 49.0 / 10.0;
        for (value, expected) in solution.parameters.iter().zip(expected) {
            assert!((value - expected).abs() < 1e-12, "{value} against {expected}");
        }
        assert!(
            (solution.sum_squares - sum_squares).abs() < 1e-12 && (solution.loss - sum_squares / 2.0).abs() < 1e-12
        );
        let covariance = solution.covariance().unwrap();
        let variance = sum_squares / 3.0;
        for (value, expected) in [
            (covariance[(1, 1)], variance / 10.0),
            (covariance[(0, 0)], variance * (0.2 + 0.9)),
            (covariance[(0, 1)], -variance * 0.3),
        ] {
            assert!((value - expected).abs() < 1e-12, "{value} against {expected}");
        }
    }

    #[test]
    fn theory_huber_location_worked_out_by_hand() {
        // Ψ(m) = (−1 − m) + (0 − m) + (1 − m) + δ = 0 with δ = 1 and 100 far outside: m = 1/3, but −1 − m is then outside too:
        // −δ − m + (1 − m) + δ = 0, m = 1/2 and −1.5 is outside, as supposed. Loss: 1·(1.5 − ½) + ⅛ + ⅛ + 1·(99.5 − ½) = 100.25.
        let y = [-1.0, 0.0, 1.0, 100.0];
        let residual = |i: usize, &[m]: &[f64; 1]| Residual { value: y[i] - m, gradient: [-1.0] };
        for start in [-1e6, 0.0, 60.0, 1e6] {
            let solution = minimize([start], Loss::Huber(1.0), 4, residual).unwrap();
            // The descent rests below a step of 1e-11 of a parameter.
            assert!(solution.converged && (solution.parameters[0] - 0.5).abs() < 1e-11, "{start}: {solution:?}");
            assert!((solution.loss - 100.25).abs() < 1e-12);
            // ψ = ∓1 twice and ±½ twice: Σψ² = 2.5, m = ½, κ = 1 + ¼: 1.5625 · (2.5/3) / 0.25 / 4.
            let variance = solution.covariance().unwrap()[(0, 0)];
            assert!((variance - 1.5625 * 2.5 / 3.0).abs() < 1e-10, "{variance}");
        }
    }

    #[test]
    fn theory_rosenbrock_from_the_usual_start() {
        // r = (10 (y − x²), 1 − x): one minimum, 0 at (1, 1), at the end of a bent valley.
        let residual = |i: usize, &[x, y]: &[f64; 2]| match i {
            0 => Residual { value: 10.0 * (y - x * x), gradient: [-20.0 * x, 10.0] },
            _ => Residual { value: 1.0 - x, gradient: [-1.0, 0.0] },
        };
        let solution = minimize([-1.2, 1.0], Loss::Squares, 2, residual).unwrap();
        assert!(solution.converged && solution.parameters.iter().all(|x| (x - 1.0).abs() < 1e-10), "{solution:?}");
        assert_eq!(solution.covariance(), None, "no degree of freedom is left");
    }

    #[test]
    fn theory_misra1a_of_the_nist_data_sets() {
        // y = β₁ (1 − exp(−β₂ x)): certified parameters, standard deviations and residual sum of squares, NIST StRD, Misra1a.
        let x = [77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0];
        let y = [10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78];
        let residual = |i: usize, &[b1, b2]: &[f64; 2]| {
            let e = libm::exp(-b2 * x[i]);
            Residual { value: y[i] - b1 * (1.0 - e), gradient: [e - 1.0, -b1 * x[i] * e] }
        };
        for start in [[500.0, 0.0001], [250.0, 0.0005]] {
            let solution = minimize(start, Loss::Squares, 14, residual).unwrap();
            let covariance = solution.covariance().unwrap();
            for (value, expected) in [
                (solution.parameters[0], 2.3894212918e+02),
                (solution.parameters[1], 5.5015643181e-04),
                (covariance[(0, 0)].sqrt(), 2.7070075241e+00),
                (covariance[(1, 1)].sqrt(), 7.2668688436e-06),
                (solution.sum_squares, 1.2455138894e-01),
            ] {
                assert!((value / expected - 1.0).abs() < 1e-9, "{value} against {expected}");
            }
        }
    }

    #[test]
    fn law_what_cannot_be_solved_is_none_or_not_converged() {
        let (x, y) = ([2.0; 3], [1.0, 2.0, 4.0]);
        let all_equal = minimize([0.0, 0.0], Loss::Squares, 3, line(&x, &y)).unwrap();
        assert_eq!(all_equal.covariance(), None);
        assert!(minimize([f64::NAN, 0.0], Loss::Squares, 3, line(&x, &y)).is_none());
        assert!(minimize([0.0, 0.0], Loss::Squares, 1, line(&x, &y)).is_none());
    }
}
