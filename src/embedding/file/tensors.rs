//! Tensors: what a file of several holds, and which of it is meant.

use std::cmp::Reverse;
use std::fmt;

use super::error::Flaw;
use crate::quantity::quoted;

/// A tensor as a file announces it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Announced {
    pub name: String,
    /// As the file writes it; empty where it is not known yet.
    pub dtype: String,
    pub shape: Vec<u64>,
    /// Whether it is a matrix of floats.
    pub is_matrix: bool,
}

/// How many names a sentence shows.
const SHOWN: usize = 20;

/// Names from which one is to be chosen, as a sentence lists them.
#[derive(Debug)]
pub(super) struct Choice {
    shown: Vec<String>,
    n_more: usize,
}

/// The one that is named or, without a name, the only matrix.
pub(super) fn choose<'a>(tensors: &[&'a Announced], name: Option<&str>) -> Result<&'a Announced, Flaw> {
    if let Some(name) = name {
        return tensors.iter().copied().find(|tensor| tensor.name == name).ok_or_else(|| {
            let mut ranking = Ranking::new(name);
            tensors.iter().for_each(|tensor| ranking.push(&tensor.name, || tensor.to_string()));
            Flaw::NoTensor { name: name.to_owned(), choice: ranking.choice() }
        });
    }
    let mut matrices: Vec<&Announced> = tensors.iter().copied().filter(|tensor| tensor.is_matrix).collect();
    match matrices[..] {
        [only] => Ok(only),
        [] => Err(Flaw::NoMatrix { choice: Choice::of(tensors.iter().map(|tensor| tensor.to_string())) }),
        _ => {
            // The largest are most likely meant.
            let n_values = |tensor: &Announced| tensor.shape.iter().fold(1_u64, |n, axis| n.saturating_mul(*axis));
            matrices.sort_by_key(|tensor| Reverse(n_values(tensor)));
            Err(Flaw::Choose {
                n: matrices.len(),
                choice: Choice::of(matrices.iter().map(|tensor| tensor.to_string())),
            })
        }
    }
}

/// A name is told to be typed: those of real models have some 60 characters.
const NAME_CHARS: usize = 120;

impl Choice {
    /// In the order given.
    pub fn of(names: impl ExactSizeIterator<Item = String>) -> Self {
        let n_more = names.len().saturating_sub(SHOWN);
        Self { shown: names.take(SHOWN).collect(), n_more }
    }
}

/// The names that are most like a word: those that hold it or are held by it, then by the similarity of Jaro and Winkler; without a word, the first.
///
/// Holds no more of them than are shown.
pub(super) struct Ranking {
    word: String,
    best: Vec<(f64, String)>,
    n: usize,
}

impl Ranking {
    pub fn new(word: &str) -> Self {
        Self { word: word.to_lowercase(), best: Vec::with_capacity(SHOWN + 1), n: 0 }
    }

    pub fn push(&mut self, name: &str, shown: impl FnOnce() -> String) {
        self.n += 1;
        let score = if self.word.is_empty() {
            0.0
        } else {
            let name = name.to_lowercase();
            let holds = !name.is_empty() && (name.contains(&self.word) || self.word.contains(&name));
            strsim::jaro_winkler(&self.word, &name) + f64::from(u8::from(holds))
        };
        let rank = self.best.partition_point(|(other, _)| *other >= score);
        if rank < SHOWN {
            self.best.insert(rank, (score, shown()));
            self.best.truncate(SHOWN);
        }
    }

    pub fn choice(self) -> Choice {
        let n_more = self.n - self.best.len();
        Choice { shown: self.best.into_iter().map(|(_, shown)| shown).collect(), n_more }
    }
}

impl fmt::Display for Announced {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&quoted(&self.name, NAME_CHARS))?;
        if self.dtype.is_empty() {
            return Ok(());
        }
        let axes: Vec<String> = self.shape.iter().take(8).map(u64::to_string).collect();
        match axes.len() {
            0 => write!(f, " ({})", self.dtype),
            _ => write!(f, " ({} {})", self.dtype, axes.join(" × ")),
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.shown.is_empty() {
            return f.write_str("none");
        }
        f.write_str(&self.shown.join(", "))?;
        match self.n_more {
            0 => Ok(()),
            n => write!(f, " and {n} more"),
        }
    }
}
