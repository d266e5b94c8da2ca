//! Course: restarts of one autoencoder over the same samples, from the first step to the last.

use rayon::prelude::*;

use super::autoencoder::{Bench, Gradient, Load, Loss, Move, Shape, Sums, Weights, cycles};
use super::features::{Batch, Features, is_compared};
use super::{Outcome, Progress, Recipe, Size, Snapshot, State, Trained, best_of};
use crate::geometry::kernel::Kernel;
use crate::geometry::kernel::lanes::run;
use crate::seed::{Rng, Stream};

/// A training that is settled in everything but its random numbers.
pub struct Course<'a> {
    /// The model.
    pub shape: Shape,
    /// What it sees.
    pub features: Features,
    /// Iᵢ.
    pub importance: Vec<f64>,
    /// Standard deviations of weights and biases at the start.
    pub init: (f64, f64),
    /// What multiplies the loss of a sample before the gradient is taken.
    pub loss_scale: f64,
    /// The lowest loss that the model can have, where it is known.
    pub loss_theory: Option<f64>,
    /// How it is trained.
    pub recipe: &'a Recipe,
}

/// Samples of the loss that is reported, at least.
const LEAST_EVALUATED: usize = 16_384;

/// And at most, unless 16 batches are more.
const MOST_EVALUATED: usize = 262_144;

/// Samples of the loss that is reported, and by which the best restart is chosen: a sixteenth of those trained on, shared out over the looks. Near a boundary between two
/// representations their losses differ little, and fewer samples choose the wrong one.
fn n_evaluated(recipe: &Recipe) -> usize {
    let looks = recipe.checkpoints.len() as u64 + 2;
    let part = recipe.steps.saturating_mul(recipe.batch as u64) / (16 * looks);
    (part.min(MOST_EVALUATED as u64) as usize).max(LEAST_EVALUATED).max(16 * recipe.batch)
}

/// Samples that are evaluated at a time.
const EVALUATED_AT_ONCE: usize = 2048;

/// Loss above which a training has diverged, over that of a model that always answers zero.
const DIVERGED: f64 = 1e3;

/// Loss above which a restart has failed, over that of the best, if it is clear.
const FAILED: f64 = 1.05;

/// Steps between two looks whether the weights are finite.
const WATCH: u64 = 100;

/// One restart.
struct Restart {
    weights: Weights,
    snapshots: Vec<Snapshot>,
    /// Loss when a tenth of the way is left, and at the end.
    rest: Option<Evaluation>,
    end: Option<Evaluation>,
    /// By which the best of several is chosen: on samples of its own, or the loss that is reported would be the luckiest.
    choice: Option<Evaluation>,
    diverged_at: Option<u64>,
}

/// A loss with its standard error, and the parts of the concepts.
#[derive(Clone, Debug)]
struct Evaluation {
    loss: f64,
    standard_error: f64,
    by_concept: Vec<f64>,
    /// Sums of the loss over parts of the samples, the same for all models.
    parts: Vec<f64>,
}

