//! A container engine that is not there, and one that can be taken away.
//!
//! Owns [`Engine`], which answers what a daemon asks at its start and runs nothing, and [`Proxy`], a socket in
//! front of a real engine that can be silent or gone. Start with [`Engine::new`].

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Passes everything on, or answers as an engine without containers.
pub const UP: u8 = 0;
/// Connections are taken and never answered.
pub const SILENT: u8 = 1;
/// Connections break and none is taken.
pub const GONE: u8 = 2;

/// Answers `/version`, `/info` and lists as an engine that has nothing.
pub struct Engine {
    pub path: PathBuf,
    mode: Arc<AtomicU8>,
}

impl Engine {
    pub fn new(dir: &Path) -> Self {
        let path = dir.join("engine.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let mode = Arc::new(AtomicU8::new(UP));
        let seen = Arc::clone(&mode);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mode = Arc::clone(&seen);
                std::thread::spawn(move || answer(stream, &mode));
            }
        });
        Self { path, mode }
    }

    pub fn set(&self, mode: u8) {
        self.mode.store(mode, Ordering::SeqCst);
    }

    pub fn host(&self) -> String {
        format!("unix://{}", self.path.display())
    }
}

fn answer(stream: UnixStream, mode: &AtomicU8) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let (mut line, mut length) = (String::new(), 0);
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        loop {
            let mut header = String::new();
            if reader.read_line(&mut header).unwrap_or(0) == 0 || header.trim().is_empty() {
                break;
            }
            if let Some(value) = header.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let _ = std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink());
        while mode.load(Ordering::SeqCst) == SILENT {
            std::thread::sleep(Duration::from_millis(20));
        }
        if mode.load(Ordering::SeqCst) == GONE {
            return;
        }
        let asked = line.split(' ').nth(1).unwrap_or_default();
        let (status, body) = if asked.contains("/version") {
            (200, r#"{"Version":"20.10.24","ApiVersion":"1.41","MinAPIVersion":"1.12","Os":"linux"}"#)
        } else if asked.contains("/info") {
            (200, "{}")
        } else if asked.contains("/containers/json") || asked.contains("/images/json") {
            (200, "[]")
        } else {
            (404, r#"{"message":"no such thing"}"#)
        };
        let text = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\napi-version: 1.41\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        if stream.write_all(text.as_bytes()).is_err() {
            return;
        }
    }
}

/// In front of the machine's own engine.
pub struct Proxy {
    pub path: PathBuf,
    mode: Arc<AtomicU8>,
    open: Arc<Mutex<Vec<UnixStream>>>,
}

impl Proxy {
    pub fn new(dir: &Path) -> Self {
        let path = dir.join("proxy.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let (mode, open) = (Arc::new(AtomicU8::new(UP)), Arc::new(Mutex::new(Vec::new())));
        let proxy = Self { path, mode: Arc::clone(&mode), open: Arc::clone(&open) };
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                match mode.load(Ordering::SeqCst) {
                    GONE => continue,
                    SILENT => open.lock().unwrap().push(near),
                    _ => pass(near, &open, &mode),
                }
            }
        });
        proxy
    }

    pub fn host(&self) -> String {
        format!("unix://{}", self.path.display())
    }

    /// [`GONE`] breaks what is open; [`SILENT`] leaves it and answers nothing new; back at [`UP`], those who wait
    /// for an answer that never comes are cut off.
    pub fn set(&self, mode: u8) {
        let before = self.mode.swap(mode, Ordering::SeqCst);
        let mut open = self.open.lock().unwrap();
        if mode == GONE {
            open.drain(..).for_each(|stream| drop(stream.shutdown(std::net::Shutdown::Both)));
        } else if before == SILENT {
            open.clear();
        }
    }
}

fn pass(near: UnixStream, open: &Mutex<Vec<UnixStream>>, mode: &Arc<AtomicU8>) {
    let host = std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".into());
    let Ok(far) = UnixStream::connect(host.trim_start_matches("unix://")) else { return };
    open.lock().unwrap().extend([near.try_clone().unwrap(), far.try_clone().unwrap()]);
    let (near_too, far_too) = (near.try_clone().unwrap(), far.try_clone().unwrap());
    let (one, other) = (Arc::clone(mode), Arc::clone(mode));
    std::thread::spawn(move || copy(near, far, &one));
    std::thread::spawn(move || copy(far_too, near_too, &other));
}

fn copy(mut from: UnixStream, mut to: UnixStream, mode: &AtomicU8) {
    let mut buffer = [0; 16 << 10];
    while let Ok(count) = from.read(&mut buffer) {
        while mode.load(Ordering::SeqCst) == SILENT {
            std::thread::sleep(Duration::from_millis(20));
        }
        if count == 0 || to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Write);
}

/// One request to a control socket, as any HTTP client of the same user could send it; gives status and body.
pub fn ask(socket: &Path, method: &str, path: &str) -> std::io::Result<(u16, String)> {
    send(socket, method, path, if method == "POST" { "{}" } else { "" })
}

/// The same with a body of one's own; gates and reviewers may take their time to answer.
pub fn send(socket: &Path, method: &str, path: &str, body: &str) -> std::io::Result<(u16, String)> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(if body.len() > 2 { 120 } else { 30 })))?;
    let kind = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
    let head = format!("{method} {path} HTTP/1.1\r\nhost: daemon\r\nconnection: close\r\n{kind}");
    stream.write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes())?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let status = text.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or_default();
    let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
    Ok((status, body))
}

/// Asks how things stand all through this time, and never waits for the engine: its own calls are given up after thirty
/// seconds, so an answer within five has waited for none, on however busy a machine.
#[track_caller]
pub fn answers_all_through(socket: &Path, time: Duration) {
    let begin = std::time::Instant::now();
    while begin.elapsed() < time {
        let asked = std::time::Instant::now();
        assert_eq!(ask(socket, "GET", "/api/status").unwrap().0, 200);
        let took = asked.elapsed();
        assert!(took < Duration::from_secs(5), "an answer took {took:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
