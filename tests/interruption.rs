//! Interruption: whatever happens to a run, the same command ends with the bytes of an undisturbed one, and pays only for what is missing.
// A test may compare with std's functions; a result may not come from them.
#![allow(clippy::disallowed_methods)]
#![cfg(unix)]

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rand::{Rng as _, RngExt};
use serde_json::Value as Json;
use superpose::engine::unit::read_inputs;
use superpose::engine::{self, Options, Outcome, results};
use superpose::geometry::kernel::Kernel;
use superpose::scenario::{document::Document, study::Study};
use superpose::seed::Stream;
use superpose::store::Store;
use superpose::table::Table;
use tempfile::TempDir;

const TIER_A: &str = "[[tiers]]\nname = \"a\"\nd_model = 64\nembedding.fully_distributed = {}\n";
const TIER_B: &str = "[[tiers]]\nname = \"b\"\nd_model = 96\nembedding.support = { active = 4 }\n";
const COUNTS: &str = "[sweep]\n\"concepts.count\" = [40, 50, 60]\n";

/// A scenario named `s` from its pieces.
fn scenario(replicates: u64, rest: &[&str]) -> String {
    format!("name = \"s\"\nseed = 3\nreplicates = {replicates}\nconcepts.count = 8\n{}", rest.concat())
}

/// 60 units of a few milliseconds.
fn sweep_of_half_a_second() -> String {
    let axis = "[sweep]\n\"concepts.count\" = { from = 500, to = 1400, steps = 10 }\n";
    let wide = "[[tiers]]\nname = \"w\"\nd_model = 512\nembedding.fully_distributed = {}\n";
    scenario(3, &[wide, TIER_B, "[measure.overlap]\n[measure.sparsity]\n", axis])
}

/// A single unit of many seconds, after a short one.
fn long(n_concepts: u64) -> String {
    let tier = "[[tiers]]\nname = \"a\"\nd_model = 2000\nembedding.fully_distributed = {}\n";
    let axis = format!("[sweep]\n\"concepts.count\" = [16, {n_concepts}]\n");
    scenario(1, &[tier, "[measure.overlap]\n", &axis])
}

/// A folder of its own in which the program runs.
struct Folder(TempDir);

impl Folder {
    fn with(text: &str) -> Self {
        let folder = Self(tempfile::tempdir().expect("a temporary folder"));
        folder.write(text);
        folder
    }

    fn write(&self, text: &str) {
        fs::write(self.0.path().join("s.toml"), text).expect("written");
    }

    fn out(&self, file: &str) -> PathBuf {
        self.0.path().join("out").join(file)
    }

    fn start(&self, arguments: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_superpose"));
        command.args(["run", "s.toml", "--out", "out"]).args(arguments).current_dir(self.0.path());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started")
    }

    /// Started, and waited for until its first word of progress: the store is open, signals are listened to, units are computed.
    fn at_work(&self, arguments: &[&str]) -> Child {
        let mut child = self.start(arguments);
        let mut byte = [0];
        child.stderr.as_mut().expect("piped").read_exact(&mut byte).expect("a line of JSON");
        assert_eq!(byte, *b"{");
        child
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.start(arguments).wait_with_output().expect("ended")
    }

    fn succeeds(&self) -> String {
        let output = self.run(&[]);
        assert_eq!(output.status.code(), Some(0), "{}", words(&output));
        words(&output)
    }

    /// Exit code and all of standard error.
    fn ends(&self, arguments: &[&str], code: i32, says: &str) {
        let output = self.run(arguments);
        assert_eq!((words(&output).as_str(), output.status.code()), (says, Some(code)));
    }

    /// Rows and summary.
    fn results(&self) -> [String; 2] {
        ["s.csv", "s.summary.csv"].map(|file| fs::read_to_string(self.out(file)).expect("a result"))
    }

    /// Records computed and found by the last run.
    fn counts(&self) -> (u64, u64) {
        let manifest: Json =
            serde_json::from_slice(&fs::read(self.out("manifest.json")).expect("there")).expect("JSON");
        let count = |key: &str| manifest["run"][key].as_u64().expect("a count");
        (count("records_computed"), count("records_found"))
    }

    /// Every file of the output folder.
    fn content(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(self.out("")).expect("a folder").map(|entry| entry.expect("an entry"));
        entries
            .map(|entry| (entry.file_name().into_string().expect("UTF-8"), fs::read(entry.path()).expect("a file")))
            .collect()
    }

    fn names(&self) -> Vec<String> {
        self.content().into_keys().collect()
    }
}

const FILES: [&str; 4] = ["manifest.json", "s.csv", "s.summary.csv", "store.redb"];

