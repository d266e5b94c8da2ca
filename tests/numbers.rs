//! Numbers: measures of two small representations against what numpy, scipy and scikit-learn make of them (tests/numbers/make_reference.py).
// A test may compare with std's functions; a result may not come from them.
#![allow(clippy::disallowed_methods)]

mod experiment;

use std::fs;
use std::path::{Path, PathBuf};

use experiment::{Experiment, run};
use serde_json::Value;
use superpose::engine::unit::read_inputs;
use superpose::engine::{self, Options};
use superpose::geometry::kernel::Kernel;
use superpose::store::Store;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/numbers")
}

fn reference() -> Value {
    serde_json::from_str(&fs::read_to_string(folder().join("reference.json")).expect("a reference")).expect("JSON")
}

fn measured(measures: &str) -> Experiment {
    let tiers =
        ["a", "b"].map(|name| format!("[[tiers]]\nname = \"{name}\"\nembedding.file = {{ path = \"{name}.npy\" }}\n"));
    run(&folder(), &format!("name = \"t\"\n{}[measure]\n{measures}", tiers.concat()))
}

/// Every number of a table of the reference against a tier's column of that name.
fn assert_alike(found: &Experiment, tier: &str, expected: &Value) {
    let expected = expected.as_object().expect("a table");
    assert!(expected.len() > 6);
    for (column, number) in expected {
        let (found, expected) = (found.number(tier, column), number.as_f64().expect("a number"));
        // All of it is f64 on f32 entries, but distances are ranked after they are rounded to f32: some of 20,000 pairs become ties.
        let tolerance = if column == "rsa" { 1e-6 } else { 1e-9 };
        assert!((found / expected - 1.0).abs() < tolerance, "{tier} {column}: {found} against {expected}");
    }
}

#[test]
fn theory_measures_of_one_representation() {
    let found = measured("anisotropy = {}\nneighbours = {}\nhubness = {}\nintrinsic_dimension = {}");
    for tier in ["a", "b"] {
        assert_alike(&found, tier, &reference()[tier]);
    }
}

#[test]
fn theory_scores_of_two_representations() {
    assert_alike(&measured("similarity = { to = \"b\" }"), "a", &reference()["a to b"]);
    assert_alike(&measured("similarity = { to = \"a\" }"), "b", &reference()["b to a"]);
}

// The closed forms against 4000 random orders: a mean is known to sd/√4000 and a standard deviation to 1/√8000 of itself.
#[test]
fn theory_nulls_are_those_of_random_orders() {
    let found = measured("similarity = { to = \"b\" }");
    let reference = reference();
    let nulls = reference["null"].as_object().expect("a table");
    assert_eq!(nulls.len(), 4);
    for (score, null) in nulls {
        let [mean, sd] = ["mean", "sd"].map(|key| null[key].as_f64().expect("a number"));
        let [found_mean, found_sd, x, z] =
            ["_null", "_null_sd", "", "_z"].map(|suffix| found.number("a", &format!("{score}{suffix}")));
        assert!((found_mean - mean).abs() < 3.5 * sd / 4000f64.sqrt(), "{score}: {found_mean} against {mean}");
        assert!((found_sd / sd - 1.0).abs() < 4.0 / 8000f64.sqrt(), "{score}: {found_sd} against {sd}");
        assert!((z - (x - found_mean) / found_sd).abs() < 1e-9 * z.abs());
    }
}

#[test]
fn theory_a_tier_is_like_itself() {
    let found = measured("similarity = { to = \"b\" }");
    for score in ["cka_biased", "cka_debiased", "rsa", "svcca", "pwcca", "mutual_neighbours"] {
        assert!((found.number("b", score) - 1.0).abs() < 1e-9, "{score}: {}", found.number("b", score));
        assert!(found.number("b", &format!("{score}_z")) > 10.0);
    }
    assert!(found.number("b", "procrustes") < 1e-9);
}

/// A text of words and their vectors, in the given order.
fn words(path: &Path, vectors: &[Vec<f64>], order: &[usize]) {
    let line = |&i: &usize| format!("w{i} {}\n", vectors[i].iter().map(f64::to_string).collect::<Vec<_>>().join(" "));
    fs::write(path, order.iter().map(line).collect::<String>()).expect("the file can be written");
}

