//! `--on dask`: the units that are left go out in shards, and parts come back into the store of the run. The driver beside this file speaks to Dask; this speaks to the driver.

use std::cmp::min;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::json;
use superpose::engine::left::{self, Piece};
use superpose::engine::shard::{Part, fingerprint};
use superpose::engine::unit::Inputs;
use superpose::engine::{Failure as Failed, Options, Outcome, Progress};
use superpose::scenario::study::Study;
use superpose::store::Store;
use tempfile::TempDir;

use super::super::shard::{belongs, failures, take_in};
use super::super::summary::counted;
use super::super::{Failure, Settings, version};
use super::{On, words};

/// The driver, which python3 runs.
const DRIVER: &str = include_str!("dask.py");

/// What installs what the driver needs.
const INSTALL: &str = "python3 -m pip install 'dask[distributed]'";

/// Seconds of a shard: enough that starting it does not count, little enough that a worker that dies takes little with it.
const SHARD_S: (f64, f64) = (10.0, 60.0);

/// Estimated time of the first shards, in parts of what is asked for, and at most: they show how long the workers take for what was estimated, and that may be much longer.
const PROBE: (f64, f64) = (0.05, 0.5);

/// Shards that probe.
const N_PROBES: usize = 8;

/// Bytes that are carried to the workers through Dask.
const MOST_CARRIED: u64 = 256 << 20;

/// Exit code of what may go well another time.
const TEMPORARY: u8 = 75;

/// Longest time between two looks at signals.
const TICK: Duration = Duration::from_millis(100);

/// How long the driver may take to leave.
const PATIENCE: Duration = Duration::from_secs(4);

/// A cluster of Dask that is there, or is to be started.
pub struct Cluster<'a>(&'a On);

/// What is to be computed, and where it is kept.
pub struct Work<'a> {
    pub study: &'a Study,
    pub inputs: &'a Inputs,
    pub store: &'a Store,
    pub folder: &'a Path,
    pub settings: &'a Settings,
    pub quiet: bool,
}

impl<'a> Cluster<'a> {
    pub fn of(on: &'a On) -> Result<Self, Failure> {
        if on.scheduler.is_none() && on.scheduler_file.is_none() && on.workers.is_none() {
            let sentence = "--on dask needs --scheduler or --scheduler-file of a cluster that is there, or --workers to start one on this machine";
            return Err(Failure::new(2, sentence));
        }
        Ok(Self(on))
    }

    /// Computes what the store lacks, as [`superpose::engine::run`] does on this machine.
    pub fn run(&self, work: &Work, options: &Options) -> Result<Outcome, Failure> {
        let (study, inputs, store) = (work.study, work.inputs, work.store);
        let faulty = |fault| Failure::of(study, fault);
        let left = left::left(study, inputs, store).map_err(faulty)?;
        let progress = Progress {
            n_units: study.n_units,
            n_done: study.n_units - left.n_units,
            n_found: left.n_found,
            n_computed: 0,
            share: 1.0 - left.seconds / study.seconds.max(f64::MIN_POSITIVE),
        };
        let mut run = Run {
            work,
            options,
            fingerprint: fingerprint(study, inputs),
            scheduler: self.address(),
            progress,
            told: BTreeMap::new(),
        };
        if left.n_units > 0 && !self.drive(&mut run, left.seconds)? {
            (options.stopped)(&run.progress);
            return Ok(Outcome { progress: run.progress, failures: Vec::new(), interrupted: true });
        }
        let interrupted = options.stop_on_error && !run.told.is_empty();
        let failures = match interrupted {
            true => run.told.into_values().collect(),
            false => failures(study, inputs, store, &run.told)?,
        };
        let n_done = if interrupted { run.progress.n_done } else { study.n_units };
        Ok(Outcome { progress: Progress { n_done, ..run.progress }, failures, interrupted })
    }

    /// Has the driver do what is left; `false` if it was asked to stop before that was done.
    fn drive(&self, run: &mut Run, left_s: f64) -> Result<bool, Failure> {
        let mut driver = Driver::start(self.0, run)?;
        let Some(n_threads) = driver.greet(run)? else { return Ok(false) };
        if n_threads == 0 && !run.work.quiet {
            let _ =
                writeln!(anstream::stderr(), "{}: no worker is there yet; shards wait for the first", run.scheduler);
        }
        let mut pace = Pace { asked: self.0.shard_seconds, n_threads, left_s, estimated_s: 0.0, measured_s: 0.0 };
        let wished = AtomicU64::new(pace.piece_s().to_bits());
        let (study, inputs, store) = (run.work.study, run.work.inputs, run.work.store);
        // Nobody takes a piece before it is needed, so that its size follows what was measured last.
        let (offer, pieces) = sync_channel::<Piece>(0);
        thread::scope(|scope| {
            let wished = &wished;
            let cutter = scope.spawn(move || {
                let seconds = || f64::from_bits(wished.load(Ordering::Relaxed));
                left::each_piece(study, inputs, store, &seconds, &mut |piece| offer.send(piece).is_ok())
                    .map_err(|fault| Failure::of(study, fault))
            });
            let ended = run.carry(&mut driver, pieces, &mut pace, wished);
            cutter.join().expect("what the store throws is a fault").and(ended)
        })
    }

