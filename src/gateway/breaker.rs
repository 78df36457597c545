//! Whether the upstream is asked at all, for all runs together (F20, F21, rules 15.3).
//!
//! Owns the state between "it answers" and "it is down": failures in a row, the pause that an answer asked
//! for, and the one request that tries again. Pure: it is told the time and a fraction for the jitter. It
//! holds nobody up itself: `standing` does. Start with [`Breaker::ask`].

use std::time::Duration;

use crate::scheduler::backoff;

/// So many failures in a row mean that the upstream is down: one client's own retries are fewer than this
/// only where another run succeeds in between.
const TRIPS_AFTER: u32 = 4;
/// A try that says nothing for so long is given up, and another may be made.
const PROBE_LOST: Duration = Duration::from_mins(10);

/// The upstream's last refusal, as clients are told while it is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Last {
    /// HTTP status; none where no answer came.
    pub status: Option<u16>,
    /// `status`, `connect`, `tls`, `timeout` or `broken`.
    pub class: &'static str,
}

/// What one request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The upstream lives: success, or a refusal of this one request.
    Alive,
    /// 429 without a usage limit behind it.
    Throttled { retry_after: Option<Duration> },
    /// 5xx, or no answer.
    Down(Last),
}

/// What a request may do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    Go,
    /// It is the one that tries whether the upstream answers again.
    Probe,
    /// Not before this time, or before the probe has its answer.
    Wait {
        until: Duration,
        last: Last,
    },
}

/// Where the upstream stands. Times are `Clock::elapsed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Closed,
    Open { until: Duration, last: Last },
    Probing { since: Duration, last: Last },
}

#[derive(Debug, Clone, Copy)]
pub struct Breaker {
    state: State,
    failures: u32,
    /// Pauses since the last success.
    pauses: u32,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { state: State::Closed, failures: 0, pauses: 0 }
    }
}

impl Breaker {
    pub fn state(&self) -> State {
        self.state
    }

    /// Asks for one request to go upstream.
    pub fn ask(&mut self, now: Duration) -> Pass {
        match self.state {
            State::Closed => Pass::Go,
            State::Open { until, last } if now < until => Pass::Wait { until, last },
            State::Probing { since, last } if now < since + PROBE_LOST => {
                Pass::Wait { until: since + PROBE_LOST, last }
            }
            State::Open { last, .. } | State::Probing { last, .. } => {
                self.state = State::Probing { since: now, last };
                Pass::Probe
            }
        }
    }

    /// A request came to its end. `random` spreads the pauses.
    pub fn heard(&mut self, now: Duration, answer: Answer, random: [u8; 16]) {
        match answer {
            Answer::Alive => *self = Self::default(),
            Answer::Throttled { retry_after } => {
                let nth = if matches!(self.state, State::Probing { .. }) { self.pauses + 1 } else { 1 };
                self.pauses = nth;
                let pause = backoff::shared_pause(retry_after, nth, random);
                self.open(now + pause, Last { status: Some(429), class: "status" });
            }
            Answer::Down(last) => {
                self.failures = self.failures.saturating_add(1);
                let probing = matches!(self.state, State::Probing { .. });
                if probing || self.failures >= TRIPS_AFTER {
                    self.pauses = self.pauses.saturating_add(1);
                    self.open(now + backoff::breaker_opens_for(self.pauses, random), last);
                }
            }
        }
    }

    /// The request that tried was given up before it had an answer: another may try.
    pub fn abandoned(&mut self, now: Duration) {
        if let State::Probing { last, .. } = self.state {
            self.state = State::Open { until: now, last };
        }
    }

    /// Requests that were under way when it opened may fail later: they never shorten a pause.
    fn open(&mut self, until: Duration, last: Last) {
        let until = match self.state {
            State::Open { until: before, .. } => before.max(until),
            _ => until,
        };
        self.state = State::Open { until, last };
    }
}

#[cfg(test)]
mod tests;