fn vectors(n: usize, d: usize, salt: usize) -> Vec<Vec<f64>> {
    let entry = |i: usize, k: usize| ((i * 37 + k * 101 + salt * 7 + i * i * k) % 211) as f64 / 16.0 - 6.5;
    (0..n).map(|i| (0..d).map(|k| entry(i, k)).collect()).collect()
}

const SCORES: [&str; 7] = ["cka_biased", "cka_debiased", "rsa", "procrustes", "svcca", "pwcca", "mutual_neighbours"];

#[test]
fn law_concepts_are_matched_by_name_whatever_their_order() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name);
    let (x, y) = (vectors(60, 5, 0), vectors(60, 7, 3));
    let shuffled: Vec<usize> = (0..50).map(|i| (i * 17 + 4) % 60).collect();
    words(&at("x.txt"), &x, &(0..60).collect::<Vec<_>>());
    words(&at("y.txt"), &y, &shuffled);
    // What both have, in the order of x.
    let common: Vec<usize> = (0..60).filter(|i| shuffled.contains(i)).collect();
    for (name, all) in [("x.npy", &x), ("y.npy", &y)] {
        experiment::write_npy(&at(name), &common.iter().map(|&i| all[i].clone()).collect::<Vec<_>>());
    }
    let compared = |x: &str, y: &str, names: &str, by: &str| {
        run(
            folder.path(),
            &format!(
                "name = \"t\"\n{names}[[tiers]]\nname = \"x\"\nembedding.file = {{ path = \"{x}\" }}\n\
                 [[tiers]]\nname = \"y\"\nembedding.file = {{ path = \"{y}\" }}\n[measure.similarity]\nto = \"y\"\n{by}"
            ),
        )
    };
    let expected = compared("x.npy", "y.npy", "", "");
    let found = compared("x.txt", "y.txt", "", "");
    assert_eq!(found.number("x", "n_compared"), 50.0);
    for score in SCORES {
        let [found, expected] = [&found, &expected].map(|table| table.number("x", score));
        assert!((found - expected).abs() < 1e-9, "{score}: {found} against {expected}");
    }
    // The names of the scenario are those of a file that has none: w0, w1 … for the rows of x, and y in another order.
    let names: Vec<String> = common.iter().map(|i| format!("\"w{i}\"")).collect();
    let names = format!("[concepts]\nnames = [{}]\n", names.join(", "));
    for by in ["", "by = \"name\"\n"] {
        let found = compared("x.npy", "y.txt", &names, by);
        assert!((found.number("x", "rsa") - expected.number("x", "rsa")).abs() < 1e-9);
    }
    let by_order = compared("x.npy", "y.txt", &names, "by = \"order\"\n");
    assert_eq!(by_order.number("x", "n_compared"), 50.0);
    assert!((by_order.number("x", "rsa") - expected.number("x", "rsa")).abs() > 1e-3);
}

// What drop leaves out must not move the others against each other.
#[test]
fn law_concepts_that_were_left_out_keep_their_number() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name);
    let (mut x, mut y) = (vectors(60, 5, 0), vectors(60, 7, 3));
    let kept: Vec<usize> = (0..60).filter(|i| ![0, 3, 17, 59].contains(i)).collect();
    for (name, all) in [("x_kept.npy", &x), ("y_kept.npy", &y)] {
        experiment::write_npy(&at(name), &kept.iter().map(|&i| all[i].clone()).collect::<Vec<_>>());
    }
    [3, 17, 59].iter().for_each(|&i| x[i].fill(0.0));
    [0, 17].iter().for_each(|&i| y[i].fill(f64::NAN));
    experiment::write_npy(&at("x.npy"), &x);
    experiment::write_npy(&at("y.npy"), &y);
    // A twin of what is left stands in its places.
    let twin = "name = \"t\"\n[[tiers]]\nname = \"x\"\nembedding.file = { path = \"x.npy\", drop = [\"zero\"] }\n[[tiers]]\nname = \"twin\"\n\
                embedding.twin.of = { path = \"x.npy\", drop = [\"zero\"] }\n[measure.similarity]\nto = \"twin\"\n";
    assert_eq!(run(folder.path(), twin).number("x", "n_compared"), 57.0);
    let compared = |ending: &str, drop: &str| {
        let tier = |name: &str| {
            format!("[[tiers]]\nname = \"{name}\"\nembedding.file = {{ path = \"{name}{ending}\"{drop} }}\n")
        };
        let tiers = ["x", "y"].map(tier).concat();
        run(folder.path(), &format!("name = \"t\"\n{tiers}[measure.similarity]\nto = \"y\"\n"))
    };
    let found = compared(".npy", ", drop = [\"zero\", \"nonfinite\"]");
    let expected = compared("_kept.npy", "");
    assert_eq!((found.number("x", "n_dropped"), found.number("y", "n_dropped")), (3.0, 2.0));
    assert_eq!(found.number("x", "n_compared"), 56.0);
    for score in SCORES {
        let [found, expected] = [&found, &expected].map(|table| table.number("x", score));
        assert!((found - expected).abs() < 1e-9, "{score}: {found} against {expected}");
    }
}

