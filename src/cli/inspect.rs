//! `bead inspect-stream`: what a recorded agent stream says.
//!
//! Owns reading the file or stdin; the report is the agent room's. Start with [`run`].

use std::io::Read as _;

use clap::Args as ClapArgs;

use super::desk::Desk;
use super::{CliError, Exit};
use crate::agent::claude::Claude;
use crate::agent::inspect;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// A file of stream-json lines, or `-` for stdin
    file: String,
}

pub(super) fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let bytes = if args.file == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(&args.file)
    };
    let bytes = bytes.map_err(|e| {
        CliError::refused(format!("cannot read `{}`: {e}", args.file))
            .hint("`bead logs RUN --raw` prints the stream of a run; `-` reads stdin")
    })?;
    let report = inspect::inspect(&Claude, &bytes);
    if desk.output.json {
        desk.output.document(&report);
    } else {
        desk.output.line(inspect::render(&report).trim_end());
    }
    Ok(Exit::Done)
}
