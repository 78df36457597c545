//! Where a state directory may lie and what stands where in it.
//!
//! Owns the rule for mount places (T10, rules 8): everything a container mounts lies beneath the state
//! directory, so that directory may be nothing broad or magic. It mounts nothing. Start with [`Places::new`].

use std::io;
use std::path::{Path, PathBuf};

use crate::domain::ids::{ProjectId, RunId};

/// The state directory, checked, with the names of this room's parts in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    state: PathBuf,
}

/// Why a directory cannot hold our state.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    #[error("state directory `{}` {why}: choose another with `BEAD_STATE_DIR`", path.display())]
    Refused { path: PathBuf, why: &'static str },
    #[error("cannot use state directory `{}`", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl Places {
    /// Creates the directory (0700) where it is missing and resolves its links, so that the rule is asked of
    /// the place itself. `home` is the user's home, `runtime` is `$XDG_RUNTIME_DIR`.
    pub fn new(state: &Path, home: Option<&Path>, runtime: Option<&Path>) -> Result<Self, PlaceError> {
        if !state.is_absolute() {
            return Err(PlaceError::Refused { path: state.to_owned(), why: "is not an absolute path" });
        }
        refuse(state, home, runtime)?;
        make_private(state)?;
        let real = |path: &Path| path.canonicalize().ok();
        let state =
            state.canonicalize().map_err(|source| PlaceError::Io { path: state.to_owned(), source })?;
        refuse(&state, home.and_then(real).as_deref(), runtime.and_then(real).as_deref())?;
        Ok(Self { state })
    }

    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The bare repository through which all objects of a project pass.
    pub fn quarantine(&self, project: &ProjectId) -> PathBuf {
        self.state.join("quarantine").join(format!("{}.git", project.as_str()))
    }

    /// The private clone of one run: the only thing its containers mount read-write.
    pub fn clone_of(&self, run: &RunId) -> PathBuf {
        self.state.join("clones").join(run.as_str())
    }

    /// Notes of a landing under way: which git processes it started.
    pub fn landing(&self, run: &RunId) -> PathBuf {
        self.state.join("landing").join(run.as_str())
    }
}

/// Creates a directory and its parents, readable by its owner alone.
pub(crate) fn make_private(path: &Path) -> Result<(), PlaceError> {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(path).map_err(|source| PlaceError::Io { path: path.to_owned(), source })
}

fn refuse(state: &Path, home: Option<&Path>, runtime: Option<&Path>) -> Result<(), PlaceError> {
    let refused = |why| Err(PlaceError::Refused { path: state.to_owned(), why });
    if state.components().any(|c| c == std::path::Component::ParentDir) {
        return refused("contains `..`");
    }
    if state == Path::new("/") {
        return refused("is the root of the file system");
    }
    if home.is_some_and(|home| home.starts_with(state)) {
        return refused("is or contains the home directory");
    }
    if runtime.is_some_and(|runtime| state.starts_with(runtime.join("beadwork"))) {
        return Ok(());
    }
    if ["/proc", "/sys", "/run", "/var/run", "/dev"].iter().any(|magic| state.starts_with(magic)) {
        return refused("lies inside `/proc`, `/sys`, `/dev` or `/run`");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
