//! Where a bead stands for a hand on it, from tracker, journal and lock.
//!
//! Owns the translation of what three places say into one [`State`]. It changes nothing; a bead that is only
//! asked for is known to the dispatcher alone, who says so. Start with [`look`].

use std::time::Duration;

use super::table::{State, Why};
use crate::beads::ready::Readiness;
use crate::beads::{PARKED, TrackerError};
use crate::daemon::error::EngineError;
use crate::daemon::house::{House, Site};
use crate::daemon::locks::{self, Taken};
use crate::daemon::queue;
use crate::domain::bead::{Bead, Status};
use crate::domain::event::{Body, GivenBack};
use crate::domain::ids::BeadId;
use crate::domain::run::Outcome;
use crate::journal::read::Filter;
use crate::lifecycle::{Phase, Story};

/// The label of a bead that waits for a person's word before anybody works on it (rules 12).
pub const PROPOSED: &str = "proposed";

/// A lock that is held in so many looks is held: a program that is just being started has it for a moment.
const LOOKS: u32 = 4;
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A bead as it stands.
#[derive(Debug, Clone)]
pub struct Standing {
    pub state: State,
    /// The bead as the tracker has it, where it has one.
    pub bead: Option<Bead>,
    /// Its newest story, open or ended.
    pub story: Option<Story>,
}

pub async fn look(house: &House, site: &Site, id: &BeadId) -> Result<Standing, EngineError> {
    let bead = match site.tracker.show(id).await {
        Ok(bead) => Some(bead),
        Err(TrackerError::UnknownId { .. } | TrackerError::Deleted { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let story = house.journal.stories_of(&site.id, id)?.pop();
    let state = match (&bead, &story) {
        (_, Some(story)) if story.is_open() => under_way(house, story).await?,
        (None, _) => State::Unknown,
        (Some(bead), story) => at_rest(house, site, bead, story.as_ref()).await?,
    };
    Ok(Standing { state, bead, story })
}

async fn under_way(house: &House, story: &Story) -> Result<State, EngineError> {
    if matches!(story.phase, Phase::Suspended { .. }) {
        return Ok(State::Suspended);
    }
    let dir = house.places.locks();
    for _ in 0..LOOKS {
        let taken = locks::look(&dir, &story.project, &story.bead)
            .map_err(|source| EngineError::Io { path: dir.clone(), source })?;
        if matches!(taken, Taken::Ours(_)) {
            return Ok(State::Interrupted);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(of_phase(&story.phase))
}

/// By the phase's name: what is new there is taken for something that no hand should disturb.
pub(super) fn of_phase(phase: &Phase) -> State {
    match phase.name() {
        "claiming" | "uniting" | "starting" | "preparing" | "resuming" => State::Preparing,
        "working" | "untangling" => State::Working,
        "exporting" | "suspending" => State::Exporting,
        "merging" | "gating" => State::Gating,
        "reviewing" => State::Reviewing,
        // Before the target is touched it can still be turned aside.
        "landing" if *phase == (Phase::Landing { intent: false }) => State::Gating,
        _ => State::Landing,
    }
}

async fn at_rest(
    house: &House,
    site: &Site,
    bead: &Bead,
    story: Option<&Story>,
) -> Result<State, EngineError> {
    if matches!(bead.status, Status::Closed | Status::Tombstone) {
        return Ok(State::Closed);
    }
    if bead.status == Status::Deferred && bead.has_label(PROPOSED) {
        return Ok(State::Proposed);
    }
    if bead.assignee.is_some() || bead.status == Status::InProgress {
        return Ok(State::Taken);
    }
    let last = match story {
        Some(story) if !spoken_since(house, story)? => Some(story),
        _ => None,
    };
    if bead.status == Status::Blocked && bead.has_label(PARKED) {
        return Ok(last.map_or(State::Parked(Why::Other), parked));
    }
    let snapshot = site.tracker.snapshot().await?;
    let readiness = queue::explain(house, site, &snapshot, &bead.id).await?.readiness;
    let ended = last.filter(|_| readiness == Readiness::Ready).map(|story| story.finish.outcome);
    Ok(match ended {
        Some(Outcome::Failed | Outcome::Timeout) => State::Failed,
        Some(Outcome::Cancelled) => State::Cancelled,
        _ if readiness == Readiness::Ready => State::Ready,
        _ => State::Blocked,
    })
}

/// Whether a person decided something about the bead since its story ended: then that end says nothing any more.
fn spoken_since(house: &House, story: &Story) -> Result<bool, EngineError> {
    let events = house.journal.events(story.id, &Filter::of(&story.project, &story.bead), usize::MAX)?;
    let spoken = |body: &Body| match body {
        Body::GivenBack { how, .. } => !matches!(how, GivenBack::Reworked { .. }),
        Body::ByHand { .. } => true,
        _ => false,
    };
    Ok(events.iter().any(|event| spoken(&event.body)))
}

fn parked(story: &Story) -> State {
    parked_with(story.finish.outcome, story.finish.cause.as_ref().map_or("", |cause| cause.as_str()))
}

/// How a bead stands that was put aside with this end.
pub(super) fn parked_with(outcome: Outcome, cause: &str) -> State {
    match (outcome, cause) {
        (Outcome::NoChange, _) => State::NoChange,
        (Outcome::Parked, "question") => State::Parked(Why::Question),
        (Outcome::Parked, "protected" | "tampering" | "review") => State::Parked(Why::Held),
        (Outcome::Parked, "landed_beside") => State::Parked(Why::Beside),
        (Outcome::Parked, "branch") => State::Parked(Why::Branch),
        (Outcome::Parked, "conflict" | "target_moved" | "red_base") => State::Parked(Why::Way),
        _ => State::Parked(Why::Other),
    }
}

/// Whether what a claim kept can go on without an agent, by how it ended.
pub(super) fn way_was_not_free(story: &Story) -> bool {
    matches!(parked(story), State::Parked(Why::Beside | Why::Way))
}
