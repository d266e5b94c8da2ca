//! The engine: a study in, records out, on all cores of the current pool; what is in the store already is not computed again.

pub mod left;
pub mod results;
pub mod shard;
pub mod unit;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::embedding;
use crate::geometry::kernel::Kernel;
use crate::scenario::study::Study;
use crate::seed::Key;
use crate::store::{self, Batch, Store};
use crate::table::Table;
use unit::{Context, Inputs, Job};

/// How to run, without any effect on the numbers.
pub struct Options<'a> {
    /// The units to compute, by their numbers in plan order.
    pub units: Range<u64>,
    /// The variant of the pair kernel.
    pub kernel: Kernel,
    /// Bytes that the units in flight may take together.
    pub memory: u64,
    /// Whether the first unit that fails ends the run.
    pub stop_on_error: bool,
    /// Called several times a second, after each commit: shows progress.
    pub watch: &'a (dyn Fn(&Progress) + Sync),
    /// Whether the run is to end now; asked several times a second.
    pub stop: &'a (dyn Fn() -> bool + Sync),
    /// Called once all that is finished is saved after `stop`; units in flight are given up if it ends the process, and waited for if it returns.
    pub stopped: &'a (dyn Fn(&Progress) + Sync),
}

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Units to compute.
    pub n_units: u64,
    /// Units that are finished, found ones included.
    pub n_done: u64,
    /// Records that were in the store already.
    pub n_found: u64,
    /// Records that were computed.
    pub n_computed: u64,
    /// Estimated work that is done, from 0 to 1.
    pub share: f64,
}

/// A unit that failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// Point, tier and replicate.
    pub unit: (u64, usize, u64),
    /// What went wrong.
    pub sentence: String,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// How far it came.
    pub progress: Progress,
    /// The units that failed, in plan order.
    pub failures: Vec<Failure>,
    /// Whether it ended before all units were tried.
    pub interrupted: bool,
}

