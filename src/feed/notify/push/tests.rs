use std::time::Duration;

use p256::ecdsa::signature::Verifier as _;
use tokio::net::TcpListener;

use super::super::channel::Retry;
use super::super::net::{Lookup, System};
use super::super::tests::station::{Answer, Browser, Station};
use super::super::{alert::Alert, texts};
use super::*;
use crate::clock::{Manual, Seeded};

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    head.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap_or_default()
}

fn clock() -> Arc<Manual> {
    Arc::new(Manual::at("2026-11-21T22:00:00Z".parse().unwrap()))
}

fn channel(endpoint: String, extra: &[&str], lookup: Arc<dyn Lookup>) -> Push {
    let dir = tempfile::tempdir().unwrap();
    let extra: Vec<Address> = extra.iter().map(|o| Address::parse(o).unwrap()).collect();
    let journal = Arc::new(Journal::in_memory(clock()).unwrap());
    let Wish { endpoint, p256dh, auth, name } = Browser::new(7).wish(endpoint);
    let created = clock().now();
    let device = Device { id: "d1".into(), name, endpoint, p256dh, auth, created, last_ok: None };
    assert!(journal.keep_device(&device).unwrap());
    Push {
        device,
        vapid: Arc::new(Vapid::open(&dir.path().join("push.key"), &Seeded::new(1)).unwrap()),
        subject: "mailto:ann@example.org".into(),
        extra,
        web: Web::new(lookup),
        journal,
        clock: clock(),
    }
}

fn message() -> Message {
    texts::message(&Alert::test("test/1".into(), clock().now()))
}

async fn send_to(answer: Answer) -> (Result<Sent, Failed>, Push, Station) {
    let service = Station::open(answer).await;
    let push = channel(format!("{}/send/abc", service.origin), &[&service.origin], Arc::new(System));
    (push.send(&message()).await, push, service)
}

#[tokio::test]
async fn only_the_device_can_read_it_and_the_service_knows_who_sent_it() {
    let (result, push, service) = send_to(Answer::Say("201 Created")).await;
    assert_eq!(result, Ok(Sent));
    let request = service.got.lock().unwrap().remove(0);
    let body = Browser::new(7).read(&request);
    assert_eq!(
        (body["title"].as_str(), body["kind"].as_str()),
        (Some("Beadwork can reach you"), Some("test"))
    );
    let head = String::from_utf8_lossy(&request[..600]).into_owned();
    assert_eq!((header(&head, "urgency"), header(&head, "content-encoding")), ("high", "aes128gcm"));
    assert_eq!(header(&head, "topic").len(), 24);
    // RFC 8292: the token is for this origin, and signed by the key beside it.
    let (token, key) =
        header(&head, "authorization").strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
    assert_eq!(key, push.vapid.public());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&decode(key).unwrap()).unwrap();
    let signature = p256::ecdsa::Signature::from_slice(&decode(signature).unwrap()).unwrap();
    key.verify(signed.as_bytes(), &signature).unwrap();
    let claims: serde_json::Value =
        serde_json::from_slice(&decode(signed.split_once('.').unwrap().1).unwrap()).unwrap();
    assert_eq!(claims["aud"], service.origin);
    assert_eq!(claims["exp"], clock().now().timestamp() + 12 * 3600);
    assert!(push.journal.devices().unwrap()[0].last_ok.is_some());
}

#[tokio::test]
async fn f44_a_device_that_is_gone_is_forgotten() {
    for head in ["404 Not Found", "410 Gone"] {
        let (result, push, _) = send_to(Answer::Say(head)).await;
        assert_eq!(result.unwrap_err().retry, Retry::Gone);
        assert_eq!(push.journal.devices().unwrap(), [], "{head}");
    }
    let (result, push, _) = send_to(Answer::Say("500 Oh")).await;
    assert_eq!(result.unwrap_err().retry, Retry::Later);
    assert_eq!(push.journal.devices().unwrap().len(), 1);
}

#[tokio::test]
async fn f44_a_busy_service_says_when_and_a_wrong_key_is_not_tried_again() {
    let (result, ..) = send_to(Answer::Say("429 Slow down\r\nretry-after: 90")).await;
    assert_eq!(result.unwrap_err().retry, Retry::After(Duration::from_secs(90)));
    let (result, ..) = send_to(Answer::Say("429 Slow down\r\nretry-after: 99999999999")).await;
    assert_eq!(result.unwrap_err().retry, Retry::After(Duration::from_secs(6 * 3600)));
    let (result, ..) =
        send_to(Answer::Say("429 Slow down\r\nretry-after: Fri, 31 Dec 1999 23:59:59 GMT")).await;
    assert_eq!(result.unwrap_err().retry, Retry::Later);
    let (result, ..) = send_to(Answer::Say("403 Forbidden")).await;
    assert_eq!(result.unwrap_err().retry, Retry::Never);
}

