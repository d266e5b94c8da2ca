//! Spectrum of an embedding, centred or not: singular values by way of the smaller Gram matrix, in f64.

use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::{Accum, Mat, MatRef, Par};

use super::decomposition;
use super::embedding::Embedding;
use super::pairs::Products;

/// Ranks that are not whole numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranks {
    /// exp(−Σ p ln p), p = σ/Σσ.
    pub effective: f64,
    /// Σσ²/σ₁².
    pub stable: f64,
    /// (Σσ²)²/Σσ⁴.
    pub participation: f64,
}

/// Entries of the centred embedding that are held in f64 at a time: 4 MiB.
const BLOCK: usize = 1 << 19;

/// Seconds that [`squares`] takes for n concepts in d units: products at 40, eigenvalues at 10 billion operations a second.
pub fn seconds(n: f64, d: f64) -> f64 {
    let (small, large) = (n.min(d), n.max(d));
    small * small * large / 40e9 + 1.34 * small * small * small / 10e9
}

/// Bytes that [`squares`] takes for n concepts in d units: one min(n, d)² matrix, twice while its eigenvalues are computed, and one block.
pub fn memory(n: usize, d: usize) -> u64 {
    let (small, large) = (n.min(d) as u64, n.max(d) as u64);
    let block = small.saturating_mul(large.min((BLOCK as u64 / small.max(1)).max(1)));
    small.saturating_mul(small).saturating_mul(2).saturating_add(block).saturating_mul(8)
}

/// Effective and stable rank of the centred embedding X̃ = W − mean, d × n, given the mean of its columns; `None` if all columns are equal.
///
/// Time and memory are those of [`squares`].
pub fn ranks(embedding: &Embedding, mean: &[f64], parallel: bool) -> Option<Ranks> {
    let (n, d) = (embedding.n_concepts(), embedding.d_model());
    ranks_of(&squares(n, d, |i, k| f64::from(embedding.column(i)[k]) - mean[k], parallel)?)
}

/// The same from products that are known already, of no more concepts than units. They have the digits of f32, so this is right to 1e-6 where no squared singular value,
/// but the one that centring makes zero, is below a thousandth of the largest; `None` where one is, or if all columns are equal.
///
/// O(n³) time, and two n² matrices of f64.
pub fn ranks_of_products(products: &Products, parallel: bool) -> Option<Ranks> {
    let n = products.n_concepts();
    let gram = Mat::from_fn(n, n, |j, i| if i <= j { products.get(i, j) } else { 0.0 });
    let mut eigenvalues = decomposition::eigenvalues(&gram, parallel)?;
    let (least, largest) = (*eigenvalues.get(1)?, *eigenvalues.last()?);
    if least < largest * 1e-3 {
        return None;
    }
    eigenvalues[0] = 0.0;
    ranks_of(&eigenvalues)
}

/// The ranks that squared singular values have.
fn ranks_of(eigenvalues: &[f64]) -> Option<Ranks> {
    let largest = eigenvalues.iter().copied().fold(0.0, f64::max);
    // Centring makes one direction exactly zero; what is left of it is rounding and counts as zero.
    let noise = largest * f64::EPSILON * eigenvalues.len() as f64;
    let squares = eigenvalues.iter().map(|&square| if square > noise { square } else { 0.0 });
    let sigmas: Vec<f64> = squares.map(f64::sqrt).collect();
    let (sum, square): (f64, f64) = (sigmas.iter().sum(), sigmas.iter().map(|s| s * s).sum());
    if sum == 0.0 || !sum.is_finite() {
        return None;
    }
    let entropy: f64 = sigmas.iter().filter(|&&s| s > 0.0).map(|s| s / sum).map(|p| -p * libm::log(p)).sum();
    let fourth: f64 = sigmas.iter().map(|s| s * s * s * s).sum();
    Some(Ranks { effective: libm::exp(entropy), stable: square / largest, participation: square * square / fourth })
}

/// Squared singular values of X, d × n, in no promised order, given its entry for each concept and unit: min(n, d) of them.
///
/// They are the eigenvalues of XᵀX or XXᵀ, whichever is smaller, so those below about 1e-16 of the largest are rounding and may be negative.
/// With `parallel` on the threads of the current rayon pool, to the same bits. O(n d min(n, d)) time; memory as [`memory`] says. `None` if the eigenvalues do not converge.
pub fn squares(n: usize, d: usize, entry: impl Fn(usize, usize) -> f64, parallel: bool) -> Option<Vec<f64>> {
    decomposition::eigenvalues(&gram(n, d, entry, parallel), parallel)
}

/// At most this is what squared singular values may be by rounding alone: 2⁻⁴⁴ of the largest, for entries that are rounded to f32, whose relative error is
/// 2⁻²⁴, or what the sums in f64 leave.
pub fn rounding(squares: &[f64]) -> f64 {
    let largest = squares.iter().copied().fold(0.0, f64::max);
    largest * (1.0 / (1u64 << 44) as f64).max(f64::EPSILON * squares.len() as f64)
}

