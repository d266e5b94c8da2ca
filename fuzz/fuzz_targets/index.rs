//! The index of a sharded model; no shard is there. Seeds: tests/readers/*.json.
#![no_main]

#[path = "../read.rs"]
mod read;

use superpose::embedding::file::Format;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| read::in_every_way("m.safetensors.index.json", Format::Safetensors, bytes));
