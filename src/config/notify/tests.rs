use proptest::prelude::*;

use super::super::user::User;
use super::*;

fn parse(text: &str) -> Result<Notify, ConfigError> {
    User::parse(text.as_bytes(), "config.yaml").map(|user| user.notify)
}

#[test]
fn silence_means_the_defaults() {
    let notify = parse("slots: { global: 1 }").unwrap();
    assert_eq!(notify, Notify::default());
    assert_eq!((notify.max_per_night, notify.push.enabled), (2, true));
}

#[test]
fn reads_every_channel() {
    let notify = parse(
        "notify:\n  push: { subject: 'mailto:ann@example.org', extra_origins: ['http://127.0.0.1:8444'] }\n  \
         mail: { smtp: 'smtp.example.org:587', from: bead@example.org, to: ann@example.org, user: ann, password_file: mail.password }\n  \
         webhook: { url: 'https://hooks.example.org/a?b=c', secret_file: hook.secret }\n  \
         topic: { url: 'https://ntfy.sh/abc', token_file: /run/token }\n  \
         quiet_hours: { start: '22:30', stop: '7:00', zone: Europe/Berlin }\n  max_per_night: 3\n  dwell: 2m\n  group: 10s\n",
    )
    .unwrap();
    let mail = notify.mail.clone().unwrap();
    assert_eq!((mail.port, mail.tls), (587, MailTls::StartTls));
    assert_eq!(mail.password, Some(Kept::File("mail.password".into())));
    assert_eq!(mail.to, ["ann@example.org"]);
    assert_eq!(notify.push.extra_origins[0].origin(), "http://127.0.0.1:8444");
    assert!(!notify.quiet.as_ref().unwrap().needs_you);
    let rows = notify.rows();
    let shown = format!("{rows:?}");
    assert!(shown.contains("https://ntfy.sh/...") && !shown.contains("/abc"), "{shown}");
    assert!(!shown.contains("password") && !shown.contains("hook.secret"), "{shown}");
}

#[test]
fn errors_name_key_and_line() {
    let cases = [
        ("notify: { mails: {} }", "config.yaml:1: unknown key `notify.mails`, did you mean `mail`?"),
        (
            "notify:\n  mail: { smtp: s.example.org, to: a@b.c }",
            "config.yaml:2: `notify.mail.from` is missing: expected a mail address such as `ann@example.org`",
        ),
        (
            "notify:\n  mail:\n    smtp: s.example.org\n    tls: 'off'\n    from: a@b.c\n    to: a@b.c",
            "config.yaml:4: `notify.mail.tls`: expected `implicit` or `starttls` (`off` only to this machine), found `off`",
        ),
        (
            "notify:\n  mail: { smtp: s.example.org, from: a@b.c, to: ['a@b.c, d@e.f'] }",
            "config.yaml:2: `notify.mail.to`: expected a mail address such as `ann@example.org`, found `a@b.c, d@e.f`",
        ),
        (
            "notify:\n  mail: { smtp: s.example.org, from: a@b.c, to: a@b.c, user: a }",
            "config.yaml:2: `notify.mail.password_file` is missing: expected `user` with `password_file` or `password_env`, or neither",
        ),
        (
            "notify: { webhook: { url: 'http://hooks.example.org', secret_file: x } }",
            "config.yaml:1: `notify.webhook.url`: expected an https address (http only to this machine) without user and fragment, found another",
        ),
        (
            "notify: { push: { extra_origins: ['https://push.example.org/x'] } }",
            "config.yaml:1: `notify.push.extra_origins`: expected origins such as `https://push.example.org`, without a path, found `https://push.example.org/x`",
        ),
        (
            "notify: { quiet_hours: { start: '7:00', stop: '07:00' } }",
            "config.yaml:1: `notify.quiet_hours.stop`: expected another time than `start`, found `07:00`",
        ),
        (
            "notify: { dwell: 2h }",
            "config.yaml:1: `notify.dwell`: expected a duration of at most `1h`, found `2h`",
        ),
    ];
    for (text, expect) in cases {
        assert_eq!(parse(text).unwrap_err().to_string(), expect);
    }
}

#[test]
fn t58_plain_http_goes_to_this_machine_only() {
    for good in [
        "https://a.example",
        "http://localhost:1",
        "http://127.0.0.1",
        "http://[::1]:80/x",
        "https://[2001:db8::1]/",
    ] {
        assert!(Address::parse(good).is_some(), "{good}");
    }
    for bad in [
        "http://a.example",
        "http://10.0.0.1",
        "ftp://a.example",
        "https://",
        "https://a@b.example",
        "https://a b",
        "https://a.example:0",
        "https://a.example:99999",
        "https://a.example#x",
        "https://[::1",
        "//a.example",
        "https://ä.example",
        "http://127.0.0.1@evil.example",
        "http://127.0.0.1.evil.example",
    ] {
        assert!(Address::parse(bad).is_none(), "{bad}");
    }
    assert_eq!(Address::parse("https://A.example:443/x").unwrap().origin(), "https://a.example");
}

#[test]
fn t38_only_plain_mailboxes() {
    assert!(is_mailbox("ann+bead@example.org") && is_mailbox("root@localhost"));
    for bad in ["ann", "@b", "a@", "a@b\r\nBcc: c@d", "a@b,c@d", "Ann <a@b>", "a b@c", "a@b@c", "ä@b"] {
        assert!(!is_mailbox(bad), "{bad}");
    }
}

proptest! {
    #[test]
    fn parsing_never_panics(text in "\\PC{0,60}") {
        let _ = (Address::parse(&text), is_mailbox(&text), host(&text));
    }
}

fn host(text: &str) -> bool {
    address::host_and_port(text).is_some()
}
