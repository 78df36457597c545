//! The same verbs over the control socket, with a dispatcher that carries the bead.

use serde_json::json;

use super::*;
use crate::daemon::control::client::{Client, ClientError};
use crate::daemon::tests::fixture::Served;

/// A daemon, and somebody who asks it.
pub(super) struct Daemon {
    pub client: Client,
    project: String,
    served: Served,
}

impl Daemon {
    pub(super) async fn serve(world: &World) -> Self {
        if world.house.journal.projects().unwrap().is_empty() {
            world.house.journal.add_project("repo", &world.repo()).unwrap().unwrap();
        }
        let served = fixture::serve(&world.house, &world.site, &world.executor);
        let client = Client::find(&world.house.places).await.unwrap();
        Self { client, project: world.site.id.to_string(), served }
    }

    pub(super) async fn post(&self, place: &str, wish: Value) -> Result<String, ClientError> {
        let taken = self.client.post(&format!("/api/projects/{}/{place}", self.project), &wish).await?;
        Ok(taken["accepted"].as_str().unwrap_or_default().to_owned())
    }

    pub(super) async fn left(self) {
        self.served.stop.more();
        tokio::time::timeout(Duration::from_secs(30), self.served.task).await.unwrap().unwrap();
    }
}

pub(super) async fn until_state(world: &World, state: State) {
    for _ in 0..1500 {
        if world.state().await == state {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it is {:?}, not {state:?}: {:#?}", world.state().await, world.bodies());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_verb_reaches_a_bead_that_a_daemon_carries() {
    let world = World::new("PROTECTED, and wait for a word").await;
    let daemon = Daemon::serve(&world).await;
    daemon.post("work/t-1", json!({})).await.unwrap();
    world.at_work().await;
    let refused = daemon.post("runs/t-1/resume", json!({})).await;
    assert!(matches!(&refused, Err(ClientError::Refused(r)) if r.message.contains("working")), "{refused:?}");
    daemon.post("runs/t-1/pause", json!({})).await.unwrap();
    until_state(&world, State::Suspended).await;
    daemon.post("runs/t-1/input", json!({ "text": "hello there" })).await.unwrap();
    daemon.post("runs/t-1/resume", json!({})).await.unwrap();
    world.until("delivery", |w| w.delivered() == 1).await;
    daemon.post("runs/t-1/input", json!({ "text": "and FINISH", "now": true })).await.unwrap();
    until_state(&world, State::Parked(Why::Held)).await;
    assert_eq!(world.delivered(), 2);
    let run = world.events().into_iter().find_map(|event| event.run).unwrap();
    let stale = daemon.post(&format!("runs/{run}/approve"), json!({ "tip": "1".repeat(40) })).await;
    assert!(
        matches!(&stale, Err(ClientError::Refused(r)) if r.message.contains("not what was shown")),
        "{stale:?}"
    );
    let stale = daemon.post("beads/t-1/approve", json!({ "tip": null })).await;
    assert!(
        matches!(&stale, Err(ClientError::Refused(r)) if r.message.contains("not what was shown")),
        "{stale:?}"
    );
    let said = daemon.post(&format!("runs/{run}/approve"), json!({})).await.unwrap();
    assert!(said.contains("merge, gates and landing"), "{said}");
    // Nothing is begun outside the windows: a person asks for that too.
    daemon.post("work/t-1", json!({})).await.unwrap();
    until_state(&world, State::Closed).await;
    let unknown = daemon.post("beads/t-9/retry", json!({})).await;
    assert!(matches!(unknown, Err(ClientError::Refused(_))), "{unknown:?}");
    daemon.left().await;
    world.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspended_bead_is_ended_without_a_slot_and_one_that_waits_for_one_is_withdrawn() {
    let world = World::new("wait for a word").await;
    std::fs::create_dir_all(world.house.places.config_file().parent().unwrap()).unwrap();
    let daemon = Daemon::serve(&world).await;
    daemon.post("work/t-1", json!({})).await.unwrap();
    world.at_work().await;
    daemon.post("runs/t-1/pause", json!({})).await.unwrap();
    until_state(&world, State::Suspended).await;
    daemon.post("runs/t-1/cancel", json!({})).await.unwrap();
    until_state(&world, State::Cancelled).await;
    assert_eq!(world.agents(), 1, "nothing was begun to end it");
    daemon.post("beads/t-1/park", json!({ "reason": "look" })).await.unwrap();
    until_state(&world, State::Parked(Why::Other)).await;
    daemon.post("beads/t-1/retry", json!({ "fresh": true })).await.unwrap();
    until_state(&world, State::Ready).await;
    daemon.left().await;
    world.check().await;
}

/// It stands in the journal: whoever comes next obeys.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_obeys_what_was_asked_while_none_ran() {
    let world = World::new("wait for a word").await;
    let work = world.work_dying(Arc::new(|name: &str| name == "committed:preparing"));
    assert!(matches!(work.await.unwrap(), Err(EngineError::Died(_))));
    world.lay(Ask::Park { reason: "not now".into() }).await.unwrap();
    let daemon = Daemon::serve(&world).await;
    until_state(&world, State::Parked(Why::Other)).await;
    assert_eq!(world.agents(), 0);
    assert!(world.tracker().contains("not now"));
    daemon.left().await;
    world.check().await;
}

/// Over the API a bead is closed against kept work or a red target only by force (rules 18).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_needs_force_where_work_is_kept_or_the_target_is_red() {
    let refused = |closed: Result<String, ClientError>| match closed {
        Err(ClientError::Refused(refusal)) => (refusal.can_force, refusal.message),
        other => panic!("not refused: {other:?}"),
    };
    let close = json!({ "reason": "done by hand" });
    let world = World::new("wait for a word").await;
    world.executor.set(Purpose::Gate, |_: Stage| async { Ending::Code(1) });
    let daemon = Daemon::serve(&world).await;
    let (force, message) = refused(daemon.post("beads/t-1/close", close.clone()).await);
    assert!(force && message.contains("the target is red"), "{message}");
    daemon.post("work/t-1", json!({})).await.unwrap();
    world.at_work().await;
    daemon.post("runs/t-1/cancel", json!({})).await.unwrap();
    until_state(&world, State::Cancelled).await;
    world.executor.set(Purpose::Gate, |_: Stage| async { Ending::Code(0) });
    let (force, message) = refused(daemon.post("beads/t-1/close", close).await);
    assert!(force && message.contains("work that did not land"), "{message}");
    assert_eq!(world.state().await, State::Cancelled);
    daemon.post("beads/t-1/close", json!({ "reason": "done by hand", "skip_gates": true })).await.unwrap();
    assert_eq!(world.state().await, State::Closed);
    daemon.left().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_is_asked_for_is_answered_with_its_run() {
    let world = World::new("wait for a word").await;
    let daemon = Daemon::serve(&world).await;
    let path = format!("/api/projects/{}/work/t-1", daemon.project);
    let first = daemon.client.post(&path, &json!({})).await.unwrap();
    let run = first["run"].as_str().unwrap_or_else(|| panic!("no run: {first}")).to_owned();
    let again = daemon.client.post(&path, &json!({})).await.unwrap();
    assert_eq!((&again["run"], &again["started"]), (&json!(run), &json!(false)));
    world.at_work().await;
    let story = world.house.journal.open_story_of(&world.site.id, &world.bead).unwrap().unwrap();
    assert_eq!(story.run().unwrap().as_str(), run);
    daemon.post(&format!("runs/{run}/cancel"), json!({})).await.unwrap();
    until_state(&world, State::Cancelled).await;
    daemon.left().await;
}

/// Gates take long, and the bead may be worked on meanwhile (rules 18).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_looks_again_at_kept_work_when_its_gates_are_done() {
    let world = World::new("wait for a word").await;
    let daemon = Daemon::serve(&world).await;
    let green = world.dir.path().join("green");
    let (waits, begun) = (green.clone(), world.dir.path().join("begun"));
    let begins = begun.clone();
    world.executor.set(Purpose::Gate, move |_: Stage| {
        let (waits, begins) = (waits.clone(), begins.clone());
        async move {
            std::fs::write(begins, "").unwrap();
            while !waits.exists() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Ending::Code(0)
        }
    });
    let wish = json!({ "reason": "done by hand" });
    let (closed, ()) = tokio::join!(daemon.post("beads/t-1/close", wish), async {
        world.until("the gate", |_| begun.exists()).await;
        daemon.post("work/t-1", json!({})).await.unwrap();
        world.at_work().await;
        daemon.post("runs/t-1/cancel", json!({})).await.unwrap();
        until_state(&world, State::Cancelled).await;
        std::fs::write(&green, "").unwrap();
    });
    let Err(ClientError::Refused(refusal)) = closed else { panic!("not refused: {closed:?}") };
    assert!(refusal.can_force && refusal.message.contains("work that did not land"), "{}", refusal.message);
    assert_eq!(world.state().await, State::Cancelled);
    daemon.left().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_over_a_web_socket_reach_the_run_and_what_was_missed_is_repeated() {
    use futures_util::{SinkExt as _, StreamExt as _};
    use tokio_tungstenite::tungstenite::Message;
    let world = World::new("wait for a word").await;
    let daemon = Daemon::serve(&world).await;
    daemon.post("work/t-1", json!({})).await.unwrap();
    world.at_work().await;
    let door = tokio::net::UnixStream::connect(world.house.places.control_socket()).await.unwrap();
    let ask = format!("ws://localhost/api/ws?project={}&bead=t-1&since=0", daemon.project);
    let (mut peer, _) = tokio_tungstenite::client_async(ask, door).await.unwrap();
    let words = json!({ "input": { "project": daemon.project, "run": "t-1", "text": "and FINISH" } });
    peer.send(Message::text(words.to_string())).await.unwrap();
    let (mut events, mut accepted) = (Vec::new(), false);
    let heard = async {
        while let Some(Ok(message)) = peer.next().await {
            let Ok(said) = serde_json::from_str::<Value>(message.to_text().unwrap_or_default()) else {
                continue;
            };
            match said["event"].as_str() {
                Some("accepted") => accepted = true,
                Some("event") => events.push(said["data"]["seq"].as_u64().unwrap()),
                Some("result") => return said["data"]["outcome"].clone(),
                _ => {}
            }
        }
        Value::Null
    };
    let outcome = tokio::time::timeout(Duration::from_secs(60), heard).await.expect("it ends");
    assert_eq!((outcome, accepted), (json!("landed"), true));
    let mine = Filter::of(&world.site.id, &world.bead);
    let all = world.house.journal.events(0, &mine, usize::MAX).unwrap();
    let all: Vec<u64> = all.iter().take(events.len()).map(|event| event.seq).collect();
    assert_eq!(events, all, "each once, from the first on");
    daemon.left().await;
}
