//! What lies on the user's disk where a landing would write.
//!
//! Owns the look at the disk itself, because git's own protection leaves ignored files out: `read-tree -u`
//! and `merge --ff-only` overwrite an ignored `.env` without a word. It follows no links. Start with
//! [`in_the_way`].

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::workspace::diff::Change;

/// Added paths at (or above) which something stands that the landing does not itself remove.
pub(super) fn in_the_way(root: &Path, changes: &[Change], ours: &BTreeSet<Vec<u8>>) -> Vec<Vec<u8>> {
    let removed: BTreeSet<&[u8]> =
        changes.iter().filter(|c| c.new.is_none()).map(|c| c.path.as_slice()).collect();
    let added = changes.iter().filter(|c| c.old.is_none() && !ours.contains(&c.path));
    let mut found = Vec::new();
    for change in added {
        if let Some(path) = obstacle(root, &change.path, &removed) {
            found.push(path);
        }
    }
    found.sort();
    found.dedup();
    found
}

fn obstacle(root: &Path, path: &[u8], removed: &BTreeSet<&[u8]>) -> Option<Vec<u8>> {
    let ends = path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(i, _)| i);
    for end in ends {
        let parent = &path[..end];
        match root.join(OsStr::from_bytes(parent)).symlink_metadata() {
            Err(_) => return None,
            Ok(found) if found.is_dir() => {}
            Ok(_) if removed.contains(parent) => return None,
            Ok(_) => return Some(parent.to_vec()),
        }
    }
    let full = root.join(OsStr::from_bytes(path));
    let found = full.symlink_metadata().ok()?;
    let vanishes = found.is_dir() && vanishes(&full, path, removed);
    (!vanishes).then(|| path.to_vec())
}

/// Whether a folder holds nothing but files that the landing removes.
fn vanishes(folder: &Path, path: &[u8], removed: &BTreeSet<&[u8]>) -> bool {
    let Ok(entries) = folder.read_dir() else { return false };
    entries.into_iter().all(|entry| {
        let Ok(entry) = entry else { return false };
        let inner = [path, b"/", entry.file_name().as_bytes()].concat();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => vanishes(&entry.path(), &inner, removed),
            Ok(_) => removed.contains(inner.as_slice()),
            Err(_) => false,
        }
    })
}

/// Whether a file (or the target of a link) is `whole`, or its beginning, line ends of either kind.
pub(super) fn is_beginning_of(path: &Path, whole: &[u8]) -> bool {
    let Ok(found) = path.symlink_metadata() else { return false };
    if found.is_symlink() {
        return path.read_link().is_ok_and(|target| target.as_os_str().as_bytes() == whole);
    }
    if !found.is_file() {
        return false;
    }
    let Ok(bytes) = std::fs::read(path) else { return false };
    whole.starts_with(&bytes) || unix_lines(whole).starts_with(&unix_lines(&bytes))
}

fn unix_lines(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for (i, byte) in bytes.iter().enumerate() {
        if *byte != b'\r' || bytes.get(i + 1) != Some(&b'\n') {
            out.push(*byte);
        }
    }
    out
}
