//! Pages that are open while something happens, closed in the middle, and cut off from their daemon.

use std::io::Write as _;
use std::time::Duration;

use beadwork::clock::SystemClock;
use beadwork::journal::{Entry, Journal};
use serde_json::json;

use super::browser::Browser;
use super::told::{Told, body};
use super::{PHONE, with_browser};

const LINES: &str = "return [...document.querySelectorAll('#log p')].map((p) => p.innerText.trim())";

#[test]
fn a_page_misses_nothing_though_its_browser_and_its_daemon_go_away() {
    with_browser(async || {
        let mut told = Told::new();
        let scene = super::looks::scene(&mut told);
        let _lock = super::looks::hold(&told, &scene.running);
        let story =
            told.journal().stories_of(&told.project, &beadwork::domain::ids::BeadId::new(&*scene.running));
        let story = story.unwrap().pop().unwrap();
        told.serve();
        let other =
            Journal::open(&told.env.state().join("journal.db"), std::sync::Arc::new(SystemClock::default()))
                .unwrap();
        let say = |text: &str| {
            other.tell(Entry::of(&story, body(json!({ "type": "notice", "text": text })))).unwrap();
        };
        let path = other
            .runs(&Default::default(), 100)
            .unwrap()
            .into_iter()
            .find(|r| r.run == scene.run.as_str())
            .unwrap()
            .log;
        let path = told.env.state().join(path);
        let write = |text: &str| {
            let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        };

        let browser = Browser::open(PHONE, false).await;
        told.login(&browser).await;
        browser.go(&told.run(&scene.run)).await;
        let height = "return document.getElementById('change').getBoundingClientRect().top + scrollY";
        let before = browser.run(height).await;
        write("» first while open\n$ ls\n  ok: a");
        browser
            .until(
                "the first words",
                "return document.getElementById('log').innerText.includes('first while open')",
            )
            .await;
        say("noticed while open");
        browser
            .until(
                "the notice",
                "return document.getElementById('story').innerText.includes('noticed while open')",
            )
            .await;
        assert_eq!(browser.run(height).await, before, "the page does not jump while words come in");
        // What is being typed, and an open fold, survive what comes in.
        browser.fill("#send textarea", "half a sen").await;
        say("another notice");
        browser
            .until(
                "the notice",
                "return document.getElementById('story').innerText.includes('another notice')",
            )
            .await;
        assert_eq!(
            browser.run("return document.querySelector('#send textarea').value").await,
            json!("half a sen")
        );

        // Closed in the middle of a line, and opened again later.
        let seen = browser.run(LINES).await;
        let browser = {
            let closing = browser.reopened(PHONE, Duration::from_millis(300));
            write(" b c\n» said while closed\n");
            say("noticed while closed");
            closing.await
        };
        browser.go(&told.run(&scene.run)).await;
        browser
            .until(
                "what was missed",
                "return document.getElementById('log').innerText.includes('said while closed')",
            )
            .await;
        let lines: Vec<String> = serde_json::from_value(browser.run(LINES).await).unwrap();
        let count = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
        for text in ["first while open", "a b c", "said while closed"] {
            assert_eq!(count(text), 1, "{text}: {lines:?}, before {seen}");
        }
        assert!(browser.text().await.contains("noticed while closed"));

        // The daemon goes and comes back: the page says so, and goes on where it was.
        told.stop();
        browser.until("the loss", "return !document.getElementById('offline').hidden").await;
        write("» said without a daemon\n");
        told.serve();
        browser.until("the return", "return document.getElementById('offline').hidden").await;
        browser
            .until(
                "what was missed",
                "return document.getElementById('log').innerText.includes('said without a daemon')",
            )
            .await;
        let lines: Vec<String> = serde_json::from_value(browser.run(LINES).await).unwrap();
        assert_eq!(lines.iter().filter(|line| line.contains("without a daemon")).count(), 1);
        say("noticed after all");
        browser
            .until(
                "the notice",
                "return document.getElementById('story').innerText.includes('noticed after all')",
            )
            .await;
        assert_eq!(browser.run("return performance.getEntriesByType('navigation').length").await, json!(1));
    });
}
