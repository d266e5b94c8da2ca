//! Panel: one pair of axes set and drawn.

use std::collections::BTreeMap;

use super::lanes;
use super::palette::{self, Colour};
use super::pointed::Pointed;
use super::scene::{Anchor, Frame, Path, Scene, Text, marks, rectangle, to};
use super::ticks::{self, Tick};
use super::{Axis, Dash, Layer, Mark, Panel, Ramp, Scale, Style, Tone, font};

const TICK_SIZE: f64 = 10.5;
const LABEL_SIZE: f64 = 11.5;
const TITLE_SIZE: f64 = 12.5;
const LANE: f64 = 14.5;

/// The longest name of an axis that is shown whole.
const NAME: f64 = 130.0;

/// What a row with a name needs for letters of full size.
const NAME_PITCH: f64 = 11.5;

/// The width of a panel that shows all its names at full size.
pub fn width_for_names(panel: &Panel) -> f64 {
    if panel.is_square { NAME + 22.0 + NAME_PITCH * panel.y.names.len() as f64 } else { 0.0 }
}

/// What a panel needs to the left of its frame, and its vertical axis.
pub struct Room {
    /// From the edge of its cell to the frame.
    pub left: f64,
    y: Option<(f64, f64)>,
    y_ticks: Vec<Tick>,
}

/// A panel that has its place across the page; its lanes are known, and so how much it needs above its frame.
pub struct Placed {
    /// From the top of the row to the frame.
    pub above: f64,
    /// The frame, with its upper edge at 0 until it is drawn.
    pub frame: Frame,
    cell: Frame,
    x: Option<(f64, f64)>,
    x_ticks: Vec<Tick>,
    y: Option<(f64, f64)>,
    y_ticks: Vec<Tick>,
    lanes: Vec<Option<(usize, f64, Text)>>,
    n_lanes: usize,
    /// The marks that stand as numbers because their names have no room, in words.
    pub numbered: Vec<String>,
}

impl Room {
    /// Of a panel in a cell of this width, whose frame has this height.
    pub fn of(panel: &Panel, width: f64, height: f64) -> Self {
        let axis = &panel.y;
        if !axis.names.is_empty() {
            let longest =
                axis.names.iter().map(|name| font::width(&clipped(name), TICK_SIZE, false)).fold(0.0, f64::max);
            return Self { left: longest.min(NAME) + 10.0, y: Some(of_names(axis)), y_ticks: Vec::new() };
        }
        let y = ticks::range(panel.numbers(false), axis.scale);
        let height = if panel.is_square { width } else { height };
        let y_ticks = y.map_or(Vec::new(), |y| ticks::ticks(y, axis.scale, (height / 38.0) as usize));
        let longest = y_ticks.iter().map(|tick| font::width(&tick.label, TICK_SIZE, false)).fold(0.0, f64::max);
        Self { left: longest + 10.0, y, y_ticks }
    }
}

/// As much of a name as could be shown anywhere.
fn clipped(name: &str) -> String {
    super::scene::shown(&name.chars().take(80).collect::<String>())
}

fn of_names(axis: &Axis) -> (f64, f64) {
    (-0.5, axis.names.len() as f64 - 0.5)
}

