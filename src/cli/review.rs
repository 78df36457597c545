//! `bead review`: an independent agent reads kept work or a branch, and says what it found.
//!
//! Owns the arguments, the report and the exit code: 0 accepted, 4 not, 5 put aside. The review itself is the
//! daemon room's, and nothing lands by it. Start with [`run`].

use std::io::IsTerminal as _;
use std::sync::Arc;

use clap::Args as ClapArgs;

use super::ask::{self, Enter};
use super::desk::{Desk, engine_error};
use super::output::{BAD, DIM, GOOD, WARN, paint};
use super::progress::{Live, wrap};
use super::signals::Signals;
use super::{CliError, Exit, through};
use crate::config::review::CreateBeads;
use crate::daemon::control::client::Client;
use crate::daemon::engine::Engine;
use crate::daemon::filing::{self, Filing, Person};
use crate::daemon::house::{House, Site};
use crate::daemon::opinion::Opinion;
use crate::daemon::stop::Stop;
use crate::domain::clean::clean_line;
use crate::domain::finding::{Origin, Severity};
use crate::domain::ids::BeadId;
use crate::domain::run::Outcome;
use crate::domain::verdict::{Entry, Filed, Review, Standing, Verdict};
use crate::feed::tell;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// What to read: a bead's or a run's kept work, or a branch
    #[arg(value_name = "ID|BRANCH|RUN")]
    what: String,
    /// Make beads of what was found, without asking
    #[arg(long)]
    create_beads: bool,
    /// The reviewer's model (default: `review.model`, else `model`)
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    let stop = Stop::default();
    let signals = tokio::spawn(super::work::listen(Signals::catch()?, stop.clone(), desk.output));
    let read = read(desk, &stop, &args).await;
    signals.abort();
    let Some(read) = read? else { return Ok(Exit::Interrupted) };
    let filed = file(desk, &args, &read).await?;
    report(desk, &read.opinion, &filed);
    Ok(exit(&read.opinion))
}

/// A review that has ended.
struct Reading {
    engine: Engine,
    house: Arc<House>,
    site: Arc<Site>,
    opinion: Opinion,
    /// What a daemon made of it; by itself a terminal files afterwards.
    filed: Option<Vec<Filed>>,
}

/// Through a daemon where one knows the project, else by itself. `None`: the person left.
async fn read(desk: &Desk, stop: &Stop, args: &Args) -> Result<Option<Reading>, CliError> {
    let house = Arc::new(desk.house()?);
    let site = Arc::new(desk.site_in(&house).await?);
    let daemon = match Client::find(&house.places).await {
        Some(daemon) if through::knows(&daemon, &site).await => Some(daemon),
        _ => None,
    };
    let machine = Arc::new(desk.machine(&house)?);
    let live = Live::new(desk.output, BeadId::new(args.what.clone()));
    let engine = Engine::new(Arc::clone(&house), Arc::clone(&site), machine);
    let engine = engine.with_person(stop.clone(), Arc::new(live));
    let (opinion, filed) = match daemon {
        None => (engine.opinion(&args.what, args.model.clone()).await.map_err(engine_error)?, None),
        Some(daemon) => {
            let wish = through::review::Wish {
                what: &args.what,
                create_beads: args.create_beads,
                model: args.model.as_deref(),
            };
            let asked = through::review::ask(desk, stop, (&daemon, &site), wish).await?;
            let Some((opinion, filed)) = asked else { return Ok(None) };
            (opinion, Some(filed))
        }
    };
    Ok(Some(Reading { engine, house, site, opinion, filed }))
}

fn exit(opinion: &Opinion) -> Exit {
    match (&opinion.review, &opinion.ended) {
        (Some(review), _) if review.verdict == Verdict::Accept => Exit::Done,
        (_, Some((Outcome::Suspended, ..))) => Exit::Suspended,
        (_, Some((Outcome::Cancelled, ..))) => Exit::Interrupted,
        _ => Exit::NotLanded,
    }
}

