//! Commands that go through a running daemon, for the same result on the same terminal.
//!
//! Owns the translation of the daemon's answers and streams back into what the command would have shown by
//! itself. Start with [`work`]; a review's way is in [`review`].

pub(super) mod review;

use serde_json::{Value, json};

use super::desk::{Desk, engine_error, journal_error};
use super::progress::Live;
use super::{CliError, Exit};
use crate::daemon::control::client::{Client, ClientError, segment};
use crate::daemon::error::EngineError;
use crate::daemon::house::{House, Site};
use crate::daemon::progress::Progress as _;
use crate::daemon::stop::{Stop, Urgency};
use crate::daemon::work::{Ended, WorkRequest};
use crate::domain::agent_event::AgentEvent;
use crate::domain::event::{Event, Finish};
use crate::lifecycle::Story;

/// Whether the daemon works on this project; else the command works by itself.
pub(super) async fn knows(daemon: &Client, site: &Site) -> bool {
    let Ok(projects) = daemon.get("/api/projects").await else { return false };
    let listed = projects.as_array().into_iter().flatten();
    listed.into_iter().any(|p| p["id"].as_str() == Some(site.id.as_str()))
}

pub(super) fn client_error(error: ClientError) -> CliError {
    match error {
        ClientError::Refused(refusal) => engine_error(EngineError::Refused(refusal)),
        other => {
            CliError::failed(other.to_string()).hint("`bead why` and `bead runs` still tell how it stands")
        }
    }
}

/// Lets the daemon work on the bead, and shows it as if it were here.
pub(super) async fn work(
    desk: &Desk,
    stop: &Stop,
    daemon: &Client,
    (house, site): (&House, &Site),
    request: WorkRequest,
) -> Result<Exit, CliError> {
    let base = format!("/api/projects/{}", segment(site.id.as_str()));
    let bead = segment(request.bead.as_str());
    let wish = json!({
        "force": request.force,
        "no_gates": request.no_gates,
        "no_review": request.no_review,
        "target": request.target,
        "model": request.model,
    });
    desk.output.say("a daemon is running: it does the work, this terminal shows it");
    let mut story = house.journal.open_story_of(&site.id, &request.bead).map_err(journal_error)?;
    let begun = daemon.post(&format!("{base}/work/{bead}"), &wish).await.map_err(client_error)?;
    let since = begun["since"].as_u64().unwrap_or_default();
    let live = Live::new(desk.output, request.bead.clone());
    let result = std::cell::RefCell::new(None);
    let stream = format!("{base}/work/{bead}/stream?since={since}");
    let heard = daemon.follow(&stream, |(kind, data)| {
        match kind.as_str() {
            "event" => show(&live, &mut story, data),
            "agent" => {
                if let Ok(event) = serde_json::from_value::<AgentEvent>(data) {
                    live.agent(&event);
                }
            }
            _ => {
                *result.borrow_mut() = Some(data);
                return false;
            }
        }
        true
    });
    tokio::pin!(heard);
    let mut asked = false;
    loop {
        tokio::select! {
            done = &mut heard => {
                done.map_err(client_error)?;
                break;
            }
            () = stop.at_least(Urgency::AtOnce) => {
                desk.output.say("left; the daemon goes on");
                return Ok(Exit::Interrupted);
            }
            () = stop.at_least(Urgency::Gently), if !asked => {
                asked = true;
                let cancel = format!("{base}/runs/{bead}/cancel");
                if let Err(error) = daemon.post(&cancel, &json!({})).await {
                    desk.output.warn(&error.to_string());
                }
            }
        }
    }
    let result = result.borrow_mut().take();
    match result {
        Some(result) => Ok(tell(desk, &result)),
        None => Err(CliError::failed("the daemon stopped before the bead was done")
            .hint(format!("`bead work {}` goes on", request.bead))),
    }
}

/// An end as a daemon's stream tells it.
pub(super) fn with_hints(ended: &Ended) -> Value {
    let mut line = ended.result_line();
    line["hints"] = json!(ended.hints());
    line
}

/// One journalled event, with the story as it was then.
pub(super) fn show(live: &Live, story: &mut Option<Story>, data: Value) {
    let Ok(event) = serde_json::from_value::<Event>(data) else { return };
    match story.as_mut() {
        _ if matches!(event.body, crate::domain::event::Body::Claiming { .. }) => {
            *story = Story::open(&event)
        }
        Some(story) if event.seq > story.id => drop(story.apply(&event)),
        _ => {}
    }
    if let Some(story) = story {
        live.event(&event, story);
    }
}

pub(super) fn tell(desk: &Desk, result: &Value) -> Exit {
    let text = |key: &str| crate::domain::clean::clean_line(result[key].as_str().unwrap_or_default());
    let hints = result["hints"].as_array().into_iter().flatten().filter_map(Value::as_str);
    if result["type"] == "refused" {
        let mut refused = CliError::refused(text("reason"));
        refused.hints = hints.map(str::to_owned).collect();
        refused.can_force = result["can_force"].as_bool().unwrap_or_default();
        desk.output.fail(&refused);
        return Exit::Refused;
    }
    let Ok(finish) = serde_json::from_value::<Finish>(result.clone()) else {
        desk.output
            .fail(&CliError::failed("the daemon ended the work with an answer that is not understood"));
        return Exit::Failed;
    };
    if desk.output.json {
        let mut line = result.clone();
        if let Some(line) = line.as_object_mut() {
            line.remove("hints");
        }
        desk.output.value(&line);
    } else {
        let (bead, target) = (text("bead"), text("branch"));
        desk.output.line(&super::work::summary(desk.output, (&bead, &target), &finish));
        for hint in hints {
            desk.output.say(&format!("  hint: {}", crate::domain::clean::clean_line(hint)));
        }
    }
    super::work::exit(&finish)
}
