//! What a person sees while a bead is worked on.
//!
//! Owns the live lines of `bead work` (and the JSON lines under `--json`). It hears, it never influences. Left
//! out is what only machines care for; the run's log has it all. All agent text passes through the one
//! sanitiser. Every mark is a character too, so nothing is said by colour alone. Start with [`Live`].

use std::sync::atomic::{AtomicBool, Ordering};

use anstyle::Style;

use super::output::{BAD, DIM, GOOD, Output, STRONG, WARN, paint};
use crate::daemon::progress::Progress;
use crate::domain::agent_event::AgentEvent;
use crate::domain::event::{Body, Ending, Event};
use crate::domain::ids::BeadId;
use crate::feed::tell;
use crate::lifecycle::Story;

/// How many lines of one agent message are shown; the log has the rest.
const MESSAGE_LINES: usize = 6;
/// What the client says where a command printed nothing.
const NO_OUTPUT: &str = "(Bash completed with no output)";

/// The terminal as a listener.
#[derive(Debug)]
pub(super) struct Live {
    output: Output,
    /// The bead the person asked for; others are only cleaned up after.
    bead: BeadId,
    told_model: AtomicBool,
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
                    self.mark(WARN, '!', &format!("forced: {forced}"));
                }
            }
            Body::AttemptStarted { .. } => {
                let run = event.run.as_ref().map_or("", |r| r.as_str());
                let attempt = format!("attempt {} of {}", story.attempt, story.order.attempts);
                self.output.say(&format!("  {}  {}", paint(STRONG, &attempt), paint(DIM, run)));
            }
            // The last line says how the bead itself ended, and failed gates were told one by one.
            Body::Settling { .. } | Body::GatesFailed { .. } | Body::NothingChanged { .. }
                if story.bead == self.bead => {}
            Body::Recovered { .. } | Body::Settling { .. } if story.bead != self.bead => {
                self.mark(WARN, '!', &format!("{}: {text}", story.bead));
            }
            Body::AgentEnded(end) if end.ending == Ending::Finished => self.mark(DIM, '-', &text),
            Body::AgentEnded(_) | Body::ExportRejected { .. } => self.mark(BAD, 'x', &text),
            Body::GateStarted { gate, .. } => self.mark(DIM, '-', &format!("gate {gate} runs")),
            Body::GateEnded { passed: true, .. } | Body::Landed { .. } => self.mark(GOOD, '+', &text),
            Body::Closed { .. } => self.mark(GOOD, '+', "bead closed"),
            Body::GateEnded { passed: false, .. } => self.mark(BAD, 'x', &text),
            Body::Conflicted { .. }
            | Body::Protected { .. }
            | Body::TargetMoved { .. }
            | Body::LandedBeside { .. }
            | Body::Suspended { .. }
            | Body::NothingChanged { .. }
            | Body::GatesBroken { .. } => self.mark(WARN, '!', &text),
            Body::Exported { .. }
            | Body::GatesPassed { skipped: true }
            | Body::Resumed { .. }
            | Body::Recovered { .. }
            | Body::Notice { .. } => self.mark(DIM, '-', &text),
            _ => {}
        }
    }

    fn agent(&self, event: &AgentEvent) {
        if self.output.json {
            return;
        }
        let (style, text) = match event {
            AgentEvent::Message { .. } | AgentEvent::TurnEnd(_) => return,
            AgentEvent::ToolReturn { ok: true, text, .. } if text.trim() == NO_OUTPUT => return,
            AgentEvent::Started { model, version, .. } => {
                if self.told_model.swap(true, Ordering::Relaxed) {
                    return;
                }
                (DIM, format!("- model {model}, Claude Code {version}"))
            }
            event => match crate::journal::log::render(event) {
                Some(text) => (style_of(event), text),
                None => return,
            },
        };
        // The agent's words are read, so they are wrapped; commands and outputs only show where it is.
        let lines: Vec<String> = match event {
            AgentEvent::Text { .. } => text.lines().flat_map(|line| self.words(line)).collect(),
            _ => text.lines().map(|line| self.fit(line, 4)).collect(),
        };
        for line in lines.iter().take(MESSAGE_LINES) {
            self.output.say(&paint(style, &format!("    {line}")));
        }
        let more = lines.len().saturating_sub(MESSAGE_LINES);
        if more > 0 {
            self.output.say(&paint(DIM, &format!("      ({more} more lines in the log)")));
        }
    }
}

/// The agent's words stand out from what its tools print.
fn style_of(event: &AgentEvent) -> Style {
    match event {
        AgentEvent::Text { .. } => Style::new(),
        AgentEvent::ToolReturn { ok: false, .. }
        | AgentEvent::Retry { .. }
        | AgentEvent::RateLimit(_)
        | AgentEvent::Fallback { .. }
        | AgentEvent::Denied { .. }
        | AgentEvent::ApiError(_) => WARN,
        _ => DIM,
    }
}

impl Live {
    pub(super) fn new(output: Output, bead: BeadId) -> Self {
        Self { output, bead, told_model: AtomicBool::new(false) }
    }

    /// One line, or more where it says something that must be read whole.
    fn mark(&self, style: Style, sign: char, text: &str) {
        let room = self.output.width.saturating_sub(4).max(24);
        for (index, line) in wrap(text, room).iter().enumerate() {
            let sign = if index == 0 { sign } else { ' ' };
            self.output.say(&format!("  {} {line}", paint(style, &sign.to_string())));
        }
    }

    /// A line of the agent's message, wrapped under its mark.
    fn words(&self, line: &str) -> Vec<String> {
        let marked = line.starts_with('»');
        let text = line.trim_start_matches('»').trim_start();
        let room = self.output.width.saturating_sub(6).max(24);
        let mark = |index| if marked && index == 0 { "» " } else { "  " };
        wrap(text, room).iter().enumerate().map(|(index, part)| format!("{}{part}", mark(index))).collect()
    }

    fn fit(&self, text: &str, indent: usize) -> String {
        Output::fit(text, self.output.width.saturating_sub(indent).max(24))
    }
}

/// Words on lines of at most `room` columns; at most four lines, for a gate's summary is an agent's to shape.
pub(super) fn wrap(text: &str, room: usize) -> Vec<String> {
    let text = crate::domain::clean::clean_line(text);
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().expect("it begins with one line");
        if !last.is_empty() && last.chars().count() + 1 + word.chars().count() > room {
            lines.push(word.to_owned());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    if lines.len() > 4 {
        lines.truncate(4);
        lines[3].push('…');
    }
    lines.into_iter().map(|line| Output::fit(&line, room)).collect()
}