/// Finds the frame of a panel in its cell, whose vertical axis ends at `left`.
pub fn place(panel: &Panel, room: &Room, cell: Frame, left: f64) -> Placed {
    let mut frame = Frame { x: cell.x + left, y: 0.0, width: cell.width - left - 12.0, height: cell.height };
    let (mut x, mut y) = (ticks::range(panel.numbers(true), panel.x.scale), room.y);
    if !panel.x.names.is_empty() {
        x = Some(of_names(&panel.x));
    }
    if panel.is_square {
        let side = frame.width.min(f64::max(560.0, NAME_PITCH * panel.y.names.len() as f64));
        (frame.width, frame.height) = (side, side);
        if panel.x.names.is_empty() && panel.y.names.is_empty() {
            (x, y) = x.zip(y).map(squared).unzip();
        }
    }
    let mut y_ticks = room.y_ticks.clone();
    if panel.is_square && panel.y.names.is_empty() {
        y_ticks = y.map_or(Vec::new(), |y| ticks::ticks(y, panel.y.scale, (frame.height / 38.0) as usize));
    }
    // The cells of a heat map reach to the edge.
    for (range, is_x) in [(&mut x, true), (&mut y, false)] {
        if let (Some(range), Some(edges)) = (range.as_mut(), panel.edges(is_x)) {
            *range = edges;
        }
    }
    let x_ticks = match (x, panel.x.names.is_empty()) {
        (Some(x), true) => spaced(x, panel.x.scale, frame.width, panel.x.is_reversed),
        _ => Vec::new(),
    };
    if panel.y.names.is_empty() && panel.edges(false).is_some() {
        y_ticks = y.map_or(Vec::new(), |y| ticks::ticks(y, panel.y.scale, (frame.height / 38.0) as usize));
    }
    let mut placed =
        Placed { above: 0.0, frame, cell, x, x_ticks, y, y_ticks, lanes: Vec::new(), n_lanes: 0, numbered: Vec::new() };
    let places: Vec<f64> = panel.marks.iter().map(|mark| placed.x(panel, mark.at)).collect();
    let laid = lanes::lay(panel, &places, (frame.x, frame.right()), cell.right());
    (placed.lanes, placed.n_lanes, placed.numbered) = (laid.names, laid.n, laid.numbered);
    let lines =
        f64::from(u8::from(!panel.title.is_empty())) * 17.0 + f64::from(u8::from(!panel.y.label.is_empty())) * 16.0;
    placed.above = lines + LANE * placed.n_lanes as f64 + 7.0;
    placed
}

/// Ranges of which one unit is as long on both axes.
fn squared(((x0, x1), (y0, y1)): ((f64, f64), (f64, f64))) -> ((f64, f64), (f64, f64)) {
    let half = 0.5 * (x1 - x0).max(y1 - y0);
    let (x, y) = (0.5 * (x0 + x1), 0.5 * (y0 + y1));
    ((x - half, x + half), (y - half, y + half))
}

/// As many ticks as there is room for between their labels.
fn spaced(range: (f64, f64), scale: Scale, width: f64, is_reversed: bool) -> Vec<Tick> {
    let mut n_most = (width / 42.0) as usize;
    loop {
        let ticks = ticks::ticks(range, scale, n_most);
        let mut ends: Vec<(f64, f64)> = ticks
            .iter()
            .filter(|tick| !tick.label.is_empty())
            .map(|tick| {
                let (at, half) = (
                    share(tick.at, range, scale, is_reversed) * width,
                    font::width(&tick.label, TICK_SIZE, false) / 2.0,
                );
                (at - half, at + half)
            })
            .collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        if n_most <= 2 || ends.windows(2).all(|pair| pair[0].1 + 9.0 <= pair[1].0) {
            return ticks;
        }
        n_most -= 1;
    }
}

/// Where a number lies between the ends of an axis, from 0 to 1; NaN if nowhere.
fn share(at: f64, (low, high): (f64, f64), scale: Scale, is_reversed: bool) -> f64 {
    let share = match scale {
        Scale::Linear => (at - low) / (high - low),
        Scale::Log if at > 0.0 => libm::log(at / low) / libm::log(high / low),
        Scale::Log => f64::NAN,
    };
    if is_reversed { 1.0 - share } else { share }
}

