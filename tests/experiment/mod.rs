//! Experiment: a scenario as text, run in memory, and its cells by tier and column.
#![allow(dead_code, reason = "every test file takes what it needs")]

use std::fs;
use std::path::Path;

use superpose::engine;
use superpose::geometry::kernel::Kernel;
use superpose::scenario::document::Document;
use superpose::scenario::study::Study;
use superpose::table::{Table, Value};

/// A table and the ways to ask it.
pub struct Experiment(pub Table);

/// The study of a scenario whose relative paths begin in `folder`.
pub fn plan(folder: &Path, text: &str) -> Study {
    let document = Document::parse(&folder.join("scenario.toml"), text.to_owned()).expect("the scenario can be read");
    Study::new(&document).expect("the scenario can be planned")
}

/// Runs a scenario with memory to spare, on the current pool.
pub fn run(folder: &Path, text: &str) -> Experiment {
    Experiment(run_plan(&plan(folder, text), Kernel::best(), 4 << 30))
}

/// Runs a study on the current pool.
pub fn run_plan(study: &Study, kernel: Kernel, memory: u64) -> Table {
    let (table, outcome) = engine::run_in_memory(study, kernel, memory).expect("the study can be run");
    assert!(outcome.failures.is_empty(), "{:?}", outcome.failures);
    table
}

impl Experiment {
    /// The cells of a column for all replicates of a tier.
    pub fn cells(&self, tier: &str, column: &str) -> Vec<&Value> {
        let column_idx = self.0.position(column).unwrap_or_else(|| panic!("a column {column}"));
        // The coordinates of a sweep stand before it.
        let tier_idx = self.0.position("tier").expect("a column tier");
        let rows = self.0.rows.iter().filter(|row| row[tier_idx] == Value::Text(tier.to_owned()));
        let cells: Vec<_> = rows.map(|row| &row[column_idx]).collect();
        assert!(!cells.is_empty(), "a tier {tier}");
        cells
    }

    /// The numbers of a column for all replicates of a tier.
    pub fn numbers(&self, tier: &str, column: &str) -> Vec<f64> {
        let cells = self.cells(tier, column);
        cells.iter().map(|cell| cell.number().unwrap_or_else(|| panic!("{tier}: {column} is {cell:?}"))).collect()
    }

    /// The number of a column in the first replicate of a tier.
    pub fn number(&self, tier: &str, column: &str) -> f64 {
        self.numbers(tier, column)[0]
    }
}

/// The mean of independent numbers, with its standard error.
pub fn mean_and_error(numbers: &[f64]) -> (f64, f64) {
    let k = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / k;
    let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (k - 1.0);
    (mean, (variance / k).sqrt())
}

/// Writes vectors as `numpy.save` does (version 1.0, f64, C order): one row for each concept.
pub fn write_npy(path: &Path, vectors: &[Vec<f64>]) {
    let (n, d) = (vectors.len(), vectors[0].len());
    let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({n}, {d}), }}");
    // Magic, version and length take 10 bytes; a header ends with a line feed at a multiple of 64.
    let length = (header.len() + 11).next_multiple_of(64) - 10;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend(format!("{header:<width$}\n", width = length - 1).bytes());
    for vector in vectors {
        assert_eq!(vector.len(), d);
        bytes.extend(vector.iter().flat_map(|x| x.to_le_bytes()));
    }
    fs::write(path, bytes).expect("the file can be written");
}
