//! The header of a .npy file: magic, version, length, dict; checked against the length of the file.

use std::cmp::Ordering;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::error::{NpyError, io_error, shown_shape, wrong_dtype};
use super::literal;

const MAGIC: &[u8] = b"\x93NUMPY";
/// Magic, version and the length of the header: two bytes in version 1.0, four later.
const PRELUDE_BYTES: u64 = 12;
/// NumPy writes 118 bytes for a matrix; more than this is no header of one.
const MAX_HEADER_BYTES: u32 = 64 * 1024;

/// What a file says about itself, compared with its length: safe to plan and to allocate with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Concepts; a row is the vector of one.
    pub n_rows: u64,
    /// Dimensions of a vector.
    pub n_columns: u64,
    pub(super) scalar: Scalar,
    pub(super) is_fortran: bool,
    /// The byte of the file where the data start.
    pub(super) offset: u64,
}

/// A float of 4 or 8 bytes, in either byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scalar {
    pub n_bytes: usize,
    pub is_big: bool,
}

/// Reads the header at the start of an open file of `n_file_bytes`.
pub(super) fn read_from(path: &Path, file: &mut File, n_file_bytes: u64) -> Result<Header, NpyError> {
    let path_buf = || path.to_path_buf();
    let mut head = Vec::new();
    let limit = PRELUDE_BYTES + u64::from(MAX_HEADER_BYTES);
    file.take(limit).read_to_end(&mut head).map_err(|error| io_error(path, error))?;
    let short = |needed| NpyError::Short { path: path_buf(), found: head.len(), needed };

    if head.starts_with(b"PK\x03\x04") {
        return Err(NpyError::Archive { path: path_buf() });
    }
    let magic = &head[..head.len().min(MAGIC.len())];
    if !MAGIC.starts_with(magic) {
        return Err(NpyError::Magic { path: path_buf(), found: magic.escape_ascii().to_string() });
    }
    let (start, n_header_bytes) = match head[magic.len()..] {
        [1, 0, a, b, ..] => (10, u32::from(u16::from_le_bytes([a, b]))),
        [2 | 3, 0, a, b, c, d, ..] => (12, u32::from_le_bytes([a, b, c, d])),
        [2 | 3, 0, ..] => return Err(short(12)),
        [] | [_] | [1, 0, ..] => return Err(short(10)),
        [major, minor, ..] => {
            return Err(NpyError::Version { path: path_buf(), major, minor });
        }
    };
    if n_header_bytes > MAX_HEADER_BYTES {
        return Err(NpyError::HeaderLength { path: path_buf(), found: n_header_bytes });
    }
    let end = start + n_header_bytes as usize;
    let text = head.get(..end).ok_or_else(|| short(end))?;
    let dict = literal::parse(path, text, start)?;

    let scalar = Scalar::named(dict.descr).ok_or_else(|| wrong_dtype(path, dict.descr))?;
    let [n_rows, n_columns] = dict.shape[..] else {
        return Err(NpyError::Axes { path: path_buf(), shape: shown_shape(&dict.shape) });
    };
    if n_rows == 0 || n_columns == 0 {
        return Err(NpyError::Empty { path: path_buf(), n_rows, n_columns });
    }
    let n_values = n_rows.checked_mul(n_columns);
    let Some(expected) = n_values.and_then(|n_values| n_values.checked_mul(scalar.n_bytes as u64)) else {
        return Err(NpyError::Unreal { path: path_buf(), n_rows, n_columns });
    };
    let offset = end as u64;
    let found = n_file_bytes.saturating_sub(offset);
    let path = path_buf();
    match found.cmp(&expected) {
        Ordering::Less => Err(NpyError::Truncated { path, n_rows, n_columns, expected, found }),
        Ordering::Greater => Err(NpyError::TooLong { path, n_rows, n_columns, expected, found }),
        Ordering::Equal => Ok(Header { n_rows, n_columns, scalar, is_fortran: dict.is_fortran, offset }),
    }
}

impl Header {
    /// The byte of the file where a value starts.
    pub(super) fn position(&self, row: usize, column: usize) -> u64 {
        let (row, column) = (row as u64, column as u64);
        let idx = match self.is_fortran {
            true => column * self.n_rows + row,
            false => row * self.n_columns + column,
        };
        self.offset + idx * self.scalar.n_bytes as u64
    }
}

impl Scalar {
    /// Only with a byte order, as NumPy always writes it.
    fn named(descr: &str) -> Option<Scalar> {
        let (order, kind) = descr.split_at_checked(1)?;
        let is_big = match order {
            "<" => false,
            ">" => true,
            "=" => cfg!(target_endian = "big"),
            _ => return None,
        };
        match kind {
            "f4" => Some(Scalar { n_bytes: 4, is_big }),
            "f8" => Some(Scalar { n_bytes: 8, is_big }),
            _ => None,
        }
    }

    pub fn decode(self, bytes: &[u8], values: &mut [f32]) {
        fn each<const N: usize>(bytes: &[u8], values: &mut [f32], decode: impl Fn([u8; N]) -> f32) {
            for (value, bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
                *value = decode(*bytes);
            }
        }
        match (self.n_bytes, self.is_big) {
            (4, false) => each(bytes, values, f32::from_le_bytes),
            (4, true) => each(bytes, values, f32::from_be_bytes),
            (_, false) => each(bytes, values, |bytes| f64::from_le_bytes(bytes) as f32),
            (_, true) => each(bytes, values, |bytes| f64::from_be_bytes(bytes) as f32),
        }
    }
}
