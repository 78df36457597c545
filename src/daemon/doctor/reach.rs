//! What work and people are reached by: engine, key, disk, daemon, windows, links, watchman.
//!
//! Owns checks of the machine and of the user's own config. It starts nothing. Start with [`engine`].

use chrono::{DateTime, Utc};

use super::Check;
use crate::config::places::Places;
use crate::config::user::User;
use crate::config::watch::Style;
use crate::config::zone::Zone;
use crate::daemon::control::client::Client;
use crate::daemon::dispatch::resources::Room;
use crate::daemon::locks::{self, Taken};
use crate::daemon::machine::Machine;
use crate::executor::Executor;
use crate::feed::watchman::read_secret;
use crate::gateway::credential::{Credential, CredentialKind};
use crate::scheduler::window::{Calendar, Presence, State};

/// A silent engine is no engine.
const ANSWER: std::time::Duration = std::time::Duration::from_secs(10);
/// Less than this, and clones and builds of a night hardly fit.
const LITTLE: u64 = 5 << 30;

/// The engine, and a line for each of its weaknesses.
pub(super) async fn engine(executor: &dyn Executor) -> Vec<Check> {
    let todo = "start it, or set DOCKER_HOST; `docker info` must work for you";
    let info = match tokio::time::timeout(ANSWER, executor.engine()).await {
        Ok(Ok(info)) => info,
        Ok(Err(error)) => return vec![Check::bad("engine", error.to_string(), todo)],
        Err(_) => return vec![Check::bad("engine", "it does not answer", todo)],
    };
    let mut all = vec![Check::good("engine", format!("{} {}", info.name, info.version))];
    all.extend(info.warnings.into_iter().map(|warning| Check::mind("engine", warning, "")));
    all
}

/// Its kind, never itself.
pub(super) fn credential(machine: &Machine) -> Check {
    if let Err(refusal) = machine.has_key() {
        return Check::refused("credential", &refusal);
    }
    let kind = match machine.credential.as_ref().map(Credential::kind) {
        Some(CredentialKind::OAuthToken) => "a subscription's token: costs are estimates at list price",
        _ => "an API key",
    };
    let host = machine.upstream.host();
    Check::good("credential", format!("{kind}, for {host}"))
}

pub(super) fn disk(places: &Places) -> Check {
    // Of a folder that is not there yet, its nearest parent says how much room there is.
    let there = places.state().ancestors().find(|path| path.exists()).unwrap_or(places.state());
    let room = Room::at(there);
    #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
    let gigabytes = room.bytes as f64 / f64::from(1 << 30);
    let says = format!("{gigabytes:.1} GiB free at `{}`", there.display());
    let todo = "`bead gc --dry-run` says what holds each gigabyte";
    if room.is_used_up() {
        Check::bad("disk", says, todo)
    } else if room.bytes < LITTLE {
        Check::mind("disk", says, todo)
    } else {
        Check::good("disk", says)
    }
}

/// Whether a daemon runs, and whether it is of this version.
pub(super) async fn daemon(places: &Places, client: Option<&Client>) -> Check {
    let Some(client) = client else {
        let held = places.locks().is_dir().then(|| locks::daemon(&places.locks()));
        return match held {
            Some(Ok(Taken::Theirs(pid))) => {
                let pid = pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
                Check::bad(
                    "daemon",
                    format!("{pid} is one, but does not answer"),
                    "stop it and start it again",
                )
            }
            _ => Check::good("daemon", "none runs; `bead night` and `bead serve` start one"),
        };
    };
    let own = env!("CARGO_PKG_VERSION");
    let told = client.get("/api/openapi.json").await.ok();
    let version = told.as_ref().and_then(|api| api["info"]["version"].as_str()).unwrap_or("unknown");
    if version == own {
        Check::good("daemon", format!("it runs, version {version}"))
    } else {
        let says = format!("it runs, version {version}; this program is {own}");
        Check::mind("daemon", says, "start it again; running containers are adopted")
    }
}

/// When beads are started by themselves, on which clock.
pub(super) fn windows(user: &User, zone: Zone, now: DateTime<Utc>) -> Check {
    let clock = format!("the clock shows {} ({zone})", zone.local(now).format("%H:%M"));
    if user.windows.is_empty() {
        let says = format!("none: nothing is started by itself; {clock}");
        return Check::mind("windows", says, "`windows` in your config, or `bead night` by hand");
    }
    let calendar = Calendar::new(&user.windows, &user.blackout, zone);
    let local = |at: DateTime<Utc>| zone.local(at).format("%Y-%m-%d %H:%M").to_string();
    let says = match calendar.any(now, &Presence::ALWAYS) {
        State::Open(open) => {
            let until = open.until.map(|at| format!(" until {}", local(at))).unwrap_or_default();
            format!("one is open{until}; {clock}")
        }
        State::Closed { next: Some(next) } => format!("the next one opens at {}; {clock}", local(next)),
        State::Closed { next: None } => {
            let todo = "look at `windows` and `blackout` in your config";
            return Check::mind("windows", format!("none is to come; {clock}"), todo);
        }
    };
    Check::good("windows", says)
}

/// What a phone can reach (rules 19.2).
pub(super) fn links(user: &User) -> Check {
    match &user.server.public_url {
        Some(url) if url.https => Check::good("links", format!("lead to {}", url.origin())),
        Some(url) => {
            let says = format!("lead to {}, which only this machine reaches", url.origin());
            Check::mind(
                "links",
                says,
                "push and the service worker of a phone need https in `server.public_url`",
            )
        }
        None => Check::mind(
            "links",
            "no `server.public_url`: mail and push carry no links, and no phone reaches this daemon",
            "set it to the https address under which a proxy or your own certificate serves the daemon",
        ),
    }
}

/// The dead man's switch, where there is one.
pub(super) fn watch(user: &User, places: &Places) -> Option<Check> {
    let Some(watch) = &user.watch else {
        let says = "no `watch`: nobody notices when this machine dies in the night";
        return Some(Check::mind(
            "watch",
            says,
            "`bead watchman` on a second machine, or a service that counts pings",
        ));
    };
    let told = format!("beats every {} to {}", watch.every, watch.url.origin());
    if let Style::Signed { secret } = &watch.style {
        let file = places.config_file().with_file_name("").join(secret);
        if let Err(error) = read_secret(&file) {
            return Some(Check::bad("watch", error.to_string(), "the watchman needs the same secret"));
        }
    }
    Some(Check::good("watch", told))
}
