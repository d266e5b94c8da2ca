//! Table: comma- or tab-separated values, with or without headings, with or without a column of names.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use csv::ByteRecord;
use rawzip::{RangeReader, ReaderAt};

use super::error::{Flaw, Place};
use super::lines::MAX_LINE_BYTES;
use super::matrix::{Body, Infinite, Line, Lines, Matrix};
use super::source::Source;
use super::tensors::Ranking;
use super::text::{has_typeset_minus, number};
use crate::quantity::abridged;

/// The matrix of a table, of which at most `limit` rows are wanted, and its headings.
pub(super) fn find(
    source: &Source,
    separator: u8,
    name_column: Option<&str>,
    limit: Option<u64>,
) -> Result<(Matrix, Option<Vec<String>>), Flaw> {
    let layout = layout(source, separator, name_column)?;
    let mut rows = Rows::new(source, separator);
    let n_headings = u64::from(layout.headings.is_some());
    let limit = limit.map(|limit| limit.saturating_add(n_headings));
    let mut n_lines = 0;
    while limit.is_none_or(|limit| n_lines < limit) && rows.advance()? {
        n_lines += 1;
        // The last one says that there is more, and nothing else.
        if limit != Some(n_lines) {
            rows.check(layout.n_cells, layout.line)?;
        }
    }
    n_lines -= n_headings.min(n_lines);
    let n_per_line = layout.n_cells - usize::from(layout.name_idx.is_some());
    if n_lines == 0 || n_per_line == 0 {
        return Err(Flaw::NoVectors);
    }
    let headings = layout.headings.as_ref().map(|headings| {
        let unit = |(idx, _): &(usize, &String)| Some(*idx) != layout.name_idx;
        headings.iter().enumerate().filter(unit).map(|(_, heading)| heading.clone()).collect()
    });
    let stream = Vectors { rows: Rows::new(source, separator), layout, separator, is_begun: false };
    let body = Body::Stream(Box::new(stream));
    Ok((Matrix { n_lines, n_per_line: n_per_line as u64, is_across: false, body }, headings))
}

/// What the first rows say.
struct Layout {
    headings: Option<Vec<String>>,
    name_idx: Option<usize>,
    n_cells: usize,
    /// The line of the first row.
    line: u64,
}

fn layout(source: &Source, separator: u8, name_column: Option<&str>) -> Result<Layout, Flaw> {
    let mut rows = Rows::new(source, separator);
    if !rows.advance()? {
        return Err(Flaw::NoVectors);
    }
    rows.check_quotes()?;
    let (first, line) = (rows.record.clone(), rows.line());
    let cells: Vec<&[u8]> = first.iter().map(<[u8]>::trim_ascii).collect();
    let is_number: Vec<bool> = cells.iter().map(|cell| number(cell).is_some()).collect();
    let text = |cell: &&[u8]| String::from_utf8_lossy(cell).into_owned();
    if let ([cell], Some((found, needed))) = (&cells[..], other_separator(&cells, separator)) {
        let (line, n) = (line, cell.iter().filter(|byte| **byte == found.0).count());
        return Err(Flaw::Separator { line, n, found: found.1, needed });
    }
    let begins_with_word = !is_number[0];
    let rest_are_numbers = is_number[1..].iter().all(|is_number| *is_number);
    // Headings are no decimal fractions, and no numbers that are written otherwise: a row that has some is a row with a mistake in it.
    let first_number = usize::from(begins_with_word);
    let is_row = cells.iter().zip(&is_number).skip(1).any(|(cell, is_number)| *is_number && cell.contains(&b'.'));
    let is_slip = |idx: &usize| {
        let of_row = *idx >= first_number && (is_row || !hint(cells[*idx], separator).is_empty());
        !is_number[*idx] && (of_row || has_typeset_minus(cells[*idx]))
    };
    if let (None, Some(idx)) = (name_column, (0..cells.len()).find(is_slip)) {
        let hint = hint(cells[idx], separator);
        let column = format!("column {}", idx.saturating_sub(first_number));
        return Err(Flaw::NoNumber { line, column, found: text(&cells[idx]), hint, maybe_names: None });
    }
    let has_headings = if !rest_are_numbers || cells.len() == 1 && begins_with_word || name_column.is_some() {
        true
    } else {
        // pandas numbers columns without a name: 0, 1, 2, …
        let units = if begins_with_word { &cells[1..] } else { &cells[..] };
        let counted = units.iter().enumerate().all(|(idx, cell)| **cell == *idx.to_string().as_bytes());
        if counted && !cells[0].is_empty() {
            let shown: Vec<String> = cells.iter().take(4).map(text).collect();
            let sentence = format!(
                "line {line} ({}{}) may be headings or a row; give the columns headings that are no numbers",
                abridged(&shown.join(", ")),
                if cells.len() > 4 { ", …" } else { "" }
            );
            return Err(Flaw::Ambiguous { sentence });
        }
        counted
    };
    // An empty cell is a number that is missing.
    let mut name_idx = (begins_with_word && !cells[0].is_empty() && !has_headings).then_some(0);
    if has_headings {
        name_idx = match name_column {
            Some(name) => Some(named(name, &cells)?),
            // Without a heading, it is what pandas calls the index; a column of words is one by its first word.
            None => {
                let is_word = |cell: &[u8]| !cell.is_empty() && number(cell).is_none();
                let first_is_word =
                    rows.advance()? && rows.record.get(0).is_some_and(|cell| is_word(cell.trim_ascii()));
                (cells[0].is_empty() || first_is_word).then_some(0)
            }
        };
    }
    let headings = has_headings.then(|| cells.iter().map(text).collect());
    Ok(Layout { headings, name_idx, n_cells: cells.len(), line })
}

