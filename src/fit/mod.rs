//! Mathematics on curves and samples.

pub mod detection;
pub mod normal;
pub mod student;
pub mod wilson;
