//! What a person sees while a bead is worked on.
//!
//! Owns the live lines of `bead work` (and the JSON lines under `--json`). It hears, it never influences. All
//! agent text passes through the one sanitiser. Start with [`Live`].

use anstyle::Style;

use super::output::{BAD, DIM, GOOD, Output, STRONG, WARN, paint};
use crate::daemon::progress::Progress;
use crate::daemon::tell;
use crate::domain::agent_event::AgentEvent;
use crate::domain::event::{Body, Ending, Event};
use crate::lifecycle::Story;

/// The terminal as a listener.
#[derive(Debug, Clone, Copy)]
pub(super) struct Live {
    pub output: Output,
}

impl Progress for Live {
    fn event(&self, event: &Event, story: &Story) {
        if self.output.json {
            self.output.value(event);
            return;
        }
        let text = tell::sentence(&event.body);
        match &event.body {
            Body::Claiming { order } => {
                let head = format!("{}  {}", story.bead, order.title);
                self.output.say(&paint(STRONG, &self.fit(&head, 0)));
                self.output.say(&paint(DIM, &format!("  base {} of {}", order.base.short(), order.target)));
                for forced in &order.forced {
                    self.mark(WARN, "!", &format!("forced: {forced}"));
                }
            }
            Body::AttemptStarted { .. } => {
                let run = event.run.as_ref().map_or("", |r| r.as_str());
                let attempt = format!("attempt {} of {}", story.attempt, story.order.attempts);
                self.output.say(&format!("  {}  {}", paint(STRONG, &attempt), paint(DIM, run)));
            }
            Body::AgentEnded(end) if end.ending == Ending::Finished => self.mark(DIM, "-", &text),
            Body::AgentEnded(_) | Body::ExportRejected { .. } | Body::GatesFailed { .. } => {
                self.mark(BAD, "x", &text)
            }
            Body::GateEnded { passed: true, .. } | Body::Landed { .. } | Body::Closed { .. } => {
                self.mark(GOOD, "+", &text)
            }
            Body::GateEnded { passed: false, .. } => self.mark(BAD, "x", &text),
            Body::Conflicted { .. }
            | Body::Protected { .. }
            | Body::TargetMoved { .. }
            | Body::LandedBeside { .. }
            | Body::Suspended { .. }
            | Body::Settling { .. }
            | Body::NothingChanged { .. } => self.mark(WARN, "!", &text),
            Body::Exported { .. }
            | Body::GatesPassed { skipped: true }
            | Body::Resumed { .. }
            | Body::Recovered { .. }
            | Body::Notice { .. }
            | Body::GatesBroken { .. } => self.mark(DIM, "-", &text),
            _ => {}
        }
    }

    fn agent(&self, event: &AgentEvent) {
        if self.output.json {
            return;
        }
        if let Some(line) = crate::journal::log::render(event) {
            for part in line.lines().take(6) {
                self.output.say(&paint(DIM, &format!("    {}", self.fit(part, 4))));
            }
        }
    }
}

impl Live {
    fn mark(self, style: Style, sign: &str, text: &str) {
        self.output.say(&format!("  {} {}", paint(style, sign), self.fit(text, 4)));
    }

    fn fit(self, text: &str, indent: usize) -> String {
        Output::fit(text, self.output.width.saturating_sub(indent).max(30))
    }
}
