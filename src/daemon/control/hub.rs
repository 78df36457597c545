//! What the runs of a daemon say, for everybody who listens.
//!
//! Owns a bounded channel: a slow listener loses the oldest and is told so, the work never waits (F46). Events
//! are in the journal anyway; what agents say is in their logs. Start with [`Hub`].

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

/// One thing that was said.
#[derive(Debug, Clone)]
pub struct Told {
    pub project: ProjectId,
    pub bead: BeadId,
    pub said: Said,
}

#[derive(Debug, Clone)]
pub enum Said {
    /// An event is in the journal: read it there.
    Event(u64),
    Agent(AgentEvent),
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
        let told = Told { project: self.project.clone(), bead: self.bead.clone(), said };
        // Nobody listens: nothing is lost that the journal and the logs do not have.
        let _ = self.hub.sender.send(Arc::new(told));
    }
}

impl Progress for Voice {
    fn event(&self, event: &Event, story: &Story) {
        self.tell(Said::Event(event.seq));
        self.also.event(event, story);
    }

    fn agent(&self, event: &AgentEvent) {
        self.tell(Said::Agent(event.clone()));
        self.also.agent(event);
    }
}
