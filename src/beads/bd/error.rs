//! Why a call of `bd` gave no answer that can be believed.
//!
//! Owns the failures of driving a program: it does not start, hangs, says no, or answers about another bead.
//! Refusals of the tracker itself are [`TrackerError`](crate::beads::TrackerError)'s. Start with [`BdError`].

use std::path::PathBuf;

use crate::domain::ids::BeadId;

/// What went wrong with `bd`.
#[derive(Debug, thiserror::Error)]
pub enum BdError {
    #[error("cannot start `{}`", path.display())]
    Start { path: PathBuf, source: std::io::Error },
    #[error("`{}` is not the `bd` of a tracker: its `version --json` answered {found}", path.display())]
    NotBd { path: PathBuf, found: String },
    #[error(
        "`bd {command}` gave no answer for {seconds} s and was stopped; another `bd` may hold the database"
    )]
    Deadline { command: String, seconds: u64 },
    #[error("`bd {command}` printed more than {cap} bytes")]
    TooMuch { command: String, cap: u64 },
    #[error("lost touch with `bd {command}`")]
    Pipe { command: String, source: std::io::Error },
    #[error("`bd {command}` found the database locked, again and again: {words}")]
    Locked { command: String, words: String },
    #[error("`bd {command}` refused: {words}")]
    Refused { command: String, words: String },
    #[error("`bd {command}` answered {found}, expected {expected}")]
    Answer { command: String, expected: &'static str, found: String },
    #[error("asked about `{asked}`, `bd {command}` answered about `{got}`: look at both before you go on")]
    OtherBead { command: String, asked: BeadId, got: String },
    #[error("`bd {command}` took `{id}`, but it is not so afterwards: expected {expected}, found {found}")]
    NotKept { command: String, id: BeadId, expected: String, found: String },
    #[error("`{id}` was created, but not all of it: {why}")]
    Halfway { id: BeadId, why: String },
    #[error(
        "`{}` cannot be read whole ({flaw}): the next `bd` write would drop what only the file has, so repair it first",
        path.display()
    )]
    BrokenFile { path: PathBuf, flaw: String },
}

impl BdError {
    /// `bd` (or a look before it was asked) said no, and nothing was changed.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::BrokenFile { .. } | Self::NotBd { .. })
    }
}
