//! Runs, attempts and how they end, in the words users see.
//!
//! Owns the closed list of run kinds and outcomes and the open list of causes (rules 12). It does not decide
//! what follows from an outcome: that is `lifecycle`. Start with [`Outcome`].

use serde::{Deserialize, Serialize};

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    Work,
    Gate,
    Review,
    /// A person's shell on kept work.
    Shell,
}

impl RunKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Work => "work",
            Self::Gate => "gate",
            Self::Review => "review",
            Self::Shell => "shell",
        }
    }
}

/// How a run stands, as `bead runs` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    Running,
    Completed,
    Failed,
    Timeout,
    Cancelled,
    Suspended,
    /// Its process is gone and nobody has recovered it yet (rules 6.2).
    Interrupted,
}

impl RunState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::Suspended => "suspended",
            Self::Interrupted => "interrupted",
        }
    }
}

/// How the work on a bead ended: the `outcome` of `bead work --json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Landed,
    NoChange,
    Blocked,
    Parked,
    Failed,
    Timeout,
    Cancelled,
    Suspended,
}

impl Outcome {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Landed => "landed",
            Self::NoChange => "no_change",
            Self::Blocked => "blocked",
            Self::Parked => "parked",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::Suspended => "suspended",
        }
    }
}

/// Why, in one snake_case word: an open list (rules 12).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cause(pub String);

impl Cause {
    pub fn new(word: &str) -> Self {
        Self(word.to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
