use super::*;

const S: fn(u64) -> Duration = Duration::from_secs;
const QUIET: Seen = Seen { settled: false, tool_since: None };
const SETTLED: Seen = Seen { settled: true, tool_since: None };

fn limits() -> RunLimits {
    RunLimits { run_time: S(600), idle: S(60), tool: S(300) }
}

fn watch() -> Watch {
    Watch::new(limits(), S(0), S(0))
}

#[test]
fn f17_a_silent_run_is_interrupted_then_termed_then_killed() {
    let mut w = watch();
    assert_eq!(w.tick(S(59), QUIET), None);
    assert_eq!(w.tick(S(60), QUIET), Some(Action::Interrupt));
    assert_eq!(w.why(), Some(StopReason::IdleLimit));
    assert_eq!(w.tick(S(64), QUIET), None);
    assert_eq!(w.tick(S(65), QUIET), Some(Action::Term));
    assert_eq!(w.tick(S(74), QUIET), None);
    assert_eq!(w.tick(S(75), QUIET), Some(Action::Kill));
    assert_eq!(w.tick(S(106), QUIET), Some(Action::GiveUp));
    assert_eq!(w.tick(S(900), QUIET), None);
}

#[test]
fn a_running_tool_is_not_idle_but_has_its_own_limit() {
    let mut w = watch();
    let tool = Seen { settled: false, tool_since: Some(S(1)) };
    assert_eq!(w.tick(S(300), tool), None);
    assert_eq!(w.tick(S(301), tool), Some(Action::Interrupt));
    assert_eq!(w.why(), Some(StopReason::ToolLimit));
}

#[test]
fn gateway_traffic_counts_as_activity() {
    let mut w = watch();
    w.active(S(50));
    assert_eq!(w.tick(S(100), QUIET), None);
    assert_eq!(w.tick(S(110), QUIET), Some(Action::Interrupt));
}

#[test]
fn f18_after_a_result_the_session_is_ended_and_a_process_that_stays_is_killed() {
    let mut w = watch();
    assert_eq!(w.tick(S(10), SETTLED), Some(Action::EndSession));
    assert_eq!(w.why(), Some(StopReason::Done), "our own end of a finished run is no reason to fail it");
    assert_eq!(w.tick(S(15), SETTLED), Some(Action::Term));
    assert_eq!(w.tick(S(25), SETTLED), Some(Action::Kill));
}

#[test]
fn an_undelivered_message_keeps_a_settled_run_open() {
    let mut w = watch();
    w.sent("task");
    w.saw(&AgentEvent::TurnEnd(Box::default()), S(1));
    w.sent("u");
    assert_eq!(w.tick(S(2), SETTLED), None);
    w.saw(&AgentEvent::Message { uuid: "u".into(), state: "queued".into() }, S(3));
    assert_eq!(w.tick(S(3), SETTLED), None);
    w.saw(&AgentEvent::Message { uuid: "u".into(), state: "started".into() }, S(3));
    assert_eq!(w.tick(S(4), SETTLED), Some(Action::EndSession));
}

#[test]
fn a_client_that_reports_no_messages_still_ends_after_its_turn() {
    let mut w = watch();
    w.sent("task");
    assert_eq!(w.tick(S(1), SETTLED), None);
    w.saw(&AgentEvent::TurnEnd(Box::default()), S(2));
    assert_eq!(w.tick(S(2), SETTLED), Some(Action::EndSession));
}

#[test]
fn the_first_reason_stands_and_the_result_of_an_interrupt_ends_the_session() {
    let mut w = watch();
    assert_eq!(w.stop(StopReason::User, S(5)), Some(Action::Interrupt));
    assert_eq!(w.stop(StopReason::Budget, S(6)), None);
    assert_eq!(w.why(), Some(StopReason::User));
    assert_eq!(w.tick(S(7), SETTLED), Some(Action::EndSession));
    assert_eq!(w.tick(S(12), SETTLED), Some(Action::Term));
}

#[test]
fn an_adopted_run_has_only_what_is_left_of_its_time() {
    let mut w = Watch::new(limits(), S(3), S(590));
    assert_eq!(w.tick(S(12), QUIET), None);
    assert_eq!(w.tick(S(13), QUIET), Some(Action::Interrupt));
    assert_eq!(w.why(), Some(StopReason::RunTimeLimit));
}

#[test]
fn nothing_is_to_do_before_the_moment_that_is_due() {
    use proptest::prelude::*;
    let steps = proptest::collection::vec((0u64..120, 0u8..5), 1..40);
    proptest!(|(steps in steps)| {
        let seconds = Duration::from_secs;
        let limits = RunLimits { run_time: seconds(600), idle: seconds(90), tool: seconds(200) };
        let mut watch = Watch::new(limits, Duration::ZERO, Duration::ZERO);
        let (mut now, mut seen) = (Duration::ZERO, Seen::default());
        for (wait, what) in steps {
            let later = now + seconds(wait);
            let due = watch.due(seen);
            if later < due {
                prop_assert_eq!(watch.tick(later, seen), None, "due at {:?}, asked at {:?}", due, later);
            }
            now = later;
            match what {
                0 => watch.active(now),
                1 => seen.tool_since = Some(now),
                2 => seen.tool_since = None,
                3 => drop(watch.stop(StopReason::User, now)),
                _ => seen.settled = !seen.settled,
            }
            let _ = watch.tick(now, seen);
        }
    });
}
