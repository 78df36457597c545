//! A shell for a person on the work that a bead's last claim kept.
//!
//! Owns the fresh clone of the kept tip, its sandbox (no network, no credential, no conversation), and what becomes
//! of what the person left there: exported as an agent's work is, kept under a run of its own, and the bead's to go
//! on with. Who connects a terminal to it is the command's matter. Start with [`Engine::open_shell`].

mod left;

use std::collections::BTreeMap;
use std::time::Duration;

use super::again;
use super::deeds::refused;
use super::standing;
use super::table::{Verb, may};
use crate::daemon::effects::export::Trouble;
use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::daemon::locks::{self, StoryLock, Taken};
use crate::daemon::outside::{self, Whose};
use crate::daemon::refusal::Refusal;
use crate::domain::event::{Body, GivenBack, Outside};
use crate::domain::ids::{BeadId, Oid, RunId, base36};
use crate::domain::run::{RunKind, RunState};
use crate::executor::spec::{Limits, Mount, Purpose, SandboxSpec};
use crate::executor::{Attached, SandboxId};
use crate::journal::Entry;
use crate::lifecycle::{Story, Work};
use crate::workspace::clone::CloneRequest;
use crate::workspace::import::Imported;

/// A forgotten shell ends by itself.
const LONGEST: Duration = Duration::from_secs(12 * 3600);
const HOME: &str = "/home/agent";
const INSIDE: &str = include_str!("shell/inside.sh");

/// The terminal that a person sits at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screen {
    pub rows: u16,
    pub columns: u16,
    /// What `TERM` says.
    pub name: String,
}

/// An open shell. The bead is held as long as it lives.
pub struct OpenShell {
    pub run: RunId,
    /// Whose work it is, and the commit it began with.
    pub of: RunId,
    pub tip: Oid,
    id: SandboxId,
    /// The last claim, as if this were its newest run.
    story: Story,
    work: Work,
    /// The bead's, and the run's own.
    _locks: (StoryLock, StoryLock),
}

/// What a person left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftThere {
    Nothing,
    /// Kept under the shell's run.
    Work(Oid),
    /// It could not be taken; the clone stays where it is.
    Rejected {
        why: String,
        clone: std::path::PathBuf,
    },
}

impl Engine {
    /// Opens a shell on a bead's kept work. With a `screen` it is a terminal's, without one plain pipes.
    pub async fn open_shell(
        &self,
        bead: &BeadId,
        screen: Option<&Screen>,
        by: &str,
    ) -> Result<(OpenShell, Attached), EngineError> {
        let (house, site) = (&self.house, &self.site);
        let standing = standing::look(house, site, bead).await?;
        if may(Verb::Shell, standing.state).is_none() {
            return Err(refused(Verb::Shell, standing.state, bead).into());
        }
        let dir = house.places.locks();
        let lock = match locks::take(&dir, &site.id, bead)
            .map_err(|source| EngineError::Io { path: dir, source })?
        {
            Taken::Ours(lock) => lock,
            Taken::Theirs(_) => {
                return Err(Refusal::new(format!("bead `{bead}` is held by another process")).into());
            }
        };
        // What was left in a shell that was cut off is what this one begins with.
        self.recover_outside(Whose::Held(bead)).await?;
        let last = house.journal.stories_of(&site.id, bead)?.into_iter().rev().find(|s| s.tip.is_some());
        let kept = again::kept(house, site, bead)?;
        let (Some(last), Some((of, tip))) = (last, kept) else {
            return Err(Refusal::new(format!("bead `{bead}` has no kept work to open a shell on"))
                .hint(format!("`bead retry {bead}` has it worked on again"))
                .into());
        };
        let settings = self.settings(&last.order).await?;
        let image = self.image(&settings).await?;
        site.repo.fetch(&last.order.base).await?;
        site.repo.fetch(&tip).await?;
        let run = RunId::from_bytes(house.ids.bytes());
        let nonce = base36(house.ids.bytes(), 12);
        let (story, work) = as_newest(last, &run, &tip, (nonce.clone(), house.clock.now()));
        let log = self.log_name(&story, RunKind::Shell);
        let own = outside::take(house, &site.id, (RunKind::Shell, &run))?;
        let announced = Outside { nonces: vec![nonce.clone()], from: Some(tip.clone()) };
        self.tell_of(&story, Body::RunStarted { kind: RunKind::Shell, log, outside: Some(announced) })?;
        let clone = house.places.clone_dir(&run);
        let request = CloneRequest { path: &clone, run: &run, tip: &tip, owner: self.machine.owner() };
        site.repo.clone_for(&request).await?;
        let spec = self.shell_spec((&story, &run), (screen, by), (nonce, image.digest), &settings);
        match self.machine.executor.start(&spec).await {
            Ok((id, attached)) => {
                let shell = OpenShell { run, of, tip, id, story, work, _locks: (lock, own) };
                Ok((shell, attached))
            }
            Err(error) => {
                site.repo.remove_clone(&clone)?;
                self.shell_ended(&story, RunState::Failed)?;
                Err(error.into())
            }
        }
    }

