//! What can be wrong with a .npy file, each a sentence that a person can act on.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Every sentence begins with the path; rows, columns and bytes are counted from 0.
// The sentence of a variant is its documentation.
#[allow(missing_docs)]
#[derive(Debug, Error)]
pub enum NpyError {
    #[error("{path}: no such file{hint}")]
    NotFound { path: PathBuf, hint: String },
    #[error("{path}: permission to read this file is denied")]
    Denied { path: PathBuf },
    #[error("{path}: is a folder; a .npy file is needed")]
    Folder { path: PathBuf },
    #[error("{path}: is a pipe, a socket or a device; a regular .npy file is needed")]
    NotRegular { path: PathBuf },
    // The reason is part of the sentence, so it is no `source`, which reporters would print again.
    #[error("{path}: cannot be read: {reason}")]
    Io { path: PathBuf, reason: io::Error },
    #[error("{path}: changed while it was read; run again once nothing writes to it")]
    Changed { path: PathBuf },

    #[error(r#"{path}: is not a .npy file: it begins with "{found}", not with "\x93NUMPY""#)]
    Magic { path: PathBuf, found: String },
    #[error("{path}: is a .npz archive of several arrays; save the one that you want with np.save")]
    Archive { path: PathBuf },
    #[error("{path}: has .npy version {major}.{minor}; allowed are 1.0, 2.0 and 3.0")]
    Version { path: PathBuf, major: u8, minor: u8 },
    #[error("{path}: ends after {found} bytes, but its header needs at least {needed}")]
    Short { path: PathBuf, found: usize, needed: usize },
    #[error("{path}: says that its header has {found} bytes; allowed are at most 65536")]
    HeaderLength { path: PathBuf, found: u32 },

    #[error("{path}: the header must have {expected} at byte {at}, found {found}")]
    Syntax { path: PathBuf, expected: &'static str, at: usize, found: String },
    #[error("{path}: the header has the key {key}; allowed are 'descr', 'fortran_order' and 'shape'")]
    UnknownKey { path: PathBuf, key: String },
    #[error("{path}: the header has the key '{key}' twice; allowed is once")]
    RepeatedKey { path: PathBuf, key: &'static str },
    #[error("{path}: the header lacks the key '{key}'; 'descr', 'fortran_order' and 'shape' are needed")]
    MissingKey { path: PathBuf, key: &'static str },

    #[error(
        "{path}: holds Python objects (dtype {descr}), which run code when they are read; \
         allowed are 32-bit and 64-bit floats"
    )]
    Objects { path: PathBuf, descr: String },
    #[error(
        "{path}: holds records (a structured dtype); allowed are 32-bit and 64-bit floats, so save one field alone"
    )]
    Structured { path: PathBuf },
    #[error(
        "{path}: holds numbers of dtype {descr}; allowed are 32-bit and 64-bit floats, \
         so convert with .astype('float32') before np.save"
    )]
    Convertible { path: PathBuf, descr: String },
    #[error(
        "{path}: holds values of dtype {descr}; allowed are '<f4', '>f4', '<f8' and '>f8', 32-bit and 64-bit floats"
    )]
    Dtype { path: PathBuf, descr: String },

    #[error("{path}: has shape {shape}; a matrix with one row per concept is needed, (rows, columns)")]
    Axes { path: PathBuf, shape: String },
    #[error("{path}: has shape ({n_rows}, {n_columns}); at least one row and one column are needed")]
    Empty { path: PathBuf, n_rows: u64, n_columns: u64 },
    #[error("{path}: has shape ({n_rows}, {n_columns}), which no file can hold")]
    Unreal { path: PathBuf, n_rows: u64, n_columns: u64 },
    #[error(
        "{path}: is truncated: shape ({n_rows}, {n_columns}) needs {expected} bytes of data after the header, found {found}"
    )]
    Truncated { path: PathBuf, n_rows: u64, n_columns: u64, expected: u64, found: u64 },
    #[error(
        "{path}: is too long: shape ({n_rows}, {n_columns}) needs {expected} bytes of data after the header, found {found}"
    )]
    TooLong { path: PathBuf, n_rows: u64, n_columns: u64, expected: u64, found: u64 },
    #[error("{path}: has shape ({n_rows}, {n_columns}), whose values do not fit into memory as 32-bit floats")]
    Memory { path: PathBuf, n_rows: u64, n_columns: u64 },

    #[error("{path}: row {row}, column {column} (from 0; byte {at}) is {value}; every value must be finite")]
    NotFinite { path: PathBuf, row: usize, column: usize, at: u64, value: f64 },
    #[error(
        "{path}: row {row}, column {column} (from 0; byte {at}) is {value:e}; as 32-bit floats, values reach 3.4e38"
    )]
    Overflow { path: PathBuf, row: usize, column: usize, at: u64, value: f64 },
    #[error("{path}: row {row} (from 0{at}) is zero in 32-bit floats; a zero vector has no direction")]
    ZeroRow { path: PathBuf, row: usize, at: String },
    #[error(
        "{path}: row {row} (from 0{at}) has norm {norm:.3e}; allowed are 1e-12 to 1e12, \
         where dot products of 32-bit floats neither vanish nor overflow"
    )]
    Norm { path: PathBuf, row: usize, at: String, norm: f64 },
}

