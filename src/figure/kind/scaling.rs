//! Scaling: a power law on logarithmic axes, with the fit, its exponent and interval, and its floor.

use super::super::chart::Series;
use super::super::{Dash, Entry, Layer, Panel, Scale, Style};
use super::{Figure, Run, capital, drawn_columns};
use crate::analysis::Conclusion;

/// One figure for each power law.
pub fn draw(run: &Run) -> Vec<Figure> {
    run.analyses(&["power_law"])
        .filter_map(|(number, conclusion)| {
            let log = Some(Scale::Log);
            let (mut figure, series) = run.chart_of(conclusion, drawn_columns(conclusion), (log, log));
            let panel = figure.panels.first_mut()?;
            let (y, x) = (panel.y.label.clone(), panel.x.label.clone());
            let entries = fits(run, conclusion, &series, panel);
            figure.legend.extend(entries);
            figure.name = format!("scaling-{number}-{}", panel.y.source);
            figure.title = format!("{} as a power of {x}", capital(&y));
            Some(figure)
        })
        .collect()
}

/// Draws the fits of all lines of a panel; gives their entries of the legend.
pub fn fits(run: &Run, conclusion: &Conclusion, series: &[Series], panel: &mut Panel) -> Vec<Entry> {
    let mut entries = Vec::new();
    for line in series {
        let find = |name| run.found(conclusion, &line.label, name);
        let (Some(exponent), Some(coefficient)) = (find("exponent"), find("coefficient")) else { continue };
        let floor = find("offset");
        let offset = floor.as_ref().map_or(0.0, |floor| floor.estimate);
        let positive = line.spots.iter().map(|(x, _)| *x).filter(|x| *x > 0.0);
        let (low, high) = positive.fold((f64::INFINITY, 0.0f64), |(low, high), x| (low.min(x), high.max(x)));
        if low > high {
            continue;
        }
        let at = |step: usize| {
            let x = low * libm::pow(high / low, step as f64 / 60.0);
            (x, coefficient.estimate * libm::pow(x, exponent.estimate) + offset)
        };
        let style = Style { dash: Dash::Mixed, width: 1.5, shape: None, ..line.style };
        let style = if series.len() == 1 { Style { colour: super::super::palette::MARKED, ..style } } else { style };
        panel.layers.push(Layer::Line { points: (0..=60).map(at).collect(), style });
        let name = if series.len() == 1 { "fit".to_owned() } else { format!("fit, {}", line.name) };
        entries.push(Entry { name: format!("{name}: exponent {}", exponent.words()), style, is_band: false });
        if let Some(floor) = floor.filter(|floor| floor.estimate > 0.0) {
            let style = Style { dash: Dash::Dotted, ..style };
            panel.layers.push(Layer::Line { points: vec![(low, floor.estimate), (high, floor.estimate)], style });
            entries.push(Entry { name: format!("floor: {}", floor.words()), style, is_band: false });
        }
    }
    entries
}
