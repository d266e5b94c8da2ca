//! The table at the end of a run: means ± standard errors per tier, with the theory beside the simulated value.

use comfy_table::{CellAlignment, Table as TextTable, presets};
use superpose::embedding::Size;
use superpose::engine::results::Group;
use superpose::figure::number::{Rounded, rounded};
use superpose::figure::source::words;
use superpose::quantity::shortest;
use superpose::scenario::plan::{OPTIONAL_KEYS, Plan};
use superpose::scenario::study::Study;
use superpose::table::{Unit, Value};

use super::check::coordinates;

/// The rows that a person is shown.
pub type Shown = Group;

/// The table for a person: of the one point, or of the first and the last.
pub fn summary(study: &Study, shown: &[Shown]) -> String {
    let scenario = &study.first.plan.scenario;
    let mut text = format!("{}\n", scenario.title.as_deref().unwrap_or(scenario.name.as_str()));
    match scenario.replicates.get() {
        1 => text.push_str("one replicate"),
        n => text.push_str(&format!("mean ± standard error over {n} replicates")),
    }
    text.push_str("; in brackets what theory says; – where undefined\n");
    let mut n_left_out = 0;
    for groups in shown.chunk_by(|a, b| a.point == b.point) {
        let Ok(point) = study.point(groups[0].point) else { continue };
        if study.sweep.is_some() {
            text.push_str(&format!("\nat {}\n", coordinates(study, &point)));
        }
        // Of a training that was looked at on the way, the end says most; the file has it all.
        let ends: Vec<&Shown> = groups.iter().filter(|group| is_end(&point.plan, group)).collect();
        n_left_out += groups.len() - ends.len();
        text.push_str(&table(study, &point.plan, &ends));
    }
    if n_left_out > 0 {
        text.push_str("\neach training at its last step\n");
    }
    if study.n_kept > 2 {
        text.push_str(&format!("\nthe first and the last of {} points\n", study.n_kept));
    }
    text
}

/// Whether it is the last look at a training, on its way in one direction.
fn is_end(plan: &Plan, group: &Shown) -> bool {
    let stages = &plan.tiers[group.tier_idx].stages;
    let next = stages.get(group.stage_idx + 1);
    next.is_none_or(|next| next.direction != stages[group.stage_idx].direction)
}

/// The tiers of one point side by side.
fn table(study: &Study, plan: &Plan, groups: &[&Shown]) -> String {
    let mut text = String::new();
    let labels = labels(study, plan);
    let tiers: Vec<TierCells> = groups.iter().map(|group| tier_cells(study, plan, &labels, group)).collect();
    let width = console::Term::stdout().size_checked().map_or(120, |(_, columns)| usize::from(columns));
    let mut rest = tiers.as_slice();
    while !rest.is_empty() {
        // As many tiers side by side as fit; the others below, with the labels again.
        let fits = |n: &usize| longest(labels.iter()) + rest[..*n].iter().map(TierCells::width).sum::<usize>() <= width;
        let (block, others) = rest.split_at((1..=rest.len()).take_while(fits).last().unwrap_or(1));
        let row = |idx: usize| {
            let cells = block.iter().flat_map(move |tier| [tier.values[idx].clone(), tier.theory[idx].clone()]);
            std::iter::once(labels[idx].clone()).chain(cells).collect()
        };
        text.push_str(&format!("\n{}\n", aligned((0..labels.len()).map(row).collect(), 0)));
        rest = others;
    }
    text
}

/// What a tier shows in each row: the value, and the theory beside it.
struct TierCells {
    values: Vec<String>,
    theory: Vec<String>,
}

impl TierCells {
    fn width(&self) -> usize {
        4 + longest(self.values.iter()) + longest(self.theory.iter())
    }
}

