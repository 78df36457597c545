//! What is done for each verb, once the table allows it.
//!
//! Owns the order of every deed: the journal first, then the tracker, so that no claim in between misses what a
//! person said. What must be carried on afterwards is told to the caller, who has an engine. Start with
//! [`Hand::lay`].

use super::again;
use super::messages;
use super::standing::{self, PROPOSED, Standing};
use super::table::{Deed, State, Verb, may};
use crate::beads::{Edit, PARKED};
use crate::daemon::error::EngineError;
use crate::daemon::house::{House, Site};
use crate::daemon::locks::{self, StoryLock, Taken};
use crate::daemon::refusal::Refusal;
use crate::domain::bead::Status;
use crate::domain::event::{Body, GivenBack, Wish};
use crate::domain::ids::{BeadId, Oid};
use crate::journal::Entry;

/// One verb with what it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    Cancel,
    Pause,
    Resume,
    Retry {
        fresh: bool,
    },
    Send {
        text: String,
        now: bool,
    },
    Answer {
        text: String,
    },
    /// Whatever waits.
    Approve,
    /// Exactly what was shown: that commit of the kept work; none where nothing was changed, or a bead was only proposed.
    ApproveShown {
        tip: Option<Oid>,
    },
    Park {
        reason: String,
    },
}

impl Ask {
    pub fn verb(&self) -> Verb {
        match self {
            Self::Cancel => Verb::Cancel,
            Self::Pause => Verb::Pause,
            Self::Resume => Verb::Resume,
            Self::Retry { .. } => Verb::Retry,
            Self::Send { .. } => Verb::Send,
            Self::Answer { .. } => Verb::Answer,
            Self::Approve | Self::ApproveShown { .. } => Verb::Approve,
            Self::Park { .. } => Verb::Park,
        }
    }

    /// What a person typed, where they typed something.
    fn text(&self) -> Option<&str> {
        match self {
            Self::Send { text, .. } | Self::Answer { text } | Self::Park { reason: text } => Some(text),
            _ => None,
        }
    }
}

/// What follows a deed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Nothing,
    /// The bead may be worked on again: another turn tonight.
    Again,
    /// Somebody with an engine has to take it to its end now; that costs no slot.
    End,
    /// Somebody with an engine has to go on with it.
    GoOn,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    pub deed: Deed,
    /// One sentence for the person, without a final period.
    pub said: String,
    pub next: Next,
}

/// A person's hand in one project.
pub struct Hand<'a> {
    pub house: &'a House,
    pub site: &'a Site,
    /// Who acts.
    pub by: &'a str,
}

