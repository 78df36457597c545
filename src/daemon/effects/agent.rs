//! The effect in the middle: an author's run, and what any agent's run needs before its container is there.
//!
//! Owns the search for a container that an earlier process started, the run's log and gateway, and the start of an
//! author's sandbox. What happens around and in the container is `attend`'s. Start with `Engine::run_agent`.

use std::path::PathBuf;
use std::sync::Arc;

use super::sandbox::{HOME, Role, tmpfs};
use crate::agent::CredentialKind::OAuth;
use crate::agent::Dialect;
use crate::agent::stream::Stream;
use crate::agent::summary::Summary;
use crate::config::effective::Effective;
use crate::daemon::effects::ending::ended;
use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::daemon::stop::Urgency;
use crate::domain::event::{AgentEnd, Body, Ending, Printed};
use crate::domain::ids::base36;
use crate::domain::run::{Cause, RunKind};
use crate::executor::spec::{Mount, Purpose};
use crate::executor::{Attached, SandboxId, SandboxState};
use crate::gateway::credential::{Credential, CredentialKind};
use crate::gateway::meter;
use crate::gateway::{GatewaySpec, Outlet};
use crate::journal::log::{LogPlace, Part, RunLog, Stored};
use crate::lifecycle::{Story, Work};
use crate::scheduler::budget::Caps;

/// The container of a run, as it was found.
pub(super) enum Place {
    New,
    There(SandboxId),
    Lost,
}

impl Engine {
    pub(in crate::daemon) async fn run_agent(&self, story: &mut Story) -> Result<(), EngineError> {
        let settings = self.settings(&story.order).await?;
        let Some(work) = story.work.clone() else { return Ok(()) };
        let end = self.end_of(story, &work, &settings).await?;
        self.survive("done", "agent")?;
        self.record(story, Body::AgentEnded(end))?;
        Ok(())
    }

    /// The end of a run that nobody wants any more and that was not started.
    pub(super) fn stopped_before_it_began(&self) -> Option<AgentEnd> {
        if self.stop.now() < Urgency::Aside {
            return None;
        }
        let reason = "stopped before the agent began".to_owned();
        Some(match self.stop.aside().filter(|_| self.stop.now() == Urgency::Aside) {
            Some(aside) => AgentEnd {
                cause: Some(aside.cause),
                resets_at: aside.until.map(|t| t.timestamp()),
                ..ended(Ending::PutAside, aside.reason)
            },
            None => match self.stop.parked() {
                Some(reason) => {
                    AgentEnd { cause: Some(Cause::new("user")), ..ended(Ending::Interrupted, reason) }
                }
                None => ended(Ending::Interrupted, reason),
            },
        })
    }

    /// Looks for the container of this run by name and nonce: only that one is ours to adopt (T50).
    pub(super) async fn find_container(&self, work: &Work) -> Result<Place, EngineError> {
        let Some(name) = &work.sandbox else { return Ok(Place::New) };
        let found = self.machine.executor.list(&self.house.instance).await?;
        let mine = found.into_iter().find(|f| &f.name == name && f.labels.nonce == work.nonce);
        // Its maker died before it was started: nobody ever spoke to it, and it is made anew under its name (F03).
        if let Some(found) = mine.as_ref().filter(|found| work.container.is_none() && !found.running)
            && self.machine.executor.state(&found.id).await? == SandboxState::Created
        {
            self.machine.executor.remove(&found.id).await?;
            return Ok(Place::New);
        }
        Ok(match mine {
            Some(found) => Place::There(found.id),
            // Intent without result: it may never have been created, and starting it is safe.
            None if work.container.is_none() => Place::New,
            None => Place::Lost,
        })
    }

    pub(super) fn open_gateway(
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
        let kind = kind_of(story, work);
        let name = name.unwrap_or_else(|| self.log_name(story, kind));
        let ending = format!("-{}.log", kind.as_str());
        let stamp = name.rsplit('/').next().unwrap_or_default().trim_end_matches(ending.as_str());
        let place = LogPlace::new(&self.house.places.logs(&story.project, &story.bead), stamp, kind)?;
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
    pub(super) async fn start_agent(
        &self,
        story: &mut Story,
        work: &Work,
        settings: &Effective,
        began: Stored,
    ) -> Result<(SandboxId, Attached), EngineError> {
        let image = self.image(settings).await?.digest;
        let (sandbox, nonce) = match (&work.sandbox, &work.container) {
            // The intent stands and was not fulfilled: the same name, so that there can never be two.
            (Some(name), None) => (name.clone(), work.nonce.clone()),
            _ => (format!("bead-{}-{}", work.run, work.starts + 1), base36(self.house.ids.bytes(), 12)),
        };
        let after = Printed { stdout: began.stdout, stderr: began.stderr };
        self.record(story, Body::AgentStarting { sandbox: sandbox.clone(), nonce: nonce.clone(), after })?;
        let work = Work { sandbox: Some(sandbox), nonce, ..work.clone() };
        let spec = self.agent_spec(story, &work, settings, self.author(story, &work, settings, image));
        let started = self.machine.executor.start(&spec).await?;
        self.survive("done", "start_agent")?;
        Ok(started)
    }

    fn author(&self, story: &Story, work: &Work, settings: &Effective, image: String) -> Role {
        let places = &self.house.places;
        Role {
            purpose: Purpose::Agent,
            image,
            session: work.session.clone(),
            model: settings.model.value.clone(),
            schema: None,
            checkout: bind(places.clone_dir(&work.run), "/work"),
            conversation: vec![
                // Docker makes missing parents of a bind as root, where the agent could not write.
                tmpfs(&format!("{HOME}/.claude"), 256 << 20, true),
                bind(places.conversation(&story.project, &story.bead), &format!("{HOME}/.claude/projects")),
            ],
        }
    }
}

/// A folder of this machine that the author may write.
fn bind(source: PathBuf, target: &str) -> Mount {
    Mount::Bind { source, target: target.to_owned(), read_only: false }
}

/// Whose run it is: a reviewer's, or an author's.
pub(super) fn kind_of(story: &Story, work: &Work) -> RunKind {
    let reviews = story.reviews.run.as_ref().is_some_and(|review| review.run == work.run);
    if reviews { RunKind::Review } else { RunKind::Work }
}

/// The stream of a container that goes on where another one's stopped.
fn after(dialect: &dyn Dialect, earlier: &Stream) -> Stream {
    Stream::with(dialect, Summary::resumed(earlier.summary().spent.totals().clone()))
}

/// The log's count in the executor's words.
pub(in crate::daemon) fn seen(stored: crate::journal::log::Stored) -> crate::executor::Seen {
    crate::executor::Seen { stdout: stored.stdout, stderr: stored.stderr }
}
