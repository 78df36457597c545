//! One scripted sandbox: what it printed, what it is told, and how it ended.
//!
//! Owns the replayable output, the stdin that survives its writers, and the race of script, signal and time
//! limit. Which scripts there are is the world's. Start with [`Stage`], what a script sees.

use std::collections::HashMap;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncWrite;
use tokio::sync::{mpsc, watch};

use super::{LOCK, Script, away};
use crate::executor::spec::{Mount, SandboxSpec};
use crate::executor::{Attached, Chunk, ExecutorError, Exit, Seen, Signal};

/// How a script says that it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Code(i64),
    /// The engine reports memory beside this code: 137, or what a parent said whose child died.
    OutOfMemory(i64),
    /// It hangs until a signal or the time limit comes.
    Never,
}

/// What a script sees of its sandbox.
pub struct Stage {
    sandbox: Arc<Sandbox>,
    stdin: mpsc::UnboundedReceiver<Bytes>,
    unread: BytesMut,
}

impl Stage {
    pub fn spec(&self) -> &SandboxSpec {
        &self.sandbox.spec
    }

    /// Where a path of the sandbox lies on this machine. A path outside all mounts is returned as it is.
    pub fn host(&self, path: &str) -> PathBuf {
        PathBuf::from(self.sandbox.folders.translate(path))
    }

    pub(super) fn translate(&self, text: &str) -> String {
        self.sandbox.folders.translate(text)
    }

    pub fn stdout(&self, bytes: impl Into<Bytes>) {
        self.sandbox.print(Chunk::Stdout(bytes.into()));
    }

    pub fn stderr(&self, bytes: impl Into<Bytes>) {
        self.sandbox.print(Chunk::Stderr(bytes.into()));
    }

    /// Prints one piece after the other with a pause before each.
    pub async fn say_slowly(&self, pieces: &[&str], pause: Duration) {
        for piece in pieces {
            tokio::time::sleep(pause).await;
            self.stdout(piece.to_string());
        }
    }

    /// The next bytes of stdin. Never ends: stdin stays open across writers.
    pub async fn read(&mut self) -> Bytes {
        if !self.unread.is_empty() {
            return self.unread.split().freeze();
        }
        match self.stdin.recv().await {
            Some(bytes) => bytes,
            None => std::future::pending().await,
        }
    }

    /// The next line of stdin, without its newline.
    pub async fn read_line(&mut self) -> String {
        loop {
            if let Some(end) = self.unread.iter().position(|b| *b == b'\n') {
                let line = self.unread.split_to(end + 1);
                return String::from_utf8_lossy(&line[..end]).into_owned();
            }
            let mut unread = std::mem::take(&mut self.unread);
            unread.extend_from_slice(&self.read().await);
            self.unread = unread;
        }
    }

    /// Stdin itself, for whoever passes it on while the stage prints.
    pub(super) fn take_stdin(&mut self) -> mpsc::UnboundedReceiver<Bytes> {
        std::mem::replace(&mut self.stdin, mpsc::unbounded_channel().1)
    }

    /// From now on TERM does nothing.
    pub fn ignore_term(&self) {
        self.sandbox.ignores_term.store(true, Ordering::SeqCst);
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    chunks: usize,
    exit: Option<Exit>,
    removed: bool,
}

pub(super) struct Sandbox {
    pub(super) spec: SandboxSpec,
    folders: Folders,
    printed: Mutex<Vec<Chunk>>,
    progress: watch::Sender<Progress>,
    signals: watch::Sender<Option<Signal>>,
    stdin: mpsc::UnboundedSender<Bytes>,
    /// Until the script takes it.
    stdin_end: Mutex<Option<mpsc::UnboundedReceiver<Bytes>>>,
    ignores_term: AtomicBool,
    never_ends: AtomicBool,
}

impl Sandbox {
    pub(super) fn new(
        spec: &SandboxSpec,
        volumes: Option<&HashMap<String, Arc<tempfile::TempDir>>>,
    ) -> Result<Self, ExecutorError> {
        let (stdin, stdin_end) = mpsc::unbounded_channel();
        Ok(Self {
            spec: spec.clone(),
            folders: Folders::of(spec, volumes)?,
            printed: Mutex::default(),
            progress: watch::Sender::default(),
            signals: watch::Sender::default(),
            stdin,
            stdin_end: Mutex::new(Some(stdin_end)),
            ignores_term: AtomicBool::new(false),
            never_ends: AtomicBool::new(false),
        })
    }

