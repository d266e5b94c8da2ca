//! Numbers as people write them: 0.3, 20 000, 10⁹, 2×10⁻⁷.

/// A number with as many decimals as a step of this size needs.
pub fn stepped(x: f64, step: f64) -> String {
    let x = if x.abs() < step * 1e-6 { 0.0 } else { x };
    let size = x.abs().max(step);
    if size >= 1e7 || step < 0.99e-4 {
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
    if (-4..7).contains(&power) {
        let decimals = (significant as i32 - 1 - power).max(0) as usize;
        let text = format!("{x:.decimals$}");
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text };
        return grouped(&text);
    }
    times(&mantissa, power)
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
        assert_eq!(superscript(-1_234_567_890), "⁻¹²³⁴⁵⁶⁷⁸⁹⁰");
    }
}
