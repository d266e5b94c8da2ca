//! Ability: a curve with its turn marked, and the abilities of published models where the axis is one of size.

use std::collections::BTreeMap;

use super::super::chart::Series;
use super::super::palette::{GREY, MARKED};
use super::super::{Mark, Scale, number};
use super::{Figure, Run, capital, drawn_columns};
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

/// The midpoint of every line, with its interval.
pub fn turns(run: &Run, conclusion: &Conclusion, series: &[Series]) -> Vec<Mark> {
    let mut marks = Vec::new();
    for line in series {
        let Some(midpoint) = run.found(conclusion, &line.label, "midpoint") else { continue };
        let width = run.found(conclusion, &line.label, "width");
        let name = if series.len() > 1 { format!("{}: ", line.name) } else { String::new() };
        let scale = if scale(conclusion) == Some(Scale::Log) { " decades" } else { "" };
        let width = width
            .map_or(String::new(), |width| format!(", 10 to 90 % within {}{scale}", number::plain(width.estimate, 2)));
        let label = match series.len() {
            1 => format!("half way at {}{width}", midpoint.words()),
            // The colour of the line says whose it is.
            _ => number::plain(midpoint.estimate, 2),
        };
        let colour = if series.len() > 1 { line.style.colour } else { MARKED };
        let whole = capital(&format!("{name}half way at {}{width}", midpoint.words()));
        // The shades of many would hide one another.
        let interval = midpoint.interval.filter(|_| series.len() <= 3);
        marks.push(Mark { at: midpoint.estimate, interval, label, whole, colour, is_line: true });
    }
    marks
}

/// What the analysis says of a single line.
fn verdict(run: &Run, conclusion: &Conclusion, series: &[Series]) -> Option<String> {
    let [line] = series else { return None };
    let columns = conclusion.columns();
    let row = run.findings.iter().find(|row| {
        row[0].to_string() == conclusion.name()
            && row[1].to_string() == columns
            && row[2].to_string() == "verdict"
            && row[3].to_string() == line.label
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
