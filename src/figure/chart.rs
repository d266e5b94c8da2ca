//! Chart: any columns of any rows against any other, in panels, with intervals and theory.

use std::collections::HashMap;

use super::palette;
use super::source::{Cell, Estimate, Source};
use super::{Axis, Dash, Entry, Figure, Layer, Panel, Scale, Shape, Style};
use crate::table::{Column, Unit};

/// What is asked of a chart. All columns must be there; x may be numbers or names, y are numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// The column on the horizontal axis.
    pub x: String,
    /// The columns on vertical axes, a panel for each.
    pub y: Vec<String>,
    /// The columns whose values make a line each.
    pub by: Vec<String>,
    /// The column whose values make a panel each.
    pub facet: Option<String>,
    /// Scales; left out, they follow from the numbers.
    pub x_scale: Option<Scale>,
    /// See `x_scale`.
    pub y_scale: Option<Scale>,
    /// Whether intervals are left out.
    pub no_band: bool,
    /// Whether theory is left out.
    pub no_theory: bool,
}

/// A line of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What tells it from the others, as the findings name a group: `tier = a, d_model = 64`.
    pub label: String,
    /// The same for a legend.
    pub name: String,
    /// How it looks.
    pub style: Style,
    /// x and y, ascending in x.
    pub spots: Vec<(f64, Estimate)>,
    /// x and the theory of y.
    pub theory: Vec<(f64, f64)>,
}

const INTERVAL: &str = "95 % interval of the mean";

/// Lines whose bands can be told apart; more have whiskers.
const MOST_BANDS: usize = 6;

/// Replicates from which on an interval is drawn: of two it reaches 12.7 standard errors to either side, and would hide what it is to explain.
const LEAST_REPLICATES: usize = 3;

/// Lines in a panel.
pub const MOST_SERIES: usize = 12;

/// Panels in a figure.
pub const MOST_PANELS: usize = 12;

/// A figure without title: its panels, its legend and its notes.
pub fn draw(source: &Source, request: &Request) -> Figure {
    let mut figure = Figure::default();
    let Some(x) = source.position(&request.x) else { return figure };
    let facets = match request.facet.as_deref().and_then(|facet| source.position(facet)) {
        None => vec![(String::new(), (0..source.rows.len()).collect())],
        Some(facet) => groups(source, &[facet]),
    };
    let keys = keys(source, request);
    let (mut has_band, mut has_few, mut has_theory) = (false, false, false);
    let mut of_random = Vec::new();
    for y in request.y.iter().filter_map(|y| source.position(y)) {
        for (facet, rows) in &facets {
            if figure.panels.len() == MOST_PANELS {
                continue;
            }
            let series = series(source, request, &keys.kept, rows, x, y);
            let panel = panel(source, request, &series, x, y, facet, request.y.len() > 1);
            let is_beside = series.iter().any(|series| !series.theory.is_empty());
            has_theory |= is_beside;
            let column = &source.columns[y];
            if is_beside && column.theory.as_deref().is_some_and(|theory| theory.starts_with("random_")) {
                of_random.push(column.name.replace('_', " "));
            }
            let estimates = || series.iter().flat_map(|series| &series.spots).map(|(_, estimate)| estimate);
            has_band |=
                !request.no_band && estimates().any(|estimate| shown(estimate).is_some_and(|(low, high)| high > low));
            has_few |= !request.no_band && estimates().any(|estimate| estimate.n == 2);
            figure.panels.push(panel);
        }
    }
    let n_panels = facets.len() * request.y.len();
    if n_panels > MOST_PANELS {
        figure.notes.push(format!("{MOST_PANELS} of {n_panels} panels are drawn."));
    }
    if keys.kept.len() < keys.n {
        figure.notes.push(format!("{} of {} series are drawn.", keys.kept.len(), keys.n));
    }
    if source.n_left_out > 0 {
        let n = source.rows.len() as u64;
        figure.notes.push(format!("{n} of {} rows are drawn, evenly chosen.", n + source.n_left_out));
    }
    figure.n_columns = columns_for(figure.panels.len());
    let has_whiskers = keys.kept.len() > MOST_BANDS;
    figure.legend = legend(&keys.kept, has_band && !has_whiskers, has_theory);
    if has_few {
        figure
            .notes
            .push("No interval is drawn for means of two replicates, which say too little of their spread.".to_owned());
    }
    of_random.dedup();
    if !of_random.is_empty() {
        // Sparse codes, or vectors that have learned something, need not lie near it.
        figure.notes.push(format!("Theory of {}: that of as many random dense directions.", of_random.join(", ")));
    }
    if names(source, x).is_some() {
        // There is no line along names: an interval is a whisker, theory a stroke.
        for entry in &mut figure.legend {
            let is_theory = entry.style == Style::grey(Dash::Dashed);
            if is_theory {
                entry.style.shape = Some(Shape::Stroke);
            }
            entry.style.dash = Dash::None;
            entry.is_band = false;
        }
        figure.legend.retain(|entry| entry.name != INTERVAL);
    }
    if has_band && (has_whiskers || names(source, x).is_some()) {
        figure.notes.push("Whiskers: 95 % interval of the mean.".to_owned());
    }
    figure
}

