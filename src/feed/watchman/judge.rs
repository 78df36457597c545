//! When a watchman raises an alarm, and when all is well again.
//!
//! Owns the rules (19.3) on a clock that is given: an alarm when a promised beat does not come, or when beads are
//! under work and none advances; once for each incident, and a word when it is over. Deadlines are counted by the
//! watchman's own clock, so that a sender's wrong clock cannot shift them. Pure. Start with [`Watchman`].

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::beat::{Beat, Standing};

/// More machines than this are not watched by one.
const MOST_HOSTS: usize = 16;
/// No beat promises the next one later than this.
const LONGEST: TimeDelta = TimeDelta::days(2);

/// What a watchman knows of all machines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watchman {
    pub hosts: BTreeMap<String, Host>,
    /// The last beat that was not believed, and why; told with an alarm.
    #[serde(default)]
    pub refused: Option<(DateTime<Utc>, String)>,
}

/// One machine. Times are the watchman's own unless said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// By the sender's clock: older beats are replays.
    pub newest: DateTime<Utc>,
    pub heard: DateTime<Utc>,
    /// Without a beat by then it is gone; `None`: it left on purpose.
    pub deadline: Option<DateTime<Utc>>,
    pub state: Standing,
    pub progress: (u64, u64),
    pub progressed: DateTime<Utc>,
    pub stall_s: Option<u64>,
    #[serde(default)]
    pub incident: Option<Incident>,
    /// An incident that is over and whose end is not told yet.
    #[serde(default)]
    pub over: Option<Incident>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    pub trouble: Trouble,
    pub since: DateTime<Utc>,
    /// Somebody was told.
    pub told: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// No beat came.
    Gone,
    /// Beats come, and no bead advances.
    Stalled,
}

/// How strict a watchman is.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Without progress; what a beat says of itself counts before this.
    pub stall: TimeDelta,
    /// How far a sender's clock may be off.
    pub skew: TimeDelta,
}

impl Default for Rules {
    fn default() -> Self {
        Self { stall: TimeDelta::minutes(30), skew: TimeDelta::minutes(10) }
    }
}

/// A signed beat that is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the beat of `{host}` was heard before")]
    Replayed { host: String },
    #[error("the beat of `{host}` is {minutes} min off by its clock")]
    Skewed { host: String, minutes: i64 },
    #[error("more than {MOST_HOSTS} machines send beats")]
    TooMany,
}

/// What somebody must be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    pub host: String,
    /// An alarm; else all is well again.
    pub alarm: bool,
    pub title: String,
    pub text: String,
}

impl Watchman {
    /// Takes a beat whose signature is good.
    pub fn hear(&mut self, beat: &Beat, now: DateTime<Utc>, rules: Rules) -> Result<(), Refused> {
        let refused = self.refuses(beat, now, rules);
        if let Some(refused) = refused {
            self.note(now, refused.to_string());
            return Err(refused);
        }
        // How long the sender promised, by our own clock.
        let deadline = beat.next_by.map(|by| now + (by - beat.at).clamp(TimeDelta::zero(), LONGEST));
        let progress = (beat.progress_seq, beat.meter);
        let known = self.hosts.remove(&beat.host);
        let working = beat.state == Standing::Advancing;
        // Work that begins after a pause has its whole time.
        let progressed = known
            .as_ref()
            .filter(|host| working && host.state == Standing::Advancing && host.progress == progress)
            .map_or(now, |host| host.progressed);
        let (incident, over) = known.map_or((None, None), |host| (host.incident, host.over));
        let host = Host {
            newest: beat.at,
            heard: now,
            deadline,
            state: beat.state,
            progress,
            progressed,
            stall_s: beat.stall_s,
            incident,
            over,
        };
        self.hosts.insert(beat.host.clone(), host);
        Ok(())
    }

    fn refuses(&self, beat: &Beat, now: DateTime<Utc>, rules: Rules) -> Option<Refused> {
        let host = || beat.host.clone();
        let known = self.hosts.get(&beat.host);
        if known.is_some_and(|known| beat.at <= known.newest) {
            return Some(Refused::Replayed { host: host() });
        }
        let off = beat.at.signed_duration_since(now);
        if off.abs() > rules.skew {
            return Some(Refused::Skewed { host: host(), minutes: off.num_minutes() });
        }
        (known.is_none() && self.hosts.len() >= MOST_HOSTS).then_some(Refused::TooMany)
    }

