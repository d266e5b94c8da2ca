//! Study: a scenario at all the points of its sweep, every one of them settled and checked before the first is run.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::document::{Document, Entry, Node, Place, Tree};
use super::plan::{KEYS, OPTIONAL_KEYS, Plan};
use super::sweep::{Neighbour, Sweep};
use super::{Fault, Refusal};
use crate::analysis::{Conclusion, Content, Misfit};
use crate::embedding::File;
use crate::measure::Cost;
use crate::suggestion::did_you_mean;
use crate::table::{Column, Unit, Value};

/// A scenario with its sweep, planned.
#[derive(Clone, Debug)]
pub struct Study {
    document: Document,
    /// The sweep; a scenario without one has a single point.
    pub sweep: Sweep,
    /// The sweep as it was written, for the manifest.
    pub sweep_as_written: Option<serde_json::Value>,
    /// Number of points, 1 without a sweep.
    pub n_points: u64,
    /// Number of points of which `where` keeps a tier.
    pub n_kept: u64,
    /// The first and the last of them.
    pub ends: [u64; 2],
    /// Units of work: points × tiers × replicates, less those that `where` leaves out.
    pub n_units: u64,
    /// Rows: one for each unit, or one for each of its stages.
    pub n_rows: u64,
    /// Which of [`OPTIONAL_KEYS`] are there.
    pub optional_keys: [bool; 3],
    /// All columns of the CSV: the coordinates, the keys, then those of the measures.
    pub columns: Vec<Column>,
    /// Time of all units on one core.
    pub seconds: f64,
    /// The files that the scenario names, each once.
    pub inputs: Vec<File>,
    /// The hungriest unit: its point, its tier, its cost.
    pub hungriest: (u64, usize, Cost),
    /// The first point.
    pub first: Point,
}

/// A point of a study: the scenario as it stands there.
#[derive(Clone, Debug)]
pub struct Point {
    /// Its number in plan order.
    pub index: u64,
    /// The value on each axis, in the order of the columns.
    pub coordinates: Vec<Value>,
    /// The scenario at this point, settled.
    pub plan: Plan,
    /// The tiers that `where` keeps.
    pub tiers: Vec<usize>,
    /// For each tier that is annealed, the points along its axis, ascending, whether `where` keeps them or not.
    pub chains: Vec<Option<Vec<Neighbour>>>,
}

/// Keys that all replicates of a tier share: tier, params, tokens, compute, d_model, n_concepts.
const TIER_KEYS: usize = 6;

/// Rows that a study may have.
const MOST_ROWS: u64 = 1_000_000_000;

