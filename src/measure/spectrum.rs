//! Spectrum: how many of the dimensions a representation really uses.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cost, Measure, Subject};
use crate::geometry::pairs::{CentredSums, Wanted};
use crate::geometry::spectrum;
use crate::seed::Stream;
use crate::table::Change::{Permutation, Rotation};
use crate::table::{Column, Unit, Value};

/// Participation ratio, effective rank and stable rank of the centred embedding of the m represented concepts.
///
/// λ are the eigenvalues of the d × d covariance, σ the singular values of the centred embedding. All three lie from 1 to min(d, m − 1).
/// For independent Gaussian concepts the participation ratio is about d (m − 1)/(d + m). It needs no eigenvalues and comes from the pass over
/// the pairs, (Σᵢ|x̃ᵢ|²)²/Σᵢⱼ(x̃ᵢ·x̃ⱼ)²; the other two need the spectrum. O(m d min(m, d)) time and one min(m, d)² matrix of f64, or neither with
/// `effective_rank = false`. For m ≤ d it starts from the products of the pass, in f32, right to 1e-6, unless a direction is so faint, or the mean so long, that rounding might pass for it. `raw = true` adds the three of the embedding as it is. Undefined where all represented concepts are equal.
///
/// Source: Gao & Ganguli (2015), Curr. Opin. Neurobiol. 32; Roy & Vetterli (2007), EUSIPCO; Rudelson & Vershynin (2007), J. ACM 54.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spectrum {
    /// Whether to compute the spectrum, and with it the columns `effective_rank` and `stable_rank`.
    #[serde(default = "yes")]
    pub effective_rank: bool,
    /// Whether to add the same three of the embedding as it is, not centred, as `raw_participation_ratio`, `raw_effective_rank` and `raw_stable_rank`: a mean vector that dominates is then one direction, and hides the others. Takes a spectrum more.
    #[serde(default, skip_serializing_if = "is_false")]
    pub raw: bool,
}

impl Default for Spectrum {
    fn default() -> Self {
        Self { effective_rank: yes(), raw: false }
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

fn yes() -> bool {
    true
}

impl Measure for Spectrum {
    fn columns(&self) -> Vec<Column> {
        let column = |name, meaning| {
            Column::new(name, Unit::Dimensions, meaning).within(1.0, f64::INFINITY).unmoved_by(&[Rotation, Permutation])
        };
        let mut columns = vec![
            column("participation_ratio", "(Σλ)²/Σλ², λ the eigenvalues of the covariance")
                .from("Gao & Ganguli (2015)"),
        ];
        if self.effective_rank {
            columns.push(
                column("effective_rank", "exp(−Σ p ln p), p = σ/Σσ, σ the singular values of the centred embedding")
                    .from("Roy & Vetterli (2007)"),
            );
            columns
                .push(column("stable_rank", "‖X̃‖²_F/σ₁² of the centred embedding").from("Rudelson & Vershynin (2007)"));
        }
        if self.raw {
            columns.extend([
                column("raw_participation_ratio", "(Σλ)²/Σλ², λ the eigenvalues of WWᵀ, not centred")
                    .from("Gao & Ganguli (2015)"),
                column(
                    "raw_effective_rank",
                    "exp(−Σ p ln p), p = σ/Σσ, σ the singular values of the embedding, not centred",
                )
                .from("Roy & Vetterli (2007)"),
                column("raw_stable_rank", "‖W‖²_F/σ₁² of the embedding, not centred")
                    .from("Rudelson & Vershynin (2007)"),
            ]);
        }
        columns
    }

    fn least_concepts(&self) -> u64 {
        2
    }

    fn reads_pairs(&self) -> Option<Wanted> {
        Some(Wanted { centred: true, products: self.effective_rank, ..Wanted::default() })
    }

    fn cost(&self, n: f64, d: f64) -> Cost {
        let n_spectra = f64::from(u8::from(self.effective_rank) + u8::from(self.raw));
        if n_spectra == 0.0 {
            return Cost::default();
        }
        // The products of all pairs are kept where there are no more concepts than units.
        let products = if n <= d { 4.0 * (n + 192.0) * (n + 192.0) } else { 0.0 };
        let bytes = products + spectrum::memory(n as usize, d as usize) as f64;
        Cost { seconds: n_spectra * spectrum::seconds(n, d), bytes }
    }

    fn observe(&self, subject: &Subject, _: &Stream) -> Vec<Value> {
        let centred = subject.pairs().and_then(|pairs| pairs.centred.as_ref());
        // No rank exceeds the dimension of the centred vectors; rounding may carry it a little past.
        let (m, d) = (subject.represented().n_concepts(), subject.represented().d_model());
        let parallel = subject.is_parallel();
        let most = (d.min(m.saturating_sub(1)) as f64).max(1.0);
        let rank = |x: Option<f64>| Value::from(x.map(|x| x.clamp(1.0, most)));
        let mut row = vec![rank(centred.and_then(participation_ratio))];
        if self.effective_rank {
            let ranks = centred.and_then(|sums| {
                let known = sums.products.as_ref().and_then(|known| spectrum::ranks_of_products(known, parallel));
                known.or_else(|| spectrum::ranks(subject.represented(), &sums.mean, parallel))
            });
            row.push(rank(ranks.map(|r| r.effective)));
            row.push(rank(ranks.map(|r| r.stable)));
        }
        if self.raw {
            let ranks = (m > 0).then(|| spectrum::ranks(subject.represented(), &vec![0.0; d], parallel)).flatten();
            let most = d.min(m).max(1) as f64;
            let rank = |x: Option<f64>| Value::from(x.map(|x| x.clamp(1.0, most)));
            row.push(rank(ranks.map(|r| r.participation)));
            row.push(rank(ranks.map(|r| r.effective)));
            row.push(rank(ranks.map(|r| r.stable)));
        }
        row
    }
}

/// (Σᵢ|x̃ᵢ|²)²/Σᵢⱼ(x̃ᵢ·x̃ⱼ)², the sum over all ordered pairs and the diagonal; `None` if all vectors are equal.
fn participation_ratio(centred: &CentredSums) -> Option<f64> {
    let trace: f64 = centred.square_norms.iter().sum();
    let diagonal: f64 = centred.square_norms.iter().map(|square| square * square).sum();
    let ratio = trace * trace / (diagonal + 2.0 * centred.sum_dot2);
    ratio.is_finite().then_some(ratio)
}
