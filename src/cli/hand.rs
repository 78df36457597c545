//! A person's hand on a bead: `bead cancel`, `pause`, `resume`, `retry`, `send`, `answer`, `approve`, `park`.
//!
//! Owns their arguments, and the way: through a running daemon, or by itself. What a verb does in which state is
//! `daemon::hand`'s, the same for both. Start with [`run`].

use std::sync::Arc;

use clap::Args as ClapArgs;
use serde_json::json;

use super::desk::{Desk, engine_error, journal_error};
use super::progress::Live;
use super::{CliError, Exit, through};
use crate::daemon::control::client::{Client, segment};
use crate::daemon::engine::Engine;
use crate::daemon::hand::{Ask, Done, Hand, Next, of_a_claim};
use crate::daemon::house::{House, Site};
use crate::daemon::stop::Stop;
use crate::domain::ids::{BeadId, RunId};

#[derive(Debug, ClapArgs)]
pub(super) struct NameArgs {
    /// A run, or its bead
    #[arg(value_name = "RUN|ID")]
    name: String,
}

#[derive(Debug, ClapArgs)]
pub(super) struct RetryArgs {
    /// A run, or its bead
    #[arg(value_name = "RUN|ID")]
    name: String,
    /// Begin at the target, without the kept work and its conversation
    #[arg(long)]
    fresh: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct SendArgs {
    /// A run, or its bead
    #[arg(value_name = "RUN|ID")]
    run: String,
    /// What to say (`-`: read it from stdin)
    #[arg(allow_hyphen_values = true)]
    text: String,
    /// Stop what runs, and have it read at once
    #[arg(long)]
    now: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct AnswerArgs {
    /// The bead whose agent asked
    #[arg(value_name = "ID")]
    id: String,
    /// The answer (`-`: read it from stdin)
    #[arg(allow_hyphen_values = true)]
    text: String,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ParkArgs {
    /// A bead, or a run of it
    #[arg(value_name = "ID")]
    id: String,
    /// Why it is left to a person
    #[arg(long, short, value_name = "TEXT")]
    reason: String,
}

pub(super) async fn cancel(desk: &Desk, args: NameArgs) -> Result<Exit, CliError> {
    run(desk, &args.name, Ask::Cancel).await
}

pub(super) async fn pause(desk: &Desk, args: NameArgs) -> Result<Exit, CliError> {
    run(desk, &args.name, Ask::Pause).await
}

pub(super) async fn resume(desk: &Desk, args: NameArgs) -> Result<Exit, CliError> {
    run(desk, &args.name, Ask::Resume).await
}

pub(super) async fn retry(desk: &Desk, args: RetryArgs) -> Result<Exit, CliError> {
    run(desk, &args.name, Ask::Retry { fresh: args.fresh }).await
}

pub(super) async fn send(desk: &Desk, args: SendArgs) -> Result<Exit, CliError> {
    let text = words(desk, args.text)?;
    run(desk, &args.run, Ask::Send { text, now: args.now }).await
}

pub(super) async fn answer(desk: &Desk, args: AnswerArgs) -> Result<Exit, CliError> {
    let text = words(desk, args.text)?;
    run(desk, &args.id, Ask::Answer { text }).await
}

pub(super) async fn approve(desk: &Desk, args: NameArgs) -> Result<Exit, CliError> {
    run(desk, &args.name, Ask::Approve).await
}

pub(super) async fn park(desk: &Desk, args: ParkArgs) -> Result<Exit, CliError> {
    run(desk, &args.id, Ask::Park { reason: args.reason }).await
}

fn words(desk: &Desk, text: String) -> Result<String, CliError> {
    if text == "-" { desk.read_stdin() } else { Ok(text) }
}

/// The bead that a person names by itself or by a run, and its project: a run knows its own.
pub(super) async fn place(desk: &Desk, house: &House, name: &str) -> Result<(Site, BeadId), CliError> {
    let Some(run) = RunId::parse(name) else {
        return Ok((desk.site_in(house).await?, BeadId::new(name)));
    };
    let owner = house.journal.owner_of(&run).map_err(journal_error)?;
    let Some((project, bead)) = owner else {
        return Err(CliError::refused(format!("no run `{name}` is known")).hint("`bead runs` lists all runs"));
    };
    match desk.site_in(house).await {
        Ok(site) if site.id == project => return Ok((site, bead)),
        _ => {}
    }
    let projects = house.journal.projects().map_err(journal_error)?;
    match projects.into_iter().find(|p| p.id == project) {
        Some(found) => Ok((Site::open(house, &found.path).await.map_err(engine_error)?, bead)),
        None => Err(CliError::refused(format!("run `{name}` belongs to bead `{bead}` of another project"))
            .hint("go into its folder, or name it with `--project`")),
    }
}

pub(super) async fn run(desk: &Desk, name: &str, ask: Ask) -> Result<Exit, CliError> {
    let house = Arc::new(desk.house()?);
    let (site, bead) = place(desk, &house, name).await?;
    if let Some(run) = RunId::parse(name) {
        of_a_claim(&house.journal, &run, ask.verb()).map_err(engine_error)?;
    }
    if let Some(daemon) = Client::find(&house.places).await
        && through::knows(&daemon, &site).await
    {
        return by_daemon(desk, &daemon, (&site, &bead), &ask).await;
    }
    let by = desk.actor();
    let done = Hand { house: &house, site: &site, by: &by }.lay(&bead, &ask).await.map_err(engine_error)?;
    tell(desk, &bead, &done);
    match done.next {
        Next::Nothing => Ok(Exit::Done),
        Next::Again => {
            if !matches!(ask, Ask::Approve | Ask::Park { .. }) {
                desk.output.say(&format!("  hint: `bead work {bead}` goes on now; else the next night does"));
            }
            Ok(Exit::Done)
        }
        Next::GoOn => super::work::again(desk, &bead).await,
        Next::End => end(desk, (house, site), bead).await,
    }
}

fn tell(desk: &Desk, bead: &BeadId, done: &Done) {
    if desk.output.json {
        desk.output.value(&json!({ "bead": bead, "deed": done.deed.word(), "accepted": done.said }));
    } else {
        desk.output.line(&done.said);
    }
}

/// Nobody holds the bead: it is taken to its end here.
async fn end(desk: &Desk, (house, site): (Arc<House>, Site), bead: BeadId) -> Result<Exit, CliError> {
    let machine = Arc::new(desk.machine(&house)?);
    let live = Arc::new(Live::new(desk.output, bead.clone()));
    let engine = Engine::new(house, Arc::new(site), machine).with_person(Stop::default(), live);
    let ended = engine.finish(bead).await.map_err(engine_error)?;
    if desk.output.json {
        desk.output.value(&ended.result_line());
    } else {
        let summary = super::work::summary(desk.output, (ended.bead.as_str(), &ended.target), &ended.finish);
        desk.output.line(&summary);
    }
    Ok(Exit::Done)
}

async fn by_daemon(
    desk: &Desk,
    daemon: &Client,
    (site, bead): (&Site, &BeadId),
    ask: &Ask,
) -> Result<Exit, CliError> {
    let (place, verb, wish) = match ask {
        Ask::Cancel => ("runs", "cancel", json!({})),
        Ask::Pause => ("runs", "pause", json!({})),
        Ask::Resume => ("runs", "resume", json!({})),
        Ask::Send { text, now } => ("runs", "input", json!({ "text": text, "now": now })),
        Ask::Retry { fresh } => ("beads", "retry", json!({ "fresh": fresh })),
        Ask::Answer { text } => ("beads", "answer", json!({ "text": text })),
        Ask::Approve => ("beads", "approve", json!({})),
        Ask::ApproveShown { tip } => ("beads", "approve", json!({ "tip": tip })),
        Ask::Park { reason } => ("beads", "park", json!({ "reason": reason })),
    };
    let project = segment(site.id.as_str());
    let path = format!("/api/projects/{project}/{place}/{}/{verb}", segment(bead.as_str()));
    let taken = daemon.post(&path, &wish).await.map_err(through::client_error)?;
    let said = crate::domain::clean::clean_line(taken["accepted"].as_str().unwrap_or_default());
    if desk.output.json {
        desk.output.value(&json!({ "bead": bead, "accepted": said }));
    } else {
        desk.output.line(&said);
    }
    Ok(Exit::Done)
}
