//! Tests of conditions: worked examples, every error in full, and random texts.

use super::*;
use crate::seed::Stream;
use rand::RngExt;

/// n = 64, d = 8, and a few with longer names.
fn value(name: &str) -> Option<f64> {
    Some(match name {
        "n" => 64.0,
        "d" => 8.0,
        "tiers.GPT-3 175B.params" => 175e9,
        "tiers.*.embedding.support.lambda" => 0.5,
        "tiers.13B.大小" => 13e9,
        "*.x" => 2.0,
        "and.x" | "notes" => 3.0,
        "nan" => f64::NAN,
        _ => return None,
    })
}

fn holds(text: &str) -> Option<bool> {
    Condition::parse(text).unwrap_or_else(|error| panic!("{text} {error}")).holds(&value)
}

#[test]
fn theory_worked_examples() {
    for (text, expected) in [
        // Relations.
        ("d < n", true),
        ("n < n", false),
        ("n <= n", true),
        ("n >= 65", false),
        ("n > 63.5", true),
        ("n == 6.4e1", true),
        ("n != 64", false),
        ("0.1 + 0.2 == 0.3", false),
        // Arithmetic: products before sums, from the left, the sign first.
        ("1 + 2 * 3 == 7", true),
        ("(1 + 2) * 3 == 9", true),
        ("20 - 5 - 3 == 12", true),
        ("64 / 4 / 2 == 8", true),
        ("2 * 6 / 4 * 3 == 9", true),
        ("-2 * -3 == 6", true),
        ("1 - -1 == 2", true),
        ("- - 2 == 2", true),
        ("-(1 + 2) == -3", true),
        ("n/d/d==1", true),
        ("1 / 0 > 1e300", true),
        ("1E-2 == 0.01", true),
        // Chains.
        ("1 < 2 < 3", true),
        ("3 > 2 > 2", false),
        ("1 < 3 > 2", true),
        ("1 < d <= 8 == d != n", true),
        // not before and before or.
        ("1 > 2 and 1 > 2 or 1 < 2", true),
        ("1 < 2 or 1 < 2 and 1 > 2", true),
        ("(1 < 2 or 1 < 2) and 1 > 2", false),
        ("not 1 > 2 and 1 < 2", true),
        ("not 1 < 2 or 1 < 2", true),
        ("not (1 < 2 or 1 < 2)", false),
        ("not not d < n", true),
        ("not d == n", true),
        ("((d) < (n))", true),
        ("(d + 1) < n and (d < n)", true),
        // Names.
        ("tiers.`GPT-3 175B`.params > 1e11", true),
        ("\"tiers.GPT-3 175B.params\" == 175e9", true),
        ("tiers.*.embedding.support.lambda*2 == 1", true),
        ("3*tiers.*.embedding.support.lambda == 1.5", true),
        ("tiers.13B.大小 > 1e10", true),
        ("*.x * *.x == 4", true),
        ("d**.x == 16", true),
        ("and.x == notes", true),
        ("not notes == d", true),
    ] {
        assert_eq!(holds(text), Some(expected), "{text}");
    }
}

#[test]
fn theory_what_has_no_value_decides_nothing() {
    for text in [
        "unknown > 1",
        "d < n or unknown > 1",
        "not unknown > 1",
        "2 < 1 < unknown",
        "0 / 0 == 1",
        "0 / 0 != 1",
        "not (1/0 - 1/0 < 1)",
        "1 < 2 or 0 / 0 < 1",
        "nan > 1",
    ] {
        assert_eq!(holds(text), None, "{text}");
    }
}

#[test]
fn theory_names_are_listed_once_in_order() {
    let condition = Condition::parse("b.c < a and not `b.c` > \"x y\" * a.*").unwrap();
    assert_eq!(condition.names().collect::<Vec<_>>(), ["b.c", "a", "x y", "a.*"]);
}

