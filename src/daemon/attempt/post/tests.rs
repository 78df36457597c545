use super::*;
use crate::clock::SystemClock;
use crate::daemon::hand::messages::Message;
use crate::daemon::progress::Silent;
use crate::domain::event::{Event, Order};
use crate::domain::ids::{BeadId, Oid, ProjectId};
use crate::journal::read::Filter;

fn story() -> Story {
    let order = Order::unclaimed("main", Oid::parse(&"a".repeat(40)).unwrap());
    let project = Some(ProjectId::of_path(std::path::Path::new("/p")));
    let bead = Some(BeadId::new("t-1"));
    let body = Body::Claiming { order };
    Story::open(&Event { seq: 1, at: chrono::Utc::now(), project, bead, run: None, attempt: None, body })
        .unwrap()
}

fn world() -> (Arc<Journal>, Story) {
    (Arc::new(Journal::in_memory(Arc::new(SystemClock::default())).unwrap()), story())
}

fn say(journal: &Journal, story: &Story, id: &str, now: bool) {
    let body = Body::MessageQueued { message: id.into(), text: format!("say {id}"), now };
    journal.tell(Entry::of(story, body)).unwrap();
}

fn pending(journal: &Journal, story: &Story) -> Vec<String> {
    let all: Vec<Message> = messages::pending(journal, &story.project, &story.bead).unwrap();
    all.into_iter().map(|m| m.id).collect()
}

fn message(uuid: &str, state: &str) -> AgentEvent {
    AgentEvent::Message { uuid: uuid.into(), state: state.into() }
}

fn turn_end() -> AgentEvent {
    AgentEvent::TurnEnd(Box::default())
}

fn at_work() -> Summary {
    let mut summary = Summary::default();
    summary.see(&message("task", "started"), Duration::ZERO);
    summary
}

#[test]
fn what_waits_stands_in_the_task_and_its_beginning_delivers_it() {
    let (journal, story) = world();
    say(&journal, &story, "a", false);
    say(&journal, &story, "b", true);
    let mut post = Post::open(&journal, &Silent, &story).unwrap();
    let (task, uuid) = post.in_task("Do it.".into(), "fresh".into());
    assert!(task.contains("say a") && task.contains("say b") && task.ends_with("Do it."), "{task}");
    assert_eq!(uuid, "b");
    assert_eq!(post.errand(&at_work(), Duration::ZERO), None, "not a second time");
    assert_eq!(pending(&journal, &story), ["a", "b"], "given is not heard");
    post.saw(&message("b", "queued")).unwrap();
    assert_eq!(pending(&journal, &story), ["a", "b"]);
    post.saw(&message("b", "started")).unwrap();
    assert_eq!(pending(&journal, &story), Vec::<String>::new());
}

#[test]
fn a_client_that_reports_no_messages_proves_the_task_by_its_turn() {
    let (journal, story) = world();
    say(&journal, &story, "a", false);
    let mut post = Post::open(&journal, &Silent, &story).unwrap();
    post.in_task("Do it.".into(), "fresh".into());
    say(&journal, &story, "late", false);
    post.look().unwrap();
    post.saw(&turn_end()).unwrap();
    assert_eq!(pending(&journal, &story), ["late"], "what came later was not in it");
}

#[test]
fn a_plain_message_is_written_at_once_and_delivered_when_begun() {
    let (journal, story) = world();
    let mut post = Post::open(&journal, &Silent, &story).unwrap();
    say(&journal, &story, "a", false);
    post.look().unwrap();
    let errand = post.errand(&at_work(), Duration::ZERO);
    assert_eq!(errand, Some(Errand::Write { id: "a".into(), text: "say a".into() }));
    assert_eq!(post.errand(&at_work(), Duration::ZERO), None);
    post.saw(&turn_end()).unwrap();
    assert_eq!(pending(&journal, &story), ["a"], "a turn that ended need not have heard it");
    post.saw(&message("a", "started")).unwrap();
    assert!(pending(&journal, &story).is_empty());
}

#[test]
fn at_once_means_an_interrupt_its_result_and_then_the_message() {
    let (journal, story) = world();
    let mut post = Post::open(&journal, &Silent, &story).unwrap();
    say(&journal, &story, "a", true);
    say(&journal, &story, "b", false);
    post.look().unwrap();
    let mut summary = at_work();
    let second = Duration::from_secs(1);
    assert_eq!(post.errand(&summary, second), Some(Errand::Interrupt { id: "a".into() }));
    assert!(post.presses());
    assert_eq!(
        post.errand(&summary, second),
        None,
        "its result is waited for, and later ones keep their place"
    );
    summary.see(&turn_end(), second);
    let follows = post.errand(&summary, second);
    assert_eq!(follows, Some(Errand::Write { id: "a".into(), text: "Continue: say a".into() }));
    assert_eq!(post.errand(&summary, second), Some(Errand::Write { id: "b".into(), text: "say b".into() }));
    assert!(!post.presses());
}

#[test]
fn an_interrupt_that_nobody_answers_holds_the_message_only_for_a_while() {
    let (journal, story) = world();
    let mut post = Post::open(&journal, &Silent, &story).unwrap();
    say(&journal, &story, "a", true);
    post.look().unwrap();
    let summary = at_work();
    assert!(matches!(post.errand(&summary, Duration::ZERO), Some(Errand::Interrupt { .. })));
    assert_eq!(post.errand(&summary, PATIENCE / 2), None);
    assert!(matches!(post.errand(&summary, PATIENCE), Some(Errand::Write { .. })));
}

#[test]
fn where_nothing_runs_there_is_nothing_to_interrupt() {
    let (journal, story) = world();
    let mut post = Post::open(&journal, &Silent, &story).unwrap();
    say(&journal, &story, "a", true);
    post.look().unwrap();
    let mut summary = at_work();
    summary.see(&AgentEvent::TurnEnd(Box::default()), Duration::ZERO);
    assert!(matches!(post.errand(&summary, Duration::ZERO), Some(Errand::Write { .. })));
}

#[test]
fn who_adopts_an_agent_finds_out_what_it_has_heard() {
    let (journal, story) = world();
    for id in ["begun", "queued", "never"] {
        say(&journal, &story, id, false);
    }
    let mut summary = at_work();
    for (id, state) in [("begun", "queued"), ("begun", "started"), ("queued", "queued")] {
        summary.see(&message(id, state), Duration::ZERO);
    }
    let mut post = Post::open(&journal, &Silent, &story).unwrap();
    post.adopt(&summary).unwrap();
    assert_eq!(pending(&journal, &story), ["queued", "never"]);
    let sent = post.errand(&summary, Duration::ZERO);
    assert_eq!(sent, Some(Errand::Write { id: "never".into(), text: "say never".into() }), "not twice");
    assert_eq!(post.errand(&summary, Duration::ZERO), None);
    let filter = Filter::default();
    let delivered = journal
        .events(0, &filter, 100)
        .unwrap()
        .into_iter()
        .filter(|e| matches!(e.body, Body::MessageDelivered { .. }));
    assert_eq!(delivered.count(), 1);
}
