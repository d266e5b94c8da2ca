//! Phase: a map over two axes.

use super::super::chart::{axis, fitting};
use super::super::source::Source;
use super::super::{Layer, Panel, Ramp, Scale, Tone, ticks};
use super::{Figure, Run, capital};

/// Maps that are drawn.
const MOST: usize = 4;

/// Of what the analyses read, or else of the first columns of each measure, over the two axes.
pub fn draw(run: &Run) -> Vec<Figure> {
    let source = run.ends();
    let axes: Vec<String> = run.axes();
    let [first, second] = &axes[..] else { return Vec::new() };
    let count = |axis: &String| source.position(axis).map_or(0, |x| source.distinct(x).len());
    // The axis with more values lies across.
    let (x, y) = if count(second) >= count(first) { (second, first) } else { (first, second) };
    let pairs: std::collections::HashSet<(String, String)> = source
        .rows
        .iter()
        .filter_map(|row| Some((row[source.position(x)?].words(), row[source.position(y)?].words())))
        .collect();
    // Axes that advance in step, or a design that fills the space, make no map.
    if count(y) < 2 || 4 * pairs.len() < 3 * count(x) * count(y) {
        return Vec::new();
    }
    let analyses = run.study.first.plan.scenario.analysis.iter();
    let mut columns: Vec<String> = analyses.flat_map(super::drawn_columns).collect();
    if columns.is_empty() {
        columns = run.measured(&source).into_iter().filter_map(|(_, columns)| columns.into_iter().next()).collect();
    }
    columns.sort();
    columns.dedup();
    columns.into_iter().take(MOST).filter_map(|column| map(run, &source, x, y, &column)).collect()
}

fn map(run: &Run, source: &Source, x: &str, y: &str, column: &str) -> Option<Figure> {
    let (x, y, value) = (source.position(x)?, source.position(y)?, source.position(column)?);
    let tier = source.position("tier")?;
    let (xs, ys) = (source.distinct(x), source.distinct(y));
    let (x_scale, y_scale) = (fitting(&xs, 20.0), fitting(&ys, 20.0));
    let mut tiers: Vec<String> = Vec::new();
    for row in &source.rows {
        let name = row[tier].words();
        if !tiers.contains(&name) {
            tiers.push(name);
        }
    }
    let has_tiers = tiers.len() > 1;
    let mut panels = Vec::new();
    for name in tiers.into_iter().take(6) {
        let mut values = vec![f64::NAN; xs.len() * ys.len()];
        let mut counts = vec![0.0; values.len()];
        for row in source.rows.iter().filter(|row| row[tier].words() == name) {
            let place = |numbers: &[f64], at: Option<f64>| numbers.iter().position(|number| Some(*number) == at);
            let (Some(column), Some(line)) = (place(&xs, row[x].number()), place(&ys, row[y].number())) else {
                continue;
            };
            if let Some(number) = row[value].number() {
                let cell = line * xs.len() + column;
                counts[cell] += 1.0;
                let before = if values[cell].is_nan() { 0.0 } else { values[cell] };
                values[cell] = before + (number - before) / counts[cell];
            }
        }
        let layers = vec![Layer::Heat { x: edges(&xs, x_scale), y: edges(&ys, y_scale), values }];
        let (x, y) = (axis(&source.columns[x], x_scale), axis(&source.columns[y], y_scale));
        panels.push(Panel { title: if has_tiers { name } else { String::new() }, x, y, layers, ..Panel::default() });
    }
    let drawn = &source.columns[value];
    let shown = panels.iter().flat_map(|panel| &panel.layers).flat_map(|layer| match layer {
        Layer::Heat { values, .. } => values.clone(),
        _ => Vec::new(),
    });
    let (low, high) = ticks::range(shown, Scale::Linear)?;
    let range = match drawn.range {
        (least, most) if least.is_finite() && most.is_finite() => (least, most),
        (least, _) => (low.max(least), high),
    };
    let labels = (panels.first()?.x.label.clone(), panels.first()?.y.label.clone());
    Some(Figure {
        name: format!("phase-{column}"),
        title: format!("{} over {} and {}", capital(column), labels.0, labels.1),
        subtitle: run.subtitle(),
        description: format!(
            "A map of {column}: {} values of {} across, {} values of {} upwards; darker is more.",
            xs.len(),
            labels.0,
            ys.len(),
            labels.1
        ),
        n_columns: super::chart::columns_for(panels.len()),
        panels,
        ramp: Some(Ramp { label: super::chart::label(drawn), range, tone: Tone::Sequential }),
        notes: vec!["Grey cells: no value.".to_owned()],
        ..Figure::default()
    })
}

/// Half way between neighbours, and as far beyond the ends.
fn edges(at: &[f64], scale: Scale) -> Vec<f64> {
    let laid = |x: &f64| if scale == Scale::Log { libm::log(*x) } else { *x };
    let back = |u: f64| if scale == Scale::Log { libm::exp(u) } else { u };
    let u: Vec<f64> = at.iter().map(laid).collect();
    let n = u.len();
    let half = |a: usize, b: usize| 0.5 * (u[b] - u[a]);
    let mut edges = vec![u[0] - half(0, 1)];
    edges.extend((1..n).map(|index| 0.5 * (u[index - 1] + u[index])));
    edges.push(u[n - 1] + half(n - 2, n - 1));
    edges.into_iter().map(back).collect()
}
