//! Sparse: vectors of few active units, whose products are found by the units that they share.

use super::embedding::Embedding;
use super::kernel::{Dots, Task};
use super::tile::{TILE, place};

/// The active entries of tiles of 192 concepts, by unit: what an index is to a book.
#[derive(Debug)]
pub struct Sparse {
    d_model: usize,
    /// Where the entries of a unit begin in those of a tile, d + 1 for each tile.
    starts: Vec<u32>,
    /// The entries of each tile.
    entries: Vec<Vec<Entry>>,
}

/// One active entry, and where the products of its concept lie among those of a tile: as a row, and as a column.
#[derive(Clone, Copy, Debug)]
struct Entry {
    as_row: u16,
    as_column: u16,
    value: f32,
}

impl Sparse {
    /// The index of an embedding whose pairs share so few units that it takes less work than their dot products; none of another. Entries are divided by the units
    /// of [`super::lift`]. O(n d) time, and at most as much memory as the embedding.
    ///
    /// A pair shares Σ_k (c_k / n)² units on average, with c_k the number of concepts that are active in unit k. A shared one costs some cycles, because its product is
    /// added in memory; a dense one a sixteenth of a cycle. So the limit is d/64 of them, whatever the machine.
    pub fn of(embedding: &Embedding, units: Option<&[f64]>) -> Option<Self> {
        let (n, d) = (embedding.n_concepts(), embedding.d_model());
        let mut n_active = vec![0_u32; d];
        for entries in embedding.as_slice().chunks_exact(d) {
            for (n_active, &entry) in n_active.iter_mut().zip(entries) {
                *n_active += u32::from(entry != 0.0);
            }
        }
        let shares = n_active.iter().map(|&n_active| f64::from(n_active) / n as f64);
        let n_shared: f64 = shares.map(|share| share * share).sum();
        if n_shared > d as f64 / 64.0 {
            return None;
        }
        let (mut starts, mut entries) = (Vec::with_capacity(n.div_ceil(TILE) * (d + 1)), Vec::new());
        for first in (0..n).step_by(TILE) {
            let tile = first..(first + TILE).min(n);
            let mut found: Vec<Vec<Entry>> = vec![Vec::new(); d];
            for concept_idx in tile {
                let unit = units.map_or(1.0, |units| units[concept_idx]);
                for (found, &entry) in found.iter_mut().zip(embedding.column(concept_idx)).filter(|(_, e)| **e != 0.0) {
                    let value = (f64::from(entry) / unit) as f32;
                    let (as_row, as_column) = (place(concept_idx - first, 0), place(0, concept_idx - first));
                    found.push(Entry { as_row: as_row as u16, as_column: as_column as u16, value });
                }
            }
            let mut start = 0;
            starts.push(start);
            for found in &found {
                start += found.len() as u32;
                starts.push(start);
            }
            entries.push(found.concat());
        }
        Some(Self { d_model: d, starts, entries })
    }

    /// A task that sets the products of the concepts of two tiles: for each panel of columns, 192 rows of 48.
    pub fn products<'a>(&'a self, tiles: (usize, usize), products: &'a mut [f32]) -> Products<'a> {
        Products { sparse: self, tiles, products }
    }
}

/// See [`Sparse::products`]. Each is one chain of fused multiply-adds in the order of the units; where one of two entries is 0 the link would change no bit, and is
/// left out.
pub struct Products<'a> {
    sparse: &'a Sparse,
    tiles: (usize, usize),
    products: &'a mut [f32],
}

impl Task for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self, _: Dots) {
        let Self { sparse, tiles: (row, column), products } = self;
        products.fill(0.0);
        let starts = |tile: usize| &sparse.starts[tile * (sparse.d_model + 1)..][..sparse.d_model + 1];
        let (row_starts, column_starts) = (starts(row), starts(column));
        let (rows, columns) = (&sparse.entries[row], &sparse.entries[column]);
        for (of_rows, of_columns) in row_starts.windows(2).zip(column_starts.windows(2)) {
            let columns = &columns[of_columns[0] as usize..of_columns[1] as usize];
            for row in &rows[of_rows[0] as usize..of_rows[1] as usize] {
                for column in columns {
                    let product = &mut products[usize::from(row.as_row) + usize::from(column.as_column)];
                    *product = row.value.mul_add(column.value, *product);
                }
            }
        }
    }
}
