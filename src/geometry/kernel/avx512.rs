//! The kernel for 512-bit registers: 24 of them hold the 8 × 48 sums of a block.

use super::{Dots, Kernel, Task, Uncounted, check};
use crate::geometry::histogram::{Bins, Nonzero};
use crate::geometry::panels::{Block, PANEL, ROWS, Slice};
use crate::geometry::reduction::Magnitudes;
use crate::geometry::signs::{Bits, SignDots};
use std::arch::x86_64::*;

pub fn is_available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && super::avx2::is_available()
}

/// The task with everything it inlines, compiled for this instruction set as a function of its own.
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
pub fn run<T: Task>(task: T) -> T::Output {
    task.run(DOTS)
}

/// See [`Dots`].
const DOTS: Dots = Dots {
    kernel: Kernel::Avx512,
    // SAFETY: `run` was entered, so the features are there.
    set: |rows, first, columns, block, resume| unsafe { set(rows, first, columns, block, resume) },
    set_and_count: |rows, first, columns, block, resume, uncounted| {
        // SAFETY: as above.
        let n_done = unsafe {
            match rows.len() {
                96.. => set_and_count::<4>(rows, first, columns, block, resume, uncounted),
                64.. => set_and_count::<6>(rows, first, columns, block, resume, uncounted),
                _ => set_and_count::<8>(rows, first, columns, block, resume, uncounted),
            }
        };
        if n_done < rows.len() {
            // SAFETY: as above.
            unsafe { set(&rows[n_done..], first, &columns[n_done..], block, true) };
        }
    },
    // SAFETY: as above.
    magnitudes: |magnitudes| unsafe { magnitudes_of(magnitudes) },
    nonzero: |bins, found| {
        if is_x86_feature_detected!("avx512vbmi2") {
            // SAFETY: as above, and the feature has been looked for.
            unsafe { nonzero_of(bins, found) }
        } else {
            super::nonzero(bins, found)
        }
    },
    set_of_signs: |signs| {
        if is_x86_feature_detected!("avx512vpopcntdq") {
            // SAFETY: as above, and the feature has been looked for.
            unsafe { set_of_signs(signs) }
        } else {
            // SAFETY: as above.
            unsafe { run(signs) }
        }
    },
};

const WIDTH: usize = 16;

type Sums = [[__m512; PANEL / WIDTH]; ROWS];

/// A function of its own, so that nothing around it competes for registers.
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn set(rows: &[Slice], first: usize, columns: &[Slice], block: &mut Block, resume: bool) {
    check(rows, first, columns);
    let mut sums = if resume { load(block) } else { [[_mm512_setzero_ps(); 3]; ROWS] };
    for (row, column) in rows.iter().zip(columns) {
        // SAFETY: `check` found first + 8 ≤ 48.
        unsafe { step(row, first, column, &mut sums) };
    }
    store(&sums, block);
}

/// Steps in each of which N bins are counted, as long as there are some; those that are left after the last step are counted then. The number of steps.
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn set_and_count<const N: usize>(
    rows: &[Slice],
    first: usize,
    columns: &[Slice],
    block: &mut Block,
    resume: bool,
    (bins, counters): Uncounted,
) -> usize {
    check(rows, first, columns);
    let mut sums = if resume { load(block) } else { [[_mm512_setzero_ps(); 3]; ROWS] };
    let bins = bins.as_flattened().as_chunks::<N>().0;
    for ((row, column), bins) in rows.iter().zip(columns).zip(bins) {
        // SAFETY: `check` found first + 8 ≤ 48.
        unsafe { step(row, first, column, &mut sums) };
        counters.count(bins);
    }
    store(&sums, block);
    bins.iter().skip(rows.len()).for_each(|bins| counters.count(bins));
    rows.len().min(bins.len())
}

