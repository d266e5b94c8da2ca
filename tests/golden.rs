//! Golden: the CSVs of the scenarios at smoke size, as they were recorded.
// A test may compare with std's functions; a result may not come from them.
#![allow(clippy::disallowed_methods)]

mod experiment;

use std::fs;
use std::path::{Path, PathBuf};

use experiment::run_plan;
use superpose::geometry::kernel::Kernel;
use superpose::output::csv;
use superpose::scenario::document::Document;
use superpose::scenario::study::Study;

/// A new version of a library may move last bits; a change of the mathematics is larger.
const TOLERANCE: f64 = 1e-9;

const RECORD: &str = "SUPERPOSE_RECORD";

fn here(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

/// The files of a folder with an extension, by name.
fn names(folder: &str, extension: &str) -> Vec<String> {
    let files = fs::read_dir(here(folder)).into_iter().flatten().map(|entry| entry.expect("an entry").path());
    let files = files.filter(|path| path.extension().is_some_and(|x| x == extension));
    let mut names: Vec<_> =
        files.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn smoke_csv(name: &str) -> String {
    let mut document = Document::read(&here("scenarios").join(format!("{name}.toml"))).expect("it can be read");
    document.make_smoke().expect("it has a smoke size");
    let study = Study::new(&document).expect("it can be planned");
    String::from_utf8(csv::encode(&run_plan(&study, Kernel::best(), 4 << 30)).expect("in memory")).expect("UTF-8")
}

#[test]
fn golden_scenarios_at_smoke_size() {
    let scenarios = names("scenarios", "toml");
    assert!(!scenarios.is_empty());
    let record = std::env::var_os(RECORD).is_some_and(|value| value == "1");
    let mut differences = Vec::new();
    for name in &scenarios {
        let (path, found) = (here("tests/golden").join(format!("{name}.csv")), smoke_csv(name));
        if record {
            fs::create_dir_all(here("tests/golden")).expect("the folder can be made");
            fs::write(&path, &found).expect("the file can be written");
        }
        match fs::read_to_string(&path) {
            Ok(recorded) => differences.extend(compare(name, &recorded, &found)),
            Err(error) => differences.push(format!("{}: {error}", path.display())),
        }
    }
    for orphan in names("tests/golden", "csv").iter().filter(|name| !scenarios.contains(name)) {
        differences.push(format!("tests/golden/{orphan}.csv has no scenario"));
    }
    assert!(
        differences.is_empty(),
        "{}\n{} differences. If the output was meant to change, record it and say in the changelog what moved, by how much and why:\n\
         {RECORD}=1 cargo test --release --test golden",
        differences.iter().take(20).cloned().collect::<Vec<_>>().join("\n"),
        differences.len()
    );
}

/// What differs, a line for each cell.
fn compare(scenario: &str, recorded: &str, found: &str) -> Vec<String> {
    let (recorded, found) = (rows(recorded), rows(found));
    if recorded[0] != found[0] {
        return vec![format!("{scenario}: the columns were {} and are {}", recorded[0].join(","), found[0].join(","))];
    }
    if recorded.len() != found.len() {
        return vec![format!("{scenario}: {} rows were recorded, {} were found", recorded.len() - 1, found.len() - 1)];
    }
    let mut differences = Vec::new();
    for (row_idx, (old, new)) in recorded.iter().zip(&found).enumerate().skip(1) {
        for (column, (old, new)) in
            recorded[0].iter().zip(old.iter().zip(new)).filter(|(_, (old, new))| !agree(old, new))
        {
            let tier = &recorded[row_idx][0];
            differences.push(format!("{scenario}, row {row_idx} ({tier}), {column}: recorded {old:?}, found {new:?}"));
        }
    }
    differences
}

fn rows(text: &str) -> Vec<Vec<String>> {
    let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|row| row.expect("a row").iter().map(str::to_owned).collect()).collect()
}

/// Texts and whole numbers are the same; other numbers agree to the tolerance.
fn agree(old: &str, new: &str) -> bool {
    let is_whole = |text: &str| text.parse::<u64>().is_ok();
    match (old.parse::<f64>(), new.parse::<f64>()) {
        // A real number may be printed as a whole one, so only two whole ones must be the same.
        (Ok(a), Ok(b)) if !(is_whole(old) && is_whole(new)) => (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()),
        _ => old == new,
    }
}

#[test]
fn law_the_comparison_sees_what_it_should() {
    let recorded = "tier,k,x\nsmall,3,0.5\n";
    assert!(compare("s", recorded, "tier,k,x\nsmall,3,0.5000000001\n").is_empty());
    for (found, sentence) in [
        ("tier,k,x\nsmall,3,0.500000001\n", "s, row 1 (small), x: recorded \"0.5\", found \"0.500000001\""),
        ("tier,k,x\nsmall,3,\n", "s, row 1 (small), x: recorded \"0.5\", found \"\""),
        ("tier,k,x\nsmall,4,0.5\n", "s, row 1 (small), k: recorded \"3\", found \"4\""),
        ("tier,k,x\nlarge,3,0.5\n", "s, row 1 (small), tier: recorded \"small\", found \"large\""),
        ("tier,k,x\n", "s: 1 rows were recorded, 0 were found"),
        ("tier,k,y\nsmall,3,0.5\n", "s: the columns were tier,k,x and are tier,k,y"),
    ] {
        assert_eq!(compare("s", recorded, found), [sentence]);
    }
}
