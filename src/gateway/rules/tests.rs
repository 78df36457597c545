use hyper::header::{HeaderName, HeaderValue};

use super::*;

fn head(method: &str, target: &str, headers: &[(&str, &str)]) -> Result<Allowed, Refusal> {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let uri: Uri = target.parse().unwrap();
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    check(Head { method: &method, uri: &uri, version: Version::HTTP_11, headers: &map })
}

const GOOD: &[(&str, &str)] = &[("host", "localhost"), ("content-length", "2")];

fn status(result: Result<Allowed, Refusal>) -> u16 {
    result.map_or_else(|refusal| refusal.status.as_u16(), |_| 200)
}

#[test]
fn the_two_endpoints_pass() {
    let targets = [
        "/v1/messages",
        "/v1/messages?beta=true",
        "/v1/messages/count_tokens",
        "/v1/messages/count_tokens?beta=true",
    ];
    for target in targets {
        assert_eq!(head("POST", target, GOOD).unwrap().path(), target);
    }
}

#[test]
fn t07_every_other_target_is_refused() {
    let targets = [
        "/v1/files",
        "/v1/messages/../files",
        "/v1/messages/%2e%2e/files",
        "/v1/%6dessages",
        "//v1/messages",
        "/v1//messages",
        "/v1/messages;x",
        "/v1/messages/",
        "/v1/Messages",
        "/v1/messages/batches",
        "/v1/messages?",
        "/v1/messages?beta=false",
        "/v1/messages?beta=true&x=1",
        "/v1/messages?x",
        "/",
        "*",
        "/api/claude_code/settings",
        "/v1/complete",
        "/v1/skills",
        "http://localhost/v1/messages",
        "http://evil.example/v1/messages",
        "evil.example:443",
    ];
    for target in targets {
        let status = status(head("POST", target, GOOD));
        assert!((400..500).contains(&status), "{target} got {status}");
    }
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "post"] {
        assert_ne!(status(head(method, "/v1/messages", GOOD)), 200, "{method}");
    }
}

#[test]
fn optional_endpoints_are_simply_absent() {
    assert_eq!(status(head("GET", "/api/claude_code/policy_limits", GOOD)), 404);
    assert_eq!(status(head("HEAD", "/", GOOD)), 404);
    assert_eq!(status(head("POST", "/v1/files", GOOD)), 403);
}

#[test]
fn t07_framing_has_one_reading() {
    let refused: &[(&[(&str, &str)], u16)] = &[
        (&[("host", "localhost")], 400),
        (&[("content-length", "2")], 400),
        (&[("host", "localhost"), ("host", "localhost"), ("content-length", "2")], 400),
        (&[("host", "evil.example"), ("content-length", "2")], 421),
        (&[("host", "localhost.evil.example"), ("content-length", "2")], 421),
        (&[("host", "localhost:x"), ("content-length", "2")], 421),
        (&[("host", "localhost:+1"), ("content-length", "2")], 421),
        (&[("host", "localhost@evil"), ("content-length", "2")], 421),
        (&[("host", "localhost"), ("transfer-encoding", "chunked")], 411),
        (&[("host", "localhost"), ("content-length", "2"), ("transfer-encoding", "chunked")], 411),
        (&[("host", "localhost"), ("content-length", "2"), ("upgrade", "websocket")], 403),
        (&[("host", "localhost"), ("content-length", "33554433")], 413),
        (&[("host", "localhost"), ("content-length", "-1")], 400),
        (&[("host", "localhost"), ("content-length", "99999999999999999999")], 400),
    ];
    for (headers, expected) in refused {
        assert_eq!(status(head("POST", "/v1/messages", headers)), *expected, "{headers:?}");
    }
    for host in ["localhost", "localhost:80", "127.0.0.1", "127.0.0.1:8080"] {
        assert_eq!(
            status(head("POST", "/v1/messages", &[("host", host), ("content-length", "33554432")])),
            200
        );
    }
}
