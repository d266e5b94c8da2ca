//! Transition: whether, where and how sharply an ability turns on, and whether the turn is one of the model or of the metric.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sigmoid::{Scale, log_or_linear, turn, words};
use super::verdict::{Collapsed, Evidence, Shadow, Sharpening, three, verdict};
use super::{Analysis, Finding, Group};
use crate::fit::change_point::{ChangePoints, change_points};
use crate::fit::curve::Estimate;
use crate::fit::emergence::{emergence, steady_breakthroughness};
use crate::fit::finite_size::{Curve, bootstrap, collapse, crossing, curves, peak};
use crate::fit::rival::{rivals as compared, score_of_shape};
use crate::fit::sigmoid::{Unfit, sigmoid};
use crate::quantity::NonNegative;
use crate::seed::Stream;

/// Where y turns from one level to another as x grows, how sharply, and what kind of turn it is.
///
/// With `size`, midpoint, width, change point and scores are those of the largest size. u is x or log₁₀ x.
/// - `midpoint`, `width`: of a sigmoid, as in the analysis `sigmoid`, with intervals that cover.
/// - `change_point`: where one step or one kink in a straight line explains most of the means at each x (sup F); goodness is p, the probability of as much under a
///   straight line with normal noise, from 999 drawn lines. The note tells what the Bayesian criterion prefers: line, levels, or a kink.
/// - `linearity` = I/√mean(Δ²) and `breakthroughness` = I/√median(Δ²) of the steps Δ between the means at neighbouring x, with I the signed range. Both are the number of steps for a straight line;
///   breakthroughness is 0 for a flat curve and 1000 at most. They depend on the number and the spacing of x: compare them only with the threshold in the note, the 95 % quantile for a steady rise whose steps share it at random.
/// - `width_exponent` (with `size`): e of width ∝ sizeᵉ, from the widths of all sizes and their errors.
/// - `susceptibility_peak`: x at the peak of χ = size (⟨y²⟩ − ⟨|y|⟩²) over the rows at the same x, for the largest size.
/// - `binder_crossing`: x where the curves of two neighbouring sizes cross, of U₄ = 1 − ⟨y⁴⟩/(3⟨y²⟩²), or of ⟨y²⟩/⟨y⟩² where no y is negative; goodness is their common height.
/// - `collapse_point`, `collapse_exponent`: the t and 1/ν for which size^(β/ν) times the mean of y is one function of (u − t) size^(1/ν), with β/ν from `order_exponent`; goodness is 1 − mean squared distance/variance.
///   Their intervals hold the scatter of the rows alone: rows far from the point, where y has left its scaling form, move both, the exponent most.
///
/// Intervals of the last three are percentiles of 100 draws of the rows at each x, where each x has two or more; rows at different x must be independent.
///
/// `verdict` has no estimate; its note begins with one word and gives the evidence. The rules, in order:
/// 1. `nothing`: a straight line would do (p > 0.01), or there are too few rows.
/// 2. `metric artefact` (with `continuous`): where y stands still, one width or more away from its turn, the continuous metric makes a quarter or more of its
///    way, and its own turn from 10 to 90 % is at least 1.25 times as wide: of the nearest monotone curves, beyond whose edge y makes less than a tenth of its way. And the rows there have a trend at the 1 % level:
///    against 999 shuffles of them, by their own scatter where each x has two or more, else by Spearman's rank correlation; the rows must be independent.
/// 3. `nothing`: a straight line or a power law with an offset has an Akaike criterion (see `sigmoid`) not more than 2 above the sigmoid's, or the midpoint is not bounded within the rows: a bend, no turn.
/// 4. `metric artefact` (with `continuous`): y makes a whole turn, but the continuous metric has such a trend over all rows, makes none by the criteria of rule 3, and the smooth curve
///    is better by more than 6, twenty to one, than the turn of y, moved and stretched up and down to meet the continuous metric: a turn that noise hides is not taken for none.
/// 5. `transition` (with `size` and `order_exponent`): the curves of three sizes or more collapse with a goodness of 0.98 or more, and the 95 % interval of 1/ν lies above 0.1:
///    y begins to grow at a point. Its sigmoid turns further on and need not sharpen.
/// 6. `transition` (with `size`): the 95 % interval of the width's exponent lies below −0.1: the turn sharpens without end, as far as the sizes go.
/// 7. `crossover`: a turn of a width that does not shrink, or of one size only.
///
/// Hysteresis and bimodal histograms, the marks of a first-order transition, are not looked for. About 10 ms for 25 x; with sizes and replicates 0.1 s.
///
/// Source: Schaeffer et al. (2023), Are Emergent Abilities of Large Language Models a Mirage?; Srivastava et al. (2022), Beyond the Imitation Game; Binder (1981), Z. Phys. B 43; Houdayer & Hartmann (2004), Phys. Rev. B 70; Andrews (1993), Econometrica 61.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transition {
    /// The column on the horizontal axis, the control: size of the model, load, density; positive numbers for a logarithmic scale.
    pub x: String,
    /// The column on the vertical axis, the order parameter: an accuracy, an overlap.
    pub y: String,
    /// The column that says how large the system is, other than by x: positive numbers. Without it a transition cannot be told from a crossover.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    /// The column with the same ability in a continuous metric: accuracy of a single step, edit distance, loss. Without it a choice of metric is not excluded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continuous: Option<String>,
    /// β/ν in size: at the transition of an infinite system y grows from 0 without a jump, and there it falls as size^(−β/ν) in finite ones; the data then collapse
    /// as size^(β/ν) y. 1/3 for the largest cluster of random graphs, 1/16 in the number of spins for the Ising model in two dimensions. Without it y is taken to turn from one level to another, the same for all sizes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_exponent: Option<NonNegative>,
    /// The columns whose values divide the rows into groups; must be given where a text varies, `[]` for all rows together. Not the column of sizes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Vec<String>>,
    /// The scale of x: `"linear"`, or `"log"` for u = log₁₀ x, as sizes of models ask for.
    #[serde(default)]
    pub scale: Scale,
}

