//! Source: the rows that figures are drawn from, replicates taken together.

use crate::engine::results::Group;
use crate::fit::student;
use crate::scenario::study::Study;
use crate::table::{Column, Table, Value};

/// Rows of a run or of anybody's table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Source {
    /// What the cells mean.
    pub columns: Vec<Column>,
    /// The cells, in the order of the columns.
    pub rows: Vec<Vec<Cell>>,
    /// How many rows were left out because there are too many to be seen.
    pub n_left_out: u64,
    /// How many units of an unfinished run are not computed yet.
    pub n_lacking: u64,
}

/// One cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// A name or a word.
    Text(String),
    /// A number, or the mean of several.
    Number(Estimate),
    /// Nothing.
    Empty,
}

/// A mean with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Of how many numbers.
    pub n: usize,
    /// The ends of the interval, by Student's t; `None` for a single number.
    pub interval: Option<(f64, f64)>,
}

/// Rows that are kept: more cannot be told apart in a figure.
const MOST_ROWS: u64 = 20_000;

impl Estimate {
    /// Of these numbers; `None` without any.
    pub fn of(numbers: &[f64]) -> Option<Self> {
        let k = numbers.len();
        if k == 0 {
            return None;
        }
        let mean = numbers.iter().sum::<f64>() / k as f64;
        let squares: f64 = numbers.iter().map(|x| (x - mean) * (x - mean)).sum();
        let error = (k > 1).then(|| (squares / ((k - 1) * k) as f64).sqrt());
        Some(Self { mean, n: k, interval: error.and_then(|error| student::interval(mean, error, k)) })
    }
}

impl Cell {
    /// The number, if there is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Cell::Number(estimate) => Some(estimate.mean),
            Cell::Text(_) | Cell::Empty => None,
        }
    }

    /// The cell as it stands in a CSV.
    pub fn words(&self) -> String {
        match self {
            Cell::Text(text) => text.clone(),
            Cell::Number(estimate) => crate::quantity::shortest(estimate.mean),
            Cell::Empty => String::new(),
        }
    }

    fn of(value: &Value) -> Self {
        match value {
            Value::Text(text) => Cell::Text(text.clone()),
            Value::Undefined => Cell::Empty,
            number => number.number().map_or(Cell::Empty, |mean| Cell::Number(Estimate { mean, n: 1, interval: None })),
        }
    }
}

impl Source {
    /// Where a column stands.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// Every row of a table as it is, less what is too much.
    pub fn of_table(table: &Table) -> Self {
        let every = (table.rows.len() as u64).div_ceil(MOST_ROWS * 50).max(1);
        let rows: Vec<Vec<Cell>> =
            table.rows.iter().step_by(every as usize).map(|row| row.iter().map(Cell::of).collect()).collect();
        let n_left_out = (table.rows.len() - rows.len()) as u64;
        Self { columns: table.columns.clone(), rows, n_left_out, n_lacking: 0 }
    }

    /// The numbers of a column that differ, ascending.
    pub fn distinct(&self, column: usize) -> Vec<f64> {
        let mut numbers: Vec<f64> = self.rows.iter().filter_map(|row| row[column].number()).collect();
        numbers.sort_by(f64::total_cmp);
        numbers.dedup();
        numbers
    }

    /// Whether a column has more than one text or number.
    pub fn varies(&self, column: usize) -> bool {
        self.rows.first().is_some_and(|first| self.rows.iter().any(|row| row[column] != first[column]))
    }
}

/// The word of all replicates; where they differ, how many have each, the most common first.
pub fn words<'a>(values: impl Iterator<Item = &'a Value>) -> String {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for value in values {
        let word = if *value == Value::Undefined { "–".to_owned() } else { value.to_string() };
        match counts.iter_mut().find(|(other, _)| *other == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word, 1)),
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    match &counts[..] {
        [(word, _)] => word.clone(),
        _ => counts.iter().map(|(word, count)| format!("{count} {word}")).collect::<Vec<_>>().join(", "),
    }
}

/// The rows of a run while they come in: one for each group of replicates.
pub struct Gathering {
    source: Source,
    n_shared: usize,
    first_measured: usize,
    every: u64,
    n_seen: u64,
}

impl Gathering {
    /// For a study.
    pub fn of(study: &Study) -> Self {
        let (n_shared, first_measured) = study.key_ends();
        let kept = study.columns[..n_shared].iter().chain(&study.columns[first_measured..]).cloned().collect();
        let n_groups = study.n_rows / study.first.plan.scenario.replicates.get();
        let every = n_groups.div_ceil(MOST_ROWS).max(1);
        Self { source: Source { columns: kept, ..Source::default() }, n_shared, first_measured, every, n_seen: 0 }
    }

    /// Takes the rows of one stage of one tier at one point.
    pub fn add(&mut self, group: &Group) {
        self.n_seen += 1;
        if !(self.n_seen - 1).is_multiple_of(self.every) {
            self.source.n_left_out += 1;
            return;
        }
        let mut row: Vec<Cell> = group.rows[0][..self.n_shared].iter().map(Cell::of).collect();
        for position in self.first_measured..group.rows[0].len() {
            let numbers: Vec<f64> = group.rows.iter().filter_map(|row| row[position].number()).collect();
            let texts = || group.rows.iter().map(|row| &row[position]);
            row.push(match Estimate::of(&numbers) {
                Some(estimate) => Cell::Number(estimate),
                None if texts().any(|value| matches!(value, Value::Text(_))) => Cell::Text(words(texts())),
                None => Cell::Empty,
            });
        }
        self.source.rows.push(row);
    }

    /// All that came in.
    pub fn finish(self) -> Source {
        self.source
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theory_an_estimate_of_four_numbers() {
        // Mean 2.5, standard error √(5/12); t(0.975, 3) = 3.182446305284263 (tables; scipy.stats.t.ppf).
        let estimate = Estimate::of(&[1.0, 2.0, 3.0, 4.0]).expect("numbers");
        let half = 3.182_446_305_284_263 * (5.0f64 / 12.0).sqrt();
        let (low, high) = estimate.interval.expect("more than one");
        assert!((low - (2.5 - half)).abs() < 1e-12 && (high - (2.5 + half)).abs() < 1e-12);
        assert_eq!(Estimate::of(&[7.0]), Some(Estimate { mean: 7.0, n: 1, interval: None }));
        assert_eq!(Estimate::of(&[]), None);
    }
}
