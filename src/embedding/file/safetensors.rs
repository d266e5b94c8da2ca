//! Safetensors: a JSON header of names, types, shapes and places, then the numbers.
//!
//! Nothing of the header is believed that the file does not bear out: every tensor has the bytes that its type and shape take, none lies over another,
//! none is named twice, and together they fill the file.
//!
//! Reference: the format as described at github.com/huggingface/safetensors.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::error::{Flaw, shown_shape};
use super::matrix::{Body, Dense, Matrix};
use super::scalar::Float;
use super::source::Source;
use super::tensors::{Announced, choose};
use crate::quantity::abridged;

/// The header of a model of 100,000 tensors takes 10 MB.
pub(super) const MAX_HEADER_BYTES: u64 = 16 << 20;
/// `"":{"dtype":"","shape":[],"data_offsets":[0,0]}`
const MIN_ENTRY_BYTES: usize = 48;
/// More axes than any tensor has.
const MAX_AXES: usize = 64;
const MAX_DTYPE_BYTES: usize = 32;

/// One tensor as the header tells it.
#[derive(Debug)]
struct Entry {
    tensor: Announced,
    /// Its bytes, from the end of the header.
    begin: u64,
    end: u64,
}

/// Whether the beginning of a file can be that of a .safetensors file: the length of its header, then a brace.
pub(super) fn is_likely(head: &[u8], n_bytes: u64) -> bool {
    let Some((length, text)) = head.split_first_chunk::<8>() else { return false };
    text.first() == Some(&b'{') && (2..=n_bytes.saturating_sub(8)).contains(&u64::from_le_bytes(*length))
}

/// The tensor of a name or, without one, the only matrix; and its name.
pub(super) fn find(source: &Source, name: Option<&str>) -> Result<(Matrix, String), Flaw> {
    let (entries, data) = entries(source)?;
    let tensors: Vec<&Announced> = entries.iter().map(|entry| &entry.tensor).collect();
    let chosen = choose(&tensors, name)?;
    let entry = entries.iter().find(|entry| entry.tensor.name == chosen.name).ok_or(Flaw::Changed)?;
    let matrix = matrix(source, entry, data).map_err(|flaw| flaw.of(&chosen.name))?;
    Ok((matrix, chosen.name.clone()))
}

fn matrix(source: &Source, entry: &Entry, data: u64) -> Result<Matrix, Flaw> {
    let float = float(&entry.tensor.dtype).ok_or_else(|| Flaw::TensorDtype { dtype: entry.tensor.dtype.clone() })?;
    let [n_rows, n_columns] = entry.tensor.shape[..] else {
        return Err(Flaw::Axes { shape: shown_shape(&entry.tensor.shape) });
    };
    if n_rows == 0 || n_columns == 0 {
        return Err(Flaw::Empty { n_rows, n_columns });
    }
    let (source, offset) = (source.clone(), data + entry.begin);
    let dense = Dense { source, offset, scalar: float.little(), n_per_line: n_columns, buffer: Vec::new() };
    Ok(Matrix { n_lines: n_rows, n_per_line: n_columns, is_across: false, body: Body::Dense(dense) })
}

/// All tensors of a file, and the byte where the data begin.
fn entries(source: &Source) -> Result<(Vec<Entry>, u64), Flaw> {
    if source.n_bytes < 8 {
        return Err(Flaw::Short { found: source.n_bytes, needed: 8 });
    }
    let mut length = [0; 8];
    source.read(&mut length, 0)?;
    let length = u64::from_le_bytes(length);
    if length > MAX_HEADER_BYTES {
        return Err(Flaw::HeaderLength { found: length, allowed: MAX_HEADER_BYTES });
    }
    let data = 8 + length;
    if source.n_bytes < data {
        return Err(Flaw::Short { found: source.n_bytes, needed: data });
    }
    let mut text = vec![0; length as usize];
    source.read(&mut text, 8)?;
    // A list that grows would be in memory twice; this many fit into the header.
    let capacity = memchr::memchr_iter(b'{', &text).count().min(text.len() / MIN_ENTRY_BYTES + 1);
    let mut reader = serde_json::Deserializer::from_slice(&text);
    let read = Header { capacity }.deserialize(&mut reader).and_then(|entries| reader.end().map(|()| entries));
    let mut entries = read.map_err(|error| json("header", &error))?;
    drop(text);
    check(&mut entries, source.n_bytes - data)?;
    Ok((entries, data))
}

/// What serde says, without what of the file it shows: a sentence is one line.
pub(super) fn json(what: &'static str, error: &serde_json::Error) -> Flaw {
    let reason: String = error.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).take(160).collect();
    Flaw::Json { what, reason }
}

