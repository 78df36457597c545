use std::io::{Read, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::DateTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::credential::CredentialKind;
use super::*;
use crate::clock::{Manual, SystemClock};
use crate::domain::prices::list_prices;

/// How the double of the API answers every request.
#[derive(Clone)]
enum Play {
    /// These bytes, then the connection closes.
    Say(Vec<u8>),
    /// These bytes, a wait, these bytes, then the connection closes.
    Pause(Vec<u8>, Duration, Vec<u8>),
    /// These bytes, then nothing, with the connection open.
    Stall(Vec<u8>),
}

#[derive(Default)]
struct Log {
    heads: Mutex<Vec<String>>,
    now: AtomicUsize,
    most: AtomicUsize,
    /// Connections the gateway gave up before the answer was whole.
    left: AtomicUsize,
}

struct Api {
    url: String,
    log: Arc<Log>,
    _tasks: JoinSet<()>,
}

impl Api {
    async fn play(play: Play) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let log = Arc::new(Log::default());
        let mut tasks = JoinSet::new();
        let shared = log.clone();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(one(stream, play.clone(), shared.clone()));
            }
        });
        Self { url, log, _tasks: tasks }
    }

    fn heads(&self) -> Vec<String> {
        self.log.heads.lock().unwrap().clone()
    }
}

async fn one(mut stream: TcpStream, play: Play, log: Arc<Log>) {
    let Some(head) = read_request(&mut stream).await else { return };
    log.heads.lock().unwrap().push(head);
    let now = log.now.fetch_add(1, Ordering::SeqCst) + 1;
    log.most.fetch_max(now, Ordering::SeqCst);
    match play {
        Play::Say(all) => drop(stream.write_all(&all).await),
        Play::Pause(first, time, rest) => {
            stream.write_all(&first).await.unwrap();
            sleep(time).await;
            log.now.fetch_sub(1, Ordering::SeqCst);
            drop(stream.write_all(&rest).await);
            return;
        }
        Play::Stall(first) => {
            stream.write_all(&first).await.unwrap();
            let mut byte = [0];
            if matches!(stream.read(&mut byte).await, Ok(0) | Err(_)) {
                log.left.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
    log.now.fetch_sub(1, Ordering::SeqCst);
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut all = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        if let Some(end) = all.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&all[..end]).to_lowercase();
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            if all.len() >= end + 4 + length.unwrap_or(0) {
                return Some(head);
            }
        }
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => all.extend_from_slice(&chunk[..read]),
        }
    }
}

fn answer(headers: &str, body: &str) -> Play {
    let length = body.len();
    Play::Say(
        format!("HTTP/1.1 200 OK\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}")
            .into_bytes(),
    )
}

fn message() -> Play {
    let body = r#"{"model":"claude-opus-5-5","usage":{"input_tokens":100000,"output_tokens":10000}}"#;
    answer("content-type: application/json\r\n", body)
}

const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n\
event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-opus-5-5\",\"usage\":{\"input_tokens\":100000,\"output_tokens\":1}}}\n\n";
const DELTA: &str = "data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":10000}}\n\n";

struct Stage {
    _dir: tempfile::TempDir,
    gateway: Gateway,
}

struct Choice {
    url: String,
    limits: Limits,
    credential: Credential,
    clock: Arc<dyn Clock>,
}

impl Choice {
    fn of(url: &str) -> Self {
        let credential = Credential::new(CredentialKind::ApiKey, "sk-ant-canary", "test").unwrap();
        let clock = Arc::new(SystemClock::default());
        Self { url: url.to_owned(), limits: Limits::default(), credential, clock }
    }