/// Orthonormal rows that span those of X, d × n, given its entry for each concept and unit: r × n, with r the rank.
///
/// By way of the eigenvectors of the smaller Gram matrix; squared singular values up to [`rounding`] count as zero. `None` if they do not converge.
/// O(n d min(n, d)) time; the memory of [`memory`], once more min(n, d)², and r n numbers.
pub fn row_space(n: usize, d: usize, entry: impl Fn(usize, usize) -> f64) -> Option<Mat<f64>> {
    let (squares, vectors) = decomposition::eigenvectors(&gram(n, d, &entry, false))?;
    let noise = rounding(&squares);
    let kept: Vec<usize> = (0..squares.len()).filter(|&idx| squares[idx] > noise).collect();
    if n <= d {
        return Some(Mat::from_fn(kept.len(), n, |row, i| vectors[(i, kept[row])]));
    }
    let weights = Mat::from_fn(kept.len(), d, |row, k| vectors[(k, kept[row])] / squares[kept[row]].sqrt());
    let mut rows = Mat::<f64>::zeros(kept.len(), n);
    let step = (BLOCK / d.max(1)).max(1);
    for start in (0..n).step_by(step) {
        let end = (start + step).min(n);
        let block = Mat::from_fn(d, end - start, |k, i| entry(start + i, k));
        faer::linalg::matmul::matmul(
            rows.as_mut().subcols_mut(start, end - start),
            Accum::Replace,
            &weights,
            &block,
            1.0,
            Par::Seq,
        );
    }
    Some(rows)
}

/// What the directions of X, d × n, that are not centred show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Partition {
    /// min Z(c)/max Z(c) over the unit eigenvectors c of XXᵀ and their opposites, Z(c) = Σᵢ exp(c·xᵢ).
    pub ratio: f64,
    /// λ₁/Σλ.
    pub top_fraction: f64,
}

/// The partition function along the eigenvectors of XXᵀ, given the entry of X for each concept and unit.
///
/// By way of the smaller Gram matrix; along a direction that no vector has, Z = n. `None` if the eigenvalues do not converge. O(n d min(n, d)) time; the memory of
/// [`memory`], once more min(n, d)², and blocks of products of 4 MiB.
pub fn partition(n: usize, d: usize, entry: impl Fn(usize, usize) -> f64) -> Option<Partition> {
    let (squares, vectors) = decomposition::eigenvectors(&gram(n, d, &entry, false))?;
    let (noise, total) = (rounding(&squares), squares.iter().sum::<f64>());
    let kept: Vec<usize> = (0..squares.len()).filter(|&idx| squares[idx] > noise).collect();
    let r = kept.len();
    // Sums of exp(±c·x), each about the largest exponent so far.
    let mut sums = vec![[LogSum::NOTHING; 2]; r];
    let mut add = |row: usize, product: f64| {
        sums[row][0].add(product);
        sums[row][1].add(-product);
    };
    if n <= d {
        // c·xᵢ = √λ vᵢ with v the eigenvector of XᵀX.
        for (row, &idx) in kept.iter().enumerate() {
            (0..n).for_each(|i| add(row, squares[idx].sqrt() * vectors[(i, idx)]));
        }
    } else {
        let directions = Mat::from_fn(r, d, |row, k| vectors[(k, kept[row])]);
        let step = (BLOCK / d.max(1)).max(1);
        for start in (0..n).step_by(step) {
            let block = Mat::from_fn(d, (n - start).min(step), |k, i| entry(start + i, k));
            let products = decomposition::product(directions.as_ref(), block.as_ref());
            for i in 0..block.ncols() {
                (0..r).for_each(|row| add(row, products[(row, i)]));
            }
        }
    }
    let empty = (r < d).then_some(libm::log(n as f64));
    let logs = sums.iter().flatten().map(LogSum::log).chain(empty);
    let (least, most) = logs.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
    let largest = squares.iter().copied().fold(0.0, f64::max);
    Some(Partition { ratio: libm::exp(least - most), top_fraction: largest / total })
}

/// ln Σ exp(x), without overflow.
#[derive(Clone, Copy)]
struct LogSum {
    largest: f64,
    sum: f64,
}

impl LogSum {
    const NOTHING: Self = Self { largest: f64::NEG_INFINITY, sum: 0.0 };

    fn add(&mut self, x: f64) {
        if x <= self.largest {
            self.sum += libm::exp(x - self.largest);
        } else {
            self.sum = self.sum * libm::exp(self.largest - x) + 1.0;
            self.largest = x;
        }
    }

    fn log(&self) -> f64 {
        self.largest + libm::log(self.sum)
    }
}

