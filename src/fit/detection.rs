//! Detection: how well a score tells what is there from what is not, in theory and counted.

use super::normal;

/// Scores that are normal numbers: those of what is there, with mean 1, and those of what is not, with mean 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scores {
    /// σ_hit, the standard deviation of the score of what is there.
    pub sd_hit: f64,
    /// σ_rej > 0, that of the scores of what is not.
    pub sd_rejection: f64,
}

impl Scores {
    /// The probability that the one that is there scores highest among D `candidates`, itself included.
    ///
    /// ∫ φ(h) Φ((1 + σ_hit h)/σ_rej)^(D−1) dh over all h, with φ the standard normal density and Φ its distribution: the D − 1 others score
    /// independently. By the trapezoid rule with steps of 1/32 on [−10, 10], whose error falls exponentially for such an integrand:
    /// below 1e-13 for σ_hit ≤ σ_rej and D to 1e6. 641 values of Φ: 0.05 ms.
    ///
    /// Source: Frady, Kleyko & Sommer (2018), Neural Comput. 30; Peterson, Birdsall & Fox (1954), IRE Trans. PGIT 4.
    pub fn accuracy(&self, candidates: u64) -> f64 {
        const REACH: i32 = 320;
        const STEP: f64 = 1.0 / 32.0;
        let others = candidates.saturating_sub(1) as f64;
        // Divided one by one, so that no deviation overflows.
        let (separation, spread) = (1.0 / self.sd_rejection, self.sd_hit / self.sd_rejection);
        let all_below = |h: f64| {
            let x = separation + spread * h;
            // From the nearer end, so that powers of numbers close to 1 keep their digits.
            let log_below = if x > 0.0 { libm::log1p(-normal::below(-x)) } else { libm::log(normal::below(x)) };
            // Without others 0 · −∞ would be no number.
            if others > 0.0 { libm::exp(others * log_below) } else { 1.0 }
        };
        let nodes = (-REACH..=REACH).map(|k| f64::from(k) * STEP);
        nodes.map(|h| STEP * normal::density(h) * all_below(h)).sum::<f64>().min(1.0)
    }

    /// The probability that what is there scores higher than what is not, Φ(1/√(σ_hit² + σ_rej²)): the area under the curve of hits against false alarms.
    ///
    /// Source: Green & Swets (1966), Signal Detection Theory and Psychophysics.
    pub fn auc(&self) -> f64 {
        normal::below(1.0 / (self.sd_hit * self.sd_hit + self.sd_rejection * self.sd_rejection).sqrt())
    }

    /// d′ = 1/√((σ_hit² + σ_rej²)/2): the distance of the means in units of the pooled standard deviation.
    ///
    /// Source: Green & Swets (1966), Signal Detection Theory and Psychophysics; Simpson & Fitter (1973), Psychol. Bull. 80, for unequal deviations.
    pub fn d_prime(&self) -> f64 {
        ((self.sd_hit * self.sd_hit + self.sd_rejection * self.sd_rejection) / 2.0).sqrt().recip()
    }
}

/// The fraction of pairs of a member and an other in which the member scores higher; a tie counts one half. `None` without pairs.
///
/// All scores must be finite. Sorts `others`: O((m + k) log k) time for m members and k others.
///
/// Source: Mann & Whitney (1947), Ann. Math. Stat. 18; Hanley & McNeil (1982), Radiology 143.
pub fn auc(members: &[f64], others: &mut [f64]) -> Option<f64> {
    others.sort_unstable_by(f64::total_cmp);
    // Twice the pairs won, so that a tie is a whole number.
    let won =
        |score: f64| others.partition_point(|&other| other < score) + others.partition_point(|&other| other <= score);
    let n_pairs = members.len() as u64 * others.len() as u64;
    let twice: u64 = members.iter().map(|&score| won(score) as u64).sum();
    (n_pairs > 0).then(|| twice as f64 / 2.0 / n_pairs as f64)
}