    /// How messages call the cluster.
    fn address(&self) -> String {
        let file = self.0.scheduler_file.as_ref().map(|path| path.display().to_string());
        self.0.scheduler.clone().or(file).unwrap_or_else(|| "the Dask cluster on this machine".to_owned())
    }
}

/// A run on Dask, as far as it is.
struct Run<'a> {
    work: &'a Work<'a>,
    options: &'a Options<'a>,
    fingerprint: String,
    scheduler: String,
    progress: Progress,
    /// Units that failed.
    told: BTreeMap<(u64, usize, u64), Failed>,
}

impl Run<'_> {
    /// Gives pieces to the driver and takes parts from it, until all is done, or the first unit has failed and that ends the run; `false` if it was asked to stop.
    fn carry(
        &mut self,
        driver: &mut Driver,
        pieces: Receiver<Piece>,
        pace: &mut Pace,
        wished: &AtomicU64,
    ) -> Result<bool, Failure> {
        let (mut out, mut all_are_out) = (HashMap::<String, Piece>::new(), false);
        loop {
            while !all_are_out && out.len() < pace.most_out() {
                match pieces.recv_timeout(TICK / 10) {
                    Ok(piece) => {
                        let units = format!("{}-{}", piece.units.start, piece.units.end - 1);
                        driver.say(&units);
                        out.insert(units, piece);
                    }
                    Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => all_are_out = true,
                }
            }
            if out.is_empty() && all_are_out {
                return Ok(true);
            }
            match driver.frames.recv_timeout(TICK) {
                Ok((Told::Part(part), bytes)) => {
                    let Some(piece) = out.remove(&part.units) else { continue };
                    self.take(&piece, &part, &bytes)?;
                    pace.learn(&piece, &part);
                    wished.store(pace.piece_s().to_bits(), Ordering::Relaxed);
                    if self.options.stop_on_error && !self.told.is_empty() {
                        return Ok(true);
                    }
                }
                Ok((Told::Failed { units, text }, _)) => {
                    return Err(self.failure(9, &format!("units {units} failed whenever they were tried: {text}")));
                }
                Ok((Told::Lost, _)) => return Err(self.lost()),
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    let said = driver.last_words();
                    return Err(self.failure(7, &format!("the driver of Dask has ended: {said}")));
                }
            }
            (self.options.watch)(&self.progress);
            if (self.options.stop)() {
                return Ok(false);
            }
        }
    }

    /// Puts the part of a piece into the store.
    fn take(&mut self, piece: &Piece, told: &ToldPart, bytes: &[u8]) -> Result<(), Failure> {
        let Work { study, store, folder, .. } = *self.work;
        let from = format!("units {} from {}", told.units, told.worker);
        if told.code != 0 {
            let said = told.said.strip_prefix("error: ").unwrap_or(&told.said);
            return Err(self.failure(told.code, &format!("{from}: {said}")));
        }
        let part = Part::decode(bytes).map_err(|error| Failure::new(8, format!("{from}: {error}")))?;
        belongs(&part.header, study, &self.fingerprint, &from)?;
        for failure in &part.header.failures {
            self.told.insert(failure.unit, failure.clone());
        }
        self.progress.n_computed += take_in(store, part.records, folder, &from)?;
        self.progress.n_done += piece.n_lacking;
        self.progress.share = (self.progress.share + piece.seconds / study.seconds.max(f64::MIN_POSITIVE)).min(1.0);
        Ok(())
    }

    fn lost(&self) -> Failure {
        self.failure(TEMPORARY, &format!("the scheduler at {} is gone", self.scheduler))
    }

    /// A failure after which the run can go on.
    fn failure(&self, code: u8, what: &str) -> Failure {
        let (path, Progress { n_done, n_units, .. }) = (self.work.study.path().display(), &self.progress);
        Failure::new(
            code,
            format!("{path}: {what}; {n_done} of {n_units} units are done and saved, and the same command goes on"),
        )
    }
}

/// How long shards take, and how long they should.
struct Pace {
    asked: Option<f64>,
    n_threads: usize,
    /// Estimated seconds of what has not come back.
    left_s: f64,
    /// Estimated and measured seconds of what has.
    estimated_s: f64,
    measured_s: f64,
}

