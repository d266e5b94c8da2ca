//! Analyses: the part of a scenario that is about tables, for tables that come from elsewhere.

use serde::Deserialize;

use super::document::{Document, Place};
use super::{Refusal, Scenario};
use crate::analysis::file::CsvTable;
use crate::analysis::{Conclusion, Content};
use crate::quantity::{FileName, Seed};

/// What a scenario concludes. A file that has no tiers needs nothing else but a name.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Analyses {
    /// Names the scenario and its files.
    pub name: FileName,
    /// One line that says what the scenario shows.
    #[serde(default)]
    pub title: Option<String>,
    /// All randomness descends from this number.
    #[serde(default)]
    pub seed: Seed,
    /// What is concluded.
    #[serde(default)]
    pub analysis: Vec<Conclusion>,
}

impl Analyses {
    /// The analyses of a document: of a whole scenario, which is checked as one, or of a file with nothing but them. At least one.
    pub fn from_document(document: &Document) -> Result<Self, Refusal> {
        let analyses = if document.root.get("tiers").is_some() {
            let Scenario { name, title, seed, analysis, .. } = Scenario::from_document(document)?;
            Self { name, title, seed, analysis }
        } else {
            Self::deserialize(&document.root)
                .map_err(|mistake| document.refusal(mistake.place().unwrap_or(Place::Byte(0)), mistake.sentence()))?
        };
        if analyses.analysis.is_empty() {
            let kinds: Vec<_> = Conclusion::kinds().iter().map(|kind| kind.name).collect();
            let sentence = format!("the scenario concludes nothing; add [[analysis]] with one of {}", kinds.join(", "));
            return Err(document.refusal(document.place(&["analysis"]), sentence));
        }
        Ok(analyses)
    }

    /// Refuses analyses of columns that a table does not have.
    pub fn check(&self, document: &Document, csv: &CsvTable) -> Result<(), Refusal> {
        let columns: Vec<(&str, Content)> = csv
            .columns
            .iter()
            .map(|(name, content)| (name.as_str(), *content))
            .filter(|(name, _)| *name != "status")
            .collect();
        self.analysis.iter().enumerate().try_for_each(|(index, conclusion)| {
            conclusion.check(&columns).map_err(|misfit| document.misfit(index, conclusion, &misfit))
        })
    }
}
