//! The commit that would land: base and work, merged in the quarantine.
//!
//! Owns the stripping of the tracker's files (rules 1.2), the deterministic merge commit and its message
//! (rules 2.6): the same inputs give the same commit id again, so a redo after a crash changes nothing. It
//! runs in the quarantine only. Start with [`merge`].

use chrono::{DateTime, Utc};

use super::git::{Entry, ObjectError};
use super::program::{Call, GitError, Verb};
use super::quarantine::{Quarantine, QuarantineError};
use crate::domain::ids::{BadOid, BeadId, Oid, RunId};

/// Whose name stands in merge commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub name: String,
    pub email: String,
}

impl Default for Identity {
    fn default() -> Self {
        Self { name: "Beadwork".to_owned(), email: "bead@localhost".to_owned() }
    }
}

/// All that a merge commit is made of.
#[derive(Debug, Clone)]
pub struct MergeRequest<'a> {
    /// The tip of the branch to land on; in the quarantine.
    pub target: &'a Oid,
    /// The imported work.
    pub tip: &'a Oid,
    /// What the work was begun on: its tracker files stand in the work's place.
    pub base: &'a Oid,
    pub bead: &'a BeadId,
    pub title: &'a str,
    pub run: &'a RunId,
    pub date: DateTime<Utc>,
    pub identity: &'a Identity,
    pub purpose: Purpose,
}

/// What a merge is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To land: its message names bead and run.
    Landing,
    /// To be worked on: the target's changes come into kept work.
    Union,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    /// Parents of `commit`: the target's tip, then the work (with its tracker files restored).
    Clean { commit: Oid, tree: Oid },
    /// Both sides changed these paths (lossy UTF-8) and git could not unite them. Parents of `commit`: the work,
    /// then the target's tip; its tree has conflict markers where they met.
    Conflict { paths: Vec<String>, commit: Oid },
}

/// A merge that could not be tried.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    #[error(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    Objects(#[from] ObjectError),
    #[error(transparent)]
    Quarantine(#[from] QuarantineError),
    #[error(transparent)]
    Id(#[from] BadOid),
    #[error("`git merge-tree` answered without a tree")]
    NoTree,
}

/// Makes the commit that would land. Writes objects, moves no ref.
pub async fn merge(quarantine: &Quarantine, request: &MergeRequest<'_>) -> Result<Merged, MergeError> {
    let desk = Desk { quarantine, request };
    let work = desk.without_tracker().await?;
    let sides = [request.target.as_str(), work.as_str()];
    let tried = quarantine.call(Verb::MergeTree).args(sides).run().await?;
    if !matches!(tried.code, 0 | 1) {
        return Err(tried.failed("merge-tree", quarantine.path().to_owned()).into());
    }
    let mut fields = tried.fields();
    let tree = fields.next().ok_or(MergeError::NoTree)?;
    let tree = Oid::parse(&String::from_utf8_lossy(tree))?;
    if tried.code == 1 {
        let mut paths: Vec<String> = fields.map(|p| String::from_utf8_lossy(p).into_owned()).collect();
        paths.dedup();
        let tree = desk.with_tracker_of(&tree, request.target).await?;
        // No trailers: it is on the way to the target, and only what lands carries a run's name.
        let commit = desk.commit(&tree, &[&work, request.target], UNITED).await?;
        return Ok(Merged::Conflict { paths, commit });
    }
    // Rename detection may move files into a folder of the other side; the tracker's stays the target's.
    let tree = desk.with_tracker_of(&tree, request.target).await?;
    let message = match request.purpose {
        Purpose::Landing => message(request),
        Purpose::Union => UNION.to_owned(),
    };
    let commit = desk.commit(&tree, &[request.target, &work], &message).await?;
    Ok(Merged::Clean { commit, tree })
}

const UNION: &str = "Take the target's changes into the work\n";
const UNITED: &str = "Unite work and target, conflicts still in it\n";

/// One line of at most 72 characters, then trailers in a paragraph of their own.
fn message(request: &MergeRequest<'_>) -> String {
    let id = one_line(request.bead.as_str(), 200);
    let id = if id == request.bead.as_str() { id } else { request.bead.slug() };
    let subject = match one_line(request.title, 72) {
        empty if empty.is_empty() => format!("Bead {}", one_line(&id, 60)),
        subject => subject,
    };
    format!("{subject}\n\nBead: {id}\nBead-Run: {}\n", request.run)
}

/// Text without line breaks, control and invisible characters, with single spaces, `max` characters at most.
pub(crate) fn one_line(text: &str, max: usize) -> String {
    let visible: String = text
        .chars()
        .filter_map(|c| match c {
            '\u{2028}' | '\u{2029}' => Some(' '),
            c if c.is_control() || c.is_whitespace() => Some(' '),
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => None,
            c => Some(c),
        })
        .collect();
    let words = visible.split(' ').filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ");
    let short: String = words.chars().take(max).collect();
    short.trim_end().to_owned()
}

struct Desk<'a> {
    quarantine: &'a Quarantine,
    request: &'a MergeRequest<'a>,
}