/// The lines of the first column of a request, over all rows.
pub fn series_of(source: &Source, request: &Request) -> Vec<Series> {
    let y = request.y.first().and_then(|y| source.position(y));
    let Some((x, y)) = source.position(&request.x).zip(y) else { return Vec::new() };
    let rows: Vec<usize> = (0..source.rows.len()).collect();
    series(source, request, &keys(source, request).kept, &rows, x, y)
}

/// The interval of a mean, if it is drawn.
fn shown(estimate: &Estimate) -> Option<(f64, f64)> {
    estimate.interval.filter(|_| estimate.n >= LEAST_REPLICATES)
}

/// How many panels stand side by side.
pub fn columns_for(n_panels: usize) -> usize {
    match n_panels {
        0 | 1 => 1,
        2 | 4 => 2,
        _ => 3,
    }
}

/// What the lines, areas and dashes are. One line needs no name.
pub fn legend(keys: &[Key], has_band: bool, has_theory: bool) -> Vec<Entry> {
    let mut entries = Vec::new();
    if keys.len() > 1 {
        let entry = |key: &Key| Entry { name: key.name.clone(), style: key.style, is_band: false };
        entries.extend(keys.iter().map(entry));
    }
    let single = keys.first().filter(|_| keys.len() == 1).map_or(Style::grey(Dash::Solid), |key| key.style);
    if has_band {
        entries.push(Entry { name: INTERVAL.to_owned(), style: single, is_band: true });
    }
    if has_theory {
        entries.push(Entry { name: "theory".to_owned(), style: Style::grey(Dash::Dashed), is_band: false });
    }
    entries
}

/// What tells a line from the others, and how it looks in every panel.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    label: String,
    name: String,
    /// How it looks.
    pub style: Style,
}

struct Keys {
    kept: Vec<Key>,
    n: usize,
}

/// The lines of a chart: in ascending order where they are told apart by one number, else as they come.
fn keys(source: &Source, request: &Request) -> Keys {
    let by: Vec<usize> = request.by.iter().filter_map(|by| source.position(by)).collect();
    let mut all: Vec<(String, &Vec<Cell>)> =
        groups(source, &by).into_iter().map(|(label, rows)| (label, &source.rows[rows[0]])).collect();
    let number = |row: &Vec<Cell>| by.first().filter(|_| by.len() == 1).and_then(|&by| row[by].number());
    let is_ordered = all.len() > 1 && all.iter().all(|(_, row)| number(row).is_some());
    if is_ordered {
        let at = |row: &Vec<Cell>| number(row).unwrap_or(0.0);
        all.sort_by(|a, b| at(a.1).total_cmp(&at(b.1)));
    }
    let n = all.len();
    if n > MOST_SERIES {
        // An even choice of numbers, the first of names.
        let most = if is_ordered { 8 } else { MOST_SERIES };
        let kept = |index: usize| if is_ordered { index * (n - 1) / (most - 1) } else { index };
        let kept: Vec<usize> = (0..most).map(kept).collect();
        let mut index = 0;
        all.retain(|_| {
            index += 1;
            kept.contains(&(index - 1))
        });
    }
    let n_kept = all.len();
    let kept = all.into_iter().enumerate().map(|(index, (label, row))| {
        let mut style = Style::of(index);
        if is_ordered {
            style.colour = palette::ordered(index, n_kept);
        }
        let words = |&by: &usize| match &row[by] {
            Cell::Text(text) => text.clone(),
            Cell::Number(estimate) => {
                format!("{} = {}", short(&source.columns[by]), super::number::plain(estimate.mean, 4))
            }
            Cell::Empty => "–".to_owned(),
        };
        Key { label, name: by.iter().map(words).collect::<Vec<_>>().join(", "), style }
    });
    Keys { kept: kept.collect(), n }
}

