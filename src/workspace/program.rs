//! The only door to the host's `git` program.
//!
//! Owns which verbs of git this house may use (a closed list without `reset`, `stash`, `clean`, `checkout`),
//! the two environments it runs in, and the bounds of every call: a deadline, a cap on output, arguments
//! that cannot become options (T52). It does not know what the calls are for. Start with [`Git`] and [`Call`].

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use crate::config::environment;

mod session;
mod verb;

pub(crate) use session::{Fingerprint, Session};
pub(crate) use verb::Verb;

/// Whose rules git runs by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Profile {
    /// Our own repositories: no configuration but the repository's, and no environment but what git needs.
    Quarantine,
    /// The user's repository: the user's configuration, less everything that starts programs by itself.
    User,
}

/// What `-c` gives to every call in the user's repository (rules 2.7, 3.3).
const USER_CONFIG: &[&str] = &[
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "submodule.recurse=false",
    "maintenance.auto=false",
    "gc.auto=0",
    "core.fsync=committed",
];

/// The commit-graph is a cache that could lie about parents; landing reads what the commits say.
const QUARANTINE_CONFIG: &[&str] = &[
    "core.hooksPath=/dev/null",
    "core.fsync=committed",
    "gc.auto=0",
    "maintenance.auto=false",
    "core.commitGraph=false",
];

/// The host's git, with the environment it may see.
#[derive(Debug, Clone)]
pub struct Git {
    /// None where PATH has none.
    program: Option<PathBuf>,
    environment: Arc<[(OsString, OsString)]>,
}

/// A call of git that gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("cannot start `git` in `{}` (is git installed and on PATH?)", dir.display())]
    Start {
        dir: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("`git {verb}` in `{}` took longer than {limit:?} and was stopped", dir.display())]
    Deadline { verb: &'static str, dir: PathBuf, limit: Duration },
    #[error("`git {verb}` in `{}` printed more than {cap} bytes", dir.display())]
    TooMuch { verb: &'static str, dir: PathBuf, cap: u64 },
    #[error("`git {verb}` in `{}` ended with {code}: {stderr}", dir.display())]
    Failed { verb: &'static str, dir: PathBuf, code: i32, stderr: String },
    #[error("`git {verb}` answered `{found}`, expected {expected}")]
    Answer { verb: &'static str, expected: &'static str, found: String },
    #[error("lost touch with `git {verb}`")]
    Pipe {
        verb: &'static str,
        #[source]
        source: std::io::Error,
    },
}

impl GitError {
    /// What git said, where it said something.
    pub fn stderr(&self) -> &str {
        if let Self::Failed { stderr, .. } = self { stderr } else { "" }
    }
}

impl Git {
    /// `variables` is the environment of this process, read once by the caller. Every `GIT_*` variable is
    /// dropped: one left over from a hook would point our calls at another repository.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        use std::os::unix::ffi::OsStrExt;
        let kept = variables.into_iter().filter(|(name, _)| !name.as_bytes().starts_with(b"GIT_"));
        let environment: Arc<[(OsString, OsString)]> = kept.collect();
        let path = environment.iter().find(|(name, _)| name == "PATH");
        let program = path.and_then(|(_, path)| environment::program(path, "git"));
        Self { program, environment }
    }

    /// What `git version` says: `2.43.0`.
    pub async fn version(&self, dir: &Path) -> Result<String, GitError> {
        let line = self.strict(dir, Verb::Version).ok().await?.line();
        Ok(line.split_whitespace().nth(2).unwrap_or(&line).to_owned())
    }

    /// A call on one of our own bare repositories.
    pub(crate) fn ours<'g>(&'g self, git_dir: &Path, verb: Verb) -> Call<'g> {
        let mut call = Call::new(self, Profile::Quarantine, git_dir, verb);
        call.env.push(("GIT_DIR".into(), git_dir.into()));
        call
    }

    /// A call by our rules in a directory that is not a repository of ours (clone, first look).
    pub(crate) fn strict<'g>(&'g self, dir: &Path, verb: Verb) -> Call<'g> {
        Call::new(self, Profile::Quarantine, dir, verb)
    }

    /// A call in a work tree (or git directory) of the user.
    pub(crate) fn users<'g>(&'g self, dir: &Path, verb: Verb) -> Call<'g> {
        Call::new(self, Profile::User, dir, verb)
    }
}

