use std::path::PathBuf;

use resvg::tiny_skia::{Color, Pixmap};

use super::super::alert::Alert;
use super::super::channel::Retry;
use super::super::tests::smtp::{FINE, Smtp, Way};
use super::super::texts;
use super::*;
use crate::config::environment::Inherited;
use crate::config::notify::Kept;
use crate::feed::brief::{Image, MailBody};

struct World {
    dir: tempfile::TempDir,
    server: Smtp,
}

impl World {
    async fn new(way: Way, answer: &'static str) -> Self {
        let (dir, server) = (tempfile::tempdir().unwrap(), Smtp::open(way, answer).await);
        std::fs::write(dir.path().join("ca.pem"), &server.ca).unwrap();
        let secret = dir.path().join("password");
        std::fs::write(&secret, "smtp-password\n").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&secret, mode).unwrap();
        Self { dir, server }
    }

    fn mail(&self, tls: MailTls) -> Mail {
        let settings = notify::Mail {
            host: "localhost".into(),
            port: self.server.port,
            tls,
            from: "bead@example.org".into(),
            to: vec!["ann@example.org".into()],
            user: Some("ann".into()),
            password: Some(Kept::File("password".into())),
            ca_file: Some(PathBuf::from("ca.pem")),
        };
        let vault = Vault { folder: self.dir.path().to_owned(), environment: Inherited::default() };
        let patience = (Duration::from_millis(400), Duration::from_secs(2));
        Mail { patience, ..Mail::new(settings, vault) }
    }

    fn said_password(&self) -> bool {
        self.server.seen.lock().unwrap().lines.iter().any(|line| line.starts_with("AUTH"))
    }
}

fn message() -> Message {
    let at = "2026-11-21T22:00:00Z".parse().unwrap();
    texts::message(&Alert::test("test/1".into(), at))
}

#[tokio::test]
async fn sends_text_and_html_by_both_ways_of_tls() {
    for (way, tls) in [(Way::Implicit, MailTls::Implicit), (Way::StartTls, MailTls::StartTls)] {
        let w = World::new(way, FINE).await;
        assert_eq!(w.mail(tls).send(&message()).await, Ok(Sent), "{tls:?}");
        let letters = w.server.letters();
        assert_eq!(letters.len(), 1);
        assert!(letters[0].from.starts_with("MAIL FROM:<bead@example.org>"), "{}", letters[0].from);
        assert_eq!(letters[0].to, ["RCPT TO:<ann@example.org>"]);
        let head = letters[0].head();
        for line in
            ["Subject: Beadwork can reach you", "From: Beadwork <bead@example.org>", "To: ann@example.org"]
        {
            assert!(head.contains(line), "{head}");
        }
        let parts = letters[0].parts();
        assert!(parts[0].starts_with("Beadwork can reach you\r\n\r\nThis is what"), "{}", parts[0]);
        assert!(parts[1].contains("<h1") && parts[1].contains("This is what"), "{}", parts[1]);
        assert!(w.said_password());
    }
}

#[tokio::test]
async fn the_same_alert_has_the_same_message_id_and_plots_come_inline() {
    let w = World::new(Way::Implicit, FINE).await;
    let mut pixels = Pixmap::new(3, 2).unwrap();
    pixels.fill(Color::from_rgba8(1, 200, 30, 255));
    let image = Image { name: "slots", png: pixels.encode_png().unwrap() };
    let html = format!("<img src=\"cid:{}\">", image.cid());
    let page = MailBody { html: html.clone(), text: "slots".into(), images: vec![image] };
    let message = Message { page: Some(page), ..message() };
    for _ in 0..2 {
        w.mail(MailTls::Implicit).send(&message).await.unwrap();
    }
    let letters = w.server.letters();
    let id = |n: usize| letters[n].head().lines().find(|l| l.starts_with("Message-ID: ")).unwrap().to_owned();
    assert_eq!(id(0), id(1));
    assert!(id(0).ends_with("@example.org>"), "{}", id(0));
    assert!(letters[0].data.contains("multipart/related"));
    assert!(letters[0].data.contains("Content-Disposition: inline; filename=\"slots.png\""));
    assert_eq!(letters[0].parts(), ["slots", html.as_str()]);
    assert_eq!(letters[0].pictures(), [("slots@brief".to_owned(), pixels)]);
}

