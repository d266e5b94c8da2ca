//! Scaling: a power law, plain or broken, on logarithmic axes, with the fit, its interval, its exponents and its floor.

use super::super::chart::Series;
use super::super::palette::MARKED;
use super::super::{Dash, Entry, Layer, Mark, Panel, Scale, Style, number};
use super::{Figure, Found, Run, capital, drawn_columns};
use crate::analysis::Conclusion;
use crate::fit::broken::Broken;
use crate::fit::curve::Estimate;
use crate::fit::power_law::PowerLaw;

/// One figure for each power law and each broken one.
pub fn draw(run: &Run) -> Vec<Figure> {
    run.analyses(&["power_law", "broken_power_law"])
        .filter_map(|(index, conclusion)| {
            let log = Some(Scale::Log);
            let (mut figure, series) = run.chart_of(conclusion, drawn_columns(conclusion), (log, log));
            let panel = figure.panels.first_mut()?;
            let (y, x) = (panel.y.label.clone(), panel.x.label.clone());
            let entries = fits(run, conclusion, &series, panel, &mut figure.notes);
            if entries.is_empty() {
                figure.notes.extend(run.why_not(conclusion, &series));
            }
            figure.legend.extend(entries);
            figure.name = format!("scaling-{index}-{}", panel.y.source);
            let law = if conclusion.name() == "power_law" { "a power" } else { "a broken power" };
            figure.title = format!("{} as {law} of {x}", capital(&y));
            Some(figure)
        })
        .collect()
}

/// Lines in a panel whose intervals can be told apart.
const MOST_BANDS: usize = 3;

/// What a fit says of one line.
struct Fit {
    at: Box<dyn Fn(f64) -> f64>,
    /// Half widths of the interval of ln ŷ at places, from the places of the points.
    half_widths: HalfWidths,
    /// The exponents, short and whole.
    words: (String, Option<String>),
    floor: Option<Found>,
    turn: Option<Found>,
}

type HalfWidths = Box<dyn Fn(&[f64], &[f64]) -> Option<Vec<f64>>>;

impl Fit {
    fn of(run: &Run, conclusion: &Conclusion, label: &str) -> Option<Self> {
        let find = |name| run.found(conclusion, label, name);
        let coefficient = find("coefficient")?;
        let floor = find("offset");
        if conclusion.name() == "power_law" {
            let exponent = find("exponent")?;
            let law = PowerLaw {
                exponent: estimate(&exponent),
                coefficient: estimate(&coefficient),
                offset: floor.as_ref().map(estimate),
                sum_squares: f64::NAN,
            };
            let widths = law.clone();
            return Some(Self {
                at: Box::new(move |x| law.at(x)),
                half_widths: Box::new(move |places, at| widths.half_widths(places, at)),
                words: (format!("exponent {}", exponent.words()), None),
                floor,
                turn: None,
            });
        }
        let (before, after, turn) = (find("slope_before")?, find("slope_after")?, find("position")?);
        let law = Broken {
            offset: estimate(floor.as_ref()?),
            coefficient: estimate(&coefficient),
            slope_before: estimate(&before),
            slope_after: estimate(&after),
            position: estimate(&turn),
            sharpness: estimate(&find("sharpness")?),
            sum_squares: f64::NAN,
        };
        let widths = law.clone();
        Some(Self {
            at: Box::new(move |x| law.at(x)),
            half_widths: Box::new(move |places, at| widths.half_widths(places, at)),
            words: (
                format!("exponent {}, then {}", number::plain(before.estimate, 3), number::plain(after.estimate, 3)),
                Some(format!("exponent {} before the break and {} after it", before.words(), after.words())),
            ),
            floor,
            turn: Some(turn),
        })
    }
}

fn estimate(found: &Found) -> Estimate {
    Estimate { value: found.estimate, standard_error: None, interval: found.interval }
}

