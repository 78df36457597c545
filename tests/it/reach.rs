//! Devices and one-time links, against the real daemon on loopback.

use std::sync::Arc;

use beadwork::clock::SystemClock;
use beadwork::domain::ids::{BeadId, Oid};
use beadwork::journal::Journal;
use beadwork::journal::reach::{Action, Capability};
use serde_json::{Value, json};

use crate::harness::http::Answer;
use crate::window::Window;

const SECRET: &str = "an-action-that-only-its-holder-knows";

impl Window {
    /// What a link for this bead would have put into the journal.
    fn grant(&self, secret: &str, action: Action, bead: &str, tip: Option<Oid>) {
        let journal = self.journal();
        let capability = Capability {
            action,
            project: journal.projects().unwrap()[0].id.clone(),
            bead: BeadId::new(bead),
            story: None,
            run: None,
            tip,
            expires: chrono::Utc::now() + chrono::TimeDelta::hours(1),
            used: false,
        };
        journal.grant(&beadwork::feed::notify::links::hash(secret), &capability).unwrap();
    }

    fn grant_old(&self, secret: &str, bead: &str) {
        let journal = self.journal();
        let capability = Capability {
            action: Action::Retry,
            project: journal.projects().unwrap()[0].id.clone(),
            bead: BeadId::new(bead),
            story: None,
            run: None,
            tip: None,
            expires: chrono::Utc::now() - chrono::TimeDelta::seconds(1),
            used: false,
        };
        journal.grant(&beadwork::feed::notify::links::hash(secret), &capability).unwrap();
    }

    fn journal(&self) -> Journal {
        Journal::open(&self.env.state().join("journal.db"), Arc::new(SystemClock::default())).unwrap()
    }

    fn press(&self, secret: &str) -> Answer {
        let ask = self.ask("POST", "/api/capabilities").with("origin", &self.origin());
        ask.with("sec-fetch-site", "same-origin")
            .json(&json!({ "capability": secret }).to_string())
            .send(self.port)
    }

    fn write(&self, method: &str, path: &str, body: &Value) -> Answer {
        let mut ask = self.get(path).json(&body.to_string());
        method.clone_into(&mut ask.method);
        ask.send(self.port)
    }

    fn status_of(&self, bead: &str) -> String {
        self.env.shown(bead)["status"].as_str().unwrap().to_owned()
    }
}

#[test]
fn a_link_is_shown_by_every_get_and_acts_by_one_post() {
    let window = Window::open();
    let bead = window.env.add("Fix <b>it</b>", &[]);
    window.env.bead(&["park", &bead, "--reason", "to be decided"]).expect(0);
    assert_eq!(window.status_of(&bead), "blocked");
    window.grant(SECRET, Action::Retry, &bead, None);

    // A mail scanner, without any login and from elsewhere.
    let page = format!("/act/{SECRET}");
    for _ in 0..3 {
        let shown = window.ask("GET", &page).with("accept", "text/html").send(window.port);
        assert_eq!(shown.status, 200, "{shown:?}");
        assert!(shown.body.contains(&bead) && shown.body.contains("Try again"), "{}", shown.body);
        assert!(!shown.body.contains(SECRET), "the page does not repeat the secret");
        assert_eq!(shown.header("cache-control"), Some("no-store"));
        assert_eq!(shown.header("referrer-policy"), Some("no-referrer"));
    }
    assert_eq!(window.ask("GET", "/act/page.js").send(window.port).status, 200);
    assert_eq!(window.ask("GET", "/act/guess").send(window.port).status, 404);
    assert_eq!(window.status_of(&bead), "blocked", "a GET never acts");

    // Another site's page cannot press it, nor can a form.
    let ask = window.ask("POST", "/api/capabilities").with("origin", "https://evil.example");
    let body = json!({ "capability": SECRET }).to_string();
    assert_eq!(ask.json(&body).send(window.port).status, 403);
    let mut form = window.ask("POST", "/api/capabilities").with("content-type", "text/plain");
    body.clone_into(&mut form.body);
    assert_eq!(form.send(window.port).status, 415);
    assert_eq!(window.status_of(&bead), "blocked");

    let done = window.press(SECRET);
    assert_eq!(done.status, 202, "{done:?}");
    assert!(done.json()["accepted"].as_str().unwrap().contains("ready again"), "{done:?}");
    assert_eq!(window.status_of(&bead), "open");
    window.env.bead(&["park", &bead, "--reason", "once more"]).expect(0);
    let again = window.press(SECRET);
    assert_eq!((again.status, window.status_of(&bead).as_str()), (409, "blocked"), "{again:?}");
    let shown = window.ask("GET", &page).send(window.port);
    assert!(shown.body.contains("used already") && !shown.body.contains("<form"), "{}", shown.body);
    assert_eq!(window.press("guess").status, 404);

    // A day later it is worth nothing.
    window.grant_old("from-yesterday", &bead);
    let old = window.press("from-yesterday");
    assert_eq!((old.status, window.status_of(&bead).as_str()), (409, "blocked"), "{old:?}");
    let shown = window.ask("GET", "/act/from-yesterday").send(window.port);
    assert!(shown.body.contains("older than a day") && !shown.body.contains("<form"), "{}", shown.body);
}

