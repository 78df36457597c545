//! What each verb does to a bead in each state: one table, which `docs/hand.md` shows and a test compares.
//!
//! Owns the decision alone; it reads and changes nothing. How a bead's state is found out is `standing`'s, what a
//! deed does is `deeds`'. Start with [`may`].

/// What a person may want of a bead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Cancel,
    Pause,
    Resume,
    Retry,
    Send,
    Answer,
    Approve,
    Park,
    Shell,
}

impl Verb {
    pub const ALL: [Self; 9] = [
        Self::Cancel,
        Self::Pause,
        Self::Resume,
        Self::Retry,
        Self::Send,
        Self::Answer,
        Self::Approve,
        Self::Park,
        Self::Shell,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Retry => "retry",
            Self::Send => "send",
            Self::Answer => "answer",
            Self::Approve => "approve",
            Self::Park => "park",
            Self::Shell => "shell",
        }
    }
}

/// Where a bead stands, as a hand on it sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Ready,
    /// Open, and not ready: by another bead, a date, or its status.
    Blocked,
    Proposed,
    /// Somebody else has it.
    Taken,
    /// A person asked for it and it waits for a slot.
    Queued,
    Preparing,
    Working,
    Exporting,
    /// Merging and gates.
    Gating,
    Reviewing,
    Landing,
    Suspended,
    /// Its process is gone.
    Interrupted,
    Parked(Why),
    NoChange,
    Failed,
    Cancelled,
    Closed,
    Unknown,
}

/// Why a bead is parked, as far as it makes a difference here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    Question,
    /// Protected paths, tampering, or a review that asks: a person's yes is enough.
    Held,
    Beside,
    /// Left on a branch, as the project wishes.
    Branch,
    /// Conflict, moved target, red base: the work is whole, the way to the target was not free.
    Way,
    Other,
}

impl State {
    pub const ALL: [Self; 24] = [
        Self::Ready,
        Self::Blocked,
        Self::Proposed,
        Self::Taken,
        Self::Queued,
        Self::Preparing,
        Self::Working,
        Self::Exporting,
        Self::Gating,
        Self::Reviewing,
        Self::Landing,
        Self::Suspended,
        Self::Interrupted,
        Self::Parked(Why::Question),
        Self::Parked(Why::Held),
        Self::Parked(Why::Beside),
        Self::Parked(Why::Branch),
        Self::Parked(Why::Way),
        Self::Parked(Why::Other),
        Self::NoChange,
        Self::Failed,
        Self::Cancelled,
        Self::Closed,
        Self::Unknown,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Blocked => "blocked",
            Self::Proposed => "proposed",
            Self::Taken => "taken",
            Self::Queued => "queued",
            Self::Preparing => "preparing",
            Self::Working => "working",
            Self::Exporting => "exporting",
            Self::Gating => "gating",
            Self::Reviewing => "reviewing",
            Self::Landing => "landing",
            Self::Suspended => "suspended",
            Self::Interrupted => "interrupted",
            Self::Parked(Why::Question) => "parked (question)",
            Self::Parked(Why::Held) => "parked (protected, tampering, review)",
            Self::Parked(Why::Beside) => "parked (landed_beside)",
            Self::Parked(Why::Branch) => "parked (branch)",
            Self::Parked(Why::Way) => "parked (conflict, target_moved, red_base)",
            Self::Parked(Why::Other) => "parked (anything else)",
            Self::NoChange => "no_change",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Closed => "closed",
            Self::Unknown => "unknown",
        }
    }

    /// What a person can do instead, given the bead's id.
    pub fn advice(self, id: &str) -> String {
        match self {
            Self::Ready | Self::Suspended | Self::Interrupted => format!("`bead work {id}` works on it"),
            Self::Blocked => format!("`bead why {id}` says what it waits for"),
            Self::Proposed => format!("`bead approve {id}` opens it"),
            Self::Taken => format!("`bead reopen {id}` takes it back from whoever has it"),
            Self::Queued => format!("`bead cancel {id}` takes it back"),
            Self::Preparing | Self::Working | Self::Exporting | Self::Gating | Self::Reviewing => {
                format!("`bead pause {id}` puts it aside, `bead cancel {id}` ends it")
            }
            Self::Landing => "it is over in a moment".to_owned(),
            Self::Parked(Why::Question) => format!("`bead answer {id} TEXT` lets it go on"),
            Self::Parked(Why::Held) => {
                format!(
                    "`bead approve {id}` lets it go on as it is, `bead retry {id}` has it worked on again"
                )
            }
            Self::Parked(Why::Branch) => "merge its branch yourself; the bead is closed then".to_owned(),
            Self::NoChange => format!("`bead approve {id}` closes it, `bead retry {id}` has it tried again"),
            Self::Parked(_) | Self::Failed | Self::Cancelled => {
                format!("`bead retry {id}` has it tried again")
            }
            Self::Closed => format!("`bead reopen {id}` opens it again"),
            Self::Unknown => "`bead list --all` lists every bead".to_owned(),
        }
    }
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// It is not begun.
    Withdraw,
    /// Its holder ends it, keeping the work.
    End,
    /// Nobody holds it: it is ended here, keeping the work.
    Release,
    PutAside,
    /// Its agent has ended: put aside before the next one begins.
    PutAsideLater,
    GoOn,
    /// To be worked on again, with what is kept.
    GiveBack,
    /// What is kept goes on to merge, gates and landing without an agent.
    GiveStraight,
    /// The running agent hears it.
    Tell,
    /// Whoever works on it next hears it.
    TellNext,
    Open,
    Close,
    Park,
    /// A shell on the kept work.
    Shell,
}

