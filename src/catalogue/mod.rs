//! Catalogue: language models that were built and abilities that appeared in them, each number with its source.

use std::fmt;
use std::sync::OnceLock;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::quantity::abridged;
use crate::suggestion::did_you_mean;

/// A published language model.
///
/// A number that its makers never published is `None`; nothing here is derived from other numbers, and no estimate of others
/// stands in for a missing one unless the note says so.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Its name, as in `model = "GPT-3"`.
    pub name: String,
    /// Who built it.
    pub maker: String,
    /// The year in which it was published.
    pub year: u16,
    /// N, all its parameters, embeddings included, with as many digits as were published.
    pub params: Option<f64>,
    /// The parameters that one token meets, where these are not all: a mixture of experts.
    pub active_params: Option<f64>,
    /// d, the length of the vector that stands for a token between blocks.
    pub d_model: Option<u64>,
    /// L, the number of transformer blocks.
    pub layers: Option<u64>,
    /// D, the tokens seen in pretraining, repetitions included.
    pub tokens: Option<f64>,
    /// The published operations (FLOP) of the training. See [`Model::compute`] for where there are none.
    pub compute: Option<f64>,
    /// The most tokens that it reads at once.
    pub context: Option<u64>,
    /// What of it was published.
    pub openness: Openness,
    /// What was scored, and how.
    pub benchmark: Option<String>,
    /// The published score, in per cent.
    pub score: Option<f64>,
    /// Where the numbers stand.
    pub source: String,
    /// What a reader should know of them; may be empty.
    pub note: String,
}

/// What of a model was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Openness {
    /// Weights, code and training data.
    Open,
    /// Weights, but not all of the training data.
    Weights,
    /// Neither: it can at most be asked.
    Closed,
}

/// An ability that was absent from smaller models and present from some scale on.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ability {
    /// What the models can do from this scale on.
    pub ability: String,
    /// `few-shot` for an ability that examples in the prompt bring out, `augmented` for a way of prompting or training that
    /// only then helps.
    pub prompting: String,
    /// The operations (FLOP) in the training of the smallest model that showed it.
    pub compute: f64,
    /// The parameters of that model.
    pub params: f64,
    /// The family of models in which it was seen.
    pub family: String,
    /// Who measured it.
    pub reference: String,
    /// Where the row was printed.
    pub source: String,
}

/// All models, families together.
pub fn models() -> &'static [Model] {
    static MODELS: OnceLock<Vec<Model>> = OnceLock::new();
    MODELS.get_or_init(|| rows(include_str!("models.csv")))
}

/// Abilities and the scale at which they appeared, in the order of the paper.
///
/// Each scale is that of a model which was built, so the ability may have begun anywhere between that model and the next
/// smaller one of its family. The paper's row of "many BIG-Bench tasks" names no scale and is left out.
///
/// Source: Wei et al. (2022), Emergent Abilities of Large Language Models, arXiv:2206.07682, table 1.
pub fn abilities() -> &'static [Ability] {
    static ABILITIES: OnceLock<Vec<Ability>> = OnceLock::new();
    ABILITIES.get_or_init(|| rows(include_str!("abilities.csv")))
}

/// The model with this name, in capital or small letters; or a sentence with the nearest right names.
pub fn model(name: &str) -> Result<&'static Model, String> {
    let lower = name.to_lowercase();
    let found = models().iter().find(|model| model.name.to_lowercase() == lower);
    found.ok_or_else(|| format!("{} is no model of the catalogue{}", abridged(name), near(&lower)))
}

impl Model {
    /// The operations (FLOP) of its training: the published figure; else 6·N·D with N the parameters that a token meets and D
    /// the tokens; else none, where one of them was not published either.
    ///
    /// Where both are known, 6·N·D is 0.57 to 1.02 of the published figure, which may count attention over the context too; only
    /// for an encoder with a decoder (T5), of which a token passes one, it is twice as much.
    ///
    /// Source: Kaplan et al. (2020), arXiv:2001.08361, section 2.1, for 6·N·D.
    pub fn compute(&self) -> Option<f64> {
        self.compute.or_else(|| self.six_n_d())
    }

    /// 6·N·D: two operations for each parameter and token forwards, four backwards; attention over the context left out.
    fn six_n_d(&self) -> Option<f64> {
        Some(6.0 * self.active_params.or(self.params)? * self.tokens?)
    }
}

