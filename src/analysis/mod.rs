//! What is concluded: one file per analysis.

pub mod broken_power_law;
pub mod chinchilla;
pub mod file;
pub mod points;
pub mod power_law;
pub mod sigmoid;
pub mod transition;
pub mod verdict;

use std::borrow::Cow;

use rayon::prelude::*;

use crate::one_of_family;
use crate::quantity::abridged;
use crate::seed::Stream;
use crate::suggestion::did_you_mean;
use crate::table::{Column, Table, Unit, Value};

pub use broken_power_law::BrokenPowerLaw;
pub use chinchilla::Chinchilla;
pub use power_law::PowerLaw;
pub use sigmoid::Sigmoid;
pub use transition::Transition;

one_of_family! {
    /// What is concluded from the rows of a study, or of anybody's table: each a row or more of `NAME.findings.csv`.
    Conclusion of Analysis {
        /// A straight line in double logarithmic axes, with or without a floor.
        PowerLaw = "power_law",
        /// A power law that becomes another one at a scale of its own.
        BrokenPowerLaw = "broken_power_law",
        /// The loss as a function of parameters and tokens.
        Chinchilla = "chinchilla",
        /// A turn from one level to another, with its midpoint and width.
        Sigmoid = "sigmoid",
        /// Whether a turn is a transition, a crossover, a choice of metric, or nothing.
        Transition = "transition",
    }
}

/// Something that can be concluded from rows.
pub trait Analysis: Sync {
    /// The numeric columns that it reads: the key of the parameter, and the name of the column.
    fn reads(&self) -> Vec<(&'static str, &str)>;

    /// The columns whose values divide the rows into groups; `None` if the scenario does not say.
    fn by(&self) -> Option<&[String]>;

    /// The options that tell it from another of the same columns, as words.
    fn variant(&self) -> Option<&'static str> {
        None
    }

    /// What follows from the rows of one group. Never empty: what cannot be found out is a finding without an estimate, whose note says why.
    fn conclude(&self, group: &Group, stream: &Stream) -> Vec<Finding>;
}

/// The rows of one group in which every column that is read has a number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// One list of numbers for each column, in the order of [`Analysis::reads`]; all of the same length.
    pub columns: Vec<Vec<f64>>,
    /// Rows that were left out because a cell is empty.
    pub n_dropped: usize,
}

/// One thing that was found out, or could not be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Finding {
    /// What was estimated: `exponent`, `midpoint`.
    pub name: Cow<'static, str>,
    /// The estimate, finite; `None` if there is none, and then the note says why.
    pub estimate: Option<f64>,
    /// Its standard error.
    pub standard_error: Option<f64>,
    /// Its 95 % interval.
    pub interval: Option<(f64, f64)>,
    /// How well the model behind it fits, in the measure that the analysis names.
    pub goodness: Option<f64>,
    /// Rows that it rests on.
    pub n: usize,
    /// What a reader must know to use it.
    pub note: String,
}

/// How many columns the findings have.
pub const N_COLUMNS: usize = 11;

/// The columns of the findings.
pub static COLUMNS: [Column; N_COLUMNS] = [
    Column::new("analysis", Unit::Text, "kind of the analysis"),
    Column::new("columns", Unit::Text, "the columns that it reads, and what else tells it from another of its kind"),
    Column::new("name", Unit::Text, "what was estimated"),
    Column::new(
        "group",
        Unit::Text,
        "the values of the columns in by that all its rows share; empty for all rows together",
    ),
    Column::new("estimate", Unit::Pure, "the estimate; empty if there is none, and then the note says why"),
    Column::new("standard_error", Unit::Pure, "its standard error").within(0.0, f64::INFINITY),
    Column::new("low95", Unit::Pure, "lower end of its 95 % interval"),
    Column::new("high95", Unit::Pure, "upper end of its 95 % interval"),
    Column::new("goodness", Unit::Pure, "how well the model behind it fits, as the manual of the analysis says"),
    Column::new("n", Unit::Count, "rows that it rests on").within(0.0, f64::INFINITY),
    Column::new("note", Unit::Text, "what a reader must know to use it"),
];

/// A column that an analysis cannot read: the key of the parameter that names it, and the end of a sentence about that parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The key, as `x`; empty for the analysis itself.
    pub key: String,
    /// What was found, what is allowed, and the nearest right name.
    pub sentence: String,
}