#[tokio::test]
async fn f44_a_stalled_service_costs_five_seconds_and_an_endless_answer_nothing() {
    let within = Duration::from_secs(8);
    let (result, ..) = tokio::time::timeout(within, send_to(Answer::Stall)).await.unwrap();
    assert_eq!(result.unwrap_err().class, Class::Timeout);
    let (result, ..) = tokio::time::timeout(within, send_to(Answer::Endless)).await.unwrap();
    assert_eq!(result, Ok(Sent));
}

#[tokio::test]
async fn t35_a_redirect_is_not_followed() {
    let inner = Station::open(Answer::Say("201 Created")).await;
    let head: &'static str = Box::leak(format!("302 Found\r\nlocation: {}/x", inner.origin).into_boxed_str());
    let (result, ..) = send_to(Answer::Say(head)).await;
    assert_eq!(result.unwrap_err().class, Class::Refused);
    assert_eq!(inner.count(), 0);
}

/// A resolver that says what it is told.
struct Fixed(Vec<std::net::IpAddr>);

impl Lookup for Fixed {
    fn look_up(
        &self,
        _host: String,
    ) -> futures_util::future::BoxFuture<'static, std::io::Result<Vec<std::net::IpAddr>>> {
        let all = self.0.clone();
        Box::pin(async move { Ok(all) })
    }
}

#[tokio::test]
async fn t35_a_known_name_that_leads_inside_is_not_dialled() {
    // A listener on this machine must see nothing, whatever the name resolves to.
    let inner = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for address in [
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "169.254.169.254",
        "10.1.2.3",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ] {
        for list in [vec![address], vec!["8.8.8.8", address]] {
            let list = list.into_iter().map(|a| a.parse().unwrap()).collect();
            let push = channel("https://fcm.googleapis.com/fcm/send/a".into(), &[], Arc::new(Fixed(list)));
            let failed = push.send(&message()).await.unwrap_err();
            assert_eq!((failed.class, failed.retry), (Class::Forbidden, Retry::Later), "{address}: {failed}");
        }
    }
    let seen = tokio::time::timeout(Duration::from_millis(100), inner.accept()).await;
    assert!(seen.is_err());
}

#[test]
fn t35_only_known_services_are_accepted() {
    let extra = [Address::parse("https://push.example.org:8443").unwrap()];
    let accept = |endpoint: &str| {
        let now = clock().now();
        super::accept(Browser::new(3).wish(endpoint.to_owned()), &extra, "d".into(), now).map(|d| d.endpoint)
    };
    for good in [
        "https://fcm.googleapis.com/fcm/send/abc:def",
        "https://updates.push.services.mozilla.com/wpush/v2/x",
        "https://updates.push.services.mozilla.com:443/wpush/v2/x",
        "https://web.push.apple.com/QA",
        "https://db5p.notify.windows.com/w/?token=a",
        "https://push.example.org:8443/x",
    ] {
        assert_eq!(accept(good).unwrap(), good);
    }
    for bad in [
        "http://fcm.googleapis.com/x",
        "https://fcm.googleapis.com:8443/x",
        "https://user@fcm.googleapis.com/x",
        "https://fcm.googleapis.com@evil.example/x",
        "https://evil.example/fcm.googleapis.com",
        "https://fcm.googleapis.com.evil.example/x",
        "https://evilnotify.windows.com.example/x",
        "https://notify.windows.com.example/x",
        "https://127.0.0.1/x",
        "https://[::ffff:7f00:1]/x",
        "https://2130706433/x",
        "https://0x7f.1/x",
        "https://169.254.169.254/latest",
        "https://localhost/x",
        "https://push.example.org/x",
        "https://push.example.org:8443.evil.example/x",
        "https://fcm.googleapis.com\\@evil.example/x",
        "https://fcm.googleapis.com/x#y",
        "file:///etc/passwd",
        "",
    ] {
        assert!(matches!(accept(bad), Err(WishError::Endpoint(_))), "{bad}");
    }
    let odd = |wish: Wish| super::accept(wish, &extra, "d".into(), clock().now()).unwrap_err();
    let wish = Browser::new(3).wish("https://web.push.apple.com/x".into());
    assert_eq!(odd(Wish { p256dh: "AAAA".into(), ..wish.clone() }), WishError::Key);
    let off_curve = URL_SAFE_NO_PAD.encode([4; 65]);
    assert_eq!(odd(Wish { p256dh: off_curve, ..wish.clone() }), WishError::Key);
    assert_eq!(odd(Wish { auth: "AAAA".into(), ..wish }), WishError::Auth);
}