    pub(super) fn never_ends(&self) {
        self.never_ends.store(true, Ordering::SeqCst);
    }

    pub(super) fn uses_volume(&self, wanted: &str) -> bool {
        self.spec.mounts.iter().any(|mount| matches!(mount, Mount::Volume { name, .. } if name == wanted))
    }

    fn print(&self, chunk: Chunk) {
        self.printed.lock().expect(LOCK).push(chunk);
        self.progress.send_modify(|progress| progress.chunks += 1);
    }

    pub(super) fn end(&self, exit: Exit) {
        if !self.never_ends.load(Ordering::SeqCst) {
            self.progress.send_modify(|progress| progress.exit = progress.exit.or(Some(exit)));
        }
    }

    pub(super) fn exit(&self) -> Option<Exit> {
        self.progress.borrow().exit
    }

    /// `None`: it was removed before it ended.
    pub(super) async fn ended(&self) -> Option<Exit> {
        let mut progress = self.progress.subscribe();
        let done = progress.wait_for(|progress| progress.exit.is_some() || progress.removed).await;
        done.ok().and_then(|progress| progress.exit)
    }

    pub(super) fn signal(&self, signal: Signal) {
        if signal == Signal::Kill || !self.ignores_term.load(Ordering::SeqCst) {
            self.signals.send_replace(Some(signal));
        }
    }

    pub(super) fn remove(&self) {
        self.signals.send_replace(Some(Signal::Kill));
        self.progress.send_modify(|progress| progress.removed = true);
    }

    /// Runs the script to its end, to a signal or to the time limit.
    pub(super) fn play(self: &Arc<Self>, script: Script) {
        let Some(stdin) = self.stdin_end.lock().expect(LOCK).take() else { return };
        let sandbox = Arc::clone(self);
        let stage = Stage { sandbox: Arc::clone(self), stdin, unread: BytesMut::new() };
        tokio::spawn(async move {
            let mut signals = sandbox.signals.subscribe();
            let played = async {
                match script(stage).await {
                    Ending::Code(code) => Exit { code, out_of_memory: false },
                    Ending::OutOfMemory(code) => Exit { code, out_of_memory: true },
                    Ending::Never => std::future::pending().await,
                }
            };
            let killed = async {
                let signal = signals.wait_for(Option::is_some).await.ok().and_then(|signal| *signal);
                let code = if signal == Some(Signal::Term) { 143 } else { 137 };
                Exit { code, out_of_memory: false }
            };
            let exit = tokio::select! {
                // In a fixed order, so that a simulated night can be played again.
                biased;
                exit = played => exit,
                exit = killed => exit,
                () = tokio::time::sleep(sandbox.spec.time_limit) => Exit { code: 124, out_of_memory: false },
            };
            sandbox.end(exit);
        });
    }

