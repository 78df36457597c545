//! The channels that the user's config and devices make, by name.
//!
//! Owns the names: `mail`, `webhook`, `topic`, and `push/<device>` for each device, so that one that fails does not
//! send to the others again. Start with [`Channels`].

use std::path::PathBuf;
use std::sync::Arc;

use super::channel::{Channel, Class, Failed};
use super::mail::Mail;
use super::net::{System, Web};
use super::push::Push;
use super::push::vapid::Vapid;
use super::secrets::Vault;
use super::topic::Topic;
use super::webhook::Webhook;
use crate::clock::{Clock, Ids};
use crate::config::notify::Notify;
pub use crate::feed::notify::net::Lookup;
use crate::journal::{Journal, JournalError};

const PUSH: &str = "push/";
pub(super) const MAIL: &str = "mail";

/// Where alerts go: names, and the channel behind each.
pub trait Channels: Send + Sync {
    /// What a new alert shall be sent over.
    fn names(&self) -> Result<Vec<String>, JournalError>;
    /// None when there is no such channel any more.
    fn open(&self, name: &str) -> Result<Option<Arc<dyn Channel>>, Failed>;
}

/// The real ones.
pub struct Configured {
    pub settings: Notify,
    pub vault: Vault,
    pub journal: Arc<Journal>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    /// Where the key of push lies.
    pub key: PathBuf,
    pub web: Web,
}

impl Configured {
    /// A client that asks the system's resolver.
    pub fn web() -> Web {
        Web::new(Arc::new(System))
    }

    fn push(&self, id: &str) -> Result<Option<Arc<dyn Channel>>, Failed> {
        if !self.settings.push.enabled {
            return Ok(None);
        }
        let config = |why: String| Failed::later(Class::Config, why);
        let devices = self.journal.devices().map_err(|error| config(error.to_string()))?;
        let Some(device) = devices.into_iter().find(|device| device.id == id) else { return Ok(None) };
        let vapid = Vapid::open(&self.key, self.ids.as_ref()).map_err(|error| config(error.to_string()))?;
        Ok(Some(Arc::new(Push {
            device,
            vapid: Arc::new(vapid),
            subject: self.settings.push.subject.clone(),
            extra: self.settings.push.extra_origins.clone(),
            web: self.web.clone(),
            journal: Arc::clone(&self.journal),
            clock: Arc::clone(&self.clock),
        })))
    }
}

impl Channels for Configured {
    fn names(&self) -> Result<Vec<String>, JournalError> {
        let settings = &self.settings;
        let mut names = Vec::new();
        names.extend(settings.mail.is_some().then(|| MAIL.to_owned()));
        names.extend(settings.webhook.is_some().then(|| "webhook".to_owned()));
        names.extend(settings.topic.is_some().then(|| "topic".to_owned()));
        if settings.push.enabled {
            names.extend(self.journal.devices()?.into_iter().map(|device| format!("{PUSH}{}", device.id)));
        }
        Ok(names)
    }

    fn open(&self, name: &str) -> Result<Option<Arc<dyn Channel>>, Failed> {
        let (settings, vault, web) = (&self.settings, self.vault.clone(), self.web.clone());
        if let Some(id) = name.strip_prefix(PUSH) {
            return self.push(id);
        }
        Ok(match name {
            MAIL => settings.mail.clone().map(|mail| Arc::new(Mail::new(mail, vault)) as Arc<dyn Channel>),
            "webhook" => settings.webhook.clone().map(|hook| {
                let clock = Arc::clone(&self.clock);
                Arc::new(Webhook { url: hook.url, secret: hook.secret, vault, web, clock })
                    as Arc<dyn Channel>
            }),
            "topic" => settings.topic.clone().map(|topic| {
                Arc::new(Topic { url: topic.url, token: topic.token, vault, web }) as Arc<dyn Channel>
            }),
            _ => None,
        })
    }
}
