//! Judgement over a change before it may enter the quarantine (T24).
//!
//! Owns the checks that git's own strict import does not make: submodules, links that leave the repository,
//! names that a case-folding disk takes for one. Names like `.git` are refused by `index-pack --strict`.
//! Start with [`hostile`].

use super::diff::Diff;
use super::git::{ObjectError, Objects};

/// A path that must not enter, with the check that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hostile {
    pub(crate) check: &'static str,
    pub(crate) why: String,
}

const LINK: u32 = 0o120_000;
const SUBMODULE: u32 = 0o160_000;

/// The first thing in the change that must not enter.
pub(crate) fn hostile(objects: &Objects, diff: &Diff) -> Result<Option<Hostile>, ObjectError> {
    if let Some(path) = diff.collisions.first() {
        let why = format!("`{}` differs from a neighbour's name by case only", String::from_utf8_lossy(path));
        return Ok(Some(Hostile { check: "case_collision", why }));
    }
    for change in &diff.changes {
        let shown = change.shown();
        let found = |check, why| Ok(Some(Hostile { check, why }));
        let modes = [&change.old, &change.new].map(|side| side.as_ref().map(|s| s.mode));
        if modes.contains(&Some(SUBMODULE)) {
            return found("submodule", format!("`{shown}` is a submodule that the change touches"));
        }
        if change.new.is_some() && change.path.eq_ignore_ascii_case(b".gitmodules") {
            return found("submodule", format!("the change touches `{shown}`"));
        }
        let Some(new) = change.new.as_ref().filter(|side| side.mode == LINK) else { continue };
        if new.size > 4096 {
            return found("symlink", format!("the link `{shown}` has a target of {} bytes", new.size));
        }
        let target = objects.blob(&new.oid, 4096)?;
        if let Some(fault) = leaves(&change.path, &target) {
            let target = String::from_utf8_lossy(&target).into_owned();
            return found("symlink", format!("the link `{shown}` to `{target}` {fault}"));
        }
    }
    Ok(None)
}

/// Why a link is not harmless. Only leading `..` count as harmless: the folders above a link are real, but
/// `a/..` goes up from wherever a link `a` leads.
pub(crate) fn leaves(path: &[u8], target: &[u8]) -> Option<&'static str> {
    if target.starts_with(b"/") {
        return Some("is absolute");
    }
    if target.is_empty() || target.contains(&0) {
        return Some("is not a path");
    }
    let depth = path.iter().filter(|b| **b == b'/').count();
    let (mut ups, mut downs) = (0, false);
    for part in target.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." if downs => return Some("goes up after going down"),
            b".." => ups += 1,
            _ if part.eq_ignore_ascii_case(b".git") => return Some("leads into a git directory"),
            _ => downs = true,
        }
    }
    (ups > depth).then_some("leaves the repository")
}
