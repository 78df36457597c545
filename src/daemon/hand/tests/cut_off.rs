//! What a shell, a review or gates outside any claim leave when their process is killed, and what becomes of it.

use super::super::shell::{LeftThere, OpenShell};
use super::super::table::Verb;
use super::*;
use crate::daemon::outside::{self, Whose};
use crate::daemon::progress::Silent;
use crate::daemon::reap::{self, Item, Kind, Plan, Reaper, Sizes, Verdict};
use crate::daemon::stop::Stop;
use crate::domain::event::{GivenBack, Outside};
use crate::domain::ids::{RunId, base36};
use crate::domain::prices::list_prices;
use crate::domain::run::RunKind;
use crate::domain::usage::Usage;
use crate::executor::spec::{Limits, RunUser, SandboxSpec};
use crate::journal::Entry;

/// Somebody who wrote something and thinks about what to do next.
async fn thinker(stage: Stage) -> Ending {
    std::fs::write(stage.host("/work").join("mine.txt"), "by hand\n").unwrap();
    stage.stdout("pipe\n");
    std::future::pending().await
}

async fn never(stage: Stage) -> Ending {
    stage.stdout("\n");
    std::future::pending().await
}

/// A world with kept work that nobody works on.
async fn parked() -> World {
    let world = World::new("PROTECTED, then FINISH").await;
    world.ended(world.work()).await;
    world.executor.set(Purpose::Shell, thinker);
    world
}

/// A shell in which something was written.
async fn at_work(world: &World) -> OpenShell {
    let (shell, _attached) = world.engine().open_shell(&world.bead, None, "ann").await.unwrap();
    world.until("the file", |w| mine(w, &shell.run).exists()).await;
    shell
}

fn mine(world: &World, run: &RunId) -> PathBuf {
    world.house.places.clone_dir(run).join("mine.txt")
}

impl World {
    async fn plan(&self) -> Plan {
        let sites = [("repo".to_owned(), Arc::clone(&self.site))];
        let reaper = Reaper { house: &self.house, executor: Some(&self.executor), sites: &sites };
        reap::plan(&reaper.look(Sizes::Skipped).await.unwrap())
    }

    async fn gc(&self) {
        let sites = [("repo".to_owned(), Arc::clone(&self.site))];
        let reaper = Reaper { house: &self.house, executor: Some(&self.executor), sites: &sites };
        let swept = reaper.sweep(&self.plan().await).await;
        assert!(swept.failed.is_empty(), "{:?}", swept.failed);
    }

    async fn containers(&self) -> usize {
        self.executor.list(&self.house.instance).await.unwrap().len()
    }

    async fn recover(&self) {
        self.engine().recover_outside(Whose::All).await.unwrap();
    }

    fn row(&self, run: &RunId) -> String {
        let filter = Filter { run: Some(run.clone()), ..Filter::default() };
        let mut rows = self.house.journal.runs(&filter, 1).unwrap();
        self.house.mark_interrupted(&mut rows);
        rows.pop().unwrap().state
    }

    async fn verify(&self) -> verify::Report {
        verify::check(&self.house, &self.site, Some(&self.executor)).await.unwrap()
    }

    /// Nothing of a run that somebody has is touched, and all of it is in order.
    async fn nothing_happens_to(&self, run: &RunId) {
        assert_eq!(self.row(run), "running");
        let report = self.verify().await;
        assert_eq!((report.violations, report.notes), (vec![], vec![]));
        for item in self.plan().await.items.iter().filter(|item| item.kind <= Kind::Sockets) {
            assert!(matches!(item.verdict, Verdict::Stays(_)), "{item:?}");
        }
        let before = self.containers().await;
        assert!(before > 0);
        self.recover().await;
        self.gc().await;
        assert_eq!(self.containers().await, before);
    }
}

