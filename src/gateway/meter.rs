//! What a run has used and spent, and whether it may go on.
//!
//! Owns the figures of one gateway: requests, tokens by model, money by the price table, the limits last seen,
//! what was refused. Identity is the listener, never a header (T33). It reads no bytes (`usage_stream`) and
//! ends no run: it only answers at the cap (T32). Start with [`MeterReading`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use tokio::sync::watch;

use super::answer::{ErrorKind, Refusal};
use super::usage_stream::Seen;
use crate::clock::Clock;
use crate::domain::usage::{PriceTable, Usage};

/// What one gateway may let through.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// US dollars for the bead, what earlier runs spent included; `None` is no cap.
    pub cost_usd: Option<f64>,
    /// Requests at the upstream at once; more wait their turn.
    pub concurrency: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { cost_usd: None, concurrency: 8 }
    }
}

/// Why the upstream did not answer with success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamFailure {
    /// HTTP status, or `None` where there was no HTTP answer.
    pub status: Option<u16>,
    /// `connect`, `tls`, `timeout`, `broken` or `status`.
    pub class: &'static str,
}

/// The figures of one gateway at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MeterReading {
    /// Requests that were sent to the upstream.
    pub requests: u64,
    /// Requests that are being answered now.
    pub in_flight: u64,
    pub usage: BTreeMap<String, Usage>,
    /// US dollars spent through this gateway.
    pub cost_usd: f64,
    /// How much of `cost_usd` is estimated because an answer was left before it named its figures.
    pub estimated_usd: f64,
    /// When model traffic was last seen, as [`Clock::elapsed`]; bytes that carry no content do not count.
    pub last_activity: Duration,
    /// Answers other than success, and answers that broke off.
    pub upstream_errors: u64,
    pub last_failure: Option<UpstreamFailure>,
    /// `retry-after` and `anthropic-ratelimit-*` of the last answer that had any, by lower-case name.
    pub rate_limits: BTreeMap<String, String>,
    /// Requests that were answered here, by what was refused: a small set of words.
    pub refused: BTreeMap<&'static str, u64>,
    /// The cap is reached: nothing more goes upstream.
    pub over_budget: bool,
}

/// More models than this in one run are somebody's game; they share one line.
const MAX_MODELS: usize = 32;

/// The one place that writes a reading.
pub(crate) struct Meter {
    reading: watch::Sender<MeterReading>,
    prices: PriceTable,
    /// What may still be spent when the gateway opens.
    allowance: Option<f64>,
    clock: Arc<dyn Clock>,
}

impl Meter {
    pub(crate) fn new(limits: Limits, prices: PriceTable, already_spent: f64, clock: Arc<dyn Clock>) -> Self {
        let allowance = limits.cost_usd.map(|cap| cap - already_spent);
        let first = MeterReading {
            last_activity: clock.elapsed(),
            over_budget: allowance.is_some_and(|left| spent_out(left, 0.0)),
            ..MeterReading::default()
        };
        Self { reading: watch::Sender::new(first), prices, allowance, clock }
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<MeterReading> {
        self.reading.subscribe()
    }

    /// Whether one more request may go upstream.
    pub(crate) fn admit(&self) -> Result<(), Refusal> {
        if self.reading.borrow().over_budget {
            let message = "the run's budget is spent";
            return Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, ErrorKind::RateLimit, BUDGET, message));
        }
        Ok(())
    }

    pub(crate) fn sent(&self) {
        self.change(|reading| {
            reading.requests += 1;
            reading.in_flight += 1;
        });
    }

    pub(crate) fn progress(&self) {
        self.change(|_| {});
    }

    pub(crate) fn refused(&self, what: &'static str) {
        self.reading.send_modify(|reading| *reading.refused.entry(what).or_default() += 1);
    }

    pub(crate) fn limits(&self, headers: BTreeMap<String, String>) {
        if !headers.is_empty() {
            self.reading.send_modify(|reading| reading.rate_limits = headers);
        }
    }

    pub(crate) fn failed(&self, failure: UpstreamFailure) {
        self.reading.send_modify(|reading| {
            reading.upstream_errors += 1;
            reading.last_failure = Some(failure);
        });
    }

    /// One request is over, however it ended.
    pub(crate) fn settle(&self, bill: &Bill) {
        let charge = bill.charge(&self.prices);
        let allowance = self.allowance;
        self.reading.send_modify(|reading| {
            reading.in_flight = reading.in_flight.saturating_sub(1);
            let Some(charge) = charge else { return };
            let known = reading.usage.contains_key(&charge.model) || reading.usage.len() < MAX_MODELS;
            let model = if known { charge.model } else { "(others)".to_owned() };
            *reading.usage.entry(model).or_default() += charge.usage;
            reading.cost_usd += charge.usd;
            if charge.estimated {
                reading.estimated_usd += charge.usd;
            }
            reading.over_budget = allowance.is_some_and(|left| spent_out(left, reading.cost_usd));
        });
    }

    fn change(&self, change: impl FnOnce(&mut MeterReading)) {
        let now = self.clock.elapsed();
        self.reading.send_modify(|reading| {
            reading.last_activity = now;
            change(reading);
        });
    }
}

/// The words under which a request beyond the cap is counted as refused.
pub const BUDGET: &str = "a request beyond the budget";

/// A figure that is no number must not open the cap.
fn spent_out(allowance: f64, spent: f64) -> bool {
    spent.partial_cmp(&allowance) != Some(std::cmp::Ordering::Less)
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The upstream ended its answer.
    Whole,
    /// The answer broke off on the upstream's side.
    Broken,
    /// The client left before the end.
    Abandoned,
    /// The upstream answered with an error, or not at all: nothing was made, nothing is charged.
    Failed,
}

/// What one request is charged by.
#[derive(Debug)]
pub(crate) struct Bill<'a> {
    pub(crate) seen: &'a Seen,
    pub(crate) ending: Ending,
    /// The model that was asked for.
    pub(crate) asked: &'a str,
    /// Bytes of the request.
    pub(crate) request: u64,
    /// False for token counting, which is free.
    pub(crate) charged: bool,
}

struct Charge {
    model: String,
    usage: Usage,
    usd: f64,
    estimated: bool,
}

impl Bill<'_> {
    /// What was seen is charged as seen. Where the client left before the figures came it is charged by size:
    /// otherwise leaving early would be a way around the cap.
    fn charge(&self, prices: &PriceTable) -> Option<Charge> {
        if !self.charged || self.ending == Ending::Failed {
            return None;
        }
        let left = self.ending == Ending::Abandoned;
        let mut usage = match self.seen.usage {
            Some(usage) => usage,
            None if left => Usage { input: tokens(self.request), ..Usage::default() },
            None => return None,
        };
        let guessed = tokens(self.seen.content);
        if !self.seen.complete {
            usage.output = usage.output.max(guessed);
        }
        let model = self.seen.model.clone().unwrap_or_else(|| self.asked.chars().take(128).collect());
        let usd = prices.request_cost(&model, usage, self.seen.hour_writes);
        Some(Charge { model, usage, usd, estimated: !self.seen.complete })
    }
}

/// About four bytes make a token of English or code.
fn tokens(bytes: u64) -> u64 {
    bytes.div_ceil(4)
}

#[cfg(test)]
mod tests;
