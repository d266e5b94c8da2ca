//! A process that runs what the engine computes and says how long it took: our side of `compare.py`, as `peers/peer.py` is theirs.
//!
//! One request a line on standard input, a JSON object; one answer a line on standard output. Every request has `threads` (default 1). `n`, `d` and `embedding`
//! (as in a scenario; default `{"fully_distributed": {}}`) name vectors, which are drawn before the clock starts and kept until others are named.
//!
//! | do | with | what is timed |
//! |---|---|---|
//! | `peak` | | every loop of `peak/mod.rs`: numbers are operations per second |
//! | `read`, `copy` | `bytes` | memory read, or copied, in order by every thread: numbers are bytes per second |
//! | `rows` | `n`, `d`, `count` | the sum of `count` rows of n × d f32 at random, by all threads: bytes per second |
//! | `save` | vectors, `file` | nothing: the vectors as .npy |
//! | `pairs` | vectors, `centred` | the pass over all pairs; numbers as `peers/overlap.py` names them |
//! | `draw` | `n`, `d`, `embedding` | drawing the embedding |
//! | `fill` | `n`, `d`, `fresh` | standard normals of one xoshiro256++ a thread, into memory that is there already or into fresh memory |
//! | `spectrum` | vectors | the ranks of the centred embedding by its eigenvalues |
//! | `measure` | vectors, `measure` as in a scenario | the measures |
//!
//! An answer has `seconds`, `cpu_seconds` of the whole process, and `numbers`.

mod peak;

