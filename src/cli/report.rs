//! `superpose report`: the page and the figures of a run made again from what it left, without computing it again.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use superpose::analysis::{self, file};
use superpose::engine::results::{self as engine_results, Group};
use superpose::engine::unit::{Inputs, read_inputs};
use superpose::engine::{self};
use superpose::figure::source::{Gathering, Source};
use superpose::geometry::kernel::Kernel;
use superpose::output;
use superpose::output::manifest::{self, Made};
use superpose::report::Report;
use superpose::scenario::document::Document;
use superpose::scenario::study::Study;
use superpose::store;
use superpose::table::{Table, Unit, Value};

use super::plot::fonts;
use super::publish::MANIFEST;
use super::results::Files;
use super::summary::counted;
use super::{Failure, figures, folder, number_of_threads, page, pool};

#[derive(Args)]
pub struct Arguments {
    /// Folder of a run, as in results/tiers
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Scenario file, where it is not where it was, or the run is unfinished
    #[arg(long, value_name = "SCENARIO")]
    scenario: Option<PathBuf>,
    /// Language of the page
    #[arg(long, value_name = "LANG", default_value = "en")]
    lang: page::Lang,
    /// Font file (.ttf, .otf) for letters that the bundled font lacks in figures, such as Chinese
    #[arg(long, value_name = "FILE")]
    font: Option<PathBuf>,
    /// Threads that draw [default: one for each core]
    #[arg(long, value_name = "N", value_parser = number_of_threads, allow_negative_numbers = true)]
    threads: Option<u16>,
}

/// Makes figures and page again; the tables stay as they are, and the manifest but for what it says of figures and page.
pub fn report(arguments: &Arguments) -> Result<(), Failure> {
    let fonts = fonts(arguments.font.as_deref())?;
    let manifest = manifest(arguments)?;
    let study = study(arguments, &manifest)?;
    let inputs = read_inputs(&study).map_err(|fault| Failure::of(&study, fault))?;
    let folder = &arguments.folder;
    let path = folder.join(MANIFEST);
    let mut made: Option<Made> = match manifest.is_null() {
        true => None,
        false => Some(
            serde_json::from_value(manifest.clone())
                .map_err(|error| Failure::new(4, format!("{}: is no manifest: {error}", path.display())))?,
        ),
    };
    let rows = folder.join(Files::of(&study).rows);
    pool(arguments.threads)?.install(|| {
        let Found { source, findings } =
            if rows.exists() { finished(folder, &study, &rows)? } else { unfinished(folder, &study, &inputs)? };
        let drawn = figures::draw(&study, &inputs, Kernel::best(), (&source, &findings))?;
        let files = figures::write(folder, &drawn, &fonts)?;
        let (mut ready, mut written): (Vec<_>, Vec<output::Written>) = files.into_iter().unzip();
        let report = Report {
            study: &study,
            source: &source,
            findings: &findings,
            figures: &drawn,
            made: made.as_ref(),
            language: arguments.lang.into(),
        };
        let page = page::write(folder, &report)?;
        ready.push(page.0);
        written.push(page.1);
        let earlier = figures::earlier(&path);
        if let Some(made) = &mut made {
            made.outputs.retain(|output| !earlier.contains(&PathBuf::from(&output.file)));
            made.outputs.extend(written.iter().cloned());
            ready.push(output::stage(folder, MANIFEST, &manifest::with_outputs(manifest, &made.outputs))?.0);
        }
        figures::make_room(folder, &written)?;
        output::publish(folder, ready)?;
        for file in earlier.iter().filter(|file| !written.iter().any(|written| Path::new(&written.file) == **file)) {
            let _ = std::fs::remove_file(folder.join(file));
        }
        let n = counted(drawn.len() as u64, "figure");
        let so_far = match source.n_lacking {
            0 => String::new(),
            lacking => format!(
                " of what there is so far: {lacking} of {} are not computed yet",
                counted(study.n_units, "unit")
            ),
        };
        let _ = writeln!(anstream::stderr(), "{}: a page and {n}{so_far}", folder.join(page::FILE).display());
        Ok(())
    })
}

/// What a run has given.
struct Found {
    source: Source,
    findings: Vec<Vec<Value>>,
}

/// The manifest of the run; null while it has none, and then the scenario must be named.
fn manifest(arguments: &Arguments) -> Result<serde_json::Value, Failure> {
    let path = arguments.folder.join(MANIFEST);
    match (std::fs::read(&path), &arguments.scenario) {
        (Ok(text), _) => serde_json::from_slice(&text)
            .map_err(|error| Failure::new(4, format!("{}: is no manifest: {error}", path.display()))),
        (Err(_), Some(_)) => Ok(serde_json::Value::Null),
        (Err(error), None) => {
            let sentence = format!(
                "{}: cannot be read: {error}; the run of a scenario is unfinished without it: name the file with --scenario",
                path.display()
            );
            Err(Failure::new(4, sentence))
        }
    }
}

