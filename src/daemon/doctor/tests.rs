use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use chrono::DateTime;

use super::*;
use crate::config::environment::Inherited;
use crate::feed::notify::net::Lookup;
use crate::feed::notify::push::vapid::Vapid;
use crate::feed::notify::secrets::Vault;

fn user(text: &str) -> crate::config::user::User {
    crate::config::user::User::parse(text.as_bytes(), "config.yaml").unwrap()
}

fn places(dir: &Path) -> Places {
    let uid = rustix::process::getuid().as_raw();
    Places::beneath(dir, uid).unwrap()
}

#[test]
fn t36_a_state_directory_that_others_may_look_into_is_bad() {
    let dir = tempfile::tempdir().unwrap();
    let places = places(dir.path());
    let uid = rustix::process::getuid().as_raw();
    assert_eq!(ground::state(&places, uid).health, Health::Good);
    assert_eq!(ground::state(&places, uid + 1).health, Health::Bad);
    let logs = places.state().join("logs");
    std::fs::set_permissions(&logs, std::fs::Permissions::from_mode(0o755)).unwrap();
    let check = ground::state(&places, uid);
    assert_eq!(check.health, Health::Bad);
    assert!(check.todo.unwrap().starts_with("chmod 700 '"));
}

#[test]
fn a_journal_is_looked_at_and_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let places = places(dir.path());
    let clock = Arc::new(crate::clock::SystemClock::default());
    let health = || {
        let (checks, _) = ground::journal(&places, clock.now());
        checks.into_iter().map(|check| (check.name, check.health)).collect::<Vec<_>>()
    };
    assert_eq!(health(), [("journal".to_owned(), Health::Good)], "none yet");
    assert!(!places.journal().exists());
    drop(Journal::open(&places.journal(), Arc::clone(&clock) as Arc<dyn Clock>).unwrap());
    let before = std::fs::read(places.journal()).unwrap();
    assert_eq!(health(), [("journal".to_owned(), Health::Good), ("backup".to_owned(), Health::Good)]);
    assert_eq!(std::fs::read(places.journal()).unwrap(), before);
    std::fs::write(places.journal(), "not a database").unwrap();
    let (checks, _) = ground::journal(&places, clock.now());
    assert_eq!(checks[0].health, Health::Bad);
    assert!(checks[0].todo.as_ref().unwrap().contains("newest good backup"), "{checks:?}");
    std::fs::remove_file(places.journal()).unwrap();
    let (checks, _) = ground::journal(&places, clock.now());
    assert_eq!(checks[0].health, Health::Bad, "a journal that went is not none: {checks:?}");
}

#[test]
fn windows_are_told_by_the_clock_on_the_wall() {
    let zone = Zone::parse("Europe/Berlin").unwrap();
    let now: DateTime<chrono::Utc> = "2026-11-21T12:00:00Z".parse().unwrap();
    let check = reach::windows(&user("windows: [{ start: '0 22 * * *', stop: '07:00' }]"), zone, now);
    assert_eq!(check.health, Health::Good);
    let expected = "the next one opens at 2026-11-21 22:00; the clock shows 13:00 (Europe/Berlin)";
    assert_eq!(check.says, expected);
    assert_eq!(reach::windows(&user(""), zone, now).health, Health::Mind);
}

#[test]
fn without_a_public_url_links_are_missed() {
    let check = reach::links(&user(""));
    assert!(check.says.contains("mail and push carry no links"), "{}", check.says);
    assert_eq!(reach::links(&user("server: { public_url: 'https://bead.example' }")).health, Health::Good);
    assert_eq!(reach::links(&user("server: { public_url: 'http://localhost:1' }")).health, Health::Mind);
}

#[test]
fn a_watch_without_its_secret_is_bad() {
    let dir = tempfile::tempdir().unwrap();
    let places = places(dir.path());
    assert_eq!(reach::watch(&user(""), &places).unwrap().health, Health::Mind);
    let wish = user("watch: { url: 'https://w.example/x', secret_file: s }");
    let check = reach::watch(&wish, &places).unwrap();
    assert_eq!(check.health, Health::Bad);
    let folder = places.config_file().parent().unwrap().to_owned();
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("s"), "0123456789abcdef").unwrap();
    std::fs::set_permissions(folder.join("s"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let check = reach::watch(&wish, &places).unwrap();
    assert_eq!((check.health, check.says.as_str()), (Health::Good, "beats every 3m to https://w.example"));
}

/// Finds every name but those that begin with `lost`.
struct Names;

impl Lookup for Names {
    fn look_up(
        &self,
        host: String,
    ) -> futures_util::future::BoxFuture<'static, std::io::Result<Vec<std::net::IpAddr>>> {
        let lost = host.starts_with("lost");
        let found = || Ok(vec![std::net::IpAddr::from([192, 0, 2, 1])]);
        Box::pin(async move { if lost { Err(std::io::ErrorKind::NotFound.into()) } else { found() } })
    }
}

