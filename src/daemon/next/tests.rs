use super::*;

#[test]
fn whatever_ended_without_landing_names_a_command() {
    let bead = BeadId::new("orc-a1");
    let said =
        |outcome, cause: Option<&str>| steps(&bead, outcome, cause.map(Cause::new).as_ref()).join("; ");
    assert!(said(Outcome::Parked, Some("question")).contains("`bead answer orc-a1 TEXT`"));
    assert!(said(Outcome::Parked, Some("protected")).contains("`bead approve orc-a1`"));
    assert!(said(Outcome::Parked, Some("review")).contains("`bead findings orc-a1`"));
    assert!(said(Outcome::NoChange, None).contains("`bead approve orc-a1` closes it"));
    for outcome in [Outcome::Parked, Outcome::Failed, Outcome::Timeout, Outcome::Cancelled, Outcome::Blocked]
    {
        assert!(said(outcome, Some("gate")).contains("`bead "), "{outcome:?}");
    }
    assert!(steps(&bead, Outcome::Landed, None).is_empty());
}
