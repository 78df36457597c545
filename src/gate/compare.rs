//! A failing gate seen against the same gate on the base: what is new is the work's, the rest is not.
//!
//! Owns what is remembered of a gate's run, and the rule of red bases (rules 17.1): only lists of failing
//! tests on both sides tell new from known. What follows is `lifecycle`'s. Start with [`compare`].

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::names::Names;
use super::{GateReport, Verdict};
use crate::domain::event::AgainstBase;
use crate::domain::signature::Signature;

/// What one run of a gate came to, as far as another can be compared with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    pub passed: bool,
    /// The command itself could not be run.
    pub unrunnable: bool,
    pub signature: Signature,
    /// Tests that ran, over all runners.
    pub ran: u64,
    /// Every failure has a name.
    pub listed: bool,
    pub names: Names,
    pub summary: String,
}

impl Trial {
    /// A pass that is remembered: nothing else of it matters.
    pub fn passed(summary: String) -> Self {
        Self {
            passed: true,
            unrunnable: false,
            signature: Signature::of("gate", ""),
            ran: 0,
            listed: false,
            names: Names::default(),
            summary,
        }
    }

    /// `None` where the run says nothing about what it ran on.
    pub fn of(report: &GateReport) -> Option<Self> {
        let passed = match report.verdict {
            Verdict::Broken => return None,
            verdict => verdict == Verdict::Passed,
        };
        let seen = &report.recognised;
        Some(Self {
            passed,
            unrunnable: report.unrunnable,
            signature: report.signature.clone(),
            ran: seen.counts.values().map(super::recognise::Count::ran).sum(),
            listed: report.verdict == Verdict::Failed && seen.lists_failures(),
            names: seen.names.clone(),
            summary: report.summary.clone(),
        })
    }
}

/// What the base says about a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    pub against: AgainstBase,
    /// Failing on both sides.
    pub known: Vec<String>,
    /// Failing with the work only, and passing tests of the base that are missing.
    pub new: Vec<String>,
}

/// `work` failed. The base's own run is `None` where it gave no answer.
pub fn compare(work: &Trial, base: Option<&Trial>) -> Comparison {
    let alone = |against| Comparison { against, known: Vec::new(), new: Vec::new() };
    let Some(base) = base else { return alone(AgainstBase::Unknown) };
    if base.passed {
        let new = if work.listed { work.names.failed.iter().cloned().collect() } else { Vec::new() };
        return Comparison { against: AgainstBase::New, known: Vec::new(), new };
    }
    if work.listed && base.listed {
        return by_name(work, base);
    }
    let same = (work.unrunnable && base.unrunnable) || work.signature == base.signature;
    alone(if same { AgainstBase::Same } else { AgainstBase::Red })
}

fn by_name(work: &Trial, base: &Trial) -> Comparison {
    let known: Vec<String> = work.names.failed.intersection(&base.names.failed).cloned().collect();
    let mut new: Vec<String> = work.names.failed.difference(&base.names.failed).cloned().collect();
    let ran: BTreeSet<&String> = work.names.passed.union(&work.names.failed).collect();
    // Only a runner that names what passes here too can miss one.
    let names_passes = !work.names.passed.is_empty() && !work.names.cut;
    let missing: Vec<String> = base
        .names
        .passed
        .iter()
        .filter(|name| names_passes && !ran.contains(name))
        .map(|name| format!("{name} (missing)"))
        .collect();
    if missing.is_empty() && work.ran < base.ran {
        new.push(format!("{} of {} tests did not run", base.ran - work.ran, base.ran));
    }
    new.extend(missing);
    let against = if new.is_empty() { AgainstBase::Known } else { AgainstBase::New };
    Comparison { against, known, new }
}

#[cfg(test)]
mod tests;
