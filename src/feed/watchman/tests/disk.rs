//! Files of a watchman, and its door over a real socket.

use std::os::unix::fs::PermissionsExt as _;

use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::super::*;
use super::{Play, SECRET};
use crate::config::notify::Address;

fn secret_file(dir: &std::path::Path, text: &str, mode: u32) -> std::path::PathBuf {
    let path = dir.join("secret");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[test]
fn t36_a_secret_is_nobody_else_s_and_not_short() {
    let dir = tempfile::tempdir().unwrap();
    let good = "0123456789abcdef0123456789abcdef";
    assert_eq!(*read_secret(&secret_file(dir.path(), &format!("{good}\n"), 0o600)).unwrap(), good.as_bytes());
    let error = |text: &str, mode| read_secret(&secret_file(dir.path(), text, mode)).unwrap_err().to_string();
    assert!(error(good, 0o640).contains("chmod 600"));
    assert!(error("short", 0o600).contains("openssl rand"));
    assert!(error(&"x".repeat(5000), 0o600).contains("holds no secret"));
}

#[test]
fn what_is_remembered_is_read_again_and_damage_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("watchman.json");
    assert_eq!(recall(&path).unwrap(), None);
    let mut play = Play::new();
    play.hear(Standing::Advancing).silence(8);
    remember(&path, &play.watchman).unwrap();
    assert_eq!(recall(&path).unwrap(), Some(play.watchman));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::write(&path, "{").unwrap();
    assert!(recall(&path).unwrap_err().to_string().contains("move it away"));
}

#[tokio::test]
async fn t13_the_door_believes_only_signed_beats() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/beat", listener.local_addr().unwrap());
    let (sender, mut heard) = mpsc::channel(8);
    let door = tokio::spawn(serve(listener, Zeroizing::new(SECRET.to_vec()), sender));
    let mut play = Play::new();
    let judge = tokio::spawn(async move {
        let (mut believed, mut odd) = (0, 0);
        while let Some(one) = heard.recv().await {
            match one {
                Heard::Beat(beat, answer) => {
                    let good = play.watchman.hear(&beat, play.now, Rules::default()).is_ok();
                    believed += i32::from(good);
                    answer.send(good).unwrap();
                }
                Heard::Odd(_) => odd += 1,
            }
        }
        (believed, odd)
    });
    let wire = Wire::new(&Address::parse(&url).unwrap()).unwrap();
    let beat = Play::new().beat(Standing::Idle);
    wire.beat(SECRET, &beat).await.unwrap();
    let refused = |sent: Result<(), PostError>| match sent {
        Err(PostError::Refused(_, status)) => status,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(wire.beat(SECRET, &beat).await), 409, "a replay");
    assert_eq!(refused(wire.beat(b"another secret, as long", &beat).await), 401);
    let evil = Beat { host: "../x\n".into(), ..beat };
    assert_eq!(refused(wire.beat(SECRET, &evil).await), 400);
    assert_eq!(refused(wire.ping(false).await), 405);
    assert_eq!(refused(wire.ping(true).await), 404);
    let large = Beat { host: "x".repeat(9000), ..Play::new().beat(Standing::Idle) };
    assert_eq!(refused(wire.beat(SECRET, &large).await), 413);
    door.abort();
    let _ = door.await;
    assert_eq!(judge.await.unwrap(), (1, 2));
}
