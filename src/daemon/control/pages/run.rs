//! The page of one run.
//!
//! Owns what is read for it: the run's row, its attempt's events, its log, and the change it made. Start with [`page`].

use axum::extract::State;
use axum::response::Html;

use super::{Lost, Page, aside, bead, logs, settled};
use crate::daemon::control::Desk;
use crate::daemon::control::projects::site;
use crate::daemon::house::{House, Site};
use crate::domain::clean::{clean_line, ellipsis};
use crate::domain::event::{Body, Event};
use crate::domain::ids::{BeadId, Oid};
use crate::feed::view::diff::{Change, File, Line, Sign};
use crate::feed::view::log::Chunk;
use crate::feed::view::run::{RunPage, gates, messages, of_attempt, reviews, steps};
use crate::feed::view::words::{Tone, When, moment, money, spaced, span};
use crate::feed::view::{action, findings, place, story};
use crate::feed::web::extract::Path;
use crate::feed::web::pages::{RunHtml, Shell, html};
use crate::journal::read::RunRow;
use crate::lifecycle::Story;
use crate::workspace::git::patch::{How, Patch};

pub(super) async fn page(State(desk): State<Desk>, Path((project, run)): Path<(String, String)>) -> Page {
    let row = logs::find(&desk, &project, &run)?;
    let site = site(&desk, &project).await?;
    let r = aside(move || gather(&desk.house, &site, &row)).await??;
    let shell = Shell {
        title: format!("{} {}", r.bead, r.title),
        page: "run",
        nav: true,
        stream: Some(r.stream.clone()),
        since: r.since,
    };
    Ok(Html(html(&RunHtml { shell, r: &r })))
}

fn gather(house: &House, site: &Site, row: &RunRow) -> Result<RunPage, Lost> {
    let since = house.journal.last_seq()?;
    let (project, id) = (site.id.as_str(), BeadId::new(row.bead.clone().unwrap_or_default()));
    let name = house.journal.projects()?.into_iter().find(|p| p.id == site.id).map(|p| clean_line(&p.name));
    let name = name.unwrap_or_else(|| project.to_owned());
    let began = moment(&row.started);
    let stories = house.journal.stories_of(&site.id, &id)?;
    // The claim that the run belongs to: the last one that was open when it began.
    let story = stories.iter().rfind(|s| began.is_none_or(|at| s.started <= at)).or(stories.last());
    let events = of_attempt(bead::newest(house, &site.id, &id)?, &row.run, row.attempt);
    let live = row.state == "running";
    let path = house.places.state().join(&row.log);
    let log =
        logs::newest(&path, !live).unwrap_or(Chunk { lines: Vec::new(), from: 0, next: 0, anew: false });
    let work = row.kind == "work";
    let ended = row.ended.as_deref().and_then(moment);
    let last = stories.last().filter(|s| story.is_some_and(|mine| mine.id == s.id));
    // A run that was put aside is the bead's own state: the row says only how its process ended.
    let put_aside = work && last.is_some_and(|story| is_aside(story, row));
    let state = if put_aside { "suspended" } else { row.state.as_str() };
    Ok(RunPage {
        id: row.run.clone(),
        kind: row.kind.clone(),
        bead: clean_line(id.as_str()),
        title: story.map(|s| ellipsis(&s.order.title, 300)).unwrap_or_else(|| clean_line(id.as_str())),
        project: name,
        bead_link: place::bead(project, id.as_str()),
        state: spaced(state),
        cause: row.cause.as_deref().map(spaced).unwrap_or_default(),
        tone: Tone::of(state),
        attempt: row.attempt,
        started: began.map(When::of),
        ended: ended.map(When::of),
        took: began.map(|at| span(at, ended.unwrap_or(house.clock.now()))).filter(|_| ended.is_some()),
        cost: money(row.cost_usd),
        steps: if work { steps(story) } else { Vec::new() },
        gates: gates(&events),
        reviews: reviews(&events),
        findings: settled(&house.journal, findings::collect(&events))?,
        messages: messages(&events),
        change: tips(story, &events, row).and_then(|(base, tip)| change(site, &base, &tip)),
        story: story::lines(&events),
        log,
        actions: if work && (live || put_aside) {
            action::on_run(project, &row.run, state)
        } else {
            Vec::new()
        },
        message: (work && live).then(|| action::message(project, &row.run)),
        stream: bead::stream(project, id.as_str(), last),
        since,
        log_path: format!("{}/log", place::run(project, &row.run)),
    })
}

/// Whether the run's claim was put aside with it, and goes on with it.
fn is_aside(story: &Story, row: &RunRow) -> bool {
    let mine = story.run().is_some_and(|run| run.as_str() == row.run);
    mine && story.is_open() && story.phase.name() == "suspended"
}

/// What the run's work began at and came to.
fn tips(story: Option<&Story>, events: &[Event], row: &RunRow) -> Option<(Oid, Oid)> {
    let story = story?;
    let told = events.iter().rev().find_map(|event| match &event.body {
        Body::Exported { tip, .. } | Body::ReviewStarted { tip, .. } => Some(tip.clone()),
        _ => None,
    });
    let kept = || story.tip.as_ref().filter(|kept| kept.run.as_str() == row.run).map(|kept| kept.tip.clone());
    Some((story.base().clone(), told.or_else(kept)?))
}

/// None where the objects are gone: kept refs end with their time.
fn change(site: &Site, base: &Oid, tip: &Oid) -> Option<Change> {
    let Patch { files, total } = site.repo.change(base, tip).ok()?;
    // Changes to the tracker's own files never land.
    let shown = files.into_iter().filter(|file| !file.path.starts_with(".beads/"));
    let files = shown.map(|file| {
        let note = match file.how {
            How::Changed => "",
            How::New => "new",
            How::Gone => "removed",
            How::Special => "link or submodule",
            How::Binary => "binary",
            How::TooLarge => "too large to show",
        };
        let lines = file.lines.into_iter().map(|(sign, text)| {
            let sign = match sign {
                '+' => Sign::Added,
                '-' => Sign::Removed,
                '@' => Sign::Place,
                _ => Sign::Same,
            };
            Line { sign, text }
        });
        File { path: file.path, added: file.added, removed: file.removed, note, lines: lines.collect() }
    });
    Some(Change::of(files.collect(), total))
}
