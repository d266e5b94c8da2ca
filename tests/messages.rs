//! Bad input: what a person sees, whole, with the exit code; and nothing is written.
// A test may compare with std's functions; a result may not come from them.
#![allow(clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use superpose::embedding::Scheme;
use superpose::measure::Measures;
use tempfile::TempDir;

/// The scenario that every test spoils in one place.
const SCENARIO: &str = r#"name = "s"

[concepts]
count = 8

[[tiers]]
name = "small"
d_model = 4
embedding.localized = {}

[measure.overlap]
"#;

// Its pieces.
const NAME: &str = r#"name = "s""#;
const CONCEPTS: &str = "[concepts]\ncount = 8\n";
const COUNT: &str = "count = 8";
const TIER: &str = "[[tiers]]\nname = \"small\"\nd_model = 4\nembedding.localized = {}\n";
const BOTH: &str = "[concepts]\ncount = 8\n\n[[tiers]]\nname = \"small\"\nd_model = 4\nembedding.localized = {}\n";
const LABEL: &str = r#"name = "small""#;
const WIDTH: &str = "d_model = 4";
const EMBEDDING: &str = "embedding.localized = {}";
const MEASURE: &str = "[measure.overlap]";

/// The keys of the scenario, as a refusal lists them.
const TIER_KEYS: &str = "name, model, params, tokens, compute, d_model, embedding";
const KEYS: &str = "name, title, seed, replicates, concepts, tiers, measure, analysis, figure, sweep, smoke";

