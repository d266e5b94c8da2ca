//! Monotone: the rising or falling curve nearest to points, and how far it has come where.

/// The monotone sequence nearest to y by least squares, rising or falling, whichever is nearer: pools of neighbours that stand in the wrong order share their mean.
///
/// O(n) time. Source: Ayer et al. (1955), Ann. Math. Stat. 26 (pool adjacent violators).
pub fn monotone(y: &[f64]) -> Vec<f64> {
    let mirrored: Vec<f64> = y.iter().map(|y| -y).collect();
    let (up, down): (Vec<f64>, Vec<f64>) = (rising(y), rising(&mirrored).iter().map(|y| -y).collect());
    let rest = |curve: &[f64]| curve.iter().zip(y).map(|(c, y)| (c - y) * (c - y)).sum::<f64>();
    if rest(&down) < rest(&up) { down } else { up }
}

fn rising(y: &[f64]) -> Vec<f64> {
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for &y in y {
        let mut pool = (y, 1);
        while let Some(&(mean, n)) = pools.last().filter(|(mean, _)| *mean >= pool.0) {
            let both = n + pool.1;
            pool = ((mean * n as f64 + pool.0 * pool.1 as f64) / both as f64, both);
            pools.pop();
        }
        pools.push(pool);
    }
    pools.into_iter().flat_map(|(mean, n)| std::iter::repeat_n(mean, n)).collect()
}

/// The part of its way from first to last that a monotone curve has made at `at`, on straight lines between its points. 0 for a curve without a way.
pub fn part_made(x: &[f64], curve: &[f64], at: f64) -> f64 {
    let n = x.len();
    let way = curve[n - 1] - curve[0];
    let after = x.partition_point(|x| *x <= at);
    if way == 0.0 || after == 0 {
        return 0.0;
    }
    if after == n {
        return 1.0;
    }
    let part = (at - x[after - 1]) / (x[after] - x[after - 1]);
    (curve[after - 1] + part * (curve[after] - curve[after - 1]) - curve[0]) / way
}

/// Where a monotone curve has first made this part of its way. `None` for a curve without a way.
pub fn place_of(x: &[f64], curve: &[f64], part: f64) -> Option<f64> {
    let way = curve[curve.len() - 1] - curve[0];
    let made: Vec<f64> = curve.iter().map(|y| (y - curve[0]) / way).collect();
    let after = made.iter().position(|made| *made >= part).filter(|_| way != 0.0)?;
    if after == 0 {
        return Some(x[0]);
    }
    let step = (part - made[after - 1]) / (made[after] - made[after - 1]);
    Some(x[after - 1] + step * (x[after] - x[after - 1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theory_pools_worked_out_by_hand() {
        assert_eq!(monotone(&[1.0, 3.0, 2.0, 4.0]), [1.0, 2.5, 2.5, 4.0]);
        assert_eq!(monotone(&[5.0, 3.0, 4.0, 2.0]), [5.0, 3.5, 3.5, 2.0]);
        assert_eq!(monotone(&[1.0, 4.0, 3.0, 2.0, 6.0]), [1.0, 3.0, 3.0, 3.0, 6.0]);
        assert_eq!(monotone(&[]), [0.0; 0]);
    }

    #[test]
    fn theory_way_made_by_a_straight_line() {
        let (x, y) = ([1.0, 2.0, 4.0], [10.0, 20.0, 40.0]);
        assert_eq!([0.0, 1.0, 3.0, 4.0, 9.0].map(|at| part_made(&x, &y, at)), [0.0, 0.0, 2.0 / 3.0, 1.0, 1.0]);
        assert_eq!(place_of(&x, &y, 0.5), Some(2.5));
        assert_eq!((part_made(&x, &[1.0; 3], 2.0), place_of(&x, &[1.0; 3], 0.5)), (0.0, None));
    }
}
