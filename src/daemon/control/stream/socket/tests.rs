use super::*;

#[test]
fn frames_become_one_message_each() {
    let frames = b"event: event\nid: 3\ndata: {\"seq\":3}\n\nevent: agent\nid: 3.1\ndata: {\"kind\":\"text\",\"text\":\"a\\n\\nb\"}\n\n";
    let all: Vec<serde_json::Value> = messages(frames)
        .into_iter()
        .map(|message| serde_json::from_str(message.to_text().unwrap()).unwrap())
        .collect();
    assert_eq!(all[0], json!({ "id": "3", "event": "event", "data": { "seq": 3 } }));
    assert_eq!(all[1]["data"]["text"], "a\n\nb");
    assert_eq!(all.len(), 2);
}
