//! A talk with one running git: a line to it, a line from it.
//!
//! Owns `update-ref --stdin` transactions that stay prepared while other work is done, and the fingerprint
//! by which a later process knows whether that git still lives. Start with [`Session`].

use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout};

use super::GitError;

/// A running git that waits for its next line.
pub(crate) struct Session {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    verb: &'static str,
    dir: PathBuf,
    deadline: Duration,
}

impl Session {
    pub(super) fn new(mut child: Child, verb: &'static str, dir: PathBuf, deadline: Duration) -> Self {
        let stdin = child.stdin.take().expect("stdin is piped");
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        Self { child, stdin, stdout, verb, dir, deadline }
    }

    pub(crate) fn fingerprint(&self) -> Option<Fingerprint> {
        Fingerprint::of(self.child.id()?)
    }

    /// Says `words` and expects the answer `expected` on one line.
    pub(crate) async fn ask(&mut self, words: &[u8], expected: &'static str) -> Result<(), GitError> {
        let (verb, deadline, dir) = (self.verb, self.deadline, self.dir.clone());
        let talk = async {
            let pipe = |source| GitError::Pipe { verb, source };
            // A git that died closes the pipe: what it said before dying tells more than the broken pipe.
            let sent = self.stdin.write_all(words).await;
            let mut line = String::new();
            (&mut self.stdout).take(4096).read_line(&mut line).await.map_err(pipe)?;
            if sent.is_ok() && line.trim_end() == expected {
                return Ok(());
            }
            if !line.is_empty() {
                return Err(GitError::Answer { verb, expected, found: line.trim_end().to_owned() });
            }
            let mut stderr = String::new();
            if let Some(err) = self.child.stderr.take() {
                err.take(4096).read_to_string(&mut stderr).await.map_err(pipe)?;
            }
            let code = self.child.wait().await.map_err(pipe)?.code().unwrap_or(-1);
            Err(GitError::Failed { verb, dir: self.dir.clone(), code, stderr: stderr.trim_end().to_owned() })
        };
        tokio::time::timeout(deadline, talk).await.unwrap_or(Err(GitError::Deadline {
            verb,
            dir,
            limit: deadline,
        }))
    }

    /// Says nothing more: git ends, and rolls back what it has not committed.
    pub(crate) async fn end(mut self) {
        drop(self.stdin);
        let _ = tokio::time::timeout(self.deadline, self.child.wait()).await;
    }
}

/// One process, told apart from a later one that got the same number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    pub(crate) pid: u32,
    /// Clock ticks after boot at which it started.
    pub(crate) started: u64,
    pub(crate) boot: String,
}

impl Fingerprint {
    /// Of a living process; `None` when there is none (any more).
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The command name may hold spaces and brackets: fields count from the last bracket.
        let rest = stat.get(stat.rfind(')')? + 2..)?;
        let fields: Vec<&str> = rest.split(' ').collect();
        // A zombie holds nothing any more.
        if matches!(fields.first(), Some(&("Z" | "X"))) {
            return None;
        }
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(Self { pid, started: fields.get(19)?.parse().ok()?, boot: boot.trim().to_owned() })
    }

    pub(crate) fn is_alive(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }

    /// One line, `<pid> <started> <boot id>`.
    pub(crate) fn to_line(&self) -> String {
        format!("{} {} {}\n", self.pid, self.started, self.boot)
    }

    pub(crate) fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let (pid, started) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some(Self { pid, started, boot: words.next()?.to_owned() })
    }
}
