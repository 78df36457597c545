//! How much may run at once and what it may cost: `slots` and `budgets` of the user's own config.
//!
//! Owns their grammar and defaults. It counts nothing: the ledger is `scheduler::budget`'s and the journal's.
//! A budget is an amount of US dollars, or `{usd, tokens}`. Start with [`Slots`] and [`Budgets`].

use std::collections::BTreeMap;

use super::error::ConfigError;
use super::table::Table;

/// How many runs at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slots {
    /// Of all projects together.
    pub global: u32,
    /// Of one project; its `limits.slots` may be lower.
    pub project: Option<u32>,
    /// By model, as beads and `bead.yaml` name it.
    pub models: BTreeMap<String, u32>,
}

impl Default for Slots {
    fn default() -> Self {
        Self { global: 3, project: None, models: BTreeMap::new() }
    }
}

/// Caps on what work may cost; `None` where there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Budgets {
    pub run: Cap,
    pub bead: Cap,
    /// One window from its opening to its end.
    pub night: Cap,
    /// Seven days back.
    pub week: Cap,
    /// A project's part of one night, by the project's name.
    pub project: BTreeMap<String, Cap>,
    /// Of a usage limit: from here on no bead is started. Between 0 and 1.
    pub utilization: f64,
    pub subscription: Subscription,
}

/// The most that may be spent. An empty one caps nothing.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cap {
    pub usd: Option<f64>,
    pub tokens: Option<u64>,
}

/// Whether caps in money hold for a subscription's token, whose cost is only an estimate at list price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Subscription {
    #[default]
    Capped,
    /// `subscription: off`: only caps in tokens hold.
    Off,
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            run: Cap::default(),
            bead: Cap::default(),
            night: Cap::default(),
            week: Cap::default(),
            project: BTreeMap::new(),
            utilization: 0.90,
            subscription: Subscription::Capped,
        }
    }
}

pub(super) fn slots(root: &Table<'_>) -> Result<Slots, ConfigError> {
    let mut slots = Slots::default();
    if !root.is_table("slots") {
        slots.global = root.count("slots", 1, 64)?.unwrap_or(slots.global);
        return Ok(slots);
    }
    let Some(table) = root.table("slots")? else { return Ok(slots) };
    table.only(&["global", "project", "models"])?;
    slots.global = table.count("global", 1, 64)?.unwrap_or(slots.global);
    slots.project = table.count("project", 1, 64)?;
    if let Some(models) = table.table("models")? {
        for name in models.keys().collect::<Vec<_>>() {
            let most = models.count(&name, 0, 64)?.expect("the key was just listed");
            slots.models.insert(name, most);
        }
    }
    Ok(slots)
}

pub(super) fn budgets(root: &Table<'_>) -> Result<Budgets, ConfigError> {
    let Some(table) = root.table("budgets")? else { return Ok(Budgets::default()) };
    table.only(&["run", "bead", "night", "week", "project", "utilization", "subscription"])?;
    let mut project = BTreeMap::new();
    if let Some(projects) = table.table("project")? {
        for name in projects.keys().collect::<Vec<_>>() {
            project.insert(name.clone(), cap(&projects, &name)?);
        }
    }
    Ok(Budgets {
        run: cap(&table, "run")?,
        bead: cap(&table, "bead")?,
        night: cap(&table, "night")?,
        week: cap(&table, "week")?,
        project,
        utilization: table.part("utilization")?.unwrap_or(Budgets::default().utilization),
        subscription: subscription(&table)?,
    })
}

fn cap(table: &Table<'_>, key: &str) -> Result<Cap, ConfigError> {
    if !table.is_table(key) {
        return Ok(Cap { usd: table.money(key)?, tokens: None });
    }
    let Some(cap) = table.table(key)? else { return Ok(Cap::default()) };
    cap.only(&["usd", "tokens"])?;
    Ok(Cap { usd: cap.money("usd")?, tokens: cap.big("tokens")? })
}

fn subscription(table: &Table<'_>) -> Result<Subscription, ConfigError> {
    // Older YAML reads a bare `off` as `false`.
    if table.flag("subscription").ok().flatten() == Some(false) {
        return Ok(Subscription::Off);
    }
    match table.text("subscription")? {
        None | Some("on") => Ok(Subscription::Capped),
        Some("off") => Ok(Subscription::Off),
        Some(other) => Err(table.bad("subscription", "`on` or `off`", &format!("`{other}`"))),
    }
}

#[cfg(test)]
mod tests;
