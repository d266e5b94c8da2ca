//! Tier: a model of some size, with what is known of its training.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::catalogue;
use crate::embedding::Scheme;
use crate::measure::Facts;
use crate::quantity::{Count, Label, Params, Positive, abridged, shortest};

/// A model of some size: `params`, `d_model` or both, unless the embedding brings its own width or nothing that is measured reads vectors.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// What the tier is called, in the CSV and in paths.
    pub name: Label,
    /// A published language model of the built-in catalogue (`superpose list models`), which gives `params`, `tokens`, `compute` and `d_model` as far as they
    /// were published and are not given here. Compute that was not published is 6 N D, with the parameters that a token meets for a mixture of experts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Number of parameters, N, from 1 to 1e18.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Params>,
    /// Tokens that the model is trained on, D: a number from 1 to 1e18, or "chinchilla" for 20 per parameter (Hoffmann et al. 2022).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
    /// Compute of the training in FLOP, C. Left out: 6 N D where N and D are known (Kaplan et al. 2020), else unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compute: Option<Positive>,
    /// Width, d: the number of units. Left out: 0.7145·N^0.3804, the law fitted to the published GPT-3 and Pythia models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub d_model: Option<Count>,
    /// How the tier represents its concepts. May be left out where no measure reads vectors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedding: Option<Scheme>,
}

/// How much text a model is trained on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tokens {
    /// So many tokens.
    Number(Params),
    /// Twenty per parameter, about what the compute-optimal models of Hoffmann et al. (2022) were given.
    Chinchilla,
}

impl Tier {
    /// Fills in what the catalogue knows of its model. Another size makes the width and the compute another, other tokens the compute.
    pub(super) fn fill_in(&mut self) -> Result<(), String> {
        let Some(name) = &self.model else { return Ok(()) };
        let model = catalogue::model(name)?;
        if self.params.is_none() && self.tokens.is_none() && self.compute.is_none() {
            self.compute = model.compute().and_then(Positive::new);
        }
        if self.params.is_none() {
            self.d_model = self.d_model.or(model.d_model.and_then(Count::new));
        }
        self.params = self.params.or(model.params.and_then(Params::new));
        self.tokens = self.tokens.or(model.tokens.and_then(Params::new).map(Tokens::Number));
        Ok(())
    }

    /// N, D and C, as far as they are given or follow.
    pub fn facts(&self) -> Facts {
        let params = self.params.map(Params::get);
        let tokens = self.tokens.and_then(|tokens| match tokens {
            Tokens::Number(tokens) => Some(tokens.get()),
            Tokens::Chinchilla => params.map(|params| 20.0 * params),
        });
        let compute = self.compute.map(Positive::get).or_else(|| Some(6.0 * params? * tokens?));
        Facts { params, tokens, compute }
    }
}

const ALLOWED: &str = "a number from 1 to 1e18 or \"chinchilla\"";

impl<'de> Deserialize<'de> for Tokens {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Tokens;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str(ALLOWED)
            }
            fn visit_i64<E: Error>(self, v: i64) -> Result<Tokens, E> {
                self.visit_f64(v as f64)
            }
            fn visit_u64<E: Error>(self, v: u64) -> Result<Tokens, E> {
                self.visit_f64(v as f64)
            }
            fn visit_f64<E: Error>(self, v: f64) -> Result<Tokens, E> {
                let refusal = || E::custom(format!("must be {ALLOWED}, got {}", shortest(v)));
                Params::new(v).map(Tokens::Number).ok_or_else(refusal)
            }
            fn visit_str<E: Error>(self, v: &str) -> Result<Tokens, E> {
                match v {
                    "chinchilla" => Ok(Tokens::Chinchilla),
                    _ => Err(E::custom(format!("must be {ALLOWED}, got {}", abridged(v)))),
                }
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl Serialize for Tokens {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(tokens) => tokens.serialize(serializer),
            Self::Chinchilla => serializer.serialize_str("chinchilla"),
        }
    }
}

impl JsonSchema for Tokens {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Tokens".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "oneOf": [{ "type": "number", "minimum": 1, "maximum": 1e18 }, { "const": "chinchilla" }] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tier(toml: &str) -> Tier {
        let mut tier: Tier = toml::from_str(&format!("name = \"t\"\n{toml}")).expect("a tier");
        tier.fill_in().expect("a model of the catalogue");
        tier
    }

    fn facts(toml: &str) -> [Option<f64>; 3] {
        let Facts { params, tokens, compute } = tier(toml).facts();
        [params, tokens, compute]
    }

    #[test]
    fn theory_compute_is_six_n_d_where_both_are_known() {
        assert_eq!(facts("params = 1e9"), [Some(1e9), None, None]);
        assert_eq!(facts("params = 1e9\ntokens = 2e10"), [Some(1e9), Some(2e10), Some(1.2e20)]);
        assert_eq!(facts("params = 1e9\ntokens = \"chinchilla\""), [Some(1e9), Some(2e10), Some(1.2e20)]);
        assert_eq!(facts("params = 1e9\ntokens = 2e10\ncompute = 5"), [Some(1e9), Some(2e10), Some(5.0)]);
    }

    // Brown et al. (2020), table D.1: 174,600 million parameters, 300 billion tokens, 3.14e23 FLOP; table 2.1: width 12288.
    #[test]
    fn theory_a_model_fills_in_what_was_published() {
        assert_eq!(facts("model = \"GPT-3\""), [Some(1.75e11), Some(3e11), Some(3.14e23)]);
        assert_eq!(tier("model = \"gpt-3\"").d_model, Count::new(12288));
        // Another size is another width and another compute; other tokens leave the width.
        assert_eq!(facts("model = \"GPT-3\"\nparams = 1e9"), [Some(1e9), Some(3e11), Some(1.8e21)]);
        assert_eq!(tier("model = \"GPT-3\"\nparams = 1e9").d_model, None);
        assert_eq!(facts("model = \"GPT-3\"\ntokens = 1e9"), [Some(1.75e11), Some(1e9), Some(1.05e21)]);
        assert_eq!(tier("model = \"GPT-3\"\ntokens = 1e9").d_model, Count::new(12288));
        assert_eq!(facts("model = \"GPT-4 Turbo\""), [None, None, None]);
    }
}