const N_DRAWS: usize = 100;

impl Analysis for Transition {
    fn reads(&self) -> Vec<(&'static str, &str)> {
        let optional = [("size", &self.size), ("continuous", &self.continuous)];
        let given = optional.into_iter().filter_map(|(key, name)| Some((key, name.as_deref()?)));
        [("x", self.x.as_str()), ("y", self.y.as_str())].into_iter().chain(given).collect()
    }

    fn by(&self) -> Option<&[String]> {
        self.by.as_deref()
    }

    fn conclude(&self, group: &Group, stream: &Stream) -> Vec<Finding> {
        self.found(group, stream).unwrap_or_else(|why| {
            let n = group.columns[1].len();
            let verdict = format!("nothing: {why}");
            [Finding::none("midpoint", n, why), Finding::none("verdict", n, verdict)].concat()
        })
    }
}

impl Transition {
    /// All findings, or why there are none.
    fn found(&self, group: &Group, stream: &Stream) -> Result<Vec<Finding>, String> {
        let (x, y) = (&group.columns[0], &group.columns[1]);
        let u = self.scale.laid_out(x)?;
        let size = match &self.size {
            Some(_) if group.columns[2].iter().any(|size| *size <= 0.0) => {
                return Err("sizes must be positive".to_owned());
            }
            Some(_) => group.columns[2].clone(),
            None => vec![1.0; y.len()],
        };
        let continuous = self.continuous.as_ref().map(|_| &group.columns[group.columns.len() - 1]);
        let by_size = curves(&size, &u, y);
        let Some(largest) = by_size.last() else { return Err(words(Unfit::TooFewPoints, &[])) };
        let rows = |of: f64| -> Vec<usize> { (0..y.len()).filter(|&i| size[i] == of).collect() };
        let pick = |rows: &[usize], column: &[f64]| -> Vec<f64> { rows.iter().map(|&i| column[i]).collect() };
        let here = rows(largest.size);
        let (u_here, y_here) = (pick(&here, &u), pick(&here, y));
        let found = sigmoid(&u_here, &y_here).map_err(|why| words(why, &u_here))?;
        let means = largest.means();
        let changes = change_points(&largest.x, &means, &mut stream.stream("straight lines").rng());
        let Some(changes) = changes else {
            return Err(format!("a turn needs rows at 6 different x or more, got {}", means.len()));
        };
        let rivals = compared(&u_here, &log_or_linear(&pick(&here, x)), &y_here, found.sum_squares);
        let shadow = continuous.and_then(|continuous| {
            let smooth = curves(&size, &u, continuous);
            let values = pick(&here, continuous);
            let rest = sigmoid(&u_here, &values).ok()?.sum_squares;
            let rivals = compared(&u_here, &log_or_linear(&pick(&here, x)), &values, rest);
            let rng = &mut stream.stream("trends").rng();
            let turn: Vec<f64> = u_here.iter().map(|u| found.part_made(*u)).collect();
            let scores = (rivals, score_of_shape(&turn, &values));
            Shadow::new(&largest.x, (&means, &smooth.last()?.means()), (&u_here, &values), scores, rng)
        });
        let turns: Vec<_> = by_size
            .iter()
            .filter_map(|curve| {
                let rows = rows(curve.size);
                Some((curve.size, sigmoid(&pick(&rows, &u), &pick(&rows, y)).ok()?))
            })
            .collect();
        let sharpening = if turns.len() >= 2 { Sharpening::new(&turns) } else { None };
        let mut findings = turn(&found, self.scale, &u_here, &y_here);
        findings.push(self.change_point(&changes, means.len()));
        findings.extend(suddenness(&means, stream));
        let mut collapsed = None;
        if self.size.is_some() {
            findings.push(width_exponent(sharpening.as_ref(), y.len()));
            findings.extend(self.finite_size(&by_size, stream));
            let (collapse, found) = self.collapse(&by_size, stream);
            collapsed = collapse;
            findings.extend(found);
        }
        let evidence = Evidence {
            scale: self.scale,
            u: &largest.x,
            changes: &changes,
            turn: &found,
            rivals: &rivals,
            shadow: shadow.as_ref(),
            sharpening: sharpening.as_ref(),
            collapsed: collapsed.as_ref(),
        };
        findings.extend(Finding::none("verdict", y.len(), verdict(&evidence)));
        Ok(findings)
    }

