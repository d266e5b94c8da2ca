//! Scalars that cannot be out of range: a bad number is refused where it stands in the file, before anything runs.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How many: a whole number from 1 to 4,294,967,295 (2³² − 1, so that the number of pairs fits in 64 bits).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Count(u32);

/// The seed of all randomness of a scenario: a whole number from 0 to 2⁶³ − 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seed(u64);

/// Number of parameters of a model, N: from 1 to 1e18.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Params(f64);

/// A number from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Fraction(f64);

/// A finite number.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Real(f64);

/// A finite number from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct NonNegative(f64);

/// A finite number above 0.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Positive(f64);

/// Several counts, 1 to 32 of them, no two the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts(Vec<Count>);

/// Several levels, 1 to 32 finite numbers from 0, no two the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Levels(Vec<NonNegative>);

/// A word that names a scenario and its files: letters, digits, `-`, `_` and `.`, at most 64, the first a letter or a digit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileName(String);

/// A label of a tier: 1 to 64 characters of any language, the first a letter or a digit, no control characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label(String);

impl Count {
    /// The count, or `None` outside 1 to 4,294,967,295.
    pub fn new(value: u64) -> Option<Self> {
        u32::try_from(value).ok().filter(|&v| v >= 1).map(Self)
    }

    /// The number.
    pub fn get(self) -> u64 {
        u64::from(self.0)
    }

    /// The number as a size in memory.
    pub fn size(self) -> usize {
        self.0 as usize
    }
}