/// A separator that a line without any of the asked ones has: the byte with its name, and the name of the one that is needed.
fn other_separator(cells: &[&[u8]], separator: u8) -> Option<((u8, &'static str), &'static str)> {
    const SEPARATORS: [(u8, &str); 4] = [(b';', "semicolon"), (b'\t', "tab"), (b',', "comma"), (b'|', "bar")];
    let needed = SEPARATORS.iter().find(|(byte, _)| *byte == separator)?.1;
    let found =
        SEPARATORS.iter().find(|(byte, _)| *byte != separator && cells.iter().any(|cell| cell.contains(byte)))?;
    Some((*found, needed))
}

/// What to do about a cell that would be a number if it were written otherwise.
fn hint(cell: &[u8], separator: u8) -> &'static str {
    let parts =
        |byte: u8| cell.contains(&byte) && cell.split(|b| *b == byte).all(|part| number(part.trim_ascii()).is_some());
    match () {
        () if separator == b',' && parts(b';') => "; cells are separated by commas, not by semicolons",
        () if parts(b',') => "; a number has a decimal point, not a comma",
        () => super::text::hint(cell),
    }
}

fn named(name: &str, headings: &[&[u8]]) -> Result<usize, Flaw> {
    headings.iter().position(|heading| *heading == name.as_bytes()).ok_or_else(|| {
        let mut ranking = Ranking::new(name);
        for heading in headings {
            let heading = String::from_utf8_lossy(heading);
            ranking.push(&heading, || abridged(&heading));
        }
        Flaw::NoColumn { name: name.to_owned(), choice: ranking.choice() }
    })
}

/// The rows of a file, none of them longer than a vector can need.
struct Rows {
    reader: csv::Reader<Meter>,
    /// Bytes that were read since the last row began.
    n_bytes: Rc<Cell<usize>>,
    /// The line that is read, from 1; where a byte 0 was met, its own.
    line: Rc<Cell<u64>>,
    record: ByteRecord,
    source: Source,
    separator: u8,
}

/// Counts bytes as they are read, and stops where a row would fill the memory: a quote that nobody closes.
struct Meter {
    inner: RangeReader<Rc<dyn ReaderAt>>,
    n_bytes: Rc<Cell<usize>>,
    line: Rc<Cell<u64>>,
}

const BUFFER_BYTES: usize = 256 * 1024;

impl Read for Meter {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.n_bytes.get() > MAX_LINE_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let n = self.inner.read(buffer)?;
        let zero = memchr::memchr(0, &buffer[..n]);
        let n_ends = memchr::memchr_iter(b'\n', &buffer[..zero.unwrap_or(n)]).count();
        self.line.set(self.line.get() + n_ends as u64);
        if zero.is_some() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.n_bytes.set(self.n_bytes.get() + n);
        Ok(n)
    }
}

