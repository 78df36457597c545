use super::*;

#[test]
fn what_the_page_asks_is_not_said_twice() {
    let asked = Some("Which colour?");
    assert_eq!(why("`t-1` is parked for a person: Which colour?", asked), "`t-1` is parked for a person.");
    assert_eq!(why("`t-1` waits for `t-2`", asked), "`t-1` waits for `t-2`");
    assert_eq!(why("Which colour?", asked), "Which colour?", "never nothing");
    assert_eq!(why("`t-1` is ready", Some("")), "`t-1` is ready");
    assert!(why(&"long ".repeat(400), None).chars().count() <= 800);
}

#[test]
fn a_label_that_says_the_state_is_not_shown_beside_it() {
    let mut bead: Bead = serde_json::from_value(serde_json::json!({
        "id": "t-1", "title": "x", "status": "open", "priority": 1, "issue_type": "bug",
        "created_at": "2026-11-21T00:00:00Z", "updated_at": "2026-11-21T00:00:00Z",
    }))
    .unwrap();
    bead.labels = vec!["parked".into(), "backend".into()];
    assert_eq!(facts(&bead, "parked"), ["priority 1", "bug", "backend"]);
    assert_eq!(facts(&bead, "open"), ["priority 1", "bug", "parked", "backend"]);
}
