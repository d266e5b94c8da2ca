//! Finite size: whether a turn sharpens as the system grows, and where it would stand in an infinite one.

use rand::RngExt as _;

use crate::seed::Rng;

/// An order parameter M against a control t, for one size of the system.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// L.
    pub size: f64,
    /// The values of t, rising.
    pub x: Vec<f64>,
    /// The values of M at each t, one a replicate.
    pub samples: Vec<Vec<f64>>,
}

/// Where two curves cross, and how high.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crossing {
    /// t.
    pub at: f64,
    /// The common value.
    pub height: f64,
}

/// The scaling that lays all curves on one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Collapse {
    /// t_c.
    pub at: f64,
    /// 1/ν: widths shrink like L^(−1/ν).
    pub exponent: f64,
    /// Mean squared distance of a point to the curves of the other sizes, divided by the variance of all points: 0 is perfect.
    pub distance: f64,
}

/// The curves of a table of sizes, controls and order parameters, the smallest size first.
pub fn curves(size: &[f64], x: &[f64], y: &[f64]) -> Vec<Curve> {
    let mut order: Vec<usize> = (0..y.len()).collect();
    order.sort_by(|&i, &j| size[i].total_cmp(&size[j]).then(x[i].total_cmp(&x[j])));
    let mut curves: Vec<Curve> = Vec::new();
    for i in order {
        if curves.last().is_none_or(|curve| curve.size != size[i]) {
            curves.push(Curve { size: size[i], x: Vec::new(), samples: Vec::new() });
        }
        let last = curves.len() - 1;
        let curve = &mut curves[last];
        if curve.x.last() != Some(&x[i]) {
            curve.x.push(x[i]);
            curve.samples.push(Vec::new());
        }
        let here = curve.samples.len() - 1;
        curve.samples[here].push(y[i]);
    }
    curves
}

impl Curve {
    /// ⟨M⟩ at each t.
    pub fn means(&self) -> Vec<f64> {
        self.samples.iter().map(|samples| moment(samples, |m| m)).collect()
    }

    /// χ = n (⟨M²⟩ − ⟨|M|⟩²) k/(k − 1) at each t, for n parts and k replicates: the variance of the sum of the parts, for each part. 0 for a single replicate.
    pub fn susceptibility(&self, n_parts: f64) -> Vec<f64> {
        let of = |samples: &Vec<f64>| {
            let k = samples.len() as f64;
            let mean = moment(samples, f64::abs);
            n_parts * samples.iter().map(|m| (m.abs() - mean) * (m.abs() - mean)).sum::<f64>() / (k - 1.0).max(1.0)
        };
        self.samples.iter().map(of).collect()
    }

    /// U₄ = 1 − ⟨M⁴⟩/(3⟨M²⟩²) at each t: 2/3 where |M| is certain, 0 where M is normal around 0. 0 where all M are 0.
    ///
    /// Source: Binder (1981), Z. Phys. B 43.
    pub fn binder(&self) -> Vec<f64> {
        let of = |samples: &Vec<f64>| {
            let square = moment(samples, |m| m * m);
            let fourth = moment(samples, |m| (m * m) * (m * m));
            if square * square > 0.0 { 1.0 - fourth / (3.0 * square * square) } else { 0.0 }
        };
        self.samples.iter().map(of).collect()
    }

    /// ⟨M²⟩/⟨M⟩² at each t, which takes the place of U₄ where M is never negative: 1 where M is certain. 1 where all M are 0.
    pub fn moment_ratio(&self) -> Vec<f64> {
        let of = |samples: &Vec<f64>| {
            let mean = moment(samples, |m| m);
            if mean * mean > 0.0 { moment(samples, |m| m * m) / (mean * mean) } else { 1.0 }
        };
        self.samples.iter().map(of).collect()
    }

