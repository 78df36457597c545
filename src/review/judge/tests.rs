use super::*;
use crate::domain::finding::{Finding, Severity};
use crate::review::reply::Reported;

fn found(title: &str, line: u32, severity: Severity) -> Reported {
    Reported {
        finding: Finding {
            source: "review".into(),
            title: title.into(),
            detail: format!("about {title}"),
            file: Some("a.py".into()),
            line: Some(line),
            severity,
        },
        evidence: String::new(),
        priority: 2,
        kind: "bug".into(),
    }
}

fn reply(findings: &[Reported]) -> Reply {
    Reply {
        findings: findings.to_vec(),
        ready: Some(findings.is_empty()),
        readable: true,
        ..Reply::default()
    }
}

/// The work changed lines 1 to 100; each fix the ten lines from there on.
fn changed(fixes: &[u32]) -> Changed {
    let mut changed = Changed::default();
    changed.work.add("a.py", 1..=100);
    for at in fixes {
        let mut lines = crate::review::origin::Lines::default();
        lines.add("a.py", *at..=at + 9);
        changed.fixes.push(lines);
    }
    changed.before.insert("a.py".into());
    changed
}

fn round<'a>(number: u32, earlier: &'a [Entry], changed: &'a Changed) -> Round<'a> {
    Round { number, rounds: 3, repeated: false, earlier, changed }
}

use Severity::{Critical, Major, Minor, Note};

#[test]
fn stopping_is_not_accepting() {
    let none = changed(&[]);
    let first = round(1, &[], &none);
    let judged = |reply: &Reply, round: &Round<'_>| {
        let review = judge(reply, round);
        (review.verdict, review.reason)
    };
    let nothing = judged(&reply(&[]), &first);
    assert_eq!(nothing, (Verdict::Accept, "the reviewer found nothing that is still there".into()));
    let small = [found("small", 5, Minor), found("note", 50, Note), found("old", 500, Critical)];
    let (verdict, reason) = judged(&reply(&small), &first);
    assert_eq!(verdict, Verdict::Accept, "minor ones and older ones hold nothing up");
    assert_eq!(reason, "nothing material is open in this change; 3 findings are left beside it");
    let (verdict, reason) = judged(&reply(&[found("big", 5, Major)]), &first);
    assert_eq!((verdict, reason.as_str()), (Verdict::Revise, "1 material finding: 1 in this change"));
    // "Ready" does not outweigh what was found.
    let ready = Reply { ready: Some(true), ..reply(&[found("big", 5, Critical)]) };
    assert_eq!(judged(&ready, &first).0, Verdict::Revise);

    let unread = Reply { unread: vec!["the reply is empty".into()], ..Reply::default() };
    let (verdict, reason) = judged(&unread, &first);
    assert_eq!(
        (verdict, reason.as_str()),
        (Verdict::Again, "the review could not be read: the reply is empty")
    );
    assert_eq!(judged(&unread, &Round { repeated: true, ..first }).0, Verdict::Ask);
    let silent = Reply { ready: Some(false), readable: true, ..Reply::default() };
    assert_eq!(judged(&silent, &first).0, Verdict::Again);
    assert_eq!(judged(&silent, &Round { repeated: true, ..first }).0, Verdict::Ask);
    // Part of a reply accepts nothing, but what it has is worth a fix.
    let part = Reply { readable: false, ..reply(&[found("small", 5, Minor)]) };
    assert_eq!(judged(&part, &first).0, Verdict::Again);
    let part = Reply { readable: false, ..reply(&[found("big", 5, Major)]) };
    assert_eq!(judged(&part, &first).0, Verdict::Revise);
}

#[test]
fn the_last_round_and_what_fixes_caused_are_for_a_person() {
    let none = changed(&[]);
    let big = reply(&[found("first defect", 5, Major)]);
    let one = judge(&big, &round(1, &[], &none));
    let fixed = changed(&[40]);
    // Reported again: in the fix's lines, but the fix did not cause it.
    let still = judge(&reply(&[found("first defect", 42, Major)]), &round(2, &one.ledger, &fixed));
    assert_eq!(still.verdict, Verdict::Revise);
    assert_eq!(still.ledger[0].origin, Origin::ThisChange);
    let both = changed(&[40, 60]);
    let last = judge(&reply(&[found("first defect", 5, Major)]), &round(3, &still.ledger, &both));
    assert_eq!(last.verdict, Verdict::Ask);
    assert_eq!(last.reason, "after 3 of 3 rounds there is still 1 material finding: 1 in this change");
    let new = judge(&reply(&[found("something else broke", 45, Major)]), &round(2, &one.ledger, &fixed));
    assert_eq!((new.verdict, new.ledger[1].origin), (Verdict::Ask, Origin::Fix(1)));
    assert_eq!(new.ledger[0].standing, Standing::Fixed);
    assert_eq!(new.reason, "only what fixes caused is left: 1 material finding: 1 caused by a fix");
    let mixed = [found("something else broke", 45, Major), found("first defect", 5, Major)];
    assert_eq!(judge(&reply(&mixed), &round(2, &one.ledger, &fixed)).verdict, Verdict::Revise);
}

