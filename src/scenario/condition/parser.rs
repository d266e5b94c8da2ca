//! The text of a condition, read from its beginning.

use super::{Number, Operator, Relation, Truth};
use crate::quantity::abridged;

/// The longest text of a condition, in characters.
const LONGEST: usize = 1000;

/// How many parentheses, signs and `not` may stand around one another.
const DEEPEST: usize = 64;

/// What a text says, and the names in it; or the end of a sentence about what is wrong with it.
pub(super) fn parse(text: &str) -> Result<(Truth, Vec<String>), String> {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() > LONGEST {
        return Err(format!("has {} characters; at most {LONGEST} are allowed", chars.len()));
    }
    let mut reader = Reader { chars, at: 0, depth: 0, names: vec![] };
    let truth = reader.either()?.truth(&mut reader)?;
    if reader.next().is_some() {
        return Err(reader.expects_after_truth("the end"));
    }
    Ok((truth, reader.names))
}

/// What stands in parentheses may be either, which shows only at its end.
enum Either {
    Truth(Truth),
    Number(Number),
}

impl Either {
    fn truth(self, reader: &mut Reader) -> Result<Truth, String> {
        match self {
            Self::Truth(truth) => Ok(truth),
            Self::Number(_) => Err(reader.expects("an operator or a comparison (< <= > >= == !=)")),
        }
    }

    /// The number, which began at a place.
    fn number(self, start: usize) -> Result<Number, String> {
        match self {
            Self::Number(number) => Ok(number),
            Self::Truth(_) => Err(format!("expects a number at character {}, found a comparison", start + 1)),
        }
    }
}

/// What may begin a number.
const NUMBER: &str = "a number, a name or \"(\"";

/// What may begin a comparison.
const TRUTH: &str = "a number, a name, \"not\" or \"(\"";

/// Reads a text from its beginning, one method for each binding strength, from the weakest.
struct Reader {
    chars: Vec<char>,
    at: usize,
    depth: usize,
    names: Vec<String>,
}

impl Reader {
    /// `a or b`.
    fn either(&mut self) -> Result<Either, String> {
        self.joined("or", Truth::Or, |reader| reader.joined("and", Truth::And, Self::not))
    }

    /// `a word b word c`, or `a` alone, which may then be a number.
    fn joined(
        &mut self,
        word: &str,
        join: fn(Vec<Truth>) -> Truth,
        part: fn(&mut Self) -> Result<Either, String>,
    ) -> Result<Either, String> {
        let first = part(self)?;
        if !self.is_before(word) {
            return Ok(first);
        }
        let mut truths = vec![first.truth(self)?];
        while self.is_before(word) {
            self.at += word.len();
            truths.push(part(self)?.truth(self)?);
        }
        Ok(Either::Truth(join(truths)))
    }

    /// `not a`.
    fn not(&mut self) -> Result<Either, String> {
        if !self.is_before("not") {
            return self.comparison();
        }
        let start = self.at;
        self.at += "not".len();
        let inner = self.deeper(start, Self::not)?.truth(self)?;
        Ok(Either::Truth(Truth::Not(Box::new(inner))))
    }

    /// `a < b <= c`.
    fn comparison(&mut self) -> Result<Either, String> {
        let first = match self.sum(TRUTH)? {
            Either::Number(number) => number,
            truth => return Ok(truth),
        };
        let mut rest = vec![];
        while let Some(relation) = self.take_relation() {
            let start = self.start();
            rest.push((relation, self.sum(NUMBER)?.number(start)?));
        }
        Ok(if rest.is_empty() { Either::Number(first) } else { Either::Truth(Truth::Chain(first, rest)) })
    }

    /// `a + b - c`.
    fn sum(&mut self, allowed: &str) -> Result<Either, String> {
        self.terms(allowed, [('+', Operator::Plus), ('-', Operator::Minus)], |reader, allowed| {
            reader.terms(allowed, [('*', Operator::Times), ('/', Operator::Over)], Self::operand)
        })
    }

