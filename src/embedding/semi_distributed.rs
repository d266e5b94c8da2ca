//! Semi-distributed: blocks of units on a ring, shared by neighbours.

use rand_distr::{Distribution, StandardNormal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Asked, Encoding, Fault, Model, Size, at_most_d_model, by_concept};
use crate::geometry::embedding::Embedding;
use crate::quantity::Count;
use crate::seed::Stream;

/// Every concept is a random vector on a block of units that it shares with its neighbours.
///
/// Concept i has independent entries N(0, 1/u) on the u units ⌊i d/n⌋, ⌊i d/n⌋ + 1, … (mod d), a ring of d units, and zero elsewhere:
/// an isotropic vector of mean square length 1 on its block. Where the blocks are evenly spread (each unit lies in n u/d of them),
/// the mean square cosine over pairs is (1/d)(n − d/u)/(n − 1): close to the 1/d of dense codes, though most pairs do not touch.
/// O(n d) time and memory.
///
/// Source: the overlapping-block code of hand-made demonstrations; the mean square follows from E cos² = k/u² for two isotropic blocks that share k of u units.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SemiDistributed {
    /// Units in a block, u: from 1 to d_model. Left out: √d_model, rounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<Count>,
}

impl SemiDistributed {
    fn units(&self, d_model: u64) -> u64 {
        self.units.map_or_else(|| (d_model as f64).sqrt().round() as u64, Count::get)
    }
}

impl Encoding for SemiDistributed {
    fn size(&self, asked: &Asked) -> Result<Size, Fault> {
        let size = Size { n_concepts: asked.n_concepts()?, d_model: asked.d_model()? };
        at_most_d_model("units", self.units(size.d_model), size.d_model)?;
        Ok(size)
    }

    fn embed(&self, model: &Model, stream: &Stream, parallel: bool) -> Result<Embedding, Fault> {
        let (n, d) = (model.n_concepts as u128, model.d_model as u128);
        let units = self.units(model.d_model as u64) as usize;
        let scale = 1.0 / (units as f64).sqrt();
        Ok(by_concept(model, stream, parallel, |concept_idx, vector, rng| {
            let start = (concept_idx as u128 * d / n) as usize;
            for offset in 0..units {
                let normal: f64 = StandardNormal.sample(rng);
                vector[(start + offset) % model.d_model] = (normal * scale) as f32;
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::tests::{embed, mean_square_cosine, size_fault};

    #[test]
    fn theory_blocks_start_at_i_d_over_n_and_wrap_around() {
        let embedding = embed(&SemiDistributed { units: Count::new(3) }, 4, 10);
        let units = |i: usize| (0..10).filter(|&k| embedding.column(i)[k] != 0.0).collect::<Vec<_>>();
        assert_eq!([units(0), units(1), units(2), units(3)], [[0, 1, 2], [2, 3, 4], [5, 6, 7], [7, 8, 9]]);
        let wrapped = embed(&SemiDistributed { units: Count::new(4) }, 4, 10);
        assert!(wrapped.column(3)[0] != 0.0, "units 7, 8, 9 and 0");
    }

    #[test]
    fn theory_mean_square_cosine_of_evenly_spread_blocks() {
        // E⟨c²⟩ = (1/d)(n − d/u)/(n − 1) with n = 192, d = 64, u = 8 (every unit in 24 blocks); the standard error comes from 40 draws.
        let (n, d, u) = (192, 64, 8);
        let expected = (1.0 / d as f64) * (n as f64 - d as f64 / u as f64) / (n as f64 - 1.0);
        let (mean, error) = mean_square_cosine(&SemiDistributed { units: Count::new(u as u64) }, n, d, 40);
        assert!((mean - expected).abs() < 4.0 * error, "{mean} ± {error} against {expected}");
        assert!(error < 0.01 * expected);
    }

    #[test]
    fn theory_more_units_than_the_width_are_refused() {
        let fault = size_fault(&SemiDistributed { units: Count::new(9) }, 3, 8);
        assert_eq!(fault, "must be at most d_model (8), got 9");
    }
}
