//! Words: what the page says, one table for each language.
//!
//! A language is a file with a value for every field of `Words`: the compiler refuses one that lacks a field, and warns of a field that no page uses.
//! What stands in braces is put in by `fill`.

mod en;
mod zh;

/// A language of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Language {
    /// All of them.
    pub const ALL: [Language; 2] = [Language::English, Language::Chinese];

    /// Its tag, as in `lang="zh"`.
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh",
        }
    }

    /// The language of a tag.
    pub fn of_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }

    pub(super) fn words(self) -> &'static Words {
        match self {
            Language::English => &en::WORDS,
            Language::Chinese => &zh::WORDS,
        }
    }
}

/// A text with a value for each name in braces.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    // One pass: what is put in is never taken for a brace of the template.
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        text.push_str(values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value));
        rest = after;
    }
    text + rest
}

macro_rules! words {
    ($($(#[$doc:meta])* $field:ident,)+) => {
        /// Every text of the page in one language.
        pub(super) struct Words {
            $($(#[$doc])* pub(super) $field: &'static str,)+
        }

        #[cfg(test)]
        impl Words {
            fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($field), self.$field),)+]
            }
        }
    };
}

words! {
    // The frame of the page.
    skip, contents, no_script, made_by,
    asked_title, came_title, theory_title, made_title, repeat_title,
    // The heading.
    replicates_one, replicates, unfinished,
    // What was asked.
    extent, filtered, tiers_caption, at_first_point, tier, embedding, params, width, concepts,
    axes_caption, axis, values, measured, embeddings_heading, analyses_heading, more, file_heading, file_note, settings_note, smoke_note,
    concept_names,
    // What came out.
    findings_heading, findings_lead, finding_interval, finding_plain, finding_none, finding_more, findings_left_out, rows_one, rows, error_only,
    figures_heading, figures_lead, figure_files, figures_left_out, no_figures, step_label, steps_label, slider_label, step_of, nothing_here,
    figure_page, figure_ability, figure_scaling, figure_surface, figure_phase, figure_axis, figure_training, figure_tiers, figure_cosines,
    figure_overlap, figure_geometry, figure_wished,
    tables_heading, tables_lead, table_caption, rows_left_out, filter, sort_by, shown_count, columns_heading, manual,
    column, unit, range, meaning, source, theory_column,
    // What theory says.
    theory_lead, theory_none, theory_caption, simulated, theory, difference, within_one, theory_not_exact,
    // How it was made.
    made_lead, made_none, version, commit, started, elapsed, threads, kernel, records, failed, seed, seconds, scenario_file,
    files_caption, file, bytes, checksum, no_times,
    // How to repeat and to cite it.
    repeat_lead, page_again, cite_lead, citation, seed_note,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(template: &str) -> Vec<String> {
        let mut names: Vec<String> =
            template.split('{').skip(1).map(|rest| rest.split('}').next().unwrap_or_default().to_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn law_languages_say_the_same_with_the_same_values() {
        for ((field, english), (_, chinese)) in en::WORDS.all().into_iter().zip(zh::WORDS.all()) {
            assert!(!english.is_empty() && !chinese.is_empty(), "{field}");
            assert_eq!(names(english), names(chinese), "{field}");
            assert!(!english.chars().any(is_han), "{field}: {english}");
            assert!(chinese.chars().any(is_han), "{field}: {chinese}");
        }
    }

    #[test]
    fn law_every_text_is_used_by_the_page() {
        // The compiler knows fields that nobody reads only until a test reads them all.
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report");
        let sources: String = std::fs::read_dir(folder)
            .expect("the folder is there")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("words.rs"))
            .map(|path| std::fs::read_to_string(path).expect("text"))
            .collect();
        for (field, _) in en::WORDS.all() {
            let is_used = sources.match_indices(&format!("w.{field}")).any(|(at, found)| {
                !sources[at + found.len()..].starts_with(|next: char| next.is_alphanumeric() || next == '_')
            });
            assert!(is_used, "no page says {field}");
        }
    }

    #[test]
    fn theory_values_are_put_in_as_they_are() {
        assert_eq!(fill("{a} of {b}, {a}", &[("a", "{b}"), ("b", "2")]), "{b} of 2, {b}");
        assert_eq!(fill("none", &[]), "none");
    }

    fn is_han(c: char) -> bool {
        matches!(c, '\u{4e00}'..='\u{9fff}')
    }
}
