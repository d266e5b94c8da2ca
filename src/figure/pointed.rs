//! Pointed: what a panel says where a reader points at it, in the page of a report.

use super::panel::Placed;
use super::scene::{Frame, coordinate, shown};
use super::{Axis, Entry, Layer, Panel, Scale, Shape, Style, number};
use crate::quantity::{cut, shortest};

/// The places of a panel that say something.
#[derive(Clone, Debug, PartialEq)]
pub struct Pointed {
    /// What lies between the axes.
    pub frame: Frame,
    /// Marks and columns.
    pub spots: Vec<Spot>,
    /// The cells of a heat map.
    pub heat: Option<Heat>,
    x: Axis,
    y: Axis,
}

/// A mark or a column.
#[derive(Clone, Debug, PartialEq)]
pub struct Spot {
    place: (f64, f64),
    bar: Option<Frame>,
    at: (f64, f64),
    interval: Option<(f64, f64)>,
    style: Style,
}

/// The cells of a heat map.
#[derive(Clone, Debug, PartialEq)]
pub struct Heat {
    x: Vec<f64>,
    y: Vec<f64>,
    values: Vec<f64>,
    columns: Vec<String>,
    rows: Vec<String>,
}

impl Pointed {
    /// Of a panel that has its place.
    pub fn of(panel: &Panel, placed: &Placed) -> Self {
        let place = |x: f64, y: f64| (placed.x(panel, x), placed.y(panel, y));
        let is_there = |(x, y): (f64, f64)| x.is_finite() && y.is_finite();
        let (mut spots, mut heat) = (Vec::new(), None);
        for layer in &panel.layers {
            match layer {
                Layer::Points { points, style } => spots.extend(
                    points.iter().map(|&at| (at, place(at.0, at.1))).filter(|(_, place)| is_there(*place)).map(
                        |(at, place)| {
                            let interval = interval(panel, *style, at.0);
                            Spot { place, bar: None, at, interval, style: *style }
                        },
                    ),
                ),
                Layer::Bars { bars, style } => {
                    for &(left, right, y) in bars {
                        let at = (0.5 * (left + right), y);
                        let ((a, top), (b, _)) = (place(left, y), place(right, y));
                        if is_there((a, top)) && b.is_finite() {
                            let bar = Frame { x: a.min(b), width: (b - a).abs(), ..placed.frame };
                            spots.push(Spot {
                                place: (0.5 * (a + b), top),
                                bar: Some(bar),
                                at,
                                interval: None,
                                style: *style,
                            });
                        }
                    }
                }
                Layer::Heat { x, y, values } => {
                    heat = Some(Heat {
                        x: x.iter().map(|&x| placed.x(panel, x)).collect(),
                        y: y.iter().map(|&y| placed.y(panel, y)).collect(),
                        values: values.clone(),
                        columns: cells(&panel.x, x),
                        rows: cells(&panel.y, y),
                    });
                }
                _ => {}
            }
        }
        let axis = |axis: &Axis| Axis { names: axis.names.iter().map(|name| short(name)).collect(), ..axis.clone() };
        Self { frame: placed.frame, spots, heat, x: axis(&panel.x), y: axis(&panel.y) }
    }

