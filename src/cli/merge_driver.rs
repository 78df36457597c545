//! `bead merge-driver`: git's merge of the tracker file, by bead.
//!
//! Owns the three files that git names, the write over the second and the exit code: 0 merged, 1 conflicts
//! stand between markers, 129 git shall give up and touch nothing. It opens no project. Start with [`run`].

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use serde_json::json;

use super::desk::Desk;
use super::{CliError, Exit};
use crate::beads::merge::{Sides, merge};
use crate::clock::{Clock as _, SystemClock};
use crate::domain::clean;

/// As long as the longest tracker file that is read.
const LIMIT: u64 = 1 << 30;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The common ancestor's version (`%O`)
    base: PathBuf,
    /// Our version, which is replaced by the merged one (`%A`)
    ours: PathBuf,
    /// The other branch's version (`%B`)
    theirs: PathBuf,
    /// What git calls the file (`%P`), for messages
    path: Option<String>,
}

pub(super) fn run(desk: &Desk, args: &Args) -> Result<Exit, CliError> {
    let (base, ours, theirs) = (read(&args.base)?, read(&args.ours)?, read(&args.theirs)?);
    let sides = Sides { base: &base, ours: &ours, theirs: &theirs };
    let merged = merge(&sides, SystemClock::default().now());
    if merged.bytes != ours {
        std::fs::write(&args.ours, &merged.bytes).map_err(|e| gives_up("write", &args.ours, &e))?;
    }
    let name = clean::clean_line(args.path.as_deref().unwrap_or("the tracker"));
    let notes: Vec<String> = merged.notes.iter().map(ToString::to_string).collect();
    for (note, text) in merged.notes.iter().zip(&notes) {
        let word = if note.is_conflict() { "conflict: " } else { "" };
        desk.output.warn(&format!("{name}: {word}{text}"));
    }
    if desk.output.json {
        desk.output.value(&json!({ "type": "merge", "clean": merged.is_clean(), "notes": notes }));
    }
    Ok(if merged.is_clean() { Exit::Done } else { Exit::Failed })
}

fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let file = std::fs::File::open(path).map_err(|e| gives_up("read", path, &e))?;
    let mut bytes = Vec::new();
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(|e| gives_up("read", path, &e))?;
    if bytes.len() as u64 > LIMIT {
        return Err(CliError::new(
            Exit::GivesUp,
            format!("`{}` has more than {LIMIT} bytes", path.display()),
        ));
    }
    Ok(bytes)
}

fn gives_up(doing: &str, path: &Path, error: &std::io::Error) -> CliError {
    CliError::new(Exit::GivesUp, format!("cannot {doing} `{}`: {error}", path.display()))
}
