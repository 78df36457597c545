use proptest::prelude::*;
use serde_json::json;

use super::*;

const SCRIPT: &str = "
conversations:
  - match: Round totals
    turns:
      - { text: Let me look., run: ls }
      - { text: Done., run: make }
      - { text: Done. }
      - { text: Again., run: x, read: y }
      - { text: Done. }
  - match: sub
    turns:
      - { text: Sub done. }
  - turns:
      - { text: Hello. }
";

fn script() -> Script {
    Script::parse(SCRIPT).unwrap()
}

fn at(messages: &Value) -> Option<(usize, usize)> {
    find(&script(), &json!({"messages": messages})).map(|place| (place.conversation, place.turn))
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": [{"type": "text", "text": "<system-reminder>x</system-reminder>"}, {"type": "text", "text": text}]})
}

fn assistant(text: &str) -> Value {
    json!({"role": "assistant", "content": [{"type": "text", "text": text}]})
}

fn called(turn: usize, tool: usize) -> [Value; 2] {
    let id = tool_id(Place { conversation: 0, turn }, tool);
    [
        json!({"role": "assistant", "content": [{"type": "tool_use", "id": id, "name": "Bash", "input": {}}]}),
        json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": "ok"}]}),
    ]
}

/// The history after each turn, as a client sends it back: one assistant message for each block.
fn history(turns: usize) -> Vec<Value> {
    let mut messages = vec![user("Round totals, please")];
    for (number, turn) in script().conversations[0].turns.iter().take(turns).enumerate() {
        messages.push(assistant(turn.text.as_deref().unwrap()));
        if turn.tools.is_empty() {
            messages.push(user("The gate failed: go on"));
        }
        for tool in 0..turn.tools.len() {
            messages.extend(called(number, tool));
        }
    }
    messages
}

#[test]
fn the_first_message_chooses_the_conversation() {
    assert_eq!(at(&json!([user("please Round totals now")])), Some((0, 0)));
    assert_eq!(at(&json!([{"role": "user", "content": "a sub agent"}])), Some((1, 0)));
    assert_eq!(at(&json!([user("else"), assistant("no"), user("Round totals")])), Some((2, 0)));
    assert_eq!(at(&json!("nonsense")), None);
    let only = Script::parse("conversations: [{match: absent, turns: []}]").unwrap();
    assert_eq!(find(&only, &json!({"messages": [user("y")]})), None);
}

#[test]
fn every_history_leads_to_the_next_turn() {
    for turn in 0..=5 {
        assert_eq!(at(&json!(history(turn))), Some((0, turn)), "turn {turn}");
    }
}

#[test]
fn a_retry_asks_for_the_same_turn() {
    assert_eq!(at(&json!(history(2))), at(&json!(history(2))));
}

#[test]
fn fillers_and_nudges_move_nothing() {
    let mut messages = history(1);
    messages.push(assistant("No response requested."));
    messages.push(user("Continue from where you left off."));
    messages.push(assistant("Connection lost mid-response"));
    messages.push(json!({"role": "system", "content": "Round totals"}));
    assert_eq!(at(&json!(messages)), Some((0, 1)));
}

#[test]
fn a_text_that_arrived_without_its_tools_asks_again() {
    let mut messages = history(1);
    messages.push(assistant("Done."));
    messages.push(user("Your answer was cut off. Resume."));
    assert_eq!(at(&json!(messages)), Some((0, 1)));
}

#[test]
fn one_tool_of_two_is_enough_to_go_on() {
    let mut messages = history(3);
    messages.extend(called(3, 0));
    assert_eq!(at(&json!(messages)), Some((0, 4)));
}

#[test]
fn ids_of_others_and_nonsense_count_for_nothing() {
    let ids = ["toolu_bw1x4x0", "toolu_bw0xx", "toolu_bw", "toolu_123", "toolu_bw0x-1x0"];
    for id in ids {
        let messages =
            json!([user("Round totals"), {"role": "assistant", "content": [{"type": "tool_use", "id": id}]}]);
        assert_eq!(at(&messages), Some((0, 0)), "{id}");
    }
    let far = format!("toolu_bw0x{}x0", usize::MAX);
    let messages =
        json!([user("Round totals"), {"role": "assistant", "content": [{"type": "tool_use", "id": far}]}]);
    assert_eq!(at(&messages), Some((0, 5)));
}

proptest! {
    /// Fillers anywhere in the history never change the place.
    #[test]
    fn noise_changes_nothing(turns in 0_usize..=5, spots in prop::collection::vec(0_usize..40, 0..8)) {
        let mut messages = history(turns);
        for spot in spots {
            let spot = 1 + spot % messages.len();
            messages.insert(spot, assistant("No response requested."));
        }
        prop_assert_eq!(at(&json!(messages)), Some((0, turns)));
    }
}
