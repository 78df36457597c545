//! What the agent of a run outside any claim had spent when nobody was left to tell its end.
//!
//! Owns the bill: what is stored of its stream, at our own prices, told once as its agent's end, where `bead runs` and the
//! night's and the week's budgets find it. While it runs its gateway's meter counts it (`spending`), and whoever stays to
//! its end tells that. Start with [`Engine::bill`].

use std::io::Read as _;
use std::time::Duration;

use crate::agent::stream::Stream;
use crate::daemon::effects::ending::told;
use crate::daemon::engine::Engine;
use crate::daemon::error::EngineError;
use crate::domain::event::{AgentEnd, Body, Ending};
use crate::domain::ids::RunId;
use crate::domain::prices::list_prices;
use crate::domain::usage::Usage;
use crate::journal::Entry;
use crate::journal::read::Filter;

impl Engine {
    /// Tells the end of the run's agent with what it had spent, unless somebody did. Its container is gone, and the caller
    /// has its lock.
    pub(in crate::daemon) fn bill(&self, run: &RunId, why: &str) -> Result<(), EngineError> {
        let journal = &self.house.journal;
        let filter = Filter { run: Some(run.clone()), ..Filter::default() };
        let events = journal.events(0, &filter, usize::MAX)?;
        if events.iter().any(|event| matches!(event.body, Body::AgentEnded(_))) {
            return Ok(());
        }
        let stream = self.stored_stream(run)?;
        let (summary, usage) = (stream.summary(), stream.summary().spent.usage());
        if usage == Usage::default() {
            return Ok(());
        }
        let prices = self.machine.user.prices.clone().unwrap_or_else(list_prices);
        let end = AgentEnd {
            cost_usd: told(summary, &prices),
            usage,
            conversed: true,
            ..AgentEnd::without_agent(Ending::Interrupted, why.to_owned())
        };
        // Without its bead, for it follows nothing that a claim of the bead is doing.
        let (project, body) = (Some(self.site.id.clone()), Body::AgentEnded(end));
        journal.tell(Entry { project, bead: None, run: Some(run.clone()), attempt: None, body })?;
        Ok(())
    }

    /// The run's stream as far as it was stored; an empty one where it has no log.
    fn stored_stream(&self, run: &RunId) -> Result<Stream, EngineError> {
        let mut stream = Stream::new(self.machine.dialect.as_ref());
        let Some(name) = self.house.journal.log_of(run)? else { return Ok(stream) };
        let path = self.house.places.state().join(name).with_extension("jsonl");
        let failed = |source| EngineError::Io { path: path.clone(), source };
        let mut file = match std::fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(stream),
            Err(error) => return Err(failed(error)),
        };
        let mut buffer = vec![0; 64 << 10];
        loop {
            let count = file.read(&mut buffer).map_err(failed)?;
            if count == 0 {
                break;
            }
            stream.push(&buffer[..count], Duration::ZERO);
        }
        stream.finish(Duration::ZERO);
        Ok(stream)
    }
}
