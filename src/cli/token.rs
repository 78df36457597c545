//! `bead token`: the token for scripts, and another one in its place.
//!
//! Owns what is printed and where. The file is the state directory's (0600); a running daemon is told of a change. Start with
//! [`run`].

use clap::Args as ClapArgs;
use serde_json::json;

use super::desk::{Desk, journal_error};
use super::through::client_error;
use super::{CliError, Exit};
use crate::daemon::control::client::Client;
use crate::feed::web::guard;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Make another one: the old token, every login and every link are void at once, those in alerts too; devices stay subscribed
    #[arg(long)]
    rotate: bool,
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let house = desk.house()?;
    let (path, ids) = (house.places.token(), house.ids.as_ref());
    let refused = |error: guard::TokenError| CliError::refused(error.to_string());
    let daemon = Client::find(&house.places).await;
    if args.rotate {
        match &daemon {
            Some(daemon) => drop(daemon.post("/api/token", &json!({})).await.map_err(client_error)?),
            None => {
                guard::rotate_token(&path, ids).map_err(refused)?;
                house.journal.end_all_sessions().map_err(journal_error)?;
                house.journal.void_capabilities().map_err(journal_error)?;
            }
        }
        desk.output.say("the old token, every login and every link are void, those in alerts too");
        desk.output
            .say("devices are still told: `bead push list` lists them, `bead push remove ID` forgets one");
    }
    let token = guard::token(&path, house.uid, ids).map_err(refused)?;
    let address = match &daemon {
        Some(daemon) => daemon.get("/api/address").await.map_err(client_error)?,
        None => serde_json::Value::Null,
    };
    if desk.output.json {
        desk.output
            .document(&json!({ "url": address["url"], "public_url": address["public_url"], "token": token }));
        return Ok(Exit::Done);
    }
    desk.output.line(&token);
    match address["url"].as_str() {
        Some(url) => desk.output.say(&format!(
            "for {url}: `curl -H \"Authorization: Bearer $(bead token -q)\" {url}/api/status`"
        )),
        None => desk.output.say("no daemon listens for it now; `bead serve` starts one"),
    }
    Ok(Exit::Done)
}
