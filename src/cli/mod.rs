//! The commands, what they have in common, and how each kind of failure leaves.

mod analyse;
mod catalogue;
mod check;
mod compare;
mod figures;
mod findings;
mod folder;
mod measure;
mod memory;
mod on;
mod out;
mod page;
mod plot;
mod progress;
mod publish;
mod report;
mod results;
mod run;
mod shard;
mod signals;
mod summary;

use std::fmt::Display;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{LazyLock, Mutex, PoisonError};

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use superpose::geometry::kernel::Kernel;
use superpose::output::WriteError;
use superpose::quantity::is_control;
use superpose::scenario::{self, document::Document, study::Study};
use superpose::suggestion::did_you_mean;
use superpose::{embedding, engine, explain, schema};

/// Simulates how representations emerge as models grow: a scenario file in, a tidy CSV out.
#[derive(Parser)]
#[command(version, long_version = version(), propagate_version = true, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done, 2 usage, 3 scenario refused, 4 input data refused,
5 over the memory budget, 6 the folder is in use or another scenario's, 7 input or output failed, 8 the store is damaged,
9 units failed or are missing, 75 a shard or a cluster that may be tried again, 101 internal error, 130 / 143 / 129 saved and stopped by SIGINT / SIGTERM / SIGHUP.
Try: superpose run scenarios/tiers.toml";

#[derive(Subcommand)]
enum Command {
    /// Run scenarios and write their results
    Run(run::Arguments),
    /// Compute one of N shards of a scenario into a part: for clusters
    Shard(shard::ShardArguments),
    /// Put parts together and write what `run` writes
    Merge(shard::MergeArguments),
    /// Print which shards are left, as --array= takes them
    Missing(shard::MissingArguments),
    /// Parse and plan scenarios: rows, memory, rough time; writes nothing
    Check(check::Arguments),
    /// Apply the analyses of a scenario to the table that it made, or to any other
    Analyse(analyse::Arguments),
    /// Measure the vectors of a file: what `run` prints for a simulated model, for a real one
    Measure(measure::Arguments),
    /// Say how alike the vectors of two files are, each score beside what chance would give
    Compare(compare::Arguments),
    /// Draw columns of any CSV: an SVG and a PNG
    Plot(plot::Arguments),
    /// Make the page and the figures of a run again, finished or not, without computing it again
    Report(report::Arguments),
    /// List what a scenario can name, published models, or abilities and the scale at which they appeared
    List {
        /// Which family; embeddings, measures and analyses if left out
        family: Option<Family>,
    },
    /// Explain an embedding, a measure, an analysis, a column or a model: formula, range, unit, cost, source
    Explain {
        /// Its name, as in a scenario, in the CSV or in the catalogue
        name: String,
    },
    /// Print the JSON Schema of the scenario file, for editors
    Schema {
        /// Print the manual of the scenario file instead
        #[arg(long)]
        markdown: bool,
    },
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Family {
    Embeddings,
    Measures,
    Analyses,
    Models,
    Abilities,
}

/// What `run` and `check` have in common.
#[derive(Args)]
struct Source {
    /// Scenario files (TOML)
    #[arg(required = true, value_name = "SCENARIO")]
    scenarios: Vec<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

/// What may be asked of any scenario beside its file.
#[derive(Args)]
struct Settings {
    /// Replace a value of the scenario, as in concepts.count=256 or tiers.large.params=1e10; may be repeated
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Run at the small size that the scenario gives in [smoke]
    #[arg(long)]
    smoke: bool,
    #[command(flatten)]
    resources: Resources,
}

/// What a command may take of the machine.
#[derive(Args)]
struct Resources {
    /// Most memory to use, as in 8GB or 500MiB [default: 80 % of what is free]
    #[arg(long, value_name = "SIZE", value_parser = memory::parse)]
    memory: Option<u64>,
    /// Threads that compute [default: one for each core]
    #[arg(long, value_name = "N", value_parser = number_of_threads, allow_negative_numbers = true)]
    threads: Option<u16>,
}

impl Resources {
    fn memory(&self) -> u64 {
        self.memory.unwrap_or_else(memory::available)
    }

