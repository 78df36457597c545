//! Every page on a phone and on a desk, by day and by night.

use beadwork::daemon::locks;
use beadwork::domain::ids::{BeadId, RunId};
use serde_json::{Value, json};

use super::browser::Browser;
use super::told::Told;
use super::{DESK, PHONE, with_browser};

const LOG: &str = "- session 5f0c, model claude-opus-5-5, version 2.1.0\n\
    » The failing test wants banker's rounding. Let me look at the code.\n\
    > Read /work/tally/totals.py\n\
      ok: from decimal import ROUND_HALF_UP (+14 lines)\n\
    » `ROUND_HALF_UP` is the culprit: the specification says half to even.\n  I change it in one place and run the tests.\n\
    > Edit /work/tally/totals.py\n\
        - def rounded(value, mode=ROUND_HALF_UP):\n\
        + def rounded(value, mode=ROUND_HALF_EVEN):\n\
    $ python3 -m unittest -q\n\
      failed: AssertionError: Decimal('2.68') != Decimal('2.67') (+11 lines)\n\
    ! request failed (529 overloaded), try 2 of 10 after 800 ms\n\
    ~ The helper is imported twice, so the old mode is still used there.\n\
    $ grep -rn ROUND_HALF tally/\n\
      ok: tally/report.py:3:from decimal import ROUND_HALF_UP\n";

fn log() -> String {
    // The string above lost its own indents at the line ends: results and changes are indented by two and four.
    let lines = LOG.lines().map(str::trim_start).map(|line| match line {
        l if l.starts_with("ok") || l.starts_with("failed") || l.starts_with("I change") => {
            format!("  {l}\n")
        }
        l if l.starts_with("- def") || l.starts_with("+ def") => format!("    {l}\n"),
        l => format!("{l}\n"),
    });
    lines.collect()
}

/// Beads in every state; gives one that runs (its lock is the caller's to hold) and the run of one with kept work.
pub(super) fn scene(told: &mut Told) -> Scene {
    let add = |told: &Told, title: &str, more: &[&str]| told.env.add(title, more);
    let landed = add(told, "Round totals half to the even cent", &["-t", "bug", "-p", "1"]);
    let (mut story, run) = told.working(&landed, "Round totals half to the even cent", &log());
    let tip = told.kept(&mut story, &run, &[("tally/totals.py", "def rounded(value):\n    return value\n")]);
    land(told, story, &run, &tip);

    let protected = add(
        told,
        "Run the tests on every push",
        &[
            "-p",
            "1",
            "-d",
            "We want a workflow file.\n\nSee https://example.com/actions/workflow-syntax for the format.",
        ],
    );
    let (mut story, kept) = told.working(&protected, "Run the tests on every push", &log());
    let old = "import unittest\nfrom calc import add\n\nclass T(unittest.TestCase):\n    def test_add(self):\n        self.assertEqual(add(1, 2), 3)\n        self.assertEqual(add(-1, 1), 0)  # a much longer line than a phone is wide, so that it has to be scrolled\n";
    let workflow = "name: tests\non: [push]\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - run: python3 -m unittest -q\n";
    told.kept(&mut story, &kept, &[(".github/workflows/tests.yml", workflow), ("test_calc.py", old)]);
    told.tell(&mut story, json!({ "type": "protected", "paths": [".github/workflows/tests.yml"] }));
    told.settled(
        story,
        "parked",
        "protected",
        "protected paths changed and need a person: .github/workflows/tests.yml",
    );
    told.park(&protected);

    told.later(20);
    let asked = add(told, "Let invoices carry a second currency", &["-d", "As discussed."]);
    let (story, _) = told.working(&asked, "Let invoices carry a second currency", &log());
    told.later(4);
    told.settled(
        story,
        "parked",
        "question",
        "Should the second currency be converted at the rate of the invoice's day, or of the day it is paid? The accounts need one of the two, and both are used in the code.",
    );
    told.park(&asked);

    told.later(15);
    let failed = add(told, "Speed up the import of large files", &[]);
    let (story, _) = told.working(&failed, "Speed up the import of large files", &log());
    told.later(25);
    told.settled(story, "failed", "oom", "a process in the sandbox was killed for want of memory");

    told.later(30);
    let waits = add(told, "Write the release notes", &["--dep", &asked]);
    add(told, "Call the tax adviser about the new rates", &["-l", "human"]);
    add(
        told,
        "Everything for the spring release, with a rather long title that has to wrap on a phone",
        &["-t", "epic"],
    );
    let running = add(told, "Mend the discount of returned goods", &["-p", "0"]);
    let (_, run) = told.working(&running, "Mend the discount of returned goods", &log());
    Scene { running, run, protected, kept, asked, waits }
}

pub(super) struct Scene {
    pub(super) running: String,
    pub(super) run: RunId,
    pub(super) protected: String,
    pub(super) kept: RunId,
    pub(super) asked: String,
    pub(super) waits: String,
}

