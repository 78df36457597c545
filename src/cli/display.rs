//! What a terminal shows of a night: a line for whatever happens, and one that says how things stand.
//!
//! Owns what is worth a line; how it gets out is `display::writer`'s. Under `--json` every journalled event is a
//! line on stdout. It hears, it never influences: a terminal that was stopped with Ctrl-S, or a reader that went
//! away, does not hold up a night. Start with [`Display`].

mod writer;

use std::sync::Arc;

use anstyle::Style;
use tokio::sync::watch;

use super::output::{BAD, DIM, GOOD, Output, STRONG, WARN, paint};
use crate::daemon::dispatch::{Listeners, Status};
use crate::daemon::progress::Progress;
use crate::domain::agent_event::AgentEvent;
use crate::domain::clean::clean_line;
use crate::domain::event::{Body, Ending, Event};
use crate::feed::tell;
use crate::lifecycle::Story;
use writer::Writer;

/// The terminal of a night. Clones share it.
#[derive(Clone)]
pub(super) struct Display {
    output: Output,
    writer: Writer,
}

impl Display {
    pub(super) fn new(output: Output) -> Self {
        use std::io::IsTerminal as _;
        let terminal = std::io::stderr().is_terminal() && !output.quiet && !output.json;
        Self { output, writer: Writer::new(output, terminal) }
    }

    /// For every bead the same terminal.
    pub(super) fn listeners(&self) -> Listeners {
        let display = self.clone();
        Arc::new(move |_, _| Arc::new(display.clone()))
    }

    /// Draws how things stand, whenever that changes.
    pub(super) async fn follow(self, mut status: watch::Receiver<Arc<Status>>) {
        let mut notice = None;
        let mut troubles = std::collections::BTreeMap::new();
        while status.changed().await.is_ok() {
            let now = status.borrow_and_update().clone();
            if now.notice != notice {
                if let Some(text) = &now.notice {
                    self.say(&format!("{} {}", paint(WARN, "!"), clean_line(text)));
                }
                notice.clone_from(&now.notice);
            }
            for project in &now.projects {
                if troubles.insert(project.name.clone(), project.trouble.clone())
                    != Some(project.trouble.clone())
                    && let Some(why) = &project.trouble
                {
                    let text = format!("{}: nothing of it can be worked on: {why}", project.name);
                    self.say(&format!("{} {}", paint(WARN, "!"), clean_line(&text)));
                }
            }
            self.writer.standing(standing(&now));
        }
    }

    /// Leaves the terminal as a finished command does.
    pub(super) fn done(&self) {
        self.writer.done();
    }

    fn say(&self, line: &str) {
        self.writer.say(line.to_owned());
    }
}

/// `2 of 3 slots, 4 waiting, 12 landed, $1.20, until 07:00`.
fn standing(status: &Status) -> String {
    let mut parts = vec![format!("{} of {} slots", status.running.len(), status.slots)];
    let waiting = status.waiting.len();
    if waiting > 0 {
        parts.push(format!("{waiting} waiting"));
    }
    let tally = status.tally;
    let ended = [(tally.landed, "landed"), (tally.parked, "parked"), (tally.failed, "failed")];
    parts.extend(ended.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")));
    parts.push(format!("${:.2}", status.night_usd));
    let at = |t: chrono::DateTime<chrono::Utc>| t.format("%H:%M UTC").to_string();
    match (status.until, status.next) {
        (Some(until), _) => parts.push(format!("until {}", at(until))),
        (None, Some(next)) => parts.push(format!("the next window opens at {}", at(next))),
        (None, None) => {}
    }
    parts.join(", ")
}

impl Progress for Display {
    fn event(&self, event: &Event, story: &Story) {
        if self.output.json {
            self.writer.value(event);
            return;
        }
        let Some((style, mark)) = mark(&event.body) else { return };
        let time = event.at.format("%H:%M:%S").to_string();
        let bead = clean_line(story.bead.as_str());
        let text = match &event.body {
            Body::Claiming { order } => clean_line(&order.title),
            body => clean_line(&tell::sentence(body)),
        };
        let room = self.output.width.saturating_sub(bead.chars().count() + 14).max(20);
        let text = Output::fit(&text, room);
        let head = format!("{} {}", paint(DIM, &time), paint(STRONG, &bead));
        self.say(&format!("{head} {} {text}", paint(style, &mark.to_string())));
    }

    fn agent(&self, _event: &AgentEvent) {}
}

/// How an event is marked; none for what only machines care for.
fn mark(body: &Body) -> Option<(Style, char)> {
    Some(match body {
        Body::Claiming { .. } | Body::AttemptStarted { .. } => (STRONG, '>'),
        Body::Landed { .. } => (GOOD, '+'),
        Body::GateEnded { passed: true, .. } => (DIM, '+'),
        Body::GateEnded { passed: false, .. } => (BAD, 'x'),
        Body::AgentEnded(end) if end.ending == Ending::Finished => (DIM, '-'),
        Body::AgentEnded(_) | Body::ExportRejected { .. } => (BAD, 'x'),
        Body::Settling { .. }
        | Body::Suspended { .. }
        | Body::Conflicted { .. }
        | Body::Protected { .. }
        | Body::TargetMoved { .. }
        | Body::LandedBeside { .. }
        | Body::GatesBroken { .. } => (WARN, '!'),
        Body::Resumed { .. } | Body::Recovered { .. } | Body::Notice { .. } => (DIM, '-'),
        _ => return None,
    })
}
