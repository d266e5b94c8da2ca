//! The kernel for 512-bit registers: 24 of them hold the 8 × 48 sums of a block.

use super::{Dots, Kernel, Task, check};
use crate::geometry::histogram::{Bins, Counters};
use crate::geometry::panels::{Block, PANEL, ROWS, Slice};
use crate::geometry::signs::SignDots;
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
    set_and_count: |rows, first, columns, block, resume, bins, counters| {
        // SAFETY: as above.
        let n_done = unsafe {
            match rows.len() {
                96.. => set_and_count::<4>(rows, first, columns, block, resume, bins, counters),
                64.. => set_and_count::<6>(rows, first, columns, block, resume, bins, counters),
                _ => set_and_count::<8>(rows, first, columns, block, resume, bins, counters),
            }
        };
        if n_done < rows.len() {
            // SAFETY: as above.
            unsafe { set(&rows[n_done..], first, &columns[n_done..], block, true) };
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
    bins: &Bins,
    counters: &mut Counters,
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
    let SignDots { rows, first, columns, d_model, block } = signs;
    assert!(first <= PANEL - ROWS);
    let mut differ = [[_mm512_setzero_si512(); PANEL / WIDTH]; ROWS];
    for (row, column) in rows.iter().zip(columns) {
        let column = column.0.as_ptr();
        // SAFETY: a panel has 48 = 3 × 16 words.
        let column: [_; 3] = std::array::from_fn(|c| unsafe { _mm512_loadu_si512(column.add(c * WIDTH).cast()) });
        for (r, differ) in differ.iter_mut().enumerate() {
            // SAFETY: the assertion found first + 8 ≤ 48.
            let word = _mm512_set1_epi32(unsafe { *row.0.get_unchecked(first + r) } as i32);
            for (differ, &column) in differ.iter_mut().zip(&column) {
                *differ = _mm512_add_epi32(*differ, _mm512_popcnt_epi32(_mm512_xor_si512(word, column)));
            }
        }
    }
    let d_model = _mm512_set1_epi32(d_model as i32);
    let dots = differ
        .map(|row| row.map(|differ| _mm512_cvtepi32_ps(_mm512_sub_epi32(d_model, _mm512_add_epi32(differ, differ)))));
    store(&dots, block);
}
