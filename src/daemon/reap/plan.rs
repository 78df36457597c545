//! What goes, what stays, and who holds it.
//!
//! Owns the rules and touches nothing: the same facts give the same plan. What proves that a thing is ours is
//! always the journal, never a name or a label alone (T50). Start with [`plan`].

mod refs;

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    BeadFiles, CONVERSATION, Closed, Content, Facts, Folder, Handle, Item, Kind, Known, LOGS, Owner, PACKS,
    Plan, Standing, UNLANDED, Verdict,
};
use crate::domain::ids::{BeadId, ProjectId, RunId};
use crate::executor::Found;
use crate::workspace::clone::whose;
use refs::{quarantine_ref, shown_quarantine, user_ref};

/// A temporary file this old belongs to nobody who still writes it.
const UNFINISHED: TimeDelta = TimeDelta::days(1);

/// Decides about everything there is.
pub fn plan(facts: &Facts) -> Plan {
    let mut plan = Plan::default();
    let mut held = BTreeSet::new();
    for found in facts.containers.iter().flatten() {
        let item = container(facts, found);
        if !matches!(item.verdict, Verdict::Goes(_)) {
            held.insert(found.labels.run.clone());
        }
        plan.items.push(item);
    }
    plan.items.extend(facts.volumes.iter().map(|name| volume(facts, name, &held)));
    let folders = [
        (Kind::Clone, &facts.clones),
        (Kind::LandingNotes, &facts.landings),
        (Kind::Sockets, &facts.sockets),
    ];
    for (kind, folders) in folders {
        plan.items.extend(folders.iter().map(|folder| of_run(facts, kind, folder, &held)));
    }
    plan.items.extend(facts.conversations.iter().map(|files| conversation(facts, files)));
    plan.items.extend(facts.refs.iter().map(|one| user_ref(facts, one)));
    for quarantine in &facts.quarantines {
        let before = plan.items.len();
        plan.items.extend(quarantine.refs.iter().map(|one| quarantine_ref(facts, quarantine, one)));
        let any = plan.items[before..].iter().any(|item| matches!(item.verdict, Verdict::Goes(_)));
        if let Some(project) = &quarantine.project
            && !quarantine.busy
            && (any || quarantine.packs > PACKS)
        {
            plan.collect.insert(project.clone());
        }
        plan.items.push(shown_quarantine(quarantine));
    }
    plan.items.extend(facts.logs.iter().map(|files| log(facts, files)));
    plan.items.extend(facts.unfinished.iter().map(|folder| unfinished(facts, folder)));
    plan.items.extend(facts.shown.iter().cloned());
    plan.items.sort_by_key(|item| item.kind);
    plan
}

fn item(kind: Kind, name: String, known: Option<&Known>, verdict: Verdict, handle: Handle) -> Item {
    let (project, bead) = (known.map(|k| k.project.clone()), known.map(|k| k.bead.clone()));
    Item { kind, name, project, bead, bytes: 0, verdict, handle }
}

fn stays(why: impl Into<String>) -> Verdict {
    Verdict::Stays(why.into())
}

fn left(why: impl Into<String>) -> Verdict {
    Verdict::LeftAlone(why.into())
}

/// Dead or alive, by the run's story.
fn by_story(known: &Known) -> Verdict {
    match &known.standing {
        Standing::Open(phase) => stays(format!("its bead is open, in phase {phase}")),
        Standing::Over(_) => Verdict::Goes("its bead's work has ended".to_owned()),
    }
}

fn find<'a>(facts: &'a Facts, run: &str) -> Option<(RunId, &'a Known)> {
    let run = RunId::parse(run)?;
    facts.runs.get(&run).map(|known| (run, known))
}

fn container(facts: &Facts, found: &Found) -> Item {
    let labels = &found.labels;
    let known = find(facts, &labels.run);
    let verdict = match &known {
        _ if labels.instance != facts.instance => left("it belongs to another state directory"),
        None => left("it has our label, but the journal knows no such run"),
        Some((run, known)) if !announced(found, run, known) => {
            left("it names a run of ours, but was never announced in the journal")
        }
        Some((_, known)) => by_story(known),
    };
    let run = known.as_ref().map(|(run, _)| run.clone());
    let handle = Handle::Container { id: found.id.clone(), run };
    item(Kind::Container, found.name.clone(), known.map(|(_, known)| known), verdict, handle)
}

fn announced(found: &Found, run: &RunId, known: &Known) -> bool {
    let Known { project, bead, nonces, .. } = known;
    Owner { run, project, bead, nonces }.announced(found)
}

impl Owner<'_> {
    /// Agents are announced with their nonce; exports and gates carry names that follow from their run.
    pub(in crate::daemon) fn announced(&self, found: &Found) -> bool {
        let (labels, run) = (&found.labels, self.run);
        let own = self.nonces.contains(&labels.nonce)
            || found.name == format!("bead-{run}-export-{}", labels.nonce)
            || found.name.starts_with(&format!("bead-{run}-gate"));
        own && !labels.nonce.is_empty()
            && labels.project == self.project.as_str()
            && labels.bead == self.bead.slug()
    }
}

