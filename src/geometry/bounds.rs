//! Bounds: how little the worst pair of n lines in R^d can overlap.
//!
//! A line is a concept's direction, sign aside; the coherence μ is the largest |cosine| of a pair. Each function gives a
//! number that no arrangement can go below, in [0, 1]; 0 where it says nothing: for n ≤ d (orthogonal lines exist), for
//! d = 0, and outside its own condition on n. Counts are exact up to 2⁵³; above, they are rounded.

/// The largest of the bounds here: Welch, Sidelnikov of every useful order, Levenshtein, orthoplex and planar.
///
/// 1 for d = 1 and n ≥ 2. O(k) for the last order k at which Sidelnikov's bound is positive: 3 or so where n ≈ d²,
/// at most 4096 (reached only for d ≤ 4 and thousands of lines), 0.1 ms.
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
/// Reference: Sidelnikov (1974), Probl. Inf. Transm. 10; Kukavica, in Waldron (2018), An Introduction to Finite Tight Frames, 6.
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
/// It starts at 1 / (d + 2), above Welch, and rises to 3 / (d + 2). Kerdock codes, n = d²/2 + d with d a power of 4, meet it.
///
/// Reference: Levenshtein (1982), Soviet Math. Dokl. 25; Haas, Hammen & Mixon (2017), arXiv:1710.03352.
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
