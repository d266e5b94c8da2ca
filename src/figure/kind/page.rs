//! Page: overlap, law, ability and its threshold side by side, for one model that grows.

use super::super::chart::{self, Request};
use super::super::{Axis, Dash, Entry, Layer, Panel, Scale, Style};
use super::{Figure, Run, ability, drawn_columns, scaling};

/// Where a scenario has a power law, a transition and a task of steps, over one axis of size.
pub fn draw(run: &Run) -> Vec<Figure> {
    page(run).into_iter().collect()
}

fn page(run: &Run) -> Option<Figure> {
    let (_, law) = run.analyses(&["power_law"]).next()?;
    let (_, turn) = run.analyses(&["transition", "sigmoid"]).next()?;
    let x = turn.member().reads().first().map(|(_, x)| (*x).to_owned())?;
    let source = run.source;
    let is_single = source.position("tier").is_some_and(|tier| !source.varies(tier)) && run.axes().len() == 1;
    let is_size = ["params", "compute", "tokens", "d_model"].contains(&x.as_str());
    if !is_single || !is_size {
        return None;
    }
    let step_accuracy = source.position("task_step_accuracy")?;
    let y = ["mean_abs_cosine", "mean_square_cosine"].into_iter().find(|name| source.position(name).is_some())?;
    let scale = ability::scale(turn);
    let request = Request { x, y: vec![y.to_owned()], x_scale: scale, ..Request::default() };
    let mut overlap = chart::draw(source, &request);
    let mut first = overlap.panels.pop()?;
    first.title = "a  How much concepts overlap".to_owned();

    let log = Some(Scale::Log);
    let (mut figure, series) = run.chart_of(law, drawn_columns(law), (log, log));
    let mut second = figure.panels.drain(..).next()?;
    let fits = scaling::fits(run, law, &series, &mut second);
    second.title = "b  A smooth law".to_owned();

    let (mut figure, series) = run.chart_of(turn, drawn_columns(turn), (scale, None));
    let mut third = figure.panels.drain(..).next()?;
    third.marks = ability::turns(run, turn, &series);
    third.title = "c  A sudden ability".to_owned();

    let fourth = threshold(run, step_accuracy)?;
    let has_band = overlap.legend.iter().any(|entry| entry.is_band);
    let entry = |name: &str, style, is_band| Entry { name: name.to_owned(), style, is_band };
    let mut legend = vec![entry("simulated", Style::of(0), false)];
    if has_band {
        legend.push(entry("95 % interval of the mean", Style::of(0), true));
    }
    legend.push(entry("theory", Style::grey(Dash::Dashed), false));
    legend.extend(fits);
    let mut figure = Figure {
        name: "page".to_owned(),
        title: run.study.first.plan.scenario.title.clone().unwrap_or_else(|| run.study.name().to_owned()),
        subtitle: format!(
            "One model that grows, {} replicates at each size. The same vectors give a smooth law (b) and a sudden ability (c): a task of many steps is the power of the accuracy of one (d).",
            run.study.first.plan.scenario.replicates.get()
        ),
        panels: vec![first, second, third, fourth],
        n_columns: 2,
        legend,
        ..Figure::default()
    };
    figure.description = chart::described(&figure);
    Some(figure)
}

/// Whole tasks against their single steps, with p to the power of the steps.
fn threshold(run: &Run, step_accuracy: usize) -> Option<Panel> {
    let source = run.source;
    let mut lengths: Vec<(f64, usize)> = Vec::new();
    for (position, column) in source.columns.iter().enumerate() {
        let steps = column.name.strip_prefix("exact_match_").and_then(|steps| steps.parse::<f64>().ok());
        lengths.extend(steps.map(|steps| (steps, position)));
    }
    lengths.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut layers, mut texts) = (Vec::new(), Vec::new());
    for (index, (steps, column)) in lengths.iter().take(6).enumerate() {
        let style = Style::of(index);
        let power = |step: usize| {
            let p = step as f64 / 80.0;
            (p, libm::pow(p, *steps))
        };
        layers.push(Layer::Line { points: (0..=80).map(power).collect(), style: style.theory() });
        let at = |row: &Vec<super::Cell>| Some((row[step_accuracy].number()?, row[*column].number()?));
        layers.push(Layer::Points { points: source.rows.iter().filter_map(at).collect(), style });
        // At heights of their own, for steep curves run close together.
        let height = (0.62 - 0.17 * index as f64).max(0.1);
        let p = libm::pow(height, 1.0 / steps);
        texts.push((p, height, if *steps == 1.0 { "1 step".to_owned() } else { format!("{steps} steps") }));
    }
    if layers.is_empty() {
        return None;
    }
    layers.push(Layer::Texts { texts });
    let axis = |label: &str, source: &str| Axis {
        label: label.to_owned(),
        source: source.to_owned(),
        include: vec![0.0, 1.0],
        ..Axis::default()
    };
    Some(Panel {
        title: "d  What the threshold is made of".to_owned(),
        x: axis("accuracy p of a single step", "task_step_accuracy"),
        y: axis("accuracy of whole tasks; dashed: p to the power of the steps", "exact_match"),
        layers,
        ..Panel::default()
    })
}
