//! Trained: what a toy model has made of the concepts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Asked, Encoding, Fault, Key, Model, Size};
use crate::geometry::embedding::Embedding;
use crate::quantity::{Count, Positive};
use crate::seed::Stream;
use crate::training::{self, Architecture, Optimizer, Outcome, Recipe, Schedule, State};

/// The vectors that a toy model has learned: a training for every point, tier and replicate.
///
/// `model` says what is trained; its manual (`superpose explain elhage`) has the formulas and the source. The options beside it say how, and what is left
/// out is as that manual says, mostly as in the model's paper. The width is the tier's `d_model`, and may be larger than the number of concepts. With `checkpoints` a training has
/// a row for each of them, with the column `step`; with `anneal` it goes on from the end of the one before it along an axis of the sweep, with the column
/// `direction`. A training that diverges has the status `diverged` and no values. Measures of the training itself are `training` and `represented`.
/// One core for each training, or one for each restart where there are few trainings; O(n d) memory for each restart and checkpoint.
///
/// Source: as for each model; the options are those of Kingma & Ba (2015), Adam, and Loshchilov & Hutter (2017, 2019), SGDR and AdamW.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trained {
    /// What is trained: one of the models below.
    pub model: Architecture,
    /// Steps of the optimiser. Left out: those of the model's paper, as all below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<Count>,
    /// Fresh samples in each step; for `deep_linear`, whose steps see every item once, n.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Count>,
    /// Learning rate r at its highest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<Positive>,
    /// How the learning rate moves over S steps: "constant"; "warmup_cosine", in a straight line from 0 to r over the first tenth of the steps, then along half a cosine
    /// down to r/20 at the last; or "linear", in a straight line from r at the first step to r/S at the last, so that 0 would be next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// What follows from a gradient: "adam" (β₁ = 0.9, β₂ = 0.999, ε = 1e-8 outside the root, both moments corrected for their start), "adamw" (the same) or "sgd" (no
    /// momentum). A weight decay λ (`decay` of elhage) adds λW to the gradient under adam and sgd; under adamw it takes r λ W off W before each step. The signed decay of liu acts before each step under all three.
    #[serde(default, alias = "optimiser", skip_serializing_if = "Option::is_none")]
    pub optimizer: Option<Optimizer>,
    /// Independent starts, of which the one with the lowest loss is kept. All see the same samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restarts: Option<Count>,
    /// Looks at the model on the way: a row for each. Left out: at the end alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoints: Option<Checkpoints>,
    /// Begins where the training at the neighbouring value of a swept axis has ended. Left out: every training begins afresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anneal: Option<Anneal>,
}

/// Concepts of a training, at most.
const MOST_CONCEPTS: u64 = 1 << 24;

/// Looks at a training, at most.
const MOST_LOOKS: u64 = 100_000;

/// Steps at which a model is looked at, up to the last step of its training, which is always among them.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Checkpoints {
    /// How many, at most 100,000, the last step included; those that fall on one step are merged.
    pub count: Count,
    /// The first one.
    pub from: Count,
    /// "log": each a fixed factor after the one before; "linear": a fixed number of steps.
    pub scale: Scale,
}

/// How checkpoints are spaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// By a fixed factor.
    #[default]
    Log,
    /// By a fixed number of steps.
    Linear,
}

impl Default for Checkpoints {
    fn default() -> Self {
        let count = |n| Count::new(n).expect("it is above 0");
        Self { count: count(20), from: count(1), scale: Scale::Log }
    }
}

/// Trainings that go on from each other along a swept axis: what depends on where one comes from is hysteresis.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Anneal {
    /// The path of the axis, as it stands in `[sweep]`. Its values are numbers, and leave n and d as they are.
    pub along: String,
    /// "up": from the lowest value to the highest; "down": the other way; "both": up, and from the highest down again, with a row for each direction.
    #[serde(default)]
    pub direction: Directions,
}

/// Which ways an annealing goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Directions {
    /// From the lowest value to the highest.
    Up,
    /// From the highest value to the lowest.
    Down,
    /// Up, and from there down again.
    #[default]
    Both,
}

/// A way along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the lowest value to the highest.
    Up,
    /// From the highest value to the lowest.
    Down,
}

impl Direction {
    /// As it stands in the column `direction`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// A row of a tier at a point, before there are replicates of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stage {
    /// Which way the annealing went, if there is one.
    pub direction: Option<Direction>,
    /// Steps that the training had taken, if there are checkpoints.
    pub step: Option<u64>,
}

impl Checkpoints {
    /// The steps, ascending; the last is `steps`.
    fn steps(&self, steps: u64) -> Vec<u64> {
        let (first, last, k) = (self.from.get() as f64, steps as f64, self.count.get() - 1);
        let at = |part: f64| match self.scale {
            Scale::Log => libm::exp(libm::log(first) + part * (libm::log(last) - libm::log(first))),
            Scale::Linear => first + part * (last - first),
        };
        let mut found: Vec<u64> = (0..k).map(|i| at(i as f64 / k as f64).round() as u64).collect();
        found.retain(|&step| step < steps);
        found.push(steps);
        found.dedup();
        found
    }
}

