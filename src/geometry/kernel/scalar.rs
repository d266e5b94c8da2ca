//! The kernel in plain code: it defines the numbers, and compilers vectorise it where fused multiply-add is native.

use super::{Dots, Kernel, Task, check, count, nonzero};
use crate::geometry::panels::{Block, PANEL, ROWS, Slice};

/// Rows and columns whose sums are kept at a time, few enough for the registers of any 128-bit machine.
const PART: (usize, usize) = (4, 16);

/// See [`Dots`].
pub const DOTS: Dots = Dots {
    kernel: Kernel::Scalar,
    set,
    set_and_count: |rows, first, columns, block, resume, uncounted| {
        count(uncounted);
        set(rows, first, columns, block, resume);
    },
    set_of_signs: |signs| signs.run(DOTS),
    magnitudes: |magnitudes| magnitudes.run(DOTS),
    nonzero,
};

fn set(rows: &[Slice], first: usize, columns: &[Slice], block: &mut Block, resume: bool) {
    check(rows, first, columns);
    for r in (0..ROWS).step_by(PART.0) {
        for c in (0..PANEL).step_by(PART.1) {
            let mut sums = [[0.0_f32; PART.1]; PART.0];
            if resume {
                for (i, sums) in sums.iter_mut().enumerate() {
                    sums.copy_from_slice(&block.0[r + i][c..c + PART.1]);
                }
            }
            for (row, column) in rows.iter().zip(columns) {
                for (i, sums) in sums.iter_mut().enumerate() {
                    let entry = row.0[first + r + i];
                    for (sum, &other) in sums.iter_mut().zip(&column.0[c..c + PART.1]) {
                        *sum = entry.mul_add(other, *sum);
                    }
                }
            }
            for (i, sums) in sums.iter().enumerate() {
                block.0[r + i][c..c + PART.1].copy_from_slice(sums);
            }
        }
    }
}
