//! Columns that say what they mean, values, and rows of them.

use std::borrow::Cow;
use std::fmt;

/// A column of the output: its name, and everything that a reader of the CSV needs to know about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The name in the CSV header.
    pub name: Cow<'static, str>,
    /// The unit of its values.
    pub unit: Unit,
    /// One sentence with the formula.
    pub meaning: Cow<'static, str>,
    /// Smallest and largest possible value.
    pub range: (f64, f64),
    /// Where the mathematics comes from.
    pub source: &'static str,
    /// The column that holds what theory says about this one.
    pub theory: Option<Cow<'static, str>>,
    /// What it takes alone, where the columns of a measure differ in that.
    pub cost: &'static str,
    /// What may be done to an embedding without moving the value.
    pub unmoved_by: &'static [Change],
}

/// What the values of a column count or measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A name or a word.
    Text,
    /// Whole numbers of something that the name says.
    Count,
    /// Parameters of a model.
    Parameters,
    /// Tokens of text that a model is trained on.
    Tokens,
    /// Floating-point operations.
    Flop,
    /// Loss for each token, in natural units of information.
    Nats,
    /// Steps of training.
    Steps,
    /// Cosines of angles, their sizes and their squares.
    Cosine,
    /// Parts of a whole.
    Fraction,
    /// Directions of the space, not necessarily whole.
    Dimensions,
    /// A number without a unit.
    Pure,
}

/// A change of an embedding that a column may be blind to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Turning all vectors together: W → Q W with an orthogonal Q.
    Rotation,
    /// Putting the concepts into another order.
    Permutation,
    /// Making one concept's vector longer or shorter.
    Rescaling,
}

/// One cell of a row.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Value {
    /// A finite number.
    Number(f64),
    /// A whole number.
    Whole(u64),
    /// A name or a word.
    Text(String),
    /// A quantity that does not exist here, like the kurtosis of cosines that are all zero: an empty cell.
    Undefined,
}

impl Column {
    /// A column over all real numbers, without theory.
    pub const fn new(name: &'static str, unit: Unit, meaning: &'static str) -> Self {
        Self {
            name: Cow::Borrowed(name),
            unit,
            meaning: Cow::Borrowed(meaning),
            range: (f64::NEG_INFINITY, f64::INFINITY),
            source: "",
            theory: None,
            cost: "",
            unmoved_by: &[],
        }
    }

    /// A column whose name and sentence depend on the parameters of what fills it.
    pub fn named(name: String, unit: Unit, meaning: String) -> Self {
        Self { name: name.into(), meaning: meaning.into(), ..Self::new("", unit, "") }
    }

    /// With its smallest and largest possible value.
    pub const fn within(mut self, least: f64, most: f64) -> Self {
        self.range = (least, most);
        self
    }

    /// With where the mathematics comes from.
    pub const fn from(mut self, source: &'static str) -> Self {
        self.source = source;
        self
    }

    /// With the column that holds its theory.
    pub fn beside(mut self, theory: impl Into<Cow<'static, str>>) -> Self {
        self.theory = Some(theory.into());
        self
    }

    /// With what it takes alone.
    pub const fn taking(mut self, cost: &'static str) -> Self {
        self.cost = cost;
        self
    }

    /// With the changes of an embedding that it is blind to.
    pub const fn unmoved_by(mut self, changes: &'static [Change]) -> Self {
        self.unmoved_by = changes;
        self
    }
}

impl Column {
    /// The range as words: `0 to 1`, `1 and more`, `any number`; nothing for text.
    pub fn range_words(&self) -> String {
        let number = crate::quantity::shortest;
        match self.range {
            _ if self.unit == Unit::Text => String::new(),
            (least, most) if least.is_finite() && most.is_finite() => format!("{} to {}", number(least), number(most)),
            (least, _) if least.is_finite() => format!("{} and more", number(least)),
            _ => "any number".to_owned(),
        }
    }
}

impl Change {
    /// The change as words.
    pub fn words(self) -> &'static str {
        match self {
            Change::Rotation => "a rotation of all vectors",
            Change::Permutation => "another order of the concepts",
            Change::Rescaling => "the length of a vector",
        }
    }
}

impl Unit {
    /// The unit as a word for tables and the manifest.
    pub fn word(self) -> &'static str {
        match self {
            Unit::Text => "text",
            Unit::Count => "count",
            Unit::Parameters => "parameters",
            Unit::Tokens => "tokens",
            Unit::Flop => "FLOP",
            Unit::Nats => "nats",
            Unit::Steps => "steps",
            Unit::Cosine => "cosine",
            Unit::Fraction => "fraction",
            Unit::Dimensions => "dimensions",
            Unit::Pure => "1",
        }
    }
}

impl Value {
    /// The number in the cell, if there is one.
    pub fn number(&self) -> Option<f64> {
        match *self {
            Value::Number(x) => Some(x),
            Value::Whole(k) => Some(k as f64),
            Value::Text(_) | Value::Undefined => None,
        }
    }
}

/// A number if it is finite, else `Undefined`: no NaN and no infinity ever reaches a table.
impl From<f64> for Value {
    fn from(x: f64) -> Self {
        if x.is_finite() { Value::Number(x) } else { Value::Undefined }
    }
}

impl From<Option<f64>> for Value {
    fn from(x: Option<f64>) -> Self {
        x.map_or(Value::Undefined, Value::from)
    }
}

/// The cell as it stands in the CSV: floats in the shortest form that reads back exactly.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Value::Number(x) => f.write_str(&crate::quantity::shortest(*x)),
            Value::Whole(k) => k.fmt(f),
            Value::Text(text) => f.write_str(text),
            Value::Undefined => Ok(()),
        }
    }
}

/// Rows under columns. The cells of a row stand in the order of the columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// What the cells mean.
    pub columns: Vec<Column>,
    /// The rows, in plan order.
    pub rows: Vec<Vec<Value>>,
}

impl Table {
    /// Where a column stands.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }
}
