//! File: a matrix from a file, the vectors of a real model.

mod error;
mod format;
mod lines;
mod matrix;
mod names;
mod npy;
mod npz;
mod safetensors;
mod scalar;
mod shards;
mod source;
mod table;
mod take;
mod tensors;
mod text;
mod word2vec;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nalgebra::DMatrix;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Asked, Encoding, Fault, Key, Model, Size};
use crate::geometry::embedding::Embedding;
use crate::quantity::Count;
use crate::seed::Stream;

use error::Flaw;
pub use error::ReadError;
use matrix::Matrix;
use source::{Origin, Source};
use take::{How, Picked, Taken, take};

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
/// O(n d) time, the matrix and at most 64 MB of memory. Text without a first line of n and d is read through once more to plan with, and so is any file with `drop`.
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
    /// Path of a text file with the name of one concept on each line, for all concepts of the file; relative to the folder of the scenario file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<PathBuf>,
    /// Heading of the column of a CSV or TSV that holds the names. Left out: the first column, if it does not hold numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_column: Option<String>,
    /// Which concepts to leave out and to count, where otherwise the file is refused.
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
}

impl Vectors {
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

    /// n and d of what [`File::read`] will give; no vector is kept.
    ///
    /// Reads the header where there is one; a text without a first line of n and d, and any file of which concepts are dropped, is read through: O(n d) time, O(n) memory.
    pub fn shape(&self) -> Result<Size, ReadError> {
        self.shape_of(&Origin::Path(self.path.clone()))
    }

    /// The vectors, checked. O(n d) time; memory is the matrix, the names, and at most 64 MB.
    pub fn read(&self) -> Result<Vectors, ReadError> {
        self.read_of(&Origin::Path(self.path.clone()))
    }

    /// The same of bytes that stand in the place of the file: for tests, which try many.
    #[doc(hidden)]
    pub fn read_bytes(&self, bytes: &[u8]) -> Result<Vectors, ReadError> {
        self.read_of(&Origin::Bytes(self.path.clone(), Arc::from(bytes)))
    }

    /// The same of bytes that stand in the place of the file.
    #[doc(hidden)]
    pub fn shape_of_bytes(&self, bytes: &[u8]) -> Result<Size, ReadError> {
        self.shape_of(&Origin::Bytes(self.path.clone(), Arc::from(bytes)))
    }

    fn shape_of(&self, origin: &Origin) -> Result<Size, ReadError> {
        let found = self.find(origin)?;
        let fail = |flaw| ReadError::new(&found.path, flaw);
        let picked = found.picked(self).map_err(fail)?;
        let d_model = if found.is_flipped(self) { found.matrix.n_lines } else { found.matrix.n_per_line };
        let n_concepts = match self.drop.is_empty() {
            true => picked.n,
            false => {
                take(found.matrix, picked, self.how(false), None).map_err(|flaw| ReadError::new(&found.path, flaw))?.n
            }
        };
        Ok(Size { n_concepts, d_model })
    }

    fn read_of(&self, origin: &Origin) -> Result<Vectors, ReadError> {
        let found = self.find(origin)?;
        let fail = |flaw| ReadError::new(&found.path, flaw);
        let picked = found.picked(self).map_err(fail)?;
        let names = self.names(&found, picked)?;
        let (path, tensor) = (found.path, found.tensor);
        let Taken { values, names, n, n_zero, n_nonfinite } = take(found.matrix, picked, self.how(true), names)
            .map_err(|flaw| {
                let flaw = match &tensor {
                    Some(tensor) => flaw.of(tensor),
                    None => flaw,
                };
                ReadError::new(&path, flaw)
            })?;
        let n = n as usize;
        let embedding = Embedding::new(DMatrix::from_vec(values.len() / n, n, values));
        Ok(Vectors { embedding, names, n_zero, n_nonfinite })
    }

