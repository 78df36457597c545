use chrono::TimeZone as _;

use super::*;
use crate::domain::event::{Body, Event, Order};
use crate::domain::ids::{BeadId, Oid, ProjectId};
use crate::domain::run::{Cause, Outcome};

fn ended(bead: &str, title: &str, outcome: Outcome) -> (Story, DateTime<Utc>) {
    let at = Utc.with_ymd_and_hms(2026, 11, 21, 3, 0, 0).unwrap();
    let order =
        Order { title: title.to_owned(), ..Order::unclaimed("main", Oid::parse(&"a".repeat(40)).unwrap()) };
    let event = Event {
        seq: 1,
        at,
        project: Some(ProjectId::of_path(std::path::Path::new("/x/repo"))),
        bead: Some(BeadId::new(bead)),
        run: None,
        attempt: None,
        body: Body::Claiming { order },
    };
    let mut story = Story::open(&event).unwrap();
    story.finish.outcome = outcome;
    story.finish.cause = Some(Cause::new("gate"));
    story.finish.reason = "the gates failed".to_owned();
    (story, at + chrono::TimeDelta::minutes(90))
}

#[test]
fn words_and_filters_narrow_the_list() {
    let all: Vec<_> = (0..120)
        .map(|n| {
            let outcome = if n % 2 == 0 { Outcome::Landed } else { Outcome::Parked };
            ended(&format!("b-{n}"), if n == 7 { "Mend the Röntgen net" } else { "Sew" }, outcome)
        })
        .collect();
    let wanted = |words: &str, outcome: &str, page| Wanted {
        words: words.to_owned(),
        outcome: outcome.to_owned(),
        page,
        ..Wanted::default()
    };
    let (first, more) = rows(&all, &wanted("", "", 0));
    assert_eq!((first.len(), more), (PAGE, true));
    assert_eq!((rows(&all, &wanted("", "", 2)).0.len(), rows(&all, &wanted("", "", 2)).1), (20, false));
    let (found, _) = rows(&all, &wanted("RÖNTGEN  gates", "", 0));
    assert_eq!((found.len(), found[0].bead.as_str(), found[0].took.as_str()), (1, "b-7", "90 min 0 s"));
    assert_eq!(rows(&all, &wanted("röntgen", "landed", 0)).0.len(), 0);
    assert_eq!(rows(&all, &wanted("sew", "parked", 0)).0[0].outcome, "parked");
    assert_eq!(rows(&all, &Wanted { project: "other".to_owned(), ..Wanted::default() }).0.len(), 0);
}
