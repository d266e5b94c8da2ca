//! Designs: points that fill the unit cube evenly, for parameters that are varied together.

use rand::seq::SliceRandom;
use rand::{Rng as _, RngExt};

use crate::seed::Rng;

/// The most axes of a Sobol' sequence.
pub const MOST_AXES: usize = AXES.len() + 1;

/// The first points of Sobol's sequence, point by point, all axes of a point together; each number is at least 0 and below 1.
///
/// Of the first 2ᵐ points exactly one lies in each of 2ᵐ equal slices of every axis, and pairs of axes are filled as evenly
/// as their direction numbers allow: a (t, m, s)-net in base 2. With a number of points that is not a power of two the
/// last are missing from some of the slices. The order is that of Gray's code, which begins at the origin.
/// With a generator all points are moved together by [`shifts`]: the net stays one, every point is uniform in the cube, and
/// the mean over the points of any function is unbiased.
/// O(n_points n_axes log n_points) time. Panics if `n_axes` exceeds [`MOST_AXES`].
///
/// Source: Sobol' (1967), USSR Comput. Math. Math. Phys. 7; direction numbers of Joe & Kuo (2008), SIAM J. Sci. Comput. 30;
/// Gray's code in Antonov & Saleev (1979), USSR Comput. Math. Math. Phys. 19.
pub fn sobol(n_points: usize, n_axes: usize, rng: Option<&mut Rng>) -> Vec<f64> {
    let shifts = rng.map_or(vec![0; n_axes], |rng| shifts(n_axes, rng));
    let axes: Vec<_> = (0..n_axes).map(directions).collect();
    let point = |i: u64| axes.iter().zip(&shifts).map(move |(directions, &shift)| coordinate(directions, i, shift));
    (0..n_points as u64).flat_map(point).collect()
}

/// One number of [`sobol`] alone: axis `axis` of point `i`, both counted from 0, with a shift of [`shifts`], or 0 for none.
///
/// The same bits as in the whole design. Exact for i below 2⁵³. Under 1 µs, no memory. Panics from axis [`MOST_AXES`] on.
pub fn sobol_point(i: u64, axis: usize, shift: u64) -> f64 {
    coordinate(&directions(axis), i, shift)
}

/// A random digital shift of each axis: 64 random bits, with which the binary digits of all its numbers are xored.
///
/// Source: Cranley & Patterson (1976), SIAM J. Numer. Anal. 13, for shifts; in base 2, L'Ecuyer & Lemieux (2002).
pub fn shifts(n_axes: usize, rng: &mut Rng) -> Vec<u64> {
    (0..n_axes).map(|_| rng.next_u64()).collect()
}

/// A Latin hypercube, point by point: each of n equal slices of every axis holds exactly one of the n points, anywhere in it.
///
/// Slice k of an axis is k/n ≤ x < (k+1)/n. Which point has which slice is a random permutation for each axis, independent
/// of the other axes. Any number of axes. O(n_points n_axes) time.
///
/// Source: McKay, Beckman & Conover (1979), Technometrics 21.
pub fn latin_hypercube(n_points: usize, n_axes: usize, rng: &mut Rng) -> Vec<f64> {
    let n = n_points as f64;
    let mut design = vec![0.0; n_points * n_axes];
    let mut slices: Vec<usize> = (0..n_points).collect();
    for axis in 0..n_axes {
        slices.shuffle(rng);
        for (point, &slice) in slices.iter().enumerate() {
            let slice = slice as f64;
            let jitter: f64 = rng.random();
            // A jitter next to 1 would be rounded into the slice above.
            design[point * n_axes + axis] = ((slice + jitter) / n).min(((slice + 1.0) / n).next_down());
        }
    }
    design
}

/// The binary digits of a coordinate, shifted, as a number.
fn coordinate(directions: &[u64; 64], i: u64, shift: u64) -> f64 {
    let mut gray = i ^ (i >> 1);
    let mut digits = shift;
    while gray != 0 {
        digits ^= directions[gray.trailing_zeros() as usize];
        gray &= gray - 1;
    }
    // An f64 holds 53 digits.
    (digits >> 11) as f64 / (1_u64 << 53) as f64
}

/// Sobol's direction numbers of an axis, one for each digit of the number of the point, their digits from the highest bit down.
fn directions(axis: usize) -> [u64; 64] {
    let mut directions: [u64; 64] = std::array::from_fn(|k| 1 << (63 - k));
    // The first axis mirrors the digits of the number of the point; the others have a polynomial.
    if let Some(polynomial) = axis.checked_sub(1) {
        let (coefficients, initial) = AXES[polynomial];
        let degree = initial.len();
        for k in 0..64 {
            directions[k] = if k < degree {
                initial[k] << (63 - k)
            } else {
                let first = directions[k - degree];
                (1..degree)
                    .filter(|back| coefficients >> (degree - 1 - back) & 1 == 1)
                    .fold(first ^ (first >> degree), |sum, back| sum ^ directions[k - back])
            };
        }
    }
    directions
}

