//! Sigmoid: where a curve turns from one level to another, and how wide the turn is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Analysis, Finding, Group};
use crate::fit::broken;
use crate::fit::curve::{Estimate, Residuals};
use crate::fit::rival::rivals;
use crate::fit::sigmoid::{self, Unfit};
use crate::quantity::shortest;
use crate::seed::Stream;

/// y = low + (high − low)/(1 + exp(−k (u − u₀))) by least squares, with u = x or log₁₀ x.
///
/// Findings: `midpoint`, the x at which half of the way is made; `width` = 2 ln 9/k, the distance in u between 10 and 90 % of the way (on a logarithmic scale
/// in decades); `low` and `high`, the levels towards small and large x. A midpoint outside the x of the rows and a level outside their y are extrapolated, and their notes say so: half
/// of the way is half of a way that was not seen. Goodness is 1 − RSS/Σ(y − ȳ)².
/// `aicc_line`, `aicc_power_law`, `aicc_sigmoid` and `aicc_broken_power_law` are Akaike's criteria n ln(RSS/n) + 2k + 2k(k + 1)/(n − k − 1) of a straight line in u (k = 3), of y = c + A xʳ
/// (k = 4; c + A eʳˣ where an x is not positive) of the sigmoid (k = 5) and of a power law with a smooth break (k = 7; all x and y positive), all of the residuals of y itself and over the same rows: the smallest deserves belief, by exp(Δ/2) to 1.
///
/// The intervals of 95 % cover: from the profile of the sum of squares where each x has one row (normal noise of one size), from the scatter of the rows at
/// their own x where each has two or more, which must be independent; the size of the noise may then differ from x to x. Either end of a midpoint may lie outside the data by up to their range;
/// where the rows do not bound it even so, there is no interval and the note says it. They are intervals of the best sigmoid, also where the curve is none. About 1 ms for 21 different x; the break
/// some 20 ms a hundred rows.
///
/// Source: Bates & Watts (1988), Nonlinear Regression Analysis; White (1980), Econometrica 48; Hurvich & Tsai (1989), Biometrika 76.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sigmoid {
    /// The column on the horizontal axis; positive numbers for a logarithmic scale.
    pub x: String,
    /// The column on the vertical axis.
    pub y: String,
    /// The columns whose values divide the rows into groups; must be given where a text varies, `[]` for all rows together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Vec<String>>,
    /// The scale of x: `"linear"`, or `"log"` for u = log₁₀ x, as sizes of models ask for.
    #[serde(default)]
    pub scale: Scale,
}

/// How x is laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// u = x.
    #[default]
    Linear,
    /// u = log₁₀ x.
    Log,
}

impl Scale {
    /// u of all x, or why there is none.
    pub fn laid_out(self, x: &[f64]) -> Result<Vec<f64>, String> {
        match self {
            Scale::Linear => Ok(x.to_vec()),
            Scale::Log => match x.iter().find(|x| **x <= 0.0) {
                Some(bad) => Err(format!("x must be positive on a logarithmic scale, got {}", shortest(*bad))),
                None => Ok(x.iter().map(|x| libm::log10(*x)).collect()),
            },
        }
    }

    /// x of u.
    pub fn x(self, u: f64) -> f64 {
        match self {
            Scale::Linear => u,
            Scale::Log => libm::pow(10.0, u),
        }
    }

    /// A place on this scale as a finding in x.
    pub fn place(self, name: &'static str, u: Estimate, n: usize, note: String) -> Finding {
        let slope = match self {
            Scale::Linear => 1.0,
            Scale::Log => std::f64::consts::LN_10 * self.x(u.value),
        };
        let x = Estimate {
            value: self.x(u.value),
            standard_error: u.standard_error.map(|error| error * slope),
            interval: u.interval.map(|(low, high)| (self.x(low), self.x(high))),
        };
        Finding::estimated(name, x, n).with_note(note)
    }

    /// What widths are counted in.
    pub fn unit(self) -> &'static str {
        match self {
            Scale::Linear => "units of x",
            Scale::Log => "decades of x",
        }
    }
}

/// How far a level may lie outside the y of the rows, in parts of their range, before it is called extrapolated: a curve comes to its levels at infinity alone.
const REACH: f64 = 0.1;

