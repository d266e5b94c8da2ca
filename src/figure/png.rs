//! PNG: the SVG of a figure painted, twice as large, with the bundled font.

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use super::font::Fonts;
use super::{Fault, Figure, svg};
use crate::geometry::kernel::memory;

/// Pixels for each pixel of the SVG: sharp on a screen and in print at 7 cm for 660.
const SCALE: f32 = 2.0;

/// A figure as a PNG file. Names with letters that no font has stand as numbers, and a note says so.
pub fn encode(figure: &Figure, fonts: &Fonts) -> Result<Vec<u8>, Fault> {
    paint(&figure.name, &svg::encode(&printable(figure, fonts)), fonts)
}

fn paint(name: &str, svg: &str, fonts: &Fonts) -> Result<Vec<u8>, Fault> {
    let fault = |reason: String| Fault::Paint { name: name.to_owned(), reason };
    let options = Options { font_family: "Inter".to_owned(), fontdb: fonts.database.clone(), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|error| fault(error.to_string()))?;
    let size = tree.size().to_int_size().scale_by(SCALE).ok_or_else(|| fault("it has no size".to_owned()))?;
    let white = memory::filled(u8::MAX, size.height() as usize, 4 * size.width() as usize, false, |_, _| ());
    let mut pixels = Pixmap::from_vec(white, size).ok_or_else(|| fault("it is too large".to_owned()))?;
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
    packed(pixels).map_err(|error| fault(error.to_string()))
}

/// The pixels of a picture that is white where nothing is painted, without their alpha.
fn packed(pixels: Pixmap) -> Result<Vec<u8>, png::EncodingError> {
    let (width, height) = (pixels.width(), pixels.height());
    let mut colours = pixels.take();
    // In their own place: to touch memory for the first time takes as long as to write there.
    let n_pixels = colours.len() / 4;
    (0..n_pixels).for_each(|index| colours.copy_within(4 * index..4 * index + 3, 3 * index));
    colours.truncate(3 * n_pixels);
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    // Two to three times as large as the best packing, which took a quarter of the time of a small run.
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&colours)?;
    writer.finish()?;
    Ok(file)
}

/// The figure with every name that cannot be painted replaced by its number.
fn printable(figure: &Figure, fonts: &Fonts) -> Figure {
    let mut figure = figure.clone();
    let mut is_replaced = false;
    let mut replace = |text: &mut String, number: &dyn Fn() -> String| {
        if !fonts.covers(&super::scene::shown(&text.chars().take(400).collect::<String>())) {
            *text = number();
            is_replaced = true;
        }
    };
    let name = figure.name.clone();
    replace(&mut figure.title, &|| name.clone());
    replace(&mut figure.subtitle, &String::new);
    for (index, entry) in figure.legend.iter_mut().enumerate() {
        replace(&mut entry.name, &|| format!("series {}", index + 1));
    }
    for (index, panel) in figure.panels.iter_mut().enumerate() {
        replace(&mut panel.title, &|| format!("panel {}", index + 1));
        for axis in [&mut panel.x, &mut panel.y] {
            replace(&mut axis.label, &|| "–".to_owned());
            for (index, name) in axis.names.iter_mut().enumerate() {
                replace(name, &|| format!("{}", index + 1));
            }
        }
        for (index, mark) in panel.marks.iter_mut().enumerate() {
            replace(&mut mark.label, &|| format!("mark {}", index + 1));
            replace(&mut mark.whole, &|| format!("mark {}", index + 1));
        }
        for layer in &mut panel.layers {
            if let super::Layer::Texts { texts } = layer {
                for (index, (_, _, text)) in texts.iter_mut().enumerate() {
                    replace(text, &|| format!("{}", index + 1));
                }
            }
        }
    }
    for note in &mut figure.notes {
        replace(note, &String::new);
    }
    figure.notes.retain(|note| !note.is_empty());
    if is_replaced {
        figure.notes.push(
            "Names with letters that the bundled font lacks stand as numbers; the SVG has them, and so has a picture made with --font FILE."
                .to_owned(),
        );
    }
    figure
}
