//! The tidy CSV: a header of names, one row for each unit, UTF-8, lines end with a line feed.

use crate::table::Table;

/// The table as the bytes of a CSV file (RFC 4180 quoting). An undefined value is an empty cell.
pub fn encode(table: &Table) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    let in_memory = "writing to memory does not fail, and every row has a cell for each column";
    writer.write_record(table.columns.iter().map(|column| column.name.as_ref())).expect(in_memory);
    for row in &table.rows {
        writer.write_record(row.iter().map(ToString::to_string)).expect(in_memory);
    }
    writer.into_inner().expect(in_memory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Column, Unit, Value};

    #[test]
    fn theory_cells_are_shortest_undefined_is_empty_and_text_is_quoted() {
        let column = |name| Column::new(name, Unit::Pure, "");
        let rows = vec![vec![
            Value::Text("a, \"b\"".into()),
            Value::from(1e11),
            Value::from(f64::NAN),
            Value::Whole(u64::MAX),
        ]];
        let table = Table { columns: ["name", "x", "y", "k"].map(column).into(), rows };
        let expected = "name,x,y,k\n\"a, \"\"b\"\"\",1e11,,18446744073709551615\n";
        assert_eq!(String::from_utf8(encode(&table)).as_deref(), Ok(expected));
    }
}
