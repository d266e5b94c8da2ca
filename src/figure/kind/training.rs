//! Training: each measure against the step at which it was looked at.

use super::{Figure, Run};

/// Where trainings have more looks than one.
pub fn draw(run: &Run) -> Vec<Figure> {
    let Some(step) = run.source.position("step") else { return Vec::new() };
    if run.source.distinct(step).len() < 2 {
        return Vec::new();
    }
    run.measures_against(run.source, "step")
}