/// Why a study is not run, or not finished.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// One replicate of a tier does not fit in the memory budget.
    #[error("tier \"{tier}\" needs about {} for one replicate ({n_concepts} concepts × {d_model} units), but the memory budget is {}", gigabytes(*.bytes), gigabytes(*.budget))]
    Memory {
        /// The tier.
        tier: String,
        /// n.
        n_concepts: u64,
        /// d.
        d_model: u64,
        /// Estimated peak.
        bytes: f64,
        /// The budget.
        budget: f64,
    },
    /// The scenario, or a file that it names, is not what it was when the study was planned.
    #[error(transparent)]
    Scenario(#[from] crate::scenario::Fault),
    /// A file that the scenario names cannot be used.
    #[error(transparent)]
    Embedding(#[from] embedding::Fault),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] store::Fault),
}

/// A unit that takes longer than this on one core uses all cores when there are few of its kind.
const LONG_S: f64 = 2.0;

/// And one that takes longer than this, where otherwise half of the cores had nothing to do.
const BRIEF_S: f64 = 0.05;

/// Units that are looked up, sorted and run together: memory stays flat however many a study has.
const WINDOW: usize = 4096;

/// Longest time between commits.
const COMMIT: Duration = Duration::from_millis(700);

/// Longest time between two looks at `stop`.
const TICK: Duration = Duration::from_millis(100);

/// Whether the hungriest unit fits in the budget. Allocates nothing.
pub fn admit(study: &Study, memory: u64) -> Result<(), Fault> {
    let (index, tier_idx, cost) = study.hungriest;
    if cost.bytes <= memory as f64 {
        return Ok(());
    }
    let point = study.point(index)?;
    let (tier, size) = (&point.plan.scenario.tiers[tier_idx], point.plan.tiers[tier_idx].size);
    let (n_concepts, d_model) = size.map_or((0, 0), |size| (size.n_concepts, size.d_model));
    Err(Fault::Memory { tier: tier.name.to_string(), n_concepts, d_model, bytes: cost.bytes, budget: memory as f64 })
}

/// Gives the units of a study in plan order, with their numbers, until `take` says `false`. About 20 µs for each point.
pub fn each_unit(study: &Study, mut take: impl FnMut(u64, Job) -> Result<bool, Fault>) -> Result<(), Fault> {
    let mut number = 0;
    for index in 0..study.n_points {
        let point = Arc::new(study.point(index)?);
        for &tier_idx in &point.tiers {
            for replicate in 0..point.plan.scenario.replicates.get() {
                if !take(number, Job { point: point.clone(), tier_idx, replicate })? {
                    return Ok(());
                }
                number += 1;
            }
        }
    }
    Ok(())
}

/// Computes every record of the units asked for that the store does not hold.
///
/// Units run one to a core, longest first within each window of 4096. One that is too large for that (in memory), or long, with work for all cores and too few others of its
/// kind to keep them busy, runs before them, alone, on all cores. A unit that fails leaves no record and does not stop the others.
pub fn run(study: &Study, inputs: &Inputs, store: &Store, options: &Options) -> Result<Outcome, Fault> {
    admit(study, options.memory)?;
    let units = &options.units;
    let mut seconds = study.seconds;
    if *units != (0..study.n_units) {
        seconds = 0.0;
        each_unit(study, |number, job| {
            seconds += if units.contains(&number) { job.cost().seconds } else { 0.0 };
            Ok(number < units.end)
        })?;
    }
    let state = State {
        options,
        context: Context::new(study, inputs, options.kernel, store),
        total: seconds.max(f64::MIN_POSITIVE),
        progress: Mutex::new(Progress { n_units: units.end.saturating_sub(units.start), ..Progress::default() }),
        failures: Mutex::new(Vec::new()),
        ended: AtomicBool::new(false),
    };
    let mut window = Window::new(study, inputs, store, &state);
    each_unit(study, |number, job| {
        if units.contains(&number) {
            window.add(job)?;
        }
        Ok(number < units.end && !state.ended.load(Ordering::Relaxed))
    })?;
    if state.ended.load(Ordering::Relaxed) {
        return Ok(state.outcome(true));
    }
    window.flush()?;
    let interrupted = state.ended.load(Ordering::Relaxed);
    let mut outcome = state.outcome(interrupted);
    if !interrupted && !outcome.failures.is_empty() {
        share(study, inputs, store, units, &mut outcome.failures)?;
    }
    Ok(outcome)
}

/// Points may share a record, which is computed for the first of them: where that one failed, the others have failed too.
fn share(
    study: &Study,
    inputs: &Inputs,
    store: &Store,
    units: &Range<u64>,
    failures: &mut Vec<Failure>,
) -> Result<(), Fault> {
    let failed: HashMap<_, _> = failures.iter().map(|failure| (failure.unit, failure.sentence.clone())).collect();
    let (view, seeds) = (store.view()?, study.sweep.seeds);
    let mut lacking: HashMap<Key, &String> = HashMap::new();
    each_unit(study, |number, job| {
        if !units.contains(&number) {
            return Ok(number < units.end);
        }
        let unit = job.unit();
        match failed.get(&unit) {
            Some(sentence) => {
                lacking.extend(job.records(seeds, inputs).into_iter().map(|key| (key, sentence)));
            }
            None => {
                for key in job.records(seeds, inputs) {
                    if let (Some(sentence), false) = (lacking.get(&key), view.has(&key)?) {
                        failures.push(Failure { unit, sentence: (*sentence).clone() });
                        break;
                    }
                }
            }
        }
        Ok(true)
    })?;
    failures.sort_by_key(|failure| failure.unit);
    Ok(())
}

/// The units of which the store does not hold every record, in plan order.
pub fn lacking(study: &Study, inputs: &Inputs, store: &Store) -> Result<Vec<Failure>, Fault> {
    let (view, seeds, mut lacking) = (store.view()?, study.sweep.seeds, Vec::new());
    each_unit(study, |_, job| {
        for key in job.records(seeds, inputs) {
            if !view.has(&key)? {
                lacking.push(Failure { unit: job.unit(), sentence: "is not computed yet".to_owned() });
                break;
            }
        }
        Ok(true)
    })?;
    Ok(lacking)
}

/// Runs a study from beginning to end in memory. For studies that are small enough to be run again.
pub fn run_in_memory(study: &Study, kernel: Kernel, memory: u64) -> Result<(Table, Outcome), Fault> {
    let (inputs, store) = (unit::read_inputs(study)?, Store::in_memory()?);
    let units = 0..study.n_units;
    let options =
        Options { units, kernel, memory, stop_on_error: false, watch: &|_| {}, stop: &|| false, stopped: &|_| {} };
    let outcome = run(study, &inputs, &store, &options)?;
    Ok((results::table(study, &inputs, &store, &outcome.failures)?, outcome))
}

/// What the threads of a run share.
struct State<'a> {
    options: &'a Options<'a>,
    context: Context<'a>,
    total: f64,
    progress: Mutex<Progress>,
    failures: Mutex<Vec<Failure>>,
    ended: AtomicBool,
}

