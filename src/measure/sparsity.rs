//! Sparsity: how few units carry a concept, and how few concepts use a unit.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cost, Measure, Subject, mean};
use crate::seed::Stream;
use crate::table::Change::{Permutation, Rescaling};
use crate::table::{Change, Column, Unit, Value};

/// How localized the represented concepts are on the d units, and how many concepts share a unit.
///
/// `hoyer`, `treves_rolls`, `gini` and `active_units_fraction` are means over the represented concepts, of the sizes |w| of the entries;
/// `polysemanticity` is a mean over the units that any concept uses. All depend on the axes: a rotation changes them. `hoyer` and `treves_rolls`
/// do not exist for d = 1. O(n d log d) time, O(d) memory.
///
/// Source: Hoyer (2004), JMLR 5; Treves & Rolls (1991), Network 2; Hurley & Rickard (2009), IEEE Trans. Inf. Theory 55.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sparsity {}

/// Sparsity of one concept's vector.
struct Sparseness {
    hoyer: f64,
    treves_rolls: f64,
    gini: f64,
    n_zeros: u64,
    active_fraction: f64,
}

impl Measure for Sparsity {
    fn columns(&self) -> Vec<Column> {
        const BLIND: &[Change] = &[Permutation, Rescaling];
        let fraction = |name, meaning| Column::new(name, Unit::Fraction, meaning).within(0.0, 1.0).unmoved_by(BLIND);
        vec![
            fraction("hoyer", "(√d − Σ|w|/√Σw²)/(√d − 1), mean over concepts: 1 for one unit, 0 for equal entries").from("Hoyer (2004)"),
            fraction("treves_rolls", "(1 − a)/(1 − 1/d) with a = ⟨|w|⟩²/⟨w²⟩, mean over concepts: 1 for one unit, 0 for equal entries")
                .from("Treves & Rolls (1991); Vinje & Gallant (2000), Science 287"),
            fraction("gini", "1 − 2 Σₖ (|w|₍ₖ₎/Σ|w|)(d − k + ½)/d with |w| ascending, mean over concepts: 1 − 1/d for one unit, 0 for equal entries")
                .from("Hurley & Rickard (2009)"),
            fraction("zero_units_fraction", "entries that are exactly 0 / entries"),
            fraction("active_units_fraction", "(Σw²)²/(d Σw⁴), mean over concepts: 1/d for one unit, 1 for equal entries")
                .from("Participation ratio of w² over units"),
            Column::new("polysemanticity", Unit::Count, "(Σw²)²/Σw⁴ over the concepts, mean over the units that any concept uses: 1 when each unit serves one concept")
                .within(1.0, f64::INFINITY)
                .unmoved_by(&[Permutation])
                .from("Participation ratio of w² over concepts"),
        ]
    }

    fn cost(&self, n: f64, d: f64) -> Cost {
        Cost { seconds: n * d * (2e-9 * libm::log2(d.max(2.0)) + 4e-9), bytes: 32.0 * d }
    }

    fn observe(&self, subject: &Subject, _: &Stream) -> Vec<Value> {
        let concepts = subject.by_concept(sparseness);
        let average = |number: fn(&Sparseness) -> f64| Value::from(mean(concepts.iter().map(number)));
        let n_entries = subject.represented().as_slice().len() as f64;
        vec![
            average(|c| c.hoyer),
            average(|c| c.treves_rolls),
            average(|c| c.gini),
            (concepts.iter().map(|c| c.n_zeros).sum::<u64>() as f64 / n_entries).into(),
            average(|c| c.active_fraction),
            polysemanticity(subject).into(),
        ]
    }
}

/// Numbers that are sorted sooner by comparison than by digits.
const FEW: usize = 512;

