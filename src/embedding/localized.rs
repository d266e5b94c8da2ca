//! Localized: every concept has units of its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Asked, Encoding, Fault, Model, Size, at_most_d_model, by_concept};
use crate::geometry::embedding::Embedding;
use crate::quantity::Count;
use crate::seed::Stream;

/// Every concept has units of its own, so no two overlap.
///
/// Concept i is the unit vector with equal entries 1/√u on the units i·u … i·u + u − 1 and zero elsewhere; u = `units`.
/// Only ⌊d/u⌋ concepts find room: those beyond are not represented (a zero vector), are left out of all statistics, and
/// `represented_fraction` says so. Every cosine is exactly 0. Nothing is random. O(n d) time and memory.
///
/// Source: the one-hot or "grandmother cell" code, as in Thorpe (1989), Local vs. distributed coding, Intellectica 8.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Localized {
    /// Units that each concept has for itself, u: from 1 to d_model.
    #[serde(default = "one")]
    pub units: Count,
}

fn one() -> Count {
    Count::new(1).expect("1 is a count")
}

impl Encoding for Localized {
    fn size(&self, asked: &Asked) -> Result<Size, Fault> {
        let size = Size { n_concepts: asked.n_concepts()?, d_model: asked.d_model()? };
        at_most_d_model("units", self.units.get(), size.d_model)?;
        Ok(size)
    }

    fn embed(&self, model: &Model, stream: &Stream, parallel: bool) -> Result<Embedding, Fault> {
        let units = self.units.size();
        let entry = (1.0 / (units as f64).sqrt()) as f32;
        let capacity = model.d_model / units;
        Ok(by_concept(model, stream, parallel, |concept_idx, vector, _| {
            if concept_idx < capacity {
                vector[concept_idx * units..][..units].fill(entry);
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::tests::{embed, size_fault};

    #[test]
    fn theory_concepts_stand_on_blocks_of_their_own_until_the_room_is_full() {
        let embedding = embed(&Localized { units: Count::new(4).expect("4") }, 3, 11);
        assert_eq!(embedding.column(0), [0.5, 0.5, 0.5, 0.5, 0., 0., 0., 0., 0., 0., 0.]);
        assert_eq!(embedding.column(1), [0., 0., 0., 0., 0.5, 0.5, 0.5, 0.5, 0., 0., 0.]);
        assert_eq!(embedding.column(2), [0.0; 11], "⌊11/4⌋ = 2 concepts find room");
    }

    #[test]
    fn theory_more_units_than_the_width_are_refused() {
        let fault = size_fault(&Localized { units: Count::new(9).expect("9") }, 3, 8);
        assert_eq!(fault, "must be at most d_model (8), got 9");
    }
}