impl Panel {
    /// All numbers on one axis.
    fn numbers(&self, of_x: bool) -> impl Iterator<Item = f64> + '_ {
        let axis = if of_x { &self.x } else { &self.y };
        let drawn = self.layers.iter().flat_map(move |layer| -> Vec<f64> {
            let two = |points: &[(f64, f64)]| points.iter().map(|p| if of_x { p.0 } else { p.1 }).collect();
            let three = |points: &[(f64, f64, f64)]| {
                points.iter().flat_map(|p| if of_x { vec![p.0] } else { vec![p.1, p.2] }).collect()
            };
            match layer {
                Layer::Line { points, .. } | Layer::Points { points, .. } => two(points),
                Layer::Band { points, .. } | Layer::Whiskers { points, .. } => three(points),
                Layer::Bars { bars, .. } => {
                    bars.iter().flat_map(|b| if of_x { vec![b.0, b.1] } else { vec![0.0, b.2] }).collect()
                }
                Layer::Heat { x, y, .. } => {
                    if of_x {
                        x.clone()
                    } else {
                        y.clone()
                    }
                }
                Layer::Texts { texts } => texts.iter().map(|t| if of_x { t.0 } else { t.1 }).collect(),
            }
        });
        let marked = self.marks.iter().filter(move |mark| of_x && mark.is_line).map(|mark| mark.at);
        drawn.chain(marked).chain(axis.include.iter().copied())
    }

    /// The ends of a heat map along one axis.
    fn edges(&self, of_x: bool) -> Option<(f64, f64)> {
        self.layers.iter().find_map(|layer| match layer {
            Layer::Heat { x, y, .. } => {
                let edges = if of_x { x } else { y };
                edges.first().copied().zip(edges.last().copied())
            }
            _ => None,
        })
    }
}

impl Placed {
    /// Where a number lies across the page.
    pub fn x(&self, panel: &Panel, at: f64) -> f64 {
        self.x.map_or(f64::NAN, |x| self.frame.x + share(at, x, panel.x.scale, panel.x.is_reversed) * self.frame.width)
    }

    /// Where a number lies down the page.
    pub fn y(&self, panel: &Panel, at: f64) -> f64 {
        // A row of names stands below the one before it, unless it is turned about.
        let is_down = panel.y.names.is_empty() == panel.y.is_reversed;
        let share = self.y.map_or(f64::NAN, |y| share(at, y, panel.y.scale, false));
        self.frame.y + if is_down { share } else { 1.0 - share } * self.frame.height
    }

    /// Whether something that is drawn lies beyond the frame, as a line may that is longer than the heat map below it.
    fn is_exceeded(&self, panel: &Panel) -> bool {
        let Frame { x, y, .. } = self.frame;
        let beyond = |at: f64, low: f64, high: f64| at < low - 1e-6 || at > high + 1e-6;
        panel.numbers(true).any(|at| beyond(self.x(panel, at), x, self.frame.right()))
            || panel.numbers(false).any(|at| beyond(self.y(panel, at), y, self.frame.bottom()))
    }
}

