//! Vectors: those of replicate 0 at a few points of a run, drawn again from the same streams.

use std::sync::Arc;

use crate::engine::unit::{Context, Inputs, Job};
use crate::engine::{self};
use crate::geometry::kernel::Kernel;
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

/// Draws the vectors of replicate 0 for every tier at the first, the middle and the last point, as far as that is quick.
pub fn draw(study: &Study, inputs: &Inputs, kernel: Kernel) -> Result<Vec<Drawn>, engine::Fault> {
    let store = Store::in_memory()?;
    let context = Context::new(study, inputs, kernel, &store);
    let n = study.n_points;
    let mut points = vec![0, (n - 1) / 2, n - 1];
    points.dedup();
    let mut all = Vec::new();
    for index in points {
        let point = Arc::new(study.point(index)?);
        if !point.plan.scenario.measure.chosen().iter().any(|measure| measure.member.reads_vectors()) {
            continue;
        }
        for &tier_idx in &point.tiers {
            let planned = &point.plan.tiers[tier_idx];
            let Some(size) = planned.size else { continue };
            let is_small = size.n_concepts.saturating_mul(size.d_model) <= MOST_NUMBERS;
            let is_quick = planned.cost.seconds <= LONG_S && point.chains[tier_idx].is_none();
            if all.len() == MOST_DRAWN || !is_small || !is_quick {
                continue;
            }
            let job = Job { point: point.clone(), tier_idx, replicate: 0 };
            let Some(vectors) = job.vectors(&context, true)? else { continue };
            let embedding = vectors.embedding;
            let n_kept = embedding.n_concepts().min(MOST_VECTORS);
            let tier = &point.plan.scenario.tiers[tier_idx];
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
    Ok(all)
}

impl Drawn {
    /// The cosine of two of the vectors; not finite if one is zero.
    pub fn cosine(&self, i: usize, j: usize) -> f64 {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
        let (a, b) = (&self.vectors[i], &self.vectors[j]);
        let norms = (dot(a, a) * dot(b, b)).sqrt();
        if norms > 0.0 { (dot(a, b) / norms).clamp(-1.0, 1.0) } else { f64::NAN }
    }
}
