//! How concepts become vectors: one file per encoding.

pub mod file;
pub mod frame;
pub mod fully_distributed;
pub mod localized;
pub mod semi_distributed;
pub mod support;
pub mod trained;
pub mod twin;
pub mod width;

use std::borrow::Cow;
use std::path::Path;

use nalgebra::DMatrix;

use crate::geometry::embedding::Embedding;
use crate::geometry::kernel::memory;
use crate::one_of_family;
use crate::seed::{Rng, Stream};

pub use file::{File, Vectors};
pub use frame::Frame;
pub use fully_distributed::FullyDistributed;
pub use localized::Localized;
pub use semi_distributed::SemiDistributed;
pub use support::Support;
pub use trained::{Stage, Trained};
pub use twin::Twin;

one_of_family! {
    /// How a tier represents its concepts: exactly one of these.
    Scheme of Encoding {
        /// Every concept has units of its own.
        Localized = "localized",
        /// Blocks of units on a ring, shared by neighbours.
        SemiDistributed = "semi_distributed",
        /// A dense random vector over all units.
        FullyDistributed = "fully_distributed" or "distributed",
        /// A random subset of the units: the knob from localized to distributed.
        Support = "support",
        /// A deterministic packing with known coherence.
        Frame = "frame",
        /// A matrix from a file: the vectors of a real model.
        File = "file",
        /// Gaussian vectors with the mean and the covariance of a file's.
        Twin = "twin",
        /// What a toy model has learned.
        Trained = "trained",
    }
}

/// A way to represent n concepts in d units.
pub trait Encoding: Sync {
    /// n and d, settled from what the scenario asks, or why that cannot be. Reads no more than a file's header.
    fn size(&self, asked: &Asked) -> Result<Size, Fault> {
        Ok(Size { n_concepts: asked.n_concepts()?, d_model: asked.d_model()? })
    }

    /// The file that it reads, its paths beginning where the program runs and not in the folder of the scenario, if it reads one.
    fn input(&self, folder: &Path) -> Option<File> {
        let _ = folder;
        None
    }

    /// How many concepts it knows, those that it leaves out included, and whether they have names of their own.
    fn roster(&self, size: Size, folder: &Path) -> Result<(u64, bool), Fault> {
        let _ = folder;
        Ok((size.n_concepts, false))
    }

    /// Seconds on one core, and bytes at the worst moment.
    fn cost(&self, size: Size) -> (f64, f64) {
        let (n, d) = (size.n_concepts as f64, size.d_model as f64);
        (3e-9 * n * d + 1e-6 * n, 4.0 * n * d)
    }

    /// The embedding W, d × n. A concept that is not represented has a zero column. O(n d) time and memory unless the kind says more.
    ///
    /// Every concept draws from a stream of its own, so `parallel` (columns on the cores of the current pool) changes no bit.
    fn embed(&self, model: &Model, stream: &Stream, parallel: bool) -> Result<Embedding, Fault>;

    /// The same, with the names of the concepts and what was left out, where the encoding knows of them.
    fn embed_named(&self, model: &Model, stream: &Stream, parallel: bool) -> Result<Vectors, Fault> {
        self.embed(model, stream, parallel).map(Vectors::from)
    }
}

/// What a scenario says about the size of a tier's embedding.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Number of concepts, if `[concepts]` is there.
    pub n_concepts: Option<u64>,
    /// Width, if the tier sets it.
    pub d_model: Option<u64>,
    /// Number of parameters, if the tier has it.
    pub params: Option<f64>,
    /// The folder of the scenario file: where relative paths begin.
    pub folder: &'a Path,
}

/// n and d, settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Number of concepts, n.
    pub n_concepts: u64,
    /// Width, d: the number of units of a vector.
    pub d_model: u64,
}

/// The model that embeds the concepts.
#[derive(Clone, Copy, Debug)]
pub struct Model<'a> {
    /// Number of concepts, n ≥ 1.
    pub n_concepts: usize,
    /// Width, d ≥ 1.
    pub d_model: usize,
    /// Number of parameters, N, if known.
    pub params: Option<f64>,
    /// The folder of the scenario file: where relative paths begin.
    pub folder: &'a Path,
}

/// Why a tier cannot be embedded as asked.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The scenario asks for something that does not fit: the key that says so, and one sentence.
    #[error("{sentence}")]
    Scenario {
        /// The key that would have to change.
        key: Key,
        /// What was found, and what is allowed.
        sentence: String,
    },
    /// The data that it names cannot be used.
    #[error(transparent)]
    Data(#[from] file::ReadError),
    /// A training came to no end.
    #[error("the training diverged")]
    Diverged,
}

/// A key of the scenario, as seen from a tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// `[concepts]`.
    Concepts,
    /// The tier itself, where something is missing.
    Tier,
    /// The tier's `d_model`.
    DModel,
    /// The tier's `embedding`, at one of its parameters.
    Parameter(Cow<'static, str>),
}

impl Key {
    /// A parameter of the embedding, dotted where it stands in a table of its own; `""` for the embedding as a whole.
    pub const fn parameter(name: &'static str) -> Self {
        Self::Parameter(Cow::Borrowed(name))
    }
}

