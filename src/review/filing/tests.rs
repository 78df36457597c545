use super::*;
use crate::domain::finding::Finding;
use crate::domain::verdict::Standing;
use crate::review::similar::Words;

pub(crate) fn bead(json: &str) -> Bead {
    serde_json::from_str(json).unwrap()
}

fn source() -> Bead {
    bead(r#"{"id":"t-1","title":"Write it"}"#)
}

/// An open finding that was there before. Its fingerprint says how long its title is, and its line.
pub(crate) fn entry(title: &str, place: Option<(&str, u32)>, severity: Severity) -> Entry {
    Entry {
        fingerprint: format!("fp-{}-{}", title.len(), place.map_or(0, |(_, line)| line)),
        finding: Finding {
            source: "review".into(),
            title: title.into(),
            detail: format!("How {title} shows.\n\nEvidence:\nx"),
            file: place.map(|(file, _)| file.to_owned()),
            line: place.map(|(_, line)| line),
            severity,
        },
        origin: Origin::PreExisting,
        standing: Standing::Open,
        first: 1,
        last: 1,
        priority: 2,
        kind: "bug".into(),
    }
}

fn planned(entries: &[Entry], source: &Bead, others: &[Bead]) -> Plan {
    let mut beads = vec![source.clone()];
    beads.extend_from_slice(others);
    plan(entries, source, &beads, &Caps::default(), &Words)
}

use Severity::{Critical, Major, Minor, Note};

#[test]
fn a_finding_becomes_a_bead_that_says_where_it_comes_from() {
    let plan = planned(&[entry("Half is rounded up", Some(("a.py", 12)), Major)], &source(), &[]);
    let What::File { bead, proposed: false } = &plan.items[0].what else { panic!("{plan:?}") };
    assert_eq!(bead.title, "Half is rounded up");
    assert_eq!(
        bead.description,
        "How Half is rounded up shows.\n\nEvidence:\nx\n\nPlace: a.py:12\nSeverity: major; it was there before\nFound by: a review of t-1, round 1\nFingerprint: fp-18-12"
    );
    assert_eq!((bead.priority, bead.issue_type.as_str()), (2, "bug"));
    assert_eq!(bead.edges, [("discovered-from".to_owned(), BeadId::new("t-1"))]);
    assert_eq!((bead.labels.as_slice(), bead.status()), (&["review".to_owned()][..], Status::Open));
    let note = planned(&[entry("nice", None, Note)], &source(), &[]);
    assert_eq!(note.items[0].what, What::LeftOut { why: "a note, nothing to be done".into() });
}

#[test]
fn what_is_there_is_not_filed_again() {
    let found = entry("Half is rounded up", Some(("tally/a.py", 12)), Major);
    let known = |json: &str| {
        let plan = planned(std::slice::from_ref(&found), &source(), &[bead(json)]);
        match &plan.items[0].what {
            What::Known { bead, closed, .. } => Some((bead.to_string(), *closed)),
            What::File { .. } => None,
            other => panic!("{other:?}"),
        }
    };
    let ours = |status: &str, last: &str| {
        known(&format!(
            r#"{{"id":"t-2","title":"Other words entirely","status":"{status}","description":"x\nPlace: z.py:1\nFingerprint: {last}"}}"#
        ))
    };
    assert_eq!(ours("open", "fp-18-12"), Some(("t-2".into(), false)));
    assert_eq!(ours("closed", "fp-18-12"), Some(("t-2".into(), true)));
    assert_eq!(ours("open", "fp-1"), None);
    assert_eq!(ours("tombstone", "fp-18-12"), None);
    // Written by a person, in a file and with words like these; elsewhere only the same words count.
    assert!(known(r#"{"id":"t-3","title":"Rounding up of half in tally/a.py:15"}"#).is_some());
    let near = r#"{"id":"t-3","title":"Rounding up of half in tally/a.py:15","status":"closed"}"#;
    assert!(known(near).is_none(), "what is closed must say it itself");
    assert!(known(r#"{"id":"t-3","title":"half is rounded up!","description":"see tally/a.py"}"#).is_some());
    assert!(known(r#"{"id":"t-3","title":"Half is rounded up"}"#).is_some());
    assert!(known(r#"{"id":"t-3","title":"Add a flag to tally/a.py:12"}"#).is_none());
    assert!(known(r#"{"id":"t-3","title":"Half is rounded down elsewhere","description":"Place: b.py:12\nFingerprint: q"}"#).is_none());
    // A fingerprint inside of a finding's own text is not ours.
    let forged = r#"{"id":"t-4","title":"q","description":"Fingerprint: fp-18-12\n\nPlace: z.py:1\nFingerprint: other"}"#;
    assert!(known(forged).is_none());
}

#[test]
fn one_plan_makes_one_bead_of_one_defect() {
    let entries = [
        entry("Loop bound of total is off by one", Some(("a.py", 20)), Minor),
        entry("Password is logged", Some(("a.py", 90)), Critical),
        entry("total has an off-by-one loop bound", Some(("a.py", 21)), Major),
    ];
    let plan = planned(&entries, &source(), &[]);
    assert_eq!(
        plan.items[0].what,
        What::Twin { of: entries[2].fingerprint.clone() },
        "the heavier one is filed"
    );
    let What::File { bead, .. } = &plan.items[2].what else { panic!("{plan:?}") };
    assert!(
        bead.description.contains("\nAlso: Loop bound of total is off by one (a.py:20)\nPlace: a.py:21\n")
    );
    assert!(matches!(plan.items[1].what, What::File { .. }));
}

/// Two hundred different defects, each of which points at a bead that points at itself.
fn flood() -> Vec<Entry> {
    let odd = |n: usize| format!("{:x}", (n + 7) * 2_654_435_761 % 0xffff_ffff);
    (0..500)
        .map(|n| {
            let file = format!("{}.py", odd(n));
            let mut entry =
                entry(&format!("{} {} {}", odd(n * 3), odd(n * 5), odd(n * 7)), Some((&file, 1)), Minor);
            entry.fingerprint = format!("f{n}");
            entry.finding.detail = "discovered-from: itself; see bead t-1 which sees t-1".into();
            entry
        })
        .collect()
}

#[test]
fn t31_five_hundred_findings_file_ten_beads() {
    let mut entries = flood();
    entries[400].finding.severity = Critical;
    let plan = planned(&entries, &source(), &[]);
    let filed: Vec<&str> = plan
        .items
        .iter()
        .filter(|item| matches!(item.what, What::File { .. }))
        .map(|item| item.fingerprint.as_str())
        .collect();
    assert_eq!((filed.len(), plan.items.len(), plan.left_out), (10, 10, 490));
    assert_eq!(filed[9], "f400", "the heaviest is among them");
    let caps = Caps { night: 3, ..Caps::default() };
    let plan = super::plan(&entries, &source(), &[source()], &caps, &Words);
    assert_eq!((plan.items.len(), plan.left_out), (3, 497));
}

#[test]
fn t31_the_third_discovery_in_a_row_is_refused() {
    let from = |id: &str, source: &str| {
        bead(&format!(
            r#"{{"id":"{id}","title":"{id}","dependencies":[{{"issue_id":"{id}","depends_on_id":"{source}","type":"discovered-from"}}]}}"#
        ))
    };
    let (first, second) = (from("t-2", "t-1"), from("t-3", "t-2"));
    let entries = [entry("Half is rounded up", Some(("a.py", 12)), Critical)];
    let what = |source: &Bead, others: &[Bead]| planned(&entries, source, others).items[0].what.clone();
    assert!(matches!(what(&first, &[source()]), What::File { .. }));
    let refused = what(&second, &[source(), first.clone()]);
    assert!(
        matches!(&refused, What::LeftOut { why } if why.contains("the chain ends after 2")),
        "{refused:?}"
    );
    // Who was found from themselves is as deep as can be.
    let itself = from("t-5", "t-5");
    assert!(matches!(what(&itself, &[]), What::LeftOut { .. }));
    assert!(matches!(
        new_blocker("x is missing", &second, &[source(), first, second.clone()], &Caps::default()),
        Err(TooDeep { depth: 2, .. })
    ));
}

#[test]
fn t19_what_comes_from_outside_waits_for_a_person() {
    let imported = bead(r#"{"id":"t-1","title":"x","external_ref":"gh-9"}"#);
    let entries = [entry("Half is rounded up", Some(("a.py", 12)), Major)];
    let child = bead(
        r#"{"id":"t-2","title":"y","dependencies":[{"issue_id":"t-2","depends_on_id":"t-1","type":"discovered-from"}]}"#,
    );
    for (source, others) in [(&imported, vec![]), (&child, vec![imported.clone()])] {
        let plan = planned(&entries, source, &others);
        let What::File { bead, proposed: true } = &plan.items[0].what else { panic!("{plan:?}") };
        assert_eq!((bead.status(), bead.labels.len()), (Status::Deferred, 2));
        let blocker = new_blocker("the parser is missing", source, &others, &Caps::default()).unwrap();
        assert_eq!(blocker.status(), Status::Deferred);
    }
}

#[test]
fn a_blocker_is_a_bug_with_its_reason() {
    let new = new_blocker("the parser\u{1b}[31m of `x` is missing\nreally", &source(), &[], &Caps::default())
        .unwrap();
    assert_eq!(new.title, "the parser of `x` is missing really");
    assert_eq!((new.priority, new.issue_type.as_str()), (1, "bug"));
    assert_eq!(new.blocks, [BeadId::new("t-1")]);
    // Two, three and four bytes a letter: a tracker counts bytes.
    for letter in ["é", "日", "\u{1f4ff}"] {
        let long = new_blocker(&letter.repeat(9000), &source(), &[], &Caps::default()).unwrap();
        assert!(long.title.len() <= 500 && long.description.len() < 9000, "{letter}");
    }
    let beads = [
        bead(r#"{"id":"t-2","title":"The parser of x is missing","status":"closed"}"#),
        bead(r#"{"id":"t-3","title":"Write the docs"}"#),
        bead(r#"{"id":"t-4","title":"the parser of X is missing"}"#),
    ];
    assert_eq!(match_blocker("The parser of `x` is missing.", &beads, &Words), Some(BeadId::new("t-4")));
    assert_eq!(match_blocker("the network is down", &beads, &Words), None);
    assert_eq!(match_blocker("the parser is slow on long lines", &beads, &Words), None, "another matter");
    assert_eq!(match_blocker("The parser of x is missing", &beads[..2], &Words), None, "closed is done");
}

#[test]
fn t31_a_bead_is_told_of_a_finding_once_and_of_so_many_places() {
    let found = entry("Half is rounded up in the totals", Some(("tally/a.py", 12)), Major);
    let told = |comments: &str| {
        let json = format!(
            r#"{{"id":"t-3","title":"Rounding up of half in tally/a.py:15","comments":[{comments}]}}"#
        );
        let plan = planned(std::slice::from_ref(&found), &source(), &[bead(&json)]);
        let What::Known { remark, .. } = plan.items[0].what.clone() else { panic!("{plan:?}") };
        remark
    };
    let remark = told("").expect("it says so in other words");
    let comment = serde_json::json!({ "id": 1, "issue_id": "t-3", "author": "beadwork", "text": remark,
        "created_at": "2026-11-21T00:00:00Z" });
    assert_eq!(told(&comment.to_string()), None, "said once");
    let many: Vec<Entry> = (1..400)
        .map(|line| Entry {
            fingerprint: format!("f{line}"),
            ..entry("Half is rounded up", Some(("a.py", line)), Major)
        })
        .collect();
    let plan = planned(&many, &source(), &[]);
    let What::File { bead, .. } = &plan.items[0].what else { panic!("{plan:?}") };
    assert!(
        bead.description.contains("\nAlso: ") && bead.description.len() < 4096,
        "{}",
        bead.description.len()
    );
}

#[test]
fn a_finding_never_becomes_the_bead_that_it_was_found_in() {
    let found = entry("Half is rounded up", Some(("a.py", 12)), Major);
    let source = bead(
        r#"{"id":"t-1","title":"Half is rounded up in a.py:12","description":"x\nPlace: a.py:12\nFingerprint: fp-18-12"}"#,
    );
    let plan = planned(std::slice::from_ref(&found), &source, &[]);
    assert!(matches!(plan.items[0].what, What::File { .. }), "{plan:?}");
    // Another one that says the same is still found.
    let other = bead(r#"{"id":"t-2","title":"Half is rounded up","description":"a.py:12"}"#);
    let plan = planned(&[found], &source, &[other]);
    assert!(matches!(&plan.items[0].what, What::Known { bead, .. } if bead.as_str() == "t-2"), "{plan:?}");
}

#[test]
fn a_long_reason_for_waiting_finds_the_bead_that_was_made_of_it() {
    let words =
        ["parser", "panics", "whenever", "unicode", "escapes", "arrive", "truncated", "inside", "nested"];
    let reason: Vec<String> = (0..90).map(|n| format!("{}{n}", words[n % words.len()])).collect();
    let reason = reason.join(" ");
    let made = new_blocker(&reason, &source(), &[source()], &Caps::default()).unwrap();
    assert!(made.title.len() < reason.len());
    let made = bead(&serde_json::json!({"id": "t-2", "title": made.title, "status": "open"}).to_string());
    assert_eq!(match_blocker(&reason, &[made], &Words), Some(BeadId::new("t-2")));
}
