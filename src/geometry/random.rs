//! Random directions: the overlaps of independent vectors, uniform on the sphere of R^d, against which every code is held.
//!
//! t is the cosine of two independent, uniformly random directions. Its density on [−1, 1] is
//! (1 − t²)^((d−3)/2) / B(1/2, (d−1)/2), with B Euler's beta function; t² follows Beta(1/2, (d−1)/2).
//! A Gaussian vector with independent, equal components has such a direction.
//! d ≥ 1 throughout: there is no direction in R⁰, so d = 0 reads as NaN.

use std::f64::consts::{FRAC_PI_2, PI};

/// Expected largest |cosine| among the pairs of n independent random directions.
///
/// ∫₀¹ 1 − exp(−M · P(|t| > x)) dx, with M = n (n − 1) / 2 pairs: the number of pairs above x is taken as Poisson.
/// Right as n grows; few pairs are no Poisson number, and it lies a quarter below the true value, [`mean_abs_cosine`], for
/// n = 2, 1 to 2 % below for n = 6, and less than 0.5 % from n = 16 on.
/// 0 for n < 2, 1 for d = 1. The integral is right to 1e-12, tested for n from 2 to 1e7 and d from 2 to 1e6.
/// About 320 values of [`tail`]: 0.03 ms.
///
/// Reference: Cai, Fan & Jiang (2013), J. Mach. Learn. Res. 14, for the limits; the Poisson form is Arratia, Goldstein &
/// Gordon (1989), Ann. Probab. 17.
pub fn coherence(n: u64, d: u64) -> f64 {
    if n < 2 {
        return 0.0;
    }
    let n_pairs = n as f64 * ((n - 1) as f64) / 2.0;
    expected_largest(d, |above| n_pairs * above)
}

/// Expected largest |cosine| of one random direction with n independent others: its worst interference.
///
/// ∫₀¹ 1 − (1 − P(|t| > x))ⁿ dx, exactly, because the n cosines are independent. 0 for n = 0, [`mean_abs_cosine`] for n = 1, n/(n + 1) for d = 3, 1 for d = 1.
/// The integral is right to 1e-12. About 320 values of [`tail`]: 0.03 ms.
pub fn largest_abs_cosine(n: u64, d: u64) -> f64 {
    if n == 0 {
        return 0.0;
    }
    expected_largest(d, |above| -(n as f64) * libm::log1p(-above))
}

/// ∫₀¹ 1 − exp(−w(P(|t| > x))) dx, with exp(−w(p)) the chance that none of some cosines is above what one is above with chance p.
fn expected_largest(d: u64, weight: impl Fn(f64) -> f64 + Copy) -> f64 {
    if d < 2 {
        return if d == 1 { 1.0 } else { f64::NAN };
    }
    // With x = sin φ the integrand is smooth up to x = 1, also for even d, where in x it would end in a half power.
    let expected_above = |angle: f64| {
        let (x, cosine) = (libm::sin(angle), libm::cos(angle));
        weight(tail_at(x, cosine * cosine, d))
    };
    // Below `low` some cosine is above x but for e⁻⁴⁰; above `high` none is but for 1e-13.
    let low = last_angle_with(40.0, expected_above);
    let high = last_angle_with(1e-13, expected_above);
    let transition = integral(low, high, |angle| libm::cos(angle) * -libm::expm1(-expected_above(angle)));
    (libm::sin(low) + transition).min(1.0)
}

/// P(|t| > x): the chance that two random directions overlap by more than x.
///
/// I_{1−x²}((d−1)/2, 1/2), with I the regularised incomplete beta function; 1 − x for d = 3.
/// 1 for x < 0 and 0 for x ≥ 1; for d = 1 all cosines are ±1, so it is 1 for every x < 1.
/// Relative error below 1e-12 down to 1e-300, for d to 1e6. At most about 60 steps of a series or a continued fraction.
///
/// Reference: DLMF 8.17.8 and 15.7.1 (<https://dlmf.nist.gov/8.17>).
pub fn tail(x: f64, d: u64) -> f64 {
    if d == 0 || x.is_nan() {
        f64::NAN
    } else if x >= 1.0 {
        0.0
    } else if d == 1 || x <= 0.0 {
        1.0
    } else {
        tail_at(x, (1.0 - x) * (1.0 + x), d)
    }
}

