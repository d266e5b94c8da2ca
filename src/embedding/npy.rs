//! A bounded reader of NumPy's .npy files: the vectors of real models, checked before they count as concepts.
//!
//! The file is somebody else's. Nothing in it is believed before it is compared with the length of the file, nothing is
//! allocated before that, and a value that no measure could use (NaN, a zero row) is refused with its place.
//!
//! Reference: NumPy Enhancement Proposal 1 and the documentation of `numpy.lib.format`, versions 1.0, 2.0 and 3.0.

mod error;
mod header;
mod literal;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::RangeInclusive;
use std::path::Path;

pub use error::NpyError;
use error::io_error;
pub use header::Header;
use header::Scalar;

/// What a read holds beside its result, and as much again for the tile of a Fortran file.
const BUFFER_BYTES: usize = 512 * 1024;
/// Values in one cache line of the result: a transposition that writes fewer at a time fetches the line again.
const LINE: usize = 16;
/// Between these norms, dot products in f32 neither vanish nor overflow.
const NORMS: RangeInclusive<f64> = 1e-12..=1e12;

/// Reads and checks the header alone: at most 64 KiB of the file, whatever its length field says.
pub fn read_header(path: &Path) -> Result<Header, NpyError> {
    let (mut file, n_bytes) = open(path)?;
    header::read_from(path, &mut file, n_bytes)
}

/// The values, row-major by concept: row i is contiguous, as column i of a d × n column-major matrix is.
///
/// f64 is rounded to f32. O(n d) time; memory is the result and at most 1 MiB, for either order of the file.
/// If several things are wrong, the first row of them is told.
pub fn read(path: &Path, header: &Header) -> Result<Vec<f32>, NpyError> {
    let (mut file, n_bytes) = open(path)?;
    // The run was planned with the header that the caller holds; another file under this name is another plan.
    if header::read_from(path, &mut file, n_bytes)? != *header {
        return Err(NpyError::Changed { path: path.into() });
    }
    let (n_rows, n_columns) = (header.n_rows, header.n_columns);
    let memory = || NpyError::Memory { path: path.into(), n_rows, n_columns };
    let n_rows = usize::try_from(n_rows).map_err(|_| memory())?;
    let n_columns = usize::try_from(n_columns).map_err(|_| memory())?;
    let n_values = n_rows.checked_mul(n_columns).ok_or_else(memory)?;
    let mut values = Vec::new();
    values.try_reserve_exact(n_values).map_err(|_| memory())?;
    values.resize(n_values, 0.0);

    let filled = if header.is_fortran {
        fill_by_columns(&mut file, header, n_rows, n_columns, &mut values)
    } else {
        fill_in_order(&mut file, header, &mut values)
    };
    filled.map_err(|error| io_error(path, error))?;
    check_rows(path, &mut file, header, n_columns, &values)?;
    Ok(values)
}

fn fill_in_order(file: &mut File, header: &Header, values: &mut [f32]) -> io::Result<()> {
    let n_bytes = header.scalar.n_bytes;
    let mut buffer = vec![0; BUFFER_BYTES.min(values.len() * n_bytes)];
    file.seek(SeekFrom::Start(header.offset))?;
    for part in values.chunks_mut(BUFFER_BYTES / n_bytes) {
        let bytes = &mut buffer[..part.len() * n_bytes];
        file.read_exact(bytes)?;
        header.scalar.decode(bytes, part);
    }
    Ok(())
}

