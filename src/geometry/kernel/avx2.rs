//! The kernel for 256-bit registers: 8 of them hold 4 × 16 sums, a sixth of a block at a time.

use super::{Dots, Kernel, Task, check, count, nonzero};
use crate::geometry::panels::{Block, PANEL, ROWS, Slice};
use std::arch::x86_64::*;

/// Rows and registers of the part of a block that is worked on at a time. With 12 sums, the compiler keeps one of them
/// in memory, and every step waits for it: half the speed.
const PART: (usize, usize) = (4, 2);

pub fn is_available() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("popcnt")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
}

/// The task with everything it inlines, compiled for this instruction set as a function of its own.
#[inline(never)]
#[target_feature(enable = "avx2,fma")]
pub fn run<T: Task>(task: T) -> T::Output {
    task.run(DOTS)
}

/// See [`Dots`].
const DOTS: Dots = Dots {
    kernel: Kernel::Avx2,
    // SAFETY: `run` was entered, so the features are there.
    set: |rows, first, columns, block, resume| unsafe { set(rows, first, columns, block, resume) },
    set_and_count: |rows, first, columns, block, resume, uncounted| {
        count(uncounted);
        // SAFETY: as above.
        unsafe { set(rows, first, columns, block, resume) };
    },
    // SAFETY: as above.
    set_of_signs: |signs| unsafe { run(signs) },
    // SAFETY: as above.
    magnitudes: |magnitudes| unsafe { run(magnitudes) },
    nonzero,
};

#[inline(never)]
#[target_feature(enable = "avx2,fma")]
fn set(rows: &[Slice], first: usize, columns: &[Slice], block: &mut Block, resume: bool) {
    check(rows, first, columns);
    for r in (0..ROWS).step_by(PART.0) {
        for c in (0..PANEL).step_by(PART.1 * 8) {
            part(rows, first, columns, block, resume, (r, c));
        }
    }
}

/// The sums of the 4 rows from `r` on and the 16 columns from `c` on.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn part(rows: &[Slice], first: usize, columns: &[Slice], block: &mut Block, resume: bool, (r, c): (usize, usize)) {
    check(rows, first, columns);
    assert!(r + PART.0 <= ROWS && c + PART.1 * 8 <= PANEL);
    let mut sums = [[_mm256_setzero_ps(); PART.1]; PART.0];
    if resume {
        for (sums, row) in sums.iter_mut().zip(&block.0[r..]) {
            for (v, sum) in sums.iter_mut().enumerate() {
                // SAFETY: the assertion above keeps 16 values from c on inside a row.
                *sum = unsafe { _mm256_loadu_ps(row.as_ptr().add(c + v * 8)) };
            }
        }
    }
    for (row, column) in rows.iter().zip(columns) {
        let column = column.0[c..].as_ptr();
        // SAFETY: `check` found first + 8 ≤ 48, and r + i < 8.
        let entries: [_; PART.0] =
            std::array::from_fn(|i| _mm256_set1_ps(unsafe { *row.0.get_unchecked(first + r + i) }));
        for v in 0..PART.1 {
            // SAFETY: the assertion above keeps the columns of the part inside a slice.
            let column = unsafe { _mm256_loadu_ps(column.add(v * 8)) };
            for (sums, &entry) in sums.iter_mut().zip(&entries) {
                sums[v] = _mm256_fmadd_ps(entry, column, sums[v]);
            }
        }
    }
    for (sums, row) in sums.iter().zip(&mut block.0[r..]) {
        for (v, &sum) in sums.iter().enumerate() {
            // SAFETY: the assertion above keeps 16 values from c on inside a row.
            unsafe { _mm256_storeu_ps(row.as_mut_ptr().add(c + v * 8), sum) };
        }
    }
}
