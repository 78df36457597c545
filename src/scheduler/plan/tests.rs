use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::config::budgets::Cap;
use crate::scheduler::window::{NightKey, Open, State};

const GIB: u64 = 1 << 30;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn project(name: &str) -> ProjectId {
    ProjectId::of_path(std::path::Path::new(&format!("/p/{name}")))
}

fn opened(hours: i64) -> State {
    let until = Some(now() + Duration::hours(hours));
    let night = NightKey { date: now().date_naive(), window: Some(0) };
    State::Open(Open { night, since: now() - Duration::hours(1), until, drain_from: until })
}

fn view(name: &str) -> (ProjectId, ProjectView) {
    let view = ProjectView {
        name: name.to_owned(),
        window: opened(8),
        slots: 64,
        image: Image::Present,
        last_served: None,
        expected: Expected::default(),
        spent: Spent::default(),
    };
    (project(name), view)
}

fn night(projects: &[&str]) -> Night {
    Night {
        now: now(),
        zone: Zone::UTC,
        mode: Mode::Works,
        slots: Slots::default(),
        resources: Resources {
            memory: 64 * GIB,
            memory_free: 64 * GIB,
            disk_free: 50 * GIB,
            disk_least: 5 * GIB,
            inodes_free: 1_000_000,
            inodes_least: 10_000,
        },
        projects: projects.iter().map(|name| view(name)).collect(),
        running: Vec::new(),
        candidates: Vec::new(),
        budget: Money::default(),
        breaker: Breaker::Closed,
        utilization: None,
        utilization_most: 0.9,
    }
}

fn bead(name: &str, id: &str, priority: i64) -> Candidate {
    Candidate {
        project: project(name),
        bead: BeadId::new(id),
        priority,
        created: Some(now() - Duration::hours(2)),
        waiting_since: now() - Duration::hours(1),
        model: None,
        memory: 4 * GIB,
        origin: Origin::Fresh,
        excluded: None,
        spent: Spent::default(),
    }
}

fn suspended(name: &str, id: &str, cause: &str, until: Option<i64>) -> Candidate {
    let until = until.map(|minutes| now() + Duration::minutes(minutes));
    let origin = Origin::Suspended { cause: Cause::new(cause), until, since: now() - Duration::hours(3) };
    Candidate { origin, ..bead(name, id, 4) }
}

fn run(name: &str, id: &str) -> Running {
    Running {
        project: project(name),
        bead: BeadId::new(id),
        model: None,
        since: now() - Duration::minutes(5),
        memory: 4 * GIB,
        spent: Spent::default(),
        probe: false,
    }
}

fn started(plan: &Plan) -> Vec<&str> {
    plan.starts.iter().map(|s| s.bead.as_str()).collect()
}

fn why(plan: &Plan, id: &str) -> String {
    let waiting: Vec<_> = plan.waiting.iter().filter(|w| w.bead.as_str() == id).collect();
    assert_eq!(waiting.len(), 1, "{plan:?}");
    waiting[0].reason.sentence()
}

#[test]
fn priority_then_age_then_id() {
    let mut night = night(&["a"]);
    let older = Candidate { created: Some(now() - Duration::hours(9)), ..bead("a", "z", 2) };
    let undated = Candidate { created: None, ..bead("a", "u", 2) };
    night.candidates =
        vec![undated, bead("a", "c", 2), bead("a", "b", 2), older, bead("a", "p0", 0), bead("a", "p1", 1)];
    night.slots.global = 6;
    assert_eq!(started(&plan(&night)), ["p0", "p1", "z", "b", "c", "u"]);
    night.slots.global = 2;
    let plan = plan(&night);
    assert_eq!(started(&plan), ["p0", "p1"]);
    assert_eq!(why(&plan, "z"), "waits for a slot: 2 of 2 are in use by `p0`, `p1`");
}

