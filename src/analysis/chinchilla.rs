//! Chinchilla: the loss as a function of parameters and tokens, and the best use of a budget.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::points::{explained, positive};
use super::{Analysis, Finding, Group};
use crate::fit::chinchilla::{Run, Surface, bootstrap, fit};
use crate::fit::curve::Estimate;
use crate::quantity::{Positive, shortest};
use crate::seed::Stream;

/// L = E + A/Nᵃ + B/Dᵇ for a model of N parameters trained on D tokens, by the procedure of Hoffmann et al.
///
/// Made smallest is Σ Huber(ln L̂ − ln L) with δ = 0.001, summed, from a grid of 4500 starts. All three columns must be positive; at least 6 rows with 3 different N and 3 different D. Findings:
/// `irreducible_loss` E, `params_coefficient` A, `tokens_coefficient` B, `params_exponent` a, `tokens_exponent` b; `optimum_exponent` b/(a + b), the power of the compute C = 6ND with which the best N grows;
/// `optimum_params` and `optimum_tokens_per_param`, the N and the D/N of the smallest loss at C = `compute`. Standard errors are the spread of refits to 200 samples of
/// the rows, drawn with replacement; 95 % intervals are of Student's t with n − 5 degrees of freedom, those of A, B, N and D/N for their logarithms. Goodness is 1 − Σ(ln L − ln L̂)²/Σ(ln L − mean)².
///
/// A and a, like B and b, are known together far better than each alone. O(n) time, some 0.5 s for 240 rows.
///
/// Source: Hoffmann et al. (2022), arXiv 2203.15556; Besiroglu, Erdil, Barnett & You (2024), arXiv 2404.10102.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Chinchilla {
    /// The column of parameters, N: positive numbers.
    pub params: String,
    /// The column of training tokens, D: positive numbers.
    pub tokens: String,
    /// The column of losses, L: positive numbers.
    pub loss: String,
    /// The columns whose values divide the rows into groups; must be given where a text varies, `[]` for all rows together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Vec<String>>,
    /// The compute in FLOP at which the optimum is told, above 0. The default is that of Gopher and Chinchilla, 5.76e23.
    #[serde(default = "gopher")]
    pub compute: Positive,
}

fn gopher() -> Positive {
    Positive::new(5.76e23).expect("it is positive")
}

/// Samples of the bootstrap: the standard error is known to 5 %.
const N_SAMPLES: usize = 200;

impl Analysis for Chinchilla {
    fn reads(&self) -> Vec<(&'static str, &str)> {
        vec![("params", &self.params), ("tokens", &self.tokens), ("loss", &self.loss)]
    }

    fn by(&self) -> Option<&[String]> {
        self.by.as_deref()
    }

    fn conclude(&self, group: &Group, stream: &Stream) -> Vec<Finding> {
        let n = group.columns[0].len();
        let runs = match runs(group) {
            Ok(runs) => runs,
            Err(why) => return Finding::none("irreducible_loss", n, why),
        };
        let Some(surface) = fit(&runs) else {
            return Finding::none("irreducible_loss", n, NO_SURFACE.to_owned());
        };
        let samples = bootstrap(&runs, &surface, N_SAMPLES, &stream.stream("bootstrap"));
        let enough = samples.len() * 10 >= N_SAMPLES * 9;
        let residual = |run: &Run| libm::log(surface.at(run.params, run.tokens)) - libm::log(run.loss);
        let sum_squares = runs.iter().map(residual).map(|r| r * r).sum();
        let goodness = explained(runs.iter().map(|run| libm::log(run.loss)), sum_squares);
        if goodness.is_some_and(|goodness| goodness < 0.0) {
            return Finding::none("irreducible_loss", n, WORSE_THAN_NOTHING.to_owned());
        }
        let at = format!("at {} FLOP", shortest(self.compute.get()));
        self.quantities()
            .into_iter()
            .map(|(name, is_log, quantity)| {
                let variance = enough.then(|| variance(samples.iter().map(&quantity)));
                let estimate = Estimate::new(quantity(&surface), variance, n - 5);
                let note = if name.starts_with("optimum_") && is_log { at.as_str() } else { "" };
                let note = match (enough, note) {
                    (true, note) => note.to_owned(),
                    (false, "") => NO_ERRORS.to_owned(),
                    (false, note) => format!("{note}; {NO_ERRORS}"),
                };
                let estimate = if is_log { estimate.exp(1.0) } else { estimate };
                let finding = Finding::estimated(name, estimate, n).with_goodness(goodness);
                let lost = if finding.estimate.is_none() { "too large a number to tell" } else { "" };
                finding.with_note(if lost.is_empty() { note } else { lost.to_owned() })
            })
            .collect()
    }
}

const NO_SURFACE: &str = "no surface comes nearest to the rows";
const WORSE_THAN_NOTHING: &str =
    "no surface comes near to the rows: the best that was found leaves more of ln loss than a constant does";
const NO_ERRORS: &str = "no errors: too many samples of the rows have no surface of their own";

