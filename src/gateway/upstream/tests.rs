use super::*;

#[test]
fn the_default_is_the_api_itself() {
    for blank in [None, Some(""), Some("  ")] {
        let upstream = Upstream::parse(blank).unwrap();
        assert_eq!(
            (upstream.host(), upstream.url("/v1/messages").as_str()),
            ("api.anthropic.com", "https://api.anthropic.com/v1/messages")
        );
    }
}

#[test]
fn a_base_may_have_a_port_and_a_path() {
    let url = |base| Upstream::parse(Some(base)).unwrap().url("/v1/messages");
    assert_eq!(url("https://gw.example:8443/anthropic/"), "https://gw.example:8443/anthropic/v1/messages");
    assert_eq!(url("http://127.0.0.1:9/"), "http://127.0.0.1:9/v1/messages");
}

#[test]
fn t58_plain_http_stays_on_this_machine() {
    for near in ["http://127.0.0.1:1", "http://127.9.9.9", "http://localhost:80", "http://[::1]:8080"] {
        assert!(Upstream::parse(Some(near)).is_ok(), "{near}");
    }
    let far = [
        "http://api.anthropic.com",
        "http://10.0.0.1",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "http://[::2]",
        "http://0.0.0.0",
    ];
    for far in far {
        assert!(matches!(Upstream::parse(Some(far)), Err(UpstreamError::Plain { .. })), "{far}");
    }
}

#[test]
fn odd_addresses_are_refused_by_name() {
    let error = |base| Upstream::parse(Some(base)).unwrap_err().to_string();
    assert!(error("api.anthropic.com").contains("no address"));
    assert!(error("ftp://x.example").contains("`ftp`"));
    assert!(error("unix:/run/x").contains("`unix`"));
    assert!(error("https://user:pw@x.example").contains("user name"));
    assert!(error("http://localhost@evil.example").contains("user name"));
    assert!(error("https://x.example/?a").contains("query"));
    assert!(error("https://x.example/#a").contains("fragment"));
}
