//! One bead: its text, what it waits for, its story so far, and what can be done with it.
//!
//! Owns which parts are shown and in which order, and which actions its state allows. Start with [`BeadPage`].

use super::action::{Action, On};
use super::findings::Finding;
use super::needs;
use super::place;
use super::story::Line;
use super::text::{Piece, pieces};
use super::words::{Tone, When, money, spaced};
use crate::domain::bead::{Bead, Status};
use crate::domain::clean::{clean_line, ellipsis};
use crate::domain::run::Outcome;
use crate::journal::read::RunRow;
use crate::lifecycle::{Phase, Story};

/// So many of a bead's comments, edges and runs.
const MOST: usize = 100;

#[derive(Debug, Clone, PartialEq)]
pub struct BeadPage {
    pub id: String,
    pub project: String,
    pub title: String,
    pub state: String,
    pub tone: Tone,
    /// Why it stands so, as `bead why` says it.
    pub why: String,
    /// `priority 1`, `bug`, its labels.
    pub facts: Vec<String>,
    pub texts: Vec<Text>,
    pub waits_for: Vec<Edge>,
    pub holds_up: Vec<Edge>,
    pub comments: Vec<Comment>,
    pub story: Vec<Line>,
    pub runs: Vec<Run>,
    pub findings: Vec<Finding>,
    pub kept: Vec<Kept>,
    pub question: Option<String>,
    pub actions: Vec<Action>,
    /// The stream this page listens to.
    pub stream: String,
    pub since: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    pub heading: &'static str,
    pub pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// How they belong together: `blocks`, `parent-child`, ..
    pub kind: String,
    pub id: String,
    pub title: String,
    pub status: String,
    pub tone: Tone,
    pub link: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    pub author: String,
    pub when: Option<When>,
    pub pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub id: String,
    pub link: String,
    pub kind: String,
    pub state: String,
    pub cause: String,
    pub tone: Tone,
    pub attempt: Option<u32>,
    pub started: Option<When>,
    pub cost: String,
}

/// Work that a run left under its ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub run: String,
    pub name: String,
    pub tip: String,
    pub link: String,
}

impl Run {
    pub fn of(row: &RunRow) -> Self {
        let project = row.project.as_deref().unwrap_or_default();
        Self {
            id: row.run.clone(),
            link: place::run(project, &row.run),
            kind: row.kind.clone(),
            state: spaced(&row.state),
            cause: row.cause.as_deref().map(spaced).unwrap_or_default(),
            tone: Tone::of(&row.state),
            attempt: row.attempt,
            started: When::read(&row.started),
            cost: money(row.cost_usd),
        }
    }
}

/// The bead's own texts, those that are not empty.
pub fn texts(bead: &Bead) -> Vec<Text> {
    let all = [
        ("Description", &bead.description),
        ("Design", &bead.design),
        ("Acceptance", &bead.acceptance_criteria),
        ("Notes", &bead.notes),
    ];
    let told = all.into_iter().filter(|(_, text)| !text.trim().is_empty());
    told.map(|(heading, text)| Text { heading, pieces: pieces(text.trim()) }).collect()
}

/// The sentence of `bead why` without the question at its end, which the page shows by itself.
pub fn why(sentence: &str, question: Option<&str>) -> String {
    let sentence = ellipsis(sentence, 1200);
    let before = question.filter(|q| !q.is_empty()).and_then(|question| sentence.strip_suffix(question));
    match before.map(|before| before.trim_end_matches([':', ' '])) {
        Some(before) if !before.is_empty() => format!("{before}."),
        _ => ellipsis(&sentence, 800),
    }
}

/// What is known of it beside its state, which a label may say as well.
pub fn facts(bead: &Bead, state: &str) -> Vec<String> {
    let mut facts = vec![format!("priority {}", bead.priority), clean_line(&bead.issue_type)];
    facts.extend(bead.assignee.as_deref().map(|name| format!("assigned to {}", ellipsis(name, 60))));
    let labels = bead.labels.iter().filter(|label| *label != state);
    facts.extend(labels.take(MOST).map(|label| ellipsis(label, 60)));
    facts
}

pub fn comments(bead: &Bead) -> Vec<Comment> {
    let newest = bead.comments.iter().rev().take(MOST);
    let comment = |c: &crate::domain::bead::Comment| Comment {
        author: ellipsis(&c.author, 60),
        when: c.created_at.map(When::of),
        pieces: pieces(c.text.trim()),
    };
    newest.map(comment).collect()
}

/// Both directions: what it waits for, and what waits for it.
pub fn edges(project: &str, bead: &Bead, all: &[Bead]) -> (Vec<Edge>, Vec<Edge>) {
    let edge = |kind: &str, id: &str| {
        let other = all.iter().find(|b| b.id.as_str() == id);
        let status = other.map_or("not here", |b| b.status.as_str());
        Edge {
            kind: clean_line(kind),
            id: clean_line(id),
            title: other.map(|b| ellipsis(&b.title, 160)).unwrap_or_default(),
            status: spaced(status),
            tone: Tone::of(status),
            link: place::bead(project, id),
        }
    };
    let waits =
        bead.dependencies.iter().take(MOST).map(|d| edge(&d.kind, d.depends_on_id.as_str())).collect();
    let holds = all.iter().flat_map(|other| {
        let here = other.dependencies.iter().filter(|d| d.depends_on_id == bead.id);
        here.map(|d| (d.kind.as_str(), other.id.as_str()))
    });
    (waits, holds.take(MOST).map(|(kind, id)| edge(kind, id)).collect())
}

/// What can be done with it now, and the question it waits with. `last` is its newest story, as far as that still says
/// how the bead stands: not where a person decided something since.
pub fn actions(on: On<'_>, bead: &Bead, last: Option<&Story>) -> (Option<String>, Vec<Action>) {
    if let Some(story) = last.filter(|story| story.is_open()) {
        return (None, if may_be_parked(&story.phase) { vec![on.park()] } else { Vec::new() });
    }
    let taken = bead.assignee.is_some() || bead.status == Status::InProgress;
    let parked = bead.status == Status::Blocked && bead.has_label("parked") && !taken;
    if let Some(story) = last.filter(|_| parked) {
        let finish = &story.finish;
        let cause = finish.cause.as_ref().map_or("", |c| c.as_str());
        // Parked behind a claim that ended in another way: a person decides all the same.
        let asks = matches!(finish.outcome, Outcome::Parked | Outcome::NoChange);
        let (outcome, cause) = if asks { (finish.outcome, cause) } else { (Outcome::Parked, "") };
        if let Some((_, mut actions)) = needs::asked(outcome, cause, on) {
            if !actions.iter().any(|a| a.label == "Close") {
                actions.push(on.close());
            }
            return (Some(ellipsis(&story.finish.reason, 1000)), actions);
        }
    }
    let actions = match bead.status {
        Status::Closed | Status::Tombstone => Vec::new(),
        Status::Deferred if bead.has_label("proposed") => vec![on.approve("Approve"), on.close()],
        _ if taken => vec![on.reopen(), on.close()],
        _ if parked => needs::asked(Outcome::Parked, "", on).map_or_else(Vec::new, |(_, actions)| actions),
        _ => vec![on.work(), on.park(), on.close()],
    };
    (None, actions)
}

/// Not while its target may move, nor after that: nobody is disturbed there.
fn may_be_parked(phase: &Phase) -> bool {
    !matches!(
        phase,
        Phase::Blocking
            | Phase::Landing { intent: true }
            | Phase::Closing
            | Phase::Settling { .. }
            | Phase::Cleaning
            | Phase::Finished
    )
}

#[cfg(test)]
mod tests;
