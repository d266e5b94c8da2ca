//! Information: which of several curves through the same points deserves belief.

/// Akaike's criterion for small samples, n ln(RSS/n) + 2k + 2k(k + 1)/(n − k − 1): the smaller, the better.
///
/// RSS is the sum of the n squared residuals and k the number of fitted parameters, the variance of the residuals counted as one (a line has
/// k = 3). The constant n (1 + ln 2π) of the Gaussian likelihood is left out, so values compare only among curves through the same values:
/// never residuals of y with residuals of ln y. exp(−Δ/2) is the relative likelihood of a curve that is Δ worse than the best.
/// `None` for n ≤ k + 1, and for a perfect fit, RSS = 0, of which nothing can be said.
///
/// Source: Hurvich & Tsai (1989), Biometrika 76; Burnham & Anderson (2002), Model Selection and Multimodel Inference, 2.4.
pub fn aicc(rss: f64, n: usize, k: usize) -> Option<f64> {
    let spare = n.checked_sub(k + 1).filter(|&spare| spare > 0)?;
    let (n, k) = (n as f64, k as f64);
    let aicc = n * libm::log(rss / n) + 2.0 * k + 2.0 * k * (k + 1.0) / spare as f64;
    aicc.is_finite().then_some(aicc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theory_criterion_worked_out_by_hand() {
        // RSS/n = e: 10 ln e + 2·3 + 24/6.
        let value = aicc(10.0 * std::f64::consts::E, 10, 3).unwrap();
        assert!((value - 20.0).abs() < 1e-12, "{value}");
    }

    #[test]
    fn law_no_criterion_without_spare_points_or_residuals() {
        assert_eq!(aicc(1.0, 4, 3), None);
        assert_eq!(aicc(1.0, 0, 3), None);
        assert_eq!(aicc(0.0, 10, 3), None);
        assert_eq!(aicc(f64::NAN, 10, 3), None);
        assert!(aicc(1.0, 5, 3).is_some());
    }
}
