use proptest::prelude::*;

use super::super::alert::Lane;
use super::*;
use crate::domain::ids::{BeadId, ProjectId};

fn end(bead: &str, title: &str, reason: &str) -> BeadEnd {
    BeadEnd {
        project: ProjectId::of_path(std::path::Path::new("/p")),
        bead: BeadId::new(bead),
        title: title.into(),
        outcome: Outcome::Parked,
        cause: Some("question".into()),
        reason: reason.into(),
        cost_usd: 0.42,
        attempts: 2,
        claim: Some(7),
        run: None,
        tip: None,
    }
}

fn alert(what: Vec<What>) -> Alert {
    let at = "2026-11-21T23:00:00Z".parse().unwrap();
    let kind = |what: &What| if let What::Bead(end) = what { end.kind() } else { Kind::Summary };
    let item = |what: What| Item { key: "k".into(), at, kind: kind(&what), lane: Lane::Unattended, what };
    let items: Vec<Item> = what.into_iter().map(item).collect();
    Alert { key: "k".into(), kind: items.iter().map(|i| i.kind).max().unwrap(), at, items }
}

#[test]
fn says_what_happened_and_what_is_wanted() {
    let one = message(&alert(vec![What::Bead(end("web-1", "Add a login", "which provider"))]));
    assert_eq!(one.title, "web-1 needs you: it has a question");
    assert_eq!(one.body, "Add a login\nwhich provider\n2 attempts, $0.42");
    let two = message(&alert(vec![
        What::Bead(end("web-1", "Add a login", "")),
        What::Bead(BeadEnd { outcome: Outcome::Failed, cause: None, ..end("web-2", "Draw", "") }),
    ]));
    assert_eq!(two.title, "2 beads ended, 1 needs you");
    assert_eq!(two.body, "web-1 needs you: it has a question: Add a login\nweb-2 failed: Draw");
    let mut summary =
        Summary { night: "2026-11-21".into(), why: "its time is up".into(), ..Summary::default() };
    summary.count(&BeadEnd { outcome: Outcome::Landed, ..end("a", "", "") });
    summary.count(&end("web-1", "Add a login", ""));
    (summary.held, summary.cost_usd) = (1, 0.84);
    let night = message(&alert(vec![What::Summary(summary)]));
    assert_eq!(night.title, "Night 2026-11-21: 1 landed, 1 needs you");
    assert_eq!(
        night.body,
        "web-1 needs you: it has a question: Add a login\n1 of the night's alerts was held back until now\n\
         $0.84 spent; it ended because its time is up"
    );
}

#[test]
fn t39_an_address_in_a_bead_is_no_link_and_nothing_is_long() {
    let title = format!("Fix login https://evil.example/{}", "x".repeat(10_000));
    let reason = "see www.evil.example, (http://evil.example) or evil.com/login; mail root@evil.example \
                  evil\u{FF0E}com hxxp HTTPS://EVIL.EXAMPLE evil.example/path \u{202e}gpj";
    let one = message(&alert(vec![What::Bead(end("web-1", &title, reason))]));
    let whole = format!("{}\n{}", one.title, one.body);
    assert!(whole.len() < 1000, "{}", whole.len());
    assert!(!whole.to_lowercase().contains("evil"), "{whole}");
    assert!(whole.contains("Fix login [link]"), "{whole}");
    let plain = "in src/main.rs and Cargo.toml, v1.2.3, e.g. a.b() or and/or 10:30, 3.5 s (tests/it/a.py)";
    assert_eq!(defang(plain), plain);
}

#[test]
fn t39_ids_are_not_trusted_either() {
    let one = message(&alert(vec![What::Bead(end("https://evil.example/a", "t", ""))]));
    assert!(!one.title.contains("evil"), "{}", one.title);
    let odd = message(&alert(vec![What::Bead(BeadEnd {
        cause: Some("https://evil.example".into()),
        ..end("a\r\nBcc: b", "x\r\ny", "")
    })]));
    assert!(!odd.title.contains(['\r', '\n']) && !odd.title.contains("evil"), "{}", odd.title);
}

proptest! {
    #[test]
    fn t39_no_scheme_survives_and_no_line_is_long(text in "\\PC{0,300}", more in "[a-z:/. ]{0,80}") {
        let title = format!("{text} {more}://{text}");
        let one = message(&alert(vec![What::Bead(end(&text, &title, &title))]));
        prop_assert!(!one.title.contains("://") && !one.body.contains("://"));
        prop_assert!(!one.title.chars().any(char::is_control));
        prop_assert!(one.body.lines().count() <= 3);
        prop_assert!(one.body.len() <= 4 * 3 * 2 * LINE);
    }
}