impl State<'_> {
    fn progress(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a unit, with the records that it had and those that it got.
    fn count(&self, job: &Job, n_found: usize, n_computed: usize) {
        let mut progress = self.progress();
        progress.n_done += 1;
        progress.n_found += n_found as u64;
        progress.n_computed += n_computed as u64;
        progress.share = (progress.share + job.cost().seconds / self.total).min(1.0);
    }

    /// Shows progress, and looks whether the run is to end; all that is finished must be saved.
    fn look(&self) {
        let progress = self.progress().clone();
        (self.options.watch)(&progress);
        if (self.options.stop)() && !self.ended.swap(true, Ordering::Relaxed) {
            (self.options.stopped)(&progress);
        }
    }

    fn fail(&self, missing: &Missing, sentence: String) {
        let job = &missing.job;
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).push(Failure { unit: job.unit(), sentence });
        self.count(job, 0, 0);
        missing.followers.iter().for_each(|(job, n_found)| self.count(job, *n_found, 0));
        if self.options.stop_on_error {
            self.ended.store(true, Ordering::Relaxed);
        }
    }

    fn outcome(self, interrupted: bool) -> Outcome {
        let mut failures = self.failures.into_inner().unwrap_or_else(PoisonError::into_inner);
        failures.sort_by_key(|failure| failure.unit);
        Outcome { progress: self.progress.into_inner().unwrap_or_else(PoisonError::into_inner), failures, interrupted }
    }
}

/// Units that wait to be run together.
struct Window<'a> {
    study: &'a Study,
    inputs: &'a Inputs,
    store: &'a Store,
    state: &'a State<'a>,
    units: Vec<Job>,
}

/// A unit with the records that it still lacks.
struct Missing {
    job: Job,
    n_found: usize,
    records: Vec<(usize, Key)>,
    /// Units that ask for some of these records too, and lack nothing else, with what they had: finished when this one is.
    followers: Vec<(Job, usize)>,
}

impl<'a> Window<'a> {
    fn new(study: &'a Study, inputs: &'a Inputs, store: &'a Store, state: &'a State<'a>) -> Self {
        Self { study, inputs, store, state, units: Vec::with_capacity(WINDOW) }
    }

    fn add(&mut self, job: Job) -> Result<(), Fault> {
        self.units.push(job);
        if self.units.len() == WINDOW { self.flush() } else { Ok(()) }
    }

    /// Looks up what is there and computes the rest.
    fn flush(&mut self) -> Result<(), Fault> {
        let view = self.store.view()?;
        let (mut missing, mut claimed) = (Vec::<Missing>::new(), HashMap::new());
        for job in self.units.drain(..) {
            let all = job.records(self.study.sweep.seeds, self.inputs);
            let (mut n_found, mut records, mut leader) = (0, Vec::new(), None);
            for (measure_idx, key) in all.into_iter().enumerate() {
                if view.has(&key)? {
                    n_found += 1;
                    continue;
                }
                match claimed.entry(key) {
                    // Two points may ask for the same record; it is computed for the first of them.
                    Entry::Occupied(first) => leader = leader.max(Some(*first.get())),
                    Entry::Vacant(place) => {
                        place.insert(missing.len());
                        records.push((measure_idx, key));
                    }
                }
            }
            match leader {
                _ if !records.is_empty() => missing.push(Missing { job, n_found, records, followers: Vec::new() }),
                Some(leader) => missing[leader].followers.push((job, n_found)),
                None => self.state.count(&job, n_found, 0),
            }
        }
        drop(view);
        if missing.is_empty() {
            self.state.look();
            return Ok(());
        }
        compute(missing, self.store, self.state)
    }
}

