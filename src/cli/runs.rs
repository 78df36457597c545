//! `bead runs`: what ran, newest first.
//!
//! Owns the shape of one line; states come from the journal, corrected for processes that are gone. Start with
//! [`run`].

use clap::Args as ClapArgs;

use super::desk::{Desk, journal_error};
use super::{CliError, Exit};
use crate::domain::ids::BeadId;
use crate::journal::read::{Filter, RunRow};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Only runs of this bead
    id: Option<String>,
    /// At most this many
    #[arg(long, short = 'n', default_value_t = 50, value_name = "N")]
    limit: usize,
}

pub(super) fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let house = desk.house()?;
    let filtered = args.id.is_some();
    let filter = Filter { bead: args.id.map(BeadId::new), ..Filter::default() };
    let mut rows = house.journal.runs(&filter, args.limit).map_err(journal_error)?;
    house.mark_interrupted(&mut rows);
    if desk.output.json {
        desk.output.document(&rows);
        return Ok(Exit::Done);
    }
    if rows.is_empty() && filtered {
        desk.output.say("no run of this bead; `bead runs` lists all runs");
    } else if rows.is_empty() {
        desk.output.say("no runs yet; `bead work ID` makes the first");
    }
    for row in &rows {
        desk.output.line(&line(row));
    }
    Ok(Exit::Done)
}

fn line(row: &RunRow) -> String {
    let started = row.started.get(..16).unwrap_or(&row.started).replace('T', " ");
    let cause = row.cause.as_ref().map(|c| format!(" ({c})")).unwrap_or_default();
    format!(
        "{}  {started}  {:<4}  {:<14} #{}  {}{cause}  ${:.2}",
        row.run,
        row.kind,
        super::output::Output::fit(row.bead.as_deref().unwrap_or("-"), 24),
        row.attempt.unwrap_or(0),
        row.state,
        row.cost_usd
    )
}
