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
use std::time::Instant;

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

    /// Every file of the output folder; that of the figures is one, with all that is in it.
    fn content(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(self.out("")).expect("a folder").map(|entry| entry.expect("an entry"));
        let within = |folder: &Path| {
            let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
            let files: BTreeMap<_, _> = entries.map(|path| (path.clone(), fs::read(path).expect("a file"))).collect();
            assert!(!files.is_empty(), "a folder without figures");
            files.into_values().flatten().collect()
        };
        let read = |path: &Path| if path.is_dir() { within(path) } else { fs::read(path).expect("a file") };
        entries.map(|entry| (entry.file_name().into_string().expect("UTF-8"), read(&entry.path()))).collect()
    }

    fn names(&self) -> Vec<String> {
        self.content().into_keys().collect()
    }
}

const FILES: [&str; 6] = ["figures", "manifest.json", "report.html", "s.csv", "s.summary.csv", "store.redb"];

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
                // The signal came before it was listened to, or after all was done and told.
                None => assert!(says.is_empty() || says.starts_with("out/s.csv: 60 rows in "), "{says}"),
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
fn theory_a_smoke_run_leaves_the_folder_free_for_the_full_one() {
    let text = scenario(2, &[TIER_A, TIER_B, "[measure.overlap]\n[smoke]\nreplicates = 1\nconcepts.count = 6\n"]);
    let folder = Folder::with(&text);
    assert_eq!(folder.run(&["--smoke"]).status.code(), Some(0));
    assert_eq!(folder.names(), ["figures", "manifest.json", "report.html", "s.csv", "s.summary.csv"]);
    folder.succeeds();
    assert_eq!(folder.results(), fresh(&text));
    // The other way round a full result would be lost.
    let before = folder.content();
    let says = "error: out: holds the run of another scenario (concepts.count was 8 and is 6); give another folder with --out, or remove this one\n";
    folder.ends(&["--smoke"], 6, says);
    assert!(folder.content() == before);
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

#[test]
fn law_a_damaged_store_is_told_and_repaired() {
    let text = scenario(3, &[TIER_A, TIER_B, "[measure.overlap]\n[measure.sparsity]\n", COUNTS]);
    let folder = Folder::with(&text);
    // Figures have no part in it, and take longer than all the rest.
    folder.ends(&["--quiet", "--no-report"], 0, "");
    let (results, path) = (folder.results(), folder.out("store.redb"));
    let whole = fs::read(&path).expect("a store");
    let flipped = |position: usize| {
        let mut bytes = whole.clone();
        bytes[position..].iter_mut().take(16).for_each(|byte| *byte ^= 0x55);
        bytes
    };
    let mut damages = vec![
        ("nothing left", Vec::new()),
        ("two pages left", whole[..8192].to_vec()),
        ("one byte short", whole[..whole.len() - 1].to_vec()),
        ("zeros", vec![0; whole.len()]),
        ("zeros behind the first page", [&whole[..4096], &vec![0; whole.len() - 4096]].concat()),
    ];
    damages.extend((0..20).map(|k| ("flipped", flipped(k * whole.len() / 20))));
    let mut n_told = 0;
    for (what, bytes) in damages {
        fs::write(&path, bytes).expect("written");
        let output = folder.run(&["--quiet", "--no-report"]);
        let says = words(&output);
        if output.status.code() == Some(8) {
            let (before, after) = (
                "error: out/store.redb: is damaged (",
                "); the same command with --repair keeps what can be read and computes the rest again\n",
            );
            assert!(says.starts_with(before) && says.ends_with(after) && says.lines().count() == 1, "{what}: {says}");
            n_told += 1;
        } else {
            // Only pages without records were hit, or records are no longer found: computed again.
            assert_eq!((says.as_str(), output.status.code()), ("", Some(0)), "{what}");
        }
        assert!(folder.results() == results, "{what}: a result stays or is right");
        folder.ends(&["--quiet", "--no-report", "--repair"], 0, "");
        folder.ends(&["--quiet", "--no-report"], 0, "");
        assert!(folder.results() == results, "{what}: repaired");
        assert_eq!(folder.counts(), (0, 36), "{what}");
        assert_eq!(folder.names(), ["manifest.json", "s.csv", "s.summary.csv", "store.redb"], "{what}");
    }
    assert!(n_told > 4, "{n_told}");
}

/// A small file system in memory, for as long as the value lives.
struct Small(TempDir);

impl Small {
    fn new(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        mount(&["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"], folder.path()).then(|| Self(folder))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

fn mount(arguments: &[&str], path: &Path) -> bool {
    let status = Command::new("mount").args(arguments).arg(path).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

#[test]
fn law_a_full_disk_loses_nothing_and_the_same_command_goes_on() {
    let text = scenario(3, &[TIER_A, TIER_B, "[measure.overlap]\n[measure.sparsity]\n", COUNTS]);
    let results = fresh(&text);
    let mut n_full = 0;
    for size in ["4k", "8k", "16k", "28k", "44k", "60k", "72k", "80k", "88k", "100k", "120k"] {
        let Some(small) = Small::new(size) else {
            println!("skipped: nothing can be mounted here");
            return;
        };
        let folder = Folder::with(&text);
        let out = small.0.path().join("out");
        let out = out.to_str().expect("UTF-8");
        let run = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_superpose"));
            command
                .args(["run", "s.toml", "--out", out, "--quiet"])
                .current_dir(folder.0.path())
                .output()
                .expect("ended")
        };
        let output = run();
        let says = words(&output);
        let there = || -> Vec<String> {
            let entries = fs::read_dir(out).into_iter().flatten().map(|entry| entry.expect("an entry").file_name());
            let mut names: Vec<String> = entries.map(|name| name.into_string().expect("UTF-8")).collect();
            names.sort();
            names
        };
        if output.status.code() != Some(0) {
            assert_eq!(output.status.code(), Some(7), "{size}: {says}");
            assert!(says.starts_with("error: ") && says.lines().count() == 1, "{size}: {says}");
            assert!(says.contains("No space left on device (os error 28)"), "{size}: {says}");
            assert!(there().is_empty() || there() == ["store.redb"], "{size}: {:?}", there());
            n_full += 1;
        }
        assert!(mount(&["-o", "remount,size=10m"], small.0.path()));
        let output = run();
        assert_eq!((words(&output).as_str(), output.status.code()), ("", Some(0)), "{size}");
        assert_eq!(there(), FILES);
        let read = |file: &str| fs::read_to_string(Path::new(out).join(file)).expect("a result");
        assert!([read("s.csv"), read("s.summary.csv")] == results, "{size}");
    }
    assert!(n_full >= 8, "{n_full}");
}

/// A .npy file of f32, version 1.0.
fn npy(n_rows: usize, n_columns: usize, factor: f32) -> Vec<u8> {
    let dict = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({n_rows}, {n_columns}), }}");
    let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    bytes.extend(format!("{dict:<117}\n").into_bytes());
    bytes.extend((1..=n_rows * n_columns).flat_map(|k| (factor * (k as f32).sqrt().sin()).to_le_bytes()));
    bytes
}

#[test]
fn theory_a_unit_that_fails_is_a_row_and_is_tried_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("v.npy");
    fs::write(&path, npy(8, 16, 1.0)).expect("written");
    // The tier of the file is the same unit at both points.
    let text = "name = \"f\"\nreplicates = 2\n[[tiers]]\nname = \"v\"\nembedding.file = { path = \"v.npy\" }\n\
                [[tiers]]\nname = \"r\"\nd_model = 4\nembedding.fully_distributed = {}\n[concepts]\ncount = 8\n\
                [measure.overlap]\n[measure.sparsity]\n[sweep]\n\"tiers.r.d_model\" = [4, 5]\n";
    let document = Document::parse(&folder.path().join("f.toml"), text.into()).expect("parsed");
    let study = Study::new(&document).expect("planned");
    let (inputs, store) = (read_inputs(&study).expect("read"), Store::in_memory().expect("a store"));
    let run = |store: &Store, stop_on_error: bool| -> Outcome {
        let options = Options {
            units: 0..study.n_units,
            kernel: Kernel::best(),
            memory: 1 << 30,
            stop_on_error,
            watch: &|_| {},
            stop: &|| false,
            stopped: &|_| {},
        };
        engine::run(&study, &inputs, store, &options).expect("ended")
    };
    let counts = |outcome: &Outcome| (outcome.progress.n_computed, outcome.progress.n_found, outcome.progress.n_done);
    let table = |store: &Store, outcome: &Outcome| -> Table {
        results::table(&study, &inputs, store, &outcome.failures).expect("a table")
    };
    let right = {
        let store = Store::in_memory().expect("a store");
        let outcome = run(&store, false);
        table(&store, &outcome)
    };
    // The last is a sound matrix, but not the one that was read before the run.
    for wrong in [npy(8, 16, 0.0), npy(8, 16, f32::NAN), npy(8, 16, f32::INFINITY), npy(8, 16, 2.0)] {
        fs::write(&path, wrong).expect("written");
        let stopped = run(&Store::in_memory().expect("a store"), true);
        assert!(stopped.interrupted && !stopped.failures.is_empty());
        let outcome = run(&store, false);
        assert!(!outcome.interrupted);
        let failed: Vec<_> = outcome.failures.iter().map(|failure| failure.unit).collect();
        assert_eq!(failed, [(0, 0, 0), (0, 0, 1), (1, 0, 0), (1, 0, 1)]);
        assert!(outcome.failures.iter().all(|failure| failure.sentence.contains("v.npy")), "{:?}", outcome.failures);
        let (tier, status) = (right.position("tier").expect("a column"), right.position("status").expect("a column"));
        for (row, whole) in table(&store, &outcome).rows.iter().zip(&right.rows) {
            if row[tier].to_string() == "v" {
                assert_eq!(row[status].to_string(), "failed");
                assert_eq!(row[..status], whole[..status]);
                assert!(row[status + 1..].iter().all(|value| value.to_string().is_empty()));
            } else {
                assert_eq!(row, whole);
            }
        }
    }
    fs::write(&path, npy(8, 16, 1.0)).expect("written");
    let outcome = run(&store, false);
    // Two measures of two replicates are computed, once for both points; those of the other tier are there.
    assert_eq!((outcome.failures.len(), counts(&outcome)), (0, (4, 8, 8)));
    assert_eq!(table(&store, &outcome), right);
}

