//! What is observed: one file per measure.

pub mod anisotropy;
pub mod associative_memory;
pub mod bundling;
pub mod dimensionality;
pub mod hubness;
pub mod intrinsic_dimension;
pub mod linear_readout;
pub mod mirage;
pub mod neighbours;
pub mod overlap;
pub mod percolation;
pub mod quanta;
pub mod represented;
pub mod retrieval;
pub mod saxe;
pub mod scaling;
pub mod similarity;
pub mod sparse_recovery;
pub mod sparsity;
pub mod spectrum;
pub mod task;
pub mod training;

mod readout;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use nalgebra::DMatrix;

use crate::any_of_family;
use crate::geometry::embedding::Embedding;
use crate::geometry::kernel::Kernel;
use crate::geometry::neighbours::{self as nearest, Metric};
use crate::geometry::pairs::{PairStatistics, Wanted, pair_statistics};
use crate::registry::Chosen;
use crate::seed::Stream;
use crate::table::{Column, Value};
use crate::training::{Outcome, Progress};

pub use anisotropy::Anisotropy;
pub use associative_memory::AssociativeMemory;
pub use bundling::Bundling;
pub use dimensionality::Dimensionality;
pub use hubness::Hubness;
pub use intrinsic_dimension::IntrinsicDimension;
pub use linear_readout::LinearReadout;
pub use mirage::Mirage;
pub use neighbours::Neighbours;
pub use overlap::Overlap;
pub use percolation::Percolation;
pub use quanta::Quanta;
pub use represented::Represented;
pub use retrieval::Retrieval;
pub use saxe::Saxe;
pub use scaling::Scaling;
pub use similarity::Similarity;
pub use similarity::matching::{By, Roster};
pub use sparse_recovery::SparseRecovery;
pub use sparsity::Sparsity;
pub use spectrum::Spectrum;
pub use task::Task;
pub use training::TrainingReport;

any_of_family! {
    /// What is measured of every tier and replicate.
    Measures of Measure {
        overlap: Overlap,
        spectrum: Spectrum,
        sparsity: Sparsity,
        dimensionality: Dimensionality,
        anisotropy: Anisotropy,
        neighbours: Neighbours,
        hubness: Hubness,
        intrinsic_dimension: IntrinsicDimension,
        similarity: Similarity,
        bundling: Bundling,
        retrieval: Retrieval,
        linear_readout: LinearReadout,
        sparse_recovery: SparseRecovery,
        associative_memory: AssociativeMemory,
        task: Task,
        scaling: Scaling,
        quanta: Quanta,
        mirage: Mirage,
        percolation: Percolation,
        saxe: Saxe,
        training: TrainingReport,
        represented: Represented,
    }
}

/// Something that can be observed of any embedding.
pub trait Measure: Sync {
    /// The columns that it fills, always the same for the same parameters.
    fn columns(&self) -> Vec<Column>;

    /// Whether it looks at the vectors. One that does not is a law: it looks at the facts of the model alone, needs no embedding, and none is drawn for it.
    fn reads_vectors(&self) -> bool {
        true
    }

    /// Whether it looks at the training behind the vectors. Such a measure is refused where no tier is trained, has nothing to say of a tier that is not, and observes also a
    /// training that diverged.
    fn reads_training(&self) -> bool {
        false
    }

    /// The tier whose vectors, of the same replicate, it compares with, and by what concepts are matched if that is asked.
    fn reads_tier(&self) -> Option<(&str, Option<By>)> {
        None
    }

    /// The smallest number of concepts of which it says anything; it may depend on the parameters.
    fn least_concepts(&self) -> u64 {
        1
    }

    /// What it reads of the pass over all pairs; `None` if it does without.
    fn reads_pairs(&self) -> Option<Wanted> {
        None
    }

    /// Work and memory beyond the embedding and the pass over the pairs, for n concepts in d units.
    fn cost(&self, n: f64, d: f64) -> Cost;

