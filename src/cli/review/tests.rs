use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;
use crate::cli::output::Output;
use crate::daemon::dispatch::Status;
use crate::daemon::tests::fixture::{self, SAID, Served, leave};
use crate::executor::Executor as _;
use crate::executor::scripted::{Ending, Scripted, Stage};
use crate::executor::spec::Purpose;

const FINDING: &str = r#"{"type":"result","subtype":"success","is_error":false,"terminal_reason":"completed","num_turns":1,"result":"","structured_output":{"findings":[{"title":"It has no test","description":"Nobody knows.","priority":2,"type":"bug","file":"topic.txt","line":1,"severity":"major","evidence":"read it"}],"summary":"One thing.","ready":false},"total_cost_usd":0.01,"modelUsage":{"claude-opus-5-5":{"inputTokens":1000,"outputTokens":1000,"costUSD":0.01}},"queued_turn_count":0,"uuid":"3"}"#;

async fn reader(mut stage: Stage) -> Ending {
    let _task = stage.read_line().await;
    stage.stdout(format!("{}\n{FINDING}\n", SAID[0]));
    leave(stage).await
}

/// Reads on until it is interrupted.
async fn thinker(mut stage: Stage) -> Ending {
    let _task = stage.read_line().await;
    stage.stdout(format!("{}\n{}\n", SAID[0], SAID[1]));
    while !stage.read_line().await.contains("interrupt") {}
    stage.stdout("{\"type\":\"result\",\"subtype\":\"error_during_execution\",\"is_error\":true,\"terminal_reason\":\"aborted_tools\",\"num_turns\":1,\"total_cost_usd\":0.01,\"queued_turn_count\":0,\"uuid\":\"9\"}\n");
    leave(stage).await
}

/// A daemon with one slot on a project with a branch to read, and the terminal of somebody.
struct World {
    dir: tempfile::TempDir,
    executor: Scripted,
    house: Arc<House>,
    site: Arc<Site>,
    daemon: Served,
}

impl World {
    async fn open() -> Self {
        let dir = tempfile::Builder::new().prefix("bead-ask-").tempdir().unwrap();
        let repo = dir.path().join("repo");
        fixture::repository(&repo, "gates: [{ name: good, run: ls }]\n", &[]);
        fixture::topic(&repo);
        let house = fixture::house(dir.path());
        let config = house.places.config_file();
        std::fs::create_dir_all(config.parent().unwrap()).unwrap();
        std::fs::write(&config, "slots: 1\n").unwrap();
        let site = Arc::new(Site::open(&house, &repo).await.unwrap());
        house.journal.add_project("repo", &repo).unwrap().unwrap();
        let executor = Scripted::new().on(Purpose::Review, reader);
        let daemon = fixture::serve(&house, &site, &executor);
        Self { dir, executor, house, site, daemon }
    }

    fn repo(&self) -> PathBuf {
        self.dir.path().join("repo")
    }

    async fn until(&mut self, what: &str, is: impl FnMut(&Arc<Status>) -> bool) {
        let status = tokio::time::timeout(Duration::from_secs(30), self.daemon.status.wait_for(is)).await;
        assert!(status.is_ok(), "{what} did not come");
    }

    fn runs(&self) -> Vec<(String, f64)> {
        let rows = self.house.journal.runs(&Default::default(), 10).unwrap();
        rows.into_iter().map(|row| (row.state, row.cost_usd)).collect()
    }

    /// Waits for the reviewer with this number.
    async fn reviewer(&self, number: usize) {
        let count = || self.executor.started().iter().filter(|s| s.purpose == Purpose::Review).count();
        let there = async {
            while count() < number {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), there).await.expect("no reviewer came");
    }

    async fn nothing_left(&self) {
        assert_eq!(self.executor.list(&self.house.instance).await.unwrap(), vec![]);
    }
}

fn terminal(dir: &Path) -> Desk {
    let output = Output { json: false, quiet: true, width: 100, terminal: false };
    Desk { environment: fixture::environment(dir), output, project: Some(dir.join("repo")) }
}

fn args(what: &str) -> Args {
    Args { what: what.to_owned(), create_beads: false, model: None }
}

/// Somebody who asks for a review, and presses Ctrl-C by `stop`.
type Asking = tokio::task::JoinHandle<Result<Option<Reading>, CliError>>;

fn asks(world: &World, stop: &Stop) -> Asking {
    let (dir, stop) = (world.dir.path().to_owned(), stop.clone());
    tokio::spawn(async move { read(&terminal(&dir), &stop, &args("topic")).await })
}

