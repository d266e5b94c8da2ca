//! The all-pairs pass against the fused multiply-add peak of the processor, both in floating-point operations per second.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nalgebra::DMatrix;
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};
use std::{hint::black_box, time::Duration};
use superpose::geometry::{
    embedding::Embedding,
    kernel::Kernel,
    pairs::{Wanted, pair_statistics},
};

const STEPS: u64 = 1 << 22;
const SUMS: usize = 12;

/// 12 independent chains in registers: what one thread can do at most. Divide the pass by it, and by the threads.
fn peak(c: &mut Criterion) {
    let mut group = c.benchmark_group("peak");
    #[cfg(target_arch = "x86_64")]
    if Kernel::Avx512.is_available() {
        use std::arch::x86_64::*;

        #[target_feature(enable = "avx512f")]
        fn chains(factor: f32, term: f32) -> f32 {
            let (factor, term) = (_mm512_set1_ps(factor), _mm512_set1_ps(term));
            let mut sums = [_mm512_set1_ps(1.0); SUMS];
            for _ in 0..STEPS {
                for sum in &mut sums {
                    *sum = _mm512_fmadd_ps(*sum, factor, term);
                }
            }
            sums.into_iter().map(|sum| _mm512_reduce_add_ps(sum)).sum()
        }

        group.throughput(Throughput::Elements(STEPS * SUMS as u64 * 16 * 2));
        group.bench_function("f32 fma avx512, 1 thread", |b| {
            // SAFETY: the kernel is available, so the feature is.
            b.iter(|| unsafe { chains(black_box(0.999), black_box(0.001)) });
        });
    }
    #[cfg(target_arch = "x86_64")]
    if Kernel::Avx2.is_available() {
        use std::arch::x86_64::*;

        // The chains and the two constants fit in 16 registers.
        #[target_feature(enable = "avx2,fma")]
        fn chains(factor: f32, term: f32) -> [f32; 8] {
            let (factor, term) = (_mm256_set1_ps(factor), _mm256_set1_ps(term));
            let mut sums = [_mm256_set1_ps(1.0); SUMS];
            for _ in 0..STEPS {
                for sum in &mut sums {
                    *sum = _mm256_fmadd_ps(*sum, factor, term);
                }
            }
            let sum = sums.into_iter().fold(_mm256_setzero_ps(), |a, b| _mm256_add_ps(a, b));
            let mut lanes = [0.0; 8];
            // SAFETY: there is room for 8 lanes.
            unsafe { _mm256_storeu_ps(lanes.as_mut_ptr(), sum) };
            lanes
        }

        group.throughput(Throughput::Elements(STEPS * SUMS as u64 * 8 * 2));
        group.bench_function("f32 fma avx2, 1 thread", |b| {
            // SAFETY: the kernel is available, so the features are.
            b.iter(|| unsafe { chains(black_box(0.999), black_box(0.001)) });
        });
    }
    group.finish();
}

/// Useful operations: a multiplication and an addition for every entry of every pair.
fn pairs(c: &mut Criterion) {
    let everything = Wanted { centred: true, dot_squares: false };
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
