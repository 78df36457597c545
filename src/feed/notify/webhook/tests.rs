use super::super::alert::Alert;
use super::super::net::System;
use super::super::tests::station::{Answer, Station};
use super::super::texts;
use super::*;
use crate::clock::Manual;
use crate::config::environment::Inherited;

#[tokio::test]
async fn its_receiver_can_tell_that_it_is_ours_and_new() {
    let station = Station::open(Answer::Say("204 No Content")).await;
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret");
    std::fs::write(&secret, "shared").unwrap();
    std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let clock = Arc::new(Manual::at("2026-11-21T22:00:00Z".parse().unwrap()));
    let hook = Webhook {
        url: Address::parse(&format!("{}/hook?a=b", station.origin)).unwrap(),
        secret: "secret".into(),
        vault: Vault { folder: dir.path().to_owned(), environment: Inherited::default() },
        web: Web::new(Arc::new(System)),
        clock: clock.clone(),
    };
    let message = texts::message(&Alert::test("test/1".into(), clock.now()));
    assert_eq!(hook.send(&message).await, Ok(Sent));
    let request = String::from_utf8(station.got.lock().unwrap().remove(0)).unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /hook?a=b "), "{head}");
    let time = clock.now().timestamp();
    let signature = format!("x-bead-signature: t={time},v1={}", sign(b"shared", time, body));
    assert!(head.contains(&signature), "{head}");
    let json: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!((json["kind"].as_str(), json["key"].as_str()), (Some("test"), Some("test/1")));
}

#[test]
fn an_address_of_ours_is_not_forgotten_when_it_is_missing() {
    let failed = stays(Failed { class: Class::Refused, why: "404".into(), retry: Retry::Gone });
    assert_eq!(failed.retry, Retry::Later);
}

#[test]
fn an_alert_is_not_given_up_because_an_address_of_ours_said_no() {
    let failed = stays(Failed { class: Class::Refused, why: "401".into(), retry: Retry::Never });
    assert_eq!(failed.retry, Retry::Later);
    assert_eq!(stays(Failed::never(Class::Config, "no JSON")).retry, Retry::Never);
}

#[test]
fn the_signature_is_the_known_one() {
    // RFC 4231, test case 2, with our time before it left out by hand.
    let mut mac = Hmac::<Sha256>::new_from_slice(b"Jefe").unwrap();
    mac.update(b"what do ya want for nothing?");
    let hex: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_ne!(sign(b"a", 1, "b"), sign(b"a", 2, "b"));
}
