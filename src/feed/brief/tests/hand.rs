//! Nights written by hand: what no simulated one has, and hostile words.

use chrono::{DateTime, Utc};

use super::super::*;
use super::{wrongs, zone};
use crate::clock::Manual;
use crate::domain::event::Body;
use crate::domain::event::{Finish, GivenBack, Order};
use crate::domain::ids::{BeadId, Oid, ProjectId, RunId};
use crate::domain::night::Left;
use crate::domain::order::Again;
use crate::domain::run::{Cause, Outcome};
use crate::domain::verdict::Filed;
use crate::journal::read::Filter;
use crate::journal::{Entry, Journal};
use std::sync::Arc;
use std::time::Duration;

pub(super) struct Night {
    pub(super) journal: Journal,
    clock: Arc<Manual>,
    project: ProjectId,
}

pub(super) fn oid(c: char) -> Oid {
    Oid::parse(&c.to_string().repeat(40)).unwrap()
}

impl Night {
    pub(super) fn new() -> Self {
        let start: DateTime<Utc> = "2026-11-21T21:00:00Z".parse().unwrap();
        let clock = Arc::new(Manual::at(start));
        let journal = Journal::in_memory(Arc::clone(&clock) as Arc<dyn crate::clock::Clock>).unwrap();
        let path = std::path::Path::new("/somewhere/tally");
        journal.add_project("tally", path).unwrap().unwrap();
        Self { journal, clock, project: ProjectId::of_path(path) }
    }

    pub(super) fn later(&self, minutes: u64) -> &Self {
        self.clock.advance(Duration::from_secs(minutes * 60));
        self
    }

    pub(super) fn tell(&self, bead: Option<&str>, body: Body) -> u64 {
        let entry = Entry {
            project: bead.map(|_| self.project.clone()),
            bead: bead.map(BeadId::new),
            run: bead.map(|id| RunId::from_bytes([u8::try_from(id.len()).unwrap(); 16])),
            attempt: None,
            body,
        };
        self.journal.tell(entry).unwrap().seq
    }

    pub(super) fn open(&self) -> &Self {
        self.tell(None, Body::NightOpened { night: "2026-11-21".into(), until: None, prospect: None });
        self
    }

    pub(super) fn close(&self, left: Vec<Left>) -> &Self {
        let (night, why) = ("2026-11-21".into(), "its window closed".into());
        self.tell(None, Body::NightEnded { night, why, left, left_out: 3 });
        self
    }

    pub(super) fn claim(&self, bead: &str, title: &str) -> &Self {
        let order = Order {
            title: title.into(),
            attempts: 3,
            token: "t".into(),
            actor: "a".into(),
            ..Order::unclaimed("main", oid('a'))
        };
        self.tell(Some(bead), Body::Claiming { order });
        self
    }

    pub(super) fn finish(&self, bead: &str, outcome: Outcome, cause: Option<&str>, reason: &str) -> &Self {
        let branch = cause.filter(|c| *c == "branch").map(|_| format!("bead/{bead}"));
        self.tell(
            Some(bead),
            Body::Finished(Finish {
                outcome,
                cause: cause.map(Cause::new),
                commit: branch.as_ref().map(|_| oid('c')),
                branch,
                attempts: 2,
                cost_usd: 0.25,
                reason: reason.into(),
            }),
        );
        self
    }

    pub(super) fn brief(&self, which: &Which) -> Brief {
        let now = crate::clock::Clock::now(&*self.clock);
        let brief = of(&self.journal, which, now, zone()).unwrap().unwrap();
        let events = self.journal.events(0, &Filter::default(), usize::MAX).unwrap();
        assert_eq!(wrongs(&brief, &events), Vec::<String>::new());
        brief
    }
}

fn command(brief: &Brief, bead: &str) -> Option<String> {
    let items = brief.sections.iter().flat_map(|section| &section.items);
    let of = items.filter(|item| item.bead.as_ref().is_some_and(|b| b.id == bead));
    of.filter_map(|item| item.action.clone()).map(|action| action.command).next()
}

