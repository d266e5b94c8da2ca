//! Training steps of autoencoders, in model-steps per second: how fast one model learns, and many at once. `training_torch.py` times PyTorch on the same.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rayon::prelude::*;
use std::{hint::black_box, time::Duration};
use superpose::seed::Stream;
use superpose::training::{Elhage, Recipe, Size, ToyModel};

/// n, d, sparsity, steps of a training, and models that see the same samples.
const SHAPES: [(usize, usize, f64, u64, usize); 6] = [
    (2, 1, 0.9, 200_000, 1),
    (2, 1, 0.9, 10_000, 64),
    (20, 5, 0.9, 20_000, 1),
    (20, 5, 0.9, 1_000, 64),
    (100, 20, 0.9, 4_000, 1),
    (1024, 64, 0.99, 500, 1),
];

/// Fresh samples of 1024 in every step, Adam, and the loss at the end over 16384 samples. On two threads two trainings run side by side.
fn training(c: &mut Criterion) {
    let mut group = c.benchmark_group("training");
    group.sample_size(10).measurement_time(Duration::from_secs(5)).warm_up_time(Duration::from_secs(1));
    for (n_concepts, d_model, sparsity, steps, restarts) in SHAPES {
        let size = Size { n_concepts, d_model };
        let model: Elhage = serde_json::from_value(serde_json::json!({ "sparsity": sparsity })).expect("a model");
        let recipe = Recipe { steps, restarts, checkpoints: vec![steps], ..model.defaults(size) };
        for n_threads in [1, 2] {
            group.throughput(Throughput::Elements(steps * (restarts * n_threads) as u64));
            let name = format!("({n_concepts}, {d_model}), {restarts} at once");
            let id = BenchmarkId::new(name, format!("{n_threads} threads"));
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().expect("a pool");
            group.bench_function(id, |b| {
                let train = |seed| model.train(size, &recipe, None, &Stream::from_seed(seed), false);
                b.iter(|| {
                    pool.install(|| (0..n_threads as u64).into_par_iter().for_each(|seed| drop(black_box(train(seed)))))
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, training);
criterion_main!(benches);
