//! File: a matrix from a `.npy` file, the vectors of a real model.

use std::io::Read;
use std::path::{Path, PathBuf};

use nalgebra::DMatrix;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::npy;
use super::{Asked, Encoding, Fault, Key, Model, Size};
use crate::geometry::embedding::Embedding;
use crate::seed::Stream;

/// A matrix from a `.npy` file, as `numpy.save` writes it: rows are concepts, columns are units.
///
/// n and d come from the file; `[concepts]` and `d_model` may be left out, or must agree. Accepted are two-dimensional arrays of f32 or f64
/// in either byte order, in C or Fortran order; f64 is rounded to f32. Refused are other types (object arrays above all: reading them would run code), a
/// header that does not fit the file's length, NaN and infinities, and rows without a usable length (zero, or outside 1e-12 to 1e12).
/// O(n d) time and memory.
///
/// Source: the NPY format, NumPy Enhancement Proposal 1, versions 1.0 to 3.0.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Path of the file, relative to the folder of the scenario file.
    pub path: PathBuf,
}

impl File {
    fn located(&self, folder: &Path) -> PathBuf {
        folder.join(&self.path)
    }
}

impl Encoding for File {
    fn size(&self, asked: &Asked) -> Result<Size, Fault> {
        if self.path.as_os_str().is_empty() {
            return Err(Fault::scenario(Key::parameter("path"), "must be the path of a .npy file, got \"\""));
        }
        let header = npy::read_header(&self.located(asked.folder))?;
        asked.given(&self.path.display().to_string(), Size { n_concepts: header.n_rows, d_model: header.n_columns })
    }

    fn input(&self, folder: &Path) -> Option<PathBuf> {
        Some(self.located(folder))
    }

    fn embed(&self, model: &Model, _: &Stream, _: bool) -> Result<Embedding, Fault> {
        let path = self.located(model.folder);
        let header = npy::read_header(&path)?;
        // The file may have been replaced since it was planned with: its size then no longer is the tier's.
        let planned = (model.n_concepts as u64, model.d_model as u64);
        if (header.n_rows, header.n_columns) != planned {
            return Err(npy::NpyError::Changed { path }.into());
        }
        let entries = npy::read(&path, &header)?;
        Ok(Embedding::new(DMatrix::from_vec(model.d_model, model.n_concepts, entries)))
    }
}

/// Reads a file from beginning to end, refusing what cannot be embedded, and returns the SHA-256 of its content in hexadecimal.
///
/// O(n d) time; memory as for the embedding.
pub fn digest(path: &Path) -> Result<String, Fault> {
    npy::read(path, &npy::read_header(path)?)?;
    sha256(path)
}

/// The SHA-256 of a file's content in hexadecimal.
pub fn sha256(path: &Path) -> Result<String, Fault> {
    let mut hasher = Sha256::new();
    let unreadable = |reason| npy::NpyError::Io { path: path.to_owned(), reason };
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).map_err(unreadable)? {
            0 => break,
            n => hasher.update(&buffer[..n]),
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
