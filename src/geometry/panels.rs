//! Panels: the embedding laid out once so that every load of the pair kernels is contiguous and aligned.

use super::embedding::Embedding;
use super::kernel::memory;

/// Concepts in a panel. A row block of 8 divides it, so one layout serves both sides of a product.
pub const PANEL: usize = 48;

/// Concepts in a row block: 8 rows × 48 columns of dot products are 24 registers of 16.
pub const ROWS: usize = 8;

/// Entries transposed at a time, so that reads and writes both stay in the first cache.
const STRIP: usize = 16;

/// Entry k of the 48 concepts of a panel; absent concepts are 0.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct Slice(pub [f32; PANEL]);

/// The dot products of 8 concepts with 48 others, row after row.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct Block(pub [[f32; PANEL]; ROWS]);

impl Block {
    pub const ZERO: Self = Self([[0.0; PANEL]; ROWS]);
}

/// The embedding as ⌈n / 48⌉ panels of d slices each: one padded copy of it.
#[derive(Debug)]
pub struct Panels {
    n_concepts: usize,
    d_model: usize,
    slices: Vec<Slice>,
}

impl Panels {
    /// The entries of each concept divided by its unit, a power of two that leaves them in the range of f32; all by 1 if there are none. O(n d).
    pub fn new(embedding: &Embedding, units: Option<&[f64]>, parallel: bool) -> Self {
        let mut panels = Self::laid_out(embedding, parallel);
        let faint = units.into_iter().flatten().enumerate().filter(|(_, unit)| **unit < 1.0);
        for (i, unit) in faint {
            for slice in &mut panels.slices[i / PANEL * panels.d_model..][..panels.d_model] {
                let entry = &mut slice.0[i % PANEL];
                *entry = (f64::from(*entry) / unit) as f32;
            }
        }
        panels
    }

    fn laid_out(embedding: &Embedding, parallel: bool) -> Self {
        let (n_concepts, d_model) = (embedding.n_concepts(), embedding.d_model());
        let concepts = embedding.as_slice();
        let lay_out = |panel_idx: usize, panel: &mut [Slice]| {
            let rest = &concepts[panel_idx * PANEL * d_model..];
            transpose(panel, &rest[..rest.len().min(PANEL * d_model)]);
        };
        let n_panels = n_concepts.div_ceil(PANEL);
        let slices = memory::filled(Slice([0.0; PANEL]), n_panels, d_model, parallel, lay_out);
        Self { n_concepts, d_model, slices }
    }

    pub fn n_concepts(&self) -> usize {
        self.n_concepts
    }

    pub fn d_model(&self) -> usize {
        self.d_model
    }

    pub fn n_panels(&self) -> usize {
        self.n_concepts.div_ceil(PANEL)
    }

    /// The d slices of one panel.
    pub fn panel(&self, panel_idx: usize) -> &[Slice] {
        &self.slices[panel_idx * self.d_model..][..self.d_model]
    }
}

/// Writes up to 48 concepts of d entries into the d slices of a panel.
fn transpose(panel: &mut [Slice], concepts: &[f32]) {
    let d_model = panel.len();
    for (strip_idx, strip) in panel.chunks_mut(STRIP).enumerate() {
        for (column, concept) in concepts.chunks_exact(d_model).enumerate() {
            for (slice, &entry) in strip.iter_mut().zip(&concept[strip_idx * STRIP..]) {
                slice.0[column] = entry;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DMatrix;

    #[test]
    fn law_every_entry_has_its_place_and_the_rest_is_zero() {
        let embedding = Embedding::new(DMatrix::from_fn(19, 50, |k, i| (100 * i + k + 1) as f32));
        for parallel in [false, true] {
            let panels = Panels::new(&embedding, None, parallel);
            assert_eq!(panels.n_panels(), 2);
            for (panel_idx, k, column) in
                (0..2).flat_map(|p| (0..19).flat_map(move |k| (0..48).map(move |c| (p, k, c))))
            {
                let concept_idx = panel_idx * 48 + column;
                let entry = if concept_idx < 50 { embedding.column(concept_idx)[k] } else { 0.0 };
                assert_eq!(panels.panel(panel_idx)[k].0[column], entry);
            }
        }
    }
}
