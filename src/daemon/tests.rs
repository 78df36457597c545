//! The engine over real git, the real tracker and journal, and scripted sandboxes: dying at every point.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::engine::{Engine, Failpoint};
use super::error::EngineError;
use super::house::{House, Site};
use super::verify;
use super::work::{Ended, WorkRequest};
use crate::domain::ids::BeadId;
use crate::domain::run::Outcome;
use crate::executor::Executor as _;
use crate::executor::scripted::{Ending, Fault, Scripted, Stage};
use crate::executor::spec::Purpose;
use fixture::git;

pub(crate) mod fixture;
mod review;

/// A project, a state directory and a world of sandboxes that outlive any engine.
struct World {
    dir: tempfile::TempDir,
    executor: Scripted,
    bead: BeadId,
    way: Way,
}

/// What happens on the way to the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A gate says no to the first attempt.
    Straight,
    /// Somebody changes the same file meanwhile; what landed is pushed.
    Conflict,
    /// The work is left on a branch, which is pushed.
    Branch,
    /// A reviewer finds something in the work, and something that was always there.
    Review,
}

/// The agent writes `bad` first and `good` where it finds something; the gate wants `good`.
async fn agent(mut stage: Stage, way: Way, repo: PathBuf) -> Ending {
    let _task = stage.read_line().await;
    let file = stage.host("/work").join("work.txt");
    let before = std::fs::read_to_string(&file).unwrap_or_default();
    let begin = before.is_empty() && way != Way::Branch;
    let text = match (way, before.is_empty()) {
        (Way::Review, true) => "good\n",
        (Way::Review, false) => "good\npolished\n",
        _ if begin => "bad\n",
        _ => "good\n",
    };
    std::fs::write(&file, text).unwrap();
    if way == Way::Conflict && !repo.join("work.txt").exists() {
        std::fs::write(repo.join("work.txt"), "theirs\n").unwrap();
        git(&repo, &["add", "work.txt"]);
        git(&repo, &["commit", "-q", "-m", "theirs"]);
    }
    fixture::say_and_leave(stage).await
}

/// Wants it polished, and never liked the README.
pub(in crate::daemon) async fn reviewer(mut stage: Stage) -> Ending {
    let task = stage.read_line().await;
    reply_to(&task, stage).await
}

async fn reply_to(task: &str, stage: Stage) -> Ending {
    let text = std::fs::read_to_string(stage.host("/work").join("work.txt")).unwrap_or_default();
    let polished = text.contains("polished");
    let mut findings = vec![serde_json::json!({
        "title": "the README is thin", "description": "one line", "severity": "minor", "type": "chore",
        "file": "README.md", "line": 1,
    })];
    if !polished {
        findings.push(serde_json::json!({
            "title": "it is not polished", "description": "see the text", "severity": "major",
            "file": "work.txt", "line": 1,
        }));
    }
    let reply = serde_json::json!({ "findings": findings, "summary": "read", "ready": polished });
    stage.stdout(concat!(
        r#"{"type":"system","subtype":"init","session_id":"r","model":"claude-opus-5-5","uuid":"1"}"#,
        "\n",
        r#"{"type":"assistant","message":{"id":"m","role":"assistant","model":"claude-opus-5-5","content":[{"type":"text","text":"BLOCKED: only words"}],"usage":{"input_tokens":1,"output_tokens":1}},"parent_tool_use_id":null,"uuid":"2"}"#,
        "\n"
    ));
    let result = serde_json::json!({
        "type": "result", "subtype": "success", "is_error": false, "terminal_reason": "completed", "num_turns": 1,
        "result": "", "structured_output": reply, "total_cost_usd": 0.01, "queued_turn_count": 0, "uuid": "3",
    });
    assert!(task.contains("\"user\""), "{task}");
    stage.stdout(format!("{result}\n"));
    fixture::leave(stage).await
}

impl World {
    fn new(way: Way) -> Self {
        let dir = tempfile::Builder::new().prefix("bead-crash-").tempdir().unwrap();
        let repo = dir.path().join("repo");
        std::fs::create_dir(&repo).unwrap();
        std::fs::write(repo.join("README.md"), "a project\n").unwrap();
        let land = match way {
            Way::Straight => "",
            Way::Conflict => "land: { push: origin }\n",
            Way::Branch => "land: { mode: branch, push: origin }\n",
            Way::Review => "review: { create_beads: auto }\n",
        };
        let gates = "gates: [{ name: good, run: grep -q good work.txt }]\n";
        fixture::repository(&repo, &format!("{gates}{land}"), &[fixture::bead("t-1", "Write it")]);
        git(dir.path(), &["init", "-q", "--bare", "-b", "main", "remote.git"]);
        git(&repo, &["remote", "add", "origin", "../remote.git"]);
        let known = repo.clone();
        let executor =
            Scripted::new().on(Purpose::Agent, move |stage: Stage| agent(stage, way, known.clone()));
        let executor = executor.on(Purpose::Review, reviewer);
        Self { dir, executor, bead: BeadId::new("t-1"), way }
    }

