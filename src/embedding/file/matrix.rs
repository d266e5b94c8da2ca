//! Matrix: where the numbers of a matrix lie in a file, line after line.

use super::error::{Flaw, Place};
use super::scalar::Scalar;
use super::source::Source;

/// A matrix whose size has been held against the length of its file; none of its numbers is read yet.
pub(super) struct Matrix {
    /// Lines of the file, each of one vector or, across, of one unit.
    pub n_lines: u64,
    /// Numbers in a line.
    pub n_per_line: u64,
    /// Whether a line is a column of the matrix: Fortran order.
    pub is_across: bool,
    /// The numbers.
    pub body: Body,
}

/// How the numbers are reached.
pub(super) enum Body {
    /// Anywhere, by their place.
    Dense(Dense),
    /// One line after the other.
    Stream(Box<dyn Lines>),
}

/// A stream of lines.
pub(super) trait Lines {
    /// Appends the numbers of the next line; `None` at the end. A line that has not `n_per_line` numbers is a flaw.
    fn next(&mut self, values: &mut Vec<f32>) -> Result<Option<Line>, Flaw>;

    /// Looks whether the file ends where it should, after the last line that was wanted.
    fn finish(&mut self) -> Result<(), Flaw> {
        Ok(())
    }
}

/// What is known of a line besides its numbers.
pub(super) struct Line {
    /// The word that it begins with.
    pub name: Option<String>,
    /// Where it stands.
    pub place: Place,
    /// The first number that is not finite as f32.
    pub infinite: Option<Infinite>,
}

/// A number that is not finite as f32.
#[derive(Clone, Copy)]
pub(super) struct Infinite {
    /// Its position in the line.
    pub position: usize,
    pub value: f64,
    pub place: Place,
}

/// Numbers of one type, one after the other.
#[derive(Clone)]
pub(super) struct Dense {
    pub source: Source,
    /// The byte where they begin.
    pub offset: u64,
    pub scalar: Scalar,
    pub n_per_line: u64,
}

impl Matrix {
    /// Lines × numbers of an array of a shape (rows, columns) that is stored in C or Fortran order.
    pub fn stored(n_rows: u64, n_columns: u64, is_fortran: bool) -> (u64, u64) {
        if is_fortran { (n_columns, n_rows) } else { (n_rows, n_columns) }
    }
}

/// What a read holds beside its result, and as much again for the tile of a transposition.
const BUFFER_BYTES: usize = 512 * 1024;
/// Numbers in one cache line of the result: a transposition that writes fewer at a time fetches the line again.
const CACHE_LINE: usize = 16;

impl Dense {
    /// The byte where a number begins.
    pub fn position(&self, line: u64, position: u64) -> u64 {
        self.offset + (line * self.n_per_line + position) * self.scalar.n_bytes() as u64
    }

    /// One number, not rounded.
    pub fn exact(&self, line: u64, position: u64) -> Result<f64, Flaw> {
        let mut bytes = [0; 8];
        let bytes = &mut bytes[..self.scalar.n_bytes()];
        self.source.read(bytes, self.position(line, position))?;
        Ok(self.scalar.exact(bytes))
    }

    /// Fills `values` with what begins at a line and goes on over those that follow it.
    pub fn fill(&self, line: u64, values: &mut [f32], buffer: &mut Vec<u8>) -> Result<(), Flaw> {
        let n_bytes = self.scalar.n_bytes();
        buffer.resize(BUFFER_BYTES.min(values.len() * n_bytes).max(buffer.len()), 0);
        let mut at = self.position(line, 0);
        for part in values.chunks_mut(BUFFER_BYTES / n_bytes) {
            let bytes = &mut buffer[..part.len() * n_bytes];
            self.source.read(bytes, at)?;
            self.scalar.decode(bytes, part);
            at += bytes.len() as u64;
        }
        Ok(())
    }

    /// Lines that are read at once, so that many short ones are one read.
    pub fn n_lines_at_once(&self) -> u64 {
        (BUFFER_BYTES as u64 / (self.scalar.n_bytes() as u64 * self.n_per_line)).max(1)
    }

    /// Writes every `step`-th position from `from` on of all `n_lines` lines as rows of `values`, a row having `n_lines` numbers.
    ///
    /// Transposes tile by tile: number by number, each would cost a cache line of the result.
    pub fn fill_across(&self, n_lines: usize, from: u64, step: u64, values: &mut [f32]) -> Result<(), Flaw> {
        let n_bytes = self.scalar.n_bytes();
        let n_buffered = BUFFER_BYTES / n_bytes;
        let n_rows = values.len() / n_lines;
        // The positions from the first row to the last, those between them included.
        let n_span = (n_rows - 1) * step as usize + 1;
        // A cache line less than a power of two, or the lines of a tile would all compete for one set of the cache.
        let n_tile_span = n_span.min(n_buffered / CACHE_LINE - CACHE_LINE);
        let n_tile_lines = n_lines.min(n_buffered / n_tile_span);
        let mut buffer = vec![0; n_tile_lines * n_tile_span * n_bytes];
        let mut tile = vec![0.0; n_tile_lines * n_tile_span];

        for first_line in (0..n_lines).step_by(n_tile_lines) {
            let lines = first_line..n_lines.min(first_line + n_tile_lines);
            for first in (0..n_span).step_by(n_tile_span) {
                let n_here = n_tile_span.min(n_span - first);
                let bytes = &mut buffer[..lines.len() * n_here * n_bytes];
                // Whole lines lie one after the other: they are one read.
                let is_whole = from == 0 && n_here as u64 == self.n_per_line;
                let n_per_read = if is_whole { bytes.len() } else { n_here * n_bytes };
                for (run, line) in bytes.chunks_exact_mut(n_per_read).zip(lines.clone()) {
                    self.source.read(run, self.position(line as u64, from + first as u64))?;
                }
                let tile = &mut tile[..lines.len() * n_here];
                self.scalar.decode(bytes, tile);
                // The first position of this tile that is wanted.
                let skipped = (step as usize - first % step as usize) % step as usize;
                for position in (skipped..n_here).step_by(step as usize) {
                    let row_idx = (first + position) / step as usize;
                    let row = &mut values[row_idx * n_lines..][lines.clone()];
                    for (value, line) in row.iter_mut().zip(tile.chunks_exact(n_here)) {
                        *value = line[position];
                    }
                }
            }
        }
        Ok(())
    }
}
