use std::sync::{Arc, Mutex};
use std::time::Duration;

use resvg::tiny_skia::Pixmap;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// One letter as the server got it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Letter {
    pub from: String,
    pub to: Vec<String>,
    /// As on the wire, without the dots that were doubled for it.
    pub data: String,
}

/// What a client did.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub letters: Vec<Letter>,
    pub lines: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Plain,
    /// Offers STARTTLS.
    StartTls,
    Implicit,
    /// Implicit, but the handshake takes that many milliseconds.
    Slow(u64),
}

/// A mail server on this machine.
pub(crate) struct Smtp {
    pub port: u16,
    pub seen: Arc<Mutex<Seen>>,
    /// The certificate of the authority that signed the server's own.
    pub ca: String,
}

/// Answers `RCPT TO` with this line.
pub(crate) const FINE: &str = "250 fine";

impl Smtp {
    pub(crate) async fn open(way: Way, answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (acceptor, ca) = tls();
        let kept = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (kept, acceptor) = (Arc::clone(&kept), acceptor.clone());
                tokio::spawn(async move {
                    match way {
                        Way::Plain => drop(talk(stream, &kept, answer, false).await),
                        Way::StartTls => {
                            if let Some(stream) = talk(stream, &kept, answer, true).await
                                && let Ok(stream) = acceptor.accept(stream).await
                            {
                                talk(stream, &kept, answer, false).await;
                            }
                        }
                        Way::Implicit | Way::Slow(_) => {
                            if let Way::Slow(pause) = way {
                                tokio::time::sleep(Duration::from_millis(pause)).await;
                            }
                            if let Ok(stream) = acceptor.accept(stream).await {
                                talk(stream, &kept, answer, false).await;
                            }
                        }
                    }
                });
            }
        });
        Self { port, seen, ca }
    }

    pub(crate) fn letters(&self) -> Vec<Letter> {
        self.seen.lock().unwrap().letters.clone()
    }
}

/// A certificate for `localhost`, and the authority behind it.
fn tls() -> (TlsAcceptor, String) {
    let ca_key = rcgen::KeyPair::generate().unwrap();
    let mut ca = rcgen::CertificateParams::new(vec![]).unwrap();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let pem = ca.self_signed(&ca_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(ca, ca_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let own = params.signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![own.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), pem)
}

/// Talks to one client. Gives the stream back where the client wants TLS now.
async fn talk<S>(stream: S, seen: &Mutex<Seen>, answer: &str, offers: bool) -> Option<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = BufReader::new(stream);
    // After STARTTLS the client speaks first.
    let greeted = !offers && !seen.lock().unwrap().lines.iter().any(|line| line == "STARTTLS");
    if offers || greeted {
        stream.get_mut().write_all(b"220 ready\r\n").await.ok()?;
    }
    if answer == "hang" {
        tokio::time::sleep(Duration::from_secs(600)).await;
    }
    let mut letter = Letter::default();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        seen.lock().unwrap().lines.push(line.clone());
        let reply = match line.split([' ', ':']).next().unwrap_or_default().to_uppercase().as_str() {
            "EHLO" if offers => "250-test\r\n250-AUTH PLAIN\r\n250 STARTTLS".to_owned(),
            "EHLO" => "250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN".to_owned(),
            "STARTTLS" => {
                stream.get_mut().write_all(b"220 go on\r\n").await.ok()?;
                return Some(stream.into_inner());
            }
            "AUTH" => "235 welcome".to_owned(),
            "MAIL" => {
                letter = Letter { from: line, ..Letter::default() };
                "250 fine".to_owned()
            }
            "RCPT" => {
                letter.to.push(line);
                answer.to_owned()
            }
            "DATA" => {
                stream.get_mut().write_all(b"354 go on\r\n").await.ok()?;
                loop {
                    let mut line = String::new();
                    if stream.read_line(&mut line).await.ok()? == 0 {
                        return None;
                    }
                    if line == ".\r\n" {
                        break;
                    }
                    letter.data.push_str(line.strip_prefix('.').unwrap_or(&line));
                }
                seen.lock().unwrap().letters.push(std::mem::take(&mut letter));
                "250 taken".to_owned()
            }
            "QUIT" => "221 bye".to_owned(),
            _ => "500 what".to_owned(),
        };
        stream.get_mut().write_all(format!("{reply}\r\n").as_bytes()).await.ok()?;
    }
}

impl Letter {
    /// The parts of this kind, decoded; every part of ours is base64.
    fn of_kind(&self, kind: &str) -> Vec<(&str, Vec<u8>)> {
        use base64::Engine as _;
        let mut parts = Vec::new();
        for part in self.data.split("\r\n--") {
            // What follows a boundary's line is a head, and after an empty line its body.
            let Some((head, body)) = part.split_once("\r\n\r\n") else { continue };
            if head.contains(&format!("Content-Type: {kind}")) {
                assert!(head.contains("Content-Transfer-Encoding: base64"), "{head}");
                let body: String = body.lines().collect();
                let bytes = base64::engine::general_purpose::STANDARD.decode(body).unwrap();
                parts.push((head, bytes));
            }
        }
        parts
    }

    /// What is written in the letter.
    pub(crate) fn parts(&self) -> Vec<String> {
        self.of_kind("text/").into_iter().map(|(_, bytes)| String::from_utf8(bytes).unwrap()).collect()
    }

    /// Its pictures, each by the name that the text uses.
    pub(crate) fn pictures(&self) -> Vec<(String, Pixmap)> {
        let named = |head: &str| {
            let id = head.lines().find_map(|line| line.strip_prefix("Content-ID: <")?.strip_suffix('>'));
            id.unwrap().to_owned()
        };
        let pictures = self.of_kind("image/png").into_iter();
        pictures.map(|(head, bytes)| (named(head), Pixmap::decode_png(&bytes).unwrap())).collect()
    }

    pub(crate) fn head(&self) -> &str {
        self.data.split_once("\r\n\r\n").map_or("", |(head, _)| head)
    }
}