impl Pace {
    /// Estimated seconds of the next piece.
    fn piece_s(&self) -> f64 {
        if self.measured_s == 0.0 {
            return (self.asked.unwrap_or(SHARD_S.0) * PROBE.0).min(PROBE.1);
        }
        let slower = self.measured_s / self.estimated_s.max(f64::MIN_POSITIVE);
        // Towards the end shards are shorter, so that workers end together.
        let even = self.left_s * slower / (4.0 * self.n_threads.max(1) as f64);
        self.asked.unwrap_or(even.clamp(SHARD_S.0, SHARD_S.1)) / slower
    }

    fn learn(&mut self, piece: &Piece, part: &ToldPart) {
        self.n_threads = part.threads;
        self.left_s -= piece.seconds;
        self.estimated_s += piece.seconds;
        self.measured_s += part.seconds;
    }

    /// Shards that may be out: one on each thread and one that waits, so that a scheduler holds few however many there are; no more than probe before it is known how long they take.
    fn most_out(&self) -> usize {
        let n = self.n_threads.max(1);
        if self.measured_s == 0.0 { min(n, N_PROBES) } else { 2 * n }
    }
}

/// What the driver says.
#[derive(Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
enum Told {
    /// Python has no Dask.
    Lacking { text: String },
    /// No scheduler answers.
    Unreachable { text: String },
    /// The version of the binary of each worker, if it has one.
    Workers { versions: BTreeMap<String, Option<String>>, threads: usize },
    /// A shard has an answer.
    Part(ToldPart),
    /// A shard has none, after all tries.
    Failed { units: String, text: String },
    /// The scheduler has forgotten a shard, or is gone.
    Lost,
}

#[derive(Deserialize)]
struct ToldPart {
    units: String,
    worker: String,
    code: u8,
    said: String,
    seconds: f64,
    threads: usize,
}

/// A frame with the number of bytes that follow it.
#[derive(Deserialize)]
struct Frame {
    bytes: usize,
    #[serde(flatten)]
    told: Told,
}

/// The process that speaks to Dask. It leaves when its input ends.
struct Driver {
    process: Child,
    input: Option<ChildStdin>,
    frames: Receiver<(Told, Vec<u8>)>,
    words: Option<JoinHandle<String>>,
    python: PathBuf,
    /// The script, and what a cluster on this machine writes.
    _scratch: TempDir,
}

impl Driver {
    fn start(on: &On, run: &Run) -> Result<Self, Failure> {
        let failed = |what: &str, error: std::io::Error| Failure::new(7, format!("{what}: {error}"));
        let scratch = tempfile::Builder::new().prefix("superpose-").tempdir();
        let scratch = scratch.map_err(|error| failed("temporary folder", error))?;
        let script = scratch.path().join("superpose_on_dask.py");
        fs::write(&script, DRIVER).map_err(|error| failed(&script.display().to_string(), error))?;
        let python = on.python.clone().unwrap_or_else(|| PathBuf::from("python3"));
        let mut command = Command::new(&python);
        command.arg(&script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Ctrl-C at the terminal is for this process, which saves before it lets the driver go.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut process = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Failure::new(
                7,
                format!("--on dask needs Python, and there is no {}; install it, then: {INSTALL}", python.display()),
            ),
            _ => failed(&python.display().to_string(), error),
        })?;
        let (carried, scenario) = carried(run.work)?;
        let local = || std::env::current_exe().map_err(|error| failed("the path of this program", error));
        let asked = json!({
            "scheduler": on.scheduler,
            "scheduler_file": on.scheduler_file,
            "workers": on.workers,
            "scratch": scratch.path(),
            "binary": if on.workers.is_some() { Some(local()?) } else { None },
            "tls": { "tls_ca_file": on.tls_ca_file, "tls_client_cert": on.tls_cert, "tls_client_key": on.tls_key },
            "files": carried.iter().map(|(name, bytes)| (name, bytes.len())).collect::<Vec<_>>(),
            "scenario": scenario,
            "words": words(run.work.settings),
        });
        let (input, output, errors) = (process.stdin.take(), process.stdout.take(), process.stderr.take());
        let (sender, frames) = channel();
        thread::spawn(move || {
            let mut output = BufReader::new(output?);
            while let Some(frame) = read(&mut output) {
                sender.send(frame).ok()?;
            }
            Some(())
        });
        let words = thread::spawn(move || {
            let mut text = Vec::new();
            let _ = errors.map(|mut errors| errors.read_to_end(&mut text));
            String::from_utf8_lossy(&text).into_owned()
        });
        let mut driver = Self { process, input, frames, words: Some(words), python, _scratch: scratch };
        driver.say(&asked.to_string());
        for (_, bytes) in &carried {
            // A driver that has left is noticed by its silence.
            let _ = driver.input.as_mut().map(|input| input.write_all(bytes));
        }
        Ok(driver)
    }

    fn say(&mut self, line: &str) {
        let _ = self.input.as_mut().map(|input| writeln!(input, "{line}").and_then(|()| input.flush()));
    }

    /// Waits until Dask answers and all workers have said who they are; then their threads, or `None` if the run is to stop.
    fn greet(&mut self, run: &Run) -> Result<Option<usize>, Failure> {
        loop {
            match self.frames.recv_timeout(TICK) {
                Ok((Told::Workers { versions, threads }, _)) => return agree(&versions).map(|()| Some(threads)),
                Ok((Told::Lacking { text }, _)) => {
                    let python = self.python.display();
                    let install = INSTALL.replace("python3", &python.to_string());
                    return Err(Failure::new(
                        7,
                        format!(
                            "--on dask needs Dask, which {python} does not have ({text}); this installs it: {install}"
                        ),
                    ));
                }
                Ok((Told::Unreachable { text }, _)) => {
                    let sentence = format!("{}: no Dask scheduler answers there ({text})", run.scheduler);
                    return Err(Failure::new(TEMPORARY, sentence));
                }
                Ok((Told::Lost, _)) => return Err(run.lost()),
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(run.failure(7, &format!("the driver of Dask has ended: {}", self.last_words())));
                }
            }
            if (run.options.stop)() {
                return Ok(None);
            }
        }
    }

    /// The last line of what a driver that has ended has said.
    fn last_words(&mut self) -> String {
        let said = self.words.take().and_then(|words| words.join().ok()).unwrap_or_default();
        said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing").trim().to_owned()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.input.take());
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(TICK / 10);
        }
        let _ = self.process.kill().and_then(|()| self.process.wait());
    }
}

