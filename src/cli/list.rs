//! `bead list`: beads as the tracker has them.
//!
//! Owns the filters and the one-line shape of a bead, which `ready` shares. Start with [`run`].

use clap::Args as ClapArgs;

use super::desk::{Desk, tracker_error};
use super::output::{DIM, Output, STRONG, paint};
use super::{CliError, Exit};
use crate::domain::bead::{Bead, Status};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Only beads with one of these statuses
    #[arg(long, short, value_name = "STATUS", value_delimiter = ',')]
    status: Vec<String>,
    /// Only beads of this type
    #[arg(long = "type", short = 't', value_name = "TYPE")]
    kind: Option<String>,
    /// Only beads with this priority
    #[arg(long, short, value_name = "0..4", value_parser = clap::value_parser!(i64).range(0..=4))]
    priority: Option<i64>,
    /// Only beads with all these labels
    #[arg(long, short, value_name = "LABEL")]
    label: Vec<String>,
    /// Only beads of this assignee
    #[arg(long, short, value_name = "NAME")]
    assignee: Option<String>,
    /// Closed beads too
    #[arg(long)]
    all: bool,
}

impl Args {
    fn wants(&self, bead: &Bead) -> bool {
        let status = if self.status.is_empty() {
            self.all || !matches!(bead.status, Status::Closed | Status::Tombstone)
        } else {
            self.status.iter().any(|s| s == bead.status.as_str())
        };
        status
            && self.kind.as_ref().is_none_or(|k| *k == bead.issue_type)
            && self.priority.is_none_or(|p| p == bead.priority)
            && self.label.iter().all(|l| bead.has_label(l))
            && self.assignee.as_ref().is_none_or(|a| bead.assignee.as_ref() == Some(a))
    }
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let (_, site) = desk.open().await?;
    let snapshot = site.tracker.snapshot().await.map_err(tracker_error)?;
    let mut beads: Vec<&Bead> = snapshot.beads.iter().filter(|b| args.wants(b)).collect();
    beads.sort_by(|a, b| (a.priority, a.created_at, &a.id).cmp(&(b.priority, b.created_at, &b.id)));
    if desk.output.json {
        let values: Vec<_> = beads.iter().filter_map(|b| snapshot.json(&b.id)).collect();
        desk.output.document(&values);
        return Ok(Exit::Done);
    }
    if beads.is_empty() && snapshot.beads.is_empty() {
        desk.output.say("no beads; `bead add \"what is to be done\"` makes one");
    } else if beads.is_empty() {
        desk.output.say("none of the beads matches; `bead list --all` lists every one");
    }
    for bead in beads {
        desk.output.line(&line(desk.output, bead));
    }
    Ok(Exit::Done)
}

/// One bead on one line; `ready` uses it too.
pub(super) fn line(output: Output, bead: &Bead) -> String {
    let id = Output::fit(bead.id.as_str(), 24);
    let head = format!(
        "{id:<12} P{} {:<8} {:<11} ",
        bead.priority,
        Output::fit(&bead.issue_type, 8),
        Output::fit(bead.status.as_str(), 11)
    );
    let room = output.width.saturating_sub(head.chars().count()).max(20);
    let tail = head.strip_prefix(&id).unwrap_or(&head).to_owned();
    format!("{}{}{}", paint(STRONG, &id), paint(DIM, &tail), Output::fit(&bead.title, room))
}
