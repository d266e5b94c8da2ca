//! Student's t: how far the mean of a few replicates may lie from the truth.

use std::f64::consts::PI;

/// The 95 % interval of a mean: mean ± t · s/√n, with t the 0.975 quantile of Student's t with n − 1 degrees of freedom.
///
/// `standard_error` is s/√n, s the sample's standard deviation (divided by n − 1) and n its size. Exact for independent
/// Gaussian values. `None` for n < 2, where there is no s. Cost and accuracy are those of [`quantile`].
///
/// Source: Student (1908), Biometrika 6.
pub fn interval(mean: f64, standard_error: f64, n: usize) -> Option<(f64, f64)> {
    let degrees = n.checked_sub(1).filter(|&degrees| degrees >= 1)?;
    let half = quantile(0.975, degrees as f64) * standard_error;
    Some((mean - half, mean + half))
}

/// The value t that a variable of Student's distribution with ν degrees of freedom stays below with probability p.
///
/// The density is (1 + t²/ν)^(−(ν+1)/2) / (√ν B(ν/2, 1/2)), with B Euler's beta function; ν = 1 is Cauchy's distribution,
/// ν = ∞ the normal one. ν need not be whole (Welch's is not).
/// −∞ and ∞ for p = 0 and 1; NaN for p outside 0 to 1 or nearer to 0 than 1e-150, for ν < 1 and for NaN.
/// Relative error below 1e-13, tested for p from 1e-6 to 1 − 1e-6 and ν from 1 to 1e9. About 10 Newton steps of at most 128
/// divisions: a few µs.
///
/// Reference: DLMF 8.17 for the distribution as an incomplete beta function (<https://dlmf.nist.gov/8.17>).
pub fn quantile(p: f64, degrees: f64) -> f64 {
    // Each is exact where it is the smaller: that one is solved for.
    let inside = 2.0 * (p - 0.5).abs();
    let outside = 2.0 * p.min(1.0 - p);
    let size = if degrees.is_nan() || degrees < 1.0 {
        f64::NAN
    } else if inside == 0.0 {
        0.0
    } else if outside == 0.0 {
        f64::INFINITY
    } else if outside > 1e-150 {
        // Beyond 1e20 the distribution is the normal one to the last digit.
        size(inside, outside, degrees.min(1e20))
    } else {
        f64::NAN
    };
    size.copysign(p - 0.5)
}

/// The probability that a variable of Student's distribution with ν ≥ 1 degrees of freedom lies further from 0 than t > 0, which is finite.
///
/// Cost and reference are those of [`quantile`]; where the probability is above 0.001 its absolute error is that of 1.
pub fn outside(t: f64, degrees: f64) -> f64 {
    masses(t, degrees.min(1e20))[1]
}

/// The t > 0 with P(|T| < t) = `inside` and P(|T| > t) = `outside` = 1 − `inside`.
///
/// Newton's method on the logarithm of the smaller of the two as a function of ln t. Both curves are concave, so from below for
/// `inside`, and from above for `outside`, the steps go one way.
fn size(inside: f64, outside: f64, degrees: f64) -> f64 {
    const MAX_STEPS: u32 = 100;
    let by_inside = inside < outside;
    let mut t = if by_inside {
        // The density is highest at 0.
        inside / (2.0 * density(0.0, degrees))
    } else {
        // Chernoff's bound for the normal tail, brought to ν degrees by ν ln(1 + t²/ν) ≈ z².
        let square = -2.0 * libm::log(outside / 2.0);
        (degrees * libm::expm1(square / degrees)).sqrt()
    };
    for _ in 0..MAX_STEPS {
        let [below, above] = masses(t, degrees);
        // d ln P / d ln t.
        let slope = 2.0 * t * density(t, degrees);
        let step = if by_inside {
            libm::log(inside / below) * below / slope
        } else {
            libm::log(above / outside) * above / slope
        };
        t *= libm::exp(step);
        // Newton's method doubles the right digits, so what remains after such a step is rounding.
        if step.abs() < 1e-10 {
            break;
        }
    }
    t
}

