//! Tables: for each measure its columns over the rows of the run, with what each of them means below.

use maud::{Markup, html};

use super::Report;
use super::prose::{line, name, prose};
use super::words::{Words, fill};
use crate::figure::number;
use crate::figure::source::{Cell, Estimate, Source};
use crate::measure::Measures;
use crate::quantity::shortest;
use crate::registry::Kind;
use crate::schema::made;
use crate::table::Column;

/// Cells of all tables together: as many as a browser lays out at once, and as the page has room for.
const MOST_CELLS: usize = 12_000;

/// Rows of a table that nobody would read to the end.
const MOST_ROWS: usize = 400;

/// The rows and key columns that every table of the page has.
pub(super) struct Chosen {
    /// The key columns: what tells one row from another.
    pub keys: Vec<usize>,
    /// The rows.
    pub rows: Vec<usize>,
    /// How many there are, with those that are not shown.
    pub n_all: u64,
}

impl Chosen {
    pub(super) fn of(report: &Report) -> Self {
        let source = report.source;
        let (n, keys) = (source.rows.len(), keys(report));
        let n_columns = source.columns.len() - report.study.key_ends().0 + keys.len();
        let most = (MOST_CELLS / n_columns.max(1)).clamp(20, MOST_ROWS);
        let rows = if n <= most { (0..n).collect() } else { (0..most).map(|k| k * (n - 1) / (most - 1)).collect() };
        Self { keys, rows, n_all: n as u64 + source.n_left_out }
    }

    /// What of the rows is not shown, as a sentence.
    pub(super) fn left_out(&self, report: &Report, w: &Words) -> Markup {
        let (shown, all) = (self.rows.len().to_string(), self.n_all.to_string());
        let file = format!("{}.summary.csv", report.study.name());
        html! {
            @if (self.rows.len() as u64) < self.n_all {
                p.warning { (fill(w.rows_left_out, &[("shown", &shown), ("all", &all), ("file", &file)])) }
            }
        }
    }
}

/// Coordinates, tier, direction and step where they vary, and the sizes that no coordinate says already.
fn keys(report: &Report) -> Vec<usize> {
    let (source, n_shared) = (report.source, report.study.key_ends().0);
    let same = |a: usize, b: usize| source.rows.iter().all(|row| row[a] == row[b]);
    let mut keys: Vec<usize> = Vec::new();
    for at in (0..n_shared).filter(|&at| source.varies(at)) {
        let is_repeated = keys.iter().any(|&key| same(key, at));
        if !is_repeated && !["tokens", "compute"].contains(&source.columns[at].name.as_ref()) {
            keys.push(at);
        }
    }
    if keys.is_empty() { source.position("tier").into_iter().collect() } else { keys }
}

/// A measure with the columns of the source that it fills.
pub(super) fn measured(report: &Report) -> Vec<(Kind, Vec<usize>)> {
    let (source, n_keys) = (report.source, report.study.key_ends().0);
    let scenario = &report.study.first.plan.scenario;
    let chosen = scenario.measure.chosen();
    let mut measures: Vec<(Kind, Vec<usize>)> = Measures::kinds()
        .into_iter()
        .filter_map(|kind| {
            let own = chosen.iter().find(|chosen| chosen.name == kind.name)?.member.columns();
            Some((kind, own.iter().filter_map(|column| source.position(&column.name)).collect()))
        })
        .collect();
    // A sweep over the options of a measure may make columns that the first point does not have.
    for at in n_keys..source.columns.len() {
        if !measures.iter().any(|(_, columns)| columns.contains(&at)) {
            let name = &source.columns[at].name;
            if let Some((_, columns)) = measures.iter_mut().find(|(kind, _)| made::find(kind, name).is_some()) {
                columns.push(at);
            }
        }
    }
    measures
}

