//! Numbers: measures of two small representations against what numpy, scipy and scikit-learn make of them (tests/numbers/make_reference.py).
// A test may compare with std's functions; a result may not come from them.
#![allow(clippy::disallowed_methods)]

mod experiment;

use std::fs;
use std::path::{Path, PathBuf};

use experiment::{Experiment, run};
use serde_json::Value;

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
