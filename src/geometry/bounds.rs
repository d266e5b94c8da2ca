//! Bounds: how little the worst pair of n lines in R^d can overlap.
//!
//! A line is a concept's direction, sign aside; the coherence μ is the largest |cosine| of a pair. Each function gives a
//! number that no arrangement can go below, in [0, 1]; 0 where it says nothing: for n ≤ d (orthogonal lines exist), for
//! d = 0, and outside its own condition on n. Counts are exact up to 2⁵³; above, they are rounded.

/// The largest of the bounds here: Welch, Sidelnikov of every useful order, Levenshtein, orthoplex and planar.
///
/// 1 for d = 1 and n ≥ 2. O(k) for the last order k at which Sidelnikov's bound is positive: 2 where n ≈ d²,
/// at most 4096, 0.1 ms. Only for d = 3 or 4 and more than 8000 lines would higher orders give more.
pub fn best(n: u64, d: u64) -> f64 {
    const MAX_ORDER: usize = 4096;
    // With one dimension no moment ever falls, and with two the planar bound is the exact answer.
    if d <= 2 {
        return if d == 2 { planar(n) } else { welch(n, d) };
    }
    let closed_forms = [welch(n, d), levenshtein(n, d), orthoplex(n, d)];
    closed_forms.into_iter().chain(orders(n, d).take(MAX_ORDER)).fold(0.0, f64::max)
}

/// Welch's bound of order 1: μ² ≥ (n − d) / (d (n − 1)), for n > d.
///
/// The square root of the mean squared cosine of a tight frame; met only by equiangular tight frames, which in R^d have
/// n ≤ d (d + 1) / 2. The same for real and complex lines.
///
/// Reference: Welch (1974), IEEE Trans. Inf. Theory 20.
pub fn welch(n: u64, d: u64) -> f64 {
    if d == 0 || n <= d {
        return 0.0;
    }
    let square = (n - d) as f64 / (d as f64 * (n - 1) as f64);
    square.sqrt().min(1.0)
}

/// Sidelnikov's bound of order k ≥ 1: μ^(2k) ≥ (n · r_k − 1) / (n − 1), with r_k = (2k−1)!! / (d (d+2) … (d+2k−2)).
///
/// r_k is E t^(2k), the 2k-th moment of the cosine t of two random directions in R^d; no set of lines can have less on
/// average. It is Welch's bound for real lines, stronger than the complex form, which has 1 / C(d+k−1, k) for r_k.
/// Order 1 is [`welch`]. 0 where n · r_k ≤ 1, and for k = 0. O(k) time.
///
/// Reference: Sidelnikov (1974), Math. USSR Sb. 24; Waldron (2017), IEEE Trans. Inf. Theory 63.
pub fn sidelnikov(n: u64, d: u64, k: u64) -> f64 {
    match (d, k) {
        (_, 0) => 0.0,
        (0 | 1, _) => welch(n, d),
        // An order beyond usize is beyond any loop as well.
        (_, k) => usize::try_from(k - 1).ok().and_then(|skipped| orders(n, d).nth(skipped)).unwrap_or(0.0),
    }
}

/// Levenshtein's bound: μ² ≥ (3n − d² − 2d) / ((d + 2)(n − d)), for n > d (d + 1) / 2.
///
/// μ² starts where Welch's stands, at 1 / (d + 2), and rises to 3 / (d + 2). Kerdock codes, n = d²/2 + d with d a power of 4, meet it.
///
/// Reference: Levenshtein (1982), Soviet Math. Dokl. 25; Jasper, King & Mixon (2019), arXiv:1907.07848, surveys these bounds.
pub fn levenshtein(n: u64, d: u64) -> f64 {
    if !exceeds_symmetric_matrices(n, d) {
        return 0.0;
    }
    // Exact integers: n > d²/2 keeps the difference positive and all of it far below 2¹²⁸.
    let (lines, width) = (u128::from(n), u128::from(d));
    let above = (3 * lines - width * (width + 2)) as f64;
    let below = (width + 2) as f64 * (lines - width) as f64;
    (above / below).sqrt().min(1.0)
}