impl Study {
    /// Settles every point. Reads no more than the headers of the files that the scenario names; draws nothing. About 20 µs for each point.
    pub fn new(document: &Document) -> Result<Self, Fault> {
        let mut document = document.clone();
        let written = document.take("sweep");
        let sweep = match &written {
            None => Sweep::none(),
            Some(node) => Sweep::read(node, &document, seed(&document))?,
        };
        let sweep_as_written = written.and_then(|node| serde_json::Value::deserialize(&node).ok());
        for (path, node) in sweep.point(0) {
            document.check_axis(path, node.place)?;
        }
        let first = point(&document, &sweep, 0)?;
        let per_point = first.plan.n_rows().unwrap_or(u64::MAX);
        let n_points = sweep.n_points().filter(|n| n.checked_mul(per_point).is_some_and(|rows| rows <= MOST_ROWS));
        let n_points = n_points.ok_or_else(|| {
            let (tiers, replicates) = (first.plan.tiers.len(), first.plan.scenario.replicates);
            let points = sweep.n_points().map_or("more than 2⁶⁴".to_owned(), |n| n.to_string());
            let sentence = format!("the study has {points} points, {tiers} tiers and {replicates} replicates, which is more than {MOST_ROWS} rows");
            document.refusal(document.place(&["replicates"]), sentence)
        })?;

        let mut study = Self {
            n_points,
            n_kept: 0,
            ends: [0; 2],
            columns: Vec::new(),
            n_units: 0,
            n_rows: 0,
            optional_keys: [false; 3],
            inputs: Vec::new(),
            seconds: 0.0,
            hungriest: (0, 0, Cost::default()),
            first,
            document,
            sweep,
            sweep_as_written,
        };
        let mut observed: Vec<Column> = Vec::new();
        let mut coordinates: Vec<Content> = study.first.coordinates.iter().map(content).collect();
        for index in 0..n_points {
            let point = study.point(index)?;
            let replicates = point.plan.scenario.replicates.get();
            if !point.tiers.is_empty() {
                study.ends = [if study.n_kept == 0 { index } else { study.ends[0] }, index];
                study.n_kept += 1;
            }
            study.n_units += point.tiers.len() as u64 * replicates;
            for &tier_idx in &point.tiers {
                let planned = &point.plan.tiers[tier_idx];
                let (stages, mut cost) = (&planned.stages, planned.cost);
                // An annealing keeps where each of its trainings has ended.
                if let (Some(chain), Some(size)) = (&point.chains[tier_idx], planned.size) {
                    cost.bytes += 8.0 * (size.n_concepts * size.d_model) as f64 * (chain.len() * stages.len()) as f64;
                }
                study.n_rows += stages.len() as u64 * replicates;
                let drops = point.plan.input(tier_idx).is_some_and(|file| !file.drop.is_empty());
                study.optional_keys[0] |= drops;
                study.optional_keys[1] |= stages.iter().any(|stage| stage.direction.is_some());
                study.optional_keys[2] |= stages.iter().any(|stage| stage.step.is_some());
                study.seconds += cost.seconds * replicates as f64;
                if cost.bytes > study.hungriest.2.bytes {
                    study.hungriest = (index, tier_idx, cost);
                }
            }
            for ((known, value), first) in coordinates.iter_mut().zip(&point.coordinates).zip(&study.first.coordinates)
            {
                *known = match (*known, content(value)) {
                    (Content::Numbers, Content::Numbers) => Content::Numbers,
                    (Content::OneText, Content::OneText) if value == first => Content::OneText,
                    _ => Content::Texts,
                };
            }
            for file in point.inputs() {
                if !study.inputs.contains(&file) {
                    study.inputs.push(file);
                }
            }
            for column in point.plan.measure_columns() {
                if !observed.iter().any(|known| known.name == column.name) {
                    observed.push(column);
                }
            }
        }
        if study.n_units == 0 {
            let place = study.sweep.condition.as_ref().map_or(Place::Byte(0), |(_, place)| *place);
            return Err(study.document.refusal(place, "sweep.where keeps no point").into());
        }
        let coordinate = |path: &str| Column {
            name: path.to_owned().into(),
            ..Column::new("", Unit::Text, "coordinate of the sweep: the value at this path of the scenario")
        };
        let coordinate_columns: Vec<Column> = study.sweep.paths().into_iter().map(coordinate).collect();
        study.columns = coordinate_columns.into_iter().chain(study.keys()).chain(observed).collect();
        study.check_anneals()?;
        study.check_analyses(&coordinates)?;
        Ok(study)
    }

    /// The columns that say which row it is, in their order.
    fn keys(&self) -> Vec<Column> {
        let (of_tier, of_row) = KEYS.split_at(TIER_KEYS);
        let optional = OPTIONAL_KEYS.iter().zip(self.optional_keys).filter(|(_, there)| *there).map(|(key, _)| key);
        of_tier.iter().chain(optional).chain(of_row).cloned().collect()
    }

    /// Where the columns begin: those that all replicates share end here, and those of the measures begin there.
    pub fn key_ends(&self) -> (usize, usize) {
        let n_shared =
            self.first.coordinates.len() + TIER_KEYS + self.optional_keys.iter().filter(|there| **there).count();
        (n_shared, n_shared + KEYS.len() - TIER_KEYS)
    }

