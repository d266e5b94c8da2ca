//! Verdict: what the evidence about a turn amounts to, in words.

use super::sigmoid::Scale;
use crate::fit::change_point::ChangePoints;
use crate::fit::finite_size::sharpening;
use crate::fit::monotone::{monotone, part_made, place_of};
use crate::fit::rival::Rivals;
use crate::fit::sigmoid::Sigmoid;
use crate::fit::student;
use crate::quantity::shortest;

/// All that the verdict is made of.
pub struct Evidence<'a> {
    /// The scale of the places below.
    pub scale: Scale,
    /// The different u of the largest size, rising.
    pub u: &'a [f64],
    /// Whether a straight line would do.
    pub changes: &'a ChangePoints,
    /// The turn.
    pub turn: &'a Sigmoid,
    /// What smooth curves say to it.
    pub rivals: &'a Rivals,
    /// How the same ability moves in a continuous metric, if there is one.
    pub shadow: Option<&'a Shadow>,
    /// How the width goes with size, if there are sizes.
    pub sharpening: Option<&'a Sharpening>,
}

/// A turn beside the same ability in a continuous metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shadow {
    /// The u one width away from the turn, on the side on which the continuous metric moves more.
    pub edge: f64,
    /// Whether that is the side of smaller x.
    pub below: bool,
    /// The part of its way that the continuous metric makes beyond that edge, where y stands still.
    pub share: f64,
    /// Between 10 and 90 % of the way of y.
    pub width: f64,
    /// Between 10 and 90 % of the way of the continuous metric.
    pub continuous_width: f64,
    /// Whether the continuous metric has a trend beyond the edge, at the 1 % level.
    pub trend: bool,
    /// Whether it has one over all x.
    pub moves: bool,
    /// What smooth curves say to the continuous metric.
    pub rivals: Rivals,
}

/// Width ∝ size^e.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sharpening {
    /// e.
    pub exponent: f64,
    /// Its standard error; `None` where the rows do not resolve the width of enough sizes.
    pub error: Option<f64>,
    /// The upper end of its 95 % interval.
    pub most: f64,
    /// How many sizes it is of.
    pub n_sizes: usize,
}

/// The largest p at which a straight line is given up.
pub const LEVEL: f64 = 0.01;
/// A sigmoid must be better than any smooth curve by more than this in Akaike's criterion.
pub const LEAST_LEAD: f64 = 2.0;
/// A width must shrink faster than size^−0.1.
pub const LEAST_SHARPENING: f64 = -0.1;
/// The share of the continuous metric's way where y stands still, and the ratio of widths, from which a turn is a matter of metric.
pub const LEAST_SHARE: f64 = 0.25;
/// See [`LEAST_SHARE`].
pub const LEAST_RATIO: f64 = 1.25;

impl Shadow {
    /// Compares means of y with means of the continuous metric at the same u. `None` if either stands still.
    pub fn new(u: &[f64], y: &[f64], continuous: &[f64], rivals: Rivals) -> Option<Self> {
        let (y, smooth) = (monotone(y), monotone(continuous));
        let [from, to] = [place_of(u, &y, 0.1)?, place_of(u, &y, 0.9)?];
        let width = to - from;
        let continuous_width = place_of(u, &smooth, 0.9)? - place_of(u, &smooth, 0.1)?;
        let before = (from - width, part_made(u, &smooth, from - width));
        let after = (to + width, 1.0 - part_made(u, &smooth, to + width));
        let below = before.1 >= after.1;
        let (edge, share) = if below { before } else { after };
        let beyond = |u: f64| if below { u <= edge } else { u >= edge };
        let all: Vec<(f64, f64)> = u.iter().copied().zip(continuous.iter().copied()).collect();
        let points: Vec<(f64, f64)> = all.iter().copied().filter(|point| beyond(point.0)).collect();
        Some(Self {
            edge,
            below,
            share,
            width,
            continuous_width,
            trend: has_trend(&points),
            moves: has_trend(&all),
            rivals,
        })
    }

    /// Whether the continuous metric moves where y does not.
    pub fn is_artefact(&self) -> bool {
        self.trend && self.share >= LEAST_SHARE && self.continuous_width >= LEAST_RATIO * self.width
    }
}

impl Sharpening {
    /// From the turns of all sizes, the smallest first. `None` for fewer than two sizes with a turn.
    pub fn new(turns: &[(f64, Sigmoid)]) -> Option<Self> {
        let resolved: Vec<(f64, f64, f64)> = turns
            .iter()
            .filter(|(_, turn)| !turn.unresolved)
            .filter_map(|(size, turn)| {
                turn.width.standard_error.map(|error| (*size, turn.width.value, error / turn.width.value))
            })
            .collect();
        let [sizes, widths, errors] = [|p: &(f64, f64, f64)| p.0, |p: &(f64, f64, f64)| p.1, |p: &(f64, f64, f64)| p.2]
            .map(|part| resolved.iter().map(part).collect::<Vec<f64>>());
        let (first, last) = (turns.first()?, turns.last()?);
        if !last.1.unresolved && resolved.len() >= 2 {
            let (exponent, error) = sharpening(&sizes, &widths, &errors)?;
            let most = exponent + student::quantile(0.975, f64::INFINITY) * error;
            return Some(Self { exponent, error: Some(error), most, n_sizes: resolved.len() });
        }
        // Widths below the distance of the points are known by their upper ends.
        let decades = libm::log(last.0 / first.0);
        let most = libm::log(last.1.width.interval?.1 / first.1.width.interval?.0) / decades;
        let exponent = libm::log(last.1.width.value / first.1.width.value) / decades;
        (most.is_finite() && exponent.is_finite()).then_some(Self { exponent, error: None, most, n_sizes: 2 })
    }
}

