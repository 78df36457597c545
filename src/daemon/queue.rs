//! What could run now, and one true sentence about any bead.
//!
//! Owns how the tracker's readiness and the journal's stories are seen together: a bead that is worked on, was
//! suspended, or landed without the tracker knowing. It only closes what the user merged by hand. Start with [`read`] and [`why`].

use super::error::EngineError;
use super::house::{House, Site};
use super::locks::{self, Taken};
use crate::beads::ready::verdict::{Listed, Verdict, in_order, judge};
use crate::beads::ready::{Graph, Readiness, Rules};
use crate::beads::{PARKED, Snapshot};
use crate::config::project::{FILE, Project, ReadyRules};
use crate::domain::bead::{Bead, Status};
use crate::domain::event::Body;
use crate::domain::ids::{BeadId, Oid};
use crate::domain::run::Outcome;
use crate::feed::tell;
use crate::journal::read::Filter;
use crate::lifecycle::{Phase, Story};
use crate::scheduler::filter;

/// The tracker's beads, and those that are ready in the order in which they would be taken.
pub struct Queue {
    pub snapshot: Snapshot,
    pub ready: Vec<Bead>,
    /// Ready by the tracker, refused by us, with the reason.
    pub refused: Vec<String>,
}

/// Where a bead stands.
#[derive(Debug)]
pub struct Why {
    pub ready: bool,
    /// One word: `ready`, `blocked`, `running`, `suspended`, `interrupted`, `landed`, `parked`, `closed`, `waiting`.
    pub state: &'static str,
    pub sentence: String,
}

/// Closes first what the user merged by hand: a bead that waits for such a bead is ready at once (rules 3.5).
pub async fn read(house: &House, site: &Site) -> Result<Queue, EngineError> {
    super::beside::close_merged(house, site).await?;
    let snapshot = site.tracker.snapshot().await?;
    let order = match site.tracker.ready_ids(&snapshot).await? {
        // What the tracker itself calls ready counts; only the order is ours.
        Some(listed) => in_order(&snapshot, &listed),
        None => Graph::new(&snapshot.beads).ready(rules(site).await?, house.clock.now()),
    };
    let mut queue = Queue { ready: Vec::new(), refused: Vec::new(), snapshot };
    for index in order {
        let bead = &queue.snapshot.beads[index];
        match landed_but_open(house, site, bead)? {
            Some(commit) => queue.refused.push(landed_sentence(bead, &commit)),
            None => queue.ready.push(bead.clone()),
        }
    }
    Ok(queue)
}

/// One bead's readiness: by the tracker's own answer where it gives one, explained by the project's rules.
pub async fn explain(
    house: &House,
    site: &Site,
    snapshot: &Snapshot,
    id: &BeadId,
) -> Result<Verdict, EngineError> {
    snapshot.find(id)?;
    let ours = Graph::new(&snapshot.beads).explain(id, rules(site).await?, house.clock.now());
    let ours = ours.expect("the bead was just found in the same snapshot");
    let listed = site.tracker.ready_ids(snapshot).await?;
    Ok(judge(ours, Listed::of(listed.as_deref(), id)))
}

pub async fn why(house: &House, site: &Site, id: &BeadId) -> Result<Why, EngineError> {
    let snapshot = site.tracker.snapshot().await?;
    let bead = snapshot.find(id)?;
    if let Some(story) = house.journal.open_story_of(&site.id, id)? {
        return Ok(under_way(house, &story));
    }
    if let Some(commit) = landed_but_open(house, site, bead)? {
        return Ok(Why { ready: false, state: "landed", sentence: landed_sentence(bead, &commit) });
    }
    if bead.status == Status::Blocked && bead.has_label(PARKED) {
        let last = house.journal.stories_of(&site.id, id)?.pop();
        let reason = last.map(|s| s.finish.reason).filter(|r| !r.is_empty());
        let reason = reason.unwrap_or_else(|| "its comments say why".to_owned());
        return Ok(Why {
            ready: false,
            state: "parked",
            sentence: format!("`{id}` is parked for a person: {reason}"),
        });
    }
    let Verdict { readiness, disagreement } = explain(house, site, &snapshot, id).await?;
    let state = match &readiness {
        Readiness::Ready => "ready",
        Readiness::Blocked { .. } => "blocked",
        Readiness::NotReady { .. } if bead.status == Status::Closed => "closed",
        Readiness::NotReady { .. } => "waiting",
    };
    let mut sentence = readiness.sentence(id);
    if let Some(other) = disagreement {
        sentence.push_str(&format!("; {other}"));
    }
    let ready = readiness == Readiness::Ready;
    if ready {
        for more in [left_alone(site, bead).await?, last_turn(house, site, id)?].into_iter().flatten() {
            sentence.push_str(&format!("; {more}"));
        }
    }
    Ok(Why { ready, state, sentence })
}

