use super::*;

/// One that takes its turn again the moment it gave it back must not keep the others out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_comes_before_who_comes_again() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join(".beads");
    std::fs::create_dir(&dir).unwrap();
    let first = Turn::wait(&dir, Duration::from_secs(5)).await.unwrap();
    let other = {
        let dir = dir.clone();
        tokio::spawn(async move { Turn::wait(&dir, Duration::from_secs(60)).await.map(drop) })
    };
    // It comes next now.
    tokio::time::sleep(Duration::from_millis(200)).await;
    drop(first);
    let mut turns = 0;
    while !other.is_finished() {
        let _turn = Turn::wait(&dir, Duration::from_secs(60)).await.unwrap();
        std::thread::sleep(Duration::from_millis(2));
        turns += 1;
        assert!(turns < 20, "the one that waited had no turn among {turns}");
    }
    other.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_turn_that_never_comes_is_told() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join(".beads");
    std::fs::create_dir(&dir).unwrap();
    let _held = Turn::wait(&dir, Duration::from_secs(5)).await.unwrap();
    let error = Turn::wait(&dir, Duration::from_millis(60)).await.unwrap_err();
    assert!(matches!(error, TrackerError::Locked { .. }), "{error}");
}
