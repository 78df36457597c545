//! The shape of a brief, as journal readers, API, page and mail hold it.
//!
//! Owns plain data and its descriptions; nothing here is worked out. Start with [`Brief`].

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One night (or day), told in the order in which a half-asleep person needs it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Brief {
    pub night: Night,
    pub headline: Line,
    pub tally: Tally,
    /// Sections that have something to say, in reading order.
    pub sections: Vec<Section>,
    pub money: Money,
    pub series: Series,
    /// The base of links (`server.public_url`), set by whoever sends it; without one it has no links.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
}

/// Which stretch of the journal it is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Night {
    /// `2026-11-21`, or `2026-11-21-0` for the first window of the config; a second night of that name has `.2`
    /// behind it. `day` for the last 24 hours.
    pub id: String,
    pub state: NightState,
    pub opened: DateTime<Utc>,
    /// When it was to end at the latest.
    pub until: Option<DateTime<Utc>>,
    /// When it ended, or the moment up to which this tells.
    pub to: DateTime<Utc>,
    /// Why it ended.
    pub why: Option<String>,
    /// The zone of the times in sentences, `Europe/Berlin`.
    pub zone: String,
    /// The first and the last event it covers; equal to 0 where there is none.
    pub first: u64,
    pub last: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NightState {
    Over,
    /// It goes on: everything is "so far".
    SoFar,
    /// No event tells its end: its daemon died, and another night began later.
    CutOff,
    /// No night: the last 24 hours.
    Day,
}

/// A sentence without a final period, and the events it rests on, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Line {
    pub text: String,
    pub seqs: Vec<u64>,
}

/// Beads by how they stand at the end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tally {
    pub landed: u32,
    /// Open questions to a person: parked, unchanged, proposed beads.
    pub needs_you: u32,
    pub failed: u32,
    pub blocked: u32,
    pub cancelled: u32,
    pub suspended: u32,
    pub running: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Section {
    pub kind: Kind,
    pub title: String,
    pub items: Vec<Item>,
}

/// In reading order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    NeedsYou,
    Landed,
    Failed,
    Cancelled,
    Suspended,
    Running,
    Blocked,
    Findings,
    Forecast,
    Money,
    Unsent,
    Troubles,
    NotStarted,
}

/// One entry: a bead's, or a sentence about the whole night.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Item {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bead: Option<BeadRef>,
    pub line: Line,
    /// More about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<Line>,
    /// The one thing to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// What a person did about it since; nothing is asked any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<Line>,
    #[serde(default, skip_serializing_if = "Facts::is_empty")]
    pub facts: Facts,
}

/// A bead as people know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BeadRef {
    pub project: String,
    /// What people call the project; its id where it is not registered any more.
    pub project_name: String,
    pub id: String,
    pub title: String,
}

/// What a person does next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Action {
    pub kind: Act,
    /// A word or two for a button: "approve".
    pub label: String,
    /// A command that does it, safe to paste into a shell.
    pub command: String,
}

/// Which of the bead's routes does it, where one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    Approve,
    Answer,
    Retry,
    /// By hand, in the repository.
    ByHand,
    /// Nothing but a look.
    Look,
}

/// The figures behind an entry.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Facts {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The claim's last run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Of the claim, other nights included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
    /// The bead it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// The last review's verdict: `accept`, `revise`, `again`, `ask`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<String>,
}

/// What kept or landed work changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// The commit that landed, or the tip that is kept.
    pub commit: String,
    /// What it is compared with, where that is known.
    pub onto: Option<String>,
    /// The branch it stands on, where that is not the target.
    pub branch: Option<String>,
    pub target: String,
    pub files: Option<u32>,
    pub added: Option<u64>,
    pub removed: Option<u64>,
    /// Shows the difference, in the project's folder.
    pub command: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Money {
    /// US dollars spent between the night's first and last event.
    pub usd: f64,
    pub tokens: u64,
    pub cap: Option<f64>,
    /// A subscription's token: an estimate at list price, not a bill.
    pub estimate: bool,
    pub projects: Vec<ProjectMoney>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProjectMoney {
    pub project: String,
    pub project_name: String,
    pub usd: f64,
    pub cap: Option<f64>,
}

/// What the plots are drawn from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Series {
    /// Beads under work at once, from each moment on.
    pub slots: Vec<Step>,
    pub slots_most: Option<u32>,
    /// US dollars spent so far, from each moment on.
    pub spend: Vec<Step>,
    pub spend_cap: Option<f64>,
    /// Beads that waited for their turn, from each moment on; empty where the journal tells of no queue.
    #[serde(default)]
    pub queue: Vec<Step>,
    /// Those among them that more than a slot or memory kept back.
    #[serde(default)]
    pub queue_held: Vec<Step>,
    /// Beads landed so far, from each moment on.
    pub landed: Vec<Step>,
    /// Landed beads that every second such night reaches.
    pub landed_expected: Option<u32>,
    pub runs: Vec<Bar>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    pub at: DateTime<Utc>,
    pub value: f64,
}

/// One run on the time line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Bar {
    pub run: String,
    pub project: String,
    pub bead: String,
    /// `work`, `gate`, `review`, `shell`.
    pub kind: String,
    pub from: DateTime<Utc>,
    /// None: it goes on.
    pub to: Option<DateTime<Utc>>,
    /// As `bead runs` shows it.
    pub state: String,
}

impl Facts {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
