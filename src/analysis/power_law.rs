//! Power law: y = A xᵇ, with or without an offset, and how far it can be trusted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::points::{curve_points, explained};
use super::verdict::three;
use super::{Analysis, Finding, Group};
use crate::fit::curve::Residuals;
use crate::fit::power_law::{Form, PowerLaw as Law, criterion, fit, local_slopes, prediction_error};
use crate::quantity::shortest;
use crate::seed::Stream;

/// y = A xᵇ, or y = c + A xᵇ, by a robust fit to the logarithms.
///
/// Made smallest is Σ Huber(ln y − ln ŷ), summed, with δ = 1.345 times the scale of the residuals (median of their sizes); below p + 6 rows least squares. p is 2, with
/// an offset 3. Both x and y must be positive; at least p + 1 rows at p different x. Findings:
/// `exponent` b, `coefficient` A, `offset` c, with standard errors from the Gauss–Newton matrix and 95 % intervals of Student's t with n − p degrees of freedom (that
/// of A for ln |A|); their goodness is 1 − Σ(ln y − ln ŷ)²/Σ(ln y − mean)².
/// `prediction_error`: √mean (ln y − ln ŷ)² over the largest fifth of the different x, at least one, from a fit to the others.
/// `aicc_ln_y`: Akaike's criterion n ln(RSS/n) + 2k + 2k(k + 1)/(n − k − 1) with k = p + 1, of the residuals of ln y by least squares; its note has that of the other form.
/// `aicc_y`: the same of the residuals of y itself, which compares with `aicc_y` of `broken_power_law` and the criteria of `sigmoid` over the same rows. The smaller, the better; never across ln y and y. Each supposes errors of one size in its own terms: where they are in proportion to y, believe that of ln y.
/// `local_slope`: Δ ln y/Δ ln x between neighbouring x; with errors where an x has several rows. A power law has the same slope everywhere.
///
/// A floor that is ignored flattens the exponent (0.3 becomes 0.16 for 0.5 x^−0.3 + 0.05 over six decades), so the note of `exponent` warns where the form with an offset is better by 4 or more.
/// O(n) time: 0.1 s a hundred rows, with an offset 0.3 s.
///
/// Source: Huber (1981), Robust Statistics; Hurvich & Tsai (1989), Biometrika 76; for the offset Henighan et al. (2020), arXiv 2010.14701.
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
    /// Whether a constant c is added: the floor of a falling curve, or the ceiling of a rising one. Costs a degree of freedom, so the default is not; the criteria of both are told.
    #[serde(default)]
    pub offset: bool,
}

impl Analysis for PowerLaw {
    fn reads(&self) -> Vec<(&'static str, &str)> {
        vec![("x", &self.x), ("y", &self.y)]
    }

    fn by(&self) -> Option<&[String]> {
        self.by.as_deref()
    }

    fn variant(&self) -> Option<&'static str> {
        self.offset.then_some("offset = true")
    }

    fn conclude(&self, group: &Group, _: &Stream) -> Vec<Finding> {
        let (form, other, what) = match self.offset {
            false => (Form::Plain, Form::Offset, "a power law"),
            true => (Form::Offset, Form::Plain, "a power law with an offset"),
        };
        let p = form.n_parameters();
        let n = group.columns[0].len();
        let points = match curve_points(group, what, p + 1, p) {
            Ok(points) => points,
            Err(why) => return Finding::none("exponent", n, why),
        };
        let criteria = [form, other].map(|form| criterion(&points, form, Residuals::Log));
        let mut findings = match fit(&points, form) {
            Some(law) => parameters(&law, &points, self.warning(criteria)),
            None => Finding::none("exponent", n, NO_OFFSET.to_owned()),
        };
        let forecast = prediction_error(&points, form);
        findings.extend([
            Finding::plain("prediction_error", forecast.map(|f| f.0), forecast.map_or(n, |f| f.1), NO_FORECAST),
            Finding { note: self.comparison(criteria), ..Finding::plain("aicc_ln_y", criteria[0], n, NO_CRITERION) },
            Finding::plain("aicc_y", criterion(&points, form, Residuals::Value), n, NO_CRITERION),
        ]);
        findings.extend(local_slopes(&points).into_iter().map(|local| {
            let (x1, x2) = local.between;
            // Three digits, unless these are the same.
            let told = if three(x1) == three(x2) { shortest } else { three };
            let note = format!("from x = {} to {}", told(x1), told(x2));
            Finding::estimated("local_slope", local.slope, local.n).with_note(note)
        }));
        findings
    }
}

const NO_OFFSET: &str =
    "no power law with an offset comes nearest: towards exponent 0 the rows follow c + A ln x rather than c + A x^b";
const NO_FORECAST: &str =
    "no forecast: too few x are left without the largest, or the law that fits the others is not positive there";
const NO_CRITERION: &str = "no criterion: it needs two rows more than parameters, and a fit that leaves residuals";

impl PowerLaw {
    /// What is wrong with the exponent if an offset was left out that is there.
    fn warning(&self, criteria: [Option<f64>; 2]) -> String {
        match criteria {
            [Some(plain), Some(offset)] if !self.offset && plain - offset >= 4.0 => {
                format!("an offset fits better, by {:.1} in AICc: without it the exponent is too flat", plain - offset)
            }
            _ => String::new(),
        }
    }

    /// The criterion of the other form.
    fn comparison(&self, [own, other]: [Option<f64>; 2]) -> String {
        let form = if self.offset { "without an offset" } else { "with an offset" };
        match (own, other) {
            (None, _) => NO_CRITERION.to_owned(),
            (Some(_), None) => format!("{form} there is none"),
            (Some(_), Some(other)) => format!("{form} it is {other:.1}"),
        }
    }
}