impl Course<'_> {
    /// Trains all restarts, or the one that goes on from a state, and keeps the best.
    ///
    /// Restarts are spread over the cores if `parallel`; each core then draws the same samples for itself, so that this changes no bit.
    pub fn train(&self, warm: Option<&State>, stream: &Stream, parallel: bool) -> Trained {
        let restarts: Vec<Restart> = match warm {
            Some(state) => vec![Restart::new(self.shape.restore(state))],
            None => (0..self.recipe.restarts)
                .map(|restart| {
                    let mut rng = stream.stream("start").rng_of(restart);
                    Restart::new(self.shape.draw(&mut rng, self.init.0, self.init.1))
                })
                .collect(),
        };
        let n_groups = if parallel { rayon::current_num_threads().min(restarts.len()) } else { 1 };
        let mut groups: Vec<Vec<Restart>> = (0..n_groups).map(|_| Vec::new()).collect();
        restarts.into_iter().enumerate().for_each(|(index, restart)| groups[index % n_groups].push(restart));
        let finish = |group: Vec<Restart>| self.finish(group, stream);
        let groups: Vec<Vec<Restart>> = match n_groups {
            1 => groups.into_iter().map(finish).collect(),
            _ => groups.into_par_iter().map(finish).collect(),
        };
        let mut groups: Vec<_> = groups.into_iter().map(Vec::into_iter).collect();
        let n_restarts = groups.iter().map(ExactSizeIterator::len).sum();
        let restarts: Vec<Restart> = (0..n_restarts).filter_map(|index| groups[index % n_groups].next()).collect();
        self.best(restarts)
    }

    fn best(&self, restarts: Vec<Restart>) -> Trained {
        let n_restarts = restarts.len();
        let (kept, n_failed) = best_of(restarts, Restart::loss, Restart::fails_beside);
        let outcome = match (&kept.rest, &kept.end) {
            // Both on the same samples.
            (Some(rest), Some(end)) => Outcome::of_rest(rest.loss, end.loss, self.unanswered()),
            _ => Outcome::Diverged,
        };
        let state = self.shape.state(&kept.weights);
        let n_steps = kept.diverged_at.unwrap_or(self.recipe.steps);
        Trained { snapshots: kept.snapshots, outcome, n_restarts, n_failed, n_steps, state }
    }

    /// All steps of some restarts side by side: the samples are drawn once.
    fn finish(&self, mut restarts: Vec<Restart>, stream: &Stream) -> Vec<Restart> {
        let recipe = self.recipe;
        let (mut rng, mut batch, mut bench) = (stream.stream("samples").rng(), Batch::default(), self.shape.bench());
        let kernel = Kernel::best();
        let scale = 2.0 * self.loss_scale / recipe.batch as f64;
        let rest = recipe.rest();
        let mut checkpoints = recipe.checkpoints.iter().copied().peekable();
        for step in 0..=recipe.steps {
            if step > 0 {
                self.features.draw(&mut rng, recipe.batch, kernel, &mut batch);
                bench.learn_from(&self.shape, &batch);
                let rate = recipe.rate(step);
                for restart in restarts.iter_mut().filter(|restart| restart.diverged_at.is_none()) {
                    let (shape, weights) = (&self.shape, &mut restart.weights);
                    Gradient { shape, weights, batch: &batch, scale, bench: &mut bench }.put(kernel);
                    run(kernel, Move { shape, weights, bench: &bench, optimizer: recipe.optimizer, rate });
                }
            }
            let is_checkpoint = checkpoints.next_if_eq(&step).is_some();
            let is_looked_at = is_checkpoint || step == rest || step == recipe.steps;
            if !is_looked_at && step % WATCH != 0 {
                continue;
            }
            for restart in restarts.iter_mut().filter(|restart| restart.diverged_at.is_none()) {
                restart.diverged_at = (!self.shape.is_finite(&restart.weights)).then_some(step);
            }
            if !is_looked_at {
                continue;
            }
            let mut there: Vec<&mut Restart> =
                restarts.iter_mut().filter(|restart| restart.diverged_at.is_none()).collect();
            let weights: Vec<&Weights> = there.iter().map(|restart| &restart.weights).collect();
            let found = self.evaluate(&weights, &stream.stream("evaluation"), kernel, &mut bench);
            let is_choice = step == recipe.steps && recipe.restarts > 1;
            let choices = match is_choice {
                true => self.evaluate(&weights, &stream.stream("choice"), kernel, &mut bench),
                false => Vec::new(),
            };
            there.iter_mut().zip(choices).for_each(|(restart, choice)| restart.choice = Some(choice));
            for (restart, found) in there.iter_mut().zip(found) {
                if !found.loss.is_finite() || found.loss > DIVERGED * self.unanswered() {
                    restart.diverged_at = Some(step);
                    continue;
                }
                if is_checkpoint {
                    let (step, embedding) = (step, self.shape.embedding(&restart.weights));
                    restart.snapshots.push(Snapshot { step, embedding, progress: self.progress(&found) });
                }
                if step == rest {
                    restart.rest = Some(found.clone());
                }
                if step == recipe.steps {
                    restart.end = Some(found);
                }
            }
        }
        restarts
    }

    fn stakes(&self) -> Vec<f64> {
        self.importance.iter().map(|importance| importance * self.features.mean_square()).collect()
    }

    /// Loss of a model that always answers zero.
    fn unanswered(&self) -> f64 {
        self.stakes().iter().zip(self.features.frequency()).map(|(stakes, p)| stakes * p).sum()
    }

    fn progress(&self, found: &Evaluation) -> Progress {
        Progress {
            loss: found.loss,
            loss_standard_error: found.standard_error,
            loss_theory: self.loss_theory,
            loss_by_concept: found.by_concept.clone(),
            frequency: self.features.frequency().to_vec(),
            stakes: self.stakes(),
            learned_at: Vec::new(),
            learned_in_theory: Vec::new(),
        }
    }

    /// The losses of some models over samples that no step has seen, the same for every model and look.
    fn evaluate(&self, models: &[&Weights], stream: &Stream, kernel: Kernel, bench: &mut Bench) -> Vec<Evaluation> {
        let mut rng: Rng = stream.rng();
        let (mut batch, mut sums) = (Batch::default(), vec![Sums::default(); models.len()]);
        let mut parts = vec![Vec::new(); models.len()];
        let mut left = n_evaluated(self.recipe);
        while left > 0 && !models.is_empty() {
            let n = left.min(EVALUATED_AT_ONCE);
            self.features.draw(&mut rng, n, kernel, &mut batch);
            bench.see(&self.shape, &batch);
            for ((sums, parts), weights) in sums.iter_mut().zip(&mut parts).zip(models) {
                let part = run(kernel, Loss { shape: &self.shape, weights, batch: &batch, bench });
                parts.push(part.loss.0);
                sums.add(&part);
            }
            left -= n;
        }
        sums.into_iter().zip(parts).map(|(sums, parts)| Evaluation { parts, ..Evaluation::from(sums) }).collect()
    }
}

