//! Vectors: those of replicate 0 at a few points of a run, drawn again from the same streams.

use std::sync::Arc;

use crate::engine::unit::{Context, Inputs, Job};
use crate::engine::{self};
use crate::geometry::kernel::Kernel;
use crate::quantity::cut;
use crate::scenario::study::Study;
use crate::store::Store;

/// The vectors of one tier at one point.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// Tier and coordinates.
    pub title: String,
    /// How many concepts the tier has.
    pub n_concepts: usize,
    /// The width.
    pub d_model: usize,
    /// The first of them, at most [`MOST_VECTORS`].
    pub vectors: Vec<Vec<f32>>,
    /// The names of all of these concepts, if they have any.
    pub names: Option<Vec<String>>,
}

/// Vectors that are kept of a tier.
pub const MOST_VECTORS: usize = 400;

/// Tiers and points that are drawn again.
const MOST_DRAWN: usize = 6;

/// A unit that takes longer than this on one core is not drawn again: figures are to cost next to nothing.
const LONG_S: f64 = 3.0;

/// Numbers of a matrix that may be drawn again.
const MOST_NUMBERS: u64 = 50_000_000;

/// What could be drawn again, and what could not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vectors {
    /// The vectors.
    pub drawn: Vec<Drawn>,
    /// Of which tiers there are none, and why, in a sentence each.
    pub left_out: Vec<String>,
}

/// Draws the vectors of replicate 0 for every tier at the first, the middle and the last point, as far as that is quick.
pub fn draw(study: &Study, inputs: &Inputs, kernel: Kernel) -> Result<Vectors, engine::Fault> {
    let store = Store::in_memory()?;
    let context = Context::new(study, inputs, kernel, &store);
    let n = study.n_points;
    let mut points = vec![0, (n - 1) / 2, n - 1];
    points.dedup();
    let (mut all, mut left_out) = (Vec::new(), Vec::new());
    for index in points {
        let point = Arc::new(study.point(index)?);
        if !point.plan.scenario.measure.chosen().iter().any(|measure| measure.member.reads_vectors()) {
            continue;
        }
        for &tier_idx in &point.tiers {
            let planned = &point.plan.tiers[tier_idx];
            let Some(size) = planned.size else { continue };
            let tier = &point.plan.scenario.tiers[tier_idx];
            let Some(embedding) = &tier.embedding else { continue };
            let reason = if point.chains[tier_idx].is_some() {
                Some(
                    "its training goes on from others along an axis, and none is trained again for a figure".to_owned(),
                )
            } else if size.n_concepts.saturating_mul(size.d_model) > MOST_NUMBERS {
                Some(format!("{} × {} numbers are too many for it", size.n_concepts, size.d_model))
            } else if embedding.member().cost(size).0 > LONG_S {
                Some(format!("to make them again would take longer than {LONG_S} s"))
            } else {
                None
            };
            if let Some(reason) = reason {
                let sentence = format!("The vectors of {} are in no figure: {reason}.", cut(tier.name.as_str(), 60));
                if !left_out.contains(&sentence) {
                    left_out.push(sentence);
                }
                continue;
            }
            if all.len() == MOST_DRAWN {
                continue;
            }
            let job = Job { point: point.clone(), tier_idx, replicate: 0 };
            let Some(vectors) = job.vectors(&context, true)? else { continue };
            let embedding = vectors.embedding;
            let n_kept = embedding.n_concepts().min(MOST_VECTORS);
            let paths = study.sweep.paths();
            let coordinates: Vec<String> = paths
                .iter()
                .zip(&point.coordinates)
                .map(|(path, value)| {
                    let words = value.number().map_or(value.to_string(), |x| super::number::plain(x, 3));
                    format!("{} = {words}", path.rsplit('.').next().unwrap_or(path))
                })
                .collect();
            let mut title = vec![tier.name.to_string()];
            title.extend(coordinates);
            let of_scenario = || point.plan.scenario.concepts.as_ref().and_then(|concepts| concepts.names.clone());
            let names = vectors.names.or_else(of_scenario);
            all.push(Drawn {
                title: title.join(", "),
                n_concepts: embedding.n_concepts(),
                d_model: embedding.d_model(),
                vectors: (0..n_kept).map(|concept| embedding.column(concept).to_vec()).collect(),
                names: names.filter(|names| names.len() == embedding.n_concepts()),
            });
        }
    }
    Ok(Vectors { drawn: all, left_out })
}

impl Drawn {
    /// The cosines of the first `n` vectors with all before them, row by row; not finite where one is zero. O(n² d) time.
    pub fn cosines(&self, n: usize) -> Vec<f64> {
        let vectors = &self.vectors[..n.min(self.vectors.len())];
        let norms: Vec<f64> = vectors.iter().map(|vector| dot(vector, vector).sqrt()).collect();
        let cosine = |i: usize, j: usize| {
            let norms = norms[i] * norms[j];
            if norms > 0.0 { (dot(&vectors[i], &vectors[j]) / norms).clamp(-1.0, 1.0) } else { f64::NAN }
        };
        (0..vectors.len()).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| cosine(i, j)).collect()
    }
}

/// Eight sums side by side, which a processor takes at once, and always in the same order.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0.0; 8];
    for (a, b) in a.chunks(8).zip(b.chunks(8)) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += f64::from(*a) * f64::from(*b);
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theory_cosines_of_three_vectors() {
        let mut long = vec![0.0; 19];
        (long[0], long[18]) = (3.0, 4.0);
        let mut first = vec![0.0; 19];
        first[0] = 2.0;
        let vectors = vec![first, long, vec![0.0; 19]];
        let drawn = Drawn { title: String::new(), n_concepts: 3, d_model: 19, vectors, names: None };
        let cosines = drawn.cosines(3);
        assert!((cosines[0] - 0.6).abs() < 1e-15 && cosines[1].is_nan() && cosines[2].is_nan(), "{cosines:?}");
        assert_eq!(drawn.cosines(2).len(), 1);
    }
}
