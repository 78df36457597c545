//! What may still be spent: caps against a ledger.
//!
//! Near a cap nothing is started; at a cap runs are ended and their work is kept. Near means 95 of 100 parts, or
//! less than an ordinary bead costs. It meters nothing: figures come from the journal, where an unknown model
//! was charged at the highest price. Start with [`Caps::judge`].

use std::collections::BTreeMap;
use std::fmt;

use crate::config::budgets::{Budgets, Cap, Subscription};

/// From this part of a cap on nothing is started.
const NEAR: f64 = 0.95;

/// Money and tokens of some piece of work. Adding never overflows, and a figure that is no number counts as
/// more than any cap.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spent {
    /// US dollars.
    pub usd: f64,
    pub tokens: u64,
}

impl Spent {
    pub fn new(usd: f64, tokens: u64) -> Self {
        Self { usd: money(usd), tokens }
    }

    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            usd: money(money(self.usd) + money(other.usd)),
            tokens: self.tokens.saturating_add(other.tokens),
        }
    }

    /// What is left of `self` after `other`, never less than nothing.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        let usd = (money(self.usd) - money(other.usd)).max(0.0);
        Self { usd, tokens: self.tokens.saturating_sub(other.tokens) }
    }
}

/// A bill that cannot be read must stop the night rather than let it run on.
fn money(usd: f64) -> f64 {
    if usd.is_nan() { f64::MAX } else { usd.clamp(0.0, f64::MAX) }
}

/// The caps in force.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Caps {
    pub run: Cap,
    pub bead: Cap,
    pub night: Cap,
    pub week: Cap,
    /// Of one night, by project name.
    pub projects: BTreeMap<String, Cap>,
}

/// What was spent where a decision is to be made; `None` where it is not about a run or a bead.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct View<'a> {
    pub run: Option<Spent>,
    pub bead: Option<Spent>,
    /// Name of the project and what it spent tonight.
    pub project: Option<(&'a str, Spent)>,
    pub night: Spent,
    pub week: Spent,
    /// What beads that are running or about to start will likely still cost.
    pub promised: Spent,
    /// What one more bead costs in the middle, where that is known.
    pub bead_costs: Option<Spent>,
}

/// Whose cap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    Run,
    Bead,
    Project(String),
    Night,
    Week,
}

/// What follows from the caps.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    Go,
    StopStarting(Tight),
    /// End runs, keep their work.
    EndRuns(Tight),
}

/// A cap that is reached or near.
#[derive(Debug, Clone, PartialEq)]
pub struct Tight {
    pub which: Which,
    pub amount: Amount,
    /// Spent is at the cap, not only near it.
    pub reached: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    /// `promised`: what running and starting beads will likely add.
    Usd {
        spent: f64,
        promised: f64,
        cap: f64,
    },
    Tokens {
        spent: u64,
        promised: u64,
        cap: u64,
    },
}

impl Caps {
    /// `subscription_token`: the credential is a subscription's, for which `budgets.subscription: off` lifts the
    /// caps in money.
    pub fn new(budgets: &Budgets, subscription_token: bool) -> Self {
        let lifted = subscription_token && budgets.subscription == Subscription::Off;
        let cap = |cap: Cap| if lifted { Cap { usd: None, ..cap } } else { cap };
        Self {
            run: cap(budgets.run),
            bead: cap(budgets.bead),
            night: cap(budgets.night),
            week: cap(budgets.week),
            projects: budgets.project.iter().map(|(name, c)| (name.clone(), cap(*c))).collect(),
        }
    }

    /// The worst that any cap says: a cap that is reached before one that is near.
    pub fn judge(&self, view: &View<'_>) -> Verdict {
        let none = Spent::default();
        let more = view.bead_costs.unwrap_or(none);
        let mut near = None;
        let mut rows = Vec::with_capacity(5);
        if let Some(run) = view.run {
            rows.push((Which::Run, self.run, run, none, none));
        }
        if let Some(bead) = view.bead {
            rows.push((Which::Bead, self.bead, bead, none, none));
        }
        if let Some((name, spent)) = view.project {
            let cap = self.projects.get(name).copied().unwrap_or_default();
            rows.push((Which::Project(name.to_owned()), cap, spent, none, more));
        }
        rows.push((Which::Night, self.night, view.night, view.promised, more));
        rows.push((Which::Week, self.week, view.week, view.promised, more));
        for (which, cap, spent, promised, more) in rows {
            for (reached, amount) in amounts(cap, spent, promised, more).into_iter().flatten() {
                let tight = Tight { which: which.clone(), amount, reached };
                if reached {
                    return Verdict::EndRuns(tight);
                }
                near.get_or_insert(tight);
            }
        }
        near.map_or(Verdict::Go, Verdict::StopStarting)
    }
}

/// Per unit: nothing, or the figures with whether the cap is reached.
fn amounts(cap: Cap, spent: Spent, promised: Spent, more: Spent) -> [Option<(bool, Amount)>; 2] {
    let usd = cap.usd.and_then(|cap| {
        let (spent, promised) = (money(spent.usd), money(promised.usd));
        let amount = Amount::Usd { spent, promised, cap };
        let expected = money(spent + promised);
        let near = expected >= cap * NEAR || money(expected + money(more.usd)) > cap;
        (near || spent >= cap).then_some((spent >= cap, amount))
    });
    let tokens = cap.tokens.and_then(|cap| {
        let amount = Amount::Tokens { spent: spent.tokens, promised: promised.tokens, cap };
        let expected = spent.tokens.saturating_add(promised.tokens);
        let near = expected >= cap - cap / 20 || expected.saturating_add(more.tokens) > cap;
        (near || spent.tokens >= cap).then_some((spent.tokens >= cap, amount))
    });
    [usd, tokens]
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run => f.write_str("the run's"),
            Self::Bead => f.write_str("the bead's"),
            Self::Project(name) => write!(f, "the night's share of `{name}` in"),
            Self::Night => f.write_str("the night's"),
            Self::Week => f.write_str("the week's"),
        }
    }
}

impl Tight {
    /// "the night's money is nearly spent: $9.60 of $10.00".
    pub fn sentence(&self) -> String {
        let how = if self.reached { "spent" } else { "nearly spent" };
        match self.amount {
            Amount::Usd { spent, promised, cap } => {
                let more = if promised >= 0.005 && !self.reached {
                    format!(", and what is running will take about ${promised:.2} more")
                } else {
                    String::new()
                };
                format!("{} money is {how}: ${spent:.2} of ${cap:.2}{more}", self.which)
            }
            Amount::Tokens { spent, promised, cap } => {
                let more = if promised > 0 && !self.reached {
                    format!(", and what is running will take about {promised} more")
                } else {
                    String::new()
                };
                format!("{} tokens are {how}: {spent} of {cap}{more}", self.which)
            }
        }
    }
}

#[cfg(test)]
mod tests;