/// The density at t.
fn density(t: f64, degrees: f64) -> f64 {
    gamma_ratio(degrees / 2.0) / (PI * degrees).sqrt()
        * libm::exp(-(degrees + 1.0) / 2.0 * libm::log1p(t * t / degrees))
}

/// P(|T| < t) and P(|T| > t); the smaller of them is exact to the last digits, the other too unless it is below 0.001.
fn masses(t: f64, degrees: f64) -> [f64; 2] {
    let w = t * t / degrees;
    let x = w / (1.0 + w);
    // t times the density, twice, but for one factor √(1 + w) and with the gamma functions of B(ν/2, 1/2).
    let body = 2.0 * gamma_ratio(degrees / 2.0) / PI.sqrt() * libm::exp(-degrees / 2.0 * libm::log1p(w));
    if x * (degrees + 13.0) < 8.0 {
        let below = body * x.sqrt() * bulk(x, degrees);
        [below, 1.0 - below]
    } else {
        let above = body / (degrees * x.sqrt()) / tail(1.0 / w, degrees / 2.0);
        [1.0 - above, above]
    }
}

/// Σ ((ν+1)/2)ₖ / (3/2)ₖ xᵏ = F((ν+1)/2, 1; 3/2; x), with F the hypergeometric function. All terms are positive.
fn bulk(x: f64, degrees: f64) -> f64 {
    let (mut sum, mut term, mut k) = (1.0, 1.0, 0.0);
    while term > sum * 1e-17 {
        term *= ((degrees + 1.0) / 2.0 + k) / (1.5 + k) * x;
        sum += term;
        k += 1.0;
    }
    sum
}

/// 1 / F(1/2, 1; a + 1; −w) as Gauss's continued fraction, from its far end. All terms are positive.
fn tail(w: f64, a: f64) -> f64 {
    // Enough for the last digit where the tail takes this form; more change nothing.
    const N_TERMS: u32 = 128;
    (1..=N_TERMS).rev().fold(1.0, |rest, term| {
        let k = f64::from(term / 2);
        let coefficient = if term % 2 == 1 {
            (0.5 + k) / (a + 2.0 * k) * ((a + k) / (a + 2.0 * k + 1.0))
        } else {
            k / (a + 2.0 * k - 1.0) * ((a - 0.5 + k) / (a + 2.0 * k))
        };
        1.0 + coefficient * w / rest
    })
}

