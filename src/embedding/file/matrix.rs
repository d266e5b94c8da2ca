//! Matrix: where the numbers of a matrix lie in a file, line after line.

use super::error::{Flaw, Place};
use super::scalar::{Scalar, is_zero};
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
    /// Of one type, one after the other.
    Packed(Box<dyn Numbers>),
    /// One line after the other, each with what it tells of itself.
    Stream(Box<dyn Lines>),
}

/// Numbers of one type, line after line.
pub(super) trait Numbers {
    /// Fills `values` with what begins at a line and goes on over those that follow it. No line is filled twice, nor one before another that was.
    fn fill(&mut self, line: u64, values: &mut [f32]) -> Result<(), Flaw>;

    /// Where a number stands.
    fn place(&self, line: u64, position: u64) -> Place;

    /// One number, not rounded; also of a line that was filled.
    fn exact(&self, line: u64, position: u64) -> Result<f64, Flaw>;

    /// Looks whether the file ends where it should.
    fn finish(&mut self) -> Result<(), Flaw> {
        Ok(())
    }
}

/// A stream of lines.
pub(super) trait Lines {
    /// Fills `values`, of `n_per_line` numbers, with the next line; `None` at the end. A line that has not as many is a flaw.
    fn next(&mut self, values: &mut [f32]) -> Result<Option<Line>, Flaw>;

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
pub(super) struct Dense {
    pub source: Source,
    /// The byte where they begin.
    pub offset: u64,
    pub scalar: Scalar,
    pub n_per_line: u64,
    /// What is read at a time.
    pub buffer: Vec<u8>,
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

impl Numbers for Dense {
    fn fill(&mut self, line: u64, values: &mut [f32]) -> Result<(), Flaw> {
        let n_bytes = self.scalar.n_bytes();
        self.buffer.resize(BUFFER_BYTES.min(values.len() * n_bytes).max(self.buffer.len()), 0);
        let mut at = self.position(line, 0);
        for part in values.chunks_mut(BUFFER_BYTES / n_bytes) {
            let bytes = &mut self.buffer[..part.len() * n_bytes];
            self.source.read(bytes, at)?;
            self.scalar.decode(bytes, part);
            at += bytes.len() as u64;
        }
        Ok(())
    }

    fn place(&self, line: u64, position: u64) -> Place {
        Place::Byte(self.position(line, position))
    }

    fn exact(&self, line: u64, position: u64) -> Result<f64, Flaw> {
        let mut bytes = [0; 8];
        let bytes = &mut bytes[..self.scalar.n_bytes()];
        self.source.read(bytes, self.position(line, position))?;
        Ok(self.scalar.exact(bytes))
    }
}

impl Dense {
    /// The byte where a number begins.
    fn position(&self, line: u64, position: u64) -> u64 {
        self.offset + (line * self.n_per_line + position) * self.scalar.n_bytes() as u64
    }

    /// Writes every `step`-th position from `from` on of all `n_lines` lines as rows of `values`, a row having `n_lines` numbers. All of `values` are zero before.
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
                if is_zero(bytes) {
                    continue;
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
