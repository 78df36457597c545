use std::collections::BTreeMap;
use std::sync::Mutex;

use super::super::alert::{BeadEnd, Item, Kind, Lane, What};
use super::super::channel::{Channel, Class, Kept};
use super::*;
use crate::clock::{Manual, Seeded};
use crate::domain::ids::{BeadId, Oid, ProjectId};
use crate::domain::run::Outcome;
use crate::journal::outbox::Posted;
use crate::journal::reach::Action;
use crate::journal::read::Filter;

/// Doubles by name.
#[derive(Default)]
struct Doubles(Mutex<BTreeMap<String, Arc<Kept>>>);

impl Doubles {
    fn add(&self, name: &str, channel: Kept) -> Arc<Kept> {
        let channel = Arc::new(channel);
        self.0.lock().unwrap().insert(name.to_owned(), Arc::clone(&channel));
        channel
    }
}

impl Channels for Doubles {
    fn names(&self) -> Result<Vec<String>, JournalError> {
        Ok(self.0.lock().unwrap().keys().cloned().collect())
    }

    fn open(&self, name: &str) -> Result<Option<Arc<dyn Channel>>, Failed> {
        Ok(self.0.lock().unwrap().get(name).cloned().map(|kept| kept as Arc<dyn Channel>))
    }
}

struct World {
    clock: Arc<Manual>,
    doubles: Arc<Doubles>,
    courier: Courier,
}

fn world(public: Option<&str>) -> World {
    let clock = Arc::new(Manual::at("2026-11-21T22:00:00Z".parse().unwrap()));
    let doubles = Arc::new(Doubles::default());
    let courier = Courier {
        journal: Arc::new(Journal::in_memory(clock.clone()).unwrap()),
        clock: clock.clone(),
        ids: Arc::new(Seeded::new(1)),
        channels: doubles.clone(),
        links: Links::new(public),
        zone: Zone::UTC,
    };
    World { clock, doubles, courier }
}

fn alert(key: &str) -> Alert {
    let at = "2026-11-21T22:00:00Z".parse().unwrap();
    let end = BeadEnd {
        project: ProjectId::of_path(std::path::Path::new("/p")),
        bead: BeadId::new("web-1"),
        title: "t".into(),
        outcome: Outcome::Parked,
        cause: Some("protected".into()),
        reason: "r".into(),
        cost_usd: 0.1,
        attempts: 1,
        claim: Some(7),
        run: None,
        tip: Some(Oid::parse(&"1".repeat(40)).unwrap()),
    };
    let (kind, lane) = (Kind::NeedsYou, Lane::Unattended);
    Alert {
        key: key.into(),
        kind,
        at,
        items: vec![Item { key: key.into(), at, kind, lane, what: What::Bead(end) }],
    }
}

impl World {
    fn post(&self, key: &str) {
        let channels = self.doubles.names().unwrap();
        let alert = serde_json::to_string(&alert(key)).unwrap();
        let posted = Posted { key: key.into(), kind: "needs_you".into(), alert, channels };
        self.courier.journal.post(1, "", &[posted]).unwrap();
    }

    /// Goes on until nothing waits, and says how long that took.
    async fn until_quiet(&self) -> TimeDelta {
        let begun = self.clock.now();
        while let Some(next) = self.courier.next().unwrap() {
            self.clock.advance((next - self.clock.now()).to_std().unwrap_or_default());
            self.courier.round().await.unwrap();
        }
        self.clock.now() - begun
    }

    fn notices(&self) -> Vec<String> {
        let events = self.courier.journal.events(0, &Filter::default(), 100).unwrap();
        events.into_iter().map(|event| crate::feed::tell::sentence(&event.body)).collect()
    }
}

fn down() -> Failed {
    Failed::later(Class::Connect, "connection refused")
}

#[tokio::test]
async fn f43_what_fails_is_tried_again_and_sent_once() {
    let w = world(None);
    let mail = w.doubles.add("mail", Kept::failing(vec![down(), down(), down()]));
    let topic = w.doubles.add("topic", Kept::default());
    w.post("a");
    let took = w.until_quiet().await;
    assert_eq!((mail.taken().len(), topic.taken().len()), (1, 1), "the other channel is not sent to again");
    assert!(took > TimeDelta::minutes(10) && took < TimeDelta::minutes(15), "{took}");
    assert_eq!(
        w.notices(),
        ["alerts by mail do not get through (tried again for a day): connect: connection refused"]
    );
}

