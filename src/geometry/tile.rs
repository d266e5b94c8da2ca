//! Tile: the part of the pair pass that one thread does in one go, and the unit in which sums are merged.

use super::{
    histogram::Counters,
    kernel::{Dots, Task},
    panels::{Block, PANEL, Panels, ROWS},
    reduction::{
        CentredSums, LANES, Place, Scales, Sums, add_centred, add_cosines, add_lifted_centred, add_lifted_squares,
        add_squares, mask, total,
    },
};

/// Panels on a side of a tile: 192 × 192 concepts. Part of the definition of the sums.
pub const TILE_PANELS: usize = 4;

/// Concepts on a side of a tile.
pub const TILE: usize = TILE_PANELS * PANEL;

/// Entries of the concepts multiplied at a time, so that both sides of a tile stay in the second cache.
/// The chain of a dot product goes on where it stopped, so this changes no bit.
pub const DEPTH: usize = 512;

const BLOCKS: usize = PANEL / ROWS;

/// What every tile reads.
pub struct Pass<'a> {
    pub panels: &'a Panels,
    /// One for every panel.
    pub scales: &'a [Scales],
    pub centred: bool,
    pub dot_squares: bool,
    /// Whether there are units other than 1.
    pub lifted: bool,
}

/// The sums over the pairs of a tile.
#[derive(Debug, Default)]
pub struct TileSums {
    pub n_pairs: u64,
    pub n_zero: u64,
    pub cos: f64,
    pub abs_cos: f64,
    pub cos2: f64,
    pub cos4: f64,
    pub max_abs_cos: f64,
    pub centred_cos: f64,
    pub centred_cos2: f64,
    pub centred_dot2: f64,
    /// Sums of g² over the tile for its 192 rows, then for its 192 columns; empty if not wanted.
    pub dot_squares: Vec<f64>,
}

/// The memory that a thread takes from tile to tile.
pub struct Worker {
    pub counters: Counters,
    bins: [[u16; PANEL]; ROWS],
    blocks: Vec<Block>,
}

impl Worker {
    pub fn new(d_model: usize) -> Self {
        let n_blocks = if d_model <= DEPTH { 1 } else { TILE_PANELS * TILE_PANELS * BLOCKS };
        Self { counters: Counters::new(), bins: [[0; PANEL]; ROWS], blocks: vec![Block::ZERO; n_blocks] }
    }
}

/// The tiles on and above the diagonal, row after row: (row, column) in units of [`TILE`] concepts.
pub fn upper_triangle(n_panels: usize) -> impl Iterator<Item = (usize, usize)> + Clone {
    let side = n_panels.div_ceil(TILE_PANELS);
    (0..side).flat_map(move |row| (row..side).map(move |column| (row, column)))
}

/// One tile, to be run by a kernel.
pub struct Tile<'a> {
    pub pass: &'a Pass<'a>,
    pub position: (usize, usize),
    pub worker: &'a mut Worker,
}

impl Task for Tile<'_> {
    type Output = TileSums;

    #[inline(always)]
    fn run(self, dots: Dots) -> TileSums {
        match (self.pass.centred, self.pass.dot_squares) {
            (false, false) => self.sweep::<false, false>(dots),
            (false, true) => self.sweep::<false, true>(dots),
            (true, false) => self.sweep::<true, false>(dots),
            (true, true) => self.sweep::<true, true>(dots),
        }
    }
}

impl Tile<'_> {
    #[inline(always)]
    fn sweep<const CENTRED: bool, const SQUARES: bool>(self, dots: Dots) -> TileSums {
        let Self { pass, position, worker } = self;
        let panels = pass.panels;
        let (d_model, n_concepts) = (panels.d_model(), panels.n_concepts());
        let side = |tile_idx: usize| tile_idx * TILE_PANELS..((tile_idx + 1) * TILE_PANELS).min(panels.n_panels());
        let mut sums = Sums::default();
        let mut centred = CentredSums::default();
        let mut squares = [[[0.0; PANEL]; TILE_PANELS]; 2];
        let mut n_pairs = 0;
        let mut n_absent = 0;
        for start in (0..d_model).step_by(DEPTH) {
            let depth = start..(start + DEPTH).min(d_model);
            let mut block_idx = 0;
            for column_panel in side(position.1) {
                let columns = &panels.panel(column_panel)[depth.clone()];
                for row_panel in side(position.0).take_while(|&row_panel| row_panel <= column_panel) {
                    let rows = &panels.panel(row_panel)[depth.clone()];
                    for first in (0..PANEL).step_by(ROWS) {
                        let place = Place {
                            first,
                            row_idx: row_panel * PANEL + first,
                            column_idx: column_panel * PANEL,
                            n_concepts,
                        };
                        if place.row_idx + 1 >= n_concepts {
                            break;
                        }
                        let block = &mut worker.blocks[block_idx];
                        dots(rows, first, columns, block, start > 0);
                        if d_model > DEPTH {
                            block_idx += 1;
                        }
                        if depth.end < d_model {
                            continue;
                        }
                        let is_partial = place.is_partial();
                        if is_partial {
                            mask(block, place);
                        }
                        let n_live = if is_partial { place.n_pairs() } else { (ROWS * PANEL) as u64 };
                        n_pairs += n_live;
                        n_absent += (ROWS * PANEL) as u64 - n_live;
                        let (rows, columns) = (&pass.scales[row_panel], &pass.scales[column_panel]);
                        add_cosines(block, place, rows, columns, &mut sums, &mut worker.bins);
                        if CENTRED && pass.lifted {
                            add_lifted_centred(block, place, rows, columns, &mut centred);
                        } else if CENTRED && is_partial {
                            add_centred::<true>(block, place, rows, columns, &mut centred);
                        } else if CENTRED {
                            add_centred::<false>(block, place, rows, columns, &mut centred);
                        }
                        if SQUARES {
                            let [row_squares, column_squares] = &mut squares;
                            let row_squares = &mut row_squares[row_panel % TILE_PANELS].as_chunks_mut().0[first / ROWS];
                            let column_squares = &mut column_squares[column_panel % TILE_PANELS];
                            if pass.lifted {
                                add_lifted_squares(block, first, [rows, columns], row_squares, column_squares);
                            } else {
                                add_squares(block, row_squares, column_squares);
                            }
                        }
                        worker.counters.count(worker.bins.as_flattened());
                    }
                }
            }
        }
        worker.counters.forget_zeros(n_absent as u32);
        TileSums {
            n_pairs,
            n_zero: sums.n_zero.iter().sum::<u64>() - n_absent,
            cos: total(sums.cos),
            abs_cos: total(sums.abs_cos),
            cos2: total(sums.cos2),
            cos4: total(sums.cos4),
            max_abs_cos: (0..LANES).fold(0.0, |max, lane| sums.max_abs_cos[lane].max(max)),
            centred_cos: total(centred.cos),
            centred_cos2: total(centred.cos2),
            centred_dot2: total(centred.dot2),
            dot_squares: if SQUARES { squares.as_flattened().as_flattened().to_vec() } else { Vec::new() },
        }
    }
}
