//! Whether the channels of the config could work, as far as this machine can tell without sending anything.
//!
//! Owns the look at secrets and certificates, with the very code that sends, and where each channel leads. It asks no
//! name and opens no connection; how sends went stands in the journal. Start with [`ways`].

use super::mail::Mail;
use super::secrets::Vault;
use super::set::MAIL;
use crate::config::notify::Notify;

/// One channel of the config. Devices for push are no part of it: they stand in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// As in the outbox: `mail`, `webhook`, `topic`.
    pub name: &'static str,
    /// Where it leads, for people: no secret, and no path of an address, which may be one.
    pub to: String,
    /// Whose name has to be found on the way.
    pub host: String,
    /// Why nothing can be sent over it as things are.
    pub wrong: Option<String>,
}

/// Every channel that the config names.
pub fn ways(settings: &Notify, vault: &Vault) -> Vec<Way> {
    let mut all = Vec::new();
    if let Some(mail) = &settings.mail {
        let (host, to) = (mail.host.clone(), mail.to.join(", "));
        let to = format!("{to}, over {host}:{} ({})", mail.port, mail.tls.as_str());
        let wrong = Mail::new(mail.clone(), vault.clone()).ready().err().map(|failed| failed.why);
        all.push(Way { name: MAIL, to, host, wrong });
    }
    if let Some(hook) = &settings.webhook {
        let wrong = vault.file(&hook.secret).err().map(|error| error.to_string());
        all.push(Way { name: "webhook", to: hook.url.shown(), host: hook.url.host().to_owned(), wrong });
    }
    if let Some(topic) = &settings.topic {
        let token = topic.token.as_ref().map(|token| vault.file(token));
        let wrong = token.and_then(Result::err).map(|error| error.to_string());
        all.push(Way { name: "topic", to: topic.url.shown(), host: topic.url.host().to_owned(), wrong });
    }
    all
}
