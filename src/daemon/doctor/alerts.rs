//! Whether anybody could be told: each channel of `notify`, devices for push, and what lately failed.
//!
//! Owns the lines of a report. Nothing is sent and no connection opened; names of servers are looked up. Start with
//! [`alerts`].

use std::path::Path;
use std::time::Duration;

use super::Check;
use crate::config::notify::Notify;
use crate::feed::notify::net::Lookup;
use crate::feed::notify::push::vapid::Vapid;
use crate::feed::notify::ready::{Way, ways};
use crate::feed::notify::secrets::Vault;
use crate::feed::tell::count;

/// A resolver that is slower than this is as good as none.
const ANSWER: Duration = Duration::from_secs(5);
const NAME: &str = "alerts";

/// What the journal knows of them.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) devices: u32,
    /// Channels whose last try failed: name and why.
    pub(super) failing: Vec<(String, String)>,
}

pub(super) async fn alerts(
    settings: &Notify,
    vault: &Vault,
    (key, known): (&Path, &Known),
    names: &dyn Lookup,
) -> Vec<Check> {
    let ways = ways(settings, vault);
    let mut all = Vec::new();
    for way in &ways {
        all.push(channel(way, names).await);
    }
    all.push(push(settings, (key, known.devices), !ways.is_empty()));
    // What the config has no more cannot fail any more.
    let used = |channel: &str| match channel.starts_with("push/") {
        true => settings.push.enabled,
        false => ways.iter().any(|way| way.name == channel),
    };
    all.extend(known.failing.iter().filter(|(channel, _)| used(channel)).map(|(channel, why)| {
        let says = format!("the last try over {channel} failed: {why}");
        Check::mind(NAME, says, "`bead push test --all` tries every channel and says how each went")
    }));
    all
}

async fn channel(way: &Way, names: &dyn Lookup) -> Check {
    let Way { name, to, host, wrong } = way;
    if let Some(wrong) = wrong {
        let says = format!("{name} cannot work: {wrong}");
        return Check::bad(NAME, says, &format!("mend `notify.{name}` in your config, or what it names"));
    }
    let todo = "is the name right, and is this machine connected?";
    match tokio::time::timeout(ANSWER, names.look_up(host.clone())).await {
        Ok(Ok(found)) if !found.is_empty() => Check::good(NAME, format!("{name} to {to}")),
        Ok(Ok(_)) => Check::mind(NAME, format!("{name}: `{host}` has no address"), todo),
        Ok(Err(error)) => Check::mind(NAME, format!("{name}: `{host}` is not found: {error}"), todo),
        Err(_) => Check::mind(NAME, format!("{name}: nobody says where `{host}` is"), todo),
    }
}

fn push(settings: &Notify, (key, devices): (&Path, u32), others: bool) -> Check {
    const ADVICE: &str = "turn alerts on at the settings page of a phone, or set up `notify.mail`";
    if !settings.push.enabled {
        return if others {
            Check::good(NAME, "push is off")
        } else {
            Check::mind(NAME, "nobody is told anything: push is off, and no other channel is set up", ADVICE)
        };
    }
    match (devices, Vapid::read(key)) {
        (0, _) if others => {
            let todo =
                "turn alerts on at the settings page of a phone, or `notify: { push: { enabled: false } }`";
            Check::mind(NAME, "push reaches nobody: no device is subscribed", todo)
        }
        (0, _) => Check::mind(
            NAME,
            "nobody is told anything: no device is subscribed for push, and no other channel is set up",
            ADVICE,
        ),
        (_, Err(error)) => {
            let says = format!("push cannot work: {error}");
            Check::bad(NAME, says, "bring the key back, or let every device subscribe again")
        }
        (devices, Ok(_)) => Check::good(NAME, format!("push to {}", count(devices, "device"))),
    }
}
