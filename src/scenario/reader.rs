//! Reader: from the tree to the types, keeping for every mistake its place, its path and the nearest right name.

use std::fmt::Display;

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::document::{Entry, Node, Place, Tree};
use crate::quantity::{Label, abridged, cut, shortest};
use crate::suggestion::did_you_mean;

/// What is wrong with a value: where it stands, the path that leads to it (innermost part first), and what to say about it.
#[derive(Debug)]
pub(super) struct Mistake {
    place: Option<Place>,
    path: Vec<String>,
    complaint: Complaint,
}

#[derive(Debug)]
enum Complaint {
    /// A sentence whose subject is the path.
    About(String),
    /// A key or a word that is none of those allowed.
    Unknown { what: &'static str, word: String, allowed: Vec<&'static str> },
    /// A key that must be there.
    Missing(&'static str),
}

impl Mistake {
    /// Where it stands.
    pub fn place(&self) -> Option<Place> {
        self.place
    }

    /// One sentence, with the path from the root.
    pub fn sentence(&self) -> String {
        let path = self.dotted();
        let table = if path.is_empty() { "the scenario".to_owned() } else { path.clone() };
        match &self.complaint {
            Complaint::About(rest) => format!("{table} {rest}"),
            Complaint::Missing(key) => format!("{table} lacks the key \"{key}\""),
            Complaint::Unknown { what, word, allowed } => {
                let near = did_you_mean(word, allowed.iter().copied());
                let allowed = if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") };
                format!("{table} has the unknown {what} {}{near} (allowed: {allowed})", abridged(word))
                    .replace("? (", " (")
            }
        }
    }

    fn dotted(&self) -> String {
        let mut path = String::new();
        for part in self.path.iter().rev() {
            if !path.is_empty() && !part.starts_with('[') {
                path.push('.');
            }
            path.push_str(part);
        }
        path
    }

    fn about(rest: impl Into<String>) -> Self {
        Self { place: None, path: vec![], complaint: Complaint::About(rest.into()) }
    }

    fn at(mut self, place: Place) -> Self {
        self.place = self.place.or(Some(place));
        self
    }

    fn within(mut self, part: impl Into<String>) -> Self {
        self.path.push(part.into());
        self
    }
}

impl Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(&self.sentence())
    }
}

impl std::error::Error for Mistake {}

impl de::Error for Mistake {
    fn custom<T: Display>(sentence: T) -> Self {
        Self::about(sentence.to_string())
    }

    fn invalid_type(found: Unexpected, expected: &dyn Expected) -> Self {
        let expected = expected.to_string();
        let expected = match expected.as_str() {
            "a boolean" => "true or false",
            "a string" | "path string" => "a text",
            "a sequence" => "a list",
            "a map" => "a table",
            "any valid JSON value" => "a finite number, a text, true or false, a list or a table",
            other if other.starts_with("struct ") => "a table",
            other => other,
        };
        let found = match found {
            Unexpected::Bool(x) => x.to_string(),
            Unexpected::Signed(x) => x.to_string(),
            Unexpected::Float(x) => shortest(x),
            Unexpected::Str(x) => abridged(x),
            Unexpected::Seq => "a list".into(),
            Unexpected::Map => "a table".into(),
            other => other.to_string(),
        };
        Self::about(format!("must be {expected}, got {found}"))
    }