/// What git reads on its standard input.
enum Input<'a> {
    Nothing,
    Bytes(Vec<u8>),
    Stream(&'a mut (dyn AsyncRead + Unpin + Send)),
}

/// One invocation, made ready and then run once.
pub(crate) struct Call<'g> {
    git: &'g Git,
    profile: Profile,
    verb: Verb,
    dir: PathBuf,
    config: Vec<OsString>,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    input: Input<'g>,
    deadline: Duration,
    cap: u64,
    noting: Option<Note<'g>>,
}

/// Told who a git is as soon as it runs.
type Note<'g> = Box<dyn FnOnce(Fingerprint) + Send + 'g>;

/// What git gave back.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl<'g> Call<'g> {
    fn new(git: &'g Git, profile: Profile, dir: &Path, verb: Verb) -> Self {
        Self {
            git,
            profile,
            verb,
            dir: dir.to_owned(),
            config: Vec::new(),
            args: Vec::new(),
            env: Vec::new(),
            input: Input::Nothing,
            deadline: Duration::from_secs(60),
            cap: 64 << 20,
            noting: None,
        }
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    pub(crate) fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    pub(crate) fn config(mut self, pair: &str) -> Self {
        self.config.push(pair.into());
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.into(), value.as_ref().to_owned()));
        self
    }

    pub(crate) fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = Input::Bytes(bytes.into());
        self
    }

    pub(crate) fn stream(mut self, reader: &'g mut (dyn AsyncRead + Unpin + Send)) -> Self {
        self.input = Input::Stream(reader);
        self
    }

    pub(crate) fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = limit;
        self
    }

    /// Has the running git noted, so that a later process can tell whether it still lives.
    pub(crate) fn noting(mut self, note: impl FnOnce(Fingerprint) + Send + 'g) -> Self {
        self.noting = Some(Box::new(note));
        self
    }

    /// Runs to the end, whatever the exit code; a killed git has code -1.
    pub(crate) async fn run(mut self) -> Result<Output, GitError> {
        let (name, cap, limit) = (self.name(), self.cap, self.deadline);
        let dir = self.dir.clone();
        let input = std::mem::replace(&mut self.input, Input::Nothing);
        let mut child = self.spawn(!matches!(input, Input::Nothing))?;
        let pipe = |source| GitError::Pipe { verb: name, source };
        if let (Some(note), Some(who)) = (self.noting.take(), child.id().and_then(Fingerprint::of)) {
            note(who);
        }
        let stdin = child.stdin.take();
        let out = child.stdout.take().expect("stdout is piped");
        let err = child.stderr.take().expect("stderr is piped");
        let whole = async {
            // The three pipes move together: waiting for one alone could block git on another.
            let (_, stdout, stderr) = tokio::join!(feed(stdin, input), read_all(out, cap), read_tail(err));
            let stdout = match stdout {
                Ok(Some(bytes)) => bytes,
                Ok(None) => return Err(GitError::TooMuch { verb: name, dir: dir.clone(), cap }),
                Err(source) => return Err(pipe(source)),
            };
            let status = child.wait().await.map_err(pipe)?;
            let stderr = stderr.map_err(pipe)?;
            Ok(Output { code: status.code().unwrap_or(-1), stdout, stderr })
        };
        let ended = tokio::time::timeout(limit, whole).await;
        if !matches!(ended, Ok(Ok(_))) {
            stop(&mut child).await;
        }
        ended.unwrap_or_else(|_| Err(GitError::Deadline { verb: name, dir: self.dir.clone(), limit }))
    }

    /// Runs to the end and takes only exit code 0.
    pub(crate) async fn ok(self) -> Result<Output, GitError> {
        let (verb, dir) = (self.name(), self.dir.clone());
        let output = self.run().await?;
        if output.code == 0 { Ok(output) } else { Err(output.failed(verb, dir)) }
    }

    /// Exit 0 is yes, exit 1 is no, anything else is an error.
    pub(crate) async fn yes(self) -> Result<bool, GitError> {
        let (verb, dir) = (self.name(), self.dir.clone());
        let output = self.run().await?;
        match output.code {
            0 => Ok(true),
            1 => Ok(false),
            _ => Err(output.failed(verb, dir)),
        }
    }

    /// Starts git for a talk over its standard input.
    pub(crate) fn session(self) -> Result<Session, GitError> {
        let (name, dir, deadline) = (self.name(), self.dir.clone(), self.deadline);
        Ok(Session::new(self.spawn(true)?, name, dir, deadline))
    }

    fn name(&self) -> &'static str {
        self.verb.words()[0]
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that starts git")]
    fn spawn(&self, with_stdin: bool) -> Result<Child, GitError> {
        let start = |source| GitError::Start { dir: self.dir.clone(), source };
        let program = self.git.program.as_ref().ok_or_else(|| start(std::io::ErrorKind::NotFound.into()))?;
        let mut command = Command::new(program);
        command.env_clear().current_dir(&self.dir);
        let fixed = match self.profile {
            Profile::User => {
                command.envs(self.git.environment.iter().map(|(k, v)| (k, v)));
                command.env("GIT_OPTIONAL_LOCKS", "0");
                USER_CONFIG
            }
            Profile::Quarantine => {
                // git accepts the owner of a sudo session as the repository's owner; both must agree here.
                let wanted = |name: &OsStr| name == "PATH" || name == "SUDO_UID";
                command.envs(self.git.environment.iter().filter(|(k, _)| wanted(k)).map(|(k, v)| (k, v)));
                command.env("HOME", "/nonexistent").env("GIT_CONFIG_NOSYSTEM", "1");
                command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_ATTR_NOSYSTEM", "1");
                QUARANTINE_CONFIG
            }
        };
        command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C").env("GIT_NO_REPLACE_OBJECTS", "1");
        command.env("GIT_LITERAL_PATHSPECS", "1").env("GIT_NO_LAZY_FETCH", "1");
        for pair in fixed {
            command.arg("-c").arg(pair);
        }
        for pair in &self.config {
            command.arg("-c").arg(pair);
        }
        command.args(self.verb.words()).args(&self.args);
        command.envs(self.env.iter().map(|(k, v)| (k, v)));
        command.stdin(if with_stdin { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        // A group of its own: Ctrl-C on the terminal must not tear a landing apart.
        command.process_group(0);
        command.spawn().map_err(start)
    }
}

impl Output {
    /// The one line git printed, without its end.
    pub(crate) fn line(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end_matches('\n').to_owned()
    }

    /// What stands between NUL bytes.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &[u8]> {
        self.stdout.split(|b| *b == 0).filter(|f| !f.is_empty())
    }

    pub(crate) fn failed(self, verb: &'static str, dir: PathBuf) -> GitError {
        GitError::Failed { verb, dir, code: self.code, stderr: self.stderr.trim_end().to_owned() }
    }
}