/// Draws a panel whose frame begins at `top`; gives the line below it.
pub fn draw(scene: &mut Scene, panel: &Panel, placed: &Placed, top: f64, ramp: Option<&Ramp>) -> f64 {
    let placed = Placed {
        frame: Frame { y: top, ..placed.frame },
        lanes: placed.lanes.clone(),
        x_ticks: placed.x_ticks.clone(),
        y_ticks: placed.y_ticks.clone(),
        numbered: Vec::new(),
        ..*placed
    };
    let frame = placed.frame;
    // Panels of a row share the upper edges of their frames; the headings stand right above.
    let mut line = top - 7.0 - LANE * placed.n_lanes as f64;
    let room = placed.cell.width;
    if !panel.y.label.is_empty() {
        let mut text = Text::within(&panel.y.label, LABEL_SIZE, false, room);
        text.whole = text.whole.or_else(|| whole(&panel.y));
        scene.text(text.faint().at(placed.cell.x, line - 1.0, Anchor::Start));
        line -= 16.0;
    }
    if !panel.title.is_empty() {
        let text = Text::within(&panel.title, TITLE_SIZE, true, room);
        scene.text(text.at(placed.cell.x, line - 1.0, Anchor::Start));
    }
    let (Some(x_range), Some(_)) = (placed.x, placed.y) else {
        let mut d = String::new();
        rectangle(&mut d, &frame);
        scene.path(Path { d, stroke: Some((palette::GRID, 1.0)), ..Path::default() });
        let text = Text::within("no value here is defined", LABEL_SIZE, false, frame.width).faint();
        scene.text(text.at(frame.x + frame.width / 2.0, frame.y + frame.height / 2.0, Anchor::Middle));
        return frame.bottom() + 8.0;
    };
    scene.pointed.push(Pointed::of(panel, &placed));
    let has_heat = panel.edges(true).is_some();
    if !has_heat {
        grid(scene, panel, &placed);
    }
    // Only what goes beyond its frame is clipped: to a painter each clip is a picture of its own.
    let clip = placed.is_exceeded(panel).then(|| {
        scene.clips.push(frame);
        scene.clips.len() - 1
    });
    shade(scene, panel, &placed, clip);
    let mut texts = Vec::new();
    for layer in &panel.layers {
        draw_layer(scene, panel, &placed, layer, clip, ramp);
        if let Layer::Texts { texts: own } = layer {
            texts.extend(own.iter());
        }
    }
    labels(scene, panel, &placed, &texts);
    draw_marks(scene, panel, &placed);
    // The axes lie over what is drawn.
    scene.line((frame.x, frame.bottom()), (frame.right(), frame.bottom()), palette::GREY, 1.0);
    scene.line((frame.x, frame.y), (frame.x, frame.bottom()), palette::GREY, 1.0);
    y_axis(scene, panel, &placed);
    let mut bottom = x_axis(scene, panel, &placed, x_range);
    if !panel.x.label.is_empty() {
        bottom += 14.0;
        let mut text = Text::within(&panel.x.label, LABEL_SIZE, false, placed.cell.right() - frame.x);
        text.whole = text.whole.or_else(|| whole(&panel.x));
        let half = text.length() / 2.0;
        let middle = (frame.x + frame.width / 2.0).min(placed.cell.right() - half);
        scene.text(text.faint().at(middle, bottom, Anchor::Middle));
    }
    bottom + 4.0
}

/// The column behind an axis, where the label does not name it.
fn whole(axis: &Axis) -> Option<String> {
    (!axis.source.is_empty() && axis.source != axis.label).then(|| format!("{} ({})", axis.label, axis.source))
}

fn grid(scene: &mut Scene, panel: &Panel, placed: &Placed) {
    let frame = placed.frame;
    let mut d = String::new();
    for tick in placed.y_ticks.iter().filter(|tick| !tick.label.is_empty()) {
        to(&mut d, 'M', frame.x, placed.y(panel, tick.at));
        to(&mut d, 'L', frame.right(), placed.y(panel, tick.at));
    }
    for tick in placed.x_ticks.iter().filter(|tick| !tick.label.is_empty()) {
        to(&mut d, 'M', placed.x(panel, tick.at), frame.y);
        to(&mut d, 'L', placed.x(panel, tick.at), frame.bottom());
    }
    scene.path(Path { d, stroke: Some((palette::GRID, 0.8)), ..Path::default() });
}

fn y_axis(scene: &mut Scene, panel: &Panel, placed: &Placed) {
    let frame = placed.frame;
    for tick in &placed.y_ticks {
        let y = placed.y(panel, tick.at);
        if y < frame.y - 1e-6 || y > frame.bottom() + 1e-6 {
            continue;
        }
        let length = if tick.label.is_empty() { 2.5 } else { 4.0 };
        scene.line((frame.x - length, y), (frame.x, y), palette::GREY, 0.8);
        let text = Text::within(&tick.label, TICK_SIZE, false, f64::INFINITY);
        scene.text(text.at(frame.x - 7.0, y + 0.35 * TICK_SIZE, Anchor::End));
    }
    let n = panel.y.names.len();
    if n > 0 {
        let (size, every) = fitting(frame.height / n as f64);
        for (index, name) in panel.y.names.iter().enumerate().step_by(every) {
            let text = Text::within(name, size, false, NAME);
            scene.text(text.at(frame.x - 7.0, placed.y(panel, index as f64) + 0.35 * size, Anchor::End));
        }
    }
}

