//! A container's output as bytes: live from the first one, or replayed from the engine's log.
//!
//! Live output is an attach made before the start: exact, quick, and an eager container waits for us. But a
//! reader that stops reading it keeps the engine from noticing the container's end, makes inspect hang and after
//! ten seconds truncates the log (measured, Engine 20.10). So a reader that dawdles is moved to the log.
//! It interprets no byte. Start with [`live`] and [`replay`]; [`Mend`] knows the log's flaw.

use std::time::Duration;

use bollard::container::{AttachContainerResults, LogOutput};
use bollard::query_parameters::{AttachContainerOptionsBuilder, LogsOptionsBuilder};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::io::AsyncWrite;
use tokio::sync::mpsc;

use super::{CALL, Dialect, Docker};
use crate::executor::{Chunk, Executor, ExecutorError, SandboxId, SandboxState, Seen};

/// Chunks have at most 32 KiB, so at most 2 MiB wait here.
const WAITING: usize = 64;
/// A reader that takes nothing for so long is moved from the live connection to the log.
const DAWDLE: Duration = Duration::from_secs(1);
/// How long the engine may take from the end of the output to admitting the end of the container.
const ADMIT: Duration = Duration::from_secs(2);
/// Lines longer than this are several entries of the log.
const ENTRY: usize = 16 * 1024;

pub(super) type Stdin = Box<dyn AsyncWrite + Send + Unpin>;
type Output = mpsc::Receiver<Result<Chunk, ExecutorError>>;
type Sender = mpsc::Sender<Result<Chunk, ExecutorError>>;

/// The writing half of a connection whose reading half nobody needs.
pub(super) fn keep_open(attached: AttachContainerResults) -> Stdin {
    Box::new(attached.input)
}

/// Everything the container will print. To be called before it is started.
pub(super) async fn live(docker: &Docker, id: &str, logged: bool) -> Result<Output, ExecutorError> {
    let options = AttachContainerOptionsBuilder::default().stdout(true).stderr(true).stream(true).build();
    let attached =
        docker.call("attach to the output", CALL, docker.api.attach_container(id, Some(options))).await?;
    let (sender, output) = mpsc::channel(WAITING);
    let pump = Pump { docker: docker.clone(), id: SandboxId(id.to_owned()), sender, seen: Seen::default() };
    tokio::spawn(async move {
        if logged { pump.live_then_log(attached).await } else { pump.live_only(attached).await }
    });
    Ok(output)
}

/// Everything after `seen`, from the engine's log, until the container ends.
pub(super) fn replay(docker: &Docker, id: &str, seen: Seen) -> Output {
    let (sender, output) = mpsc::channel(WAITING);
    let pump = Pump { docker: docker.clone(), id: SandboxId(id.to_owned()), sender, seen };
    tokio::spawn(pump.follow_log());
    output
}

struct Pump {
    docker: Docker,
    id: SandboxId,
    sender: Sender,
    seen: Seen,
}

/// Why the live connection was left.
enum Left {
    /// The engine closed it properly.
    Closed,
    Broken(String),
    /// The reader took nothing for a while.
    Dawdled,
    /// Nobody reads any more.
    Unwanted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// Until the container ends.
    Follow,
    /// What is there now.
    Stored,
}

/// The connection that carried the log ended badly.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Broken(String);

/// What one reading of the log met.
struct Read {
    /// The time of the first entry: another one later means that the log was cut.
    beginning: Option<Bytes>,
    /// What we had seen before and did not meet again.
    unseen: Seen,
}

impl Pump {
    async fn live_then_log(mut self, attached: AttachContainerResults) {
        match self.live(attached, Some(DAWDLE)).await {
            Left::Unwanted => {}
            // Usually the end. A container that merely closed its output has nothing more to say to the log.
            Left::Closed if self.has_ended().await => {}
            Left::Closed | Left::Broken(_) | Left::Dawdled => self.follow_log().await,
        }
    }

    async fn live_only(mut self, attached: AttachContainerResults) {
        match self.live(attached, None).await {
            Left::Unwanted | Left::Dawdled => {}
            Left::Closed => {
                // A lost engine closes the connection too, and then the rest of the output is lost with it.
                if let Err(error) = self.docker.state(&self.id).await {
                    self.fail(error).await;
                }
            }
            Left::Broken(why) => self.lost(&why).await,
        }
    }

    async fn live(&mut self, attached: AttachContainerResults, patience: Option<Duration>) -> Left {
        // Both halves are dropped on return: a connection kept open but unread would stop the container.
        let AttachContainerResults { mut output, input: _input } = attached;
        loop {
            let next = tokio::select! {
                () = self.sender.closed() => return Left::Unwanted,
                next = output.next() => next,
            };
            let chunk = match next {
                None => return Left::Closed,
                Some(Ok(LogOutput::StdOut { message })) => Chunk::Stdout(message),
                Some(Ok(LogOutput::StdErr { message })) => Chunk::Stderr(message),
                Some(Ok(_)) => return Left::Broken("half a message at the end".into()),
                Some(Err(error)) => return Left::Broken(error.to_string()),
            };
            let place = match patience {
                None => self.sender.reserve().await,
                Some(patience) => match tokio::time::timeout(patience, self.sender.reserve()).await {
                    Err(_) => return Left::Dawdled,
                    Ok(place) => place,
                },
            };
            let Ok(place) = place else { return Left::Unwanted };
            count(&mut self.seen, &chunk);
            place.send(Ok(chunk));
        }
    }

