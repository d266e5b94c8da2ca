//! `superpose compare`: how alike the vectors of two files are, each score beside what chance would give.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use superpose::embedding::File;
use superpose::embedding::file::Vectors;
use superpose::engine;
use superpose::geometry::embedding::Embedding;
use superpose::geometry::kernel::Kernel;
use superpose::measure::{Measure, Similarity, Subject};
use superpose::output::csv;
use superpose::quantity::Count;
use superpose::seed::Stream;
use superpose::table::{Column, Table, Value};

use super::measure::{Part, probe, write};
use super::summary::{counted, digits, lined_up};
use super::{Failure, memory, number_of_threads, pool, print};

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
    /// Also write the row of all values
    #[arg(long, value_name = "FILE.csv")]
    out: Option<PathBuf>,
    /// Most memory to use, as in 8GB or 500MiB [default: 80 % of what is free]
    #[arg(long, value_name = "SIZE", value_parser = memory::parse)]
    memory: Option<u64>,
    /// Threads that compute [default: one for each core]
    #[arg(long, value_name = "N", value_parser = number_of_threads, allow_negative_numbers = true)]
    threads: Option<u16>,
}

fn count(text: &str) -> Result<Count, String> {
    let count = text.parse().ok().and_then(Count::new);
    count.ok_or_else(|| "allowed: a whole number from 1 to 4294967295".to_owned())
}

/// Compares the two and prints every score with its null value.
pub fn compare(arguments: &Arguments) -> Result<(), Failure> {
    let measure = Similarity { k: arguments.k, permutations: arguments.permutations, ..Similarity::default() };
    let a = arguments.part.of(&arguments.a);
    let b = File { path: arguments.b.clone(), ..a.clone() };
    let b = File { tensor: arguments.to_tensor.clone().or(b.tensor.clone()), ..b };
    admit(&measure, [&a, &b], arguments.memory.unwrap_or_else(memory::available))?;
    if let Some(out) = &arguments.out {
        probe(out)?;
    }
    let [a, b] = [a, b].map(|file| file.read());
    let (a, b) = (a.map_err(|error| Failure::new(4, error))?, b.map_err(|error| Failure::new(4, error))?);
    let Matched { a, b, how } = matched(arguments, a, b)?;
    if a.n_concepts() < 4 {
        let sentence = format!("{how}; at least 4 concepts are needed to compare");
        return Err(Failure::new(4, sentence));
    }
    let values = pool(arguments.threads)?.install(|| {
        let [a, b] = [a, b].map(|embedding| Subject::new(embedding, None, Kernel::best(), true));
        measure.observe(&a.beside(Arc::new(b)), &Stream::from_seed(arguments.seed).stream("compare"))
    });
    let columns = measure.columns();
    print(&told(arguments, &how, &columns, &values))?;
    if let Some(out) = &arguments.out {
        let table = Table { columns, rows: vec![values] };
        write(out, &csv::encode(&table).map_err(|error| Failure::new(7, error))?)?;
        let _ = writeln!(anstream::stderr(), "{}: {}", out.display(), counted(1, "row"));
    }
    Ok(())
}

/// Refuses, from the headers alone, what would not fit in memory.
fn admit(measure: &Similarity, files: [&File; 2], budget: u64) -> Result<(), Failure> {
    let mut sizes = Vec::new();
    for file in files {
        sizes.push(file.shape().map_err(|error| Failure::new(4, error))?);
    }
    let n = sizes.iter().map(|size| size.n_concepts).min().unwrap_or(0) as f64;
    let d = sizes.iter().map(|size| size.d_model).max().unwrap_or(0) as f64;
    // Each is read, and copied in the order of the other.
    let vectors: f64 = sizes.iter().map(|size| 8.0 * size.n_concepts as f64 * size.d_model as f64).sum();
    let bytes = vectors + measure.cost(n, d).bytes;
    if bytes <= budget as f64 {
        return Ok(());
    }
    let [needed, budget] = [bytes, budget as f64].map(engine::gigabytes);
    let [a, b] = files.map(|file| file.path.display().to_string());
    Err(Failure::new(5, format!("comparing {a} with {b} needs about {needed}, but the memory budget is {budget}")))
}

