//! The effect that proves: every gate of the base's `bead.yaml` on the exact commit that would land.
//!
//! Owns the order (what passed on the same tree needs no container, a failure asks the base once, what could
//! not run for the engine's reasons runs once more) and what a gate's run leaves in journal and log. How a
//! gate is run, judged and compared is the gate room's. Start with `Engine::gate`.

mod target;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::config::effective::Effective;
use crate::config::project::Gate;
use crate::daemon::effects::gate_watch::{OUTPUT_CAP, Watcher};
use crate::daemon::engine::{Engine, stopped};
use crate::daemon::error::EngineError;
use crate::daemon::stop::Urgency;
use crate::domain::event::{AgainstBase, Body};
use crate::domain::finding::Finding;
use crate::domain::ids::{Oid, RunId, base36};
use crate::executor::spec::Limits;
use crate::gate::compare::{Comparison, Trial, compare};
use crate::gate::{self, GateError, GateJob, GateReport, Verdict};
use crate::journal::cache::Said;
use crate::lifecycle::{Candidate, Story};

/// Room for the checkout and what a build makes of it; it lies in memory and counts only where it is used.
const WORK_BYTES: u64 = 2 << 30;
/// Sandboxes of the base's runs are counted from here, so that they have names of their own.
const BASE_ORDINALS: u32 = 1000;

/// What the gates of one story run with.
struct Bench {
    settings: Effective,
    image: String,
    candidate: Candidate,
    run: RunId,
}

/// Why the gates ended without a verdict.
enum Unfinished {
    Stopped,
    Broken(String),
}