    /// Refuses an annealing along an axis that changes the size of the model. Looked at on the axis through the first point.
    fn check_anneals(&self) -> Result<(), Fault> {
        for (tier_idx, chain) in self.first.chains.iter().enumerate() {
            for neighbour in chain.iter().flatten() {
                if self.point(neighbour.index)?.plan.tiers[tier_idx].size != self.first.plan.tiers[tier_idx].size {
                    let sentence = "must leave the number of concepts and the width as they are";
                    return Err(self.document.refused_anneal(&self.first.plan, tier_idx, sentence).into());
                }
            }
        }
        Ok(())
    }

    /// Refuses analyses and figures of columns that will not be there.
    fn check_analyses(&self, coordinates: &[Content]) -> Result<(), Refusal> {
        let scenario = &self.first.plan.scenario;
        let content = |(index, column): (usize, &Column)| match coordinates.get(index) {
            Some(content) => *content,
            None if column.name == "tier" && scenario.tiers.len() > 1 => Content::Texts,
            None if column.name == "direction" => Content::Texts,
            None if column.unit == Unit::Text => Content::OneText,
            None => Content::Numbers,
        };
        let contents = self.columns.iter().enumerate().map(content);
        let columns: Vec<(&str, Content)> =
            self.columns.iter().map(|column| column.name.as_ref()).zip(contents).collect();
        for (index, conclusion) in scenario.analysis.iter().enumerate() {
            conclusion.check(&columns).map_err(|misfit| self.document.misfit(index, conclusion, &misfit))?;
        }
        let drawn: Vec<(&str, Content)> =
            columns.into_iter().filter(|(name, _)| !["replicate", "status"].contains(name)).collect();
        for (index, wish) in scenario.figure.iter().enumerate() {
            wish.check(&self.document, index, &drawn)?;
        }
        Ok(())
    }

    /// Refuses a `[smoke]` table that makes of a right scenario a wrong one: a mistake in it shows even where it is not asked for.
    pub fn check_smoke(document: &Document) -> Result<(), Fault> {
        if Self::new(document).is_ok() {
            let mut smoke = document.clone();
            smoke.make_smoke()?;
            Self::new(&smoke)?;
        }
        Ok(())
    }

    /// Whether a condition leaves tiers out at some points.
    pub fn is_filtered(&self) -> bool {
        self.sweep.condition.is_some()
    }

    /// The scenario at a point. It was checked when the study was made, so a fault now is a file that has changed.
    pub fn point(&self, index: u64) -> Result<Point, Fault> {
        point(&self.document, &self.sweep, index)
    }

    /// What makes this scenario this one and no other: every value by its path (parts separated by the unit separator), less what may be added to or
    /// taken away between two runs of one study: title, replicates, measures, analyses, figures and the sweep.
    pub fn signature(&self) -> BTreeMap<String, String> {
        let mut values = BTreeMap::new();
        let scenario = serde_json::to_value(&self.first.plan.scenario).expect("a scenario has a JSON form");
        for (key, value) in scenario.as_object().into_iter().flatten() {
            if key == "tiers" {
                for tier in value.as_array().into_iter().flatten() {
                    flatten(&format!("tiers\u{1f}{}", tier["name"].as_str().unwrap_or_default()), tier, &mut values);
                }
            } else if !["title", "replicates", "measure", "analysis", "figure"].contains(&key.as_str()) {
                flatten(key, value, &mut values);
            }
        }
        values.insert("sweep\u{1f}seeds".to_owned(), format!("{:?}", self.sweep.seeds).to_lowercase());
        values
    }

    /// The name of the scenario and its files.
    pub fn name(&self) -> &str {
        self.first.plan.scenario.name.as_str()
    }

    /// The scenario file as it was written.
    pub fn text(&self) -> &str {
        self.document.text()
    }

    /// The scenario file.
    pub fn path(&self) -> &Path {
        &self.document.path
    }
}

