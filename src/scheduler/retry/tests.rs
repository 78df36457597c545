use super::*;

#[test]
fn every_class_of_failure_has_its_rule() {
    let table = Class::ALL.map(retry);
    assert_eq!(
        table,
        [
            Retry::NextAttempt,
            Retry::NextAttempt,
            Retry::OneResolution,
            Retry::SameAttempt { most: 3 },
            Retry::Suspend,
            Retry::StopNight,
            Retry::StopNight,
            Retry::NextAttempt,
            Retry::Park,
            Retry::Park,
        ]
    );
}