async fn told(dir: &Path, notify: &str, known: &alerts::Known) -> Vec<(Health, String)> {
    let user = user(&format!("notify: {notify}"));
    let vault = Vault { folder: dir.to_owned(), environment: Inherited(Vec::new()) };
    let checks = alerts::alerts(&user.notify, &vault, (&dir.join("push.key"), known), &Names).await;
    checks.into_iter().map(|check| (check.health, format!("{}: {}", check.name, check.says))).collect()
}

fn secret(dir: &Path, name: &str, mode: u32) {
    std::fs::write(dir.join(name), "a long secret\n").unwrap();
    std::fs::set_permissions(dir.join(name), std::fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn channels_that_cannot_work_are_named_and_nothing_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    secret(dir.path(), "fine", 0o600);
    secret(dir.path(), "loose", 0o644);
    let none = alerts::Known::default();
    let mail = |more: &str| {
        format!("{{ mail: {{ smtp: mx.example, from: b@e.example, to: a@e.example, {more} }} }}")
    };
    for (notify, health, words) in [
        (mail("user: u, password_file: fine"), Health::Good, "mail to a@e.example, over mx.example:465"),
        (mail("user: u, password_file: gone"), Health::Bad, "gone`"),
        (mail("user: u, password_file: loose"), Health::Bad, "chmod 600"),
        (mail("user: u, password_env: NO_SUCH"), Health::Bad, "the variable `NO_SUCH` is not set"),
        (mail("ca_file: fine"), Health::Bad, "fine` holds no certificate"),
        (mail("").replace("mx.", "lost."), Health::Mind, "`lost.example` is not found"),
        (
            "{ webhook: { url: 'https://h.example/path-part', secret_file: fine } }".into(),
            Health::Good,
            "webhook to https://h.example/...",
        ),
        (
            "{ webhook: { url: 'https://h.example/path-part', secret_file: loose } }".into(),
            Health::Bad,
            "chmod 600",
        ),
        (
            "{ topic: { url: 'https://lost.example/path-part' } }".into(),
            Health::Mind,
            "`lost.example` is not found",
        ),
        (
            "{ topic: { url: 'https://[2001:db8::1]:8/path-part', token_file: gone } }".into(),
            Health::Bad,
            "topic cannot work",
        ),
    ] {
        let all = told(dir.path(), &notify, &none).await;
        let text = format!("{all:?}");
        assert!(all[0].0 == health && all[0].1.contains(words), "{notify}: {text}");
        assert!(!text.contains("path-part") && !text.contains("long secret"), "{text}");
        assert!(all[1].1.contains("push reaches nobody") && all[1].0 == Health::Mind, "{text}");
    }
}

#[tokio::test]
async fn a_house_that_can_tell_nobody_says_so() {
    let dir = tempfile::tempdir().unwrap();
    for notify in ["{}", "{ push: { enabled: false } }"] {
        let all = told(dir.path(), notify, &alerts::Known::default()).await;
        assert!(
            all.len() == 1 && all[0].0 == Health::Mind && all[0].1.contains("nobody is told anything"),
            "{all:?}"
        );
    }
    let refused = || "connect: refused".to_owned();
    // The config has no topic any more: that it failed is the past.
    let failing = vec![("push/x".to_owned(), refused()), ("topic".to_owned(), refused())];
    let known = alerts::Known { devices: 2, failing };
    let all = told(dir.path(), "{}", &known).await;
    assert!(all[0].0 == Health::Bad && all[0].1.contains("push cannot work"), "its key is gone: {all:?}");
    assert!(all.len() == 2 && all[1].1.contains("push/x failed: connect: refused"), "{all:?}");
    assert!(!dir.path().join("push.key").exists(), "the doctor makes no key");
    Vapid::open(&dir.path().join("push.key"), &crate::clock::RandomIds).unwrap();
    let all = told(dir.path(), "{}", &known).await;
    assert_eq!(all[0], (Health::Good, "alerts: push to 2 devices".to_owned()));
}
