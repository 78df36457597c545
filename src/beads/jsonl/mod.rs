//! The embedded tracker: `.beads/issues.jsonl`, changed line by line.
//!
//! Owns the [`Tracker`] over a file and moves its blocking work off the async threads. The parts: [`text`]
//! (Go's JSON), [`record`] (one line), [`document`] (all lines), [`change`] and [`create`] (what a change
//! does), [`disk`] (lock and swap). It keeps no state between calls: the file is the truth.

mod change;
mod create;
mod disk;
mod document;
pub(crate) mod import;
pub(crate) mod record;
pub(crate) mod text;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;

use super::ids::prefix;
use super::{Claim, ClaimFrom, Edit, Import, ImportReport, Release, Snapshot, Tracker, TrackerError};
use crate::clock::{Clock, Ids};
use crate::domain::bead::{Bead, NewBead};
use crate::domain::ids::BeadId;
use change::{Change, Outcome};
use disk::Disk;
pub(crate) use document::Document;

/// A tracker in one JSONL file. Cheap to clone; any number of them, in any number of processes, may share
/// the file.
#[derive(Clone)]
pub struct JsonlTracker {
    store: Arc<Store>,
}

/// The same, blocking.
struct Store {
    root: PathBuf,
    dir: PathBuf,
    disk: Disk,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    notes: Vec<String>,
}

impl JsonlTracker {
    /// `root` is the project (its name may become the prefix), `file` the JSONL file in its `.beads`.
    pub fn new(root: &Path, file: PathBuf, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        let dir = file.parent().unwrap_or(root).to_path_buf();
        let disk = Disk::new(file, ids.clone());
        let store = Store { root: root.to_path_buf(), dir, disk, clock, ids, notes: Vec::new() };
        Self { store: Arc::new(store) }
    }

    /// What every snapshot shall say about this tracker.
    pub fn with_notes(self, notes: Vec<String>) -> Self {
        let Store { root, dir, disk, clock, ids, .. } =
            Arc::into_inner(self.store).expect("a tracker that was just made has no other owner");
        Self { store: Arc::new(Store { root, dir, disk, clock, ids, notes }) }
    }

    #[cfg(test)]
    fn with_seam(self, seam: disk::Seam) -> Self {
        let mut store = Arc::into_inner(self.store).expect("a tracker that was just made has no other owner");
        store.disk.seam = Some(seam);
        Self { store: Arc::new(store) }
    }

    #[cfg(test)]
    fn on_plain_files(self) -> Self {
        let mut store = Arc::into_inner(self.store).expect("a tracker that was just made has no other owner");
        store.disk.is_plain = true;
        Self { store: Arc::new(store) }
    }

    async fn edit(
        &self,
        id: &BeadId,
        edit: &Edit,
        actor: &str,
        markers: Markers,
    ) -> Result<Bead, TrackerError> {
        check_actor(actor)?;
        let (id, edit, actor) = (id.clone(), edit.clone(), actor.to_owned());
        self.blocking(move |store| store.change(&id, markers, |c, doc| c.update(doc, &id, &edit, &actor)))
            .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, TrackerError> + Send + 'static,
    ) -> Result<T, TrackerError> {
        let store = self.store.clone();
        tokio::task::spawn_blocking(move || work(&store)).await.map_err(|_| TrackerError::Interrupted)?
    }
}

impl Store {
    fn document(&self) -> Result<Document, TrackerError> {
        Ok(Document::read(self.disk.read()?))
    }

    /// One change of one bead: under the lock, on the file as it is now.
    fn change(
        &self,
        id: &BeadId,
        markers: Markers,
        mut make: impl FnMut(Change, &Document) -> Result<Outcome, TrackerError>,
    ) -> Result<Bead, TrackerError> {
        self.disk.change(|bytes| {
            let doc = Document::read(bytes);
            self.heed(&doc, markers)?;
            match make(self.moment(), &doc)? {
                Outcome::Keep => Ok((None, doc.find(id)?.0.clone())),
                Outcome::Write(after) => {
                    let bead = Document::read(after.clone()).find(id)?.0.clone();
                    Ok((Some(after), bead))
                }
            }
        })
    }

    fn create(&self, new: &NewBead) -> Result<Bead, TrackerError> {
        check_actor(&new.actor)?;
        self.disk.change(|bytes| {
            let doc = Document::read(bytes);
            self.heed(&doc, Markers::Refuse)?;
            let ids = doc.beads.iter().map(|b| b.id.as_str());
            let prefix = prefix(&self.dir, &self.root, ids)?;
            let (after, id) = create::create(&doc, new, &prefix, self.moment())?;
            let bead = Document::read(after.clone()).find(&id)?.0.clone();
            Ok((Some(after), bead))
        })
    }

