use super::*;

#[test]
fn an_approval_says_what_it_is_for() {
    let tip = "a".repeat(40);
    let on = On { tip: Some(&tip), ..On::of("p", "b-1") };
    assert_eq!(on.approve("Approve").body, format!("{{\"tip\":\"{tip}\"}}"));
    assert_eq!(On::of("p", "b-1").approve("Approve").body, "{\"tip\":null}");
}

#[test]
fn what_is_over_has_no_buttons() {
    let labels = |state| on_run("p", "r1", state).iter().map(|action| action.label).collect::<Vec<_>>();
    assert_eq!(labels("running"), ["Pause", "Cancel"]);
    assert_eq!(labels("suspended"), ["Resume", "Cancel"]);
    for over in ["completed", "failed", "cancelled", "interrupted", ""] {
        assert_eq!(labels(over), Vec::<&str>::new(), "{over}");
    }
}
