//! Lanes: where the names of marks stand above a panel, so that they cover neither each other nor the lines that lead to them.

use std::collections::BTreeSet;

use super::Panel;
use super::scene::{Frame, Text};

const SIZE: f64 = 10.5;

/// Lanes above one another, at most.
const MOST: usize = 4;

/// The longest name that is shown whole.
const LONGEST: f64 = 330.0;

/// The names of the marks of a panel at their places.
pub struct Laid {
    /// Lane, from the frame upwards, beginning and text of each mark that has one.
    pub names: Vec<Option<(usize, f64, Text)>>,
    /// How many lanes there are.
    pub n: usize,
    /// What stands as a number because names have no room, in words.
    pub numbered: Vec<String>,
}

/// Gives the names of marks at these places lanes above a frame between these edges, up to the edge of the page on the right. If some ticks have no room for their
/// names, all are numbers, told in a note; those that lie too close for numbers share one.
pub fn lay(panel: &Panel, places: &[f64], frame: (f64, f64), right: f64) -> Laid {
    let is_there = |index: &usize| places[*index] >= frame.0 - 1e-6 && places[*index] <= frame.1 + 1e-6;
    let named = |index: usize| Text::within(&panel.marks[index].label, SIZE, false, (right - frame.0).min(LONGEST));
    let is_line = |index: &usize| panel.marks[*index].is_line;
    let (lines, ticks): (Vec<usize>, Vec<usize>) = (0..places.len()).filter(is_there).partition(is_line);
    let mut lanes = Lanes { panel, places, ends: (frame.0, right), names: vec![None; places.len()], taken: Vec::new() };
    let mut nameless: Vec<usize> = lines.into_iter().filter(|&index| !lanes.set(index, named(index))).collect();
    let of_lines = lanes.clone();
    if !ticks.iter().all(|&index| lanes.set(index, named(index))) {
        lanes = of_lines;
        nameless.extend(ticks);
    }
    nameless.sort_by(|&a, &b| places[a].total_cmp(&places[b]));
    let mut numbered: Vec<String> = Vec::new();
    for cluster in nameless.chunk_by(|&a, &b| places[b] - places[a] < 1.7 * SIZE) {
        let number = format!("({})", numbered.len() + 1);
        // Where not even a number has room, the mark has its place, and its words in the note.
        let _ = cluster.iter().any(|&index| lanes.set(index, Text::within(&number, SIZE, false, LONGEST)));
        let words: Vec<&str> = cluster.iter().map(|&index| panel.marks[index].whole.as_str()).collect();
        numbered.push(format!("{number} {}", words.join("; ")));
    }
    // No lane stays empty.
    let mut names = lanes.names;
    let used: BTreeSet<usize> = names.iter().flatten().map(|name| name.0).collect();
    for (lane, ..) in names.iter_mut().flatten() {
        *lane = used.range(..*lane).count();
    }
    Laid { names, n: used.len(), numbered }
}

/// Names that have their places so far.
#[derive(Clone)]
struct Lanes<'a> {
    panel: &'a Panel,
    /// Where the marks are.
    places: &'a [f64],
    /// Between which names may stand.
    ends: (f64, f64),
    names: Vec<Option<(usize, f64, Text)>>,
    /// Lane and room of each text, and where the line to it goes down.
    taken: Vec<(usize, Frame, f64)>,
}

impl Lanes<'_> {
    /// Finds a place for the text of a mark; whether there is one.
    fn set(&mut self, index: usize, text: Text) -> bool {
        let ((left, right), at, length) = (self.ends, self.places[index], text.length());
        let starts = [at - length / 2.0, at + 4.0, at - length - 4.0, left, right - length];
        // Long words of a line lie above the names of ticks.
        let is_above = self.panel.marks[index].is_line && self.panel.marks.iter().any(|mark| !mark.is_line);
        let lane = |k: usize| if is_above { MOST - 1 - k } else { k };
        let tried = || (0..MOST).flat_map(|k| starts.map(|start| (lane(k), start)));
        let fits = |lane: usize, start: f64| {
            let own = Frame { x: start - 4.0, y: 0.0, width: length + 8.0, height: 1.0 };
            let clear = self.taken.iter().all(|(other, frame, line)| {
                let apart = lane != *other || own.right() <= frame.x || frame.right() <= own.x;
                // A line goes down from its own lane through those below.
                let over = |lane: usize, x: f64, frame: &Frame, other: usize| {
                    lane > other && x > frame.x - 1.0 && x < frame.right() + 1.0
                };
                apart && !over(lane, at, frame, *other) && !over(*other, *line, &own, lane)
            });
            // A name far from its place would be taken for that of another.
            let is_near = at >= start - 6.0 && at <= start + length + 6.0;
            is_near && start >= left - 1e-6 && start + length <= right + 1e-6 && clear
        };
        // At first where no other mark could be below.
        let is_free = |start: f64| {
            let within = |x: &f64| *x > start - 2.0 && *x < start + length + 2.0;
            self.places.iter().enumerate().all(|(other, x)| other == index || !within(x))
        };
        let found = tried()
            .find(|&(lane, start)| is_free(start) && fits(lane, start))
            .or_else(|| tried().find(|&(lane, start)| fits(lane, start)));
        if let Some((lane, start)) = found {
            self.taken.push((lane, Frame { x: start - 4.0, y: 0.0, width: length + 8.0, height: 1.0 }, at));
            self.names[index] = Some((lane, start, text));
        }
        found.is_some()
    }
}
