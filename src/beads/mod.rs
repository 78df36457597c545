//! Beads at rest: the tracker's contract, the store that keeps it in `.beads/issues.jsonl`, and the user's `bd`.
//!
//! Owns reading, claiming, changing and creating beads, and the pure rules of what is ready. It does not
//! decide which bead runs (that is the scheduler) and never commits: it writes only the tracker's own file
//! in the work tree, as `bd` does, or has `bd` do it. Read [`Tracker`] first, then [`open`]; [`ready`] needs no
//! tracker at all.

mod bd;
pub mod era;
mod error;
pub mod export;
pub mod form;
mod grip;
pub mod ids;
pub mod init;
mod jsonl;
pub mod memory;
pub mod merge;
pub mod ready;
mod snapshot;
mod view;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;

use crate::clock::{Clock, Ids};
use crate::domain::bead::{Bead, NewBead, Status};
use crate::domain::ids::BeadId;

pub use bd::{BdError, BdTracker};
pub use era::{Era, EraError};
pub use error::TrackerError;
pub use jsonl::JsonlTracker;
pub use jsonl::import::{Import, ImportReport, Origin, Partly, Refused};
pub use snapshot::{Flaw, Problem, Snapshot};

/// The label of a bead that waits for a person.
pub const PARKED: &str = "parked";

/// A project's beads, wherever they are kept.
///
/// The contract every tracker keeps:
/// - ids compare exactly; an unknown id is [`TrackerError::UnknownId`] with the nearest ones, never a guess
///   (`bd` itself matches substrings: measured, `bd close orc-7k` closes `orc-q7k`);
/// - each call is one write or none: a crash leaves the state before or after it, never between;
/// - `updated_at` grows strictly with each change, `closed_at` is there exactly while the status is closed;
/// - what the tracker holds and we do not understand stays as it is;
/// - of any number of concurrent claims of a bead exactly one wins.
#[async_trait]
pub trait Tracker: Send + Sync {
    /// All beads in the tracker's own order, with what could not be read.
    async fn snapshot(&self) -> Result<Snapshot, TrackerError>;

    /// Something that differs when the tracker may have changed; `None` where that cannot be told cheaply.
    async fn stamp(&self) -> Option<String> {
        None
    }

    /// Refuses what every write but the end of a claim would refuse now: unresolved conflict markers.
    async fn check_writable(&self) -> Result<(), TrackerError> {
        Ok(())
    }

    /// As [`Tracker::snapshot`], with everything about one bead: a `bd` leaves comments out of its lists.
    async fn snapshot_around(&self, _id: &BeadId) -> Result<Snapshot, TrackerError> {
        self.snapshot().await
    }

    /// The open beads that the tracker itself calls ready, in no order that counts. `None` where it has no rules of
    /// its own, or where asking would change beads: then [`ready`]'s rules decide alone.
    async fn ready_ids(&self, _snapshot: &Snapshot) -> Result<Option<Vec<BeadId>>, TrackerError> {
        Ok(None)
    }

    async fn show(&self, id: &BeadId) -> Result<Bead, TrackerError>;

    /// Creates a bead with a fresh id, its edges, and the edges of those that shall wait for it. One that is proposed
    /// begins as deferred.
    async fn create(&self, new: &NewBead) -> Result<Bead, TrackerError>;

    /// Takes beads from JSONL text: checked as a whole first, then one write or none. A tracker whose `bd` has
    /// an import of its own refuses with [`TrackerError::NoImport`].
    async fn import(&self, text: Vec<u8>, how: Import) -> Result<ImportReport, TrackerError> {
        let _ = (text, how);
        Err(TrackerError::NoImport)
    }

    /// Closes by hand. Refuses a closed bead, naming when and why it was closed. A claim on it ends.
    async fn close(&self, id: &BeadId, reason: &str, actor: &str) -> Result<Bead, TrackerError>;

    /// Opens a closed bead again. A live bead that somebody has (in progress, or assigned) is taken back: open,
    /// nobody's, any claim on it gone.
    async fn reopen(&self, id: &BeadId, actor: &str) -> Result<Bead, TrackerError>;

    async fn comment(&self, id: &BeadId, author: &str, text: &str) -> Result<Bead, TrackerError>;

    /// Several changes in one write: status (not to or from closed), labels, edges, a comment.
    async fn update(&self, id: &BeadId, edit: &Edit, actor: &str) -> Result<Bead, TrackerError>;

    /// Compare-and-set: takes an unassigned bead whose status `from` allows; loses with
    /// [`TrackerError::ClaimLost`]. Repeating a claim that is already ours succeeds and writes nothing.
    async fn claim(&self, id: &BeadId, claim: &Claim, from: ClaimFrom) -> Result<Bead, TrackerError>;