async fn feed(stdin: Option<tokio::process::ChildStdin>, input: Input<'_>) {
    let Some(mut stdin) = stdin else { return };
    // A git that has read enough closes the pipe; its exit code tells whether that was an error.
    let _ = match input {
        Input::Nothing => Ok(()),
        Input::Bytes(bytes) => stdin.write_all(&bytes).await,
        Input::Stream(reader) => tokio::io::copy(reader, &mut stdin).await.map(|_| ()),
    };
}

async fn read_all(pipe: impl AsyncRead + Unpin, cap: u64) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let read = pipe.take(cap + 1).read_to_end(&mut bytes).await?;
    Ok((read as u64 <= cap).then_some(bytes))
}

/// The last 4 KiB, which is where git says why.
async fn read_tail(mut pipe: impl AsyncRead + Unpin) -> std::io::Result<String> {
    const KEEP: usize = 4096;
    let (mut tail, mut chunk) = (Vec::new(), [0_u8; KEEP]);
    loop {
        let read = pipe.read(&mut chunk).await?;
        if read == 0 {
            return Ok(String::from_utf8_lossy(&tail).into_owned());
        }
        tail.extend_from_slice(&chunk[..read]);
        let excess = tail.len().saturating_sub(KEEP);
        tail.drain(..excess);
    }
}

/// Ends git and what it started: they share a process group.
async fn stop(child: &mut Child) {
    if let Some(pid) =
        child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw)
    {
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
    let _ = child.wait().await;
}

#[cfg(test)]
mod tests;
