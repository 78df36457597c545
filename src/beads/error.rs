//! Why a tracker refused or failed.
//!
//! Owns the one error type of the room; the refusals a user meets carry what a hint needs (nearest ids,
//! when and why a bead was closed, who holds it). It decides no exit code. Start with [`TrackerError`].

use std::path::PathBuf;

use crate::domain::ids::BeadId;

/// What went wrong at the tracker. [`TrackerError::is_refusal`] parts refusals from failures.
#[derive(Debug, thiserror::Error)]
pub enum TrackerError {
    #[error("no tracker in `{}`: there is no `.beads` directory with beads; run `bead init`", root.display())]
    NoTracker { root: PathBuf },
    #[error("this tracker belongs to a `bd` with Dolt ({found}): {hint}")]
    Dolt { found: String, hint: String },
    #[error(transparent)]
    Era(#[from] super::EraError),
    #[error(transparent)]
    Bd(#[from] super::BdError),
    #[error("cannot {doing} `{}`", path.display())]
    Io { doing: &'static str, path: PathBuf, source: std::io::Error },
    #[error("`{}` is not a regular file", path.display())]
    NotAFile { path: PathBuf },
    #[error("`{}` has more than {limit} bytes", path.display())]
    TooLarge { path: PathBuf, limit: u64 },
    #[error("`{}` was locked by another program for {seconds} s; if `bd` hangs, end it and try again", path.display())]
    Locked { path: PathBuf, seconds: u64 },
    #[error("`{}` changes faster than it can be written; close the program that keeps saving it", path.display())]
    Contended { path: PathBuf },
    #[error("`{}` has a merge conflict marker in line {line}: nothing is written until the conflict is resolved", path.display())]
    Conflict { path: PathBuf, line: usize },
    #[error("this tracker takes no import from here: its own `bd import` does")]
    NoImport,
    #[error("unknown bead `{id}`{}", nearest_hint(nearest))]
    UnknownId { id: BeadId, nearest: Vec<String> },
    #[error("the tracker has several lines for `{id}` (lines {}): keep one of them", list(lines))]
    Ambiguous { id: BeadId, lines: Vec<usize> },
    #[error("`{id}` is already closed{}", closed_how(at.as_deref(), reason))]
    AlreadyClosed { id: BeadId, at: Option<String>, reason: String },
    #[error("`{id}` is not closed: it is {status}, and nobody has it")]
    NotClosed { id: BeadId, status: String },
    #[error("`{id}` was deleted: the tracker keeps a tombstone of it")]
    Deleted { id: BeadId },
    #[error("`{id}` is claimed by `{by}`")]
    ClaimLost { id: BeadId, by: String },
    #[error("`{id}` cannot be claimed: its status is {status}")]
    NotClaimable { id: BeadId, status: String },
    #[error("the claim on `{id}` is gone: its status is {status}, nobody is assigned")]
    NotHeld { id: BeadId, status: String },
    #[error("{what}: expected {expected}, found {found}")]
    Invalid { what: &'static str, expected: &'static str, found: String },
    #[error("`{from}` waiting for `{to}` would close a circle")]
    Cycle { from: BeadId, to: BeadId },
    #[error("the beads have several prefixes ({}): set `issue-prefix` in `.beads/config.yaml`", found.join(", "))]
    MixedPrefixes { found: Vec<String> },
    #[error("no free id left with prefix `{prefix}`")]
    NoFreeId { prefix: String },
    #[error("the tracker's worker thread ended early")]
    Interrupted,
}

impl TrackerError {
    /// Refused before anything was changed (exit 3), as opposed to a failure inside (exit 1).
    pub fn is_refusal(&self) -> bool {
        if let Self::Bd(error) = self {
            return error.is_refusal();
        }
        !matches!(
            self,
            Self::Io { .. }
                | Self::Locked { .. }
                | Self::Contended { .. }
                | Self::Interrupted
                | Self::NoFreeId { .. }
        )
    }

    pub(crate) fn invalid(what: &'static str, expected: &'static str, found: impl Into<String>) -> Self {
        let found: String = found.into();
        Self::Invalid { what, expected, found: format!("`{}`", found.chars().take(60).collect::<String>()) }
    }
}

fn nearest_hint(nearest: &[String]) -> String {
    match nearest {
        [] => String::new(),
        [one] => format!("; did you mean `{one}`?"),
        many => format!("; did you mean one of `{}`?", many.join("`, `")),
    }
}

fn closed_how(at: Option<&str>, reason: &str) -> String {
    let at = at.map(|at| format!(" since {at}")).unwrap_or_default();
    if reason.is_empty() { at } else { format!("{at}: {reason}") }
}

fn list(lines: &[usize]) -> String {
    lines.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}
