//! What must be true after a simulated night.
//!
//! Owns the questions that only an all-knowing judge can ask, beside the checker's own (`daemon::verify`): nothing
//! left, nothing twice, nothing lost of the user's, nothing landed unproven, no more money than allowed. It mends
//! nothing. Start with [`check`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::report::Report;
use super::shift::Shift;
use super::world::{Project, TARGET, World};
use crate::config::limits::Limits;
use crate::daemon::error::EngineError;
use crate::daemon::house::{House, Site};
use crate::daemon::{queue, verify};
use crate::domain::bead::{Bead, PROPOSED, Status};
use crate::domain::run::Outcome;
use crate::executor::Executor as _;
use crate::lifecycle::{Phase, Story};

/// One request may come between the cap and the stop, and one may be lost with each daemon.
const SLACK_USD: f64 = 0.75;

/// Looks at everything, from a daemon that is only started for it.
pub(super) async fn check(world: &Arc<World>) -> Result<Report, EngineError> {
    let shift = Shift::new(world);
    let mut wrong = world.seen(|seen| std::mem::take(&mut seen.wrongs));
    let mut all: Vec<Story> = Vec::new();
    for (at, site) in shift.sites.iter().enumerate() {
        let report = verify::check(&shift.house, site, Some(shift.executor.as_ref())).await?;
        wrong.extend(report.violations);
        let stories = shift.house.journal.all_stories(Some(&site.id))?;
        let beads = world.projects[at].tracker.all();
        whys(&shift.house, site, &beads, &mut wrong).await;
        states(world, &beads, &stories, &mut wrong);
        landings(world, at, &mut wrong);
        all.extend(stories);
    }
    left(world, &all, &mut wrong).await?;
    limits(world, &all, &mut wrong);
    wrong.sort();
    wrong.dedup();
    Report::of(world, &all, wrong)
}

/// Every bead has one sentence that says how it stands.
async fn whys(house: &House, site: &Site, beads: &[Bead], wrong: &mut Vec<String>) {
    for bead in beads {
        match queue::why(house, site, &bead.id).await {
            Ok(why) if why.sentence.trim().is_empty() => wrong.push(format!("`{}` has no reason", bead.id)),
            Ok(_) => {}
            Err(error) => wrong.push(format!("`{}` has no reason: {error}", bead.id)),
        }
    }
}

/// Each bead stands as its last story left it, unless the user changed it.
fn states(world: &World, beads: &[Bead], stories: &[Story], wrong: &mut Vec<String>) {
    let by_hand = world.seen(|seen| seen.by_hand.clone());
    for bead in beads.iter().filter(|bead| !by_hand.contains(bead.id.as_str())) {
        let mine: Vec<&Story> = stories.iter().filter(|story| story.bead == bead.id).collect();
        let Some(last) = mine.last() else {
            // What agents found waits for a person's approval, or for its turn.
            if bead.status != Status::Open && !bead.has_label(PROPOSED) {
                wrong.push(format!("`{}` is {} and nobody worked on it", bead.id, bead.status.as_str()));
            }
            continue;
        };
        if mine.iter().filter(|story| story.is_open()).count() > 1 {
            wrong.push(format!("`{}` has several open stories", bead.id));
        }
        let expected: &[Status] = match (&last.phase, last.finish.outcome) {
            (Phase::Suspended { .. }, _) => &[Status::InProgress],
            (Phase::Finished, Outcome::Landed) => &[Status::Closed],
            // The user may merge a branch that stands beside; then the bead is closed.
            (Phase::Finished, Outcome::Parked | Outcome::NoChange) => &[Status::Blocked, Status::Closed],
            (Phase::Finished, _) => &[Status::Open],
            (phase, _) => {
                wrong.push(format!("`{}` was left in phase {}", bead.id, phase.name()));
                continue;
            }
        };
        if !expected.contains(&bead.status) {
            wrong.push(format!(
                "`{}` is {}, its story ended as {}",
                bead.id,
                bead.status.as_str(),
                last.finish.outcome.as_str()
            ));
        }
    }
}

