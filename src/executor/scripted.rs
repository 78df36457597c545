//! The one double of the executor: sandboxes that are scripts in this process.
//!
//! For tests and the simulator alone: nothing here isolates anything. It keeps the contract of [`Executor`] and
//! fails on demand. The world of sandboxes outlives the handle: a clone taken after a "crash" finds them
//! running. Start with [`Scripted::new`], then [`Scripted::on`] and [`Fault`].

mod local;
mod sandbox;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::spec::{Purpose, SandboxSpec, VolumeSpec};
use super::{
    Attached, EngineInfo, Executor, ExecutorError, Exit, Found, Image, SandboxId, SandboxState, Seen, Signal,
};
use sandbox::Sandbox;
pub use sandbox::{Ending, Stage};

const LOCK: &str = "no holder of this lock panics";
type Script = Arc<dyn Fn(Stage) -> Pin<Box<dyn Future<Output = Ending> + Send>> + Send + Sync>;

/// Something that goes wrong. Each but `Away` happens once, to the next sandbox of that purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The engine refuses to start it.
    Start(Purpose),
    /// The output's connection breaks after so many bytes; attaching again works.
    Disconnect(Purpose, u64),
    /// Killing succeeds, but the engine says "running" until it is removed (T46, F12).
    NeverEnds(Purpose),
    /// Removing succeeds, but it is still there (T46).
    Undead,
    /// It is made, and never started: there is no answer, and whoever asked dies waiting (F03).
    Unstarted(Purpose),
    /// It is killed for memory as soon as it starts.
    OutOfMemory(Purpose),
}

/// A handle; clones share the world.
#[derive(Clone, Default)]
pub struct Scripted {
    world: Arc<World>,
}

/// A volume, with its folder where it has one.
type Volume = (VolumeSpec, Option<Arc<tempfile::TempDir>>);

struct World {
    scripts: Mutex<HashMap<Purpose, Script>>,
    /// Scratch mounts get no folder on this machine: for scripts that touch no file.
    folderless: bool,
    /// `None`: every image is there.
    images: Mutex<Option<HashSet<String>>>,
    faults: Mutex<Vec<Fault>>,
    sandboxes: Mutex<BTreeMap<String, Arc<Sandbox>>>,
    unstarted: Mutex<HashSet<String>>,
    volumes: Mutex<BTreeMap<String, Volume>>,
    started: Mutex<Vec<SandboxSpec>>,
    away: watch::Sender<bool>,
}

impl Default for World {
    fn default() -> Self {
        Self {
            scripts: Mutex::default(),
            folderless: false,
            images: Mutex::default(),
            faults: Mutex::default(),
            sandboxes: Mutex::default(),
            unstarted: Mutex::default(),
            volumes: Mutex::default(),
            started: Mutex::default(),
            away: watch::Sender::new(false),
        }
    }
}

impl Scripted {
    /// Exports, checkouts and gates run their real command on this machine; anything else needs a script.
    pub fn new() -> Self {
        let new = Self::default();
        for purpose in [Purpose::Export, Purpose::Checkout, Purpose::Gate] {
            new.set(purpose, local::run);
        }
        new
    }

    /// No scripts at all, and no folders for scratch mounts and volumes: for the simulator, which has no files.
    pub fn without_folders() -> Self {
        Self { world: Arc::new(World { folderless: true, ..World::default() }) }
    }

    /// Kills every sandbox and forgets it, as an engine does that restarts without keeping containers alive.
    /// Gives how many there were.
    pub fn lose_all(&self) -> usize {
        let all = std::mem::take(&mut *self.world.sandboxes.lock().expect(LOCK));
        all.values().for_each(|sandbox| sandbox.remove());
        all.len()
    }

    /// The same for the one at this place in the order of names, counted around; its name, where there is one.
    pub fn lose_one(&self, at: usize) -> Option<String> {
        let mut all = self.world.sandboxes.lock().expect(LOCK);
        let name = all.keys().nth(at.checked_rem(all.len())?).cloned()?;
        let sandbox = all.remove(&name)?;
        sandbox.remove();
        Some(name)
    }

    /// From now on only these images are there; `None`: all are.
    pub fn set_images(&self, references: Option<&[&str]>) {
        let all = references.map(|list| list.iter().map(|reference| (*reference).to_owned()).collect());
        *self.world.images.lock().expect(LOCK) = all;
    }

