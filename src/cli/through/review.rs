//! `bead review` through a running daemon: asked there, shown here.
//!
//! Owns what a person is told while it waits for a slot and runs, and the way of a Ctrl-C to the daemon. The opinion that comes back
//! is the daemon's own; what becomes of it is the command's. Start with [`ask`].

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::{client_error, show};
use crate::cli::desk::Desk;
use crate::cli::progress::Live;
use crate::cli::{CliError, Exit};
use crate::daemon::control::client::{Client, problem, segment};
use crate::daemon::house::Site;
use crate::daemon::opinion::Opinion;
use crate::daemon::progress::Progress as _;
use crate::daemon::stop::{Stop, Urgency};
use crate::domain::agent_event::AgentEvent;
use crate::domain::clean::clean_line;
use crate::domain::event::{Body, Event, Order};
use crate::domain::ids::{BeadId, Oid};
use crate::domain::verdict::Filed;
use crate::lifecycle::Story;

/// What is to be read, and how.
pub(in crate::cli) struct Wish<'a> {
    pub what: &'a str,
    pub create_beads: bool,
    pub model: Option<&'a str>,
}

/// What was heard so far.
#[derive(Default)]
struct Heard {
    /// The daemon's name for the review.
    id: Option<String>,
    story: Option<Story>,
    end: Option<(String, Value)>,
}

/// Lets the daemon have it reviewed. `None`: the person left, and the review is taken back.
pub(in crate::cli) async fn ask(
    desk: &Desk,
    stop: &Stop,
    (daemon, site): (&Client, &Site),
    wish: Wish<'_>,
) -> Result<Option<(Opinion, Vec<Filed>)>, CliError> {
    let base = format!("/api/projects/{}/review", segment(site.id.as_str()));
    let mut body = json!({ "what": wish.what, "auto_create_beads": wish.create_beads });
    if let Some(model) = wish.model {
        body["model"] = model.into();
    }
    desk.output.say("a daemon is running: it has this reviewed, this terminal shows it");
    let live = Live::new(desk.output, BeadId::new(wish.what));
    let heard = Mutex::new(Heard::default());
    let stays = daemon.stay(&base, &body, |frame| hear(desk, &live, &mut held(&heard), frame));
    tokio::pin!(stays);
    let mut recalled = false;
    loop {
        tokio::select! {
            done = &mut stays => {
                done.map_err(client_error)?;
                break;
            }
            () = stop.at_least(Urgency::AtOnce) => {
                desk.output.say("left; the daemon ends the review");
                return Ok(None);
            }
            () = stop.at_least(Urgency::Gently), if !recalled => {
                recalled = true;
                let id = held(&heard).id.clone();
                // Without a name it is not begun: it goes with the connection.
                let Some(id) = id else {
                    desk.output.say("taken back before it began");
                    return Ok(None);
                };
                let cancel = format!("{base}/{}/cancel", segment(&id));
                if let Err(error) = daemon.post(&cancel, &json!({})).await {
                    desk.output.warn(&error.to_string());
                }
            }
        }
    }
    let end = held(&heard).end.take();
    read_end(end, recalled, wish.what).map(Some)
}

/// What the last frame says; none came where the daemon went.
fn read_end(
    end: Option<(String, Value)>,
    recalled: bool,
    what: &str,
) -> Result<(Opinion, Vec<Filed>), CliError> {
    let stopped = || {
        CliError::failed("the daemon stopped before the review was done")
            .hint(format!("`bead review {what}` asks for it again"))
    };
    let Some((kind, told)) = end else { return Err(stopped()) };
    if kind != "problem" {
        let odd = || CliError::failed("the daemon ended the review with an answer that is not understood");
        return Opinion::read(&told).ok_or_else(odd);
    }
    match told["status"].as_u64() {
        _ if recalled => {
            let detail = clean_line(told["detail"].as_str().unwrap_or_default());
            Err(CliError::new(Exit::Interrupted, detail))
        }
        Some(503) => Err(stopped()),
        status => Err(client_error(problem(status.is_some_and(|s| (400..500).contains(&s)), &told))),
    }
}

fn held(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shows one frame; false with the last one.
fn hear(desk: &Desk, live: &Live, heard: &mut Heard, (kind, data): (String, Value)) -> bool {
    match kind.as_str() {
        "review" => {
            heard.id = data["review"].as_str().map(str::to_owned).or(heard.id.take());
            let reason = clean_line(data["reason"].as_str().unwrap_or_default());
            match data["state"].as_str() {
                Some("waiting") => {
                    desk.output.say(&format!("  waits for a slot of it: {reason} (Ctrl-C takes it back)"))
                }
                Some("running") => desk.output.say("  its reviewer begins"),
                _ => {}
            }
        }
        "event" => {
            if heard.story.is_none() {
                heard.story = serde_json::from_value(data.clone()).ok().and_then(|event| loose(&event));
            }
            show(live, &mut heard.story, data);
        }
        "agent" => {
            if let Ok(event) = serde_json::from_value::<AgentEvent>(data) {
                live.agent(&event);
            }
        }
        _ => {
            heard.end = Some((kind, data));
            return false;
        }
    }
    true
}

/// The story around an event that no journal holds, as far as a terminal needs it.
fn loose(event: &Event) -> Option<Story> {
    let nowhere = Oid::parse(&"0".repeat(40)).ok()?;
    let order = Order::unclaimed(String::new(), nowhere);
    Story::open(&Event { seq: 0, run: None, attempt: None, body: Body::Claiming { order }, ..event.clone() })
}
