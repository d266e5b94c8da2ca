//! Fully distributed: a dense random vector over all units.

use rand::{Rng as _, RngExt};
use rand_distr::{Distribution, StandardNormal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Encoding, Fault, Model, by_concept};
use crate::geometry::embedding::Embedding;
use crate::seed::Stream;

/// Every concept is a dense random vector: all units take part in all concepts.
///
/// With `gaussian` or `rademacher` entries the cosines are those of random directions: mean 0, mean square 1/d, mean size ≈ √(2/(π d)).
/// With `uniform` entries the mean cosine is 3/4, an artefact of entries that have a mean: only the centred columns compare with theory.
/// O(n d) time and memory.
///
/// Source: Kanerva (2009), Cognitive Computation 1 (dense random codes); for the uniform code ⟨x⟩²/⟨x²⟩ = (1/4)/(1/3).
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FullyDistributed {
    /// The distribution of the entries.
    #[serde(default)]
    pub entries: Entries,
}

/// The distribution of the entries of a dense vector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Entries {
    /// Independent N(0, 1/d): length 1 on average, not normalised.
    #[default]
    Gaussian,
    /// ±1 with equal probability, stored as ±1: length √d.
    Rademacher,
    /// Uniform on [0, 1): the biased code that is often drawn by mistake. Its mean cosine is 3/4.
    Uniform,
}

impl Encoding for FullyDistributed {
    fn embed(&self, model: &Model, stream: &Stream, parallel: bool) -> Result<Embedding, Fault> {
        let scale = 1.0 / (model.d_model as f64).sqrt();
        Ok(by_concept(model, stream, parallel, |_, vector, rng| match self.entries {
            // A loop, for what fills a slice by a function is not always compiled with the generator in it: 12 % more instructions.
            Entries::Gaussian => {
                for entry in vector {
                    let normal: f64 = StandardNormal.sample(rng);
                    *entry = (normal * scale) as f32;
                }
            }
            Entries::Rademacher => {
                for signs in vector.chunks_mut(64) {
                    let word = rng.next_u64();
                    for (bit_idx, entry) in signs.iter_mut().enumerate() {
                        *entry = if word >> bit_idx & 1 == 1 { 1.0 } else { -1.0 };
                    }
                }
            }
            Entries::Uniform => vector.fill_with(|| rng.random()),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::tests::{cosines, embed, mean_square_cosine};

    #[test]
    fn theory_mean_square_cosine_is_one_over_d() {
        for entries in [Entries::Gaussian, Entries::Rademacher] {
            let (mean, error) = mean_square_cosine(&FullyDistributed { entries }, 96, 48, 40);
            assert!((mean - 1.0 / 48.0).abs() < 4.0 * error, "{entries:?}: {mean} ± {error}");
        }
    }

    #[test]
    fn theory_mean_cosine_of_the_uniform_code_is_three_quarters() {
        // §1: ⟨x⟩²/⟨x²⟩ = (1/4)/(1/3); measured 0.7498 at d = 4096.
        let embedding = embed(&FullyDistributed { entries: Entries::Uniform }, 40, 4096);
        let cosines = cosines(&embedding);
        let mean = cosines.iter().sum::<f64>() / cosines.len() as f64;
        assert!((mean - 0.75).abs() < 0.003, "{mean}");
    }

    #[test]
    fn theory_rademacher_entries_are_plus_and_minus_one_equally_often() {
        let embedding = embed(&FullyDistributed { entries: Entries::Rademacher }, 50, 200);
        assert!(embedding.as_slice().iter().all(|&x| x == 1.0 || x == -1.0));
        let mean = embedding.as_slice().iter().sum::<f32>() / 10_000.0;
        assert!(mean.abs() < 0.04, "4 standard errors of 10,000 signs; got {mean}");
    }

    #[test]
    fn theory_gaussian_vectors_have_mean_square_length_one() {
        let embedding = embed(&FullyDistributed::default(), 400, 50);
        let square = embedding.as_slice().iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / 400.0;
        assert!((square - 1.0).abs() < 0.04, "4 standard errors √(2/(n d)); got {square}");
    }
}
