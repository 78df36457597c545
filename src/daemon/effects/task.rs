//! What the agent is told when its run begins.
//!
//! Owns the choice between a first prompt, a fix in the same conversation and a word to go on, and reads the
//! project's summary from the base commit. The words themselves are templates of the context room.

use crate::config::effective::Effective;
use crate::context::prompt::{Fix, Prompts, Work};
use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::domain::ids::base36;
use crate::lifecycle::Story;

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
        let summary = self.site.repo.summary(&story.order.base)?;
        Ok(prompts.work(&Work { bead: &bead, summary: &summary, gates, findings, nonce: &nonce })?)
    }
}
