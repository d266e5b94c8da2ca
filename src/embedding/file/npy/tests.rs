//! The files are made here byte by byte, as the documentation of `numpy.lib.format` says; none is shipped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use half::f16;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use tempfile::TempDir;

use super::super::{File, ReadError};
use crate::embedding::Size;

/// Magic, version and dict, padded as NumPy pads it: the data start at a multiple of 64.
fn header(version: u8, dict: &[u8]) -> Vec<u8> {
    let start = if version == 1 { 10 } else { 12 };
    let n_bytes = (start + dict.len() + 1).next_multiple_of(64) - start;
    let mut head = b"\x93NUMPY".to_vec();
    head.extend([version, 0]);
    match version {
        1 => head.extend((n_bytes as u16).to_le_bytes()),
        _ => head.extend((n_bytes as u32).to_le_bytes()),
    }
    head.extend(dict);
    head.resize(start + n_bytes - 1, b' ');
    head.push(b'\n');
    head
}

fn dict(descr: &str, is_fortran: bool, shape: &str) -> Vec<u8> {
    let order = if is_fortran { "True" } else { "False" };
    format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}").into_bytes()
}

/// The bytes of `values`, row-major n × d, in the order and type that the header names.
fn data(descr: &str, is_fortran: bool, n_columns: usize, values: &[f64]) -> Vec<u8> {
    let n_rows = values.len() / n_columns;
    let in_order = (0..values.len()).map(|i| match is_fortran {
        true => values[(i % n_rows) * n_columns + i / n_rows],
        false => values[i],
    });
    in_order
        .flat_map(|value| match descr {
            "<f2" => f16::from_f64(value).to_le_bytes().to_vec(),
            ">f2" => f16::from_f64(value).to_be_bytes().to_vec(),
            "<f4" => (value as f32).to_le_bytes().to_vec(),
            ">f4" => (value as f32).to_be_bytes().to_vec(),
            "=f4" => (value as f32).to_ne_bytes().to_vec(),
            "<f8" => value.to_le_bytes().to_vec(),
            ">f8" => value.to_be_bytes().to_vec(),
            _ => value.to_ne_bytes().to_vec(),
        })
        .collect()
}

fn file(version: u8, descr: &str, is_fortran: bool, n_columns: usize, values: &[f64]) -> Vec<u8> {
    let shape = format!("({}, {n_columns})", values.len() / n_columns);
    let mut bytes = header(version, &dict(descr, is_fortran, &shape));
    bytes.extend(data(descr, is_fortran, n_columns, values));
    bytes
}

/// A folder of one file, `v.npy`.
fn folder(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("v.npy");
    fs::write(&path, bytes).expect("a file can be written there");
    (folder, path)
}

fn load(path: &Path) -> Result<Vec<f32>, ReadError> {
    Ok(File::new(path).read()?.embedding.as_slice().to_vec())
}

fn read_header(path: &Path) -> Result<Size, ReadError> {
    File::new(path).shape()
}

/// The whole message, the temporary folder taken away.
fn message<T: std::fmt::Debug>(folder: &Path, result: Result<T, ReadError>) -> String {
    let text = result.expect_err("this must be refused").to_string();
    let prefix = format!("{}/", folder.display());
    text.strip_prefix(&prefix).expect("a message begins with the path").to_string()
}

fn refusal(bytes: &[u8]) -> String {
    let (folder, path) = folder(bytes);
    message(folder.path(), load(&path))
}

/// The refusal of a header alone, before any data are looked at.
fn refused_dict(dict: &str) -> String {
    refusal(&header(1, dict.as_bytes()))
}

const VALUES: [f64; 6] = [1.0, -2.5, 3.0, 0.0, 0.1, 6.25];

#[test]
fn theory_every_order_type_and_version_holds_the_same_matrix() {
    for version in [1, 2, 3] {
        for descr in ["<f2", ">f2", "<f4", ">f4", "=f4", "<f8", ">f8", "=f8"] {
            for is_fortran in [false, true] {
                let (_folder, path) = folder(&file(version, descr, is_fortran, 3, &VALUES));
                let size = read_header(&path).expect("a valid header");
                assert_eq!(size, Size { n_concepts: 2, d_model: 3 });
                let values = load(&path).expect("valid data");
                let half = |value| if descr.ends_with('2') { f16::from_f64(value).to_f32() } else { value as f32 };
                assert_eq!(values, VALUES.map(half), "version {version}, {descr}, Fortran order: {is_fortran}");
            }
        }
    }
}

