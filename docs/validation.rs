//! Validation: what finished runs of the scenarios of trained models show, beside what was published. Prints docs/validation.md.
//!
//! `cargo run --release --example validation > docs/validation.md`, after `superpose run` of each scenario named in it; or with the folder of the results as its argument.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

type Fallible<T> = Result<T, Box<dyn Error>>;

/// The rows of a CSV, each by the names of its columns.
struct Rows(Vec<BTreeMap<String, String>>);

/// One line of the report.
struct Line {
    what: String,
    published: String,
    found: String,
    /// Whether it is within the tolerance, and the tolerance in words.
    verdict: Option<(bool, String)>,
}

fn main() -> Fallible<()> {
    let results = std::env::args().nth(1).map_or_else(|| PathBuf::from("results"), PathBuf::from);
    println!("# Learned representations beside published results\n");
    println!(
        "Made by `cargo run --release --example validation > docs/validation.md` from the results of `superpose run` of each scenario at full size; no number here is typed."
    );
    println!("Errors are standard errors over replicates, or those of the fit.");
    type Section = (&'static str, &'static str, fn(&Path) -> Fallible<Vec<Line>>);
    let sections: [Section; 8] = [
        (
            "phase-diagram",
            "Two concepts on one unit (Elhage et al. 2022). Reference: exact optimum over all weights and biases by quadrature of the loss; the published closed form r* = (p/6)/(1/3 − 5p/12) holds unit lengths and zero biases fixed.",
            phase_diagram,
        ),
        (
            "hysteresis",
            "The same boundary from both sides, each training going on from its neighbour. The transition is of first order: going up, the model stays where it is beyond the point at which sharing becomes better.",
            hysteresis,
        ),
        (
            "polytopes",
            "Feature dimensionality D of sparse concepts (density 0.05). Reference: that of the figure; the antiprism as learned at this density.",
            polytopes,
        ),
        (
            "plateaus",
            "Dimensions per feature D* = d/‖W‖² of 100 concepts in 10 units. Reference: an independent implementation (best of one start; D* at low density depends on how long it is trained).",
            plateaus,
        ),
        (
            "strong-superposition",
            "Liu, Liu & Gore (2025), γ = −1, α = 1, 1000 concepts. Published exponent of the loss 1.12 ± 0.06; independent implementation 1.165 ± 0.084.",
            strong,
        ),
        (
            "weak-superposition",
            "Liu, Liu & Gore (2025), γ = 0.111, 1000 concepts. Theory: the loss is 4/3 Σ p over what is not represented.",
            weak,
        ),
        (
            "learning",
            "Modes of a linear network. Theory: half of the way at t = ln(s/u₀ − 1)/(2s) (Saxe et al. 2014).",
            learning,
        ),
        (
            "parity",
            "Parities of unequal use (Michaud et al. 2023). Theory: a task is learned after a fixed number of its examples, so the step goes as 1/p.",
            parity,
        ),
    ];
    let mut n_missed = 0;
    for (name, about, lines) in sections {
        let folder = results.join(name);
        if !folder.join(format!("{name}.csv")).exists() {
            println!("\n## {name}\n\n{about}\n\nNot run.");
            continue;
        }
        let lines = lines(&folder).map_err(|fault| format!("{}: {fault}", folder.display()))?;
        println!("\n## {name}\n\n{about}\n\n| quantity | reference | found | within |\n|---|---|---|---|");
        for Line { what, published, found, verdict } in lines {
            let verdict = verdict.map_or(String::new(), |(holds, tolerance)| {
                n_missed += u32::from(!holds);
                format!("{} {tolerance}", if holds { "yes:" } else { "**no**:" })
            });
            println!("| {what} | {published} | {found} | {verdict} |");
        }
    }
    let lie = if n_missed == 1 { "quantity lies outside its" } else { "quantities lie outside their" };
    println!("\n{n_missed} {lie} tolerance.");
    Ok(())
}

impl Rows {
    fn read(path: &Path) -> Fallible<Self> {
        let mut reader = csv::Reader::from_path(path).map_err(|fault| format!("{fault}; run its scenario first"))?;
        let names: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
        let rows =
            reader.records().map(|record| Ok(names.iter().cloned().zip(record?.iter().map(str::to_owned)).collect()));
        Ok(Self(rows.collect::<Fallible<_>>()?))
    }

    /// NAME.csv in the folder NAME.
    fn of(folder: &Path, suffix: &str) -> Fallible<Self> {
        let name = folder.file_name().ok_or("a folder has a name")?.to_string_lossy();
        Self::read(&folder.join(format!("{name}{suffix}.csv")))
    }

