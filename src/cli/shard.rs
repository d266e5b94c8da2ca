//! `superpose shard`, `merge` and `missing`: a study computed in parts, wherever that may be.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use clap::Args;
use superpose::engine::shard::{self, Header, Part, fingerprint};
use superpose::engine::unit::{Inputs, RESULTS_EPOCH, read_inputs};
use superpose::engine::{self, Options, Outcome, admit};
use superpose::geometry::kernel::Kernel;
use superpose::output;
use superpose::report::quoted;
use superpose::scenario::study::Study;
use superpose::store::{self, Batch, Store};

use super::on::flags;
use super::on::slurm::array;
use super::plot::fonts;
use super::publish::{Finished, MANIFEST};
use super::results::{Files, default_folder};
use super::signals::Signals;
use super::summary::counted;
use super::{Failure, Settings, folder, page, print};

/// How the name of a part ends.
const ENDING: &str = "part";

/// Exit code of what may go well another time.
const TEMPORARY: u8 = 75;

/// What all commands of parts name.
#[derive(Args)]
struct Scenario {
    /// Scenario file (TOML)
    #[arg(value_name = "SCENARIO")]
    scenario: PathBuf,
    #[command(flatten)]
    settings: Settings,
}

impl Scenario {
    /// The study, the files that it reads, and what its numbers depend on.
    fn study(&self) -> Result<(Study, Inputs, String), Failure> {
        let study = self.settings.study(&self.scenario)?;
        let inputs = read_inputs(&study).map_err(|fault| Failure::of(&study, fault))?;
        let print = fingerprint(&study, &inputs);
        Ok((study, inputs, print))
    }
}

#[derive(Args)]
pub struct ShardArguments {
    #[command(flatten)]
    scenario: Scenario,
    /// K/N for the K-th of N shards, from 1; auto/N for the one whose number Slurm, PBS, SGE, LSF, HyperQueue, GNU parallel or MPI give; or units A-B
    #[arg(value_name = "WHICH", value_parser = which)]
    which: Which,
    /// Folder for the part [default: results/NAME.parts]
    #[arg(long, value_name = "DIR", conflicts_with = "stdout")]
    out: Option<PathBuf>,
    /// Write the part to standard output
    #[arg(long)]
    stdout: bool,
    /// End with 75 as soon as standard input does: whoever wanted the part is gone
    #[arg(long, requires = "stdout")]
    until_eof: bool,
}

#[derive(Args)]
pub struct MergeArguments {
    #[command(flatten)]
    scenario: Scenario,
    /// Parts, or folders that hold them
    #[arg(value_name = "PART", required = true)]
    parts: Vec<PathBuf>,
    /// Folder for the results [default: results/NAME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Leave out the page and the figures
    #[arg(long)]
    no_report: bool,
    /// Language of the page
    #[arg(long, value_name = "LANG", default_value = "en")]
    lang: page::Lang,
    /// Font file (.ttf, .otf) for letters that the bundled font lacks in figures, such as Chinese
    #[arg(long, value_name = "FILE")]
    font: Option<PathBuf>,
    /// Print nothing but errors
    #[arg(long)]
    quiet: bool,
}

#[derive(Args)]
pub struct MissingArguments {
    /// Parts, or folders that hold them
    #[arg(value_name = "PART", required = true)]
    parts: Vec<PathBuf>,
}

/// What a shard holds.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Which {
    /// The k-th of n.
    Shard(u64, u64),
    /// The n-th of which the engine that started this tells the number.
    Auto(u64),
    /// Units by their numbers, both ends included.
    Units(u64, u64),
}

fn which(word: &str) -> Result<Which, String> {
    let number = |text: &str| text.parse::<u64>().ok();
    let found = match (word.split_once('/'), word.split_once('-')) {
        (Some(("auto", n)), _) => number(n).filter(|n| *n > 0).map(Which::Auto),
        (Some((k, n)), _) => {
            number(k).zip(number(n)).filter(|(k, n)| (1..=*n).contains(k)).map(|(k, n)| Which::Shard(k, n))
        }
        (None, Some((a, b))) => number(a).zip(number(b)).filter(|(a, b)| a <= b).map(|(a, b)| Which::Units(a, b)),
        (None, None) => None,
    };
    found.ok_or_else(|| {
        "allowed: K/N with K from 1 to N, auto/N, or the numbers A-B of the first and the last unit".to_owned()
    })
}