/// What `np.save` of NumPy 2.4 wrote for np.array([[1, 2], [3, 4]], 'f4'), in either order.
#[test]
fn theory_a_file_of_numpy_is_read() {
    for (order, data) in [("False", [1.0_f32, 2.0, 3.0, 4.0]), ("True", [1.0, 3.0, 2.0, 4.0])] {
        let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        bytes.extend(format!("{{'descr': '<f4', 'fortran_order': {order}, 'shape': (2, 2), }}").bytes());
        bytes.resize(127, b' ');
        bytes.push(b'\n');
        bytes.extend(data.iter().flat_map(|value| value.to_le_bytes()));
        let (_folder, path) = folder(&bytes);
        assert_eq!(load(&path).expect("a valid file"), [1.0, 2.0, 3.0, 4.0]);
    }
}

/// Shapes around the sizes of a tile and of the buffer: one long column, many short ones, and both.
#[test]
fn law_tiles_join_without_a_seam() {
    for (n_rows, n_columns) in [(1, 300_000), (300_000, 1), (8_176, 17), (8_177, 35), (9_000, 33), (513, 700)] {
        let value = |i: usize| i as f64 + 1.0;
        let values: Vec<f64> = (0..n_rows * n_columns).map(value).collect();
        let expected: Vec<f32> = values.iter().map(|&value| value as f32).collect();
        for (descr, is_fortran) in [("<f4", true), (">f8", true), ("<f4", false), ("<f8", false)] {
            let (_folder, path) = folder(&file(1, descr, is_fortran, n_columns, &values));
            let read = load(&path).expect("a valid file");
            assert!(read == expected, "{n_rows} × {n_columns} of {descr}, Fortran order: {is_fortran}");
        }
    }
}

#[test]
fn law_any_spelling_of_the_dict_is_read() {
    for dict in [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2)}",
        "{'shape': (1, 2), 'fortran_order': False, 'descr': '<f4', }",
        "{\"fortran_order\":False,\"shape\":(1,2,),\"descr\":\"<f4\"}",
        " {\t'descr' : '<f4' ,\n 'shape' : ( 1 , 2 , ) ,\r 'fortran_order' : False , } ",
    ] {
        let mut bytes = header(3, dict.as_bytes());
        bytes.extend(data("<f4", false, 2, &[3.0, 4.0]));
        let (_folder, path) = folder(&bytes);
        assert_eq!(load(&path).expect(dict), [3.0, 4.0]);
    }
}

#[test]
fn theory_what_is_no_regular_file_is_refused() {
    let (folder, _) = folder(b"");
    let folder = folder.path();
    let tell = |name: &str| message(folder, read_header(&folder.join(name)));
    assert_eq!(tell("w.npy"), "w.npy: no such file");
    fs::write(folder.join("words.npy"), b"").expect("a file can be written there");
    fs::write(folder.join("word.txt"), b"").expect("a file can be written there");
    assert_eq!(tell("word.npy"), "word.npy: no such file; did you mean \"words.npy\"?");
    assert_eq!(tell("words"), "words: no such file; did you mean \"words.npy\"?");
    assert_eq!(tell("pictures.npy"), "pictures.npy: no such file");
    assert_eq!(tell("nowhere/words.npy"), "nowhere/words.npy: no such file");
    fs::create_dir(folder.join("folder.npy")).expect("a folder can be made there");
    assert_eq!(tell("folder.npy"), "folder.npy: is a folder; a file of vectors is needed");
}

#[cfg(unix)]
#[test]
fn theory_a_pipe_or_a_device_is_refused_at_once() {
    let (folder, _) = folder(b"");
    let pipe = folder.path().join("pipe.npy");
    let status = Command::new("mkfifo").arg(&pipe).status().expect("mkfifo is there");
    assert!(status.success());
    // Nobody writes: opening it would wait for ever.
    assert_eq!(
        message(folder.path(), read_header(&pipe)),
        "pipe.npy: is a pipe, a socket or a device; a regular file is needed"
    );
    assert_eq!(
        read_header(Path::new("/dev/zero")).expect_err("endless").to_string(),
        "/dev/zero: is a pipe, a socket or a device; a regular file is needed"
    );
    let link = folder.path().join("link.npy");
    std::os::unix::fs::symlink(folder.path().join("gone.npy"), &link).expect("a link can be made");
    assert_eq!(message(folder.path(), read_header(&link)), "link.npy: no such file");
}