    fn unknown_field(field: &str, allowed: &'static [&'static str]) -> Self {
        let complaint = Complaint::Unknown { what: "key", word: field.to_owned(), allowed: allowed.to_vec() };
        Self { place: None, path: vec![], complaint }
    }

    fn unknown_variant(variant: &str, allowed: &'static [&'static str]) -> Self {
        let complaint = Complaint::Unknown { what: "kind", word: variant.to_owned(), allowed: allowed.to_vec() };
        Self { place: None, path: vec![], complaint }
    }

    fn missing_field(field: &'static str) -> Self {
        Self { place: None, path: vec![], complaint: Complaint::Missing(field) }
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Mistake;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        let value = match &self.value {
            Tree::Boolean(x) => visitor.visit_bool(*x),
            Tree::Integer(x) => visitor.visit_i64(*x),
            Tree::Float(x) => visitor.visit_f64(*x),
            Tree::Text(x) => visitor.visit_borrowed_str(x),
            Tree::Beyond(_) | Tree::Date => Err(self.value.unfit(&visitor)),
            Tree::List(nodes) => visitor.visit_seq(Elements(nodes.iter().enumerate())),
            Tree::Table(entries) => visitor.visit_map(Entries { entries: entries.iter(), current: None }),
        };
        value.map_err(|mistake: Mistake| mistake.at(self.place))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        // Serde would take a list for the fields in order.
        match &self.value {
            Tree::List(_) => Err(self.value.unfit(&visitor).at(self.place)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        kinds: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        let value = self.choice(kinds).and_then(|choice| visitor.visit_enum(choice));
        value.map_err(|mistake: Mistake| mistake.at(self.place))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map
        identifier ignored_any
    }
}

impl Node {
    /// The kind that it names, which stands for one of these.
    fn choice(&self, kinds: &[&str]) -> Result<Choice<'_>, Mistake> {
        match &self.value {
            Tree::Text(word) => Ok(Choice { word, place: self.place, node: None }),
            Tree::Table(entries) => match entries.as_slice() {
                [Entry { key, place, node }] => Ok(Choice { word: key, place: *place, node: Some(node) }),
                [] => Err(Mistake::about(format!("must name one of {}, got none", kinds.join(", ")))),
                [first, .., last] => {
                    let kinds = format!("\"{}\" and \"{}\"", first.key, last.key);
                    Err(Mistake::about(format!("must name exactly one kind, got {kinds}")).at(last.place))
                }
            },
            other => Err(Mistake::about(format!("must be one of {}, got {}", kinds.join(", "), other.shown()))),
        }
    }

    /// What an element of a list is called in a path.
    fn called(&self, index: usize) -> String {
        // A tier is called by its name, as in a path of `--set`; anything without a right name by its position, counted from 1.
        let name = self.get("name").and_then(Node::text).filter(|name| Label::new(name).is_some());
        name.map_or(format!("[{}]", index + 1), str::to_owned)
    }
}

impl Tree {
    /// It is not what is expected here.
    fn unfit(&self, expected: &dyn Expected) -> Mistake {
        de::Error::invalid_type(Unexpected::Other(&self.shown()), expected)
    }

    /// The value in a message.
    fn shown(&self) -> String {
        match self {
            Self::Boolean(x) => x.to_string(),
            Self::Integer(x) => x.to_string(),
            Self::Float(x) => shortest(*x),
            Self::Beyond(number) => cut(number, 40),
            Self::Text(x) => abridged(x),
            Self::Date => "a date".into(),
            Self::List(_) => "a list".into(),
            Self::Table(_) => "a table".into(),
        }
    }
}

struct Elements<'de>(std::iter::Enumerate<std::slice::Iter<'de, Node>>);

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = Mistake;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Mistake> {
        let Some((index, node)) = self.0.next() else { return Ok(None) };
        seed.deserialize(node).map(Some).map_err(|mistake| mistake.at(node.place).within(node.called(index)))
    }
}

struct Entries<'de> {
    entries: std::slice::Iter<'de, Entry>,
    current: Option<&'de Entry>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Mistake;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Mistake> {
        self.current = self.entries.next();
        let Some(entry) = self.current else { return Ok(None) };
        seed.deserialize(entry.key.as_str().into_deserializer())
            .map(Some)
            .map_err(|mistake: Mistake| mistake.at(entry.place))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Mistake> {
        let entry = self.current.take().expect("serde asks for a value only after its key");
        seed.deserialize(&entry.node).map_err(|mistake| mistake.at(entry.node.place).within(&entry.key))
    }
}

/// A kind and its parameters (`localized = { units = 2 }`), or a word alone (`"gaussian"`).
struct Choice<'de> {
    word: &'de str,
    place: Place,
    node: Option<&'de Node>,
}

impl<'de> EnumAccess<'de> for Choice<'de> {
    type Error = Mistake;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Mistake> {
        let kind =
            seed.deserialize(self.word.into_deserializer()).map_err(|mistake: Mistake| mistake.at(self.place))?;
        Ok((kind, self))
    }
}

impl<'de> VariantAccess<'de> for Choice<'de> {
    type Error = Mistake;

    fn unit_variant(self) -> Result<(), Mistake> {
        match self.node {
            None => Ok(()),
            Some(node) => Err(Mistake::about("must be a word, got a table").at(node.place)),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Mistake> {
        let Some(node) = self.node else {
            return Err(Mistake::about(format!(
                "must be a table like {{ {} = {{}} }}, got {}",
                self.word,
                abridged(self.word)
            ))
            .at(self.place));
        };
        seed.deserialize(node).map_err(|mistake| mistake.at(node.place).within(self.word))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Mistake> {
        Err(Mistake::about("must be a table").at(self.place))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Mistake> {
        Err(Mistake::about("must be a table").at(self.place))
    }
}
