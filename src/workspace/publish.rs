//! Work becomes visible: `refs/bead/<run>` in the user's repository, and branches of the user's remotes.
//!
//! Owns the one fetch that writes there (rules 2.7: one pack, one ref, no FETCH_HEAD, no hook), the removal of
//! such refs, and the push with the user's own git and credentials (rules 3.7: never forced, never asking). It
//! moves no branch of the user: `land` does. Start with [`publish`] and [`push`].

use std::time::Duration;

use super::program::{GitError, Verb};
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

/// Longest a push may take; a remote that hangs must not hold up the night.
const PUSH_TIME: Duration = Duration::from_secs(60);

/// What a push came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// The remote's branch holds the commit.
    Done,
    /// Nothing was changed there; why, in one line.
    Refused(String),
}

/// Pushes one commit to one branch of a remote that the user's repository knows by name. Exactly that commit:
/// what the user did on the branch since stays theirs to push.
pub async fn push(repo: &UserRepo, remote: &str, commit: &Oid, branch: &str) -> Result<Pushed, RepoError> {
    let refused = |why: String| Ok(Pushed::Refused(why));
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._/-".contains(&b);
    if remote.starts_with('-') || remote.is_empty() || !remote.bytes().all(plain) {
        return refused(format!("`{remote}` is no name of a remote"));
    }
    // Git would take an unknown name for a path.
    let pattern = format!("^remote\\.{}\\.(url|pushurl)$", remote.replace('.', "\\."));
    if !repo.call(Verb::ConfigGet).arg(pattern).yes().await? {
        return refused(format!("the repository has no remote `{remote}`"));
    }
    let mut call = repo.call(Verb::Push);
    if !repo.call(Verb::ConfigGet).arg(r"^core\.sshcommand$").yes().await? {
        call = call.config("core.sshCommand=ssh -o BatchMode=yes -o ConnectTimeout=20");
    }
    // Nobody is there to answer: whoever would ask for a password gets an empty one.
    let call = call.env("GIT_ASKPASS", "true").env("SSH_ASKPASS_REQUIRE", "never");
    let spec = format!("{commit}:refs/heads/{branch}");
    let safe = ["--no-force", "--recurse-submodules=no", "--", remote, &spec];
    match call.args(safe).deadline(PUSH_TIME).run().await {
        Ok(output) if output.code == 0 => Ok(Pushed::Done),
        Ok(output) => refused(why_not(&String::from_utf8_lossy(&output.stdout), &output.stderr)),
        Err(GitError::Deadline { limit, .. }) => refused(format!("it took longer than {limit:?}")),
        Err(error) => Err(error.into()),
    }
}

/// The remote's own word where it has one, else what git said last, without names and passwords of addresses.
fn why_not(stdout: &str, stderr: &str) -> String {
    let rejected =
        stdout.lines().filter(|line| line.starts_with('!')).find_map(|line| line.split('\t').nth(2));
    let said = stderr.lines().find(|line| line.starts_with("fatal: ") || line.starts_with("ERROR: "));
    let words = rejected.or(said).or_else(|| stderr.lines().last()).unwrap_or("git gave no reason");
    let words: Vec<String> = words.split(' ').map(without_login).collect();
    super::merge::one_line(&words.join(" "), 300)
}

/// `https://user:secret@host/x` without what stands before the `@`.
fn without_login(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else { return word.to_owned() };
    let (host, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
    let host = host.rsplit('@').next().unwrap_or(host);
    path.map_or_else(|| format!("{scheme}://{host}"), |path| format!("{scheme}://{host}/{path}"))
}

#[cfg(test)]
mod tests;