    fn open(self) -> Stage {
        let dir = tempfile::Builder::new().prefix("bw").tempdir_in("/tmp").unwrap();
        let gateway = Gateway::open(GatewaySpec {
            dir: dir.path().join("gw"),
            owner: None,
            allowed_uids: Vec::new(),
            upstream: Upstream::parse(Some(&self.url)).unwrap(),
            credential: self.credential,
            limits: self.limits,
            prices: list_prices(),
            already_spent_usd: 0.0,
            standing: Arc::new(Standing::new(Arc::clone(&self.clock), Arc::new(crate::clock::RandomIds))),
            clock: self.clock,
        });
        Stage { _dir: dir, gateway: gateway.unwrap() }
    }
}

impl Stage {
    async fn connect(&self) -> UnixStream {
        UnixStream::connect(self.gateway.socket()).await.unwrap()
    }

    /// Sends these bytes and gives all that comes back until the end.
    async fn raw(&self, bytes: &[u8]) -> String {
        exchange(self.gateway.socket(), bytes).await
    }

    async fn post(&self, body: &str) -> String {
        self.raw(post("/v1/messages", "", body).as_bytes()).await
    }

    fn reading(&self) -> MeterReading {
        self.gateway.meter().borrow().clone()
    }

    async fn settled(&self) -> MeterReading {
        let mut meter = self.gateway.meter();
        let wait = meter.wait_for(|reading| reading.requests > 0 && reading.in_flight == 0);
        timeout(Duration::from_secs(5), wait).await.expect("the request is settled").unwrap().clone()
    }
}

async fn exchange(socket: &Path, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut all = Vec::new();
    // A broken answer ends in an error on some systems; what came before it counts.
    let _ = timeout(Duration::from_secs(10), stream.read_to_end(&mut all)).await.expect("an answer");
    String::from_utf8_lossy(&all).into_owned()
}

fn post(target: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
    )
}

const ASK: &str = r#"{"model":"claude-opus-5-5","max_tokens":9,"messages":[]}"#;

fn status(answer: &str) -> u16 {
    answer
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .unwrap_or_else(|| panic!("no answer: {answer:?}"))
}

