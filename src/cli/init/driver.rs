//! `bead init --merge-driver`: git merges the tracker by bead from now on.
//!
//! Owns the line in `.gitattributes` and what is refused: another program's driver, another attribute, a
//! tracker outside the repository. It commits nothing. Start with [`install`].

use std::path::Path;

use crate::beads::{Era, era};
use crate::cli::{CliError, Exit};
use crate::workspace::repo::{DRIVER, UserRepo};

const NAME: &str = "beads, merged by bead and by key";
/// What git fills in; also the mark by which our own driver is known again.
const WORDS: &str = "merge-driver %O %A %B %P";
const ATTRIBUTES: &str = ".gitattributes";

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(super) struct Installed {
    pub command: String,
    /// The line added to `.gitattributes`; `None` where the attribute was set already.
    pub attribute: Option<String>,
}

/// A driver that may be installed: everything that could refuse was asked.
pub(super) struct Plan {
    path: String,
    command: String,
    has_attribute: bool,
}

pub(super) async fn plan(repo: &UserRepo) -> Result<Plan, CliError> {
    let path = tracker_path(repo.root())?;
    let refused = |e| CliError::from_error(Exit::Refused, &e);
    if let Some(other) = repo.merge_driver().await.map_err(refused)?
        && !other.ends_with(WORDS)
    {
        return Err(CliError::refused(format!(
            "git's merge driver `{DRIVER}` is another program's: `{other}`"
        ))
        .hint("to replace it: `git config --unset merge.beads.driver`, then again"));
    }
    let attribute = repo.merge_attribute(&path).await.map_err(refused)?;
    if let Some(other) = attribute.as_deref().filter(|value| *value != DRIVER) {
        return Err(CliError::refused(format!("git's attributes give `{path}` another merge: `{other}`"))
            .hint(format!("remove that line from `{ATTRIBUTES}`, then again")));
    }
    let program = std::env::current_exe().map_err(|e| CliError::from_error(Exit::Failed, &e))?;
    let Some(program) = program.to_str() else {
        return Err(CliError::refused(
            "the path of this program is not UTF-8: git's configuration cannot hold it",
        ));
    };
    Ok(Plan { path, command: format!("{} {WORDS}", quoted(program)), has_attribute: attribute.is_some() })
}

impl Plan {
    pub(super) async fn install(self, repo: &UserRepo) -> Result<Installed, CliError> {
        let failed = |e| CliError::from_error(Exit::Failed, &e);
        // The driver first: an attribute that names no driver would make git merge by lines without a word.
        repo.set_merge_driver(NAME, &self.command).await.map_err(failed)?;
        let attribute = (!self.has_attribute).then(|| format!("{} merge={DRIVER}", self.path));
        if let Some(line) = &attribute {
            append(&repo.root().join(ATTRIBUTES), line)?;
        }
        Ok(Installed { command: self.command, attribute })
    }
}

/// Where the tracker file is, as git names it.
fn tracker_path(root: &Path) -> Result<String, CliError> {
    let era = era::detect(root).map_err(|e| CliError::from_error(Exit::Refused, &e))?;
    // A tracker that is only about to be made will be this file.
    let fresh = || root.join(".beads/issues.jsonl");
    let file = match era {
        Era::Embedded { file, .. } | Era::ClassicSqlite { file, .. } => file,
        _ => fresh(),
    };
    let inside = file.strip_prefix(root).ok().and_then(Path::to_str);
    match inside {
        Some(path) if !path.contains(char::is_whitespace) => Ok(path.to_owned()),
        _ => Err(CliError::refused(format!(
            "the tracker file `{}` is not in this repository: its merge driver belongs where it is committed",
            file.display()
        ))),
    }
}

fn append(path: &Path, line: &str) -> Result<(), CliError> {
    let failed = |e: std::io::Error| CliError::failed(format!("cannot write `{}`: {e}", path.display()));
    if path.is_symlink() {
        return Err(CliError::refused(format!(
            "`{}` is a link: add the line `{line}` by hand",
            path.display()
        )));
    }
    let mut text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(failed(error)),
    };
    if !text.is_empty() && !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    text.extend_from_slice(line.as_bytes());
    text.push(b'\n');
    std::fs::write(path, text).map_err(failed)
}

/// For the shell that git gives the command to, after git has filled in what stands behind `%`.
fn quoted(word: &str) -> String {
    let word = word.replace('%', "%%");
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.' | '+' | '@');
    if word.chars().all(plain) { word } else { format!("'{}'", word.replace('\'', r"'\''")) }
}
