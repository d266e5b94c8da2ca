//! Twin: random vectors with the mean and the covariance of a file's.

use std::path::Path;

use nalgebra::{Cholesky, DMatrix, DVector};
use rand_distr::{Distribution, StandardNormal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::file::{File, Vectors};
use super::{Asked, Encoding, Fault, Key, Model, Size, by_concept};
use crate::geometry::embedding::Embedding;
use crate::seed::{Rng, Stream};

/// Random vectors with exactly the mean and the covariance of the vectors of a file: what of its overlaps is dimension and anisotropy, and no meaning.
///
/// With the file's n centred vectors as the rows of X (n × d) and their mean μ, the twin is X′ = 1μᵀ + U A: U (n × r) is an orthonormal basis of random directions, all orthogonal to
/// the vector of ones, and AᵀA = XᵀX, so that both moments are those of the file, for few vectors too: (1/n) X′ᵀX′ is not one more sample of a covariance, but the same. For n > d, r = d and A is a
/// Cholesky factor of XᵀX (with 1e-9 of its mean diagonal added); for n ≤ d, r = n − 1 and A = BᵀX with another such basis B. For many concepts that is w = μ + L z with normal z.
/// Whatever a measure finds in the file beyond its twin, clusters or neighbours, is not in the two moments. n and d are those of the file.
/// O(n d r + d r²) time, O(n d) memory.
///
/// Source: Cholesky's factor of a covariance: Golub & Van Loan (2013), Matrix Computations, section 4.2; surrogates with the moments of the data: Theiler et al. (1992), Physica D 58;
/// an orthonormal basis from a Gram matrix: Yamamoto et al. (2015), Roundoff error analysis of the CholeskyQR2 algorithm.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Twin {
    /// The file, with the options of `embedding.file`: `{ path = "vectors.npy" }`.
    pub of: File,
}

/// What is added to the diagonal of XᵀX, over its mean.
const RIDGE: f64 = 1e-9;

impl Encoding for Twin {
    fn size(&self, asked: &Asked) -> Result<Size, Fault> {
        self.of.size(asked).map_err(|fault| match fault {
            Fault::Scenario { key: Key::Parameter(name), sentence } => {
                Fault::Scenario { key: Key::Parameter(format!("of.{name}").into()), sentence }
            }
            fault => fault,
        })
    }

    fn input(&self, folder: &Path) -> Option<File> {
        self.of.input(folder)
    }

    fn cost(&self, size: Size) -> (f64, f64) {
        let (n, d) = (size.n_concepts as f64, size.d_model as f64);
        (3e-9 * n * d * d.min(n) + 1e-9 * d * d * d.min(n) + 2e-8 * n * d, 16.0 * n * d + 32.0 * d * d)
    }

    fn roster(&self, size: Size, folder: &Path) -> Result<(u64, bool), Fault> {
        let (n_all, _) = Encoding::roster(&self.of, size, folder)?;
        Ok((n_all, false))
    }

    fn embed(&self, model: &Model, stream: &Stream, parallel: bool) -> Result<Embedding, Fault> {
        Ok(self.embed_named(model, stream, parallel)?.embedding)
    }

