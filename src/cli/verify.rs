//! `bead verify`: does everything tell one story?
//!
//! Owns how the report is shown and its exit code (1 when anything is wrong); the checks are the daemon's.

use clap::Args as ClapArgs;

use super::desk::{Desk, engine_error};
use super::output::{BAD, DIM, GOOD, paint};
use super::{CliError, Exit};
use crate::daemon::verify;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {}

pub(super) async fn run(desk: &Desk, _args: Args) -> Result<Exit, CliError> {
    let house = desk.house()?;
    let site = desk.site_in(&house).await?;
    let docker = desk.docker(&house).await.ok();
    let executor = docker.as_ref().map(|d| d as &dyn crate::executor::Executor);
    let report = verify::check(&house, &site, executor).await.map_err(engine_error)?;
    if desk.output.json {
        desk.output.document(&report);
    } else {
        for note in &report.notes {
            desk.output.line(&paint(DIM, &crate::domain::clean::clean_line(&format!("note: {note}"))));
        }
        for violation in &report.violations {
            desk.output
                .line(&paint(BAD, &crate::domain::clean::clean_line(&format!("violation: {violation}"))));
        }
        let checked =
            [(report.events, "event"), (report.claims, "claim"), (report.runs, "run")].map(|(n, word)| {
                let ending = if n == 1 { "" } else { "s" };
                format!("{n} {word}{ending}")
            });
        let checked = format!("{} checked", checked.join(", "));
        if report.violations.is_empty() {
            desk.output.line(&format!("{}: {checked}", paint(GOOD, "all right")));
        } else {
            desk.output.say(&checked);
        }
    }
    Ok(if report.violations.is_empty() { Exit::Done } else { Exit::Failed })
}
