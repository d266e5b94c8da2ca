//! `superpose compare`: how alike the vectors of two files are, each score beside what chance would give.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use superpose::embedding::file::{ReadError, Rows, Vectors};
use superpose::embedding::{File, Size};
use superpose::engine;
use superpose::geometry::kernel::Kernel;
use superpose::measure::similarity::RSA_CONCEPTS;
use superpose::measure::{By, Measure, Roster, Similarity, Subject};
use superpose::quantity::Count;
use superpose::seed::Stream;
use superpose::table::{Column, Table, Value};

use super::measure::{Part, refused, rows};
use super::out::Out;
use super::summary::{counted, digits, lined_up};
use super::{Failure, Resources, print};

const EXAMPLES: &str = "\
Examples:
  superpose compare before.npy after.npy
  superpose compare glove.txt word2vec.bin --permutations 100
  superpose compare model.safetensors model.safetensors --tensor layer.0.weight --to-tensor layer.1.weight";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// File of vectors, as for `superpose measure`
    #[arg(value_name = "A")]
    a: PathBuf,
    /// File of vectors that it is compared with
    #[arg(value_name = "B")]
    b: PathBuf,
    #[command(flatten)]
    part: Part,
    /// Name of the matrix in B, where it is not that of A
    #[arg(long, value_name = "NAME")]
    to_tensor: Option<String>,
    /// Which rows of B, where they are not those of A
    #[arg(long, value_name = "RANGE", value_parser = rows)]
    to_rows: Option<Rows>,
    /// Whether the columns of B are the concepts, where they are not of A or the other way round
    #[arg(long, value_name = "BOOL")]
    to_transpose: Option<bool>,
    /// Text file with the names of the concepts of B, where it is not that of A
    #[arg(long, value_name = "FILE")]
    to_names: Option<PathBuf>,
    /// Match concepts by their order, also where both files have names
    #[arg(long)]
    by_order: bool,
    /// Neighbours that are compared
    #[arg(long, value_name = "K", default_value = "10", value_parser = count, allow_negative_numbers = true)]
    k: Count,
    /// Random orders from which the nulls of procrustes, svcca and pwcca are estimated
    #[arg(long, value_name = "N", default_value = "20", value_parser = count, allow_negative_numbers = true)]
    permutations: Count,
    /// All randomness descends from this number
    #[arg(long, value_name = "SEED", default_value = "0")]
    seed: u64,
    #[command(flatten)]
    out: Out,
    #[command(flatten)]
    resources: Resources,
}

impl Arguments {
    fn by(&self) -> Option<By> {
        self.by_order.then_some(By::Order)
    }

    /// The size of B, of which is left out what was asked of A and what no file like B has.
    fn size_of(&self, b: &mut File) -> Result<Size, ReadError> {
        loop {
            match b.shape() {
                Err(error) if error.unwanted() == Some("tensor") && self.to_tensor.is_none() => b.tensor = None,
                Err(error) if error.unwanted() == Some("name_column") => b.name_column = None,
                size => return size,
            }
        }
    }
}

fn count(text: &str) -> Result<Count, String> {
    let count = text.parse().ok().and_then(Count::new);
    count.ok_or_else(|| "allowed: a whole number from 1 to 4294967295".to_owned())
}

/// Compares the two and prints every score with its null value.
pub fn compare(arguments: &Arguments) -> Result<(), Failure> {
    let (k, permutations, by) = (arguments.k, arguments.permutations, arguments.by());
    let measure = Similarity { k, permutations, by, ..Similarity::default() };
    let a = arguments.part.of(&arguments.a);
    let mut b = File {
        path: arguments.b.clone(),
        tensor: arguments.to_tensor.clone().or(a.tensor.clone()),
        rows: arguments.to_rows.or(a.rows),
        transpose: arguments.to_transpose.unwrap_or(a.transpose),
        names: arguments.to_names.clone().or(a.names.clone()),
        ..a.clone()
    };
    let refused_b = |error: ReadError| Failure::new(4, format!("{error:+#}"));
    let sizes = [a.shape().map_err(|error| refused(&error))?, arguments.size_of(&mut b).map_err(refused_b)?];
    admit(&measure, [&a, &b], sizes, arguments.resources.memory())?;
    arguments.out.probe()?;
    let file_b = b.clone();
    let (a, b) = (a.read().map_err(|error| refused(&error))?, b.read().map_err(refused_b)?);
    let by = matching(arguments, &a, &b)?;
    let (n_a, n_b) = (a.embedding.n_concepts(), b.embedding.n_concepts());
    let values = arguments.resources.pool()?.install(|| {
        let [a, b] = [a, b].map(|Vectors { embedding, names, dropped, .. }| {
            Subject::new(embedding, None, Kernel::best(), true).named(Roster { names, dropped })
        });
        measure.observe(&a.beside(Arc::new(b)), &Stream::from_seed(arguments.seed).stream("compare"))
    });
    // The first column is the number of concepts that are compared.
    let n = values[0].number().unwrap_or(0.0) as u64;
    let how = match by {
        By::Name => format!("{} by name, of {n_a} and {n_b}", counted(n, "concept")),
        By::Order if n < n_a.max(n_b) as u64 => format!("{} by order, of {n_a} and {n_b}", counted(n, "concept")),
        By::Order => format!("{} by order", counted(n, "concept")),
    };
    if n < 4 {
        return Err(Failure::new(4, format!("{how}; at least 4 concepts are needed to compare")));
    }
    let columns = measure.columns();
    print(&told(arguments, &file_b, &how, &columns, &values))?;
    arguments.out.write(&Table { columns, rows: vec![values] })
}

