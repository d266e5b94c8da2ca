//! Word2vec: the binary form, a line of n and d, then for each word the word, a space and d floats of 4 bytes.
//!
//! The original program puts a line feed before each further word, gensim does not.

use std::io::{BufRead, BufReader, Read};
use std::rc::Rc;

use rawzip::{RangeReader, ReaderAt};

use super::error::{Flaw, Place};
use super::lines::MAX_NAME_BYTES;
use super::matrix::{Body, Infinite, Line, Lines, Matrix};
use super::scalar::Float;
use super::source::Source;

const BUFFER_BYTES: usize = 256 * 1024;
/// The first line: two numbers of at most 20 digits.
const MAX_HEADER_BYTES: usize = 64;

/// n, d and the byte after the first line, if the beginning of a file is such a line.
pub(super) fn header(head: &[u8]) -> Option<(u64, u64, u64)> {
    let head = &head[..head.len().min(MAX_HEADER_BYTES)];
    let end = memchr::memchr(b'\n', head)?;
    let text = str::from_utf8(&head[..end]).ok()?;
    let mut numbers = text.split_ascii_whitespace().map(str::parse);
    match (numbers.next()?, numbers.next()?, numbers.next()) {
        (Ok(n), Ok(d), None) => Some((n, d, end as u64 + 1)),
        _ => None,
    }
}

/// The matrix of a file.
pub(super) fn find(source: &Source) -> Result<Matrix, Flaw> {
    let Some((n, d, offset)) = header(&source.head(MAX_HEADER_BYTES as u64)?) else {
        return Err(Flaw::untrue("no first line of n and d, with which the binary form of word2vec begins"));
    };
    let (n_rows, n_columns) = (n, d);
    if n == 0 || d == 0 {
        return Err(Flaw::Empty { n_rows, n_columns });
    }
    // A space and the numbers; a word may be empty.
    let expected = d.checked_mul(4).and_then(|bytes| bytes.checked_add(1)).and_then(|bytes| bytes.checked_mul(n));
    let expected = expected.ok_or(Flaw::Unreal { n_rows, n_columns })?;
    let found = source.n_bytes - offset;
    if found < expected {
        return Err(Flaw::Truncated { n_rows, n_columns, expected, found });
    }
    let reader = BufReader::with_capacity(BUFFER_BYTES, source.range(offset, source.n_bytes));
    let stream = Binary { reader, at: offset, n, n_read: 0, bytes: Vec::new() };
    Ok(Matrix { n_lines: n, n_per_line: d, is_across: false, body: Body::Stream(Box::new(stream)) })
}

struct Binary {
    reader: BufReader<RangeReader<Rc<dyn ReaderAt>>>,
    /// The byte that is read next.
    at: u64,
    n: u64,
    n_read: u64,
    bytes: Vec<u8>,
}

impl Binary {
    /// The word and the space behind it.
    fn word(&mut self) -> Result<String, Flaw> {
        let mut word = Vec::new();
        loop {
            let mut byte = [0];
            if self.reader.read(&mut byte)? == 0 {
                return Err(Flaw::FewLines { found: self.n_read, needed: self.n });
            }
            self.at += 1;
            match byte[0] {
                b' ' => return Ok(String::from_utf8_lossy(&word).into_owned()),
                b'\n' if word.is_empty() => {}
                _ if word.len() == MAX_NAME_BYTES => {
                    let begin = self.at - 1 - MAX_NAME_BYTES as u64;
                    return Err(Flaw::untrue(format!("a word of more than {MAX_NAME_BYTES} bytes at byte {begin}")));
                }
                other => word.push(other),
            }
        }
    }
}

impl Lines for Binary {
    fn next(&mut self, values: &mut [f32]) -> Result<Option<Line>, Flaw> {
        if self.n_read == self.n {
            return Ok(None);
        }
        let name = self.word()?;
        let place = self.at;
        // In parts, so that one long line does not stand in memory twice.
        for part in values.chunks_mut(BUFFER_BYTES / 4) {
            self.bytes.resize(4 * part.len(), 0);
            self.reader.read_exact(&mut self.bytes).map_err(|error| match error.kind() {
                std::io::ErrorKind::UnexpectedEof => Flaw::FewLines { found: self.n_read, needed: self.n },
                _ => error.into(),
            })?;
            self.at += self.bytes.len() as u64;
            Float::F32.little().decode(&self.bytes, part);
        }
        let position = values.iter().position(|value| !value.is_finite());
        let infinite = position.map(|position| Infinite {
            position,
            value: f64::from(values[position]),
            place: Place::Byte(place + 4 * position as u64),
        });
        self.n_read += 1;
        Ok(Some(Line { name: Some(name), place: Place::Byte(place), infinite }))
    }

    fn finish(&mut self) -> Result<(), Flaw> {
        loop {
            let rest = self.reader.fill_buf()?;
            match rest.iter().position(|byte| *byte != b'\n') {
                _ if rest.is_empty() => return Ok(()),
                Some(offset) => {
                    return Err(Flaw::ManyLines { place: Place::Byte(self.at + offset as u64), needed: self.n });
                }
                None => {
                    let n = rest.len();
                    self.at += n as u64;
                    self.reader.consume(n);
                }
            }
        }
    }
}