    fn change_point(&self, changes: &ChangePoints, n: usize) -> Finding {
        let places = |changes: &[f64]| changes.iter().map(|u| three(self.scale.x(*u))).collect::<Vec<_>>().join(", ");
        let ChangePoints { line, levels, kink, .. } = changes;
        let best = if line.bic <= levels.bic.min(kink.bic) {
            "a straight line".to_owned()
        } else if levels.bic <= kink.bic {
            format!("levels with steps at x = {}", places(&levels.changes))
        } else {
            format!("a straight line with a kink at x = {}", places(&kink.changes))
        };
        let note = format!(
            "sup F = {}, p = {} for a straight line; best by BIC: {best} (line {}, levels {}, kink {})",
            three(changes.sup_f),
            three(changes.p_value),
            three(line.bic),
            three(levels.bic),
            three(kink.bic),
        );
        let place = Estimate { value: changes.place, standard_error: None, interval: None };
        self.scale.place("change_point", place, n, note).with_goodness(Some(changes.p_value))
    }

    /// Peak and crossings.
    fn finite_size(&self, by_size: &[Curve], stream: &Stream) -> Vec<Finding> {
        let n_rows = |curves: &[Curve]| curves.iter().flat_map(|curve| &curve.samples).map(Vec::len).sum();
        let missing = |name: &'static str, curves: &[Curve], why: &str| Finding::plain(name, None, n_rows(curves), why);
        let rng = |purpose: &str| stream.stream(purpose).rng();
        let estimate = |value: f64, drawn: Option<(f64, (f64, f64))>| Estimate {
            value,
            standard_error: drawn.map(|drawn| drawn.0),
            interval: drawn.map(|drawn| drawn.1),
        };
        let mut findings = Vec::new();
        let largest = &by_size[by_size.len() - 1..];
        let top = |curves: &[Curve]| peak(&curves[0].x, &curves[0].susceptibility(curves[0].size)).map(|peak| peak.0);
        findings.push(match top(largest) {
            Some(at) => {
                let note = format!("size {}", three(largest[0].size));
                let drawn = bootstrap(largest, N_DRAWS, &mut rng("susceptibility"), |drawn| Some([top(drawn)?]));
                let at = estimate(at, drawn.map(|drawn| drawn[0]));
                self.scale.place("susceptibility_peak", at, n_rows(largest), note)
            }
            None => missing("susceptibility_peak", largest, "no peak within the rows"),
        });
        let positive = by_size.iter().flat_map(|curve| &curve.samples).flatten().all(|y| *y >= 0.0);
        let cumulant = |curve: &Curve| if positive { curve.moment_ratio() } else { curve.binder() };
        let cross = |curves: &[Curve]| {
            let [small, large] = [&curves[0], &curves[1]];
            crossing((&small.x, &cumulant(small)), (&large.x, &cumulant(large)))
        };
        for pair in by_size.windows(2) {
            let sizes = format!("sizes {} and {}", three(pair[0].size), three(pair[1].size));
            let name = if positive { "⟨y²⟩/⟨y⟩²" } else { "U₄" };
            findings.push(match cross(pair) {
                Some(found) => {
                    let drawn = bootstrap(pair, N_DRAWS, &mut rng("crossing"), |drawn| Some([cross(drawn)?.at]));
                    let at = estimate(found.at, drawn.map(|drawn| drawn[0]));
                    let note = format!("{name} of {sizes}");
                    let place = self.scale.place("binder_crossing", at, n_rows(pair), note);
                    place.with_goodness(Some(found.height))
                }
                None => missing("binder_crossing", pair, &format!("the curves of {name} of {sizes} do not cross")),
            });
        }
        findings
    }