/// The target holds what was proven, once, and everything of the user.
fn landings(world: &World, at: usize, wrong: &mut Vec<String>) {
    let Project { forge, .. } = &world.projects[at];
    let state = forge.state();
    let landed: Vec<_> = state.landings.iter().filter(|(branch, _)| branch == TARGET).collect();
    let mut once = BTreeSet::new();
    for (_, commit) in &landed {
        if !once.insert(commit.clone()) {
            wrong.push(format!("{} landed twice", commit.short()));
        }
        let proven = state.commit(commit).is_some_and(|c| world.has_passed(&c.tree_id));
        if !proven {
            wrong.push(format!("{} landed without having passed its gates", commit.short()));
        }
        let work = state.commit(commit).and_then(|c| c.parents.last().cloned());
        if world.reviews() && !work.is_some_and(|work| world.was_accepted(&work)) {
            wrong.push(format!("{} landed without an accepting review", commit.short()));
        }
    }
    let rewritten = world.seen(|seen| seen.rewritten.contains(&at));
    let Some(tip) = state.branches.get(TARGET) else { return };
    if rewritten {
        return;
    }
    let mut beads: BTreeMap<&str, u32> = BTreeMap::new();
    let history = state.history(tip, usize::MAX);
    for commit in history.iter().filter_map(|id| state.commit(id)) {
        if let Some(bead) = commit.message.lines().find_map(|line| line.strip_prefix("Bead: ")) {
            *beads.entry(bead).or_default() += 1;
        }
    }
    for (bead, times) in beads.into_iter().filter(|(_, times)| *times > 1) {
        wrong.push(format!("`{bead}` stands {times} times on {TARGET}"));
    }
    let known: BTreeSet<_> = history.iter().collect();
    for (_, commit) in landed.iter().filter(|(_, commit)| !known.contains(commit)) {
        wrong.push(format!("{} landed and is not on {TARGET}", commit.short()));
    }
    let users = world.seen(|seen| seen.users.clone());
    for (_, commit) in users.iter().filter(|(project, commit)| *project == at && !known.contains(commit)) {
        wrong.push(format!("{} of the user is lost", commit.short()));
    }
}

/// Nothing is left but what suspended stories keep.
async fn left(world: &World, stories: &[Story], wrong: &mut Vec<String>) -> Result<(), EngineError> {
    let open: BTreeSet<&str> =
        stories.iter().filter(|s| s.is_open()).flat_map(|s| s.runs.iter().map(|run| run.as_str())).collect();
    for found in world.executor.list(&world.instance).await? {
        wrong.push(format!("sandbox {} is left", found.name));
    }
    for volume in world.executor.list_volumes(&world.instance).await? {
        wrong.push(format!("volume {volume} is left"));
    }
    let doors = world.doors.open_now();
    if doors > 0 {
        wrong.push(format!("{doors} gateways are left open"));
    }
    for folder in ["clones", "run"] {
        for entry in std::fs::read_dir(world.places.state().join(folder)).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !open.contains(name.as_str()) {
                wrong.push(format!("{folder}/{name} is left"));
            }
        }
    }
    Ok(())
}

/// Attempts and money.
fn limits(world: &World, stories: &[Story], wrong: &mut Vec<String>) {
    let cap = Limits::default().cost_usd.value;
    let spent = world.upstream.spent();
    for story in stories {
        if story.attempt > story.order.attempts + story.reviews.fixes {
            wrong
                .push(format!("`{}` had {} attempts of {}", story.bead, story.attempt, story.order.attempts));
        }
        let truth: f64 = story.runs.iter().filter_map(|run| spent.get(run.as_str())).sum();
        let starts = 1.0 + f64::from(u32::try_from(story.runs.len()).unwrap_or(u32::MAX));
        let crashes = world.seen(|seen| seen.crashes);
        #[expect(clippy::cast_precision_loss, reason = "a few crashes")]
        let slack = SLACK_USD * (starts + crashes as f64);
        if truth > cap + slack * 4.0 {
            wrong.push(format!("`{}` spent ${truth:.2} of ${cap:.2}", story.bead));
        }
        if story.cost_usd + slack < truth {
            wrong.push(format!(
                "`{}` spent ${truth:.2}, the journal knows ${:.2}",
                story.bead, story.cost_usd
            ));
        }
    }
}
