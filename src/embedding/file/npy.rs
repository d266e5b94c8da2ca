//! NumPy's .npy: one array with a header that is compared with the length of the file before it is believed.
//!
//! Reference: NumPy Enhancement Proposal 1 and the documentation of `numpy.lib.format`, versions 1.0, 2.0 and 3.0.

mod header;
mod literal;
#[cfg(test)]
mod tests;

use super::error::Flaw;
use super::matrix::{Body, Dense, Matrix};
use super::source::Source;
pub(super) use header::{HEAD_BYTES, Header};

/// The array of a file.
pub(super) fn find(source: &Source) -> Result<Matrix, Flaw> {
    let header = Header::read(&source.head(HEAD_BYTES)?, source.n_bytes)?;
    Ok(header.matrix(source, 0))
}

impl Header {
    /// The array whose header begins at a byte of a file.
    pub fn matrix(&self, source: &Source, begin: u64) -> Matrix {
        let (n_lines, n_per_line) = Matrix::stored(self.n_rows, self.n_columns, self.is_fortran);
        let (source, offset) = (source.clone(), begin + self.offset);
        let dense = Dense { source, offset, scalar: self.scalar, n_per_line, buffer: Vec::new() };
        Matrix { n_lines, n_per_line, is_across: self.is_fortran, body: Body::Dense(dense) }
    }
}
