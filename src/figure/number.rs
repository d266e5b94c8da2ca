//! Numbers as people write them: 0.3, 20 000, 10⁹, 2×10⁻⁷.

/// A number with as many decimals as a step of this size needs.
pub fn stepped(x: f64, step: f64) -> String {
    let x = if x.abs() < step * 1e-6 { 0.0 } else { x };
    let size = x.abs().max(step);
    // Beside 1 a step of 1e-7 is seven decimals; by itself it is a power of ten.
    if size >= 1e7 || step < if size >= 0.01 { 0.99e-9 } else { 0.99e-4 } {
        return scientific(x, step);
    }
    let decimals = decimals(step);
    grouped(&format!("{x:.decimals$}"))
}

/// A number by itself, with at most so many significant digits.
pub fn plain(x: f64, significant: usize) -> String {
    if x == 0.0 || !x.is_finite() {
        return if x == 0.0 { "0".to_owned() } else { "–".to_owned() };
    }
    let (mantissa, power) = parts(x, significant);
    if (-3..7).contains(&power) {
        let decimals = (significant as i32 - 1 - power).max(0) as usize;
        let text = format!("{x:.decimals$}");
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text };
        return grouped(&text);
    }
    times(&mantissa, power)
}

/// A mean and an error with the digits that the error leaves them, and the power of ten that both share.
pub struct Rounded {
    /// The mean, over the power.
    pub mean: String,
    /// The error, over the power.
    pub error: String,
    /// The exponent of the power.
    pub power: i32,
}

/// Rounds a mean to the second digit of its error. `None` where that is nothing but rounding itself, or beyond what a computer can hold.
pub fn rounded(mean: f64, error: f64) -> Option<Rounded> {
    if error.is_nan() || error <= 1e-12 * mean.abs() {
        return None;
    }
    let largest = libm::floor(libm::log10(mean.abs().max(error)));
    let power = if (-4.0..6.0).contains(&largest) { 0.0 } else { largest };
    let scale = libm::pow(10.0, power);
    if !(mean / scale).is_finite() || !(error / scale).is_finite() || error / scale == 0.0 {
        return None;
    }
    // An error of exactly a power of ten must not lose its digit to the rounding of the division.
    let decimals = (1.0 - libm::floor(libm::log10(error / scale * (1.0 + 1e-9)))).clamp(0.0, 12.0) as usize;
    let words = |x: f64| {
        let words = format!("{:.decimals$}", x / scale);
        // Nothing is not negative.
        if words.contains(|c: char| matches!(c, '1'..='9')) { words } else { words.replace('-', "") }
    };
    Some(Rounded { mean: words(mean), error: words(error), power: power as i32 })
}

/// `0.02298 ± 0.00002`, `(9.15 ± 0.04)×10⁻⁵`; the mean alone where its error is nothing but rounding.
pub fn with_error(mean: f64, error: f64) -> String {
    let Some(Rounded { mean, error, power }) = rounded(mean, error) else { return plain(mean, 4) };
    let mean = mean.replace('-', "−");
    if power == 0 { format!("{mean} ± {error}") } else { format!("({mean} ± {error})×{}", power_of_ten(power)) }
}

/// `10⁹`.
pub fn power_of_ten(power: i32) -> String {
    match power {
        0 => "1".to_owned(),
        1 => "10".to_owned(),
        _ => format!("10{}", superscript(power)),
    }
}

/// A number of a logarithmic axis: with its power of ten, or plain.
pub fn of_log(x: f64, as_power: bool) -> String {
    let (mantissa, power) = parts(x, 3);
    if as_power { times(&mantissa, power) } else { plain(x, 3) }
}

/// The digits of an exponent, raised.
pub fn superscript(power: i32) -> String {
    let raised = |c| match c {
        '-' => '⁻',
        '0' => '⁰',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit => char::from_u32('⁴' as u32 + (digit as u32 - '4' as u32)).unwrap_or(digit),
    };
    power.to_string().chars().map(raised).collect()
}

