//! The key pair by which push services know this house, and what is signed with it (RFC 8292).
//!
//! Owns the file with the key (0600, made once) and the few lines of a signed token. A subscription belongs to
//! the key it was made for: a new key means that every device must subscribe again. Start with [`Vapid::open`].

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use p256::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, LineEnding};
use serde_json::json;

use crate::clock::Ids;

/// A token is good for so long: services refuse more than a day.
const GOOD_FOR: i64 = 12 * 3600;

#[derive(Debug, thiserror::Error)]
pub enum VapidError {
    #[error("`{}`: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("`{}` has mode {mode:04o}, but it holds a private key: chmod 600", path.display())]
    Loose { path: PathBuf, mode: u32 },
    #[error("`{}` holds no private key of P-256; `bead push keys --rotate` makes a new one", path.display())]
    Odd { path: PathBuf },
}

/// The key pair. It prints its public half only.
pub struct Vapid {
    secret: p256::SecretKey,
}

impl std::fmt::Debug for Vapid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vapid({})", self.public())
    }
}

impl Vapid {
    /// The key in the file; the first use makes it. Two first uses at once agree on one.
    pub fn open(path: &Path, ids: &dyn Ids) -> Result<Self, VapidError> {
        match Self::read(path) {
            Err(VapidError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                Self::write(path, &Self::fresh(ids), false)?;
                Self::read(path)
            }
            read => read,
        }
    }

    /// A new key in the place of the old one.
    pub fn rotate(path: &Path, ids: &dyn Ids) -> Result<Self, VapidError> {
        let fresh = Self::fresh(ids);
        Self::write(path, &fresh, true)?;
        Ok(fresh)
    }

    fn fresh(ids: &dyn Ids) -> Self {
        loop {
            // Nearly every number of 32 bytes is a key; the few that are not are passed over.
            let bytes = zeroize::Zeroizing::new([ids.bytes(), ids.bytes()].concat());
            if let Ok(secret) = p256::SecretKey::from_slice(&bytes) {
                return Self { secret };
            }
        }
    }

    /// The key in the file, where there is one.
    pub fn read(path: &Path) -> Result<Self, VapidError> {
        let io = |source| VapidError::Io { path: path.to_owned(), source };
        let mode = std::fs::metadata(path).map_err(io)?.mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(VapidError::Loose { path: path.to_owned(), mode });
        }
        let text = zeroize::Zeroizing::new(std::fs::read_to_string(path).map_err(io)?);
        let secret = p256::SecretKey::from_pkcs8_pem(&text);
        Ok(Self { secret: secret.map_err(|_| VapidError::Odd { path: path.to_owned() })? })
    }

    fn write(path: &Path, key: &Self, replace: bool) -> Result<(), VapidError> {
        let io = |source| VapidError::Io { path: path.to_owned(), source };
        let text = key.secret.to_pkcs8_pem(LineEnding::LF);
        let text = text.map_err(|_| VapidError::Odd { path: path.to_owned() })?;
        let dir = path.parent().unwrap_or(Path::new("/"));
        let unique = path.with_extension(format!("new-{}", std::process::id()));
        let _ = std::fs::remove_file(&unique);
        let mut file =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unique).map_err(io)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
        // A link is made only where nothing is: of two first uses the second takes what the first made.
        let put = if replace { std::fs::rename(&unique, path) } else { std::fs::hard_link(&unique, path) };
        let _ = std::fs::remove_file(&unique);
        match put {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            put => put.and_then(|()| std::fs::File::open(dir)?.sync_all()).map_err(io),
        }
    }

    /// What a browser is given when it subscribes: 65 bytes, base64url without padding.
    pub fn public(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.secret.public_key().to_encoded_point(false))
    }

    /// The header by which a push service knows that it is us.
    pub(super) fn authorization(&self, audience: &str, subject: &str, now: DateTime<Utc>) -> String {
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let head = part(json!({ "typ": "JWT", "alg": "ES256" }));
        let claims = part(json!({ "aud": audience, "exp": now.timestamp() + GOOD_FOR, "sub": subject }));
        let signed = format!("{head}.{claims}");
        let signature: Signature = SigningKey::from(&self.secret).sign(signed.as_bytes());
        format!("vapid t={signed}.{}, k={}", URL_SAFE_NO_PAD.encode(signature.to_bytes()), self.public())
    }
}