async fn ended(asking: Asking) -> Result<Option<Reading>, CliError> {
    tokio::time::timeout(Duration::from_secs(40), asking).await.expect("it ends in time").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_review_through_a_daemon_says_what_one_without_it_says_and_takes_its_slot() {
    let mut world = World::open().await;
    world.executor.set(Purpose::Review, thinker);
    let (first, second) = (Stop::default(), Stop::default());
    let asking = asks(&world, &first);
    world.until("the review", |s| s.running.len() == 1 && s.running[0].phase == "reviewing").await;
    world.reviewer(1).await;
    // The same once more has to wait, in sight of everybody.
    let waiting = asks(&world, &second);
    world.until("the second", |s| s.waiting.len() == 1).await;
    world.executor.set(Purpose::Review, reader);
    first.more();
    assert_eq!(exit(&ended(asking).await.unwrap().unwrap().opinion), Exit::Interrupted);
    let through = ended(waiting).await.unwrap().unwrap();
    assert_eq!(exit(&through.opinion), Exit::NotLanded);
    assert_eq!(through.filed, Some(vec![]));

    let alone = fixture::engine(&world.house, &world.site, &world.executor);
    let alone = alone.opinion("topic", None).await.unwrap();
    assert_eq!(exit(&alone), Exit::NotLanded);
    let line = |opinion: &Opinion| {
        let mut line = opinion.line(&[]);
        line["run"] = serde_json::Value::Null;
        line
    };
    assert_eq!(line(&through.opinion), line(&alone));
    assert!(through.opinion.run.is_some() && through.opinion.cost_usd > 0.0);
    let filed = file(&terminal(world.dir.path()), &args("topic"), &through).await.unwrap();
    assert_eq!(filed, vec![], "a branch's findings belong to no bead");
    let agreed = Args { create_beads: true, ..args("topic") };
    let refused = file(&terminal(world.dir.path()), &agreed, &through).await.unwrap_err();
    assert_eq!(refused.exit, Exit::Refused);
    world.nothing_left().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_nobody_could_read_is_refused_at_once_however_many_wait() {
    let mut world = World::open().await;
    world.executor.set(Purpose::Review, thinker);
    let stop = Stop::default();
    let asking = asks(&world, &stop);
    world.until("the review", |s| s.running.len() == 1).await;
    world.reviewer(1).await;
    let dir = world.dir.path().to_owned();
    let refused = read(&terminal(&dir), &Stop::default(), &args("nonsense")).await;
    let Err(refused) = refused else { panic!("it was read") };
    assert_eq!((refused.exit, refused.hints.len()), (Exit::Refused, 1));
    assert!(refused.message.contains("no bead, no run and no branch"), "{}", refused.message);
    stop.more();
    ended(asking).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ctrl_c_takes_a_review_back_that_waits_and_ends_one_that_runs_properly() {
    let mut world = World::open().await;
    world.executor.set(Purpose::Review, thinker);
    let (first, second) = (Stop::default(), Stop::default());
    let running = asks(&world, &first);
    world.until("the review", |s| s.running.len() == 1).await;
    world.reviewer(1).await;
    let waiting = asks(&world, &second);
    world.until("the second", |s| s.waiting.len() == 1).await;
    second.more();
    // By its name, or with its connection where it has heard of none yet.
    let back = match ended(waiting).await {
        Ok(None) => Exit::Interrupted,
        Ok(Some(_)) => Exit::Done,
        Err(error) => error.exit,
    };
    assert_eq!(back, Exit::Interrupted);
    world.until("the queue", |s| s.waiting.is_empty() && s.running.len() == 1).await;
    assert_eq!(world.runs().len(), 1, "it never began");
    first.more();
    let read = ended(running).await.unwrap().unwrap();
    assert_eq!((exit(&read.opinion), read.opinion.review.is_none()), (Exit::Interrupted, true));
    world.until("its slot", |s| s.running.is_empty()).await;
    assert_eq!(world.runs()[0].0, "cancelled");
    world.nothing_left().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_terminal_that_leaves_or_dies_leaves_no_review_behind() {
    let mut world = World::open().await;
    world.executor.set(Purpose::Review, thinker);
    for (number, kills) in [(1, false), (2, true)] {
        let stop = Stop::default();
        let asking = asks(&world, &stop);
        world.until("the review", |s| s.running.len() == 1).await;
        world.reviewer(number).await;
        if kills {
            asking.abort();
            assert!(asking.await.is_err_and(|error| error.is_cancelled()));
        } else {
            stop.leave();
            assert!(ended(asking).await.unwrap().is_none());
        }
        world.until("its slot", |s| s.running.is_empty()).await;
        assert_eq!(world.runs()[0].0, "cancelled");
        world.nothing_left().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_daemon_that_stops_is_told_as_what_it_is() {
    let mut world = World::open().await;
    world.executor.set(Purpose::Review, thinker);
    let asking = asks(&world, &Stop::default());
    world.until("the review", |s| s.running.len() == 1).await;
    world.daemon.stop.more();
    (&mut world.daemon.task).await.unwrap();
    let Err(failed) = ended(asking).await else { panic!("it was read") };
    assert_eq!(failed.exit, Exit::Failed);
    assert!(failed.message.contains("stopp"), "{}", failed.message);
    assert!(world.repo().exists());
    world.nothing_left().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_caller_of_the_api_that_goes_away_takes_its_review_back() {
    let mut world = World::open().await;
    world.executor.set(Purpose::Review, thinker);
    let asks = |client: Client, project: String| {
        let wish = serde_json::json!({ "what": "topic" });
        tokio::spawn(async move { client.post(&format!("/api/projects/{project}/review"), &wish).await })
    };
    let project = world.site.id.to_string();
    let mut callers = Vec::new();
    for _ in 0..2 {
        callers.push(asks(Client::find(&world.house.places).await.unwrap(), project.clone()));
        world.reviewer(1).await;
    }
    world.until("the second", |s| s.running.len() == 1 && s.waiting.len() == 1).await;
    callers.iter().for_each(tokio::task::JoinHandle::abort);
    world.until("its slot", |s| s.running.is_empty() && s.waiting.is_empty()).await;
    let runs = world.runs();
    assert_eq!((runs.len(), runs[0].0.as_str()), (1, "cancelled"), "the second never began");
    world.nothing_left().await;
}
