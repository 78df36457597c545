//! The branch on which work stands that could not go onto its target (rules 3.5).
//!
//! Owns the branch's name and its creation, never its movement: a branch that stands elsewhere is the
//! user's. Start with [`make`].

use super::{LandError, LandRequest};
use crate::workspace::program::Verb;

/// A ref that must not exist yet.
const NOTHING: &str = "0000000000000000000000000000000000000000";

/// Makes `bead/<id>` at the new commit, or `bead-<id>-<run>` where that name cannot be had.
pub(super) async fn make(request: &LandRequest<'_>) -> Result<String, LandError> {
    let slug = request.bead.slug();
    let first = format!("bead/{slug}");
    if create(request, &first).await? {
        return Ok(first);
    }
    let second = format!("bead-{slug}-{}", request.run);
    if create(request, &second).await? {
        return Ok(second);
    }
    Err(LandError::NoBranch { first, second })
}

async fn create(request: &LandRequest<'_>, name: &str) -> Result<bool, LandError> {
    let full = format!("refs/heads/{name}");
    if let Some(tip) = request.repo.branch_tip(name).await? {
        return Ok(tip == *request.new);
    }
    let message = format!("beadwork: {} beside {}", request.bead.slug(), request.target);
    let made = request
        .repo
        .call(Verb::UpdateRef)
        .args(["-m", &message, "--no-deref", "--", &full, request.new.as_str(), NOTHING])
        .run()
        .await?;
    Ok(made.code == 0)
}
