//! Findings: what the analyses conclude, in sentences with their intervals.

use maud::{Markup, html};

use super::prose::{line, name};
use super::words::{Words, fill};
use super::{Report, rows};
use crate::figure::number;
use crate::table::Value;

/// Groups of one analysis that stand open; the others are a press away.
const OPEN: usize = 12;

/// Findings that the page has: the file has all.
const MOST: usize = 600;

pub(super) fn part(report: &Report, w: &Words) -> Markup {
    if report.findings.is_empty() {
        return Markup::default();
    }
    let shown = &report.findings[..report.findings.len().min(MOST)];
    let left_out = report.findings.len() - shown.len();
    let file = format!("{}.findings.csv", report.study.name());
    html! {
        h3 { (w.findings_heading) }
        p { (w.findings_lead) }
        @for analysis in shown.chunk_by(|a, b| a[..2] == b[..2]) {
            div.finding {
                h4 { code { (analysis[0][0]) } " — " (name(&analysis[0][1].to_string())) }
                @let groups: Vec<&[Vec<Value>]> = analysis.chunk_by(|a, b| a[3] == b[3]).collect();
                @for group in groups.iter().take(OPEN) { (group_of(group, w)) }
                @if groups.len() > OPEN {
                    @let n: usize = groups[OPEN..].iter().map(|group| group.len()).sum();
                    details {
                        summary { (fill(w.finding_more, &[("n", &n.to_string())])) }
                        @for group in &groups[OPEN..] { (group_of(group, w)) }
                    }
                }
            }
        }
        @if left_out > 0 {
            p { (fill(w.findings_left_out, &[("n", &left_out.to_string()), ("file", &file)])) }
        }
    }
}

/// The findings of one group: those that answer the question, then what supports them.
fn group_of(group: &[Vec<Value>], w: &Words) -> Markup {
    let (main, side): (Vec<_>, Vec<_>) = group.iter().enumerate().partition(|(index, _)| is_main(*index, group));
    let label = group[0][3].to_string();
    html! {
        @if !label.is_empty() { p.group { (name(&label)) } }
        ul { @for (_, finding) in &main { li { (sentence(finding, w)) } } }
        @if !side.is_empty() {
            details {
                summary { (fill(w.finding_more, &[("n", &side.len().to_string())])) }
                ul { @for (_, finding) in &side { li { (sentence(finding, w)) } } }
            }
        }
    }
}

/// The first finding is what an analysis is made for; a verdict, and what is known with an interval and once only, are told beside it.
fn is_main(index: usize, group: &[Vec<Value>]) -> bool {
    let finding = &group[index];
    let is_once = group.iter().filter(|other| other[2] == finding[2]).count() == 1;
    index == 0 || finding[2].to_string() == "verdict" || is_once && finding[6].number().is_some()
}

fn sentence(finding: &[Value], w: &Words) -> Markup {
    let number = |at: usize| finding[at].number().map(|x| number::plain(x, 4));
    let note = finding[10].to_string();
    let rows = rows(finding[9].number().unwrap_or(0.0) as u64, w);
    let mut values = vec![("rows", rows.as_str())];
    let (estimate, error) = (number(4), number(5));
    let interval = number(6).zip(number(7));
    let template = match (&estimate, &interval, &error) {
        (Some(_), Some(_), _) => w.finding_interval,
        (Some(_), None, Some(_)) => w.error_only,
        (Some(_), None, None) => w.finding_plain,
        (None, ..) => w.finding_none,
    };
    let (low, high) = interval.unzip();
    for (name, value) in [("estimate", &estimate), ("error", &error), ("low", &low), ("high", &high)] {
        values.extend(value.as_deref().map(|value| (name, value)));
    }
    // The name and the note are set apart: one is code, the other English.
    values.extend([("name", "\u{fffc}"), ("note", "\u{fffb}")]);
    let text = fill(template, &values);
    let is_noted = text.contains('\u{fffb}');
    let pieces: Vec<&str> = text.split_inclusive(['\u{fffc}', '\u{fffb}']).collect();
    html! {
        @for piece in &pieces {
            (piece.trim_end_matches(['\u{fffc}', '\u{fffb}']))
            @if piece.ends_with('\u{fffc}') { code { (finding[2]) } }
            @if piece.ends_with('\u{fffb}') { span lang="en" { (line(&note)) } }
        }
        @if !note.is_empty() && !is_noted { " " span.quiet lang="en" { (line(&note)) "." } }
    }
}
