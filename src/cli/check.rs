//! `superpose check`: what a scenario would do, and what it would take.

use std::fmt::Write;

use clap::Args;
use superpose::engine::{admit, gigabytes};
use superpose::quantity::shortest;
use superpose::scenario::plan::Plan;

use super::summary::{aligned, counted, duration};
use super::{Failure, Source, print};

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    source: Source,
}

/// Plans every scenario and prints what it would take; the first that could not run is the failure.
pub fn check(arguments: &Arguments) -> Result<(), Failure> {
    let source = &arguments.source;
    for plan in source.plans()? {
        print(&describe(&plan, source.threads()))?;
        admit(&plan, source.memory()).map_err(|fault| Failure::of(&plan, fault))?;
    }
    Ok(())
}

fn describe(plan: &Plan, n_threads: usize) -> String {
    let scenario = &plan.scenario;
    let mut rows =
        vec![["tier", "embedding", "params", "d_model", "n_concepts", "memory", "time"].map(str::to_owned).to_vec()];
    for (tier, planned) in scenario.tiers.iter().zip(&plan.tiers) {
        rows.push(vec![
            tier.name.to_string(),
            tier.embedding.name().to_owned(),
            tier.params.map_or("–".to_owned(), |params| shortest(params.get())),
            planned.size.d_model.to_string(),
            planned.size.n_concepts.to_string(),
            gigabytes(planned.cost.bytes),
            duration(planned.cost.seconds),
        ]);
    }
    let n_rows = plan.n_rows().map_or("too many rows".to_owned(), |n| counted(n, "row"));
    let mut text =
        format!("{}: {}\n", plan.path.display(), scenario.title.as_deref().unwrap_or(scenario.name.as_str()));
    let _ = writeln!(text, "{}", aligned(rows, 2));
    let _ = writeln!(
        text,
        "{} × {} = {n_rows} of {} columns; roughly {} on {} (memory and time above: one replicate, one core)",
        counted(scenario.tiers.len() as u64, "tier"),
        counted(scenario.replicates.get(), "replicate"),
        plan.columns().len(),
        duration(plan.seconds() / n_threads as f64),
        counted(n_threads as u64, "thread"),
    );
    text
}