/// Rows and summary of a run in a new folder.
fn fresh(text: &str) -> [String; 2] {
    let folder = Folder::with(text);
    folder.succeeds();
    folder.results()
}

fn words(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

fn kill(child: &Child, signal: &str) {
    let status =
        Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).stderr(Stdio::null()).status();
    status.expect("kill is there");
}

/// `interrupted: 3 of 60 units …` as 3, after the whole sentence is held against what it should be.
fn done(says: &str, n_units: u64, command: &str) -> u64 {
    let rest = says.strip_prefix("interrupted: ").unwrap_or_else(|| panic!("{says}"));
    let n = rest.split(' ').next().expect("a number").parse().expect("a number");
    let expected =
        format!("interrupted: {n} of {n_units} units are done and saved; this goes on: superpose {command}\n");
    assert_eq!(says, expected);
    n
}

#[test]
fn law_a_hundred_random_kills_leave_no_trace() {
    let text = sweep_of_half_a_second();
    let undisturbed = Folder::with(&text);
    let clock = Instant::now();
    undisturbed.succeeds();
    let duration = clock.elapsed();
    let mut rng = Stream::from_seed(1).stream("kills").rng();
    let (mut n_kills, mut n_finished, mut codes) = (0, 0, HashSet::new());
    while n_kills < 100 {
        let folder = Folder::with(&text);
        let mut least = 0;
        loop {
            let threads = (rng.next_u64() % 3 + 1).to_string();
            let signal = ["KILL", "INT", "TERM"][rng.next_u64() as usize % 3];
            let child = folder.start(&["--threads", &threads]);
            if n_kills < 100 {
                thread::sleep(duration.mul_f64(rng.random::<f64>() / 2.0));
                kill(&child, signal);
                n_kills += 1;
            }
            let output = child.wait_with_output().expect("ended");
            let says = words(&output);
            match output.status.code() {
                Some(0) => break,
                // The signal came before it was listened to.
                None => assert_eq!(says, ""),
                Some(code) => {
                    assert_eq!(
                        Some(code),
                        HashSet::from([("INT", 130), ("TERM", 143)]).iter().find(|of| of.0 == signal).map(|of| of.1)
                    );
                    let n_done = done(&says, 60, &format!("run s.toml --out out --threads {threads}"));
                    assert!(n_done >= least, "{n_done} of {least} were kept");
                    least = n_done;
                    codes.insert(code);
                }
            }
        }
        assert!(folder.results() == undisturbed.results());
        assert_eq!(folder.names(), FILES);
        n_finished += 1;
    }
    println!("{n_kills} kills, {n_finished} finished runs, {duration:?} undisturbed, codes {codes:?}");
    assert_eq!(codes, HashSet::from([130, 143]));
}

#[test]
fn theory_a_signal_ends_a_long_unit_and_keeps_the_finished_one() {
    let text = long(20_000);
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let folder = Folder::with(&text);
        let child = folder.at_work(&["--threads", "1", "--progress", "json"]);
        kill(&child, signal);
        let clock = Instant::now();
        let output = child.wait_with_output().expect("ended");
        println!("{signal}: {:?}", clock.elapsed());
        let says = words(&output);
        assert_eq!(output.status.code(), Some(code), "{says}");
        let last = says.lines().last().expect("a sentence");
        // On one thread the long unit goes first.
        assert_eq!(done(&format!("{last}\n"), 2, "run s.toml --out out --threads 1 --progress json"), 0);
        assert_eq!(folder.names(), ["store.redb"]);
    }
    // A finished unit is kept: the short point alone, then both.
    let folder = Folder::with(&text.replace("[16, 20000]", "[16]"));
    folder.succeeds();
    folder.write(&text);
    let child = folder.at_work(&["--threads", "2", "--progress", "json"]);
    kill(&child, "INT");
    let says = words(&child.wait_with_output().expect("ended"));
    let last = says.lines().last().expect("a sentence");
    assert_eq!(done(&format!("{last}\n"), 2, "run s.toml --out out --threads 2 --progress json"), 1);
    folder.write(&text.replace("[16, 20000]", "[16]"));
    folder.succeeds();
    assert_eq!(folder.counts(), (0, 1));
}

