//! Paths whose change waits for a person, whatever the gates say (T17).
//!
//! Owns the comparison with the list of files that others execute later, and with a manifest's own scripts,
//! without regard to case and to the tricks that file systems forgive. It lifts nothing: approving is for a
//! later issue. Start with [`held`].

mod list;

use crate::config::project::Globs;

use list::{FOLDERS, NAMES, SCRIPTS, SHAPES};

/// One path that differs between base and work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed<'a> {
    pub path: &'a str,
    /// Where a rename came from.
    pub from: Option<&'a str>,
    /// The target, where the new entry is a symbolic link.
    pub link: Option<&'a str>,
}

/// Which version of a file is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Base,
    Work,
}

/// A path that a person has to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub path: String,
    pub why: String,
}

/// All changed paths that wait for a person. `globs` are the project's own; `read` gives a file's bytes on one
/// side, `None` where it is not there.
pub fn held(
    changes: &[Changed<'_>],
    globs: &Globs,
    read: &dyn Fn(Side, &str) -> Option<Vec<u8>>,
) -> Vec<Held> {
    let mut all = Vec::new();
    for change in changes {
        let link = change.link.map(|target| resolve(change.path, target));
        let names = [Some(change.path), change.from, link.as_deref()];
        let why = names
            .into_iter()
            .flatten()
            .find_map(|path| reason(path, globs))
            .or_else(|| scripts(change, read));
        if let Some(why) = why {
            all.push(Held { path: change.path.to_owned(), why });
        }
    }
    all
}

fn reason(path: &str, globs: &Globs) -> Option<String> {
    let parts: Vec<String> = path.split(['/', '\\']).filter(|part| !part.is_empty()).map(plain).collect();
    let name = parts.last()?;
    let folder = |folder: &str| {
        let wanted: Vec<&str> = folder.split('/').collect();
        // At any depth: a tool may be started in any folder.
        parts.windows(wanted.len()).any(|at| at.iter().zip(&wanted).all(|(a, b)| a == b))
    };
    let shape = |begin: &str, end: &str| {
        name.len() > begin.len() + end.len() && name.starts_with(begin) && name.ends_with(end)
    };
    let shaped = |begin: &str, end: &str| shape(begin, end) || *name == format!("{begin}{end}");
    let found = FOLDERS.iter().find(|(wanted, _)| folder(wanted)).map(|(_, why)| *why);
    let found = found.or_else(|| NAMES.iter().find(|(wanted, _)| name == wanted).map(|(_, why)| *why));
    let found =
        found.or_else(|| SHAPES.iter().find(|(begin, end, _)| shaped(begin, end)).map(|(_, _, why)| *why));
    // A link or file in the place of a folder's parent hides the folder behind it.
    let parent = FOLDERS.iter().find(|(wanted, _)| {
        wanted.split_once('/').is_some_and(|(first, _)| parts.len() == 1 && parts[0] == first)
    });
    let found = found.or_else(|| parent.map(|(_, why)| *why)).map(str::to_owned);
    found.or_else(|| {
        globs
            .matching(&parts.join("/"))
            .or_else(|| globs.matching(path))
            .map(|glob| format!("bead.yaml protects `{glob}`"))
    })
}

/// One part of a path as a forgiving file system reads it: no case, no trailing dots, spaces or streams, and
/// none of the characters that HFS+ ignores.
fn plain(part: &str) -> String {
    let ignored = |c: char| matches!(c, '\u{200C}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{206A}'..='\u{206F}' | '\u{FEFF}');
    let kept: String = part.chars().filter(|c| !ignored(*c)).flat_map(char::to_lowercase).collect();
    // The long s and the Kelvin sign fold to ASCII letters on such systems.
    let kept = kept.replace('\u{17F}', "s").replace('\u{212A}', "k");
    let kept = kept.split(':').next().unwrap_or_default();
    kept.trim_end_matches([' ', '.']).to_owned()
}

/// Where a link leads, by its text alone; what leaves the tree keeps its last part.
fn resolve(path: &str, target: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    if target.starts_with('/') {
        parts.clear();
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// A manifest is held only when the commands in it differ, or when nobody can tell.
fn scripts(change: &Changed<'_>, read: &dyn Fn(Side, &str) -> Option<Vec<u8>>) -> Option<String> {
    let name = plain(change.path.rsplit('/').next()?);
    let (manifest, keys) = SCRIPTS.iter().find(|(manifest, _)| name == *manifest)?;
    let (old, new) = (read(Side::Base, change.from.unwrap_or(change.path)), read(Side::Work, change.path));
    if old == new && change.from.is_none() {
        return None;
    }
    let parse = |bytes: Option<Vec<u8>>| match bytes {
        None => Ok(serde_json::Value::Null),
        Some(bytes) => serde_json::from_slice::<serde_json::Value>(&bytes),
    };
    let (Ok(old), Ok(new)) = (parse(old), parse(new)) else {
        return Some(format!("{manifest} cannot be read, so its scripts are unknown"));
    };
    let key = keys.iter().find(|key| old.get(**key) != new.get(**key))?;
    Some(format!("package managers run its `{key}`"))
}

#[cfg(test)]
mod tests;