#[test]
fn projects_take_turns_in_proportion_to_their_slots() {
    let mut night = night(&["a", "b"]);
    night.slots.global = 6;
    night.candidates =
        (0..6).flat_map(|n| [bead("a", &format!("a{n}"), 0), bead("b", &format!("b{n}"), 4)]).collect();
    assert_eq!(started(&plan(&night)), ["a0", "b0", "a1", "b1", "a2", "b2"]);
    night.projects.get_mut(&project("b")).unwrap().slots = 32;
    assert_eq!(
        started(&plan(&night)),
        ["a0", "b0", "a1", "b1", "a2", "a3"],
        "twice the slots, twice the turns"
    );
    // Equal use: who was served longer ago.
    night.projects.get_mut(&project("a")).unwrap().last_served = Some(now());
    assert_eq!(started(&plan(&night))[0], "b0");
    night.running = vec![run("b", "x")];
    assert_eq!(started(&plan(&night))[0], "a0");
}

#[test]
fn suspended_beads_go_before_new_ones_once_they_may() {
    let mut night = night(&["a"]);
    night.slots.global = 2;
    night.candidates = vec![
        bead("a", "new", 0),
        suspended("a", "back", "usage_limit", Some(0)),
        suspended("a", "later", "usage_limit", Some(30)),
        suspended("a", "mine", "user", None),
        suspended("a", "mine-too", "user", Some(-10)),
    ];
    let plan = plan(&night);
    assert_eq!(started(&plan), ["back", "new"]);
    assert!(plan.starts[0].resumes && !plan.starts[1].resumes);
    assert_eq!(plan.wake_at(), Some(now() + Duration::minutes(30)));
    assert!(why(&plan, "later").starts_with("the usage limit is reached until "));
    for id in ["mine", "mine-too"] {
        assert_eq!(why(&plan, id), "a person paused it, and it goes on only when a person says so");
    }
}

#[test]
fn f26_a_bead_resumes_as_soon_as_its_reset_is_past() {
    let mut night = night(&["a"]);
    night.candidates = vec![suspended("a", "back", "usage_limit", Some(180))];
    night.now += Duration::minutes(180) - Duration::seconds(1);
    assert!(plan(&night).starts.is_empty());
    night.now += Duration::seconds(1);
    assert_eq!(started(&plan(&night)), ["back"]);
}

#[test]
fn f21_a_half_open_breaker_lets_exactly_one_probe_through() {
    let mut night = night(&["a", "b"]);
    night.slots.global = 9;
    night.candidates = vec![
        bead("a", "new", 0),
        suspended("b", "back", "outage", None),
        suspended("b", "two", "outage", None),
    ];
    night.breaker = Breaker::Open { until: now() + Duration::minutes(1) };
    let closed = plan(&night);
    assert!(closed.starts.is_empty());
    assert!(why(&closed, "new").starts_with("the model's service does not answer; it is asked again at "));
    night.breaker = Breaker::Open { until: now() };
    let half = plan(&night);
    assert_eq!(started(&half), ["back"]);
    assert!(half.starts[0].probe);
    assert_eq!(why(&half, "new"), "the model's service was away, and `back` asks first whether it is back");
    night.running = vec![Running { probe: true, ..run("a", "asks") }];
    assert!(plan(&night).starts.is_empty(), "a probe is under way");
    night.running = vec![run("a", "old")];
    assert_eq!(plan(&night).starts.len(), 1, "an old run is no probe");
    night.breaker = Breaker::Closed;
    assert!(plan(&night).starts.iter().all(|s| !s.probe));
}

#[test]
fn f25_a_stopped_or_paused_night_starts_nothing() {
    let mut night = night(&["a"]);
    let excluded = Some(Excluded::ForPeople { label: "human".into() });
    night.candidates = vec![bead("a", "x", 0), Candidate { excluded, ..bead("a", "h", 0) }];
    night.mode = Mode::Stopped { why: "the credit is too low".into() };
    let stopped = plan(&night);
    assert!(stopped.starts.is_empty());
    assert_eq!(why(&stopped, "x"), "the night is stopped: the credit is too low");
    assert!(why(&stopped, "h").contains("label `human`"), "the bead's own rule comes first");
    night.mode = Mode::Paused;
    assert_eq!(why(&plan(&night), "x"), "the night is paused by a person");
}