#[test]
fn every_cause_has_its_one_action() {
    let night = Night::new();
    night.open();
    let cases = [
        ("t-1", Outcome::Parked, Some("protected"), "bead approve t-1 --project tally"),
        ("t-2", Outcome::Parked, Some("question"), "bead answer t-2 \"...\" --project tally"),
        ("t-3", Outcome::Parked, Some("gate"), "bead retry t-3 --project tally"),
        ("t-4", Outcome::Parked, Some("branch"), "git merge bead/t-4"),
        ("t-5", Outcome::NoChange, None, "bead approve t-5 --project tally"),
        ("$(x) 6", Outcome::Parked, None, "bead retry '$(x) 6' --project tally"),
        ("it's", Outcome::Parked, None, "bead retry 'it'\\''s' --project tally"),
    ];
    for (bead, outcome, cause, _) in cases {
        night.claim(bead, "A bead").later(5).finish(bead, outcome, cause, "because of something");
    }
    night.close(vec![]);
    let brief = night.brief(&Which::Last);
    for (bead, _, _, expected) in cases {
        assert_eq!(command(&brief, bead).as_deref(), Some(expected));
    }
    assert_eq!(brief.tally.needs_you, 7);
    assert!(
        brief.headline.text.starts_with("Night 2026-11-21 (22:00 to 22:35): 7 need you"),
        "{}",
        brief.headline.text
    );
}

#[test]
fn what_was_settled_since_asks_nothing_any_more() {
    let night = Night::new();
    night
        .open()
        .claim("t-1", "One")
        .later(5)
        .finish("t-1", Outcome::Parked, Some("protected"), "x")
        .close(vec![]);
    assert_eq!(night.brief(&Which::Last).tally.needs_you, 1);
    night.later(300);
    night.tell(
        Some("t-1"),
        Body::GivenBack { by: "ann".into(), how: GivenBack::Approved { tip: Some(oid('b')) } },
    );
    let brief = night.brief(&Which::Last);
    let item = &brief.section(Kind::NeedsYou).unwrap().items[0];
    assert_eq!(item.settled.as_ref().unwrap().text, "approved since");
    assert_eq!((item.action.as_ref(), brief.tally.needs_you), (None, 0));
}

#[test]
fn what_was_approved_lands_with_the_size_of_the_work_it_took_over() {
    let night = Night::new();
    night.open().claim("t-1", "One").later(5);
    let lines = Some((30, 4));
    night.tell(
        Some("t-1"),
        Body::Exported {
            tip: oid('b'),
            commits: 1,
            wip: false,
            files: 2,
            lines,
            tracker_touched: vec![],
            unresolved: vec![],
        },
    );
    night.finish("t-1", Outcome::Parked, Some("protected"), "x");
    night.tell(
        Some("t-1"),
        Body::GivenBack { by: "ann".into(), how: GivenBack::Approved { tip: Some(oid('b')) } },
    );
    let again = Again {
        run: RunId::from_bytes([3; 16]),
        tip: oid('b'),
        at: crate::clock::Clock::now(&*night.clock),
        base: oid('a'),
        session: None,
        word: None,
        approved: Some(oid('b')),
        lifts: Vec::new(),
        straight: true,
        reviewed: Box::default(),
        spent_usd: 0.0,
    };
    let order = Order { title: "One".into(), again: Some(again), ..Order::unclaimed("main", oid('a')) };
    night.tell(Some("t-1"), Body::Claiming { order });
    let finish = Finish {
        outcome: Outcome::Landed,
        cause: None,
        commit: Some(oid('c')),
        branch: None,
        attempts: 0,
        cost_usd: 0.0,
        reason: "landed on main".into(),
    };
    night.tell(Some("t-1"), Body::Finished(finish));
    let brief = night.close(vec![]).brief(&Which::Last);
    let item = &brief.section(Kind::Landed).unwrap().items[0];
    assert_eq!(item.line.text, "landed on main: cccccccccc, 2 files, +30 -4; $0.00, no attempt of its own");
}

