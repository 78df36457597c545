//! The readers: plain connections that note when each event came.
//!
//! Owns a process of its own, so that the measured server shares nothing with it but the machine. It parses no more than the
//! time that stands in each event. Start with [`run`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const STREAM: &str = "/api/projects/repo/work/t-1/stream";
const MARK: &[u8] = b"\"text\":\"t=";
/// Digits of a time in nanoseconds, for the next 250 years.
const DIGITS: usize = 19;

async fn connect(url: &str, token: &str) -> anyhow::Result<TcpStream> {
    let host = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).await?;
    let ask = format!("GET {STREAM} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\r\n");
    stream.write_all(ask.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.windows(4).any(|w| w == b"\r\n\r\n") {
        let mut byte = [0; 1];
        stream.read_exact(&mut byte).await?;
        head.push(byte[0]);
    }
    anyhow::ensure!(head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head));
    Ok(stream)
}

/// Connects all, says so, reads until each has all events, and prints how long they took.
pub(crate) fn run(url: &str, token: &str, readers: usize, events: u64) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        let bytes = Arc::new(AtomicU64::new(0));
        for _ in 0..readers {
            let stream = connect(url, token).await.context("connecting")?;
            tasks.spawn(read(stream, events, Arc::clone(&bytes)));
        }
        println!("{readers} connected");
        let mut all = Vec::with_capacity(readers * usize::try_from(events)?);
        while let Some(one) = tasks.join_next().await {
            all.extend(one??);
        }
        all.sort_unstable();
        let at = |share: f64| all[((all.len() - 1) as f64 * share) as usize] as f64 / 1e3;
        println!(
            "{} deliveries, every reader got every event; append to read: p50 {:.1} ms, p90 {:.1}, p99 {:.1}, p99.9 {:.1}, most {:.1}; {:.0} MB",
            all.len(),
            at(0.5),
            at(0.9),
            at(0.99),
            at(0.999),
            at(1.0),
            bytes.load(Ordering::Relaxed) as f64 / 1e6
        );
        Ok(())
    })
}

/// The microseconds that each event took.
async fn read(mut stream: TcpStream, events: u64, total: Arc<AtomicU64>) -> anyhow::Result<Vec<u32>> {
    let mut took = Vec::with_capacity(usize::try_from(events)?);
    let (mut rest, mut chunk): (Vec<u8>, Vec<u8>) = (Vec::new(), vec![0; 64 << 10]);
    while (took.len() as u64) < events {
        let count = stream.read(&mut chunk).await?;
        anyhow::ensure!(count > 0, "the stream ended after {} events", took.len());
        total.fetch_add(count as u64, Ordering::Relaxed);
        let now = super::now();
        rest.extend_from_slice(&chunk[..count]);
        let mut from = 0;
        while let Some(at) = rest[from..].windows(MARK.len()).position(|w| w == MARK) {
            let begin = from + at + MARK.len();
            let Some(digits) = rest.get(begin..begin + DIGITS) else { break };
            let sent: u64 = std::str::from_utf8(digits)?.parse()?;
            took.push(u32::try_from(now.saturating_sub(sent) / 1000).unwrap_or(u32::MAX));
            from = begin + DIGITS;
        }
        let keep = rest.len().saturating_sub(MARK.len() + DIGITS).max(from);
        rest.drain(..keep);
    }
    Ok(took)
}

/// Reads until the last words.
pub(crate) async fn drain(url: String, token: String) -> anyhow::Result<()> {
    let mut stream = connect(&url, &token).await?;
    let (mut chunk, mut rest) = (vec![0; 256 << 10], Vec::new());
    loop {
        let count = stream.read(&mut chunk).await?;
        anyhow::ensure!(count > 0, "the stream ended too early");
        rest.extend_from_slice(&chunk[..count]);
        if memchr::memmem::find(&rest, b"\"text\":\"the end\"").is_some() {
            return Ok(());
        }
        anyhow::ensure!(
            memchr::memmem::find(&rest, b"event: resync").is_none(),
            "the reader lay too far behind"
        );
        let keep = rest.len().saturating_sub(64);
        rest.drain(..keep);
    }
}
