//! What a repository remembers: refs, reflogs and messages, for the checker.
//!
//! Owns three read-only questions about a repository's past. It judges nothing. Start with `Objects::messages`.

use std::collections::BTreeMap;

use super::{ObjectError, Objects, id};
use crate::domain::ids::Oid;

impl Objects {
    /// All refs whose full name begins so, with the commits they stand at.
    pub fn refs_under(&self, prefix: &str) -> Result<BTreeMap<String, Oid>, ObjectError> {
        let raw = self.at(|repo| {
            let mut found = Vec::new();
            for reference in repo.references_glob(&format!("{prefix}*"))? {
                let reference = reference?;
                let name = String::from_utf8_lossy(reference.name_bytes()).into_owned();
                if let Some(target) = reference.target() {
                    found.push((name, target.to_string()));
                }
            }
            Ok(found)
        })?;
        raw.into_iter().map(|(name, oid)| Ok((name, Oid::parse(&oid)?))).collect()
    }

    /// Whether the branch's reflog says that it stood at this commit once.
    pub fn has_been_at(&self, branch: &str, commit: &Oid) -> Result<bool, ObjectError> {
        self.at(|repo| {
            let log = repo.reflog(&format!("refs/heads/{branch}"))?;
            let wanted = id(commit)?;
            Ok(log.iter().any(|entry| entry.id_new() == wanted || entry.id_old() == wanted))
        })
    }

    /// The newest `max` commits reachable from `tip` with their whole messages.
    pub fn messages(&self, tip: &Oid, max: usize) -> Result<Vec<(Oid, String)>, ObjectError> {
        let raw = self.at(|repo| {
            let mut walk = repo.revwalk()?;
            walk.push(id(tip)?)?;
            walk.take(max)
                .map(|oid| {
                    let commit = repo.find_commit(oid?)?;
                    let message = String::from_utf8_lossy(commit.message_raw_bytes()).into_owned();
                    Ok((commit.id().to_string(), message))
                })
                .collect::<Result<Vec<_>, git2::Error>>()
        })?;
        raw.into_iter().map(|(oid, message)| Ok((Oid::parse(&oid)?, message))).collect()
    }
}
