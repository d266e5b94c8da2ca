//! Sweep: at which points a scenario runs.

use std::collections::BTreeSet;

use schemars::JsonSchema;

use super::Refusal;
use super::condition::Condition;
use super::design;
use super::document::{Document, Entry, Node, Place, Tree};
use crate::quantity::{abridged, shortest};
use crate::seed::Stream;
use crate::suggestion::did_you_mean;

/// Which points a scenario runs at: axes multiply, in the alphabetical order of their paths, the last the fastest.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// Whether points share their random numbers.
    pub seeds: Seeds,
    /// The comparison that a point's tiers must satisfy, and where it stands.
    pub(super) condition: Option<(Condition, Place)>,
    groups: Vec<Group>,
}

/// Whether points share their random numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Seeds {
    /// Every point draws its own, unless nothing that they depend on has changed.
    #[default]
    Independent,
    /// The same random numbers at every point, for comparisons in pairs.
    Common,
}

/// Axes that advance in step.
#[derive(Clone, Debug)]
struct Group {
    axes: Vec<Axis>,
    n_steps: u64,
}

/// A path of the scenario and the values that it takes.
#[derive(Clone, Debug)]
struct Axis {
    path: String,
    place: Place,
    values: Values,
}

#[derive(Clone, Debug)]
enum Values {
    /// These, one after another.
    Listed(Vec<Node>),
    /// Places in a range, given as parts of it from 0 to 1.
    Spread { range: Range, parts: Vec<f64> },
}

/// From where to where, and in what steps.
#[derive(Clone, Copy, Debug)]
struct Range {
    from: f64,
    to: f64,
    whole: bool,
    logarithmic: bool,
}

/// Most points of one axis or design.
const MOST_STEPS: i64 = 1_000_000;

const RESERVED: [&str; 4] = ["seeds", "where", "together", "design"];

/// At which points the scenario runs.
///
/// Any key but the four below is an axis: the dotted path of a value, in quotes, as in `"concepts.count"`, `"tiers.large.params"` or `"tiers.*.params"` (all tiers).
/// Its value is a list of numbers or words, or a range `{ from, to, steps, scale }` with `scale = "linear"` (default) or `"log"`; where both ends are whole numbers,
/// so are the steps, and repeated ones are merged. Axes multiply, the last path in the alphabet the fastest. Not to be swept: name, title, replicates.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "people and editors read its fields; the parser works on the tree, where places are kept")]
pub struct Manual {
    /// "independent" (default): every point draws its own random numbers, unless nothing that they depend on differs. "common": the same random numbers
    /// at every point, for comparisons in pairs.
    seeds: Option<String>,
    /// A comparison in quotes that keeps the tiers of a point that satisfy it, as in "concepts.count <= 8 * d_model". It may name the axes, d_model,
    /// n_concepts, params, tokens and compute, and join comparisons with and, or, not.
    r#where: Option<String>,
    /// Tables of axes that advance in step, each with as many values: `[[sweep.together]]`.
    together: Option<Vec<serde_json::Map<String, serde_json::Value>>>,
    /// A space-filling design in place of a grid: `method` ("sobol", with a random digital shift, or "latin_hypercube"), the number of `points`, and for each path a
    /// range `{ from, to, scale }`. Drawn from the scenario's seed.
    design: Option<serde_json::Map<String, serde_json::Value>>,
    /// The axes.
    #[schemars(flatten)]
    axes: std::collections::BTreeMap<String, serde_json::Value>,
}

impl Sweep {
    /// The single point of a scenario without a sweep.
    pub(super) fn none() -> Self {
        Self { seeds: Seeds::default(), condition: None, groups: Vec::new() }
    }

