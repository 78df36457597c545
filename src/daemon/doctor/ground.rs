//! What everything stands on: git, the state directory, the journal and its backups, the user's config.
//!
//! Owns checks that need neither engine nor project. It opens no journal. Start with [`state`].

use std::os::unix::fs::MetadataExt as _;

use chrono::{DateTime, TimeDelta, Utc};

use super::Check;
use crate::config::environment::Environment;
use crate::config::places::Places;
use crate::config::user::User;
use crate::journal::peek::{Peek, last_backup, peek};
use crate::journal::{FORMAT, JournalError};
use crate::workspace::program::Git;

/// `merge-tree --write-tree` came with it.
const LEAST_GIT: (u32, u32) = (2, 38);
/// A backup is made each day that the journal is opened.
const OLD_BACKUP: TimeDelta = TimeDelta::days(3);

pub(super) async fn git(environment: &Environment) -> Check {
    let git = Git::new(environment.inherited.0.iter().cloned());
    let version = match git.version(std::path::Path::new("/")).await {
        Ok(version) => version,
        Err(error) => return Check::bad("git", error.to_string(), "install git 2.38 or newer"),
    };
    let mut parts = version.split('.').map(str::parse::<u32>);
    let mut next = || parts.next().and_then(Result::ok).unwrap_or(0);
    if (next(), next()) < LEAST_GIT {
        let says = format!("version {version} cannot merge without a work tree");
        return Check::bad("git", says, "install git 2.38 or newer");
    }
    Check::good("git", format!("version {version}"))
}

pub(super) fn state(places: &Places, uid: u32) -> Check {
    let path = places.state();
    let shown = path.display();
    let Ok(found) = std::fs::metadata(path) else {
        return Check::good("state", format!("`{shown}` is not there yet; the first command makes it"));
    };
    if !found.is_dir() {
        return Check::bad("state", format!("`{shown}` is not a folder"), "set BEAD_STATE_DIR to another");
    }
    if found.uid() != uid {
        let says = format!("`{shown}` belongs to user {}", found.uid());
        return Check::bad("state", says, "give it back to yourself, or set BEAD_STATE_DIR to another");
    }
    let parts = std::fs::read_dir(path).into_iter().flatten().flatten();
    let folders = parts.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|e| e.path());
    let loose = std::iter::once(path.to_owned()).chain(folders).find(|path| {
        // The quarantine's projects are read by gates as another user; the folder above keeps strangers out.
        std::fs::metadata(path).is_ok_and(|found| found.mode() & 0o077 != 0)
    });
    match loose {
        Some(loose) => {
            let todo = format!("chmod 700 '{}'", loose.display());
            Check::bad("state", format!("others may look into `{}`", loose.display()), &todo)
        }
        None => Check::good("state", format!("`{shown}` is yours alone")),
    }
}

/// The journal and its backups, and what a look at it told.
pub(super) fn journal(places: &Places, now: DateTime<Utc>) -> (Vec<Check>, Option<Peek>) {
    let path = places.journal();
    let seen = match peek(&path) {
        Ok(Some(seen)) => seen,
        Ok(None) => {
            let gone = last_backup(&path);
            let check = match gone {
                None => Check::good("journal", "there is none yet"),
                Some(_) => damaged("the file is gone, but it has been here before", places),
            };
            return (vec![check], None);
        }
        Err(error) => return (vec![damaged(&why(&error), places)], None),
    };
    if seen.verdict != "ok" {
        return (vec![damaged(&seen.verdict, places)], None);
    }
    if seen.format > FORMAT {
        let says = format!("it has format {}, this program knows {FORMAT}", seen.format);
        return (vec![Check::bad("journal", says, "use the newer program")], None);
    }
    let older = if seen.format < FORMAT { ", which the next command brings up to date" } else { "" };
    let told = format!("{} events, format {}{older}", seen.events, seen.format);
    let backup = match last_backup(&path) {
        Some((_, made)) if now - made < OLD_BACKUP => {
            Check::good("backup", format!("the last one is of {}", made.format("%Y-%m-%d %H:%M UTC")))
        }
        Some((_, made)) => {
            let says = format!("the last one is of {}", made.format("%Y-%m-%d"));
            Check::mind("backup", says, "`bead gc` makes one; a running daemon makes one a day")
        }
        None => Check::mind("backup", "there is none", "`bead gc` makes one"),
    };
    (vec![Check::good("journal", told), backup], Some(seen))
}

fn damaged(what: &str, places: &Places) -> Check {
    let path = places.journal();
    let todo = match last_backup(&path) {
        Some((good, _)) => format!(
            "to go back to the newest good backup: {}",
            crate::journal::backup::restore_command(&path, &good)
        ),
        None => "there is no good backup; move the file away to begin anew, refs/bead/* keep all work".into(),
    };
    Check::bad("journal", format!("`{}` is damaged: {what}", path.display()), &todo)
}

/// The cause without the path, which is told anyway.
fn why(error: &JournalError) -> String {
    match error {
        JournalError::Database { source, .. } => source.to_string(),
        other => other.to_string(),
    }
}

pub(super) fn config(places: &Places) -> Check {
    let path = places.config_file();
    match User::read(&path) {
        Ok(_) if path.exists() => Check::good("config", format!("`{}` is fine", path.display())),
        Ok(_) => Check::good("config", format!("`{}` is not there: built-in limits", path.display())),
        Err(error) => Check::bad("config", error.to_string(), "correct it, or move the file away"),
    }
}
