//! `bead doctor`: is everything there for a night, and what to do where it is not?
//!
//! Owns how the checks are shown; what is looked at is the daemon's. Exit 3 where a run would be refused. Start
//! with [`run`].

use std::sync::Arc;

use clap::Args as ClapArgs;

use super::desk::Desk;
use super::output::{BAD, DIM, GOOD, WARN, paint};
use super::{CliError, Exit};
use crate::clock::{RandomIds, SystemClock};
use crate::daemon::doctor::{Health, Visit, examine};
use crate::domain::clean::clean_line;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {}

pub(super) async fn run(desk: &Desk, _args: Args) -> Result<Exit, CliError> {
    let visit = Visit {
        environment: desk.environment.clone(),
        clock: Arc::new(SystemClock::default()),
        ids: Arc::new(RandomIds),
        zone: desk.zone(),
        project: desk.project.clone(),
        executor: None,
    };
    let checks = examine(visit).await;
    let worst = checks.iter().map(|check| check.health).max().unwrap_or(Health::Good);
    if desk.output.json {
        desk.output.document(&serde_json::json!({ "ok": worst < Health::Bad, "checks": checks }));
    } else {
        let width = checks.iter().map(|check| check.name.chars().count()).max().unwrap_or(0);
        for check in &checks {
            let (style, word) = match check.health {
                Health::Good => (GOOD, "ok  "),
                Health::Mind => (WARN, "mind"),
                Health::Bad => (BAD, "BAD "),
            };
            let name = clean_line(&check.name);
            let pad = " ".repeat(width.saturating_sub(name.chars().count()));
            desk.output.line(&format!("{} {name}{pad}  {}", paint(style, word), clean_line(&check.says)));
            if let Some(todo) = &check.todo {
                desk.output
                    .line(&paint(DIM, &format!("     {pad:width$}  -> {}", clean_line(todo), pad = "")));
            }
        }
    }
    Ok(if worst == Health::Bad { Exit::Refused } else { Exit::Done })
}