/// The size of names that have so much room each, and how many share one.
fn fitting(room: f64) -> (f64, usize) {
    let size = (room / 1.05).clamp(7.5, TICK_SIZE);
    (size, (size * 1.02 / room).ceil().max(1.0) as usize)
}

/// Ticks and names below the frame; gives the line below them.
fn x_axis(scene: &mut Scene, panel: &Panel, placed: &Placed, x: (f64, f64)) -> f64 {
    let frame = placed.frame;
    for tick in placed.x_ticks.iter().filter(|tick| tick.at >= x.0 * (1.0 - 1e-12) - 1e-300 || x.0 < 0.0) {
        let at = placed.x(panel, tick.at);
        let length = if tick.label.is_empty() { 2.5 } else { 4.0 };
        scene.line((at, frame.bottom()), (at, frame.bottom() + length), palette::GREY, 0.8);
        let text = Text::within(&tick.label, TICK_SIZE, false, f64::INFINITY);
        scene.text(text.at(at, frame.bottom() + 15.0, Anchor::Middle));
    }
    let names = &panel.x.names;
    if names.is_empty() {
        return frame.bottom() + 17.0;
    }
    let room = frame.width / names.len() as f64;
    let longest = names.iter().map(|name| font::width(&clipped(name), TICK_SIZE, false)).fold(0.0, f64::max);
    if longest.min(NAME) <= room - 8.0 {
        for (index, name) in names.iter().enumerate() {
            let text = Text::within(name, TICK_SIZE, false, room - 8.0);
            scene.text(text.at(placed.x(panel, index as f64), frame.bottom() + 15.0, Anchor::Middle));
        }
        return frame.bottom() + 17.0;
    }
    let (size, every) = fitting(room);
    let mut depth: f64 = 0.0;
    for (index, name) in names.iter().enumerate().step_by(every) {
        let text = Text { is_turned: true, ..Text::within(name, size, false, 0.8 * NAME) };
        depth = depth.max(text.length());
        scene.text(text.at(placed.x(panel, index as f64) + 0.35 * size, frame.bottom() + 6.0, Anchor::End));
    }
    frame.bottom() + 8.0 + depth
}

/// The intervals of marks.
fn shade(scene: &mut Scene, panel: &Panel, placed: &Placed, clip: Option<usize>) {
    for mark in &panel.marks {
        let Some((low, high)) = mark.interval else { continue };
        let (a, b) = (placed.x(panel, low), placed.x(panel, high));
        if a.is_finite() && b.is_finite() {
            let (a, b) = (a.clamp(placed.frame.x, placed.frame.right()), b.clamp(placed.frame.x, placed.frame.right()));
            let mut d = String::new();
            rectangle(&mut d, &Frame { x: a.min(b), width: (b - a).abs().max(1.0), ..placed.frame });
            scene.path(Path { d, fill: Some(mark.colour), opacity: 0.13, clip, ..Path::default() });
        }
    }
}

