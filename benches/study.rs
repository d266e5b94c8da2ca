//! Studies: what a cheap point costs, and two threads against one on 500 equal points.

use std::hint::black_box;
use std::path::Path;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use superpose::engine::run_in_memory;
use superpose::geometry::kernel::Kernel;
use superpose::scenario::document::Document;
use superpose::scenario::study::Study;

/// A study of so many points that differ in their seed alone.
fn study(n_points: u64, n_concepts: u64, d_model: u64) -> Study {
    let text = format!(
        "name = \"bench\"\n[concepts]\ncount = {n_concepts}\n[[tiers]]\nname = \"a\"\nd_model = {d_model}\n\
         embedding.fully_distributed = {{}}\n[measure.overlap]\n\
         [sweep]\nseed = {{ from = 1, to = {n_points}, steps = {n_points} }}\n"
    );
    let document = Document::parse(Path::new("bench.toml"), text).expect("it is TOML");
    Study::new(&document).expect("it can be planned")
}

fn in_pool(study: &Study, n_threads: usize) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().expect("threads");
    let run = || run_in_memory(study, Kernel::best(), 4 << 30).expect("it can be run");
    black_box(pool.install(run));
}

/// Everything that a point costs beside its numbers: planning, looking up, storing, reading back.
fn overhead(c: &mut Criterion) {
    let mut group = c.benchmark_group("a cheap point");
    group.sample_size(10).throughput(Throughput::Elements(10_000));
    let cheap = study(10_000, 8, 8);
    for n_threads in [1, 2] {
        group.bench_function(BenchmarkId::new("run, n 8 d 8", format!("{n_threads} threads")), |b| {
            b.iter(|| in_pool(&cheap, n_threads));
        });
    }
    group.bench_function("plan, n 8 d 8", |b| b.iter(|| study(10_000, 8, 8)));
    group.finish();
}

fn threads(c: &mut Criterion) {
    let mut group = c.benchmark_group("500 equal points");
    group.sample_size(10).throughput(Throughput::Elements(500));
    let equal = study(500, 1024, 256);
    for n_threads in [1, 2] {
        group.bench_function(BenchmarkId::new("n 1024 d 256", format!("{n_threads} threads")), |b| {
            b.iter(|| in_pool(&equal, n_threads));
        });
    }
    group.finish();
}

criterion_group!(benches, overhead, threads);
criterion_main!(benches);
