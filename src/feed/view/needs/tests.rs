use super::*;

#[test]
fn every_ending_that_asks_has_an_answer() {
    let on = On::of("p", "b-1");
    for (outcome, cause, kind, first) in [
        (Outcome::Parked, "protected", "approve a protected change", "approve"),
        (Outcome::Parked, "tampering", "approve a protected change", "approve"),
        (Outcome::Parked, "review", "decide on a review", "approve"),
        (Outcome::Parked, "question", "answer a question", "answer"),
        (Outcome::Parked, "gate", "decide how it goes on", "retry"),
        (Outcome::Parked, "landed_beside", "merge a branch", "retry"),
        (Outcome::Parked, "branch", "merge a branch", "close"),
        (Outcome::NoChange, "", "nothing was changed", "approve"),
        (Outcome::Failed, "oom", "it failed", "retry"),
        (Outcome::Timeout, "idle", "it failed", "retry"),
    ] {
        let (told, actions) = asked(outcome, cause, on).unwrap();
        assert_eq!(told, kind);
        assert_eq!(actions[0].post, format!("/api/projects/p/beads/b-1/{first}"), "{cause}");
        let main = actions.iter().filter(|action| action.weight == Weight::First).count();
        assert_eq!(main, usize::from(first != "close"), "{cause}: one stands out");
    }
    for outcome in [Outcome::Landed, Outcome::Cancelled, Outcome::Suspended, Outcome::Blocked] {
        assert_eq!(asked(outcome, "", on), None);
    }
}
