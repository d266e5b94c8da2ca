//! The kernel for 512-bit registers: 24 of them hold the 8 × 48 sums of a block.

use super::{Task, check};
use crate::geometry::panels::{Block, ROWS, Slice};
use std::arch::x86_64::*;

pub fn is_available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && super::avx2::is_available()
}

/// The task with everything it inlines compiled for this instruction set.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
pub fn run<T: Task>(task: T) -> T::Output {
    task.run(dots)
}

/// See [`super::Dots`]. A function of its own, so that nothing around it competes for registers.
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn dots(rows: &[Slice], first: usize, columns: &[Slice], block: &mut Block, resume: bool) {
    const WIDTH: usize = 16;
    check(rows, first, columns);
    let mut sums = [[_mm512_setzero_ps(); 3]; ROWS];
    if resume {
        for (sums, row) in sums.iter_mut().zip(&block.0) {
            for (c, sum) in sums.iter_mut().enumerate() {
                // SAFETY: a row holds 48 = 3 × 16 values.
                *sum = unsafe { _mm512_loadu_ps(row.as_ptr().add(c * WIDTH)) };
            }
        }
    }
    for (row, column) in rows.iter().zip(columns) {
        let column = column.0.as_ptr();
        // SAFETY: a slice holds 48 = 3 × 16 values.
        let column: [_; 3] = unsafe {
            [_mm512_loadu_ps(column), _mm512_loadu_ps(column.add(WIDTH)), _mm512_loadu_ps(column.add(2 * WIDTH))]
        };
        for (r, sums) in sums.iter_mut().enumerate() {
            // SAFETY: `check` found first + 8 ≤ 48.
            let entry = _mm512_set1_ps(unsafe { *row.0.get_unchecked(first + r) });
            for (sum, &column) in sums.iter_mut().zip(&column) {
                *sum = _mm512_fmadd_ps(entry, column, *sum);
            }
        }
    }
    for (sums, row) in sums.iter().zip(&mut block.0) {
        for (c, &sum) in sums.iter().enumerate() {
            // SAFETY: a row holds 48 = 3 × 16 values.
            unsafe { _mm512_storeu_ps(row.as_mut_ptr().add(c * WIDTH), sum) };
        }
    }
}