/// The sentence for an error of the system, in our words where we have some.
pub(super) fn io_error(path: &Path, reason: io::Error) -> NpyError {
    let path = path.to_path_buf();
    match reason.kind() {
        io::ErrorKind::NotFound => NpyError::NotFound { hint: similar_name(&path), path },
        io::ErrorKind::PermissionDenied => NpyError::Denied { path },
        // The length of the file was compared with the header before the data were read.
        io::ErrorKind::UnexpectedEof => NpyError::Changed { path },
        _ => NpyError::Io { path, reason },
    }
}

pub(super) fn wrong_dtype(path: &Path, descr: &str) -> NpyError {
    let (path, quoted) = (path.to_path_buf(), quoted(descr));
    match descr.trim_start_matches(['<', '>', '=', '|']).bytes().next() {
        Some(b'O') => NpyError::Objects { path, descr: quoted },
        Some(b'V') => NpyError::Structured { path },
        Some(b'f' | b'i' | b'u' | b'b') => NpyError::Convertible { path, descr: quoted },
        _ => NpyError::Dtype { path, descr: quoted },
    }
}

/// A header may hold 64 KiB of anything; a sentence shows its beginning.
pub(super) fn quoted(text: &str) -> String {
    match text.get(..24) {
        Some(start) if text.len() > 24 => format!("'{start}…'"),
        _ => format!("'{text}'"),
    }
}

/// A shape as Python writes it, of at most 8 axes.
pub(super) fn shown_shape(shape: &[u64]) -> String {
    let axes: Vec<String> = shape.iter().take(8).map(u64::to_string).collect();
    let end = match shape.len() {
        1 => ",",
        0..=8 => "",
        _ => ", …",
    };
    format!("({}{end})", axes.join(", "))
}

/// The .npy file of the same folder whose name is nearest, as the end of a sentence; nothing if none is near.
fn similar_name(path: &Path) -> String {
    let stem = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let wanted = stem(path);
    // A hint is not worth a walk through a folder of millions.
    let entries = folder.unwrap_or(Path::new(".")).read_dir().into_iter().flatten().flatten().take(10_000);
    let nearest = entries
        .map(|entry| PathBuf::from(entry.file_name()))
        .filter(|name| name.extension().is_some_and(|extension| extension == "npy"))
        // A link that leads nowhere is listed under the very name that was not found.
        .filter(|name| Some(name.as_os_str()) != path.file_name())
        .map(|name| (strsim::jaro_winkler(&wanted, &stem(&name)), name))
        .filter(|(similarity, _)| *similarity >= 0.8)
        // The order of a folder is arbitrary: among equals, the first by name.
        .max_by(|(a, a_name), (b, b_name)| a.total_cmp(b).then_with(|| b_name.cmp(a_name)));
    nearest.map_or_else(String::new, |(_, name)| format!("; did you mean {name:?}?"))
}