    /// Terms joined by operators that bind equally, from the left.
    fn terms(
        &mut self,
        allowed: &str,
        operators: [(char, Operator); 2],
        term: fn(&mut Self, &str) -> Result<Either, String>,
    ) -> Result<Either, String> {
        let first = match term(self, allowed)? {
            Either::Number(number) => number,
            truth => return Ok(truth),
        };
        let mut rest = vec![];
        while let Some(&(_, operator)) = operators.iter().find(|(sign, _)| self.next() == Some(*sign)) {
            self.at += 1;
            let start = self.start();
            rest.push((operator, term(self, NUMBER)?.number(start)?));
        }
        Ok(Either::Number(if rest.is_empty() { first } else { Number::Joined(Box::new(first), rest) }))
    }

    /// A number, a name, `-a`, or anything in parentheses.
    fn operand(&mut self, allowed: &str) -> Result<Either, String> {
        let start = self.start();
        match self.next() {
            Some('(') => {
                self.at += 1;
                let inner = self.deeper(start, Self::either)?;
                match (self.next(), &inner) {
                    (Some(')'), _) => {
                        self.at += 1;
                        Ok(inner)
                    }
                    (_, Either::Truth(_)) => Err(self.expects_after_truth("\")\"")),
                    (_, Either::Number(_)) => Err(self.expects("an operator, a comparison (< <= > >= == !=) or \")\"")),
                }
            }
            Some('-') => {
                self.at += 1;
                let inner_start = self.start();
                let inner = self.deeper(start, |reader| reader.operand(NUMBER))?.number(inner_start)?;
                Ok(Either::Number(Number::Negative(Box::new(inner))))
            }
            Some(c) if c.is_ascii_digit() => self.constant(),
            Some('*') if self.chars.get(self.at + 1) != Some(&'.') => Err(self.expects(allowed)),
            Some(c) if is_of_a_name(c) || "*\"`".contains(c) => {
                let is_taken = ["and", "or", "not"].iter().any(|word| self.is_before(word));
                if is_taken { Err(self.expects(allowed)) } else { self.name() }
            }
            _ => Err(self.expects(allowed)),
        }
    }

