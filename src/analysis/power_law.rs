//! Power law: a straight line in double logarithmic axes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Analysis, Finding, Group};
use crate::fit::student;
use crate::seed::Stream;

/// y = A xᵇ by least squares of ln y on ln x.
///
/// Source: ordinary least squares.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PowerLaw {
    /// The column on the horizontal axis: positive numbers.
    pub x: String,
    /// The column on the vertical axis: positive numbers.
    pub y: String,
    /// The columns whose values divide the rows into groups; must be given where a text varies, `[]` for all rows together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Vec<String>>,
}

impl Analysis for PowerLaw {
    fn reads(&self) -> Vec<(&'static str, &str)> {
        vec![("x", &self.x), ("y", &self.y)]
    }

    fn by(&self) -> Option<&[String]> {
        self.by.as_deref()
    }

    fn conclude(&self, group: &Group, _: &Stream) -> Vec<Finding> {
        let points: Vec<(f64, f64)> = group.columns[0]
            .iter()
            .zip(&group.columns[1])
            .filter(|(x, y)| **x > 0.0 && **y > 0.0)
            .map(|(&x, &y)| (libm::log(x), libm::log(y)))
            .collect();
        let n = points.len();
        let count = n as f64;
        let (mean_x, mean_y) = points.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + x / count, b + y / count));
        let variance: f64 = points.iter().map(|(x, _)| (x - mean_x) * (x - mean_x)).sum();
        let covariance: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
        if n < 3 || variance <= 0.0 {
            let note = format!("a power law needs 3 positive points at 2 places or more, got {n}");
            return vec![Finding { name: "exponent".into(), n, note, ..Finding::default() }];
        }
        let slope = covariance / variance;
        let rest: f64 = points.iter().map(|(x, y)| y - mean_y - slope * (x - mean_x)).map(|r| r * r).sum();
        let error = (rest / (count - 2.0) / variance).sqrt();
        let interval = student::interval(slope, error, n - 1);
        vec![Finding {
            name: "exponent".into(),
            estimate: Some(slope),
            standard_error: Some(error),
            interval,
            n,
            ..Finding::default()
        }]
    }
}
