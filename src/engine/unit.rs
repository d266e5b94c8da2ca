//! Unit: one replicate of one tier at one point, and the names of its records.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::embedding::file::ReadError;
use crate::embedding::trained::Direction;
use crate::embedding::{self, Fault, File, Model, Vectors};
use crate::engine;
use crate::geometry::kernel::Kernel;
use crate::measure::{Cost, Measure, Roster, Subject, Training, wanted_by};
use crate::registry::Chosen;
use crate::scenario::study::{Point, Study};
use crate::scenario::sweep::Seeds;
use crate::seed::{Key, Stream, hexadecimal};
use crate::store::{Batch, Store};
use crate::table::Value;
use crate::training::{Outcome, Progress, Trained};

/// Changes whenever a number of a finished record would come out differently, so that old records are not found.
pub const RESULTS_EPOCH: &str = "6";

/// The status of a stage that a training did not reach.
pub const DIVERGED: &str = "diverged";

/// What a study reads of files.
pub type Inputs = HashMap<File, Input>;

/// What is known of a file that was read from beginning to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The SHA-256 of its content.
    pub digest: String,
    /// Concepts that `drop` has left out.
    pub n_dropped: u64,
}

/// Reads every file that a study names, once, from beginning to end: what is wrong inside is found before anything runs.
pub fn read_inputs(study: &Study) -> Result<Inputs, engine::Fault> {
    let mut inputs = Inputs::new();
    for file in &study.inputs {
        let n_dropped = file.read().map_err(Fault::from)?.n_dropped();
        let digest = file.digest().map_err(Fault::from)?;
        inputs.insert(file.clone(), Input { digest, n_dropped });
    }
    Ok(inputs)
}

/// What all units of a run share.
pub struct Context<'a> {
    /// The study.
    pub study: &'a Study,
    /// The files that it reads.
    pub inputs: &'a Inputs,
    /// The variant of the pair kernel.
    pub kernel: Kernel,
    /// What is saved of earlier runs.
    store: &'a Store,
    links: Mutex<HashMap<Link, Arc<OnceLock<Arc<Trained>>>>>,
    /// Where links have ended, until somebody saves it.
    ended: Mutex<Batch>,
}

/// One training of an annealing: point, tier, replicate and direction.
type Link = (u64, usize, u64, Direction);

impl<'a> Context<'a> {
    /// Nothing is trained yet.
    pub fn new(study: &'a Study, inputs: &'a Inputs, kernel: Kernel, store: &'a Store) -> Self {
        Self { study, inputs, kernel, store, links: Mutex::default(), ended: Mutex::default() }
    }

    /// Where trainings of annealings have ended since the last call: to be saved, so that none has to be trained again after an interruption.
    pub fn ended_links(&self) -> Batch {
        std::mem::take(&mut *self.ended.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn seeds(&self) -> Seeds {
        self.study.sweep.seeds
    }

    /// The place of a training that others go on from: whoever comes first trains, the others wait.
    fn link(&self, link: Link) -> Arc<OnceLock<Arc<Trained>>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner).entry(link).or_default().clone()
    }
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
    /// Point, tier and replicate.
    pub fn unit(&self) -> (u64, usize, u64) {
        (self.point.index, self.tier_idx, self.replicate)
    }

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

    /// The key of the record of each measure: the list that names the random stream, with the content of input files, the stages of a training, the seeds
    /// mode and the epoch.
    pub fn records(&self, seeds: Seeds, inputs: &Inputs) -> Vec<Key> {
        let mode = word(seeds);
        let (of_vectors, of_facts) = (self.record(true, mode, inputs), self.record(false, mode, inputs));
        let key = |measure: &Chosen<dyn Measure>| {
            let record = if measure.member.reads_vectors() { &of_vectors } else { &of_facts };
            let record = record.stream(measure.name).stream(&measure.parameters);
            match self.compared(measure.member) {
                // All that the numbers of the other tier depend on, and what matches its concepts.
                Some(other) => {
                    let names = self.names().map(|names| names.join("\u{1f}"));
                    let record = names.map_or(record.clone(), |names| record.stream(&names));
                    let other = other.record(true, mode, inputs).key();
                    record.stream(&hexadecimal(&other)).key()
                }
                None => record.key(),
            }
        };
        self.point.plan.scenario.measure.chosen().iter().map(key).collect()
    }

