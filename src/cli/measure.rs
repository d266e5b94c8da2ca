//! `superpose measure`: the measures of a scenario on the vectors of a file, and the pairs that overlap most, by name.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use superpose::embedding::file::{Dropped, Format, ReadError, Rows, Vectors};
use superpose::embedding::{self, File};
use superpose::engine::results::Group;
use superpose::engine::{self, admit};
use superpose::geometry::embedding::Embedding;
use superpose::geometry::kernel::Kernel;
use superpose::geometry::top_pairs::top_pairs;
use superpose::measure::{Measures, Subject};
use superpose::quantity::{Count, Label, cut};
use superpose::scenario::{self, document::Document, study::Study};
use superpose::suggestion::did_you_mean;

use super::out::Out;
use super::summary::{counted, lined_up, summary};
use super::{Failure, Resources, print};

const EXAMPLES: &str = "\
Examples:
  superpose measure model.safetensors --tensor embeddings.word_embeddings.weight
  superpose measure vectors.txt --pairs 20 --measure overlap,hubness
  superpose measure vectors.npy --rows 0:100000:10 --set measure.hubness.metric=cosine --out vectors.csv";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// File of vectors: .npy, .npz, .safetensors, word2vec, GloVe or fastText text, CSV or TSV
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    part: Part,
    /// What to measure, by the names of `superpose list measures` [default: all of the geometry]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    measure: Vec<String>,
    /// Print the K pairs with the largest |cosine|, by name
    #[arg(long, value_name = "K", value_parser = number_of_pairs, allow_negative_numbers = true)]
    pairs: Option<usize>,
    /// Set a parameter, as in measure.hubness.k=5 or seed=3; may be repeated
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    out: Out,
    #[command(flatten)]
    resources: Resources,
}