#[test]
fn windows_drain_and_the_forecast_keep_beads_back() {
    let mut night = night(&["a", "b", "c", "d"]);
    night.slots.global = 9;
    night.candidates = ["a", "b", "c", "d"].map(|p| bead(p, p, 0)).to_vec();
    let set = |night: &mut Night, name: &str, window| {
        night.projects.get_mut(&project(name)).unwrap().window = window
    };
    set(&mut night, "a", State::Closed { next: Some(now() + Duration::hours(2)) });
    let State::Open(open) = opened(1) else { unreachable!() };
    set(&mut night, "b", State::Open(Open { drain_from: Some(now()), ..open.clone() }));
    set(&mut night, "c", State::Open(Open { until: Some(now() + Duration::minutes(20)), ..open }));
    let plan = plan(&night);
    assert_eq!(started(&plan), ["d"]);
    assert!(why(&plan, "a").starts_with("no window is open; the next one opens at "));
    assert!(why(&plan, "b").ends_with("nothing is started so close to its end"));
    assert!(why(&plan, "c").ends_with("no history: assumes that a bead takes about 30 min"), "{plan:?}");
}

#[test]
fn utilization_is_believed_until_its_reset() {
    let mut night = night(&["a"]);
    night.candidates = vec![bead("a", "x", 0)];
    let mut with = |used, resets: Option<i64>| {
        let resets_at = resets.map(|m| now() + Duration::minutes(m));
        night.utilization = Some(Utilization { used, resets_at });
        plan(&night).starts.len()
    };
    assert_eq!((with(0.899, None), with(0.9, None), with(0.95, Some(5)), with(0.95, Some(0))), (1, 0, 0, 1));
}

#[test]
fn one_round_does_not_start_more_than_the_money_is_for() {
    let mut night = night(&["a"]);
    night.slots.global = 9;
    night.budget.caps.night = Cap { usd: Some(10.0), tokens: None };
    night.budget.bead_costs = Some(Spent::new(2.1, 0));
    night.candidates = (0..6).map(|n| bead("a", &format!("a{n}"), 0)).collect();
    assert_eq!(plan(&night).starts.len(), 4, "the fifth would come near the cap");
    night.running = vec![run("a", "r"), Running { spent: Spent::new(1.5, 0), ..run("a", "s") }];
    night.budget.night = Spent::new(1.5, 0);
    assert_eq!(plan(&night).starts.len(), 2, "running beads will cost something too");
    night.budget.night = Spent::new(9.6, 0);
    night.budget.bead_costs = None;
    assert_eq!(why(&plan(&night), "a0"), "the night's money is nearly spent: $9.60 of $10.00");
}

#[test]
fn f29_f30_scarce_things_are_named_with_figures() {
    let mut night = night(&["a"]);
    night.candidates = vec![bead("a", "x", 0)];
    let base = night.clone();
    night.resources.disk_free = GIB;
    assert_eq!(why(&plan(&night), "x"), "1.0 GiB of disk are free where the state lies, needs 5.0 GiB");
    night = base.clone();
    night.resources.inodes_free = 7;
    assert_eq!(why(&plan(&night), "x"), "7 inodes are free where the state lies, needs 10000");
    night = base.clone();
    night.resources.memory_free = GIB;
    assert_eq!(why(&plan(&night), "x"), "needs 4.0 GiB of memory, 1.0 GiB are free");
    night = base;
    night.projects.get_mut(&project("a")).unwrap().image = Image::Missing("worker".into());
    assert_eq!(why(&plan(&night), "x"), "the image `worker` is not there");
}

#[test]
fn memory_of_running_sandboxes_is_theirs_even_before_they_use_it() {
    let mut night = night(&["a"]);
    night.slots.global = 9;
    night.resources.memory = 10 * GIB;
    night.running = vec![run("a", "r")];
    night.candidates = vec![bead("a", "x", 0), bead("a", "y", 0)];
    assert_eq!(started(&plan(&night)), ["x"]);
    assert_eq!(why(&plan(&night), "y"), "needs 4.0 GiB of memory, 2.0 GiB are free");
}

