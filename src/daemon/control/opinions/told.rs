//! What is told of a review while somebody waits for its end: the frames of its stream, in order.
//!
//! Owns the frames, a bounded queue of them (a reader that takes nothing loses lines, never the end: the work does not wait for it,
//! F46), and comments while nothing happens, so that nobody in between takes the connection for dead. Start with [`Telling`].

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde_json::json;
use tokio::sync::{mpsc, oneshot, watch};

use super::super::stream::shown;
use super::{Desk, Gone, Read, ended};
use crate::daemon::dispatch::errands::Asker;
use crate::daemon::progress::Progress;
use crate::domain::agent_event::AgentEvent;
use crate::domain::clean::clean_line;
use crate::domain::event::Event;
use crate::feed::web::guard::Who;
use crate::lifecycle::Story;

/// How many frames wait for a slow reader.
const BEHIND: usize = 1024;
/// A connection is not silent for longer than this.
const BEAT: Duration = Duration::from_secs(15);

/// The dispatcher's and the engine's word to one asker.
pub(super) struct Voice {
    id: String,
    frames: mpsc::Sender<Bytes>,
}

impl Voice {
    /// With its name said already.
    pub(super) fn of(id: &str) -> (Self, mpsc::Receiver<Bytes>) {
        let (frames, lines) = mpsc::channel(BEHIND);
        let voice = Self { id: id.to_owned(), frames };
        voice.say("review", &json!({ "review": id, "state": "asked" }));
        (voice, lines)
    }

    fn say(&self, kind: &str, data: &impl Serialize) {
        // What a slow reader has no room for stands in the run's log.
        let _ = self.frames.try_send(frame(kind, data));
    }
}

impl Progress for Voice {
    fn event(&self, event: &Event, _story: &Story) {
        self.say("event", event);
    }

    fn agent(&self, event: &AgentEvent) {
        self.say("agent", &*shown(event));
    }
}

impl Asker for Voice {
    fn waits(&self, why: &str) {
        self.say("review", &json!({ "review": self.id, "state": "waiting", "reason": why }));
    }

    fn begins(&self) {
        self.say("review", &json!({ "review": self.id, "state": "running" }));
    }
}

/// A stream under way. Dropping it before the end takes the review back.
pub(super) struct Telling {
    desk: Desk,
    who: Who,
    voided: watch::Receiver<u64>,
    lines: mpsc::Receiver<Bytes>,
    answered: Option<oneshot::Receiver<Read>>,
    /// The last to go.
    _gone: Gone,
}

impl Telling {
    pub(super) fn new(
        (desk, gone): (Desk, Gone),
        who: Who,
        lines: mpsc::Receiver<Bytes>,
        answered: oneshot::Receiver<Read>,
    ) -> Self {
        Self { voided: desk.guard.voided(), desk, who, lines, answered: Some(answered), _gone: gone }
    }

    /// The next frames; none when the stream is over.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        loop {
            let answered = self.answered.as_mut()?;
            tokio::select! {
                // What was told before the end comes before it.
                biased;
                Ok(()) = self.voided.changed() => {
                    if self.is_logged_out() {
                        return None;
                    }
                }
                Some(line) = self.lines.recv() => return Some(line),
                told = answered => {
                    self.answered = None;
                    return Some(last(&self.desk, told));
                }
                () = tokio::time::sleep(BEAT) => return Some(Bytes::from_static(b":\n\n")),
            }
        }
    }

    /// A stream ends with the login that opened it (T56).
    fn is_logged_out(&self) -> bool {
        let Who::Browser(session) = &self.who else { return false };
        !self.desk.house.journal.has_session(session).unwrap_or(false)
    }
}

fn last(desk: &Desk, told: Result<Read, oneshot::error::RecvError>) -> Bytes {
    match ended(desk, told) {
        Ok(line) => frame("result", &line),
        Err(problem) => {
            let hints: Vec<String> = problem.hints.iter().map(|hint| clean_line(hint)).collect();
            let detail = clean_line(&problem.detail);
            frame("problem", &json!({ "status": problem.status.as_u16(), "detail": detail, "hints": hints }))
        }
    }
}

/// JSON has no line ends of its own, so one `data` line holds it.
fn frame(kind: &str, data: &impl Serialize) -> Bytes {
    // Nothing of ours fails to be written as JSON.
    let data = serde_json::to_string(data).unwrap_or_default();
    format!("event: {kind}\ndata: {data}\n\n").into()
}
