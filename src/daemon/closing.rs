//! A person closes or reopens a bead by hand, from whichever side the word comes.
//!
//! Owns the order: refuse, change the tracker, journal what a person did. Work under way is never touched. Start with
//! [`close`].

use super::error::EngineError;
use super::house::{House, Site};
use super::locks::{self, StoryLock, Taken};
use super::queue;
use super::refusal::Refusal;
use crate::beads::{Edit, PARKED};
use crate::domain::bead::{Bead, Status};
use crate::domain::ids::{BeadId, RunId};
use crate::domain::run::Outcome;

/// Closes a bead that nobody works on.
pub async fn close(
    house: &House,
    site: &Site,
    id: &BeadId,
    (reason, actor): (&str, &str),
) -> Result<Bead, EngineError> {
    let _lock = hold(house, site, id).await?;
    shut(house, site, id, (reason, actor)).await
}

/// The same, but not with work that is kept and did not land: its run is given back. Nobody can come by any between the
/// question and the close.
pub async fn close_without_work(
    house: &House,
    site: &Site,
    id: &BeadId,
    (reason, actor): (&str, &str),
) -> Result<Result<Bead, RunId>, EngineError> {
    let _lock = hold(house, site, id).await?;
    match kept(house, site, id)? {
        Some(run) => Ok(Err(run)),
        None => shut(house, site, id, (reason, actor)).await.map(Ok),
    }
}

async fn shut(
    house: &House,
    site: &Site,
    id: &BeadId,
    (reason, actor): (&str, &str),
) -> Result<Bead, EngineError> {
    let bead = site.tracker.close(id, reason, actor).await?;
    house.by_hand(site, id, &format!("closed: {reason}"))?;
    Ok(bead)
}

/// The bead's lock, with nothing of it under way: nobody begins with it meanwhile.
async fn hold(house: &House, site: &Site, id: &BeadId) -> Result<StoryLock, EngineError> {
    house.refuse_while_worked_on(site, id)?;
    refuse_open_story(house, site, id).await?;
    let dir = house.places.locks();
    let taken = locks::take(&dir, &site.id, id).map_err(|source| EngineError::Io { path: dir, source })?;
    match taken {
        Taken::Ours(lock) if house.journal.open_story_of(&site.id, id)?.is_none() => Ok(lock),
        _ => Err(Refusal::new(format!("bead `{id}` was begun or changed by another process just now"))
            .hint(format!("`bead why {id}` says how it stands"))
            .into()),
    }
}

/// A suspended or interrupted story goes on with the next work; it must not come back to a bead that was
/// closed behind it.
async fn refuse_open_story(house: &House, site: &Site, id: &BeadId) -> Result<(), EngineError> {
    if house.journal.open_story_of(&site.id, id)?.is_none() {
        return Ok(());
    }
    let why = queue::why(house, site, id).await?;
    Err(Refusal::new(why.sentence)
        .hint(format!("end its story first: `bead work {id}` goes on and lands, parks or fails it"))
        .hint(format!("then: `bead close {id} --reason TEXT`"))
        .into())
}

/// The run whose work is kept although it did not land.
pub fn kept(house: &House, site: &Site, id: &BeadId) -> Result<Option<RunId>, EngineError> {
    let last = house.journal.stories_of(&site.id, id)?.pop();
    let last = last.filter(|story| story.finish.outcome != Outcome::Landed);
    Ok(last.and_then(|story| story.tip.map(|kept| kept.run)))
}

/// Opens a closed, parked or claimed bead again.
pub async fn reopen(house: &House, site: &Site, id: &BeadId, actor: &str) -> Result<Bead, EngineError> {
    house.refuse_while_worked_on(site, id)?;
    let bead = site.tracker.show(id).await?;
    let free = bead.status == Status::Open && bead.assignee.is_none() && !bead.has_label(PARKED);
    if free && queue::landed_but_open(house, site, &bead)?.is_none() {
        return Err(Refusal::new(format!("bead `{id}` is open already, and nobody has it"))
            .hint(format!("to have it worked on: `bead work {id}`"))
            .into());
    }
    let bead = if bead.status == Status::Closed {
        site.tracker.reopen(id, actor).await?
    } else {
        // Parked, blocked by hand, or claimed by somebody who is gone: all of them become open again.
        let edit = Edit { unassign: true, ..Edit::unpark() };
        site.tracker.update(id, &edit, actor).await?
    };
    house.by_hand(site, id, "reopened")?;
    Ok(bead)
}
