//! Waits for the end of a container without trusting any one answer.
//!
//! Owns the loop of wait call and inspect (F12), the patience with an engine that is away (F10), and nothing
//! else: it kills and removes nothing. Start with [`until_ended`].

use std::time::Duration;

use bollard::query_parameters::WaitContainerOptionsBuilder;
use futures_util::StreamExt;

use super::Docker;
use crate::executor::{Executor, ExecutorError, Exit, SandboxId, SandboxState};

/// A wait call is asked again after this: engines have been seen to say "running" for ever, or to hang.
const ONE_WAIT: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

pub(super) async fn until_ended(docker: &Docker, id: &SandboxId) -> Result<Exit, ExecutorError> {
    let mut pause = FIRST_PAUSE;
    loop {
        match docker.state(id).await {
            Ok(SandboxState::Exited(exit)) => return Ok(exit),
            Ok(SandboxState::Gone) => return Err(ExecutorError::Gone(id.0.clone())),
            Ok(SandboxState::Created) => {
                let why = "it was never started".to_owned();
                return Err(ExecutorError::Refused { what: "wait for the sandbox".into(), why });
            }
            Ok(SandboxState::Running | SandboxState::Unknown(_)) => {
                if let Waited::Long = one_wait(docker, id).await {
                    pause = FIRST_PAUSE;
                    continue;
                }
            }
            // The engine is away, slow or talking nonsense; the container may well live on.
            Err(error) => tracing::debug!(%error, sandbox = id.0, "waiting for the engine"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// `Ended` and `Broken` need a pause before the next look, so that an engine that answers "ended" at once but
/// "running" to inspect is not asked in a tight loop.
enum Waited {
    Long,
    EndedOrBroken,
}

/// Only inspect says how it ended; a code, an error and an end of stream all mean "look again".
async fn one_wait(docker: &Docker, id: &SandboxId) -> Waited {
    let options = WaitContainerOptionsBuilder::default().condition("not-running").build();
    let mut answers = std::pin::pin!(docker.api.wait_container(&id.0, Some(options)));
    match tokio::time::timeout(ONE_WAIT, answers.next()).await {
        Err(_) => Waited::Long,
        Ok(_) => Waited::EndedOrBroken,
    }
}

pub(super) async fn until_gone(
    docker: &Docker,
    id: &SandboxId,
    limit: Duration,
) -> Result<(), ExecutorError> {
    let gone = async {
        loop {
            if docker.state(id).await? == SandboxState::Gone {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let slow = |_| ExecutorError::Slow { what: "remove the sandbox".into(), seconds: limit.as_secs() };
    tokio::time::timeout(limit, gone).await.map_err(slow)?
}
