//! `bead close` and `bead reopen`: a person's own decision about a bead.

use clap::Args as ClapArgs;

use super::desk::{Desk, tracker_error};
use super::{CliError, Exit};
use crate::domain::event::Body;
use crate::domain::ids::BeadId;

#[derive(Debug, ClapArgs)]
pub(super) struct CloseArgs {
    id: String,
    /// Why it is closed
    #[arg(long, short, value_name = "TEXT")]
    reason: String,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ReopenArgs {
    id: String,
}

pub(super) async fn close(desk: &Desk, args: CloseArgs) -> Result<Exit, CliError> {
    let site = desk.site().await?;
    let house = desk.house()?;
    let id = BeadId::new(args.id);
    house.refuse_while_worked_on(&site, &id)?;
    let bead = site.tracker.close(&id, &args.reason, &desk.actor()).await.map_err(tracker_error)?;
    house.by_hand(&site, &id, &format!("closed: {}", args.reason))?;
    if desk.output.json {
        desk.output.document(&vec![bead]);
    } else {
        desk.output.line(&format!("closed {id}"));
    }
    Ok(Exit::Done)
}

pub(super) async fn reopen(desk: &Desk, args: ReopenArgs) -> Result<Exit, CliError> {
    let site = desk.site().await?;
    let house = desk.house()?;
    let id = BeadId::new(args.id);
    house.refuse_while_worked_on(&site, &id)?;
    let bead = site.tracker.reopen(&id, &desk.actor()).await.map_err(tracker_error)?;
    house.by_hand(&site, &id, "reopened")?;
    if desk.output.json {
        desk.output.document(&vec![bead]);
    } else {
        desk.output.line(&format!("reopened {id}"));
    }
    Ok(Exit::Done)
}
