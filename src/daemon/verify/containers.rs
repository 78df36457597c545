//! (v) of the checker: no container of ours without a story, or a person, that can still use it.
//!
//! Owns the look at the engine, and at clones that hold what a person left in a shell. An engine that does not answer is
//! a note, no violation; so is what a process that was killed left behind, until somebody clears it up.

use super::Report;
use crate::daemon::error::EngineError;
use crate::daemon::house::{House, Site};
use crate::daemon::outside;
use crate::domain::ids::RunId;
use crate::domain::run::{RunKind, RunState};
use crate::executor::Executor;
use crate::journal::read::{Filter, RunRow};
use crate::lifecycle::Story;

pub(super) async fn check(
    house: &House,
    site: &Site,
    stories: &[Story],
    executor: &dyn Executor,
    report: &mut Report,
) -> Result<(), EngineError> {
    let found = match executor.list(&house.instance).await {
        Ok(found) => found,
        Err(error) => {
            report.notes.push(format!("containers were not checked: {error}"));
            return Ok(());
        }
    };
    for sandbox in found {
        let wanted = stories.iter().any(|s| s.is_open() && s.uses(&sandbox.labels.run));
        // Other projects share the state directory; their containers are theirs to check.
        if wanted || site.id.as_str() != sandbox.labels.project {
            continue;
        }
        match outside_a_story(house, site, stories, &sandbox.labels.run)? {
            Some((_, Process::Alive)) => {}
            Some((kind, Process::Gone)) => report.notes.push(format!(
                "container {} was left by a {} whose process is gone: `bead gc` removes it",
                sandbox.name,
                kind.as_str()
            )),
            None => report.violations.push(format!("container {} belongs to no open story", sandbox.name)),
        }
    }
    Ok(())
}

enum Process {
    Alive,
    Gone,
}

/// The kind of a run that belongs to no story, and whether a live process has it.
fn outside_a_story(
    house: &House,
    site: &Site,
    stories: &[Story],
    run: &str,
) -> Result<Option<(RunKind, Process)>, EngineError> {
    let Some(run) = RunId::parse(run).filter(|run| !stories.iter().any(|s| s.runs.contains(run))) else {
        return Ok(None);
    };
    let Some(row) = row_of(house, site, &run)? else { return Ok(None) };
    let kinds = [RunKind::Review, RunKind::Gate, RunKind::Shell];
    let kind = kinds.into_iter().find(|kind| kind.as_str() == row.kind);
    Ok(kind.and_then(|kind| match outside::is_held(house, &site.id, (kind, &run)) {
        true => Some((kind, Process::Alive)),
        // One that has ended should have taken its container with it.
        false => (row.state == RunState::Running.as_str()).then_some((kind, Process::Gone)),
    }))
}

fn row_of(house: &House, site: &Site, run: &RunId) -> Result<Option<RunRow>, EngineError> {
    let filter = Filter { run: Some(run.clone()), project: Some(site.id.clone()), ..Filter::default() };
    Ok(house.journal.runs(&filter, 1)?.pop())
}

/// Clones that hold what a person left in a shell, and nobody took.
pub(super) fn shells(house: &House, site: &Site, report: &mut Report) -> Result<(), EngineError> {
    let clones = std::fs::read_dir(house.places.state().join("clones")).into_iter().flatten().flatten();
    for clone in clones {
        let Some(run) = clone.file_name().to_str().and_then(RunId::parse) else { continue };
        let Some(row) = row_of(house, site, &run)?.filter(|row| row.kind == RunKind::Shell.as_str()) else {
            continue;
        };
        if outside::is_held(house, &site.id, (RunKind::Shell, &run)) {
            continue;
        }
        let bead = row.bead.unwrap_or_default();
        match row.state.as_str() {
            "completed" => {}
            "running" => report.notes.push(format!(
                "a shell on bead `{bead}` was cut off: `bead shell {bead}` goes on with what was left in it"
            )),
            _ => report.notes.push(format!(
                "what was left in a shell on bead `{bead}` could not be taken: it is in {}",
                clone.path().display()
            )),
        }
    }
    Ok(())
}