/// Refuses what would not fit in memory.
fn admit(measure: &Similarity, files: [&File; 2], sizes: [Size; 2], budget: u64) -> Result<(), Failure> {
    let n = sizes.iter().map(|size| size.n_concepts).min().unwrap_or(0) as f64;
    let d = sizes.iter().map(|size| size.d_model).max().unwrap_or(0) as f64;
    // Each is read, and copied where not all of it is compared.
    let vectors: f64 = sizes.iter().map(|size| 8.0 * size.n_concepts as f64 * size.d_model as f64).sum();
    let bytes = vectors + measure.cost(n, d).bytes;
    if bytes <= budget as f64 {
        return Ok(());
    }
    let [needed, budget] = [bytes, budget as f64].map(engine::gigabytes);
    let [a, b] = files.map(|file| file.path.display().to_string());
    Err(Failure::new(5, format!("comparing {a} with {b} needs about {needed}, but the memory budget is {budget}")))
}

/// By what concepts are matched, or why they cannot be.
fn matching(arguments: &Arguments, a: &Vectors, b: &Vectors) -> Result<By, Failure> {
    let (n_a, n_b) = (a.n_all(), b.n_all());
    let by = By::or_told(arguments.by(), a.names.is_some() && b.names.is_some());
    if by == By::Name || n_a == n_b {
        return Ok(by);
    }
    let [path_a, path_b] = [&arguments.a, &arguments.b].map(|path| path.display());
    let why = match arguments.by_order {
        true => "with --by-order both must have as many",
        false => "without names in both they are matched by order, and both must have as many",
    };
    Err(Failure::new(4, format!("{path_a} has {n_a} concepts and {path_b} has {n_b}; {why}")))
}

/// A line for each score: its value, what chance gives, its spread, z, and which way it reads.
fn told(arguments: &Arguments, b: &File, how: &str, columns: &[Column], values: &[Value]) -> String {
    let name = |path: &Path, tensor: Option<&String>| {
        tensor.map_or(path.display().to_string(), |tensor| format!("{}, {tensor}", path.display()))
    };
    let part = &arguments.part;
    let a = name(&arguments.a, part.tensor.as_ref());
    let b = name(&arguments.b, b.tensor.as_ref());
    let cell = |value: &Value| value.number().map_or("–".to_owned(), |x| digits(x, 4));
    let mut rows = vec![["score", "value", "null", "null_sd", "z", ""].map(str::to_owned).to_vec()];
    // The first column is the number of concepts, and every score has four.
    for (columns, values) in columns[1..].chunks(4).zip(values[1..].chunks(4)) {
        let mut row = vec![columns[0].name.to_string()];
        row.extend(values.iter().map(cell));
        row.push(if columns[0].meaning.contains("a distance") { "distance" } else { "similarity" }.to_owned());
        rows.push(row);
    }
    let n = values[0].number().unwrap_or(0.0);
    let sampled = if n > RSA_CONCEPTS as f64 {
        format!("\nrsa: of {RSA_CONCEPTS} of the concepts, drawn at random\n")
    } else {
        String::new()
    };
    format!(
        "{}\n{}\n{how}; null: the concepts of one side in a random order; – where undefined\n\n{}\n{sampled}",
        super::on_one_line(&a),
        super::on_one_line(&b),
        lined_up(rows, 0, &[0, 5])
    )
}
