//! Which git processes a landing started, on disk before they can leave a lock behind.
//!
//! Owns one small file per landing under the state directory. It proves nothing alone: `recovery` weighs it.
//! Start with [`Notes`].

use std::io::Write;
use std::path::{Path, PathBuf};

use super::LandError;
use crate::workspace::program::Fingerprint;

pub(super) struct Notes {
    path: PathBuf,
}

impl Notes {
    pub(super) fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Appends a process; on disk when this returns.
    pub(super) fn add(&self, who: &Fingerprint) -> Result<(), LandError> {
        let write = || {
            if let Some(parent) = self.path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            let mut file = std::fs::File::options().create(true).append(true).open(&self.path)?;
            file.write_all(who.to_line().as_bytes())?;
            file.sync_all()
        };
        write().map_err(|source| LandError::Io { path: self.path.clone(), source })
    }

    /// The processes noted; a torn last line is none.
    pub(super) fn read(&self) -> Vec<Fingerprint> {
        let text = std::fs::read_to_string(&self.path).unwrap_or_default();
        text.lines().filter_map(Fingerprint::parse).collect()
    }

    pub(super) fn remove(&self) -> Result<(), LandError> {
        match std::fs::remove_file(&self.path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(LandError::Io { path: self.path.clone(), source })
            }
            _ => Ok(()),
        }
    }
}
