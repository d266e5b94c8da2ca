//! The manifest: what made the results, so that they can be checked and made again.

use serde::Serialize;
use serde_json::{Value, json};

use super::Written;
use crate::scenario::Tier;
use crate::scenario::plan::PlannedTier;
use crate::scenario::study::Study;
use crate::table::Column;

/// How a run went, for the manifest; nothing of it reaches a CSV.
#[derive(Clone, Debug, Serialize)]
pub struct Circumstances {
    /// When the run began, UTC.
    pub started: String,
    /// How long it took.
    pub elapsed_s: f64,
    /// Threads that computed.
    pub threads: usize,
    /// The variant of the pair kernel; all give the same bits.
    pub kernel: String,
    /// Records that were computed.
    pub records_computed: u64,
    /// Records that were in the store already.
    pub records_found: u64,
    /// Units that failed.
    pub units_failed: u64,
    /// Whether the scenario ran at its smoke size.
    pub smoke: bool,
}

/// The manifest of a finished run, as JSON.
pub fn encode(study: &Study, circumstances: &Circumstances, outputs: &[Written]) -> Vec<u8> {
    let plan = &study.first.plan;
    let tier = |(tier, planned): (&Tier, &PlannedTier)| {
        let size = planned.size;
        json!({ "name": tier.name, "d_model": size.map(|size| size.d_model), "n_concepts": size.map(|size| size.n_concepts) })
    };
    let tiers: Vec<Value> = plan.scenario.tiers.iter().zip(&plan.tiers).map(tier).collect();
    let manifest = json!({
        "engine": {
            "name": "superpose",
            "version": env!("CARGO_PKG_VERSION"),
            "git_commit": option_env!("SUPERPOSE_GIT_COMMIT"),
        },
        "scenario_file": plan.path.display().to_string(),
        "settings": plan.settings,
        "seed": plan.scenario.seed,
        "scenario": plan.scenario,
        "sweep": study.sweep_as_written,
        "points": study.n_points,
        "tiers": tiers,
        "rows": study.n_rows,
        "columns": study.columns.iter().map(describe).collect::<Vec<_>>(),
        "outputs": outputs,
        "run": circumstances,
    });
    let mut bytes = serde_json::to_vec_pretty(&manifest).expect("words, numbers and tables have a JSON form");
    bytes.push(b'\n');
    bytes
}

fn describe(column: &Column) -> Value {
    let bound = |x: f64| x.is_finite().then_some(x);
    let mut description = json!({
        "name": column.name,
        "unit": column.unit.word(),
        "meaning": column.meaning,
        "range": [bound(column.range.0), bound(column.range.1)],
    });
    for (key, text) in [("source", Some(column.source)), ("theory", column.theory.as_deref())] {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            description[key] = text.into();
        }
    }
    description
}
