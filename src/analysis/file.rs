//! File: anybody's CSV as a table for analyses.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::Content;
use crate::quantity::{TYPESET_MINUS, abridged, has_typeset_minus, unguarded};
use crate::table::{Column, Table, Unit, Value};

/// Why a CSV file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// The system does not give it.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not a table.
    #[error("{}{}: {sentence}", path.display(), line.map_or(String::new(), |line| format!(":{line}")))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1, where there is one.
        line: Option<u64>,
        /// What was found, and what is allowed.
        sentence: String,
    },
}

/// A table from a CSV file, and what each column holds.
#[derive(Clone, Debug, PartialEq)]
pub struct CsvTable {
    /// The names of all columns, with what they hold.
    pub columns: Vec<(String, Content)>,
    /// The rows, under the columns that were asked for.
    pub table: Table,
}

/// Reads a CSV file with a header (RFC 4180, UTF-8, cells separated by commas), keeping the columns that `is_needed`.
///
/// A column that `is_text` holds texts, whatever they look like. An apostrophe that [`crate::quantity::guarded`] put before a text is taken away again.
///
/// Blanks around a name or a cell do not count. A cell is a number, or empty, or else text; `NA`, `NaN`, `inf` and the like count as empty, for there is no number to reckon with. A column in which any cell
/// is text is a column of text. O(rows × columns) time; memory for the columns that are kept.
pub fn read(
    path: &Path,
    is_needed: impl Fn(&str) -> bool,
    is_text: impl Fn(&str) -> bool,
) -> Result<CsvTable, CsvError> {
    let malformed = |line, sentence: String| CsvError::Malformed { path: path.to_owned(), line, sentence };
    let fault = |error: csv::Error| {
        let line = error.position().map(csv::Position::line);
        match error.into_kind() {
            csv::ErrorKind::Io(source) => CsvError::Unreadable { path: path.to_owned(), source },
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                malformed(line, format!("has {len} cells, but the header has {expected_len}"))
            }
            csv::ErrorKind::Utf8 { .. } => malformed(line, "is not UTF-8".to_owned()),
            other => malformed(line, format!("is not CSV: {other:?}")),
        }
    };
    let unreadable = |source| CsvError::Unreadable { path: path.to_owned(), source };
    let mut reader = csv::Reader::from_reader(std::fs::File::open(path).map_err(unreadable)?);
    let names: Vec<String> = reader
        .headers()
        .map_err(fault)?
        .iter()
        .map(|name| name.trim_start_matches('\u{feff}').trim().to_owned())
        .collect();
    for (separator, word) in [(';', "semicolon"), ('\t', "tab"), ('|', "bar")] {
        let n = names[..].first().filter(|_| names.len() == 1).map_or(0, |name| name.matches(separator).count());
        if n > 0 {
            let s = if n == 1 { "" } else { "s" };
            return Err(malformed(
                Some(1),
                format!("has {n} {word}{s} and no comma; cells must be separated by commas"),
            ));
        }
    }
    if names.iter().all(String::is_empty) {
        return Err(malformed(None, "has no header; the first line must name the columns".to_owned()));
    }
    if let Some((index, name)) = names.iter().enumerate().find(|(index, name)| names[..*index].contains(name)) {
        return Err(malformed(
            Some(1),
            format!("has two columns {} (the second is number {})", abridged(name), index + 1),
        ));
    }
    let kept: Vec<usize> = (0..names.len()).filter(|&index| is_needed(&names[index])).collect();
    let texts: Vec<bool> = names.iter().map(|name| is_text(name)).collect();
    let mut firsts: HashMap<usize, String> = HashMap::new();
    let mut contents = vec![Content::Numbers; names.len()];
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(fault)?;
        if let Some(&index) = kept.iter().find(|&&index| has_typeset_minus(record[index].trim())) {
            let (found, column) = (abridged(record[index].trim()), abridged(&names[index]));
            let line = record.position().map(csv::Position::line);
            return Err(malformed(line, format!("has {found} in the column {column}{TYPESET_MINUS}")));
        }
        for (index, cell) in record.iter().enumerate() {
            if contents[index] != Content::Texts && matches!(value(cell, texts[index]), Value::Text(_)) {
                let first = firsts.entry(index).or_insert_with(|| cell.to_owned());
                contents[index] = if first == cell { Content::OneText } else { Content::Texts };
            }
        }
        rows.push(kept.iter().map(|&index| value(&record[index], texts[index])).collect());
    }
    if rows.is_empty() {
        return Err(malformed(None, "has a header, but no rows below it".to_owned()));
    }
    let column = |&index: &usize| Column::named(names[index].clone(), Unit::Pure, String::new());
    let table = Table { columns: kept.iter().map(column).collect(), rows };
    Ok(CsvTable { columns: names.into_iter().zip(contents).collect(), table })
}

