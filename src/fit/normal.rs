//! Normal: the standard normal distribution.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use super::student;

/// Φ(x), the probability that a standard normal number is below x.
///
/// erfc(−x/√2)/2, with erfc the complementary error function: relative error below 1e-13 down to x = −30, also far in the lower tail. 1 − Φ(x) is
/// Φ(−x), which keeps its digits where a difference would lose them.
///
/// Reference: DLMF 7.2 (<https://dlmf.nist.gov/7.2>).
pub fn below(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

/// φ(x) = exp(−x²/2)/√(2π), the density.
pub fn density(x: f64) -> f64 {
    libm::exp(-0.5 * x * x) / (2.0 * PI).sqrt()
}

/// Φ⁻¹(p): [`below`] it lies p. Student's quantile with infinitely many degrees of freedom, with its accuracy and cost.
pub fn quantile(p: f64) -> f64 {
    student::quantile(p, f64::INFINITY)
}

#[cfg(test)]
mod tests {
    use super::*;

    // mpmath 1.3 with 30 digits. The rounding of x/√2 weighs x² times its relative size in the tail: 900 · 2⁻⁵³ = 1e-13 for x = −30.
    #[test]
    fn theory_distribution_and_density_to_thirty_digits() {
        for (x, mass, height) in [
            (0.0, 0.5, 0.3989422804014327),
            (1.0, 0.8413447460685429, 0.24197072451914334),
            (-1.0, 0.15865525393145705, 0.24197072451914334),
            (2.5, 0.9937903346742238, 0.017528300493568537),
            (-8.0, 6.220960574271784e-16, 5.052271083536892e-15),
            (-30.0, 4.906713927148187e-198, 1.4736461348785476e-196),
        ] {
            assert!((below(x) / mass - 1.0).abs() < 2e-13, "{x}: {}", below(x));
            assert!((density(x) / height - 1.0).abs() < 2e-13, "{x}: {}", density(x));
        }
    }

    #[test]
    fn theory_quantiles_to_thirty_digits() {
        for (p, x) in [(0.975, 1.9599639845400538), (0.999, 3.090232306167813), (1e-10, -6.361340902404057), (0.5, 0.0)]
        {
            assert!((quantile(p) - x).abs() <= 1e-13 * x.abs(), "{p}: {}", quantile(p));
        }
    }
}
