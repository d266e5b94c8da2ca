//! What a processor can do at most: independent chains of fused multiply-adds in registers, and reads of memory.

use std::hint::black_box;

#[cfg(target_arch = "x86_64")]
use superpose::geometry::kernel::Kernel;

/// Steps of a loop.
const STEPS: u64 = 1 << 22;
/// Chains: enough to wait for none, and with two constants few enough for 16 registers.
const SUMS: usize = 12;

/// A loop of one thread.
pub struct Loop {
    /// Type of the numbers and registers that it uses.
    pub name: &'static str,
    /// Floating-point operations of one run: two for each multiply-add.
    pub operations: u64,
    /// Runs it.
    pub run: fn(),
}

#[cfg(target_arch = "x86_64")]
macro_rules! chains {
    ($name:ident, $features:literal, $number:ty, $lanes:literal, $set:ident, $multiply_add:ident, $store:ident) => {
        #[target_feature(enable = $features)]
        pub(super) fn $name(factor: $number, term: $number) -> [[$number; $lanes]; SUMS] {
            use std::arch::x86_64::*;
            let (factor, term) = ($set(factor), $set(term));
            let mut sums = [$set(1.0); SUMS];
            for _ in 0..STEPS {
                for sum in &mut sums {
                    *sum = $multiply_add(*sum, factor, term);
                }
            }
            sums.map(|sum| {
                let mut lanes = [0.0; $lanes];
                // SAFETY: there is room for all lanes.
                unsafe { $store(lanes.as_mut_ptr(), sum) };
                lanes
            })
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::*;
    chains!(f32_avx512, "avx512f", f32, 16, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_storeu_ps);
    chains!(f64_avx512, "avx512f", f64, 8, _mm512_set1_pd, _mm512_fmadd_pd, _mm512_storeu_pd);
    chains!(f32_avx2, "avx2,fma", f32, 8, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_storeu_ps);
    chains!(f64_avx2, "avx2,fma", f64, 4, _mm256_set1_pd, _mm256_fmadd_pd, _mm256_storeu_pd);
}

/// The loops that this processor can run. Where it is none of x86-64 with AVX2 the compiler's own vectors are taken.
pub fn loops() -> Vec<Loop> {
    let operations = |lanes: u64| STEPS * SUMS as u64 * lanes * 2;
    #[cfg(target_arch = "x86_64")]
    {
        let mut loops = Vec::new();
        // SAFETY, of all four: the kernel is available, so the features are.
        if Kernel::Avx512.is_available() {
            loops.extend([
                Loop {
                    name: "f32 avx512",
                    operations: operations(16),
                    run: || keep(unsafe { x86::f32_avx512(black_box(0.999), 0.001) }),
                },
                Loop {
                    name: "f64 avx512",
                    operations: operations(8),
                    run: || keep(unsafe { x86::f64_avx512(black_box(0.999), 0.001) }),
                },
            ]);
        }
        if Kernel::Avx2.is_available() {
            loops.extend([
                Loop {
                    name: "f32 avx2",
                    operations: operations(8),
                    run: || keep(unsafe { x86::f32_avx2(black_box(0.999), 0.001) }),
                },
                Loop {
                    name: "f64 avx2",
                    operations: operations(4),
                    run: || keep(unsafe { x86::f64_avx2(black_box(0.999), 0.001) }),
                },
            ]);
        }
        if !loops.is_empty() {
            return loops;
        }
    }
    vec![
        Loop {
            name: "f32 plain",
            operations: operations(4),
            run: || keep(plain::<f32, 4>(black_box(0.999), 0.001, f32::mul_add)),
        },
        Loop {
            name: "f64 plain",
            operations: operations(2),
            run: || keep(plain::<f64, 2>(black_box(0.999), 0.001, f64::mul_add)),
        },
    ]
}

/// So that the compiler has to make it.
fn keep<T>(made: T) {
    black_box(made);
}

fn plain<T: Copy, const LANES: usize>(factor: T, term: T, multiply_add: fn(T, T, T) -> T) -> [[T; LANES]; SUMS] {
    let mut sums = [[term; LANES]; SUMS];
    for _ in 0..STEPS {
        sums.iter_mut().flatten().for_each(|sum| *sum = multiply_add(*sum, factor, term));
    }
    sums
}
