//! What the agent is told when its run begins.
//!
//! Owns the choice between a first prompt, a fix in the same conversation and a word to go on, and reads the
//! project's summary from the base commit. The words themselves are templates of the context room.

use crate::config::effective::Effective;
use crate::context::Files;
use crate::context::project::Summary;
use crate::context::prompt::{Fix, Prompts, Work};
use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::domain::ids::{Oid, base36};
use crate::lifecycle::Story;
use crate::workspace::git::Objects;

/// Files larger than this say nothing about a project that a prompt could use.
const READ_CAP: u64 = 256 << 10;
/// A tree with more files is summarised from its beginning.
const LISTED: usize = 20_000;
const COMMITS: usize = 10;

impl Engine {
    pub(in crate::daemon) async fn task(
        &self,
        story: &Story,
        settings: &Effective,
    ) -> Result<String, EngineError> {
        let resumed = story.work.as_ref().filter(|w| w.resume);
        if let Some(why) = resumed.and_then(|w| w.resumed.as_ref()) {
            return Ok(format!("Your run was interrupted ({why}). Continue from where you left off."));
        }
        let bead = self.site.tracker.show(&story.bead).await?;
        let nonce = base36(self.house.ids.bytes(), 12);
        let prompts = Prompts::embedded();
        let gates = if story.order.no_gates { &[][..] } else { &settings.gates[..] };
        let findings = &story.findings[..];
        if resumed.is_some() && story.attempt > 1 {
            return Ok(prompts.fix(&Fix { bead: &bead, gates, findings, nonce: &nonce })?);
        }
        let summary = self.summary(&story.order.base)?;
        Ok(prompts.work(&Work { bead: &bead, summary: &summary, gates, findings, nonce: &nonce })?)
    }

    fn summary(&self, base: &Oid) -> Result<Summary, EngineError> {
        let objects = self.site.quarantine.objects()?;
        let commits: Vec<String> = objects.recent(base, COMMITS)?.into_iter().map(|c| c.subject).collect();
        let files = CommitFiles { listed: objects.list(base, LISTED)?, objects: &objects, base };
        Ok(Summary::of(&files, &commits))
    }
}

/// The files of a commit, read from the quarantine and never from a work tree.
struct CommitFiles<'a> {
    objects: &'a Objects,
    base: &'a Oid,
    listed: Vec<crate::workspace::git::Listed>,
}

impl Files for CommitFiles<'_> {
    fn list(&self) -> Vec<String> {
        self.listed.iter().map(|f| f.path.clone()).collect()
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.objects.file_at(self.base, path, READ_CAP).ok().flatten()
    }
}
