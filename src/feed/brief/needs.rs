//! What a person is asked, and the one thing to do about it.
//!
//! Owns the way from a cause to a question and a command. Commands are safe to paste: whatever a tracker or a
//! branch is called, it stays one word of the shell. Start with [`ask`].

use super::{Act, Action, BeadRef};
use crate::domain::event::Finish;
use crate::domain::run::Outcome;

/// What to do about a bead that ended like this; nothing where it needs nobody.
pub(super) fn ask(bead: &BeadRef, named: bool, finish: &Finish, run: Option<&str>) -> Option<Action> {
    let cause = finish.cause.as_ref().map_or("", |cause| cause.as_str());
    let id = word(&bead.id);
    let project = if named { format!(" --project {}", word(&bead.project_name)) } else { String::new() };
    let act = |kind, label: &str, command: String| {
        Some(Action { kind, label: label.to_owned(), command: format!("{command}{project}") })
    };
    match (finish.outcome, cause) {
        (Outcome::Parked, "branch" | "landed_beside") if finish.branch.is_some() => {
            let branch = word(finish.branch.as_deref().unwrap_or_default());
            // In the repository itself: git knows no `--project`.
            let command = format!("git merge {branch}");
            Some(Action { kind: Act::ByHand, label: "merge it".to_owned(), command })
        }
        (Outcome::Parked, "protected" | "tampering" | "review") => {
            act(Act::Approve, "approve", format!("bead approve {id}"))
        }
        (Outcome::Parked, "question") => act(Act::Answer, "answer", format!("bead answer {id} \"...\"")),
        (Outcome::Parked, _) => act(Act::Retry, "try again", format!("bead retry {id}")),
        (Outcome::NoChange, _) => act(Act::Approve, "close it", format!("bead approve {id}")),
        (Outcome::Failed | Outcome::Timeout, _) => {
            run.and_then(|run| act(Act::Look, "see its log", format!("bead logs {run}")))
        }
        _ => None,
    }
}

/// What to do about a bead that findings proposed.
pub(super) fn open_proposed(id: &str, project: Option<&str>) -> Action {
    let project = project.map(|name| format!(" --project {}", word(name))).unwrap_or_default();
    let command = format!("bead approve {}{project}", word(id));
    Action { kind: Act::Approve, label: "approve".to_owned(), command }
}

/// What is asked, as a sentence.
pub(super) fn question(finish: &Finish) -> String {
    let cause = finish.cause.as_ref().map_or("", |cause| cause.as_str());
    let reason = super::line(&finish.reason);
    match (finish.outcome, cause) {
        (Outcome::Parked, "question") => format!("asks: {reason}"),
        (Outcome::NoChange, _) => format!("{reason}; is there nothing to do?"),
        (Outcome::Parked, "protected") => format!("{reason}; may it land?"),
        _ => reason,
    }
}

/// One word of a shell, whatever is in it.
pub(super) fn word(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:@+".contains(&b);
    if !text.is_empty() && !text.starts_with('-') && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", super::line(text).replace('\'', "'\\''"))
}
