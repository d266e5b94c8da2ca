//! What came out: findings in sentences, figures, tables.

use maud::{Markup, html};

use super::words::Words;
use super::{Report, figures, findings, tables};

pub(super) fn section(report: &Report, w: &Words) -> Markup {
    html! {
        (findings::part(report, w))
        (figures::part(report, w))
        (tables::part(report, w))
    }
}