    /// `8`, `0.5`, `1e9`.
    fn constant(&mut self) -> Result<Either, String> {
        let start = self.at;
        self.at = self.end_of(|c| c.is_ascii_digit());
        if self.chars.get(self.at) == Some(&'.') && self.is_digit(self.at + 1) {
            self.at += 1;
            self.at = self.end_of(|c| c.is_ascii_digit());
        }
        if let Some('e' | 'E') = self.chars.get(self.at) {
            let sign = usize::from(matches!(self.chars.get(self.at + 1), Some('+' | '-')));
            if self.is_digit(self.at + 1 + sign) {
                self.at += 1 + sign;
                self.at = self.end_of(|c| c.is_ascii_digit());
            }
        }
        let digits: String = self.chars[start..self.at].iter().collect();
        match digits.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Either::Number(Number::Constant(number))),
            _ => Err(format!("expects a number below 1.8e308 at character {}, found {}", start + 1, abridged(&digits))),
        }
    }

    /// A dotted path.
    fn name(&mut self) -> Result<Either, String> {
        let mut name = String::new();
        loop {
            match self.chars.get(self.at) {
                Some(&quote @ ('"' | '`')) => name.push_str(&self.quoted(quote)?),
                Some('*') => {
                    name.push('*');
                    self.at += 1;
                }
                Some(&c) if is_of_a_name(c) => {
                    let end = self.end_of(is_of_a_name);
                    name.extend(&self.chars[self.at..end]);
                    self.at = end;
                }
                _ => return Err(self.expects_here("the next part of the name")),
            }
            if self.chars.get(self.at) != Some(&'.') {
                break;
            }
            name.push('.');
            self.at += 1;
        }
        let position = self.names.iter().position(|known| *known == name).unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        });
        Ok(Either::Number(Number::Name(position)))
    }

    /// The name in quotes that begins here; it may hold anything but its own quotes.
    fn quoted(&mut self, quote: char) -> Result<String, String> {
        let start = self.at;
        let after = &self.chars[start + 1..];
        let Some(length) = after.iter().position(|&c| c == quote) else {
            return Err(format!("expects a second {quote} after the one at character {}, found the end", start + 1));
        };
        if length == 0 {
            return Err(format!("expects a name in the quotes at character {}, found nothing", start + 1));
        }
        self.at = start + length + 2;
        Ok(after[..length].iter().collect())
    }

    fn take_relation(&mut self) -> Option<Relation> {
        let (relation, length) = match (self.next()?, self.chars.get(self.at + 1)) {
            ('<', Some('=')) => (Relation::LessOrEqual, 2),
            ('>', Some('=')) => (Relation::GreaterOrEqual, 2),
            ('=', Some('=')) => (Relation::Equal, 2),
            ('!', Some('=')) => (Relation::Unequal, 2),
            ('<', _) => (Relation::Less, 1),
            ('>', _) => (Relation::Greater, 1),
            _ => return None,
        };
        self.at += length;
        Some(relation)
    }

    /// Reads what is within something that began at a place.
    fn deeper(
        &mut self,
        start: usize,
        inner: impl FnOnce(&mut Self) -> Result<Either, String>,
    ) -> Result<Either, String> {
        if self.depth == DEEPEST {
            let found = abridged(&self.found(start));
            return Err(format!(
                "has {found} at character {} within {DEEPEST} others of \"(\", \"-\" and \"not\"; at most {DEEPEST} may stand around one another",
                start + 1
            ));
        }
        self.depth += 1;
        let inner = inner(self);
        self.depth -= 1;
        inner
    }

    /// Goes past spaces to where the next thing begins.
    fn start(&mut self) -> usize {
        self.at = self.end_of(char::is_whitespace);
        self.at
    }

    /// The next character that is not a space.
    fn next(&mut self) -> Option<char> {
        let start = self.start();
        self.chars.get(start).copied()
    }

    /// Whether a word comes next, and is not the beginning of a name.
    fn is_before(&mut self, word: &str) -> bool {
        let start = self.start();
        let after = self.end_of(|c| is_of_a_name(c) || c == '.');
        self.chars[start..after].iter().copied().eq(word.chars())
    }

    /// The end of the run of such characters that begins here.
    fn end_of(&self, belongs: impl Fn(char) -> bool) -> usize {
        self.at + self.chars[self.at..].iter().take_while(|&&c| belongs(c)).count()
    }

    fn is_digit(&self, at: usize) -> bool {
        self.chars.get(at).is_some_and(char::is_ascii_digit)
    }

    /// The error that something else was expected next.
    fn expects(&mut self, allowed: &str) -> String {
        self.start();
        self.expects_here(allowed)
    }

    /// The error that something else was expected at this very character.
    fn expects_here(&self, allowed: &str) -> String {
        let found = self.found(self.at);
        let found = if found.is_empty() { "the end".to_owned() } else { abridged(&found) };
        format!("expects {allowed} at character {}, found {found}", self.at + 1)
    }

    /// The error after a comparison, which an operator may prolong unless it stands in parentheses.
    fn expects_after_truth(&mut self, end: &str) -> String {
        let is_closed = self.chars[..self.at].iter().rfind(|c| !c.is_whitespace()) == Some(&')');
        let operator = if is_closed { "" } else { "an operator, " };
        self.expects(&format!("{operator}\"and\", \"or\" or {end}"))
    }

    /// The word, the relation or the character at a place, for a message.
    fn found(&self, at: usize) -> String {
        let rest = &self.chars[at..];
        let is_relation = matches!(rest, ['<' | '>' | '=' | '!', '=', ..]);
        let word = rest.iter().take_while(|&&c| is_of_a_name(c) || c == '.').count();
        let length = if is_relation { 2 } else { word.max(1) };
        rest.iter().take(length).collect()
    }
}

/// Letters of any language, digits and `_`.
fn is_of_a_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