#[tokio::test]
async fn f43_after_a_day_it_is_given_up_visibly() {
    let w = world(None);
    let mail = w.doubles.add("mail", Kept::failing(vec![down(); 1000]));
    w.post("a");
    let took = w.until_quiet().await;
    assert!(took <= TimeDelta::hours(24) && took > TimeDelta::hours(22), "{took}");
    assert_eq!(mail.taken().len(), 0);
    let line = w.courier.journal.outbox_lines(1).unwrap().remove(0);
    assert_eq!(
        (line.state.as_str(), line.last.as_str()),
        ("given_up", "connect: connection refused; tried for a day")
    );
    assert!((25..40).contains(&line.tries), "{}", line.tries);
    assert_eq!(w.notices().len(), 1, "and told once");
    assert_eq!(w.courier.journal.outbox_standing().unwrap().given_up, 1);
}

#[tokio::test]
async fn f44_a_service_that_says_when_is_not_asked_before() {
    let w = world(None);
    let busy =
        Failed { class: Class::Refused, why: "429".into(), retry: Retry::After(Duration::from_secs(7200)) };
    let gone = Failed { class: Class::Refused, why: "410".into(), retry: Retry::Gone };
    let one = w.doubles.add("push/1", Kept::failing(vec![busy]));
    let two = w.doubles.add("push/2", Kept::failing(vec![gone]));
    w.post("a");
    assert_eq!(w.courier.round().await.unwrap(), 2);
    assert_eq!(w.courier.next().unwrap().unwrap() - w.clock.now(), TimeDelta::hours(2));
    w.until_quiet().await;
    assert_eq!((one.taken().len(), two.taken().len()), (1, 0));
}

#[tokio::test]
async fn a_crash_in_the_middle_costs_a_pause_only() {
    let w = world(None);
    let mail = w.doubles.add("mail", Kept::default());
    w.post("a");
    let delivery = w.courier.journal.due_deliveries(w.clock.now(), 1).unwrap().remove(0);
    // A process takes it and dies.
    assert!(w.courier.journal.try_delivery(&delivery, w.clock.now() + LEASE).unwrap());
    assert_eq!(w.courier.round().await.unwrap(), 0);
    assert_eq!(w.until_quiet().await, LEASE);
    assert_eq!(mail.taken().len(), 1);
}

#[tokio::test]
async fn there_are_no_links_without_a_public_address() {
    let w = world(None);
    let mail = w.doubles.add("mail", Kept::default());
    w.post("a");
    w.until_quiet().await;
    let message = mail.taken().remove(0);
    assert_eq!((message.link, message.actions), (None, vec![]));
}

#[tokio::test]
async fn links_are_ours_by_id_and_bound_to_what_was_seen() {
    let w = world(Some("https://bead.example.org/"));
    let mail = w.doubles.add("mail", Kept::default());
    w.post("a");
    w.until_quiet().await;
    let message = mail.taken().remove(0);
    let project = ProjectId::of_path(std::path::Path::new("/p"));
    assert_eq!(message.link.unwrap(), format!("https://bead.example.org/projects/{project}/beads/web-1"));
    assert_eq!(
        message.actions.iter().map(|l| l.action).collect::<Vec<_>>(),
        [Action::Approve, Action::Retry]
    );
    let secret = message.actions[0].url.strip_prefix("https://bead.example.org/act/").unwrap();
    assert_eq!(secret.len(), 43);
    let journal = &w.courier.journal;
    assert!(journal.capability(secret).unwrap().is_none(), "the secret itself is not kept");
    let capability = journal.capability(&super::super::links::hash(secret)).unwrap().unwrap();
    assert_eq!(capability.tip, Some(Oid::parse(&"1".repeat(40)).unwrap()));
    assert_eq!(capability.expires - w.clock.now(), TimeDelta::hours(24));
}

#[tokio::test]
async fn an_alert_that_cannot_be_read_is_given_up() {
    let w = world(None);
    w.doubles.add("mail", Kept::default());
    let posted = Posted {
        key: "a".into(),
        kind: "k".into(),
        alert: "{".into(),
        channels: vec!["mail".into(), "fax".into()],
    };
    w.courier.journal.post(1, "", &[posted]).unwrap();
    w.until_quiet().await;
    assert_eq!(w.courier.journal.outbox_standing().unwrap().given_up, 2);
}
