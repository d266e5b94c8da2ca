//! Plan: everything that a scenario will do, settled and checked before the first number is drawn.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::document::Document;
use super::{Fault, Scenario, Tier};
use crate::embedding::{self, Asked, File, Key, Scheme, Size, Stage, Trained};
use crate::geometry::pairs;
use crate::measure::{By, Cost, Facts, Measure, wanted_by};
use crate::quantity::abridged;
use crate::registry::Chosen;
use crate::suggestion::did_you_mean;
use crate::table::{Column, Unit};

/// A scenario whose every tier has its size, and whose every column is known.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The scenario with all defaults filled in.
    pub scenario: Scenario,
    /// The scenario file.
    pub path: PathBuf,
    /// What `--set` changed, as written.
    pub settings: Vec<String>,
    /// One entry for each tier, in the order of the scenario.
    pub tiers: Vec<PlannedTier>,
}

/// A tier with its size, and what one replicate of it takes.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedTier {
    /// n and d; `None` for a tier without an embedding.
    pub size: Option<Size>,
    /// N, D and C.
    pub facts: Facts,
    /// The rows of one replicate: one, unless its training is looked at on the way.
    pub stages: Vec<Stage>,
    /// Time on one core and peak memory of one replicate.
    pub cost: Cost,
}

/// What the numbers of a tier depend on, besides seed, replicate and its name. The stream of a tier is named by it.
#[derive(Serialize)]
struct Identity<'a> {
    n_concepts: u64,
    params: Option<f64>,
    d_model: u64,
    embedding: &'a embedding::Scheme,
}

/// The columns that say which row it is; the measures' columns follow.
pub static KEYS: [Column; 8] = [
    Column::new("tier", Unit::Text, "name of the tier"),
    Column::new(
        "params",
        Unit::Parameters,
        "number of parameters of the tier, N; empty if the scenario does not give it",
    )
    .within(1.0, 1e18),
    Column::new(
        "tokens",
        Unit::Tokens,
        "tokens that the model is trained on, D; empty if the scenario does not give them",
    )
    .within(1.0, f64::INFINITY),
    Column::new("compute", Unit::Flop, "compute of the training, C: given, or 6 N D; empty if neither is known")
        .within(0.0, f64::INFINITY),
    Column::new("d_model", Unit::Count, "width d: the number of units of a vector; empty without an embedding")
        .within(1.0, f64::INFINITY),
    Column::new("n_concepts", Unit::Count, "number of concepts n; empty without an embedding")
        .within(1.0, f64::INFINITY),
    Column::new("replicate", Unit::Count, "number of the independent draw, from 0").within(0.0, f64::INFINITY),
    Column::new(
        "status",
        Unit::Text,
        "ok; undefined: and the names of the columns that do not exist for this row and are empty; diverged: the training behind it did, and what reads vectors is empty; or failed",
    ),
];

/// The columns that are there only where a tier has something to say in them: what a file lost, and what tells the rows of one training apart.
/// They stand before the number of the replicate.
pub static OPTIONAL_KEYS: [Column; 3] = [
    Column::new(
        "n_dropped",
        Unit::Count,
        "concepts of a file that drop has left out, not counted in n_concepts; empty for a tier that drops none",
    )
    .within(0.0, f64::INFINITY),
    Column::new(
        "direction",
        Unit::Text,
        "way of an annealing along its axis: up or down; empty for a training that begins afresh",
    ),
    Column::new("step", Unit::Steps, "steps that the training has taken; empty for a tier without checkpoints")
        .within(0.0, f64::INFINITY),
];

impl Plan {
    /// Settles the size of every tier. Reads no more than the headers of the files that the scenario names; draws nothing.
    pub fn new(document: &Document) -> Result<Self, Fault> {
        let scenario = Scenario::from_document(document)?;
        let mut tiers = (0..scenario.tiers.len())
            .map(|tier_idx| plan_tier(&scenario, document, tier_idx))
            .collect::<Result<Vec<_>, _>>()?;
        plan_comparisons(&scenario, document, &mut tiers)?;
        Ok(Self { scenario, path: document.path.clone(), settings: document.settings.clone(), tiers })
    }

    /// The folder in which relative paths of the scenario begin.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// The columns of the measures, in their order.
    pub fn measure_columns(&self) -> Vec<Column> {
        self.scenario.measure.chosen().iter().flat_map(|measure| measure.member.columns()).collect()
    }

    /// The file that a tier reads, if it reads one.
    pub fn input(&self, tier_idx: usize) -> Option<File> {
        self.scenario.tiers[tier_idx].embedding.as_ref()?.member().input(self.folder())
    }

    /// The training of a tier, if its vectors are learned.
    pub fn training(&self, tier_idx: usize) -> Option<&Trained> {
        match &self.scenario.tiers[tier_idx].embedding {
            Some(Scheme::Trained(trained)) => Some(trained),
            _ => None,
        }
    }

    /// Number of rows; `None` if it does not fit in 64 bits.
    pub fn n_rows(&self) -> Option<u64> {
        let n_stages: usize = self.tiers.iter().map(|tier| tier.stages.len()).sum();
        (n_stages as u64).checked_mul(self.scenario.replicates.get())
    }

