//! Verdict: what the evidence about a turn amounts to, in words.

use super::sigmoid::Scale;
use crate::fit::change_point::ChangePoints;
use crate::fit::curve::Estimate;
use crate::fit::finite_size::sharpening;
use crate::fit::monotone::{monotone, part_made, place_of};
use crate::fit::rival::Rivals;
use crate::fit::sigmoid::Sigmoid;
use crate::fit::student;
use crate::fit::trend::p_of_trend;
use crate::quantity::shortest;
use crate::seed::Rng;

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
    /// The scaling that lays the curves of all sizes on one.
    pub collapsed: Option<&'a Collapsed>,
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
    /// The probability that the rows beyond the edge show as much of a trend in the continuous metric where there is none.
    pub p_beyond: f64,
    /// The same of all rows.
    pub p_over_all: f64,
    /// What smooth curves say to the continuous metric.
    pub rivals: Rivals,
    /// Akaike's criterion of y's own turn, moved and stretched up and down to meet the continuous metric.
    pub turn_of_y: Option<f64>,
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

/// size^(β/ν) y as one function of (u − t) size^(1/ν).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Collapsed {
    /// t.
    pub at: Estimate,
    /// 1/ν.
    pub exponent: Estimate,
    /// 1 − mean squared distance/variance.
    pub goodness: f64,
    /// β/ν, if y is an order parameter that grows from 0.
    pub order_exponent: Option<f64>,
    /// How many sizes it is of.
    pub n_sizes: usize,
}

/// The largest p at which a straight line, or the absence of a trend, is given up.
pub const LEVEL: f64 = 0.01;
/// A sigmoid must be better than any smooth curve by more than this in Akaike's criterion.
pub const LEAST_LEAD: f64 = 2.0;
/// A smooth law of the continuous metric must be better than the turn of y by more than this: twenty to one.
pub const LEAST_LEAD_OVER_TURN: f64 = 6.0;
/// A width must shrink faster than size^−0.1.
pub const LEAST_SHARPENING: f64 = -0.1;
/// Curves that fall on one leave less than 2 % of the variance.
pub const LEAST_COLLAPSE: f64 = 0.98;
/// The share of the continuous metric's way where y stands still, and the ratio of widths, from which a turn is a matter of metric.
pub const LEAST_SHARE: f64 = 0.25;
/// See [`LEAST_SHARE`].
pub const LEAST_RATIO: f64 = 1.25;

impl Shadow {
    /// Compares means of y with means of the continuous metric at the same u; `rows` are the u and the values of the continuous metric that its means are of. `None` if either stands still.
    pub fn new(
        u: &[f64],
        (y, continuous): (&[f64], &[f64]),
        rows: (&[f64], &[f64]),
        (rivals, turn_of_y): (Rivals, Option<f64>),
        rng: &mut Rng,
    ) -> Option<Self> {
        let (y, smooth) = (monotone(y), monotone(continuous));
        let [from, to] = [place_of(u, &y, 0.1)?, place_of(u, &y, 0.9)?];
        let width = to - from;
        let continuous_width = place_of(u, &smooth, 0.9)? - place_of(u, &smooth, 0.1)?;
        let before = (from - width, part_made(u, &smooth, from - width));
        let after = (to + width, 1.0 - part_made(u, &smooth, to + width));
        let below = before.1 >= after.1;
        let (edge, share) = if below { before } else { after };
        let beyond = |u: f64| if below { u <= edge } else { u >= edge };
        let there = rows.0.iter().copied().zip(rows.1.iter().copied()).filter(|row| beyond(row.0));
        let (u_there, values_there): (Vec<f64>, Vec<f64>) = there.unzip();
        Some(Self {
            edge,
            below,
            share,
            width,
            continuous_width,
            p_beyond: p_of_trend(&u_there, &values_there, rng),
            p_over_all: p_of_trend(rows.0, rows.1, rng),
            rivals,
            turn_of_y,
        })
    }

    /// Whether the continuous metric moves where y does not.
    pub fn is_artefact(&self) -> bool {
        self.p_beyond <= LEVEL && self.share >= LEAST_SHARE && self.continuous_width >= LEAST_RATIO * self.width
    }

    /// The smooth law of a continuous metric that moves, but not as y does, in words. That noise hides a turn is not enough: y's own turn must be out.
    fn smooth_law(&self) -> Option<String> {
        let why = smooth_law(&self.rivals).filter(|_| self.p_over_all <= LEVEL)?;
        let best = self.rivals.line?.min(self.rivals.power_law?);
        let turn = self.turn_of_y.filter(|turn| best + LEAST_LEAD_OVER_TURN < *turn)?;
        Some(format!("{why}, and better than the turn of y ({})", three(turn)))
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
            "metric artefact: y turns within {} (a straight line is out, p = {p}), but the continuous metric moves over {}, {} % of its way {} {}, where y stands still (p = {} for no trend there)",
            width(shadow.width),
            width(shadow.continuous_width),
            three(100.0 * shadow.share),
            if shadow.below { "below" } else { "above" },
            x(shadow.edge),
            three(shadow.p_beyond),
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
    if let Some(why) = evidence.shadow.and_then(Shadow::smooth_law) {
        return format!("metric artefact: {place}, but the continuous metric makes no turn: {why}");
    }
    let sharpens = evidence.sharpening.is_some_and(Sharpening::is_transition);
    if let Some(begins) = evidence.collapsed.and_then(|collapsed| collapsed.transition(*scale)) {
        return format!("transition: {begins}; as a sigmoid {place}");
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
            if sharpens {
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

impl Collapsed {
    /// Where y begins to grow in an infinite system, in words; `None` if that is not shown.
    fn transition(&self, scale: Scale) -> Option<String> {
        let height = self.order_exponent.filter(|_| self.n_sizes >= 3 && self.goodness >= LEAST_COLLAPSE)?;
        let (low, high) = self.exponent.interval.filter(|(low, _)| *low > -LEAST_SHARPENING)?;
        let (first, last) = self.at.interval?;
        Some(format!(
            "y begins to grow at x = {} ({} to {}) in an infinite system: over {} sizes size^{} y is one function of (u − t) size^{} ({} to {}), goodness {}",
            three(scale.x(self.at.value)),
            three(scale.x(first)),
            three(scale.x(last)),
            self.n_sizes,
            three(height),
            three(self.exponent.value),
            three(low),
            three(high),
            three(self.goodness),
        ))
    }
}

/// A number with three digits.
pub fn three(x: f64) -> String {
    format!("{x:.2e}").parse().map_or_else(|_| x.to_string(), shortest)
}
