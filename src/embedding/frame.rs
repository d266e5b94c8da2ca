//! Frame: deterministic packings of lines with known coherence.

use nalgebra::DMatrix;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Asked, Encoding, Fault, Key, Model, Size};
use crate::geometry::embedding::Embedding;
use crate::seed::Stream;

/// A deterministic packing of n lines in d dimensions whose coherence is known exactly.
///
/// A frame brings its own n and d; `[concepts]` and `d_model` may be left out, or must agree. All vectors have length 1.
/// Built in f64, stored in f32. Nothing is random. O(n d) time and memory.
///
/// Source: Welch (1974), IEEE Trans. Inf. Theory 20; Strohmer & Heath (2003), Appl. Comput. Harmon. Anal. 14;
/// Lemmens & Seidel (1973), J. Algebra 24.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Frame {
    /// Which packing.
    pub packing: Packing,
}

/// A packing with known coherence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Packing {
    /// The d + 1 corners of a regular simplex: |cos| = 1/d for all pairs, the Welch bound.
    Simplex,
    /// The 6 diagonals of an icosahedron in 3 dimensions: |cos| = 1/√5 for all pairs, the Welch bound.
    Icosahedron,
    /// 28 lines in 7 dimensions, the permutations of (−3, −3, 1, 1, 1, 1, 1, 1): |cos| = 1/3 for all pairs, the Welch bound.
    Lines28,
    /// The d axes and the d columns of a Hadamard matrix, d a power of two: |cos| is 0 within each basis and 1/√d between them.
    Hadamard,
}

impl Packing {
    fn size(self, asked: &Asked) -> Result<Size, Fault> {
        let (n_concepts, d_model) = match self {
            Self::Icosahedron => (6, 3),
            Self::Lines28 => (28, 7),
            // These exist for many d; the width that is asked, or else the number of concepts, says which.
            Self::Simplex => match (asked.d_model(), asked.n_concepts) {
                (Err(_), Some(n)) if n >= 2 => (n, n - 1),
                (d, _) => d.map(|d| (d + 1, d))?,
            },
            Self::Hadamard => match (asked.d_model(), asked.n_concepts) {
                (Err(_), Some(n)) if n >= 2 => (n / 2 * 2, n / 2),
                (d, _) => d.map(|d| (2 * d, d))?,
            },
        };
        if self == Self::Hadamard && !(d_model.is_power_of_two() && d_model >= 2) {
            let sentence =
                format!("is \"hadamard\", which needs a d_model that is a power of two from 2 on, got {d_model}");
            return Err(Fault::scenario(Key::parameter("packing"), sentence));
        }
        Ok(Size { n_concepts, d_model })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Simplex => "simplex",
            Self::Icosahedron => "icosahedron",
            Self::Lines28 => "lines28",
            Self::Hadamard => "hadamard",
        }
    }

    /// The vectors in f64, d × n, each of length 1 up to rounding.
    pub fn vectors(self, d: usize) -> DMatrix<f64> {
        let mut vectors = match self {
            Self::Simplex => sum_zero_basis(d + 1),
            Self::Icosahedron => {
                let golden = (1.0 + 5f64.sqrt()) / 2.0;
                let corners = [[0.0, 1.0, golden], [0.0, -1.0, golden]];
                DMatrix::from_fn(3, 6, |k, i| corners[i % 2][(k + i / 2) % 3])
            }
            Self::Lines28 => {
                let pairs: Vec<_> = (0..8).flat_map(|a| (0..a).map(move |b| (a, b))).collect();
                sum_zero_basis(8)
                    * DMatrix::from_fn(8, 28, |k, i| if k == pairs[i].0 || k == pairs[i].1 { -3.0 } else { 1.0 })
            }
            Self::Hadamard => DMatrix::from_fn(d, 2 * d, |k, i| match i.checked_sub(d) {
                None => f64::from(u8::from(k == i)),
                // Sylvester's construction: the sign is the parity of the bits that row and column share.
                Some(column) => {
                    if (k & column).count_ones() % 2 == 0 {
                        1.0
                    } else {
                        -1.0
                    }
                }
            }),
        };
        for mut vector in vectors.column_iter_mut() {
            vector /= vector.norm();
        }
        vectors
    }
}

/// An orthonormal basis, as rows, of the m-vectors whose entries sum to zero: (m − 1) × m (Helmert's matrix without its first row).
fn sum_zero_basis(m: usize) -> DMatrix<f64> {
    DMatrix::from_fn(m - 1, m, |k, i| {
        let k = k + 1;
        let length = ((k * (k + 1)) as f64).sqrt();
        match i.cmp(&k) {
            std::cmp::Ordering::Less => 1.0 / length,
            std::cmp::Ordering::Equal => -(k as f64) / length,
            std::cmp::Ordering::Greater => 0.0,
        }
    })
}

impl Encoding for Frame {
    fn size(&self, asked: &Asked) -> Result<Size, Fault> {
        asked.given(self.packing.name(), self.packing.size(asked)?)
    }

    fn embed(&self, model: &Model, _: &Stream, _: bool) -> Result<Embedding, Fault> {
        Ok(Embedding::new(self.packing.vectors(model.d_model).map(|x| x as f32)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::tests::asked;

    /// V02: coherence and frame potential of the constructions in f64, against the Welch bound, to 1e-12.
    fn check(packing: Packing, d: usize, n: usize, coherence: f64) {
        let w = packing.vectors(d);
        assert_eq!(w.shape(), (d, n));
        let gram = w.transpose() * &w;
        let largest = (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|p| gram[p].abs()).fold(0.0, f64::max);
        assert!((largest - coherence).abs() < 1e-12, "{packing:?}: {largest}");
        let potential = gram.norm_squared();
        assert!((potential - (n * n) as f64 / d as f64).abs() < 1e-12 * potential, "{packing:?} is tight");
    }

    #[test]
    fn theory_v02_coherence_and_frame_potential() {
        for d in [1, 2, 3, 10, 100] {
            check(Packing::Simplex, d, d + 1, 1.0 / d as f64);
        }
        check(Packing::Icosahedron, 3, 6, 1.0 / 5f64.sqrt());
        check(Packing::Lines28, 7, 28, 1.0 / 3.0);
        for d in [2, 4, 16, 64] {
            check(Packing::Hadamard, d, 2 * d, 1.0 / (d as f64).sqrt());
        }
    }

    #[test]
    fn theory_a_frame_brings_its_own_size() {
        let size = |packing, n, d| Frame { packing }.size(&asked(n, d)).map_err(|fault| fault.to_string());
        assert_eq!(size(Packing::Lines28, None, None), Ok(Size { n_concepts: 28, d_model: 7 }));
        assert_eq!(size(Packing::Simplex, None, Some(5)), Ok(Size { n_concepts: 6, d_model: 5 }));
        assert_eq!(size(Packing::Simplex, Some(6), None), Ok(Size { n_concepts: 6, d_model: 5 }));
        assert_eq!(size(Packing::Hadamard, Some(8), None), Ok(Size { n_concepts: 8, d_model: 4 }));
        assert_eq!(
            size(Packing::Icosahedron, Some(7), None),
            Err("has 7 concepts, but icosahedron has 6; leave [concepts] out or give it 6".into())
        );
        assert_eq!(
            size(Packing::Icosahedron, None, Some(4)),
            Err("is 4, but icosahedron has d_model 3; leave d_model out or set it to 3".into())
        );
        assert_eq!(
            size(Packing::Hadamard, None, Some(12)),
            Err("is \"hadamard\", which needs a d_model that is a power of two from 2 on, got 12".into())
        );
    }
}
