//! What was asked: the scenario file as types, and the plan that follows from it.

pub mod analyses;
pub mod condition;
pub mod design;
pub mod document;
pub mod figure;
pub mod plan;
mod reader;
mod setting;
pub mod study;
pub mod sweep;
pub mod tier;

use std::collections::BTreeMap;
use std::collections::hash_map::{Entry, HashMap};
use std::fmt::Display;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::analysis::Conclusion;
use crate::embedding::file::ReadError;
use crate::measure::Measures;
use crate::quantity::{Count, FileName, Seed, abridged, is_control};
use document::{Document, Place};

pub use tier::{Tier, Tokens};

/// A scenario: which concepts, which models, what is measured.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Names the scenario and its files: letters, digits, `-`, `_` and `.`, at most 64.
    pub name: FileName,
    /// One line that says what the scenario shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// All randomness descends from this number, from 0 to 2⁶³ − 1.
    #[serde(default)]
    pub seed: Seed,
    /// Independent draws of every tier; each is a row.
    #[serde(default = "once")]
    pub replicates: Count,
    /// What is represented. May be left out if every embedding brings its own number of concepts (`frame`, `file`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concepts: Option<Concepts>,
    /// The models, each with its embedding.
    pub tiers: Vec<Tier>,
    /// What is measured of every tier and replicate, one table for each measure.
    #[serde(default)]
    pub measure: Measures,
    /// What is concluded from the rows, one table for each analysis: `[[analysis]]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub analysis: Vec<Conclusion>,
    /// What is drawn besides what a run draws by itself, one table for each figure: `[[figure]]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub figure: Vec<figure::Wish>,
    /// At which points the scenario runs: axes by the dotted path of a value. Left out: as it stands.
    #[serde(default, skip_serializing)]
    #[schemars(with = "Option<sweep::Manual>")]
    pub sweep: Option<serde_json::Value>,
    /// Values by dotted path that replace the scenario's own under `--smoke`, to try it in a moment. Left out: at most 2 replicates.
    #[serde(default, skip_serializing)]
    pub smoke: BTreeMap<String, serde_json::Value>,
}

/// The concepts: exactly one of `count` and `names`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Concepts {
    /// Number of concepts, n.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<Count>,
    /// Names of the concepts, no two the same; their number is n. Names are labels: no number depends on them, but that `measure.similarity` may match concepts by them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
}

fn once() -> Count {
    Count::new(1).expect("1 is a count")
}

/// Why a scenario is not run: where, and one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {sentence}")]
pub struct Refusal {
    /// The file, with line and column where there is one, or the setting of the command.
    pub place: String,
    /// What was found, what is allowed, and the nearest right name.
    pub sentence: String,
}

/// Why a scenario cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The scenario is wrong.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A file that it names cannot be used.
    #[error(transparent)]
    Data(#[from] ReadError),
}

impl Refusal {
    fn new(place: impl Display, sentence: impl Into<String>) -> Self {
        Self { place: place.to_string(), sentence: sentence.into() }
    }
}

impl Concepts {
    /// n, the number of concepts; 0 while it is not checked that one of the two is given.
    pub fn n(&self) -> u64 {
        self.count.map_or(self.names.as_ref().map_or(0, |names| names.len() as u64), Count::get)
    }
}

impl Scenario {
    /// The scenario that a document describes; every value is checked, and the conditions between values that do not need the plan.
    pub fn from_document(document: &Document) -> Result<Self, Refusal> {
        let mut scenario = Self::deserialize(&document.root)
            .map_err(|mistake| document.refusal(mistake.place().unwrap_or(Place::Byte(0)), mistake.sentence()))?;
        for (index, tier) in scenario.tiers.iter_mut().enumerate() {
            tier.fill_in().map_err(|sentence| {
                let place = document.place(&["tiers", &index.to_string(), "model"]);
                document.refusal(place, format!("tiers.{}.model: {sentence}", tier.name))
            })?;
        }
        scenario.check_title(document)?;
        scenario.check_concepts(document)?;
        scenario.check_tiers(document)?;
        if scenario.measure.chosen().is_empty() {
            let kinds: Vec<_> = Measures::kinds().iter().map(|kind| format!("[measure.{}]", kind.name)).collect();
            let sentence = format!("the scenario measures nothing; add one or more of {}", kinds.join(", "));
            return Err(document.refusal(document.place(&["measure"]), sentence));
        }
        Ok(scenario)
    }

    fn check_title(&self, document: &Document) -> Result<(), Refusal> {
        match &self.title {
            Some(title) if title.chars().any(is_control) => {
                let sentence = format!("title must be one line without control characters, got {}", abridged(title));
                Err(document.refusal(document.place(&["title"]), sentence))
            }
            _ => Ok(()),
        }
    }

    fn check_concepts(&self, document: &Document) -> Result<(), Refusal> {
        let Some(concepts) = &self.concepts else { return Ok(()) };
        let refuse = |path: &[&str], sentence: String| Err(document.refusal(document.place(path), sentence));
        match (&concepts.count, &concepts.names) {
            (Some(_), None) => Ok(()),
            (None, None) => refuse(&["concepts"], "concepts needs count or names".into()),
            (Some(_), Some(_)) => {
                refuse(&["concepts", "names"], "concepts has both count and names; give one of the two".into())
            }
            (None, Some(names)) if names.is_empty() => {
                refuse(&["concepts", "names"], "concepts.names must have at least one name, got none".into())
            }
            (None, Some(names)) => {
                let mut seen = HashMap::new();
                names.iter().enumerate().try_for_each(|(index, name)| {
                    let at = ["concepts", "names", &index.to_string()];
                    if name.trim().is_empty() {
                        return refuse(&at, format!("concepts.names has an empty name at position {}", index + 1));
                    }
                    match seen.entry(name.as_str()) {
                        Entry::Vacant(free) => {
                            free.insert(index);
                            Ok(())
                        }
                        Entry::Occupied(first) => {
                            let (a, b) = (first.get() + 1, index + 1);
                            refuse(
                                &at,
                                format!(
                                    "concepts.names has {} twice, at positions {a} and {b}; names must differ",
                                    abridged(name)
                                ),
                            )
                        }
                    }
                })
            }
        }
    }

    fn check_tiers(&self, document: &Document) -> Result<(), Refusal> {
        if self.tiers.is_empty() {
            return Err(
                document.refusal(document.place(&["tiers"]), "the scenario has no tiers; add at least one [[tiers]]")
            );
        }
        for (index, tier) in self.tiers.iter().enumerate() {
            if self.tiers[..index].iter().any(|other| other.name == tier.name) {
                let place = document.place(&["tiers", &index.to_string(), "name"]);
                let name = abridged(tier.name.as_str());
                return Err(
                    document.refusal(place, format!("two tiers have the name {name}; names of tiers must differ"))
                );
            }
            if tier.tokens == Some(Tokens::Chinchilla) && tier.params.is_none() {
                let place = document.place(&["tiers", &index.to_string(), "tokens"]);
                let sentence = format!("tiers.{}.tokens is \"chinchilla\", but the tier has no params", tier.name);
                return Err(document.refusal(place, sentence));
            }
        }
        Ok(())
    }
}
