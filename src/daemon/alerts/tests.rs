use std::path::Path;

use super::*;
use crate::daemon::tests::fixture;
use crate::domain::event::Finish;
use crate::domain::ids::{BeadId, Oid, ProjectId};
use crate::domain::order::Order;
use crate::domain::run::Outcome;
use crate::feed::notify::tests::smtp::{FINE, Smtp, Way};

struct World {
    dir: tempfile::TempDir,
    smtp: Smtp,
}

impl World {
    async fn new(answer: &'static str) -> Self {
        let (dir, smtp) = (tempfile::tempdir().unwrap(), Smtp::open(Way::Plain, answer).await);
        let world = Self { dir, smtp };
        world.config("max_per_night: 1");
        world
    }

    fn config(&self, more: &str) {
        let dir = self.dir.path().join("config");
        std::fs::create_dir_all(&dir).unwrap();
        let port = self.smtp.port;
        let mail =
            format!("{{ smtp: '127.0.0.1:{port}', tls: 'off', from: b@example.org, to: a@example.org }}");
        let text = format!("notify:\n  dwell: 1s\n  group: 1s\n  mail: {mail}\n  {more}\n");
        std::fs::write(dir.join("config.yaml"), text).unwrap();
    }

    fn house(&self) -> Arc<House> {
        fixture::house(self.dir.path())
    }