#[test]
fn theory_another_format_is_refused() {
    assert_eq!(refusal(b"word,1,2,3\n"), r#"v.npy: is not a .npy file: it begins with "word,1", not with "\x93NUMPY""#);
    assert_eq!(refusal(b""), "v.npy: ends after 0 bytes, but its header needs at least 10");
    assert_eq!(refusal(b"\x93NUMPY\x02\x00\x01"), "v.npy: ends after 9 bytes, but its header needs at least 12");
    assert_eq!(refusal(b"\x93NUMPY\x04\x01 and more"), "v.npy: has .npy version 4.1; allowed are 1.0, 2.0 and 3.0");
}

#[test]
fn theory_a_length_field_that_lies_is_refused() {
    let valid = file(1, "<f4", false, 3, &VALUES);
    let with_length = |n_bytes: u16| {
        let mut bytes = valid.clone();
        bytes[8..10].copy_from_slice(&n_bytes.to_le_bytes());
        refusal(&bytes)
    };
    assert_eq!(with_length(0), "v.npy: the header must have '{' at byte 10, found its end");
    assert_eq!(
        with_length(30),
        "v.npy: the header must have plain ASCII and a closing quote at byte 40, found its end"
    );
    assert_eq!(with_length(117), "v.npy: is too long: shape (2, 3) needs 24 bytes of data after the header, found 25");
    assert_eq!(with_length(119), "v.npy: the header must have nothing but spaces after '}' at byte 128, found '\\x00'");
    assert_eq!(with_length(u16::MAX), "v.npy: ends after 152 bytes, but its header needs at least 65545");

    let mut bytes = b"\x93NUMPY\x02\x00".to_vec();
    bytes.extend(u32::MAX.to_le_bytes());
    assert_eq!(refusal(&bytes), "v.npy: says that its header has 4294967295 bytes; allowed are at most 65536");
}

#[test]
fn theory_syntax_is_refused_at_its_byte() {
    for (dict, expected) in [
        ("[1, 2]", "'{' at byte 10, found '['"),
        ("{,}", "a key in quotes at byte 11, found ','"),
        ("{'descr' '<f4'}", "':' at byte 19, found a quote"),
        ("{'descr': <f4}", "a dtype in quotes at byte 20, found '<'"),
        ("{'descr': '<f4", "plain ASCII and a closing quote at byte 63, found '\\n'"),
        ("{'descr': '<\\x664'}", "plain ASCII and a closing quote at byte 22, found '\\\\'"),
        ("{'descr': '<f4' 'shape'", "',' or '}' at byte 26, found a quote"),
        ("{'fortran_order': 0}", "True or False at byte 28, found '0'"),
        ("{'fortran_order': Falsehood}", "',' or '}' at byte 33, found 'h'"),
        ("{'shape': [2, 3]}", "'(' at byte 20, found '['"),
        ("{'shape': (2)}", "',' at byte 22, found ')'"),
        ("{'shape': (2, 3", "',' or ')' at byte 64, found its end"),
        ("{'shape': (,)}", "a whole number below 2^64 at byte 21, found ','"),
        ("{'shape': (-2, 3)}", "a whole number below 2^64 at byte 21, found '-'"),
        ("{'shape': (02, 3)}", "a whole number below 2^64 at byte 21, found '0'"),
        ("{'shape': (18446744073709551616, 3)}", "a whole number below 2^64 at byte 21, found '1'"),
        ("{'shape': (2L, 3L)}", "',' at byte 22, found 'L'"),
        ("{'descr': 'é'}", "plain ASCII and a closing quote at byte 21, found '\\xc3'"),
        ("{é}", "a key in quotes at byte 11, found '\\xc3'"),
        ("{} {}", "nothing but spaces after '}' at byte 13, found '{'"),
    ] {
        assert_eq!(refused_dict(dict), format!("v.npy: the header must have {expected}"), "{dict}");
    }
}

#[test]
fn theory_keys_are_the_three() {
    assert_eq!(
        refused_dict("{'descr': '<f4', 'order': 'C'}"),
        "v.npy: the header has the key 'order'; allowed are 'descr', 'fortran_order' and 'shape'"
    );
    assert_eq!(
        refused_dict(&format!("{{'{}': 1}}", "long".repeat(1_000))),
        "v.npy: the header has the key 'longlonglonglonglonglong…'; allowed are 'descr', 'fortran_order' and 'shape'"
    );
    assert_eq!(
        refused_dict("{'descr': '<f4', 'descr': '<f8'}"),
        "v.npy: the header has the key 'descr' twice; allowed is once"
    );
    for (dict, key) in [
        ("{}", "descr"),
        ("{'descr': '<f4', 'shape': (2, 3)}", "fortran_order"),
        ("{'descr': '<f4', 'fortran_order': False}", "shape"),
    ] {
        let expected =
            format!("v.npy: the header lacks the key '{key}'; 'descr', 'fortran_order' and 'shape' are needed");
        assert_eq!(refused_dict(dict), expected);
    }
}

#[test]
fn theory_only_floats_are_read() {
    let tell = |descr: &str| refused_dict(&format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (2, 3)}}"));
    assert_eq!(
        tell("'|O'"),
        "v.npy: holds Python objects (dtype '|O'), which run code when they are read; \
         allowed are 16-bit, 32-bit and 64-bit floats"
    );
    for records in ["[('x', '<f4'), ('y', '<f4')]", "('<f4', (2,))", "'|V8'", "[('é', '<f4')]"] {
        assert_eq!(
            tell(records),
            "v.npy: holds records (a structured dtype); allowed are 16-bit, 32-bit and 64-bit floats, so save one field alone"
        );
    }
    for descr in ["<i8", "|u1", "|b1", "|f2", "<f16", "f4", "|f4", "<f44", "float32"] {
        assert_eq!(
            tell(&format!("'{descr}'")),
            format!(
                "v.npy: holds numbers of dtype '{descr}'; allowed are 16-bit, 32-bit and 64-bit floats, \
                 so convert with .astype('float32') before np.save"
            )
        );
    }
    for descr in ["<c8", "<U10", "|S3", "<M8[ns]", ""] {
        assert_eq!(
            tell(&format!("'{descr}'")),
            format!(
                "v.npy: holds values of dtype '{descr}'; \
                 allowed are '<f2', '<f4', '<f8' and '>f2', '>f4', '>f8', 16-bit, 32-bit and 64-bit floats"
            )
        );
    }
}