    /// Reads the `[sweep]` of a document. `seed` is the scenario's, for designs that are drawn.
    pub(super) fn read(node: &Node, document: &Document, seed: u64) -> Result<Self, Refusal> {
        let mut sweep = Self::none();
        let refuse = |place: Place, sentence: String| document.refusal(place, sentence);
        let Tree::Table(entries) = &node.value else { return Err(refuse(node.place, "sweep must be a table".into())) };
        for entry in entries.iter().filter(|entry| RESERVED.contains(&entry.key.as_str())) {
            match (entry.key.as_str(), &entry.node.value) {
                ("seeds", Tree::Text(word)) if word == "independent" => sweep.seeds = Seeds::Independent,
                ("seeds", Tree::Text(word)) if word == "common" => sweep.seeds = Seeds::Common,
                ("seeds", _) => {
                    return Err(refuse(
                        entry.node.place,
                        format!("sweep.seeds must be \"independent\" or \"common\", {}", got(Some(&entry.node))),
                    ));
                }
                ("where", Tree::Text(text)) => {
                    let condition = Condition::parse(text)
                        .map_err(|rest| refuse(entry.node.place, format!("sweep.where {rest}")))?;
                    sweep.condition = Some((condition, entry.node.place));
                }
                ("where", _) => {
                    return Err(refuse(entry.node.place, "sweep.where must be a comparison in quotes".into()));
                }
                ("together", Tree::List(tables)) => {
                    for table in tables {
                        sweep.groups.push(together(table).map_err(|(place, sentence)| refuse(place, sentence))?);
                    }
                }
                ("together", _) => {
                    return Err(refuse(
                        entry.node.place,
                        "sweep.together must be written as [[sweep.together]], a table of axes".into(),
                    ));
                }
                (_, Tree::Table(table)) => {
                    sweep.groups.push(
                        drawn(table, entry.node.place, seed).map_err(|(place, sentence)| refuse(place, sentence))?,
                    );
                }
                _ => return Err(refuse(entry.node.place, "sweep.design must be a table".into())),
            }
        }
        let plain = entries.iter().filter(|entry| !RESERVED.contains(&entry.key.as_str())).cloned().collect();
        for axis in axes("", &plain)
            .and_then(|axes| axes.into_iter().map(listed).collect::<Result<Vec<_>, _>>())
            .map_err(|(place, sentence)| refuse(place, sentence))?
        {
            sweep.groups.push(Group { n_steps: axis.len(), axes: vec![axis] });
        }
        sweep.settle().map_err(|(place, sentence)| refuse(place, sentence))?;
        Ok(sweep)
    }

    /// Puts groups and axes in the order of their paths, and refuses a path that stands twice.
    fn settle(&mut self) -> Result<(), Misfit> {
        for group in &mut self.groups {
            group.axes.sort_by(|a, b| a.path.cmp(&b.path));
        }
        self.groups.sort_by(|a, b| a.axes[0].path.cmp(&b.axes[0].path));
        let mut seen = BTreeSet::new();
        for axis in self.groups.iter().flat_map(|group| &group.axes) {
            if !seen.insert(&axis.path) {
                return Err((axis.place, format!("sweep has the path \"{}\" twice", axis.path)));
            }
            // `tiers.*.params` beside `tiers.large.params` would leave the first a coordinate that is not true.
            let for_all = |path: &str| path.strip_prefix("tiers.*").map(str::to_owned);
            if let Some(other) = seen
                .iter()
                .find(|other| {
                    for_all(&axis.path).is_some_and(|rest| other.starts_with("tiers.") && other.ends_with(&rest))
                        || for_all(other)
                            .is_some_and(|rest| axis.path.starts_with("tiers.") && axis.path.ends_with(&rest))
                })
                .filter(|other| **other != &axis.path)
            {
                return Err((axis.place, format!("sweep sets the same value by \"{other}\" and by \"{}\"", axis.path)));
            }
            let root = axis.path.split('.').next().unwrap_or_default();
            if ["name", "title", "replicates", "smoke", "sweep"].contains(&root) {
                return Err((
                    axis.place,
                    format!("sweep cannot vary \"{}\": it belongs to the scenario as a whole", axis.path),
                ));
            }
        }
        Ok(())
    }

