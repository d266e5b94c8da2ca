//! Centre: the mean of the concept vectors, and what the products of the vectors about it are made with.

use super::{columns, embedding::Embedding, kernel::Kernel, panels::PANEL, reduction::Scales};

/// A centred vector shorter than this part of its vector is the rounding of the mean, not a direction.
const NEGLIGIBLE: f64 = 1e-6;

/// Above this ratio of ‖m‖² to the mean ‖x̃‖², subtracting the mean from dot products would lose their digits.
const DOMINANT_MEAN: f64 = 32.0;

/// The mean of the columns, and the columns about it.
pub struct Centre {
    /// m.
    pub mean: Vec<f64>,
    /// ‖m‖².
    square_mean: f64,
    /// a_i of every column.
    shifts: Vec<f64>,
    /// ‖x̃_i‖² of every column.
    pub square_norms: Vec<f64>,
    /// 1 / ‖x̃_i‖, or 0.
    inverses: Vec<f64>,
}

impl Centre {
    /// O(n d).
    pub fn new(embedding: &Embedding, square_norms: &[f64], kernel: Kernel, parallel: bool) -> Self {
        let mean = columns::mean(embedding, kernel, parallel);
        let square_mean = mean.iter().map(|entry| entry * entry).sum();
        let about = columns::about_mean(embedding, &mean, kernel, parallel);
        let inverse = |(column, &square_norm): (&columns::AboutMean, &f64)| {
            let has_direction = column.square_deviation > NEGLIGIBLE * NEGLIGIBLE * square_norm;
            if has_direction { 1.0 / column.square_deviation.sqrt() } else { 0.0 }
        };
        Self {
            square_mean,
            shifts: about.iter().map(|column| column.on_mean - square_mean / 2.0).collect(),
            inverses: about.iter().zip(square_norms).map(inverse).collect(),
            square_norms: about.iter().map(|column| column.square_deviation).collect(),
            mean,
        }
    }

    /// Whether subtracting the mean from dot products would lose their digits.
    pub fn is_dominant(&self) -> bool {
        let n_concepts = self.square_norms.len() as f64;
        self.square_mean * n_concepts > DOMINANT_MEAN * self.square_norms.iter().sum::<f64>()
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
