//! What a watchman keeps on disk: its memory, and the secret it shares with the daemon.
//!
//! Owns both files: the memory is replaced whole or not at all, the secret must be nobody else's to read. Start
//! with [`recall`] and [`read_secret`].

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::Watchman;
use crate::config::environment::Inherited;
use crate::feed::notify::secrets::{SecretError, Vault};

/// A memory of sixteen machines is far smaller.
const MOST: u64 = 1 << 20;
/// Fewer bytes could be guessed.
const LEAST_SECRET: usize = 16;

#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    #[error("`{}`: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("`{}` is no memory of a watchman: {why}; move it away to begin anew", path.display())]
    Odd { path: PathBuf, why: String },
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(
        "`{}` holds a secret of less than {LEAST_SECRET} bytes; `openssl rand -hex 32` makes one",
        path.display()
    )]
    Weak { path: PathBuf },
}

/// What was remembered; `None` where nothing was.
pub fn recall(path: &Path) -> Result<Option<Watchman>, MemoryError> {
    let io = |source| MemoryError::Io { path: path.to_owned(), source };
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes).map_err(io)?;
    let odd = |why: serde_json::Error| MemoryError::Odd { path: path.to_owned(), why: why.to_string() };
    serde_json::from_slice(&bytes).map(Some).map_err(odd)
}

/// Writes it whole, or leaves what was there.
pub fn remember(path: &Path, watchman: &Watchman) -> Result<(), MemoryError> {
    let io = |source| MemoryError::Io { path: path.to_owned(), source };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
    let text = serde_json::to_string_pretty(watchman).unwrap_or_default();
    file.write_all(text.as_bytes()).map_err(io)?;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o600)).map_err(io)?;
    file.as_file().sync_all().map_err(io)?;
    file.persist(path).map_err(|error| io(error.error))?;
    Ok(())
}

/// The secret without the white space around it.
pub fn read_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, MemoryError> {
    let vault = Vault { folder: PathBuf::new(), environment: Inherited::default() };
    let text = vault.file(path)?;
    if text.len() < LEAST_SECRET {
        return Err(MemoryError::Weak { path: path.to_owned() });
    }
    Ok(Zeroizing::new(text.as_bytes().to_vec()))
}