impl Analysis for Sigmoid {
    fn reads(&self) -> Vec<(&'static str, &str)> {
        vec![("x", &self.x), ("y", &self.y)]
    }

    fn by(&self) -> Option<&[String]> {
        self.by.as_deref()
    }

    fn conclude(&self, group: &Group, _: &Stream) -> Vec<Finding> {
        let (x, y) = (&group.columns[0], &group.columns[1]);
        let n = y.len();
        let nothing = |why: String| Finding::none("midpoint", n, why);
        let u = match self.scale.laid_out(x) {
            Ok(u) => u,
            Err(why) => return nothing(why),
        };
        let found = match sigmoid::sigmoid(&u, y) {
            Ok(found) => found,
            Err(why) => return nothing(words(why, &u)),
        };
        let mut findings = turn(&found, self.scale, &u, y);
        let ends = y.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |ends, y| (ends.0.min(*y), ends.1.max(*y)));
        let reach = REACH * (ends.1 - ends.0);
        let level = |name: &'static str, value| {
            let is_seen = value >= ends.0 - reach && value <= ends.1 + reach;
            let note = if is_seen { String::new() } else { "extrapolated, outside the y of the rows".to_owned() };
            Finding::plain(name, Some(value), n, "").with_note(note)
        };
        findings.extend([level("low", found.low), level("high", found.high)]);
        let rivals = rivals(&u, &log_or_linear(x), y, found.sum_squares);
        let positive = x.iter().chain(y).all(|value| *value > 0.0);
        let points: Vec<(f64, f64)> = x.iter().copied().zip(y.iter().copied()).filter(|_| positive).collect();
        let scores = [
            ("aicc_line", rivals.line, "too few rows for so many parameters"),
            ("aicc_power_law", rivals.power_law, "too few rows for so many parameters"),
            ("aicc_sigmoid", rivals.sigmoid, "too few rows for so many parameters"),
            (
                "aicc_broken_power_law",
                broken::criterion(&points, Residuals::Value),
                if positive { "no break within the rows, or too few of them" } else { "x and y must be positive" },
            ),
        ];
        findings.extend(scores.map(|(name, score, why_none)| Finding::plain(name, score, n, why_none)));
        findings
    }
}

/// ln x, or x where that does not exist for all.
pub fn log_or_linear(x: &[f64]) -> Vec<f64> {
    if x.iter().all(|x| *x > 0.0) { x.iter().map(|x| libm::log(*x)).collect() } else { x.to_vec() }
}

/// Why there is no sigmoid through points at `u`, in words.
pub fn words(why: Unfit, u: &[f64]) -> String {
    match why {
        Unfit::TooFewPoints => {
            let mut places = u.to_vec();
            places.sort_unstable_by(f64::total_cmp);
            places.dedup();
            format!("a sigmoid needs 6 rows at 5 different x or more, got {} rows at {}", u.len(), places.len())
        }
        Unfit::ConstantY => "y is constant".to_owned(),
        Unfit::NotFinite => "a number is too large, or all are too small, to be squared".to_owned(),
    }
}

