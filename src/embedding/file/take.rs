//! Take: the wanted vectors of a matrix, each looked at before it counts as a concept.

use std::ops::RangeInclusive;

use super::error::{After, Flaw, Place};
use super::matrix::{Body, Dense, Infinite, Lines, Matrix};
use super::{Dropped, Rows};

/// Between these norms, dot products in f32 neither vanish nor overflow.
const NORMS: RangeInclusive<f64> = 1e-12..=1e12;

/// Which concepts of a matrix are wanted, held against their number; at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Picked {
    pub from: u64,
    pub step: u64,
    pub n: u64,
    /// Whether the last one of the file is among those that were asked for, so that the file must end.
    pub to_the_end: bool,
}

/// How a matrix is taken.
#[derive(Clone, Copy)]
pub(super) struct How<'a> {
    pub transpose: bool,
    pub drop: &'a [Dropped],
    /// Whether the vectors are kept, and not only counted.
    pub keep: bool,
}

/// What was taken.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// n × d, row after row; empty if nothing is kept.
    pub values: Vec<f32>,
    /// The names of the kept concepts, where the matrix or the caller has names.
    pub names: Option<Vec<String>>,
    pub n: u64,
    pub n_zero: u64,
    pub n_nonfinite: u64,
    /// The numbers, among the wanted, of the concepts that were left out; empty if nothing is kept.
    pub dropped: Vec<u64>,
}

impl Picked {
    /// Every concept that `rows` asks for among `n_all`.
    pub fn new(rows: Option<&Rows>, n_all: u64, axis: &str) -> Result<Self, Flaw> {
        let Some(rows) = rows else { return Ok(Self { from: 0, step: 1, n: n_all, to_the_end: true }) };
        let to = rows.to.unwrap_or(n_all);
        if rows.to.is_some_and(|to| rows.from >= to) {
            let sentence = format!("is asked for no {axis}: rows has from = {} and to = {to}", rows.from);
            return Err(Flaw::unasked("rows", sentence));
        }
        if rows.from >= n_all || to > n_all {
            let asked = rows.to.map_or(String::new(), |to| format!(" and to = {to}"));
            let sentence = format!("has {n_all} {axis}s, but rows has from = {}{asked}", rows.from);
            return Err(Flaw::unasked("rows", sentence));
        }
        let step = rows.step.get();
        Ok(Self { from: rows.from, step, n: (to - rows.from).div_ceil(step), to_the_end: to == n_all })
    }

    /// The number in the file of a wanted concept.
    fn index(self, i: u64) -> u64 {
        self.from + i * self.step
    }

    /// The position among the wanted of a concept of the file.
    fn position(self, index: u64) -> Option<u64> {
        let i = index.checked_sub(self.from)?;
        (i.is_multiple_of(self.step) && i / self.step < self.n).then(|| i / self.step)
    }
}

/// What a vector is good for.
enum Verdict {
    Good,
    /// The position of a number that is not finite.
    Infinite(usize),
    Zero,
    Norm(f64),
}

fn verdict(vector: &[f32]) -> Verdict {
    if let Some(position) = vector.iter().position(|value| !value.is_finite()) {
        return Verdict::Infinite(position);
    }
    let norm = vector.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>().sqrt();
    if NORMS.contains(&norm) {
        Verdict::Good
    } else if norm > 0.0 {
        Verdict::Norm(norm)
    } else {
        Verdict::Zero
    }
}

/// The sieve through which every vector goes, and what has come through.
struct Sieve<'a> {
    how: How<'a>,
    names: Option<std::vec::IntoIter<String>>,
    taken: Taken,
}