#[test]
fn theory_a_matrix_has_two_axes_and_a_size() {
    let tell = |shape: &str| refusal(&header(1, &dict("<f4", false, shape)));
    for (shape, shown) in [
        ("()", "()"),
        ("(3,)", "(3,)"),
        ("(2, 3, 4)", "(2, 3, 4)"),
        ("(1, 2, 3, 4, 5, 6, 7, 8, 9)", "(1, 2, 3, 4, 5, 6, 7, 8, …)"),
    ] {
        let expected =
            format!("v.npy: has shape {shown}; a matrix with one row per concept is needed, (rows, columns)");
        assert_eq!(tell(shape), expected);
    }
    assert_eq!(tell("(0, 3)"), "v.npy: has shape (0, 3); at least one row and one column are needed");
    assert_eq!(tell("(3, 0)"), "v.npy: has shape (3, 0); at least one row and one column are needed");
}

/// Were any of these believed, the test would end for want of memory.
#[test]
fn theory_a_shape_that_lies_is_refused_before_anything_is_allocated() {
    let tell = |shape: &str| refusal(&header(1, &dict("<f4", false, shape)));
    assert_eq!(tell("(4611686018427387904, 4)"), "v.npy: has shape (4611686018427387904, 4), which no file can hold");
    assert_eq!(tell("(4611686018427387904, 1)"), "v.npy: has shape (4611686018427387904, 1), which no file can hold");
    assert_eq!(
        tell("(1099511627776, 4)"),
        "v.npy: is truncated: shape (1099511627776, 4) needs 17592186044416 bytes of data after the header, found 0"
    );
}

#[test]
fn law_every_truncation_is_refused() {
    for version in [1, 3] {
        for is_fortran in [false, true] {
            let bytes = file(version, "<f4", is_fortran, 3, &VALUES);
            let (_folder, path) = folder(&bytes);
            for n_bytes in 0..bytes.len() {
                fs::write(&path, &bytes[..n_bytes]).expect("a file can be written there");
                assert!(read_header(&path).is_err(), "{n_bytes} bytes");
                assert!(load(&path).is_err(), "{n_bytes} bytes");
            }
        }
    }
    assert_eq!(
        refusal(&file(1, "<f4", false, 3, &VALUES)[..151]),
        "v.npy: is truncated: shape (2, 3) needs 24 bytes of data after the header, found 23"
    );
}

