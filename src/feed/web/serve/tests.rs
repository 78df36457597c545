//! Time is the test's own: it runs ahead whenever everybody only waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::body::{Body, Bytes};
use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

use super::*;
use crate::feed::web::extract::Json;

/// Says so when it is dropped.
struct Ends(Arc<AtomicBool>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// What a house tells of itself: whether its flood was given up, and how often its stream beat.
type Told = (Arc<AtomicBool>, Arc<AtomicUsize>);

/// A house with a flood without end, a stream that beats, an answer that takes an hour, and a write.
fn house() -> (Router, Told) {
    let (over, beats) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (ends, counted) = (Arc::clone(&over), Arc::clone(&beats));
    let flood = move || {
        let ends = Ends(Arc::clone(&ends));
        let chunks = futures_util::stream::repeat_with(move || {
            let _held = &ends;
            Ok::<_, std::convert::Infallible>(Bytes::from_static(&[b'x'; 4096]))
        });
        async move { Body::from_stream(chunks) }
    };
    let stream = move || {
        let beats = futures_util::stream::unfold(Arc::clone(&counted), |beats| async move {
            sleep(Duration::from_secs(15)).await;
            beats.fetch_add(1, Ordering::SeqCst);
            Some((Ok::<_, std::convert::Infallible>(Bytes::from_static(b":\n\n")), beats))
        });
        async move { Body::from_stream(beats) }
    };
    let slow = || async {
        sleep(Duration::from_secs(3600)).await;
        "done"
    };
    let routes = Router::new()
        .route("/flood", get(flood))
        .route("/stream", get(stream))
        .route("/slow", get(slow))
        .route("/write", post(|Json(_): Json<serde_json::Value>| async { "written" }));
    (routes, (over, beats))
}

/// A connection that begins with these bytes. Its wire is in memory, so that time never runs ahead of what is on it.
async fn ask(routes: &Router, peers: Peers, head: &str) -> DuplexStream {
    let (mut ours, theirs) = duplex(16 << 10);
    tokio::spawn(connection(theirs, routes.clone(), peers, CancellationToken::new()));
    ours.write_all(head.as_bytes()).await.unwrap();
    ours
}

fn request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")
}

/// Reads to the end, and how long that took.
async fn end(mut stream: DuplexStream) -> (Vec<u8>, Duration) {
    let (begin, mut all) = (Instant::now(), Vec::new());
    let _ = stream.read_to_end(&mut all).await;
    (all, begin.elapsed())
}

async fn given_up(over: &AtomicBool) -> Duration {
    let begin = Instant::now();
    while !over.load(Ordering::SeqCst) {
        assert!(begin.elapsed() < STALL * 2, "its answer is still held");
        sleep(Duration::from_secs(1)).await;
    }
    begin.elapsed()
}

#[tokio::test(start_paused = true)]
async fn f45_a_client_that_never_reads_loses_its_connection() {
    let (routes, (over, _)) = house();
    let _deaf = ask(&routes, Peers::Any, &request("/flood")).await;
    assert!(given_up(&over).await >= STALL);
    // And so over TCP, where the kernel takes some of it.
    let (routes, (over, _)) = house();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let listener = listener.tap_io(|stream| short_queue(stream));
    tokio::spawn(serve(listener, routes, Peers::Any, CancellationToken::new()));
    let mut deaf = TcpStream::connect(address).await.unwrap();
    deaf.write_all(request("/flood").as_bytes()).await.unwrap();
    given_up(&over).await;
}

#[tokio::test(start_paused = true)]
async fn f45_a_client_that_reads_a_little_now_and_then_keeps_it() {
    let (routes, (over, _)) = house();
    let mut slow = ask(&routes, Peers::Any, &request("/flood")).await;
    let mut piece = [0; 64];
    for _ in 0..100 {
        sleep(STALL - Duration::from_secs(1)).await;
        slow.read_exact(&mut piece).await.unwrap();
    }
    assert!(!over.load(Ordering::SeqCst));
}

/// The kernel tells of room only when a third of its queue is gone.
#[tokio::test]
async fn f45_some_kilobytes_make_room_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut slow = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (full, _) = listener.accept().await.unwrap();
    short_queue(&full);
    let mut still = 0;
    while still < 5 {
        match full.try_write(&[b'x'; 64 << 10]) {
            Ok(_) => still = 0,
            Err(_) => {
                still += 1;
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
    // Whatever the reader's own side holds goes first; then as much as our queue.
    let room = async {
        let mut piece = vec![0; 16 << 10];
        let mut taken = 0;
        while full.try_write(b"x").is_err() {
            taken += slow.read(&mut piece).await.unwrap();
            sleep(Duration::from_millis(20)).await;
        }
        taken
    };
    let taken = tokio::time::timeout(Duration::from_secs(60), room).await.expect("there is room again");
    assert!(taken <= 512 << 10, "only after {taken} bytes");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_nothing_is_not_waited_for() {
    let (routes, _) = house();
    for head in ["", "GET /slow HT", "GET /slow HTTP/1.1\r\nhost: x\r\nx-more: "] {
        let (_, took) = end(ask(&routes, Peers::Any, head).await).await;
        assert!(took <= HEAD + Duration::from_secs(2), "{head:?}: {took:?}");
    }
    // Between two requests, too.
    let (told, took) = end(ask(&routes, Peers::Any, &request("/nothing")).await).await;
    assert!(told.starts_with(b"HTTP/1.1 404") && took <= HEAD + Duration::from_secs(2), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let (routes, _) = house();
    let head =
        "POST /write HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";
    let (told, took) = end(ask(&routes, Peers::Any, head).await).await;
    assert!(told.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&told));
    assert!(took <= HEAD * 2 + Duration::from_secs(5), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn long_answers_and_quiet_streams_are_left_alone() {
    let (routes, (_, beats)) = house();
    let mut long = ask(&routes, Peers::Any, &request("/slow")).await;
    let stream = ask(&routes, Peers::Any, &request("/stream")).await;
    let mut told = vec![0; 512];
    let read = long.read(&mut told).await.unwrap();
    assert!(String::from_utf8_lossy(&told[..read]).ends_with("done"), "an hour is not too long");
    assert!(beats.load(Ordering::SeqCst) > 200, "the stream beats on: {}", beats.load(Ordering::SeqCst));
    drop(stream);
}

#[tokio::test(start_paused = true)]
async fn the_user_s_own_processes_may_take_their_time() {
    let (routes, (over, _)) = house();
    let _deaf = ask(&routes, Peers::Own, &request("/flood")).await;
    let mut idle = ask(&routes, Peers::Own, "").await;
    sleep(HEAD * 5).await;
    assert!(!over.load(Ordering::SeqCst));
    idle.write_all(request("/nothing").as_bytes()).await.unwrap();
    let mut told = vec![0; 512];
    let read = idle.read(&mut told).await.unwrap();
    assert!(told[..read].starts_with(b"HTTP/1.1 404"));
}
