use super::*;
use crate::domain::ending::{AgentEnd, Ending};
use crate::domain::event::Printed;
use crate::domain::ids::RunId;

fn violations(bodies: Vec<Body>) -> Vec<String> {
    let event = |body| Event {
        seq: 1,
        at: chrono::DateTime::UNIX_EPOCH,
        project: None,
        bead: None,
        run: Some(RunId::from_bytes([1; 16])),
        attempt: Some(1),
        body,
    };
    let events: Vec<Event> = bodies.into_iter().map(event).collect();
    let mut report = Report::default();
    terminal_events(&events, &mut report);
    report.violations
}

#[test]
fn a_run_that_was_put_aside_before_its_agent_began_may_end_again_after_it_was_resumed() {
    let starting =
        || Body::AgentStarting { sandbox: "bead-r-1".into(), nonce: "n".into(), after: Printed::default() };
    let ended = || Body::AgentEnded(AgentEnd::without_agent(Ending::PutAside, "its window closed".into()));
    let resumed = || Body::Resumed { why: "the window opened".into(), session: "s".into() };
    assert_eq!(violations(vec![ended(), resumed(), starting(), ended()]), Vec::<String>::new());
    assert_eq!(violations(vec![ended(), resumed(), ended(), resumed(), starting(), ended()]).len(), 0);
    assert_eq!(violations(vec![starting(), ended(), resumed(), starting(), ended()]).len(), 0);
    // Without anything between them, one end is one too many.
    assert_eq!(violations(vec![starting(), ended(), ended()]).len(), 1);
    assert_eq!(violations(vec![ended(), ended()]).len(), 1);
    assert_eq!(violations(vec![ended(), resumed(), starting(), ended(), ended()]).len(), 1);
}
