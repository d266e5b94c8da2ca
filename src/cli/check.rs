//! `superpose check`: what a scenario would do, and what it would take.

use std::fmt::Write;

use clap::Args;
use serde_json::json;
use superpose::engine::{admit, gigabytes};
use superpose::quantity::shortest;
use superpose::scenario::study::{Point, Study};

use super::summary::{aligned, counted, duration};
use super::{Failure, Source, print};

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    source: Source,
    /// Print one line of JSON for each scenario
    #[arg(long)]
    json: bool,
}

/// Plans every scenario and prints what it would take; the first that could not run is the failure.
pub fn check(arguments: &Arguments) -> Result<(), Failure> {
    let source = &arguments.source;
    for study in source.studies()? {
        let text = if arguments.json {
            in_json(&study, source.settings.threads())
        } else {
            describe(&study, source.settings.threads())?
        };
        print(&text)?;
        admit(&study, source.settings.resources.memory()).map_err(|fault| Failure::of(&study, fault))?;
    }
    Ok(())
}

fn describe(study: &Study, n_threads: usize) -> Result<String, Failure> {
    let plan = &study.first.plan;
    let scenario = &plan.scenario;
    let title = scenario.title.as_deref().unwrap_or(scenario.name.as_str());
    let mut text = format!("{}: {title}\n", study.path().display());
    if study.sweep.is_some() {
        let axes = study.sweep.describe().into_iter().map(|(path, values)| vec![path, values]).collect();
        let _ = writeln!(text, "{}", aligned(axes, 2));
        let _ = writeln!(text, "  first point  {}", coordinates(study, &study.first));
        let _ = writeln!(text, "  last point   {}", coordinates(study, &study.point(study.n_points - 1)?));
    }
    let mut rows =
        vec![["tier", "embedding", "params", "d_model", "n_concepts", "memory", "time"].map(str::to_owned).to_vec()];
    for (tier, planned) in scenario.tiers.iter().zip(&plan.tiers) {
        rows.push(vec![
            tier.name.to_string(),
            tier.embedding.as_ref().map_or("–", |embedding| embedding.name()).to_owned(),
            planned.facts.params.map_or("–".to_owned(), shortest),
            planned.size.map_or("–".to_owned(), |size| size.d_model.to_string()),
            planned.size.map_or("–".to_owned(), |size| size.n_concepts.to_string()),
            gigabytes(planned.cost.bytes),
            duration(planned.cost.seconds),
        ]);
    }
    let _ = writeln!(text, "{}", aligned(rows, 2));
    let _ = writeln!(
        text,
        "{}; {} columns (memory and time above: one replicate{}, one core)",
        extent(study, n_threads),
        study.columns.len(),
        if study.sweep.is_some() { " at the first point" } else { "" },
    );
    Ok(text)
}

/// `9 points × 3 tiers × 3 replicates = 81 rows, at most 1.2 GB, roughly 90 s on 2 threads`.
pub fn extent(study: &Study, n_threads: usize) -> String {
    let scenario = &study.first.plan.scenario;
    let points =
        if study.sweep.is_some() { format!("{} × ", counted(study.n_points, "point")) } else { String::new() };
    format!(
        "{points}{} × {}{} = {}, at most {} of memory, roughly {} on {}",
        counted(scenario.tiers.len() as u64, "tier"),
        counted(scenario.replicates.get(), "replicate"),
        if study.is_filtered() { ", less what where leaves out," } else { "" },
        counted(study.n_rows, "row"),
        gigabytes(study.hungriest.2.bytes * n_threads.min(study.n_units as usize) as f64),
        duration(study.seconds / n_threads as f64),
        counted(n_threads as u64, "thread"),
    )
}

/// `concepts.count = 64, tiers.large.params = 1e7`.
pub fn coordinates(study: &Study, point: &Point) -> String {
    let pairs = study.sweep.paths().into_iter().zip(&point.coordinates);
    pairs.map(|(path, value)| format!("{path} = {value}")).collect::<Vec<_>>().join(", ")
}

fn in_json(study: &Study, n_threads: usize) -> String {
    let scenario = &study.first.plan.scenario;
    let line = json!({
        "scenario_file": study.path().display().to_string(),
        "name": scenario.name,
        "axes": study.sweep.describe().into_iter().map(|(path, values)| json!({ "path": path, "values": values })).collect::<Vec<_>>(),
        "points": study.n_points,
        "tiers": scenario.tiers.len(),
        "replicates": scenario.replicates,
        "rows": study.n_rows,
        "columns": study.columns.iter().map(|column| column.name.as_ref()).collect::<Vec<_>>(),
        "bytes_of_the_largest_unit": study.hungriest.2.bytes,
        "seconds_on_one_core": study.seconds,
        "threads": n_threads,
    });
    format!("{line}\n")
}
