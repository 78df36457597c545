//! A bead from ready to landed on a tracker of each kind, with real git and scripted sandboxes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use beadwork::agent::claude::Claude;
use beadwork::clock::{RandomIds, SystemClock};
use beadwork::config::environment::{Environment, Inherited, Secret};
use beadwork::daemon::engine::{Engine, Failpoint};
use beadwork::daemon::error::EngineError;
use beadwork::daemon::house::{House, Site};
use beadwork::daemon::machine::Machine;
use beadwork::daemon::work::{Ended, WorkRequest};
use beadwork::daemon::{queue, verify};
use beadwork::domain::bead::{NewBead, Status};
use beadwork::domain::ids::BeadId;
use beadwork::domain::run::Outcome;
use beadwork::executor::scripted::{Ending, Scripted, Stage};
use beadwork::executor::spec::Purpose;

use super::backend::{Backend, Project, is_long, new};

const SAID: [&str; 3] = [
    r#"{"type":"system","subtype":"init","session_id":"s","model":"claude-opus-5-5","claude_code_version":"2.1.329","uuid":"1"}"#,
    r#"{"type":"assistant","message":{"id":"m","role":"assistant","model":"claude-opus-5-5","content":[{"type":"text","text":"done"}],"usage":{"input_tokens":1,"output_tokens":1}},"parent_tool_use_id":null,"uuid":"2"}"#,
    r#"{"type":"result","subtype":"success","is_error":false,"terminal_reason":"completed","num_turns":1,"result":"done","total_cost_usd":0.01,"queued_turn_count":0,"uuid":"3"}"#,
];

async fn end(mut stage: Stage) -> Ending {
    for line in SAID {
        stage.stdout(format!("{line}\n"));
    }
    loop {
        if stage.read_line().await.contains("end_session") {
            return Ending::Code(0);
        }
    }
}

/// Writes what the gate wants.
async fn does_it(mut stage: Stage) -> Ending {
    let _task = stage.read_line().await;
    std::fs::write(stage.host("/work").join("work.txt"), "good\n").unwrap();
    end(stage).await
}

async fn does_nothing(mut stage: Stage) -> Ending {
    let _task = stage.read_line().await;
    end(stage).await
}

/// The same, and it decides about the beads itself, which no agent may.
async fn closes_all(stage: Stage) -> Ending {
    std::fs::create_dir_all(stage.host("/work").join(".beads")).unwrap();
    std::fs::write(stage.host("/work").join(".beads/issues.jsonl"), "").unwrap();
    does_it(stage).await
}

struct World {
    project: Project,
    executor: Scripted,
}

impl World {
    fn new(backend: &Backend, executor: Scripted) -> Self {
        let project = Project::new(backend);
        let write = |name: &str, text: &str| std::fs::write(project.root().join(name), text).unwrap();
        write("README.md", "a project\n");
        write("bead.yaml", "gates: [{ name: good, run: grep -q good work.txt }]\n");
        project.git(&["add", "README.md", "bead.yaml"]);
        project.git(&["commit", "-q", "-m", "begin"]);
        Self { project, executor }
    }

    async fn engine(&self) -> (Arc<House>, Arc<Site>, Engine) {
        self.engine_with(self.executor.clone()).await
    }

    async fn engine_with(&self, executor: Scripted) -> (Arc<House>, Arc<Site>, Engine) {
        let dir = self.project.dir.path();
        let environment = Environment {
            state_dir: Some(dir.join("state")),
            config_dir: Some(dir.join("config")),
            home: Some(dir.join("home")),
            api_key: Some(Secret::new("scripted-key")),
            inherited: Inherited(self.project.environment()),
            ..Environment::default()
        };
        let clock = Arc::new(SystemClock::default());
        let house = Arc::new(House::open(environment, clock, Arc::new(RandomIds)).unwrap());
        let site = Arc::new(Site::open(&house, &self.project.root()).await.unwrap());
        let machine = Machine::new(&house, Arc::new(executor), Arc::new(Claude)).unwrap();
        let engine = Engine::new(Arc::clone(&house), Arc::clone(&site), Arc::new(machine));
        (house, site, engine)
    }

