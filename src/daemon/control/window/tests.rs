use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::config::server::Tls;

fn files(dir: &std::path::Path) -> (Server, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (cert, key) = (dir.join("cert.pem"), dir.join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let listen = Some("127.0.0.1:0".parse().unwrap());
    (Server { listen, tls: Some(Tls { cert, key }), public_url: None }, made.cert.pem())
}

#[tokio::test]
async fn t58_with_a_certificate_nothing_is_answered_in_the_clear() {
    let dir = tempfile::tempdir().unwrap();
    let (server, pem) = files(dir.path());
    let Ok(Bound::Window(window)) = Window::bind(&server).await else { panic!("a free port") };
    assert!(window.reach.url().unwrap().starts_with("https://127.0.0.1:"));
    let port = window.listeners[0].local_addr().unwrap().port();
    let routes = axum::Router::new().route("/", axum::routing::get(|| async { "hello" }));
    tokio::spawn(async move { axum::serve(window.open(), routes).await });
    let builder = || reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10));
    let known = reqwest::Certificate::from_pem(pem.as_bytes()).unwrap();
    let trusting = builder().tls_certs_only([known]).build().unwrap();
    // A peer that says nothing keeps nobody waiting.
    let _silent = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let answer = trusting.get(format!("https://localhost:{port}/")).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "hello");
    let strict = builder().tls_certs_only([]).build().unwrap();
    assert!(strict.get(format!("https://localhost:{port}/")).send().await.is_err(), "an unknown certificate");
    assert!(strict.get(format!("http://localhost:{port}/")).send().await.is_err(), "in the clear");
}

#[tokio::test]
async fn t36_a_key_that_others_may_read_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (server, _) = files(dir.path());
    let key = server.tls.as_ref().unwrap().key.clone();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let Err(refused) = Window::bind(&server).await else { panic!("refused") };
    assert!(refused.message.contains("0644") && refused.hints[0].contains("chmod 600"), "{refused:?}");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&key, "no key").unwrap();
    let Err(refused) = Window::bind(&server).await else { panic!("refused") };
    assert!(refused.message.contains("no key in PEM"), "{refused:?}");
}

/// Time is only waited for here, so it passes at once.
#[tokio::test(start_paused = true)]
async fn a_peer_that_never_shakes_hands_loses_its_seat() {
    let dir = tempfile::tempdir().unwrap();
    let (server, _) = files(dir.path());
    let tls = acceptor(server.tls.as_ref().unwrap()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let _silent = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let shaken = tokio::time::timeout(HANDSHAKE * 2, shake(stream, Some(tls))).await;
    assert!(shaken.expect("in time").is_none());
}
