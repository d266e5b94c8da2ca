//! Where rows go: files that are complete or absent.

pub mod csv;
pub mod manifest;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::{Builder, NamedTempFile};

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

/// Whether files could be written into a folder that need not be there yet: asked before the work, it makes and leaves nothing.
pub fn probe(folder: &Path, files: &[&str]) -> Result<(), WriteError> {
    let fault = |path: &Path, source| Err(WriteError { path: path.to_owned(), source });
    let there = folder.ancestors().find(|path| path.symlink_metadata().is_ok()).unwrap_or(Path::new("."));
    if !there.is_dir() {
        return fault(there, io::Error::other("a folder is needed where something else stands"));
    }
    if let Err(source) = tempfile::tempfile_in(there) {
        return fault(there, source);
    }
    match files.iter().map(|file| folder.join(file)).find(|path| path.is_dir()) {
        Some(path) => fault(&path, io::Error::other("a file is needed where a folder stands")),
        None => Ok(()),
    }
}

/// What is known of a file once its content is.
pub fn describe(file: &str, content: &[u8]) -> Written {
    let sha256 = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    Written { file: file.to_owned(), bytes: content.len() as u64, sha256 }
}

/// Writes files that belong together: all under temporary names beside them, synced, before the first is renamed.
///
/// A reader sees the old content of a file or the new, never a part; if a rename fails, those before it are taken away.
pub fn write(folder: &Path, files: &[(&str, &[u8])]) -> Result<(), WriteError> {
    let mut staged = Vec::new();
    for (file, content) in files {
        let path = folder.join(file);
        match stage(folder, content) {
            Ok(temporary) => staged.push((temporary, path)),
            Err(source) => return Err(WriteError { path, source }),
        }
    }
    let mut renamed: Vec<PathBuf> = Vec::new();
    for (temporary, path) in staged {
        if let Err(error) = temporary.persist(&path) {
            // Half of the results would look like a finished run.
            renamed.iter().for_each(|path| drop(fs::remove_file(path)));
            return Err(WriteError { path, source: error.error });
        }
        renamed.push(path);
    }
    // The renames themselves are durable only when their folder is.
    #[cfg(unix)]
    fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| WriteError { path: folder.to_owned(), source })?;
    Ok(())
}

fn stage(folder: &Path, content: &[u8]) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(".superpose-").suffix(".tmp");
    // A temporary file is private; a result is as readable as any other file of its owner (less the umask).
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut temporary = builder.tempfile_in(folder)?;
    temporary.write_all(content)?;
    temporary.as_file().sync_all()?;
    Ok(temporary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn law_a_file_is_replaced_whole_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write(folder.path(), &[("a.txt", b"one")]).expect("written");
        write(folder.path(), &[("a.txt", b"abc")]).expect("written again");
        let written = describe("a.txt", b"abc");
        // FIPS 180-2, appendix B.1.
        assert_eq!(written.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(fs::read(folder.path().join("a.txt")).expect("there"), b"abc");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn law_files_that_belong_together_are_complete_or_absent() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir_all(folder.path().join("b/full")).expect("a folder in the way");
        write(folder.path(), &[("a", b"1"), ("b", b"2")]).expect_err("b is a folder");
        probe(folder.path(), &["a", "b"]).expect_err("b is a folder");
        probe(&folder.path().join("new/folder"), &["a"]).expect("could be made");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn theory_a_folder_that_is_not_there_is_an_error_with_its_path() {
        let error = write(Path::new("/nowhere/at/all"), &[("a.csv", b"")]).expect_err("no such folder");
        let sentence = "/nowhere/at/all/a.csv: cannot be written: No such file or directory (os error 2)";
        assert!(error.to_string().starts_with(&sentence[..sentence.len() - 13]), "{error}");
    }
}
