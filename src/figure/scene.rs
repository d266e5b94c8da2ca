//! Scene: shapes and texts at their places, all that a picture consists of.

use std::fmt::Write;

use super::font;
use super::palette::Colour;
use super::pointed::Pointed;
use super::{Dash, Shape};
use crate::quantity::is_control;

/// A rectangle, y downwards.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Frame {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// From left to right.
    pub width: f64,
    /// From top to bottom.
    pub height: f64,
}

/// A picture: what lies where, the first at the bottom. Lengths are in pixels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    /// The width of the page.
    pub width: f64,
    /// The height of the page.
    pub height: f64,
    /// What is on it.
    pub items: Vec<Item>,
    /// The frames that paths are clipped to.
    pub clips: Vec<Frame>,
    /// What it says where one points at it.
    pub pointed: Vec<Pointed>,
}

/// One thing of a picture.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A shape.
    Path(Path),
    /// A text.
    Text(Text),
}

/// A shape.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Path {
    /// The commands, as in an SVG.
    pub d: String,
    /// The colour of the inside.
    pub fill: Option<Colour>,
    /// How much of the inside one sees, from 0 to 1.
    pub opacity: f64,
    /// The colour and the thickness of the line.
    pub stroke: Option<(Colour, f64)>,
    /// How the line is broken.
    pub dash: Dash,
    /// The frame that it is clipped to.
    pub clip: Option<usize>,
}

/// Where a text stands with regard to its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anchor {
    /// It begins there.
    #[default]
    Start,
    /// Its middle is there.
    Middle,
    /// It ends there.
    End,
}

/// A text on one line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Text {
    /// Where.
    pub x: f64,
    /// The line on which the letters stand.
    pub y: f64,
    /// What of it is there.
    pub anchor: Anchor,
    /// The size of the letters.
    pub size: f64,
    /// Whether it is set in bold.
    pub is_bold: bool,
    /// Whether it is set in lighter ink.
    pub is_faint: bool,
    /// Whether it runs upwards.
    pub is_turned: bool,
    /// What is shown.
    pub text: String,
    /// The whole of it, where it is cut.
    pub whole: Option<String>,
}

impl Frame {
    /// The right edge.
    pub fn right(&self) -> f64 {
        self.x + self.width
    }

    /// The lower edge.
    pub fn bottom(&self) -> f64 {
        self.y + self.height
    }

    /// Whether two have more than an edge in common.
    pub fn overlaps(&self, other: &Frame) -> bool {
        let apart = |a: f64, b: f64, c: f64, d: f64| b <= c + 1e-6 || d <= a + 1e-6;
        !apart(self.x, self.right(), other.x, other.right()) && !apart(self.y, self.bottom(), other.y, other.bottom())
    }

    /// Whether another lies within.
    pub fn holds(&self, other: &Frame) -> bool {
        other.x >= self.x - 1e-6
            && other.y >= self.y - 1e-6
            && other.right() <= self.right() + 1e-6
            && other.bottom() <= self.bottom() + 1e-6
    }
}

impl Text {
    /// A text that is cut to a room, with the whole of it kept.
    pub fn within(text: &str, size: f64, is_bold: bool, room: f64) -> Self {
        let text = shown(text);
        let short = font::cut(&text, size, is_bold, room);
        let whole = (short != text).then_some(text);
        Self { size, is_bold, text: short, whole, ..Self::default() }
    }

    /// Put at a place.
    pub fn at(self, x: f64, y: f64, anchor: Anchor) -> Self {
        Self { x, y, anchor, ..self }
    }

    /// In lighter ink.
    pub fn faint(self) -> Self {
        Self { is_faint: true, ..self }
    }

    /// How long it is.
    pub fn length(&self) -> f64 {
        font::width(&self.text, self.size, self.is_bold)
    }

    /// What it covers.
    pub fn frame(&self) -> Frame {
        let (length, above, below) = (self.length(), 0.76 * self.size, 0.22 * self.size);
        let before = match self.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => length / 2.0,
            Anchor::End => length,
        };
        if self.is_turned {
            return Frame { x: self.x - above, y: self.y - (length - before), width: above + below, height: length };
        }
        Frame { x: self.x - before, y: self.y - above, width: length, height: above + below }
    }
}

/// A text as it may be shown: on one line, with a sign in place of each character that could break it, turn it around or is no XML.
pub fn shown(text: &str) -> String {
    let safe = |c: char| match c {
        '\n' | '\r' | '\t' => ' ',
        c if is_control(c) || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{61c}') => '\u{fffd}',
        c => c,
    };
    text.chars().map(safe).collect()
}