#[test]
fn a_large_bead_that_waited_long_gets_what_is_freed() {
    let mut night = night(&["a"]);
    night.slots.global = 9;
    night.resources.memory = 10 * GIB;
    night.running = vec![run("a", "r")];
    let large = Candidate { memory: 9 * GIB, ..bead("a", "large", 0) };
    night.candidates = vec![large, bead("a", "small", 1)];
    assert_eq!(started(&plan(&night)), ["small"]);
    night.candidates[0].waiting_since = now() - KEEP_MEMORY_AFTER;
    let kept = plan(&night);
    assert!(kept.starts.is_empty());
    assert_eq!(why(&kept, "small"), "free memory is kept for `large`, which has waited long for 9.0 GiB");
    // One that can never fit keeps nothing.
    night.candidates[0].memory = 11 * GIB;
    assert_eq!(started(&plan(&night)), ["small"]);
}

#[test]
fn a_model_has_its_own_slots() {
    let mut night = night(&["a"]);
    night.slots.global = 9;
    night.slots.models = [("opus".to_owned(), 1), ("none".to_owned(), 0)].into();
    let with = |id: &str, model: &str| Candidate { model: Some(model.to_owned()), ..bead("a", id, 0) };
    night.candidates = vec![with("x", "opus"), with("y", "opus"), with("z", "haiku"), with("n", "none")];
    let plan = plan(&night);
    assert_eq!(started(&plan), ["x", "z"]);
    assert_eq!(why(&plan, "y"), "waits for a slot of the model `opus`: 1 of 1 are in use by `x`");
    assert_eq!(why(&plan, "n"), "no slot is given to the model `none`");
}

#[test]
fn what_runs_or_stands_twice_is_not_started_again() {
    let mut night = night(&["a"]);
    night.running = vec![run("a", "x")];
    night.candidates = vec![
        bead("a", "x", 0),
        bead("a", "y", 0),
        suspended("a", "y", "context", None),
        bead("gone", "z", 0),
    ];
    let plan = plan(&night);
    assert_eq!(started(&plan), ["y"]);
    assert_eq!(why(&plan, "x"), "a run works on it already");
    assert_eq!(why(&plan, "z"), "its project is not part of this night");
}

#[test]
fn waiting_makes_a_bead_more_urgent() {
    let mut night = night(&["a"]);
    night.slots.global = 1;
    let old = |hours| Candidate { waiting_since: now() - Duration::hours(hours), ..bead("a", "old", 4) };
    night.candidates = vec![bead("a", "new", 0), old(47)];
    assert_eq!(started(&plan(&night)), ["new"]);
    night.candidates = vec![bead("a", "new", 0), old(60)];
    assert_eq!(started(&plan(&night)), ["old"]);
}

const NAMES: [&str; 3] = ["a", "b", "c"];
const MODELS: [&str; 2] = ["opus", "haiku"];

fn any_candidate() -> impl Strategy<Value = Candidate> {
    let origin = prop_oneof![
        4 => Just(Origin::Fresh),
        1 => (prop_oneof![Just("user"), Just("outage"), Just("usage_limit")], prop::option::of(-60..60i64)).prop_map(
            |(cause, minutes)| Origin::Suspended {
                cause: Cause::new(cause),
                until: minutes.map(|m| now() + Duration::minutes(m)),
                since: now() - Duration::hours(1),
            }
        ),
    ];
    let excluded = prop::option::weighted(0.1, Just(Excluded::ForPeople { label: "human".into() }));
    let ids = (0..4usize, 0..40u32, -2..6i64, 0..100i64, prop::option::of(0..2usize));
    (ids, 0..12u64, origin, excluded, 0.0..6.0f64).prop_map(
        |((p, id, priority, hours, model), gib, origin, excluded, usd)| Candidate {
            created: (id % 5 != 0).then(|| now() - Duration::hours(hours * 2)),
            waiting_since: now() - Duration::hours(hours),
            model: model.map(|m| MODELS[m].to_owned()),
            memory: gib * GIB,
            origin,
            excluded,
            spent: Spent::new(usd, 0),
            ..bead(["a", "b", "c", "gone"][p], &format!("t-{id}"), priority)
        },
    )
}

