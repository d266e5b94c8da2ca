//! What theory says: simulated means beside the theory of them.

use maud::{Markup, html};

use super::Report;
use super::prose::name;
use super::tables::{Chosen, cell, key, measured};
use super::words::{Words, fill};
use crate::figure::number;
use crate::figure::source::{Cell, Source};

pub(super) fn section(report: &Report, w: &Words) -> Markup {
    let source = report.source;
    // For each measure where its columns that have a theory stand, and the theory of each.
    let beside = |at: &usize| Some((*at, source.position(source.columns[*at].theory.as_deref()?)?));
    let measures: Vec<(&str, Vec<(usize, usize)>)> = measured(report)
        .into_iter()
        .map(|(kind, columns)| (kind.name, columns.iter().filter_map(beside).collect::<Vec<_>>()))
        .filter(|(_, pairs)| !pairs.is_empty())
        .collect();
    if measures.is_empty() {
        return html! { p { (w.theory_none) } };
    }
    let chosen = Chosen::of(report);
    let pairs = || measures.iter().flat_map(|(_, pairs)| pairs.iter());
    let compared =
        source.rows.iter().flat_map(|row| pairs().filter_map(|&(at, theory)| is_within(&row[at], &row[theory])));
    let (n, n_within) = compared.fold((0u64, 0u64), |(n, within), is| (n + 1, within + u64::from(is)));
    html! {
        p { (fill(w.theory_lead, &[("within", &n_within.to_string()), ("all", &n.to_string())])) }
        p { (w.theory_not_exact) }
        (chosen.left_out(report, w))
        @for (measure, pairs) in &measures {
            (table(source, &chosen, pairs, measure, w))
            (super::tables::meanings(pairs.iter().map(|&(_, theory)| &source.columns[theory]), w))
        }
    }
}

/// Whether theory lies in the interval of a mean; `None` where there is nothing to compare.
fn is_within(simulated: &Cell, theory: &Cell) -> Option<bool> {
    let (Cell::Number(estimate), Some(theory)) = (simulated, theory.number()) else { return None };
    let (low, high) = estimate.interval.filter(|(low, high)| high > low)?;
    Some((low..=high).contains(&theory))
}

fn table(source: &Source, chosen: &Chosen, pairs: &[(usize, usize)], measure: &str, w: &Words) -> Markup {
    let caption = fill(w.theory_caption, &[("measure", measure)]);
    html! {
        div.scroll tabindex="0" role="group" aria-label=(caption) {
            table.rows data-filter=(w.filter) data-sort=(w.sort_by) data-shown=(w.shown_count) {
                caption { (caption) }
                thead {
                    tr {
                        @for (index, &at) in chosen.keys.iter().enumerate() { th.key[index == 0] rowspan="2" scope="col" title=(source.columns[at].meaning) { span { (name(&source.columns[at].name)) } } }
                        @for &(at, _) in pairs { th.of colspan="3" scope="colgroup" title=(source.columns[at].meaning) { (name(&source.columns[at].name)) } }
                    }
                    tr {
                        @for _ in pairs {
                            @for title in [w.simulated, w.theory, w.difference] { th scope="col" { span { (title) } } }
                        }
                    }
                }
                tbody {
                    @for row in chosen.rows.iter().map(|&row| &source.rows[row]) {
                        tr {
                            @for (index, &at) in chosen.keys.iter().enumerate() { (key(&row[at], index == 0)) }
                            @for &(at, theory) in pairs {
                                (cell(&row[at]))
                                (cell(&row[theory]))
                                (difference(&row[at], &row[theory], w))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// How far the simulated mean is from theory, as a share of theory; a sign says where theory is within the interval.
fn difference(simulated: &Cell, theory: &Cell, w: &Words) -> Markup {
    let Some((x, theory_x)) = simulated.number().zip(theory.number()) else { return html! { td.quiet { "–" } } };
    let share = 100.0 * (x - theory_x) / theory_x.abs();
    let (value, words) = match share.is_finite() {
        true => (share, format!("{} %", number::plain(share, 2))),
        false => (x - theory_x, number::plain(x - theory_x, 2)),
    };
    let sign = if value > 0.0 { "+" } else { "" };
    html! {
        td data-v=(format!("{value:.4e}")) {
            (sign) (words)
            @if is_within(simulated, theory) == Some(true) { " " span.within role="img" aria-label=(w.within_one) title=(w.within_one) { "✓" } }
        }
    }
}
