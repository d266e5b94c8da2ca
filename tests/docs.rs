//! The documents that are made from the code are current, and what they say of the scenarios holds.

use std::fs;
use std::path::Path;

fn in_the_project(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect(file)
}

#[test]
fn golden_the_schema_is_current() {
    let advice = "docs/scenario.schema.json is old: superpose schema > docs/scenario.schema.json";
    assert!(in_the_project("docs/scenario.schema.json") == superpose::schema::json(), "{advice}");
}

#[test]
fn golden_the_manual_of_the_scenario_is_current() {
    let advice = "docs/scenario.md is old: superpose schema --markdown > docs/scenario.md";
    assert!(in_the_project("docs/scenario.md") == superpose::schema::markdown(), "{advice}");
}

#[test]
fn law_every_kind_column_and_model_can_be_explained() {
    use superpose::embedding::Scheme;
    use superpose::scenario::plan::KEYS;
    let mut names: Vec<String> = Scheme::kinds().iter().map(|kind| kind.name.to_owned()).collect();
    names.extend(KEYS.iter().map(|column| column.name.to_string()));
    for (kind, columns) in superpose::schema::measures() {
        names.push(kind.name.to_owned());
        names.extend(columns.iter().map(|column| column.name.to_string()));
    }
    names.extend(superpose::training::Architecture::kinds().iter().map(|kind| kind.name.to_owned()));
    names.extend(superpose::analysis::Conclusion::kinds().iter().map(|kind| kind.name.to_owned()));
    names.extend(superpose::catalogue::models().iter().map(|model| model.name.clone()));
    for name in names {
        let text = superpose::explain::explain(&name).unwrap_or_else(|sentence| panic!("{sentence}"));
        assert!(text.starts_with(&name) && text.len() > name.len() + 40, "{text}");
    }
}

/// What a person must know to read a score of two representations: which way it reads, where it ends, what it is without anything in common, and what it costs.
#[test]
fn law_every_score_of_similarity_says_its_direction_range_bias_and_cost() {
    use superpose::measure::{Measure, Similarity};
    let ranges = [
        ("cka_biased", "0 to 1"),
        ("cka_debiased", "-1 to 1"),
        ("rsa", "-1 to 1"),
        ("procrustes", "0 to 2"),
        ("svcca", "0 to 1"),
        ("pwcca", "0 to 1"),
        ("mutual_neighbours", "0 to 1"),
    ];
    let mut n_scores = 0;
    for column in Similarity::default().columns() {
        let text = superpose::explain::explain(&column.name).unwrap_or_else(|sentence| panic!("{sentence}"));
        // Above the manual of the measure, which says it of all.
        let own = text.split_once("\nThe measure (with its cost):\n").expect("the manual").0;
        let line = |name: &str| own.lines().any(|line| line.starts_with(name) && line.len() > 8);
        assert!(line("range   ") && line("cost    "), "{own}");
        if column.name.ends_with("_z") {
            let towards = ["above 0 where they are more alike", "below 0 where they are more alike"];
            assert!(towards.iter().any(|towards| own.contains(towards)), "{own}");
        } else if column.name.ends_with("_null") || column.name.ends_with("_null_sd") {
            assert!(own.contains("in closed form") != own.contains("estimated from `permutations`"), "{own}");
        } else if column.theory.is_some() {
            let (similarity, distance) =
                (own.contains(": a similarity, 1 for alike; "), own.contains(": a distance, 0 for alike; "));
            assert!(similarity != distance, "{own}");
            let bias = ["; biased upwards by width", "; biased downwards by width", "; unbiased"];
            assert_eq!(bias.iter().filter(|bias| own.contains(**bias)).count(), 1, "{own}");
            assert!(own.contains("\ncost    O("), "{own}");
            let (name, range) = ranges[n_scores];
            assert!(column.name == name && own.contains(&format!("\nrange   {range}\n")), "{own}");
            n_scores += 1;
        }
    }
    assert_eq!(n_scores, ranges.len());
}

