//! What can be wrong with a file of vectors, each a sentence that a person can act on.

use super::super::npy::NpyError;

/// Why a file of vectors is refused; the sentence begins with its path.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ReadError(#[from] NpyError);

impl ReadError {
    /// Another program has written to the file since it was looked at.
    pub fn changed(path: std::path::PathBuf) -> Self {
        NpyError::Changed { path }.into()
    }
}
