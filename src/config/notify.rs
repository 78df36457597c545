//! Whom the house tells what, and when it keeps still: `notify` of the user's own config.
//!
//! Owns the grammar: channels, quiet hours, caps. It opens no file and sends nothing; a secret is never a value
//! here, only the place where it lies. An address is https, or http to this very machine (T58). Start with
//! [`Notify`].

mod address;

use std::path::PathBuf;

use chrono::NaiveTime;

use super::duration::Span;
use super::error::ConfigError;
use super::table::Table;
use super::windows::time_of_day;
use super::zone::Zone;
pub use address::{Address, is_mailbox};

/// What the table says, with the defaults where it is silent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify {
    pub push: Push,
    pub mail: Option<Mail>,
    pub webhook: Option<Webhook>,
    pub topic: Option<Topic>,
    pub quiet: Option<Quiet>,
    /// Alerts about runs that nobody asked for, in one night.
    pub max_per_night: u32,
    /// What a person resolves within this time is not sent.
    pub dwell: Span,
    /// What comes within this time becomes one alert.
    pub group: Span,
}

/// Web push: it needs no more than devices that subscribed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    pub enabled: bool,
    /// Exact origins beside the known push services: own servers and tests.
    pub extra_origins: Vec<Address>,
    /// Whom a push service may write to: `mailto:` or https.
    pub subject: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    pub host: String,
    pub port: u16,
    pub tls: MailTls,
    pub from: String,
    pub to: Vec<String>,
    pub user: Option<String>,
    pub password: Option<Kept>,
    /// The only certificates that are believed, where the server has none of a public authority.
    pub ca_file: Option<PathBuf>,
}

/// How the way to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTls {
    /// From the first byte.
    Implicit,
    /// By STARTTLS; a server that does not offer it is given up.
    StartTls,
    /// Only to this machine.
    Off,
}

/// Where a secret lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// A file that nobody else may read; a relative path begins at the config's folder.
    File(PathBuf),
    /// A variable of the environment.
    Variable(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    pub url: Address,
    /// What its signature is made with.
    pub secret: PathBuf,
}

/// A topic of ntfy or of a server like it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    pub url: Address,
    pub token: Option<PathBuf>,
}

/// Local hours in which nothing is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quiet {
    pub start: NaiveTime,
    pub stop: NaiveTime,
    /// `None`: the machine's own.
    pub zone: Option<Zone>,
    /// What needs a person is sent all the same.
    pub needs_you: bool,
}

impl Default for Notify {
    fn default() -> Self {
        Self {
            push: Push { enabled: true, extra_origins: Vec::new(), subject: SUBJECT.to_owned() },
            mail: None,
            webhook: None,
            topic: None,
            quiet: None,
            max_per_night: 2,
            dwell: Span::from_secs(60),
            group: Span::from_secs(30),
        }
    }
}

const SUBJECT: &str = "mailto:beadwork@localhost";
const KEYS: &[&str] = &["push", "mail", "webhook", "topic", "quiet_hours", "max_per_night", "dwell", "group"];
const URL: &str = "an https address (http only to this machine) without user and fragment";
const MAILBOX: &str = "a mail address such as `ann@example.org`";
const HOUR: Span = Span::from_secs(3600);

pub(super) fn notify(root: &Table<'_>) -> Result<Notify, ConfigError> {
    let Some(table) = root.table("notify")? else { return Ok(Notify::default()) };
    table.only(KEYS)?;
    let usual = Notify::default();
    let short = |key: &str, usual: Span| match table.span(key)? {
        Some(span) if span > HOUR => Err(table.bad(key, "a duration of at most `1h`", &format!("`{span}`"))),
        span => Ok(span.unwrap_or(usual)),
    };
    Ok(Notify {
        push: table.table("push")?.map_or(Ok(usual.push), |table| push(&table))?,
        mail: table.table("mail")?.map(|table| mail(&table)).transpose()?,
        webhook: table.table("webhook")?.map(|table| webhook(&table)).transpose()?,
        topic: table.table("topic")?.map(|table| topic(&table)).transpose()?,
        quiet: table.table("quiet_hours")?.map(|table| quiet(&table)).transpose()?,
        max_per_night: table.count("max_per_night", 0, 100)?.unwrap_or(usual.max_per_night),
        dwell: short("dwell", usual.dwell)?,
        group: short("group", usual.group)?,
    })
}