    /// Whether there is more than the one point of a scenario without a sweep.
    pub fn is_some(&self) -> bool {
        !self.groups.is_empty()
    }

    /// The paths of all axes, in the order of their columns.
    pub fn paths(&self) -> Vec<&str> {
        let mut paths: Vec<&str> =
            self.groups.iter().flat_map(|group| &group.axes).map(|axis| axis.path.as_str()).collect();
        paths.sort_unstable();
        paths
    }

    /// Number of points of the whole product; `None` if it does not fit in 64 bits.
    pub fn n_points(&self) -> Option<u64> {
        self.groups.iter().try_fold(1u64, |product, group| product.checked_mul(group.n_steps))
    }

    /// The axes for a person: path and values, `64, 128, …, 4096 (7)`.
    pub fn describe(&self) -> Vec<(String, String)> {
        let mut axes: Vec<(String, String)> = self
            .groups
            .iter()
            .flat_map(|group| &group.axes)
            .map(|axis| {
                let shown: Vec<String> = match axis.len() {
                    n if n <= 6 => (0..n).map(|k| axis.value(k).to_string()).collect(),
                    n => vec![
                        axis.value(0).to_string(),
                        axis.value(1).to_string(),
                        "…".into(),
                        axis.value(n - 1).to_string(),
                    ],
                };
                (axis.path.clone(), format!("{} ({})", shown.join(", "), axis.len()))
            })
            .collect();
        axes.sort();
        axes
    }

    /// The values of a point, by path, in the order of the columns.
    pub(super) fn point(&self, index: u64) -> Vec<(&str, Node)> {
        let mut rest = index;
        let mut values = Vec::new();
        for group in self.groups.iter().rev() {
            let step = rest % group.n_steps;
            rest /= group.n_steps;
            values.extend(group.axes.iter().map(|axis| (axis.path.as_str(), axis.value(step))));
        }
        values.sort_by_key(|(path, _)| *path);
        values
    }
}

/// A point of a sweep on its way along an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbour {
    /// Number of the point.
    pub index: u64,
    /// Its value on that axis.
    pub value: f64,
    /// Paths and values of all axes that advance together.
    pub words: String,
}

impl Sweep {
    /// The points that differ from one only along an axis, ascending, and itself; or what is wrong with the axis.
    pub(super) fn along(&self, path: &str, index: u64) -> Result<Vec<Neighbour>, String> {
        let mut stride = 1;
        for group in self.groups.iter().rev() {
            let Some(axis) = group.axes.iter().find(|axis| axis.path == path) else {
                stride *= group.n_steps;
                continue;
            };
            let first = index - index / stride % group.n_steps * stride;
            let neighbour = |step: u64| {
                let node = axis.value(step);
                let value = match node.value {
                    Tree::Integer(x) => x as f64,
                    Tree::Float(x) => x,
                    _ => return Err(format!("must be an axis of numbers, but \"{path}\" has the value {node}")),
                };
                let words = group.axes.iter().map(|axis| format!("{} = {}", axis.path, axis.value(step)));
                let words = words.collect::<Vec<_>>().join(", ");
                Ok(Neighbour { index: first + step * stride, value, words })
            };
            let mut found = (0..group.n_steps).map(neighbour).collect::<Result<Vec<_>, _>>()?;
            found.sort_by(|a, b| a.value.total_cmp(&b.value));
            return Ok(found);
        }
        let near = did_you_mean(path, self.paths());
        Err(format!("must be an axis of [sweep], got {}{near}", abridged(path)))
    }
}

impl Axis {
    fn len(&self) -> u64 {
        match &self.values {
            Values::Listed(nodes) => nodes.len() as u64,
            Values::Spread { parts, .. } => parts.len() as u64,
        }
    }

