//! Cosines: how the cosines of all pairs are distributed, with the density of random directions over them.

use super::super::vectors::Drawn;
use super::super::{Axis, Dash, Entry, Layer, Panel, Style, chart};
use super::{Figure, Run};
use crate::geometry::random;

const N_BINS: usize = 41;

/// A panel for each tier and point.
pub fn draw(run: &Run) -> Vec<Figure> {
    let panels: Vec<Panel> = run.vectors.iter().filter_map(panel).collect();
    if panels.is_empty() {
        return Vec::new();
    }
    let n = run.vectors.iter().map(|drawn| drawn.vectors.len()).max().unwrap_or(0);
    let is_part = run.vectors.iter().any(|drawn| drawn.vectors.len() < drawn.n_concepts);
    let entry = |name: &str, style, is_band| Entry { name: name.to_owned(), style, is_band };
    let mut notes = Vec::new();
    if is_part {
        notes.push(format!("Of the first {n} concepts; replicate 0."));
    }
    let description: Vec<String> =
        panels.iter().map(|panel| format!("{}: a histogram of the cosines of pairs.", panel.title)).collect();
    vec![Figure {
        name: "cosines".to_owned(),
        title: "How much concepts overlap: the cosines of all pairs".to_owned(),
        subtitle: format!("{} The height is the share of pairs in each column.", run.subtitle())
            .replace(" Points are means over", " Drawn from the first of"),
        description: description.join(" "),
        n_columns: chart::columns_for(panels.len()),
        panels,
        legend: vec![
            entry("pairs of concepts", Style::of(0), true),
            entry("theory: random directions of as many dimensions", Style::grey(Dash::Solid), false),
        ],
        notes,
        ..Figure::default()
    }]
}

fn panel(drawn: &Drawn) -> Option<Panel> {
    let n = drawn.vectors.len();
    let pairs = (0..n).flat_map(|i| (0..i).map(move |j| (i, j)));
    let cosines: Vec<f64> = pairs.map(|(i, j)| drawn.cosine(i, j)).filter(|cosine| cosine.is_finite()).collect();
    if cosines.is_empty() {
        return None;
    }
    // As wide as the data or the bulk of the theory, in round numbers.
    let d = drawn.d_model as u64;
    let largest = cosines.iter().fold(0.0f64, |most, cosine| most.max(cosine.abs()));
    let bulk = if d > 1 { 3.5 / (d as f64).sqrt() } else { 1.0 };
    let end = largest.max(bulk).min(1.0);
    let edge = |bin: usize| end * (2.0 * bin as f64 / N_BINS as f64 - 1.0);
    let mut counts = [0u64; N_BINS];
    for cosine in &cosines {
        let bin = ((cosine / end + 1.0) / 2.0 * N_BINS as f64) as usize;
        counts[bin.min(N_BINS - 1)] += 1;
    }
    let share = |count: u64| count as f64 / cosines.len() as f64;
    let bars = counts.iter().enumerate().map(|(bin, count)| (edge(bin), edge(bin + 1), share(*count))).collect();
    // P(c ≤ x) of random directions, from the tail of |c|.
    let below = |x: f64| if x < 0.0 { 0.5 * random::tail(-x, d) } else { 1.0 - 0.5 * random::tail(x, d) };
    let theory = |bin: usize| (0.5 * (edge(bin) + edge(bin + 1)), below(edge(bin + 1)) - below(edge(bin)));
    let mut layers = vec![Layer::Bars { bars, style: Style::of(0) }];
    if d > 1 {
        layers.push(Layer::Line { points: (0..N_BINS).map(theory).collect(), style: Style::grey(Dash::Solid) });
    }
    let title = format!("{} (d = {d})", drawn.title);
    let (x, y) = (
        Axis { label: "cosine".to_owned(), ..Axis::default() },
        Axis { label: "share of pairs".to_owned(), ..Axis::default() },
    );
    Some(Panel { title, x, y, layers, ..Panel::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theory_the_shares_of_orthogonal_vectors_are_one_column_and_theory_adds_up() {
        let vectors = vec![vec![1.0, 0.0, 0.0], vec![0.0, 1.0, 0.0], vec![0.0, 0.0, 2.0], vec![0.0; 3]];
        let drawn = Drawn { title: "t".into(), n_concepts: 4, d_model: 3, vectors, names: None };
        let panel = panel(&drawn).expect("pairs");
        let Layer::Bars { bars, .. } = &panel.layers[0] else { panic!("bars first") };
        let full: Vec<&(f64, f64, f64)> = bars.iter().filter(|bar| bar.2 > 0.0).collect();
        assert!(matches!(full[..], [bar] if bar.2 == 1.0 && bar.0 < 0.0 && bar.1 > 0.0), "{full:?}");
        let Layer::Line { points, .. } = &panel.layers[1] else { panic!("theory second") };
        // In three dimensions the cosine of random directions is uniform (Archimedes).
        let total: f64 = points.iter().map(|point| point.1).sum();
        assert!((total - 1.0).abs() < 1e-9, "{total}");
        assert!(points.iter().all(|point| (point.1 - 1.0 / N_BINS as f64).abs() < 1e-9));
    }
}