impl Point {
    fn inputs(&self) -> impl Iterator<Item = File> + '_ {
        self.tiers.iter().filter_map(|&tier_idx| self.plan.input(tier_idx))
    }
}

/// The scenario with the values of a point put in place.
fn point(document: &Document, sweep: &Sweep, index: u64) -> Result<Point, Fault> {
    let values = sweep.point(index);
    let mut at_point = document.clone();
    for (path, node) in &values {
        at_point.put(&Entry { key: (*path).to_owned(), place: node.place, node: node.clone() })?;
    }
    let plan = Plan::new(&at_point)?;
    let coordinates: Vec<Value> = values.iter().map(|(_, node)| coordinate(node)).collect();
    let mut tiers: Vec<usize> = (0..plan.tiers.len()).collect();
    if let Some((condition, place)) = &sweep.condition {
        for tier_idx in 0..plan.tiers.len() {
            let planned = &plan.tiers[tier_idx];
            let value = |name: &str| match name {
                "d_model" => planned.size.map(|size| size.d_model as f64),
                "n_concepts" => planned.size.map(|size| size.n_concepts as f64),
                "params" => planned.facts.params,
                "tokens" => planned.facts.tokens,
                "compute" => planned.facts.compute,
                path => values
                    .iter()
                    .zip(&coordinates)
                    .find(|((axis, _), _)| *axis == path)
                    .and_then(|(_, value)| value.number()),
            };
            match condition.holds(&value) {
                Some(true) => {}
                Some(false) => tiers.retain(|&kept| kept != tier_idx),
                None => {
                    return Err(unknown_name(
                        document,
                        *place,
                        sweep,
                        condition.names().find(|name| value(name).is_none()).unwrap_or_default(),
                    )
                    .into());
                }
            }
        }
    }
    let chains = (0..plan.tiers.len())
        .map(|tier_idx| chain(document, sweep, &plan, tier_idx, index))
        .collect::<Result<_, _>>()?;
    Ok(Point { index, coordinates, plan, tiers, chains })
}

/// The points along the axis of a tier that is annealed.
fn chain(
    document: &Document,
    sweep: &Sweep,
    plan: &Plan,
    tier_idx: usize,
    index: u64,
) -> Result<Option<Vec<Neighbour>>, Refusal> {
    let Some(anneal) = plan.training(tier_idx).and_then(|trained| trained.anneal.as_ref()) else { return Ok(None) };
    sweep.along(&anneal.along, index).map(Some).map_err(|sentence| document.refused_anneal(plan, tier_idx, &sentence))
}

fn unknown_name(document: &Document, place: Place, sweep: &Sweep, name: &str) -> Refusal {
    let allowed: Vec<&str> =
        sweep.paths().into_iter().chain(["d_model", "n_concepts", "params", "tokens", "compute"]).collect();
    let near = did_you_mean(name, allowed.iter().copied().filter(|other| *other != name));
    let sentence =
        format!("sweep.where names \"{name}\", which has no number here{near} (allowed: {})", allowed.join(", "));
    document.refusal(place, sentence.replace("? (", " ("))
}

/// The single values of a JSON value, by path.
fn flatten(path: &str, value: &serde_json::Value, values: &mut BTreeMap<String, String>) {
    match value.as_object() {
        Some(table) if !table.is_empty() => {
            table.iter().for_each(|(key, value)| flatten(&format!("{path}\u{1f}{key}"), value, values))
        }
        _ => {
            values.insert(path.to_owned(), value.to_string());
        }
    }
}

/// What a single value makes of its column.
fn content(value: &Value) -> Content {
    if value.number().is_some() { Content::Numbers } else { Content::OneText }
}

/// The cell of a coordinate.
fn coordinate(node: &Node) -> Value {
    match &node.value {
        Tree::Integer(x) => u64::try_from(*x).map_or(Value::Number(*x as f64), Value::Whole),
        Tree::Float(x) => Value::Number(*x),
        _ => Value::Text(node.to_string()),
    }
}

