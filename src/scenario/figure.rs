//! Figure: what a scenario wishes to see besides what a run draws by itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Refusal;
use super::document::Document;
use crate::analysis::Content;
use crate::analysis::sigmoid::Scale;
use crate::quantity::{FileName, Real, abridged};
use crate::suggestion::did_you_mean;

/// A figure of columns of the CSV, drawn into `figures/NAME.svg` and `.png` beside those that a run draws by itself; one that has the name of such a figure takes its place.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// Names its files: letters, digits, `-`, `_` and `.`, at most 64. Left out: `figure-1`, `figure-2`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<FileName>,
    /// The line above it. Left out: what is drawn against what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The column on the horizontal axis: a coordinate of the sweep, a key such as `params` or `tier`, or anything that is measured.
    pub x: String,
    /// The columns of numbers on vertical axes, a panel for each.
    pub y: Vec<String>,
    /// The columns whose values make a line each; rows alike in them and in x are averaged. Left out: whatever else varies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Vec<String>>,
    /// The column whose values make a panel each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facet: Option<String>,
    /// Scale of the horizontal axis, "linear" or "log". Left out: log where all numbers are positive and the largest is 20 times the smallest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x_scale: Option<Scale>,
    /// Scale of the vertical axes. Left out: log where all numbers are positive, no fractions, and the largest is 100 times the smallest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y_scale: Option<Scale>,
    /// Whether the 95 % intervals of means over replicates are drawn.
    #[serde(default = "yes")]
    pub band: bool,
    /// Whether what theory says of a column is drawn beside it.
    #[serde(default = "yes")]
    pub theory: bool,
    /// Places on the horizontal axis that are marked: `marks = [{ at = 1e11, label = "GPT-3" }]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<WishedMark>,
}

/// A place on the horizontal axis.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WishedMark {
    /// Where.
    pub at: Real,
    /// What stands above it.
    pub label: String,
}

fn yes() -> bool {
    true
}

impl Wish {
    /// Refuses columns that are not there or do not fit. `columns` are those that a figure can draw.
    pub(super) fn check(&self, document: &Document, index: usize, columns: &[(&str, Content)]) -> Result<(), Refusal> {
        let number = index.to_string();
        let refusal = |path: &[&str], sentence: String| {
            let path: Vec<&str> = ["figure", &number].into_iter().chain(path.iter().copied()).collect();
            document.refusal(document.place(&path), format!("figure {}: {sentence}", index + 1))
        };
        let find = |path: &[&str], name: &str| {
            if let Some((_, content)) = columns.iter().find(|(column, _)| *column == name) {
                return Ok(*content);
            }
            let key = path[0];
            Err(refusal(
                path,
                match name {
                    "replicate" | "status" => {
                        format!("{key} cannot name {}: a figure takes replicates together", abridged(name))
                    }
                    _ => {
                        let near = did_you_mean(name, columns.iter().map(|(column, _)| *column));
                        format!("{key} names the column {}, which the table does not have{near}", abridged(name))
                    }
                },
            ))
        };
        let x = find(&["x"], &self.x)?;
        if self.y.is_empty() {
            return Err(refusal(&["y"], "y must name one column or more, got none".to_owned()));
        }
        for (position, y) in self.y.iter().enumerate() {
            let path = ["y", &position.to_string()];
            if find(&path, y)? != Content::Numbers {
                return Err(refusal(&path, format!("y must name columns of numbers, but {} holds text", abridged(y))));
            }
        }
        for (position, by) in self.by.iter().flatten().enumerate() {
            find(&["by", &position.to_string()], by)?;
        }
        if let Some(facet) = &self.facet {
            find(&["facet"], facet)?;
        }
        let is_of_names = x != Content::Numbers;
        if is_of_names && self.x_scale.is_some() {
            return Err(refusal(&["x_scale"], format!("x_scale is for numbers, but {} holds text", abridged(&self.x))));
        }
        if is_of_names && !self.marks.is_empty() {
            return Err(refusal(&["marks"], format!("marks are for numbers, but {} holds text", abridged(&self.x))));
        }
        Ok(())
    }
}