    /// The scaling that lays the curves of all sizes on one, for the verdict and as findings.
    fn collapse(&self, by_size: &[Curve], stream: &Stream) -> (Option<Collapsed>, Vec<Finding>) {
        let n = by_size.iter().flat_map(|curve| &curve.samples).map(Vec::len).sum();
        let height = self.order_exponent.map_or(0.0, NonNegative::get);
        let Some(found) = collapse(by_size, height, None) else {
            return (None, vec![Finding::plain("collapse_point", None, n, "there is but one size")]);
        };
        let drawn = bootstrap(by_size, N_DRAWS, &mut stream.stream("collapse").rng(), |drawn| {
            collapse(drawn, height, Some(found)).map(|found| [found.at, found.exponent])
        });
        let estimate = |value: f64, index: usize| Estimate {
            value,
            standard_error: drawn.map(|drawn| drawn[index].0),
            interval: drawn.map(|drawn| drawn[index].1),
        };
        let (at, exponent) = (estimate(found.at, 0), estimate(found.exponent, 1));
        let goodness = 1.0 - found.distance;
        let note = match self.order_exponent {
            _ if found.exponent < 0.02 => "nothing sharpens, so the point is any".to_owned(),
            Some(height) => format!("of size^{} y", three(height.get())),
            None => String::new(),
        };
        let place = self.scale.place("collapse_point", at, n, note).with_goodness(Some(goodness));
        let sharper = Finding::estimated("collapse_exponent", exponent, n).with_goodness(Some(goodness));
        let collapsed = Collapsed {
            at,
            exponent,
            goodness,
            order_exponent: self.order_exponent.map(NonNegative::get),
            n_sizes: by_size.len(),
        };
        (Some(collapsed), vec![place, sharper.with_note("1/ν in size".to_owned())])
    }
}

