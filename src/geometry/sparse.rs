//! Sparse: vectors of few active units, whose dot products pass over the units that are not.

use super::embedding::Embedding;
use super::kernel::lanes::{self, LANES, Lanes};
use super::panels::{Block, PANEL, ROWS, Slice};

/// The part of the entries that may be active: up to an eighth the pass is faster than the dense one at every d; with a quarter, at large d alone.
const MOST_ACTIVE: f64 = 0.125;

/// The entries that are not 0, concept by concept.
#[derive(Debug)]
pub struct Sparse {
    d_model: usize,
    /// Where those of a concept begin, n + 1 of them.
    starts: Vec<usize>,
    active: Vec<Active>,
}

#[derive(Clone, Copy, Debug)]
struct Active {
    unit: u32,
    entry: f32,
}

impl Sparse {
    /// An embedding of which at most an eighth is active; none of another. Entries are divided by the units of [`super::lift`]. O(n d) time, and at most a quarter as much
    /// memory as the embedding.
    pub fn of(embedding: &Embedding, units: Option<&[f64]>) -> Option<Self> {
        let (n, entries) = (embedding.n_concepts(), embedding.as_slice());
        let n_active = entries.iter().filter(|entry| **entry != 0.0).count();
        if n_active as f64 > MOST_ACTIVE * entries.len() as f64 {
            return None;
        }
        let (mut starts, mut active) = (Vec::with_capacity(n + 1), Vec::with_capacity(n_active));
        starts.push(0);
        for concept_idx in 0..n {
            let one = units.map_or(1.0, |units| units[concept_idx]);
            let entries = embedding.column(concept_idx).iter().zip(0..).filter(|(entry, _)| **entry != 0.0);
            active.extend(entries.map(|(&entry, unit)| Active { unit, entry: (f64::from(entry) / one) as f32 }));
            starts.push(active.len());
        }
        Some(Self { d_model: embedding.d_model(), starts, active })
    }

    /// The entries of a concept; none of one beyond the last.
    #[inline(always)]
    fn row(&self, concept_idx: usize) -> &[Active] {
        self.starts.get(concept_idx..concept_idx + 2).map_or(&[], |ends| &self.active[ends[0]..ends[1]])
    }

    /// A task that sets a block of dot products: the 8 concepts from `row_idx` on with those of a panel.
    #[inline(always)]
    pub fn dots<'a>(&'a self, row_idx: usize, columns: &'a Columns, block: &'a mut Block) -> SparseDots<'a> {
        SparseDots { rows: std::array::from_fn(|r| self.row(row_idx + r)), columns: &columns.slices, block }
    }
}

/// One panel of concepts, unit by unit.
#[derive(Debug, Default)]
pub struct Columns {
    slices: Vec<Slice>,
    panel: Option<usize>,
}

impl Columns {
    /// Makes it that of another panel. O(d) memory, and time for the entries of both that are not 0.
    pub fn be(&mut self, sparse: &Sparse, panel: usize) {
        if self.panel == Some(panel) {
            return;
        }
        self.slices.resize(sparse.d_model, Slice([0.0; PANEL]));
        if let Some(before) = self.panel.replace(panel) {
            self.write(sparse, before, |_| 0.0);
        }
        self.write(sparse, panel, |entry| entry);
    }

    fn write(&mut self, sparse: &Sparse, panel: usize, value: fn(f32) -> f32) {
        for column in 0..PANEL {
            for active in sparse.row(panel * PANEL + column) {
                self.slices[active.unit as usize].0[column] = value(active.entry);
            }
        }
    }
}

/// See [`Sparse::dots`]. Each is one chain of fused multiply-adds in the order of the units; where an entry is 0 the link would change no bit, and is left out.
pub struct SparseDots<'a> {
    rows: [&'a [Active]; ROWS],
    columns: &'a [Slice],
    block: &'a mut Block,
}

impl lanes::Task for SparseDots<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes, const R: usize>(self) {
        for (row, dots) in self.rows.into_iter().zip(&mut self.block.0) {
            let mut sums = [L::splat(0.0); PANEL / LANES];
            for active in row {
                let (entry, others) = (L::splat(active.entry), self.columns[active.unit as usize].0.as_chunks().0);
                for (sum, others) in sums.iter_mut().zip(others) {
                    *sum = entry.mul_add(L::read(others), *sum);
                }
            }
            sums.into_iter().zip(dots.as_chunks_mut().0).for_each(|(sum, dots)| sum.write(dots));
        }
    }
}
