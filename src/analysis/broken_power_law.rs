//! Broken power law: where a power law becomes another one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::points::{curve_points, explained};
use super::{Analysis, Finding, Group};
use crate::fit::broken::{self, N_PARAMETERS};
use crate::fit::curve::Residuals;
use crate::fit::power_law::{self, Form};
use crate::seed::Stream;

/// y = a + b x^(−c₀) (1 + (x/d)^(1/f))^(−c₁ f), a smoothly broken power law with one break.
///
/// Fitted by least squares of ln y − ln ŷ from several starts. Both x and y must be positive; at least 8 rows at 7 different x. Findings:
/// `position` d, the x of the break; `slope_before` −c₀ and `slope_after` −c₀ − c₁, the exponents of y − a far below and far above it; `sharpness` f, the width of the turn
/// in ln x on either side (small is sharp); `offset` a; `coefficient` b. Standard errors come from the Gauss–Newton matrix, 95 % intervals from Student's t with n − 6 degrees of freedom,
/// those of d, f and b for their logarithms; goodness is 1 − Σ(ln y − ln ŷ)²/Σ(ln y − mean)².
/// `aicc_ln_y` and `aicc_y`: Akaike's criterion with k = 7 of the residuals of ln y and of y itself; they compare with the same of `power_law`, the latter with
/// the criteria of `sigmoid`. The note says that of the power law with an offset. A break that is not there wins by 4 in one of several tables of pure noise, for its place is chosen among many: believe gains of 10.
///
/// With six parameters the curve describes well and foretells badly. O(n) time, some 0.6 s a hundred rows.
///
/// Source: Caballero, Gupta, Rish & Krueger (2022), Broken Neural Scaling Laws, arXiv 2210.14891.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BrokenPowerLaw {
    /// The column on the horizontal axis: positive numbers.
    pub x: String,
    /// The column on the vertical axis: positive numbers.
    pub y: String,
    /// The columns whose values divide the rows into groups; must be given where a text varies, `[]` for all rows together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Vec<String>>,
}

impl Analysis for BrokenPowerLaw {
    fn reads(&self) -> Vec<(&'static str, &str)> {
        vec![("x", &self.x), ("y", &self.y)]
    }

    fn by(&self) -> Option<&[String]> {
        self.by.as_deref()
    }

    fn conclude(&self, group: &Group, _: &Stream) -> Vec<Finding> {
        let n = group.columns[0].len();
        let points = match curve_points(group, "a broken power law", N_PARAMETERS + 2, N_PARAMETERS + 1) {
            Ok(points) => points,
            Err(why) => return Finding::none("position", n, why),
        };
        let Some(law) = broken::fit(&points) else {
            return Finding::none("position", n, NO_BREAK.to_owned());
        };
        let goodness = explained(points.iter().map(|point| libm::log(point.1)), law.sum_squares);
        let mut findings: Vec<Finding> = [
            ("position", law.position),
            ("slope_before", law.slope_before),
            ("slope_after", law.slope_after),
            ("sharpness", law.sharpness),
            ("offset", law.offset),
            ("coefficient", law.coefficient),
        ]
        .into_iter()
        .map(|(name, estimate)| {
            let note = if estimate.interval.is_none() { UNBOUNDED } else { "" };
            Finding::estimated(name, estimate, n).with_goodness(goodness).with_note(note.to_owned())
        })
        .collect();
        for (name, residuals) in [("aicc_ln_y", Residuals::Log), ("aicc_y", Residuals::Value)] {
            let own = Finding::plain(name, broken::criterion(&points, residuals), n, NO_CRITERION);
            let other = power_law::criterion(&points, Form::Offset, residuals);
            findings.push(match (own.estimate, other) {
                (Some(_), Some(other)) => own.with_note(format!("a power law with an offset has {other:.1}")),
                _ => own,
            });
        }
        findings
    }
}

const NO_BREAK: &str = "no break within the rows: no broken power law comes nearest to them";
const UNBOUNDED: &str = "the rows do not bound it";
const NO_CRITERION: &str = "no criterion: it needs 9 rows, and a fit that leaves residuals";

#[cfg(test)]
mod tests {
    use super::*;

    fn conclude(points: &[(f64, f64)]) -> Vec<Finding> {
        let columns = vec![points.iter().map(|p| p.0).collect(), points.iter().map(|p| p.1).collect()];
        BrokenPowerLaw::default().conclude(&Group { columns, n_dropped: 0 }, &Stream::from_seed(0))
    }

    #[test]
    fn theory_a_planted_break_is_found() {
        let points: Vec<(f64, f64)> = (0..33)
            .map(|k| 10f64.powf(f64::from(k) / 4.0))
            .map(|x| {
                (
                    x,
                    (0.1 + 3.0 * x.powf(-0.1) * (1.0 + (x / 1e4).powi(2)).powf(-0.2))
                        * (1.0 + 0.002 * (9.0 * x.ln()).sin()),
                )
            })
            .collect();
        let findings = conclude(&points);
        let named =
            |name: &str| findings.iter().find(|f| f.name == name).and_then(|f| f.estimate).expect("an estimate");
        assert!((named("position").log10() - 4.0).abs() < 0.1, "{findings:?}");
        assert!((named("slope_before") + 0.1).abs() < 0.01 && (named("slope_after") + 0.5).abs() < 0.03);
        let last = &findings[7];
        let rival = power_law::criterion(&points, Form::Offset, Residuals::Value).unwrap();
        assert_eq!(
            (last.name.as_ref(), last.note.clone()),
            ("aicc_y", format!("a power law with an offset has {rival:.1}"))
        );
        assert!(last.estimate.unwrap() < rival - 10.0);
    }

    #[test]
    fn law_what_cannot_be_fitted_says_why() {
        let line: Vec<(f64, f64)> = (1..8).map(|k| (f64::from(k), f64::from(k))).collect();
        let flat: Vec<(f64, f64)> = (1..20).map(|k| (f64::from(k), 3.0)).collect();
        for (points, note) in [
            (line, "a broken power law needs 8 rows at 7 different x or more, got 7 rows at 7"),
            (vec![(3.0, 1.0); 9], "a broken power law needs 8 rows at 7 different x or more, got 9 rows at 1"),
            (flat, "y is 3 in all rows, so there is nothing to fit"),
            (vec![(-3.0, 1.0); 9], "x must be positive to have a logarithm, got -3 (9 rows of 9)"),
        ] {
            assert_eq!(conclude(&points), Finding::none("position", points.len(), note.to_owned()));
        }
    }
}