    /// A draw stands in the place of a vector of the file, and has no name.
    fn embed_named(&self, model: &Model, stream: &Stream, parallel: bool) -> Result<Vectors, Fault> {
        let Vectors { embedding, dropped, .. } = self.of.located(model.folder).read()?;
        let (n, d) = (embedding.n_concepts(), embedding.d_model());
        let basis = |stream: &Stream| -> Result<DMatrix<f64>, Fault> {
            // As f32, in which the sampler's last bits are the same on every machine.
            let draw = |_, vector: &mut [f32], rng: &mut Rng| vector.fill_with(|| StandardNormal.sample(rng));
            Ok(orthonormal(&by_concept(model, stream, parallel, draw), d.min(n - 1)))
        };
        let mean = mean(&embedding);
        let factor = if n > d {
            factor(&embedding, &mean)
        } else {
            let basis = basis(&stream.stream("basis"))?;
            let mut factor = DMatrix::zeros(d, basis.nrows());
            for (vector, along) in embedding.as_slice().chunks_exact(d).zip(basis.column_iter()) {
                for (mut column, along) in factor.column_iter_mut().zip(along.iter()) {
                    let centred = vector.iter().zip(&mean).map(|(&x, mean)| f64::from(x) - mean);
                    column.iter_mut().zip(centred).for_each(|(sum, x)| *sum += along * x);
                }
            }
            factor
        };
        drop(embedding);
        let basis = basis(stream)?;
        let mut twin = Vec::with_capacity(n * d);
        let mut vector = vec![0.0; d];
        for along in basis.column_iter() {
            vector.copy_from_slice(mean.as_slice());
            for (column, along) in factor.column_iter().zip(along.iter()) {
                vector.iter_mut().zip(column.iter()).for_each(|(sum, x)| *sum += along * x);
            }
            twin.extend(vector.iter().map(|&x| x as f32));
        }
        Ok(Vectors { dropped, ..Vectors::from(Embedding::new(DMatrix::from_vec(d, n, twin))) })
    }
}

/// The first r numbers of n random vectors as columns (r × n), turned and stretched into an orthonormal set of r rows, each orthogonal to the ones.
///
/// By the Gram matrix of what is centred, twice: the second time for what the first has rounded.
fn orthonormal(drawn: &Embedding, r: usize) -> DMatrix<f64> {
    let n = drawn.n_concepts();
    let mut basis = DMatrix::from_fn(r, n, |k, i| f64::from(drawn.column(i)[k]));
    for _ in 0..2 {
        for mut row in basis.row_iter_mut() {
            let mean = row.iter().sum::<f64>() / n as f64;
            row.iter_mut().for_each(|x| *x -= mean);
        }
        let mut gram = DMatrix::zeros(r, r);
        basis.column_iter().for_each(|vector| add_outer(&mut gram, vector.as_slice(), 1.0));
        // Numbers from a continuous distribution are linearly independent.
        if let Some(factor) = Cholesky::new(gram) {
            factor.l().solve_lower_triangular_mut(&mut basis);
        }
    }
    basis
}

/// Adds the lower triangle of scale · vvᵀ.
fn add_outer(matrix: &mut DMatrix<f64>, vector: &[f64], scale: f64) {
    for (k, mut column) in matrix.column_iter_mut().enumerate() {
        let scale = scale * vector[k];
        column.rows_range_mut(k..).iter_mut().zip(&vector[k..]).for_each(|(sum, x)| *sum += scale * x);
    }
}

/// μ.
fn mean(embedding: &Embedding) -> DVector<f64> {
    let (d, n) = (embedding.d_model(), embedding.n_concepts() as f64);
    let mut mean = DVector::zeros(d);
    for vector in embedding.as_slice().chunks_exact(d) {
        mean.iter_mut().zip(vector).for_each(|(sum, &x)| *sum += f64::from(x) / n);
    }
    mean
}