use std::collections::BTreeMap;
use std::fs::File;
use std::hint::black_box;
use std::io::{self, BufRead, BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::rand_core::{Rng as _, SeedableRng};
use rayon::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use superpose::embedding::{FullyDistributed, Model, Scheme};
use superpose::geometry::embedding::Embedding;
use superpose::geometry::kernel::Kernel;
use superpose::geometry::pairs::{PairStatistics, Wanted, pair_statistics};
use superpose::geometry::spectrum;
use superpose::measure::{Measures, Subject};
use superpose::seed::{Rng, Stream};

type Numbers = BTreeMap<String, f64>;

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Request {
    r#do: String,
    threads: usize,
    n: usize,
    d: usize,
    embedding: Scheme,
    centred: bool,
    fresh: bool,
    count: usize,
    bytes: usize,
    file: String,
    measure: Measures,
}

impl Default for Request {
    fn default() -> Self {
        let embedding = Scheme::FullyDistributed(FullyDistributed::default());
        let (r#do, file, measure) = (String::new(), String::new(), Measures::default());
        Self {
            r#do,
            threads: 1,
            n: 0,
            d: 0,
            embedding,
            centred: false,
            fresh: false,
            count: 0,
            bytes: 0,
            file,
            measure,
        }
    }
}

/// The pools by their threads, and the vectors that were named last.
#[derive(Default)]
struct Kept {
    pools: BTreeMap<usize, rayon::ThreadPool>,
    vectors: Option<(String, Embedding)>,
}

fn main() {
    let mut kept = Kept::default();
    for line in io::stdin().lock().lines() {
        let line = line.expect("standard input is text");
        let answer = serde_json::from_str(&line)
            .map_err(|error| error.to_string())
            .and_then(|request| kept.answer(&request))
            .unwrap_or_else(|error| json!({ "ok": false, "error": error }));
        println!("{answer}");
    }
}

impl Kept {
    fn answer(&mut self, request: &Request) -> Result<Value, String> {
        let n_threads = request.threads;
        let new_pool = || rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().expect("threads");
        self.pools.entry(n_threads).or_insert_with(new_pool);
        let reads_vectors = ["save", "pairs", "spectrum", "measure"].contains(&request.r#do.as_str());
        let name = format!("{} {} {:?}", request.n, request.d, request.embedding);
        if reads_vectors && self.vectors.as_ref().is_none_or(|(known, _)| *known != name) {
            self.vectors = None;
            self.vectors = Some((name, draw(request, true)?));
        }
        let (pool, vectors) = (&self.pools[&n_threads], self.vectors.as_ref().map(|(_, vectors)| vectors));
        pool.install(|| run(request, vectors))
    }
}

fn run(request: &Request, vectors: Option<&Embedding>) -> Result<Value, String> {
    let (n_threads, parallel) = (request.threads, request.threads > 1);
    let vectors = || vectors.ok_or("there are no vectors");
    match request.r#do.as_str() {
        "peak" => Ok(timed(|| peaks(n_threads))),
        "read" => {
            let parts: Vec<Vec<u64>> = (0..n_threads).map(|_| vec![1; request.bytes / n_threads / 8]).collect();
            Ok(rate(request.bytes, || keep(parts.par_iter().map(|part| sum(part)).max())))
        }
        "copy" => {
            let from: Vec<Vec<u64>> = (0..n_threads).map(|_| vec![1; request.bytes / n_threads / 8]).collect();
            let mut to = from.clone();
            Ok(rate(request.bytes, || to.par_iter_mut().zip(&from).for_each(|(to, from)| to.copy_from_slice(from))))
        }
        "rows" => {
            let matrix = vec![1.0_f32; request.n * request.d];
            let rows = |thread| rows(&matrix, request.d, request.count / n_threads, thread);
            let sums = || keep((0..n_threads as u64).into_par_iter().map(rows).max_by(f32::total_cmp));
            Ok(rate(4 * request.d * (request.count / n_threads) * n_threads, sums))
        }
        "save" => {
            save(vectors()?, request.file.as_ref()).map_err(|error| format!("{}: {error}", request.file))?;
            Ok(json!({ "ok": true }))
        }
        "pairs" => {
            let (vectors, wanted) = (vectors()?, Wanted { centred: request.centred, ..Wanted::default() });
            let mut found = None;
            let mut answer = timed(|| {
                found = Some(pair_statistics(vectors, wanted, Kernel::best(), parallel));
                Numbers::new()
            });
            answer["numbers"] = json!(found.map(|found| overlap(&found)));
            Ok(answer)
        }
        "draw" => {
            let mut found = None;
            let mut answer = timed(|| {
                found = Some(draw(request, parallel));
                Numbers::new()
            });
            let drawn = found.ok_or("nothing was drawn")??;
            answer["numbers"] = moments(drawn.as_slice().iter());
            Ok(answer)
        }
        "fill" => Ok(fill(request)),
        "spectrum" => {
            let vectors = vectors()?;
            let mean: Vec<f64> = vectors.matrix().map(f64::from).column_mean().iter().copied().collect();
            Ok(timed(|| {
                let ranks = spectrum::ranks(vectors, &mean, parallel).expect("vectors that differ");
                named([
                    ("participation_ratio", ranks.participation),
                    ("effective_rank", ranks.effective),
                    ("stable_rank", ranks.stable),
                ])
            }))
        }
        "measure" => {
            let (chosen, vectors) = (request.measure.chosen(), vectors()?.clone());
            let wanted = superpose::measure::wanted_by(&chosen);
            Ok(timed(|| {
                let subject = Subject::new(vectors, wanted, Kernel::best(), parallel);
                let mut numbers = Numbers::new();
                for measure in &chosen {
                    let values = measure.member.observe(&subject, &Stream::from_seed(1).stream(measure.name));
                    let columns = measure.member.columns().into_iter().map(|column| column.name.to_string());
                    numbers.extend(columns.zip(values).filter_map(|(name, value)| Some((name, value.number()?))));
                }
                numbers
            }))
        }
        other => Err(format!("\"do\" is {other:?}, which is nothing that can be done")),
    }
}

/// So that the compiler has to make it.
fn keep<T>(made: T) {
    black_box(made);
}

/// Wall time, and processor time of this process.
fn timed(compute: impl FnOnce() -> Numbers) -> Value {
    let (start, processor) = (Instant::now(), processor_s());
    let numbers = compute();
    let (seconds, end) = (start.elapsed().as_secs_f64(), processor_s());
    json!({ "ok": true, "seconds": seconds, "cpu_seconds": end - processor, "numbers": numbers })
}

/// Bytes per second of the best of 7 runs: what else the machine does makes it slower, and nothing makes it faster.
fn rate(bytes: usize, mut run: impl FnMut() + Send) -> Value {
    timed(|| {
        run();
        let seconds = (0..7).map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64()
        });
        named([("bytes_per_second", bytes as f64 / seconds.fold(f64::INFINITY, f64::min))])
    })
}

