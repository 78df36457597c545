//! What a sandbox is made of: plain data that one function turns into an engine's own request.
//!
//! Owns the limits and the promise that mounts come from code alone, beneath the state directory (T10). It
//! does not know who asks. Start with [`SandboxSpec`].

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// One container for one command.
#[derive(Debug, Clone, PartialEq)]
pub struct SandboxSpec {
    /// Unique for ever: contains the run id.
    pub name: String,
    pub purpose: Purpose,
    /// Image digest (or tag, in tests).
    pub image: String,
    pub argv: Vec<String>,
    pub env: BTreeMap<String, String>,
    pub user: RunUser,
    pub workdir: String,
    pub mounts: Vec<Mount>,
    pub limits: Limits,
    /// Keep stdin open across attaches.
    pub stdin: bool,
    /// The first process ends the command after this, even when nobody watches (rules 6.2).
    pub time_limit: Duration,
    /// What the engine's log surely holds, as [`super::output::Meter`] weighs it; the log file may grow to twice
    /// this. 0: no log. Then output goes to the first connection alone, byte by byte and with no copy on disk,
    /// and `attach` is refused: for commands that are simply run again (exports, gates).
    pub log_cap: u64,
    pub labels: Labels,
}

/// What the sandbox is for. Shown to people and to the scripted double; it changes no isolation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    Agent,
    /// An agent that reads a checkout it cannot write.
    Review,
    Export,
    /// Fills a volume with a checkout and waits on stdin.
    Checkout,
    Gate,
    /// A person's.
    Shell,
    Probe,
}

impl Purpose {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Review => "review",
            Self::Export => "export",
            Self::Checkout => "checkout",
            Self::Gate => "gate",
            Self::Shell => "shell",
            Self::Probe => "probe",
        }
    }
}

/// The unprivileged user that runs the command and owns the clone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunUser {
    pub uid: u32,
    pub gid: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mount {
    /// A host directory. Refused unless it lies beneath the state directory.
    Bind {
        source: PathBuf,
        target: String,
        read_only: bool,
    },
    Tmpfs {
        target: String,
        bytes: u64,
        exec: bool,
        private: bool,
    },
    Volume {
        name: String,
        target: String,
        read_only: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    pub memory: u64,
    pub pids: i64,
    pub cpus: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: 4 << 30, pids: 512, cpus: 2.0 }
    }
}

/// How we find our own again, and only our own (T50).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Labels {
    /// The state directory's own random id.
    pub instance: String,
    pub project: String,
    pub bead: String,
    pub run: String,
    pub attempt: u32,
    /// Chosen per container and written to the journal before it is created.
    pub nonce: String,
}

/// A size-limited volume in memory, filled by one sandbox and used by another while the first lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeSpec {
    pub name: String,
    pub bytes: u64,
    pub user: RunUser,
    pub labels: Labels,
}
