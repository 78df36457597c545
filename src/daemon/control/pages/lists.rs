//! The pages that list: history, briefs and findings.
//!
//! Owns their queries. Start with [`history`].

use axum::extract::State;
use axum::response::Html;
use chrono::TimeDelta;
use serde::Deserialize;

use super::{Page, aside};
use crate::daemon::control::problem::Problem;
use crate::daemon::control::{Desk, briefs};
use crate::feed::brief::{self as told, Which};
use crate::feed::view::brief::BriefPage;
use crate::feed::view::history::{Wanted, rows};
use crate::feed::view::{findings as found, place};
use crate::feed::web::extract::Query;
use crate::feed::web::pages::{BriefHtml, FindingsHtml, HistoryHtml, Shell, html};
use crate::journal::JournalError;

/// Ended claims that a search looks through.
const SEARCHED: usize = 5_000;
/// Findings are told of so many days.
const DAYS: i64 = 30;
const FINDINGS: usize = 300;
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
        let found = told::of(&house.journal, &which, now, zone)?;
        Ok::<_, JournalError>((found, told::nights(&house.journal, now)?, house.journal.last_seq()?))
    });
    let (found, nights, since) = gathered.await??;
    let Some(found) = found else { return Err(Problem::gone("the journal knows no such night").into()) };
    let at = nights.iter().position(|row| row.id == found.night.id);
    let link =
        |at: Option<usize>| at.and_then(|at| nights.get(at)).map(|n| (n.id.clone(), place::brief(&n.id)));
    let page = BriefPage::of(&found);
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

pub(super) async fn findings(State(desk): State<Desk>, Query(asked): Query<Asked>) -> Page {
    let open_only = asked.open == "1";
    let house = desk.house.clone();
    let gathered = aside(move || {
        let since = house.clock.now() - TimeDelta::days(DAYS);
        let mut events = Vec::new();
        for kind in ["gates_failed", "reviewed", "findings_filed"] {
            events.extend(house.journal.events_of(kind, since)?);
        }
        events.sort_by_key(|event| event.seq);
        Ok::<_, JournalError>((found::collect(&events), house.journal.last_seq()?))
    });
    let (mut findings, since) = gathered.await??;
    findings.retain(|finding| !open_only || finding.open || !finding.actions.is_empty());
    findings.truncate(FINDINGS);
    let stream = Some("/api/events".to_owned());
    let shell = Shell { nav: true, stream, since, ..Shell::bare("findings", "Findings") };
    Ok(Html(html(&FindingsHtml { shell, findings: &findings, open_only, days: DAYS })))
}