    async fn work(&self, bead: &BeadId, failpoint: Option<Failpoint>) -> Result<Ended, EngineError> {
        let (_, _, engine) = self.engine().await;
        let engine = failpoint.into_iter().fold(engine, Engine::with_failpoint);
        engine.work(request(bead)).await
    }

    async fn check(&self, why: &str) {
        let (house, site, _) = self.engine().await;
        let report = verify::check(&house, &site, Some(&self.executor)).await.unwrap();
        assert_eq!(report.violations, Vec::<String>::new(), "{why}");
    }

    fn main(&self) -> String {
        git(&self.project.root(), &["rev-parse", "main"])
    }
}

fn request(bead: &BeadId) -> WorkRequest {
    WorkRequest {
        bead: bead.clone(),
        force: false,
        no_gates: false,
        no_review: false,
        target: None,
        model: None,
        unattended: false,
        under_way: false,
    }
}

fn git(dir: &Path, args: &[&str]) -> String {
    let output = std::process::Command::new("git").args(args).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

async fn blockers_first(backend: &Backend) {
    let why = format!("{backend:?}");
    let world = World::new(backend, Scripted::new().on(Purpose::Agent, does_it));
    let healthy = if backend.is_bd() { world.project.complaints() } else { Vec::new() };
    let tracker = world.project.open().await;
    let first = tracker.create(&new("First")).await.unwrap().id;
    let edges = vec![("blocks".to_owned(), first.clone())];
    let second = tracker.create(&NewBead { edges, ..new("Second") }).await.unwrap().id;
    match world.work(&second, None).await {
        Err(EngineError::Refused(refusal)) => assert!(refusal.message.contains(first.as_str()), "{why}"),
        other => panic!("{why}: {other:?}"),
    }
    let ended = world.work(&first, None).await.unwrap();
    assert_eq!(ended.finish.outcome, Outcome::Landed, "{why}: {}", ended.finish.reason);
    assert_eq!(git(&world.project.root(), &["show", "main:work.txt"]), "good", "{why}");
    let closed = tracker.show(&first).await.unwrap();
    assert_eq!((&closed.status, &closed.assignee), (&Status::Closed, &None), "{why}");
    assert!(closed.close_reason.unwrap().starts_with("landed on main as "), "{why}");
    let (house, site, _) = world.engine().await;
    let queue = queue::read(&house, &site).await.unwrap();
    assert_eq!(queue.ready.iter().map(|b| &b.id).collect::<Vec<_>>(), [&second], "{why}");

    let idle = World { executor: Scripted::new().on(Purpose::Agent, does_nothing), ..world };
    let ended = idle.work(&second, None).await.unwrap();
    assert_eq!(ended.finish.outcome, Outcome::NoChange, "{why}");
    let parked = tracker.show(&second).await.unwrap();
    assert_eq!((&parked.status, parked.labels.join(" ").as_str()), (&Status::Blocked, "parked"), "{why}");
    assert_eq!(parked.comments.len(), 1, "{why}: one comment for an attempt");
    let run = ended.run.unwrap();
    assert!(parked.comments[0].text.contains(&run), "{why}: {}", parked.comments[0].text);
    if backend.is_bd() {
        seen_by_its_own(&idle.project, [&first, &second], &run);
        let ill: Vec<_> =
            idle.project.complaints().into_iter().filter(|name| !healthy.contains(name)).collect();
        assert_eq!(ill, Vec::<String>::new(), "{why}: its doctor");
    }
    idle.check(&why).await;
}

/// What the tracker's own users see afterwards: both beads, no cycle, how one ended, and what was said of the other.
fn seen_by_its_own(project: &Project, [landed, parked]: [&BeadId; 2], run: &str) {
    let why = format!("{:?}", project.backend);
    let ask = |args: &[&str]| -> serde_json::Value {
        let ran = project.bd(args);
        assert_eq!(ran.code, 0, "{why}: {args:?}: {ran:?}");
        serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{why}: {args:?}: {e}: {ran:?}"))
    };
    let listed = ask(&["list", "--all", "-n", "0", "--json"]);
    assert_eq!(listed.as_array().unwrap().len(), 2, "{why}");
    let shown = &ask(&["show", landed.as_str(), "--json"])[0];
    assert_eq!(shown["status"], "closed", "{why}: {shown}");
    assert!(shown["close_reason"].as_str().unwrap().starts_with("landed on main as "), "{why}: {shown}");
    let comments = ask(&["comments", parked.as_str(), "--json"]);
    assert!(comments[0]["text"].as_str().unwrap().contains(run), "{why}: {comments}");
    let mut args = vec!["show", parked.as_str(), "--json"];
    args.extend((project.backend.version() == "1.0.5").then_some("--include-comments"));
    let shown = &ask(&args)[0];
    assert_eq!(
        (&shown["status"], &shown["labels"][0]),
        (&"blocked".into(), &"parked".into()),
        "{why}: {shown}"
    );
    assert_eq!(shown["comments"], comments, "{why}: {shown}");
    if matches!(project.backend, Backend::Real { .. }) {
        // Without `--json`, as a person would look.
        let plain = project.bd(&["show", parked.as_str()]);
        let comments = project.bd(&["comments", parked.as_str()]);
        assert!(plain.code == 0 && comments.out.contains(run), "{why}: {plain:?} {comments:?}");
        let cycles = project.bd(&["dep", "cycles", "--json"]);
        assert!(cycles.code == 0 && ["[]", "null"].contains(&cycles.out.trim()), "{why}: {cycles:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn blockers_first_then_landed_and_closed() {
    blockers_first(&Backend::Embedded).await;
    for backend in Backend::fakes() {
        blockers_first(&backend).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn blockers_first_then_landed_and_closed_on_real() {
    for backend in Backend::real() {
        blockers_first(&backend).await;
    }
}

/// Somebody takes the bead away while its agent works: the second look before landing sees it.
async fn stolen(backend: &Backend) {
    let why = format!("{backend:?}");
    let world = World::new(backend, Scripted::new());
    let bead = world.project.open().await.create(&new("Contested")).await.unwrap().id;
    let (program, root) = (world.project.dir.path().join("bin/bd"), world.project.root());
    let (environment, id): (_, PathBuf) = (world.project.environment(), bead.as_str().into());
    let thief = move |stage: Stage| {
        let mut command = std::process::Command::new(&program);
        command.arg("update").arg(&id).args(["--assignee", "worker-2", "--json"]).current_dir(&root);
        command
            .env_clear()
            .envs(environment.clone())
            .env("BEADS_NO_DAEMON", "1")
            .stdin(std::process::Stdio::null());
        async move {
            assert!(command.output().unwrap().status.success());
            does_it(stage).await
        }
    };
    let world = World { executor: Scripted::new().on(Purpose::Agent, thief), ..world };
    let base = world.main();
    let ended = world.work(&bead, None).await.unwrap();
    assert_ne!(ended.finish.outcome, Outcome::Landed, "{why}");
    assert_eq!(world.main(), base, "{why}: nothing landed");
    let theirs = world.project.open().await.show(&bead).await.unwrap();
    assert_eq!(
        (&theirs.status, theirs.assignee.as_deref()),
        (&Status::InProgress, Some("worker-2")),
        "{why}"
    );
    world.check(&why).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_lost_to_another_actor_lands_nothing() {
    for backend in Backend::fakes() {
        stolen(&backend).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_lost_to_another_actor_lands_nothing_on_real() {
    for backend in Backend::real() {
        stolen(&backend).await;
    }
}

/// A crash right after each write to the tracker, and then the same command again.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_a_write_to_the_tracker_changes_nothing_in_the_end() {
    // The least and the most able of them; the others differ from these in nothing that is asked here.
    let mut backends = Backend::fakes();
    backends.retain(|backend| is_long() || ["0.47.1", "1.0.5"].contains(&backend.version()));
    for (backend, point) in backends.iter().flat_map(|b| ["claim", "close", "merge"].map(|p| (b, p))) {
        let why = format!("{backend:?}, died at {point}");
        let world = World::new(backend, Scripted::new().on(Purpose::Agent, does_it));
        let tracker = world.project.open().await;
        let bead = tracker.create(&new("Once")).await.unwrap().id;
        let died = world.work(&bead, Some(Arc::new(move |name: &str| name.contains(point)))).await;
        assert!(died.is_err(), "{why}: {died:?}");
        let ended = world.work(&bead, None).await.unwrap();
        assert_eq!(ended.finish.outcome, Outcome::Landed, "{why}: {}", ended.finish.reason);
        let closed = tracker.show(&bead).await.unwrap();
        assert_eq!(
            (&closed.status, &closed.assignee, closed.claim_token()),
            (&Status::Closed, &None, None),
            "{why}"
        );
        let merges = git(&world.project.root(), &["rev-list", "--count", "--merges", "main"]);
        assert_eq!(merges, "1", "{why}");
        world.check(&why).await;
    }
}

/// An agent's changes to the tracker's files land nowhere, and whoever looks at the bead is told.
#[tokio::test(flavor = "multi_thread")]
async fn t30_changes_to_the_trackers_files_are_dropped_and_told() {
    for backend in [Backend::Embedded, Backend::Fake("1.0.5".to_owned())] {
        let why = format!("{backend:?}");
        let told = "the agent's changes to .beads/ were dropped";
        let world = World::new(&backend, Scripted::new().on(Purpose::Agent, closes_all));
        let tracker = world.project.open().await;
        let bead = tracker.create(&new("Lands")).await.unwrap().id;
        let other = tracker.create(&new("Not asked for")).await.unwrap().id;
        let ended = world.work(&bead, None).await.unwrap();
        assert_eq!(ended.finish.outcome, Outcome::Landed, "{why}: {}", ended.finish.reason);
        let tree = git(&world.project.root(), &["ls-tree", "-r", "--name-only", "main"]);
        assert!(!tree.contains(".beads"), "{why}: {tree}");
        let closed = tracker.show(&bead).await.unwrap().close_reason.unwrap();
        assert!(closed.ends_with(told), "{why}: {closed}");
        let (house, site, _) = world.engine().await;
        let sentence = queue::why(&house, &site, &bead).await.unwrap().sentence;
        assert!(sentence.contains(told), "{why}: {sentence}");
        assert_eq!(tracker.show(&other).await.unwrap().status, Status::Open, "{why}");

        // What does not land says it in its comment; work that left the tracker alone says nothing.
        let gates = "gates: [{ name: never, run: 'false' }]\nlimits: { attempts: 1 }\n";
        std::fs::write(world.project.root().join("bead.yaml"), gates).unwrap();
        world.project.git(&["commit", "-q", "-am", "never"]);
        for (agent_told, executor) in [
            (true, Scripted::new().on(Purpose::Agent, closes_all)),
            (false, Scripted::new().on(Purpose::Agent, does_it)),
        ] {
            let id = tracker.create(&new("Fails")).await.unwrap().id;
            let (_, _, engine) = world.engine_with(executor).await;
            let ended = engine.work(request(&id)).await.unwrap();
            assert_ne!(ended.finish.outcome, Outcome::Landed, "{why}");
            let comments = tracker.show(&id).await.unwrap().comments;
            let said = &comments.last().unwrap().text;
            assert_eq!(said.contains(told), agent_told, "{why}: {said}");
        }
    }
}
