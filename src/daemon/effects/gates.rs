//! The effect that proves: every gate of the base's `bead.yaml` on the exact commit that would land.
//!
//! Owns what a gate's run leaves in journal and log, and what follows for the story. How a gate is run and
//! judged is the gate room's. Leftovers of a gate that a crash cut off are removed before it runs again.

use std::collections::HashMap;

use tokio_util::sync::CancellationToken;

use crate::config::effective::Effective;
use crate::daemon::engine::{Engine, stopped};
use crate::daemon::error::EngineError;
use crate::daemon::stop::Urgency;
use crate::domain::event::Body;
use crate::domain::finding::Finding;
use crate::domain::ids::{RunId, base36};
use crate::domain::run::{Cause, RunKind, RunState};
use crate::executor::Chunk;
use crate::executor::spec::Limits;
use crate::gate::{self, GateError, GateJob, GateReport, GateWatch, Verdict};
use crate::journal::Entry;
use crate::journal::log::{LogPlace, RunLog};
use crate::lifecycle::{Candidate, Story};

/// Room for the checkout and what a build makes of it; it lies in memory and counts only where it is used.
const WORK_BYTES: u64 = 2 << 30;
/// Most output of one gate that is kept.
const OUTPUT_CAP: u64 = 64 << 20;

impl Engine {
    pub(in crate::daemon) async fn gate(&self, story: &mut Story) -> Result<(), EngineError> {
        let settings = self.settings(&story.order).await?;
        if story.order.no_gates || settings.gates.is_empty() {
            self.record(story, Body::GatesPassed { skipped: true })?;
            return Ok(());
        }
        let (Some(candidate), Some(kept)) = (story.candidate.clone(), story.tip.clone()) else {
            return Ok(());
        };
        self.remove_gates(&kept.run).await?;
        let jobs = self.jobs(story, &settings, &candidate, &kept.run).await?;
        let executor = std::sync::Arc::clone(&self.machine.executor);
        let cancel = CancellationToken::new();
        let mut watch = Watcher { engine: self, story, logs: HashMap::new() };
        let ran = {
            let gates = gate::run_gates(&executor, self.house.clock.as_ref(), &jobs, &mut watch, &cancel);
            tokio::pin!(gates);
            tokio::select! {
                ran = &mut gates => ran,
                () = self.stop.at_least(Urgency::Gently) => {
                    // Cancelled, it still removes what it made.
                    cancel.cancel();
                    gates.await
                }
            }
        };
        let reports = match ran {
            Ok(reports) => reports,
            Err(GateError::Cancelled(_)) => {
                self.record(story, stopped(story))?;
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        self.survive("done", "gate")?;
        self.conclude(story, reports)
    }

    fn conclude(&self, story: &mut Story, reports: Vec<GateReport>) -> Result<(), EngineError> {
        if let Some(broken) = reports.iter().find(|r| r.verdict == Verdict::Broken) {
            let reason = format!("gate {}: {}", broken.gate, broken.summary);
            self.record(story, Body::GatesBroken { reason: reason.clone() })?;
            return Err(EngineError::GateBroken(reason));
        }
        let passed = reports.iter().all(|r| r.verdict == Verdict::Passed);
        let findings: Vec<Finding> = reports.into_iter().flat_map(|r| r.findings).collect();
        let body = if passed { Body::GatesPassed { skipped: false } } else { Body::GatesFailed { findings } };
        self.record(story, body)?;
        Ok(())
    }

    async fn jobs(
        &self,
        story: &Story,
        settings: &Effective,
        candidate: &Candidate,
        run: &RunId,
    ) -> Result<Vec<GateJob>, EngineError> {
        let image = self.image(settings).await?;
        let jobs = settings.gates.iter().zip(1u32..).map(|(gate, ordinal)| GateJob {
            gate: gate.clone(),
            ordinal,
            commit: candidate.commit.clone(),
            branch: story.order.target.clone(),
            quarantine: self.site.repo.quarantine_path().to_owned(),
            image: image.digest.clone(),
            checkout_image: image.digest.clone(),
            user: self.machine.run_user,
            limits: Limits { memory: settings.limits.memory.value.bytes(), ..Limits::default() },
            work_bytes: WORK_BYTES,
            log_cap: OUTPUT_CAP * 2,
            labels: self.labels(story, run, String::new()),
            checkout_nonce: base36(self.house.ids.bytes(), 12),
            gate_nonce: base36(self.house.ids.bytes(), 12),
        });
        Ok(jobs.collect())
    }

    /// Gates of this run that a crash left behind.
    async fn remove_gates(&self, run: &RunId) -> Result<(), EngineError> {
        let executor = &self.machine.executor;
        let prefix = format!("bead-{run}-gate");
        for found in executor.list(&self.house.instance).await? {
            if found.labels.run == run.as_str() && found.name.starts_with(&prefix) {
                executor.remove(&found.id).await?;
            }
        }
        for volume in executor.list_volumes(&self.house.instance).await? {
            if volume.starts_with(&prefix) {
                executor.remove_volume(&volume).await?;
            }
        }
        Ok(())
    }
}

/// Writes down what the gates do.
struct Watcher<'a> {
    engine: &'a Engine,
    story: &'a mut Story,
    logs: HashMap<u32, (RunId, RunLog)>,
}

impl Watcher<'_> {
    fn tell(&mut self, run: &RunId, body: Body) -> Result<(), EngineError> {
        let entry = Entry { run: Some(run.clone()), ..Entry::of(self.story, body) };
        self.engine.record_as(self.story, entry)?;
        Ok(())
    }
}

