//! Chinchilla: the loss of a model as a function of its parameters and of the tokens that it was trained on.

use rand::RngExt;

use super::solver::{Loss, Residual, Solution, minimize};
use crate::seed::Stream;

/// A model and its loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// N.
    pub params: f64,
    /// D.
    pub tokens: f64,
    /// L.
    pub loss: f64,
}

/// L = E + A/Nᵃ + B/Dᵇ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Surface {
    /// E, the loss of a model without limits, in the unit of L.
    pub irreducible: f64,
    /// ln A.
    pub log_a: f64,
    /// ln B.
    pub log_b: f64,
    /// a.
    pub params_exponent: f64,
    /// b.
    pub tokens_exponent: f64,
}

/// Fits the surface by the procedure of Hoffmann et al.: the smallest Σ Huber(LSE(ln A − a ln N, ln B − b ln D, ln E) − ln L) with δ = 1e-3.
///
/// LSE(…) = ln Σ exp(…), so that E, A and B are positive. The terms are summed: an average is small enough to end a descent early, which is how the first published values came about.
/// The loss is evaluated at the 4500 starts of Hoffmann's grid (ln A, ln B = 0, 5 … 25; ln E = −1, −0.5 … 1; a, b = 0, 0.5 … 2) and descended from the 24
/// best; a test shows that descents from everywhere find nothing lower. O(n) time: some 0.2 s for 240 runs.
///
/// `None` for fewer than 6 runs, for N, D or L that are not positive, and where no descent comes to rest, as when N or D is the same in all runs.
///
/// Source: Hoffmann et al. (2022), arXiv 2203.15556, D.2; Besiroglu et al. (2024), arXiv 2404.10102.
pub fn fit(runs: &[Run]) -> Option<Surface> {
    const N_DESCENTS: usize = 24;
    let logs = logs(runs)?;
    let mut starts: Vec<(f64, [f64; 5])> = grid().map(|start| (total(&logs, &start), start)).collect();
    starts.sort_by(|a, b| a.0.total_cmp(&b.0));
    let starts: Vec<[f64; 5]> = starts.into_iter().take(N_DESCENTS).map(|(_, start)| start).collect();
    descend(&logs, &starts).map(|(surface, _)| surface)
}

/// Refits to `n` samples of the runs, drawn with replacement, each from the surface found for all: their spread is that of the estimate.
///
/// Samples whose descent does not come to rest are left out. About 1 ms a sample of 240 runs.
///
/// Source: Efron & Tibshirani (1993), An Introduction to the Bootstrap, 6.
pub fn bootstrap(runs: &[Run], surface: &Surface, n: usize, stream: &Stream) -> Vec<Surface> {
    let Some(logs) = logs(runs) else { return Vec::new() };
    let mut rng = stream.rng();
    let sample = |_| {
        let sample: Vec<[f64; 3]> = logs.iter().map(|_| logs[rng.random_range(0..logs.len())]).collect();
        descend(&sample, &[surface.theta()]).map(|(surface, _)| surface)
    };
    (0..n).filter_map(sample).collect()
}

impl Surface {
    /// L at N and D.
    pub fn at(&self, params: f64, tokens: f64) -> f64 {
        self.irreducible
            + libm::exp(self.log_a - self.params_exponent * libm::log(params))
            + libm::exp(self.log_b - self.tokens_exponent * libm::log(tokens))
    }

    /// b/(a + b): the best N grows with the compute C as C to this power.
    pub fn optimum_exponent(&self) -> f64 {
        self.tokens_exponent / (self.params_exponent + self.tokens_exponent)
    }

    /// The N and D of the smallest L for C = 6ND FLOP: N = G (C/6)^(b/(a+b)) with G = (aA/bB)^(1/(a+b)), D = C/6N.
    pub fn optimum(&self, compute: f64) -> (f64, f64) {
        let (a, b) = (self.params_exponent, self.tokens_exponent);
        let log_product = libm::log(compute / 6.0);
        let log_g = (libm::log(a / b) + self.log_a - self.log_b) / (a + b);
        let log_params = log_g + log_product * b / (a + b);
        (libm::exp(log_params), libm::exp(log_product - log_params))
    }

