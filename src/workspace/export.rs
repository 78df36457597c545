//! The script that takes an agent's work out of its clone, inside a container without network.
//!
//! Owns the script's text, its argument list and the folders it expects (rules 2.4): the clone read-only at
//! [`WORK`], memory at [`SCRATCH`]. What it prints is untrusted and read by `import`. It needs a POSIX shell,
//! `find`, `sed`, `tr`, `head` and git 2.31 or newer; any user id will do. Start with [`argv`].

use chrono::{DateTime, Utc};

use crate::domain::ids::Oid;

/// Where the clone is mounted, read-only.
pub const WORK: &str = "/work";

/// Where an empty folder in memory is mounted; it holds the uncommitted work's objects.
pub const SCRATCH: &str = "/export";

const SCRIPT: &str = include_str!("export/export.sh");

/// The command of an export container. `at` dates the commit of leftovers.
pub fn argv(base: &Oid, at: DateTime<Utc>) -> Vec<String> {
    argv_in(WORK, SCRATCH, base, at)
}

pub(crate) fn argv_in(work: &str, scratch: &str, base: &Oid, at: DateTime<Utc>) -> Vec<String> {
    let at = at.timestamp().max(0).to_string();
    ["sh", "-c", SCRIPT, "bead-export", work, scratch, base.as_str(), &at].map(str::to_owned).to_vec()
}
