//! What a person left in a shell whose process was killed.
//!
//! Owns its way out of the clone, which is an ended shell's: exported, kept under the shell's run, and the bead's to go on
//! with unless the bead went on without it. What cannot be taken stays in its clone. Start with `Engine::gather_shell`.

use super::as_newest;
use crate::daemon::effects::export::Trouble;
use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::domain::event::{Body, Event, GivenBack};
use crate::domain::run::RunState;
use crate::journal::read::Filter;
use crate::lifecycle::Story;
use crate::workspace::import::Imported;

/// Who gives back what nobody ended.
const BY: &str = "a shell that was cut off";

/// After this the bead's way is another than from where the shell began.
fn goes_on(body: &Body) -> bool {
    match body {
        Body::Claiming { .. } => true,
        Body::GivenBack { how, .. } => match how {
            GivenBack::Reworked { .. } | GivenBack::Approved { .. } => true,
            GivenBack::Retried { fresh } => *fresh,
            GivenBack::Answered { .. } => false,
        },
        _ => false,
    }
}

impl Engine {
    /// Takes what is in the clone of a shell that began with this event. Its container is gone, and the bead's lock is held.
    pub(in crate::daemon) async fn gather_shell(&self, begun: &Event) -> Result<(), EngineError> {
        let (journal, site) = (&self.house.journal, &self.site);
        let (Some(run), Some(bead)) = (&begun.run, &begun.bead) else { return Ok(()) };
        let Body::RunStarted { outside: Some(outside), .. } = &begun.body else { return Ok(()) };
        if journal.open_story_of(&site.id, bead)?.is_some() {
            // Nothing is told into a story that goes on; afterwards there is time.
            return Ok(());
        }
        let stories = journal.stories_of(&site.id, bead)?;
        let of_shell = |story: &Story| story.id < begun.seq && story.tip.is_some();
        let (Some(story), Some(from)) = (stories.into_iter().rev().find(of_shell), &outside.from) else {
            return Ok(());
        };
        let (story, work) = as_newest(story, run, from, (String::new(), begun.at));
        let clone = self.house.places.clone_dir(run);
        if !clone.is_dir() {
            // Cut off before it was whole: the shell began after that, so nobody has written there.
            site.repo.remove_clone(&clone)?;
            return self.shell_ended(&story, RunState::Cancelled);
        }
        match self.import(&story, &work).await {
            Ok(Imported::Work(import)) if import.tip != *from => {
                site.repo.publish(run).await?;
                let since = journal.events(begun.seq, &Filter::of(&site.id, bead), usize::MAX)?;
                let later = since.iter().any(|event| event.run.as_ref() != Some(run) && goes_on(&event.body));
                let kept = format!(
                    "a shell was cut off; what was left in it is kept as {} ({})",
                    run.ref_name(),
                    import.tip.short()
                );
                let body = if later {
                    Body::Notice { text: format!("{kept}, but the bead went on without it") }
                } else {
                    let how = GivenBack::Reworked { run: run.clone(), tip: import.tip };
                    Body::GivenBack { by: BY.to_owned(), how }
                };
                self.tell_of(&story, body)?;
            }
            Ok(Imported::Work(_) | Imported::Unchanged) => {}
            Err(Trouble::Rejected(why)) => {
                let text = format!(
                    "what was left in a shell that was cut off could not be taken: {why}; it is in {}",
                    clone.display()
                );
                self.tell_of(&story, Body::Notice { text })?;
                return self.shell_ended(&story, RunState::Failed);
            }
            Err(Trouble::Failed(error)) => return Err(error),
        }
        self.shell_ended(&story, RunState::Completed)?;
        site.repo.remove_clone(&clone)?;
        Ok(())
    }
}