    /// Whether the claim stands: in progress and assigned to the claim's run-unique actor. A token in
    /// `metadata` that differs means no; a missing one does not, for `bd` before 0.49.2 drops `metadata`.
    async fn holds(&self, id: &BeadId, claim: &Claim) -> Result<bool, TrackerError>;

    /// Ends a claim in one write; the assignee and the token leave the bead. Repeating a release that was
    /// already written succeeds. `Closed` also works when the file lost the claim and nobody else took the
    /// bead (a stash, a checkout): its work has landed.
    async fn release(&self, id: &BeadId, claim: &Claim, into: &Release) -> Result<Bead, TrackerError>;
}

/// What makes a claim ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Fencing token, kept in `metadata` under [`crate::domain::bead::CLAIM_KEY`].
    pub token: String,
    /// Becomes the assignee. It must be unique for the run: it alone proves the claim where the token is lost.
    pub actor: String,
}

/// From which status a claim may start. Closed, deleted and assigned beads are out in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimFrom {
    /// Only from `open`.
    Open,
    /// `--force`: also from `blocked`, `deferred`, `hooked`, `pinned` or a custom status.
    AnyLive,
}

/// How a claim ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Release {
    /// Back to `open`.
    Open,
    /// Put aside for a person: status `blocked`, label [`PARKED`], one comment.
    Parked { comment: String },
    /// Done: status `closed` with its reason.
    Closed { reason: String },
}

/// Several changes of one bead, written at once. Start from [`Edit::default`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    pub status: Option<Status>,
    pub add_labels: Vec<String>,
    pub remove_labels: Vec<String>,
    /// Clears the assignee.
    pub unassign: bool,
    pub comment: Option<String>,
    /// Edges from this bead: (type, target).
    pub add_edges: Vec<(String, BeadId)>,
}

impl Edit {
    /// Puts a bead aside for a person.
    pub fn park(comment: impl Into<String>) -> Self {
        Self {
            status: Some(Status::Blocked),
            add_labels: vec![PARKED.to_owned()],
            comment: Some(comment.into()),
            ..Self::default()
        }
    }

    /// Gives a parked bead back to the night.
    pub fn unpark() -> Self {
        Self { status: Some(Status::Open), remove_labels: vec![PARKED.to_owned()], ..Self::default() }
    }
}

/// What a tracker may use of the machine.
pub struct Means<'a> {
    /// The environment of this process, less the credentials: PATH says where a `bd` is.
    pub environment: &'a [(OsString, OsString)],
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
}

/// The tracker of the project at `root`: what [`era::detect`] finds in its directory, and which `bd` is on PATH,
/// decide together. Dolt needs a `bd`; a classic database is left to a classic `bd` where there is one, and without
/// it the file is read and written directly.
pub async fn open(root: &Path, means: &Means<'_>) -> Result<Arc<dyn Tracker>, TrackerError> {
    match era::detect(root)? {
        Era::NoTracker => Err(TrackerError::NoTracker { root: root.to_path_buf() }),
        Era::Embedded { file, notes } => Ok(embedded(root, file, notes, means)),
        Era::ClassicSqlite { file, database, dir, mut notes } => {
            match bd::offer(means.environment, root, bd::Store::Classic).await? {
                bd::Offer::Usable(ready) => {
                    let tracker = ready.bind(root, dir, Some(file), Arc::clone(&means.clock))?;
                    Ok(Arc::new(tracker.with_notes(notes)))
                }
                offer => {
                    notes.push(era::beside(&file, &database));
                    if let bd::Offer::Unusable(why) = offer {
                        notes.push(why);
                    }
                    Ok(embedded(root, file, notes, means))
                }
            }
        }
        Era::Dolt { found, hint, dir, is_here, notes } => {
            let refused = |hint| Err(TrackerError::Dolt { found: found.clone(), hint });
            match bd::offer(means.environment, root, bd::Store::Dolt).await? {
                bd::Offer::Usable(_) if !is_here => refused(hint),
                bd::Offer::Usable(ready) => {
                    let tracker = ready.bind(root, dir, None, Arc::clone(&means.clock))?;
                    Ok(Arc::new(tracker.with_notes(notes)))
                }
                bd::Offer::Unusable(why) => refused(why),
                bd::Offer::Nothing => refused(hint),
            }
        }
    }
}

fn embedded(root: &Path, file: PathBuf, notes: Vec<String>, means: &Means<'_>) -> Arc<dyn Tracker> {
    let (clock, ids) = (Arc::clone(&means.clock), Arc::clone(&means.ids));
    Arc::new(JsonlTracker::new(root, file, clock, ids).with_notes(notes))
}