    /// The threads that compute.
    fn pool(&self) -> Result<rayon::ThreadPool, Failure> {
        pool(self.threads)
    }
}

/// A failure: what to say, and the exit code.
#[derive(Debug)]
struct Failure {
    code: u8,
    sentence: String,
}

impl Failure {
    fn new(code: u8, sentence: impl Display) -> Self {
        Self { code, sentence: sentence.to_string() }
    }
}

impl From<scenario::Refusal> for Failure {
    fn from(refusal: scenario::Refusal) -> Self {
        Self::new(3, refusal)
    }
}

impl From<scenario::Fault> for Failure {
    fn from(fault: scenario::Fault) -> Self {
        match fault {
            scenario::Fault::Refused(refusal) => Self::new(3, refusal),
            scenario::Fault::Data(error) => Self::new(4, error),
        }
    }
}

impl Failure {
    /// A fault of the engine; where it does not name a file itself, that of the scenario.
    fn of(study: &Study, fault: engine::Fault) -> Self {
        let sentence = format!("{}: {fault}", study.path().display());
        match fault {
            engine::Fault::Memory { .. } => Self::new(5, sentence),
            engine::Fault::Scenario(fault) => fault.into(),
            engine::Fault::Embedding(embedding::Fault::Scenario { .. }) => Self::new(3, sentence),
            engine::Fault::Embedding(embedding::Fault::Data(error)) => Self::new(4, error),
            engine::Fault::Embedding(embedding::Fault::Diverged) => Self::new(9, sentence),
            engine::Fault::Store(fault) => fault.into(),
        }
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        Self::new(7, error)
    }
}

impl Source {
    /// The studies of all scenarios: none is run before all are found right.
    fn studies(&self) -> Result<Vec<Study>, Failure> {
        self.scenarios.iter().map(|path| self.settings.study(path)).collect()
    }
}

impl Settings {
    fn study(&self, path: &std::path::Path) -> Result<Study, Failure> {
        let mut document = Document::read(path)?;
        Study::check_smoke(&document)?;
        if self.smoke {
            document.make_smoke()?;
        }
        self.set.iter().try_for_each(|setting| document.set(setting))?;
        Ok(Study::new(&document)?)
    }

    fn threads(&self) -> usize {
        threads(self.resources.threads)
    }
}

/// The version, with the epoch of its numbers: two binaries that say the same compute the same.
fn version() -> &'static str {
    static VERSION: LazyLock<String> =
        LazyLock::new(|| format!("{} (results epoch {})", env!("CARGO_PKG_VERSION"), engine::unit::RESULTS_EPOCH));
    &VERSION
}

/// Runs the command that was typed.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // What the library catches is told as an error of the store or of a unit, and needs no trace on the screen.
    std::panic::set_hook(Box::new(|panic| {
        *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string();
    }));
    let outcome = std::panic::catch_unwind(|| obey(cli.command)).unwrap_or_else(|_| {
        let panic = PANIC.lock().unwrap_or_else(PoisonError::into_inner);
        Err(Failure::new(101, format!("internal error: {}", panic.replace('\n', " "))))
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(anstream::stderr(), "error: {}", on_one_line(&failure.sentence));
            ExitCode::from(failure.code)
        }
    }
}

/// What the last panic said.
static PANIC: Mutex<String> = Mutex::new(String::new());