    /// What sandboxes of this purpose do.
    #[must_use]
    pub fn on<F>(self, purpose: Purpose, script: impl Fn(Stage) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Ending> + Send + 'static,
    {
        self.set(purpose, script);
        self
    }

    /// As [`Self::on`], in the middle of a test.
    pub fn set<F>(&self, purpose: Purpose, script: impl Fn(Stage) -> F + Send + Sync + 'static)
    where
        F: Future<Output = Ending> + Send + 'static,
    {
        let script: Script = Arc::new(move |stage| Box::pin(script(stage)));
        self.world.scripts.lock().expect(LOCK).insert(purpose, script);
    }

    /// From now on only these images are there.
    #[must_use]
    pub fn with_images(self, references: &[&str]) -> Self {
        self.set_images(Some(references));
        self
    }

    pub fn fail(&self, fault: Fault) {
        self.world.faults.lock().expect(LOCK).push(fault);
    }

    /// The engine stops answering, or answers again (F10). Sandboxes go on.
    pub fn away(&self, away: bool) {
        self.world.away.send_replace(away);
    }

    /// Every spec that was started, in order.
    pub fn started(&self) -> Vec<SandboxSpec> {
        self.world.started.lock().expect(LOCK).clone()
    }

    fn take_fault(&self, wanted: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let mut faults = self.world.faults.lock().expect(LOCK);
        faults.iter().position(wanted).map(|at| faults.remove(at))
    }

    fn answering(&self) -> Result<(), ExecutorError> {
        if *self.world.away.borrow() { Err(away()) } else { Ok(()) }
    }

    fn is_unstarted(&self, name: &str) -> bool {
        self.world.unstarted.lock().expect(LOCK).contains(name)
    }

    fn find(&self, id: &str) -> Option<Arc<Sandbox>> {
        self.world.sandboxes.lock().expect(LOCK).get(id).cloned()
    }

    fn known(&self, id: &SandboxId) -> Result<Arc<Sandbox>, ExecutorError> {
        self.answering()?;
        self.find(&id.0).ok_or_else(|| ExecutorError::Gone(id.0.clone()))
    }

    fn volume_folders(&self) -> HashMap<String, Arc<tempfile::TempDir>> {
        let volumes = self.world.volumes.lock().expect(LOCK);
        volumes.iter().filter_map(|(name, (_, folder))| Some((name.clone(), folder.clone()?))).collect()
    }

    fn create(&self, spec: &SandboxSpec) -> Result<(Arc<Sandbox>, Script), ExecutorError> {
        let refused =
            |why: &str| ExecutorError::Refused { what: "start the sandbox".into(), why: why.into() };
        let script = self.world.scripts.lock().expect(LOCK).get(&spec.purpose).cloned();
        let script = script.ok_or_else(|| refused("no script for its purpose"))?;
        let volumes = if self.world.folderless { None } else { Some(self.volume_folders()) };
        let sandbox = Arc::new(Sandbox::new(spec, volumes.as_ref())?);
        let mut all = self.world.sandboxes.lock().expect(LOCK);
        if all.contains_key(&spec.name) {
            return Err(refused("the name is in use"));
        }
        all.insert(spec.name.clone(), Arc::clone(&sandbox));
        self.world.started.lock().expect(LOCK).push(spec.clone());
        Ok((sandbox, script))
    }
}

fn away() -> ExecutorError {
    ExecutorError::Unreachable { at: "scripted".into(), why: "it is away".into() }
}

#[async_trait::async_trait]
impl Executor for Scripted {
    async fn engine(&self) -> Result<EngineInfo, ExecutorError> {
        self.answering()?;
        let zero = || "0".to_owned();
        Ok(EngineInfo { name: "scripted".into(), version: zero(), api_version: zero(), warnings: Vec::new() })
    }

    async fn find_image(&self, reference: &str) -> Result<Option<Image>, ExecutorError> {
        self.answering()?;
        let digest = |text: &str| {
            let hex: String = Sha256::digest(text).iter().map(|b| format!("{b:02x}")).collect();
            format!("sha256:{hex}")
        };
        let images = self.world.images.lock().expect(LOCK);
        let here = match &*images {
            None => true,
            Some(all) => all.iter().any(|known| known == reference || digest(known) == reference),
        };
        let digest = if reference.starts_with("sha256:") { reference.to_owned() } else { digest(reference) };
        Ok(here.then(|| Image { reference: reference.to_owned(), digest }))
    }

    async fn start(&self, spec: &SandboxSpec) -> Result<(SandboxId, Attached), ExecutorError> {
        let purpose = spec.purpose;
        if self.find_image(&spec.image).await?.is_none() {
            return Err(ExecutorError::NoImage(spec.image.clone()));
        }
        if self.take_fault(|fault| *fault == Fault::Start(purpose)).is_some() {
            return Err(ExecutorError::Refused {
                what: "start the sandbox".into(),
                why: "as scripted".into(),
            });
        }
        let (sandbox, script) = self.create(spec)?;
        if self.take_fault(|fault| *fault == Fault::Unstarted(purpose)).is_some() {
            self.world.unstarted.lock().expect(LOCK).insert(spec.name.clone());
            return std::future::pending().await;
        }
        if self.take_fault(|fault| *fault == Fault::NeverEnds(purpose)).is_some() {
            sandbox.never_ends();
        }
        let cut = self.take_fault(|fault| matches!(fault, Fault::Disconnect(p, _) if *p == purpose));
        let cut =
            cut.and_then(|fault| if let Fault::Disconnect(_, bytes) = fault { Some(bytes) } else { None });
        let attached = sandbox.attached(Seen::default(), cut, self.world.away.subscribe());
        if self.take_fault(|fault| *fault == Fault::OutOfMemory(purpose)).is_some() {
            sandbox.end(Exit { code: 137, out_of_memory: true });
        } else {
            sandbox.play(script);
        }
        Ok((SandboxId(spec.name.clone()), attached))
    }

    async fn attach(&self, id: &SandboxId, seen: Seen) -> Result<Attached, ExecutorError> {
        let sandbox = self.known(id)?;
        if sandbox.spec.log_cap == 0 {
            let why = "the engine keeps no log of it".to_owned();
            return Err(ExecutorError::Refused { what: "attach again".into(), why });
        }
        Ok(sandbox.attached(seen, None, self.world.away.subscribe()))
    }

    async fn signal(&self, id: &SandboxId, signal: Signal) -> Result<(), ExecutorError> {
        match self.known(id) {
            Ok(sandbox) => sandbox.signal(signal),
            Err(ExecutorError::Gone(_)) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn state(&self, id: &SandboxId) -> Result<SandboxState, ExecutorError> {
        match self.known(id) {
            Ok(_) if self.is_unstarted(&id.0) => Ok(SandboxState::Created),
            Ok(sandbox) => Ok(sandbox.exit().map_or(SandboxState::Running, SandboxState::Exited)),
            Err(ExecutorError::Gone(_)) => Ok(SandboxState::Gone),
            Err(error) => Err(error),
        }
    }

    async fn wait(&self, id: &SandboxId) -> Result<Exit, ExecutorError> {
        let mut away = self.world.away.subscribe();
        // The sender lives in the world that `self` holds.
        let _ = away.wait_for(|away| !away).await;
        let ended = self.known(id)?.ended().await;
        let _ = away.wait_for(|away| !away).await;
        ended.ok_or_else(|| ExecutorError::Gone(id.0.clone()))
    }

    async fn remove(&self, id: &SandboxId) -> Result<(), ExecutorError> {
        self.answering()?;
        if self.take_fault(|fault| *fault == Fault::Undead).is_some() {
            return Ok(());
        }
        let removed = self.world.sandboxes.lock().expect(LOCK).remove(&id.0);
        self.world.unstarted.lock().expect(LOCK).remove(&id.0);
        if let Some(sandbox) = removed {
            sandbox.remove();
        }
        Ok(())
    }

    async fn list(&self, instance: &str) -> Result<Vec<Found>, ExecutorError> {
        self.answering()?;
        let all = self.world.sandboxes.lock().expect(LOCK);
        let ours = all.values().filter(|sandbox| sandbox.spec.labels.instance == instance);
        let found = ours.map(|sandbox| Found {
            id: SandboxId(sandbox.spec.name.clone()),
            name: sandbox.spec.name.clone(),
            labels: sandbox.spec.labels.clone(),
            running: sandbox.exit().is_none() && !self.is_unstarted(&sandbox.spec.name),
        });
        Ok(found.collect())
    }

    async fn create_volume(&self, spec: &VolumeSpec) -> Result<(), ExecutorError> {
        self.answering()?;
        let mut all = self.world.volumes.lock().expect(LOCK);
        if !all.contains_key(&spec.name) {
            let folder = if self.world.folderless { None } else { Some(sandbox::folder()?) };
            all.insert(spec.name.clone(), (spec.clone(), folder));
        }
        Ok(())
    }

    async fn remove_volume(&self, name: &str) -> Result<(), ExecutorError> {
        self.answering()?;
        let users = self.world.sandboxes.lock().expect(LOCK);
        if users.values().any(|sandbox| sandbox.uses_volume(name)) {
            let why = format!("volume `{name}` is in use");
            return Err(ExecutorError::Refused { what: "remove the volume".into(), why });
        }
        self.world.volumes.lock().expect(LOCK).remove(name);
        Ok(())
    }

    async fn list_volumes(&self, instance: &str) -> Result<Vec<String>, ExecutorError> {
        self.answering()?;
        let all = self.world.volumes.lock().expect(LOCK);
        Ok(all.values().filter(|(s, _)| s.labels.instance == instance).map(|(s, _)| s.name.clone()).collect())
    }
}

#[cfg(test)]
mod tests;