    fn how(&self, keep: bool) -> How<'_> {
        How { transpose: self.transpose, drop: &self.drop, keep }
    }

    /// The names of the wanted concepts, from the file of names or from the headings of a table that is transposed.
    fn names(&self, found: &Found, picked: Picked) -> Result<Option<Vec<String>>, ReadError> {
        let all = match (&self.names, &found.headings) {
            (Some(path), _) => {
                let source = Origin::Path(path.clone()).open()?;
                Some(names::read(&source, found.n_concepts(self)).map_err(|flaw| ReadError::new(path, flaw))?)
            }
            (None, Some(headings)) if self.transpose => Some(headings.clone()),
            (None, _) => None,
        };
        let wanted = |all: Vec<String>| {
            let from = all.into_iter().skip(picked.from as usize);
            from.step_by(picked.step as usize).take(picked.n as usize).collect()
        };
        Ok(all.map(wanted))
    }

    /// The matrix that is meant, its size held against the file.
    fn find(&self, origin: &Origin) -> Result<Found, ReadError> {
        let source = origin.open()?;
        let path = origin.path();
        let fail = |flaw| ReadError::new(path, flaw);
        let ending = path.extension().and_then(|ending| ending.to_str());
        let (format, is_index) = format::tell(&source, ending, self.format).map_err(fail)?;
        if is_index {
            let (file, tensor) = shards::find(&source, self.tensor.as_deref()).map_err(fail)?;
            let shard = origin.beside(&file);
            let source = shard.open()?;
            let found = safetensors::find(&source, Some(&tensor));
            let (matrix, _) = found.map_err(|flaw| ReadError::new(shard.path(), flaw))?;
            return Ok(Found { path: shard.path().to_owned(), tensor: Some(tensor), matrix, headings: None });
        }
        let within = self.find_in(&source, format).map_err(fail)?;
        Ok(Found { path: path.to_owned(), ..within })
    }

    fn find_in(&self, source: &Source, format: Format) -> Result<Found, Flaw> {
        let is_table = matches!(format, Format::Csv | Format::Tsv);
        let has_tensors = matches!(format, Format::Npz | Format::Safetensors);
        if self.tensor.is_some() && !has_tensors {
            return Err(Flaw::unasked("tensor", "holds one matrix without a name; leave tensor out"));
        }
        if self.name_column.is_some() && !is_table {
            return Err(Flaw::unasked("name_column", "is no table with headings; leave name_column out"));
        }
        // What is behind the last concept that is wanted is not read.
        let limit = self.rows.as_ref().and_then(|rows| rows.to).filter(|_| !self.transpose);
        let tensor = self.tensor.as_deref();
        let plain = |matrix| Found { path: PathBuf::new(), tensor: None, matrix, headings: None };
        let named = |(matrix, name)| Found { tensor: Some(name), ..plain(matrix) };
        let table = |separator| {
            let (matrix, headings) = table::find(source, separator, self.name_column.as_deref(), limit)?;
            Ok(Found { headings, ..plain(matrix) })
        };
        match format {
            Format::Npy => npy::find(source).map(plain),
            Format::Npz => npz::find(source, tensor).map(named),
            Format::Safetensors => safetensors::find(source, tensor).map(named),
            Format::Text => text::find(source, limit).map(plain),
            Format::Word2vec => word2vec::find(source).map(plain),
            Format::Csv => table(b','),
            Format::Tsv => table(b'\t'),
        }
    }

    /// The SHA-256 in hexadecimal of the content that the vectors come from: of the file, or of index and shard of a sharded model.
    ///
    /// O(n d) time, 1 MB of memory.
    pub fn digest(&self) -> Result<String, ReadError> {
        let origin = Origin::Path(self.path.clone());
        let own = sha256(&self.path)?;
        let found = self.find(&origin)?;
        if found.path == self.path {
            return Ok(own);
        }
        Ok(hexadecimal(Sha256::digest(own + &sha256(&found.path)?).as_ref()))
    }
}

/// The matrix that is meant, in the file that holds it.
struct Found {
    path: PathBuf,
    /// Its name, where it was told.
    tensor: Option<String>,
    matrix: Matrix,
    /// The headings of the units of a table.
    headings: Option<Vec<String>>,
}

impl Found {
    /// Whether the lines of the file are units and not concepts.
    fn is_flipped(&self, file: &File) -> bool {
        self.matrix.is_across != file.transpose
    }

    fn n_concepts(&self, file: &File) -> u64 {
        if self.is_flipped(file) { self.matrix.n_per_line } else { self.matrix.n_lines }
    }

    fn picked(&self, file: &File) -> Result<Picked, Flaw> {
        Picked::new(file.rows.as_ref(), self.n_concepts(file), if file.transpose { "column" } else { "row" })
    }
}

impl Encoding for File {
    fn size(&self, asked: &Asked) -> Result<Size, Fault> {
        if self.path.as_os_str().is_empty() {
            return Err(Fault::scenario(Key::parameter("path"), "must be the path of a file of vectors, got \"\""));
        }
        let size = self.located(asked.folder).shape().map_err(|error| match error.parameter() {
            Some(parameter) => Fault::scenario(Key::parameter(parameter), format!("does not fit: {}", error.clause())),
            None => error.into(),
        })?;
        asked.given(&self.path.display().to_string(), size)
    }

    fn input(&self, folder: &Path) -> Option<File> {
        Some(self.located(folder))
    }

    fn embed(&self, model: &Model, _: &Stream, _: bool) -> Result<Embedding, Fault> {
        let file = self.located(model.folder);
        let Vectors { embedding, .. } = file.read()?;
        // The file may have been replaced since it was planned with: its size then no longer is the tier's.
        if (embedding.n_concepts(), embedding.d_model()) != (model.n_concepts, model.d_model) {
            return Err(ReadError::changed(file.path).into());
        }
        Ok(embedding)
    }
}

/// The SHA-256 of a file's content in hexadecimal.
fn sha256(path: &Path) -> Result<String, ReadError> {
    let mut hasher = Sha256::new();
    let unreadable = |error: std::io::Error| ReadError::new(path, error.into());
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).map_err(unreadable)? {
            0 => break,
            n => hasher.update(&buffer[..n]),
        }
    }
    Ok(hexadecimal(hasher.finalize().as_ref()))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
