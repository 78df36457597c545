use super::*;
use crate::domain::agent_event::TurnEnd;

const S: fn(u64) -> Duration = Duration::from_secs;

fn watch() -> Watch {
    Watch::new(RunLimits { run_time: S(600), idle: S(60), tool: S(300) }, S(0), S(0))
}

fn tool(id: &str) -> AgentEvent {
    AgentEvent::ToolCall { id: id.into(), name: "Bash".into(), input: String::new(), nested: false }
}

fn result(queued: u64) -> AgentEvent {
    AgentEvent::TurnEnd(Box::new(TurnEnd { queued_turns: queued, ..TurnEnd::default() }))
}

#[test]
fn f17_a_silent_run_is_interrupted_then_termed_then_killed() {
    let mut w = watch();
    assert_eq!(w.tick(S(59)), None);
    assert_eq!(w.tick(S(60)), Some(Action::Interrupt));
    assert_eq!(w.why(), Some(Why::Idle));
    assert_eq!(w.tick(S(64)), None);
    assert_eq!(w.tick(S(65)), Some(Action::Term));
    assert_eq!(w.tick(S(74)), None);
    assert_eq!(w.tick(S(75)), Some(Action::Kill));
    assert_eq!(w.tick(S(106)), Some(Action::GiveUp));
    assert_eq!(w.tick(S(900)), None);
}

#[test]
fn a_running_tool_is_not_idle_but_has_its_own_limit() {
    let mut w = watch();
    assert_eq!(w.saw(&tool("a"), S(1)), None);
    assert_eq!(w.tick(S(300)), None);
    assert_eq!(w.tick(S(301)), Some(Action::Interrupt));
    assert_eq!(w.why(), Some(Why::Tool));
}

#[test]
fn gateway_traffic_counts_as_activity() {
    let mut w = watch();
    w.saw_traffic(S(50));
    assert_eq!(w.tick(S(100)), None);
    assert_eq!(w.tick(S(110)), Some(Action::Interrupt));
}

#[test]
fn f18_after_a_result_the_session_is_ended_and_a_process_that_stays_is_killed() {
    let mut w = watch();
    assert_eq!(w.saw(&result(0), S(10)), Some(Action::EndSession));
    assert_eq!(w.why(), None);
    assert_eq!(w.tick(S(15)), Some(Action::Term));
    assert_eq!(w.tick(S(25)), Some(Action::Kill));
    assert_eq!(w.why(), None, "our own end of a finished run is no reason to fail it");
}

#[test]
fn a_result_with_queued_turns_or_an_undelivered_message_does_not_end_the_run() {
    let mut w = watch();
    assert_eq!(w.saw(&result(1), S(1)), None);
    w.sent_message();
    assert_eq!(w.saw(&result(0), S(2)), None);
    w.saw(&AgentEvent::Message { uuid: "u".into(), state: "started".into() }, S(3));
    assert_eq!(w.saw(&result(0), S(4)), Some(Action::EndSession));
}

#[test]
fn the_first_reason_stands_and_the_result_of_an_interrupt_ends_the_session() {
    let mut w = watch();
    assert_eq!(w.stop(Why::Person, S(5)), Some(Action::Interrupt));
    assert_eq!(w.stop(Why::Budget, S(6)), None);
    assert_eq!(w.why(), Some(Why::Person));
    assert_eq!(w.saw(&result(0), S(7)), Some(Action::EndSession));
    assert_eq!(w.tick(S(12)), Some(Action::Term));
}

#[test]
fn an_adopted_run_keeps_its_start() {
    let limits = RunLimits { run_time: S(600), idle: S(60), tool: S(300) };
    let mut w = Watch::new(limits, S(0), S(590));
    assert_eq!(w.tick(S(599)), None);
    assert_eq!(w.tick(S(600)), Some(Action::Interrupt));
    assert_eq!(w.why(), Some(Why::RunTime));
}
