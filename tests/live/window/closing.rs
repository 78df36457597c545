//! A bead that a person closes from its page although the gates cannot say that it is done.

use std::time::Duration;

use super::browser::Browser;
use super::told::Told;
use super::{PHONE, with_browser};
use crate::harness::until;

#[test]
fn a_close_that_was_refused_is_forced_from_the_page() {
    with_browser(async || {
        let mut told = Told::new();
        let bead = told.env.add("Buy a door", &[]);
        told.serve();
        let browser = Browser::open(PHONE, false).await;
        told.login(&browser).await;
        browser.go(&told.bead(&bead)).await;
        let form = format!("details[data-key$='/beads/{bead}/close']");
        browser.click(&format!("{form} summary")).await;
        browser.fill(&format!("{form} textarea"), "It was bought by hand.").await;
        browser.click(&format!("{form} form button")).await;
        browser
            .until(
                "the refusal",
                "return document.getElementById('wrong').innerText.includes('the gates could not be run')",
            )
            .await;
        browser.shot("close-refused-phone").await;
        browser.click("#wrong button.danger").await;
        browser
            .until("the close", "return document.getElementById('said').innerText.includes('It is closed')")
            .await;
        until("the tracker has it", Duration::from_secs(10), || told.env.shown(&bead)["status"] == "closed");
        assert_eq!(told.env.shown(&bead)["close_reason"], "It was bought by hand.");
        told.stop();
    });
}