fn any_night() -> impl Strategy<Value = Night> {
    let limits = (1..6u32, prop::array::uniform3(0..5u32), prop::option::of(0..3u32), 0..40u64, 0..40u64);
    let state = (0..10u8, prop::option::of(0.0..12.0f64), prop::option::of(0.5..3.0f64), 0.0..1.2f64);
    let candidates = prop::collection::vec(any_candidate(), 0..30);
    (
        limits,
        state,
        candidates,
        prop::collection::vec((0..3usize, 0..40u32, prop::option::of(0..2usize)), 0..4),
    )
        .prop_map(
            |((global, slots, opus, memory, free), (mode, cap, costs, used), candidates, running)| {
                let mut night = night(&NAMES);
                night.slots = Slots {
                    global,
                    project: None,
                    models: opus.map(|n| ("opus".to_owned(), n)).into_iter().collect(),
                };
                for (name, slots) in NAMES.iter().zip(slots) {
                    night.projects.get_mut(&project(name)).unwrap().slots = slots;
                }
                night.resources.memory = memory * GIB;
                night.resources.memory_free = free * GIB;
                match mode {
                    0 => night.mode = Mode::Paused,
                    1 => night.breaker = Breaker::Open { until: now() },
                    2 => night.breaker = Breaker::Open { until: now() + Duration::minutes(1) },
                    3 => night.projects.get_mut(&project("a")).unwrap().window = State::Closed { next: None },
                    4 => night.utilization = Some(Utilization { used, resets_at: None }),
                    _ => {}
                }
                night.budget.caps.night = Cap { usd: cap, tokens: None };
                night.budget.bead_costs = costs.map(|usd| Spent::new(usd, 0));
                night.running = running
                    .into_iter()
                    .map(|(p, id, model)| Running {
                        model: model.map(|m| MODELS[m].to_owned()),
                        ..run(NAMES[p], &format!("t-{id}"))
                    })
                    .collect();
                night.candidates = candidates;
                night
            },
        )
}