#[tokio::test]
async fn t07_raw_requests_are_refused_and_the_upstream_sees_none() {
    let api = Api::play(message()).await;
    let stage = Choice::of(&api.url).open();
    let good = post("/v1/messages", "", ASK);
    let requests: Vec<Vec<u8>> = vec![
        b"CONNECT api.anthropic.com:443 HTTP/1.1\r\nhost: api.anthropic.com\r\n\r\n".to_vec(),
        post("http://evil.example/v1/messages", "", ASK).into_bytes(),
        post("http://localhost/v1/messages", "", ASK).into_bytes(),
        good.replace("host: localhost", "host: evil.example").into_bytes(),
        good.replace("host: localhost\r\n", "").into_bytes(),
        post("/v1/files", "", ASK).into_bytes(),
        post("/v1/messages/../files", "", ASK).into_bytes(),
        post("/v1/messages/%2e%2e/files", "", ASK).into_bytes(),
        post("//v1/messages", "", ASK).into_bytes(),
        post("/v1/messages;x=1", "", ASK).into_bytes(),
        post("/v1/messages\0", "", ASK).into_bytes(),
        post("/v1/messages", "x-a: b\0c\r\n", ASK).into_bytes(),
        post("/v1/messages", "x-a: b\rc: d\r\n", ASK).into_bytes(),
        post("/v1/messages", "x-a: b\r\n folded: c\r\n", ASK).into_bytes(),
        post("/v1/messages", "transfer-encoding: chunked\r\n", "0\r\n\r\n").into_bytes(),
        post("/v1/messages", "transfer-encoding: identity\r\n", ASK).into_bytes(),
        post("/v1/messages", "content-length: 3\r\n", ASK).into_bytes(),
        post("/v1/messages", "upgrade: h2c\r\n", ASK).into_bytes(),
        good.replace("HTTP/1.1", "HTTP/1.0").into_bytes(),
        good.replace("POST", "GET").into_bytes(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        post("/v1/messages", "", "[]").into_bytes(),
    ];
    for request in &requests {
        let text = stage.raw(request).await;
        // A connection closed without a word is a refusal too.
        assert!(
            text.is_empty() || (400..500).contains(&status(&text)),
            "{:?}\n{text}",
            String::from_utf8_lossy(request)
        );
    }
    assert_eq!(api.heads(), Vec::<String>::new());
    let refused: u64 = stage.reading().refused.values().sum();
    assert!(refused >= requests.len() as u64 - 1, "{:?}", stage.reading().refused);
    assert_eq!(status(&stage.raw(good.as_bytes()).await), 200);
    assert_eq!(api.heads().len(), 1);
    assert!(api.heads()[0].starts_with("post /v1/messages http/1.1"), "{:?}", api.heads());
}

#[tokio::test]
async fn a_refusal_reads_like_the_api_s_own_error() {
    let api = Api::play(message()).await;
    let stage = Choice::of(&api.url).open();
    let text = stage.raw(post("/v1/files", "", ASK).as_bytes()).await;
    let body: serde_json::Value = serde_json::from_str(text.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(
        (status(&text), &body["type"], &body["error"]["type"]),
        (403, &"error".into(), &"permission_error".into())
    );
}

#[tokio::test]
async fn t08_the_upstream_sees_exactly_one_credential_ours() {
    let api = Api::play(message()).await;
    let stage = Choice::of(&api.url).open();
    let theirs = "x-api-key: theirs\r\nauthorization: Bearer theirs\r\ncookie: theirs\r\nanthropic-organization-id: theirs\r\n\
        anthropic-beta: files-api-2025-04-14\r\n";
    assert_eq!(status(&stage.raw(post("/v1/messages", theirs, ASK).as_bytes()).await), 200);
    let head = &api.heads()[0];
    assert!(
        !head.contains("theirs") && !head.contains("authorization") && !head.contains("files-api"),
        "{head}"
    );
    assert_eq!(head.matches("sk-ant-canary").count(), 1);
    assert!(
        head.contains("x-api-key: sk-ant-canary") && head.contains("accept-encoding: identity"),
        "{head}"
    );
}

#[tokio::test]
async fn t09_a_feature_is_refused_before_the_upstream() {
    let api = Api::play(message()).await;
    let stage = Choice::of(&api.url).open();
    let text = stage.post(r#"{"model":"m","mcp_servers":[{"url":"https://evil.example"}]}"#).await;
    assert!(status(&text) == 403 && text.contains("mcp_servers"), "{text}");
    assert_eq!(api.heads().len(), 0);
    assert_eq!(stage.reading().refused.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn t32_a_thousand_requests_stop_at_the_cap() {
    let api = Api::play(message()).await;
    // Each answer costs 0.60 dollars.
    let limits = Limits { cost_usd: Some(6.0), concurrency: 4 };
    let stage = Choice { limits, ..Choice::of(&api.url) }.open();
    let request = post("/v1/messages", "", ASK);
    let mut clients = JoinSet::new();
    for _ in 0..20 {
        let (socket, request) = (stage.gateway.socket().to_owned(), request.clone());
        clients.spawn(async move {
            let mut statuses = Vec::new();
            for _ in 0..50 {
                statuses.push(status(&exchange(&socket, request.as_bytes()).await));
            }
            statuses
        });
    }
    let statuses: Vec<u16> = clients.join_all().await.concat();
    let passed = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 1000 - passed);
    assert!((10..=10 + 4).contains(&passed), "{passed} passed");
    assert_eq!(api.heads().len(), passed);
    let reading = stage.reading();
    assert!(reading.over_budget && reading.refused[meter::BUDGET] == 1000 - passed as u64, "{reading:?}");
    assert!(stage.post(ASK).await.to_lowercase().contains("retry-after: 3600"));
}

#[tokio::test(flavor = "multi_thread")]
async fn t32_more_than_the_concurrency_waits() {
    let body = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n";
    let api = Api::play(Play::Pause(body.into(), Duration::from_millis(40), b"{}".to_vec())).await;
    let stage =
        Choice { limits: Limits { concurrency: 3, ..Limits::default() }, ..Choice::of(&api.url) }.open();
    let mut clients = JoinSet::new();
    for _ in 0..12 {
        let socket = stage.gateway.socket().to_owned();
        clients.spawn(async move { exchange(&socket, post("/v1/messages", "", ASK).as_bytes()).await });
    }
    assert!(clients.join_all().await.iter().all(|text| status(text) == 200));
    assert_eq!(api.log.most.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn t33_usage_counts_on_the_listener_whatever_a_header_says() {
    let api = Api::play(message()).await;
    let (a, b) = (Choice::of(&api.url).open(), Choice::of(&api.url).open());
    let forged = post("/v1/messages", "x-run: b\r\nx-claude-code-session-id: b\r\n", ASK);
    assert_eq!(status(&a.raw(forged.as_bytes()).await), 200);
    assert!((a.settled().await.cost_usd - 0.6).abs() < 1e-9);
    assert_eq!((b.reading().requests, b.reading().cost_usd), (0, 0.0));
}

#[tokio::test]
async fn t36_another_user_is_not_served() {
    let api = Api::play(message()).await;
    let stage = Choice::of(&api.url).open();
    let dir = tempfile::tempdir_in("/tmp").unwrap();
    let (listening, listener) = socket::Listening::open(&dir.path().join("gw"), None).unwrap();
    let stop = CancellationToken::new();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let forward = forward::Forward {
        standing: Arc::new(Standing::new(Arc::clone(&clock), Arc::new(crate::clock::RandomIds))),
        clock,
        client: upstream::client(&Upstream::parse(Some(&api.url)).unwrap()).unwrap(),
        upstream: Upstream::parse(Some(&api.url)).unwrap(),
        credential: Credential::placeholder(CredentialKind::ApiKey),
        meter: stage.gateway.meter.clone(),
        turns: Arc::new(tokio::sync::Semaphore::new(1)),
    };
    let stranger = rustix::process::geteuid().as_raw() + 1;
    let task = tokio::spawn(serve::serve(listener, vec![stranger], Arc::new(forward), stop.clone()));
    let mut stream = UnixStream::connect(listening.path()).await.unwrap();
    let _ = stream.write_all(post("/v1/messages", "", ASK).as_bytes()).await;
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text).await;
    assert_eq!((text.as_str(), api.heads().len()), ("", 0));
    assert_eq!(stage.reading().refused["a connection of another user"], 1);
    stop.cancel();
    task.await.unwrap();
}

#[tokio::test]
async fn t36_nobody_can_list_or_reach_the_socket() {
    use std::os::unix::process::CommandExt;
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let api = Api::play(message()).await;
    let stage = Choice::of(&api.url).open();
    let dir = stage.gateway.socket().parent().unwrap();
    for path in [dir, stage.gateway.socket()] {
        let mut ls = std::process::Command::new("ls");
        let output = ls.arg("-l").arg(path).uid(65534).gid(65534).output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && complaint.contains("ermission denied"), "{complaint}");
    }
}

#[tokio::test]
async fn chunks_pass_as_they_come() {
    let api = Api::play(Play::Stall(STREAM.into())).await;
    let stage = Choice::of(&api.url).open();
    let mut stream = stage.connect().await;
    stream.write_all(post("/v1/messages", "", ASK).as_bytes()).await.unwrap();
    let mut got = String::new();
    let mut chunk = [0; 4096];
    while !got.contains("message_start\",") {
        let read =
            timeout(Duration::from_secs(5), stream.read(&mut chunk)).await.expect("no buffering").unwrap();
        got += &String::from_utf8_lossy(&chunk[..read]);
    }
    assert_eq!(stage.reading().in_flight, 1);
}

#[tokio::test]
async fn f23_a_break_is_passed_on_and_never_replayed() {
    let (head, body) = STREAM.split_once("\r\n\r\n").unwrap();
    let head = head.replace("connection: close", "transfer-encoding: chunked");
    let cut = format!("{head}\r\n\r\n{:x}\r\n{body}\r\n", body.len());
    let api = Api::play(Play::Say(cut.into_bytes())).await;
    let stage = Choice::of(&api.url).open();
    let text = stage.post(ASK).await;
    assert!(status(&text) == 200 && text.contains(body), "what came before the break arrives: {text}");
    assert!(!text.ends_with("0\r\n\r\n"), "a broken answer must not look whole: {text}");
    let reading = stage.settled().await;
    assert_eq!((api.heads().len(), reading.requests, reading.upstream_errors), (1, 1, 1));
    assert_eq!(reading.last_failure.unwrap().class, "broken");
}

#[tokio::test]
async fn f23_a_cut_stream_is_charged_for_what_was_seen() {
    let api = Api::play(Play::Say(STREAM.into())).await;
    let stage = Choice::of(&api.url).open();
    stage.post(ASK).await;
    let reading = stage.settled().await;
    assert_eq!(reading.usage["claude-opus-5-5"].input, 100_000);
    assert!((reading.cost_usd - 0.40002).abs() < 1e-9 && reading.estimated_usd > 0.0, "{reading:?}");
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_upstream_request_and_pays() {
    for (play, least) in [(Play::Stall(STREAM.into()), 0.4), (Play::Stall(Vec::new()), 0.000_01)] {
        let api = Api::play(play).await;
        let stage = Choice::of(&api.url).open();
        let mut stream = stage.connect().await;
        stream.write_all(post("/v1/messages", "", ASK).as_bytes()).await.unwrap();
        while api.heads().is_empty() {
            sleep(Duration::from_millis(5)).await;
        }
        sleep(Duration::from_millis(50)).await;
        drop(stream);
        let reading = stage.settled().await;
        assert!(reading.cost_usd >= least && reading.estimated_usd == reading.cost_usd, "{reading:?}");
        let left = async {
            while api.log.left.load(Ordering::SeqCst) == 0 {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(5), left).await.expect("the upstream request is dropped");
    }
}

#[tokio::test]
async fn f24_a_trickle_without_content_is_no_activity() {
    let clock = Arc::new(Manual::at(DateTime::UNIX_EPOCH));
    let trickle: Vec<u8> = b"event: ping\ndata: {\"type\":\"ping\"}\n\nda".to_vec();
    let api = Api::play(Play::Pause(STREAM.into(), Duration::from_millis(100), trickle)).await;
    let stage = Choice { clock: clock.clone(), ..Choice::of(&api.url) }.open();
    let mut stream = stage.connect().await;
    stream.write_all(post("/v1/messages", "", ASK).as_bytes()).await.unwrap();
    let mut chunk = [0; 8192];
    let read = stream.read(&mut chunk).await.unwrap();
    assert!(read > 0);
    clock.advance(Duration::from_secs(60));
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert!(String::from_utf8_lossy(&rest).contains("ping"));
    assert_eq!(stage.settled().await.last_activity, Duration::ZERO);
    let api = Api::play(Play::Say(format!("{STREAM}{DELTA}").into_bytes())).await;
    let stage = Choice { clock: clock.clone(), ..Choice::of(&api.url) }.open();
    clock.advance(Duration::from_secs(60));
    stage.post(ASK).await;
    assert_eq!(stage.settled().await.last_activity, Duration::from_secs(120));
}

#[tokio::test]
async fn f25_errors_and_limits_are_passed_on_and_read() {
    let body = r#"{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}"#;
    let text = format!(
        "HTTP/1.1 429 Too Many\r\nretry-after: 7\r\nanthropic-ratelimit-unified-status: rejected\r\nset-cookie: a=b\r\n\
         request-id: req_9\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let api = Api::play(Play::Say(text.into_bytes())).await;
    let stage = Choice::of(&api.url).open();
    let text = stage.post(ASK).await.to_lowercase();
    assert!(status(&text) == 429 && text.contains(body) && !text.contains("set-cookie"), "{text}");
    for header in ["retry-after: 7", "anthropic-ratelimit-unified-status: rejected", "request-id: req_9"] {
        assert!(text.contains(header), "{text}");
    }
    let reading = stage.settled().await;
    assert_eq!((reading.upstream_errors, reading.cost_usd), (1, 0.0));
    assert_eq!(reading.last_failure, Some(meter::UpstreamFailure { status: Some(429), class: "status" }));
    assert_eq!(reading.rate_limits["retry-after"], "7");
}

#[tokio::test]
async fn f22_an_upstream_that_is_not_there_is_a_502() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let stage = Choice::of(&url).open();
    let text = stage.post(ASK).await;
    assert!(status(&text) == 502 && text.contains("api_error") && !text.contains("canary"), "{text}");
    let reading = stage.settled().await;
    assert_eq!((reading.last_failure.unwrap().class, reading.cost_usd), ("connect", 0.0));
}

#[tokio::test]
async fn t07_redirects_and_unmeterable_answers_are_not_passed_on() {
    let other = Api::play(message()).await;
    let redirect = format!(
        "HTTP/1.1 307 Go\r\nlocation: {}/v1/messages\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        other.url
    );
    let zipped = answer("content-encoding: gzip\r\n", "xx");
    for play in [Play::Say(redirect.into_bytes()), zipped] {
        let api = Api::play(play).await;
        let stage = Choice::of(&api.url).open();
        assert_eq!(status(&stage.post(ASK).await), 502);
        assert_eq!((stage.settled().await.upstream_errors, other.heads().len()), (1, 0));
    }
}

#[tokio::test]
async fn a_body_above_the_cap_is_refused_unread() {
    let api = Api::play(message()).await;
    let stage = Choice::of(&api.url).open();
    let head =
        format!("POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", MAX_BODY + 1);
    assert_eq!(status(&stage.raw(head.as_bytes()).await), 413);
    assert_eq!(api.heads().len(), 0);
}

#[tokio::test]
async fn counting_tokens_passes_and_is_free() {
    let api = Api::play(message()).await;
    let stage = Choice::of(&api.url).open();
    let text = stage.raw(post("/v1/messages/count_tokens?beta=true", "", ASK).as_bytes()).await;
    assert_eq!(status(&text), 200);
    let reading = stage.settled().await;
    assert_eq!((reading.requests, reading.cost_usd), (1, 0.0));
    assert!(api.heads()[0].starts_with("post /v1/messages/count_tokens?beta=true "));
}

#[tokio::test]
async fn f28_a_dropped_gateway_is_gone_and_a_new_one_takes_its_place() {
    let api = Api::play(Play::Stall(STREAM.into())).await;
    let Stage { _dir: dir, gateway } = Choice::of(&api.url).open();
    let socket = gateway.socket().to_owned();
    let mut stream = UnixStream::connect(&socket).await.unwrap();
    stream.write_all(post("/v1/messages", "", ASK).as_bytes()).await.unwrap();
    while api.heads().is_empty() {
        sleep(Duration::from_millis(5)).await;
    }
    drop(gateway);
    let mut rest = Vec::new();
    let ended = timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok() && !socket.exists());
    assert!(UnixStream::connect(&socket).await.is_err());
    let again = Gateway::open(GatewaySpec {
        dir: dir.path().join("gw"),
        owner: None,
        allowed_uids: Vec::new(),
        upstream: Upstream::parse(Some(&Api::play(message()).await.url)).unwrap(),
        credential: Credential::placeholder(CredentialKind::ApiKey),
        limits: Limits::default(),
        prices: list_prices(),
        already_spent_usd: 0.0,
        standing: Arc::new(Standing::new(
            Arc::new(SystemClock::default()),
            Arc::new(crate::clock::RandomIds),
        )),
        clock: Arc::new(SystemClock::default()),
    });
    assert!(UnixStream::connect(again.unwrap().socket()).await.is_ok());
}

#[tokio::test]
async fn closing_settles_what_was_in_flight() {
    let api = Api::play(Play::Stall(STREAM.into())).await;
    let Stage { _dir: dir, gateway } = Choice::of(&api.url).open();
    let mut stream = UnixStream::connect(gateway.socket()).await.unwrap();
    stream.write_all(post("/v1/messages", "", ASK).as_bytes()).await.unwrap();
    let mut chunk = [0; 4096];
    assert!(stream.read(&mut chunk).await.unwrap() > 0);
    let last = gateway.close().await;
    assert_eq!((last.in_flight, last.usage["claude-opus-5-5"].input), (0, 100_000));
    assert!(!dir.path().join("gw").join(SOCKET_NAME).exists());
}

/// A self-signed certificate for `localhost` and its key, made for this test and used for nothing else.
const CERTIFICATE: &str = "MIIBlTCCATugAwIBAgIUVgPDtX9Qpi/mbjx/UB/s2d1momgwCgYIKoZIzj0EAwIwFDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTE1MTQ1N1oYDzIxMjYxMDI4MTUxNDU3WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAS/6zJXqLQZMKvIQwtwsAx1wPtwP8X3i9k0R6ZATcFJcIUzPiaEAlS2v4tu37ny4afneUXJTwdeABoGaC6ENH+eo2kwZzAdBgNVHQ4EFgQUgtNy8r3QOW3HrplDpXRjiKT+PKswHwYDVR0jBBgwFoAUgtNy8r3QOW3HrplDpXRjiKT+PKswDwYDVR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwIDSAAwRQIgIHXhT2MceE168G5sLuPa87PhC1uqwjT0jk+sweL5YegCIQCtSYTvZ+VRHwgom/+9Nz19CxkSKua95tbmpqD6zG7DJw==";
const CERTIFICATE_KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg89MtTq3BHlobjIwZ3+xsIUSgMFG1A0nzXU4xbKf2Pb2hRANCAAS/6zJXqLQZMKvIQwtwsAx1wPtwP8X3i9k0R6ZATcFJcIUzPiaEAlS2v4tu37ny4afneUXJTwdeABoGaC6ENH+e";

#[tokio::test(flavor = "multi_thread")]
async fn t58_a_wrong_certificate_is_told_apart_and_gets_no_key() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(STANDARD.decode(CERTIFICATE_KEY).unwrap()));
    let chain = vec![CertificateDer::from(STANDARD.decode(CERTIFICATE).unwrap())];
    let config =
        rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut tls = rustls::ServerConnection::new(config).unwrap();
        let mut seen = Vec::new();
        let mut both = rustls::Stream::new(&mut tls, &mut stream);
        let _ = both.read_to_end(&mut seen);
        let _ = both.flush();
        seen
    });
    let stage = Choice::of(&url).open();
    let text = stage.post(ASK).await;
    assert!(status(&text) == 502 && text.contains("certificate"), "{text}");
    assert_eq!(stage.settled().await.last_failure.unwrap().class, "tls");
    assert_eq!(server.join().unwrap(), b"", "nothing was said to a stranger");
}

#[tokio::test]
async fn f21_a_row_of_overloads_stops_the_traffic_of_every_run() {
    let overloaded = "HTTP/1.1 529 Overloaded\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let api = Api::play(Play::Say(overloaded.into())).await;
    let stage = Choice::of(&api.url).open();
    for _ in 0..4 {
        let said = stage.post(ASK).await;
        assert!(said.starts_with("HTTP/1.1 529"), "{said}");
    }
    // The pause is five seconds: the gateway holds a request that long, and sends one alone.
    let held = stage.post(ASK);
    assert!(tokio::time::timeout(Duration::from_secs(2), held).await.is_err(), "it was not held");
    assert_eq!(api.heads().len(), 4, "a request went to an upstream that is down");
}