    /// The same curve with as many replicates drawn with replacement at each t.
    pub fn resampled(&self, rng: &mut Rng) -> Self {
        let draw = |samples: &Vec<f64>| {
            let n = samples.len();
            (0..n).map(|_| samples[rng.random_range(0..n)]).collect()
        };
        Self { size: self.size, x: self.x.clone(), samples: self.samples.iter().map(draw).collect() }
    }
}

fn moment(samples: &[f64], of: impl Fn(f64) -> f64) -> f64 {
    samples.iter().map(|&m| of(m)).sum::<f64>() / samples.len() as f64
}

/// The top of a curve: place and height of the parabola through its largest value and the neighbours. `None` where the largest stands at an end.
pub fn peak(x: &[f64], y: &[f64]) -> Option<(f64, f64)> {
    let top = (1..y.len()).fold(0, |top, i| if y[i] > y[top] { i } else { top });
    if top == 0 || top + 1 >= y.len() {
        return None;
    }
    let (before, after) = (x[top - 1] - x[top], x[top + 1] - x[top]);
    let (left, right) = ((y[top - 1] - y[top]) / before, (y[top + 1] - y[top]) / after);
    // y = y₀ + slope u + bend u² through the three points, u from the highest.
    let bend = (right - left) / (after - before);
    let slope = left - bend * before;
    let shift = -slope / (2.0 * bend);
    let height = y[top] + slope * shift / 2.0;
    if bend < 0.0 { Some((x[top] + shift, height)) } else { Some((x[top], y[top])) }
}

/// Where the curves of a smaller and of a larger size cross: before it the one is higher, behind it the other.
///
/// The second is interpolated at the places of the first. Of all ways to cut the differences in two, the crossing stands where they differ most in sign
/// (in sum), so that the noise of two curves that run together far away makes none; there a straight line through the two differences on either side
/// gives the place. `None` where one curve is higher everywhere, or with fewer than four places.
pub fn crossing(small: (&[f64], &[f64]), large: (&[f64], &[f64])) -> Option<Crossing> {
    let points: Vec<(f64, f64, f64)> = small
        .0
        .iter()
        .zip(small.1)
        .filter_map(|(&x, &y)| interpolated(large.0, large.1, x).map(|other| (x, other - y, (other + y) / 2.0)))
        .collect();
    let n = points.len();
    if n < 4 {
        return None;
    }
    let total: f64 = points.iter().map(|p| p.1).sum();
    let mut before = 0.0;
    let mut best = (0.0, 0);
    for cut in 1..n {
        before += points[cut - 1].1;
        let contrast = (total - 2.0 * before).abs();
        // The sums on both sides must differ in sign.
        if before * (total - before) < 0.0 && contrast > best.0 {
            best = (contrast, cut);
        }
    }
    if best.1 == 0 {
        return None;
    }
    let (first, last) = (best.1.saturating_sub(2), (best.1 + 2).min(n));
    let near = &points[first..last];
    let (height, slope) = line(near.iter().map(|p| (p.0, p.1)));
    let at = -height / slope;
    if !(at >= near[0].0 && at <= near[near.len() - 1].0) {
        return None;
    }
    let (height, slope) = line(near.iter().map(|p| (p.0, p.2)));
    Some(Crossing { at, height: height + slope * at })
}

/// Height at 0 and slope of the best straight line.
fn line(points: impl Iterator<Item = (f64, f64)> + Clone) -> (f64, f64) {
    let (mut n, mut mean_x, mut mean_y) = (0.0, 0.0, 0.0);
    for (x, y) in points.clone() {
        n += 1.0;
        mean_x += x;
        mean_y += y;
    }
    (mean_x, mean_y) = (mean_x / n, mean_y / n);
    let (mut xx, mut xy) = (0.0, 0.0);
    for (x, y) in points {
        xx += (x - mean_x) * (x - mean_x);
        xy += (x - mean_x) * (y - mean_y);
    }
    (mean_y - xy / xx * mean_x, xy / xx)
}