/// Midpoint and width as findings.
pub fn turn(found: &sigmoid::Sigmoid, scale: Scale, u: &[f64], y: &[f64]) -> Vec<Finding> {
    let u = u.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |ends, u| (ends.0.min(*u), ends.1.max(*u)));
    let mean = y.iter().sum::<f64>() / y.len() as f64;
    let spread: f64 = y.iter().map(|y| (y - mean) * (y - mean)).sum();
    let goodness = Some(1.0 - found.sum_squares / spread);
    let unbounded = |interval: Option<(f64, f64)>| if interval.is_none() { "; the rows do not bound it" } else { "" };
    let inside = (u.0..=u.1).contains(&found.midpoint.value);
    let note = if inside { "half of the way" } else { "half of the way, outside the x of the rows" };
    let note = note.to_owned() + unbounded(found.midpoint.interval);
    let midpoint = scale.place("midpoint", found.midpoint, found.n, note);
    let mut note = format!("10 to 90 %, in {}", scale.unit());
    if found.unresolved {
        note += "; sharper than the x are dense: any smaller width fits as well";
    }
    note += unbounded(found.width.interval);
    let width = Finding::estimated("width", found.width, found.n).with_note(note);
    vec![midpoint.with_goodness(goodness), width.with_goodness(goodness)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conclude(scale: Scale, x: Vec<f64>, y: Vec<f64>) -> Vec<Finding> {
        let analysis = Sigmoid { scale, ..Sigmoid::default() };
        analysis.conclude(&Group { columns: vec![x, y], n_dropped: 0 }, &Stream::from_seed(1))
    }

    #[test]
    fn theory_a_planted_sigmoid_in_decades() {
        let u: Vec<f64> = (0..21).map(|i| 6.0 + 0.3 * f64::from(i)).collect();
        let width = 1.7;
        // A wiggle of 1e-3 in place of noise.
        let y = u.iter().enumerate().map(|(i, u)| {
            0.1 + 0.8 / (1.0 + (-2.0 * 9f64.ln() / width * (u - 8.2)).exp()) + 1e-3 * (7.0 * i as f64).sin()
        });
        let findings = conclude(Scale::Log, u.iter().map(|u| 10f64.powf(*u)).collect(), y.collect());
        let names: Vec<&str> = findings.iter().map(|finding| finding.name.as_ref()).collect();
        assert_eq!(
            names,
            [
                "midpoint",
                "width",
                "low",
                "high",
                "aicc_line",
                "aicc_power_law",
                "aicc_sigmoid",
                "aicc_broken_power_law"
            ]
        );
        let value = |i: usize| findings[i].estimate.unwrap();
        assert!((value(0).log10() - 8.2).abs() < 0.01 && (value(1) - width).abs() < 0.02);
        assert!((value(2) - 0.1).abs() < 2e-3 && (value(3) - 0.9).abs() < 2e-3);
        let (low, high) = findings[0].interval.unwrap();
        assert!(low < high && [low, high].iter().all(|x| (x.log10() - 8.2).abs() < 0.01));
        assert!(value(6) < value(4).min(value(5)) - 50.0, "{findings:?}");
        assert_eq!(findings[1].note, "10 to 90 %, in decades of x");
    }

    #[test]
    fn law_what_lies_outside_the_rows_is_called_so() {
        // Only the first part of a rise from 0 to 1 at 10.
        let rise = |x: f64| 1.0 / (1.0 + (10.0 - x).exp());
        let notes = |last: u32| {
            let x: Vec<f64> = (0..20).map(|i| f64::from(i * last) / 19.0).collect();
            let y = x.iter().map(|x| rise(*x)).collect();
            let findings = conclude(Scale::Linear, x, y);
            [0, 2, 3].map(|i: usize| findings[i].note.clone())
        };
        assert_eq!(notes(20), ["half of the way", "", ""]);
        let high = "extrapolated, outside the y of the rows";
        assert_eq!(notes(11), ["half of the way", "", high]);
        assert_eq!(notes(9), ["half of the way, outside the x of the rows", "", high]);
    }

    #[test]
    fn law_bad_rows_are_a_note() {
        let x: Vec<f64> = (0..8).map(f64::from).collect();
        for (scale, x, y, note) in [
            (Scale::Log, x.clone(), x.clone(), "x must be positive on a logarithmic scale, got 0"),
            (
                Scale::Linear,
                x[..3].into(),
                x[..3].into(),
                "a sigmoid needs 6 rows at 5 different x or more, got 3 rows at 3",
            ),
            (Scale::Linear, vec![], vec![], "a sigmoid needs 6 rows at 5 different x or more, got 0 rows at 0"),
            (
                Scale::Linear,
                vec![1.0; 8],
                x.clone(),
                "a sigmoid needs 6 rows at 5 different x or more, got 8 rows at 1",
            ),
            (Scale::Linear, x.clone(), vec![0.5; 8], "y is constant"),
            (
                Scale::Linear,
                x.clone(),
                x.iter().map(|x| 1e-300 * x).collect(),
                "a number is too large, or all are too small, to be squared",
            ),
        ] {
            let findings = conclude(scale, x, y);
            assert_eq!((findings.len(), findings[0].estimate, findings[0].note.as_str()), (1, None, note));
        }
    }
}
