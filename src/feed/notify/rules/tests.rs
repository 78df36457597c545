use proptest::prelude::*;

use super::super::alert::Summary;
use super::*;
use crate::config::notify::Quiet;
use crate::config::zone::Zone;
use crate::domain::ending::{AgentEnd, Ending};
use crate::domain::order::{Again, GivenBack, Order};
use crate::domain::run::Cause;

const DWELL: i64 = 60;
const GROUP: i64 = 30;

fn rules() -> Rules {
    Rules {
        dwell: TimeDelta::seconds(DWELL),
        group: TimeDelta::seconds(GROUP),
        quiet: None,
        max_per_night: 2,
    }
}

fn quiet(needs_you: bool) -> Rules {
    let time = |h| NaiveTime::from_hms_opt(h, 0, 0).unwrap();
    let quiet = Quiet { start: time(22), stop: time(7), zone: Some(Zone::UTC), needs_you };
    Rules { quiet: Some(QuietHours::new(&quiet, Zone::UTC)), ..rules() }
}

use chrono::NaiveTime;

fn at(seconds: i64) -> DateTime<Utc> {
    "2026-11-21T23:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::seconds(seconds)
}

fn order(unattended: bool) -> Order {
    Order {
        title: "Write it".into(),
        attempts: 3,
        token: "t".into(),
        actor: "beadwork/t".into(),
        unattended,
        ..Order::unclaimed("main", Oid::parse(&"1".repeat(40)).unwrap())
    }
}

fn finish(outcome: Outcome, cause: Option<&str>) -> Body {
    Body::Finished(Finish {
        outcome,
        cause: cause.map(Cause::new),
        commit: None,
        branch: None,
        attempts: 1,
        cost_usd: 0.5,
        reason: "because".into(),
    })
}

/// A night that is told to the rules event by event.
struct Telling {
    state: State,
    rules: Rules,
    seq: u64,
    now: DateTime<Utc>,
    alerts: Vec<Alert>,
}

impl Telling {
    fn new(rules: Rules) -> Self {
        Self { state: State::default(), rules, seq: 0, now: at(0), alerts: vec![] }
    }

    fn tell(&mut self, bead: Option<&str>, body: Body) {
        self.seq += 1;
        let event = Event {
            seq: self.seq,
            at: self.now,
            project: bead.map(|_| ProjectId::of_path(std::path::Path::new("/p"))),
            bead: bead.map(BeadId::new),
            run: None,
            attempt: None,
            body,
        };
        self.state.see(&event, self.now, &self.rules);
        assert!(!self.state.see(&event, self.now, &self.rules), "an event is seen once");
    }

    fn bead(&mut self, id: &str, unattended: bool, end: Body) {
        self.tell(Some(id), Body::Claiming { order: order(unattended) });
        self.tell(Some(id), end);
    }

    fn bill(&mut self, bead: &str, cost_usd: f64) {
        let end = AgentEnd { cost_usd, ..AgentEnd::without_agent(Ending::Finished, String::new()) };
        self.tell(Some(bead), Body::AgentEnded(end));
    }

    fn suspend(&mut self, bead: &str) {
        let (cause, reason) = (Cause::new("usage_limit"), "limit".to_owned());
        self.tell(Some(bead), Body::Suspended { cause, reason, until: None });
    }

    fn wait(&mut self, seconds: i64) {
        let until = self.now + TimeDelta::seconds(seconds);
        while let Some(next) = self.state.next(self.now, &self.rules).filter(|next| *next <= until) {
            self.now = next.max(self.now);
            let alerts = self.state.ripe(self.now, &self.rules);
            if alerts.is_empty() {
                self.now += TimeDelta::seconds(1);
            }
            self.alerts.extend(alerts);
        }
        self.now = until;
    }

    fn opened(&mut self) {
        self.tell(None, Body::NightOpened { night: "2026-11-21".into(), until: None, prospect: None });
    }

    fn ended(&mut self) {
        self.tell(
            None,
            Body::NightEnded {
                night: "2026-11-21".into(),
                why: "nothing more".into(),
                left: vec![],
                left_out: 0,
            },
        );
    }

