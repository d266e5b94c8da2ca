//! Text: one line for each word, the word and then its numbers, as word2vec, GloVe and fastText write it.
//!
//! word2vec and fastText begin with a line of n and d, GloVe does not. `numpy.savetxt` writes the numbers alone.

use std::io::BufReader;
use std::rc::Rc;

use rawzip::{RangeReader, ReaderAt};

use super::error::{Flaw, Place};
use super::lines::{MAX_LINE_BYTES, TextLines};
use super::matrix::{Body, Infinite, Line, Lines, Matrix};
use super::source::Source;
use crate::quantity::{self, TYPESET_MINUS, abridged};

const BUFFER_BYTES: usize = 256 * 1024;

type Reader = TextLines<BufReader<RangeReader<Rc<dyn ReaderAt>>>>;

/// What the first lines say.
struct Layout {
    /// n, if the first line promises it.
    promised: Option<u64>,
    d: usize,
    has_words: bool,
    /// The line that d was told by.
    like: &'static str,
}

/// The matrix of a file, of which at most `limit` lines are wanted. Without a first line of n and d, the lines are counted.
pub(super) fn find(source: &Source, limit: Option<u64>) -> Result<Matrix, Flaw> {
    let layout = layout(source)?;
    let n_lines = match layout.promised {
        Some(n) => n,
        None => count(source, limit)?,
    };
    let n_per_line = layout.d as u64;
    let stream = Words { lines: open(source), layout, n_read: 0 };
    Ok(Matrix { n_lines, n_per_line, is_across: false, body: Body::Stream(Box::new(stream)) })
}

fn open(source: &Source) -> Reader {
    TextLines::new(BufReader::with_capacity(BUFFER_BYTES, source.range(0, source.n_bytes)), MAX_LINE_BYTES)
}

fn layout(source: &Source) -> Result<Layout, Flaw> {
    let mut lines = open(source);
    let Some(first) = next_line(&mut lines)?.map(<[u8]>::to_vec) else { return Err(Flaw::NoVectors) };
    let fields: Vec<&[u8]> = fields(&first).collect();
    if let [n, d] = fields[..]
        && let (Some(n), Some(d)) = (whole(n), whole(d))
    {
        if n == 0 || d == 0 {
            return Err(Flaw::Empty { n_rows: n, n_columns: d });
        }
        // A number takes a digit and a space, or the end of the line.
        let expected = n.checked_mul(d).and_then(|n_values| n_values.checked_mul(2));
        let expected = expected.ok_or(Flaw::Unreal { n_rows: n, n_columns: d })? - 1;
        let found = source.n_bytes - (first.len() as u64).min(source.n_bytes);
        if found < expected {
            return Err(Flaw::Truncated { n_rows: n, n_columns: d, expected, found });
        }
        let d = usize::try_from(d).map_err(|_| Flaw::Memory { n_rows: n, n_columns: d })?;
        let needed = (n, d as u64);
        let Some(second) = next_line(&mut lines)? else { return Err(Flaw::FewLines { found: 0, needed: needed.0 }) };
        let has_words = self::fields(second).count() != d || self::fields(second).any(|field| number(field).is_none());
        return Ok(Layout { promised: Some(n), d, has_words, like: "line 1 says" });
    }
    if let Some(idx) = fields.iter().position(|field| has_typeset_minus(field)) {
        let found = String::from_utf8_lossy(fields[idx]).into_owned();
        let (line, hint) = (lines.line, hint(fields[idx]));
        return Err(Flaw::NoNumber { line, column: format!("field {}", idx + 1), found, hint, maybe_names: None });
    }
    let n_numbers = fields.iter().rev().take_while(|field| number(field).is_some()).count();
    let (d, has_words) = match n_numbers {
        0 => {
            let found = fields.last().map_or(String::new(), |field| String::from_utf8_lossy(field).into_owned());
            return Err(Flaw::NoNumber {
                line: lines.line,
                column: "the last column".to_owned(),
                found,
                hint: "",
                maybe_names: None,
            });
        }
        n if n < fields.len() => (n, true),
        // All are numbers: a matrix without words, unless the first is a word that looks like one.
        n if fields[0].iter().any(|byte| b".eE".contains(byte)) => (n, false),
        _ => {
            let sentence = format!(
                "line {} begins with {}, which may be a word or a number; give the file a first line of n and d, as word2vec writes it",
                lines.line,
                abridged(&String::from_utf8_lossy(fields[0]))
            );
            return Err(Flaw::Ambiguous { sentence });
        }
    };
    Ok(Layout { promised: None, d, has_words, like: "in the first line" })
}

/// Lines that are not empty, up to a limit.
fn count(source: &Source, limit: Option<u64>) -> Result<u64, Flaw> {
    let mut lines = open(source);
    let mut n = 0;
    while limit.is_none_or(|limit| n < limit) && next_line(&mut lines)?.is_some() {
        n += 1;
    }
    Ok(n)
}