/// The study of the run, as its manifest tells it.
fn study(arguments: &Arguments, manifest: &serde_json::Value) -> Result<Study, Failure> {
    let path = arguments.folder.join(MANIFEST);
    let named = manifest["scenario_file"].as_str().map(PathBuf::from);
    let Some(file) = arguments.scenario.clone().or(named) else {
        return Err(Failure::new(4, format!("{}: names no scenario_file", path.display())));
    };
    let mut document = Document::read(&file)?;
    if manifest["run"]["smoke"] == true {
        document.make_smoke()?;
    }
    let settings = manifest["settings"].as_array().into_iter().flatten().filter_map(|setting| setting.as_str());
    settings.into_iter().try_for_each(|setting| document.set(setting))?;
    let study = Study::new(&document)?;
    let mine = serde_json::to_value(&study.first.plan.scenario).expect("a scenario has a JSON form");
    let less = |scenario: &serde_json::Value| {
        let mut scenario = scenario.clone();
        if let Some(scenario) = scenario.as_object_mut() {
            scenario.retain(|key, _| key != "figure" && key != "title");
        }
        scenario
    };
    if !manifest.is_null() && less(&manifest["scenario"]) != less(&mine) {
        let sentence = format!(
            "{}: is not the scenario that {} was run from any more; run it again",
            file.display(),
            arguments.folder.display()
        );
        return Err(Failure::new(6, sentence));
    }
    Ok(study)
}

/// The rows and findings of a finished run, from its tables.
fn finished(folder: &Path, study: &Study, rows: &Path) -> Result<Found, Failure> {
    // A tier may be called 007, and a coordinate may be a number: its column says text because it may also be a word.
    let (keys, _) = study.columns.split_at(study.key_ends().1);
    let texts = keys.iter().skip(study.first.coordinates.len()).chain(&analysis::COLUMNS);
    let texts: Vec<&str> =
        texts.filter(|column| column.unit == Unit::Text).map(|column| column.name.as_ref()).collect();
    let read =
        |path: &Path| file::read(path, |_| true, |name| texts.contains(&name)).map_err(|error| Failure::new(4, error));
    let table = read(rows)?.table;
    let names = |table: &Table| table.columns.iter().map(|column| column.name.to_string()).collect::<Vec<_>>();
    if names(&table) != study.columns.iter().map(|column| column.name.to_string()).collect::<Vec<_>>() {
        let sentence = format!("{}: has other columns than {} gives", rows.display(), study.path().display());
        return Err(Failure::new(6, sentence));
    }
    let (n_shared, _) = study.key_ends();
    let mut gathering = Gathering::of(study);
    for rows in table.rows.chunk_by(|a, b| a[..n_shared] == b[..n_shared]) {
        gathering.add(&Group { point: 0, tier_idx: 0, stage_idx: 0, rows: rows.to_vec() });
    }
    let findings = folder.join(Files::of(study).findings);
    let findings = if study.first.plan.scenario.analysis.is_empty() { Vec::new() } else { read(&findings)?.table.rows };
    Ok(Found { source: gathering.finish(), findings })
}

/// What an unfinished run has so far, from its store, and what follows from it.
fn unfinished(folder: &Path, study: &Study, inputs: &Inputs) -> Result<Found, Failure> {
    if !folder.join(store::FILE).exists() {
        let sentence =
            format!("{}: holds no run: neither {} nor {}", folder.display(), Files::of(study).rows, store::FILE);
        return Err(Failure::new(4, sentence));
    }
    let store = folder::open(folder, study, false)?;
    let lacking = engine::lacking(study, inputs, &store).map_err(|fault| Failure::of(study, fault))?;
    let mut gathering = Gathering::of(study);
    let mut table = Table { columns: study.columns.clone(), rows: Vec::new() };
    let wants_rows = !study.first.plan.scenario.analysis.is_empty();
    engine_results::groups(study, inputs, &store, &lacking, &mut |group| {
        gathering.add(&group);
        if wants_rows {
            table.rows.extend(group.rows);
        }
        true
    })
    .map_err(|fault| Failure::of(study, fault))?;
    let scenario = &study.first.plan.scenario;
    let findings = analysis::conclude(&scenario.analysis, &table, scenario.seed.get());
    Ok(Found { source: Source { n_lacking: lacking.len() as u64, ..gathering.finish() }, findings })
}
