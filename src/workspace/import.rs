//! The way back: an exported bundle, checked and only then let into the quarantine.
//!
//! Owns rules 2.5: our own reading of the headers, strict and size-capped unpacking beside the quarantine,
//! then connectivity, descent, counts, sizes and hostile trees (T24 to T27). Refused objects never enter.
//! It does not run the export. Start with [`import`].

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::diff::{Bounds, Change, Diff};
use super::git::{ObjectError, Objects};
use super::private::{PlaceError, make_private};
use super::program::{GitError, Verb};
use super::quarantine::{Quarantine, QuarantineError};
use super::scan;
use crate::domain::ids::{Oid, RunId};

mod header;

pub(crate) use header::Header;

/// How much an agent may hand in.
#[derive(Debug, Clone, Copy)]
pub struct ImportLimits {
    /// Bytes of the stream.
    pub bytes: u64,
    /// Commits between base and tip.
    pub commits: u32,
    /// Bytes of all objects, unpacked; also of all changed files.
    pub unpacked_bytes: u64,
    pub objects: u64,
    pub files: u64,
    /// For reading the stream and all checks together.
    pub deadline: Duration,
}

impl Default for ImportLimits {
    fn default() -> Self {
        Self {
            bytes: 512 << 20,
            commits: 200,
            unpacked_bytes: 1 << 30,
            objects: 500_000,
            files: 50_000,
            deadline: Duration::from_secs(10 * 60),
        }
    }
}

/// What the export was: work, or nothing to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Imported {
    /// The clone stands at the base and nothing was left uncommitted.
    Unchanged,
    Work(Import),
}

/// Work that passed every check and is kept as `refs/bead/<run>` in the quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    pub tip: Oid,
    /// Between base and tip.
    pub commits: u32,
    /// The newest commit is ours: what the agent left uncommitted.
    pub wip: bool,
    /// Base against tip; empty where commits cancel each other out. The tracker's own paths are among them.
    pub changes: Vec<Change>,
    /// Changed paths below `.beads/`: the landing leaves them out (rules 1.2, T30).
    pub tracker_touched: Vec<String>,
}

