//! `bead export`: all beads as JSONL, in the tracker's own form or another.
//!
//! Owns where the text goes: stdout, or a file that is there whole or not at all and is never the tracker
//! itself. Forms are the beads room's. Start with [`run`].

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use serde_json::json;

use super::desk::{Desk, tracker_error};
use super::{CliError, Exit};
use crate::beads::form::Form;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Where to write (`-`: stdout)
    file: PathBuf,
    /// `classic` (bd to 0.50) or `1.x` (default: each line as the tracker has it)
    #[arg(long, value_name = "FORM")]
    form: Option<Form>,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let (_, site) = desk.open().await?;
    let snapshot = site.tracker.snapshot().await.map_err(tracker_error)?;
    let export = snapshot.export(args.form);
    for line in &export.left_out {
        desk.output.warn(&format!("left out: {line}"));
    }
    if args.file == Path::new("-") {
        let mut out = std::io::stdout().lock();
        return match out.write_all(&export.bytes).and_then(|()| out.flush()) {
            Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(CliError::from_error(Exit::Failed, &e))
            }
            _ => Ok(Exit::Done),
        };
    }
    let target = std::path::absolute(&args.file).map_err(|e| CliError::from_error(Exit::Failed, &e))?;
    write(&target, &export.bytes, args.force)?;
    if desk.output.json {
        desk.output.document(&json!({
            "file": target, "beads": export.beads, "bytes": export.bytes.len(), "left_out": export.left_out,
        }));
    } else {
        desk.output.say(&format!("{} beads written to {}", export.beads, target.display()));
    }
    Ok(Exit::Done)
}

fn write(target: &Path, bytes: &[u8], force: bool) -> Result<(), CliError> {
    let failed = |e: &std::io::Error| CliError::failed(format!("cannot write `{}`: {e}", target.display()));
    let folder = target.parent().unwrap_or(Path::new("/"));
    let real = folder.canonicalize().map_err(|e| failed(&e))?;
    if real.components().any(|part| part.as_os_str().eq_ignore_ascii_case(".beads")) {
        return Err(CliError::refused(format!("`{}` is in a tracker's own folder", target.display()))
            .hint("export to another place; the tracker's file is what commands write"));
    }
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|e| failed(&e))?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    file.write_all(bytes)
        .and_then(|()| file.as_file().set_permissions(mode))
        .and_then(|()| file.as_file().sync_all())
        .map_err(|e| failed(&e))?;
    let placed = if force { file.persist(target) } else { file.persist_noclobber(target) };
    match placed {
        Ok(_) => Ok(()),
        Err(e) if e.error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(CliError::refused(format!("`{}` is there already", target.display()))
                .hint("to replace it: `--force`"))
        }
        Err(e) => Err(failed(&e.error)),
    }
}
