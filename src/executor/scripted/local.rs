//! Runs a sandbox's real command on this machine, its mount targets replaced by host folders.
//!
//! For tests of the scripts that run in sandboxes (export, checkout, gates), without an engine. It isolates
//! nothing and must never see what an agent wrote outside a test. Start with [`run`].

use std::path::PathBuf;
use std::process::Stdio;

use bytes::Bytes;
use rustix::process::{Pid, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Child;

use super::sandbox::{Ending, Stage};
use crate::config::environment;

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What the worker image's `/etc/gitconfig` says, through the environment.
const GIT: [(&str, &str); 7] = [
    ("safe.directory", "*"),
    ("user.name", "Agent"),
    ("user.email", "agent@localhost"),
    ("init.defaultBranch", "main"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("advice.detachedHead", "false"),
];

/// Ends as the command ends; 127 when there is no such command, as in a container.
pub(super) async fn run(mut stage: Stage) -> Ending {
    let mut child = match spawn(&stage) {
        Ok(child) => Group::of(child),
        Err(error) => {
            stage.stderr(format!("{error}\n"));
            return Ending::Code(127);
        }
    };
    let (stdin, stdout, stderr) =
        (child.child.stdin.take(), child.child.stdout.take(), child.child.stderr.take());
    let mut input = stage.take_stdin();
    let ended = async {
        let status = child.child.wait().await;
        // In a container the first process takes all others with it, and with them the pipes' other ends.
        child.kill();
        status
    };
    let output = async {
        let (out, err) = (|bytes| stage.stdout(bytes), |bytes| stage.stderr(bytes));
        tokio::join!(ended, copy(stdout, out), copy(stderr, err)).0
    };
    let talk = async {
        if let Some(mut stdin) = stdin {
            while let Some(bytes) = input.recv().await {
                // A command that does not read its stdin is no error.
                if stdin.write_all(&bytes).await.is_err() {
                    break;
                }
            }
            // Closing it would tell the command something nobody said.
            std::future::pending::<()>().await;
        }
    };
    let status = tokio::select! {
        status = output => status,
        () = async { talk.await; std::future::pending().await } => return Ending::Never,
    };
    let code = status.ok().map_or(255, |status| {
        use std::os::unix::process::ExitStatusExt;
        status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
    });
    Ending::Code(i64::from(code))
}

fn spawn(stage: &Stage) -> std::io::Result<Child> {
    let spec = stage.spec();
    let argv: Vec<String> = spec.argv.iter().map(|argument| stage.translate(argument)).collect();
    let [program, arguments @ ..] = argv.as_slice() else {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "expected a command, found none"));
    };
    #[expect(clippy::disallowed_methods, reason = "the double runs the sandbox's own command for tests")]
    let mut command = tokio::process::Command::new(found(program));
    command.args(arguments).env_clear().env("PATH", PATH).env("GIT_CONFIG_COUNT", GIT.len().to_string());
    for (n, (key, value)) in GIT.iter().enumerate() {
        command.env(format!("GIT_CONFIG_KEY_{n}"), key).env(format!("GIT_CONFIG_VALUE_{n}"), value);
    }
    command.envs(spec.env.iter().map(|(key, value)| (key, stage.translate(value))));
    let workdir = stage.host(&spec.workdir);
    command.current_dir(if workdir.is_dir() { workdir } else { "/".into() });
    command.stdin(if spec.stdin { Stdio::piped() } else { Stdio::null() });
    // A group of its own, so that what the command started ends with it.
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).process_group(0);
    command.spawn()
}

/// Where it is started from: by its whole path, as everything that is started often (`environment::program`).
fn found(program: &str) -> PathBuf {
    let named = || PathBuf::from(program);
    if program.contains('/') {
        named()
    } else {
        environment::program(PATH.as_ref(), program).unwrap_or_else(named)
    }
}

/// A command and what it started; all killed when the sandbox ends, however it ends.
struct Group {
    child: Child,
    id: Option<Pid>,
}

impl Group {
    fn of(child: Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Self { child, id }
    }

    fn kill(&mut self) {
        if let Some(id) = self.id.take() {
            // Usually nobody is left.
            let _ = kill_process_group(id, rustix::process::Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn copy(from: Option<impl AsyncRead + Unpin>, mut to: impl FnMut(Bytes)) {
    let Some(mut from) = from else { return };
    let mut buffer = vec![0; 32 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        to(Bytes::copy_from_slice(&buffer[..read]));
    }
}
