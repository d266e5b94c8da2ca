//! Signs: vectors of ±1, a bit for each entry, whose dot products are d less twice the number of bits in which they differ.

use super::embedding::Embedding;
use super::kernel::{Dots, Task, Uncounted};
use super::panels::{Block, PANEL, ROWS};

/// Bits in a word.
const WORD: usize = u32::BITS as usize;

/// 32 entries of the 48 concepts of a panel, one to a bit, set where an entry is −1; what is absent is 0.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct Bits(pub [u32; PANEL]);

/// An embedding of ±1 as ⌈n / 48⌉ panels of ⌈d / 32⌉ words for each concept: a thirty-second of its memory.
#[derive(Debug)]
pub struct Signs {
    n_words: usize,
    bits: Vec<Bits>,
}

impl Signs {
    /// The signs of an embedding whose entries are all ±1; none of another. O(n d), or less where an early entry is none.
    pub fn of(embedding: &Embedding) -> Option<Self> {
        // Over the whole of some entries, which takes fewer steps than to look at each before the next.
        let are_signs = |entries: &[f32]| entries.iter().fold(true, |all, entry| all & (entry.abs() == 1.0));
        if !embedding.as_slice().chunks(256).all(are_signs) {
            return None;
        }
        let (n, d) = (embedding.n_concepts(), embedding.d_model());
        let n_words = d.div_ceil(WORD);
        let mut bits = vec![Bits([0; PANEL]); n.div_ceil(PANEL) * n_words];
        for concept_idx in 0..n {
            let panel = &mut bits[concept_idx / PANEL * n_words..][..n_words];
            for (bits, entries) in panel.iter_mut().zip(embedding.column(concept_idx).chunks(WORD)) {
                // The first bit of a number is its sign.
                let sign = |word, (place, entry): (usize, &f32)| word | entry.to_bits() >> 31 << place;
                bits.0[concept_idx % PANEL] = entries.iter().enumerate().fold(0, sign);
            }
        }
        Some(Self { n_words, bits })
    }

    /// The words of one panel.
    pub fn panel(&self, panel_idx: usize) -> &[Bits] {
        &self.bits[panel_idx * self.n_words..][..self.n_words]
    }
}

/// A block of dot products of ±1: 8 concepts, from `first` on, with 48 others. Exact for d up to 2²⁴.
pub struct SignDots<'a> {
    pub rows: &'a [Bits],
    pub first: usize,
    pub columns: &'a [Bits],
    pub d_model: usize,
    pub block: &'a mut Block,
    /// The bins of a block before, which may be counted meanwhile.
    pub uncounted: Option<Uncounted<'a>>,
}

impl Task for SignDots<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self, _: Dots) {
        if let Some((bins, counters)) = self.uncounted {
            bins.iter().for_each(|bins| counters.count(bins));
        }
        // A part that the registers hold.
        const PART: (usize, usize) = (4, 16);
        for r in (0..ROWS).step_by(PART.0) {
            for c in (0..PANEL).step_by(PART.1) {
                let mut differ = [[0_u32; PART.1]; PART.0];
                for (row, column) in self.rows.iter().zip(self.columns) {
                    for (i, differ) in differ.iter_mut().enumerate() {
                        let word = row.0[self.first + r + i];
                        for (differ, &other) in differ.iter_mut().zip(&column.0[c..c + PART.1]) {
                            *differ += (word ^ other).count_ones();
                        }
                    }
                }
                for (i, differ) in differ.iter().enumerate() {
                    for (dot, &differ) in self.block.0[r + i][c..c + PART.1].iter_mut().zip(differ) {
                        *dot = (self.d_model as i32 - 2 * differ as i32) as f32;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DMatrix;

    #[test]
    fn law_only_signs_are_signs() {
        let signs = |entries: &[f32]| Signs::of(&Embedding::new(DMatrix::from_row_slice(1, entries.len(), entries)));
        assert_eq!(signs(&[1.0, -1.0, -1.0]).unwrap().panel(0)[0].0[..4], [0, 1, 1, 0]);
        for other in [0.0, 0.5, 2.0, -1.0 - f32::EPSILON, f32::NAN] {
            assert!(signs(&[1.0, other]).is_none(), "{other}");
        }
    }
}
