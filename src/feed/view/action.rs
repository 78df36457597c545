//! What a person may do to a bead or a run from a page.
//!
//! Owns which actions fit a state, in which order, and what is sent. The API decides again: a page may be old. Start
//! with [`Action`].

use std::borrow::Cow;

use super::place;

/// One button, or a form with one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    pub label: &'static str,
    /// The accessible name: the label and what it is about.
    pub name: String,
    /// Where it is posted.
    pub post: String,
    /// JSON that is sent, without the field's text.
    pub body: Cow<'static, str>,
    pub weight: Weight,
    pub field: Option<Field>,
    /// Asked back before it is done.
    pub confirm: Option<&'static str>,
    /// Said when the daemon took it.
    pub done: &'static str,
}

/// How an action looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    First,
    Plain,
    Danger,
}

impl Weight {
    pub const fn class(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Plain => "plain",
            Self::Danger => "danger",
        }
    }
}

/// The text that goes with an action, under this key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub key: &'static str,
    pub label: &'static str,
}

/// Builds the actions on one bead.
#[derive(Debug, Clone, Copy)]
pub struct On<'a> {
    pub project: &'a str,
    pub bead: &'a str,
    /// The commit of the kept work that the page shows.
    pub tip: Option<&'a str>,
}

/// `{}`
const NOTHING: Cow<'static, str> = Cow::Borrowed("{}");

impl<'a> On<'a> {
    /// A bead without work that could be approved.
    pub const fn of(project: &'a str, bead: &'a str) -> Self {
        Self { project, bead, tip: None }
    }

    fn action(self, label: &'static str, verb: &str, done: &'static str) -> Action {
        Action {
            label,
            name: format!("{label} {}", self.bead),
            post: place::bead_api(self.project, self.bead, verb),
            body: NOTHING,
            weight: Weight::Plain,
            field: None,
            confirm: None,
            done,
        }
    }

    pub fn work(self) -> Action {
        let post = place::work_api(self.project, self.bead);
        Action { post, ..self.action("Work on it", "work", "It is being started.") }
    }

    /// Of exactly what is shown: a page may be old, and what waits now another commit.
    pub fn approve(self, label: &'static str) -> Action {
        let body = serde_json::json!({ "tip": self.tip }).to_string().into();
        Action { body, weight: Weight::First, ..self.action(label, "approve", "Approved: it goes on.") }
    }

    pub fn retry(self) -> Action {
        self.action("Try again", "retry", "It will be tried again.")
    }

    /// Words for whoever works on it next; they give nothing back by themselves.
    pub fn send(self) -> Action {
        let post = place::run_api(self.project, self.bead, "input");
        let field = Some(Field { key: "text", label: "What the next agent on it reads first" });
        Action { post, field, ..self.action("Leave a word", "input", "Kept: the next agent reads it first.") }
    }

    /// Of a bead that somebody else has.
    pub fn reopen(self) -> Action {
        let confirm = Some("Really take it from whoever has it?");
        Action { confirm, ..self.action("Take it back", "reopen", "It is open again.") }
    }

    pub fn answer(self) -> Action {
        let field = Some(Field { key: "text", label: "Your answer, told to the agent first" });
        Action { field, weight: Weight::First, ..self.action("Answer", "answer", "Your answer was taken.") }
    }

    pub fn park(self) -> Action {
        let field = Some(Field { key: "reason", label: "Why it is put aside" });
        Action { field, ..self.action("Park", "park", "It is parked.") }
    }

    pub fn close(self) -> Action {
        let field = Some(Field { key: "reason", label: "Why it is closed" });
        Action { field, weight: Weight::Danger, ..self.action("Close", "close", "It is closed.") }
    }
}

/// What fits a run that goes on, or one that was put aside.
pub fn on_run(project: &str, run: &str, state: &str) -> Vec<Action> {
    let action = |label: &'static str, verb: &str, done| Action {
        label,
        name: format!("{label} run {run}"),
        post: place::run_api(project, run, verb),
        body: NOTHING,
        weight: Weight::Plain,
        field: None,
        confirm: None,
        done,
    };
    let pause = action("Pause", "pause", "It is being paused; its work is kept.");
    let cancel = Action {
        weight: Weight::Danger,
        confirm: Some("Really cancel? Its work is kept."),
        ..action("Cancel", "cancel", "It is being cancelled; its work is kept.")
    };
    match state {
        "running" => vec![pause, cancel],
        "suspended" => vec![
            Action { weight: Weight::First, ..action("Resume", "resume", "It goes on when a slot is free.") },
            cancel,
        ],
        _ => Vec::new(),
    }
}

/// The message box of a run: plain, and at once.
pub fn message(project: &str, run: &str) -> Action {
    Action {
        label: "Send",
        name: format!("Send a message to run {run}"),
        post: place::run_api(project, run, "input"),
        body: NOTHING,
        weight: Weight::First,
        field: Some(Field { key: "text", label: "Message to the agent" }),
        confirm: None,
        done: "Sent: the agent reads it after its running step.",
    }
}

#[cfg(test)]
mod tests;
