//! A person with a phone and a night that is rehearsed: everything that "done when" of the window asks for.

use std::time::Duration;

use serde_json::json;

use super::browser::Browser;
use super::told::Told;
use super::{PHONE, with_browser};
use crate::harness::{BeadEnv, until};

const NIGHT: &str = r#"
conversations:
  - match: "Choose the colour"
    turns:
      - text: "I looked at both.\n\nQUESTION: Shall the door be red or blue?"
      - text: "Blue it is."
        tools: [{ name: Bash, input: { command: "echo blue > door.txt && git add -A && git commit -qm 'Paint the door'", description: Paint } }]
      - text: "The door is painted."
  - match: "Test every push"
    turns:
      - text: "I write the workflow."
        tools: [{ name: Bash, input: { command: "mkdir -p .github/workflows && echo 'on: push' > .github/workflows/t.yml && git add -A && git commit -qm 'Test pushes'", description: Write } }]
      - text: "Done."
  - match: "Wait for the tide"
    turns:
      - text: "I wait for the tide."
        tools: [{ name: Bash, input: { command: "for i in $(seq 300); do echo tick $i; sleep 1; done", description: Wait } }]
      - text: "It came."
"#;

const PROJECT: &str = "gates:\n  - { name: test, run: test -f README.md, timeout: 1m }\n\
    limits: { memory: 640m }\nprotected: [\".github/**\"]\n";

#[test]
fn a_person_with_a_phone_goes_through_a_night() {
    with_browser(async || {
        let mut env = BeadEnv::new();
        env.write("README.md", "# harbour\n");
        env.write("bead.yaml", PROJECT);
        env.bead(&["init", "--yes", "--prefix", "t"]).expect(0);
        env.commit("begin");
        let door = env.add("Paint the door", &["-d", "Choose the colour."]);
        let pushes = env.add("Test every push", &["-d", "Test every push with a workflow."]);
        let tide = env.add("Wait for the tide", &["-d", "Wait for the tide, then go."]);
        env.bead(&["project", "add"]).expect(0);
        let windows = "windows: [{ start: \"0 0 * * *\", stop: 24h }]\nbudgets: { night: 20 }\n";
        std::fs::write(env.dir.path().join("config/config.yaml"), windows).unwrap();
        let _model = env.model(NIGHT);
        let mut told = Told::over(env);
        told.serve();

        // In by the link, and everything that runs is there, live.
        let browser = Browser::open(PHONE, false).await;
        told.login(&browser).await;
        told.until(
            &browser,
            "the tide runs",
            "return document.getElementById('running').innerText.includes('Wait for the tide')",
        )
        .await;
        told.until(
            &browser,
            "its last words",
            "return document.getElementById('running').innerText.includes('seq 300')",
        )
        .await;

        // Two beads come to need a person while the page is open.
        let needs = |text: &str| {
            format!("return document.getElementById('needs').innerText.includes({})", json!(text))
        };
        told.until(&browser, "the question", &needs("red or blue")).await;
        told.until(&browser, "the approval", &needs("approve a protected change")).await;
        browser.shot("walk-tonight-phone").await;
        browser.fits("tonight").await;

        browser.click(&format!("details[data-key$='/beads/{door}/answer'] summary")).await;
        browser.fill(&format!("details[data-key$='/beads/{door}/answer'] textarea"), "Blue, please.").await;
        browser.click(&format!("details[data-key$='/beads/{door}/answer'] form button")).await;
        browser
            .until(
                "the answer is taken",
                "return document.getElementById('said').innerText.includes('answer')",
            )
            .await;
        browser.click(&format!("button[data-post$='/beads/{pushes}/approve']")).await;
        browser
            .until(
                "the approval is taken",
                "return document.getElementById('said').innerText.includes('Approved')",
            )
            .await;

        // The browser is gone while both go on.
        let browser = browser.reopened(PHONE, Duration::from_secs(1)).await;
        until("both land", Duration::from_secs(120), || {
            [&door, &pushes].iter().all(|id| told.env.shown(id)["status"] == "closed")
        });
        browser.go(&format!("{}/history", told.url)).await;
        let text = browser.text().await;
        assert!(text.contains("Paint the door") && text.contains("Test every push"), "{text}");
        assert_eq!(told.env.git(&["show", "main:door.txt"]), "blue");

        // Cancel the run that never ends, from its page, while its log runs.
        browser.go(&format!("{}/", told.url)).await;
        browser.click("#running h3 a").await;
        told.until(&browser, "its log", "return !!document.querySelector('#log .command')").await;
        browser.shot("walk-run-phone").await;
        browser.click("button[data-post$='/cancel']").await;
        browser.click("button[data-post$='/cancel'][data-armed]").await;
        told.until(
            &browser,
            "the end",
            "return document.getElementById('head').innerText.includes('cancelled')",
        )
        .await;
        until("the bead is let go", Duration::from_secs(60), || told.env.shown(&tide)["assignee"].is_null());

        // And the brief tells of all of it.
        browser.go(&format!("{}/brief", told.url)).await;
        let text = browser.text().await;
        for word in ["Paint the door", "Test every push", "Landed"] {
            assert!(text.contains(word), "`{word}`: {text}");
        }
        browser.fits("the brief").await;
        browser.shot("walk-brief-phone").await;
        told.stop();
    });
}
