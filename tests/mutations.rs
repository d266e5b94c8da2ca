//! Files of vectors with slips of every kind: whatever is in them, nothing panics and nothing takes memory that the file does not bear out.
//!
//! The folder fuzz/ asks the same of files that a fuzzer makes up.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use superpose::embedding::file::{Dropped, File, Format, Rows};
use superpose::quantity::Count;

/// The system's allocator, with a count of the bytes that a thread has taken and of the most that it had.
struct Metered;

thread_local! {
    static IN_USE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Metered {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.set(IN_USE.get() + layout.size() as isize);
        PEAK.set(PEAK.get().max(IN_USE.get()));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.set(IN_USE.get() - layout.size() as isize);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Metered = Metered;

/// The most that a small file may take.
const LIMIT_BYTES: isize = 8 << 20;
const N_MUTANTS: usize = 400;

/// One slip, or a lie that somebody means.
fn spoil(bytes: &mut Vec<u8>, rng: &mut Xoshiro256PlusPlus) {
    let mut below = |n: usize| (rng.next_u64() % n.max(1) as u64) as usize;
    let at = below(bytes.len());
    match below(8) {
        0 => bytes.truncate(at),
        1 => bytes.insert(at, below(256) as u8),
        2 => {
            let n = below(16).min(bytes.len() - at);
            bytes.drain(at..at + n);
        }
        3 => {
            let (n, to) = (below(64).min(bytes.len() - at), below(bytes.len()));
            let piece = bytes[at..at + n].to_vec();
            bytes.splice(to..to, piece);
        }
        // A length of a binary header.
        4 => {
            let value = [0, 1, 0xff, 0x7f, 0x80][below(5)];
            let n = [1, 2, 4, 8][below(4)].min(bytes.len() - at);
            bytes[at..at + n].fill(value);
        }
        // A number of a text.
        5 => {
            if let Some(digit) = bytes[at..].iter().position(u8::is_ascii_digit) {
                let number = ["99999999999", "18446744073709551615", "-1", "1e999", "nan", "0", "4294967296"][below(7)];
                bytes.splice(at + digit..at + digit + 1, number.bytes());
            }
        }
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = below(256) as u8;
            }
        }
    }
}

/// Reads in every way, and holds what it took against the limit.
fn read(file: &File, bytes: &[u8]) -> bool {
    let before = IN_USE.get();
    PEAK.set(before);
    let vectors = file.read_bytes(bytes);
    let size = file.shape_of_bytes(bytes);
    let taken = PEAK.get() - before;
    assert!(taken <= LIMIT_BYTES, "{file:?} took {taken} bytes for {}", bytes.escape_ascii());
    if let Ok(vectors) = &vectors {
        let size =
            size.unwrap_or_else(|error| panic!("{file:?} has vectors and no size, {error}: {}", bytes.escape_ascii()));
        assert_eq!(size.n_concepts, vectors.embedding.n_concepts() as u64, "{file:?}: {}", bytes.escape_ascii());
        assert_eq!(size.d_model, vectors.embedding.d_model() as u64, "{file:?}: {}", bytes.escape_ascii());
        assert!(vectors.embedding.as_slice().iter().all(|value| value.is_finite()));
    }
    vectors.is_ok()
}

fn files() -> Vec<File> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers");
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).expect("fixtures").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let is_file =
        |path: &PathBuf| path.extension().is_some_and(|ending| ending != "py") && !path.ends_with("names.txt");
    let plain = paths.into_iter().filter(is_file).map(File::new);
    let tensor = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let tensor = match name {
            "model.safetensors" => "bf16",
            "packed.npz" => "fortran",
            "model-00001-of-00002.safetensors" | "model.safetensors.index.json" => "f16",
            _ => return None,
        };
        Some(tensor.to_owned())
    };
    plain.map(|file| File { tensor: tensor(&file.path), ..file }).collect()
}

