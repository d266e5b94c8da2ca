//! Wished: the figures that a scenario names, from the rows of a run.

use super::chart::{self, Request};
use super::kind::Run;
use super::palette::MARKED;
use super::{Figure, Mark, Scale};
use crate::analysis::sigmoid;
use crate::scenario::figure::{Wish, WishedMark};

/// The figures of `[[figure]]`, in their order.
pub fn figures(run: &Run) -> Vec<Figure> {
    run.study.first.plan.scenario.figure.iter().enumerate().map(|(index, wish)| figure(run, index, wish)).collect()
}

fn figure(run: &Run, index: usize, wish: &Wish) -> Figure {
    let named = wish.by.iter().flatten().chain(&wish.facet).chain([&wish.x]);
    let source = if named.into_iter().any(|name| name == "step") { run.source.clone() } else { run.ends() };
    let facet = wish.facet.clone();
    let mut by = wish.by.clone().unwrap_or_else(|| run.by(&source, &wish.x));
    by.retain(|name| Some(name) != facet.as_ref());
    let scale = |scale: sigmoid::Scale| if scale == sigmoid::Scale::Log { Scale::Log } else { Scale::Linear };
    let request = Request {
        x: wish.x.clone(),
        y: wish.y.clone(),
        by,
        facet,
        x_scale: wish.x_scale.map(scale),
        y_scale: wish.y_scale.map(scale),
        no_band: !wish.band,
        no_theory: !wish.theory,
    };
    let mut figure = chart::draw(&source, &request);
    let mark = |mark: &WishedMark| Mark {
        at: mark.at.get(),
        interval: None,
        label: mark.label.clone(),
        whole: mark.label.clone(),
        colour: MARKED,
        is_line: true,
    };
    for panel in &mut figure.panels {
        panel.marks = wish.marks.iter().map(mark).collect();
    }
    figure.name = wish.name.as_ref().map_or_else(|| format!("figure-{}", index + 1), ToString::to_string);
    figure.title = wish.title.clone().unwrap_or_else(|| format!("{} by {}", wish.y.join(", "), wish.x));
    figure.subtitle = run.subtitle();
    figure.description = chart::described(&figure);
    figure
}