#[test]
fn what_had_no_turn_what_was_proposed_and_what_was_not_pushed() {
    let night = Night::new();
    night.open().claim("t-1", "One").later(5);
    let filed = |bead: &str, proposed| Filed {
        fingerprint: "f".into(),
        title: "a defect".into(),
        bead: Some(BeadId::new(bead)),
        created: true,
        proposed,
        why: None,
    };
    night.tell(
        Some("t-1"),
        Body::FindingsFiled { filed: vec![filed("t-8", true), filed("t-9", false)], left_out: 1 },
    );
    let push = |branch: &str, reason: Option<&str>| {
        let (remote, branch, commit) = ("origin".into(), branch.into(), oid('c'));
        match reason {
            Some(reason) => Body::PushFailed { remote, branch, commit, reason: reason.into() },
            None => Body::Pushed { remote, branch, commit },
        }
    };
    night.tell(Some("t-1"), push("main", Some("no route")));
    night.tell(Some("t-1"), push("other", Some("no route")));
    night.tell(Some("t-1"), push("main", None));
    night.finish("t-1", Outcome::Landed, None, "landed on main");
    let left = Left {
        project: ProjectId::of_path(std::path::Path::new("/somewhere/tally")),
        bead: BeadId::new("t-7"),
        title: "Seven".into(),
        reason: "the window closed".into(),
    };
    night.close(vec![left]);
    let brief = night.brief(&Which::Named("2026-11-21".into()));
    let texts = |kind| -> Vec<String> {
        brief.section(kind).unwrap().items.iter().map(|item| item.line.text.clone()).collect()
    };
    assert_eq!(texts(Kind::Findings)[..2], ["t-8 is proposed: a defect", "t-9 was added: a defect"]);
    let proposed = &brief.section(Kind::Findings).unwrap().items[0];
    assert_eq!(proposed.action.as_ref().unwrap().command, "bead approve t-8 --project tally");
    assert_eq!(texts(Kind::NeedsYou), ["1 proposed bead from findings for your approval, listed below"]);
    let page = crate::feed::view::brief::BriefPage::of(&brief, &|_| None);
    let presses = page.sections.iter().flat_map(|s| &s.items).flat_map(|item| &item.actions);
    let presses: Vec<&str> = presses.map(|action| action.name.as_str()).collect();
    assert_eq!(presses, ["Approve t-8"], "what was found is approved, not where");
    assert_eq!(texts(Kind::Unsent), ["not pushed to other of origin, will be tried again: no route"]);
    assert_eq!(texts(Kind::NotStarted), ["waits: the window closed", "3 more beads had no turn"]);
}

#[test]
fn a_proposed_bead_that_was_opened_or_closed_since_needs_nobody() {
    let filed = |bead: &str| Filed {
        fingerprint: "f".into(),
        title: "a defect".into(),
        bead: Some(BeadId::new(bead)),
        created: true,
        proposed: true,
        why: None,
    };
    let night = Night::new();
    night.open().claim("t-1", "One").later(5);
    let all = vec![filed("t-7"), filed("t-8"), filed("t-9")];
    night.tell(Some("t-1"), Body::FindingsFiled { filed: all, left_out: 0 });
    night.finish("t-1", Outcome::Landed, None, "landed on main");
    let approved = || Body::GivenBack { by: "ann".into(), how: GivenBack::Approved { tip: None } };
    night.tell(Some("t-7"), approved());
    night.close(vec![]).later(60);
    assert_eq!(night.brief(&Which::Last).tally.needs_you, 2);
    night.tell(Some("t-8"), approved());
    night.tell(Some("t-9"), Body::ByHand { what: "closed: not worth it".into() });
    let brief = night.brief(&Which::Last);
    assert_eq!(brief.tally.needs_you, 0);
    assert!(brief.section(Kind::NeedsYou).is_none());
    let items = &brief.section(Kind::Findings).unwrap().items;
    let told: Vec<_> = items.iter().map(|item| item.settled.as_ref().unwrap().text.as_str()).collect();
    assert_eq!(told, ["approved since", "approved since", "by hand since: closed: not worth it"]);
    assert!(items.iter().all(|item| item.action.is_none()));
}

#[test]
fn nights_have_names_and_ends() {
    let night = Night::new();
    assert_eq!(night.brief(&Which::Last).night.state, NightState::Day);
    night.open().later(60).open().later(60).close(vec![]);
    let rows = nights(&night.journal, "2026-11-22T00:00:00Z".parse().unwrap()).unwrap();
    let told: Vec<_> = rows.iter().map(|row| (row.id.as_str(), row.state)).collect();
    assert_eq!(told, [("2026-11-21", NightState::CutOff), ("2026-11-21.2", NightState::Over)]);
    assert_eq!((rows[0].last, rows[1].first), (1, 2));
    assert!(night.brief(&Which::Named("2026-11-21".into())).headline.text.contains("nothing tells its end"));
    let unknown = of(&night.journal, &Which::Named("2026".into()), rows[1].opened, zone()).unwrap();
    assert_eq!(unknown, None);
}

