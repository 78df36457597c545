//! `bead events`: the journal as it is, and as it grows.
//!
//! Owns one line an event, for people or as JSON. It reads and never writes. Start with [`run`].

use std::time::Duration;

use clap::Args as ClapArgs;

use super::desk::{Desk, journal_error};
use super::{CliError, Exit};
use crate::daemon::control::client::Client;
use crate::daemon::house::House;
use crate::domain::event::Event;
use crate::journal::read::Filter;

/// How many events one look takes from the journal.
const PAGE: usize = 500;
/// How often a following reader looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Only events after this number
    #[arg(long, default_value_t = 0, value_name = "SEQ")]
    since: u64,
    /// Wait for more
    #[arg(long, short)]
    follow: bool,
    /// Only events of this bead
    #[arg(long, value_name = "ID")]
    bead: Option<String>,
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let house = desk.house()?;
    let filter = Filter { bead: args.bead.map(crate::domain::ids::BeadId::new), ..Filter::default() };
    let mut since = args.since;
    loop {
        if args.follow && stream(desk, &house, &filter, &mut since).await {
            tokio::time::sleep(LOOK_AGAIN).await;
            continue;
        }
        let events = house.journal.events(since, &filter, PAGE).map_err(journal_error)?;
        for event in &events {
            since = event.seq;
            show(desk, event);
        }
        if events.len() == PAGE {
            continue;
        }
        if !args.follow {
            if since == args.since && !desk.output.json {
                desk.output.say("nothing happened yet; `bead work ID` makes the first events");
            }
            return Ok(Exit::Done);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Through a running daemon until its stream breaks; false where none runs. Then the journal is read as it is, so
/// that a daemon that comes and goes leaves no gap.
async fn stream(desk: &Desk, house: &House, filter: &Filter, since: &mut u64) -> bool {
    let Some(daemon) = Client::find(&house.places).await else { return false };
    let path = format!("/api/events?since={since}");
    let heard = daemon.follow(&path, |(_, data)| {
        if let Ok(event) = serde_json::from_value::<Event>(data) {
            *since = event.seq;
            if filter.bead.is_none() || filter.bead == event.bead {
                show(desk, &event);
            }
        }
        true
    });
    // Also where it breaks: the next one goes on where this stopped.
    let _ = heard.await;
    true
}

fn show(desk: &Desk, event: &Event) {
    if desk.output.json {
        desk.output.value(event);
    } else {
        desk.output.line(&line(desk, event));
    }
}

fn line(desk: &Desk, event: &Event) -> String {
    let bead = event.bead.as_ref().map_or("-", |b| b.as_str());
    let head = format!("{:>6}  {}  {bead:<14} ", event.seq, event.at.format("%Y-%m-%d %H:%M:%S"));
    let text = crate::feed::tell::sentence(&event.body);
    let room = desk.output.width.saturating_sub(head.len()).max(30);
    format!("{head}{}", super::output::Output::fit(&text, room))
}
