//! A volume with one commit checked out, for somebody who only reads it.
//!
//! Owns the first half of a gate by itself: the volume and the sandbox that fills it (rules 4, 16.1). Whoever
//! asked removes both; their names follow from the run. Start with [`fill`].

use super::run::{NotReady, until_ready};
use super::spec::{CHECKOUT_TIME, GateJob};
use crate::executor::{Attached, Executor, ExecutorError, SandboxId};

#[derive(Debug, thiserror::Error)]
pub enum FillError {
    #[error(transparent)]
    Engine(#[from] ExecutorError),
    #[error("cannot check out {commit}: {why}")]
    NotReady { commit: String, why: String },
}

/// The sandbox that filled the volume. The volume lies in memory and lives while one of its users does, so this
/// one is kept until the next has begun.
pub struct Filled {
    pub id: SandboxId,
    _attached: Attached,
}

/// Makes the job's volume and checks its commit out in it.
pub async fn fill(executor: &dyn Executor, job: &GateJob) -> Result<Filled, FillError> {
    executor.create_volume(&job.volume()).await?;
    let (id, mut attached) = executor.start(&job.checkout_spec()).await?;
    let ready = tokio::time::timeout(CHECKOUT_TIME, until_ready(&mut attached)).await;
    let ready = ready.unwrap_or_else(|_| Err(NotReady("it took too long".to_owned())));
    match ready {
        Ok(()) => Ok(Filled { id, _attached: attached }),
        Err(NotReady(why)) => {
            executor.remove(&id).await?;
            Err(FillError::NotReady { commit: job.commit.short().to_owned(), why })
        }
    }
}
