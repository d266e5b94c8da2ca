//! Made columns: those that a measure fills only where an option asks for them, found by trying its options.

use serde_json::{Value, json};

use crate::measure::Measures;
use crate::registry::Kind;
use crate::table::Column;

/// A column that is there with an option, and not without.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// The option as a scenario has it: `concepts = [1]`.
    pub option: String,
    /// The column, named and explained with the numbers of the option.
    pub column: Column,
}

/// The columns that the options of a measure add to those of its defaults, each option by itself, with 1 where it takes a number.
///
/// A list that is not empty by default adds none: its columns are those of its default numbers.
pub fn columns(kind: &Kind) -> Vec<Made> {
    let known: Vec<String> = filled(kind, &[]).iter().map(|column| unnumbered(&column.name)).collect();
    let mut made: Vec<Made> = Vec::new();
    for choice in choices(kind, &[1.0]) {
        for column in filled(kind, std::slice::from_ref(&choice)) {
            let is_known = known.contains(&unnumbered(&column.name));
            if !is_known && made.iter().all(|other| other.column.name != column.name) {
                made.push(Made { option: words(&[&choice]), column });
            }
        }
    }
    made
}

/// The column of this name, if one option or two together make it.
pub fn find(kind: &Kind, name: &str) -> Option<Made> {
    let choices = choices(kind, &numbers(name));
    let made = |chosen: &[&Choice]| {
        let given: Vec<Choice> = chosen.iter().map(|choice| (*choice).clone()).collect();
        let column = filled(kind, &given).into_iter().find(|column| column.name == name)?;
        Some(Made { option: words(chosen), column })
    };
    let pairs = choices.iter().enumerate().flat_map(|(i, a)| choices[i + 1..].iter().map(move |b| (a, b)));
    choices.iter().find_map(|choice| made(&[choice])).or_else(|| {
        let mut pairs = pairs.filter(|(a, b)| a.0 != b.0);
        pairs.find_map(|(a, b)| made(&[a, b]))
    })
}

/// An option with a value.
type Choice = (String, Value);

/// Values that the options of a measure might take: what fits none of them is no measure, and fills nothing.
fn choices(kind: &Kind, numbers: &[f64]) -> Vec<Choice> {
    let mut values = vec![json!(true), json!(false)];
    for &number in numbers {
        // A whole number must not be written as a real one.
        let number = if number.fract() == 0.0 && number.abs() < 9e15 { json!(number as i64) } else { json!(number) };
        values.extend([json!([number]), number]);
    }
    let options = kind.parameters().map(|parameter| parameter.name.to_owned());
    options.flat_map(|option| values.clone().into_iter().map(move |value| (option.clone(), value))).collect()
}

/// The columns of a measure with some of its options set; none if a value does not fit.
fn filled(kind: &Kind, choices: &[Choice]) -> Vec<Column> {
    let mut parameters = serde_json::to_value(Measures::all()).expect("parameters have a JSON form")[kind.name].take();
    for (option, value) in choices {
        parameters[option] = value.clone();
    }
    let measures: Option<Measures> = serde_json::from_value(json!({ kind.name: parameters })).ok();
    measures.iter().flat_map(|measures| measures.chosen()[0].member.columns()).collect()
}

/// The numbers in the name of a column: 12 in `norm_12`, ½ in `retrieval_accuracy_0p5`. The first is tried for want of any other.
fn numbers(name: &str) -> Vec<f64> {
    let written = name.split('_').map(|part| part.replace('p', ".").replace('m', "-"));
    let mut numbers: Vec<f64> = written.filter_map(|part| part.parse().ok()).filter(|x: &f64| x.is_finite()).collect();
    if numbers.is_empty() {
        numbers.push(1.0);
    }
    numbers
}

fn unnumbered(name: &str) -> String {
    name.chars().filter(|c| !c.is_ascii_digit()).collect()
}

fn words(choices: &[&Choice]) -> String {
    choices.iter().map(|(option, value)| format!("{option} = {value}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(measure: &str, name: &str) -> Option<(String, String)> {
        let kinds = Measures::kinds();
        let kind = kinds.iter().find(|kind| kind.name == measure).expect("a measure");
        find(kind, name).map(|made| (made.option, made.column.meaning.into_owned()))
    }

    #[test]
    fn law_a_column_is_found_by_the_option_that_makes_it_with_its_own_number() {
        let some = |option: &str, meaning: &str| Some((option.to_owned(), meaning.to_owned()));
        assert_eq!(found("represented", "norm_12"), some("concepts = [12]", "|w| of concept 12"));
        assert_eq!(
            found("training", "learned_fraction"),
            some("learned = [1]", "concepts that have been learned / n; undefined where learning one is no event")
        );
        assert_eq!(
            found("dimensionality", "fraction_digon"),
            some("polytopes = true", "concepts with D within 0.0125 of 0.5000 / n")
        );
        let theory = "theory: √(2d/(1 + 2ν²)) for random directions with noise of 0.25 lengths";
        assert_eq!(found("retrieval", "retrieval_d_prime_theory_0p25"), some("noise = [0.25]", theory));
        // Two options together.
        let (option, _) = found("neighbours", "neighbour_cosine_3_se").expect("a standard error");
        assert_eq!(option, "ranks = [3], sample = 3");
        assert_eq!(found("represented", "norm_0"), None, "concepts are counted from 1");
        assert_eq!(found("represented", "norm_x"), None);
    }
}
