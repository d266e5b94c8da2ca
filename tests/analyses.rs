//! Analyses: what a run concludes, what `analyse` concludes from the same rows and from anybody's table, and how both refuse.
// A test may compare with std's functions; a result may not come from them.
#![allow(clippy::disallowed_methods)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Two tiers of random codes over four widths: the mean square cosine falls as 1/d.
const SCENARIO: &str = r#"name = "s"
seed = 3
replicates = 3
[concepts]
count = 100
[[tiers]]
name = "dense"
d_model = 16
embedding.fully_distributed = {}
[[tiers]]
name = "sparse"
d_model = 16
embedding.support = { active = 3 }
[measure.overlap]
[sweep]
"tiers.*.d_model" = [16, 32, 64, 128]
"#;

const LAW: &str = "[[analysis]]\npower_law = { x = \"d_model\", y = \"mean_square_cosine\", by = [\"tier\"] }\n";

fn superpose(folder: &Path, arguments: &[&str]) -> Output {
    let command = Command::new(env!("CARGO_BIN_EXE_superpose")).args(arguments).current_dir(folder).output();
    command.expect("the binary runs")
}

fn done(folder: &Path, arguments: &[&str]) {
    let output = superpose(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn refused(folder: &Path, arguments: &[&str]) -> (String, Option<i32>) {
    let output = superpose(folder, arguments);
    (String::from_utf8(output.stderr).expect("UTF-8"), output.status.code())
}

fn rows(path: &Path) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_path(path).expect("a CSV");
    reader.records().map(|record| record.expect("a row").iter().map(str::to_owned).collect()).collect()
}

#[test]
fn theory_a_run_concludes_by_group_and_analyse_concludes_the_same_from_its_table() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("s.toml"), format!("{SCENARIO}{LAW}")).expect("written");
    done(folder.path(), &["run", "s.toml", "--threads", "1"]);
    let path = folder.path().join("results/s/s.findings.csv");
    let of_run = fs::read(&path).expect("findings");
    // E cos² = 1/d: the exponent is −1 for both codes.
    let findings = rows(&path);
    let exponents: Vec<_> = findings.iter().filter(|row| row[2] == "exponent").collect();
    assert_eq!(exponents.iter().map(|row| row[3].as_str()).collect::<Vec<_>>(), ["tier = dense", "tier = sparse"]);
    for row in exponents {
        let [estimate, error] = [4, 5].map(|cell| row[cell].parse::<f64>().expect("a number"));
        assert!(error < 0.05 && (estimate + 1.0).abs() < 4.0 * error, "{row:?}");
    }
    done(folder.path(), &["analyse", "s.toml", "--threads", "2"]);
    assert_eq!(fs::read(&path).expect("findings"), of_run, "the same bytes from the CSV, on more threads");
    let manifest = fs::read_to_string(folder.path().join("results/s/manifest.json")).expect("a manifest");
    assert!(manifest.contains("s.findings.csv"), "{manifest}");
    // Without analyses nothing is left of them.
    fs::write(folder.path().join("s.toml"), SCENARIO).expect("written");
    done(folder.path(), &["run", "s.toml"]);
    assert!(!path.exists());
}

#[test]
fn theory_anybodys_table_needs_a_name_and_analyses_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = "name = \"mine\"\n[[analysis]]\npower_law = { x = \"N\", y = \"loss\", by = [\"lab\"] }\n";
    fs::write(folder.path().join("mine.toml"), text).expect("written");
    let table: String = (1..9)
        .map(|k| format!("A,{},{}\nB,{},{}\n", k, 3.0 / f64::from(k), k, 2.0 * f64::from(k).powf(-0.5)))
        .collect();
    fs::write(folder.path().join("theirs.csv"), format!("lab,N,loss\n{table}")).expect("written");
    done(folder.path(), &["analyse", "mine.toml", "--table", "theirs.csv", "--out", "found"]);
    let findings = rows(&folder.path().join("found/theirs.findings.csv"));
    let exponents: Vec<f64> =
        findings.iter().filter(|row| row[2] == "exponent").map(|row| row[4].parse().expect("a number")).collect();
    assert!((exponents[0] + 1.0).abs() < 1e-9 && (exponents[1] + 0.5).abs() < 1e-9, "{exponents:?}");
}

