//! Files of vectors as other programs write them: one matrix in every format, and what may be asked of it.
//!
//! tests/readers/make_readers.py has written them, with NumPy, safetensors, gensim and pandas.
// A test may compare with std's functions; a result may not come from them.
#![allow(clippy::disallowed_methods)]

mod experiment;

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use superpose::embedding::Size;
use superpose::embedding::file::{Dropped, File, Format, Rows, Vectors};
use superpose::quantity::Count;

const N: usize = 6;
const D: usize = 4;
const WORDS: [&str; N] = ["the", "cat", "New_York", "naïve", ",", "3.14"];

/// Row i, column j of the matrix that the script writes.
fn w(i: usize, j: usize) -> f32 {
    ((7 * i + 3 * j + 1) % 17) as f32 / 4.0 - 2.0
}

fn matrix() -> Vec<f32> {
    (0..N * D).map(|k| w(k / D, k % D)).collect()
}

fn fixture(name: &str) -> File {
    File::new(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/readers").join(name))
}

fn tensor(name: &str, tensor: &str) -> File {
    File { tensor: Some(tensor.to_owned()), ..fixture(name) }
}

/// What is read, after a look at whether its announced size is true.
fn read(file: &File) -> Vectors {
    let vectors = file.read().unwrap_or_else(|error| panic!("{error}"));
    let size = Size { n_concepts: vectors.embedding.n_concepts() as u64, d_model: vectors.embedding.d_model() as u64 };
    assert_eq!(file.shape().expect("a size"), size, "{file:?}");
    if let Some(names) = &vectors.names {
        assert_eq!(names.len(), vectors.embedding.n_concepts(), "{file:?}");
    }
    vectors
}

fn names(words: &[&str]) -> Option<Vec<String>> {
    Some(words.iter().map(|word| (*word).to_owned()).collect())
}

/// The message, the folder of the fixtures taken away.
fn refusal(file: &File) -> String {
    let text = file.read().expect_err("this must be refused").to_string();
    text.replace(&format!("{}/tests/readers/", env!("CARGO_MANIFEST_DIR")), "")
}

#[test]
fn golden_numbers_without_names_are_the_same_matrix_in_every_format() {
    let files = [
        fixture("f2.npy"),
        fixture("f4.npy"),
        fixture("f8_fortran_big.npy"),
        fixture("stored.npz"),
        tensor("stored.npz", "w"),
        tensor("packed.npz", "w"),
        tensor("packed.npz", "fortran"),
        tensor("model.safetensors", "f16"),
        tensor("model.safetensors", "bf16"),
        tensor("model.safetensors", "embeddings.f32"),
        tensor("model.safetensors", "f64"),
        tensor("model.safetensors.index.json", "f16"),
        tensor("model.safetensors.index.json", "embeddings.f32"),
        fixture("savetxt.txt"),
        fixture("bare.csv"),
    ];
    for file in files {
        let vectors = read(&file);
        assert_eq!(vectors.embedding.as_slice(), matrix(), "{file:?}");
        assert_eq!((vectors.embedding.n_concepts(), vectors.embedding.d_model()), (N, D), "{file:?}");
        assert_eq!((vectors.names, vectors.n_zero, vectors.n_nonfinite), (None, 0, 0), "{file:?}");
    }
}

#[test]
fn golden_words_keep_their_names() {
    for name in ["gensim.txt", "gensim.bin", "word2vec.bin", "fasttext.vec", "named.csv", "named.tsv"] {
        let vectors = read(&fixture(name));
        assert_eq!(vectors.embedding.as_slice(), matrix(), "{name}");
        assert_eq!(vectors.names, names(&WORDS), "{name}");
    }
    let glove = read(&fixture("glove.txt"));
    assert_eq!(glove.embedding.as_slice(), matrix());
    assert_eq!(glove.names, names(&[", . .", "cat", "New_York", "naïve", ",", "3.14"]));
    let numbered = read(&fixture("pandas.csv"));
    assert_eq!(numbered.embedding.as_slice(), matrix());
    assert_eq!(numbered.names, names(&["0", "1", "2", "3", "4", "5"]));
    let last = read(&File { name_column: Some("word".to_owned()), ..fixture("last.csv") });
    assert_eq!((last.embedding.as_slice(), last.names), (&*matrix(), names(&WORDS)));
}

/// Every format by its name, and the content without an ending to go by.
#[test]
fn law_a_format_is_told_by_content_or_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, tensor, format) in [
        ("f4.npy", None, Format::Npy),
        ("stored.npz", Some("w"), Format::Npz),
        ("model.safetensors", Some("f64"), Format::Safetensors),
        ("gensim.txt", None, Format::Text),
        ("glove.txt", None, Format::Text),
        ("fasttext.vec", None, Format::Text),
        ("savetxt.txt", None, Format::Text),
        ("gensim.bin", None, Format::Word2vec),
        ("word2vec.bin", None, Format::Word2vec),
        ("named.csv", None, Format::Csv),
        ("bare.csv", None, Format::Csv),
        ("pandas.csv", None, Format::Csv),
        ("named.tsv", None, Format::Tsv),
    ] {
        let bare = folder.path().join("vectors");
        fs::copy(fixture(name).path, &bare).expect("a copy");
        let file = File { tensor: tensor.map(str::to_owned), ..File::new(bare) };
        assert_eq!(read(&file).embedding.as_slice(), matrix(), "{name} by content");
        let file = File { format: Some(format), ..file };
        assert_eq!(read(&file).embedding.as_slice(), matrix(), "{name} by format");
    }
}

