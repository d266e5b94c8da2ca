//! Where rows go: files that are complete or absent.

pub mod csv;
pub mod manifest;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::Builder;

/// A file that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot be written: {source}", path.display())]
pub struct WriteError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Written {
    /// Name within the output folder.
    pub file: String,
    /// Size.
    pub bytes: u64,
    /// SHA-256 of the content, in hexadecimal.
    pub sha256: String,
}

/// Makes a folder and those above it.
pub fn create_folder(folder: &Path) -> Result<(), WriteError> {
    fs::create_dir_all(folder).map_err(|source| WriteError { path: folder.to_owned(), source })
}

/// Writes a file under a temporary name beside it, syncs it, and renames it: a reader sees the old content or the new, never a part.
pub fn write(folder: &Path, file: &str, content: &[u8]) -> Result<Written, WriteError> {
    let path = folder.join(file);
    replace(folder, &path, content).map_err(|source| WriteError { path, source })?;
    let sha256 = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Written { file: file.to_owned(), bytes: content.len() as u64, sha256 })
}

fn replace(folder: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    let mut builder = Builder::new();
    builder.prefix(".superpose-").suffix(".tmp");
    // A temporary file is private; a result is as readable as any other file of its owner (less the umask).
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut temporary = builder.tempfile_in(folder)?;
    temporary.write_all(content)?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    // The rename itself is durable only when its folder is.
    #[cfg(unix)]
    fs::File::open(folder)?.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn law_a_file_is_replaced_whole_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write(folder.path(), "a.txt", b"one").expect("written");
        let written = write(folder.path(), "a.txt", b"abc").expect("written again");
        // FIPS 180-2, appendix B.1.
        assert_eq!(written.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(fs::read(folder.path().join("a.txt")).expect("there"), b"abc");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn theory_a_folder_that_is_not_there_is_an_error_with_its_path() {
        let error = write(Path::new("/nowhere/at/all"), "a.csv", b"").expect_err("no such folder");
        let sentence = "/nowhere/at/all/a.csv: cannot be written: No such file or directory (os error 2)";
        assert!(error.to_string().starts_with(&sentence[..sentence.len() - 13]), "{error}");
    }
}
