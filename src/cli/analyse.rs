//! `superpose analyse`: the analyses of a scenario on any table.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use superpose::analysis::{self, file};
use superpose::output;
use superpose::scenario::analyses::Analyses;
use superpose::scenario::document::Document;

use super::findings::told;
use super::results::{default_folder, write_findings};
use super::summary::counted;
use super::{Failure, number_of_threads, pool, print};

#[derive(Args)]
pub struct Arguments {
    /// Scenario file (TOML); one that is only about tables needs no more than a name and [[analysis]]
    #[arg(value_name = "SCENARIO")]
    scenario: PathBuf,
    /// Table with a header [default: results/NAME/NAME.csv, what `run` wrote]
    #[arg(long, value_name = "FILE.csv")]
    table: Option<PathBuf>,
    /// Folder for the findings [default: results/NAME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace a value of the scenario; may be repeated
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Threads that compute [default: one for each core]
    #[arg(long, value_name = "N", value_parser = number_of_threads, allow_negative_numbers = true)]
    threads: Option<u16>,
    /// Print nothing but errors
    #[arg(long)]
    quiet: bool,
}

/// Writes and prints the findings.
pub fn analyse(arguments: &Arguments) -> Result<(), Failure> {
    let mut document = Document::read(&arguments.scenario)?;
    arguments.set.iter().try_for_each(|setting| document.set(setting))?;
    let analyses = Analyses::from_document(&document)?;
    let folder = arguments.out.clone().unwrap_or_else(|| default_folder(analyses.name.as_str()));
    let path = arguments.table.clone();
    let path = path.unwrap_or_else(|| default_folder(analyses.name.as_str()).join(format!("{}.csv", analyses.name)));
    let is_needed = |name: &str| analyses.analysis.iter().any(|analysis| analysis.needs().any(|needed| needed == name));
    let csv = file::read(&path, is_needed, |_| false).map_err(|error| Failure::new(4, error))?;
    analyses.check(&document, &csv)?;
    let findings =
        pool(arguments.threads)?.install(|| analysis::conclude(&analyses.analysis, &csv.table, analyses.seed.get()));
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let file = format!("{stem}.findings.csv");
    output::create_folder(&folder)?;
    let (ready, _) = write_findings(&folder, &file, &findings)?;
    output::publish(&folder, vec![ready])?;
    if !arguments.quiet {
        print(told(&findings).trim_start())?;
        let (rows, found) = (counted(csv.table.rows.len() as u64, "row"), counted(findings.len() as u64, "finding"));
        let line = format!("{}: {found} from {rows} of {}", folder.join(&file).display(), path.display());
        let _ = writeln!(anstream::stderr(), "{line}");
    }
    Ok(())
}
