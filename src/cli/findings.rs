//! `bead findings`: what reviews found, where each stands, and beads of those that are open.
//!
//! Owns the layout, the question before beads are made, and which findings are still an author's task. The fold of
//! the journal is `daemon::findings`', filing `daemon::filing`'s. Start with [`run`].

use std::collections::BTreeMap;
use std::io::IsTerminal as _;

use clap::Args as ClapArgs;
use serde_json::json;

use super::ask::{self, Enter};
use super::desk::{Desk, engine_error, journal_error, tracker_error};
use super::output::{DIM, STRONG, paint};
use super::{CliError, Exit};
use crate::config::review::CreateBeads;
use crate::daemon::filing::{Filing, Person, file};
use crate::daemon::findings::{Found, all};
use crate::daemon::house::{House, Site};
use crate::domain::clean;
use crate::domain::finding::Origin;
use crate::domain::ids::BeadId;
use crate::domain::verdict::{Entry, Filed, Standing};
use crate::review::judge::holding;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Only what reviews of this bead found
    id: Option<String>,
    /// Make beads of these open findings; without any, of all that are nobody's task
    #[arg(long, value_name = "FINGERPRINT", num_args = 0..)]
    create_beads: Option<Vec<String>>,
    /// Do not ask before
    #[arg(long, requires = "create_beads")]
    yes: bool,
}

/// Below a fingerprint.
const INDENT: &str = "              ";

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let (house, site) = desk.open().await?;
    let id = args.id.map(BeadId::new);
    if let Some(id) = &id {
        site.tracker.show(id).await.map_err(tracker_error)?;
    }
    let found = all(&house.journal, &site.id, id.as_ref()).map_err(journal_error)?;
    match args.create_beads {
        Some(wanted) => create(desk, (&house, &site), &found, (&wanted, args.yes)).await,
        None => {
            show(desk, &found);
            Ok(Exit::Done)
        }
    }
}

fn show(desk: &Desk, found: &[Found]) {
    if desk.output.json {
        desk.output.document(&found.iter().map(document).collect::<Vec<_>>());
        return;
    }
    if found.is_empty() {
        desk.output.say("no review found anything");
    }
    let mut last: Option<&BeadId> = None;
    for one in found {
        if last != Some(&one.bead) {
            desk.output.line(&paint(STRONG, &clean::clean_line(one.bead.as_str())));
            last = Some(&one.bead);
        }
        let Entry { fingerprint, finding, .. } = &one.entry;
        let severity = finding.severity.as_str();
        let room = desk.output.width.saturating_sub(INDENT.len() + 10);
        let title = clean::ellipsis(&finding.title, room);
        desk.output.line(&format!("  {fingerprint:<12}{severity:<8}  {title}"));
        let facts = format!("{}; {}; {}", place(&one.entry), origin(&one.entry), word(&one.entry));
        let room = desk.output.width.saturating_sub(INDENT.len());
        desk.output.line(&format!("{INDENT}{}", paint(DIM, &clean::ellipsis(&facts, room))));
    }
}

fn document(found: &Found) -> serde_json::Value {
    let Entry { fingerprint, finding, standing, first, last, priority, kind, .. } = &found.entry;
    let (word, became) = match standing {
        Standing::Open => ("open", None),
        Standing::Fixed => ("fixed", None),
        Standing::Filed { bead } => ("filed", Some(bead)),
        Standing::Waived { .. } => ("waived", None),
    };
    let why = if let Standing::Waived { reason } = standing { Some(reason) } else { None };
    json!({
        "bead": found.bead, "run": found.run, "at": found.at, "fingerprint": fingerprint,
        "title": finding.title, "detail": finding.detail, "file": finding.file, "line": finding.line,
        "severity": finding.severity.as_str(), "origin": origin(&found.entry), "standing": word,
        "filed_as": became, "why": why, "priority": priority, "issue_type": kind,
        "first_round": first, "last_round": last,
    })
}

fn place(entry: &Entry) -> String {
    let line = entry.finding.line.map(|line| format!(":{line}")).unwrap_or_default();
    entry.finding.file.as_ref().map_or_else(|| "no file".to_owned(), |file| format!("{file}{line}"))
}

fn origin(entry: &Entry) -> String {
    match entry.origin {
        Origin::PreExisting => "there before".to_owned(),
        Origin::ThisChange => "in this change".to_owned(),
        Origin::Fix(n) => format!("by fix {n}"),
    }
}

fn word(entry: &Entry) -> String {
    match &entry.standing {
        Standing::Open => "open".to_owned(),
        Standing::Fixed => "fixed".to_owned(),
        Standing::Filed { bead } => format!("is bead {bead}"),
        Standing::Waived { reason } => format!("no bead: {reason}"),
    }
}

