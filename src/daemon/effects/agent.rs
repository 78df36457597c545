//! The effect in the middle: the agent's container, started or adopted, watched, and judged.
//!
//! Owns the agent sandbox's spec, the search for a container that an earlier process started, and the record
//! of how it ended. The watching itself is `attempt`'s, the verdict on the end is the dialect's.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::agent::CredentialKind::OAuth;
use crate::agent::stream::Stream;
use crate::agent::summary::Summary;
use crate::agent::{Dialect, When};
use crate::config::effective::Effective;
use crate::daemon::attempt::{Entry, Sitting, write};
use crate::daemon::effects::ending::{ended, told};
use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::daemon::stop::Urgency;
use crate::daemon::watch::{RunLimits, Watch};
use crate::domain::event::{AgentEnd, Body, Ending, Printed};
use crate::domain::ids::base36;
use crate::domain::run::RunKind;
use crate::executor::{Attached, SandboxId};
use crate::gateway::credential::{Credential, CredentialKind};
use crate::gateway::meter;
use crate::gateway::{GatewaySpec, Outlet};
use crate::journal::log::{LogPlace, Part, RunLog, Stored};
use crate::lifecycle::{Story, Work};
use crate::scheduler::budget::Caps;

/// The container of a run, as it was found.
enum Place {
    New,
    There(SandboxId),
    Lost,
}

impl Engine {
    pub(in crate::daemon) async fn run_agent(&self, story: &mut Story) -> Result<(), EngineError> {
        let settings = self.settings(&story.order).await?;
        let place = self.find_container(story).await?;
        if matches!(place, Place::Lost) {
            let end = self.end_of_the_lost(story, &settings)?;
            self.record(story, Body::AgentEnded(end))?;
            return Ok(());
        }
        if matches!(place, Place::New) && self.stop.now() >= Urgency::Aside {
            let reason = "stopped before the agent began".to_owned();
            let end = match self.stop.aside().filter(|_| self.stop.now() == Urgency::Aside) {
                Some(aside) => AgentEnd {
                    cause: Some(aside.cause),
                    resets_at: aside.until.map(|t| t.timestamp()),
                    ..ended(Ending::PutAside, aside.reason)
                },
                None => ended(Ending::Interrupted, reason),
            };
            self.record(story, Body::AgentEnded(end))?;
            return Ok(());
        }
        let end = self.attend(story, &settings, place).await?;
        self.survive("done", "agent")?;
        self.record(story, Body::AgentEnded(end))?;
        Ok(())
    }

    /// Starts or adopts the container and stays with it until it has ended.
    async fn attend(
        &self,
        story: &mut Story,
        settings: &Effective,
        place: Place,
    ) -> Result<AgentEnd, EngineError> {
        let Some(work) = story.work.clone() else { return Err(EngineError::Left) };
        let (mut log, stream) = self.open_log(story, &work, settings)?;
        // What an earlier process metered of this run counts against the bead's money too.
        let spent = story.cost_usd + told(stream.summary(), settings);
        let gateway = self.open_gateway(spent, &work, settings)?;
        let _counted = self.machine.spending.count(&work.run, gateway.meter());
        let began = self.house.clock.now();
        let (id, mut attached, entry) = match place {
            Place::There(id) => {
                if work.container.is_none() {
                    self.record(story, Body::AgentStarted { container: id.0.clone() })?;
                }
                let attached = self.machine.executor.attach(&id, seen(log.stored())).await?;
                (id, attached, if work.tasked { Entry::AtWork } else { Entry::Adopted })
            }
            Place::New | Place::Lost => self.start_agent(story, settings, log.begin()?).await?,
        };
        let mut watch =
            Watch::new(run_limits(settings), self.house.clock.elapsed(), already(&work, began, entry));
        let task = self.task(story, settings).await?;
        if entry == Entry::Fresh {
            let uuid = super::uuid(self.house.ids.bytes());
            let line = self.machine.dialect.user_message(&task, &uuid, When::AfterTool);
            write(&mut attached, &line).await;
            watch.sent(&uuid);
            self.record(story, Body::TaskGiven)?;
        }
        // An adopted run began in another process.
        let since = if entry == Entry::Fresh { began } else { work.started };
        let sitting = Sitting {
            executor: self.machine.executor.as_ref(),
            dialect: self.machine.dialect.as_ref(),
            clock: self.house.clock.as_ref(),
            progress: self.progress.as_ref(),
            stop: &self.stop,
            id: id.clone(),
            watch,
            stream,
            log,
            meter: gateway.meter(),
            task,
            entry,
            ids: Arc::clone(&self.house.ids),
        };
        let seat = sitting.sit(attached).await;
        let reading = gateway.close().await;
        let seat = seat?;
        let mut end = self.judge(story, &seat, &reading, settings)?;
        seat.log.close()?;
        let taken = self.house.clock.now() - since;
        end.seconds = taken.to_std().unwrap_or_default().as_secs_f64();
        Ok(end)
    }

    /// Looks for the container of this run by name and nonce: only that one is ours to adopt (T50).
    async fn find_container(&self, story: &Story) -> Result<Place, EngineError> {
        let Some(work) = &story.work else { return Ok(Place::Lost) };
        let Some(name) = &work.sandbox else { return Ok(Place::New) };
        let found = self.machine.executor.list(&self.house.instance).await?;
        let mine = found.into_iter().find(|f| &f.name == name && f.labels.nonce == work.nonce);
        Ok(match mine {
            Some(found) => Place::There(found.id),
            // Intent without result: it may never have been created, and starting it is safe.
            None if work.container.is_none() => Place::New,
            None => Place::Lost,
        })
    }

