//! What can be wrong with a file of vectors, each a sentence that a person can act on.

use std::fmt::{self, Display, Formatter};
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::Rows;
use super::tensors::Choice;
use crate::quantity::abridged;

/// Why a file of vectors is refused. The sentence begins with its path; rows, columns and bytes are counted from 0, lines from 1.
///
/// It speaks of parameters as a scenario has them (`tensor`); in the alternate form, `{:#}`, as the flags of a command (`--tensor`), and with a sign, `{:+#}`, as those
/// that are for the second file of two (`--to-tensor`).
#[derive(Debug)]
pub struct ReadError {
    path: PathBuf,
    flaw: Flaw,
}

impl ReadError {
    /// Another program has written to the file since it was looked at.
    pub fn changed(path: PathBuf) -> Self {
        Self { path, flaw: Flaw::Changed }
    }

    pub(super) fn new(path: &Path, flaw: Flaw) -> Self {
        Self { path: path.to_owned(), flaw }
    }

    /// The parameter of [`File`](super::File) that asks for what the file does not have, if one does; `""` for one that is missing.
    pub fn parameter(&self) -> Option<&'static str> {
        match &self.flaw {
            Flaw::Unwanted { parameter, .. } => Some(parameter),
            Flaw::NoRows { .. } | Flaw::FewRows { .. } => Some("rows"),
            Flaw::Choose { .. } => Some(""),
            Flaw::NoTensor { .. } => Some("tensor"),
            Flaw::NoColumn { .. } => Some("name_column"),
            _ => None,
        }
    }

    /// The parameter that asks for what no file of this format has, if one does.
    pub fn unwanted(&self) -> Option<&'static str> {
        match self.flaw {
            Flaw::Unwanted { parameter, .. } => Some(parameter),
            _ => None,
        }
    }

    /// The sentence without the colon after the path, to stand in another sentence.
    pub fn clause(&self) -> String {
        format!("{} {}", self.path.display(), self.flaw)
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}: ", self.path.display())?;
        self.flaw.fmt(f)
    }
}

// What is wrong is part of the sentence, so it is no `source`, which reporters would print again.
impl std::error::Error for ReadError {}

/// What is wrong, without the path.
#[derive(Debug, Error)]
pub(super) enum Flaw {
    #[error("no such file{hint}")]
    NotFound { hint: String },
    #[error("permission to read this file is denied")]
    Denied,
    #[error("is a folder; a file of vectors is needed{hint}")]
    Folder { hint: String },
    #[error("is a pipe, a socket or a device; a regular file is needed")]
    NotRegular,
    #[error("cannot be read: {0}")]
    Io(io::Error),
    #[error("changed while it was read; run again once nothing writes to it")]
    Changed,

