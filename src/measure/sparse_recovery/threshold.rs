//! Threshold: how few units bring back how many active concepts out of many, for random directions.

use crate::fit::normal::{below, density};

/// Signs of the amplitudes of active concepts, and whether the reader knows that there are no negative ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signs {
    /// Positive and negative: the reader finds the smallest Σ|x|.
    Both,
    /// None below 0, and the reader knows: the smallest Σx with x ≥ 0.
    Positive,
}

/// Probability that k active of n concepts, superposed in d units along random directions, are brought back exactly by the smallest Σ|x|.
///
/// Φ((d − Δ)/σ), with Φ the standard normal distribution; Δ and σ² are mean and variance of the intrinsic volumes of the descent cone, which is the share of
/// the space of amplitudes that would have to be seen: Δ = min over z of k(1 + z²) + (n − k) κ q(z), its statistical dimension, with κ = 2 for both signs and 1 for positive ones,
/// q(z) = E(g − z)₊² for a standard normal g; and σ² = k(2 + 4z²) + (n − k)(κ q₄(z) − κ²q(z)²) − 2Δ at that z, with q₄(z) = E(g − z)₊⁴. 1 for d ≥ n.
/// The turn lies at the Donoho–Tanner threshold, [`threshold`], and is about √n wide. Right as n grows.
///
/// Reference: Amelunxen, Lotz, McCoy & Tropp (2014), Inf. Inference 3, for Δ; McCoy & Tropp (2014), Discrete Comput. Geom. 51, and Goldstein, Nourdin & Peccati (2017),
/// Ann. Appl. Probab. 27, for σ and the normal limit.
pub fn success(k: f64, n: f64, d: f64, signs: Signs) -> f64 {
    if d >= n {
        return 1.0;
    }
    let (mean, variance) = needed(k, n, signs);
    if variance > 0.0 { below((d - mean) / variance.sqrt()) } else { f64::from(d >= mean) }
}

/// ρ(δ), the Donoho–Tanner threshold: up to k = ρ d active concepts of n = d/δ come back, for large d and n.
///
/// ρ = max over z of (1 − (κ/δ) q(z))/(1 + z² − κ q(z)), symbols as for [`success`]; 1/δ, that is all n, for δ ≥ 1. It is where state evolution of approximate message passing with the best soft threshold
/// stops to converge to zero, too. Relative error 1e-12.
///
/// Reference: Donoho & Tanner (2009), J. Amer. Math. Soc. 22; Donoho, Maleki & Montanari (2009), PNAS 106.
pub fn threshold(delta: f64, signs: Signs) -> f64 {
    if delta >= 1.0 {
        return 1.0 / delta;
    }
    let kappa = kappa(signs);
    let rho = |z: f64| (1.0 - kappa / delta * q(z)) / (1.0 + z * z - kappa * q(z));
    let (mut low, mut high) = (1e-6, 40.0);
    // One top. Thirds: 120 steps take the bracket below the square root of the rounding, where the top is flat.
    for _ in 0..120 {
        let third = (high - low) / 3.0;
        if rho(low + third) < rho(high - third) {
            low += third;
        } else {
            high -= third;
        }
    }
    rho(0.5 * (low + high)).clamp(0.0, 1.0)
}

/// Mean and variance of the number of units that are needed.
fn needed(k: f64, n: f64, signs: Signs) -> (f64, f64) {
    let (kappa, rest) = (kappa(signs), n - k);
    // Where the derivative of the convex function of z is zero: k z rises, the other side falls.
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..100 {
        let z = 0.5 * (low + high);
        if k * z < rest * kappa * (density(z) - z * below(-z)) { low = z } else { high = z }
    }
    let z = 0.5 * (low + high);
    let square = z * z;
    let mean = k * (1.0 + square) + rest * kappa * q(z);
    let q4 = (square * square + 6.0 * square + 3.0) * below(-z) - z * (square + 5.0) * density(z);
    let variance = k * (2.0 + 4.0 * square) + rest * (kappa * q4 - (kappa * q(z)) * (kappa * q(z))) - 2.0 * mean;
    (mean, variance)
}

fn kappa(signs: Signs) -> f64 {
    match signs {
        Signs::Both => 2.0,
        Signs::Positive => 1.0,
    }
}

