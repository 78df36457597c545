//! `bead logs`: what a run printed, for people or raw.
//!
//! Owns finding the run and following its file while it grows; the files themselves are the journal's. Start
//! with [`run`].

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::Duration;

use clap::Args as ClapArgs;

use super::desk::{Desk, journal_error};
use super::{CliError, Exit};
use crate::daemon::house::House;
use crate::domain::clean;
use crate::domain::ids::{BeadId, RunId};
use crate::journal::read::{Filter, RunRow};

/// How often a following reader looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// A run (or a bead: its newest work run)
    run: String,
    /// Wait for more until the run ends
    #[arg(long, short)]
    follow: bool,
    /// The agent's own stream, one JSON object a line (secrets masked)
    #[arg(long)]
    raw: bool,
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let house = desk.house()?;
    let row = find(&house, &args.run)?;
    let extension = if args.raw || desk.output.json { "jsonl" } else { "log" };
    let path = house.places.state().join(&row.log).with_extension(extension);
    let mut from = 0;
    let mut rest = Vec::new();
    loop {
        // Asked before reading: what was written until the end is then certainly read.
        let over = !args.follow || ended(&house, &row)?;
        from += read_on(&path, from, &mut rest)?;
        let whole = rest.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let upto = if over { rest.len() } else { whole };
        for line in String::from_utf8_lossy(&rest[..upto]).lines() {
            // Raw is raw for a program; a terminal never gets bytes an agent chose (T34).
            let safe = if extension == "jsonl" && !desk.output.terminal {
                line.to_owned()
            } else {
                clean::clean_line(line)
            };
            desk.output.plain(&safe);
        }
        rest.drain(..upto);
        if over {
            return Ok(Exit::Done);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// The run of this id, or the newest run of the bead of this id.
fn find(house: &House, name: &str) -> Result<RunRow, CliError> {
    let filter = match RunId::parse(name) {
        Some(run) => Filter { run: Some(run), ..Filter::default() },
        None => Filter { bead: Some(BeadId::new(name)), ..Filter::default() },
    };
    let rows = house.journal.runs(&filter, 100).map_err(journal_error)?;
    // Who names a bead wants to know what its agent did; gates have runs of their own.
    let work = rows.iter().find(|row| row.kind == "work").cloned();
    work.or_else(|| rows.into_iter().next()).ok_or_else(|| {
        CliError::refused(format!("there is no run or bead `{name}` with a log"))
            .hint("`bead runs` lists all runs")
    })
}

fn ended(house: &House, row: &RunRow) -> Result<bool, CliError> {
    let mut rows = vec![find(house, &row.run)?];
    house.mark_interrupted(&mut rows);
    Ok(rows[0].state != "running")
}

fn read_on(path: &Path, from: u64, into: &mut Vec<u8>) -> Result<u64, CliError> {
    let failed = |e: std::io::Error| CliError::failed(format!("`{}`: {e}", path.display()));
    let mut file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(e) => return Err(failed(e)),
    };
    file.seek(SeekFrom::Start(from)).map_err(failed)?;
    let read = file.read_to_end(into).map_err(failed)?;
    Ok(u64::try_from(read).unwrap_or(0))
}
