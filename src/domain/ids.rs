//! Names of things, in a grammar that is safe in paths, refs, labels and argument lists.
//!
//! Owns the rules for what an id may look like and how an id from outside becomes a safe name (T51, T52).
//! It does not know who hands ids out. Start with [`BeadId::slug`].

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A bead's id exactly as its tracker spells it. Any text: use [`BeadId::slug`] where it becomes a name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BeadId(String);

impl BeadId {
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name for paths, refs and labels: the id itself where it is plain, else a hash of it.
    pub fn slug(&self) -> String {
        if is_plain(&self.0) { self.0.clone() } else { format!("x-{}", short_hash(&self.0)) }
    }
}

impl fmt::Display for BeadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One supervised execution. Made by us: `r` and fourteen characters of base 36.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(format!("r{}", base36(bytes, 14)))
    }

    /// Accepts only what [`RunId::from_bytes`] can make, so a run id from outside is safe everywhere.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix('r')?;
        let plain = rest.len() == 14 && rest.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
        plain.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The ref under which the work of this run is kept.
    pub fn ref_name(&self) -> String {
        format!("refs/bead/{}", self.0)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A registered repository: the folder's name, made safe, and six hex digits of its path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProjectId(String);

impl ProjectId {
    pub fn of_path(path: &std::path::Path) -> Self {
        let full = path.to_string_lossy();
        let name: String = path
            .file_name()
            .map(|n| n.to_string_lossy().to_lowercase())
            .unwrap_or_default()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .take(40)
            .collect();
        let name = name.trim_matches('-');
        let name = if name.is_empty() { "project" } else { name };
        Self(format!("{name}-{}", &short_hash(&full)[..6]))
    }

    /// One that this program gave out, as it stands in a journal or a brief.
    pub fn known(text: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        (!text.is_empty() && text.bytes().all(plain)).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A git object id: forty lower-case hex digits, so it can never be read as an option or a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Oid(String);

/// The text is not a full object id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a full object id of 40 hex digits, found {0:?}")]
pub struct BadOid(String);

impl Oid {
    pub fn parse(text: &str) -> Result<Self, BadOid> {
        let hex = text.len() == 40 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if hex { Ok(Self(text.to_owned())) } else { Err(BadOid(text.chars().take(60).collect())) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn short(&self) -> &str {
        &self.0[..10]
    }
}

impl TryFrom<String> for Oid {
    type Error = BadOid;

    fn try_from(text: String) -> Result<Self, BadOid> {
        Self::parse(&text)
    }
}

impl From<Oid> for String {
    fn from(oid: Oid) -> Self {
        oid.0
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Lower-case hex of the first half of a SHA-256: 32 digits.
pub fn short_hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(16).map(|b| format!("{b:02x}")).collect()
}

/// `len` characters of base 36 drawn from sixteen bytes.
pub fn base36(bytes: [u8; 16], len: usize) -> String {
    let mut n = u128::from_be_bytes(bytes);
    let mut out = Vec::with_capacity(len);
    for _ in 0..len {
        let digit = u8::try_from(n % 36).expect("a remainder below 36 fits a byte");
        out.push(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 });
        n /= 36;
    }
    String::from_utf8(out).expect("base 36 digits are ASCII")
}

fn is_plain(id: &str) -> bool {
    let bytes = id.as_bytes();
    (1..=100).contains(&bytes.len())
        && bytes[0].is_ascii_alphanumeric()
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && !id.contains("..")
        && !id.ends_with('.')
        && !id.ends_with(".lock")
        && !id.starts_with("x-")
}

#[cfg(test)]
mod tests;
