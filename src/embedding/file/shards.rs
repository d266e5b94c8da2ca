//! Shards: a model in several .safetensors files, found by its index, `model.safetensors.index.json`.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::error::Flaw;
use super::safetensors::{MAX_HEADER_BYTES, json};
use super::source::Source;
use super::tensors::{Announced, choose};
use crate::quantity::abridged;

/// The file in the same folder that holds a tensor, by the name of the file and of the tensor.
pub(super) fn find(source: &Source, name: Option<&str>) -> Result<(String, String), Flaw> {
    if source.n_bytes > MAX_HEADER_BYTES {
        return Err(Flaw::HeaderLength { found: source.n_bytes, allowed: MAX_HEADER_BYTES });
    }
    let text = source.head(MAX_HEADER_BYTES)?;
    let Index { weight_map: Shards(shards) } = serde_json::from_slice(&text).map_err(|error| json("index", &error))?;
    let announced = |(name, _): &(String, String)| Announced {
        name: name.clone(),
        dtype: String::new(),
        shape: Vec::new(),
        is_matrix: true,
    };
    let tensors: Vec<Announced> = shards.iter().map(announced).collect();
    let chosen = choose(&tensors, name)?.name.clone();
    let mut files = shards.into_iter().filter(|(name, _)| *name == chosen).map(|(_, file)| file);
    let (Some(file), None) = (files.next(), files.next()) else {
        return Err(Flaw::untrue("it twice in its index").of(&chosen));
    };
    // An index comes from elsewhere: it may name files of its own folder and no others.
    let is_plain = !file.starts_with('.') && !file.contains(['/', '\\', ':', '\0']) && file.ends_with(".safetensors");
    if !is_plain {
        let what = format!(
            "its numbers in {}, which is not the name of a .safetensors file in the same folder",
            abridged(&file)
        );
        return Err(Flaw::untrue(what).of(&chosen));
    }
    Ok((file, chosen))
}

#[derive(serde::Deserialize)]
struct Index {
    weight_map: Shards,
}

/// Tensor and file, in the order of the index.
struct Shards(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Shards {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Shards;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a table of tensors and files")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shards, A::Error> {
                let mut shards = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    shards.push(entry);
                }
                Ok(Shards(shards))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}
