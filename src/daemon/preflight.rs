//! Everything that can be refused before a bead is claimed, each refusal with what to do next.
//!
//! Owns the order of the checks: the bead, then the checkout, then the config, then the machine. Nothing is
//! changed here. Start with [`Engine::preflight`].

use super::engine::Engine;
use super::error::EngineError;
use super::house::Site;
use super::machine::{CONFIG_CAP, bad_project};
use super::queue;
use super::refusal::Refusal;
use super::repository::Dirt;
use super::work::WorkRequest;
use crate::beads::ready::Readiness;
use crate::config::effective::Flags;
use crate::config::project::{FILE, Project};
use crate::domain::event::Order;
use crate::domain::ids::Oid;
use crate::workspace::repo::Head;

/// What the checks found out on their way.
#[derive(Debug)]
pub(super) struct Approved {
    pub title: String,
    pub target: String,
    pub base: Oid,
    pub attempts: u32,
    /// Rounds of review, frozen with the order; 0 is none.
    pub rounds: u32,
    pub forced: Vec<String>,
    /// What stops nothing and somebody should know.
    pub notices: Vec<String>,
}

impl Engine {
    pub(super) async fn preflight(&self, request: &WorkRequest) -> Result<Approved, EngineError> {
        let mut forced = Vec::new();
        let title = self.check_bead(request, &mut forced).await?;
        let target = self.target(request).await?;
        let Some(base) = self.site.repo.branch_tip(&target).await? else {
            return Err(Refusal::new(format!("there is no branch `{target}` to land on"))
                .hint("name another with `--target`, or set `target` in bead.yaml")
                .into());
        };
        let flags = Flags { target: Some(target.clone()), model: request.model.clone() };
        let settings = self.settings_at(&base, &flags).await?;
        self.prompts(&base)?;
        let notices = self.stray_prompts(&base)?;
        if settings.gates.is_empty() && !request.no_gates {
            return Err(Refusal::new("bead.yaml has no gates, so nothing could prove the work")
                .hint("add a gate, such as: `gates: [{ name: test, run: make test }]`, and commit it")
                .hint("to land without any proof: `--no-gates` (recorded)")
                .into());
        }
        if request.no_gates {
            forced.push("no gates".to_owned());
        }
        self.check_checkout(request, &target, &mut forced).await?;
        let attempts = settings.limits.attempts.value;
        let rounds = if request.no_review { 0 } else { settings.review.value.rounds_in_force() };
        let order = Order {
            title: title.clone(),
            attempts,
            no_gates: request.no_gates,
            model: request.model.clone(),
            unattended: request.unattended,
            rounds,
            ..Order::unclaimed(&target, base.clone())
        };
        self.preflight_engine(&order).await?;
        Ok(Approved { title, target, base, attempts, rounds, forced, notices })
    }

    /// The settings that a bead would go by if it were begun now.
    pub(super) async fn outlook(&self) -> Result<crate::config::effective::Effective, EngineError> {
        let target = self.target(&WorkRequest::unattended(crate::domain::ids::BeadId::new(""))).await?;
        let Some(tip) = self.site.repo.branch_tip(&target).await? else {
            return Err(Refusal::new(format!("there is no branch `{target}` to land on")).into());
        };
        self.settings_at(&tip, &Flags { target: Some(target), model: None }).await
    }