fn draw_marks(scene: &mut Scene, panel: &Panel, placed: &Placed) {
    let frame = placed.frame;
    for (Mark { at, whole, label, colour, is_line, .. }, lane) in panel.marks.iter().zip(&placed.lanes) {
        let x = placed.x(panel, *at);
        if !(x >= frame.x - 1e-6 && x <= frame.right() + 1e-6) {
            continue;
        }
        let top = frame.y - 4.0 - lane.as_ref().map_or(0.0, |(lane, ..)| LANE * *lane as f64);
        let mut d = String::new();
        to(&mut d, 'M', x, top);
        to(&mut d, 'L', x, if *is_line { frame.bottom() } else { frame.y + 5.0 });
        scene.path(Path {
            d,
            stroke: Some((*colour, 1.1)),
            dash: if *is_line { Dash::Dotted } else { Dash::Solid },
            ..Path::default()
        });
        if let Some((_, start, text)) = lane {
            let text = Text {
                whole: (whole != label).then(|| super::scene::shown(whole)).or(text.whole.clone()),
                ..text.clone()
            };
            scene.text(text.at(*start, top - 3.0, Anchor::Start));
        }
    }
}

fn draw_layer(
    scene: &mut Scene,
    panel: &Panel,
    placed: &Placed,
    layer: &Layer,
    clip: Option<usize>,
    ramp: Option<&Ramp>,
) {
    let place = |&(x, y): &(f64, f64)| (placed.x(panel, x), placed.y(panel, y));
    match layer {
        Layer::Line { points, style } => {
            let d = polyline(points.iter().map(place));
            let stroke = Some((style.colour, style.width));
            scene.path(Path { d, stroke, dash: style.dash, clip, ..Path::default() });
        }
        Layer::Points { points, style } => {
            let Some(shape) = style.shape else { return };
            let r = [3.4, 2.4, 1.6][usize::from(points.len() > 60) + usize::from(points.len() > 400)];
            let places = points.iter().map(place).filter(|(x, y)| x.is_finite() && y.is_finite());
            scene.path(marks(shape, style.colour, r, places));
        }
        Layer::Band { points, style } => band(scene, panel, placed, points, style, clip),
        Layer::Whiskers { points, style } => {
            let mut d = String::new();
            // The ends of thin ones would be what one sees of many.
            let cap = if style.width < 1.0 { 0.0 } else { 3.0 };
            for &(x, low, high) in points {
                let is_defined = low.is_finite();
                let ((x, low), high) = (place(&(x, low)), placed.y(panel, high));
                if x.is_finite() && is_defined && high.is_finite() {
                    // Where the lower end is not positive, a logarithmic axis has no place for it.
                    let low = if low.is_finite() { low } else { placed.frame.bottom() };
                    to(&mut d, 'M', x, low);
                    to(&mut d, 'L', x, high);
                    for y in [low, high].into_iter().filter(|_| cap > 0.0) {
                        to(&mut d, 'M', x - cap, y);
                        to(&mut d, 'L', x + cap, y);
                    }
                }
            }
            scene.path(Path { d, stroke: Some((style.colour, style.width)), clip, ..Path::default() });
        }
        Layer::Bars { bars, style } => {
            let mut d = String::new();
            let floor = placed.frame.bottom();
            for &(left, right, y) in bars {
                let ((a, top), b) = (place(&(left, y)), placed.x(panel, right));
                let zero = placed.y(panel, 0.0);
                let zero = if zero.is_finite() { zero.min(floor) } else { floor };
                if a.is_finite() && b.is_finite() && top.is_finite() {
                    let (y, height) = (top.min(zero), (zero - top).abs());
                    rectangle(&mut d, &Frame { x: a.min(b), y, width: (b - a).abs(), height });
                }
            }
            let stroke = Some((style.colour, 0.7));
            scene.path(Path { d, fill: Some(style.colour), opacity: 0.45, stroke, clip, ..Path::default() });
        }
        Layer::Heat { x, y, values } => heat(scene, panel, placed, (x, y, values), clip, ramp),
        Layer::Texts { .. } => {}
    }
}