    fn value(&self, step: u64) -> Node {
        match &self.values {
            Values::Listed(nodes) => nodes[step as usize].clone(),
            Values::Spread { range, parts } => range.at(parts[step as usize], self.place),
        }
    }
}

impl Range {
    /// The value at a part of the way; the ends are exact, and what lies between has 12 significant digits.
    fn at(&self, part: f64, place: Place) -> Node {
        let exact = match part {
            0.0 => self.from,
            1.0 => self.to,
            _ if self.logarithmic => {
                libm::exp(libm::log(self.from) + part * (libm::log(self.to) - libm::log(self.from)))
            }
            _ => self.from + part * (self.to - self.from),
        };
        let value = match (self.whole, part == 0.0 || part == 1.0) {
            (true, _) => Tree::Integer(exact.round() as i64),
            (false, true) => Tree::Float(exact),
            (false, false) => Tree::Float(format!("{exact:.11e}").parse().unwrap_or(exact)),
        };
        Node { place, value }
    }
}

impl std::fmt::Display for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match &self.value {
            Tree::Boolean(x) => x.fmt(f),
            Tree::Integer(x) => x.fmt(f),
            Tree::Float(x) => f.write_str(&shortest(*x)),
            Tree::Text(x) => f.write_str(x),
            Tree::Beyond(x) => f.write_str(x),
            Tree::Date => f.write_str("a date"),
            Tree::List(_) => f.write_str("a list"),
            Tree::Table(_) => f.write_str("a table"),
        }
    }
}

type Misfit = (Place, String);

/// The axes of a table: its keys are paths, whether in quotes or as tables in tables.
fn axes(path: &str, entries: &Vec<Entry>) -> Result<Vec<Entry>, Misfit> {
    let mut found = Vec::new();
    for entry in entries {
        let path = if path.is_empty() { entry.key.clone() } else { format!("{path}.{}", entry.key) };
        // A parameter may be called as an end of a range is: `….trained.steps = [10, 20]` in place of `{ from = 10, to = 20, steps = 2 }`.
        let is_of_range = |entry: &Entry| {
            let is_axis = matches!(entry.node.value, Tree::Table(_) | Tree::List(_));
            ["from", "to", "steps", "scale"].contains(&entry.key.as_str()) && !is_axis
        };
        match &entry.node.value {
            Tree::Table(inner) if !inner.iter().any(is_of_range) => {
                if inner.is_empty() {
                    return Err((
                        entry.node.place,
                        format!(
                            "the axis \"{path}\" must be a list of values or a range {{ from, to, steps }}, got an empty table"
                        ),
                    ));
                }
                found.extend(axes(&path, inner)?);
            }
            _ => found.push(Entry { key: path, place: entry.place, node: entry.node.clone() }),
        }
    }
    Ok(found)
}

/// An axis with its values in a list, or in a range with steps.
fn listed(entry: Entry) -> Result<Axis, Misfit> {
    let (path, place) = (entry.key, entry.place);
    let values = match entry.node.value {
        Tree::List(nodes) if nodes.is_empty() => {
            return Err((entry.node.place, format!("the axis \"{path}\" has no values")));
        }
        Tree::List(nodes) => nodes,
        Tree::Table(table) => {
            let (range, steps) = range(&path, &table, entry.node.place)?;
            let steps = steps.ok_or_else(|| (entry.node.place, format!("the axis \"{path}\" lacks steps")))?;
            let last = (steps - 1).max(1) as f64;
            let mut nodes: Vec<Node> = (0..steps).map(|k| range.at(k as f64 / last, entry.node.place)).collect();
            nodes.dedup_by_key(|node| node.to_string());
            nodes
        }
        _ => {
            return Err((
                entry.node.place,
                format!(
                    "the axis \"{path}\" must be a list of values or a range {{ from, to, steps }}, got {}",
                    entry.node
                ),
            ));
        }
    };
    let mut seen = BTreeSet::new();
    for node in &values {
        if matches!(node.value, Tree::List(_) | Tree::Table(_) | Tree::Date | Tree::Beyond(_)) {
            return Err((
                node.place,
                format!("the axis \"{path}\" must have numbers, words, true or false, got {node}"),
            ));
        }
        if !seen.insert(node.to_string()) {
            return Err((node.place, format!("the axis \"{path}\" has the value {node} twice")));
        }
    }
    Ok(Axis { path, place, values: Values::Listed(values) })
}

