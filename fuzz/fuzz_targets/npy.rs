//! NumPy's .npy. Seeds: tests/readers/*.npy.
#![no_main]

#[path = "../read.rs"]
mod read;

use superpose::embedding::file::Format;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| read::in_every_way("v.npy", Format::Npy, bytes));