    /// One value for each column.
    fn observe(&self, subject: &Subject, stream: &Stream) -> Vec<Value>;
}

/// What something takes: a plan is made of these.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Time on one core, in seconds, on the machine that the constants were calibrated on.
    pub seconds: f64,
    /// Memory in bytes at the worst moment.
    pub bytes: f64,
}

/// What is known of a model besides its vectors: what laws look at. A measure of vectors does not see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Facts {
    /// Number of parameters, N.
    pub params: Option<f64>,
    /// Number of tokens that it is trained on, D.
    pub tokens: Option<f64>,
    /// Floating-point operations of its training, C.
    pub compute: Option<f64>,
}

/// The training behind an embedding, as it stands at one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Training {
    /// Steps taken.
    pub step: u64,
    /// Losses and what else it tells; empty after the training has diverged.
    pub progress: Progress,
    /// How the whole of it ended.
    pub outcome: Outcome,
    /// Restarts.
    pub n_restarts: usize,
    /// Restarts that diverged or ended worse than the best.
    pub n_failed: usize,
}

/// A tier under observation: its facts, and its embedding with geometry that is computed once and shared by all measures.
pub struct Subject {
    facts: Facts,
    represented: Embedding,
    /// The number of each represented concept; `None` where all are.
    numbers: Option<Vec<usize>>,
    training: Option<Training>,
    /// Who its concepts are, where they are compared.
    roster: Roster,
    /// What it is compared with.
    other: Option<Arc<Subject>>,
    n_concepts: usize,
    wanted: Option<Wanted>,
    kernel: Kernel,
    parallel: bool,
    pairs: OnceLock<PairStatistics>,
    /// By cosine, and by distance: those that were asked for last.
    neighbours: [Mutex<Option<Arc<nearest::Neighbours>>>; 2],
}

impl Subject {
    /// Takes an embedding, for measures that together read `wanted` of the pairs. O(n d) time; the zero columns are dropped in place.
    pub fn new(embedding: Embedding, wanted: Option<Wanted>, kernel: Kernel, parallel: bool) -> Self {
        let n_concepts = embedding.n_concepts();
        let (represented, numbers) = without_zero_columns(embedding);
        Self {
            facts: Facts::default(),
            represented,
            numbers,
            training: None,
            roster: Roster::default(),
            other: None,
            n_concepts,
            wanted,
            kernel,
            parallel,
            pairs: OnceLock::new(),
            neighbours: Default::default(),
        }
    }

    /// With the training behind the vectors.
    pub fn after(self, training: Training) -> Self {
        Self { training: Some(training), ..self }
    }

    /// With who its concepts are.
    pub fn named(self, roster: Roster) -> Self {
        Self { roster, ..self }
    }

    /// With what it is compared with.
    pub fn beside(self, other: Arc<Self>) -> Self {
        Self { other: Some(other), ..self }
    }

    /// Who its concepts are.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// What it is compared with, if anything.
    pub fn other(&self) -> Option<&Self> {
        self.other.as_deref()
    }

    /// The training behind the vectors, if they were learned.
    pub fn training(&self) -> Option<&Training> {
        self.training.as_ref()
    }

    /// The number among all n concepts of a represented one.
    pub fn number(&self, represented_idx: usize) -> usize {
        self.numbers.as_ref().map_or(represented_idx, |numbers| numbers[represented_idx])
    }

    /// A model of which no vectors are looked at: for laws.
    pub fn without_vectors(facts: Facts) -> Self {
        let none = Embedding::new(DMatrix::zeros(1, 0));
        Self { facts, ..Self::new(none, None, Kernel::Scalar, false) }
    }

    /// What is known of the model besides its vectors; nothing where vectors are looked at.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The vector of one of the n concepts, the represented ones first; `None` for those that are not represented, whose vector is zero.
    pub fn vector(&self, concept_idx: usize) -> Option<&[f32]> {
        (concept_idx < self.represented.n_concepts()).then(|| self.represented.column(concept_idx))
    }

