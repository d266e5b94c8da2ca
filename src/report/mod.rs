//! Report: one offline page that says what was asked, what came out, what theory says, how it was made, and how to make it again.
//!
//! Each section of the page is a file, in the order in which the page has them; [`words`] has all that it says, in each language. The page asks for nothing from
//! anywhere: its style and its script stand in it, and its Content-Security-Policy allows these two by their hashes and nothing else. Names from
//! scenarios and files are escaped by maud wherever they stand, and no control character leaves [`page`].

mod asked;
mod came;
mod figures;
mod findings;
mod made;
mod prose;
mod repeat;
mod tables;
mod theory;
pub mod words;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use crate::figure::Figure;
use crate::figure::source::Source;
use crate::output::manifest::Made;
use crate::quantity::is_control;
use crate::scenario::study::Study;
use crate::table::Value;
pub use repeat::quoted;
use words::{Language, Words, fill};

/// What the page is made of.
pub struct Report<'a> {
    /// What was asked.
    pub study: &'a Study,
    /// What came out, replicates together.
    pub source: &'a Source,
    /// What was concluded, under [`crate::analysis::COLUMNS`].
    pub findings: &'a [Vec<Value>],
    /// What was drawn.
    pub figures: &'a [Figure],
    /// What made it; `None` while the run is unfinished.
    pub made: Option<&'a Made>,
    /// The language of the page.
    pub language: Language,
}

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The page, as HTML. O(rows that are shown + bytes of the figures).
pub fn page(report: &Report) -> String {
    let w = report.language.words();
    let scenario = &report.study.first.plan.scenario;
    let title = scenario.title.as_deref().unwrap_or(scenario.name.as_str());
    let sections: [(&str, &str, Markup); 5] = [
        ("asked", w.asked_title, asked::section(report, w)),
        ("came", w.came_title, came::section(report, w)),
        ("theory", w.theory_title, theory::section(report, w)),
        ("made", w.made_title, made::section(report, w)),
        ("repeat", w.repeat_title, repeat::section(report, w)),
    ];
    let page = html! {
        (DOCTYPE)
        html lang=(report.language.tag()) {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#asked" { (w.skip) }
                header {
                    p.eyebrow { "superpose · " (scenario.name) }
                    h1 { (title) }
                    @if report.source.n_lacking > 0 { p.warning { (unfinished(report, w)) } }
                    noscript { p.quiet { (w.no_script) } }
                    nav aria-label=(w.contents) {
                        ol { @for (id, title, _) in &sections { li { a href={ "#" (id) } { (title) } } } }
                    }
                }
                main {
                    @for (id, title, content) in &sections {
                        section id=(id) aria-labelledby={ (id) "-title" } {
                            h2 id={ (id) "-title" } { (title) }
                            (content)
                        }
                    }
                }
                footer { p { (fill(w.made_by, &[("version", env!("CARGO_PKG_VERSION"))])) } }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string().chars().map(|c| if is_control(c) && c != '\n' { '\u{fffd}' } else { c }).collect()
}

fn unfinished(report: &Report, w: &Words) -> String {
    let (done, all) = ((report.study.n_units - report.source.n_lacking).to_string(), report.study.n_units.to_string());
    fill(w.unfinished, &[("done", &done), ("all", &all)])
}

/// Nothing may be fetched, sent or framed; one style and one script may act.
fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    let (style, script) = (hash(STYLE), hash(SCRIPT));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; base-uri 'none'; form-action 'none'"
    )
}

/// `3 replicates`.
fn replicates(report: &Report, w: &Words) -> String {
    match report.study.first.plan.scenario.replicates.get() {
        1 => w.replicates_one.to_owned(),
        n => fill(w.replicates, &[("n", &n.to_string())]),
    }
}

/// `12 rows`.
fn rows(n: u64, w: &Words) -> String {
    match n {
        1 => w.rows_one.to_owned(),
        n => fill(w.rows, &[("n", &n.to_string())]),
    }
}