impl Deed {
    /// The cell of the table in `docs/hand.md`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Withdraw => "withdraws",
            Self::End => "ends, keeps",
            Self::Release => "releases, keeps",
            Self::PutAside => "puts aside",
            Self::PutAsideLater => "puts aside before the next run",
            Self::GoOn => "goes on",
            Self::GiveBack => "gives back",
            Self::GiveStraight => "goes straight to the gates",
            Self::Tell => "tells now",
            Self::TellNext => "tells next",
            Self::Open => "opens",
            Self::Close => "closes",
            Self::Park => "parks",
            Self::Shell => "opens a shell",
        }
    }
}

/// The table. `None`: it makes no sense there, and is refused with what does.
pub fn may(verb: Verb, state: State) -> Option<Deed> {
    use State as S;
    match verb {
        Verb::Cancel => match state {
            S::Queued => Some(Deed::Withdraw),
            S::Preparing | S::Working | S::Exporting | S::Gating | S::Reviewing => Some(Deed::End),
            S::Suspended | S::Interrupted => Some(Deed::Release),
            _ => None,
        },
        Verb::Pause => match state {
            S::Preparing | S::Working | S::Reviewing => Some(Deed::PutAside),
            S::Exporting | S::Gating => Some(Deed::PutAsideLater),
            _ => None,
        },
        Verb::Resume => matches!(state, S::Suspended | S::Interrupted).then_some(Deed::GoOn),
        Verb::Retry => match state {
            S::Parked(Why::Beside | Why::Way) => Some(Deed::GiveStraight),
            S::Parked(Why::Branch) => None,
            S::Parked(_) | S::NoChange | S::Failed | S::Cancelled => Some(Deed::GiveBack),
            _ => None,
        },
        Verb::Send => match state {
            S::Preparing | S::Working => Some(Deed::Tell),
            S::Exporting | S::Gating | S::Reviewing | S::Suspended | S::Interrupted => Some(Deed::TellNext),
            S::Parked(Why::Branch | Why::Beside) => None,
            S::Parked(_) | S::NoChange | S::Failed | S::Cancelled => Some(Deed::TellNext),
            _ => None,
        },
        Verb::Answer => matches!(state, S::Parked(Why::Question)).then_some(Deed::GiveBack),
        Verb::Approve => match state {
            S::Parked(Why::Held) => Some(Deed::GiveStraight),
            S::NoChange => Some(Deed::Close),
            S::Proposed => Some(Deed::Open),
            _ => None,
        },
        Verb::Park => match state {
            S::Ready | S::Blocked | S::Failed | S::Cancelled => Some(Deed::Park),
            S::Preparing | S::Working | S::Exporting | S::Gating | S::Reviewing => Some(Deed::End),
            S::Suspended | S::Interrupted => Some(Deed::Release),
            _ => None,
        },
        Verb::Shell => match state {
            S::Parked(Why::Branch) => None,
            S::Parked(_) | S::Failed | S::Cancelled => Some(Deed::Shell),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests;