fn push(table: &Table<'_>) -> Result<Push, ConfigError> {
    table.only(&["enabled", "extra_origins", "subject"])?;
    let expected = "origins such as `https://push.example.org`, without a path";
    let mut extra_origins = Vec::new();
    for text in table.texts("extra_origins", 20)?.unwrap_or_default() {
        match Address::parse(text).filter(Address::is_origin) {
            Some(origin) => extra_origins.push(origin),
            None => return Err(table.bad("extra_origins", expected, &found(text))),
        }
    }
    let subject = table.text("subject")?.unwrap_or(SUBJECT);
    let good = subject
        .strip_prefix("mailto:")
        .map_or_else(|| subject.starts_with("https://") && Address::parse(subject).is_some(), is_mailbox);
    if !good {
        return Err(table.bad("subject", "`mailto:` with an address, or an https address", &found(subject)));
    }
    let enabled = table.flag("enabled")?.unwrap_or(true);
    Ok(Push { enabled, extra_origins, subject: subject.to_owned() })
}

fn mail(table: &Table<'_>) -> Result<Mail, ConfigError> {
    table.only(&["smtp", "from", "to", "user", "password_file", "password_env", "tls", "ca_file"])?;
    const SERVER: &str = "a mail server such as `smtp.example.org` or `smtp.example.org:465`";
    let smtp = table.text("smtp")?.ok_or_else(|| table.missing("smtp", SERVER))?;
    let (host, port) = address::host_and_port(smtp).ok_or_else(|| table.bad("smtp", SERVER, &found(smtp)))?;
    let tls = match table.text("tls")? {
        Some("implicit") => MailTls::Implicit,
        Some("starttls") => MailTls::StartTls,
        Some("off") if address::is_loopback(&host) => MailTls::Off,
        Some("off") => {
            let expected = "`implicit` or `starttls` (`off` only to this machine)";
            return Err(table.bad("tls", expected, "`off`"));
        }
        Some(other) => return Err(table.bad("tls", "`implicit`, `starttls` or `off`", &found(other))),
        None if port == Some(587) => MailTls::StartTls,
        None => MailTls::Implicit,
    };
    let port = port.unwrap_or(match tls {
        MailTls::Implicit => 465,
        MailTls::StartTls => 587,
        MailTls::Off => 25,
    });
    let from = table.text("from")?.ok_or_else(|| table.missing("from", MAILBOX))?;
    let to = match table.text("to") {
        Ok(one) => one.into_iter().collect(),
        Err(_) => table.texts("to", 20)?.unwrap_or_default(),
    };
    if to.is_empty() {
        return Err(table.missing("to", MAILBOX));
    }
    for (key, text) in std::iter::once(("from", from)).chain(to.iter().map(|to| ("to", *to))) {
        if !is_mailbox(text) {
            return Err(table.bad(key, MAILBOX, &found(text)));
        }
    }
    let (user, password) = (text(table, "user")?, password(table)?);
    if user.is_some() != password.is_some() {
        return Err(table.missing(
            if user.is_some() { "password_file" } else { "user" },
            "`user` with `password_file` or `password_env`, or neither",
        ));
    }
    let to = to.into_iter().map(str::to_owned).collect();
    let ca_file = path(table, "ca_file")?;
    Ok(Mail { host, port, tls, from: from.to_owned(), to, user, password, ca_file })
}

fn password(table: &Table<'_>) -> Result<Option<Kept>, ConfigError> {
    let file = path(table, "password_file")?;
    let name = text(table, "password_env")?;
    match (file, name) {
        (Some(_), Some(name)) => {
            Err(table.bad("password_env", "nothing beside `password_file`", &found(&name)))
        }
        (Some(file), None) => Ok(Some(Kept::File(file))),
        (None, Some(name)) => Ok(Some(Kept::Variable(name))),
        (None, None) => Ok(None),
    }
}

