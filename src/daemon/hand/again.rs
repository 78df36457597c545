//! What a claim takes over from the one before, because a person gave the bead back or its blocker is gone.
//!
//! Owns the fold of the last claim and of what was said since into [`Again`]. What a claim does with it is the
//! lifecycle's. Start with [`of`].

use super::standing::way_was_not_free;
use crate::daemon::error::EngineError;
use crate::daemon::house::{House, Site};
use crate::domain::event::{Again, Body, Event, GivenBack, Reviewed};
use crate::domain::finding::Origin;
use crate::domain::ids::{BeadId, Oid, RunId};
use crate::domain::run::{Cause, Outcome};
use crate::domain::verdict::{Entry, Standing};
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
    // One that was lost, or ended before it had anything, left nothing but what the one before had.
    let was_ours = |story: &&Story| story.was_claimed || !story.runs.is_empty();
    let had_something = |story: &&Story| story.tip.is_some() || !story.runs.is_empty();
    let Some(last) = stories.iter().rev().filter(was_ours).find(had_something) else { return Ok(None) };
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
    // What a person said of the claim before is still to be told where no author of this one heard it.
    let unheard = carried.filter(|_| !last.was_told());
    let word = given.word.clone().or_else(|| unheard.and_then(|again| again.word.clone()));
    // Who gave it back meant more to be spent on it.
    let spent_usd = if given.any { 0.0 } else { last.spent_usd() };
    let base = base_of(last).clone();
    let Some(Kept { run, tip, at }) = kept else {
        // No work: words go on in the same conversation.
        return Some(Again {
            run: last.run().cloned().or_else(|| carried.map(|a| a.run.clone()))?,
            tip: base.clone(),
            at: last.started,
            base,
            session,
            word,
            approved: None,
            lifts: Vec::new(),
            straight: false,
            reviewed: Box::default(),
            spent_usd,
        });
    };
    let before = unheard.filter(|again| again.approved.as_ref() == Some(&tip));
    let approves = given.approved.as_ref() == Some(&tip);
    let approved = (approves || before.is_some()).then(|| tip.clone());
    let lifts = lifted(last, before, approves);
    // Ended on the way that a person had sent it, it goes that way again.
    let was_straight = unheard.is_some_and(|again| again.straight && again.tip == tip);
    let was_straight = was_straight && last.finish.outcome != Outcome::Parked;
    let straight = approves || given.reworked.is_some() || was_straight || way_was_not_free(last);
    // An answer is for an agent.
    let straight = straight && word.is_none();
    let reviewed = Box::new(reviewed(last, &tip));
    Some(Again { run, tip, at, base, session, word, approved, lifts, straight, reviewed, spent_usd })
}

/// What the approvals of a tip lift together: each what the bead was parked for when it was given.
fn lifted(last: &Story, before: Option<&Again>, approves: bool) -> Vec<Cause> {
    let Some(before) = before else {
        return last.finish.cause.clone().filter(|_| approves).into_iter().collect();
    };
    let mut lifts = before.lifts.clone();
    if let Some(cause) = last.finish.cause.clone().filter(|cause| approves && !lifts.contains(cause))
        // Without a word of what, it lifts everything.
        && !lifts.is_empty()
    {
        lifts.push(cause);
    }
    lifts
}

/// What reviews made of the last claim's work. Their rounds are over, so what is open is as if a round before the
/// first had told it, and nothing of it is a fix's.
fn reviewed(last: &Story, tip: &Oid) -> Reviewed {
    let before = last.order.again.as_ref().and_then(|again| again.reviewed.tip.as_ref());
    let open = last.reviews.ledger().iter().filter(|entry| entry.standing == Standing::Open);
    let open = open.cloned().map(|entry| Entry {
        first: 0,
        last: 0,
        origin: if entry.origin == Origin::PreExisting { Origin::PreExisting } else { Origin::ThisChange },
        ..entry
    });
    Reviewed {
        tip: last.reviews.tips.last().or(before).cloned(),
        open: open.collect(),
        accepted: last.reviews.accepted.clone().filter(|(accepted, _)| accepted == tip),
    }
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