fn decimals(step: f64) -> usize {
    let text = format!("{:e}", round(step));
    let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
    let n_digits = digits.split_once('.').map_or(0, |(_, after)| after.len() as i32);
    (n_digits - power.parse::<i32>().unwrap_or(0)).max(0) as usize
}

/// Steps are 1, 2, 2.5 or 5 times a power of ten, but for what a computer makes of them.
fn round(step: f64) -> f64 {
    format!("{step:.2e}").parse().unwrap_or(step)
}

fn scientific(x: f64, step: f64) -> String {
    if x == 0.0 {
        return "0".to_owned();
    }
    let power = libm::floor(libm::log10(x.abs()) + 1e-9);
    let digits = (power - libm::floor(libm::log10(step) + 1e-9)).clamp(0.0, 6.0) as usize;
    let (mantissa, power) = parts(x, digits + 2);
    times(&mantissa, power)
}

/// Mantissa without needless zeros, and exponent.
fn parts(x: f64, significant: usize) -> (String, i32) {
    let text = format!("{x:.*e}", significant.saturating_sub(1));
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    let mantissa = if mantissa.contains('.') {
        mantissa.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        mantissa.to_owned()
    };
    (mantissa, power.parse().unwrap_or(0))
}

fn times(mantissa: &str, power: i32) -> String {
    match mantissa {
        "1" => power_of_ten(power),
        "-1" => format!("−{}", power_of_ten(power)),
        _ => format!("{}×{}", mantissa.replace('-', "−"), power_of_ten(power)),
    }
}

/// A thin space between thousands from 10 000 on, and a minus sign that is one.
fn grouped(text: &str) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("−", digits));
    let (whole, rest) = digits.find('.').map_or((digits, ""), |point| digits.split_at(point));
    if whole.len() < 5 {
        return format!("{sign}{whole}{rest}");
    }
    let mut spaced = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            spaced.push('\u{2009}');
        }
        spaced.push(digit);
    }
    format!("{sign}{spaced}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theory_numbers_are_written_as_people_write_them() {
        assert_eq!(stepped(0.300_000_000_000_000_04, 0.1), "0.3");
        assert_eq!(stepped(-0.05, 0.05), "−0.05");
        assert_eq!(stepped(1e-17, 0.1), "0.0");
        assert_eq!(stepped(0.999_999_9, 1e-7), "0.9999999");
        assert_eq!(stepped(0.099_95, 5e-5), "0.09995");
        assert_eq!(plain(0.000_493, 3), "4.93×10⁻⁴");
        assert_eq!(stepped(2.5, 2.5), "2.5");
        assert_eq!(stepped(20_000.0, 5000.0), "20\u{2009}000");
        assert_eq!(stepped(2e9, 1e9), "2×10⁹");
        assert_eq!(stepped(1.5e9, 5e8), "1.5×10⁹");
        assert_eq!(stepped(2e-6, 1e-6), "2×10⁻⁶");
        assert_eq!(plain(534_244_128.4, 2), "5.3×10⁸");
        assert_eq!(plain(0.0123456, 3), "0.0123");
        assert_eq!(plain(1000.0, 3), "1000");
        assert_eq!(plain(1e12, 3), "10¹²");
        assert_eq!(of_log(1e-4, true), "10⁻⁴");
        assert_eq!(of_log(200.0, false), "200");
        assert_eq!(with_error(0.022_984, 0.000_021), "0.022984 ± 0.000021");
        assert_eq!(with_error(-9.1484e-5, 3.9e-7), "(−9.148 ± 0.039)×10⁻⁵");
        assert_eq!(with_error(2.5e7, 1.0), "(2.50000000 ± 0.00000010)×10⁷");
        assert_eq!(with_error(-0.000_001, 0.000_38), "0.00000 ± 0.00038");
        assert_eq!(with_error(0.25, 0.0), "0.25");
        assert_eq!(superscript(-1_234_567_890), "⁻¹²³⁴⁵⁶⁷⁸⁹⁰");
    }
}
