//! `bead serve`: the daemon. It works in the windows of the user's config, and for other commands at any time.
//!
//! Owns what `serve` and `night` share: the one lock of a state directory, the control socket, the display, the
//! signals, and readiness and watchdog under systemd. Start with [`Daemon`].

use std::sync::Arc;
use std::time::Duration;

use clap::Args as ClapArgs;

use super::desk::{Desk, engine_error};
use super::display::Display;
use super::{CliError, Exit};
use crate::clock::Clock;
use crate::config::zone::Zone;
use crate::daemon::control::{Control, Desk as Counter, Hub};
use crate::daemon::dispatch::resources::Machine as Resources;
use crate::daemon::dispatch::{Dispatcher, Hours, NightReport, Outfit, Status};
use crate::daemon::house::{House, Site};
use crate::daemon::locks::{self, StoryLock, Taken};
use crate::daemon::machine::Machine;
use crate::daemon::stop::{Stop, Urgency};

/// A dispatcher that has not looked around for so long is stuck: systemd may start another.
const STUCK: chrono::TimeDelta = chrono::TimeDelta::minutes(5);

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// When it is stopped by a signal, end its runs too (their work is kept)
    #[arg(long)]
    stop_runs: bool,
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let house = Arc::new(desk.house()?);
    let daemon = Daemon::prepare(desk, &house).await?;
    let going =
        Going { hours: Hours::Windows, zone: desk.zone(), sites: Vec::new(), stop_runs: args.stop_runs };
    if daemon.machine.user.windows.is_empty() {
        desk.output.say("no `windows` in your config: nothing is started by itself, only what you ask for");
    }
    daemon.run(desk, house, going).await?;
    Ok(Exit::Done)
}

/// The one daemon of a state directory, before it runs.
pub(super) struct Daemon {
    pub machine: Machine,
    _lock: StoryLock,
}

/// What a daemon shall do.
pub(super) struct Going {
    pub hours: Hours,
    pub zone: Zone,
    /// None: the registered ones.
    pub sites: Vec<(String, Arc<Site>)>,
    pub stop_runs: bool,
}

impl Daemon {
    /// Takes the lock, and refuses what could only fail later: no key, no engine.
    pub(super) async fn prepare(desk: &Desk, house: &House) -> Result<Self, CliError> {
        let dir = house.places.locks();
        let lock = match locks::daemon(&dir) {
            Ok(Taken::Ours(lock)) => lock,
            Ok(Taken::Theirs(pid)) => return Err(super::night::in_the_way(pid)),
            Err(error) => return Err(CliError::from_error(Exit::Failed, &error)),
        };
        let machine = desk.machine(house)?;
        machine.has_key().map_err(|refusal| engine_error(refusal.into()))?;
        machine.executor.engine().await.map_err(|error| engine_error(error.into()))?;
        Ok(Self { machine, _lock: lock })
    }

    /// Runs until the dispatcher ends. Gives its report, and how urgently it was stopped.
    pub(super) async fn run(
        self,
        desk: &Desk,
        house: Arc<House>,
        going: Going,
    ) -> Result<(NightReport, Urgency), CliError> {
        let (hub, stop) = (Hub::default(), Stop::default());
        let display = Display::new(desk.output);
        let dispatcher = Dispatcher::new(Outfit {
            house: Arc::clone(&house),
            machine: self.machine,
            hours: going.hours,
            zone: going.zone,
            resources: Arc::new(Resources { state: house.places.state().to_owned() }),
            listeners: hub.listeners(display.listeners()),
            stop: stop.clone(),
            sites: going.sites,
        });
        let status = dispatcher.status();
        let clock = Arc::clone(&house.clock);
        let counter = Counter::new(house, dispatcher.orders(), status.clone(), hub, stop.clone());
        let stop_runs = counter.stop_runs.clone();
        let control = Control::open(counter).map_err(engine_error)?;
        tracing::debug!(socket = %control.path().display(), "listening");
        let signals = tokio::spawn(listen(stop.clone(), going.stop_runs, stop_runs.clone()));
        let beat = tokio::spawn(beat(clock, status.clone()));
        let shown = tokio::spawn(display.clone().follow(status));
        let report = dispatcher.with_stop_runs(stop_runs.subscribe()).run().await;
        let urgency = stop.now();
        for task in [signals, beat, shown] {
            task.abort();
        }
        display.done();
        drop(control);
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
        report.map(|report| (report, urgency)).map_err(engine_error)
    }
}

/// Tells systemd that we are ready and, as long as the dispatcher looks around, that we live.
async fn beat(clock: Arc<dyn Clock>, mut status: tokio::sync::watch::Receiver<Arc<Status>>) {
    if status.wait_for(|status| status.at.is_some()).await.is_err() {
        return;
    }
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    let mut ticks = tokio::time::interval((limit / 3).max(Duration::from_millis(500)));
    loop {
        ticks.tick().await;
        let seen = status.borrow().at;
        if seen.is_some_and(|at| clock.now() - at < STUCK) {
            let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
        }
    }
}

/// The first signal finishes landings and leaves, the second leaves at once.
async fn listen(stop: Stop, end_runs: bool, stop_runs: tokio::sync::watch::Sender<bool>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if end_runs && !*stop_runs.borrow() {
            stop_runs.send_replace(true);
        } else {
            stop.more();
        }
    }
}
