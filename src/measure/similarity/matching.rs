//! Matching: which concept of one side is which of the other.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::Subject;

/// What tells that two representations speak of the same concept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Its name, which must stand once on each side. Concepts that one side lacks are left out.
    Name,
    /// Its number. Both sides must have as many, counting those that a file's `drop` has left out.
    Order,
}

/// Who the n concepts of a representation are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Roster {
    /// Their names, n of them, if they have any.
    pub names: Option<Vec<String>>,
    /// The numbers of those that were left out, counted among all, ascending.
    pub dropped: Vec<u64>,
}

impl By {
    /// What is asked, or else the names where both sides have some.
    pub fn or_told(asked: Option<Self>, both_have_names: bool) -> Self {
        asked.unwrap_or(if both_have_names { Self::Name } else { Self::Order })
    }
}

/// The positions, on both sides, of the represented concepts that both have, in the order of the first. O(n) time and memory.
pub fn matched(one: &Subject, other: &Subject, asked: Option<By>) -> (Vec<usize>, Vec<usize>) {
    let names = |subject: &Subject| subject.roster().names.is_some();
    match By::or_told(asked, names(one) && names(other)) {
        By::Name => pairs(&known(one), &known(other)),
        By::Order => pairs(&places(one), &places(other)),
    }
}

/// The names of the represented concepts, those twice there left out.
fn known(subject: &Subject) -> Vec<Option<&str>> {
    let Some(names) = &subject.roster().names else { return Vec::new() };
    let name = |i| names.get(subject.number(i)).map(String::as_str);
    let names: Vec<Option<&str>> = (0..subject.represented().n_concepts()).map(name).collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    names.iter().flatten().for_each(|name| *counts.entry(name).or_default() += 1);
    names.into_iter().map(|name| name.filter(|name| counts[name] == 1)).collect()
}

/// The numbers of the represented concepts, among all that there were before any was left out.
fn places(subject: &Subject) -> Vec<Option<u64>> {
    let mut dropped = subject.roster().dropped.iter().peekable();
    let mut n_dropped = 0;
    let place = |i| {
        let number = subject.number(i) as u64;
        while dropped.next_if(|&&dropped| dropped <= number + n_dropped).is_some() {
            n_dropped += 1;
        }
        Some(number + n_dropped)
    };
    (0..subject.represented().n_concepts()).map(place).collect()
}

fn pairs<T: Copy + Eq + std::hash::Hash>(one: &[Option<T>], other: &[Option<T>]) -> (Vec<usize>, Vec<usize>) {
    let there: HashMap<T, usize> = other.iter().enumerate().filter_map(|(j, who)| Some(((*who)?, j))).collect();
    one.iter().enumerate().filter_map(|(i, who)| Some((i, *there.get(&(*who)?)?))).unzip()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::embedding::Embedding;
    use crate::geometry::kernel::Kernel;
    use nalgebra::DMatrix;

    fn subject(n: usize, zeros: &[usize], names: Option<&str>, dropped: &[u64]) -> Subject {
        let embedding = DMatrix::from_fn(1, n, |_, i| if zeros.contains(&i) { 0.0 } else { 1.0 });
        let names = names.map(|names| names.split(' ').map(str::to_owned).collect());
        let roster = Roster { names, dropped: dropped.to_vec() };
        Subject::new(Embedding::new(embedding), None, Kernel::Scalar, false).named(roster)
    }

    #[test]
    fn theory_names_that_stand_once_in_each_are_matched() {
        let one = subject(5, &[], Some("cat dog cat sun moon"), &[]);
        let other = subject(6, &[], Some("moon sun cat tree sun dog"), &[]);
        assert_eq!(matched(&one, &other, None), (vec![1, 4], vec![5, 0]));
        assert_eq!(matched(&one, &other, Some(By::Name)), (vec![1, 4], vec![5, 0]));
        // A concept that is not represented takes no name from the others: cat stands once among those that are.
        let one = subject(5, &[0], Some("cat dog cat sun moon"), &[]);
        assert_eq!(matched(&one, &other, None), (vec![0, 1, 3], vec![5, 2, 0]));
    }

    #[test]
    fn theory_numbers_count_what_was_left_out() {
        // Of 0 … 7 the one side lacks 0, 3 and 4, and 6 is zero; the other lacks 7, and 1 is zero.
        let one = subject(5, &[3], None, &[0, 3, 4]);
        let other = subject(7, &[1], None, &[7]);
        // Both represent 2 and 5.
        assert_eq!(matched(&one, &other, None), (vec![1, 2], vec![1, 4]));
        // Names are not looked at where the order is asked for, and where one side has none.
        let named = subject(5, &[3], Some("a b c d e"), &[0, 3, 4]);
        assert_eq!(matched(&named, &other, None), (vec![1, 2], vec![1, 4]));
        assert_eq!(matched(&named, &named, Some(By::Order)).0, vec![0, 1, 2, 3]);
        assert_eq!(matched(&named, &other, Some(By::Name)), (vec![], vec![]));
    }
}
