//! The settings in force, each with where it comes from.
//!
//! Owns the rows and their words (alerts: where they go, never an endpoint or a key), for `bead config show` and for the page. Nothing is changed from a page: files are.
//! Start with [`Row`].

use crate::config::budgets::{Budgets, Cap, Subscription};
use crate::config::effective::Effective;
use crate::config::limits::{Origin, Sourced};
use crate::config::user::User;
use crate::domain::clean::{clean_line, ellipsis};
use crate::feed::notify::ready::Way;
use crate::feed::view::words::When;
use crate::journal::outbox::Standing;
use crate::journal::reach::Device;

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub key: String,
    pub value: String,
    pub origin: String,
}

/// The settings of one project, or why they cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    pub name: String,
    pub trouble: Option<String>,
    pub rows: Vec<Row>,
}

/// Over which ways people are told, and how those stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    pub ways: Vec<WayRow>,
    /// Push is on in the config.
    pub push: bool,
    pub devices: Vec<DeviceRow>,
    /// Alerts that will be tried, and those given up in the last seven days.
    pub waiting: u32,
    pub given_up: u32,
}

/// A channel of the config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayRow {
    pub name: &'static str,
    pub to: String,
    /// Why it does not work.
    pub wrong: Option<String>,
}

/// A device that subscribed. Its endpoint and keys are nobody's to read (T35).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRow {
    pub id: String,
    pub name: String,
    pub since: When,
    /// When it last took an alert.
    pub reached: Option<When>,
    pub wrong: Option<String>,
}

impl Told {
    /// What config and journal know, in words for a page.
    pub fn of(ways: Vec<Way>, push: bool, devices: Vec<Device>, standing: &Standing) -> Self {
        let failing = |channel: &str| {
            let of = standing.failing.iter().find(|(name, _)| name == channel);
            of.map(|(_, why)| format!("the last try failed: {}", ellipsis(why, 200)))
        };
        let ways = ways.into_iter().map(|way| WayRow {
            name: way.name,
            to: clean_line(&way.to),
            wrong: way.wrong.map(|wrong| ellipsis(&wrong, 300)).or_else(|| failing(way.name)),
        });
        let devices = devices.into_iter().map(|Device { id, name, created, last_ok, .. }| DeviceRow {
            name: if name.trim().is_empty() {
                "a device without a name".to_owned()
            } else {
                ellipsis(&name, 120)
            },
            since: When::of(created),
            reached: last_ok.map(When::of),
            wrong: failing(&format!("push/{id}")),
            id: clean_line(&id),
        });
        let (ways, devices) = (ways.collect(), devices.collect());
        Self { ways, push, devices, waiting: standing.waiting, given_up: standing.given_up }
    }
}

fn row(key: &str, value: impl ToString, origin: &Origin) -> Row {
    Row { key: key.to_owned(), value: value.to_string(), origin: origin.to_string() }
}

/// What only the user's own file says.
pub fn user_rows(user: &User) -> Vec<Row> {
    let mine = |differs: bool| if differs { Origin::User(user.file.clone()) } else { Origin::Default };
    let slots = &user.slots;
    let given = mine(*slots != crate::config::budgets::Slots::default());
    let mut rows = vec![row("slots.global", slots.global, &given)];
    if let Some(project) = slots.project {
        rows.push(row("slots.project", project, &given));
    }
    rows.extend(slots.models.iter().map(|(model, n)| row(&format!("slots.models.{model}"), n, &given)));
    for (place, window) in (1..).zip(&user.windows) {
        let zone = window.zone.map_or("this machine's zone".to_owned(), |zone| zone.to_string());
        let text = format!("from `{}` ({zone})", window.start.as_str());
        rows.push(row(&format!("windows.{place}"), text, &mine(true)));
    }
    let budgets = &user.budgets;
    let given = mine(*budgets != Budgets::default());
    let caps =
        [("run", budgets.run), ("bead", budgets.bead), ("night", budgets.night), ("week", budgets.week)];
    rows.extend(caps.iter().map(|(name, cap)| row(&format!("budgets.{name}"), amount(*cap), &given)));
    rows.extend(
        budgets
            .project
            .iter()
            .map(|(name, cap)| row(&format!("budgets.project.{name}"), amount(*cap), &given)),
    );
    rows.push(row("budgets.utilization", budgets.utilization, &given));
    let subscription = if budgets.subscription == Subscription::Off { "off" } else { "on" };
    rows.push(row("budgets.subscription", subscription, &given));
    let given = mine(user.notify != crate::config::notify::Notify::default());
    rows.extend(user.notify.rows().into_iter().map(|(key, value)| row(key, value, &given)));
    rows
}

fn amount(cap: Cap) -> String {
    match (cap.usd, cap.tokens) {
        (None, None) => "no cap".to_owned(),
        (Some(usd), None) => format!("${usd:.2}"),
        (None, Some(tokens)) => format!("{tokens} tokens"),
        (Some(usd), Some(tokens)) => format!("${usd:.2} and {tokens} tokens"),
    }
}

/// What holds for one project.
pub fn project_rows(effective: &Effective) -> Vec<Row> {
    fn of<T: ToString>(key: &str, value: &Sourced<T>) -> Row {
        row(key, value.value.to_string(), &value.origin)
    }
    let named = |key: &str, value: &Sourced<Option<String>>, none: &str| {
        row(key, value.value.as_deref().unwrap_or(none), &value.origin)
    };
    let limits = &effective.limits;
    vec![
        named("target", &effective.target, "the checked-out branch"),
        of("image", &effective.image),
        named("model", &effective.model, "the agent's own"),
        of("limits.attempts", &limits.attempts),
        of("limits.run_time", &limits.run_time),
        of("limits.idle", &limits.idle),
        of("limits.tool", &limits.tool),
        row("limits.cost_usd", format!("${:.2}", limits.cost_usd.value), &limits.cost_usd.origin),
        of("limits.slots", &limits.slots),
        of("limits.memory", &limits.memory),
        of("limits.output", &limits.output),
        row("land.mode", effective.land.value.mode.as_str(), &effective.land.origin),
        row("land.push", effective.land.value.push.as_deref().unwrap_or("no"), &effective.land.origin),
    ]
}
