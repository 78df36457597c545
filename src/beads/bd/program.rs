//! The only door to the user's `bd` program.
//!
//! Owns where it is found (PATH alone, never a path relative to the project), the closed environment it runs
//! in, and the bounds of every call: a deadline for its whole process group, a cap on output, nothing on its
//! standard input. It does not know what the calls are for. Start with [`Program::find`] and [`Program::run`].

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

use super::BdError;
use crate::config::environment;

const STDOUT_CAP: u64 = 256 << 20;
const STDERR_CAP: u64 = 256 << 10;

/// What `bd` may see of the user's environment: where things are, and how a Dolt server is reached.
const INHERITED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "TZ",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "XDG_CACHE_HOME",
    "GIT_AUTHOR_EMAIL",
];
const INHERITED_PREFIX: &str = "BEADS_DOLT_";

/// No daemon, no prompt, no pager, no telemetry, and no remote taken over by itself.
const FIXED: &[(&str, &str)] = &[
    ("BD_NON_INTERACTIVE", "1"),
    ("BD_DISABLE_METRICS", "1"),
    ("BD_NO_PAGER", "1"),
    ("BD_NO_REMOTE_ADOPT", "1"),
    ("BEADS_NO_DAEMON", "1"),
    ("BEADS_AUTO_START_DAEMON", "false"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("NO_COLOR", "1"),
    ("LC_ALL", "C.UTF-8"),
];

/// One `bd` on this machine, and the environment it gets.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    path: PathBuf,
    environment: Vec<(OsString, OsString)>,
}

/// One invocation.
#[derive(Debug, Clone)]
pub(crate) struct Call<'a> {
    /// The subcommand, for messages.
    pub(crate) name: &'a str,
    pub(crate) args: &'a [OsString],
    pub(crate) dir: &'a Path,
    /// `BEADS_DIR`; none for a question about the program itself.
    pub(crate) beads: Option<&'a Path>,
    /// Becomes both actor variables.
    pub(crate) actor: &'a str,
    pub(crate) deadline: Duration,
}

/// What `bd` gave back. Never believe the exit code alone: classic ones lie.
#[derive(Debug)]
pub(crate) struct Ran {
    /// -1 where a signal ended it.
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Program {
    /// The first executable `bd` in an absolute directory of PATH. A relative one would let a repository choose
    /// the program.
    pub(crate) fn find(inherited: &[(OsString, OsString)]) -> Option<Self> {
        let value = |name: &str| inherited.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        let path = environment::program(value("PATH")?, "bd")?;
        let environment = inherited.iter().filter(|(name, _)| may_inherit(name)).cloned().collect();
        Some(Self { path, environment })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs to the end, whatever the exit code.
    pub(crate) async fn run(&self, call: &Call<'_>) -> Result<Ran, BdError> {
        let name = call.name.to_owned();
        let mut child = self.spawn(call)?;
        let mut group = Group(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw));
        let out = child.stdout.take().expect("stdout is piped");
        let err = child.stderr.take().expect("stderr is piped");
        let pipe = |source| BdError::Pipe { command: name.clone(), source };
        let whole = async {
            let (stdout, stderr) = tokio::join!(read(out, STDOUT_CAP), read(err, STDERR_CAP));
            let (stdout, was_cut) = stdout.map_err(pipe)?;
            if was_cut {
                return Err(BdError::TooMuch { command: name.clone(), cap: STDOUT_CAP });
            }
            let (stderr, _) = stderr.map_err(pipe)?;
            let status = child.wait().await.map_err(pipe)?;
            Ok(Ran { code: status.code().unwrap_or(-1), stdout, stderr })
        };
        let ended = tokio::time::timeout(call.deadline, whole).await;
        if matches!(ended, Ok(Ok(_))) {
            group.0 = None;
        }
        ended.unwrap_or_else(|_| {
            Err(BdError::Deadline { command: call.name.to_owned(), seconds: call.deadline.as_secs() })
        })
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that starts bd")]
    fn spawn(&self, call: &Call<'_>) -> Result<Child, BdError> {
        let mut command = Command::new(&self.path);
        command.env_clear().envs(self.environment.iter().map(|(k, v)| (k, v)));
        command.envs(FIXED.iter().copied()).env("BD_ACTOR", call.actor).env("BEADS_ACTOR", call.actor);
        if let Some(beads) = call.beads {
            command.env("BEADS_DIR", beads);
        }
        command.args(call.args).current_dir(call.dir);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        // A group of its own: Ctrl-C must not tear a write apart, and a deadline must end its children too.
        command.process_group(0);
        command.spawn().map_err(|source| BdError::Start { path: self.path.clone(), source })
    }
}

/// Ends what is left of a call that was given up or dropped.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

fn may_inherit(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    INHERITED.contains(&name.as_ref()) || name.starts_with(INHERITED_PREFIX)
}

/// The text, and whether there was more. Of stdout nothing beyond the cap is read: the process then ends with its
/// group. Stderr is read to its end, for a full pipe would block a write half way.
async fn read(mut pipe: impl AsyncRead + Unpin, cap: u64) -> std::io::Result<(String, bool)> {
    let mut bytes = Vec::new();
    (&mut pipe).take(cap).read_to_end(&mut bytes).await?;
    let was_cut = bytes.len() as u64 == cap;
    if was_cut && cap == STDERR_CAP {
        tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await?;
    }
    Ok((String::from_utf8_lossy(&bytes).into_owned(), was_cut))
}

#[cfg(test)]
mod tests;