/// Which of the vectors of a file, and how they stand in it.
#[derive(Args)]
pub struct Part {
    /// Name of the matrix in a file that holds several
    #[arg(long, value_name = "NAME")]
    pub tensor: Option<String>,
    /// How the file is written [default: told by its content]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<FormatWord>,
    /// Which rows: FROM:TO or FROM:TO:STEP, counted from 0, TO not included; either end may be left out
    #[arg(long, value_name = "RANGE", value_parser = rows)]
    pub rows: Option<Rows>,
    /// The columns of the file are the concepts
    #[arg(long)]
    pub transpose: bool,
    /// Subtract the mean of the vectors from each
    #[arg(long, alias = "center")]
    pub centre: bool,
    /// Text file with the name of one concept on each line
    #[arg(long, value_name = "FILE")]
    pub names: Option<PathBuf>,
    /// Heading of the column of a CSV or TSV that holds the names [default: the first, if it does not hold numbers]
    #[arg(long, value_name = "HEADING")]
    pub name_column: Option<String>,
    /// Leave out concepts that are zero, or not finite, where otherwise the file is refused; may be repeated
    #[arg(long, value_name = "WHICH")]
    pub drop: Vec<DroppedWord>,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum FormatWord {
    Npy,
    Npz,
    Safetensors,
    Text,
    Word2vec,
    Csv,
    Tsv,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum DroppedWord {
    Zero,
    Nonfinite,
}

impl Part {
    /// The file with this part of it.
    pub fn of(&self, path: &Path) -> File {
        let format = self.format.map(|format| match format {
            FormatWord::Npy => Format::Npy,
            FormatWord::Npz => Format::Npz,
            FormatWord::Safetensors => Format::Safetensors,
            FormatWord::Text => Format::Text,
            FormatWord::Word2vec => Format::Word2vec,
            FormatWord::Csv => Format::Csv,
            FormatWord::Tsv => Format::Tsv,
        });
        let drop = self.drop.iter().map(|drop| match drop {
            DroppedWord::Zero => Dropped::Zero,
            DroppedWord::Nonfinite => Dropped::Nonfinite,
        });
        File {
            format,
            tensor: self.tensor.clone(),
            rows: self.rows,
            transpose: self.transpose,
            centre: self.centre,
            names: self.names.clone(),
            name_column: self.name_column.clone(),
            drop: drop.collect(),
            ..File::new(path)
        }
    }
}

/// `FROM:TO:STEP`.
pub fn rows(text: &str) -> Result<Rows, String> {
    let wrong = || "allowed: FROM:TO or FROM:TO:STEP with whole numbers, as in 0:1000 or ::10".to_owned();
    let parts: Vec<&str> = text.split(':').collect();
    let number = |text: &str| match text {
        "" => Ok(None),
        text => text.parse::<u64>().map(Some).map_err(|_| wrong()),
    };
    let (from, to, step) = match parts[..] {
        [from, to] => (number(from)?, number(to)?, None),
        [from, to, step] => (number(from)?, number(to)?, number(step)?),
        _ => return Err(wrong()),
    };
    let step = Count::new(step.unwrap_or(1)).ok_or_else(wrong)?;
    Ok(Rows { from: from.unwrap_or(0), to, step })
}

fn number_of_pairs(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|n| (1..=1_000_000).contains(n));
    number.ok_or_else(|| "allowed: a whole number from 1 to 1000000".to_owned())
}

/// What is measured unless a person says otherwise: the geometry of the vectors, without trials and without another tier.
const GEOMETRY: [&str; 7] =
    ["overlap", "spectrum", "sparsity", "anisotropy", "neighbours", "hubness", "intrinsic_dimension"];

/// Measures a file as `run` would measure a tier.
pub fn measure(arguments: &Arguments) -> Result<(), Failure> {
    let file = arguments.part.of(&arguments.file);
    let size = file.shape().map_err(|error| refused(&error))?;
    let kinds = Measures::kinds();
    for name in &arguments.measure {
        if !kinds.iter().any(|kind| kind.name == name) {
            let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
            let mut near = did_you_mean(name, names.iter().copied());
            if near.is_empty() {
                near = format!("; there are {}", names.join(", "));
            }
            let sentence = format!("--measure: there is no measure {}{near}", superpose::quantity::abridged(name));
            return Err(Failure::new(2, sentence));
        }
    }
    let asked: Vec<&str> = match arguments.measure.is_empty() {
        // What says nothing of so few is left out, unless it is asked for.
        true => GEOMETRY.into_iter().filter(|name| least_concepts(name) <= size.n_concepts).collect(),
        false => arguments.measure.iter().map(String::as_str).collect(),
    };
    let document = document(&file, &asked, &arguments.set)?;
    let study = Study::new(&document).map_err(|fault| told(&arguments.file, fault))?;
    let memory = arguments.resources.memory();
    let fault = |fault| match fault {
        engine::Fault::Embedding(embedding::Fault::Data(error)) => refused(&error),
        fault => Failure::of(&study, fault),
    };
    admit(&study, memory).map_err(fault)?;
    arguments.out.probe()?;
    arguments.resources.pool()?.install(|| {
        let (table, outcome) = engine::run_in_memory(&study, Kernel::best(), memory).map_err(fault)?;
        if let Some(failure) = outcome.failures.first() {
            return Err(Failure::new(9, format!("{}: {}", arguments.file.display(), failure.sentence)));
        }
        arguments.out.write(&table)?;
        let shown = Group { point: 0, tier_idx: 0, stage_idx: 0, rows: table.rows };
        print(&summary(&study, &[shown]))?;
        if let Some(count) = arguments.pairs {
            let vectors = file.read().map_err(|error| refused(&error))?;
            print(&pairs(vectors, count))?;
        }
        Ok(())
    })
}

/// The smallest number of concepts of which a measure says anything, with its default parameters.
fn least_concepts(name: &str) -> u64 {
    let all = Measures::all();
    all.chosen().iter().find(|measure| measure.name == name).map_or(0, |measure| measure.member.least_concepts())
}

/// A scenario of one tier that is the file.
fn document(file: &File, measures: &[&str], settings: &[String]) -> Result<Document, Failure> {
    let quoted = |text: &str| toml_text(text);
    let path = |path: &Path| {
        path.to_str().map(quoted).ok_or_else(|| Failure::new(2, format!("{}: the path is not UTF-8", path.display())))
    };
    // It stands in the place of a scenario file beside the file, so that messages name that one.
    let own = file.path.file_name().map_or(file.path.as_path(), Path::new);
    let stem = file.path.file_stem().map(|stem| cut(&stem.to_string_lossy(), 64)).unwrap_or_default();
    let tier = Label::new(&stem).map_or("file".to_owned(), |label| label.to_string());
    let mut text = format!("name = \"measure\"\ntitle = {}\n", quoted(&title(file)));
    let _ = writeln!(text, "[[tiers]]\nname = {}\n[tiers.embedding.file]\npath = {}", quoted(&tier), path(own)?);
    if let Some(tensor) = &file.tensor {
        let _ = writeln!(text, "tensor = {}", quoted(tensor));
    }
    if let Some(format) = &file.format {
        let _ = writeln!(text, "format = {}", serde_json::json!(format));
    }
    if let Some(Rows { from, to, step }) = &file.rows {
        let to = to.map_or(String::new(), |to| format!(", to = {to}"));
        let _ = writeln!(text, "rows = {{ from = {from}{to}, step = {step} }}");
    }
    if file.transpose {
        text.push_str("transpose = true\n");
    }
    if file.centre {
        text.push_str("centre = true\n");
    }
    if let Some(names) = &file.names {
        let names =
            std::path::absolute(names).map_err(|error| Failure::new(7, format!("{}: {error}", names.display())))?;
        let _ = writeln!(text, "names = {}", path(&names)?);
    }
    if let Some(name_column) = &file.name_column {
        let _ = writeln!(text, "name_column = {}", quoted(name_column));
    }
    if !file.drop.is_empty() {
        let _ = writeln!(text, "drop = {}", serde_json::json!(file.drop));
    }
    for name in measures {
        let _ = writeln!(text, "[measure.{name}]");
    }
    let mut document = Document::parse(&file.path, text)?;
    settings.iter().try_for_each(|setting| document.set(setting))?;
    Ok(document)
}

/// A basic string of TOML.
fn toml_text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// File and tensor on one line.
fn title(file: &File) -> String {
    let path = file.path.display().to_string();
    let mut title = file.tensor.as_ref().map_or(path.clone(), |tensor| format!("{path}, {tensor}"));
    if file.centre {
        title.push_str(", centred");
    }
    title.chars().map(|c| if superpose::quantity::is_control(c) { ' ' } else { c }).collect()
}

/// A refusal of what was put together from the command: the file in the place of a line that nobody wrote.
fn told(file: &Path, fault: scenario::Fault) -> Failure {
    match fault {
        scenario::Fault::Refused(refusal) if !refusal.place.starts_with("--set") => {
            Failure::new(3, format!("{}: {}", file.display(), refusal.sentence))
        }
        scenario::Fault::Data(error) => refused(&error),
        fault => fault.into(),
    }
}

/// A refusal of a file, in the flags that were typed.
pub fn refused(error: &ReadError) -> Failure {
    Failure::new(4, format!("{error:#}"))
}

/// The pairs that overlap most, by name, or by their number where there are no names.
fn pairs(vectors: Vectors, count: usize) -> String {
    let Vectors { embedding, names, .. } = vectors;
    let subject = Subject::new(embedding, None, Kernel::best(), true);
    let represented: &Embedding = subject.represented();
    if represented.n_concepts() < 2 {
        return "\nno pairs: fewer than two concepts are represented\n".to_owned();
    }
    let best = top_pairs(represented, count, subject.kernel(), true);
    let name = |position: usize| {
        let number = subject.number(position);
        names.as_ref().map_or(number.to_string(), |names| in_one_line(&names[number]))
    };
    let what = if names.is_some() { "by name" } else { "by number, from 0" };
    let mut text = format!("\nthe {} with the largest |cosine|, {what}\n\n", counted(best.len() as u64, "pair"));
    let rows = best.iter().map(|pair| vec![format!("{:.6}", pair.cosine), name(pair.i), name(pair.j)]).collect();
    let _ = writeln!(text, "{}", lined_up(rows, 0, &[1, 2]));
    text
}

/// A name as it may stand in a table: what could break the line is shown by its number, and a long one cut.
fn in_one_line(name: &str) -> String {
    let mut line = String::new();
    for c in name.chars() {
        if superpose::quantity::is_control(c) { line.extend(c.escape_unicode()) } else { line.push(c) }
    }
    cut(&line, 40)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theory_ranges_of_rows() {
        let of = |from, to, step| Ok(Rows { from, to, step: Count::new(step).expect("a count") });
        assert_eq!(rows("5:10"), of(5, Some(10), 1));
        assert_eq!(rows("::10"), of(0, None, 10));
        assert_eq!(rows(":7:"), of(0, Some(7), 1));
        for wrong in ["", "5", "1:2:0", "a:2", "1:2:3:4", "-1:5"] {
            let sentence = "allowed: FROM:TO or FROM:TO:STEP with whole numbers, as in 0:1000 or ::10";
            assert_eq!(rows(wrong).expect_err("refused"), sentence, "{wrong}");
        }
    }

    #[test]
    fn law_a_text_of_toml_reads_back() {
        for text in ["a \"quoted\" \\ path", "tab\tand\nline", "Ω\u{7f}\u{1}", ""] {
            let table: toml::Table = format!("x = {}", toml_text(text)).parse().expect("TOML");
            assert_eq!(table["x"].as_str(), Some(text));
        }
    }
}
