//! Work becomes visible to its user: `refs/bead/<run>` in the user's repository.
//!
//! Owns the one fetch that writes there (rules 2.7: one pack, one ref, no FETCH_HEAD, no hook) and the
//! removal of such refs. It moves no branch: `land` does. Start with [`publish`].

use std::time::Duration;

use super::program::Verb;
use super::quarantine::Quarantine;
use super::repo::{RepoError, UserRepo};
use crate::domain::ids::{Oid, RunId};

/// Brings what the quarantine keeps for a run into the user's repository, in place of an earlier state of the
/// same run. Returns the commit it stands at there; may be repeated.
pub async fn publish(quarantine: &Quarantine, to: &UserRepo, run: &RunId) -> Result<Option<Oid>, RepoError> {
    let name = run.ref_name();
    to.call(Verb::Fetch)
        .config("fetch.unpackLimit=1")
        .config("transfer.fsckObjects=true")
        .config("protocol.file.allow=always")
        .args(["--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"])
        .args(["--no-recurse-submodules", "--no-prune", "--"])
        .arg(quarantine.path())
        .arg(format!("+{name}:{name}"))
        .deadline(Duration::from_secs(10 * 60))
        .ok()
        .await?;
    to.ref_tip(&name).await
}

/// Removes the run's ref from the user's repository if it still stands at `tip`; its objects fall to git's own
/// collection in time. A ref that is gone already is success.
pub async fn withdraw(repo: &UserRepo, run: &RunId, tip: &Oid) -> Result<(), RepoError> {
    let name = run.ref_name();
    if repo.ref_tip(&name).await?.is_some() {
        repo.call(Verb::UpdateRef).args(["--no-deref", "-d", "--", &name, tip.as_str()]).ok().await?;
    }
    Ok(())
}
