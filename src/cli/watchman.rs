//! `bead watchman`: on a second machine, what misses the daemon's heartbeats and raises the alarm.
//!
//! Owns the loop around the judge: what is heard, when the clock is looked at, what is printed and sent. When
//! there is an alarm at all is decided in `feed::watchman`. It needs neither engine nor project. Start with
//! [`run`].

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args as ClapArgs;
use tokio::sync::mpsc;

use super::desk::Desk;
use super::output::{BAD, GOOD, Output, paint};
use super::{CliError, Exit};
use crate::clock::{Clock, SystemClock};
use crate::config::duration::Span;
use crate::config::notify::Address;
use crate::config::places::{Places, make_private};
use crate::feed::watchman::{self, Heard, MemoryError, Message, Rules, Watchman, Wire};

/// How often the clock is looked at.
const LOOK: Duration = Duration::from_secs(5);

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Where beats come in, such as `127.0.0.1:7071`; TLS is a reverse proxy's or a tunnel's matter
    #[arg(long, value_name = "ADDR", required_unless_present = "once", requires = "secret_file")]
    listen: Option<SocketAddr>,
    /// The secret that `watch.secret_file` of the daemon's config has too
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Where an alarm is posted to, as text with ntfy's headers (https, or http to this machine)
    #[arg(long, value_name = "URL")]
    alarm: Option<String>,
    /// Alarm when beads are under work and none advanced for so long (a beat's own wish goes first)
    #[arg(long, value_name = "TIME", default_value = "30m")]
    stall: Span,
    /// What it remembers (default: `watchman.json` in the state directory)
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Only judge what another watchman remembers: exit 0 if all is well, 4 for an alarm
    #[arg(long, conflicts_with_all = ["listen", "secret_file", "alarm"])]
    once: bool,
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let path = match &args.state {
        Some(path) => path.clone(),
        None => own_file(desk)?,
    };
    let rules =
        Rules { stall: TimeDelta::from_std(args.stall.get()).unwrap_or(TimeDelta::MAX), ..Rules::default() };
    let clock = SystemClock::default();
    let known = watchman::recall(&path).map_err(|error| refused(&error))?;
    let (Some(listen), Some(secret)) = (args.listen, &args.secret_file) else {
        return Ok(once(desk.output, known, clock.now(), rules));
    };
    let secret = watchman::read_secret(secret).map_err(|error| refused(&error))?;
    let alarm = args.alarm.as_deref().map(wire).transpose()?;
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .map_err(|error| CliError::refused(format!("cannot listen on `{listen}`: {error}")))?;
    let at = listener.local_addr().unwrap_or(listen);
    desk.output.say(&format!("listening on {at}; no news is good news"));
    let (sender, heard) = mpsc::channel(64);
    let door = tokio::spawn(watchman::serve(listener, secret, sender));
    let mut known = known.unwrap_or_default();
    known.back(clock.now());
    let mut post = Post::new(desk.output, path, rules, alarm);
    let error = post.watch(known, heard, &clock).await;
    door.abort();
    Err(error)
}

/// Judges without listening: for cron.
fn once(output: Output, known: Option<Watchman>, now: DateTime<Utc>, rules: Rules) -> Exit {
    let Some(mut known) = known.filter(|known| !known.hosts.is_empty()) else {
        output.warn("no heartbeat was ever heard here");
        return Exit::NotLanded;
    };
    for message in known.look(now, rules).iter().filter(|message| message.alarm) {
        print(output, message, now);
    }
    if !known.is_alarmed() {
        return Exit::Done;
    }
    Exit::NotLanded
}

/// Everything between the judge and people.
struct Post {
    output: Output,
    path: PathBuf,
    rules: Rules,
    alarm: Option<Wire>,
    printed: BTreeSet<(String, String)>,
    /// The alarm's way does not work, and that was said.
    troubled: bool,
    /// What it knows cannot be written down.
    forgets: Option<Forgets>,
}

struct Forgets {
    why: String,
    /// Somebody was told.
    told: bool,
}