fn webhook(table: &Table<'_>) -> Result<Webhook, ConfigError> {
    table.only(&["url", "secret_file"])?;
    let secret = path(table, "secret_file")?
        .ok_or_else(|| table.missing("secret_file", "a file with the secret that signs what is sent"))?;
    Ok(Webhook { url: url(table)?, secret })
}

fn topic(table: &Table<'_>) -> Result<Topic, ConfigError> {
    table.only(&["url", "token_file"])?;
    Ok(Topic { url: url(table)?, token: path(table, "token_file")? })
}

fn quiet(table: &Table<'_>) -> Result<Quiet, ConfigError> {
    table.only(&["start", "stop", "zone", "needs_you"])?;
    const TIME: &str = "a time of day such as `22:30`";
    let time = |key: &str| {
        let text = table.text(key)?.ok_or_else(|| table.missing(key, TIME))?;
        time_of_day(text).ok_or_else(|| table.bad(key, TIME, &found(text)))
    };
    let (start, stop) = (time("start")?, time("stop")?);
    if start == stop {
        return Err(table.bad("stop", "another time than `start`", &format!("`{}`", stop.format("%H:%M"))));
    }
    let zone = match table.text("zone")? {
        None => None,
        Some(name) => Some(
            Zone::parse(name)
                .ok_or_else(|| table.bad("zone", "a time zone such as `Europe/Berlin`", &found(name)))?,
        ),
    };
    Ok(Quiet { start, stop, zone, needs_you: table.flag("needs_you")?.unwrap_or(false) })
}

fn url(table: &Table<'_>) -> Result<Address, ConfigError> {
    let text = table.text("url")?.ok_or_else(|| table.missing("url", URL))?;
    Address::parse(text).ok_or_else(|| table.bad("url", URL, "another"))
}

fn text(table: &Table<'_>, key: &str) -> Result<Option<String>, ConfigError> {
    match table.text(key)? {
        Some(text) if text.trim().is_empty() || text.len() > 300 || text.contains(char::is_control) => {
            Err(table.bad(key, "a text of 1 to 300 characters", &found(text)))
        }
        text => Ok(text.map(str::to_owned)),
    }
}

fn path(table: &Table<'_>, key: &str) -> Result<Option<PathBuf>, ConfigError> {
    Ok(text(table, key)?.map(PathBuf::from))
}

fn found(text: &str) -> String {
    format!("`{}`", crate::domain::text::one_line(text, 60))
}

impl Notify {
    /// Key and value of everything that is set, for `bead config show`: no secret, and no path of an address,
    /// which may be one.
    pub fn rows(&self) -> Vec<(&'static str, String)> {
        let mut rows = vec![("notify.push.enabled", self.push.enabled.to_string())];
        for origin in &self.push.extra_origins {
            rows.push(("notify.push.extra_origins", origin.origin()));
        }
        if let Some(mail) = &self.mail {
            rows.push(("notify.mail.smtp", format!("{}:{}", mail.host, mail.port)));
            rows.push(("notify.mail.tls", mail.tls.as_str().to_owned()));
            rows.push(("notify.mail.to", mail.to.join(", ")));
        }
        rows.extend(self.webhook.as_ref().map(|hook| ("notify.webhook.url", hook.url.shown())));
        rows.extend(self.topic.as_ref().map(|topic| ("notify.topic.url", topic.url.shown())));
        if let Some(quiet) = &self.quiet {
            let zone = quiet.zone.map_or("this machine's zone".to_owned(), |zone| zone.to_string());
            let (start, stop) = (quiet.start.format("%H:%M"), quiet.stop.format("%H:%M"));
            let through = if quiet.needs_you { ", but what needs you" } else { "" };
            rows.push(("notify.quiet_hours", format!("{start} to {stop} ({zone}){through}")));
        }
        rows.push(("notify.max_per_night", self.max_per_night.to_string()));
        rows.push(("notify.dwell", self.dwell.to_string()));
        rows.push(("notify.group", self.group.to_string()));
        rows
    }
}

impl MailTls {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Implicit => "implicit",
            Self::StartTls => "starttls",
            Self::Off => "off",
        }
    }
}

#[cfg(test)]
mod tests;