    /// What names the records of the unit, but for the measure: of vectors, or of the facts of the model.
    fn record(&self, reads_vectors: bool, mode: &str, inputs: &Inputs) -> Stream {
        let common = self.stream().stream("record").stream(RESULTS_EPOCH).stream(mode);
        let record = common.stream(&self.identity(reads_vectors));
        if !reads_vectors {
            return record;
        }
        let record = match self.point.plan.input(self.tier_idx) {
            Some(file) => record.stream(inputs.get(&file).map_or("", |input| &input.digest)),
            None => record,
        };
        match self.point.plan.training(self.tier_idx) {
            Some(trained) => {
                let looks = serde_json::to_string(&(trained.checkpoints, &trained.anneal));
                let chain = self.point.chains[self.tier_idx].iter().flatten().map(|neighbour| &*neighbour.words);
                let record = record.stream(&looks.expect("numbers and words have a JSON form"));
                record.stream(&chain.collect::<Vec<_>>().join("; "))
            }
            None => record,
        }
    }

    /// The unit of the tier that a measure compares with, in the same replicate.
    fn compared(&self, measure: &dyn Measure) -> Option<Self> {
        let (name, _) = measure.reads_tier()?;
        let tier_idx = self.point.plan.scenario.tiers.iter().position(|tier| tier.name.as_str() == name)?;
        Some(Self { tier_idx, ..self.clone() })
    }

    /// The vectors that others are compared with, as a subject; `None` if a training diverged.
    fn reference(&self, context: &Context, parallel: bool) -> Result<Option<Subject>, engine::Fault> {
        let vectors = self.vectors(context, parallel)?;
        Ok(vectors.map(|Vectors { embedding, names, dropped, .. }| {
            let roster = self.roster(names, dropped);
            Subject::new(embedding, None, context.kernel, parallel).named(roster)
        }))
    }

    /// The vectors of the unit, which must have some: for a training those at its end, `None` if it diverged.
    pub fn vectors(&self, context: &Context, parallel: bool) -> Result<Option<Vectors>, engine::Fault> {
        Ok(match self.point.plan.tiers[self.tier_idx].stages.last() {
            Some(stage) if self.point.plan.training(self.tier_idx).is_some() => {
                let trained = self.trained(stage.direction, context, parallel)?;
                let end = trained.snapshots.last().filter(|_| trained.outcome != Outcome::Diverged);
                end.map(|snapshot| Vectors::from(snapshot.embedding.clone()))
            }
            _ => {
                let stream = self.stream().stream("embedding").stream(&self.named(true, context));
                Some(self.embed(&stream, context.inputs, parallel)?)
            }
        })
    }

    /// The names of the scenario.
    fn names(&self) -> Option<&Vec<String>> {
        self.point.plan.scenario.concepts.as_ref()?.names.as_ref()
    }

    /// Who the concepts are: by their own names, or by those of the scenario.
    fn roster(&self, own: Option<Vec<String>>, dropped: Vec<u64>) -> Roster {
        Roster { names: own.or_else(|| self.names().cloned()), dropped }
    }

    /// Draws the embedding, or trains it, and observes it: the values of the wanted measures, by their position among the chosen ones.
    ///
    /// Measures that read vectors which were trained have their columns once for each stage, each time followed by the status of that stage.
    pub fn observe(
        &self,
        wanted: &[usize],
        context: &Context,
        parallel: bool,
    ) -> Result<Vec<Vec<Value>>, engine::Fault> {
        let (plan, stream) = (&self.point.plan, self.stream());
        let chosen = plan.scenario.measure.chosen();
        let measures: Vec<_> = wanted.iter().map(|&position| &chosen[position]).collect();
        let readers: Vec<_> = measures.iter().filter(|measure| measure.member.reads_vectors()).copied().collect();
        let facts = plan.tiers[self.tier_idx].facts;
        let law = Subject::without_vectors(facts);
        let observe = |measure: &Chosen<dyn Measure>, subject: &Subject| {
            let stream = stream.stream("measure").stream(measure.name).stream(&measure.parameters);
            measure.member.observe(subject, &stream.stream(&self.named(measure.member.reads_vectors(), context)))
        };
        let mut values: Vec<Vec<Value>> = measures
            .iter()
            .map(|measure| if measure.member.reads_vectors() { Vec::new() } else { observe(measure, &law) })
            .collect();
        if readers.is_empty() {
            return Ok(values);
        }
        let mut take = |subject: &Subject, status: Option<&str>| {
            for (measure, values) in
                measures.iter().zip(&mut values).filter(|(measure, _)| measure.member.reads_vectors())
            {
                match status == Some(DIVERGED) && !measure.member.reads_training() {
                    true => values.resize(values.len() + measure.member.columns().len(), Value::Undefined),
                    false => values.extend(observe(measure, subject)),
                }
                values.extend(status.map(|status| Value::Text(status.to_owned())));
            }
        };
        let compared = readers.iter().find_map(|measure| self.compared(measure.member));
        let other = match compared {
            Some(other) => other.reference(context, parallel)?.map(Arc::new),
            None => None,
        };
        let beside = |subject: Subject, (names, dropped)| match &other {
            Some(other) => subject.named(self.roster(names, dropped)).beside(other.clone()),
            None => subject,
        };
        let stream = stream.stream("embedding").stream(&self.named(true, context));
        if plan.training(self.tier_idx).is_none() {
            let Vectors { embedding, names, dropped, .. } = self.embed(&stream, context.inputs, parallel)?;
            let subject = Subject::new(embedding, wanted_by(readers), context.kernel, parallel);
            take(&beside(subject, (names, dropped)), None);
            return Ok(values);
        }
        let mut ways: HashMap<Option<Direction>, Arc<Trained>> = HashMap::new();
        for stage in &plan.tiers[self.tier_idx].stages {
            // One training has many stages.
            let trained = match ways.entry(stage.direction) {
                Entry::Occupied(known) => known.get().clone(),
                Entry::Vacant(place) => place.insert(self.trained(stage.direction, context, parallel)?).clone(),
            };
            let Trained { outcome, n_restarts, n_failed, n_steps, .. } = *trained;
            let training = |step, progress| Training { step, progress, outcome, n_restarts, n_failed };
            let looked = |step: Option<u64>| match step {
                Some(step) => trained.snapshots.iter().find(|snapshot| snapshot.step == step),
                None => trained.snapshots.last().filter(|_| outcome != Outcome::Diverged),
            };
            match looked(stage.step) {
                Some(snapshot) => {
                    let embedding = snapshot.embedding.clone();
                    let subject = Subject::new(embedding, wanted_by(readers.iter().copied()), context.kernel, parallel);
                    take(
                        &beside(subject, (None, Vec::new())).after(training(snapshot.step, snapshot.progress.clone())),
                        Some("ok"),
                    );
                }
                None => {
                    take(&Subject::without_vectors(facts).after(training(n_steps, Progress::default())), Some(DIVERGED))
                }
            }
        }
        Ok(values)
    }

