//! Whether the run that a person names is one to act on: what is said to another run, nobody meant.
//!
//! Owns two refusals: of a run outside any claim, and of one that an earlier claim had, while a newer one stands. It changes
//! nothing. Start with [`of_a_claim`].

use super::table::Verb;
use crate::daemon::error::EngineError;
use crate::daemon::refusal::Refusal;
use crate::domain::event::{Body, Event};
use crate::domain::ids::{BeadId, RunId};
use crate::domain::run::RunKind;
use crate::journal::Journal;
use crate::journal::read::Filter;

/// Refuses a verb where the run that was named is not the bead's work as it stands: it belongs to no claim (a review that
/// somebody asked for, a shell, gates before a close), or to one that another claim followed.
pub fn of_a_claim(journal: &Journal, run: &RunId, verb: Verb) -> Result<(), EngineError> {
    let filter = Filter { run: Some(run.clone()), ..Filter::default() };
    let events = journal.events(0, &filter, usize::MAX)?;
    if matches!(verb, Verb::Cancel | Verb::Pause | Verb::Resume | Verb::Send) {
        within_a_claim(&events, run, verb)?;
    }
    of_the_newest(journal, &events, run, verb)
}

fn within_a_claim(events: &[Event], run: &RunId, verb: Verb) -> Result<(), EngineError> {
    let outside = events.iter().find_map(|event| match &event.body {
        Body::RunStarted { kind, outside: Some(_), .. } => Some((*kind, event.bead.as_ref()?)),
        _ => None,
    });
    let Some((kind, bead)) = outside else { return Ok(()) };
    let (verb, kind_word) = (verb.word(), kind.as_str());
    let how = match kind {
        RunKind::Review => {
            "whoever asked for it takes it back: Ctrl-C there, or its own `cancel` over the API"
        }
        RunKind::Shell => "it ends when its person leaves it",
        _ => "it ends by itself",
    };
    let said = format!("`bead {verb}` makes no sense for run `{run}`: it is a {kind_word} outside any claim");
    let bead = format!("`bead {verb} {bead}` is for the bead's own work");
    Err(Refusal::new(said).hint(how).hint(bead).into())
}

/// A claim that was lost before it had anything followed nothing.
fn of_the_newest(journal: &Journal, events: &[Event], run: &RunId, verb: Verb) -> Result<(), EngineError> {
    let Some(first) = events.first() else { return Ok(()) };
    let (Some(project), Some(bead)) = (&first.project, &first.bead) else { return Ok(()) };
    let stories = journal.stories_of(project, bead)?;
    let stands = stories.iter().rev().find(|s| s.is_open() || s.tip.is_some() || !s.runs.is_empty());
    let Some(newer) = stands.filter(|story| story.id > first.seq) else { return Ok(()) };
    Err(earlier(run, bead, newer.run().or(newer.runs.last()), verb).into())
}

fn earlier(run: &RunId, bead: &BeadId, newer: Option<&RunId>, verb: Verb) -> Refusal {
    let verb = verb.word();
    let now = newer.map_or_else(String::new, |newer| format!(", whose run is `{newer}`"));
    let said =
        format!("run `{run}` belongs to an earlier claim of bead `{bead}`: a newer one followed it{now}");
    let name = newer.map_or(bead.as_str(), RunId::as_str);
    Refusal::new(said).hint(format!("`bead {verb} {name}` is for the bead as it stands"))
}