    fn theta(&self) -> [f64; 5] {
        [self.log_a, self.log_b, libm::log(self.irreducible), self.params_exponent, self.tokens_exponent]
    }
}

/// δ of Huber's loss.
const DELTA: f64 = 1e-3;

/// ln N, ln D and ln L.
fn logs(runs: &[Run]) -> Option<Vec<[f64; 3]>> {
    let logs: Vec<[f64; 3]> = runs.iter().map(|run| [run.params, run.tokens, run.loss].map(libm::log)).collect();
    (logs.len() >= 6 && logs.iter().flatten().all(|x| x.is_finite())).then_some(logs)
}

/// Hoffmann's grid of starts.
fn grid() -> impl Iterator<Item = [f64; 5]> {
    (0..6 * 6 * 5 * 5 * 5).map(|index| {
        let [log_a, log_b] = [index % 6, index / 6 % 6].map(|k| 5.0 * f64::from(k));
        let [log_e, a, b] = [index / 36 % 5, index / 180 % 5, index / 900].map(|k| 0.5 * f64::from(k));
        [log_a, log_b, log_e - 1.0, a, b]
    })
}

/// The lowest of the descents from `starts`, with its loss.
fn descend(logs: &[[f64; 3]], starts: &[[f64; 5]]) -> Option<(Surface, f64)> {
    let residual = |i: usize, theta: &[f64; 5]| residual(&logs[i], theta);
    let descents = starts.iter().filter_map(|&start| minimize(start, Loss::Huber(DELTA), logs.len(), residual));
    let regular = |solution: &Solution<5>| solution.converged;
    let best = descents.filter(regular).min_by(|a, b| a.loss.total_cmp(&b.loss))?;
    let [log_a, log_b, log_e, params_exponent, tokens_exponent] = best.parameters;
    let surface = Surface { irreducible: libm::exp(log_e), log_a, log_b, params_exponent, tokens_exponent };
    Some((surface, best.loss))
}

/// Σ Huber at one point.
fn total(logs: &[[f64; 3]], theta: &[f64; 5]) -> f64 {
    logs.iter()
        .map(|run| residual(run, theta).value.abs())
        .map(|r| if r > DELTA { DELTA * (r - DELTA / 2.0) } else { r * r / 2.0 })
        .sum()
}

