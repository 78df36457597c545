//! Attributes that would make the user's git run a program over landed content.
//!
//! Owns the question to `git check-attr`, asked of the new tree through an index of our own and of the work
//! tree as it stands: a landed `.gitattributes` runs the user's smudge filter. Start with
//! [`Ground::filtered`].

use std::path::PathBuf;

use super::{Ground, LandError};
use crate::workspace::program::Verb;

const ASKED: [&str; 2] = ["filter", "working-tree-encoding"];

impl Ground<'_> {
    /// Changed paths with `filter` or `working-tree-encoding`, by the new tree's attributes or the present.
    pub(super) async fn filtered(&self) -> Result<Vec<Vec<u8>>, LandError> {
        let index = Scratch::beside(self.request.notes)?;
        let read = self.call(Verb::ReadTree).env("GIT_INDEX_FILE", &index.0).arg(self.request.new.as_str());
        read.config("core.splitIndex=false")
            .config("core.untrackedCache=false")
            .config("index.sparse=false")
            .ok()
            .await?;
        let mut paths = Vec::new();
        for change in &self.changes {
            paths.extend_from_slice(&change.path);
            paths.push(0);
        }
        let landed = self.call(Verb::CheckAttr).env("GIT_INDEX_FILE", &index.0).arg("--cached").args(ASKED);
        let present = self.call(Verb::CheckAttr).env("GIT_INDEX_FILE", &index.0).args(ASKED);
        let mut found = Vec::new();
        for call in [landed, present] {
            let answer = call.input(paths.clone()).ok().await?;
            // Triples of path, attribute, value, each ended by NUL.
            let fields: Vec<&[u8]> = answer.stdout.split(|b| *b == 0).collect();
            for triple in fields.chunks_exact(3) {
                if !matches!(triple[2], b"unspecified" | b"unset") {
                    found.push(triple[0].to_vec());
                }
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
    }
}

/// A temporary index, gone with its lock when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn beside(notes: &std::path::Path) -> Result<Self, LandError> {
        let path = notes.with_extension("index");
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)
                .map_err(|source| LandError::Io { path: parent.to_owned(), source })?;
        }
        let scratch = Self(path);
        scratch.clear();
        Ok(scratch)
    }

    fn clear(&self) {
        let _ = std::fs::remove_file(&self.0);
        let _ = std::fs::remove_file(self.0.with_extension("index.lock"));
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.clear();
    }
}