    /// Remembers why a beat was not believed.
    pub fn note(&mut self, now: DateTime<Utc>, why: String) {
        self.refused = Some((now, why));
    }

    /// A watchman that was away heard nothing: everybody has the time until their next beat once more.
    pub fn back(&mut self, now: DateTime<Utc>) {
        for host in self.hosts.values_mut().filter(|host| host.incident.is_none()) {
            if let Some(deadline) = &mut host.deadline {
                let promised = (*deadline - host.heard).clamp(TimeDelta::zero(), LONGEST);
                *deadline = (*deadline).max(now + promised);
            }
            host.progressed = host.progressed.max(now);
        }
    }

    /// Looks at the clock; what must be told comes out until [`Watchman::told`] is called for it.
    pub fn look(&mut self, now: DateTime<Utc>, rules: Rules) -> Vec<Message> {
        let refused =
            self.refused.clone().filter(|(at, _)| now - *at < TimeDelta::hours(1)).map(|(_, why)| why);
        let mut messages = Vec::new();
        for (name, host) in &mut self.hosts {
            let trouble = host.trouble(now, rules);
            match (&host.incident, trouble) {
                (None, Some(trouble)) => {
                    host.incident = Some(Incident { trouble, since: now, told: false });
                }
                // From stalled to gone is news; from gone to stalled is half way back.
                (Some(Incident { trouble: Trouble::Stalled, since, .. }), Some(Trouble::Gone)) => {
                    host.incident = Some(Incident { trouble: Trouble::Gone, since: *since, told: false });
                }
                (Some(_), None) => host.over = host.incident.take().filter(|incident| incident.told),
                _ => {}
            }
            if let Some(incident) = host.incident.as_ref().filter(|incident| !incident.told) {
                messages.push(host.alarm(name, incident, now, refused.as_deref()));
            } else if let Some(over) = &host.over {
                messages.push(host.well(name, over));
            }
        }
        messages
    }

    /// The message reached somebody.
    pub fn told(&mut self, message: &Message) {
        let Some(host) = self.hosts.get_mut(&message.host) else { return };
        match &mut host.incident {
            Some(incident) if message.alarm => incident.told = true,
            _ => host.over = None,
        }
    }

    /// Whether anything is wrong.
    pub fn is_alarmed(&self) -> bool {
        self.hosts.values().any(|host| host.incident.is_some())
    }
}

impl Host {
    fn trouble(&self, now: DateTime<Utc>, rules: Rules) -> Option<Trouble> {
        if self.deadline.is_some_and(|deadline| deadline < now) {
            return Some(Trouble::Gone);
        }
        let own = self.stall_s.and_then(|s| i64::try_from(s).ok()).and_then(TimeDelta::try_seconds);
        let stall = own.unwrap_or(rules.stall);
        (self.state == Standing::Advancing && now - self.progressed > stall).then_some(Trouble::Stalled)
    }

    fn alarm(&self, name: &str, incident: &Incident, now: DateTime<Utc>, refused: Option<&str>) -> Message {
        let (title, mut text) = match incident.trouble {
            Trouble::Gone => (
                format!("{name} is silent"),
                format!(
                    "no heartbeat for {}; the last one said: {}",
                    minutes(now - self.heard),
                    self.state.as_str()
                ),
            ),
            Trouble::Stalled => (
                format!("{name} stands still"),
                format!(
                    "beads are under work, and none advanced for {} (event {})",
                    minutes(now - self.progressed),
                    self.progress.0
                ),
            ),
        };
        if let Some(refused) = refused {
            text.push_str(&format!("; beats come that are not believed: {refused}"));
        }
        Message { host: name.to_owned(), alarm: true, title, text }
    }

    fn well(&self, name: &str, over: &Incident) -> Message {
        let text = match over.trouble {
            Trouble::Gone => format!("its heartbeat is back: {}", self.state.as_str()),
            Trouble::Stalled => "beads advance again, or nothing is under work".to_owned(),
        };
        let title = format!("{name} is well again");
        Message { host: name.to_owned(), alarm: false, title, text }
    }
}

fn minutes(span: TimeDelta) -> String {
    format!("{} min", span.num_minutes())
}