/// The value at `at` on the straight lines between neighbours; `None` outside.
fn interpolated(x: &[f64], y: &[f64], at: f64) -> Option<f64> {
    let after = x.partition_point(|&x| x < at);
    match after {
        _ if after == x.len() => None,
        0 => (x[0] == at).then(|| y[0]),
        _ => {
            let part = (at - x[after - 1]) / (x[after] - x[after - 1]);
            Some(y[after - 1] + part * (y[after] - y[after - 1]))
        }
    }
}

/// The t_c and 1/ν for which L^h ⟨M⟩ as a function of (t − t_c) L^(1/ν) is the same for all sizes, as nearly as it can be; h = β/ν, 0 for an accuracy.
///
/// Each point is compared with the straight lines between the points of every other size, where they reach, and at least half of all points must be compared. t_c is sought on the
/// range of t, 1/ν from 0 to 3: on a grid first, or from `start`. 1/ν near 0 means that nothing sharpens, and then t_c is
/// any. `None` for fewer than two sizes, or for a constant M. O(p² log p) time for p points, about a thousand times.
///
/// Source: Houdayer & Hartmann (2004), Phys. Rev. B 70, 014418; without its weights, which are infinite where an accuracy is 1 in all replicates.
pub fn collapse(curves: &[Curve], height: f64, start: Option<Collapse>) -> Option<Collapse> {
    const MOST_EXPONENT: f64 = 3.0;
    let scaled: Vec<(f64, &[f64], Vec<f64>)> = curves
        .iter()
        .map(|curve| {
            let factor = libm::pow(curve.size, height);
            (curve.size, curve.x.as_slice(), curve.means().iter().map(|m| m * factor).collect())
        })
        .collect();
    let all: Vec<f64> = scaled.iter().flat_map(|curve| curve.2.iter().copied()).collect();
    let n = all.len() as f64;
    let mean = all.iter().sum::<f64>() / n;
    let variance = all.iter().map(|y| (y - mean) * (y - mean)).sum::<f64>() / n;
    let first = curves.iter().map(|curve| curve.x[0]).fold(f64::INFINITY, f64::min);
    let last = curves.iter().map(|curve| curve.x[curve.x.len() - 1]).fold(f64::NEG_INFINITY, f64::max);
    let varies = variance > 1e-28 * mean * mean && first < last;
    if curves.len() < 2 || !varies {
        return None;
    }
    let distance = |at: f64, exponent: f64| distance(&scaled, at, exponent) / variance;
    let inside = |at: f64, exponent: f64| (first..=last).contains(&at) && (0.0..=MOST_EXPONENT).contains(&exponent);
    let mut best = start.map_or(Collapse { at: first, exponent: 0.0, distance: f64::INFINITY }, |start| Collapse {
        distance: distance(start.at, start.exponent),
        ..start
    });
    if start.is_none() {
        for i in 0..=40 {
            for j in 0..=30 {
                let (at, exponent) =
                    (first + (last - first) * f64::from(i) / 40.0, MOST_EXPONENT * f64::from(j) / 30.0);
                let distance = distance(at, exponent);
                if distance < best.distance {
                    best = Collapse { at, exponent, distance };
                }
            }
        }
    }
    // A compass: one step each way, halved where none goes down. The distance is not smooth. From a start the way is short.
    let part = if start.is_some() { 0.25 } else { 1.0 };
    let mut steps = [(last - first) / 40.0 * part, 0.1 * part];
    while steps[1] > 5e-4 {
        let moves =
            [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0), (1.0, 1.0), (-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0)];
        let lower = moves.iter().find_map(|(a, b)| {
            let (at, exponent) = (best.at + a * steps[0], best.exponent + b * steps[1]);
            let distance = if inside(at, exponent) { distance(at, exponent) } else { f64::INFINITY };
            (distance < best.distance).then_some(Collapse { at, exponent, distance })
        });
        match lower {
            Some(lower) => best = lower,
            None => steps = steps.map(|step| step / 2.0),
        }
    }
    best.distance.is_finite().then_some(best)
}