    /// Takes what the person left: to be called when the shell has ended, or shall.
    pub async fn close_shell(&self, shell: OpenShell, by: &str) -> Result<LeftThere, EngineError> {
        let OpenShell { run, tip, id, story, work, .. } = &shell;
        // Nobody shall write where the export reads.
        self.machine.executor.remove(id).await?;
        let clone = self.house.places.clone_dir(run);
        let left = match self.import(story, work).await {
            Ok(Imported::Work(import)) if import.tip != *tip => {
                self.site.repo.publish(run).await?;
                let how = GivenBack::Reworked { run: run.clone(), tip: import.tip.clone() };
                self.tell_of(story, Body::GivenBack { by: by.to_owned(), how })?;
                LeftThere::Work(import.tip)
            }
            Ok(Imported::Work(_) | Imported::Unchanged) => LeftThere::Nothing,
            Err(Trouble::Rejected(why)) => {
                self.shell_ended(story, RunState::Failed)?;
                return Ok(LeftThere::Rejected { why, clone });
            }
            Err(Trouble::Failed(error)) => return Err(error),
        };
        self.shell_ended(story, RunState::Completed)?;
        self.site.repo.remove_clone(&clone)?;
        Ok(left)
    }

    fn shell_ended(&self, story: &Story, state: RunState) -> Result<(), EngineError> {
        self.tell_of(story, Body::RunEnded { kind: RunKind::Shell, state, cause: None, cost_usd: 0.0 })
    }

    fn tell_of(&self, story: &Story, body: Body) -> Result<(), EngineError> {
        self.house.journal.tell(Entry { attempt: None, ..Entry::of(story, body) })?;
        Ok(())
    }

    fn shell_spec(
        &self,
        (story, run): (&Story, &RunId),
        (screen, by): (Option<&Screen>, &str),
        (nonce, image): (String, String),
        settings: &crate::config::effective::Effective,
    ) -> SandboxSpec {
        let mut env = BTreeMap::from([
            ("HOME".to_owned(), HOME.to_owned()),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
            ("GIT_AUTHOR_NAME".to_owned(), by.to_owned()),
            ("GIT_COMMITTER_NAME".to_owned(), by.to_owned()),
            ("GIT_AUTHOR_EMAIL".to_owned(), format!("{by}@localhost")),
            ("GIT_COMMITTER_EMAIL".to_owned(), format!("{by}@localhost")),
        ]);
        if let Some(screen) = screen {
            env.insert("ROWS".to_owned(), screen.rows.to_string());
            env.insert("COLS".to_owned(), screen.columns.to_string());
            env.insert("TERM".to_owned(), screen.name.clone());
        }
        let tmpfs = |target: &str, private| Mount::Tmpfs {
            target: target.to_owned(),
            bytes: 1 << 30,
            exec: true,
            private,
        };
        let source = self.house.places.clone_dir(run);
        SandboxSpec {
            name: format!("bead-{run}-shell"),
            purpose: Purpose::Shell,
            image,
            argv: ["sh", "-c", INSIDE].map(str::to_owned).to_vec(),
            env,
            user: self.machine.run_user,
            workdir: "/work".to_owned(),
            mounts: vec![
                Mount::Bind { source, target: "/work".to_owned(), read_only: false },
                tmpfs(HOME, true),
                tmpfs("/tmp", false),
            ],
            limits: Limits { memory: settings.limits.memory.value.bytes(), ..Limits::default() },
            stdin: true,
            time_limit: LONGEST,
            // What a person types and sees is nobody else's: no copy on disk.
            log_cap: 0,
            labels: self.labels(story, run, nonce),
        }
    }
}

/// The last claim as if the shell were its newest run: what is exported is measured against the same base.
fn as_newest(
    mut story: Story,
    run: &RunId,
    tip: &Oid,
    (nonce, started): (String, chrono::DateTime<chrono::Utc>),
) -> (Story, Work) {
    let work = Work { starts: 1, nonce, tasked: true, ..Work::begun(run.clone(), tip.clone(), started) };
    story.rebased = Some(again::base_of(&story).clone());
    story.conflict = None;
    story.work = Some(work.clone());
    (story, work)
}
