//! Laws: what every measure promises of every embedding, for every kind in the registries.
// A test may compare with std's functions; a result may not come from them.
#![allow(clippy::disallowed_methods)]

mod experiment;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use experiment::{plan, run, run_plan, write_npy};
use nalgebra::DMatrix;
use rand::seq::SliceRandom;
use rand_distr::{Distribution, StandardNormal};
use superpose::embedding::{Model, Scheme};
use superpose::geometry::embedding::Embedding;
use superpose::geometry::kernel::Kernel;
use superpose::measure::{Measure, Measures, Subject, Training, wanted_by};
use superpose::output::csv;
use superpose::seed::{Rng, Stream};
use superpose::table::{Change, Column, Table, Unit, Value};
use superpose::training::{Architecture, Outcome, Progress};

const SHAPES: [(usize, usize); 12] =
    [(1, 1), (1, 5), (2, 1), (2, 2), (2, 9), (3, 1), (3, 2), (7, 3), (5, 16), (60, 8), (40, 40), (210, 33)];

/// An embedding to be measured: the tier without its name, and the concepts unless it brings its own.
struct Case {
    tier: String,
    n_concepts: Option<usize>,
}

impl Case {
    fn text(&self, measures: &str) -> String {
        self.repeated(2, measures)
    }

    fn is_trained(&self) -> bool {
        self.tier.contains("embedding.trained")
    }

    fn repeated(&self, replicates: usize, measures: &str) -> String {
        let concepts = self.n_concepts.map_or(String::new(), |n| format!("[concepts]\ncount = {n}\n"));
        format!(
            "name = \"t\"\nseed = 4\nreplicates = {replicates}\n{concepts}[[tiers]]\nname = \"a\"\n{}\n[measure]\n{measures}",
            self.tier
        )
    }
}

/// Every kind of embedding, in every shape that it takes.
fn cases(folder: &Path) -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in Scheme::kinds() {
        let own = |tiers: &[&str]| {
            tiers.iter().map(|tier| Case { tier: (*tier).to_owned(), n_concepts: None }).collect::<Vec<_>>()
        };
        let shaped = |parameters: &dyn Fn(usize) -> Vec<String>| {
            let tiers = |(n, d)| {
                let case = move |p| Case {
                    tier: format!("params = 1e9\nd_model = {d}\nembedding.{} = {{ {p} }}", kind.name),
                    n_concepts: Some(n),
                };
                parameters(d).into_iter().map(case).collect::<Vec<_>>()
            };
            SHAPES.into_iter().flat_map(tiers).collect::<Vec<_>>()
        };
        cases.extend(match kind.name {
            "localized" => shaped(&|d| vec![String::new(), format!("units = {}", d.min(3)), format!("units = {d}")]),
            "semi_distributed" => shaped(&|d| vec![String::new(), "units = 1".into(), format!("units = {d}")]),
            "fully_distributed" => shaped(&|_| {
                ["gaussian", "rademacher", "uniform"].map(|entries| format!("entries = \"{entries}\"")).into()
            }),
            "support" => shaped(&|d| vec!["active = 1".into(), "lambda = \"params\"".into(), format!("active = {d}")]),
            "frame" => own(&[
                "d_model = 1\nembedding.frame = { packing = \"simplex\" }",
                "d_model = 2\nembedding.frame = { packing = \"simplex\" }",
                "d_model = 33\nembedding.frame = { packing = \"simplex\" }",
                "embedding.frame = { packing = \"icosahedron\" }",
                "embedding.frame = { packing = \"lines28\" }",
                "d_model = 2\nembedding.frame = { packing = \"hadamard\" }",
                "d_model = 16\nembedding.frame = { packing = \"hadamard\" }",
            ]),
            "file" => files()
                .into_iter()
                .map(|(name, vectors)| {
                    write_npy(&folder.join(format!("{name}.npy")), &vectors);
                    Case { tier: format!("embedding.file = {{ path = \"{name}.npy\" }}"), n_concepts: None }
                })
                .collect(),
            // Of few of the files: what is drawn is alike.
            "twin" => files()
                .into_iter()
                .filter(|(name, _)| ["pair", "off centre", "wide"].contains(name))
                .map(|(name, vectors)| {
                    write_npy(&folder.join(format!("{name}.npy")), &vectors);
                    Case { tier: format!("embedding.twin = {{ of.path = \"{name}.npy\" }}"), n_concepts: None }
                })
                .collect(),
            "trained" => shaped(&|_| Architecture::kinds().iter().map(|model| brief(model.name)).collect()),
            new => panic!("say here how embeddings of the kind {new} are asked for"),
        });
    }
    cases
}