/// The smaller of XᵀX (n × n) and XXᵀ (d × d); only the lower triangle is filled.
pub(super) fn gram(n: usize, d: usize, entry: impl Fn(usize, usize) -> f64, parallel: bool) -> Mat<f64> {
    let small = n.min(d);
    let mut gram = Mat::<f64>::zeros(small, small);
    let step = (BLOCK / small.max(1)).max(1);
    let mut block: Vec<f64> = Vec::with_capacity(small * step.min(n.max(d)));
    // Blocks stand as small × (up to step) with the small side contiguous: units [k0, k1) of all concepts, or concepts [i0, i1) whole.
    for start in (0..n.max(d)).step_by(step) {
        let end = (start + step).min(n.max(d));
        block.clear();
        for outer in start..end {
            block.extend((0..small).map(|inner| if n <= d { entry(inner, outer) } else { entry(outer, inner) }));
        }
        let part = MatRef::from_column_major_slice(&block, small, end - start);
        let (lower, full) = (BlockStructure::TriangularLower, BlockStructure::Rectangular);
        decomposition::in_parts(parallel, |par| {
            matmul(gram.as_mut(), lower, Accum::Add, part, full, part.transpose(), full, 1.0, par);
        });
    }
    gram
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DMatrix;

    fn of(matrix: DMatrix<f64>) -> Option<Ranks> {
        let mean = matrix.column_mean();
        ranks(&Embedding::new(matrix.map(|x| x as f32)), mean.as_slice(), false)
    }

    #[test]
    fn theory_axes_and_their_opposites_have_known_singular_values() {
        // Columns ±a e₁, ±b e₂: mean zero, σ = a√2, b√2.
        let (a, b) = (3.0, 1.0);
        let w = DMatrix::from_column_slice(3, 4, &[a, 0., 0., -a, 0., 0., 0., b, 0., 0., -b, 0.]);
        let entropy = -(0.75f64 * 0.75f64.ln() + 0.25 * 0.25f64.ln());
        for matrix in [w.clone(), DMatrix::from_fn(8, 4, |k, i| if k < 3 { w[(k, i)] } else { 0.0 })] {
            let ranks = of(matrix).expect("columns differ");
            assert!((ranks.effective - entropy.exp()).abs() < 1e-7, "{ranks:?}");
            assert!((ranks.stable - 10.0 / 9.0).abs() < 1e-7, "{ranks:?}");
        }
    }

    #[test]
    fn law_both_gram_matrices_have_the_same_spectrum() {
        use rand_distr::{Distribution, StandardNormal};
        let mut rng = crate::seed::Stream::from_seed(3).rng();
        for (d, n) in [(40, 700), (700, 40), (64, 65), (65, 64)] {
            let w = DMatrix::from_fn(d, n, |_, _| StandardNormal.sample(&mut rng));
            let singular = {
                let mean = w.column_mean();
                let mut centred = w.map(|x: f64| f64::from(x as f32));
                let mean = mean.map(|x| x);
                centred.column_iter_mut().for_each(|mut c| c -= &mean);
                centred.singular_values()
            };
            let sum = singular.sum();
            let effective =
                singular.iter().filter(|&&s| s > 1e-5).map(|s| s / sum).map(|p| -p * p.ln()).sum::<f64>().exp();
            let stable = singular.norm_squared() / singular.max().powi(2);
            let ranks = of(w).expect("columns differ");
            assert!((ranks.effective / effective - 1.0).abs() < 1e-6, "{d} × {n}: {ranks:?} against {effective}");
            assert!((ranks.stable / stable - 1.0).abs() < 1e-6, "{d} × {n}: {ranks:?} against {stable}");
        }
    }

    #[test]
    fn theory_ranks_of_products_are_those_of_vectors() {
        use crate::geometry::{kernel::Kernel, pairs};
        use rand_distr::{Distribution, StandardNormal};
        let mut rng = crate::seed::Stream::from_seed(3).rng();
        let wanted = pairs::Wanted { centred: true, products: true, ..Default::default() };
        let mut both = |n: usize, d: usize, rank: usize| {
            let mut normal = |_, _| StandardNormal.sample(&mut rng);
            let (a, b) = (DMatrix::<f32>::from_fn(d, rank, &mut normal), DMatrix::from_fn(rank, n, &mut normal));
            let embedding = Embedding::new(if rank < d { a * b } else { a.columns(0, n).into_owned() });
            let sums = pairs::pair_statistics(&embedding, wanted, Kernel::best(), false).centred.unwrap();
            (ranks_of_products(&sums.products.unwrap(), false), ranks(&embedding, &sums.mean, false).unwrap())
        };
        for (n, d) in [(50, 300), (300, 1100)] {
            let (quick, exact) = both(n, d, d);
            let quick = quick.expect("no direction is faint");
            for (quick, exact) in [(quick.effective, exact.effective), (quick.stable, exact.stable)] {
                assert!((quick / exact - 1.0).abs() < 1e-6, "{quick} for {exact}");
            }
        }
        // Where directions are missing, their rounding must not be taken for some.
        assert_eq!(both(50, 300, 10).0, None);
    }

    #[test]
    fn theory_equal_columns_have_no_spectrum() {
        assert_eq!(of(DMatrix::from_element(3, 5, 0.25)), None);
    }
}