/// The next frame, if there is one.
fn read(output: &mut impl BufRead) -> Option<(Told, Vec<u8>)> {
    let mut line = String::new();
    output.read_line(&mut line).ok()?;
    let Frame { bytes, told } = serde_json::from_str(&line).ok()?;
    let mut content = vec![0; bytes];
    output.read_exact(&mut content).ok()?;
    Some((told, content))
}

/// Refuses workers whose binary is another than this one, or that have none.
fn agree(versions: &BTreeMap<String, Option<String>>) -> Result<(), Failure> {
    let own = format!("superpose {}", version());
    let differing: Vec<String> = versions
        .iter()
        .filter(|(_, theirs)| theirs.as_ref() != Some(&own))
        .map(|(worker, theirs)| match theirs {
            None => format!("{worker} has no superpose on its path"),
            Some(theirs) => format!("{worker} has {theirs}"),
        })
        .collect();
    if differing.is_empty() {
        return Ok(());
    }
    let (n, all) = (differing.len(), counted(versions.len() as u64, "worker"));
    let sentence =
        format!("{n} of {all} cannot take part: {}; this is {own}, and all must have the same", differing.join("; "));
    Err(Failure::new(7, sentence))
}

/// A file with its name below a folder of the worker's.
type Carried = (String, Vec<u8>);

/// The files that workers need, with their names below a folder of the worker's, and the name of the scenario among them. What the scenario names by an absolute path outside its own folder must be
/// there already.
fn carried(work: &Work) -> Result<(Vec<Carried>, String), Failure> {
    let study = work.study;
    let folder = study.path().parent().unwrap_or(Path::new(""));
    let mut below = Vec::new();
    for file in work.inputs.keys() {
        for path in file.paths().map_err(|error| Failure::new(4, error))? {
            if let Ok(relative) = path.strip_prefix(folder)
                && relative.is_relative()
                && !below.contains(&relative.to_owned())
            {
                below.push(relative.to_owned());
            }
        }
    }
    // As deep as the paths of the files climb.
    let climbs = |path: &PathBuf| path.components().filter(|part| *part == Component::ParentDir).count();
    let depth = "scenario/".repeat(below.iter().map(climbs).max().unwrap_or(0));
    let name = study.path().file_name().unwrap_or_default().to_string_lossy();
    let scenario = format!("{depth}{name}");
    let mut carried = vec![(scenario.clone(), study.text().as_bytes().to_vec())];
    let mut n_bytes = 0;
    for relative in below {
        let path = folder.join(&relative);
        let unreadable = |error| Failure::new(7, format!("{}: cannot be read: {error}", path.display()));
        n_bytes += fs::metadata(&path).map_err(unreadable)?.len();
        if n_bytes > MOST_CARRIED {
            let sentence = format!(
                "{}: workers are sent at most {} MiB of files, and this one makes it more; put it at the same place on every machine and name it by an absolute path",
                path.display(),
                MOST_CARRIED >> 20
            );
            return Err(Failure::new(4, sentence));
        }
        carried.push((format!("{depth}{}", relative.display()), fs::read(&path).map_err(unreadable)?));
    }
    Ok((carried, scenario))
}
