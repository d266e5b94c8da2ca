//! The files of a finished run: rows, summary, findings and failures, complete before any of them has its name.

use std::path::{Path, PathBuf};

use superpose::analysis;
use superpose::engine::unit::{DIVERGED, Inputs};
use superpose::engine::{Outcome, results};
use superpose::figure::source::{Gathering, Source};
use superpose::output::{self, Staged, csv};
use superpose::scenario::study::Study;
use superpose::store::Store;
use superpose::table::{Table, Value};

use super::Failure;
use super::summary::Shown;

/// The names of the files of a study.
#[derive(PartialEq, Eq)]
pub struct Files {
    pub rows: String,
    pub summary: String,
    pub findings: String,
    pub failures: String,
}

impl Files {
    pub fn of(study: &Study) -> Self {
        let file = |ending: &str| format!("{}.{ending}", study.name());
        let [rows, summary, findings, failures] = ["csv", "summary.csv", "findings.csv", "failures.csv"].map(file);
        Self { rows, summary, findings, failures }
    }

    pub fn all(self) -> [String; 4] {
        [self.rows, self.summary, self.findings, self.failures]
    }
}

/// Where the results of a scenario stand unless a person says otherwise.
pub fn default_folder(name: &str) -> PathBuf {
    Path::new("results").join(name)
}

/// What a finished run gives.
pub struct Results {
    /// What a person is shown: the rows of the first and the last point.
    pub shown: Vec<Shown>,
    /// The findings, under [`analysis::COLUMNS`].
    pub findings: Vec<Vec<Value>>,
    /// Rows of which the training diverged.
    pub n_diverged: u64,
    /// What figures are drawn from.
    pub source: Source,
    /// What stands in each file.
    pub written: Vec<output::Written>,
    /// The files, which have not yet their names.
    pub ready: Vec<output::Ready>,
}

/// Writes rows, summary, findings and failures under temporary names. Nothing stays if `stop` says so.
pub fn write(
    folder: &Path,
    study: &Study,
    inputs: &Inputs,
    store: &Store,
    outcome: &Outcome,
    stop: &dyn Fn() -> bool,
) -> Result<Option<Results>, Failure> {
    let Files { rows: table, summary, findings: found, failures: failed } = Files::of(study);
    let names = || study.columns.iter().map(|column| column.name.as_ref());
    let summary_names = results::summary_columns(study);
    let begin = |file: &str, names: &mut dyn Iterator<Item = &str>| -> Result<csv::Rows<Staged>, Failure> {
        let staged = Staged::new(folder, file)?;
        Ok(csv::Rows::new(staged, names).map_err(|source| Staged::fault(&folder.join(file), source))?)
    };
    let mut rows = begin(&table, &mut names())?;
    let mut summaries = begin(&summary, &mut summary_names.iter().map(String::as_str))?;
    let (mut shown, mut fault, mut stopped): (Vec<Shown>, Option<Failure>, bool) = (Vec::new(), None, false);
    let (mut analysed, mut gathering) = (Analysed::of(study), Gathering::of(study));
    let (status, diverged, mut n_diverged) = (study.key_ends().1 - 1, Value::Text(DIVERGED.to_owned()), 0);
    let streamed = results::groups(study, inputs, store, &outcome.failures, &mut |group| {
        stopped = stop();
        if stopped {
            return false;
        }
        let written = group.rows.iter().try_for_each(|row| rows.row(row)).map_err(|source| (&table, source));
        let written = written
            .and_then(|()| summaries.row(&results::summarize(study, &group)).map_err(|source| (&summary, source)));
        if let Err((file, source)) = written {
            fault = Some(Staged::fault(&folder.join(file), source).into());
            return false;
        }
        analysed.add(&group.rows);
        n_diverged += group.rows.iter().filter(|row| row[status] == diverged).count() as u64;
        gathering.add(&group);
        if study.ends.contains(&group.point) {
            shown.push(group);
        }
        true
    });
    if let Some(fault) = fault {
        return Err(fault);
    }
    streamed.map_err(|fault| Failure::of(study, fault))?;
    if stopped {
        return Ok(None);
    }
    let findings = analysed.conclude(study);
    let mut finished = Vec::new();
    for (rows, file) in [(rows, &table), (summaries, &summary)] {
        let staged = rows.finish().map_err(|source| Staged::fault(&folder.join(file), source))?;
        finished.push(staged.finish()?);
    }
    if !analysed.positions.is_empty() {
        finished.push(write_findings(folder, &found, &findings)?);
    }
    if !outcome.failures.is_empty() {
        finished.push(failures(folder, study, outcome, &failed)?);
    }
    let (ready, written) = finished.into_iter().unzip();
    Ok(Some(Results { shown, findings, n_diverged, source: gathering.finish(), written, ready }))
}

/// The columns that the analyses read, of all rows.
struct Analysed {
    positions: Vec<usize>,
    table: Table,
}

impl Analysed {
    fn of(study: &Study) -> Self {
        let conclusions = &study.first.plan.scenario.analysis;
        let is_needed =
            |name: &str| conclusions.iter().any(|conclusion| conclusion.needs().any(|needed| needed == name));
        let positions: Vec<usize> =
            (0..study.columns.len()).filter(|&position| is_needed(&study.columns[position].name)).collect();
        let columns = positions.iter().map(|&position| study.columns[position].clone()).collect();
        Self { positions, table: Table { columns, rows: Vec::new() } }
    }

    fn add(&mut self, rows: &[Vec<Value>]) {
        if !self.positions.is_empty() {
            let kept = |row: &Vec<Value>| self.positions.iter().map(|&position| row[position].clone()).collect();
            self.table.rows.extend(rows.iter().map(kept));
        }
    }

    fn conclude(&self, study: &Study) -> Vec<Vec<Value>> {
        let scenario = &study.first.plan.scenario;
        analysis::conclude(&scenario.analysis, &self.table, scenario.seed.get())
    }
}

/// Writes findings under a temporary name.
pub fn write_findings(
    folder: &Path,
    file: &str,
    findings: &[Vec<Value>],
) -> Result<(output::Ready, output::Written), Failure> {
    let fault = |source| Staged::fault(&folder.join(file), source);
    let names = analysis::COLUMNS.iter().map(|column| column.name.as_ref());
    let mut rows = csv::Rows::new(Staged::new(folder, file)?, names).map_err(fault)?;
    findings.iter().try_for_each(|finding| rows.row(finding)).map_err(fault)?;
    Ok(rows.finish().map_err(fault)?.finish()?)
}

/// One row for each unit that failed: coordinates, tier, replicate, and what went wrong.
fn failures(
    folder: &Path,
    study: &Study,
    outcome: &Outcome,
    file: &str,
) -> Result<(output::Ready, output::Written), Failure> {
    let fault = |source| Staged::fault(&folder.join(file), source);
    let names = study.sweep.paths().into_iter().chain(["tier", "replicate", "error"]);
    let mut rows = csv::Rows::new(Staged::new(folder, file)?, names).map_err(fault)?;
    for failure in &outcome.failures {
        let (index, tier_idx, replicate) = failure.unit;
        let point = study.point(index)?;
        let tier = Value::Text(point.plan.scenario.tiers[tier_idx].name.to_string());
        let mut row = point.coordinates;
        row.extend([tier, Value::Whole(replicate), Value::Text(failure.sentence.clone())]);
        rows.row(&row).map_err(fault)?;
    }
    Ok(rows.finish().map_err(fault)?.finish()?)
}