    /// What names the streams of the embedding and of the measures. For common random numbers those of all points have the same names, though not the records.
    fn named(&self, reads_vectors: bool, context: &Context) -> String {
        match context.seeds() {
            Seeds::Independent => self.identity(reads_vectors),
            Seeds::Common => String::new(),
        }
    }

    fn planned_training(&self) -> (&embedding::Trained, embedding::Size) {
        let plan = &self.point.plan;
        plan.training(self.tier_idx).zip(plan.tiers[self.tier_idx].size).expect("only a trained tier has a training")
    }

    /// Whether all of so many threads have work when the unit runs alone: a training has for each of its restarts.
    pub fn fills(&self, n_threads: usize) -> bool {
        if self.point.plan.training(self.tier_idx).is_none() {
            return true;
        }
        let (trained, size) = self.planned_training();
        trained.anneal.is_none() && trained.recipe(size).restarts >= n_threads
    }

    /// Trains; in an annealing, after all that lie before it on its way.
    fn trained(
        &self,
        direction: Option<Direction>,
        context: &Context,
        parallel: bool,
    ) -> Result<Arc<Trained>, engine::Fault> {
        let learn = |job: &Job, warm: Option<&Trained>, way: Option<Direction>| {
            let (trained, size) = job.planned_training();
            let stream = job.stream().stream("embedding").stream(&job.named(true, context));
            match warm {
                // There is nothing to go on from.
                Some(before) if before.outcome == Outcome::Diverged => Trained::never(),
                warm => {
                    let stream = stream.stream(way.map_or("", Direction::word));
                    trained.learn(size, warm.map(|before| &before.state), &stream, parallel)
                }
            }
        };
        let Some((direction, chain)) = direction.zip(self.point.chains[self.tier_idx].as_ref()) else {
            return Ok(Arc::new(learn(self, None, direction)));
        };
        let up = chain.iter().map(|neighbour| (neighbour.index, Direction::Up));
        let down = chain.iter().rev().map(|neighbour| (neighbour.index, Direction::Down));
        let way: Vec<(u64, Direction)> = match self.planned_training().0.directions()[..] {
            [Some(Direction::Up)] => up.collect(),
            [Some(Direction::Down)] => down.collect(),
            _ => up.chain(down).collect(),
        };
        let mut before: Option<Arc<Trained>> = None;
        for (index, way) in way {
            let is_own = (index, way) == (self.point.index, direction);
            let link = context.link((index, self.tier_idx, self.replicate, way));
            let trained = match link.get() {
                Some(trained) => trained.clone(),
                None => {
                    let point = Arc::new(context.study.point(index)?);
                    let job = Job { point, ..self.clone() };
                    let key = job.link(way, context);
                    let saved = if is_own { None } else { context.store.view()?.get(&key)? };
                    match saved {
                        Some(end) => Arc::new(ended(&end)),
                        None => link
                            .get_or_init(|| {
                                let trained = learn(&job, before.as_deref(), Some(way));
                                let end = (key, end_of(&trained));
                                context.ended.lock().unwrap_or_else(PoisonError::into_inner).push(end);
                                Arc::new(trained)
                            })
                            .clone(),
                    }
                }
            };
            if is_own {
                return Ok(trained);
            }
            before = Some(trained);
        }
        unreachable!("a point lies on its own way")
    }

