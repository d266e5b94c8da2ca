//! Mathematics on curves and samples.

pub mod student;