#[test]
fn law_no_mutant_of_a_file_panics_or_takes_memory() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(20);
    let (mut n_read, mut n_refused) = (0, 0);
    let files = files();
    assert!(files.len() >= 20, "{} fixtures", files.len());
    for file in files {
        let valid = fs::read(&file.path).expect("a fixture");
        for k in 0..N_MUTANTS {
            let mut bytes = valid.clone();
            for _ in 0..1 + rng.next_u64() % 3 {
                spoil(&mut bytes, &mut rng);
            }
            let rows = Rows { from: 1, to: (k % 3 == 0).then_some(4), step: Count::new(2).expect("a count") };
            let file = File {
                rows: (k % 5 == 0).then_some(rows),
                transpose: k % 7 == 0,
                drop: if k % 2 == 0 { vec![Dropped::Zero, Dropped::Nonfinite] } else { vec![] },
                ..file.clone()
            };
            match read(&file, &bytes) {
                true => n_read += 1,
                false => n_refused += 1,
            }
        }
    }
    assert!(n_read > 500 && n_refused > 5000, "{n_read} were read and {n_refused} refused");
}

#[test]
fn law_every_cut_and_every_format_of_another_is_refused_or_read() {
    let formats =
        [Format::Npy, Format::Npz, Format::Safetensors, Format::Text, Format::Word2vec, Format::Csv, Format::Tsv];
    for file in files() {
        let valid = fs::read(&file.path).expect("a fixture");
        for n in 0..valid.len() {
            let is_binary = file
                .path
                .extension()
                .is_some_and(|ending| ["npy", "npz", "safetensors", "bin"].iter().any(|one| ending == *one));
            // A line feed may be missing at the end of words; text may lose a digit and stay a matrix.
            let is_whole = n + 1 == valid.len() && valid[n] == b'\n';
            let reads = read(&file, &valid[..n]);
            assert!(!(reads && is_binary && !is_whole), "{file:?} was read from {n} of {} bytes", valid.len());
        }
        for format in formats {
            read(&File { format: Some(format), tensor: None, ..file.clone() }, &valid);
        }
    }
}

/// The largest headers that are read, of the smallest tensors.
#[test]
fn law_a_header_at_its_limit_takes_less_than_100_megabytes() {
    let asked = |name: &str| File { tensor: Some("words".to_owned()), ..File::new(name) };
    let filled = |begin: &str, one: fn(usize) -> String, end: &str| {
        let mut text = begin.to_owned();
        for k in 0.. {
            let next = one(k);
            if text.len() + next.len() + end.len() + 1 > 16 << 20 {
                break;
            }
            text.push_str(&next);
            text.push(',');
        }
        text.pop();
        text + end
    };
    let header = filled("{", |k| format!(r#""{k}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#), "}");
    let tensors = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat();
    let index = filled(r#"{"weight_map":{"#, |k| format!(r#""{k}":"a""#), "}}");
    let line = |piece: &str| [piece.repeat((2 << 20) / piece.len()).as_bytes(), b"\n1,2\n"].concat();
    let asked_table = File { tensor: None, name_column: Some("words".to_owned()), ..asked("t.csv") };
    for (file, bytes) in [
        (asked("m.safetensors"), tensors),
        (asked("m.index.json"), index.into_bytes()),
        (asked_table, line("x,")),
        (File::new("v.txt"), line("1 ")),
        (File::new("v.vec"), line("x ")),
    ] {
        // The file itself is in memory twice here, as a slice and as what the reader keeps of it.
        let (before, own) = (IN_USE.get(), bytes.len() as isize);
        PEAK.set(before);
        let told = file.read_bytes(&bytes).expect_err("it cannot be read").to_string();
        assert_eq!(told.contains(" \"words\"; it has ") && told.ends_with(" more"), told.contains("has no "), "{told}");
        let taken = PEAK.get() - before - own;
        assert!(taken < 100_000_000, "{file:?} took {taken} bytes");
    }
}

/// What a file of a kilobyte says it holds is petabytes.
#[test]
fn law_a_lie_of_a_header_takes_no_memory() {
    let huge = ["4000000000 4000000000\na 1\n", "1 4000000000\na 1\n", "4000000000 1\na 1\nb 2\n"];
    for text in huge {
        for format in [Format::Text, Format::Word2vec] {
            assert!(!read(&File { format: Some(format), ..File::new("v") }, text.as_bytes()));
        }
    }
}