/// Whether a straight line through the points has a slope, at the 1 % level.
fn has_trend(points: &[(f64, f64)]) -> bool {
    let n = points.len() as f64;
    if points.len() < 4 {
        return false;
    }
    let (x, y) = points.iter().fold((0.0, 0.0), |sum, p| (sum.0 + p.0 / n, sum.1 + p.1 / n));
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for p in points {
        xx += (p.0 - x) * (p.0 - x);
        xy += (p.0 - x) * (p.1 - y);
        yy += (p.1 - y) * (p.1 - y);
    }
    // t² = (n − 2) r²/(1 − r²), without dividing by what may be 0.
    let t = student::quantile(0.995, n - 2.0);
    (n - 2.0) * xy * xy > t * t * (xx * yy - xy * xy).max(0.0)
}

/// `transition`, `crossover`, `metric artefact` or `nothing`, a colon, and why.
pub fn verdict(evidence: &Evidence) -> String {
    let Evidence { scale, changes, turn, rivals, .. } = evidence;
    let p = three(changes.p_value);
    let x = |u: f64| format!("x = {}", three(scale.x(u)));
    let width = |width: f64| format!("{} {}", three(width), scale.unit());
    if changes.p_value > LEVEL {
        return format!("nothing: a straight line with noise steps or bends as much with probability {p}");
    }
    if let Some(shadow) = evidence.shadow.filter(|shadow| shadow.is_artefact()) {
        return format!(
            "metric artefact: y turns within {} (a straight line is out, p = {p}), but the continuous metric moves over {}, {} % of its way {} {}, where y stands still",
            width(shadow.width),
            width(shadow.continuous_width),
            three(100.0 * shadow.share),
            if shadow.below { "below" } else { "above" },
            x(shadow.edge),
        );
    }
    let beaten = smooth_law(rivals);
    let inside = turn.midpoint.value > evidence.u[0] && turn.midpoint.value < evidence.u[evidence.u.len() - 1];
    let outside = match turn.midpoint.interval {
        None => Some("the rows do not bound a midpoint".to_owned()),
        Some(_) if !inside => Some("the midpoint of a sigmoid lies outside".to_owned()),
        Some(_) => None,
    };
    if let Some(why) = beaten.or(outside) {
        return format!(
            "nothing: y bends (p = {p} for a straight line), but makes no whole turn within the rows: {why}"
        );
    }
    let interval = |interval: Option<(f64, f64)>| match interval {
        Some((low, high)) => format!(" ({} to {})", three(low), three(high)),
        None => String::new(),
    };
    let at = turn.midpoint.interval.map(|(low, high)| (scale.x(low), scale.x(high)));
    let wide = match turn.width.interval {
        Some((_, high)) if turn.unresolved => format!("at most {}", width(high)),
        bounds => width(turn.width.value) + &interval(bounds),
    };
    let place = format!("y turns at {}{} within {wide}", x(turn.midpoint.value), interval(at));
    let moving = evidence.shadow.filter(|shadow| shadow.moves);
    if let Some(why) = moving.and_then(|shadow| smooth_law(&shadow.rivals)) {
        return format!("metric artefact: {place}, but the continuous metric makes no turn: {why}");
    }
    let metric = match evidence.shadow {
        Some(_) => "",
        None => "; no continuous metric was given, so a choice of metric is not excluded",
    };
    match evidence.sharpening {
        Some(Sharpening { exponent, error, most, n_sizes }) => {
            let low = error.map(|_| (exponent - (most - exponent), *most));
            let law = format!("width ∝ size^{}{} over {n_sizes} sizes", three(*exponent), interval(low));
            let most = three(*most);
            if evidence.sharpening.is_some_and(Sharpening::is_transition) {
                format!("transition: {place}, sharper in larger systems: {law}, exponent at most {most}{metric}")
            } else {
                format!("crossover: {place}, not clearly sharper in larger systems: {law}{metric}")
            }
        }
        None => format!("crossover: {place}; without two sizes it is not known whether it sharpens{metric}"),
    }
}

/// The smooth curve that describes points as well as a sigmoid does, in words; or that there are too few of them.
fn smooth_law(rivals: &Rivals) -> Option<String> {
    let (Some(line), Some(power_law), Some(sigmoid)) = (rivals.line, rivals.power_law, rivals.sigmoid) else {
        return Some("there are too few rows to compare a sigmoid with smooth curves".to_owned());
    };
    let (name, score) = if line < power_law { ("line", line) } else { ("power law with an offset", power_law) };
    let words =
        || format!("a {name} describes it as well as a sigmoid (AICc {} against {})", three(score), three(sigmoid));
    (sigmoid + LEAST_LEAD >= score).then(words)
}

impl Sharpening {
    /// Whether the width surely shrinks.
    pub fn is_transition(&self) -> bool {
        self.most < LEAST_SHARPENING
    }
}

/// A number with three digits.
pub fn three(x: f64) -> String {
    format!("{x:.2e}").parse().map_or_else(|_| x.to_string(), shortest)
}