#[cfg(unix)]
fn processor_s() -> f64 {
    // SAFETY: a struct of numbers, for which zeros are values.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the place is ours to write to.
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

#[cfg(not(unix))]
fn processor_s() -> f64 {
    f64::NAN
}

fn named<const N: usize>(numbers: [(&str, f64); N]) -> Numbers {
    numbers.map(|(name, number)| (name.to_owned(), number)).into()
}

/// Operations per second of each loop on so many threads, the best of 5.
fn peaks(n_threads: usize) -> Numbers {
    let best = |case: &peak::Loop| {
        let one = |_| {
            let start = Instant::now();
            (0..n_threads).into_par_iter().for_each(|_| (case.run)());
            start.elapsed().as_secs_f64()
        };
        (n_threads as u64 * case.operations) as f64 / (0..5).map(one).fold(f64::INFINITY, f64::min)
    };
    peak::loops().iter().map(|case| (case.name.to_owned(), best(case))).collect()
}

fn sum(words: &[u64]) -> u64 {
    let mut sums = [0_u64; 64];
    for words in words.chunks_exact(64) {
        sums.iter_mut().zip(words).for_each(|(sum, &word)| *sum ^= word);
    }
    sums.into_iter().fold(0, |a, b| a ^ b)
}

/// Adds up so many rows at random, in lanes, as readouts have to read them.
fn rows(matrix: &[f32], d: usize, count: usize, seed: u64) -> f32 {
    let mut rng = Rng::seed_from_u64(seed);
    let mut sums = [0.0_f32; 64];
    for _ in 0..count {
        let row_idx = (rng.next_u64() % (matrix.len() / d) as u64) as usize;
        for entries in matrix[row_idx * d..][..d].chunks_exact(64) {
            sums.iter_mut().zip(entries).for_each(|(sum, &entry)| *sum += entry);
        }
    }
    sums.into_iter().sum()
}

fn draw(request: &Request, parallel: bool) -> Result<Embedding, String> {
    let model = Model { n_concepts: request.n, d_model: request.d, params: None, folder: Path::new(".") };
    request.embedding.member().embed(&model, &Stream::from_seed(1), parallel).map_err(|fault| fault.to_string())
}

/// Mean and mean square.
fn moments<'a>(entries: impl ExactSizeIterator<Item = &'a f32>) -> Value {
    let n = entries.len() as f64;
    let entries = entries.map(|&x| f64::from(x));
    let (sum, squares) = entries.fold((0.0, 0.0), |(sum, squares), x| (sum + x, squares + x * x));
    json!({ "mean": sum / n, "mean_square": squares / n })
}

fn fill(request: &Request) -> Value {
    let (size, n_threads) = (request.n * request.d, request.threads);
    let part = size.div_ceil(n_threads);
    let mut entries = vec![1.0_f32; if request.fresh { 0 } else { size }];
    let mut answer = timed(|| {
        if request.fresh {
            entries = vec![0.0; size];
        }
        entries.par_chunks_mut(part).enumerate().for_each(|(thread, entries)| {
            let mut rng = Rng::seed_from_u64(thread as u64);
            entries.fill_with(|| StandardNormal.sample(&mut rng));
        });
        Numbers::new()
    });
    answer["numbers"] = moments(entries.iter());
    answer
}

/// The numbers that the peers have, from the sums over pairs.
fn overlap(pairs: &PairStatistics) -> Numbers {
    let n_pairs = pairs.n_pairs as f64;
    let largest = || pairs.largest.iter().map(|&largest| f64::from(largest));
    let quantile = |q| pairs.histogram.quantile(q).unwrap_or(f64::NAN);
    named([
        ("n_pairs", n_pairs),
        ("mean_cosine", pairs.sum_cos / n_pairs),
        ("mean_abs_cosine", pairs.sum_abs_cos / n_pairs),
        ("mean_square_cosine", pairs.sum_cos2 / n_pairs),
        ("excess_kurtosis_cosine", n_pairs * pairs.sum_cos4 / (pairs.sum_cos2 * pairs.sum_cos2) - 3.0),
        ("coherence", pairs.max_abs_cos),
        ("zero_fraction", pairs.histogram.n_zero() as f64 / n_pairs),
        ("abs_cosine_p50", quantile(0.5)),
        ("abs_cosine_p90", quantile(0.9)),
        ("abs_cosine_p99", quantile(0.99)),
        ("abs_cosine_p999", quantile(0.999)),
        ("largest_mean", largest().sum::<f64>() / pairs.largest.len() as f64),
        ("largest_min", largest().fold(f64::INFINITY, f64::min)),
    ])
}

/// Writes a row for each concept, as NumPy does.
fn save(embedding: &Embedding, path: &Path) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let (n, d) = (embedding.n_concepts(), embedding.d_model());
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({n}, {d}), }}");
    // Magic, version and length take 10 bytes, and the numbers begin at a multiple of 64.
    let length = (header.len() + 11).next_multiple_of(64) - 10;
    file.write_all(b"\x93NUMPY\x01\x00")?;
    file.write_all(&(length as u16).to_le_bytes())?;
    writeln!(file, "{header:<width$}", width = length - 1)?;
    embedding.as_slice().iter().try_for_each(|entry| file.write_all(&entry.to_le_bytes()))?;
    file.flush()
}
