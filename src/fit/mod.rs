//! Mathematics on curves and samples.

pub mod broken;
pub mod change_point;
pub mod chinchilla;
pub mod curve;
pub mod detection;
pub mod emergence;
pub mod finite_size;
pub mod information;
pub mod monotone;
pub mod normal;
pub mod power_law;
pub mod rival;
pub mod sigmoid;
pub mod solver;
pub mod student;
pub mod trend;
pub mod wilson;
