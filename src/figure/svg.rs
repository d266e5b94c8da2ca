//! SVG: a scene as text. Names are text in it and nothing else.

use std::fmt::Write;

use super::Dash;
use super::Figure;
use super::font::FAMILY;
use super::layout::layout;
use super::palette::{FAINT_INK, INK};
use super::scene::{Anchor, Item, Path, Scene, Text, coordinate, rectangle, shown};

/// A figure as an SVG document.
pub fn encode(figure: &Figure) -> String {
    write(figure, &layout(figure))
}

/// A figure for the inside of a page: it says what its marks stand for where one points at them.
pub fn inline(figure: &Figure) -> String {
    let scene = layout(figure);
    let pointed: String = scene.pointed.iter().map(|pointed| pointed.encode(&figure.legend, escaped)).collect();
    let svg = write(figure, &scene).replacen("<svg ", "<svg lang=\"en\" ", 1);
    svg.trim_end().strip_suffix("</svg>").map_or(svg.clone(), |open| format!("{open}{pointed}</svg>\n"))
}

/// A scene of a figure as an SVG document. Its ids begin with the name of the figure, so that several can stand in one page.
pub fn write(figure: &Figure, scene: &Scene) -> String {
    let (width, height) = (coordinate(scene.width), coordinate(scene.height));
    let id = escaped(&figure.name);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-labelledby=\"{id}-title {id}-desc\" font-family=\"{FAMILY}\">\n\
         <title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-desc\">{}</desc>\n",
        escaped(&shown(&figure.title)),
        escaped(&shown(&figure.description)),
    );
    if !scene.clips.is_empty() {
        svg.push_str("<defs>");
        for (index, frame) in scene.clips.iter().enumerate() {
            let mut d = String::new();
            rectangle(&mut d, frame);
            let _ = write!(svg, "<clipPath id=\"{id}-{index}\"><path d=\"{d}\"/></clipPath>");
        }
        svg.push_str("</defs>\n");
    }
    let _ = writeln!(svg, "<path d=\"M0,0h{width}v{height}h-{width}z\" fill=\"#ffffff\"/>");
    // What is clipped alike is clipped together: to a painter each clip is a picture of its own.
    let mut open = None;
    for item in &scene.items {
        let clip = if let Item::Path(path) = item { path.clip } else { None };
        if clip != open {
            svg.push_str(if open.is_some() { "</g>\n" } else { "" });
            if let Some(clip) = clip {
                let _ = writeln!(svg, "<g clip-path=\"url(#{id}-{clip})\">");
            }
            open = clip;
        }
        match item {
            Item::Path(path) => write_path(&mut svg, path),
            Item::Text(text) => write_text(&mut svg, text),
        }
    }
    svg.push_str(if open.is_some() { "</g>\n</svg>\n" } else { "</svg>\n" });
    svg
}

fn write_path(svg: &mut String, path: &Path) {
    let _ = write!(svg, "<path d=\"{}\"", path.d);
    match path.fill {
        Some(colour) => {
            let _ = write!(svg, " fill=\"{}\"", colour.hex());
            if path.opacity < 1.0 {
                let _ = write!(svg, " fill-opacity=\"{}\"", coordinate(path.opacity));
            }
        }
        None => svg.push_str(" fill=\"none\""),
    }
    if let Some((colour, width)) = path.stroke {
        let _ = write!(svg, " stroke=\"{}\" stroke-width=\"{}\"", colour.hex(), coordinate(width));
        let lengths: &[f64] = match path.dash {
            Dash::Solid | Dash::None => &[],
            Dash::Dashed => &[3.0, 2.2],
            Dash::Dotted => &[0.9, 1.8],
            Dash::Mixed => &[5.0, 2.0, 1.0, 2.0],
            Dash::Long => &[7.0, 2.4],
        };
        if !lengths.is_empty() {
            let lengths: Vec<String> = lengths.iter().map(|length| coordinate(length * width.max(1.0))).collect();
            let _ = write!(svg, " stroke-dasharray=\"{}\"", lengths.join(","));
        }
        svg.push_str(" stroke-linejoin=\"round\"");
    }
    svg.push_str("/>\n");
}

fn write_text(svg: &mut String, text: &Text) {
    let (x, y) = (coordinate(text.x), coordinate(text.y));
    let ink = if text.is_faint { FAINT_INK } else { INK };
    let _ = write!(svg, "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\" fill=\"{}\"", coordinate(text.size), ink.hex());
    if text.is_bold {
        svg.push_str(" font-weight=\"600\"");
    }
    match text.anchor {
        Anchor::Start => {}
        Anchor::Middle => svg.push_str(" text-anchor=\"middle\""),
        Anchor::End => svg.push_str(" text-anchor=\"end\""),
    }
    if text.is_turned {
        let _ = write!(svg, " transform=\"rotate(-90 {x} {y})\"");
    }
    svg.push('>');
    if let Some(whole) = &text.whole {
        let _ = write!(svg, "<title>{}</title>", escaped(whole));
    }
    let _ = writeln!(svg, "{}</text>", escaped(&text.text));
}

/// Text for an element or an attribute.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}
