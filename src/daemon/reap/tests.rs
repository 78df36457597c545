//! Reaping over real git, the real journal and scripted sandboxes, and the rules over made-up facts.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::daemon::tests::fixture::{self, git, say_and_leave, write_own_file};
use crate::daemon::verify;
use crate::daemon::work::WorkRequest;
use crate::domain::run::Outcome;
use crate::executor::scripted::{Ending, Fault, Scripted, Stage};
use crate::executor::spec::{Labels, Limits, Purpose, RunUser, SandboxSpec};

struct World {
    dir: tempfile::TempDir,
    executor: Scripted,
}

/// Writes a file named after its bead, and talks a little.
async fn agent(mut stage: Stage) -> Ending {
    let _task = stage.read_line().await;
    write_own_file(&stage);
    say_and_leave(stage).await
}

impl World {
    /// A repository with so many beads, each of which passes `gate`.
    fn new(beads: usize, gate: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("bead-reap-").tempdir().unwrap();
        let yaml = format!("limits: {{ attempts: 1 }}\ngates: [{{ name: good, run: \"{gate}\" }}]\n");
        let beads: Vec<_> =
            (0..beads).map(|n| fixture::bead(&format!("shop-{n}"), &format!("Write {n}"))).collect();
        fixture::repository(&dir.path().join("shop"), &yaml, &beads);
        Self { dir, executor: Scripted::new().on(Purpose::Agent, agent) }
    }

    fn repo(&self) -> PathBuf {
        self.dir.path().join("shop")
    }

    fn house(&self, later: TimeDelta) -> Arc<House> {
        let clock = fixture::Forward::default();
        clock.put(later);
        fixture::house_by(self.dir.path(), Arc::new(clock))
    }

    async fn work(&self, house: &Arc<House>, bead: &str) -> Outcome {
        let site = Arc::new(Site::open(house, &self.repo()).await.unwrap());
        let engine = fixture::engine(house, &site, &self.executor);
        engine.work(WorkRequest::unattended(BeadId::new(bead))).await.unwrap().finish.outcome
    }

    /// Looks, plans and sweeps as of so much later.
    async fn reap(&self, later: TimeDelta) -> (Plan, Swept) {
        let house = self.house(later);
        let sites = [("shop".to_owned(), Arc::new(Site::open(&house, &self.repo()).await.unwrap()))];
        let reaper = Reaper { house: &house, executor: Some(&self.executor), sites: &sites };
        let plan = plan(&reaper.look(Sizes::Counted).await.unwrap());
        let swept = reaper.sweep(&plan).await;
        // What is not ours is a matter for the report, not for the promise.
        let foreign = plan.items.iter().any(|item| matches!(item.verdict, Verdict::LeftAlone(_)));
        if foreign || !swept.failed.is_empty() {
            return (plan, swept);
        }
        let report = verify::check(&house, &sites[0].1, Some(&self.executor)).await.unwrap();
        assert_eq!(report.violations, Vec::<String>::new());
        (plan, swept)
    }

    /// Everything in the state directory that carries a bead's or run's name.
    fn left(&self) -> Vec<String> {
        let mut all = Vec::new();
        for name in ["clones", "landing", "conversations", "logs", "run"] {
            let mut open = vec![self.dir.path().join("state").join(name)];
            while let Some(dir) = open.pop() {
                for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
                    if entry.file_type().unwrap().is_dir() {
                        open.push(entry.path());
                    } else {
                        all.push(entry.path().strip_prefix(self.dir.path()).unwrap().display().to_string());
                    }
                }
            }
        }
        all
    }

    fn refs(&self, prefix: &str) -> usize {
        git(&self.repo(), &["for-each-ref", prefix]).lines().count()
    }

    fn sandbox(&self, name: &str, labels: Labels) -> SandboxSpec {
        SandboxSpec {
            name: name.to_owned(),
            purpose: Purpose::Probe,
            image: "worker".to_owned(),
            argv: Vec::new(),
            env: std::collections::BTreeMap::new(),
            user: RunUser { uid: 0, gid: 0 },
            workdir: "/".to_owned(),
            mounts: Vec::new(),
            limits: Limits::default(),
            stdin: false,
            time_limit: Duration::from_secs(600),
            log_cap: 0,
            labels,
        }
    }

    /// A sleeping container with these labels.
    async fn start(&self, name: &str, labels: Labels) {
        self.executor.set(Purpose::Probe, |_| async { Ending::Never });
        self.executor.start(&self.sandbox(name, labels)).await.unwrap();
    }

    async fn containers(&self, house: &House) -> Vec<String> {
        let found = self.executor.list(&house.instance).await.unwrap();
        found.into_iter().map(|found| found.name).collect()
    }
}

fn names(items: &[Item], kind: Kind) -> Vec<&str> {
    items.iter().filter(|item| item.kind == kind).map(|item| item.name.as_str()).collect()
}

