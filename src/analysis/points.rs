//! Points: what fits to logarithms ask of the rows of a group, and how their estimates become findings.

use std::borrow::Cow;

use super::{Finding, Group};
use crate::fit::curve::Estimate;
use crate::fit::power_law::distinct;
use crate::quantity::shortest;

/// The rows of a group as numbers that all have logarithms, or why they are none; `keys` are the names of its columns in the note.
pub fn positive<const N: usize>(group: &Group, keys: [&str; N]) -> Result<Vec<[f64; N]>, String> {
    let n = group.columns.first().map_or(0, Vec::len);
    for (key, column) in keys.iter().zip(&group.columns) {
        let bad: Vec<f64> = column.iter().copied().filter(|x| *x <= 0.0).collect();
        if let Some(first) = bad.first() {
            let rows = if bad.len() == 1 { "1 row".to_owned() } else { format!("{} rows", bad.len()) };
            return Err(format!(
                "{key} must be positive to have a logarithm, got {} ({rows} of {n})",
                shortest(*first)
            ));
        }
    }
    Ok((0..n).map(|i| std::array::from_fn(|j| group.columns[j][i])).collect())
}

/// The points of a group for a curve with `p` parameters, which takes one more, at `places` different x; or why it cannot be fitted.
pub fn curve_points(group: &Group, what: &str, n_least: usize, n_places: usize) -> Result<Vec<(f64, f64)>, String> {
    let points: Vec<(f64, f64)> = positive(group, ["x", "y"])?.into_iter().map(|[x, y]| (x, y)).collect();
    let (n, places) = (points.len(), distinct(&points).len());
    if n < n_least || places < n_places {
        return Err(format!("{what} needs {n_least} rows at {n_places} different x or more, got {n} rows at {places}"));
    }
    if points.iter().all(|point| point.1 == points[0].1) {
        return Err(format!("y is {} in all rows, so there is nothing to fit", shortest(points[0].1)));
    }
    Ok(points)
}

/// 1 − Σ (ln y − ln ŷ)² / Σ (ln y − mean)²: the part of the variation of ln y that a curve explains.
pub fn explained(logs: impl Iterator<Item = f64> + Clone, sum_squares: f64) -> Option<f64> {
    let n = logs.clone().count() as f64;
    let mean = logs.clone().sum::<f64>() / n;
    let total: f64 = logs.map(|x| (x - mean) * (x - mean)).sum();
    Some(1.0 - sum_squares / total).filter(|r| r.is_finite())
}

impl Finding {
    /// An estimate with its errors.
    pub fn estimated(name: impl Into<Cow<'static, str>>, estimate: Estimate, n: usize) -> Self {
        Self {
            name: name.into(),
            estimate: Some(estimate.value).filter(|x| x.is_finite()),
            standard_error: estimate.standard_error,
            interval: estimate.interval,
            n,
            ..Self::default()
        }
    }

    /// A number without errors; where there is none, the note says why.
    pub fn plain(name: impl Into<Cow<'static, str>>, estimate: Option<f64>, n: usize, why_none: &str) -> Self {
        let note = if estimate.is_none() { why_none.to_owned() } else { String::new() };
        Self { name: name.into(), estimate, n, note, ..Self::default() }
    }

    /// The only finding of an analysis that cannot be made.
    pub fn none(name: &'static str, n: usize, note: String) -> Vec<Self> {
        vec![Self { name: name.into(), n, note, ..Self::default() }]
    }

    /// With a goodness of fit.
    pub fn with_goodness(self, goodness: Option<f64>) -> Self {
        Self { goodness, ..self }
    }

    /// With a note.
    pub fn with_note(self, note: String) -> Self {
        Self { note, ..self }
    }
}
