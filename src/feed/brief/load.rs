//! What a brief is put together from, read from the journal.
//!
//! Owns which stretch of the journal a night is, how nights are named, and the few queries. It tells nothing:
//! `assemble` does. Start with [`of`].

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Brief, Night, NightState, assemble};
use crate::config::zone::Zone;
use crate::domain::event::{Body, Event};
use crate::domain::ids::{BeadId, ProjectId};
use crate::journal::read::Filter;
use crate::journal::{Journal, JournalError};

/// A night that was to be over this long ago and says nothing of its end was cut off.
const PATIENCE: TimeDelta = TimeDelta::hours(1);
/// The name of the view without a night.
pub const DAY: &str = "day";

/// Which brief is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The last night; where there was none, the last 24 hours.
    Last,
    /// By its name or date; `day` is the last 24 hours.
    Named(String),
}

/// A night in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NightRow {
    pub id: String,
    pub state: NightState,
    pub opened: DateTime<Utc>,
    pub until: Option<DateTime<Utc>>,
    pub ended: Option<DateTime<Utc>>,
    pub why: Option<String>,
    /// The events it covers.
    pub first: u64,
    pub last: u64,
}

/// Everything a brief rests on.
#[derive(Debug, Clone)]
pub struct Material {
    pub night: Night,
    /// Every event of the stretch, oldest first.
    pub events: Vec<Event>,
    /// What came before of stories that were open when it began, oldest first.
    pub before: Vec<Event>,
    /// What people did since, oldest first.
    pub after: Vec<Event>,
    /// What people call the projects.
    pub names: BTreeMap<ProjectId, String>,
    pub zone: Zone,
}

/// All nights of the journal, oldest first.
pub fn nights(journal: &Journal, now: DateTime<Utc>) -> Result<Vec<NightRow>, JournalError> {
    let opened = journal.events_of("night_opened", DateTime::UNIX_EPOCH)?;
    let ended = journal.events_of("night_ended", DateTime::UNIX_EPOCH)?;
    let newest = journal.last_seq()?;
    let mut named: BTreeMap<String, u32> = BTreeMap::new();
    let mut rows = Vec::new();
    for (at, open) in opened.iter().enumerate() {
        let Body::NightOpened { night, until, .. } = &open.body else { continue };
        let next = opened.get(at + 1).map(|event| event.seq);
        let end = ended.iter().find(|event| {
            let same = matches!(&event.body, Body::NightEnded { night: name, .. } if name == night);
            same && event.seq > open.seq && next.is_none_or(|next| event.seq < next)
        });
        let late = until.is_some_and(|until| until + PATIENCE < now);
        let state = match (end, next) {
            (Some(_), _) => NightState::Over,
            (None, None) if !late => NightState::SoFar,
            (None, _) => NightState::CutOff,
        };
        let times = named.entry(night.clone()).or_default();
        *times += 1;
        let id = if *times == 1 { night.clone() } else { format!("{night}.{times}") };
        let why = end.and_then(|event| match &event.body {
            Body::NightEnded { why, .. } => Some(why.clone()),
            _ => None,
        });
        rows.push(NightRow {
            id,
            state,
            opened: open.at,
            until: *until,
            ended: end.map(|event| event.at),
            why,
            first: open.seq,
            last: end.map(|event| event.seq).or(next.map(|next| next - 1)).unwrap_or(newest),
        });
    }
    Ok(rows)
}

/// The brief of a night; `None` where no night has that name.
pub fn of(
    journal: &Journal,
    which: &Which,
    now: DateTime<Utc>,
    zone: Zone,
) -> Result<Option<Brief>, JournalError> {
    Ok(material(journal, which, now, zone)?.map(|material| assemble(&material)))
}