/// Name of a finding, whether the quantity is its logarithm, and how it follows from a surface.
type Quantity = (&'static str, bool, Box<dyn Fn(&Surface) -> f64>);

impl Chinchilla {
    fn quantities(&self) -> [Quantity; 8] {
        let compute = self.compute.get();
        [
            ("irreducible_loss", false, Box::new(|s| s.irreducible)),
            ("params_coefficient", true, Box::new(|s| s.log_a)),
            ("tokens_coefficient", true, Box::new(|s| s.log_b)),
            ("params_exponent", false, Box::new(|s| s.params_exponent)),
            ("tokens_exponent", false, Box::new(|s| s.tokens_exponent)),
            ("optimum_exponent", false, Box::new(Surface::optimum_exponent)),
            ("optimum_params", true, Box::new(move |s| libm::log(s.optimum(compute).0))),
            (
                "optimum_tokens_per_param",
                true,
                Box::new(move |s| {
                    let (params, tokens) = s.optimum(compute);
                    libm::log(tokens) - libm::log(params)
                }),
            ),
        ]
    }
}

/// The rows as runs, or why no surface can be fitted to them.
fn runs(group: &Group) -> Result<Vec<Run>, String> {
    let rows = positive(group, ["params", "tokens", "loss"])?;
    let n = rows.len();
    let [n_params, n_tokens] = [0, 1].map(|column| {
        let mut values: Vec<f64> = rows.iter().map(|row| row[column]).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        values.len()
    });
    if n < 6 || n_params < 3 || n_tokens < 3 {
        return Err(format!(
            "a surface needs 6 rows with 3 different params and 3 different tokens or more, got {n} rows with {n_params} and {n_tokens}"
        ));
    }
    if rows.iter().all(|row| row[2] == rows[0][2]) {
        return Err(format!("loss is {} in all rows, so there is nothing to fit", shortest(rows[0][2])));
    }
    if go_together(&rows) {
        return Err("params and tokens go together, so what each does cannot be told apart: the rows must vary tokens for each param".to_owned());
    }
    Ok(rows.into_iter().map(|[params, tokens, loss]| Run { params, tokens, loss }).collect())
}

/// Whether ln tokens is a straight line in ln params, up to 1e-4 of its spread: then E + A/Nᵃ + B/Dᵇ is two powers of one number, either of which may be either.
fn go_together(rows: &[[f64; 3]]) -> bool {
    let logs = |column: usize| -> Vec<f64> {
        let logs: Vec<f64> = rows.iter().map(|row| libm::log(row[column])).collect();
        let mean = logs.iter().sum::<f64>() / logs.len() as f64;
        logs.iter().map(|log| log - mean).collect()
    };
    let (n, d) = (logs(0), logs(1));
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    // 1 − r².
    1.0 - product(&n, &d) * product(&n, &d) / (product(&n, &n) * product(&d, &d)) < 1e-8
}

fn variance(values: impl ExactSizeIterator<Item = f64> + Clone) -> f64 {
    let n = values.len() as f64;
    let mean = values.clone().sum::<f64>() / n;
    values.map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conclude(rows: &[[f64; 3]]) -> Vec<Finding> {
        let columns = (0..3).map(|j| rows.iter().map(|row| row[j]).collect()).collect();
        let kind = Chinchilla {
            params: String::new(),
            tokens: String::new(),
            loss: String::new(),
            by: None,
            compute: gopher(),
        };
        kind.conclude(&Group { columns, n_dropped: 0 }, &Stream::from_seed(0))
    }

    #[test]
    fn theory_a_published_surface_is_found_with_its_optimum() {
        // Besiroglu et al. (2024) with a ripple of 0.3 % for noise.
        let rows: Vec<[f64; 3]> = (0..80)
            .map(|i| {
                let (n, d) = (4e7 * 2f64.powi(i % 8), 1e8 * 2f64.powi(i / 8));
                let loss = 1.8172 + 482.01 * n.powf(-0.3478) + 2085.43 * d.powf(-0.3658);
                [n, d, loss * (1.0 + 0.003 * f64::from(i * i).sin())]
            })
            .collect();
        let findings = conclude(&rows);
        let truths = [1.8172, 482.01, 2085.43, 0.3478, 0.3658, 0.3658 / 0.7136];
        for (finding, truth) in findings.iter().zip(truths) {
            let error = finding.standard_error.unwrap();
            assert!((finding.estimate.unwrap() - truth).abs() < 4.0 * error, "{finding:?}: {truth}");
            let (low, high) = finding.interval.unwrap();
            assert!(low < high && finding.goodness.unwrap() > 0.99);
        }
        assert_eq!(findings[7].name, "optimum_tokens_per_param");
        assert_eq!(findings[7].note, "at 5.76e23 FLOP");
        // 18.39, worked out elsewhere.
        let (low, high) = findings[7].interval.unwrap();
        assert!(low < 18.39 && 18.39 < high && high / low < 3.0, "{low} to {high}");
        assert_eq!(findings.len(), 8);
    }

    #[test]
    fn law_what_cannot_be_fitted_says_why() {
        let grid = |loss: f64| -> Vec<[f64; 3]> {
            (0..9).map(|i| [f64::from(1 + i % 3), f64::from(1 + i / 3), loss]).collect()
        };
        for (rows, note) in [
            (
                vec![],
                "a surface needs 6 rows with 3 different params and 3 different tokens or more, got 0 rows with 0 and 0",
            ),
            (
                vec![[1e9, 1e9, 2.0]; 8],
                "a surface needs 6 rows with 3 different params and 3 different tokens or more, got 8 rows with 1 and 1",
            ),
            (grid(2.0), "loss is 2 in all rows, so there is nothing to fit"),
            (grid(-2.0), "loss must be positive to have a logarithm, got -2 (9 rows of 9)"),
            (
                (1..9).map(|i| 10f64.powi(i)).map(|n| [n, 20.0 * n, 1.7 + 40.0 * n.powf(-0.3)]).collect(),
                "params and tokens go together, so what each does cannot be told apart: the rows must vary tokens for each param",
            ),
        ] {
            assert_eq!(conclude(&rows), Finding::none("irreducible_loss", rows.len(), note.to_owned()));
        }
    }
}
