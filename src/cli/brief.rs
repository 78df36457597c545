//! `bead brief`: what the night brought, in the order in which one needs to know it.
//!
//! Owns the choice of the night and the colours; what is said is `feed::brief`'s and stands in the journal. It
//! reads and never writes but the file that was asked for. Start with [`run`].

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;

use super::desk::{Desk, journal_error};
use super::output::{BAD, DIM, GOOD, Output, STRONG, WARN, paint};
use super::{CliError, Exit};
use crate::feed::brief::{self, Brief, Ink, NightState, Which};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// A night by its name or date, or `day` for the last 24 hours (default: the last night, also while it runs)
    night: Option<String>,
    /// List the nights that can be told of, oldest first
    #[arg(long, conflicts_with_all = ["night", "html"])]
    list: bool,
    /// Write it as a page with plots to this file, too
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

pub(super) fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let house = desk.house()?;
    let now = house.clock.now();
    if args.list {
        let nights = brief::nights(&house.journal, now).map_err(journal_error)?;
        if desk.output.json {
            desk.output.document(&nights);
        } else if nights.is_empty() {
            desk.output.say("no night yet; `bead brief` tells of the last 24 hours");
        } else {
            let zone = desk.zone();
            for night in nights {
                let opened = zone.local(night.opened).format("%Y-%m-%d %H:%M");
                let how = match night.state {
                    NightState::SoFar => "goes on".to_owned(),
                    NightState::CutOff => "nothing tells its end".to_owned(),
                    _ => night.why.unwrap_or_default(),
                };
                desk.output.line(&format!("{:<14} {opened}  {}", night.id, Output::fit(&how, 60)));
            }
        }
        return Ok(Exit::Done);
    }
    let which = args.night.clone().map_or(Which::Last, Which::Named);
    let Some(brief) = brief::of(&house.journal, &which, now, desk.zone()).map_err(journal_error)? else {
        let night = args.night.unwrap_or_default();
        return Err(CliError::refused(format!("the journal knows no night `{night}`"))
            .hint("`bead brief --list` lists the nights")
            .hint("`bead brief day` tells of the last 24 hours"));
    };
    if let Some(path) = &args.html {
        write(path, &brief)?;
    }
    show(desk.output, &brief);
    Ok(Exit::Done)
}

/// Prints a brief, as JSON where that was asked for.
pub(super) fn show(output: Output, brief: &Brief) {
    if output.json {
        output.document(brief);
        return;
    }
    for (ink, line) in brief::text(brief, output.width) {
        match ink {
            Ink::Title => {
                output.line("");
                output.line(&paint(STRONG, &line));
            }
            Ink::Headline => output.line(&paint(STRONG, &line)),
            Ink::Good => output.line(&paint(GOOD, &line)),
            Ink::Bad => output.line(&paint(BAD, &line)),
            Ink::Mind => output.line(&paint(WARN, &line)),
            Ink::Dim => output.line(&paint(DIM, &line)),
            Ink::Plain | Ink::Command => output.line(&line),
        }
    }
}

/// A whole page, for a browser without a daemon.
fn write(path: &Path, brief: &Brief) -> Result<(), CliError> {
    let failed = |e: std::io::Error| CliError::failed(format!("cannot write `{}`: {e}", path.display()));
    std::fs::write(path, brief::page(brief)).map_err(failed)
}
