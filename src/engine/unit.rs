//! Unit: one replicate of one tier at one point, and the names of its records.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::embedding::npy::NpyError;
use crate::embedding::{Fault, Model, file};
use crate::geometry::embedding::Embedding;
use crate::geometry::kernel::Kernel;
use crate::measure::{Cost, Measure, Subject, wanted_by};
use crate::registry::Chosen;
use crate::scenario::study::{Point, Study};
use crate::scenario::sweep::Seeds;
use crate::seed::{Key, Stream};
use crate::table::Value;

/// Changes whenever a number of a finished record would come out differently, so that old records are not found.
const RESULTS_EPOCH: &str = "1";

/// The files that a study reads, and the SHA-256 of their content.
pub type Inputs = BTreeMap<PathBuf, String>;

/// Reads every file that a study names, once, from beginning to end: what is wrong inside is found before anything runs.
pub fn read_inputs(study: &Study) -> Result<Inputs, crate::engine::Fault> {
    let mut inputs = Inputs::new();
    for path in &study.inputs {
        inputs.insert(path.clone(), file::digest(path)?);
    }
    Ok(inputs)
}

/// One replicate of one tier at one point.
#[derive(Clone, Debug)]
pub struct Job {
    /// The point.
    pub point: Arc<Point>,
    /// Position of the tier in the scenario.
    pub tier_idx: usize,
    /// Number of the replicate, from 0.
    pub replicate: u64,
}

impl Job {
    /// What it takes.
    pub fn cost(&self) -> Cost {
        self.point.plan.tiers[self.tier_idx].cost
    }

    /// The stream of the unit: seed, replicate and tier's name.
    fn stream(&self) -> Stream {
        let scenario = &self.point.plan.scenario;
        let tier = &scenario.tiers[self.tier_idx];
        Stream::from_seed(scenario.seed.get()).stream(&self.replicate.to_string()).stream(tier.name.as_str())
    }

    /// What the numbers of a measure, or of the embedding, depend on besides.
    fn identity(&self, reads_vectors: bool) -> String {
        let plan = &self.point.plan;
        let identity = plan.identity(self.tier_idx).filter(|_| reads_vectors);
        identity.unwrap_or_else(|| plan.facts(self.tier_idx))
    }

    /// The key of the record of each measure: the list that names the random stream, with the content of input files, the seeds mode and the epoch.
    pub fn records(&self, seeds: Seeds, inputs: &Inputs) -> Vec<Key> {
        let mode = if seeds == Seeds::Common { "common" } else { "independent" };
        let record = |reads_vectors: bool| {
            let common = self.stream().stream("record").stream(RESULTS_EPOCH).stream(mode);
            let record = common.stream(&self.identity(reads_vectors));
            match self.point.plan.input(self.tier_idx).filter(|_| reads_vectors) {
                Some(path) => record.stream(inputs.get(&path).map_or("", String::as_str)),
                None => record,
            }
        };
        let (of_vectors, of_facts) = (record(true), record(false));
        let key = |measure: &Chosen<dyn Measure>| {
            let record = if measure.member.reads_vectors() { &of_vectors } else { &of_facts };
            record.stream(measure.name).stream(&measure.parameters).key()
        };
        self.point.plan.scenario.measure.chosen().iter().map(key).collect()
    }

    /// Draws the embedding and observes it: the values of the wanted measures, by their position among the chosen ones.
    pub fn observe(
        &self,
        wanted: &[usize],
        seeds: Seeds,
        inputs: &Inputs,
        kernel: Kernel,
        parallel: bool,
    ) -> Result<Vec<Vec<Value>>, Fault> {
        let (plan, stream) = (&self.point.plan, self.stream());
        // For common random numbers the streams of all points have the same names, though not the records.
        let identity = |reads_vectors: bool| match seeds {
            Seeds::Independent => self.identity(reads_vectors),
            Seeds::Common => String::new(),
        };
        let chosen = plan.scenario.measure.chosen();
        let measures: Vec<_> = wanted.iter().map(|&position| &chosen[position]).collect();
        let readers: Vec<_> = measures.iter().filter(|measure| measure.member.reads_vectors()).copied().collect();
        let law = Subject::without_vectors(plan.tiers[self.tier_idx].facts);
        let subject = match readers.is_empty() {
            true => None,
            false => {
                let embedding = self.embed(&stream.stream("embedding").stream(&identity(true)), inputs, parallel)?;
                Some(Subject::new(embedding, wanted_by(readers), kernel, parallel))
            }
        };
        let observe = |measure: &&Chosen<dyn Measure>| {
            let reads_vectors = measure.member.reads_vectors();
            let stream = stream.stream("measure").stream(measure.name).stream(&measure.parameters);
            let subject = subject.as_ref().filter(|_| reads_vectors).unwrap_or(&law);
            measure.member.observe(subject, &stream.stream(&identity(reads_vectors)))
        };
        Ok(measures.iter().map(observe).collect())
    }

    /// Draws or reads the embedding.
    fn embed(&self, stream: &Stream, inputs: &Inputs, parallel: bool) -> Result<Embedding, Fault> {
        let plan = &self.point.plan;
        let (tier, planned) = (&plan.scenario.tiers[self.tier_idx], &plan.tiers[self.tier_idx]);
        let (scheme, size) =
            tier.embedding.as_ref().zip(planned.size).expect("a plan with a reader of vectors has them");
        let model = Model {
            n_concepts: size.n_concepts as usize,
            d_model: size.d_model as usize,
            params: planned.facts.params,
            folder: plan.folder(),
        };
        let embedding = scheme.member().embed(&model, stream, parallel)?;
        if let Some(path) = plan.input(self.tier_idx) {
            // The record is named by the content that was read before the run: numbers of another content must not rest under it.
            if inputs.get(&path) != Some(&file::sha256(&path)?) {
                return Err(NpyError::Changed { path }.into());
            }
        }
        Ok(embedding)
    }
}
