//! The user's key: found, checked, and shown to nobody but the upstream.
//!
//! Owns where a credential comes from (environment, then a private file) and how it enters a header. It is
//! never printed, logged or stored (T06); a file that others could read is refused (T36). Start with
//! [`Credential::find`].

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use hyper::header::HeaderValue;
use thiserror::Error;
use zeroize::Zeroizing;

#[derive(Debug, Error)]
pub enum CredentialError {
    #[error(
        "no credential: set `ANTHROPIC_API_KEY` or `CLAUDE_CODE_OAUTH_TOKEN`, or write the key on one line of `{}` with mode 0600",
        file.display()
    )]
    Missing { file: PathBuf },
    #[error("others can read the credential in `{}` (mode {mode:04o}, expected 0600): run `chmod 600 {}`", file.display(), file.display())]
    Exposed { file: PathBuf, mode: u32 },
    #[error("the credential in `{}` belongs to user {owner}, expected {expected}: run `chown {expected} {}`", file.display(), file.display())]
    ForeignOwner { file: PathBuf, owner: u32, expected: u32 },
    #[error("cannot read the credential in `{}`: {source}", file.display())]
    Read { file: PathBuf, source: std::io::Error },
    #[error("the credential in {origin} is not one line of visible characters")]
    Malformed { origin: String },
}

/// What kind of secret it is, and so how it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    /// Sent as `x-api-key`.
    ApiKey,
    /// A subscription's token, sent as `authorization: Bearer` with the beta that goes with it.
    OAuthToken,
}

/// The user's credential. `Debug` shows its kind only; the memory is wiped when it is dropped.
#[derive(Clone)]
pub struct Credential {
    kind: CredentialKind,
    secret: Zeroizing<String>,
}

/// The longest credential that is believed to be one, in bytes.
const MAX_SECRET: usize = 4096;

impl Credential {
    /// The first of: the key from the environment, the token from the environment, the private file
    /// (`sk-ant-oat...` is a token, anything else a key). Blank values count as absent.
    pub fn find(
        api_key: Option<String>,
        oauth: Option<String>,
        file: &Path,
    ) -> Result<Self, CredentialError> {
        let given =
            |value: Option<String>| value.map(Zeroizing::new).filter(|value| !value.trim().is_empty());
        if let Some(value) = given(api_key) {
            return Self::new(CredentialKind::ApiKey, &value, "`ANTHROPIC_API_KEY`");
        }
        if let Some(value) = given(oauth) {
            return Self::new(CredentialKind::OAuthToken, &value, "`CLAUDE_CODE_OAUTH_TOKEN`");
        }
        let value = read_private(file)?;
        if value.trim().is_empty() {
            return Err(CredentialError::Missing { file: file.to_owned() });
        }
        let token = value.trim().starts_with("sk-ant-oat");
        let kind = if token { CredentialKind::OAuthToken } else { CredentialKind::ApiKey };
        Self::new(kind, &value, &format!("`{}`", file.display()))
    }

    /// Checks that the value can stand in a header; `origin` names it in the error, never its content.
    pub fn new(kind: CredentialKind, value: &str, origin: &str) -> Result<Self, CredentialError> {
        let value = value.trim();
        if value.is_empty() || value.len() > MAX_SECRET || !value.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(CredentialError::Malformed { origin: origin.to_owned() });
        }
        Ok(Self { kind, secret: Zeroizing::new(value.to_owned()) })
    }

    /// What a rehearsal uses: a value that opens nothing.
    pub fn placeholder(kind: CredentialKind) -> Self {
        let value = match kind {
            CredentialKind::ApiKey => PLACEHOLDER_KEY,
            CredentialKind::OAuthToken => PLACEHOLDER_TOKEN,
        };
        Self { kind, secret: Zeroizing::new(value.to_owned()) }
    }

    pub fn kind(&self) -> CredentialKind {
        self.kind
    }

    /// The variable and the placeholder a sandbox gets, of the same kind as the user's credential: the client
    /// announces a subscription only where it holds a token (rules 8).
    pub fn sandbox_variable(&self) -> (&'static str, &'static str) {
        match self.kind {
            CredentialKind::ApiKey => ("ANTHROPIC_API_KEY", PLACEHOLDER_KEY),
            CredentialKind::OAuthToken => ("CLAUDE_CODE_OAUTH_TOKEN", PLACEHOLDER_TOKEN),
        }
    }

    /// The secret itself, for one purpose: to remove it from what is about to be stored.
    pub fn expose_for_redaction(&self) -> &str {
        &self.secret
    }

    pub(super) fn header_value(&self, scheme: &str) -> HeaderValue {
        let text = Zeroizing::new(format!("{scheme}{}", self.secret.as_str()));
        let mut value = HeaderValue::from_str(&text).expect("checked when the credential was made");
        value.set_sensitive(true);
        value
    }
}

const PLACEHOLDER_KEY: &str = "sk-ant-api03-beadwork-placeholder";
const PLACEHOLDER_TOKEN: &str = "sk-ant-oat01-beadwork-placeholder";

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credential({:?}, [secret])", self.kind)
    }
}

fn read_private(file: &Path) -> Result<Zeroizing<String>, CredentialError> {
    let failed = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => CredentialError::Missing { file: file.to_owned() },
        _ => CredentialError::Read { file: file.to_owned(), source },
    };
    let handle = File::open(file).map_err(failed)?;
    // The open file is judged, not the name: nobody can swap it in between.
    let about = handle.metadata().map_err(failed)?;
    let expected = rustix::process::geteuid().as_raw();
    if about.uid() != expected {
        return Err(CredentialError::ForeignOwner { file: file.to_owned(), owner: about.uid(), expected });
    }
    if about.mode() & 0o077 != 0 {
        return Err(CredentialError::Exposed { file: file.to_owned(), mode: about.mode() & 0o7777 });
    }
    let mut text = Zeroizing::new(String::new());
    handle.take(MAX_SECRET as u64 + 2).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

#[cfg(test)]
mod tests;
