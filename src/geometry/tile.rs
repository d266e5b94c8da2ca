//! Tile: the part of the pair pass that one thread does in one go, and the unit in which sums are merged.

use super::{
    embedding::Embedding,
    histogram::{Bins, Counters, NO_BINS, Nonzero},
    kernel::{Dots, Task, flattened},
    panels::{Block, PANEL, Panels, ROWS},
    reduction::{
        CentredSums, Cosines, LANES, Magnitudes, Place, Scales, Sums, add_centred, add_lifted_squares, add_squares,
        mask, total,
    },
    signs::{SignDots, Signs},
    sparse::{Columns, Sparse},
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
    pub n_concepts: usize,
    pub d_model: usize,
    pub code: &'a Code,
    /// One for every panel.
    pub scales: &'a [Scales],
    pub centred: bool,
    pub dot_squares: bool,
    /// Whether there are units other than 1.
    pub lifted: bool,
    /// Whether every product is kept.
    pub products: bool,
}

/// An embedding, laid out for the quickest way to its dot products. All give the same bits.
pub enum Code {
    /// Any numbers.
    Dense(Panels),
    /// ±1.
    Signs(Signs),
    /// Few active units.
    Sparse(Sparse),
}

impl Code {
    /// Its way follows from the entries alone. O(n d).
    pub fn of(embedding: &Embedding, units: Option<&[f64]>, parallel: bool) -> Self {
        if let Some(signs) = Signs::of(embedding) {
            return Self::Signs(signs);
        }
        match Sparse::of(embedding, units) {
            Some(sparse) => Self::Sparse(sparse),
            None => Self::Dense(Panels::new(embedding, units, parallel)),
        }
    }
}

/// The sums over the pairs of a tile.
#[derive(Debug, Default)]
pub struct TileSums {
    pub n_pairs: u64,
    pub abs_cos: f64,
    pub cos2: f64,
    pub cos4: f64,
    pub max_abs_cos: f64,
    pub centred_cos2: f64,
    pub centred_dot2: f64,
    /// Sums of g² over the tile for its 192 rows, then for its 192 columns; empty if not wanted.
    pub dot_squares: Vec<f64>,
    /// The largest |cos| in the tile of its 192 rows, then of its 192 columns.
    pub largest: Vec<f32>,
}

/// The memory that a thread takes from tile to tile.
pub struct Worker {
    pub counters: Counters,
    bins: Bins,
    nonzero: Nonzero,
    blocks: Vec<Block>,
    columns: Columns,
}

impl Worker {
    pub fn new() -> Self {
        let blocks = vec![Block::ZERO; TILE_PANELS * TILE_PANELS * BLOCKS];
        Self {
            counters: Counters::new(),
            bins: [[0; PANEL]; ROWS],
            nonzero: NO_BINS,
            blocks,
            columns: Columns::default(),
        }
    }
}

/// The tiles on and above the diagonal, row after row: (row, column) in units of [`TILE`] concepts.
pub fn upper_triangle(n_concepts: usize) -> impl Iterator<Item = (usize, usize)> + Clone {
    let side = n_concepts.div_ceil(TILE);
    (0..side).flat_map(move |row| (row..side).map(move |column| (row, column)))
}

/// Where the product of a row and a column of a tile lies among its blocks: for each panel of columns, 192 rows of 48.
pub fn place(row: usize, column: usize) -> usize {
    (column / PANEL * TILE + row) * PANEL + column % PANEL
}

