//! Lift: short vectors are multiplied by a power of two before products are taken in f32, where those of their own entries would vanish.

/// ‖w‖² below which a vector is lifted: a product of two such vectors is near the smallest numbers of f32, where digits are lost.
const FAINT: f64 = 1e-24;

/// For each vector the power of two near its length, by which its entries are divided, 1 for one that is long enough or zero; `None` if all are.
///
/// Products of entries that are so divided are products of the entries themselves, to the bit, times the two powers, wherever these do not vanish.
pub fn units(square_norms: &[f64]) -> Option<Vec<f64>> {
    let is_faint = |square: f64| square > 0.0 && square < FAINT;
    let unit = |&square: &f64| if is_faint(square) { power_of_two(square.sqrt()) } else { 1.0 };
    square_norms.iter().any(|&square| is_faint(square)).then(|| square_norms.iter().map(unit).collect())
}

/// The largest power of two that is not above a number from 2⁻¹⁰²² on: the number without its mantissa.
fn power_of_two(x: f64) -> f64 {
    f64::from_bits(x.to_bits() & (0x7ff << 52))
}

/// 1/‖w‖ of every vector, for products of lifted ones.
pub fn inverse_norms(square_norms: &[f64], units: Option<&[f64]>) -> Vec<f64> {
    let inverse = |(i, square): (usize, &f64)| units.map_or(1.0, |units| units[i]) / square.sqrt();
    square_norms.iter().enumerate().map(inverse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theory_units_are_powers_of_two_and_only_of_short_vectors() {
        assert_eq!(units(&[1.0, 1e-24, 4e24, 0.0]), None);
        // 2⁻⁴⁰ is 9.1e-13; 3 · 2⁻¹⁰⁰ is above 2⁻⁹⁹ and below 2⁻⁹⁸.
        let (a, b) = (2f64.powi(-40), 3.0 * 2f64.powi(-100));
        assert_eq!(units(&[4.0, a * a, b * b, 0.0]), Some(vec![1.0, a, 2f64.powi(-99), 1.0]));
        assert_eq!(inverse_norms(&[4.0, a * a], Some(&[1.0, a])), [0.5, 1.0]);
        assert_eq!(inverse_norms(&[4.0, 16.0], None), [0.5, 0.25]);
    }
}