#[test]
fn silence_means_fixed_only_after_a_fix() {
    let none = changed(&[]);
    let all = [found("mine", 5, Major), found("old one", 500, Major), found("tiny", 90, Minor)];
    let one = judge(&reply(&all), &round(1, &[], &none));
    let origins: Vec<_> = one.ledger.iter().map(|entry| entry.origin).collect();
    assert_eq!(origins, [Origin::ThisChange, Origin::PreExisting, Origin::ThisChange]);
    let standing = |review: &Review| review.ledger.iter().map(|e| e.standing.clone()).collect::<Vec<_>>();
    use Standing::{Fixed, Open};
    // No fix between: a second opinion takes nothing back.
    let again = judge(&reply(&[]), &Round { repeated: true, ..round(1, &one.ledger, &none) });
    assert_eq!((standing(&again), again.verdict), (vec![Open, Open, Open], Verdict::Revise));
    // Nor does a later round that no fix came before.
    let later = judge(&reply(&[]), &round(2, &one.ledger, &none));
    assert_eq!((standing(&later), later.verdict), (vec![Open, Open, Open], Verdict::Ask));
    // Nor does a reply of which only a part was read.
    let fixed = changed(&[1]);
    let part = Reply { readable: false, ..reply(&[]) };
    let part = judge(&part, &round(2, &one.ledger, &fixed));
    assert_eq!((standing(&part), part.verdict), (vec![Open, Open, Open], Verdict::Revise));
    let two = judge(&reply(&[]), &round(2, &one.ledger, &fixed));
    assert_eq!(
        (standing(&two), two.verdict),
        (vec![Fixed, Open, Open], Verdict::Accept),
        "the author heard of one"
    );
    // It comes back.
    let three = judge(&reply(&[found("mine", 6, Major)]), &round(3, &two.ledger, &changed(&[1, 30])));
    assert_eq!((standing(&three)[0].clone(), three.verdict), (Open, Verdict::Ask));
    assert_eq!((three.ledger[0].first, three.ledger[0].last), (1, 3));
}

#[test]
fn a_fix_that_changed_nothing_answers_nothing() {
    let none = changed(&[]);
    let one = judge(&reply(&[found("mine", 5, Critical)]), &round(1, &[], &none));
    let mut empty = changed(&[]);
    empty.fixes.push(crate::review::origin::Lines::default());
    for said in [reply(&[]), reply(&[found("mine", 5, Critical)])] {
        let two = judge(&said, &round(2, &one.ledger, &empty));
        assert_eq!((two.verdict, &two.ledger[0].standing), (Verdict::Ask, &Standing::Open));
        assert_eq!(
            two.reason,
            "nothing was changed in answer to the last review: 1 material finding: 1 in this change"
        );
    }
    // One that answered the round before counts for what was told before it.
    let mut late = changed(&[40]);
    late.fixes.push(crate::review::origin::Lines::default());
    let mut told = one.ledger.clone();
    told.push(Entry { last: 2, first: 2, fingerprint: "other".into(), ..told[0].clone() });
    told[1].finding.title = "another one".into();
    let three = judge(&reply(&[]), &Round { rounds: 9, ..round(3, &told, &late) });
    assert_eq!(three.ledger[0].standing, Standing::Fixed);
    assert_eq!((three.verdict, &three.ledger[1].standing), (Verdict::Ask, &Standing::Open));
}

#[test]
fn what_an_earlier_claim_left_open_is_open_until_something_changed() {
    let none = changed(&[]);
    let mut left = judge(&reply(&[found("mine", 5, Critical)]), &round(1, &[], &none)).ledger;
    (left[0].first, left[0].last) = (0, 0);
    let same = judge(&reply(&[]), &round(1, &left, &none));
    assert_eq!((same.verdict, &same.ledger[0].standing), (Verdict::Ask, &Standing::Open));
    let mut taken_up = changed(&[]);
    taken_up.taken_up = true;
    let still = judge(&reply(&[found("mine", 5, Critical)]), &round(1, &left, &taken_up));
    assert_eq!((still.verdict, still.ledger[0].last), (Verdict::Revise, 1));
    let gone = judge(&reply(&[]), &round(1, &left, &taken_up));
    assert_eq!((gone.verdict, &gone.ledger[0].standing), (Verdict::Accept, &Standing::Fixed));
}

#[test]
fn without_a_fix_nothing_gets_lighter() {
    let none = changed(&[]);
    let one = judge(&reply(&[found("mine", 5, Major)]), &round(1, &[], &none));
    let lighter = reply(&[found("mine", 5, Note)]);
    let again = judge(&lighter, &round(2, &one.ledger, &none));
    assert_eq!((again.verdict, again.ledger[0].finding.severity), (Verdict::Ask, Major));
    let fixed = judge(&lighter, &round(2, &one.ledger, &changed(&[1])));
    assert_eq!((fixed.verdict, fixed.ledger[0].finding.severity), (Verdict::Accept, Note));
}

