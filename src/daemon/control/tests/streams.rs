//! F45 over real connections: readers that stall, are many, break off in the middle, come back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::world::World;
use crate::daemon::control::Said;

const SOON: Duration = Duration::from_secs(60);

/// What a reader has, by what it is: numbers of events, words of agents.
#[derive(Debug, Default, PartialEq)]
struct Heard {
    events: Vec<u64>,
    words: Vec<String>,
    last: Option<String>,
    over: bool,
    resyncs: usize,
}

impl Heard {
    /// Takes whole frames out of the buffer; what is cut off stays, as in a browser, where it is thrown away.
    fn take(&mut self, buffer: &mut Vec<u8>) {
        while let Some(end) = buffer.windows(2).position(|w| w == b"\n\n") {
            let frame: Vec<u8> = buffer.drain(..end + 2).collect();
            let frame = String::from_utf8(frame).unwrap();
            let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
            let Some(data) = field("data: ") else { continue };
            let data: Value = serde_json::from_str(data).unwrap();
            match field("event: ").unwrap() {
                "event" => self.events.push(data["seq"].as_u64().unwrap()),
                "agent" if data["kind"] == "text" => self.words.push(data["text"].as_str().unwrap().into()),
                "result" => self.over = true,
                "resync" => self.resyncs += 1,
                _ => {}
            }
            self.last = field("id: ").map(str::to_owned);
        }
    }
}

fn client() -> reqwest::Client {
    crate::gateway::upstream::install_tls();
    reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap()
}

