use super::*;
use crate::domain::usage::Usage;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn text(words: &str, nested: bool) -> AgentEvent {
    AgentEvent::Text { text: words.into(), nested }
}

fn call(id: &str, name: &str) -> AgentEvent {
    AgentEvent::ToolCall {
        id: id.into(),
        name: name.into(),
        input: String::new(),
        nested: false,
        change: Vec::new(),
    }
}

fn back(id: &str) -> AgentEvent {
    AgentEvent::ToolReturn { id: id.into(), ok: true, text: String::new() }
}

fn result(cost: f64, delta: Option<f64>, output: u64) -> AgentEvent {
    let usage = Usage { output, ..Usage::default() };
    AgentEvent::TurnEnd(Box::new(TurnEnd {
        cost_total_usd: cost,
        cost_delta_usd: delta,
        by_model: [("m".to_owned(), usage)].into(),
        ..TurnEnd::default()
    }))
}

fn tokens(output: u64) -> Usage {
    Usage { output, ..Usage::default() }
}

#[test]
fn said_is_the_last_line_of_the_main_chain() {
    let mut summary = Summary::default();
    assert_eq!(summary.said(), "");
    summary.see(
        &text("First.\n\nNothing to do: \u{1b}[1malready fixed\u{1b}[0m.  \n \n", false),
        Duration::ZERO,
    );
    summary.see(&text("BLOCKED: x", true), Duration::ZERO);
    assert_eq!(summary.said(), "Nothing to do: already fixed.");
    assert!(summary.last_text().starts_with("First."));
}

#[test]
fn tools_run_from_call_to_return_and_no_longer_than_their_turn() {
    let mut summary = Summary::default();
    summary.see(&call("a", "Bash"), seconds(5));
    summary.see(&call("b", "Read"), seconds(7));
    assert_eq!(summary.longest_tool(), Some(("Bash", seconds(5))));
    summary.see(&back("a"), seconds(8));
    assert_eq!(summary.longest_tool(), Some(("Read", seconds(7))));
    summary.see(&result(0.0, None, 0), seconds(9));
    assert_eq!(summary.longest_tool(), None);
    assert_eq!(summary.tools.get("Bash"), Some(&1));
}

#[test]
fn a_subagent_that_speaks_is_no_tool_that_hangs() {
    let mut summary = Summary::default();
    summary.see(&call("a", "Agent"), seconds(0));
    summary.see(&text("working", true), seconds(3000));
    assert_eq!(summary.longest_tool(), Some(("Agent", seconds(3000))));
}

#[test]
fn a_run_is_settled_between_a_result_and_whatever_comes_next() {
    let mut summary = Summary::default();
    let message = |state: &str| AgentEvent::Message { uuid: "u".into(), state: state.into() };
    let mut step = |event: &AgentEvent| {
        summary.see(event, Duration::ZERO);
        summary.is_settled()
    };
    assert!(!step(&text("hm", false)));
    assert!(step(&result(0.0, None, 0)));
    assert!(step(&AgentEvent::Activity { what: "task_updated".into() }));
    assert!(!step(&message("queued")));
    assert!(!step(&message("started")));
    assert!(step(&result(0.0, None, 0)));
    assert!(step(&message("completed")));
}

#[test]
fn cost_is_what_was_added_also_when_totals_are_cumulative_or_fall() {
    let mut summary =
        Summary::resumed(Totals { cost_usd: 1.0, by_model: [("m".to_owned(), tokens(100))].into() });
    summary.see(&result(1.5, None, 130), Duration::ZERO);
    assert!((summary.spent.cost_usd - 0.5).abs() < 1e-9);
    assert_eq!(summary.spent.usage(), tokens(30));
    // After a kill the client forgets: a smaller total is a new beginning.
    summary.see(&result(0.2, None, 10), Duration::ZERO);
    assert!((summary.spent.cost_usd - 0.7).abs() < 1e-9);
    assert_eq!(summary.spent.usage(), tokens(40));
    // Where the client says what is new, its word counts; nothing new is nothing.
    summary.see(&result(9.0, Some(0.0), 20), Duration::ZERO);
    assert!((summary.spent.cost_usd - 0.7).abs() < 1e-9);
    assert_eq!(summary.spent.totals().cost_usd.to_bits(), 9.0_f64.to_bits());
}

#[test]
fn answers_of_an_open_turn_count_until_its_result_does() {
    let mut summary = Summary::default();
    let answer = AgentEvent::Usage { model: "m".into(), usage: tokens(7) };
    summary.see(&answer, Duration::ZERO);
    assert_eq!(summary.spent.usage(), tokens(7));
    summary.see(&result(0.1, None, 9), Duration::ZERO);
    assert_eq!(summary.spent.usage(), tokens(9));
    summary.see(&answer, Duration::ZERO);
    assert_eq!(summary.spent.usage(), tokens(16));
}

#[test]
fn t45_a_hostile_stream_does_not_grow_the_sum() {
    let mut summary = Summary::default();
    for n in 0..5000 {
        let name = n.to_string();
        summary.see(&call(&name, &name), Duration::ZERO);
        summary.see(&AgentEvent::Message { uuid: name.clone(), state: "queued".into() }, Duration::ZERO);
        summary.see(&AgentEvent::Usage { model: name, usage: tokens(1) }, Duration::ZERO);
    }
    assert_eq!((summary.tools.len(), summary.running.len(), summary.queued.len()), (100, 1000, 1000));
    assert_eq!(summary.spent.by_model().len(), 64);
}

#[test]
fn texts_are_bounded_together_and_the_newest_is_kept() {
    let mut summary = Summary::default();
    let mut say = |text: String| {
        summary.see(&AgentEvent::Text { text, nested: false }, Duration::ZERO);
        summary.texts().map(str::len).collect::<Vec<_>>()
    };
    for _ in 0..40 {
        say("short".into());
    }
    assert_eq!(say("short".into()).len(), TEXTS);
    assert_eq!(say("x".repeat(TEXT_BYTES - 10)), [TEXT_BYTES - 10, 5, 5]);
    assert_eq!(say("y".repeat(TEXT_BYTES + 1)), [TEXT_BYTES + 1]);
    assert_eq!(say("z".into()), [1]);
}
