//! Ability: a curve with its turn marked, and the abilities of published models where the axis is one of size.

use std::collections::BTreeMap;

use super::super::chart::Series;
use super::super::palette::{GREY, MARKED};
use super::super::{Mark, Scale, number};
use super::{Figure, Found, Run, capital, drawn_columns, group_of};
use crate::analysis::{Conclusion, sigmoid};
use crate::catalogue;
use crate::quantity::cut;

/// One figure for each sigmoid and each transition.
pub fn draw(run: &Run) -> Vec<Figure> {
    run.analyses(&["sigmoid", "transition"])
        .filter_map(|(index, conclusion)| {
            let (mut figure, series) = run.chart_of(conclusion, drawn_columns(conclusion), (scale(conclusion), None));
            let panel = figure.panels.first_mut()?;
            let (y, x, column) = (panel.y.label.clone(), panel.x.label.clone(), panel.x.source.clone());
            panel.marks = turns(run, conclusion, &series);
            panel.marks.extend(abilities(&column));
            if panel.marks.iter().any(|mark| !mark.is_line) {
                figure.notes.push(
                    "Grey ticks: the size from which published models were seen to have an ability (Wei et al. 2022); superpose list abilities has them all."
                        .to_owned(),
                );
            }
            figure.name = format!("ability-{index}-{}", panel.y.source);
            figure.title = format!("Where {y} turns, by {x}");
            if panel.marks.iter().any(|mark| mark.is_line && mark.label.starts_with("half way")) {
                figure.notes.push("The width of a turn is that from 10 to 90 % of the way.".to_owned());
            }
            if let Some(verdict) = verdict(run, conclusion, &series) {
                figure.notes.insert(0, format!("Verdict: {verdict}."));
            }
            Some(figure)
        })
        .collect()
}

/// The scale that the analysis was made on.
pub fn scale(conclusion: &Conclusion) -> Option<Scale> {
    let scale = match conclusion {
        Conclusion::Sigmoid(sigmoid) => sigmoid.scale,
        Conclusion::Transition(transition) => transition.scale,
        _ => return None,
    };
    Some(if scale == sigmoid::Scale::Log { Scale::Log } else { Scale::Linear })
}

/// The midpoint of every group of lines, with its interval; of systems of several sizes where y begins to grow in an infinite one besides.
pub fn turns(run: &Run, conclusion: &Conclusion, series: &[Series]) -> Vec<Mark> {
    let mut groups: Vec<(&str, &Series)> = Vec::new();
    for line in series {
        let label = group_of(conclusion, &line.label);
        if !groups.iter().any(|(other, _)| *other == label) {
            groups.push((label, line));
        }
    }
    let n = groups.len();
    let decades = if scale(conclusion) == Some(Scale::Log) { " decades" } else { "" };
    let mut marks = Vec::new();
    for (label, line) in groups {
        let find = |name| run.found(conclusion, label, name);
        let name = if n > 1 { format!("{}: ", line.name) } else { String::new() };
        let mut mark = |found: &Found, what: &str, more: &str| {
            let words = format!("{what} {}{more}", found.words());
            let whole = capital(&format!("{name}{words}"));
            // The colour of the line says whose it is.
            let label = if n == 1 { words } else { number::plain(found.estimate, 2) };
            let colour = if n > 1 { line.style.colour } else { MARKED };
            // The shades of many would hide one another.
            let interval = found.interval.filter(|_| n <= 3);
            marks.push(Mark { at: found.estimate, interval, label, whole, colour, is_line: true });
        };
        if let Some(midpoint) = find("midpoint") {
            let width = find("width").map(|width| format!(", {}{decades} wide", number::plain(width.estimate, 2)));
            mark(&midpoint, "half way at", &width.unwrap_or_default());
        }
        if let Some(point) = find("collapse_point") {
            mark(&point, "infinite system: from", "");
        }
    }
    marks
}

/// What the analysis says of its one group.
fn verdict(run: &Run, conclusion: &Conclusion, series: &[Series]) -> Option<String> {
    let label = group_of(conclusion, &series.first()?.label);
    if series.iter().any(|line| group_of(conclusion, &line.label) != label) {
        return None;
    }
    let columns = conclusion.columns();
    let row = run.findings.iter().find(|row| {
        row[0].to_string() == conclusion.name()
            && row[1].to_string() == columns
            && row[2].to_string() == "verdict"
            && row[3].to_string() == label
    })?;
    Some(row[10].to_string())
}

/// The abilities of the catalogue, those of one size together.
fn abilities(column: &str) -> Vec<Mark> {
    let size = |ability: &catalogue::Ability| match column {
        "params" => Some(ability.params),
        "compute" => Some(ability.compute),
        _ => None,
    };
    let mut sizes: BTreeMap<u64, Vec<&catalogue::Ability>> = BTreeMap::new();
    for ability in catalogue::abilities() {
        if let Some(size) = size(ability) {
            // Positive numbers are in the order of their bits.
            sizes.entry(size.to_bits()).or_default().push(ability);
        }
    }
    let mark = |(bits, abilities): (u64, Vec<&catalogue::Ability>)| {
        let names: Vec<&str> = abilities.iter().map(|ability| ability.ability.as_str()).collect();
        let more = if names.len() > 1 { format!(" + {}", names.len() - 1) } else { String::new() };
        let short = cut(names[0].split(',').next().unwrap_or_default(), 40);
        let (at, whole) = (f64::from_bits(bits), names.join("; "));
        let whole = format!("{}: {whole}", number::plain(at, 3));
        Mark { at, interval: None, label: format!("{short}{more}"), whole, colour: GREY, is_line: false }
    };
    sizes.into_iter().map(mark).collect()
}
