//! Folders that nobody but their owner may look into.
//!
//! Owns how this room makes its directories. Where a state directory may lie is `config::places`' to say. Start
//! with `make_private`.

use std::io;
use std::path::{Path, PathBuf};

/// A directory that cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot use state directory `{}`", path.display())]
pub struct PlaceError {
    pub path: PathBuf,
    #[source]
    pub source: io::Error,
}

/// Creates a directory and its parents, readable by its owner alone.
pub(crate) fn make_private(path: &Path) -> Result<(), PlaceError> {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(path).map_err(|source| PlaceError { path: path.to_owned(), source })
}
