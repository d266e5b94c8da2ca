//! Support: a random subset of the units, the knob from localized to distributed.

use std::fmt;

use rand::seq::index;
use rand_distr::{Distribution, StandardNormal};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Asked, Encoding, Fault, Key, Model, Size, at_most_d_model, by_concept};
use crate::geometry::embedding::Embedding;
use crate::quantity::{Count, Fraction, abridged, shortest};
use crate::seed::Stream;

/// Every concept is a random unit vector on a random subset of s of the d units: from one-hot (s = 1) to dense (s = d).
///
/// The mean square cosine is 1/d for every s, so it cannot tell localized from distributed; the fourth moment can:
/// E cos⁴ = 3 E(K(K+2))/(s²(s+2)²), where K, the number of shared units, is hypergeometric with E K = s²/d and
/// Var K = s (s/d)(1 − s/d)(d − s)/(d − 1). Exactly one of `active` and `lambda` sets s. O(n d) time and memory.
///
/// Source: derived from the isotropy of the vector on its support; sparse block codes in Frady, Kleyko & Sommer (2021), IEEE TNNLS.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Support {
    /// Units that take part in a concept, s: from 1 to d_model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<Count>,
    /// Sets s = d^λ, rounded: a number from 0 (one-hot) to 1 (dense), or "params" for λ = (log₁₀ N − 7)/4 clipped to 0 … 1,
    /// so that 1e7 parameters are one-hot, 1e9 have √d active units, and 1e11 are dense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lambda: Option<Lambda>,
}

/// Where the knob between localized (0) and distributed (1) stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lambda {
    /// At this number.
    At(Fraction),
    /// Where the tier's number of parameters puts it.
    Params,
}

impl Support {
    /// s, the number of active units, before it is held against d.
    fn active(&self, d_model: u64, params: Option<f64>) -> Result<u64, Fault> {
        match (self.active, self.lambda) {
            (Some(active), None) => Ok(active.get()),
            (None, Some(lambda)) => Ok(power(d_model, lambda.resolve(params)?)),
            (None, None) => Err(Fault::scenario(Key::parameter(""), "needs active or lambda")),
            (Some(_), Some(_)) => {
                Err(Fault::scenario(Key::parameter("lambda"), "excludes active: give one of the two"))
            }
        }
    }
}

impl Lambda {
    fn resolve(self, params: Option<f64>) -> Result<f64, Fault> {
        match (self, params) {
            (Self::At(lambda), _) => Ok(lambda.get()),
            (Self::Params, Some(params)) => Ok(((libm::log10(params) - 7.0) / 4.0).clamp(0.0, 1.0)),
            (Self::Params, None) => {
                Err(Fault::scenario(Key::parameter("lambda"), "is \"params\", but the tier has no params"))
            }
        }
    }
}

/// d^λ, rounded; at least 1 and at most d.
fn power(d_model: u64, lambda: f64) -> u64 {
    (libm::pow(d_model as f64, lambda).round() as u64).clamp(1, d_model)
}

impl Encoding for Support {
    fn size(&self, asked: &Asked) -> Result<Size, Fault> {
        let size = Size { n_concepts: asked.n_concepts()?, d_model: asked.d_model()? };
        at_most_d_model("active", self.active(size.d_model, asked.params)?, size.d_model)?;
        Ok(size)
    }

    fn embed(&self, model: &Model, stream: &Stream, parallel: bool) -> Result<Embedding, Fault> {
        let d = model.d_model;
        let active = self.active(d as u64, model.params)? as usize;
        Ok(by_concept(model, stream, parallel, |_, vector, rng| {
            let direction = isotropic(active, rng);
            if active == d {
                vector.iter_mut().zip(&direction).for_each(|(entry, &x)| *entry = x as f32);
            } else {
                index::sample(rng, d, active)
                    .iter()
                    .zip(&direction)
                    .for_each(|(unit_idx, &x)| vector[unit_idx] = x as f32);
            }
        }))
    }
}