/// Runs a study on a store: records found, and records computed.
fn found_and_computed(folder: &Path, store: &Store, text: &str) -> (u64, u64) {
    let study = experiment::plan(folder, text);
    let inputs = read_inputs(&study).expect("the files can be read");
    let options = Options {
        units: 0..study.n_units,
        kernel: Kernel::best(),
        memory: 1 << 30,
        stop_on_error: true,
        watch: &|_| {},
        stop: &|| false,
        stopped: &|_| {},
    };
    let outcome = engine::run(&study, &inputs, store, &options).expect("the study can be run");
    assert!(outcome.failures.is_empty(), "{:?}", outcome.failures);
    (outcome.progress.n_found, outcome.progress.n_computed)
}

#[test]
fn law_a_record_depends_on_all_of_the_tier_that_it_is_compared_with() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let vectors = |salt: usize| {
        (0..30)
            .map(|i| (0..5).map(|k| ((i * 7 + k * 13 + salt) % 11) as f64 - 5.5).collect())
            .collect::<Vec<Vec<f64>>>()
    };
    experiment::write_npy(&folder.path().join("v.npy"), &vectors(0));
    let text = |other: &str| {
        format!(
            "name = \"t\"\n[concepts]\ncount = 30\n[[tiers]]\nname = \"a\"\nd_model = 8\nembedding.fully_distributed = {{}}\n\
             [[tiers]]\nname = \"b\"\n{other}\n[measure.sparsity]\n[measure.similarity]\nto = \"b\"\n"
        )
    };
    let drawn = text("d_model = 8\nembedding.fully_distributed = {}");
    let wider = text("d_model = 9\nembedding.fully_distributed = {}");
    let read = text("embedding.file = { path = \"v.npy\" }");
    let store = Store::in_memory().expect("a store");
    let run = |text: &str| found_and_computed(folder.path(), &store, text);
    assert_eq!(run(&drawn), (0, 4));
    assert_eq!(run(&drawn), (4, 0));
    // What tier a is for itself is found; what it is beside another b is not.
    assert_eq!(run(&wider), (1, 3));
    assert_eq!(run(&read), (1, 3));
    assert_eq!(run(&read), (4, 0));
    experiment::write_npy(&folder.path().join("v.npy"), &vectors(1));
    assert_eq!(run(&read), (1, 3));
    // What the scores are asked for is a part of their key, too.
    assert_eq!(run(&read.replace("to = \"b\"", "to = \"b\"\nk = 9")), (2, 2));
}

#[test]
fn law_independent_tiers_of_a_scenario_are_alike_by_chance_alone() {
    let text = "name = \"t\"\nseed = 3\nreplicates = 60\n[concepts]\ncount = 80\n[[tiers]]\nname = \"a\"\nd_model = 20\nembedding.fully_distributed = {}\n\
                [[tiers]]\nname = \"b\"\nd_model = 30\nembedding.fully_distributed = {}\n[measure.similarity]\nto = \"b\"\n";
    let found = run(Path::new("."), text);
    for score in ["cka_biased", "cka_debiased", "rsa", "mutual_neighbours"] {
        let (mean, error) = experiment::mean_and_error(&found.numbers("a", &format!("{score}_z")));
        assert!(mean.abs() < 3.0 * error, "{score}: {mean} ± {error}");
        assert!((error * 60f64.sqrt() - 1.0).abs() < 0.35, "{score}: z has the spread {}", error * 60f64.sqrt());
    }
}