/// Where engines tell the number of a task, and what it begins with.
const NUMBERS: [(&str, u64); 10] = [
    ("SLURM_ARRAY_TASK_ID", 1),
    ("HQ_TASK_ID", 1),
    ("PBS_ARRAY_INDEX", 1),
    ("PBS_ARRAYID", 1),
    ("SGE_TASK_ID", 1),
    ("LSB_JOBINDEX", 1),
    ("PARALLEL_SEQ", 1),
    ("OMPI_COMM_WORLD_RANK", 0),
    ("PMIX_RANK", 0),
    ("PMI_RANK", 0),
];

/// The number of the shard that an engine has started.
fn number_of_task(n: u64, variable: &dyn Fn(&str) -> Option<String>) -> Result<u64, Failure> {
    let told = NUMBERS.iter().find_map(|&(name, first)| {
        let number = variable(name)?.parse::<u64>().ok()?;
        // LSF tells 0 where there is no array.
        (name != "LSB_JOBINDEX" || number > 0).then_some((name, first, number))
    });
    let Some((name, first, number)) = told else {
        let names = NUMBERS.map(|(name, _)| name).join(", ");
        return Err(Failure::new(
            2,
            format!("auto/{n}: no engine tells the number of this task; allowed: one of {names}, or K/{n}"),
        ));
    };
    let k = (number + 1).saturating_sub(first);
    match (1..=n).contains(&k) {
        true => Ok(k),
        false => {
            let last = n - 1 + first;
            Err(Failure::new(2, format!("auto/{n}: {name} is {number}; allowed: from {first} to {last}")))
        }
    }
}

/// Computes a shard, unless its part is there.
pub fn shard(arguments: &ShardArguments) -> Result<(), Failure> {
    // What the disk or the system refuse may go well on another machine, or later.
    shard_now(arguments).map_err(|failure| match failure.code {
        7 => Failure::new(TEMPORARY, failure.sentence),
        _ => failure,
    })
}

fn shard_now(arguments: &ShardArguments) -> Result<(), Failure> {
    let which = match arguments.which {
        Which::Auto(n) => Which::Shard(number_of_task(n, &|name| std::env::var(name).ok())?, n),
        which => which,
    };
    let (study, inputs, print_of_study) = arguments.scenario.study()?;
    let faulty = |fault| Failure::of(&study, fault);
    let (units, shard, file) = match which {
        Which::Shard(k, n) => {
            let width = n.to_string().len();
            (shard::range(&study, k, n).map_err(faulty)?, Some((k, n)), format!("{k:0width$}-of-{n}"))
        }
        Which::Units(a, b) if b < study.n_units => (a..b + 1, None, format!("units-{a}-{b}")),
        Which::Units(a, b) => {
            let last = study.n_units.saturating_sub(1);
            let path = study.path().display();
            return Err(Failure::new(2, format!("{path}: there are no units {a}-{b}; allowed: from 0 to {last}")));
        }
        Which::Auto(_) => unreachable!("its number is known"),
    };
    let file = format!("{}.{file}.{ENDING}", study.name());
    let folder = arguments.out.clone().unwrap_or_else(|| parts_folder(&default_folder(study.name())));
    let path = folder.join(&file);
    if !arguments.stdout {
        let there = fs::read(&path).ok().and_then(|bytes| Header::decode(&bytes).ok());
        // What is damaged, or of another version, is not there; what is of another scenario stays.
        if let Some(there) = there.filter(Header::is_of_this_version) {
            belongs(&there, &study, &print_of_study, &path.display())?;
            if there.units == units {
                let _ = writeln!(anstream::stderr(), "{}: is there", path.display());
                return Ok(());
            }
        }
    }
    let memory = arguments.scenario.settings.resources.memory();
    admit(&study, memory).map_err(faulty)?;
    if !arguments.stdout {
        output::probe(&folder, std::slice::from_ref(&file))?;
    }
    if arguments.until_eof {
        // Nothing of this shard is anywhere but in memory.
        std::thread::spawn(|| {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            std::process::exit(TEMPORARY.into());
        });
    }
    let signals = Signals::listen().map_err(|error| Failure::new(7, format!("cannot listen to signals: {error}")))?;
    let stop = || signals.code().is_some();
    let given_up = |_: &engine::Progress| {
        let _ =
            writeln!(anstream::stderr(), "interrupted: no part is written; the same command begins this shard again");
        std::process::exit(signals.code().unwrap_or(1).into());
    };
    // Engines run one shard to a core.
    let pool = super::pool(arguments.scenario.settings.resources.threads.or(Some(1)))?;
    let part = pool.install(|| {
        let store = Store::in_memory().map_err(|fault| Failure::of(&study, fault.into()))?;
        let options = Options {
            units: units.clone(),
            kernel: Kernel::best(),
            memory,
            stop_on_error: false,
            watch: &|_| {},
            stop: &stop,
            stopped: &given_up,
        };
        let outcome = engine::run(&study, &inputs, &store, &options).map_err(faulty)?;
        let header = Header {
            scenario: study.name().to_owned(),
            fingerprint: print_of_study.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            epoch: RESULTS_EPOCH.to_owned(),
            units: units.clone(),
            shard,
            n_units: study.n_units,
            n_records: 0,
            failures: outcome.failures,
        };
        Part::gather(&study, &inputs, &store, header).map_err(faulty)
    })?;
    let bytes = part.encode();
    if arguments.stdout {
        let mut out = std::io::stdout().lock();
        let written = out.write_all(&bytes).and_then(|()| out.flush());
        return written.map_err(|error| Failure::new(7, format!("standard output: {error}")));
    }
    output::create_folder(&folder)?;
    let (ready, _) = output::stage(&folder, &file, &bytes)?;
    output::publish(&folder, vec![ready])?;
    let (n, records) = (counted(units.end - units.start, "unit"), counted(part.header.n_records, "record"));
    let failed = match part.header.failures.len() as u64 {
        0 => String::new(),
        n => format!(", {} failed", counted(n, "unit")),
    };
    let _ = writeln!(anstream::stderr(), "{}: {n}, {records}{failed}", path.display());
    Ok(())
}

