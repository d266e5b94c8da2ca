//! How it was made: what the manifest says.

use maud::{Markup, html};

use super::Report;
use super::prose::name;
use super::words::{Words, fill};
use crate::figure::number;

pub(super) fn section(report: &Report, w: &Words) -> Markup {
    let Some(made) = report.made else { return html! { p { (w.made_none) } } };
    let run = &made.run;
    let seed = report.study.first.plan.scenario.seed.get().to_string();
    let elapsed = fill(w.seconds, &[("n", &number::plain(run.elapsed_s, 3))]);
    let facts = [
        (w.version, format!("{} {}", made.engine.name, made.engine.version)),
        (w.commit, made.engine.git_commit.clone().unwrap_or_else(|| "–".to_owned())),
        (w.scenario_file, made.scenario_file.clone()),
        (w.seed, seed),
        (w.started, run.started.clone()),
        (w.elapsed, elapsed),
        (w.threads, run.threads.to_string()),
        (w.kernel, run.kernel.clone()),
        (w.records, format!("{}, {}", run.records_computed, run.records_found)),
        (w.failed, run.units_failed.to_string()),
    ];
    html! {
        p { (w.made_lead) " " (w.no_times) }
        dl { @for (title, value) in &facts { div { dt { (title) } dd { (name(value)) } } } }
        div.scroll tabindex="0" role="group" aria-label=(w.files_caption) {
            table {
                caption { (w.files_caption) }
                thead { tr { th scope="col" { (w.file) } th.number scope="col" { (w.bytes) } th scope="col" { (w.checksum) } } }
                tbody {
                    @for output in made.tables() {
                        tr {
                            th scope="row" { a href=(output.file) { (output.file) } }
                            td.number { (number::plain(output.bytes as f64, 15)) }
                            td { code.sum { (output.sha256) } }
                        }
                    }
                }
            }
        }
    }
}