impl Seed {
    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl Params {
    /// The number, or `None` outside 1 to 1e18.
    pub fn new(value: f64) -> Option<Self> {
        (1.0..=1e18).contains(&value).then_some(Self(value))
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Real {
    /// The number, or `None` if it is not finite.
    pub fn new(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(value))
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl NonNegative {
    /// The number, or `None` if it is negative or not finite.
    pub fn new(value: f64) -> Option<Self> {
        (value.is_finite() && value >= 0.0).then_some(Self(value))
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Positive {
    /// The number, or `None` if it is not above 0 or not finite.
    pub fn new(value: f64) -> Option<Self> {
        (value.is_finite() && value > 0.0).then_some(Self(value))
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Counts {
    /// The counts, or `None` if there are none, more than 32, or two the same.
    pub fn new(values: &[u64]) -> Option<Self> {
        let counts: Option<Vec<Count>> = values.iter().map(|&value| Count::new(value)).collect();
        counts.and_then(Self::from_list)
    }

    fn from_list(counts: Vec<Count>) -> Option<Self> {
        let repeated = counts.iter().enumerate().any(|(i, count)| counts[..i].contains(count));
        ((1..=32).contains(&counts.len()) && !repeated).then_some(Self(counts))
    }

    /// The numbers, in the order in which they were written.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = u64> + Clone + '_ {
        self.0.iter().map(|count| count.get())
    }

    /// The largest of them.
    pub fn largest(&self) -> u64 {
        self.iter().max().unwrap_or(1)
    }
}

impl Levels {
    /// The levels, or `None` if there are none, more than 32, two the same, or one that is negative or not finite.
    pub fn new(values: &[f64]) -> Option<Self> {
        let levels: Option<Vec<NonNegative>> = values.iter().map(|&value| NonNegative::new(value)).collect();
        levels.and_then(Self::from_list)
    }

    fn from_list(levels: Vec<NonNegative>) -> Option<Self> {
        let repeated = levels.iter().enumerate().any(|(i, level)| levels[..i].contains(level));
        ((1..=32).contains(&levels.len()) && !repeated).then_some(Self(levels))
    }

    /// The numbers, in the order in which they were written.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = f64> + Clone + '_ {
        // −0 is 0.
        self.0.iter().map(|level| level.get() + 0.0)
    }

    /// A level as a part of the name of a column: `0p5` for 0.5, `2` for 2, `1em9` for 1e-9. No two numbers have the same name.
    pub fn word(level: f64) -> String {
        shortest(level).replace('.', "p").replace('-', "m")
    }
}

impl Fraction {
    /// The fraction, or `None` outside 0 to 1.
    pub fn new(value: f64) -> Option<Self> {
        (0.0..=1.0).contains(&value).then_some(Self(value))
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl FileName {
    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Label {
    /// The label, or `None` if the text is none.
    pub fn new(text: &str) -> Option<Self> {
        Self::from_text(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The shortest text that reads back as exactly this number: `0.25`, `1e11`, `1e-9`.
pub fn shortest(value: f64) -> String {
    let (plain, scientific) = (format!("{value}"), format!("{value:e}"));
    if scientific.len() < plain.len() { scientific } else { plain }
}

/// A scalar with bounds: what is allowed in words, and how a number becomes one.
trait Bounded: Sized {
    const ALLOWED: &'static str;
    fn from_whole(value: i128) -> Option<Self>;
    fn from_real(value: f64) -> Option<Self>;
}

impl Bounded for Count {
    const ALLOWED: &'static str = "a whole number from 1 to 4294967295";
    fn from_whole(value: i128) -> Option<Self> {
        u64::try_from(value).ok().and_then(Self::new)
    }
    fn from_real(value: f64) -> Option<Self> {
        whole(value).and_then(Self::from_whole)
    }
}

impl Bounded for Seed {
    const ALLOWED: &'static str = "a whole number from 0 to 9223372036854775807";
    fn from_whole(value: i128) -> Option<Self> {
        i64::try_from(value).ok().and_then(|v| u64::try_from(v).ok()).map(Self)
    }
    fn from_real(value: f64) -> Option<Self> {
        whole(value).and_then(Self::from_whole)
    }
}

impl Bounded for Params {
    const ALLOWED: &'static str = "a number from 1 to 1e18";
    fn from_whole(value: i128) -> Option<Self> {
        Self::from_real(value as f64)
    }
    fn from_real(value: f64) -> Option<Self> {
        Self::new(value)
    }
}

impl Bounded for Fraction {
    const ALLOWED: &'static str = "a number from 0 to 1";
    fn from_whole(value: i128) -> Option<Self> {
        Self::from_real(value as f64)
    }
    fn from_real(value: f64) -> Option<Self> {
        Self::new(value)
    }
}

impl Bounded for Real {
    const ALLOWED: &'static str = "a finite number";
    fn from_whole(value: i128) -> Option<Self> {
        Self::from_real(value as f64)
    }
    fn from_real(value: f64) -> Option<Self> {
        Self::new(value)
    }
}

impl Bounded for NonNegative {
    const ALLOWED: &'static str = "a finite number from 0";
    fn from_whole(value: i128) -> Option<Self> {
        Self::from_real(value as f64)
    }
    fn from_real(value: f64) -> Option<Self> {
        Self::new(value)
    }
}

impl Bounded for Positive {
    const ALLOWED: &'static str = "a finite number above 0";
    fn from_whole(value: i128) -> Option<Self> {
        Self::from_real(value as f64)
    }
    fn from_real(value: f64) -> Option<Self> {
        Self::new(value)
    }
}

/// The whole number that a real one is, so that `1e3` may be written for 1000.
fn whole(value: f64) -> Option<i128> {
    (value.fract() == 0.0 && value.abs() < 9.0e15).then_some(value as i128)
}

/// A word with rules: what is allowed, and whether this is.
trait Worded: Sized {
    const ALLOWED: &'static str;
    fn from_text(text: &str) -> Option<Self>;
}

impl Worded for FileName {
    const ALLOWED: &'static str = "1 to 64 letters, digits, '-', '_' or '.', the first a letter or a digit";
    fn from_text(text: &str) -> Option<Self> {
        let fits = (1..=64).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
            && !text.contains("..");
        fits.then(|| Self(text.to_owned()))
    }
}

impl Worded for Label {
    const ALLOWED: &'static str = "1 to 64 characters, the first a letter or a digit, without control characters";
    fn from_text(text: &str) -> Option<Self> {
        let fits = (1..=64).contains(&text.chars().count())
            && text.starts_with(char::is_alphanumeric)
            && !text.chars().any(is_control);
        fits.then(|| Self(text.to_owned()))
    }
}

/// Control characters, and those that silently change the direction or the look of the text around them.
pub fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

macro_rules! number_in_a_file {
    ($name:ident, $write:ident, $schema:tt) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Reader;
                impl Visitor<'_> for Reader {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                        f.write_str($name::ALLOWED)
                    }
                    fn visit_i64<E: Error>(self, v: i64) -> Result<$name, E> {
                        $name::from_whole(v.into()).ok_or_else(|| E::custom(refusal($name::ALLOWED, &v)))
                    }
                    fn visit_u64<E: Error>(self, v: u64) -> Result<$name, E> {
                        $name::from_whole(v.into()).ok_or_else(|| E::custom(refusal($name::ALLOWED, &v)))
                    }
                    fn visit_f64<E: Error>(self, v: f64) -> Result<$name, E> {
                        $name::from_real(v).ok_or_else(|| E::custom(refusal($name::ALLOWED, &shortest(v))))
                    }
                }
                deserializer.deserialize_any(Reader)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.$write(self.0)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

number_in_a_file!(Count, serialize_u32, { "type": "integer", "minimum": 1, "maximum": 4294967295u32 });
number_in_a_file!(Seed, serialize_u64, { "type": "integer", "minimum": 0, "maximum": 9223372036854775807i64 });
number_in_a_file!(Params, serialize_f64, { "type": "number", "minimum": 1, "maximum": 1e18 });
number_in_a_file!(Fraction, serialize_f64, { "type": "number", "minimum": 0, "maximum": 1 });

number_in_a_file!(Real, serialize_f64, { "type": "number" });
number_in_a_file!(NonNegative, serialize_f64, { "type": "number", "minimum": 0 });
number_in_a_file!(Positive, serialize_f64, { "type": "number", "exclusiveMinimum": 0 });

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let counts = Vec::<Count>::deserialize(deserializer)?;
        let written: Vec<String> = counts.iter().map(Count::to_string).collect();
        Self::from_list(counts).ok_or_else(|| {
            let found = if written.is_empty() { "none".to_owned() } else { cut(&written.join(", "), 60) };
            D::Error::custom(format!("must be 1 to 32 whole numbers, no two the same, got {found}"))
        })
    }
}

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl JsonSchema for Counts {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Counts".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let count = Count::json_schema(generator);
        json_schema!({ "type": "array", "items": count, "minItems": 1, "maxItems": 32, "uniqueItems": true })
    }
}

impl<'de> Deserialize<'de> for Levels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let levels = Vec::<NonNegative>::deserialize(deserializer)?;
        let written: Vec<String> = levels.iter().map(|level| shortest(level.get())).collect();
        Self::from_list(levels).ok_or_else(|| {
            let found = if written.is_empty() { "none".to_owned() } else { cut(&written.join(", "), 60) };
            D::Error::custom(format!("must be 1 to 32 numbers from 0, no two the same, got {found}"))
        })
    }
}

impl Serialize for Levels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl JsonSchema for Levels {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Levels".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let level = NonNegative::json_schema(generator);
        json_schema!({ "type": "array", "items": level, "minItems": 1, "maxItems": 32, "uniqueItems": true })
    }
}

macro_rules! word_in_a_file {
    ($name:ident, $pattern:literal) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Reader;
                impl Visitor<'_> for Reader {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                        write!(f, "a text of {}", $name::ALLOWED)
                    }
                    fn visit_str<E: Error>(self, v: &str) -> Result<$name, E> {
                        $name::from_text(v).ok_or_else(|| E::custom(refusal($name::ALLOWED, &abridged(v))))
                    }
                }
                deserializer.deserialize_any(Reader)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "minLength": 1, "maxLength": 64, "pattern": $pattern })
            }
        }
    };
}