async fn land_all_and_reap(count: usize) {
    let world = World::new(count, "ls *.txt");
    let house = world.house(TimeDelta::zero());
    for n in 0..count {
        assert_eq!(world.work(&house, &format!("shop-{n}")).await, Outcome::Landed);
    }
    // Right after: what nobody needs is gone, what has its time stays.
    let (_, swept) = world.reap(TimeDelta::zero()).await;
    assert!(swept.failed.is_empty(), "{:?}", swept.failed);
    assert_eq!(world.refs("refs/bead"), count);
    let quarantine = house.places.quarantine(&ProjectId::of_path(&world.repo().canonicalize().unwrap()));
    let kept = git(&quarantine, &["for-each-ref", "--format=%(refname)"]);
    assert!(kept.lines().count() <= 1, "{kept}");
    // When their time is over, nothing is left but the quarantine, a cache.
    let (_, swept) = world.reap(LOGS + TimeDelta::days(1)).await;
    assert!(swept.failed.is_empty(), "{:?}", swept.failed);
    assert_eq!(world.left(), Vec::<String>::new());
    assert_eq!(world.refs("refs/bead"), 0);
    assert!(world.executor.list(&house.instance).await.unwrap().is_empty());
    assert!(world.executor.list_volumes(&house.instance).await.unwrap().is_empty());
    for n in 0..count {
        assert_eq!(git(&world.repo(), &["show", &format!("main:shop-{n}.txt")]), "good");
    }
    let (plan, swept) = world.reap(LOGS + TimeDelta::days(2)).await;
    assert_eq!((plan.goes().count(), swept.removed.len()), (0, 0), "a second reaping finds more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_dozen_landed_beads_nothing_beyond_caches_is_left() {
    land_all_and_reap(12).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the same with a hundred beads takes minutes"]
async fn after_a_hundred_landed_beads_nothing_beyond_caches_is_left() {
    land_all_and_reap(100).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t50_a_container_that_only_looks_like_ours_is_left_alone_with_a_warning() {
    let world = World::new(1, "ls *.txt");
    let house = world.house(TimeDelta::zero());
    world.work(&house, "shop-0").await;
    let site = Site::open(&house, &world.repo()).await.unwrap();
    let story = house.journal.stories_of(&site.id, &BeadId::new("shop-0")).unwrap().remove(0);
    let run = story.runs[0].clone();
    let work = story.work.unwrap();
    let ours = |run: &str, nonce: &str| Labels {
        instance: house.instance.clone(),
        project: site.id.to_string(),
        bead: "shop-0".to_owned(),
        run: run.to_owned(),
        attempt: 1,
        nonce: nonce.to_owned(),
    };
    world.start("stranger", ours("r00000000000000", "n")).await;
    world.start("copycat", ours(run.as_str(), "guessed")).await;
    world.start("other", Labels { bead: "shop-9".to_owned(), ..ours(run.as_str(), &work.nonce) }).await;
    world.start(&format!("bead-{run}-1"), ours(run.as_str(), &work.nonce)).await;
    let (plan, swept) = world.reap(TimeDelta::zero()).await;
    assert_eq!(names(&swept.removed, Kind::Container), [format!("bead-{run}-1")]);
    assert_eq!(world.containers(&house).await, ["copycat", "other", "stranger"]);
    let warned = plan.items.iter().filter(|i| matches!(i.verdict, Verdict::LeftAlone(_)));
    assert_eq!(warned.filter(|i| i.kind == Kind::Container).count(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t46_a_container_that_does_not_go_keeps_its_clone() {
    let world = World::new(1, "ls *.txt");
    let house = world.house(TimeDelta::zero());
    world.work(&house, "shop-0").await;
    let site = Site::open(&house, &world.repo()).await.unwrap();
    let story = house.journal.stories_of(&site.id, &BeadId::new("shop-0")).unwrap().remove(0);
    let (run, work) = (story.runs[0].clone(), story.work.unwrap());
    let clone = house.places.clone_dir(&run);
    std::fs::create_dir(&clone).unwrap();
    let labels = Labels {
        instance: house.instance.clone(),
        project: site.id.to_string(),
        bead: "shop-0".to_owned(),
        run: run.to_string(),
        attempt: 1,
        nonce: work.nonce,
    };
    world.start(&format!("bead-{run}-1"), labels).await;
    world.executor.fail(Fault::Undead);
    let (_, swept) = world.reap(TimeDelta::zero()).await;
    assert_eq!(swept.failed.len(), 2, "{:?}", swept.failed);
    assert!(clone.exists());
    let (_, swept) = world.reap(TimeDelta::zero()).await;
    assert!(swept.failed.is_empty() && !clone.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f03_a_container_of_an_open_bead_stays_and_one_of_an_ended_bead_goes() {
    let world = World::new(1, "ls *.txt");
    let house = world.house(TimeDelta::zero());
    let site = Arc::new(Site::open(&house, &world.repo()).await.unwrap());
    // Dead after the container was created, before the journal has its id.
    let engine = fixture::engine(&house, &site, &world.executor)
        .with_failpoint(Arc::new(|point| point == "done:start_agent"));
    engine.work(WorkRequest::unattended(BeadId::new("shop-0"))).await.unwrap_err();
    let story = house.journal.open_stories(None).unwrap().remove(0);
    assert!(story.work.as_ref().unwrap().container.is_none(), "the failpoint came too late");
    let before = world.containers(&house).await;
    assert_eq!(before.len(), 1);
    let (plan, _) = world.reap(TimeDelta::days(400)).await;
    assert_eq!(world.containers(&house).await, before);
    assert!(house.places.clone_dir(story.run().unwrap()).exists());
    assert!(plan.goes().next().is_none(), "{:?}", plan.goes().collect::<Vec<_>>());
    // Adopted and brought to its end, nothing of it is left.
    assert_eq!(world.work(&house, "shop-0").await, Outcome::Landed);
    world.reap(TimeDelta::zero()).await;
    assert!(world.containers(&house).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unlanded_work_and_its_conversation_wait_for_their_bead_to_be_closed() {
    let world = World::new(1, "false");
    let house = world.house(TimeDelta::zero());
    assert_ne!(world.work(&house, "shop-0").await, Outcome::Landed);
    let conversations = world.dir.path().join("state/conversations");
    let talks = || walk(&conversations);
    std::fs::write(talks_dir(&conversations).join("talk.jsonl"), "x").unwrap();
    // A year is nothing as long as the bead is not closed.
    world.reap(TimeDelta::days(365)).await;
    assert_eq!((world.refs("refs/bead"), talks()), (1, 1));
    let site = Site::open(&house, &world.repo()).await.unwrap();
    site.tracker.close(&BeadId::new("shop-0"), "given up", "tester").await.unwrap();
    world.reap(CONVERSATION - TimeDelta::hours(1)).await;
    assert_eq!((world.refs("refs/bead"), talks()), (1, 1));
    world.reap(CONVERSATION + TimeDelta::hours(1)).await;
    assert_eq!((world.refs("refs/bead"), talks()), (1, 0));
    world.reap(UNLANDED - TimeDelta::hours(1)).await;
    assert_eq!(world.refs("refs/bead"), 1);
    let tip = git(&world.repo(), &["for-each-ref", "--format=%(objectname)", "refs/bead"]);
    world.reap(UNLANDED + TimeDelta::hours(1)).await;
    assert_eq!(world.refs("refs/bead"), 0);
    let told = house.journal.last_of("ref_dropped").unwrap().unwrap();
    let crate::domain::event::Body::RefDropped { tip: dropped, .. } = told.body else { panic!() };
    assert_eq!(dropped.as_str(), tip);
}

fn talks_dir(top: &Path) -> PathBuf {
    let project = std::fs::read_dir(top).unwrap().next().unwrap().unwrap().path();
    std::fs::read_dir(project).unwrap().next().unwrap().unwrap().path()
}

fn walk(top: &Path) -> usize {
    let projects = std::fs::read_dir(top).into_iter().flatten().flatten();
    projects.map(|p| std::fs::read_dir(p.path()).into_iter().flatten().count()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn landed_work_that_its_user_took_off_the_target_is_kept() {
    let world = World::new(1, "ls *.txt");
    let house = world.house(TimeDelta::zero());
    assert_eq!(world.work(&house, "shop-0").await, Outcome::Landed);
    git(&world.repo(), &["reset", "-q", "--hard", "HEAD~1"]);
    let (_, swept) = world.reap(LANDED + TimeDelta::days(1)).await;
    assert!(names(&swept.removed, Kind::Ref).is_empty());
    assert_eq!(world.refs("refs/bead"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_engine_nothing_goes_that_a_container_may_use() {
    let world = World::new(1, "ls *.txt");
    let house = world.house(TimeDelta::zero());
    world.work(&house, "shop-0").await;
    let run = house.journal.all_stories(None).unwrap().remove(0).runs.remove(0);
    let clone = house.places.clone_dir(&run);
    std::fs::create_dir(&clone).unwrap();
    std::fs::create_dir(house.places.state().join("clones/not-a-run")).unwrap();
    let sites = [("shop".to_owned(), Arc::new(Site::open(&house, &world.repo()).await.unwrap()))];
    let reaper = Reaper { house: &house, executor: None, sites: &sites };
    let made = plan(&reaper.look(Sizes::Skipped).await.unwrap());
    reaper.sweep(&made).await;
    assert!(clone.exists());
    world.reap(TimeDelta::zero()).await;
    assert!(!clone.exists());
    assert!(house.places.state().join("clones/not-a-run").exists(), "an unknown folder was removed");
}

#[test]
fn things_go_in_an_order_that_removes_nothing_under_its_user() {
    let order = [
        Kind::Container,
        Kind::Volume,
        Kind::Clone,
        Kind::Sockets,
        Kind::Ref,
        Kind::QuarantineRef,
        Kind::Log,
    ];
    assert!(order.is_sorted());
}
