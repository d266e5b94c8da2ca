//! File: a matrix from a file, the vectors of a real model.

mod error;
mod format;
mod known;
mod lines;
mod matrix;
mod names;
mod npy;
mod npz;
mod read;
mod safetensors;
mod scalar;
mod shards;
mod source;
mod table;
mod take;
mod tensors;
mod text;
mod word2vec;

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Asked, Encoding, Fault, Key, Model, Size};
use crate::geometry::embedding::Embedding;
use crate::quantity::Count;
use crate::seed::Stream;

pub use error::ReadError;

/// A matrix from a file, the vectors of a real model: rows are concepts, columns are units.
///
/// n and d come from the file; `[concepts]` and `d_model` may be left out, or must agree. Read are NumPy's `.npy` and `.npz`, `.safetensors` and, by the index
/// `model.safetensors.index.json`, a model in several of them; the words of word2vec (text and binary), GloVe and fastText; and tables, `.csv` and `.tsv`. Numbers are floats of
/// 16 bits (IEEE, and bfloat16 in `.safetensors`), 32 bits or 64 bits, in either byte order and in C or Fortran order; all become f32, 64 bits by rounding.
///
/// Nothing that a file says of itself is believed before it is held against the file's length. Refused are pickles and object arrays (reading them would run code),
/// other types, tensors that lie over each other, checksums that do not agree, rows of unequal length, and an index that names another folder; NaN and infinities, and rows without a usable length (zero, or
/// outside 1e-12 to 1e12), unless `drop` leaves them out.
///
/// O(n d) time; in memory are the matrix, once, and some MB; of a file full of zeros nothing is kept before it is refused. Text without a first line of n and d is read through once more to plan with, and so is any file with `drop`.
///
/// Source: the NPY format, NumPy Enhancement Proposal 1, versions 1.0 to 3.0; the safetensors format of Hugging Face; the file formats of the word2vec, GloVe and fastText programs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Path of the file, relative to the folder of the scenario file.
    pub path: PathBuf,
    /// How the file is written. Left out: by its content, and where that does not tell, by its ending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// Name of the matrix in a file that holds several (.npz, .safetensors). Left out: the only matrix of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tensor: Option<String>,
    /// Which concepts: `{ from = 0, to = 1000, step = 10 }`, counted in rows (with `transpose` in columns) of the file. Left out: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<Rows>,
    /// Whether the columns of the file are the concepts.
    #[serde(default, skip_serializing_if = "is_false")]
    pub transpose: bool,
    /// Whether the mean of the vectors that are taken is subtracted from each, so that all measures are of what is left. A vector that does not differ from the mean is then zero, and not represented.
    #[serde(default, skip_serializing_if = "is_false")]
    pub centre: bool,
    /// Path of a text file with the name of one concept on each line, for all concepts of the file; relative to the folder of the scenario file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<PathBuf>,
    /// Heading of the column of a CSV or TSV that holds the names. Left out: the first column, if it does not hold numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_column: Option<String>,
    /// Which concepts to leave out, where otherwise the file is refused. The column `n_dropped` counts them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drop: Vec<Dropped>,
}

/// How a file of vectors is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// One array, as `numpy.save` writes it.
    Npy,
    /// Several arrays, as `numpy.savez` and `numpy.savez_compressed` write them.
    Npz,
    /// Several tensors; the path of a sharded model is that of its index, `model.safetensors.index.json`.
    Safetensors,
    /// One line for each word: the word, then its numbers, with or without a first line of n and d (word2vec, GloVe, fastText).
    Text,
    /// The binary form of word2vec.
    Word2vec,
    /// Comma-separated values, with or without headings, with or without a column of names.
    Csv,
    /// The same, separated by tabs.
    Tsv,
}