    /// A write beside a conflict is lost when its user takes the other side; new work is not begun on it.
    fn heed(&self, doc: &Document, markers: Markers) -> Result<(), TrackerError> {
        match doc.marker() {
            Some(line) if markers == Markers::Refuse => {
                Err(TrackerError::Conflict { path: self.disk.file().to_path_buf(), line })
            }
            _ => Ok(()),
        }
    }

    fn moment(&self) -> Change {
        Change { now: self.clock.now(), chance: self.ids.bytes() }
    }
}

/// What conflict markers in the file mean for a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Markers {
    Refuse,
    /// The end of a claim and its comment: work that is done must not be held up, and its line is changed in place.
    Bear,
}

/// `bd` takes at most 255 bytes.
fn check_actor(actor: &str) -> Result<(), TrackerError> {
    if actor.is_empty() || actor.len() > 255 {
        return Err(TrackerError::invalid("actor", "1 to 255 bytes", actor));
    }
    Ok(())
}

#[async_trait]
impl Tracker for JsonlTracker {
    async fn stamp(&self) -> Option<String> {
        use std::os::unix::fs::MetadataExt as _;
        let meta = std::fs::metadata(&self.store.disk.file).ok()?;
        Some(format!("{}.{}.{}.{}", meta.ino(), meta.size(), meta.mtime(), meta.mtime_nsec()))
    }

    async fn snapshot(&self) -> Result<Snapshot, TrackerError> {
        self.blocking(|store| Ok(store.document()?.into_snapshot(store.notes.clone()))).await
    }

    async fn check_writable(&self) -> Result<(), TrackerError> {
        self.blocking(|store| store.heed(&store.document()?, Markers::Refuse)).await
    }

    async fn show(&self, id: &BeadId) -> Result<Bead, TrackerError> {
        let id = id.clone();
        self.blocking(move |store| {
            let doc = store.document()?;
            doc.get(&id).cloned().ok_or_else(|| super::snapshot::unknown(&id, &doc.beads))
        })
        .await
    }

    async fn create(&self, new: &NewBead) -> Result<Bead, TrackerError> {
        let new = new.clone();
        self.blocking(move |store| store.create(&new)).await
    }

    async fn import(&self, text: Vec<u8>, how: Import) -> Result<ImportReport, TrackerError> {
        self.blocking(move |store| {
            let incoming = Document::read(text);
            store.disk.change(|bytes| {
                let doc = Document::read(bytes);
                store.heed(&doc, Markers::Refuse)?;
                Ok(import::import(&doc, &incoming, how, store.moment()))
            })
        })
        .await
    }

    async fn close(&self, id: &BeadId, reason: &str, actor: &str) -> Result<Bead, TrackerError> {
        check_actor(actor)?;
        let (id, reason) = (id.clone(), reason.to_owned());
        self.blocking(move |store| store.change(&id, Markers::Refuse, |c, doc| c.close(doc, &id, &reason)))
            .await
    }

    async fn reopen(&self, id: &BeadId, actor: &str) -> Result<Bead, TrackerError> {
        check_actor(actor)?;
        let id = id.clone();
        self.blocking(move |store| store.change(&id, Markers::Refuse, |c, doc| c.reopen(doc, &id))).await
    }

    async fn comment(&self, id: &BeadId, author: &str, text: &str) -> Result<Bead, TrackerError> {
        let edit = Edit { comment: Some(text.to_owned()), ..Edit::default() };
        self.edit(id, &edit, author, Markers::Bear).await
    }

    async fn update(&self, id: &BeadId, edit: &Edit, actor: &str) -> Result<Bead, TrackerError> {
        self.edit(id, edit, actor, Markers::Refuse).await
    }

    async fn claim(&self, id: &BeadId, claim: &Claim, from: ClaimFrom) -> Result<Bead, TrackerError> {
        check_actor(&claim.actor)?;
        let (id, claim) = (id.clone(), claim.clone());
        self.blocking(move |store| {
            store.change(&id, Markers::Refuse, |c, doc| c.claim(doc, &id, &claim, from))
        })
        .await
    }

    async fn holds(&self, id: &BeadId, claim: &Claim) -> Result<bool, TrackerError> {
        let bead = self.show(id).await?;
        Ok(crate::beads::grip::holds(&bead, claim))
    }

    async fn release(&self, id: &BeadId, claim: &Claim, into: &Release) -> Result<Bead, TrackerError> {
        let (id, claim, into) = (id.clone(), claim.clone(), into.clone());
        self.blocking(move |store| {
            store.change(&id, Markers::Bear, |c, doc| c.release(doc, &id, &claim, &into))
        })
        .await
    }
}

#[cfg(test)]
mod tests;