/// The next line that is not empty.
fn next_line(lines: &mut Reader) -> Result<Option<&[u8]>, Flaw> {
    let (first, mut n_bytes) = (lines.line + 1, 0);
    loop {
        match lines.next()? {
            None => return Ok(None),
            Some(line) if line.iter().all(u8::is_ascii_whitespace) => {
                n_bytes += line.len() + 1;
                if n_bytes > MAX_LINE_BYTES {
                    return Err(Flaw::EmptyLines { line: first, allowed: MAX_LINE_BYTES });
                }
            }
            // The line is borrowed a second time, because one that is returned in a loop is borrowed for good.
            Some(_) => return Ok(Some(lines.last())),
        }
    }
}

fn fields(line: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|field| !field.is_empty())
}

fn whole(field: &[u8]) -> Option<u64> {
    str::from_utf8(field).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
}

/// The number that a field has; one that is beyond the floats of 64 bits as the largest of them.
pub(super) fn number(field: &[u8]) -> Option<f64> {
    let value: f64 = str::from_utf8(field).ok()?.parse().ok()?;
    // 1e400 is a number, and infinity is a word.
    let is_written_out = || field.iter().any(u8::is_ascii_digit);
    Some(if value.is_infinite() && is_written_out() { f64::MAX.copysign(value) } else { value })
}

/// Whether it is a number but for its minus, U+2212 as typesetters have it.
pub(super) fn has_typeset_minus(field: &[u8]) -> bool {
    str::from_utf8(field).is_ok_and(quantity::has_typeset_minus)
}

/// What to do about a cell that would be a number if it were written otherwise.
pub(super) fn hint(field: &[u8]) -> &'static str {
    if has_typeset_minus(field) { TYPESET_MINUS } else { "" }
}

struct Words {
    lines: Reader,
    layout: Layout,
    n_read: u64,
}

impl Lines for Words {
    fn next(&mut self, values: &mut [f32]) -> Result<Option<Line>, Flaw> {
        if self.n_read == 0 && self.layout.promised.is_some() {
            next_line(&mut self.lines)?;
        }
        if self.layout.promised == Some(self.n_read) {
            return Ok(None);
        }
        if next_line(&mut self.lines)?.is_none() {
            return match self.layout.promised {
                Some(needed) => Err(Flaw::FewLines { found: self.n_read, needed }),
                None => Ok(None),
            };
        }
        let (line_idx, place) = (self.lines.line, self.lines.place());
        let line = self.lines.last().trim_ascii_end();
        let d = self.layout.d;
        let mut rest = line;
        let mut infinite = None;
        let mut wrong = None;
        let mut n_found = 0;
        // From the end, because a word may have spaces.
        for position in (0..d).rev() {
            let begin = memchr::memrchr2(b' ', b'\t', rest).map_or(0, |at| at + 1);
            let field = &rest[begin..];
            if field.is_empty() {
                break;
            }
            rest = rest[..begin].trim_ascii_end();
            n_found += 1;
            match number(field) {
                Some(value) => {
                    values[position] = value as f32;
                    if !(value as f32).is_finite() {
                        infinite = Some((position, value));
                    }
                }
                None => wrong = Some((position, field)),
            }
        }
        let has_words = self.layout.has_words;
        let is_ragged = match has_words {
            false => n_found < d || !rest.is_empty(),
            // A word of several, the last of them a number, is a number too many.
            true => {
                rest.is_empty()
                    || memchr::memrchr2(b' ', b'\t', rest).is_some_and(|at| number(&rest[at + 1..]).is_some())
            }
        };
        if is_ragged {
            let found = fields(line).count() - usize::from(has_words);
            return Err(Flaw::Ragged {
                line: line_idx,
                found,
                what: "numbers",
                needed: d,
                like: self.layout.like.into(),
            });
        }
        if let Some((position, field)) = wrong {
            let found = String::from_utf8_lossy(field).into_owned();
            return Err(Flaw::NoNumber {
                line: line_idx,
                column: format!("column {position}"),
                found,
                hint: hint(field),
                maybe_names: None,
            });
        }
        self.n_read += 1;
        let name = has_words.then(|| String::from_utf8_lossy(rest.trim_ascii_start()).into_owned());
        let infinite = infinite.map(|(position, value)| Infinite { position, value, place });
        Ok(Some(Line { name, place, infinite }))
    }

    fn finish(&mut self) -> Result<(), Flaw> {
        if let Some(needed) = self.layout.promised
            && next_line(&mut self.lines)?.is_some()
        {
            return Err(Flaw::ManyLines { place: Place::Line(self.lines.line), needed });
        }
        Ok(())
    }
}