    /// The variant of the pair kernel; all give the same bits.
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// Whether work may be spread over the cores of the current pool.
    pub fn is_parallel(&self) -> bool {
        self.parallel
    }

    /// The vectors of the concepts that are represented, d × m: all columns that are not zero. m may be 0.
    pub fn represented(&self) -> &Embedding {
        &self.represented
    }

    /// Number of concepts asked, n ≥ m.
    pub fn n_concepts(&self) -> usize {
        self.n_concepts
    }

    /// Statistics of the pairs i < j of represented concepts; `None` when there are fewer than two. The first call pays for the pass.
    pub fn pairs(&self) -> Option<&PairStatistics> {
        let wanted = self.wanted.filter(|_| self.represented.n_concepts() >= 2)?;
        Some(self.pairs.get_or_init(|| pair_statistics(&self.represented, wanted, self.kernel, self.parallel)))
    }

    /// The nearest of every represented concept, or of those that are asked by their position among them: k of each, nearest first. `None` unless 0 < k < m.
    ///
    /// Of all concepts the pass is made once for each metric and number of neighbours in a row, so what one measure asks changes nothing for another.
    pub fn neighbours(&self, metric: Metric, k: usize, asked: Option<&[usize]>) -> Option<Arc<nearest::Neighbours>> {
        if k == 0 || k >= self.represented.n_concepts() {
            return None;
        }
        let find =
            |asked| Arc::new(nearest::neighbours(&self.represented, asked, metric, k, self.kernel, self.parallel));
        if asked.is_some() {
            return Some(find(asked));
        }
        let mut known = self.neighbours[metric as usize].lock().unwrap_or_else(PoisonError::into_inner);
        if known.as_ref().is_none_or(|known| known.k != k) {
            *known = Some(find(None));
        }
        known.clone()
    }

    /// Another embedding under observation, in the same way and for itself alone.
    fn with(&self, embedding: Embedding) -> Self {
        Self::new(embedding, None, self.kernel, self.parallel)
    }

    /// A number for each represented concept, in order, from its vector.
    pub fn by_concept<T: Send>(&self, number: impl Fn(&[f32]) -> T + Sync + Send) -> Vec<T> {
        use rayon::prelude::*;
        let (d, entries) = (self.represented.d_model(), self.represented.as_slice());
        if self.parallel {
            entries.par_chunks_exact(d).map(number).collect()
        } else {
            entries.chunks_exact(d).map(number).collect()
        }
    }
}

/// Moves the columns that are not zero to the front and lets go of the rest; with the numbers of those that stay, unless all do.
fn without_zero_columns(embedding: Embedding) -> (Embedding, Option<Vec<usize>>) {
    let d = embedding.d_model();
    let zero = |vector: &[f32]| vector.iter().all(|&x| x == 0.0);
    if !embedding.as_slice().chunks_exact(d).any(zero) {
        return (embedding, None);
    }
    let mut entries: Vec<f32> = embedding.into_matrix().data.into();
    let mut numbers = Vec::new();
    for concept_idx in 0..entries.len() / d {
        let range = concept_idx * d..(concept_idx + 1) * d;
        if !zero(&entries[range.clone()]) {
            entries.copy_within(range, numbers.len() * d);
            numbers.push(concept_idx);
        }
    }
    entries.truncate(numbers.len() * d);
    (Embedding::new(DMatrix::from_vec(d, numbers.len(), entries)), Some(numbers))
}

/// What several measures together read of the pairs.
pub fn wanted_by<'a>(measures: impl IntoIterator<Item = &'a Chosen<'a, dyn Measure>>) -> Option<Wanted> {
    measures.into_iter().filter_map(|measure| measure.member.reads_pairs()).reduce(Wanted::or)
}

/// The mean of numbers, or nothing if there are none.
fn mean(numbers: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    let n = numbers.len() as f64;
    (n > 0.0).then(|| numbers.sum::<f64>() / n)
}
