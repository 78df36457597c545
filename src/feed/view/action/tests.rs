use super::*;

#[test]
fn what_is_over_has_no_buttons() {
    let labels = |state| on_run("p", "r1", state).iter().map(|action| action.label).collect::<Vec<_>>();
    assert_eq!(labels("running"), ["Pause", "Cancel"]);
    assert_eq!(labels("suspended"), ["Resume", "Cancel"]);
    for over in ["completed", "failed", "cancelled", "interrupted", ""] {
        assert_eq!(labels(over), Vec::<&str>::new(), "{over}");
    }
}