#[test]
fn t56_another_token_voids_the_links_that_were_given_out_with_a_daemon_and_without() {
    let mut window = Window::open();
    let bead = window.env.add("Fix it", &[]);
    window.env.bead(&["park", &bead, "--reason", "to be decided"]).expect(0);
    window.grant(SECRET, Action::Retry, &bead, None);
    let told = window.env.bead(&["token", "--rotate"]).expect(0).err;
    assert!(told.contains("every link") && told.contains("bead push remove"), "{told}");
    let refused = window.press(SECRET);
    assert_eq!((refused.status, window.status_of(&bead).as_str()), (409, "blocked"), "{refused:?}");
    window.grant("another", Action::Retry, &bead, None);
    window.leave().expect(0);
    window.env.bead(&["token", "--rotate"]).expect(0);
    let kept = window.journal().capability(&beadwork::feed::notify::links::hash("another")).unwrap().unwrap();
    assert!(kept.used, "no daemon had to know");
}

#[test]
fn an_approval_is_for_the_work_that_was_shown() {
    let window = Window::open();
    let bead = window.env.add("Fix it", &[]);
    window.env.bead(&["park", &bead, "--reason", "to be decided"]).expect(0);
    window.grant(SECRET, Action::Approve, &bead, Some(Oid::parse(&"1".repeat(40)).unwrap()));
    let refused = window.press(SECRET);
    assert_eq!(refused.status, 409, "{refused:?}");
    assert!(refused.json()["detail"].as_str().unwrap().contains("not the work"), "{refused:?}");
    assert_eq!(window.status_of(&bead), "blocked");
    let kept = window.journal().capability(&beadwork::feed::notify::links::hash(SECRET)).unwrap().unwrap();
    assert!(!kept.used, "what did nothing is not used up");
}

#[test]
fn t35_a_device_is_kept_only_with_a_known_service_and_its_address_is_never_shown() {
    let window = Window::open();
    assert_eq!(window.ask("GET", "/api/push/key").send(window.port).status, 401);
    let key = window.get("/api/push/key").send(window.port).json()["key"].as_str().unwrap().to_owned();
    assert_eq!(key.len(), 87);
    let printed = window.env.bead(&["push", "keys"]).expect(0);
    assert_eq!(printed.out.trim(), key);
    let device = |endpoint: &str| {
        // Any point of the curve is a key: ours will do.
        json!({ "endpoint": endpoint, "expirationTime": null, "keys": { "p256dh": key, "auth": "AAAAAAAAAAAAAAAAAAAAAA" } })
    };
    let path = "/api/push/subscriptions";
    for bad in ["https://127.0.0.1/x", "http://fcm.googleapis.com/x", "https://evil.example/x", "x"] {
        assert_eq!(window.write("POST", path, &device(bad)).status, 422, "{bad}");
    }
    let good = "https://fcm.googleapis.com/fcm/send/secret-part";
    let made = window.write("POST", path, &device(good));
    assert_eq!(made.status, 201, "{made:?}");
    let listed = window.get(path).send(window.port);
    assert!(
        listed.body.contains(made.json()["id"].as_str().unwrap()) && !listed.body.contains("secret-part")
    );
    let mut named = device(&format!("{good}-2"));
    named["name"] = json!("Ann's <b>phone</b>");
    assert_eq!(window.write("POST", path, &named).status, 201);
    let page = window.get("/settings").send(window.port);
    assert!(
        page.body.contains("Ann&#39;s &#60;b&#62;phone&#60;/b&#62;") && page.body.contains("not reached yet"),
        "{}",
        page.body
    );
    for hidden in ["secret-part", "fcm.googleapis.com", key.as_str(), "AAAAAAAAAAAAAAAAAAAAAA"] {
        assert!(!page.body.contains(hidden), "{hidden}: {}", page.body);
    }
    let figures = window.get("/metrics").send(window.port).body;
    assert!(figures.contains("bead_alerts{channel=\"push\",state=\"waiting\"} 0"), "{figures}");
    assert!(figures.contains("bead_alert_channels_failing{channel=\"mail\"} 0"), "{figures}");
    let known = |endpoint: &str| {
        let answer = window.write("POST", "/api/push/known", &json!({ "endpoint": endpoint }));
        answer.json()["known"].as_bool().unwrap()
    };
    assert!(known(&format!("{good}-2")), "its own page asks with what it alone knows");
    assert_eq!(window.write("DELETE", path, &json!({ "endpoint": format!("{good}-2") })).status, 204);
    assert!(!known(&format!("{good}-2")) && known(good));
    let list = window.env.bead(&["push", "list", "--json"]).expect(0);
    assert!(!list.out.contains("secret-part") && list.json().as_array().unwrap().len() == 1);
    assert_eq!(window.write("DELETE", path, &json!({ "endpoint": good })).status, 204);
    assert_eq!(window.get(path).send(window.port).json(), json!([]));
    window.env.bead(&["push", "test"]).expect(3);
    let status = window.get("/api/status").send(window.port).json();
    assert_eq!(status["alerts"]["waiting"], 0);
    assert_eq!(window.get("/api/alerts").send(window.port).json()["deliveries"], json!([]));
}
