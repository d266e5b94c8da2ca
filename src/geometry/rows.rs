//! Rows: the cosines of some of the concepts with all others, for a sample of what the pair statistics sum over all.

use super::{
    columns,
    embedding::Embedding,
    kernel::{Dots, Kernel, Task},
    lift,
    panels::{PANEL, Panels},
    reduction::{LANES, total},
    strip,
};
use rayon::prelude::*;

/// Sums over the n − 1 cosines of one concept with the others.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Row {
    /// Σ cos.
    pub sum_cos: f64,
    /// Σ |cos|.
    pub sum_abs_cos: f64,
    /// Σ cos².
    pub sum_cos2: f64,
    /// max |cos|.
    pub max_abs_cos: f64,
}

/// The sums of the columns that are asked, in that order: of n ≥ 1 columns of d ≥ 1 finite entries, none of them zero.
///
/// The cosines are those of the pair statistics, but for the order in which the two lengths divide. O(N n d) time for N columns, O(n d) memory; neither the kernel nor the pool can change a bit.
///
/// # Panics
/// Without columns or rows, and if this processor cannot run the kernel.
pub fn rows(embedding: &Embedding, asked: &[usize], kernel: Kernel, parallel: bool) -> Vec<Row> {
    let square_norms = columns::square_norms(embedding, kernel, parallel);
    let units = lift::units(&square_norms);
    let inverse = lift::inverse_norms(&square_norms, units.as_deref());
    let columns = Panels::new(embedding, units.as_deref(), parallel);
    let of_asked: Option<Vec<f64>> = units.map(|units| asked.iter().map(|&i| units[i]).collect());
    let rows = Embedding::new(embedding.matrix().select_columns(asked));
    let rows = Panels::new(&rows, of_asked.as_deref(), parallel);
    let of = |strip| kernel.run(Strip { columns: &columns, rows: &rows, inverse: &inverse, asked, strip });
    let n_strips = strip::n_strips(&rows);
    let found: Vec<Vec<Row>> =
        if parallel { (0..n_strips).into_par_iter().map(of).collect() } else { (0..n_strips).map(of).collect() };
    found.concat()
}

/// Some rows against all columns, to be run by a kernel.
struct Strip<'a> {
    columns: &'a Panels,
    rows: &'a Panels,
    inverse: &'a [f64],
    asked: &'a [usize],
    strip: usize,
}

/// The sums of a row in lanes.
#[derive(Clone, Copy, Default)]
struct Sums {
    cos: [f64; LANES],
    abs_cos: [f64; LANES],
    cos2: [f64; LANES],
    max_abs_cos: [f64; LANES],
}

impl Task for Strip<'_> {
    type Output = Vec<Row>;

    #[inline(always)]
    fn run(self, dots: Dots) -> Vec<Row> {
        let Self { columns, rows, inverse, asked, strip } = self;
        let range = strip::rows_of(rows, strip);
        let mut sums = vec![Sums::default(); range.len()];
        let mut scales = [0.0; PANEL];
        let mut scaled = usize::MAX;
        strip::sweep(dots, rows, columns, strip, |block, first, panel| {
            if scaled != panel {
                // Absent columns have no cosine.
                let present = &inverse[panel * PANEL..columns.n_concepts().min((panel + 1) * PANEL)];
                scales = [0.0; PANEL];
                scales[..present.len()].copy_from_slice(present);
                scaled = panel;
            }
            for ((row, products), sums) in (first..).zip(&mut block.0).zip(&mut sums[first - range.start..]) {
                let own = asked[row];
                if own / PANEL == panel {
                    products[own % PANEL] = 0.0;
                }
                let (factor, mut s) = (inverse[own], *sums);
                for c in (0..PANEL).step_by(LANES) {
                    for l in 0..LANES {
                        let cos = f64::from(products[c + l]) * factor * scales[c + l];
                        let abs = cos.abs();
                        s.cos[l] += cos;
                        s.abs_cos[l] += abs;
                        s.cos2[l] += cos * cos;
                        s.max_abs_cos[l] = if abs > s.max_abs_cos[l] { abs } else { s.max_abs_cos[l] };
                    }
                }
                *sums = s;
            }
        });
        let row = |sums: Sums| Row {
            sum_cos: total(sums.cos),
            sum_abs_cos: total(sums.abs_cos),
            sum_cos2: total(sums.cos2),
            max_abs_cos: sums.max_abs_cos.into_iter().fold(0.0, f64::max),
        };
        sums.into_iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::pairs::{Wanted, pair_statistics};
    use crate::seed::Stream;
    use nalgebra::DMatrix;
    use rand_distr::{Distribution, StandardNormal};

    #[test]
    fn law_all_rows_are_all_pairs_twice() {
        for (n, d) in [(1, 2), (2, 3), (49, 7), (193, 600), (400, 5)] {
            let mut rng = Stream::from_seed(9).rng();
            let embedding = Embedding::new(DMatrix::from_fn(d, n, |_, _| {
                0.2 + Distribution::<f32>::sample(&StandardNormal, &mut rng)
            }));
            let asked: Vec<usize> = (0..n).rev().collect();
            let found = rows(&embedding, &asked, Kernel::Scalar, false);
            for kernel in Kernel::available() {
                assert_eq!(rows(&embedding, &asked, kernel, false), found, "{kernel}");
                assert_eq!(rows(&embedding, &asked, kernel, true), found, "{kernel}, shared");
            }
            let some = rows(&embedding, &[n / 2], Kernel::best(), false);
            assert_eq!(some[0], found[n - 1 - n / 2]);
            if n > 1 {
                let all = pair_statistics(&embedding, Wanted::default(), Kernel::best(), false);
                let sum = |number: fn(&Row) -> f64| found.iter().map(number).sum::<f64>() / 2.0;
                // Over all pairs the sum of cosines comes from the vectors, without the roundings of products in f32.
                for (found, all, tolerance) in [
                    (sum(|row| row.sum_cos), all.sum_cos, 1e-7),
                    (sum(|row| row.sum_abs_cos), all.sum_abs_cos, 1e-10),
                    (sum(|row| row.sum_cos2), all.sum_cos2, 1e-10),
                ] {
                    assert!((found - all).abs() < tolerance * n as f64 * n as f64, "{n} {d}: {found} {all}");
                }
                let largest = found.iter().map(|row| row.max_abs_cos).fold(0.0, f64::max);
                assert!((largest - all.max_abs_cos).abs() <= f64::EPSILON, "{largest} {}", all.max_abs_cos);
            }
        }
    }
}
