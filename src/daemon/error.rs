//! What can go wrong while the engine works, as against what can be refused before.
//!
//! Owns the sum of the rooms' errors at the composition root. Every variant leaves the story open in the
//! journal, so that the next command continues it. Start with [`EngineError`].

use crate::beads::TrackerError;
use crate::executor::ExecutorError;
use crate::gate::GateError;
use crate::gateway::GatewayError;
use crate::journal::JournalError;
use crate::land::LandError;

use super::refusal::Refusal;

#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Tracker(#[from] TrackerError),
    #[error(transparent)]
    Workspace(#[from] crate::workspace::WorkspaceError),
    #[error(transparent)]
    Executor(#[from] ExecutorError),
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    #[error(transparent)]
    Gate(#[from] GateError),
    #[error(transparent)]
    Land(#[from] LandError),
    #[error("`{path}`: {source}")]
    Io { path: std::path::PathBuf, source: std::io::Error },
    /// Left at the user's wish (second Ctrl-C): the story stays open.
    #[error("left at once; `bead work` continues where this stopped")]
    Left,
    /// A test's failpoint.
    #[error("died at {0}")]
    Died(String),
}

impl EngineError {
    /// Whether it is a refusal (nothing was done), and what to do next.
    pub fn advice(&self) -> (bool, Vec<String>) {
        let next = |text: &str| vec![text.to_owned()];
        match self {
            Self::Executor(ExecutorError::Unreachable { .. }) => (
                true,
                vec![
                    "start a container engine: `sudo systemctl start docker`, or `dockerd &` as root".to_owned(),
                    "an engine elsewhere on this machine: set `DOCKER_HOST=unix:///path/to/docker.sock`".to_owned(),
                ],
            ),
            Self::Executor(ExecutorError::Remote { .. }) => {
                (true, next("unset `DOCKER_HOST`, or point it at a unix socket of this machine"))
            }
            Self::Executor(ExecutorError::NoImage(name)) => (true, vec![format!("build it: `bead image build {name}`")]),
            Self::Workspace(error) => (error.is_refusal(), Vec::new()),
            Self::Left | Self::Died(_) => (false, Vec::new()),
            _ => (false, next("the story is still open: `bead work` with the same id goes on from here")),
        }
    }
}