/// `1 tier`, `3 tiers`.
pub fn counted(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Rows as columns that line up: the first to the left, the others to the right.
pub fn aligned(rows: Vec<Vec<String>>, indent: usize) -> String {
    lined_up(rows, indent, &[0])
}

/// Rows as columns that line up: those of words to the left, the others to the right.
pub fn lined_up(rows: Vec<Vec<String>>, indent: usize, words: &[usize]) -> String {
    let mut table = TextTable::new();
    table.load_style(presets::NOTHING);
    table.add_rows(rows);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if !words.contains(&index) {
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

/// The name of each row: of the tier's keys, of what a file lost where a tier drops, then of the measures' columns (without the theory that stands in brackets), with an empty row before
/// each measure.
fn labels(study: &Study, plan: &Plan) -> Vec<String> {
    let is_theory = |name: &str| study.columns.iter().any(|column| column.theory.as_deref() == Some(name));
    let mut labels: Vec<String> = TIER_KEYS.map(str::to_owned).into();
    let [n_dropped, ..] = &OPTIONAL_KEYS;
    labels.extend(study.optional_keys[0].then(|| n_dropped.name.to_string()));
    for measure in plan.scenario.measure.chosen() {
        labels.push(String::new());
        let columns = measure.member.columns();
        labels.extend(columns.iter().filter(|column| !is_theory(&column.name)).map(|column| column.name.to_string()));
    }
    labels
}

const TIER_KEYS: [&str; 5] = ["tier", "embedding", "params", "d_model", "n_concepts"];

fn tier_cells(study: &Study, plan: &Plan, labels: &[String], group: &Shown) -> TierCells {
    let (tier, planned) = (&plan.scenario.tiers[group.tier_idx], &plan.tiers[group.tier_idx]);
    let count =
        |number: fn(&Size) -> u64| planned.size.as_ref().map_or("–".to_owned(), |size| number(size).to_string());
    let keys = [
        match planned.stages[group.stage_idx].direction {
            None => tier.name.to_string(),
            Some(direction) => format!("{}, {}", tier.name, direction.word()),
        },
        tier.embedding.as_ref().map_or("–", |embedding| embedding.name()).into(),
        planned.facts.params.map_or("–".to_owned(), shortest),
        count(|size| size.d_model),
        count(|size| size.n_concepts),
    ];
    let mut cells = TierCells { theory: vec![String::new(); keys.len()], values: keys.into() };

    let position = |name: &str| study.columns.iter().position(|column| column.name == name);
    for label in &labels[TIER_KEYS.len()..] {
        let own = position(label);
        let value = own.map(|own| {
            let values = group.rows.iter().map(|row| &row[own]);
            if study.columns[own].unit == Unit::Text { words(values) } else { mean_and_error(values) }
        });
        cells.values.push(value.unwrap_or_default());
        let theory = own.and_then(|own| position(study.columns[own].theory.as_deref()?));
        let value = theory.and_then(|theory| group.rows[0][theory].number());
        cells.theory.push(value.map_or(String::new(), |x| format!("[{}]", digits(x, 4))));
    }
    cells
}

/// The mean with its standard error, and how many replicates it is of if not all.
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
    let text = with_error(mean, error);
    if numbers.len() < n_all { format!("{text} ({} of {n_all})", numbers.len()) } else { text }
}

/// `0.02298 ± 0.00002`: an estimate with the digits that its standard error leaves it; where that is nothing but rounding, the value itself.
pub fn with_error(mean: f64, error: f64) -> String {
    match rounded(mean, error) {
        Some(Rounded { mean, error, power: 0 }) => format!("{mean} ± {error}"),
        Some(Rounded { mean, error, power }) => format!("{mean}e{power} ± {error}e{power}"),
        None if error.is_nan() || error <= 1e-12 * mean.abs() => digits(mean, 4),
        // Numbers at the very end of what a computer can hold.
        None => format!("{} ± {}", digits(mean, 4), digits(error, 2)),
    }
}

/// A number with so many significant digits at most; whole numbers whole.
pub fn digits(x: f64, significant: usize) -> String {
    if x.fract() == 0.0 && x.abs() < 1e15 {
        return shortest(x);
    }
    let rounded: f64 = format!("{x:.*e}", significant - 1).parse().unwrap_or(x);
    shortest(rounded)
}

fn longest<'a>(cells: impl Iterator<Item = &'a String>) -> usize {
    cells.map(|cell| cell.chars().count()).max().unwrap_or(0) + 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(numbers: &[f64]) -> String {
        let values: Vec<Value> = numbers.iter().map(|&x| Value::from(x)).collect();
        mean_and_error(values.iter())
    }

    #[test]
    fn regress_the_smallest_numbers_are_numbers() {
        assert_eq!(with_error(1e-323, 5e-324), "1e-323 ± 5e-324");
        assert_eq!(with_error(1.5e308, 0.2e308), "1.50e308 ± 0.20e308");
    }

    #[test]
    fn law_words_are_told_with_how_many_have_them() {
        let of = |words: &[&str]| {
            let values: Vec<Value> = words.iter().map(|word| Value::Text((*word).into())).collect();
            super::words(values.iter())
        };
        assert_eq!(of(&["digon", "digon"]), "digon");
        assert_eq!(of(&["none", "digon", "digon"]), "2 digon, 1 none");
        assert_eq!(words([Value::Undefined].iter()), "–");
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
        assert_eq!(of(&[1e-13, 3e-13]), "2.0e-13 ± 1.0e-13");
    }

    #[test]
    fn theory_durations_are_readable() {
        let all = [0.0001, 0.05, 1.0, 75.0, 600.0, 18_000.0, 1e6].map(duration);
        assert_eq!(all, ["1 ms", "50 ms", "1.0 s", "75 s", "10 min", "5.0 h", "12 days"]);
    }
}
