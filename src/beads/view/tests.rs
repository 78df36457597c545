use serde_json::Value;

use super::*;

const SAMPLES: &[u8] = include_bytes!("../../../tests/fixtures/beads/samples.jsonl");

fn parsed(raw: Option<Box<RawValue>>) -> Value {
    serde_json::from_str(raw.unwrap().get()).unwrap()
}

#[test]
fn an_element_is_the_trackers_own_line_with_counts() {
    let snapshot = Snapshot::read(SAMPLES.to_vec());
    let text = snapshot.json(&BeadId::new("orc-u0e")).unwrap().get().to_owned();
    let line =
        std::str::from_utf8(SAMPLES).unwrap().lines().find(|l| l.starts_with(r#"{"id":"orc-u0e""#)).unwrap();
    let counts = r#","dependency_count":0,"dependent_count":0,"comment_count":0}"#;
    assert_eq!(text, format!("{}{counts}", line.strip_suffix('}').unwrap()));
}

#[test]
fn counts_are_of_blocking_edges_as_in_bd_1_0() {
    let snapshot = Snapshot::read(SAMPLES.to_vec());
    let counts = |id: &str| {
        let element = parsed(snapshot.json(&BeadId::new(id)));
        ["dependency_count", "dependent_count", "comment_count"].map(|key| element[key].as_u64().unwrap())
    };
    assert_eq!(counts("orc-k3v.2"), [1, 1, 0]);
    assert_eq!(counts("orc-k3v"), [0, 0, 0]);
    assert_eq!(counts("orc-m8q"), [0, 0, 1]);
    assert_eq!(parsed(snapshot.json(&BeadId::new("orc-k3v.2")))["parent"], "orc-k3v");
    assert!(snapshot.json(&BeadId::new("orc-zzz")).is_none());
}

#[test]
fn show_spells_its_edges_out() {
    let snapshot = Snapshot::read(SAMPLES.to_vec());
    let shown = parsed(snapshot.shown(&BeadId::new("orc-k3v.2")));
    let kinds = |key: &str| -> Vec<(String, String)> {
        let pair = |v: &Value| {
            (v["id"].as_str().unwrap().to_owned(), v["dependency_type"].as_str().unwrap().to_owned())
        };
        shown[key].as_array().unwrap().iter().map(pair).collect()
    };
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(kinds("dependencies"), [pair("orc-k3v", "parent-child"), pair("orc-k3v.1", "blocks")]);
    assert_eq!(kinds("dependents"), [pair("orc-k3v.3", "blocks")]);
    assert_eq!(shown["dependencies"][1]["close_reason"], "Implemented and merged in change 41");
    assert!(shown["dependencies"][0].get("dependencies").is_none());
    let dangling = parsed(snapshot.shown(&BeadId::new("orc-q9b")));
    assert_eq!(dangling["dependencies"][0]["depends_on_id"], "orc-zzz");
}

#[test]
fn missing_keys_are_filled_in_as_bd_does() {
    let snapshot = Snapshot::read(b"\xef\xbb\xbf {\"id\":\"a-1\",\"title\":\"t\",\"n\":2.50} \r\n".to_vec());
    let text = snapshot.json(&BeadId::new("a-1")).unwrap().get().to_owned();
    let start = r#"{"id":"a-1","title":"t","status":"open","priority":0,"issue_type":"task","n":2.50,"#;
    assert!(text.starts_with(start), "{text}");
}