proptest! {
    #[test]
    fn no_plan_goes_over_a_limit_and_every_other_bead_has_a_reason(night in any_night()) {
        let made = plan(&night);
        prop_assert_eq!(&made, &plan(&night));
        let count = |f: &dyn Fn(&ProjectId, &Option<String>) -> bool| {
            let before = night.running.iter().filter(|r| f(&r.project, &r.model)).count();
            let started = made.starts.iter().filter(|s| {
                let resumed = |c: &&Candidate| c.resumes() == s.resumes && c.project == s.project && c.bead == s.bead;
                night.candidates.iter().filter(resumed).any(|c| f(&c.project, &c.model))
            });
            (before, before + started.count())
        };
        let fits = |(before, after): (usize, usize), most: u32| after == before || after <= most as usize;
        prop_assert!(fits(count(&|_, _| true), night.slots.global));
        for (id, view) in &night.projects {
            prop_assert!(fits(count(&|p, _| p == id), view.slots));
        }
        // Every candidate has one answer; of one that stands twice at most one starts.
        prop_assert_eq!(made.starts.len() + made.waiting.len(), night.candidates.len());
        let mut beads: BTreeSet<_> = night.running.iter().map(|r| (&r.project, &r.bead)).collect();
        let (mut memory, mut models) = (0, Vec::new());
        for start in &made.starts {
            let mine: Vec<&Candidate> = night.candidates.iter()
                .filter(|c| c.project == start.project && c.bead == start.bead && c.resumes() == start.resumes).collect();
            memory += mine.iter().map(|c| c.memory).min().unwrap();
            if let [one] = mine[..] {
                models.extend(one.model.clone());
                prop_assert!(one.resumes() || one.excluded.is_none());
            }
            let user = |c: &&Candidate| matches!(&c.origin, Origin::Suspended { cause, .. } if cause.as_str() == "user");
            prop_assert!(!mine.iter().all(user));
            if !beads.insert((&start.project, &start.bead)) {
                prop_assert!(false, "started twice");
            }
        }
        let wished: u64 = night.running.iter().map(|r| r.memory).sum();
        prop_assert!(made.starts.is_empty() || memory + wished <= night.resources.memory || memory == 0);
        prop_assert!(memory <= night.resources.memory_free);
        if let Some(most) = night.slots.models.get("opus") {
            let opus = models.iter().filter(|m| *m == "opus").count();
            let before = night.running.iter().filter(|r| r.model.as_deref() == Some("opus")).count();
            prop_assert!(opus == 0 || opus + before <= *most as usize);
        }
        let probes = made.starts.iter().filter(|s| s.probe).count();
        match night.breaker {
            Breaker::Closed => prop_assert_eq!(probes, 0),
            Breaker::Open { until } if until > night.now => prop_assert!(made.starts.is_empty()),
            Breaker::Open { .. } => prop_assert!(made.starts.len() <= 1 && probes == made.starts.len()),
        }
        if let Some(cap) = night.budget.caps.night.usd && night.budget.bead_costs.is_some() && !made.starts.is_empty() {
            prop_assert!(night.budget.night.usd < cap);
        }
        for waiting in &made.waiting {
            let said = waiting.reason.sentence();
            let raw = ["{", "}", "Some(", "None", "::", "\"", "NaN"].iter().any(|raw| said.contains(raw));
            prop_assert!(!said.is_empty() && !raw && !said.ends_with('.') && !said.contains('\n'), "{}", said);
        }
    }

    #[test]
    fn a_slot_is_never_left_idle_without_cause(mut night in any_night()) {
        // With all that is scarce taken away, only slots and the beads' own rules keep anything back.
        night.resources.memory = u64::MAX;
        night.resources.memory_free = u64::MAX;
        night.budget = Money::default();
        let made = plan(&night);
        let used = night.running.len() + made.starts.len();
        for waiting in &made.waiting {
            if let Reason::Slots { most, by } = &waiting.reason {
                prop_assert_eq!((*most, by.count as usize >= *most as usize), (night.slots.global, true));
                prop_assert!(used >= *most as usize);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    /// Rounds of an hour; every run lasts one round; urgent beads keep coming in every round.
    #[test]
    fn nothing_starves(global in 1..4u32, beads in prop::collection::vec((0..3usize, 0..5i64, 1..12u64), 1..12), flood in 1..3usize) {
        let mut night = night(&NAMES);
        night.slots.global = global;
        night.resources.memory = 12 * GIB;
        night.resources.memory_free = 12 * GIB;
        let candidate = |(p, priority, gib): (usize, i64, u64), id: String, at| Candidate {
            memory: gib * GIB, created: Some(at), waiting_since: at, ..bead(NAMES[p], &id, priority)
        };
        night.candidates = beads.iter().enumerate().map(|(n, b)| candidate(*b, format!("old-{n}"), now())).collect();
        let mut served = BTreeSet::new();
        for round in 0..400 {
            for n in 0..flood {
                night.candidates.push(candidate((n % 3, 0, 4), format!("new-{round}-{n}"), night.now));
            }
            let made = plan(&night);
            let gone = |c: &Candidate| made.starts.iter().any(|s| s.bead == c.bead && s.project == c.project);
            night.running = night.candidates.iter().filter(|c| gone(c))
                .map(|c| Running { memory: c.memory, ..run(NAMES.iter().find(|n| project(n) == c.project).unwrap(), c.bead.as_str()) })
                .collect();
            // Every second round the runs of the round before still hold their slots.
            for start in &made.starts {
                night.projects.get_mut(&start.project).unwrap().last_served = Some(night.now);
                served.insert(start.bead.clone());
            }
            night.candidates.retain(|c| !gone(c));
            if round % 2 == 1 { night.running.clear(); }
            for view in night.projects.values_mut() {
                let State::Open(open) = &mut view.window else { unreachable!() };
                open.until = Some(night.now + Duration::hours(9));
                open.drain_from = open.until;
            }
            night.now += Duration::hours(1);
        }
        for n in 0..beads.len() {
            let waits = night.candidates.iter().find(|c| c.bead.as_str() == format!("old-{n}"));
            prop_assert!(served.contains(&BeadId::new(format!("old-{n}"))), "{waits:?} never ran");
        }
    }
}
