//! Where Beadwork keeps its things, and the refusal to keep them anywhere unsafe.
//!
//! Owns the layout of the state directory, the rule that sandboxes may see nothing outside it (T10, rules 8)
//! and the modes of its directories (T36). It opens no journal and no socket. Start with [`Places::find`],
//! which only computes, then [`Places::prepare`], which creates and checks.

use std::fs::{self, DirBuilder};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Component, Path, PathBuf};

use super::environment::Environment;
use crate::domain::ids::{BeadId, ProjectId, RunId};

/// A unix socket's path must stay below this (116 bytes fail; rules 8).
const SOCKET_PATH_MAX: usize = 100;
/// Room for `/<run id>/<file>` behind the socket root.
const SOCKET_TAIL: usize = 40;

/// The directories of one installation. All paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    state: PathBuf,
    config: PathBuf,
    cache: PathBuf,
    sockets: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum PlacesError {
    #[error("cannot tell where to keep state: neither `{variable}` nor `HOME` is set")]
    NoHome { variable: &'static str },
    #[error("`{variable}` must be an absolute path without `..`, found `{path}`")]
    NotAbsolute { variable: &'static str, path: PathBuf },
    #[error("`{path}` cannot be the state directory: {why}; set `BEAD_STATE_DIR` to a directory of its own")]
    Unsafe { path: PathBuf, why: &'static str },
    #[error("`{path}` has mode {mode:04o}, but others may not look into it; run: chmod 700 '{path}'")]
    Loose { path: PathBuf, mode: u32 },
    #[error("`{path}` belongs to user {owner}, expected user {me}")]
    Foreign { path: PathBuf, owner: u32, me: u32 },
    #[error("`{path}` is not a directory")]
    NotADirectory { path: PathBuf },
    #[error("`{path}`: {source}")]
    Io { path: PathBuf, source: std::io::Error },
}

/// What lies in the state directory from the first use on.
const PARTS: [&str; 7] = ["locks", "logs", "quarantine", "clones", "conversations", "backups", "landing"];

impl Places {
    /// Computes all places; touches nothing. `uid` is the caller's, for the short socket directory.
    pub fn find(env: &Environment, uid: u32) -> Result<Self, PlacesError> {
        let home = env.home.as_deref();
        let xdg = [&env.xdg_state_home, &env.xdg_config_home, &env.xdg_cache_home];
        let pick = |own: &Option<PathBuf>, variable: &'static str, xdg: &Option<PathBuf>, below: &str| {
            if let Some(path) = own {
                return absolute(variable, path);
            }
            // The XDG rules say that a relative path is to be ignored.
            let base = xdg.as_ref().filter(|path| path.is_absolute()).cloned();
            let base = base.or_else(|| home.map(|home| home.join(below)));
            base.map(|base| base.join("beadwork")).ok_or(PlacesError::NoHome { variable })
        };
        let state = pick(&env.state_dir, "BEAD_STATE_DIR", xdg[0], ".local/state")?;
        let config = pick(&env.config_dir, "BEAD_CONFIG_DIR", xdg[1], ".config")?;
        let cache = pick(&env.cache_dir, "BEADWORK_CACHE", xdg[2], ".cache")?;
        let state = absolute("XDG_STATE_HOME", &state)?;
        refuse_unsafe(&state, env)?;
        let sockets = socket_root(&state, env, uid);
        Ok(Self { state, config, cache, sockets })
    }

    /// Creates the directories (0700), refuses looser ones, and gives the id of this state directory, which
    /// is made of `fresh` where there is none yet. Safe for any number of processes at once.
    pub fn prepare(&mut self, env: &Environment, uid: u32, fresh: [u8; 16]) -> Result<String, PlacesError> {
        make_private(&self.state, uid)?;
        // A link may lead to a place the name did not show, so the refusal looks at the real path too.
        let real = fs::canonicalize(&self.state).map_err(at(&self.state))?;
        refuse_unsafe(&real, env)?;
        self.state = real;
        self.sockets = socket_root(&self.state, env, uid);
        for name in PARTS {
            make_private(&self.state.join(name), uid)?;
        }
        if let Some(parent) = self.sockets.parent().filter(|_| !self.sockets.starts_with(&self.state)) {
            make_private(parent, uid)?;
            // In /tmp anybody may have put a link under our name.
            if fs::symlink_metadata(parent).map_err(at(parent))?.is_symlink() {
                return Err(PlacesError::NotADirectory { path: parent.to_owned() });
            }
        }
        make_private(&self.sockets, uid)?;
        instance(&self.state.join("instance"), fresh)
    }

    /// All places in one fresh folder that only a simulation uses, where no sandbox ever mounts anything.
    pub fn beneath(folder: &Path, uid: u32) -> Result<Self, PlacesError> {
        let state = folder.join("state");
        let sockets = state.join("run");
        for name in PARTS.into_iter().chain(["run"]) {
            make_private(&state.join(name), uid)?;
        }
        Ok(Self { state, config: folder.join("config"), cache: folder.join("cache"), sockets })
    }

    /// The same folder with another's config.
    #[must_use]
    pub fn with_config_of(self, other: &Self) -> Self {
        Self { config: other.config.clone(), ..self }
    }

    pub fn state(&self) -> &Path {
        &self.state
    }

    /// Every directory that a sandbox's mount may lie beneath.
    pub fn mount_roots(&self) -> Vec<PathBuf> {
        let mut roots = vec![self.state.clone()];
        if !self.sockets.starts_with(&self.state) {
            roots.push(self.sockets.clone());
        }
        roots
    }

    pub fn journal(&self) -> PathBuf {
        self.state.join("journal.db")
    }

    pub fn backups(&self) -> PathBuf {
        self.state.join("backups")
    }

    pub fn locks(&self) -> PathBuf {
        self.state.join("locks")
    }

    /// `logs/<project>/<bead>`.
    pub fn logs(&self, project: &ProjectId, bead: &BeadId) -> PathBuf {
        self.state.join("logs").join(project.as_str()).join(bead.slug())
    }

    /// The bare repository of a project.
    pub fn quarantine(&self, project: &ProjectId) -> PathBuf {
        self.state.join("quarantine").join(format!("{}.git", project.as_str()))
    }

    pub fn clone_dir(&self, run: &RunId) -> PathBuf {
        self.state.join("clones").join(run.as_str())
    }

    /// `conversations/<project>/<bead>`: ids are unique only within their tracker.
    pub fn conversation(&self, project: &ProjectId, bead: &BeadId) -> PathBuf {
        self.state.join("conversations").join(project.as_str()).join(bead.slug())
    }

    /// Notes of a landing under way: which git processes it started.
    pub fn landing(&self, run: &RunId) -> PathBuf {
        self.state.join("landing").join(run.as_str())
    }

    /// The directory above all sockets.
    pub fn sockets_root(&self) -> PathBuf {
        self.sockets.clone()
    }

    /// The directory of one run's gateway socket: mounted as a directory, so it outlives a restart.
    pub fn sockets(&self, run: &RunId) -> PathBuf {
        self.sockets.join(run.as_str())
    }

    /// Where a daemon of this state directory listens for commands.
    pub fn control_socket(&self) -> PathBuf {
        self.sockets.join("daemon.sock")
    }

    /// The key by which push services know us; 0600.
    pub fn push_key(&self) -> PathBuf {
        self.state.join("push.key")
    }

    /// The token for scripts (0600).
    pub fn token(&self) -> PathBuf {
        self.state.join("token")
    }

    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.yaml")
    }

    /// Downloads and image build contexts; may be removed at any time.
    pub fn cache(&self) -> &Path {
        &self.cache
    }
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> PlacesError {
    let path = path.to_owned();
    |source| PlacesError::Io { path, source }
}

fn absolute(variable: &'static str, path: &Path) -> Result<PathBuf, PlacesError> {
    if !path.is_absolute() || path.components().any(|part| part == Component::ParentDir) {
        return Err(PlacesError::NotAbsolute { variable, path: path.to_owned() });
    }
    Ok(path.components().collect())
}

/// Rules 8: mounts lie beneath the state directory, so it may hold nothing but ours.
fn refuse_unsafe(state: &Path, env: &Environment) -> Result<(), PlacesError> {
    let refuse = |why| Err(PlacesError::Unsafe { path: state.to_owned(), why });
    if state == Path::new("/") {
        return refuse("it is the root of the file system");
    }
    if let Some(home) = &env.home {
        let real = fs::canonicalize(home).unwrap_or_else(|_| home.clone());
        if home.starts_with(state) || real.starts_with(state) {
            return refuse("it is or contains the home directory");
        }
    }
    let allowed = env.xdg_runtime_dir.as_ref().map(|dir| dir.join("beadwork"));
    if allowed.is_some_and(|dir| dir.starts_with("/run/user") && state.starts_with(dir)) {
        return Ok(());
    }
    for system in ["/proc", "/sys", "/dev", "/run", "/var/run"] {
        if state.starts_with(system) {
            return refuse("it lies in a directory of the system");
        }
    }
    for holder in ["/var", "/usr", "/etc", "/home", "/tmp", "/opt", "/srv", "/mnt", "/var/lib", "/var/tmp"] {
        if state == Path::new(holder) {
            return refuse("others keep their things there");
        }
    }
    Ok(())
}

/// `<state>/run` where that is short enough, else a short private directory named for the state directory.
fn socket_root(state: &Path, env: &Environment, uid: u32) -> PathBuf {
    let usual = state.join("run");
    if usual.as_os_str().len() + SOCKET_TAIL < SOCKET_PATH_MAX {
        return usual;
    }
    let name = &crate::domain::ids::short_hash(&state.to_string_lossy())[..12];
    let runtime = env.xdg_runtime_dir.as_ref().filter(|dir| dir.is_absolute());
    let runtime = runtime.map(|dir| dir.join("beadwork").join(name));
    runtime
        .filter(|path| path.as_os_str().len() + SOCKET_TAIL < SOCKET_PATH_MAX)
        .unwrap_or_else(|| PathBuf::from(format!("/tmp/beadwork-{uid}")).join(name))
}

/// Creates a directory as 0700 or checks that an existing one is ours and closed to others (T36).
pub fn make_private(path: &Path, uid: u32) -> Result<(), PlacesError> {
    match DirBuilder::new().recursive(true).mode(0o700).create(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(PlacesError::NotADirectory { path: path.to_owned() });
        }
        other => other.map_err(at(path))?,
    }
    // Followed, because a user may keep state behind a link; the target's owner and mode are what counts.
    let meta = fs::metadata(path).map_err(at(path))?;
    if meta.uid() != uid {
        return Err(PlacesError::Foreign { path: path.to_owned(), owner: meta.uid(), me: uid });
    }
    let mode = meta.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(PlacesError::Loose { path: path.to_owned(), mode });
    }
    Ok(())
}

/// Reads the id, or puts a fresh one there without ever showing half of one to another process.
fn instance(path: &Path, fresh: [u8; 16]) -> Result<String, PlacesError> {
    let read = |path: &Path| fs::read_to_string(path).map(|text| text.trim().to_owned());
    if !path.try_exists().map_err(at(path))? {
        let dir = path.parent().unwrap_or(Path::new("/"));
        let mut temp = tempfile::NamedTempFile::new_in(dir).map_err(at(dir))?;
        let id: String = fresh.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(temp, "{id}").and_then(|()| temp.as_file().sync_all()).map_err(at(path))?;
        if let Err(error) = temp.persist_noclobber(path)
            && error.error.kind() != std::io::ErrorKind::AlreadyExists
        {
            return Err(at(path)(error.error));
        }
        fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(at(dir))?;
    }
    let id = read(path).map_err(at(path))?;
    if id.len() == 32 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
        return Ok(id);
    }
    let source = std::io::Error::new(std::io::ErrorKind::InvalidData, "expected 32 hex digits");
    Err(PlacesError::Io { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests;
