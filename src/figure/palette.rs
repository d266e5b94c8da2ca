//! Palette: colours that colour-blind people tell apart, each series with a mark and a dash of its own besides.

use serde::{Serialize, Serializer};

use super::{Dash, Shape};

/// Red, green and blue, sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub u8, pub u8, pub u8);

/// Lines that belong to no series.
pub const GREY: Colour = Colour(0x55, 0x55, 0x55);

/// Letters.
pub const INK: Colour = Colour(0x1a, 0x1a, 0x1a);

/// Letters that matter less.
pub const FAINT_INK: Colour = Colour(0x50, 0x50, 0x50);

/// Lines of a grid.
pub const GRID: Colour = Colour(0xe4, 0xe4, 0xe4);

/// Places that are marked.
pub const MARKED: Colour = Colour(0x8b, 0x1a, 0x4a);

/// Okabe & Ito (2008), Color Universal Design, without its yellow, which print loses; ordered so that neighbours differ in lightness too.
const SERIES: [Colour; 7] = [
    Colour(0x00, 0x72, 0xb2),
    Colour(0xd5, 0x5e, 0x00),
    Colour(0x00, 0x9e, 0x73),
    Colour(0xb0, 0x4f, 0x8c),
    Colour(0xd0, 0x8e, 0x00),
    Colour(0x2a, 0x2a, 0x2a),
    Colour(0x45, 0xa2, 0xd8),
];

const SHAPES: [Shape; 12] = [
    Shape::Circle,
    Shape::Square,
    Shape::Triangle,
    Shape::Diamond,
    Shape::Down,
    Shape::Ring,
    Shape::Box,
    Shape::Tent,
    Shape::Rhomb,
    Shape::Plus,
    Shape::Cross,
    Shape::Stroke,
];

const DASHES: [Dash; 5] = [Dash::Solid, Dash::Long, Dash::Mixed, Dash::Dashed, Dash::Dotted];

/// Colour, mark and dash of a series: no two of the first 12 have the same mark, no two of the first 35 the same colour and dash.
pub fn series(index: usize) -> (Colour, Shape, Dash) {
    let dash = if index < SERIES.len() { Dash::Solid } else { DASHES[index / SERIES.len() % DASHES.len()] };
    (SERIES[index % SERIES.len()], SHAPES[index % SHAPES.len()], dash)
}

/// Colour of a series whose name is a number, one of `n` in ascending order: from light to dark, so that the order shows.
pub fn ordered(index: usize, n: usize) -> Colour {
    let share = if n < 2 { 1.0 } else { index as f64 / (n - 1) as f64 };
    sequential(0.38 + 0.62 * share)
}

/// A colour for a share from 0 (light) to 1 (dark): the lightness falls steadily, as in viridis turned about.
pub fn sequential(share: f64) -> Colour {
    const STOPS: [Colour; 6] = [
        Colour(0xff, 0xf7, 0xd6),
        Colour(0xd5, 0xe2, 0x9a),
        Colour(0x6f, 0xc1, 0x8c),
        Colour(0x2b, 0x8f, 0x8c),
        Colour(0x2d, 0x58, 0x8a),
        Colour(0x2e, 0x14, 0x50),
    ];
    between(&STOPS, share)
}

/// A colour for a share from −1 to 1: white at 0, darker with the size, blue above and orange below.
pub fn signed(share: f64) -> Colour {
    const ABOVE: [Colour; 4] =
        [Colour(0xff, 0xff, 0xff), Colour(0xa3, 0xc8, 0xe8), Colour(0x2f, 0x7d, 0xbd), Colour(0x06, 0x2f, 0x5f)];
    const BELOW: [Colour; 4] =
        [Colour(0xff, 0xff, 0xff), Colour(0xf5, 0xb9, 0x86), Colour(0xc8, 0x63, 0x13), Colour(0x5c, 0x23, 0x00)];
    if share < 0.0 { between(&BELOW, -share) } else { between(&ABOVE, share) }
}

fn between(stops: &[Colour], share: f64) -> Colour {
    let place = share.clamp(0.0, 1.0) * (stops.len() - 1) as f64;
    let below = (place.floor() as usize).min(stops.len() - 2);
    let part = place - below as f64;
    let mix = |a: u8, b: u8| (f64::from(a) * (1.0 - part) + f64::from(b) * part).round() as u8;
    let (a, b) = (stops[below], stops[below + 1]);
    Colour(mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
}

impl Colour {
    /// `#0072b2`.
    pub fn hex(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }

    /// How light it is in grey, from 0 to 1 (Rec. 709, of the sRGB values).
    pub fn lightness(self) -> f64 {
        (0.2126 * f64::from(self.0) + 0.7152 * f64::from(self.1) + 0.0722 * f64::from(self.2)) / 255.0
    }
}

impl Serialize for Colour {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.hex())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn law_series_differ_in_print() {
        let all: Vec<_> = (0..12).map(series).collect();
        for (index, a) in all.iter().enumerate() {
            for b in &all[..index] {
                assert_ne!(a.1, b.1);
                assert!(a.0 != b.0 || a.2 != b.2);
            }
            assert!(a.0.lightness() < 0.65, "{:?} is too light for white paper", a.0);
        }
    }

    #[test]
    fn law_ramps_get_darker_all_the_way() {
        for ramp in [sequential, signed, |share: f64| signed(-share)] {
            for step in 1..=100 {
                let (a, b) = (ramp(f64::from(step - 1) / 100.0), ramp(f64::from(step) / 100.0));
                assert!(b.lightness() < a.lightness() + 1e-9, "{a:?} {b:?}");
            }
            assert!(ramp(0.0).lightness() - ramp(1.0).lightness() > 0.7);
        }
    }
}
