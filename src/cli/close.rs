//! `bead close` and `bead reopen`: a person's own decision about a bead.
//!
//! Owns their arguments and what is printed; what they do is `daemon::closing`'s, the same as over the API. Start
//! with [`close`].

use clap::Args as ClapArgs;

use super::desk::{Desk, engine_error};
use super::{CliError, Exit};
use crate::daemon::closing;
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
    let said = (args.reason.as_str(), desk.actor());
    let bead = closing::close(&house, &site, &id, (said.0, &said.1)).await.map_err(engine_error)?;
    if desk.output.json {
        desk.output.document(&vec![bead]);
    } else {
        desk.output.line(&format!("closed {id}"));
    }
    Ok(Exit::Done)
}

pub(super) async fn reopen(desk: &Desk, args: ReopenArgs) -> Result<Exit, CliError> {
    let (house, site) = desk.open().await?;
    let id = BeadId::new(args.id);
    let bead = closing::reopen(&house, &site, &id, &desk.actor()).await.map_err(engine_error)?;
    if desk.output.json {
        desk.output.document(&vec![bead]);
    } else {
        desk.output.line(&format!("reopened {id}"));
    }
    Ok(Exit::Done)
}
