//! Beads and how they stand: landed, waiting for a person, failed, put aside, under way.
//!
//! Owns the sentences about one claim. Which of them a night has is `assemble`'s matter. Start with
//! `Teller::finished`.

use super::assemble::Teller;
use super::chapter::{Aside, Chapter};
use super::{Act, Action, BeadRef, Change, Facts, Item, Kind, Line, needs};
use crate::domain::event::{Body, Event, Finish};
use crate::domain::ids::Oid;
use crate::domain::run::Outcome;
use crate::domain::verdict::{Review, Verdict};
use crate::feed::tell::count;

impl Teller<'_> {
    /// A claim that ended, and the section it belongs to.
    pub(super) fn finished(&self, chapter: &Chapter<'_>, seq: u64, finish: &Finish) -> (Kind, Item) {
        let bead = self.bead(chapter.project, chapter.bead, &chapter.order.title);
        let run = chapter.run().map(ToString::to_string);
        let (kept, change) = self.change(chapter, finish);
        let reviewed =
            chapter.last(|b| if let Body::Reviewed { review, .. } = b { Some(review) } else { None });
        let (_, bills) = chapter.spent();
        let attempts = match finish.attempts {
            0 => "no attempt of its own".to_owned(),
            some => count(some, "attempt"),
        };
        let cost = format!("${:.2}, {attempts}", finish.cost_usd);
        let (kind, text) = match finish.outcome {
            Outcome::Landed => (Kind::Landed, landed(change.as_ref(), &cost)),
            Outcome::Parked | Outcome::NoChange => (Kind::NeedsYou, needs::question(finish)),
            Outcome::Blocked => (Kind::Blocked, super::line(&finish.reason)),
            Outcome::Cancelled => (Kind::Cancelled, super::line(&finish.reason)),
            Outcome::Failed | Outcome::Timeout | Outcome::Suspended => {
                (Kind::Failed, format!("{}{}", because(finish), super::line(&finish.reason)))
            }
        };
        let mut seqs = vec![seq];
        if kind == Kind::Landed {
            seqs.extend(&kept);
            seqs.extend(bills.iter().copied());
        }
        let mut more = Vec::new();
        if kind != Kind::Landed && finish.attempts > 0 {
            let mut rests = bills;
            rests.push(seq);
            more.push(Line::new(cost, rests));
            if let Some(change) = &change {
                more.push(Line::new(format!("its work is kept: {}", size(change)), kept));
            }
        }
        if let Some((at, review)) = reviewed {
            more.push(Line::new(verdict(review), vec![at]));
        }
        if let Some((at, ())) =
            chapter.last(|b| matches!(b, Body::GatesPassed { skipped: true }).then_some(()))
        {
            more.push(Line::new("landed without gates, as asked", vec![at]));
        }
        let waits =
            chapter.last(|b| if let Body::Blocked { blocker, .. } = b { Some(blocker) } else { None });
        let facts = Facts {
            outcome: Some(finish.outcome.as_str().to_owned()),
            cause: finish.cause.as_ref().map(|cause| super::line(cause.as_str())),
            run: run.clone(),
            usd: Some(finish.cost_usd),
            attempts: Some(finish.attempts),
            until: None,
            on: waits.filter(|_| kind == Kind::Blocked).map(|(_, on)| super::line(on.as_str())),
            change,
            review: reviewed.map(|(_, review)| verdict_word(review.verdict).to_owned()),
        };
        let action = needs::ask(&bead, self.is_named(chapter.project), finish, run.as_deref());
        let settled = self.settled((chapter.project, chapter.bead), seq);
        let action = action.filter(|_| settled.is_none());
        (kind, Item { bead: Some(bead), line: Line::new(text, seqs), more, action, settled, facts })
    }

    /// A claim that the tracker did not give.
    pub(super) fn lost(&self, chapter: &Chapter<'_>, seq: u64, reason: &str) -> Item {
        let bead = self.bead(chapter.project, chapter.bead, &chapter.order.title);
        let line = Line::new(format!("was not taken: {}", super::line(reason)), vec![seq]);
        Item { bead: Some(bead), ..Item::told(line) }
    }

    pub(super) fn suspended(&self, chapter: &Chapter<'_>, aside: &Aside<'_>) -> Item {
        let bead = self.bead(chapter.project, chapter.bead, &chapter.order.title);
        let until = match aside.until {
            Some(at) => format!(" until {}", self.clock(at)),
            None if aside.cause.as_str() == "user" => " until somebody resumes it".to_owned(),
            None => String::new(),
        };
        let text = format!("suspended{until}: {}", super::line(aside.reason));
        let action = (aside.cause.as_str() == "user").then(|| {
            let project = if self.is_named(chapter.project) {
                format!(" --project {}", needs::word(&bead.project_name))
            } else {
                String::new()
            };
            let command = format!("bead resume {}{project}", needs::word(&bead.id));
            Action { kind: Act::Look, label: "resume".to_owned(), command }
        });
        let facts = Facts {
            cause: Some(super::line(aside.cause.as_str())),
            run: chapter.run().map(ToString::to_string),
            usd: Some(chapter.spent().0),
            until: aside.until,
            ..Facts::default()
        };
        let line = Line::new(text, vec![aside.seq]);
        Item { bead: Some(bead), facts, action, ..Item::told(line) }
    }

    /// A claim that neither ended nor waits.
    pub(super) fn under_way(&self, chapter: &Chapter<'_>) -> Item {
        let bead = self.bead(chapter.project, chapter.bead, &chapter.order.title);
        let last: Option<&&Event> =
            chapter.events.iter().rev().find(|e| !matches!(e.body, Body::Notice { .. }));
        let (seq, at, said) = last.map_or((chapter.opening(), self.night().opened, String::new()), |event| {
            (event.seq, event.at, super::line(&crate::feed::tell::sentence(&event.body)))
        });
        let attempts = chapter.events.iter().filter_map(|event| event.attempt).max();
        let facts = Facts {
            run: chapter.run().map(ToString::to_string),
            usd: Some(chapter.spent().0),
            attempts,
            ..Facts::default()
        };
        let line = Line::new(format!("under way, at {}: {said}", self.clock(at)), vec![seq]);
        Item { bead: Some(bead), facts, ..Item::told(line) }
    }

    /// What is kept or landed, and the events that say so.
    fn change(&self, chapter: &Chapter<'_>, finish: &Finish) -> (Vec<u64>, Option<Change>) {
        let exported = chapter.last(exported).or_else(|| self.taken_over(chapter));
        let landed = finish.commit.as_ref();
        if exported.is_none() && finish.outcome != Outcome::Landed {
            return (Vec::new(), None);
        }
        let Some(commit) = landed.or(exported.map(|(_, (tip, ..))| tip)) else { return (Vec::new(), None) };
        let moved = chapter.last(|body| match body {
            Body::Landing { old, .. } => Some(old),
            _ => None,
        });
        let mut seqs: Vec<u64> = exported.iter().map(|(seq, _)| *seq).collect();
        let onto: Option<&Oid> =
            if landed.is_some() { moved.map(|(_, old)| old) } else { Some(&chapter.order.base) };
        seqs.extend(if landed.is_some() { moved.map(|(at, _)| at) } else { Some(chapter.opening()) });
        let lines = exported.and_then(|(_, (.., lines))| lines);
        let command = onto.map_or_else(
            || format!("git show {}", commit.short()),
            |onto| format!("git diff {} {}", onto.short(), commit.short()),
        );
        let change = Change {
            commit: commit.to_string(),
            onto: onto.map(ToString::to_string),
            branch: finish.branch.as_deref().map(super::line),
            target: super::line(&chapter.order.target),
            files: exported.map(|(_, (_, files, _))| files),
            added: lines.map(|(added, _)| added),
            removed: lines.map(|(_, removed)| removed),
            command,
        };
        (seqs, Some(change))
    }

    /// Work of an earlier claim that a person approved lands without another export.
    fn taken_over(&self, chapter: &Chapter<'_>) -> Option<(u64, Size<'_>)> {
        let again = chapter.order.again.as_ref()?;
        let mut before = self.material.events.iter().rev().filter(|event| {
            let its =
                event.project.as_ref() == Some(chapter.project) && event.bead.as_ref() == Some(chapter.bead);
            its && event.seq < chapter.opening()
        });
        before.find_map(|event| {
            exported(&event.body).filter(|(tip, ..)| **tip == again.tip).map(|size| (event.seq, size))
        })
    }

    pub(super) fn bead(
        &self,
        project: &crate::domain::ids::ProjectId,
        bead: &crate::domain::ids::BeadId,
        title: &str,
    ) -> BeadRef {
        BeadRef {
            project: project.to_string(),
            project_name: super::line(&self.name(project)),
            id: super::line(bead.as_str()),
            title: crate::domain::text::one_line(title, 200),
        }
    }
}

