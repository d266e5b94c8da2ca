//! `superpose run`: from scenario files to results.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use clap::Args;
use superpose::engine::{self, Options, admit};
use superpose::geometry::kernel::Kernel;
use superpose::output::{self, csv, manifest};
use superpose::scenario::plan::Plan;

use super::progress::Progress;
use super::summary::{counted, duration, summary};
use super::{Failure, Source, kernel, print};

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    source: Source,
    /// Folder for the results of the one scenario [default: results/NAME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Variant of the pair kernel: auto, avx512, avx2 or scalar; all give the same bits
    #[arg(long, value_name = "NAME", default_value = "auto", value_parser = KernelWord)]
    kernel: Choice,
    /// Print nothing but errors
    #[arg(long)]
    quiet: bool,
}

/// A kernel, or the best that the processor has.
#[derive(Clone, Copy)]
pub struct Choice(Option<Kernel>);

#[derive(Clone)]
struct KernelWord;

impl clap::builder::TypedValueParser for KernelWord {
    type Value = Choice;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<Choice, clap::Error> {
        let parser = clap::builder::StringValueParser::new().try_map(|word| kernel(&word).map(Choice));
        clap::builder::TypedValueParser::parse_ref(&parser, command, argument, value)
    }
}

const MANIFEST: &str = "manifest.json";

fn table_file(plan: &Plan) -> String {
    format!("{}.csv", plan.scenario.name)
}

impl Arguments {
    fn folder(&self, plan: &Plan) -> PathBuf {
        self.out.clone().unwrap_or_else(|| Path::new("results").join(plan.scenario.name.as_str()))
    }
}

/// Runs every scenario, one after another; none before all are found right and small enough.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let source = &arguments.source;
    if arguments.out.is_some() && source.scenarios.len() > 1 {
        return Err(Failure::new(
            2,
            "--out takes the results of one scenario; leave it out to have each in results/NAME",
        ));
    }
    let plans = source.plans()?;
    for (index, plan) in plans.iter().enumerate() {
        if let Some(other) = plans[..index].iter().find(|other| other.scenario.name == plan.scenario.name) {
            let (a, b, name) = (other.path.display(), plan.path.display(), &plan.scenario.name);
            return Err(Failure::new(
                2,
                format!("{a} and {b} are both named \"{name}\"; their results would stand in one folder"),
            ));
        }
    }
    let memory = source.memory();
    plans.iter().try_for_each(|plan| admit(plan, memory).map_err(|fault| Failure::of(plan, fault)))?;
    plans.iter().try_for_each(|plan| output::probe(&arguments.folder(plan), &[&table_file(plan), MANIFEST]))?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(source.threads()).build();
    let pool = pool.map_err(|error| Failure::new(7, format!("cannot start {} threads: {error}", source.threads())))?;
    plans.iter().try_for_each(|plan| pool.install(|| run_one(arguments, plan, memory)))
}

fn run_one(arguments: &Arguments, plan: &Plan, memory: u64) -> Result<(), Failure> {
    let (started, clock) = (SystemTime::now(), Instant::now());
    let folder = arguments.folder(plan);
    let kernel = arguments.kernel.0.unwrap_or_else(Kernel::best);
    let progress = Progress::new(arguments.quiet);
    let table = engine::run(plan, &Options { kernel, memory, finished: &|share| progress.finished(share) });
    progress.clear();
    let table = table.map_err(|fault| Failure::of(plan, fault))?;

    let rows = csv::encode(&table);
    let written = output::describe(&table_file(plan), &rows);
    let circumstances = manifest::Circumstances {
        started: humantime::format_rfc3339_seconds(started).to_string(),
        elapsed_s: clock.elapsed().as_secs_f64(),
        threads: rayon::current_num_threads(),
        kernel: kernel.name().to_owned(),
        smoke: arguments.source.smoke,
    };
    let manifest = manifest::encode(plan, &circumstances, std::slice::from_ref(&written));
    output::create_folder(&folder)?;
    output::write(&folder, &[(&written.file, &rows), (MANIFEST, &manifest)])?;
    if !arguments.quiet {
        print(&summary(plan, &table))?;
        let (path, seconds) = (folder.join(&written.file), duration(circumstances.elapsed_s));
        let _ = writeln!(
            anstream::stderr(),
            "{}: {} in {seconds}; {MANIFEST} beside it",
            path.display(),
            counted(table.rows.len() as u64, "row")
        );
    }
    Ok(())
}