    /// A connection: what was printed after `seen`, then what is printed. It breaks after `cut` bytes.
    pub(super) fn attached(
        self: &Arc<Self>,
        seen: Seen,
        cut: Option<u64>,
        engine_away: watch::Receiver<bool>,
    ) -> Attached {
        let (sender, output) = mpsc::channel(64);
        tokio::spawn(follow(Arc::clone(self), seen, cut, engine_away, sender));
        let stdin: Option<Box<dyn AsyncWrite + Send + Unpin>> =
            if self.spec.stdin { Some(Box::new(StdinWriter(self.stdin.clone()))) } else { None };
        Attached { output, stdin }
    }
}

async fn follow(
    sandbox: Arc<Sandbox>,
    mut skip: Seen,
    cut: Option<u64>,
    mut engine_away: watch::Receiver<bool>,
    sender: mpsc::Sender<Result<Chunk, ExecutorError>>,
) {
    let mut progress = sandbox.progress.subscribe();
    let (mut next, mut left) = (0, cut.unwrap_or(u64::MAX));
    loop {
        let now = *progress.borrow_and_update();
        let fresh = sandbox.printed.lock().expect(LOCK)[next..].to_vec();
        next += fresh.len();
        for chunk in fresh {
            let Some(chunk) = after(chunk, &mut skip) else { continue };
            let (chunk, whole) = cut_short(chunk, &mut left);
            if sender.send(Ok(chunk)).await.is_err() {
                return;
            }
            if !whole {
                let why = "the connection broke, as scripted".to_owned();
                let _ = sender.send(Err(ExecutorError::Unreachable { at: "scripted".into(), why })).await;
                return;
            }
        }
        if (now.exit.is_some() || now.removed) && now.chunks <= next {
            return;
        }
        tokio::select! {
            biased;
            changed = progress.changed() => if changed.is_err() { return },
            () = async { drop(engine_away.wait_for(|away| *away).await) } => {
                let _ = sender.send(Err(away())).await;
                return;
            }
            () = sender.closed() => return,
        }
    }
}

fn after(chunk: Chunk, skip: &mut Seen) -> Option<Chunk> {
    let cut = |bytes: &Bytes, left: &mut u64| {
        let over = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
        *left -= over as u64;
        (over < bytes.len()).then(|| bytes.slice(over..))
    };
    match chunk {
        Chunk::Stdout(bytes) => cut(&bytes, &mut skip.stdout).map(Chunk::Stdout),
        Chunk::Stderr(bytes) => cut(&bytes, &mut skip.stderr).map(Chunk::Stderr),
    }
}

/// At most `left` bytes of a chunk, and whether that was all of it.
fn cut_short(chunk: Chunk, left: &mut u64) -> (Chunk, bool) {
    let keep = usize::try_from(*left).unwrap_or(usize::MAX).min(chunk.bytes().len());
    let whole = keep == chunk.bytes().len();
    *left -= keep as u64;
    let chunk = match chunk {
        Chunk::Stdout(bytes) => Chunk::Stdout(bytes.slice(..keep)),
        Chunk::Stderr(bytes) => Chunk::Stderr(bytes.slice(..keep)),
    };
    (chunk, whole)
}

/// Dropping it leaves stdin open.
struct StdinWriter(mpsc::UnboundedSender<Bytes>);

impl AsyncWrite for StdinWriter {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let sent = self.0.send(Bytes::copy_from_slice(bytes));
        Poll::Ready(sent.map(|()| bytes.len()).map_err(|_| std::io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Where the mounts lie on this machine, deepest target first.
struct Folders {
    places: Vec<(String, String)>,
    _kept: Vec<Arc<tempfile::TempDir>>,
}

impl Folders {
    fn of(
        spec: &SandboxSpec,
        volumes: Option<&HashMap<String, Arc<tempfile::TempDir>>>,
    ) -> Result<Self, ExecutorError> {
        let (mut places, mut kept) = (Vec::new(), Vec::new());
        for mount in &spec.mounts {
            let (target, path) = match mount {
                Mount::Bind { source, target, .. } => {
                    if !source.is_dir() {
                        let why = format!("`{}`: it is not a directory", source.display());
                        return Err(ExecutorError::UnsafeMount(why));
                    }
                    (target, source.clone())
                }
                Mount::Tmpfs { .. } | Mount::Volume { .. } if volumes.is_none() => continue,
                Mount::Tmpfs { target, .. } => {
                    let folder = folder()?;
                    kept.push(Arc::clone(&folder));
                    (target, folder.path().to_owned())
                }
                Mount::Volume { name, target, .. } => {
                    let volume = volumes.and_then(|all| all.get(name).cloned());
                    let folder = volume.ok_or_else(|| ExecutorError::Refused {
                        what: "start the sandbox".into(),
                        why: format!("volume `{name}` is not there"),
                    })?;
                    kept.push(Arc::clone(&folder));
                    (target, folder.path().to_owned())
                }
            };
            places.push((target.clone(), path.to_string_lossy().into_owned()));
        }
        places.sort_by_key(|(target, _)| std::cmp::Reverse(target.len()));
        Ok(Self { places, _kept: kept })
    }

    /// Every mention of a target as a path or the beginning of one. One pass: a host path may itself contain
    /// a target (`/tmp`).
    fn translate(&self, text: &str) -> String {
        let in_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        let (mut out, mut rest) = (String::new(), text);
        while let Some(first) = rest.chars().next() {
            let begins = !out.ends_with(|c| in_name(c) || c == '/');
            let fits =
                |target: &String| rest.strip_prefix(target.as_str()).is_some_and(|r| !r.starts_with(in_name));
            match self.places.iter().find(|(target, _)| begins && fits(target)) {
                Some((target, place)) => {
                    out.push_str(place);
                    rest = &rest[target.len()..];
                }
                None => {
                    out.push(first);
                    rest = &rest[first.len_utf8()..];
                }
            }
        }
        out
    }
}

pub(super) fn folder() -> Result<Arc<tempfile::TempDir>, ExecutorError> {
    tempfile::tempdir().map(Arc::new).map_err(|error| ExecutorError::Refused {
        what: "make a folder in memory".into(),
        why: error.to_string(),
    })
}
