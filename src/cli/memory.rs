//! Sizes of memory: what a person writes, and what the machine has free.

/// A size as in `8GB`, `500MiB` or `1000000`.
pub fn parse(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "kb" | "k" => 1e3,
        "mb" | "m" => 1e6,
        "gb" | "g" => 1e9,
        "tb" | "t" => 1e12,
        "kib" => 1024.0,
        "mib" => 1024f64.powi(2),
        "gib" => 1024f64.powi(3),
        "tib" => 1024f64.powi(4),
        _ => return Err("allowed: a number with kB, MB, GB, TB, KiB, MiB, GiB or TiB, as in 8GB".into()),
    };
    let bytes = number.parse::<f64>().map_err(|_| "allowed: a number with a unit, as in 8GB".to_owned())? * factor;
    if (1.0..=1e18).contains(&bytes) {
        Ok(bytes as u64)
    } else {
        Err("allowed: a size from 1 byte to 1e18 bytes".into())
    }
}

/// 80 % of the memory that is free, within the limit of the control group if there is one; 2 GB where the system does not tell.
pub fn available() -> u64 {
    let Ok(mut system) = sysinfo::System::new() else { return 2_000_000_000 };
    system.refresh_memory();
    let limit = system.cgroup_limits().map_or(u64::MAX, |limits| limits.free_memory);
    (system.available_memory().min(limit) as f64 * 0.8) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theory_units_are_powers_of_1000_or_of_1024() {
        for (text, bytes) in
            [("123", 123), ("8GB", 8_000_000_000), ("1.5 KiB", 1536), ("500mb", 500_000_000), ("2GiB", 1 << 31)]
        {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
        for bad in ["", "GB", "0", "-1GB", "8XB", "1..5GB", "1e30"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