/// Axes that advance in step.
fn together(node: &Node) -> Result<Group, Misfit> {
    let Tree::Table(entries) = &node.value else {
        return Err((node.place, "sweep.together must be a table of axes".into()));
    };
    let axes = axes("", entries)?.into_iter().map(listed_in_step).collect::<Result<Vec<_>, _>>()?;
    let Some(first) = axes.first() else { return Err((node.place, "sweep.together has no axes".into())) };
    let n_steps = first.len();
    if let Some(other) = axes.iter().find(|axis| axis.len() != n_steps) {
        let (a, b) = (&first.path, &other.path);
        return Err((
            other.place,
            format!(
                "axes that advance together must have as many values each: \"{a}\" has {n_steps}, \"{b}\" has {}",
                other.len()
            ),
        ));
    }
    Ok(Group { axes, n_steps })
}

/// An axis of a group: it may take a value twice, and no step of a range is merged, or the axes would fall out of step.
fn listed_in_step(entry: Entry) -> Result<Axis, Misfit> {
    let (path, place) = (entry.key.clone(), entry.place);
    match &entry.node.value {
        Tree::List(nodes)
            if !nodes.is_empty()
                && nodes.iter().all(|node| {
                    !matches!(node.value, Tree::List(_) | Tree::Table(_) | Tree::Date | Tree::Beyond(_))
                }) =>
        {
            Ok(Axis { path, place, values: Values::Listed(nodes.clone()) })
        }
        Tree::Table(table) => {
            let (range, steps) = range(&path, table, entry.node.place)?;
            let steps = steps.ok_or_else(|| (entry.node.place, format!("the axis \"{path}\" lacks steps")))?;
            let last = (steps - 1).max(1) as f64;
            Ok(Axis {
                path,
                place,
                values: Values::Spread { range, parts: (0..steps).map(|k| k as f64 / last).collect() },
            })
        }
        _ => listed(entry),
    }
}

/// A space-filling design: `method`, `points` and ranges.
fn drawn(table: &[Entry], place: Place, seed: u64) -> Result<Group, Misfit> {
    let get = |key: &str| table.iter().find(|entry| entry.key == key);
    let points = get("points").map(|entry| &entry.node);
    let n_points = match points.map(|node| &node.value) {
        Some(Tree::Integer(n @ 1..=MOST_STEPS)) => *n as usize,
        _ => {
            let sentence =
                format!("sweep.design.points must be a whole number from 1 to {MOST_STEPS}, {}", got(points));
            return Err((points.map_or(place, |node| node.place), sentence));
        }
    };
    let plain = table.iter().filter(|entry| entry.key != "points" && entry.key != "method").cloned().collect();
    let ranges = axes("", &plain)?
        .into_iter()
        .map(|entry| match &entry.node.value {
            Tree::Table(inner) => match range(&entry.key, inner, entry.node.place)? {
                (range, None) => Ok((entry.key, entry.place, range)),
                (_, Some(_)) => Err((
                    entry.node.place,
                    format!("the axis \"{}\" of a design has no steps: points says how many there are", entry.key),
                )),
            },
            _ => Err((
                entry.node.place,
                format!("the axis \"{}\" of a design must be a range {{ from, to }}", entry.key),
            )),
        })
        .collect::<Result<Vec<_>, Misfit>>()?;
    let n_axes = ranges.len();
    if n_axes == 0 || n_axes > design::MOST_AXES {
        return Err((place, format!("sweep.design must have 1 to {} axes, got {n_axes}", design::MOST_AXES)));
    }
    let mut rng = Stream::from_seed(seed).stream("sweep").stream("design").rng();
    let method = get("method").map(|entry| &entry.node);
    let parts = match method.and_then(Node::text) {
        Some("sobol") => design::sobol(n_points, n_axes, Some(&mut rng)),
        Some("latin_hypercube") => design::latin_hypercube(n_points, n_axes, &mut rng),
        _ => {
            let sentence = format!("sweep.design.method must be \"sobol\" or \"latin_hypercube\", {}", got(method));
            return Err((method.map_or(place, |node| node.place), sentence));
        }
    };
    let axes = ranges.into_iter().enumerate().map(|(k, (path, place, range))| Axis {
        path,
        place,
        values: Values::Spread { range, parts: parts.iter().skip(k).step_by(n_axes).copied().collect() },
    });
    Ok(Group { axes: axes.collect(), n_steps: n_points as u64 })
}

