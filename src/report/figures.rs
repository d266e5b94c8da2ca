//! Figures: every figure of the run as SVG in the page, as far as the page stays small.

use maud::{Markup, PreEscaped, html};

use super::Report;
use super::prose::name;
use super::words::{Words, fill};
use crate::figure::{Figure, svg};

/// Bytes of figures that stand in the page; what would go beyond stands beside it.
const MOST_BYTES: usize = 1_200_000;

pub(super) fn part(report: &Report, w: &Words) -> Markup {
    let (mut inside, mut beside, mut n_bytes) = (Vec::new(), Vec::new(), 0);
    for figure in report.figures {
        let frames: Vec<(String, String)> =
            frames(figure).iter().map(|frame| (title(frame), svg::inline(frame))).collect();
        let size: usize = frames.iter().map(|(_, svg)| svg.len()).sum();
        // A small figure after one that is too large may still have room.
        if n_bytes + size > MOST_BYTES {
            beside.push(figure);
        } else {
            n_bytes += size;
            inside.push((figure, frames));
        }
    }
    html! {
        h3 { (w.figures_heading) }
        @if report.figures.is_empty() { p { (w.no_figures) } } @else { p { (w.figures_lead) } }
        @for (figure, frames) in &inside { (drawn(figure, frames, w)) }
        @if !beside.is_empty() {
            p { (fill(w.figures_left_out, &[("n", &beside.len().to_string())])) }
            ul { @for figure in &beside { li { (files(&figure.name)) " " (name(&figure.title)) } } }
        }
    }
}

fn drawn(figure: &Figure, frames: &[(String, String)], w: &Words) -> Markup {
    let has_slider = ["axis", "training", "ability"].contains(&figure.kind);
    let axis = figure.panels.first().map_or("", |panel| &panel.x.label);
    let slider = has_slider.then_some(w.slider_label);
    html! {
        figure id={ "figure-" (figure.name) } data-slider=[slider] data-axis=[slider.map(|_| axis)] data-step=(w.step_of) data-nothing=(w.nothing_here) {
            @if let [(_, svg)] = frames {
                div.plot tabindex="0" role="group" aria-label=(figure.title) { (PreEscaped(svg)) }
            } @else {
                div.frames data-label=(w.step_label) data-which=(w.steps_label) {
                    @for (title, svg) in frames {
                        div.frame data-name=(title) { div.plot tabindex="0" role="group" aria-label=(title) { (PreEscaped(svg)) } }
                    }
                }
            }
            figcaption {
                (caption(figure, w)) " "
                span.files { (w.figure_files) " " (files(&figure.name)) }
            }
        }
    }
}

/// A figure of vectors shows one point of the sweep in each panel: each is a step by itself. All others are one.
fn frames(figure: &Figure) -> Vec<Figure> {
    if !["cosines", "overlap", "geometry"].contains(&figure.kind) || figure.panels.len() < 2 {
        return vec![figure.clone()];
    }
    let frame = |(index, panel): (usize, &crate::figure::Panel)| Figure {
        name: format!("{}-step-{}", figure.name, index + 1),
        panels: vec![panel.clone()],
        n_columns: 1,
        ..figure.clone()
    };
    figure.panels.iter().enumerate().map(frame).collect()
}

fn title(frame: &Figure) -> String {
    frame.panels.first().map_or(String::new(), |panel| panel.title.clone())
}

fn files(figure: &str) -> Markup {
    html! {
        a href={ "figures/" (figure) ".svg" } { (figure) ".svg" } ", "
        a href={ "figures/" (figure) ".png" } { (figure) ".png" }
    }
}

/// How to read a figure of this kind.
fn caption(figure: &Figure, w: &Words) -> &'static str {
    match figure.kind {
        "page" => w.figure_page,
        "ability" => w.figure_ability,
        "scaling" => w.figure_scaling,
        "surface" => w.figure_surface,
        "phase" => w.figure_phase,
        "axis" => w.figure_axis,
        "training" => w.figure_training,
        "tiers" => w.figure_tiers,
        "cosines" => w.figure_cosines,
        "overlap" => w.figure_overlap,
        "geometry" => w.figure_geometry,
        _ => w.figure_wished,
    }
}