/// What is known of a column before its rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Numbers, or empty cells.
    Numbers,
    /// The same text in every row.
    OneText,
    /// Texts that differ.
    Texts,
}

impl Conclusion {
    /// Whether it can be drawn from a table with these columns: all that it reads are there and numeric, and texts that vary are told apart or explicitly not.
    pub fn check(&self, columns: &[(&str, Content)]) -> Result<(), Misfit> {
        let analysis = self.member();
        let find = |key: &str, name: &str| {
            let found = columns.iter().find(|(column, _)| *column == name);
            found.ok_or_else(|| {
                let near = did_you_mean(name, columns.iter().map(|(column, _)| *column));
                let sentence = format!("names the column {}, which the table does not have{near}", abridged(name));
                Misfit { key: key.to_owned(), sentence }
            })
        };
        for (key, name) in analysis.reads() {
            if find(key, name)?.1 != Content::Numbers {
                let sentence = format!("must name a column of numbers, but {} holds text", abridged(name));
                return Err(Misfit { key: key.to_owned(), sentence });
            }
        }
        let Some(by) = analysis.by() else {
            let varying: Vec<&str> =
                columns.iter().filter(|(_, content)| *content == Content::Texts).map(|(name, _)| *name).collect();
            let quoted: Vec<String> = varying.iter().map(|name| abridged(name)).collect();
            return match varying.is_empty() {
                true => Ok(()),
                false => {
                    let list = quoted.join(", ");
                    let sentence = format!(
                        "lacks the key \"by\", while {list} varies: give by = [{list}], or by = [] to take all rows together"
                    );
                    Err(Misfit {
                        key: String::new(),
                        sentence: sentence.replacen("varies", if varying.len() > 1 { "vary" } else { "varies" }, 1),
                    })
                }
            };
        };
        by.iter().enumerate().try_for_each(|(index, name)| find(&format!("by.{index}"), name).map(|_| ()))
    }

    /// What stands under `columns` in its findings: the columns that it reads, and what else tells it from another of its kind.
    pub fn columns(&self) -> String {
        let analysis = self.member();
        let mut columns: Vec<String> = analysis.reads().iter().map(|(key, name)| format!("{key} = {name}")).collect();
        columns.extend(analysis.variant().map(str::to_owned));
        columns.join(", ")
    }

    /// The names of all columns that it needs.
    pub fn needs(&self) -> impl Iterator<Item = &str> {
        let analysis = self.member();
        analysis
            .reads()
            .into_iter()
            .map(|(_, name)| name)
            .chain(analysis.by().into_iter().flatten().map(String::as_str))
    }

    /// The groups of a table, each with its label, in the order in which they first appear.
    fn groups(&self, table: &Table) -> Vec<(String, Group)> {
        let analysis = self.member();
        let position = |name: &str| table.position(name).expect("the columns were checked");
        let reads: Vec<usize> = analysis.reads().iter().map(|(_, name)| position(name)).collect();
        let by: Vec<(&String, usize)> =
            analysis.by().into_iter().flatten().map(|name| (name, position(name))).collect();
        let mut groups: Vec<(String, Group)> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for row in &table.rows {
            let label =
                by.iter().map(|(name, column)| format!("{name} = {}", row[*column])).collect::<Vec<_>>().join(", ");
            let place = *places.entry(label).or_insert_with_key(|label| {
                groups.push((label.clone(), Group { columns: vec![Vec::new(); reads.len()], n_dropped: 0 }));
                groups.len() - 1
            });
            let group = &mut groups[place].1;
            let numbers: Option<Vec<f64>> = reads.iter().map(|&column| row[column].number()).collect();
            match numbers {
                Some(numbers) => group.columns.iter_mut().zip(numbers).for_each(|(column, x)| column.push(x)),
                None => group.n_dropped += 1,
            }
        }
        groups
    }
}

/// What follows from a table, as rows under [`COLUMNS`], in the order of the analyses and of the groups. Every analysis must have been checked against the
/// table's columns. Groups are analysed in parallel on the current pool; each has a stream of its own, so that changes nothing.
pub fn conclude(conclusions: &[Conclusion], table: &Table, seed: u64) -> Vec<Vec<Value>> {
    let tasks: Vec<(&Conclusion, String, Group)> = conclusions
        .iter()
        .flat_map(|conclusion| {
            conclusion.groups(table).into_iter().map(move |(label, group)| (conclusion, label, group))
        })
        .collect();
    let rows: Vec<Vec<Vec<Value>>> = tasks
        .par_iter()
        .map(|(conclusion, label, group)| {
            let parameters = serde_json::to_string(conclusion).expect("parameters have a JSON form");
            let stream = Stream::from_seed(seed).stream("analysis").stream(&parameters).stream(label);
            let findings = conclusion.member().conclude(group, &stream);
            findings.into_iter().map(|finding| row(conclusion, label, group, finding)).collect()
        })
        .collect();
    rows.into_iter().flatten().collect()
}