/// The same concepts of both, in the same order.
struct Matched {
    a: Embedding,
    b: Embedding,
    how: String,
}

fn matched(arguments: &Arguments, a: Vectors, b: Vectors) -> Result<Matched, Failure> {
    let (n_a, n_b) = (a.embedding.n_concepts(), b.embedding.n_concepts());
    match (&a.names, &b.names) {
        (Some(names_a), Some(names_b)) if !arguments.by_order => {
            let (in_a, in_b) = by_name(names_a, names_b);
            let how = format!("{} by name, of {n_a} and {n_b}", counted(in_a.len() as u64, "concept"));
            let some = |embedding: Embedding, order: &[usize]| match order.iter().copied().eq(0..embedding.n_concepts())
            {
                true => embedding,
                false => Embedding::new(embedding.matrix().select_columns(order)),
            };
            Ok(Matched { a: some(a.embedding, &in_a), b: some(b.embedding, &in_b), how })
        }
        _ if n_a == n_b => {
            let how = format!("{} by order", counted(n_a as u64, "concept"));
            Ok(Matched { a: a.embedding, b: b.embedding, how })
        }
        (names_a, names_b) => {
            let [a, b] = [&arguments.a, &arguments.b].map(|path| path.display());
            let why = match (names_a, names_b) {
                (Some(_), Some(_)) => "with --by-order both must have as many",
                _ => "without names in both they are matched by order, and both must have as many",
            };
            Err(Failure::new(4, format!("{a} has {n_a} concepts and {b} has {n_b}; {why}")))
        }
    }
}

/// The positions of the names that stand once in each, in the order of the first.
fn by_name(a: &[String], b: &[String]) -> (Vec<usize>, Vec<usize>) {
    // A name that stands twice names no one.
    let places = |names: &'_ [String]| -> HashMap<String, Option<usize>> {
        let mut places = HashMap::new();
        for (idx, name) in names.iter().enumerate() {
            places.entry(name.clone()).and_modify(|place| *place = None).or_insert(Some(idx));
        }
        places
    };
    let (in_a, in_b) = (places(a), places(b));
    let place = |name: &String| Some((in_a.get(name).copied().flatten()?, in_b.get(name).copied().flatten()?));
    a.iter().filter_map(place).unzip()
}

/// A line for each score: its value, what chance gives, its spread, z, and which way it reads.
fn told(arguments: &Arguments, how: &str, columns: &[Column], values: &[Value]) -> String {
    let name = |path: &Path, tensor: Option<&String>| {
        tensor.map_or(path.display().to_string(), |tensor| format!("{}, {tensor}", path.display()))
    };
    let part = &arguments.part;
    let a = name(&arguments.a, part.tensor.as_ref());
    let b = name(&arguments.b, arguments.to_tensor.as_ref().or(part.tensor.as_ref()));
    let cell = |value: &Value| value.number().map_or("–".to_owned(), |x| digits(x, 4));
    let mut rows = vec![["score", "value", "null", "null_sd", "z", ""].map(str::to_owned).to_vec()];
    // The first column is the number of concepts, and every score has four.
    for (columns, values) in columns[1..].chunks(4).zip(values[1..].chunks(4)) {
        let mut row = vec![columns[0].name.to_string()];
        row.extend(values.iter().map(cell));
        row.push(if columns[0].meaning.contains("a distance") { "distance" } else { "similarity" }.to_owned());
        rows.push(row);
    }
    format!(
        "{}\n{}\n{how}; null: the concepts of one side in a random order; – where undefined\n\n{}\n",
        super::on_one_line(&a),
        super::on_one_line(&b),
        lined_up(rows, 0, &[0, 5])
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theory_names_that_stand_once_in_each_are_matched() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let found = by_name(&words("cat dog cat sun moon"), &words("moon sun cat tree sun dog"));
        assert_eq!(found, (vec![1, 4], vec![5, 0]));
    }
}