#[test]
fn law_progress_is_json_for_programs_a_line_for_people_and_nothing_when_quiet() {
    let text = scenario(2, &[TIER_A, TIER_B, "[measure.overlap]\n", COUNTS]);
    let folder = Folder::with(&text);
    let says = folder.succeeds();
    assert!(says.starts_with("out/s.csv: 12 rows in ") && says.lines().count() == 1, "{says}");
    let quiet = folder.run(&["--quiet"]);
    assert_eq!((quiet.status.code(), quiet.stdout.len(), quiet.stderr.len()), (Some(0), 0, 0));
    let told = words(&folder.run(&["--progress", "json"]));
    let lines: Vec<&str> = told.lines().collect();
    let (last, lines) = lines.split_last().expect("a closing line");
    assert!(last.ends_with("; 0 records computed, 12 found"), "{last}");
    let last: Json = serde_json::from_str(lines.last().expect("the end is told")).expect("JSON");
    let keys: Vec<&str> = last.as_object().expect("a table").keys().map(String::as_str).collect();
    assert_eq!(
        HashSet::from_iter(keys),
        HashSet::from(["units", "done", "records_computed", "records_found", "share", "elapsed_s"])
    );
    let count = |key: &str| last[key].as_u64().expect("a count");
    assert_eq!([count("units"), count("done"), count("records_computed"), count("records_found")], [12, 12, 0, 12]);
    assert!((last["share"].as_f64().expect("a share") - 1.0).abs() < 1e-9);

    let check = Command::new(env!("CARGO_BIN_EXE_superpose"))
        .args(["check", "--json", "s.toml"])
        .current_dir(folder.0.path())
        .output();
    let check: Json = serde_json::from_slice(&check.expect("ended").stdout).expect("JSON");
    let count = |key: &str| check[key].as_u64().expect("a count");
    assert_eq!([count("points"), count("tiers"), count("replicates"), count("rows")], [3, 2, 2, 12]);
    assert_eq!(check["axes"][0]["path"], "concepts.count");
}