/// Computes units on all cores while a keeper commits what they finish.
fn compute(mut missing: Vec<Missing>, store: &Store, state: &State) -> Result<(), Fault> {
    missing.sort_by(|a, b| b.job.cost().seconds.total_cmp(&a.job.cost().seconds));
    let n_threads = rayon::current_num_threads();
    let n_missing = missing.len();
    let alone = |unit: &Missing| {
        let (cost, n) = (unit.job.cost(), n_threads as f64);
        n_threads > 1
            && (cost.bytes * n > state.options.memory as f64
                || (cost.seconds > LONG_S && n_missing < 4 * n_threads
                    || cost.seconds > BRIEF_S && 2 * n_missing <= n_threads)
                    && unit.job.fills(n_threads))
    };
    let (large, small): (Vec<_>, Vec<_>) = missing.into_iter().partition(alone);
    let (sender, receiver) = sync_channel::<Batch>(4 * n_threads);
    thread::scope(|scope| {
        let keeper = scope.spawn(move || keep(&receiver, store, state));
        for unit in &large {
            finish(unit, true, &sender, state);
        }
        let next = AtomicUsize::new(0);
        rayon::scope(|pool| {
            for _ in 0..n_threads {
                let (next, small, sender) = (&next, &small, sender.clone());
                pool.spawn(move |_| {
                    while let Some(unit) = small.get(next.fetch_add(1, Ordering::Relaxed)) {
                        finish(unit, false, &sender, state);
                    }
                });
            }
        });
        drop(sender);
        keeper.join().expect("the keeper catches what the store throws")
    })
}

/// Computes one unit and hands its records to the keeper. Whatever it throws stays in its row.
fn finish(unit: &Missing, parallel: bool, sender: &SyncSender<Batch>, state: &State) {
    if state.ended.load(Ordering::Relaxed) {
        return;
    }
    let wanted: Vec<usize> = unit.records.iter().map(|(measure_idx, _)| *measure_idx).collect();
    let outcome = catch_unwind(AssertUnwindSafe(|| unit.job.observe(&wanted, &state.context, parallel)));
    match outcome {
        Ok(Ok(observed)) => {
            let batch: Batch = unit.records.iter().map(|(_, key)| *key).zip(observed).collect();
            // The keeper hangs up only when the store has failed, and says so itself.
            if sender.send(batch).is_ok() {
                state.count(&unit.job, unit.n_found, unit.records.len());
                unit.followers.iter().for_each(|(job, n_found)| state.count(job, *n_found, 0));
            }
        }
        Ok(Err(fault)) => state.fail(unit, fault.to_string()),
        Err(thrown) => {
            let words = thrown
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| thrown.downcast_ref::<String>().cloned());
            state.fail(unit, format!("internal error: {}", words.unwrap_or_else(|| "no message".to_owned())));
        }
    }
}

/// Commits records as they come, and looks whether the run is to end.
fn keep(receiver: &Receiver<Batch>, store: &Store, state: &State) -> Result<(), Fault> {
    let mut batch = Batch::new();
    let mut committed = Instant::now();
    let mut told = false;
    loop {
        let received = receiver.recv_timeout(TICK);
        let closed = matches!(received, Err(RecvTimeoutError::Disconnected));
        batch.extend(received.into_iter().flatten());
        batch.extend(state.context.ended_links());
        let stop = !told && (state.options.stop)();
        // Taken before the channel is emptied: every unit that it counts is then committed.
        let progress = state.progress().clone();
        if stop {
            state.ended.store(true, Ordering::Relaxed);
            batch.extend(receiver.try_iter().flatten());
            batch.extend(state.context.ended_links());
        }
        if !batch.is_empty() && (closed || stop || committed.elapsed() > COMMIT) {
            // What cannot be saved need not be computed.
            store.put(&batch).inspect_err(|_| state.ended.store(true, Ordering::Relaxed))?;
            batch.clear();
            committed = Instant::now();
        }
        (state.options.watch)(&progress);
        if stop {
            (state.options.stopped)(&progress);
            told = true;
        }
        if closed {
            return Ok(());
        }
    }
}

/// Bytes for a person: `1.2 GB`, `340 MB`.
pub fn gigabytes(bytes: f64) -> String {
    match bytes {
        b if b >= 1e13 => format!("{b:.1e} bytes"),
        b if b >= 1e9 => format!("{:.1} GB", b / 1e9),
        b if b >= 1e6 => format!("{:.0} MB", b / 1e6),
        b => format!("{:.0} kB", (b / 1e3).ceil()),
    }
}
