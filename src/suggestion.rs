//! The nearest right name, for a word that is not one.

/// The candidate that a person most likely meant, if any is near: at most a third of its letters (and one more) wrong, or one begins with the other.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest_of(&word.to_lowercase(), &candidates.into_iter().collect::<Vec<_>>())
}

/// The same, compiled once for all kinds of lists.
fn nearest_of<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let distances = candidates.iter().map(|candidate| strsim::damerau_levenshtein(word, &candidate.to_lowercase()));
    distances
        .zip(candidates)
        .filter(|&(distance, candidate)| {
            let prefix =
                word.len() >= 3 && candidate.len() >= 3 && (candidate.starts_with(word) || word.starts_with(candidate));
            prefix || distance <= 1 + candidate.chars().count() / 3 && distance < candidate.chars().count()
        })
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, &candidate)| candidate)
}

/// `; did you mean "…"?`, or nothing.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates).map_or(String::new(), |name| format!("; did you mean \"{name}\"?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theory_slips_of_the_hand_find_their_word() {
        let names = ["localized", "semi_distributed", "fully_distributed", "support", "frame", "file"];
        for (slip, meant) in [
            ("localised", "localized"),
            ("suport", "support"),
            ("fully", "fully_distributed"),
            ("FRAME", "frame"),
            ("flie", "file"),
        ] {
            assert_eq!(nearest(slip, names), Some(meant), "{slip}");
        }
        for other in ["xyz", "", "quantum"] {
            assert_eq!(nearest(other, names), None, "{other}");
        }
    }
}
