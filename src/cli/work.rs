//! `bead work`: beads, one after the other, from ready to landed, or exactly why not.
//!
//! Owns the signals (once: stop properly, twice: leave), the last line and the exit code. What happens in
//! between is the engine's. Start with [`run`].

use std::sync::Arc;

use clap::Args as ClapArgs;

use super::desk::{Desk, engine_error, journal_error};
use super::output::{BAD, GOOD, Output, WARN, paint};
use super::progress::{Live, wrap};
use super::signals::Signals;
use super::{CliError, Exit};
use crate::daemon::control::client::Client;
use crate::daemon::work::WorkRequest;
use crate::daemon::{engine::Engine, error::EngineError, stop::Stop};
use crate::domain::event::Finish;
use crate::domain::ids::BeadId;
use crate::domain::run::Outcome;
use crate::feed::tell;

#[derive(Debug, Clone, ClapArgs)]
pub(super) struct Args {
    /// Beads to work on, in this order
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Work on a blocked bead, or beside a dirty checkout; recorded
    #[arg(long)]
    force: bool,
    /// Land without any gate; recorded
    #[arg(long)]
    no_gates: bool,
    /// Land without the review that bead.yaml asks for
    #[arg(long)]
    no_review: bool,
    /// The branch to land on (default: `target` of bead.yaml)
    #[arg(long, value_name = "BRANCH")]
    target: Option<String>,
    /// The model, as Claude Code names it
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let stop = Stop::default();
    let signals = tokio::spawn(listen(Signals::catch()?, stop.clone(), desk.output));
    let since = desk.house()?.journal.last_seq().map_err(journal_error)?;
    let mut first = Exit::Done;
    for (index, id) in args.ids.iter().enumerate() {
        if index > 0 && !desk.output.json {
            desk.output.say("");
        }
        let request = WorkRequest {
            bead: BeadId::new(id.clone()),
            force: args.force,
            no_gates: args.no_gates,
            no_review: args.no_review,
            target: args.target.clone(),
            model: args.model.clone(),
            unattended: false,
            under_way: false,
        };
        let exit = match one(desk, &stop, request).await {
            Ok(exit) => exit,
            // The next bead may well be fine: tell it and go on, as for any list of arguments. Whoever stopped it is
            // told so by the exit code.
            Err(error) if args.ids.len() > 1 || stop.now() > crate::daemon::stop::Urgency::GoOn => {
                desk.output.fail(&error);
                error.exit
            }
            Err(error) => return Err(error),
        };
        if first == Exit::Done {
            first = exit;
        }
        if stop.now() > crate::daemon::stop::Urgency::GoOn {
            first = Exit::Interrupted;
            break;
        }
    }
    signals.abort();
    if first != Exit::Interrupted {
        let beads: Vec<BeadId> = args.ids.into_iter().map(BeadId::new).collect();
        super::proposed::ask(desk, &beads, since).await?;
    }
    Ok(first)
}

/// Goes on with one bead, as `bead work ID` does.
pub(super) async fn again(desk: &Desk, bead: &BeadId) -> Result<Exit, CliError> {
    let ids = vec![bead.to_string()];
    run(desk, Args { ids, force: false, no_gates: false, no_review: false, target: None, model: None }).await
}

async fn one(desk: &Desk, stop: &Stop, request: WorkRequest) -> Result<Exit, CliError> {
    let house = Arc::new(desk.house()?);
    let site = Arc::new(desk.site_in(&house).await?);
    if let Some(daemon) = Client::find(&house.places).await
        && super::through::knows(&daemon, &site).await
    {
        return super::through::work(desk, stop, &daemon, (&house, &site), request).await;
    }
    let machine = Arc::new(desk.machine(&house)?);
    let live = Live::new(desk.output, request.bead.clone());
    let engine = Engine::new(house, site, machine).with_person(stop.clone(), Arc::new(live));
    let ended = match engine.work(request).await {
        Ok(ended) => ended,
        Err(EngineError::Left) => {
            desk.output.say("left at once; `bead work` with the same id continues");
            return Ok(Exit::Interrupted);
        }
        Err(error) => return Err(engine_error(error)),
    };
    if desk.output.json {
        desk.output.value(&ended.result_line());
    } else {
        let bead = ended.bead.as_str();
        desk.output.line(&summary(desk.output, (bead, &ended.target), &ended.finish));
        for hint in ended.hints() {
            desk.output.say(&format!("  hint: {hint}"));
        }
    }
    Ok(exit(&ended.finish))
}

/// What scripts are told of an end.
pub(super) fn exit(finish: &Finish) -> Exit {
    match finish.outcome {
        Outcome::Landed => Exit::Done,
        // What the project wishes is done: the rest is the user's.
        Outcome::Parked if finish.cause.as_ref().is_some_and(|c| c.as_str() == "branch") => Exit::Done,
        Outcome::Suspended => Exit::Suspended,
        _ => Exit::NotLanded,
    }
}

/// How it ended, in one line, and why, in the next.
pub(super) fn summary(output: Output, (bead, target): (&str, &str), finish: &Finish) -> String {
    let style = match finish.outcome {
        Outcome::Landed => GOOD,
        Outcome::Failed | Outcome::Timeout => BAD,
        _ => WARN,
    };
    let word = paint(style, finish.outcome.as_str());
    let commit = finish.commit.as_ref().map(|c| format!(" {}", c.short())).unwrap_or_default();
    let cause = finish.cause.as_ref().map(|c| format!(" ({})", c.as_str())).unwrap_or_default();
    let landed = finish.outcome == Outcome::Landed;
    let on = if landed { format!(" on {target}") } else { String::new() };
    let mut text = format!(
        "{bead}: {word}{commit}{on}{cause}, {}, ${:.2}",
        tell::count(finish.attempts, "attempt"),
        finish.cost_usd
    );
    if landed {
        return text;
    }
    for line in wrap(&finish.reason, output.width.saturating_sub(2)).iter().filter(|l| !l.is_empty()) {
        text.push_str("\n  ");
        text.push_str(line);
    }
    text
}

/// The first Ctrl-C stops properly, the second leaves at once.
pub(super) async fn listen(mut signals: Signals, stop: Stop, output: Output) {
    let mut told = 0;
    loop {
        signals.next().await;
        stop.more();
        told += 1;
        if told == 1 {
            output.say("stopping: the agent ends properly and its work is kept (again to leave at once)");
        }
    }
}
