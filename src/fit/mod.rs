//! Mathematics on curves and samples.

pub mod detection;
pub mod information;
pub mod normal;
pub mod solver;
pub mod student;
pub mod wilson;