/// Reads what the brief of a night rests on; `None` where no night has that name.
pub fn material(
    journal: &Journal,
    which: &Which,
    now: DateTime<Utc>,
    zone: Zone,
) -> Result<Option<Material>, JournalError> {
    let rows = nights(journal, now)?;
    let row = match which {
        Which::Last => rows.last(),
        Which::Named(name) if name == DAY => None,
        Which::Named(name) => match find(&rows, name) {
            Some(row) => Some(row),
            None => return Ok(None),
        },
    };
    let night = match row {
        Some(row) => of_row(row, now, zone),
        None => day(journal, now, zone)?,
    };
    read(journal, night, zone).map(Some)
}

/// By the very name, else the last night whose name begins with it: a date.
fn find<'a>(rows: &'a [NightRow], name: &str) -> Option<&'a NightRow> {
    let begins = |row: &&NightRow| {
        name.len() == 10 && row.id.strip_prefix(name).is_some_and(|rest| rest.starts_with(['-', '.']))
    };
    rows.iter().find(|row| row.id == name).or_else(|| rows.iter().rev().find(begins))
}

fn of_row(row: &NightRow, now: DateTime<Utc>, zone: Zone) -> Night {
    Night {
        id: row.id.clone(),
        state: row.state,
        opened: row.opened,
        until: row.until,
        to: row.ended.unwrap_or(now),
        why: row.why.clone(),
        zone: zone.name().to_owned(),
        first: row.first,
        last: row.last,
    }
}

fn day(journal: &Journal, now: DateTime<Utc>, zone: Zone) -> Result<Night, JournalError> {
    let opened = now - TimeDelta::hours(24);
    let last = journal.last_seq()?;
    let first = journal.last_before(opened)? + 1;
    Ok(Night {
        id: DAY.to_owned(),
        state: NightState::Day,
        opened,
        until: None,
        to: now,
        why: None,
        zone: zone.name().to_owned(),
        first: first.min(last),
        last,
    })
}

fn read(journal: &Journal, mut night: Night, zone: Zone) -> Result<Material, JournalError> {
    let most =
        usize::try_from(night.last.saturating_sub(night.first)).unwrap_or(usize::MAX).saturating_add(1);
    let all = Filter::default();
    let mut events = match night.first {
        0 => Vec::new(),
        first => journal.events(first - 1, &all, most)?,
    };
    events.retain(|event| night.state != NightState::Day || event.at >= night.opened);
    // A night that was cut off reaches as far as anything is known of it.
    if night.state == NightState::CutOff {
        night.to = events.last().map_or(night.opened, |event| event.at);
    }
    let mut before = Vec::new();
    for story in journal.open_at(night.first)? {
        let whose = Filter { project: Some(story.project), bead: Some(story.bead), run: None };
        let earlier = journal.events(story.id - 1, &whose, usize::MAX)?;
        before.extend(earlier.into_iter().take_while(|event| event.seq < night.first));
    }
    before.sort_by_key(|event| event.seq);
    let beads: BTreeSet<_> = events.iter().flat_map(concerned).collect();
    let mut after = Vec::new();
    for kind in ["given_back", "by_hand", "claiming"] {
        after.extend(journal.events_of(kind, night.to)?.into_iter().filter(|event| {
            let whose = event.project.clone().zip(event.bead.clone());
            event.seq > night.last && whose.is_some_and(|whose| beads.contains(&whose))
        }));
    }
    after.sort_by_key(|event| event.seq);
    let names = journal.projects()?.into_iter().map(|project| (project.id, project.name)).collect();
    Ok(Material { night, events, before, after, names, zone })
}

/// The beads that an event is about: its own, and those that findings made.
fn concerned(event: &Event) -> Vec<(ProjectId, BeadId)> {
    let Some(project) = &event.project else { return Vec::new() };
    let filed = match &event.body {
        Body::FindingsFiled { filed, .. } => filed.as_slice(),
        _ => &[],
    };
    let made = filed.iter().filter_map(|one| one.bead.as_ref());
    event.bead.iter().chain(made).map(|bead| (project.clone(), bead.clone())).collect()
}