    async fn has_ended(&self) -> bool {
        let ended = async {
            loop {
                match self.docker.state(&self.id).await {
                    Ok(SandboxState::Exited(_) | SandboxState::Gone) => return,
                    _ => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        };
        tokio::time::timeout(ADMIT, ended).await.is_ok()
    }

    /// Follows the log from what was seen to the container's end, then reads it once more: an unfinished last line
    /// is written only when the following has already ended (measured, Engine 20.10).
    async fn follow_log(mut self) {
        let followed = match self.read_log(Reading::Follow).await {
            Ok(Some(read)) => read,
            Ok(None) => return,
            Err(broken) => return self.broken(broken.to_string()).await,
        };
        if !self.has_ended().await {
            return self.broken("the log ended before the container".into()).await;
        }
        let whole = match self.read_log(Reading::Stored).await {
            Ok(Some(read)) => read,
            Ok(None) => return,
            Err(broken) => return self.broken(broken.to_string()).await,
        };
        if whole.unseen != Seen::default() {
            self.lost("the engine's log is shorter than what was already stored").await;
        } else if followed.beginning.is_some() && followed.beginning != whole.beginning {
            self.lost("it printed more than the engine's log holds, and the beginning was dropped").await;
        }
    }

    /// `None`: nobody reads any more. The error is a connection's.
    async fn read_log(&mut self, reading: Reading) -> Result<Option<Read>, Broken> {
        // Podman's log is another one; its flaws are unknown here.
        let mut mend = match self.docker.dialect {
            Dialect::Docker { .. } => Some(Mend::default()),
            Dialect::Podman => None,
        };
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).tail("all");
        // With its time in front of every entry, even an empty one is seen.
        let options = options.follow(reading == Reading::Follow).timestamps(mend.is_some()).build();
        let docker = self.docker.clone();
        let mut entries = std::pin::pin!(docker.api.logs(&self.id.0, Some(options)));
        let mut read = Read { beginning: None, unseen: self.seen };
        loop {
            let next = tokio::select! {
                () = self.sender.closed() => return Ok(None),
                next = entries.next() => next,
            };
            let (entry, out) = match next {
                None => return Ok(Some(read)),
                Some(Ok(LogOutput::StdOut { message })) => (message, true),
                Some(Ok(LogOutput::StdErr { message })) => (message, false),
                Some(Ok(_)) => return Err(Broken("half a message at the end".to_owned())),
                Some(Err(error)) => return Err(Broken(super::root_cause(&error))),
            };
            let bytes = match &mut mend {
                None => entry,
                Some(mend) => {
                    let (time, text) = split_time(entry);
                    read.beginning.get_or_insert(time);
                    put_back_newline(if out { &mut mend.stdout } else { &mut mend.stderr }, text)
                }
            };
            let skip = if out { &mut read.unseen.stdout } else { &mut read.unseen.stderr };
            let Some(bytes) = after(bytes, skip) else { continue };
            let chunk = if out { Chunk::Stdout(bytes) } else { Chunk::Stderr(bytes) };
            count(&mut self.seen, &chunk);
            if self.sender.send(Ok(chunk)).await.is_err() {
                return Ok(None);
            }
        }
    }

    async fn broken(&self, why: String) {
        self.fail(ExecutorError::Unreachable { at: self.docker.ask.at.clone(), why }).await;
    }

    async fn lost(&self, why: &str) {
        self.fail(ExecutorError::OutputLost { sandbox: self.id.0.clone(), why: why.to_owned() }).await;
    }

    async fn fail(&self, error: ExecutorError) {
        // Nobody may be listening any more, and then nobody needs to know.
        let _ = self.sender.send(Err(error)).await;
    }
}

fn count(seen: &mut Seen, chunk: &Chunk) {
    match chunk {
        Chunk::Stdout(bytes) => seen.stdout += bytes.len() as u64,
        Chunk::Stderr(bytes) => seen.stderr += bytes.len() as u64,
    }
}

/// What of `bytes` comes after the first `skip`, which shrinks by what was left out.
fn after(mut bytes: Bytes, skip: &mut u64) -> Option<Bytes> {
    let over = usize::try_from(*skip).unwrap_or(usize::MAX).min(bytes.len());
    *skip -= over as u64;
    let rest = bytes.split_off(over);
    (!rest.is_empty()).then_some(rest)
}

/// Puts back the newline that the `local` log driver forgets.
///
/// The engine stores a line in entries of 16 KiB and marks the parts. Engine 20.10 prints the last part of such
/// a line without its newline, so two events of an agent would become one. A part is exactly 16 KiB long and the
/// last one always shorter, even empty, so the place is known. Output that ends inside such a line gets one
/// newline too many: the log cannot tell the difference.
#[derive(Debug, Default)]
struct Mend {
    stdout: Line,
    stderr: Line,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Line {
    #[default]
    Fresh,
    /// One or more full parts came.
    Inside,
}

fn put_back_newline(line: &mut Line, text: Bytes) -> Bytes {
    if text.last() == Some(&b'\n') {
        *line = Line::Fresh;
        return text;
    }
    if text.len() == ENTRY {
        *line = Line::Inside;
        return text;
    }
    if std::mem::replace(line, Line::Fresh) == Line::Fresh {
        return text;
    }
    let mut whole = BytesMut::from(text);
    whole.extend_from_slice(b"\n");
    whole.freeze()
}

/// An entry's time, as text, and what the container printed.
fn split_time(entry: Bytes) -> (Bytes, Bytes) {
    let end = entry.iter().position(|b| *b == b' ').unwrap_or(entry.len());
    (entry.slice(..end), entry.slice((end + 1).min(entry.len())..))
}

#[cfg(test)]
mod tests;
