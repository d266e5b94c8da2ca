//! Names: a text with the name of one concept on each line.

use std::io::BufReader;

use super::error::Flaw;
use super::lines::{MAX_NAME_BYTES, TextLines};
use super::source::Source;

/// The names of a file, which must be `n` of them.
pub(super) fn read(source: &Source, n: u64) -> Result<Vec<String>, Flaw> {
    let mut lines = TextLines::new(BufReader::new(source.range(0, source.n_bytes)), MAX_NAME_BYTES);
    let mut names = Vec::new();
    while let Some(name) = lines.next()? {
        if names.len() as u64 == n {
            return Err(Flaw::Names { found: format!("more than {n}"), needed: n });
        }
        names.push(String::from_utf8_lossy(name).into_owned());
    }
    match names.len() as u64 {
        found if found < n => Err(Flaw::Names { found: found.to_string(), needed: n }),
        _ => Ok(names),
    }
}