fn only(plan: &Plan, kind: Kind) -> &Item {
    let all: Vec<&Item> = plan.items.iter().filter(|item| item.kind == kind).collect();
    let [item] = all[..] else { panic!("{kind:?}: {all:#?}") };
    item
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t50_the_container_of_a_killed_shell_goes_and_its_work_is_kept() {
    let world = parked().await;
    let shell = at_work(&world).await;
    let run = shell.run.clone();
    world.nothing_happens_to(&run).await;
    drop(shell);
    assert_eq!(world.row(&run), "interrupted");
    let report = world.verify().await;
    assert_eq!(report.violations, Vec::<String>::new());
    for word in ["a shell on bead `t-1` was cut off", "was left by a shell whose process is gone"] {
        assert!(report.notes.iter().any(|note| note.contains(word)), "{word}: {:?}", report.notes);
    }
    // A reaping only removes what can be made again.
    let plan = world.plan().await;
    assert!(matches!(only(&plan, Kind::Container).verdict, Verdict::Goes(_)), "{plan:?}");
    world.gc().await;
    assert_eq!(world.containers().await, 0);
    let plan = world.plan().await;
    let Verdict::Stays(why) = &only(&plan, Kind::Clone).verdict else { panic!("{plan:?}") };
    assert!(why.contains("what a person left in a shell is only there"), "{why}");
    world.gc().await;
    assert!(mine(&world, &run).exists());

    world.recover().await;
    let (of, tip) = again::kept(&world.house, &world.site, &world.bead).unwrap().unwrap();
    assert_eq!(of, run);
    assert_eq!(git(&world.repo(), &["show", &format!("{tip}:mine.txt")]), "by hand");
    assert_eq!((world.row(&run).as_str(), mine(&world, &run).exists()), ("completed", false));
    world.recover().await;
    let given = world.bodies().into_iter().filter(|body| matches!(body, Body::GivenBack { .. })).count();
    assert_eq!(given, 1, "once");
    world.check().await;
    world.approved_lands_by_hand().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shell_begins_with_what_was_left_in_the_one_before() {
    let world = parked().await;
    let first = at_work(&world).await;
    let (run, tip) = (first.run.clone(), first.tip.clone());
    drop(first);
    world.executor.set(Purpose::Shell, |stage: Stage| async move {
        let text = std::fs::read_to_string(stage.host("/work").join("mine.txt")).unwrap_or_default();
        stage.stdout(format!("pipe\n{text}"));
        Ending::Code(0)
    });
    let engine = world.engine();
    let (second, mut attached) = engine.open_shell(&world.bead, None, "ann").await.unwrap();
    while attached.output.recv().await.is_some() {}
    assert_eq!((&second.of, second.tip != tip), (&run, true));
    assert_eq!(engine.close_shell(second, "ann").await.unwrap(), LeftThere::Nothing);
    world.check().await;
}

/// The bead was worked on by somebody else before anybody looked after the shell.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_too_late_is_kept_beside() {
    let world = parked().await;
    let shell = at_work(&world).await;
    let run = shell.run.clone();
    drop(shell);
    let given = GivenBack::Retried { fresh: true };
    let entry = Entry {
        project: Some(world.site.id.clone()),
        bead: Some(world.bead.clone()),
        run: None,
        attempt: None,
        body: Body::GivenBack { by: "ann".into(), how: given },
    };
    world.house.journal.tell(entry).unwrap();
    world.recover().await;
    let (of, _) = again::kept(&world.house, &world.site, &world.bead).unwrap().unwrap();
    assert_ne!(of, run);
    assert_eq!(git(&world.repo(), &["show", &format!("refs/bead/{run}:mine.txt")]), "by hand");
    let told = |body: &Body| matches!(body, Body::Notice { text } if text.contains("went on without it"));
    assert!(world.bodies().iter().any(told));
    world.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t50_the_containers_of_a_killed_review_go() {
    let world = parked().await;
    world.executor.set(Purpose::Review, never);
    let (engine, bead) = (world.engine(), world.bead.to_string());
    let review = tokio::spawn(async move { engine.opinion(&bead, None).await.map(|_| ()) });
    let reviewers = |w: &World| w.executor.started().iter().filter(|s| s.purpose == Purpose::Review).count();
    world.until("the reviewer", |w| reviewers(w) == 1 && w.bodies().len() > 3).await;
    let started = |event: &Event| matches!(event.body, Body::RunStarted { kind: RunKind::Review, .. });
    let run = world.events().into_iter().find(started).unwrap().run.unwrap();
    world.nothing_happens_to(&run).await;
    review.abort();
    assert!(review.await.unwrap_err().is_cancelled());
    assert_eq!((world.row(&run).as_str(), world.containers().await), ("interrupted", 1));
    let plan = world.plan().await;
    assert!(matches!(only(&plan, Kind::Container).verdict, Verdict::Goes(_)), "{plan:?}");
    world.recover().await;
    assert_eq!((world.row(&run).as_str(), world.containers().await), ("cancelled", 0));
    world.gc().await;
    world.check().await;
}

/// What a reviewer has said and spent when nobody hears it any more.
const ANSWER: &str = concat!(
    r#"{"type":"stream_event","event":{"type":"message_start","message":{"id":"m","model":"claude-opus-5-5","usage":{"input_tokens":1000,"output_tokens":1}}},"uuid":"4"}"#,
    "\n",
    r#"{"type":"stream_event","event":{"type":"message_delta","usage":{"output_tokens":20000}},"api_message_id":"m","uuid":"5"}"#,
    "\n",
    r#"{"type":"assistant","message":{"id":"m","role":"assistant","model":"claude-opus-5-5","content":[{"type":"text","text":"I see"}]},"parent_tool_use_id":null,"uuid":"2"}"#,
);

async fn spender(stage: Stage) -> Ending {
    stage.stdout(format!("{}\n{ANSWER}\n", fixture::SAID[0]));
    std::future::pending().await
}

impl World {
    /// A review whose reviewer has answered once.
    async fn spends(&self, stop: Stop) -> (JoinHandle<Result<(), EngineError>>, RunId) {
        self.executor.set(Purpose::Review, spender);
        let engine = self.engine().with_person(stop, Arc::new(Silent));
        let bead = self.bead.to_string();
        let review = tokio::spawn(async move { engine.opinion(&bead, None).await.map(|_| ()) });
        let reviewing = |w: &World| {
            let newest = w.house.journal.runs(&Filter::default(), 1).unwrap().pop().unwrap();
            newest.kind == "review" && w.stored().contains("I see")
        };
        self.until("the answer", reviewing).await;
        let newest = self.house.journal.runs(&Filter::default(), 1).unwrap().pop().unwrap();
        (review, RunId::parse(&newest.run).unwrap())
    }

    /// What is counted of the run, bill by bill, and what `bead runs` says of it.
    fn bills(&self, run: &RunId) -> (Vec<f64>, f64) {
        let of_run = self.events().into_iter().filter(|event| event.run.as_ref() == Some(run));
        let bill = |event: Event| match event.body {
            Body::AgentEnded(end) => Some(end),
            _ => None,
        };
        let ends: Vec<_> = of_run.filter_map(bill).collect();
        assert!(ends.iter().all(|end| end.usage.total() == 21_000), "{ends:?}");
        let filter = Filter { run: Some(run.clone()), ..Filter::default() };
        let row = self.house.journal.runs(&filter, 1).unwrap().pop().unwrap();
        (ends.iter().map(|end| end.cost_usd).collect(), row.cost_usd)
    }
}

fn price() -> f64 {
    let usage = Usage { input: 1000, output: 20_000, ..Usage::default() };
    list_prices().cost("claude-opus-5-5", usage)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_review_had_spent_counts_once() {
    let world = parked().await;
    let (review, run) = world.spends(Stop::default()).await;
    review.abort();
    assert!(review.await.unwrap_err().is_cancelled());
    assert_eq!(world.bills(&run), (vec![], 0.0));
    // Two come to clear up at once, and a third later.
    tokio::join!(world.recover(), world.recover());
    world.recover().await;
    assert_eq!(world.bills(&run), (vec![price()], price()));
    assert_eq!((world.row(&run).as_str(), world.containers().await), ("cancelled", 0));
    let ends = world
        .bodies()
        .into_iter()
        .filter(|body| matches!(body, Body::RunEnded { kind: RunKind::Review, .. }));
    assert_eq!(ends.count(), 1);
    world.gc().await;
    world.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_review_had_spent_counts_where_its_person_left_at_once() {
    let world = parked().await;
    let stop = Stop::default();
    let (review, run) = world.spends(stop.clone()).await;
    stop.leave();
    assert!(matches!(review.await.unwrap(), Err(EngineError::Left)));
    assert_eq!(world.bills(&run), (vec![price()], price()));
    world.recover().await;
    assert_eq!((world.bills(&run).0.len(), world.containers().await), (1, 0));
    world.check().await;
}

/// A `git` that makes half a clone and then takes its time.
fn slow_git(dir: &std::path::Path) -> std::ffi::OsString {
    use std::os::unix::fs::PermissionsExt;
    let path = std::env::var_os("PATH").unwrap();
    let real = std::env::split_paths(&path).map(|dir| dir.join("git")).find(|git| git.exists()).unwrap();
    let script = format!(
        "#!/bin/sh\ncase \" $* \" in *\" clone \"*)\n for to; do :; done\n mkdir -p \"$to/.git/objects\"\n \
         echo 'ref: refs/heads/work' > \"$to/.git/HEAD\"\n exec sleep 60;;\nesac\nexec {} \"$@\"\n",
        real.display()
    );
    let bin = dir.join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    std::fs::write(bin.join("git"), script).unwrap();
    std::fs::set_permissions(bin.join("git"), PermissionsExt::from_mode(0o755)).unwrap();
    std::env::join_paths([bin].into_iter().chain(std::env::split_paths(&path))).unwrap()
}

/// A shell that is killed while its clone is being made.
async fn cut_off_in_cloning(world: &World) -> RunId {
    let slow = slow_git(world.dir.path());
    let mut environment = fixture::environment(world.dir.path());
    environment.inherited.0.retain(|(name, _)| name != "PATH");
    environment.inherited.0.push(("PATH".into(), slow));
    let house = House::open(environment, Arc::clone(&world.house.clock), Arc::clone(&world.house.ids));
    let house = Arc::new(house.unwrap());
    let site = Arc::new(Site::open(&house, &world.repo()).await.unwrap());
    let (engine, bead) = (fixture::engine(&house, &site, &world.executor), world.bead.clone());
    let opening = tokio::spawn(async move { engine.open_shell(&bead, None, "ann").await.map(|_| ()) });
    let half = |w: &World| {
        let clones = std::fs::read_dir(w.house.places.state().join("clones")).unwrap().flatten();
        clones.filter(|clone| clone.path().join(".git/HEAD").exists()).count() == 1
    };
    world.until("half a clone", half).await;
    let begun = |body: &Body| matches!(body, Body::RunStarted { kind: RunKind::Shell, .. });
    let run = world.events().into_iter().find(|event| begun(&event.body)).unwrap().run.unwrap();
    assert_eq!(world.row(&run), "running");
    // Not touched while its process lives.
    world.recover().await;
    world.gc().await;
    assert!(half(world));
    opening.abort();
    assert!(opening.await.unwrap_err().is_cancelled());
    assert!(half(world), "as a kill leaves it");
    run
}

fn clones(world: &World) -> usize {
    std::fs::read_dir(world.house.places.state().join("clones")).unwrap().count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_clone_of_a_shell_that_was_killed_simply_goes() {
    let world = parked().await;
    let before = again::kept(&world.house, &world.site, &world.bead).unwrap();
    let run = cut_off_in_cloning(&world).await;
    let report = world.verify().await;
    assert_eq!((report.violations, report.notes), (vec![], vec![]), "nobody has written there");
    world.recover().await;
    assert_eq!((world.row(&run).as_str(), clones(&world)), ("cancelled", 0));
    let told = |body: &Body| matches!(body, Body::Notice { .. } | Body::GivenBack { .. });
    assert!(!world.bodies().iter().any(told), "{:#?}", world.bodies());
    assert_eq!(again::kept(&world.house, &world.site, &world.bead).unwrap(), before);
    // The next one begins as if there had been none.
    let shell = at_work(&world).await;
    assert_eq!(shell.tip, before.unwrap().1);
    assert!(matches!(world.engine().close_shell(shell, "ann").await.unwrap(), LeftThere::Work(_)));
    world.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reaping_takes_half_a_clone_and_not_what_a_person_left() {
    let world = parked().await;
    let run = cut_off_in_cloning(&world).await;
    let plan = world.plan().await;
    let half = only(&plan, Kind::Clone);
    assert!(matches!(half.verdict, Verdict::Goes(_)), "{half:?}");
    world.gc().await;
    assert_eq!(clones(&world), 0);
    world.recover().await;
    assert_eq!(world.row(&run), "cancelled");
    let shell = at_work(&world).await;
    let run = shell.run.clone();
    drop(shell);
    world.gc().await;
    assert!(mine(&world, &run).exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gates_outside_a_claim_are_left_alone_while_they_run() {
    let world = parked().await;
    let go = world.dir.path().join("go");
    let waits = go.clone();
    world.executor.set(Purpose::Gate, move |stage: Stage| {
        let waits = waits.clone();
        async move {
            stage.stdout("running\n");
            while !waits.exists() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Ending::Code(1)
        }
    });
    let (engine, bead) = (world.engine(), world.bead.clone());
    let proving = tokio::spawn(async move { engine.failing_on_target(&bead).await });
    let outside = |event: &Event| matches!(&event.body, Body::RunStarted { kind: RunKind::Gate, outside: Some(o), .. } if o.nonces.len() == 2);
    let gates = |w: &World| w.executor.started().iter().filter(|s| s.purpose == Purpose::Gate).count();
    let before = gates(&world);
    world.until("the gate", |w| gates(w) > before && w.events().iter().any(outside)).await;
    let run = world.events().into_iter().find(outside).unwrap().run.unwrap();
    world.nothing_happens_to(&run).await;
    std::fs::write(go, "").unwrap();
    assert_eq!(proving.await.unwrap().unwrap().len(), 1);
    assert_eq!(world.row(&run), "failed");
    world.check().await;
}

/// As a kill leaves it: announced, made, and nobody has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t50_the_containers_of_killed_gates_go_and_what_only_looks_like_them_stays() {
    let world = parked().await;
    let run = RunId::from_bytes(world.house.ids.bytes());
    let nonce = base36(world.house.ids.bytes(), 12);
    let story = world.house.journal.stories_of(&world.site.id, &world.bead).unwrap().pop().unwrap();
    let lock = outside::take(&world.house, &world.site.id, (RunKind::Gate, &run)).unwrap();
    let announced = Outside { nonces: vec![nonce.clone()], from: None };
    let log = "logs/x-gate.log".to_owned();
    let body = Body::RunStarted { kind: RunKind::Gate, log, outside: Some(announced) };
    let entry = Entry { run: Some(run.clone()), attempt: None, ..Entry::of(&story, body) };
    world.house.journal.tell(entry).unwrap();
    world.executor.set(Purpose::Gate, never);
    let spec = |name: &str, nonce: &str| SandboxSpec {
        name: name.to_owned(),
        purpose: Purpose::Gate,
        image: "sha256:00".into(),
        argv: vec!["true".into()],
        env: std::collections::BTreeMap::default(),
        user: RunUser { uid: 1000, gid: 1000 },
        workdir: "/".into(),
        mounts: vec![],
        limits: Limits::default(),
        stdin: false,
        time_limit: Duration::from_secs(60),
        log_cap: 1 << 20,
        labels: world.engine().labels(&story, &run, nonce.to_owned()),
    };
    world.executor.start(&spec("whatever", &nonce)).await.unwrap();
    world.nothing_happens_to(&run).await;
    drop(lock);
    world.executor.start(&spec("looks-like-it", "guessed")).await.unwrap();
    let goes = |plan: &Plan| plan.goes().filter(|item| item.kind == Kind::Container).count();
    assert_eq!(goes(&world.plan().await), 1);
    world.recover().await;
    assert_eq!((world.containers().await, world.row(&run).as_str()), (1, "cancelled"));
    world.gc().await;
    assert_eq!(world.containers().await, 1, "nothing proves that it is ours");
    let left = world.plan().await;
    assert!(matches!(only(&left, Kind::Container).verdict, Verdict::LeftAlone(_)), "{left:?}");
    assert_eq!(world.verify().await.violations.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_of_a_run_outside_any_claim_does_not_befall_the_bead_s_own_work() {
    let world = parked().await;
    let own =
        world.events().into_iter().find(|e| matches!(e.body, Body::AgentEnded(_))).unwrap().run.unwrap();
    let shell = at_work(&world).await;
    for verb in Verb::ALL {
        let acts = matches!(verb, Verb::Cancel | Verb::Pause | Verb::Resume | Verb::Send);
        let refusal = of_a_claim(&world.house.journal, &shell.run, verb).err().map(|e| e.to_string());
        assert_eq!(refusal.is_some(), acts, "{verb:?}: {refusal:?}");
        assert!(refusal.is_none_or(|text| text.contains("a shell outside any claim")));
        assert!(of_a_claim(&world.house.journal, &own, verb).is_ok(), "{verb:?} of a claim's own run");
    }
    let engine = world.engine();
    engine.close_shell(shell, "ann").await.unwrap();
}