impl GateWatch for Watcher<'_> {
    type Error = EngineError;

    fn starting(&mut self, job: &GateJob) -> Result<(), EngineError> {
        let run = RunId::from_bytes(self.engine.house.ids.bytes());
        let name = self.engine.log_name(self.story, RunKind::Gate);
        let stamp = name.rsplit('/').next().unwrap_or_default().trim_end_matches("-gate.log").to_owned();
        let dir = self.engine.house.places.logs(&self.story.project, &self.story.bead);
        let place = LogPlace::new(&dir, &stamp, RunKind::Gate)?;
        let mut log = RunLog::create(place, &self.engine.redactor(), OUTPUT_CAP)?;
        log.note(&format!("$ {}", job.gate.run))?;
        self.tell(&run, Body::RunStarted { kind: RunKind::Gate, log: name })?;
        self.tell(&run, Body::GateStarted { gate: job.gate.name.clone(), command: job.gate.run.clone() })?;
        self.logs.insert(job.ordinal, (run, log));
        Ok(())
    }

    fn output(&mut self, job: &GateJob, chunk: &Chunk) -> Result<(), EngineError> {
        let Some((_, log)) = self.logs.get_mut(&job.ordinal) else { return Ok(()) };
        match chunk {
            Chunk::Stdout(bytes) => {
                for line in &log.stdout(bytes)?.lines {
                    if let crate::domain::lines::Line::Whole(bytes) = line {
                        log.note(&String::from_utf8_lossy(bytes))?;
                    }
                }
            }
            Chunk::Stderr(bytes) => {
                // What overflows the cap is counted in the report; a gate is ended by its own limits.
                let _ = log.stderr(bytes)?;
                for line in String::from_utf8_lossy(bytes).lines() {
                    log.note(line)?;
                }
            }
        }
        Ok(())
    }

    fn ended(&mut self, job: &GateJob, report: &GateReport) -> Result<(), EngineError> {
        let Some((run, mut log)) = self.logs.remove(&job.ordinal) else { return Ok(()) };
        let passed = report.verdict == Verdict::Passed;
        let _ = log.finish()?;
        log.note(&format!("-- {}", report.summary))?;
        log.close()?;
        let state = match report.verdict {
            Verdict::Passed => RunState::Completed,
            Verdict::TimedOut => RunState::Timeout,
            _ => RunState::Failed,
        };
        let cause = (!passed).then(|| Cause::new("gate"));
        let (gate, summary) = (report.gate.clone(), report.summary.clone());
        self.tell(&run, Body::GateEnded { gate, passed, summary, seconds: report.seconds })?;
        self.tell(&run, Body::RunEnded { kind: RunKind::Gate, state, cause, cost_usd: 0.0 })
    }
}
