//! Mathematics on curves and samples.

pub mod broken;
pub mod chinchilla;
pub mod curve;
pub mod detection;
pub mod information;
pub mod normal;
pub mod power_law;
pub mod solver;
pub mod student;
pub mod wilson;
