//! Axis: each measure against a swept axis, with replicate band and theory line.

use super::{Figure, Run};

/// Against the axis with the most values; the others tell lines apart.
pub fn draw(run: &Run) -> Vec<Figure> {
    let source = run.ends();
    let axes = run.axes();
    let count = |axis: &String| source.position(axis).map_or(0, |x| source.distinct(x).len());
    // Of axes with as many values the first.
    let Some(axis) = axes.iter().rev().max_by_key(|axis| count(axis)) else { return Vec::new() };
    run.measures_against(&source, &run.drawn(axis))
}
