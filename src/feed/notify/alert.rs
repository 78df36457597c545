//! What an alert is about, before it has words.
//!
//! Owns the shapes that the rules make, the outbox keeps as JSON and the texts read: a new field is optional.
//! Texts in it came from beads and agents: they are cut here and cleaned where they are put into words. Start
//! with [`Alert`] and [`Item`].

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::event::Finish;
use crate::domain::ids::{BeadId, Oid, ProjectId, RunId};
use crate::domain::run::Outcome;

/// One message to a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// The same thing has the same key.
    pub key: String,
    pub kind: Kind,
    /// When the rules let it go.
    pub at: DateTime<Utc>,
    /// What it tells, oldest first; a night's summary alone tells no single bead.
    pub items: Vec<Item>,
}

/// How urgent it is, least urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Test,
    Summary,
    Completion,
    Failure,
    NeedsYou,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Summary => "summary",
            Self::Completion => "completion",
            Self::Failure => "failure",
            Self::NeedsYou => "needs_you",
        }
    }
}

/// One thing that happened and is worth telling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    pub key: String,
    pub at: DateTime<Utc>,
    pub kind: Kind,
    pub lane: Lane,
    pub what: What,
}

/// For whom it counts (rules 19.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// A person asked for the run: always sent, never counted.
    Asked,
    /// The night's own: counted.
    Unattended,
    /// Of the night itself: once each.
    Night,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum What {
    Bead(BeadEnd),
    /// It goes no further tonight.
    Stopped {
        why: String,
    },
    Summary(Summary),
    /// A person tries whether it works.
    Test,
}

/// How a claim ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BeadEnd {
    pub project: ProjectId,
    pub bead: BeadId,
    pub title: String,
    pub outcome: Outcome,
    pub cause: Option<String>,
    pub reason: String,
    pub cost_usd: f64,
    pub attempts: u32,
    /// The claim's number: an answer is for this end alone.
    #[serde(default)]
    pub claim: Option<u64>,
    /// The run whose work was kept last, and its tip: an approval is for these.
    pub run: Option<RunId>,
    pub tip: Option<Oid>,
}

/// A night in numbers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    pub night: String,
    /// The number of the event that opened it; 0 where none was seen.
    pub opened: u64,
    pub why: String,
    pub landed: u32,
    pub needs_you: u32,
    pub failed: u32,
    pub waiting: u32,
    pub cancelled: u32,
    /// Put aside in the night and waiting at its end.
    pub suspended: u32,
    /// What runs cost between the night's first and last event, whatever became of their beads.
    pub cost_usd: f64,
    /// What ended, without what landed, oldest first; at most [`LISTED`].
    pub listed: Vec<BeadEnd>,
    /// Alerts that were held back, by the cap, by quiet hours or because nobody was there to send them.
    pub held: u32,
}

/// So many beads a summary names; the others it counts.
pub const LISTED: usize = 12;

/// A title or reason longer than this is cut where it comes in: nothing of an agent grows in our tables.
const MOST_TITLE: usize = 200;
const MOST_REASON: usize = 500;

impl BeadEnd {
    pub(super) fn new(project: ProjectId, bead: BeadId, title: &str, finish: &Finish) -> Self {
        Self {
            project,
            bead,
            title: cut(title, MOST_TITLE),
            outcome: finish.outcome,
            cause: finish.cause.as_ref().map(|cause| cut(cause.as_str(), 40)),
            reason: cut(&finish.reason, MOST_REASON),
            cost_usd: finish.cost_usd,
            attempts: finish.attempts,
            claim: None,
            run: None,
            tip: None,
        }
    }

    /// The work waits on a branch because the project wants it so: nobody is stuck.
    pub fn is_for_merging(&self) -> bool {
        self.outcome == Outcome::Parked && self.cause.as_deref() == Some("branch")
    }

    /// How much of a person it wants.
    pub fn kind(&self) -> Kind {
        match self.outcome {
            Outcome::Parked if self.is_for_merging() => Kind::Completion,
            Outcome::Parked | Outcome::NoChange => Kind::NeedsYou,
            Outcome::Failed | Outcome::Timeout => Kind::Failure,
            Outcome::Landed | Outcome::Blocked | Outcome::Cancelled | Outcome::Suspended => Kind::Completion,
        }
    }
}

impl Summary {
    pub(super) fn count(&mut self, end: &BeadEnd) {
        let place = match end.outcome {
            Outcome::Landed => &mut self.landed,
            Outcome::Parked | Outcome::NoChange => &mut self.needs_you,
            Outcome::Failed | Outcome::Timeout => &mut self.failed,
            Outcome::Blocked | Outcome::Suspended => &mut self.waiting,
            Outcome::Cancelled => &mut self.cancelled,
        };
        *place = place.saturating_add(1);
        if end.outcome != Outcome::Landed && self.listed.len() < LISTED {
            self.listed.push(end.clone());
        }
    }

    /// Whether nothing happened that anybody should hear of.
    pub(super) fn is_empty(&self) -> bool {
        let beads = [self.landed, self.needs_you, self.failed, self.waiting, self.cancelled, self.suspended];
        beads.iter().all(|n| *n == 0) && self.held == 0 && self.cost_usd <= 0.0
    }
}

impl Alert {
    pub fn test(key: String, at: DateTime<Utc>) -> Self {
        let item = Item { key: key.clone(), at, kind: Kind::Test, lane: Lane::Asked, what: What::Test };
        Self { key, kind: Kind::Test, at, items: vec![item] }
    }

    /// The night it sums up, if it does.
    pub fn summary(&self) -> Option<&Summary> {
        match self.items.as_slice() {
            [Item { what: What::Summary(summary), .. }] => Some(summary),
            _ => None,
        }
    }

    /// The only bead it is about, if it is about one.
    pub fn bead(&self) -> Option<&BeadEnd> {
        match self.items.as_slice() {
            [Item { what: What::Bead(end), .. }] => Some(end),
            _ => None,
        }
    }
}

fn cut(text: &str, bytes: usize) -> String {
    let end = (0..=bytes.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text[..end].to_owned()
}
