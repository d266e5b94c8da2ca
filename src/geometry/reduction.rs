//! Reduction: from a block of dot products to the sums over its pairs, written once for every kernel.

use super::{
    histogram::{self, Bins},
    kernel::{Dots, Task},
    panels::{Block, PANEL, ROWS},
};

/// Lanes of every f64 sum; part of the definition of the numbers.
pub const LANES: usize = 16;

/// The sum of the lanes, always by halves.
#[inline(always)]
pub fn total(lanes: [f64; LANES]) -> f64 {
    let mut sums = lanes;
    for half in [8, 4, 2, 1] {
        for lane in 0..half {
            sums[lane] += sums[lane + half];
        }
    }
    sums[0]
}

/// What a dot product is scaled and shifted by, for the 48 concepts of a panel; all 0 for an absent concept.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub struct Scales {
    /// What the entries were divided by, a power of two: 1 but for very short vectors.
    pub unit: [f64; PANEL],
    /// Unit / ‖w_i‖.
    pub inverse: [f64; PANEL],
    /// The same in f32.
    pub short_inverse: [f32; PANEL],
    /// a_i = w_i · m − ‖m‖² / 2, so that x̃_i · x̃_j = w_i · w_j − a_i − a_j.
    pub shift: [f64; PANEL],
    /// 1 / ‖x̃_i‖, or 0 for a concept without a centred direction.
    pub centred_inverse: [f64; PANEL],
}

impl Scales {
    /// A panel of absent concepts.
    pub const NONE: Self = Self {
        unit: [1.0; PANEL],
        inverse: [0.0; PANEL],
        short_inverse: [0.0; PANEL],
        shift: [0.0; PANEL],
        centred_inverse: [0.0; PANEL],
    };
}

/// Sums over pairs, in lanes (column mod 16).
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
pub struct Sums {
    pub abs_cos: [f64; LANES],
    pub cos2: [f64; LANES],
    pub cos4: [f64; LANES],
    pub max_abs_cos: [f64; LANES],
}

/// Sums over pairs of centred concepts, in the same lanes.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
pub struct CentredSums {
    pub cos2: [f64; LANES],
    pub dot2: [f64; LANES],
}

/// Where a block stands: its first row in the panel of the rows, its first concepts, and the number of concepts.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub first: usize,
    pub row_idx: usize,
    pub column_idx: usize,
    pub n_concepts: usize,
}

impl Place {
    /// The panel of its rows.
    #[inline(always)]
    pub fn row_panel(self) -> usize {
        self.row_idx / PANEL
    }

    /// The panel of its columns.
    #[inline(always)]
    pub fn column_panel(self) -> usize {
        self.column_idx / PANEL
    }

    /// Whether an entry of the block may be no pair i < j < n.
    #[inline(always)]
    pub fn is_partial(self) -> bool {
        self.row_idx + ROWS > self.column_idx || self.column_idx + PANEL > self.n_concepts
    }

    /// The columns of row `r` that are pairs i < j < n.
    #[inline(always)]
    fn live(self, r: usize) -> (usize, usize) {
        let start = (self.row_idx + r + 1).saturating_sub(self.column_idx).min(PANEL);
        let end = self.n_concepts.saturating_sub(self.column_idx).min(PANEL);
        (start, end.max(start))
    }

    /// Pairs in the block.
    pub fn n_pairs(self) -> u64 {
        let n_live = |r| {
            let (start, end) = self.live(r);
            (end - start) as u64
        };
        (0..ROWS).map(n_live).sum()
    }
}

/// Sets what is no pair to 0, which adds 0 to every sum of cosines; the caller takes it back from the zeros.
pub fn mask(block: &mut Block, place: Place) {
    for (r, dots) in block.0.iter_mut().enumerate() {
        let (start, end) = place.live(r);
        dots[..start].fill(0.0);
        dots[end..].fill(0.0);
    }
}

/// Adds the cosines of a block to the sums, and with `CENTRED` those of the centred concepts. What belongs to a column is multiplied in once for all 8 rows.
pub struct Cosines<'a, const CENTRED: bool> {
    pub block: &'a Block,
    pub first: usize,
    pub rows: &'a Scales,
    pub columns: &'a Scales,
    pub sums: &'a mut Sums,
    pub centred: &'a mut CentredSums,
}