/// Transposes tile by tile: value by value, each would cost a cache line of the result.
fn fill_by_columns(
    file: &mut File,
    header: &Header,
    n_rows: usize,
    n_columns: usize,
    values: &mut [f32],
) -> io::Result<()> {
    let n_bytes = header.scalar.n_bytes;
    let n_buffered = BUFFER_BYTES / n_bytes;
    // A line less than a power of two, or the columns of a tile would all compete for one set of the cache.
    let n_tile_rows = n_rows.min(n_buffered / LINE - LINE);
    let n_tile_columns = n_columns.min(n_buffered / n_tile_rows);
    let mut buffer = vec![0; n_tile_columns * n_tile_rows * n_bytes];
    let mut tile = vec![0.0; n_tile_columns * n_tile_rows];

    for first_column in (0..n_columns).step_by(n_tile_columns) {
        let columns = first_column..n_columns.min(first_column + n_tile_columns);
        for first_row in (0..n_rows).step_by(n_tile_rows) {
            let n_here = n_tile_rows.min(n_rows - first_row);
            let bytes = &mut buffer[..columns.len() * n_here * n_bytes];
            // Whole columns lie one after the other, so that many short ones are one read.
            let n_per_read = if n_here == n_rows { bytes.len() } else { n_here * n_bytes };
            for (run, column) in bytes.chunks_exact_mut(n_per_read).zip(columns.clone()) {
                file.seek(SeekFrom::Start(header.position(first_row, column)))?;
                file.read_exact(run)?;
            }
            let tile = &mut tile[..columns.len() * n_here];
            header.scalar.decode(bytes, tile);
            let rows = values[first_row * n_columns..].chunks_exact_mut(n_columns);
            for (row_idx, row) in rows.take(n_here).enumerate() {
                for (value, column) in row[columns.clone()].iter_mut().zip(tile.chunks_exact(n_here)) {
                    *value = column[row_idx];
                }
            }
        }
    }
    Ok(())
}

/// Refuses the first row that no measure could use; within a row, a value before the norm.
fn check_rows(path: &Path, file: &mut File, header: &Header, n_columns: usize, values: &[f32]) -> Result<(), NpyError> {
    for (row, vector) in values.chunks_exact(n_columns).enumerate() {
        let path = || path.to_path_buf();
        if let Some(column) = vector.iter().position(|value| !value.is_finite()) {
            let at = header.position(row, column);
            // As f32, an f64 that was too large and one that was infinite are alike; the file still knows.
            let value = value_at(file, header.scalar, at).map_err(|error| io_error(&path(), error))?;
            return Err(match value {
                _ if !value.is_finite() => NpyError::NotFinite { path: path(), row, column, at, value },
                _ if !(value as f32).is_finite() => NpyError::Overflow { path: path(), row, column, at, value },
                _ => NpyError::Changed { path: path() },
            });
        }
        let norm = vector.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>().sqrt();
        if !NORMS.contains(&norm) {
            // In Fortran order a row starts nowhere: its values lie a column apart.
            let at = match header.is_fortran {
                true => String::new(),
                false => format!("; byte {}", header.position(row, 0)),
            };
            return Err(match norm > 0.0 {
                true => NpyError::Norm { path: path(), row, at, norm },
                false => NpyError::ZeroRow { path: path(), row, at },
            });
        }
    }
    Ok(())
}

fn value_at(file: &mut File, scalar: Scalar, at: u64) -> io::Result<f64> {
    let mut bytes = [0; 8];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes[..scalar.n_bytes])?;
    if scalar.is_big {
        bytes[..scalar.n_bytes].reverse();
    }
    let [a, b, c, d, ..] = bytes;
    Ok(match scalar.n_bytes {
        4 => f64::from(f32::from_le_bytes([a, b, c, d])),
        _ => f64::from_le_bytes(bytes),
    })
}

/// Opens a regular file and nothing else; looks before it opens, because opening a pipe waits for its writer.
fn open(path: &Path) -> Result<(File, u64), NpyError> {
    let n_bytes_if_regular = |metadata: io::Result<fs::Metadata>| match metadata {
        Err(error) => Err(io_error(path, error)),
        Ok(metadata) if metadata.is_dir() => Err(NpyError::Folder { path: path.into() }),
        Ok(metadata) if !metadata.is_file() => Err(NpyError::NotRegular { path: path.into() }),
        Ok(metadata) => Ok(metadata.len()),
    };
    n_bytes_if_regular(fs::metadata(path))?;
    let file = File::open(path).map_err(|error| io_error(path, error))?;
    // Another file may stand under the name by now; only the open one counts.
    let n_bytes = n_bytes_if_regular(file.metadata())?;
    Ok((file, n_bytes))
}