#[test]
fn law_rows_are_every_kth_of_a_range_in_every_format() {
    let rows = |from, to, step| Some(Rows { from, to, step: Count::new(step).expect("a count") });
    let files = [
        fixture("f4.npy"),
        fixture("f8_fortran_big.npy"),
        fixture("stored.npz"),
        tensor("packed.npz", "w"),
        tensor("packed.npz", "fortran"),
        tensor("model.safetensors.index.json", "embeddings.f32"),
        fixture("gensim.txt"),
        fixture("gensim.bin"),
        fixture("glove.txt"),
        fixture("named.csv"),
        fixture("bare.csv"),
    ];
    for file in &files {
        for (rows, wanted) in [
            (rows(0, None, 1), vec![0, 1, 2, 3, 4, 5]),
            (rows(2, None, 1), vec![2, 3, 4, 5]),
            (rows(0, Some(2), 1), vec![0, 1]),
            (rows(1, Some(6), 2), vec![1, 3, 5]),
            (rows(0, None, 4), vec![0, 4]),
            (rows(5, Some(6), 7), vec![5]),
        ] {
            let vectors = read(&File { rows, ..file.clone() });
            let expected: Vec<f32> = wanted.iter().flat_map(|&i| (0..D).map(move |j| w(i, j))).collect();
            assert_eq!(vectors.embedding.as_slice(), expected, "{file:?} {rows:?}");
            if let Some(names) = vectors.names {
                let last = *wanted.last().expect("some");
                assert_eq!(names.last().map(String::as_str), Some(WORDS[last]), "{file:?} {rows:?}");
            }
        }
    }
}

