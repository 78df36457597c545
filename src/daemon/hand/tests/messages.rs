use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_agent_hears_a_message_and_the_run_waits_for_that() {
    let world = World::new("WAIT for a word").await;
    let work = world.work();
    world.at_work().await;
    world.say("and then FINISH", false).await;
    let ended = world.ended(work).await;
    assert_eq!(ended.finish.outcome, Outcome::Landed, "{}", ended.finish.reason);
    assert_eq!(git(&world.repo(), &["show", "main:heard.txt"]), "task\nand then FINISH");
    assert_eq!((world.delivered(), world.agents()), (1, 1));
    world.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn now_interrupts_first_and_the_interrupted_turn_ends_nothing() {
    let world = World::new("WAIT for a word").await;
    let work = world.work();
    world.at_work().await;
    world.say("FINISH", true).await;
    let ended = world.ended(work).await;
    assert_eq!(ended.finish.outcome, Outcome::Landed, "{}", ended.finish.reason);
    assert_eq!(git(&world.repo(), &["show", "main:heard.txt"]), "task\ninterrupt\nContinue: FINISH");
    assert_eq!((world.delivered(), world.agents()), (1, 1));
    world.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_to_a_paused_bead_opens_its_next_conversation() {
    let world = World::new("WAIT for a word").await;
    let work = world.work();
    world.at_work().await;
    world.lay(Ask::Pause).await.unwrap();
    let ended = world.ended(work).await;
    assert_eq!((ended.finish.outcome, world.state().await), (Outcome::Suspended, State::Suspended));
    assert_eq!(ended.finish.cause.as_ref().unwrap().as_str(), "user");
    assert_eq!(world.kept(&ended), "task\ninterrupt", "its work is exported all the same");
    let done = world.lay(Ask::Send { text: "PREFACED, so FINISH".into(), now: false }).await.unwrap();
    assert_eq!((done.deed, world.delivered()), (super::super::table::Deed::TellNext, 0));
    assert_eq!(world.lay(Ask::Resume).await.unwrap().next, Next::GoOn);
    let ended = world.ended(world.work()).await;
    assert_eq!(ended.finish.outcome, Outcome::Landed, "{}", ended.finish.reason);
    let heard = git(&world.repo(), &["show", "main:heard.txt"]);
    assert!(heard.contains("before: true"), "{heard}");
    assert_eq!((world.delivered(), ended.finish.attempts), (1, 1));
    world.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_as_the_run_ends_is_heard_before_anything_counts_as_done() {
    let world = World::new("FINISH but WAIT in leaving").await;
    let work = world.work();
    // It has its result and is being asked to leave.
    world
        .until("its result", |w| {
            w.bodies().iter().any(|b| matches!(b, Body::TaskGiven)) && w.heard().contains("task")
        })
        .await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    world.say("one thing more, then FINISH", false).await;
    std::fs::write(world.dir.path().join("state/clones/leave"), "").unwrap();
    let ended = world.ended(work).await;
    std::fs::remove_file(world.dir.path().join("state/clones/leave")).unwrap();
    assert_eq!(ended.finish.outcome, Outcome::Landed, "{}", ended.finish.reason);
    let heard = git(&world.repo(), &["show", "main:heard.txt"]);
    assert!(heard.starts_with("task\n") && heard.lines().count() == 2, "{heard}");
    assert_eq!((world.delivered(), world.agents(), ended.finish.attempts), (1, 2, 1));
    world.check().await;
}

/// Its result is stored, and it waits to be let go.
async fn at_its_end(world: &World) {
    world
        .until("its result", |w| {
            let given = w.bodies().iter().any(|b| matches!(b, Body::TaskGiven));
            given && w.stored().contains("\"result\"")
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_when_the_container_is_lost_after_a_good_end_is_heard_before_anything_counts_as_done() {
    let world = World::new("FINISH but WAIT in leaving").await;
    let work = world.work();
    at_its_end(&world).await;
    // The process is killed, then the engine loses the container.
    work.abort();
    assert!(work.await.unwrap_err().is_cancelled());
    world.say("one thing more, then FINISH", false).await;
    assert_eq!(world.executor.lose_all(), 1);
    let ended = world.ended(world.work()).await;
    assert_eq!(ended.finish.outcome, Outcome::Landed, "{}", ended.finish.reason);
    let heard = git(&world.repo(), &["show", "main:heard.txt"]);
    assert!(heard.starts_with("task\n") && heard.lines().count() == 2, "{heard}");
    assert_eq!((world.delivered(), world.agents(), ended.finish.attempts), (1, 2, 1));
    world.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_put_aside_at_its_end_waits_with_the_message_and_does_not_land_without_it() {
    let world = World::new("FINISH but WAIT in leaving").await;
    let work = world.work();
    at_its_end(&world).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    world.say("one thing more, then FINISH", false).await;
    world.lay(Ask::Pause).await.unwrap();
    tokio::time::sleep(Duration::from_millis(400)).await;
    std::fs::write(world.dir.path().join("state/clones/leave"), "").unwrap();
    let ended = world.ended(work).await;
    std::fs::remove_file(world.dir.path().join("state/clones/leave")).unwrap();
    assert_eq!(ended.finish.outcome, Outcome::Suspended, "{}", ended.finish.reason);
    assert_eq!(ended.finish.cause.as_ref().unwrap().as_str(), "user");
    let ended = world.ended(world.work()).await;
    assert_eq!(ended.finish.outcome, Outcome::Landed, "{}", ended.finish.reason);
    assert_eq!(git(&world.repo(), &["show", "main:heard.txt"]).lines().count(), 2);
    assert_eq!((world.delivered(), world.agents(), ended.finish.attempts), (1, 2, 1));
    world.check().await;
}

/// Nothing is waited for where no reset was told, so nothing else would open its next conversation.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_heard_although_the_account_is_nearly_used_up() {
    let world = World::new("NEAR, FINISH but WAIT in leaving").await;
    let work = world.work();
    at_its_end(&world).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    world.say("one thing more, then FINISH", false).await;
    std::fs::write(world.dir.path().join("state/clones/leave"), "").unwrap();
    let ended = world.ended(work).await;
    std::fs::remove_file(world.dir.path().join("state/clones/leave")).unwrap();
    assert_eq!(ended.finish.outcome, Outcome::Landed, "{}", ended.finish.reason);
    assert_eq!((world.delivered(), world.agents(), ended.finish.attempts), (1, 2, 1));
    world.check().await;
}

/// Whoever adopts sends what its forerunner wrote down and did not send.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_outlives_the_process_that_was_to_send_it() {
    let world = World::new("WAIT for a word").await;
    let work = world.work_dying(Arc::new(|name: &str| name == "committed:working"));
    assert!(matches!(work.await.unwrap(), Err(EngineError::Died(_))));
    assert_eq!(world.state().await, State::Interrupted);
    world.say("FINISH", false).await;
    let ended = world.ended(world.work()).await;
    assert_eq!(ended.finish.outcome, Outcome::Landed, "{}", ended.finish.reason);
    assert!(git(&world.repo(), &["show", "main:heard.txt"]).contains("task"));
    assert_eq!(world.delivered(), 1);
    world.check().await;
}

/// Its landing was begun, and whoever works on another bead finishes that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_heard_is_told_of_a_landing_that_another_command_finished() {
    let world = World::new("FINISH").await;
    let work = world.work_dying(Arc::new(|name: &str| name == "done:land"));
    assert!(matches!(work.await.unwrap(), Err(EngineError::Died(_))));
    world.say("one thing more", false).await;
    // It looks after what others left before it looks for its own.
    let other = world.engine().work(WorkRequest::unattended(BeadId::new("t-none"))).await;
    assert!(matches!(other, Err(EngineError::Tracker(_))), "{other:?}");
    let unheard = |body: &Body| matches!(body, Body::Notice { text } if text.ends_with("one thing more"));
    assert!(world.bodies().iter().any(|body| matches!(body, Body::Landed { .. })));
    assert!(world.bodies().iter().any(unheard), "{:#?}", world.bodies());
    world.check().await;
}

#[tokio::test]
async fn an_empty_message_or_a_book_is_refused_and_so_is_one_that_nobody_will_hear() {
    let world = World::new("").await;
    let send = |text: String| Ask::Send { text, now: false };
    let empty = world.lay(send(" \n".into())).await;
    assert!(matches!(empty, Err(EngineError::Refused(_))), "{empty:?}");
    refused(world.lay(send("x".repeat(crate::daemon::hand::messages::LONGEST + 1))).await);
    let text = refused(world.lay(send("hello".into())).await);
    assert!(text.contains("ready"), "{text}");
    assert!(world.events().is_empty());
}

#[tokio::test]
async fn t37_a_key_in_a_message_is_masked_before_it_is_written_down() {
    let world = World::new("").await;
    let of = (&world.site.id, &world.bead);
    crate::daemon::hand::messages::queue(&world.house, of, "use scripted-key please", false).unwrap();
    let body = &world.bodies()[0];
    assert!(matches!(body, Body::MessageQueued { text, .. } if !text.contains("scripted-key")), "{body:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_prompt_that_is_shown_has_what_waits_to_be_heard() {
    let world = World::new("ASK first").await;
    world.ended(world.work()).await;
    world.say("mind the gap", false).await;
    world.lay(Ask::Answer { text: "blue".into() }).await.unwrap();
    let shown = world.engine().next_prompt(&world.bead).await.unwrap().text;
    let first = "The person you work for wrote this while you were not listening:\n\nmind the gap\n\nblue";
    assert!(shown.starts_with(first), "{shown}");
    assert_eq!(world.delivered(), 0, "shown is not told");
}
