use super::*;

fn trial(failed: &[&str], passed: &[&str]) -> Trial {
    let set = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<BTreeSet<_>>();
    Trial {
        passed: failed.is_empty(),
        unrunnable: false,
        signature: Signature::of("gate:t", &failed.join("\n")),
        ran: (failed.len() + passed.len()) as u64,
        listed: !failed.is_empty(),
        names: Names { failed: set(failed), passed: set(passed), cut: false },
        summary: String::new(),
    }
}

fn unlisted(text: &str) -> Trial {
    Trial { listed: false, passed: false, signature: Signature::of("gate:t", text), ..trial(&["?"], &[]) }
}

#[test]
fn only_what_the_base_does_not_have_is_new() {
    let found = compare(&trial(&["a", "b"], &["c"]), Some(&trial(&["a"], &["b", "c"])));
    assert_eq!(
        (found.against, found.new, found.known),
        (AgainstBase::New, vec!["b".to_owned()], vec!["a".to_owned()])
    );
    let found = compare(&trial(&["a"], &["b", "c"]), Some(&trial(&["a"], &["b", "c"])));
    assert_eq!((found.against, found.known), (AgainstBase::Known, vec!["a".to_owned()]));
}

#[test]
fn a_test_that_passed_on_the_base_and_is_missing_has_failed() {
    let found = compare(&trial(&["a"], &["c"]), Some(&trial(&["a"], &["b", "c"])));
    assert_eq!((found.against, found.new), (AgainstBase::New, vec!["b (missing)".to_owned()]));
    // A runner that is silent about what passes still counts it.
    let silent = Trial {
        names: Names { passed: BTreeSet::new(), ..trial(&["a"], &[]).names },
        ..trial(&["a"], &["c"])
    };
    let base = Trial { ran: 3, ..silent.clone() };
    let found = compare(&silent, Some(&base));
    assert_eq!((found.against, found.new.len()), (AgainstBase::New, 1), "{found:?}");
}

#[test]
fn without_lists_a_red_base_is_red_and_the_very_same_failure_the_same() {
    let of = |work: &Trial, base: &Trial| compare(work, Some(base)).against;
    assert_eq!(of(&unlisted("no rule"), &unlisted("no rule")), AgainstBase::Same);
    assert_eq!(of(&unlisted("link error"), &unlisted("no rule")), AgainstBase::Red);
    assert_eq!(of(&trial(&["a"], &[]), &unlisted("no rule")), AgainstBase::Red);
    assert_eq!(of(&unlisted("x y z"), &trial(&[], &["a"])), AgainstBase::New);
    let cannot = |text| Trial { unrunnable: true, ..unlisted(text) };
    assert_eq!(of(&cannot("one line"), &cannot("another line")), AgainstBase::Same);
    assert_eq!(compare(&unlisted("x"), None).against, AgainstBase::Unknown);
}
