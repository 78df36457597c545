//! The table that `bead runs` reads, kept in the transaction of each event.
//!
//! Owns which events begin, change and end a run's row, and counting the rows. Start with `project_run`.

use rusqlite::params;

use super::ask::{micros, signed};
use super::{Journal, JournalError};
use crate::domain::event::{Body, Event};
use crate::domain::ids::{BeadId, ProjectId};

impl Journal {
    /// Keeps the table that `bead runs` reads.
    pub(super) fn project_run(
        &self,
        tx: &rusqlite::Transaction<'_>,
        event: &Event,
    ) -> Result<(), JournalError> {
        let Some(run) = &event.run else { return Ok(()) };
        let at = micros(event.at);
        let done = match &event.body {
            Body::RunStarted { kind, log, .. } => tx.execute(
                "INSERT INTO runs (run, kind, project, bead, attempt, state, started, log, cost)
                 VALUES (?1, ?2, ?3, ?4, ?5, 'running', ?6, ?7, 0)
                 ON CONFLICT (run) DO UPDATE SET state = 'running', ended = NULL",
                params![
                    run.as_str(),
                    kind.as_str(),
                    event.project.as_ref().map(ProjectId::as_str),
                    event.bead.as_ref().map(BeadId::as_str),
                    event.attempt,
                    at,
                    log
                ],
            ),
            Body::AgentStarting { .. } => tx.execute(
                "UPDATE runs SET state = 'running', ended = NULL WHERE run = ?1",
                params![run.as_str()],
            ),
            Body::AgentEnded(end) => tx.execute(
                "UPDATE runs SET state = ?2, cost = cost + ?3, ended = ?4, tokens = tokens + ?5 WHERE run = ?1",
                params![
                    run.as_str(),
                    end.ending.run_state().as_str(),
                    end.cost_usd,
                    at,
                    signed(end.usage.total())
                ],
            ),
            Body::RunEnded { state, cause, cost_usd, .. } => tx.execute(
                "UPDATE runs SET state = ?2, cause = ?3, cost = cost + ?4, ended = ?5 WHERE run = ?1",
                params![
                    run.as_str(),
                    state.as_str(),
                    cause.as_ref().map(|c| c.as_str().to_owned()),
                    cost_usd,
                    at
                ],
            ),
            _ => return Ok(()),
        };
        done.map(|_| ()).map_err(|source| self.db(source))
    }

    /// How many runs there are of each kind in each state, and what they cost.
    pub fn count_runs(&self) -> Result<Vec<RunCount>, JournalError> {
        self.rows("SELECT kind, state, count(*), sum(cost) FROM runs GROUP BY kind, state", [], |row| {
            let runs = usize::try_from(row.get::<_, i64>(2)?).unwrap_or(0);
            Ok(RunCount { kind: row.get(0)?, state: row.get(1)?, runs, cost_usd: row.get(3)? })
        })
    }
}

/// Runs of one kind in one state.
#[derive(Debug, Clone, PartialEq)]
pub struct RunCount {
    pub kind: String,
    pub state: String,
    pub runs: usize,
    pub cost_usd: f64,
}
