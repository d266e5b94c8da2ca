//! Embedding: the matrix whose columns are the concept vectors.

use nalgebra::DMatrix;

/// W, d × n: column i is the vector of concept i, and its d entries lie next to each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding(DMatrix<f32>);

impl Embedding {
    /// Takes W as d × n, one concept per column.
    pub fn new(matrix: DMatrix<f32>) -> Self {
        Self(matrix)
    }

    /// n, the number of columns.
    pub fn n_concepts(&self) -> usize {
        self.0.ncols()
    }

    /// d, the number of rows.
    pub fn d_model(&self) -> usize {
        self.0.nrows()
    }

    /// The d entries of the vector of one concept.
    pub fn column(&self, concept_idx: usize) -> &[f32] {
        let d = self.d_model();
        &self.0.as_slice()[concept_idx * d..][..d]
    }

    /// All n·d entries, concept after concept.
    pub fn as_slice(&self) -> &[f32] {
        self.0.as_slice()
    }

    /// W itself, d × n, given away.
    pub fn into_matrix(self) -> DMatrix<f32> {
        self.0
    }

    /// W less the mean of its columns; a column that has no direction from the mean is zero. O(n d) time, and the memory of a second W.
    pub fn centred(&self) -> Self {
        super::centre::about_mean(self)
    }

    /// W as a nalgebra matrix, d × n.
    pub fn matrix(&self) -> &DMatrix<f32> {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theory_a_column_is_a_concept() {
        let embedding = Embedding::new(DMatrix::from_row_slice(2, 3, &[1., 2., 3., 4., 5., 6.]));
        assert_eq!((embedding.d_model(), embedding.n_concepts()), (2, 3));
        assert_eq!(embedding.column(1), [2., 5.]);
        assert_eq!(embedding.as_slice(), [1., 4., 2., 5., 3., 6.]);
        assert_eq!(embedding.matrix()[(1, 2)], 6.);
    }
}
