//! Training steps of autoencoders, in model-steps per second: how fast one model learns, and many at once. `training_torch.py` times PyTorch on the same, and
//! `training_compare.py` runs both in turn. With `-- --rates SECONDS` a line of JSON for each case, in place of criterion's report; with `-- --only 20x5 SECONDS`
//! the rate of one model on one thread, which is for a profile.

use criterion::{BenchmarkId, Criterion, Throughput};
use rayon::prelude::*;
use std::time::{Duration, Instant};
use std::{env, fs, hint::black_box};
use superpose::seed::Stream;
use superpose::training::{Elhage, Recipe, Size, ToyModel};

/// n, d, sparsity, steps of a training, and models that see the same samples.
const SHAPES: [(usize, usize, f64, u64, usize); 7] = [
    (2, 1, 0.9, 100_000, 1),
    (2, 1, 0.9, 10_000, 64),
    (20, 5, 0.9, 10_000, 1),
    (20, 5, 0.9, 5_000, 64),
    (100, 20, 0.9, 5_000, 1),
    (100, 20, 0.9, 1_000, 64),
    (1024, 64, 0.99, 2_000, 1),
];

/// As many trainings at a time as there are threads: fresh samples of 1024 in every step, Adam, and the loss at the end over 16384 samples.
struct Case {
    name: String,
    size: Size,
    model: Elhage,
    recipe: Recipe,
    pool: rayon::ThreadPool,
}

impl Case {
    fn all() -> Vec<Self> {
        let case = |(n_concepts, d_model, sparsity, steps, restarts), n_threads| {
            let size = Size { n_concepts, d_model };
            let model: Elhage = serde_json::from_value(serde_json::json!({ "sparsity": sparsity })).expect("a model");
            let recipe = Recipe { steps, restarts, checkpoints: vec![steps], ..model.defaults(size) };
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().expect("a pool");
            Self { name: format!("{n_concepts}x{d_model}"), size, model, recipe, pool }
        };
        SHAPES.into_iter().flat_map(|shape| [1, 2].map(|n_threads| case(shape, n_threads))).collect()
    }

    fn n_threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    fn model_steps(&self) -> u64 {
        self.recipe.steps * (self.recipe.restarts * self.n_threads()) as u64
    }

    fn run(&self) {
        let train = |seed| self.model.train(self.size, &self.recipe, None, &Stream::from_seed(seed), false);
        self.pool
            .install(|| (0..self.n_threads() as u64).into_par_iter().for_each(|seed| drop(black_box(train(seed)))));
    }
}

/// Seconds of processor time of this process, where the system tells them.
fn processor_s() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let mut ticks = stat.rsplit(") ").next()?.split(' ').skip(11).map(|word| word.parse::<f64>().ok());
    // Of a hundredth of a second each.
    Some((ticks.next()?? + ticks.next()??) / 100.0)
}

/// Model-steps per second, and per second of processor time and core.
fn rates_of(case: &Case, least_s: f64) -> (f64, Option<f64>) {
    let (begin, processor, mut n) = (Instant::now(), processor_s(), 0);
    while n == 0 || begin.elapsed().as_secs_f64() < least_s {
        case.run();
        n += 1;
    }
    let steps = (n * case.model_steps()) as f64;
    let processor_s = processor_s().zip(processor).map(|(end, begin)| end - begin);
    (steps / begin.elapsed().as_secs_f64(), processor_s.map(|s| steps / s))
}

fn rates(least_s: f64) {
    for case in Case::all() {
        let (rate, core_rate) = rates_of(&case, least_s);
        let rate = serde_json::json!({
            "shape": case.name, "models": case.recipe.restarts, "threads": case.n_threads(), "rate": rate, "core_rate": core_rate,
        });
        println!("{rate}");
    }
}

/// The rate of one model of a shape on one thread.
fn only(shape: &str, least_s: f64) {
    let is_it = |case: &Case| case.name == shape && case.recipe.restarts == 1 && case.n_threads() == 1;
    let case = Case::all().into_iter().find(is_it).expect("a shape that is timed");
    println!("{}", rates_of(&case, least_s).0);
}

fn training(c: &mut Criterion) {
    let mut group = c.benchmark_group("training");
    group.sample_size(10).measurement_time(Duration::from_secs(5)).warm_up_time(Duration::from_secs(1));
    for case in Case::all() {
        group.throughput(Throughput::Elements(case.model_steps()));
        let name = format!("{}, {} at once", case.name, case.recipe.restarts);
        let id = BenchmarkId::new(name, format!("{} threads", case.n_threads()));
        group.bench_function(id, |b| b.iter(|| case.run()));
    }
    group.finish();
}

fn main() {
    let args: Vec<String> = env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--rates", seconds] => return rates(seconds.parse().expect("seconds")),
        ["--only", shape, seconds] => return only(shape, seconds.parse().expect("seconds")),
        _ => {}
    }
    let mut criterion = Criterion::default().configure_from_args();
    training(&mut criterion);
    criterion.final_summary();
}
