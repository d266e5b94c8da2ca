//! Layout: title, legend, colour bar, panels and notes on a page, so that no text lies on another.

use super::panel::{self, Room};
use super::scene::{Anchor, Frame, Path, Scene, Text, marks, rectangle, to};
use super::{Dash, Entry, Figure, Ramp, Tone, font, number, palette};

const MARGIN: f64 = 18.0;

/// Between two panels.
const GAP: f64 = 22.0;

/// Rows of the legend that are drawn; what does not fit is counted.
const LEGEND_ROWS: usize = 6;

/// Sets a figure.
pub fn layout(figure: &Figure) -> Scene {
    let n_columns = figure.n_columns.clamp(1, 3).min(figure.panels.len().max(1));
    let mut scene = Scene { width: [660.0, 800.0, 980.0][n_columns - 1], ..Scene::default() };
    let mut y = heading(&mut scene, figure);
    y = legend(&mut scene, &figure.legend, y);
    if let Some(ramp) = &figure.ramp {
        y = bar(&mut scene, ramp, y);
    }
    y = panels(&mut scene, figure, n_columns, y + 6.0);
    for note in &figure.notes {
        for line in font::wrapped(&super::scene::shown(note), 10.5, false, scene.width - 2.0 * MARGIN, 3) {
            y += 15.0;
            scene.text(Text::within(&line, 10.5, false, f64::INFINITY).faint().at(MARGIN, y, Anchor::Start));
        }
    }
    scene.height = (y + MARGIN).ceil();
    scene
}

/// Title and subtitle; gives the line below.
fn heading(scene: &mut Scene, figure: &Figure) -> f64 {
    let room = scene.width - 2.0 * MARGIN;
    let mut y = MARGIN;
    let mut lines = |text: &str, size: f64, is_bold: bool, n_most: usize, scene: &mut Scene| {
        let text = super::scene::shown(text);
        let lines = font::wrapped(&text, size, is_bold, room, n_most);
        let n = lines.len();
        for (index, line) in lines.into_iter().enumerate() {
            y += size * 1.28;
            let is_cut = index + 1 == n && line.ends_with('…') && !text.ends_with('…');
            let line = Text { whole: is_cut.then(|| text.clone()), text: line, size, is_bold, ..Text::default() };
            scene.text(Text { is_faint: !is_bold, ..line }.at(MARGIN, y - 0.2 * size, Anchor::Start));
        }
    };
    lines(&figure.title, 15.5, true, 2, scene);
    lines(&figure.subtitle, 11.5, false, 4, scene);
    y + 6.0
}

/// The legend in rows; gives the line below.
fn legend(scene: &mut Scene, entries: &[Entry], top: f64) -> f64 {
    if entries.is_empty() {
        return top;
    }
    const SAMPLE: f64 = 26.0;
    let right = scene.width - MARGIN;
    let (mut x, mut y, mut n_rows) = (MARGIN, top + 13.0, 1);
    for (index, entry) in entries.iter().enumerate() {
        let text = Text::within(&entry.name, 11.5, false, 330.0);
        let length = SAMPLE + 6.0 + text.length();
        let rest = Text::within(&format!("and {} more", entries.len() - index), 11.5, false, 330.0);
        // On the last row there must be room to say that there are more.
        let is_last_row = n_rows == LEGEND_ROWS && index + 1 < entries.len();
        let needed = length + if is_last_row { 18.0 + rest.length() } else { 0.0 };
        if x + needed > right && x > MARGIN {
            if n_rows == LEGEND_ROWS {
                scene.text(rest.faint().at(x, y, Anchor::Start));
                break;
            }
            (x, y, n_rows) = (MARGIN, y + 18.0, n_rows + 1);
        }
        sample(scene, entry, x, y - 4.0, SAMPLE);
        scene.text(text.at(x + SAMPLE + 6.0, y, Anchor::Start));
        x += length + 18.0;
    }
    y + 7.0
}

