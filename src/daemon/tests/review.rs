//! Reviews and blockers over real git: what they leave behind, wherever a process dies.

use super::*;
use crate::daemon::filing;
use crate::daemon::findings;
use crate::daemon::hand::{Ask, Hand, again};
use crate::domain::event::Body;
use crate::domain::verdict::{Standing, Verdict};
use crate::journal::read::Filter;

/// Two rounds, the second accepting; one bead of what was found beside, and no second one.
pub(super) async fn check(world: &World, tracker: &str, why: &str) {
    let (house, site, _) = world.engine().await;
    let filter = Filter { project: Some(site.id.clone()), ..Filter::default() };
    let events = house.journal.events(0, &filter, usize::MAX).unwrap();
    let verdicts: Vec<Verdict> = events
        .iter()
        .filter_map(|event| match &event.body {
            Body::Reviewed { review, .. } => Some(review.verdict),
            _ => None,
        })
        .collect();
    assert_eq!(verdicts, [Verdict::Revise, Verdict::Accept], "{why}");
    let last = events.iter().rev().find_map(|event| match &event.body {
        Body::Reviewed { review, .. } => Some(review.ledger.clone()),
        _ => None,
    });
    let authors = last.iter().flatten().find(|entry| entry.finding.title == "it is not polished").unwrap();
    assert_eq!((authors.first, &authors.standing), (1, &Standing::Fixed), "{why}: the ledger goes on");
    assert!(!tracker.contains("it is not polished"), "{why}: the author's task is no bead: {tracker}");
    assert_eq!(tracker.matches("the README is thin").count(), 1, "{why}: filed once: {tracker}");
    assert!(tracker.contains("discovered-from"), "{why}: {tracker}");
    let volumes = world.executor.list_volumes(&house.instance).await.unwrap();
    assert_eq!(volumes, Vec::<String>::new(), "{why}: volumes are left");
    let readers = world.executor.started().iter().filter(|s| s.purpose == Purpose::Review).count();
    assert!((2..=3).contains(&readers), "{why}: {readers} reviewers");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f01_a_crash_at_every_point_of_a_review_ends_in_the_same_story() {
    die_everywhere(Way::Review, 45).await;
}

#[tokio::test]
async fn t55_a_reviewer_shares_nothing_with_the_author_and_writes_nothing() {
    use crate::executor::spec::Mount;
    let world = World::new(Way::Review);
    let ended = world.work(Arc::new(|_: &str| false)).await.unwrap();
    world.check(&ended, "a review").await;
    let started = world.executor.started();
    let reviewer = started.iter().find(|s| s.purpose == Purpose::Review).unwrap();
    let author = started.iter().find(|s| s.purpose == Purpose::Agent).unwrap();
    let sources = |spec: &crate::executor::spec::SandboxSpec| -> BTreeSet<PathBuf> {
        spec.mounts
            .iter()
            .filter_map(|mount| match mount {
                Mount::Bind { source, .. } => Some(source.clone()),
                _ => None,
            })
            .collect()
    };
    assert!(sources(reviewer).is_disjoint(&sources(author)), "no folder of the author's");
    for mount in &reviewer.mounts {
        let read_only = match mount {
            Mount::Bind { read_only, .. } | Mount::Volume { read_only, .. } => *read_only,
            Mount::Tmpfs { .. } => true,
        };
        assert!(read_only, "{mount:?}");
    }
    assert!(reviewer.mounts.iter().any(|m| matches!(m, Mount::Volume { target, .. } if target == "/work")));
    assert!(reviewer.argv.iter().any(|arg| arg == "--json-schema"));
    assert!(!reviewer.argv.iter().any(|arg| arg == "--resume"));
}

fn told(house: &House, is: impl Fn(&Body) -> bool) -> Vec<u64> {
    let events = house.journal.events(0, &Filter::default(), usize::MAX).unwrap();
    events.iter().filter(|event| is(&event.body)).map(|event| event.seq).collect()
}

/// One turn of an agent that ends with these words.
async fn ends_with(mut stage: Stage, words: &'static str) -> Ending {
    let _task = stage.read_line().await;
    let block = serde_json::json!([{ "type": "text", "text": words }]);
    let said = serde_json::json!({ "type": "assistant", "parent_tool_use_id": null, "uuid": "2",
        "message": { "id": "m", "role": "assistant", "model": "claude-opus-5-5", "content": block } });
    let result = serde_json::json!({ "type": "result", "subtype": "success", "is_error": false,
        "terminal_reason": "completed", "num_turns": 1, "result": words, "total_cost_usd": 0.01,
        "modelUsage": { "claude-opus-5-5": { "inputTokens": 9000, "outputTokens": 1000 } },
        "queued_turn_count": 0, "uuid": "3" });
    stage.stdout(format!("{said}\n{result}\n"));
    while !stage.read_line().await.contains("end_session") {}
    Ending::Code(0)
}

#[tokio::test]
async fn a_bead_that_would_wait_for_itself_is_parked_with_the_cycle() {
    let mut world = World::new(Way::Review);
    world.executor = world.executor.on(Purpose::Agent, |stage| ends_with(stage, "BLOCKED: t-1"));
    let ended = world.work(Arc::new(|_: &str| false)).await.unwrap();
    let cause = ended.finish.cause.as_ref().map(|cause| cause.as_str());
    assert_eq!((ended.finish.outcome, cause), (Outcome::Parked, Some("cycle")), "{}", ended.finish.reason);
}

#[tokio::test]
async fn a_spent_bead_has_no_reviewer_begun() {
    let world = World::new(Way::Review);
    let died = world.work(Arc::new(|name: &str| name == "before:review")).await;
    assert!(matches!(died, Err(EngineError::Died(_))));
    let (house, site, engine) = world.engine().await;
    let mut story = house.journal.open_story_of(&site.id, &world.bead).unwrap().unwrap();
    story.cost_usd = 1e6;
    engine.review(&mut story).await.unwrap();
    let crate::lifecycle::Effect::Settle { outcome, cause, .. } = story.next() else { panic!("{story:?}") };
    assert_eq!((outcome, cause.unwrap().as_str()), (Outcome::Parked, "budget"));
    assert!(world.executor.started().iter().all(|spec| spec.purpose != Purpose::Review));
}

#[tokio::test]
async fn what_is_said_to_a_bead_waits_for_its_author_while_a_reviewer_reads() {
    let world = World::new(Way::Review);
    let (house, site, _) = world.engine().await;
    let (ear, once) = (Arc::clone(&house), AtomicUsize::new(0));
    let key = (site.id.clone(), world.bead.clone());
    let say = move |name: &str| {
        if name == "before:review" && once.fetch_add(1, Ordering::SeqCst) == 0 {
            crate::daemon::hand::messages::queue(&ear, (&key.0, &key.1), "be bold", false).unwrap();
        }
        false
    };
    let ended = world.work(Arc::new(say)).await.unwrap();
    world.check(&ended, "a message").await;
    let fix = told(&house, |body| matches!(body, Body::AttemptStarted { .. }))[1];
    let heard = told(&house, |body| matches!(body, Body::MessageDelivered { .. }));
    assert!(matches!(heard[..], [seq] if seq > fix), "heard at {heard:?}, the fix began at {fix}");
}

#[tokio::test]
async fn an_opinion_files_nothing_lands_nothing_and_leaves_nothing() {
    let world = World::new(Way::Review);
    let ended = world.work(Arc::new(|_: &str| false)).await.unwrap();
    world.check(&ended, "before the opinion").await;
    let tracker = || std::fs::read_to_string(world.repo().join(".beads/issues.jsonl")).unwrap();
    let (house, site, engine) = world.engine().await;
    let filings = || told(&house, |body| matches!(body, Body::FindingsFiled { .. })).len();
    let before = (tracker(), filings(), git(&world.repo(), &["rev-parse", "main"]));
    let opinion = engine.opinion("t-1", None).await.unwrap();
    assert_eq!(opinion.review.unwrap().verdict, Verdict::Accept);
    assert_eq!((tracker(), filings(), git(&world.repo(), &["rev-parse", "main"])), before);
    assert_eq!(world.executor.list(&house.instance).await.unwrap(), vec![]);
    assert_eq!(world.executor.list_volumes(&house.instance).await.unwrap(), Vec::<String>::new());
    let open = house.journal.stories_of(&site.id, &world.bead).unwrap();
    assert!(open.len() == 1 && !open[0].is_open(), "no claim was made");
    git(&world.repo(), &["branch", "same"]);
    let readers = world.executor.started().len();
    let nothing = engine.opinion("same", None).await;
    assert!(matches!(nothing, Err(EngineError::Refused(_))), "{nothing:?}");
    assert_eq!(world.executor.started().len(), readers, "nothing to read, nobody begun");
}

#[tokio::test]
async fn a_review_that_a_page_asked_for_makes_beads_only_where_somebody_said_so() {
    // Its project says nothing of reviews: whether beads are made is to be asked.
    let world = World::new(Way::Straight);
    world.work(Arc::new(|_: &str| false)).await.unwrap();
    let tracker = || std::fs::read_to_string(world.repo().join(".beads/issues.jsonl")).unwrap();
    let (_, _, engine) = world.engine().await;
    let review = crate::daemon::dispatch::errands::review;
    let before = tracker();
    let (opinion, filed) = review(&engine, ("t-1", None), false).await.unwrap();
    assert_eq!(opinion.review.unwrap().ledger.len(), 2);
    assert!(filed.is_empty() && tracker() == before, "{}", tracker());
    let (_, filed) = review(&engine, ("t-1", None), true).await.unwrap();
    let made: Vec<_> = filed.iter().map(|one| (one.created, one.proposed)).collect();
    assert_eq!(made, [(true, false), (true, false)]);
    assert!(tracker().contains("the README is thin"));
}

/// Real gateways, with what they were told of money spent before.
#[derive(Default)]
struct Noted {
    spent: Mutex<Vec<f64>>,
}

impl crate::gateway::Gateways for Noted {
    fn open(
        &self,
        spec: crate::gateway::GatewaySpec,
    ) -> Result<Box<dyn crate::gateway::Outlet>, crate::gateway::GatewayError> {
        self.spent.lock().unwrap().push(spec.already_spent_usd);
        crate::gateway::Sockets.open(spec)
    }
}

#[tokio::test]
async fn a_reviewer_s_gateway_goes_on_counting_the_bead_s_money() {
    let world = World::new(Way::Review);
    let died = world.work(Arc::new(|name: &str| name == "before:review")).await;
    assert!(matches!(died, Err(EngineError::Died(_))));
    let (house, site, _) = world.engine().await;
    let mut machine = fixture::machine(&house, &world.executor);
    let noted = Arc::new(Noted::default());
    machine.gateways = Arc::<Noted>::clone(&noted);
    let mut story = house.journal.open_story_of(&site.id, &world.bead).unwrap().unwrap();
    let engine = Engine::new(house, site, Arc::new(machine));
    story.cost_usd = 0.5;
    // Announced, then heard.
    for _ in 0..2 {
        engine.review(&mut story).await.unwrap();
    }
    let spent = noted.spent.lock().unwrap().clone();
    assert!(matches!(spent[..], [before] if before >= 0.5), "{spent:?}");
}

/// What agents were told, run by run.
type Told = Arc<Mutex<Vec<String>>>;

/// A world whose author takes `runs` runs to polish its work, and what authors and reviewers were told in it.
fn stubborn(runs: usize) -> (World, Told, Told) {
    let mut world = World::new(Way::Review);
    let (authors, readers) = (Told::default(), Told::default());
    let (told, read) = (Arc::clone(&authors), Arc::clone(&readers));
    world.executor = world.executor.on(Purpose::Agent, move |mut stage: Stage| {
        let told = Arc::clone(&told);
        async move {
            let task = stage.read_line().await;
            let polish = {
                let mut told = told.lock().unwrap();
                told.push(task);
                told.len() > runs
            };
            let text = if polish { "good\npolished\n" } else { "good\n" };
            std::fs::write(stage.host("/work").join("work.txt"), text).unwrap();
            fixture::say_and_leave(stage).await
        }
    });
    world.executor = world.executor.on(Purpose::Review, move |mut stage: Stage| {
        let read = Arc::clone(&read);
        async move {
            let task = stage.read_line().await;
            read.lock().unwrap().push(task.clone());
            reply_to(&task, stage).await
        }
    });
    (world, authors, readers)
}

async fn lay(world: &World, ask: Ask) {
    let (house, site, _) = world.engine().await;
    Hand { house: &house, site: &site, by: "ann" }.lay(&world.bead, &ask).await.unwrap();
}

#[tokio::test]
async fn an_author_who_changes_nothing_is_not_believed_and_a_retry_goes_on_with_the_finding() {
    let (world, authors, readers) = stubborn(2);
    let ended = world.work(Arc::new(|_: &str| false)).await.unwrap();
    let reason = &ended.finish.reason;
    assert_eq!(ended.finish.cause.as_ref().map(|cause| cause.as_str()), Some("review"), "{reason}");
    assert!(reason.starts_with("nothing was changed in answer to the last review"), "{reason}");
    lay(&world, Ask::Retry { fresh: false }).await;
    let (house, site, _) = world.engine().await;
    let on = again::of(&house, &site, &world.bead).unwrap().unwrap();
    assert_eq!((on.reviewed.open.len(), on.reviewed.tip.as_ref()), (2, Some(&on.tip)));
    let ended = world.work(Arc::new(|_: &str| false)).await.unwrap();
    assert_eq!(
        (ended.finish.outcome, ended.finish.attempts),
        (Outcome::Landed, 1),
        "{}",
        ended.finish.reason
    );
    let (authors, readers) = (authors.lock().unwrap().clone(), readers.lock().unwrap().clone());
    assert_eq!((authors.len(), readers.len()), (3, 3));
    assert!(authors[2].contains("it is not polished"), "its author: {}", authors[2]);
    assert!(readers[2].contains("it is not polished"), "its reviewer: {}", readers[2]);
    let all = findings::all(&house.journal, &site.id, Some(&world.bead)).unwrap();
    let standing = |title: &str| {
        all.iter().find(|found| found.entry.finding.title == title).unwrap().entry.standing.clone()
    };
    assert_eq!(standing("it is not polished"), Standing::Fixed);
    assert!(matches!(standing("the README is thin"), Standing::Filed { .. }));
}

#[tokio::test]
async fn what_is_approved_past_a_review_lands_with_its_leftovers_seen_to() {
    let (world, authors, readers) = stubborn(9);
    world.work(Arc::new(|_: &str| false)).await.unwrap();
    lay(&world, Ask::Approve).await;
    // A crash right before the landing files nothing twice.
    let died = world.work(Arc::new(|name: &str| name == "commit:landing")).await;
    assert!(matches!(died, Err(EngineError::Died(_))), "{died:?}");
    let ended = world.work(Arc::new(|_: &str| false)).await.unwrap();
    assert_eq!(ended.finish.outcome, Outcome::Landed, "{}", ended.finish.reason);
    assert_eq!((authors.lock().unwrap().len(), readers.lock().unwrap().len()), (2, 2), "nobody was begun");
    let (house, site, _) = world.engine().await;
    let all = findings::all(&house.journal, &site.id, Some(&world.bead)).unwrap();
    let standing: Vec<_> = all.iter().map(|found| &found.entry.standing).collect();
    let waived = Standing::Waived { reason: "a person approved the work with it".into() };
    assert!(matches!(standing[..], [Standing::Filed { .. }, other] if *other == waived), "{standing:?}");
    let tracker = std::fs::read_to_string(world.repo().join(".beads/issues.jsonl")).unwrap();
    assert_eq!(tracker.matches("the README is thin").count(), 1, "{tracker}");
    assert!(!tracker.contains("it is not polished"), "{tracker}");
    assert_eq!(told(&house, |body| matches!(body, Body::FindingsFiled { .. })).len(), 2);
}

#[tokio::test]
async fn a_bead_that_waited_goes_on_with_what_is_left_of_its_money() {
    let mut world = World::new(Way::Review);
    world.executor =
        world.executor.on(Purpose::Agent, |stage| ends_with(stage, "BLOCKED: the parser panics"));
    let ended = world.work(Arc::new(|_: &str| false)).await.unwrap();
    assert_eq!(ended.finish.outcome, Outcome::Blocked, "{}", ended.finish.reason);
    let (house, site, _) = world.engine().await;
    let on = again::of(&house, &site, &world.bead).unwrap().unwrap();
    assert!(on.spent_usd > 0.0 && on.spent_usd == ended.finish.cost_usd, "{}", on.spent_usd);
}

#[tokio::test]
async fn a_reason_that_is_longer_than_a_title_makes_one_bead_however_often_it_is_told() {
    let world = World::new(Way::Review);
    let (house, site, _) = world.engine().await;
    let reason = (0..120).map(|n| format!("word{n}")).collect::<Vec<_>>().join(" ");
    let first = filing::blocker(&house, &site, &world.bead, &reason).await.unwrap();
    let second = filing::blocker(&house, &site, &world.bead, &reason).await.unwrap();
    assert_eq!((first.created, second.created, &second.bead), (true, false, &first.bead));
}