    /// The text that names the stream of a tier's embedding and of what reads it: what its numbers depend on, in a fixed order of keys. `None` without an embedding.
    ///
    /// When a training is looked at is left out.
    pub fn identity(&self, tier_idx: usize) -> Option<String> {
        let (tier, planned) = (&self.scenario.tiers[tier_idx], &self.tiers[tier_idx]);
        let (Size { n_concepts, d_model }, embedding) = planned.size.zip(tier.embedding.as_ref())?;
        let embedding = &match embedding {
            Scheme::Trained(trained) => Scheme::Trained(trained.unwatched()),
            other => other.clone(),
        };
        let identity = Identity { n_concepts, params: planned.facts.params, d_model, embedding };
        Some(serde_json::to_string(&identity).expect("numbers, words and tables have a JSON form"))
    }

    /// The text that names the stream of a law of a tier: its facts.
    pub fn facts(&self, tier_idx: usize) -> String {
        serde_json::to_string(&self.tiers[tier_idx].facts).expect("numbers have a JSON form")
    }
}

/// The parts of a dotted key; none of `""`.
fn dotted(key: &str) -> impl Iterator<Item = &str> {
    key.split('.').filter(|part| !part.is_empty())
}

fn plan_tier(scenario: &Scenario, document: &Document, tier_idx: usize) -> Result<PlannedTier, Fault> {
    let tier = &scenario.tiers[tier_idx];
    let (facts, measures) = (tier.facts(), scenario.measure.chosen());
    let Some(embedding) = &tier.embedding else {
        if let Some(reader) = measures.iter().find(|measure| measure.member.reads_vectors()) {
            let place = document.place(&["tiers", &tier_idx.to_string()]);
            let sentence =
                format!("tiers.{} lacks the key \"embedding\", which measure.{} reads", tier.name, reader.name);
            return Err(document.refusal(place, sentence).into());
        }
        let cost = cost(&measures, None, None);
        return Ok(PlannedTier { size: None, facts, stages: vec![Stage::default()], cost });
    };
    let asked = Asked {
        n_concepts: scenario.concepts.as_ref().map(|concepts| concepts.n()),
        d_model: tier.d_model.map(|d| d.get()),
        params: tier.params.map(|params| params.get()),
        folder: document.folder(),
    };
    let name = format!("tiers.{}", tier.name);
    let at_tier = |rest: &[&str]| {
        let index = tier_idx.to_string();
        document.place(&[&["tiers", index.as_str()], rest].concat())
    };
    let size = embedding.member().size(&asked).map_err(|fault| match fault {
        embedding::Fault::Data(error) => Fault::Data(error),
        embedding::Fault::Diverged => unreachable!("planning trains nothing"),
        embedding::Fault::Scenario { key, sentence } => {
            let kind = embedding.name();
            let is_about_tier = key == Key::Tier;
            let (place, subject) = match key {
                Key::Concepts => (document.place(&["concepts"]), "the scenario".to_owned()),
                Key::Tier => (at_tier(&[]), name.clone()),
                Key::DModel => (at_tier(&["d_model"]), format!("{name}.d_model")),
                Key::Parameter(parameter) => {
                    let parts: Vec<&str> = ["embedding", kind].into_iter().chain(dotted(&parameter)).collect();
                    (at_tier(&parts), format!("{name}.{}", parts.join(".")))
                }
            };
            let unpublished = match (&tier.model, is_about_tier) {
                (Some(model), true) if asked.d_model.is_none() && asked.params.is_none() => {
                    format!("; those of {} were never published", abridged(model))
                }
                _ => String::new(),
            };
            document.refusal(place, format!("{subject} {sentence}{unpublished}")).into()
        }
    })?;
    for measure in &measures {
        let least = measure.member.least_concepts();
        if size.n_concepts < least {
            let (place, subject) = match &scenario.concepts {
                Some(concepts) if concepts.names.is_some() => {
                    (document.place(&["concepts", "names"]), "the number of concepts.names".to_owned())
                }
                Some(_) => (document.place(&["concepts", "count"]), "concepts.count".to_owned()),
                None => (at_tier(&[]), format!("the number of concepts of {name}")),
            };
            let sentence =
                format!("{subject} must be at least {least} for measure.{}, got {}", measure.name, size.n_concepts);
            return Err(document.refusal(place, sentence).into());
        }
    }
    let stages = match embedding {
        Scheme::Trained(trained) => trained.stages(size),
        _ => vec![Stage::default()],
    };
    let reader = measures.iter().find(|measure| measure.member.reads_training());
    let is_trained = |tier: &Tier| matches!(tier.embedding, Some(Scheme::Trained(_)));
    if let (Some(reader), false) = (reader, scenario.tiers.iter().any(is_trained)) {
        let kind = embedding.name();
        let sentence = format!("{name}.embedding.{kind} is not trained, and measure.{} reads a training", reader.name);
        return Err(document.refusal(at_tier(&["embedding"]), sentence).into());
    }
    let cost = cost(&measures, Some(size), Some((embedding, stages.len())));
    Ok(PlannedTier { size: Some(size), facts, stages, cost })
}