fn row(conclusion: &Conclusion, label: &str, group: &Group, finding: Finding) -> Vec<Value> {
    let mut note = finding.note;
    if group.n_dropped > 0 {
        let rows = if group.n_dropped == 1 { "row" } else { "rows" };
        let dropped = format!("{} {rows} with an empty cell left out", group.n_dropped);
        note = if note.is_empty() { dropped } else { format!("{note}; {dropped}") };
    }
    let (low, high) = finding.interval.unzip();
    vec![
        Value::Text(conclusion.name().to_owned()),
        Value::Text(conclusion.columns()),
        Value::Text(finding.name.into_owned()),
        Value::Text(label.to_owned()),
        finding.estimate.into(),
        finding.standard_error.into(),
        low.into(),
        high.into(),
        finding.goodness.into(),
        Value::Whole(finding.n as u64),
        Value::Text(note),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn power_law(by: Option<&[&str]>) -> Conclusion {
        let by = by.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        Conclusion::PowerLaw(PowerLaw { x: "n".into(), y: "loss".into(), by, offset: false })
    }

    fn table() -> Table {
        let names = ["tier", "n", "loss"];
        let columns = names.map(|name| Column::named(name.to_owned(), Unit::Pure, String::new())).into();
        let mut rows = Vec::new();
        for k in 1..=6 {
            let n = f64::from(k);
            rows.push(vec![Value::Text("a".into()), n.into(), (8.0 / n).into()]);
            rows.push(vec![Value::Text("b".into()), n.into(), if k == 3 { Value::Undefined } else { (n * n).into() }]);
        }
        Table { columns, rows }
    }

    #[test]
    fn theory_groups_are_told_apart_and_rows_without_a_number_left_out() {
        let rows = conclude(&[power_law(Some(&["tier"]))], &table(), 1);
        let exponents: Vec<&Vec<Value>> = rows.iter().filter(|row| row[2] == Value::Text("exponent".into())).collect();
        let cells =
            |row: &[Value]| (row[3].to_string(), (row[4].number().unwrap() * 1e9).round() / 1e9, row[9].clone());
        assert_eq!(cells(exponents[0]), ("tier = a".into(), -1.0, Value::Whole(6)));
        assert_eq!(cells(exponents[1]), ("tier = b".into(), 2.0, Value::Whole(5)));
        assert!(exponents[1][10].to_string().ends_with("1 row with an empty cell left out"), "{}", exponents[1][10]);
    }

    #[test]
    fn theory_columns_that_do_not_fit_are_told() {
        use Content::{Numbers, OneText, Texts};
        let columns = [("tier", Texts), ("n", Numbers), ("lossy", Numbers), ("status", OneText)];
        let misfit = |by, columns: &[(&str, Content)]| {
            power_law(by).check(columns).map_err(|misfit| (misfit.key, misfit.sentence))
        };
        let missing = "names the column \"loss\", which the table does not have; did you mean \"lossy\"?";
        assert_eq!(misfit(Some(&[]), &columns), Err(("y".into(), missing.into())));
        let columns = [("tier", Texts), ("n", OneText), ("loss", Numbers)];
        assert_eq!(
            misfit(Some(&[]), &columns),
            Err(("x".into(), "must name a column of numbers, but \"n\" holds text".into()))
        );
        let columns = [("tier", Texts), ("code", Texts), ("n", Numbers), ("loss", Numbers)];
        let lacks = "lacks the key \"by\", while \"tier\", \"code\" vary: give by = [\"tier\", \"code\"], or by = [] to take all rows together";
        assert_eq!(misfit(None, &columns), Err((String::new(), lacks.into())));
        assert_eq!(misfit(Some(&[]), &columns), Ok(()));
        let unknown = "names the column \"teir\", which the table does not have; did you mean \"tier\"?";
        assert_eq!(misfit(Some(&["tier", "teir"]), &columns), Err(("by.1".into(), unknown.into())));
    }
}