impl Desk<'_> {
    /// The work itself where it left the tracker alone, else one commit on top that restores it.
    async fn without_tracker(&self) -> Result<Oid, MergeError> {
        let tree = self.quarantine.objects()?.tree_of(self.request.tip)?;
        let restored = self.with_tracker_of(&tree, self.request.base).await?;
        if restored == tree {
            return Ok(self.request.tip.clone());
        }
        self.commit(&restored, &[self.request.tip], "Leave the tracker's files to the tracker\n").await
    }

    /// The tree with the `.beads` that `commit` has (or with none, where that has none).
    async fn with_tracker_of(&self, tree: &Oid, commit: &Oid) -> Result<Oid, MergeError> {
        let is_tracker = |e: &Entry| e.name.eq_ignore_ascii_case(b".beads");
        let (own, wanted) = {
            let objects = self.quarantine.objects()?;
            (objects.tree(tree)?, objects.tree(&objects.tree_of(commit)?)?)
        };
        let here: Vec<&Entry> = own.iter().filter(|e| is_tracker(e)).collect();
        let there: Vec<&Entry> = wanted.iter().filter(|e| is_tracker(e)).collect();
        if here == there {
            return Ok(tree.clone());
        }
        let mut listing = Vec::new();
        for entry in own.iter().filter(|e| !is_tracker(e)).chain(there) {
            let kind = match entry.mode {
                0o040_000 => "tree",
                0o160_000 => "commit",
                _ => "blob",
            };
            listing.extend_from_slice(format!("{:06o} {kind} {}\t", entry.mode, entry.oid).as_bytes());
            listing.extend_from_slice(&entry.name);
            listing.push(0);
        }
        // `--missing` is for submodules, whose commits are never here.
        let made = self.quarantine.call(Verb::MkTree).arg("--missing").input(listing).ok().await?;
        Ok(Oid::parse(&made.line())?)
    }

    async fn commit(&self, tree: &Oid, parents: &[&Oid], message: &str) -> Result<Oid, MergeError> {
        let mut call = self.signed(self.quarantine.call(Verb::CommitTree)).arg(tree.as_str());
        for parent in parents {
            call = call.args(["-p", parent.as_str()]);
        }
        let made = call.args(["-F", "-"]).input(message).ok().await?;
        Ok(Oid::parse(&made.line())?)
    }

    fn signed<'c>(&self, call: Call<'c>) -> Call<'c> {
        let clean = |text: &str| one_line(&text.replace(['<', '>'], ""), 200);
        let (name, email) = (clean(&self.request.identity.name), clean(&self.request.identity.email));
        let date = format!("@{} +0000", self.request.date.timestamp().max(0));
        ["AUTHOR", "COMMITTER"].into_iter().fold(call, |call, who| {
            call.env(&format!("GIT_{who}_NAME"), &name)
                .env(&format!("GIT_{who}_EMAIL"), &email)
                .env(&format!("GIT_{who}_DATE"), &date)
        })
    }
}

#[cfg(test)]
mod tests;
