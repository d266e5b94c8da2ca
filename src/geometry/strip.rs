//! Strip: four panels of rows against all columns, block by block, for what is asked of single rows.

use super::{
    kernel::Dots,
    panels::{Block, PANEL, Panels, ROWS},
    tile::{DEPTH, TILE, TILE_PANELS},
};

/// Number of strips that hold all rows.
pub fn n_strips(rows: &Panels) -> usize {
    rows.n_panels().div_ceil(TILE_PANELS)
}

/// The rows of a strip.
pub fn rows_of(rows: &Panels, strip: usize) -> std::ops::Range<usize> {
    strip * TILE..((strip + 1) * TILE).min(rows.n_concepts())
}

/// Shows every block of products of a strip with its first row and the panel of its columns; those of one row in the order of the columns.
///
/// Rows beyond the last are 0, and so are columns. Each product is the chain of the pair statistics, to the bit. To be inlined into what a kernel runs.
#[inline(always)]
pub fn sweep(
    dots: Dots,
    rows: &Panels,
    columns: &Panels,
    strip: usize,
    mut visit: impl FnMut(&mut Block, usize, usize),
) {
    let d_model = columns.d_model();
    let last_row = rows_of(rows, strip).end;
    let row_panels = strip * TILE_PANELS..((strip + 1) * TILE_PANELS).min(rows.n_panels());
    let n_blocks = if d_model <= DEPTH { 1 } else { TILE_PANELS * TILE_PANELS * (PANEL / ROWS) };
    let mut blocks = vec![Block::ZERO; n_blocks];
    for column_tile in (0..columns.n_panels()).step_by(TILE_PANELS) {
        let column_panels = column_tile..(column_tile + TILE_PANELS).min(columns.n_panels());
        for start in (0..d_model).step_by(DEPTH) {
            let depth = start..(start + DEPTH).min(d_model);
            let mut block_idx = 0;
            for column_panel in column_panels.clone() {
                let of_columns = &columns.panel(column_panel)[depth.clone()];
                for row_panel in row_panels.clone() {
                    let of_rows = &rows.panel(row_panel)[depth.clone()];
                    for first in (0..PANEL).step_by(ROWS) {
                        let row = row_panel * PANEL + first;
                        if row >= last_row {
                            break;
                        }
                        let block = &mut blocks[block_idx];
                        dots.set(of_rows, first, of_columns, block, start > 0);
                        if d_model > DEPTH {
                            block_idx += 1;
                        }
                        if depth.end == d_model {
                            visit(block, row, column_panel);
                        }
                    }
                }
            }
        }
    }
}