    // What was asked does not fit what is there.
    #[error(fmt = unwanted)]
    Unwanted { parameter: &'static str, what: &'static str },
    #[error(fmt = no_rows)]
    NoRows { axis: &'static str, rows: Rows },
    #[error(fmt = few_rows)]
    FewRows { n_all: u64, axis: &'static str, rows: Rows },
    #[error(fmt = choose)]
    Choose { n: usize, choice: Choice },
    #[error("holds no matrix of floats; it has {choice}")]
    NoMatrix { choice: Choice },
    #[error("has no tensor {}; it has {choice}", abridged(.name))]
    NoTensor { name: String, choice: Choice },
    #[error("has no column {}; it has {choice}", abridged(.name))]
    NoColumn { name: String, choice: Choice },
    #[error(fmt = of_tensor)]
    Tensor { name: String, flaw: Box<Flaw> },

    // The format.
    #[error("is {what}")]
    Foreign { what: &'static str },
    #[error(fmt = unknown)]
    Unknown {},
    #[error(r#"is not a .npy file: it begins with "{found}", not with "\x93NUMPY""#)]
    Magic { found: String },
    #[error("has .npy version {major}.{minor}; allowed are 1.0, 2.0 and 3.0")]
    Version { major: u8, minor: u8 },
    #[error("ends after {found} bytes, but its header needs at least {needed}")]
    Short { found: u64, needed: u64 },
    #[error("says that its header has {found} bytes; allowed are at most {allowed}")]
    HeaderLength { found: u64, allowed: u64 },
    #[error("the header must have {expected} at byte {at}, found {found}")]
    Syntax { expected: &'static str, at: usize, found: String },
    #[error("the header has the key {key}; allowed are 'descr', 'fortran_order' and 'shape'")]
    UnknownKey { key: String },
    #[error("the header has the key '{key}' twice; allowed is once")]
    RepeatedKey { key: &'static str },
    #[error("the header lacks the key '{key}'; 'descr', 'fortran_order' and 'shape' are needed")]
    MissingKey { key: &'static str },
    #[error("the {what} is no JSON of the kind that is needed: {reason}")]
    Json { what: &'static str, reason: String },
    #[error("has {what}; none of it can be trusted")]
    Untrue { what: String },
    #[error("is a damaged zip archive: {reason}")]
    Zip { reason: String },

    // What the values are.
    #[error("holds Python objects (dtype {descr}), which run code when they are read; allowed are {FLOATS}")]
    Objects { descr: String },
    #[error("holds records (a structured dtype); allowed are {FLOATS}, so save one field alone")]
    Structured,
    #[error("holds numbers of dtype {descr}; allowed are {FLOATS}, so convert with .astype('float32') before np.save")]
    Convertible { descr: String },
    #[error("holds values of dtype {descr}; allowed are '<f2', '<f4', '<f8' and '>f2', '>f4', '>f8', {FLOATS}")]
    Dtype { descr: String },
    #[error("holds values of dtype {dtype}; allowed are F16, BF16, F32 and F64")]
    TensorDtype { dtype: String },

    // Its size.
    #[error("has shape {shape}; a matrix with one row per concept is needed, (rows, columns)")]
    Axes { shape: String },
    #[error("has shape ({n_rows}, {n_columns}); at least one row and one column are needed")]
    Empty { n_rows: u64, n_columns: u64 },
    #[error("has shape ({n_rows}, {n_columns}), which no file can hold")]
    Unreal { n_rows: u64, n_columns: u64 },
    #[error(
        "is truncated: shape ({n_rows}, {n_columns}) needs {expected} bytes of data after the header, found {found}"
    )]
    Truncated { n_rows: u64, n_columns: u64, expected: u64, found: u64 },
    #[error(
        "is too long: shape ({n_rows}, {n_columns}) needs {expected} bytes of data after the header, found {found}"
    )]
    TooLong { n_rows: u64, n_columns: u64, expected: u64, found: u64 },
    #[error("has shape ({n_rows}, {n_columns}), whose values do not fit into memory as 32-bit floats")]
    Memory { n_rows: u64, n_columns: u64 },
    #[error("has no vectors")]
    NoVectors,

    // Text.
    #[error("line {line} is longer than {allowed} bytes; none that is right can be")]
    LongLine { line: u64, allowed: usize },
    #[error(
        "has nothing but empty lines in the {allowed} bytes from line {line} on; no file that is right has so many"
    )]
    EmptyLines { line: u64, allowed: usize },
    #[error("line {line} opens a quote that nothing closes")]
    OpenQuote { line: u64 },
    #[error(
        "line {line} opens a quote that line {end} closes inside a cell; a quote must be closed at the end of its cell"
    )]
    LateQuote { line: u64, end: u64 },
    #[error("is not text: line {line} has a byte 0")]
    NotText { line: u64 },
    #[error("line {line} has {found} {what}, but {needed} are needed as {like}")]
    Ragged { line: u64, found: usize, what: &'static str, needed: usize, like: String },
    #[error(fmt = no_number)]
    NoNumber { line: u64, column: String, found: String, hint: &'static str, maybe_names: Option<String> },
    #[error("line {line} has {n} {found}{} and no {needed}; cells must be separated by {needed}s", if *n == 1 { "" } else { "s" })]
    Separator { line: u64, n: usize, found: &'static str, needed: &'static str },
    #[error("{sentence}")]
    Ambiguous { sentence: String },
    #[error("ends after {found} of the {needed} rows that its first line promises")]
    FewLines { found: u64, needed: u64 },
    #[error("goes on at {place} after the {needed} rows that its first line promises")]
    ManyLines { place: Place, needed: u64 },
    #[error("has {found} names, but there are {needed} concepts; one name a line is needed")]
    Names { found: String, needed: u64 },

    // Its values.
    #[error(fmt = not_finite)]
    NotFinite { row: u64, column: u64, place: After, value: f64 },
    #[error(fmt = overflow)]
    Overflow { row: u64, column: u64, place: After, value: f64 },
    #[error(fmt = zero_row)]
    ZeroRow { axis: &'static str, index: u64, place: After },
    #[error(
        "{axis} {index} (from 0{place}) has norm {norm:.3e}; allowed are 1e-12 to 1e12, \
         where dot products of 32-bit floats neither vanish nor overflow"
    )]
    Norm { axis: &'static str, index: u64, place: After, norm: f64 },
    #[error("has no concept left: {n_zero} are zero and {n_nonfinite} are not finite")]
    NoneLeft { n_zero: u64, n_nonfinite: u64 },
}

/// A parameter as the form of the sentence has it.
fn asked(parameter: &str, f: &Formatter) -> String {
    let of_second = f.sign_plus() && ["tensor", "rows"].contains(&parameter);
    match f.alternate() {
        true => format!("--{}{}", if of_second { "to-" } else { "" }, parameter.replace('_', "-")),
        false => parameter.to_owned(),
    }
}

fn asked_drop(which: &str, f: &Formatter) -> String {
    if f.alternate() { format!("--drop {which}") } else { format!("drop = [\"{which}\"]") }
}

fn asked_rows(rows: &Rows, f: &Formatter) -> String {
    let (name, from) = (asked("rows", f), rows.from);
    match (f.alternate(), rows.to) {
        (true, to) => format!("{name} is {from}:{}", to.map_or(String::new(), |to| to.to_string())),
        (false, None) => format!("{name} has from = {from}"),
        (false, Some(to)) => format!("{name} has from = {from} and to = {to}"),
    }
}

fn unwanted(parameter: &&str, what: &&str, f: &mut Formatter) -> fmt::Result {
    let parameter = asked(parameter, f);
    write!(f, "{what}; leave {parameter} out")
}

fn no_rows(axis: &&str, rows: &Rows, f: &mut Formatter) -> fmt::Result {
    let rows = asked_rows(rows, f);
    write!(f, "is asked for no {axis}: {rows}")
}

fn few_rows(n_all: &u64, axis: &&str, rows: &Rows, f: &mut Formatter) -> fmt::Result {
    let rows = asked_rows(rows, f);
    write!(f, "has {n_all} {axis}{}, but {rows}", if *n_all == 1 { "" } else { "s" })
}

fn choose(n: &usize, choice: &Choice, f: &mut Formatter) -> fmt::Result {
    let tensor = asked("tensor", f);
    write!(f, "holds {n} matrices, so {tensor} must name one: {choice}")
}

fn of_tensor(name: &str, flaw: &Flaw, f: &mut Formatter) -> fmt::Result {
    write!(f, "tensor {}: ", abridged(name))?;
    flaw.fmt(f)
}

fn unknown(f: &mut Formatter) -> fmt::Result {
    let format = asked("format", f);
    let allowed = "npy, npz, safetensors, text, word2vec, csv and tsv";
    write!(f, "has no sign of its format in its content or its ending; give {format} as one of {allowed}")
}

fn no_number(
    line: &u64,
    column: &str,
    found: &str,
    hint: &str,
    maybe_names: &Option<String>,
    f: &mut Formatter,
) -> fmt::Result {
    let found = abridged(found);
    write!(f, "line {line} has {found} where the number of {column} is needed{hint}")?;
    let Some(heading) = maybe_names else { return Ok(()) };
    let (name_column, is) = (asked("name_column", f), if f.alternate() { " " } else { " = " });
    write!(f, "; if it holds the names, {name_column}{is}{}", abridged(heading))
}

fn not_finite(row: &u64, column: &u64, place: &After, value: &f64, f: &mut Formatter) -> fmt::Result {
    let drop = asked_drop("nonfinite", f);
    let what = format_args!("every value must be finite, or {drop} leaves such concepts out");
    write!(f, "row {row}, column {column} (from 0{place}) is {value}; {what}")
}

fn overflow(row: &u64, column: &u64, place: &After, value: &f64, f: &mut Formatter) -> fmt::Result {
    let value = match *value {
        f64::MAX => "1.8e308 or more".to_owned(),
        f64::MIN => "-1.8e308 or less".to_owned(),
        value => format!("{value:e}"),
    };
    let drop = asked_drop("nonfinite", f);
    let what = format_args!("as 32-bit floats, values reach 3.4e38, and {drop} leaves such concepts out");
    write!(f, "row {row}, column {column} (from 0{place}) is {value}; {what}")
}

fn zero_row(axis: &&str, index: &u64, place: &After, f: &mut Formatter) -> fmt::Result {
    let drop = asked_drop("zero", f);
    let what = format_args!("a zero vector has no direction, and {drop} leaves such concepts out");
    write!(f, "{axis} {index} (from 0{place}) is zero in 32-bit floats; {what}")
}

/// What may be read, in the words of NumPy.
const FLOATS: &str = "16-bit, 32-bit and 64-bit floats";

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Byte of the file, from 0.
    Byte(u64),
    /// Byte of what a member of an archive unpacks to, from 0.
    Unpacked(u64),
    /// Line of a text, from 1.
    Line(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Byte(byte) => write!(f, "byte {byte}"),
            Self::Unpacked(byte) => write!(f, "byte {byte} when unpacked"),
            Self::Line(line) => write!(f, "line {line}"),
        }
    }
}

