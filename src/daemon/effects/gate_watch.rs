//! What a gate's run leaves behind: its events in the journal and its output in a log.
//!
//! Owns the writing down alone, one run and one log for each gate's run. Which gates run and what follows is
//! `gates`'s. Start with `Watcher`.

use std::collections::HashMap;

use crate::daemon::effects::review::is_loose;
use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::domain::event::{Body, Outside};
use crate::domain::ids::RunId;
use crate::domain::run::{Cause, RunKind, RunState};
use crate::executor::Chunk;
use crate::gate::{GateJob, GateReport, GateWatch, Verdict};
use crate::journal::Entry;
use crate::journal::log::{LogPlace, RunLog};
use crate::lifecycle::Story;

/// Most output of one gate that is kept.
pub(super) const OUTPUT_CAP: u64 = 64 << 20;

/// Writes down what the gates do.
pub(super) struct Watcher<'a> {
    engine: &'a Engine,
    story: &'a mut Story,
    logs: HashMap<u32, (RunId, RunLog)>,
}

impl<'a> Watcher<'a> {
    pub(super) fn new(engine: &'a Engine, story: &'a mut Story) -> Self {
        Self { engine, story, logs: HashMap::new() }
    }

    fn tell(&mut self, run: &RunId, body: Body) -> Result<(), EngineError> {
        let entry = Entry { run: Some(run.clone()), ..Entry::of(self.story, body) };
        if is_loose(self.story) {
            // Only the run is the bead's: what its gates said belongs to no claim of it.
            let of_run = matches!(entry.body, Body::RunStarted { .. } | Body::RunEnded { .. });
            let bead = entry.bead.clone().filter(|_| of_run);
            self.engine.house.journal.tell(Entry { bead, ..entry })?;
            return Ok(());
        }
        self.engine.record_as(self.story, entry)?;
        Ok(())
    }
}

impl GateWatch for Watcher<'_> {
    type Error = EngineError;

    fn starting(&mut self, job: &GateJob) -> Result<(), EngineError> {
        // Outside any claim the containers are the gate's own run's.
        let own = RunId::parse(&job.labels.run).filter(|_| is_loose(self.story));
        let outside = own.is_some().then(|| Outside {
            nonces: vec![job.checkout_nonce.clone(), job.gate_nonce.clone()],
            from: Some(job.commit.clone()),
        });
        let run = own.unwrap_or_else(|| RunId::from_bytes(self.engine.house.ids.bytes()));
        let name = self.engine.log_name(self.story, RunKind::Gate);
        let stamp = name.rsplit('/').next().unwrap_or_default().trim_end_matches("-gate.log").to_owned();
        let dir = self.engine.house.places.logs(&self.story.project, &self.story.bead);
        let place = LogPlace::new(&dir, &stamp, RunKind::Gate)?;
        let mut log = RunLog::create(place, &self.engine.redactor(), OUTPUT_CAP)?;
        log.note(&format!("$ {}", job.gate.run))?;
        self.tell(&run, Body::RunStarted { kind: RunKind::Gate, log: name, outside })?;
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
