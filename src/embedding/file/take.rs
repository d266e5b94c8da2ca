//! Take: the wanted vectors of a matrix, each looked at before it counts as a concept.

use std::ops::RangeInclusive;

use super::error::{After, Flaw, Place};
use super::matrix::{Body, Infinite, Lines, Matrix, Numbers};
use super::{Dropped, Rows};

/// Between these norms, dot products in f32 neither vanish nor overflow.
const NORMS: RangeInclusive<f64> = 1e-12..=1e12;

/// Numbers that are read one by one: some milliseconds.
const MOST_LOOKED_AT: usize = 4096;

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
    pub fn new(rows: Option<&Rows>, n_all: u64, axis: &'static str) -> Result<Self, Flaw> {
        let Some(rows) = rows else { return Ok(Self { from: 0, step: 1, n: n_all, to_the_end: true }) };
        let to = rows.to.unwrap_or(n_all);
        if rows.to.is_some_and(|to| rows.from >= to) {
            return Err(Flaw::NoRows { axis, rows: *rows });
        }
        if rows.from >= n_all || to > n_all {
            return Err(Flaw::FewRows { n_all, axis, rows: *rows });
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
    if are_zero(vector) {
        return Verdict::Zero;
    }
    if let Some(position) = vector.iter().position(|value| !value.is_finite()) {
        return Verdict::Infinite(position);
    }
    let norm = vector.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>().sqrt();
    if NORMS.contains(&norm) { Verdict::Good } else { Verdict::Norm(norm) }
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

    /// Whether zero vectors leave nothing but their number.
    fn only_counts_zeros(&self) -> bool {
        !self.how.keep && self.how.drop.contains(&Dropped::Zero)
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
/// If several things are wrong, the first concept of them is told. O(n d) time; memory is the result as far as it is not zero, one line, and at most 1 MiB;
/// across and not kept, O(n).
pub(super) fn take(matrix: Matrix, picked: Picked, how: How, names: Option<Vec<String>>) -> Result<Taken, Flaw> {
    let flipped = matrix.is_across != how.transpose;
    let d = if flipped { matrix.n_lines } else { matrix.n_per_line };
    let (n_rows, n_columns) = if how.transpose { (d, picked.n) } else { (picked.n, d) };
    let memory = || Flaw::Memory { n_rows, n_columns };
    let n_at_once = n_lines_at_once(d).min(picked.n);
    let [n_kept, d] = [if how.keep { picked.n } else { n_at_once }, d].map(usize::try_from);
    let (n_kept, d) = (n_kept.map_err(|_| memory())?, d.map_err(|_| memory())?);
    let n_values = n_kept.checked_mul(d).ok_or_else(memory)?;
    let names = names.map(Vec::into_iter);
    let mut sieve = Sieve { how, names, taken: Taken::default() };
    if flipped && !how.keep {
        count_across(matrix, picked, &mut sieve)?;
    } else {
        // A line that is read and not kept needs room, too.
        let mut values = n_values.checked_add(d).and_then(zeros).ok_or_else(memory)?;
        match (matrix.body, flipped) {
            (Body::Dense(mut dense), false) => take_numbers(&mut dense, picked, d, &mut values, &mut sieve)?,
            (Body::Packed(mut packed), false) => {
                take_numbers(&mut *packed, picked, d, &mut values, &mut sieve)?;
                if picked.to_the_end {
                    packed.finish()?;
                }
            }
            (Body::Dense(dense), true)
                if is_zero_across(&dense, picked.from, d)? && !how.drop.contains(&Dropped::Zero) =>
            {
                // What is full of zeros is refused before it is read.
                return Err(Flaw::ZeroRow { axis: sieve.axis(), index: picked.from, place: After(None) });
            }
            (Body::Dense(dense), true) => {
                dense.fill_across(d, picked.from, picked.step, &mut values[..n_values])?;
                sift(picked, d, &mut values, &mut sieve, exact(&dense))?;
            }
            (Body::Packed(mut packed), true) => {
                fill_across(&mut *packed, matrix.n_per_line, picked, d, &mut values)?;
                packed.finish()?;
                sift(picked, d, &mut values, &mut sieve, exact(&*packed))?;
            }
            (Body::Stream(mut lines), false) => take_lines(&mut *lines, picked, d, &mut values, &mut sieve)?,
            (Body::Stream(mut lines), true) => {
                let n_per_line = usize::try_from(matrix.n_per_line).map_err(|_| memory())?;
                take_across(&mut *lines, n_per_line, picked, d, &mut values, &sieve)?;
                lines.finish()?;
                // The number itself was told while its line was read, unless another one before it was not wanted.
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

/// Finds a number of a concept again whose lines are units.
fn exact(numbers: &dyn Numbers) -> impl Fn(u64, u64) -> Result<(Option<Place>, f64), Flaw> {
    |concept, unit| Ok((Some(numbers.place(unit, concept)), numbers.exact(unit, concept)?))
}

/// Zeros, which take memory when something else is written over them; `None` if there is no room for so many.
fn zeros(n: usize) -> Option<Vec<f32>> {
    let mut room = Vec::<f32>::new();
    room.try_reserve_exact(n).ok()?;
    // Not to be optimized away: what follows ends the process where there is no room.
    drop(std::hint::black_box(room));
    Some(vec![0.0; n])
}

/// Lines of so many numbers that are read at once: 512 KiB of them, so that many short ones are one read.
fn n_lines_at_once(n_per_line: u64) -> u64 {
    ((1 << 17) / n_per_line).max(1)
}

fn are_zero(values: &[f32]) -> bool {
    values.iter().all(|value| *value == 0.0)
}

/// Every line is a vector of numbers of one type.
fn take_numbers(
    numbers: &mut dyn Numbers,
    picked: Picked,
    d: usize,
    values: &mut Vec<f32>,
    sieve: &mut Sieve,
) -> Result<(), Flaw> {
    let n_at_once = if picked.step == 1 { n_lines_at_once(d as u64) } else { 1 };
    let (mut i, mut end) = (0, 0);
    while i < picked.n {
        let n_here = n_at_once.min(picked.n - i);
        let (first, start) = (picked.index(i), end);
        let part = &mut values[start..start + n_here as usize * d];
        numbers.fill(first, part)?;
        i += n_here;
        if sieve.only_counts_zeros() && are_zero(part) {
            sieve.taken.n_zero += n_here;
            continue;
        }
        for offset in 0..n_here {
            let (concept, at) = (first + offset, start + offset as usize * d);
            let exact =
                |unit: usize| Ok((Some(numbers.place(concept, unit as u64)), numbers.exact(concept, unit as u64)?));
            let place = numbers.place(concept, 0);
            let keeps = sieve.passes(concept, &values[at..at + d], Some(place), None, exact)?;
            if keeps && sieve.how.keep {
                values.copy_within(at..at + d, end);
                end += d;
            }
        }
    }
    values.truncate(end);
    Ok(())
}

/// Every line is a vector, and may have a name.
fn take_lines(
    lines: &mut dyn Lines,
    picked: Picked,
    d: usize,
    values: &mut Vec<f32>,
    sieve: &mut Sieve,
) -> Result<(), Flaw> {
    let mut end = 0;
    for index in 0..=picked.index(picked.n - 1) {
        let vector = &mut values[end..end + d];
        let line = lines.next(vector)?.ok_or(Flaw::Changed)?;
        if picked.position(index).is_some() {
            let exact = |_| Ok(line.infinite.map_or((None, f64::NAN), |i| (Some(i.place), i.value)));
            if sieve.passes(index, vector, Some(line.place), line.name, exact)? && sieve.how.keep {
                end += d;
            }
        }
    }
    if picked.to_the_end {
        // What a step leaves out at the end is read over.
        while lines.next(&mut values[end..end + d])?.is_some() {}
        lines.finish()?;
    }
    values.truncate(end);
    Ok(())
}

/// Every line is a unit: its numbers go to their vectors, which are zero before.
fn take_across(
    lines: &mut dyn Lines,
    n_per_line: usize,
    picked: Picked,
    d: usize,
    values: &mut [f32],
    sieve: &Sieve,
) -> Result<(), Flaw> {
    let mut line_values = vec![0.0; n_per_line];
    for unit in 0..d {
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

/// Whether the first vector is zero, as far as it costs nothing to look.
fn is_zero_across(dense: &dyn Numbers, first: u64, d: usize) -> Result<bool, Flaw> {
    for unit in 0..d.min(MOST_LOOKED_AT) {
        if dense.exact(unit as u64, first)? as f32 != 0.0 {
            return Ok(false);
        }
    }
    Ok(d <= MOST_LOOKED_AT)
}

/// The same of numbers of one type.
fn fill_across(
    numbers: &mut dyn Numbers,
    n_per_line: u64,
    picked: Picked,
    d: usize,
    values: &mut [f32],
) -> Result<(), Flaw> {
    let n_at_once = (n_lines_at_once(n_per_line) as usize).min(d);
    let room = (n_at_once as u64).checked_mul(n_per_line).and_then(|n| usize::try_from(n).ok()).and_then(zeros);
    let mut buffer = room.ok_or(Flaw::Memory { n_rows: n_at_once as u64, n_columns: n_per_line })?;
    let n_per_line = n_per_line as usize;
    for first in (0..d).step_by(n_at_once) {
        let part = &mut buffer[..n_at_once.min(d - first) * n_per_line];
        numbers.fill(first as u64, part)?;
        if are_zero(part) {
            continue;
        }
        for i in 0..picked.n {
            let (vector, position) = (&mut values[i as usize * d + first..], picked.index(i) as usize);
            vector.iter_mut().zip(part.chunks_exact(n_per_line)).for_each(|(value, line)| *value = line[position]);
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
    let (n_lines, n_per_line) = (matrix.n_lines, matrix.n_per_line as usize);
    let n_at_once = match &matrix.body {
        Body::Stream(_) => 1,
        Body::Dense(_) | Body::Packed(_) => n_lines_at_once(matrix.n_per_line).min(n_lines),
    };
    let mut values = vec![0.0; n_at_once as usize * n_per_line];
    let mut body = matrix.body;
    for first in (0..n_lines).step_by(n_at_once as usize) {
        let part = &mut values[..n_at_once.min(n_lines - first) as usize * n_per_line];
        match &mut body {
            Body::Dense(dense) => dense.fill(first, part)?,
            Body::Packed(packed) => packed.fill(first, part)?,
            Body::Stream(lines) => {
                lines.next(part)?.ok_or(Flaw::Changed)?;
            }
        }
        if are_zero(part) {
            continue;
        }
        for line in part.chunks_exact(n_per_line) {
            for (i, seen) in seen.iter_mut().enumerate() {
                let value = line[picked.index(i as u64) as usize];
                if seen.is_finite() && value != 0.0 {
                    *seen = if value.is_finite() { 1.0 } else { f32::INFINITY };
                }
            }
        }
    }
    if sieve.only_counts_zeros() && are_zero(&seen) {
        sieve.taken.n_zero += picked.n;
        return Ok(());
    }
    for (i, seen) in seen.iter().enumerate() {
        sieve.passes(picked.index(i as u64), std::slice::from_ref(seen), None, None, |_| Ok((None, f64::NAN)))?;
    }
    Ok(())
}