fn sparseness(vector: &[f32]) -> Sparseness {
    let d = vector.len() as f64;
    // Zeros come first in ascending order and weigh nothing in every sum, so only the others are sorted.
    let mut sizes: Vec<f32> = vector.iter().map(|x| x.abs()).filter(|&x| x > 0.0).collect();
    // By digits where there are many: an order of numbers is the same however it is found.
    if sizes.len() < FEW {
        sizes.sort_unstable_by(f32::total_cmp)
    } else {
        radsort::sort(&mut sizes)
    }
    let n_zeros = vector.len() - sizes.len();
    let (mut sum, mut ranked, mut square, mut fourth) = (0.0, 0.0, 0.0, 0.0);
    for (k, &size) in (n_zeros + 1..).zip(&sizes) {
        let x = f64::from(size);
        sum += x;
        ranked += x * (d - k as f64 + 0.5);
        square += x * x;
        fourth += x * x * x * x;
    }
    // Rounding may carry a value that is 0 or 1 a little past it.
    let fraction = |x: f64| if x.is_finite() { x.clamp(0.0, 1.0) } else { x };
    Sparseness {
        hoyer: fraction((d.sqrt() - sum / square.sqrt()) / (d.sqrt() - 1.0)),
        treves_rolls: fraction((1.0 - sum * sum / (d * square)) / (1.0 - 1.0 / d)),
        gini: fraction(1.0 - 2.0 * ranked / (sum * d)),
        n_zeros: n_zeros as u64,
        active_fraction: fraction(square * square / (d * fourth)),
    }
}

/// Mean over the used units of (Σᵢ w²)²/Σᵢ w⁴.
fn polysemanticity(subject: &Subject) -> Option<f64> {
    let d = subject.represented().d_model();
    let (mut square, mut fourth) = (vec![0.0; d], vec![0.0; d]);
    for vector in subject.represented().as_slice().chunks_exact(d) {
        for ((&w, square), fourth) in vector.iter().zip(&mut square).zip(&mut fourth) {
            let w2 = f64::from(w) * f64::from(w);
            *square += w2;
            *fourth += w2 * w2;
        }
    }
    let used: Vec<f64> =
        square.iter().zip(&fourth).filter(|(_, f)| **f > 0.0).map(|(s, f)| (s * s / f).max(1.0)).collect();
    mean(used.into_iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theory_one_unit_and_equal_entries_are_the_extremes() {
        let one = sparseness(&[0.0, 0.0, -3.0, 0.0]);
        assert_eq!((one.hoyer, one.treves_rolls, one.active_fraction, one.n_zeros), (1.0, 1.0, 0.25, 3));
        assert!((one.gini - 0.75).abs() < 1e-15, "1 − 1/d: {}", one.gini);
        let equal = sparseness(&[2.0, -2.0, 2.0, -2.0]);
        assert_eq!(
            (equal.hoyer, equal.treves_rolls, equal.gini, equal.active_fraction, equal.n_zeros),
            (0.0, 0.0, 0.0, 1.0, 0)
        );
    }

    #[test]
    fn theory_values_worked_out_by_hand() {
        // |w| = 1, 2, 3 with d = 4: Σ = 6, Σ² = 14, Σ⁴ = 98; ranks of the sizes are 2, 3, 4.
        let s = sparseness(&[2.0, 0.0, -3.0, 1.0]);
        assert!((s.hoyer - (2.0 - 6.0 / 14f64.sqrt())).abs() < 1e-15);
        assert!((s.treves_rolls - (1.0 - 36.0 / 56.0) / 0.75).abs() < 1e-15);
        assert!((s.gini - (1.0 - 2.0 * (2.5 + 2.0 * 1.5 + 3.0 * 0.5) / 24.0)).abs() < 1e-15);
        assert!((s.active_fraction - 196.0 / 392.0).abs() < 1e-15);
    }

    #[test]
    fn theory_gini_of_normal_entries() {
        // The Gini index of |x| for a normal x is √2 − 1; treves_rolls tends to 1 − 2/π, hoyer to 1 − √(2/π), the active fraction to 1/3.
        use rand_distr::{Distribution, StandardNormal};
        let mut rng = Stream::from_seed(5).rng();
        let vector: Vec<f32> = (0..400_000).map(|_| StandardNormal.sample(&mut rng)).collect();
        let s = sparseness(&vector);
        let two_over_pi = 2.0 / std::f64::consts::PI;
        for (value, expected) in [
            (s.gini, 2f64.sqrt() - 1.0),
            (s.treves_rolls, 1.0 - two_over_pi),
            (s.hoyer, 1.0 - two_over_pi.sqrt()),
            (s.active_fraction, 1.0 / 3.0),
        ] {
            assert!((value - expected).abs() < 0.004, "{value} against {expected}");
        }
    }
}
