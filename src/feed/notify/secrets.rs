//! Secrets of channels: files that nobody else may read, or variables of the environment.
//!
//! Owns how they are read, each time anew, so that a changed password needs no restart. None is kept, shown or
//! logged. Start with [`Vault`].

use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::config::environment::Inherited;
use crate::config::notify::Kept;

/// No secret is longer.
const MOST: u64 = 4096;

#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("`{}`: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("`{}` has mode {mode:04o}, but it holds a secret: chmod 600", path.display())]
    Loose { path: PathBuf, mode: u32 },
    #[error("`{}` holds no secret: it is empty, longer than {MOST} bytes or no text", path.display())]
    Odd { path: PathBuf },
    #[error("the variable `{name}` is not set")]
    Unset { name: String },
}

/// Where secrets are looked for.
#[derive(Debug, Clone)]
pub struct Vault {
    /// Relative paths begin here.
    pub folder: PathBuf,
    pub environment: Inherited,
}

impl Vault {
    pub fn read(&self, kept: &Kept) -> Result<Zeroizing<String>, SecretError> {
        match kept {
            Kept::File(path) => self.file(path),
            Kept::Variable(name) => {
                let found = self.environment.0.iter().find(|(key, _)| key == name.as_str());
                let text = found.and_then(|(_, value)| value.to_str()).filter(|text| !text.is_empty());
                text.map(|text| Zeroizing::new(text.to_owned()))
                    .ok_or_else(|| SecretError::Unset { name: name.clone() })
            }
        }
    }

    /// The file's text without the white space around it.
    pub fn file(&self, path: &Path) -> Result<Zeroizing<String>, SecretError> {
        let path = self.folder.join(path);
        let io = |source| SecretError::Io { path: path.clone(), source };
        let file = std::fs::File::open(&path).map_err(io)?;
        let mode = file.metadata().map_err(io)?.mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(SecretError::Loose { path, mode });
        }
        let mut text = Zeroizing::new(String::new());
        let read = file.take(MOST + 1).read_to_string(&mut text);
        let trimmed = text.trim();
        if read.is_err() || trimmed.is_empty() || text.len() as u64 > MOST {
            return Err(SecretError::Odd { path });
        }
        Ok(Zeroizing::new(trimmed.to_owned()))
    }
}