    /// The bead itself: there, open, free, not landed already, not blocked.
    async fn check_bead(
        &self,
        request: &WorkRequest,
        forced: &mut Vec<String>,
    ) -> Result<String, EngineError> {
        let id = &request.bead;
        self.site.tracker.check_writable().await?;
        let bead = self.site.tracker.show(id).await?;
        if let Some(commit) = queue::landed_but_open(&self.house, &self.site, &bead)? {
            return Err(Refusal::new(format!(
                "bead `{id}` landed as {}, the tracker says {}",
                commit.short(),
                bead.status.as_str()
            ))
            .hint(format!(
                "`bead close {id} --reason \"landed\"`, or `bead reopen {id}` to have it worked on again"
            ))
            .into());
        }
        let snapshot = self.site.tracker.snapshot().await?;
        match queue::explain(&self.house, &self.site, &snapshot, id).await?.readiness {
            Readiness::Ready => {}
            Readiness::Blocked { by } => {
                let names: Vec<String> = by.iter().map(ToString::to_string).collect();
                let text = format!("bead `{id}` is blocked by {}", names.join(", "));
                if !request.force {
                    return Err(Refusal::new(text)
                        .hint("work on those first, or override with `--force` (recorded)")
                        .can_force()
                        .into());
                }
                forced.push(text);
            }
            Readiness::NotReady { why } => {
                let free =
                    bead.assignee.is_none() && !matches!(bead.status, crate::domain::bead::Status::Closed);
                if !(request.force && free) {
                    let mut refusal = Refusal::new(format!("bead `{id}` cannot be worked on: {why}"));
                    refusal = if bead.status == crate::domain::bead::Status::Closed {
                        refusal.hint(format!("`bead reopen {id}` opens it again"))
                    } else if free && bead.has_label(crate::beads::PARKED) {
                        refusal
                            .hint(format!("`bead why {id}` says what it waits for"))
                            .hint(format!("when that is settled: `bead retry {id}`"))
                            .can_force()
                    } else if free {
                        refusal.hint("override with `--force` (recorded)").can_force()
                    } else {
                        refusal.hint(format!("`bead reopen {id}` takes it back from whoever has it"))
                    };
                    return Err(refusal.into());
                }
                forced.push(why);
            }
        }
        Ok(bead.title)
    }

    pub(super) async fn target(&self, request: &WorkRequest) -> Result<String, EngineError> {
        target(&self.site, request.target.as_deref()).await
    }

    /// A dirty checkout of the target would make the work land beside (rules 3.5).
    async fn check_checkout(
        &self,
        request: &WorkRequest,
        target: &str,
        forced: &mut Vec<String>,
    ) -> Result<(), EngineError> {
        for Dirt { root, paths: dirty } in self.site.repo.dirt(target).await? {
            let shown = dirty
                .iter()
                .take(5)
                .map(|p| format!("`{}`", String::from_utf8_lossy(p)))
                .collect::<Vec<_>>()
                .join(", ");
            let more = if dirty.len() > 5 { format!(" and {} more", dirty.len() - 5) } else { String::new() };
            let text =
                format!("{target} is checked out in `{}` with changes in {shown}{more}", root.display());
            if !request.force && !request.unattended {
                return Err(Refusal::new(text)
                    .hint("commit or stash them first")
                    .hint("with `--force` the work lands beside, on a branch of its own (recorded)")
                    .can_force()
                    .into());
            }
            if !request.unattended {
                forced.push(text);
            }
        }
        Ok(())
    }
}

/// `--target`, else `target` of the checked-out bead.yaml, else the checked-out branch.
pub(super) async fn target(site: &Site, named: Option<&str>) -> Result<String, EngineError> {
    let head = site.repo.head().await?;
    let (name, tip) = match head {
        Head::Branch { name, tip } => (name, tip),
        Head::Detached(commit) => {
            return Err(Refusal::new(format!("the checkout is detached at {}", commit.short()))
                .hint("switch to a branch first: `git switch main`")
                .into());
        }
        Head::Unborn { name } => {
            return Err(Refusal::new(format!("branch `{name}` has no commit yet"))
                .hint("commit something first: work needs a base")
                .into());
        }
    };
    if let Some(target) = named {
        return Ok(target.to_owned());
    }
    match site.repo.file_at(&tip, FILE, CONFIG_CAP)? {
        Some(bytes) => {
            let project = Project::parse(&bytes, FILE).map_err(|e| bad_project(&e))?;
            Ok(project.target.unwrap_or(name))
        }
        None => Ok(name),
    }
}