/// Mean squared distance of the points to the curves of other sizes; infinite where too few can be compared.
fn distance(curves: &[(f64, &[f64], Vec<f64>)], at: f64, exponent: f64) -> f64 {
    let scaled: Vec<Vec<f64>> = curves
        .iter()
        .map(|(size, x, _)| {
            let stretch = libm::pow(*size, exponent);
            x.iter().map(|x| (x - at) * stretch).collect()
        })
        .collect();
    let (mut sum, mut n_compared, mut n_all) = (0.0, 0.0, 0.0);
    for (i, here) in curves.iter().enumerate() {
        for (j, there) in curves.iter().enumerate().filter(|(j, _)| *j != i) {
            for (x, y) in scaled[i].iter().zip(&here.2) {
                n_all += 1.0;
                if let Some(other) = interpolated(&scaled[j], &there.2, *x) {
                    sum += (y - other) * (y - other);
                    n_compared += 1.0;
                }
            }
        }
    }
    if n_compared * 2.0 >= n_all { sum / n_compared } else { f64::INFINITY }
}

/// Standard errors and 95 % intervals of what is found in curves, from `n_draws` draws of their replicates; `None` if fewer than four fifths of them show it.
///
/// Percentiles of the draws. Where each t has one replicate nothing can be drawn, and there is no interval.
pub fn bootstrap<const K: usize>(
    curves: &[Curve],
    n_draws: usize,
    rng: &mut Rng,
    found: impl Fn(&[Curve]) -> Option<[f64; K]>,
) -> Option<[(f64, (f64, f64)); K]> {
    if curves.iter().flat_map(|curve| &curve.samples).any(|samples| samples.len() < 2) {
        return None;
    }
    let draws: Vec<[f64; K]> = (0..n_draws)
        .filter_map(|_| {
            let drawn: Vec<Curve> = curves.iter().map(|curve| curve.resampled(rng)).collect();
            found(&drawn).filter(|values| values.iter().all(|value| value.is_finite()))
        })
        .collect();
    let n = draws.len();
    if n < 20 || n * 5 < n_draws * 4 {
        return None;
    }
    Some(std::array::from_fn(|k| {
        let mut values: Vec<f64> = draws.iter().map(|draw| draw[k]).collect();
        values.sort_unstable_by(f64::total_cmp);
        let mean = values.iter().sum::<f64>() / n as f64;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1) as f64;
        let rank = |part: f64| values[((n - 1) as f64 * part).round() as usize];
        (variance.sqrt(), (rank(0.025), rank(0.975)))
    }))
}