/// A length with at most two decimals.
pub fn coordinate(x: f64) -> String {
    let text = format!("{x:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// `Mx,y`, `Lx,y`.
pub fn to(d: &mut String, command: char, x: f64, y: f64) {
    let _ = write!(d, "{command}{},{}", coordinate(x), coordinate(y));
}

/// The commands of a rectangle.
pub fn rectangle(d: &mut String, frame: &Frame) {
    let Frame { x, y, width, height } = *frame;
    let (w, h) = (coordinate(width), coordinate(height));
    to(d, 'M', x, y);
    let _ = write!(d, "h{w}v{h}h-{w}z");
}

/// The commands of a mark of this radius, and whether its inside is filled.
pub fn mark(d: &mut String, shape: Shape, x: f64, y: f64, r: f64) -> bool {
    let polygon = |d: &mut String, corners: &[(f64, f64)]| {
        for (index, (dx, dy)) in corners.iter().enumerate() {
            to(d, if index == 0 { 'M' } else { 'L' }, x + r * dx, y + r * dy);
        }
        d.push('z');
    };
    match shape {
        Shape::Circle | Shape::Ring => {
            let (r2, r1) = (coordinate(2.0 * r), coordinate(r));
            to(d, 'M', x - r, y);
            let _ = write!(d, "a{r1},{r1} 0 1,0 {r2},0a{r1},{r1} 0 1,0 -{r2},0z");
        }
        Shape::Square | Shape::Box => {
            let h = 0.88 * r;
            rectangle(d, &Frame { x: x - h, y: y - h, width: 2.0 * h, height: 2.0 * h });
        }
        Shape::Triangle | Shape::Tent => polygon(d, &[(0.0, -1.2), (1.08, 0.75), (-1.08, 0.75)]),
        Shape::Down => polygon(d, &[(0.0, 1.2), (1.08, -0.75), (-1.08, -0.75)]),
        Shape::Diamond | Shape::Rhomb => polygon(d, &[(0.0, -1.3), (1.1, 0.0), (0.0, 1.3), (-1.1, 0.0)]),
        Shape::Plus => {
            for (dx, dy) in [(1.15, 0.0), (0.0, 1.15)] {
                to(d, 'M', x - r * dx, y - r * dy);
                to(d, 'L', x + r * dx, y + r * dy);
            }
        }
        Shape::Cross => {
            for dy in [0.9, -0.9] {
                to(d, 'M', x - 0.9 * r, y - r * dy);
                to(d, 'L', x + 0.9 * r, y + r * dy);
            }
        }
        Shape::Stroke => {
            to(d, 'M', x - 1.7 * r, y);
            to(d, 'L', x + 1.7 * r, y);
        }
    }
    matches!(shape, Shape::Circle | Shape::Square | Shape::Triangle | Shape::Down | Shape::Diamond)
}

/// A mark as a path: filled, or white inside a line.
pub fn marks(shape: Shape, colour: Colour, r: f64, places: impl Iterator<Item = (f64, f64)>) -> Path {
    let (mut d, mut is_filled) = (String::new(), false);
    for (x, y) in places {
        is_filled = mark(&mut d, shape, x, y, r);
    }
    let is_open = matches!(shape, Shape::Plus | Shape::Cross | Shape::Stroke);
    Path {
        d,
        fill: if is_open { None } else { Some(if is_filled { colour } else { Colour(255, 255, 255) }) },
        opacity: 1.0,
        stroke: Some(if is_filled { (Colour(255, 255, 255), 0.5) } else { (colour, if r < 2.5 { 1.0 } else { 1.5 }) }),
        ..Path::default()
    }
}

impl Scene {
    /// Puts a shape on top.
    pub fn path(&mut self, path: Path) {
        if !path.d.is_empty() {
            self.items.push(Item::Path(path));
        }
    }

    /// Puts a line on top.
    pub fn line(&mut self, from: (f64, f64), end: (f64, f64), colour: Colour, width: f64) {
        let mut d = String::new();
        to(&mut d, 'M', from.0, from.1);
        to(&mut d, 'L', end.0, end.1);
        self.path(Path { d, stroke: Some((colour, width)), ..Path::default() });
    }

    /// Puts a filled rectangle on top.
    pub fn fill(&mut self, frame: &Frame, colour: Colour, opacity: f64) {
        let mut d = String::new();
        rectangle(&mut d, frame);
        self.path(Path { d, fill: Some(colour), opacity, ..Path::default() });
    }

    /// Puts a text on top.
    pub fn text(&mut self, text: Text) {
        if !text.text.is_empty() {
            self.items.push(Item::Text(text));
        }
    }

    /// All texts.
    pub fn texts(&self) -> impl Iterator<Item = &Text> {
        self.items.iter().filter_map(|item| match item {
            Item::Text(text) => Some(text),
            Item::Path(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theory_frames_and_coordinates() {
        let frame = |x, y| Frame { x, y, width: 2.0, height: 1.0 };
        assert!(frame(0.0, 0.0).overlaps(&frame(1.0, 0.5)));
        assert!(!frame(0.0, 0.0).overlaps(&frame(2.0, 0.0)) && !frame(0.0, 0.0).overlaps(&frame(0.0, 1.0)));
        assert_eq!([0.001, -0.004, 2.5, 10.0, -3.456].map(coordinate), ["0", "0", "2.5", "10", "-3.46"]);
        assert_eq!(shown("a\u{202e}b\nc\u{0}"), "a\u{fffd}b c\u{fffd}");
    }
}
