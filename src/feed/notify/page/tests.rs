use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::clock::{Clock as _, Manual};
use crate::domain::event::{Body, Finish};
use crate::domain::ids::{BeadId, Oid, ProjectId};
use crate::domain::order::Order;
use crate::domain::run::{Cause, Outcome};
use crate::journal::Entry;

#[test]
fn t39_the_brief_in_a_mail_has_no_link_but_ours() {
    let clock = Arc::new(Manual::at("2026-11-21T22:00:00Z".parse().unwrap()));
    let journal = Journal::in_memory(clock.clone()).unwrap();
    let tell = |bead: Option<&str>, body: Body| {
        let project = bead.map(|_| ProjectId::of_path(Path::new("/p")));
        let entry = Entry { project, bead: bead.map(BeadId::new), run: None, attempt: None, body };
        clock.advance(std::time::Duration::from_secs(60));
        journal.tell(entry).unwrap().seq
    };
    let evil = "see https://evil.example/x and www.evil.example".to_owned();
    let order = Order {
        title: evil.clone(),
        attempts: 3,
        token: "t".into(),
        actor: "beadwork/t".into(),
        unattended: true,
        ..Order::unclaimed("main", Oid::parse(&"1".repeat(40)).unwrap())
    };
    let finish = Finish {
        outcome: Outcome::Parked,
        cause: Some(Cause::new("question")),
        commit: None,
        branch: None,
        attempts: 1,
        cost_usd: 0.1,
        reason: evil.clone(),
    };
    let opened = tell(None, Body::NightOpened { night: "2026-11-21".into(), until: None, prospect: None });
    tell(Some("web-1"), Body::Claiming { order });
    tell(
        Some("web-1"),
        Body::Settling { outcome: Outcome::Parked, cause: finish.cause.clone(), reason: evil.clone() },
    );
    tell(Some("web-1"), Body::Finished(finish));
    tell(Some("web-1"), Body::Notice { text: evil.clone() });
    tell(None, Body::NightEnded { night: "2026-11-21".into(), why: evil, left: vec![], left_out: 0 });
    let base = Some("https://bead.example.org");
    let page = of(&journal, opened, base, (clock.now(), Zone::UTC)).unwrap().unwrap();
    assert!(page.text.contains("web-1") && page.html.contains("web-1"), "{}", page.text);
    assert!(page.text.contains("https://bead.example.org/brief/2026-11-21"), "{}", page.text);
    assert!(!page.images.is_empty() && page.images.iter().all(|image| image.png.starts_with(b"\x89PNG")));
    for part in [&page.text, &page.html] {
        assert!(!part.contains("evil"), "{part}");
    }
    assert_eq!(of(&journal, opened + 1, base, (clock.now(), Zone::UTC)).unwrap(), None);
}