/// The seed, as far as it can be seen before the scenario is checked.
fn seed(document: &Document) -> u64 {
    match document.root.get("seed").map(|node| &node.value) {
        Some(Tree::Integer(seed)) => u64::try_from(*seed).unwrap_or(0),
        _ => 0,
    }
}

impl Document {
    /// A refusal of an analysis.
    pub fn misfit(&self, index: usize, conclusion: &Conclusion, misfit: &Misfit) -> Refusal {
        let (index, kind) = (index.to_string(), conclusion.name());
        let parts = misfit.key.split('.').filter(|part| !part.is_empty());
        let path: Vec<&str> = ["analysis", index.as_str(), kind].into_iter().chain(parts).collect();
        let dot = if misfit.key.is_empty() { "" } else { "." };
        self.refusal(self.place(&path), format!("analysis.{kind}{dot}{} {}", misfit.key, misfit.sentence))
    }

    /// A refusal of the axis that a tier is annealed along.
    fn refused_anneal(&self, plan: &Plan, tier_idx: usize, sentence: &str) -> Refusal {
        let (index, name) = (tier_idx.to_string(), &plan.scenario.tiers[tier_idx].name);
        let path = ["tiers", index.as_str(), "embedding", "trained", "anneal", "along"];
        self.refusal(self.place(&path), format!("tiers.{name}.embedding.trained.anneal.along {sentence}"))
    }

    /// Takes a table of the top level out of the document.
    fn take(&mut self, key: &str) -> Option<Node> {
        let Tree::Table(entries) = &mut self.root.value else { return None };
        let position = entries.iter().position(|entry| entry.key == key)?;
        Some(entries.remove(position).node)
    }

    /// Refuses an axis whose path names nothing that the scenario has: each table on the way must be there, and the last key is the parser's to judge.
    fn check_axis(&self, path: &str, place: Place) -> Result<(), Refusal> {
        let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent);
        // [concepts] may be left out of a scenario whose sweep counts them.
        if ["", "concepts"].contains(&parent) || self.tables().any(|table| table == parent) {
            return Ok(());
        }
        let mut known = Vec::new();
        leaves("", &self.root, &mut known);
        let near = did_you_mean(path, known.iter().map(String::as_str));
        Err(self.refusal(place, format!("the axis \"{path}\" names nothing in the scenario{near}")))
    }

    /// The dotted paths of all tables.
    fn tables(&self) -> impl Iterator<Item = String> {
        let mut found = Vec::new();
        tables("", &self.root, &mut found);
        found.into_iter()
    }
}

/// The dotted paths of all single values, tiers called by name.
fn leaves(path: &str, node: &Node, found: &mut Vec<String>) {
    walk(path, node, &mut |path, node| {
        if !matches!(node.value, Tree::Table(_) | Tree::List(_)) {
            found.push(path.to_owned());
        }
    });
}

fn tables(path: &str, node: &Node, found: &mut Vec<String>) {
    walk(path, node, &mut |path, node| {
        if matches!(node.value, Tree::Table(_)) {
            found.push(path.to_owned());
            // A path may call all tiers at once.
            if let Some(rest) = path.strip_prefix("tiers.").and_then(|rest| rest.split_once('.')) {
                found.push(format!("tiers.*.{}", rest.1));
            } else if path.starts_with("tiers.") {
                found.push("tiers.*".to_owned());
            }
        }
    });
}

fn walk(path: &str, node: &Node, visit: &mut dyn FnMut(&str, &Node)) {
    visit(path, node);
    let join = |part: &str| if path.is_empty() { part.to_owned() } else { format!("{path}.{part}") };
    match &node.value {
        Tree::Table(entries) => entries.iter().for_each(|entry| walk(&join(&entry.key), &entry.node, visit)),
        Tree::List(nodes) => nodes.iter().for_each(|node| {
            if let Some(name) = node.get("name").and_then(Node::text) {
                walk(&join(name), node, visit);
            }
        }),
        _ => {}
    }
}
