//! Lanes: sixteen single-precision numbers that are computed together, on the registers that the processor has.
//!
//! Every operation is defined number by number, multiply-adds are fused, and nothing is added up across lanes: the bits are the same on every processor.

use super::Kernel;

/// Number of lanes.
pub const LANES: usize = 16;

/// Sixteen numbers in memory, on a cache line of their own.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub struct Chunk(pub [f32; LANES]);

impl Chunk {
    /// Zero in every lane.
    pub const ZERO: Self = Self([0.0; LANES]);

    /// The sum of the lanes, by halves.
    #[inline(always)]
    pub fn total(&self) -> f32 {
        let mut sums = self.0;
        // Spelt out, so that no call is left in the innermost loops.
        for lane in 0..8 {
            sums[lane] += sums[lane + 8];
        }
        for lane in 0..4 {
            sums[lane] += sums[lane + 4];
        }
        for lane in 0..2 {
            sums[lane] += sums[lane + 2];
        }
        sums[0] + sums[1]
    }
}

/// Sixteen numbers in registers.
pub trait Lanes: Copy {
    /// The same number in every lane.
    fn splat(x: f32) -> Self;
    /// From memory.
    fn load(chunk: &Chunk) -> Self;
    /// From anywhere in memory.
    fn read(numbers: &[f32; LANES]) -> Self;
    /// To memory.
    fn store(self, chunk: &mut Chunk);
    /// To anywhere in memory.
    fn write(self, numbers: &mut [f32; LANES]);
    /// self · factor + other, rounded once.
    fn mul_add(self, factor: Self, other: Self) -> Self;
    /// self · factor.
    fn times(self, factor: Self) -> Self;
    /// self + other.
    fn plus(self, other: Self) -> Self;
    /// The lanes above zero, the first in the lowest bit.
    fn positive(self) -> u16;
    /// The lanes of these bits, and zero in the others.
    fn only(self, bits: u16) -> Self;
    /// The lanes of both in turn, self first: those of the lower halves, and those of the upper ones.
    fn zip(self, other: Self) -> (Self, Self);
}

/// What was number r of lane c becomes number c of lane r: a deck of 256 is shuffled perfectly four times.
#[inline(always)]
pub fn transposed<L: Lanes>(mut rows: [L; LANES]) -> [L; LANES] {
    for _ in 0..4 {
        let halves = rows;
        for i in 0..LANES / 2 {
            (rows[2 * i], rows[2 * i + 1]) = halves[i].zip(halves[i + LANES / 2]);
        }
    }
    rows
}

/// The sum of the lanes of each row, in the order of [`Chunk::total`].
#[inline(always)]
pub fn totals<L: Lanes>(rows: [L; LANES]) -> L {
    let rows: [L; 8] = halved(rows);
    let rows: [L; 4] = halved(rows);
    let rows: [L; 2] = halved(rows);
    let [row] = halved(rows);
    row
}

/// The halves of each row are added, and take turns with those of another one.
#[inline(always)]
fn halved<L: Lanes, const N: usize, const HALF: usize>(rows: [L; N]) -> [L; HALF] {
    let mut sums = [L::splat(0.0); HALF];
    for i in 0..HALF {
        let (lower, upper) = rows[i].zip(rows[i + HALF]);
        sums[i] = lower.plus(upper);
    }
    sums
}

/// Work on lanes. R is the number of rows of a product that fit into the registers; it changes no bit.
pub trait Task {
    /// What comes of it.
    type Output;

    /// Does it. Must be `#[inline(always)]`, so that it is compiled for the registers of the caller.
    fn run<L: Lanes, const R: usize>(self) -> Self::Output;
}

