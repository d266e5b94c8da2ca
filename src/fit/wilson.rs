//! Wilson: how far a fraction that was counted may lie from the truth.

/// The 0.975 quantile of the standard normal distribution.
const Z: f64 = 1.959963984540054;

/// Wilson's 95 % interval of a probability of which `n_right` of `n` independent trials came true; `None` without trials.
///
/// (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) / (1 + z²/n), with p = n_right/n and z = 1.96: the probabilities that a normal test at the 5 % level would
/// not refuse. It stays within 0 and 1 and keeps a width where all trials went one way: 0 of n leaves room up to z²/(n + z²).
/// It covers the truth in close to 95 % of cases on average over p; close to 0 and 1 sometimes in less.
///
/// Source: Wilson (1927), J. Am. Stat. Assoc. 22; Newcombe (1998), Stat. Med. 17.
pub fn interval(n_right: u64, n: u64) -> Option<(f64, f64)> {
    if n == 0 || n_right > n {
        return None;
    }
    let (right, all, square) = (n_right as f64, n as f64, Z * Z);
    let middle = right + square / 2.0;
    let half = Z * (right * ((all - right) / all) + square / 4.0).sqrt();
    // The ends are exact where all trials agree; rounding would carry them a little past.
    let low = if n_right == 0 { 0.0 } else { (middle - half) / (all + square) };
    let high = if n_right == n { 1.0 } else { (middle + half) / (all + square) };
    Some((low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Newcombe (1998), Table I, method 3: four decimals.
    #[test]
    fn theory_published_intervals() {
        for (n_right, n, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let (l, h) = interval(n_right, n).expect("trials");
            assert!((l - low).abs() < 5e-5 && (h - high).abs() < 5e-5, "{n_right} of {n}: {l} {h}");
        }
    }

    #[test]
    fn theory_ends_are_where_the_normal_test_refuses() {
        // The definition: |p − q| = z √(q(1 − q)/n) at both ends q. Independent of how the quadratic is solved.
        for (n_right, n) in [(7, 200), (1, 3), (0, 10), (10, 10), (500_000, 1_000_000)] {
            let (low, high) = interval(n_right, n).expect("trials");
            let p = n_right as f64 / n as f64;
            for end in [low, high].into_iter().filter(|end| (p - end).abs() > 0.0) {
                let distance = (p - end).abs() / (end * (1.0 - end) / n as f64).sqrt();
                assert!((distance - Z).abs() < 1e-9, "{n_right} of {n}: {distance}");
            }
            assert!((0.0..=p).contains(&low) && (p..=1.0).contains(&high));
        }
        assert_eq!(interval(0, 0), None);
    }

    #[test]
    fn theory_the_quantile_is_that_of_the_normal_distribution() {
        assert!((super::super::normal::quantile(0.975) - Z).abs() < 1e-13);
    }
}