/// Where the parts of a run stand whose results stand in a folder.
pub fn parts_folder(results: &Path) -> PathBuf {
    let mut name = results.as_os_str().to_owned();
    name.push(".parts");
    name.into()
}

/// The parts of a folder that are whole, with what they say of themselves; none if there is no folder.
pub fn headers(folder: &Path) -> Result<Vec<(PathBuf, Header)>, Failure> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut whole = Vec::new();
    for path in parts_in(folder)? {
        // What is damaged is not there.
        if let Ok(header) = Header::decode(&read(&path)?) {
            whole.push((path, header));
        }
    }
    Ok(whole)
}

/// The parts of a folder.
fn parts_in(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let fault = |error| Failure::new(7, format!("{}: cannot be read: {error}", folder.display()));
    let mut there = Vec::new();
    for entry in folder.read_dir().map_err(fault)? {
        let entry = entry.map_err(fault)?.path();
        if entry.extension().is_some_and(|ending| ending == ENDING) {
            there.push(entry);
        }
    }
    there.sort();
    Ok(there)
}

/// The files that were named, and those of the folders that were.
fn files(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        files.extend(parts_in(path)?);
    }
    Ok(files)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::new(7, format!("{}: cannot be read: {error}", path.display())))
}

fn header(path: &Path) -> Result<Header, Failure> {
    Header::decode(&read(path)?).map_err(|error| Failure::new(8, format!("{}: {error}", path.display())))
}

/// What is left of so many units when these parts are there, as arguments of `superpose shard`.
fn left(headers: &[Header], n_units: u64) -> Vec<String> {
    let gaps = shard::gaps(headers.iter().map(|header| header.units.clone()).collect(), n_units);
    gaps.into_iter().map(|gap| format!("{}-{}", gap.start, gap.end - 1)).collect()
}

/// Refuses a part of another version or of another scenario; `from` says where it is from.
pub fn belongs(header: &Header, study: &Study, print_of_study: &str, from: &dyn Display) -> Result<(), Failure> {
    if !header.is_of_this_version() {
        let (version, epoch) = (env!("CARGO_PKG_VERSION"), RESULTS_EPOCH);
        return Err(Failure::new(
            8,
            format!(
                "{from}: holds the numbers of version {} (epoch {}), and this is {version} (epoch {epoch}); compute it with the same version everywhere",
                header.version, header.epoch
            ),
        ));
    }
    if header.fingerprint != print_of_study {
        return Err(Failure::new(
            8,
            format!(
                "{from}: is a part of another scenario (\"{}\", {}), or of {} before it was changed",
                header.scenario,
                counted(header.n_units, "unit"),
                study.path().display()
            ),
        ));
    }
    Ok(())
}

