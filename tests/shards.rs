//! Shards: whatever ranges a study is computed in, and whatever happens to the parts, the merged files are those of one run, or nothing is written.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

const SCENARIO: &str = "\
name = \"s\"
seed = 3
replicates = 3
concepts.count = 80
[[tiers]]
name = \"a\"
d_model = 8
embedding.fully_distributed = {}
[[tiers]]
name = \"b\"
d_model = 16
embedding.localized = {}
[measure.overlap]
[measure.bundling]
[sweep]
\"tiers.a.d_model\" = [8, 16, 32, 64, 128]
[[analysis]]
power_law = { y = \"mean_square_cosine\", x = \"d_model\", by = [\"tier\"] }
";

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("s.toml"), SCENARIO).expect("a file");
    folder
}

/// Exit code, standard output and standard error of a command, in a task of Slurm with this number or in none.
fn superpose_as(folder: &TempDir, task: Option<u64>, words: &str) -> (i32, Vec<u8>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_superpose"));
    command.env_remove("SLURM_ARRAY_TASK_ID").envs(task.map(|task| ("SLURM_ARRAY_TASK_ID", task.to_string())));
    let output = command.args(words.split_whitespace()).current_dir(folder.path()).output().expect("it starts");
    (output.status.code().expect("an exit code"), output.stdout, String::from_utf8(output.stderr).expect("UTF-8"))
}

fn superpose(folder: &TempDir, words: &str) -> (i32, String, String) {
    let (code, out, error) = superpose_as(folder, None, words);
    (code, String::from_utf8(out).expect("UTF-8"), error)
}

fn error(folder: &TempDir, words: &str) -> (i32, String) {
    let (code, _, error) = superpose(folder, words);
    (code, error)
}

/// All files of a folder with their contents, but for those that tell when and how long: the manifest, and the page that shows it; and the store.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        let name = entry.file_name().expect("a name").to_string_lossy().into_owned();
        if entry.is_dir() {
            let inner = contents(&entry).into_iter().map(|(file, bytes)| (format!("{name}/{file}"), bytes));
            files.extend(inner);
        } else if !["store.redb", "manifest.json", "report.html"].contains(&name.as_str()) {
            files.push((name, fs::read(entry).expect("bytes")));
        }
    }
    files.sort();
    files
}

#[test]
fn law_merged_parts_are_the_files_of_one_run() {
    let folder = folder();
    assert_eq!(error(&folder, "run s.toml --out one --quiet"), (0, String::new()));
    for k in [5, 1, 4, 2] {
        assert_eq!(superpose(&folder, &format!("shard s.toml {k}/5 --out parts")).0, 0);
    }
    assert_eq!(superpose(&folder, "missing parts"), (0, "3\n".to_owned(), String::new()));
    let sentence =
        "error: s.toml: not all units are there; left: superpose shard s.toml 13-18 --out parts\n".to_owned();
    assert_eq!(error(&folder, "merge s.toml parts --out many"), (9, sentence));
    assert!(!folder.path().join("many").exists());
    // What is left is computed in other ranges, on two threads, through standard output; and what is there already does no harm.
    let (code, _, told) = superpose_as(&folder, Some(3), "shard s.toml auto/5 --out parts");
    assert_eq!((code, told.as_str()), (0, "parts/s.3-of-5.part: 6 units, 12 records\n"));
    assert_eq!(error(&folder, "shard s.toml 3/5 --out parts"), (0, "parts/s.3-of-5.part: is there\n".to_owned()));
    assert_eq!(superpose(&folder, "missing parts"), (0, String::new(), String::new()));
    fs::remove_file(folder.path().join("parts/s.3-of-5.part")).expect("removed");
    let told = "parts/s.units-14-29.part: 16 units, 20 records\n".to_owned();
    assert_eq!(error(&folder, "shard s.toml 14-29 --out parts --threads 2"), (0, told));
    assert_eq!(superpose(&folder, "missing parts").1, "13-13\n");
    let (code, part, _) = superpose_as(&folder, None, "shard s.toml 13-13 --stdout");
    assert_eq!(code, 0);
    fs::write(folder.path().join("thirteen"), part).expect("a file");
    assert_eq!(error(&folder, "merge s.toml parts thirteen --out many --quiet"), (0, String::new()));
    let one = contents(&folder.path().join("one"));
    assert!(one.len() > 5, "{:?}", one.iter().map(|(name, _)| name).collect::<Vec<_>>());
    let many = contents(&folder.path().join("many"));
    assert!(one == many);
    // And the folder goes on as that of a run.
    let (code, _, told) = superpose(&folder, "run s.toml --out many");
    assert!(code == 0 && told.contains("0 records computed, 60 found"), "{told}");
}

