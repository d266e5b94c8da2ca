//! The all-pairs pass against the fused multiply-add peak of the processor, both in floating-point operations per second.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nalgebra::DMatrix;
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};
use std::time::Duration;
use superpose::geometry::{
    embedding::Embedding,
    kernel::Kernel,
    pairs::{Wanted, pair_statistics},
};

mod peak;

/// What one thread can do at most. Divide the pass by it, and by the threads.
fn peak(c: &mut Criterion) {
    let mut group = c.benchmark_group("peak");
    for case in peak::loops() {
        group.throughput(Throughput::Elements(case.operations));
        group.bench_function(format!("{}, 1 thread", case.name), |b| b.iter(case.run));
    }
    group.finish();
}

/// Useful operations: a multiplication and an addition for every entry of every pair.
fn pairs(c: &mut Criterion) {
    let everything = Wanted { centred: true, ..Wanted::default() };
    let mut group = c.benchmark_group("pairs");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    for (n, d) in [(16384, 64), (16384, 256), (16384, 1024)] {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let embedding = Embedding::new(DMatrix::from_fn(d, n, |_, _| StandardNormal.sample(&mut rng)));
        group.throughput(Throughput::Elements((n * (n - 1) * d) as u64));
        for (wanted, name) in [(Wanted::default(), "moments"), (everything, "everything")] {
            for (parallel, threads) in [(false, "1 thread"), (true, "all threads")] {
                group.bench_function(BenchmarkId::new(format!("{name}, {threads}"), format!("n {n} d {d}")), |b| {
                    b.iter(|| pair_statistics(&embedding, wanted, Kernel::best(), parallel));
                });
            }
        }
    }
    group.finish();
}

criterion_group!(benches, peak, pairs);
criterion_main!(benches);
