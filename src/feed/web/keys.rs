//! Secrets that let somebody in: the token for scripts, one-time codes for links, and the cookies of browsers.
//!
//! Owns how they are made, stored and compared: 256 random bits in a file of mode 0600 (T36, T60), codes and cookies as
//! hashes alone. Start with [`Token`] and [`Codes`].

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::clock::Ids;

/// How long a login link may be used.
const CODE_LASTS: TimeDelta = TimeDelta::minutes(10);
/// More links than these are not open at a time; the oldest go.
const CODES: usize = 16;

/// Why there is no token to compare with.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("`{path}` has mode {mode:04o}, but others may not read the token; run: chmod 600 '{path}'")]
    Loose { path: PathBuf, mode: u32 },
    #[error("`{path}` belongs to user {owner}, expected user {me}")]
    Foreign { path: PathBuf, owner: u32, me: u32 },
    #[error("`{path}` is no token: expected 64 hex digits; remove it to have a new one")]
    Odd { path: PathBuf },
    #[error("`{path}`: {source}")]
    Io { path: PathBuf, source: std::io::Error },
}

/// 256 bits from the machine's randomness, as 64 hex digits.
pub fn secret(ids: &dyn Ids) -> String {
    ids.bytes().iter().chain(&ids.bytes()).map(|byte| format!("{byte:02x}")).collect()
}

/// What is stored and compared instead of a secret.
pub fn hash(secret: &str) -> String {
    Sha256::digest(secret.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bearer token, as its hash.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// In a time that does not depend on where the two differ: hashes of one length are compared.
    pub fn is(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(hash(given).as_bytes()).into()
    }

    /// The token of a state directory, made where there is none yet.
    pub fn open(path: &Path, uid: u32, ids: &dyn Ids) -> Result<Self, TokenError> {
        Ok(Self(hash(&read_or_make(path, uid, ids)?)))
    }

    /// Another one in its place; the old one is worth nothing from now on.
    pub fn rotate(path: &Path, ids: &dyn Ids) -> Result<Self, TokenError> {
        let fresh = secret(ids);
        put(path, &fresh, true)?;
        Ok(Self(hash(&fresh)))
    }
}

/// The token itself, for the one who owns the file.
pub fn read_or_make(path: &Path, uid: u32, ids: &dyn Ids) -> Result<String, TokenError> {
    let io = |source| TokenError::Io { path: path.to_owned(), source };
    if !path.try_exists().map_err(io)? {
        put(path, &secret(ids), false)?;
    }
    let meta = fs::metadata(path).map_err(io)?;
    if meta.uid() != uid {
        return Err(TokenError::Foreign { path: path.to_owned(), owner: meta.uid(), me: uid });
    }
    let mode = meta.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(TokenError::Loose { path: path.to_owned(), mode });
    }
    let text = fs::read_to_string(path).map_err(io)?;
    let text = text.trim();
    if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        Ok(text.to_owned())
    } else {
        Err(TokenError::Odd { path: path.to_owned() })
    }
}

/// Whole or not at all, and never readable for others, not even for a moment.
fn put(path: &Path, secret: &str, replace: bool) -> Result<(), TokenError> {
    let io = |source| TokenError::Io { path: path.to_owned(), source };
    let dir = path.parent().unwrap_or(Path::new("/"));
    let mut temp = tempfile::Builder::new()
        .make_in(dir, |path| fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path))
        .map_err(io)?;
    writeln!(temp, "{secret}").and_then(|()| temp.as_file().sync_all()).map_err(io)?;
    if replace {
        temp.persist(path).map_err(|e| io(e.error))?;
        return Ok(());
    }
    match temp.persist_noclobber(path) {
        // Another process made one in the meantime: that one counts.
        Err(e) if e.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(io(e.error)),
        Ok(_) => Ok(()),
    }
}

/// The links that may still be used.
#[derive(Default)]
pub struct Codes {
    open: Vec<(String, DateTime<Utc>)>,
}

impl Codes {
    pub fn issue(&mut self, ids: &dyn Ids, now: DateTime<Utc>) -> String {
        let code = crate::domain::ids::base36(ids.bytes(), 24);
        self.open.retain(|(_, until)| *until > now);
        let beyond = (self.open.len() + 1).saturating_sub(CODES);
        self.open.drain(..beyond);
        self.open.push((hash(&code), now + CODE_LASTS));
        code
    }

    /// True once for each code that was issued, within its time (T56).
    pub fn redeem(&mut self, code: &str, now: DateTime<Utc>) -> bool {
        self.open.retain(|(_, until)| *until > now);
        let given = hash(code);
        let found = self.open.iter().position(|(known, _)| known.as_bytes().ct_eq(given.as_bytes()).into());
        found.map(|at| self.open.remove(at)).is_some()
    }

    pub fn forget_all(&mut self) {
        self.open.clear();
    }
}

#[cfg(test)]
mod tests;
