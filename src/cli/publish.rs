//! The end of a run, wherever its records were computed: all files, and what a person is told.

use std::io::Write;
use std::path::Path;
use std::time::{Instant, SystemTime};

use superpose::engine::Outcome;
use superpose::engine::unit::Inputs;
use superpose::figure::font::Fonts;
use superpose::geometry::kernel::Kernel;
use superpose::output::{self, manifest};
use superpose::report::Report;
use superpose::scenario::study::Study;
use superpose::store::Store;

use super::findings::told;
use super::results::{self, Files};
use super::summary::{counted, duration, summary};
use super::{Failure, figures, page, print};

pub const MANIFEST: &str = "manifest.json";

/// A run of which every record is in the store, or fails.
pub struct Finished<'a> {
    pub folder: &'a Path,
    pub study: &'a Study,
    pub inputs: &'a Inputs,
    pub store: &'a Store,
    pub outcome: &'a Outcome,
    pub kernel: Kernel,
    /// What the figures are drawn with, if there are to be figures and a page.
    pub fonts: Option<&'a Fonts>,
    /// Language of the page.
    pub lang: page::Lang,
    /// Whether the first figure is sketched in the terminal.
    pub plot: bool,
    pub smoke: bool,
    pub quiet: bool,
    /// When it began.
    pub begin: (SystemTime, Instant),
}

impl Finished<'_> {
    /// Writes all files of the run and tells what is in them; nothing, and `false`, if `stop` says so before the rows are written.
    pub fn publish(&self, stop: &dyn Fn() -> bool) -> Result<bool, Failure> {
        let Self { folder, study, inputs, store, outcome, kernel, fonts, lang, plot, smoke, quiet, begin } = *self;
        let Some(mut results) = results::write(folder, study, inputs, store, outcome, stop)? else {
            return Ok(false);
        };
        let earlier = figures::earlier(&folder.join(MANIFEST));
        let drawn = match fonts.is_none() && !plot {
            true => Vec::new(),
            false => figures::draw(study, inputs, kernel, (&results.source, &results.findings))?,
        };
        if let Some(fonts) = fonts {
            for (ready, written) in figures::write(folder, &drawn, fonts)? {
                results.ready.push(ready);
                results.written.push(written);
            }
        }
        let circumstances = manifest::Circumstances {
            started: humantime::format_rfc3339_seconds(begin.0).to_string(),
            elapsed_s: begin.1.elapsed().as_secs_f64(),
            threads: rayon::current_num_threads(),
            kernel: kernel.name().to_owned(),
            records_computed: outcome.progress.n_computed,
            records_found: outcome.progress.n_found,
            units_failed: outcome.failures.len() as u64,
            smoke,
        };
        let elapsed_s = circumstances.elapsed_s;
        let mut made = manifest::Made::new(study, circumstances, results.written);
        if fonts.is_some() {
            let report = Report {
                study,
                source: &results.source,
                findings: &results.findings,
                figures: &drawn,
                made: Some(&made),
                language: lang.into(),
            };
            let (ready, written) = page::write(folder, &report)?;
            results.ready.push(ready);
            made.outputs.push(written);
        }
        let manifest = output::stage(folder, MANIFEST, &manifest::encode(study, &made))?;
        figures::make_room(folder, &made.outputs)?;
        output::publish(folder, results.ready.into_iter().chain([manifest.0]).collect())?;
        for file in earlier {
            if !made.outputs.iter().any(|written| Path::new(&written.file) == file) {
                let _ = std::fs::remove_file(folder.join(&file));
            }
        }
        let files = Files::of(study);
        // What an earlier run left of its failures or findings is no longer true.
        for (file, is_stale) in [
            (&files.failures, outcome.failures.is_empty()),
            (&files.findings, study.first.plan.scenario.analysis.is_empty()),
        ] {
            if is_stale {
                let _ = std::fs::remove_file(folder.join(file));
            }
        }
        if !quiet {
            print(&summary(study, &results.shown))?;
            print(&told(&results.findings))?;
            if plot {
                page::sketch_first(&drawn)?;
            }
            let (path, seconds) = (folder.join(&files.rows), duration(elapsed_s));
            let (computed, found) = (counted(outcome.progress.n_computed, "record"), outcome.progress.n_found);
            let rows = counted(study.n_rows, "row");
            let line = format!("{}: {rows} in {seconds}; {computed} computed, {found} found", path.display());
            let _ = writeln!(anstream::stderr(), "{line}");
            if results.n_diverged > 0 {
                let rows = counted(results.n_diverged, "row");
                let _ = writeln!(
                    anstream::stderr(),
                    "{rows} of trainings that diverged: their status says so, and what reads vectors is empty"
                );
            }
        }
        match outcome.failures.len() as u64 {
            0 => Ok(true),
            n => {
                let (failures, path) = (counted(n, "unit"), folder.join(&files.failures));
                let sentence = format!(
                    "{}: {failures} of {} failed; {} says why, and the same command tries them again",
                    study.path().display(),
                    study.n_units,
                    path.display()
                );
                Err(Failure::new(9, sentence))
            }
        }
    }
}