#[rustfmt::skip]
#[test]
fn theory_sweeps_that_cannot_be_run_are_refused_with_a_sentence() {
    let many = "{ from = 4, to = 100003, steps = 100000 }";
    let overflow = format!("\"seed\" = {many}\n\"concepts.count\" = {many}\n\"tiers.a.d_model\" = {many}\n\"tiers.b.d_model\" = {many}");
    let product = format!("\"seed\" = {many}\n\"concepts.count\" = {many}");
    for (sweep, says) in [
        ("\"concepts.cuont\" = [3]", r#"15:21: concepts has the unknown key "cuont"; did you mean "count" (allowed: count, names)"#),
        ("\"tiers.b.embedding.support.activ\" = [3]", r#"15:38: tiers.b.embedding.support has the unknown key "activ"; did you mean "active" (allowed: active, lambda)"#),
        ("\"tiers.c.d_model\" = [3]", r#"15:22: the axis "tiers.c.d_model" names nothing in the scenario; did you mean "tiers.a.d_model"?"#),
        ("\"concepts.count\" = []", r#"15:20: the axis "concepts.count" has no values"#),
        ("\"concepts.count\" = 8", r#"15:20: the axis "concepts.count" must be a list of values or a range { from, to, steps }, got 8"#),
        ("\"concepts.count\" = [8, [9]]", r#"15:24: the axis "concepts.count" must have numbers, words, true or false, got a list"#),
        ("\"concepts.count\" = [8, 9, 8]", r#"15:27: the axis "concepts.count" has the value 8 twice"#),
        ("\"concepts.count\" = [8, \"x\"]", r#"15:24: concepts.count must be a whole number from 1 to 4294967295, got "x""#),
        ("[[sweep.together]]\n\"concepts.count\" = [8, 9]\n\"tiers.a.d_model\" = [8, 9, 10]", r#"17:1: axes that advance together must have as many values each: "concepts.count" has 2, "tiers.a.d_model" has 3"#),
        ("[[sweep.together]]", "15:1: sweep.together has no axes"),
        ("[sweep.design]\nmethod = \"sobol\"\n\"concepts.count\" = { from = 8, to = 9 }", "15:1: sweep.design.points must be a whole number from 1 to 1000000, got nothing"),
        ("[sweep.design]\npoints = 4\n\"concepts.count\" = { from = 8, to = 9 }", r#"15:1: sweep.design.method must be "sobol" or "latin_hypercube", got nothing"#),
        ("[sweep.design]\npoints = 4\nmethod = \"halton\"\n\"concepts.count\" = { from = 8, to = 9 }", r#"17:10: sweep.design.method must be "sobol" or "latin_hypercube", got "halton""#),
        ("[sweep.design]\npoints = 4\nmethod = \"sobol\"\n\"concepts.count\" = [8, 9]", r#"18:20: the axis "concepts.count" of a design must be a range { from, to }"#),
        ("[sweep.design]\npoints = 4\nmethod = \"sobol\"\n\"concepts.count\" = { from = 8, to = 9, steps = 2 }", r#"18:20: the axis "concepts.count" of a design has no steps: points says how many there are"#),
        ("[sweep.design]\npoints = 4\nmethod = \"sobol\"", "15:1: sweep.design must have 1 to 21 axes, got 0"),
        ("\"concepts.count\" = { from = 8, to = 9, stps = 2 }", r#"15:40: the axis "concepts.count" has the unknown key "stps"; did you mean "steps" (allowed: from, to, steps, scale)"#),
        ("\"concepts.count\" = { from = -8, to = 9, steps = 2, scale = \"log\" }", r#"15:60: the axis "concepts.count" on a log scale must go from and to positive numbers, got -8 to 9"#),
        ("\"concepts.count\" = { from = 8, to = 9, steps = 2, scale = \"lin\" }", r#"15:59: the axis "concepts.count" must have the scale "linear" or "log", got "lin""#),
        ("\"concepts.count\" = { from = 8, to = 9, steps = 0 }", r#"15:48: the axis "concepts.count" must have a whole number of steps from 1 to 1000000, got 0"#),
        ("\"concepts.count\" = { from = 8, to = 9 }", r#"15:20: the axis "concepts.count" lacks steps"#),
        ("tiers.a.embedding.trained.steps = 10", r#"15:35: the axis "tiers.a.embedding.trained" lacks from and to; if "tiers.a.embedding.trained.steps" is meant, give its values in a list, got 10"#),
        ("\"concepts.count\" = { from = 8, steps = 2 }", r#"15:20: the axis "concepts.count" must have a number for to, got nothing"#),
        ("\"concepts.count\" = [8]\nwhere = \"concepts.count <\"", r#"16:9: sweep.where expects a number, a name or "(" at character 17, found the end"#),
        ("\"concepts.count\" = [8]\nwhere = \"concepts.cuont < 3\"", r#"16:9: sweep.where names "concepts.cuont", which has no number here; did you mean "concepts.count" (allowed: concepts.count, d_model, n_concepts, params, tokens, compute)"#),
        ("\"concepts.count\" = [8]\nwhere = \"concepts.count < 3\"", "16:9: sweep.where keeps no point"),
        ("name = [\"a\", \"b\"]", r#"15:1: sweep cannot vary "name": it belongs to the scenario as a whole"#),
        ("replicates = [1, 2]", r#"15:1: sweep cannot vary "replicates": it belongs to the scenario as a whole"#),
        ("seeds = \"comon\"", r#"15:9: sweep.seeds must be "independent" or "common", got "comon""#),
        ("\"concepts.count\" = [8]\nconcepts.count = [9]", r#"16:10: sweep has the path "concepts.count" twice"#),
        ("\"concepts.count\" = [8, 9]\n[[sweep.together]]\n\"concepts.count\" = [8, 9]", r#"15:1: sweep has the path "concepts.count" twice"#),
        ("\"tiers.*.d_model\" = [8]\n\"tiers.a.d_model\" = [9]", r#"16:1: sweep sets the same value by "tiers.*.d_model" and by "tiers.a.d_model""#),
        (&overflow, "3:14: the study has more than 2⁶⁴ points, 2 tiers and 2 replicates, which is more than 1000000000 rows"),
        (&product, "3:14: the study has 10000000000 points, 2 tiers and 2 replicates, which is more than 1000000000 rows"),
    ] {
        let text = scenario(2, &[TIER_A, TIER_B, "[measure.overlap]\n[sweep]\n", sweep]);
        let folder = Folder::with(&text);
        folder.ends(&[], 3, &format!("error: s.toml:{says}\n"));
        assert!(!folder.out("").exists(), "{sweep}");
    }
}

/// The rows of a CSV, less the header, with as many cells as are asked for.
fn keys(csv: &str, n_cells: usize) -> Vec<String> {
    csv.lines().skip(1).map(|line| line.split(',').take(n_cells).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn theory_rows_stand_in_plan_order() {
    let one = |sweep: &str| fresh(&scenario(1, &[TIER_A, "[measure.overlap]\n[sweep]\n", sweep]))[0].clone();
    let text =
        scenario(2, &[TIER_A, TIER_B, "[measure.overlap]\n[sweep]\nseed = [5, 4]\n\"concepts.count\" = [9, 8]\n"]);
    let [rows, summary] = fresh(&text);
    assert!(
        rows.starts_with("concepts.count,seed,tier,params,tokens,compute,d_model,n_concepts,replicate,status,"),
        "{rows}"
    );
    let expected: Vec<String> = [(9, 5), (9, 4), (8, 5), (8, 4)]
        .iter()
        .flat_map(|(n, seed)| ["a    64", "b    96"].map(|tier| (n, seed, tier)))
        .flat_map(|(n, seed, tier)| [0, 1].map(|replicate| format!("{n} {seed} {tier} {n} {replicate}")))
        .collect();
    assert_eq!(keys(&rows, 9), expected);
    assert_eq!(keys(&summary, 3), ["9 5 a", "9 5 b", "9 4 a", "9 4 b", "8 5 a", "8 5 b", "8 4 a", "8 4 b"]);

    let together = one(
        "seed = [1, 2]\n[[sweep.together]]\n\"concepts.count\" = [8, 9, 9]\n\"tiers.a.d_model\" = { from = 10, to = 12, steps = 3 }\n",
    );
    assert_eq!(keys(&together, 3), ["8 1 10", "8 2 10", "9 1 11", "9 2 11", "9 1 12", "9 2 12"]);

    // 2^(k/2) from 2 to 16: 2.8 is 3, 5.7 is 6, 11.3 is 11; 1.5 between 2 and 3 steps are merged.
    let logarithmic = one("\"concepts.count\" = { from = 2, to = 16, steps = 7, scale = \"log\" }\n");
    assert_eq!(keys(&logarithmic, 1), ["2", "3", "4", "6", "8", "11", "16"]);
    let merged = one("\"concepts.count\" = { from = 2, to = 4, steps = 9, scale = \"log\" }\n");
    assert_eq!(keys(&merged, 1), ["2", "3", "4"]);
    let kept = one("\"concepts.count\" = [16, 64, 65, 128]\nwhere = \"concepts.count <= d_model\"\n");
    assert_eq!(keys(&kept, 1), ["16", "64"]);
    let every = fresh(&scenario(1, &[TIER_A, TIER_B, "[measure.overlap]\n[sweep]\n\"tiers.*.d_model\" = [6, 7]\n"]));
    assert_eq!(keys(&every[0], 6), ["6 a    6", "6 b    6", "7 a    7", "7 b    7"]);
}

#[test]
fn law_designs_are_drawn_from_the_seed() {
    for method in ["sobol", "latin_hypercube"] {
        let design = format!(
            "[sweep.design]\nmethod = \"{method}\"\npoints = 16\n\"concepts.count\" = {{ from = 8, to = 40 }}\n\"tiers.a.params\" = {{ from = 1e6, to = 1e8, scale = \"log\" }}\n"
        );
        let text = scenario(1, &[TIER_A, "[measure.overlap]\n", &design]);
        let (first, other) = (fresh(&text), fresh(&text.replace("seed = 3", "seed = 4")));
        assert!(first == fresh(&text), "{method}");
        assert_ne!(keys(&first[0], 2), keys(&other[0], 2), "{method}");
        let mut slices = HashSet::new();
        for row in keys(&first[0], 2) {
            let (count, params) = row.split_once(' ').expect("two coordinates");
            assert!((8..=40).contains(&count.parse::<u64>().expect("a whole number")), "{row}");
            let part = (params.parse::<f64>().expect("a number").log10() - 6.0) / 2.0;
            assert!((0.0..1.0).contains(&part), "{row}");
            slices.insert((part * 16.0) as u64);
        }
        assert_eq!(slices.len(), 16, "{method}: one point in each slice");
    }
}

#[test]
fn theory_common_seeds_draw_the_same_numbers_at_every_point() {
    // With its width given, a tier's params change its coordinates and none of its numbers.
    let rows = |seeds: &str| {
        let sweep = format!("[sweep]\nseeds = \"{seeds}\"\n\"tiers.a.params\" = [1e7, 1e9]\n");
        let csv = fresh(&scenario(1, &[TIER_A, "[measure.overlap]\n", &sweep]))[0].clone();
        let measured = |line: &str| line.split(',').skip(6).collect::<Vec<_>>().join(",");
        let [a, b] = [1, 2].map(|row| measured(csv.lines().nth(row).expect("two rows")));
        (a, b)
    };
    let (a, b) = rows("common");
    assert_eq!(a, b);
    let (a, b) = rows("independent");
    assert_ne!(a, b);
}