fn land(told: &mut Told, mut story: beadwork::lifecycle::Story, run: &RunId, tip: &str) {
    let tree = "b".repeat(40);
    let onto = told.env.git(&["rev-parse", "main"]);
    told.tell(&mut story, json!({ "type": "merged", "commit": tip, "tree": tree, "onto": onto }));
    told.tell(
        &mut story,
        json!({ "type": "gate_started", "gate": "test", "command": "python3 -m unittest -q" }),
    );
    told.tell(
        &mut story,
        json!({ "type": "gate_ended", "gate": "test", "passed": true, "summary": "passed (4 tests)", "seconds": 2.4 }),
    );
    told.tell(&mut story, json!({ "type": "gates_passed" }));
    let finding = json!({ "source": "review", "title": "The mode is named in two places", "detail": "tally/report.py still imports ROUND_HALF_UP.",
        "file": "tally/report.py", "line": 3, "severity": "minor" });
    let entry = json!({ "fingerprint": "f1", "finding": finding, "origin": "pre_existing", "standing": { "standing": "open" },
        "first": 1, "last": 1, "priority": 3, "kind": "task" });
    let review = json!({ "round": 1, "verdict": "accept", "reason": "it does what the bead asks for",
        "summary": "Small and right. One older place could follow.", "ready": true, "ledger": [entry] });
    let review_tip =
        json!({ "type": "review_started", "round": 1, "sandbox": "r", "nonce": "n", "tip": tip });
    told.beside(&story, run, review_tip);
    told.beside(&story, run, json!({ "type": "reviewed", "review": review, "cost_usd": 0.1 }));
    let filed = json!({ "fingerprint": "f1", "title": "The mode is named in two places", "bead": "t-later", "created": true,
        "proposed": true });
    told.beside(&story, run, json!({ "type": "findings_filed", "filed": [filed] }));
    told.later(2);
    told.tell(&mut story, json!({ "type": "landing", "old": onto, "new": tip }));
    told.tell(&mut story, json!({ "type": "landed", "commit": tip }));
    told.tell(&mut story, json!({ "type": "closed", "reason": "landed" }));
    told.finished(story, ("landed", ""), "landed", json!(tip));
}

/// A lock as a live process holds it.
pub(super) fn hold(told: &Told, bead: &str) -> locks::Taken {
    let taken = locks::take(&told.env.state().join("locks"), &told.project, &BeadId::new(bead)).unwrap();
    assert!(matches!(taken, locks::Taken::Ours(_)));
    taken
}

/// Words that are drawn, and smaller than nine pixels.
const WORDS_OF_PICTURES: &str = "return [...document.querySelectorAll('svg text')] \
    .filter((e) => 0 < e.getBoundingClientRect().height && e.getBoundingClientRect().height < 9).map((e) => e.outerHTML.slice(0, 120))";

#[test]
fn every_page_is_readable_on_a_phone_and_a_desk_by_day_and_by_night() {
    with_browser(async || {
        let mut told = Told::new();
        let scene = scene(&mut told);
        let _lock = hold(&told, &scene.running);
        told.serve();
        let browser = Browser::open(PHONE, false).await;
        browser.go(&format!("{}/", told.url)).await;
        browser.fits("the page for strangers").await;
        told.login(&browser).await;
        let pages = [
            ("tonight", format!("{}/", told.url)),
            ("bead", told.bead(&scene.protected)),
            ("asked", told.bead(&scene.asked)),
            ("run", told.run(&scene.run)),
            ("kept", told.run(&scene.kept)),
            ("history", format!("{}/history", told.url)),
            ("findings", format!("{}/findings", told.url)),
            ("brief", format!("{}/brief", told.url)),
            ("settings", format!("{}/settings", told.url)),
            ("lost", told.bead("t-nothing")),
            ("offline", format!("{}/offline", told.url)),
        ];
        for (name, url) in &pages {
            browser.screen(PHONE).await;
            browser.colours(false).await;
            browser.go(url).await;
            browser.fits(name).await;
            assert_eq!(nameless(&browser).await, json!([]), "{name}: controls without a name");
            assert_eq!(
                browser.run("return document.querySelectorAll('h1').length").await,
                json!(1),
                "{name}"
            );
            let words = browser.run(WORDS_OF_PICTURES).await;
            assert_eq!(words, json!([]), "{name}: words of pictures too small to read");
            browser.shot(&format!("{name}-phone-day")).await;
            browser.colours(true).await;
            browser.shot(&format!("{name}-phone-night")).await;
            browser.screen(DESK).await;
            browser.fits(name).await;
            browser.shot(&format!("{name}-desk-night")).await;
            browser.colours(false).await;
            browser.shot(&format!("{name}-desk-day")).await;
        }
        let said: Vec<String> = browser.console().await;
        let wrong: Vec<&String> = said.iter().filter(|line| !line.contains("status of 40")).collect();
        assert!(wrong.iter().all(|line| !line.contains("SEVERE")), "{wrong:?}");
    });
}

/// Buttons, links and fields that a screen reader could not name.
pub(super) async fn nameless(browser: &Browser) -> Value {
    browser
        .run(
            "const controls = document.querySelectorAll('a, button, input, select, textarea, summary, [role=region], [role=log], nav, svg[role]'); \
             const name = (e) => (e.getAttribute('aria-label') || \
               (e.getAttribute('aria-labelledby') && document.getElementById(e.getAttribute('aria-labelledby'))?.textContent) || \
               (e.labels?.length && e.labels[0].textContent) || e.textContent || '').trim(); \
             return [...controls].filter((e) => !name(e)).map((e) => e.outerHTML.slice(0, 150))",
        )
        .await
}