impl Post {
    fn new(output: Output, path: PathBuf, rules: Rules, alarm: Option<Wire>) -> Self {
        Self { output, path, rules, alarm, printed: BTreeSet::new(), troubled: false, forgets: None }
    }

    /// Watches until something breaks.
    async fn watch(
        &mut self,
        mut known: Watchman,
        mut heard: mpsc::Receiver<Heard>,
        clock: &dyn Clock,
    ) -> CliError {
        loop {
            tokio::select! {
                one = heard.recv() => match one {
                    Some(Heard::Beat(beat, answer)) => {
                        let believed = known.hear(&beat, clock.now(), self.rules).is_ok();
                        let _ = answer.send(believed);
                    }
                    Some(Heard::Odd(why)) => known.note(clock.now(), why.to_owned()),
                    None => return CliError::failed("the door of the watchman closed"),
                },
                () = tokio::time::sleep(LOOK) => {}
            }
            self.judge(&mut known, clock.now()).await;
        }
    }

    /// Tells what is due and writes down what is known.
    async fn judge(&mut self, known: &mut Watchman, now: DateTime<Utc>) {
        for message in known.look(now, self.rules) {
            if self.tell(&message, now).await {
                known.told(&message);
            }
        }
        self.remember(known);
        let Some(Forgets { why, told: false }) = &self.forgets else { return };
        let message = Message {
            host: "watchman".to_owned(),
            alarm: true,
            title: "the watchman cannot remember".to_owned(),
            text: format!("{why}; it watches on, and begins anew when it is started again"),
        };
        if self.tell(&message, now).await
            && let Some(forgets) = &mut self.forgets
        {
            forgets.told = true;
        }
    }

    /// A watchman that cannot write watches all the same: a full disk must not make it blind.
    fn remember(&mut self, known: &Watchman) {
        let Err(error) = watchman::remember(&self.path, known) else {
            self.forgets = None;
            return;
        };
        if self.forgets.is_none() {
            self.forgets = Some(Forgets { why: error.to_string(), told: false });
        }
    }

    /// True when it reached whom it shall reach.
    async fn tell(&mut self, message: &Message, now: DateTime<Utc>) -> bool {
        let key = (message.host.clone(), message.title.clone());
        if self.printed.insert(key.clone()) {
            print(self.output, message, now);
        }
        if let Some(alarm) = &self.alarm
            && let Err(error) = alarm.alarm(message).await
        {
            if !self.troubled {
                self.output.warn(&format!("the alarm is tried again: {error}"));
            }
            self.troubled = true;
            return false;
        }
        self.troubled = false;
        self.printed.remove(&key);
        true
    }
}

/// The way an alarm goes.
fn wire(url: &str) -> Result<Wire, CliError> {
    let Some(url) = Address::parse(url) else {
        let text =
            "`--alarm`: expected an https address (http only to this machine) without user and fragment";
        return Err(CliError::new(Exit::Usage, text));
    };
    Wire::new(&url).map_err(|error| CliError::from_error(Exit::Failed, &error))
}

fn print(output: Output, message: &Message, now: DateTime<Utc>) {
    if output.json {
        let mut line = serde_json::to_value(message).unwrap_or_default();
        line["at"] = now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true).into();
        output.value(&line);
        return;
    }
    let word = if message.alarm { paint(BAD, "ALARM") } else { paint(GOOD, "well") };
    let at = now.format("%Y-%m-%d %H:%M UTC");
    output.line(&format!(
        "{at} {word} {}: {}",
        message.title,
        crate::domain::clean::clean_line(&message.text)
    ));
}

fn own_file(desk: &Desk) -> Result<PathBuf, CliError> {
    let uid = rustix::process::getuid().as_raw();
    let places = Places::find(&desk.environment, uid).map_err(|e| CliError::refused(e.to_string()))?;
    let folder: &Path = places.state();
    make_private(folder, uid).map_err(|e| CliError::refused(e.to_string()))?;
    Ok(folder.join("watchman.json"))
}

fn refused(error: &MemoryError) -> CliError {
    CliError::from_error(Exit::Refused, error)
}

#[cfg(test)]
mod tests;
