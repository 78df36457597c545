//! Messages of a person on their way to a running agent.
//!
//! Owns which were sent in this container, which stand in its task, and which it has begun with: only then is one
//! delivered, and written down so. When to write to the agent is the sitting's. Start with [`Post::open`].

use std::sync::Arc;
use std::time::Duration;

use crate::agent::summary::{Begun, Summary};
use crate::daemon::error::EngineError;
use crate::daemon::hand::messages::{self, Message};
use crate::daemon::progress::Progress;
use crate::domain::agent_event::AgentEvent;
use crate::domain::event::Body;
use crate::journal::ear::Ear;
use crate::journal::{Entry, Journal};
use crate::lifecycle::Story;

/// So long the end of an interrupted turn is waited for; then the message is sent all the same.
const PATIENCE: Duration = Duration::from_secs(10);

/// A person's words in the run's readable log: the agent's own stream does not repeat them.
pub(super) fn told(text: &str) -> String {
    format!("you: {text}")
}

/// How an agent gets a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Not yet.
    Waits,
    /// On a line of its own.
    Sent,
    /// At the beginning of the task.
    InTask,
}

/// A turn that was interrupted for a message.
#[derive(Debug, Clone, Copy)]
struct Press {
    /// Results that the run had given before.
    results: u64,
    since: Duration,
}

/// What to do for the next message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Errand {
    /// Stop what runs; the message with this id follows.
    Interrupt {
        id: String,
    },
    Write {
        id: String,
        text: String,
    },
}

pub(in crate::daemon) struct Post<'a> {
    journal: Arc<Journal>,
    progress: &'a dyn Progress,
    story: Story,
    ear: Ear,
    seen: u64,
    waiting: Vec<(Message, Way)>,
    press: Option<Press>,
    /// A reviewer hears nothing: what people say to the bead waits for its author.
    closed: bool,
}

impl<'a> Post<'a> {
    /// For a run that nobody may talk to.
    pub(in crate::daemon) fn closed(
        journal: &Arc<Journal>,
        progress: &'a dyn Progress,
        story: &Story,
    ) -> Self {
        let (ear, story, journal) = (journal.ear(), story.clone(), Arc::clone(journal));
        Self { journal, progress, story, ear, seen: 0, waiting: Vec::new(), press: None, closed: true }
    }

    /// With everything that was said to the bead and not heard.
    pub(in crate::daemon) fn open(
        journal: &Arc<Journal>,
        progress: &'a dyn Progress,
        story: &Story,
    ) -> Result<Self, EngineError> {
        let (ear, seen) = (journal.ear(), journal.last_seq()?);
        let waiting = messages::pending(journal, &story.project, &story.bead)?;
        let waiting = waiting.into_iter().filter(|m| m.seq <= seen).map(|m| (m, Way::Waits)).collect();
        let (journal, story) = (Arc::clone(journal), story.clone());
        Ok(Self { journal, progress, story, ear, seen, waiting, press: None, closed: false })
    }

    /// The task as this agent gets it, or would have got it, with its uuid.
    pub(in crate::daemon) fn begin(
        &mut self,
        entry: super::Entry,
        summary: &Summary,
        task: (String, String),
    ) -> Result<(String, String), EngineError> {
        if entry != super::Entry::AtWork {
            return Ok(self.in_task(task.0, task.1));
        }
        self.adopt(summary)?;
        Ok(task)
    }

    /// The task with what waits before it, and the uuid it is to be sent under: that of the newest message, whose
    /// beginning then proves all of them.
    fn in_task(&mut self, task: String, fresh: String) -> (String, String) {
        let all: Vec<Message> = self.waiting.iter().map(|(message, _)| message.clone()).collect();
        for (_, way) in &mut self.waiting {
            *way = Way::InTask;
        }
        let uuid = all.last().map_or(fresh, |message| message.id.clone());
        (messages::preface(&all, task), uuid)
    }

    /// An adopted agent may have heard what our forerunner did not write down any more.
    pub(in crate::daemon) fn adopt(&mut self, summary: &Summary) -> Result<(), EngineError> {
        let heard = |m: &Message| summary.message_state(&m.id) == Some(Begun::Yes);
        if let Some(last) = self.waiting.iter().rev().find(|(m, _)| heard(m)).map(|(m, _)| m.seq) {
            self.delivered(last)?;
        }
        for (message, way) in &mut self.waiting {
            if summary.message_state(&message.id).is_some() {
                *way = Way::Sent;
            }
        }
        Ok(())
    }

    /// Returns when somebody may have written.
    pub(super) async fn heard(&mut self) {
        if self.closed {
            std::future::pending::<()>().await;
        }
        self.ear.heard().await;
    }

    /// Takes in what was written meanwhile.
    pub(super) fn look(&mut self) -> Result<(), EngineError> {
        if self.closed {
            return Ok(());
        }
        let (project, bead) = (&self.story.project, &self.story.bead);
        let new = messages::since(&self.journal, project, bead, &mut self.seen)?;
        self.waiting.extend(new.into_iter().map(|message| (message, Way::Waits)));
        Ok(())
    }

    pub(super) fn saw(&mut self, event: &AgentEvent) -> Result<(), EngineError> {
        let proved = match event {
            AgentEvent::Message { uuid, state } if matches!(state.as_str(), "started" | "completed") => {
                self.waiting.iter().find(|(m, way)| m.id == *uuid && *way != Way::Waits)
            }
            // Any turn proves the task, also of a client that does not report messages.
            AgentEvent::TurnEnd(_) => self.waiting.iter().rev().find(|(_, way)| *way == Way::InTask),
            _ => None,
        };
        match proved.map(|(message, _)| message.seq) {
            Some(seq) => self.delivered(seq),
            None => Ok(()),
        }
    }

    /// The agent has everything up to this one.
    fn delivered(&mut self, upto: u64) -> Result<(), EngineError> {
        let newer = self.waiting.partition_point(|(message, _)| message.seq <= upto);
        let waiting = self.waiting.split_off(newer);
        for (message, _) in std::mem::replace(&mut self.waiting, waiting) {
            let body = Body::MessageDelivered { message: message.id };
            let event = self.journal.tell(Entry::of(&self.story, body))?;
            self.progress.event(&event, &self.story);
        }
        Ok(())
    }

    /// What stands before the task.
    pub(in crate::daemon) fn before_task(&self) -> impl Iterator<Item = String> {
        self.waiting.iter().filter(|(_, way)| *way == Way::InTask).map(|(message, _)| told(&message.text))
    }

    /// Whether the end of an interrupted turn is waited for.
    pub(super) fn presses(&self) -> bool {
        self.press.is_some()
    }

    /// What has to be done next so that the oldest waiting message is heard, if anything can be done now.
    pub(super) fn errand(&mut self, summary: &Summary, now: Duration) -> Option<Errand> {
        let (message, way) = self.waiting.iter_mut().find(|(_, way)| *way == Way::Waits)?;
        let id = message.id.clone();
        if message.now {
            match self.press {
                None if !summary.is_settled() => {
                    self.press = Some(Press { results: summary.results, since: now });
                    return Some(Errand::Interrupt { id });
                }
                Some(press) => {
                    let ended = summary.results > press.results;
                    if !ended && now.saturating_sub(press.since) < PATIENCE {
                        return None;
                    }
                }
                None => {}
            }
            self.press = None;
        }
        *way = Way::Sent;
        let text = if message.now { format!("Continue: {}", message.text) } else { message.text.clone() };
        Some(Errand::Write { id, text })
    }
}

#[cfg(test)]
mod tests;
