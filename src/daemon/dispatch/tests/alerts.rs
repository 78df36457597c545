//! A whole night with a person's own run in it, and what arrives at a mailbox and a phone.

use super::*;
use crate::daemon::alerts::Alerts;
use crate::daemon::work::WorkRequest;
use crate::feed::notify::push::accept;
use crate::feed::notify::tests::smtp::{FINE, Smtp, Way};
use crate::feed::notify::tests::station::{Answer, Browser, Station};

/// Writes only for the first bead and the one that a person asks for.
async fn half(mut stage: Stage) -> Ending {
    let _task = stage.read_line().await;
    let bead = stage.spec().labels.bead.clone();
    if bead == "shop-0" || bead == "shop-3" {
        write_own_file(&stage);
    }
    say_and_leave(stage).await
}

fn config(world: &World, smtp: &Smtp, station: &Station) {
    let dir = world.dir.path().join("config");
    std::fs::create_dir_all(&dir).unwrap();
    let text = format!(
        "server: {{ public_url: 'https://bead.example.org' }}\nnotify:\n  push: {{ extra_origins: ['{}'] }}\n  \
         mail: {{ smtp: '127.0.0.1:{}', tls: 'off', from: bead@example.org, to: ann@example.org }}\n  dwell: 1h\n  group: 1s\n",
        station.origin, smtp.port
    );
    std::fs::write(dir.join("config.yaml"), text).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_night_tells_a_mailbox_and_a_phone_exactly_what_it_should() {
    let world = World::new(&[("shop", 4)]);
    world.executor.set(Purpose::Agent, half);
    let smtp = Smtp::open(Way::Plain, FINE).await;
    let station = Station::open(Answer::Say("201 Created")).await;
    config(&world, &smtp, &station);
    let (house, sites, dispatcher) = world.dispatcher(&["shop"], Hours::Now { until: None }).await;
    let browser = Browser::new(9);
    let extra = [crate::config::notify::Address::parse(&station.origin).unwrap()];
    let wish = browser.wish(format!("{}/send/9", station.origin));
    let device = accept(wish, &extra, "phone".into(), house.clock.now()).unwrap();
    assert!(house.journal.keep_device(&device).unwrap());

    let alerts = Alerts::start(Arc::clone(&house), Zone::UTC);
    let (answer, _answered) = tokio::sync::oneshot::channel();
    let request = WorkRequest { unattended: false, ..WorkRequest::unattended(BeadId::new("shop-3")) };
    let order = Order::Work { project: sites[0].id.clone(), request, answer };
    dispatcher.orders().send(order).await.ok().unwrap();
    let report = within(100, dispatcher.run()).await.unwrap();
    assert_eq!((report.tally.landed, report.tally.no_change), (2, 2), "{report:?}");
    within(20, alerts.finish()).await;

    let letters = smtp.letters();
    let mut subjects: Vec<&str> = letters
        .iter()
        .filter_map(|l| l.head().lines().find_map(|line| line.strip_prefix("Subject: ")))
        .collect();
    subjects.sort_unstable();
    assert_eq!(subjects.len(), 2, "{subjects:?}");
    assert!(
        subjects[0].starts_with("Night ") && subjects[0].ends_with("2 landed, 2 need you"),
        "{subjects:?}"
    );
    assert_eq!(subjects[1], "shop-3 landed");
    let letter = letters.iter().find(|l| l.head().contains("Subject: Night")).unwrap();
    let night = letter.parts();
    assert!(
        night[0].contains("shop-1") && night[0].contains("https://bead.example.org/brief/"),
        "{}",
        night[0]
    );
    let pictures = letter.pictures();
    assert_eq!(pictures.len(), night[1].matches("<img ").count());
    assert!(pictures.iter().any(|(name, _)| name.starts_with("runs")), "plots are inline");
    for (name, pixels) in pictures {
        assert!(night[1].contains(&format!("\"cid:{name}\"")), "{name}: {}", night[1]);
        assert!(pixels.width() == 1280 && pixels.height() > 100, "{name}");
    }

    let got = station.got.lock().unwrap().clone();
    let mut told: Vec<serde_json::Value> = got.iter().map(|request| browser.read(request)).collect();
    told.sort_by_key(|message| message["kind"].to_string());
    let kinds: Vec<&str> = told.iter().filter_map(|message| message["kind"].as_str()).collect();
    assert_eq!(kinds, ["completion", "summary"]);
    assert!(told.iter().all(|message| !message.to_string().contains("://")), "{told:?}");
    assert_eq!(told[0]["url"], format!("/projects/{}/beads/shop-3", sites[0].id));
    assert_eq!(house.journal.outbox_standing().unwrap().waiting, 0);
    assert!(house.journal.devices().unwrap()[0].last_ok.is_some());
    world.check(&house, &sites).await;
}
