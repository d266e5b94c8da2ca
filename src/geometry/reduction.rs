//! Reduction: from a block of dot products to the sums over its pairs, written once for every kernel.

use super::{
    histogram,
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
pub struct Scales {
    /// What the entries were divided by, a power of two: 1 but for very short vectors.
    pub unit: [f64; PANEL],
    /// Unit / ‖w_i‖.
    pub inverse: [f64; PANEL],
    /// a_i = w_i · m − ‖m‖² / 2, so that x̃_i · x̃_j = w_i · w_j − a_i − a_j.
    pub shift: [f64; PANEL],
    /// 1 / ‖x̃_i‖, or 0 for a concept without a centred direction.
    pub centred_inverse: [f64; PANEL],
}

impl Scales {
    /// A panel of absent concepts.
    pub const NONE: Self =
        Self { unit: [1.0; PANEL], inverse: [0.0; PANEL], shift: [0.0; PANEL], centred_inverse: [0.0; PANEL] };
}

/// Sums over pairs, in lanes (column mod 16).
#[derive(Clone, Copy, Debug, Default)]
pub struct Sums {
    pub cos: [f64; LANES],
    pub abs_cos: [f64; LANES],
    pub cos2: [f64; LANES],
    pub cos4: [f64; LANES],
    pub max_abs_cos: [f64; LANES],
    pub n_zero: [u64; LANES],
}

/// Sums over pairs of centred concepts, in the same lanes.
#[derive(Clone, Copy, Debug, Default)]
pub struct CentredSums {
    pub cos: [f64; LANES],
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

/// Adds the cosines of a block to the sums, and writes the bin of every |cos|.
///
/// The loops of this file are simple enough for the compiler to make registers of their lanes: one purpose for each.
#[expect(clippy::needless_range_loop, reason = "over iterators the lanes become scalars, a third slower")]
#[inline(always)]
pub fn add_cosines(
    block: &Block,
    place: Place,
    rows: &Scales,
    columns: &Scales,
    sums: &mut Sums,
    bins: &mut [[u16; PANEL]; ROWS],
) {
    let mut s = *sums;
    for r in 0..ROWS {
        let inverse = rows.inverse[place.first + r];
        for c in (0..PANEL).step_by(LANES) {
            for l in 0..LANES {
                let dot = f64::from(block.0[r][c + l]);
                let cos = dot * inverse * columns.inverse[c + l];
                let (abs, square) = (cos.abs(), cos * cos);
                s.cos[l] += cos;
                s.abs_cos[l] += abs;
                s.cos2[l] += square;
                s.cos4[l] += square * square;
                s.max_abs_cos[l] = if abs > s.max_abs_cos[l] { abs } else { s.max_abs_cos[l] };
                s.n_zero[l] += u64::from(dot == 0.0);
                bins[r][c + l] = histogram::bin(abs);
            }
        }
    }
    *sums = s;
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

/// Adds the centred products of a block to the sums; with `PARTIAL`, of its pairs only.
#[inline(always)]
pub fn add_centred<const PARTIAL: bool>(
    block: &Block,
    place: Place,
    rows: &Scales,
    columns: &Scales,
    sums: &mut CentredSums,
) {
    let mut s = *sums;
    for r in 0..ROWS {
        let i = place.first + r;
        let (shift, inverse) = (rows.shift[i], rows.centred_inverse[i]);
        let (start, end) = place.live(r);
        for c in (0..PANEL).step_by(LANES) {
            for l in 0..LANES {
                let j = c + l;
                let mut dot = f64::from(block.0[r][j]) - shift - columns.shift[j];
                if PARTIAL && (j < start || j >= end) {
                    dot = 0.0;
                }
                let cos = dot * inverse * columns.centred_inverse[j];
                s.cos[l] += cos;
                s.cos2[l] += cos * cos;
                s.dot2[l] += dot * dot;
            }
        }
    }
    *sums = s;
}

/// The same for products of entries that were divided by units, over the pairs of any block.
pub fn add_lifted_centred(block: &Block, place: Place, rows: &Scales, columns: &Scales, sums: &mut CentredSums) {
    for (r, dots) in block.0.iter().enumerate() {
        let i = place.first + r;
        let (start, end) = place.live(r);
        for (j, &dot) in dots.iter().enumerate().take(end).skip(start) {
            let dot = f64::from(dot) * rows.unit[i] * columns.unit[j] - rows.shift[i] - columns.shift[j];
            let cos = dot * rows.centred_inverse[i] * columns.centred_inverse[j];
            sums.cos[j % LANES] += cos;
            sums.cos2[j % LANES] += cos * cos;
            sums.dot2[j % LANES] += dot * dot;
        }
    }
}
