//! A first tracker for a project that has none.
//!
//! Owns what `bead init` writes into `.beads`: an empty file of beads, the prefix, and a `.gitignore` for
//! locks and temporary files. It overwrites nothing that is there. Start with [`init`].

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::ids::{check_prefix, from_directory};
use super::{Era, TrackerError, era};

const IGNORED: &str = "\
# Locks, temporary files and local state; issues.jsonl and config.yaml are committed.
.jsonl.lock
.sync.lock
*.tmp
*.tmp.*
*.db
*.db-*
daemon.*
bd.sock
redirect
sync_base.jsonl
";

/// What [`init`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Files written, in order.
    pub files: Vec<PathBuf>,
    /// The prefix of a new tracker; `None` where there was one before.
    pub prefix: Option<String>,
}

/// Makes a tracker at `root` if there is none; in an existing one only adds a missing `.gitignore`. Touches
/// nothing where a redirect leads elsewhere or Dolt keeps the beads.
pub fn init(root: &Path, prefix: Option<&str>) -> Result<Made, TrackerError> {
    let dir = root.join(".beads");
    let mut made = Made { files: Vec::new(), prefix: None };
    let era = era::detect(root)?;
    if matches!(era, Era::Dolt { .. }) || dir.join("redirect").exists() {
        return Ok(made);
    }
    if era == Era::NoTracker {
        let prefix = prefix.map_or_else(|| from_directory(root), |p| p.trim_end_matches('-').to_owned());
        check_prefix(&prefix)?;
        let made_dir = std::fs::create_dir_all(&dir);
        made_dir.map_err(|source| TrackerError::Io { doing: "create", path: dir.clone(), source })?;
        // The file of beads last: with it the tracker is there, and a crash before it is begun anew.
        write_new(&dir.join(".gitignore"), IGNORED, &mut made)?;
        // Quoted, because a prefix such as `1e3` or `no` would be read as something else.
        write_new(&dir.join("config.yaml"), &format!("issue-prefix: \"{prefix}\"\n"), &mut made)?;
        write_new(&dir.join("issues.jsonl"), "", &mut made)?;
        made.prefix = Some(prefix);
    } else {
        write_new(&dir.join(".gitignore"), IGNORED, &mut made)?;
    }
    Ok(made)
}

fn write_new(path: &Path, text: &str, made: &mut Made) -> Result<(), TrackerError> {
    let failed = |source| TrackerError::Io { doing: "create", path: path.to_path_buf(), source };
    let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    made.files.push(path.to_path_buf());
    Ok(())
}

#[cfg(test)]
mod tests;
