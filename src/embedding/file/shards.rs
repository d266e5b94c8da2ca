//! Shards: a model in several .safetensors files, found by its index, `model.safetensors.index.json`.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::error::Flaw;
use super::safetensors::{MAX_HEADER_BYTES, json};
use super::source::Source;
use super::tensors::Ranking;
use crate::quantity::abridged;

/// The file in the same folder that holds a tensor, by the name of the file and of the tensor.
pub(super) fn find(source: &Source, name: Option<&str>) -> Result<(String, String), Flaw> {
    if source.n_bytes > MAX_HEADER_BYTES {
        return Err(Flaw::HeaderLength { found: source.n_bytes, allowed: MAX_HEADER_BYTES });
    }
    let text = source.head(MAX_HEADER_BYTES)?;
    let search = Search { name, found: Vec::new(), n: 0, ranking: Ranking::new(name.unwrap_or_default()) };
    let mut reader = serde_json::Deserializer::from_slice(&text);
    let read = Index(search).deserialize(&mut reader).and_then(|search| reader.end().map(|()| search));
    let Search { mut found, n, ranking, .. } = read.map_err(|error| json("index", &error))?;
    let Some((tensor, file)) = found.pop() else {
        let choice = ranking.choice();
        return Err(match name {
            Some(name) => Flaw::NoTensor { name: name.to_owned(), choice },
            None => Flaw::NoMatrix { choice },
        });
    };
    match name {
        Some(_) if !found.is_empty() => {
            return Err(Flaw::untrue(format!("the tensor {} twice in its index", abridged(&tensor))));
        }
        None if n > 1 => return Err(Flaw::Choose { n, choice: ranking.choice() }),
        _ => {}
    }
    // An index comes from elsewhere: it may name files of its own folder and no others.
    let is_plain = !file.starts_with('.') && !file.contains(['/', '\\', ':', '\0']) && file.ends_with(".safetensors");
    if !is_plain {
        let what = format!(
            "its numbers in {}, which is not the name of a .safetensors file in the same folder",
            abridged(&file)
        );
        return Err(Flaw::untrue(what).of(&tensor));
    }
    Ok((file, tensor))
}

/// A look through an index, which keeps of its hundred thousand names no more than a sentence needs.
struct Search<'a> {
    name: Option<&'a str>,
    /// Tensor and file, at most two, of the name that is asked for; without one, of any.
    found: Vec<(String, String)>,
    n: usize,
    ranking: Ranking,
}

/// The file as a whole, of which the table of weights is wanted.
struct Index<'a>(Search<'a>);

impl<'de, 'a> DeserializeSeed<'de> for Index<'a> {
    type Value = Search<'a>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Search<'a>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, 'a> Visitor<'de> for Index<'a> {
    type Value = Search<'a>;
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a table with weight_map")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Search<'a>, A::Error> {
        let (mut search, mut done) = (Some(self.0), None);
        while let Some(key) = map.next_key::<Cow<str>>()? {
            match search.take_if(|_| key == "weight_map") {
                Some(search) => done = Some(map.next_value_seed(search)?),
                // A second table would say something else.
                None if key == "weight_map" => return Err(A::Error::duplicate_field("weight_map")),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        done.ok_or_else(|| A::Error::missing_field("weight_map"))
    }
}

impl<'de> DeserializeSeed<'de> for Search<'_> {
    type Value = Self;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Search<'_> {
    type Value = Self;
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a table of tensors and files")
    }
    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
        while let Some((tensor, file)) = map.next_entry::<String, String>()? {
            self.n += 1;
            self.ranking.push(&tensor, || abridged(&tensor));
            if self.found.len() < 2 && self.name.is_none_or(|name| name == tensor) {
                self.found.push((tensor, file));
            }
        }
        Ok(self)
    }
}