#[tokio::test]
async fn f43_down_slow_hanging_and_refusing_servers_are_tried_again() {
    for (way, answer, class) in [
        (Way::Implicit, "451 later", Class::Refused),
        (Way::Implicit, "550 never", Class::Refused),
        (Way::Implicit, "hang", Class::Timeout),
        (Way::Slow(5000), FINE, Class::Timeout),
    ] {
        let w = World::new(way, answer).await;
        let failed = w.mail(MailTls::Implicit).send(&message()).await.unwrap_err();
        assert_eq!((failed.class, failed.retry), (class, Retry::Later), "{answer}: {failed}");
        assert_eq!(w.server.letters().len(), 0);
    }
    let w = World::new(Way::Plain, FINE).await;
    let mut mail = w.mail(MailTls::Off);
    mail.settings.port = 1;
    let failed = mail.send(&message()).await.unwrap_err();
    assert_eq!((failed.class, failed.retry), (Class::Connect, Retry::Later), "{failed}");
}

#[tokio::test]
async fn f43_a_slow_handshake_within_patience_is_waited_for() {
    let w = World::new(Way::Slow(150), FINE).await;
    assert_eq!(w.mail(MailTls::Implicit).send(&message()).await, Ok(Sent));
}

#[tokio::test]
async fn t58_without_tls_or_with_a_wrong_certificate_no_password_is_sent() {
    // A server that speaks plain text where TLS is wanted, and one whose STARTTLS was taken out on the way.
    let w = World::new(Way::Plain, FINE).await;
    let failed = w.mail(MailTls::StartTls).send(&message()).await.unwrap_err();
    assert_eq!(failed.class, Class::Tls, "{failed}");
    assert!(!w.said_password());
    // An authority that nobody pinned.
    for (way, tls) in [(Way::Implicit, MailTls::Implicit), (Way::StartTls, MailTls::StartTls)] {
        let (w, other) = (World::new(way, FINE).await, Smtp::open(Way::Plain, FINE).await);
        std::fs::write(w.dir.path().join("ca.pem"), &other.ca).unwrap();
        let failed = w.mail(tls).send(&message()).await.unwrap_err();
        assert_eq!(failed.class, Class::Tls, "{failed}");
        assert!(!w.said_password() && w.server.letters().is_empty());
    }
    // The right authority, but another name.
    let w = World::new(Way::Implicit, FINE).await;
    let mut mail = w.mail(MailTls::Implicit);
    mail.settings.host = "127.0.0.1".into();
    let failed = mail.send(&message()).await.unwrap_err();
    assert_eq!(failed.class, Class::Tls, "{failed}");
    assert!(!w.said_password());
}

#[tokio::test]
async fn t38_a_bead_cannot_add_a_header_a_recipient_or_a_letter() {
    let w = World::new(Way::Implicit, FINE).await;
    let evil =
        "ok\r\nBcc: evil@evil.example\r\n\r\n.\r\nMAIL FROM:<a@b>\r\nRCPT TO:<evil@evil.example>\r\nDATA\r\n";
    let message = Message {
        title: evil.into(),
        body: format!("{evil}\n.\nQUIT\n\u{0}\u{1b}[2J<script>alert(1)</script>"),
        ..message()
    };
    w.mail(MailTls::Implicit).send(&message).await.unwrap();
    let letters = w.server.letters();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].to, ["RCPT TO:<ann@example.org>"]);
    let head = letters[0].head();
    assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{head}");
    assert_eq!(w.server.seen.lock().unwrap().lines.iter().filter(|l| l.starts_with("MAIL")).count(), 1);
    let parts = letters[0].parts();
    assert!(!parts[1].contains("<script>") && !parts[0].contains('\u{1b}'), "{}", parts[1]);
    // On the wire there is no line of the body that a server could take for its own.
    let body = letters[0].data.split_once("\r\n\r\n").unwrap().1;
    assert!(!body.lines().any(|line| line.starts_with('.')), "{body}");
}

#[tokio::test]
async fn a_password_that_others_can_read_is_not_used() {
    let w = World::new(Way::Implicit, FINE).await;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(w.dir.path().join("password"), mode).unwrap();
    let failed = w.mail(MailTls::Implicit).send(&message()).await.unwrap_err();
    assert_eq!(failed.class, Class::Config);
    assert!(failed.why.contains("chmod 600"), "{failed}");
    let mut mail = w.mail(MailTls::Implicit);
    mail.settings.password = Some(Kept::Variable("SMTP_PASSWORD".into()));
    assert!(mail.send(&message()).await.unwrap_err().why.contains("`SMTP_PASSWORD` is not set"));
    mail.vault.environment = Inherited(vec![("SMTP_PASSWORD".into(), "x".into())]);
    assert_eq!(mail.send(&message()).await, Ok(Sent));
}
