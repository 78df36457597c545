//! `bead attach`: a run's progress on this terminal, from its bead's claim to the end, whoever works on it.
//!
//! Owns the following: through a daemon's stream, picked up again where it stopped, or by journal and log where
//! there is none. It never influences the run; `bead send` does. Start with [`run`].

use std::io::SeekFrom;
use std::time::Duration;

use clap::Args as ClapArgs;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::desk::{Desk, engine_error, journal_error};
use super::output::{DIM, paint};
use super::progress::Live;
use super::{CliError, Exit, through};
use crate::daemon::control::client::{Client, segment};
use crate::daemon::house::{House, Site};
use crate::daemon::progress::Progress as _;
use crate::daemon::queue;
use crate::daemon::work::Ended;
use crate::domain::agent_event::AgentEvent;
use crate::domain::clean;
use crate::domain::ids::BeadId;
use crate::journal::read::Filter;
use crate::lifecycle::{Phase, Story};

/// How often a following reader looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// A run, or its bead
    #[arg(value_name = "RUN|ID")]
    run: String,
}

/// What is followed, and how far it was shown.
struct Follow<'a> {
    desk: &'a Desk,
    house: &'a House,
    site: &'a Site,
    bead: BeadId,
    live: Live,
    story: Option<Story>,
    seq: u64,
    log: Option<(String, u64)>,
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let house = desk.house()?;
    let (site, bead) = super::hand::place(desk, &house, &args.run).await?;
    let Some(story) = house.journal.stories_of(&site.id, &bead).map_err(journal_error)?.pop() else {
        return Err(CliError::refused(format!("nobody has worked on bead `{bead}`"))
            .hint(format!("`bead why {bead}` says how it stands")));
    };
    let live = Live::new(desk.output, bead.clone());
    let seq = story.id - 1;
    let mut follow = Follow { desk, house: &house, site: &site, bead, live, story: None, seq, log: None };
    loop {
        let daemon = match Client::find(&house.places).await {
            Some(daemon) if through::knows(&daemon, &site).await => Some(daemon),
            _ => None,
        };
        let over = match daemon {
            Some(daemon) => follow.by_stream(&daemon).await,
            None => follow.by_files().await?,
        };
        if over {
            return Ok(Exit::Done);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

impl Follow<'_> {
    /// Until the work is over or the stream breaks; the next one goes on where this stopped.
    async fn by_stream(&mut self, daemon: &Client) -> bool {
        let (project, bead) = (segment(self.site.id.as_str()), segment(self.bead.as_str()));
        let path = format!("/api/projects/{project}/work/{bead}/stream?since={}", self.seq);
        let mut result = None;
        // What broke is asked for again.
        let _ = daemon
            .follow(&path, |(kind, data)| {
                match kind.as_str() {
                    "event" => {
                        self.seq = data["seq"].as_u64().unwrap_or(self.seq);
                        through::show(&self.live, &mut self.story, data);
                    }
                    "agent" => {
                        if let Ok(event) = serde_json::from_value::<AgentEvent>(data) {
                            self.live.agent(&event);
                        }
                    }
                    _ => {
                        result = Some(data);
                        return false;
                    }
                }
                true
            })
            .await;
        if let Some(result) = &result {
            through::tell(self.desk, result);
        }
        result.is_some()
    }

    /// One look at journal and log; true when the work is over.
    async fn by_files(&mut self) -> Result<bool, CliError> {
        let journal = &self.house.journal;
        let filter = Filter { project: Some(self.site.id.clone()), bead: Some(self.bead.clone()), run: None };
        // Asked before the events are read: what was written until the end is then certainly shown.
        let last = journal.stories_of(&self.site.id, &self.bead).map_err(journal_error)?.pop();
        let Some(last) = last else { return Ok(true) };
        let over = !last.is_open() || matches!(last.phase, Phase::Suspended { .. });
        let left = !over && self.is_left().await?;
        for event in journal.events(self.seq, &filter, usize::MAX).map_err(journal_error)? {
            self.seq = event.seq;
            through::show(&self.live, &mut self.story, serde_json::to_value(&event).unwrap_or_default());
        }
        self.read_log(&last).await?;
        if over {
            let ended = Ended::of(&last);
            through::tell(self.desk, &through::with_hints(&ended));
        } else if left {
            return Err(CliError::refused(format!("nobody works on bead `{}` any more", self.bead))
                .hint(format!("`bead work {}` continues it", self.bead)));
        }
        Ok(over)
    }

    async fn is_left(&self) -> Result<bool, CliError> {
        let why = queue::why(self.house, self.site, &self.bead).await.map_err(engine_error)?;
        Ok(why.state == "interrupted")
    }

    /// What the agent's readable log has grown by.
    async fn read_log(&mut self, story: &Story) -> Result<(), CliError> {
        if self.desk.output.json {
            return Ok(());
        }
        let Some(run) = story.run() else { return Ok(()) };
        let Some(name) = self.house.journal.log_of(run).map_err(journal_error)? else { return Ok(()) };
        let path = self.house.places.state().join(&name);
        let Ok(mut file) = tokio::fs::File::open(&path).await else { return Ok(()) };
        let failed = |e: std::io::Error| CliError::failed(format!("`{}`: {e}", path.display()));
        let from = match &self.log {
            Some((known, from)) if *known == name => *from,
            // What it said before we came stands in `bead logs`.
            _ => file.metadata().await.map_err(failed)?.len(),
        };
        file.seek(SeekFrom::Start(from)).await.map_err(failed)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).await.map_err(failed)?;
        let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        for line in String::from_utf8_lossy(&bytes[..whole]).lines() {
            self.desk.output.say(&paint(DIM, &format!("    {}", clean::clean_line(line))));
        }
        self.log = Some((name, from + u64::try_from(whole).unwrap_or(0)));
        Ok(())
    }
}