    /// The rows in which a column has this value.
    fn at(&self, column: &str, value: f64) -> Self {
        let is_there = |row: &&BTreeMap<String, String>| number(row, column) == Some(value);
        Self(self.0.iter().filter(is_there).cloned().collect())
    }

    fn numbers(&self, column: &str) -> Vec<f64> {
        self.0.iter().filter_map(|row| number(row, column)).collect()
    }

    /// The different values of a column, ascending.
    fn values(&self, column: &str) -> Vec<f64> {
        let mut values = self.numbers(column);
        values.sort_by(f64::total_cmp);
        values.dedup();
        values
    }

    /// A finding by its analysis' columns, its name and its group: the estimate and its standard error.
    fn finding(&self, columns: &str, name: &str, group: &str) -> Fallible<(f64, Option<f64>)> {
        let row = self.found(columns, name, group)?;
        Ok((number(row, "estimate").ok_or("no estimate")?, number(row, "standard_error")))
    }

    /// Its 95 % interval.
    fn interval(&self, columns: &str, name: &str, group: &str) -> Fallible<(f64, f64)> {
        let row = self.found(columns, name, group)?;
        Ok(number(row, "low95").zip(number(row, "high95")).ok_or("no interval")?)
    }

    fn found(&self, columns: &str, name: &str, group: &str) -> Fallible<&BTreeMap<String, String>> {
        let is_it = |row: &&BTreeMap<String, String>| {
            row["columns"].contains(columns) && row["name"] == name && row["group"].contains(group)
        };
        Ok(self.0.iter().find(is_it).ok_or_else(|| format!("no finding {name} of {columns}"))?)
    }
}

fn number(row: &BTreeMap<String, String>, column: &str) -> Option<f64> {
    row.get(column).unwrap_or_else(|| panic!("a column {column}")).parse().ok()
}