/// d′, the difference of the means in units of the pooled standard deviation √((s₁² + s₂²)/2), s² with n − 1 in the denominator.
///
/// `None` with fewer than two scores of a kind, and where no score differs from its mean by more than rounding.
pub fn d_prime(members: &[f64], others: &[f64]) -> Option<f64> {
    let (mean, variance) = moments(members)?;
    let (other_mean, other_variance) = moments(others)?;
    let pooled = ((variance + other_variance) / 2.0).sqrt();
    // Scores are sums of f32 products, right to some 1e-6 of the largest.
    (pooled > 1e-5 * mean.abs().max(other_mean.abs())).then(|| (mean - other_mean) / pooled)
}

/// Mean and variance.
fn moments(numbers: &[f64]) -> Option<(f64, f64)> {
    let n = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    let square: f64 = numbers.iter().map(|x| (x - mean) * (x - mean)).sum();
    (numbers.len() >= 2).then(|| (mean, square / (n - 1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// K items in N units: σ_hit² = (K − 1)/N, σ_rej² = K/N.
    fn bundle(units: f64, items: f64) -> Scores {
        Scores { sd_hit: ((items - 1.0) / units).sqrt(), sd_rejection: (items / units).sqrt() }
    }

    // mpmath 1.3 with 30 digits, Gauss–Legendre on 56 panels of [−14, 14].
    #[test]
    fn theory_accuracy_to_thirty_digits() {
        for (units, items, candidates, expected) in [
            (256.0, 10.0, 27, 0.9973491203265823),
            (256.0, 25.0, 27, 0.8653114286256252),
            (256.0, 50.0, 27, 0.6028009185562769),
            (512.0, 10.0, 27, 0.9999973233954563),
            (512.0, 50.0, 27, 0.8633891036234719),
            (128.0, 7.0, 100, 0.9573663772220778),
            (64.0, 3.0, 2, 0.9998266903244327),
            (4.0, 400.0, 2, 0.5282035922781112),
            (16.0, 100.0, 1_000_000, 5.889879607814654e-06),
        ] {
            let accuracy = bundle(units, items).accuracy(candidates);
            assert!((accuracy / expected - 1.0).abs() < 1e-12, "{units} {items} {candidates}: {accuracy}");
        }
    }

    #[test]
    fn theory_limits_of_the_accuracy() {
        // Two candidates: the accuracy is the area under the curve, in closed form. One: there is no choice.
        for scores in [bundle(64.0, 3.0), bundle(4.0, 400.0), Scores { sd_hit: 0.0, sd_rejection: 0.7 }] {
            assert!((scores.accuracy(2) - scores.auc()).abs() < 1e-13);
            assert!((scores.accuracy(1) - 1.0).abs() < 1e-13);
        }
        // No signal beside the noise: all D candidates are alike, but for the one more term in a rejection.
        let lost = Scores { sd_hit: 1e9, sd_rejection: 1e9 };
        assert!((lost.accuracy(27) - 1.0 / 27.0).abs() < 1e-8);
    }

    // Φ((√256)/√(2K − 1)) for a bundle of K = 50 in 256 units: Φ(16/√99) = 0.94607…
    #[test]
    fn theory_area_under_the_curve_of_a_bundle() {
        let scores = bundle(256.0, 50.0);
        assert!((scores.auc() - normal::below(16.0 / 99f64.sqrt())).abs() < 1e-15);
        assert!((scores.d_prime() - 2f64.sqrt() * 16.0 / 99f64.sqrt()).abs() < 1e-14);
    }

    #[test]
    fn theory_counted_by_hand() {
        // Pairs (member, other): 3 > 1, 3 > 2, 3 = 3, 2 > 1, 2 = 2, 2 < 3: 3 won and 2 ties of 6.
        assert_eq!(auc(&[3.0, 2.0], &mut [2.0, 1.0, 3.0]), Some(4.0 / 6.0));
        assert_eq!(auc(&[], &mut [1.0]), None);
        assert_eq!(auc(&[1.0], &mut []), None);
        // Means 4 and 1, variances 2 and 4: d′ = 3/√3.
        let d = d_prime(&[3.0, 5.0], &[-1.0, 1.0, 3.0]).expect("spread");
        assert!((d - 3f64.sqrt()).abs() < 1e-15);
        assert_eq!(d_prime(&[1.0, 1.0], &[0.0, 0.0]), None);
        assert_eq!(d_prime(&[1.0], &[0.0, 1.0]), None);
    }
}