/// A tip, its files, and its lines added and removed.
type Size<'a> = (&'a Oid, u32, Option<(u64, u64)>);

fn exported(body: &Body) -> Option<Size<'_>> {
    match body {
        Body::Exported { tip, files, lines, .. } => Some((tip, *files, *lines)),
        _ => None,
    }
}

fn landed(change: Option<&Change>, cost: &str) -> String {
    let Some(change) = change else { return format!("landed; {cost}") };
    format!("landed on {}: {}; {cost}", change.target, size(change))
}

/// `1a2b3c4d5e, 2 files, +30 -4`.
fn size(change: &Change) -> String {
    let mut text = change.commit.get(..10).unwrap_or(&change.commit).to_owned();
    if let Some(files) = change.files {
        text.push_str(&format!(", {}", count(files, "file")));
    }
    if let (Some(added), Some(removed)) = (change.added, change.removed) {
        text.push_str(&format!(", +{added} -{removed}"));
    }
    text
}

/// `timeout (idle): `.
fn because(finish: &Finish) -> String {
    let cause = finish.cause.as_ref().map(|cause| format!(" ({})", super::line(cause.as_str())));
    format!("{}{}: ", finish.outcome.as_str().replace('_', " "), cause.unwrap_or_default())
}

fn verdict(review: &Review) -> String {
    let word = match review.verdict {
        Verdict::Accept => "review accepted",
        Verdict::Revise => "review wanted changes",
        Verdict::Again => "review could not be read",
        Verdict::Ask => "review leaves it to a person",
    };
    format!("{word} in round {}: {}", review.round, super::line(&review.reason))
}

fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Accept => "accept",
        Verdict::Revise => "revise",
        Verdict::Again => "again",
        Verdict::Ask => "ask",
    }
}
