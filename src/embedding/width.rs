//! Width: how wide a language model of a given size is, by a law fitted to the models that were built.

/// The vector width of a transformer with `params` non-embedding parameters: d = exp([`INTERCEPT`]) · N^[`SLOPE`].
///
/// Rounded to the nearest whole number, halves up, and at least 1. 1e7 gives 329, 1e9 gives 1895, 1e11 gives 10923.
/// Fitted from 1e6 to 2e11 parameters, where the [`SHAPES`] scatter around it by 10 % (standard deviation of ln d),
/// at most 22 %. Anything not a positive number gives 1. O(1).
pub fn d_model(params: f64) -> u64 {
    if params > 0.0 {
        // A cast saturates, so that an infinite size has a width as well.
        (libm::round(libm::exp(INTERCEPT + SLOPE * libm::log(params))) as u64).max(1)
    } else {
        1
    }
}

/// ln d at one parameter, by least squares of ln d on ln(12 L d²) over [`SHAPES`], each shape counted once.
pub const INTERCEPT: f64 = -0.3361358262442923;

/// The exponent of the width: d grows as N^0.380, N as d^2.63. Its standard error is 0.008.
///
/// Liu, Liu & Gore (2025), arXiv:2505.10465, quote N ∝ d^2.52 for the models of Chinchilla.
pub const SLOPE: f64 = 0.3803943649337063;

/// The layers and width of a published language model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The series that the model belongs to.
    pub family: &'static str,
    /// Its name in that series.
    pub model: &'static str,
    /// L, the number of transformer blocks.
    pub layers: u64,
    /// d, the length of the vector that stands for a token between blocks.
    pub width: u64,
}

impl Shape {
    /// 12 L d²: four d × d matrices of attention and two d × 4d of the feed-forward part in each block, embeddings aside.
    ///
    /// Reference: Kaplan et al. (2020), arXiv:2001.08361, table 1.
    pub fn params(&self) -> u64 {
        12 * self.layers * self.width * self.width
    }
}

/// The 18 shapes behind the law.
///
/// GPT-3: Brown et al. (2020), arXiv:2005.14165, table 2.1, as printed (the 5140 of the 13B model may be a slip for 5120).
/// Pythia: Biderman et al. (2023), arXiv:2304.01373; 14M and 31M joined the suite after the paper, their shapes are those
/// of the model cards of EleutherAI.
pub const SHAPES: [Shape; 18] = [
    shape("GPT-3", "Small", 12, 768),
    shape("GPT-3", "Medium", 24, 1024),
    shape("GPT-3", "Large", 24, 1536),
    shape("GPT-3", "XL", 24, 2048),
    shape("GPT-3", "2.7B", 32, 2560),
    shape("GPT-3", "6.7B", 32, 4096),
    shape("GPT-3", "13B", 40, 5140),
    shape("GPT-3", "175B", 96, 12288),
    shape("Pythia", "14M", 6, 128),
    shape("Pythia", "31M", 6, 256),
    shape("Pythia", "70M", 6, 512),
    shape("Pythia", "160M", 12, 768),
    shape("Pythia", "410M", 24, 1024),
    shape("Pythia", "1B", 16, 2048),
    shape("Pythia", "1.4B", 24, 2048),
    shape("Pythia", "2.8B", 32, 2560),
    shape("Pythia", "6.9B", 32, 4096),
    shape("Pythia", "12B", 36, 5120),
];

const fn shape(family: &'static str, model: &'static str, layers: u64, width: u64) -> Shape {
    Shape { family, model, layers, width }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theory_the_law_is_the_least_squares_line_of_its_table() {
        let points = SHAPES.map(|shape| (libm::log(shape.params() as f64), libm::log(shape.width as f64)));
        let count = points.len() as f64;
        let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
        let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
        let covariance: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
        let variance: f64 = points.iter().map(|(x, _)| (x - mean_x) * (x - mean_x)).sum();
        let slope = covariance / variance;
        assert!((slope - SLOPE).abs() < 1e-12, "{slope}");
        assert!((mean_y - slope * mean_x - INTERCEPT).abs() < 1e-12, "{}", mean_y - slope * mean_x);
    }

    // The manual of `d_model` says 0.7145·N^0.3804. mpmath, 40 digits: 328.68, 1894.82, 10923.36.
    #[test]
    fn theory_three_tiers_of_parameters_have_the_widths_of_the_documentation() {
        assert_eq!([1e7, 1e9, 1e11].map(d_model), [329, 1895, 10923]);
        assert!((libm::exp(INTERCEPT) - 0.7145).abs() < 5e-5 && (SLOPE - 0.3804).abs() < 5e-5);
    }

    // The non-embedding parameters printed by EleutherAI are 12 L d² + 13 L d + 2 d, biases and layer norms included.
    #[test]
    fn theory_parameters_of_pythia_are_those_of_its_model_cards() {
        let printed = [("14M", 1_189_888), ("70M", 18_915_328), ("410M", 302_311_424), ("2.8B", 2_517_652_480)];
        for (model, params) in printed {
            let shape = SHAPES.iter().find(|shape| shape.model == model).expect("the model is in the table");
            let small = 13 * shape.layers * shape.width + 2 * shape.width;
            assert_eq!(shape.params() + small, params, "{model}");
        }
    }

    #[test]
    fn law_width_never_falls_with_size_and_is_at_least_one() {
        let widths: Vec<u64> = (0..=400).map(|k| d_model(libm::exp(f64::from(k) / 10.0))).collect();
        assert!(widths.windows(2).all(|pair| pair[0] <= pair[1]));
        assert_eq!([0.0, -1.0, f64::NAN, 1e-300, f64::NEG_INFINITY].map(d_model), [1; 5]);
    }
}
