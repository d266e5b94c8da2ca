//! Known: sizes for which a file had to be read through, so that a sweep of a thousand points reads it once.

use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use super::File;
use crate::embedding::Size;

/// More files than a study reads at once; the oldest are forgotten.
const MAX_KNOWN: usize = 64;

/// What is read, and the file's length and time of change when it was.
type Key = (File, u64, SystemTime);

static KNOWN: Mutex<Vec<(Key, Size)>> = Mutex::new(Vec::new());

/// The size that `count` gives, from memory where the file is as it was.
///
/// A change that leaves length and time alone is found when the vectors are read: they then have another size.
pub(super) fn size<E>(file: &File, path: &Path, count: impl FnOnce() -> Result<Size, E>) -> Result<Size, E> {
    let state = || fs::metadata(path).and_then(|metadata| Ok((metadata.len(), metadata.modified()?)));
    let Ok((n_bytes, time)) = state() else { return count() };
    let key = (file.clone(), n_bytes, time);
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, size)) = known().iter().find(|(other, _)| *other == key) {
        return Ok(*size);
    }
    let size = count()?;
    let mut known = known();
    if known.len() == MAX_KNOWN {
        known.remove(0);
    }
    known.push((key, size));
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theory_a_file_is_counted_once_until_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("v.vec");
        let file = File::new(&path);
        let mut n_counts = 0;
        let mut size = |n_concepts| {
            let count = || {
                n_counts += 1;
                Ok::<_, ()>(Size { n_concepts, d_model: 1 })
            };
            super::size(&file, &path, count).unwrap().n_concepts
        };
        fs::write(&path, "a 1\n").unwrap();
        assert_eq!((size(1), size(2)), (1, 1));
        fs::write(&path, "a 1\nb 2\n").unwrap();
        assert_eq!((size(2), size(3)), (2, 2));
        fs::remove_file(&path).unwrap();
        assert_eq!(size(4), 4);
        assert_eq!(n_counts, 3);
    }
}