/// The overlap that two random directions exceed with probability p: the x with P(|t| > x) = p.
///
/// 1 − p for d = 3 and cos(π p/2) for d = 2. `None` for d < 2, where |t| is always 1, and for p outside 0 to 1.
/// Right to 1e-12, by 60 values of [`tail`].
pub fn overlap_exceeded_with(p: f64, d: u64) -> Option<f64> {
    if d < 2 || !(0.0..=1.0).contains(&p) {
        return None;
    }
    let (mut above, mut below) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = 0.5 * (above + below);
        if tail(middle, d) > p {
            above = middle;
        } else {
            below = middle;
        }
    }
    Some(below)
}

/// E|t| = Γ(d/2) / (√π Γ((d+1)/2)), close to √(2 / (π d)): the mean overlap of two random directions, sign aside.
///
/// Γ is Euler's gamma function. Relative error below 1e-14 for d from 1 to 1e7 (and beyond). O(1), at most 16 divisions.
///
/// Reference: Tricomi & Erdélyi (1951), Pacific J. Math. 1, for the ratio of two gamma functions.
pub fn mean_abs_cosine(d: u64) -> f64 {
    match d {
        0 => f64::NAN,
        // m(1) = 1, m(2) = 2/π and m(d + 2) = m(d) · d / (d + 1).
        1..SERIES_FROM => {
            let start = if d % 2 == 1 { 1.0 } else { 2.0 / PI };
            let first = if d % 2 == 1 { 1 } else { 2 };
            (first..d).step_by(2).fold(start, |mean, k| mean * (k as f64 / (k + 1) as f64))
        }
        // ln Γ(z) − ln Γ(z + 1/2) has even powers only when expanded in v = 4z − 1, with Euler's numbers E₂ₖ:
        // −½ ln(v/4) + Σ E₂ₖ / (4k v²ᵏ). What is left out is below 50521 / (20 v¹⁰) = 3e-15.
        _ => {
            let v = 2.0 * d as f64 - 1.0;
            let w = 1.0 / (v * v);
            let log_correction = w * (-1.0 / 4.0 + w * (5.0 / 8.0 + w * (-61.0 / 12.0 + w * (1385.0 / 16.0))));
            (4.0 / (PI * v)).sqrt() * libm::exp(log_correction)
        }
    }
}

/// E t² = 1/d: the mean squared overlap of two random directions, whatever the distribution of each coordinate.
///
/// It holds for any code with random signs, sparse or dense, and so cannot tell them apart.
pub fn mean_square_cosine(d: u64) -> f64 {
    if d == 0 { f64::NAN } else { 1.0 / d as f64 }
}

/// Expected cosine of a random direction to the `rank`-th nearest of `n_others` independent ones, 1 ≤ rank ≤ n_others.
///
/// ∫ P(at least `rank` of the n_others cosines exceed x) dx over [−1, 1], less 1: the number that exceed x is binomial, exactly, because all lie at independent
/// cosines to the one. NaN for d = 0 and other ranks. Right to 1e-9, tested against sums over all; about 300 binomial tails of `rank` terms.
pub fn nearest_cosine(rank: u64, n_others: u64, d: u64) -> f64 {
    if d == 0 || rank == 0 || rank > n_others {
        return f64::NAN;
    }
    let chance = |angle: f64| {
        let (x, cosine) = (libm::sin(angle).abs(), libm::cos(angle));
        let outside = if d == 1 || x == 0.0 { 1.0 } else { tail_at(x, cosine * cosine, d) };
        let above = if angle < 0.0 { 1.0 - 0.5 * outside } else { 0.5 * outside };
        at_least(rank, n_others, above)
    };
    // The chance falls with the angle, and from one end to the other only in between.
    let place = |level: f64| {
        let (mut above, mut below) = (-FRAC_PI_2, FRAC_PI_2);
        for _ in 0..40 {
            let middle = 0.5 * (above + below);
            if chance(middle) > level { above = middle } else { below = middle }
        }
        (above, below)
    };
    let (low, high) = (place(1.0 - 1e-13).0, place(1e-13).1);
    let part = |from: f64, to: f64| integral(from, to, |angle| libm::cos(angle) * chance(angle));
    // Where the sign turns the density may have a corner.
    let transition = if low < 0.0 && high > 0.0 { part(low, 0.0) + part(0.0, high) } else { part(low, high) };
    libm::sin(low) + transition
}

