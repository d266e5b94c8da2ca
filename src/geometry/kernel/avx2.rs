//! The kernel for 256-bit registers: 12 of them hold 4 × 24 sums, a quarter of a block at a time.

use super::{Task, check};
use crate::geometry::panels::{Block, PANEL, ROWS, Slice};
use std::arch::x86_64::*;

/// Rows and registers of the part of a block that is worked on at a time.
const PART: (usize, usize) = (4, 3);

pub fn is_available() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

/// The task with everything it inlines compiled for this instruction set.
#[target_feature(enable = "avx2,fma")]
pub fn run<T: Task>(task: T) -> T::Output {
    task.run(dots)
}

/// See [`super::Dots`].
#[inline(never)]
#[target_feature(enable = "avx2,fma")]
fn dots(rows: &[Slice], first: usize, columns: &[Slice], block: &mut Block, resume: bool) {
    check(rows, first, columns);
    for r in (0..ROWS).step_by(PART.0) {
        for c in (0..PANEL).step_by(PART.1 * 8) {
            part(rows, first, columns, block, resume, (r, c));
        }
    }
}

/// The sums of the 4 rows from `r` on and the 24 columns from `c` on.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn part(rows: &[Slice], first: usize, columns: &[Slice], block: &mut Block, resume: bool, (r, c): (usize, usize)) {
    check(rows, first, columns);
    assert!(r + PART.0 <= ROWS && c + PART.1 * 8 <= PANEL);
    let mut sums = [[_mm256_setzero_ps(); PART.1]; PART.0];
    if resume {
        for (sums, row) in sums.iter_mut().zip(&block.0[r..]) {
            for (v, sum) in sums.iter_mut().enumerate() {
                // SAFETY: the assertion above keeps 24 values from c on inside a row.
                *sum = unsafe { _mm256_loadu_ps(row.as_ptr().add(c + v * 8)) };
            }
        }
    }
    for (row, column) in rows.iter().zip(columns) {
        let column = column.0[c..].as_ptr();
        // SAFETY: the assertion above keeps 24 values from c on inside a slice.
        let column: [_; 3] =
            unsafe { [_mm256_loadu_ps(column), _mm256_loadu_ps(column.add(8)), _mm256_loadu_ps(column.add(16))] };
        for (i, sums) in sums.iter_mut().enumerate() {
            // SAFETY: `check` found first + 8 ≤ 48, and r + i < 8.
            let entry = _mm256_set1_ps(unsafe { *row.0.get_unchecked(first + r + i) });
            for (sum, &column) in sums.iter_mut().zip(&column) {
                *sum = _mm256_fmadd_ps(entry, column, *sum);
            }
        }
    }
    for (sums, row) in sums.iter().zip(&mut block.0[r..]) {
        for (v, &sum) in sums.iter().enumerate() {
            // SAFETY: the assertion above keeps 24 values from c on inside a row.
            unsafe { _mm256_storeu_ps(row.as_mut_ptr().add(c + v * 8), sum) };
        }
    }
}