async fn create(
    desk: &Desk,
    (house, site): (&House, &Site),
    found: &[Found],
    (wanted, yes): (&[String], bool),
) -> Result<Exit, CliError> {
    let chosen = choose(house, site, found, wanted)?;
    if chosen.is_empty() {
        desk.output.say("no finding is open that is nobody's task");
        return Ok(Exit::Done);
    }
    if !yes && !agreed(desk, &chosen).await? {
        desk.output.say("nothing was filed");
        return Ok(Exit::Done);
    }
    let mut filed = Vec::new();
    let mut left_out = 0;
    for (source, of_it) in by_bead(&chosen) {
        let entries: Vec<Entry> = of_it.iter().map(|one| one.entry.clone()).collect();
        let run = of_it.last().and_then(|one| one.run.as_ref());
        let create = CreateBeads::Ask;
        let filing = Filing { house, site, source, run, attempt: None, create, person: Person::Agreed };
        let outcome = file(&filing, &entries).await.map_err(engine_error)?;
        left_out += outcome.left_out;
        filed.extend(outcome.filed);
    }
    tell(desk, &filed, left_out);
    Ok(Exit::Done)
}

/// What was found in the work of each bead: one filing, under one cap.
fn by_bead<'a>(chosen: &[&'a Found]) -> BTreeMap<&'a BeadId, Vec<&'a Found>> {
    let mut all: BTreeMap<&BeadId, Vec<&Found>> = BTreeMap::new();
    for one in chosen {
        all.entry(&one.bead).or_default().push(one);
    }
    all
}

/// Those that were named, or all that are open and not the task of a running bead's author.
fn choose<'a>(
    house: &House,
    site: &Site,
    found: &'a [Found],
    wanted: &[String],
) -> Result<Vec<&'a Found>, CliError> {
    let is_open = |one: &&Found| one.entry.standing == Standing::Open;
    if wanted.is_empty() {
        let stories = house.journal.open_stories(Some(&site.id)).map_err(journal_error)?;
        let is_task = |one: &Found| {
            holding(std::slice::from_ref(&one.entry)).next().is_some()
                && stories.iter().any(|story| story.bead == one.bead)
        };
        return Ok(found.iter().filter(is_open).filter(|one| !is_task(one)).collect());
    }
    let mut chosen = Vec::new();
    for fingerprint in wanted {
        let Some(one) = found.iter().rev().find(|one| one.entry.fingerprint == *fingerprint) else {
            return Err(CliError::refused(format!("no finding has the fingerprint `{fingerprint}`"))
                .hint("`bead findings` lists them"));
        };
        if one.entry.standing != Standing::Open {
            return Err(CliError::refused(format!(
                "finding `{fingerprint}` is not open: {}",
                word(&one.entry)
            )));
        }
        chosen.push(one);
    }
    Ok(chosen)
}

async fn agreed(desk: &Desk, chosen: &[&Found]) -> Result<bool, CliError> {
    if desk.output.json || !std::io::stdin().is_terminal() {
        return Err(CliError::refused(
            "beads are made only after a person agreed, and there is no terminal to ask",
        )
        .hint("`--yes` agrees without being asked"));
    }
    for one in chosen {
        let text = format!("  {}  {}", one.entry.fingerprint, one.entry.finding.title);
        desk.output.say(&clean::ellipsis(&text, desk.output.width));
    }
    ask::agreed(&format!("make beads of these {}?", chosen.len()), Enter::Yes).await
}

fn tell(desk: &Desk, filed: &[Filed], left_out: u32) {
    if desk.output.json {
        desk.output.document(&json!({ "filed": filed, "left_out": left_out }));
        return;
    }
    for one in filed {
        let what = match (&one.bead, one.created) {
            (Some(bead), true) if one.proposed => format!("{bead}  proposed: {}", one.title),
            (Some(bead), true) => format!("{bead}  {}", one.title),
            _ => format!("-  {} ({})", one.title, one.why.as_deref().unwrap_or_default()),
        };
        desk.output.line(&clean::ellipsis(&what, desk.output.width));
    }
    if left_out > 0 {
        desk.output.say(&format!("{left_out} more are beyond tonight's limit or a review's, and stay open"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::filing::tests::entry;

    #[test]
    fn a_bead_whose_findings_do_not_stand_together_is_filed_for_once() {
        let found = |bead: &str, title: &str| Found {
            bead: BeadId::new(bead),
            run: None,
            at: chrono::DateTime::<chrono::Utc>::MIN_UTC,
            entry: entry(title, None, crate::domain::finding::Severity::Minor),
        };
        let all = [found("t-2", "a"), found("t-1", "b"), found("t-2", "c")];
        let chosen: Vec<&Found> = all.iter().collect();
        let counted: Vec<(&str, usize)> =
            by_bead(&chosen).into_iter().map(|(bead, of_it)| (bead.as_str(), of_it.len())).collect();
        assert_eq!(counted, [("t-1", 1), ("t-2", 2)]);
    }
}
