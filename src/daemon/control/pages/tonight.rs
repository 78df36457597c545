//! The page of the night.
//!
//! Owns what is read for it: the status, runs since the evening, stories that wait for a person. Start with [`page`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use axum::extract::State;
use axum::response::Html;
use chrono::{DateTime, TimeDelta, Utc};

use super::{Page, aside, decided};
use crate::config::user::User;
use crate::daemon::control::{Desk, night};
use crate::daemon::dispatch::Status;
use crate::daemon::dispatch::status::{RunningBead, WaitingBead};
use crate::daemon::house::House;
use crate::domain::clean::{clean_line, ellipsis};
use crate::domain::event::Body;
use crate::domain::run::Outcome;
use crate::feed::view::needs::Need;
use crate::feed::view::place;
use crate::feed::view::timeline::Timeline;
use crate::feed::view::tonight::{Meter, Running, Tonight, Waiting, control, forecast, headline};
use crate::feed::view::words::{Tone, When, money, phase};
use crate::feed::view::{findings, log};
use crate::feed::web::pages::{Shell, TonightHtml, html};
use crate::journal::JournalError;
use crate::journal::read::{Filter, RunRow};

/// So many waiting beads are listed.
const WAITING: usize = 60;
/// Ended stories that are looked through for those that wait.
const ENDED: usize = 500;
/// A failure older than this is history.
const FRESH: TimeDelta = TimeDelta::hours(36);
/// Proposed beads are asked about so long.
const PROPOSED: TimeDelta = TimeDelta::days(30);

pub(super) async fn page(State(desk): State<Desk>) -> Page {
    let gathered = aside(move || {
        let status = night::now(&desk);
        let since = desk.house.journal.last_seq()?;
        Ok::<_, JournalError>((gather(&desk.house, &status)?, since))
    });
    let (t, since) = gathered.await??;
    let shell = Shell {
        title: t.headline.clone(),
        page: "tonight",
        nav: true,
        stream: Some("/api/events".to_owned()),
        since,
    };
    Ok(Html(html(&TonightHtml { shell, t: &t })))
}

fn gather(house: &House, status: &Status) -> Result<Tonight, JournalError> {
    let now = house.clock.now();
    let from = status.since.unwrap_or(now - TimeDelta::hours(10));
    let mut rows = house.journal.runs(&Filter::default(), 600)?;
    house.mark_interrupted(&mut rows);
    let next = status.next.is_some();
    let (headline, tone) = headline(&status.state, status.running.len(), status.waiting.len(), next);
    let names: BTreeMap<&str, &str> =
        status.projects.iter().map(|p| (p.project.as_str(), p.name.as_str())).collect();
    let name = |id: &str| clean_line(names.get(id).copied().unwrap_or(id));
    let budgets = User::read(&house.places.config_file()).unwrap_or_default().budgets;
    let until = status.until.map(|at| ("until", When::of(at)));
    let next = status.next.map(|at| ("the next window opens", When::of(at)));
    Ok(Tonight {
        headline,
        tone,
        until: until.or(next),
        notice: status.notice.as_deref().map(|notice| ellipsis(notice, 400)),
        brief: status.night.as_deref().map(place::brief),
        control: control(&status.state),
        needs: needs(house, now, &name)?,
        running: running(house, status, &rows, &name),
        slots: status.slots,
        waiting: waiting(status, &name),
        ready: ready(status),
        more_waiting: status.waiting.len().saturating_sub(WAITING),
        tally: tally(status),
        meters: vec![
            Meter::of("This night", status.night_usd, budgets.night),
            Meter::of("Seven days", status.week_usd, budgets.week),
        ],
        forecast: expected(house, status)?,
        timeline: Timeline::of(&rows, from, now),
        troubles: status
            .projects
            .iter()
            .filter_map(|p| Some((clean_line(&p.name), ellipsis(p.trouble.as_deref()?, 300))))
            .collect(),
    })
}

/// What was expected of the night that is open.
fn expected(house: &House, status: &Status) -> Result<Option<String>, JournalError> {
    let opened = house.journal.last_of("night_opened")?;
    Ok(opened.and_then(|event| match event.body {
        Body::NightOpened { night, prospect: Some(prospect), .. }
            if status.night.as_deref() == Some(&night) =>
        {
            Some(forecast(&prospect))
        }
        _ => None,
    }))
}