/// The parameters of a training of a few steps.
fn brief(model: &str) -> String {
    // What is learned by exact gradients has no batch.
    let batch = if model == "deep_linear" { "" } else { ", batch = 40" };
    format!("model.{model} = {{}}, steps = 30{batch}")
}

/// Vectors that no random code brings: equal, opposite, nearly equal, and of very different lengths.
fn files() -> Vec<(&'static str, Vec<Vec<f64>>)> {
    let mut rng = Stream::from_seed(9).rng();
    let mut random = |n: usize, d: usize| {
        (0..n).map(|_| (0..d).map(|_| StandardNormal.sample(&mut rng)).collect()).collect::<Vec<Vec<f64>>>()
    };
    let scaled = |vectors: &[Vec<f64>], size: &dyn Fn(usize) -> f64| {
        vectors.iter().enumerate().map(|(i, v)| v.iter().map(|x| x * size(i)).collect()).collect::<Vec<Vec<f64>>>()
    };
    let moved = |vectors: &[Vec<f64>], by: f64| {
        vectors.iter().map(|v| v.iter().map(|x| x + by).collect()).collect::<Vec<Vec<f64>>>()
    };
    let base = random(50, 12);
    let line = random(1, 7);
    vec![
        ("alone", random(1, 4)),
        ("pair", random(2, 4)),
        ("equal", vec![base[0].clone(); 5]),
        ("opposite", base.iter().flat_map(|v| [v.clone(), v.iter().map(|x| -x).collect()]).collect()),
        ("on a line", (1..21).map(|i| line[0].iter().map(|x| x * (f64::from(i) / 7.0 - 1.3)).collect()).collect()),
        ("off centre", moved(&base, 3.0)),
        ("far off centre", moved(&base, 30.0)),
        ("nearly equal", moved(&scaled(&base, &|_| 1e-5), 1.0)),
        ("hardly different", moved(&scaled(&base, &|_| 1e-7), 1.0)),
        ("long", scaled(&base, &|_| 1e11)),
        ("short", scaled(&base, &|_| 1e-11)),
        ("long and short", scaled(&base, &|i| 10f64.powi(i as i32 % 21 - 10))),
        ("one long", scaled(&base, &|i| if i == 7 { 1e9 } else { 1e-9 })),
        ("wide", random(9, 300)),
        ("all positive line", (1..40).map(|i| vec![f64::from(i)]).collect()),
    ]
}

/// The measures that say something about this many concepts, each as a line of TOML; of a training only where there is one. Those that need many concepts by
/// default are asked for few.
fn asked(n_concepts: u64, is_trained: bool) -> Vec<(&'static str, String)> {
    let lines = Measures::kinds()
        .into_iter()
        .map(|kind| (kind.name, format!("{} = {{ {} }}\n", kind.name, few(kind.name, n_concepts))));
    let fits = |member: &dyn Measure| member.least_concepts() <= n_concepts && (is_trained || !member.reads_training());
    lines.filter(|(_, line)| chosen(line).chosen().iter().all(|measure| fits(measure.member))).collect()
}

/// Parameters with which a measure is quick, and says something about few concepts.
fn few(measure: &str, n_concepts: u64) -> String {
    let items = (n_concepts / 3).clamp(1, 5);
    let candidates = (n_concepts - items + 1).min(9);
    let counts = if items == 1 { "1".to_owned() } else { format!("1, {items}") };
    match measure {
        "bundling" => format!("items = [{counts}], candidates = {candidates}, trials = 20"),
        "retrieval" => "trials = 20".to_owned(),
        "task" => format!("steps = [1, 4], items = {items}, candidates = {candidates}, trials = 10"),
        "sparse_recovery" => format!("active = [{counts}], trials = 6, iterations = 100"),
        "associative_memory" => "trials = 5".to_owned(),
        "training" => {
            format!("ranks = [{counts}], answered = [{counts}], learned = [{counts}], learned_exponent = true")
        }
        "represented" => "concepts = [1]".to_owned(),
        "dimensionality" => format!("polytopes = true, concepts = [{counts}]"),
        "similarity" => format!("to = \"a\", k = {}, permutations = 3", (n_concepts / 2).clamp(1, 10)),
        "neighbours" if n_concepts < 11 => format!("ranks = [{}]", (n_concepts / 2).max(1)),
        "hubness" | "intrinsic_dimension" if n_concepts < 11 => format!("k = {}", (n_concepts / 2).max(1)),
        _ => String::new(),
    }
}