impl Sieve<'_> {
    /// The row and column in the file of a number of a concept.
    fn place(&self, concept: u64, unit: u64) -> (u64, u64) {
        if self.how.transpose { (unit, concept) } else { (concept, unit) }
    }

    fn axis(&self) -> &'static str {
        if self.how.transpose { "column" } else { "row" }
    }

    fn infinite(&self, concept: u64, unit: u64, place: Option<Place>, value: f64) -> Flaw {
        let ((row, column), place) = (self.place(concept, unit), After(place));
        if !value.is_finite() {
            Flaw::NotFinite { row, column, place, value }
        } else if !(value as f32).is_finite() {
            Flaw::Overflow { row, column, place, value }
        } else {
            // The reader saw something else: the file has changed since.
            Flaw::Changed
        }
    }

    /// Whether the vector of a concept is kept; it may be known already which of its numbers is not finite.
    fn passes(
        &mut self,
        concept: u64,
        vector: &[f32],
        place: Option<Place>,
        name: Option<String>,
        exact: impl FnOnce(usize) -> Result<(Option<Place>, f64), Flaw>,
    ) -> Result<bool, Flaw> {
        // A name that the caller gives goes before the file's own.
        let name = match &mut self.names {
            Some(names) => names.next(),
            None => name,
        };
        let number = self.taken.n + self.taken.n_zero + self.taken.n_nonfinite;
        match verdict(vector) {
            Verdict::Good => {
                self.taken.n += 1;
                if let Some(name) = name {
                    self.taken.names.get_or_insert_default().push(name);
                }
                return Ok(true);
            }
            Verdict::Infinite(_) if self.how.drop.contains(&Dropped::Nonfinite) => self.taken.n_nonfinite += 1,
            Verdict::Zero if self.how.drop.contains(&Dropped::Zero) => self.taken.n_zero += 1,
            // To be counted, a vector need not be right; it is refused when it is read.
            Verdict::Infinite(_) | Verdict::Zero | Verdict::Norm(_) if !self.how.keep => {
                self.taken.n += 1;
                return Ok(true);
            }
            Verdict::Infinite(position) => {
                let (place, value) = exact(position)?;
                return Err(self.infinite(concept, position as u64, place, value));
            }
            Verdict::Zero => {
                return Err(Flaw::ZeroRow { axis: self.axis(), index: concept, place: After(place) });
            }
            Verdict::Norm(norm) => {
                return Err(Flaw::Norm { axis: self.axis(), index: concept, place: After(place), norm });
            }
        }
        if self.how.keep {
            self.taken.dropped.push(number);
        }
        Ok(false)
    }
}

/// Reads the wanted vectors in order; `names` are those of the wanted concepts, if the caller has any.
///
/// If several things are wrong, the first concept of them is told. O(n d) time; memory is the result, one line, and at most 1 MiB;
/// across and not kept, O(n).
pub(super) fn take(matrix: Matrix, picked: Picked, how: How, names: Option<Vec<String>>) -> Result<Taken, Flaw> {
    let flipped = matrix.is_across != how.transpose;
    let d = if flipped { matrix.n_lines } else { matrix.n_per_line };
    let (n_rows, n_columns) = if how.transpose { (d, picked.n) } else { (picked.n, d) };
    let memory = || Flaw::Memory { n_rows, n_columns };
    let [n_kept, d] = [if how.keep { picked.n } else { 1 }, d].map(usize::try_from);
    let (n_kept, d) = (n_kept.map_err(|_| memory())?, d.map_err(|_| memory())?);
    let n_values = n_kept.checked_mul(d).ok_or_else(memory)?;
    // A line that is read and not kept must not make the result move.
    let n_reserved = n_values.checked_add(d).ok_or_else(memory)?;
    let names = names.map(Vec::into_iter);
    let mut sieve = Sieve { how, names, taken: Taken::default() };
    if flipped && !how.keep {
        count_across(matrix, picked, &mut sieve)?;
    } else {
        let mut values = Vec::new();
        values.try_reserve_exact(n_reserved).map_err(|_| memory())?;
        match (matrix.body, flipped) {
            (Body::Dense(dense), false) => take_dense(&dense, picked, d, &mut values, &mut sieve)?,
            (Body::Dense(dense), true) => {
                values.resize(n_values, 0.0);
                dense.fill_across(d, picked.from, picked.step, &mut values)?;
                let exact = |concept, unit| {
                    let place = Place::Byte(dense.position(unit, concept));
                    Ok((Some(place), dense.exact(unit, concept)?))
                };
                sift(picked, d, &mut values, &mut sieve, exact)?;
            }
            (Body::Stream(mut lines), false) => {
                for index in 0..=picked.index(picked.n - 1) {
                    let start = values.len();
                    let line = lines.next(&mut values)?.ok_or(Flaw::Changed)?;
                    let keeps = match picked.position(index) {
                        Some(_) => {
                            let exact = |_| Ok(line.infinite.map_or((None, f64::NAN), |i| (Some(i.place), i.value)));
                            sieve.passes(index, &values[start..], Some(line.place), line.name, exact)?
                        }
                        None => false,
                    };
                    if !(keeps && how.keep) {
                        values.truncate(start);
                    }
                }
                if picked.to_the_end {
                    // What a step leaves out at the end is read over.
                    while !lines_left(&mut values, &mut *lines)? {}
                    lines.finish()?;
                }
            }
            (Body::Stream(mut lines), true) => {
                values.resize(n_values, 0.0);
                take_across(&mut *lines, picked, d, &mut values, &sieve)?;
                lines.finish()?;
                // The number itself is told while its line is read, unless another one before it was not wanted.
                let nameless = |_, _| Ok((None, f64::NAN));
                sift(picked, d, &mut values, &mut sieve, nameless)?;
            }
        }
        sieve.taken.values = values;
    }
    let Taken { n, n_zero, n_nonfinite, .. } = sieve.taken;
    if n == 0 {
        return Err(Flaw::NoneLeft { n_zero, n_nonfinite });
    }
    Ok(sieve.taken)
}

