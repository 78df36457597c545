//! `bead why`: one true sentence about where a bead stands.
//!
//! Owns nothing but the command; the sentence is made by the daemon's `queue`.

use clap::Args as ClapArgs;
use serde_json::json;

use super::desk::{Desk, engine_error};
use super::{CliError, Exit};
use crate::daemon::control::client::{Client, segment};
use crate::domain::ids::BeadId;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The bead
    id: String,
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let (house, site) = desk.open().await?;
    let id = BeadId::new(args.id);
    if let Some(daemon) = Client::find(&house.places).await
        && super::through::knows(&daemon, &site).await
    {
        let path = format!("/api/projects/{}/beads/{}/why", segment(site.id.as_str()), segment(id.as_str()));
        let why = daemon.get(&path).await.map_err(super::through::client_error)?;
        if desk.output.json {
            desk.output.document(&why);
        } else {
            desk.output.line(&crate::domain::clean::clean_line(why["reason"].as_str().unwrap_or_default()));
        }
        return Ok(Exit::Done);
    }
    let why = crate::daemon::queue::why(&house, &site, &id).await.map_err(engine_error)?;
    if desk.output.json {
        desk.output
            .document(&json!({ "id": id, "ready": why.ready, "state": why.state, "reason": why.sentence }));
    } else {
        desk.output.line(&crate::domain::clean::clean_line(&why.sentence));
    }
    Ok(Exit::Done)
}
