//! Source: an open file whose bytes are read at the place where they are wanted, and never written.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use rawzip::{FileReader, RangeReader, ReaderAt};

use super::error::{Flaw, ReadError};

/// What stands under a path.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// A file of the system.
    Path(PathBuf),
    /// Bytes in memory that a test puts in its place.
    Bytes(PathBuf, Arc<[u8]>),
}

/// The bytes of an open file.
#[derive(Clone)]
pub(super) struct Source {
    content: Rc<dyn ReaderAt>,
    /// Its length when it was opened.
    pub n_bytes: u64,
}

impl Origin {
    pub fn path(&self) -> &Path {
        match self {
            Self::Path(path) | Self::Bytes(path, _) => path,
        }
    }

    pub fn open(&self) -> Result<Source, ReadError> {
        match self {
            Self::Path(path) => open(path).map_err(|flaw| ReadError::new(path, flaw)),
            Self::Bytes(_, bytes) => Ok(Source { n_bytes: bytes.len() as u64, content: Rc::new(bytes.clone()) }),
        }
    }

    /// The file of another name in the same folder.
    pub fn beside(&self, name: &str) -> Self {
        Self::Path(self.path().with_file_name(name))
    }
}

impl Source {
    /// Fills `bytes` from the place on.
    pub fn read(&self, bytes: &mut [u8], at: u64) -> Result<(), Flaw> {
        let mut n_read = 0;
        while n_read < bytes.len() {
            match self.content.read_at(&mut bytes[n_read..], at + n_read as u64) {
                Ok(0) => return Err(Flaw::Changed),
                Ok(n) => n_read += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The first bytes of the file, as many as there are up to a limit.
    pub fn head(&self, limit: u64) -> Result<Vec<u8>, Flaw> {
        let mut head = vec![0; self.n_bytes.min(limit) as usize];
        self.read(&mut head, 0)?;
        Ok(head)
    }

    /// A part of the file as a stream.
    pub fn range(&self, from: u64, to: u64) -> RangeReader<Rc<dyn ReaderAt>> {
        RangeReader::new(self.content.clone(), from..to.max(from))
    }

    /// The content itself, for a reader of archives.
    pub fn content(&self) -> Rc<dyn ReaderAt> {
        self.content.clone()
    }
}

/// Opens a regular file and nothing else; looks before it opens, because opening a pipe waits for its writer.
fn open(path: &Path) -> Result<Source, Flaw> {
    let flaw = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Flaw::NotFound { hint: similar_name(path) },
        _ => error.into(),
    };
    let n_bytes_if_regular = |metadata: io::Result<fs::Metadata>| match metadata {
        Err(error) => Err(flaw(error)),
        Ok(metadata) if metadata.is_dir() => Err(Flaw::Folder { hint: model_inside(path) }),
        Ok(metadata) if !metadata.is_file() => Err(Flaw::NotRegular),
        Ok(metadata) => Ok(metadata.len()),
    };
    n_bytes_if_regular(fs::metadata(path))?;
    let file = fs::File::open(path).map_err(flaw)?;
    // Another file may stand under the name by now; only the open one counts.
    let n_bytes = n_bytes_if_regular(file.metadata())?;
    Ok(Source { content: Rc::new(FileReader::from(file)), n_bytes })
}

/// The files by which a folder of a model is read.
const MODELS: [&str; 2] = ["model.safetensors.index.json", "model.safetensors"];

fn model_inside(folder: &Path) -> String {
    let model = MODELS.iter().map(|name| folder.join(name)).find(|path| path.is_file());
    model.map_or_else(String::new, |path| format!("; did you mean {path:?}?"))
}

/// Endings of files that we read.
const ENDINGS: [&str; 8] = ["npy", "npz", "safetensors", "json", "vec", "txt", "csv", "tsv"];

/// The file of vectors in the same folder whose name is nearest, as the end of a sentence; nothing if none is near.
fn similar_name(path: &Path) -> String {
    let stem = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let wanted = stem(path);
    // A hint is not worth a walk through a folder of millions.
    let entries = folder.unwrap_or(Path::new(".")).read_dir().into_iter().flatten().flatten().take(10_000);
    let nearest = entries
        .map(|entry| PathBuf::from(entry.file_name()))
        .filter(|name| name.extension().is_some_and(|ending| ENDINGS.iter().any(|one| ending == *one)))
        .filter(|name| path.extension().is_none_or(|ending| Some(ending) == name.extension()))
        // A link that leads nowhere is listed under the very name that was not found.
        .filter(|name| Some(name.as_os_str()) != path.file_name())
        .map(|name| (strsim::jaro_winkler(&wanted, &stem(&name)), name))
        .filter(|(similarity, _)| *similarity >= 0.8)
        // The order of a folder is arbitrary: among equals, the first by name.
        .max_by(|(a, a_name), (b, b_name)| a.total_cmp(b).then_with(|| b_name.cmp(a_name)));
    nearest.map_or_else(String::new, |(_, name)| format!("; did you mean {name:?}?"))
}