/// Mean and standard error.
fn mean(numbers: &[f64]) -> (f64, f64) {
    let n = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    let variance = numbers.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

fn with_error((mean, error): (f64, f64)) -> String {
    if error.is_finite() && error > 0.0 { format!("{mean:.4} ± {error:.4}") } else { format!("{mean:.4}") }
}

/// A value that must lie in an interval.
fn within(what: String, published: impl ToString, value: (f64, f64), (low, high): (f64, f64)) -> Line {
    let verdict = Some((value.0 >= low && value.0 <= high, format!("{low:.4} to {high:.4}")));
    Line { what, published: published.to_string(), found: with_error(value), verdict }
}

const ELHAGE: &str = "tiers.model.embedding.trained.model.elhage";

fn phase_diagram(folder: &Path) -> Fallible<Vec<Line>> {
    let rows = Rows::of(folder, "")?;
    let (density, importance) = (format!("{ELHAGE}.density"), format!("{ELHAGE}.importance.geometric"));
    let exact = [
        (0.1, 0.04872, 0.637),
        (0.2, 0.11382, 0.669),
        (0.3, 0.20470, 0.713),
        (0.4, 0.33729, 0.747),
        (0.5, 0.53573, 0.772),
    ];
    let mut lines = Vec::new();
    for (p, boundary, jump) in exact {
        let here = rows.at(&density, p);
        // Between the last importance at which concept 2 is dropped and the first from which it is always there.
        let shared = |r: &f64| here.at(&importance, *r).numbers("norm_2").iter().all(|&norm| norm > 0.3);
        let all = here.values(&importance);
        let first = all.iter().rposition(|r| !shared(r)).map_or(0, |last| last + 1);
        let (last, next) = (all[first.max(1) - 1], all[first.min(all.len() - 1)]);
        let middle = (last * next).sqrt();
        let simple = (p / 6.0) / (1.0 / 3.0 - 5.0 * p / 12.0);
        let reference = format!("{boundary} (closed form {simple:.5})");
        // Half a step of the axis, and 10 %.
        let reach = 1.1 * (next / last).sqrt();
        let mut line =
            within(format!("r* at p = {p}"), reference, (middle, f64::NAN), (boundary / reach, boundary * reach));
        line.found = format!("between {last:.5} and {next:.5}");
        lines.push(line);
        let norm = mean(&here.at(&importance, next).numbers("norm_2"));
        lines.push(Line {
            what: format!("length of W₂ there, p = {p}"),
            published: format!("{jump} just above r*"),
            found: with_error(norm),
            verdict: None,
        });
    }
    Ok(lines)
}

fn hysteresis(folder: &Path) -> Fallible<Vec<Line>> {
    let findings = Rows::of(folder, ".findings")?;
    // So sharp a turn has no standard error, but an interval: between two values of the axis.
    let turn = |group: &str| -> Fallible<_> {
        let (value, _) = findings.finding("represented_2", "midpoint", group)?;
        let interval = findings.interval("represented_2", "midpoint", group)?;
        Ok(((value, f64::NAN), interval))
    };
    let ((up, of_up), (down, of_down)) = (turn("up")?, turn("down")?);
    let mut lines = vec![
        within(
            "importance at which sharing ends, going down".into(),
            "0.0487 or somewhat below",
            down,
            (0.9 * 0.0487, 1.1 * 0.0487),
        ),
        within("importance at which sharing begins, going up".into(), "above 0.0487", up, (0.0487, f64::INFINITY)),
    ];
    for (line, (low, high)) in lines.iter_mut().zip([of_down, of_up]) {
        line.found += &format!(" (95 %: {low:.4} to {high:.4})");
    }
    Ok(lines)
}

fn polytopes(folder: &Path) -> Fallible<Vec<Line>> {
    let rows = Rows::of(folder, "")?;
    let figures = [
        (5.0, 2.0, "pentagon", "pentagon", 0.4),
        (4.0, 2.0, "digon, one of two", "digon", 0.5),
        (6.0, 2.0, "hexagon", "hexagon", 1.0 / 3.0),
        (6.0, 3.0, "digon, one of three", "digon", 0.5),
        (8.0, 3.0, "square antiprism", "antiprism", 0.371),
    ];
    let mut lines = Vec::new();
    for (n, d, figure, column, value) in figures {
        let here = rows.at("n_concepts", n).at("d_model", d);
        let found = mean(&here.numbers("mean_feature_dimensionality"));
        // The mean of D is d/n for every tight frame: what tells the figure is how many of the concepts sit on it.
        let on_it = mean(&here.numbers(&format!("fraction_{column}")));
        lines.push(within(
            format!("{n} concepts in {d} units: part of them on a {figure}"),
            "1",
            on_it,
            (0.999, 1.001),
        ));
        lines.push(within("their mean D".into(), format!("{value:.4}"), found, (value - 0.01, value + 0.01)));
        let failed = mean(&here.numbers("restarts_failed_fraction"));
        lines.push(Line {
            what: "starts that end clearly more than 5 % above the best".into(),
            published: String::new(),
            found: with_error(failed),
            verdict: None,
        });
    }
    Ok(lines)
}

fn plateaus(folder: &Path) -> Fallible<Vec<Line>> {
    let rows = Rows::of(folder, "")?;
    let column = format!("{ELHAGE}.density");
    let reference = [
        (1.0, 1.007),
        (0.7, 0.933),
        (0.5, 0.559),
        (0.35, 0.519),
        (0.25, 0.489),
        (0.18, 0.331),
        (0.12, 0.251),
        (0.08, 0.198),
        (0.05, 0.148),
        (0.03, 0.111),
        (0.02, 0.090),
        (0.01, 0.070),
    ];
    let mut lines = Vec::new();
    for (p, value) in reference {
        let here = rows.at(&column, p);
        lines.push(within(
            format!("D* at density {p}"),
            format!("{value:.3}"),
            mean(&here.numbers("d_star")),
            (0.9 * value, 1.1 * value),
        ));
    }
    for (p, _) in reference {
        let sum = mean(&rows.at(&column, p).numbers("sum_feature_dimensionality"));
        lines.push(within(format!("Σ D at density {p}"), "10", sum, (9.9, 10.1)));
    }
    for p in [0.5, 0.35, 0.25] {
        let here = rows.at(&column, p);
        let parts: Vec<f64> = here
            .numbers("fraction_digon")
            .iter()
            .zip(here.numbers("phi_half"))
            .map(|(digon, phi)| digon / phi)
            .collect();
        lines.push(within(
            format!("represented concepts with D = 1/2 at density {p}"),
            "1",
            mean(&parts),
            (0.99, 1.01),
        ));
    }
    Ok(lines)
}

fn strong(folder: &Path) -> Fallible<Vec<Line>> {
    let (rows, findings) = (Rows::of(folder, "")?, Rows::of(folder, ".findings")?);
    let reference = [
        (10.0, 0.721, 0.135),
        (15.0, 0.641, 0.539),
        (25.0, 0.357, 0.696),
        (39.0, 0.182, 0.849),
        (63.0, 0.0913, 0.948),
        (100.0, 0.0606, 0.948),
    ];
    let (slope, error) = findings.finding("y = training_loss", "exponent", "")?;
    let mut lines = vec![within(
        "exponent of the loss on the width".into(),
        "1.12 ± 0.06",
        (-slope, error.unwrap_or(f64::NAN)),
        (0.95, 1.35),
    )];
    for (d, loss, phi) in reference {
        let here = rows.at("d_model", d);
        lines.push(Line {
            what: format!("loss at d = {d}"),
            published: loss.to_string(),
            found: with_error(mean(&here.numbers("training_loss"))),
            verdict: None,
        });
        lines.push(Line {
            what: format!("φ_1 at d = {d}"),
            published: phi.to_string(),
            found: with_error(mean(&here.numbers("phi_one"))),
            verdict: None,
        });
        let overlap: Vec<f64> = here.numbers("strong_mean_square_cosine").iter().map(|c| d * c).collect();
        lines.push(within(
            format!("d ⟨cos²⟩ of strong concepts at d = {d}"),
            "0.94 to 1.04",
            mean(&overlap),
            (0.9, 1.1),
        ));
    }
    Ok(lines)
}

fn weak(folder: &Path) -> Fallible<Vec<Line>> {
    let (rows, findings) = (Rows::of(folder, "")?, Rows::of(folder, ".findings")?);
    let column = "tiers.model.embedding.trained.model.liu.alpha";
    let mut lines = Vec::new();
    for (alpha, exponent, theory) in
        [(1.5, 0.714, "0.5 (ideal, n → ∞); 0.70 published"), (2.0, 1.064, "1 (ideal, n → ∞); 1.15 published")]
    {
        let here = rows.at(column, alpha);
        let ratios = here.numbers("loss_over_unrepresented");
        let (least, most) = ratios.iter().fold((f64::INFINITY, 0.0f64), |(a, b), &x| (a.min(x), b.max(x)));
        let mut line = within(
            format!("loss / (4/3 Σ p) at α = {alpha}, {} trainings", ratios.len()),
            "1",
            mean(&ratios),
            (0.92, 1.08),
        );
        line.verdict =
            Some((least >= 0.92 && most <= 1.08, format!("0.92 to 1.08, all of them: {least:.3} to {most:.3}")));
        lines.push(line);
        let (slope, error) = findings.finding("y = training_loss", "exponent", &format!("alpha = {alpha}"))?;
        lines.push(within(
            format!("exponent of the loss at α = {alpha}"),
            format!("{exponent}; {theory}"),
            (-slope, error.unwrap_or(f64::NAN)),
            (exponent - 0.25, exponent + 0.25),
        ));
    }
    Ok(lines)
}

fn learning(folder: &Path) -> Fallible<Vec<Line>> {
    let rows = Rows::of(folder, "")?;
    let last = rows.at("step", rows.values("step").last().copied().ok_or("no steps")?);
    let mut lines = Vec::new();
    for (rank, strength) in [(1, 2.0f64), (2, 1.0), (3, 0.5), (4, 0.25)] {
        let half = libm::log(strength / 0.001 - 1.0) / (2.0 * strength);
        let step = 0.001 * mean(&last.numbers(&format!("learned_step_{rank}"))).0;
        lines.push(within(
            format!("half of the way of the mode of strength {strength}"),
            format!("{half:.4}"),
            (step, f64::NAN),
            (half * 0.995, half * 1.005),
        ));
    }
    let apart = rows
        .0
        .iter()
        .filter_map(|row| Some((number(row, "training_loss")? - number(row, "training_loss_theory")?).abs()))
        .fold(0.0, f64::max);
    let whole = 0.5 * (4.0 + 1.0 + 0.25 + 0.0625);
    lines.push(within(
        "largest distance of the loss from theory, over its start".into(),
        "0",
        (apart / whole, f64::NAN),
        (0.0, 0.005),
    ));
    Ok(lines)
}

fn parity(folder: &Path) -> Fallible<Vec<Line>> {
    let rows = Rows::of(folder, "")?;
    let last = rows.at("step", rows.values("step").last().copied().ok_or("no steps")?);
    let learned = mean(&last.numbers("learned_fraction"));
    Ok(vec![
        Line {
            what: "tasks learned in the end".into(),
            published: "1".into(),
            found: with_error(learned),
            verdict: None,
        },
        within(
            "exponent of the step on the frequency".into(),
            "−1",
            mean(&last.numbers("learned_exponent")),
            (-1.25, -0.75),
        ),
    ])
}
