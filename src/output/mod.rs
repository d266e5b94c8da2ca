//! Where rows go: files that are complete or absent.

pub mod csv;
pub mod manifest;

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::{Builder, TempPath};

use crate::seed::hexadecimal;

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
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
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
pub fn probe(folder: &Path, files: &[String]) -> Result<(), WriteError> {
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

/// A file that is being written under a temporary name beside its place.
pub struct Staged {
    /// The file and its temporary name, which goes with it.
    content: BufWriter<fs::File>,
    temporary: TempPath,
    path: PathBuf,
    hasher: Sha256,
    n_bytes: u64,
}

/// A file that is complete and has not yet its name.
pub struct Ready {
    temporary: TempPath,
    path: PathBuf,
    /// Whether it is on the disk, as it must be before it gets its name.
    is_synced: bool,
}

impl Staged {
    /// Begins a file of a folder that is there.
    pub fn new(folder: &Path, file: &str) -> Result<Self, WriteError> {
        let path = folder.join(file);
        let mut builder = Builder::new();
        builder.prefix(".superpose-").suffix(".tmp");
        // A temporary file is private; a result is as readable as any other file of its owner (less the umask).
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        match builder.tempfile_in(folder) {
            Ok(file) => {
                let (file, temporary) = file.into_parts();
                Ok(Self { content: BufWriter::new(file), temporary, path, hasher: Sha256::new(), n_bytes: 0 })
            }
            Err(source) => Err(WriteError { path, source }),
        }
    }

    /// What went wrong while it was written, with its name.
    pub fn fault(path: &Path, source: io::Error) -> WriteError {
        WriteError { path: path.to_owned(), source }
    }

    /// Where it will stand.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Ends it: everything is on the disk, and known.
    pub fn finish(self) -> Result<(Ready, Written), WriteError> {
        let (ready, written) = self.end()?;
        Ok((ready.synced()?, written))
    }

    fn end(self) -> Result<(Ready, Written), WriteError> {
        let Self { content, temporary, path, hasher, n_bytes } = self;
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let sha256 = hexadecimal(&hasher.finalize());
        match content.into_inner().map_err(io::IntoInnerError::into_error) {
            Ok(_) => Ok((Ready { temporary, path, is_synced: false }, Written { file, bytes: n_bytes, sha256 })),
            Err(source) => Err(WriteError { path, source }),
        }
    }
}

impl Ready {
    /// Opened anew, for the files of hundreds of figures are more than some systems let be open.
    fn synced(self) -> Result<Self, WriteError> {
        let file = if self.is_synced { None } else { Some(fs::OpenOptions::new().write(true).open(&self.temporary)) };
        match file.map_or(Ok(()), |file| file.and_then(|file| file.sync_all())) {
            Ok(()) => Ok(Self { is_synced: true, ..self }),
            Err(source) => Err(WriteError { path: self.path, source }),
        }
    }
}

impl Write for Staged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.content.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        self.n_bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.content.flush()
    }
}

/// A small file, complete at once.
pub fn stage(folder: &Path, file: &str, content: &[u8]) -> Result<(Ready, Written), WriteError> {
    let mut staged = Staged::new(folder, file)?;
    if let Err(source) = staged.write_all(content) {
        return Err(Staged::fault(&staged.path, source));
    }
    staged.finish()
}

/// One of many small files: complete at once, and synced by [`publish`] together with the others, for a disk takes as long for all as for one.
pub fn draft(folder: &Path, file: &str, content: &[u8]) -> Result<(Ready, Written), WriteError> {
    let mut staged = Staged::new(folder, file)?;
    if let Err(source) = staged.write_all(content) {
        return Err(Staged::fault(&staged.path, source));
    }
    staged.end()
}

/// Gives files that belong together their names, after all of them are complete.
///
/// A reader sees the old content of a file or the new, never a part; if a rename fails, those before it are taken away.
pub fn publish(folder: &Path, files: Vec<Ready>) -> Result<(), WriteError> {
    let files = files.into_iter().map(Ready::synced).collect::<Result<Vec<_>, _>>()?;
    let mut renamed: Vec<PathBuf> = Vec::new();
    for Ready { temporary, path, .. } in files {
        if let Err(error) = temporary.persist(&path) {
            // Half of the results would look like a finished run.
            renamed.iter().for_each(|path| drop(fs::remove_file(path)));
            return Err(WriteError { path, source: error.error });
        }
        renamed.push(path);
    }
    // The renames themselves are durable only when their folders are.
    #[cfg(unix)]
    {
        let folders: BTreeSet<&Path> = renamed.iter().filter_map(|path| path.parent()).chain([folder]).collect();
        for folder in folders {
            fs::File::open(folder)
                .and_then(|folder| folder.sync_all())
                .map_err(|source| WriteError { path: folder.to_owned(), source })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn law_a_file_is_replaced_whole_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |content| {
            let (ready, written) = stage(folder.path(), "a.txt", content).expect("written");
            publish(folder.path(), vec![ready]).expect("renamed");
            written
        };
        write(b"one");
        let written = write(b"abc");
        // FIPS 180-2, appendix B.1.
        assert_eq!(written.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(fs::read(folder.path().join("a.txt")).expect("there"), b"abc");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn law_files_that_belong_together_are_complete_or_absent() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir_all(folder.path().join("b/full")).expect("a folder in the way");
        let ready = ["a", "b"].map(|file| stage(folder.path(), file, b"1").expect("written").0);
        publish(folder.path(), ready.into()).expect_err("b is a folder");
        probe(folder.path(), &["a", "b"].map(str::to_owned)).expect_err("b is a folder");
        probe(&folder.path().join("new/folder"), &["a".to_owned()]).expect("could be made");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn theory_a_folder_that_is_not_there_is_an_error_with_its_path() {
        let error = stage(Path::new("/nowhere/at/all"), "a.csv", b"").err().expect("no such folder");
        let sentence = "/nowhere/at/all/a.csv: cannot be written: No such file or directory (os error 2)";
        assert!(error.to_string().starts_with(&sentence[..sentence.len() - 13]), "{error}");
    }
}
