//! The question at the end of `bead work`: what its reviews found became proposed beads, shall they be worked on?
//!
//! Owns which beads these are, and the question. In the middle of the work nobody is asked, for a landing would wait for
//! the answer; so they are made as where nobody is there (rules 16.3), and a yes approves them. Start with [`ask`].

use std::io::IsTerminal as _;

use super::CliError;
use super::ask::{self, Enter};
use super::desk::{Desk, journal_error};
use crate::daemon::hand::Ask;
use crate::domain::clean;
use crate::domain::event::{Body, Event};
use crate::domain::ids::BeadId;
use crate::domain::verdict::Filed;
use crate::journal::read::Filter;

/// Asks about what was proposed for these beads after event `since`, where a person is at the terminal.
pub(super) async fn ask(desk: &Desk, beads: &[BeadId], since: u64) -> Result<(), CliError> {
    if desk.output.json || !std::io::stdin().is_terminal() {
        return Ok(());
    }
    let house = desk.house()?;
    let site = desk.site_in(&house).await?;
    let filter = Filter { project: Some(site.id.clone()), ..Filter::default() };
    let events = house.journal.events(since, &filter, usize::MAX).map_err(journal_error)?;
    let proposed = proposed(&events, beads);
    if proposed.is_empty() {
        return Ok(());
    }
    for one in &proposed {
        let bead = one.bead.as_ref().map_or("", |bead| bead.as_str());
        desk.output.say(&clean::ellipsis(&format!("  {bead}  {}", one.title), desk.output.width));
    }
    let question = format!("reviews found these {} and proposed beads: open them?", proposed.len());
    if !ask::agreed(&question, Enter::No).await? {
        desk.output.say("they stay proposed; `bead approve ID` opens one");
        return Ok(());
    }
    for bead in proposed.iter().filter_map(|one| one.bead.as_ref()) {
        // What it does for other verbs leads to `bead work` again.
        Box::pin(super::hand::run(desk, bead.as_str(), Ask::Approve)).await?;
    }
    Ok(())
}

/// The beads that were made of findings, and wait for a person.
fn proposed<'a>(events: &'a [Event], beads: &[BeadId]) -> Vec<&'a Filed> {
    let ours = |event: &&Event| event.bead.as_ref().is_some_and(|bead| beads.contains(bead));
    let filed = events.iter().filter(ours).filter_map(|event| match &event.body {
        Body::FindingsFiled { filed, .. } => Some(filed),
        _ => None,
    });
    filed.flatten().filter(|one| one.created && one.proposed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_made_and_waits_is_asked_about() {
        let filed = |bead: &str, created, proposed| Filed {
            fingerprint: "f".into(),
            title: "t".into(),
            bead: Some(BeadId::new(bead)),
            created,
            proposed,
            why: None,
        };
        let told = |bead: &str, filed: Vec<Filed>| Event {
            seq: 1,
            at: chrono::Utc::now(),
            project: None,
            bead: Some(BeadId::new(bead)),
            run: None,
            attempt: None,
            body: Body::FindingsFiled { filed, left_out: 0 },
        };
        let events = [
            told("t-1", vec![filed("t-2", true, true), filed("t-3", true, false), filed("t-4", false, true)]),
            told("t-9", vec![filed("t-5", true, true)]),
        ];
        let asked: Vec<&str> = proposed(&events, &[BeadId::new("t-1")])
            .into_iter()
            .filter_map(|one| one.bead.as_ref().map(BeadId::as_str))
            .collect();
        assert_eq!(asked, ["t-2"]);
    }
}
