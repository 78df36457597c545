//! An alert as a mail: text and HTML, plots inline, over SMTP that is encrypted or not used at all.
//!
//! Owns the letter and the way to the server. Every body is base64, so that no line of it can end the letter or
//! begin a header; headers are one clean line; who gets it stands in the config alone (T38, T58). Start with
//! [`Mail`].

mod letter;

use std::time::Duration;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};

use super::channel::{Channel, Class, Failed, Sent};
use super::secrets::Vault;
use super::texts::Message;
use crate::config::notify::{self, MailTls};

/// One step of the talk, and all of it.
const STEP: Duration = Duration::from_secs(15);
const WHOLE: Duration = Duration::from_secs(60);
/// How each certificate of a PEM file begins.
const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

pub(super) struct Mail {
    pub settings: notify::Mail,
    pub vault: Vault,
    /// How long one step and the whole may take.
    pub patience: (Duration, Duration),
}

impl Mail {
    pub(super) fn new(settings: notify::Mail, vault: Vault) -> Self {
        Self { settings, vault, patience: (STEP, WHOLE) }
    }

    /// Whether a letter could be begun: password and certificate are there.
    pub(super) fn ready(&self) -> Result<(), Failed> {
        self.transport().map(drop)
    }

    fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, Failed> {
        let settings = &self.settings;
        let tls = match settings.tls {
            MailTls::Implicit => Tls::Wrapper(self.parameters()?),
            MailTls::StartTls => Tls::Required(self.parameters()?),
            MailTls::Off => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
            .port(settings.port)
            .timeout(Some(self.patience.0))
            .tls(tls);
        if let (Some(user), Some(password)) = (&settings.user, &settings.password) {
            let password =
                self.vault.read(password).map_err(|e| Failed::later(Class::Config, e.to_string()))?;
            builder = builder.credentials(Credentials::new(user.clone(), password.as_str().to_owned()));
        }
        Ok(builder.build())
    }

    fn parameters(&self) -> Result<TlsParameters, Failed> {
        let config = |why: String| Failed::later(Class::Config, why);
        let mut builder = TlsParameters::builder(self.settings.host.clone());
        if let Some(path) = &self.settings.ca_file {
            let path = self.vault.folder.join(path);
            let pem = std::fs::read(&path).map_err(|e| config(format!("`{}`: {e}", path.display())))?;
            let none = || config(format!("`{}` holds no certificate", path.display()));
            // The library takes a file without any for one with none, and then believes nobody.
            if !pem.windows(BEGIN.len()).any(|part| part == BEGIN) {
                return Err(none());
            }
            let pinned = Certificate::from_pem(&pem).map_err(|_| none())?;
            // What is pinned is all that is believed.
            builder = builder.certificate_store(CertificateStore::None).add_root_certificate(pinned);
        }
        builder.build().map_err(|error| Failed::later(Class::Tls, words(&error)))
    }
}

#[async_trait::async_trait]
impl Channel for Mail {
    async fn send(&self, message: &Message) -> Result<Sent, Failed> {
        let letter = letter::write(&self.settings, message)
            .map_err(|error| Failed::never(Class::Config, words(&error)))?;
        let transport = self.transport()?;
        match tokio::time::timeout(self.patience.1, transport.send(letter)).await {
            Ok(Ok(_)) => Ok(Sent),
            Ok(Err(error)) => Err(self.failed(&error)),
            Err(_) => Err(Failed::later(Class::Timeout, "the server takes too long")),
        }
    }
}

impl Mail {
    /// Whatever it is, it is tried again: a server that says no for good today may be mended tomorrow morning.
    fn failed(&self, error: &lettre::transport::smtp::Error) -> Failed {
        let why = words(error);
        // A server that does not offer STARTTLS is a client error in the library's eyes.
        let unprotected = self.settings.tls != MailTls::Off && error.is_client() && why.contains("STARTTLS");
        let class = if error.is_tls() || unprotected || holds_tls(error) {
            Class::Tls
        } else if error.is_timeout() {
            Class::Timeout
        } else if error.status().is_some() {
            Class::Refused
        } else {
            Class::Connect
        };
        Failed::later(class, why)
    }
}

/// A certificate that is not believed comes as an I/O error with the reason inside.
fn holds_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(now) = cause {
        if now.is::<rustls::Error>() {
            return true;
        }
        let inner = now.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if inner.is_some_and(|inner| inner.is::<rustls::Error>()) {
            return true;
        }
        cause = now.source();
    }
    false
}

/// The error and its causes on one line; what a server says is somebody else's text.
fn words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        let more = source.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = source.source();
    }
    crate::domain::clean::ellipsis(&text, 200)
}

#[cfg(test)]
mod tests;