/// Lower triangle L with L Lᵀ = XᵀX of the centred vectors, d × d.
fn factor(embedding: &Embedding, mean: &DVector<f64>) -> DMatrix<f64> {
    let d = embedding.d_model();
    let mut gram = DMatrix::<f64>::zeros(d, d);
    let mut centred = vec![0.0; d];
    for vector in embedding.as_slice().chunks_exact(d) {
        centred.iter_mut().zip(vector).zip(mean).for_each(|((c, &x), mean)| *c = f64::from(x) - mean);
        add_outer(&mut gram, &centred, 1.0);
    }
    let ridge = RIDGE * gram.trace() / d as f64;
    for k in 0..d {
        gram[(k, k)] += ridge;
    }
    // Vectors that are all the same have no covariance at all.
    Cholesky::new(gram).map_or_else(|| DMatrix::zeros(d, d), Cholesky::unpack)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn twin_of(rows: &str, n_concepts: usize, d_model: usize, parallel: bool) -> Embedding {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("of.csv"), rows).expect("it can be written");
        let model = Model { n_concepts, d_model, params: None, folder: folder.path() };
        let twin = Twin { of: File::new("of.csv") };
        twin.embed(&model, &Stream::from_seed(3), parallel).expect("it can be drawn")
    }

    /// XᵀX of the centred vectors, both triangles.
    fn scatter(embedding: &Embedding) -> DMatrix<f64> {
        let mean = mean(embedding);
        let (d, n) = (embedding.d_model(), embedding.n_concepts());
        let x = DMatrix::from_fn(d, n, |k, i| f64::from(embedding.column(i)[k]) - mean[k]);
        &x * x.transpose()
    }

    #[test]
    fn theory_a_factor_by_hand() {
        // Mean (2, 1); deviations (−1, −1), (1, 1), (−1, 0), (1, 0): XᵀX = [[4, 2], [2, 2]], L = [[2, 0], [1, 1]].
        let columns = [[1.0, 0.0], [3.0, 2.0], [1.0, 1.0], [3.0, 1.0]];
        let embedding = Embedding::new(DMatrix::from_vec(2, 4, columns.concat()));
        let mean = mean(&embedding);
        assert_eq!(mean.as_slice(), [2.0, 1.0]);
        let expected = DMatrix::from_row_slice(2, 2, &[2.0, 0.0, 1.0, 1.0]);
        assert!((factor(&embedding, &mean) - expected).abs().max() < 1e-8);
        // One vector, again and again: its twin is it.
        let same = twin_of("4,5\n4,5\n4,5\n", 3, 2, false);
        assert!((0..3).all(|i| (same.column(i)[0] - 4.0).abs() < 1e-3 && (same.column(i)[1] - 5.0).abs() < 1e-3));
    }

    #[test]
    fn theory_the_moments_are_those_of_the_file_and_nothing_else_is() {
        // Many vectors at four corners, and fewer vectors than units, of whole numbers without an order.
        let corners: Vec<Vec<f32>> =
            (0..200).map(|i| [[1.0, 0.0], [3.0, 2.0], [1.0, 1.0], [3.0, 1.0]][i % 4].to_vec()).collect();
        let few: Vec<Vec<f32>> = (0..7_u32)
            .map(|i| (0..9_u32).map(|k| (i * i * 31 + i * k * k * 17 + k * 5) as f32 % 23.0).collect())
            .collect();
        for rows in [corners, few] {
            let (n, d) = (rows.len(), rows[0].len());
            let of = Embedding::new(DMatrix::from_vec(d, n, rows.concat()));
            let line = |row: &Vec<f32>| row.iter().map(f32::to_string).collect::<Vec<_>>().join(",") + "\n";
            let text: String = rows.iter().map(line).collect();
            let twin = twin_of(&text, n, d, false);
            let scale = scatter(&of).abs().max();
            assert!((scatter(&twin) - scatter(&of)).abs().max() < 1e-5 * scale);
            assert!((mean(&twin) - mean(&of)).abs().max() < 1e-5 * scale.sqrt());
            // No vector is where it was.
            assert!((0..n).all(|i| twin.column(i) != of.column(i)));
            assert_eq!(twin, twin_of(&text, n, d, true));
        }
        // Of vectors in one direction away from each other nothing but that is left: Gaussian within it.
        let line: String = (0..1000).map(|i| format!("{},{}\n", [1, -1][i % 2], [2, -2][i % 2])).collect();
        let twin = twin_of(&line, 1000, 2, false);
        let first: Vec<f64> = (0..1000).map(|i| f64::from(twin.column(i)[0])).collect();
        let moment = |p: i32| first.iter().map(|x| x.powi(p)).sum::<f64>() / 1000.0;
        // The variance is 1 exactly; the fourth moment is 1 in the file and 3 of a Gaussian, to five standard errors of √(96/1000).
        assert!((moment(2) - 1.0).abs() < 1e-4 && (moment(4) - 3.0).abs() < 5.0 * 0.31, "{}", moment(4));
        assert!((0..1000).all(|i| (twin.column(i)[1] - 2.0 * twin.column(i)[0]).abs() < 1e-3));
    }
}