/// Beads come of it only where somebody said so: by the flag, the project's config, or at the terminal.
async fn file(desk: &Desk, args: &Args, read: &Reading) -> Result<Vec<Filed>, CliError> {
    let Reading { engine, house, site, opinion, filed } = read;
    let Some(review) = &opinion.review else { return Ok(Vec::new()) };
    let open = review.ledger.iter().filter(|entry| entry.standing == Standing::Open).count();
    let Some(source) = &opinion.bead else {
        return if args.create_beads && open > 0 {
            Err(CliError::refused(format!(
                "`{}` is no bead's work, so what was found belongs to none",
                args.what
            ))
            .hint("review the bead or its run to have beads made, or `bead add` them"))
        } else {
            Ok(Vec::new())
        };
    };
    let create = engine.create_beads(opinion).await.map_err(engine_error)?;
    let asks = !desk.output.json && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if open == 0 {
        return Ok(Vec::new());
    }
    // The daemon has done what nobody is asked about.
    if let Some(filed) = filed
        && (args.create_beads || create == CreateBeads::Auto)
    {
        return Ok(filed.clone());
    }
    let person = match create {
        _ if args.create_beads => Person::Agreed,
        CreateBeads::Auto => Person::Absent,
        CreateBeads::Ask if asks => {
            report_findings(desk, review);
            let beads = tell::count(u32::try_from(open).unwrap_or(u32::MAX), "bead");
            if !ask::agreed(&format!("make {beads} of this?"), Enter::No).await? {
                return Ok(Vec::new());
            }
            Person::Agreed
        }
        CreateBeads::Ask | CreateBeads::Never => return Ok(Vec::new()),
    };
    let run = opinion.run.as_ref();
    let filing = Filing { house, site, source, run, attempt: None, create, person };
    Ok(filing::file(&filing, &review.ledger).await.map_err(engine_error)?.filed)
}

fn report(desk: &Desk, opinion: &Opinion, filed: &[Filed]) {
    let output = desk.output;
    let review = opinion.review.as_ref();
    if output.json {
        output.value(&opinion.line(filed));
        return;
    }
    let Some(review) = review else {
        let reason = opinion.ended.as_ref().map(|e| e.2.as_str()).unwrap_or_default();
        let (word, reason) = (paint(BAD, "no review"), clean_line(reason));
        output.line(&format!("{word}: {reason}, ${:.2}", opinion.cost_usd));
        return;
    };
    let (style, word) = match review.verdict {
        Verdict::Accept => (GOOD, "accepted"),
        _ => (WARN, "not accepted"),
    };
    let reason = clean_line(&review.reason);
    output.line(&format!("{}: {reason}, ${:.2}", paint(style, word), opinion.cost_usd));
    report_findings(desk, review);
    for one in filed {
        let what = match (&one.bead, &one.why) {
            (Some(bead), None) if one.proposed => format!("{bead} (proposed: `bead approve {bead}`)"),
            (Some(bead), None) => bead.to_string(),
            (_, Some(why)) => why.clone(),
            (None, None) => "no bead".to_owned(),
        };
        output.line(&format!("  {} {}: {}", paint(DIM, "->"), clean_line(&one.title), clean_line(&what)));
    }
    if let Some(run) = &opinion.run {
        output.say(&format!("  its words: `bead logs {run}`"));
    }
}

fn report_findings(desk: &Desk, review: &Review) {
    let output = desk.output;
    for Entry { finding, origin, .. } in &review.ledger {
        let style = match finding.severity {
            Severity::Critical | Severity::Major => BAD,
            Severity::Minor | Severity::Note => DIM,
        };
        let place = match (&finding.file, finding.line) {
            (Some(file), Some(line)) => format!(" {}", clean_line(&format!("{file}:{line}"))),
            (Some(file), None) => format!(" {}", clean_line(file)),
            _ => String::new(),
        };
        let old = if *origin == Origin::PreExisting { " (was there before)" } else { "" };
        let severity = paint(style, finding.severity.as_str());
        output.line(&format!("  {severity}{place}: {}{old}", clean_line(&finding.title)));
        for line in wrap(&clean_line(&finding.detail), output.width.saturating_sub(6)).iter().take(6) {
            output.line(&format!("      {line}"));
        }
    }
}

#[cfg(test)]
mod tests;
