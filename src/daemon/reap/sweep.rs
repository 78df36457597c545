//! Carries out a plan, in its order, and asks once more before what cannot be undone.
//!
//! Owns no rule. A container that does not go keeps its run's volumes and folders (T46); a ref goes only from
//! where the plan saw it, and is written down first; a failure of one thing keeps none of the others. Start
//! with [`Reaper::sweep`].

use std::collections::BTreeSet;
use std::path::Path;

use super::{Handle, Item, Plan, Reaper, Verdict};
use crate::daemon::error::EngineError;
use crate::daemon::locks::{self, Taken};
use crate::domain::event::Body;
use crate::domain::ids::{BeadId, ProjectId, RunId};
use crate::executor::{ExecutorError, SandboxId, SandboxState};
use crate::journal::Entry;

/// What came of a plan.
#[derive(Debug, Default)]
pub struct Swept {
    pub removed: Vec<Item>,
    /// Each with why it stayed.
    pub failed: Vec<(Item, String)>,
    /// Projects whose quarantine was packed anew.
    pub collected: Vec<ProjectId>,
}

impl Reaper<'_> {
    /// Removes what the plan says.
    pub async fn sweep(&self, plan: &Plan) -> Swept {
        let (mut swept, mut stuck) = (Swept::default(), BTreeSet::new());
        for item in plan.goes() {
            match self.remove(item, &stuck).await {
                Ok(()) => swept.removed.push(item.clone()),
                Err(error) => {
                    if let Handle::Container { run: Some(run), .. } = &item.handle {
                        stuck.insert(run.clone());
                    }
                    tracing::warn!(kind = item.kind.as_str(), name = %item.name, %error, "it does not go");
                    swept.failed.push((item.clone(), error.to_string()));
                }
            }
        }
        for project in &plan.collect {
            match self.collect(project).await {
                Ok(true) => swept.collected.push(project.clone()),
                Ok(false) => {}
                Err(error) => tracing::warn!(%project, %error, "its quarantine cannot be packed"),
            }
        }
        swept
    }

    async fn remove(&self, item: &Item, stuck: &BTreeSet<RunId>) -> Result<(), EngineError> {
        match &item.handle {
            Handle::Container { id, .. } => self.remove_container(id).await,
            Handle::Volume(name) => {
                let Some(executor) = self.executor else { return Ok(()) };
                Ok(executor.remove_volume(name).await?)
            }
            Handle::Folder { path, run } if stuck.contains(run) => {
                let why = "its container does not go".to_owned();
                Err(EngineError::Io { path: path.clone(), source: std::io::Error::other(why) })
            }
            Handle::Folder { path, .. } => remove_folder(path).await,
            Handle::Conversation { path, project, bead } => self.forget(path, project, bead).await,
            Handle::Ref { .. } => self.withdraw(item).await,
            Handle::QuarantineRef { project, name, tip } => {
                let Some(site) = self.site(project) else { return Ok(()) };
                site.repo.release(name, tip).await
            }
            Handle::File(path) => remove_file(path),
            Handle::Nothing => Ok(()),
        }
    }

    /// An engine that says "removed" is believed only when the container is gone.
    async fn remove_container(&self, id: &SandboxId) -> Result<(), EngineError> {
        let Some(executor) = self.executor else { return Ok(()) };
        executor.remove(id).await?;
        match executor.state(id).await? {
            SandboxState::Gone => Ok(()),
            state => {
                let why = format!("it was removed, but the engine says {state:?}");
                Err(ExecutorError::Refused { what: format!("remove {}", id.0), why }.into())
            }
        }
    }

    /// A bead may be claimed again at any moment: only its lock makes sure that nobody talks there.
    async fn forget(&self, path: &Path, project: &ProjectId, bead: &BeadId) -> Result<(), EngineError> {
        let dir = self.house.places.locks();
        let taken = locks::take(&dir, project, bead)
            .map_err(|source| EngineError::Io { path: dir.clone(), source })?;
        let Taken::Ours(_lock) = taken else { return Err(busy(path)) };
        if self.house.journal.open_story_of(project, bead)?.is_some() {
            return Err(busy(path));
        }
        remove_folder(path).await
    }

    /// Written down with its commit before it goes: until git collects it, a person can bring it back.
    async fn withdraw(&self, item: &Item) -> Result<(), EngineError> {
        let (Handle::Ref { project, bead, run, tip }, Verdict::Goes(why)) = (&item.handle, &item.verdict)
        else {
            return Ok(());
        };
        let Some(site) = self.site(project) else { return Ok(()) };
        let _turn = self.turn(project).await?;
        let (name, tip_then, why) = (item.name.clone(), tip.clone(), why.clone());
        self.house.journal.tell(Entry {
            project: Some(project.clone()),
            bead: Some(bead.clone()),
            run: Some(run.clone()),
            attempt: None,
            body: Body::RefDropped { name, tip: tip_then, why },
        })?;
        site.repo.withdraw(run, tip).await
    }

    /// Packs a quarantine that no open bead rests on, suspended or not: objects of a conflict or of a merge that
    /// is yet to be gated have no ref. False when there is one by now.
    async fn collect(&self, project: &ProjectId) -> Result<bool, EngineError> {
        let Some(site) = self.site(project) else { return Ok(false) };
        let _turn = self.turn(project).await?;
        if !self.house.journal.open_stories(Some(project))?.is_empty() {
            return Ok(false);
        }
        site.repo.collect().await?;
        Ok(true)
    }

    /// Nothing of ours moves in a project's git while a landing does.
    async fn turn(&self, project: &ProjectId) -> Result<locks::StoryLock, EngineError> {
        let dir = self.house.places.locks();
        locks::turn(&dir, project).await.map_err(|source| EngineError::Io { path: dir, source })
    }
}

fn busy(path: &Path) -> EngineError {
    EngineError::Io { path: path.to_owned(), source: std::io::Error::other("its bead is worked on again") }
}

/// A clone may hold a hundred thousand files: they go beside everything else.
async fn remove_folder(path: &Path) -> Result<(), EngineError> {
    let path = path.to_owned();
    let removed = tokio::task::spawn_blocking(move || crate::workspace::clone::remove(&path)).await;
    Ok(removed.expect("removing a folder does not panic")?)
}

/// The file, and its folder when it was the last one.
fn remove_file(path: &Path) -> Result<(), EngineError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            return Err(EngineError::Io { path: path.to_owned(), source });
        }
        _ => {}
    }
    if let Some(parent) = path.parent() {
        // It is refused as long as anything else lies there.
        let _ = std::fs::remove_dir(parent);
    }
    Ok(())
}