/// A gate that failed, and what the base says of it.
struct Red {
    report: GateReport,
    seen: Comparison,
}

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
        let image = self.image(&settings).await?.digest;
        let bench = Bench { settings, image, candidate, run: kept.run };
        let failed = match self.prove(story, &bench).await? {
            Ok(failed) => failed,
            Err(Unfinished::Stopped) => {
                self.record(story, stopped(story, self.stop.parked()))?;
                return Ok(());
            }
            Err(Unfinished::Broken(reason)) => {
                self.record(story, Body::GatesBroken { reason: reason.clone() })?;
                return Err(EngineError::GateBroken(reason));
            }
        };
        self.survive("done", "gate")?;
        let body = if failed.is_empty() {
            Body::GatesPassed { skipped: false }
        } else {
            self.failure(story, &bench, failed)?
        };
        self.record(story, body)?;
        Ok(())
    }

    /// Every gate in order, so that the author sees all findings at once.
    async fn prove(
        &self,
        story: &mut Story,
        bench: &Bench,
    ) -> Result<Result<Vec<Red>, Unfinished>, EngineError> {
        let tree = &bench.candidate.tree;
        let mut failed = Vec::new();
        for (gate, ordinal) in bench.settings.gates.iter().zip(1u32..) {
            let key = bench.key(tree, gate);
            if self.house.journal.gate_said(&key, Said::Pass)?.is_some() {
                let summary = "passed earlier on the same tree".to_owned();
                let name = gate.name.clone();
                self.record(story, Body::GateEnded { gate: name, passed: true, summary, seconds: 0.0 })?;
                continue;
            }
            let job = self.job(story, bench, gate, (ordinal, &bench.candidate.commit));
            let report = match self.run_gate(story, &job).await? {
                Ok(report) => report,
                Err(stopped) => return Ok(Err(stopped)),
            };
            match report.verdict {
                Verdict::Passed => self.house.journal.keep_gate(&key, Said::Pass, &report.summary)?,
                Verdict::Broken => {
                    let reason = format!("gate {}: {}", report.gate, report.summary);
                    return Ok(Err(Unfinished::Broken(reason)));
                }
                Verdict::Failed | Verdict::TimedOut => {
                    let base = match self.on_the_base(story, bench, gate, ordinal).await? {
                        Ok(base) => base,
                        Err(stopped) => return Ok(Err(stopped)),
                    };
                    failed.push(self.compared(story, bench, report, base.as_ref())?);
                }
            }
        }
        Ok(Ok(failed))
    }

    /// The same gate on the commit the work would land on, from memory where it ran there before.
    async fn on_the_base(
        &self,
        story: &mut Story,
        bench: &Bench,
        gate: &Gate,
        ordinal: u32,
    ) -> Result<Result<Option<Trial>, Unfinished>, EngineError> {
        let journal = &self.house.journal;
        let onto = &bench.candidate.onto;
        let key = bench.key(&self.site.repo.tree_of(onto)?, gate);
        if let Some(summary) = journal.gate_said(&key, Said::Pass)? {
            return Ok(Ok(Some(Trial::passed(summary))));
        }
        let kept = journal.gate_said(&key, Said::Base)?;
        if let Some(trial) = kept.and_then(|detail| serde_json::from_str(&detail).ok()) {
            return Ok(Ok(Some(trial)));
        }
        let named = Gate { name: format!("{} (base)", gate.name), ..gate.clone() };
        let job = self.job(story, bench, &named, (ordinal + BASE_ORDINALS, onto));
        let report = match self.run_gate(story, &job).await? {
            Ok(report) => report,
            Err(stopped) => return Ok(Err(stopped)),
        };
        let trial = Trial::of(&report);
        match &trial {
            Some(trial) if trial.passed => journal.keep_gate(&key, Said::Pass, &trial.summary)?,
            Some(trial) => {
                let detail = serde_json::to_string(trial).unwrap_or_default();
                journal.keep_gate(&key, Said::Base, &detail)?;
            }
            None => {}
        }
        Ok(Ok(trial))
    }

    fn compared(
        &self,
        story: &mut Story,
        bench: &Bench,
        report: GateReport,
        base: Option<&Trial>,
    ) -> Result<Red, EngineError> {
        let seen = match Trial::of(&report) {
            Some(work) => compare(&work, base),
            None => Comparison { against: AgainstBase::Unknown, known: Vec::new(), new: Vec::new() },
        };
        let shown = |names: &[String]| names.iter().take(50).cloned().collect::<Vec<_>>();
        self.record(
            story,
            Body::GateCompared {
                gate: report.gate.clone(),
                onto: bench.candidate.onto.clone(),
                against: seen.against,
                known: shown(&seen.known),
                new: shown(&seen.new),
            },
        )?;
        Ok(Red { report, seen })
    }

    /// One run of a gate, and a second one where the first could not be judged for the engine's reasons (F47).
    async fn run_gate(
        &self,
        story: &mut Story,
        job: &GateJob,
    ) -> Result<Result<GateReport, Unfinished>, EngineError> {
        let executor = Arc::clone(&self.machine.executor);
        let mut again = false;
        loop {
            let cancel = CancellationToken::new();
            let mut watch = Watcher::new(self, story);
            let ran = {
                let gate = gate::run_gate(&executor, self.house.clock.as_ref(), job, &mut watch, &cancel);
                tokio::pin!(gate);
                tokio::select! {
                    biased;
                    ran = &mut gate => ran,
                    () = self.stop.at_least(Urgency::Gently) => {
                        // Cancelled, it still removes what it made.
                        cancel.cancel();
                        gate.await
                    }
                }
            };
            match ran {
                Ok(report) if report.verdict == Verdict::Broken && !again => {
                    again = true;
                    self.remove_gates_named(job).await?;
                }
                Ok(report) => return Ok(Ok(report)),
                Err(GateError::Cancelled(_)) => return Ok(Err(Unfinished::Stopped)),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// What the author hears: only what counts as the work's, unless nothing does.
    fn failure(&self, story: &Story, bench: &Bench, failed: Vec<Red>) -> Result<Body, EngineError> {
        let has = |wanted: AgainstBase| failed.iter().any(|red| red.seen.against == wanted);
        let base = if has(AgainstBase::Same) {
            AgainstBase::Same
        } else if has(AgainstBase::New) || has(AgainstBase::Unknown) {
            AgainstBase::New
        } else if has(AgainstBase::Red) {
            AgainstBase::Red
        } else {
            AgainstBase::Known
        };
        let counts = |red: &&Red| match base {
            AgainstBase::New => matches!(red.seen.against, AgainstBase::New | AgainstBase::Unknown),
            _ => red.seen.against == base,
        };
        let onto = bench.candidate.onto.short();
        let counted: Vec<&Red> = failed.iter().filter(counts).collect();
        let evidence: Vec<String> = counted.iter().map(|red| red.evidence()).collect();
        let recurrence = self.recurrence(story, "gate", &evidence.join("\n"))?;
        let findings: Vec<Finding> = counted.iter().flat_map(|red| red.findings(onto)).collect();
        Ok(Body::GatesFailed { findings, recurrence: Some(recurrence), base })
    }

    fn job(&self, story: &Story, bench: &Bench, gate: &Gate, (ordinal, commit): (u32, &Oid)) -> GateJob {
        GateJob {
            gate: gate.clone(),
            ordinal,
            commit: commit.clone(),
            branch: story.order.target.clone(),
            quarantine: self.site.repo.quarantine_path().to_owned(),
            image: bench.image.clone(),
            checkout_image: bench.image.clone(),
            user: self.machine.run_user,
            limits: bench.limits(),
            work_bytes: WORK_BYTES,
            log_cap: OUTPUT_CAP * 2,
            labels: self.labels(story, &bench.run, String::new()),
            checkout_nonce: base36(self.house.ids.bytes(), 12),
            gate_nonce: base36(self.house.ids.bytes(), 12),
        }
    }

    async fn remove_gates_named(&self, job: &GateJob) -> Result<(), EngineError> {
        let executor = &self.machine.executor;
        for found in executor.list(&self.house.instance).await? {
            if [job.gate_name(), job.checkout_name()].contains(&found.name) {
                executor.remove(&found.id).await?;
            }
        }
        Ok(())
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

impl Bench {
    fn limits(&self) -> Limits {
        Limits { memory: self.settings.limits.memory.value.bytes(), ..Limits::default() }
    }

    /// Whatever can change what a gate says of a tree (rules 17.2).
    fn key(&self, tree: &Oid, gate: &Gate) -> String {
        let (limits, timeout) = (self.limits(), gate.timeout);
        format!("{tree} {} {limits:?} {WORK_BYTES} {timeout}\n{}", self.image, gate.run)
    }
}

impl Red {
    /// What makes two failures of this gate the same.
    fn evidence(&self) -> String {
        if self.seen.new.is_empty() {
            return format!("{} signed {}", self.report.gate, self.report.signature.as_str());
        }
        format!("{} {}", self.report.gate, self.seen.new.join(" "))
    }

    fn findings(&self, onto: &str) -> Vec<Finding> {
        let mut findings = self.report.findings.clone();
        for finding in &mut findings {
            let (known, new) = (&self.seen.known, &self.seen.new);
            match self.seen.against {
                AgainstBase::New if !known.is_empty() => {
                    finding.title =
                        format!("gate `{}` fails here and not on {onto}: {}", self.report.gate, list(new));
                    finding
                        .detail
                        .push_str(&format!("\n\nFailing on the target too, not yours: {}", list(known)));
                }
                AgainstBase::New | AgainstBase::Unknown => {}
                AgainstBase::Known | AgainstBase::Red | AgainstBase::Same => {
                    finding.detail.push_str(
                        "\n\nThe target branch fails here too, without your work. If your bead is about it, fix it; \
                         if it is not, leave it alone and say so.",
                    );
                }
            }
        }
        findings
    }
}

fn list(names: &[String]) -> String {
    const SHOWN: usize = 10;
    let mut text = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}