/// The same, as one text.
fn measures(n_concepts: u64, is_trained: bool) -> String {
    asked(n_concepts, is_trained).into_iter().map(|(_, line)| line).collect()
}

fn chosen(measures: &str) -> Measures {
    toml::from_str(measures).expect("measures")
}

fn n_concepts(folder: &Path, case: &Case) -> u64 {
    plan(folder, &case.text("sparsity = {}")).first.plan.tiers[0].size.expect("an embedding").n_concepts
}

#[test]
fn law_every_value_lies_in_its_range_or_is_named_as_undefined() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut faults = Vec::new();
    for case in cases(folder.path()) {
        let n = n_concepts(folder.path(), &case);
        let table = run(folder.path(), &case.repeated(30, &measures(n, case.is_trained()))).0;
        for row in &table.rows {
            faults
                .extend(out_of_place(&table, row).into_iter().map(|fault| format!("n = {n}, {}: {fault}", case.tier)));
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// What is wrong with a row.
fn out_of_place(table: &Table, row: &[Value]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut undefined = Vec::new();
    let cell = |name: &str| table.position(name).and_then(|idx| row[idx].number());
    for (column, value) in table.columns.iter().zip(row) {
        let (least, most) = column.range;
        match value {
            Value::Number(x) if !x.is_finite() || *x < least || *x > most => {
                faults.push(format!("{} = {x:?} is not within {least} to {most}", column.name));
            }
            Value::Whole(k) if (*k as f64) < least || *k as f64 > most => faults.push(format!("{} = {k}", column.name)),
            Value::Text(_) if column.unit != Unit::Text => faults.push(format!("{} is a text", column.name)),
            Value::Undefined if !["params", "tokens", "compute"].contains(&column.name.as_ref()) => {
                undefined.push(column.name.as_ref())
            }
            _ => {}
        }
    }
    let expected = if undefined.is_empty() { "ok".to_owned() } else { format!("undefined: {}", undefined.join(" ")) };
    let status = &row[table.position("status").expect("a status")];
    if *status != Value::Text(expected.clone()) {
        faults.push(format!("status is {status}, not {expected}"));
    }
    let sizes = ["abs_cosine_p50", "abs_cosine_p90", "abs_cosine_p99", "abs_cosine_p999", "coherence"].map(cell);
    if sizes.windows(2).any(|pair| pair[0] > pair[1]) {
        faults.push(format!("quantiles fall: {sizes:?}"));
    }
    // |mean| ≤ mean size ≤ root mean square ≤ largest; the means are sums of up to 22,000 terms in f64.
    let means = ["mean_cosine", "mean_abs_cosine", "mean_square_cosine", "coherence"].map(cell);
    if let [Some(mean), Some(size), Some(square), Some(largest)] = means
        && [mean.abs(), size, square.sqrt(), largest].windows(2).any(|pair| pair[0] > pair[1] * (1.0 + 1e-13))
    {
        faults.push(format!("means out of order: {means:?}"));
    }
    // Σ Dᵢ ≤ d, up to the rounding of f32 dot products; and no packing beats the bounds.
    if let (Some(sum), Some(d)) = (cell("sum_feature_dimensionality"), cell("d_model"))
        && sum > d * (1.0 + 1e-6)
    {
        faults.push(format!("Σ Dᵢ = {sum} is more than d = {d}"));
    }
    if let (Some(coherence), Some(bound)) = (cell("coherence"), cell("welch_bound"))
        && coherence < bound - 1e-6
    {
        faults.push(format!("coherence {coherence} is less than the bound {bound}"));
    }
    faults
}

#[test]
fn law_columns_say_what_they_are() {
    let columns: Vec<Column> = plan(Path::new("."), &format!("name = \"t\"\n[concepts]\ncount = 2\n[[tiers]]\nname = \"a\"\nd_model = 2\nembedding.localized = {{}}\n[measure]\n{}", measures(2, false))).columns;
    let names: HashSet<_> = columns.iter().map(|column| column.name.as_ref()).collect();
    assert_eq!(names.len(), columns.len(), "names are unique");
    for column in &columns {
        assert!(
            column.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'),
            "{}",
            column.name
        );
        assert!(column.meaning.len() > 5 && !column.meaning.ends_with('.'), "{}: {:?}", column.name, column.meaning);
        assert!(column.range.0 < column.range.1, "{}: {:?}", column.name, column.range);
        assert!(
            column.theory.as_deref().is_none_or(|theory| names.contains(theory)),
            "{}: no column {:?}",
            column.name,
            column.theory
        );
        let changes: HashSet<_> = column.unmoved_by.iter().map(|change| change.words()).collect();
        assert_eq!(changes.len(), column.unmoved_by.len(), "{}", column.name);
    }
    for kind in Measures::kinds() {
        assert!(!kind.summary().is_empty() && kind.manual().contains("Source: "), "{}", kind.name);
    }
}

/// A training of n concepts that are not alike, for embeddings that were not learned.
fn training(n: usize) -> Training {
    let frequency: Vec<f64> = (1..=n).map(|i| 1.0 / (i + 1) as f64).collect();
    let progress = Progress {
        loss: 0.3,
        loss_standard_error: 0.01,
        loss_theory: Some(0.25),
        loss_by_concept: vec![0.3 / n as f64; n],
        stakes: vec![1.0; n],
        learned_at: vec![Some(7); n],
        learned_in_theory: vec![Some(6.5); n],
        frequency,
    };
    Training { step: 9, progress, outcome: Outcome::Converged, n_restarts: 3, n_failed: 1 }
}

/// Every measure's values of an embedding, column by column.
fn observed(embedding: &Embedding) -> Vec<(Column, Value)> {
    let measures = chosen(&measures(embedding.n_concepts() as u64, true));
    let chosen = measures.chosen();
    let subject = Subject::new(embedding.clone(), wanted_by(&chosen), Kernel::best(), false)
        .after(training(embedding.n_concepts()));
    // Measures of two representations have one beside it that stays as it is.
    let mut rng = Stream::from_seed(2).rng();
    let other = DMatrix::from_fn(9, embedding.n_concepts(), |_, _| StandardNormal.sample(&mut rng));
    let subject = subject.beside(Arc::new(Subject::new(Embedding::new(other), None, Kernel::best(), false)));
    let stream = Stream::from_seed(1);
    chosen.iter().flat_map(|m| m.member.columns().into_iter().zip(m.member.observe(&subject, &stream))).collect()
}

fn embedded(folder: &Path, case: &Case) -> Embedding {
    let plan = plan(folder, &case.text("sparsity = {}")).first.plan;
    let size = plan.tiers[0].size.expect("an embedding");
    let model =
        Model { n_concepts: size.n_concepts as usize, d_model: size.d_model as usize, params: Some(1e9), folder };
    let scheme = plan.scenario.tiers[0].embedding.as_ref().expect("an embedding");
    scheme.member().embed(&model, &Stream::from_seed(6), false).expect("it can be embedded")
}

fn changed(embedding: &Embedding, change: Change, rng: &mut Rng) -> Embedding {
    let (n, d) = (embedding.n_concepts(), embedding.d_model());
    match change {
        Change::Rotation => {
            let normal = DMatrix::from_fn(d, d, |_, _| StandardNormal.sample(rng));
            let rotation: DMatrix<f64> = normal.qr().q();
            Embedding::new((rotation * embedding.matrix().map(f64::from)).map(|x| x as f32))
        }
        Change::Permutation => {
            let mut order: Vec<usize> = (0..n).collect();
            order.shuffle(rng);
            Embedding::new(embedding.matrix().select_columns(&order))
        }
        Change::Rescaling => {
            let mut matrix = embedding.matrix().clone();
            for (i, factor) in [(0, 3.0), (n / 2, 1.0 / 7.0), (n - 1, 0.4)] {
                matrix.column_mut(i).scale_mut(factor);
            }
            Embedding::new(matrix)
        }
    }
}

const CHANGES: [Change; 3] = [Change::Rotation, Change::Permutation, Change::Rescaling];

/// Whether a value has moved by more than rounding.
///
/// A change rounds each f32 entry to 2⁻²⁴ of itself, and the chain of a dot product rounds again at every step: together a few 1e-7 of a cosine for
/// up to 40 units. Moments of c follow with up to four times that, divided by the size of c; ranks and dimensionalities likewise.
/// A quantile may fall into the next bin, 0.8 % away.
fn moved(column: &Column, before: &Value, after: &Value) -> bool {
    let (Some(x), Some(y)) = (before.number(), after.number()) else { return before != after };
    let tolerance = match column.unit {
        Unit::Count if column.name == "n_pairs" => 0.0,
        Unit::Cosine if column.name.starts_with("abs_cosine_p") => 0.008 * x.max(y) + 1e-6,
        Unit::Cosine => 1e-6,
        // About zero, the fourth moment over the squared second.
        _ if column.name == "excess_kurtosis_cosine" => 1e-4 * (x.abs() + 3.0),
        // The rounding of a score, in units of the spread of its null, which may be some 1e-3.
        _ if column.name.ends_with("_z") => 1e-4 * (x.abs() + 1.0),
        // Logarithms of ratios of distances are rounded to 1e-7, and may differ by no more than 1e-4 where a dimension is still told.
        _ if column.name.ends_with("_se") => 1e-3 * x.abs(),
        // Estimated from ln μ, which is 1/dimension on average: a dimension divides by it what 1e-7 of rounding makes of the two distances.
        _ if ["twonn_dimension", "twonn_fit_dimension", "mle_dimension"].contains(&column.name.as_ref()) => {
            1e-5 * x.abs() + 1e-7 * x * x
        }
        _ if ["represented_fraction", "zero_fraction", "zero_units_fraction"].contains(&column.name.as_ref()) => 0.0,
        Unit::Fraction => 1e-6,
        _ => 1e-5 * x.abs(),
    };
    (x - y).abs() > tolerance
}

/// Embeddings in which no value is rounding alone: for the laws and for their converse.
fn sound(folder: &Path) -> Vec<(String, Embedding)> {
    // Vectors that are nothing but a common one, and lengths that differ by 10^18, leave the centred columns to rounding.
    let unsound = ["nearly equal", "hardly different", "equal", "long and short", "one long", "far off centre"];
    let cases = cases(folder)
        .into_iter()
        .filter(|case| !unsound.iter().any(|name| case.tier.contains(&format!("\"{name}.npy\""))));
    cases.map(|case| (format!("n = {:?}, {}", case.n_concepts, case.tier), embedded(folder, &case))).collect()
}

/// Whether the cosines of an embedding are all zero, or would be without rounding: their kurtosis is that of rounding.
fn is_orthogonal(values: &[(Column, Value)]) -> bool {
    values.iter().any(|(column, value)| column.name == "coherence" && value.number().is_some_and(|c| c < 1e-5))
}

#[test]
fn law_a_column_is_moved_by_what_it_does_not_exclude_and_by_nothing_else() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut rng = Stream::from_seed(77).rng();
    let mut faults = Vec::new();
    let mut has_moved: HashSet<(String, &str)> = HashSet::new();
    let embeddings = sound(folder.path());
    for (name, embedding) in &embeddings {
        let before = observed(embedding);
        for change in CHANGES {
            let after = observed(&changed(embedding, change, &mut rng));
            for ((column, x), (_, y)) in before.iter().zip(&after) {
                if !moved(column, x, y) || column.name == "excess_kurtosis_cosine" && is_orthogonal(&before) {
                    continue;
                }
                has_moved.insert((column.name.to_string(), change.words()));
                if column.unmoved_by.contains(&change) {
                    faults.push(format!("{} of {name} goes from {x} to {y} by {}", column.name, change.words()));
                }
            }
        }
    }
    let largest = embeddings.iter().max_by_key(|(_, embedding)| embedding.n_concepts()).expect("embeddings");
    for (column, _) in observed(&largest.1) {
        for change in CHANGES.into_iter().filter(|change| !column.unmoved_by.contains(change)) {
            if !has_moved.contains(&(column.name.to_string(), change.words())) {
                faults.push(format!("{} is not moved by {}, but does not say so", column.name, change.words()));
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// All rows as text, which names every bit of a number.
fn rows(table: &Table) -> Vec<String> {
    let text = String::from_utf8(csv::encode(table).expect("in memory")).expect("UTF-8");
    text.lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn law_a_measure_does_not_depend_on_the_others() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for case in cases(folder.path()) {
        let n = n_concepts(folder.path(), &case);
        let asked = asked(n, case.is_trained());
        let all = run(folder.path(), &case.text(&measures(n, case.is_trained()))).0;
        // Each measure alone, and all but each.
        for (k, alone) in (0..asked.len()).flat_map(|k| [(k, true), (k, false)]) {
            let text: String = asked
                .iter()
                .enumerate()
                .filter(|(i, _)| (*i == k) == alone)
                .map(|(_, (_, line))| line.as_str())
                .collect();
            if text.is_empty() {
                continue;
            }
            let some = run(folder.path(), &case.text(&text)).0;
            for (idx, column) in some.columns.iter().enumerate().filter(|(_, column)| column.name != "status") {
                let whole_idx = all.position(&column.name).expect("all columns are there");
                for (row, whole) in some.rows.iter().zip(&all.rows) {
                    assert_eq!(
                        row[idx].to_string(),
                        whole[whole_idx].to_string(),
                        "{} of {} with {text}",
                        column.name,
                        case.tier
                    );
                }
            }
        }
    }
}

#[test]
fn law_a_parameter_of_a_measure_leaves_its_other_columns() {
    let case = Case { tier: "d_model = 20\nembedding.fully_distributed = {}".into(), n_concepts: Some(30) };
    let both = ["true", "false"]
        .map(|word| run(Path::new("."), &case.text(&format!("spectrum = {{ effective_rank = {word} }}"))));
    let ratios = both.map(|e| e.numbers("a", "participation_ratio"));
    assert_eq!(ratios[0], ratios[1]);
}

#[test]
fn law_adding_or_reordering_tiers_and_adding_replicates_leaves_the_other_rows() {
    let text = |replicates: usize, tiers: &[&str]| {
        let tiers: String = tiers.iter().map(|tier| format!("[[tiers]]\nname = {tier}\n")).collect();
        format!(
            "name = \"t\"\nseed = 5\nreplicates = {replicates}\n[concepts]\ncount = 40\n{tiers}[measure]\n{}",
            measures(40, false)
        )
    };
    let table = |text: &str| rows(&run_plan(&plan(Path::new("."), text), Kernel::best(), 4 << 30));
    let (a, b, c) = (
        "\"a\"\nparams = 1e6\nd_model = 30\nembedding.support = { lambda = 0.5 }",
        "\"b\"\nd_model = 30\nembedding.fully_distributed = {}",
        "\"c\"\nd_model = 12\nembedding.semi_distributed = {}",
    );
    let base = table(&text(2, &[a, b]));
    assert_eq!(base, table(&text(2, &[a, b, c]))[..4], "a tier added at the end");
    assert_eq!(base, table(&text(2, &[c, a, b]))[2..], "a tier added at the beginning");
    let turned = table(&text(2, &[b, a]));
    assert_eq!(base, [&turned[2..], &turned[..2]].concat(), "tiers in another order");
    let more = table(&text(5, &[a, b]));
    assert_eq!(base, [&more[..2], &more[5..7]].concat(), "more replicates");
    let unique: HashSet<_> = more.iter().collect();
    assert_eq!(unique.len(), 10, "replicates and tiers differ");
    // What a stream is named by does change the numbers: the seed, the name of the tier, its embedding.
    let renamed = table(&text(2, &[a, &b.replace("\"b\"", "\"B\"")]));
    assert_ne!(base[2].split_once(','), renamed[2].split_once(','));
    assert_eq!(base[..2], renamed[..2]);
}