impl From<Sums> for Evaluation {
    fn from(sums: Sums) -> Self {
        let n = sums.n;
        let loss = sums.loss.0 / n;
        let variance = (sums.loss.1 / n - loss * loss).max(0.0) * n / (n - 1.0);
        let by_concept = sums.by_concept.iter().map(|sum| sum / n).collect();
        Self { loss, standard_error: (variance / n).sqrt(), by_concept, parts: Vec::new() }
    }
}

impl Restart {
    fn new(weights: Weights) -> Self {
        Self { weights, snapshots: Vec::new(), rest: None, end: None, choice: None, diverged_at: None }
    }

    /// Loss at the end, by which the best is chosen; infinite if it did not come there.
    fn loss(&self) -> f64 {
        let judged = self.end.as_ref().and(self.choice.as_ref().or(self.end.as_ref()));
        judged.map_or(f64::INFINITY, |judged| judged.loss)
    }

    /// Whether the loss lies above that of the best by more than a twentieth, and by more than three standard errors of the difference on the same samples.
    fn fails_beside(best: &Self, restart: &Self) -> bool {
        let (Some(best), Some(other)) = (&best.choice, &restart.choice) else { return false };
        other.loss > FAILED * best.loss && is_clear(&best.parts, &other.parts)
    }
}

/// Whether sums over the same parts of samples differ by more than three standard errors of their difference.
fn is_clear(one: &[f64], other: &[f64]) -> bool {
    let differences: Vec<f64> = one.iter().zip(other).map(|(a, b)| b - a).collect();
    let k = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / k;
    let variance = differences.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (k - 1.0);
    mean.abs() > 3.0 * (variance / k).sqrt()
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.n += other.n;
        self.loss = (self.loss.0 + other.loss.0, self.loss.1 + other.loss.1);
        self.by_concept.resize(other.by_concept.len(), 0.0);
        self.by_concept.iter_mut().zip(&other.by_concept).for_each(|(sum, part)| *sum += part);
    }
}

/// Seconds on one core and bytes of an autoencoder, from operations counted and timed on one core of a server of 2023 with other work beside it.
pub fn cost(size: Size, frequency: &[f64], recipe: &Recipe) -> (f64, f64) {
    let (n, d) = (size.n_concepts as f64, size.d_model as f64);
    let (lanes_n, lanes_d) = (2.0 * (n / 32.0).ceil(), (d / 16.0).ceil());
    let active: f64 = frequency.iter().sum();
    let (batch, restarts) = (recipe.batch as f64, recipe.restarts as f64);
    let load = Load::new(frequency, recipe.batch);
    let filled = load.samples / batch;
    // Of a sample: to compare takes time for every concept, to walk for the active ones, whose logarithms are slow.
    let draw = if is_compared(frequency) { 0.09e-9 * n + 3e-9 * active } else { 25e-9 * active };
    let forward = 1e-8 + 0.35e-9 * lanes_n * d + active * 1e-9 * lanes_d;
    let model = batch * filled * cycles(size, load) * 0.3e-9 + n * lanes_d * 8e-9 + 0.15e-6;
    let steps = recipe.steps as f64 * (0.35e-6 + batch * draw + restarts * model);
    let samples = n_evaluated(recipe) as f64;
    let looks = (recipe.checkpoints.len() as f64 + 2.0 + if restarts > 1.0 { 1.0 } else { 0.0 })
        * samples
        * (draw + restarts * filled * (forward + 2e-9 * n));
    let kept = restarts * recipe.checkpoints.len() as f64 * (4.0 * n * d + 24.0 * n);
    let room = 64.0 * n * d.min(128.0)
        + (restarts * 3.0 + 3.0) * 64.0 * n * lanes_d
        + 100.0 * n
        + batch * (12.0 * active + 4.0 * n + 8.0);
    (steps + looks, kept + room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theory_a_difference_is_clear_beyond_three_standard_errors() {
        // Differences 1, 2, 3, 4: mean 2.5, standard error √(5/3/4) = 0.6455, 3.87 of them. With 1, 2, 3, −1: mean 1.25, error 0.854.
        assert!(is_clear(&[1.0; 4], &[2.0, 3.0, 4.0, 5.0]) && is_clear(&[2.0, 3.0, 4.0, 5.0], &[1.0; 4]));
        assert!(!is_clear(&[1.0; 4], &[2.0, 3.0, 4.0, 0.0]));
        assert!(!is_clear(&[1.0; 4], &[1.0; 4]));
    }
}
