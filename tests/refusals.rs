//! Files of vectors that cannot be believed: what a person sees, whole.
// A test may compare with std's functions; a result may not come from them.
#![allow(clippy::disallowed_methods)]

use std::fs;
use std::io::Write;
use std::path::Path;

use superpose::embedding::file::{Dropped, File, Format, Rows};
use superpose::quantity::Count;

/// What is told of a file of this name and content, the name left out.
fn told(name: &str, content: &[u8]) -> String {
    told_of(&File::new(name), content)
}

fn told_of(file: &File, content: &[u8]) -> String {
    let error = file.read_bytes(content).expect_err("this must be refused").to_string();
    let prefix = format!("{}: ", file.path.display());
    error.strip_prefix(&prefix).unwrap_or_else(|| panic!("begins with its path: {error}")).to_owned()
}

fn assert_told(rows: &[(&str, &[u8], &str)]) {
    for (name, content, says) in rows {
        assert_eq!(told(name, content), *says, "{name}: {}", content[..content.len().min(80)].escape_ascii());
    }
}

#[rustfmt::skip]
#[test]
fn theory_what_is_no_file_of_vectors_is_named_with_the_way_out() {
    let zip = zip(&[("archive/data.pkl", b"\x80\x02}q\x00.", Pack::Stored), ("archive/data/0", &[0; 16], Pack::Stored)]);
    let pickle = "is a Python pickle, which runs code when it is read; convert it with numpy.save";
    let pytorch = "is a PyTorch pickle, which runs code when it is read; convert it with safetensors.torch.save_file or, one tensor, with numpy.save";
    assert_told(&[
        ("pytorch_model.bin", &zip, pytorch),
        ("v.pt", &zip, pytorch),
        ("v.pkl", b"\x80\x04\x95\x10\x00\x00", pickle),
        ("v.npy", b"\x80\x05\x95\x10\x00\x00", pickle),
        ("v.gguf", b"GGUF\x03\x00\x00\x00", "is a GGUF model, whose numbers are quantized; convert it to .safetensors"),
        ("v.parquet", b"PAR1\x15\x04", "is a Parquet table; convert it with pandas: numpy.save(\"v.npy\", table.to_numpy())"),
        ("v.h5", b"\x89HDF\r\n\x1a\n\x00", "is an HDF5 file; convert it with h5py: numpy.save(\"v.npy\", file[name][:])"),
        ("v.bin", b"\xba\x16\x4f\x2f\x0c\x00\x00\x00", "is a fastText model; use its vectors as text, the .vec file beside it"),
        ("v.txt.gz", b"\x1f\x8b\x08\x00", "is packed by gzip; unpack it first"),
        ("v.zst", b"\x28\xb5\x2f\xfd\x00", "is packed by zstd; unpack it first"),
        ("v.bz2", b"BZh91AY", "is packed by bzip2; unpack it first"),
        ("v.arrow", b"ARROW1\x00\x00", "is an Arrow table; convert it with pandas: numpy.save(\"v.npy\", table.to_numpy())"),
        ("v", b"", "has no sign of its format in its content or its ending; give format as one of npy, npz, safetensors, text, word2vec, csv and tsv"),
        ("v.dat", &[0; 4096], "has no sign of its format in its content or its ending; give format as one of npy, npz, safetensors, text, word2vec, csv and tsv"),
    ]);
}

