//! `bead night`: works through the ready beads of all registered projects, in the foreground, until nothing is
//! left or its time is up.
//!
//! Owns the lock, the display and the signals (once: finish landings and leave the containers running, with
//! `--stop-runs` end them too; twice: leave at once). What happens is the dispatcher's. Start with [`run`].

use std::sync::Arc;

use clap::Args as ClapArgs;

use super::desk::{Desk, engine_error, journal_error};
use super::output::{GOOD, Output, WARN, paint};
use super::serve::{Daemon, Going};
use super::{CliError, Exit};
use crate::config::server::Server;
use crate::config::zone::Zone;
use crate::daemon::alerts;
use crate::daemon::dispatch::{Hours, NightReport};
use crate::daemon::house::{House, Site};
use crate::daemon::stop::Urgency;
use crate::scheduler::window;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Stop at this time on the clock of the wall; runs are put aside and go on next time
    #[arg(long, value_name = "HH:MM")]
    until: Option<String>,
    /// Only tell what would be started, with a forecast
    #[arg(long)]
    dry_run: bool,
    /// When it is stopped by a signal, end its runs too (their work is kept)
    #[arg(long)]
    stop_runs: bool,
    /// Where browsers and scripts reach it meanwhile (default: nowhere)
    #[arg(long, value_name = "ADDR", value_parser = crate::config::server::address)]
    listen: Option<std::net::SocketAddr>,
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let house = Arc::new(desk.house()?);
    let now = house.clock.now();
    let zone = desk.zone();
    let until = match &args.until {
        None => None,
        Some(text) => Some(window::until(text, now, zone).ok_or_else(|| {
            CliError::new(Exit::Usage, format!("`--until {text}`: expected a time of day such as `07:00`"))
        })?),
    };
    let sites = sites(desk, &house).await?;
    let hours = Hours::Now { until };
    if args.dry_run {
        return super::forecast::run(desk, house, sites, hours).await;
    }
    let daemon = Daemon::prepare(desk, &house).await?;
    // A night in the foreground opens a window only where somebody asked for one.
    let server =
        args.listen.map(|listen| Server { listen: Some(listen), ..daemon.machine.user.server.clone() });
    let going = Going { hours, zone, sites, stop_runs: args.stop_runs, server };
    let (report, urgency) = daemon.run(desk, Arc::clone(&house), going).await?;
    tell(desk.output, &report);
    tell_unsent(desk.output, &house, zone);
    Ok(if urgency > Urgency::GoOn { Exit::Interrupted } else { Exit::Done })
}

/// The project that was named, or all registered ones (none here), or the one around us.
pub(super) async fn sites(desk: &Desk, house: &House) -> Result<Vec<(String, Arc<Site>)>, CliError> {
    let registered = house.journal.projects().map_err(journal_error)?;
    if desk.project.is_none() && !registered.is_empty() {
        return Ok(Vec::new());
    }
    let site = desk.site_in(house).await.map_err(|error| {
        if desk.project.is_some() {
            return error;
        }
        error.hint("or register the repositories to work through: `bead project add PATH`")
    })?;
    let known = registered.iter().find(|p| p.id == site.id).map(|p| p.name.clone());
    let folder = || site.root().file_name().map(|n| n.to_string_lossy().into_owned());
    let name = known.or_else(folder).unwrap_or_default();
    Ok(vec![(name, Arc::new(site))])
}

/// How the night ended.
pub(super) fn tell(output: Output, report: &NightReport) {
    if output.json {
        let mut line = serde_json::to_value(report).unwrap_or_default();
        line["type"] = "result".into();
        output.value(&line);
        return;
    }
    let tally = report.tally;
    let mut parts = Vec::new();
    let mut part = |n: u32, word: &str| {
        if n > 0 {
            parts.push(format!("{n} {word}"));
        }
    };
    part(tally.landed, "landed");
    part(tally.parked, "parked");
    part(tally.no_change, "without a change");
    part(tally.blocked, "blocked");
    part(tally.failed, "failed");
    part(tally.cancelled, "cancelled");
    part(u32::try_from(report.suspended.len()).unwrap_or(u32::MAX), "suspended");
    let parts = if parts.is_empty() { "nothing was started".to_owned() } else { parts.join(", ") };
    let why = crate::domain::clean::clean_line(&report.why);
    output.line(&format!("{}: {parts}, ${:.2} ({why})", paint(GOOD, "night"), report.night_usd));
    for waiting in &report.suspended {
        let reason = crate::domain::clean::clean_line(&waiting.reason);
        output.line(&format!("  {} {} is suspended: {reason}", paint(WARN, "!"), waiting.bead));
    }
    if report.left_running > 0 {
        let n = report.left_running;
        let text = format!("{n} containers go on without supervision; `bead night` takes them up again");
        output.say(&format!("  {} {text}", paint(WARN, "!")));
    }
}

/// What people were not told, where something of it waits.
fn tell_unsent(output: Output, house: &House, zone: Zone) {
    if let Ok(Some((held, until))) = alerts::held_back(house, zone) {
        let until = zone.local(until).format("%H:%M");
        let text = format!(
            "alerts that wait for the end of quiet hours ({until}): {held}; a daemon that runs then sends them \
             (`bead serve`), or else the next one"
        );
        output.say(&format!("  {} {text}", paint(WARN, "!")));
    }
    let Ok(standing) = house.journal.outbox_standing() else { return };
    if standing.waiting == 0 {
        return;
    }
    let why = standing.failing.iter().map(|(channel, why)| {
        let channel = crate::feed::notify::courier::shown(channel);
        crate::domain::clean::clean_line(&format!("{channel}: {why}"))
    });
    let why = why.collect::<Vec<_>>().join("; ");
    let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
    let text = format!("alerts not sent yet: {}{why}; the next daemon tries again", standing.waiting);
    output.say(&format!("  {} {text}", paint(WARN, "!")));
}

pub(super) fn in_the_way(pid: Option<u32>) -> CliError {
    let who = pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
    let refusal =
        crate::daemon::refusal::Refusal::new(format!("a daemon works in this state directory: {who}"))
            .hint("other commands talk to it; `bead project list` shows what it works through");
    engine_error(refusal.into())
}
