//! Unit: one replicate of one tier at one point, and the names of its records.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::embedding::npy::NpyError;
use crate::embedding::{Fault, Model, file};
use crate::geometry::kernel::Kernel;
use crate::measure::{Cost, Subject, wanted_by};
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

    /// What the numbers depend on besides; left out of the streams, not of the records, for common random numbers.
    fn identity(&self, seeds: Seeds) -> String {
        match seeds {
            Seeds::Independent => self.point.plan.identity(self.tier_idx),
            Seeds::Common => String::new(),
        }
    }

    /// The key of the record of each measure: the list that names the random stream, with the content of input files, the seeds mode and the epoch.
    pub fn records(&self, seeds: Seeds, inputs: &Inputs) -> Vec<Key> {
        let mode = if seeds == Seeds::Common { "common" } else { "independent" };
        let mut record = self
            .stream()
            .stream("record")
            .stream(RESULTS_EPOCH)
            .stream(mode)
            .stream(&self.point.plan.identity(self.tier_idx));
        if let Some(path) = self.point.plan.input(self.tier_idx) {
            record = record.stream(inputs.get(&path).map_or("", String::as_str));
        }
        let measures = self.point.plan.scenario.measure.chosen();
        measures.iter().map(|measure| record.stream(measure.name).stream(&measure.parameters).key()).collect()
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
        let plan = &self.point.plan;
        let (tier, size) = (&plan.scenario.tiers[self.tier_idx], plan.tiers[self.tier_idx].size);
        let (stream, identity) = (self.stream(), self.identity(seeds));
        let model = Model {
            n_concepts: size.n_concepts as usize,
            d_model: size.d_model as usize,
            params: tier.params.map(|params| params.get()),
            folder: plan.folder(),
        };
        let embedding =
            tier.embedding.member().embed(&model, &stream.stream("embedding").stream(&identity), parallel)?;
        if let Some(path) = plan.input(self.tier_idx) {
            // The record is named by the content that was read before the run: numbers of another content must not rest under it.
            if inputs.get(&path) != Some(&file::sha256(&path)?) {
                return Err(NpyError::Changed { path }.into());
            }
        }
        let chosen = plan.scenario.measure.chosen();
        let measures: Vec<_> = chosen
            .into_iter()
            .enumerate()
            .filter(|(position, _)| wanted.contains(position))
            .map(|(_, measure)| measure)
            .collect();
        let subject = Subject::new(embedding, wanted_by(&measures), kernel, parallel);
        let observe = |measure: &crate::registry::Chosen<dyn crate::measure::Measure>| {
            let stream = stream.stream("measure").stream(measure.name).stream(&measure.parameters).stream(&identity);
            measure.member.observe(&subject, &stream)
        };
        Ok(measures.iter().map(observe).collect())
    }
}