/// Every `step`-th concept, from `from` up to but not including `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    /// The first, from 0.
    #[serde(default)]
    pub from: u64,
    /// The one before which it ends. Left out: the end of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
    /// 1 takes each, 2 every second.
    #[serde(default = "one")]
    pub step: Count,
}

/// A concept that may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dropped {
    /// Its vector is zero in 32-bit floats.
    Zero,
    /// Its vector has a value that is not finite in 32-bit floats.
    Nonfinite,
}

/// What was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Vectors {
    /// W, d × n: one column for each concept that was taken and not dropped.
    pub embedding: Embedding,
    /// Their names, n of them, where the file has names or a file of names was given. They need not be distinct.
    pub names: Option<Vec<String>>,
    /// Concepts that were left out because they are zero.
    pub n_zero: u64,
    /// Concepts that were left out because they are not finite.
    pub n_nonfinite: u64,
    /// The numbers of those that were left out, among all that were taken, ascending.
    pub dropped: Vec<u64>,
}

impl From<Embedding> for Vectors {
    /// Vectors without names, all of them.
    fn from(embedding: Embedding) -> Self {
        Self { embedding, names: None, n_zero: 0, n_nonfinite: 0, dropped: Vec::new() }
    }
}

impl Vectors {
    /// Concepts, those that were left out included.
    pub fn n_all(&self) -> u64 {
        self.embedding.n_concepts() as u64 + self.n_dropped()
    }

    /// Concepts that were left out.
    pub fn n_dropped(&self) -> u64 {
        self.n_zero + self.n_nonfinite
    }
}

fn one() -> Count {
    Count::new(1).expect("1 is a count")
}

fn is_false(value: &bool) -> bool {
    !value
}

impl File {
    /// All of a file, told by its content.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }

    /// The same, with its paths beginning in `folder`.
    pub fn located(&self, folder: &Path) -> Self {
        Self {
            path: folder.join(&self.path),
            names: self.names.as_ref().map(|names| folder.join(names)),
            ..self.clone()
        }
    }
}

impl Encoding for File {
    fn size(&self, asked: &Asked) -> Result<Size, Fault> {
        if self.path.as_os_str().is_empty() {
            return Err(Fault::scenario(Key::parameter("path"), "must be the path of a file of vectors, got \"\""));
        }
        let file = self.located(asked.folder);
        let size = known::size(&file, &file.path, || file.shape()).map_err(|error| match error.parameter() {
            Some(parameter) => Fault::scenario(Key::parameter(parameter), format!("does not fit: {}", error.clause())),
            None => error.into(),
        })?;
        asked.given(&self.path.display().to_string(), size)
    }

    fn input(&self, folder: &Path) -> Option<File> {
        Some(self.located(folder))
    }

    fn cost(&self, size: Size) -> (f64, f64) {
        let n_values = size.n_concepts as f64 * size.d_model as f64;
        let (seconds, bytes) = (3e-9 * n_values + 1e-6 * size.n_concepts as f64, 4.0 * n_values);
        // Where the mean is subtracted, the matrix is there twice.
        if self.centre { (2.0 * seconds, 2.0 * bytes) } else { (seconds, bytes) }
    }

    fn roster(&self, _: Size, folder: &Path) -> Result<(u64, bool), Fault> {
        Ok(self.located(folder).roster()?)
    }

    fn embed(&self, model: &Model, stream: &Stream, parallel: bool) -> Result<Embedding, Fault> {
        Ok(self.embed_named(model, stream, parallel)?.embedding)
    }

    fn embed_named(&self, model: &Model, _: &Stream, _: bool) -> Result<Vectors, Fault> {
        let file = self.located(model.folder);
        let vectors = file.read()?;
        let embedding = &vectors.embedding;
        // The file may have been replaced since it was planned with: its size then no longer is the tier's.
        if (embedding.n_concepts(), embedding.d_model()) != (model.n_concepts, model.d_model) {
            return Err(ReadError::changed(file.path).into());
        }
        Ok(vectors)
    }
}
