//! Explain: any kind or column in the words of the code that computes it, any model in the numbers that were published.

use std::fmt::Write;

use crate::analysis::Conclusion;
use crate::catalogue::{self, Model};
use crate::embedding::Scheme;
use crate::quantity::{abridged, shortest};
use crate::registry::Kind;
use crate::scenario::plan::{KEYS, OPTIONAL_KEYS};
use crate::schema::{allowed, default, inside, made, measures, recipe};
use crate::suggestion::did_you_mean;
use crate::table::Column;
use crate::training::Architecture;

/// What a name means: an embedding, a toy model, a measure, an analysis, a column or a published model; or a sentence with the nearest right name.
pub fn explain(name: &str) -> Result<String, String> {
    let embeddings = Scheme::kinds();
    if let Some(kind) = embeddings.iter().find(|kind| kind.name == name || kind.alias == Some(name)) {
        return Ok(describe_kind("embedding", &format!("embedding.{} = {{ … }}", kind.name), kind));
    }
    let trained = Architecture::kinds();
    if let Some(kind) = trained.iter().find(|kind| kind.name == name) {
        return Ok(describe_kind("toy model", &format!("embedding.trained.model.{} = {{ … }}", kind.name), kind));
    }
    let measures = measures();
    if let Some((kind, columns)) = measures.iter().find(|(kind, _)| kind.name == name) {
        let mut text = describe_kind("measure", &format!("[measure.{}]", kind.name), kind);
        text.push_str("\nColumns:\n");
        for column in columns {
            let _ = writeln!(text, "  {:<28} {}", column.name, column.meaning);
        }
        for made in made::columns(kind).chunk_by(|a, b| a.option == b.option) {
            let _ = writeln!(text, "with {} also:", made[0].option);
            for column in made.iter().map(|made| &made.column) {
                let _ = writeln!(text, "  {:<28} {}", column.name, column.meaning);
            }
        }
        return Ok(text);
    }
    let analyses = Conclusion::kinds();
    if let Some(kind) = analyses.iter().find(|kind| kind.name == name) {
        return Ok(describe_kind("analysis", &format!("[[analysis]] with {} = {{ … }}", kind.name), kind));
    }
    let of_measures =
        measures.iter().flat_map(|(kind, columns)| columns.iter().map(move |column| (Some(kind), column)));
    let columns: Vec<(Option<&Kind>, &Column)> =
        KEYS.iter().chain(&OPTIONAL_KEYS).map(|key| (None, key)).chain(of_measures).collect();
    if let Some((kind, column)) = columns.iter().find(|(_, column)| column.name == name) {
        return Ok(describe_column(*kind, column, None));
    }
    // Options make columns, and may have their numbers in the names.
    for (kind, _) in &measures {
        if let Some(made) = made::find(kind, name) {
            return Ok(describe_column(Some(kind), &made.column, Some(&made.option)));
        }
    }
    if let Ok(model) = catalogue::model(name) {
        return Ok(describe_model(model));
    }
    let kinds = embeddings
        .iter()
        .chain(&trained)
        .chain(measures.iter().map(|(kind, _)| kind))
        .chain(&analyses)
        .map(|kind| kind.name);
    let made: Vec<_> = measures.iter().flat_map(|(kind, _)| made::columns(kind)).collect();
    let made = made.iter().map(|made| made.column.name.as_ref());
    let names = kinds.chain(columns.iter().map(|(_, column)| column.name.as_ref())).chain(made);
    let mut near = did_you_mean(name, names.chain(catalogue::models().iter().map(|model| model.name.as_str())));
    if near.is_empty() {
        near = "; superpose list shows what there is".to_owned();
    }
    Err(format!("{} is no embedding, toy model, measure, analysis, column or model{near}", abridged(name)))
}

fn describe_kind(family: &str, usage: &str, kind: &Kind) -> String {
    let mut text = format!("{} ({family})\n\n{}\n\nIn a scenario: {usage}\n", kind.name, kind.manual());
    for (path, parameter) in inside(kind) {
        let default = default(kind, &path, &parameter).map_or(String::new(), |default| format!(", default {default}"));
        let value = allowed(parameter.schema);
        let _ = writeln!(text, "  {path}: {value}{default}\n      {}", parameter.manual.replace('\n', " "));
    }
    if let Some(recipe) = recipe(kind) {
        let _ = writeln!(text, "\n{recipe}");
    }
    text
}

fn describe_column(kind: Option<&Kind>, column: &Column, option: Option<&str>) -> String {
    let of = kind.map_or("key of every row".to_owned(), |kind| format!("column of measure {}", kind.name));
    let mut text = format!(
        "{} ({of})\n\n{}\n\nunit    {}\nrange   {}\n",
        column.name,
        column.meaning,
        column.unit.word(),
        column.range_words()
    );
    if let Some(option) = option {
        let _ = writeln!(text, "option  {option}");
    }
    if let Some(theory) = &column.theory {
        let _ = writeln!(text, "theory  {theory}");
    }
    if !column.cost.is_empty() {
        let _ = writeln!(text, "cost    {}", column.cost);
    }
    if !column.source.is_empty() {
        let _ = writeln!(text, "source  {}", column.source);
    }
    if let Some(kind) = kind {
        let changes: Vec<&str> = column.unmoved_by.iter().map(|change| change.words()).collect();
        let changes =
            if changes.is_empty() { "no change of the vectors to the last bit".to_owned() } else { changes.join(", ") };
        let _ = writeln!(text, "unmoved by {changes}");
        let _ = write!(text, "\nThe measure (with its cost):\n{}\n", kind.manual());
    }
    text
}

fn describe_model(model: &Model) -> String {
    let number = |value: Option<f64>| value.map_or("–".to_owned(), shortest);
    let whole = |value: Option<u64>| value.map_or("–".to_owned(), |value| value.to_string());
    let compute = match (model.compute, model.compute()) {
        (None, Some(derived)) => format!("– (6·N·D is {derived:.2e} FLOP)"),
        (compute, _) => compute.map_or("–".to_owned(), |compute| format!("{} FLOP", shortest(compute))),
    };
    let mut facts = vec![
        ("maker", model.maker.clone()),
        ("year", model.year.to_string()),
        ("params", number(model.params)),
        ("d_model", whole(model.d_model)),
        ("layers", whole(model.layers)),
        ("tokens", number(model.tokens)),
        ("compute", compute),
        ("context", whole(model.context)),
        ("published", model.openness.words().to_owned()),
        ("source", model.source.clone()),
    ];
    if let Some(active) = model.active_params {
        facts.insert(3, ("active", format!("{} (a mixture of experts: what one token meets)", shortest(active))));
    }
    if let (Some(benchmark), Some(score)) = (&model.benchmark, model.score) {
        facts.insert(facts.len() - 1, ("score", format!("{} % ({benchmark})", shortest(score))));
    }
    if !model.note.is_empty() {
        facts.push(("note", model.note.clone()));
    }
    let mut text = format!("{} (model)\n\n", model.name);
    for (fact, value) in facts {
        let _ = writeln!(text, "{fact:<10} {value}");
    }
    let _ =
        writeln!(text, "\n– where no number was published\n\nIn a scenario: [[tiers]] with model = \"{}\"", model.name);
    text
}