#[test]
fn theory_every_error_says_where_what_and_what_instead() {
    let deep = format!("{}1{} < 2", "(".repeat(65), ")".repeat(65));
    let negative = format!("{}1 < 2", "- ".repeat(65));
    let long = format!("d < {}", "9".repeat(997));
    let huge = "9".repeat(400);
    for (text, sentence) in [
        ("", r#"expects a number, a name, "not" or "(" at character 1, found the end"#),
        ("d <", r#"expects a number, a name or "(" at character 4, found the end"#),
        ("concepts.count < 3 * * 2", r#"expects a number, a name or "(" at character 22, found "*""#),
        ("d < n and or", r#"expects a number, a name, "not" or "(" at character 11, found "or""#),
        ("d < not n", r#"expects a number, a name or "(" at character 5, found "not""#),
        ("大 < .5", r#"expects a number, a name or "(" at character 5, found ".5""#),
        ("d", "expects an operator or a comparison (< <= > >= == !=) at character 2, found the end"),
        ("d = 8", r#"expects an operator or a comparison (< <= > >= == !=) at character 3, found "=""#),
        ("n and d < 8", r#"expects an operator or a comparison (< <= > >= == !=) at character 3, found "and""#),
        ("not n", "expects an operator or a comparison (< <= > >= == !=) at character 6, found the end"),
        (
            "tiers.GPT-3 175B.params > 1",
            r#"expects an operator or a comparison (< <= > >= == !=) at character 13, found "175B.params""#,
        ),
        ("d < n = 8", r#"expects an operator, "and", "or" or the end at character 7, found "=""#),
        ("d < n && n < 9", r#"expects an operator, "and", "or" or the end at character 7, found "&""#),
        ("d < n)", r#"expects an operator, "and", "or" or the end at character 6, found ")""#),
        ("(d < n) <= 3", r#"expects "and", "or" or the end at character 9, found "<=""#),
        ("(d < n", r#"expects an operator, "and", "or" or ")" at character 7, found the end"#),
        ("((d < n) 3", r#"expects "and", "or" or ")" at character 10, found "3""#),
        ("(d 2) < n", r#"expects an operator, a comparison (< <= > >= == !=) or ")" at character 4, found "2""#),
        ("1 + (d < n)", "expects a number at character 5, found a comparison"),
        ("d < (d < n)", "expects a number at character 5, found a comparison"),
        ("- (d < n)", "expects a number at character 3, found a comparison"),
        ("d. < 2", r#"expects the next part of the name at character 3, found " ""#),
        ("d.", "expects the next part of the name at character 3, found the end"),
        ("d..x < 2", r#"expects the next part of the name at character 3, found ".x""#),
        ("d.`x < 2", "expects a second ` after the one at character 3, found the end"),
        ("\"\" < 2", "expects a name in the quotes at character 1, found nothing"),
        ("d < 1e999", r#"expects a number below 1.8e308 at character 5, found "1e999""#),
        (&huge, r#"expects a number below 1.8e308 at character 1, found "9999999999999999999999999999999999999999…""#),
        ("d < n\u{202e}", r#"expects an operator, "and", "or" or the end at character 6, found "\u{202e}""#),
        (
            &deep,
            r#"has "(" at character 65 within 64 others of "(", "-" and "not"; at most 64 may stand around one another"#,
        ),
        (
            &negative,
            r#"has "-" at character 129 within 64 others of "(", "-" and "not"; at most 64 may stand around one another"#,
        ),
        (&long, "has 1001 characters; at most 1000 are allowed"),
    ] {
        assert_eq!(Condition::parse(text).unwrap_err(), sentence, "{text}");
    }
}

#[test]
fn law_the_limits_themselves_are_allowed() {
    assert_eq!(holds(&format!("{}1{} < 2", "(".repeat(64), ")".repeat(64))), Some(true));
    assert_eq!(holds(&format!("{}1 > 2", "not ".repeat(63))), Some(true));
    assert_eq!(holds(&format!("0 < 1{}", "+1".repeat(497))), Some(true));
    assert_eq!(holds(&format!("0{}", "<n-63".repeat(199))), Some(false));
}

#[test]
fn law_random_texts_never_panic() {
    let pieces = [
        "(",
        ")",
        "-",
        "+",
        "*",
        "/",
        "<",
        "<=",
        ">",
        ">=",
        "==",
        "!=",
        "=",
        "!",
        " ",
        " and ",
        " or ",
        " not ",
        "d",
        "n",
        "tiers.*.x",
        "*.",
        ".",
        "..",
        "8",
        "1e9",
        "0.5",
        "1e",
        "e9",
        "`",
        "\"",
        "`a b`",
        "大",
        "\u{202e}",
        "\t",
        "_",
        "&",
        "unknown",
    ];
    let mut rng = Stream::from_seed(0).stream("conditions").rng();
    let (mut n_parsed, mut n_refused) = (0, 0);
    for _ in 0..20_000 {
        let n_pieces = rng.random_range(0..12_usize);
        let text: String = (0..n_pieces).map(|_| pieces[rng.random_range(0..pieces.len())]).collect();
        match Condition::parse(&text) {
            Ok(condition) => {
                condition.holds(&value);
                n_parsed += 1;
            }
            Err(sentence) => {
                assert!(sentence.starts_with("expects ") && !sentence.contains('\n'), "{text}: {sentence}");
                n_refused += 1;
            }
        }
    }
    assert!(n_parsed > 50 && n_refused > 10_000, "{n_parsed} parsed, {n_refused} refused");
}
