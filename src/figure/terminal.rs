//! Terminal: a panel in letters, for a look at a figure where no window opens.

use super::scene::shown;
use super::{Axis, Figure, Layer, Panel, Scale, Shape, number, ticks};
use crate::quantity::{cut, shortest};

/// How a sketch is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// Letters on a line.
    pub width: usize,
    /// Whether lines are drawn, and series coloured by escape sequences; else all is in letters that every terminal, file and mail has.
    pub is_drawn: bool,
}

/// Lines between the axes.
const HEIGHT: usize = 16;

/// Colours of series, as terminals number them; in their order.
const COLOURS: [u8; 6] = [34, 33, 32, 35, 36, 31];

/// The first panel of a figure that has points: a letter for each series, `*` where several are. `None` if there is nothing to draw.
pub fn sketch(figure: &Figure, sheet: Sheet) -> Option<String> {
    figure.panels.iter().find_map(|panel| sketched(figure, panel, sheet))
}

fn sketched(figure: &Figure, panel: &Panel, sheet: Sheet) -> Option<String> {
    let series: Vec<(&Vec<(f64, f64)>, char)> = panel
        .layers
        .iter()
        .filter_map(|layer| match layer {
            Layer::Points { points, style } if style.shape != Some(Shape::Stroke) => Some(points),
            _ => None,
        })
        .zip('a'..='z')
        .collect();
    let all = || series.iter().flat_map(|(points, _)| points.iter()).filter(|(x, y)| x.is_finite() && y.is_finite());
    let x = ticks::range(all().map(|point| point.0), panel.x.scale)?;
    let y = ticks::range(all().map(|point| point.1), panel.y.scale)?;
    let said = |axis: &Axis, at: f64| match axis.names.get(at.round().max(0.0) as usize) {
        Some(name) => cut(&shown(name), 24),
        None if sheet.is_drawn => number::plain(at, 3),
        None => shortest(format!("{at:.2e}").parse().unwrap_or(at)),
    };
    let (top, bottom) = (said(&panel.y, y.1), said(&panel.y, y.0));
    let margin = top.chars().count().max(bottom.chars().count());
    let width = sheet.width.saturating_sub(margin + 3).clamp(16, 120);
    let mut letters = vec![vec![' '; width]; HEIGHT];
    for (points, letter) in &series {
        for point in points.iter() {
            let (across, up) = (share(point.0, x, &panel.x), share(point.1, y, &panel.y));
            if !(0.0..=1.0).contains(&across) || !(0.0..=1.0).contains(&up) {
                continue;
            }
            let column = (across * (width - 1) as f64).round() as usize;
            let place = &mut letters[HEIGHT - 1 - (up * (HEIGHT - 1) as f64).round() as usize][column];
            *place = if *place == ' ' || place == letter { *letter } else { '*' };
        }
    }
    let (wall, corner, floor) = if sheet.is_drawn { ("│", "└", "─") } else { ("|", "+", "-") };
    let room = sheet.width.max(40);
    let mut text = format!("{}\n{}\n", cut(&shown(&figure.title), room), cut(&shown(&panel.y.label), room));
    for (line, letters) in letters.iter().enumerate() {
        let label = match line {
            0 => &top,
            line if line + 1 == HEIGHT => &bottom,
            _ => "",
        };
        let letters: String = letters.iter().collect();
        let letters: String = letters.trim_end().chars().map(|letter| coloured(letter, sheet)).collect();
        text.push_str(&format!("{label:>margin$} {wall}{letters}\n"));
    }
    // Names of an axis stand at its ends as numbers do.
    let (left, right) = (said(&panel.x, x.0), said(&panel.x, x.1));
    let gap = width.saturating_sub(left.chars().count() + right.chars().count());
    text.push_str(&format!("{:margin$} {corner}{}\n", "", floor.repeat(width)));
    text.push_str(&format!("{:margin$}  {left}{}{right}\n", "", " ".repeat(gap)));
    text.push_str(format!("{:margin$}  {}", "", cut(&shown(&panel.x.label), room)).trim_end());
    text.push('\n');
    if series.len() > 1 {
        let names = figure.legend.iter().filter(|entry| entry.style.shape.is_some() && !entry.is_band);
        let names = names
            .zip('a'..='z')
            .map(|(entry, letter)| format!("{} {}", coloured(letter, sheet), cut(&shown(&entry.name), 40)));
        text.push_str(&format!("{}\n", names.collect::<Vec<_>>().join("; ")));
    }
    Some(text)
}

fn coloured(letter: char, sheet: Sheet) -> String {
    match ('a'..='z').position(|known| known == letter) {
        Some(series) if sheet.is_drawn => format!("\u{1b}[{}m{letter}\u{1b}[0m", COLOURS[series % COLOURS.len()]),
        _ => letter.to_string(),
    }
}

fn share(at: f64, (low, high): (f64, f64), axis: &Axis) -> f64 {
    match axis.scale {
        Scale::Linear => (at - low) / (high - low),
        Scale::Log => libm::log(at / low) / libm::log(high / low),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Style;

    #[test]
    fn theory_points_stand_where_they_are() {
        let points = vec![(0.0, 0.0), (10.0, 1.0), (f64::NAN, 0.5)];
        let layers = vec![Layer::Points { points, style: Style::of(0) }];
        let panel = Panel { layers, ..Panel::default() };
        let figure = Figure { title: "t\u{1b}[31m".into(), panels: vec![panel], ..Figure::default() };
        let sheet = Sheet { width: 80, is_drawn: false };
        let text = sketch(&figure, sheet).expect("points");
        assert!(text.chars().all(|c| c == '\n' || c == '\u{fffd}' || c.is_ascii_graphic() || c == ' '), "{text}");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "t\u{fffd}[31m");
        let found: Vec<usize> = lines[2..18].iter().filter_map(|line| line.chars().position(|c| c == 'a')).collect();
        // The upper one, at the right, comes first.
        assert!(found.len() == 2 && found[0] > found[1] + 50, "{text}");
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{text}");
        let drawn = sketch(&figure, Sheet { width: 80, is_drawn: true }).expect("points");
        assert!(drawn.contains("\u{1b}[34ma\u{1b}[0m") && drawn.contains('└'), "{drawn}");
        assert_eq!(sketch(&Figure::default(), sheet), None);
    }
}
