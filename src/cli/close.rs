//! `bead close` and `bead reopen`: a person's own decision about a bead.
//!
//! Owns their arguments and the order: refuse, change the tracker, journal what a person did. Work under way is
//! never touched. Start with [`close`].

use clap::Args as ClapArgs;

use super::desk::{Desk, engine_error, journal_error, tracker_error};
use super::{CliError, Exit};
use crate::beads::{Edit, PARKED};
use crate::daemon::house::{House, Site};
use crate::daemon::queue;
use crate::domain::bead::Status;
use crate::domain::ids::BeadId;

#[derive(Debug, ClapArgs)]
pub(super) struct CloseArgs {
    /// The bead
    id: String,
    /// Why it is closed
    #[arg(long, short, value_name = "TEXT")]
    reason: String,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ReopenArgs {
    /// The bead
    id: String,
}

pub(super) async fn close(desk: &Desk, args: CloseArgs) -> Result<Exit, CliError> {
    if args.reason.trim().is_empty() {
        return Err(CliError::new(Exit::Usage, "`--reason` is empty: expected why the bead is closed"));
    }
    let (house, site) = desk.open().await?;
    let id = BeadId::new(args.id);
    house.refuse_while_worked_on(&site, &id).map_err(engine_error)?;
    refuse_open_story(&house, &site, &id).await?;
    let bead = site.tracker.close(&id, &args.reason, &desk.actor()).await.map_err(tracker_error)?;
    house.by_hand(&site, &id, &format!("closed: {}", args.reason)).map_err(engine_error)?;
    if desk.output.json {
        desk.output.document(&vec![bead]);
    } else {
        desk.output.line(&format!("closed {id}"));
    }
    Ok(Exit::Done)
}

/// A suspended or interrupted story goes on with the next `bead work`; it must not come back to a bead that was
/// closed behind it.
async fn refuse_open_story(house: &House, site: &Site, id: &BeadId) -> Result<(), CliError> {
    if house.journal.open_story_of(&site.id, id).map_err(journal_error)?.is_none() {
        return Ok(());
    }
    let why = queue::why(house, site, id).await.map_err(engine_error)?;
    Err(CliError::refused(why.sentence)
        .hint(format!("end its story first: `bead work {id}` goes on and lands, parks or fails it"))
        .hint(format!("then: `bead close {id} --reason TEXT`")))
}

pub(super) async fn reopen(desk: &Desk, args: ReopenArgs) -> Result<Exit, CliError> {
    let (house, site) = desk.open().await?;
    let id = BeadId::new(args.id);
    house.refuse_while_worked_on(&site, &id).map_err(engine_error)?;
    let bead = site.tracker.show(&id).await.map_err(tracker_error)?;
    let free = bead.status == Status::Open && bead.assignee.is_none() && !bead.has_label(PARKED);
    if free && queue::landed_but_open(&house, &site, &bead).map_err(engine_error)?.is_none() {
        return Err(CliError::refused(format!("bead `{id}` is open already, and nobody has it"))
            .hint(format!("to have it worked on: `bead work {id}`")));
    }
    let bead = if bead.status == Status::Closed {
        site.tracker.reopen(&id, &desk.actor()).await
    } else {
        // Parked, blocked by hand, or claimed by somebody who is gone: all of them become open again.
        let edit = Edit { unassign: true, ..Edit::unpark() };
        site.tracker.update(&id, &edit, &desk.actor()).await
    };
    let bead = bead.map_err(tracker_error)?;
    house.by_hand(&site, &id, "reopened").map_err(engine_error)?;
    if desk.output.json {
        desk.output.document(&vec![bead]);
    } else {
        desk.output.line(&format!("reopened {id}"));
    }
    Ok(Exit::Done)
}