    /// The key of where the training of this unit has ended on its way along an axis.
    fn link(&self, way: Direction, context: &Context) -> Key {
        self.record(true, word(context.seeds()), context.inputs).stream("end").stream(way.word()).key()
    }

    /// Draws or reads the embedding.
    fn embed(&self, stream: &Stream, inputs: &Inputs, parallel: bool) -> Result<Vectors, Fault> {
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
        let vectors = scheme.member().embed_named(&model, stream, parallel)?;
        if let Some(file) = plan.input(self.tier_idx) {
            // The record is named by the content that was read before the run: numbers of another content must not rest under it.
            if inputs.get(&file).map(|input| &input.digest) != Some(&file.digest()?) {
                return Err(ReadError::changed(file.path).into());
            }
        }
        Ok(vectors)
    }
}

/// The seeds mode in the name of a record.
fn word(seeds: Seeds) -> &'static str {
    if seeds == Seeds::Common { "common" } else { "independent" }
}

/// Where a training has ended, as a record: all that another one goes on from. Nothing if it diverged.
fn end_of(trained: &Trained) -> Vec<Value> {
    match trained.outcome {
        Outcome::Diverged => Vec::new(),
        _ => trained.state.iter().map(|&x| Value::Number(f64::from(x))).collect(),
    }
}

/// The training of which that is the end; there is nothing else left of it.
fn ended(end: &[Value]) -> Trained {
    let state: Vec<f32> = end.iter().filter_map(Value::number).map(|x| x as f32).collect();
    // How it ended matters no more, but for this.
    let outcome = if state.is_empty() { Outcome::Diverged } else { Outcome::Exhausted };
    Trained { outcome, state, ..Trained::default() }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::scenario::document::Document;

    #[test]
    fn law_an_annealing_goes_on_from_where_saved_trainings_have_ended() {
        let text = "name = \"s\"\nseed = 3\nreplicates = 1\nconcepts.count = 2\n[[tiers]]\nname = \"a\"\nd_model = 1\n\
            embedding.trained = { model.elhage = {}, steps = 20, anneal = { along = \"tiers.a.embedding.trained.model.elhage.density\" } }\n\
            [measure.represented]\n[sweep]\n\"tiers.a.embedding.trained.model.elhage.density\" = [0.1, 0.2, 0.3]\n";
        let document = Document::parse(Path::new("s.toml"), text.to_owned()).expect("a scenario");
        let study = Study::new(&document).expect("a study");
        let inputs = Inputs::new();
        // The values of a unit, and the links that it took.
        let observe = |index: u64, store: &Store| {
            let context = Context::new(&study, &inputs, Kernel::best(), store);
            let job = Job { point: Arc::new(study.point(index).expect("a point")), tier_idx: 0, replicate: 0 };
            let values = job.observe(&[0], &context, false).expect("observed");
            (values, context.ended_links())
        };
        let store = || Store::in_memory().expect("a store");
        let empty = store();
        // Up to 0.3, and all the way down to 0.1 again.
        let (values, links) = observe(0, &empty);
        assert_eq!(links.len(), 6);
        // With the ends of the trainings before it, only the two of the unit itself are trained, to the same numbers.
        let full = store();
        full.put(&links).expect("saved");
        let (again, own) = observe(0, &full);
        assert_eq!((again, own.len()), (values.clone(), 2));
        assert!(own.iter().all(|end| links.contains(end)));
        // And it is from there that they go on.
        let other = store();
        let shifted =
            |values: &[Value]| values.iter().map(|x| Value::Number(x.number().unwrap_or(0.0) + 1.0)).collect();
        other.put(&links.iter().map(|(key, values)| (*key, shifted(values))).collect()).expect("saved");
        assert_ne!(observe(0, &other).0, values);
        // After one that diverged there is nothing to train.
        let lost = store();
        lost.put(&links.iter().map(|(key, _)| (*key, Vec::new())).collect()).expect("saved");
        let (values, _) = observe(1, &lost);
        assert_eq!(values[0].iter().filter(|value| **value == Value::Text(DIVERGED.to_owned())).count(), 2);
    }
}