/// P(K ≥ k) of a binomial K, n trials of chance p.
fn at_least(k: u64, n: u64, p: f64) -> f64 {
    if p <= 0.0 || p >= 1.0 {
        return if p > 0.0 { 1.0 } else { 0.0 };
    }
    let (yes, no, n) = (libm::log(p), libm::log1p(-p), n as f64);
    let mut log_term = n * no;
    let mut less = libm::exp(log_term);
    for j in 1..k {
        let j = j as f64;
        log_term += libm::log((n - j + 1.0) / j) + yes - no;
        less += libm::exp(log_term);
    }
    (1.0 - less).max(0.0)
}

/// The width from which the asymptotic series of [`mean_abs_cosine`] is exact to the last digits.
const SERIES_FROM: u64 = 32;

/// P(|t| > x) for d ≥ 2, given y = 1 − x² beside x, so that neither end of [0, 1] loses digits.
fn tail_at(x: f64, y: f64, d: u64) -> f64 {
    let square = x * x;
    let width = d as f64;
    let a = (width - 1.0) / 2.0;
    let log_y = if square < 0.25 { libm::log1p(-square) } else { libm::log(y) };
    // Common to both forms: x (1 − x²)^a / B(a, 1/2), where B(a, 1/2) = π E|t| one dimension lower.
    let body = x * libm::exp(a * log_y) / (PI * mean_abs_cosine(d - 1));
    if square * (width + 12.0) < 8.0 {
        1.0 - 2.0 * body * bulk_series(square, width)
    } else {
        body / (a * square) * tail_fraction(y / square, a)
    }
}

/// Σ (d/2)ₖ / (3/2)ₖ uᵏ, the series of I_u(1/2, (d−1)/2) with its first factor taken out. All terms are positive.
fn bulk_series(u: f64, width: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    let mut k = 0.0;
    while term > sum * 1e-17 {
        term *= (width / 2.0 + k) / (1.5 + k) * u;
        sum += term;
        k += 1.0;
    }
    sum
}

