//! Decomposition: eigenvalues and singular values, with the same bits on any number of threads.
//!
//! What faer does by itself on all threads — methods and operators of matrices — is not for the engine: everything here and elsewhere says how it is shared out.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::linalg::svd::{ComputeSvdVectors, svd, svd_scratch};
use faer::{Accum, Mat, MatMut, MatRef, Par, diag::Diag};

/// What faer shares a matrix out in. The bits of a reduction to tridiagonal form depend on it, so it is not the number of threads.
const PARTS: usize = 8;

/// Computes something in 8 parts: with `parallel` on the threads of the current rayon pool, without on this one alone. To the same bits.
pub fn in_parts<T: Send>(parallel: bool, compute: impl FnOnce(Par) -> T + Send) -> T {
    if parallel { compute(Par::rayon(PARTS)) } else { spindle::with_lock(1, || compute(Par::rayon(PARTS))) }
}

/// a b, on this thread.
pub fn product(a: MatRef<f64>, b: MatRef<f64>) -> Mat<f64> {
    let mut product = Mat::zeros(a.nrows(), b.ncols());
    faer::linalg::matmul::matmul(product.as_mut(), Accum::Replace, a, b, 1.0, Par::Seq);
    product
}

/// The eigenvalues of a symmetric matrix of which the lower triangle is read, ascending; `None` if they do not converge.
///
/// 4/3 m³ operations for an m × m matrix, in a copy of it.
pub fn eigenvalues(matrix: &Mat<f64>, parallel: bool) -> Option<Vec<f64>> {
    in_parts(parallel, |par| eigen(matrix, None, par))
}

/// The same with an eigenvector in each column, on this thread: 9 m³ operations and two more copies at most.
pub fn eigenvectors(matrix: &Mat<f64>) -> Option<(Vec<f64>, Mat<f64>)> {
    let mut vectors = Mat::zeros(matrix.nrows(), matrix.nrows());
    let values = eigen(matrix, Some(vectors.as_mut()), Par::Seq)?;
    Some((values, vectors))
}

fn eigen(matrix: &Mat<f64>, vectors: Option<MatMut<f64>>, par: Par) -> Option<Vec<f64>> {
    let wanted = if vectors.is_some() { ComputeEigenvectors::Yes } else { ComputeEigenvectors::No };
    let mut values = Diag::zeros(matrix.nrows());
    let stack = &mut MemBuffer::new(self_adjoint_evd_scratch::<f64>(matrix.nrows(), wanted, par, Default::default()));
    self_adjoint_evd(matrix.as_ref(), values.as_mut(), vectors, par, MemStack::new(stack), Default::default()).ok()?;
    Some(numbers(&values))
}

/// The singular values of an m × n matrix, descending, on this thread; `None` if they do not converge. O(m n min(m, n)).
pub fn singular_values(matrix: MatRef<f64>) -> Option<Vec<f64>> {
    singular(matrix, None)
}

/// The same with min(m, n) left and right singular vectors in columns: (U, σ, V).
pub fn singular_vectors(matrix: MatRef<f64>) -> Option<(Mat<f64>, Vec<f64>, Mat<f64>)> {
    let ((m, n), size) = (matrix.shape(), matrix.nrows().min(matrix.ncols()));
    let (mut u, mut v) = (Mat::zeros(m, size), Mat::zeros(n, size));
    let values = singular(matrix, Some((u.as_mut(), v.as_mut())))?;
    Some((u, values, v))
}

fn singular(matrix: MatRef<f64>, vectors: Option<(MatMut<f64>, MatMut<f64>)>) -> Option<Vec<f64>> {
    let ((m, n), par) = (matrix.shape(), Par::Seq);
    let wanted = if vectors.is_some() { ComputeSvdVectors::Thin } else { ComputeSvdVectors::No };
    let mut values = Diag::zeros(m.min(n));
    let stack = &mut MemBuffer::new(svd_scratch::<f64>(m, n, wanted, wanted, par, Default::default()));
    let (u, v) = vectors.unzip();
    svd(matrix, values.as_mut(), u, v, par, MemStack::new(stack), Default::default()).ok()?;
    Some(numbers(&values))
}

fn numbers(diagonal: &Diag<f64>) -> Vec<f64> {
    diagonal.column_vector().iter().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (i, j) of the second difference, whose eigenvalues are known: 2 − 2 cos(π k/(m + 1)).
    fn difference(i: usize, j: usize) -> f64 {
        [2.0, -1.0].get(i.abs_diff(j)).copied().unwrap_or(0.0)
    }

    #[test]
    fn theory_eigenvalues_of_the_second_difference_after_a_reflection() {
        // Large enough for faer to share it out; H D H with H = 1 − 2uu′ has the same eigenvalues and no zeros.
        let size = 420;
        let u = Mat::from_fn(size, 1, |i, _| ((1 + i) as f64).sqrt());
        let square: f64 = (1..=size).map(|i| i as f64).sum();
        let reflection = Mat::from_fn(size, size, |i, j| f64::from(i == j) - 2.0 * u[(i, 0)] * u[(j, 0)] / square);
        let half = product(reflection.as_ref(), Mat::from_fn(size, size, difference).as_ref());
        let matrix = product(half.as_ref(), reflection.as_ref());
        let exact = (1..=size).map(|k| 2.0 - 2.0 * (std::f64::consts::PI * k as f64 / (size + 1) as f64).cos());
        for found in [eigenvalues(&matrix, false).unwrap(), eigenvectors(&matrix).unwrap().0] {
            found.iter().zip(exact.clone()).for_each(|(&found, exact)| assert!((found - exact).abs() < 1e-12));
        }
    }

    #[test]
    fn law_threads_change_no_bit() {
        let size = 700;
        let matrix = Mat::from_fn(size, size, |i, j| ((i.min(j) * 7919 + i.max(j) * 104_729) % 1009) as f64 / 1009.0);
        let bits = |values: Option<Vec<f64>>| values.unwrap().into_iter().map(f64::to_bits).collect::<Vec<_>>();
        let once = bits(eigenvalues(&matrix, false));
        for threads in [1, 2, 3, 16] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert_eq!(pool.install(|| bits(eigenvalues(&matrix, true))), once, "{threads} threads");
            assert_eq!(pool.install(|| bits(eigenvalues(&matrix, false))), once, "{threads} threads, one of them");
        }
    }
}
