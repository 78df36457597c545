//! Which `bd` this is, and what follows from it.
//!
//! Owns the version line (classic up to 0.50, Dolt from 1.0 on) and every behaviour that differs within it, as
//! data: the rest of the room asks a [`Dialect`], never a number. It starts no program. Start with [`Dialect::of`].

use std::fmt;

/// The oldest classic `bd` whose behaviour was measured; older ones are not driven.
const OLDEST_CLASSIC: Version = Version(0, 47, 0);
/// SQLite left with 0.51.
const FIRST_WITHOUT_SQLITE: Version = Version(0, 51, 0);
/// Between 0.51 and this one commands came and went from release to release.
const OLDEST_DOLT: Version = Version(1, 0, 0);
/// What is newer is driven like this one.
const NEWEST_KNOWN: Version = Version(1, 3, 1);
/// Taken back by its makers. It works, so it is driven and told.
const WITHDRAWN: Version = Version(1, 0, 5);

/// `major.minor.patch`; what follows a `-` or `+` is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub(crate) u32, pub(crate) u32, pub(crate) u32);

impl Version {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let plain = text.trim().trim_start_matches('v').split(['-', '+', ' ']).next()?;
        let mut parts = plain.split('.').map(str::parse::<u32>);
        let version = Self(parts.next()?.ok()?, parts.next()?.ok()?, parts.next().unwrap_or(Ok(0)).ok()?);
        parts.next().is_none().then_some(version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// Where a project's beads are kept by `bd`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    /// SQLite, with `issues.jsonl` between clones.
    Classic,
    Dolt,
}

/// How our own data is kept on a bead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Metadata {
    /// The version drops it.
    Dropped,
    /// `--metadata` replaces all of it.
    Whole,
    /// `--metadata` merges keys and `--unset-metadata` takes them away.
    Merged,
}

/// Whether `update --claim` compares and sets in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claiming {
    Atomic,
    /// Measured on 0.47.1: of eight claimers at once up to four won.
    ReadThenWrite,
}

/// How this `bd` speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dialect {
    pub(crate) version: Version,
    pub(crate) store: Store,
    pub(crate) metadata: Metadata,
    pub(crate) claiming: Claiming,
    /// `show` leaves comments out unless asked (1.0.5 and later).
    pub(crate) comments_on_request: bool,
    /// Reading `ready` opens deferred beads whose date has passed (1.2.1 and later).
    pub(crate) ready_wakes: bool,
    /// What a user should know about this version.
    pub(crate) note: Option<String>,
}

/// Whether a `bd` can serve a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fit {
    Good(Dialect),
    /// It is of the other era: it does not even see such a store.
    OtherEra,
    TooOld,
}

impl Dialect {
    pub(crate) fn of(version: Version, store: Store) -> Fit {
        let is_classic = version < FIRST_WITHOUT_SQLITE;
        match store {
            Store::Classic if !is_classic => return Fit::OtherEra,
            Store::Classic if version < OLDEST_CLASSIC => return Fit::TooOld,
            Store::Dolt if is_classic => return Fit::OtherEra,
            Store::Dolt if version < OLDEST_DOLT => return Fit::TooOld,
            _ => {}
        }
        let metadata = match store {
            Store::Classic if version < Version(0, 49, 2) => Metadata::Dropped,
            Store::Classic => Metadata::Whole,
            Store::Dolt => Metadata::Merged,
        };
        let is_atomic = version >= Version(0, 49, 4);
        Fit::Good(Self {
            version,
            store,
            metadata,
            claiming: if is_atomic { Claiming::Atomic } else { Claiming::ReadThenWrite },
            comments_on_request: version >= Version(1, 0, 5),
            ready_wakes: version >= Version(1, 2, 1),
            note: note(version),
        })
    }
}

fn note(version: Version) -> Option<String> {
    if version == WITHDRAWN {
        return Some(format!(
            "`bd` {version} was withdrawn by its makers; it works, but take another release"
        ));
    }
    (version > NEWEST_KNOWN).then(|| {
        format!("`bd` {version} is newer than any that is known here; it is driven like {NEWEST_KNOWN}")
    })
}

#[cfg(test)]
mod tests;