pub(super) fn part(report: &Report, w: &Words) -> Markup {
    let source = report.source;
    let chosen = Chosen::of(report);
    let is_theory =
        |at: usize| source.columns.iter().any(|column| column.theory.as_deref() == Some(&source.columns[at].name));
    html! {
        h3 { (w.tables_heading) }
        p { (w.tables_lead) }
        (chosen.left_out(report, w))
        @for (kind, columns) in measured(report) {
            @let shown: Vec<usize> = columns.iter().copied().filter(|&at| !is_theory(at)).collect();
            section.measure id={ "measure-" (kind.name) } aria-labelledby={ "measure-" (kind.name) "-name" } {
                h4 id={ "measure-" (kind.name) "-name" } { code { (kind.name) } }
                p lang="en" { (line(kind.summary())) }
                @if let Some((_, rest)) = kind.manual().split_once("\n\n") {
                    details { summary { (fill(w.manual, &[("measure", kind.name)])) } div lang="en" { (prose(rest)) } }
                }
                (table(source, &chosen, &shown, kind.name, w))
                (meanings(columns.iter().map(|&at| &source.columns[at]), w))
            }
        }
    }
}

fn table(source: &Source, chosen: &Chosen, columns: &[usize], measure: &str, w: &Words) -> Markup {
    let caption = fill(w.table_caption, &[("measure", measure)]);
    html! {
        div.scroll tabindex="0" role="group" aria-label=(caption) {
            table.rows data-filter=(w.filter) data-sort=(w.sort_by) data-shown=(w.shown_count) {
                caption { (caption) }
                thead {
                    tr {
                        @for (index, &at) in chosen.keys.iter().enumerate() { (heading(&source.columns[at], index == 0)) }
                        @for &at in columns { (heading(&source.columns[at], false)) }
                    }
                }
                tbody {
                    @for row in chosen.rows.iter().map(|&row| &source.rows[row]) {
                        tr {
                            @for (index, &at) in chosen.keys.iter().enumerate() { (key(&row[at], index == 0)) }
                            @for &at in columns { (cell(&row[at])) }
                        }
                    }
                }
            }
        }
    }
}

/// The heading of a column, which says what it means. The first stays in sight.
fn heading(column: &Column, is_first: bool) -> Markup {
    html! { th.key[is_first] scope="col" title=(column.meaning) { span { (name(&column.name)) } } }
}

/// A cell that tells a row from others; the first is the heading of its row.
pub(super) fn key(cell: &Cell, is_first: bool) -> Markup {
    let words = cell.number().map_or_else(|| cell.words(), |x| number::plain(x, 5));
    let value = cell.number().map(sortable);
    html! {
        @if is_first { th.key scope="row" data-v=[value] { (name(&words)) } }
        @else { td.word[value.is_none()] data-v=[value] { (name(&words)) } }
    }
}

/// A cell with a mean and half of its interval.
pub(super) fn cell(cell: &Cell) -> Markup {
    match cell {
        Cell::Number(estimate) => html! { td data-v=(sortable(estimate.mean)) { (with_interval(estimate)) } },
        Cell::Text(text) => html! { td.word { (name(text)) } },
        Cell::Empty => html! { td.quiet { "–" } },
    }
}

fn with_interval(estimate: &Estimate) -> String {
    match estimate.interval {
        Some((low, high)) => number::with_error(estimate.mean, (high - low) / 2.0),
        None => number::plain(estimate.mean, 4),
    }
}

/// A number that a script can compare.
fn sortable(x: f64) -> String {
    shortest(format!("{x:.6e}").parse().unwrap_or(x))
}

/// What columns mean, from the same words as `superpose explain`.
pub(super) fn meanings<'a>(columns: impl Iterator<Item = &'a Column>, w: &Words) -> Markup {
    html! {
        details {
            summary { (w.columns_heading) }
            div.scroll tabindex="0" role="group" aria-label=(w.columns_heading) {
                table.meanings {
                    caption { (w.columns_heading) }
                    thead {
                        tr { @for title in [w.column, w.meaning, w.unit, w.range, w.theory_column, w.source] { th scope="col" { (title) } } }
                    }
                    tbody {
                        @for column in columns {
                            tr {
                                th scope="row" { code { (name(&column.name)) } }
                                td lang="en" { (line(&column.meaning)) }
                                td lang="en" { (column.unit.word()) }
                                td lang="en" { (column.range_words()) }
                                td { @if let Some(theory) = &column.theory { code { (name(theory)) } } }
                                td lang="en" { (column.source) }
                            }
                        }
                    }
                }
            }
        }
    }
}
