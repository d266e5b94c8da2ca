//! The Python dict in the header, in the part of Python's syntax that NumPy writes: nothing is evaluated.
//!
//! The three versions of the format differ in the encoding of field names alone, and records with fields are refused;
//! what is left is ASCII.

use super::super::error::{Flaw, quoted};

/// The values under the three keys, which may stand in any order.
pub(super) struct Dict<'a> {
    pub descr: &'a str,
    pub is_fortran: bool,
    pub shape: Vec<u64>,
}

/// Reads the dict at byte `start` of a file that begins with `text`, the end of the header being the end of `text`.
pub(super) fn parse(text: &[u8], start: usize) -> Result<Dict<'_>, Flaw> {
    let mut literal = Literal { text, at: start };
    let (mut descr, mut is_fortran, mut shape) = (None, None, None);
    literal.expect(b'{', "'{'")?;
    while !literal.eats(b'}') {
        let key = literal.string("a key in quotes")?;
        literal.expect(b':', "':'")?;
        match key {
            "descr" => once("descr", &mut descr, literal.dtype()?)?,
            "fortran_order" => once("fortran_order", &mut is_fortran, literal.boolean()?)?,
            "shape" => once("shape", &mut shape, literal.shape()?)?,
            _ => {
                return Err(Flaw::UnknownKey { key: quoted(key) });
            }
        }
        if !literal.eats(b',') {
            literal.expect(b'}', "',' or '}'")?;
            break;
        }
    }
    literal.skip_spaces();
    if literal.at < text.len() {
        return Err(literal.wrong("nothing but spaces after '}'"));
    }
    let missing = |key| Flaw::MissingKey { key };
    Ok(Dict {
        descr: descr.ok_or_else(|| missing("descr"))?,
        is_fortran: is_fortran.ok_or_else(|| missing("fortran_order"))?,
        shape: shape.ok_or_else(|| missing("shape"))?,
    })
}

/// Python would take the last of two; a file that says two things is not believed in either.
fn once<T>(key: &'static str, slot: &mut Option<T>, value: T) -> Result<(), Flaw> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Flaw::RepeatedKey { key }),
    }
}

struct Literal<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Literal<'a> {
    fn dtype(&mut self) -> Result<&'a str, Flaw> {
        if matches!(self.peek(), Some(b'[' | b'(')) {
            return Err(Flaw::Structured);
        }
        self.string("a dtype in quotes")
    }

    fn string(&mut self, expected: &'static str) -> Result<&'a str, Flaw> {
        let Some(quote @ (b'\'' | b'"')) = self.peek() else {
            return Err(self.wrong(expected));
        };
        self.at += 1;
        let is_plain = |byte: &&u8| (b' '..=b'~').contains(*byte) && ![quote, b'\\'].contains(*byte);
        let n_bytes = self.rest().iter().take_while(is_plain).count();
        let string = str::from_utf8(&self.rest()[..n_bytes]);
        self.at += n_bytes;
        match string {
            Ok(string) if self.rest().first() == Some(&quote) => {
                self.at += 1;
                Ok(string)
            }
            _ => Err(self.wrong("plain ASCII and a closing quote")),
        }
    }

    fn boolean(&mut self) -> Result<bool, Flaw> {
        self.skip_spaces();
        for (word, value) in [("True", true), ("False", false)] {
            if self.rest().starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.wrong("True or False"))
    }

    fn shape(&mut self) -> Result<Vec<u64>, Flaw> {
        let mut shape = Vec::new();
        self.expect(b'(', "'('")?;
        while !self.eats(b')') {
            shape.push(self.integer()?);
            let has_comma = self.eats(b',');
            // In Python (3) is a number and (3,) a tuple.
            if !has_comma && shape.len() == 1 {
                return Err(self.wrong("','"));
            }
            if !has_comma {
                self.expect(b')', "',' or ')'")?;
                break;
            }
        }
        Ok(shape)
    }

    fn integer(&mut self) -> Result<u64, Flaw> {
        self.skip_spaces();
        let n_digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = match &self.rest()[..n_digits] {
            [b'0', _, ..] => None,
            digits => str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()),
        };
        let number = number.ok_or_else(|| self.wrong("a whole number below 2^64"))?;
        self.at += n_digits;
        Ok(number)
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_spaces(&mut self) {
        let is_space = |byte: &&u8| [b' ', b'\t', b'\r', b'\n'].contains(*byte);
        self.at += self.rest().iter().take_while(is_space).count();
    }

    /// The next byte that is no space, and stands at it.
    fn peek(&mut self) -> Option<u8> {
        self.skip_spaces();
        self.rest().first().copied()
    }

    fn eats(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), Flaw> {
        if self.eats(byte) { Ok(()) } else { Err(self.wrong(expected)) }
    }

    fn wrong(&self, expected: &'static str) -> Flaw {
        let found = match self.rest().first() {
            None => "its end".to_string(),
            Some(b'\'') => "a quote".to_string(),
            Some(byte) => format!("'{}'", byte.escape_ascii()),
        };
        Flaw::Syntax { expected, at: self.at, found }
    }
}
