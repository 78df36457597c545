//! Messages from a person to a bead's agent: written down first, and there until an agent began with them.
//!
//! Owns the fold of a bead's messages from its events, so that whoever takes a bead up knows what was said and
//! not heard (rules 13.3). How one reaches a running agent is for `attempt`. Start with [`pending`].

use crate::domain::event::{Body, Event};
use crate::domain::ids::{BeadId, ProjectId};
use crate::journal::read::Filter;
use crate::journal::redact::Redactor;
use crate::journal::{Entry, Journal, JournalError};

use crate::daemon::effects::uuid;
use crate::daemon::house::House;

/// More than a person types; the rest belongs into the bead.
pub const LONGEST: usize = 32 << 10;

/// What a person said and no agent has begun with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The number of its event: messages are heard in this order.
    pub seq: u64,
    /// The uuid under which the agent's program reports it.
    pub id: String,
    pub text: String,
    /// Interrupts what runs.
    pub now: bool,
}

/// A bead's undelivered messages, oldest first, over all its claims.
pub fn pending(journal: &Journal, project: &ProjectId, bead: &BeadId) -> Result<Vec<Message>, JournalError> {
    let mut pending = Vec::new();
    for event in journal.events(0, &Filter::of(project, bead), usize::MAX)? {
        fold(&mut pending, event);
    }
    Ok(pending)
}

/// What came after `seen`, which moves on: new messages only.
pub fn since(
    journal: &Journal,
    project: &ProjectId,
    bead: &BeadId,
    seen: &mut u64,
) -> Result<Vec<Message>, JournalError> {
    let mut new = Vec::new();
    for event in journal.events(*seen, &Filter::of(project, bead), usize::MAX)? {
        *seen = event.seq;
        fold(&mut new, event);
    }
    Ok(new)
}

fn fold(pending: &mut Vec<Message>, event: Event) {
    match event.body {
        Body::MessageQueued { message, text, now } => {
            pending.push(Message { seq: event.seq, id: message, text, now });
        }
        Body::MessageDelivered { message } => pending.retain(|m| m.id != message),
        _ => {}
    }
}

/// Writes a message down. What looks like a secret is masked first, as everywhere in the journal.
pub fn queue(
    house: &House,
    (project, bead): (&ProjectId, &BeadId),
    text: &str,
    now: bool,
) -> Result<Message, JournalError> {
    let known = [&house.environment.api_key, &house.environment.oauth_token];
    let redactor = Redactor::new(known.into_iter().flatten().map(|secret| secret.expose().as_bytes()));
    let text = redactor.redact_text(text).to_string();
    let id = uuid(house.ids.bytes());
    let event = house.journal.tell(Entry {
        project: Some(project.clone()),
        bead: Some(bead.clone()),
        run: None,
        attempt: None,
        body: Body::MessageQueued { message: id.clone(), text: text.clone(), now },
    })?;
    Ok(Message { seq: event.seq, id, text, now })
}

/// What an agent is told first when it begins or goes on, before its task.
pub fn preface(pending: &[Message], task: String) -> String {
    if pending.is_empty() {
        return task;
    }
    let said: Vec<&str> = pending.iter().map(|message| message.text.as_str()).collect();
    let many = if said.len() == 1 { "this" } else { "these" };
    format!(
        "The person you work for wrote {many} while you were not listening:\n\n{}\n\n{task}",
        said.join("\n\n")
    )
}

#[cfg(test)]
mod tests;
