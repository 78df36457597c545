use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::feed::watchman::{Beat, Standing};

fn start() -> DateTime<Utc> {
    "2026-11-21T22:00:00Z".parse().unwrap()
}

fn beat() -> Beat {
    Beat {
        host: "desk".into(),
        state: Standing::Idle,
        at: start(),
        next_by: Some(start() + TimeDelta::minutes(6)),
        progress_seq: 1,
        meter: 0,
        stall_s: None,
    }
}

const QUIET: Output = Output { json: false, quiet: true, width: 80, terminal: false };

/// A person's topic, and the titles it was sent.
async fn topic() -> (Wire, mpsc::UnboundedReceiver<String>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/topic", listener.local_addr().unwrap());
    let (sender, titles) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            let n = stream.read(&mut buffer).await.unwrap_or(0);
            let request = String::from_utf8_lossy(&buffer[..n]).into_owned();
            let title = request.lines().find_map(|line| line.strip_prefix("title: ")).unwrap_or_default();
            sender.send(title.to_owned()).unwrap();
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (wire(&url).unwrap(), titles)
}

#[tokio::test]
async fn a_watchman_that_cannot_remember_says_so_once_and_watches_on() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("state");
    let path = folder.join("watchman.json");
    let (wire, mut titles) = topic().await;
    let mut post = Post::new(QUIET, path.clone(), Rules::default(), Some(wire));
    let mut known = Watchman::default();
    known.hear(&beat(), start(), Rules::default()).unwrap();
    for _ in 0..3 {
        post.judge(&mut known, start()).await;
    }
    assert_eq!(titles.try_recv().unwrap(), "the watchman cannot remember");
    assert!(titles.try_recv().is_err(), "once");
    post.judge(&mut known, start() + TimeDelta::minutes(7)).await;
    assert_eq!(titles.try_recv().unwrap(), "desk is silent");
    // The disk has room again, and then it has none once more.
    std::fs::create_dir(&folder).unwrap();
    post.judge(&mut known, start() + TimeDelta::minutes(8)).await;
    assert_eq!(watchman::recall(&path).unwrap(), Some(known.clone()));
    std::fs::remove_dir_all(&folder).unwrap();
    post.judge(&mut known, start() + TimeDelta::minutes(9)).await;
    assert_eq!(titles.try_recv().unwrap(), "the watchman cannot remember");
}

#[test]
fn a_memory_without_any_machine_is_no_good_news() {
    let judged = |known| once(QUIET, known, start(), Rules::default());
    assert!(matches!(judged(None), Exit::NotLanded));
    assert!(matches!(judged(Some(Watchman::default())), Exit::NotLanded));
    let mut known = Watchman::default();
    known.hear(&beat(), start(), Rules::default()).unwrap();
    assert!(matches!(judged(Some(known)), Exit::Done));
}
