//! The header of a .npy file: magic, version, length, dict; checked against the length of the file.

use std::cmp::Ordering;

use super::super::error::{Flaw, shown_shape, wrong_dtype};
use super::super::scalar::{Float, Scalar};
use super::literal;

const MAGIC: &[u8] = b"\x93NUMPY";
/// NumPy writes 118 bytes for a matrix; more than this is no header of one.
const MAX_HEADER_BYTES: u32 = 64 * 1024;
/// The beginning of a file that holds any header: magic, version and length, which are up to 12 bytes, and the dict.
pub const HEAD_BYTES: u64 = 12 + MAX_HEADER_BYTES as u64;

/// What a file says about itself, compared with its length: safe to plan and to allocate with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub n_rows: u64,
    pub n_columns: u64,
    pub scalar: Scalar,
    pub is_fortran: bool,
    /// The byte of the file where the data start.
    pub offset: u64,
}

/// What a header says, before it is held against what an embedding needs.
pub(super) struct Announced<'a> {
    pub dict: literal::Dict<'a>,
    pub offset: u64,
}

impl Header {
    /// Reads the first [`HEAD_BYTES`] of a file, or all of it if it is shorter.
    pub fn read(head: &[u8], n_file_bytes: u64) -> Result<Header, Flaw> {
        let Announced { dict, offset } = announced(head)?;
        let scalar = scalar(dict.descr).ok_or_else(|| wrong_dtype(dict.descr))?;
        let [n_rows, n_columns] = dict.shape[..] else {
            return Err(Flaw::Axes { shape: shown_shape(&dict.shape) });
        };
        if n_rows == 0 || n_columns == 0 {
            return Err(Flaw::Empty { n_rows, n_columns });
        }
        let n_values = n_rows.checked_mul(n_columns);
        let Some(expected) = n_values.and_then(|n_values| n_values.checked_mul(scalar.n_bytes() as u64)) else {
            return Err(Flaw::Unreal { n_rows, n_columns });
        };
        let found = n_file_bytes.saturating_sub(offset);
        match found.cmp(&expected) {
            Ordering::Less => Err(Flaw::Truncated { n_rows, n_columns, expected, found }),
            Ordering::Greater => Err(Flaw::TooLong { n_rows, n_columns, expected, found }),
            Ordering::Equal => Ok(Header { n_rows, n_columns, scalar, is_fortran: dict.is_fortran, offset }),
        }
    }

    /// Type and shape, as far as they can be read: enough to list an array.
    pub fn announced(head: &[u8]) -> Option<(String, Vec<u64>, bool)> {
        let Announced { dict, .. } = announced(head).ok()?;
        let is_matrix = scalar(dict.descr).is_some() && dict.shape.len() == 2;
        Some((dict.descr.to_owned(), dict.shape, is_matrix))
    }
}

fn announced(head: &[u8]) -> Result<Announced<'_>, Flaw> {
    let short = |needed: usize| Flaw::Short { found: head.len() as u64, needed: needed as u64 };
    let magic = &head[..head.len().min(MAGIC.len())];
    if !MAGIC.starts_with(magic) {
        return Err(Flaw::Magic { found: magic.escape_ascii().to_string() });
    }
    let (start, n_header_bytes) = match head[magic.len()..] {
        [1, 0, a, b, ..] => (10, u32::from(u16::from_le_bytes([a, b]))),
        [2 | 3, 0, a, b, c, d, ..] => (12, u32::from_le_bytes([a, b, c, d])),
        [2 | 3, 0, ..] => return Err(short(12)),
        [] | [_] | [1, 0, ..] => return Err(short(10)),
        [major, minor, ..] => return Err(Flaw::Version { major, minor }),
    };
    if n_header_bytes > MAX_HEADER_BYTES {
        return Err(Flaw::HeaderLength { found: u64::from(n_header_bytes), allowed: u64::from(MAX_HEADER_BYTES) });
    }
    let end = start + n_header_bytes as usize;
    let text = head.get(..end).ok_or_else(|| short(end))?;
    Ok(Announced { dict: literal::parse(text, start)?, offset: end as u64 })
}

/// Only with a byte order, as NumPy always writes it.
fn scalar(descr: &str) -> Option<Scalar> {
    let (order, kind) = descr.split_at_checked(1)?;
    let is_big = match order {
        "<" => false,
        ">" => true,
        "=" => cfg!(target_endian = "big"),
        _ => return None,
    };
    let float = match kind {
        "f2" => Float::F16,
        "f4" => Float::F32,
        "f8" => Float::F64,
        _ => return None,
    };
    Some(Scalar { float, is_big })
}
