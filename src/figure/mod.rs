//! Figures: what is drawn as data, its layout on a page, and the SVG and PNG of it.
//!
//! A [`Figure`] says what is drawn and nothing of where: panels with axes and layers, a legend, a colour bar, notes. [`layout`] sets it as shapes and texts
//! ([`scene`]), which [`svg`] writes and [`png`] paints: whatever else is to draw figures takes the place of these three. [`kind`] has the
//! figures that a run draws by itself, one file for each; [`chart`] draws any columns of any table.

pub mod chart;
pub mod font;
pub mod kind;
mod lanes;
pub mod layout;
pub mod number;
pub mod palette;
mod panel;
pub mod png;
pub mod pointed;
pub mod scene;
pub mod source;
pub mod svg;
pub mod terminal;
pub mod ticks;
pub mod vectors;
pub mod wished;

use serde::Serialize;

use palette::Colour;

/// A figure as data.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Figure {
    /// Which of [`kind::KINDS`] drew it; empty for a figure that somebody asked for.
    pub kind: &'static str,
    /// Its file, without ending: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// What it shows, in one line.
    pub title: String,
    /// How to read it, in a sentence or two.
    pub subtitle: String,
    /// What one sees in it, for those who do not see it.
    pub description: String,
    /// The panels, row by row.
    pub panels: Vec<Panel>,
    /// How many panels stand side by side, at least 1.
    pub n_columns: usize,
    /// What the lines and marks are.
    pub legend: Vec<Entry>,
    /// What the colours of a heat map mean.
    pub ramp: Option<Ramp>,
    /// What a reader must know besides, below the figure.
    pub notes: Vec<String>,
}

/// One pair of axes with what stands in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Panel {
    /// What tells it from its neighbours; may be empty.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// What is drawn, the first at the bottom.
    pub layers: Vec<Layer>,
    /// Places on the horizontal axis, with their names above the panel.
    pub marks: Vec<Mark>,
    /// Whether one unit is as long on both axes.
    pub is_square: bool,
}

/// An axis.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Axis {
    /// What it measures, with the unit.
    pub label: String,
    /// The column or path behind it, which the label may have shortened.
    pub source: String,
    /// How numbers become lengths.
    pub scale: Scale,
    /// The smallest and the largest number that must be on it, besides what is drawn.
    pub include: Vec<f64>,
    /// For an axis of names: the name at 0, 1, 2, …
    pub names: Vec<String>,
    /// Whether the first name stands on top or on the right.
    pub is_reversed: bool,
}

/// How numbers become lengths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Equal differences are equally long.
    #[default]
    Linear,
    /// Equal ratios are equally long; what is not positive is not drawn.
    Log,
}

/// Something drawn between the axes. Points without a finite place on both axes are gaps.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// A line from point to point.
    Line {
        /// x and y.
        points: Vec<(f64, f64)>,
        /// How it looks.
        style: Style,
    },
    /// A mark at each point.
    Points {
        /// x and y.
        points: Vec<(f64, f64)>,
        /// How they look.
        style: Style,
    },
    /// The area between two lines.
    Band {
        /// x, lower and upper y.
        points: Vec<(f64, f64, f64)>,
        /// How it looks.
        style: Style,
    },
    /// An interval at each point, drawn as a line with ends.
    Whiskers {
        /// x, lower and upper y.
        points: Vec<(f64, f64, f64)>,
        /// How they look.
        style: Style,
    },
    /// Columns that stand on zero.
    Bars {
        /// Left and right x, and y.
        bars: Vec<(f64, f64, f64)>,
        /// How they look.
        style: Style,
    },
    /// Coloured cells by the figure's ramp.
    Heat {
        /// Edges of the columns, one more than there are.
        x: Vec<f64>,
        /// Edges of the rows, one more than there are.
        y: Vec<f64>,
        /// The value of each cell, row by row; not finite where there is none.
        values: Vec<f64>,
    },
    /// A short text beside a point.
    Texts {
        /// x, y and the text.
        texts: Vec<(f64, f64, String)>,
    },
}

/// How a line or a mark looks. Series differ in colour, in mark and in dash, so that each of the three is enough.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Style {
    /// The colour.
    pub colour: Colour,
    /// The mark; `None` for a bare line.
    pub shape: Option<Shape>,
    /// How the line is broken.
    pub dash: Dash,
    /// Thickness of the line.
    pub width: f64,
}

/// A mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// Filled circle.
    Circle,
    /// Filled square.
    Square,
    /// Filled triangle, point up.
    Triangle,
    /// Filled diamond.
    Diamond,
    /// Filled triangle, point down.
    Down,
    /// Open circle.
    Ring,
    /// Open square.
    Box,
    /// Open triangle, point up.
    Tent,
    /// Open diamond.
    Rhomb,
    /// Upright cross.
    Plus,
    /// Slanting cross.
    Cross,
    /// A short horizontal stroke.
    Stroke,
}

/// How a line is broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Dash {
    /// Not at all.
    #[default]
    Solid,
    /// Dashes.
    Dashed,
    /// Dots.
    Dotted,
    /// Dashes and dots.
    Mixed,
    /// Long dashes.
    Long,
    /// No line at all: only marks.
    None,
}

/// A place on the horizontal axis.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mark {
    /// Where.
    pub at: f64,
    /// Its 95 % interval, shaded.
    pub interval: Option<(f64, f64)>,
    /// What it is, short.
    pub label: String,
    /// The whole of it.
    pub whole: String,
    /// Its colour.
    pub colour: Colour,
    /// Whether a line goes down through the panel; else it is a tick at the upper edge.
    pub is_line: bool,
}

/// One entry of the legend.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// What it is.
    pub name: String,
    /// How it looks.
    pub style: Style,
    /// Whether it is an area.
    pub is_band: bool,
}

/// What the colours of a heat map mean.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ramp {
    /// What is coloured, with the unit.
    pub label: String,
    /// The value of the lightest and of the darkest colour.
    pub range: (f64, f64),
    /// How values become colours.
    pub tone: Tone,
}

/// How values become colours. All get darker as the value, or its size, grows: they can be read in grey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// From light to dark over the range.
    Sequential,
    /// By the square root of the size: blue above zero, orange below it, white at it.
    Signed,
}

impl Style {
    /// The look of the series of this number.
    pub fn of(series: usize) -> Self {
        let (colour, shape, dash) = palette::series(series);
        Self { colour, shape: Some(shape), dash, width: 1.8 }
    }

    /// The line without marks.
    pub fn bare(self) -> Self {
        Self { shape: None, ..self }
    }

    /// The line of a theory beside this series.
    pub fn theory(self) -> Self {
        Self { shape: None, dash: Dash::Dashed, width: 1.3, ..self }
    }

    /// A line in grey.
    pub fn grey(dash: Dash) -> Self {
        Self { colour: palette::GREY, shape: None, dash, width: 1.3 }
    }
}

/// A picture that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The file is no font.
    #[error("{path}: is not a TrueType or OpenType font")]
    Font {
        /// The file.
        path: String,
    },
    /// What was written could not be painted.
    #[error("the figure \"{name}\" cannot be painted: {reason}")]
    Paint {
        /// The figure.
        name: String,
        /// What the painter said.
        reason: String,
    },
}
