//! Pairs: the statistics of the overlaps of all pairs of concepts, in one pass that never holds the n × n matrix.

use super::{
    centre::Centre,
    columns,
    embedding::Embedding,
    histogram::Histogram,
    kernel::Kernel,
    lift,
    panels::PANEL,
    reduction::Scales,
    tile::{Code, Pass, TILE, Tile, TileSums, Worker, upper_triangle},
};
use rayon::prelude::*;

/// Tiles whose sums are held at a time, so that memory stays bounded however many concepts there are.
const WAVE: usize = 2048;

/// Tiles that are worth a task of their own.
const MIN_TILES: usize = 2;

/// What is summed beyond the moments and the histogram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The sums after the mean vector is taken from every concept.
    pub centred: bool,
    /// The sum of g² of every concept with all others.
    pub dot_squares: bool,
}

/// Sums over the n (n − 1) / 2 pairs i < j of g = w_i · w_j and cos = g / (‖w_i‖ ‖w_j‖).
#[derive(Clone, Debug, PartialEq)]
pub struct PairStatistics {
    /// n (n − 1) / 2.
    pub n_pairs: u64,
    /// Σ cos.
    pub sum_cos: f64,
    /// Σ |cos|.
    pub sum_abs_cos: f64,
    /// Σ cos².
    pub sum_cos2: f64,
    /// Σ cos⁴.
    pub sum_cos4: f64,
    /// max |cos|, the coherence.
    pub max_abs_cos: f64,
    /// All |cos|, each rounded to f32.
    pub histogram: Histogram,
    /// max over j ≠ i of |cos_ij| for every concept i, in f32.
    pub largest: Vec<f32>,
    /// ‖w_i‖² of every concept.
    pub square_norms: Vec<f64>,
    /// If wanted.
    pub centred: Option<CentredSums>,
    /// Σ over j ≠ i of g_ij² for every concept i, if wanted.
    pub dot_squares: Option<Vec<f64>>,
}

/// Sums over pairs of the centred vectors x̃_i = w_i − m, m being the mean of all w.
#[derive(Clone, Debug, PartialEq)]
pub struct CentredSums {
    /// Pairs with a cosine: those of concepts with ‖x̃_i‖ > 10⁻⁶ ‖w_i‖. The others have no direction, only rounding.
    pub n_pairs: u64,
    /// Σ of the cosines of x̃_i and x̃_j.
    pub sum_cos: f64,
    /// Σ of their squares.
    pub sum_cos2: f64,
    /// Σ (x̃_i · x̃_j)², over all n (n − 1) / 2 pairs.
    pub sum_dot2: f64,
    /// ‖x̃_i‖² of every concept.
    pub square_norms: Vec<f64>,
    /// m, d entries.
    pub mean: Vec<f64>,
}

/// Most bytes that [`pair_statistics`] takes beside the embedding, for n concepts in d units: a copy in panels, and where the mean dominates the centred
/// vectors; sums, histograms and tiles of a few workers.
pub fn memory(n_concepts: u64, d_model: u64) -> u64 {
    let padded = n_concepts.div_ceil(PANEL as u64).saturating_mul(PANEL as u64);
    let copies = padded.saturating_mul(d_model).saturating_mul(4).saturating_mul(2);
    copies.saturating_add(n_concepts.saturating_mul(64)).saturating_add(16 << 20)
}

/// The statistics of all pairs of columns: n ≥ 2 of d ≥ 1 finite entries, none of them zero, with norms up to 10¹². Those below 10⁻¹² are multiplied by a power of two
/// before their products are taken, which changes no bit of a product that f32 can hold, and divided by it afterwards in f64.
///
/// O(n² d) time, and O(n d) memory: one copy of the embedding, two if the centred sums are wanted and the mean dominates.
/// With `parallel` the tiles are shared out in the current rayon pool; without, rayon is not touched.
///
/// The bits of the result depend on the embedding and `wanted` alone, not on the kernel, the pool or `parallel`:
/// - g is one chain of f32 fused multiply-adds, from 0, in the order of the entries, exact for integer codes;
/// - Σ cos, plain and centred, is (‖Σ û_i‖² − n)/2 in f64, with û_i the directions;
/// - in f64, g · 1/‖w_i‖ and (g² · 1/‖w_i‖²) are summed over 8 rows before they are multiplied by what belongs to the column; the centred product is
///   (g − a_i) − a_j with a_i = w_i · m − ‖m‖²/2;
/// - sums are in f64, in 16 lanes over each tile of 192 × 192 concepts, and the tiles are added in order;
/// - the histogram and the largest |cos| of each concept are of (|g| · 1/‖w_i‖) · 1/‖w_j‖ in f32, at most three roundings (2e-7) from that in f64.
///
/// Where ‖w‖² is on average more than 33 ‖x̃‖² that difference has lost its digits, and the centred sums come from a second pass over
/// the vectors x̃ themselves, rounded to f32.
///
/// # Panics
/// Without columns or rows, and if this processor cannot run the kernel.
pub fn pair_statistics(embedding: &Embedding, wanted: Wanted, kernel: Kernel, parallel: bool) -> PairStatistics {
    let parallel = parallel && embedding.n_concepts() > TILE;
    let square_norms = columns::square_norms(embedding, kernel, parallel);
    let inverse_norms: Vec<f64> = square_norms.iter().map(|square| 1.0 / square.sqrt()).collect();
    let mut scales = vec![Scales::NONE; square_norms.len().div_ceil(PANEL)];
    let units = lift::units(&square_norms);
    for (i, &inverse) in lift::inverse_norms(&square_norms, units.as_deref()).iter().enumerate() {
        scales[i / PANEL].inverse[i % PANEL] = inverse;
    }
    let centre = wanted.centred.then(|| Centre::new(embedding, &square_norms, kernel, parallel));
    let in_one_pass = centre.as_ref().is_some_and(|centre| !centre.is_dominant());
    if let Some(centre) = centre.as_ref().filter(|_| in_one_pass) {
        centre.scale(&mut scales, true);
    }
    let totals = Totals::of(embedding, scales, units, in_one_pass, wanted.dot_squares, kernel, parallel);
    let centred = centre.map(|centre| {
        let sum_cos = columns::sum_of_cosines(embedding, Some(&centre.mean), centre.inverses(), kernel, parallel);
        if in_one_pass {
            return CentredSums::new(centre, sum_cos, &totals.sums);
        }
        let embedding = columns::centred(embedding, &centre.mean, parallel);
        let mut scales = vec![Scales::NONE; embedding.n_concepts().div_ceil(PANEL)];
        centre.scale(&mut scales, false);
        let units = lift::units(&centre.square_norms);
        let totals = Totals::of(&embedding, scales, units, true, false, kernel, parallel);
        CentredSums::new(centre, sum_cos, &totals.sums)
    });
    let sums = totals.sums;
    PairStatistics {
        n_pairs: sums.n_pairs,
        sum_cos: columns::sum_of_cosines(embedding, None, &inverse_norms, kernel, parallel),
        sum_abs_cos: sums.abs_cos,
        sum_cos2: sums.cos2,
        sum_cos4: sums.cos4,
        max_abs_cos: sums.max_abs_cos,
        histogram: totals.histogram,
        largest: sums.largest,
        square_norms,
        centred,
        dot_squares: wanted.dot_squares.then_some(sums.dot_squares),
    }
}

