//! The checker: journal, repository, tracker and containers must tell one story.
//!
//! Owns what "right" means (rules 10): a violation is a promise of ours that does not hold; what a person did
//! by hand is a note. It changes nothing. That the user's own work tree and refs are untouched is for tests
//! to check against a snapshot. Start with [`check`].

mod containers;

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::error::EngineError;
use super::house::{House, Site};
use super::locks::{self, Taken};
use crate::domain::bead::Status;
use crate::domain::event::{Body, Event, GivenBack};
use crate::domain::ids::Oid;
use crate::domain::run::{Outcome, RunKind};
use crate::executor::Executor;
use crate::lifecycle::{Phase, Story};

/// How many commits of a target are searched for merge commits of ours.
const SEARCHED: usize = 2000;

#[derive(Debug, Default, Serialize)]
pub struct Report {
    pub events: usize,
    pub claims: usize,
    pub runs: usize,
    pub violations: Vec<String>,
    pub notes: Vec<String>,
}

/// A moment between two steps of a living process is over by then.
const AGAIN: std::time::Duration = std::time::Duration::from_millis(700);

/// Checks one project. Without an executor the containers are not looked at, and the report says so.
///
/// Others go on working while we look, and journal, tracker and engine cannot be read in one instant: a
/// violation is what a second look finds too.
pub async fn check(
    house: &House,
    site: &Site,
    executor: Option<&dyn Executor>,
) -> Result<Report, EngineError> {
    let first = look(house, site, executor).await?;
    if first.violations.is_empty() {
        return Ok(first);
    }
    tokio::time::sleep(AGAIN).await;
    let mut second = look(house, site, executor).await?;
    second.violations.retain(|found| first.violations.iter().any(|before| same(before, found)));
    Ok(second)
}

/// Counts may have grown meanwhile.
fn same(one: &str, other: &str) -> bool {
    let words = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
    words(one) == words(other)
}

async fn look(house: &House, site: &Site, executor: Option<&dyn Executor>) -> Result<Report, EngineError> {
    let mut report = Report::default();
    let (events, stories) = house.journal.whole(&site.id)?;
    report.events = events.len();
    numbers(&events, &mut report);
    let told = replay(&events, site, &mut report);
    same_stories(&told, &stories, &mut report);
    terminal_events(&events, &mut report);
    let verdict = house.journal.quick_check()?;
    if verdict != "ok" {
        report.violations.push(format!("the journal does not pass SQLite's check: {verdict}"));
    }
    landings(site, &stories, &mut report).await?;
    kept_work(site, &events, &mut report).await?;
    tracker(house, site, &stories, &mut report).await?;
    containers::shells(house, site, &mut report)?;
    match executor {
        Some(executor) => containers::check(house, site, &stories, executor, &mut report).await?,
        None => report.notes.push("no container engine answers: containers were not checked".to_owned()),
    }
    Ok(report)
}

/// (i) Every event is there, once, in order.
fn numbers(events: &[Event], report: &mut Report) {
    for (expected, event) in (1u64..).zip(events) {
        if event.seq != expected {
            report
                .violations
                .push(format!("the journal has a gap: expected event {expected}, found {}", event.seq));
            return;
        }
    }
}

/// (ii) Each bead's events follow one another.
fn replay(events: &[Event], site: &Site, report: &mut Report) -> BTreeMap<u64, Story> {
    let mut told: BTreeMap<u64, Story> = BTreeMap::new();
    let mut open: HashMap<String, u64> = HashMap::new();
    for event in events.iter().filter(|e| e.project.as_ref() == Some(&site.id)) {
        let Some(bead) = &event.bead else { continue };
        if let Some(story) = Story::open(event) {
            open.insert(bead.to_string(), story.id);
            told.insert(story.id, story);
        } else if let Some(story) = open.get(bead.as_str()).and_then(|id| told.get_mut(id))
            && story.is_open()
            && let Err(illegal) = story.apply(event)
        {
            report.violations.push(illegal.to_string());
        }
    }
    report.claims = told.len();
    told
}

fn same_stories(told: &BTreeMap<u64, Story>, kept: &[Story], report: &mut Report) {
    for story in kept {
        if told.get(&story.id) != Some(story) {
            report.violations.push(format!("the story of bead `{}` is not what its events tell", story.bead));
        }
    }
    if told.len() != kept.len() {
        report.violations.push(format!("{} claims in the events, {} in the table", told.len(), kept.len()));
    }
}

/// (iii) A run ends at most as often as it was started.
fn terminal_events(events: &[Event], report: &mut Report) {
    let mut balance: HashMap<String, (u32, u32)> = HashMap::new();
    for event in events {
        let Some(run) = &event.run else { continue };
        let (starts, ends) = balance.entry(run.to_string()).or_default();
        match &event.body {
            Body::AgentStarting { .. }
            | Body::ReviewStarted { .. }
            | Body::RunStarted { kind: RunKind::Gate, .. } => *starts += 1,
            Body::AgentEnded(_) | Body::RunEnded { kind: RunKind::Gate, .. } => *ends += 1,
            // It was put aside before its agent began: that beginning has had its end.
            Body::Resumed { .. } if *ends > *starts => *starts = *ends,
            _ => {}
        }
    }
    report.runs = balance.len();
    for (run, (starts, ends)) in balance {
        if ends > starts.max(1) {
            report.violations.push(format!("run {run} was started {starts} times and ended {ends} times"));
        }
    }
}

