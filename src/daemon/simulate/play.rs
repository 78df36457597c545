//! Plays a scenario from its first to its last minute, deaths included, and looks at what is left.
//!
//! Owns the paused runtime, the order of daemons and the end of a night that does not end. What a night must have
//! kept is `check`'s. Start with [`play`].

use std::sync::Arc;
use std::time::Duration;

use super::check;
use super::report::Report;
use super::scenario::Scenario;
use super::shift::Shift;
use super::strike::{self, Departure};
use super::world::{Blindness, World};
use crate::clock::Clock as _;
use crate::daemon::error::EngineError;
use crate::journal::Journal;

/// After the night's end everything must have come to rest within this.
const AFTER: Duration = Duration::from_secs(36 * 3600);
/// How long a daemon that died at a point stays away.
const AWAY: Duration = Duration::from_secs(10);
/// A night with more deaths than this does not come from its scenario.
const MOST_DEATHS: u64 = 10_000;

/// How a scenario is played.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manner {
    /// A mitigation that is switched off.
    pub blind: Blindness,
}

/// A scenario that could not be played at all.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    #[error("cannot make a runtime for the simulation: {0}")]
    Runtime(#[source] std::io::Error),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Plays one night. Blocking; never call it inside a runtime.
pub fn play(scenario: &Scenario, manner: &Manner) -> Result<Report, PlayError> {
    play_and_keep(scenario, manner).map(|(report, _)| report)
}

/// The same, with the night's journal, for those who read one.
pub fn play_and_keep(scenario: &Scenario, manner: &Manner) -> Result<(Report, Arc<Journal>), PlayError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .map_err(PlayError::Runtime)?;
    Ok(runtime.block_on(night(scenario.clone(), manner))?)
}

async fn night(scenario: Scenario, manner: &Manner) -> Result<(Report, Arc<Journal>), EngineError> {
    let world = World::new(scenario, manner)?;
    let limit = world.scenario.length + AFTER;
    let (kill, mut kills) = tokio::sync::mpsc::unbounded_channel();
    let faults = tokio::spawn(strike::timeline(Arc::clone(&world), kill));
    let lived = tokio::time::timeout(limit, live(&world, &mut kills)).await;
    faults.abort();
    match lived {
        Ok(done) => done?,
        Err(_) => world.wrong(format!("the night did not end within {} h", limit.as_secs() / 3600)),
    }
    // The next daemon finds everything as it should be again, and ends what the night left open.
    strike::mend(&world);
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let after = Shift::new(&world);
    if tokio::time::timeout(AFTER, after.recover()).await.is_err() {
        world.wrong("what the night left open did not come to an end".to_owned());
    }
    drop(after);
    tokio::time::sleep(Duration::from_secs(60)).await;
    let report = check::check(&world).await?;
    Ok((report, Arc::clone(&world.journal)))
}

/// One daemon after the other.
async fn live(
    world: &Arc<World>,
    kills: &mut tokio::sync::mpsc::UnboundedReceiver<Departure>,
) -> Result<(), EngineError> {
    loop {
        let shift = Shift::new(world);
        let (away, ended) = {
            let mut work = std::pin::pin!(shift.work());
            tokio::select! {
                biased;
                () = shift.died() => (AWAY, None),
                Some(departure) = kills.recv() => match departure {
                    Departure::Killed(away) => (away, None),
                    Departure::Asked(away) => {
                        shift.ask_to_leave();
                        (away, Some((&mut work).await))
                    }
                },
                done = &mut work => match done {
                    Ok(()) => return Ok(()),
                    error => (AWAY, Some(error)),
                },
            }
        };
        let died = shift.is_dead();
        shift.kill();
        drop(shift);
        if let Some(Err(error)) = ended
            && !died
        {
            world.wrong(format!("the night ended with an error: {error}"));
        }
        let crashes = world.seen(|seen| {
            seen.crashes += 1;
            seen.crashes
        });
        if crashes > MOST_DEATHS {
            world.wrong(format!("{crashes} deaths"));
            return Ok(());
        }
        tracing::debug!(at = %world.clock.now(), "the daemon is gone");
        tokio::time::sleep(away).await;
    }
}
