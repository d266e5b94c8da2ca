//! Report: the page has what was asked and what came out, in its language; the same bytes come from the run and from what it left.
// A test may compare with std's functions; a result may not come from them.
#![allow(clippy::disallowed_methods)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use superpose::figure::kind::KINDS;
use superpose::quantity::is_control;

/// Tiers whose names look like numbers and formulas' beginnings, concepts whose names try to be more.
const SCENARIO: &str = r#"
name = "s"
title = "A <b>bold</b> title & \"so\""
seed = 5
replicates = 3
[concepts]
names = ["<script>alert(1)</script>", "\u202eturned", "nul\u0000", "猫"]
[[tiers]]
name = "007"
d_model = 6
embedding.fully_distributed = {}
[[tiers]]
name = "1e5"
d_model = 4
embedding.localized = {}
[measure.overlap]
[sweep]
"tiers.*.d_model" = [4, 8, 16, 32]
[[analysis]]
power_law = { x = "d_model", y = "mean_square_cosine", by = ["tier"] }
"#;

fn superpose(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_superpose"));
    command.current_dir(folder).env("NO_COLOR", "1").args(arguments).output().expect("it runs")
}

fn succeeds(folder: &Path, arguments: &[&str]) -> String {
    let output = superpose(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A folder with the scenario, run, and its page.
fn ran(scenario: &str, more: &[&str]) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("s.toml"), scenario).expect("written");
    succeeds(folder.path(), &[&["run", "s.toml", "--quiet", "--out", "out"], more].concat());
    let page = page(folder.path());
    (folder, page)
}

fn page(folder: &Path) -> String {
    fs::read_to_string(folder.join("out/report.html")).expect("a page")
}

#[test]
fn law_the_page_of_a_run_is_made_again_from_what_it_left() {
    let (folder, first) = ran(SCENARIO, &[]);
    let manifest = || fs::read(folder.path().join("out/manifest.json")).expect("a manifest");
    let before = manifest();
    fs::remove_file(folder.path().join("out/report.html")).expect("removed");
    succeeds(folder.path(), &["report", "out"]);
    let again = page(folder.path());
    let differing = first.lines().zip(again.lines()).find(|(a, b)| a != b);
    assert!(first == again, "{differing:?}");
    assert!(manifest() == before);
    // In another language the manifest tells the truth of the file that stands there.
    succeeds(folder.path(), &["report", "out", "--lang", "zh"]);
    let hash: String = Sha256::digest(page(folder.path())).iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(String::from_utf8(manifest()).expect("UTF-8").contains(&hash));
    // A run without a page takes away that of the run before it.
    succeeds(folder.path(), &["run", "s.toml", "--quiet", "--no-report", "--out", "out"]);
    assert!(!folder.path().join("out/report.html").exists());
}

#[test]
fn law_the_policy_allows_the_one_style_and_the_one_script_of_the_page() {
    let (_folder, page) = ran(SCENARIO, &[]);
    for element in ["style", "script"] {
        let (open, close) = (format!("<{element}>"), format!("</{element}>"));
        assert_eq!((page.matches(&open).count(), page.matches(&close).count()), (1, 1), "{element}");
        let content = page.split(&open).nth(1).and_then(|rest| rest.split(&close).next()).expect("there");
        // The name of the SVG language is no address that anybody asks.
        let asked = content.replace("http://www.w3.org/2000/svg", "");
        assert!(!asked.contains("://") && !asked.contains("url("));
        let allowed = format!("{element}-src 'sha256-{}'", STANDARD.encode(Sha256::digest(content)));
        assert!(page.contains(&allowed), "{allowed}");
    }
    assert!(page.contains("content=\"default-src 'none'; "));
    assert!(!page.contains(" style=") && !page.contains("unsafe"));
}

#[test]
fn law_names_are_text_in_the_page_and_in_the_terminal() {
    let (folder, page) = ran(SCENARIO, &[]);
    assert!(page.contains("<title>A &lt;b&gt;bold&lt;/b&gt; title &amp; &quot;so&quot;</title>"));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !page.contains("<script>alert"));
    assert!(page.contains("\u{fffd}turned") && page.contains("nul\u{fffd}") && page.contains("猫"));
    assert!(!page.chars().any(|c| is_control(c) && c != '\n'));
    // Names that look like numbers are names, in the page and in what is read back.
    assert!(page.contains("<bdi>007</bdi>") && page.contains("<bdi>1e5</bdi>"));
    // A table of somebody else, whose names command the terminal or a spreadsheet.
    let rows: String = (1..=8).map(|k| format!("{k},{},\"=1+1\u{1b}[31m\u{202e}\"\n", k * k)).collect();
    fs::write(folder.path().join("theirs.csv"), format!("x,y,who\n{rows}")).expect("written");
    let analysis = SCENARIO.replace(
        "x = \"d_model\", y = \"mean_square_cosine\", by = [\"tier\"]",
        "x = \"x\", y = \"y\", by = [\"who\"]",
    );
    fs::write(folder.path().join("a.toml"), analysis).expect("written");
    let output = superpose(folder.path(), &["analyse", "a.toml", "--table", "theirs.csv", "--out", "found"]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(!told.chars().any(|c| is_control(c) && c != '\n'), "{told:?}");
}