fn volume(facts: &Facts, name: &str, held: &BTreeSet<String>) -> Item {
    let run = name.strip_prefix("bead-").and_then(|rest| rest.split('-').next()).unwrap_or_default();
    let known = find(facts, run).map(|(_, known)| known);
    let verdict = match known {
        None => left("it has our label, but the journal knows no such run"),
        Some(_) if held.contains(run) => stays("a container of its run is still there"),
        Some(known) => by_story(known),
    };
    item(Kind::Volume, name.to_owned(), known, verdict, Handle::Volume(name.to_owned()))
}

/// A folder named for a run.
fn of_run(facts: &Facts, kind: Kind, folder: &Folder, held: &BTreeSet<String>) -> Item {
    let name = folder.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (run, half) = whose(&name);
    let known = find(facts, run);
    let verdict = match &known {
        None => left("the journal knows no such run"),
        Some((_, known)) if matches!(known.standing, Standing::Open(_)) => by_story(known),
        Some(_) if facts.containers.is_none() => {
            stays("no container engine answers: a container may still use it")
        }
        Some(_) if held.contains(run) => stays("a container of its run is still there"),
        Some((_, known)) if kind == Kind::Clone && known.clone == Content::Only && !half => {
            only_there(facts, known)
        }
        Some((_, known)) => by_story(known),
    };
    let handle = match &known {
        Some((run, _)) => Handle::Folder { path: folder.path.clone(), run: run.clone() },
        None => Handle::Nothing,
    };
    let known = known.map(|(_, known)| known);
    Item { bytes: folder.bytes, ..item(kind, name, known, verdict, handle) }
}

/// As long as work that did not land.
fn only_there(facts: &Facts, known: &Known) -> Verdict {
    let bead = facts.beads.get(&(known.project.clone(), known.bead.slug()));
    match after_close(facts, bead.map_or(Closed::Unknown, |bead| bead.closed), UNLANDED) {
        Verdict::Stays(why) => stays(format!("what a person left in a shell is only there; {why}")),
        goes => goes,
    }
}

/// From the day the bead was closed; until then for ever.
fn after_close(facts: &Facts, closed: Closed, keep: TimeDelta) -> Verdict {
    match closed {
        Closed::No => stays("its bead is not closed"),
        Closed::Unknown => stays("whether its bead is closed cannot be told"),
        Closed::At(at) if facts.now - at > keep => {
            Verdict::Goes(format!("its bead was closed more than {} days ago", keep.num_days()))
        }
        Closed::At(at) => until(at + keep),
    }
}

fn until(day: DateTime<Utc>) -> Verdict {
    stays(format!("kept until {}", day.format("%Y-%m-%d")))
}

/// A bead's folder name and the bead behind it.
fn place_of<'a>(
    facts: &'a Facts,
    files: &BeadFiles,
) -> Option<(&'a ProjectId, &'a BeadId, &'a super::BeadFacts)> {
    let found = facts
        .beads
        .iter()
        .find(|((project, slug), _)| project.as_str() == files.project && *slug == files.slug);
    found.map(|((project, _), bead)| (project, &bead.id, bead))
}

fn bead_item(
    kind: Kind,
    files: &BeadFiles,
    known: Option<(&ProjectId, &BeadId, &super::BeadFacts)>,
    verdict: Verdict,
) -> Item {
    let name = files.folder.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Item {
        kind,
        name,
        project: known.map(|(project, ..)| project.clone()),
        bead: known.map(|(_, bead, _)| bead.clone()),
        bytes: files.folder.bytes,
        verdict,
        handle: Handle::Nothing,
    }
}

/// What a bead left stays while it is worked on, and where nobody knows the bead.
fn unless_open(bead: Option<&super::BeadFacts>, then: impl FnOnce(&super::BeadFacts) -> Verdict) -> Verdict {
    match bead {
        None => left("the journal knows no such bead"),
        Some(super::BeadFacts { open: Some(phase), .. }) => {
            stays(format!("its bead is open, in phase {phase}"))
        }
        Some(bead) => then(bead),
    }
}

fn conversation(facts: &Facts, files: &BeadFiles) -> Item {
    let known = place_of(facts, files);
    let verdict =
        unless_open(known.map(|(.., bead)| bead), |bead| after_close(facts, bead.closed, CONVERSATION));
    let mut item = bead_item(Kind::Conversation, files, known, verdict);
    if let Some((project, bead, _)) = known {
        let (path, project, bead) = (files.folder.path.clone(), project.clone(), bead.clone());
        item.handle = Handle::Conversation { path, project, bead };
    }
    item
}

fn log(facts: &Facts, files: &BeadFiles) -> Item {
    let known = place_of(facts, files);
    let verdict = unless_open(known.map(|(.., bead)| bead), |_| {
        if facts.now - files.folder.changed > LOGS {
            Verdict::Goes(format!("logs are kept {} days", LOGS.num_days()))
        } else {
            until(files.folder.changed + LOGS)
        }
    });
    let handle = if known.is_some() { Handle::File(files.folder.path.clone()) } else { Handle::Nothing };
    Item { handle, ..bead_item(Kind::Log, files, known, verdict) }
}

fn unfinished(facts: &Facts, folder: &Folder) -> Item {
    let name = folder.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let verdict = if facts.now - folder.changed > UNFINISHED {
        Verdict::Goes("a backup that was never finished".to_owned())
    } else {
        stays("a backup that is being made")
    };
    let handle = Handle::File(folder.path.clone());
    Item { bytes: folder.bytes, ..item(Kind::Backup, name, None, verdict, handle) }
}
