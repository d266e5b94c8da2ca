//! Surface: the loss by parameters and tokens, with the fitted surface, and how a budget is best spent by it.

use super::super::chart::{self, Request};
use super::super::palette::{self, MARKED};
use super::super::source::Source;
use super::super::{Axis, Dash, Entry, Layer, Mark, Panel, Scale, Shape, Style, number};
use super::{Figure, Run, capital};
use crate::analysis::Conclusion;
use crate::fit::chinchilla::Surface;

/// Groups of rows that have a figure each.
const MOST_GROUPS: usize = 4;

/// Powers of ten whose curves are drawn.
const MOST_BUDGETS: usize = 6;

/// Pieces of a line that is to look smooth.
const STEPS: usize = 60;

/// One figure for each surface and group.
pub fn draw(run: &Run) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (index, conclusion) in run.analyses(&["chinchilla"]) {
        let Conclusion::Chinchilla(asked) = conclusion else { continue };
        let by = asked.by.clone().unwrap_or_default();
        let groups = chart::grouped(run.source, &by);
        for (number, (label, rows)) in groups.iter().take(MOST_GROUPS).enumerate() {
            let source =
                Source { rows: rows.iter().map(|&row| run.source.rows[row].clone()).collect(), ..run.source.clone() };
            let request = Request {
                x: asked.params.clone(),
                y: vec![asked.loss.clone()],
                by: vec![asked.tokens.clone()],
                x_scale: Some(Scale::Log),
                y_scale: Some(Scale::Log),
                no_theory: true,
                ..Request::default()
            };
            let mut figure = chart::draw(&source, &request);
            let Some(mut panel) = figure.panels.pop() else { continue };
            let (loss, x) = (panel.y.label.clone(), panel.x.label.clone());
            figure.name = format!("surface-{index}-{}", asked.loss);
            if groups.len() > 1 {
                figure.name = format!("surface-{index}-{}-{}", number + 1, asked.loss);
            }
            figure.title = format!("{} by {x} and tokens", capital(&loss));
            figure.subtitle = run.subtitle();
            if !label.is_empty() {
                figure.subtitle = format!("{label}. {}", figure.subtitle);
            }
            match fitted(run, conclusion, label) {
                None => {
                    figure.notes.extend(run.why_not(conclusion, &chart::series_of(&source, &request)));
                    figure.panels = vec![panel];
                }
                Some(surface) => {
                    let series = chart::series_of(&source, &request);
                    lines(&surface, &source, &asked.tokens, &series, &mut panel);
                    panel.title = "a  Each line one amount of data D".to_owned();
                    for entry in &mut figure.legend {
                        if let Some(data) = entry.name.strip_prefix("training data D (tokens) = ") {
                            entry.name = format!("D = {data}");
                        }
                    }
                    figure.legend.push(entry("the fitted surface", Style::grey(Dash::Dashed)));
                    figure.legend.push(entry("E, the loss that remains", Style::grey(Dash::Dotted)));
                    let budgets = budgets(run, conclusion, (label, &surface), &source, &panel);
                    figure.panels = vec![panel];
                    figure.panels.extend(budgets);
                    figure.notes.extend(told(run, conclusion, label));
                }
            }
            figure.n_columns = figure.panels.len();
            figures.push(figure);
        }
    }
    figures
}

fn entry(name: &str, style: Style) -> Entry {
    Entry { name: name.to_owned(), style, is_band: false }
}

fn fitted(run: &Run, conclusion: &Conclusion, label: &str) -> Option<Surface> {
    let find = |name| run.found(conclusion, label, name).map(|found| found.estimate);
    Some(Surface {
        irreducible: find("irreducible_loss")?,
        log_a: libm::log(find("params_coefficient")?),
        log_b: libm::log(find("tokens_coefficient")?),
        params_exponent: find("params_exponent")?,
        tokens_exponent: find("tokens_exponent")?,
    })
}

/// The fitted surface along each line, and its floor.
fn lines(surface: &Surface, source: &Source, tokens: &str, series: &[chart::Series], panel: &mut Panel) {
    let Some(column) = source.position(tokens) else { return };
    // A line of simulated points has only its marks: the fit goes through them.
    panel.layers.retain(|layer| !matches!(layer, Layer::Line { .. }));
    let mut ends = (f64::INFINITY, 0.0f64);
    for (line, data) in series.iter().filter_map(|line| Some((line, chart::number_of(source, column, &line.label)?))) {
        let places = line.spots.iter().map(|(x, _)| *x).filter(|x| *x > 0.0);
        let (low, high) = places.fold((f64::INFINITY, 0.0f64), |(low, high), x| (low.min(x), high.max(x)));
        if low > high {
            continue;
        }
        ends = (ends.0.min(low), ends.1.max(high));
        let points = along(low, high).map(|x| (x, surface.at(x, data))).collect();
        panel.layers.insert(0, Layer::Line { points, style: line.style.theory() });
    }
    if ends.0 <= ends.1 {
        let floor = vec![(ends.0, surface.irreducible), (ends.1, surface.irreducible)];
        panel.layers.push(Layer::Line { points: floor, style: Style::grey(Dash::Dotted) });
    }
}

