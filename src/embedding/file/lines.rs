//! Lines: text read a line at a time, no line longer than a vector can need.

use std::io::BufRead;

use super::error::{Flaw, Place};

/// A vector of 100,000 numbers in full precision fits.
pub(super) const MAX_LINE_BYTES: usize = 2 << 20;
/// No word of any vocabulary is as long.
pub(super) const MAX_NAME_BYTES: usize = 4096;

/// The lines of a text, from 1.
pub(super) struct TextLines<R> {
    reader: R,
    buffer: Vec<u8>,
    allowed: usize,
    /// The number of the line that was read last.
    pub line: u64,
}

impl<R: BufRead> TextLines<R> {
    /// No line may be longer than so many bytes.
    pub fn new(reader: R, allowed: usize) -> Self {
        Self { reader, buffer: Vec::new(), allowed, line: 0 }
    }

    /// The next line without its end; `None` at the end of the text.
    pub fn next(&mut self) -> Result<Option<&[u8]>, Flaw> {
        self.buffer.clear();
        let line = self.line + 1;
        loop {
            let part = match self.reader.fill_buf() {
                Ok(part) => part,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            if part.is_empty() && self.buffer.is_empty() {
                return Ok(None);
            }
            let end = memchr::memchr(b'\n', part);
            let n_taken = end.unwrap_or(part.len());
            if memchr::memchr(0, &part[..n_taken]).is_some() {
                return Err(Flaw::NotText { line });
            }
            if self.buffer.len() + n_taken > self.allowed {
                return Err(Flaw::LongLine { line, allowed: self.allowed });
            }
            self.buffer.extend_from_slice(&part[..n_taken]);
            let is_end = end.is_some() || part.is_empty();
            self.reader.consume(n_taken + usize::from(end.is_some()));
            if is_end {
                break;
            }
        }
        self.line = line;
        if self.buffer.last() == Some(&b'\r') {
            self.buffer.pop();
        }
        Ok(Some(self.last()))
    }

    /// The line that was read last. A mark of the byte order before the first is none of the text.
    pub fn last(&self) -> &[u8] {
        let mark: &[u8] = if self.line == 1 { b"\xef\xbb\xbf" } else { b"" };
        self.buffer.strip_prefix(mark).unwrap_or(&self.buffer)
    }

    pub fn place(&self) -> Place {
        Place::Line(self.line)
    }
}