/// `{ from, to, steps, scale }`.
fn range(path: &str, table: &[Entry], place: Place) -> Result<(Range, Option<i64>), Misfit> {
    const KEYS: [&str; 4] = ["from", "to", "steps", "scale"];
    if let Some(other) = table.iter().find(|entry| !KEYS.contains(&entry.key.as_str())) {
        let near = did_you_mean(&other.key, KEYS);
        return Err((
            other.place,
            format!("the axis \"{path}\" has the unknown key \"{}\"{near} (allowed: {})", other.key, KEYS.join(", "))
                .replace("? (", " ("),
        ));
    }
    let get = |key: &str| table.iter().find(|entry| entry.key == key).map(|entry| &entry.node);
    let end = |key: &str| match get(key).map(|node| &node.value) {
        Some(Tree::Integer(x)) => Ok((*x as f64, true)),
        Some(Tree::Float(x)) => Ok((*x, false)),
        _ => Err((
            get(key).map_or(place, |node| node.place),
            format!("the axis \"{path}\" must have a number for {key}, {}", got(get(key))),
        )),
    };
    if let (None, None, [only]) = (get("from"), get("to"), table) {
        // A single value of a parameter that is called as a key of a range.
        let key = &only.key;
        return Err((
            only.node.place,
            format!(
                "the axis \"{path}\" lacks from and to; if \"{path}.{key}\" is meant, give its values in a list, got {}",
                only.node
            ),
        ));
    }
    let ((from, from_whole), (to, to_whole)) = (end("from")?, end("to")?);
    let logarithmic = match get("scale").map(|node| (node.text(), node.place)) {
        None | Some((Some("linear"), _)) => false,
        Some((Some("log"), _)) if from > 0.0 && to > 0.0 => true,
        Some((Some("log"), place)) => {
            return Err((
                place,
                format!("the axis \"{path}\" on a log scale must go from and to positive numbers, got {from} to {to}"),
            ));
        }
        Some((_, place)) => {
            let sentence =
                format!("the axis \"{path}\" must have the scale \"linear\" or \"log\", {}", got(get("scale")));
            return Err((place, sentence));
        }
    };
    let steps = match get("steps").map(|node| (&node.value, node.place)) {
        None => None,
        Some((Tree::Integer(steps @ 1..=MOST_STEPS), _)) => Some(*steps),
        Some((_, place)) => {
            let allowed = format!("a whole number of steps from 1 to {MOST_STEPS}");
            return Err((place, format!("the axis \"{path}\" must have {allowed}, {}", got(get("steps")))));
        }
    };
    Ok((Range { from, to, whole: from_whole && to_whole, logarithmic }, steps))
}

/// What was found where something else is allowed.
fn got(node: Option<&Node>) -> String {
    match node {
        None => "got nothing".to_owned(),
        Some(Node { value: Tree::Text(text), .. }) => format!("got {}", abridged(text)),
        Some(node) => format!("got {node}"),
    }
}