#[rustfmt::skip]
#[test]
fn theory_what_is_compared_with_must_be_there() {
    refuses_changes(&[
        ("tier that is not there", MEASURE, "[measure.similarity]\nto = \"smal\"\nk = 2",
            r#"12:6: measure.similarity.to names no tier: "smal"; did you mean "small" (allowed: small)"#),
        ("too few concepts", MEASURE, "[measure.similarity]\nto = \"small\"",
            r#"4:9: concepts.count must be at least 11 for measure.similarity, got 8"#),
    ]);
    let scenario = "name = \"s\"\n[[tiers]]\nname = \"a\"\nembedding.frame = { packing = \"icosahedron\" }\n\
                    [[tiers]]\nname = \"b\"\nd_model = 4\nembedding.frame = { packing = \"simplex\" }\n\
                    [measure.similarity]\nto = \"b\"\nk = 2\n";
    let folder = Folder::with(&[("s.toml", scenario.as_bytes())]);
    let says = "error: s.toml:10:6: measure.similarity.to names \"b\", which has 5 concepts, but tiers.a has 6; without names on both sides they are matched by order, and both must have as many\n";
    folder.refuses("other concepts", &["check", "s.toml"], 3, says);
    let set = |by: &str| format!("measure.similarity.by={by}");
    let says = "error: s.toml:10:6: measure.similarity.to names \"b\", which has 5 concepts, but tiers.a has 6; without names on both sides they are matched by order, and both must have as many\n";
    folder.refuses("by order", &["check", "s.toml", "--set", &set("order")], 3, says);
    let says = "error: --set measure.similarity.by=name: measure.similarity.by is \"name\", but the concepts of tiers.b have no names; concepts.names gives all tiers names, and names of an embedding.file its own\n";
    folder.refuses("by name", &["check", "s.toml", "--set", &set("name")], 3, says);
    let scenario = "name = \"s\"\n[[tiers]]\nname = \"a\"\nembedding.file = { path = \"a.txt\" }\n\
                    [[tiers]]\nname = \"b\"\nembedding.file = { path = \"b.txt\" }\n[measure.similarity]\nto = \"b\"\nk = 2\n";
    let folder = Folder::with(&[
        ("s.toml", scenario.as_bytes()),
        ("a.txt", b"a 1 2\nb 3 4\nc 5 7\nd 1 9\n"),
        ("b.txt", b"a 1 2\nb 3 4\nc 5 7\nd 1 9\ne 2 2\n"),
    ]);
    let says = "error: s.toml:9:6: measure.similarity.to names \"b\", which has 5 concepts, but tiers.a has 4; asked to be matched by order, both must have as many\n";
    folder.refuses("by order, with names", &["check", "s.toml", "--set", &set("order")], 3, says);
}

#[rustfmt::skip]
#[test]
fn theory_unknown_names_are_told_with_the_nearest_right_one() {
    refuses_changes(&[
        ("key of the scenario", NAME, "name = \"s\"\nsede = 3",
            r#"2:1: the scenario has the unknown key "sede"; did you mean "seed" (allowed: {keys})"#),
        ("table of the scenario", MEASURE, "[measures.overlap]",
            r#"11:2: the scenario has the unknown key "measures"; did you mean "measure" (allowed: {keys})"#),
        ("key of concepts", COUNT, "cuont = 8",
            r#"4:1: concepts has the unknown key "cuont"; did you mean "count" (allowed: count, names)"#),
        ("key of a tier", WIDTH, "d_model = 4\nparms = 1e9",
            r#"9:1: tiers.small has the unknown key "parms"; did you mean "params" (allowed: {tier_keys})"#),
        ("key of an embedding", EMBEDDING, "embedding.localized = { unit = 2 }",
            r#"9:25: tiers.small.embedding.localized has the unknown key "unit"; did you mean "units" (allowed: units)"#),
        ("key of a measure", MEASURE, "[measure.spectrum]\nefective_rank = true",
            r#"12:1: measure.spectrum has the unknown key "efective_rank"; did you mean "effective_rank" (allowed: effective_rank, raw)"#),
        ("key of a measure that has none", MEASURE, "[measure.anisotropy]\nfoo = 1",
            r#"12:1: measure.anisotropy has the unknown key "foo" (allowed: none)"#),
        ("key far from all", NAME, "name = \"s\"\n\"x y\" = 3",
            r#"2:1: the scenario has the unknown key "x y" (allowed: {keys})"#),
        ("long key", NAME, "name = \"s\"\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx = 3",
            r#"2:1: the scenario has the unknown key "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…" (allowed: {keys})"#),
        ("embedding", EMBEDDING, "embedding.localised = {}",
            r#"9:11: tiers.small.embedding has the unknown kind "localised"; did you mean "localized" (allowed: {embeddings})"#),
        ("embedding far from all", EMBEDDING, "embedding.xyzzy = {}",
            r#"9:11: tiers.small.embedding has the unknown kind "xyzzy" (allowed: {embeddings})"#),
        ("embedding as a word", EMBEDDING, r#"embedding = "localised""#,
            r#"9:13: tiers.small.embedding has the unknown kind "localised"; did you mean "localized" (allowed: {embeddings})"#),
        ("measure", MEASURE, "[measure.overlaps]",
            r#"11:10: measure has the unknown key "overlaps"; did you mean "overlap" (allowed: {measures})"#),
        ("entries", EMBEDDING, r#"embedding.fully_distributed = { entries = "gausian" }"#,
            r#"9:43: tiers.small.embedding.fully_distributed.entries has the unknown kind "gausian"; did you mean "gaussian" (allowed: gaussian, rademacher, uniform)"#),
        ("packing", EMBEDDING, r#"embedding.frame = { packing = "simple" }"#,
            r#"9:31: tiers.small.embedding.frame.packing has the unknown kind "simple"; did you mean "simplex" (allowed: simplex, icosahedron, lines28, hadamard)"#),
        ("the first of two, in the order of the file", NAME, "zzz = 1\naaa = 1\nname = \"s\"",
            r#"1:1: the scenario has the unknown key "zzz" (allowed: {keys})"#),
    ]);
}

#[rustfmt::skip]
#[test]
fn theory_wrong_types_are_told_with_the_right_one() {
    refuses_changes(&[
        ("text for a whole number", COUNT, r#"count = "8""#,
            r#"4:9: concepts.count must be a whole number from 1 to 4294967295, got "8""#),
        ("text for a number", WIDTH, r#"params = "1e9""#,
            r#"8:10: tiers.small.params must be a number from 1 to 1e18, got "1e9""#),
        ("number for a text", NAME, "name = 3",
            "1:8: name must be a text of 1 to 64 letters, digits, '-', '_' or '.', the first a letter or a digit, got 3"),
        ("number for a title", NAME, "name = \"s\"\ntitle = 1",
            "2:9: title must be a text, got 1"),
        ("fraction for a count", COUNT, "count = 8.5",
            "4:9: concepts.count must be a whole number from 1 to 4294967295, got 8.5"),
        ("fraction for a seed", NAME, "name = \"s\"\nseed = 0.5",
            "2:8: seed must be a whole number from 0 to 9223372036854775807, got 0.5"),
        ("true for a count", COUNT, "count = true",
            "4:9: concepts.count must be a whole number from 1 to 4294967295, got true"),
        ("date for a count", COUNT, "count = 2024-01-31",
            "4:9: concepts.count must be a whole number from 1 to 4294967295, got a date"),
        ("list for a count", COUNT, "count = [8]",
            "4:9: concepts.count must be a whole number from 1 to 4294967295, got a list"),
        ("table for a count", COUNT, "count = { n = 8 }",
            "4:9: concepts.count must be a whole number from 1 to 4294967295, got a table"),
        ("list for a table", CONCEPTS, "concepts = [8]\n",
            "3:12: concepts must be a table, got a list"),
        ("list for the parameters of an embedding", EMBEDDING, "embedding.localized = [2]",
            "9:23: tiers.small.embedding.localized must be a table, got a list"),
        ("number for the parameters of an embedding", EMBEDDING, "embedding.localized = 2",
            "9:23: tiers.small.embedding.localized must be a table, got 2"),
        ("true for a measure", MEASURE, "measure.overlap = true",
            r#"11:1: tiers.small has the unknown key "measure" (allowed: {tier_keys})"#),
        ("list for a measure", MEASURE, "[[measure.overlap]]",
            "11:1: measure.overlap must be a table, got a list"),
        ("text for names", COUNT, r#"names = "cat""#,
            r#"4:9: concepts.names must be a list, got "cat""#),
        ("number among names", COUNT, r#"names = ["cat", 3]"#,
            "4:17: concepts.names[2] must be a text, got 3"),
        ("table for a list", "[[tiers]]", "[tiers]",
            "6:1: tiers must be a list, got a table"),
        ("numbers for the tiers", BOTH, "tiers = [1, 2]\n",
            "3:10: tiers[1] must be a table, got 1"),
        ("number for true or false", MEASURE, "[measure.spectrum]\neffective_rank = 1",
            "12:18: measure.spectrum.effective_rank must be true or false, got 1"),
        ("embedding as a word", EMBEDDING, r#"embedding = "localized""#,
            r#"9:13: tiers.small.embedding must be a table like { localized = {} }, got "localized""#),
        ("number for the embedding", EMBEDDING, "embedding = 3",
            "9:13: tiers.small.embedding must be one of {embeddings}, got 3"),
        ("list for the embedding", EMBEDDING, r#"embedding = ["localized"]"#,
            "9:13: tiers.small.embedding must be one of {embeddings}, got a list"),
        ("number for a word", EMBEDDING, "embedding.fully_distributed = { entries = 3 }",
            "9:43: tiers.small.embedding.fully_distributed.entries must be one of gaussian, rademacher, uniform, got 3"),
        ("table for a word", EMBEDDING, "embedding.fully_distributed = { entries = { gaussian = {} } }",
            "9:56: tiers.small.embedding.fully_distributed.entries must be a word, got a table"),
        ("true for lambda", EMBEDDING, "embedding.support = { lambda = true }",
            r#"9:32: tiers.small.embedding.support.lambda must be a number from 0 to 1 or "params", got true"#),
        ("number for a path", EMBEDDING, "embedding.file = { path = 3 }",
            "9:27: tiers.small.embedding.file.path must be a text, got 3"),
        ("number for smoke", NAME, "name = \"s\"\nsmoke = 3",
            "2:9: smoke must be a table, got 3"),
    ]);
}

#[rustfmt::skip]
#[test]
fn theory_what_is_missing_or_empty_is_told() {
    refuses_changes(&[
        ("name of the scenario", "name = \"s\"\n", "",
            r#"1:1: the scenario lacks the key "name""#),
        ("tiers", "\n[[tiers]]\nname = \"small\"\nd_model = 4\nembedding.localized = {}\n", "",
            r#"1:1: the scenario lacks the key "tiers""#),
        ("no tiers", BOTH, "tiers = []\n",
            "3:9: the scenario has no tiers; add at least one [[tiers]]"),
        ("name of a tier", "name = \"small\"\n", "",
            r#"6:1: tiers[1] lacks the key "name""#),
        ("embedding of a tier", "embedding.localized = {}\n", "",
            r#"6:1: tiers.small lacks the key "embedding", which measure.overlap reads"#),
        ("empty embedding", EMBEDDING, "embedding = {}",
            "9:13: tiers.small.embedding must name one of {embeddings}, got none"),
        ("packing", EMBEDDING, "embedding.frame = {}",
            r#"9:19: tiers.small.embedding.frame lacks the key "packing""#),
        ("path", EMBEDDING, "embedding.file = {}",
            r#"9:18: tiers.small.embedding.file lacks the key "path""#),
        ("empty path", EMBEDDING, r#"embedding.file = { path = "" }"#,
            r#"9:27: tiers.small.embedding.file.path must be the path of a file of vectors, got """#),
        ("measures", "[measure.overlap]\n", "",
            "1:1: the scenario measures nothing; add one or more of {tables}"),
        ("empty measures", MEASURE, "[measure]",
            "11:1: the scenario measures nothing; add one or more of {tables}"),
        ("concepts", CONCEPTS, "",
            "4:1: tiers.small needs a number of concepts: add [concepts] with count or names"),
        ("empty concepts", "count = 8\n", "",
            "3:1: concepts needs count or names"),
        ("empty names", COUNT, "names = []",
            "4:9: concepts.names must have at least one name, got none"),
        ("blank name", COUNT, r#"names = ["cat", " "]"#,
            "4:17: concepts.names has an empty name at position 2"),
        ("params and d_model", "d_model = 4\n", "",
            "6:1: tiers.small needs params or d_model"),
        ("active and lambda", EMBEDDING, "embedding.support = {}",
            "9:21: tiers.small.embedding.support needs active or lambda"),
        ("params for lambda", EMBEDDING, r#"embedding.support = { lambda = "params" }"#,
            r#"9:32: tiers.small.embedding.support.lambda is "params", but the tier has no params"#),
    ]);
}

#[rustfmt::skip]
#[test]
fn theory_values_out_of_range_are_told_with_the_range() {
    refuses_changes(&[
        ("n = 0", COUNT, "count = 0",
            "4:9: concepts.count must be a whole number from 1 to 4294967295, got 0"),
        ("n = -1", COUNT, "count = -1",
            "4:9: concepts.count must be a whole number from 1 to 4294967295, got -1"),
        ("n = 1 with a pair measure", COUNT, "count = 1",
            "4:9: concepts.count must be at least 2 for measure.overlap, got 1"),
        ("one name with a pair measure", COUNT, r#"names = ["cat"]"#,
            "4:9: the number of concepts.names must be at least 2 for measure.overlap, got 1"),
        ("fewer concepts than a sum and its candidates", MEASURE, "[measure.bundling]",
            "4:9: concepts.count must be at least 76 for measure.bundling, got 8"),
        ("the same count twice", MEASURE, "[measure.task]\nsteps = [5, 5]",
            "12:9: measure.task.steps must be 1 to 32 whole numbers, no two the same, got 5, 5"),
        ("the same level twice", MEASURE, "[measure.retrieval]\nnoise = [0.5, 0.5]",
            "12:9: measure.retrieval.noise must be 1 to 32 numbers from 0, no two the same, got 0.5, 0.5"),
        ("a negative level", MEASURE, "[measure.retrieval]\nnoise = [-1]",
            "12:10: measure.retrieval.noise[1] must be a finite number from 0, got -1"),
        ("n beyond 32 bits", COUNT, "count = 4294967296",
            "4:9: concepts.count must be a whole number from 1 to 4294967295, got 4294967296"),
        ("n beyond 64 bits", COUNT, "count = 99999999999999999999",
            "4:9: concepts.count must be a whole number from 1 to 4294967295, got 99999999999999999999"),
        ("n below 64 bits", COUNT, "count = -99999999999999999999",
            "4:9: concepts.count must be a whole number from 1 to 4294967295, got -99999999999999999999"),
        ("n in hexadecimal beyond 64 bits", COUNT, "count = 0xFFFFFFFFFFFFFFFF",
            "4:9: concepts.count must be a whole number from 1 to 4294967295, got 0xFFFFFFFFFFFFFFFF"),
        ("a number of 50 digits", COUNT, "count = 99999999999999999999999999999999999999999999999999",
            "4:9: concepts.count must be a whole number from 1 to 4294967295, got 9999999999999999999999999999999999999999…"),
        ("nan", COUNT, "count = nan",
            "4:9: concepts.count must be a whole number from 1 to 4294967295, got nan"),
        ("inf", COUNT, "count = inf",
            "4:9: concepts.count must be a whole number from 1 to 4294967295, got inf"),
        ("-inf", COUNT, "count = -inf",
            "4:9: concepts.count must be a whole number from 1 to 4294967295, got -inf"),
        ("1e400", COUNT, "count = 1e400",
            "4:9: concepts.count must be a whole number from 1 to 4294967295, got 1e400"),
        ("d = 0", WIDTH, "d_model = 0",
            "8:11: tiers.small.d_model must be a whole number from 1 to 4294967295, got 0"),
        ("params = 0", WIDTH, "params = 0",
            "8:10: tiers.small.params must be a number from 1 to 1e18, got 0"),
        ("params = -1", WIDTH, "params = -1",
            "8:10: tiers.small.params must be a number from 1 to 1e18, got -1"),
        ("params = 1e19", WIDTH, "params = 1e19",
            "8:10: tiers.small.params must be a number from 1 to 1e18, got 1e19"),
        ("params = nan", WIDTH, "params = nan",
            "8:10: tiers.small.params must be a number from 1 to 1e18, got nan"),
        ("params = 1e400", WIDTH, "params = 1e400",
            "8:10: tiers.small.params must be a number from 1 to 1e18, got 1e400"),
        ("seed = -1", NAME, "name = \"s\"\nseed = -1",
            "2:8: seed must be a whole number from 0 to 9223372036854775807, got -1"),
        ("seed beyond 63 bits", NAME, "name = \"s\"\nseed = 9223372036854775808",
            "2:8: seed must be a whole number from 0 to 9223372036854775807, got 9223372036854775808"),
        ("no replicates", NAME, "name = \"s\"\nreplicates = 0",
            "2:14: replicates must be a whole number from 1 to 4294967295, got 0"),
        ("units = 0", EMBEDDING, "embedding.localized = { units = 0 }",
            "9:33: tiers.small.embedding.localized.units must be a whole number from 1 to 4294967295, got 0"),
        ("units beyond d_model, localized", EMBEDDING, "embedding.localized = { units = 5 }",
            "9:33: tiers.small.embedding.localized.units must be at most d_model (4), got 5"),
        ("units beyond d_model, semi-distributed", EMBEDDING, "embedding.semi_distributed = { units = 5 }",
            "9:40: tiers.small.embedding.semi_distributed.units must be at most d_model (4), got 5"),
        ("active beyond d_model", EMBEDDING, "embedding.support = { active = 5 }",
            "9:32: tiers.small.embedding.support.active must be at most d_model (4), got 5"),
        ("lambda above 1", EMBEDDING, "embedding.support = { lambda = 1.5 }",
            r#"9:32: tiers.small.embedding.support.lambda must be a number from 0 to 1 or "params", got 1.5"#),
        ("lambda below 0", EMBEDDING, "embedding.support = { lambda = -1 }",
            r#"9:32: tiers.small.embedding.support.lambda must be a number from 0 to 1 or "params", got -1"#),
        ("lambda = inf", EMBEDDING, "embedding.support = { lambda = inf }",
            r#"9:32: tiers.small.embedding.support.lambda must be a number from 0 to 1 or "params", got inf"#),
        ("lambda in a wrong word", EMBEDDING, r#"embedding.support = { lambda = "param" }"#,
            r#"9:32: tiers.small.embedding.support.lambda must be a number from 0 to 1 or "params", got "param""#),
        ("name with a slash", NAME, r#"name = "../s""#,
            r#"1:8: name must be 1 to 64 letters, digits, '-', '_' or '.', the first a letter or a digit, got "../s""#),
        ("name with two dots", NAME, r#"name = "a..b""#,
            r#"1:8: name must be 1 to 64 letters, digits, '-', '_' or '.', the first a letter or a digit, got "a..b""#),
        ("empty name", NAME, r#"name = """#,
            r#"1:8: name must be 1 to 64 letters, digits, '-', '_' or '.', the first a letter or a digit, got """#),
        ("name of 65 letters", NAME, r#"name = "sssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss""#,
            r#"1:8: name must be 1 to 64 letters, digits, '-', '_' or '.', the first a letter or a digit, got "ssssssssssssssssssssssssssssssssssssssss…""#),
        ("title of two lines", NAME, "name = \"s\"\ntitle = \"a\\nb\"",
            r#"2:9: title must be one line without control characters, got "a\u{a}b""#),
        ("tier named ..", LABEL, r#"name = "..""#,
            r#"7:8: tiers[1].name must be 1 to 64 characters, the first a letter or a digit, without control characters, got "..""#),
        ("tier with an escape sequence", LABEL, r#"name = "a\u001b[31m""#,
            r#"7:8: tiers[1].name must be 1 to 64 characters, the first a letter or a digit, without control characters, got "a\u{1b}[31m""#),
        ("tier of 65 letters", LABEL, r#"name = "sssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss""#,
            r#"7:8: tiers[1].name must be 1 to 64 characters, the first a letter or a digit, without control characters, got "ssssssssssssssssssssssssssssssssssssssss…""#),
        ("tier like a formula", LABEL, r#"name = "=1+1""#,
            r#"7:8: tiers[1].name must be 1 to 64 characters, the first a letter or a digit, without control characters, got "=1+1""#),
    ]);
}

#[rustfmt::skip]
#[test]
fn theory_values_that_do_not_go_together_are_told() {
    refuses_changes(&[
        ("two tiers of one name", TIER, "[[tiers]]\nname = \"small\"\nd_model = 4\nembedding.localized = {}\n[[tiers]]\nname = \"small\"\nd_model = 4\nembedding.localized = {}\n",
            r#"11:8: two tiers have the name "small"; names of tiers must differ"#),
        ("count and names", COUNT, "count = 8\nnames = [\"cat\"]",
            "5:9: concepts has both count and names; give one of the two"),
        ("one name twice", COUNT, r#"names = ["cat", "dog", "cat"]"#,
            r#"4:24: concepts.names has "cat" twice, at positions 1 and 3; names must differ"#),
        ("two embeddings", EMBEDDING, "embedding.localized = {}\nembedding.support = { active = 1 }",
            r#"10:11: tiers.small.embedding must name exactly one kind, got "localized" and "support""#),
        ("two embeddings, in the order of the file", EMBEDDING, "embedding = { support = { active = 1 }, localized = {} }",
            r#"9:41: tiers.small.embedding must name exactly one kind, got "support" and "localized""#),
        ("active and lambda", EMBEDDING, "embedding.support = { active = 1, lambda = 1 }",
            "9:44: tiers.small.embedding.support.lambda excludes active: give one of the two"),
        ("hadamard in 12 dimensions", "d_model = 4\nembedding.localized = {}", "d_model = 12\nembedding.frame = { packing = \"hadamard\" }",
            r#"9:31: tiers.small.embedding.frame.packing is "hadamard", which needs a d_model that is a power of two from 2 on, got 12"#),
        ("frame and d_model", EMBEDDING, r#"embedding.frame = { packing = "icosahedron" }"#,
            "8:11: tiers.small.d_model is 4, but icosahedron has d_model 3; leave d_model out or set it to 3"),
        ("frame and concepts", "d_model = 4\nembedding.localized = {}", r#"embedding.frame = { packing = "icosahedron" }"#,
            "3:1: the scenario has 8 concepts, but icosahedron has 6; leave [concepts] out or give it 6"),
        ("simplex and concepts", EMBEDDING, r#"embedding.frame = { packing = "simplex" }"#,
            "3:1: the scenario has 8 concepts, but simplex has 5; leave [concepts] out or give it 5"),
    ]);
}

#[rustfmt::skip]
#[test]
fn theory_trainings_that_cannot_be_are_refused() {
    refuses_changes(&[
        ("density of nothing", EMBEDDING, "embedding.trained = { model.elhage = { density = 0 } }",
            "9:50: tiers.small.embedding.trained.model.elhage.density must be above 0 and at most 1, got 0"),
        ("density of next to nothing", EMBEDDING, "embedding.trained = { model.elhage = { density = 1e-300 }, steps = 100, batch = 10 }",
            "9:50: tiers.small.embedding.trained.model.elhage.density leaves the 1000 samples of the training (batch · steps) with less than one active concept, 8.0e-297 on average: there is nothing to learn from"),
        ("sparsity of nearly everything", EMBEDDING, "embedding.trained = { model.elhage = { sparsity = 0.9999999 }, steps = 10, batch = 10 }",
            "9:51: tiers.small.embedding.trained.model.elhage.sparsity leaves the 100 samples of the training (batch · steps) with less than one active concept, 8.0e-5 on average: there is nothing to learn from"),
        ("activation of next to nothing", EMBEDDING, "embedding.trained = { model.liu = { activation = 1e-9 } }",
            "9:50: tiers.small.embedding.trained.model.liu.activation leaves the 40960000 samples of the training (batch · steps) with less than one active concept, 4.1e-2 on average: there is nothing to learn from"),
        ("batch of exact gradients", EMBEDDING, "embedding.trained = { model.deep_linear = {}, batch = 4 }",
            "9:55: tiers.small.embedding.trained.batch must be the number of concepts (8) or left out: every step sees every item once, got 4"),
        ("density and sparsity", EMBEDDING, "embedding.trained = { model.elhage = { density = 0.1, sparsity = 0.9 } }",
            "9:66: tiers.small.embedding.trained.model.elhage.sparsity excludes density: give one of the two"),
        ("unknown model", EMBEDDING, "embedding.trained = { model.elhag = {} }",
            r#"9:29: tiers.small.embedding.trained.model has the unknown kind "elhag"; did you mean "elhage" (allowed: elhage, liu, deep_linear, parity)"#),
        ("no step", EMBEDDING, "embedding.trained = { model.elhage = {}, steps = 0 }",
            "9:50: tiers.small.embedding.trained.steps must be a whole number from 1 to 4294967295, got 0"),
        ("rate of nothing", EMBEDDING, "embedding.trained = { model.elhage = {}, learning_rate = 0 }",
            "9:58: tiers.small.embedding.trained.learning_rate must be a finite number above 0, got 0"),
        ("first look after the end", EMBEDDING, "embedding.trained = { model.elhage = {}, steps = 10, checkpoints = { from = 20 } }",
            "9:77: tiers.small.embedding.trained.checkpoints.from must be at most the number of steps (10), got 20"),
        ("too many looks", EMBEDDING, "embedding.trained = { model.elhage = {}, checkpoints = { count = 4294967295 } }",
            "9:66: tiers.small.embedding.trained.checkpoints.count must be at most 100000, got 4294967295"),
        ("too many concepts", "count = 8\n\n[[tiers]]\nname = \"small\"\nd_model = 4\nembedding.localized = {}", "count = 4294967295\n\n[[tiers]]\nname = \"small\"\nd_model = 4\nembedding.trained = { model.liu = {} }",
            "3:1: the scenario has 4294967295 concepts, but a training takes at most 16777216"),
        ("more parities than bits", EMBEDDING, "embedding.trained = { model.parity = { bits = 3, subset = 4 } }",
            "9:59: tiers.small.embedding.trained.model.parity.subset must be at most bits (3), got 4"),
        ("annealed along no axis", EMBEDDING, "embedding.trained = { model.elhage = {}, anneal = { along = \"seed\" } }",
            r#"9:61: tiers.small.embedding.trained.anneal.along must be an axis of [sweep], got "seed""#),
        ("measure of a training without one", MEASURE, "[measure.training]",
            "9:1: tiers.small.embedding.localized is not trained, and measure.training reads a training"),
        ("rank beyond the concepts", BOTH, "concepts.count = 3\n\n[[tiers]]\nname = \"small\"\nd_model = 4\nembedding.trained = { model.liu = {} }\n[measure.training]\nranks = [4]\n",
            "3:18: concepts.count must be at least 4 for measure.training, got 3"),
    ]);
}

#[rustfmt::skip]
#[test]
fn theory_mistakes_in_toml_are_told_with_their_place() {
    refuses_changes(&[
        ("no value", COUNT, "count =",
            "4:8: is not valid TOML: string values must be quoted, expected literal string"),
        ("no equals sign", COUNT, "count 8",
            "4:7: is not valid TOML: key with no value, expected `=`"),
        ("open header", "[concepts]", "[concepts",
            "3:10: is not valid TOML: unclosed table, expected `]`"),
        ("open text", LABEL, r#"name = "small"#,
            r#"7:14: is not valid TOML: invalid basic string, expected `"`"#),
        ("key twice", COUNT, "count = 8\ncount = 9",
            r#"5:1: is not valid TOML: the key "count" is there twice"#),
        ("table twice", MEASURE, "[measure.overlap]\n[concepts]\ncount = 8\n",
            r#"12:2: is not valid TOML: the key "concepts" is there twice"#),
        ("control character", LABEL, "name = \"a\0b\"",
            r#"7:10: is not valid TOML: invalid basic string, expected non-double-quote visible characters, `\`"#),
        ("lists 200 deep", COUNT, "count = [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
            "4:89: is not valid TOML: cannot recurse further; max recursion depth met"),
        ("line ends of Windows", "name = \"s\"\n\n[concepts]\ncount = 8\n", "name = \"s\"\r\n\r\n[concepts]\r\ncount = 0\r\n",
            "4:9: concepts.count must be a whole number from 1 to 4294967295, got 0"),
        ("byte order mark", "name = \"s\"\n", "\u{feff}name = \"s\"\nseed = -1\n",
            "2:8: seed must be a whole number from 0 to 9223372036854775807, got -1"),
        ("column in characters, not bytes", CONCEPTS, "concepts = { names = [\"é字𝄞\", 0] }\n",
            "3:30: concepts.names[2] must be a text, got 0"),
    ]);
}

#[rustfmt::skip]
#[test]
fn theory_smoke_is_checked_though_it_is_not_asked_for() {
    refuses_changes(&[
        ("unknown key", MEASURE, "[measure.overlap]\n[smoke]\nconcepts.cuont = 4",
            r#"13:10: concepts has the unknown key "cuont"; did you mean "count" (allowed: count, names)"#),
        ("wrong type", MEASURE, "[measure.overlap]\n[smoke]\nconcepts.count = \"4\"",
            r#"13:18: concepts.count must be a whole number from 1 to 4294967295, got "4""#),
        ("nearest tier", MEASURE, "[measure.overlap]\n[smoke]\ntiers.smal.d_model = 2",
            r#"13:12: the path "tiers.smal.d_model" names nothing; did you mean "small" (allowed: *, small)"#),
        ("unknown tier", MEASURE, "[measure.overlap]\n[smoke]\ntiers.xyzzy.d_model = 2",
            r#"13:13: the path "tiers.xyzzy.d_model" names nothing (allowed: *, small)"#),
        ("tier without a value", MEASURE, "[measure.overlap]\n[smoke]\ntiers.small = 2",
            r#"13:7: the path "tiers.small" ends at a tier; it must name a value of it, as in tiers.small.params"#),
        ("values that do not go together", MEASURE, "[measure.overlap]\n[smoke]\nconcepts.names = [\"cat\", \"dog\"]",
            "13:18: concepts has both count and names; give one of the two"),
        ("d = 0 in all tiers", MEASURE, "[measure.overlap]\n[smoke]\ntiers.\"*\".d_model = 0",
            "13:21: tiers.small.d_model must be a whole number from 1 to 4294967295, got 0"),
        ("smoke within smoke", MEASURE, "[measure.overlap]\n[smoke]\nsmoke.seed = 1",
            r#"13:7: the path "smoke.seed" leads into [smoke]; set the value that it would replace"#),
        ("nan", MEASURE, "[measure.overlap]\n[smoke]\nseed = nan",
            "13:8: smoke.seed must be a finite number, a text, true or false, a list or a table, got nan"),
        ("date", MEASURE, "[measure.overlap]\n[smoke]\nseed = 2024-01-31",
            "13:8: smoke.seed must be a finite number, a text, true or false, a list or a table, got a date"),
        ("path of many parts", MEASURE, "[measure.overlap]\n[smoke]\n\"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a\" = 1",
            r#"13:1: the path "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.…" has more than 64 parts"#),
    ]);
}

#[rustfmt::skip]
#[test]
fn theory_settings_are_refused_in_their_own_words() {
    let folder = Folder::with(&[("s.toml", SCENARIO.as_bytes())]);
    for (setting, says) in [
        ("concepts",
            "--set concepts: must have the form PATH=VALUE, as in concepts.count=256"),
        ("=3",
            "--set =3: must have the form PATH=VALUE, as in concepts.count=256"),
        ("concepts.count=",
            "--set concepts.count=: must have the form PATH=VALUE, as in concepts.count=256"),
        ("sede=3",
            r#"--set sede=3: the scenario has the unknown key "sede"; did you mean "seed" (allowed: {keys})"#),
        ("concepts.cuont=3",
            r#"--set concepts.cuont=3: concepts has the unknown key "cuont"; did you mean "count" (allowed: count, names)"#),
        ("measure.overlaps={}",
            r#"--set measure.overlaps={}: measure has the unknown key "overlaps"; did you mean "overlap" (allowed: {measures})"#),
        ("tiers.small.parms=3",
            r#"--set tiers.small.parms=3: tiers.small has the unknown key "parms"; did you mean "params" (allowed: {tier_keys})"#),
        ("tiers.smal.d_model=3",
            r#"--set tiers.smal.d_model=3: the path "tiers.smal.d_model" names nothing; did you mean "small" (allowed: *, small)"#),
        ("tiers.xyzzy.d_model=3",
            r#"--set tiers.xyzzy.d_model=3: the path "tiers.xyzzy.d_model" names nothing (allowed: *, small)"#),
        ("tiers.small=3",
            r#"--set tiers.small=3: the path "tiers.small" ends at a tier; it must name a value of it, as in tiers.small.params"#),
        ("tiers.*=3",
            r#"--set tiers.*=3: the path "tiers.*" ends at a tier; it must name a value of it, as in tiers.*.params"#),
        ("tiers.*.d_model=0",
            "--set tiers.*.d_model=0: tiers.small.d_model must be a whole number from 1 to 4294967295, got 0"),
        ("tiers.*.units=3",
            r#"--set tiers.*.units=3: tiers.small has the unknown key "units" (allowed: {tier_keys})"#),
        ("tiers=3",
            "--set tiers=3: tiers must be a list, got 3"),
        ("concepts..count=3",
            r#"--set concepts..count=3: the path "concepts..count" has an empty part"#),
        ("concepts.count.x=3",
            r#"--set concepts.count.x=3: the path "concepts.count.x" goes on where the scenario has a single value"#),
        ("concepts.count=x",
            r#"--set concepts.count=x: concepts.count must be a whole number from 1 to 4294967295, got "x""#),
        ("concepts.count=3 4",
            r#"--set concepts.count=3 4: concepts.count must be a whole number from 1 to 4294967295, got "3 4""#),
        ("concepts.count=1.5",
            "--set concepts.count=1.5: concepts.count must be a whole number from 1 to 4294967295, got 1.5"),
        ("concepts.count=1e400",
            "--set concepts.count=1e400: concepts.count must be a whole number from 1 to 4294967295, got 1e400"),
        ("concepts.count=[3,",
            r#"--set concepts.count=[3,: the value "[3," is not valid TOML; a text needs quotes"#),
        ("seed=1\nreplicates=3",
            r#"--set seed=1\u{a}replicates=3: the value "1\u{a}replicates=3" is not valid TOML; a text needs quotes"#),
        ("title=it's",
            r#"--set title=it's: the value "it's" is not valid TOML; a text needs quotes"#),
        (r#"title="a\tb""#,
            r#"--set title="a\tb": title must be one line without control characters, got "a\u{9}b""#),
        ("name=../s",
            r#"--set name=../s: name must be 1 to 64 letters, digits, '-', '_' or '.', the first a letter or a digit, got "../s""#),
        (r#"concepts.names=["cat", "dog"]"#,
            r#"--set concepts.names=["cat", "dog"]: concepts has both count and names; give one of the two"#),
        ("tiers.small.embedding.support={ active = 1 }",
            r#"--set tiers.small.embedding.support={ active = 1 }: tiers.small.embedding must name exactly one kind, got "localized" and "support""#),
        (r#"tiers.small.embedding="localised""#,
            r#"--set tiers.small.embedding="localised": tiers.small.embedding has the unknown kind "localised"; did you mean "localized" (allowed: {embeddings})"#),
        ("smoke.seed=3",
            r#"--set smoke.seed=3: the path "smoke.seed" leads into [smoke]; set the value that it would replace"#),
        ("seed=\u{1b}[31m1",
            r#"--set seed=\u{1b}[31m1: the value "\u{1b}[31m1" is not valid TOML; a text needs quotes"#),
        ("a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a=1",
            r#"--set a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.…: the path "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.…" has more than 64 parts"#),
    ] {
        folder.refuses(setting, &["run", "s.toml", "--set", setting], 3, &format!("error: {}\n", filled(says)));
    }
}

#[rustfmt::skip]
#[test]
fn theory_usage_is_told() {
    let folder = Folder::with(&[("s.toml", SCENARIO.as_bytes())]);
    let rows: &[(&[&str], &str)] = &[
        (&["run"],
            "error: the following required arguments were not provided:\n  <SCENARIO>...\n\nUsage: superpose run <SCENARIO>...\n\nFor more information, try '--help'.\n"),
        (&["check", "s.toml", "--out", "x"],
            "error: unexpected argument '--out' found\n\n  tip: to pass '--out' as a value, use '-- --out'\n\nUsage: superpose check <SCENARIO>...\n\nFor more information, try '--help'.\n"),
        (&["chek", "s.toml"],
            "error: unrecognized subcommand 'chek'\n\n  tip: some similar subcommands exist: 'schema', 'check'\n\nUsage: superpose <COMMAND>\n\nFor more information, try '--help'.\n"),
        (&["run", "s.toml", "--quite"],
            "error: unexpected argument '--quite' found\n\n  tip: a similar argument exists: '--quiet'\n\nUsage: superpose run --quiet <SCENARIO>...\n\nFor more information, try '--help'.\n"),
        (&["run", "s.toml", "--threads", "0"],
            "error: invalid value '0' for '--threads <N>': allowed: a whole number from 1 to 1024\n\nFor more information, try '--help'.\n"),
        (&["run", "s.toml", "--threads", "-1"],
            "error: invalid value '-1' for '--threads <N>': allowed: a whole number from 1 to 1024\n\nFor more information, try '--help'.\n"),
        (&["run", "s.toml", "--threads", "two"],
            "error: invalid value 'two' for '--threads <N>': allowed: a whole number from 1 to 1024\n\nFor more information, try '--help'.\n"),
        (&["run", "s.toml", "--memory", "0"],
            "error: invalid value '0' for '--memory <SIZE>': allowed: a size from 1 byte to 1e18 bytes\n\nFor more information, try '--help'.\n"),
        (&["run", "s.toml", "--memory", "8XB"],
            "error: invalid value '8XB' for '--memory <SIZE>': allowed: a number with kB, MB, GB, TB, KiB, MiB, GiB or TiB, as in 8GB\n\nFor more information, try '--help'.\n"),
        (&["run", "s.toml", "--memory", "GB"],
            "error: invalid value 'GB' for '--memory <SIZE>': allowed: a number with a unit, as in 8GB\n\nFor more information, try '--help'.\n"),
        (&["run", "s.toml", "--kernel", "avx51"],
            "error: invalid value 'avx51' for '--kernel <NAME>': allowed: auto, avx512, avx2, scalar; did you mean \"avx512\"?\n\nFor more information, try '--help'.\n"),
        (&["run", "s.toml", "--kernel", "xyzzy"],
            "error: invalid value 'xyzzy' for '--kernel <NAME>': allowed: auto, avx512, avx2, scalar\n\nFor more information, try '--help'.\n"),
        (&["run", "s.toml", "--set"],
            "error: a value is required for '--set <PATH=VALUE>' but none was supplied\n\nFor more information, try '--help'.\n"),
        (&["run", "s.toml", "--out", ""],
            "error: a value is required for '--out <DIR>' but none was supplied\n\nFor more information, try '--help'.\n"),
        (&["run", "s.toml", "s.toml", "--out", "x"],
            "error: --out takes the results of one scenario; leave it out to have each in results/NAME\n"),
        (&["run", "s.toml", "s.toml"],
            "error: s.toml and s.toml are both named \"s\"; their results would stand in one folder\n"),
        (&["explain", "overlp"],
            "error: \"overlp\" is no embedding, toy model, measure, analysis, column or model; did you mean \"overlap\"?\n"),
        (&["explain", "localised"],
            "error: \"localised\" is no embedding, toy model, measure, analysis, column or model; did you mean \"localized\"?\n"),
        (&["explain", "coherense"],
            "error: \"coherense\" is no embedding, toy model, measure, analysis, column or model; did you mean \"coherence\"?\n"),
        (&["explain", "xyzzy"],
            "error: \"xyzzy\" is no embedding, toy model, measure, analysis, column or model; superpose list shows what there is\n"),
        (&["explain", "a\nb"],
            "error: \"a\\u{a}b\" is no embedding, toy model, measure, analysis, column or model; superpose list shows what there is\n"),
        (&["list", "measure"],
            "error: invalid value 'measure' for '[FAMILY]'\n  [possible values: embeddings, measures, analyses, models, abilities]\n\n  tip: a similar value exists: 'measures'\n\nFor more information, try '--help'.\n"),
        (&["completions", "basch"],
            "error: invalid value 'basch' for '<SHELL>'\n  [possible values: bash, elvish, fish, powershell, zsh]\n\n  tip: a similar value exists: 'bash'\n\nFor more information, try '--help'.\n"),
    ];
    for (arguments, says) in rows {
        folder.refuses(&arguments.join(" "), arguments, 2, says);
    }
}

#[test]
fn theory_a_file_that_is_no_scenario_is_refused() {
    let folder = Folder::with(&[
        ("tiers.toml", SCENARIO.as_bytes()),
        ("empty.toml", b""),
        ("large.toml", &[b'#'; 2_000_000]),
        ("latin.toml", b"name = \"caf\xe9\"\n"),
        ("folder/inner.toml", b""),
    ]);
    for (path, says) in [
        ("xyzzy.toml", "xyzzy.toml: no such file"),
        ("tirs.toml", r#"tirs.toml: no such file; did you mean "tiers.toml"?"#),
        ("tiers", r#"tiers: no such file; did you mean "tiers.toml"?"#),
        ("folder/iner.toml", r#"folder/iner.toml: no such file; did you mean "folder/inner.toml"?"#),
        ("two\nlines", r"two\u{a}lines: no such file"),
        ("folder", "folder: is a folder; a scenario is a TOML file"),
        ("empty.toml", r#"empty.toml:1:1: the scenario lacks the key "name""#),
        ("large.toml", "large.toml: is larger than a scenario may be: at most 1048576 bytes"),
        ("latin.toml", "latin.toml: is not UTF-8 text: the byte at offset 11 begins no character"),
    ] {
        folder.refuses(path, &["run", path], 3, &format!("error: {says}\n"));
        // None is run before all are found right.
        folder.refuses(path, &["run", "tiers.toml", path], 3, &format!("error: {says}\n"));
    }
}

#[cfg(unix)]
#[test]
fn theory_pipes_and_devices_are_refused_and_not_waited_for() {
    let folder = Folder::with(&[("s.toml", file_scenario("v.npy").as_bytes())]);
    for name in ["pipe.toml", "v.npy"] {
        let made = Command::new("mkfifo").arg(folder.path(name)).status().expect("mkfifo is there");
        assert!(made.success());
    }
    let is_device = "error: /dev/zero: is not a regular file; a scenario is a TOML file\n";
    folder.refuses("device", &["run", "/dev/zero"], 3, is_device);
    let is_pipe = "error: pipe.toml: is not a regular file; a scenario is a TOML file\n";
    folder.refuses("scenario", &["run", "pipe.toml"], 3, is_pipe);
    let is_pipe = "error: v.npy: is a pipe, a socket or a device; a regular file is needed\n";
    folder.refuses("matrix", &["run", "s.toml"], 4, is_pipe);
}

#[rustfmt::skip]
#[test]
fn theory_a_matrix_that_cannot_be_used_is_refused() {
    let good = npy("'<f4'", "(3, 2)", &[1.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
    let with = |row: [f32; 2]| npy("'<f4'", "(3, 2)", &[1.0, 0.0, row[0], row[1], 1.0, 1.0]);
    let longer = [good.as_slice(), b"x"].concat();
    let large = "(3000000000, 2)";
    for (what, content, says) in [
        ("truncated", &good[..good.len() - 1],
            "is truncated: shape (3, 2) needs 24 bytes of data after the header, found 23"),
        ("too long", &longer, "is too long: shape (3, 2) needs 24 bytes of data after the header, found 25"),
        ("header alone", &good[..40], "ends after 40 bytes, but its header needs at least 128"),
        ("empty", &[], "ends after 0 bytes, but its header needs at least 10"),
        ("text", b"1 0\n0 1\n", r#"is not a .npy file: it begins with "1 0\n0 ", not with "\x93NUMPY""#),
        ("lying", &npy("'<f4'", large, &[1.0]),
            "is truncated: shape (3000000000, 2) needs 24000000000 bytes of data after the header, found 4"),
        ("no rows", &npy("'<f4'", "(0, 2)", &[]), "has shape (0, 2); at least one row and one column are needed"),
        ("vector", &npy("'<f4'", "(2,)", &[1.0, 1.0]),
            "has shape (2,); a matrix with one row per concept is needed, (rows, columns)"),
        ("integers", &npy("'<i4'", "(1, 1)", &[1.0]),
            "holds numbers of dtype '<i4'; allowed are 16-bit, 32-bit and 64-bit floats, so convert with .astype('float32') before np.save"),
        ("objects", &npy("'|O'", "(1, 1)", &[1.0]),
            "holds Python objects (dtype '|O'), which run code when they are read; allowed are 16-bit, 32-bit and 64-bit floats"),
        ("NaN", &with([f32::NAN, 0.0]), "row 1, column 0 (from 0; byte 136) is NaN; every value must be finite, or drop = [\"nonfinite\"] leaves such concepts out"),
        ("infinity", &with([0.0, f32::NEG_INFINITY]),
            "row 1, column 1 (from 0; byte 140) is -inf; every value must be finite, or drop = [\"nonfinite\"] leaves such concepts out"),
        ("zero row", &with([0.0, 0.0]),
            "row 1 (from 0; byte 136) is zero in 32-bit floats; a zero vector has no direction, and drop = [\"zero\"] leaves such concepts out"),
        ("tiny row", &with([1e-20, 0.0]),
            "row 1 (from 0; byte 136) has norm 1.000e-20; allowed are 1e-12 to 1e12, where dot products of 32-bit floats neither vanish nor overflow"),
    ] {
        // The path begins at the folder of the scenario, not where the program runs.
        let folder = Folder::with(&[("d/s.toml", file_scenario("v.npy").as_bytes()), ("d/v.npy", content)]);
        folder.refuses(what, &["run", "d/s.toml"], 4, &format!("error: d/v.npy: {says}\n"));
    }
    // What a header says is held against the file before the memory budget, which it would burst.
    let lies = npy("'<f4'", large, &[1.0]);
    let folder = Folder::with(&[("s.toml", file_scenario("v.npy").as_bytes()), ("v.npy", &lies)]);
    let says = "error: v.npy: is truncated: shape (3000000000, 2) needs 24000000000 bytes of data after the header, found 4\n";
    folder.refuses("lying, with a budget", &["run", "s.toml", "--memory", "1kB"], 4, says);
    folder.refuses("lying, checked", &["check", "s.toml"], 4, says);
}

#[rustfmt::skip]
#[test]
fn theory_a_matrix_that_is_not_there_or_not_as_asked_is_refused() {
    let good = npy("'<f4'", "(3, 2)", &[1.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
    let one = npy("'<f4'", "(1, 2)", &[1.0, 0.0]);
    let width = file_scenario("words.npy").replace("embedding", "d_model = 3\nembedding");
    let count = file_scenario("words.npy") + "[concepts]\ncount = 4\n";
    let folder = Folder::with(&[
        ("words.npy", &good),
        ("one.npy", &one),
        ("missing.toml", file_scenario("xyzzy.npy").as_bytes()),
        ("near.toml", file_scenario("wrods.npy").as_bytes()),
        ("folder.toml", file_scenario(".").as_bytes()),
        ("one.toml", file_scenario("one.npy").as_bytes()),
        ("width.toml", width.as_bytes()),
        ("count.toml", count.as_bytes()),
    ]);
    for (scenario, code, says) in [
        ("missing.toml", 4, "xyzzy.npy: no such file"),
        ("near.toml", 4, r#"wrods.npy: no such file; did you mean "words.npy"?"#),
        ("folder.toml", 4, ".: is a folder; a file of vectors is needed"),
        ("one.toml", 3,
            "one.toml:2:1: the number of concepts of tiers.v must be at least 2 for measure.overlap, got 1"),
        ("width.toml", 3,
            "width.toml:4:11: tiers.v.d_model is 3, but words.npy has d_model 2; leave d_model out or set it to 2"),
        ("count.toml", 3,
            "count.toml:6:1: the scenario has 4 concepts, but words.npy has 3; leave [concepts] out or give it 3"),
    ] {
        folder.refuses(scenario, &["run", scenario], code, &format!("error: {says}\n"));
    }
}

#[rustfmt::skip]
#[test]
fn theory_an_option_that_does_not_fit_its_file_is_refused_where_it_stands() {
    let matrix = npy("'<f4'", "(3, 2)", &[1.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
    let header = br#"{"words":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"bias":{"dtype":"F32","shape":[1,1],"data_offsets":[8,12]}}"#;
    let model = [&(header.len() as u64).to_le_bytes()[..], header, &1.0_f32.to_le_bytes().repeat(3)].concat();
    let table = b"x,y,word\n1,2,a\n3,4,b\n";
    for (options, code, says) in [
        (r#"path = "v.npy", tensor = "w""#, 3,
            "s.toml:4:45: tiers.v.embedding.file.tensor does not fit: v.npy holds one matrix without a name; leave tensor out"),
        (r#"path = "m.safetensors", tensor = "word""#, 3,
            r#"s.toml:4:53: tiers.v.embedding.file.tensor does not fit: m.safetensors has no tensor "word"; it has "words" (F32 2 × 1), "bias" (F32 1 × 1)"#),
        (r#"path = "m.safetensors""#, 3,
            r#"s.toml:4:18: tiers.v.embedding.file does not fit: m.safetensors holds 2 matrices, so tensor must name one: "words" (F32 2 × 1), "bias" (F32 1 × 1)"#),
        (r#"path = "v.npy", rows = { to = 9 }"#, 3,
            "s.toml:4:43: tiers.v.embedding.file.rows does not fit: v.npy has 3 rows, but rows has from = 0 and to = 9"),
        (r#"path = "v.npy", rows = { step = 0 }"#, 3,
            "s.toml:4:52: tiers.v.embedding.file.rows.step must be a whole number from 1 to 4294967295, got 0"),
        (r#"path = "t.csv", name_column = "wrod""#, 3,
            r#"s.toml:4:50: tiers.v.embedding.file.name_column does not fit: t.csv has no column "wrod"; it has "word", "x", "y""#),
        (r#"path = "v.npy", name_column = "x""#, 3,
            "s.toml:4:50: tiers.v.embedding.file.name_column does not fit: v.npy is no table with headings; leave name_column out"),
        (r#"path = "v.npy", drop = ["zeros"]"#, 3,
            r#"s.toml:4:44: tiers.v.embedding.file.drop[1] has the unknown kind "zeros"; did you mean "zero" (allowed: zero, nonfinite)"#),
        (r#"path = "v.npy", format = "numpy""#, 3,
            r#"s.toml:4:45: tiers.v.embedding.file.format has the unknown kind "numpy"; did you mean "npy" (allowed: npy, npz, safetensors, text, word2vec, csv, tsv)"#),
        (r#"path = "v.npy", names = "t.csv", drop = ["zero"]"#, 4,
            "t.csv: has more than 3 names, but there are 3 concepts; one name a line is needed"),
        (r#"path = "t.csv""#, 4,
            r#"t.csv: line 2 has "a" where the number of column "word" is needed; if it holds the names, name_column = "word""#),
    ] {
        let scenario = file_scenario("v.npy").replace(r#"path = "v.npy""#, options);
        let mut names = table.to_vec();
        names.extend(if options.contains("names") { &b"c\n"[..] } else { b"" });
        let folder = Folder::with(&[
            ("s.toml", scenario.as_bytes()), ("v.npy", &matrix), ("m.safetensors", &model), ("t.csv", &names),
        ]);
        folder.refuses(options, &["run", "s.toml"], code, &format!("error: {says}\n"));
    }
}

#[test]
fn theory_more_than_the_budget_is_refused_with_the_estimate() {
    // 1e6 × 1e6 entries of 4 bytes; the rest of the estimate does not show beside them.
    let large = SCENARIO
        .replace(COUNT, "count = 1e6")
        .replace(WIDTH, "d_model = 1e6")
        .replace(EMBEDDING, "embedding.fully_distributed = {}")
        .replace(MEASURE, "[measure.sparsity]");
    let small = SCENARIO.replace(NAME, "name = \"other\"");
    let folder = Folder::with(&[("s.toml", small.as_bytes()), ("large.toml", large.as_bytes())]);
    let says = "error: large.toml: tier \"small\" needs about 4000.0 GB for one replicate (1000000 concepts × 1000000 units), \
                but the memory budget is 8.0 GB\n";
    folder.refuses("run", &["run", "large.toml", "--memory", "8GB"], 5, says);
    folder.refuses("check after another", &["check", "large.toml", "s.toml", "--memory", "8GB"], 5, says);
    // None is run before all are found small enough.
    folder.refuses("run after another", &["run", "s.toml", "large.toml", "--memory", "8GB"], 5, says);
    folder.refuses("check", &["check", "large.toml", "--memory", "8GB"], 5, says);
}

#[test]
fn theory_results_that_cannot_be_written_are_told_before_the_work() {
    let folder = Folder::with(&[
        ("s.toml", SCENARIO.as_bytes()),
        ("file", b""),
        ("table/s.csv/x", b""),
        ("manifest/manifest.json/x", b""),
        ("manifest/s.csv", b"old"),
    ]);
    for (out, says) in [
        ("file", "file: cannot be written: a folder is needed where something else stands"),
        ("file/deeper/still", "file: cannot be written: a folder is needed where something else stands"),
        ("table", "table/s.csv: cannot be written: a file is needed where a folder stands"),
        ("manifest", "manifest/manifest.json: cannot be written: a file is needed where a folder stands"),
    ] {
        folder.refuses(out, &["run", "s.toml", "--out", out], 7, &format!("error: {says}\n"));
    }
    let folder = Folder::with(&[("s.toml", SCENARIO.as_bytes()), ("results", b"")]);
    let says = "error: results: cannot be written: a folder is needed where something else stands\n";
    folder.refuses("results", &["run", "s.toml"], 7, says);
}

#[test]
fn regress_smoke_leaves_a_mistake_in_replicates_alone() {
    let scenario = SCENARIO.replace(NAME, "name = \"s\"\nreplicates = \"x\"");
    let folder = Folder::with(&[("s.toml", scenario.as_bytes())]);
    let says = "error: s.toml:2:14: replicates must be a whole number from 1 to 4294967295, got \"x\"\n";
    folder.refuses("replicates", &["run", "s.toml", "--smoke"], 3, says);
}

#[test]
fn regress_a_path_of_very_many_parts_is_refused() {
    let scenario = format!("{SCENARIO}[smoke]\n\"{}a\" = 1\n", "a.".repeat(300_000));
    let folder = Folder::with(&[("s.toml", scenario.as_bytes())]);
    let says = format!("error: s.toml:13:1: the path \"{}…\" has more than 64 parts\n", "a.".repeat(20));
    folder.refuses("deep", &["run", "s.toml", "--smoke"], 3, &says);
}

/// Whether each scenario that differs in one piece from the good one is refused with the whole message, by `run` and by `check`.
fn refuses_changes(rows: &[(&str, &str, &str, &str)]) {
    for (what, piece, other, says) in rows {
        assert_eq!(SCENARIO.matches(piece).count(), 1, "{what}: one such piece");
        let folder = Folder::with(&[("s.toml", SCENARIO.replace(piece, other).as_bytes())]);
        let says = format!("error: s.toml:{}\n", filled(says));
        folder.refuses(what, &["check", "s.toml"], 3, &says);
        folder.refuses(what, &["run", "s.toml"], 3, &says);
    }
}

/// A message with the lists that grow with the families.
fn filled(says: &str) -> String {
    let embeddings: Vec<&str> =
        Scheme::kinds().iter().flat_map(|kind| kind.alias.into_iter().chain([kind.name])).collect();
    let measures: Vec<&str> = Measures::kinds().iter().map(|kind| kind.name).collect();
    let tables: Vec<String> = measures.iter().map(|name| format!("[measure.{name}]")).collect();
    says.replace("{keys}", KEYS)
        .replace("{tier_keys}", TIER_KEYS)
        .replace("{embeddings}", &embeddings.join(", "))
        .replace("{measures}", &measures.join(", "))
        .replace("{tables}", &tables.join(", "))
}

/// A scenario whose one tier is a matrix from a file.
fn file_scenario(path: &str) -> String {
    format!("name = \"f\"\n[[tiers]]\nname = \"v\"\nembedding.file = {{ path = \"{path}\" }}\n[measure.overlap]\n")
}

/// A .npy file, version 1.0, with a header of 128 bytes as NumPy writes it.
fn npy(descr: &str, shape: &str, values: &[f32]) -> Vec<u8> {
    let dict = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}");
    let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    bytes.extend(format!("{dict:<117}\n").into_bytes());
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

/// A folder of its own in which the program runs.
struct Folder(TempDir);

impl Folder {
    fn with(files: &[(&str, &[u8])]) -> Self {
        let folder = Self(tempfile::tempdir().expect("a temporary folder"));
        for (name, content) in files {
            let path = folder.path(name);
            fs::create_dir_all(path.parent().expect("within the folder")).expect("a folder");
            fs::write(path, content).expect("a file");
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Holds the exit code and all of standard error against what they should be, and the folder against what it was.
    fn refuses(&self, what: &str, arguments: &[&str], code: i32, says: &str) {
        let before = content(self.0.path());
        let output = Command::new(env!("CARGO_BIN_EXE_superpose"))
            .args(arguments)
            .current_dir(self.0.path())
            .output()
            .expect("the program starts");
        let said = String::from_utf8(output.stderr).expect("a message is UTF-8");
        assert_eq!((said.as_str(), output.status.code()), (says, Some(code)), "{what}: {arguments:?}");
        assert_eq!(content(self.0.path()), before, "{what}: {arguments:?} leaves the folder as it was");
    }
}

/// Everything below a folder: the bytes of files, nothing for what is no file.
fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for path in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() {
            found.extend(content(&path));
        }
        let bytes = if path.is_file() { fs::read(&path).expect("readable") } else { vec![] };
        found.insert(path, bytes);
    }
    found
}