/// One tile, to be run by a kernel.
pub struct Tile<'a> {
    pub pass: &'a Pass<'a>,
    pub position: (usize, usize),
    pub worker: &'a mut Worker,
    /// Room for the products, of 192 × 192 numbers, where they are kept.
    pub products: &'a mut [f32],
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
        let Self { pass, position, worker, products } = self;
        let Worker { counters, bins, nonzero, blocks, columns } = worker;
        let mut reduction = Reduction::<CENTRED, SQUARES>::new(pass);
        match pass.code {
            Code::Dense(panels) => {
                // Bins are counted while the next block is multiplied.
                let mut is_counted = true;
                for start in (0..pass.d_model).step_by(DEPTH) {
                    let depth = start..(start + DEPTH).min(pass.d_model);
                    each_place(pass.n_concepts, position, |place, block_idx| {
                        let rows = &panels.panel(place.row_panel())[depth.clone()];
                        let columns = &panels.panel(place.column_panel())[depth.clone()];
                        // A block that is whole at once may stay in the first cache.
                        let is_kept = pass.d_model > DEPTH || pass.products;
                        let block = &mut blocks[if is_kept { block_idx } else { 0 }];
                        if is_counted {
                            dots.set(rows, place.first, columns, block, start > 0);
                        } else {
                            dots.set_and_count(rows, place.first, columns, block, start > 0, (bins, counters));
                        }
                        is_counted = depth.end < pass.d_model;
                        if !is_counted {
                            reduction.add(dots, block, place, bins);
                        }
                    });
                }
                if !is_counted {
                    bins.iter().for_each(|bins| counters.count(bins));
                }
            }
            Code::Signs(signs) => {
                let mut is_counted = true;
                each_place(pass.n_concepts, position, |place, block_idx| {
                    let (rows, columns) = (signs.panel(place.row_panel()), signs.panel(place.column_panel()));
                    let block = &mut blocks[if pass.products { block_idx } else { 0 }];
                    let (first, d_model) = (place.first, pass.d_model);
                    let uncounted = if is_counted { None } else { Some((&*bins, &mut *counters)) };
                    dots.set_of_signs(SignDots { rows, first, columns, d_model, block, uncounted });
                    is_counted = false;
                    reduction.add(dots, block, place, bins);
                });
                if !is_counted {
                    bins.iter().for_each(|bins| counters.count(bins));
                }
            }
            Code::Sparse(sparse) => {
                // Most products are 0, for want of units in common: they are counted all at once.
                let mut n_others = 0;
                each_place(pass.n_concepts, position, |place, block_idx| {
                    let block = &mut blocks[if pass.products { block_idx } else { 0 }];
                    columns.be(sparse, place.column_panel());
                    dots.on_lanes(sparse.dots(place.row_idx, columns, block));
                    reduction.add(dots, block, place, bins);
                    let found = dots.nonzero(bins, nonzero);
                    counters.count_all(found);
                    n_others += (ROWS * PANEL - found.len()) as i64;
                });
                counters.add_zeros(n_others);
            }
        }
        if pass.products {
            products.copy_from_slice(flattened(blocks));
        }
        // Values that were counted as zeros but stand for no pair.
        counters.add_zeros(-(reduction.n_absent as i64));
        reduction.sums()
    }
}

/// Visits the blocks of a tile that hold pairs, with their numbers among the blocks of a tile: for each panel of columns, the rows from the top.
#[inline(always)]
fn each_place(n_concepts: usize, (row, column): (usize, usize), mut visit: impl FnMut(Place, usize)) {
    let n_panels = n_concepts.div_ceil(PANEL);
    let side = |tile_idx: usize| tile_idx * TILE_PANELS..((tile_idx + 1) * TILE_PANELS).min(n_panels);
    for column_panel in side(column) {
        for row_panel in side(row).take_while(|&row_panel| row_panel <= column_panel) {
            let first_block = (column_panel % TILE_PANELS * TILE_PANELS + row_panel % TILE_PANELS) * BLOCKS;
            for block in 0..BLOCKS {
                let first = block * ROWS;
                let (row_idx, column_idx) = (row_panel * PANEL + first, column_panel * PANEL);
                if row_idx + 1 >= n_concepts {
                    break;
                }
                visit(Place { first, row_idx, column_idx, n_concepts }, first_block + block);
            }
        }
    }
}

