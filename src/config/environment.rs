//! The environment variables Beadwork reads, all in one place.
//!
//! Owns the only reads of the process environment and keeps secrets out of every `Debug` print. It decides
//! nothing: `places` makes paths of it, `gateway` uses the credential. Start with [`Environment::read`].

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

/// A value that must never be printed, stored or logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The value itself: for the gateway's header and the redactor's list, for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Everything we take from the environment. An empty variable counts as unset, as the XDG rules and
/// `NO_COLOR` say; tests make one by hand with `..Environment::default()`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Environment {
    pub state_dir: Option<PathBuf>,
    pub config_dir: Option<PathBuf>,
    pub cache_dir: Option<PathBuf>,
    pub xdg_state_home: Option<PathBuf>,
    pub xdg_config_home: Option<PathBuf>,
    pub xdg_cache_home: Option<PathBuf>,
    pub xdg_runtime_dir: Option<PathBuf>,
    pub home: Option<PathBuf>,
    pub path: Option<OsString>,
    pub user: Option<String>,
    pub api_key: Option<Secret>,
    pub oauth_token: Option<Secret>,
    pub base_url: Option<String>,
    pub docker_host: Option<String>,
    pub no_color: bool,
    pub force_color: bool,
    /// Log filter in `tracing` syntax.
    pub log: Option<String>,
    pub columns: Option<u16>,
    /// A rehearsal on a copy: nobody is told of it.
    pub rehearsal: bool,
    /// What programs that we start may inherit: everything but the credentials.
    pub inherited: Inherited,
}

/// The first executable of this name in an absolute directory of `path`, a value of PATH. A relative one would let a
/// repository choose the program. A program that is started by its whole path costs no copy of our own page tables:
/// with a PATH of its own for the child, the standard library has to fork.
pub fn program(path: &OsStr, name: &str) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    let runs = |file: &Path| {
        std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(path)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(name))
        .find(|file| runs(file))
}

/// Variables to hand on. Never printed: other people's secrets may be among them.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Inherited(pub Vec<(OsString, OsString)>);

impl fmt::Debug for Inherited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Inherited({} variables)", self.0.len())
    }
}

impl Environment {
    /// Reads the process environment once. A text that is not UTF-8 counts as unset: no key, address or
    /// filter may contain such bytes.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn read() -> Self {
        let ours = |name: &OsString| {
            let name = name.to_string_lossy();
            name.starts_with("ANTHROPIC_") || name.starts_with("CLAUDE")
        };
        let inherited = Inherited(std::env::vars_os().filter(|(name, _)| !ours(name)).collect());
        Self { inherited, ..Self::from_lookup(|name| std::env::var_os(name)) }
    }

    /// The same from any source of variables.
    pub fn from_lookup(get: impl Fn(&str) -> Option<OsString>) -> Self {
        let raw = |name: &str| get(name).filter(|value| !value.is_empty());
        let path = |name: &str| raw(name).map(PathBuf::from);
        let text = |name: &str| raw(name).and_then(|value| value.into_string().ok());
        // A key pasted with its line end is the commonest way for a good key to fail.
        let secret = |name: &str| text(name).map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
        Self {
            state_dir: path("BEAD_STATE_DIR"),
            config_dir: path("BEAD_CONFIG_DIR"),
            cache_dir: path("BEADWORK_CACHE"),
            xdg_state_home: path("XDG_STATE_HOME"),
            xdg_config_home: path("XDG_CONFIG_HOME"),
            xdg_cache_home: path("XDG_CACHE_HOME"),
            xdg_runtime_dir: path("XDG_RUNTIME_DIR"),
            home: path("HOME"),
            path: raw("PATH"),
            user: text("USER"),
            api_key: secret("ANTHROPIC_API_KEY").map(Secret),
            oauth_token: secret("CLAUDE_CODE_OAUTH_TOKEN").map(Secret),
            base_url: text("ANTHROPIC_BASE_URL"),
            docker_host: text("DOCKER_HOST"),
            no_color: raw("NO_COLOR").is_some(),
            force_color: raw("CLICOLOR_FORCE").is_some_and(|value| value != "0"),
            log: text("BEAD_LOG"),
            columns: text("COLUMNS").and_then(|t| t.parse().ok()).filter(|n| *n > 0),
            rehearsal: false,
            inherited: Inherited::default(),
        }
    }
}

#[cfg(test)]
mod tests;