/// Puts the records of a part into the store of a run, and says how many were new. Those that are there already must be the same.
pub fn take_in(store: &Store, records: Batch, folder: &Path, from: &dyn Display) -> Result<u64, Failure> {
    let view = store.view()?;
    let mut new = Vec::new();
    for (key, values) in records {
        match view.get(&key)? {
            None => new.push((key, values)),
            Some(there) if there == values => {}
            Some(_) => {
                return Err(Failure::new(
                    8,
                    format!(
                        "{from}: has other numbers than another part, or than {}, for the same unit",
                        folder.join(store::FILE).display()
                    ),
                ));
            }
        }
    }
    drop(view);
    store.put(&new)?;
    Ok(new.len() as u64)
}

/// The units that the store lacks when all parts are there, with what their parts have told of them.
pub fn failures(
    study: &Study,
    inputs: &Inputs,
    store: &Store,
    told: &BTreeMap<(u64, usize, u64), engine::Failure>,
) -> Result<Vec<engine::Failure>, Failure> {
    let lacking = engine::lacking(study, inputs, store).map_err(|fault| Failure::of(study, fault))?;
    Ok(lacking.into_iter().map(|unit| told.get(&unit.unit).cloned().unwrap_or(unit)).collect())
}

/// Puts parts together and writes what `run` writes.
pub fn merge(arguments: &MergeArguments) -> Result<(), Failure> {
    let begin = (SystemTime::now(), Instant::now());
    let (study, inputs, print_of_study) = arguments.scenario.study()?;
    let fonts = fonts(arguments.font.as_deref())?;
    let files = files(&arguments.parts)?;
    // All are looked at before anything is written; one at a time, so that memory does not grow with their number.
    let mut headers = Vec::new();
    for path in &files {
        let header = header(path)?;
        belongs(&header, &study, &print_of_study, &path.display())?;
        headers.push(header);
    }
    let left = left(&headers, study.n_units);
    if !left.is_empty() {
        let scenario = quoted(&study.path().display().to_string());
        let mut flags = flags(&arguments.scenario.settings);
        if let [folder] = arguments.parts.as_slice()
            && folder.is_dir()
        {
            flags.push_str(&format!(" --out {}", quoted(&folder.display().to_string())));
        }
        let some = left.iter().take(8).map(|gap| format!("superpose shard {scenario} {gap}{flags}"));
        let some = some.collect::<Vec<_>>().join("; ");
        let more = if left.len() > 8 {
            format!("; and {} more: superpose missing lists them", left.len() - 8)
        } else {
            String::new()
        };
        return Err(Failure::new(
            9,
            format!("{}: not all units are there; left: {some}{more}", study.path().display()),
        ));
    }
    let folder = arguments.out.clone().unwrap_or_else(|| default_folder(study.name()));
    let mut names: Vec<String> = Files::of(&study).all().into();
    names.extend([MANIFEST, store::FILE, page::FILE].map(str::to_owned));
    output::probe(&folder, &names)?;
    output::create_folder(&folder)?;
    let store = folder::open_for(&folder, &study, arguments.scenario.settings.smoke, false)?;
    let mut n_found = 0;
    for path in &files {
        let part =
            Part::decode(&read(path)?).map_err(|error| Failure::new(8, format!("{}: {error}", path.display())))?;
        n_found += take_in(&store, part.records, &folder, &path.display())?;
    }
    let told = headers.into_iter().flat_map(|header| header.failures).map(|failure| (failure.unit, failure)).collect();
    let failures = failures(&study, &inputs, &store, &told)?;
    let n_units = study.n_units;
    let progress = engine::Progress { n_units, n_done: n_units, n_found, n_computed: 0, share: 1.0 };
    let outcome = Outcome { progress, failures, interrupted: false };
    let pool = arguments.scenario.settings.resources.pool()?;
    let finished = Finished {
        folder: &folder,
        study: &study,
        inputs: &inputs,
        store: &store,
        outcome: &outcome,
        kernel: Kernel::best(),
        fonts: (!arguments.no_report).then_some(&fonts),
        lang: arguments.lang,
        plot: false,
        smoke: arguments.scenario.settings.smoke,
        quiet: arguments.quiet,
        begin,
    };
    pool.install(|| finished.publish(&|| false)).map(|_| ())
}