fn along(low: f64, high: f64) -> impl Iterator<Item = f64> {
    (0..=STEPS).map(move |step| low * libm::pow(high / low, step as f64 / STEPS as f64))
}

/// The loss by parameters at equal compute, with the best of each budget, and the one that was asked for marked.
fn budgets(
    run: &Run,
    conclusion: &Conclusion,
    (label, surface): (&str, &Surface),
    source: &Source,
    beside: &Panel,
) -> Option<Panel> {
    let Conclusion::Chinchilla(asked) = conclusion else { return None };
    let column = |name: &str| Some(source.distinct(source.position(name)?));
    let (sizes, data) = (column(&asked.params)?, column(&asked.tokens)?);
    let (first, last) = (*sizes.first()? * *data.first()?, *sizes.last()? * *data.last()?);
    if first.min(last) <= 0.0 || !(last / first).is_finite() {
        return None;
    }
    // Powers of ten within the budgets of the rows, and the one that was asked for.
    let (low, high) = (libm::ceil(libm::log10(6.0 * first)), libm::floor(libm::log10(6.0 * last)));
    let every = libm::ceil((high - low + 1.0) / MOST_BUDGETS as f64).max(1.0);
    let powers = (0..).map(|k| low + every * f64::from(k)).take_while(|power| *power <= high);
    let mut budgets: Vec<f64> = powers.map(|power| libm::pow(10.0, power)).collect();
    budgets.push(asked.compute.get());
    budgets.sort_by(f64::total_cmp);
    budgets.dedup();
    let (mut layers, mut texts, mut best) = (Vec::new(), Vec::new(), Vec::new());
    for (k, &compute) in budgets.iter().enumerate() {
        let style = Style { colour: palette::ordered(k, budgets.len()), dash: Dash::Solid, width: 1.5, shape: None };
        let optimum = surface.optimum(compute);
        let lowest = surface.at(optimum.0, optimum.1);
        // As far as a third more than the least is lost.
        let points: Vec<(f64, f64)> = along(optimum.0 / 300.0, optimum.0 * 300.0)
            .map(|x| (x, surface.at(x, compute / 6.0 / x)))
            .filter(|(_, y)| *y < lowest + 0.3 * (lowest - surface.irreducible).max(0.1 * lowest))
            .collect();
        texts.extend(points.first().map(|(x, y)| (*x, *y, format!("{} FLOP", number::plain(compute, 3)))));
        layers.push(Layer::Line { points, style });
        best.push((optimum.0, lowest));
    }
    let style = Style { colour: MARKED, shape: Some(Shape::Circle), dash: Dash::Dotted, width: 1.3 };
    layers.push(Layer::Line { points: best.clone(), style: style.bare() });
    layers.push(Layer::Points { points: best, style });
    layers.push(Layer::Texts { texts });
    let found = run.found(conclusion, label, "optimum_params");
    let mark = found.map(|found| Mark {
        at: found.estimate,
        interval: found.interval,
        label: format!("best for {} FLOP: {}", number::plain(asked.compute.get(), 3), number::plain(found.estimate, 3)),
        whole: format!("best for {} FLOP: {} parameters", number::plain(asked.compute.get(), 3), found.words()),
        colour: MARKED,
        is_line: true,
    });
    Some(Panel {
        title: "b  Each line one budget C = 6ND, by the fit".to_owned(),
        x: Axis { include: Vec::new(), ..beside.x.clone() },
        y: Axis { include: Vec::new(), ..beside.y.clone() },
        layers,
        marks: mark.into_iter().collect(),
        is_square: false,
    })
}

/// The surface and its optimum in words, with intervals.
fn told(run: &Run, conclusion: &Conclusion, label: &str) -> Vec<String> {
    let Conclusion::Chinchilla(asked) = conclusion else { return Vec::new() };
    let words = |name| run.found(conclusion, label, name).map_or("–".to_owned(), |found| found.words());
    vec![
        format!(
            "L = E + A/Nᵃ + B/Dᵇ with E = {}, a = {}, b = {}.",
            words("irreducible_loss"),
            words("params_exponent"),
            words("tokens_exponent")
        ),
        format!(
            "At {} FLOP the best is {} parameters and {} tokens for each.",
            number::plain(asked.compute.get(), 3),
            words("optimum_params"),
            words("optimum_tokens_per_param")
        ),
    ]
}
