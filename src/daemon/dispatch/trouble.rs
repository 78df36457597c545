//! Beads that met an error of ours, and when each is tried again.
//!
//! Owns the growing pauses and the one question whether the container engine is away for all. An error is
//! never the bead's fault here: what is, the lifecycle has settled. Start with [`Troubles::note`].

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::Key;
use crate::daemon::error::EngineError;
use crate::executor::ExecutorError;
use crate::scheduler::backoff;

/// What must change before it can work is not asked for more often than this.
const REFUSED: TimeDelta = TimeDelta::minutes(10);
/// After the pauses for infrastructure are used up, a bead is tried so rarely.
const RARELY: TimeDelta = TimeDelta::minutes(30);
/// How often the engine is asked whether it is back.
const ENGINE_AGAIN: TimeDelta = TimeDelta::seconds(5);

#[derive(Debug, Clone)]
pub(super) struct Trouble {
    pub error: String,
    pub again: DateTime<Utc>,
    pub times: usize,
    pub refused: bool,
}

#[derive(Debug, Default)]
pub(super) struct Troubles {
    beads: BTreeMap<Key, Trouble>,
    /// Why the container engine cannot be used, and when it is asked again.
    engine: Option<(String, DateTime<Utc>)>,
}

impl Troubles {
    /// Notes an error of a bead. True when it is new: worth a line in the journal.
    pub(super) fn note(
        &mut self,
        key: &Key,
        error: &EngineError,
        now: DateTime<Utc>,
        random: [u8; 16],
    ) -> bool {
        let text = error.to_string();
        let before = self.beads.get(key);
        let times = before.map_or(0, |t| t.times + 1);
        let new = before.is_none_or(|t| t.error != text);
        let refused = matches!(error, EngineError::Refused(_));
        let pause = match error {
            // A refusal says that something must change first; nothing is lost by asking rarely.
            EngineError::Refused(_) => REFUSED,
            _ => {
                let nth = u32::try_from(times).unwrap_or(u32::MAX).saturating_add(1);
                let pause = backoff::infrastructure_wait(nth, random);
                pause.and_then(|p| TimeDelta::from_std(p).ok()).unwrap_or(RARELY)
            }
        };
        if is_engine(error) {
            self.engine = Some((text.clone(), now + ENGINE_AGAIN));
        }
        self.beads.insert(key.clone(), Trouble { error: text, again: now + pause, times, refused });
        new
    }

    pub(super) fn settled(&mut self, key: &Key) {
        self.beads.remove(key);
    }

    /// What keeps this bead back now.
    pub(super) fn of(&self, key: &Key, now: DateTime<Utc>) -> Option<&Trouble> {
        self.beads.get(key).filter(|t| t.again > now)
    }

    /// How many beads wait for their next try.
    pub(super) fn pausing(&self, now: DateTime<Utc>) -> u32 {
        u32::try_from(self.beads.values().filter(|t| t.again > now).count()).unwrap_or(u32::MAX)
    }

    /// The beads whose time has come.
    pub(super) fn ripe(&self, now: DateTime<Utc>) -> Vec<Key> {
        self.beads
            .iter()
            .filter(|(_, t)| t.again <= now && t.again > DateTime::<Utc>::MIN_UTC)
            .map(|(key, _)| key.clone())
            .collect()
    }

    /// The next look may take it up again; how often it failed is remembered.
    pub(super) fn let_go(&mut self, key: &Key) {
        if let Some(trouble) = self.beads.get_mut(key) {
            trouble.again = DateTime::<Utc>::MIN_UTC;
        }
    }

    /// Forgets what was let go and is no longer there: a bead that somebody closed meanwhile.
    pub(super) fn forget_gone(&mut self, is_there: impl Fn(&Key) -> bool) {
        self.beads.retain(|key, trouble| trouble.again > DateTime::<Utc>::MIN_UTC || is_there(key));
    }

    /// Whether a bead in trouble may soon go on by itself. One that was refused before it was begun can be left.
    pub(super) fn keep_waiting(&self, hopeless: usize, begun: impl Fn(&Key) -> bool) -> bool {
        self.beads.iter().any(|(key, t)| t.times < hopeless && (!t.refused || begun(key)))
    }

    pub(super) fn engine_away(&self) -> Option<&str> {
        self.engine.as_ref().map(|(why, _)| why.as_str())
    }

    /// Whether the engine shall be asked now.
    pub(super) fn ask_engine(&mut self, now: DateTime<Utc>) -> bool {
        match &mut self.engine {
            Some((_, again)) if *again <= now => {
                *again = now + ENGINE_AGAIN;
                true
            }
            _ => false,
        }
    }

    /// It is back: everything that waited for it is tried at once.
    pub(super) fn engine_back(&mut self, now: DateTime<Utc>) {
        self.engine = None;
        for trouble in self.beads.values_mut() {
            trouble.again = trouble.again.min(now);
        }
    }

    /// When the next look is due.
    pub(super) fn due(&self) -> Option<DateTime<Utc>> {
        let engine = self.engine.as_ref().map(|(_, again)| *again);
        self.beads.values().map(|t| t.again).filter(|at| *at > DateTime::<Utc>::MIN_UTC).chain(engine).min()
    }
}

/// Whether the error says that no container engine answers.
fn is_engine(error: &EngineError) -> bool {
    matches!(error, EngineError::Executor(ExecutorError::Unreachable { .. } | ExecutorError::Slow { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::refusal::Refusal;
    use crate::domain::ids::{BeadId, ProjectId};

    #[test]
    fn a_bead_that_is_gone_does_not_keep_a_night_open() {
        let key = |id: &str| (ProjectId::of_path(std::path::Path::new("/p")), BeadId::new(id));
        let (here, gone, now) = (key("a-1"), key("a-2"), DateTime::<Utc>::UNIX_EPOCH);
        let error = EngineError::Left;
        let mut troubles = Troubles::default();
        assert!(troubles.note(&here, &error, now, [0; 16]) && troubles.note(&gone, &error, now, [0; 16]));
        assert!(!troubles.note(&gone, &error, now, [0; 16]), "the same again is no news");
        troubles.forget_gone(|_| false);
        assert!(troubles.keep_waiting(9, |_| false), "they still have their pause before them");
        for key in [&here, &gone] {
            troubles.let_go(key);
        }
        troubles.forget_gone(|key| *key == here);
        assert!(troubles.keep_waiting(9, |_| false));
        troubles.settled(&here);
        assert!(!troubles.keep_waiting(9, |_| false), "nobody waits for a bead that is gone");
        troubles.note(&here, &Refusal::new("no").into(), now, [0; 16]);
        assert!(!troubles.keep_waiting(9, |_| false), "nor for what a person must change");
    }
}