/// LSE(ln A − a ln N, ln B − b ln D, ln E) − ln L; the derivatives of LSE are the shares of the three terms.
fn residual(&[log_n, log_d, log_loss]: &[f64; 3], &[log_a, log_b, log_e, a, b]: &[f64; 5]) -> Residual<5> {
    let terms = [log_a - a * log_n, log_b - b * log_d, log_e];
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let shares = terms.map(|term| libm::exp(term - largest));
    let sum = shares[0] + shares[1] + shares[2];
    let [by_n, by_d, by_e] = shares.map(|share| share / sum);
    Residual { value: largest + libm::log(sum) - log_loss, gradient: [by_n, by_d, by_e, -log_n * by_n, -log_d * by_d] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_distr::{Distribution, StandardNormal};

    /// Hoffmann et al. (2022), rounded as published.
    const HOFFMANN: [f64; 5] = [1.69, 406.4, 410.7, 0.34, 0.28];
    /// Besiroglu et al. (2024).
    const BESIROGLU: [f64; 5] = [1.8172, 482.01, 2085.43, 0.3478, 0.3658];

    fn surface([e, a, b, params_exponent, tokens_exponent]: [f64; 5]) -> Surface {
        Surface { irreducible: e, log_a: a.ln(), log_b: b.ln(), params_exponent, tokens_exponent }
    }

    fn constants(s: &Surface) -> [f64; 5] {
        [s.irreducible, s.log_a.exp(), s.log_b.exp(), s.params_exponent, s.tokens_exponent]
    }

    /// 15 sizes from 4e7 to 1.6e10 parameters by 16 amounts of 1e7 to 1e11 tokens, with log-normal noise.
    fn runs(surface: &Surface, sd: f64, seed: u64) -> Vec<Run> {
        let mut rng = Stream::from_seed(seed).stream("runs").rng();
        (0..240)
            .map(|i| {
                let params = 4e7 * 400f64.powf(f64::from(i % 15) / 14.0);
                let tokens = 1e7 * 1e4f64.powf(f64::from(i / 15) / 15.0);
                let z: f64 = StandardNormal.sample(&mut rng);
                Run { params, tokens, loss: surface.at(params, tokens) * (sd * z).exp() }
            })
            .collect()
    }

    #[test]
    fn theory_published_surfaces_come_back() {
        for (published, ratio) in [(HOFFMANN, 92.65), (BESIROGLU, 18.39)] {
            let found = fit(&runs(&surface(published), 0.0, 0)).unwrap();
            for (value, expected) in constants(&found).iter().zip(published) {
                assert!((value / expected - 1.0).abs() < 1e-3, "{found:?} against {published:?}");
            }
            // Tokens per parameter at the compute of Gopher and Chinchilla, worked out elsewhere.
            let (params, tokens) = found.optimum(5.76e23);
            assert!((tokens / params / ratio - 1.0).abs() < 1e-3, "D/N = {} against {ratio}", tokens / params);
        }
        // Published: 0.5126 for Besiroglu's own constants.
        assert!((surface(BESIROGLU).optimum_exponent() - 0.5126).abs() < 1e-3);
    }

    #[test]
    fn theory_the_optimum_is_the_lowest_loss_of_a_budget() {
        let s = surface(BESIROGLU);
        let (params, tokens) = s.optimum(1e22);
        assert!((6.0 * params * tokens / 1e22 - 1.0).abs() < 1e-12);
        for factor in [0.9, 0.99, 1.01, 1.1] {
            assert!(s.at(params, tokens) < s.at(params * factor, tokens / factor));
        }
    }

    #[test]
    fn theory_noise_spreads_the_estimates_as_measured_elsewhere_and_the_bootstrap_knows() {
        // 0.3 % noise, 240 runs on Hoffmann's surface, measured by others: sd of a 0.004, of b 0.0006 to 0.0008, of E 0.006, of ln A 0.06.
        let planted = surface(HOFFMANN);
        let spread = |all: &[Surface]| {
            let rows = all.iter().map(|s| [s.params_exponent, s.tokens_exponent, s.irreducible, s.log_a]);
            let rows: Vec<[f64; 4]> = rows.collect();
            let n = rows.len() as f64;
            [0, 1, 2, 3].map(|j| {
                let mean = rows.iter().map(|row| row[j]).sum::<f64>() / n;
                (rows.iter().map(|row| (row[j] - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()
            })
        };
        let refit = |seed| descend(&logs(&runs(&planted, 0.003, seed)).unwrap(), &[planted.theta()]).unwrap().0;
        let found: Vec<Surface> = (0..100).map(refit).collect();
        let samples = bootstrap(&runs(&planted, 0.003, 0), &found[0], 200, &Stream::from_seed(1));
        assert!(samples.len() > 195, "{}", samples.len());
        // A spread of 100 is known to 7 %, one of 200 to 5 %; the published ones to their one digit.
        for ((claimed, found), published) in
            spread(&samples).into_iter().zip(spread(&found)).zip([0.004, 0.0007, 0.006, 0.06])
        {
            assert!((found / published - 1.0).abs() < 0.3, "found {found}, published {published}");
            assert!((claimed / found - 1.0).abs() < 0.35, "the bootstrap says {claimed}, found {found}");
        }
    }

    #[test]
    fn law_descents_from_everywhere_find_nothing_lower() {
        for (published, sd) in [(HOFFMANN, 0.003), (BESIROGLU, 0.02)] {
            let runs = runs(&surface(published), sd, 7);
            let few: Vec<Run> = runs.into_iter().step_by(6).collect();
            let logs = logs(&few).unwrap();
            let best = fit(&few).unwrap();
            let everywhere: Vec<[f64; 5]> = grid().step_by(13).collect();
            let (_, lowest) = descend(&logs, &everywhere).unwrap();
            let loss = total(&logs, &best.theta());
            assert!(loss <= lowest * (1.0 + 1e-9), "{loss} against {lowest}");
        }
    }

    #[test]
    fn law_what_has_no_surface_is_none() {
        let good = runs(&surface(HOFFMANN), 0.0, 0);
        assert!(fit(&good[..5]).is_none());
        let bad = Run { loss: -1.0, ..good[0] };
        assert!(fit(&[&good[..10], &[bad]].concat()).is_none());
    }
}
