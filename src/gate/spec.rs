//! The sandboxes of one gate, as plain data.
//!
//! Owns their names, which follow from run and gate so that strays can be found again, and everything that
//! goes into them: no network is the executor's promise, no gateway, no credential and no host path but the
//! quarantine (read-only, in the first one alone) is this file's (T05). Start with [`GateJob`].

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::project::Gate;
use crate::domain::ids::Oid;
use crate::executor::spec::{Labels, Limits, Mount, Purpose, RunUser, SandboxSpec, VolumeSpec};

/// Longest the checkout may take.
pub const CHECKOUT_TIME: Duration = Duration::from_secs(10 * 60);
/// After the gate's own timeout, the container's first process ends it even when nobody watches.
const SLACK: Duration = Duration::from_secs(60);
const HOME: &str = "/home/agent";
const WORK: &str = "/work";

/// Everything one gate needs. `labels.nonce` is left empty: each sandbox has its own.
#[derive(Debug, Clone)]
pub struct GateJob {
    pub gate: Gate,
    /// Place in the list, for names.
    pub ordinal: u32,
    /// The exact commit that would land.
    pub commit: Oid,
    /// The branch it would land on; checked out under that name.
    pub branch: String,
    /// The bare repository that holds the commit: a directory beneath the state directory.
    pub quarantine: PathBuf,
    /// Where the gate runs.
    pub image: String,
    /// Where git is found for the checkout; usually the worker image.
    pub checkout_image: String,
    pub user: RunUser,
    pub limits: Limits,
    /// Size of `/work`, which lies in memory.
    pub work_bytes: u64,
    /// Most output the engine may hold.
    pub log_cap: u64,
    pub labels: Labels,
    pub checkout_nonce: String,
    pub gate_nonce: String,
}

/// Clones the one commit with real objects, on a branch, and no other ref; then waits until its stdin ends.
///
/// `git fetch` from the mounted path copies the objects, so nothing points at the quarantine afterwards.
/// The user-level config is where git looks for `safe.directory` in the process that serves the fetch too:
/// settings in the environment do not reach it.
const CHECKOUT: &str = r#"set -eu
git config --global --add safe.directory '*'
cd /work
git init -q --template= --initial-branch=gate-checkout .
git config core.hooksPath /dev/null
git config gc.auto 0
git config maintenance.auto false
git fetch -q --no-tags --no-recurse-submodules /quarantine "$1"
git update-ref --no-deref "refs/heads/$2" "$1"
git symbolic-ref HEAD "refs/heads/$2"
git reset -q --hard
rm -f .git/FETCH_HEAD .git/ORIG_HEAD
git config --unset core.hooksPath
test "$(git rev-parse HEAD)" = "$1"
test ! -e .git/objects/info/alternates
printf 'ready\n'
cat >/dev/null
"#;

/// What the checkout prints when `/work` is complete.
pub(crate) const READY: &str = "ready";

impl GateJob {
    fn base_name(&self) -> String {
        format!("bead-{}-gate{}", self.labels.run, self.ordinal)
    }

    pub fn volume_name(&self) -> String {
        self.base_name()
    }

    pub fn checkout_name(&self) -> String {
        format!("{}-checkout", self.base_name())
    }

    pub fn gate_name(&self) -> String {
        format!("{}-run", self.base_name())
    }

    pub fn volume(&self) -> VolumeSpec {
        let labels = self.labels.clone();
        VolumeSpec { name: self.volume_name(), bytes: self.work_bytes, user: self.user, labels }
    }

    pub fn checkout_spec(&self) -> SandboxSpec {
        let script = ["sh", "-c", CHECKOUT, "checkout", self.commit.as_str(), &self.branch];
        let quarantine = Mount::Bind {
            source: self.quarantine.clone(),
            target: "/quarantine".to_owned(),
            read_only: true,
        };
        let mut mounts = self.mounts(64 << 20);
        mounts.push(quarantine);
        SandboxSpec {
            name: self.checkout_name(),
            purpose: Purpose::Checkout,
            image: self.checkout_image.clone(),
            argv: script.map(str::to_owned).to_vec(),
            env: env(),
            user: self.user,
            workdir: WORK.to_owned(),
            mounts,
            limits: self.limits_with_work(),
            stdin: true,
            time_limit: CHECKOUT_TIME + self.gate.timeout.get() + 2 * SLACK,
            log_cap: 1 << 20,
            labels: Labels { nonce: self.checkout_nonce.clone(), ..self.labels.clone() },
        }
    }

    pub fn gate_spec(&self) -> SandboxSpec {
        let argv = ["sh", "-c", &self.gate.run].map(str::to_owned).to_vec();
        let mut env = env();
        env.insert("CI".to_owned(), "true".to_owned());
        SandboxSpec {
            name: self.gate_name(),
            purpose: Purpose::Gate,
            image: self.image.clone(),
            argv,
            env,
            user: self.user,
            workdir: WORK.to_owned(),
            mounts: self.mounts(2 << 30),
            limits: self.limits_with_work(),
            stdin: false,
            time_limit: self.gate.timeout.get() + SLACK,
            log_cap: self.log_cap,
            labels: Labels { nonce: self.gate_nonce.clone(), ..self.labels.clone() },
        }
    }

    fn mounts(&self, scratch: u64) -> Vec<Mount> {
        vec![
            Mount::Volume { name: self.volume_name(), target: WORK.to_owned(), read_only: false },
            Mount::Tmpfs { target: "/tmp".to_owned(), bytes: scratch, exec: true, private: false },
            Mount::Tmpfs { target: HOME.to_owned(), bytes: scratch, exec: true, private: true },
        ]
    }

    /// `/work` lies in memory and is charged to whoever writes it, so it comes on top of what a command may
    /// use: otherwise a large checkout would look like a command out of memory.
    fn limits_with_work(&self) -> Limits {
        Limits { memory: self.limits.memory.saturating_add(self.work_bytes), ..self.limits }
    }
}

/// Nothing is inherited. PATH is the image's own: a project's tools lie where its image put them.
fn env() -> BTreeMap<String, String> {
    let pairs =
        [("HOME", HOME), ("LANG", "C.UTF-8"), ("USER", "agent"), ("LOGNAME", "agent"), ("TMPDIR", "/tmp")];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
pub(crate) mod tests;
