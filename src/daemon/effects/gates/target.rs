//! The gates on the target as it stands, outside any claim: what a person asks before a bead is closed by hand.
//!
//! Owns the choice of what is run (every gate of the target's own `bead.yaml`, but for what passed on the same tree) and
//! its answer. It moves no story. Start with `Engine::failing_on_target`.

use super::{Bench, Said, Unfinished};
use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::daemon::outside;
use crate::daemon::refusal::Refusal;
use crate::daemon::work::WorkRequest;
use crate::domain::event::Order;
use crate::domain::ids::{BeadId, RunId};
use crate::domain::run::RunKind;
use crate::gate::Verdict;
use crate::lifecycle::Candidate;

impl Engine {
    /// What fails on the target's tip, one sentence for each gate. Empty where everything passes or nothing is set up.
    pub(in crate::daemon) async fn failing_on_target(
        &self,
        bead: &BeadId,
    ) -> Result<Vec<String>, EngineError> {
        let target = self.target(&WorkRequest::unattended(bead.clone())).await?;
        let Some(tip) = self.site.repo.branch_tip(&target).await? else {
            return Err(Refusal::new(format!("there is no branch `{target}` to run the gates on")).into());
        };
        let order = Order::unclaimed(target, tip.clone());
        let settings = self.settings(&order).await?;
        if settings.gates.is_empty() {
            return Ok(Vec::new());
        }
        self.preflight_engine(&order).await?;
        self.site.repo.fetch(&tip).await?;
        let tree = self.site.repo.tree_of(&tip)?;
        let image = self.image(&settings).await?.digest;
        let candidate = Candidate { commit: tip.clone(), tree, onto: tip };
        let run = RunId::from_bytes(self.house.ids.bytes());
        let mut bench = Bench { settings, image, candidate, run };
        let mut story = self.loose_story(bead.clone(), order);
        let mut failing = Vec::new();
        for (gate, ordinal) in bench.settings.gates.clone().iter().zip(1u32..) {
            let key = bench.key(&bench.candidate.tree, gate);
            if self.house.journal.gate_said(&key, Said::Pass)?.is_some() {
                continue;
            }
            bench.run = RunId::from_bytes(self.house.ids.bytes());
            let _lock = outside::take(&self.house, &self.site.id, (RunKind::Gate, &bench.run))?;
            let job = self.job(&story, &bench, gate, (ordinal, &bench.candidate.commit));
            let report = match self.run_gate(&mut story, &job).await? {
                Ok(report) => report,
                Err(Unfinished::Stopped) => return Err(EngineError::Left),
                Err(Unfinished::Broken(reason)) => return Err(EngineError::GateBroken(reason)),
            };
            match report.verdict {
                Verdict::Passed => self.house.journal.keep_gate(&key, Said::Pass, &report.summary)?,
                Verdict::Broken => {
                    return Err(EngineError::GateBroken(format!("gate {}: {}", report.gate, report.summary)));
                }
                Verdict::Failed | Verdict::TimedOut => {
                    failing.push(format!("gate {}: {}", report.gate, report.summary));
                }
            }
        }
        Ok(failing)
    }
}
