//! Geometry: where vectors of two or three dimensions lie.

use super::super::vectors::Drawn;
use super::super::{Axis, Dash, Layer, Panel, Shape, Style, chart, palette};
use super::{Figure, Run};

/// Vectors that one can tell apart.
const MOST: usize = 64;

/// A panel for each tier and point with so few dimensions.
pub fn draw(run: &Run) -> Vec<Figure> {
    let drawn = run.vectors.iter().filter(|drawn| (2..=3).contains(&drawn.d_model) && drawn.vectors.len() > 1);
    let panels: Vec<Panel> = drawn.map(panel).collect();
    if panels.is_empty() {
        return Vec::new();
    }
    let is_solid = run.vectors.iter().any(|drawn| drawn.d_model == 3);
    let view = "Three dimensions are seen from the direction (0.75, 0.55, 0.37), without perspective; grey lines are the axes.";
    let notes = if is_solid { vec![view.to_owned()] } else { Vec::new() };
    let describe = |panel: &Panel| format!("{}: the vectors as lines from the origin.", panel.title);
    vec![Figure {
        name: "geometry".to_owned(),
        title: "Where the concepts lie".to_owned(),
        subtitle: format!(
            "{}. Each line is the vector of a concept, from the origin; replicate 0.",
            run.study.first.plan.scenario.title.clone().unwrap_or_default()
        ),
        description: panels.iter().map(describe).collect::<Vec<_>>().join(" "),
        n_columns: chart::columns_for(panels.len()),
        panels,
        notes,
        ..Figure::default()
    }]
}

fn panel(drawn: &Drawn) -> Panel {
    let place = |vector: &[f64]| match vector {
        [x, y] => (*x, *y),
        [x, y, z] => seen(*x, *y, *z),
        _ => (f64::NAN, f64::NAN),
    };
    let mut layers = Vec::new();
    if drawn.d_model == 3 {
        let longest = drawn.vectors.iter().flatten().fold(0.0f32, |most, x| most.max(x.abs()));
        let end = f64::from(longest);
        for axis in 0..3 {
            let tip = |length: f64| (0..3).map(|other| if other == axis { length } else { 0.0 }).collect::<Vec<f64>>();
            let points = vec![place(&tip(-end)), place(&tip(end))];
            layers.push(Layer::Line { points, style: Style::grey(Dash::Dotted) });
        }
    }
    let style = Style { colour: palette::series(0).0, shape: Some(Shape::Circle), dash: Dash::Solid, width: 1.3 };
    let places: Vec<(f64, f64)> = drawn
        .vectors
        .iter()
        .take(MOST)
        .map(|vector| place(&vector.iter().map(|x| f64::from(*x)).collect::<Vec<f64>>()))
        .collect();
    let rays = places.iter().flat_map(|place| [(0.0, 0.0), *place, (f64::NAN, f64::NAN)]).collect();
    layers.push(Layer::Line { points: rays, style: style.bare() });
    layers.push(Layer::Points { points: places.clone(), style });
    let name = |index: usize| drawn.names.as_ref().map_or((index + 1).to_string(), |names| names[index].clone());
    let texts = places.iter().enumerate().map(|(index, (x, y))| (*x, *y, name(index))).collect();
    layers.push(Layer::Texts { texts });
    let labels = if drawn.d_model == 2 { ("unit 1", "unit 2") } else { ("across", "up") };
    let axis = |label: &str| Axis { label: label.to_owned(), include: vec![0.0], ..Axis::default() };
    // Coordinates that n and d tell already need not be told twice.
    let parts = drawn.title.split(", ").filter(|part| !part.starts_with("count = ") && !part.starts_with("d_model = "));
    let title = parts.collect::<Vec<_>>().join(", ");
    let title = format!("{title} (n = {}, d = {})", drawn.n_concepts, drawn.d_model);
    Panel { title, x: axis(labels.0), y: axis(labels.1), layers, is_square: true, ..Panel::default() }
}

/// Where a point of three dimensions is seen: across, and upwards.
fn seen(x: f64, y: f64, z: f64) -> (f64, f64) {
    // Turned about the third axis by 36°, then tilted by 22°.
    let (sin_a, cos_a) = (0.587_785_252_292_473_1, 0.809_016_994_374_947_5);
    let (sin_b, cos_b) = (0.374_606_593_415_912, 0.927_183_854_566_787_4);
    let (across, depth) = (cos_a * y - sin_a * x, cos_a * x + sin_a * y);
    (across, cos_b * z - sin_b * depth)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theory_a_view_without_perspective_keeps_what_lies_across() {
        // The direction one looks along is seen as a point, those across it at full length.
        let (a, b) = (36f64.to_radians(), 22f64.to_radians());
        let eye = (b.cos() * a.cos(), b.cos() * a.sin(), b.sin());
        let at = seen(eye.0, eye.1, eye.2);
        assert!(at.0.abs() < 1e-12 && at.1.abs() < 1e-12, "{at:?}");
        let across = seen(-a.sin(), a.cos(), 0.0);
        assert!((across.0 - 1.0).abs() < 1e-12 && across.1.abs() < 1e-12, "{across:?}");
    }
}
