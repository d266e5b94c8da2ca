//! Overlap: the matrix of cosines of up to 64 concepts, as a heat map for each tier.

use super::super::vectors::Drawn;
use super::super::{Axis, Layer, Panel, Ramp, Tone};
use super::{Figure, Run};

/// Concepts of a matrix.
const MOST: usize = 64;

/// From this many names on a matrix has a page of its own.
const MANY: usize = 16;

/// A panel for each tier and point, on one page or, where names need the room, on pages of their own.
pub fn draw(run: &Run) -> Vec<Figure> {
    let drawn: Vec<&Drawn> = run.vectors.iter().filter(|drawn| drawn.vectors.len() > 1).collect();
    let off_diagonal = |drawn: &&Drawn| {
        let n = drawn.vectors.len().min(MOST);
        let pairs = (0..n).flat_map(move |i| (0..i).map(move |j| (i, j)));
        let cosines = pairs.map(|(i, j)| drawn.cosine(i, j).abs()).filter(|cosine| cosine.is_finite());
        cosines.fold(0.0f64, f64::max)
    };
    let largest = drawn.iter().map(off_diagonal).fold(0.0, f64::max);
    if drawn.is_empty() {
        return Vec::new();
    }
    // One digit, upwards: the ends of the colours are round numbers.
    let power = libm::pow(10.0, libm::floor(libm::log10(largest.max(1e-3))));
    let end = (libm::ceil(largest.max(1e-3) / power - 1e-9) * power).min(1.0);
    let has_names = drawn.iter().any(|drawn| drawn.names.as_ref().is_some_and(|names| names.len() > MANY));
    let pages: Vec<Vec<&Drawn>> = if has_names { drawn.iter().map(|one| vec![*one]).collect() } else { vec![drawn] };
    let n_pages = pages.len();
    let page = |(index, drawn): (usize, Vec<&Drawn>)| {
        let n = drawn.iter().map(|drawn| drawn.vectors.len().min(MOST)).max().unwrap_or(0);
        let total = drawn.iter().map(|drawn| drawn.n_concepts).max().unwrap_or(0);
        let mut notes = vec![
            "The diagonal, and concepts without a vector, are grey. Darkness goes by the square root of the size."
                .to_owned(),
        ];
        if total > n {
            notes.push(format!("The first {n} of {total} concepts; replicate 0."));
        }
        let panels: Vec<Panel> = drawn.iter().map(|drawn| panel(drawn)).collect();
        Figure {
            name: if n_pages > 1 { format!("overlap-{}", index + 1) } else { "overlap".to_owned() },
            title: "Which concepts overlap: the cosine of every pair".to_owned(),
            subtitle: run.study.first.plan.scenario.title.clone().unwrap_or_default(),
            description: panels
                .iter()
                .map(|panel| format!("{}: a matrix of cosines.", panel.title))
                .collect::<Vec<_>>()
                .join(" "),
            n_columns: if panels.len() > 1 { super::chart::columns_for(panels.len()) } else { 1 },
            panels,
            ramp: Some(Ramp { label: "cosine".to_owned(), range: (-end, end), tone: Tone::Signed }),
            notes,
            ..Figure::default()
        }
    };
    pages.into_iter().enumerate().map(page).collect()
}

fn panel(drawn: &Drawn) -> Panel {
    let n = drawn.vectors.len().min(MOST);
    let cells = (0..n).flat_map(|i| (0..n).map(move |j| (i, j)));
    let values = cells.map(|(i, j)| if i == j { f64::NAN } else { drawn.cosine(i, j) }).collect();
    let layers = |first: f64| {
        let edges: Vec<f64> = (0..=n).map(|index| index as f64 + first).collect();
        vec![Layer::Heat { x: edges.clone(), y: edges, values }]
    };
    // Both axes begin at the upper left corner, as the rows of a matrix do.
    let (x, y, layers) = match &drawn.names {
        Some(names) => {
            let axis = Axis { names: names.iter().take(n).cloned().collect(), ..Axis::default() };
            (axis.clone(), axis, layers(-0.5))
        }
        None => {
            let axis = Axis { label: "number of the concept".to_owned(), ..Axis::default() };
            (axis.clone(), Axis { is_reversed: true, label: String::new(), ..axis }, layers(0.5))
        }
    };
    Panel { title: drawn.title.clone(), x, y, layers, is_square: true, ..Panel::default() }
}
