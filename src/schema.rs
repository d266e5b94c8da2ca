//! The scenario format for editors and for people: JSON Schema and docs/scenario.md, both made from the types.

pub mod made;

use std::fmt::Write;

use serde_json::Value;

use crate::analysis::{self, Conclusion};
use crate::embedding::Scheme;
use crate::figure;
use crate::measure::Measures;
use crate::registry::{Kind, Parameter};
use crate::scenario::figure::Wish;
use crate::scenario::plan::{KEYS, OPTIONAL_KEYS};
use crate::scenario::{Concepts, Scenario, Tier, sweep};
use crate::table::Column;
use crate::training::{self, Architecture};

/// JSON Schema (draft 7, which editors of TOML understand) of a scenario file.
pub fn json() -> String {
    let settings = schemars::generate::SchemaSettings::draft07().for_deserialize();
    let schema = settings.into_generator().into_root_schema_for::<Scenario>();
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema has a JSON form");
    text.push('\n');
    text
}

/// The manual of the scenario file, in Markdown.
pub fn markdown() -> String {
    let mut page = String::from(
        "# The scenario file\n\n<!-- Made by `superpose schema --markdown` from the doc comments of the code. -->\n\n\
         A scenario is a TOML file. An unknown key, a wrong type or a value out of range is refused with its line and column.\n",
    );
    for (title, kind) in [
        ("Top level", Kind::of::<Scenario>("", None)),
        ("`[concepts]`", Kind::of::<Concepts>("", None)),
        ("`[[tiers]]`", Kind::of::<Tier>("", None)),
        ("`[sweep]`", Kind::of::<sweep::Manual>("", None)),
    ] {
        let _ = write!(page, "\n## {title}\n\n{}\n", kind.manual());
        // What is a table here has a section of its own.
        let own: Vec<_> = kind.parameters().map(|parameter| (parameter.name.to_owned(), parameter)).collect();
        parameters(&mut page, &kind, &own);
    }
    page.push_str("\n## Embeddings\n\nEach tier has exactly one: `embedding.NAME = { … }`.\n");
    for kind in Scheme::kinds() {
        let alias = kind.alias.map_or(String::new(), |alias| format!(" (or `{alias}`)"));
        let _ = write!(page, "\n### `{}`{alias}\n\n{}\n", kind.name, kind.manual());
        parameters(&mut page, &kind, &inside(&kind));
    }
    page.push_str(
        "\n## Toy models\n\nA tier with `embedding.trained` has exactly one: `embedding.trained = { model.NAME = { … } }`, with the options of the training beside `model`.\n",
    );
    for kind in Architecture::kinds() {
        let _ = write!(page, "\n### `{}`\n\n{}\n", kind.name, kind.manual());
        parameters(&mut page, &kind, &inside(&kind));
        let _ = write!(page, "\n{}\n", recipe(&kind).unwrap_or_default());
    }
    page.push_str("\n## Measures\n\nAny number of them: `[measure.NAME]`.\n");
    for (kind, columns) in measures() {
        let _ = write!(page, "\n### `{}`\n\n{}\n", kind.name, kind.manual());
        parameters(&mut page, &kind, &inside(&kind));
        table(&mut page, &columns);
        for made in made::columns(&kind).chunk_by(|a, b| a.option == b.option) {
            let _ = write!(page, "\nWith `{}` also:\n", made[0].option);
            table(&mut page, made.iter().map(|made| &made.column));
        }
    }
    page.push_str("\n## Analyses\n\nAny number of them: `[[analysis]]` with one table each, `NAME = { … }`. What they find stands in `NAME.findings.csv`.\n");
    for kind in Conclusion::kinds() {
        let _ = write!(page, "\n### `{}`\n\n{}\n", kind.name, kind.manual());
        parameters(&mut page, &kind, &inside(&kind));
    }
    let kind = Kind::of::<Wish>("", None);
    let _ = write!(page, "\n## Figures\n\nAny number of them: `[[figure]]`. {}\n", kind.manual());
    parameters(&mut page, &kind, &inside(&kind));
    page.push_str(
        "\nWhat a run draws by itself, as far as it has something for it:\n\n| figure | where there is |\n|---|---|\n",
    );
    for kind in &figure::kind::KINDS {
        let _ = writeln!(page, "| `{}` | {} |", kind.name, kind.summary);
    }
    page.push_str(
        "\n## Columns that every row begins with\n\nThe coordinates of a sweep, named by their paths, come first. `n_dropped` is there where a file has `drop`, `direction` and `step` where a training anneals or has checkpoints.\n",
    );
    let (of_tiers, of_rows) = KEYS.split_at(6);
    table(&mut page, of_tiers.iter().chain(&OPTIONAL_KEYS).chain(of_rows));
    page.push_str(SUMMARY);
    page.push_str(
        "\n## The findings\n\n`NAME.findings.csv` has one row for each finding of each analysis and group.\n",
    );
    table(&mut page, &analysis::COLUMNS);
    page
}

const SUMMARY: &str = "
## The summary

`NAME.summary.csv` has one row for each tier at each point: the coordinates, tier, params, d_model, n_concepts, the number of replicates, and six columns
for each column X of a measure, over the replicates x₁ … xₖ in which X is defined:

| column | meaning |
|---|---|
| `X_n_used` | k; replicates in which X is undefined, or that failed, are not averaged over |
| `X_mean` | x̄ = Σx/k |
| `X_sd` | s = √(Σ(x − x̄)²/(k − 1)) |
| `X_se` | s/√k |
| `X_low95`, `X_high95` | x̄ ± t·s/√k, t the 97.5 % quantile of Student's t with k − 1 degrees of freedom: it covers the true mean in 95 % of studies if x is about normal |