fn running(house: &House, status: &Status, rows: &[RunRow], name: &impl Fn(&str) -> String) -> Vec<Running> {
    let one = |bead: &RunningBead| {
        let project = bead.project.as_str();
        let row = rows.iter().find(|row| Some(&row.run) == bead.run.as_ref());
        let words = row.and_then(|row| last_words(house.places.state(), &row.log));
        Running {
            bead: clean_line(bead.bead.as_str()),
            title: ellipsis(&bead.title, 200),
            project: name(project),
            link: place::bead(project, bead.bead.as_str()),
            run: bead.run.as_deref().map(|run| place::run(project, run)),
            phase: phase(&bead.phase).to_owned(),
            attempt: bead.attempt,
            since: When::of(bead.since),
            cost: money(bead.usd),
            words,
        }
    };
    status.running.iter().map(one).collect()
}

/// The end of a log says what an agent does.
fn last_words(state: &Path, log: &str) -> Option<String> {
    let bytes = super::logs::tail(&state.join(log), 8 << 10).ok()?;
    log::last_words(&bytes)
}

fn waiting(status: &Status, name: &impl Fn(&str) -> String) -> Vec<Waiting> {
    let one = |bead: &WaitingBead| Waiting {
        bead: clean_line(bead.bead.as_str()),
        title: ellipsis(&bead.title, 200),
        project: name(bead.project.as_str()),
        link: place::bead(bead.project.as_str(), bead.bead.as_str()),
        suspended: bead.suspended,
        reason: ellipsis(&bead.reason, 400),
    };
    status.waiting.iter().take(WAITING).map(one).collect()
}

fn ready(status: &Status) -> Vec<(String, usize)> {
    let waits = |id: &str| status.waiting.iter().any(|w| w.project.as_str() == id);
    let some = status.projects.iter().filter(|p| p.ready > 0 && !waits(p.project.as_str()));
    some.map(|p| (clean_line(&p.name), p.ready)).collect()
}

fn tally(status: &Status) -> Vec<(&'static str, u32, Tone)> {
    let tally = &status.tally;
    let all = [
        ("landed", tally.landed, Tone::Good),
        ("parked", tally.parked, Tone::Ask),
        ("without a change", tally.no_change, Tone::Ask),
        ("blocked", tally.blocked, Tone::Rest),
        ("failed", tally.failed, Tone::Bad),
        ("cancelled", tally.cancelled, Tone::Rest),
    ];
    all.into_iter().filter(|(_, n, _)| *n > 0).collect()
}

/// Beads whose last claim ended with a question and that nobody has given back since, newest first; then proposals.
fn needs(
    house: &House,
    now: DateTime<Utc>,
    name: &impl Fn(&str) -> String,
) -> Result<Vec<Need>, JournalError> {
    let journal = &house.journal;
    let ended = journal.ended_stories(ENDED)?;
    let oldest = ended.last().map_or(now, |(_, at)| *at).min(now - PROPOSED);
    let decided = decided(journal, oldest)?;
    let open: BTreeSet<(String, String)> =
        journal.open_stories(None)?.iter().map(|s| (s.project.to_string(), s.bead.to_string())).collect();
    let mut seen = open;
    let mut all = Vec::new();
    for (story, at) in &ended {
        let key = (story.project.to_string(), story.bead.to_string());
        let (project, bead) = (story.project.as_str(), story.bead.as_str());
        if !seen.insert(key) || decided.since(project, bead, story.id) {
            continue;
        }
        let failed = matches!(story.finish.outcome, Outcome::Failed | Outcome::Timeout);
        if failed && now - *at > FRESH {
            continue;
        }
        let kept = decided.reworked(project, bead, story.id).or(story.tip.as_ref());
        all.extend(Need::of(story, kept, *at));
    }
    let filed = journal.events_of("findings_filed", now - PROPOSED)?;
    let mut filed = findings::collect(&filed);
    findings::settle(&mut filed, &decided);
    for finding in filed.iter().filter(|f| !f.actions.is_empty()) {
        let Some(need) = Need::proposed(finding) else { continue };
        let key = (finding.project.clone(), need.bead.clone());
        if !seen.contains(&key) {
            all.push(need);
        }
    }
    for need in &mut all {
        need.project = name(&need.project);
    }
    Ok(all)
}
