//! The run page without a mouse: everything is reached, and does what it says.

use serde_json::json;

use super::browser::Browser;
use super::told::Told;
use super::{DESK, with_browser};

const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";

/// What has the focus, by its accessible name, and whether it can be seen that it has.
async fn focused(browser: &Browser) -> String {
    let seen = browser
        .run(
            "const e = document.activeElement; \
             const name = e.getAttribute('aria-label') || (e.labels?.length && e.labels[0].textContent) || e.textContent; \
             const drawn = getComputedStyle(e).outlineStyle !== 'none' || e.tagName === 'BODY'; \
             return [name.trim().replace(/\\s+/g, ' ').slice(0, 60), drawn]",
        )
        .await;
    let name = seen[0].as_str().unwrap_or_default().to_owned();
    assert_eq!(seen[1], json!(true), "the focus on `{name}` cannot be seen");
    name
}

/// Presses Tab until something of this name has the focus.
async fn tab_to(browser: &Browser, name: &str) {
    let mut met = Vec::new();
    for _ in 0..60 {
        browser.press(TAB).await;
        let at = focused(browser).await;
        if at.contains(name) {
            return;
        }
        met.push(at);
    }
    panic!("`{name}` was never reached: {met:?}");
}

#[test]
fn the_run_page_works_with_a_keyboard_alone() {
    with_browser(async || {
        let mut told = Told::new();
        let scene = super::looks::scene(&mut told);
        let _lock = super::looks::hold(&told, &scene.running);
        told.serve();
        let browser = Browser::open(DESK, false).await;
        told.login(&browser).await;
        browser.go(&told.run(&scene.run)).await;
        browser.press(TAB).await;
        assert_eq!(focused(&browser).await, "Skip to the content");
        browser.press(ENTER).await;
        browser.until("the skip", "return document.activeElement.id === 'main'").await;

        // The message box, before anything ends the run.
        tab_to(&browser, "Message to the agent").await;
        browser.press("Please keep the old name.").await;
        tab_to(&browser, "Send a message").await;
        browser.press(ENTER).await;
        browser
            .until(
                "the message",
                "return document.getElementById('messages').innerText.includes('Please keep the old name.')",
            )
            .await;
        browser
            .until("the word", "return document.getElementById('said').innerText.startsWith('Sent')")
            .await;

        browser.go(&told.run(&scene.run)).await;
        tab_to(&browser, "Cancel run").await;
        browser.press(ENTER).await;
        assert_eq!(
            focused(&browser).await,
            "Really cancel? Its work is kept.",
            "asked back, and the focus stays"
        );
        browser.press(ENTER).await;
        browser
            .until(
                "the cancel",
                "return document.getElementById('said').innerText.startsWith('It is being cancelled')",
            )
            .await;

        // A refusal is told in words, and can be put away.
        browser.go(&told.bead(&scene.waits)).await;
        tab_to(&browser, "Work on it").await;
        browser.press(ENTER).await;
        browser.until("the refusal", "return document.getElementById('wrong').innerText.length > 20 || document.getElementById('said').innerText.length > 5").await;
        browser.shot("refused-desk").await;
    });
}