/// The emergence scores as findings.
fn suddenness(means: &[f64], stream: &Stream) -> Vec<Finding> {
    let n = means.len();
    let threshold = steady_breakthroughness(n, &mut stream.stream("steady rises").rng());
    let (Some(scores), Some(threshold)) = (emergence(means), threshold) else { return Vec::new() };
    let finding = |name: &'static str, value, note| Finding::plain(name, Some(value), n, "").with_note(note);
    let line = format!("a straight line over {} steps scores {}", n - 1, n - 1);
    let above = if scores.breakthroughness.abs() > threshold { "sudden" } else { "not sudden" };
    let against = format!("{above}: 95 % of steady rises stay below {}", three(threshold));
    vec![finding("linearity", scores.linearity, line), finding("breakthroughness", scores.breakthroughness, against)]
}

fn width_exponent(sharpening: Option<&Sharpening>, n: usize) -> Finding {
    let Some(&Sharpening { exponent, error, most, n_sizes }) = sharpening else {
        return Finding::plain("width_exponent", None, n, "it needs two sizes with a turn of bounded width");
    };
    let interval = error.map(|_| (exponent - (most - exponent), most));
    let note = match error {
        Some(_) => format!("width ∝ size^exponent over {n_sizes} sizes"),
        None => format!("the rows do not resolve the width of enough sizes; at most {}", three(most)),
    };
    let exponent = Estimate { value: exponent, standard_error: error, interval };
    Finding::estimated("width_exponent", exponent, n).with_note(note)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Rng;
    use rand_distr::{Distribution, StandardNormal};

    const SEEDS: std::ops::Range<u64> = 0..6;

    fn noise(rng: &mut Rng, sigma: f64) -> f64 {
        let z: f64 = StandardNormal.sample(rng);
        sigma * z
    }

    /// Findings over 25 sizes of models from 1e6 to 1e12.
    fn over_models(seed: u64, columns: impl Fn(f64, &mut Rng) -> Vec<f64>, analysis: &Transition) -> Vec<Finding> {
        let mut rng = Stream::from_seed(seed).stream("rows").rng();
        let rows: Vec<Vec<f64>> = (0..25)
            .map(|i| {
                let u = 6.0 + 0.25 * f64::from(i);
                [vec![10f64.powf(u)], columns(u, &mut rng)].concat()
            })
            .collect();
        let columns = (0..rows[0].len()).map(|j| rows.iter().map(|row| row[j]).collect()).collect();
        analysis.conclude(&Group { columns, n_dropped: 0 }, &Stream::from_seed(seed))
    }

    fn plain() -> Transition {
        Transition { scale: Scale::Log, ..Transition::default() }
    }

    fn with_continuous() -> Transition {
        Transition { continuous: Some("p".into()), ..plain() }
    }

    fn note(findings: &[Finding]) -> &str {
        let last = findings.last().unwrap();
        assert_eq!(last.name, "verdict");
        for finding in findings {
            let numbers = [finding.estimate, finding.standard_error, finding.goodness];
            assert!(numbers.into_iter().flatten().all(f64::is_finite), "{finding:?}");
        }
        &last.note
    }

    #[test]
    fn theory_lines_and_noise_are_nothing() {
        for seed in SEEDS {
            let line = over_models(seed, |u, rng| vec![0.1 * (u - 6.0) + noise(rng, 0.02)], &plain());
            assert!(note(&line).starts_with("nothing: a straight line with noise"));
            let alone = over_models(seed, |_, rng| vec![0.5 + noise(rng, 0.1)], &plain());
            assert!(note(&alone).starts_with("nothing: a straight line with noise"));
            // A smooth law bends on a logarithmic scale, and is no turn.
            let law = over_models(seed, |u, rng| vec![0.2 + 50.0 * 10f64.powf(-0.3 * u) + noise(rng, 0.005)], &plain());
            assert!(note(&law).starts_with("nothing: y bends"));
        }
    }

    #[test]
    fn theory_a_sigmoid_over_sizes_of_models_is_a_crossover() {
        for seed in SEEDS {
            let y = |u: f64, rng: &mut Rng| vec![0.1 + 0.8 / (1.0 + (-2.0 * (u - 9.0)).exp()) + noise(rng, 0.03)];
            let found = over_models(seed, y, &plain());
            assert!(note(&found).starts_with("crossover: y turns at x = "), "{seed}");
            let (low, high) = found[0].interval.unwrap();
            assert!(low < high && (found[0].estimate.unwrap().log10() - 9.0).abs() < 0.2);
        }
    }

    #[test]
    fn theory_exact_match_of_a_smooth_ability_is_a_metric_artefact() {
        for seed in SEEDS {
            let p = |u: f64| (-(10f64.powf(u - 8.0)).powf(-0.27)).exp();
            for (length, continuous) in [(20, 0), (20, 1), (20, 2)] {
                let pair = |u: f64, rng: &mut Rng| {
                    let p = p(u);
                    let smooth = [p, -p.ln(), 20.0 * (1.0 - p)][continuous];
                    vec![p.powi(length) + noise(rng, 0.003), smooth * (1.0 + noise(rng, 0.01))]
                };
                let found = over_models(seed, pair, &with_continuous());
                assert!(note(&found).starts_with("metric artefact: y turns within"), "{seed} {continuous}");
            }
            // Five steps turn over more than three decades, and the logarithm of the same p follows a power law.
            let five = |u: f64, rng: &mut Rng| vec![p(u).powi(5) + noise(rng, 0.003), -p(u).ln() + noise(rng, 0.02)];
            let found = over_models(seed, five, &with_continuous());
            assert!(note(&found).starts_with("metric artefact: y turns at x = "), "{seed}: {}", note(&found));
            // The same ability against itself is none.
            let same = |u: f64, rng: &mut Rng| vec![p(u) + noise(rng, 0.01), p(u) + noise(rng, 0.01)];
            assert!(note(&over_models(seed, same, &with_continuous())).starts_with("crossover: "), "{seed}");
            // Nor is one whose single step turns sharply.
            let sharp = |u: f64, rng: &mut Rng| {
                let p = 0.2 + 0.79 / (1.0 + (-6.0 * (u - 9.0)).exp());
                vec![p.powi(20) + noise(rng, 0.01), p + noise(rng, 0.01)]
            };
            assert!(note(&over_models(seed, sharp, &with_continuous())).starts_with("crossover: "), "{seed}");
        }
    }

    /// Findings over loads from 0 to 1 for sizes 20, 80 and 320, with five rows at each of 21 loads.
    fn over_sizes(seed: u64, y: impl Fn(f64, f64) -> f64) -> Vec<Finding> {
        let mut rng = Stream::from_seed(seed).stream("rows").rng();
        let mut columns = vec![vec![]; 3];
        for size in [20.0, 80.0, 320.0] {
            for i in 0..105 {
                let x = f64::from(i / 5) / 20.0;
                let row = [x, (y(x, size) + noise(&mut rng, 0.02)).max(0.0), size];
                columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
            }
        }
        let analysis = Transition { size: Some("n".into()), ..Transition::default() };
        analysis.conclude(&Group { columns, n_dropped: 0 }, &Stream::from_seed(seed))
    }

    #[test]
    fn theory_a_step_that_sharpens_with_size_is_a_transition() {
        for seed in SEEDS {
            let found = over_sizes(seed, |x, size| 0.9 / (1.0 + (-2.0 * size.sqrt() * (x - 0.42)).exp()) + 0.05);
            assert!(note(&found).starts_with("transition: y turns at x = 0.4"), "{seed}");
            let value = |name: &str| found.iter().find(|finding| finding.name == name).unwrap().estimate.unwrap();
            assert!((value("width_exponent") + 0.5).abs() < 0.1, "{seed}");
            assert!((value("collapse_exponent") - 0.5).abs() < 0.1 && (value("collapse_point") - 0.42).abs() < 0.02);
            let same = over_sizes(seed, |x, _| 0.9 / (1.0 + (-12.0 * (x - 0.42)).exp()) + 0.05);
            assert!(note(&same).starts_with("crossover: y turns at x = 0.4"), "{seed}");
            let none = over_sizes(seed, |x, _| 0.2 + 0.5 * x);
            assert!(note(&none).starts_with("nothing: a straight line"), "{seed}");
            // A step between two loads in the larger sizes.
            let step = over_sizes(seed, |x, size| 0.9 / (1.0 + (-size * (x - 0.425)).exp()) + 0.05);
            assert!(note(&step).starts_with("transition: "), "{seed}");
        }
    }

    /// How many of `n_tries` tables of a continuous metric beside y are called a metric artefact.
    fn artefacts(n_tries: u64, replicates: usize, columns: impl Fn(f64, &mut Rng) -> Vec<f64>) -> u64 {
        let is_artefact = |seed: &u64| {
            let mut rng = Stream::from_seed(*seed).stream("rows").rng();
            let mut table = vec![vec![]; 3];
            for i in 0..25 * replicates {
                let u = 6.0 + 0.25 * (i / replicates) as f64;
                let row = [vec![10f64.powf(u)], columns(u, &mut rng)].concat();
                table.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
            }
            let found = with_continuous().conclude(&Group { columns: table, n_dropped: 0 }, &Stream::from_seed(*seed));
            note(&found).starts_with("metric artefact")
        };
        (0..n_tries).filter(is_artefact).count() as u64
    }

    #[test]
    fn theory_a_continuous_metric_that_turns_with_y_is_seldom_an_artefact() {
        let turn = |u: f64| 0.05 + 0.9 / (1.0 + (-3.0 * (u - 9.0)).exp());
        for replicates in [1, 4] {
            for sigma in [0.02, 0.1, 0.25] {
                // The same turn, seen through noise.
                let same = |u: f64, rng: &mut Rng| vec![turn(u) + noise(rng, 0.02), turn(u) + noise(rng, sigma)];
                // Noise that is larger where y is low, with the turn in it.
                let uneven = |u: f64, rng: &mut Rng| {
                    vec![turn(u) + noise(rng, 0.02), turn(u) + noise(rng, sigma * (1.2 - turn(u)))]
                };
                let found = [artefacts(100, replicates, same), artefacts(100, replicates, uneven)];
                assert!(found.iter().all(|n| *n <= 4), "{replicates} {sigma}: {found:?}");
            }
        }
    }

    #[test]
    fn theory_a_metric_that_jumps_before_y_turns_is_found_by_its_rows() {
        // p creeps, leaps at the foot of y's turn and goes on: the means below the edge are no straight line, and a test of seven means alone would miss the creep.
        let p = |u: f64| match u {
            u if u < 7.4 => 0.18 + 0.1 * (u - 6.0),
            u => 1.0 - 0.45 * (-((u - 7.4) / 0.9) * ((u - 7.4) / 0.9)).exp(),
        };
        let pair = |u: f64, rng: &mut Rng| vec![p(u).powi(20) + noise(rng, 0.01), p(u) + noise(rng, 0.02)];
        let found = artefacts(40, 4, pair);
        assert!(found >= 38, "{found}");
    }

    #[test]
    fn theory_an_order_parameter_that_begins_to_grow_is_a_transition_and_a_fixed_curve_is_none() {
        let over = |seed: u64, y: &dyn Fn(f64, f64) -> f64| {
            let mut rng = Stream::from_seed(seed).stream("rows").rng();
            let mut columns = vec![vec![]; 3];
            for size in [250.0, 1000.0, 4000.0] {
                for i in 0..85 {
                    let x = 0.4 + 0.1 * f64::from(i / 5);
                    let row = [x, y(x, size) * (1.0 + noise(&mut rng, 0.03)), size];
                    columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
                }
            }
            let order_exponent = NonNegative::new(1.0 / 3.0);
            let analysis = Transition { size: Some("n".into()), order_exponent, ..Transition::default() };
            analysis.conclude(&Group { columns, n_dropped: 0 }, &Stream::from_seed(seed))
        };
        for seed in SEEDS {
            // L^(1/3) y = ln(1 + e^z) with z → (x − 1) L^(1/3) near 1: nothing below, and above it grows towards 1, as the largest cluster does.
            let found = over(seed, &|x, size: f64| {
                let scale = 1.5 * size.cbrt();
                (scale * (1.0 - (-1.6 * (x - 1.0)).exp())).exp().ln_1p() / scale
            });
            let value = |name: &str| found.iter().find(|finding| finding.name == name).unwrap().estimate.unwrap();
            // Far from 1 the curve leaves its scaling form, so the exponent comes out high; the place does not suffer much.
            let (at, exponent) = (value("collapse_point"), value("collapse_exponent"));
            assert!((at - 1.0).abs() < 0.06 && (0.25..0.6).contains(&exponent), "{seed}: {at} {exponent}");
            assert!(note(&found).starts_with("transition: y begins to grow at x = 1"), "{seed}: {}", note(&found));
            let fixed = over(seed, &|x, _| 0.05 + 0.9 / (1.0 + (-10.0 * (x - 1.2)).exp()));
            assert!(note(&fixed).starts_with("crossover: "), "{seed}: {}", note(&fixed));
        }
    }

    #[test]
    fn law_bad_rows_are_a_note() {
        let x: Vec<f64> = (0..8).map(f64::from).collect();
        let few = "a sigmoid needs 6 rows at 5 different x or more, got";
        for (scale, x, y, why) in [
            (Scale::Log, x.clone(), x.clone(), "x must be positive on a logarithmic scale, got 0".to_owned()),
            (Scale::Linear, x[..3].into(), x[..3].into(), format!("{few} 3 rows at 3")),
            (Scale::Linear, vec![], vec![], format!("{few} 0 rows at 0")),
            (Scale::Linear, vec![1.0; 8], x.clone(), format!("{few} 8 rows at 1")),
            (Scale::Linear, x.clone(), vec![0.5; 8], "y is constant".to_owned()),
            (
                Scale::Linear,
                vec![1.0, 2.0, 3.0, 4.0, 5.0, 5.0],
                vec![1.0, 2.0, 1.0, 3.0, 2.0, 1.0],
                "a turn needs rows at 6 different x or more, got 5".to_owned(),
            ),
        ] {
            let analysis = Transition { scale, ..Transition::default() };
            let found = analysis.conclude(&Group { columns: vec![x, y], n_dropped: 0 }, &Stream::from_seed(1));
            assert_eq!((found[0].estimate, &found[0].note), (None, &why));
            assert_eq!(note(&found), format!("nothing: {why}"));
        }
        let analysis = Transition { size: Some("n".into()), ..Transition::default() };
        let group = Group { columns: vec![x.clone(), x.clone(), vec![0.0; 8]], n_dropped: 0 };
        assert_eq!(note(&analysis.conclude(&group, &Stream::from_seed(1))), "nothing: sizes must be positive");
    }

    #[test]
    fn law_curves_without_noise_have_finite_findings() {
        let step = |u: f64, _: &mut Rng| vec![if u > 9.1 { 1.0 } else { 0.0 }];
        let found = over_models(1, step, &plain());
        assert!(note(&found).starts_with("crossover: "));
        let line = |u: f64, _: &mut Rng| vec![0.1 * u];
        assert!(note(&over_models(1, line, &plain())).starts_with("nothing: "));
        let sigmoid = |u: f64, _: &mut Rng| vec![1.0 / (1.0 + (-2.0 * (u - 9.0)).exp())];
        assert!(note(&over_models(1, sigmoid, &plain())).starts_with("crossover: "));
    }
}
