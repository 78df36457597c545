//! Word that something happened, for the streams that then look at journal and logs.
//!
//! Owns a bounded channel: a slow listener loses the oldest words and looks at everything, the work never waits (F46).
//! What happened is nowhere but in the journal and in the logs. Start with [`Hub`].

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::daemon::dispatch::Listeners;
use crate::daemon::progress::Progress;
use crate::domain::agent_event::AgentEvent;
use crate::domain::event::Event;
use crate::domain::ids::{BeadId, ProjectId};
use crate::lifecycle::Story;

/// How much a listener may lie behind.
const BEHIND: usize = 1024;

/// Of which bead there is news.
#[derive(Debug, Clone)]
pub struct Told {
    pub project: ProjectId,
    pub bead: BeadId,
    pub said: Said,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// An event is in the journal.
    Event,
    /// Its agent's log has grown.
    Line,
    /// Work that a person asked for has ended.
    Outcome,
}

#[derive(Debug, Clone)]
pub struct Hub {
    sender: broadcast::Sender<Arc<Told>>,
}

impl Default for Hub {
    fn default() -> Self {
        Self { sender: broadcast::Sender::new(BEHIND) }
    }
}

impl Hub {
    pub fn listen(&self) -> broadcast::Receiver<Arc<Told>> {
        self.sender.subscribe()
    }

    pub fn tell(&self, told: Told) {
        // Nobody listens: nothing is lost that the journal and the logs do not have.
        let _ = self.sender.send(Arc::new(told));
    }

    /// Listeners for a dispatcher: everything is told here, and to `also`.
    pub fn listeners(&self, also: Listeners) -> Listeners {
        let hub = self.clone();
        Arc::new(move |project, bead| {
            Arc::new(Voice {
                hub: hub.clone(),
                project: project.clone(),
                bead: bead.clone(),
                also: also(project, bead),
            })
        })
    }
}

/// One bead's way into the hub.
struct Voice {
    hub: Hub,
    project: ProjectId,
    bead: BeadId,
    also: Arc<dyn Progress>,
}

impl Voice {
    fn tell(&self, said: Said) {
        self.hub.tell(Told { project: self.project.clone(), bead: self.bead.clone(), said });
    }
}

impl Progress for Voice {
    fn event(&self, event: &Event, story: &Story) {
        self.tell(Said::Event);
        self.also.event(event, story);
    }

    fn agent(&self, event: &AgentEvent) {
        self.tell(Said::Line);
        self.also.agent(event);
    }
}