/// Reads one line more and forgets it; whether there was none.
fn lines_left(values: &mut Vec<f32>, lines: &mut dyn Lines) -> Result<bool, Flaw> {
    let start = values.len();
    let is_end = lines.next(values)?.is_none();
    values.truncate(start);
    Ok(is_end)
}

/// Vectors lie one after the other, and any of them can be reached.
fn take_dense(dense: &Dense, picked: Picked, d: usize, values: &mut Vec<f32>, sieve: &mut Sieve) -> Result<(), Flaw> {
    let mut buffer = Vec::new();
    let n_at_once = if picked.step == 1 { dense.n_lines_at_once() } else { 1 };
    let mut i = 0;
    while i < picked.n {
        let n_here = n_at_once.min(picked.n - i);
        let (first, start) = (picked.index(i), values.len());
        values.resize(start + n_here as usize * d, 0.0);
        dense.fill(first, &mut values[start..], &mut buffer)?;
        let mut end = start;
        for offset in 0..n_here {
            let (concept, at) = (first + offset, start + offset as usize * d);
            let exact = |unit: usize| {
                let place = Place::Byte(dense.position(concept, unit as u64));
                Ok((Some(place), dense.exact(concept, unit as u64)?))
            };
            let place = Place::Byte(dense.position(concept, 0));
            let keeps = sieve.passes(concept, &values[at..at + d], Some(place), None, exact)?;
            if keeps && sieve.how.keep {
                values.copy_within(at..at + d, end);
                end += d;
            }
        }
        values.truncate(end);
        i += n_here;
    }
    Ok(())
}

/// Every line is a unit: its numbers go to their vectors.
fn take_across(lines: &mut dyn Lines, picked: Picked, d: usize, values: &mut [f32], sieve: &Sieve) -> Result<(), Flaw> {
    let mut line_values = Vec::new();
    for unit in 0..d {
        line_values.clear();
        let line = lines.next(&mut line_values)?.ok_or(Flaw::Changed)?;
        if let Some(Infinite { position, value, place }) = line.infinite {
            let is_wanted = picked.position(position as u64).is_some();
            if is_wanted && sieve.how.keep && !sieve.how.drop.contains(&Dropped::Nonfinite) {
                return Err(sieve.infinite(position as u64, unit as u64, Some(place), value));
            }
        }
        for i in 0..picked.n {
            values[i as usize * d + unit] = line_values[picked.index(i) as usize];
        }
    }
    Ok(())
}

/// Sifts vectors that are all there, and moves those that are kept together.
fn sift(
    picked: Picked,
    d: usize,
    values: &mut Vec<f32>,
    sieve: &mut Sieve,
    exact: impl Fn(u64, u64) -> Result<(Option<Place>, f64), Flaw>,
) -> Result<(), Flaw> {
    let mut end = 0;
    for i in 0..picked.n {
        let (concept, at) = (picked.index(i), i as usize * d);
        // Across, a vector begins nowhere: its numbers lie a line apart.
        if sieve.passes(concept, &values[at..at + d], None, None, |unit| exact(concept, unit as u64))? {
            values.copy_within(at..at + d, end);
            end += d;
        }
    }
    values.truncate(end);
    Ok(())
}

/// Counts vectors whose numbers lie across the lines.
fn count_across(matrix: Matrix, picked: Picked, sieve: &mut Sieve) -> Result<(), Flaw> {
    // Of each concept, the last number that was not zero, and any that was not finite stays.
    let mut seen = vec![0.0_f32; picked.n as usize];
    let mut values = Vec::new();
    let mut buffer = Vec::new();
    let mut body = matrix.body;
    for line in 0..matrix.n_lines {
        values.clear();
        match &mut body {
            Body::Dense(dense) => {
                values.resize(matrix.n_per_line as usize, 0.0);
                dense.fill(line, &mut values, &mut buffer)?;
            }
            Body::Stream(lines) => {
                lines.next(&mut values)?.ok_or(Flaw::Changed)?;
            }
        }
        for (i, seen) in seen.iter_mut().enumerate() {
            let value = values[picked.index(i as u64) as usize];
            if seen.is_finite() && value != 0.0 {
                *seen = if value.is_finite() { 1.0 } else { f32::INFINITY };
            }
        }
    }
    for (i, seen) in seen.iter().enumerate() {
        sieve.passes(picked.index(i as u64), std::slice::from_ref(seen), None, None, |_| Ok((None, f64::NAN)))?;
    }
    Ok(())
}
