//! The page of one bead.
//!
//! Owns what is read for it: the tracker's record, the journal's stories and runs, kept refs. Start with [`page`].

use axum::extract::State;
use axum::response::Html;

use super::{Page, aside, settled};
use crate::daemon::control::Desk;
use crate::daemon::control::projects::site;
use crate::daemon::hand::again;
use crate::daemon::house::{House, Site};
use crate::daemon::queue;
use crate::domain::bead::Bead;
use crate::domain::clean::{clean_line, ellipsis};
use crate::domain::event::Event;
use crate::domain::ids::{BeadId, Oid, ProjectId};
use crate::feed::view::action::On;
use crate::feed::view::bead::{
    BeadPage, Kept, Run, actions, comments, edges, facts, texts, why as said_once,
};
use crate::feed::view::decided::Decided;
use crate::feed::view::words::{Tone, spaced};
use crate::feed::view::{findings, place, story};
use crate::feed::web::extract::Path;
use crate::feed::web::pages::{BeadHtml, Shell, html};
use crate::journal::JournalError;
use crate::journal::read::Filter;
use crate::lifecycle::{Phase, Story};

/// A page tells so many of a bead's newest events.
const EVENTS: usize = 300;
const RUNS: usize = 60;

pub(super) async fn page(State(desk): State<Desk>, Path((project, bead)): Path<(String, String)>) -> Page {
    let site = site(&desk, &project).await?;
    let id = BeadId::new(bead);
    let snapshot = site.tracker.snapshot().await?;
    let bead = match site.tracker.show(&id).await {
        Ok(bead) => bead,
        Err(error) => return Err(error.into()),
    };
    let why = queue::why(&desk.house, &site, &id).await?;
    let name = desk.house.journal.projects()?.into_iter().find(|p| p.id == site.id).map(|p| p.name);
    let house = desk.house.clone();
    let gathered = aside(move || gather(&house, &site, &bead, &snapshot.beads, (&why.sentence, name)));
    let b = gathered.await??;
    let shell = Shell {
        title: format!("{} {}", b.id, b.title),
        page: "bead",
        nav: true,
        stream: Some(b.stream.clone()),
        since: b.since,
    };
    Ok(Html(html(&BeadHtml { shell, b: &b })))
}

fn gather(
    house: &House,
    site: &Site,
    bead: &Bead,
    all: &[Bead],
    (why, name): (&str, Option<String>),
) -> Result<BeadPage, super::Lost> {
    let journal = &house.journal;
    let since = journal.last_seq()?;
    let stories = journal.stories_of(&site.id, &bead.id)?;
    let last = stories.last();
    let events = newest(house, &site.id, &bead.id)?;
    let mut rows = journal
        .runs(&Filter { project: Some(site.id.clone()), bead: Some(bead.id.clone()), run: None }, RUNS)?;
    house.mark_interrupted(&mut rows);
    let project = site.id.as_str();
    let kept = site.repo.kept()?.into_iter().filter_map(|(refname, tip)| {
        let run = refname.strip_prefix("refs/bead/")?.to_owned();
        let ours = rows.iter().any(|row| row.run == run);
        let link = place::run(project, &run);
        ours.then(|| Kept { name: clean_line(&refname), tip: tip.short().to_owned(), link, run })
    });
    let kept = kept.collect();
    let (waits_for, holds_up) = edges(project, bead, all);
    let tip = again::kept(house, site, &bead.id)?.map(|(_, tip)| tip);
    let on = On { tip: tip.as_ref().map(Oid::as_str), ..On::of(project, bead.id.as_str()) };
    let decided = Decided::of(&events);
    let says = last.filter(|story| !decided.since(project, bead.id.as_str(), story.id));
    let (question, actions) = actions(on, bead, says);
    let state = last.filter(|s| s.is_open()).map_or(bead.status.as_str(), |s| s.phase.name());
    let state = spaced(if bead.has_label("parked") { "parked" } else { state });
    Ok(BeadPage {
        id: clean_line(bead.id.as_str()),
        project: clean_line(&name.unwrap_or_else(|| project.to_owned())),
        title: ellipsis(&bead.title, 400),
        tone: if last.is_some_and(Story::is_open) { Tone::Live } else { Tone::of(bead.status.as_str()) },
        why: said_once(why, question.as_deref()),
        facts: facts(bead, &state),
        state,
        texts: texts(bead),
        waits_for,
        holds_up,
        comments: comments(bead),
        findings: settled(journal, findings::collect(&events))?,
        story: story::lines(&events),
        runs: rows.iter().map(Run::of).collect(),
        kept,
        question,
        actions,
        stream: stream(project, bead.id.as_str(), last),
        since,
    })
}

/// The newest events of a bead, oldest first.
pub(super) fn newest(house: &House, project: &ProjectId, bead: &BeadId) -> Result<Vec<Event>, JournalError> {
    house.journal.newest_of(project, bead, EVENTS)
}

/// What a page about this bead listens to: its work while it goes on, else everything.
pub(super) fn stream(project: &str, bead: &str, last: Option<&Story>) -> String {
    let live = last.is_some_and(|s| s.is_open() && !matches!(s.phase, Phase::Suspended { .. }));
    if live { format!("{}/stream", place::work_api(project, bead)) } else { "/api/events".to_owned() }
}
