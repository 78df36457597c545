use super::*;
use crate::config::user::User;

#[test]
fn an_address_is_an_ip_and_a_port() {
    for (text, expected) in [
        ("127.0.0.1:7070", Some("127.0.0.1:7070")),
        ("[::1]:80", Some("[::1]:80")),
        ("localhost:0", Some("127.0.0.1:0")),
        ("7071", Some("127.0.0.1:7071")),
        (":7071", Some("127.0.0.1:7071")),
        ("0.0.0.0:1", Some("0.0.0.0:1")),
        ("example.org:80", None),
        ("127.0.0.1", None),
        ("127.0.0.1:70000", None),
        ("", None),
    ] {
        assert_eq!(address(text).ok().map(|a| a.to_string()).as_deref(), expected, "{text}");
    }
}

#[test]
fn a_public_url_is_one_host_and_one_origin() {
    for (text, expected) in [
        ("https://Bead.example.org", Some(("bead.example.org", "https://bead.example.org"))),
        ("https://bead.example.org:443/", Some(("bead.example.org", "https://bead.example.org"))),
        ("https://bead.example.org:8443", Some(("bead.example.org:8443", "https://bead.example.org:8443"))),
        ("https://[2001:db8::1]:8443", Some(("[2001:db8::1]:8443", "https://[2001:db8::1]:8443"))),
        ("http://localhost:9", Some(("localhost:9", "http://localhost:9"))),
        ("http://bead.example.org", None),
        ("https://bead.example.org/path", None),
        ("https://user@bead.example.org", None),
        ("https://*.example.org", None),
        ("https://bead.example.org.", None),
        ("https://", None),
        ("bead.example.org", None),
    ] {
        let found = PublicUrl::parse(text);
        let found = found.as_ref().map(|url| (url.host.as_str(), url.origin()));
        assert_eq!(found, expected.map(|(host, origin)| (host, origin.to_owned())), "{text}");
    }
}

#[test]
fn the_section_is_read_and_its_mistakes_are_named() {
    let text =
        b"server: { listen: 'localhost:0', public_url: 'https://b.example', tls: { cert: /c, key: /k } }";
    let server = User::parse(text, "config.yaml").unwrap().server;
    assert_eq!(server.listen.unwrap().port(), 0);
    assert_eq!(server.public_url.unwrap().host, "b.example");
    assert_eq!(server.tls.unwrap().key, PathBuf::from("/k"));
    for (wrong, word) in [
        ("server: { listen: nowhere }", "server.listen"),
        ("server: { public_url: 'http://b.example' }", "server.public_url"),
        ("server: { tls: { cert: /c } }", "server.tls.key"),
        ("server: { tls: { cert: c, key: /k } }", "server.tls.cert"),
        ("server: { port: 1 }", "server.port"),
    ] {
        let error = User::parse(wrong.as_bytes(), "config.yaml").unwrap_err().to_string();
        assert!(error.contains(word), "{wrong}: {error}");
    }
}
