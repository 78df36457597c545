//! The service worker in Chromium: it shows a push, acts on a press, and has a page without a connection.

use std::time::Duration;

use serde_json::{Value, json};

use super::browser::Browser;
use super::told::Told;
use super::{PHONE, with_browser};

const SHOWN: &str = "const ready = await navigator.serviceWorker.ready; \
    return (await ready.getNotifications()).map((n) => [n.title, n.body, n.tag, n.actions.map((a) => a.action).join()])";

/// Runs an expression inside the service worker.
async fn inside(browser: &Browser, expression: &str) {
    let targets = browser.devtools("Target.getTargets", json!({})).await;
    let worker = targets["targetInfos"].as_array().unwrap().iter().find(|t| t["type"] == "service_worker");
    let target = worker.expect("a worker that runs")["targetId"].clone();
    let session =
        browser.devtools("Target.attachToTarget", json!({ "targetId": target, "flatten": false })).await;
    let message = json!({ "id": 1, "method": "Runtime.evaluate", "params": { "expression": expression } });
    let told = json!({ "sessionId": session["sessionId"], "message": message.to_string() });
    browser.devtools("Target.sendMessageToTarget", told).await;
}

/// The browser forgets a notification that it is asked about between keeping and showing it: who looks too soon or too
/// often makes it vanish.
const LOOK: Duration = Duration::from_millis(600);

/// What is shown once it is as expected; nothing if that does not happen.
async fn shown(browser: &Browser, fits: &impl Fn(&Value) -> bool, looks: u32) -> Option<Value> {
    for _ in 0..looks {
        tokio::time::sleep(LOOK).await;
        let shown = browser.wait_for(SHOWN).await;
        if fits(&shown) {
            return Some(shown);
        }
    }
    None
}

/// Does what shows a notification, again where the browser forgot it, until the notifications are as expected.
async fn until_shown(
    browser: &Browser,
    fits: impl Fn(&Value) -> bool,
    mut shows: impl AsyncFnMut(),
) -> Value {
    for _ in 0..4 {
        shows().await;
        if let Some(shown) = shown(browser, &fits, 4).await {
            return shown;
        }
    }
    panic!("never shown: {}", browser.wait_for(SHOWN).await)
}

#[test]
fn the_service_worker_shows_a_push_and_its_press_runs_the_handler() {
    with_browser(async || {
        let mut told = Told::new();
        told.serve();
        let browser = Browser::open(PHONE, false).await;
        told.login(&browser).await;
        browser.wait_for("await navigator.serviceWorker.ready; return true").await;
        let origin = json!({ "origin": told.url, "permissions": ["notifications"] });
        browser.devtools("Browser.grantPermissions", origin).await;
        browser.devtools("ServiceWorker.enable", json!({})).await;
        let push = async |data: String| {
            let message = json!({ "origin": told.url, "registrationId": "0", "data": data });
            browser.devtools("ServiceWorker.deliverPushMessage", message).await;
        };
        let message = json!({ "title": "t-1 needs you", "body": "Approve a protected change", "tag": "t-1",
            "url": "/projects/p/beads/t-1", "actions": [
                { "action": "approve", "title": "Approve", "capability": "not-a-real-one" },
                { "action": "park", "title": "Park", "capability": "nor-this" }] });
        let needs = async || push(message.to_string()).await;
        let one = |shown: &Value| shown.as_array().is_some_and(|all| !all.is_empty());
        let shown = until_shown(&browser, one, needs).await;
        assert_eq!(shown, json!([["t-1 needs you", "Approve a protected change", "t-1", "approve,park"]]));

        // A press on an action sends its capability; a refusal is shown, and nothing else happened.
        let press = |action: &str| {
            format!(
                "self.registration.getNotifications().then((all) => self.dispatchEvent(new NotificationEvent(\
                 'notificationclick', {{ notification: all[0], action: '{action}' }})))"
            )
        };
        let pressed = async || {
            if browser.wait_for(SHOWN).await == json!([]) {
                until_shown(&browser, one, needs).await;
            }
            inside(&browser, &press("approve")).await;
        };
        let refused = until_shown(&browser, |shown| shown[0][0] == "That did not work", pressed).await;
        assert_eq!(refused[0][2], "t-1", "in the place of the first");

        // Whatever comes is shown, and nothing of it is believed.
        let named = |shown: &Value| shown.to_string().contains("\"Beadwork\"");
        until_shown(&browser, named, async || push("not json".to_owned()).await).await;
        let odd = json!({ "title": "x".repeat(5000), "body": { "a": 1 }, "url": "https://evil.example/", "actions": "no" });
        let long = |shown: &Value| shown.to_string().contains("xxx");
        let shown = until_shown(&browser, long, async || push(odd.to_string()).await).await;
        let long =
            shown.as_array().unwrap().iter().find(|n| n[0].as_str().unwrap().starts_with("xxx")).unwrap();
        assert_eq!((long[0].as_str().unwrap().len(), &long[1]), (120, &json!("")));
        // T39: a message leads to our own origin alone.
        let lead = "self.ours_says = ['https://evil.example/x', '//evil.example', 'javascript:alert(1)', '/a?b', 5].map(ours); \
            self.registration.showNotification('leads', { body: JSON.stringify(self.ours_says) })";
        let leads = |shown: &Value| shown.to_string().contains("leads");
        let shown = until_shown(&browser, leads, async || inside(&browser, lead).await).await;
        let said = shown.as_array().unwrap().iter().find(|n| n[0] == "leads").unwrap()[1]
            .as_str()
            .unwrap()
            .to_owned();
        let home = format!("{}/", told.url);
        let expected = [&home, &home, &home, &format!("{}/a?b", told.url), &home];
        assert_eq!(serde_json::from_str::<Vec<String>>(&said).unwrap(), expected.map(String::as_str));

        // No connection: one page of our own, and no answer of the API was kept.
        let kept = browser
            .wait_for("const all = []; for (const name of await caches.keys()) for (const r of await (await caches.open(name)).keys()) all.push(new URL(r.url).pathname); return all.sort()")
            .await;
        assert_eq!(kept, json!(["/assets/style.css", "/icon-192.png", "/icon.svg", "/offline"]));
        told.stop();
        browser.go(&format!("{}/history", told.url)).await;
        assert!(browser.text().await.contains("Not connected"));
        browser.shot("offline-phone").await;
    });
}