/// Lines from point to point, with gaps where there is none.
fn polyline(places: impl Iterator<Item = (f64, f64)>) -> String {
    let (mut d, mut is_down) = (String::new(), false);
    for (x, y) in places {
        let is_there = x.is_finite() && y.is_finite();
        if is_there {
            to(&mut d, if is_down { 'L' } else { 'M' }, x, y.clamp(-1e5, 1e5));
        }
        is_down = is_there;
    }
    d
}

fn band(
    scene: &mut Scene,
    panel: &Panel,
    placed: &Placed,
    points: &[(f64, f64, f64)],
    style: &Style,
    clip: Option<usize>,
) {
    // Where a lower end is not positive, the area of a logarithmic axis goes down to the frame.
    let floor = |y: f64| if y.is_finite() { y } else { placed.frame.bottom() };
    let places: Vec<(f64, f64, f64)> = points
        .iter()
        .map(|&(x, low, high)| {
            let lower = if low.is_finite() { floor(placed.y(panel, low)) } else { f64::NAN };
            (placed.x(panel, x), lower, placed.y(panel, high))
        })
        .collect();
    let mut d = String::new();
    for run in places.split(|(x, low, high)| !(x.is_finite() && low.is_finite() && high.is_finite())) {
        for (index, (x, _, high)) in run.iter().enumerate() {
            to(&mut d, if index == 0 { 'M' } else { 'L' }, *x, high.clamp(-1e5, 1e5));
        }
        for (x, low, _) in run.iter().rev() {
            to(&mut d, 'L', *x, low.clamp(-1e5, 1e5));
        }
        if !run.is_empty() {
            d.push('z');
        }
    }
    scene.path(Path { d, fill: Some(style.colour), opacity: 0.18, clip, ..Path::default() });
}

/// Cells of one colour are one path, so that 64 × 64 of them stay small.
fn heat(
    scene: &mut Scene,
    panel: &Panel,
    placed: &Placed,
    (x, y, values): (&[f64], &[f64], &[f64]),
    clip: Option<usize>,
    ramp: Option<&Ramp>,
) {
    let Some(ramp) = ramp else { return };
    let n_columns = x.len().saturating_sub(1).max(1);
    let (mut shades, mut struck): (BTreeMap<i32, String>, String) = (BTreeMap::new(), String::new());
    scene.fill(&placed.frame, Colour(0xd9, 0xd9, 0xd9), 1.0);
    for (row, cells) in values.chunks(n_columns).enumerate() {
        for (column, &value) in cells.iter().enumerate() {
            let Some(shade) = shade_of(value, ramp) else { continue };
            let (a, b) = (placed.x(panel, x[column]), placed.x(panel, x[column + 1]));
            let (c, e) = (placed.y(panel, y[row]), placed.y(panel, y[row + 1]));
            let frame = Frame { x: a.min(b), y: c.min(e), width: (b - a).abs(), height: (e - c).abs() };
            rectangle(shades.entry(shade).or_default(), &frame);
            // In grey the two colours are one: what is visibly negative is struck through.
            if ramp.tone == Tone::Signed && shade <= -15 && frame.width.min(frame.height) >= 7.0 {
                to(&mut struck, 'M', frame.x, frame.bottom());
                to(&mut struck, 'L', frame.right(), frame.y);
            }
        }
    }
    for (shade, d) in shades {
        let share = f64::from(shade) / 100.0;
        let colour = if ramp.tone == Tone::Signed { palette::signed(share) } else { palette::sequential(share) };
        // A hairline of the same colour closes the gaps that rounding leaves between cells.
        scene.path(Path { d, fill: Some(colour), opacity: 1.0, stroke: Some((colour, 0.3)), clip, ..Path::default() });
    }
    scene.path(Path { d: struck, stroke: Some((Colour(255, 255, 255), 0.7)), clip, ..Path::default() });
}

/// The colour of a value, in hundredths of the ramp.
fn shade_of(value: f64, ramp: &Ramp) -> Option<i32> {
    let (low, high) = ramp.range;
    let share = match ramp.tone {
        Tone::Sequential => (value - low) / (high - low),
        Tone::Signed => (value.abs() / high).sqrt().copysign(value),
    };
    share.is_finite().then(|| (share.clamp(-1.0, 1.0) * 100.0).round() as i32)
}