impl CentredSums {
    fn new(centre: Centre, sum_cos: f64, sums: &TileSums) -> Self {
        Self {
            n_pairs: centre.n_pairs(),
            sum_cos,
            sum_cos2: sums.centred_cos2,
            sum_dot2: sums.centred_dot2,
            square_norms: centre.square_norms,
            mean: centre.mean,
        }
    }
}

/// The sums over all tiles, with the sums of g² by concept.
#[derive(Default)]
struct Totals {
    sums: TileSums,
    histogram: Histogram,
}

impl Totals {
    fn of(
        embedding: &Embedding,
        mut scales: Vec<Scales>,
        units: Option<Vec<f64>>,
        centred: bool,
        dot_squares: bool,
        kernel: Kernel,
        parallel: bool,
    ) -> Self {
        for (i, &unit) in units.iter().flatten().enumerate() {
            scales[i / PANEL].unit[i % PANEL] = unit;
        }
        let (n_concepts, d_model) = (embedding.n_concepts(), embedding.d_model());
        let code = Code::of(embedding, units.as_deref(), parallel);
        let lifted = units.is_some();
        let pass = &Pass { n_concepts, d_model, code: &code, scales: &scales, centred, dot_squares, lifted };
        let mut totals = Self::default();
        // Padded to whole tiles; the padding is cut off at the end.
        let n_padded = n_concepts.next_multiple_of(TILE);
        totals.sums.largest = vec![0.0; n_padded];
        totals.sums.dot_squares = vec![0.0; if dot_squares { n_padded } else { 0 }];
        let new_worker = Worker::new;
        let sweep = |mut worker: Worker, (sums, position): (&mut TileSums, &(usize, usize))| {
            *sums = kernel.run(Tile { pass, position: *position, worker: &mut worker });
            worker
        };
        let mut tiles = upper_triangle(n_concepts);
        loop {
            let positions: Vec<_> = tiles.by_ref().take(WAVE).collect();
            if positions.is_empty() {
                break;
            }
            let mut sums: Vec<TileSums> = positions.iter().map(|_| TileSums::default()).collect();
            // Counts have no order, so they may be added up in any; the sums have their places.
            let counters = if parallel {
                sums.par_iter_mut()
                    .zip(&positions)
                    .with_min_len(MIN_TILES)
                    .fold(new_worker, sweep)
                    .map(|worker| worker.counters)
                    .reduce_with(|counters, more| counters.merge(&more))
                    .expect("a wave has tiles")
            } else {
                sums.iter_mut().zip(&positions).fold(new_worker(), sweep).counters
            };
            totals.histogram.merge(counters.histogram());
            for (sums, position) in sums.iter().zip(positions) {
                totals.add(sums, position);
            }
        }
        totals.sums.dot_squares.truncate(n_concepts);
        totals.sums.largest.truncate(n_concepts);
        totals
    }

    fn add(&mut self, tile: &TileSums, (row, column): (usize, usize)) {
        let sums = &mut self.sums;
        sums.n_pairs += tile.n_pairs;
        sums.abs_cos += tile.abs_cos;
        sums.cos2 += tile.cos2;
        sums.cos4 += tile.cos4;
        sums.max_abs_cos = sums.max_abs_cos.max(tile.max_abs_cos);
        sums.centred_cos2 += tile.centred_cos2;
        sums.centred_dot2 += tile.centred_dot2;
        let (rows, columns) = tile.largest.split_at(TILE);
        for (start, part) in [(row * TILE, rows), (column * TILE, columns)] {
            for (largest, part) in sums.largest[start..].iter_mut().zip(part) {
                *largest = largest.max(*part);
            }
        }
        if let Some((rows, columns)) = tile.dot_squares.split_at_checked(TILE) {
            for (start, part) in [(row * TILE, rows), (column * TILE, columns)] {
                for (sum, part) in sums.dot_squares[start..].iter_mut().zip(part) {
                    *sum += part;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
