//! `bead shell`: a person's shell on kept work, in a sandbox without network or credential.
//!
//! Owns the way between this terminal and that shell: keys go as they are, what comes back is shown without the
//! sequences that set titles or clipboards. What becomes of what the person leaves there is the daemon room's.
//! Start with [`run`].

mod screen;

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use clap::Args as ClapArgs;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;

use super::desk::{Desk, engine_error};
use super::signals::Signals;
use super::{CliError, Exit};
use crate::daemon::engine::Engine;
use crate::daemon::hand::shell::{LeftThere, Screen};
use crate::executor::{Attached, Chunk};
use screen::Strip;

/// After the end of our input, so often and so long apart the shell is asked to end.
const ASK: u32 = 5;
const BETWEEN: Duration = Duration::from_millis(400);

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// A run, or its bead
    #[arg(value_name = "RUN|ID")]
    run: String,
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let house = Arc::new(desk.house()?);
    let (site, bead) = super::hand::place(desk, &house, &args.run).await?;
    let machine = Arc::new(desk.machine(&house)?);
    let engine = Engine::new(house, Arc::new(site), machine);
    let (screen, by) = (screen_here(desk), desk.actor());
    // From here on something is there to be closed.
    let signals = Signals::catch()?.with_hangup()?;
    let opened = engine.open_shell(&bead, screen.as_ref(), &by).await;
    let (shell, attached) = opened.map_err(engine_error)?;
    desk.output.say(&format!(
        "a shell on the work of {} at {}; `exit` ends it, and what you leave in it is kept",
        shell.of,
        shell.tip.short()
    ));
    talk(attached, signals).await;
    let run = shell.run.clone();
    let left = engine.close_shell(shell, &by).await.map_err(engine_error)?;
    if desk.output.json {
        let tip = if let LeftThere::Work(tip) = &left { Some(tip) } else { None };
        desk.output.value(&json!({ "bead": bead, "run": run, "tip": tip }));
    }
    match left {
        LeftThere::Nothing => desk.output.say("nothing was changed"),
        LeftThere::Work(tip) => {
            let said = format!("kept as {} ({})", run.ref_name(), tip.short());
            if desk.output.json {
                desk.output.say(&said)
            } else {
                desk.output.line(&said)
            }
            desk.output
                .say(&format!("  hint: `bead retry {bead}` lets it go on to merge, gates and landing"));
        }
        LeftThere::Rejected { why, clone } => {
            return Err(CliError::failed(format!("what was left could not be taken: {why}"))
                .hint(format!("it is still there: `{}`", clone.display())));
        }
    }
    Ok(Exit::Done)
}

/// The terminal on both sides, if there is one.
fn screen_here(desk: &Desk) -> Option<Screen> {
    if !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
        return None;
    }
    let size = tcgetwinsize(std::io::stdout()).ok()?;
    let term = desk.environment.inherited.0.iter().find(|(name, _)| name == "TERM");
    let name = term.and_then(|(_, value)| value.to_str()).unwrap_or("xterm").to_owned();
    Some(Screen { rows: size.ws_row.max(1), columns: size.ws_col.max(1), name })
}

/// The terminal as it was, given back whatever happens.
struct Raw(Termios);

impl Raw {
    fn enter() -> Option<Self> {
        let before = tcgetattr(std::io::stdin()).ok()?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(std::io::stdin(), OptionalActions::Now, &raw).ok()?;
        Some(Self(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Drain, &self.0);
    }
}

/// Carries bytes both ways until the shell has ended or somebody ended us.
async fn talk(attached: Attached, mut signals: Signals) {
    let Attached { mut output, stdin } = attached;
    let (mut strip, mut raw, mut greeted) = (Strip::default(), None, Vec::new());
    let mut greeting = true;
    let (told, mode) = mpsc::channel(1);
    let typing = tokio::spawn(type_in(stdin, mode));
    let (mut out, mut err) = (tokio::io::stdout(), tokio::io::stderr());
    loop {
        let chunk = tokio::select! {
            chunk = output.recv() => chunk,
            () = signals.next() => None,
        };
        let bytes = match chunk {
            Some(Ok(Chunk::Stdout(bytes))) => bytes.to_vec(),
            Some(Ok(Chunk::Stderr(bytes))) => {
                let _ = err.write_all(&strip.pass(&bytes)).await;
                let _ = err.flush().await;
                continue;
            }
            _ => break,
        };
        let mut shown = bytes;
        if greeting {
            greeted.extend_from_slice(&shown);
            let Some(end) = greeted.iter().position(|b| *b == b'\n') else { continue };
            greeting = false;
            let pty = greeted.starts_with(b"pty");
            raw = if pty { Raw::enter() } else { None };
            let _ = told.send(pty).await;
            shown = greeted.split_off(end + 1);
        }
        let _ = out.write_all(&strip.pass(&shown)).await;
        let _ = out.flush().await;
    }
    typing.abort();
    drop(raw);
}

/// What is typed, once it is known what it is typed into. The end of the input ends the shell.
async fn type_in(stdin: Option<Box<dyn AsyncWrite + Send + Unpin>>, mut mode: mpsc::Receiver<bool>) {
    let (Some(mut shell), Some(pty)) = (stdin, mode.recv().await) else { return };
    let mut keys = tokio::io::stdin();
    let mut buffer = [0_u8; 4096];
    while let Ok(count) = keys.read(&mut buffer).await {
        if count == 0 {
            break;
        }
        if shell.write_all(&buffer[..count]).await.is_err() || shell.flush().await.is_err() {
            return;
        }
    }
    // Half-closing would tell the shell nothing (measured for the agent's program).
    let end: &[u8] = if pty { b"\x04" } else { b"\nexit\n" };
    for _ in 0..ASK {
        let _ = shell.write_all(end).await;
        let _ = shell.flush().await;
        tokio::time::sleep(BETWEEN).await;
    }
}