impl Trained {
    /// The recipe, with what is left out taken from the model's paper.
    pub fn recipe(&self, size: Size) -> Recipe {
        let mut recipe = self.model.member().defaults(training_size(size));
        let count = |asked: Option<Count>, paper: u64| asked.map_or(paper, Count::get);
        recipe.steps = count(self.steps, recipe.steps);
        recipe.batch = count(self.batch, recipe.batch as u64) as usize;
        recipe.restarts = count(self.restarts, recipe.restarts as u64) as usize;
        recipe.learning_rate = self.learning_rate.map_or(recipe.learning_rate, Positive::get);
        recipe.schedule = self.schedule.unwrap_or(recipe.schedule);
        recipe.optimizer = self.optimizer.unwrap_or(recipe.optimizer);
        recipe.checkpoints =
            self.checkpoints.map_or_else(|| vec![recipe.steps], |checkpoints| checkpoints.steps(recipe.steps));
        recipe
    }

    /// The ways along its axis, in the order of the rows; a training that begins afresh has none.
    pub fn directions(&self) -> Vec<Option<Direction>> {
        match self.anneal.as_ref().map(|anneal| anneal.direction) {
            None => vec![None],
            Some(Directions::Up) => vec![Some(Direction::Up)],
            Some(Directions::Down) => vec![Some(Direction::Down)],
            Some(Directions::Both) => vec![Some(Direction::Up), Some(Direction::Down)],
        }
    }

    /// The rows of a replicate.
    pub fn stages(&self, size: Size) -> Vec<Stage> {
        let steps: Vec<Option<u64>> = match self.checkpoints {
            None => vec![None],
            Some(_) => self.recipe(size).checkpoints.into_iter().map(Some).collect(),
        };
        let stage = |direction| steps.iter().map(move |&step| Stage { direction, step });
        self.directions().into_iter().flat_map(stage).collect()
    }

    /// What its random numbers depend on: not on when it is looked at, nor on where it begins.
    pub fn unwatched(&self) -> Self {
        Self { checkpoints: None, anneal: None, ..self.clone() }
    }

    /// Trains, from a fresh start or from where another training ended.
    pub fn learn(&self, size: Size, warm: Option<&State>, stream: &Stream, parallel: bool) -> training::Trained {
        let mut recipe = self.recipe(size);
        if warm.is_some() {
            recipe.restarts = 1;
        }
        self.model.member().train(training_size(size), &recipe, warm, stream, parallel)
    }
}

/// The same size, as a model takes it.
fn training_size(size: Size) -> training::Size {
    training::Size { n_concepts: size.n_concepts as usize, d_model: size.d_model as usize }
}

impl Encoding for Trained {
    fn size(&self, asked: &Asked) -> Result<Size, Fault> {
        let size = Size { n_concepts: asked.n_concepts()?, d_model: asked.d_model()? };
        // What a model is asked takes memory for each concept and look, before any is counted.
        if size.n_concepts > MOST_CONCEPTS {
            let sentence = format!("has {} concepts, but a training takes at most {MOST_CONCEPTS}", size.n_concepts);
            return Err(Fault::scenario(Key::Concepts, sentence));
        }
        if let Some(checkpoints) = self.checkpoints.filter(|checkpoints| checkpoints.count.get() > MOST_LOOKS) {
            let sentence = format!("must be at most {MOST_LOOKS}, got {}", checkpoints.count);
            return Err(Fault::scenario(Key::parameter("checkpoints.count"), sentence));
        }
        let recipe = self.recipe(size);
        if let Some(checkpoints) = self.checkpoints.filter(|checkpoints| checkpoints.from.get() > recipe.steps) {
            let (from, steps) = (checkpoints.from, recipe.steps);
            let sentence = format!("must be at most the number of steps ({steps}), got {from}");
            return Err(Fault::scenario(Key::parameter("checkpoints.from"), sentence));
        }
        match self.model.member().refusal(training_size(size), &recipe) {
            None => Ok(size),
            Some((key, sentence)) => {
                let model = format!("model.{}", self.model.name());
                let key = match key {
                    "" => model,
                    key if training::OPTIONS.contains(&key) => key.to_owned(),
                    key => format!("{model}.{key}"),
                };
                Err(Fault::scenario(Key::Parameter(key.into()), sentence))
            }
        }
    }

    fn cost(&self, size: Size) -> (f64, f64) {
        let (seconds, bytes) = self.model.member().cost(training_size(size), &self.recipe(size));
        (seconds * self.directions().len() as f64, bytes)
    }

    fn embed(&self, model: &Model, stream: &Stream, parallel: bool) -> Result<Embedding, Fault> {
        let size = Size { n_concepts: model.n_concepts as u64, d_model: model.d_model as u64 };
        let trained = self.learn(size, None, stream, parallel);
        let is_whole = trained.outcome != Outcome::Diverged;
        trained.snapshots.into_iter().next_back().filter(|_| is_whole).map(|last| last.embedding).ok_or(Fault::Diverged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn law_checkpoints_ascend_from_the_first_to_the_last_step() {
        let checkpoints = |count, from, scale, steps| {
            let count_of = |n| Count::new(n).unwrap();
            Checkpoints { count: count_of(count), from: count_of(from), scale }.steps(steps)
        };
        assert_eq!(checkpoints(5, 1, Scale::Log, 10_000), [1, 10, 100, 1000, 10_000]);
        assert_eq!(checkpoints(5, 100, Scale::Linear, 500), [100, 200, 300, 400, 500]);
        assert_eq!(checkpoints(20, 1, Scale::Log, 3), [1, 2, 3]);
        assert_eq!(checkpoints(1, 1, Scale::Log, 7), [7]);
    }
}