#[test]
fn law_a_shard_that_nobody_waits_for_ends() {
    let folder = folder();
    // Days of work on one thread.
    let long = "name = \"long\"\nreplicates = 100000\nconcepts.count = 50000\n[measure.overlap]\n[[tiers]]\nname = \"a\"\nd_model = 256\nembedding.fully_distributed = {}\n";
    fs::write(folder.path().join("long.toml"), long).expect("a file");
    let start = |scenario: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_superpose"));
        command.args(["shard", scenario, "1/1", "--stdout", "--until-eof"]).current_dir(folder.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a process")
    };
    let mut shard = start("long.toml");
    drop(shard.stdin.take());
    assert_eq!(shard.wait_with_output().expect("its end").status.code(), Some(75));
    // And one whose part is waited for is whole.
    let mut shard = start("s.toml");
    let input = shard.stdin.take();
    let done = shard.wait_with_output().expect("its end");
    drop(input);
    assert_eq!(
        (done.status.code(), done.stdout),
        (Some(0), superpose_as(&folder, None, "shard s.toml 1/1 --stdout").1)
    );
    assert_eq!(error(&folder, "shard s.toml 1/1 --until-eof").0, 2);
}

#[test]
fn regress_a_part_is_known_again_wherever_the_scenario_lies() {
    let folder = folder();
    let files = "name = \"s\"\nseed = 1\nreplicates = 1\n[[tiers]]\nname = \"a\"\nembedding.file = { path = \"a.txt\" }\n[measure.overlap]\n";
    for place in ["here", "there"] {
        fs::create_dir(folder.path().join(place)).expect("a folder");
        fs::write(folder.path().join(place).join("s.toml"), files).expect("a file");
        fs::write(folder.path().join(place).join("a.txt"), "cat 1 2 3\ndog 2 1 0\nsun -1 3 1\n").expect("a file");
    }
    assert_eq!(error(&folder, "shard here/s.toml 1/1 --out parts").1, "parts/s.1-of-1.part: 1 unit, 1 record\n");
    assert_eq!(error(&folder, "merge there/s.toml parts --out m --quiet"), (0, String::new()));
    fs::write(folder.path().join("there/a.txt"), "cat 1 2 3\ndog 2 1 0\nsun -1 3 2\n").expect("a file");
    assert_eq!(error(&folder, "merge there/s.toml parts --out n --quiet").0, 8);
}

#[test]
fn regress_two_files_that_change_places_make_another_scenario() {
    let folder = folder();
    let text = "name = \"s\"\n[measure.overlap]\n[[tiers]]\nname = \"a\"\nembedding.file = { path = \"a.txt\" }\n[[tiers]]\nname = \"b\"\nembedding.file = { path = \"b.txt\" }\n";
    let [one, other] = ["cat 1 2 3\ndog 2 1 0\nsun -1 3 1\n", "cat 1 2\ndog 2 1\nsun -1 3\n"];
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
    for (name, text) in [("f.toml", text), ("a.txt", one), ("b.txt", other)] {
        write(name, text);
    }
    assert_eq!(superpose(&folder, "shard f.toml 1/1 --out parts").0, 0);
    write("a.txt", other);
    write("b.txt", one);
    let foreign = "error: parts/s.1-of-1.part: is a part of another scenario (\"s\", 2 units), or of f.toml before it was changed\n";
    // Neither is it taken for a part of this one, nor is it lost.
    assert_eq!(error(&folder, "merge f.toml parts --out m"), (8, foreign.to_owned()));
    assert_eq!(error(&folder, "shard f.toml 1/1 --out parts"), (8, foreign.to_owned()));
    write("a.txt", one);
    write("b.txt", other);
    assert_eq!(error(&folder, "merge f.toml parts --out m --quiet"), (0, String::new()));
}