    /// Waits until the rules follow.
    async fn reads(&self, house: &House) {
        while house.journal.outbox_read().unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn letters(&self, least: usize) -> Vec<String> {
        let subject = |data: &str| data.lines().find_map(|l| l.strip_prefix("Subject: ")).unwrap().to_owned();
        for _ in 0..100 {
            if self.smtp.letters().len() >= least {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.smtp.letters().iter().map(|letter| subject(&letter.data)).collect()
    }
}

/// A claim that ended at once.
fn ended(house: &House, bead: &str, unattended: bool, outcome: Outcome) {
    let base = Oid::parse(&"1".repeat(40)).unwrap();
    let order = Order { title: "Write it".into(), unattended, ..Order::unclaimed("main", base) };
    let finish = Finish {
        outcome,
        cause: None,
        commit: None,
        branch: None,
        attempts: 1,
        cost_usd: 0.1,
        reason: "because".into(),
    };
    for body in [Body::Claiming { order }, Body::Finished(finish)] {
        tell(house, Some(bead), body);
    }
}

fn tell(house: &House, bead: Option<&str>, body: Body) {
    let project = bead.map(|_| ProjectId::of_path(Path::new("/p")));
    let bead = bead.map(BeadId::new);
    house.journal.tell(Entry { project, bead, run: None, attempt: None, body }).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_past_is_no_news_and_a_restart_sends_nothing_twice() {
    let world = World::new(FINE).await;
    let house = world.house();
    ended(&house, "old-1", false, Outcome::Landed);
    let alerts = Alerts::start(Arc::clone(&house), Zone::UTC);
    tokio::time::sleep(Duration::from_millis(500)).await;
    ended(&house, "new-1", false, Outcome::Landed);
    assert_eq!(world.letters(1).await, ["new-1 landed"]);
    // Killed, and an event while nobody listens.
    drop(alerts);
    ended(&house, "new-2", false, Outcome::Failed);
    let alerts = Alerts::start(Arc::clone(&house), Zone::UTC);
    assert_eq!(world.letters(2).await, ["new-1 landed", "new-2 failed"]);
    alerts.finish().await;
    assert_eq!(world.letters(0).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scripted_night_gives_its_capped_alert_and_its_summary() {
    let world = World::new(FINE).await;
    let house = world.house();
    let alerts = Alerts::start(Arc::clone(&house), Zone::UTC);
    tokio::time::sleep(Duration::from_millis(500)).await;
    tell(&house, None, Body::NightOpened { night: "2026-11-21".into(), until: None, prospect: None });
    ended(&house, "a-1", true, Outcome::Landed);
    ended(&house, "a-2", true, Outcome::Failed);
    assert_eq!(world.letters(1).await, ["a-2 failed"]);
    ended(&house, "a-3", true, Outcome::Failed);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(world.letters(0).await.len(), 1, "one a night, as configured");
    let why = "nothing more can be done".to_owned();
    tell(&house, None, Body::NightEnded { night: "2026-11-21".into(), why, left: vec![], left_out: 0 });
    alerts.finish().await;
    assert_eq!(world.letters(2).await[1], "Night 2026-11-21: 1 landed, 2 failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f43_a_server_that_hangs_holds_up_nobody_and_the_alert_stays() {
    let world = World::new("hang").await;
    let house = world.house();
    let alerts = Alerts::start(Arc::clone(&house), Zone::UTC);
    tokio::time::sleep(Duration::from_millis(500)).await;
    ended(&house, "a-1", false, Outcome::Landed);
    tokio::time::sleep(Duration::from_secs(3)).await;
    tokio::time::timeout(LAST_WORDS + Duration::from_secs(3), alerts.finish()).await.unwrap();
    assert_eq!(house.journal.outbox_standing().unwrap().waiting, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_config_is_taken_over_and_a_broken_one_is_not() {
    let world = World::new(FINE).await;
    let house = world.house();
    let good = Good::default();
    let mut follower = Follower::new(Arc::clone(&house), Zone::UTC, Good::clone(&good)).unwrap();
    assert_eq!(follower.rules.max_per_night, 1);
    tokio::time::sleep(Duration::from_millis(20)).await;
    world.config("max_per_night: 7");
    follower.reload().unwrap();
    assert_eq!(follower.rules.max_per_night, 7);
    tokio::time::sleep(Duration::from_millis(20)).await;
    world.config("max_per_night: many");
    follower.reload().unwrap();
    assert_eq!(follower.rules.max_per_night, 7);
    // Nor by one that is taken up again meanwhile.
    drop(follower);
    let follower = Follower::new(Arc::clone(&house), Zone::UTC, good).unwrap();
    assert_eq!((follower.rules.max_per_night, follower.courier.channels.names().unwrap().len()), (7, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_quiet_hours_hold_back_is_said_at_the_end_and_sent_by_the_next_daemon() {
    let world = World::new(FINE).await;
    let now = Utc::now();
    let (start, stop) = (now - TimeDelta::hours(2), now + TimeDelta::hours(2));
    let hours = format!("start: '{}', stop: '{}', zone: UTC", start.format("%H:%M"), stop.format("%H:%M"));
    world.config(&format!("quiet_hours: {{ {hours} }}"));
    let house = world.house();
    let alerts = Alerts::start(Arc::clone(&house), Zone::UTC);
    world.reads(&house).await;
    ended(&house, "a-1", false, Outcome::Failed);
    alerts.finish().await;
    let (waiting, until) = held_back(&house, Zone::UTC).unwrap().unwrap();
    assert_eq!((waiting, until.format("%H:%M").to_string()), (1, stop.format("%H:%M").to_string()));
    assert_eq!(world.smtp.letters().len(), 0);
    world.config("max_per_night: 1");
    assert_eq!(held_back(&house, Zone::UTC).unwrap(), None, "it may go now");
    let alerts = Alerts::start(Arc::clone(&house), Zone::UTC);
    assert_eq!(world.letters(1).await, ["a-1 failed"]);
    alerts.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_channel_everything_is_read_and_nothing_waits() {
    let world = World::new(FINE).await;
    std::fs::write(world.dir.path().join("config/config.yaml"), "").unwrap();
    let house = world.house();
    let alerts = Alerts::start(Arc::clone(&house), Zone::UTC);
    tokio::time::sleep(Duration::from_millis(300)).await;
    ended(&house, "a-1", false, Outcome::Landed);
    alerts.finish().await;
    assert_eq!(house.journal.outbox_standing().unwrap().waiting, 0);
    assert_eq!(house.journal.outbox_read().unwrap().unwrap().0, house.journal.last_seq().unwrap());
}
