use std::time::Duration;

use axum::serve::Listener as _;
use tokio::io::AsyncReadExt as _;
use tokio::net::{UnixListener, UnixStream};

use super::Own;

#[tokio::test]
async fn a_peer_of_another_user_gets_no_byte() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let uid = rustix::process::getuid().as_raw();
    let mut own = Own { listener: UnixListener::bind(&path).unwrap(), uid: uid + 1 };
    let accepting = tokio::spawn(async move { own.accept().await });
    let mut peer = UnixStream::connect(&path).await.unwrap();
    let mut byte = [0];
    let read = tokio::time::timeout(Duration::from_secs(5), peer.read(&mut byte)).await;
    assert!(matches!(read, Ok(Ok(0) | Err(_))), "closed, not served: {read:?}");
    assert!(!accepting.is_finished());
    accepting.abort();
}

#[tokio::test]
async fn a_peer_of_the_same_user_is_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let uid = rustix::process::getuid().as_raw();
    let mut own = Own { listener: UnixListener::bind(&path).unwrap(), uid };
    let _peer = UnixStream::connect(&path).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), own.accept()).await.unwrap();
}
