//! Folders below the state directory, with what they take and when they changed.
//!
//! Owns the walk: names, sizes and dates, no content, and no link is ever followed. What goes while we look is
//! left out. Start with [`folders`].

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use chrono::DateTime;

use crate::daemon::reap::{BeadFiles, Folder, Sizes};

pub(super) fn is_hidden(folder: &Folder) -> bool {
    folder.path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

fn entries(dir: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let mut all: Vec<PathBuf> =
        std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    all.sort();
    all.into_iter()
}

pub(super) fn folders(dir: &Path, sizes: Sizes) -> Vec<Folder> {
    entries(dir).filter_map(|path| folder(path, sizes)).collect()
}

/// `None`: it went while we looked.
fn folder(path: PathBuf, sizes: Sizes) -> Option<Folder> {
    let found = path.symlink_metadata().ok()?;
    let changed = DateTime::from_timestamp(found.mtime(), 0)?;
    let bytes = if sizes == Sizes::Counted { bytes(&path) } else { 0 };
    Some(Folder { path, bytes, changed })
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

pub(super) fn of_beads(dir: &Path, sizes: Sizes) -> Vec<BeadFiles> {
    let mut all = Vec::new();
    for project in entries(dir) {
        for path in entries(&project) {
            let slug = name_of(&path);
            let project = name_of(&project);
            all.extend(folder(path, sizes).map(|folder| BeadFiles { project, slug, folder }));
        }
    }
    all
}

pub(super) fn logs(dir: &Path) -> Vec<BeadFiles> {
    let mut all = Vec::new();
    for bead in of_beads(dir, Sizes::Skipped) {
        for path in entries(&bead.folder.path) {
            let (project, slug) = (bead.project.clone(), bead.slug.clone());
            // A file's size costs no walk.
            all.extend(folder(path, Sizes::Counted).map(|folder| BeadFiles { project, slug, folder }));
        }
    }
    all
}

/// What a file or folder takes on the disk. Links are counted, never followed.
pub(super) fn bytes(top: &Path) -> u64 {
    let (mut sum, mut open) = (0, vec![top.to_owned()]);
    while let Some(path) = open.pop() {
        let Ok(found) = path.symlink_metadata() else { continue };
        sum += found.blocks() * 512;
        if found.is_dir() {
            open.extend(entries(&path));
        }
    }
    sum
}
