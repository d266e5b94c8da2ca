//! Font: the letters of figures, Inter (SIL Open Font License, `font/OFL.txt`), and how wide they are.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use resvg::usvg::fontdb::{Database, Source};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

use super::Fault;

static REGULAR: &[u8] = include_bytes!("font/Inter-Regular.ttf");
static SEMIBOLD: &[u8] = include_bytes!("font/Inter-SemiBold.ttf");

/// The fonts from which an SVG is shown where the first is not installed.
pub const FAMILY: &str = "Inter, 'Helvetica Neue', Helvetica, Arial, 'Noto Sans', 'Noto Sans CJK SC', sans-serif";

/// Widths are of Inter; what is shown in another font may be a little wider.
pub const SLACK: f64 = 1.06;

/// The fonts that a PNG is painted with: the bundled one, and one that a person names for other scripts.
#[derive(Clone)]
pub struct Fonts {
    /// For the painter.
    pub(super) database: Arc<Database>,
    extra: Option<Arc<Vec<u8>>>,
}

impl Fonts {
    /// The bundled font alone.
    pub fn bundled() -> Self {
        Self { database: Arc::new(database()), extra: None }
    }

    /// With a font file for letters that the bundled one lacks, such as Chinese.
    pub fn with(path: &Path, bytes: Vec<u8>) -> Result<Self, Fault> {
        let mut database = database();
        let before = database.len();
        database.load_font_data(bytes.clone());
        if database.len() == before || skrifa::FontRef::from_index(&bytes, 0).is_err() {
            return Err(Fault::Font { path: path.display().to_string() });
        }
        Ok(Self { database: Arc::new(database), extra: Some(Arc::new(bytes)) })
    }

    /// Whether every letter of a text can be painted.
    pub fn covers(&self, text: &str) -> bool {
        let extra = self.extra.as_ref().and_then(|bytes| FontRef::from_index(bytes, 0).ok());
        let there = |c: char| {
            c == ' '
                || faces().regular.charmap().map(c).is_some()
                || extra.as_ref().is_some_and(|font| font.charmap().map(c).is_some())
        };
        text.chars().all(there)
    }
}

fn database() -> Database {
    let mut database = Database::new();
    for font in [REGULAR, SEMIBOLD] {
        database.load_font_source(Source::Binary(Arc::new(font)));
    }
    database.set_sans_serif_family("Inter");
    database
}

struct Faces {
    regular: FontRef<'static>,
    semibold: FontRef<'static>,
}

fn faces() -> &'static Faces {
    static FACES: OnceLock<Faces> = OnceLock::new();
    FACES.get_or_init(|| Faces {
        regular: FontRef::new(REGULAR).expect("the bundled font is one"),
        semibold: FontRef::new(SEMIBOLD).expect("the bundled font is one"),
    })
}

/// How wide a text is at a size, on one line. A letter that the font lacks counts as a square, which those of Chinese are.
pub fn width(text: &str, size: f64, is_bold: bool) -> f64 {
    let font = if is_bold { &faces().semibold } else { &faces().regular };
    let (charmap, metrics) = (font.charmap(), font.glyph_metrics(Size::new(1.0), LocationRef::default()));
    let advance = |c: char| {
        let known = charmap.map(c).and_then(|glyph| metrics.advance_width(glyph));
        known.map_or(1.0, f64::from)
    };
    text.chars().map(advance).sum::<f64>() * size * SLACK
}

/// The text, or as much of it as fits with a … at its end.
pub fn cut(text: &str, size: f64, is_bold: bool, room: f64) -> String {
    // No line is longer than this many letters, and a name may have a million.
    let head: String = text.chars().take(400).collect();
    if head.len() == text.len() && width(text, size, is_bold) <= room {
        return text.to_owned();
    }
    let letters: Vec<char> = head.chars().collect();
    let with_end = |n: usize| letters[..n].iter().collect::<String>().trim_end().to_owned() + "…";
    let (mut fits, mut beyond) = (0, letters.len() + 1);
    while beyond - fits > 1 {
        let middle = (fits + beyond) / 2;
        if width(&with_end(middle), size, is_bold) <= room { fits = middle } else { beyond = middle }
    }
    with_end(fits)
}

/// A text on lines of this width, at most so many; the last is cut if there is more.
pub fn wrapped(text: &str, size: f64, is_bold: bool, room: f64, n_most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut words = text.split_whitespace().peekable();
    while words.peek().is_some() {
        if lines.len() + 1 == n_most {
            let rest: Vec<&str> = words.by_ref().take(200).collect();
            lines.push(cut(&rest.join(" "), size, is_bold, room));
            return lines;
        }
        let mut line = String::new();
        while let Some(word) = words.peek() {
            let longer = if line.is_empty() { (*word).to_owned() } else { format!("{line} {word}") };
            if !line.is_empty() && width(&longer, size, is_bold) > room {
                break;
            }
            line = longer;
            words.next();
        }
        lines.push(cut(&line, size, is_bold, room));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn law_what_is_cut_fits_and_ends_in_an_ellipsis() {
        let long = "concept ".repeat(1250);
        for room in [5.0, 40.0, 133.0, 500.0] {
            let short = cut(&long, 12.0, false, room);
            assert!(short.ends_with('…') && (width(&short, 12.0, false) <= room || short == "…"), "{room}: {short}");
        }
        assert_eq!(cut("cat", 12.0, false, 100.0), "cat");
        let lines = wrapped(&long, 12.0, false, 300.0, 3);
        assert!(lines.len() == 3 && lines.iter().all(|line| width(line, 12.0, false) <= 300.0), "{lines:?}");
    }

    #[test]
    fn theory_letters_are_as_wide_as_the_font_says() {
        // Inter is not of one width, and widths add up: nothing is kerned.
        assert!(width("W", 10.0, false) > 2.0 * width("i", 10.0, false));
        assert_eq!(width("ab", 10.0, false), width("a", 10.0, false) + width("b", 10.0, false));
        assert!(width("mm", 10.0, true) > width("mm", 10.0, false));
        assert!(Fonts::bundled().covers("10⁻⁹ Ωλ²√−×") && !Fonts::bundled().covers("猫"));
    }
}
