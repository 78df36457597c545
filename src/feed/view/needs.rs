//! What waits for a person, and the one or two things they can do about it.
//!
//! Owns how a parked or unchanged bead becomes a question with actions. Whether it still waits is for whoever gathers
//! the stories: a bead that was given back, or goes on, is not here. Start with [`Need::of`].

use chrono::{DateTime, Utc};

use super::action::{Action, On, Weight};
use super::findings::Finding;
use super::place;
use super::words::{Tone, When, spaced};
use crate::domain::clean::{clean_line, ellipsis};
use crate::domain::run::Outcome;
use crate::lifecycle::{Kept, Story};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    pub bead: String,
    pub title: String,
    pub project: String,
    pub link: String,
    pub tone: Tone,
    /// What is asked of a person, in two or three words.
    pub kind: &'static str,
    pub question: String,
    /// The finer word of the journal.
    pub cause: String,
    pub when: When,
    /// Where its work can be seen.
    pub work: Option<String>,
    pub actions: Vec<Action>,
}

impl Need {
    /// None where the story ended without asking for anybody. `kept` is its work, as it is now.
    pub fn of(story: &Story, kept: Option<&Kept>, ended: DateTime<Utc>) -> Option<Self> {
        let (project, bead) = (story.project.as_str(), story.bead.as_str());
        let finish = &story.finish;
        let cause = finish.cause.as_ref().map_or("", |cause| cause.as_str());
        let on = On { tip: kept.map(|kept| kept.tip.as_str()), ..On::of(project, bead) };
        let (kind, actions) = asked(finish.outcome, cause, on)?;
        Some(Self {
            bead: clean_line(bead),
            title: ellipsis(&story.order.title, 200),
            project: project.to_owned(),
            link: place::bead(project, bead),
            tone: Tone::of(finish.outcome.as_str()),
            kind,
            question: ellipsis(&finish.reason, 600),
            cause: spaced(cause),
            when: When::of(ended),
            work: kept.map(|kept| place::run(project, kept.run.as_str())),
            actions,
        })
    }
}

impl Need {
    /// A bead that a finding was made into, and that waits for approval.
    pub fn proposed(finding: &Finding) -> Option<Self> {
        let (bead, link) = finding.filed.clone()?;
        Some(Self {
            bead,
            title: finding.title.clone(),
            project: finding.project.clone(),
            link,
            tone: Tone::Ask,
            kind: "open a proposed bead",
            question: ellipsis(&finding.detail, 300),
            cause: format!("found in {}", finding.bead),
            when: finding.when.clone(),
            work: None,
            actions: finding.actions.clone(),
        })
    }
}

/// What is asked, and what can be answered (rules 18).
pub fn asked(outcome: Outcome, cause: &str, on: On<'_>) -> Option<(&'static str, Vec<Action>)> {
    let (kind, mut actions) = offered(outcome, cause, on)?;
    // One of them stands out, for eyes that are half closed.
    for (nth, action) in actions.iter_mut().enumerate().filter(|(_, action)| action.weight != Weight::Danger)
    {
        action.weight = if nth == 0 { Weight::First } else { Weight::Plain };
    }
    Some((kind, actions))
}

/// Only what the hand takes there (`docs/hand.md`): a button that is always refused is worse than none.
fn offered(outcome: Outcome, cause: &str, on: On<'_>) -> Option<(&'static str, Vec<Action>)> {
    Some(match (outcome, cause) {
        (Outcome::Parked, "protected" | "tampering") => {
            ("approve a protected change", vec![on.approve("Approve"), on.retry(), on.send()])
        }
        (Outcome::Parked, "review") => {
            ("decide on a review", vec![on.approve("Approve"), on.retry(), on.send()])
        }
        (Outcome::Parked, "question") => ("answer a question", vec![on.answer(), on.retry()]),
        // Its branch can be merged by hand, too; trying again does it once the target is free (rules 3.5).
        (Outcome::Parked, "landed_beside") => ("merge a branch", vec![on.retry(), on.close()]),
        (Outcome::Parked, "branch") => ("merge a branch", vec![on.close()]),
        (Outcome::Parked, _) => ("decide how it goes on", vec![on.retry(), on.send(), on.close()]),
        (Outcome::NoChange, _) => {
            // Whatever an earlier claim kept is not what this is about.
            let close = On { tip: None, ..on }.approve("Close as nothing to do");
            ("nothing was changed", vec![close, on.retry(), on.send()])
        }
        (Outcome::Failed | Outcome::Timeout, _) => ("it failed", vec![on.retry(), on.park()]),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
