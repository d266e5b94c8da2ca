//! Mathematics on vectors: the embedding, the pass over all its pairs, its spectrum, and what theory says of random directions.

pub mod bounds;
pub mod decomposition;
pub mod directions;
pub mod embedding;
pub mod graph;
pub mod histogram;
pub mod kernel;
pub mod neighbours;
pub mod pairs;
pub mod random;
pub mod rows;
pub mod similarity;
pub mod spectrum;
pub mod top_pairs;

mod centre;
mod columns;
mod lift;
mod panels;
mod reduction;
mod signs;
mod sparse;
mod strip;
mod tile;