/// Why there is no import.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The work was refused: park the bead with this (`export_rejected`).
    #[error("export refused by check `{check}`: {why}")]
    Rejected { check: String, why: String },
    /// The container printed nothing at all: it did not run.
    #[error("the export printed nothing")]
    Silent,
    #[error("cannot read the export")]
    Read(#[source] std::io::Error),
    #[error(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    Objects(#[from] ObjectError),
    #[error(transparent)]
    Quarantine(#[from] QuarantineError),
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error("cannot write `{}`", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

pub(crate) fn rejected(check: impl Into<String>, why: impl Into<String>) -> ImportError {
    ImportError::Rejected { check: check.into(), why: why.into() }
}

/// Reads one export. Afterwards either the work is kept under `refs/bead/<run>`, or the quarantine is as it was.
pub async fn import(
    quarantine: &Quarantine,
    reader: &mut (dyn AsyncRead + Unpin + Send),
    limits: ImportLimits,
    base: &Oid,
    run: &RunId,
) -> Result<Imported, ImportError> {
    let incoming = Incoming::new(quarantine, run)?;
    let all = async {
        let header = Header::read(reader, limits.bytes).await?;
        let Header::Work { tip, wip } = header else { return Ok(Imported::Unchanged) };
        let import = take(&incoming, reader, limits, base, (tip, wip)).await?;
        incoming.admit()?;
        quarantine.keep(run, &import.tip).await?;
        Ok(Imported::Work(import))
    };
    let late =
        |_| Err(rejected("deadline", format!("reading the export took longer than {:?}", limits.deadline)));
    tokio::time::timeout(limits.deadline, all).await.unwrap_or_else(late)
}

/// Unpacks beside the quarantine and asks every question.
async fn take(
    incoming: &Incoming<'_>,
    reader: &mut (dyn AsyncRead + Unpin + Send),
    limits: ImportLimits,
    base: &Oid,
    (tip, wip): (Oid, bool),
) -> Result<Import, ImportError> {
    incoming.unpack(reader, limits).await?;
    let view = View {
        incoming: incoming.dir.clone(),
        quarantine: incoming.quarantine.path().to_owned(),
        base: base.clone(),
        tip: tip.clone(),
        limits,
    };
    // Descent first: without it the counts below would walk a foreign history.
    let asked = view.clone();
    blocking(move || asked.descends()).await?;
    let commits = incoming.connected(base, &tip, limits).await?;
    let changes = blocking(move || view.judge()).await?;
    let tracker_touched = changes.iter().filter(|c| c.is_tracker()).map(Change::shown).collect();
    Ok(Import { tip, commits, wip, changes, tracker_touched })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ImportError> + Send + 'static,
) -> Result<T, ImportError> {
    tokio::task::spawn_blocking(work).await.expect("reading objects does not panic")
}

/// The unpacked objects on top of the quarantine's, as the checks see them.
#[derive(Clone)]
struct View {
    incoming: PathBuf,
    quarantine: PathBuf,
    base: Oid,
    tip: Oid,
    limits: ImportLimits,
}

impl View {
    fn open(&self) -> Result<Objects, ImportError> {
        Ok(Objects::open(&self.quarantine)?.and(&self.incoming)?)
    }

    fn descends(&self) -> Result<(), ImportError> {
        let (count, bytes) = Objects::weigh(&self.incoming)?;
        if count > self.limits.objects || bytes > self.limits.unpacked_bytes {
            return Err(rejected(
                "too_large",
                format!("the pack unpacks to {count} objects of {bytes} bytes"),
            ));
        }
        let (objects, tip, base) = (self.open()?, &self.tip, &self.base);
        if !objects.is_commit(tip) {
            return Err(rejected("tip", format!("{tip} is not a commit of the bundle")));
        }
        if !objects.is_ancestor(base, tip)? {
            return Err(rejected("descends", format!("{tip} does not descend from the base {base}")));
        }
        Ok(())
    }

    fn judge(&self) -> Result<Vec<Change>, ImportError> {
        let objects = self.open()?;
        let bounds = Bounds { files: self.limits.files, bytes: self.limits.unpacked_bytes };
        let mut diff = Diff::between(&objects, &self.base, &self.tip, bounds).map_err(too_many)?;
        if let Some(found) = scan::hostile(&objects, &diff)? {
            return Err(rejected(found.check, found.why));
        }
        diff.count_lines(&objects)?;
        Ok(diff.changes)
    }
}

fn too_many(error: ObjectError) -> ImportError {
    match error {
        ObjectError::TooMany { .. } => rejected("too_large", error.to_string()),
        other => other.into(),
    }
}

/// A folder for objects that are not trusted yet. What is left in it is removed with it.
struct Incoming<'q> {
    quarantine: &'q Quarantine,
    dir: PathBuf,
}

impl<'q> Incoming<'q> {
    fn new(quarantine: &'q Quarantine, run: &RunId) -> Result<Self, ImportError> {
        let dir = quarantine.path().join("incoming").join(run.as_str());
        // An import that was cut off may have left something under this name.
        let _ = std::fs::remove_dir_all(&dir);
        make_private(&dir.join("pack"))?;
        Ok(Self { quarantine, dir })
    }

    fn call(&self, verb: Verb) -> super::program::Call<'q> {
        self.quarantine
            .call(verb)
            .env("GIT_OBJECT_DIRECTORY", &self.dir)
            .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", quoted(&self.quarantine.path().join("objects")))
    }

    async fn unpack(
        &self,
        reader: &mut (dyn AsyncRead + Unpin + Send),
        limits: ImportLimits,
    ) -> Result<(), ImportError> {
        // One byte more than allowed, so that git itself sees and names the excess.
        let mut capped = (&mut *reader).take(limits.bytes + 1);
        // No single object may take more memory than all of them may weigh.
        let memory = limits.unpacked_bytes.clamp(64 << 20, 1 << 30);
        let call = self.quarantine.call(Verb::IndexPack);
        let result = call
            .config("pack.threads=1")
            .config("core.bigFileThreshold=16m")
            .env("GIT_OBJECT_DIRECTORY", &self.dir)
            .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", quoted(&self.quarantine.path().join("objects")))
            .env("GIT_ALLOC_LIMIT", memory.to_string())
            .arg(format!("--max-input-size={}", limits.bytes))
            .stream(&mut capped)
            .deadline(limits.deadline)
            .run()
            .await?;
        if result.code == 0 {
            return Ok(());
        }
        let said = result.stderr.trim_end();
        let check =
            if said.contains("exceeds maximum allowed size") || said.contains("attempting to allocate") {
                "too_large"
            } else {
                fsck_check(said).unwrap_or("pack")
            };
        Err(rejected(check, said))
    }

    /// Every object that the tip needs and the base lacks is here; tells how many commits they are.
    async fn connected(&self, base: &Oid, tip: &Oid, limits: ImportLimits) -> Result<u32, ImportError> {
        let not_base = format!("^{base}");
        let ends = [tip.as_str(), &not_base];
        let most = format!("--max-count={}", limits.commits.saturating_add(1));
        let counted = self.call(Verb::RevList).args(["--count", &most]).args(ends).ok().await?;
        let commits: u32 = counted.line().parse().unwrap_or(u32::MAX);
        if commits > limits.commits {
            return Err(rejected("commits", format!("more than {} commits since the base", limits.commits)));
        }
        let walk = self.call(Verb::RevList).args(["--objects", "--quiet"]).args(ends);
        let walked = walk.deadline(limits.deadline).run().await?;
        if walked.code != 0 {
            return Err(rejected("connectivity", walked.stderr.trim_end()));
        }
        Ok(commits)
    }

    /// Moves the packs into the quarantine, each index last: a pack without one is not seen.
    fn admit(&self) -> Result<(), ImportError> {
        let from = self.dir.join("pack");
        let to = self.quarantine.path().join("objects/pack");
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| ImportError::Io { path, source }
        };
        let mut names = Vec::new();
        for entry in from.read_dir().map_err(io(&from))? {
            names.push(entry.map_err(io(&from))?.file_name());
        }
        names.sort_by_key(|name| name.to_string_lossy().ends_with(".idx"));
        std::fs::create_dir_all(&to).map_err(io(&to))?;
        for name in names {
            std::fs::rename(from.join(&name), to.join(&name)).map_err(io(&to))?;
        }
        std::fs::File::open(&to).and_then(|dir| dir.sync_all()).map_err(io(&to))
    }
}

impl Drop for Incoming<'_> {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// The id of the fsck message in what index-pack said: `error: object <oid>: hasDotgit: contains '.git'`.
fn fsck_check(said: &str) -> Option<&str> {
    let line = said.lines().find(|line| line.starts_with("error: object "))?;
    let word = line.splitn(3, ": ").nth(2)?.split(':').next()?;
    let plain = !word.is_empty() && word.len() < 40 && word.bytes().all(|b| b.is_ascii_alphanumeric());
    plain.then_some(word)
}

/// A path as one entry of a list that git splits at colons.
fn quoted(path: &Path) -> std::ffi::OsString {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let mut out = vec![b'"'];
    for byte in path.as_os_str().as_bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out.push(b'"');
    std::ffi::OsString::from_vec(out)
}

#[cfg(test)]
mod tests;
