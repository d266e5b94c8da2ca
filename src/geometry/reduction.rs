//! Reduction: from a block of dot products to the sums over its pairs, written once for every kernel.

use super::{
    histogram,
    panels::{Block, PANEL, ROWS},
};

/// Lanes of every f64 sum; part of the definition of the numbers.
pub const LANES: usize = 16;

/// The sum of the lanes, always in this order.
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
    /// 1 / ‖w_i‖.
    pub inverse: [f64; PANEL],
    /// a_i = w_i · m − ‖m‖² / 2, so that x̃_i · x̃_j = w_i · w_j − a_i − a_j.
    pub shift: [f64; PANEL],
    /// 1 / ‖x̃_i‖, or 0 for a concept without a centred direction.
    pub centred_inverse: [f64; PANEL],
}

/// Sums over pairs, in lanes (column mod 8).
#[derive(Clone, Copy, Debug, Default)]
pub struct Sums {
    pub cos: [f64; LANES],
    pub abs_cos: [f64; LANES],
    pub cos2: [f64; LANES],
    pub cos4: [f64; LANES],
    pub max_abs_cos: [f64; LANES],
    pub n_zero: [u64; LANES],
    pub centred_cos: [f64; LANES],
    pub centred_cos2: [f64; LANES],
    pub centred_dot2: [f64; LANES],
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

/// The sums of g² of the concepts of a block, over the pairs seen so far.
pub struct Squares<'a> {
    pub rows: &'a mut [f64; ROWS],
    pub columns: &'a mut [f64; PANEL],
}

/// Adds a block to the sums, and writes the bin of every |cos|.
///
/// A block with `PARTIAL` may hold entries that are no pairs: their dot product is set to 0, which adds 0 to every sum,
/// and the caller takes them back from the zeros.
#[inline(always)]
pub fn reduce<const CENTRED: bool, const SQUARES: bool, const PARTIAL: bool>(
    block: &mut Block,
    place: Place,
    rows: &Scales,
    columns: &Scales,
    sums: &mut Sums,
    squares: Squares<'_>,
    bins: &mut [[u16; PANEL]; ROWS],
) {
    let mut s = *sums;
    for r in 0..ROWS {
        let dots = &mut block.0[r];
        let (start, end) = place.live(r);
        if PARTIAL {
            dots[..start].fill(0.0);
            dots[end..].fill(0.0);
        }
        let i = place.first + r;
        let (inverse, shift, centred_inverse) = (rows.inverse[i], rows.shift[i], rows.centred_inverse[i]);
        let mut row_squares = [0.0; LANES];
        for c in (0..PANEL).step_by(LANES) {
            for l in 0..LANES {
                let j = c + l;
                let dot = f64::from(dots[j]);
                let cos = dot * inverse * columns.inverse[j];
                let (abs, square) = (cos.abs(), cos * cos);
                s.cos[l] += cos;
                s.abs_cos[l] += abs;
                s.cos2[l] += square;
                s.cos4[l] += square * square;
                s.max_abs_cos[l] = if abs > s.max_abs_cos[l] { abs } else { s.max_abs_cos[l] };
                s.n_zero[l] += u64::from(dot == 0.0);
                bins[r][j] = histogram::bin(abs);
                if SQUARES {
                    row_squares[l] += dot * dot;
                    squares.columns[j] += dot * dot;
                }
                if CENTRED {
                    let mut dot = dot - shift - columns.shift[j];
                    if PARTIAL && (j < start || j >= end) {
                        dot = 0.0;
                    }
                    let cos = dot * centred_inverse * columns.centred_inverse[j];
                    s.centred_cos[l] += cos;
                    s.centred_cos2[l] += cos * cos;
                    s.centred_dot2[l] += dot * dot;
                }
            }
        }
        if SQUARES {
            squares.rows[r] += total(row_squares);
        }
    }
    *sums = s;
}
