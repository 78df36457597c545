//! How long work is kept under its ref, in the user's repository and in our own copy.
//!
//! Owns the rule that work which is not on its target outlives everything but its bead's closing by a season,
//! and that bases stay as long as anybody could stand on them. Start with [`user_ref`].

use super::{after_close, by_story, find, item, left, stays, until};
use crate::daemon::reap::{
    Closed, Facts, Handle, Item, Kind, Known, LANDED, QuarantineFacts, Ref, Standing, UNLANDED, Verdict,
};
use crate::domain::ids::Oid;

fn run_of(name: &str) -> &str {
    name.strip_prefix("refs/bead/").unwrap_or_default()
}

pub(super) fn user_ref(facts: &Facts, one: &Ref) -> Item {
    let known = find(facts, run_of(&one.name)).filter(|(_, known)| known.project == one.project);
    let verdict = match &known {
        None => left("the journal knows no such run"),
        Some((_, known)) => kept(facts, known, one),
    };
    let handle = match &known {
        Some((run, known)) => Handle::Ref {
            project: one.project.clone(),
            bead: known.bead.clone(),
            run: run.clone(),
            tip: one.tip.clone(),
        },
        None => Handle::Nothing,
    };
    item(Kind::Ref, one.name.clone(), known.map(|(_, known)| known), verdict, handle)
}

/// How long a run's work is kept.
fn kept(facts: &Facts, known: &Known, one: &Ref) -> Verdict {
    let Standing::Over(ended) = known.standing else { return by_story(known) };
    if one.on_target {
        return if facts.now - ended > LANDED {
            Verdict::Goes(format!("it landed more than {} days ago", LANDED.num_days()))
        } else {
            until(ended + LANDED)
        };
    }
    let bead = facts.beads.get(&(known.project.clone(), known.bead.slug()));
    match bead {
        Some(bead) if bead.open.is_some() => stays("its bead is worked on again"),
        // A bead that was closed before this work ended is counted from that end.
        Some(bead) => match bead.closed {
            Closed::At(at) => after_close(facts, Closed::At(at.max(ended)), UNLANDED),
            other => after_close(facts, other, UNLANDED),
        },
        None => stays("whether its bead is closed cannot be told"),
    }
}

pub(super) fn quarantine_ref(facts: &Facts, quarantine: &QuarantineFacts, one: &Ref) -> Item {
    let kept_here = find(facts, run_of(&one.name)).map(|(_, known)| known);
    let verdict = if let Some(base) = one.name.strip_prefix("refs/base/") {
        base_ref(quarantine, base)
    } else if let Some(run) = one.name.strip_prefix("refs/heads/") {
        match find(facts, run) {
            Some((_, known)) => by_story(known),
            None => left("the journal knows no such run"),
        }
    } else {
        match kept_here {
            Some(Known { standing: Standing::Over(_), .. }) if one.on_target => {
                Verdict::Goes("the target has it".to_owned())
            }
            Some(known) => kept(facts, known, one),
            None => left("the journal knows no such run"),
        }
    };
    let handle =
        Handle::QuarantineRef { project: one.project.clone(), name: one.name.clone(), tip: one.tip.clone() };
    let bead = kept_here.map(|known| known.bead.clone());
    let (project, name) = (Some(one.project.clone()), one.name.clone());
    Item { kind: Kind::QuarantineRef, name, project, bead, bytes: 0, verdict, handle }
}

fn base_ref(quarantine: &QuarantineFacts, base: &str) -> Verdict {
    match Oid::parse(base) {
        Err(_) => left("it is not a name of ours"),
        // An open bead fetches and merges as it goes: what it needs next is not written down yet.
        Ok(_) if quarantine.busy => stays("a bead of its project is open"),
        Ok(base) if quarantine.tips.contains(&base) => stays("a branch of yours stands there"),
        Ok(_) => Verdict::Goes("no open bead needs this base".to_owned()),
    }
}

pub(super) fn shown_quarantine(quarantine: &QuarantineFacts) -> Item {
    let why = match &quarantine.project {
        Some(_) => "our own copy of the project's objects",
        None => "its project is not registered, or cannot be opened",
    };
    Item {
        kind: Kind::Quarantine,
        name: quarantine.name.clone(),
        project: quarantine.project.clone(),
        bead: None,
        bytes: quarantine.bytes,
        verdict: stays(why),
        handle: Handle::Nothing,
    }
}