/// A random direction of s dimensions, of length 1.
fn isotropic(s: usize, rng: &mut crate::seed::Rng) -> Vec<f64> {
    loop {
        let normals: Vec<f64> = (0..s).map(|_| StandardNormal.sample(rng)).collect();
        let length = normals.iter().map(|x| x * x).sum::<f64>().sqrt();
        // A draw too short to have a direction is drawn again: it happens about once in 1e9 for s = 1.
        if length > 1e-9 {
            return normals.into_iter().map(|x| x / length).collect();
        }
    }
}

impl<'de> Deserialize<'de> for Lambda {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Lambda;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str(ALLOWED)
            }
            fn visit_i64<E: Error>(self, v: i64) -> Result<Lambda, E> {
                self.visit_f64(v as f64)
            }
            fn visit_f64<E: Error>(self, v: f64) -> Result<Lambda, E> {
                Fraction::new(v)
                    .map(Lambda::At)
                    .ok_or_else(|| E::custom(format!("must be {ALLOWED}, got {}", shortest(v))))
            }
            fn visit_str<E: Error>(self, v: &str) -> Result<Lambda, E> {
                match v {
                    "params" => Ok(Lambda::Params),
                    _ => Err(E::custom(format!("must be {ALLOWED}, got {}", abridged(v)))),
                }
            }
        }
        const ALLOWED: &str = "a number from 0 to 1 or \"params\"";
        deserializer.deserialize_any(Reader)
    }
}

impl Serialize for Lambda {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::At(lambda) => lambda.serialize(serializer),
            Self::Params => serializer.serialize_str("params"),
        }
    }
}

impl JsonSchema for Lambda {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Lambda".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "number", "minimum": 0, "maximum": 1 }, { "const": "params" }] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::tests::{cosines, embed, mean_square_cosine, size_fault};

    fn of(active: u64) -> Support {
        Support { active: Count::new(active), lambda: None }
    }

    #[test]
    fn theory_v03_mean_square_cosine_is_one_over_d_for_every_support() {
        for s in [1, 4, 16, 64] {
            let (mean, error) = mean_square_cosine(&of(s), 96, 64, 60);
            assert!((mean - 1.0 / 64.0).abs() < 4.0 * error, "s = {s}: {mean} ± {error}");
        }
    }

    #[test]
    fn theory_v03_excess_kurtosis_at_d_256() {
        // §7.2: 253.0, 61.75, 6.20, 0.27, −0.02, from the hypergeometric moments; tolerance 10 % of the fourth moment.
        for (s, excess) in [(1, 253.0), (4, 61.75), (16, 6.20), (64, 0.27), (256, -0.02)] {
            let cosines = cosines(&embed(&of(s), 1000, 256));
            let moment = |p: i32| cosines.iter().map(|c| c.powi(p)).sum::<f64>() / cosines.len() as f64;
            let kurtosis = moment(4) / moment(2).powi(2);
            assert!((kurtosis / (excess + 3.0) - 1.0).abs() < 0.1, "s = {s}: {kurtosis} against {}", excess + 3.0);
        }
    }

    #[test]
    fn theory_every_vector_has_s_units_and_length_one() {
        let embedding = embed(&of(5), 100, 40);
        for i in 0..100 {
            let column = embedding.column(i);
            assert_eq!(column.iter().filter(|&&x| x != 0.0).count(), 5);
            let square = column.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
            assert!((square - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn theory_lambda_from_params_goes_from_one_hot_to_dense() {
        let knob = Support { active: None, lambda: Some(Lambda::Params) };
        let active = |params| knob.active(1895, Some(params)).expect("params are there");
        assert_eq!([1e6, 1e7, 1e9, 1e11, 1e12].map(active), [1, 1, 44, 1895, 1895], "√1895 = 43.5");
    }

    #[test]
    fn theory_faults_name_what_is_wrong() {
        assert_eq!(size_fault(&of(9), 3, 8), "must be at most d_model (8), got 9");
        assert_eq!(size_fault(&Support::default(), 3, 8), "needs active or lambda");
        let both = Support { active: Count::new(1), lambda: Some(Lambda::Params) };
        assert_eq!(size_fault(&both, 3, 8), "excludes active: give one of the two");
        let word = Support { active: None, lambda: Some(Lambda::Params) };
        assert_eq!(size_fault(&word, 3, 8), "is \"params\", but the tier has no params");
    }
}
