//! Puts the faults of a scenario into effect, each at its moment.
//!
//! Owns what each fault does to the doubles, and notes it for the story. Deaths of the daemon are asked for
//! here and died in `night`. Start with [`timeline`].

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::fault::{Fault, Kind};
use super::time::Chance;
use super::upstream::Trouble;
use super::world::{TARGET, World};
use crate::clock::Clock as _;
use crate::domain::bead::Status;
use crate::executor::scripted::Fault as Broken;
use crate::executor::spec::Purpose;

/// How a daemon goes, and how long nobody starts another.
#[derive(Debug, Clone, Copy)]
pub(super) enum Departure {
    Killed(Duration),
    /// SIGTERM.
    Asked(Duration),
}

/// Strikes all night. `goes` is told when the daemon has to.
pub(super) async fn timeline(world: Arc<World>, goes: tokio::sync::mpsc::UnboundedSender<Departure>) {
    let faults = world.scenario.faults.clone();
    for (nth, timed) in faults.into_iter().enumerate() {
        tokio::time::sleep(timed.at.saturating_sub(world.clock.elapsed())).await;
        let mut chance =
            Chance::of(world.seed(), &format!("fault {} at {:?}", timed.fault.kind.name(), timed.at));
        let clock = world.clock.now().format("%H:%M:%S");
        world.seen(|seen| seen.struck.push(format!("{clock} {}", timed.fault.kind.name())));
        match timed.fault.kind {
            Kind::KillDaemon => drop(goes.send(Departure::Killed(timed.fault.lasts))),
            Kind::StopDaemon => drop(goes.send(Departure::Asked(timed.fault.lasts))),
            _ => strike(&world, timed.fault, nth, &mut chance),
        }
    }
}

#[expect(clippy::too_many_lines, reason = "a flat match: one arm for each fault")]
fn strike(world: &Arc<World>, fault: Fault, nth: usize, chance: &mut Chance) {
    let Fault { kind, lasts, by } = fault;
    let count = usize::try_from(by.clamp(1, 100)).unwrap_or(1);
    let engine = &world.executor;
    let at = usize::try_from(chance.below(1000)).unwrap_or_default();
    let project = at % world.projects.len();
    let forge = &world.projects[project].forge;
    let trouble = |trouble| world.upstream.trouble(trouble, lasts);
    match kind {
        Kind::KillDaemon | Kind::StopDaemon => {}
        Kind::DockerdAway => away(world, lasts),
        Kind::DockerdRestart => {
            engine.lose_all();
            away(world, lasts);
        }
        Kind::ContainerLost => drop(engine.lose_one(at)),
        Kind::AgentStartFails => (0..count).for_each(|_| engine.fail(Broken::Start(Purpose::Agent))),
        Kind::ExportStartFails => (0..count).for_each(|_| engine.fail(Broken::Start(Purpose::Export))),
        Kind::GateStartFails => (0..count).for_each(|_| engine.fail(Broken::Start(Purpose::Gate))),
        Kind::NeverEnds => engine.fail(Broken::NeverEnds(Purpose::Agent)),
        Kind::Disconnect => engine.fail(Broken::Disconnect(Purpose::Agent, by.unsigned_abs())),
        Kind::ImageMissing => {
            engine.set_images(Some(&[]));
            later(world, lasts, |world| world.executor.set_images(None));
        }
        Kind::Overloaded => trouble(Trouble::Overloaded),
        Kind::ServerErrors => trouble(Trouble::Broken),
        Kind::Unauthorised => trouble(Trouble::Unauthorised),
        Kind::CreditLow => trouble(Trouble::Credit),
        Kind::StreamsBreak => trouble(Trouble::Reset),
        Kind::StreamsStall => trouble(Trouble::Stalled),
        Kind::Throttled => trouble(Trouble::Throttled(by.unsigned_abs())),
        Kind::UsageLimit | Kind::UsageLimitMillis => {
            let seconds = i64::try_from(lasts.as_secs()).unwrap_or(i64::MAX);
            let told = world.clock.now().timestamp().saturating_add(seconds).saturating_add(by);
            let told = if kind == Kind::UsageLimitMillis { told.saturating_mul(1000) } else { told };
            world.upstream.limit(lasts, told);
        }
        Kind::DiskLow | Kind::InodesLow | Kind::MemoryLow => {
            world.want(kind, true);
            later(world, lasts, move |world| world.want(kind, false));
        }
        Kind::ClockJump => world.clock.jump(TimeDelta::seconds(by)),
        Kind::UserCommits | Kind::UserCommitsShared => {
            let own = format!("by-hand/{nth}.txt");
            let path = if kind == Kind::UserCommits { own.as_str() } else { super::agent::SHARED };
            if let Some(commit) = forge.user_commits(TARGET, path, &format!("by hand {nth}\n")) {
                world.seen(|seen| seen.users.push((project, commit)));
            }
        }
        Kind::UserRewrites => {
            forge.user_rewrites(TARGET);
            world.seen(|seen| seen.rewritten.insert(project));
        }
        Kind::UserDeletesTarget => {
            let gone = forge.state().branches.remove(TARGET);
            world.seen(|seen| seen.rewritten.insert(project));
            later(world, lasts, move |world| {
                if let Some(tip) = gone {
                    world.projects[project].forge.state().set_branch(TARGET, tip);
                }
            });
        }
        Kind::UserDirties => {
            forge.state().dirty.insert("README.md".to_owned());
            later(world, lasts, move |world| world.projects[project].forge.state().dirty.clear());
        }
        Kind::UserCleans => forge.state().dirty.clear(),
        Kind::UserClosesBead | Kind::UserTakesBead => {
            let tracker = &world.projects[project].tracker;
            let live =
                tracker.all().into_iter().filter(|bead| bead.status != Status::Closed).collect::<Vec<_>>();
            let Some(bead) = chance.pick(&live) else { return };
            world.seen(|seen| seen.by_hand.insert(bead.id.to_string()));
            tracker.by_hand(&bead.id, |bead| {
                if kind == Kind::UserClosesBead {
                    bead.status = Status::Closed;
                    bead.close_reason = Some("by hand".to_owned());
                } else {
                    bead.status = Status::InProgress;
                    bead.assignee = Some("user".to_owned());
                    bead.metadata = None;
                }
            });
        }
        Kind::RefLock => {
            forge.state().locked = true;
            later(world, lasts, move |world| world.projects[project].forge.state().locked = false);
        }
    }
}

/// Ends every fault that lasts.
pub(super) fn mend(world: &Arc<World>) {
    world.executor.away(false);
    world.executor.set_images(None);
    world.upstream.mend();
    world.projects.iter().for_each(|project| project.forge.state().locked = false);
    for kind in [Kind::DiskLow, Kind::InodesLow, Kind::MemoryLow] {
        world.want(kind, false);
    }
}

fn away(world: &Arc<World>, lasts: Duration) {
    world.executor.away(true);
    later(world, lasts, |world| world.executor.away(false));
}

/// Does something when the fault is over.
fn later(world: &Arc<World>, lasts: Duration, undo: impl FnOnce(&Arc<World>) + Send + 'static) {
    let world = Arc::clone(world);
    tokio::spawn(async move {
        tokio::time::sleep(lasts).await;
        undo(&world);
    });
}