/// What a tile sums up, block by block.
struct Reduction<'a, const CENTRED: bool, const SQUARES: bool> {
    pass: &'a Pass<'a>,
    sums: Sums,
    centred: CentredSums,
    squares: [[[f64; PANEL]; TILE_PANELS]; 2],
    largest_of_rows: [[[u32; LANES]; PANEL]; TILE_PANELS],
    largest_of_columns: [[u32; PANEL]; TILE_PANELS],
    n_pairs: u64,
    n_absent: u64,
}

impl<'a, const CENTRED: bool, const SQUARES: bool> Reduction<'a, CENTRED, SQUARES> {
    #[inline(always)]
    fn new(pass: &'a Pass<'a>) -> Self {
        Self {
            pass,
            sums: Sums::default(),
            centred: CentredSums::default(),
            squares: [[[0.0; PANEL]; TILE_PANELS]; 2],
            largest_of_rows: [[[0; LANES]; PANEL]; TILE_PANELS],
            largest_of_columns: [[0; PANEL]; TILE_PANELS],
            n_pairs: 0,
            n_absent: 0,
        }
    }

    /// Adds a block, whose entries that are no pair become 0, and writes the bins of all its entries.
    #[inline(always)]
    fn add(&mut self, dots: Dots, block: &mut Block, place: Place, bins: &mut Bins) {
        let Self { pass, sums, centred, .. } = self;
        let first = place.first;
        let is_partial = place.is_partial();
        if is_partial {
            mask(block, place);
        }
        let n_live = if is_partial { place.n_pairs() } else { (ROWS * PANEL) as u64 };
        self.n_pairs += n_live;
        self.n_absent += (ROWS * PANEL) as u64 - n_live;
        let (row, column) = (place.row_panel() % TILE_PANELS, place.column_panel() % TILE_PANELS);
        let (rows, columns) = (&pass.scales[place.row_panel()], &pass.scales[place.column_panel()]);
        let block = &*block;
        let of_pairs_alone = CENTRED && (is_partial || pass.lifted);
        if CENTRED && !of_pairs_alone {
            dots.apart(Cosines::<true> { block, first, rows, columns, sums, centred });
        } else {
            dots.apart(Cosines::<false> { block, first, rows, columns, sums, centred });
        }
        if of_pairs_alone {
            add_centred(block, place, rows, columns, centred);
        }
        let of_rows = &mut self.largest_of_rows[row].as_chunks_mut().0[first / ROWS];
        let of_columns = &mut self.largest_of_columns[column];
        dots.magnitudes(Magnitudes { block, first, rows, columns, bins, of_rows, of_columns });
        if SQUARES {
            let [of_rows, of_columns] = &mut self.squares;
            let of_rows = &mut of_rows[row].as_chunks_mut().0[first / ROWS];
            if pass.lifted {
                add_lifted_squares(block, first, [rows, columns], of_rows, &mut of_columns[column]);
            } else {
                add_squares(block, of_rows, &mut of_columns[column]);
            }
        }
    }

    #[inline(always)]
    fn sums(&self) -> TileSums {
        let Self { sums, centred, .. } = self;
        let largest = |lanes: &[u32; LANES]| lanes.iter().fold(0, |max, &of| max.max(of));
        let of_rows = self.largest_of_rows.as_flattened().iter().map(largest);
        let of_columns = self.largest_of_columns.as_flattened().iter().copied();
        TileSums {
            n_pairs: self.n_pairs,
            abs_cos: total(sums.abs_cos),
            cos2: total(sums.cos2),
            cos4: total(sums.cos4),
            max_abs_cos: sums.max_abs_cos.into_iter().fold(0.0, f64::max),
            centred_cos2: total(centred.cos2),
            centred_dot2: total(centred.dot2),
            dot_squares: if SQUARES { self.squares.as_flattened().as_flattened().to_vec() } else { Vec::new() },
            largest: of_rows.chain(of_columns).map(f32::from_bits).collect(),
        }
    }
}
