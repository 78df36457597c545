//! Runs one command in isolation and streams what it prints.
//!
//! Owns the contract every executor keeps (below), the sandbox spec and the classification of exits. It knows
//! no bead and no agent: what runs inside, and what its output means, is for others. `docker` is the real one,
//! `scripted` the one double. Start with [`Executor`] and [`spec::SandboxSpec`].

pub mod docker;
pub mod exit;
pub mod image;
pub mod mounts;
pub mod output;
pub mod scripted;
pub mod spec;

use bytes::Bytes;
use tokio::io::AsyncWrite;
use tokio::sync::mpsc;

use spec::{Labels, SandboxSpec, VolumeSpec};

/// The engine's own name of a container.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SandboxId(pub String);

/// What the engine says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineInfo {
    pub name: String,
    pub version: String,
    pub api_version: String,
    /// What a careful user should know: an old runc, a missing cgroup controller.
    pub warnings: Vec<String>,
}

/// An image that is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub reference: String,
    /// `sha256:...`: what is run, whatever the tag says later.
    pub digest: String,
}

/// Bytes as the container printed them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chunk {
    Stdout(Bytes),
    Stderr(Bytes),
}

/// How much of each stream somebody has already stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    pub stdout: u64,
    pub stderr: u64,
}

/// A live connection to a container. Dropping it never stops the container.
pub struct Attached {
    /// Ends when the container's output ends, or with an error when the connection breaks or output was lost;
    /// `attach` with what was seen so far continues. Read it while waiting: without a log (`log_cap` 0) an unread
    /// rest of more than a megabyte keeps the engine from noticing the end.
    pub output: mpsc::Receiver<Result<Chunk, ExecutorError>>,
    /// Present when the spec asked for stdin.
    pub stdin: Option<Box<dyn AsyncWrite + Send + Unpin>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    Term,
    Kill,
}

/// What the engine says of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SandboxState {
    Created,
    Running,
    Exited(Exit),
    /// The engine answered something we do not know.
    Unknown(String),
    Gone,
}

/// Why a container's first process ended, from inspect and never from one field alone (T48).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    pub code: i64,
    /// True also when a child died of it and the first process exited 0.
    pub out_of_memory: bool,
}

/// A container that carries our labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub id: SandboxId,
    pub name: String,
    pub labels: Labels,
    pub running: bool,
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum ExecutorError {
    #[error("no container engine answers at {at}: {why}")]
    Unreachable { at: String, why: String },
    #[error(
        "cannot use the engine at {at}: sandboxes need bind mounts and unix sockets, so it must be a local one"
    )]
    Remote { at: String },
    #[error("image `{0}` is not there")]
    NoImage(String),
    #[error("the engine did not answer {what} within {seconds} s")]
    Slow { what: String, seconds: u64 },
    #[error("the engine refused to {what}: {why}")]
    Refused { what: String, why: String },
    #[error("sandbox {0} is gone")]
    Gone(String),
    #[error("unsafe mount: {0}")]
    UnsafeMount(String),
    /// The engine's log no longer begins where the container's output began, or is shorter than what we saw.
    #[error("part of the output of sandbox {sandbox} is lost: {why}")]
    OutputLost { sandbox: String, why: String },
}

/// The contract.
///
/// * `start` creates and starts in one step; when it fails nothing is left behind. Its output begins with the
///   first byte. Calling it again with a name that exists is `Refused`.
/// * `attach` may be called any number of times for a live or ended container whose `log_cap` is not 0; it
///   delivers everything after `seen`, exactly once, then live output (rules 6.4). Where it cannot, it says
///   `OutputLost` and never delivers something else.
/// * A reader that is slow, stopped or gone changes nothing for the container or for the other calls.
/// * `wait` returns when the container has ended, however long that takes and however often the engine loses
///   the connection in between; it never trusts one wait call (F12).
/// * `signal` and `remove` are idempotent: a container that is gone is success. `remove` kills.
/// * Every call but `wait` has a deadline inside. All of them may run concurrently.
#[async_trait::async_trait]
pub trait Executor: Send + Sync {
    async fn engine(&self) -> Result<EngineInfo, ExecutorError>;
    async fn find_image(&self, reference: &str) -> Result<Option<Image>, ExecutorError>;
    async fn start(&self, spec: &SandboxSpec) -> Result<(SandboxId, Attached), ExecutorError>;
    async fn attach(&self, id: &SandboxId, seen: Seen) -> Result<Attached, ExecutorError>;
    async fn signal(&self, id: &SandboxId, signal: Signal) -> Result<(), ExecutorError>;
    async fn state(&self, id: &SandboxId) -> Result<SandboxState, ExecutorError>;
    async fn wait(&self, id: &SandboxId) -> Result<Exit, ExecutorError>;
    async fn remove(&self, id: &SandboxId) -> Result<(), ExecutorError>;
    /// Containers whose label says they belong to this state directory.
    async fn list(&self, instance: &str) -> Result<Vec<Found>, ExecutorError>;
    async fn create_volume(&self, spec: &VolumeSpec) -> Result<(), ExecutorError>;
    async fn remove_volume(&self, name: &str) -> Result<(), ExecutorError>;
    async fn list_volumes(&self, instance: &str) -> Result<Vec<String>, ExecutorError>;
}
