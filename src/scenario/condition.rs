//! Conditions: comparisons of numbers that a scenario knows by name, such as `d_model < concepts.count and not tiers.*.params > 1e9`.

mod parser;

/// A condition that holds or not, once its names have values.
///
/// `< <= > >= == !=` compare sums of `+ - * /`, unary minus, parentheses, numbers (`8`, `0.5`, `1e9`) and names; `a < b <= c` means
/// `a < b and b <= c`. Comparisons are joined by `not`, `and`, `or`, which bind in this order, weaker than comparisons.
/// A name is a dotted path of parts made of letters, digits and `_`, the first not beginning with a digit. A part may be `*` alone.
/// A part with other characters, or a whole path, stands in backquotes or double quotes: ``tiers.`GPT-3 175B`.params``.
///
/// Arithmetic is that of f64, and `==` is exact.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// Each name once, in the order in which they appear.
    names: Vec<String>,
    truth: Truth,
}

#[derive(Clone, Debug, PartialEq)]
enum Truth {
    /// The first number, then each further one with its relation to the one before.
    Chain(Number, Vec<(Relation, Number)>),
    Not(Box<Truth>),
    And(Vec<Truth>),
    Or(Vec<Truth>),
}

#[derive(Clone, Debug, PartialEq)]
enum Number {
    Constant(f64),
    /// The position in the list of names.
    Name(usize),
    Negative(Box<Number>),
    /// The first term, then the others with what joins them: a list, for a tree would be as deep as the sum is long.
    Joined(Box<Number>, Vec<(Operator, Number)>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Relation {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    Unequal,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operator {
    Plus,
    Minus,
    Times,
    Over,
}

impl Condition {
    /// Reads a condition of at most 1000 characters. The error is the end of a sentence whose subject the caller gives.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (truth, names) = parser::parse(text)?;
        Ok(Self { names, truth })
    }

    /// The names of which the condition needs the values, each once, in the order in which they appear. Quotes are taken off.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Whether the condition holds. `None` if any of its names has no value, or if a number that it compares is not one (0/0, ∞ − ∞).
    ///
    /// A name without a value is not excused by the rest of the condition: `1 < 2 or unknown > 1` is `None`.
    pub fn holds(&self, value: &dyn Fn(&str) -> Option<f64>) -> Option<bool> {
        let values: Option<Vec<f64>> = self.names().map(value).collect();
        self.truth.holds(&values?)
    }
}

impl Truth {
    fn holds(&self, values: &[f64]) -> Option<bool> {
        match self {
            Self::Chain(first, rest) => {
                let mut all = true;
                let mut left = first.value(values)?;
                for (relation, number) in rest {
                    let right = number.value(values)?;
                    all &= relation.holds(left, right);
                    left = right;
                }
                Some(all)
            }
            Self::Not(truth) => truth.holds(values).map(|holds| !holds),
            Self::And(truths) => truths.iter().try_fold(true, |all, truth| Some(all & truth.holds(values)?)),
            Self::Or(truths) => truths.iter().try_fold(false, |any, truth| Some(any | truth.holds(values)?)),
        }
    }
}

impl Number {
    /// The number, unless it is none.
    fn value(&self, values: &[f64]) -> Option<f64> {
        let value = match self {
            Self::Constant(number) => *number,
            Self::Name(position) => values[*position],
            Self::Negative(number) => -number.value(values)?,
            Self::Joined(first, rest) => rest.iter().try_fold(first.value(values)?, |left, (operator, number)| {
                Some(operator.of(left, number.value(values)?))
            })?,
        };
        (!value.is_nan()).then_some(value)
    }
}

impl Relation {
    fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
            Self::Equal => left == right,
            Self::Unequal => left != right,
        }
    }
}

impl Operator {
    fn of(self, left: f64, right: f64) -> f64 {
        match self {
            Self::Plus => left + right,
            Self::Minus => left - right,
            Self::Times => left * right,
            Self::Over => left / right,
        }
    }
}

#[cfg(test)]
mod tests;
