//! `bead push`: the key by which push services know this house, the devices, and a test of what is configured.
//!
//! Owns the words around them. A test has the words and goes over the channels of every alert, once, and says how each
//! ended. Start with [`run`].

use clap::{Args as ClapArgs, Subcommand};
use serde_json::json;

use super::desk::{Desk, journal_error};
use super::output::{BAD, DIM, GOOD, Output, paint};
use super::{CliError, Exit};
use crate::config::user::User;
use crate::daemon::alerts;
use crate::daemon::house::House;
use crate::domain::clean::clean_line;
use crate::feed::notify::courier::shown;
use crate::feed::notify::push::vapid::Vapid;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show the public key that browsers subscribe with; the first use makes it
    Keys {
        /// Make a new one: every device must subscribe again
        #[arg(long)]
        rotate: bool,
    },
    /// Send a test to every device, and say how it went
    Test {
        /// Also by mail, webhook and topic
        #[arg(long)]
        all: bool,
    },
    /// List the devices that subscribed
    List,
    /// Tell a device nothing any more
    Remove {
        /// Its id, as `bead push list` shows it
        id: String,
    },
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let house = desk.house()?;
    match args.action {
        Action::Keys { rotate } => keys(desk.output, &house, rotate),
        Action::Test { all } => test(desk, &house, all).await,
        Action::List => list(desk.output, &house),
        Action::Remove { id } => {
            if !house.journal.forget_device(&id).map_err(journal_error)? {
                return Err(CliError::refused(format!("no device `{id}` is subscribed"))
                    .hint("`bead push list` shows the ids"));
            }
            desk.output.say(&format!("`{}` is told nothing any more", clean_line(&id)));
            Ok(Exit::Done)
        }
    }
}

fn keys(output: Output, house: &House, rotate: bool) -> Result<Exit, CliError> {
    let (path, ids) = (house.places.push_key(), house.ids.as_ref());
    let failed = |error| CliError::from_error(Exit::Failed, &error);
    let vapid = if rotate { Vapid::rotate(&path, ids) } else { Vapid::open(&path, ids) }.map_err(failed)?;
    let mut forgotten = 0;
    if rotate {
        forgotten = house.journal.forget_devices().map_err(journal_error)?;
        output.warn("subscriptions belong to the key they were made for: every device must subscribe again");
    }
    if output.json {
        output.document(&json!({ "public_key": vapid.public(), "rotated": rotate, "forgotten": forgotten }));
        return Ok(Exit::Done);
    }
    output.line(&vapid.public());
    output.say(&format!("the private half is in {}", path.display()));
    Ok(Exit::Done)
}

fn list(output: Output, house: &House) -> Result<Exit, CliError> {
    let devices = house.journal.devices().map_err(journal_error)?;
    if output.json {
        let row = |d: &crate::journal::reach::Device| json!({ "id": d.id, "name": d.name, "created": d.created, "last_ok": d.last_ok });
        output.document(&devices.iter().map(row).collect::<Vec<_>>());
        return Ok(Exit::Done);
    }
    if devices.is_empty() {
        output.say("no device is subscribed; a browser subscribes on its settings page");
    }
    for device in devices {
        let reached = device.last_ok.map_or("never reached".to_owned(), |at| {
            format!("last reached {}", at.format("%Y-%m-%d %H:%M UTC"))
        });
        output.line(&format!("{:<14} {}  {}", device.id, clean_line(&device.name), paint(DIM, &reached)));
    }
    Ok(Exit::Done)
}

async fn test(desk: &Desk, house: &House, all: bool) -> Result<Exit, CliError> {
    let refused = |e: crate::config::ConfigError| CliError::refused(e.to_string());
    let user = User::read(&house.places.config_file()).map_err(refused)?;
    let courier = alerts::courier(house, &user, desk.zone());
    let results = alerts::try_out(&courier, |channel| all || channel.starts_with("push/"))
        .await
        .map_err(journal_error)?;
    if results.is_empty() {
        let what = if all { "no channel is configured" } else { "no device is subscribed" };
        return Err(CliError::refused(what).hint("a browser subscribes on its settings page").hint(
            "mail, webhook and topic stand under `notify` in your config; `bead push test --all` tries them",
        ));
    }
    if desk.output.json {
        let row = |(channel, failed): &(String, Option<String>)| json!({ "channel": channel, "ok": failed.is_none(), "why": failed });
        desk.output.document(&results.iter().map(row).collect::<Vec<_>>());
    } else {
        for (channel, failed) in &results {
            let how = failed.as_ref().map_or_else(|| paint(GOOD, "sent"), |why| paint(BAD, &clean_line(why)));
            desk.output.line(&format!("{}: {how}", clean_line(&shown(channel))));
        }
    }
    let failed = results.iter().any(|(_, failed)| failed.is_some());
    Ok(if failed { Exit::Failed } else { Exit::Done })
}
