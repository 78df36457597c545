use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::clock::{Clock as _, Manual};

fn world() -> (Arc<Manual>, Journal) {
    let clock = Arc::new(Manual::at("2026-11-21T22:00:00Z".parse().unwrap()));
    let journal = Journal::in_memory(clock.clone()).unwrap();
    (clock, journal)
}

fn device(n: usize) -> Device {
    Device {
        id: format!("d{n:02}"),
        name: "phone".into(),
        endpoint: format!("https://push.example/{n}"),
        p256dh: "k".into(),
        auth: "a".into(),
        created: "2026-11-21T22:00:00Z".parse().unwrap(),
        last_ok: None,
    }
}

#[test]
fn t35_there_are_at_most_twenty_devices() {
    let (_, journal) = world();
    for n in 0..MOST_DEVICES {
        assert!(journal.keep_device(&device(n)).unwrap());
    }
    assert!(!journal.keep_device(&device(99)).unwrap());
    let renamed = Device { id: "other".into(), name: "tablet".into(), ..device(3) };
    assert!(journal.keep_device(&renamed).unwrap(), "one that is known is no new one");
    let devices = journal.devices().unwrap();
    assert_eq!(
        (devices.len(), devices[3].name.as_str(), devices[3].id.as_str()),
        (MOST_DEVICES, "tablet", "d03")
    );
    journal.device_reached("d03").unwrap();
    assert!(journal.devices().unwrap()[3].last_ok.is_some());
    assert!(journal.forget_device("https://push.example/3").unwrap());
    assert!(!journal.forget_device("d03").unwrap());
    assert_eq!(journal.forget_devices().unwrap(), MOST_DEVICES - 1);
}

#[test]
fn a_link_acts_once_and_not_after_its_time() {
    let (clock, journal) = world();
    let capability = Capability {
        action: Action::Approve,
        project: ProjectId::of_path(std::path::Path::new("/p")),
        bead: BeadId::new("a-1"),
        story: Some(7),
        run: None,
        tip: Some(Oid::parse(&"1".repeat(40)).unwrap()),
        expires: clock.now() + chrono::TimeDelta::hours(24),
        used: false,
    };
    journal.grant("h1", &capability).unwrap();
    journal.grant("h2", &capability).unwrap();
    assert_eq!(journal.capability("h1").unwrap().unwrap(), capability, "looking uses nothing up");
    assert!(journal.use_capability("h1").unwrap().is_some());
    assert_eq!(journal.use_capability("h1").unwrap(), None);
    assert!(journal.capability("h1").unwrap().unwrap().used);
    assert_eq!(journal.use_capability("h3").unwrap(), None);
    clock.advance(Duration::from_secs(24 * 3600));
    assert_eq!(journal.use_capability("h2").unwrap(), None, "its time is over");
    assert_eq!(journal.prune_capabilities(clock.now() + chrono::TimeDelta::seconds(1)).unwrap(), 2);
}
