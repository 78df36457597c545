//! What is left over and may go: containers, volumes, clones, sockets, conversations, refs, logs.
//!
//! Owns how long each kind is kept and the order in which things go. `look` gathers facts, `plan` decides
//! without touching anything, `sweep` carries out. Only what is provably ours and dead goes (T50): what the
//! journal does not know is named and left alone. We make no networks. Start with [`Reaper`] and [`plan`].

pub mod hourly;
mod look;
mod plan;
mod sweep;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::house::{House, Site};
use crate::domain::ids::{BeadId, Oid, ProjectId, RunId};
use crate::executor::{Executor, Found, SandboxId};

pub use plan::plan;
pub use sweep::Swept;

/// Logs of runs.
pub const LOGS: TimeDelta = TimeDelta::days(30);
/// `refs/bead/<run>` of work that is on its target.
pub const LANDED: TimeDelta = TimeDelta::days(30);
/// `refs/bead/<run>` of work that is not, counted from the day its bead was closed.
pub const UNLANDED: TimeDelta = TimeDelta::days(90);
/// A conversation, counted from the day its bead was closed.
pub const CONVERSATION: TimeDelta = TimeDelta::days(7);
/// With more packs than this a quarantine is packed anew.
pub const PACKS: usize = 20;

/// One state directory and the projects that can be opened.
pub struct Reaper<'a> {
    pub house: &'a House,
    /// Without one nothing that a container could use is touched.
    pub executor: Option<&'a dyn Executor>,
    pub sites: &'a [(String, Arc<Site>)],
}

/// Whether bytes are counted: that walks every folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sizes {
    Counted,
    Skipped,
}

/// What a thing is, in the order in which things go: nothing is removed under somebody who uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Container,
    Volume,
    Clone,
    LandingNotes,
    Sockets,
    Conversation,
    /// `refs/bead/<run>` in the user's repository.
    Ref,
    /// A ref of our own copy.
    QuarantineRef,
    /// Our own copy of a project's objects.
    Quarantine,
    Log,
    Backup,
    Journal,
    Image,
    Cache,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Volume => "volume",
            Self::Clone => "clone",
            Self::LandingNotes => "landing notes",
            Self::Sockets => "sockets",
            Self::Conversation => "conversation",
            Self::Ref => "ref",
            Self::QuarantineRef => "quarantine ref",
            Self::Quarantine => "quarantine",
            Self::Log => "log",
            Self::Backup => "backup",
            Self::Journal => "journal",
            Self::Image => "image",
            Self::Cache => "cache",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", content = "why", rename_all = "snake_case")]
pub enum Verdict {
    Goes(String),
    /// Who or what holds it.
    Stays(String),
    /// It looks like ours, but nothing proves it: a person should know.
    LeftAlone(String),
}

/// One thing and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    pub kind: Kind,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bead: Option<BeadId>,
    /// 0 where it takes none, or none were counted.
    pub bytes: u64,
    #[serde(flatten)]
    pub verdict: Verdict,
    #[serde(skip)]
    pub(super) handle: Handle,
}

impl Item {
    /// Something that no reaping takes, for the eye.
    pub fn shown(kind: Kind, name: impl Into<String>, bytes: u64, why: &str) -> Self {
        let verdict = Verdict::Stays(why.to_owned());
        Self { kind, name: name.into(), project: None, bead: None, bytes, verdict, handle: Handle::Nothing }
    }
}

/// How a thing is taken hold of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Handle {
    Container {
        id: SandboxId,
        run: Option<RunId>,
    },
    Volume(String),
    /// A folder that a run's container may have mounted.
    Folder {
        path: PathBuf,
        run: RunId,
    },
    /// A folder of a bead: its lock is taken first.
    Conversation {
        path: PathBuf,
        project: ProjectId,
        bead: BeadId,
    },
    Ref {
        project: ProjectId,
        bead: BeadId,
        run: RunId,
        tip: Oid,
    },
    QuarantineRef {
        project: ProjectId,
        name: String,
        tip: Oid,
    },
    File(PathBuf),
    /// It is only shown.
    Nothing,
}

/// What becomes of everything, in the order in which it goes.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Plan {
    pub items: Vec<Item>,
    /// Quarantines to pack anew, without what nothing needs any more.
    pub collect: BTreeSet<ProjectId>,
}

impl Plan {
    pub fn goes(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| matches!(item.verdict, Verdict::Goes(_)))
    }
}

/// Everything that a plan rests on.
#[derive(Debug, Clone)]
pub struct Facts {
    pub now: DateTime<Utc>,
    pub instance: String,
    /// Absent: no engine answers.
    pub containers: Option<Vec<Found>>,
    pub volumes: Vec<String>,
    pub clones: Vec<Folder>,
    pub landings: Vec<Folder>,
    pub sockets: Vec<Folder>,
    pub conversations: Vec<BeadFiles>,
    pub logs: Vec<BeadFiles>,
    pub refs: Vec<Ref>,
    pub quarantines: Vec<QuarantineFacts>,
    /// Temporary files of backups that were not finished.
    pub unfinished: Vec<Folder>,
    /// What is only shown.
    pub shown: Vec<Item>,
    pub runs: BTreeMap<RunId, Known>,
    pub beads: BTreeMap<(ProjectId, String), BeadFacts>,
}

/// A folder (or file) and what it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    pub path: PathBuf,
    pub bytes: u64,
    pub changed: DateTime<Utc>,
}

/// A folder or file below `<project>/<bead's slug>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeadFiles {
    /// As the folder is called.
    pub project: String,
    pub slug: String,
    pub folder: Folder,
}

/// What the journal tells of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub project: ProjectId,
    pub bead: BeadId,
    pub standing: Standing,
    /// Announced before a container was created (F03).
    pub nonces: BTreeSet<String>,
    pub clone: Content,
}

/// What is in a run's clone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Nothing that is not kept elsewhere, once its story is over.
    Copied,
    /// What a person left in a shell, and nobody took.
    Only,
}

/// Whose run it is, as the journal has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner<'a> {
    pub run: &'a RunId,
    pub project: &'a ProjectId,
    pub bead: &'a BeadId,
    pub nonces: &'a BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Its story is open, in this phase.
    Open(&'static str),
    Over(DateTime<Utc>),
}

/// What journal and tracker tell of a bead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeadFacts {
    pub id: BeadId,
    /// The phase of its open story.
    pub open: Option<&'static str>,
    pub closed: Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    At(DateTime<Utc>),
    No,
    /// Its tracker was not, or cannot be, asked.
    Unknown,
}

/// A ref in the user's repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ref {
    pub project: ProjectId,
    pub name: String,
    pub tip: Oid,
    /// The target has all of it.
    pub on_target: bool,
}

/// Our own copy of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantineFacts {
    /// As the folder is called.
    pub name: String,
    /// Absent where the project cannot be opened.
    pub project: Option<ProjectId>,
    pub refs: Vec<Ref>,
    pub packs: usize,
    pub bytes: u64,
    /// Commits that branches of the user stand at: the next bead may begin there at any moment.
    pub tips: BTreeSet<Oid>,
    /// A bead of it is open, suspended ones included.
    pub busy: bool,
}

#[cfg(test)]
mod tests;