    fn told(&self) -> Vec<(Kind, usize)> {
        self.alerts.iter().map(|a| (a.kind, a.items.len())).collect()
    }

    fn summary(&self) -> &Summary {
        match &self.alerts.last().unwrap().items[0].what {
            What::Summary(summary) => summary,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_a_person_asked_for_is_always_told_and_what_the_night_landed_never_alone() {
    let mut t = Telling::new(Rules { max_per_night: 0, ..rules() });
    t.opened();
    t.bead("a", false, finish(Outcome::Landed, None));
    t.bead("b", true, finish(Outcome::Landed, None));
    t.bead("c", true, finish(Outcome::Failed, None));
    t.wait(100);
    t.bead("d", false, finish(Outcome::Parked, Some("question")));
    t.wait(100);
    assert_eq!(t.told(), [(Kind::Completion, 1), (Kind::NeedsYou, 1)]);
    t.ended();
    t.wait(1);
    let summary = t.summary();
    assert_eq!((summary.landed, summary.failed, summary.needs_you, summary.held), (2, 1, 1, 1));
    assert_eq!(summary.cost_usd, 0.0, "no agent sent a bill");
}

#[test]
fn a_summary_has_the_night_s_own_money_and_what_it_left_suspended() {
    let mut t = Telling::new(rules());
    for bead in ["a", "b", "c"] {
        t.tell(Some(bead), Body::Claiming { order: order(true) });
        t.bill(bead, 5.0);
        t.suspend(bead);
    }
    t.opened();
    for bead in ["a", "b"] {
        t.tell(Some(bead), Body::Resumed { why: "its limit is over".into(), session: "s".into() });
        t.bill(bead, 0.25);
    }
    t.tell(Some("a"), finish(Outcome::Landed, None));
    t.suspend("b");
    t.ended();
    t.bill("b", 7.0);
    t.wait(60);
    let summary = t.summary();
    assert_eq!((summary.landed, summary.suspended, summary.cost_usd), (1, 1, 0.5), "{summary:?}");
}

#[test]
fn a_night_that_only_put_aside_or_only_cost_something_is_told() {
    let mut t = Telling::new(rules());
    t.opened();
    t.tell(Some("a"), Body::Claiming { order: order(true) });
    t.suspend("a");
    t.ended();
    t.wait(60);
    assert_eq!(t.summary().suspended, 1);
    assert!(super::super::texts::message(&t.alerts[0]).title.ends_with(": 1 suspended"));
    t.opened();
    t.bill("a", 0.25);
    t.ended();
    t.wait(60);
    assert_eq!((t.alerts.len(), t.summary().cost_usd, t.summary().suspended), (2, 0.25, 0));
}

#[test]
fn a_night_without_an_end_is_summed_up_when_the_next_begins_and_takes_nothing_from_it() {
    let mut t = Telling::new(rules());
    t.opened();
    for bead in ["a", "b"] {
        t.bead(bead, true, finish(Outcome::Failed, None));
        t.wait(600);
    }
    t.bead("c", true, finish(Outcome::Failed, None));
    let first = t.state.night.clone();
    t.opened();
    assert_ne!(t.state.night, first);
    t.wait(1);
    assert_eq!(t.told(), [(Kind::Failure, 1), (Kind::Failure, 1), (Kind::Summary, 1)]);
    let summary = t.summary();
    assert_eq!((summary.opened, summary.failed, summary.held), (1, 3, 1), "{summary:?}");
    assert!(summary.why.contains("stopped or died"), "{summary:?}");
    // The cap of the dead night is no cap of this one.
    let opened = t.seq;
    t.bead("d", true, finish(Outcome::Failed, None));
    t.wait(600);
    assert_eq!(t.told().last(), Some(&(Kind::Failure, 1)));
    t.ended();
    t.wait(1);
    assert_eq!((t.summary().opened, t.summary().failed), (opened, 1));
}

#[test]
fn that_the_night_takes_a_bead_up_again_is_no_answer_to_who_asked_for_it() {
    let mut t = Telling::new(rules());
    t.opened();
    t.bead("a", false, finish(Outcome::Failed, None));
    t.tell(Some("a"), Body::Claiming { order: order(true) });
    t.wait(60);
    assert_eq!(t.told(), [(Kind::Failure, 1)]);
    assert_eq!(t.alerts[0].items[0].lane, Lane::Asked);
    // Who asks once more has seen it.
    t.tell(Some("a"), finish(Outcome::Landed, None));
    t.bead("a", false, finish(Outcome::Failed, None));
    t.bead("a", false, finish(Outcome::Landed, None));
    t.wait(60);
    assert_eq!(t.told().last(), Some(&(Kind::Completion, 1)));
}

#[test]
fn a_claim_that_goes_on_with_words_alone_has_no_work_to_approve() {
    let oid = |digit: &str| Oid::parse(&digit.repeat(40)).unwrap();
    let tip_of = |tip: &str| {
        let mut t = Telling::new(rules());
        let again = Again {
            run: RunId::parse("r00000000000000").unwrap(),
            tip: oid(tip),
            at: at(0),
            base: oid("1"),
            session: None,
            word: Some("blue".into()),
            approved: None,
            lifts: Vec::new(),
            straight: false,
            reviewed: Box::default(),
            spent_usd: 0.0,
        };
        t.tell(Some("a"), Body::Claiming { order: Order { again: Some(again), ..order(true) } });
        t.tell(Some("a"), finish(Outcome::Parked, Some("question")));
        t.wait(100);
        t.alerts[0].bead().unwrap().clone()
    };
    let words = tip_of("1");
    assert_eq!((words.claim, words.run, words.tip), (Some(1), None, None));
    assert_eq!(tip_of("2").tip, Some(oid("2")));
}

#[test]
fn what_is_resolved_in_time_is_not_sent() {
    let mut t = Telling::new(rules());
    t.bead("a", true, finish(Outcome::Parked, Some("question")));
    t.wait(DWELL - 1);
    t.tell(Some("a"), Body::GivenBack { by: "ann".into(), how: GivenBack::Retried { fresh: false } });
    t.bead("b", true, finish(Outcome::Parked, Some("protected")));
    t.wait(DWELL + 1);
    assert_eq!(t.alerts.len(), 1);
    assert_eq!(t.alerts[0].bead().unwrap().bead.as_str(), "b");
}

#[test]
fn many_failures_are_one_alert() {
    let mut t = Telling::new(rules());
    t.opened();
    for id in ["a", "b", "c"] {
        t.bead(id, true, finish(Outcome::Failed, Some("gate")));
        t.wait(10);
    }
    t.wait(60);
    assert_eq!(t.told(), [(Kind::Failure, 3)]);
}

#[test]
fn the_cap_of_a_night_holds_and_the_summary_counts_what_it_held_back() {
    let mut t = Telling::new(rules());
    t.opened();
    for n in 0..5 {
        t.bead(&format!("b{n}"), true, finish(Outcome::Failed, None));
        t.wait(600);
    }
    assert_eq!(t.told(), [(Kind::Failure, 1), (Kind::Failure, 1)]);
    t.ended();
    t.wait(1);
    assert_eq!((t.summary().held, t.summary().listed.len()), (3, 5));
    t.opened();
    t.bead("x", true, finish(Outcome::Failed, None));
    t.wait(600);
    assert_eq!(t.alerts.len(), 4, "the next night begins at nothing");
}

#[test]
fn quiet_hours_hold_everything_but_what_may_break_them() {
    let mut t = Telling::new(quiet(false));
    t.bead("a", false, finish(Outcome::Landed, None));
    t.bead("b", true, finish(Outcome::Parked, None));
    t.wait(7 * 3600);
    assert_eq!(t.told(), [], "it is six in the morning");
    t.wait(3601);
    assert_eq!(t.told(), [(Kind::Completion, 1), (Kind::NeedsYou, 1)]);

    let mut t = Telling::new(quiet(true));
    t.opened();
    t.bead("a", true, finish(Outcome::Failed, None));
    t.bead("b", true, finish(Outcome::Parked, None));
    t.wait(600);
    assert_eq!(t.told(), [(Kind::NeedsYou, 1)]);
    t.ended();
    t.wait(600);
    assert_eq!(t.alerts.len(), 1, "a summary waits for the morning");
    t.wait(8 * 3600);
    assert_eq!((t.alerts.len(), t.summary().held), (2, 1), "and has taken in what was held");
}

#[test]
fn a_night_without_anything_is_not_told() {
    let mut t = Telling::new(rules());
    t.opened();
    t.ended();
    t.wait(60);
    assert_eq!(t.told(), []);
}

#[test]
fn a_stop_is_told_at_once_beyond_the_cap() {
    let mut t = Telling::new(Rules { max_per_night: 0, ..rules() });
    t.opened();
    t.tell(None, Body::NightStopped { night: "n".into(), why: "the credit is used up".into() });
    t.wait(1);
    assert_eq!(t.told(), [(Kind::NeedsYou, 1)]);
}

#[test]
fn what_is_old_when_it_is_seen_wakes_nobody() {
    let mut t = Telling::new(rules());
    t.bead("a", true, finish(Outcome::Failed, None));
    let mut state = State::default();
    let late = at(13 * 3600);
    for (seq, body) in [(1, Body::Claiming { order: order(true) }), (2, finish(Outcome::Failed, None))] {
        let project = Some(ProjectId::of_path(std::path::Path::new("/p")));
        let bead = Some(BeadId::new("a"));
        state.see(&Event { seq, at: at(0), project, bead, run: None, attempt: None, body }, late, &rules());
    }
    assert_eq!(state.waiting(), (0, 1));
}

#[test]
fn a_claim_that_a_person_took_up_again_is_theirs() {
    let mut t = Telling::new(Rules { max_per_night: 0, ..rules() });
    t.tell(Some("a"), Body::Claiming { order: order(true) });
    t.tell(Some("a"), Body::Resumed { why: "a person asked, after user".into(), session: "s".into() });
    t.tell(Some("a"), finish(Outcome::Landed, None));
    t.bead("b", false, Body::ClaimLost { reason: "taken".into() });
    t.wait(60);
    assert_eq!(t.told(), [(Kind::Failure, 2)]);
}

#[test]
fn what_a_person_ended_themselves_is_no_news_to_them() {
    let mut t = Telling::new(rules());
    for (id, wish, end) in [
        ("a", Wish::Cancel, finish(Outcome::Cancelled, None)),
        ("b", Wish::Park { reason: "later".into() }, finish(Outcome::Parked, Some("user"))),
        // It was too late: the work landed all the same.
        ("c", Wish::Cancel, finish(Outcome::Landed, None)),
    ] {
        t.tell(Some(id), Body::Claiming { order: order(false) });
        t.tell(Some(id), Body::Wished { by: "ann".into(), wish });
        t.tell(Some(id), end);
    }
    t.wait(100);
    assert_eq!(t.told(), [(Kind::Completion, 1)]);
}

#[test]
fn an_older_state_is_read() {
    let state: State = serde_json::from_str("{\"seq\":7}").unwrap();
    assert_eq!(state, State { seq: 7, ..State::default() });
    let mut t = Telling::new(rules());
    t.opened();
    t.bead("a", true, finish(Outcome::Parked, None));
    let kept = serde_json::to_string(&t.state).unwrap();
    assert_eq!(serde_json::from_str::<State>(&kept).unwrap(), t.state);
}

#[test]
fn f42_quiet_hours_end_by_the_wall_when_the_clock_changes() {
    let time = |h, m| NaiveTime::from_hms_opt(h, m, 0).unwrap();
    let zone = Zone::parse("Europe/Berlin");
    let hours = |start, stop| QuietHours::new(&Quiet { start, stop, zone, needs_you: false }, Zone::UTC);
    let spring: DateTime<Utc> = "2026-03-29T00:30:00Z".parse().unwrap();
    let night = hours(time(22, 0), time(7, 0));
    assert!(night.cover(spring));
    assert_eq!(night.end(spring).to_rfc3339(), "2026-03-29T05:00:00+00:00");
    let gap = hours(time(22, 0), time(2, 30));
    assert_eq!(gap.end(spring).to_rfc3339(), "2026-03-29T01:00:00+00:00", "half past two never comes");
    assert!(!gap.cover(gap.end(spring)));
}

/// One step of a night of any kind.
#[derive(Debug, Clone)]
enum Step {
    Claim(u8, bool),
    End(u8, Outcome),
    Resolve(u8),
    Open,
    Close,
    Stop,
    Wait(i64),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let outcome = prop::sample::select(vec![
        Outcome::Landed,
        Outcome::NoChange,
        Outcome::Blocked,
        Outcome::Parked,
        Outcome::Failed,
        Outcome::Timeout,
        Outcome::Cancelled,
    ]);
    prop_oneof![
        3 => (0..4u8, any::<bool>()).prop_map(|(b, u)| Step::Claim(b, u)),
        5 => (0..4u8, outcome).prop_map(|(b, o)| Step::End(b, o)),
        1 => (0..4u8).prop_map(Step::Resolve),
        1 => Just(Step::Open),
        1 => Just(Step::Close),
        1 => Just(Step::Stop),
        4 => (1..4000i64).prop_map(Step::Wait),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    /// Whatever happens: one alert for a key, the cap of a night, and no end that is neither told, nor counted, nor
    /// resolved by a person.
    #[test]
    fn nothing_is_told_twice_or_lost(steps in prop::collection::vec(step(), 1..80), quiet_too in any::<bool>()) {
        let mut t = Telling::new(if quiet_too { quiet(false) } else { rules() });
        let (mut owed, mut resolved) = (0usize, 0usize);
        let mut nights = vec![0];
        for step in steps {
            let before = t.alerts.len();
            match step {
                Step::Claim(b, unattended) => {
                    let waits = t.state.waiting().0;
                    t.tell(Some(&format!("b{b}")), Body::Claiming { order: order(unattended) });
                    resolved += waits - t.state.waiting().0;
                }
                Step::End(b, outcome) => {
                    let id = format!("b{b}");
                    let asked = t.state.claims.values().any(|c| c.asked)
                        && t.state.claims.iter().any(|(k, c)| k.ends_with(&format!("/{id}")) && c.asked);
                    let quiet_end = matches!(outcome, Outcome::Landed | Outcome::Blocked | Outcome::Cancelled);
                    owed += usize::from(asked || !quiet_end);
                    t.tell(Some(&id), finish(outcome, None));
                }
                Step::Resolve(b) => {
                    let waits = t.state.waiting().0;
                    t.tell(Some(&format!("b{b}")), Body::ByHand { what: "closed".into() });
                    resolved += waits - t.state.waiting().0;
                }
                Step::Open => {
                    nights.push(0);
                    t.opened();
                }
                Step::Close => t.ended(),
                Step::Stop => t.tell(None, Body::NightStopped { night: "n".into(), why: "w".into() }),
                Step::Wait(seconds) => t.wait(seconds),
                Step::Restart => {
                    let kept = serde_json::to_string(&t.state).unwrap();
                    t.state = serde_json::from_str(&kept).unwrap();
                }
            }
            let counted = t.alerts[before..].iter().filter(|a| a.items[0].lane == Lane::Unattended).count();
            *nights.last_mut().unwrap() += counted;
        }
        prop_assert!(nights.iter().all(|sent| *sent <= 2), "{nights:?}");
        t.wait(48 * 3600);
        prop_assert_eq!(t.state.waiting().0, 0);
        let mut keys: Vec<&str> = t.alerts.iter().map(|a| a.key.as_str()).collect();
        keys.sort_unstable();
        let all = keys.len();
        keys.dedup();
        prop_assert_eq!(keys.len(), all);
        let items = t.alerts.iter().flat_map(|a| &a.items);
        let told = items.clone().filter(|i| matches!(i.what, What::Bead(_))).count();
        let counted: u32 = items.filter_map(|i| match &i.what { What::Summary(s) => Some(s.held), _ => None }).sum();
        let held = usize::try_from(counted + t.state.waiting().1).unwrap();
        prop_assert_eq!(told + held + resolved, owed);
    }
}