/// A place, where one is known, behind a semicolon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct After(pub Option<Place>);

impl fmt::Display for After {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.map_or(Ok(()), |place| write!(f, "; {place}"))
    }
}

impl Flaw {
    pub(super) fn untrue(what: impl Into<String>) -> Self {
        Self::Untrue { what: what.into() }
    }

    /// The same, of one tensor of the file.
    pub(super) fn of(self, name: &str) -> Self {
        match self {
            Self::Changed | Self::Io(_) | Self::Tensor { .. } => self,
            flaw => Self::Tensor { name: name.to_owned(), flaw: Box::new(flaw) },
        }
    }
}

impl From<io::Error> for Flaw {
    /// An error after the file was opened, in our words where we have some.
    fn from(reason: io::Error) -> Self {
        match reason.kind() {
            io::ErrorKind::PermissionDenied => Self::Denied,
            // Its length was compared with the header before the data were read.
            io::ErrorKind::UnexpectedEof => Self::Changed,
            _ => Self::Io(reason),
        }
    }
}

pub(super) fn wrong_dtype(descr: &str) -> Flaw {
    let quoted = quoted(descr);
    match descr.trim_start_matches(['<', '>', '=', '|']).bytes().next() {
        Some(b'O') => Flaw::Objects { descr: quoted },
        Some(b'V') => Flaw::Structured,
        Some(b'f' | b'i' | b'u' | b'b') => Flaw::Convertible { descr: quoted },
        _ => Flaw::Dtype { descr: quoted },
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