    fn repo(&self) -> PathBuf {
        self.dir.path().join("repo")
    }

    async fn engine(&self) -> (Arc<House>, Arc<Site>, Engine) {
        let house = fixture::house(self.dir.path());
        let site = Arc::new(Site::open(&house, &self.repo()).await.unwrap());
        let engine = fixture::engine(&house, &site, &self.executor);
        (house, site, engine)
    }

    fn request(&self) -> WorkRequest {
        WorkRequest {
            bead: self.bead.clone(),
            force: false,
            no_gates: false,
            no_review: false,
            target: None,
            model: None,
            unattended: false,
            under_way: false,
        }
    }

    async fn work(&self, failpoint: Failpoint) -> Result<Ended, EngineError> {
        let (_, _, engine) = self.engine().await;
        engine.with_failpoint(failpoint).work(self.request()).await
    }

    /// The story is finished: what a second command refuses is to begin another.
    async fn is_told(&self) -> bool {
        let (house, site, _) = self.engine().await;
        house.journal.stories_of(&site.id, &self.bead).unwrap().iter().all(|story| !story.is_open())
    }

    /// What must be true at the end, whatever happened on the way.
    async fn check(&self, ended: &Ended, why: &str) {
        // Attempts, merge commits, containers of agents, the branch, and where the remote has it.
        let (attempts, merges, agents, branch) = match self.way {
            Way::Straight => (2, "1", 2, "main"),
            Way::Conflict => (1, "2", 2, "main"),
            Way::Branch => (1, "1", 1, "bead/t-1"),
            Way::Review => (2, "1", 2, "main"),
        };
        let (outcome, status) = match self.way {
            Way::Branch => (Outcome::Parked, r#""status":"blocked""#),
            _ => (Outcome::Landed, r#""status":"closed""#),
        };
        assert_eq!(ended.finish.outcome, outcome, "{why}: {}", ended.finish.reason);
        assert_eq!(ended.finish.attempts, attempts, "{why}: a crash is no attempt");
        let counted = git(&self.repo(), &["rev-list", "--count", "--merges", branch]);
        assert_eq!(counted, merges, "{why}: landed once");
        let text = if self.way == Way::Review { "good\npolished" } else { "good" };
        assert_eq!(git(&self.repo(), &["show", &format!("{branch}:work.txt")]), text, "{why}");
        let tracker = std::fs::read_to_string(self.repo().join(".beads/issues.jsonl")).unwrap();
        assert!(tracker.contains(status) && !tracker.contains("beadwork_claim"), "{why}: {tracker}");
        if self.way == Way::Review {
            review::check(self, &tracker, why).await;
        } else if self.way != Way::Straight {
            let remote = git(&self.dir.path().join("remote.git"), &["rev-parse", branch]);
            assert_eq!(remote, git(&self.repo(), &["rev-parse", branch]), "{why}: pushed");
        }
        let (house, site, _) = self.engine().await;
        let report = verify::check(&house, &site, Some(&self.executor)).await.unwrap();
        assert_eq!(report.violations, Vec::<String>::new(), "{why}");
        assert_eq!(self.executor.list(&house.instance).await.unwrap(), vec![], "{why}: sandboxes are left");
        let clones = std::fs::read_dir(self.dir.path().join("state/clones")).unwrap().count();
        assert_eq!(clones, 0, "{why}: clones are left");
        assert_eq!(house.journal.owed_pushes(&site.id).unwrap(), [], "{why}: pushes are owed");
        let started = self.executor.started().iter().filter(|s| s.purpose == Purpose::Agent).count();
        assert_eq!(started, agents, "{why}: one container for each run");
    }
}

/// Every failpoint that a whole story passes, in order.
async fn points(way: Way) -> Vec<String> {
    let world = World::new(way);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&seen);
    let ended = world.work(Arc::new(move |name: &str| {
        note.lock().unwrap().push(name.to_owned());
        false
    }));
    let ended = ended.await.unwrap();
    world.check(&ended, "without a crash").await;
    seen.lock().unwrap().clone()
}

/// Dies at the nth point, then works again until the end.
async fn die_at(way: Way, n: usize, name: &str) {
    let world = World::new(way);
    let count = AtomicUsize::new(0);
    let died = world.work(Arc::new(move |_: &str| count.fetch_add(1, Ordering::SeqCst) == n)).await;
    let why = format!("died at point {n}, {name}");
    match died {
        Err(_) => {}
        // The last points come after the story's end: nothing is left to die of.
        Ok(ended) => return world.check(&ended, &why).await,
    }
    match world.work(Arc::new(|_: &str| false)).await {
        Ok(ended) => world.check(&ended, &why).await,
        // It died after the story's last word: nothing is left to do but to tell.
        Err(EngineError::Refused(_)) if world.is_told().await => {
            let (house, site, _) = world.engine().await;
            let story = house.journal.stories_of(&site.id, &world.bead).unwrap().pop().unwrap();
            world.check(&Ended::of(&story), &why).await;
        }
        Err(error) => panic!("{why}, then: {error}"),
    }
}

/// Dies once at every point that is passed, each time in a world of its own.
async fn die_everywhere(way: Way, least: usize) {
    let points = points(way).await;
    let distinct: BTreeSet<&String> = points.iter().collect();
    assert!(distinct.len() > least, "only {} failpoints: {distinct:?}", distinct.len());
    // Of points that are passed in both attempts the later one: it has more behind it that could be lost.
    let last: std::collections::BTreeMap<String, usize> =
        points.into_iter().enumerate().map(|(n, name)| (name, n)).collect();
    // Until the target is reached, a branch's way is the straight one, and a review's but for its own points.
    let last = last.into_iter().filter(|(name, _)| match way {
        Way::Branch => at_the_end(name),
        Way::Review => name.contains("review") || name.contains("judge"),
        Way::Straight | Way::Conflict => true,
    });
    let mut waiting: Vec<(usize, String)> = last.into_iter().map(|(name, n)| (n, name)).collect();
    while !waiting.is_empty() {
        let batch: Vec<_> = waiting.drain(..waiting.len().min(4)).collect();
        let dying = batch.into_iter().map(|(n, name)| {
            tokio::spawn(async move {
                let limit = std::time::Duration::from_secs(90);
                let done = tokio::time::timeout(limit, die_at(way, n, &name)).await;
                assert!(done.is_ok(), "point {n}, {name}: not done within {limit:?}");
            })
        });
        for died in dying.collect::<Vec<_>>() {
            died.await.unwrap();
        }
    }
}

fn at_the_end(name: &str) -> bool {
    ["land", "settl", "clean", "push"].iter().any(|part| name.contains(part))
}

#[tokio::test]
async fn f47_a_gate_that_the_engine_lost_runs_once_more_and_costs_no_attempt() {
    let mut world = World::new(Way::Branch);
    let lost = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&lost);
    world.executor = world.executor.on(Purpose::Gate, move |_: Stage| {
        let nth = count.fetch_add(1, Ordering::SeqCst);
        // Ended from outside, which is nobody's verdict; then it passes.
        async move { Ending::Code(if nth == 0 { 137 } else { 0 }) }
    });
    let ended = world.work(Arc::new(|_: &str| false)).await.unwrap();
    world.check(&ended, "a lost gate").await;
    assert_eq!(lost.load(Ordering::SeqCst), 2);
    let (house, site, _) = world.engine().await;
    let filter = crate::journal::read::Filter { project: Some(site.id.clone()), ..Default::default() };
    let events = house.journal.events(0, &filter, usize::MAX).unwrap();
    let results: Vec<bool> = events
        .iter()
        .filter_map(|e| match &e.body {
            crate::domain::event::Body::GateEnded { passed, .. } => Some(*passed),
            _ => None,
        })
        .collect();
    assert_eq!(results, [false, true], "both are recorded");
}

