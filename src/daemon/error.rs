//! What can go wrong while the engine works, as against what can be refused before.
//!
//! Owns the sum of the rooms' errors at the composition root. Every variant leaves the story open in the
//! journal, so that the next command continues it. Start with [`EngineError`].

use crate::beads::TrackerError;
use crate::context::prompt::PromptError;
use crate::executor::ExecutorError;
use crate::gate::GateError;
use crate::gateway::GatewayError;
use crate::journal::JournalError;
use crate::journal::log::LogError;
use crate::land::LandError;
use crate::workspace::clone::CloneError;
use crate::workspace::git::ObjectError;
use crate::workspace::import::ImportError;
use crate::workspace::merge::MergeError;
use crate::workspace::quarantine::QuarantineError;
use crate::workspace::repo::RepoError;

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
    Repo(#[from] RepoError),
    #[error(transparent)]
    Quarantine(#[from] QuarantineError),
    #[error(transparent)]
    Objects(#[from] ObjectError),
    #[error(transparent)]
    Clone(#[from] CloneError),
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error(transparent)]
    Merge(#[from] MergeError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Prompt(#[from] PromptError),
    #[error(transparent)]
    Executor(#[from] ExecutorError),
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    #[error(transparent)]
    Gate(#[from] GateError),
    #[error(transparent)]
    Land(#[from] LandError),
    /// The gate says nothing about the work; the story waits in gating.
    #[error("{0}")]
    GateBroken(String),
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
                    "start a container engine: `sudo systemctl start docker`, or `dockerd &` as root"
                        .to_owned(),
                    "an engine elsewhere on this machine: set `DOCKER_HOST=unix:///path/to/docker.sock`"
                        .to_owned(),
                ],
            ),
            Self::Executor(ExecutorError::Remote { .. }) => {
                (true, next("unset `DOCKER_HOST`, or point it at a unix socket of this machine"))
            }
            Self::Executor(ExecutorError::NoImage(name)) => (true, vec![super::machine::how_to_get(name)]),
            // What is wrong with a repository is known before anything is done in it.
            Self::Repo(error) => (!matches!(error, RepoError::Git(_) | RepoError::Objects(_)), Vec::new()),
            Self::Left | Self::Died(_) => (false, Vec::new()),
            _ => (false, next("if a bead was being worked on: `bead work` with its id goes on from here")),
        }
    }
}