impl Hand<'_> {
    /// Does it, or refuses with what state the bead is in and what makes sense there.
    pub async fn lay(&self, id: &BeadId, ask: &Ask) -> Result<Done, EngineError> {
        if let Some(text) = ask.text() {
            check_text(text)?;
        }
        let standing = standing::look(self.house, self.site, id).await?;
        if standing.state == State::Unknown {
            // With the nearest ids.
            self.site.tracker.show(id).await?;
        }
        let Some(deed) = may(ask.verb(), standing.state) else {
            return Err(refused(ask.verb(), standing.state, id).into());
        };
        self.act(id, ask, &standing, deed).await
    }

    async fn act(
        &self,
        id: &BeadId,
        ask: &Ask,
        standing: &Standing,
        deed: Deed,
    ) -> Result<Done, EngineError> {
        match ask {
            Ask::Cancel => self.wish(standing, id, Wish::Cancel, deed),
            Ask::Pause => self.wish(standing, id, Wish::Pause, deed),
            Ask::Park { reason } if deed == Deed::Park => self.park(id, reason).await,
            Ask::Park { reason } => self.wish(standing, id, Wish::Park { reason: reason.clone() }, deed),
            Ask::Resume => {
                let said = format!("`{id}` goes on as soon as it can");
                Ok(Done { deed, said, next: Next::GoOn })
            }
            Ask::Send { text, now } => self.send(id, (text, *now), deed),
            Ask::Retry { fresh } => self.give_back(id, GivenBack::Retried { fresh: *fresh }, deed).await,
            Ask::Answer { text } => {
                self.give_back(id, GivenBack::Answered { text: text.clone() }, deed).await
            }
            Ask::Approve => self.approve(id, deed, None).await,
            Ask::ApproveShown { tip } => self.approve(id, deed, Some(tip.as_ref())).await,
        }
    }

    fn wish(&self, standing: &Standing, id: &BeadId, wish: Wish, deed: Deed) -> Result<Done, EngineError> {
        let said = match (deed, &wish) {
            (Deed::PutAside, _) => format!("`{id}` is being put aside; its work is kept"),
            (Deed::PutAsideLater, _) => format!(
                "`{id}`: its agent has ended; gates and landing go on, and it is put aside before another run"
            ),
            (_, Wish::Park { .. }) => format!("`{id}` is being parked; its work is kept"),
            _ => format!("`{id}` is being ended; its work is kept"),
        };
        let run = standing.story.as_ref().and_then(|story| story.run().cloned());
        let body = Body::Wished { by: self.by.to_owned(), wish };
        let entry =
            Entry { project: Some(self.site.id.clone()), bead: Some(id.clone()), run, attempt: None, body };
        self.house.journal.tell(entry)?;
        let next = if deed == Deed::Release { Next::End } else { Next::Nothing };
        Ok(Done { deed, said, next })
    }

    fn send(&self, id: &BeadId, (text, now): (&str, bool), deed: Deed) -> Result<Done, EngineError> {
        messages::queue(self.house, (&self.site.id, id), text, now)?;
        let said = match deed {
            Deed::Tell if now => format!("`{id}`: what runs is stopped, then its agent reads it"),
            Deed::Tell => format!("`{id}`: its agent reads it after the tool that runs now"),
            _ => format!("`{id}`: no agent listens now; the next one that works on it reads it first"),
        };
        Ok(Done { deed, said, next: Next::Nothing })
    }

    async fn give_back(&self, id: &BeadId, how: GivenBack, deed: Deed) -> Result<Done, EngineError> {
        let lock = self.lock(id)?;
        self.give_back_under(lock, id, how, deed).await
    }

    async fn give_back_under(
        &self,
        _lock: StoryLock,
        id: &BeadId,
        how: GivenBack,
        deed: Deed,
    ) -> Result<Done, EngineError> {
        self.tell(id, Body::GivenBack { by: self.by.to_owned(), how: how.clone() })?;
        self.unpark(id, Edit::unpark()).await?;
        let ways = again::of(self.house, self.site, id)?;
        let how_on = match (&how, ways) {
            (GivenBack::Retried { fresh: true }, _) | (_, None) => "from the beginning",
            (_, Some(again)) if again.straight => "with merge, gates and landing of what is kept",
            (_, Some(again)) if again.tip == again.base => "in the same conversation",
            (_, Some(_)) => "with what is kept",
        };
        let said = format!("`{id}` is ready again, and goes on {how_on}");
        Ok(Done { deed, said, next: Next::Again })
    }

    /// `shown` is the commit that was looked at, or that there was none to look at; unknown where nobody said.
    async fn approve(
        &self,
        id: &BeadId,
        deed: Deed,
        shown: Option<Option<&Oid>>,
    ) -> Result<Done, EngineError> {
        let lock = self.lock(id)?;
        // Before the lock was had it may have been worked on: a yes is for what stands there now.
        let state = standing::look(self.house, self.site, id).await?.state;
        if may(Verb::Approve, state) != Some(deed) {
            return Err(not_what_was_shown(id).into());
        }
        let another = |tip: Option<&Oid>| shown.is_some_and(|shown| shown != tip);
        match deed {
            Deed::Close | Deed::Open if another(None) => Err(not_what_was_shown(id).into()),
            Deed::Close => {
                self.site.tracker.close(id, "nothing to do", self.by).await?;
                self.house.by_hand(self.site, id, "closed: nothing to do")?;
                let said = format!("`{id}` is closed as nothing to do");
                Ok(Done { deed, said, next: Next::Again })
            }
            Deed::Open => {
                let how = GivenBack::Approved { tip: None };
                self.tell(id, Body::GivenBack { by: self.by.to_owned(), how })?;
                let remove_labels = vec![PROPOSED.to_owned()];
                let edit = Edit { status: Some(Status::Open), remove_labels, ..Edit::default() };
                self.site.tracker.update(id, &edit, self.by).await?;
                let said = format!("`{id}` is open, and may be worked on");
                Ok(Done { deed, said, next: Next::Again })
            }
            _ => {
                let Some((_, tip)) = again::kept(self.house, self.site, id)? else {
                    return Err(Refusal::new(format!("bead `{id}` has no kept work that could be approved"))
                        .hint(format!("`bead retry {id}` has it worked on again"))
                        .into());
                };
                if another(Some(&tip)) {
                    return Err(not_what_was_shown(id).into());
                }
                self.give_back_under(lock, id, GivenBack::Approved { tip: Some(tip) }, deed).await
            }
        }
    }

    async fn park(&self, id: &BeadId, reason: &str) -> Result<Done, EngineError> {
        let _lock = self.lock(id)?;
        self.house.by_hand(self.site, id, &format!("parked: {reason}"))?;
        let edit = Edit::park(format!("Parked by {}: {reason}", self.by));
        self.site.tracker.update(id, &edit, self.by).await?;
        let said = format!("`{id}` is parked; `bead retry {id}` gives it back");
        Ok(Done { deed: Deed::Park, said, next: Next::Again })
    }

    /// Undoes our label and status. What a person gave back already is as they want it.
    async fn unpark(&self, id: &BeadId, edit: Edit) -> Result<(), EngineError> {
        let bead = self.site.tracker.show(id).await?;
        if bead.has_label(PARKED) || bead.status == Status::Blocked {
            self.site.tracker.update(id, &edit, self.by).await?;
        }
        Ok(())
    }

    fn tell(&self, id: &BeadId, body: Body) -> Result<(), EngineError> {
        let (project, bead) = (Some(self.site.id.clone()), Some(id.clone()));
        self.house.journal.tell(Entry { project, bead, run: None, attempt: None, body })?;
        Ok(())
    }

    /// Nobody begins with the bead while a person decides about it.
    fn lock(&self, id: &BeadId) -> Result<StoryLock, EngineError> {
        let dir = self.house.places.locks();
        match locks::take(&dir, &self.site.id, id).map_err(|source| EngineError::Io { path: dir, source })? {
            Taken::Ours(lock) => Ok(lock),
            Taken::Theirs(_) => {
                Err(Refusal::new(format!("bead `{id}` was begun or changed by another process just now"))
                    .hint(format!("`bead why {id}` says how it stands"))
                    .into())
            }
        }
    }
}

/// The refusal that every verb has where it makes no sense.
pub(in crate::daemon) fn refused(verb: Verb, state: State, id: &BeadId) -> Refusal {
    let verb = verb.word();
    Refusal::new(format!("`bead {verb}` makes no sense for bead `{id}`: it is {}", state.word()))
        .hint(state.advice(id.as_str()))
}

fn not_what_was_shown(id: &BeadId) -> Refusal {
    Refusal::new(format!("what waits at bead `{id}` is not what was shown: it has changed since"))
        .hint("look at it as it is now, and decide again")
        .hint(format!("`bead show {id}`"))
}

fn check_text(text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::new("the text is empty: expected what to say"));
    }
    if text.len() > messages::LONGEST {
        let found = text.len();
        return Err(Refusal::new(format!(
            "the text has {found} bytes: expected at most {}",
            messages::LONGEST
        ))
        .hint("what is longer belongs into the bead, or into a file of the repository"));
    }
    Ok(())
}