#[test]
fn law_every_column_that_an_option_makes_can_be_explained_with_any_number() {
    let mut n_made = 0;
    for (kind, _) in superpose::schema::measures() {
        for made in superpose::schema::made::columns(&kind) {
            let names = match made.column.name.strip_suffix('1') {
                // 1 at the end is the number that was tried.
                Some(stem) => [1, 7, 40].map(|number| (format!("{stem}{number}"), number.to_string())).to_vec(),
                None => vec![(made.column.name.to_string(), String::new())],
            };
            for (name, number) in names {
                let text = superpose::explain::explain(&name).unwrap_or_else(|sentence| panic!("{sentence}"));
                let measure = format!("{name} (column of measure {})", kind.name);
                assert!(text.starts_with(&measure) && text.contains("\noption  "), "{text}");
                assert!(text.split_once("\nunit ").expect("a unit").0.contains(&number), "{text}");
                n_made += 1;
            }
        }
    }
    // norm, represented, loss_fraction, answered, learned_step, polytope, …
    assert!(n_made >= 30, "{n_made} columns");
}

#[test]
fn law_the_manual_has_every_option_of_a_training_with_a_default_for_each_model() {
    let manual = superpose::schema::markdown();
    for kind in superpose::training::Architecture::kinds() {
        let explained = superpose::explain::explain(kind.name).expect(kind.name);
        let section = manual.split(&format!("\n### `{}`", kind.name)).nth(1).expect("a section of the manual");
        let section = section.split("\n### ").next().expect("its text");
        for parameter in kind.parameters() {
            assert!(section.contains(&format!("| `{}` |", parameter.name)), "{}: {}", kind.name, parameter.name);
        }
        for option in superpose::training::OPTIONS {
            let defaults = superpose::training::defaults(option);
            let (_, value) = defaults.iter().find(|(model, _)| *model == kind.name).expect("a default");
            let words = format!("{option} = {value}");
            assert!(section.contains(&words) && explained.contains(&words), "{}: {words}", kind.name);
        }
    }
    for path in ["checkpoints.count", "checkpoints.from", "checkpoints.scale", "anneal.along", "anneal.direction"] {
        assert!(manual.contains(&format!("| `{path}` |")), "{path}");
    }
}

#[test]
fn law_every_kind_says_its_cost_and_its_source() {
    let measures = superpose::schema::measures().into_iter().map(|(kind, _)| kind);
    for kind in superpose::embedding::Scheme::kinds().into_iter().chain(measures) {
        let manual = kind.manual();
        assert!(manual.contains("O(") && manual.contains("Source: "), "{}: {manual}", kind.name);
    }
}

#[test]
fn law_every_shipped_scenario_names_the_schema_and_is_planned() {
    use superpose::scenario::{document::Document, study::Study};
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut n_scenarios = 0;
    for path in fs::read_dir(folder).expect("scenarios").map(|entry| entry.expect("an entry").path()) {
        if path.extension().is_some_and(|extension| extension == "toml") {
            let text = fs::read_to_string(&path).expect("text");
            assert!(text.starts_with("#:schema ../docs/scenario.schema.json\n"), "{}", path.display());
            let study = Study::new(&Document::read(&path).expect("a document")).expect("a study");
            assert_eq!(
                Some(study.first.plan.scenario.name.as_str()),
                path.file_stem().and_then(|s| s.to_str()),
                "{}",
                path.display()
            );
            n_scenarios += 1;
        }
    }
    assert!(n_scenarios >= 6, "{n_scenarios} scenarios");
}

#[test]
fn law_the_gallery_has_a_picture_of_every_shipped_scenario() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = in_the_project("docs/gallery.md");
    let names = |folder: &str| -> Vec<String> {
        let entries = fs::read_dir(root.join(folder)).expect("a folder").map(|entry| entry.expect("an entry").path());
        let name = |path: std::path::PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
        let mut names: Vec<String> = entries.filter_map(name).collect();
        names.sort();
        names
    };
    let pictures = names("docs/gallery");
    let scenarios: Vec<String> =
        names("scenarios").iter().filter_map(|file| file.strip_suffix(".toml").map(str::to_owned)).collect();
    assert_eq!(pictures.iter().filter_map(|file| file.split('.').next()).collect::<Vec<_>>(), scenarios);
    for (scenario, picture) in scenarios.iter().zip(&pictures) {
        assert!(page.contains(&format!("## `{scenario}.toml`\n")), "{scenario}");
        assert!(page.contains(&format!("](gallery/{picture})")), "{picture}");
    }
    let n_bytes: u64 =
        pictures.iter().map(|file| fs::metadata(root.join("docs/gallery").join(file)).expect("a file").len()).sum();
    assert!(n_bytes < 3_000_000, "{n_bytes}");
}
