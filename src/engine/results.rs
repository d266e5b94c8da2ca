//! Results: the rows of a study in plan order, read from the store, and their summary over replicates.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::unit::{DIVERGED, Inputs, Job};
use super::{Failure, Fault};
use crate::fit::student;
use crate::scenario::study::{Point, Study};
use crate::store::{self, Store};
use crate::table::{Column, Table, Unit, Value};

/// The rows of one stage of one tier at one point, one for each replicate.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Number of the point in plan order.
    pub point: u64,
    /// Position of the tier in the scenario.
    pub tier_idx: usize,
    /// Position among the stages of the tier.
    pub stage_idx: usize,
    /// The rows, under the columns of the study.
    pub rows: Vec<Vec<Value>>,
}

/// Gives every group of rows in plan order to `sink`, until it says `false`. Every unit must be in the store or among the failures. Memory for the groups of
/// one tier at one point.
pub fn groups(
    study: &Study,
    inputs: &Inputs,
    store: &Store,
    failures: &[Failure],
    sink: &mut dyn FnMut(Group) -> bool,
) -> Result<(), Fault> {
    let view = store.view()?;
    let failed: BTreeSet<_> = failures.iter().map(|failure| failure.unit).collect();
    let positions: HashMap<&str, usize> =
        study.columns.iter().enumerate().map(|(position, column)| (column.name.as_ref(), position)).collect();
    for index in 0..study.n_points {
        let point = Arc::new(study.point(index)?);
        let plan = &point.plan;
        // A column that this point does not ask for stays empty without being undefined.
        let asked: Vec<Asked> = plan
            .scenario
            .measure
            .chosen()
            .iter()
            .map(|measure| Asked {
                positions: measure.member.columns().iter().map(|column| positions[column.name.as_ref()]).collect(),
                reads_vectors: measure.member.reads_vectors(),
            })
            .collect();
        for &tier_idx in &point.tiers {
            let records = |replicate| {
                if failed.contains(&(index, tier_idx, replicate)) {
                    return Ok(None);
                }
                let job = Job { point: point.clone(), tier_idx, replicate };
                let keys = job.records(study.sweep.seeds, inputs);
                keys.iter()
                    .map(|key| view.get(key)?.ok_or_else(|| view.lost()))
                    .collect::<Result<Vec<_>, _>>()
                    .map(Some)
            };
            let records = (0..plan.scenario.replicates.get()).map(records).collect::<Result<Vec<_>, store::Fault>>()?;
            for stage_idx in 0..plan.tiers[tier_idx].stages.len() {
                let rows = records.iter().enumerate();
                let rows = rows.map(|(replicate, records)| {
                    let key = keys(study, inputs, &point, tier_idx, stage_idx);
                    let status = study.key_ends().1 - 1;
                    let mut row = key;
                    row.extend([Value::Whole(replicate as u64), Value::Text("failed".to_owned())]);
                    row.resize(study.columns.len(), Value::Undefined);
                    if let Some(records) = records {
                        let stage_idx = plan.training(tier_idx).is_some().then_some(stage_idx);
                        let said = fill(&mut row, &asked, records, stage_idx, study);
                        row[status] = Value::Text(said);
                    }
                    row
                });
                if !sink(Group { point: index, tier_idx, stage_idx, rows: rows.collect() }) {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// A measure that a point asks for.
struct Asked {
    /// Where its columns stand.
    positions: Vec<usize>,
    reads_vectors: bool,
}

/// Coordinates and keys that all replicates of a stage share.
fn keys(study: &Study, inputs: &Inputs, point: &Point, tier_idx: usize, stage_idx: usize) -> Vec<Value> {
    let (tier, planned) = (&point.plan.scenario.tiers[tier_idx], &point.plan.tiers[tier_idx]);
    let whole = |number: Option<u64>| number.map_or(Value::Undefined, Value::Whole);
    let mut row = point.coordinates.clone();
    row.extend([
        Value::Text(tier.name.to_string()),
        planned.facts.params.into(),
        planned.facts.tokens.into(),
        planned.facts.compute.into(),
        whole(planned.size.map(|size| size.d_model)),
        whole(planned.size.map(|size| size.n_concepts)),
    ]);
    let stage = planned.stages[stage_idx];
    let direction = stage.direction.map_or(Value::Undefined, |direction| Value::Text(direction.word().to_owned()));
    let drops = point.plan.input(tier_idx).filter(|file| !file.drop.is_empty());
    let n_dropped = whole(drops.and_then(|file| inputs.get(&file)).map(|input| input.n_dropped));
    let optional = [n_dropped, direction, whole(stage.step)].into_iter().zip(study.optional_keys);
    row.extend(optional.filter(|(_, there)| *there).map(|(value, _)| value));
    row
}

/// Writes the values of a stage into their columns of a row, and says how it is.
fn fill(row: &mut [Value], asked: &[Asked], records: &[Vec<Value>], stage_idx: Option<usize>, study: &Study) -> String {
    let (mut undefined, mut diverged) = (Vec::new(), false);
    for (Asked { positions, reads_vectors }, values) in asked.iter().zip(records) {
        let n = positions.len();
        let values = match stage_idx.filter(|_| *reads_vectors) {
            None => &values[..n],
            Some(stage_idx) => {
                let (values, status) = values[stage_idx * (n + 1)..][..n + 1].split_at(n);
                diverged |= status[0] == Value::Text(DIVERGED.to_owned());
                values
            }
        };
        for (&position, value) in positions.iter().zip(values) {
            if *value == Value::Undefined {
                undefined.push(study.columns[position].name.as_ref());
            }
            row[position] = value.clone();
        }
    }
    match (diverged, undefined.is_empty()) {
        (true, _) => DIVERGED.to_owned(),
        (false, true) => "ok".to_owned(),
        (false, false) => format!("undefined: {}", undefined.join(" ")),
    }
}

/// All rows at once.
pub fn table(study: &Study, inputs: &Inputs, store: &Store, failures: &[Failure]) -> Result<Table, Fault> {
    let mut rows = Vec::new();
    groups(study, inputs, store, failures, &mut |group| {
        rows.extend(group.rows);
        true
    })?;
    Ok(Table { columns: study.columns.clone(), rows })
}

/// The columns of the summary: coordinates and keys of the tier, the number of replicates, then six columns for each numeric column of a measure.
pub fn summary_columns(study: &Study) -> Vec<String> {
    let shared = &study.columns[..study.key_ends().0];
    let mut names: Vec<String> = shared.iter().map(|column| column.name.to_string()).collect();
    names.push("replicates".to_owned());
    for column in measured(study) {
        names.extend(
            ["n_used", "mean", "sd", "se", "low95", "high95"].map(|statistic| format!("{}_{statistic}", column.name)),
        );
    }
    names
}

/// One row of the summary. Of x₁ … xₖ, the defined values of a column: k, mean x̄, standard deviation s with k − 1 in the denominator, standard error
/// s/√k, and the 95 % interval x̄ ± t·s/√k with Student's t of k − 1 degrees of freedom. What does not exist is empty: all but k without a value, all but k
/// and the mean with a single one.
pub fn summarize(study: &Study, group: &Group) -> Vec<Value> {
    let (n_shared, first) = study.key_ends();
    let mut row: Vec<Value> = group.rows[0][..n_shared].to_vec();
    row.push(Value::Whole(group.rows.len() as u64));
    for position in (first..study.columns.len()).filter(|&position| study.columns[position].unit != Unit::Text) {
        let numbers: Vec<f64> = group.rows.iter().filter_map(|row| row[position].number()).collect();
        row.extend(statistics(&numbers));
    }
    row
}

fn measured(study: &Study) -> impl Iterator<Item = &Column> {
    study.columns[study.key_ends().1..].iter().filter(|column| column.unit != Unit::Text)
}

fn statistics(numbers: &[f64]) -> [Value; 6] {
    let k = numbers.len();
    let mean = (k > 0).then(|| numbers.iter().sum::<f64>() / k as f64);
    let sd = mean.filter(|_| k > 1).map(|mean| {
        let squares: f64 = numbers.iter().map(|x| (x - mean) * (x - mean)).sum();
        (squares / (k - 1) as f64).sqrt()
    });
    let error = sd.map(|sd| sd / (k as f64).sqrt());
    let interval = mean.zip(error).and_then(|(mean, error)| student::interval(mean, error, k));
    let (low, high) = interval.unzip();
    [Value::Whole(k as u64), mean.into(), sd.into(), error.into(), low.into(), high.into()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theory_statistics_of_four_numbers() {
        // Mean 2.5, s = √(5/3), standard error √(5/12); t(0.975, 3) = 3.182446305284263 (tables; scipy.stats.t.ppf).
        let [n, mean, sd, se, low, high] =
            statistics(&[1.0, 2.0, 3.0, 4.0]).map(|value| value.number().expect("a number"));
        let error = (5.0f64 / 12.0).sqrt();
        assert_eq!((n, mean), (4.0, 2.5));
        for (value, expected) in [
            (sd, (5.0f64 / 3.0).sqrt()),
            (se, error),
            (low, 2.5 - 3.182_446_305_284_263 * error),
            (high, 2.5 + 3.182_446_305_284_263 * error),
        ] {
            assert!((value - expected).abs() < 1e-12, "{value} against {expected}");
        }
    }

    #[test]
    fn theory_what_does_not_exist_is_empty() {
        use Value::{Number, Undefined, Whole};
        assert_eq!(statistics(&[]), [Whole(0), Undefined, Undefined, Undefined, Undefined, Undefined]);
        assert_eq!(statistics(&[7.0]), [Whole(1), Number(7.0), Undefined, Undefined, Undefined, Undefined]);
    }
}