impl Asked<'_> {
    /// The number of concepts, which must have been asked.
    pub fn n_concepts(&self) -> Result<u64, Fault> {
        self.n_concepts
            .ok_or_else(|| Fault::scenario(Key::Tier, "needs a number of concepts: add [concepts] with count or names"))
    }

    /// The width that the tier sets, or else the one that follows from its parameters.
    pub fn d_model(&self) -> Result<u64, Fault> {
        self.d_model
            .or(self.params.map(width::d_model))
            .ok_or_else(|| Fault::scenario(Key::Tier, "needs params or d_model"))
    }

    /// n and d that the encoding brings itself, held against what is asked.
    fn given(&self, what: &str, size: Size) -> Result<Size, Fault> {
        if let Some(d) = self.d_model.filter(|&d| d != size.d_model) {
            let given = size.d_model;
            return Err(Fault::scenario(
                Key::DModel,
                format!("is {d}, but {what} has d_model {given}; leave d_model out or set it to {given}"),
            ));
        }
        if let Some(n) = self.n_concepts.filter(|&n| n != size.n_concepts) {
            let given = size.n_concepts;
            return Err(Fault::scenario(
                Key::Concepts,
                format!("has {n} concepts, but {what} has {given}; leave [concepts] out or give it {given}"),
            ));
        }
        Ok(size)
    }
}

impl Fault {
    fn scenario(key: Key, sentence: impl Into<String>) -> Self {
        Self::Scenario { key, sentence: sentence.into() }
    }
}

/// A parameter that counts units of a vector, held against its width.
fn at_most_d_model(parameter: &'static str, value: u64, d_model: u64) -> Result<(), Fault> {
    if value > d_model {
        let sentence = format!("must be at most d_model ({d_model}), got {value}");
        return Err(Fault::scenario(Key::parameter(parameter), sentence));
    }
    Ok(())
}

/// An embedding drawn one concept at a time, each from the stream of its ordinal number.
fn by_concept(
    model: &Model,
    stream: &Stream,
    parallel: bool,
    draw: impl Fn(usize, &mut [f32], &mut Rng) + Sync,
) -> Embedding {
    let one = |concept_idx: usize, vector: &mut [f32]| draw(concept_idx, vector, &mut stream.rng_of(concept_idx));
    let entries = memory::filled(0.0, model.n_concepts, model.d_model, parallel, one);
    Embedding::new(DMatrix::from_vec(model.d_model, model.n_concepts, entries))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A request without parameters, in the current folder.
    pub fn asked(n_concepts: Option<u64>, d_model: Option<u64>) -> Asked<'static> {
        Asked { n_concepts, d_model, params: None, folder: Path::new(".") }
    }

    /// n concepts in d units, drawn from seed 1.
    pub fn embed(encoding: &dyn Encoding, n_concepts: usize, d_model: usize) -> Embedding {
        drawn(encoding, n_concepts, d_model, 1, false)
    }

    fn drawn(encoding: &dyn Encoding, n_concepts: usize, d_model: usize, seed: u64, parallel: bool) -> Embedding {
        let model = Model { n_concepts, d_model, params: None, folder: Path::new(".") };
        encoding.embed(&model, &Stream::from_seed(seed), parallel).expect("the parameters fit")
    }

    /// The sentence with which a size is refused.
    pub fn size_fault(encoding: &dyn Encoding, n_concepts: u64, d_model: u64) -> String {
        encoding.size(&asked(Some(n_concepts), Some(d_model))).expect_err("refused").to_string()
    }

    /// All cosines of pairs, directly in f64.
    pub fn cosines(embedding: &Embedding) -> Vec<f64> {
        let mut w = embedding.matrix().map(f64::from);
        w.column_iter_mut().for_each(|mut vector| vector /= vector.norm());
        let gram = w.transpose() * &w;
        (0..gram.ncols()).flat_map(|i| (0..i).map(move |j| (i, j))).map(|pair| gram[pair]).collect()
    }

    /// Mean over draws of the mean square cosine, with its standard error.
    pub fn mean_square_cosine(encoding: &dyn Encoding, n: usize, d: usize, n_draws: u64) -> (f64, f64) {
        let means: Vec<f64> = (0..n_draws)
            .map(|seed| {
                let cosines = cosines(&drawn(encoding, n, d, seed, false));
                cosines.iter().map(|c| c * c).sum::<f64>() / cosines.len() as f64
            })
            .collect();
        let k = n_draws as f64;
        let mean = means.iter().sum::<f64>() / k;
        let variance = means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / (k - 1.0);
        (mean, (variance / k).sqrt())
    }

    #[test]
    fn law_an_embedding_is_the_same_drawn_in_parallel_or_in_turn() {
        let kinds: [&dyn Encoding; 3] = [
            &FullyDistributed::default(),
            &SemiDistributed::default(),
            &Support { active: crate::quantity::Count::new(5), lambda: None },
        ];
        for encoding in kinds {
            assert_eq!(drawn(encoding, 33, 20, 4, false), drawn(encoding, 33, 20, 4, true));
        }
    }
}
