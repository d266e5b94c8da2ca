//! `--on slurm`: one array of shards and a merge after it, as a script that a person can read.

use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use superpose::engine::shard::{fingerprint, gaps, ranges};
use superpose::engine::unit::read_inputs;
use superpose::output;
use superpose::report::quoted;
use superpose::scenario::study::Study;

use super::super::shard::{belongs, headers, parts_folder};
use super::super::summary::counted;
use super::super::{Failure, Settings, page, print};
use super::{On, flags};

/// How often a shard that may go well another time is tried again.
const RETRIES: u32 = 3;

/// An array of Slurm.
pub struct Array<'a> {
    n: u64,
    options: Option<&'a str>,
    is_dry: bool,
}

/// What of the command reaches the shards and the merge.
pub struct Asked<'a> {
    pub settings: &'a Settings,
    pub folder: &'a Path,
    pub no_report: bool,
    pub lang: page::Lang,
    pub font: Option<&'a Path>,
}

impl<'a> Array<'a> {
    pub fn of(on: &'a On) -> Result<Self, Failure> {
        let Some(n) = on.shards else {
            return Err(Failure::new(2, "--on slurm needs --shards, the number of tasks in its array"));
        };
        if on.sbatch_options.as_ref().is_some_and(|options| options.contains('\n')) {
            return Err(Failure::new(2, "--sbatch-options must be one line"));
        }
        Ok(Self { n, options: on.sbatch_options.as_deref(), is_dry: on.dry_run })
    }

    /// Submits what is not there yet, or prints what would be submitted.
    pub fn submit(&self, study: &Study, asked: &Asked) -> Result<(), Failure> {
        let faulty = |fault| Failure::of(study, fault);
        let inputs = read_inputs(study).map_err(faulty)?;
        let parts = parts_folder(asked.folder);
        let mut there = Vec::new();
        let print_of_study = fingerprint(study, &inputs);
        for (path, header) in headers(&parts)? {
            belongs(&header, study, &print_of_study, &path.display())?;
            there.push(header.units);
        }
        let left = gaps(there, study.n_units);
        let is_left =
            |units: &std::ops::Range<u64>| left.iter().any(|gap| gap.start < units.end && units.start < gap.end);
        let shards = ranges(study, self.n).map_err(faulty)?;
        let numbers: Vec<u64> =
            (1..).zip(&shards).filter(|(_, units)| is_left(units)).map(|(number, _)| number).collect();
        let array = array(numbers.iter().copied());
        let script = self.script(study, asked, &parts, &array)?;
        if self.is_dry {
            return print(&script);
        }
        output::create_folder(&parts)?;
        let file = format!("{}.slurm.sh", study.name());
        let (ready, _) = output::stage(&parts, &file, script.as_bytes())?;
        output::publish(&parts, vec![ready])?;
        let path = parts.join(&file);
        let jobs = sbatch(&path)?;
        let (n, parts) = (counted(numbers.len() as u64, "shard"), parts.display());
        let sentence = match jobs.as_slice() {
            [array, merge] => format!(
                "{}: {n} of {} are array {array}, and job {merge} merges them into {}; what is left at any time: superpose missing {parts}",
                path.display(),
                self.n,
                asked.folder.display()
            ),
            [merge] => format!(
                "{}: all {} are there; job {merge} merges them into {}",
                path.display(),
                counted(self.n, "shard"),
                asked.folder.display()
            ),
            _ => return Err(Failure::new(7, format!("{}: sbatch has told no number of a job", path.display()))),
        };
        let _ = writeln!(anstream::stderr(), "{sentence}");
        Ok(())
    }

