//! One-time links as the rules and the mail make them, pressed on a daemon that carries the bead.

use chrono::{TimeDelta, Utc};
use serde_json::json;

use super::daemon::{Daemon, until_state};
use super::*;
use crate::clock::RandomIds;
use crate::daemon::control::client::ClientError;
use crate::feed::notify::links::Links;
use crate::feed::notify::rules::{Rules, State as Alerting};
use crate::feed::notify::texts::message;
use crate::journal::reach::Action;

impl World {
    /// The secrets of the links in the alert about the bead's last end.
    fn links(&self) -> Vec<(Action, String)> {
        let rules =
            Rules { dwell: TimeDelta::zero(), group: TimeDelta::zero(), quiet: None, max_per_night: 9 };
        let (mut state, now) = (Alerting::default(), Utc::now());
        for event in self.events() {
            state.see(&event, now, &rules);
        }
        let alerts = state.ripe(now, &rules);
        let mut alert = alerts.last().expect("it is told").clone();
        alert.items.drain(..alert.items.len() - 1);
        let mut made = message(&alert);
        let links = Links::new(Some("https://bead.example.org"));
        links.add(&mut made, &alert, (&self.house.journal, &RandomIds, now)).unwrap();
        made.actions.into_iter().map(|link| (link.action, link.capability)).collect()
    }
}

fn of(links: &[(Action, String)], wanted: Action) -> &str {
    &links.iter().find(|(action, _)| *action == wanted).expect("such a link").1
}

impl Daemon {
    async fn press(&self, secret: &str) -> Result<String, ClientError> {
        let taken = self.client.post("/api/capabilities", &json!({ "capability": secret })).await?;
        Ok(taken["accepted"].as_str().unwrap_or_default().to_owned())
    }
}

#[track_caller]
fn says<T: std::fmt::Debug>(pressed: Result<T, ClientError>, what: &str) {
    match pressed {
        Err(ClientError::Refused(refusal)) => assert!(refusal.message.contains(what), "{refusal:?}"),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn held_work_is_approved_by_its_link_and_lands() {
    let world = World::new("PROTECTED and FINISH").await;
    let ended = world.ended(world.work()).await;
    assert_eq!(ended.finish.outcome, Outcome::Parked, "{}", ended.finish.reason);
    let links = world.links();
    let daemon = Daemon::serve(&world).await;
    let said = daemon.press(of(&links, Action::Approve)).await.unwrap();
    assert!(said.contains("merge, gates and landing"), "{said}");
    says(daemon.press(of(&links, Action::Approve)).await, "used already");
    daemon.post("work/t-1", json!({})).await.unwrap();
    until_state(&world, State::Closed).await;
    says(daemon.press(of(&links, Action::Retry)).await, "gone on since");
    daemon.left().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_to_do_is_approved_by_its_link_also_after_an_answer_and_beside_older_work() {
    for begins in ["ASK", "PROTECTED and FINISH"] {
        let world = World::new(begins).await;
        let first = world.ended(world.work()).await;
        assert_eq!(first.finish.outcome, Outcome::Parked, "{}", first.finish.reason);
        if begins == "ASK" {
            world.lay(Ask::Answer { text: "LEAVE ALL".into() }).await.unwrap();
        } else {
            // What was kept stays in its ref, and the bead begins anew.
            world.lay(Ask::Retry { fresh: true }).await.unwrap();
            world.executor.set(Purpose::Agent, fixture::say_and_leave);
        }
        let second = world.ended(world.work()).await;
        assert_eq!(second.finish.outcome, Outcome::NoChange, "{begins}: {}", second.finish.reason);
        let links = world.links();
        let daemon = Daemon::serve(&world).await;
        let said = daemon.press(of(&links, Action::Approve)).await.unwrap();
        assert!(said.contains("closed as nothing to do"), "{begins}: {said}");
        until_state(&world, State::Closed).await;
        daemon.left().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_link_does_nothing_to_a_bead_that_is_worked_on_again() {
    let world = World::new("wait for a word").await;
    world.executor.set(Purpose::Agent, async |_: Stage| Ending::Code(1));
    let ended = world.ended(world.work()).await;
    assert_eq!(ended.finish.outcome, Outcome::Failed, "{}", ended.finish.reason);
    let (old, again) = (world.links(), world.links());
    let daemon = Daemon::serve(&world).await;
    let said = daemon.press(of(&old, Action::Park)).await.unwrap();
    assert!(said.contains("is parked"), "{said}");
    world.lay(Ask::Retry { fresh: false }).await.unwrap();
    world.executor.set(Purpose::Agent, listener);
    daemon.post("work/t-1", json!({})).await.unwrap();
    world.at_work().await;
    for (_, secret) in &again {
        says(daemon.press(secret).await, "gone on since");
    }
    assert_eq!(world.state().await, State::Working);
    daemon.post("runs/t-1/cancel", json!({})).await.unwrap();
    until_state(&world, State::Cancelled).await;
    for (_, secret) in &again {
        says(daemon.press(secret).await, "gone on since");
    }
    daemon.left().await;
}
