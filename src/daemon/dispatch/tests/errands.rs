use std::sync::Mutex;

use tokio::sync::oneshot;

use super::*;
use crate::daemon::dispatch::errands::{Asker, Errand, REVIEW, Read, Wanted};
use crate::domain::agent_event::AgentEvent;
use crate::domain::event::{Body, Event};
use crate::domain::run::Outcome;
use crate::domain::verdict::Verdict;

/// Waits until the folder has a file of that name.
async fn told(dir: PathBuf, name: &str) {
    while !dir.join(name).exists() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

const REPLY: &str = r#"{"type":"result","subtype":"success","is_error":false,"terminal_reason":"completed","num_turns":1,"result":"","structured_output":{"findings":[],"summary":"fine","ready":true},"total_cost_usd":0.01,"modelUsage":{"claude-opus-5-5":{"inputTokens":1000,"outputTokens":1000,"costUSD":0.01}},"queued_turn_count":0,"uuid":"3"}"#;

/// What an asker was told, each kind of thing once.
#[derive(Default)]
struct Noted(Mutex<Vec<String>>);

impl Noted {
    fn say(&self, what: &str) {
        let mut all = self.0.lock().unwrap();
        if !all.iter().any(|said| said == what) {
            all.push(what.to_owned());
        }
    }

    fn said(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Progress for Noted {
    fn event(&self, event: &Event, _story: &crate::lifecycle::Story) {
        if matches!(event.body, Body::AgentEnded(_)) {
            self.say("its end");
        }
    }

    fn agent(&self, _event: &AgentEvent) {
        self.say("a reviewer spoke");
    }
}

impl Asker for Noted {
    fn waits(&self, why: &str) {
        self.say(why);
    }

    fn begins(&self) {
        self.say("begins");
    }
}

/// Asks for a review of the branch, under the name `it`.
async fn ask(
    orders: &mpsc::Sender<Order>,
    site: &Site,
    model: Option<&str>,
) -> (oneshot::Receiver<Read>, Arc<Noted>) {
    let (answer, answered) = oneshot::channel();
    let noted = Arc::new(Noted::default());
    let asker: Arc<dyn Asker> = Arc::<Noted>::clone(&noted);
    let (id, what, model) = ("it".to_owned(), "topic".to_owned(), model.map(str::to_owned));
    let errand = Errand::Review(Wanted { id, what, create: false, model, asker, answer });
    assert!(orders.send(Order::Errand { project: site.id.clone(), errand }).await.is_ok());
    (answered, noted)
}

async fn recalled(orders: &mpsc::Sender<Order>, site: &Site, id: &str) -> bool {
    let (answer, answered) = oneshot::channel();
    let errand = Errand::Recall { id: id.to_owned(), answer };
    assert!(orders.send(Order::Errand { project: site.id.clone(), errand }).await.is_ok());
    within(30, answered).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_review_that_is_asked_for_waits_for_a_slot_and_its_cost_counts() {
    let world = World::new(&[("shop", 1)]);
    let dir = world.dir.path().to_owned();
    let house = fixture::house(&dir);
    let config = house.places.config_file();
    std::fs::create_dir_all(config.parent().unwrap()).unwrap();
    std::fs::write(&config, "slots: 1\n").unwrap();
    drop(house);
    fixture::topic(&world.repo("shop"));
    let place = dir.clone();
    world.executor.set(Purpose::Agent, move |mut stage: Stage| {
        let place = place.clone();
        async move {
            let _task = stage.read_line().await;
            write_own_file(&stage);
            told(place, "work").await;
            say_and_leave(stage).await
        }
    });
    let place = dir.clone();
    world.executor.set(Purpose::Review, move |mut stage: Stage| {
        let place = place.clone();
        async move {
            let _task = stage.read_line().await;
            told(place, "read").await;
            stage.stdout(format!("{}\n{REPLY}\n", SAID[0]));
            leave(stage).await
        }
    });
    let (house, sites, dispatcher) = world.dispatcher(&["shop"], Hours::Now { until: None }).await;
    let (mut status, orders) = (dispatcher.status(), dispatcher.orders());
    let night = tokio::spawn(dispatcher.run());
    within(60, status.wait_for(|s| s.running.len() == 1)).await.unwrap();
    let (answered, asker) = ask(&orders, &sites[0], None).await;
    let waits = |s: &Arc<Status>| s.waiting.iter().any(|w| w.title == REVIEW && w.bead.as_str() == "topic");
    within(60, status.wait_for(waits)).await.unwrap();
    let reviewers = || world.executor.started().iter().filter(|s| s.purpose == Purpose::Review).count();
    assert_eq!(reviewers(), 0, "the one slot is taken");
    assert_eq!(asker.said(), ["every slot is taken"]);

    std::fs::write(dir.join("work"), "").unwrap();
    let reads =
        |s: &Arc<Status>| s.running.iter().any(|r| r.phase == "reviewing" && r.bead.as_str() == "topic");
    let now = within(60, status.wait_for(reads)).await.unwrap().clone();
    assert_eq!((now.running.len(), waits(&now)), (1, false));
    std::fs::write(dir.join("read"), "").unwrap();
    let (opinion, filed) = within(60, answered).await.unwrap().unwrap();
    assert_eq!((opinion.review.unwrap().verdict, filed.len()), (Verdict::Accept, 0));
    assert_eq!(asker.said(), ["every slot is taken", "begins", "a reviewer spoke", "its end"]);
    let report = within(60, night).await.unwrap().unwrap();
    assert_eq!((report.tally.landed, reviewers()), (1, 1), "{report:?}");
    let work =
        house.journal.stories_of(&sites[0].id, &BeadId::new("shop-0")).unwrap().pop().unwrap().cost_usd;
    assert!(opinion.cost_usd > 0.0);
    assert!((report.night_usd - work - opinion.cost_usd).abs() < 1e-9, "{report:?}");
    world.check(&house, &sites).await;
}

/// What a reviewer has said and spent when nobody hears it any more.
const ANSWER: &str = concat!(
    r#"{"type":"stream_event","event":{"type":"message_start","message":{"id":"m","model":"claude-opus-5-5","usage":{"input_tokens":1000,"output_tokens":1}}},"uuid":"4"}"#,
    "\n",
    r#"{"type":"stream_event","event":{"type":"message_delta","usage":{"output_tokens":20000}},"api_message_id":"m","uuid":"5"}"#,
    "\n",
    r#"{"type":"assistant","message":{"id":"m","role":"assistant","model":"claude-opus-5-5","content":[{"type":"text","text":"I see"}]},"parent_tool_use_id":null,"uuid":"2"}"#,
);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_review_spent_that_died_with_its_daemon_counts_in_the_week() {
    let world = World::new(&[("shop", 0)]);
    fixture::topic(&world.repo("shop"));
    let dir = world.dir.path().to_owned();
    world.executor.set(Purpose::Review, move |mut stage: Stage| {
        let dir = dir.clone();
        async move {
            let _task = stage.read_line().await;
            stage.stdout(format!("{}\n{ANSWER}\n", SAID[0]));
            std::fs::write(dir.join("answered"), "").unwrap();
            std::future::pending().await
        }
    });
    let (first, sites, dispatcher) = world.dispatcher(&["shop"], Hours::Windows).await;
    let orders = dispatcher.orders();
    let serving = tokio::spawn(dispatcher.run());
    let _asked = ask(&orders, &sites[0], None).await;
    within(60, told(world.dir.path().to_owned(), "answered")).await;
    let stored = async {
        loop {
            let log = first.journal.runs(&Default::default(), 1).unwrap().pop().map(|row| row.log);
            let path = log.map(|log| first.places.state().join(log).with_extension("jsonl"));
            if path.is_some_and(|path| std::fs::read_to_string(path).is_ok_and(|s| s.contains("I see"))) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    within(30, stored).await;
    serving.abort();
    assert!(serving.await.unwrap_err().is_cancelled());

    let (house, _sites, dispatcher) = world.dispatcher(&["shop"], Hours::Windows).await;
    let (mut status, orders) = (dispatcher.status(), dispatcher.orders());
    let serving = tokio::spawn(dispatcher.run());
    let cleared = async {
        while house.journal.last_of("run_ended").unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within(60, cleared).await;
    assert!(orders.send(Order::Poke).await.is_ok());
    let usage = crate::domain::usage::Usage { input: 1000, output: 20_000, ..Default::default() };
    let price = crate::domain::prices::list_prices().cost("claude-opus-5-5", usage);
    let counted = |s: &Arc<Status>| (s.week_usd - price).abs() < 1e-9;
    within(30, status.wait_for(counted)).await.unwrap();
    serving.abort();
}

/// A reviewer that answers, and leaves when it is interrupted.
async fn interrupted(mut stage: Stage) -> Ending {
    let _task = stage.read_line().await;
    stage.stdout(format!("{}\n{ANSWER}\n", SAID[0]));
    while !stage.read_line().await.contains("interrupt") {}
    stage.stdout("{\"type\":\"result\",\"subtype\":\"error_during_execution\",\"is_error\":true,\"terminal_reason\":\"aborted_tools\",\"num_turns\":1,\"total_cost_usd\":0.4,\"modelUsage\":{\"claude-opus-5-5\":{\"inputTokens\":1000,\"outputTokens\":20000,\"costUSD\":0.4}},\"queued_turn_count\":0,\"uuid\":\"9\"}\n");
    leave(stage).await
}

/// A daemon without windows, with one slot, on a project with a branch to read.
async fn serving(
    world: &World,
) -> (Arc<House>, Vec<Arc<Site>>, mpsc::Sender<Order>, watch::Receiver<Arc<Status>>) {
    fixture::topic(&world.repo("shop"));
    let config = fixture::house(world.dir.path()).places.config_file();
    std::fs::create_dir_all(config.parent().unwrap()).unwrap();
    std::fs::write(&config, "slots: 1\n").unwrap();
    let (house, sites, dispatcher) = world.dispatcher(&["shop"], Hours::Windows).await;
    let (orders, status) = (dispatcher.orders(), dispatcher.status());
    tokio::spawn(dispatcher.run());
    (house, sites, orders, status)
}

/// What the run of the newest review says of itself, once it is over.
async fn over(house: &House) -> (String, f64) {
    let row = async {
        loop {
            let row = house.journal.runs(&Default::default(), 1).unwrap().pop();
            let ended = house.journal.last_of("run_ended").unwrap().is_some();
            if let Some(row) = row.filter(|row| ended && row.state != "running") {
                return (row.state, row.cost_usd);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within(30, row).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_review_that_is_taken_back_is_forgotten_while_it_waits_and_ended_properly_while_it_runs() {
    let world = World::new(&[("shop", 0)]);
    world.executor.set(Purpose::Review, interrupted);
    let (house, sites, orders, mut status) = serving(&world).await;
    let (first, asker) = ask(&orders, &sites[0], None).await;
    within(60, async {
        while !asker.said().contains(&"a reviewer spoke".to_owned()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    let (answer, second) = oneshot::channel();
    let noted = Arc::new(Noted::default());
    let asker: Arc<dyn Asker> = Arc::<Noted>::clone(&noted);
    let wanted = Wanted { id: "two".into(), what: "topic".into(), create: false, model: None, asker, answer };
    let errand = Errand::Review(wanted);
    assert!(orders.send(Order::Errand { project: sites[0].id.clone(), errand }).await.is_ok());
    within(30, status.wait_for(|s| s.waiting.len() == 1)).await.unwrap();
    assert_eq!(noted.said(), ["the same is being read for somebody else"]);
    assert!(!recalled(&orders, &sites[0], "three").await);
    assert!(recalled(&orders, &sites[0], "two").await);
    assert!(matches!(within(30, second).await.unwrap(), Err(EngineError::Left)));
    within(30, status.wait_for(|s| s.waiting.is_empty() && s.running.len() == 1)).await.unwrap();

    assert!(recalled(&orders, &sites[0], "it").await);
    let (opinion, filed) = within(60, first).await.unwrap().unwrap();
    let ended = opinion.ended.unwrap();
    assert_eq!((ended.0, opinion.review.is_none(), filed.len()), (Outcome::Cancelled, true, 0));
    let (state, cost) = over(&house).await;
    assert_eq!(state, "cancelled");
    assert!(cost > 0.3 && (cost - opinion.cost_usd).abs() < 1e-9, "{cost}");
    within(30, status.wait_for(|s| s.running.is_empty())).await.unwrap();
    assert!(!recalled(&orders, &sites[0], "it").await, "it is over");
    world.check(&house, &sites).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_review_that_nobody_will_hear_of_any_more_is_ended_and_its_cost_counts() {
    let world = World::new(&[("shop", 0)]);
    world.executor.set(Purpose::Review, interrupted);
    let (house, sites, orders, mut status) = serving(&world).await;
    let (answered, asker) = ask(&orders, &sites[0], None).await;
    within(60, async {
        while !asker.said().contains(&"a reviewer spoke".to_owned()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    drop(answered);
    let (state, cost) = over(&house).await;
    assert_eq!((state.as_str(), cost > 0.3), ("cancelled", true), "{cost}");
    within(30, status.wait_for(|s| s.running.is_empty())).await.unwrap();
    world.check(&house, &sites).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_model_that_is_named_reads_whatever_the_project_wishes() {
    let world = World::new(&[("shop", 0)]);
    let shop = world.repo("shop");
    std::fs::write(shop.join("bead.yaml"), "gates: [{ name: g, run: ls }]\nreview: { model: theirs }\n")
        .unwrap();
    git(&shop, &["commit", "-q", "-a", "-m", "a model"]);
    world.executor.set(Purpose::Review, |mut stage: Stage| async move {
        let _task = stage.read_line().await;
        stage.stdout(format!("{}\n{REPLY}\n", SAID[0]));
        leave(stage).await
    });
    let (_house, sites, orders, _status) = serving(&world).await;
    for (model, expected) in [(Some("mine"), "mine"), (None, "theirs")] {
        let (answered, _) = ask(&orders, &sites[0], model).await;
        within(60, answered).await.unwrap().unwrap();
        let started = world.executor.started();
        let review = started.iter().rfind(|spec| spec.purpose == Purpose::Review).unwrap();
        let at = review.argv.iter().position(|word| word == "--model").expect("a model");
        assert_eq!(review.argv[at + 1], expected, "{:?}", review.argv);
    }
}