/// Draws the fits of all lines of a panel, their intervals and breaks; gives their entries of the legend.
pub fn fits(
    run: &Run,
    conclusion: &Conclusion,
    series: &[Series],
    panel: &mut Panel,
    notes: &mut Vec<String>,
) -> Vec<Entry> {
    let (mut entries, mut bands, mut lines) = (Vec::new(), Vec::new(), Vec::new());
    let is_single = series.len() == 1;
    for line in series {
        let Some(fit) = Fit::of(run, conclusion, &line.label) else { continue };
        let there: Vec<(f64, f64)> =
            line.spots.iter().map(|(x, y)| (*x, y.mean)).filter(|(x, y)| *x > 0.0 && *y > 0.0).collect();
        let places: Vec<f64> = there.iter().map(|spot| spot.0).collect();
        let ([low, .., high] | [low @ high]) = places[..] else { continue };
        let at: Vec<f64> = (0..=STEPS).map(|step| low * libm::pow(high / low, step as f64 / STEPS as f64)).collect();
        let fitted: Vec<(f64, f64)> = at.iter().map(|&x| (x, (fit.at)(x))).collect();
        let style = Style { dash: Dash::Mixed, width: 1.5, shape: None, ..line.style };
        let style = if is_single { Style { colour: MARKED, ..style } } else { style };
        let name = if is_single { "fit".to_owned() } else { format!("fit, {}", line.name) };
        notes.extend(fit.words.1.map(|words| format!("{}: {words}.", capital(&name))));
        entries.push(Entry { name: format!("{name}: {}", fit.words.0), style, is_band: false });
        let half_widths = (fit.half_widths)(&places, &at).filter(|_| series.len() <= MOST_BANDS);
        if let Some(half_widths) = half_widths {
            // An interval that is wider than all that is drawn would press the rest flat.
            let all = || there.iter().chain(&fitted).map(|spot| spot.1).filter(|y| *y > 0.0);
            let (least, most) = (all().fold(f64::INFINITY, f64::min) / 3.0, all().fold(0.0, f64::max) * 3.0);
            let ends = |((x, y), half): (&(f64, f64), f64)| {
                let factor = libm::exp(half);
                (*x, (y / factor).max(least), (y * factor).min(most))
            };
            bands.push(Layer::Band { points: fitted.iter().zip(half_widths).map(ends).collect(), style });
            if is_single {
                entries.push(Entry { name: "95 % interval of the fit".to_owned(), style, is_band: true });
            }
        }
        lines.push(Layer::Line { points: fitted, style });
        if let Some(floor) = fit.floor.filter(|floor| floor.estimate > 0.0) {
            let style = Style { dash: Dash::Dotted, ..style };
            lines.push(Layer::Line { points: vec![(low, floor.estimate), (high, floor.estimate)], style });
            entries.push(Entry { name: format!("{}: {}", floor_word(&there), floor.words()), style, is_band: false });
        }
        panel.marks.extend(fit.turn.map(|turn| {
            let label = if is_single { format!("break at {}", turn.words()) } else { number::plain(turn.estimate, 2) };
            let whole =
                format!("{}{}", if is_single { String::new() } else { format!("{}: ", line.name) }, turn.words());
            Mark {
                at: turn.estimate,
                interval: turn.interval.filter(|_| series.len() <= MOST_BANDS),
                label,
                whole: format!("break, {whole}"),
                colour: style.colour,
                is_line: true,
            }
        }));
    }
    // The intervals lie below all lines and marks.
    panel.layers.splice(0..0, bands);
    panel.layers.extend(lines);
    entries
}

/// Pieces of a line that is to look smooth.
const STEPS: usize = 60;

/// What a falling curve comes down to, or a rising one up to.
fn floor_word(spots: &[(f64, f64)]) -> &'static str {
    let is_rising = spots.first().zip(spots.last()).is_some_and(|(first, last)| last.1 > first.1);
    if is_rising { "offset" } else { "floor" }
}