/// The orthoplex bound: μ ≥ 1 / √d, for n > d (d + 1) / 2.
///
/// The projections onto the lines live in a space of d (d + 1) / 2 dimensions, where so many cannot all be at obtuse angles.
///
/// Reference: Rankin (1955), Proc. Glasgow Math. Assoc. 2; Conway, Hardin & Sloane (1996), Exp. Math. 5.
pub fn orthoplex(n: u64, d: u64) -> f64 {
    if exceeds_symmetric_matrices(n, d) { 1.0 / (d as f64).sqrt() } else { 0.0 }
}

/// The planar bound: μ ≥ cos(π / n) for n > 2 lines in R². Evenly spread lines meet it.
///
/// The n angles between neighbouring lines add up to π, so that one of them is at most π / n.
pub fn planar(n: u64) -> f64 {
    if n <= 2 { 0.0 } else { libm::cos(std::f64::consts::PI / n as f64) }
}

/// Whether there are more lines than dimensions in the space of symmetric d × d matrices, and any dimension at all.
fn exceeds_symmetric_matrices(n: u64, d: u64) -> bool {
    d > 0 && u128::from(n) > u128::from(d) * (u128::from(d) + 1) / 2
}

/// Sidelnikov's bound of orders 1, 2, …, for d ≥ 2, up to the last that is positive.
fn orders(n: u64, d: u64) -> impl Iterator<Item = f64> {
    let (lines, width) = (n as f64, d as f64);
    let mut moment = 1.0;
    let mut k = 0.0;
    std::iter::from_fn(move || {
        moment *= (2.0 * k + 1.0) / (width + 2.0 * k);
        k += 1.0;
        // Moments only fall, so all later orders are zero as well.
        let power = (lines * moment - 1.0) / (lines - 1.0);
        // Order 1 has a form without the cancellation of n/d − 1.
        let bound = if k < 1.5 { welch(n, d) } else { libm::exp(libm::log(power) / (2.0 * k)).min(1.0) };
        (power > 0.0 && bound > 0.0).then_some(bound)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::random;

    const SIZES: [u64; 12] = [1, 2, 3, 4, 7, 8, 16, 23, 64, 300, 1000, 12288];

    fn assert_close(value: f64, expected: f64, what: impl std::fmt::Display) {
        assert!((value - expected).abs() < 1e-14, "{what}: {value} instead of {expected}");
    }

    #[test]
    fn theory_equiangular_tight_frames_meet_the_welch_bound() {
        let frames = [(6, 3, 0.2_f64.sqrt()), (16, 6, 1.0 / 3.0), (28, 7, 1.0 / 3.0), (276, 23, 0.2)];
        let simplices = [2, 3, 7, 100, 1_000_000].map(|d| (d + 1, d, 1.0 / d as f64));
        for (n, d, coherence) in frames.into_iter().chain(simplices) {
            assert_close(welch(n, d), coherence, format!("welch({n}, {d})"));
            assert_close(best(n, d), coherence, format!("best({n}, {d})"));
        }
    }

    // Kerdock codes (d = 4, 16, 64) and the kissing arrangements of E7, E8 and the Leech lattice, as lines.
    #[test]
    fn theory_known_optimal_packings_meet_the_levenshtein_bound() {
        let kerdock = [(12, 4, 0.5), (144, 16, 0.25), (2112, 64, 0.125)];
        for (n, d, coherence) in kerdock.into_iter().chain([(63, 7, 0.5), (120, 8, 0.5)]) {
            assert_close(levenshtein(n, d), coherence, format!("levenshtein({n}, {d})"));
            assert_close(best(n, d), coherence, format!("best({n}, {d})"));
        }
        assert_close(orthoplex(2112, 64), 0.125, "orthoplex(2112, 64)");
        assert!(best(98280, 24) <= 0.5, "the Leech lattice has 98280 lines with coherence 1/2");
    }

    // Published: 0.1240 and 0.1469 at n = 4096, d = 64. mpmath, 30 digits, from both the product and the gamma form.
    #[test]
    fn theory_sidelnikov_of_order_k() {
        let references = [
            (4096, 64, 2, 0.14694106251955757),
            (5, 2, 5, 0.7517184429071193),
            (100_000, 8, 3, 0.49994748568816083),
            (100_000, 8, 9, 0.6744136575560219),
            (1_000_000, 16, 4, 0.41183904214999306),
            (1000, 3, 120, 0.9762875405607855),
        ];
        for (n, d, k, expected) in references {
            assert_close(sidelnikov(n, d, k), expected, format!("sidelnikov({n}, {d}, {k})"));
        }
        assert!((sidelnikov(4096, 64, 1) - 0.1240).abs() < 5e-5);
        assert!((sidelnikov(4096, 64, 2) - 0.1469).abs() < 5e-5);
    }

    #[test]
    fn theory_lines_in_the_plane_are_best_spread_evenly() {
        assert_close(best(3, 2), 0.5, "three lines at 60°");
        assert_close(best(5, 2), (1.0 + 5.0_f64.sqrt()) / 4.0, "the five lines of a pentagon");
        for n in 3..200 {
            // The planar bound is met, so no other bound may pass it.
            let others = orders(n, 2).take(300).chain([welch(n, 2), levenshtein(n, 2), orthoplex(n, 2)]);
            assert!(others.fold(0.0, f64::max) <= planar(n) + 1e-15, "n = {n}");
        }
    }

    #[test]
    fn theory_conditions_begin_where_the_papers_say() {
        // d (d + 1) / 2 = 36 for d = 8.
        assert_eq!((levenshtein(36, 8), orthoplex(36, 8)), (0.0, 0.0));
        assert!(levenshtein(37, 8) > 0.3 && orthoplex(37, 8) > 0.3);
        assert_eq!([best(8, 8), best(0, 8), best(5, 0), best(1, 1)], [0.0; 4]);
        assert_eq!([best(2, 1), best(1 << 53, 1), sidelnikov(9, 1, u64::MAX)], [1.0; 3]);
        assert_eq!([sidelnikov(9, 4, 0), sidelnikov(9, 0, 2), sidelnikov(9, 4, u64::MAX)], [0.0; 3]);
    }

    #[test]
    fn law_bounds_rise_with_the_number_of_lines() {
        let counts: Vec<u64> = (2..200).chain((0..60).map(|k| 200 + k * k * k * k)).collect();
        for d in SIZES {
            for pair in counts.windows(2) {
                let rises = |bound: &dyn Fn(u64) -> f64, name: &str| {
                    let (fewer, more) = (bound(pair[0]), bound(pair[1]));
                    assert!(more >= fewer - 1e-15, "{name} of {pair:?} lines in R^{d}: {fewer} then {more}");
                };
                rises(&|n| welch(n, d), "welch");
                rises(&|n| sidelnikov(n, d, 2), "sidelnikov 2");
                rises(&|n| sidelnikov(n, d, 7), "sidelnikov 7");
                rises(&|n| levenshtein(n, d), "levenshtein");
                rises(&|n| orthoplex(n, d), "orthoplex");
                rises(&|n| best(n, d), "best");
            }
        }
    }

    #[test]
    fn law_best_is_the_largest_and_no_bound_passes_it() {
        for d in SIZES {
            for n in [2, 3, 5, 9, 30, 70, 280, 2112, 100_000, 10_000_000] {
                let best = best(n, d);
                assert!((0.0..=1.0).contains(&best));
                assert_eq!(welch(n, d), sidelnikov(n, d, 1));
                for k in 1..40 {
                    assert!(best >= sidelnikov(n, d, k) - 1e-15, "n = {n}, d = {d}, k = {k}");
                }
                assert!(best >= welch(n, d) && best >= levenshtein(n, d) && best >= orthoplex(n, d));
            }
        }
    }

    #[test]
    fn law_every_bound_is_finite_at_the_largest_sizes() {
        let extremes = [0, 1, 2, 3, 4, 5, 1 << 20, 1 << 26, (1 << 53) - 1, 1 << 53, u64::MAX - 1, u64::MAX];
        for d in extremes {
            for n in extremes {
                let all = [best(n, d), welch(n, d), sidelnikov(n, d, 2), levenshtein(n, d), orthoplex(n, d), planar(n)];
                assert!(all.iter().all(|bound| (0.0..=1.0).contains(bound)), "n = {n}, d = {d}: {all:?}");
            }
        }
    }

    #[test]
    fn law_random_directions_do_not_pass_the_bounds() {
        for d in [3, 8, 16, 64, 329, 1895] {
            for n in [d + 8, 2 * d + 8, d * d / 2 + d + 8, d * d + 8, 1_000_000] {
                let (bound, random) = (best(n, d), random::coherence(n, d));
                assert!(bound <= random, "n = {n}, d = {d}: bound {bound}, random {random}");
            }
        }
    }
}