fn sample(scene: &mut Scene, entry: &Entry, x: f64, y: f64, length: f64) {
    let style = entry.style;
    if entry.is_band {
        scene.fill(&Frame { x, y: y - 5.0, width: length, height: 10.0 }, style.colour, 0.22);
        return;
    }
    if style.dash != Dash::None {
        let mut d = String::new();
        to(&mut d, 'M', x, y);
        to(&mut d, 'L', x + length, y);
        scene.path(Path { d, stroke: Some((style.colour, style.width)), dash: style.dash, ..Path::default() });
    }
    if let Some(shape) = style.shape {
        scene.path(marks(shape, style.colour, 3.6, std::iter::once((x + length / 2.0, y))));
    }
}

/// The bar that tells what the colours mean; gives the line below.
fn bar(scene: &mut Scene, ramp: &Ramp, top: f64) -> f64 {
    const N: usize = 48;
    let label = Text::within(&ramp.label, 11.5, false, scene.width - 2.0 * MARGIN - 290.0);
    let (x, y, length) = (MARGIN + label.length() + 14.0, top + 4.0, 240.0);
    scene.text(label.at(MARGIN, y + 10.0, Anchor::Start));
    let (low, high) = ramp.range;
    for index in 0..N {
        let share = (index as f64 + 0.5) / N as f64;
        let colour = match ramp.tone {
            Tone::Sequential => palette::sequential(share),
            Tone::Signed => palette::signed(2.0 * share - 1.0),
        };
        // A little wider than they are, so that no gap shows between them.
        let width = length / N as f64 + if index + 1 < N { 0.5 } else { 0.0 };
        let frame = Frame { x: x + length * index as f64 / N as f64, y, width, height: 12.0 };
        scene.fill(&frame, colour, 1.0);
    }
    let mut d = String::new();
    rectangle(&mut d, &Frame { x, y, width: length, height: 12.0 });
    scene.path(Path { d, stroke: Some((palette::GREY, 0.8)), ..Path::default() });
    let shares: &[f64] = match ramp.tone {
        Tone::Sequential => &[0.0, 0.5, 1.0],
        Tone::Signed => &[0.0, 0.25, 0.5, 0.75, 1.0],
    };
    for &share in shares {
        let value = match ramp.tone {
            Tone::Sequential => low + share * (high - low),
            // The colour goes by the root of the size.
            Tone::Signed => {
                let part = 2.0 * share - 1.0;
                high * part * part.abs()
            }
        };
        let at = x + share * length;
        scene.line((at, y + 12.0), (at, y + 16.0), palette::GREY, 0.8);
        let text = Text::within(&number::plain(value, 3), 10.5, false, 70.0);
        scene.text(text.at(at, y + 26.0, Anchor::Middle));
    }
    y + 32.0
}

/// The panels in their grid; gives the line below.
fn panels(scene: &mut Scene, figure: &Figure, n_columns: usize, top: f64) -> f64 {
    let cell = (scene.width - 2.0 * MARGIN - GAP * (n_columns - 1) as f64) / n_columns as f64;
    let height = [310.0, 215.0, 165.0][n_columns - 1];
    let rooms: Vec<Room> = figure.panels.iter().map(|panel| Room::of(panel, cell, height)).collect();
    // Panels above one another share their left edge, those beside one another their upper one.
    let left = |column: usize| rooms.iter().skip(column).step_by(n_columns).map(|room| room.left).fold(0.0, f64::max);
    let lefts: Vec<f64> = (0..n_columns).map(left).collect();
    let mut y = top;
    for (row, (row_panels, row_rooms)) in figure.panels.chunks(n_columns).zip(rooms.chunks(n_columns)).enumerate() {
        if row > 0 {
            y += GAP - 6.0;
        }
        let drawn: Vec<panel::Placed> = row_panels
            .iter()
            .zip(row_rooms)
            .enumerate()
            .map(|(column, (panel, room))| {
                let x = MARGIN + (cell + GAP) * column as f64;
                panel::place(panel, room, Frame { x, y, width: cell, height }, lefts[column])
            })
            .collect();
        let above = drawn.iter().map(|placed| placed.above).fold(0.0, f64::max);
        let mut bottom = y;
        for (panel, placed) in row_panels.iter().zip(&drawn) {
            bottom = f64::max(bottom, panel::draw(scene, panel, placed, y + above, figure.ramp.as_ref()));
        }
        y = bottom;
    }
    y
}