    fn open_gateway(
        &self,
        spent: f64,
        work: &Work,
        settings: &Effective,
    ) -> Result<Box<dyn Outlet>, EngineError> {
        let dir = self.house.places.sockets(&work.run);
        self.private_for_run(&dir)?;
        let spec = GatewaySpec {
            dir,
            owner: self.machine.socket_owner(),
            allowed_uids: Vec::new(),
            upstream: self.machine.upstream.clone(),
            // A run that is only adopted to be stopped needs no key of ours.
            credential: self
                .machine
                .credential
                .clone()
                .unwrap_or_else(|| Credential::placeholder(CredentialKind::ApiKey)),
            limits: meter::Limits {
                cost_usd: Some(self.money_cap(spent, settings)),
                ..meter::Limits::default()
            },
            prices: settings.prices.value.clone(),
            already_spent_usd: spent,
            clock: Arc::clone(&self.house.clock),
            standing: Arc::clone(&self.machine.standing),
        };
        Ok(self.machine.gateways.open(spec)?)
    }

    /// What may be spent on the bead in all: its own limit, and the user's caps for beads and runs.
    fn money_cap(&self, spent: f64, settings: &Effective) -> f64 {
        let caps = Caps::new(&self.machine.user.budgets, self.machine.credential_kind() == OAuth);
        let run = caps.run.usd.map(|usd| spent + usd);
        [run, caps.bead.usd].into_iter().flatten().fold(settings.limits.cost_usd.value, f64::min)
    }

    /// The run's log, and the stream as far as an earlier process stored it: read again, so that tokens, tools
    /// and turns are whole.
    pub(super) fn open_log(
        &self,
        story: &Story,
        work: &Work,
        settings: &Effective,
    ) -> Result<(RunLog, Stream), EngineError> {
        let name = self.house.journal.log_of(&work.run)?;
        let name = name.unwrap_or_else(|| self.log_name(story, RunKind::Work));
        let stamp = name.rsplit('/').next().unwrap_or_default().trim_end_matches("-work.log");
        let place =
            LogPlace::new(&self.house.places.logs(&story.project, &story.bead), stamp, RunKind::Work)?;
        let redactor = self.redactor();
        let cap = settings.limits.output.value.bytes();
        let dialect = self.machine.dialect.as_ref();
        let mut stream = Stream::new(dialect);
        if !place.stdout().exists() {
            return Ok((RunLog::create(place, &redactor, cap)?, stream));
        }
        let now = self.house.clock.elapsed();
        // A container that is yet to be started, or only asked for, has printed nothing.
        let began = match (&work.sandbox, work.after) {
            (None, _) => Stored { stdout: u64::MAX, stderr: u64::MAX },
            (Some(_), after) => Stored { stdout: after.stdout, stderr: after.stderr },
        };
        let mut earlier = Stream::new(dialect);
        let mut present = None;
        let log = RunLog::reopen(place, &redactor, cap, began, &mut |line, part| match part {
            Part::Earlier => earlier.line(line, now),
            Part::Current => present.get_or_insert_with(|| after(dialect, &earlier)).line(line, now),
        })?;
        stream = present.unwrap_or_else(|| after(dialect, &earlier));
        Ok((log, stream))
    }

    /// Writes the intent with its name and nonce, then starts the container.
    async fn start_agent(
        &self,
        story: &mut Story,
        settings: &Effective,
        began: Stored,
    ) -> Result<(SandboxId, Attached, Entry), EngineError> {
        let Some(work) = story.work.clone() else { return Err(EngineError::Left) };
        let image = self.image(settings).await?;
        let (name, nonce) = match (&work.sandbox, &work.container) {
            // The intent stands and was not fulfilled: the same name, so that there can never be two.
            (Some(name), None) => (name.clone(), work.nonce.clone()),
            _ => (format!("bead-{}-{}", work.run, work.starts + 1), base36(self.house.ids.bytes(), 12)),
        };
        let after = Printed { stdout: began.stdout, stderr: began.stderr };
        self.record(story, Body::AgentStarting { sandbox: name.clone(), nonce: nonce.clone(), after })?;
        let spec = self.agent_spec(story, settings, (name, nonce), image.digest);
        let (id, attached) = self.machine.executor.start(&spec).await?;
        self.survive("done", "start_agent")?;
        self.record(story, Body::AgentStarted { container: id.0.clone() })?;
        Ok((id, attached, Entry::Fresh))
    }
}

/// The stream of a container that goes on where another one's stopped.
fn after(dialect: &dyn Dialect, earlier: &Stream) -> Stream {
    Stream::with(dialect, Summary::resumed(earlier.summary().spent.totals().clone()))
}

/// How much of its time an adopted run has used before we came.
fn already(work: &Work, now: DateTime<Utc>, entry: Entry) -> Duration {
    if entry == Entry::Fresh { Duration::ZERO } else { (now - work.started).to_std().unwrap_or_default() }
}

fn run_limits(settings: &Effective) -> RunLimits {
    let limits = &settings.limits;
    RunLimits {
        run_time: limits.run_time.value.get(),
        idle: limits.idle.value.get(),
        tool: limits.tool.value.get(),
    }
}

/// The log's count in the executor's words.
pub(in crate::daemon) fn seen(stored: crate::journal::log::Stored) -> crate::executor::Seen {
    crate::executor::Seen { stdout: stored.stdout, stderr: stored.stderr }
}