/// Axes 2 to 21 of Joe & Kuo's new-joe-kuo-6.21201: the inner coefficients a of a primitive polynomial over the field of two
/// elements, as binary digits, and as many odd numbers m to begin with as it has degrees.
const AXES: [(u64, &[u64]); 20] = [
    (0, &[1]),
    (1, &[1, 3]),
    (1, &[1, 3, 1]),
    (2, &[1, 1, 1]),
    (1, &[1, 1, 3, 3]),
    (4, &[1, 3, 5, 13]),
    (2, &[1, 1, 5, 5, 17]),
    (4, &[1, 1, 5, 5, 5]),
    (7, &[1, 1, 7, 11, 19]),
    (11, &[1, 1, 5, 1, 1]),
    (13, &[1, 1, 1, 3, 11]),
    (14, &[1, 3, 5, 5, 31]),
    (1, &[1, 3, 3, 9, 7, 49]),
    (13, &[1, 1, 1, 15, 21, 21]),
    (16, &[1, 3, 1, 13, 27, 49]),
    (19, &[1, 1, 1, 15, 7, 5]),
    (22, &[1, 3, 1, 15, 13, 25]),
    (25, &[1, 1, 5, 5, 19, 61]),
    (1, &[1, 3, 7, 11, 23, 15, 103]),
    (4, &[1, 3, 7, 13, 13, 15, 69]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Stream;

    /// Hickernell's (1998) centred discrepancy, squared, as scipy's `discrepancy(method="CD")` gives it.
    fn centred_discrepancy(design: &[f64], n_axes: usize) -> f64 {
        let n = (design.len() / n_axes) as f64;
        let points = || design.chunks(n_axes);
        let single =
            |x: &[f64]| -> f64 { x.iter().map(|x| (x - 0.5).abs()).map(|z| 1.0 + z / 2.0 - z * z / 2.0).product() };
        let double = |x: &[f64], y: &[f64]| -> f64 {
            let term = |(x, y): (&f64, &f64)| 1.0 + ((x - 0.5).abs() + (y - 0.5).abs() - (x - y).abs()) / 2.0;
            x.iter().zip(y).map(term).product()
        };
        let singles: f64 = points().map(single).sum();
        let doubles: f64 = points().map(|x| points().map(|y| double(x, y)).sum::<f64>()).sum();
        (13.0_f64 / 12.0).powi(n_axes as i32) - 2.0 / n * singles + doubles / (n * n)
    }

    fn rng(purpose: &str) -> Rng {
        Stream::from_seed(0).stream(purpose).rng()
    }

    #[test]
    fn theory_sobol_is_scipys() {
        // Sobol(d, scramble=False).random(16) of scipy 1.17.1, times 16; fewer axes are the first of these.
        #[rustfmt::skip]
        let scipy = [
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            [8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8],
            [12, 4, 4, 4, 12, 12, 4, 12, 12, 12, 12, 12, 4, 4, 12, 4, 12, 4, 12, 4, 4],
            [4, 12, 12, 12, 4, 4, 12, 4, 4, 4, 4, 4, 12, 12, 4, 12, 4, 12, 4, 12, 12],
            [6, 6, 10, 14, 6, 2, 6, 14, 14, 10, 14, 6, 6, 10, 6, 14, 6, 14, 14, 2, 2],
            [14, 14, 2, 6, 14, 10, 14, 6, 6, 2, 6, 14, 14, 2, 14, 6, 14, 6, 6, 10, 10],
            [10, 2, 14, 10, 10, 14, 2, 2, 2, 6, 2, 10, 2, 14, 10, 10, 10, 10, 2, 6, 6],
            [2, 10, 6, 2, 2, 6, 10, 10, 10, 14, 10, 2, 10, 6, 2, 2, 2, 2, 10, 14, 14],
            [3, 5, 15, 7, 9, 5, 7, 15, 15, 5, 11, 1, 15, 15, 13, 15, 13, 13, 15, 5, 3],
            [11, 13, 7, 15, 1, 13, 15, 7, 7, 13, 3, 9, 7, 7, 5, 7, 5, 5, 7, 13, 11],
            [15, 1, 11, 3, 5, 9, 3, 3, 3, 9, 7, 13, 11, 11, 1, 11, 1, 9, 3, 1, 7],
            [7, 9, 3, 11, 13, 1, 11, 11, 11, 1, 15, 5, 3, 3, 9, 3, 9, 1, 11, 9, 15],
            [5, 3, 5, 9, 15, 7, 1, 1, 1, 15, 5, 7, 9, 5, 11, 1, 11, 3, 1, 7, 1],
            [13, 11, 13, 1, 7, 15, 9, 9, 9, 7, 13, 15, 1, 13, 3, 9, 3, 11, 9, 15, 9],
            [9, 7, 1, 13, 3, 11, 5, 13, 13, 3, 9, 11, 13, 1, 7, 5, 7, 7, 13, 3, 5],
            [1, 15, 9, 5, 11, 3, 13, 5, 5, 11, 1, 3, 5, 9, 15, 13, 15, 15, 5, 11, 13],
        ];
        for n_axes in [1, 2, 5, 21] {
            let expected =
                scipy.iter().flat_map(|point| &point[..n_axes]).map(|&sixteenths| f64::from(sixteenths) / 16.0);
            assert_eq!(sobol(16, n_axes, None), expected.collect::<Vec<_>>(), "{n_axes} axes");
        }
    }

    #[test]
    fn theory_a_thousand_points_of_sobol_are_scipys() {
        // h ← 1000003 h + 1024 x mod 2⁶⁴ over Sobol(21, scramble=False).random(1024) of scipy 1.17.1.
        let hash = sobol(1024, 21, None).into_iter().fold(0_u64, |hash, x| {
            let whole = x * 1024.0;
            assert_eq!(whole.fract(), 0.0);
            hash.wrapping_mul(1_000_003).wrapping_add(whole as u64)
        });
        assert_eq!(hash, 3_856_157_832_130_640_896);
        // Point 100,000 of random(2**17).
        for (axis, x) in [(0, 0.06107330322265625), (6, 0.06101226806640625), (20, 0.24465179443359375)] {
            assert_eq!(sobol_point(100_000, axis, 0), x, "axis {axis}");
        }
    }

    #[test]
    fn theory_centred_discrepancies_are_scipys() {
        // discrepancy(x, method="CD") of scipy 1.17.1 on the same points.
        for (n_points, n_axes, expected) in [
            (64, 2, 0.00024001962608743987),
            (100, 5, 0.0017136747534114427),
            (256, 5, 0.0002597808337478913),
            (1024, 21, 0.060213061802350865),
        ] {
            let found = centred_discrepancy(&sobol(n_points, n_axes, None), n_axes);
            assert!((found - expected).abs() < 1e-13, "{n_points} × {n_axes}: {found}");
        }
        let latin = latin_hypercube(32, 3, &mut rng("latin"));
        let found = centred_discrepancy(&latin, 3);
        assert!((found - 0.003546786321197537).abs() < 1e-13, "{found} of {latin:?}");
        let shifted = sobol(32, 3, Some(&mut rng("sobol")));
        let found = centred_discrepancy(&shifted, 3);
        assert!((found - 0.0017532532649207067).abs() < 1e-13, "{found} of {shifted:?}");
    }

    #[test]
    fn law_every_slice_of_every_axis_holds_one_point() {
        let slices = |design: &[f64], n_points: usize, n_axes: usize| {
            for axis in 0..n_axes {
                let mut sorted: Vec<f64> = design.iter().skip(axis).step_by(n_axes).copied().collect();
                sorted.sort_by(f64::total_cmp);
                let n = n_points as f64;
                for (k, x) in sorted.into_iter().enumerate() {
                    let (low, high) = (k as f64 / n, (k + 1) as f64 / n);
                    assert!((low..high).contains(&x), "slice {k} of {n_points} on axis {axis}: {x}");
                }
            }
        };
        for n_points in [1, 2, 7, 49, 100, 1024] {
            slices(&latin_hypercube(n_points, 30, &mut rng("slices")), n_points, 30);
        }
        for n_points in [1, 2, 64, 4096] {
            slices(&sobol(n_points, MOST_AXES, None), n_points, MOST_AXES);
            slices(&sobol(n_points, MOST_AXES, Some(&mut rng("slices"))), n_points, MOST_AXES);
        }
    }

    #[test]
    fn law_every_box_of_the_first_two_axes_holds_one_point_also_when_shifted() {
        // The first two axes are a (0, m, 2)-net: of 2ᵐ points one lies in every box of 2⁻ᵃ × 2^(a−m).
        for shifted in [false, true] {
            let mut rng = rng("boxes");
            let design = sobol(256, 2, shifted.then_some(&mut rng));
            for a in 0..=8 {
                let (columns, rows) = (1_u32 << a, 256_u32 >> a);
                let mut boxes: Vec<u32> = design
                    .chunks(2)
                    .map(|x| (x[0] * f64::from(columns)) as u32 * rows + (x[1] * f64::from(rows)) as u32)
                    .collect();
                boxes.sort_unstable();
                assert!(boxes.into_iter().eq(0..256), "{columns} × {rows}");
            }
        }
    }

    #[test]
    fn law_one_number_alone_is_that_of_the_whole_design() {
        let moves = shifts(MOST_AXES, &mut rng("alone"));
        let design = sobol(300, MOST_AXES, Some(&mut rng("alone")));
        for (at, x) in design.into_iter().enumerate() {
            let (i, axis) = (at / MOST_AXES, at % MOST_AXES);
            assert_eq!(sobol_point(i as u64, axis, moves[axis]), x);
        }
    }

    #[test]
    fn law_no_points_or_no_axes_are_an_empty_design() {
        for (n_points, n_axes) in [(0, 3), (3, 0)] {
            assert!(sobol(n_points, n_axes, None).is_empty());
            assert!(latin_hypercube(n_points, n_axes, &mut rng("empty")).is_empty());
        }
    }
}