word_in_a_file!(FileName, "^[A-Za-z0-9](\\.?[A-Za-z0-9_-])*\\.?$");
word_in_a_file!(Label, "^[^\\s\\p{P}\\p{S}\\p{C}]");

fn refusal(allowed: &str, found: &impl fmt::Display) -> String {
    format!("must be {allowed}, got {found}")
}

/// The beginning of a text for a message: at most `n` characters, and a sign where there were more.
pub fn cut(text: &str, n: usize) -> String {
    let mut short: String = text.chars().take(n).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// A text for a cell of a table: what a spreadsheet would take for a formula, because it begins with =, +, -, @, a tab or a carriage return, has an apostrophe before it.
pub fn guarded(text: &str) -> std::borrow::Cow<'_, str> {
    if is_formula(text) { format!("'{text}").into() } else { text.into() }
}

/// The text that [`guarded`] made a cell of.
pub fn unguarded(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|text| is_formula(text)).unwrap_or(cell)
}

/// What is guarded already is guarded once more, so that every text is found again.
fn is_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// A text in quotes for a message: escaped, and cut after 40 characters.
pub fn abridged(text: &str) -> String {
    quoted(text, 40)
}

/// A text in quotes for a message: escaped, and cut after so many characters.
pub fn quoted(text: &str, n: usize) -> String {
    let short = cut(text, n);
    let mut quoted = String::from('"');
    for c in short.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if is_control(c) => quoted.extend(c.escape_unicode()),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// What to do about a number with the minus of typesetters.
pub const TYPESET_MINUS: &str = "; its minus is U+2212, and that of a number is the hyphen -";

/// Whether a text is a number but for its minus, U+2212 as typesetters have it.
pub fn has_typeset_minus(text: &str) -> bool {
    text.contains('\u{2212}') && text.replace('\u{2212}', "-").parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn law_a_formula_is_text_in_a_cell_and_found_again() {
        for text in ["=1+1", "+1", "-x", "@SUM(A1)", "\tx", "\r=1", "'=1", "''-1", "a=1", "it's", "'tis", "", "猫"] {
            let cell = guarded(text);
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
            assert_eq!(unguarded(&cell), text);
        }
        assert_eq!(guarded("a=1"), "a=1");
        assert_eq!(guarded("=1"), "'=1");
    }

    #[test]
    fn theory_shortest_text_reads_back() {
        for (value, text) in
            [(1e11, "1e11"), (0.25, "0.25"), (1895.0, "1895"), (1e-9, "1e-9"), (0.1 + 0.2, "0.30000000000000004")]
        {
            assert_eq!(shortest(value), text);
            assert_eq!(text.parse::<f64>().map(f64::to_bits), Ok(value.to_bits()));
        }
    }

    #[test]
    fn theory_levels_have_names_of_their_own() {
        let words = [0.0, -0.0, 0.5, 2.0, 12.25, 1e-9, 1.5e-7, 1e21].map(|level: f64| Levels::word(level + 0.0));
        assert_eq!(words, ["0", "0", "0p5", "2", "12p25", "1em9", "1p5em7", "1e21"]);
        for bad in [&[][..], &[0.5, 0.5], &[0.0, -0.0], &[-1.0], &[f64::NAN], &[0.0; 33]] {
            assert_eq!(Levels::new(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn law_a_file_name_never_leaves_its_folder() {
        for bad in ["", "..", "a..b", ".hidden", "a/b", "a\\b", "é", "-rf", "a b", "a\nb", &"x".repeat(65)] {
            assert_eq!(FileName::from_text(bad), None, "{bad:?}");
        }
        for good in ["tiers", "v1.2", "GPT-3_small"] {
            assert!(FileName::from_text(good).is_some(), "{good:?}");
        }
    }

    #[test]
    fn law_a_label_has_no_hidden_characters() {
        for bad in ["", "=1+1", "-x", "@a", "a\u{202e}b", "a\tb", &"字".repeat(65)] {
            assert_eq!(Label::from_text(bad), None, "{bad:?}");
        }
        for good in ["小", "GPT-3 175B", "Llama 3.1"] {
            assert!(Label::from_text(good).is_some(), "{good:?}");
        }
    }
}