/// Checks that what tiers are compared with is there, and adds what it takes to have it beside them.
fn plan_comparisons(scenario: &Scenario, document: &Document, tiers: &mut [PlannedTier]) -> Result<(), Fault> {
    for measure in scenario.measure.chosen() {
        let Some((name, by)) = measure.member.reads_tier() else { continue };
        let refuse_key = |key: &str, sentence: String| {
            let place = document.place(&["measure", measure.name, key]);
            Err(document.refusal(place, format!("measure.{}.{key} {sentence}", measure.name)).into())
        };
        let refuse = |sentence: String| refuse_key("to", sentence);
        let names = || scenario.tiers.iter().map(|tier| tier.name.as_str());
        let Some(to) = names().position(|tier| tier == name) else {
            let near = did_you_mean(name, names());
            return refuse(
                format!(
                    "names no tier: {}{near} (allowed: {})",
                    abridged(name),
                    names().collect::<Vec<_>>().join(", ")
                )
                .replace("? (", " ("),
            );
        };
        // A tier without an embedding has been refused, because the measure reads vectors.
        let Some((size, embedding)) = tiers[to].size.zip(scenario.tiers[to].embedding.as_ref()) else { continue };
        let drawn = embedding.member().cost(size);
        let roster = |tier: &Tier, size: Size| match tier.embedding.as_ref().map(|own| own.member()) {
            Some(own) => own.roster(size, document.folder()).map_err(|fault| match fault {
                embedding::Fault::Data(error) => Fault::Data(error),
                embedding::Fault::Scenario { .. } | embedding::Fault::Diverged => {
                    unreachable!("the size is settled already")
                }
            }),
            None => Ok((size.n_concepts, false)),
        };
        let scenario_names = scenario.concepts.as_ref().is_some_and(|concepts| concepts.names.is_some());
        let (m, named) = roster(&scenario.tiers[to], size)?;
        let named = named || scenario_names;
        for (tier, planned) in scenario.tiers.iter().zip(tiers.iter_mut()) {
            let Some(own) = planned.size else { continue };
            let (n, own_named) = roster(tier, own)?;
            let own_named = own_named || scenario_names;
            match By::or_told(by, named && own_named) {
                By::Order if n != m => {
                    let how = match named && own_named {
                        true => "asked to be matched by order, both must have as many",
                        false => "without names on both sides they are matched by order, and both must have as many",
                    };
                    let (to, tier) = (abridged(name), &tier.name);
                    return refuse(format!("names {to}, which has {m} concepts, but tiers.{tier} has {n}; {how}"));
                }
                By::Name if !(named && own_named) => {
                    let without = if named { tier.name.as_str() } else { name };
                    let sentence = format!(
                        "is \"name\", but the concepts of tiers.{without} have no names; concepts.names gives all tiers names, and names of an embedding.file its own"
                    );
                    return refuse_key("by", sentence);
                }
                By::Name | By::Order => {}
            }
            let cost = |d: u64| measure.member.cost(own.n_concepts.min(size.n_concepts) as f64, d as f64);
            let (known, whole) = (cost(own.d_model), cost(own.d_model.max(size.d_model)));
            planned.cost.seconds += drawn.0 + whole.seconds - known.seconds;
            planned.cost.bytes += drawn.1 + whole.bytes - known.bytes;
        }
    }
    Ok(())
}

/// Time on one core and peak memory of one unit: the embedding, the pass over the pairs, and the hungriest measure. Without a reader of vectors none are drawn.
fn cost(measures: &[Chosen<dyn Measure>], size: Option<Size>, drawn: Option<(&Scheme, usize)>) -> Cost {
    let reads_vectors = measures.iter().any(|measure| measure.member.reads_vectors());
    let size = size.filter(|_| reads_vectors).unwrap_or(Size { n_concepts: 0, d_model: 0 });
    let (n, d) = (size.n_concepts as f64, size.d_model as f64);
    let (drawn, n_stages) = match drawn.filter(|_| reads_vectors) {
        Some((scheme, n_stages)) => (scheme.member().cost(size), n_stages as f64),
        None => ((0.0, 0.0), 1.0),
    };
    let pairs = wanted_by(measures).map_or(Cost::default(), |_| Cost {
        seconds: n * n * d / PAIR_RATE + n * n / 2.0 * PAIR_SECONDS,
        bytes: pairs::memory(size.n_concepts, size.d_model) as f64,
    });
    let (mut seconds, mut bytes) = (drawn.0 + n_stages * pairs.seconds, pairs.bytes);
    for measure in measures {
        let cost = measure.member.cost(n, d);
        seconds += if measure.member.reads_vectors() { n_stages * cost.seconds } else { cost.seconds };
        bytes = bytes.max(cost.bytes);
    }
    Cost { seconds, bytes: drawn.1 + bytes }
}

/// Operations a second of the pass over the pairs on one core, and seconds that every pair costs whatever its width: one core of a server of 2023.
const PAIR_RATE: f64 = 80e9;
const PAIR_SECONDS: f64 = 1.5e-9;
