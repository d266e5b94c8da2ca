//! Clusters: what is told when an engine, or what it runs on, is not as it must be. A script takes the part of Python and of Dask, so that nothing of either is needed here; tests/cluster has both.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

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
[measure.overlap]
";

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("s.toml"), SCENARIO).expect("a file");
    folder
}

/// Exit code, standard output and standard error of a command, with the folder first on the path.
fn superpose(folder: &TempDir, words: &str) -> (i32, String, String) {
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new(env!("CARGO_BIN_EXE_superpose"));
    command.env("PATH", path).env("BINARY", env!("CARGO_BIN_EXE_superpose"));
    let output = command.args(words.split_whitespace()).current_dir(folder.path()).output().expect("it starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
}

fn error(folder: &TempDir, words: &str) -> (i32, String) {
    let (code, _, error) = superpose(folder, words);
    (code, error)
}

fn script(folder: &TempDir, name: &str, text: &str) {
    let path = folder.path().join(name);
    fs::write(&path, format!("#!/bin/bash\n{text}\n")).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it may run");
}

/// A driver that greets with a worker of this version and has `shard` answer each line of units with a frame: `part UNITS CODE SAID FILE` writes one.
fn driver(folder: &TempDir, answer: &str) {
    let version =
        format!("superpose {} (results epoch {})", env!("CARGO_PKG_VERSION"), superpose::engine::unit::RESULTS_EPOCH);
    let text = format!(
        r#"
frame() {{ printf '%s\n' "$1"; }}
part() {{
    printf '{{"is":"part","units":"%s","worker":"tcp://w","code":%s,"said":"%s","seconds":1.0,"threads":1,"bytes":%s}}\n' "$1" "$2" "$3" "$(stat -c %s "$4")"
    cat "$4"
}}
read -r asked
frame '{{"is":"workers","versions":{{"tcp://w":"{version}"}},"threads":1,"bytes":0}}'
head -c "$(stat -c %s s.toml)" > carried.toml
while read -r units; do
    {answer}
done
"#
    );
    script(folder, "driver", &text);
}

const RUN: &str =
    "run s.toml --on dask --scheduler tcp://h:1 --python ./driver --out r --quiet --no-report --shard-seconds 0.001";

#[test]
fn messages_of_commands_that_cannot_begin() {
    let folder = folder();
    let dask = "--on dask needs --scheduler or --scheduler-file of a cluster that is there, or --workers to start one on this machine";
    let refusals = [
        ("run s.toml --on dask", dask),
        ("run s.toml --on slurm", "--on slurm needs --shards, the number of tasks in its array"),
        ("run s.toml --on slurm --shards 3 --workers 2", "--workers belongs to --on dask, and this is --on slurm"),
        ("run s.toml --on dask --workers 2 --dry-run", "--dry-run belongs to --on slurm, and this is --on dask"),
        ("run s.toml s.toml --on dask --workers 2", "--on takes one scenario"),
    ];
    for (words, sentence) in refusals {
        assert_eq!(error(&folder, words), (2, format!("error: {sentence}\n")), "{words}");
    }
    let sentence = "error: --on dask needs Python, and there is no ./none; install it, then: python3 -m pip install 'dask[distributed]'\n";
    assert_eq!(error(&folder, "run s.toml --on dask --workers 1 --python ./none"), (7, sentence.to_owned()));
    assert_eq!(error(&folder, "run s.toml --workers 2").0, 2);
}

#[test]
fn messages_of_a_cluster_that_is_not_as_it_must_be() {
    let folder = folder();
    let own =
        format!("superpose {} (results epoch {})", env!("CARGO_PKG_VERSION"), superpose::engine::unit::RESULTS_EPOCH);
    let cases = [
        (
            r#"{"is":"lacking","text":"No module named dask","bytes":0}"#,
            7,
            "--on dask needs Dask, which ./driver does not have (No module named dask); this installs it: ./driver -m pip install 'dask[distributed]'".to_owned(),
        ),
        (
            r#"{"is":"unreachable","text":"Timed out","bytes":0}"#,
            75,
            "tcp://h:1: no Dask scheduler answers there (Timed out)".to_owned(),
        ),
        (
            r#"{"is":"workers","versions":{"tcp://a:1":null,"tcp://b:2":"superpose 0.0.9"},"threads":2,"bytes":0}"#,
            7,
            format!("2 of 2 workers cannot take part: tcp://a:1 has no superpose on its path; tcp://b:2 has superpose 0.0.9; this is {own}, and all must have the same"),
        ),
        (
            "nonsense",
            7,
            "s.toml: the driver of Dask has ended: ImportError: broken; 0 of 3 units are done and saved, and the same command goes on".to_owned(),
        ),
    ];
    for (frame, code, sentence) in cases {
        script(&folder, "driver", &format!("read -r asked\nprintf '%s\\n' '{frame}'\necho 'ImportError: broken' >&2"));
        assert_eq!(error(&folder, RUN), (code, format!("error: {sentence}\n")));
    }
    assert!(!folder.path().join("r/s.csv").exists());
}

#[test]
fn law_whatever_a_cluster_does_what_came_back_is_kept_and_the_run_goes_on() {
    let folder = folder();
    assert_eq!(error(&folder, "run s.toml --out one --quiet --no-report"), (0, String::new()));
    let compute = "\"$BINARY\" shard carried.toml \"$units\" --stdout > part";
    let saved = "of 3 units are done and saved, and the same command goes on";
    // The scheduler is gone after the first part.
    driver(
        &folder,
        &format!(
            "if [ \"$units\" = 0-0 ]; then {compute}; part $units 0 '' part; else frame '{{\"is\":\"lost\",\"bytes\":0}}'; fi"
        ),
    );
    let lost = format!("error: s.toml: the scheduler at tcp://h:1 is gone; 1 {saved}\n");
    assert_eq!(error(&folder, RUN), (75, lost));
    assert_eq!(fs::read(folder.path().join("carried.toml")).expect("a file"), SCENARIO.as_bytes());
    // A shard fails whenever it is tried, one is refused, one is damaged, one is of another scenario.
    driver(
        &folder,
        "frame \"{\\\"is\\\":\\\"failed\\\",\\\"units\\\":\\\"$units\\\",\\\"text\\\":\\\"exit code 75 on tcp://w: full\\\",\\\"bytes\\\":0}\"",
    );
    let failed =
        format!("error: s.toml: units 1-1 failed whenever they were tried: exit code 75 on tcp://w: full; 1 {saved}\n");
    assert_eq!(error(&folder, RUN), (9, failed));
    driver(&folder, "part $units 4 'error: a.npy: is gone' /dev/null");
    let refused = format!("error: s.toml: units 1-1 from tcp://w: a.npy: is gone; 1 {saved}\n");
    assert_eq!(error(&folder, RUN), (4, refused));
    driver(&folder, &format!("{compute}; truncate -s -1 part; part $units 0 '' part"));
    let damaged =
        "error: units 1-1 from tcp://w: is damaged: its SHA-256 is not that of its content; compute this shard again\n";
    assert_eq!(error(&folder, RUN), (8, damaged.to_owned()));
    driver(&folder, "\"$BINARY\" shard s.toml \"$units\" --set seed=4 --stdout > part; part $units 0 '' part");
    let foreign = "error: units 1-1 from tcp://w: is a part of another scenario (\"s\", 3 units), or of s.toml before it was changed\n";
    assert_eq!(error(&folder, RUN), (8, foreign.to_owned()));
    assert!(!folder.path().join("r/s.csv").exists());
    // And then all goes well: what was there is not asked for again, and the files are those of one machine.
    driver(&folder, &format!("echo $units >> asked; {compute}; part $units 0 '' part"));
    assert_eq!(error(&folder, RUN), (0, String::new()));
    assert_eq!(fs::read_to_string(folder.path().join("asked")).expect("a file"), "1-1\n2-2\n");
    for file in ["s.csv", "s.summary.csv"] {
        let read = |place: &str| fs::read(folder.path().join(place).join(file)).expect("a file");
        assert!(read("one") == read("r"), "{file}");
    }
}

#[test]
fn golden_the_script_for_slurm() {
    let folder = folder();
    let words = "run s.toml --on slurm --shards 3 --threads 2 --set seed=5 --sbatch-options --partition=long --dry-run --no-report";
    let (code, script, told) = superpose(&folder, words);
    assert_eq!((code, told.as_str()), (0, ""));
    let expected = format!(
        "#!/bin/bash\n\
        # s.toml in 3 shards on Slurm, written by superpose {}: an array, and a merge after it.\n\
        set -euo pipefail\n\
        mkdir -p results/s.parts\n\
        \n\
        array=$(sbatch --parsable <<'END_OF_SHARDS'\n\
        #!/bin/bash\n\
        #SBATCH --job-name=s\n\
        #SBATCH --array=1-3\n\
        #SBATCH --requeue\n\
        #SBATCH --open-mode=append\n\
        #SBATCH --output=results/s.parts/s.%a.log\n\
        #SBATCH --cpus-per-task=2\n\
        #SBATCH --partition=long\n\
        code=0\n\
        {} shard s.toml auto/3 --out results/s.parts --set seed=5 --threads 2 || code=$?\n\
        # 75 may go well another time, on another node. A task whose node dies is requeued by Slurm itself.\n\
        if [ $code -eq 75 ] && [ \"${{SLURM_RESTART_COUNT:-0}}\" -lt 3 ]; then\n    \
        scontrol requeue \"$SLURM_JOB_ID\"\n    \
        sleep 60  # Slurm ends the task before that\n\
        fi\n\
        exit $code\n\
        END_OF_SHARDS\n\
        )\n\
        array=${{array%%;*}}\n\
        echo \"$array\"\n\
        \n\
        merge=$(sbatch --parsable --dependency=\"afterany:$array\" <<'END_OF_MERGE'\n\
        #!/bin/bash\n\
        #SBATCH --job-name=s-merge\n\
        #SBATCH --open-mode=append\n\
        #SBATCH --output=results/s.parts/s.merge.log\n\
        #SBATCH --cpus-per-task=2\n\
        #SBATCH --partition=long\n\
        {} merge s.toml results/s.parts --set seed=5 --threads 2 --out results/s --quiet --lang en --no-report\n\
        END_OF_MERGE\n\
        )\n\
        echo \"${{merge%%;*}}\"\n",
        env!("CARGO_PKG_VERSION"),
        env!("CARGO_BIN_EXE_superpose"),
        env!("CARGO_BIN_EXE_superpose"),
    );
    assert_eq!(script, expected);
    assert!(!folder.path().join("results").exists(), "nothing is written");
}

/// An sbatch that computes: an array runs its tasks at once, one after the other.
#[test]
fn law_slurm_is_given_what_is_missing_and_the_merge_ends_it() {
    let folder = folder();
    let sbatch = r#"
cat > job
echo "$@" >> submitted
array=$(sed -n 's/^#SBATCH --array=//p' job)
echo "array=$array" >> submitted
if [ -z "$array" ]; then bash job > log 2>&1; else
    for k in $(echo "$array" | tr , '\n' | sed 's/\(.*\)-\(.*\)/{\1..\2}/'); do
        for k in $(eval echo "$k"); do [ -e "skip$k" ] || SLURM_ARRAY_TASK_ID=$k bash job > "log$k" 2>&1; done
    done
fi
echo "$(wc -l < submitted);cluster"
"#;
    script(&folder, "sbatch", sbatch);
    assert_eq!(error(&folder, "run s.toml --out one --quiet --no-report"), (0, String::new()));
    let run = "run s.toml --on slurm --shards 3 --out r --no-report";
    fs::write(folder.path().join("skip2"), "").expect("a file");
    let told = |n: &str, a: u32, b: u32| {
        format!(
            "r.parts/s.slurm.sh: {n} of 3 are array {a}, and job {b} merges them into r; what is left at any time: superpose missing r.parts\n"
        )
    };
    assert_eq!(error(&folder, run), (0, told("3 shards", 2, 4)));
    assert!(!folder.path().join("r").exists(), "the merge has refused");
    let log = fs::read_to_string(folder.path().join("log")).expect("a log");
    assert_eq!(log, "error: s.toml: not all units are there; left: superpose shard s.toml 1-1 --out r.parts\n");
    fs::remove_file(folder.path().join("skip2")).expect("removed");
    // A damaged part is not there.
    let part = folder.path().join("r.parts/s.3-of-3.part");
    let bytes = fs::read(&part).expect("a part");
    fs::write(&part, &bytes[..bytes.len() - 1]).expect("written");
    assert_eq!(error(&folder, run), (0, told("2 shards", 6, 8)));
    let submitted = fs::read_to_string(folder.path().join("submitted")).expect("a log");
    let expected = "--parsable\narray=1-3\n--parsable --dependency=afterany:2\narray=\n--parsable\narray=2-3\n--parsable --dependency=afterany:6\narray=\n";
    assert_eq!(submitted, expected);
    for file in ["s.csv", "s.summary.csv"] {
        let read = |place: &str| fs::read(folder.path().join(place).join(file)).expect("a file");
        assert!(read("one") == read("r"), "{file}");
    }
    let done = "r.parts/s.slurm.sh: all 3 shards are there; job 10 merges them into r\n";
    assert_eq!(error(&folder, run), (0, done.to_owned()));
    // Another scenario finds the folder of these parts taken.
    let foreign = "error: r.parts/s.1-of-3.part: is a part of another scenario (\"s\", 3 units), or of s.toml before it was changed\n";
    assert_eq!(error(&folder, &format!("{run} --set seed=4")), (8, foreign.to_owned()));
    script(&folder, "sbatch", "echo 'sbatch: error: invalid partition specified: long' >&2; exit 1");
    let refused =
        "error: r.parts/s.slurm.sh: nothing more is submitted: sbatch: error: invalid partition specified: long\n";
    assert_eq!(error(&folder, run), (7, refused.to_owned()));
}