#[test]
fn other_words_for_the_same_defect_are_no_new_one() {
    let none = changed(&[]);
    let one =
        judge(&reply(&[found("Loop bound of `total` is off by one", 20, Major)]), &round(1, &[], &none));
    let fixed = changed(&[18]);
    let again = [found("`total` still has an off-by-one in its loop", 23, Major)];
    let two = judge(&reply(&again), &round(2, &one.ledger, &fixed));
    assert_eq!(two.ledger.len(), 1);
    assert_eq!(
        (two.verdict, two.ledger[0].fingerprint == one.ledger[0].fingerprint),
        (Verdict::Revise, true)
    );
    assert_eq!(two.ledger[0].finding.title, "Loop bound of `total` is off by one");
    assert_eq!(two.ledger[0].finding.line, Some(23));
    let other = [found("Password is logged in `login`", 21, Major)];
    assert_eq!(judge(&reply(&other), &round(2, &one.ledger, &fixed)).ledger.len(), 2);
}

#[test]
fn one_reply_may_mean_two_places() {
    let none = changed(&[]);
    let two = [found("missing check", 5, Major), found("missing check", 60, Major)];
    let one = judge(&reply(&two), &round(1, &[], &none));
    assert_eq!(one.ledger.len(), 2);
    assert_ne!(one.ledger[0].fingerprint, one.ledger[1].fingerprint);
    let moved = [found("missing check", 67, Major), found("missing check", 12, Major)];
    let next = judge(&reply(&moved), &round(2, &one.ledger, &changed(&[30])));
    let lines: Vec<_> = next.ledger.iter().map(|entry| entry.finding.line).collect();
    assert_eq!(lines, [Some(12), Some(67)], "each is matched with the nearest");
    let twice = [found("missing check", 5, Minor), found("Missing check!", 6, Critical)];
    let merged = judge(&reply(&twice), &round(1, &[], &none));
    assert_eq!((merged.ledger.len(), merged.ledger[0].finding.severity), (1, Critical));
    assert!(merged.ledger[0].finding.detail.contains("about Missing check!"));
}

#[test]
fn no_two_entries_share_a_name() {
    let none = changed(&[]);
    let one = judge(&reply(&[found("missing check", 5, Major)]), &round(1, &[], &none));
    let moved = judge(&reply(&[found("missing check", 60, Major)]), &round(2, &one.ledger, &none));
    assert_eq!((moved.ledger.len(), moved.ledger[0].finding.line), (1, Some(60)));
    // Where the first one was, there is another now.
    let both = [found("missing check", 60, Major), found("missing check", 5, Major)];
    let both = judge(&reply(&both), &Round { rounds: 9, ..round(3, &moved.ledger, &none) });
    assert_eq!(both.ledger.len(), 2);
    assert_ne!(both.ledger[0].fingerprint, both.ledger[1].fingerprint, "a person names them by it");
}

#[test]
fn what_seemed_older_and_is_of_this_change_holds_it() {
    let none = changed(&[]);
    let one = judge(&reply(&[found("mine after all", 500, Major)]), &round(1, &[], &none));
    assert_eq!((one.verdict, one.ledger[0].origin), (Verdict::Accept, Origin::PreExisting));
    let two = judge(&reply(&[found("mine after all", 5, Major)]), &round(2, &one.ledger, &none));
    assert_eq!((two.verdict, two.ledger[0].origin), (Verdict::Revise, Origin::ThisChange));
}

#[test]
fn what_was_put_aside_comes_back_when_it_grows() {
    let none = changed(&[]);
    let mut ledger = judge(&reply(&[found("odd name", 5, Minor)]), &round(1, &[], &none)).ledger;
    ledger[0].standing = Standing::Filed { bead: crate::domain::ids::BeadId::new("b-2") };
    let fixed = changed(&[50]);
    let same = judge(&reply(&[found("odd name", 5, Minor)]), &round(2, &ledger, &fixed));
    assert_eq!((same.verdict, &same.ledger[0].standing), (Verdict::Accept, &ledger[0].standing));
    let grown = judge(&reply(&[found("odd name", 5, Critical)]), &round(2, &ledger, &fixed));
    assert_eq!((grown.verdict, &grown.ledger[0].standing), (Verdict::Revise, &Standing::Open));
}

#[test]
fn t31_a_ledger_has_an_end() {
    let none = changed(&[]);
    let many = |from: usize| {
        let findings = (from..from + 200).map(|n| Reported {
            finding: Finding {
                file: Some(format!("f{n}.py")),
                ..found(&format!("defect {n}"), 1, Minor).finding
            },
            ..found("", 1, Minor)
        });
        Reply { findings: findings.collect(), readable: true, ..Reply::default() }
    };
    let mut ledger = Vec::new();
    for number in 1..=4 {
        let review =
            judge(&many(number as usize * 1000), &Round { rounds: 9, ..round(number, &ledger, &none) });
        let last = review.verdict;
        ledger = review.ledger;
        assert_eq!(last, if number < 3 { Verdict::Accept } else { Verdict::Again });
    }
    assert_eq!(ledger.len(), 500);
}
