//! `bead import`: beads from JSONL into this project's tracker.
//!
//! Owns reading the file and telling what was taken, line by line. What may be taken is the beads room's.
//! Start with [`run`].

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;

use super::desk::{Desk, tracker_error};
use super::{CliError, Exit};
use crate::beads::{Import, ImportReport, Origin, Partly};
use crate::domain::clean;

const LIMIT: u64 = 1 << 30;
/// How many refused lines an error tells one by one.
const TOLD: usize = 20;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// JSONL of any `bd`, or of `bead export` (`-`: stdin)
    file: PathBuf,
    /// Take the lines that can be taken when others cannot
    #[arg(long)]
    partly: bool,
    /// These are your own beads: keep every byte, and do not mark them as imported
    #[arg(long)]
    own: bool,
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let text = read(&args.file)?;
    let (_, site) = desk.open().await?;
    let how = Import {
        origin: if args.own { Origin::Own } else { Origin::Elsewhere },
        partly: if args.partly { Partly::Yes } else { Partly::Never },
    };
    let report = site.tracker.import(text, how).await.map_err(tracker_error)?;
    for warning in &report.warnings {
        desk.output.warn(warning);
    }
    let is_refused = !report.refused.is_empty() && !args.partly;
    if is_refused {
        return Err(refusal(&report));
    }
    for refused in &report.refused {
        desk.output.warn(&format!("line {}: {}", refused.line, refused.why));
    }
    if desk.output.json {
        desk.output.document(&report);
    } else {
        let (added, changed, kept) = (report.added.len(), report.changed.len(), report.kept.len());
        let left = if report.refused.is_empty() {
            String::new()
        } else {
            format!(", {} left out", report.refused.len())
        };
        desk.output.line(&format!("{added} added, {changed} changed, {kept} here already{left}"));
    }
    Ok(Exit::Done)
}

/// Nothing was written: every line that is in the way, as far as a person reads.
fn refusal(report: &ImportReport) -> CliError {
    let lines = report.refused.len();
    let what = if lines == 1 { "1 line cannot be taken" } else { &format!("{lines} lines cannot be taken") };
    let mut error = CliError::refused(format!("{what}: nothing was imported"));
    let tell = |refused: &crate::beads::Refused| {
        clean::clean_line(&format!("line {}: {}", refused.line, refused.why))
    };
    error.causes = report.refused.iter().take(TOLD).map(tell).collect();
    if lines > TOLD {
        error.causes.push(format!("and {} more", lines - TOLD));
    }
    error.hint("mend the lines, or take the others with `--partly`")
}

fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let failed = |e: std::io::Error| CliError::refused(format!("cannot read `{}`: {e}", path.display()));
    let mut text = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(LIMIT + 1).read_to_end(&mut text).map_err(failed)?;
    } else {
        std::fs::File::open(path).map_err(failed)?.take(LIMIT + 1).read_to_end(&mut text).map_err(failed)?;
    }
    if text.len() as u64 > LIMIT {
        return Err(CliError::refused(format!("`{}` has more than {LIMIT} bytes", path.display())));
    }
    Ok(text)
}