#[test]
fn law_a_flipped_header_never_panics() {
    let valid = file(1, "<f4", false, 3, &VALUES);
    let (_folder, path) = folder(&valid);
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
    let mut n_refused = 0;
    for _ in 0..10_000 {
        let mut bytes = valid.clone();
        for _ in 0..1 + rng.next_u64() % 3 {
            bytes[(rng.next_u64() % 128) as usize] = rng.next_u64() as u8;
        }
        fs::write(&path, &bytes).expect("a file can be written there");
        n_refused += usize::from(load(&path).is_err());
    }
    // The rest turned a space into a space, or F into the like.
    assert!((9_000..=10_000).contains(&n_refused), "{n_refused} were refused");
}

#[test]
fn theory_a_value_that_is_not_finite_is_refused_at_its_place() {
    for (value, shown) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf"), (f64::NEG_INFINITY, "-inf")] {
        // C order: 128 + 4 · (1 · 3 + 2); Fortran order: 128 + 4 · (2 · 2 + 1).
        for (descr, is_fortran, at) in
            [("<f4", false, 148), (">f4", true, 148), (">f8", false, 168), ("<f8", true, 168)]
        {
            let mut values = VALUES;
            values[5] = value;
            assert_eq!(
                refusal(&file(1, descr, is_fortran, 3, &values)),
                format!(
                    "v.npy: row 1, column 2 (from 0; byte {at}) is {shown}; every value must be finite, or drop = [\"nonfinite\"] leaves such concepts out"
                )
            );
        }
    }
    let mut values = VALUES;
    values[1] = -1e300;
    assert_eq!(
        refusal(&file(1, "<f8", false, 3, &values)),
        "v.npy: row 0, column 1 (from 0; byte 136) is -1e300; as 32-bit floats, values reach 3.4e38, and drop = [\"nonfinite\"] leaves such concepts out"
    );
    assert_eq!(
        refusal(&file(1, ">f8", true, 3, &values)),
        "v.npy: row 0, column 1 (from 0; byte 144) is -1e300; as 32-bit floats, values reach 3.4e38, and drop = [\"nonfinite\"] leaves such concepts out"
    );
}

#[test]
fn theory_a_row_without_a_direction_is_refused() {
    let tell = |descr, is_fortran, row: [f64; 3]| {
        let values = [1.0, 2.0, 3.0, row[0], row[1], row[2]];
        refusal(&file(1, descr, is_fortran, 3, &values))
    };
    let zero = "zero in 32-bit floats; a zero vector has no direction, and drop = [\"zero\"] leaves such concepts out";
    assert_eq!(tell("<f4", false, [0.0, -0.0, 0.0]), format!("v.npy: row 1 (from 0; byte 140) is {zero}"));
    assert_eq!(tell("<f8", false, [0.0, 1e-60, 0.0]), format!("v.npy: row 1 (from 0; byte 152) is {zero}"));
    assert_eq!(tell("<f4", true, [0.0, 0.0, 0.0]), format!("v.npy: row 1 (from 0) is {zero}"));
    let norms = "allowed are 1e-12 to 1e12, where dot products of 32-bit floats neither vanish nor overflow";
    assert_eq!(
        tell("<f4", false, [0.0, 5e-13, 0.0]),
        format!("v.npy: row 1 (from 0; byte 140) has norm 5.000e-13; {norms}")
    );
    assert_eq!(tell(">f8", true, [3e20, 0.0, 4e20]), format!("v.npy: row 1 (from 0) has norm 5.000e20; {norms}"));
}

#[test]
fn law_the_first_row_in_trouble_is_told() {
    let values = [1.0, 1.0, 0.0, 0.0, f64::NAN, 1.0, f64::INFINITY, 1.0];
    for is_fortran in [false, true] {
        let told = refusal(&file(1, "<f4", is_fortran, 2, &values));
        assert!(told.starts_with("v.npy: row 1 "), "{told}");
        let told = refusal(&file(1, "<f4", is_fortran, 2, &values[4..]));
        assert!(told.starts_with("v.npy: row 0, column 0 "), "{told}");
    }
}