#[test]
fn t35_public_is_what_the_world_can_reach() {
    for good in ["8.8.8.8", "142.250.1.1", "2a00:1450:4001::1", "2002:808:808::", "64:ff9b::808:808"] {
        assert!(net::is_public(good.parse().unwrap()), "{good}");
    }
    for bad in [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "127.1.2.3",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.1.1",
        "192.0.0.8",
        "192.0.2.1",
        "198.18.0.1",
        "203.0.113.9",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:8.8.8.8",
        "::127.0.0.1",
        "fc00::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "2001::1",
        "2001:db8::1",
        "2001:10::1",
        "64:ff9b:1::1",
        "100::1",
        "2002:a00:1::",
        "5f00::1",
        "3fff::1",
    ] {
        assert!(!net::is_public(bad.parse().unwrap()), "{bad}");
    }
}

#[test]
fn t39_a_payload_is_never_too_long() {
    let long = Message { body: "\u{1F600}".repeat(5000), ..message() };
    let bytes = payload(&long);
    assert!(bytes.len() <= MOST, "{}", bytes.len());
    let whole: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert!(whole["body"].as_str().unwrap().len() > 500);
}

#[test]
fn the_key_is_made_once_and_kept_from_others() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("push.key");
    let ids = Seeded::new(1);
    let first = Vapid::open(&path, &ids).unwrap().public();
    assert_eq!(Vapid::open(&path, &ids).unwrap().public(), first);
    assert_eq!(first.len(), 87);
    let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(), 0o600);
    assert_ne!(Vapid::rotate(&path, &ids).unwrap().public(), first);
    assert_eq!((mode(), std::fs::read_dir(dir.path()).unwrap().count()), (0o600, 1));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(Vapid::open(&path, &ids), Err(vapid::VapidError::Loose { mode: 0o640, .. })));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&path, "no key").unwrap();
    assert!(matches!(Vapid::open(&path, &ids), Err(vapid::VapidError::Odd { .. })));
}

#[test]
fn the_key_shows_its_public_half_only() {
    let dir = tempfile::tempdir().unwrap();
    let key = Vapid::open(&dir.path().join("push.key"), &Seeded::new(1)).unwrap();
    assert_eq!(format!("{key:?}"), format!("Vapid({})", key.public()));
}

/// What the worker takes from an object it calls `name`.
fn reads(worker: &str, name: &str) -> std::collections::BTreeSet<String> {
    let word = |rest: &str| rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned();
    worker.split(&format!("({name}.")).skip(1).map(word).collect()
}

#[tokio::test]
async fn what_a_device_decrypts_is_what_its_worker_reads() {
    let worker = include_str!("../../../../assets/sw.js");
    let service = Station::open(Answer::Say("201 Created")).await;
    let push = channel(format!("{}/send/abc", service.origin), &[&service.origin], Arc::new(System));
    let link = |action, title| super::super::links::Link {
        action,
        title,
        url: "https://bead.example.org/act/s".into(),
        capability: "s".into(),
    };
    use crate::journal::reach::Action;
    let told = Message {
        link: Some("https://bead.example.org/projects/p/beads/b".into()),
        actions: vec![link(Action::Approve, "Approve"), link(Action::Retry, "Try again")],
        ..message()
    };
    push.send(&told).await.unwrap();
    let got = Browser::new(7).read(&service.got.lock().unwrap().remove(0));
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let wanted = |name: &str, more: &[&str]| {
        let mut all: Vec<String> = reads(worker, name).into_iter().collect();
        all.extend(more.iter().map(|key| (*key).to_owned()));
        all.sort();
        all
    };
    // Its version, and a kind for whoever reads it some day.
    assert_eq!(keys(&got), wanted("told", &["kind", "v"]));
    for action in got["actions"].as_array().unwrap() {
        assert_eq!(keys(action), wanted("one", &[]));
    }
}
