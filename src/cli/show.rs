//! `bead show`: one bead whole, with what Beadwork did for it.
//!
//! Owns the layout; every text of a bead is untrusted and cleaned here. Start with [`run`].

use clap::Args as ClapArgs;

use super::desk::{Desk, engine_error, journal_error, tracker_error};
use super::output::{DIM, Output, STRONG, paint};
use super::{CliError, Exit};
use crate::domain::bead::Bead;
use crate::domain::clean;
use crate::domain::ids::BeadId;
use crate::journal::read::Filter;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The bead
    id: String,
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let (house, site) = desk.open().await?;
    let id = BeadId::new(args.id);
    // Also the one place that finds the nearest ids when there is no such bead.
    let bead = site.tracker.show(&id).await.map_err(tracker_error)?;
    if desk.output.json {
        let snapshot = site.tracker.snapshot_around(&id).await.map_err(tracker_error)?;
        desk.output.document(&snapshot.shown(&id).into_iter().collect::<Vec<_>>());
        return Ok(Exit::Done);
    }
    let why = crate::daemon::queue::why(&house, &site, &id).await.map_err(engine_error)?;
    print(desk.output, &bead);
    desk.output.line("");
    desk.output.line(&clean::clean_line(&why.sentence));
    let filter = Filter { project: Some(site.id.clone()), bead: Some(id), run: None };
    let mut rows = house.journal.runs(&filter, 20).map_err(journal_error)?;
    house.mark_interrupted(&mut rows);
    for row in &rows {
        let text =
            format!("run {}  {}  {}  {}  ${:.2}", row.run, row.kind, row.started, row.state, row.cost_usd);
        desk.output.line(&paint(DIM, &text));
    }
    Ok(Exit::Done)
}

fn print(output: Output, bead: &Bead) {
    let head = format!("{}  {}", bead.id, bead.title);
    output.line(&paint(STRONG, &Output::fit(&head, output.width)));
    let assignee = bead.assignee.as_ref().map(|a| format!(", {a}")).unwrap_or_default();
    let facts = format!("{} P{} {}{assignee}", bead.issue_type, bead.priority, bead.status.as_str());
    output.line(&paint(DIM, &clean::clean_line(&facts)));
    if !bead.labels.is_empty() {
        output.line(&paint(DIM, &clean::clean_line(&format!("labels: {}", bead.labels.join(", ")))));
    }
    for dep in &bead.dependencies {
        output.line(&paint(DIM, &clean::clean_line(&format!("{} {}", dep.kind, dep.depends_on_id))));
    }
    for (name, text) in [
        ("", &bead.description),
        ("design", &bead.design),
        ("acceptance", &bead.acceptance_criteria),
        ("notes", &bead.notes),
    ] {
        if text.is_empty() {
            continue;
        }
        output.line("");
        if !name.is_empty() {
            output.line(&paint(DIM, name));
        }
        output.line(&clean::clean(text));
    }
    for comment in &bead.comments {
        output.line("");
        let at = comment.created_at.map(|t| t.format("%Y-%m-%d %H:%M").to_string()).unwrap_or_default();
        output.line(&paint(DIM, &clean::clean_line(&format!("{} {at}", comment.author))));
        output.line(&clean::clean(&comment.text));
    }
    if let Some(reason) = &bead.close_reason {
        output.line("");
        output.line(&clean::clean_line(&format!("closed: {reason}")));
    }
}
