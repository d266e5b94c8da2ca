//! The figures of a run: SVG and PNG in a folder of their own.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use superpose::engine::unit::Inputs;
use superpose::figure::font::Fonts;
use superpose::figure::kind::{self, Run};
use superpose::figure::source::Source;
use superpose::figure::{Figure, png, svg, vectors};
use superpose::geometry::kernel::Kernel;
use superpose::output::{self, Ready, Written};
use superpose::scenario::study::Study;
use superpose::table::Value;

use super::{Failure, page};

/// The folder within that of the results.
pub const FOLDER: &str = "figures";

/// Draws all figures of a run.
pub fn draw(
    study: &Study,
    inputs: &Inputs,
    kernel: Kernel,
    (source, findings): (&Source, &[Vec<Value>]),
) -> Result<Vec<Figure>, Failure> {
    let vectors = vectors::draw(study, inputs, kernel).map_err(|fault| Failure::of(study, fault))?;
    let run = Run { study, source, findings, vectors: &vectors.drawn, left_out: &vectors.left_out };
    Ok(kind::figures(&run))
}

/// Writes figures under temporary names in the folder of the run, where whoever holds the store finds what a killed process left.
/// The folder of the figures is made by [`make_room`].
pub fn write(folder: &Path, figures: &[Figure], fonts: &Fonts) -> Result<Vec<(Ready, Written)>, Failure> {
    let files: Vec<Vec<(Ready, Written)>> = figures
        .par_iter()
        .map(|figure| {
            let painted = png::encode(figure, fonts).map_err(|fault| Failure::new(7, fault))?;
            let files = [("svg", svg::encode(figure).into_bytes()), ("png", painted)];
            let stage = |(ending, content): &(&str, Vec<u8>)| {
                let (ready, mut written) =
                    output::draft(folder, &format!("{FOLDER}/{}.{ending}", figure.name), content)?;
                written.file = format!("{FOLDER}/{}", written.file);
                Ok((ready, written))
            };
            files.iter().map(stage).collect()
        })
        .collect::<Result<_, Failure>>()?;
    Ok(files.into_iter().flatten().collect())
}

/// Makes the folder of the figures, right before they get their names.
pub fn make_room(folder: &Path, written: &[Written]) -> Result<(), Failure> {
    let is_figure = |written: &Written| written.file.starts_with(FOLDER);
    if written.iter().any(is_figure) {
        output::create_folder(&folder.join(FOLDER))?;
    }
    Ok(())
}

/// The figures and the page that the manifest of an earlier run lists: what of them is not made again is no longer true.
pub fn earlier(manifest: &Path) -> Vec<PathBuf> {
    let text = std::fs::read(manifest).unwrap_or_default();
    let manifest: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    let outputs = manifest["outputs"].as_array().into_iter().flatten().filter_map(|output| output["file"].as_str());
    let plain = |name: &str| !name.is_empty() && !name.contains(['/', '\\']) && name != "..";
    let own = outputs.filter(|file| *file == page::FILE || file.strip_prefix("figures/").is_some_and(plain));
    own.map(PathBuf::from).collect()
}