/// A file of which the beginning is wanted is not read to its end: what is torn behind it does not matter.
#[test]
fn law_what_is_behind_the_last_wanted_row_is_not_read() {
    for (name, content) in [
        ("v.vec", "a 1 2\nb 3 4\nc 5\nd\n"),
        ("v.csv", "x,y\n1,2\n3,4\n5\n?\n"),
        ("v.tsv", "1\t2\n3\t4\n5\n?\n"),
        ("n.vec", "4 2\na 1 2\nb 3 4\nc 5\nd\n"),
    ] {
        let rows = Some(Rows { from: 0, to: Some(2), step: Count::new(1).expect("a count") });
        let file = File { rows, ..File::new(name) };
        let vectors = file.read_bytes(content.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(vectors.embedding.as_slice(), [1.0, 2.0, 3.0, 4.0], "{name}");
        assert!(File { rows: None, ..file }.read_bytes(content.as_bytes()).is_err(), "{name}");
    }
}

#[test]
fn law_a_transposed_file_has_its_columns_as_concepts_in_every_format() {
    let transposed =
        |wanted: &[usize]| -> Vec<f32> { wanted.iter().flat_map(|&j| (0..N).map(move |i| w(i, j))).collect() };
    let every_second = Some(Rows { from: 1, to: None, step: Count::new(2).expect("a count") });
    for file in [
        fixture("f4.npy"),
        fixture("f8_fortran_big.npy"),
        fixture("stored.npz"),
        tensor("packed.npz", "w"),
        tensor("packed.npz", "fortran"),
        tensor("model.safetensors", "bf16"),
        fixture("gensim.txt"),
        fixture("word2vec.bin"),
        fixture("savetxt.txt"),
        fixture("bare.csv"),
    ] {
        let file = File { transpose: true, ..file };
        let vectors = read(&file);
        assert_eq!(vectors.embedding.as_slice(), transposed(&[0, 1, 2, 3]), "{file:?}");
        assert_eq!(vectors.names, None, "{file:?}");
        let file = File { rows: every_second, ..file };
        assert_eq!(read(&file).embedding.as_slice(), transposed(&[1, 3]), "{file:?}");
    }
    // The headings of a table are the names of its columns.
    let table = read(&File { transpose: true, rows: every_second, ..fixture("named.csv") });
    assert_eq!((table.embedding.as_slice(), table.names), (&*transposed(&[1, 3]), names(&["x1", "x3"])));
}

#[test]
fn law_names_of_a_file_follow_their_concepts() {
    let named = |file: File| File { names: Some(fixture("names.txt").path), ..file };
    assert_eq!(read(&named(fixture("f4.npy"))).names, names(&WORDS));
    let rows = Some(Rows { from: 0, to: Some(5), step: Count::new(2).expect("a count") });
    assert_eq!(read(&named(File { rows, ..fixture("f4.npy") })).names, names(&["the", "New_York", ","]));
    let dropped = File { drop: vec![Dropped::Zero, Dropped::Nonfinite], ..fixture("torn.npy") };
    assert_eq!(read(&named(dropped)).names, names(&["the", "New_York", "naïve", "3.14"]));
    // All concepts of the file have names, not only those that are wanted.
    let rows = Some(Rows { from: 0, to: Some(2), step: Count::new(1).expect("a count") });
    for name in ["glove.txt", "fasttext.vec", "bare.csv"] {
        assert_eq!(read(&named(File { rows, ..fixture(name) })).names, names(&["the", "cat"]), "{name}");
    }
    // They go before those of the file itself.
    assert_eq!(read(&named(fixture("glove.txt"))).names, names(&WORDS));
    assert!(
        refusal(&named(File { transpose: true, ..fixture("f4.npy") }))
            .ends_with("names.txt: has more than 4 names, but there are 4 concepts; one name a line is needed")
    );
}

/// Row 1 of torn.npy is zero, row 4 has a NaN in column 2.
#[test]
fn law_dropped_concepts_are_counted() {
    let with = |drop: &[Dropped]| File { drop: drop.to_vec(), ..fixture("torn.npy") };
    let (zero, nonfinite) = (Dropped::Zero, Dropped::Nonfinite);
    assert_eq!(
        refusal(&with(&[])),
        "torn.npy: row 1 (from 0; byte 144) is zero in 32-bit floats; a zero vector has no direction, \
         and drop = [\"zero\"] leaves such concepts out"
    );
    assert_eq!(
        refusal(&with(&[zero])),
        "torn.npy: row 4, column 2 (from 0; byte 200) is NaN; every value must be finite, \
         or drop = [\"nonfinite\"] leaves such concepts out"
    );
    let both = read(&with(&[zero, nonfinite]));
    assert_eq!((both.n_zero, both.n_nonfinite, both.n_dropped()), (1, 1, 2));
    let expected: Vec<f32> = [0, 2, 3, 5].iter().flat_map(|&i| (0..D).map(move |j| w(i, j))).collect();
    assert_eq!(both.embedding.as_slice(), expected);

    // The other way round the zero and the NaN are in columns that hold other numbers too.
    let across = read(&File { transpose: true, ..with(&[nonfinite]) });
    assert_eq!((across.n_zero, across.n_nonfinite), (0, 1));
    assert_eq!((across.embedding.n_concepts(), across.embedding.d_model()), (3, N));

    // As text, with the same outcome line after line.
    let text = "1 2\n0 0\n3 nan\n1e39 1\n4 5\n";
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("v.csv");
    fs::write(&path, text.replace(' ', ",")).expect("a file");
    for transpose in [false, true] {
        let file = File { transpose, drop: vec![zero, nonfinite], ..File::new(&path) };
        match transpose {
            false => {
                let vectors = read(&file);
                assert_eq!(vectors.embedding.as_slice(), [1.0, 2.0, 4.0, 5.0]);
                assert_eq!((vectors.n_zero, vectors.n_nonfinite), (1, 2));
            }
            true => {
                let told = file.read().expect_err("no column is finite").to_string();
                let says = "v.csv: has no concept left: 0 are zero and 2 are not finite";
                assert!(told.ends_with(says), "{told}");
                assert_eq!(file.shape().expect_err("no column is finite").to_string(), told);
            }
        }
    }
}

/// The column is there where a tier drops, and only its rows have it.
#[test]
fn theory_concepts_that_are_left_out_are_counted_in_a_column() {
    let folder = fixture("torn.npy").path.parent().expect("a folder").to_owned();
    let torn = |drop: &str| format!("embedding.file = {{ path = \"torn.npy\", {drop} }}");
    let scenario = |tiers: &[String]| {
        let tiers: String =
            tiers.iter().enumerate().map(|(i, t)| format!("[[tiers]]\nname = \"{i}\"\n{t}\n")).collect();
        experiment::run(&folder, &format!("name = \"t\"\nreplicates = 2\n{tiers}[measure.sparsity]\n"))
    };
    let both = torn("drop = [\"zero\", \"nonfinite\"]");
    let found = scenario(&[
        both.clone(),
        torn("rows = { to = 4 }, drop = [\"zero\"]"),
        torn("rows = { from = 2, to = 4 }, drop = [\"zero\"]"),
        torn("rows = { from = 2, to = 4 }"),
        both.replace("file = ", "twin.of = "),
    ]);
    let numbers = |tier: &str| found.cells(tier, "n_dropped").iter().map(|cell| cell.number()).collect::<Vec<_>>();
    assert_eq!(numbers("0"), [Some(2.0); 2]);
    assert_eq!(numbers("1"), [Some(1.0); 2]);
    assert_eq!(numbers("2"), [Some(0.0); 2]);
    assert_eq!(numbers("3"), [None; 2]);
    assert_eq!(numbers("4"), [Some(2.0); 2]);
    for tier in ["0", "1", "2", "3", "4"] {
        assert_eq!(found.cells(tier, "status")[0].to_string(), "ok");
    }
    let names: Vec<&str> = found.0.columns.iter().map(|column| column.name.as_ref()).collect();
    assert_eq!(names[4..8], ["d_model", "n_concepts", "n_dropped", "replicate"]);
    assert_eq!(scenario(&[torn("rows = { to = 1 }")]).0.position("n_dropped"), None);
}

#[test]
fn theory_a_centred_file_has_the_mean_of_its_vectors_subtracted() {
    let folder = tempfile::tempdir().expect("a folder");
    // The mean of those that are taken is (2, 4), and the third of them is it.
    fs::write(folder.path().join("v.csv"), "0,0\n1,2\n3,2\n2,4\n2,8\n").expect("a file");
    let file = File { centre: true, drop: vec![Dropped::Zero], ..File::new(folder.path().join("v.csv")) };
    assert_eq!(read(&file).embedding.as_slice(), [-1.0, -2.0, 1.0, -2.0, 0.0, 0.0, 0.0, 4.0]);
    // What is the mean but for its rounding is no direction.
    fs::write(folder.path().join("same.csv"), "0.1,0.3\n".repeat(7)).expect("a file");
    let same = File { centre: true, ..File::new(folder.path().join("same.csv")) };
    assert_eq!(read(&same).embedding.as_slice(), [0.0; 14]);

    let text = "name = \"t\"\n[[tiers]]\nname = \"a\"\nembedding.file = { path = \"v.csv\", drop = [\"zero\"], centre = true }\n[measure.overlap]\n";
    let found = experiment::run(folder.path(), text);
    // cos² of the three pairs: (3/5)², and twice 64/(5·16).
    assert_eq!(found.number("a", "represented_fraction"), 0.75);
    assert!((found.number("a", "mean_square_cosine") - (0.36 + 0.8 + 0.8) / 3.0).abs() < 1e-6);
    assert!((found.number("a", "centred_mean_square_cosine") - (0.36 + 0.8 + 0.8) / 3.0).abs() < 1e-6);
}

#[test]
fn theory_the_raw_spectrum_is_of_the_vectors_as_they_are() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("v.csv"), "3.0,0\n0,4.0\n").expect("a file");
    let text = "name = \"t\"\n[[tiers]]\nname = \"a\"\nembedding.file = { path = \"v.csv\" }\n[measure.spectrum]\nraw = true\n";
    let found = experiment::run(folder.path(), text);
    // Eigenvalues 9 and 16 of WWᵀ; centred, one direction is left.
    let entropy = -(3.0f64 / 7.0 * (3.0f64 / 7.0).ln() + 4.0 / 7.0 * (4.0f64 / 7.0).ln());
    for (column, expected) in [
        ("raw_participation_ratio", 625.0 / 337.0),
        ("raw_effective_rank", entropy.exp()),
        ("raw_stable_rank", 25.0 / 16.0),
        ("participation_ratio", 1.0),
        ("stable_rank", 1.0),
    ] {
        let found = found.number("a", column);
        assert!((found - expected).abs() < 1e-6, "{column}: {found} against {expected}");
    }
}