/// Γ(a + 1/2) / Γ(a), close to √a.
fn gamma_ratio(a: f64) -> f64 {
    // Below 16 by the recurrence; from there by the asymptotic series in v = 4a − 1, whose coefficients are E₂ₖ / 4k with
    // Euler's numbers −1, 5, −61, 1385 (Tricomi & Erdélyi 1951, Pacific J. Math. 1). The first left out is below 1e-15.
    let (mut shifted, mut factor) = (a, 1.0);
    while shifted < 16.0 {
        factor *= shifted / (shifted + 0.5);
        shifted += 1.0;
    }
    let v = 4.0 * shifted - 1.0;
    let u = 1.0 / (v * v);
    let correction = u * (1.0 / 4.0 - u * (5.0 / 8.0 - u * (61.0 / 12.0 - u * (1385.0 / 16.0))));
    factor * (v / 4.0).sqrt() * libm::exp(correction)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_relative(value: f64, expected: f64, tolerance: f64, what: impl std::fmt::Debug) {
        assert!((value / expected - 1.0).abs() < tolerance, "{what:?}: got {value}, expected {expected}");
    }

    #[test]
    fn theory_probabilities_outside_published_quantiles() {
        // Cauchy: P(|T| > 1) = 1/2; the others from the usual table of t.
        for (t, degrees, expected) in
            [(1.0, 1.0, 0.5), (12.7062, 1.0, 0.05), (3.1693, 10.0, 0.01), (2.5758, 1e30, 0.01)]
        {
            assert!((outside(t, degrees) / expected - 1.0).abs() < 1e-4, "{t} {degrees}");
        }
    }

    #[test]
    fn theory_quantiles_agree_with_sixty_digits() {
        // (p, ν, t) by Newton's method on the hypergeometric series with mpmath 1.3 at 60 digits, for the double nearest to p; then rounded.
        for (p, degrees, t) in [
            (0.500001, 1.0, 3.141592653690467e-6),
            (0.6, 1.0, 0.32491969623290623),
            (0.9, 1.0, 3.077683537175254),
            (0.975, 1.0, 12.706204736174692),
            (0.999, 1.0, 318.30883898555015),
            (0.999999, 1.0, 318309.88617359026),
            (0.500001, 1.5, 2.9348322154920773e-6),
            (0.6, 1.5, 0.3007453925697953),
            (0.9, 1.5, 2.196398417565538),
            (0.975, 1.5, 6.016663104427928),
            (0.999, 1.5, 52.184430008992614),
            (0.999999, 1.5, 5219.469324606886),
            (0.500001, 2.0, 2.82842712483318e-6),
            (0.6, 2.0, 0.2886751345948128),
            (0.9, 2.0, 1.885618083164127),
            (0.975, 2.0, 4.302652729749462),
            (0.999, 2.0, 22.327124770119866),
            (0.999999, 2.0, 707.1057205157671),
            (0.500001, 3.0, 2.7206990464340377e-6),
            (0.6, 3.0, 0.27667066233268983),
            (0.9, 3.0, 1.6377443536962104),
            (0.975, 3.0, 3.182446305283708),
            (0.999, 3.0, 10.214531852407383),
            (0.999999, 3.0, 103.29946777942897),
            (0.500001, 4.5, 2.648678110510481e-6),
            (0.6, 4.5, 0.26875183554217513),
            (0.9, 4.5, 1.5008853175085577),
            (0.975, 4.5, 2.658912347204403),
            (0.999, 4.5, 6.421242884295791),
            (0.999999, 4.5, 31.08135658294984),
            (0.500001, 7.0, 2.59746027572368e-6),
            (0.6, 7.0, 0.2631668613520228),
            (0.9, 7.0, 1.4149239276505086),
            (0.975, 7.0, 2.364624251592785),
            (0.999, 7.0, 4.785289628638333),
            (0.999999, 7.0, 14.241469651921154),
            (0.500001, 10.0, 2.569978035007506e-6),
            (0.6, 10.0, 0.26018482949208016),
            (0.9, 10.0, 1.3721836411103359),
            (0.975, 10.0, 2.2281388519862744),
            (0.999, 10.0, 4.143700494046589),
            (0.999999, 10.0, 9.751995490909854),
            (0.500001, 30.0, 2.5276002261988227e-6),
            (0.6, 30.0, 0.2556053649519127),
            (0.9, 30.0, 1.3104150253913958),
            (0.975, 30.0, 2.0422724563012378),
            (0.999, 30.0, 3.385184866829305),
            (0.999999, 30.0, 5.871117120408623),
            (0.500001, 100.25, 2.5128869148010177e-6),
            (0.6, 100.25, 0.2540204963570838),
            (0.9, 100.25, 1.2900533631937725),
            (0.975, 100.25, 1.983910934432985),
            (0.999, 100.25, 3.173526164471048),
            (0.999999, 100.25, 5.0480554037076155),
            (0.500001, 1000.0, 2.5072550100085785e-6),
            (0.6, 1000.0, 0.2534145158394987),
            (0.9, 1000.0, 1.2823987214609247),
            (0.975, 1000.0, 1.962339080826408),
            (0.999, 1000.0, 3.0984021639129224),
            (0.999999, 1000.0, 4.781608620452438),
            (0.500001, 1e5, 2.506634541284225e-6),
            (0.6, 1e5, 0.2533477771571799),
            (0.9, 1e5, 1.2815600314493611),
            (0.975, 1e5, 1.9599877075346093),
            (0.999, 1e5, 3.0903138094272373),
            (0.999999, 1e5, 4.753704716385476),
            (0.500001, 1e9, 2.506628275332362e-6),
            (0.6, 1e9, 0.25334710320320175),
            (0.9, 1e9, 1.2815515663911854),
            (0.975, 1e9, 1.959963986912325),
            (0.999, 1e9, 3.090232314317942),
            (0.999999, 1e9, 4.7534243368564),
            (1e-6, 3.0, -103.29946778041933),
            (1e-6, 1e9, -4.753424336862212),
            (0.3, 5.0, -0.5594296444693608),
        ] {
            assert_relative(quantile(p, degrees), t, 1e-13, (p, degrees));
        }
    }
    #[test]
    fn theory_one_and_two_degrees_have_closed_forms() {
        for k in 1..1000 {
            let p = f64::from(k) / 1000.0;
            let cauchy = (PI * (p - 0.5)).tan();
            let two = (2.0 * p - 1.0) / (2.0 * p * (1.0 - p)).sqrt();
            if k != 500 {
                assert_relative(quantile(p, 1.0), cauchy, 1e-13, p);
                assert_relative(quantile(p, 2.0), two, 1e-13, p);
            }
        }
        // Far in the tail Cauchy's quantile is −1/(π p).
        assert_relative(quantile(1e-140, 1.0), -1.0 / (PI * 1e-140), 1e-13, 1e-140);
    }

    #[test]
    fn theory_many_degrees_are_the_normal_distribution() {
        for t in [0.01_f64, 0.5, 1.0, 2.0, 4.0, 20.0] {
            let below = 0.5 * libm::erfc(t / 2.0_f64.sqrt());
            assert_relative(quantile(below, f64::INFINITY), -t, 1e-13, t);
        }
    }

    #[test]
    fn theory_interval_of_a_few_values() {
        // 10 values with mean 5 and standard error 2: t(0.975, 9) = 2.262157162798205 (scipy 1.17.1).
        let (low, high) = interval(5.0, 2.0, 10).unwrap();
        assert_relative(5.0 - low, 2.0 * 2.262157162798205, 1e-13, low);
        assert_relative(high - 5.0, 2.0 * 2.262157162798205, 1e-13, high);
        assert_eq!([interval(5.0, 2.0, 0), interval(5.0, 2.0, 1)], [None, None]);
    }

    #[test]
    fn law_the_distribution_at_the_quantile_is_the_probability() {
        for degrees in [1.0, 1.1, 2.7, 6.0, 13.0, 99.0, 1e4, 3.3e6, 1e9, 1e20] {
            let mut last = f64::NEG_INFINITY;
            for k in -300..=300 {
                // From 1e-12 to 1/2, then the mirror image.
                let p = 1.0 / (1.0 + (-f64::from(k) * 0.092).exp());
                let t = quantile(p, degrees);
                assert!(t > last || k == 0 && t == 0.0, "{t} after {last} at {p}, {degrees}");
                last = t;
                if k != 0 {
                    let [below, above] = masses(t.abs(), degrees);
                    let (inside, outside) = (2.0 * (p - 0.5).abs(), 2.0 * p.min(1.0 - p));
                    let (found, expected) = if inside < outside { (below, inside) } else { (above, outside) };
                    assert_relative(found, expected, 1e-12, (p, degrees));
                    assert!((below + above - 1.0).abs() < 1e-15);
                }
            }
        }
    }

    #[test]
    fn law_what_has_no_answer_is_nan_and_the_ends_are_infinite() {
        for (p, degrees) in [(-0.1, 3.0), (1.1, 3.0), (f64::NAN, 3.0), (0.9, 0.5), (0.9, f64::NAN), (1e-200, 3.0)] {
            assert!(quantile(p, degrees).is_nan(), "{p} {degrees}");
        }
        assert_eq!([0.0, 0.5, 1.0].map(|p| quantile(p, 3.0)), [f64::NEG_INFINITY, 0.0, f64::INFINITY]);
    }
}
