use super::*;
use crate::config::user::User;

fn parse(text: &str) -> Result<Option<Watch>, ConfigError> {
    User::parse(text.as_bytes(), "config.yaml").map(|user| user.watch)
}

#[test]
fn reads_a_watch_with_its_defaults() {
    let watch =
        parse("watch: { url: 'https://watch.example/beat', secret_file: watch.secret }").unwrap().unwrap();
    assert_eq!(watch.style, Style::Signed { secret: "watch.secret".into() });
    assert_eq!((watch.every, watch.stall, watch.name.clone()), (EVERY, STALL, None));
    assert_eq!(watch.url.origin(), "https://watch.example");
    let ping =
        parse("watch: { url: 'http://127.0.0.1:9/uuid', style: ping, every: 1m, stall: 2h, name: desk }");
    let ping = ping.unwrap().unwrap();
    assert_eq!((ping.style, ping.name.as_deref()), (Style::Ping, Some("desk")));
    assert_eq!(parse("slots: 2").unwrap(), None);
}

fn wish(url: &str) -> String {
    format!("watch: {{ url: '{url}', style: ping }}")
}

#[test]
fn t58_only_https_or_this_machine() {
    for good in
        ["https://a.example", "https://a.example:8443/x?y=z", "http://localhost:1/", "http://[::1]:80/x"]
    {
        assert!(parse(&wish(good)).is_ok(), "{good}");
    }
    for bad in [
        "http://a.example",
        "http://127.0.0.1.evil.example/",
        "https://u:p@a.example/",
        "https://a.example/#x",
        "ftp://a.example",
        "https://",
        "https://a b",
        "https://[zz]/",
        "http://10.0.0.1/",
        "https://a:b:c/",
        "",
    ] {
        assert!(parse(&wish(bad)).is_err(), "{bad}");
    }
}

#[test]
fn errors_say_what_to_do() {
    let cases = [
        (
            "watch: {}",
            "config.yaml:1: `watch.url` is missing: expected an https address (http only to this machine) without user and fragment",
        ),
        (
            "watch: { url: 'http://a.example/secret' }",
            "config.yaml:1: `watch.url`: expected an https address (http only to this machine) without user and fragment, found another",
        ),
        (
            "watch: { url: 'https://a' }",
            "config.yaml:1: `watch.secret_file` is missing: expected the file with the secret that the watchman has too",
        ),
        (
            "watch: { url: 'https://a', style: ping, secret_file: x }",
            "config.yaml:1: `watch.secret_file`: expected none with `style: ping`, found one",
        ),
        (
            "watch: { url: 'https://a', style: pong }",
            "config.yaml:1: `watch.style`: expected `signed` or `ping`, found `pong`",
        ),
        (
            "watch: { url: 'https://a', style: ping, every: 1s }",
            "config.yaml:1: `watch.every`: expected a duration from `5s` to `24h`, found `1s`",
        ),
        (
            "watch: { url: 'https://a', style: ping, name: 'a b' }",
            "config.yaml:1: `watch.name`: expected a name of 1 to 60 letters, digits, `.`, `-`, `_`, found `a b`",
        ),
        ("watch: { url: 'https://a', style: ping, secret: x }", "config.yaml:1: unknown key `watch.secret`"),
    ];
    for (text, expected) in cases {
        let found = parse(text).unwrap_err().to_string();
        assert!(found.starts_with(expected), "{text}: {found}");
    }
}