#[rustfmt::skip]
#[test]
fn theory_text_is_refused_at_its_line() {
    let many = "1 ".repeat(3 << 20);
    let words = "x".repeat(5 << 20);
    let empty = [b"a 1 2".as_slice(), &[b'\n'; 5 << 20]].concat();
    assert_told(&[
        ("v.vec", b"", "has no vectors"),
        ("v.vec", b"\n  \n", "has no vectors"),
        ("v.vec", b"a 1 2\nb 3\nc 4 5\n", "line 2 has 1 numbers, but 2 are needed as in the first line"),
        ("v.vec", b"a 1 2\nb 3 4 5\n", "line 2 has 3 numbers, but 2 are needed as in the first line"),
        ("v.vec", b"a 1 2\nb 3 x\n", r#"line 2 has "x" where the number of column 1 is needed"#),
        ("v.vec", b"a 1 2\nb 3 nan\n", "row 1, column 1 (from 0; line 2) is NaN; every value must be finite, or drop = [\"nonfinite\"] leaves such concepts out"),
        ("v.vec", b"a 1 2\nb -1e39 4\n", "row 1, column 0 (from 0; line 2) is -1e39; as 32-bit floats, values reach 3.4e38, and drop = [\"nonfinite\"] leaves such concepts out"),
        ("v.vec", b"a 1 2\n\nb 0 -0\n", "row 1 (from 0; line 3) is zero in 32-bit floats; a zero vector has no direction, and drop = [\"zero\"] leaves such concepts out"),
        ("v.vec", b"a 1 2\nb 1e-20 0\n", "row 1 (from 0; line 2) has norm 1.000e-20; allowed are 1e-12 to 1e12, where dot products of 32-bit floats neither vanish nor overflow"),
        ("v.vec", b"only\nwords\n", r#"line 1 has "only" where the number of the last column is needed"#),
        ("v.vec", b"7 1 2\n8 3 4\n", r#"line 1 begins with "7", which may be a word or a number; give the file a first line of n and d, as word2vec writes it"#),
        ("v.vec", b"2 2\na 1 2\n", "ends after 1 of the 2 rows that its first line promises"),
        ("v.vec", b"2 2\na 1 2\nb 3 4\nc 5 6\n", "goes on at line 4 after the 2 rows that its first line promises"),
        ("v.vec", b"2 3\na 1 2\nb 3 4\n", "line 2 has 2 numbers, but 3 are needed as line 1 says"),
        ("v.vec", b"0 3\n", "has shape (0, 3); at least one row and one column are needed"),
        ("v.vec", b"4000000000 300\na 1 2\n", "is truncated: shape (4000000000, 300) needs 2399999999999 bytes of data after the header, found 7"),
        ("v.vec", b"9223372036854775807 300\na 1 2\n", "has shape (9223372036854775807, 300), which no file can hold"),
        ("v.vec", b"a 1 2\nb \x00 4\n", "is not text: line 2 has a byte 0"),
        ("v.vec", many.as_bytes(), "line 1 is longer than 2097152 bytes; none that is right can be"),
        ("v.txt", words.as_bytes(), "line 1 is longer than 2097152 bytes; none that is right can be"),
        ("v.vec", &[0; 1 << 16], "is not text: line 1 has a byte 0"),
        ("v.vec", b"a 1 1e400\n", "row 0, column 1 (from 0; line 1) is 1.8e308 or more; as 32-bit floats, values reach 3.4e38, and drop = [\"nonfinite\"] leaves such concepts out"),
        ("v.vec", b"a 1 2\nb 3 -inf\n", "row 1, column 1 (from 0; line 2) is -inf; every value must be finite, or drop = [\"nonfinite\"] leaves such concepts out"),
        ("v.vec", &empty, "has nothing but empty lines in the 2097152 bytes from line 2 on; no file that is right has so many"),
    ]);
}

#[rustfmt::skip]
#[test]
fn theory_binary_words_are_refused_at_their_byte() {
    let entry = |word: &str, values: [f32; 2]| [word.as_bytes(), b" ", &values[0].to_le_bytes(), &values[1].to_le_bytes()].concat();
    let file = |head: &str, entries: &[Vec<u8>]| [head.as_bytes(), &entries.concat()].concat();
    let (a, b) = (entry("a", [1.0, 2.0]), entry("b", [3.0, 4.0]));
    let long = entry(&"x".repeat(5000), [1.0, 2.0]);
    let binary = File { format: Some(Format::Word2vec), ..File::new("v.bin") };
    for (content, says) in [
        (file("2 2\n", &[a.clone(), b"b".to_vec(), vec![b'c'; 8]]), "ends after 1 of the 2 rows that its first line promises"),
        (file("2 2\n", &[a.clone(), b[..9].to_vec()]), "ends after 1 of the 2 rows that its first line promises"),
        (file("1 2\n", &[a.clone(), b.clone()]), "goes on at byte 14 after the 1 rows that its first line promises"),
        (file("3 2\n", &[a.clone(), b.clone()]), "is truncated: shape (3, 2) needs 27 bytes of data after the header, found 20"),
        (file("1 4000000000\n", std::slice::from_ref(&a)), "is truncated: shape (1, 4000000000) needs 16000000001 bytes of data after the header, found 10"),
        (file("4611686018427387904 4\n", std::slice::from_ref(&a)), "has shape (4611686018427387904, 4), which no file can hold"),
        (file("2 0\n", std::slice::from_ref(&a)), "has shape (2, 0); at least one row and one column are needed"),
        (file("2 2\n", &[a.clone(), entry("b", [f32::NAN, 1.0])]), "row 1, column 0 (from 0; byte 16) is NaN; every value must be finite, or drop = [\"nonfinite\"] leaves such concepts out"),
        (file("2 2\n", &[a.clone(), entry("b", [0.0, 0.0])]), "row 1 (from 0; byte 16) is zero in 32-bit floats; a zero vector has no direction, and drop = [\"zero\"] leaves such concepts out"),
        (file("2 2\n", &[a.clone(), long]), "has a word of more than 4096 bytes at byte 14; none of it can be trusted"),
        (a, "has no first line of n and d, with which the binary form of word2vec begins; none of it can be trusted"),
        (vec![0; 100], "has no first line of n and d, with which the binary form of word2vec begins; none of it can be trusted"),
    ] {
        assert_eq!(told_of(&binary, &content), says);
    }
}

#[rustfmt::skip]
#[test]
fn theory_tables_are_refused_at_their_line_and_column() {
    let open = [b"a,1\n\"".as_slice(), &[b'x'; 5 << 20]].concat();
    let empty = [b"1,2\n".as_slice(), &[b'\n'; 5 << 20]].concat();
    let long = ["1,".repeat(3 << 20).as_bytes(), b"1\n"].concat();
    assert_told(&[
        ("v.csv", b"", "has no vectors"),
        ("v.csv", b"word,x,y\n", "has no vectors"),
        ("v.csv", b"a\nb\n", "has no vectors"),
        ("v.csv", b"1,2\n3\n", "line 2 has 1 cells, but 2 are needed as in line 1"),
        ("v.csv", b"1,2\n3,4,5\n", "line 2 has 3 cells, but 2 are needed as in line 1"),
        ("v.csv", b"1,2\n3,x\n", r#"line 2 has "x" where the number of column 1 is needed"#),
        ("v.csv", b"1,2\n3,\n", r#"line 2 has "" where the number of column 1 is needed"#),
        ("v.csv", b",1.5,2\n3,4,5\n", r#"line 1 has "" where the number of column 0 is needed"#),
        ("v.csv", b"x,y\n,2\n3,4\n", r#"line 2 has "" where the number of column "x" is needed; if it holds the names, name_column = "x""#),
        ("v.csv", b"a,1,2\nb,3,x\n", r#"line 2 has "x" where the number of column 1 is needed"#),
        ("v.csv", b"word,x,y\na,1,2\nb,3,?\n", r#"line 3 has "?" where the number of column "y" is needed"#),
        ("v.csv", b"x,y,word\n1,2,a\n", r#"line 2 has "a" where the number of column "word" is needed; if it holds the names, name_column = "word""#),
        ("v.csv", b"0,1\n1,0\n", r#"line 1 ("0, 1") may be headings or a row; give the columns headings that are no numbers"#),
        ("v.csv", b"w,0,1,2,3\na,1,0,2,5\n", r#"line 1 ("w, 0, 1, 2", …) may be headings or a row; give the columns headings that are no numbers"#),
        ("v.csv", b"1,2\n0,0\n", "row 1 (from 0; line 2) is zero in 32-bit floats; a zero vector has no direction, and drop = [\"zero\"] leaves such concepts out"),
        ("v.csv", b"x,y\n1,2\n3,inf\n", "row 1, column 1 (from 0; line 3) is inf; every value must be finite, or drop = [\"nonfinite\"] leaves such concepts out"),
        ("v.csv", b"x;y\n1;2\n3;4\n", "line 1 has 1 semicolon and no comma; cells must be separated by commas"),
        ("v.csv", b"1;2;3\n4;5;6\n", "line 1 has 2 semicolons and no comma; cells must be separated by commas"),
        ("v.csv", b"1\t2\n3\t4\n", "line 1 has 1 tab and no comma; cells must be separated by commas"),
        ("v.tsv", b"1,2\n3,4\n", "line 1 has 1 comma and no tab; cells must be separated by tabs"),
        ("v.csv", b"1,5;2,5\n3,5;4,5\n", r#"line 1 has "5;2" where the number of column 1 is needed; cells are separated by commas, not by semicolons"#),
        ("v.tsv", b"1,5\t2,5\n3,5\t4,5\n", r#"line 1 has "2,5" where the number of column 0 is needed; a number has a decimal point, not a comma"#),
        ("v.csv", "1,\u{2212}2\n3,4\n".as_bytes(), "line 1 has \"\u{2212}2\" where the number of column 1 is needed; its minus is U+2212, and that of a number is the hyphen -"),
        ("v.csv", "\u{2212}1,2\n3,4\n".as_bytes(), "line 1 has \"\u{2212}1\" where the number of column 0 is needed; its minus is U+2212, and that of a number is the hyphen -"),
        ("v.csv", "x,y\n1,2\n3,\u{2212}0.5\n".as_bytes(), "line 3 has \"\u{2212}0.5\" where the number of column \"y\" is needed; its minus is U+2212, and that of a number is the hyphen -"),
        ("v.csv", b"cat,0.5,0.1\ndog,NA,0.3\n", r#"line 2 has "NA" where the number of column 0 is needed"#),
        ("v.csv", b"cat,NA,0.1\ndog,0.5,0.3\n", r#"line 1 has "NA" where the number of column 0 is needed"#),
        ("v.csv", b"0.5,,0.1\n0.2,0.5,0.3\n", r#"line 1 has "" where the number of column 1 is needed"#),
        ("v.vec", "cat 1 \u{2212}2 3\ndog 4 5 6\n".as_bytes(), "line 1 has \"\u{2212}2\" where the number of field 3 is needed; its minus is U+2212, and that of a number is the hyphen -"),
        ("v.vec", "cat 1 2 3\ndog 4 \u{2212}5 6\n".as_bytes(), "line 2 has \"\u{2212}5\" where the number of column 1 is needed; its minus is U+2212, and that of a number is the hyphen -"),
        ("v.csv", b"1,2\n3,\x00\n", "is not text: line 2 has a byte 0"),
        ("v.csv", &open, "line 2 opens a quote that nothing closes"),
        ("v.csv", b"\"x,y\n1,2\n3,4\n", "line 1 opens a quote that nothing closes"),
        ("v.csv", b"x,y\n\"1,2\n3,4\n5,6\n", "line 2 opens a quote that nothing closes"),
        ("v.csv", b"x,y\n1,2\n3,\"4", "line 3 opens a quote that nothing closes"),
        ("v.csv", b"w,x,y\n\"cat\nand\ndog\",1,2\nsun,\"3\n,4\n", "line 5 opens a quote that nothing closes"),
        ("v.csv", b"w,x,y\n\"cat,1,2\n\"dog\",3,4\n", "line 2 opens a quote that line 3 closes inside a cell; a quote must be closed at the end of its cell"),
        ("v.csv", b"1,2\n3,1e400\n", "row 1, column 1 (from 0; line 2) is 1.8e308 or more; as 32-bit floats, values reach 3.4e38, and drop = [\"nonfinite\"] leaves such concepts out"),
        ("v.csv", b"1,2\n-1e999,4\n", "row 1, column 0 (from 0; line 2) is -1.8e308 or less; as 32-bit floats, values reach 3.4e38, and drop = [\"nonfinite\"] leaves such concepts out"),
        ("v.csv", &empty, "has nothing but empty lines in the 2097152 bytes from line 2 on; no file that is right has so many"),
        ("v.csv", &long, "line 1 is longer than 2097152 bytes; none that is right can be"),
        ("v.tsv", b"1\t2\n3\n", "line 2 has 1 cells, but 2 are needed as in line 1"),
    ]);
    let named = File { name_column: Some("wrod".to_owned()), ..File::new("v.csv") };
    assert_eq!(told_of(&named, b"x,y,word\n1,2,a\n"), r#"has no column "wrod"; it has "word", "x", "y""#);
}

/// A .safetensors file of this header, with so many bytes of ones behind it.
fn safetensors(header: &str, n_bytes: usize) -> Vec<u8> {
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.extend(1.0_f32.to_le_bytes().iter().cycle().take(n_bytes));
    file
}

#[rustfmt::skip]
#[test]
fn theory_a_header_of_tensors_that_lies_is_refused() {
    let f32s = |name: &str, shape: &str, begin: u64, end: u64| format!(r#""{name}":{{"dtype":"F32","shape":{shape},"data_offsets":[{begin},{end}]}}"#);
    let of = |tensors: &[String]| format!("{{{}}}", tensors.join(","));
    let a = f32s("a", "[2,2]", 0, 16);
    let trust = "none of it can be trusted";
    for (header, n_bytes, says) in [
        (of(&[f32s("a", "[2,2]", 0, 20)]), 20, format!("tensor \"a\": has shape (2, 2) of F32, which takes 16 bytes, but 20 are its own; {trust}")),
        (of(&[f32s("a", "[3000000000,2]", 0, 16)]), 16, format!("tensor \"a\": has shape (3000000000, 2) of F32, which takes 24000000000 bytes, but 16 are its own; {trust}")),
        (of(&[f32s("a", "[18446744073709551615,2]", 0, 16)]), 16, format!("tensor \"a\": has shape (18446744073709551615, 2) of F32, which takes more bytes than a file can hold, but 16 are its own; {trust}")),
        (of(&[f32s("a", "[2,2]", 16, 0)]), 16, format!("tensor \"a\": has bytes 16 to 0 of its own, but the file has 16 after the header; {trust}")),
        (of(std::slice::from_ref(&a)), 12, format!("tensor \"a\": has bytes 0 to 16 of its own, but the file has 12 after the header; {trust}")),
        (of(std::slice::from_ref(&a)), 20, format!("has bytes 16 to 20 after the header that no tensor owns; {trust}")),
        (of(&[f32s("a", "[2,2]", 4, 20)]), 20, format!("has bytes 0 to 4 after the header that no tensor owns; {trust}")),
        (of(&[a.clone(), f32s("b", "[2,2]", 20, 36)]), 36, format!("has bytes 16 to 20 after the header that no tensor owns; {trust}")),
        (of(&[a.clone(), f32s("b", "[2,2]", 8, 24)]), 24, format!("tensor \"b\": has bytes that are also those of \"a\"; {trust}")),
        (of(&[a.clone(), a.clone()]), 16, format!("has the tensor \"a\" twice in its header; {trust}")),
        (of(&[f32s("a", "[16]", 0, 64)]), 64, "holds no matrix of floats; it has \"a\" (F32 16)".to_owned()),
        (of(&[f32s("a", "[0,4]", 0, 0)]), 0, "tensor \"a\": has shape (0, 4); at least one row and one column are needed".to_owned()),
        ("{}".to_owned(), 0, "holds no matrix of floats; it has none".to_owned()),
        (of(&[r#""ids":{"dtype":"I64","shape":[1,2],"data_offsets":[0,16]}"#.to_owned()]), 16, "holds no matrix of floats; it has \"ids\" (I64 1 × 2)".to_owned()),
        (of(&[r#""a":{"dtype":"F32","shape":[2,2]}"#.to_owned()]), 16, "the header is no JSON of the kind that is needed: missing field `data_offsets` at line 1 column 34".to_owned()),
        (of(&[f32s("a", "[-2,2]", 0, 16)]), 16, "the header is no JSON of the kind that is needed: invalid value: integer `-2`, expected u64 at line 1 column 31".to_owned()),
        (of(&[f32s("a", &format!("[{}1]", "1,".repeat(64)), 0, 4)]), 4, "the header is no JSON of the kind that is needed: invalid length 65, expected a list of at most 64 whole numbers at line 1 column 159".to_owned()),
        ("[]".to_owned(), 0, "the header is no JSON of the kind that is needed: invalid type: sequence, expected a table of tensors at line 1 column 0".to_owned()),
        (format!("{{{}", a), 16, "the header is no JSON of the kind that is needed: EOF while parsing an object at line 1 column 56".to_owned()),
        (format!("{}{}", "{\"a\":".repeat(5000), "}".repeat(5000)), 0, "the header is no JSON of the kind that is needed: unknown field `a`, expected one of `dtype`, `shape`, `data_offsets` at line 1 column 9".to_owned()),
    ] {
        assert_eq!(told("m.safetensors", &safetensors(&header, n_bytes)), says, "{}", &header[..header.len().min(200)]);
    }
    let ids = of(&[r#""ids":{"dtype":"I64","shape":[1,2],"data_offsets":[0,16]}"#.to_owned()]);
    let asked = |name: &str| File { tensor: Some(name.to_owned()), ..File::new("m.safetensors") };
    assert_eq!(told_of(&asked("ids"), &safetensors(&ids, 16)), "tensor \"ids\": holds values of dtype I64; allowed are F16, BF16, F32 and F64");
    let vector = of(&[f32s("bias", "[4]", 0, 16)]);
    assert_eq!(told_of(&asked("bias"), &safetensors(&vector, 16)), "tensor \"bias\": has shape (4,); a matrix with one row per concept is needed, (rows, columns)");
    let mut torn = safetensors(&of(&[a]), 16);
    let at = torn.len() - 4;
    torn[at..].copy_from_slice(&f32::INFINITY.to_le_bytes());
    assert_eq!(told_of(&asked("a"), &torn), format!("tensor \"a\": row 1, column 1 (from 0; byte {at}) is inf; every value must be finite, or drop = [\"nonfinite\"] leaves such concepts out"));

    assert_told(&[
        ("m.safetensors", b"", "ends after 0 bytes, but its header needs at least 8"),
        ("m.safetensors", &[0; 4], "ends after 4 bytes, but its header needs at least 8"),
        ("m.safetensors", &[0; 64], "the header is no JSON of the kind that is needed: EOF while parsing a value at line 1 column 0"),
        ("m.safetensors", b"\x10\x00\x00\x00\x00\x00\x00\x00{}", "ends after 10 bytes, but its header needs at least 24"),
        ("m.safetensors", b"\xff\xff\xff\xff\xff\xff\xff\x7f{}", "says that its header has 9223372036854775807 bytes; allowed are at most 16777216"),
    ]);
}

#[test]
fn theory_a_tensor_that_is_not_there_is_answered_with_those_that_are() {
    let tensor = |k: usize, name: &str| {
        format!(r#""{name}":{{"dtype":"F32","shape":[1,1],"data_offsets":[{},{}]}}"#, 4 * k, 4 * k + 4)
    };
    let layers: Vec<String> = (0..30).map(|k| tensor(k, &format!("encoder.layer.{k}.weight"))).collect();
    let words = tensor(30, "embeddings.word_embeddings.weight");
    let content = safetensors(&format!("{{{},{words}}}", layers.join(",")), 31 * 4);
    let asked = |name: &str| {
        let file = File { tensor: Some(name.to_owned()), ..File::new("m.safetensors") };
        told_of(&file, &content)
    };
    let says = asked("word_embeddings");
    let begins = "has no tensor \"word_embeddings\"; it has \"embeddings.word_embeddings.weight\" (F32 1 × 1), ";
    assert!(says.starts_with(begins) && says.ends_with(" and 11 more"), "{says}");
    assert_eq!(says.matches("(F32 1 × 1)").count(), 20);
    let begins = "has no tensor \"encoder.layer.7.wieght\"; it has \"encoder.layer.7.weight\" (F32 1 × 1), ";
    assert!(asked("encoder.layer.7.wieght").starts_with(begins), "{}", asked("encoder.layer.7.wieght"));

    // Without a name, the largest come first.
    let two = r#"{"b":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"a":{"dtype":"BF16","shape":[4,2],"data_offsets":[8,24]}}"#;
    assert_eq!(
        told("m.safetensors", &safetensors(two, 24)),
        "holds 2 matrices, so tensor must name one: \"a\" (BF16 4 × 2), \"b\" (F32 1 × 2)"
    );
}

#[rustfmt::skip]
#[test]
fn theory_an_index_leads_to_no_other_folder() {
    let index = |file: &str| format!(r#"{{"metadata":{{}},"weight_map":{{"w":"{file}"}}}}"#);
    let secret = |file: &str| format!(
        "tensor \"w\": has its numbers in {}, which is not the name of a .safetensors file in the same folder; none of it can be trusted",
        format_args!("\"{file}\""),
    );
    for file in ["../../etc/secret.safetensors", "/etc/secret.safetensors", "a/b.safetensors", "..", "C:secret.safetensors", "model.bin", ".hidden.safetensors", ""] {
        assert_eq!(told("m.safetensors.index.json", index(file).as_bytes()), secret(file));
    }
    assert_eq!(told("m.safetensors.index.json", index("..\\\\x.safetensors").as_bytes()), secret("..\\\\x.safetensors"));
    assert_told(&[
        ("m.index.json", b"{}", "the index is no JSON of the kind that is needed: missing field `weight_map` at line 1 column 2"),
        ("m.index.json", b"", "the index is no JSON of the kind that is needed: EOF while parsing a value at line 1 column 0"),
        ("m.index.json", br#"{"weight_map":{"w":3}}"#, "the index is no JSON of the kind that is needed: invalid type: integer `3`, expected a string at line 1 column 20"),
        ("m.index.json", br#"{"weight_map":{"w":"a.safetensors","w":"b.safetensors"}}"#, "holds 2 matrices, so tensor must name one: \"w\", \"w\""),
        ("m.index.json", br#"{"weight_map":{}}"#, "holds no matrix of floats; it has none"),
    ]);
    let twice = File { tensor: Some("w".to_owned()), ..File::new("m.index.json") };
    assert_eq!(
        told_of(&twice, br#"{"weight_map":{"w":"a.safetensors","w":"b.safetensors"}}"#),
        "has the tensor \"w\" twice in its index; none of it can be trusted"
    );

    // A shard that is not there, and one that has not what the index says.
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    fs::write(at("m.index.json"), index("x.safetensors")).expect("a file");
    let file = File::new(at("m.index.json"));
    let tell = || file.read().expect_err("this must be refused").to_string().replace(&format!("{}/", folder.path().display()), "");
    assert_eq!(tell(), "x.safetensors: no such file");
    fs::write(at("x.safetensors"), safetensors(r#"{"v":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}}"#, 4)).expect("a file");
    assert_eq!(tell(), "x.safetensors: has no tensor \"w\"; it has \"v\" (F32 1 × 1)");
}

#[test]
fn regress_the_name_of_a_tensor_is_told_whole_so_that_it_can_be_typed() {
    let long = "encoder.layer.0.attention.self.query.weight.and.more.of.it";
    let file = safetensors(
        &format!(
            r#"{{"{long}":{{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}},"b":{{"dtype":"F32","shape":[1,1],"data_offsets":[4,8]}}}}"#
        ),
        8,
    );
    let says = format!("holds 2 matrices, so tensor must name one: \"{long}\" (F32 1 × 1), \"b\" (F32 1 × 1)");
    assert_eq!(told("v.safetensors", &file), says);
}

/// How a member of a test's archive is packed.
#[derive(Clone, Copy, PartialEq)]
enum Pack {
    Stored,
    Deflated,
    /// Stored, under the number of a method that it is not.
    As(u16),
}

/// A zip archive as the specification (APPNOTE.TXT of PKWARE) has it.
fn zip(members: &[(&str, &[u8], Pack)]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, content, pack) in members {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let (method, packed) = match pack {
            Pack::Stored => (0, content.to_vec()),
            Pack::As(method) => (*method, content.to_vec()),
            Pack::Deflated => {
                let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(content).expect("packed");
                (8, encoder.finish().expect("packed"))
            }
        };
        let offset = file.len() as u32;
        let mut common = Vec::new();
        common.extend(20_u16.to_le_bytes());
        common.extend(0_u16.to_le_bytes());
        common.extend(method.to_le_bytes());
        common.extend([0; 4]);
        common.extend(crc.sum().to_le_bytes());
        common.extend((packed.len() as u32).to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend(0_u16.to_le_bytes());
        file.extend(b"PK\x03\x04");
        file.extend(&common);
        file.extend(name.as_bytes());
        file.extend(&packed);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let begin = file.len() as u32;
    file.extend(&directory);
    file.extend(b"PK\x05\x06\x00\x00\x00\x00");
    file.extend((members.len() as u16).to_le_bytes().repeat(2));
    file.extend((directory.len() as u32).to_le_bytes());
    file.extend(begin.to_le_bytes());
    file.extend([0; 2]);
    file
}

/// A .npy file of shape (n, 2), all values 1.
fn npy(n: usize) -> Vec<u8> {
    let dict = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({n}, 2), }}");
    let mut file = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    file.extend(dict.bytes());
    file.resize(127, b' ');
    file.push(b'\n');
    file.extend(1.0_f32.to_le_bytes().repeat(2 * n));
    file
}

/// The same with zeros.
fn zeros_of(n: usize) -> Vec<u8> {
    let (mut file, head) = (npy(n), npy(0).len());
    file[head..].fill(0);
    file
}

/// In packed arrays, in Fortran order, and in both: what is zero or not finite is told as everywhere, with its place where it has one.
#[test]
fn theory_a_vector_without_direction_is_found_however_it_lies() {
    let fortran = |content: &[u8]| {
        let text = content.iter().map(|&byte| byte as char).collect::<String>().replace("False", "True ");
        text.chars().map(|c| c as u8).collect::<Vec<u8>>()
    };
    let packed = |content: &[u8]| zip(&[("a.npy", content, Pack::Deflated)]);
    let with = |value: f32, at: usize| {
        let (mut file, head) = (npy(4), npy(0).len());
        file[head + 4 * at..][..4].copy_from_slice(&value.to_le_bytes());
        file
    };
    let zero =
        "is zero in 32-bit floats; a zero vector has no direction, and drop = [\"zero\"] leaves such concepts out";
    let finite = "every value must be finite, or drop = [\"nonfinite\"] leaves such concepts out";
    for (name, content, says) in [
        ("v.npy", zeros_of(4), format!("row 0 (from 0; byte 128) {zero}")),
        ("v.npy", fortran(&zeros_of(4)), format!("row 0 (from 0) {zero}")),
        ("v.npz", packed(&zeros_of(4)), format!("tensor \"a\": row 0 (from 0; byte 128 when unpacked) {zero}")),
        ("v.npz", packed(&fortran(&zeros_of(4))), format!("tensor \"a\": row 0 (from 0) {zero}")),
        // Number 5 of the file is the second of row 2, or the second of column 1.
        ("v.npy", with(f32::NAN, 5), format!("row 2, column 1 (from 0; byte 148) is NaN; {finite}")),
        ("v.npy", fortran(&with(f32::NAN, 5)), format!("row 1, column 1 (from 0; byte 148) is NaN; {finite}")),
        (
            "v.npz",
            packed(&with(f32::NAN, 5)),
            format!("tensor \"a\": row 2, column 1 (from 0; byte 148 when unpacked) is NaN; {finite}"),
        ),
        (
            "v.npz",
            packed(&fortran(&with(f32::NAN, 5))),
            format!("tensor \"a\": row 1, column 1 (from 0; byte 148 when unpacked) is NaN; {finite}"),
        ),
    ] {
        assert_eq!(told(name, &content), says, "{name}");
    }
    let drop = vec![Dropped::Zero];
    for (name, content) in [
        ("v.npy", zeros_of(4)),
        ("v.npy", fortran(&zeros_of(4))),
        ("v.npz", packed(&zeros_of(4))),
        ("v.npz", packed(&fortran(&zeros_of(4)))),
    ] {
        for (transpose, n) in [(false, 4), (true, 2)] {
            let file = File { transpose, drop: drop.clone(), ..File::new(name) };
            let of = if name == "v.npz" { "tensor \"a\": " } else { "" };
            assert_eq!(told_of(&file, &content), format!("{of}has no concept left: {n} are zero and 0 are not finite"));
        }
    }
}

/// The archive with the bytes after a mark replaced; `skip` bytes lie between.
fn patched(mut archive: Vec<u8>, mark: &[u8], skip: usize, bytes: &[u8]) -> Vec<u8> {
    let at = archive.windows(mark.len()).position(|window| window == mark).expect("the mark") + mark.len() + skip;
    archive[at..at + bytes.len()].copy_from_slice(bytes);
    archive
}

#[rustfmt::skip]
#[test]
fn theory_an_archive_that_lies_is_refused() {
    let trust = "none of it can be trusted";
    let v = npy(2);
    let stored = || zip(&[("a.npy", &v, Pack::Stored)]);
    let deflated = || zip(&[("a.npy", &v, Pack::Deflated)]);
    assert_eq!(v.len(), 144);
    let n_packed = deflated().windows(4).position(|bytes| bytes == b"PK\x01\x02").expect("a directory") - 35;
    // In the directory: 20 bytes to the packed size, 24 to the unpacked one, 42 to the place.
    let directory = b"PK\x01\x02".as_slice();
    let bomb = patched(deflated(), directory, 20, &(1_u32 << 30).to_le_bytes());
    let torn_stored = patched(stored(), b"(2, 2), }", 70, &[7]);
    let both = zip(&[("a.npy", &v, Pack::Stored), ("b.npy", &v, Pack::Stored)]);
    let second = both.windows(4).rposition(|bytes| bytes == directory).expect("two");
    let mut over = both.clone();
    over[second + 42..second + 46].copy_from_slice(&0_u32.to_le_bytes());
    let link = zip(&[("a.npy", b"../../etc/passwd", Pack::Stored)]);
    let outside = zip(&[("../../a.npy", &npy(3), Pack::Deflated)]);
    for (content, says) in [
        (bomb, format!("tensor \"a.npy\": has {n_packed} bytes that unpack to 1073741824; {trust}")),
        (patched(stored(), directory, 16, &9_u32.to_le_bytes()), format!("tensor \"a.npy\": has 9 bytes that unpack to 144; {trust}")),
        (patched(deflated(), directory, 16, &9999_u32.to_le_bytes()), format!("tensor \"a.npy\": has bytes 35 to 10034 of its own, but the file has {}; {trust}", deflated().len())),
        (patched(deflated(), directory, 20, &143_u32.to_le_bytes()), "tensor \"a\": is truncated: shape (2, 2) needs 16 bytes of data after the header, found 15".to_owned()),
        (patched(deflated(), directory, 12, &[0; 4]), format!("tensor \"a\": has the checksum {}, but its directory says 00000000: its bytes are damaged; {trust}", crc(&v))),
        (torn_stored, format!("tensor \"a\": has the checksum {}, but its directory says {}: its bytes are damaged; {trust}", "????????", crc(&v))),
        (patched(deflated(), b"a.npy", 0, &[0xff; 4]), "tensor \"a\": is a damaged zip archive: its packed bytes cannot be unpacked".to_owned()),
        (patched(stored(), directory, 38, &77_u32.to_le_bytes()), "tensor \"a.npy\": is a damaged zip archive: invalid signature: expected 0x04034b50, got 0x????????".to_owned()),
        (over, format!("tensor \"b.npy\": has bytes that are also those of \"a.npy\"; {trust}")),
        (zip(&[("a.npy", &v, Pack::Stored), ("a.npy", &v, Pack::Stored)]), format!("has the array \"a.npy\" twice in its directory; {trust}")),
        (zip(&[("a.npy", &v, Pack::As(14))]), format!("tensor \"a.npy\": has a member packed by method 14; allowed are 0 (stored) and 8 (deflate); {trust}")),
        (patched(stored(), directory, 4, &[1]), format!("tensor \"a.npy\": has an encrypted member, which cannot be read; {trust}")),
        (link, "tensor \"a\": is not a .npy file: it begins with \"../../\", not with \"\\x93NUMPY\"".to_owned()),
        (stored()[..100].to_vec(), "is a damaged zip archive: missing end of central directory".to_owned()),
        (zip(&[(&"x".repeat(5000), &v, Pack::Stored)]), format!("has a member with a name of more than 4096 bytes; {trust}")),
        (zip(&[]), "holds no matrix of floats; it has none".to_owned()),
        (zip(&[("readme.txt", b"words", Pack::Stored)]), "holds no matrix of floats; it has none".to_owned()),
        (both, "holds 2 matrices, so tensor must name one: \"a\" (<f4 2 × 2), \"b\" (<f4 2 × 2)".to_owned()),
    ] {
        let found = told("v.npz", &content);
        // What of a torn file is shown is not ours to say.
        let is_same = found.len() == says.len() && found.bytes().zip(says.bytes()).all(|(a, b)| a == b || b == b'?');
        assert!(is_same, "\n{found}\n{says}");
    }
    // A name that climbs is a name: nothing is unpacked to a path.
    assert_eq!(File::new("v.npz").read_bytes(&outside).expect("a matrix").embedding.n_concepts(), 3);
    let asked = File { tensor: Some("vectors".to_owned()), ..File::new("v.npz") };
    assert_eq!(told_of(&asked, &stored()), "has no tensor \"vectors\"; it has \"a\"");
}

fn crc(content: &[u8]) -> String {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    format!("{:08x}", crc.sum())
}

#[rustfmt::skip]
#[test]
fn theory_what_is_asked_must_be_there() {
    let rows = |from, to| Some(Rows { from, to, step: Count::new(1).expect("a count") });
    let npy = npy(4);
    let csv = b"x,y\n1,2\n3,4\n".as_slice();
    let file = |name: &str| File::new(name);
    for (file, content, says) in [
        (File { tensor: Some("a".into()), ..file("v.npy") }, &*npy, "holds one matrix without a name; leave tensor out"),
        (File { tensor: Some("a".into()), ..file("v.csv") }, csv, "holds one matrix without a name; leave tensor out"),
        (File { name_column: Some("a".into()), ..file("v.npy") }, &npy, "is no table with headings; leave name_column out"),
        (File { rows: rows(4, None), ..file("v.npy") }, &npy, "has 4 rows, but rows has from = 4"),
        (File { rows: rows(1, Some(5)), ..file("v.npy") }, &npy, "has 4 rows, but rows has from = 1 and to = 5"),
        (File { rows: rows(3, Some(3)), ..file("v.npy") }, &npy, "is asked for no row: rows has from = 3 and to = 3"),
        (File { rows: rows(9, Some(5)), ..file("v.csv") }, csv, "is asked for no row: rows has from = 9 and to = 5"),
        (File { rows: rows(2, None), transpose: true, ..file("v.npy") }, &npy, "has 2 columns, but rows has from = 2"),
        (File { rows: rows(0, Some(9)), ..file("v.csv") }, csv, "has 2 rows, but rows has from = 0 and to = 9"),
        (File { format: Some(Format::Npz), ..file("v.npy") }, &npy, "is a damaged zip archive: missing end of central directory"),
        (File { format: Some(Format::Npy), ..file("v.csv") }, csv, r#"is not a .npy file: it begins with "x,y\n1,", not with "\x93NUMPY""#),
    ] {
        assert_eq!(told_of(&file, content), says);
        assert_eq!(file.shape_of_bytes(content).expect_err("the size too").to_string(), format!("{}: {says}", file.path.display()));
    }
}

/// A person who typed flags reads of flags; in the second file of two, of those that are for it.
#[test]
fn theory_a_refusal_speaks_of_parameters_as_they_were_given() {
    let rows = |from, to| Some(Rows { from, to, step: Count::new(1).expect("a count") });
    let file = |name: &str| File::new(name);
    let two = zip(&[("a.npy", &npy(2), Pack::Stored), ("b.npy", &npy(2), Pack::Stored)]);
    let shape = "\"a\" (<f4 2 × 2), \"b\" (<f4 2 × 2)";
    let zero = "zero vector has no direction, and";
    for (file, content, scenario, flags, of_second) in [
        (file("v.npz"), &two[..], format!("holds 2 matrices, so tensor must name one: {shape}"), format!("holds 2 matrices, so --tensor must name one: {shape}"), Some(format!("holds 2 matrices, so --to-tensor must name one: {shape}"))),
        (File { tensor: Some("a".into()), ..file("v.npy") }, &npy(2), "holds one matrix without a name; leave tensor out".into(), "holds one matrix without a name; leave --tensor out".into(), Some("holds one matrix without a name; leave --to-tensor out".into())),
        (File { name_column: Some("a".into()), ..file("v.npy") }, &npy(2), "is no table with headings; leave name_column out".into(), "is no table with headings; leave --name-column out".into(), None),
        (File { rows: rows(1, Some(5)), ..file("v.npy") }, &npy(2), "has 2 rows, but rows has from = 1 and to = 5".into(), "has 2 rows, but --rows is 1:5".into(), Some("has 2 rows, but --to-rows is 1:5".into())),
        (File { rows: rows(4, None), ..file("v.npy") }, &npy(1), "has 1 row, but rows has from = 4".into(), "has 1 row, but --rows is 4:".into(), Some("has 1 row, but --to-rows is 4:".into())),
        (File { rows: rows(3, Some(3)), ..file("v.npy") }, &npy(2), "is asked for no row: rows has from = 3 and to = 3".into(), "is asked for no row: --rows is 3:3".into(), Some("is asked for no row: --to-rows is 3:3".into())),
        (file("v"), b"", "has no sign of its format in its content or its ending; give format as one of npy, npz, safetensors, text, word2vec, csv and tsv".into(), "has no sign of its format in its content or its ending; give --format as one of npy, npz, safetensors, text, word2vec, csv and tsv".into(), None),
        (file("v.csv"), b"x,y,w\n1,2,a\n", r#"line 2 has "a" where the number of column "w" is needed; if it holds the names, name_column = "w""#.into(), r#"line 2 has "a" where the number of column "w" is needed; if it holds the names, --name-column "w""#.into(), None),
        (file("v.csv"), b"1,2\n3,inf\n", "row 1, column 1 (from 0; line 2) is inf; every value must be finite, or drop = [\"nonfinite\"] leaves such concepts out".into(), "row 1, column 1 (from 0; line 2) is inf; every value must be finite, or --drop nonfinite leaves such concepts out".into(), None),
        (file("v.csv"), b"1,2\n3,1e39\n", "row 1, column 1 (from 0; line 2) is 1e39; as 32-bit floats, values reach 3.4e38, and drop = [\"nonfinite\"] leaves such concepts out".into(), "row 1, column 1 (from 0; line 2) is 1e39; as 32-bit floats, values reach 3.4e38, and --drop nonfinite leaves such concepts out".into(), None),
        (file("v.csv"), b"1,2\n0,0\n", format!("row 1 (from 0; line 2) is zero in 32-bit floats; a {zero} drop = [\"zero\"] leaves such concepts out"), format!("row 1 (from 0; line 2) is zero in 32-bit floats; a {zero} --drop zero leaves such concepts out"), None),
        (file("v.npz"), &zip(&[("a.npy", &zeros_of(2), Pack::Deflated)]), format!("tensor \"a\": row 0 (from 0; byte 128 when unpacked) is zero in 32-bit floats; a {zero} drop = [\"zero\"] leaves such concepts out"), format!("tensor \"a\": row 0 (from 0; byte 128 when unpacked) is zero in 32-bit floats; a {zero} --drop zero leaves such concepts out"), None),
    ] {
        let error = file.read_bytes(content).expect_err("this must be refused");
        let path = file.path.display();
        assert_eq!(error.to_string(), format!("{path}: {scenario}"));
        assert_eq!(format!("{error:#}"), format!("{path}: {flags}"));
        assert_eq!(format!("{error:+#}"), format!("{path}: {}", of_second.unwrap_or(flags)));
    }
}

/// Names that do not fit are told with their own file.
#[test]
fn theory_names_are_as_many_as_concepts() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let tell = |names: &[u8]| {
        fs::write(at("names.txt"), names).expect("a file");
        let file = File { names: Some(at("names.txt")), ..File::new(Path::new("v.npy")) };
        let told = file.read_bytes(&npy(3)).map(|vectors| vectors.names);
        told.map_err(|error| error.to_string().replace(&format!("{}/", folder.path().display()), ""))
    };
    let names = |words: &[&str]| Ok(Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()));
    assert_eq!(tell(b"a\nb\nc\n"), names(&["a", "b", "c"]));
    assert_eq!(tell(b"\xef\xbb\xbfa\r\n\r\nc"), names(&["a", "", "c"]));
    let few = "names.txt: has 2 names, but there are 3 concepts; one name a line is needed";
    assert_eq!(tell(b"a\nb\n"), Err(few.to_owned()));
    let many = "names.txt: has more than 3 names, but there are 3 concepts; one name a line is needed";
    assert_eq!(tell(b"a\nb\nc\nd\n"), Err(many.to_owned()));
    let long = "names.txt: line 2 is longer than 4096 bytes; none that is right can be";
    assert_eq!(tell(&[b"a\n".as_slice(), &[b'x'; 5000]].concat()), Err(long.to_owned()));
    assert_eq!(tell(b"a\n\x00\n"), Err("names.txt: is not text: line 2 has a byte 0".to_owned()));
    fs::remove_file(at("names.txt")).expect("it was there");
    let file = File { names: Some(at("names.txt")), ..File::new("v.npy") };
    let error = file.read_bytes(&npy(3)).expect_err("no names").to_string();
    assert!(error.ends_with("names.txt: no such file"), "{error}");
}

#[cfg(unix)]
#[test]
fn theory_what_is_no_regular_file_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let tell = |name: &str| {
        let error = File::new(at(name)).shape().expect_err("this must be refused").to_string();
        error.replace(&format!("{}/", folder.path().display()), "")
    };
    fs::create_dir(at("model")).expect("a folder");
    assert_eq!(tell("model"), "model: is a folder; a file of vectors is needed");
    fs::write(at("model/model.safetensors"), b"").expect("a file");
    assert_eq!(
        tell("model"),
        "model: is a folder; a file of vectors is needed; did you mean \"model/model.safetensors\"?"
    );
    assert_eq!(
        File::new("/dev/zero").read().expect_err("endless").to_string(),
        "/dev/zero: is a pipe, a socket or a device; a regular file is needed"
    );
    fs::write(at("words.vec"), b"a 1\n").expect("a file");
    assert_eq!(tell("word.vec"), "word.vec: no such file; did you mean \"words.vec\"?");
}