#[test]
fn law_the_page_has_findings_in_sentences_with_their_intervals() {
    let (folder, english) = ran(SCENARIO, &[]);
    let findings = fs::read_to_string(folder.path().join("out/s.findings.csv")).expect("findings");
    assert!(findings.contains("power_law"));
    let sentence =
        english.lines().flat_map(|line| line.split("<li>")).find(|part| part.starts_with("<code>exponent</code> is "));
    let sentence = sentence.expect("the exponent is told");
    assert!(sentence.contains(", with a 95 % interval from ") && sentence.contains(" rows)."), "{sentence}");
    succeeds(folder.path(), &["report", "out", "--lang", "zh"]);
    let chinese = page(folder.path());
    assert!(
        chinese.contains("<html lang=\"zh\">")
            && chinese.contains("，95 % 区间为 ")
            && !chinese.contains("95 % interval from")
    );
}

#[test]
fn law_a_page_of_many_rows_stays_small_and_says_what_it_left_out() {
    let many = "name = \"s\"\n[concepts]\ncount = 2\n[[tiers]]\nname = \"a\"\nd_model = 2\nembedding.fully_distributed = {}\n\
        [measure.overlap]\n[sweep]\n\"seed\" = { from = 1, to = 24000, steps = 24000 }\n";
    let (_folder, page) = ran(many, &[]);
    assert!(page.len() < 2_000_000, "{}", page.len());
    let sentence = page
        .split('>')
        .find(|part| part.contains("of 24000 rows are shown, evenly chosen; s.summary.csv has them all."));
    assert!(sentence.is_some());
    assert!(page.contains("rows are drawn, evenly chosen"));
}

#[test]
fn law_an_unfinished_run_has_a_page_that_says_so() {
    let (folder, _) = ran(SCENARIO, &[]);
    for file in ["manifest.json", "s.csv", "s.summary.csv", "s.findings.csv", "report.html"] {
        fs::remove_file(folder.path().join("out").join(file)).expect("removed");
    }
    // More replicates than were run: what is there is shown, what is not is told.
    fs::write(folder.path().join("s.toml"), SCENARIO.replace("replicates = 3", "replicates = 5")).expect("written");
    succeeds(folder.path(), &["report", "out", "--scenario", "s.toml"]);
    let page = page(folder.path());
    assert!(page.contains("This run is unfinished: 24 of 40 units are done."), "{}", &page[..page.len().min(30_000)]);
}

#[test]
fn law_every_kind_of_figure_has_a_sentence_in_each_language() {
    for language in ["en", "zh"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/report/words/{language}.rs"));
        let words = fs::read_to_string(path).expect("a table of words");
        let figures = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report/figures.rs");
        let figures = fs::read_to_string(figures).expect("the section of figures");
        for kind in &KINDS {
            assert!(words.contains(&format!("    figure_{}: ", kind.name)), "{language}: {}", kind.name);
            assert!(figures.contains(&format!("\"{0}\" => w.figure_{0}", kind.name)), "{}", kind.name);
        }
    }
}

#[test]
fn law_a_sketch_is_plain_letters_where_there_is_no_terminal() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("s.toml"), SCENARIO).expect("written");
    let text = succeeds(folder.path(), &["run", "s.toml", "--no-report", "--plot", "--out", "out"]);
    assert!(!folder.path().join("out/report.html").exists() && !folder.path().join("out/figures").exists());
    assert!(text.lines().filter(|line| line.contains(" |")).count() >= 16, "{text}");
    assert!(!text.contains('\u{1b}') && !text.contains('│'), "{text}");
    let table = succeeds(folder.path(), &["plot", "out/s.csv", "--x", "d_model", "--y", "coherence", "--plot"]);
    assert!(table.contains('a') && table.contains(" +---"), "{table}");
}
