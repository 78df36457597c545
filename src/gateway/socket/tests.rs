use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::*;

fn short_dir() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("bw").tempdir_in("/tmp").unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

#[tokio::test]
async fn t36_directory_and_socket_are_private_from_the_start() {
    let top = short_dir();
    let dir = top.path().join("gw");
    let (listening, listener) = Listening::open(&dir, None).unwrap();
    assert_eq!((mode(&dir), mode(listening.path())), (0o700, 0o600));
    drop((listener, listening));
    assert!(!dir.join(SOCKET_NAME).exists());
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).unwrap();
    let (_listening, _listener) = Listening::open(&dir, None).unwrap();
    assert_eq!(mode(&dir), 0o700);
}

#[tokio::test]
async fn the_run_s_user_becomes_the_owner() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let top = short_dir();
    let dir = top.path().join("gw");
    let owner = Owner { uid: 65534, gid: 65534 };
    let (listening, _listener) = Listening::open(&dir, Some(owner)).unwrap();
    for path in [dir.as_path(), listening.path()] {
        let about = fs::symlink_metadata(path).unwrap();
        assert_eq!((about.uid(), about.gid()), (65534, 65534));
    }
}

#[tokio::test]
async fn t36_a_directory_of_somebody_else_is_refused() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let top = short_dir();
    let dir = top.path().join("gw");
    fs::create_dir(&dir).unwrap();
    std::os::unix::fs::chown(&dir, Some(4242), None).unwrap();
    assert!(matches!(Listening::open(&dir, None), Err(GatewayError::ForeignDirectory { owner: 4242, .. })));
}

#[tokio::test]
async fn f28_a_dead_process_s_socket_is_taken_over_and_a_living_one_is_not() {
    let top = short_dir();
    let dir = top.path().join("gw");
    let (listening, listener) = Listening::open(&dir, None).unwrap();
    assert!(matches!(Listening::open(&dir, None), Err(GatewayError::InUse { .. })));
    // A killed process closes its listener and leaves the name.
    drop(listener);
    std::mem::forget(listening);
    assert!(dir.join(SOCKET_NAME).exists());
    let (successor, _listener) = Listening::open(&dir, None).unwrap();
    assert!(StdStream::connect(successor.path()).is_ok());
}

#[tokio::test]
async fn a_predecessor_does_not_remove_its_successor() {
    let top = short_dir();
    let dir = top.path().join("gw");
    let (first, listener) = Listening::open(&dir, None).unwrap();
    drop(listener);
    let (second, _listener) = Listening::open(&dir, None).unwrap();
    drop(first);
    assert!(StdStream::connect(second.path()).is_ok());
}

#[tokio::test]
async fn planted_links_are_not_followed() {
    let top = short_dir();
    let dir = top.path().join("gw");
    let canary = top.path().join("canary");
    fs::write(&canary, "mine").unwrap();
    fs::set_permissions(&canary, fs::Permissions::from_mode(0o640)).unwrap();
    fs::create_dir(&dir).unwrap();
    symlink(&canary, dir.join(SOCKET_NAME)).unwrap();
    let root = rustix::process::geteuid().is_root();
    let owner = root.then_some(Owner { uid: 65534, gid: 65534 });
    let (_listening, _listener) = Listening::open(&dir, owner).unwrap();
    assert_eq!((fs::read_to_string(&canary).unwrap().as_str(), mode(&canary)), ("mine", 0o640));
    assert_eq!(fs::metadata(&canary).unwrap().uid(), rustix::process::geteuid().as_raw());
    let elsewhere = top.path().join("elsewhere");
    symlink(&dir, &elsewhere).unwrap();
    assert!(matches!(Listening::open(&elsewhere, None), Err(GatewayError::Directory { .. })));
}

#[tokio::test]
async fn a_long_path_is_refused_before_anything_is_made() {
    let top = short_dir();
    let dir = top.path().join("x".repeat(100));
    let error = Listening::open(&dir, None).unwrap_err();
    assert!(matches!(error, GatewayError::PathTooLong { length, limit: 100, .. } if length > 100), "{error}");
    assert!(!dir.exists());
}
