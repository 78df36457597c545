//! `bead serve`: the daemon. It works in the windows of the user's config, and for other commands at any time.
//!
//! Owns what `serve` and `night` share: the one lock of a state directory, the control socket, the display, the
//! signals, and readiness and watchdog under systemd. Start with [`Daemon`].

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args as ClapArgs;

use super::desk::{Desk, engine_error};
use super::display::Display;
use super::signals::Signals;
use super::{CliError, Exit};
use crate::clock::Clock;
use crate::config::server::{self, Server};
use crate::config::zone::Zone;
use crate::daemon::alerts::Alerts;
use crate::daemon::control::window::{Bound, Window};
use crate::daemon::control::{Control, Desk as Counter, Hub, Parts};
use crate::daemon::dispatch::resources::Machine as Resources;
use crate::daemon::dispatch::{Dispatcher, Hours, NightReport, Outfit, Status};
use crate::daemon::heartbeat::Pulse;
use crate::daemon::house::{House, Site};
use crate::daemon::locks::{self, StoryLock, Taken};
use crate::daemon::machine::Machine;
use crate::daemon::stop::{Stop, Urgency};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// When it is stopped by a signal, end its runs too (their work is kept)
    #[arg(long)]
    stop_runs: bool,
    /// Where browsers and scripts reach it (default 127.0.0.1:7070; port 0 takes any that is free)
    #[arg(long, value_name = "ADDR", value_parser = server::address)]
    listen: Option<SocketAddr>,
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let house = Arc::new(desk.house()?);
    let daemon = Daemon::prepare(desk, &house).await?;
    let mut server = daemon.machine.user.server.clone();
    server.listen = args.listen.or(server.listen);
    let going = Going {
        hours: Hours::Windows,
        zone: desk.zone(),
        sites: Vec::new(),
        stop_runs: args.stop_runs,
        server: Some(server),
    };
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
    /// Where it is reached over TCP; none: over its socket alone.
    pub server: Option<Server>,
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
        // Before the first sign of life: whoever sees one may send a signal, and it shall find a listener.
        let signals = Signals::catch()?;
        let (hub, stop) = (Hub::default(), Stop::default());
        let window = window(desk, going.server.as_ref()).await?;
        let display = Display::new(desk.output);
        let dialect = Arc::clone(&self.machine.dialect);
        let watch = self.machine.user.watch.clone();
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
        let pulse = Pulse::start(watch, &house, status.clone()).map_err(|r| engine_error(r.into()))?;
        let clock = Arc::clone(&house.clock);
        let told = !house.environment.rehearsal;
        let alerts = told.then(|| Alerts::start(Arc::clone(&house), going.zone));
        let reach = window.as_ref().map(|window| window.reach.clone()).unwrap_or_default();
        let (orders, told) = (dispatcher.orders(), status.clone());
        let parts =
            Parts { house, orders, status: told, hub, stop: stop.clone(), reach: reach.clone(), dialect };
        let counter = Counter::new(parts).map_err(engine_error)?;
        let stop_runs = counter.stop_runs.clone();
        let control = Control::open(counter, window).map_err(engine_error)?;
        if let Some(url) = reach.public_url().or(reach.url()) {
            desk.output.say(&format!("reached at {url}; `bead login` prints a link for a browser"));
        }
        tracing::debug!(socket = %control.path().display(), "listening");
        let signals = tokio::spawn(listen(signals, stop.clone(), going.stop_runs, stop_runs.clone()));
        let beat = tokio::spawn(beat(clock, status.clone()));
        let shown = tokio::spawn(display.clone().follow(status));
        let report = dispatcher.with_stop_runs(stop_runs.subscribe()).run().await;
        let urgency = stop.now();
        for task in [signals, beat, shown] {
            task.abort();
        }
        display.done();
        drop(control);
        // Whoever dies of an error shall be missed.
        match report {
            Ok(_) => pulse.leave().await,
            Err(_) => pulse.die().await,
        }
        if let Some(alerts) = alerts {
            alerts.finish().await;
        }
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
        report.map(|report| (report, urgency)).map_err(engine_error)
    }
}

/// Listens on TCP, or says why not.
async fn window(desk: &Desk, server: Option<&Server>) -> Result<Option<Window>, CliError> {
    let Some(server) = server else { return Ok(None) };
    match Window::bind(server).await.map_err(|refusal| engine_error(refusal.into()))? {
        Bound::Window(window) => Ok(Some(window)),
        Bound::Taken(why) => {
            desk.output
                .warn(&format!("no window for browsers and scripts: {why} (`--listen` takes another port)"));
            Ok(None)
        }
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
        let now = clock.now();
        if status.borrow().is_fresh(now, now) {
            let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
        }
    }
}

/// The first signal finishes landings and leaves, the second leaves at once.
async fn listen(
    mut signals: Signals,
    stop: Stop,
    end_runs: bool,
    stop_runs: tokio::sync::watch::Sender<bool>,
) {
    loop {
        signals.next().await;
        if end_runs && !*stop_runs.borrow() {
            stop_runs.send_replace(true);
        } else {
            stop.more();
        }
    }
}
