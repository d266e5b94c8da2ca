//! Centre: the mean of the concept vectors, and what the products of the vectors about it are made with.

use super::columns::{self, Lengths, NEGLIGIBLE};
use super::{embedding::Embedding, kernel::Kernel, panels::PANEL, reduction::Scales};

/// Above this mean ratio of ‖w‖² to ‖x̃‖², subtracting the mean from dot products would lose the digits of what is left.
const DOMINANT_MEAN: f64 = 33.0;

/// The columns less their mean; one that has no direction from it is zero. All kernels give the same bits. O(n d) time, and the memory of a second embedding.
pub fn about_mean(embedding: &Embedding) -> Embedding {
    let kernel = Kernel::best();
    let Lengths { square_norms, mean, .. } = columns::lengths(embedding, kernel, false);
    let about = columns::about_mean(embedding, &mean, &square_norms, kernel, false);
    let mut matrix = columns::centred(embedding, &mean, false).into_matrix();
    let squares = about.square_deviations.iter().zip(square_norms);
    for (mut column, (&square, square_norm)) in matrix.column_iter_mut().zip(squares) {
        if square <= NEGLIGIBLE * NEGLIGIBLE * square_norm {
            column.fill(0.0);
        }
    }
    Embedding::new(matrix)
}

/// The mean of the columns, and the columns about it.
pub struct Centre {
    /// m.
    pub mean: Vec<f64>,
    /// The larger of Σ ‖w_i‖² / Σ ‖x̃_i‖² and the mean of ‖w_i‖² / ‖x̃_i‖² over the columns with a direction.
    dominance: f64,
    /// a_i of every column.
    pub shifts: Vec<f64>,
    /// ‖x̃_i‖² of every column.
    pub square_norms: Vec<f64>,
    /// Σ over pairs of cos(x̃_i, x̃_j).
    pub sum_cos: f64,
    /// 1 / ‖x̃_i‖, or 0.
    inverses: Vec<f64>,
}

impl Centre {
    /// O(n d).
    pub fn new(embedding: &Embedding, lengths: &Lengths, kernel: Kernel, parallel: bool) -> Self {
        let Lengths { square_norms, mean, .. } = lengths;
        let square_mean: f64 = mean.iter().map(|entry| entry * entry).sum();
        let about = columns::about_mean(embedding, mean, square_norms, kernel, parallel);
        let inverse = |(&square, &square_norm): (&f64, &f64)| {
            let has_direction = square > NEGLIGIBLE * NEGLIGIBLE * square_norm;
            if has_direction { 1.0 / square.sqrt() } else { 0.0 }
        };
        let total: f64 = about.square_deviations.iter().sum();
        // A few long columns must not speak for a cluster that lies close to the mean.
        let ratios = about.square_deviations.iter().zip(square_norms).map(|(square, square_norm)| square_norm / square);
        let (n, sum) = ratios
            .filter(|ratio| ratio * NEGLIGIBLE * NEGLIGIBLE < 1.0)
            .fold((0.0, 0.0), |(n, sum), ratio| (n + 1.0, sum + ratio));
        let of_columns: f64 = if n > 0.0 { sum / n } else { 0.0 };
        Self {
            dominance: of_columns.max(square_norms.iter().sum::<f64>() / total),
            shifts: about.on_mean.iter().map(|on_mean| on_mean - square_mean / 2.0).collect(),
            inverses: about.square_deviations.iter().zip(square_norms).map(inverse).collect(),
            square_norms: about.square_deviations,
            sum_cos: about.sum_cos,
            mean: mean.clone(),
        }
    }

    /// Whether subtracting the mean from dot products would lose their digits.
    pub fn is_dominant(&self) -> bool {
        self.dominance > DOMINANT_MEAN
    }

    /// Whether products less the mean have the digits of products of the centred vectors: the mean is no longer than these are.
    pub fn is_slight(&self) -> bool {
        self.dominance <= 2.0
    }

    /// Fills in what centred products are scaled by, and what dot products of uncentred vectors are shifted by.
    pub fn scale(&self, scales: &mut [Scales], with_shifts: bool) {
        for (i, (&inverse, &shift)) in self.inverses.iter().zip(&self.shifts).enumerate() {
            let (panel, place) = (&mut scales[i / PANEL], i % PANEL);
            panel.centred_inverse[place] = inverse;
            panel.shift[place] = if with_shifts { shift } else { 0.0 };
        }
    }

    /// Pairs of concepts that have a centred direction.
    pub fn n_pairs(&self) -> u64 {
        let n_directions = self.inverses.iter().filter(|&&inverse| inverse > 0.0).count() as u64;
        n_directions * n_directions.saturating_sub(1) / 2
    }
}
