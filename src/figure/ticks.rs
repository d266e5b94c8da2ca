//! Ticks: round numbers on an axis, as many as there is room for.

use super::Scale;
use super::number;

/// A round number on an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Where.
    pub at: f64,
    /// How it is written; empty for a tick between two that are.
    pub label: String,
}

/// The range of an axis that holds these numbers, widened so that nothing lies on the edge. `None` without a number that it could show.
pub fn range(numbers: impl Iterator<Item = f64>, scale: Scale) -> Option<(f64, f64)> {
    let shown = numbers.filter(|x| x.is_finite() && (scale == Scale::Linear || *x > 0.0));
    let (low, high) = shown.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    if low > high {
        return None;
    }
    Some(match scale {
        Scale::Linear if high - low <= 1e-12 * low.abs().max(high.abs()) => {
            let half = if low == 0.0 { 0.5 } else { 0.1 * low.abs() };
            (low - half, high + half)
        }
        Scale::Linear => {
            let margin = 0.04 * (high - low);
            (low - margin, high + margin)
        }
        Scale::Log => {
            let factor = libm::pow(high / low, 0.04).max(1.06);
            // Beyond what a computer holds there is no margin.
            ((low / factor).max(f64::MIN_POSITIVE), (high * factor).min(f64::MAX))
        }
    })
}

/// Ticks within a range, at most about `n_most` with a label.
pub fn ticks((low, high): (f64, f64), scale: Scale, n_most: usize) -> Vec<Tick> {
    match scale {
        Scale::Linear => linear(low, high, n_most),
        Scale::Log => logarithmic(low, high, n_most),
    }
}

/// 1, 2 or 5 times a power of ten: the smallest such step with at most `n_most` ticks.
fn linear(low: f64, high: f64, n_most: usize) -> Vec<Tick> {
    let least = (high - low) / n_most.max(1) as f64;
    let power = libm::pow(10.0, libm::floor(libm::log10(least)));
    let count = |step: f64| (libm::floor(high / step + 1e-9) - libm::ceil(low / step - 1e-9) + 1.0).max(0.0);
    let steps = [1.0, 2.0, 5.0, 10.0, 20.0].map(|factor| factor * power);
    let step = steps.into_iter().find(|step| count(*step) <= n_most.max(2) as f64).unwrap_or(20.0 * power);
    let first = libm::ceil(low / step - 1e-9);
    (0..count(step) as usize)
        .map(|index| {
            let at = (first + index as f64) * step;
            Tick { at, label: number::stepped(at, step) }
        })
        .collect()
}

fn logarithmic(low: f64, high: f64, n_most: usize) -> Vec<Tick> {
    let (from, to) = (libm::log10(low), libm::log10(high));
    let decades: Vec<i32> = (libm::ceil(from - 1e-9) as i32..=libm::floor(to + 1e-9) as i32).collect();
    if to - from < 0.7 {
        // Less than from 1 to 5: the axis is nearly straight.
        return linear(low, high, n_most).into_iter().filter(|tick| tick.at > 0.0).collect();
    }
    let n_most = n_most.max(2);
    let inner = |factors: &'static [u32]| {
        let powers = libm::floor(from) as i32..=libm::floor(to) as i32;
        powers.flat_map(move |power| factors.iter().map(move |&factor| f64::from(factor) * power_of(power)))
    };
    let within = |x: &f64| *x >= low * (1.0 - 1e-9) && *x <= high * (1.0 + 1e-9);
    // With one or two decades in sight, what lies between them is written too.
    let finer: [&'static [u32]; 2] = [&[1, 2, 5], &[1, 3]];
    for factors in finer {
        let all: Vec<f64> = inner(factors).filter(within).collect();
        if decades.len() < 4 && all.len() <= n_most && all.len() >= 2 {
            let as_power = low < 1e-3 || high >= 1e5;
            return all.into_iter().map(|at| Tick { at, label: number::of_log(at, as_power) }).collect();
        }
    }
    let every = decades.len().div_ceil(n_most).max(1) as i32;
    let as_power = low < 1e-3 || high >= 1e5;
    let mut ticks: Vec<Tick> = decades
        .iter()
        .map(|&power| {
            let is_written = power.rem_euclid(every) == 0;
            let label = if is_written { number::of_log(power_of(power), as_power) } else { String::new() };
            Tick { at: power_of(power), label }
        })
        .collect();
    if decades.len() <= 5 {
        let between = inner(&[2, 3, 4, 5, 6, 7, 8, 9]).filter(within);
        ticks.extend(between.map(|at| Tick { at, label: String::new() }));
        ticks.sort_by(|a, b| a.at.total_cmp(&b.at));
    }
    ticks
}

/// The double that is nearest to a power of ten.
fn power_of(power: i32) -> f64 {
    format!("1e{power}").parse().unwrap_or(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(range: (f64, f64), scale: Scale, n_most: usize) -> Vec<String> {
        ticks(range, scale, n_most).into_iter().map(|tick| tick.label).filter(|label| !label.is_empty()).collect()
    }

    #[test]
    fn theory_ticks_are_round() {
        assert_eq!(labels((-0.04, 1.04), Scale::Linear, 6), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels((0.0, 0.31), Scale::Linear, 4), ["0.0", "0.1", "0.2", "0.3"]);
        assert_eq!(labels((8e5, 1.2e12), Scale::Log, 7), ["10⁶", "10⁷", "10⁸", "10⁹", "10¹⁰", "10¹¹", "10¹²"]);
        assert_eq!(labels((8e5, 1.2e12), Scale::Log, 4), ["10⁶", "10⁸", "10¹⁰", "10¹²"]);
        assert_eq!(labels((50.0, 1200.0), Scale::Log, 6), ["50", "100", "200", "500", "1000"]);
        assert_eq!(labels((2e-4, 2e-2), Scale::Log, 4), ["3×10⁻⁴", "10⁻³", "3×10⁻³", "10⁻²"]);
        assert_eq!(labels((900.0, 1100.0), Scale::Log, 4), labels((900.0, 1100.0), Scale::Linear, 4));
    }

    #[test]
    fn law_any_axis_has_two_ticks_that_are_written_and_not_too_many() {
        for exponent in -300..300 {
            let size = libm::pow(10.0, f64::from(exponent));
            for (a, b) in [(0.0, 1.0), (-1.0, 3.0), (1.0, 1.000_1), (7.3, 9.1), (1.0, 1e6)] {
                let range = range([a * size, b * size].into_iter(), Scale::Linear).expect("numbers");
                let n = labels(range, Scale::Linear, 6).len();
                assert!((2..=7).contains(&n), "{a} {b} {size}: {n}");
            }
            for (a, b) in [(1.0, 1.0), (1.0, 2.0), (1.0, 8.0), (3.0, 40.0), (1.0, 1e4), (2.0, 9.0)] {
                let range = range([a * size, b * size].into_iter(), Scale::Log).expect("numbers");
                let n = labels(range, Scale::Log, 6).len();
                assert!((1..=7).contains(&n), "{a} {b} {size}: {n} {range:?}");
            }
        }
        assert_eq!(range([f64::NAN, -1.0].into_iter(), Scale::Log), None);
    }
}