#[rustfmt::skip]
#[test]
fn law_a_wider_study_pays_only_for_what_is_new() {
    let first = scenario(2, &[TIER_A, TIER_B, "[measure.overlap]\n", COUNTS]);
    let more = |what: &str| format!("[sweep]\n\"concepts.count\" = {what}\n");
    let commented = format!("# A comment.\n{}", first.replace("seed = 3\nreplicates = 2\n", "replicates = 2 # twice\nseed = 3\n"));
    let tier_c = TIER_A.replace("\"a\"", "\"c\"");
    for (what, text, counts) in [
        ("values", scenario(2, &[TIER_A, TIER_B, "[measure.overlap]\n", &more("[30, 40, 45, 50, 60]")]), (8, 12)),
        ("values in another order", scenario(2, &[TIER_A, TIER_B, "[measure.overlap]\n", &more("[60, 50, 40]")]), (0, 12)),
        ("a range with the same values", scenario(2, &[TIER_A, TIER_B, "[measure.overlap]\n", &more("{ from = 40, to = 60, steps = 3 }")]), (0, 12)),
        ("fewer values", scenario(2, &[TIER_A, TIER_B, "[measure.overlap]\n", &more("[50]")]), (0, 4)),
        ("replicates", scenario(5, &[TIER_A, TIER_B, "[measure.overlap]\n", COUNTS]), (18, 12)),
        ("fewer replicates", scenario(1, &[TIER_A, TIER_B, "[measure.overlap]\n", COUNTS]), (0, 6)),
        ("a tier between", scenario(2, &[TIER_A, &tier_c, TIER_B, "[measure.overlap]\n", COUNTS]), (6, 12)),
        ("a measure before", scenario(2, &[TIER_A, TIER_B, "[measure.sparsity]\n[measure.overlap]\n", COUNTS]), (12, 12)),
        ("tiers in another order", scenario(2, &[TIER_B, TIER_A, "[measure.overlap]\n", COUNTS]), (0, 12)),
        ("a tier less", scenario(2, &[TIER_B, "[measure.overlap]\n", COUNTS]), (0, 6)),
        ("comments and order of keys", commented, (0, 12)),
        ("CRLF", first.replace('\n', "\r\n"), (0, 12)),
        ("an axis more", scenario(2, &[TIER_A, TIER_B, "[measure.overlap]\n", COUNTS, "\"tiers.a.d_model\" = [64, 65]\n"]), (6, 18)),
        ("a title", format!("title = \"T\"\n{first}"), (0, 12)),
        ("a condition", format!("{first}where = \"concepts.count < d_model\"\n"), (0, 12)),
    ] {
        let folder = Folder::with(&first);
        let line = folder.succeeds();
        assert!(line.starts_with("out/s.csv: 12 rows in ") && line.ends_with("; 12 records computed, 0 found\n"), "{line}");
        folder.write(&text);
        let line = folder.succeeds();
        let of = |n: u64| if n == 1 { "record" } else { "records" };
        assert_eq!(folder.counts(), counts, "{what}");
        assert!(line.ends_with(&format!("; {} {} computed, {} found\n", counts.0, of(counts.0), counts.1)), "{what}: {line}");
        assert!(folder.results() == fresh(&text), "{what}");
    }
}

#[test]
fn theory_another_scenarios_folder_is_refused_untouched() {
    let first = scenario(2, &[TIER_A, TIER_B, "[measure.overlap]\n", COUNTS]);
    let folder = Folder::with(&first);
    folder.succeeds();
    let before = folder.content();
    for (piece, other, says) in [
        ("seed = 3", "seed = 4", "seed was 3 and is 4"),
        ("d_model = 64", "d_model = 65", "tiers.a.d_model was 64 and is 65"),
        ("active = 4", "active = 5", "tiers.b.embedding.support.active was 4 and is 5"),
        ("[sweep]\n", "[sweep]\nseeds = \"common\"\n", "sweep.seeds was independent and is common"),
    ] {
        folder.write(&first.replace(piece, other));
        let says = format!(
            "error: out: holds the run of another scenario ({says}); give another folder with --out, or remove this one\n"
        );
        folder.ends(&[], 6, &says);
        folder.ends(&["--repair"], 6, &says);
        assert!(folder.content() == before, "{other}");
    }
    folder.write(&first);
    folder.succeeds();
    assert_eq!(folder.counts(), (0, 12));
}

#[test]
fn theory_a_second_process_is_refused_and_the_first_unharmed() {
    let folder = Folder::with(&long(20_000));
    let mut first = folder.at_work(&["--threads", "1", "--progress", "json"]);
    let busy = "error: out/store.redb: another process is running in this folder; wait for it, or give another folder with --out\n";
    folder.ends(&[], 6, busy);
    folder.ends(&["--repair"], 6, busy);
    assert!(first.try_wait().expect("asked").is_none(), "the first is at work");
    kill(&first, "INT");
    let output = first.wait_with_output().expect("ended");
    assert_eq!(output.status.code(), Some(130));
    let says = words(&output);
    let last = says.lines().last().expect("a sentence");
    done(&format!("{last}\n"), 2, "run s.toml --out out --threads 1 --progress json");
    let small = long(20_000).replace("20000", "24");
    folder.write(&small);
    folder.succeeds();
    assert!(folder.results() == fresh(&small));
}