// The loops of this file are simple enough for the compiler to make registers of their lanes: one purpose for each.
impl<const CENTRED: bool> Task for Cosines<'_, CENTRED> {
    type Output = ();

    #[inline(always)]
    fn run(self, _: Dots) {
        let Self { block, first, rows, columns, sums, centred } = self;
        let (mut s, mut about) = (*sums, if CENTRED { *centred } else { CentredSums::default() });
        for c in (0..PANEL).step_by(LANES) {
            let (mut of, mut about_mean) = (Sums::default(), CentredSums::default());
            for r in 0..ROWS {
                let (inverse, shift) = (rows.inverse[first + r], rows.shift[first + r]);
                let centred_inverse = rows.centred_inverse[first + r];
                for l in 0..LANES {
                    let dot = f64::from(block.0[r][c + l]);
                    let along = dot * inverse;
                    let (abs, square) = (along.abs(), along * along);
                    of.abs_cos[l] += abs;
                    of.cos2[l] += square;
                    of.cos4[l] = square.mul_add(square, of.cos4[l]);
                    of.max_abs_cos[l] = if abs > of.max_abs_cos[l] { abs } else { of.max_abs_cos[l] };
                    if CENTRED {
                        let dot = dot - shift - columns.shift[c + l];
                        let along = dot * centred_inverse;
                        about_mean.cos2[l] = along.mul_add(along, about_mean.cos2[l]);
                        about_mean.dot2[l] = dot.mul_add(dot, about_mean.dot2[l]);
                    }
                }
            }
            for l in 0..LANES {
                let inverse = columns.inverse[c + l];
                let square_inverse = inverse * inverse;
                s.abs_cos[l] = of.abs_cos[l].mul_add(inverse, s.abs_cos[l]);
                s.cos2[l] = of.cos2[l].mul_add(square_inverse, s.cos2[l]);
                s.cos4[l] = (of.cos4[l] * square_inverse).mul_add(square_inverse, s.cos4[l]);
                let max = of.max_abs_cos[l] * inverse;
                s.max_abs_cos[l] = if max > s.max_abs_cos[l] { max } else { s.max_abs_cos[l] };
                if CENTRED {
                    let inverse = columns.centred_inverse[c + l];
                    about.cos2[l] = about_mean.cos2[l].mul_add(inverse * inverse, about.cos2[l]);
                    about.dot2[l] += about_mean.dot2[l];
                }
            }
        }
        *sums = s;
        if CENTRED {
            *centred = about;
        }
    }
}

/// Writes the bin of every |cos| of a block, and keeps the largest: of its 8 rows in lanes, and of its 48 columns. In f32: |g| · 1/‖w_i‖ · 1/‖w_j‖.
///
/// The largest are patterns of bits, which are in the order of the numbers where these are not negative, and cost less to compare.
pub struct Magnitudes<'a> {
    pub block: &'a Block,
    pub first: usize,
    pub rows: &'a Scales,
    pub columns: &'a Scales,
    pub bins: &'a mut Bins,
    pub of_rows: &'a mut [[u32; LANES]; ROWS],
    pub of_columns: &'a mut [u32; PANEL],
}

impl Task for Magnitudes<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self, _: Dots) {
        let Self { block, first, rows, columns, bins, of_rows, of_columns } = self;
        for (c, of_columns) in (0..PANEL).step_by(LANES).zip(of_columns.as_chunks_mut::<LANES>().0) {
            let mut of_column = *of_columns;
            for r in 0..ROWS {
                let row = rows.short_inverse[first + r];
                let mut bits = [0; LANES];
                for l in 0..LANES {
                    bits[l] = (block.0[r][c + l].abs() * row * columns.short_inverse[c + l]).to_bits();
                    bins[r][c + l] = histogram::bin(bits[l]);
                }
                // Made anew each time, for what is changed in place stays in memory.
                of_column = std::array::from_fn(|l| of_column[l].max(bits[l]));
                let of_row = of_rows[r];
                of_rows[r] = std::array::from_fn(|l| of_row[l].max(bits[l]));
            }
            *of_columns = of_column;
        }
    }
}

/// Adds g² of a block to the sums of its 8 rows and its 48 columns.
#[inline(always)]
pub fn add_squares(block: &Block, rows: &mut [f64; ROWS], columns: &mut [f64; PANEL]) {
    for (dots, row) in block.0.iter().zip(rows) {
        let mut row_squares = [0.0; LANES];
        for c in (0..PANEL).step_by(LANES) {
            for l in 0..LANES {
                let dot = f64::from(dots[c + l]);
                row_squares[l] += dot * dot;
                columns[c + l] += dot * dot;
            }
        }
        *row += total(row_squares);
    }
}

/// The same for products of entries that were divided by units.
pub fn add_lifted_squares(
    block: &Block,
    first: usize,
    [of_rows, of_columns]: [&Scales; 2],
    rows: &mut [f64; ROWS],
    columns: &mut [f64; PANEL],
) {
    for (r, (dots, row)) in block.0.iter().zip(rows).enumerate() {
        for (c, (&dot, column)) in dots.iter().zip(&mut *columns).enumerate() {
            let dot = f64::from(dot) * of_rows.unit[first + r] * of_columns.unit[c];
            *row += dot * dot;
            *column += dot * dot;
        }
    }
}

/// Adds the centred products of the pairs of any block to the sums, also of entries that were divided by units.
pub fn add_centred(block: &Block, place: Place, rows: &Scales, columns: &Scales, sums: &mut CentredSums) {
    for (r, dots) in block.0.iter().enumerate() {
        let i = place.first + r;
        let (start, end) = place.live(r);
        for (j, &dot) in dots.iter().enumerate().take(end).skip(start) {
            let dot = f64::from(dot) * rows.unit[i] * columns.unit[j] - rows.shift[i] - columns.shift[j];
            let cos = dot * rows.centred_inverse[i] * columns.centred_inverse[j];
            sums.cos2[j % LANES] += cos * cos;
            sums.dot2[j % LANES] += dot * dot;
        }
    }
}
