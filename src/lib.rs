//! `superpose` simulates how representations emerge as models grow.
//!
//! A scenario file says which concepts are embedded by models of which sizes, and what is measured. The engine draws the vectors, compares all
//! pairs of them on all cores, and gives one tidy table, beside the theory that predicts it.
//!
//! Symbols: n concepts (the toy-model papers say features), m ≤ n of them represented, d units (the width), W the embedding, d × n, whose column i
//! is the vector wᵢ of concept i; c a cosine of two of them; N the parameters of a model.
//!
//! ```
//! use superpose::engine;
//! use superpose::geometry::kernel::Kernel;
//! use superpose::scenario::{document::Document, study::Study};
//!
//! let text = r#"
//!     name = "two"
//!     [concepts]
//!     count = 8
//!     [[tiers]]
//!     name = "one-hot"
//!     d_model = 8
//!     embedding.localized = {}
//!     [measure.overlap]
//! "#;
//! let document = Document::parse("two.toml".as_ref(), text.into())?;
//! let study = Study::new(&document)?;
//! let (table, _) = engine::run_in_memory(&study, Kernel::best(), 1 << 30)?;
//! let coherence = table.position("coherence").expect("a column of overlap");
//! assert_eq!(table.rows[0][coherence].number(), Some(0.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The modules stand on floors; each names only modules below it (a test holds this). In reading order, from the ground:
//!
//! | floor | modules | what |
//! |---|---|---|
//! | 0 | [`quantity`], [`seed`], [`table`], [`suggestion`], [`registry`] | words |
//! | 1 | [`geometry`], [`fit`], [`catalogue`] | mathematics on vectors; on curves and samples; models that were built |
//! | 2 | [`training`] | toy models that learn their representation |
//! | 3 | [`embedding`] | how concepts become vectors |
//! | 4 | [`measure`], [`analysis`] | what is observed; what is concluded |
//! | 5 | [`scenario`], [`store`], [`output`] | what was asked; where results rest; where rows go |
//! | 6 | [`engine`], [`figure`], [`schema`], [`explain`], [`report`] | run it, draw it, tell it |

#![warn(missing_docs)]
// A test may compare with std's functions; a result may not come from them.
#![cfg_attr(test, allow(clippy::disallowed_methods, clippy::unwrap_used))]

pub mod quantity;
pub mod registry;
pub mod seed;
pub mod suggestion;
pub mod table;

pub mod catalogue;
pub mod fit;
pub mod geometry;

pub mod training;

pub mod embedding;

pub mod analysis;
pub mod measure;

pub mod output;
pub mod scenario;
pub mod store;

pub mod engine;
pub mod explain;
pub mod figure;
pub mod report;
pub mod schema;
