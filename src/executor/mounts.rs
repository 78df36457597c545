//! Which host directories a sandbox may see.
//!
//! Owns T10: a bind mount comes from beneath the state directory and from nowhere else, whatever links say.
//! It mounts nothing and asks the file system only through the function it is given. Start with [`MountRules`].

use std::path::{Component, Path, PathBuf};

use super::ExecutorError;

/// Never mounted, never inside a mount, never around one.
const SYSTEM: [&str; 7] = ["/run", "/var/run", "/proc", "/sys", "/dev", "/etc", "/boot"];
const SOCKETS: [&str; 4] =
    ["/var/run/docker.sock", "/run/docker.sock", "/run/podman/podman.sock", "/var/run/podman/podman.sock"];

/// What the machine looks like to us.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The state directory, and a short socket directory if there is one. Sources lie strictly beneath.
    pub roots: Vec<PathBuf>,
    pub home: Option<PathBuf>,
    /// `$XDG_RUNTIME_DIR`: its folder `beadwork` may be a root although it lies in /run.
    pub runtime_dir: Option<PathBuf>,
    /// The engine's socket we talk to.
    pub socket: Option<PathBuf>,
}

/// The real path of a directory: links resolved, and `None` for anything that is not a directory.
pub type RealDirectory<'a> = &'a dyn Fn(&Path) -> Option<PathBuf>;

/// Decides about sources.
#[derive(Debug, Clone)]
pub struct MountRules {
    roots: Vec<PathBuf>,
    home: Option<PathBuf>,
    runtime: Option<PathBuf>,
    sockets: Vec<PathBuf>,
    system: Vec<PathBuf>,
}

impl MountRules {
    /// Resolves the places once. A root that is itself unsafe is refused here.
    pub fn new(places: &Places, real: RealDirectory<'_>) -> Result<Self, ExecutorError> {
        let both = |path: &Path| [Some(path.to_owned()), real(path)].into_iter().flatten();
        let mut sockets: Vec<PathBuf> = SOCKETS.iter().map(PathBuf::from).collect();
        sockets.extend(places.socket.iter().cloned());
        if let (Some(socket), Some(name)) =
            (&places.socket, places.socket.as_ref().and_then(|s| s.file_name()))
        {
            sockets.extend(socket.parent().and_then(real).map(|folder| folder.join(name)));
        }
        let mut rules = Self {
            roots: Vec::new(),
            home: places.home.as_deref().map(|home| real(home).unwrap_or_else(|| home.to_owned())),
            runtime: places.runtime_dir.as_deref().and_then(real).map(|dir| dir.join("beadwork")),
            sockets,
            system: SYSTEM.iter().flat_map(|path| both(Path::new(path))).collect(),
        };
        for root in &places.roots {
            let found = real(root).ok_or_else(|| unsafe_mount(root, "the root is not a directory"))?;
            rules.allowed_place(&found)?;
            rules.roots.push(found);
        }
        Ok(rules)
    }

    /// The path to mount, all links resolved.
    pub fn source(&self, source: &Path, real: RealDirectory<'_>) -> Result<PathBuf, ExecutorError> {
        if !source.is_absolute() || source.components().any(|part| part == Component::ParentDir) {
            return Err(unsafe_mount(source, "expected an absolute path without `..`"));
        }
        let found = real(source).ok_or_else(|| unsafe_mount(source, "it is not a directory"))?;
        self.allowed_place(&found)?;
        let beneath = self.roots.iter().any(|root| found.starts_with(root) && found != *root);
        if beneath { Ok(found) } else { Err(unsafe_mount(source, "it is not beneath the state directory")) }
    }

    fn allowed_place(&self, path: &Path) -> Result<(), ExecutorError> {
        if path.parent().is_none() {
            return Err(unsafe_mount(path, "it is the whole file system"));
        }
        if self.home.as_ref().is_some_and(|home| home.starts_with(path)) {
            return Err(unsafe_mount(path, "it is or contains the home directory"));
        }
        let is_socket = |name: &std::ffi::OsStr| name == "docker.sock" || name == "podman.sock";
        if self.sockets.iter().any(|socket| socket.starts_with(path) || path.starts_with(socket))
            || path.file_name().is_some_and(is_socket)
        {
            return Err(unsafe_mount(path, "it is or contains the engine's socket"));
        }
        if self.runtime.as_ref().is_some_and(|ours| path.starts_with(ours)) {
            return Ok(());
        }
        match self.system.iter().find(|system| path.starts_with(system) || system.starts_with(path)) {
            Some(system) => Err(unsafe_mount(path, &format!("it overlaps `{}`", system.display()))),
            None => Ok(()),
        }
    }
}

/// Where a mount may appear inside: an absolute, plain path that hides nothing the kernel provides.
pub fn target(path: &str) -> Result<(), ExecutorError> {
    let plain = path.starts_with('/')
        && path.len() > 1
        && path[1..].split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    let kernel = ["/proc", "/sys", "/dev"].iter().any(|root| Path::new(path).starts_with(root));
    if plain && !kernel && !path.contains(['\0', '\n']) {
        return Ok(());
    }
    Err(ExecutorError::UnsafeMount(format!(
        "target `{}`: expected a plain absolute path",
        path.escape_debug()
    )))
}

/// The machine's own answer for [`RealDirectory`].
pub fn real_directory(path: &Path) -> Option<PathBuf> {
    let found = std::fs::canonicalize(path).ok()?;
    found.is_dir().then_some(found)
}

fn unsafe_mount(path: &Path, why: &str) -> ExecutorError {
    ExecutorError::UnsafeMount(format!("`{}`: {why}", path.display()))
}

#[cfg(test)]
mod tests;
