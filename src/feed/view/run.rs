//! One run: what its agent does right now, what came of it, and how to take part.
//!
//! Owns the steps of a claim as a person follows them, and what of the claim's events belongs to this run. Start with
//! [`RunPage`].

use super::action::Action;
use super::diff::Change;
use super::findings::Finding;
use super::log::Chunk;
use super::story::Line;
use super::words::{Tone, When, spaced};
use crate::domain::clean::{clean_line, ellipsis};
use crate::domain::event::{Body, Event};
use crate::domain::verdict::Verdict;
use crate::feed::tell;
use crate::lifecycle::Story;

#[derive(Debug, Clone, PartialEq)]
pub struct RunPage {
    pub id: String,
    pub kind: String,
    pub bead: String,
    pub title: String,
    pub project: String,
    pub bead_link: String,
    pub state: String,
    pub cause: String,
    pub tone: Tone,
    pub attempt: Option<u32>,
    pub started: Option<When>,
    pub ended: Option<When>,
    pub took: Option<String>,
    pub cost: String,
    pub steps: Vec<Step>,
    pub gates: Vec<Gate>,
    pub reviews: Vec<Review>,
    pub findings: Vec<Finding>,
    pub messages: Vec<Message>,
    pub change: Option<Change>,
    pub story: Vec<Line>,
    pub log: Chunk,
    pub actions: Vec<Action>,
    pub message: Option<Action>,
    /// The stream this page listens to, and from where.
    pub stream: String,
    pub since: u64,
    /// Where the rest of the log is read.
    pub log_path: String,
}

/// One step on the way from claim to close.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub name: &'static str,
    pub at: At,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    Done,
    Here,
    Ahead,
}

impl At {
    pub const fn class(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Here => "here",
            Self::Ahead => "ahead",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    pub name: String,
    pub command: String,
    pub state: &'static str,
    pub tone: Tone,
    pub summary: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    pub round: u32,
    pub verdict: &'static str,
    pub tone: Tone,
    pub reason: String,
    pub summary: String,
}

/// What a person told the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub text: String,
    pub when: When,
    pub read: bool,
}

/// The way of a claim. A suspended one stands where it goes on.
pub fn steps(story: Option<&Story>) -> Vec<Step> {
    const NAMES: [&str; 6] = ["prepare", "work", "gates", "review", "land", "closed"];
    let reviewed = story.is_none_or(|story| story.order.rounds > 0);
    let here = story.map_or(NAMES.len(), |story| match story.phase.name() {
        "claiming" | "starting" | "preparing" => 0,
        "working" | "exporting" | "suspended" | "suspending" | "resuming" => 1,
        "merging" | "untangling" | "gating" => 2,
        "reviewing" => 3,
        "landing" => 4,
        "closing" => 5,
        _ if story.finish.commit.is_some() => NAMES.len(),
        _ => 1,
    });
    let at = |n: usize| match n.cmp(&here) {
        std::cmp::Ordering::Less => At::Done,
        std::cmp::Ordering::Equal => At::Here,
        std::cmp::Ordering::Greater => At::Ahead,
    };
    let all = NAMES.into_iter().enumerate().filter(|(_, name)| reviewed || *name != "review");
    all.map(|(n, name)| Step { name, at: at(n) }).collect()
}

/// The newest result of each gate, in the order of the project.
pub fn gates(events: &[Event]) -> Vec<Gate> {
    let mut all: Vec<Gate> = Vec::new();
    for event in events {
        match &event.body {
            Body::GateStarted { gate, command } => {
                let fresh = Gate {
                    name: clean_line(gate),
                    command: ellipsis(command, 200),
                    state: "running",
                    tone: Tone::Live,
                    summary: String::new(),
                };
                match all.iter_mut().find(|g| g.name == fresh.name) {
                    Some(known) => *known = fresh,
                    None => all.push(fresh),
                }
            }
            Body::GateEnded { gate, passed, summary, seconds } => {
                let name = clean_line(gate);
                if let Some(known) = all.iter_mut().find(|g| g.name == name) {
                    (known.state, known.tone) =
                        if *passed { ("passed", Tone::Good) } else { ("failed", Tone::Bad) };
                    known.summary = format!("{}, {}", ellipsis(summary, 300), tell::seconds(*seconds));
                }
            }
            _ => {}
        }
    }
    all
}

pub fn reviews(events: &[Event]) -> Vec<Review> {
    let told = events.iter().filter_map(|event| match &event.body {
        Body::Reviewed { review, .. } => Some(review),
        _ => None,
    });
    told.map(|review| {
        let (verdict, tone) = match review.verdict {
            Verdict::Accept => ("accepted", Tone::Good),
            Verdict::Revise => ("changes wanted", Tone::Rest),
            Verdict::Again => ("asked again", Tone::Rest),
            Verdict::Ask => ("a person decides", Tone::Ask),
        };
        Review {
            round: review.round,
            verdict,
            tone,
            reason: ellipsis(&review.reason, 400),
            summary: ellipsis(&review.summary, 2000),
        }
    })
    .collect()
}

pub fn messages(events: &[Event]) -> Vec<Message> {
    let read = |id: &str| {
        events.iter().any(|e| matches!(&e.body, Body::MessageDelivered { message } if message == id))
    };
    let told = events.iter().filter_map(|event| match &event.body {
        Body::MessageQueued { message, text, .. } => {
            Some(Message { text: ellipsis(text, 600), when: When::of(event.at), read: read(message) })
        }
        _ => None,
    });
    told.collect()
}

/// What of a bead's events happened in one attempt of one claim: from the run's beginning to the next attempt.
pub fn of_attempt(events: Vec<Event>, run: &str, attempt: Option<u32>) -> Vec<Event> {
    let began = events.iter().position(|e| e.run.as_ref().is_some_and(|r| r.as_str() == run));
    let Some(began) = began else { return Vec::new() };
    let claim = |e: &Event| matches!(e.body, Body::Claiming { .. });
    let mine = |e: &Event| {
        e.run.as_ref().is_some_and(|r| r.as_str() == run)
            || (attempt.is_some() && e.attempt == attempt)
            || (e.run.is_none() && e.attempt.is_none())
    };
    let until_next_claim = events.into_iter().skip(began).take_while(|e| !claim(e));
    until_next_claim.filter(|e| mine(e)).collect()
}

/// The words under a run's title.
pub fn state(word: &str) -> String {
    spaced(word)
}