#[test]
fn regress_shards_without_units_are_not_missing() {
    let folder = folder();
    let one = "name = \"s\"\nreplicates = 1\nconcepts.count = 9\n[measure.overlap]\n[[tiers]]\nname = \"a\"\nd_model = 8\nembedding.localized = {}\n";
    fs::write(folder.path().join("one.toml"), one).expect("a file");
    let mut n_missing = 0;
    for k in 1..=4 {
        assert_eq!(superpose(&folder, &format!("shard one.toml {k}/4 --out p{k}")).0, 0);
        let (code, missing, _) = superpose(&folder, &format!("missing p{k}"));
        assert_eq!(code, 0);
        let merged = superpose(&folder, &format!("merge one.toml p{k} --out m{k} --quiet")).0;
        assert_eq!(merged == 0, missing.is_empty(), "shard {k}: {missing}");
        n_missing += usize::from(!missing.is_empty());
    }
    assert_eq!(n_missing, 3, "one of the four holds the unit");
    // All parts are damaged: that is not nothing.
    fs::write(folder.path().join("p1/s.1-of-4.part"), "x").expect("a file");
    assert_eq!(superpose(&folder, "missing p1").0, 8);
}

#[test]
fn messages_of_parts_that_do_not_belong() {
    let folder = folder();
    for k in 1..=2 {
        assert_eq!(superpose(&folder, &format!("shard s.toml {k}/2 --out parts")).0, 0);
    }
    let foreign = "error: parts/s.1-of-2.part: is a part of another scenario (\"s\", 30 units), or of s.toml before it was changed\n";
    assert_eq!(error(&folder, "merge s.toml parts --out m --set seed=4"), (8, foreign.to_owned()));
    // Another title changes no number.
    assert_eq!(superpose(&folder, "merge s.toml parts --out t --set title=other --quiet").0, 0);
    let path = folder.path().join("parts/s.2-of-2.part");
    let whole = fs::read(&path).expect("bytes");
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    fs::write(&path, &changed).expect("written");
    let damaged =
        "error: parts/s.2-of-2.part: is damaged: its SHA-256 is not that of its content; compute this shard again\n";
    assert_eq!(error(&folder, "merge s.toml parts --out m"), (8, damaged.to_owned()));
    // A damaged part is not there.
    assert_eq!(superpose(&folder, "missing parts").1, "2\n");
    assert_eq!(superpose(&folder, "shard s.toml 2/2 --out parts").0, 0);
    assert_eq!(fs::read(&path).expect("bytes"), whole);
    let refusals = [
        ("merge s.toml s.toml --out m", 8, "s.toml: is not a part that `superpose shard` wrote"),
        ("shard s.toml 7-99", 2, "s.toml: there are no units 7-99; allowed: from 0 to 29"),
        ("merge s.toml . --out m", 9, "s.toml: not all units are there; left: superpose shard s.toml 0-29 --out ."),
        ("missing .", 2, ".: holds no part (NAME.part); superpose shard writes them, and all are left"),
        ("merge s.toml gone --out m", 7, "gone: cannot be read: No such file or directory (os error 2)"),
        ("shard s.toml 1/2 --memory 1kB", 5, "s.toml: tier \"a\" needs about "),
        ("shard s.toml 1/3 --out s.toml", 75, "s.toml: cannot be written: "),
    ];
    for (words, code, sentence) in refusals {
        let (found, told) = error(&folder, words);
        assert!(found == code && told.starts_with(&format!("error: {sentence}")), "{words}: {found} {told}");
    }
    let usage = error(&folder, "shard s.toml 6/5");
    assert_eq!(usage.0, 2);
    assert!(
        usage.1.contains("allowed: K/N with K from 1 to N, auto/N, or the numbers A-B of the first and the last unit")
    );
    assert!(!folder.path().join("m").exists() && !folder.path().join("results").exists());
}

#[test]
fn law_a_merged_smoke_run_leaves_no_store() {
    let folder = folder();
    let smoke = format!("{SCENARIO}[smoke]\nreplicates = 2\n");
    fs::write(folder.path().join("s.toml"), smoke).expect("a file");
    assert_eq!(superpose(&folder, "shard s.toml 1/1 --smoke --out parts").0, 0);
    assert_eq!(error(&folder, "merge s.toml parts --smoke --out m --quiet"), (0, String::new()));
    assert_eq!(error(&folder, "run s.toml --smoke --out one --quiet"), (0, String::new()));
    assert!(contents(&folder.path().join("m")) == contents(&folder.path().join("one")));
    assert!(!folder.path().join("m/store.redb").exists() && folder.path().join("m/s.csv").exists());
    // So the full size has the folder to itself.
    assert_eq!(error(&folder, "run s.toml --out m --quiet"), (0, String::new()));
}