/// Why the night would not take a ready bead (rules 14.2).
async fn left_alone(site: &Site, bead: &Bead) -> Result<Option<String>, EngineError> {
    let filter = readable(site).await?.and_then(|p| p.night).unwrap_or_default();
    Ok(filter::judge(bead, &filter).map(|why| format!("the night leaves it alone: {}", why.sentence())))
}

/// How it ended last time, where it did not land.
fn last_turn(house: &House, site: &Site, id: &BeadId) -> Result<Option<String>, EngineError> {
    let last = house.journal.stories_of(&site.id, id)?.pop();
    let last = last.filter(|s| s.finish.outcome != Outcome::Landed && !s.finish.reason.is_empty());
    Ok(last.map(|s| format!("its last work ended as {}: {}", s.finish.outcome.as_str(), s.finish.reason)))
}

/// A bead whose story is open: running, suspended, or left behind by a process that died.
fn under_way(house: &House, story: &Story) -> Why {
    let id = &story.bead;
    if let Phase::Suspended { cause, reason, until, .. } = &story.phase {
        let until = until.map(|t| format!(" until {}", t.format("%Y-%m-%d %H:%M UTC"))).unwrap_or_default();
        let sentence =
            format!("`{id}` is suspended ({}){until}: {reason}; `bead work {id}` goes on", cause.as_str());
        return Why { ready: false, state: "suspended", sentence };
    }
    let attempt = tell::ordinal(story.attempt);
    let phase = story.phase.name();
    match locks::look(&house.places.locks(), &story.project, id) {
        Ok(Taken::Theirs(pid)) => {
            let who = pid.map(|p| format!(" by process {p}")).unwrap_or_default();
            let sentence = format!("`{id}` is being worked on{who}: {attempt} attempt, {phase}");
            Why { ready: false, state: "running", sentence }
        }
        _ => {
            let sentence = format!(
                "`{id}` was interrupted in its {attempt} attempt while {phase}; `bead work {id}` continues it"
            );
            Why { ready: false, state: "interrupted", sentence }
        }
    }
}

/// The commit that a bead landed as, when the tracker lost our close (rules 1.5). A reopening by hand is the
/// user's word that it shall be worked on again.
pub fn landed_but_open(house: &House, site: &Site, bead: &Bead) -> Result<Option<Oid>, EngineError> {
    if bead.status == Status::Closed {
        return Ok(None);
    }
    let Some(story) = house.journal.stories_of(&site.id, &bead.id)?.pop() else { return Ok(None) };
    if story.is_open() || story.finish.outcome != Outcome::Landed {
        return Ok(None);
    }
    let filter = Filter::of(&site.id, &bead.id);
    let since = house.journal.events(story.id, &filter, usize::MAX)?;
    let reopened =
        since.iter().any(|e| matches!(&e.body, Body::ByHand { what } if what.starts_with("reopened")));
    Ok(if reopened { None } else { story.finish.commit })
}

fn landed_sentence(bead: &Bead, commit: &Oid) -> String {
    format!(
        "`{0}` landed as {1}, the tracker says {2}: `bead close {0}` or `bead reopen {0}`",
        bead.id,
        commit.short(),
        bead.status.as_str()
    )
}

/// `ready: classic` of the checked-out commit's bead.yaml. A project without one, or with one that cannot be
/// read, gets the default: listing beads must not fail over it.
async fn rules(site: &Site) -> Result<Rules, EngineError> {
    Ok(match readable(site).await?.and_then(|p| p.ready) {
        Some(ReadyRules::Classic) => Rules::Classic,
        _ => Rules::B,
    })
}

/// The checked-out commit's bead.yaml, where there is one that can be read.
async fn readable(site: &Site) -> Result<Option<Project>, EngineError> {
    match project(site).await {
        Err(EngineError::Refused(_)) => Ok(None),
        other => other,
    }
}

/// The checked-out commit's bead.yaml; refused where it says what cannot be.
pub async fn project(site: &Site) -> Result<Option<Project>, EngineError> {
    use crate::workspace::repo::Head;
    let Head::Branch { tip, .. } = site.repo.head().await? else { return Ok(None) };
    let Some(bytes) = site.repo.file_at(&tip, FILE, super::machine::CONFIG_CAP)? else { return Ok(None) };
    Ok(Some(Project::parse(&bytes, FILE).map_err(|e| super::machine::bad_project(&e))?))
}
