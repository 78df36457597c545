//! `bead login`: a link that logs one browser in.
//!
//! Owns the words around it. The link's code is one-time and stands behind the `#`; the running daemon makes it and redeems
//! it. Start with [`run`].

use serde_json::json;

use super::desk::Desk;
use super::through::client_error;
use super::{CliError, Exit};
use crate::daemon::control::client::Client;

pub(super) async fn run(desk: &Desk) -> Result<Exit, CliError> {
    let house = desk.house()?;
    let Some(daemon) = Client::find(&house.places).await else { return Err(nobody()) };
    let made = daemon.post("/api/login-links", &json!({})).await.map_err(client_error)?;
    let (link, public) = (made["link"].as_str(), made["public_link"].as_str());
    if link.is_none() && public.is_none() {
        return Err(CliError::refused("the running daemon listens on its socket alone")
            .hint("`bead serve --listen ADDR`, or `server: { listen: ADDR }` in your config"));
    }
    if desk.output.json {
        desk.output.document(&made);
        return Ok(Exit::Done);
    }
    for link in [public, link].into_iter().flatten() {
        desk.output.line(link);
    }
    desk.output.say("it logs one browser in, once, within ten minutes");
    if public.is_none() {
        desk.output.say("a phone cannot reach this machine's own address: set `server.public_url` for that");
    }
    Ok(Exit::Done)
}

pub(super) fn nobody() -> CliError {
    CliError::refused("no daemon is running here").hint("`bead serve` starts one")
}