/// Reads a stream to its end, breaking off every so many bytes and coming back with the last id.
async fn reader(
    world: (String, String),
    path: &'static str,
    every: Option<usize>,
    end: Arc<AtomicU64>,
) -> Heard {
    let (url, token) = world;
    let (http, mut heard) = (client(), Heard::default());
    let done = |heard: &Heard| heard.events.last() == Some(&end.load(Ordering::SeqCst));
    while !done(&heard) {
        let mut ask = http.get(format!("{url}{path}")).bearer_auth(&token);
        if let Some(last) = &heard.last {
            ask = ask.header("last-event-id", last);
        }
        let answer = ask.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let (mut stream, mut buffer, mut bytes) = (answer.bytes_stream(), Vec::new(), 0);
        while !done(&heard) {
            let chunk = match tokio::time::timeout(Duration::from_millis(200), stream.next()).await {
                Err(_) => continue,
                Ok(None | Some(Err(_))) => break,
                Ok(Some(Ok(chunk))) => chunk,
            };
            bytes += chunk.len();
            // Somewhere inside a frame, mostly.
            let cut = every.filter(|every| bytes > *every).map_or(chunk.len(), |_| chunk.len() / 2);
            buffer.extend_from_slice(&chunk[..cut]);
            heard.take(&mut buffer);
            if cut < chunk.len() {
                break;
            }
        }
    }
    heard
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f45_two_hundred_readers_that_come_and_go_and_one_that_stalls_miss_nothing() {
    let world = World::open().await;
    let run = world.run();
    run.start(&world.house, &world.site, &world.bead);
    let end = Arc::new(AtomicU64::new(0));
    let at = (world.url.clone(), world.token.clone());
    // One that takes nothing at all, ever.
    let mut stalled = tokio::net::TcpStream::connect(at.0.trim_start_matches("http://")).await.unwrap();
    let head = format!(
        "GET /api/projects/repo/work/t-1/stream?since=0 HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\r\n",
        at.0.trim_start_matches("http://"),
        at.1
    );
    stalled.write_all(head.as_bytes()).await.unwrap();
    let mut readers = tokio::task::JoinSet::new();
    for n in 0..200_usize {
        let path =
            if n % 4 == 3 { "/api/events?since=0" } else { "/api/projects/repo/work/t-1/stream?since=0" };
        let every = (n % 2 == 0).then_some(20_000 + 97 * n);
        let reader = reader(at.clone(), path, every, Arc::clone(&end));
        readers.spawn(async move { (path, reader.await) });
    }
    let mut words = Vec::new();
    for n in 0..400 {
        let text = format!("word {n}");
        run.say(&[&text, &format!("{text} again")]);
        words.extend([text.clone(), format!("{text} again")]);
        world.news(Said::Line);
        if n % 4 == 0 {
            world.notice(&text);
            world.news(Said::Event);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    run.end(&world.house, &world.site, &world.bead);
    world.news(Said::Event);
    let last = world.house.journal.last_seq().unwrap();
    end.store(last, Ordering::SeqCst);
    let all = tokio::time::timeout(SOON, readers.join_all()).await.expect("all readers have all of it");
    for (path, heard) in all {
        assert_eq!(heard.events, (1..=last).collect::<Vec<_>>(), "{path}");
        assert_eq!(
            heard.words,
            if path.starts_with("/api/events") { vec![] } else { words.clone() },
            "{path}"
        );
    }
    drop(stalled);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f45_a_reader_that_lies_too_far_behind_is_told_where_to_come_back() {
    let world = World::open().await;
    let run = world.run();
    run.start(&world.house, &world.site, &world.bead);
    let host = world.url.trim_start_matches("http://").to_owned();
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(8 << 10).unwrap();
    let mut slow = socket.connect(host.parse().unwrap()).await.unwrap();
    let path = "/api/projects/repo/work/t-1/stream";
    let head =
        format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {}\r\n\r\n", world.token);
    slow.write_all(head.as_bytes()).await.unwrap();
    let mut byte = [0; 1];
    slow.read_exact(&mut byte).await.unwrap();
    let padding = "x".repeat(20_000);
    // More than the sockets and the batches hold, and done long before its connection counts as stalled.
    let total = 900;
    for n in 0..total {
        run.say(&[&format!("{n} {padding}")]);
        world.news(Said::Line);
        if n % 10 == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    // Now it reads: what is still on the way, then where to go on, then the end of the stream.
    let mut rest = Vec::new();
    tokio::time::timeout(SOON, async {
        let mut chunk = vec![0; 64 << 10];
        loop {
            match slow.read(&mut chunk).await {
                Ok(0) | Err(_) => break,
                Ok(count) => rest.extend_from_slice(&chunk[..count]),
            }
            if rest.ends_with(b"0\r\n\r\n") {
                break;
            }
        }
    })
    .await
    .expect("its stream ends");
    let start = rest.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    let mut heard = Heard::default();
    heard.take(&mut unchunked(&rest[start..]));
    assert_eq!(heard.resyncs, 1, "told once");
    let first = heard.words.len();
    assert!(first < total, "it missed something: {first}");
    // It comes back with that id, and gets the rest.
    let ask = client().get(format!("{}{path}", world.url)).bearer_auth(&world.token);
    let answer = ask.header("last-event-id", heard.last.clone().unwrap()).send().await.unwrap();
    let (mut stream, mut buffer) = (answer.bytes_stream(), Vec::new());
    while heard.words.len() < total {
        let chunk = tokio::time::timeout(SOON, stream.next()).await.unwrap().unwrap().unwrap();
        buffer.extend_from_slice(&chunk);
        heard.take(&mut buffer);
    }
    let numbers: Vec<usize> =
        heard.words.iter().map(|w| w.split(' ').next().unwrap().parse().unwrap()).collect();
    let distinct: BTreeSet<usize> = numbers.iter().copied().collect();
    assert_eq!(distinct.len(), total);
    assert_eq!(numbers, (numbers[0]..numbers[0] + total).collect::<Vec<_>>(), "each once, in order");
}

/// The bytes of a chunked body.
fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(end) = bytes.windows(2).position(|w| w == b"\r\n") {
        let size = usize::from_str_radix(&String::from_utf8_lossy(&bytes[..end]), 16).unwrap();
        if size == 0 || bytes.len() < end + 2 + size {
            break;
        }
        out.extend_from_slice(&bytes[end + 2..end + 2 + size]);
        bytes = &bytes[end + 4 + size..];
    }
    out
}

#[tokio::test]
async fn t37_nothing_but_the_masked_log_reaches_a_stream_and_a_logout_ends_it() {
    let world = World::open().await;
    let run = world.run();
    run.start(&world.house, &world.site, &world.bead);
    run.say(&["the key is ****"]);
    let path = "/api/projects/repo/work/t-1/stream?since=0";
    let answer = client().get(format!("{}{path}", world.url)).bearer_auth(&world.token).send().await.unwrap();
    let (mut stream, mut buffer, mut heard) = (answer.bytes_stream(), Vec::new(), Heard::default());
    while heard.words.is_empty() {
        buffer.extend_from_slice(&stream.next().await.unwrap().unwrap());
        heard.take(&mut buffer);
    }
    assert_eq!(heard.words, ["the key is ****"]);
    let rotate = client().post(format!("{}/api/token", world.url)).bearer_auth(&world.token);
    let answer = rotate.header("content-type", "application/json").body("{}").send().await.unwrap();
    assert_eq!(answer.status(), 204);
    let end = tokio::time::timeout(SOON, async { while stream.next().await.is_some_and(|c| c.is_ok()) {} });
    end.await.expect("whoever was logged out hears no more");
}