/// (iv) Closed as landed means: the merge commit is on the target, and the reverse.
async fn landings(site: &Site, stories: &[Story], report: &mut Report) -> Result<(), EngineError> {
    let mut targets: BTreeMap<&str, Vec<&Story>> = BTreeMap::new();
    for story in stories {
        targets.entry(story.order.target.as_str()).or_default().push(story);
    }
    for (target, stories) in targets {
        let merges = merges_of_ours(site, target).await?;
        for story in &stories {
            let Some(commit) = landed(story) else { continue };
            if site.repo.is_reachable(commit, target).await? {
                continue;
            }
            if site.repo.has_been_at(target, commit)? {
                report.notes.push(format!(
                    "{target} was rewritten: it no longer has {} of bead `{}`",
                    commit.short(),
                    story.bead
                ));
            } else {
                report.violations.push(format!(
                    "bead `{}` is landed, but {target} does not have {}",
                    story.bead,
                    commit.short()
                ));
            }
        }
        for (commit, run) in merges {
            // A later claim may have landed what this run of an earlier one had made.
            let of_run: Vec<&Story> = stories.iter().copied().filter(|s| s.uses(&run)).collect();
            let known = of_run.iter().any(|s| s.finish.commit.as_ref() == Some(&commit));
            let under_way = of_run.iter().any(|s| matches!(s.phase, Phase::Landing { .. } | Phase::Closing));
            if !of_run.is_empty() && !known && !under_way {
                report.violations.push(format!(
                    "{target} has {} of run {run}, but the journal did not land it",
                    commit.short()
                ));
            }
        }
    }
    Ok(())
}

/// Commits on the target that carry our trailer, with their run.
async fn merges_of_ours(site: &Site, target: &str) -> Result<Vec<(Oid, String)>, EngineError> {
    let Some(tip) = site.repo.branch_tip(target).await? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for (commit, message) in site.repo.messages(&tip, SEARCHED)? {
        let run = message.lines().rev().find_map(|line| line.strip_prefix("Bead-Run: "));
        if let Some(run) = run {
            found.push((commit, run.trim().to_owned()));
        }
    }
    Ok(found)
}

fn landed(story: &Story) -> Option<&Oid> {
    let done =
        matches!(story.phase, Phase::Cleaning | Phase::Finished) && story.finish.outcome == Outcome::Landed;
    if done { story.finish.commit.as_ref() } else { None }
}

/// (vi) Exported work is still there under its run's ref.
async fn kept_work(site: &Site, events: &[Event], report: &mut Report) -> Result<(), EngineError> {
    let refs = site.repo.kept()?;
    let mut newest: BTreeMap<String, &Oid> = BTreeMap::new();
    for event in events.iter().filter(|e| e.project.as_ref() == Some(&site.id)) {
        match (&event.run, &event.body) {
            (Some(run), Body::Exported { tip, .. }) => drop(newest.insert(run.ref_name(), tip)),
            (_, Body::GivenBack { how: GivenBack::Reworked { run, tip }, .. }) => {
                newest.insert(run.ref_name(), tip);
            }
            // After its time, and written down before it went.
            (_, Body::RefDropped { name, .. }) => drop(newest.remove(name)),
            _ => {}
        }
    }
    for (name, tip) in newest {
        match refs.get(&name) {
            // The landed merge commit takes the place of its own second parent.
            Some(found) if site.repo.is_ancestor(tip, found)? => {}
            Some(found) => report.violations.push(format!(
                "{name} is at {}, the journal kept {}",
                found.short(),
                tip.short()
            )),
            None => report.violations.push(format!("{name} is gone, it held {}", tip.short())),
        }
    }
    Ok(())
}

/// (viii) The tracker reads line by line; claims of ours have a story behind them.
async fn tracker(
    house: &House,
    site: &Site,
    stories: &[Story],
    report: &mut Report,
) -> Result<(), EngineError> {
    let snapshot = site.tracker.snapshot().await?;
    for problem in &snapshot.problems {
        report.violations.push(format!("tracker line {}: {}", problem.line, problem.what));
    }
    for bead in &snapshot.beads {
        let mine: Vec<&Story> = stories.iter().filter(|s| s.bead == bead.id).collect();
        let last = mine.last();
        if let Some(token) = bead.claim_token() {
            let open = mine.iter().any(|s| s.is_open() && s.order.token == token);
            // Who took the bead from us left our token on it, and it is theirs: no claim of ours.
            let theirs = bead.assignee.as_ref().filter(|name| mine.iter().all(|s| s.order.actor != **name));
            match theirs {
                _ if open || bead.status == Status::Closed => {}
                Some(name) => report
                    .notes
                    .push(format!("bead `{}` is `{name}`'s and still has the token of a claim", bead.id)),
                None => report
                    .violations
                    .push(format!("bead `{}` carries a claim of ours that no open story has", bead.id)),
            }
        }
        if let Some(story) = last
            && landed(story).is_some()
            && bead.status != Status::Closed
        {
            report.notes.push(format!(
                "bead `{}` landed, but the tracker says {}",
                bead.id,
                bead.status.as_str()
            ));
        }
    }
    for story in stories.iter().filter(|s| s.is_open() && !matches!(s.phase, Phase::Suspended { .. })) {
        let taken = locks::look(&house.places.locks(), &story.project, &story.bead);
        if matches!(taken, Ok(Taken::Ours(_))) {
            report.notes.push(format!(
                "bead `{}` was left in phase {}: `bead work {}` continues it",
                story.bead,
                story.phase.name(),
                story.bead
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