/// One link of each chain.
///
/// # Safety
/// `first` + 8 ≤ 48.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn step(row: &Slice, first: usize, column: &Slice, sums: &mut Sums) {
    let column = column.0.as_ptr();
    // SAFETY: a slice holds 48 = 3 × 16 values.
    let column: [_; 3] = unsafe {
        [_mm512_loadu_ps(column), _mm512_loadu_ps(column.add(WIDTH)), _mm512_loadu_ps(column.add(2 * WIDTH))]
    };
    for (r, sums) in sums.iter_mut().enumerate() {
        // SAFETY: first + 8 ≤ 48.
        let entry = _mm512_set1_ps(unsafe { *row.0.get_unchecked(first + r) });
        for (sum, &column) in sums.iter_mut().zip(&column) {
            *sum = _mm512_fmadd_ps(entry, column, *sum);
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(block: &Block) -> Sums {
    // SAFETY: a row holds 48 = 3 × 16 values.
    block.0.each_ref().map(|row| std::array::from_fn(|c| unsafe { _mm512_loadu_ps(row.as_ptr().add(c * WIDTH)) }))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(sums: &Sums, block: &mut Block) {
    for (sums, row) in sums.iter().zip(&mut block.0) {
        for (c, &sum) in sums.iter().enumerate() {
            // SAFETY: a row holds 48 = 3 × 16 values.
            unsafe { _mm512_storeu_ps(row.as_mut_ptr().add(c * WIDTH), sum) };
        }
    }
}

/// As the task does it, with the bits of 16 words counted by one instruction.
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vpopcntdq,avx2,fma")]
fn set_of_signs(signs: SignDots) {
    /// Bins that are counted in a step.
    const N: usize = 12;
    let SignDots { rows, first, columns, d_model, block, uncounted } = signs;
    assert!(first <= PANEL - ROWS);
    let mut differ = [[_mm512_setzero_si512(); PANEL / WIDTH]; ROWS];
    if let Some((bins, counters)) = uncounted {
        let bins = bins.as_flattened().as_chunks::<N>().0;
        for ((row, column), bins) in rows.iter().zip(columns).zip(bins) {
            // SAFETY: the assertion found first + 8 ≤ 48.
            unsafe { sign_step(row, first, column, &mut differ) };
            counters.count(bins);
        }
        bins.iter().skip(rows.len()).for_each(|bins| counters.count(bins));
        for (row, column) in rows.iter().zip(columns).skip(bins.len()) {
            // SAFETY: as above.
            unsafe { sign_step(row, first, column, &mut differ) };
        }
    } else {
        for (row, column) in rows.iter().zip(columns) {
            // SAFETY: as above.
            unsafe { sign_step(row, first, column, &mut differ) };
        }
    }
    let d_model = _mm512_set1_epi32(d_model as i32);
    for (differ, row) in differ.iter().zip(&mut block.0) {
        for (c, &differ) in differ.iter().enumerate() {
            let dots = _mm512_cvtepi32_ps(_mm512_sub_epi32(d_model, _mm512_add_epi32(differ, differ)));
            // SAFETY: a row holds 48 = 3 × 16 values.
            unsafe { _mm512_storeu_ps(row.as_mut_ptr().add(c * WIDTH), dots) };
        }
    }
}

/// Counts where 16 words differ, three times for each of 8 concepts.
///
/// # Safety
/// `first` + 8 ≤ 48.
#[inline]
#[target_feature(enable = "avx512f,avx512vpopcntdq")]
unsafe fn sign_step(row: &Bits, first: usize, column: &Bits, differ: &mut [[__m512i; PANEL / WIDTH]; ROWS]) {
    let column = column.0.as_ptr();
    // SAFETY: a panel has 48 = 3 × 16 words.
    let column: [_; 3] = unsafe { [0, WIDTH, 2 * WIDTH].map(|c| _mm512_loadu_si512(column.add(c).cast())) };
    for (r, differ) in differ.iter_mut().enumerate() {
        // SAFETY: first + 8 ≤ 48.
        let word = _mm512_set1_epi32(unsafe { *row.0.get_unchecked(first + r) } as i32);
        for (differ, &column) in differ.iter_mut().zip(&column) {
            *differ = _mm512_add_epi32(*differ, _mm512_popcnt_epi32(_mm512_xor_si512(word, column)));
        }
    }
}

/// As the task does it, in registers that no compiler has to find.
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn magnitudes_of(magnitudes: Magnitudes) {
    let Magnitudes { block, first, rows, columns, bins, of_rows, of_columns } = magnitudes;
    assert!(first <= PANEL - ROWS);
    let inverse = columns.short_inverse.as_ptr();
    let largest = of_columns.as_mut_ptr().cast::<i32>();
    // SAFETY of all blocks: 48 = 3 × 16 numbers lie in a row of a block, in its bins, in the factors and in what is kept of the columns; 16 in what is kept of a row; and
    // first + 8 ≤ 48.
    let inverse: [_; 3] = unsafe { [0, WIDTH, 2 * WIDTH].map(|c| _mm512_loadu_ps(inverse.add(c))) };
    let mut of_columns: [_; 3] = unsafe { [0, WIDTH, 2 * WIDTH].map(|c| _mm512_loadu_epi32(largest.add(c))) };
    for r in 0..ROWS {
        let row = _mm512_set1_ps(rows.short_inverse[first + r]);
        let (dots, bins) = (block.0[r].as_ptr(), bins[r].as_mut_ptr());
        let mut of_row = unsafe { _mm512_loadu_epi32(of_rows[r].as_ptr().cast()) };
        for (c, (&inverse, of_column)) in inverse.iter().zip(&mut of_columns).enumerate() {
            let abs = _mm512_abs_ps(unsafe { _mm512_loadu_ps(dots.add(c * WIDTH)) });
            let bits = _mm512_castps_si512(_mm512_mul_ps(_mm512_mul_ps(abs, row), inverse));
            *of_column = _mm512_max_epu32(*of_column, bits);
            of_row = _mm512_max_epu32(of_row, bits);
            let bin = _mm512_cvtepi32_epi16(_mm512_srli_epi32::<16>(bits));
            unsafe { _mm256_storeu_si256(bins.add(c * WIDTH).cast(), bin) };
        }
        unsafe { _mm512_storeu_epi32(of_rows[r].as_mut_ptr().cast(), of_row) };
    }
    for (c, of_column) in of_columns.into_iter().enumerate() {
        unsafe { _mm512_storeu_epi32(largest.add(c * WIDTH), of_column) };
    }
}

/// As plain code does it, 32 bins at a time.
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,avx2,fma,popcnt")]
fn nonzero_of(bins: &Bins, found: &mut Nonzero) -> usize {
    const WIDTH: usize = 32;
    let mut n_found = 0;
    for bins in bins.as_flattened().as_chunks::<WIDTH>().0 {
        // SAFETY: there are 32 bins here, and as many places behind all that can be found.
        unsafe {
            let bins = _mm512_loadu_si512(bins.as_ptr().cast());
            let are = _mm512_test_epi16_mask(bins, bins);
            let place = found[n_found..n_found + WIDTH].as_mut_ptr();
            _mm512_storeu_si512(place.cast(), _mm512_maskz_compress_epi16(are, bins));
            n_found += are.count_ones() as usize;
        }
    }
    n_found
}