/// Texts beside points, each where no other text stands, and no line runs if there is such a place; one without a place is left out.
fn labels(scene: &mut Scene, panel: &Panel, placed: &Placed, texts: &[&(f64, f64, String)]) {
    let drawn = drawn_places(panel, placed);
    let mut taken: Vec<Frame> = Vec::new();
    for (x, y, text) in texts {
        let (x, y) = (placed.x(panel, *x), placed.y(panel, *y));
        if !x.is_finite() || !y.is_finite() {
            continue;
        }
        let text = Text::within(text, TICK_SIZE, false, NAME);
        // Close by, then a little farther.
        let around = |more: f64| {
            let slant = 0.7 * more;
            [
                (6.0 + slant, -4.0 - slant, Anchor::Start),
                (-6.0 - slant, -4.0 - slant, Anchor::End),
                (6.0 + slant, 11.0 + slant, Anchor::Start),
                (-6.0 - slant, 11.0 + slant, Anchor::End),
                (0.0, -8.0 - more, Anchor::Middle),
                (0.0, 16.0 + more, Anchor::Middle),
                (9.0 + more, 4.0, Anchor::Start),
                (-9.0 - more, 4.0, Anchor::End),
            ]
        };
        let free: Vec<Text> = [0.0, 5.0, 10.0, 16.0]
            .into_iter()
            .flat_map(around)
            .map(|(dx, dy, anchor)| text.clone().at(x + dx, y + dy, anchor))
            .filter(|text| {
                let frame = text.frame();
                placed.frame.holds(&frame) && !taken.iter().any(|other| other.overlaps(&frame))
            })
            .collect();
        let covered = |text: &Text| {
            let frame = text.frame();
            let within = |(x, y): &&(f64, f64)| {
                *x > frame.x - 3.0 && *x < frame.right() + 3.0 && *y > frame.y - 2.0 && *y < frame.bottom() + 2.0
            };
            drawn.iter().filter(within).count()
        };
        if let Some(text) = free.into_iter().min_by_key(covered) {
            taken.push(text.frame());
            scene.text(text);
        }
    }
}

/// Places all along the lines of a panel, a few pixels apart, and around its marks.
fn drawn_places(panel: &Panel, placed: &Placed) -> Vec<(f64, f64)> {
    let mut places = Vec::new();
    for mark in panel.marks.iter().filter(|mark| mark.is_line) {
        let (x, n) = (placed.x(panel, mark.at), placed.frame.height / 3.0);
        places.extend((0..=n as usize).map(|step| (x, placed.frame.y + 3.0 * step as f64)));
    }
    for layer in &panel.layers {
        if let Layer::Points { points, .. } = layer {
            let corners = [(0.0, 0.0), (3.0, 0.0), (-3.0, 0.0), (0.0, 3.0), (0.0, -3.0)];
            for &(x, y) in points {
                let (x, y) = (placed.x(panel, x), placed.y(panel, y));
                places.extend(corners.map(|(dx, dy)| (x + dx, y + dy)));
            }
        }
        let Layer::Line { points, .. } = layer else { continue };
        let there: Vec<(f64, f64)> = points.iter().map(|&(x, y)| (placed.x(panel, x), placed.y(panel, y))).collect();
        for pair in there.windows(2) {
            let ((a, b), (c, d)) = (pair[0], pair[1]);
            let length = libm::hypot(c - a, d - b);
            if length.is_finite() && length < 1e4 {
                let n = (length / 3.0).ceil().max(1.0);
                places.extend((0..=n as usize).map(|step| {
                    let part = step as f64 / n;
                    (a + part * (c - a), b + part * (d - b))
                }));
            }
        }
    }
    places
}