#[tokio::test]
async fn a_gate_on_a_tree_that_passed_costs_no_container() {
    let world = World::new(Way::Branch);
    let died = world.work(Arc::new(|name: &str| name == "done:gate")).await;
    assert!(matches!(died, Err(EngineError::Died(_))));
    let gates = || world.executor.started().iter().filter(|s| s.purpose == Purpose::Gate).count();
    assert_eq!(gates(), 1);
    let ended = world.work(Arc::new(|_: &str| false)).await.unwrap();
    world.check(&ended, "a pass is remembered").await;
    assert_eq!(gates(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f01_f05_f06_a_crash_at_every_effect_ends_in_the_same_story() {
    die_everywhere(Way::Straight, 40).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f01_a_crash_at_every_point_of_a_conflict_run_and_a_push_ends_in_the_same_story() {
    die_everywhere(Way::Conflict, 45).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f01_a_crash_at_every_point_of_leaving_a_branch_ends_in_the_same_story() {
    die_everywhere(Way::Branch, 35).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f03_a_container_that_was_made_and_never_started_is_made_anew() {
    let world = World::new(Way::Straight);
    world.executor.fail(Fault::Unstarted(Purpose::Agent));
    let (house, site, engine) = world.engine().await;
    let request = world.request();
    let dying = tokio::spawn(async move { engine.work(request).await });
    let made = async {
        while world.executor.list(&house.instance).await.unwrap().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), made).await.expect("it is made");
    dying.abort();
    let _ = dying.await;
    let again =
        tokio::time::timeout(std::time::Duration::from_secs(60), world.work(Arc::new(|_: &str| false)));
    let ended = again.await.expect("nobody waits for what was never started").unwrap();
    // The first attempt is red by its script, as ever: none was spent on the dead.
    assert_eq!((ended.finish.outcome, ended.finish.attempts), (Outcome::Landed, 2));
    let report = verify::check(&house, &site, Some(&world.executor)).await.unwrap();
    assert_eq!(report.violations, Vec::<String>::new());
    assert_eq!(world.executor.list(&house.instance).await.unwrap(), vec![]);
}
