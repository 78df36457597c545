//! What is known of a run so far: the sum of its agent events.
//!
//! Owns the evidence that an outcome is judged by: the last turn's end and what came after it, failures,
//! limits, tools that run, tokens and cost. It judges nothing and has no clock: moments are told. Bounded,
//! whatever the stream says. Start with [`Summary::see`].

mod spent;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::domain::agent_event::{AgentEvent, ApiError, RateLimit, TurnEnd};
use crate::domain::clean::ellipsis;
use crate::domain::event::Asked;

pub use spent::{Spent, Totals};

const MAX_NAMES: usize = 100;
const MAX_OPEN: usize = 1000;
/// How many texts may hold an answer, and how long they may be together; the newest is always kept.
const TEXTS: usize = 30;
const TEXT_BYTES: usize = 512 << 10;
/// Columns of a question, or of the reason for a block.
const ASKED: usize = 2000;
/// Columns of the last words in a reason.
const SAID: usize = 300;
/// The tool that runs a subagent, under its two names.
const SUBAGENT_TOOLS: [&str; 2] = ["Task", "Agent"];

/// The sum of a run's agent events.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    pub session: Option<String>,
    pub model: Option<String>,
    pub version: Option<String>,
    /// The last result, whatever came after it.
    pub last_turn: Option<TurnEnd>,
    /// How many results the stream gave.
    pub results: u64,
    /// Model answers over all results (`num_turns`).
    pub turns: u64,
    pub retries: u64,
    /// The last state of the account's limits that the stream told.
    pub rate_limit: Option<RateLimit>,
    pub fallbacks: u64,
    pub unreadable: u64,
    /// The stream ended inside a line.
    pub torn: bool,
    pub denials: u64,
    pub subagents: u64,
    /// Calls by tool name.
    pub tools: BTreeMap<String, u64>,
    pub spent: Spent,
    last_text: String,
    /// Texts of the main chain, newest last.
    texts: VecDeque<String>,
    turn: Turn,
    /// Tool calls without a return: name, and when it began or was last seen alive.
    running: BTreeMap<String, (String, Duration)>,
    /// Our messages that the client has and has not begun with.
    queued: BTreeSet<String>,
    /// Our messages that the client has begun with.
    begun: BTreeSet<String>,
}

/// What happened since the last result, and what belongs to the last one.
#[derive(Debug, Clone, Default)]
struct Turn {
    /// Something that a result must still follow.
    open: bool,
    failure: Option<Failure>,
    rejected: Option<RateLimit>,
}

/// The main chain's last failed request in a turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    pub error: ApiError,
    /// The agent went on afterwards, so it was not what ended the turn.
    pub overcome: bool,
}

/// Where a message stands that the client has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    Yes,
    NotYet,
}

impl Summary {
    /// A resumed conversation counts tokens and cost from where it stood.
    pub fn resumed(before: Totals) -> Self {
        Self { spent: Spent::after(before), ..Self::default() }
    }

    /// Takes one event in. `at` is the run's monotonic time, used only for [`Summary::longest_tool`].
    pub fn see(&mut self, event: &AgentEvent, at: Duration) {
        match event {
            AgentEvent::Started { session, model, version } => {
                self.begin_turn();
                self.session = Some(session.clone());
                self.model = Some(model.clone());
                self.version = Some(version.clone());
            }
            AgentEvent::Text { text, nested } => {
                self.alive(*nested, at);
                if !nested {
                    self.last_text.clone_from(text);
                    self.keep(text);
                }
            }
            AgentEvent::Thinking { .. } => self.alive(false, at),
            AgentEvent::ToolCall { id, name, nested, .. } => {
                self.alive(*nested, at);
                self.call(id, name, at);
            }
            AgentEvent::ToolReturn { id, .. } => {
                self.running.remove(id);
                self.alive_subagents(at);
            }
            AgentEvent::Usage { model, usage } => self.spent.answer(model, *usage),
            AgentEvent::Retry { .. } => self.retries += 1,
            AgentEvent::RateLimit(limit) => self.limit(limit),
            AgentEvent::Fallback { .. } => self.fallbacks += 1,
            AgentEvent::Denied { .. } => self.denials += 1,
            AgentEvent::Message { uuid, state } => self.message(uuid, state),
            AgentEvent::ApiError(error) => self.fail(error),
            AgentEvent::TurnEnd(end) => self.end_turn(end),
            AgentEvent::Control { .. } | AgentEvent::Activity { .. } => {}
            AgentEvent::Unreadable { .. } => self.unreadable += 1,
            AgentEvent::Torn { .. } => self.torn = true,
        }
    }

    fn keep(&mut self, text: &str) {
        self.texts.push_back(text.to_owned());
        let mut bytes: usize = self.texts.iter().map(String::len).sum();
        while self.texts.len() > TEXTS || (bytes > TEXT_BYTES && self.texts.len() > 1) {
            bytes -= self.texts.pop_front().map_or(0, |oldest| oldest.len());
        }
    }

