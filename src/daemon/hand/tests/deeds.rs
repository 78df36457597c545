use super::super::table::{Deed, Verb};
use super::*;
use crate::domain::bead::Status;
use crate::domain::ids::{Oid, RunId};

fn park() -> Ask {
    Ask::Park { reason: "needs a designer".into() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_bead_is_cancelled_and_its_work_goes_on_when_it_is_given_back() {
    let world = World::new("WAIT for a word").await;
    let work = world.work();
    world.at_work().await;
    assert_eq!(world.state().await, State::Working);
    refused(world.lay(Ask::Resume).await);
    refused(world.lay(Ask::Retry { fresh: false }).await);
    assert_eq!(world.lay(Ask::Cancel).await.unwrap().deed, Deed::End);
    // However often: it never leaves the work behind.
    world.lay(Ask::Cancel).await.unwrap();
    let ended = world.ended(work).await;
    assert_eq!((ended.finish.outcome, world.state().await), (Outcome::Cancelled, State::Cancelled));
    assert_eq!(world.kept(&ended), "task\ninterrupt");
    assert!(!world.tracker().contains("beadwork_claim"), "released");
    let text = refused(world.lay(Ask::Pause).await);
    assert!(text.contains("cancelled"), "{text}");
    let done = world.lay(Ask::Retry { fresh: false }).await.unwrap();
    assert_eq!((done.deed, done.next), (Deed::GiveBack, Next::Again));
    assert!(done.said.contains("with what is kept"), "{}", done.said);
    let work = world.work();
    world.until("the second run", |w| w.agents() == 2 && w.heard().lines().count() == 3).await;
    assert!(
        world.heard().starts_with("task\ninterrupt\n"),
        "it begins with the kept work: {}",
        world.heard()
    );
    world.say("FINISH", false).await;
    assert_eq!(world.ended(work).await.finish.outcome, Outcome::Landed);
    world.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fresh_begins_at_the_target() {
    let world = World::new("WAIT for a word").await;
    let work = world.work();
    world.at_work().await;
    world.lay(Ask::Cancel).await.unwrap();
    world.ended(work).await;
    let done = world.lay(Ask::Retry { fresh: true }).await.unwrap();
    assert!(done.said.contains("from the beginning"), "{}", done.said);
    let work = world.work();
    world.until("the second run", |w| w.agents() == 2 && w.heard().contains("task")).await;
    assert_eq!(world.heard(), "task\n");
    world.lay(Ask::Cancel).await.unwrap();
    world.ended(work).await;
    world.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspended_bead_is_cancelled_or_parked_by_whoever_takes_it_up() {
    for (ask, outcome, state) in [
        (Ask::Cancel, Outcome::Cancelled, State::Cancelled),
        (park(), Outcome::Parked, State::Parked(Why::Other)),
    ] {
        let world = World::new("WAIT for a word").await;
        let work = world.work();
        world.at_work().await;
        world.lay(Ask::Pause).await.unwrap();
        world.ended(work).await;
        refused(world.lay(Ask::Pause).await);
        let done = world.lay(ask.clone()).await.unwrap();
        assert_eq!((done.deed, done.next), (Deed::Release, Next::End));
        let ended = world.engine().finish(world.bead.clone()).await.unwrap();
        assert_eq!((ended.finish.outcome, world.state().await), (outcome, state), "{ask:?}");
        assert_eq!(
            (world.agents(), world.kept(&ended).as_str()),
            (1, "task\ninterrupt"),
            "no agent was begun"
        );
        // Asked twice, it is ended once, and nothing is begun.
        let again = world.engine().finish(world.bead.clone()).await.unwrap();
        assert_eq!((again.finish.outcome, world.agents()), (outcome, 1), "{ask:?}");
        assert_eq!(std::fs::read_dir(world.dir.path().join("state/clones")).unwrap().count(), 0);
        world.check().await;
    }
}

/// Whoever works on another bead looks after this one as its person wished.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wish_that_outlived_its_process_is_heeded_by_work_on_another_bead() {
    let world = World::new("WAIT for a word").await;
    let work = world.work_dying(Arc::new(|name: &str| name == "committed:preparing"));
    assert!(matches!(work.await.unwrap(), Err(EngineError::Died(_))));
    world.lay(park()).await.unwrap();
    let other = world.engine().work(WorkRequest::unattended(BeadId::new("t-9"))).await;
    assert!(other.is_err(), "there is no such bead: {other:?}");
    assert_eq!((world.state().await, world.agents()), (State::Parked(Why::Other), 0));
    assert!(world.tracker().contains("needs a designer"));
    world.check().await;
}

/// Ends a claim that died at this point, before anybody was told anything.
async fn cut_off(world: &World, point: &'static str) {
    let work = world.work_dying(Arc::new(move |name: &str| name == point));
    let died = work.await.unwrap();
    assert!(matches!(died, Err(EngineError::Died(_))), "{died:?}");
    world.lay(Ask::Cancel).await.unwrap();
    let ended = world.engine().finish(world.bead.clone()).await.unwrap();
    assert_eq!(ended.finish.outcome, Outcome::Cancelled, "{}", ended.finish.reason);
    world.lay(Ask::Retry { fresh: false }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_no_agent_came_to_hear_is_told_to_the_next_one() {
    let world = World::new("ASK first").await;
    world.ended(world.work()).await;
    world.lay(Ask::Answer { text: "blue, then FINISH".into() }).await.unwrap();
    cut_off(&world, "committed:preparing").await;
    let again = again::of(&world.house, &world.site, &world.bead).unwrap().unwrap();
    assert_eq!((again.word.as_deref(), again.straight), (Some("blue, then FINISH"), false));
    let ended = world.ended(world.work()).await;
    assert_eq!((ended.finish.outcome, world.agents()), (Outcome::Landed, 2), "{}", ended.finish.reason);
    world.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_outlives_a_claim_that_was_ended_at_its_gates() {
    let world = World::new("PROTECTED, then FINISH").await;
    world.ended(world.work()).await;
    world.lay(Ask::Approve).await.unwrap();
    cut_off(&world, "before:gate").await;
    let again = again::of(&world.house, &world.site, &world.bead).unwrap().unwrap();
    assert_eq!((again.approved.as_ref(), again.straight), (Some(&again.tip), true));
    let ended = world.ended(world.work()).await;
    assert_eq!((ended.finish.outcome, world.agents()), (Outcome::Landed, 1), "{}", ended.finish.reason);
    world.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_that_was_lost_takes_nothing_with_it() {
    let world = World::new("ASK first").await;
    world.ended(world.work()).await;
    world.lay(Ask::Answer { text: "blue, then FINISH".into() }).await.unwrap();
    let file = world.repo().join(".beads/issues.jsonl");
    let before = world.tracker();
    // Somebody else takes the bead in the last moment, and lets go of it again.
    let theirs = before.replace("\"status\":\"open\"", "\"status\":\"in_progress\",\"assignee\":\"bob\"");
    assert_ne!(theirs, before);
    let taken = file.clone();
    let lost = world.work_dying(Arc::new(move |name: &str| {
        if name == "before:claim" {
            std::fs::write(&taken, &theirs).unwrap();
        }
        false
    }));
    let lost = lost.await.unwrap();
    assert!(matches!(lost, Err(EngineError::Refused(_))), "{lost:?}");
    std::fs::write(&file, before).unwrap();
    let again = again::of(&world.house, &world.site, &world.bead).unwrap().unwrap();
    assert_eq!(again.word.as_deref(), Some("blue, then FINISH"));
    let ended = world.ended(world.work()).await;
    assert_eq!((ended.finish.outcome, world.agents()), (Outcome::Landed, 2), "{}", ended.finish.reason);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_bead_is_parked_with_the_reason_of_a_person() {
    let world = World::new("WAIT for a word").await;
    let work = world.work();
    world.at_work().await;
    world.lay(park()).await.unwrap();
    let ended = world.ended(work).await;
    let (outcome, cause) = (ended.finish.outcome, ended.finish.cause.as_ref().unwrap().as_str());
    assert_eq!((outcome, cause, ended.finish.reason.as_str()), (Outcome::Parked, "user", "needs a designer"));
    assert!(world.tracker().contains("needs a designer") && world.tracker().contains("\"parked\""));
    assert_eq!(world.kept(&ended), "task\ninterrupt");
    world.check().await;
}

/// The wish stands in the journal: who takes the bead up ends it, and starts nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wish_outlives_the_process_that_was_to_obey() {
    let world = World::new("WAIT for a word").await;
    let work = world.work_dying(Arc::new(|name: &str| name == "committed:preparing"));
    assert!(matches!(work.await.unwrap(), Err(EngineError::Died(_))));
    assert_eq!(world.lay(Ask::Cancel).await.unwrap().next, Next::End);
    let ended = world.ended(world.work()).await;
    assert_eq!((ended.finish.outcome, world.agents()), (Outcome::Cancelled, 0));
    world.check().await;
    // And it is over with that claim.
    let work = world.work();
    world.at_work().await;
    world.say("FINISH", false).await;
    assert_eq!(world.ended(work).await.finish.outcome, Outcome::Landed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approved_tip_lands_without_an_agent_and_another_one_does_not() {
    let world = World::new("PROTECTED, then FINISH").await;
    let ended = world.ended(world.work()).await;
    assert_eq!(ended.finish.cause.as_ref().unwrap().as_str(), "protected", "{}", ended.finish.reason);
    assert_eq!(world.state().await, State::Parked(Why::Held));
    refused(world.lay(Ask::Answer { text: "yes".into() }).await);
    let before = again::of(&world.house, &world.site, &world.bead).unwrap();
    assert!(before.is_none(), "nobody gave it back: {before:?}");
    let done = world.lay(Ask::Approve).await.unwrap();
    assert_eq!(done.deed, Deed::GiveStraight);
    assert!(world.tracker().contains("\"status\":\"open\"") && !world.tracker().contains("\"parked\""));
    let again = again::of(&world.house, &world.site, &world.bead).unwrap().unwrap();
    assert_eq!((again.approved.as_ref(), again.straight), (Some(&again.tip), true));
    let ended = world.ended(world.work()).await;
    assert_eq!((ended.finish.outcome, world.agents()), (Outcome::Landed, 1), "{}", ended.finish.reason);
    assert_eq!(git(&world.repo(), &["show", "main:Dockerfile"]), "FROM scratch");
    world.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_of_what_was_shown_is_for_nothing_else() {
    let world = World::new("PROTECTED, then FINISH").await;
    world.ended(world.work()).await;
    let (_, tip) = again::kept(&world.house, &world.site, &world.bead).unwrap().unwrap();
    for other in [None, Some(Oid::parse(&"1".repeat(40)).unwrap())] {
        let text = refused(world.lay(Ask::ApproveShown { tip: other }).await);
        assert!(text.contains("not what was shown"), "{text}");
    }
    assert_eq!(world.state().await, State::Parked(Why::Held), "nothing was done");
    assert!(!world.bodies().iter().any(|body| matches!(body, Body::GivenBack { .. })));
    let done = world.lay(Ask::ApproveShown { tip: Some(tip) }).await.unwrap();
    assert_eq!(done.deed, Deed::GiveStraight);
    // And a page that showed nothing to look at does not close what has work now, nor the other way round.
    let world = World::new("LEAVE ALL").await;
    world.ended(world.work()).await;
    let some = Some(Oid::parse(&"1".repeat(40)).unwrap());
    refused(world.lay(Ask::ApproveShown { tip: some }).await);
    assert_eq!(world.lay(Ask::ApproveShown { tip: None }).await.unwrap().deed, Deed::Close);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_of_a_run_of_an_earlier_claim_does_not_befall_the_newer_one() {
    let world = World::new("WAIT for a word").await;
    let work = world.work();
    world.at_work().await;
    world.lay(Ask::Cancel).await.unwrap();
    let first = RunId::parse(&world.ended(work).await.run.unwrap()).unwrap();
    let named =
        |run: &RunId, verb| of_a_claim(&world.house.journal, run, verb).err().map(|error| error.to_string());
    assert_eq!(named(&first, Verb::Retry), None, "it is the newest");
    world.lay(Ask::Retry { fresh: false }).await.unwrap();
    let work = world.work();
    world.until("the second run", |w| w.agents() == 2 && w.heard().lines().count() == 3).await;
    let newer = world.house.journal.open_story_of(&world.site.id, &world.bead).unwrap().unwrap();
    let newer = newer.run().unwrap().clone();
    for verb in Verb::ALL {
        let told = named(&first, verb).unwrap_or_else(|| panic!("{verb:?} acts on another run"));
        assert!(told.contains("earlier claim") && told.contains(newer.as_str()), "{told}");
        assert_eq!(named(&newer, verb), None);
    }
    world.lay(Ask::Cancel).await.unwrap();
    world.ended(work).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_changed_is_approved_and_the_bead_closed() {
    let world = World::new("LEAVE ALL").await;
    assert_eq!(world.ended(world.work()).await.finish.outcome, Outcome::NoChange);
    assert_eq!(world.state().await, State::NoChange);
    assert_eq!(world.lay(Ask::Approve).await.unwrap().deed, Deed::Close);
    assert_eq!(world.state().await, State::Closed);
    assert!(world.tracker().contains("nothing to do"));
    refused(world.lay(Ask::Retry { fresh: false }).await);
    world.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_is_answered_in_the_same_conversation() {
    let world = World::new("ASK first").await;
    let ended = world.ended(world.work()).await;
    assert_eq!(ended.finish.cause.as_ref().unwrap().as_str(), "question");
    assert_eq!(world.state().await, State::Parked(Why::Question));
    world.lay(Ask::Answer { text: "blue, then FINISH".into() }).await.unwrap();
    let again = again::of(&world.house, &world.site, &world.bead).unwrap().unwrap();
    assert!(!again.straight && again.word.as_deref() == Some("blue, then FINISH"));
    let ended = world.ended(world.work()).await;
    assert_eq!((ended.finish.outcome, world.agents()), (Outcome::Landed, 2), "{}", ended.finish.reason);
    assert!(git(&world.repo(), &["show", "main:heard.txt"]).contains("blue"));
    world.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_landed_beside_lands_when_it_is_tried_again() {
    let world = World::new("WAIT for a word").await;
    let work = world.work();
    world.at_work().await;
    std::fs::write(world.repo().join("bead.yaml"), "gates: [{ name: mine, run: ls }]\n").unwrap();
    world.say("FINISH", false).await;
    let ended = world.ended(work).await;
    assert_eq!(ended.finish.cause.as_ref().unwrap().as_str(), "landed_beside", "{}", ended.finish.reason);
    assert_eq!(world.state().await, State::Parked(Why::Beside));
    git(&world.repo(), &["checkout", "-q", "--", "bead.yaml"]);
    assert_eq!(world.lay(Ask::Retry { fresh: false }).await.unwrap().deed, Deed::GiveStraight);
    let ended = world.ended(world.work()).await;
    assert_eq!((ended.finish.outcome, world.agents()), (Outcome::Landed, 1), "{}", ended.finish.reason);
    assert!(git(&world.repo(), &["show", "main:heard.txt"]).contains("FINISH"));
    world.check().await;
}

#[tokio::test]
async fn beads_at_rest_are_parked_given_back_and_opened() {
    let world = World::new("").await;
    assert_eq!(world.state().await, State::Ready);
    for ask in [Ask::Cancel, Ask::Pause, Ask::Resume, Ask::Approve, Ask::Retry { fresh: false }] {
        let text = refused(world.lay(ask).await);
        assert!(text.contains("it is ready"), "{text}");
    }
    world.lay(park()).await.unwrap();
    assert_eq!(world.state().await, State::Parked(Why::Other));
    refused(world.lay(park()).await);
    world.lay(Ask::Retry { fresh: false }).await.unwrap();
    assert_eq!(world.state().await, State::Ready);
    let later = crate::beads::Edit { status: Some(Status::Deferred), ..Default::default() };
    world.site.tracker.update(&world.bead, &later, "ann").await.unwrap();
    assert_eq!(world.state().await, State::Blocked, "put off, and nobody proposed it");
    refused(world.lay(Ask::Approve).await);
    let edit = crate::beads::Edit {
        status: Some(Status::Deferred),
        add_labels: vec![standing::PROPOSED.to_owned()],
        ..Default::default()
    };
    world.site.tracker.update(&world.bead, &edit, "ann").await.unwrap();
    assert_eq!(world.state().await, State::Proposed);
    assert_eq!(world.lay(Ask::Approve).await.unwrap().deed, Deed::Open);
    assert_eq!(world.state().await, State::Ready);
    world.site.tracker.close(&world.bead, "done", "ann").await.unwrap();
    assert!(refused(world.lay(park()).await).contains("closed"));
    let unknown = Hand { house: &world.house, site: &world.site, by: "ann" };
    let unknown = unknown.lay(&BeadId::new("t-9"), &Ask::Cancel).await;
    assert!(matches!(unknown, Err(EngineError::Tracker(_))), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_collected_after_its_time_can_not_be_approved() {
    let world = World::new("PROTECTED, then FINISH").await;
    let ended = world.ended(world.work()).await;
    let run = ended.run.as_ref().unwrap();
    git(&world.repo(), &["update-ref", "-d", &format!("refs/bead/{run}")]);
    let text = refused(world.lay(Ask::Approve).await);
    assert!(text.contains("no kept work"), "{text}");
    assert_eq!(world.state().await, State::Parked(Why::Held));
}
