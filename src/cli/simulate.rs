//! `bead simulate`: a whole night in a second, with everything but the house itself played.
//!
//! Owns which nights are played, how they are shown, and how a failing one is told so that it can be played
//! again. The simulation is the daemon's (docs/simulator.md). Exit 1 when a night fails.

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;

use super::desk::Desk;
use super::{CliError, Exit};
use crate::config::zone::Zone;
use crate::daemon::error::EngineError;
use crate::daemon::simulate::{self, Failure, Manner, Report, SCENARIOS, Scenario, Soak};
use crate::feed::brief::{Brief, Which};
use crate::journal::Journal;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The number a random night is drawn from; of a scenario, in place of its own
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// A file, or the name of a scenario that comes with the program (docs/simulator.md)
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// So many nights, with this seed and those after it
    #[arg(long, value_name = "N", default_value_t = 1)]
    runs: u64,
    /// Small nights until the daemon has died at so many random points
    #[arg(long, value_name = "N", conflicts_with_all = ["scenario", "runs"])]
    kills: Option<u64>,
    /// Every scenario that comes with the program
    #[arg(long, conflicts_with_all = ["scenario", "kills"])]
    all: bool,
    /// List the scenarios that come with the program
    #[arg(long, conflicts_with_all = ["scenario", "kills", "all"])]
    list: bool,
    /// Print the brief of the night in place of its figures
    #[arg(long, conflicts_with_all = ["kills", "all", "list"])]
    brief: bool,
    /// Do not look for the smallest night that still fails
    #[arg(long)]
    no_shrink: bool,
    /// Where the smallest failing night is written (default: stdout)
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) async fn run(desk: &Desk, args: Args) -> Result<Exit, CliError> {
    if args.list {
        return Ok(list(desk));
    }
    let nights = nights(&args)?;
    let out = args.out.clone();
    let output = desk.output;
    let single = args.runs == 1 && args.kills.is_none() && !args.all;
    // The simulation has a runtime of its own, whose clock stands still while nothing happens.
    let played = tokio::task::spawn_blocking(move || {
        let mut soak = Soak::default();
        for scenario in nights {
            if args.kills.is_some_and(|enough| soak.deaths >= enough) {
                break;
            }
            if single {
                let (report, journal) = simulate::play_and_keep(&scenario, &Manner::default())?;
                let told = if args.brief { brief(&journal)? } else { None };
                match told {
                    Some(brief) => super::brief::show(output, &brief),
                    None if report.holds() || args.no_shrink => show(output, &report),
                    None => {}
                }
                return Ok((soak, (!report.holds()).then_some(Failure { scenario, report })));
            }
            if let Some(failure) = soak.play(scenario)? {
                return Ok((soak, Some(failure)));
            }
        }
        Ok::<_, simulate::PlayError>((soak, None))
    });
    let (soak, failure) = played
        .await
        .map_err(|e| CliError::from_error(Exit::Failed, &e))?
        .map_err(|e| CliError::from_error(Exit::Failed, &e))?;
    if !single {
        if output.json {
            output.document(&soak);
        } else {
            output.line(&format!(
                "{} nights, {} deaths of the daemon, {} beads landed, {} events",
                soak.nights, soak.deaths, soak.landed, soak.events
            ));
        }
    }
    match failure {
        None => Ok(Exit::Done),
        Some(failure) if args.no_shrink => {
            if !single {
                show(desk.output, &failure.report);
            }
            Ok(Exit::Failed)
        }
        Some(failure) => fail(desk, failure, out.as_deref()).await,
    }
}

/// The brief of the night that was played.
fn brief(journal: &Journal) -> Result<Option<Brief>, simulate::PlayError> {
    let last = journal.last_of("night_ended").map_err(EngineError::from)?;
    let Some(now) = last.map(|event| event.at) else { return Ok(None) };
    Ok(crate::feed::brief::of(journal, &Which::Last, now, Zone::UTC).map_err(EngineError::from)?)
}

/// Makes the failing night small and says how to play it again.
async fn fail(desk: &Desk, failure: Failure, out: Option<&Path>) -> Result<Exit, CliError> {
    let seed = failure.scenario.seed;
    if !desk.output.json {
        desk.output.line(&failure.report.story());
    }
    desk.output.say(&format!("the night of seed {seed} failed; making it smaller"));
    let shrunk = tokio::task::spawn_blocking(move || {
        simulate::shrink(failure.scenario, failure.report, &Manner::default())
    });
    let shrunk = shrunk.await.map_err(|e| CliError::from_error(Exit::Failed, &e))?;
    if !desk.output.json {
        desk.output.line(&shrunk.report.story());
    }
    let text = shrunk.scenario.to_yaml();
    let file = match out {
        Some(path) => {
            std::fs::write(path, &text)
                .map_err(|e| CliError::failed(format!("cannot write `{}`: {e}", path.display())))?;
            path.display().to_string()
        }
        None if desk.output.json => {
            let document = serde_json::json!({ "report": shrunk.report, "scenario": text });
            desk.output.document(&document);
            "FILE".to_owned()
        }
        None => {
            desk.output.line(&text);
            "FILE".to_owned()
        }
    };
    desk.output.say(&format!("to play it again: bead simulate --scenario {file}"));
    Ok(Exit::Failed)
}

fn show(output: super::output::Output, report: &Report) {
    if output.json {
        output.document(report);
    } else {
        output.line(report.story().trim_end());
    }
}

fn list(desk: &Desk) -> Exit {
    for (name, text) in SCENARIOS {
        let about = text.lines().next().and_then(|line| line.strip_prefix("about: ")).unwrap_or_default();
        if desk.output.json {
            desk.output.document(&serde_json::json!({ "name": name, "about": about }));
        } else {
            desk.output.line(&format!("{name:34} {}", about.trim_matches('\'')));
        }
    }
    Exit::Done
}

/// The nights to play, in order.
fn nights(args: &Args) -> Result<Box<dyn Iterator<Item = Scenario> + Send>, CliError> {
    let first = args.seed.unwrap_or(1);
    if let Some(enough) = args.kills {
        // Every night has a death or two at least; the end is counted while playing.
        return Ok(Box::new((first..first.saturating_add(enough.saturating_mul(4))).map(Soak::deadly)));
    }
    if args.all {
        let all = SCENARIOS.iter().map(|(name, _)| read(Path::new(name))).collect::<Result<Vec<_>, _>>()?;
        return Ok(Box::new(all.into_iter()));
    }
    let runs = args.runs.max(1);
    match &args.scenario {
        None => Ok(Box::new((first..first.saturating_add(runs)).map(Scenario::random))),
        Some(path) => {
            let scenario = read(path)?;
            let first = args.seed.unwrap_or(scenario.seed);
            Ok(Box::new((first..first.saturating_add(runs)).map(move |seed| scenario.with_seed(seed))))
        }
    }
}

/// An embedded scenario by its name, else a file.
fn read(path: &Path) -> Result<Scenario, CliError> {
    if let Some(known) = path.to_str().and_then(simulate::embedded) {
        return known.map_err(|e| CliError::refused(e.to_string()));
    }
    let bytes = std::fs::read(path).map_err(|e| {
        CliError::refused(format!("cannot read the scenario `{}`: {e}", path.display()))
            .hint("`bead simulate --list` names those that come with the program")
    })?;
    Scenario::parse(&bytes, &path.display().to_string()).map_err(|e| CliError::refused(e.to_string()))
}