/// E(g − z)₊² = (1 + z²)Φ(−z) − zφ(z) for a standard normal g.
fn q(z: f64) -> f64 {
    (1.0 + z * z) * below(-z) - z * density(z)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Stream;
    use rand_distr::{Distribution, StandardNormal};

    // V16: Donoho, Maleki & Montanari (2009) and Donoho & Tanner (2009), worked out with scipy to five digits.
    #[test]
    fn theory_v16_threshold_of_donoho_and_tanner() {
        for (delta, both, positive) in
            [(0.1, 0.18943, 0.24098), (0.25, 0.26738, 0.36509), (0.5, 0.38569, 0.55823), (0.9, 0.67817, 0.90266)]
        {
            assert!((threshold(delta, Signs::Both) - both).abs() < 1e-5, "{delta}: {}", threshold(delta, Signs::Both));
            let found = threshold(delta, Signs::Positive);
            assert!((found - positive).abs() < 1e-5, "{delta}: {found}");
        }
        assert_eq!(threshold(2.0, Signs::Both), 0.5);
        // ρ tends to 1/(2 ln(1/δ)) as δ vanishes (Donoho & Tanner 2009), from below and slowly.
        let small = threshold(1e-30, Signs::Both) * 2.0 * 30.0 * std::f64::consts::LN_10;
        assert!((0.9..1.1).contains(&small), "{small}");
    }

    // The threshold and the statistical dimension come from different formulas, one of which is the other turned round.
    #[test]
    fn theory_success_is_one_half_at_the_threshold() {
        for signs in [Signs::Both, Signs::Positive] {
            for delta in [0.02, 0.3, 0.5, 0.95] {
                let (n, d) = (1e6, 1e6 * delta);
                let at = success(threshold(delta, signs) * d, n, d, signs);
                assert!((at - 0.5).abs() < 1e-6, "{signs:?}, {delta}: {at}");
            }
            assert_eq!(success(3.0, 10.0, 10.0, signs), 1.0);
            assert_eq!(success(10.0, 10.0, 9.0, signs), 0.0);
        }
    }

    // V is the square distance of a normal vector from the cone that the subgradients span, whose mean is Δ and whose variance is σ² + 2Δ (Steiner's formula
    // for cones): here by projecting 2,000 normal vectors, independently of the closed forms.
    #[test]
    fn theory_mean_and_variance_by_projection_of_normal_vectors() {
        let (n, k, n_samples) = (400, 40, 2000);
        for signs in [Signs::Both, Signs::Positive] {
            let mut rng = Stream::from_seed(1).rng();
            let mut squares = Vec::new();
            for _ in 0..n_samples {
                let g: Vec<f64> = (0..n).map(|_| StandardNormal.sample(&mut rng)).collect();
                let beyond =
                    |x: f64, z: f64| if signs == Signs::Both { (x.abs() - z).max(0.0) } else { (x - z).max(0.0) };
                let distance = |z: f64| {
                    let on = g[..k].iter().map(|x| (x - z) * (x - z)).sum::<f64>();
                    on + g[k..].iter().map(|&x| beyond(x, z)).map(|x| x * x).sum::<f64>()
                };
                let (mut low, mut high) = (0.0, 6.0);
                for _ in 0..30 {
                    let third = (high - low) / 3.0;
                    if distance(low + third) > distance(high - third) { low += third } else { high -= third }
                }
                squares.push(distance(low));
            }
            let (mean, variance) = needed(k as f64, n as f64, signs);
            let found = squares.iter().sum::<f64>() / n_samples as f64;
            let spread = squares.iter().map(|x| (x - found).powi(2)).sum::<f64>() / (n_samples as f64 - 1.0);
            // The minimum over z of a sum lies below that of its mean, by about one half: the closed form is the limit of large n.
            assert!((found - mean).abs() < 1.0 + 4.0 * (spread / n_samples as f64).sqrt(), "{found} against {mean}");
            // A variance from 2,000 samples has a relative standard error of √(2/2000) = 3 %.
            assert!(
                (spread / (variance + 2.0 * mean) - 1.0).abs() < 0.13,
                "{spread} against {}",
                variance + 2.0 * mean
            );
        }
    }
}
