//! The manifest: what made the results, so that they can be checked and made again.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Written;
use crate::scenario::Tier;
use crate::scenario::plan::PlannedTier;
use crate::scenario::study::Study;
use crate::table::Column;

/// How a run went, for the manifest; nothing of it reaches a CSV.
#[derive(Clone, Debug, Deserialize, Serialize)]
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

/// What made a run, as its manifest tells it.
#[derive(Clone, Debug, Deserialize)]
pub struct Made {
    /// The program.
    pub engine: Engine,
    /// The scenario file, as it was named.
    pub scenario_file: String,
    /// What `--set` changed, as written.
    pub settings: Vec<String>,
    /// The files.
    pub outputs: Vec<Written>,
    /// How it went.
    pub run: Circumstances,
}

/// The program that made a run.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Engine {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The commit that it was built from, where that is known.
    pub git_commit: Option<String>,
}

impl Made {
    /// Of a run of this program that has just ended.
    pub fn new(study: &Study, run: Circumstances, outputs: Vec<Written>) -> Self {
        let plan = &study.first.plan;
        let engine = Engine {
            name: "superpose".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            git_commit: option_env!("SUPERPOSE_GIT_COMMIT").map(str::to_owned),
        };
        Self { engine, scenario_file: plan.path.display().to_string(), settings: plan.settings.clone(), outputs, run }
    }

    /// The tables that it wrote: files that stand right in the folder, and no pages.
    pub fn tables(&self) -> impl Iterator<Item = &Written> {
        let is_table = |file: &str| file.ends_with(".csv") && !file.contains(['/', '\\', ':', '?', '#', '%']);
        self.outputs.iter().filter(move |output| is_table(&output.file))
    }
}

/// The manifest of a finished run, as JSON.
pub fn encode(study: &Study, made: &Made) -> Vec<u8> {
    let plan = &study.first.plan;
    let tier = |(tier, planned): (&Tier, &PlannedTier)| {
        let size = planned.size;
        json!({ "name": tier.name, "d_model": size.map(|size| size.d_model), "n_concepts": size.map(|size| size.n_concepts) })
    };
    let tiers: Vec<Value> = plan.scenario.tiers.iter().zip(&plan.tiers).map(tier).collect();
    let manifest = json!({
        "engine": made.engine,
        "scenario_file": made.scenario_file,
        "settings": made.settings,
        "seed": plan.scenario.seed,
        "scenario": plan.scenario,
        "sweep": study.sweep_as_written,
        "points": study.n_points,
        "tiers": tiers,
        "rows": study.n_rows,
        "columns": study.columns.iter().map(describe).collect::<Vec<_>>(),
        "outputs": made.outputs,
        "run": made.run,
    });
    pretty(&manifest)
}

/// A manifest that stands, with other outputs.
pub fn with_outputs(mut manifest: Value, outputs: &[Written]) -> Vec<u8> {
    manifest["outputs"] = json!(outputs);
    pretty(&manifest)
}

fn pretty(manifest: &Value) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(manifest).expect("words, numbers and tables have a JSON form");
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
