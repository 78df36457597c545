use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::feed::notify::push::Wish;

/// A push service on this machine that answers as it is told and keeps what it got.
pub(crate) struct Station {
    pub origin: String,
    pub got: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// How the service answers.
#[derive(Clone)]
pub(crate) enum Answer {
    Say(&'static str),
    Stall,
    Endless,
}

impl Station {
    pub(crate) async fn open(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let got = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&got);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (kept, answer) = (Arc::clone(&kept), answer.clone());
                tokio::spawn(async move {
                    let mut request = Vec::new();
                    let mut part = [0; 8192];
                    while !whole(&request) {
                        match stream.read(&mut part).await {
                            Ok(n) if n > 0 => request.extend_from_slice(&part[..n]),
                            _ => break,
                        }
                    }
                    kept.lock().unwrap().push(request);
                    match answer {
                        Answer::Say(head) => {
                            let text =
                                format!("HTTP/1.1 {head}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                            let _ = stream.write_all(text.as_bytes()).await;
                        }
                        Answer::Stall => tokio::time::sleep(Duration::from_secs(60)).await,
                        Answer::Endless => {
                            let head = "HTTP/1.1 201 Created\r\ncontent-length: 1000000000000\r\n\r\n";
                            let _ = stream.write_all(head.as_bytes()).await;
                            while stream.write_all(&[b'x'; 65536]).await.is_ok() {}
                        }
                    }
                });
            }
        });
        Self { origin, got }
    }

    pub(crate) fn count(&self) -> usize {
        self.got.lock().unwrap().len()
    }
}

/// The head and all of the body are there.
fn whole(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|w| w == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
    let length =
        head.lines().find_map(|l| l.strip_prefix("content-length:")).map_or(0, |n| n.trim().parse().unwrap());
    request.len() >= end + 4 + length
}

/// A browser with its keys.
pub(crate) struct Browser {
    secret: p256::SecretKey,
    auth: [u8; 16],
}

impl Browser {
    pub(crate) fn new(n: u8) -> Self {
        Self { secret: p256::SecretKey::from_slice(&[n; 32]).unwrap(), auth: [n; 16] }
    }

    pub(crate) fn wish(&self, endpoint: String) -> Wish {
        let key = URL_SAFE_NO_PAD.encode(self.secret.public_key().to_encoded_point(false));
        Wish { name: "phone".into(), endpoint, p256dh: key, auth: URL_SAFE_NO_PAD.encode(self.auth) }
    }

    pub(crate) fn read(&self, request: &[u8]) -> serde_json::Value {
        let at = request.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
        let auth = web_push::Auth::clone_from_slice(&self.auth);
        let text = web_push::decrypt(request[at..].to_vec(), &self.secret, &auth).unwrap();
        serde_json::from_slice(&text).unwrap()
    }
}