fn obey(command: Command) -> Result<(), Failure> {
    match command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Shard(arguments) => shard::shard(&arguments),
        Command::Merge(arguments) => shard::merge(&arguments),
        Command::Missing(arguments) => shard::missing(&arguments),
        Command::Check(arguments) => check::check(&arguments),
        Command::Analyse(arguments) => analyse::analyse(&arguments),
        Command::Measure(arguments) => measure::measure(&arguments),
        Command::Compare(arguments) => compare::compare(&arguments),
        Command::Plot(arguments) => plot::plot(&arguments),
        Command::Report(arguments) => report::report(&arguments),
        Command::List { family } => print(&list(family)),
        Command::Explain { name } => {
            explain::explain(&name).map_err(|sentence| Failure::new(2, sentence)).and_then(|text| print(&text))
        }
        Command::Schema { markdown: false } => print(&schema::json()),
        Command::Schema { markdown: true } => print(&schema::markdown()),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "superpose", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
    }
}

/// A sentence may quote a path or a setting: what could break the line or command the terminal is shown by its number.
fn on_one_line(sentence: &str) -> String {
    let mut line = String::with_capacity(sentence.len());
    for c in sentence.chars() {
        if is_control(c) { line.extend(c.escape_unicode()) } else { line.push(c) }
    }
    line
}

/// Prints to standard output. Names from scenarios and files are text there: what could command the terminal is shown as a sign.
fn print(text: &str) -> Result<(), Failure> {
    let is_safe = |c: char| matches!(c, '\n' | '\t') || !is_control(c);
    print_raw(&text.chars().map(|c| if is_safe(c) { c } else { '\u{fffd}' }).collect::<String>())
}

/// Prints text that may have colours. A reader who has seen enough (`| head`) is no failure.
fn print_raw(text: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(7, format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

fn list(family: Option<Family>) -> String {
    match family {
        Some(Family::Models) => return catalogue::models(),
        Some(Family::Abilities) => return catalogue::abilities(),
        Some(Family::Embeddings | Family::Measures | Family::Analyses) | None => {}
    }
    let families = [
        (Family::Embeddings, "embeddings", embedding::Scheme::kinds()),
        (Family::Embeddings, "toy models that are trained", superpose::training::Architecture::kinds()),
        (Family::Measures, "measures", superpose::measure::Measures::kinds()),
        (Family::Analyses, "analyses", superpose::analysis::Conclusion::kinds()),
    ];
    let mut text = String::new();
    for (_, title, kinds) in families.iter().filter(|(member, ..)| family.is_none_or(|family| family == *member)) {
        text.push_str(&format!("{title}\n"));
        for kind in kinds {
            text.push_str(&format!("  {:<19} {}\n", kind.name, kind.summary().replace('\n', " ")));
        }
    }
    text.push_str("superpose explain NAME tells more\n");
    if family.is_none() {
        text.push_str(
            "superpose list models, superpose list abilities: what was built, and what appeared at which scale\n",
        );
    }
    text
}

/// As many threads as were asked for, or one for each core.
fn threads(asked: Option<u16>) -> usize {
    asked.map_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get), usize::from)
}

/// The threads that compute.
fn pool(asked: Option<u16>) -> Result<rayon::ThreadPool, Failure> {
    let n = threads(asked);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build();
    pool.map_err(|error| Failure::new(7, format!("cannot start {n} threads: {error}")))
}

fn number_of_threads(text: &str) -> Result<u16, String> {
    let number = text.parse().ok().filter(|n| (1..=1024).contains(n));
    number.ok_or_else(|| "allowed: a whole number from 1 to 1024".to_owned())
}

/// The kernel that a word chooses.
fn kernel(word: &str) -> Result<Option<Kernel>, String> {
    if word == "auto" {
        return Ok(None);
    }
    let kernel = Kernel::ALL.into_iter().find(|kernel| kernel.name() == word);
    let kernel = kernel.ok_or_else(|| {
        let names = Kernel::ALL.map(Kernel::name);
        format!("allowed: auto, {}{}", names.join(", "), did_you_mean(word, ["auto"].into_iter().chain(names)))
    })?;
    let here = || Kernel::available().map(Kernel::name).collect::<Vec<_>>().join(", ");
    if kernel.is_available() {
        Ok(Some(kernel))
    } else {
        Err(format!("this processor has none; here: auto, {}", here()))
    }
}
