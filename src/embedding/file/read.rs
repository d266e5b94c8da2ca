//! Read: from a path and what is asked to the vectors.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nalgebra::DMatrix;
use sha2::{Digest, Sha256};

use super::error::{Flaw, ReadError};
use super::matrix::{Body, Matrix};
use super::source::{Origin, Source};
use super::take::{How, Picked, Taken, take};
use super::{File, Format, Rows, Vectors, one};
use super::{format, known, names, npy, npz, safetensors, shards, table, text, word2vec};
use crate::embedding::Size;
use crate::geometry::embedding::Embedding;
use crate::seed::hexadecimal;

impl File {
    /// n and d of what [`File::read`] will give; no vector is kept.
    ///
    /// Reads the header where there is one; a text without a first line of n and d, and any file of which concepts are dropped, is read through: O(n d) time, O(n) memory.
    pub fn shape(&self) -> Result<Size, ReadError> {
        self.shape_of(&Origin::Path(self.path.clone()))
    }

    /// The vectors, checked. O(n d) time; memory is the matrix, the names, and some MB; for the largest headers that are read, 100 MB.
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
        let picked = found.picked(self)?;
        let d_model = if found.is_flipped(self) { found.matrix.n_lines } else { found.matrix.n_per_line };
        let n_concepts = match self.drop.is_empty() {
            true => picked.n,
            false => self.take(found, picked, None, false)?.n,
        };
        Ok(Size { n_concepts, d_model })
    }

    fn read_of(&self, origin: &Origin) -> Result<Vectors, ReadError> {
        let found = self.find(origin)?;
        let picked = found.picked(self)?;
        let names = self.names(&found, picked)?;
        let Taken { values, names, n, n_zero, n_nonfinite, dropped } = self.take(found, picked, names, true)?;
        let n = n as usize;
        let embedding = Embedding::new(DMatrix::from_vec(values.len() / n, n, values));
        let embedding = if self.centre { embedding.centred() } else { embedding };
        Ok(Vectors { embedding, names, n_zero, n_nonfinite, dropped })
    }

    fn take(&self, found: Found, picked: Picked, names: Option<Vec<String>>, keep: bool) -> Result<Taken, ReadError> {
        let Found { path, tensor, matrix, .. } = found;
        let how = How { transpose: self.transpose, drop: &self.drop, keep };
        take(matrix, picked, how, names).map_err(|flaw| match tensor {
            Some(tensor) => ReadError::new(&path, flaw.of(&tensor)),
            None => ReadError::new(&path, flaw),
        })
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
        let (format, is_index) = format::tell(&source, self.ending(), self.format).map_err(fail)?;
        self.check_options(format).map_err(fail)?;
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

    /// Refuses what a format does not have.
    fn check_options(&self, format: Format) -> Result<(), Flaw> {
        let is_table = matches!(format, Format::Csv | Format::Tsv);
        let has_tensors = matches!(format, Format::Npz | Format::Safetensors);
        if self.tensor.is_some() && !has_tensors {
            return Err(Flaw::Unwanted { parameter: "tensor", what: "holds one matrix without a name" });
        }
        if self.name_column.is_some() && !is_table {
            return Err(Flaw::Unwanted { parameter: "name_column", what: "is no table with headings" });
        }
        Ok(())
    }

    fn find_in(&self, source: &Source, format: Format) -> Result<Found, Flaw> {
        // What is behind the last concept that is wanted is not read, but for one line that says that there is more.
        let counts_all = self.transpose || self.names.is_some();
        let limit = self.rows.as_ref().and_then(|rows| rows.to).filter(|_| !counts_all).map(|to| to.saturating_add(1));
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

    /// How many concepts there are before any is left out, and whether they have names. Reads what [`File::shape`] reads without `drop`, and one line.
    pub fn roster(&self) -> Result<(u64, bool), ReadError> {
        let all = Self { drop: Vec::new(), ..self.clone() };
        let n_all = known::size(&all, &all.path, || all.shape())?.n_concepts;
        if self.names.is_some() {
            return Ok((n_all, true));
        }
        // Of a text, no more than the first lines are counted.
        let first = Rows { from: 0, to: Some(1), step: one() };
        let found = Self { rows: Some(first), ..self.clone() }.find(&Origin::Path(self.path.clone()))?;
        let names = match (self.transpose, found.matrix.body) {
            (true, _) => found.headings.is_some(),
            (false, Body::Dense(_) | Body::Packed(_)) => false,
            (false, Body::Stream(mut lines)) => {
                let line = lines
                    .next(&mut vec![0.0; found.matrix.n_per_line as usize])
                    .map_err(|flaw| ReadError::new(&found.path, flaw))?;
                line.is_some_and(|line| line.name.is_some())
            }
        };
        Ok((n_all, names))
    }

    /// The SHA-256 in hexadecimal of the content that the vectors and their names come from: of the file, or of index and shard of a sharded model, and of the file of names.
    ///
    /// O(n d) time, 1 MB of memory.
    pub fn digest(&self) -> Result<String, ReadError> {
        match &self.names {
            None => self.digest_of_vectors(),
            Some(names) => Ok(hexadecimal(Sha256::digest(self.digest_of_vectors()? + &sha256(names)?).as_ref())),
        }
    }

    fn digest_of_vectors(&self) -> Result<String, ReadError> {
        let digests: Vec<String> =
            self.paths_of_vectors()?.iter().map(|path| sha256(path)).collect::<Result<_, _>>()?;
        match digests.as_slice() {
            [own] => Ok(own.clone()),
            several => Ok(hexadecimal(Sha256::digest(several.concat()).as_ref())),
        }
    }

    /// All files of which something is read: that of the vectors, or index and shard of a sharded model, and that of the names.
    pub fn paths(&self) -> Result<Vec<PathBuf>, ReadError> {
        Ok(self.paths_of_vectors()?.into_iter().chain(self.names.clone()).collect())
    }

    fn paths_of_vectors(&self) -> Result<Vec<PathBuf>, ReadError> {
        let origin = Origin::Path(self.path.clone());
        let source = origin.open()?;
        let fail = |flaw| ReadError::new(&self.path, flaw);
        let (_, is_index) = format::tell(&source, self.ending(), self.format).map_err(fail)?;
        let mut paths = vec![self.path.clone()];
        if is_index {
            let (file, _) = shards::find(&source, self.tensor.as_deref()).map_err(fail)?;
            paths.push(origin.beside(&file).path().to_owned());
        }
        Ok(paths)
    }

    fn ending(&self) -> Option<&str> {
        self.path.extension().and_then(|ending| ending.to_str())
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

    fn picked(&self, file: &File) -> Result<Picked, ReadError> {
        let axis = if file.transpose { "column" } else { "row" };
        Picked::new(file.rows.as_ref(), self.n_concepts(file), axis).map_err(|flaw| ReadError::new(&self.path, flaw))
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
