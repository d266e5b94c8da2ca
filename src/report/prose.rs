//! Prose: doc comments as paragraphs, and names as they may stand in a line.

use maud::{Markup, html};

use crate::quantity::cut;

/// A manual: paragraphs, and code between backticks.
pub(super) fn prose(text: &str) -> Markup {
    html! { @for paragraph in text.split("\n\n") { p { (line(paragraph)) } } }
}

/// One paragraph, with code between backticks.
pub(super) fn line(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// A name in a line: cut where it is too long, and then with the whole of it (as far as anybody would read) to be seen on pointing at it.
pub(super) fn name(text: &str) -> Markup {
    const SHOWN: usize = 80;
    let short = cut(text, SHOWN);
    html! {
        @if short == text { bdi { (text) } } @else { bdi title=(cut(text, 2000)) { (short) } }
    }
}
