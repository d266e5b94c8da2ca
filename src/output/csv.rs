//! The tidy CSV: a header of names, one row for each unit, UTF-8, lines end with a line feed.

use std::io::{self, Write};

use crate::quantity::guarded;
use crate::table::{Table, Value};

/// Writes rows as CSV (RFC 4180 quoting). An undefined value is an empty cell, and a text that a spreadsheet would run is [`guarded`].
pub struct Rows<W: Write>(csv::Writer<W>);

impl<W: Write> Rows<W> {
    /// Begins with the header.
    pub fn new<'a>(to: W, names: impl IntoIterator<Item = &'a str>) -> io::Result<Self> {
        let mut writer = csv::Writer::from_writer(to);
        writer.write_record(names)?;
        Ok(Self(writer))
    }

    /// Adds a row, which must have a cell for each name.
    pub fn row(&mut self, cells: &[Value]) -> io::Result<()> {
        let cell = |value: &Value| match value {
            Value::Text(text) => guarded(text).into_owned(),
            other => other.to_string(),
        };
        Ok(self.0.write_record(cells.iter().map(cell))?)
    }

    /// Gives back what was written to, with everything in it.
    pub fn finish(self) -> io::Result<W> {
        self.0.into_inner().map_err(|error| io::Error::other(error.to_string()))
    }
}

/// A whole table as the bytes of a CSV file.
pub fn encode(table: &Table) -> io::Result<Vec<u8>> {
    let mut rows = Rows::new(Vec::new(), table.columns.iter().map(|column| column.name.as_ref()))?;
    table.rows.iter().try_for_each(|row| rows.row(row))?;
    rows.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theory_cells_are_shortest_undefined_is_empty_and_text_is_quoted() {
        let mut rows = Rows::new(Vec::new(), ["name", "x", "y", "k"]).expect("in memory");
        rows.row(&[Value::Text("a, \"b\"".into()), Value::from(1e11), Value::from(f64::NAN), Value::Whole(u64::MAX)])
            .expect("in memory");
        rows.row(&[Value::Text("=1+1".into()), Value::from(-1.0), Value::Undefined, Value::Whole(0)])
            .expect("in memory");
        let expected = "name,x,y,k\n\"a, \"\"b\"\"\",1e11,,18446744073709551615\n'=1+1,-1,,0\n";
        assert_eq!(String::from_utf8(rows.finish().expect("in memory")).as_deref(), Ok(expected));
    }
}