    /// A shell script that submits the array and the merge, or the merge alone where no shard is left.
    fn script(&self, study: &Study, asked: &Asked, parts: &Path, array: &str) -> Result<String, Failure> {
        // As it was called: a name that is on the path here is taken to be on the path there, which sbatch carries along.
        let called = std::env::args().next().map(PathBuf::from).filter(|name| name.components().count() == 1);
        let superpose = called.map_or_else(std::env::current_exe, Ok);
        let superpose = superpose.map_err(|error| Failure::new(7, format!("the path of this program: {error}")))?;
        let word = |path: &Path| quoted(&path.display().to_string());
        let (superpose, scenario, n, name) = (word(&superpose), word(study.path()), self.n, study.name());
        let changes = flags(asked.settings);
        let log = |ending: &str| in_directive(parts, &format!("{name}.{ending}.log"));
        let (log_of_shard, log_of_merge) = (log("%a"), log("merge"));
        let options = self.options.map_or(String::new(), |options| format!("#SBATCH {options}\n"));
        let threads = asked.settings.resources.threads;
        let cores = threads.map_or(String::new(), |threads| format!("#SBATCH --cpus-per-task={threads}\n"));
        let parts_word = word(parts);
        let mut script = format!(
            "#!/bin/bash\n# {} in {n} shards on Slurm, written by superpose {}: an array, and a merge after it.\nset -euo pipefail\nmkdir -p {parts_word}\n",
            study.path().display().to_string().replace('\n', " "),
            env!("CARGO_PKG_VERSION"),
        );
        let mut dependency = "";
        if !array.is_empty() {
            dependency = " --dependency=\"afterany:$array\"";
            let _ = write!(
                script,
                "\narray=$(sbatch --parsable <<'END_OF_SHARDS'\n\
                #!/bin/bash\n\
                #SBATCH --job-name={name}\n\
                #SBATCH --array={array}\n\
                #SBATCH --requeue\n\
                #SBATCH --open-mode=append\n\
                #SBATCH --output={log_of_shard}\n\
                {cores}{options}\
                code=0\n\
                {superpose} shard {scenario} auto/{n} --out {parts_word}{changes} || code=$?\n\
                # 75 may go well another time, on another node. A task whose node dies is requeued by Slurm itself.\n\
                if [ $code -eq 75 ] && [ \"${{SLURM_RESTART_COUNT:-0}}\" -lt {RETRIES} ]; then\n    \
                scontrol requeue \"$SLURM_JOB_ID\"\n    \
                sleep 60  # Slurm ends the task before that\n\
                fi\n\
                exit $code\n\
                END_OF_SHARDS\n)\narray=${{array%%;*}}\necho \"$array\"\n"
            );
        }
        let mut merged = changes;
        let _ = write!(merged, " --out {} --quiet --lang {}", word(asked.folder), asked.lang.word());
        if asked.no_report {
            merged.push_str(" --no-report");
        }
        if let Some(font) = asked.font {
            let _ = write!(merged, " --font {}", word(font));
        }
        // After whatever has become of the shards: the merge says which are missing.
        let _ = write!(
            script,
            "\nmerge=$(sbatch --parsable{dependency} <<'END_OF_MERGE'\n\
            #!/bin/bash\n\
            #SBATCH --job-name={name}-merge\n\
            #SBATCH --open-mode=append\n\
            #SBATCH --output={log_of_merge}\n\
            {cores}{options}\
            {superpose} merge {scenario} {parts_word}{merged}\n\
            END_OF_MERGE\n)\necho \"${{merge%%;*}}\"\n"
        );
        Ok(script)
    }
}

/// The pattern of a file in a folder, as a line that begins with `#SBATCH` takes it: `%` is for numbers of jobs, and what the shell would not take as it is stands in quotes.
fn in_directive(folder: &Path, file: &str) -> String {
    let folder = folder.display().to_string();
    let path = format!("{}/{file}", folder.replace('%', "%%"));
    if quoted(&folder) == folder { path } else { format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\"")) }
}

/// Numbers as `--array=` takes them.
pub fn array(numbers: impl IntoIterator<Item = u64>) -> String {
    let mut spans: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match spans.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => spans.push((number, number)),
        }
    }
    let words = spans.iter().map(|&(a, b)| if a == b { a.to_string() } else { format!("{a}-{b}") });
    words.collect::<Vec<_>>().join(",")
}

/// Runs the script; the numbers of the jobs that it has submitted.
fn sbatch(script: &PathBuf) -> Result<Vec<String>, Failure> {
    let bash = Command::new("bash").arg(script).stdin(Stdio::null()).output();
    let done = bash.map_err(|error| Failure::new(7, format!("bash cannot be started: {error}")))?;
    let said = String::from_utf8_lossy(&done.stderr);
    let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).lines().map(str::to_owned).collect());
    }
    let sentence = match done.status.code() {
        Some(127) => "--on slurm needs sbatch, which is not on the path; --dry-run prints the script".to_owned(),
        _ => {
            let array = String::from_utf8_lossy(&done.stdout)
                .lines()
                .next()
                .map_or(String::new(), |array| format!("array {array} is submitted, and "));
            format!(
                "{}: {array}nothing more is submitted: {}",
                script.display(),
                lines().collect::<Vec<_>>().join("; ")
            )
        }
    };
    Err(Failure::new(7, sentence))
}

#[cfg(test)]
mod tests {
    use super::{array, in_directive};

    #[test]
    fn law_a_folder_in_a_directive_is_one_word() {
        let log = |folder: &str| in_directive(folder.as_ref(), "s.%a.log");
        assert_eq!(log("r.parts"), "r.parts/s.%a.log");
        assert_eq!(log("my 5%.parts"), "\"my 5%%.parts/s.%a.log\"");
        assert_eq!(log("a\"b"), "\"a\\\"b/s.%a.log\"");
    }

    #[test]
    fn law_numbers_are_written_as_arrays_take_them() {
        assert_eq!(array([]), "");
        assert_eq!(array([3]), "3");
        assert_eq!(array([1, 2, 3, 7, 9, 10]), "1-3,7,9-10");
    }
}