    /// The last turn has ended, nothing began after it and nothing waits: the run may be asked to leave.
    pub fn is_settled(&self) -> bool {
        let ended = self.last_turn.as_ref().is_some_and(|turn| turn.queued_turns == 0);
        ended && !self.turn.open && self.queued.is_empty()
    }

    /// Whether the client has this message of ours, and whether it has begun with it.
    pub fn message_state(&self, uuid: &str) -> Option<Begun> {
        match (self.begun.contains(uuid), self.queued.contains(uuid)) {
            (true, _) => Some(Begun::Yes),
            (false, true) => Some(Begun::NotYet),
            (false, false) => None,
        }
    }

    /// The tool call that runs longest, and since when. Time in which none runs counts as idle (rules 7).
    pub fn longest_tool(&self) -> Option<(&str, Duration)> {
        self.running.values().min_by_key(|(_, since)| *since).map(|(name, since)| (name.as_str(), *since))
    }

    /// The last text of the main chain, untouched.
    pub fn last_text(&self) -> &str {
        &self.last_text
    }

    /// The main chain's texts, newest first: as many as may hold an answer.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().rev().map(String::as_str)
    }

    /// The last non-empty line of the main chain's last text: clean, and short enough for a reason.
    pub fn said(&self) -> String {
        let line =
            self.last_text.lines().rev().map(|line| ellipsis(line, SAID)).find(|line| !line.is_empty());
        line.unwrap_or_default()
    }

    /// What the last non-empty line of the main chain's last text asks for; the same words anywhere else are
    /// only words (rules 13.5).
    pub fn asked(&self) -> Option<Asked> {
        let line = self.last_text.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
        let after = |word: &str| line.strip_prefix(word).map(|rest| ellipsis(rest, ASKED));
        let blocked = after("BLOCKED:").filter(|text| !text.is_empty()).map(Asked::Blocked);
        blocked.or_else(|| after("QUESTION:").filter(|text| !text.is_empty()).map(Asked::Question))
    }

    /// The main chain's failed request in the turn that ended last or is open.
    pub fn failure(&self) -> Option<&Failure> {
        self.turn.failure.as_ref()
    }

    /// A refusal by the account's limits, with its reset time, in that turn.
    pub fn rejected(&self) -> Option<&RateLimit> {
        self.turn.rejected.as_ref()
    }

    fn begin_turn(&mut self) {
        if !self.turn.open {
            self.turn = Turn { open: true, ..Turn::default() };
        }
    }

    fn alive(&mut self, nested: bool, at: Duration) {
        self.begin_turn();
        if nested {
            self.alive_subagents(at);
        } else {
            // Whoever speaks on was not stopped by what came before.
            self.turn.rejected = None;
            if let Some(failure) = &mut self.turn.failure {
                failure.overcome = true;
            }
        }
    }

    /// A subagent that speaks is no tool that hangs.
    fn alive_subagents(&mut self, at: Duration) {
        for (name, since) in self.running.values_mut() {
            if SUBAGENT_TOOLS.contains(&name.as_str()) {
                *since = at;
            }
        }
    }

    fn call(&mut self, id: &str, name: &str, at: Duration) {
        if self.tools.len() < MAX_NAMES || self.tools.contains_key(name) {
            *self.tools.entry(name.to_owned()).or_default() += 1;
        }
        if self.running.len() < MAX_OPEN {
            self.running.insert(id.to_owned(), (name.to_owned(), at));
        }
    }

    fn limit(&mut self, limit: &RateLimit) {
        if limit.status == "rejected" && limit.resets_at.is_some() {
            self.begin_turn();
            self.turn.rejected = Some(limit.clone());
        }
        self.rate_limit = Some(limit.clone());
    }

    fn message(&mut self, uuid: &str, state: &str) {
        if state == "queued" {
            if self.queued.len() < MAX_OPEN {
                self.queued.insert(uuid.to_owned());
            }
            return;
        }
        self.queued.remove(uuid);
        if state == "started" {
            self.begin_turn();
        }
        if state != "cancelled" && self.begun.len() < MAX_OPEN {
            self.begun.insert(uuid.to_owned());
        }
    }

    fn fail(&mut self, error: &ApiError) {
        self.begin_turn();
        if !error.nested {
            self.turn.failure = Some(Failure { error: error.clone(), overcome: false });
        }
    }

    fn end_turn(&mut self, end: &TurnEnd) {
        self.turn.open = false;
        self.results += 1;
        self.turns = self.turns.saturating_add(end.turns);
        // Both count over the whole process or conversation.
        self.denials = self.denials.max(end.denials);
        self.subagents = self.subagents.max(end.subagents);
        self.running.clear();
        self.spent.result(end);
        self.last_turn = Some(end.clone());
    }
}

#[cfg(test)]
mod tests;
