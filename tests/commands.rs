//! Commands on files of vectors: what a person sees of `measure` and `compare`, whole, with the exit code.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

const FIVE: &str = "cat 1 2 3\ndog 2 1 0\nsun -1 3 1\nmoon 0 1 1\ntree 1 1 4\n";
const OTHER: &str = "moon 1 2\ntree 2 1\nsun -1 3\ncat 1 1\ncar 5 1\ncat 9 9\nsky 1 7\ndog 0 4\n";

/// A folder with two texts of vectors, and the two representations of tests/numbers.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let numbers = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/numbers");
    for name in ["a.npy", "b.npy"] {
        fs::copy(numbers.join(name), folder.path().join(name)).expect("a copy");
    }
    for (name, text) in [("five.txt", FIVE), ("other.txt", OTHER)] {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

/// Exit code, standard output and standard error.
fn superpose(folder: &TempDir, words: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_superpose"));
    let output = command.args(words.split_whitespace()).current_dir(folder.path()).output().expect("it starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
}

#[test]
fn golden_measure_tells_how_many_concepts_were_left_out() {
    let folder = folder();
    fs::write(folder.path().join("torn.txt"), FIVE.replace("2 1 0", "0 0 0").replace("0 1 1", "nan 1 1"))
        .expect("a file");
    let words = "measure torn.txt --drop zero --drop nonfinite --measure spectrum --set measure.spectrum.effective_rank=false --out torn.csv";
    let (code, out, error) = superpose(&folder, words);
    assert_eq!((code, error.as_str()), (0, "torn.csv: 1 row\n"));
    assert!(out.contains("n_concepts               3\nn_dropped                2\n\nparticipation_ratio"), "{out}");
    let csv = fs::read_to_string(folder.path().join("torn.csv")).expect("a file");
    assert!(csv.starts_with("tier,params,tokens,compute,d_model,n_concepts,n_dropped,replicate,status,"), "{csv}");
    assert!(csv.contains("\ntorn,,,,3,3,2,0,ok,"), "{csv}");
}

#[test]
fn golden_measure_prints_what_run_would_and_the_pairs_by_name() {
    let expected = "\
five.txt
one replicate; in brackets what theory says; – where undefined

tier                  five
embedding             file
params                   –
d_model                  3
n_concepts               5

neighbour_cosine_1  0.8331  [0.6]
neighbour_cosine_2  0.7184  [0.2]

the 3 pairs with the largest |cosine|, by name

0.944911  cat  tree
0.944911  cat  moon
0.852803  sun  moon
";
    let words = "measure five.txt --measure neighbours --set measure.neighbours.ranks=[1,2] --pairs 3";
    let (code, out, error) = superpose(&folder(), words);
    assert_eq!((code, error.as_str()), (0, ""));
    assert_eq!(out, expected);
}

#[test]
fn golden_compare_matches_by_name_and_says_what_chance_gives() {
    // A name that stands twice, cat, names no one; what only one of the two has is left out.
    let expected = "\
five.txt
other.txt
4 concepts by name, of 5 and 8; null: the concepts of one side in a random order; – where undefined

score               value    null  null_sd       z
cka_biased         0.7223  0.5386   0.1389   1.323  similarity
cka_debiased           -1       0   0.7071  -1.414  similarity
rsa                0.4924       0   0.2887   1.706  similarity
procrustes           0.32  0.5632   0.2067  -1.177  distance
svcca                   1       1        0       –  similarity
pwcca                   1       1        0       –  similarity
mutual_neighbours     0.5  0.6667   0.1382  -1.206  similarity
";
    let (code, out, error) = superpose(&folder(), "compare five.txt other.txt --k 2");
    assert_eq!((code, error.as_str()), (0, ""));
    assert_eq!(out, expected);
}

#[test]
fn law_measure_and_run_give_the_same_row() {
    let folder = folder();
    let scenario = "name = \"s\"\n[[tiers]]\nname = \"a\"\nembedding.file = { path = \"a.npy\" }\n[measure.overlap]\n[measure.hubness]\n";
    fs::write(folder.path().join("s.toml"), scenario).expect("a file");
    assert_eq!(superpose(&folder, "run s.toml --out run --quiet").0, 0);
    let (code, _, error) = superpose(&folder, "measure a.npy --measure hubness,overlap --out out/a.csv");
    assert_eq!((code, error.as_str()), (0, "out/a.csv: 1 row\n"));
    let read = |path: &str| fs::read_to_string(folder.path().join(path)).expect("a table");
    assert_eq!(read("out/a.csv"), read("run/s.csv"));
}

#[test]
fn law_compare_writes_what_it_prints() {
    let folder = folder();
    let (code, out, error) = superpose(&folder, "compare a.npy b.npy --permutations 3 --threads 1 --out c.csv");
    assert_eq!((code, error.as_str()), (0, "c.csv: 1 row\n"));
    let table = fs::read_to_string(folder.path().join("c.csv")).expect("a table");
    let (header, row) = table.trim().split_once('\n').expect("two lines");
    let cell =
        |name: &str| row.split(',').nth(header.split(',').position(|n| n == name).expect("a column")).expect("a cell");
    assert_eq!(cell("n_compared"), "200");
    for (name, shown) in [("cka_debiased", "0.7767"), ("rsa_z", "28.38"), ("mutual_neighbours", "0.353")] {
        assert!(cell(name).starts_with(&shown[..shown.len() - 1]) && out.contains(shown), "{name}: {out}");
    }
    let again = superpose(&folder, "compare a.npy b.npy --permutations 3 --threads 2");
    assert_eq!(again, (0, out, String::new()));
}

/// What is asked of A and what B cannot have is not asked of B.
#[test]
fn law_a_tensor_is_compared_with_a_file_of_one_matrix() {
    let folder = folder();
    let npy = fs::read(folder.path().join("a.npy")).expect("a file");
    let header = format!(r#"{{"w":{{"dtype":"F32","shape":[200,24],"data_offsets":[0,{}]}}}}"#, npy.len() - 128);
    let model = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &npy[128..]].concat();
    fs::write(folder.path().join("a.safetensors"), model).expect("a file");
    let (code, out, error) = superpose(&folder, "compare a.safetensors b.npy --tensor w --permutations 3");
    assert_eq!((code, error.as_str()), (0, ""));
    let (_, plain, _) = superpose(&folder, "compare a.npy b.npy --permutations 3");
    assert_eq!(out, plain.replace("a.npy\n", "a.safetensors, w\n"));
}

#[test]
fn theory_compare_tells_that_rsa_takes_a_sample() {
    let folder = folder();
    let row = |i: u32| format!("{}.5,{}.5,{}.5\n", i % 7, i * i % 31, i % 13);
    fs::write(folder.path().join("many.csv"), (0..2049).map(row).collect::<String>()).expect("a file");
    let (code, out, error) = superpose(&folder, "compare many.csv many.csv --permutations 2");
    assert_eq!((code, error.as_str()), (0, ""));
    assert!(out.ends_with("\nrsa: of 2048 of the concepts, drawn at random\n"), "{out}");
    let (_, out, _) = superpose(&folder, "compare many.csv many.csv --permutations 2 --rows 0:2048");
    assert!(!out.contains("drawn at random"), "{out}");
}

#[test]
fn theory_mistakes_are_told_in_one_sentence() {
    let folder = folder();
    let header = r#"{"x":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},"y":{"dtype":"F32","shape":[1,1],"data_offsets":[4,8]}}"#;
    let two = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &[0; 8]].concat();
    fs::write(folder.path().join("two.safetensors"), two).expect("a file");
    fs::write(folder.path().join("zero.txt"), "a 1 2\nb 0 0\n").expect("a file");
    for (words, code, says) in [
        (
            "measure five.txt --measure overlp",
            2,
            "--measure: there is no measure \"overlp\"; did you mean \"overlap\"?",
        ),
        (
            "measure five.txt --measure hubness",
            3,
            "five.txt: the number of concepts of tiers.five must be at least 11 for measure.hubness, got 5",
        ),
        (
            "measure a.npy --measure hubness --set measure.hubness.k=0",
            3,
            "--set measure.hubness.k=0: measure.hubness.k must be a whole number from 1 to 4294967295, got 0",
        ),
        ("measure a.npy --measure similarity", 3, "a.npy: measure.similarity lacks the key \"to\""),
        (
            "measure a.npy --measure similarity --set measure.similarity.to=b",
            3,
            "--set measure.similarity.to=b: measure.similarity.to names no tier: \"b\" (allowed: a)",
        ),
        ("measure a.npy --tensor x", 4, "a.npy: holds one matrix without a name; leave --tensor out"),
        ("measure a.npy --rows 10:300", 4, "a.npy: has 200 rows, but --rows is 10:300"),
        (
            "measure zero.txt",
            4,
            "zero.txt: row 1 (from 0; line 2) is zero in 32-bit floats; a zero vector has no direction, and --drop zero leaves such concepts out",
        ),
        ("compare a.npy b.npy --to-rows 0:300", 4, "b.npy: has 200 rows, but --to-rows is 0:300"),
        (
            "compare a.npy two.safetensors",
            4,
            "two.safetensors: holds 2 matrices, so --to-tensor must name one: \"x\" (F32 1 × 1), \"y\" (F32 1 × 1)",
        ),
        ("compare a.npy b.npy --tensor x", 4, "a.npy: holds one matrix without a name; leave --tensor out"),
        (
            "measure a.npy --measure nonsense",
            2,
            "--measure: there is no measure \"nonsense\"; there are overlap, spectrum, sparsity, dimensionality, anisotropy, neighbours, hubness, intrinsic_dimension, similarity, bundling, retrieval, linear_readout, sparse_recovery, associative_memory, task, scaling, quanta, mirage, percolation, saxe, training, represented",
        ),
        ("measure nothing.npy", 4, "nothing.npy: no such file"),
        (
            "measure a.npy --memory 1MB",
            5,
            "a.npy: tier \"a\" needs about 64 MB for one replicate (200 concepts × 24 units), but the memory budget is 1 MB",
        ),
        (
            "compare a.npy five.txt",
            4,
            "a.npy has 200 concepts and five.txt has 5; without names in both they are matched by order, and both must have as many",
        ),
        (
            "compare other.txt five.txt --by-order",
            4,
            "other.txt has 8 concepts and five.txt has 5; with --by-order both must have as many",
        ),
        (
            "compare five.txt five.txt --rows 0:3",
            4,
            "3 concepts by name, of 3 and 3; at least 4 concepts are needed to compare",
        ),
        (
            "compare a.npy b.npy --memory 1MB",
            5,
            "comparing a.npy with b.npy needs about 21 MB, but the memory budget is 1 MB",
        ),
        ("measure a.npy --out ..", 2, "--out .. is not the path of a file"),
    ] {
        let (found, out, error) = superpose(&folder, words);
        assert_eq!((found, out.as_str(), error), (code, "", format!("error: {says}\n")), "{words}");
    }
    for (words, says) in [
        (
            "measure a.npy --rows 5",
            "invalid value '5' for '--rows <RANGE>': allowed: FROM:TO or FROM:TO:STEP with whole numbers, as in 0:1000 or ::10",
        ),
        ("measure a.npy --pairs 0", "invalid value '0' for '--pairs <K>': allowed: a whole number from 1 to 1000000"),
        ("compare a.npy b.npy --k 0", "invalid value '0' for '--k <K>': allowed: a whole number from 1 to 4294967295"),
    ] {
        let (code, out, error) = superpose(&folder, words);
        assert_eq!(
            (code, out.as_str(), error),
            (2, "", format!("error: {says}\n\nFor more information, try '--help'.\n")),
            "{words}"
        );
    }
    let rest: Vec<_> =
        fs::read_dir(folder.path()).expect("the folder").map(|entry| entry.expect("a file").file_name()).collect();
    assert_eq!(rest.len(), 6, "nothing is written: {rest:?}");
}
