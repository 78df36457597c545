//! What may still be spent: caps against a ledger.
//!
//! Near a cap nothing is started; at a cap runs are ended and their work is kept. Near means 95 of 100 parts, or
//! less than an ordinary bead costs. It meters nothing: figures come from the journal, where an unknown model
//! was charged at the highest price. Start with [`Caps::judge`].

use std::collections::BTreeMap;
use std::fmt;

use crate::config::budgets::{Budgets, Cap, Subscription};
use crate::domain::text::one_line;

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

/// Figures against a cap.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    Usd(Figures<f64>),
    Tokens(Figures<u64>),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures<T> {
    pub spent: T,
    /// What running and starting beads will likely add.
    pub promised: T,
    /// What one more bead takes in the middle; 0 where that is not known.
    pub more: T,
    pub cap: T,
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
        let (spent, promised, more) = (money(spent.usd), money(promised.usd), money(more.usd));
        let figures = Figures { spent, promised, more, cap };
        let near = figures.nearly() || money(spent + promised + more) > cap;
        (near || spent >= cap).then_some((spent >= cap, Amount::Usd(figures)))
    });
    let tokens = cap.tokens.and_then(|cap| {
        let (spent, promised, more) = (spent.tokens, promised.tokens, more.tokens);
        let figures = Figures { spent, promised, more, cap };
        let near = figures.nearly() || spent.saturating_add(promised).saturating_add(more) > cap;
        (near || spent >= cap).then_some((spent >= cap, Amount::Tokens(figures)))
    });
    [usd, tokens]
}

impl Figures<f64> {
    fn nearly(&self) -> bool {
        money(self.spent + self.promised) >= self.cap * NEAR
    }
}

impl Figures<u64> {
    fn nearly(&self) -> bool {
        self.spent.saturating_add(self.promised) >= self.cap - self.cap / 20
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run => f.write_str("the run's"),
            Self::Bead => f.write_str("the bead's"),
            Self::Project(name) => write!(f, "`{}`'s part of the night's", one_line(name, 60)),
            Self::Night => f.write_str("the night's"),
            Self::Week => f.write_str("the week's"),
        }
    }
}

impl Tight {
    /// "the night's money is nearly spent: $9.60 of $10.00".
    pub fn sentence(&self) -> String {
        let (what, nearly, figures) = match self.amount {
            Amount::Usd(f) => {
                let usd = |n: f64| (n >= 0.005).then(|| format!("${n:.2}"));
                let texts = [format!("${:.2}", f.spent), format!("${:.2}", f.cap)];
                ("money is", f.nearly(), (texts, usd(f.promised), usd(f.more)))
            }
            Amount::Tokens(f) => {
                let count = |n: u64| (n > 0).then(|| n.to_string());
                let texts = [f.spent.to_string(), f.cap.to_string()];
                ("tokens are", f.nearly(), (texts, count(f.promised), count(f.more)))
            }
        };
        let ([spent, cap], promised, more) = figures;
        let mut text = match (self.reached, nearly) {
            (true, _) => return format!("{} {what} spent: {spent} of {cap}", self.which),
            (false, true) => format!("{} {what} nearly spent: {spent} of {cap}", self.which),
            (false, false) => format!("{} {what} short for one more bead: {spent} of {cap}", self.which),
        };
        if let Some(promised) = promised {
            text.push_str(&format!(", the beads under way may take {promised} more"));
        }
        if let Some(more) = more.filter(|_| !nearly) {
            text.push_str(&format!(", and a bead takes about {more}"));
        }
        text
    }
}

#[cfg(test)]
mod tests;
