//! `bead events`: the journal as it is, and as it grows.
//!
//! Owns one line an event, for people or as JSON. It reads and never writes. Start with [`run`].

use std::time::Duration;

use clap::Args as ClapArgs;

use super::desk::{Desk, journal_error};
use super::{CliError, Exit};
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
        let events = house.journal.events(since, &filter, PAGE).map_err(journal_error)?;
        for event in &events {
            since = event.seq;
            if desk.output.json {
                desk.output.value(event);
            } else {
                desk.output.line(&line(desk, event));
            }
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

fn line(desk: &Desk, event: &Event) -> String {
    let bead = event.bead.as_ref().map_or("-", |b| b.as_str());
    let head = format!("{:>6}  {}  {bead:<14} ", event.seq, event.at.format("%Y-%m-%d %H:%M:%S"));
    let text = crate::daemon::tell::sentence(&event.body);
    let room = desk.output.width.saturating_sub(head.len()).max(30);
    format!("{head}{}", super::output::Output::fit(&text, room))
}
