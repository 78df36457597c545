//! Ids as `bd` makes them: prefix, hash and hierarchy.
//!
//! Owns the hash (the same bytes give the same id as `bd create`), its length, the way out of collisions,
//! and which prefix a project has. It knows no file but `config.yaml`. Start with [`fresh_id`].

use std::collections::BTreeSet;
use std::path::Path;

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use super::TrackerError;
use super::era::Config;
use crate::domain::ids::BeadId;

const LENGTHS: std::ops::RangeInclusive<usize> = 3..=8;
const COLLISION_LIMIT: f64 = 0.25;
const NONCES: u32 = 10;

/// What an id is made from.
#[derive(Debug, Clone, Copy)]
pub struct Recipe<'a> {
    /// Without its trailing `-`.
    pub prefix: &'a str,
    pub title: &'a str,
    pub description: &'a str,
    pub creator: &'a str,
    pub created_at: DateTime<Utc>,
}

impl Recipe<'_> {
    /// The id with a hash of `length` (3 to 8) characters.
    pub fn id(&self, length: usize, nonce: u32) -> BeadId {
        let nanos = i128::from(self.created_at.timestamp()) * 1_000_000_000
            + i128::from(self.created_at.timestamp_subsec_nanos());
        let text = format!("{}|{}|{}|{nanos}|{nonce}", self.title, self.description, self.creator);
        let digest = Sha256::digest(text.as_bytes());
        let taken = match length {
            0..=3 => 2,
            4 => 3,
            5 | 6 => 4,
            _ => 5,
        };
        let mut number = digest.iter().take(taken).fold(0_u64, |n, byte| (n << 8) | u64::from(*byte));
        let mut digits = vec![b'0'; length];
        for digit in digits.iter_mut().rev() {
            *digit = b"0123456789abcdefghijklmnopqrstuvwxyz"[usize::try_from(number % 36).unwrap_or(0)];
            number /= 36;
        }
        let hash = String::from_utf8(digits).expect("base 36 digits are ASCII");
        BeadId::new(format!("{}-{hash}", self.prefix))
    }
}

/// A new id: as short as the number of beads allows, then other nonces, then longer.
pub fn fresh_id<'a>(
    recipe: &Recipe<'_>,
    existing: impl Iterator<Item = &'a str>,
    is_taken: impl Fn(&str) -> bool,
) -> Result<BeadId, TrackerError> {
    let start = format!("{}-", recipe.prefix);
    let top_level =
        existing.filter_map(|id| id.strip_prefix(&start)).filter(|rest| !rest.contains('.')).count();
    (length_for(top_level)..=*LENGTHS.end())
        .flat_map(|length| (0..NONCES).map(move |nonce| (length, nonce)))
        .map(|(length, nonce)| recipe.id(length, nonce))
        .find(|id| !is_taken(id.as_str()))
        .ok_or_else(|| TrackerError::NoFreeId { prefix: recipe.prefix.to_owned() })
}

/// The shortest hash with which `count` beads collide with a chance of at most one quarter.
pub fn length_for(count: usize) -> usize {
    #[expect(clippy::cast_precision_loss, reason = "an estimate; files hold far fewer beads than 2^52")]
    let n = count as f64;
    LENGTHS
        .into_iter()
        .find(|length| {
            let space = (0..*length).fold(1.0, |space, _| space * 36.0);
            1.0 - (-n * n / (2.0 * space)).exp() <= COLLISION_LIMIT
        })
        .unwrap_or(*LENGTHS.end())
}

/// The parent that a hierarchical id names: `a-b.3.1` gives `a-b.3`. A name only: the edge makes the parent.
pub fn parent_of(id: &str) -> Option<&str> {
    let (parent, number) = id.rsplit_once('.')?;
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    (is_number && !parent.is_empty()).then_some(parent)
}

/// The project's prefix: the one configured, else the one all beads share, else the directory's name.
pub(crate) fn prefix<'a>(
    beads_dir: &Path,
    root: &Path,
    ids: impl Iterator<Item = &'a str>,
) -> Result<String, TrackerError> {
    if let Some(configured) = Config::read(beads_dir)?.issue_prefix {
        let configured = configured.trim_end_matches('-').to_owned();
        check_prefix(&configured)?;
        return Ok(configured);
    }
    let found: BTreeSet<&str> = ids.filter_map(prefix_of).collect();
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (None, _) => Ok(from_directory(root)),
        (Some(only), None) => Ok(only.to_owned()),
        (Some(first), Some(second)) => {
            let all = [first, second].into_iter().chain(found).take(5).map(str::to_owned);
            Err(TrackerError::MixedPrefixes { found: all.collect() })
        }
    }
}

/// Letters, digits, `-`, `_` and `.`, beginning with a letter or digit: safe in files, refs and arguments.
pub(crate) fn check_prefix(prefix: &str) -> Result<(), TrackerError> {
    let is_safe = prefix.len() <= 60
        && prefix.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !prefix.contains("..")
        && prefix.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if is_safe {
        return Ok(());
    }
    Err(TrackerError::invalid("issue prefix", "letters, digits, `-`, `_` and `.`", prefix))
}

/// The directory's name, lower case, with what has no place in an id left out.
pub(crate) fn from_directory(root: &Path) -> String {
    let name = root.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
    let name: String = name.chars().filter(|c| matches!(c, 'a'..='z' | '0'..='9' | '-')).take(60).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "bead".to_owned() } else { name.to_owned() }
}

/// The prefix of an id; wisps and molecules (`orc-wisp-1`) belong to the prefix before their mark.
fn prefix_of(id: &str) -> Option<&str> {
    let (prefix, _) = id.rsplit_once('-')?;
    let prefix = prefix.strip_suffix("-wisp").or(prefix.strip_suffix("-mol")).unwrap_or(prefix);
    check_prefix(prefix).is_ok().then_some(prefix)
}

#[cfg(test)]
mod tests;
