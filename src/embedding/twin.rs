//! Twin: Gaussian vectors with the mean and the covariance of a file's.

use std::path::Path;

use nalgebra::{Cholesky, DMatrix, DVector};
use rand_distr::{Distribution, StandardNormal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::file::{File, Vectors};
use super::{Asked, Encoding, Fault, Key, Model, Size, by_concept};
use crate::geometry::embedding::Embedding;
use crate::seed::Stream;

/// Gaussian vectors with the mean and the covariance of the vectors of a file: what of its overlaps is dimension and anisotropy, and no meaning.
///
/// Every concept is w = μ + L z with z of d independent standard normals, where μ is the mean of the file's n vectors and L Lᵀ their covariance C (with n in the
/// denominator), so that any number of draws has the same first and second moments on average. Whatever a measure finds in the file beyond its twin, clusters or neighbours,
/// is not in the two moments. To C is added 1e-9 of its mean diagonal, so that L exists for n ≤ d too. n and d are those of the file.
/// O(n d² + d³) time, O(n d + d²) memory.
///
/// Source: Cholesky's factor of a covariance: Golub & Van Loan (2013), Matrix Computations, section 4.2; covariance-matched surrogates: Theiler et al. (1992), Physica D 58.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Twin {
    /// The file, with the options of `embedding.file`: `{ path = "vectors.npy" }`.
    pub of: File,
}

/// What is added to the diagonal of a covariance, over its mean.
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
        (1e-9 * n * d * d + 1e-9 * d * d * d + 1e-8 * n * d, 8.0 * n * d + 24.0 * d * d)
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
        let (mean, factor) = moments(&embedding);
        drop(embedding);
        let drawn = by_concept(model, stream, parallel, |_, vector, rng| {
            // As f32, in which the sampler's last bits are the same on every machine.
            let mut normal = || {
                let normal: f32 = StandardNormal.sample(rng);
                f64::from(normal)
            };
            let normals: Vec<f64> = vector.iter().map(|_| normal()).collect();
            for (i, entry) in vector.iter_mut().enumerate() {
                let sum = (0..=i).fold(mean[i], |sum, k| sum + factor[(k, i)] * normals[k]);
                *entry = sum as f32;
            }
        });
        Ok(Vectors { dropped, ..Vectors::from(drawn) })
    }
}

/// μ, and Lᵀ of the covariance.
fn moments(embedding: &Embedding) -> (DVector<f64>, DMatrix<f64>) {
    let (d, n) = (embedding.d_model(), embedding.n_concepts() as f64);
    let mut mean = DVector::zeros(d);
    let mut covariance = DMatrix::<f64>::zeros(d, d);
    for vector in embedding.as_slice().chunks_exact(d) {
        mean.iter_mut().zip(vector).for_each(|(sum, &x)| *sum += f64::from(x) / n);
    }
    let mut centred = vec![0.0; d];
    for vector in embedding.as_slice().chunks_exact(d) {
        centred.iter_mut().zip(vector).zip(&mean).for_each(|((c, &x), mean)| *c = f64::from(x) - mean);
        for (k, mut column) in covariance.column_iter_mut().enumerate() {
            // The lower triangle is all that is read.
            let scale = centred[k] / n;
            column.rows_range_mut(k..).iter_mut().zip(&centred[k..]).for_each(|(sum, c)| *sum += scale * c);
        }
    }
    let ridge = RIDGE * covariance.trace() / d as f64;
    for k in 0..d {
        covariance[(k, k)] += ridge;
    }
    // Vectors that are all the same have no covariance at all.
    let factor = Cholesky::new(covariance).map_or_else(|| DMatrix::zeros(d, d), Cholesky::unpack);
    (mean, factor.transpose())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embedding(columns: &[[f32; 2]]) -> Embedding {
        Embedding::new(DMatrix::from_vec(2, columns.len(), columns.concat()))
    }

    #[test]
    fn theory_moments_by_hand() {
        // Mean (2, 1); deviations (−1, −1), (1, 1), (−1, 0), (1, 0): C = [[1, ½], [½, ½]], L = [[1, 0], [½, ½]].
        let (mean, factor) = moments(&embedding(&[[1.0, 0.0], [3.0, 2.0], [1.0, 1.0], [3.0, 1.0]]));
        assert_eq!(mean.as_slice(), [2.0, 1.0]);
        let expected = DMatrix::from_row_slice(2, 2, &[1.0, 0.5, 0.0, 0.5]);
        assert!((factor - expected).abs().max() < 1e-8);
        // One vector, again and again: its twin is it.
        let (mean, factor) = moments(&embedding(&[[4.0, 5.0]; 3]));
        assert!((mean - DVector::from_vec(vec![4.0, 5.0])).abs().max() < 1e-12 && factor.abs().max() < 1e-6);
    }

    #[test]
    fn theory_many_draws_have_the_moments_of_the_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        // 2000 concepts at the four corners above.
        let rows: String = (0..2000).map(|i| ["1,0\n", "3,2\n", "1,1\n", "3,1\n"][i % 4]).collect();
        std::fs::write(folder.path().join("corners.csv"), rows).expect("it can be written");
        let twin = Twin { of: File::new("corners.csv") };
        let model = Model { n_concepts: 2000, d_model: 2, params: None, folder: folder.path() };
        let drawn = twin.embed(&model, &Stream::from_seed(3), false).expect("it can be drawn");
        let (mean, factor) = moments(&drawn);
        let covariance = factor.transpose() * &factor;
        // Five standard errors: of a mean √(C/n), of a covariance at most √(2/n).
        assert!((mean - DVector::from_vec(vec![2.0, 1.0])).abs().max() < 5.0 / 2000f64.sqrt());
        let expected = DMatrix::from_row_slice(2, 2, &[1.0, 0.5, 0.5, 0.5]);
        assert!((covariance - expected).abs().max() < 5.0 * (2.0 / 2000f64).sqrt());
        assert_eq!(drawn, twin.embed(&model, &Stream::from_seed(3), true).expect("it can be drawn"));
    }
}