/// Does work on the registers of a kernel.
///
/// # Panics
/// If this processor does not have them.
pub fn run<T: Task>(kernel: Kernel, task: T) -> T::Output {
    assert!(kernel.is_available(), "this processor cannot run the {kernel} kernel");
    match kernel {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the assertion above found the features that the function is compiled with.
        Kernel::Avx512 => unsafe { x86::avx512(task) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Kernel::Avx2 => unsafe { x86::avx2(task) },
        _ => task.run::<Plain, 4>(),
    }
}

/// Lanes as an array: the definition of the numbers.
#[derive(Clone, Copy)]
struct Plain([f32; LANES]);

impl Lanes for Plain {
    #[inline(always)]
    fn splat(x: f32) -> Self {
        Self([x; LANES])
    }

    #[inline(always)]
    fn load(chunk: &Chunk) -> Self {
        Self(chunk.0)
    }

    #[inline(always)]
    fn read(numbers: &[f32; LANES]) -> Self {
        Self(*numbers)
    }

    #[inline(always)]
    fn store(self, chunk: &mut Chunk) {
        chunk.0 = self.0;
    }

    #[inline(always)]
    fn write(self, numbers: &mut [f32; LANES]) {
        *numbers = self.0;
    }

    // Sixteen calls where a build may not take the instruction for granted: in every place, they and what follows would be most of what there is to compile of these lanes.
    #[cfg_attr(target_arch = "x86_64", inline(never))]
    #[cfg_attr(not(target_arch = "x86_64"), inline(always))]
    fn mul_add(self, factor: Self, other: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane].mul_add(factor.0[lane], other.0[lane])))
    }

    #[inline(always)]
    fn times(self, factor: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] * factor.0[lane]))
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] + other.0[lane]))
    }

    #[cfg_attr(target_arch = "x86_64", inline(never))]
    #[cfg_attr(not(target_arch = "x86_64"), inline(always))]
    fn positive(self) -> u16 {
        self.0.iter().enumerate().fold(0, |bits, (lane, &x)| bits | u16::from(x > 0.0) << lane)
    }

    #[cfg_attr(target_arch = "x86_64", inline(never))]
    #[cfg_attr(not(target_arch = "x86_64"), inline(always))]
    fn only(self, bits: u16) -> Self {
        Self(std::array::from_fn(|lane| if bits >> lane & 1 == 1 { self.0[lane] } else { 0.0 }))
    }

    #[cfg_attr(target_arch = "x86_64", inline(never))]
    #[cfg_attr(not(target_arch = "x86_64"), inline(always))]
    fn zip(self, other: Self) -> (Self, Self) {
        let half = |first: usize| Self(std::array::from_fn(|lane| [self.0, other.0][lane % 2][first + lane / 2]));
        (half(0), half(LANES / 2))
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{Chunk, LANES, Lanes, Task};

    /// # Safety
    /// The processor must have these features.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,popcnt,bmi1,bmi2")]
    pub unsafe fn avx512<T: Task>(task: T) -> T::Output {
        task.run::<Wide, 8>()
    }

    /// # Safety
    /// The processor must have these features.
    #[target_feature(enable = "avx2,fma,popcnt,bmi1,bmi2")]
    pub unsafe fn avx2<T: Task>(task: T) -> T::Output {
        task.run::<Pair, 3>()
    }

    /// One 512-bit register.
    #[derive(Clone, Copy)]
    struct Wide(__m512);

    /// Two 256-bit registers.
    #[derive(Clone, Copy)]
    struct Pair(__m256, __m256);

    // SAFETY of all blocks below: the types are private, and only `avx512` and `avx2` above make them, whose callers have looked for the features. A chunk is
    // 64 bytes on an address that is a multiple of 64.
    impl Lanes for Wide {
        #[inline(always)]
        fn splat(x: f32) -> Self {
            Self(unsafe { _mm512_set1_ps(x) })
        }

        #[inline(always)]
        fn load(chunk: &Chunk) -> Self {
            Self(unsafe { _mm512_load_ps(chunk.0.as_ptr()) })
        }

        #[inline(always)]
        fn read(numbers: &[f32; LANES]) -> Self {
            Self(unsafe { _mm512_loadu_ps(numbers.as_ptr()) })
        }

        #[inline(always)]
        fn store(self, chunk: &mut Chunk) {
            unsafe { _mm512_store_ps(chunk.0.as_mut_ptr(), self.0) }
        }

        #[inline(always)]
        fn write(self, numbers: &mut [f32; LANES]) {
            unsafe { _mm512_storeu_ps(numbers.as_mut_ptr(), self.0) }
        }

        #[inline(always)]
        fn mul_add(self, factor: Self, other: Self) -> Self {
            Self(unsafe { _mm512_fmadd_ps(self.0, factor.0, other.0) })
        }

        #[inline(always)]
        fn times(self, factor: Self) -> Self {
            Self(unsafe { _mm512_mul_ps(self.0, factor.0) })
        }

        #[inline(always)]
        fn plus(self, other: Self) -> Self {
            Self(unsafe { _mm512_add_ps(self.0, other.0) })
        }

        #[inline(always)]
        fn positive(self) -> u16 {
            unsafe { _mm512_cmp_ps_mask::<_CMP_GT_OQ>(self.0, _mm512_setzero_ps()) }
        }

        #[inline(always)]
        fn only(self, bits: u16) -> Self {
            Self(unsafe { _mm512_maskz_mov_ps(bits, self.0) })
        }

        #[inline(always)]
        fn zip(self, other: Self) -> (Self, Self) {
            unsafe {
                let lower = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
                let upper = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
                let half = |places| Self(_mm512_permutex2var_ps(self.0, places, other.0));
                (half(lower), half(upper))
            }
        }
    }

    impl Lanes for Pair {
        #[inline(always)]
        fn splat(x: f32) -> Self {
            unsafe { Self(_mm256_set1_ps(x), _mm256_set1_ps(x)) }
        }

        #[inline(always)]
        fn load(chunk: &Chunk) -> Self {
            unsafe { Self(_mm256_load_ps(chunk.0.as_ptr()), _mm256_load_ps(chunk.0.as_ptr().add(8))) }
        }

        #[inline(always)]
        fn read(numbers: &[f32; LANES]) -> Self {
            unsafe { Self(_mm256_loadu_ps(numbers.as_ptr()), _mm256_loadu_ps(numbers.as_ptr().add(8))) }
        }

        #[inline(always)]
        fn store(self, chunk: &mut Chunk) {
            unsafe {
                _mm256_store_ps(chunk.0.as_mut_ptr(), self.0);
                _mm256_store_ps(chunk.0.as_mut_ptr().add(8), self.1);
            }
        }

        #[inline(always)]
        fn write(self, numbers: &mut [f32; LANES]) {
            unsafe {
                _mm256_storeu_ps(numbers.as_mut_ptr(), self.0);
                _mm256_storeu_ps(numbers.as_mut_ptr().add(8), self.1);
            }
        }

        #[inline(always)]
        fn mul_add(self, factor: Self, other: Self) -> Self {
            unsafe { Self(_mm256_fmadd_ps(self.0, factor.0, other.0), _mm256_fmadd_ps(self.1, factor.1, other.1)) }
        }

        #[inline(always)]
        fn times(self, factor: Self) -> Self {
            unsafe { Self(_mm256_mul_ps(self.0, factor.0), _mm256_mul_ps(self.1, factor.1)) }
        }

        #[inline(always)]
        fn plus(self, other: Self) -> Self {
            unsafe { Self(_mm256_add_ps(self.0, other.0), _mm256_add_ps(self.1, other.1)) }
        }

        #[inline(always)]
        fn positive(self) -> u16 {
            let bits = |half| unsafe { _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(half, _mm256_setzero_ps())) };
            bits(self.0) as u16 | (bits(self.1) as u16) << 8
        }

        #[inline(always)]
        fn only(self, bits: u16) -> Self {
            let only = |half, bits: u16| unsafe {
                let places = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
                let chosen = _mm256_and_si256(_mm256_set1_epi32(i32::from(bits)), places);
                _mm256_and_ps(half, _mm256_castsi256_ps(_mm256_cmpeq_epi32(chosen, places)))
            };
            Self(only(self.0, bits), only(self.1, bits >> 8))
        }

        #[inline(always)]
        fn zip(self, other: Self) -> (Self, Self) {
            let half = |one, other| unsafe {
                let (even, odd) = (_mm256_unpacklo_ps(one, other), _mm256_unpackhi_ps(one, other));
                Self(_mm256_permute2f128_ps::<0x20>(even, odd), _mm256_permute2f128_ps::<0x31>(even, odd))
            };
            (half(self.0, other.0), half(self.1, other.1))
        }
    }
}
