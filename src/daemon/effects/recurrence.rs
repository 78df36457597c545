//! How often a bead failed in the same way before this claim.
//!
//! Owns the look back into the journal: earlier claims since a person last gave the bead back count, the
//! running one counts itself. What follows is `lifecycle`'s. Start with `Engine::recurrence`.

use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::domain::event::Body;
use crate::domain::signature::{Recurrence, Signature};
use crate::journal::read::Filter;
use crate::lifecycle::Story;

impl Engine {
    pub(super) fn recurrence(
        &self,
        story: &Story,
        source: &str,
        text: &str,
    ) -> Result<Recurrence, EngineError> {
        let signature = Signature::of(source, text);
        let journal = &self.house.journal;
        let filter = Filter::of(&story.project, &story.bead);
        let earlier = journal.stories_of(&story.project, &story.bead)?;
        let mut earlier: Vec<Story> = earlier.into_iter().filter(|s| s.id < story.id).collect();
        if let Some(first) = earlier.iter().find(|s| s.failures.contains(&signature)) {
            // A person who gives a bead back says that it shall be tried anew.
            let since = journal.events(first.id, &filter, usize::MAX)?;
            let by_hand = since.iter().rfind(|e| matches!(e.body, Body::ByHand { .. })).map_or(0, |e| e.seq);
            earlier.retain(|s| s.id > by_hand);
        }
        let times = earlier.iter().flat_map(|s| &s.failures).filter(|f| **f == signature).count();
        Ok(Recurrence { signature, before: u32::try_from(times).unwrap_or(u32::MAX) })
    }
}
