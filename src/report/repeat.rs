//! Repeat and cite: the command that gives the same bytes, and a line for a list of references.

use maud::{Markup, html};

use super::words::{Words, fill};
use super::{Report, replicates};

pub(super) fn section(report: &Report, w: &Words) -> Markup {
    let scenario = &report.study.first.plan.scenario;
    let seed = scenario.seed.get().to_string();
    let version = report.made.map_or(env!("CARGO_PKG_VERSION"), |made| &made.engine.version);
    let commit =
        report.made.and_then(|made| made.engine.git_commit.as_ref()).map_or(String::new(), |c| format!(" ({c})"));
    let citation = fill(
        w.citation,
        &[
            ("version", version),
            ("commit", &commit),
            ("name", scenario.name.as_str()),
            ("title", scenario.title.as_deref().unwrap_or(scenario.name.as_str())),
            ("seed", &seed),
            ("replicates", &replicates(report, w)),
        ],
    );
    html! {
        p { (w.repeat_lead) }
        pre tabindex="0" { code { (command(report)) } }
        p { (w.page_again) }
        pre tabindex="0" { code { "superpose report DIR" } }
        p { (fill(w.seed_note, &[("seed", &seed)])) }
        p { (w.cite_lead) }
        blockquote { p { (citation) } }
    }
}

/// The command that made the run, as it would be typed.
fn command(report: &Report) -> String {
    let plan = &report.study.first.plan;
    let mut words = vec!["superpose".to_owned(), "run".to_owned()];
    let path = plan.path.display().to_string();
    words.push(quoted(report.made.map_or(&path, |made| &made.scenario_file)));
    for setting in report.made.map_or(&plan.settings, |made| &made.settings) {
        words.extend(["--set".to_owned(), quoted(setting)]);
    }
    if report.made.is_some_and(|made| made.run.smoke) {
        words.push("--smoke".to_owned());
    }
    words.join(" ")
}

/// A word of a command as a shell takes it.
pub fn quoted(word: &str) -> String {
    let is_plain = !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "-_./=,:+".contains(c));
    if is_plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}
