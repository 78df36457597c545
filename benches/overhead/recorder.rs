//! Writes down what `bead` asks of the container engine, so that the raw side can ask for the very same.
//!
//! Owns a unix socket that passes every byte on to the engine's own and keeps what the client said, with
//! times. It changes nothing on the way and is used for the first run only, which is not counted. Start with
//! [`Recorder::listen`].

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

/// One request, in the order they began.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub method: String,
    /// Path and query, without the API version.
    pub path: String,
    /// The body; for an attach everything that was sent afterwards.
    pub body: Vec<u8>,
    pub began: Duration,
    /// Until the first byte of the answer.
    pub took: Duration,
}

#[derive(Default)]
struct Connection {
    said: Vec<u8>,
    /// Offset in `said` of each piece, and when it came.
    pieces: Vec<(usize, Duration)>,
    answers: Vec<Duration>,
}

type Connections = Arc<Mutex<Vec<Arc<Mutex<Connection>>>>>;

pub(crate) struct Recorder {
    pub socket: PathBuf,
    connections: Connections,
}

impl Recorder {
    /// Listens at `socket` from now on and passes on to `engine`.
    pub(crate) fn listen(socket: PathBuf, engine: &Path) -> anyhow::Result<Self> {
        let listener = UnixListener::bind(&socket).context("cannot listen beside the engine")?;
        let connections = Connections::default();
        let (all, engine, start) = (Arc::clone(&connections), engine.to_owned(), Instant::now());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let one = Arc::new(Mutex::new(Connection::default()));
                lock(&all).push(Arc::clone(&one));
                let engine = engine.clone();
                tokio::spawn(async move { pass(client, &engine, &one, start).await });
            }
        });
        Ok(Self { socket, connections })
    }

    /// Everything asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        let mut all: Vec<Asked> =
            lock(&self.connections).iter().flat_map(|one| requests(&lock(one))).collect();
        all.sort_by_key(|asked| asked.began);
        all
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().expect("no holder of this lock panics")
}

async fn pass(client: UnixStream, engine: &Path, one: &Mutex<Connection>, start: Instant) {
    let Ok(server) = UnixStream::connect(engine).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let there = async {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
            {
                let mut one = lock(one);
                let at = one.said.len();
                one.pieces.push((at, start.elapsed()));
                one.said.extend_from_slice(&buffer[..read]);
            }
            if to_server.write_all(&buffer[..read]).await.is_err() {
                break;
            }
        }
        let _ = to_server.shutdown().await;
    };
    let back = async {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(read @ 1..) = from_server.read(&mut buffer).await {
            lock(one).answers.push(start.elapsed());
            if to_client.write_all(&buffer[..read]).await.is_err() {
                break;
            }
        }
        let _ = to_client.shutdown().await;
    };
    tokio::join!(there, back);
}

fn requests(one: &Connection) -> Vec<Asked> {
    let (mut all, mut at) = (Vec::new(), 0);
    while let Some(end) = find(&one.said[at..], b"\r\n\r\n").map(|n| at + n + 4) {
        let head = String::from_utf8_lossy(&one.said[at..end]).into_owned();
        let mut words = head.split_whitespace();
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let length = header(&head, "content-length").and_then(|n| n.parse().ok()).unwrap_or(0);
        let attached = path.contains("/attach");
        let stop = if attached { one.said.len() } else { (end + length).min(one.said.len()) };
        let began = one.pieces.iter().rev().find(|(offset, _)| *offset <= at).map_or(Duration::ZERO, |p| p.1);
        let answered = one.answers.iter().find(|time| **time >= began).copied().unwrap_or(began);
        all.push(Asked {
            method: method.to_owned(),
            path: unversioned(path).to_owned(),
            body: one.said[end..stop].to_vec(),
            began,
            took: answered.saturating_sub(began),
        });
        at = stop;
    }
    all
}

/// `/v1.41/info` is `/info`.
fn unversioned(path: &str) -> &str {
    let rest = path.strip_prefix("/v1.").and_then(|rest| rest.split_once('/'));
    rest.map_or(path, |(version, _)| &path["/v1.".len() + version.len()..])
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
