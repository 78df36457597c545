use super::*;

fn bead(json: &str) -> Bead {
    let mut value: serde_json::Value = serde_json::from_str(json).unwrap();
    value["id"] = "t-1".into();
    value["title"] = "x".into();
    serde_json::from_value(value).unwrap()
}

fn why(json: &str, filter: &NightFilter) -> String {
    judge(&bead(json), filter).map(|e| e.sentence()).unwrap_or_default()
}

#[test]
fn the_night_leaves_what_is_for_people() {
    let none = NightFilter::default();
    let cases = [
        ("{}", ""),
        (r#"{"assignee":" "}"#, ""),
        (r#"{"assignee":"ann"}"#, "it is assigned to `ann`, and the night takes unassigned beads only"),
        (r#"{"issue_type":"epic"}"#, "it is of type `epic`, which holds no work of its own"),
        (r#"{"issue_type":"gate"}"#, "it is of type `gate`, which holds no work of its own"),
        (r#"{"labels":["a","human"]}"#, "it is excluded by the label `human`, which keeps it for a person"),
        (r#"{"labels":["parked"]}"#, "it is excluded by the label `parked`, which keeps it for a person"),
    ];
    for (json, expect) in cases {
        assert_eq!(why(json, &none), expect);
    }
}

#[test]
fn a_project_s_filter_is_named_by_its_key() {
    let filter = NightFilter {
        labels: vec!["ok".into(), "small".into()],
        exclude_labels: vec!["risky".into()],
        types: vec!["bug".into(), "task".into()],
        max_priority: Some(2),
    };
    let cases = [
        (r#"{"labels":["small"],"priority":2}"#, ""),
        (
            r#"{"labels":["ok","risky"]}"#,
            "it is excluded by the label `risky` (`night.exclude_labels` in bead.yaml)",
        ),
        (r#"{}"#, "it has none of the labels `ok`, `small` (`night.labels` in bead.yaml)"),
        (
            r#"{"labels":["ok"],"issue_type":"chore"}"#,
            "its type is `chore`, and `night.types` in bead.yaml names `bug`, `task`",
        ),
        (
            r#"{"labels":["ok"],"priority":3}"#,
            "its priority is 3, and `night.max_priority` in bead.yaml is 2",
        ),
    ];
    for (json, expect) in cases {
        assert_eq!(why(json, &filter), expect);
    }
    // A filter cannot bring back what is for people.
    let epics =
        NightFilter { types: vec!["epic".into()], labels: vec!["human".into()], ..NightFilter::default() };
    assert!(why(r#"{"issue_type":"epic","labels":["human"]}"#, &epics).starts_with("it is of type"));
    assert!(why(r#"{"labels":["human"]}"#, &epics).contains("keeps it for a person"));
}

#[test]
fn a_tracker_s_text_cannot_forge_a_line() {
    let said = why("{\"assignee\":\"a\\n\\u001b[2J done\"}", &NightFilter::default());
    assert!(!said.contains('\n') && !said.contains('\u{1b}'), "{said:?}");
}