/// Records are found again by the content that they come from: also where an index stands between.
#[test]
fn law_a_digest_is_of_all_that_is_read() {
    let content = fs::read(fixture("f4.npy").path).expect("a fixture");
    let expected: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(fixture("f4.npy").digest().expect("a digest"), expected);

    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let (index, shard) = ("model.safetensors.index.json", "model-00001-of-00002.safetensors");
    for name in [index, shard] {
        fs::copy(fixture(name).path, at(name)).expect("a copy");
    }
    let file = File { tensor: Some("f16".to_owned()), ..File::new(at(index)) };
    let whole = file.digest().expect("a digest");
    assert_eq!(file.digest().expect("a digest"), whole);
    let mut content = fs::read(at(shard)).expect("a copy");
    let last = content.len() - 2;
    content[last] ^= 1;
    fs::write(at(shard), content).expect("a file");
    assert_ne!(file.digest().expect("a digest"), whole);
}

/// A study of files: options of a file are swept like any value, and a file stands beside a simulated tier.
#[test]
fn law_a_study_reads_files_like_any_embedding() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers");
    let text = r#"
        name = "files"
        [[tiers]]
        name = "words"
        embedding.file = { path = "glove.txt", rows = { to = 3 }, names = "names.txt" }
        [[tiers]]
        name = "shard"
        embedding.file = { path = "model.safetensors.index.json", tensor = "embeddings.f32", rows = { to = 3 } }
        [[tiers]]
        name = "dropped"
        embedding.file = { path = "torn.npy", drop = ["zero", "nonfinite"] }
        [measure.overlap]
        [sweep]
        "tiers.words.embedding.file.rows.to" = [2, 3, 6]
    "#;
    let experiment = experiment::run(&folder, text);
    assert_eq!(experiment.numbers("words", "n_concepts"), [2.0, 3.0, 6.0]);
    assert_eq!(experiment.numbers("shard", "n_concepts"), [3.0; 3]);
    assert_eq!(experiment.numbers("dropped", "n_concepts"), [4.0; 3]);
    // The same three rows, from text and from a shard.
    let (words, shard) = (experiment.numbers("words", "mean_cosine"), experiment.numbers("shard", "mean_cosine"));
    assert_eq!(words[1], shard[1]);
    // The mean cosine of rows 0 and 1 by hand.
    let dot: f64 = (0..D).map(|j| f64::from(w(0, j) * w(1, j))).sum();
    let norm = |i: usize| (0..D).map(|j| f64::from(w(i, j)).powi(2)).sum::<f64>().sqrt();
    assert!((words[0] - dot / (norm(0) * norm(1))).abs() < 1e-6);
}