/// Holds what the header says against itself and against the bytes that there are. Leaves the tensors in the order of their places.
fn check(entries: &mut [Entry], n_data_bytes: u64) -> Result<(), Flaw> {
    let mut names = HashSet::new();
    if let Some(entry) = entries.iter().find(|entry| !names.insert(entry.tensor.name.as_str())) {
        return Err(Flaw::untrue(format!("the tensor {} twice in its header", abridged(&entry.tensor.name))));
    }
    for Entry { tensor, begin, end } in entries.iter() {
        let of = |flaw: Flaw| flaw.of(&tensor.name);
        if begin > end || *end > n_data_bytes {
            let what = format!("bytes {begin} to {end} of its own, but the file has {n_data_bytes} after the header");
            return Err(of(Flaw::untrue(what)));
        }
        if tensor.dtype.len() > MAX_DTYPE_BYTES {
            return Err(of(Flaw::untrue("a dtype of more than 32 bytes")));
        }
        let Some(n_bits) = n_bits(&tensor.dtype) else { continue };
        let n_values = tensor.shape.iter().try_fold(1_u64, |n, axis| n.checked_mul(*axis));
        let needed = n_values.and_then(|n| n.checked_mul(n_bits)).map(|bits| bits.div_ceil(8));
        if needed != Some(end - begin) {
            let shape = shown_shape(&tensor.shape);
            let needed = needed.map_or("more bytes than a file can hold".to_owned(), |n| format!("{n} bytes"));
            let what =
                format!("shape {shape} of {}, which takes {needed}, but {} are its own", tensor.dtype, end - begin);
            return Err(of(Flaw::untrue(what)));
        }
    }
    entries.sort_by_key(|entry| (entry.begin, entry.end));
    let mut at = 0;
    for pair in entries.windows(2) {
        if pair[1].begin < pair[0].end {
            let what = format!("bytes that are also those of {}", crate::quantity::abridged(&pair[0].tensor.name));
            return Err(Flaw::untrue(what).of(&pair[1].tensor.name));
        }
    }
    for entry in entries.iter() {
        if entry.begin != at {
            return Err(Flaw::untrue(format!("bytes {at} to {} after the header that no tensor owns", entry.begin)));
        }
        at = entry.end;
    }
    if at != n_data_bytes {
        return Err(Flaw::untrue(format!("bytes {at} to {n_data_bytes} after the header that no tensor owns")));
    }
    Ok(())
}

fn float(dtype: &str) -> Option<Float> {
    match dtype {
        "F16" => Some(Float::F16),
        "BF16" => Some(Float::Bf16),
        "F32" => Some(Float::F32),
        "F64" => Some(Float::F64),
        _ => None,
    }
}

/// Bits of one value; `None` for a type that is newer than this code.
fn n_bits(dtype: &str) -> Option<u64> {
    match dtype {
        "F4" => Some(4),
        "F6_E2M3" | "F6_E3M2" => Some(6),
        "BOOL" | "U8" | "I8" | "F8_E4M3" | "F8_E5M2" | "F8_E8M0" | "F8_E4M3FNUZ" | "F8_E5M2FNUZ" => Some(8),
        "U16" | "I16" | "F16" | "BF16" => Some(16),
        "U32" | "I32" | "F32" => Some(32),
        "U64" | "I64" | "F64" | "C64" => Some(64),
        _ => None,
    }
}

/// Reads all tensors, in the order of the header, those named twice too.
struct Header {
    capacity: usize,
}

impl<'de> DeserializeSeed<'de> for Header {
    type Value = Vec<Entry>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Entry>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Header {
    type Value = Vec<Entry>;
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a table of tensors")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<Entry>, A::Error> {
        let mut entries = Vec::with_capacity(self.capacity);
        while let Some(name) = map.next_key::<String>()? {
            if name == "__metadata__" {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let Told { dtype, shape: Axes(shape), data_offsets: (begin, end) } = map.next_value()?;
            let is_matrix = float(&dtype).is_some() && shape.len() == 2;
            entries.push(Entry { tensor: Announced { name, dtype, shape, is_matrix }, begin, end });
        }
        Ok(entries)
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    dtype: String,
    shape: Axes,
    data_offsets: (u64, u64),
}

struct Axes(Vec<u64>);

impl<'de> Deserialize<'de> for Axes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Axes;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                write!(f, "a list of at most {MAX_AXES} whole numbers")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Axes, A::Error> {
                let mut axes = Vec::new();
                while let Some(axis) = list.next_element()? {
                    if axes.len() == MAX_AXES {
                        return Err(A::Error::invalid_length(MAX_AXES + 1, &self));
                    }
                    axes.push(axis);
                }
                Ok(Axes(axes))
            }
        }
        deserializer.deserialize_seq(Reader)
    }
}
