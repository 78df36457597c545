use std::sync::Arc;

use super::super::alert::Alert;
use super::super::net::System;
use super::super::tests::station::{Answer, Station};
use super::super::texts;
use super::*;
use crate::config::environment::Inherited;

#[tokio::test]
async fn posts_text_with_a_title_a_priority_and_its_token() {
    let station = Station::open(Answer::Say("200 OK")).await;
    let dir = tempfile::tempdir().unwrap();
    let token = dir.path().join("token");
    std::fs::write(&token, "tk_abc\n").unwrap();
    std::fs::set_permissions(&token, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let topic = Topic {
        url: Address::parse(&format!("{}/my-topic", station.origin)).unwrap(),
        token: Some("token".into()),
        vault: Vault { folder: dir.path().to_owned(), environment: Inherited::default() },
        web: Web::new(Arc::new(System)),
    };
    let at = "2026-11-21T22:00:00Z".parse().unwrap();
    let link = Some("https://bead.example.org/".to_owned());
    let message = Message { title: "Grüße".into(), link, ..texts::message(&Alert::test("t".into(), at)) };
    assert_eq!(topic.send(&message).await, Ok(Sent));
    let request = String::from_utf8(station.got.lock().unwrap().remove(0)).unwrap();
    for part in [
        "POST /my-topic ",
        "title: =?UTF-8?B?R3LDvMOfZQ==?=\r\n",
        "priority: default\r\n",
        "click: https://bead.example.org/\r\n",
        "authorization: Bearer tk_abc\r\n",
        "\r\n\r\nThis is what an alert looks like.",
    ] {
        assert!(request.contains(part), "{part}: {request}");
    }
}
