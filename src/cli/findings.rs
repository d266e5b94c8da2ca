//! The findings for a person: estimate ± standard error and interval, with the note below.

use superpose::table::Value;

use super::summary::{aligned, digits, with_error};

/// The findings, under the columns of `superpose::analysis::COLUMNS`; empty if there are none.
pub fn told(findings: &[Vec<Value>]) -> String {
    let mut text = String::new();
    for block in findings.chunk_by(|a, b| a[..2] == b[..2] && a[3] == b[3]) {
        let group = if block[0][3].to_string().is_empty() { String::new() } else { format!(", {}", block[0][3]) };
        text.push_str(&format!("\n{} ({}){group}\n", block[0][0], block[0][1]));
        // A short note stands in the row, a long one below all rows of its block would lose its subject: so each row is a line of its own.
        let rows: Vec<Vec<String>> = block.iter().map(|finding| cells(finding)).collect();
        let name = |index: usize| block.get(index).map(|finding| &finding[2]);
        for (index, (line, finding)) in aligned(rows, 2).lines().zip(block).enumerate() {
            // Of many findings of one name, such as local slopes, the first and the last say most; the file has them all.
            if index > 0 && name(index - 1) == name(index) && name(index) == name(index + 1) {
                if index == 1 || name(index - 2) != name(index) {
                    text.push_str("      …\n");
                }
                continue;
            }
            text.push_str(line);
            text.push('\n');
            let note = finding[10].to_string();
            if !note.is_empty() {
                let options = textwrap::Options::new(width()).initial_indent("      ").subsequent_indent("      ");
                text.push_str(&textwrap::fill(&note, options));
                text.push('\n');
            }
        }
    }
    text
}

/// Name, estimate, interval, goodness, rows.
fn cells(finding: &[Value]) -> Vec<String> {
    let number = |index: usize| finding[index].number();
    let estimate = match (number(4), number(5)) {
        (Some(estimate), Some(error)) => with_error(estimate, error),
        (Some(estimate), None) => digits(estimate, 4),
        (None, _) => "–".to_owned(),
    };
    let interval = number(6).zip(number(7));
    let interval = interval.map_or(String::new(), |(low, high)| format!("[{}, {}]", digits(low, 4), digits(high, 4)));
    let goodness = number(8).map_or(String::new(), |x| format!("goodness {}", digits(x, 4)));
    vec![finding[2].to_string(), estimate, interval, goodness, format!("n = {}", finding[9])]
}

fn width() -> usize {
    console::Term::stdout().size_checked().map_or(120, |(_, columns)| usize::from(columns)).max(40)
}
