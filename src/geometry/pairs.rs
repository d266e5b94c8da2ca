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
    tile::{self, Code, Pass, TILE, Tile, TileSums, Worker, upper_triangle},
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
    /// The products of centred concepts one by one, if there are no more concepts than units.
    pub products: bool,
}

impl Wanted {
    /// What either of two wants.
    pub fn or(self, other: Self) -> Self {
        Self {
            centred: self.centred || other.centred,
            dot_squares: self.dot_squares || other.dot_squares,
            products: self.products || other.products,
        }
    }
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
    /// Every product, if wanted, if no vector had to be lifted and no long mean took digits from them.
    pub products: Option<Products>,
}

/// The products x̃_i · x̃_j of n centred concepts: 4 n² bytes at most. Each is a chain of f32, less two numbers in f64.
#[derive(Clone, Debug, PartialEq)]
pub struct Products {
    /// x̃_i · x̃_j + a_i + a_j, tile after tile of the upper triangle.
    tiles: Vec<f32>,
    /// a_i.
    shifts: Vec<f64>,
    square_norms: Vec<f64>,
}

impl Products {
    /// n.
    pub fn n_concepts(&self) -> usize {
        self.square_norms.len()
    }

    /// x̃_i · x̃_j.
    pub fn get(&self, i: usize, j: usize) -> f64 {
        if i == j {
            return self.square_norms[i];
        }
        let (i, j) = (i.min(j), i.max(j));
        let side = self.n_concepts().div_ceil(TILE);
        let (row, column) = (i / TILE, j / TILE);
        // Rows of tiles become shorter by one as they go down.
        let tile = row * side - row * (row + 1) / 2 + column;
        let place = tile::place(i % TILE, j % TILE);
        f64::from(self.tiles[tile * TILE * TILE + place]) - self.shifts[i] - self.shifts[j]
    }
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
    statistics_by(Code::of, embedding, wanted, kernel, parallel)
}

/// The same of an embedding that is laid out by a function of it, its units and `parallel`.
fn statistics_by(
    lay_out: fn(&Embedding, Option<&[f64]>, bool) -> Code,
    embedding: &Embedding,
    wanted: Wanted,
    kernel: Kernel,
    parallel: bool,
) -> PairStatistics {
    let parallel = parallel && embedding.n_concepts() > TILE;
    let lengths = columns::lengths(embedding, kernel, parallel);
    let mut scales = vec![Scales::NONE; lengths.square_norms.len().div_ceil(PANEL)];
    let units = lift::units(&lengths.square_norms);
    for (i, inverse) in lift::inverse_norms(&lengths.square_norms, units.as_deref()).into_iter().enumerate() {
        scales[i / PANEL].inverse[i % PANEL] = inverse;
        scales[i / PANEL].short_inverse[i % PANEL] = inverse as f32;
    }
    let centre = wanted.centred.then(|| Centre::new(embedding, &lengths, kernel, parallel));
    let in_one_pass = centre.as_ref().is_some_and(|centre| !centre.is_dominant());
    if let Some(centre) = centre.as_ref().filter(|_| in_one_pass) {
        centre.scale(&mut scales, true);
    }
    let products = wanted.products && embedding.n_concepts() <= embedding.d_model();
    let pass = |embedding: &Embedding, scales, units, wanted| {
        Totals::of(lay_out, embedding, scales, units, wanted, kernel, parallel)
    };
    let in_first = products && centre.as_ref().is_some_and(Centre::is_slight);
    let first = Wanted { centred: in_one_pass, products: in_first, ..wanted };
    let mut totals = pass(embedding, scales, units, first);
    let centred = centre.map(|centre| {
        if in_one_pass {
            let tiles = totals.tiles.take();
            return CentredSums::new(centre, &totals.sums, tiles, true);
        }
        let embedding = columns::centred(embedding, &centre.mean, parallel);
        let mut scales = vec![Scales::NONE; embedding.n_concepts().div_ceil(PANEL)];
        centre.scale(&mut scales, false);
        let units = lift::units(&centre.square_norms);
        let totals = pass(&embedding, scales, units, Wanted { centred: true, dot_squares: false, products });
        CentredSums::new(centre, &totals.sums, totals.tiles, false)
    });
    let sums = totals.sums;
    PairStatistics {
        n_pairs: sums.n_pairs,
        // Where all cosines are 0 the sum of directions leaves a rounding.
        sum_cos: lengths.sum_cos.max(-sums.abs_cos).min(sums.abs_cos),
        sum_abs_cos: sums.abs_cos,
        sum_cos2: sums.cos2,
        sum_cos4: sums.cos4,
        max_abs_cos: sums.max_abs_cos,
        histogram: totals.histogram,
        largest: sums.largest,
        square_norms: lengths.square_norms,
        centred,
        dot_squares: wanted.dot_squares.then_some(sums.dot_squares),
    }
}

