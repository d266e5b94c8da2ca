//! What was asked: the scenario in words and tables, and the file itself.

use maud::{Markup, html};

use super::prose::{line, name, prose};
use super::words::{Words, fill};
use super::{Report, replicates};
use crate::analysis::Conclusion;
use crate::embedding::Scheme;
use crate::figure::number;
use crate::measure::Measures;
use crate::registry::Kind;
use crate::training::Architecture;

/// Names of concepts that are shown.
const MOST_NAMES: usize = 24;

pub(super) fn section(report: &Report, w: &Words) -> Markup {
    let study = report.study;
    let plan = &study.first.plan;
    let scenario = &plan.scenario;
    let counts = [scenario.tiers.len() as u64, study.n_points, study.n_rows].map(|n| n.to_string());
    let [tiers, points, rows] = &counts;
    let extent =
        fill(w.extent, &[("tiers", tiers), ("points", points), ("replicates", &replicates(report, w)), ("rows", rows)]);
    let smoke = report.made.is_some_and(|made| made.run.smoke);
    let settings = report.made.map_or(&plan.settings, |made| &made.settings);
    html! {
        p { (extent) @if study.is_filtered() { " " (w.filtered) } }
        @if smoke { p.warning { (w.smoke_note) } }
        @if !settings.is_empty() {
            p { (w.settings_note) }
            ul { @for setting in settings { li { code { (setting) } } } }
        }
        (tiers_table(report, w))
        (names(report, w))
        @if study.sweep.is_some() {
            div.scroll tabindex="0" role="group" aria-label=(w.axes_caption) {
                table {
                    caption { (w.axes_caption) }
                    thead { tr { th scope="col" { (w.axis) } th scope="col" { (w.values) } } }
                    tbody {
                        @for (path, values) in study.sweep.describe() {
                            tr { th scope="row" { code { (name(&path)) } } td { (name(&values)) } }
                        }
                    }
                }
            }
        }
        h3 { (w.measured) }
        ul {
            @for kind in Measures::kinds() {
                @if scenario.measure.chosen().iter().any(|chosen| chosen.name == kind.name) {
                    li { a href={ "#measure-" (kind.name) } { code { (kind.name) } } " — " span lang="en" { (line(kind.summary())) } }
                }
            }
        }
        (kinds(w.embeddings_heading, embeddings(report), w))
        (kinds(w.analyses_heading, analyses(report), w))
        details {
            summary { (w.file_heading) }
            p.quiet { (w.file_note) }
            pre tabindex="0" { code { (study.text()) } }
        }
    }
}

fn tiers_table(report: &Report, w: &Words) -> Markup {
    let plan = &report.study.first.plan;
    let count = |n: Option<u64>| n.map_or("–".to_owned(), |n| number::plain(n as f64, 15));
    html! {
        div.scroll tabindex="0" role="group" aria-label=(w.tiers_caption) {
            table {
                caption { (w.tiers_caption) @if report.study.sweep.is_some() { span.quiet { " " (w.at_first_point) } } }
                thead {
                    tr {
                        @for title in [w.tier, w.embedding] { th scope="col" { (title) } }
                        @for title in [w.params, w.width, w.concepts] { th.number scope="col" { (title) } }
                    }
                }
                tbody {
                    @for (tier, planned) in plan.scenario.tiers.iter().zip(&plan.tiers) {
                        tr {
                            th scope="row" { (name(tier.name.as_str())) }
                            td { (tier.embedding.as_ref().map_or("–", Scheme::name)) }
                            td.number { (planned.facts.params.map_or("–".to_owned(), |x| number::plain(x, 4))) }
                            td.number { (count(planned.size.map(|size| size.d_model))) }
                            td.number { (count(planned.size.map(|size| size.n_concepts))) }
                        }
                    }
                }
            }
        }
    }
}

fn names(report: &Report, w: &Words) -> Markup {
    let concepts = report.study.first.plan.scenario.concepts.as_ref();
    let Some(names) = concepts.and_then(|concepts| concepts.names.as_ref()) else { return Markup::default() };
    let sentence = fill(w.concept_names, &[("n", &names.len().to_string()), ("names", "\u{fffc}")]);
    let (before, after) = sentence.split_once('\u{fffc}').unwrap_or((&sentence, ""));
    html! {
        p {
            (before)
            @for (index, one) in names.iter().take(MOST_NAMES).enumerate() { @if index > 0 { ", " } (name(one)) }
            @if names.len() > MOST_NAMES { " …" }
            (after)
        }
    }
}

/// The kinds of embedding, and the models that are trained.
fn embeddings(report: &Report) -> Vec<Kind> {
    let tiers = &report.study.first.plan.scenario.tiers;
    let schemes = || tiers.iter().filter_map(|tier| tier.embedding.as_ref());
    let model = |scheme: &Scheme| match scheme {
        Scheme::Trained(trained) => Some(trained.model.name()),
        _ => None,
    };
    let used = Scheme::kinds().into_iter().filter(|kind| schemes().any(|scheme| scheme.name() == kind.name));
    let trained = Architecture::kinds().into_iter().filter(|kind| schemes().filter_map(model).any(|m| m == kind.name));
    used.chain(trained).collect()
}

fn analyses(report: &Report) -> Vec<Kind> {
    let analyses = &report.study.first.plan.scenario.analysis;
    Conclusion::kinds().into_iter().filter(|kind| analyses.iter().any(|other| other.name() == kind.name)).collect()
}

/// Kinds with what the manual says of them; their texts are the doc comments of the code, in English.
fn kinds(heading: &str, kinds: Vec<Kind>, w: &Words) -> Markup {
    html! {
        @if !kinds.is_empty() {
            h3 { (heading) }
            @for kind in &kinds {
                div.kind {
                    p { code { (kind.name) } " — " span lang="en" { (line(kind.summary())) } }
                    @if let Some((_, rest)) = kind.manual().split_once("\n\n") {
                        details { summary { (w.more) } div lang="en" { (prose(rest)) } }
                    }
                }
            }
        }
    }
}