impl Openness {
    /// What the word stands for.
    pub fn words(self) -> &'static str {
        match self {
            Openness::Open => "weights, code and training data",
            Openness::Weights => "weights, but not all of the training data",
            Openness::Closed => "neither weights nor training data",
        }
    }
}

/// The word of the catalogue.
impl fmt::Display for Openness {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Openness::Open => "open",
            Openness::Weights => "weights",
            Openness::Closed => "closed",
        })
    }
}

/// The members of a family for its name, else the one name that is nearest.
fn near(lower: &str) -> String {
    let names = || models().iter().map(|model| model.name.as_str());
    let is_member = |name: &&str| {
        let rest = name.to_lowercase();
        rest.strip_prefix(lower).is_some_and(|rest| rest.starts_with([' ', '-']))
    };
    let family: Vec<&str> = names().filter(is_member).collect();
    match family.as_slice() {
        [_, _, ..] if !lower.is_empty() => format!("; there are {}", family.join(", ")),
        _ => match did_you_mean(lower, names()) {
            none if none.is_empty() => "; superpose list models shows them all".to_owned(),
            meant => meant,
        },
    }
}

fn rows<Row: DeserializeOwned>(text: &'static str) -> Vec<Row> {
    let rows = csv::Reader::from_reader(text.as_bytes()).into_deserialize();
    rows.collect::<Result<_, _>>().expect("the table is built in, and a test reads it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::width::SHAPES;

    #[test]
    fn law_every_model_has_a_name_of_its_own_a_maker_a_year_and_a_source() {
        for (idx, model) in models().iter().enumerate() {
            let name = &model.name;
            assert!(
                models()[..idx].iter().all(|other| other.name.to_lowercase() != name.to_lowercase()),
                "{name} twice"
            );
            let is_plain = |c: char| c.is_ascii_alphanumeric() || " -.".contains(c);
            assert!(name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(is_plain), "{name}");
            assert!(!model.maker.is_empty() && (2018..2030).contains(&model.year), "{model:?}");
            assert!(model.source.contains("arXiv:") || model.source.len() > 30, "{model:?}");
            for text in [name, &model.maker, &model.source, &model.note] {
                assert_eq!(text.trim(), text);
            }
            assert!(model.note.is_empty() || model.note.ends_with('.'), "{model:?}");
        }
        assert!(models().len() >= 90);
    }

    #[test]
    fn law_numbers_lie_where_such_models_lie() {
        for model in models() {
            let within =
                |value: Option<f64>, least: f64, most: f64| value.is_none_or(|value| (least..=most).contains(&value));
            let whole = |value: Option<u64>| value.map(|value| value as f64);
            assert!(within(model.params, 1e7, 1e12), "{model:?}");
            assert!(within(model.tokens, 1e9, 1e14) && within(model.compute, 1e18, 1e26), "{model:?}");
            assert!(
                within(whole(model.d_model), 128.0, 32768.0) && within(whole(model.layers), 4.0, 200.0),
                "{model:?}"
            );
            assert!(within(whole(model.context), 512.0, 1e7) && within(model.score, 20.0, 100.0), "{model:?}");
            assert_eq!(model.benchmark.is_some(), model.score.is_some(), "{model:?}");
            assert_eq!(model.d_model.is_some(), model.layers.is_some(), "{model:?}");
            let active = model.active_params.unwrap_or(1.0);
            assert!(model.active_params.is_none() || model.params.is_some_and(|all| active < all), "{model:?}");
        }
    }

    #[test]
    fn law_a_model_without_parameters_or_tokens_says_so() {
        let silent = |model: &&Model| (model.params.is_none() || model.tokens.is_none()) && model.note.is_empty();
        assert_eq!(models().iter().find(silent), None);
        for name in ["GPT-4", "GPT-4 Turbo", "Claude 3 Opus"] {
            let model = model(name).unwrap();
            assert_eq!((model.params, model.d_model, model.tokens, model.compute()), (None, None, None, None));
            assert!(model.note.starts_with("Size, tokens and compute were never published"), "{}", model.note);
        }
        assert!(model("GPT-4").unwrap().note.contains("rumour"));
    }

    #[test]
    fn law_names_are_found_in_any_case_and_slips_find_their_model() {
        for written in ["GPT-3", "gpt-3", "Gpt-3"] {
            assert_eq!(model(written).unwrap().params, Some(175e9));
        }
        for (slip, sentence) in [
            ("GPT3", r#""GPT3" is no model of the catalogue; did you mean "GPT-3"?"#),
            ("Lama 3 8B", r#""Lama 3 8B" is no model of the catalogue; did you mean "Llama 3 8B"?"#),
            (
                "Gemma",
                r#""Gemma" is no model of the catalogue; there are Gemma 2B, Gemma 7B, Gemma 2 2B, Gemma 2 9B, Gemma 2 27B"#,
            ),
            ("deepseek", r#""deepseek" is no model of the catalogue; there are DeepSeek-V3, DeepSeek-R1"#),
            ("xyzzy", r#""xyzzy" is no model of the catalogue; superpose list models shows them all"#),
            ("", r#""" is no model of the catalogue; superpose list models shows them all"#),
        ] {
            assert_eq!(model(slip).unwrap_err(), sentence);
        }
    }

    // Published operations count attention and logits as well, which weigh most where a model is small: at 111M parameters
    // 6·N·D is 0.57 of what Cerebras counts. Gopher's own 6.31e23 is 1.25 times 6·N·D. T5 is the exception, and exact: half its
    // blocks read what goes in and half what comes out, so a token meets half of the parameters.
    #[test]
    fn theory_six_operations_per_parameter_and_token_agree_with_published_compute() {
        let both = models().iter().filter_map(|model| Some((model, model.six_n_d()? / model.compute?)));
        let ratios: Vec<(&Model, f64)> = both.collect();
        for (model, ratio) in &ratios {
            let expected = if model.name == "T5-11B" { 2.0 } else { 1.0 };
            assert!((0.5..1.05).contains(&(ratio / expected)), "{}: {ratio}", model.name);
        }
        assert!(ratios.len() >= 20, "{} models have both", ratios.len());
        // Where attention weighs little, the digits of the printed numbers agree.
        for (name, digits) in [("GPT-3", 0.01), ("Chinchilla", 0.03), ("Llama 3.1 405B", 0.01)] {
            let (_, ratio) = ratios.iter().find(|(model, _)| model.name == name).unwrap();
            assert!((ratio - 1.0).abs() < digits, "{name}: {ratio}");
        }
    }

    #[test]
    fn theory_compute_is_the_published_figure_before_the_derived_one() {
        assert_eq!(model("Gopher").unwrap().compute(), Some(6.31e23));
        assert_eq!(model("Llama 2 70B").unwrap().compute(), Some(6.0 * 70e9 * 2e12));
        // Of a mixture of experts only the active ones work.
        assert_eq!(model("DeepSeek-V3").unwrap().compute(), Some(6.0 * 37e9 * 14.8e12));
        assert_eq!(model("Mistral 7B").unwrap().compute(), None);
    }

    // 12 L d² are the matrices; biases and layer norms add 13 L d + 2 d, and the untied embeddings 2 V d with a vocabulary V
    // that was padded for each size (the model cards and configurations of EleutherAI).
    #[test]
    fn theory_parameters_of_pythia_are_their_parts_to_the_last_one() {
        let mut n_models = 0;
        for model in models().iter().filter(|model| model.name.starts_with("Pythia ")) {
            let (d, layers) = (model.d_model.unwrap(), model.layers.unwrap());
            let vocabulary = match model.name.as_str() {
                "Pythia 6.9B" => 50432,
                "Pythia 12B" => 50688,
                _ => 50304,
            };
            let parts = 12 * layers * d * d + 13 * layers * d + 2 * d + 2 * vocabulary * d;
            assert_eq!(model.params, Some(parts as f64), "{}", model.name);
            n_models += 1;
        }
        assert_eq!(n_models, 10);
    }

    // Table D.1 of Brown et al. prints millions of parameters to four digits. 12 L d² and the embeddings of 50257 tokens and 2048
    // places give them within 0.4 % (biases are left out); for 13B only with the width 5120, not with the printed 5140.
    #[test]
    fn theory_parameters_of_gpt_3_are_its_matrices_and_embeddings() {
        let printed = [
            ("GPT-3 Small", 125.0),
            ("GPT-3 Medium", 356.0),
            ("GPT-3 Large", 760.0),
            ("GPT-3 XL", 1320.0),
            ("GPT-3 2.7B", 2650.0),
            ("GPT-3 6.7B", 6660.0),
            ("GPT-3 13B", 12850.0),
            ("GPT-3", 174_600.0),
        ];
        let millions = |layers: u64, d: u64| (12 * layers * d * d + (50257 + 2048) * d) as f64 / 1e6;
        for (name, expected) in printed {
            let model = model(name).unwrap();
            let d = if name == "GPT-3 13B" { 5120 } else { model.d_model.unwrap() };
            let found = millions(model.layers.unwrap(), d);
            assert!((found / expected - 1.0).abs() < 0.004, "{name}: {found} million, printed {expected}");
            assert!((model.params.unwrap() / (expected * 1e6) - 1.0).abs() < 0.02, "{name}");
        }
        assert!(millions(40, 5140) / 12850.0 > 1.007);
    }

    // Relative positions (Dai et al. 2019) add one d × d matrix to the twelve of a block; the vocabulary has 32000 tokens. The sizes
    // are printed to two or three digits: 1.37e9 as 1.4B.
    #[test]
    fn theory_parameters_of_gopher_and_chinchilla_are_their_matrices_and_embeddings() {
        let family = models().iter().filter(|model| model.name.starts_with("Gopher") || model.name == "Chinchilla");
        let mut n_models = 0;
        for model in family {
            let (d, layers) = (model.d_model.unwrap(), model.layers.unwrap());
            let ratio = (13 * layers * d * d + 32000 * d) as f64 / model.params.unwrap();
            assert!((ratio - 1.0).abs() < 0.02, "{}: {ratio}", model.name);
            n_models += 1;
        }
        assert_eq!(n_models, 7);
    }

    // Decoders whose feed-forward part has 8 d² parameters are 12 L d², but for embeddings, which are below a tenth from 2.5e9 on.
    #[test]
    fn theory_large_plain_decoders_are_twelve_layers_width_squared() {
        let families = ["GPT-3", "GPT-J", "Jurassic", "MT-NLG", "OPT-", "BLOOM", "Pythia", "Cerebras-GPT", "Llama 1"];
        let mut n_models = 0;
        for model in models().iter().filter(|model| families.iter().any(|family| model.name.starts_with(family))) {
            if let (Some(params @ 2.5e9..), Some(layers), Some(d)) = (model.params, model.layers, model.d_model) {
                let ratio = (12 * layers * d * d) as f64 / params;
                assert!((0.9..1.0).contains(&ratio), "{}: {ratio}", model.name);
                n_models += 1;
            }
        }
        assert!(n_models >= 20, "{n_models}");
    }

    #[test]
    fn law_the_shapes_behind_the_law_of_width_are_those_of_the_catalogue() {
        for shape in SHAPES {
            let name = match shape.model {
                "175B" => shape.family.to_owned(),
                size => format!("{} {size}", shape.family),
            };
            let model = model(&name).unwrap();
            assert_eq!((model.layers, model.d_model), (Some(shape.layers), Some(shape.width)), "{name}");
        }
    }

    // A scratchpad helped LaMDA from 4e7 parameters on.
    #[test]
    fn theory_all_abilities_but_one_appeared_between_six_and_540_billion_parameters() {
        assert_eq!(abilities().len(), 22);
        let outside: Vec<&Ability> =
            abilities().iter().filter(|ability| !(6e9..=540e9).contains(&ability.params)).collect();
        assert_eq!(outside.len(), 1);
        assert_eq!((outside[0].family.as_str(), outside[0].params, outside[0].compute), ("LaMDA", 4e7, 8.9e19));
        // The compute of a known model is that of its row: Wei et al. take 6·N·D.
        for (family, name) in [("GPT-3", "GPT-3"), ("Gopher", "Gopher"), ("PaLM", "PaLM 540B"), ("PaLM", "PaLM 62B")] {
            let model = model(name).unwrap();
            let (params, six_n_d) = (model.params.unwrap(), model.six_n_d().unwrap());
            let rows =
                abilities().iter().filter(|row| row.family == family && (row.params / params - 1.0).abs() < 0.01);
            for row in rows {
                assert!((row.compute / six_n_d - 1.0).abs() < 0.03, "{row:?}: {six_n_d}");
            }
        }
    }
}
