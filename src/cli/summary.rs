//! The table at the end of a run: means ± standard errors per tier, with the theory beside the simulated value.

use comfy_table::{CellAlignment, Table as TextTable, presets};
use superpose::quantity::shortest;
use superpose::scenario::plan::{KEYS, Plan};
use superpose::table::{Column, Table, Value};

/// The table for a person.
pub fn summary(plan: &Plan, table: &Table) -> String {
    let scenario = &plan.scenario;
    let title = scenario.title.as_deref().unwrap_or(scenario.name.as_str());
    let mut text = format!("{title}\n");
    let replicates = scenario.replicates.get();
    let legend = if replicates > 1 {
        format!("mean ± standard error over {replicates} replicates")
    } else {
        "one replicate".to_owned()
    };
    text.push_str(&format!("{legend}; [theory for random directions]; – where undefined\n"));

    let width = console::Term::stdout().size_checked().map_or(120, |(_, columns)| usize::from(columns)).max(60);
    let names = label_width(table);
    let tiers: Vec<Vec<String>> =
        (0..scenario.tiers.len()).map(|tier_idx| tier_column(plan, table, tier_idx)).collect();
    // As many tiers side by side as fit; the rest below, with their labels again.
    let mut shown = 0;
    while shown < tiers.len() {
        let mut taken = 1;
        let wide = |tiers: &[Vec<String>]| names + tiers.iter().map(|tier| 2 + longest(tier)).sum::<usize>();
        while shown + taken < tiers.len() && wide(&tiers[shown..=shown + taken]) <= width {
            taken += 1;
        }
        let labels = labels(plan, table);
        let rows = labels.into_iter().enumerate().map(|(row, label)| {
            std::iter::once(label).chain(tiers[shown..shown + taken].iter().map(|tier| tier[row].clone())).collect()
        });
        text.push('\n');
        text.push_str(&aligned(rows.collect(), 0));
        text.push('\n');
        shown += taken;
    }
    text
}

/// Rows as columns that line up: the first to the left, the others to the right.
pub fn aligned(rows: Vec<Vec<String>>, indent: usize) -> String {
    let mut table = TextTable::new();
    table.load_style(presets::NOTHING);
    table.add_rows(rows);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if index > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let margin = " ".repeat(indent);
    table.lines().map(|line| format!("{margin}{line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// Time for a person: `0.2 s`, `3 min`, `5.1 h`.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 0.0995 => format!("{:.0} ms", (s * 1e3).ceil()),
        s if s < 9.95 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.0} days", s / 86_400.0),
    }
}

/// The columns that a person sees: those of the measures, without the theory that stands in brackets.
fn shown_columns(table: &Table) -> impl Iterator<Item = (usize, &Column)> {
    let is_theory = |name: &str| table.columns.iter().any(|column| column.theory == Some(name));
    table.columns.iter().enumerate().skip(KEYS.len()).filter(move |(_, column)| !is_theory(column.name))
}

fn labels(plan: &Plan, table: &Table) -> Vec<String> {
    let mut labels: Vec<String> = ["tier", "embedding", "params", "d_model", "n_concepts"].map(str::to_owned).into();
    let mut columns = shown_columns(table);
    for measure in plan.scenario.measure.chosen() {
        labels.push(String::new());
        let own = measure.member.columns();
        let shown = columns
            .by_ref()
            .take(shown_columns(table).filter(|(_, column)| own.iter().any(|c| c.name == column.name)).count());
        labels.extend(shown.map(|(_, column)| column.name.to_owned()));
    }
    labels
}

/// The cells of one tier, row by row as in `labels`.
fn tier_column(plan: &Plan, table: &Table, tier_idx: usize) -> Vec<String> {
    let (tier, size) = (&plan.scenario.tiers[tier_idx], plan.tiers[tier_idx].size);
    let replicates = plan.scenario.replicates.get() as usize;
    let rows = &table.rows[tier_idx * replicates..][..replicates];
    let params = tier.params.map_or("–".to_owned(), |params| shortest(params.get()));
    let mut cells = vec![
        tier.name.to_string(),
        tier.embedding.name().to_owned(),
        params,
        size.d_model.to_string(),
        size.n_concepts.to_string(),
    ];
    for label in &labels(plan, table)[cells.len()..] {
        let Some(position) = table.position(label) else {
            cells.push(String::new());
            continue;
        };
        let mut cell = mean_and_error(rows.iter().map(|row| &row[position]));
        if let Some(theory) = table.columns[position].theory.and_then(|name| table.position(name)) {
            let value = rows[0][theory].number().map_or("–".to_owned(), |x| digits(x, 4));
            cell = format!("{cell} [{value}]");
        }
        cells.push(cell);
    }
    cells
}

/// `0.02298 ± 0.00002`: the mean with the digits that its standard error leaves it.
fn mean_and_error<'a>(values: impl ExactSizeIterator<Item = &'a Value>) -> String {
    let n_all = values.len();
    let numbers: Vec<f64> = values.filter_map(Value::number).collect();
    let n = numbers.len() as f64;
    if numbers.is_empty() {
        return "–".to_owned();
    }
    let mean = numbers.iter().sum::<f64>() / n;
    let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let error = (variance / n).sqrt();
    let text = match error {
        // All replicates agree, up to the rounding of their mean: the value itself.
        e if e.is_nan() || e <= 1e-12 * mean.abs() => digits(mean, 4),
        e => {
            let decimals = (1.0 - e.log10().floor()).clamp(0.0, 300.0) as usize;
            if decimals > 9 {
                format!("{} ± {}", digits(mean, 4), digits(e, 2))
            } else {
                format!("{mean:.decimals$} ± {e:.decimals$}")
            }
        }
    };
    if numbers.len() < n_all { format!("{text} ({} of {n_all})", numbers.len()) } else { text }
}

/// A number with so many significant digits at most; whole numbers whole.
fn digits(x: f64, significant: usize) -> String {
    if x.fract() == 0.0 && x.abs() < 1e15 {
        return shortest(x);
    }
    let rounded: f64 = format!("{x:.*e}", significant - 1).parse().unwrap_or(x);
    shortest(rounded)
}

fn label_width(table: &Table) -> usize {
    shown_columns(table).map(|(_, column)| column.name.len()).max().unwrap_or(0) + 2
}

fn longest(cells: &[String]) -> usize {
    cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(numbers: &[f64]) -> String {
        let values: Vec<Value> = numbers.iter().map(|&x| Value::from(x)).collect();
        mean_and_error(values.iter())
    }

    #[test]
    fn theory_the_mean_has_the_digits_that_its_error_leaves_it() {
        // Mean 2.5, sample variance 5/3, standard error √(5/12) = 0.645.
        assert_eq!(of(&[1.0, 2.0, 3.0, 4.0]), "2.50 ± 0.65");
        assert_eq!(of(&[0.022, 0.024]), "0.0230 ± 0.0010");
        assert_eq!(of(&[0.0, 0.0]), "0");
        assert_eq!(of(&[1.0 / 3.0]), "0.3333");
        assert_eq!(of(&[f64::NAN, f64::NAN]), "–");
        assert_eq!(of(&[2.0, f64::NAN, 2.0]), "2 (2 of 3)");
        assert_eq!(of(&[1e-13, 3e-13]), "2e-13 ± 1e-13");
    }

    #[test]
    fn theory_durations_are_readable() {
        let all = [0.0001, 0.05, 1.0, 75.0, 600.0, 18_000.0, 1e6].map(duration);
        assert_eq!(all, ["1 ms", "50 ms", "1.0 s", "75 s", "10 min", "5.0 h", "12 days"]);
    }
}
