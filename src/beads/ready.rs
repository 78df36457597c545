//! What is ready, and in one true sentence why something is not.
//!
//! Owns the readiness rules of `bd` as pure functions over beads and a moment: no tracker, no clock. It does
//! not choose what runs; assignees, slots and windows are the scheduler's. Start with [`ready`] and
//! [`explain`]; where both are asked often, build a [`Graph`] once.

mod explain;
mod graph;
pub mod verdict;

use std::fmt;

use chrono::{DateTime, Utc};

use crate::domain::bead::Bead;
use crate::domain::ids::BeadId;
pub use graph::Graph;

/// Whose rules decide. They differ in what blocks, and in what a parent passes to its children.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rules {
    /// Rules of `bd` 1.0.5 with gates kept as stored; an edge to a missing bead does not block.
    #[default]
    B,
    /// Rules of `bd` 0.49.6 (`ready: classic`).
    Classic,
}

/// Indices into `beads` of those that are ready, by priority, age and id.
pub fn ready(beads: &[Bead], rules: Rules, now: DateTime<Utc>) -> Vec<usize> {
    Graph::new(beads).ready(rules, now)
}

/// Why a bead is or is not ready; `None` where no bead has the id.
pub fn explain(beads: &[Bead], id: &BeadId, rules: Rules, now: DateTime<Utc>) -> Option<Readiness> {
    Graph::new(beads).explain(id, rules, now)
}

/// Whether a bead could run, and if not, why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    /// Edges hold it back. Never empty.
    Blocked {
        by: Vec<Blocker>,
    },
    /// Its own state or its parent's date keeps it out; `why` follows on "`id` is not ready: ".
    NotReady {
        why: String,
    },
}

impl Readiness {
    /// One sentence for a person, without its full stop.
    pub fn sentence(&self, id: &BeadId) -> String {
        match self {
            Self::Ready => format!("`{id}` is ready"),
            Self::NotReady { why } => format!("`{id}` is not ready: {why}"),
            Self::Blocked { by } => {
                let via = by.first().and_then(|b| b.via.as_ref());
                let list: Vec<_> = by.iter().map(ToString::to_string).collect();
                match via {
                    Some(via) => {
                        format!("`{id}` waits with `{via}` above it, which waits for {}", list.join(", "))
                    }
                    None => format!("`{id}` waits for {}", list.join(", ")),
                }
            }
        }
    }
}

/// A bead that another waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocker {
    pub id: BeadId,
    pub reason: Reason,
    /// The ancestor that really waits, where the blockage is inherited.
    pub via: Option<BeadId>,
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({})", self.id, self.reason)
    }
}

/// What the awaited bead lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It is not closed.
    Status(String),
    /// Classic rules: the edge runs only if the target fails, and it closed well.
    ClosedWithoutFailure,
    /// It is a child of the bead that is waited for, and not closed.
    Child { of: BeadId, status: String },
    /// Some child must close first, and there is none yet that could.
    NoClosedChild,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => f.write_str(status),
            Self::ClosedWithoutFailure => f.write_str("closed without the failure this waits for"),
            Self::Child { of, status } => write!(f, "{status}, a child of `{of}`"),
            Self::NoClosedChild => f.write_str("no child of it is closed yet"),
        }
    }
}

#[cfg(test)]
mod tests;
