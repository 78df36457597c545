//! Runs outside any claim: gates before a close, a review that somebody asked for, a person's shell.
//!
//! Owns how such a run is told alive from dead, by a kernel lock of its own that goes with its process, and what becomes
//! of the dead: what proves a container ours was announced in the journal before it was made (T50), so it is removed; what
//! an agent had spent is counted; what a person left in a shell is taken first. What is only found lying about is for
//! `reap`. Start with [`Engine::recover_outside`].

mod bill;

use super::engine::Engine;
use super::error::EngineError;
use super::house::House;
use super::locks::{self, StoryLock, Taken};
use super::reap;
use crate::domain::event::{Body, Event};
use crate::domain::ids::{BeadId, ProjectId, RunId};
use crate::domain::run::{RunKind, RunState};
use crate::executor::{ExecutorError, SandboxState};
use crate::journal::Entry;
use crate::journal::read::Filter;

/// Whose runs are looked after.
#[derive(Debug, Clone, Copy)]
pub(super) enum Whose<'a> {
    /// The project's.
    All,
    /// Shells of a bead whose lock the caller holds.
    Held(&'a BeadId),
}

/// A run that the journal calls running and nobody has. It is ours as long as this lives.
struct Dead {
    /// Its beginning.
    event: Event,
    run: RunId,
    bead: BeadId,
    kind: RunKind,
    _lock: StoryLock,
}

fn lock_name(kind: RunKind, run: &RunId) -> BeadId {
    BeadId::new(format!("{}-{run}", kind.as_str()))
}

/// To be taken before anything of the run is written down, and held as long as it lives.
pub(super) fn take(
    house: &House,
    project: &ProjectId,
    (kind, run): (RunKind, &RunId),
) -> Result<StoryLock, EngineError> {
    let dir = house.places.locks();
    match locks::take(&dir, project, &lock_name(kind, run)) {
        Ok(Taken::Ours(lock)) => Ok(lock),
        Ok(Taken::Theirs(_)) => {
            let source = std::io::Error::other(format!("another process has run {run}"));
            Err(EngineError::Io { path: dir, source })
        }
        Err(source) => Err(EngineError::Io { path: dir, source }),
    }
}

/// Whether a live process has the run. What cannot be told is held.
pub(super) fn is_held(house: &House, project: &ProjectId, (kind, run): (RunKind, &RunId)) -> bool {
    !matches!(locks::look(&house.places.locks(), project, &lock_name(kind, run)), Ok(Taken::Ours(_)))
}

/// While a run is announced before it has its lock, and while the dead are counted.
pub(super) async fn turn(house: &House, project: &ProjectId) -> Result<StoryLock, EngineError> {
    let dir = house.places.locks();
    locks::outside(&dir, project).await.map_err(|source| EngineError::Io { path: dir, source })
}

impl Engine {
    /// Clears up after runs of this project whose process is gone, and takes what people left in their shells. What fails
    /// now is tried again by the next process.
    pub(super) async fn recover_outside(&self, whose: Whose<'_>) -> Result<(), EngineError> {
        for dead in self.dead(whose).await? {
            if let Err(error) = self.clear(&dead, whose).await {
                tracing::warn!(run = %dead.run, %error, "what it left cannot be cleared up now");
            }
        }
        Ok(())
    }

    async fn dead(&self, whose: Whose<'_>) -> Result<Vec<Dead>, EngineError> {
        let (house, project) = (&self.house, &self.site.id);
        if house.journal.running_outside(project)?.is_empty() {
            return Ok(Vec::new());
        }
        let _turn = turn(house, project).await?;
        let mut dead = Vec::new();
        for event in house.journal.running_outside(project)? {
            let Body::RunStarted { kind, .. } = &event.body else { continue };
            let (Some(run), Some(bead)) = (event.run.clone(), event.bead.clone()) else { continue };
            if matches!(whose, Whose::Held(own) if *own != bead || *kind != RunKind::Shell) {
                continue;
            }
            let kind = *kind;
            if let Ok(lock) = take(house, project, (kind, &run))
                // Between the list and the lock another process may have cleared it.
                && self.runs_still(&run)?
            {
                dead.push(Dead { event, run, bead, kind, _lock: lock });
            }
        }
        Ok(dead)
    }

    fn runs_still(&self, run: &RunId) -> Result<bool, EngineError> {
        let filter = Filter { run: Some(run.clone()), ..Filter::default() };
        let row = self.house.journal.runs(&filter, 1)?.pop();
        Ok(row.is_some_and(|row| row.state == RunState::Running.as_str()))
    }

    async fn clear(&self, dead: &Dead, whose: Whose<'_>) -> Result<(), EngineError> {
        self.remove_announced(dead).await?;
        if dead.kind != RunKind::Shell {
            self.bill(&dead.run, "its process was gone before it had ended")?;
            let body = Body::RunEnded {
                kind: dead.kind,
                state: RunState::Cancelled,
                cause: Some(crate::domain::run::Cause::new("interrupted")),
                // It stands in its agent's end.
                cost_usd: 0.0,
            };
            let (project, bead) = (Some(self.site.id.clone()), Some(dead.bead.clone()));
            let run = Some(dead.run.clone());
            self.house.journal.tell(Entry { project, bead, run, attempt: None, body })?;
            return Ok(());
        }
        let _held = match whose {
            Whose::Held(_) => None,
            Whose::All => {
                let dir = self.house.places.locks();
                match locks::take(&dir, &self.site.id, &dead.bead) {
                    Ok(Taken::Ours(lock)) => Some(lock),
                    // Whoever has the bead goes on without it; it stays in its clone until then.
                    Ok(Taken::Theirs(_)) => return Ok(()),
                    Err(source) => return Err(EngineError::Io { path: dir, source }),
                }
            }
        };
        self.gather_shell(&dead.event).await
    }

    /// What was announced for the run, and is gone for certain: nobody writes where an export reads.
    async fn remove_announced(&self, dead: &Dead) -> Result<(), EngineError> {
        let (executor, instance) = (&self.machine.executor, &self.house.instance);
        let nonces = self.house.journal.nonces_of(&dead.run)?;
        let owner = reap::Owner { run: &dead.run, project: &self.site.id, bead: &dead.bead, nonces: &nonces };
        for found in executor.list(instance).await? {
            if found.labels.run != dead.run.as_str() || !owner.announced(&found) {
                continue;
            }
            executor.remove(&found.id).await?;
            let state = executor.state(&found.id).await?;
            if state != SandboxState::Gone {
                let why = format!("it was removed, but the engine says {state:?}");
                return Err(ExecutorError::Refused { what: format!("remove {}", found.id.0), why }.into());
            }
        }
        let prefix = format!("bead-{}-", dead.run);
        for volume in executor.list_volumes(instance).await? {
            if volume.starts_with(&prefix) {
                executor.remove_volume(&volume).await?;
            }
        }
        Ok(())
    }
}
