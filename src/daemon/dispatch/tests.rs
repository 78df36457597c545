mod alerts;
mod errands;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::clock::Clock;
use crate::daemon::progress::Silent;
use crate::daemon::tests::fixture::{self, Plenty, SAID, git, leave, say_and_leave, write_own_file};
use crate::daemon::{queue, verify};
use crate::executor::Executor as _;
use crate::executor::scripted::{Ending, Scripted, Stage};
use crate::executor::spec::Purpose;

struct World {
    dir: tempfile::TempDir,
    executor: Scripted,
    most: Arc<AtomicUsize>,
}

/// An agent that writes one file named after its bead and counts how many work at once; `together` wait for each other.
async fn agent(mut stage: Stage, now: Arc<AtomicUsize>, most: Arc<AtomicUsize>, together: usize) -> Ending {
    let _task = stage.read_line().await;
    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
    for _ in 0..3000 {
        if most.load(Ordering::SeqCst) >= together {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(150)).await;
    write_own_file(&stage);
    let ending = say_and_leave(stage).await;
    now.fetch_sub(1, Ordering::SeqCst);
    ending
}

impl World {
    fn new(projects: &[(&str, usize)]) -> Self {
        let dir = tempfile::Builder::new().prefix("bead-night-").tempdir().unwrap();
        for (name, beads) in projects {
            let beads: Vec<_> =
                (0..*beads).map(|n| fixture::bead(&format!("{name}-{n}"), &format!("Write {n}"))).collect();
            fixture::repository(&dir.path().join(name), "gates: [{ name: good, run: ls *.txt }]\n", &beads);
        }
        let together = projects.iter().map(|(_, beads)| beads).sum::<usize>().min(2);
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let seen = Arc::clone(&most);
        let executor = Scripted::new()
            .on(Purpose::Agent, move |stage| agent(stage, Arc::clone(&now), Arc::clone(&seen), together));
        Self { dir, executor, most }
    }

    fn repo(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    async fn dispatcher(&self, names: &[&str], hours: Hours) -> (Arc<House>, Vec<Arc<Site>>, Dispatcher) {
        self.dispatcher_of(fixture::house(self.dir.path()), names, hours).await
    }

    async fn dispatcher_of(
        &self,
        house: Arc<House>,
        names: &[&str],
        hours: Hours,
    ) -> (Arc<House>, Vec<Arc<Site>>, Dispatcher) {
        let mut sites = Vec::new();
        for name in names {
            let site = Arc::new(Site::open(&house, &self.repo(name)).await.unwrap());
            sites.push(((*name).to_owned(), site));
        }
        let machine = fixture::machine(&house, &self.executor);
        let listeners: Listeners = Arc::new(|_, _| Arc::new(Silent));
        let all = sites.iter().map(|(_, site)| Arc::clone(site)).collect();
        let dispatcher = Dispatcher::new(Outfit {
            house: Arc::clone(&house),
            machine,
            hours,
            zone: Zone::UTC,
            resources: Arc::new(Plenty),
            listeners,
            stop: Stop::default(),
            sites,
        });
        (house, all, dispatcher)
    }

    /// Nothing is left behind, and every project tells one story.
    async fn check(&self, house: &House, sites: &[Arc<Site>]) {
        for site in sites {
            let report = verify::check(house, site, Some(&self.executor)).await.unwrap();
            assert_eq!(report.violations, Vec::<String>::new());
        }
        assert_eq!(self.executor.list(&house.instance).await.unwrap(), vec![]);
    }
}

async fn within<T>(seconds: u64, what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(seconds), what).await.expect("it did not end in time")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_night_by_hand_lands_every_bead_of_two_projects_and_ends_by_itself() {
    let world = World::new(&[("shop", 3), ("docs", 2)]);
    let (house, sites, dispatcher) = world.dispatcher(&["shop", "docs"], Hours::Now { until: None }).await;
    let report = within(100, dispatcher.run()).await.unwrap();
    assert_eq!((report.tally.landed, report.tally.failed), (5, 0), "{report:?}");
    assert!(world.most.load(Ordering::SeqCst) <= 3, "more than the slots");
    assert!(world.most.load(Ordering::SeqCst) >= 2, "one after the other");
    for name in ["shop-0", "shop-1", "shop-2"] {
        assert_eq!(git(&world.repo("shop"), &["show", &format!("main:{name}.txt")]), "good");
    }
    world.check(&house, &sites).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_bead_that_does_not_land_has_one_turn_a_night_and_the_night_still_ends() {
    let world = World::new(&[("shop", 2)]);
    world.executor.set(Purpose::Agent, |mut stage: Stage| async move {
        let _task = stage.read_line().await;
        say_and_leave(stage).await
    });
    let (house, sites, dispatcher) = world.dispatcher(&["shop"], Hours::Now { until: None }).await;
    let report = within(60, dispatcher.run()).await.unwrap();
    assert_eq!(report.tally.no_change, 2, "{report:?}");
    let agents = world.executor.started().iter().filter(|s| s.purpose == Purpose::Agent).count();
    assert_eq!(agents, 2, "a bead was taken twice");
    for bead in ["shop-0", "shop-1"] {
        let why = queue::why(&house, &sites[0], &BeadId::new(bead)).await.unwrap();
        assert_eq!(why.state, "parked", "{}", why.sentence);
    }
    world.check(&house, &sites).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_night_s_end_puts_runs_aside_and_the_next_night_goes_on_with_the_same_attempt() {
    let world = World::new(&[("shop", 1)]);
    let released = Arc::new(AtomicUsize::new(0));
    let (gate, working) = (Arc::clone(&released), Arc::new(tokio::sync::Notify::new()));
    let works = Arc::clone(&working);
    world.executor.set(Purpose::Agent, move |mut stage: Stage| {
        let (gate, works) = (Arc::clone(&gate), Arc::clone(&works));
        async move {
            let _task = stage.read_line().await;
            write_own_file(&stage);
            stage.stdout(format!("{}\n", SAID[0]));
            works.notify_one();
            if gate.load(Ordering::SeqCst) == 0 {
                while !stage.read_line().await.contains("interrupt") {}
                stage.stdout("{\"type\":\"result\",\"subtype\":\"error_during_execution\",\"is_error\":true,\"terminal_reason\":\"aborted_tools\",\"num_turns\":1,\"total_cost_usd\":0.01,\"queued_turn_count\":0,\"uuid\":\"9\"}\n");
            } else {
                SAID[1..].iter().for_each(|line| stage.stdout(format!("{line}\n")));
            }
            leave(stage).await
        }
    });
    let clock = Arc::new(fixture::Forward::default());
    let hours = Hours::Now { until: Some(clock.now() + chrono::TimeDelta::hours(1)) };
    let house = fixture::house_by(world.dir.path(), Arc::clone(&clock) as Arc<dyn Clock>);
    let (house, sites, dispatcher) = world.dispatcher_of(house, &["shop"], hours).await;
    let orders = dispatcher.orders();
    let night = tokio::spawn(dispatcher.run());
    within(60, working.notified()).await;
    clock.put(chrono::TimeDelta::hours(2));
    orders.send(Order::Poke).await.unwrap();
    let report = within(60, night).await.unwrap().unwrap();
    assert_eq!(report.suspended.len(), 1, "{report:?}");
    let why = queue::why(&house, &sites[0], &BeadId::new("shop-0")).await.unwrap();
    assert!(why.sentence.contains("suspended (window)"), "{}", why.sentence);
    released.store(1, Ordering::SeqCst);
    let (house, sites, dispatcher) = world.dispatcher(&["shop"], Hours::Now { until: None }).await;
    let report = within(60, dispatcher.run()).await.unwrap();
    assert_eq!(report.tally.landed, 1, "{report:?}");
    let story = house.journal.stories_of(&sites[0].id, &BeadId::new("shop-0")).unwrap().pop().unwrap();
    assert_eq!(story.finish.attempts, 1, "an attempt was spent");
    world.check(&house, &sites).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f10_an_engine_that_is_away_pauses_dispatch_and_costs_no_attempt() {
    let world = World::new(&[("shop", 2)]);
    let (house, sites, dispatcher) = world.dispatcher(&["shop"], Hours::Now { until: None }).await;
    let mut status = dispatcher.status();
    world.executor.away(true);
    let night = tokio::spawn(dispatcher.run());
    let away = status.wait_for(|s| s.notice.as_ref().is_some_and(|n| n.contains("does not answer")));
    within(30, away).await.unwrap();
    world.executor.away(false);
    let report = within(100, night).await.unwrap().unwrap();
    assert_eq!(report.tally.landed, 2, "{report:?}");
    let stories = house.journal.all_stories(Some(&sites[0].id)).unwrap();
    let attempts: BTreeMap<_, _> = stories.iter().map(|s| (s.bead.clone(), s.finish.attempts)).collect();
    assert!(attempts.values().all(|n| *n == 1), "{attempts:?}");
    world.check(&house, &sites).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_night_by_hand_that_is_stopped_has_an_end() {
    let world = World::new(&[("shop", 1)]);
    // Until its process goes.
    world.executor.set(Purpose::Agent, leave);
    let (house, _, dispatcher) = world.dispatcher(&["shop"], Hours::Now { until: None }).await;
    let stop = dispatcher.stop.clone();
    let night = tokio::spawn(dispatcher.run());
    let works = async || {
        while !house.journal.open_stories(None).unwrap().iter().any(|s| s.phase.name() == "working") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within(60, works()).await;
    stop.more();
    let report = within(60, night).await.unwrap().unwrap();
    assert_eq!((report.why.as_str(), report.left_running), ("stopped", 1), "{report:?}");
    let rows = crate::feed::brief::nights(&house.journal, house.clock.now()).unwrap();
    let rows: Vec<_> = rows.iter().map(|row| (row.state, row.why.as_deref())).collect();
    assert_eq!(rows, [(crate::feed::brief::NightState::Over, Some("it was stopped"))]);
}

#[tokio::test]
async fn what_a_reviewer_spends_now_is_seen_as_the_bead_s_spending() {
    use crate::domain::ids::{Oid, RunId};
    use crate::lifecycle::{Phase, Story, Work};
    let world = World::new(&[("shop", 1)]);
    let (house, sites, mut dispatcher) = world.dispatcher(&["shop"], Hours::Windows).await;
    let (project, bead) = (sites[0].id.clone(), BeadId::new("shop-0"));
    let base = Oid::parse(&"1".repeat(40)).unwrap();
    let order = crate::domain::order::Order::unclaimed("main", base.clone());
    let event = crate::domain::event::Event {
        seq: 1,
        at: house.clock.now(),
        project: Some(project.clone()),
        bead: Some(bead.clone()),
        run: None,
        attempt: None,
        body: crate::domain::event::Body::Claiming { order },
    };
    let mut story = Story::open(&event).unwrap();
    let run = RunId::from_bytes([7; 16]);
    (story.phase, story.cost_usd) = (Phase::Reviewing, 1.0);
    story.reviews.run = Some(Work::begun(run.clone(), base, house.clock.now()));
    let meter = crate::gateway::meter::MeterReading { cost_usd: 0.25, ..Default::default() };
    let meter = watch::Sender::new(meter);
    let _counted = dispatcher.machine.spending.count(&run, meter.subscribe());
    let live = Live {
        stop: Stop::default(),
        since: house.clock.now(),
        memory: 0,
        model: None,
        probe: false,
        asked: false,
        reads: None,
    };
    dispatcher.live.insert((project, bead), live);
    assert_eq!(dispatcher.running(&[story])[0].spent.usd, 1.25);
}
