//! The house: a module names only modules on floors below it, and the library keeps to itself.

use std::fs;
use std::path::{Path, PathBuf};

/// Module and floor, from the ground. A module that is not here fails the test.
const FLOORS: [(&str, u32); 21] = [
    ("suggestion", 0),
    ("quantity", 0),
    ("seed", 0),
    ("table", 0),
    ("registry", 0),
    ("geometry", 1),
    ("fit", 1),
    ("catalogue", 1),
    ("training", 2),
    ("embedding", 3),
    ("measure", 4),
    ("analysis", 4),
    ("scenario", 5),
    ("store", 5),
    ("output", 5),
    ("engine", 6),
    ("figure", 6),
    ("schema", 6),
    ("explain", 6),
    ("report", 6),
    ("lib", 7),
];

/// On one floor, a module may name those before it in the table.
fn height(module: &str) -> (u32, usize) {
    let position = FLOORS.iter().position(|(name, _)| *name == module);
    let position =
        position.unwrap_or_else(|| panic!("module {module} has no floor: add it to FLOORS and to the table in lib.rs"));
    (FLOORS[position].1, position)
}

/// Module, path and text of every source file but those of tests.
fn sources() -> Vec<(String, PathBuf, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![src.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs") && !entry.ends_with("tests.rs") {
                let inner = entry.strip_prefix(&src).expect("below src").with_extension("");
                let module = inner.iter().next().expect("a name").to_string_lossy().into_owned();
                found.push((module, entry.clone(), fs::read_to_string(&entry).expect("text")));
            }
        }
    }
    found.sort();
    found
}

/// The part of a file that is not tests: those may look anywhere. Tests in a file of their own leave the code below their name as it is.
fn code(text: &str) -> String {
    let tests = ["#[cfg(test)]\nmod tests {", "#[cfg(test)]\npub(crate) mod tests {"];
    let end = tests.iter().filter_map(|tests| text.find(tests)).min().unwrap_or(text.len());
    let text = &text[..end];
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn law_a_module_names_only_modules_on_floors_below() {
    let mut n_names = 0;
    for (module, path, text) in sources() {
        if ["main", "cli", "lib"].contains(&module.as_str()) {
            continue;
        }
        for after in code(&text).split("crate::").skip(1) {
            let named: String = after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            // Macros and the brace of a nested use are followed up by name below.
            if named.is_empty() || named.ends_with("_family") {
                assert!(
                    !after.starts_with('{'),
                    "{}: name each module in a `use crate::` line of its own",
                    path.display()
                );
                continue;
            }
            n_names += 1;
            assert!(
                named == module || height(&named) < height(&module),
                "{}: {module} names {named}, which is not below it",
                path.display()
            );
        }
    }
    assert!(n_names > 40, "the test reads the code; found {n_names} names");
}

#[test]
fn law_the_library_never_prints_reads_the_environment_or_starts_threads() {
    for (module, path, text) in sources() {
        if ["main", "cli"].contains(&module.as_str()) {
            continue;
        }
        for forbidden in [
            "println!",
            "print!(",
            "dbg!",
            "std::env::",
            "env::args",
            "env::var",
            "ThreadPoolBuilder",
            "thread::spawn",
            "StdRng",
            "rand::rng()",
        ] {
            assert!(!code(&text).contains(forbidden), "{}: {forbidden}", path.display());
        }
    }
}

#[test]
fn law_randomness_begins_in_one_place_and_unsafe_in_another() {
    for (module, path, text) in sources() {
        let code = code(&text);
        assert!(
            module == "seed" || !code.contains("from_seed(self") && !code.contains("SeedableRng"),
            "{}",
            path.display()
        );
        assert!(path.to_string_lossy().contains("geometry/kernel") || !code.contains("unsafe "), "{}", path.display());
    }
}

#[test]
fn law_every_file_opens_with_a_sentence() {
    for (_, path, text) in sources() {
        let first = text.lines().next().unwrap_or_default();
        assert!(first.starts_with("//! ") && first.ends_with('.'), "{}: {first}", path.display());
    }
}
