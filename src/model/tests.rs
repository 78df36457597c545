use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::*;
use crate::clock::SystemClock;

fn spec(script: &str) -> ModelServerSpec {
    let clock = Arc::new(SystemClock::default());
    ModelServerSpec {
        script: Script::parse(script).unwrap(),
        bind: (Ipv4Addr::LOCALHOST, 0).into(),
        record: None,
        clock,
    }
}

async fn serve(turns: &str) -> ModelServer {
    ModelServer::start(spec(&format!("conversations: [{{match: hi, turns: [{turns}]}}]"))).await.unwrap()
}

async fn raw(server: &ModelServer, request: String) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut all = Vec::new();
    let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut all)).await.expect("an answer");
    String::from_utf8_lossy(&all).into_owned()
}

async fn ask(server: &ModelServer, session: &str, body: &Value) -> String {
    let body = body.to_string();
    let head = format!(
        "x-claude-code-session-id: {session}\r\nx-api-key: secret\r\nconnection: close\r\ncontent-length: {}",
        body.len()
    );
    raw(server, format!("POST /v1/messages?beta=true HTTP/1.1\r\nhost: localhost\r\n{head}\r\n\r\n{body}"))
        .await
}

fn hi(stream: bool) -> Value {
    json!({"model": "m", "stream": stream, "messages": [{"role": "user", "content": "hi"}]})
}

fn status(text: &str) -> &str {
    text.split(' ').nth(1).unwrap_or("none")
}

#[tokio::test]
async fn failures_are_counted_for_each_session() {
    let server = serve("{text: Done., fail: {status: 529, times: 2}}").await;
    for session in ["a", "b"] {
        let mut statuses = Vec::new();
        for _ in 0..3 {
            statuses.push(status(&ask(&server, session, &hi(true)).await).to_owned());
        }
        assert_eq!(statuses, ["529", "529", "200"]);
    }
}

#[tokio::test]
async fn after_the_script_there_is_nothing_left() {
    let server = serve("{text: Done.}").await;
    let mut body = hi(false);
    body["messages"].as_array_mut().unwrap().push(json!({"role": "assistant", "content": "Done."}));
    assert!(ask(&server, "a", &body).await.contains("I have nothing left to do."));
    body["messages"] = json!([{"role": "user", "content": "unknown"}]);
    assert!(ask(&server, "a", &body).await.contains("I have nothing left to do."));
}

#[tokio::test]
async fn requests_are_remembered_without_their_secrets() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let record = Some(file.path().to_owned());
    let server =
        ModelServer::start(ModelServerSpec { record, ..spec("conversations: [{turns: [{text: x}]}]") })
            .await
            .unwrap();
    ask(&server, "a", &hi(true)).await;
    let seen = &server.requests()[0];
    assert_eq!(
        (seen.target.as_str(), seen.place, seen.status),
        ("/v1/messages?beta=true", Some((0, 0)), 200)
    );
    assert_eq!(seen.header("x-api-key"), Some(SeenRequest::digest("secret").as_str()));
    let text = std::fs::read_to_string(file.path()).unwrap();
    assert!(
        text.lines().count() == 1 && !text.contains("\"secret\"") && text.contains("/v1/messages"),
        "{text}"
    );
}

#[tokio::test]
async fn other_endpoints_are_absent_and_counting_works() {
    let server = serve("{text: x}").await;
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    assert_eq!(status(&raw(&server, get("/api/claude_code/settings")).await), "404");
    assert_eq!(status(&raw(&server, get("/v1/messages")).await), "404");
    let post = "POST /v1/messages/count_tokens HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
    assert!(raw(&server, post.to_owned()).await.contains(r#"{"input_tokens":1}"#));
}

#[tokio::test]
async fn hangs_stalls_and_cuts_look_like_themselves() {
    let server = serve("{text: x, fail: {hang: 10ms}}").await;
    assert_eq!(ask(&server, "a", &hi(true)).await, "");
    let server = serve("{text: x, fail: {cut_after: {blocks: 1}}}").await;
    let cut = ask(&server, "a", &hi(true)).await;
    assert!(cut.contains("content_block_stop") && !cut.ends_with("0\r\n\r\n"), "{cut}");
    let server = serve("{text: x, fail: {stall_after: {blocks: 0}}}").await;
    let stalled = timeout(Duration::from_millis(300), ask(&server, "a", &hi(true))).await;
    assert!(stalled.is_err());
}

#[tokio::test]
async fn only_this_machine_may_ask() {
    let bind = (Ipv4Addr::UNSPECIFIED, 0).into();
    let refused = ModelServer::start(ModelServerSpec { bind, ..spec("conversations: [{turns: []}]") }).await;
    assert!(matches!(refused, Err(ModelServerError::NotLoopback(_))));
}

#[tokio::test]
async fn closing_ends_it() {
    let server = serve("{text: x, fail: {stall_after: {blocks: 0}}}").await;
    let address = server.address;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"POST /v1/messages HTTP/1.1\r\n").await.unwrap();
    timeout(Duration::from_secs(5), server.close()).await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