What does not exist is empty: all but `X_n_used` for k = 0, all but it and the mean for k = 1.
";

/// Every measure with all the columns that it can fill.
pub fn measures() -> Vec<(Kind, Vec<Column>)> {
    let all = Measures::all();
    Measures::kinds().into_iter().zip(all.chosen().iter().map(|measure| measure.member.columns())).collect()
}

/// What a parameter takes, in words, from its schema: `number from 0 to 1`, `"simplex", "icosahedron" or …`.
pub fn allowed(schema: &Value) -> String {
    let alternatives = |key: &str| {
        schema[key]
            .as_array()
            .map(|options| options.iter().map(allowed).filter(|word| word != "null").collect::<Vec<_>>())
    };
    if let Some(options) = alternatives("anyOf")
        .or_else(|| alternatives("oneOf"))
        .or_else(|| schema["enum"].as_array().map(|words| words.iter().map(literal).collect()))
    {
        return options.join(" or ");
    }
    if let Some(word) = schema.get("const") {
        return literal(word);
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or_default(),
        kind => kind.as_str().unwrap_or("table"),
    };
    let word = match kind {
        "integer" => "whole number",
        "string" => "text",
        "boolean" => "true or false",
        // A kind of a family is a table with one key, its name.
        "object" => match schema["required"].as_array().map(Vec::as_slice) {
            Some([name]) if schema["properties"].as_object().is_some_and(|keys| keys.len() == 1) => {
                return name.as_str().unwrap_or_default().to_owned();
            }
            _ => "table",
        },
        "array" => {
            let items = allowed(&schema["items"]);
            return match items.as_str() {
                "text" => "list of texts".to_owned(),
                "table" => "list of tables".to_owned(),
                other => format!("list of: {other}"),
            };
        }
        other => other,
    };
    if let Some(below) = schema["exclusiveMinimum"].as_f64() {
        return format!("{word} above {below}");
    }
    match (schema["minimum"].as_f64(), schema["maximum"].as_f64()) {
        (Some(least), Some(most)) if most < 1e9 => format!("{word} from {least} to {most}"),
        (Some(least), _) => format!("{word} from {least}"),
        _ => word.to_owned(),
    }
}

fn literal(word: &Value) -> String {
    if word.is_null() { "null".into() } else { word.to_string() }
}

/// The parameters of a kind and of the tables in it. A table that is another kind of embedding has a section of its own.
pub fn inside(kind: &Kind) -> Vec<(String, Parameter<'_>)> {
    let elsewhere: Vec<Kind> = Scheme::kinds();
    let mut all = kind.all_parameters();
    let is_elsewhere = |parameter: &Parameter| {
        let table = &parameter.schema["properties"];
        table.is_object() && elsewhere.iter().any(|kind| kind.schema["properties"] == *table)
    };
    let skipped: Vec<String> =
        all.iter().filter(|(_, parameter)| is_elsewhere(parameter)).map(|(path, _)| format!("{path}.")).collect();
    all.retain(|(path, _)| !skipped.iter().any(|skipped| path.starts_with(skipped)));
    all
}

/// The value of a parameter that is left out, in words: of an option of a training by the models that take it.
pub fn default(kind: &Kind, path: &str, parameter: &Parameter) -> Option<String> {
    if let Some(default) = parameter.default {
        return Some(default.to_string());
    }
    let of_models = if kind.name == "trained" { training::defaults(path) } else { Vec::new() };
    let mut different: Vec<(String, Vec<&str>)> = Vec::new();
    for (model, value) in of_models {
        match different.iter_mut().find(|(other, _)| *other == value) {
            Some((_, models)) => models.push(model),
            None => different.push((value, vec![model])),
        }
    }
    let words = match &different[..] {
        [] => return None,
        [(value, _)] => value.clone(),
        _ => different
            .iter()
            .map(|(value, models)| format!("{value} ({})", models.join(", ")))
            .collect::<Vec<_>>()
            .join(", "),
    };
    Some(words)
}

/// How a toy model is trained where the scenario does not say, as a sentence; nothing for other kinds.
pub fn recipe(kind: &Kind) -> Option<String> {
    let options: Vec<String> = training::OPTIONS
        .iter()
        .filter_map(|option| {
            let of_models = training::defaults(option);
            let (_, value) = of_models.into_iter().find(|(model, _)| *model == kind.name)?;
            Some(format!("{option} = {value}"))
        })
        .collect();
    let start = training::start(kind.name)?;
    Some(format!("Trained with {}, unless the scenario says otherwise. {start}", options.join(", ")))
}

fn parameters(page: &mut String, kind: &Kind, parameters: &[(String, Parameter)]) {
    if parameters.is_empty() {
        return;
    }
    page.push_str("\n| key | value | default | meaning |\n|---|---|---|---|\n");
    for (path, parameter) in parameters {
        let default = match (default(kind, path, parameter), parameter.required) {
            (Some(default), _) if parameter.default.is_some() => format!("`{default}`"),
            (Some(default), _) => default,
            (None, true) => "required".to_owned(),
            (None, false) => String::new(),
        };
        let value = cell(&allowed(parameter.schema));
        let _ = writeln!(page, "| `{path}` | {value} | {} | {} |", cell(&default), cell(parameter.manual));
    }
}

fn table<'a>(page: &mut String, columns: impl IntoIterator<Item = &'a Column>) {
    page.push_str("\n| column | unit | range | meaning |\n|---|---|---|---|\n");
    for column in columns {
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} |",
            column.name,
            column.unit.word(),
            column.range_words(),
            cell(&column.meaning)
        );
    }
}

/// Text as it may stand in a cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