impl CentredSums {
    fn new(centre: Centre, sums: &TileSums, tiles: Option<Vec<f32>>, with_shifts: bool) -> Self {
        let shifts = if with_shifts { centre.shifts.clone() } else { vec![0.0; centre.shifts.len()] };
        let square_norms = centre.square_norms.clone();
        Self {
            n_pairs: centre.n_pairs(),
            sum_cos: centre.sum_cos,
            sum_cos2: sums.centred_cos2,
            sum_dot2: sums.centred_dot2,
            products: tiles.map(|tiles| Products { tiles, shifts, square_norms }),
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
    /// The products of all tiles, if wanted.
    tiles: Option<Vec<f32>>,
}

impl Totals {
    fn of(
        lay_out: fn(&Embedding, Option<&[f64]>, bool) -> Code,
        embedding: &Embedding,
        mut scales: Vec<Scales>,
        units: Option<Vec<f64>>,
        wanted: Wanted,
        kernel: Kernel,
        parallel: bool,
    ) -> Self {
        for (i, &unit) in units.iter().flatten().enumerate() {
            scales[i / PANEL].unit[i % PANEL] = unit;
        }
        let (n_concepts, d_model) = (embedding.n_concepts(), embedding.d_model());
        let code = lay_out(embedding, units.as_deref(), parallel);
        let lifted = units.is_some();
        let Wanted { centred, dot_squares, products } = wanted;
        let products = products && !lifted;
        let pass = &Pass { n_concepts, d_model, code: &code, scales: &scales, centred, dot_squares, lifted, products };
        let mut totals = Self::default();
        // Padded to whole tiles; the padding is cut off at the end.
        let n_padded = n_concepts.next_multiple_of(TILE);
        totals.sums.largest = vec![0.0; n_padded];
        totals.sums.dot_squares = vec![0.0; if dot_squares { n_padded } else { 0 }];
        let mut tiles = upper_triangle(n_concepts);
        let mut kept = vec![0.0; if products { tiles.clone().count() * TILE * TILE } else { 0 }];
        // A place for the products of each tile, of no length if they are not wanted.
        let mut places = kept.chunks_mut(TILE * TILE);
        let sweep = |mut worker: Worker,
                     (sums, (position, products)): (&mut TileSums, ((usize, usize), &mut [f32]))| {
            *sums = kernel.run(Tile { pass, position, worker: &mut worker, products });
            worker
        };
        loop {
            let positions: Vec<_> = tiles.by_ref().take(WAVE).collect();
            if positions.is_empty() {
                break;
            }
            let mut sums: Vec<TileSums> = positions.iter().map(|_| TileSums::default()).collect();
            let with_places: Vec<_> =
                positions.iter().map(|&position| (position, places.next().unwrap_or_default())).collect();
            // Counts have no order, so they may be added up in any; the sums have their places.
            let counters = if parallel {
                sums.par_iter_mut()
                    .zip(with_places)
                    .with_min_len(MIN_TILES)
                    .fold(Worker::new, sweep)
                    .map(|worker| worker.counters)
                    .reduce_with(|counters, more| counters.merge(&more))
                    .expect("a wave has tiles")
            } else {
                sums.iter_mut().zip(with_places).fold(Worker::new(), sweep).counters
            };
            totals.histogram.merge(counters.histogram());
            for (sums, position) in sums.iter().zip(positions) {
                totals.add(sums, position);
            }
        }
        totals.sums.dot_squares.truncate(n_concepts);
        totals.sums.largest.truncate(n_concepts);
        totals.tiles = products.then_some(kept);
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
