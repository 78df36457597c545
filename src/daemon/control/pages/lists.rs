//! The pages that list: history, briefs and findings.
//!
//! Owns their queries. Start with [`history`].

use axum::extract::State;
use axum::response::Html;
use chrono::TimeDelta;
use serde::Deserialize;

use super::{Page, aside, settled};
use crate::daemon::control::problem::Problem;
use crate::daemon::control::{Desk, briefs};
use crate::daemon::house::House;
use crate::domain::ids::{BeadId, ProjectId};
use crate::domain::run::Outcome;
use crate::feed::brief::{self as told, Which};
use crate::feed::view::brief::BriefPage;
use crate::feed::view::findings::{self as found, Finding};
use crate::feed::view::history::{Wanted, rows};
use crate::feed::view::place;
use crate::feed::web::extract::Query;
use crate::feed::web::pages::{BriefHtml, FindingsHtml, HistoryHtml, Shell, html};
use crate::journal::{Journal, JournalError};

/// Ended claims that a search looks through.
const SEARCHED: usize = 5_000;
/// Findings are told of so many days.
const DAYS: i64 = 30;
const FINDINGS: usize = 300;
/// The events that tell of them.
const TOLD_BY: [&str; 3] = ["gates_failed", "reviewed", "findings_filed"];
const OUTCOMES: [&str; 8] =
    ["landed", "parked", "no_change", "blocked", "failed", "timeout", "cancelled", "suspended"];

/// What is asked for; whatever else a link has is not looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    q: String,
    project: String,
    outcome: String,
    page: usize,
    open: String,
}

pub(super) async fn history(State(desk): State<Desk>, Query(asked): Query<Asked>) -> Page {
    let wanted = Wanted {
        words: asked.q.chars().take(200).collect(),
        project: asked.project,
        outcome: asked.outcome,
        page: asked.page.min(SEARCHED),
    };
    let (journal, looked) = (desk.house.journal.clone(), wanted.clone());
    let gathered = aside(move || {
        let ended = journal.ended_stories(SEARCHED)?;
        let projects = journal.projects()?.into_iter().map(|p| (p.id.to_string(), p.name));
        Ok::<_, JournalError>((rows(&ended, &looked), projects.collect::<Vec<_>>()))
    });
    let ((rows, more), projects) = gathered.await??;
    let link = |page: usize| {
        let Wanted { words, project, outcome, .. } = &wanted;
        let [words, project, outcome] = [words, project, outcome].map(|text| place::segment(text));
        format!("/history?q={words}&project={project}&outcome={outcome}&page={page}")
    };
    let shell = Shell { nav: true, ..Shell::bare("history", "History") };
    Ok(Html(html(&HistoryHtml {
        shell,
        wanted: &wanted,
        projects: &projects,
        outcomes: &OUTCOMES,
        rows: &rows,
        newer: wanted.page.checked_sub(1).map(link),
        older: more.then(|| link(wanted.page + 1)),
    })))
}

/// The brief of one night; without a name, of the last.
pub(super) async fn brief(State(desk): State<Desk>, night: Option<axum::extract::Path<String>>) -> Page {
    let which = night.map_or(Which::Last, |axum::extract::Path(night)| Which::Named(night));
    let house = desk.house.clone();
    let zone = briefs::zone(&desk);
    let gathered = aside(move || {
        let now = house.clock.now();
        let since = house.journal.last_seq()?;
        let found = told::of(&house.journal, &which, now, zone)?;
        let page = found.as_ref().map(|found| BriefPage::of(found, &|bead| shown(&house.journal, bead)));
        Ok::<_, JournalError>((found.zip(page), told::nights(&house.journal, now)?, since))
    });
    let (found, nights, since) = gathered.await??;
    let Some((found, page)) = found else {
        return Err(Problem::gone("the journal knows no such night").into());
    };
    let at = nights.iter().position(|row| row.id == found.night.id);
    let link =
        |at: Option<usize>| at.and_then(|at| nights.get(at)).map(|n| (n.id.clone(), place::brief(&n.id)));
    let plots = told::plots(&found);
    let goes_on = found.night.state == told::NightState::SoFar;
    let stream = goes_on.then(|| "/api/events".to_owned());
    let shell = Shell { nav: true, stream, since, ..Shell::bare("brief", &page.headline) };
    Ok(Html(html(&BriefHtml {
        shell,
        night: &page.night,
        headline: &page.headline,
        opened: &page.opened,
        to: &page.to,
        sections: &page.sections,
        plots: &plots,
        earlier: link(at.map_or(nights.len().checked_sub(1), |at| at.checked_sub(1))),
        later: link(at.map(|at| at + 1)),
    })))
}

/// The kept work of a bead that waits with it: none where nothing was changed, or the bead was only proposed.
fn shown(journal: &Journal, bead: &told::BeadRef) -> Option<String> {
    let project = ProjectId::known(&bead.project)?;
    let last = journal.stories_of(&project, &BeadId::new(&*bead.id)).ok()?.pop()?;
    let waits = last.finish.outcome == Outcome::Parked && !last.is_open();
    last.tip.filter(|_| waits).map(|kept| kept.tip.to_string())
}

pub(super) async fn findings(State(desk): State<Desk>, Query(asked): Query<Asked>) -> Page {
    let open_only = asked.open == "1";
    let house = desk.house.clone();
    let gathered = aside(move || {
        let since = house.journal.last_seq()?;
        Ok::<_, JournalError>((newest_findings(&house, None)?, since))
    });
    let (mut findings, since) = gathered.await??;
    findings.retain(|finding| !open_only || finding.open || !finding.actions.is_empty());
    let stream = Some("/api/events".to_owned());
    let shell = Shell { nav: true, stream, since, ..Shell::bare("findings", "Findings") };
    Ok(Html(html(&FindingsHtml { shell, findings: &findings, open_only, days: DAYS })))
}

/// What was found lately, newest first: of one project, or of all.
pub(in crate::daemon::control) fn newest_findings(
    house: &House,
    project: Option<&ProjectId>,
) -> Result<Vec<Finding>, JournalError> {
    let since = house.clock.now() - TimeDelta::days(DAYS);
    let mut events = Vec::new();
    for kind in TOLD_BY {
        events.extend(house.journal.events_of(kind, since)?);
    }
    events.retain(|event| project.is_none_or(|project| event.project.as_ref() == Some(project)));
    events.sort_by_key(|event| event.seq);
    let mut findings = settled(&house.journal, found::collect(&events))?;
    findings.truncate(FINDINGS);
    Ok(findings)
}
