//! `superpose run`: from scenario files to results, as often interrupted as need be.

use std::io::{IsTerminal, Write, stderr};
use std::path::PathBuf;
use std::time::{Instant, SystemTime};

use clap::{Args, ValueEnum};
use superpose::engine::unit::read_inputs;
use superpose::engine::{self, Options, admit};
use superpose::figure::font::Fonts;
use superpose::geometry::kernel::Kernel;
use superpose::output;
use superpose::report::quoted;
use superpose::scenario::study::Study;
use superpose::store;

use super::check::extent;
use super::on::{On, Where, dask::Work, slurm};
use super::plot::fonts;
use super::progress::{Form, Progress};
use super::publish::{Finished, MANIFEST};
use super::results::{Files, default_folder};
use super::signals::Signals;
use super::{Failure, Source, folder, kernel, page};

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
    /// What a unit that fails does to the others
    #[arg(long, value_name = "WHAT", default_value = "continue")]
    on_error: OnError,
    /// Keep what can be read of a damaged store and compute the rest again
    #[arg(long)]
    repair: bool,
    /// How progress is told
    #[arg(long, value_name = "FORM", default_value = "auto")]
    progress: Form,
    /// Leave out the page and the figures, as on a cluster
    #[arg(long)]
    no_report: bool,
    /// Language of the page
    #[arg(long, value_name = "LANG", default_value = "en")]
    lang: page::Lang,
    /// Sketch the first figure in the terminal
    #[arg(long)]
    plot: bool,
    /// Font file (.ttf, .otf) for letters that the bundled font lacks in figures, such as Chinese
    #[arg(long, value_name = "FILE")]
    font: Option<PathBuf>,
    /// Print nothing but errors
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    on: On,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnError {
    /// Nothing: its row says so, and the same command tries it again
    Continue,
    /// The run stops at the first
    Stop,
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

/// A run that is expected to be longer says so before it begins, wherever it prints.
const LONG_S: f64 = 10.0;

impl Arguments {
    fn folder(&self, study: &Study) -> PathBuf {
        self.out.clone().unwrap_or_else(|| default_folder(study.name()))
    }
}

/// Runs every scenario, one after another; none before all are found right and small enough.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let source = &arguments.source;
    if arguments.out.is_some() && source.scenarios.len() > 1 {
        let sentence = "--out takes the results of one scenario; leave it out to have each in results/NAME";
        return Err(Failure::new(2, sentence));
    }
    let engine = arguments.on.engine()?;
    if engine.is_some() && source.scenarios.len() > 1 {
        return Err(Failure::new(2, "--on takes one scenario"));
    }
    let studies = source.studies()?;
    for (index, study) in studies.iter().enumerate() {
        if let Some(other) = studies[..index].iter().find(|other| Files::of(other) == Files::of(study)) {
            let (a, b) = (other.path().display(), study.path().display());
            let sentence =
                format!("{a} and {b} are both named \"{}\"; their results would stand in one folder", study.name());
            return Err(Failure::new(2, sentence));
        }
    }
    if let (Some(Where::Slurm(array)), [study]) = (&engine, studies.as_slice()) {
        let asked = slurm::Asked {
            settings: &source.settings,
            folder: &arguments.folder(study),
            no_report: arguments.no_report,
            lang: arguments.lang,
            font: arguments.font.as_deref(),
        };
        return array.submit(study, &asked);
    }
    let memory = source.settings.resources.memory();
    // What a unit takes of another machine is for that one to know.
    if engine.is_none() {
        studies.iter().try_for_each(|study| admit(study, memory).map_err(|fault| Failure::of(study, fault)))?;
    }
    for study in &studies {
        let mut files: Vec<String> = Files::of(study).all().into();
        files.extend([MANIFEST, store::FILE, page::FILE].map(str::to_owned));
        output::probe(&arguments.folder(study), &files)?;
    }
    let pool = source.settings.resources.pool()?;
    let fonts = fonts(arguments.font.as_deref())?;
    studies.iter().try_for_each(|study| pool.install(|| run_one(arguments, study, engine.as_ref(), memory, &fonts)))
}

fn run_one(
    arguments: &Arguments,
    study: &Study,
    engine: Option<&Where>,
    memory: u64,
    fonts: &Fonts,
) -> Result<(), Failure> {
    let (started, clock) = (SystemTime::now(), Instant::now());
    let inputs = read_inputs(study).map_err(|fault| Failure::of(study, fault))?;
    let folder = arguments.folder(study);
    output::create_folder(&folder)?;
    let store = folder::open_for(&folder, study, arguments.source.settings.smoke, arguments.repair)?;

    let kernel = arguments.kernel.0.unwrap_or_else(Kernel::best);
    let progress = Progress::new(arguments.progress, arguments.quiet);
    let n_threads = rayon::current_num_threads();
    let is_long = study.seconds > LONG_S * n_threads as f64;
    if engine.is_none()
        && !arguments.quiet
        && arguments.progress == Form::Auto
        && (is_long || study.sweep.is_some() && stderr().is_terminal())
    {
        let _ = writeln!(anstream::stderr(), "{}: {}", study.path().display(), extent(study, n_threads));
    }
    let signals = Signals::listen().map_err(|error| Failure::new(7, format!("cannot listen to signals: {error}")))?;
    let saved = |so_far: &engine::Progress| {
        progress.end(so_far);
        let code = signals.code().unwrap_or(1);
        let _ = writeln!(anstream::stderr(), "{}", interrupted(so_far));
        // Units in flight are given up: they would take as long as they like.
        std::process::exit(code.into());
    };
    let options = Options {
        units: 0..study.n_units,
        kernel,
        memory,
        stop_on_error: arguments.on_error == OnError::Stop,
        watch: &|so_far| progress.watch(so_far),
        stop: &|| signals.code().is_some(),
        stopped: &saved,
    };
    let outcome = match engine {
        Some(Where::Dask(cluster)) => {
            let (settings, quiet) = (&arguments.source.settings, arguments.quiet);
            let work = Work { study, inputs: &inputs, store: &store, folder: &folder, settings, quiet };
            cluster.run(&work, &options)?
        }
        _ => engine::run(study, &inputs, &store, &options).map_err(|fault| Failure::of(study, fault))?,
    };
    progress.end(&outcome.progress);
    if outcome.interrupted {
        let first = outcome.failures.first().map_or("", |failure| failure.sentence.as_str());
        return Err(Failure::new(
            9,
            format!("{}: stopped at the first unit that failed: {first}", study.path().display()),
        ));
    }
    let stop = || signals.code().is_some();
    let finished = Finished {
        folder: &folder,
        study,
        inputs: &inputs,
        store: &store,
        outcome: &outcome,
        kernel,
        fonts: (!arguments.no_report).then_some(fonts),
        lang: arguments.lang,
        plot: arguments.plot,
        smoke: arguments.source.settings.smoke,
        quiet: arguments.quiet,
        begin: (started, clock),
    };
    if !finished.publish(&stop)? {
        saved(&outcome.progress);
    }
    Ok(())
}

/// What is told when a signal ends a run.
fn interrupted(so_far: &engine::Progress) -> String {
    let command: Vec<String> = std::env::args().skip(1).map(|word| quoted(&word)).collect();
    let (done, all) = (so_far.n_done, so_far.n_units);
    format!("interrupted: {done} of {all} units are done and saved; this goes on: superpose {}", command.join(" "))
}
