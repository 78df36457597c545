use std::os::unix::fs::PermissionsExt as _;

use chrono::TimeDelta;
use tokio::sync::mpsc;

use super::super::tests::{FINE, server};
use super::*;
use crate::clock::Manual;
use crate::feed::watchman::{self, Heard, Rules, Standing, Watchman};
use crate::journal::read::Filter;

/// A daemon's side, and a watchman's door on loopback.
struct World {
    dir: tempfile::TempDir,
    clock: Arc<Manual>,
    journal: Arc<Journal>,
    status: watch::Sender<Arc<Status>>,
    watchman: Watchman,
    heard: mpsc::Receiver<Heard>,
    door: String,
}

impl World {
    async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let secret = dir.path().join("watch.secret");
        std::fs::write(&secret, "sixteen bytes at least").unwrap();
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let door =
            format!("watch: {{ url: 'http://{address}/beat', secret_file: watch.secret, name: desk }}\n");
        let (sender, heard) = mpsc::channel(8);
        tokio::spawn(watchman::serve(listener, watchman::read_secret(&secret).unwrap(), sender));
        let clock = Arc::new(Manual::at("2026-11-21T22:00:00Z".parse().unwrap()));
        let journal = Arc::new(Journal::in_memory(Arc::clone(&clock) as Arc<dyn Clock>).unwrap());
        let (status, watchman) = (watch::Sender::default(), Watchman::default());
        Self { dir, clock, journal, status, watchman, heard, door }
    }

    /// Writes the config; no two have the same time.
    fn config(&self, text: &str, second: u64) {
        let file = self.file();
        std::fs::write(&file, text).unwrap();
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        std::fs::File::options().write(true).open(file).unwrap().set_modified(at).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("config.yaml")
    }

    fn beating(&self) -> Beating {
        let (journal, clock) = (Arc::clone(&self.journal), Arc::clone(&self.clock) as Arc<dyn Clock>);
        let source = Source { file: self.file(), journal, clock, status: self.status.subscribe() };
        let wish = User::read(&source.file).unwrap().watch;
        let heart = wish.map(|wish| source.heart(wish).unwrap());
        let read = written(&source.file);
        Beating { source, heart, read }
    }

    /// Believes the next beat, and says what it told.
    async fn hears(&mut self) -> Standing {
        let heard = tokio::time::timeout(Duration::from_secs(20), self.heard.recv()).await;
        let Ok(Some(Heard::Beat(beat, answer))) = heard else { panic!("{heard:?} is no beat") };
        self.watchman.hear(&beat, self.clock.now(), Rules::default()).unwrap();
        answer.send(true).unwrap();
        beat.state
    }

    /// What the watchman says a quarter of an hour later.
    fn later(&mut self) -> Vec<String> {
        let at = self.clock.now() + TimeDelta::minutes(15);
        self.watchman.look(at, Rules::default()).into_iter().map(|message| message.title).collect()
    }
}

#[tokio::test]
async fn a_daemon_that_dies_of_its_own_error_is_missed_and_one_that_leaves_is_not() {
    for dies in [true, false] {
        let mut world = World::open().await;
        world.config(&world.door.clone(), 1);
        let pulse = Pulse::of(world.beating());
        assert_eq!(world.hears().await, Standing::Idle);
        if dies {
            pulse.die().await;
            assert_eq!(world.later(), ["desk is silent"]);
            assert!(world.heard.try_recv().is_err(), "it said nothing more");
        } else {
            let (_, state) = tokio::join!(pulse.leave(), world.hears());
            assert_eq!(state, Standing::Closed);
            assert_eq!(world.later(), Vec::<String>::new());
        }
    }
}

#[tokio::test]
async fn a_dispatcher_that_hangs_is_not_told_as_a_healthy_one() {
    let mut world = World::open().await;
    world.config(&world.door.clone(), 1);
    let mut beating = world.beating();
    let heart = beating.heart.as_mut().unwrap();
    tokio::join!(heart.tell(false), world.hears());
    world.clock.advance(Duration::from_secs(300));
    heart.tell(false).await;
    assert!(world.heard.try_recv().is_err(), "a beat for a dispatcher that hangs");
    assert_eq!(world.later(), ["desk is silent"]);
    let at = Some(world.clock.now());
    world.status.send_replace(Arc::new(Status { at, ..Status::default() }));
    tokio::join!(heart.tell(false), world.hears());
    // A daemon that is told to go says so, however its dispatcher is.
    world.clock.advance(Duration::from_secs(300));
    let (_, state) = tokio::join!(heart.tell(true), world.hears());
    assert_eq!(state, Standing::Closed);
}

#[tokio::test]
async fn a_changed_watch_is_taken_over_and_whoever_was_told_before_hears_a_farewell() {
    let mut world = World::open().await;
    world.config("", 1);
    let mut beating = world.beating();
    assert!(beating.heart.is_none());
    world.config(&world.door.clone(), 2);
    beating.reload().await;
    tokio::join!(beating.heart.as_mut().unwrap().tell(false), world.hears());
    // A mistake, and a secret that is not there: it stays as it was.
    world.config("watch: [", 3);
    beating.reload().await;
    world.config(&world.door.replace("watch.secret", "none"), 4);
    beating.reload().await;
    assert!(beating.heart.is_some());
    let notices = world.journal.events(0, &Filter::default(), 9).unwrap();
    assert_eq!(notices.len(), 1, "{notices:?}");
    let (url, lines) = server(FINE).await;
    world.config(&format!("watch: {{ url: '{url}', style: ping }}\n"), 5);
    let (_, state) = tokio::join!(beating.reload(), world.hears());
    assert_eq!(state, Standing::Closed);
    beating.heart.as_mut().unwrap().tell(false).await;
    assert_eq!(lines.lock().unwrap().len(), 1);
    world.config("", 6);
    beating.reload().await;
    assert!(beating.heart.is_none());
}