/// The groups of rows that these columns make, as the findings name them, with the positions of their rows. Columns that are not there make none.
pub fn grouped(source: &Source, by: &[String]) -> Vec<(String, Vec<usize>)> {
    let by: Vec<usize> = by.iter().filter_map(|by| source.position(by)).collect();
    groups(source, &by)
}

/// The number in a column by which a line of this label is told from the others.
pub fn number_of(source: &Source, column: usize, label: &str) -> Option<f64> {
    source.rows.iter().find(|row| label_of(source, &[column], row) == label)?[column].number()
}

/// Rows with the same values in these columns, in the order in which they first appear, with the label of a group as the findings write it.
fn groups(source: &Source, by: &[usize]) -> Vec<(String, Vec<usize>)> {
    let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
    let mut places = HashMap::new();
    for (index, row) in source.rows.iter().enumerate() {
        let label = label_of(source, by, row);
        let place = *places.entry(label).or_insert_with_key(|label| {
            groups.push((label.clone(), Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(index);
    }
    groups
}

fn label_of(source: &Source, by: &[usize], row: &[Cell]) -> String {
    let words = by.iter().map(|&column| format!("{} = {}", source.columns[column].name, row[column].words()));
    words.collect::<Vec<_>>().join(", ")
}

/// The lines of one panel.
fn series(source: &Source, request: &Request, keys: &[Key], rows: &[usize], x: usize, y: usize) -> Vec<Series> {
    let by: Vec<usize> = request.by.iter().filter_map(|by| source.position(by)).collect();
    let theory = source.columns[y].theory.as_deref().filter(|_| !request.no_theory);
    let theory = theory.and_then(|name| source.position(name));
    let names = names(source, x);
    let place = |row: &[Cell]| match (&row[x], &names) {
        (Cell::Text(text), Some(names)) => names.iter().position(|name| name == text).map(|index| index as f64),
        (cell, None) => cell.number(),
        _ => None,
    };
    let labels: Vec<String> = rows.iter().map(|&row| label_of(source, &by, &source.rows[row])).collect();
    keys.iter()
        .map(|key| {
            let own = rows.iter().zip(&labels).filter(|(_, label)| **label == key.label).map(|(&row, _)| row);
            let mut at: Vec<(f64, Vec<Estimate>, Vec<f64>)> = Vec::new();
            let mut places: HashMap<u64, usize> = HashMap::new();
            for row in own.map(|row| &source.rows[row]) {
                let Some(x) = place(row) else { continue };
                let index = *places.entry(x.to_bits()).or_insert_with(|| {
                    at.push((x, Vec::new(), Vec::new()));
                    at.len() - 1
                });
                if let Cell::Number(estimate) = &row[y] {
                    at[index].1.push(*estimate);
                }
                at[index].2.extend(theory.and_then(|theory| row[theory].number()));
            }
            at.sort_by(|a, b| a.0.total_cmp(&b.0));
            // An interval may reach beyond what the column can be; what is drawn does not.
            let (least, most) = source.columns[y].range;
            let within = |estimate: Estimate| Estimate {
                interval: estimate.interval.map(|(low, high)| (low.max(least), high.min(most))),
                ..estimate
            };
            let pooled = |estimates: &[Estimate]| match estimates {
                [one] => *one,
                several => {
                    let means: Vec<f64> = several.iter().map(|estimate| estimate.mean).collect();
                    Estimate::of(&means).unwrap_or(Estimate { mean: f64::NAN, n: 0, interval: None })
                }
            };
            let spots = at.iter().map(|(x, estimates, _)| (*x, within(pooled(estimates)))).collect();
            let mean = |numbers: &[f64]| numbers.iter().sum::<f64>() / numbers.len() as f64;
            let theory = at.iter().filter(|(.., theory)| !theory.is_empty()).map(|(x, _, theory)| (*x, mean(theory)));
            Series {
                label: key.label.clone(),
                name: key.name.clone(),
                style: key.style,
                spots,
                theory: theory.collect(),
            }
        })
        .collect()
}

/// The names on an axis, if it is one of names.
fn names(source: &Source, x: usize) -> Option<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for row in &source.rows {
        match &row[x] {
            Cell::Text(text) if !names.contains(text) => names.push(text.clone()),
            Cell::Text(_) | Cell::Empty => {}
            Cell::Number(_) => return None,
        }
    }
    (!names.is_empty()).then_some(names)
}

/// A panel of lines.
fn panel(
    source: &Source,
    request: &Request,
    series: &[Series],
    x: usize,
    y: usize,
    facet: &str,
    has_several: bool,
) -> Panel {
    let names = names(source, x);
    let x_scale = request.x_scale.unwrap_or_else(|| {
        let places: Vec<f64> = series.iter().flat_map(|series| series.spots.iter().map(|(x, _)| *x)).collect();
        if names.is_some() { Scale::Linear } else { fitting(&places, 20.0) }
    });
    let y_scale = request.y_scale.unwrap_or_else(|| {
        let values: Vec<f64> = series.iter().flat_map(|series| series.spots.iter().map(|(_, y)| y.mean)).collect();
        let is_share = matches!(source.columns[y].unit, Unit::Fraction);
        if is_share { Scale::Linear } else { fitting(&values, 100.0) }
    });
    let mut x_axis = axis(&source.columns[x], x_scale);
    let y_axis = axis(&source.columns[y], y_scale);
    let layers = layers(series, names.is_some(), request.no_band);
    if let Some(names) = names {
        x_axis.names = names;
    }
    // The label of the vertical axis stands above the panel: with a facet it is its title that tells panels apart.
    let title = match (facet.is_empty(), has_several) {
        (true, _) => String::new(),
        (false, _) => facet.to_owned(),
    };
    Panel { title, x: x_axis, y: y_axis, layers, marks: Vec::new(), is_square: false }
}

/// Bands below, then theory, then lines, then marks. Of many lines the intervals are thin whiskers in place of bands.
pub fn layers(series: &[Series], is_of_names: bool, no_band: bool) -> Vec<Layer> {
    let mut layers = Vec::new();
    let n = series.len();
    // Beside each other where they would lie on one another.
    let shift = |index: usize| {
        if is_of_names && n > 1 { (index as f64 - (n - 1) as f64 / 2.0) * (0.5 / n as f64) } else { 0.0 }
    };
    let intervals = |series: &Series, shift: f64| -> Vec<(f64, f64, f64)> {
        let ends = |estimate: &Estimate| shown(estimate).unwrap_or((f64::NAN, f64::NAN));
        series.spots.iter().map(|(x, estimate)| (x + shift, ends(estimate).0, ends(estimate).1)).collect()
    };
    let is_drawn = |points: &[(f64, f64, f64)]| points.iter().any(|point| point.2 > point.1);
    let has_whiskers = is_of_names || n > MOST_BANDS;
    if !has_whiskers && !no_band {
        for series in series {
            let points = intervals(series, 0.0);
            if is_drawn(&points) {
                layers.push(Layer::Band { points, style: series.style });
            }
        }
    }
    let is_shared = n > 1 && series.iter().all(|other| other.theory == series[0].theory);
    for (index, series) in series.iter().enumerate().filter(|(_, series)| !series.theory.is_empty()) {
        if is_of_names {
            let points = series.theory.iter().map(|(x, y)| (x + shift(index), *y)).collect();
            let style = Style { colour: palette::GREY, shape: Some(Shape::Stroke), ..series.style };
            layers.push(Layer::Points { points, style });
        } else if !is_shared || index == 0 {
            let style = if is_shared { Style::grey(Dash::Dashed) } else { series.style.theory() };
            layers.push(Layer::Line { points: series.theory.clone(), style });
        }
    }
    for (index, series) in series.iter().enumerate() {
        let points: Vec<(f64, f64)> =
            series.spots.iter().map(|(x, estimate)| (x + shift(index), estimate.mean)).collect();
        // So many marks that one can tell them apart; the line has the rest.
        let every = if is_of_names || series.style.dash == Dash::None { 1 } else { points.len().div_ceil(30) };
        if has_whiskers {
            let whiskers: Vec<(f64, f64, f64)> =
                intervals(series, shift(index)).into_iter().step_by(every.max(1)).collect();
            if !no_band && is_drawn(&whiskers) {
                let width = if is_of_names { 1.3 } else { 0.8 };
                layers.push(Layer::Whiskers { points: whiskers, style: Style { width, ..series.style } });
            }
        }
        if !is_of_names && series.style.dash != Dash::None {
            layers.push(Layer::Line { points: points.clone(), style: series.style.bare() });
        }
        let points = points.into_iter().step_by(every.max(1)).collect();
        layers.push(Layer::Points { points, style: series.style });
    }
    layers
}

/// Logarithmic where all numbers are positive and far apart.
pub fn fitting(numbers: &[f64], ratio: f64) -> Scale {
    let finite = || numbers.iter().copied().filter(|x| x.is_finite());
    let (low, high) = finite().fold((f64::INFINITY, 0.0f64), |(low, high), x| (low.min(x), high.max(x)));
    if low > 0.0 && low.is_finite() && high / low >= ratio { Scale::Log } else { Scale::Linear }
}

/// The axis of a column.
pub fn axis(column: &Column, scale: Scale) -> Axis {
    Axis { label: label(column), source: column.name.to_string(), scale, ..Axis::default() }
}

/// What a column is called on an axis: in words, with its unit.
pub fn label(column: &Column) -> String {
    let words = short(column);
    let unit = match column.unit {
        Unit::Text | Unit::Count | Unit::Pure => "",
        unit if words.contains(unit.word()) => "",
        unit => unit.word(),
    };
    if unit.is_empty() { words } else { format!("{words} ({unit})") }
}

/// What a column is called in a few words.
pub fn short(column: &Column) -> String {
    let name = column.name.as_ref();
    match name {
        "params" => return "size N (parameters)".to_owned(),
        "tokens" => return "training data D (tokens)".to_owned(),
        "compute" => return "training compute C (FLOP)".to_owned(),
        "d_model" => return "width d (units)".to_owned(),
        "n_concepts" => return "number of concepts n".to_owned(),
        "step" => return "step of training".to_owned(),
        _ => {}
    }
    // The path of a sweep: its end says what it is.
    let is_path = column.meaning.starts_with("coordinate of the sweep");
    let parts: Vec<&str> = name.split('.').collect();
    match (is_path, &parts[..]) {
        (true, ["concepts", "count"]) => "number of concepts n".to_owned(),
        (true, [.., "params"]) => "size N (parameters)".to_owned(),
        (true, [.., "d_model"]) => "width d (units)".to_owned(),
        (true, [.., before, last]) => {
            let generic = ["geometric", "power", "value", "from", "to", "count", "at"];
            let words = if generic.contains(last) { format!("{before} {last}") } else { (*last).to_owned() };
            words.replace('_', " ")
        }
        _ => name.replace('_', " "),
    }
}

/// What one sees in a figure of lines, in words: for each panel its axes, and where each line begins and ends.
pub fn described(figure: &Figure) -> String {
    let mut sentences = Vec::new();
    for panel in &figure.panels {
        let title = if panel.title.is_empty() { String::new() } else { format!("{}: ", panel.title) };
        let mut words = format!("{title}{} against {}", panel.y.label, panel.x.label);
        let lines = panel.layers.iter().filter_map(|layer| match layer {
            Layer::Points { points, style } if style.shape != Some(Shape::Stroke) => Some((points, style)),
            _ => None,
        });
        for (points, style) in lines.take(MOST_SERIES) {
            let name = figure.legend.iter().find(|entry| entry.style == *style && !entry.is_band);
            let name = name.map_or(String::new(), |entry| format!(" {}", entry.name));
            let there: Vec<&(f64, f64)> = points.iter().filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
            if let [first, .., last] = there[..] {
                let number = |x: f64| super::number::plain(x, 3);
                let at = |x: f64| panel.x.names.get(x.round().max(0.0) as usize).cloned().unwrap_or_else(|| number(x));
                words.push_str(&format!(
                    "; line{name} from {} at {} to {} at {}",
                    number(first.1),
                    at(first.0),
                    number(last.1),
                    at(last.0)
                ));
            }
        }
        let marks = panel.marks.iter().filter(|mark| mark.is_line);
        words.extend(marks.map(|mark| format!("; marked: {}", mark.whole)));
        sentences.push(words + ".");
    }
    sentences.join(" ")
}
