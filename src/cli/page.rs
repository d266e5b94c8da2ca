//! The page of a run, `report.html`, and the sketch of a figure in the terminal.

use std::io::IsTerminal;
use std::path::Path;

use clap::ValueEnum;
use superpose::figure::Figure;
use superpose::figure::terminal::{Sheet, sketch};
use superpose::output::{self, Ready, Written};
use superpose::report::words::Language;
use superpose::report::{Report, page};

use super::{Failure, print_raw};

/// The file.
pub const FILE: &str = "report.html";

/// The language of the page.
#[derive(Clone, Copy, Default, ValueEnum)]
pub enum Lang {
    /// English
    #[default]
    En,
    /// Chinese
    Zh,
}

impl Lang {
    /// The word that chooses it.
    pub fn word(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }
}

impl From<Lang> for Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::En => Language::English,
            Lang::Zh => Language::Chinese,
        }
    }
}

/// Writes the page under a temporary name. Like a figure it can be made again at any time.
pub fn write(folder: &Path, report: &Report) -> Result<(Ready, Written), Failure> {
    Ok(output::draft(folder, FILE, page(report).as_bytes())?)
}

/// Prints the first figure that letters can draw; nothing if there is none.
pub fn sketch_first(figures: &[Figure]) -> Result<(), Failure> {
    let width = console::Term::stdout().size_checked().map_or(80, |(_, columns)| usize::from(columns));
    let is_drawn = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let sheet = Sheet { width, is_drawn };
    match figures.iter().find_map(|figure| sketch(figure, sheet)) {
        Some(text) => print_raw(&format!("\n{text}")),
        None => Ok(()),
    }
}
