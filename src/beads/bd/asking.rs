//! One question to `bd`: its turn, its words, another try where a lock was in the way, and the exact id.
//!
//! Owns what every call has in common. Ids go behind `--`, values into `--flag=value`: text of a bead can become no
//! option. It does not know what the questions mean. Start with [`BdTracker::ask`] and [`BdTracker::look`].

use std::ffi::OsString;
use std::time::Duration;

use serde::Deserialize;

use super::answer::{Answer, Failure, failure, is_lock};
use super::lock::Turn;
use super::program::{Call, Ran};
use super::version::Store;
use super::{BdError, BdTracker, TURN};
use crate::beads::snapshot::unknown;
use crate::beads::{Snapshot, TrackerError};
use crate::domain::bead::Bead;
use crate::domain::ids::BeadId;

/// Pauses between tries on a locked database.
const PAUSES: [u64; 5] = [50, 150, 400, 1000, 2500];
/// Linux takes at most 128 KiB in one argument.
const ARGUMENT_LIMIT: usize = 120_000;

/// One subcommand with its flags and, behind `--`, what it is about.
#[derive(Debug, Clone)]
pub(crate) struct Question<'a> {
    pub(crate) name: &'static str,
    pub(crate) flags: Vec<String>,
    pub(crate) about: Vec<String>,
    pub(crate) actor: &'a str,
}

impl<'a> Question<'a> {
    pub(crate) fn new(name: &'static str, actor: &'a str) -> Self {
        Self { name, flags: Vec::new(), about: Vec::new(), actor }
    }

    pub(crate) fn flag(mut self, flag: &str) -> Self {
        self.flags.push(format!("--{flag}"));
        self
    }

    pub(crate) fn set(mut self, flag: &str, value: &str) -> Self {
        self.flags.push(format!("--{flag}={value}"));
        self
    }

    pub(crate) fn about(mut self, what: &str) -> Self {
        self.about.push(what.to_owned());
        self
    }
}

/// What a question gave.
#[derive(Debug)]
pub(crate) enum Reply {
    /// Each value on one line.
    Values(Vec<String>),
    No(Failure),
}

/// A bead as `bd show` told it.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) bead: Bead,
    /// Its JSON on one line, edges in their raw form.
    pub(crate) text: String,
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    id: String,
}

