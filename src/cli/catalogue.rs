//! `superpose list models` and `superpose list abilities`: the catalogue as tables for a person.

use superpose::catalogue::{self, Model};
use superpose::quantity::shortest;

use super::summary::lined_up;

/// All models with their numbers, and the notes below.
pub fn models() -> String {
    let heads = ["model", "maker", "year", "params", "active", "d_model", "layers", "tokens", "compute", "context"];
    let heads = heads.into_iter().chain(["published", "score", "benchmark"]).map(str::to_owned).collect();
    let rows = catalogue::models().iter().map(|model| {
        vec![
            model.name.clone(),
            model.maker.clone(),
            model.year.to_string(),
            cell(model.params.map(digits)),
            cell(model.active_params.map(digits)),
            cell(model.d_model),
            cell(model.layers),
            cell(model.tokens.map(digits)),
            cell(model.compute.map(digits)),
            cell(model.context),
            model.openness.to_string(),
            cell(model.score.map(|score| format!("{score:.1}"))),
            model.benchmark.clone().unwrap_or_default(),
        ]
    });
    let table = lined_up(std::iter::once(heads).chain(rows).collect(), 2, &[0, 1, 10, 12]);
    let mut text = format!("models\n{table}\n\n{LEGEND}\n\nnotes\n");
    for alike in catalogue::models().chunk_by(|a, b| a.note == b.note).filter(|alike| !alike[0].note.is_empty()) {
        text.push_str(&wrapped(&format!("{}: {}", names(alike), alike[0].note)));
    }
    text.push_str("superpose explain NAME tells more, and the source\n");
    text
}

const LEGEND: &str = "  params: all parameters; active: those that one token meets, where not all; tokens: seen in pretraining; compute: published operations
  (FLOP) of the training; published: open is weights, code and data, weights not all of the data, closed neither; score in %; – unpublished";

/// Abilities and the scale at which they appeared.
pub fn abilities() -> String {
    let heads = ["ability", "prompting", "params", "compute", "family", "reference"].map(str::to_owned).to_vec();
    let rows = catalogue::abilities().iter().map(|row| {
        vec![
            row.ability.clone(),
            row.prompting.clone(),
            digits(row.params),
            digits(row.compute),
            row.family.clone(),
            row.reference.clone(),
        ]
    });
    let table = lined_up(std::iter::once(heads).chain(rows).collect(), 2, &[0, 1, 4, 5]);
    format!(
        "abilities\n{table}\n\n  params and compute (FLOP) of the smallest model that showed it; the next smaller one that was tried did not\n  \
         source: {}\n",
        catalogue::abilities()[0].source
    )
}

/// `OPT-125M to OPT-175B`.
fn names(alike: &[Model]) -> String {
    match alike {
        [first, .., last] => format!("{} to {}", first.name, last.name),
        _ => alike[0].name.clone(),
    }
}

fn cell(value: Option<impl ToString>) -> String {
    value.map_or("–".to_owned(), |value| value.to_string())
}

/// Three significant digits.
fn digits(x: f64) -> String {
    shortest(format!("{x:.2e}").parse().unwrap_or(x))
}

/// Lines of at most 120 characters, the second and later ones further in.
fn wrapped(text: &str) -> String {
    let (mut lines, mut line) = (String::new(), "  ".to_owned());
    for word in text.split(' ') {
        if line.chars().count() + word.chars().count() > 120 {
            lines.push_str(line.trim_end());
            lines.push('\n');
            line = "    ".to_owned();
        }
        line.push_str(word);
        line.push(' ');
    }
    lines + line.trim_end() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn law_tables_show_every_row_and_fit_a_wide_screen() {
        let text = models();
        for model in catalogue::models() {
            assert!(text.lines().any(|line| line.starts_with(&format!("  {} ", model.name))), "{}", model.name);
        }
        let both = text + &abilities();
        assert_eq!(both.lines().filter(|line| line.contains("GPT-4 Turbo ")).count(), 1);
        let longest = both.lines().max_by_key(|line| line.chars().count()).unwrap();
        assert!(longest.chars().count() <= 150, "{longest}");
    }

    #[test]
    fn theory_notes_are_wrapped_between_words() {
        assert_eq!(wrapped("a b"), "  a b\n");
        // 2 + 23 words of 5 and 4 + 17 of them, each less the space at its end.
        let text = wrapped(&"word ".repeat(40));
        assert_eq!(text.lines().map(str::len).collect::<Vec<_>>(), [116, 88]);
        assert_eq!([1.746e11, 3e11, 125e6, 14_067_712.0].map(digits), ["1.75e11", "3e11", "1.25e8", "1.41e7"]);
    }
}