fn parameters(law: &Law, points: &[(f64, f64)], warning: String) -> Vec<Finding> {
    let n = points.len();
    let goodness = explained(points.iter().map(|point| libm::log(point.1)), law.sum_squares);
    let estimated = |name, estimate| Finding::estimated(name, estimate, n).with_goodness(goodness);
    let mut findings =
        vec![estimated("exponent", law.exponent).with_note(warning), estimated("coefficient", law.coefficient)];
    if let Some(offset) = law.offset {
        let holds_zero = offset.interval.is_some_and(|(low, high)| low <= 0.0 && 0.0 <= high);
        let note = if holds_zero { "0 lies within the interval" } else { "" };
        findings.push(estimated("offset", offset).with_note(note.to_owned()));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conclude(offset: bool, points: &[(f64, f64)]) -> Vec<Finding> {
        let columns = vec![points.iter().map(|p| p.0).collect(), points.iter().map(|p| p.1).collect()];
        let law = PowerLaw { offset, ..PowerLaw::default() };
        law.conclude(&Group { columns, n_dropped: 0 }, &Stream::from_seed(0))
    }

    fn decades(y: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        (0..13).map(|k| 10f64.powf(f64::from(k) / 2.0)).map(|x| (x, y(x))).collect()
    }

    fn named<'a>(findings: &'a [Finding], name: &str) -> &'a Finding {
        findings.iter().find(|finding| finding.name == name).expect("a finding of this name")
    }

    #[test]
    fn theory_a_floor_is_warned_of_and_found() {
        // A ripple of 1 % stands for noise.
        let points = decades(|x| (0.5 * x.powf(-0.3) + 0.05) * (1.0 + 0.01 * (7.0 * x.ln()).sin()));
        let plain = conclude(false, &points);
        let exponent = named(&plain, "exponent");
        assert!((exponent.estimate.unwrap() + 0.164).abs() < 0.01, "{exponent:?}");
        let (own, other) = (named(&plain, "aicc_ln_y"), conclude(true, &points));
        let with = named(&other, "aicc_ln_y").estimate.unwrap();
        assert_eq!(own.note, format!("with an offset it is {with:.1}"));
        let gain = own.estimate.unwrap() - with;
        assert_eq!(
            exponent.note,
            format!("an offset fits better, by {gain:.1} in AICc: without it the exponent is too flat")
        );
        assert!((named(&other, "exponent").estimate.unwrap() + 0.3).abs() < 0.02, "{other:?}");
        assert!((named(&other, "offset").estimate.unwrap() - 0.05).abs() < 0.005);
        assert_eq!(named(&other, "offset").note, "");
        assert!(named(&other, "prediction_error").estimate.unwrap() < 0.05);
        assert!(named(&plain, "prediction_error").estimate.unwrap() > 0.1);
        let slopes: Vec<&Finding> = plain.iter().filter(|finding| finding.name == "local_slope").collect();
        assert_eq!((slopes.len(), slopes[1].note.as_str()), (12, "from x = 3.16 to 10"));
        assert!(slopes[11].estimate > slopes[0].estimate, "it flattens towards the floor");
    }

    #[test]
    fn law_what_cannot_be_fitted_says_why() {
        type Case<'a> = (bool, &'a [(f64, f64)], &'a str);
        let cases: [Case; 7] = [
            (false, &[], "a power law needs 3 rows at 2 different x or more, got 0 rows at 0"),
            (false, &[(1.0, 1.0), (2.0, 2.0)], "a power law needs 3 rows at 2 different x or more, got 2 rows at 2"),
            (
                false,
                &[(2.0, 1.0), (2.0, 2.0), (2.0, 3.0)],
                "a power law needs 3 rows at 2 different x or more, got 3 rows at 1",
            ),
            (
                true,
                &[(1.0, 1.0), (2.0, 2.0), (3.0, 5.0)],
                "a power law with an offset needs 4 rows at 3 different x or more, got 3 rows at 3",
            ),
            (false, &[(1.0, 0.5), (2.0, 0.5), (3.0, 0.5)], "y is 0.5 in all rows, so there is nothing to fit"),
            (
                false,
                &[(1.0, 1.0), (2.0, -0.5), (3.0, 0.0)],
                "y must be positive to have a logarithm, got -0.5 (2 rows of 3)",
            ),
            (true, &[(0.0, 1.0), (2.0, 1.5), (3.0, 2.0)], "x must be positive to have a logarithm, got 0 (1 row of 3)"),
        ];
        for (offset, points, note) in cases {
            let findings = conclude(offset, points);
            assert_eq!(findings, Finding::none("exponent", points.len(), note.to_owned()));
        }
    }

    #[test]
    fn law_a_logarithm_is_no_power_law_with_an_offset_and_few_rows_have_no_criterion() {
        let few = conclude(false, &[(1.0, 1.0), (2.0, 2.1), (4.0, 3.9)]);
        assert_eq!(named(&few, "aicc_ln_y").note, NO_CRITERION);
        assert_eq!(named(&few, "aicc_y").note, NO_CRITERION);
        assert_eq!(
            named(&conclude(false, &[(1.0, 1.0), (1.0, 2.0), (4.0, 3.9)]), "prediction_error").note,
            NO_FORECAST
        );
        let findings = conclude(true, &decades(|x| 20.0 + x.ln()));
        assert!(findings.iter().all(|f| f.estimate.is_some() || !f.note.is_empty()), "{findings:?}");
    }
}
