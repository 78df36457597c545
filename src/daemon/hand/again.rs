//! What a claim takes over from the one before, because a person gave the bead back or its blocker is gone.
//!
//! Owns the fold of the last claim and of what was said since into [`Again`]. What a claim does with it is the
//! lifecycle's. Start with [`of`].

use super::standing::way_was_not_free;
use crate::daemon::error::EngineError;
use crate::daemon::house::{House, Site};
use crate::domain::event::{Again, Body, Event, GivenBack};
use crate::domain::ids::{BeadId, Oid, RunId};
use crate::domain::run::Outcome;
use crate::journal::read::Filter;
use crate::lifecycle::{Kept, Story};

/// What people said of a bead since its last claim ended.
#[derive(Debug, Default)]
struct Given {
    any: bool,
    fresh: bool,
    approved: Option<Oid>,
    word: Option<String>,
    reworked: Option<Kept>,
}

/// What the next claim of the bead takes over; `None` where it begins anew.
pub fn of(house: &House, site: &Site, bead: &BeadId) -> Result<Option<Again>, EngineError> {
    let stories = house.journal.stories_of(&site.id, bead)?;
    // A claim that was lost, or ended before it had anything, took over nothing and left nothing.
    let had_something = |story: &&Story| story.tip.is_some() || !story.runs.is_empty();
    let Some(last) = stories.iter().rev().find(had_something) else { return Ok(None) };
    if last.is_open() || last.finish.outcome == Outcome::Landed {
        return Ok(None);
    }
    let since = house.journal.events(last.id, &Filter::of(&site.id, bead), usize::MAX)?;
    let given = since.into_iter().fold(Given::default(), Given::and);
    if given.fresh || !(given.any || last.finish.outcome == Outcome::Blocked) {
        return Ok(None);
    }
    let there = house.places.conversation(&site.id, bead).is_dir();
    let kept = given.reworked.clone().or_else(|| last.tip.clone());
    let refs = site.repo.kept()?;
    // What was collected after its time, or removed by the user, cannot be taken over.
    let kept = kept.filter(|kept| refs.contains_key(&kept.run.ref_name()));
    Ok(build(last, given, kept, there))
}

fn build(last: &Story, given: Given, kept: Option<Kept>, conversation: bool) -> Option<Again> {
    let work = last.work.as_ref();
    let session = work.filter(|_| last.conversed && conversation).map(|work| work.session.clone());
    let carried = last.order.again.as_ref();
    let session = session.or_else(|| carried.and_then(|a| a.session.clone()).filter(|_| conversation));
    let Some(Kept { run, tip, at }) = kept else {
        // No work: words go on in the same conversation.
        return Some(Again {
            run: last.run().cloned().or_else(|| carried.map(|a| a.run.clone()))?,
            tip: base_of(last).clone(),
            at: last.started,
            base: base_of(last).clone(),
            session,
            word: given.word,
            approved: None,
            straight: false,
        });
    };
    let approved = given.approved.filter(|approved| *approved == tip);
    let straight = approved.is_some() || given.reworked.is_some() || way_was_not_free(last);
    // An answer is for an agent.
    let straight = straight && given.word.is_none();
    Some(Again { run, tip, at, base: base_of(last).clone(), session, word: given.word, approved, straight })
}

/// What the kept tip of a claim was made on. The base of a run that resolves a conflict is not it.
pub(super) fn base_of(story: &Story) -> &Oid {
    let before = story.order.again.as_ref().map(|again| &again.base);
    // United, but not exported yet: what is kept is as the claim before left it.
    let before = before.filter(|_| story.united.is_some());
    before.or(story.rebased.as_ref()).unwrap_or(&story.order.base)
}

impl Given {
    fn and(self, event: Event) -> Self {
        let Body::GivenBack { how, .. } = event.body else { return self };
        let given = Self { any: true, ..self };
        match how {
            GivenBack::Approved { tip } => Self { approved: tip, fresh: false, ..given },
            GivenBack::Answered { text } => Self { word: Some(text), fresh: false, ..given },
            GivenBack::Retried { fresh } => Self { fresh, ..given },
            GivenBack::Reworked { run, tip } => {
                // What a person changed is not what another approved.
                Self {
                    reworked: Some(Kept { run, tip, at: event.at }),
                    approved: None,
                    fresh: false,
                    ..given
                }
            }
        }
    }
}

/// The run and commit that a bead's last claim kept, or that a person made of it since.
pub fn kept(house: &House, site: &Site, bead: &BeadId) -> Result<Option<(RunId, Oid)>, EngineError> {
    let Some(story) = house.journal.stories_of(&site.id, bead)?.into_iter().rev().find(|s| s.tip.is_some())
    else {
        return Ok(None);
    };
    let since = house.journal.events(story.id, &Filter::of(&site.id, bead), usize::MAX)?;
    let given = since.into_iter().fold(Given::default(), Given::and);
    let kept = given.reworked.or(story.tip);
    let refs = site.repo.kept()?;
    Ok(kept.filter(|k| refs.contains_key(&k.run.ref_name())).map(|k| (k.run, k.tip)))
}