#[test]
fn a_suspension_of_an_earlier_night_is_told_with_its_end() {
    let night = Night::new();
    night.open().claim("t-1", "One").later(5);
    let until = Some("2026-11-22T03:00:00Z".parse().unwrap());
    night.tell(
        Some("t-1"),
        Body::Suspended { cause: Cause::new("usage_limit"), reason: "the limit".into(), until },
    );
    night.close(vec![]);
    let brief = night.brief(&Which::Last);
    let item = &brief.section(Kind::Suspended).unwrap().items[0];
    assert_eq!(item.line.text, "suspended until 04:00: the limit");
    assert_eq!(brief.tally.suspended, 1);
}

#[test]
fn t34_t39_hostile_words_act_nowhere() {
    let night = Night::new();
    let evil = "<script>alert(1)</script>\u{1b}[2J\u{202e}\"' onload=x & <img src=x onerror=y>";
    night.open();
    for bead in ["t-1", "<b>'\"--x"] {
        night.claim(bead, evil).later(5).finish(bead, Outcome::Parked, Some(evil), evil);
    }
    night.claim("t-3", evil).later(1);
    night.tell(Some("t-3"), Body::Notice { text: evil.into() });
    night.close(vec![]);
    let brief = night.brief(&Which::Last);
    let body = mail(&brief);
    for text in [html(&brief), page(&brief), body.html] {
        assert!(
            !text.contains("<script") && !text.contains("<img src=x") && !text.contains("<b>'"),
            "{text}"
        );
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
        assert!(!text.contains("style="));
    }
    assert!(!body.text.contains('\u{1b}'));
    for (_, line) in text(&brief, 60) {
        assert!(!line.contains(['\u{1b}', '\u{202e}', '\n']), "{line:?}");
    }
}

#[test]
fn a_reviewer_is_billed_once() {
    use crate::domain::event::{AgentEnd, Ending};
    use crate::domain::verdict::{Review, Verdict};
    let night = Night::new();
    night.open().claim("t-1", "One").later(5);
    let end = AgentEnd { cost_usd: 0.5, ..AgentEnd::without_agent(Ending::Finished, String::new()) };
    night.tell(Some("t-1"), Body::AgentEnded(end));
    let review = Review {
        round: 1,
        verdict: Verdict::Accept,
        reason: "nothing is open".into(),
        summary: String::new(),
        ready: Some(true),
        ledger: vec![],
        unread: vec![],
    };
    night.tell(Some("t-1"), Body::Reviewed { review, cost_usd: 0.5 });
    night.finish("t-1", Outcome::Landed, None, "landed on main").close(vec![]);
    let brief = night.brief(&Which::Last);
    assert!((brief.money.usd - 0.5).abs() < 1e-9, "{:?}", brief.money);
    let item = &brief.section(Kind::Landed).unwrap().items[0];
    assert_eq!(item.facts.review.as_deref(), Some("accept"));
    assert_eq!(item.more[0].text, "review accepted in round 1: nothing is open");
}

#[test]
fn a_mail_has_links_only_where_there_is_a_base() {
    let night = Night::new();
    night.open().claim("t-1", "One").later(5).finish("t-1", Outcome::Parked, None, "x").close(vec![]);
    let mut brief = night.brief(&Which::Last);
    let body = mail(&brief);
    assert!(!body.html.contains("href") && !body.text.contains("http"));
    assert!(body.text.contains("bead retry t-1 --project tally"), "{}", body.text);
    assert_eq!(body.images.len(), body.html.matches("<img ").count());
    for image in &body.images {
        assert!(body.html.contains(&format!("\"cid:{}\"", image.cid())), "{}", body.html);
    }
    brief.base = Some("https://bead.example/".into());
    let body = mail(&brief);
    assert!(body.text.contains("https://bead.example/brief/2026-11-21"), "{}", body.text);
    assert!(body.html.contains("href=\"https://bead.example/projects/"), "{}", body.html);
}
