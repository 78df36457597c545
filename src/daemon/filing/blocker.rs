//! What a `BLOCKED:` line waits for: the bead it names, one that says the same, or a new one (rules 13.5).
//!
//! Owns the edge and its refusals. It parks nothing and journals nothing: the lifecycle does. Start
//! with [`blocker`].

use super::tonight;
use crate::beads::{Edit, Snapshot, TrackerError};
use crate::daemon::error::EngineError;
use crate::daemon::house::{House, Site};
use crate::domain::bead::{Bead, PROPOSED, Status};
use crate::domain::ids::BeadId;
use crate::review::filing::{ACTOR, Caps, match_blocker, new_blocker};
use crate::review::similar::Words;

/// The bead that a `BLOCKED:` line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocker {
    pub bead: BeadId,
    pub created: bool,
    pub proposed: bool,
}

/// Why a bead cannot wait for what its agent named. All but `Failed` park it.
#[derive(Debug, thiserror::Error)]
pub enum BlockerError {
    #[error("`{blocker}` already waits for `{bead}`, so each would wait for the other")]
    Cycle { bead: BeadId, blocker: BeadId },
    #[error("`{blocker}` is closed already")]
    Closed { blocker: BeadId },
    #[error("no bead was made of the blocker: {why}")]
    Refused { why: String },
    #[error(transparent)]
    Failed(#[from] EngineError),
}

/// Links `bead` to what it waits for: the bead that `reason` names, one that says the same, or a new one. The edge is
/// in the tracker when this returns; asking again after a crash gives the same bead.
pub async fn blocker(
    house: &House,
    site: &Site,
    bead: &BeadId,
    reason: &str,
) -> Result<Blocker, BlockerError> {
    let snapshot = site.tracker.snapshot().await.map_err(EngineError::from)?;
    let source = snapshot.find(bead).map_err(EngineError::from)?;
    if let Some(named) = named(reason, &snapshot) {
        return link(site, source, named).await;
    }
    let others: Vec<Bead> = snapshot.beads.iter().filter(|other| other.id != *bead).cloned().collect();
    if let Some(id) = match_blocker(reason, &others, &Words) {
        let found = snapshot.find(&id).map_err(EngineError::from)?;
        return link(site, source, found).await;
    }
    let refused = |why: String| BlockerError::Refused { why };
    let left = tonight::left(&house.journal, house.clock.now()).map_err(EngineError::from)?;
    if left == 0 {
        return Err(refused("tonight's limit of new beads is reached".to_owned()));
    }
    let new = new_blocker(reason, source, &snapshot.beads, &Caps::default());
    let new = new.map_err(|deep| refused(deep.to_string()))?;
    if new.title.is_empty() {
        return Err(refused("it says nothing of what it waits for".to_owned()));
    }
    let proposed = new.status() == Status::Deferred;
    let made = site.tracker.create(&new).await.map_err(|error| failed(error, bead))?;
    Ok(Blocker { bead: made.id, created: true, proposed })
}

/// `BLOCKED: demo-3`, `BLOCKED: demo-3: needs its parser`. Ids are compared as they are spelt.
fn named<'a>(reason: &str, snapshot: &'a Snapshot) -> Option<&'a Bead> {
    let whole = reason.trim().trim_end_matches('.').trim_matches('`');
    let first = reason.split_whitespace().next().unwrap_or_default();
    let first = first.trim_matches('`').trim_end_matches([':', ',', ';', '.']);
    let get = |id: &str| snapshot.get(&BeadId::new(id.trim_matches('`')));
    get(whole).or_else(|| get(first))
}

async fn link(site: &Site, source: &Bead, blocker: &Bead) -> Result<Blocker, BlockerError> {
    if matches!(blocker.status, Status::Closed | Status::Tombstone) {
        return Err(BlockerError::Closed { blocker: blocker.id.clone() });
    }
    if blocker.id == source.id {
        return Err(BlockerError::Cycle { bead: source.id.clone(), blocker: blocker.id.clone() });
    }
    let waits =
        |edge: &crate::domain::bead::Dependency| edge.kind == "blocks" && edge.depends_on_id == blocker.id;
    if !source.dependencies.iter().any(waits) {
        let edge = ("blocks".to_owned(), blocker.id.clone());
        let edit = Edit { add_edges: vec![edge], ..Edit::default() };
        site.tracker.update(&source.id, &edit, ACTOR).await.map_err(|error| failed(error, &source.id))?;
    }
    let proposed = blocker.status == Status::Deferred && blocker.has_label(PROPOSED);
    Ok(Blocker { bead: blocker.id.clone(), created: false, proposed })
}

fn failed(error: TrackerError, bead: &BeadId) -> BlockerError {
    match error {
        TrackerError::Cycle { to, .. } => BlockerError::Cycle { bead: bead.clone(), blocker: to },
        error => BlockerError::Failed(error.into()),
    }
}
