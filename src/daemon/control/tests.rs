mod asked;
mod streams;
pub(crate) mod world;

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

#[test]
fn every_route_describes_itself_and_what_may_come_back() {
    let api = super::openapi::describe(super::routes::listed().split_for_parts().1);
    let api = serde_json::to_value(&api).unwrap();
    let (mut seen, mut count) = (std::collections::BTreeSet::new(), 0);
    for (path, item) in api["paths"].as_object().unwrap() {
        for (verb, operation) in item.as_object().unwrap() {
            count += 1;
            let at = format!("{verb} {path}");
            assert!(seen.insert(operation["operationId"].as_str().unwrap().to_owned()), "{at}");
            assert!(operation["summary"].as_str().is_some_and(|s| !s.is_empty()), "{at}");
            let responses = operation["responses"].as_object().unwrap();
            let expected: &[&str] = match (path.starts_with("/api/"), verb.as_str()) {
                (false, _) => &[],
                (true, "get") => &["401", "403", "421"],
                (true, _) => &["401", "403", "409", "415", "421"],
            };
            assert!(expected.iter().all(|status| responses.contains_key(*status)), "{at}: {responses:?}");
            assert!(responses.keys().any(|status| status.starts_with('2') || status == "101"), "{at}");
            let named = path.matches('{').count();
            let told = operation["parameters"].as_array().into_iter().flatten();
            assert_eq!(told.filter(|p| p["in"] == "path").count(), named, "{at}");
            if verb == "post" {
                assert!(operation["requestBody"].is_object(), "{at}: what it takes");
            }
        }
    }
    assert!(count >= 16, "{count}");
}