/// Gauss's continued fraction of F(1/2, 1; a + 1; −w), with F the hypergeometric function, by Lentz's method.
///
/// All terms are positive, unlike those of DLMF 8.17.22, which lose 1/x² of their digits where a is large.
fn tail_fraction(w: f64, a: f64) -> f64 {
    // 52 are the most where the tail takes this form.
    const MAX_STEPS: u32 = 1000;
    let (mut denominator, mut c, mut inverse) = (1.0, 1.0, 0.0);
    for step in 1..=MAX_STEPS {
        let k = f64::from(step / 2);
        let coefficient = if step % 2 == 1 {
            (0.5 + k) * (a + k) / ((a + 2.0 * k) * (a + 2.0 * k + 1.0))
        } else {
            k * (a - 0.5 + k) / ((a + 2.0 * k - 1.0) * (a + 2.0 * k))
        };
        inverse = 1.0 / (1.0 + coefficient * w * inverse);
        c = 1.0 + coefficient * w / c;
        let change = c * inverse;
        denominator *= change;
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    1.0 / denominator
}

/// The largest angle in [0, π/2] at which a falling function is still above a level, to 1e-9; 0 where it never is.
fn last_angle_with(level: f64, falling: impl Fn(f64) -> f64) -> f64 {
    let (mut above, mut below) = (0.0, FRAC_PI_2);
    for _ in 0..30 {
        let middle = 0.5 * (above + below);
        if falling(middle) > level {
            above = middle;
        } else {
            below = middle;
        }
    }
    above
}

/// ∫ f from `low` to `high` by the 16-point Gauss–Legendre rule on equal panels.
fn integral(low: f64, high: f64, f: impl Fn(f64) -> f64) -> f64 {
    const N_PANELS: u32 = 8;
    let half = 0.5 * (high - low) / f64::from(N_PANELS);
    let panel = |k: u32| {
        let middle = low + half * f64::from(2 * k + 1);
        let pairs = GAUSS_LEGENDRE_16.iter();
        pairs.map(|(node, weight)| weight * (f(middle - half * node) + f(middle + half * node))).sum::<f64>()
    };
    half * (0..N_PANELS).map(panel).sum::<f64>()
}

/// Positive nodes and their weights on [−1, 1] (DLMF 3.5).
const GAUSS_LEGENDRE_16: [(f64, f64); 8] = [
    (0.09501250983763744, 0.1894506104550685),
    (0.2816035507792589, 0.18260341504492358),
    (0.45801677765722737, 0.16915651939500254),
    (0.6178762444026438, 0.14959598881657674),
    (0.755404408355003, 0.12462897125553388),
    (0.8656312023878318, 0.09515851168249279),
    (0.9445750230732326, 0.062253523938647894),
    (0.9894009349916499, 0.027152459411754096),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theory_the_nearest_of_random_directions() {
        // d = 3: t is uniform on [−1, 1], so the r-th largest of m lies at 1 − 2 r/(m + 1). d = 1: t = ±1.
        for (rank, m) in [(1, 1), (1, 2), (2, 2), (1, 50), (10, 50), (50, 50), (5, 30_000), (200, 1000)] {
            let (found, expected) = (nearest_cosine(rank, m, 3), 1.0 - 2.0 * rank as f64 / (m + 1) as f64);
            assert!((found - expected).abs() < 1e-9, "{rank} of {m}: {found} {expected}");
        }
        assert!((nearest_cosine(2, 3, 1) - 0.0).abs() < 1e-9 && (nearest_cosine(1, 3, 1) - 0.75).abs() < 1e-9);
        // The mean of all ranks is 0, and of two directions the nearer is E|t₁ − t₂|/2 above: d = 2 by hand, 4/π².
        let d2 = 4.0 / (PI * PI);
        assert!((nearest_cosine(1, 2, 2) - d2).abs() < 1e-9 && (nearest_cosine(2, 2, 2) + d2).abs() < 1e-9);
        for d in [2, 5, 300, 4096] {
            let sum: f64 = (1..=40).map(|rank| nearest_cosine(rank, 40, d)).sum();
            assert!(sum.abs() < 1e-8, "{d}: {sum}");
        }
        assert!(
            nearest_cosine(0, 3, 2).is_nan() && nearest_cosine(4, 3, 2).is_nan() && nearest_cosine(1, 3, 0).is_nan()
        );
    }

    #[test]
    fn theory_the_largest_overlap_of_one_direction() {
        for d in [1, 2, 3, 7, 64, 1000] {
            assert_relative(largest_abs_cosine(1, d), mean_abs_cosine(d), 1e-11, format!("d = {d}"));
        }
        // d = 3: |t| is uniform. d = 2: |t| = |cos θ|, and of two the larger is cos of the smaller of two uniform angles below π/2: 8/π².
        for n in [2, 10, 1000, 1_000_000] {
            assert_relative(largest_abs_cosine(n, 3), n as f64 / (n + 1) as f64, 1e-11, format!("n = {n}"));
        }
        assert_relative(largest_abs_cosine(2, 2), 8.0 / (PI * PI), 1e-11, "d = 2");
        assert_eq!(largest_abs_cosine(0, 5), 0.0);
        assert!(largest_abs_cosine(3, 0).is_nan());
    }

    use rand_distr::{Distribution, StandardNormal};
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::SeedableRng;

    fn assert_relative(value: f64, expected: f64, tolerance: f64, what: impl std::fmt::Display) {
        let error = (value / expected - 1.0).abs();
        assert!(error <= tolerance, "{what}: {value:e} instead of {expected:e}, off by {error:e}");
    }

    // mpmath, 50 digits. The series takes over at d = 32.
    #[test]
    fn theory_mean_abs_cosine() {
        let references = [
            (1, 1.0),
            (2, std::f64::consts::FRAC_2_PI),
            (3, 0.5),
            (4, 0.4244131815783876),
            (15, 0.20947265625),
            (16, 0.2026103020681906),
            (31, 0.14446444809436798),
            (32, 0.14215346377720617),
            (33, 0.13994993409141898),
            (63, 0.10092368634714097),
            (64, 0.10012590817490123),
            (329, 0.0440222385666162),
            (1895, 0.01833127822924431),
            (10_923, 0.007634472491108436),
            (1_000_000, 0.0007978847602740305),
            (10_000_000, 0.00025231325850984737),
        ];
        for (d, expected) in references {
            assert_relative(mean_abs_cosine(d), expected, 1e-14, format!("d = {d}"));
        }
        assert!(mean_abs_cosine(0).is_nan());
    }

    // Γ(d/2) / Γ(d/2 + 1) = 2/d, so that E|t| in d and d + 1 dimensions multiply to 2 / (π d).
    #[test]
    fn theory_neighbouring_mean_abs_cosines_multiply_to_a_closed_form() {
        for d in (1..500).chain([12_288, 999_999, 10_000_000, 1 << 50]) {
            let product = mean_abs_cosine(d) * mean_abs_cosine(d + 1);
            assert_relative(product, 2.0 / (PI * d as f64), 1e-14, format!("d = {d}"));
        }
    }

    #[test]
    fn theory_tail_in_few_dimensions_has_closed_forms() {
        for k in 1..1000 {
            let x = f64::from(k) / 1000.0;
            assert_eq!(tail(x, 1), 1.0);
            assert_relative(tail(x, 2), 2.0 / PI * libm::acos(x), 1e-13, format!("d = 2, x = {x}"));
            assert_relative(tail(x, 3), 1.0 - x, 1e-13, format!("d = 3, x = {x}"));
            let fifth = (1.0 - x) * (1.0 - x) * (2.0 + x) / 2.0;
            assert_relative(tail(x, 5), fifth, 1e-13, format!("d = 5, x = {x}"));
        }
        assert_eq!([tail(-0.5, 7), tail(0.0, 7), tail(1.0, 7), tail(1.0, 1), tail(2.0, 7)], [1.0, 1.0, 0.0, 0.0, 0.0]);
        assert!(tail(f64::NAN, 7).is_nan() && tail(0.5, 0).is_nan());
    }

    // mpmath, 340 digits from Gauss's hypergeometric series; the integral of the density agrees to 30 digits.
    #[test]
    fn theory_tail_to_its_far_end() {
        let references = [
            (0.3, 16, 0.24203787899583692),
            (0.7, 16, 0.0017565271430063584),
            (0.99, 16, 3.5637484974850974e-14),
            (0.999999, 16, 3.6676277176971436e-44),
            (0.1, 63, 0.4317466576176585),
            (0.999999, 63, 2.167288169553219e-178),
            (0.5, 64, 2.227520439191873e-5),
            (0.99, 64, 2.622090167893461e-55),
            (0.05, 329, 0.36524556017329296),
            (0.3, 329, 2.7347598547841374e-8),
            (0.7, 329, 6.898009123567511e-50),
            (0.985, 329, 2.3008368239531042e-252),
            (0.9905, 329, 1.0574537541204564e-284),
            (0.03, 1895, 0.1916461392736611),
            (0.5, 1895, 1.764227940483633e-120),
            (0.7205, 1895, 1.9674426881396225e-303),
            (0.01, 10_923, 0.29598325372882084),
            (0.1, 10_923, 1.1033830181837697e-25),
            (0.3, 10_923, 5.374031327669666e-226),
            (0.001, 1_000_000, 0.31731074983382007),
            (0.0025, 1_000_000, 0.012419259442659184),
            (0.01, 1_000_000, 1.5202430404719112e-23),
            (0.03, 1_000_000, 8.017138022788663e-198),
            (0.037, 1_000_000, 7.169295601633047e-300),
        ];
        for (x, d, expected) in references {
            assert_relative(tail(x, d), expected, 1e-12, format!("P(|t| > {x}), d = {d}"));
        }
    }

    #[test]
    fn theory_overlap_exceeded_with_a_probability() {
        for k in 0..=1000 {
            let p = f64::from(k) / 1000.0;
            let found = [2, 3].map(|d| overlap_exceeded_with(p, d).expect("a probability"));
            // The tail is right to 1e-12 of itself, and as a function of x it is steeper than 1/2.
            for (found, expected) in found.into_iter().zip([libm::cos(FRAC_PI_2 * p), 1.0 - p]) {
                assert!((found - expected).abs() < 2e-12, "{p}: {found} for {expected}");
            }
        }
        for (d, p) in [(16, 1e-3), (329, 1e-6), (10_923, 0.25), (1_000_000, 1e-12)] {
            let x = overlap_exceeded_with(p, d).expect("a probability");
            // ln P has a slope of up to 1e4 here, and x the rounding of 60 halvings of 1.
            assert_relative(tail(x, d), p, 1e-11, format!("d = {d}"));
        }
        assert_eq!(
            [
                overlap_exceeded_with(0.5, 1),
                overlap_exceeded_with(0.5, 0),
                overlap_exceeded_with(1.1, 5),
                overlap_exceeded_with(f64::NAN, 5)
            ],
            [None; 4]
        );
    }

    // mpmath: Gauss–Legendre with 90 digits, two panel widths agreeing to 17 digits.
    // (2, 3) is 1/e; the last value of (1e7, 3) is 1 − 2 / n².
    #[test]
    fn theory_coherence_of_random_directions() {
        let references = [
            (2, 2, 0.4550565767460623),
            (2, 3, 0.36787944117144233),
            (2, 16, 0.15418101385835273),
            (2, 1_000_000, 0.0006106578970518725),
            (10, 5, 0.8894777232827662),
            (28, 7, 0.9064995633179241),
            (16, 16, 0.6426077169311454),
            (64, 16, 0.7682402905465264),
            (1024, 329, 0.26437878422164357),
            (1024, 1895, 0.11161258897379896),
            (1024, 10_923, 0.04659478349850103),
            (100_000, 256, 0.38810873496754134),
            (10_000_000, 3, 0.99999999999998),
            (10_000_000, 5, 0.9999998976673219),
            (10_000_000, 16, 0.9913121100617261),
            (10_000_000, 1_000_000, 0.007722752184214082),
        ];
        for (n, d, expected) in references {
            let error = (coherence(n, d) - expected).abs();
            assert!(error < 1e-12, "n = {n}, d = {d}: {} is off by {error:e}", coherence(n, d));
        }
        assert_eq!([coherence(0, 9), coherence(1, 9), coherence(1, 1), coherence(2, 1)], [0.0, 0.0, 0.0, 1.0]);
        assert!(coherence(2, 0).is_nan());
    }

    #[test]
    fn theory_the_quadrature_is_exact_for_polynomials_of_degree_31() {
        assert_relative(integral(0.0, 1.0, |x| x.powi(31)), 1.0 / 32.0, 1e-15, "∫ x³¹");
        let one_panel: f64 = GAUSS_LEGENDRE_16.iter().map(|(node, weight)| 2.0 * weight * node.powi(30)).sum();
        assert_relative(one_panel, 2.0 / 31.0, 1e-14, "∫ x³⁰ on one panel");
    }

    #[test]
    fn law_tail_falls_with_the_overlap_and_with_the_width() {
        // The two forms of the tail meet within this grid, where a step of the grid is worth far more than rounding.
        for d in [2, 3, 4, 7, 16, 31, 32, 33, 34, 100, 1895, 1_000_000] {
            let grid = (0..2000).map(|k| f64::from(k) / 2000.0 * (10.0 / (d as f64).sqrt()).min(1.0));
            let values: Vec<f64> = grid.clone().map(|x| tail(x, d)).collect();
            assert!(values.windows(2).all(|pair| pair[1] < pair[0]), "d = {d}");
            assert!(values.iter().all(|value| (0.0..=1.0).contains(value)), "d = {d}");
            for (x, value) in grid.zip(values).skip(1) {
                assert!(tail(x, d + 1) < value, "d = {d}, x = {x}");
            }
        }
    }

    #[test]
    fn law_coherence_rises_with_the_number_of_directions_and_falls_with_the_width() {
        let widths = [2, 3, 4, 8, 33, 256, 4096, 1_000_000];
        let counts = [2, 3, 10, 100, 10_000, 1_000_000, 10_000_000];
        for d in widths {
            assert!(counts.windows(2).all(|n| coherence(n[0], d) <= coherence(n[1], d) + 1e-13), "d = {d}");
        }
        for n in counts {
            assert!(widths.windows(2).all(|d| coherence(n, d[0]) + 1e-13 >= coherence(n, d[1])), "n = {n}");
        }
    }

    /// The mean of the values and its standard error.
    fn mean_and_error(values: &[f64]) -> (f64, f64) {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (count - 1.0);
        (mean, (variance / count).sqrt())
    }

    // Science reference, V01. Each draw gives one number per statistic, so that draws are independent even if pairs are not.
    #[test]
    fn theory_gaussian_draws_agree_with_the_closed_forms() {
        const N: usize = 64;
        const N_DRAWS: usize = 400;
        for d in [16, 64, 256] {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(d);
            let mut draws: [Vec<f64>; 4] = Default::default();
            for _ in 0..N_DRAWS {
                let mut directions = vec![vec![0.0_f64; d as usize]; N];
                for direction in &mut directions {
                    direction.fill_with(|| StandardNormal.sample(&mut rng));
                    let norm = direction.iter().map(|c| c * c).sum::<f64>().sqrt();
                    direction.iter_mut().for_each(|c| *c /= norm);
                }
                let mut sums = [0.0; 3];
                let mut largest = 0.0_f64;
                for (i, one) in directions.iter().enumerate() {
                    for other in &directions[..i] {
                        let cosine = one.iter().zip(other).map(|(a, b)| a * b).sum::<f64>();
                        let square = cosine * cosine;
                        largest = largest.max(cosine.abs());
                        sums = [sums[0] + cosine.abs(), sums[1] + square, sums[2] + square * square];
                    }
                }
                let n_pairs = (N * (N - 1) / 2) as f64;
                let statistics = [largest, sums[0] / n_pairs, sums[1] / n_pairs, sums[2] / n_pairs];
                draws.iter_mut().zip(statistics).for_each(|(column, value)| column.push(value));
            }
            let width = d as f64;
            let fourth = 3.0 / (width * (width + 2.0));
            let theory = [coherence(N as u64, d), mean_abs_cosine(d), mean_square_cosine(d), fourth];
            for ((column, expected), name) in draws.iter().zip(theory).zip(["largest", "mean", "square", "fourth"]) {
                let (mean, error) = mean_and_error(column);
                let deviation = (mean - expected) / error;
                assert!(deviation.abs() < 4.0, "{name}, d = {d}: {mean} ± {error} against {expected}");
            }
        }
    }
}