    /// As elements of an SVG that are seen only by who points at them.
    pub fn encode(&self, legend: &[Entry], escaped: impl Fn(&str) -> String) -> String {
        let frame = self.frame;
        let mut svg = format!(
            "<g class=\"panel\" data-top=\"{}\" data-bottom=\"{}\" fill=\"#ffffff\" fill-opacity=\"0\">\n",
            coordinate(frame.y),
            coordinate(frame.bottom())
        );
        for spot in &self.spots {
            let words = escaped(&self.words(spot, legend));
            let (x, y) = (coordinate(spot.place.0), coordinate(spot.place.1));
            match spot.bar {
                Some(bar) => {
                    let [left, top, width, height] = [bar.x, bar.y, bar.width, bar.height].map(coordinate);
                    svg.push_str(&format!(
                        "<rect class=\"spot\" x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\"><title>{words}</title></rect>\n"
                    ));
                }
                None if self.x.names.is_empty() => svg.push_str(&format!(
                    "<circle class=\"spot\" cx=\"{x}\" cy=\"{y}\" r=\"7\" data-x=\"{}\" data-at=\"{}\"><title>{words}</title></circle>\n",
                    shortest(spot.at.0),
                    escaped(&number::plain(spot.at.0, 4)),
                )),
                None => svg.push_str(&format!(
                    "<circle class=\"spot\" cx=\"{x}\" cy=\"{y}\" r=\"7\"><title>{words}</title></circle>\n"
                )),
            }
        }
        if let Some(heat) = &self.heat {
            let places = |places: &[f64]| places.iter().map(|&x| coordinate(x)).collect::<Vec<_>>().join(" ");
            let words = |names: &[String]| escaped(&names.join("\n")).replace('\n', "&#10;");
            let value = |&x: &f64| if x.is_finite() { number::plain(x, 3) } else { "–".to_owned() };
            let values = heat.values.iter().map(value).collect::<Vec<_>>().join(" ");
            let [left, top, width, height] = [frame.x, frame.y, frame.width, frame.height].map(coordinate);
            svg.push_str(&format!(
                "<rect class=\"heat\" x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" data-x=\"{}\" data-y=\"{}\" \
                 data-columns=\"{}\" data-rows=\"{}\" data-values=\"{values}\"/>\n",
                places(&heat.x),
                places(&heat.y),
                words(&heat.columns),
                words(&heat.rows),
            ));
        }
        svg.push_str("</g>\n");
        svg
    }

    /// `small: coherence 0.0123 (0.0120 to 0.0126) at size N 10⁹`.
    fn words(&self, spot: &Spot, legend: &[Entry]) -> String {
        let entry = legend.iter().find(|entry| entry.style == spot.style && entry.style.shape.is_some());
        let mut words = match entry {
            _ if spot.style.shape == Some(Shape::Stroke) && entry.is_none() => "theory: ".to_owned(),
            Some(entry) => format!("{}: ", short(&entry.name)),
            None => String::new(),
        };
        let said = |axis: &Axis, x: f64| match axis.names.get(x.round().max(0.0) as usize) {
            Some(name) => name.clone(),
            None => number::plain(x, 4),
        };
        if !self.y.label.is_empty() {
            words.push_str(&format!("{} ", self.y.label));
        }
        words.push_str(&said(&self.y, spot.at.1));
        if let Some((low, high)) = spot.interval {
            words.push_str(&format!(" ({} to {})", number::plain(low, 4), number::plain(high, 4)));
        }
        let at = said(&self.x, spot.at.0);
        match (self.x.names.is_empty(), self.x.label.is_empty()) {
            (true, false) => words.push_str(&format!("\n{} {at}", self.x.label)),
            _ => words.push_str(&format!("\n{at}")),
        }
        words
    }
}

/// The interval that is drawn around a point of a series.
fn interval(panel: &Panel, style: Style, x: f64) -> Option<(f64, f64)> {
    panel.layers.iter().find_map(|layer| match layer {
        Layer::Band { points, style: own } | Layer::Whiskers { points, style: own }
            if own.colour == style.colour && own.shape == style.shape =>
        {
            let point = points.iter().find(|point| point.0.to_bits() == x.to_bits())?;
            (point.1.is_finite() && point.2.is_finite()).then_some((point.1, point.2))
        }
        _ => None,
    })
}

/// What the cells between these edges are called.
fn cells(axis: &Axis, edges: &[f64]) -> Vec<String> {
    let middle = |pair: &[f64]| match axis.scale {
        Scale::Linear => 0.5 * (pair[0] + pair[1]),
        Scale::Log => (pair[0] * pair[1]).sqrt(),
    };
    let name = |(index, pair): (usize, &[f64])| match axis.names.get(index) {
        Some(name) => short(name),
        None => number::plain(middle(pair), 4),
    };
    edges.windows(2).enumerate().map(name).collect()
}

/// As much of a name as one reads in passing.
fn short(name: &str) -> String {
    shown(&cut(name, 60))
}