impl Rows {
    fn new(source: &Source, separator: u8) -> Self {
        let n_bytes = Rc::new(Cell::new(0));
        let line = Rc::new(Cell::new(1));
        let meter = Meter { inner: source.range(0, source.n_bytes), n_bytes: n_bytes.clone(), line: line.clone() };
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator)
            .buffer_capacity(BUFFER_BYTES)
            .from_reader(meter);
        Self { reader, n_bytes, line, record: ByteRecord::new(), source: source.clone(), separator }
    }

    /// Whether there is a further row, which is then `record`.
    fn advance(&mut self) -> Result<bool, Flaw> {
        self.n_bytes.set(0);
        let (begin, next_line) = (self.reader.position().byte(), self.reader.position().line());
        self.reader.read_byte_record(&mut self.record).map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => self.too_long(begin, next_line),
            csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
                Flaw::NotText { line: self.line.get() }
            }
            csv::ErrorKind::Io(error) => error.into(),
            _ => Flaw::Changed,
        })
    }

    /// What makes a row longer than a vector can need.
    fn too_long(&self, begin: u64, line: u64) -> Flaw {
        let allowed = MAX_LINE_BYTES;
        let mut text = vec![0; allowed];
        match self.source.read(&mut text, begin) {
            Err(flaw) => flaw,
            Ok(()) if text.iter().all(|byte| b"\r\n".contains(byte)) => Flaw::EmptyLines { line, allowed },
            Ok(()) => {
                let open = quote_gone_wrong(&text, self.separator, line);
                open.unwrap_or(Flaw::LongLine { line, allowed })
            }
        }
    }

    /// Refuses a row with other cells than it should have, and one that a quote has run together with others.
    fn check(&self, n_cells: usize, first_line: u64) -> Result<(), Flaw> {
        self.check_quotes()?;
        if self.record.len() != n_cells {
            let like = format!("in line {first_line}");
            let (line, found) = (self.line(), self.record.len());
            return Err(Flaw::Ragged { line, found, what: "cells", needed: n_cells, like });
        }
        Ok(())
    }

    /// Looks into what a row was read from where it goes on over lines, or up to the end: a quote may be meant to, or nobody has closed it.
    fn check_quotes(&self) -> Result<(), Flaw> {
        let (begin, end) = (self.record.position().map_or(0, csv::Position::byte), self.reader.position().byte());
        let is_last = end >= self.source.n_bytes;
        if !is_last && memchr::memchr2(b'\n', b'\r', self.record.as_slice()).is_none() {
            return Ok(());
        }
        let mut text = vec![0; (end - begin) as usize];
        self.source.read(&mut text, begin)?;
        quote_gone_wrong(&text, self.separator, self.line()).map_or(Ok(()), Err)
    }

    /// The line where the row begins.
    fn line(&self) -> u64 {
        self.record.position().map_or(0, csv::Position::line)
    }
}

/// The first quote of some text that begins a cell and does not end it, the text being at the beginning of a row in a line.
fn quote_gone_wrong(text: &[u8], separator: u8, first_line: u64) -> Option<Flaw> {
    /// Where in a cell the text is.
    enum At {
        Begin,
        Bare,
        Quoted,
        /// Behind a quote, which may be the end of the cell or half of one that is meant.
        Quote,
    }
    let (mut at, mut line, mut opened) = (At::Begin, first_line, first_line);
    for &byte in text {
        at = match (at, byte) {
            (At::Begin, b'"') => {
                opened = line;
                At::Quoted
            }
            (At::Quoted, b'"') => At::Quote,
            (At::Quoted, _) | (At::Quote, b'"') => At::Quoted,
            (At::Begin | At::Bare | At::Quote, b'\r' | b'\n') => At::Begin,
            (At::Begin | At::Bare | At::Quote, byte) if byte == separator => At::Begin,
            (At::Quote, _) if line > opened => return Some(Flaw::LateQuote { line: opened, end: line }),
            (At::Begin | At::Bare | At::Quote, _) => At::Bare,
        };
        line += u64::from(byte == b'\n');
    }
    matches!(at, At::Quoted).then_some(Flaw::OpenQuote { line: opened })
}

struct Vectors {
    rows: Rows,
    layout: Layout,
    separator: u8,
    is_begun: bool,
}

impl Lines for Vectors {
    fn next(&mut self, values: &mut [f32]) -> Result<Option<Line>, Flaw> {
        if !self.is_begun && self.layout.headings.is_some() {
            self.rows.advance()?;
        }
        self.is_begun = true;
        if !self.rows.advance()? {
            return Ok(None);
        }
        let (line, record) = (self.rows.line(), &self.rows.record);
        self.rows.check(self.layout.n_cells, self.layout.line)?;
        let name_idx = self.layout.name_idx;
        let place = Place::Line(line);
        let (mut name, mut infinite) = (None, None);
        let mut position = 0;
        for (idx, cell) in record.iter().enumerate() {
            if Some(idx) == name_idx {
                name = Some(String::from_utf8_lossy(cell).into_owned());
                continue;
            }
            let Some(value) = number(cell.trim_ascii()) else {
                let found = String::from_utf8_lossy(cell).into_owned();
                let hint = hint(cell.trim_ascii(), self.separator);
                let heading = self.layout.headings.as_ref().map(|headings| headings[idx].clone());
                let column = heading.as_deref().map_or(position.to_string(), abridged);
                let maybe_names = heading.filter(|_| name_idx.is_none() && hint.is_empty());
                return Err(Flaw::NoNumber { line, column: format!("column {column}"), found, hint, maybe_names });
            };
            if infinite.is_none() && !(value as f32).is_finite() {
                infinite = Some(Infinite { position, value, place });
            }
            values[position] = value as f32;
            position += 1;
        }
        Ok(Some(Line { name, place, infinite }))
    }
}