/// Prints what is left: the numbers of shards, as `--array=` takes them, if all parts are of as many; else ranges of units.
pub fn missing(arguments: &MissingArguments) -> Result<(), Failure> {
    let mut headers: Vec<Header> = Vec::new();
    let mut damaged = None;
    for path in files(&arguments.parts)? {
        // What is damaged is not there.
        let header = match header(&path) {
            Ok(header) => header,
            Err(failure) if failure.code == 8 => {
                damaged.get_or_insert(failure);
                continue;
            }
            Err(failure) => return Err(failure),
        };
        if let Some(first) = headers.first().filter(|first| first.fingerprint != header.fingerprint) {
            let (a, b) = (&first.scenario, &header.scenario);
            return Err(Failure::new(
                8,
                format!(
                    "{}: is a part of another scenario (\"{b}\") than those before it (\"{a}\"), or of another version of it",
                    path.display()
                ),
            ));
        }
        headers.push(header);
    }
    let Some(n_units) = headers.first().map(|header| header.n_units) else {
        let named = arguments.parts.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
        let none = format!("{named}: holds no part (NAME.{ENDING}); superpose shard writes them, and all are left");
        return Err(damaged.unwrap_or_else(|| Failure::new(2, none)));
    };
    let left = left(&headers, n_units);
    if left.is_empty() {
        return Ok(());
    }
    let n = headers[0].shard.map(|(_, n)| n);
    let lines = match n.filter(|&n| headers.iter().all(|header| header.shard.is_some_and(|(_, other)| other == n))) {
        Some(n) => numbers_left(&headers, n, n_units),
        None => left.join("\n"),
    };
    print(&format!("{lines}\n"))
}

/// The numbers of the shards that can hold what is left: those between two that meet have no units.
fn numbers_left(headers: &[Header], n: u64, n_units: u64) -> String {
    let there: BTreeMap<u64, &Range<u64>> =
        headers.iter().filter_map(|header| Some((header.shard?.0, &header.units))).collect();
    let gaps = shard::gaps(there.keys().map(|&k| k - 1..k).collect(), n).into_iter();
    let lacking = gaps.filter(|gap| {
        let begin = there.get(&gap.start).map_or(0, |units| units.end);
        begin < there.get(&(gap.end + 1)).map_or(n_units, |units| units.start)
    });
    array(lacking.flat_map(|gap| gap.start + 1..gap.end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn law_a_shard_is_named_in_three_ways() {
        assert_eq!(which("3/7"), Ok(Which::Shard(3, 7)));
        assert_eq!(which("auto/7"), Ok(Which::Auto(7)));
        assert_eq!(which("0-11"), Ok(Which::Units(0, 11)));
        for word in ["", "3", "0/7", "8/7", "auto/0", "auto", "5-4", "-3", "a/b", "1/2/3"] {
            assert!(which(word).is_err(), "{word}");
        }
    }

    #[test]
    fn law_the_number_of_a_task_is_that_of_the_engine() {
        let told = |pairs: &'static [(&str, &str)]| {
            number_of_task(4, &move |name| {
                pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            })
            .map_err(|failure| failure.sentence)
        };
        assert_eq!(told(&[("SLURM_ARRAY_TASK_ID", "4")]), Ok(4));
        assert_eq!(told(&[("SGE_TASK_ID", "undefined"), ("PBS_ARRAY_INDEX", "2")]), Ok(2));
        assert_eq!(told(&[("LSB_JOBINDEX", "0"), ("PMI_RANK", "0")]), Ok(1));
        assert_eq!(told(&[("HQ_TASK_ID", "0")]), Err("auto/4: HQ_TASK_ID is 0; allowed: from 1 to 4".to_owned()));
        assert_eq!(
            told(&[("OMPI_COMM_WORLD_RANK", "4")]),
            Err("auto/4: OMPI_COMM_WORLD_RANK is 4; allowed: from 0 to 3".to_owned())
        );
        assert!(
            told(&[]).is_err_and(|sentence| sentence
                .starts_with("auto/4: no engine tells the number of this task; allowed: one of SLURM_ARRAY_TASK_ID, "))
        );
    }
}
