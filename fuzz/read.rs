//! Reads bytes in every way that a scenario may ask for; what is read must be as large as it was announced, and finite.

use superpose::embedding::file::{Dropped, File, Format, Rows};
use superpose::quantity::Count;

pub fn in_every_way(name: &str, format: Format, bytes: &[u8]) {
    let plain = File { format: Some(format), ..File::new(name) };
    let every_second = Count::new(2).map(|step| Rows { from: 1, to: None, step });
    let drop = vec![Dropped::Zero, Dropped::Nonfinite];
    for file in [
        plain.clone(),
        File { transpose: true, rows: every_second, ..plain.clone() },
        File { drop: drop.clone(), rows: every_second, ..plain.clone() },
        File { transpose: true, drop, ..plain.clone() },
        File { tensor: Some("w".to_owned()), format: None, ..plain },
    ] {
        let size = file.shape_of_bytes(bytes);
        if let Ok(vectors) = file.read_bytes(bytes) {
            let size = size.expect("what can be read has a size");
            assert_eq!(size.n_concepts, vectors.embedding.n_concepts() as u64);
            assert_eq!(size.d_model, vectors.embedding.d_model() as u64);
            assert!(vectors.embedding.as_slice().iter().all(|value| value.is_finite()));
        }
    }
}