#[test]
fn theory_analyses_that_do_not_fit_are_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let table = "tier,d_model,loss\na,1,2\nb,2,3\n";
    fs::write(folder.path().join("t.csv"), table).expect("written");
    let law = |text: &str| format!("[[analysis]]\n{text}\n");
    for (analysis, of_run, of_table) in [
        (
            "power_law = { x = \"d_mdoel\", y = \"loss\", by = [] }",
            "s.toml:18:19: analysis.power_law.x names the column \"d_mdoel\", which the table does not have; did you mean \"d_model\"?",
            "s.toml:18:19: analysis.power_law.x names the column \"d_mdoel\", which the table does not have; did you mean \"d_model\"?",
        ),
        (
            "power_law = { x = \"d_model\", y = \"tier\", by = [] }",
            "s.toml:18:34: analysis.power_law.y must name a column of numbers, but \"tier\" holds text",
            "s.toml:18:34: analysis.power_law.y must name a column of numbers, but \"tier\" holds text",
        ),
        (
            "power_law = { x = \"d_model\", y = \"params\" }",
            "s.toml:18:13: analysis.power_law lacks the key \"by\", while \"tier\" varies: give by = [\"tier\"], or by = [] to take all rows together",
            "s.toml:18:34: analysis.power_law.y names the column \"params\", which the table does not have",
        ),
        (
            "power_law = { x = \"d_model\", y = \"loss\", by = [\"teir\"] }",
            "s.toml:18:34: analysis.power_law.y names the column \"loss\", which the table does not have",
            "s.toml:18:48: analysis.power_law.by.0 names the column \"teir\", which the table does not have; did you mean \"tier\"?",
        ),
        (
            "powerlaw = { x = \"d_model\", y = \"loss\" }",
            "s.toml:18:1: analysis[1] has the unknown kind \"powerlaw\"; did you mean \"power_law\" (allowed: {kinds})",
            "s.toml:18:1: analysis[1] has the unknown kind \"powerlaw\"; did you mean \"power_law\" (allowed: {kinds})",
        ),
    ] {
        fs::write(folder.path().join("s.toml"), format!("{SCENARIO}{}", law(analysis))).expect("written");
        let kinds: Vec<_> = superpose::analysis::Conclusion::kinds().iter().map(|kind| kind.name).collect();
        let says = |text: &str| (format!("error: {}\n", text.replace("{kinds}", &kinds.join(", "))), Some(3));
        assert_eq!(refused(folder.path(), &["run", "s.toml"]), says(of_run), "{analysis}");
        assert_eq!(refused(folder.path(), &["analyse", "s.toml", "--table", "t.csv"]), says(of_table), "{analysis}");
    }
    assert!(!folder.path().join("results").exists(), "nothing is written");
}

#[test]
fn theory_tables_that_cannot_be_read_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("s.toml"), format!("name = \"s\"\n{LAW}")).expect("written");
    let of = |table: &str| refused(folder.path(), &["analyse", "s.toml", "--table", table]);
    let says = |text: &str, code| (format!("error: {text}\n"), Some(code));
    assert_eq!(of("no.csv"), says("no.csv: cannot be read: No such file or directory (os error 2)", 4));
    fs::write(folder.path().join("ragged.csv"), "a,b\n1,2\n1\n").expect("written");
    assert_eq!(of("ragged.csv"), says("ragged.csv:3: has 1 cells, but the header has 2", 4));
    fs::write(folder.path().join("empty.csv"), "a,b\r\n").expect("written");
    assert_eq!(of("empty.csv"), says("empty.csv: has a header, but no rows below it", 4));
    fs::write(folder.path().join("s.toml"), "name = \"s\"\n").expect("written");
    let kinds: Vec<_> = superpose::analysis::Conclusion::kinds().iter().map(|kind| kind.name).collect();
    let nothing =
        format!("s.toml:1:1: the scenario concludes nothing; add [[analysis]] with one of {}", kinds.join(", "));
    assert_eq!(of("ragged.csv"), says(&nothing, 3));
}