/// How widths go with size: the exponent e of width ∝ size^e and its standard error, from widths with relative errors.
///
/// Least squares of ln width on ln size, weighted with the errors (0.001 at least); the error grows with the misfit where that is larger than the errors say.
/// `None` for fewer than two sizes.
pub fn sharpening(size: &[f64], width: &[f64], relative_error: &[f64]) -> Option<(f64, f64)> {
    let weights: Vec<f64> = relative_error.iter().map(|error| 1.0 / error.max(1e-3)).map(|w| w * w).collect();
    let points: Vec<(f64, f64)> = size.iter().zip(width).map(|(l, w)| (libm::log(*l), libm::log(*w))).collect();
    let total: f64 = weights.iter().sum();
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().zip(&weights).map(|(p, w)| w * of(p)).sum::<f64>() / total;
    let (mean_l, mean_w) = (mean(|p| p.0), mean(|p| p.1));
    let (mut ll, mut lw) = (0.0, 0.0);
    for ((l, w), weight) in points.iter().zip(&weights) {
        ll += weight * (l - mean_l) * (l - mean_l);
        lw += weight * (l - mean_l) * (w - mean_w);
    }
    let slope = lw / ll;
    let misfit: f64 = points
        .iter()
        .zip(&weights)
        .map(|((l, w), weight)| {
            let rest = w - mean_w - slope * (l - mean_l);
            weight * rest * rest
        })
        .sum();
    let spare = points.len() as f64 - 2.0;
    let inflation = if spare > 0.0 { (misfit / spare).max(1.0) } else { 1.0 };
    let error = (inflation / ll).sqrt();
    (points.len() >= 2 && slope.is_finite() && error.is_finite()).then_some((slope, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Stream;
    use rand_distr::{Distribution, StandardNormal};

    /// Magnetisations of a periodic L × L Ising lattice at temperature T, after each of `n` clusters (Wolff 1989, Phys. Rev. Lett. 62).
    fn ising(l: usize, temperature: f64, n: usize, rng: &mut Rng) -> Vec<f64> {
        let bond = ((1.0 - (-2.0 / temperature).exp()) * 4_294_967_296.0) as u64;
        let mut spins = vec![1i32; l * l];
        let mut total = (l * l) as i32;
        let mut stack = Vec::new();
        let mut magnetisations = Vec::with_capacity(n);
        for step in 0..n + n / 10 {
            let seed = rng.random_range(0..l * l);
            let spin = spins[seed];
            spins[seed] = -spin;
            stack.push(seed);
            let mut flipped = 1;
            while let Some(site) = stack.pop() {
                // Periodic, for L a power of 2.
                let (row, column) = (site & !(l - 1), site & (l - 1));
                let [up, down] = [row.wrapping_sub(l), row + l].map(|row| row & (l * l - 1));
                let [left, right] = [column.wrapping_sub(1), column + 1].map(|column| column & (l - 1));
                for next in [up + column, down + column, row + left, row + right] {
                    if spins[next] == spin && u64::from(rng.random::<u32>()) < bond {
                        spins[next] = -spin;
                        flipped += 1;
                        stack.push(next);
                    }
                }
            }
            total -= 2 * spin * flipped;
            if step >= n / 10 {
                magnetisations.push(f64::from(total) / (l * l) as f64);
            }
        }
        magnetisations
    }

    /// The largest part of a random graph of n nodes and mean degree c, as a fraction.
    fn giant(n: usize, c: f64, rng: &mut Rng) -> f64 {
        let mut parent: Vec<usize> = (0..n).collect();
        fn root(parent: &mut [usize], mut i: usize) -> usize {
            while parent[i] != i {
                parent[i] = parent[parent[i]];
                i = parent[i];
            }
            i
        }
        // A Poisson number of edges, by its normal limit: n c/2 is large.
        let mean = n as f64 * c / 2.0;
        let noise: f64 = StandardNormal.sample(rng);
        for _ in 0..(mean + mean.sqrt() * noise).round() as usize {
            let [a, b] = [0; 2].map(|_| root(&mut parent, rng.random_range(0..n)));
            parent[a] = b;
        }
        let mut sizes = vec![0u32; n];
        for i in 0..n {
            sizes[root(&mut parent, i)] += 1;
        }
        f64::from(sizes.into_iter().max().unwrap_or(0)) / n as f64
    }

    #[test]
    fn theory_ising_turns_at_onsager_s_temperature() {
        // T_c = 2/ln(1 + √2) (Onsager 1944) and U₄ = 0.61069 there (Kamieniarz & Blöte 1993, J. Phys. A 26). The crossings of sizes this small stand a little
        // below T_c and above U₄, and the noise of 30,000 clusters is 0.001 in U₄: 0.006 and 0.015 hold both.
        let critical = 2.0 / (1.0 + 2f64.sqrt()).ln();
        let mut rng = Stream::from_seed(14).rng();
        let temperatures: Vec<f64> = (0..6).map(|i| critical + 0.02 * (f64::from(i) - 2.5)).collect();
        let curves: Vec<Curve> = [(8, 40_000), (16, 30_000), (32, 30_000)]
            .into_iter()
            .map(|(l, n)| Curve {
                size: l as f64,
                x: temperatures.clone(),
                samples: temperatures.iter().map(|&t| ising(l, t, n, &mut rng)).collect(),
            })
            .collect();
        let cumulants: Vec<Vec<f64>> = curves.iter().map(Curve::binder).collect();
        for i in 0..2 {
            let found = crossing((&temperatures, &cumulants[i]), (&temperatures, &cumulants[i + 1])).unwrap();
            assert!((found.at - critical).abs() < 0.015 && (found.height - 0.61069).abs() < 0.006, "{found:?}");
        }
        // β = 1/8 and ν = 1.
        let sizes = |samples: &Vec<f64>| samples.iter().map(|m| m.abs()).collect();
        let absolute: Vec<Curve> =
            curves.iter().map(|c| Curve { samples: c.samples.iter().map(sizes).collect(), ..c.clone() }).collect();
        let found = collapse(&absolute, 0.125, None).unwrap();
        assert!((found.at - critical).abs() < 0.01 && (found.exponent - 1.0).abs() < 0.15, "{found:?}");
    }

    #[test]
    fn theory_random_graphs_turn_at_mean_degree_one() {
        // Erdős & Rényi (1960). L^(1/3) S is a function of (c − 1) L^(1/3): β/ν = 1/ν = 1/3 in the number of nodes.
        let mut rng = Stream::from_seed(15).rng();
        let degrees: Vec<f64> = (0..11).map(|i| 0.5 + 0.1 * f64::from(i)).collect();
        let curves: Vec<Curve> = [500, 2000, 8000]
            .into_iter()
            .map(|n| Curve {
                size: n as f64,
                x: degrees.clone(),
                samples: degrees.iter().map(|&c| (0..100).map(|_| giant(n, c, &mut rng)).collect()).collect(),
            })
            .collect();
        let found = collapse(&curves, 1.0 / 3.0, None).unwrap();
        // Near c = 1.5, S bends away from its scaling form, so the exponent comes out high; the place does not suffer.
        assert!((found.at - 1.0).abs() < 0.02 && (0.3..0.5).contains(&found.exponent), "{found:?}");
        let again = |drawn: &[Curve]| collapse(drawn, 1.0 / 3.0, Some(found)).map(|found| [found.at]);
        let [(error, (low, high))] = bootstrap(&curves, 100, &mut rng, again).unwrap();
        assert!(error < 0.02 && low < high && low < found.at + 0.01 && high > found.at - 0.01);
        // The susceptibility's peak, at 1 + 2 n^(−1/3) or near it, comes down to 1 and grows like n^(1/3).
        let peaks: Vec<(f64, f64)> = curves.iter().map(|c| peak(&c.x, &c.susceptibility(c.size)).unwrap()).collect();
        assert!(peaks[2].0 < peaks[0].0 && (peaks[2].0 - 1.0).abs() < 0.15, "{peaks:?}");
        assert!((peaks[2].1 / peaks[0].1 / 16f64.cbrt() - 1.0).abs() < 0.4, "{peaks:?}");
    }

    #[test]
    fn theory_moments_worked_out_by_hand() {
        let curve = Curve { size: 1.0, x: vec![0.0, 1.0], samples: vec![vec![1.0, -1.0, 3.0, -3.0], vec![0.0, 0.0]] };
        // ⟨M²⟩ = 5, ⟨M⁴⟩ = 41, |M| = 1, 1, 3, 3 has variance 4/3.
        assert_eq!(curve.binder(), [1.0 - 41.0 / 75.0, 0.0]);
        assert!((curve.susceptibility(6.0)[0] - 8.0).abs() < 1e-12);
        assert_eq!(curve.means(), [0.0, 0.0]);
        let positive = Curve { size: 1.0, x: vec![0.0], samples: vec![vec![1.0, 3.0]] };
        assert_eq!(positive.moment_ratio(), [5.0 / 4.0]);
    }

    #[test]
    fn theory_peaks_and_crossings_of_known_curves() {
        let x: Vec<f64> = (0..9).map(f64::from).collect();
        let parabola: Vec<f64> = x.iter().map(|x| 7.0 - 0.5 * (x - 4.3) * (x - 4.3)).collect();
        let (at, height) = peak(&x, &parabola).unwrap();
        assert!((at - 4.3).abs() < 1e-12 && (height - 7.0).abs() < 1e-12);
        assert_eq!(peak(&x, &x), None);
        let [small, large] = [1.0, 3.0].map(|slope| x.iter().map(|x| 0.5 + slope * (x - 3.7)).collect::<Vec<f64>>());
        let found = crossing((&x, &small), (&x, &large)).unwrap();
        assert!((found.at - 3.7).abs() < 1e-12 && (found.height - 0.5).abs() < 1e-12);
        assert_eq!(crossing((&x, &small), (&x, &small)), None);
        let above: Vec<f64> = small.iter().map(|y| y + 1.0).collect();
        assert_eq!(crossing((&x, &small), (&x, &above)), None);
    }

    #[test]
    fn theory_a_planted_scaling_is_found() {
        // M = tanh-like in (t − 0.4) L^0.5, and one whose width does not shrink.
        let curve = |exponent: f64| {
            [10.0, 40.0, 160.0].map(|size: f64| {
                let x: Vec<f64> = (0..41).map(|i| f64::from(i) / 40.0).collect();
                let shape = |x: &f64| vec![1.0 / (1.0 + (-3.0 * (x - 0.4) * size.powf(exponent)).exp())];
                Curve { size, samples: x.iter().map(shape).collect(), x }
            })
        };
        let found = collapse(&curve(0.5), 0.0, None).unwrap();
        // Straight lines between the points leave an error of the square of their distance.
        assert!((found.at - 0.4).abs() < 0.002 && (found.exponent - 0.5).abs() < 0.01, "{found:?}");
        assert!(collapse(&curve(0.0), 0.0, None).unwrap().exponent < 1e-3);
        assert_eq!(collapse(&curve(0.5)[..1], 0.0, None), None);
        assert_eq!(bootstrap(&curve(0.5), 50, &mut Stream::from_seed(1).rng(), |_| Some([1.0])), None);
    }

    #[test]
    fn theory_widths_that_shrink_like_a_power() {
        let size = [10.0, 20.0, 40.0, 80.0f64];
        let width = size.map(|l| 3.0 * l.powf(-0.5));
        let (exponent, error) = sharpening(&size, &width, &[0.1; 4]).unwrap();
        // Known errors: 0.1/√Σ(ln L − mean)², and the logs stand at ±½ and ±3/2 of ln 2.
        assert!((exponent + 0.5).abs() < 1e-12 && (error - 0.1 / (5f64.sqrt() * 2f64.ln())).abs() < 1e-12);
        assert_eq!(sharpening(&size[..1], &width[..1], &[0.1]), None);
    }

    #[test]
    fn law_rows_in_any_order_give_the_same_curves() {
        let found = curves(&[8.0, 4.0, 8.0, 4.0, 4.0], &[1.0, 2.0, 0.0, 1.0, 2.0], &[0.1, 0.2, 0.3, 0.4, 0.5]);
        let expected = [
            Curve { size: 4.0, x: vec![1.0, 2.0], samples: vec![vec![0.4], vec![0.2, 0.5]] },
            Curve { size: 8.0, x: vec![0.0, 1.0], samples: vec![vec![0.3], vec![0.1]] },
        ];
        assert_eq!(found, expected);
    }
}
