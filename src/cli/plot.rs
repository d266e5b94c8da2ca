//! `superpose plot`: any columns of any CSV as a figure.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use superpose::analysis::{Content, file};
use superpose::figure::chart::{self, Request};
use superpose::figure::font::Fonts;
use superpose::figure::source::Source;
use superpose::figure::{Figure, Scale, png, svg};
use superpose::output;
use superpose::quantity::{FileName, abridged};
use superpose::schema;
use superpose::suggestion::did_you_mean;
use superpose::table::Column;

use super::{Failure, page};

const EXAMPLES: &str = "\
Examples:
  superpose plot results/load/load.csv --x n_concepts --y mean_square_cosine,coherence --by tier
  superpose plot losses.csv --x params --y loss --by family --x-scale log --y-scale log --out figures";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Table with a header
    #[arg(value_name = "FILE.csv")]
    file: PathBuf,
    /// Column on the horizontal axis, of numbers or names
    #[arg(long, value_name = "COLUMN")]
    x: String,
    /// Columns of numbers, a panel for each
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',', required = true)]
    y: Vec<String>,
    /// Columns whose values make a line each; rows alike in them and in x are averaged [default: all columns of text that vary]
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    by: Option<Vec<String>>,
    /// Column whose values make a panel each
    #[arg(long, value_name = "COLUMN")]
    facet: Option<String>,
    /// Scale of the horizontal axis [default: what suits the numbers]
    #[arg(long, value_name = "SCALE")]
    x_scale: Option<ScaleWord>,
    /// Scale of the vertical axes [default: what suits the numbers]
    #[arg(long, value_name = "SCALE")]
    y_scale: Option<ScaleWord>,
    /// Leave out the 95 % intervals of means
    #[arg(long)]
    no_band: bool,
    /// Line above the figure
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Folder for the .svg and the .png [default: here]
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// Sketch the figure in the terminal as well
    #[arg(long)]
    plot: bool,
    /// Font file (.ttf, .otf) for letters that the bundled font lacks in the PNG, such as Chinese
    #[arg(long, value_name = "FILE")]
    font: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum ScaleWord {
    Linear,
    Log,
}

impl From<ScaleWord> for Scale {
    fn from(word: ScaleWord) -> Self {
        match word {
            ScaleWord::Linear => Scale::Linear,
            ScaleWord::Log => Scale::Log,
        }
    }
}

/// Draws the figure and says where it stands.
pub fn plot(arguments: &Arguments) -> Result<(), Failure> {
    let figure = figure(arguments)?;
    let fonts = fonts(arguments.font.as_deref())?;
    output::create_folder(&arguments.out)?;
    let painted = png::encode(&figure, &fonts).map_err(|fault| Failure::new(7, fault))?;
    let files = [("svg", svg::encode(&figure).into_bytes()), ("png", painted)];
    let mut ready = Vec::new();
    for (ending, content) in &files {
        ready.push(output::stage(&arguments.out, &format!("{}.{ending}", figure.name), content)?.0);
    }
    output::publish(&arguments.out, ready)?;
    if arguments.plot {
        page::sketch_first(std::slice::from_ref(&figure))?;
    }
    for (ending, _) in &files {
        let path = arguments.out.join(format!("{}.{ending}", figure.name));
        let _ = writeln!(anstream::stderr(), "{}", path.display());
    }
    Ok(())
}

fn figure(arguments: &Arguments) -> Result<Figure, Failure> {
    let known = known();
    let theory = |y: &String| known.iter().find(|column| column.name == *y).and_then(|column| column.theory.clone());
    let mut needed: Vec<String> = vec![arguments.x.clone()];
    needed.extend(arguments.y.iter().cloned());
    needed.extend(arguments.y.iter().filter_map(theory).map(String::from));
    needed.extend(arguments.by.iter().flatten().chain(&arguments.facet).cloned());
    // Columns of text are asked for by default, and only the file knows them.
    let is_needed = |name: &str| arguments.by.is_none() || needed.iter().any(|needed| needed == name);
    let csv = file::read(&arguments.file, is_needed, |_| false).map_err(|error| Failure::new(4, error))?;
    check(arguments, &csv.columns)?;
    let mut source = Source::of_table(&csv.table);
    for column in &mut source.columns {
        if let Some(known) = known.iter().find(|known| known.name == column.name) {
            *column = known.clone();
        }
    }
    let by = arguments.by.clone().unwrap_or_else(|| {
        let is_key =
            |name: &&String| *name != "status" && **name != arguments.x && Some(*name) != arguments.facet.as_ref();
        let texts = csv.columns.iter().filter(|(_, content)| *content == Content::Texts).map(|(name, _)| name);
        texts.filter(is_key).cloned().collect()
    });
    let request = Request {
        x: arguments.x.clone(),
        y: arguments.y.clone(),
        by,
        facet: arguments.facet.clone(),
        x_scale: arguments.x_scale.map(Scale::from),
        y_scale: arguments.y_scale.map(Scale::from),
        no_band: arguments.no_band,
        no_theory: false,
    };
    let mut figure = chart::draw(&source, &request);
    let stem = arguments.file.file_stem().unwrap_or_default().to_string_lossy();
    figure.name = file_name(&format!("{stem}-{}-by-{}", arguments.y.join("-"), arguments.x));
    figure.title = arguments.title.clone().unwrap_or_else(|| format!("{} by {}", arguments.y.join(", "), arguments.x));
    figure.description = chart::described(&figure);
    Ok(figure)
}

/// Refuses columns that the table does not have, or that do not fit.
fn check(arguments: &Arguments, columns: &[(String, Content)]) -> Result<(), Failure> {
    let file = arguments.file.display();
    let find = |option: &str, name: &str| {
        let found = columns.iter().find(|(column, _)| column == name);
        found.map(|(_, content)| *content).ok_or_else(|| {
            let near = did_you_mean(name, columns.iter().map(|(column, _)| column.as_str()));
            let sentence =
                format!("{file}: {option} names the column {}, which the table does not have{near}", abridged(name));
            Failure::new(4, sentence)
        })
    };
    find("--x", &arguments.x)?;
    for y in &arguments.y {
        if find("--y", y)? != Content::Numbers {
            let sentence = format!("{file}: --y must name columns of numbers, but {} holds text", abridged(y));
            return Err(Failure::new(4, sentence));
        }
    }
    for by in arguments.by.iter().flatten() {
        find("--by", by)?;
    }
    arguments.facet.iter().try_for_each(|facet| find("--facet", facet).map(|_| ()))
}

/// The columns of the program's own tables, whose units and theories it knows.
fn known() -> Vec<Column> {
    let keys = superpose::scenario::plan::KEYS.iter().chain(&superpose::scenario::plan::OPTIONAL_KEYS).cloned();
    keys.chain(schema::measures().into_iter().flat_map(|(_, columns)| columns)).collect()
}

/// The bundled fonts, with that of a person.
pub fn fonts(path: Option<&Path>) -> Result<Fonts, Failure> {
    let Some(path) = path else { return Ok(Fonts::bundled()) };
    let bytes =
        std::fs::read(path).map_err(|error| Failure::new(4, format!("{}: cannot be read: {error}", path.display())))?;
    Fonts::with(path, bytes).map_err(|fault| Failure::new(4, fault))
}

/// A text as the name of a file.
fn file_name(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = text.chars().map(plain).take(64).collect();
    let name = name.trim_matches(['-', '.']).to_owned();
    if serde_json::from_value::<FileName>(name.clone().into()).is_ok() { name } else { "figure".to_owned() }
}