impl BdTracker {
    /// The turn of a reading call: what was edited outside is imported first.
    pub(crate) async fn reading(&self) -> Result<Held<'_>, TrackerError> {
        let held = self.turn().await?;
        self.freshen(super::reading::Before::Reading).await?;
        Ok(held)
    }

    /// The turn of a writing call. A file that only its editor could repair stops it here.
    pub(crate) async fn writing(&self, actor: &str) -> Result<Held<'_>, TrackerError> {
        if actor.is_empty() || actor.len() > 255 {
            return Err(TrackerError::invalid("actor", "1 to 255 bytes", actor));
        }
        let held = self.turn().await?;
        self.freshen(super::reading::Before::Writing).await?;
        Ok(held)
    }

    async fn turn(&self) -> Result<Held<'_>, TrackerError> {
        let ours = self.turn.lock().await;
        Ok(Held { _kernel: Turn::wait(&self.dir, TURN).await?, _ours: ours })
    }

    pub(crate) async fn ask(&self, question: &Question<'_>) -> Result<Reply, TrackerError> {
        let mut pauses = PAUSES.iter();
        loop {
            let ran = self.run(question).await?;
            let reply = reply(&ran);
            let Reply::No(Failure::Locked(words)) = reply else { return Ok(reply) };
            match pauses.next() {
                Some(pause) => tokio::time::sleep(Duration::from_millis(*pause)).await,
                None => {
                    return Err(BdError::Locked { command: question.name.to_owned(), words }.into());
                }
            }
        }
    }

    /// As [`Self::ask`], where no is an error.
    pub(crate) async fn must(&self, question: &Question<'_>) -> Result<Vec<String>, TrackerError> {
        match self.ask(question).await? {
            Reply::Values(values) => Ok(values),
            Reply::No(failure) => Err(refused(question.name, failure).into()),
        }
    }

    /// A write about one bead: the answer must be about exactly that one.
    pub(crate) async fn must_on(&self, question: &Question<'_>, id: &BeadId) -> Result<(), TrackerError> {
        let values = self.must(question).await?;
        check_same(question.name, id, &values)
    }

    /// Runs a question whatever its answer.
    pub(crate) async fn run(&self, question: &Question<'_>) -> Result<Ran, TrackerError> {
        let long = question.flags.iter().chain(&question.about).find(|word| word.len() > ARGUMENT_LIMIT);
        if let Some(long) = long {
            return Err(TrackerError::invalid("text for `bd`", "at most 120,000 bytes", long.as_str()));
        }
        if let Some(bad) = question.flags.iter().chain(&question.about).find(|word| word.contains('\0')) {
            return Err(TrackerError::invalid("text for `bd`", "no NUL byte", bad.as_str()));
        }
        let mut args: Vec<OsString> = question.name.split(' ').map(OsString::from).collect();
        args.push("--json".into());
        args.push(format!("--actor={}", question.actor).into());
        if self.dialect.store == Store::Classic {
            args.extend(["--no-daemon".into(), "--lock-timeout=5s".into()]);
        }
        args.extend(question.flags.iter().map(OsString::from));
        if !question.about.is_empty() {
            args.push("--".into());
            args.extend(question.about.iter().map(OsString::from));
        }
        let call = Call {
            name: question.name,
            args: &args,
            dir: &self.root,
            beads: Some(&self.dir),
            actor: question.actor,
            deadline: self.deadline,
        };
        Ok(self.program.run(&call).await?)
    }

    /// The bead with exactly this id. `bd` itself takes an unknown id for part of another one.
    pub(crate) async fn look(&self, id: &BeadId) -> Result<Seen, TrackerError> {
        match self.find(id).await? {
            Some(seen) => Ok(seen),
            // Only now is it worth asking what it could have meant.
            None => Err(unknown(id, &self.list(None).await?.beads)),
        }
    }

    pub(crate) async fn find(&self, id: &BeadId) -> Result<Option<Seen>, TrackerError> {
        if id.as_str().is_empty() {
            // Without an id `bd` acts on the one it touched last.
            return Ok(None);
        }
        let mut question = Question::new("show", "beadwork").about(id.as_str());
        if self.dialect.comments_on_request {
            question = question.flag("include-comments");
        }
        let values = match self.ask(&question).await? {
            Reply::Values(values) => values,
            Reply::No(Failure::Unknown(_)) => return Ok(None),
            Reply::No(failure) => return Err(refused("show", failure).into()),
        };
        let Some(text) = values.into_iter().find(|value| named(value) == id.as_str()) else {
            return Ok(None);
        };
        let text = super::reading::with_raw_edges(&text, id);
        let mut snapshot = Snapshot::read(text.clone().into_bytes());
        match snapshot.beads.pop() {
            Some(bead) => Ok(Some(Seen { bead, text })),
            None => {
                let found = snapshot.problems.first().map_or_else(String::new, |p| p.what.to_string());
                Err(BdError::Answer { command: "show".to_owned(), expected: "a bead", found }.into())
            }
        }
    }
}

/// Our turn, among the calls of this process and among processes.
pub(crate) struct Held<'a> {
    _kernel: Turn,
    _ours: tokio::sync::MutexGuard<'a, ()>,
}

fn reply(ran: &Ran) -> Reply {
    let told_of_lock = || ran.stderr.lines().any(is_lock);
    match Answer::of(&ran.stdout) {
        // An empty list beside a word about a lock is no empty tracker.
        Answer::Values(values) if ran.code == 0 && !(values.is_empty() && told_of_lock()) => {
            Reply::Values(values)
        }
        Answer::Values(_) if told_of_lock() => Reply::No(Failure::Locked(ran.stderr.trim().to_owned())),
        _ if ran.code == -1 => Reply::No(Failure::Other("a signal ended it".to_owned())),
        _ => Reply::No(failure(ran)),
    }
}

pub(crate) fn refused(command: &str, failure: Failure) -> BdError {
    let words = match failure {
        Failure::Locked(words) | Failure::Unknown(words) | Failure::Other(words) => words,
        Failure::Claimed { by } => format!("claimed by {by}"),
        Failure::NotClaimable { status } => format!("its status is {status}"),
    };
    BdError::Refused { command: command.to_owned(), words }
}

/// The `id` of a value; empty where it has none.
pub(crate) fn named(value: &str) -> String {
    serde_json::from_str::<Named>(value).map(|named| named.id).unwrap_or_default()
}

fn check_same(command: &str, id: &BeadId, values: &[String]) -> Result<(), TrackerError> {
    match values {
        [one] if named(one) == id.as_str() => Ok(()),
        [one] => {
            Err(BdError::OtherBead { command: command.to_owned(), asked: id.clone(), got: named(one) }.into())
        }
        other => Err(BdError::Answer {
            command: command.to_owned(),
            expected: "one bead",
            found: format!("{} of them", other.len()),
        }
        .into()),
    }
}
