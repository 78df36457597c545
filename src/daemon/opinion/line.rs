//! An opinion as one line of JSON: what `bead review --json` prints, the API answers, and a terminal reads back.
//!
//! Owns the line's members, and that reading it gives the opinion that was written. Start with [`Opinion::line`].

use serde_json::{Value, json};

use super::Opinion;
use crate::domain::ids::Oid;
use crate::domain::verdict::{Filed, Review};

impl Opinion {
    /// As `bead review --json` and the API say it.
    pub fn line(&self, filed: &[Filed]) -> Value {
        let (review, ended) = (self.review.as_ref(), self.ended.as_ref());
        json!({
            "type": "result",
            "bead": self.bead,
            "run": self.run,
            "base": self.base,
            "tip": self.tip,
            "verdict": review.map(|r| r.verdict),
            "ready": review.and_then(|r| r.ready),
            "outcome": ended.map(|(outcome, ..)| *outcome),
            "cause": ended.and_then(|(_, cause, _)| cause.clone()),
            "reason": review.map_or_else(|| ended.map(|e| e.2.clone()).unwrap_or_default(), |r| r.reason.clone()),
            "summary": review.map(|r| r.summary.clone()),
            "findings": review.map(|r| r.ledger.clone()).unwrap_or_default(),
            "unread": review.map(|r| r.unread.clone()).unwrap_or_default(),
            "filed": filed,
            "cost_usd": self.cost_usd,
        })
    }

    /// The opinion behind such a line, and what was filed; `None` of anything else.
    pub fn read(line: &Value) -> Option<(Self, Vec<Filed>)> {
        fn member<T: serde::de::DeserializeOwned>(line: &Value, name: &str) -> Option<T> {
            serde_json::from_value(line[name].clone()).ok()
        }
        let oid = |name: &str| Oid::parse(line[name].as_str()?).ok();
        let reason: String = member(line, "reason")?;
        let review = match member(line, "verdict")? {
            None => None,
            Some(verdict) => Some(Review {
                // Outside a claim there is one.
                round: 1,
                verdict,
                reason: reason.clone(),
                summary: member(line, "summary")?,
                ready: member(line, "ready")?,
                ledger: member(line, "findings")?,
                unread: member(line, "unread")?,
            }),
        };
        let ended = match member(line, "outcome")? {
            None => None,
            Some(outcome) => Some((outcome, member(line, "cause")?, reason)),
        };
        let opinion = Self {
            bead: member(line, "bead")?,
            run: member(line, "run")?,
            tip: oid("tip")?,
            base: oid("base")?,
            review,
            ended,
            cost_usd: line["cost_usd"].as_f64()?,
        };
        Some((opinion, member(line, "filed")?))
    }
}

#[cfg(test)]
mod tests;
