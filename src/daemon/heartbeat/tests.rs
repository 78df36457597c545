use std::sync::Mutex;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::clock::Manual;
use crate::daemon::dispatch::status::{RunningBead, WaitingBead};
use crate::domain::ids::{BeadId, ProjectId};

fn status(running: &[f64], suspended: bool, state: &str) -> Status {
    let project = ProjectId::of_path(Path::new("/p"));
    let bead = BeadId::new("b");
    let run = |usd: &f64| RunningBead {
        project: project.clone(),
        bead: bead.clone(),
        title: String::new(),
        run: None,
        phase: "working".into(),
        attempt: 1,
        since: DateTime::UNIX_EPOCH,
        usd: *usd,
    };
    let waiting = WaitingBead {
        project: project.clone(),
        bead: bead.clone(),
        title: String::new(),
        suspended,
        reason: String::new(),
    };
    Status {
        state: state.into(),
        running: running.iter().map(run).collect(),
        waiting: vec![waiting],
        ..Status::default()
    }
}

#[test]
fn the_dispatcher_s_status_in_one_word() {
    assert_eq!(standing(&status(&[0.0], true, "open")), Standing::Advancing);
    assert_eq!(standing(&status(&[], true, "open")), Standing::Suspended);
    assert_eq!(standing(&status(&[], false, "open")), Standing::Idle);
    assert_eq!(standing(&status(&[], true, "waiting")), Standing::Closed);
}

struct World {
    heart: Heartbeat,
    clock: Arc<Manual>,
    journal: Arc<Journal>,
    status: watch::Sender<Arc<Status>>,
}

fn world(url: &str) -> World {
    let clock = Arc::new(Manual::at("2026-11-21T22:00:00Z".parse().unwrap()));
    let journal = Arc::new(Journal::in_memory(Arc::clone(&clock) as Arc<dyn Clock>).unwrap());
    let status = watch::Sender::new(Arc::new(status(&[0.1], false, "open")));
    let text = format!("watch: {{ url: '{url}', style: ping, name: desk }}");
    let wish = crate::config::user::User::parse(text.as_bytes(), "c").unwrap().watch.unwrap();
    let given = (Arc::clone(&journal), Arc::clone(&clock) as Arc<dyn Clock>);
    let heart = Heartbeat::new(wish, Path::new("."), given.0, given.1, status.subscribe()).unwrap();
    World { heart, clock, journal, status }
}

impl World {
    /// The dispatcher has just looked at everything.
    fn looks_around(&self) {
        let at = Some(self.clock.now());
        self.status.send_modify(|status| *status = Arc::new(Status { at, ..(**status).clone() }));
    }
}

fn tell(journal: &Journal, body: Body) -> u64 {
    journal.tell(Entry { project: None, bead: None, run: None, attempt: None, body }).unwrap().seq
}

#[test]
fn a_beat_tells_progress_by_events_and_by_answers() {
    let mut world = world("http://127.0.0.1:9/x");
    let first = world.heart.beat(false);
    assert_eq!((first.host.as_str(), first.state, first.progress_seq), ("desk", Standing::Advancing, 0));
    assert_eq!(first.next_by, Some(first.at + TimeDelta::minutes(6) + TimeDelta::seconds(15)));
    // The clock stands still, and yet no two beats are the same.
    let second = world.heart.beat(false);
    assert!(second.at > first.at);
    tell(&world.journal, Body::Notice { text: "x".into() });
    let seq = tell(&world.journal, Body::Claimed);
    tell(&world.journal, Body::Notice { text: "x".into() });
    assert_eq!(world.heart.beat(false).progress_seq, seq);
    let before = world.heart.beat(false).meter;
    assert_eq!(world.heart.beat(false).meter, before);
    world.status.send_replace(Arc::new(status(&[0.2], false, "open")));
    assert_eq!(world.heart.beat(false).meter, before + 1);
    // A bead less is no step back.
    world.status.send_replace(Arc::new(status(&[0.05], false, "open")));
    assert_eq!(world.heart.beat(false).meter, before + 2);
    let last = world.heart.beat(true);
    assert_eq!((last.state, last.next_by), (Standing::Closed, None));
}

pub(super) const FINE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// A server that answers everything with one status and keeps the request lines.
pub(super) async fn server(answer: &'static str) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/id", listener.local_addr().unwrap());
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&lines);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            let n = stream.read(&mut buffer).await.unwrap_or(0);
            let line = String::from_utf8_lossy(&buffer[..n]).lines().next().unwrap_or_default().to_owned();
            kept.lock().unwrap().push(line);
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (url, lines)
}

#[tokio::test]
async fn a_ping_fails_while_nothing_advances() {
    let (url, lines) = server(FINE).await;
    let mut world = world(&url);
    for minutes in [0, 20, 31] {
        world.clock.advance(Duration::from_secs(minutes * 60));
        world.looks_around();
        let beat = world.heart.beat(false);
        world.heart.send(&beat).await.unwrap();
    }
    let kept = lines.lock().unwrap().clone();
    assert_eq!(kept, ["GET /id HTTP/1.1", "GET /id HTTP/1.1", "GET /id/fail HTTP/1.1"]);
}

#[tokio::test]
async fn a_failure_is_a_notice_once_and_names_no_path() {
    let (url, lines) =
        server("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/evil\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
    let mut world = world(&url);
    for _ in 0..3 {
        let beat = world.heart.beat(false);
        let sent = world.heart.send(&beat).await;
        world.heart.note(sent);
    }
    let events = world.journal.events(0, &Filter::default(), 100).unwrap();
    assert_eq!(events.len(), 1, "{events:?}");
    let Body::Notice { text } = &events[0].body else { panic!() };
    assert!(text.contains("answered 302") && !text.contains("/id"), "{text}");
    // A redirect is not followed.
    assert_eq!(lines.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn a_dispatcher_that_hangs_is_told_by_a_ping_that_fails() {
    let (url, lines) = server(FINE).await;
    let mut world = world(&url);
    world.looks_around();
    world.heart.tell(false).await;
    world.clock.advance(Duration::from_secs(299));
    world.heart.tell(false).await;
    world.clock.advance(Duration::from_secs(1));
    world.heart.tell(false).await;
    world.looks_around();
    world.heart.tell(false).await;
    let kept = lines.lock().unwrap().clone();
    let (good, bad) = ("GET /id HTTP/1.1", "GET /id/fail HTTP/1.1");
    assert_eq!(kept, [good, good, bad, good]);
}

#[test]
fn a_review_that_is_no_bead_s_is_progress_too() {
    let mut world = world("http://127.0.0.1:9/x");
    let before = world.heart.beat(false).meter;
    let more = Status { night_usd: 0.3, ..status(&[0.1], false, "open") };
    world.status.send_replace(Arc::new(more));
    assert_eq!(world.heart.beat(false).meter, before + 1);
}