/// A cell as a value.
fn value(cell: &str, is_text: bool) -> Value {
    let cell = cell.trim();
    match cell.parse::<f64>() {
        _ if is_text && !cell.is_empty() => Value::Text(unguarded(cell).to_owned()),
        Ok(x) => Value::from(x),
        Err(_) if cell.is_empty() || ["NA", "N/A", "#N/A", "null"].contains(&cell) => Value::Undefined,
        Err(_) => Value::Text(unguarded(cell).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &[u8]) -> Result<CsvTable, String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("t.csv");
        std::fs::write(&path, text).expect("the file can be written");
        read(&path, |name| name != "skipped", |_| false)
            .map_err(|error| error.to_string().replace(&path.display().to_string(), "t.csv"))
    }

    #[test]
    fn theory_cells_are_numbers_texts_or_empty() {
        let csv = read_text(b"\xef\xbb\xbfmodel, N,loss ,skipped\nA, 1e3 ,2.5,x\nB,NA,nan,y\n\"A, b\",7,,x\n")
            .expect("a table");
        let contents: Vec<Content> = csv.columns.iter().map(|(_, content)| *content).collect();
        assert_eq!(contents, [Content::Texts, Content::Numbers, Content::Numbers, Content::Texts]);
        let names: Vec<&str> = csv.table.columns.iter().map(|column| column.name.as_ref()).collect();
        assert_eq!(names, ["model", "N", "loss"]);
        assert_eq!(csv.table.rows[0], [Value::Text("A".into()), Value::Number(1000.0), Value::Number(2.5)]);
        assert_eq!(csv.table.rows[1], [Value::Text("B".into()), Value::Undefined, Value::Undefined]);
        assert_eq!(csv.table.rows[2], [Value::Text("A, b".into()), Value::Number(7.0), Value::Undefined]);
    }

    #[test]
    fn theory_a_text_that_is_the_same_in_every_row_does_not_vary() {
        let csv = read_text(b"a,b\nx,1\nx,2\n").expect("a table");
        assert_eq!(csv.columns, [("a".to_owned(), Content::OneText), ("b".to_owned(), Content::Numbers)]);
    }

    #[test]
    fn theory_what_is_no_table_is_told() {
        for (text, says) in [
            (b"a,b\n1,2\n3\n".as_slice(), "t.csv:3: has 1 cells, but the header has 2"),
            (b"", "t.csv: has no header; the first line must name the columns"),
            (b"a,b\n", "t.csv: has a header, but no rows below it"),
            (b"a,a\n1,2\n", "t.csv:1: has two columns \"a\" (the second is number 2)"),
            (b"a,b\n1,\xff\n", "t.csv:2: is not UTF-8"),
            (b"a;b;c\n1;2;3\n", "t.csv:1: has 2 semicolons and no comma; cells must be separated by commas"),
            (b"a\tb\n1\t2\n", "t.csv:1: has 1 tab and no comma; cells must be separated by commas"),
            (
                "a,b\n1,2\n3, \u{2212}0.5\n".as_bytes(),
                "t.csv:3: has \"\u{2212}0.5\" in the column \"b\"; its minus is U+2212, and that of a number is the hyphen -",
            ),
        ] {
            assert_eq!(read_text(text), Err(says.to_owned()));
        }
        let missing = read(Path::new("no.csv"), |_| true, |_| false).map_err(|error| error.to_string());
        assert_eq!(missing, Err("no.csv: cannot be read: No such file or directory (os error 2)".to_owned()));
    }
}
